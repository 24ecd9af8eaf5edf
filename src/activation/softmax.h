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
VECTOR_INLINE iwide wide_lane_numbers(void)
{
    static const int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
    iwide number;
    memcpy(&number, numbers, sizeof(number));
    return number;
}

/* Set in the first n lanes. */
VECTOR_INLINE ivec lanes_below(size_t n) { return lane_numbers() < (lane)(n < VL ? n : VL); }

/* load with -infinity in the lanes past the n-th */
VECTOR_INLINE vec load_bounded(const float *x, size_t n)
{
    return n >= VL ? vec_load(x) : vec_select(lanes_below(n), vec_load_part(x, n), vec_set(-(float)INFINITY));
}

/* From LARGE elements on arrays are in memory. A core that computes between its loads then asks for too few of them at a
 * time, and so the loops fetch what they need AHEAD elements, or a long row, later. */
enum { LARGE = 1 << 18, AHEAD = 512 };

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

/* Where no element of a row is larger than PLAIN in size, its exponentials need no scale; those with one are powers of two
 * times them. */
#define PLAIN VEC_BOUND(40, -1)

/* How the elements of rows with the largest elements m become exponentials, lane by lane. In double, where digits are
 * plenty, it is by subtracting m. */
typedef struct row_scale {
    vec shift;  /* what is subtracted: 0 or m */
    vec least;  /* of anything below the exponential is 0 */
    uvec power; /* 2^-K: its bits less those of 1 */
} row_scale;

VECTOR_INLINE row_scale scale_of(vec most)
{
#ifdef FFN_DOUBLE
    return (row_scale){most, vec_set(-740), (uvec){0}};
#else
    const vec shift = vec_select(vec_abs(most) < 256, vec_set(0), most);
    return (row_scale){shift, (most - shift) + VEC_LOG_MIN, vec_exp_power(most - shift)};
#endif
}

/* 2^-K e^(x - shift) for x at most the largest of the row; NaN if that is infinite */
VECTOR_INLINE vec exp_scaled(const row_scale *s, vec x)
{
    const vec shifted = x - s->shift;
    return vec_select(shifted < s->least, vec_set(0), vec_exp_scaled(vec_max(s->least, shifted), s->power));
}

VECTOR_INLINE row_scale no_scale(void) { return (row_scale){vec_set(0), vec_set(-PLAIN), (uvec){0}}; }
VECTOR_INLINE vec exp_plain(vec x) { return vec_exp_scaled(x, (uvec){0}); }

/* A share's factor, one over a sum, in two parts: with them an element is rounded but once more. */
typedef struct factor {
    vec high, low;
} factor;

VECTOR_INLINE factor factor_of(const wide sum[WIDE_PARTS])
{
    factor f = {{0}, {0}};
    for (size_t part = 0; part < WIDE_PARTS; part++) {
        const wide inverse = 1 / sum[part];
        vec_set_part(&f.high, part, inverse);
        vec_set_part(&f.low, part, inverse - wide_part(f.high, part));
    }
    return f;
}

VECTOR_INLINE vec times(vec e, factor f) { return vec_fma(e, f.high, e * f.low); }

/* ---- short rows: blocks of as many as a vector has lanes, taken as one array -------------------------------------- */

/* A short row is at most so many vectors long: with AVX2 two, for ten classes. With SSE and NEON it would be four, and
 * the smallest program 37 KB larger. */
enum { ROW_VECTORS = VL == 8 ? 2 : 1, SHORT = ROW_VECTORS * VL };

/* A block's exponentials or products; past its rows there is room for a vector. */
typedef struct block {
    float element[SHORT * VL + VL];
} block;

/* row_scale of several rows, to be read one row at a time */
typedef struct row_scales {
    float shift[VL], least[VL];
    ulane power[VL];
} row_scales;

VECTOR_INLINE row_scale scale_of_row(const row_scales *s, size_t row)
{
    return (row_scale){vec_set(s->shift[row]), vec_set(s->least[row]), s->power[row] - (uvec){0}};
}

/* The row to which each element of a block belongs */
typedef struct row_numbers {
    ivec row[SHORT];
} row_numbers;

VECTOR_INLINE void row_numbers_set(row_numbers *numbers, size_t cols)
{
    const float inverse = 1 / (float)cols;
    const vec middle = __builtin_convertvector(lane_numbers(), vec) + (float)0.5; /* lest rounding reach the next row */
    for (size_t i = 0; i < cols; i++)
        numbers->row[i] = __builtin_convertvector((middle + (float)(i * VL)) * inverse, ivec);
}

/* v [vectors] = a row, with -infinity behind its end. From here on `vectors` is a literal, and cols more than the lanes of all
 * but the last. */
VECTOR_INLINE void load_row(const size_t vectors, size_t cols, const float *x, vec v[ROW_VECTORS])
{
    for (size_t i = 0; i < vectors; i++) v[i] = load_bounded(x + i * VL, cols - i * VL);
}

/* Lane by lane the largest of a row's vectors */
VECTOR_INLINE vec largest_lanes(const size_t vectors, const vec v[ROW_VECTORS])
{
    vec largest = v[0];
    for (size_t i = 1; i < vectors; i++) largest = vec_max(largest, v[i]);
    return largest;
}

/* The largest of each row */
VECTOR_INLINE vec block_maxima(const size_t vectors, size_t cols, const float *x)
{
    vec row[VL];
    for (size_t i = 0; i < VL; i++) {
        vec v[ROW_VECTORS];
        load_row(vectors, cols, x + i * cols, v);
        row[i] = largest_lanes(vectors, v);
    }
    return maxima_of_lanes(row);
}

/* Exponentials, and the scales that they have. */
VECTOR_INLINE row_scale block_exp(bool large, const size_t vectors, size_t cols, const float *x, block *e)
{
    vec size = vec_set(0);
    vec_store(e->element + cols * VL, size);
    for (size_t i = 0; i < cols; i++) size = vec_max(vec_abs(vec_load(x + i * VL)), size);
    if (!ivec_any(size > PLAIN)) {
        for (size_t i = 0; i < cols; i++) {
            if (large) __builtin_prefetch(x + i * VL + AHEAD);
            vec_store(e->element + i * VL, exp_plain(vec_load(x + i * VL)));
        }
        return no_scale();
    }
    const row_scale all = scale_of(block_maxima(vectors, cols, x));
    row_scales each;
    memcpy(&each, &all, sizeof(each));
    for (size_t i = 0; i < VL; i++) {
        const row_scale scale = scale_of_row(&each, i);
        vec v[ROW_VECTORS];
        load_row(vectors, cols, x + i * cols, v);
        /* what this writes past the row's end is written once more */
        for (size_t k = 0; k < vectors; k++) vec_store(e->element + i * cols + k * VL, exp_scaled(&scale, v[k]));
    }
    return all;
}

/* Sums in double; those of a row's wides are taken from the first to the last. */
VECTOR_INLINE void block_sums(size_t cols, const block *e, wide sum[WIDE_PARTS])
{
    const size_t last = (cols - 1) / WL * WL;
    const iwide in_row = wide_lane_numbers() < (int64_t)(cols - last);
    for (size_t part = 0; part < WIDE_PARTS; part++) {
        const float *rows = e->element + part * WL * cols;
        wide row[WL] = {{0}};
        for (size_t c = 0; c < last; c += WL)
            for (size_t i = 0; i < WL; i++) row[i] += wide_load(rows + i * cols + c);
        for (size_t i = 0; i < WL; i++) row[i] += (wide)((iwide)wide_load(rows + i * cols + last) & in_row);
        sum[part] = sums_of_wides(row);
    }
}

VECTOR_INLINE void softmax_block(bool large, const size_t vectors, size_t cols, const row_numbers *numbers,
                                 const float *x, const float *dy, float *y)
{
    (void)dy;
    block e;
    (void)block_exp(large, vectors, cols, x, &e);
    wide sum[WIDE_PARTS];
    block_sums(cols, &e, sum);
    const factor f = factor_of(sum);
    for (size_t i = 0; i < cols; i++) {
        const factor own = {vec_permute(f.high, numbers->row[i]), vec_permute(f.low, numbers->row[i])};
        if (large) __builtin_prefetch(y + i * VL + AHEAD, 1);
        vec_store(y + i * VL, times(vec_load(e.element + i * VL), own));
    }
}

/* The same of a single row, with the same bits, in every lane */
VECTOR_INLINE void row_sums(const size_t vectors, const vec v[ROW_VECTORS], wide sum[WIDE_PARTS])
{
    wide all = {0};
    for (size_t i = 0; i < vectors; i++)
        for (size_t part = 0; part < WIDE_PARTS; part++) all += wide_part(v[i], part);
    all = sum_of_wide(all);
    for (size_t part = 0; part < WIDE_PARTS; part++) sum[part] = all;
}

/* e = the exponentials of a row, v */
VECTOR_INLINE void row_exps(const size_t vectors, const row_scale *scale, const vec v[ROW_VECTORS], vec e[ROW_VECTORS])
{
    for (size_t i = 0; i < vectors; i++) e[i] = exp_scaled(scale, v[i]);
}

VECTOR_INLINE void softmax_short_row(const size_t vectors, size_t cols, const float *x, const float *dy, float *y)
{
    (void)dy;
    vec v[ROW_VECTORS], e[ROW_VECTORS];
    load_row(vectors, cols, x, v);
    ivec far = {0};
    for (size_t i = 0; i < vectors; i++) far |= lanes_below(cols - i * VL) & (vec_abs(v[i]) > PLAIN);
    const row_scale scale = ivec_any(far) ? scale_of(maximum_of_lanes(largest_lanes(vectors, v))) : no_scale();
    row_exps(vectors, &scale, v, e);
    wide sum[WIDE_PARTS];
    row_sums(vectors, e, sum);
    const factor f = factor_of(sum);
    for (size_t i = 0; i < vectors; i++) vec_store_left(y + i * VL, times(e[i], f), cols - i * VL);
}

/* The logarithms of sums of exponentials, where the largest is `peak` */
VECTOR_INLINE vec logarithm_of(const wide sum[WIDE_PARTS], vec peak)
{
    vec logarithm = {0};
    for (size_t part = 0; part < WIDE_PARTS; part++)
        vec_set_part(&logarithm, part, wide_log_ratio(sum[part], wide_part(peak, part)));
    return logarithm;
}

VECTOR_INLINE void log_softmax_block(bool large, const size_t vectors, size_t cols, const row_numbers *numbers,
                                     const float *x, const float *dy, float *y)
{
    (void)dy;
    block e;
    const row_scale scale = block_exp(large, vectors, cols, x, &e);
    wide sum[WIDE_PARTS];
    block_sums(cols, &e, sum);
    const vec most = block_maxima(vectors, cols, x), logarithm = logarithm_of(sum, exp_scaled(&scale, most));
    for (size_t i = 0; i < cols; i++) {
        const ivec row = numbers->row[i];
        if (large) __builtin_prefetch(y + i * VL + AHEAD, 1);
        vec_store(y + i * VL, (vec_load(x + i * VL) - vec_permute(most, row)) - vec_permute(logarithm, row));
    }
}

VECTOR_INLINE void log_softmax_short_row(const size_t vectors, size_t cols, const float *x, const float *dy, float *y)
{
    (void)dy;
    vec v[ROW_VECTORS], e[ROW_VECTORS];
    load_row(vectors, cols, x, v);
    const vec most = maximum_of_lanes(largest_lanes(vectors, v));
    const row_scale scale = scale_of(most);
    row_exps(vectors, &scale, v, e);
    wide sum[WIDE_PARTS];
    row_sums(vectors, e, sum);
    const vec logarithm = logarithm_of(sum, exp_scaled(&scale, most));
    for (size_t i = 0; i < vectors; i++) vec_store_left(y + i * VL, (v[i] - most) - logarithm, cols - i * VL);
}

/* Lane by lane the sum of a row's y dy. Two products are added in one certain way, so that a row's bits are the same alone
 * and in a block. */
VECTOR_INLINE vec row_products(const size_t vectors, size_t cols, const float *y, const float *dy)
{
    vec sum = vec_load_left(y, cols) * vec_load_left(dy, cols);
    for (size_t i = 1; i < vectors; i++)
        sum = vec_mul_add(vec_load_left(y + i * VL, cols - i * VL), vec_load_left(dy + i * VL, cols - i * VL), sum);
    return sum;
}

/* dx = y (dy - sum of y dy), of a block and of a row */
VECTOR_INLINE void softmax_block_backward(bool large, const size_t vectors, size_t cols, const row_numbers *numbers,
                                          const float *y, const float *dy, float *dx)
{
    vec row[VL];
    for (size_t i = 0; i < VL; i++) {
        const size_t at = i * cols;
        if (large) __builtin_prefetch(y + at + AHEAD), __builtin_prefetch(dy + at + AHEAD);
        row[i] = row_products(vectors, cols, y + at, dy + at);
    }
    const vec sums = sums_of_lanes(row);
    for (size_t i = 0; i < cols; i++) {
        const size_t at = i * VL;
        if (large) __builtin_prefetch(dx + at + AHEAD, 1);
        vec_store(dx + at, vec_load(y + at) * (vec_load(dy + at) - vec_permute(sums, numbers->row[i])));
    }
}

VECTOR_INLINE void softmax_short_row_backward(const size_t vectors, size_t cols, const float *y, const float *dy,
                                              float *dx)
{
    const vec sum = sum_of_lanes(row_products(vectors, cols, y, dy));
    for (size_t at = 0; at < cols; at += VL)
        vec_store_left(dx + at, vec_load_left(y + at, cols - at) * (vec_load_left(dy + at, cols - at) - sum),
                       cols - at);
}

/* dx = dy - e^y sum of dy, with e^y at most 1 */
VECTOR_INLINE vec log_softmax_gradient(vec y, vec dy, vec sum)
{
    const row_scale scale = {vec_set(0), vec_set(VEC_BOUND(VEC_LOG_MIN, -740)), (uvec){0}};
    return dy - exp_scaled(&scale, y) * sum;
}

/* never -0, which a block's sum may be where that of a row alone is 0 */
VECTOR_INLINE vec rounded_sums(const wide sum[WIDE_PARTS])
{
    vec rounded = {0};
    for (size_t part = 0; part < WIDE_PARTS; part++) vec_set_part(&rounded, part, sum[part] + 0.0);
    return rounded;
}

VECTOR_INLINE void log_softmax_block_backward(bool large, const size_t vectors, size_t cols, const row_numbers *numbers,
                                              const float *y, const float *dy, float *dx)
{
    (void)vectors;
    block copy;
    for (size_t i = 0; i < cols; i++) {
        const size_t at = i * VL;
        if (large) __builtin_prefetch(y + at + AHEAD), __builtin_prefetch(dy + at + AHEAD);
        vec_store(copy.element + at, vec_load(dy + at));
    }
    vec_store(copy.element + cols * VL, vec_set(0));
    wide sum[WIDE_PARTS];
    block_sums(cols, &copy, sum);
    const vec sums = rounded_sums(sum);
    for (size_t i = 0; i < cols; i++) {
        const size_t at = i * VL;
        if (large) __builtin_prefetch(dx + at + AHEAD, 1);
        const vec own = vec_permute(sums, numbers->row[i]);
        vec_store(dx + at, log_softmax_gradient(vec_load(y + at), vec_load(dy + at), own));
    }
}

VECTOR_INLINE void log_softmax_short_row_backward(const size_t vectors, size_t cols, const float *y, const float *dy,
                                                  float *dx)
{
    vec d[ROW_VECTORS];
    for (size_t i = 0; i < vectors; i++) d[i] = vec_load_left(dy + i * VL, cols - i * VL);
    wide sum[WIDE_PARTS];
    row_sums(vectors, d, sum);
    const vec all = rounded_sums(sum);
    for (size_t i = 0; i < vectors; i++)
        vec_store_left(dx + i * VL, log_softmax_gradient(vec_load_left(y + i * VL, cols - i * VL), d[i], all),
                       cols - i * VL);
}

/* ---- long rows --------------------------------------------------------------------------------------------------- */

/* The largest of a row, in every lane, and whether it is plain. NaN may get lost: it comes back with its exponential. */
VECTOR_INLINE vec row_max(size_t cols, const float *x, bool *plain)
{
    vec most[ABREAST], least[ABREAST];
    size_t c = 0;
    for (size_t i = 0; i < ABREAST; i++) most[i] = least[i] = vec_set(x[0]);
    for (; c + STRETCH <= cols; c += STRETCH)
        for (size_t i = 0; i < ABREAST; i++) {
            const vec v = vec_load(x + c + i * VL);
            most[i] = vec_max(most[i], v), least[i] = vec_min(least[i], v);
        }
    for (; c < cols; c += VL) {
        const vec v = vec_select(lanes_below(cols - c), vec_load_left(x + c, cols - c), vec_set(x[0]));
        most[0] = vec_max(most[0], v), least[0] = vec_min(least[0], v);
    }
    const vec lowest = vec_min(vec_min(least[0], least[1]), vec_min(least[2], least[3]));
    const vec highest = vec_max(vec_max(most[0], most[1]), vec_max(most[2], most[3]));
    *plain = !ivec_any((lowest < -PLAIN) | (highest > PLAIN));
    return maximum_of_lanes(highest);
}

/* y = 2^-K e^(x - shift), unless y is NULL; the sum of them. `plain`: there is neither K nor shift. If `large`, the next
 * row and its place are fetched. */
VECTOR_INLINE double row_exp(bool large, bool plain, const row_scale *scale, size_t cols, const float *x, float *y,
                             const float *place)
{
    accumulator s = {{0}, {0}};
    size_t c = 0;
    for (; c + STRETCH <= cols; c += STRETCH) {
        vec e[ABREAST];
        for (size_t i = 0; i < ABREAST; i++) {
            const size_t at = c + i * VL;
            if (large) __builtin_prefetch(x + cols + at), __builtin_prefetch(place + cols + at, 1);
            e[i] = plain ? exp_plain(vec_load(x + at)) : exp_scaled(scale, vec_load(x + at));
            if (y) vec_store(y + at, e[i]);
        }
        accumulate(&s, (e[0] + e[1]) + (e[2] + e[3]));
    }
    for (; c < cols; c += VL) {
        const vec e = exp_scaled(scale, load_bounded(x + c, cols - c));
        accumulate(&s, e);
        if (y) vec_store_left(y + c, e, cols - c);
    }
    return accumulated(&s);
}

VECTOR_INLINE double row_exp_scaled(bool large, bool plain, const row_scale *scale, size_t cols, const float *x,
                                    float *y, const float *place)
{
    return plain ? row_exp(large, true, scale, cols, x, y, place) : row_exp(large, false, scale, cols, x, y, place);
}

VECTOR_INLINE void softmax_long_row(bool large, size_t cols, const float *x, const float *dy, float *y)
{
    (void)dy;
    bool plain;
    const vec most = row_max(cols, x, &plain);
    const row_scale scale = plain ? no_scale() : scale_of(most);
    wide sum[WIDE_PARTS];
    sum[0] = wide_set(row_exp_scaled(large, plain, &scale, cols, x, y, y));
    for (size_t part = 1; part < WIDE_PARTS; part++) sum[part] = sum[0];
    const factor f = factor_of(sum);
    for (size_t c = 0; c < cols; c += VL) vec_store_left(y + c, times(vec_load_left(y + c, cols - c), f), cols - c);
}

VECTOR_INLINE void log_softmax_long_row(bool large, size_t cols, const float *x, const float *dy, float *y)
{
    (void)dy;
    bool plain;
    const vec most = row_max(cols, x, &plain);
    const row_scale scale = plain ? no_scale() : scale_of(most);
    /* the largest element's own exponential takes 2^K out of the sum */
    const double sum = row_exp_scaled(large, plain, &scale, cols, x, NULL, y);
    const float logarithm = (float)log(sum / (double)exp_scaled(&scale, most)[0]);
    for (size_t c = 0; c < cols; c += VL)
        vec_store_left(y + c, (vec_load_left(x + c, cols - c) - most) - logarithm, cols - c);
}

VECTOR_INLINE void softmax_long_row_backward(bool large, size_t cols, const float *y, const float *dy, float *dx)
{
    (void)large;
    accumulator s = {{0}, {0}};
    size_t c = 0;
    for (; c + STRETCH <= cols; c += STRETCH) {
        vec product[ABREAST];
        for (size_t i = 0; i < ABREAST; i++) product[i] = vec_load(y + c + i * VL) * vec_load(dy + c + i * VL);
        accumulate(&s, (product[0] + product[1]) + (product[2] + product[3]));
    }
    for (; c < cols; c += VL) accumulate(&s, vec_load_left(y + c, cols - c) * vec_load_left(dy + c, cols - c));
    const float sum = (float)accumulated(&s);
    for (c = 0; c < cols; c += VL)
        vec_store_left(dx + c, vec_load_left(y + c, cols - c) * (vec_load_left(dy + c, cols - c) - sum), cols - c);
}

VECTOR_INLINE void log_softmax_long_row_backward(bool large, size_t cols, const float *y, const float *dy, float *dx)
{
    accumulator s = {{0}, {0}};
    for (size_t c = 0; c < cols; c += VL) {
        if (large) __builtin_prefetch(dy + cols + c), __builtin_prefetch(y + cols + c);
        accumulate(&s, vec_load_left(dy + c, cols - c));
    }
    const vec sum = vec_set((float)accumulated(&s));
    for (size_t c = 0; c < cols; c += VL) {
        if (large) __builtin_prefetch(dx + cols + c, 1);
        vec_store_left(dx + c,
                       log_softmax_gradient(vec_load_left(y + c, cols - c), vec_load_left(dy + c, cols - c), sum),
                       cols - c);
    }
}

/* ---- the kinds --------------------------------------------------------------------------------------------------- */

/* What a kind does with a block of short rows, with one of them, and with a long row: forward from x, which stands for dy
 * too, to y; backward from y and dy to dx. */
typedef void block_function(bool large, const size_t vectors, size_t cols, const row_numbers *numbers, const float *x,
                            const float *dy, float *to);
typedef void short_row_function(const size_t vectors, size_t cols, const float *x, const float *dy, float *to);
typedef void long_row_function(bool large, size_t cols, const float *x, const float *dy, float *to);

VECTOR_INLINE void for_short_rows(const size_t vectors, size_t rows, size_t cols, const float *x, const float *dy,
                                  float *to, block_function block_of, short_row_function row)
{
    const bool large = rows * cols >= LARGE;
    const size_t end = rows / VL * VL * cols; /* of the blocks */
    size_t at = 0;
    row_numbers numbers;
    if (end > 0) row_numbers_set(&numbers, cols);
    for (; at < end; at += VL * cols) block_of(large, vectors, cols, &numbers, x + at, dy + at, to + at);
    for (; at < rows * cols; at += cols) row(vectors, cols, x + at, dy + at, to + at);
}

VECTOR_INLINE void for_rows(size_t rows, size_t cols, const float *x, const float *dy, float *to,
                            block_function block_of, short_row_function short_row, long_row_function long_row)
{
    const bool large = rows * cols >= LARGE;
    if (cols <= VL)
        for_short_rows(1, rows, cols, x, dy, to, block_of, short_row);
    else if (cols <= SHORT)
        for_short_rows(ROW_VECTORS, rows, cols, x, dy, to, block_of, short_row);
    else
        for (size_t at = 0; at < rows * cols; at += cols) long_row(large, cols, x + at, dy + at, to + at);
}

static void softmax_forward(FORWARD_ARGUMENTS)
{
    (void)a, for_rows(rows, cols, x, x, y, softmax_block, softmax_short_row, softmax_long_row);
}

static void softmax_backward(BACKWARD_ARGUMENTS)
{
    (void)a, (void)x;
    for_rows(rows, cols, y, dy, dx, softmax_block_backward, softmax_short_row_backward, softmax_long_row_backward);
}

static void log_softmax_forward(FORWARD_ARGUMENTS)
{
    (void)a, for_rows(rows, cols, x, x, y, log_softmax_block, log_softmax_short_row, log_softmax_long_row);
}

static void log_softmax_backward(BACKWARD_ARGUMENTS)
{
    (void)a, (void)x;
    for_rows(rows, cols, y, dy, dx, log_softmax_block_backward, log_softmax_short_row_backward,
             log_softmax_long_row_backward);
}

#endif
