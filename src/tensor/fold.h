/* The sums, or the largest, of the lanes of VL vectors at once, for the *_kernels.c sources: a third of the work of one
 * after the other. */
#ifndef FFN__FOLD_H
#define FFN__FOLD_H

#include "tensor/transpose.h"
#include "tensor/wide.h"

/* For a power of two s below n, rows i and i + s of n lanes as in a transposition (Eklundh 1972) swap the lanes that differ
 * in that bit. Lane i of the first and the second result, as numbers of a lane of both rows; and of a row and itself: */
#define FFN__FIRST(n, s, i)    ((i) & (s) ? (n) + (i) - (s) : (i))
#define FFN__SECOND(n, s, i)   ((i) & (s) ? (n) + (i) : (i) + (s))
#define FFN__OTHER(n, s, i)    ((i) ^ (s))
#define FFN__TWO(F, n, s, i)   F(n, s, i), F(n, s, i + 1)
#define FFN__FOUR(F, n, s, i)  FFN__TWO(F, n, s, i), FFN__TWO(F, n, s, i + 2)
#define FFN__EIGHT(F, n, s, i) FFN__FOUR(F, n, s, i), FFN__FOUR(F, n, s, i + 4)

/* A vector of VL floats or WL doubles: its type, lanes, all of them by F, and `step` for each bit of a lane's number. */
#if VL == 16
#define FFN__ALL_vec(F, s)             FFN__EIGHT(F, 16, s, 0), FFN__EIGHT(F, 16, s, 8)
#define FFN__BITS_vec(step, operation) FFN__BITS_8(step, vec, VL, operation) step(vec, VL, operation, 8)
#elif VL == 8
#define FFN__ALL_vec(F, s)             FFN__EIGHT(F, 8, s, 0)
#define FFN__BITS_vec(step, operation) FFN__BITS_8(step, vec, VL, operation)
#elif VL == 4
#define FFN__ALL_vec(F, s)             FFN__FOUR(F, 4, s, 0)
#define FFN__BITS_vec(step, operation) FFN__BITS_4(step, vec, VL, operation)
#else
#define FFN__ALL_vec(F, s)             FFN__TWO(F, 2, s, 0)
#define FFN__BITS_vec(step, operation) step(vec, VL, operation, 1)
#endif
#if WL == 8
#define FFN__ALL_wide(F, s)             FFN__EIGHT(F, 8, s, 0)
#define FFN__BITS_wide(step, operation) FFN__BITS_8(step, wide, WL, operation)
#elif WL == 4
#define FFN__ALL_wide(F, s)             FFN__FOUR(F, 4, s, 0)
#define FFN__BITS_wide(step, operation) FFN__BITS_4(step, wide, WL, operation)
#else
#define FFN__ALL_wide(F, s)             FFN__TWO(F, 2, s, 0)
#define FFN__BITS_wide(step, operation) step(wide, WL, operation, 1)
#endif
#define FFN__BITS_4(step, type, n, operation) step(type, n, operation, 1) step(type, n, operation, 2)
#define FFN__BITS_8(step, type, n, operation) FFN__BITS_4(step, type, n, operation) step(type, n, operation, 4)

/* The swap of pairs of rows, and `operation` on both: half as many rows are left. */
#define FFN__FOLD(type, n, operation, s)                                                                               \
    for (size_t i = 0; i < (n); i += 2 * (s)) {                                                                        \
        const type a = row[i], b = row[i + (s)];                                                                       \
        row[i] = operation(__builtin_shufflevector(a, b, FFN__ALL_##type(FFN__FIRST, s)),                              \
                           __builtin_shufflevector(a, b, FFN__ALL_##type(FFN__SECOND, s)));                            \
    }

/* `operation` on a vector and itself with lanes swapped: lane by lane what FFN__FOLD does with a row. */
#define FFN__SELF(type, n, operation, s)                                                                               \
    v = operation(v, __builtin_shufflevector(v, v, FFN__ALL_##type(FFN__OTHER, s)));

VECTOR_INLINE vec vec_add(vec a, vec b) { return a + b; }
VECTOR_INLINE wide wide_add(wide a, wide b) { return a + b; }

/* The sum of row i's lanes in lane i, and the largest of them. */
VECTOR_INLINE vec sums_of_lanes(vec row[VL]) { FFN__BITS_vec(FFN__FOLD, vec_add) return row[0]; }

VECTOR_INLINE vec maxima_of_lanes(vec row[VL]) { FFN__BITS_vec(FFN__FOLD, vec_max) return row[0]; }

/* The same of one row, with the same bits, in every lane. */
VECTOR_INLINE vec sum_of_lanes(vec v) { FFN__BITS_vec(FFN__SELF, vec_add) return v; }

VECTOR_INLINE vec maximum_of_lanes(vec v) { FFN__BITS_vec(FFN__SELF, vec_max) return v; }

/* Sums of WL rows of doubles, and of one */
VECTOR_INLINE wide sums_of_wides(wide row[WL]) { FFN__BITS_wide(FFN__FOLD, wide_add) return row[0]; }

VECTOR_INLINE wide sum_of_wide(wide v) { FFN__BITS_wide(FFN__SELF, wide_add) return v; }

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
