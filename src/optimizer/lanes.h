/* What the optimizers' kernels share: loops over [n] take VL elements at a time, and the last ones through the same
 * instructions, so that an element's bits depend neither on its place nor on the array's length. */
#ifndef FFN__OPTIMIZER_LANES_H
#define FFN__OPTIMIZER_LANES_H

#include "tensor/vector.h"

#include <float.h>
#include <math.h>

/* The first VL of x [left]; 0 behind its end. */
VECTOR_INLINE vec lanes_load(const float *x, size_t left) { return left >= VL ? vec_load(x) : vec_load_part(x, left); }

VECTOR_INLINE void lanes_store(float *x, size_t left, vec v)
{
    if (left >= VL)
        vec_store(x, v);
    else
        vec_store_part(x, v, left);
}

/* Whether a weight's new value was not finite. */
#if VL == 16
typedef unsigned lanes_lost;
VECTOR_INLINE bool lanes_any(lanes_lost lost) { return lost != 0; }
#else
typedef ivec lanes_lost;
VECTOR_INLINE bool lanes_any(lanes_lost lost) { return ivec_any(lost); }
#endif

/* Stores the lanes of `fresh` that are finite; where the others belong, w [left] stays. */
VECTOR_INLINE void lanes_store_finite(float *w, size_t left, vec fresh, vec old, lanes_lost *lost)
{
#if VL == 16
    enum { NANS_AND_INFINITIES = 0x99 };
    const __mmask16 bad = _mm512_fpclass_ps_mask((__m512)fresh, NANS_AND_INFINITIES);
    const unsigned within = left >= VL ? 0xFFFFU : (1U << left) - 1;
    *lost |= bad & within;
    lanes_store(w, left, (vec)_mm512_mask_mov_ps((__m512)fresh, bad, (__m512)old));
#else
    if (left < VL) { /* what stands behind the end does not count */
        const vec whole = fresh;
        fresh = vec_set(0);
        vec_store_part((float *)&fresh, whole, left);
    }
    const ivec finite = vec_abs(fresh) <= FLT_MAX;
    *lost |= ~finite;
    lanes_store(w, left, vec_select(finite, fresh, old));
#endif
}

/* The square root, correctly rounded. */
VECTOR_INLINE vec lanes_root(vec x)
{
#ifdef FFN__X86
    return (vec)FFN__X86(sqrt_ps)(x);
#else
    for (int i = 0; i < VL; i++) x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* x / (sqrt(square) + epsilon). With AVX-512 by its estimates of 1 / sqrt and 1 / x and a step of Newton's method each,
 * in a quarter of the time, to within 2 ulp; exact elsewhere. */
VECTOR_INLINE vec lanes_by_root(vec x, vec square, float epsilon)
{
#if VL == 16
    /* 1 / sqrt(0) is infinite; cut, it makes a root of 0 */
    const vec inverse = vec_min((vec)_mm512_rsqrt14_ps((__m512)square), vec_set(FLT_MAX));
    vec root = square * inverse;
    root += (float)0.5 * root * (1 - root * inverse);
    const vec divisor = root + epsilon;
    const vec reciprocal = (vec)_mm512_rcp14_ps((__m512)divisor);
    const vec quotient = x * reciprocal;
    return quotient + reciprocal * (x - divisor * quotient);
#else
    return x / (lanes_root(square) + epsilon);
#endif
}

/* The sign of x, 0 for 0; NaN stays. */
VECTOR_INLINE vec lanes_sign(vec x) { return vec_select(x > 0, vec_set(1), vec_select(x < 0, vec_set(-1), x)); }

#endif
