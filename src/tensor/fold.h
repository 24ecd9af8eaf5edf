/* The sums, or the largest, of the lanes of VL vectors at once, for the *_kernels.c sources: a third of the work of one
 * after the other. */
#ifndef FFN__FOLD_H
#define FFN__FOLD_H

#include "tensor/transpose.h"

/* For a power of two s below VL, rows i and i + s as in a transposition (Eklundh 1972) swap the lanes that differ in that
 * bit. Lane i of the first and the second result, as numbers of a lane of both rows: */
#define FFN__FIRST(s, i)    ((i) & (s) ? VL + (i) - (s) : (i))
#define FFN__SECOND(s, i)   ((i) & (s) ? VL + (i) : (i) + (s))
#define FFN__TWO(F, s, i)   F(s, i), F(s, i + 1)
#define FFN__FOUR(F, s, i)  FFN__TWO(F, s, i), FFN__TWO(F, s, i + 2)
#define FFN__EIGHT(F, s, i) FFN__FOUR(F, s, i), FFN__FOUR(F, s, i + 4)
#if VL == 16
#define FFN__ALL(F, s) FFN__EIGHT(F, s, 0), FFN__EIGHT(F, s, 8)
#elif VL == 8
#define FFN__ALL(F, s) FFN__EIGHT(F, s, 0)
#elif VL == 4
#define FFN__ALL(F, s) FFN__FOUR(F, s, 0)
#else
#define FFN__ALL(F, s) FFN__TWO(F, s, 0)
#endif

/* The swap of pairs of rows, and `operation` on both: half as many rows are left. */
#define FFN__FOLD(operation, s)                                                                                        \
    for (size_t i = 0; i < VL; i += 2 * (s)) {                                                                         \
        const vec a = row[i], b = row[i + (s)];                                                                        \
        row[i] = operation(__builtin_shufflevector(a, b, FFN__ALL(FFN__FIRST, s)),                                     \
                           __builtin_shufflevector(a, b, FFN__ALL(FFN__SECOND, s)));                                   \
    }

/* `operation` on a vector and itself with lanes swapped: lane by lane what FFN__FOLD does with a row. */
#define FFN__SELF(operation, s) v = operation(v, __builtin_shufflevector(v, v, FFN__ALL(FFN__OTHER, s)));
#define FFN__OTHER(s, i)        ((i) ^ (s))

#if VL == 16
#define FFN__EACH_BIT(step, operation) step(operation, 1) step(operation, 2) step(operation, 4) step(operation, 8)
#elif VL == 8
#define FFN__EACH_BIT(step, operation) step(operation, 1) step(operation, 2) step(operation, 4)
#elif VL == 4
#define FFN__EACH_BIT(step, operation) step(operation, 1) step(operation, 2)
#else
#define FFN__EACH_BIT(step, operation) step(operation, 1)
#endif

VECTOR_INLINE vec vec_add(vec a, vec b) { return a + b; }

/* The sum of row i's lanes in lane i, and the largest of them. */
VECTOR_INLINE vec sums_of_lanes(vec row[VL])
{
    FFN__EACH_BIT(FFN__FOLD, vec_add)
    return row[0];
}

VECTOR_INLINE vec maxima_of_lanes(vec row[VL])
{
    FFN__EACH_BIT(FFN__FOLD, vec_max)
    return row[0];
}

/* The same of one row, with the same bits, in every lane. */
VECTOR_INLINE vec sum_of_lanes(vec v)
{
    FFN__EACH_BIT(FFN__SELF, vec_add)
    return v;
}

VECTOR_INLINE vec maximum_of_lanes(vec v)
{
    FFN__EACH_BIT(FFN__SELF, vec_max)
    return v;
}

#if VL >= 4
/* The sum of row i's lanes in lane i, for four rows. */
VECTOR_INLINE vec sums_of_four(const vec row[4])
{
    const vec ab = __builtin_shufflevector(row[0], row[1], FFN__IN_QUADS(0, 1, VL, VL + 1)) +
                   __builtin_shufflevector(row[0], row[1], FFN__IN_QUADS(2, 3, VL + 2, VL + 3));
    const vec cd = __builtin_shufflevector(row[2], row[3], FFN__IN_QUADS(0, 1, VL, VL + 1)) +
                   __builtin_shufflevector(row[2], row[3], FFN__IN_QUADS(2, 3, VL + 2, VL + 3));
    vec quads = __builtin_shufflevector(ab, cd, FFN__IN_QUADS(0, 2, VL, VL + 2)) +
                __builtin_shufflevector(ab, cd, FFN__IN_QUADS(1, 3, VL + 1, VL + 3));
#if VL == 16
    quads += __builtin_shufflevector(quads, quads, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    quads += __builtin_shufflevector(quads, quads, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
#elif VL == 8
    quads += __builtin_shufflevector(quads, quads, 4, 5, 6, 7, 0, 1, 2, 3);
#endif
    return quads;
}
#endif

#endif
