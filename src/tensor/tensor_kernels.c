/* Elementwise and reduction kernels. Remainders go through the same vector code as the rest, so that an element's bits
 * do not depend on its place. */
#include <float.h>
#include <math.h>

#include "tensor/tensor.h"

#include "tensor/product.h"
#include "tensor/vector.h"

/* ---- elementwise ------------------------------------------------------------------------------------------------- */

/* Runs `whole` for every vector at i and `part` for the last `rest` < VL elements. */
#define FOR_VECTORS(n, whole, part)                                                                                    \
    do {                                                                                                               \
        size_t i = 0;                                                                                                  \
        for (; i + VL <= (n); i += VL) whole;                                                                          \
        const size_t rest = (n)-i;                                                                                     \
        if (rest > 0) part;                                                                                            \
    } while (0)

static void add(size_t n, const float *a, const float *b, float *c)
{
    FOR_VECTORS(n, vec_store(c + i, vec_load(a + i) + vec_load(b + i)),
                vec_store_part(c + i, vec_load_part(a + i, rest) + vec_load_part(b + i, rest), rest));
}

static void multiply(size_t n, const float *a, const float *b, float *c)
{
    FOR_VECTORS(n, vec_store(c + i, vec_load(a + i) * vec_load(b + i)),
                vec_store_part(c + i, vec_load_part(a + i, rest) * vec_load_part(b + i, rest), rest));
}

static void assign(size_t n, float beta, const float *x, float *y)
{
    const vec factor = vec_set(beta);
    if (beta == 0)
        memmove(y, x, n * sizeof(*x));
    else
        FOR_VECTORS(n, vec_store(y + i, vec_load(x + i) + factor * vec_load(y + i)),
                    vec_store_part(y + i, vec_load_part(x + i, rest) + factor * vec_load_part(y + i, rest), rest));
}

static void scale(size_t n, float alpha, const float *x, float *y)
{
    const vec factor = vec_set(alpha);
    FOR_VECTORS(n, vec_store(y + i, factor * vec_load(x + i)),
                vec_store_part(y + i, factor * vec_load_part(x + i, rest), rest));
}

static void offset_factor(size_t rows, size_t cols, const float *x, const float *offset, const float *factor, float *y)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols)
        FOR_VECTORS(cols, vec_store(y + i, (vec_load(x + i) - vec_load(offset + i)) * vec_load(factor + i)),
                    vec_store_part(y + i,
                                   (vec_load_part(x + i, rest) - vec_load_part(offset + i, rest)) *
                                       vec_load_part(factor + i, rest),
                                   rest));
}

static void add_row(size_t rows, size_t cols, size_t ld, const float *row, float *y)
{
    for (size_t r = 0; r < rows; r++, y += ld) add(cols, y, row, y);
}

static void normalize_columns(size_t rows, size_t cols, size_t ld, const float *x, const float *mean,
                              const float *factor, const float *shift, float *y)
{
    for (size_t r = 0; r < rows; r++, x += ld, y += ld) {
        size_t c = 0;
        for (; c + VL <= cols; c += VL)
            vec_store(y + c, (vec_load(x + c) - vec_load(mean + c)) * vec_load(factor + c) + vec_load(shift + c));
        if (c == cols) continue;
        const size_t n = cols - c;
        vec_store_part(y + c,
                       (vec_load_part(x + c, n) - vec_load_part(mean + c, n)) * vec_load_part(factor + c, n) +
                           vec_load_part(shift + c, n),
                       n);
    }
}

static void normalize_rows(size_t rows, size_t cols, const float *x, const float *mean, const float *factor,
                           const float *shift, float *y)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const float m = mean[r], f = factor[r], s = shift[r];
        size_t c = 0;
        for (; c + VL <= cols; c += VL) vec_store(y + c, (vec_load(x + c) - m) * f + s);
        if (c < cols) vec_store_part(y + c, (vec_load_part(x + c, cols - c) - m) * f + s, cols - c);
    }
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */

/* One vector of columns, or its first `cols` < VL lanes: sums [cols] = column sums of x [rows][cols] + beta sums. Four
 * running sums, so that additions need not wait for each other. */
VECTOR_INLINE vec column_vector(size_t rows, size_t cols, size_t ld, const float *x)
{
    vec sum[4] = {{0}};
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * ld)
        for (size_t s = 0; s < 4; s++) sum[s] += cols == VL ? vec_load(x + s * ld) : vec_load_part(x + s * ld, cols);
    for (; r < rows; r++, x += ld) sum[0] += cols == VL ? vec_load(x) : vec_load_part(x, cols);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void column_sums(size_t rows, size_t cols, size_t ld, const float *x, float beta, float *sums)
{
    const vec factor = vec_set(beta);
    for (size_t i = 0; i < cols; i += VL) {
        const size_t width = cols - i < VL ? cols - i : VL;
        vec sum = width == VL ? column_vector(rows, VL, ld, x + i) : column_vector(rows, width, ld, x + i);
        if (width == VL) {
            if (beta != 0) sum += factor * vec_load(sums + i);
            vec_store(sums + i, sum);
        } else {
            if (beta != 0) sum += factor * vec_load_part(sums + i, width);
            vec_store_part(sums + i, sum, width);
        }
    }
}

/* Running sums in double take half a vector of floats at a time. */
#ifdef FFN_DOUBLE
enum { HALF = VL };
#else
enum { HALF = VL / 2 };
#endif
enum { RUNNING = 4, STEP = RUNNING * HALF };
typedef double dvec __attribute__((vector_size(HALF * sizeof(double))));
typedef float half __attribute__((vector_size(HALF * sizeof(float))));

/* sum [RUNNING] += the next STEP elements of x, or their squares, with `square` a literal. */
VECTOR_INLINE void add_step(dvec sum[RUNNING], const float *x, const bool square)
{
    for (size_t s = 0; s < RUNNING; s++) {
        half part;
        memcpy(&part, x + s * HALF, sizeof(part));
        const dvec value = __builtin_convertvector(part, dvec);
        sum[s] += square ? value * value : value;
    }
}

VECTOR_INLINE double total(size_t n, const float *x, const bool square)
{
    dvec sum[RUNNING] = {{0}};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) add_step(sum, x + i, square);
    float rest[STEP] = {0};
    for (size_t j = 0; i + j < n; j++) rest[j] = x[i + j];
    add_step(sum, rest, square);
    const dvec all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    double result = 0;
    for (size_t j = 0; j < HALF; j++) result += all[j];
    return result;
}

static double sum(size_t n, const float *x) { return total(n, x, false); }
static double sum_squares(size_t n, const float *x) { return total(n, x, true); }

/* 0 x is 0 for a finite x, else NaN, and so is the sum of such. */
static bool all_finite(size_t n, const float *x)
{
    enum { CHAINS = 4 }; /* a sum waits for the one before it */
    if (n < VL) return !ivec_any(0 * vec_load_part(x, n) != 0);
    vec sum[CHAINS] = {{0}};
    size_t at = 0;
    for (; at + CHAINS * VL <= n; at += CHAINS * VL)
        for (size_t c = 0; c < CHAINS; c++) sum[c] += 0 * vec_load(x + at + c * VL);
    for (; at < n; at += VL) sum[0] += 0 * (n - at >= VL ? vec_load(x + at) : vec_load_part(x + at, n - at));
    return !ivec_any((sum[0] + sum[1]) + (sum[2] + sum[3]) != 0);
}

/* What single precision rounds away, and squares that vanish, is made up for. */
static double length_bound(size_t n, const float *x)
{
    enum {
        CHAINS = 8,
        BLOCK = 1 << 16
    }; /* a sum waits for the one before it; those of a block lose 2^-11 of it at most */
    double total = (double)n * (double)FLT_MIN;
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        const size_t end = n - begin < BLOCK ? n : begin + BLOCK;
        vec sum[CHAINS] = {{0}};
        size_t at = begin;
        for (; at + CHAINS * VL <= end; at += CHAINS * VL)
            for (size_t c = 0; c < CHAINS; c++) {
                const vec part = vec_load(x + at + c * VL);
                sum[c] += part * part;
            }
        for (; at < end; at += VL) {
            const vec part = end - at >= VL ? vec_load(x + at) : vec_load_part(x + at, end - at);
            sum[0] += part * part;
        }
        for (size_t c = 1; c < CHAINS; c++) sum[0] += sum[c];
        total += (double)vec_sum(sum[0]);
    }
    return sqrt(total * (1 + 1.0 / 1024));
}

static float largest_size(size_t n, const float *x)
{
    enum { CHAINS = 4 }; /* a maximum waits for the one before it */
    ivec largest[CHAINS] = {{0}};
    size_t at = 0;
    for (; at + CHAINS * VL <= n; at += CHAINS * VL)
        for (size_t c = 0; c < CHAINS; c++) largest[c] = ivec_max(largest[c], (ivec)vec_abs(vec_load(x + at + c * VL)));
    for (; at < n; at += VL) {
        const vec part = n - at >= VL ? vec_load(x + at) : vec_load_part(x + at, n - at);
        largest[0] = ivec_max(largest[0], (ivec)vec_abs(part));
    }
    /* without its sign a float's bits are in the order of its value, and NaN's come last */
    for (size_t c = 1; c < CHAINS; c++) largest[0] = ivec_max(largest[0], largest[c]);
    lane result = 0;
    for (size_t i = 0; i < VL; i++) result = largest[0][i] > result ? largest[0][i] : result;
    float value;
    memcpy(&value, &result, sizeof(value));
    return value;
}

static size_t argmax(size_t n, const float *x)
{
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != x[i]) return i;
        if (x[i] > x[best]) best = i;
    }
    return best;
}

const ffn__tensor_kernels FFN__ISA_NAME(ffn__tensor_kernels) = {
    .add = add,
    .multiply = multiply,
    .assign = assign,
    .scale = scale,
    .offset_factor = offset_factor,
    .add_row = add_row,
    .normalize_columns = normalize_columns,
    .normalize_rows = normalize_rows,
    .column_sums = column_sums,
    .sum = sum,
    .sum_squares = sum_squares,
    .all_finite = all_finite,
    .length_bound = length_bound,
    .largest_size = largest_size,
    .argmax = argmax,
    .product = FFN__ISA_NAME(ffn__product),
};
