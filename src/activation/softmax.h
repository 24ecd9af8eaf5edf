/* The row kinds, softmax and its logarithm, for activation_kernels.c; and what all kinds load and store by.
 *
 * e^x goes without the row's largest element m being subtracted first, which would cost digits: with e^x = 2^k e^r, an
 * element's share is 2^(k - K) e^r over their sum, where K is the k of m. Only where |m| is large, and every x near
 * enough to count is a multiple of the same unit, is m subtracted, exactly. */
#ifndef FFN__SOFTMAX_H
#define FFN__SOFTMAX_H

#include "activation/activation.h"
#include "tensor/fold.h"
#include "tensor/vector_math.h"
#include "tensor/wide.h"

#define FORWARD_ARGUMENTS const ffn_activation *a, size_t rows, size_t cols, const float *x, float *y
#define BACKWARD_ARGUMENTS                                                                                             \
    const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y, const float *dy, float *dx

/* ---- loads and stores -------------------------------------------------------------------------------------------- */

/* The n > 0 floats from x, VL of them at most; the other lanes are 0. */
VECTOR_INLINE vec load(const float *x, size_t n) { return n >= VL ? vec_load(x) : vec_load_part(x, n); }

VECTOR_INLINE void store(float *y, vec v, size_t n)
{
    if (n >= VL)
        vec_store(y, v);
    else
        vec_store_part(y, v, n);
}

/* load with -infinity in the lanes past the n-th */
VECTOR_INLINE vec load_bounded(const float *x, size_t n)
{
    static const lane numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    if (n >= VL) return vec_load(x);
    ivec number;
    memcpy(&number, numbers, sizeof(number));
    return vec_select(number < (lane)n, vec_load_part(x, n), vec_set(-(float)INFINITY));
}

/* From LARGE elements on arrays are in memory. A core that computes between its loads then asks for too few of them at a
 * time, and so the loops fetch what they will need later. */
enum { LARGE = 1 << 18 };

/* ---- sums of long rows ------------------------------------------------------------------------------------------- */

/* A sum of vectors, lane by lane, with the rounding errors of its additions. */
typedef struct accumulator {
    vec sum, low;
} accumulator;

VECTOR_INLINE void accumulate(accumulator *s, vec v)
{
    const vec sum = s->sum + v, part = sum - s->sum;
    s->low += (s->sum - (sum - part)) + (v - part);
    s->sum = sum;
}

/* in double */
VECTOR_INLINE double accumulated(const accumulator *s)
{
    wide total = {0};
    for (size_t part = 0; part < WIDE_PARTS; part++) total += wide_part(s->sum, part) + wide_part(s->low, part);
    return wide_sum(total);
}

/* Vectors of a row that are taken at once, and their number of floats. */
enum { ABREAST = 4, STRETCH = ABREAST * VL };

/* ---- exponentials ------------------------------------------------------------------------------------------------ */

/* How the elements of rows with the largest elements m become exponentials, lane by lane. In double, where digits are
 * plenty, it is by subtracting m. */
typedef struct row_scale {
    vec shift;  /* what is subtracted: 0 or m */
    vec least;  /* anything below counts as this, the exponential of which is 0 */
    uvec power; /* 2^-K: its bits */
} row_scale;

VECTOR_INLINE row_scale scale_of(vec most)
{
#ifdef FFN_DOUBLE
    return (row_scale){most, vec_set(0), (uvec){0}};
#else
    const vec shift = vec_select(vec_abs(most) < 256, vec_set(0), most);
    const vec rounded = (most - shift) * 1.44269504f + VEC_ROUNDER;
    return (row_scale){shift, ((rounded - VEC_ROUNDER) - 127) * 0.693147181f, (uvec)vec_set(1) - ((uvec)rounded << 23)};
#endif
}

/* 2^-K e^(x - shift) for x at most the largest of the row; NaN if that is infinite */
VECTOR_INLINE vec exp_scaled(const row_scale *s, vec x)
{
#ifdef FFN_DOUBLE
    return vec_exp_sum(x - s->shift, vec_set(0));
#else
    vec rounded;
    const vec t = vec_exp_split(vec_max(s->least, x - s->shift), vec_set(0), &rounded);
    const vec power = (vec)(((uvec)rounded << 23) + s->power);
    return power + power * t;
#endif
}

/* ---- short rows: as many abreast as a vector has lanes ------------------------------------------------------------ */

/* row_scale of several rows, to be read one row at a time */
typedef struct row_scales {
    float shift[VL], least[VL];
    ulane power[VL];
} row_scales;

VECTOR_INLINE row_scale scale_of_row(const row_scales *s, size_t row)
{
    return (row_scale){vec_set(s->shift[row]), vec_set(s->least[row]), s->power[row] - (uvec){0}};
}

/* VL rows, cols <= VL */
VECTOR_INLINE void softmax_short_rows(size_t cols, const float *x, float *y)
{
    vec row[VL], e[VL];
    for (size_t i = 0; i < VL; i++) row[i] = load_bounded(x + i * cols, cols);
    const row_scale all = scale_of(maxima_of_lanes(row));
    row_scales each;
    memcpy(&each, &all, sizeof(each));
    for (size_t i = 0; i < VL; i++) {
        const row_scale scale = scale_of_row(&each, i);
        row[i] = e[i] = exp_scaled(&scale, load_bounded(x + i * cols, cols));
    }
    float inverse[VL];
    vec_store(inverse, 1 / sums_of_lanes(row));
    for (size_t i = 0; i < VL; i++) store(y + i * cols, e[i] * inverse[i], cols);
}

VECTOR_INLINE void softmax_short_row(size_t cols, const float *x, float *y)
{
    const vec v = load_bounded(x, cols);
    const row_scale scale = scale_of(maximum_of_lanes(v));
    const vec e = exp_scaled(&scale, v);
    store(y, e * (1 / sum_of_lanes(e)), cols);
}

/* dx = y (dy - sum of y dy), of VL rows and of one */
VECTOR_INLINE void softmax_short_rows_backward(size_t cols, const float *y, const float *dy, float *dx)
{
    vec row[VL];
    for (size_t i = 0; i < VL; i++) row[i] = load(y + i * cols, cols) * load(dy + i * cols, cols);
    float sum[VL];
    vec_store(sum, sums_of_lanes(row));
    for (size_t i = 0; i < VL; i++)
        store(dx + i * cols, load(y + i * cols, cols) * (load(dy + i * cols, cols) - sum[i]), cols);
}

VECTOR_INLINE void softmax_short_row_backward(size_t cols, const float *y, const float *dy, float *dx)
{
    const vec v = load(y, cols), d = load(dy, cols);
    store(dx, v * (d - sum_of_lanes(v * d)), cols);
}

/* ---- long rows --------------------------------------------------------------------------------------------------- */

/* The largest of a row, in every lane. NaN may get lost: it comes back with its exponential. */
VECTOR_INLINE vec row_max(size_t cols, const float *x)
{
    vec most[ABREAST];
    size_t c = 0;
    for (size_t i = 0; i < ABREAST; i++) most[i] = load_bounded(x, cols);
    for (; c + STRETCH <= cols; c += STRETCH)
        for (size_t i = 0; i < ABREAST; i++) most[i] = vec_max(most[i], vec_load(x + c + i * VL));
    for (; c < cols; c += VL) most[0] = vec_max(most[0], load_bounded(x + c, cols - c));
    return maximum_of_lanes(vec_max(vec_max(most[0], most[1]), vec_max(most[2], most[3])));
}

/* y = 2^-K e^(x - shift), unless y is NULL; the sum of them. If `large`, the next row is fetched. */
VECTOR_INLINE double row_exp(bool large, const row_scale *scale, size_t cols, const float *x, float *y)
{
    accumulator s = {{0}, {0}};
    size_t c = 0;
    for (; c + STRETCH <= cols; c += STRETCH) {
        vec e[ABREAST];
        for (size_t i = 0; i < ABREAST; i++) {
            const size_t at = c + i * VL;
            if (large) __builtin_prefetch(x + cols + at);
            if (large && y) __builtin_prefetch(y + cols + at, 1);
            e[i] = exp_scaled(scale, vec_load(x + at));
            if (y) vec_store(y + at, e[i]);
        }
        accumulate(&s, (e[0] + e[1]) + (e[2] + e[3]));
    }
    for (; c < cols; c += VL) {
        const vec e = exp_scaled(scale, load_bounded(x + c, cols - c));
        accumulate(&s, e);
        if (y) store(y + c, e, cols - c);
    }
    return accumulated(&s);
}

VECTOR_INLINE void softmax_long_row(bool large, size_t cols, const float *x, float *y)
{
    const row_scale scale = scale_of(row_max(cols, x));
    const float inverse = (float)(1 / row_exp(large, &scale, cols, x, y));
    for (size_t c = 0; c < cols; c += VL) store(y + c, load(y + c, cols - c) * inverse, cols - c);
}

VECTOR_INLINE void softmax_long_row_backward(size_t cols, const float *y, const float *dy, float *dx)
{
    accumulator s = {{0}, {0}};
    size_t c = 0;
    for (; c + STRETCH <= cols; c += STRETCH) {
        vec product[ABREAST];
        for (size_t i = 0; i < ABREAST; i++) product[i] = vec_load(y + c + i * VL) * vec_load(dy + c + i * VL);
        accumulate(&s, (product[0] + product[1]) + (product[2] + product[3]));
    }
    for (; c < cols; c += VL) accumulate(&s, load(y + c, cols - c) * load(dy + c, cols - c));
    const float sum = (float)accumulated(&s);
    for (c = 0; c < cols; c += VL) store(dx + c, load(y + c, cols - c) * (load(dy + c, cols - c) - sum), cols - c);
}

/* ---- the kinds --------------------------------------------------------------------------------------------------- */

static void softmax_forward(FORWARD_ARGUMENTS)
{
    (void)a;
    size_t r = 0;
    for (; cols <= VL && r + VL <= rows; r += VL) softmax_short_rows(cols, x + r * cols, y + r * cols);
    for (; cols <= VL && r < rows; r++) softmax_short_row(cols, x + r * cols, y + r * cols);
    for (; r < rows; r++) softmax_long_row(rows * cols >= LARGE, cols, x + r * cols, y + r * cols);
}

static void softmax_backward(BACKWARD_ARGUMENTS)
{
    (void)a, (void)x;
    size_t r = 0;
    for (; cols <= VL && r + VL <= rows; r += VL)
        softmax_short_rows_backward(cols, y + r * cols, dy + r * cols, dx + r * cols);
    for (; cols <= VL && r < rows; r++) softmax_short_row_backward(cols, y + r * cols, dy + r * cols, dx + r * cols);
    for (; r < rows; r++) softmax_long_row_backward(cols, y + r * cols, dy + r * cols, dx + r * cols);
}

static void log_softmax_forward(FORWARD_ARGUMENTS)
{
    (void)a;
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const vec most = row_max(cols, x);
        const row_scale scale = scale_of(most);
        /* the largest element's own exponential takes 2^K out of the sum */
        const float logarithm =
            (float)log(row_exp(rows * cols >= LARGE, &scale, cols, x, NULL) / (double)exp_scaled(&scale, most)[0]);
        for (size_t c = 0; c < cols; c += VL) store(y + c, (load(x + c, cols - c) - most) - logarithm, cols - c);
    }
}

static void log_softmax_backward(BACKWARD_ARGUMENTS)
{
    (void)a, (void)x;
    for (size_t r = 0; r < rows; r++, y += cols, dy += cols, dx += cols) {
        accumulator s = {{0}, {0}};
        for (size_t c = 0; c < cols; c += VL) accumulate(&s, load(dy + c, cols - c));
        const float sum = (float)accumulated(&s);
        for (size_t c = 0; c < cols; c += VL)
            store(dx + c, load(dy + c, cols - c) - vec_exp(load(y + c, cols - c)) * sum, cols - c);
    }
}

#endif
