/* Functions by tables, where a processor looks 32 floats up in one instruction: polynomials on 32 intervals of equal
 * width, each in the distance from a centre. Half as much work as by exponentials. pieces.py makes the tables. */
#ifndef FFN__PIECES_H
#define FFN__PIECES_H

#include "tensor/vector.h"

#if VL == 16
#define FFN__HAS_PIECES 1

enum { PIECES = 32, PIECES_DEGREE = 6 };

typedef struct pieces {
    float inverse_width;
    _Alignas(64) float centre[PIECES];
    float coefficient[PIECES_DEGREE + 1][PIECES]; /* of a power; 0 above a table's degree */
} pieces;

/* table[i mod 32] for the integer i in the low bits of each lane */
VECTOR_INLINE vec pieces_look_up(const float table[PIECES], ivec i)
{
    return (vec)_mm512_permutex2var_ps(_mm512_loadu_ps(table), (__m512i)i, _mm512_loadu_ps(table + PIECES / 2));
}

/* Where a falls within the intervals: the interval, and the distance from its centre. */
typedef struct pieces_place {
    ivec i;
    vec t;
} pieces_place;

VECTOR_INLINE pieces_place pieces_find(const pieces *p, vec a)
{
    const ivec i = (ivec)(a * p->inverse_width + (float)0x1.8p23); /* rounded to an integer */
    return (pieces_place){i, a - pieces_look_up(p->centre, i)};
}

/* The polynomial's terms from `lowest` on, over t^lowest. `degree` is the table's. */
VECTOR_INLINE vec pieces_terms(const pieces *p, int degree, int lowest, pieces_place at)
{
    vec sum = pieces_look_up(p->coefficient[degree], at.i);
    for (int power = degree - 1; power >= lowest; power--)
        sum = sum * at.t + pieces_look_up(p->coefficient[power], at.i);
    return sum;
}

/* The function at a, within the intervals. */
VECTOR_INLINE vec pieces_value(const pieces *p, int degree, vec a)
{
    return pieces_terms(p, degree, 0, pieces_find(p, a));
}

/* Whether any lane is below `bound`; NaN is not. */
VECTOR_INLINE bool vec_any_below(vec x, float bound)
{
    return _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(bound), _CMP_LT_OQ) != 0;
}

/* `near`, which holds for x >= bound, but tail(x) below: rare enough to be worth a branch. */
VECTOR_INLINE vec pieces_or_tail(vec near, vec x, float bound, vec (*tail)(vec x))
{
    if (__builtin_expect(vec_any_below(x, bound), 0)) return vec_select(x < bound, tail(x), near);
    return near;
}

/* max(x, 0) - |x| f(|x|), with |x| cut to `most` beyond which f does not count */
VECTOR_INLINE vec pieces_share(const pieces *p, vec x, float most)
{
    const vec a = vec_min(vec_set(most), vec_abs(x));
    return vec_max(vec_set(0), x) - a * pieces_value(p, PIECES_DEGREE, a);
}

/* 1/2 + f(|x|) with the sign of x: f >= 0 is the rest of a function that is odd but for 1/2 */
VECTOR_INLINE vec pieces_odd(const pieces *p, int degree, vec x, float most)
{
    const ivec sign = (ivec)x & (ivec)vec_set(-(float)0);
    const vec rest = pieces_value(p, degree, vec_min(vec_set(most), vec_abs(x)));
    return (vec)((ivec)rest | sign) + (float)0.5;
}

/* 2^(j / 32) = t e^rest, where t is a float and step its bits less j << 18, which adding (32 k + j) << 18 turns into those
 * of 2^k t. */
typedef struct exp_pieces {
    _Alignas(64) uint32_t step[PIECES];
    float rest[PIECES];
} exp_pieces;

/* e^c - 1 and its slope e^c at a centre c for each interval */
typedef struct expm1_pieces {
    _Alignas(64) float centre[PIECES];
    float value[PIECES], slope[PIECES];
} expm1_pieces;

#endif
#endif
