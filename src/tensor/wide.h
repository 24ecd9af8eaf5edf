/* Doubles beside vector.h's floats, in registers of the same size: what sums and losses are computed in. A vec holds
 * the floats of WIDE_PARTS wides. */
#ifndef FFN__WIDE_H
#define FFN__WIDE_H

#include "tensor/vector.h"
#include <math.h>

#ifdef FFN_DOUBLE
#define WL VL
#else
#define WL (VL / 2)
#endif
enum { WIDE_PARTS = VL / WL };

typedef double wide __attribute__((vector_size(WL * sizeof(double))));
typedef int64_t iwide __attribute__((vector_size(WL * sizeof(int64_t))));
typedef uint64_t uwide __attribute__((vector_size(WL * sizeof(uint64_t)))); /* for sums of bits that may overflow */
typedef float narrow __attribute__((vector_size(WL * sizeof(float))));

VECTOR_INLINE wide wide_set(double x) { return x - (wide){0}; }

/* Part `part` of v in double, and back. Compilers take the way of the last case through memory. */
VECTOR_INLINE wide wide_part(vec v, size_t part)
{
#if VL == 16
    const __m512d both = (__m512d)v;
    return (wide)_mm512_cvtps_pd((__m256)(part ? _mm512_extractf64x4_pd(both, 1) : _mm512_castpd512_pd256(both)));
#elif VL == 8
    const __m256 both = (__m256)v;
    return (wide)_mm256_cvtps_pd(part ? _mm256_extractf128_ps(both, 1) : _mm256_castps256_ps128(both));
#else
    narrow floats;
    memcpy(&floats, (const char *)&v + part * sizeof(floats), sizeof(floats));
    return __builtin_convertvector(floats, wide);
#endif
}

/* WL floats */
VECTOR_INLINE wide wide_load(const float *x)
{
    narrow floats;
    memcpy(&floats, x, sizeof(floats));
#if VL == 16
    return (wide)_mm512_cvtps_pd((__m256)floats);
#elif VL == 8
    return (wide)_mm256_cvtps_pd((__m128)floats);
#else
    return __builtin_convertvector(floats, wide);
#endif
}

VECTOR_INLINE void vec_set_part(vec *v, size_t part, wide x)
{
#if VL == 16
    const __m256d floats = (__m256d)_mm512_cvtpd_ps((__m512d)x);
    *v = (vec)(part ? _mm512_insertf64x4((__m512d)*v, floats, 1) : _mm512_insertf64x4((__m512d)*v, floats, 0));
#elif VL == 8
    const __m128 floats = _mm256_cvtpd_ps((__m256d)x);
    *v = (vec)(part ? _mm256_insertf128_ps((__m256)*v, floats, 1) : _mm256_insertf128_ps((__m256)*v, floats, 0));
#else
    const narrow floats = __builtin_convertvector(x, narrow);
    memcpy((char *)v + part * sizeof(floats), &floats, sizeof(floats));
#endif
}

/* Lane by lane a where mask is -1, b where it is 0. */
VECTOR_INLINE wide wide_select(iwide mask, wide a, wide b) { return (wide)((mask & (iwide)a) | (~mask & (iwide)b)); }
VECTOR_INLINE wide wide_abs(wide x) { return (wide)((iwide)x & ~(iwide)wide_set(-0.0)); }

/* log(a / b) for normal a, b > 0, within 1e-9 of itself, which is enough for a float; NaN if a is. With a = 2^k m b and
 * s = (m - 1) / (m + 1) it is k ln 2 + 2 (s + s^3 / 3 + s^5 / 5 + ...). */
VECTOR_INLINE wide wide_log_ratio(wide a, wide b)
{
#ifdef FFN_DOUBLE
    for (size_t i = 0; i < WL; i++) a[i] = log(a[i] / b[i]);
    return a;
#else
    const double rounder = 0x1.8p52;
    const iwide k = (iwide)((uwide)a - (uwide)b + (UINT64_C(1) << 51)) >> 52;
    const wide scaled = (wide)((uwide)b + ((uwide)k << 52)), s = (a - scaled) / (a + scaled), z = s * s;
    const wide series = ((((z * (1.0 / 11) + 1.0 / 9) * z + 1.0 / 7) * z + 1.0 / 5) * z + 1.0 / 3) * z;
    const wide exponent = (wide)((iwide)wide_set(rounder) + k) - rounder;
    return (exponent * 0.69314718055994530942 + (2 * s + 2 * s * series)) + (a - a);
#endif
}

/* The first n lanes of x; 0 in the others. */
VECTOR_INLINE wide wide_first(wide x, size_t n)
{
    for (size_t i = n; i < WL; i++) x[i] = 0;
    return x;
}

/* The sum of the lanes: halves are added until two lanes are left. */
VECTOR_INLINE double wide_sum(wide x)
{
#if WL == 8
    x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1);
#elif WL == 4
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1);
#endif
    return x[0] + x[1];
}

/* Their product, likewise. */
VECTOR_INLINE double wide_product(wide x)
{
#if WL == 8
    x *= __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x *= __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1);
#elif WL == 4
    x *= __builtin_shufflevector(x, x, 2, 3, 0, 1);
#endif
    return x[0] * x[1];
}

#endif
