/* The arithmetic of normalization. Loops run along memory; a lane never adds to another's sum, so that the compiler may
 * use any width without changing a bit, but for the runs' sums, which have WIDE lanes of their own. */
#include <math.h>

#include "layer/norm.h"
#include "tensor/wide.h"

FFN__ISA_DECLARE(ffn__norm_kernels, ffn__norm_kernels);

static void factors(size_t n, const float *weight, const float *variance, double epsilon, float *factor)
{
    for (size_t i = 0; i < n; i++) factor[i] = weight[i] * (float)(1 / sqrt((double)variance[i] + epsilon));
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

/* Calls body with `width` FFN__NORM_COLS as a constant where the tile is whole, so that its loops have a fixed length. */
#define FOR_WIDTH(cols, body)                                                                                          \
    do {                                                                                                               \
        if ((cols) == FFN__NORM_COLS) {                                                                                \
            const size_t width = FFN__NORM_COLS;                                                                       \
            body;                                                                                                      \
        } else {                                                                                                       \
            const size_t width = (cols);                                                                               \
            body;                                                                                                      \
        }                                                                                                              \
    } while (0)

VECTOR_INLINE void add_columns(size_t rows, size_t width, size_t ld, const float *x, double *sums)
{
    for (size_t r = 0; r < rows; r++, x += ld)
        for (size_t c = 0; c < width; c++) sums[c] += (double)x[c];
}

VECTOR_INLINE void add_squares(size_t rows, size_t width, size_t ld, const float *x, const double *mean, double *sums)
{
    for (size_t r = 0; r < rows; r++, x += ld)
        for (size_t c = 0; c < width; c++) {
            const double d = (double)x[c] - mean[c];
            sums[c] += d * d;
        }
}

static void column_moments(size_t rows, size_t cols, size_t ld, const float *x, double *mean, double *variance)
{
    double sums[FFN__NORM_COLS] = {0}, squares[FFN__NORM_COLS] = {0};
    FOR_WIDTH(cols, add_columns(rows, width, ld, x, sums));
    for (size_t c = 0; c < cols; c++) sums[c] /= (double)rows;
    FOR_WIDTH(cols, add_squares(rows, width, ld, x, sums, squares));
    for (size_t c = 0; c < cols; c++) {
        mean[c] = sums[c];
        variance[c] = squares[c] / (double)rows;
    }
}

VECTOR_INLINE void add_products(size_t rows, size_t width, size_t ld, const float *dy, const float *x,
                                const float *mean, double *sums, double *products)
{
    for (size_t r = 0; r < rows; r++, x += ld, dy += ld)
        for (size_t c = 0; c < width; c++) {
            sums[c] += (double)dy[c];
            products[c] += (double)dy[c] * (double)(x[c] - mean[c]);
        }
}

static void column_products(size_t rows, size_t cols, size_t ld, const float *dy, const float *x, const float *mean,
                            double *sums, double *products)
{
    double sum[FFN__NORM_COLS] = {0}, product[FFN__NORM_COLS] = {0};
    FOR_WIDTH(cols, add_products(rows, width, ld, dy, x, mean, sum, product));
    memcpy(sums, sum, cols * sizeof(*sum));
    memcpy(products, product, cols * sizeof(*product));
}

/* beta 0: dx need not hold numbers */
VECTOR_INLINE float gradient_at(const ffn__norm_gradient *g, float dy, float x)
{
    return g->scale * ((dy - g->shift) - g->slope * (x - g->mean));
}

static void column_gradient(size_t rows, size_t cols, size_t ld, const ffn__norm_gradient *by_column, const float *dy,
                            const float *x, float beta, float *dx)
{
    for (size_t r = 0; r < rows; r++, x += ld, dy += ld, dx += ld)
        for (size_t c = 0; c < cols; c++) {
            const float value = gradient_at(&by_column[c], dy[c], x[c]);
            dx[c] = beta == 0 ? value : value + beta * dx[c];
        }
}

/* ---- runs ------------------------------------------------------------------------------------------------------ */

VECTOR_INLINE vec load(const float *x, size_t left) { return left >= VL ? vec_load(x) : vec_load_part(x, left); }

static double run_squares(size_t n, const float *x, double mean)
{
    wide sums[WIDE_PARTS] = {{0}};
    for (size_t i = 0; i < n; i += VL) {
        const vec v = load(x + i, n - i);
        for (size_t part = 0; part < WIDE_PARTS; part++) {
            wide d = wide_part(v, part) - mean;
            if (n - i < VL) d = wide_first(d, n - i > part * WL ? n - i - part * WL : 0);
            sums[part] += d * d;
        }
    }
    for (size_t part = 1; part < WIDE_PARTS; part++) sums[0] += sums[part];
    return wide_sum(sums[0]);
}

/* Behind the end dy is 0. */
static double run_products(size_t n, const float *dy, const float *x, double mean)
{
    wide sums[WIDE_PARTS] = {{0}};
    for (size_t i = 0; i < n; i += VL) {
        const vec v = load(x + i, n - i), g = load(dy + i, n - i);
        for (size_t part = 0; part < WIDE_PARTS; part++) sums[part] += wide_part(g, part) * (wide_part(v, part) - mean);
    }
    for (size_t part = 1; part < WIDE_PARTS; part++) sums[0] += sums[part];
    return wide_sum(sums[0]);
}

static void run_gradient(size_t n, const ffn__norm_gradient *g, const float *dy, const float *x, float beta, float *dx)
{
    const ffn__norm_gradient same = *g; /* dx may not change it */
    for (size_t i = 0; i < n; i++) {
        const float value = gradient_at(&same, dy[i], x[i]);
        dx[i] = beta == 0 ? value : value + beta * dx[i];
    }
}

/* ---- rows with a statistic each -------------------------------------------------------------------------------- */

static void row_apply(size_t n, const float *x, float mean, float factor, const float *weight, const float *bias,
                      float *y)
{
    if (bias)
        for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * factor * weight[i] + bias[i];
    else
        for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * factor * weight[i];
}

VECTOR_INLINE void add_row_products(size_t rows, size_t width, size_t ld, const float *dy, const float *x,
                                    const float *mean, const float *factor, double *sums, double *products)
{
    for (size_t r = 0; r < rows; r++, x += ld, dy += ld)
        for (size_t c = 0; c < width; c++) {
            sums[c] += (double)dy[c];
            products[c] += (double)dy[c] * (double)((x[c] - mean[r]) * factor[r]);
        }
}

static void row_products(size_t rows, size_t cols, size_t ld, const float *dy, const float *x, const float *mean,
                         const float *factor, double *sums, double *products)
{
    double sum[FFN__NORM_COLS] = {0}, product[FFN__NORM_COLS] = {0};
    FOR_WIDTH(cols, add_row_products(rows, width, ld, dy, x, mean, factor, sum, product));
    memcpy(sums, sum, cols * sizeof(*sum));
    memcpy(products, product, cols * sizeof(*product));
}

const ffn__norm_kernels FFN__ISA_NAME(ffn__norm_kernels) = {
    .factors = factors,
    .column_moments = column_moments,
    .column_products = column_products,
    .column_gradient = column_gradient,
    .run_squares = run_squares,
    .run_products = run_products,
    .run_gradient = run_gradient,
    .row_apply = row_apply,
    .row_products = row_products,
};
