/* What the optimizers' kernels share: loops over [n] take VL elements at a time, and the last ones through the same
 * instructions, so that an element's bits depend neither on its place nor on the array's length. */
#ifndef FFN__OPTIMIZER_LANES_H
#define FFN__OPTIMIZER_LANES_H

#include "tensor/vector.h"

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

/* The sign of x, 0 for 0; NaN stays. */
VECTOR_INLINE vec lanes_sign(vec x) { return vec_select(x > 0, vec_set(1), vec_select(x < 0, vec_set(-1), x)); }

#endif
