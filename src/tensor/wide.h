/* Doubles beside vector.h's floats, in registers of the same size: what sums and losses are computed in. A vec holds
 * the floats of WIDE_PARTS wides. */
#ifndef FFN__WIDE_H
#define FFN__WIDE_H

#include "tensor/vector.h"

#ifdef FFN_DOUBLE
#define WL VL
#else
#define WL (VL / 2)
#endif
enum { WIDE_PARTS = VL / WL };

typedef double wide __attribute__((vector_size(WL * sizeof(double))));
typedef int64_t iwide __attribute__((vector_size(WL * sizeof(int64_t))));
typedef float narrow __attribute__((vector_size(WL * sizeof(float))));

VECTOR_INLINE wide wide_set(double x) { return x - (wide){0}; }

/* Part `part` of v in double, and back. */
VECTOR_INLINE wide wide_part(vec v, size_t part)
{
    narrow floats;
    memcpy(&floats, (const char *)&v + part * sizeof(floats), sizeof(floats));
    return __builtin_convertvector(floats, wide);
}

VECTOR_INLINE void vec_set_part(vec *v, size_t part, wide x)
{
    const narrow floats = __builtin_convertvector(x, narrow);
    memcpy((char *)v + part * sizeof(floats), &floats, sizeof(floats));
}

/* Lane by lane a where mask is -1, b where it is 0. */
VECTOR_INLINE wide wide_select(iwide mask, wide a, wide b) { return (wide)((mask & (iwide)a) | (~mask & (iwide)b)); }
VECTOR_INLINE wide wide_abs(wide x) { return (wide)((iwide)x & ~(iwide)wide_set(-0.0)); }

/* The first n lanes of x; 0 in the others. */
VECTOR_INLINE wide wide_first(wide x, size_t n)
{
    for (size_t i = n; i < WL; i++) x[i] = 0;
    return x;
}

/* The sum of the lanes, in a fixed order. */
VECTOR_INLINE double wide_sum(wide x)
{
    double part[WL];
    memcpy(part, &x, sizeof(part));
    for (size_t half = WL / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

#endif
