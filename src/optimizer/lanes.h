/* What the optimizers' kernels share: loops over [n] take VL elements at a time, and the last ones through the same
 * instructions, so that an element's bits depend neither on its place nor on the array's length. */
#ifndef FFN__OPTIMIZER_LANES_H
#define FFN__OPTIMIZER_LANES_H

#include "tensor/vector.h"

#include <float.h>
#include <math.h>

/* So many vectors are taken side by side, where registers allow it, since the operations on one wait for each other. */
enum { LANES_GROUP = VL >= 8 ? 4 : 1 };

/* The first `count` elements of v; 0 behind them. */
VECTOR_INLINE vec lanes_first(vec v, size_t count)
{
    return vec_select(lane_numbers() < ivec_set((lane)count), v, vec_set(0));
}

/* Stores fresh [vectors], the first ones of w [left]. An element that is not finite is left out: there w stays as it is,
 * and `lost` becomes true. */
VECTOR_INLINE void lanes_store_finite(int vectors, float *w, size_t left, vec *fresh, bool *lost)
{
    vec all = {0}; /* becomes NaN, where the sum of 0 times the others is 0 */
    if (left < VL) fresh[0] = lanes_first(fresh[0], left);
    for (int i = 0; i < vectors; i++) all += 0 * fresh[i];
    if (__builtin_expect(ivec_any(all != 0), 0)) {
        *lost = true;
        for (int i = 0; i < vectors; i++)
            fresh[i] = vec_select(vec_abs(fresh[i]) <= FLT_MAX, fresh[i], vec_load_left(w + i * VL, left));
    }
    for (int i = 0; i < vectors; i++) vec_store_left(w + i * VL, fresh[i], left);
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

/* half = x / (2 (sqrt(square) + epsilon)), for so many vectors. With AVX-512 by its estimates of 1 / sqrt and 1 / x and a
 * step of Newton's method each, in a fifth of the time, to 2.8 ulp; elsewhere by a root, a sum and a quotient, each
 * correctly rounded, to 2.4 ulp. The factor that makes it a step belongs into a vec_mul_add with the weight. */
VECTOR_INLINE void lanes_by_root(int vectors, const vec *x, const vec *square, float epsilon, vec *half)
{
#if VL == 16
    vec twice[LANES_GROUP], inverse[LANES_GROUP];
    for (int i = 0; i < vectors; i++) { /* 1 / sqrt(0) is infinite; cut, it makes a root of 0 */
        inverse[i] = vec_min((vec)_mm512_rsqrt14_ps((__m512)square[i]), vec_set(FLT_MAX));
        twice[i] = square[i] * inverse[i];
    }
    for (int i = 0; i < vectors; i++) {
        twice[i] = twice[i] * (3 - twice[i] * inverse[i]) + 2 * epsilon;
        inverse[i] = (vec)_mm512_rcp14_ps((__m512)twice[i]);
        half[i] = x[i] * inverse[i];
    }
    for (int i = 0; i < vectors; i++) half[i] += inverse[i] * (x[i] - twice[i] * half[i]);
#else
    vec root[LANES_GROUP];
    for (int i = 0; i < vectors; i++) root[i] = lanes_root(square[i]) + epsilon;
    for (int i = 0; i < vectors; i++) half[i] = (float)0.5 * x[i] / root[i];
#endif
}

/* The sign of x, 0 for 0; NaN stays. */
VECTOR_INLINE vec lanes_sign(vec x) { return vec_select(x > 0, vec_set(1), vec_select(x < 0, vec_set(-1), x)); }

#endif
