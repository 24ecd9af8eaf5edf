/* Vectors of VL floats for the *_kernels.c sources, by the compiler's vector types. The width follows the instruction
 * set a source is compiled for, so everything here is static and inlined. Arithmetic, comparison and bit operators work
 * on the types directly; a comparison of vec gives an ivec mask of 0 and -1. */
#ifndef FFN__VECTOR_H
#define FFN__VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef FFN_DOUBLE /* the double build: 16 bytes, the widest type every processor can pass */
#define VL 2
typedef int64_t lane;
typedef uint64_t ulane;
#else
#if defined(__AVX512F__)
#define VL                  16
#define FFN__X86(operation) _mm512_##operation
#define FFN__X86_INTEGERS   __m512i
#elif defined(__AVX2__)
#define VL                  8
#define FFN__X86(operation) _mm256_##operation
#define FFN__X86_INTEGERS   __m256i
#else
#define VL 4
#if defined(__SSE2__)
#define FFN__X86(operation) _mm_##operation
#endif
#endif
#ifdef FFN__X86
#include <immintrin.h>
#endif
typedef int32_t lane;
typedef uint32_t ulane;
#endif

typedef float vec __attribute__((vector_size(VL * sizeof(float))));
typedef lane ivec __attribute__((vector_size(VL * sizeof(lane))));
typedef ulane uvec __attribute__((vector_size(VL * sizeof(ulane))));

#define VECTOR_INLINE static inline __attribute__((always_inline, unused))
/* Before a loop whose vectors are to stay in registers, and before one that is to take two steps at a time. */
#if defined(__clang__)
#define UNROLL   _Pragma("clang loop unroll(full)")
#define IN_PAIRS _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL   _Pragma("GCC unroll 32")
#define IN_PAIRS _Pragma("GCC unroll 2")
#endif

VECTOR_INLINE vec vec_set(float x) { return x - (vec){0}; } /* x in every lane; the sign of zero stays */
VECTOR_INLINE ivec ivec_set(lane x) { return x - (ivec){0}; }

/* 0, 1, 2, ... */
VECTOR_INLINE ivec lane_numbers(void)
{
    static const lane numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ivec all;
    memcpy(&all, numbers, sizeof all);
    return all;
}

VECTOR_INLINE vec vec_load(const float *x)
{
    vec v;
    memcpy(&v, x, sizeof(v));
    return v;
}

VECTOR_INLINE void vec_store(float *x, vec v) { memcpy(x, &v, sizeof(v)); }

/* The first n < VL floats, the other lanes zero; memory behind them is not touched. */
VECTOR_INLINE vec vec_load_part(const float *x, size_t n)
{
#if VL == 16
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1U << n) - 1), x);
#elif VL == 8
    const ivec index = {0, 1, 2, 3, 4, 5, 6, 7};
    return (vec)_mm256_maskload_ps(x, (__m256i)(index < ivec_set((lane)n)));
#elif VL == 4
    return (vec){n > 0 ? x[0] : 0, n > 1 ? x[1] : 0, n > 2 ? x[2] : 0};
#else
    return (vec){n > 0 ? x[0] : 0};
#endif
}

VECTOR_INLINE void vec_store_part(float *x, vec v, size_t n)
{
#if VL == 16
    _mm512_mask_storeu_ps(x, (__mmask16)((1U << n) - 1), (__m512)v);
#elif VL == 8
    const ivec index = {0, 1, 2, 3, 4, 5, 6, 7};
    _mm256_maskstore_ps(x, (__m256i)(index < ivec_set((lane)n)), (__m256)v);
#else
    if (n > 0) x[0] = v[0];
#if VL == 4
    if (n > 1) x[1] = v[1];
    if (n > 2) x[2] = v[2];
#endif
#endif
}

/* The first VL of x [left]; 0 behind its end. */
VECTOR_INLINE vec vec_load_left(const float *x, size_t left)
{
    return left >= VL ? vec_load(x) : vec_load_part(x, left);
}

VECTOR_INLINE void vec_store_left(float *x, vec v, size_t left)
{
    if (left >= VL)
        vec_store(x, v);
    else
        vec_store_part(x, v, left);
}

/* Lane by lane a where mask is -1, b where it is 0. */
VECTOR_INLINE vec vec_select(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
VECTOR_INLINE ivec ivec_select(ivec mask, ivec a, ivec b) { return (mask & a) | (~mask & b); }

/* a < b ? a : b and a > b ? a : b: if either is NaN, b. */
VECTOR_INLINE vec vec_min(vec a, vec b)
{
#ifdef FFN__X86
    return (vec)FFN__X86(min_ps)(a, b);
#else
    return vec_select(a < b, a, b);
#endif
}

VECTOR_INLINE vec vec_max(vec a, vec b)
{
#ifdef FFN__X86
    return (vec)FFN__X86(max_ps)(a, b);
#else
    return vec_select(a > b, a, b);
#endif
}

VECTOR_INLINE ivec ivec_max(ivec a, ivec b)
{
#if VL >= 8
    return (ivec)FFN__X86(max_epi32)((FFN__X86_INTEGERS)a, (FFN__X86_INTEGERS)b);
#else
    return ivec_select(a > b, a, b);
#endif
}

/* a b + c with one rounding where the processor does that, else with two. Where two products are summed, a compiler may
 * take either of them into such an instruction, here one thing and there another: this says which. */
VECTOR_INLINE vec vec_mul_add(vec a, vec b, vec c)
{
#if defined(__FMA__) && defined(FFN__X86)
    return (vec)FFN__X86(fmadd_ps)(a, b, c);
#elif defined(__FP_FAST_FMAF) && !defined(FFN_DOUBLE)
    for (int i = 0; i < VL; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}

/* |x|, by its sign bit: NaN stays NaN. */
VECTOR_INLINE vec vec_abs(vec x) { return (vec)((ivec)x & ~(ivec)vec_set(-(float)0)); }

/* v[i[lane] mod VL] in each lane */
VECTOR_INLINE vec vec_permute(vec v, ivec i)
{
#if VL == 16
    return (vec)_mm512_permutexvar_ps((__m512i)i, (__m512)v);
#elif VL == 8
    return (vec)_mm256_permutevar8x32_ps((__m256)v, (__m256i)i);
#else
    vec permuted;
    for (size_t lane_number = 0; lane_number < VL; lane_number++)
        permuted[lane_number] = v[(size_t)i[lane_number] % VL];
    return permuted;
#endif
}

/* The sum of the lanes: halves are added until two lanes are left. */
VECTOR_INLINE float vec_sum(vec v)
{
#if VL == 16
    v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
#elif VL == 8
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1);
#elif VL == 4
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
    return v[0] + v[1];
}

/* The largest lane; one of the others if there is a NaN. */
VECTOR_INLINE float vec_largest(vec v)
{
#if VL == 16
    v = vec_max(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    v = vec_max(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
    v = vec_max(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
#elif VL == 8
    v = vec_max(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
    v = vec_max(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1));
#elif VL == 4
    v = vec_max(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
#endif
    return v[0] > v[1] ? v[0] : v[1];
}

/* Whether any lane of a mask is set. */
VECTOR_INLINE bool ivec_any(ivec mask)
{
#if VL == 16
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif VL == 8
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
    lane any = 0;
    for (size_t i = 0; i < VL; i++) any |= mask[i];
    return any != 0;
#endif
}

#endif
