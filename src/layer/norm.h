/* What batch and layer normalization share: their numbers, and kernels for moments and for y = (x - mean) factor. Sums
 * are in double, in an order that depends on the shape alone. */
#ifndef FFN__NORM_H
#define FFN__NORM_H

#include "layer/layer.h"

enum { FFN__NORM_COLS = 16 }; /* the most columns that a column kernel takes at a time */

/* dx = scale (dy - shift - slope (x - mean)) + beta dx: what the gradient of every normalization comes down to. */
typedef struct ffn__norm_gradient {
    float scale, shift, slope, mean;
} ffn__norm_gradient;

typedef struct ffn__norm_kernels {
    /* factor = weight / sqrt(variance + epsilon) */
    void (*factors)(size_t n, const float *weight, const float *variance, double epsilon, float *factor);
    /* Columns: x [rows][ld], of which the first cols <= FFN__NORM_COLS are worked on; one statistic a column. */
    void (*column_moments)(size_t rows, size_t cols, size_t ld, const float *x, double *mean, double *variance);
    /* sum dy, and sum dy (x - mean) */
    void (*column_products)(size_t rows, size_t cols, size_t ld, const float *dy, const float *x, const float *mean,
                            double *sums, double *products);
    void (*column_gradient)(size_t rows, size_t cols, size_t ld, const ffn__norm_gradient *by_column, const float *dy,
                            const float *x, float beta, float *dx);
    /* Runs: n elements of one statistic. */
    double (*run_squares)(size_t n, const float *x, double mean);                   /* sum (x - mean)^2 */
    double (*run_products)(size_t n, const float *dy, const float *x, double mean); /* sum dy (x - mean) */
    void (*run_gradient)(size_t n, const ffn__norm_gradient *g, const float *dy, const float *x, float beta, float *dx);
    /* y = (x - mean) factor weight + bias, with a weight and a bias for each element; bias NULL: 0 */
    void (*row_apply)(size_t n, const float *x, float mean, float factor, const float *weight, const float *bias,
                      float *y);
    /* Columns of rows that have a statistic each: sum dy, and sum dy (x - mean[r]) factor[r]. */
    void (*row_products)(size_t rows, size_t cols, size_t ld, const float *dy, const float *x, const float *mean,
                         const float *factor, double *sums, double *products);
} ffn__norm_kernels;

const ffn__norm_kernels *ffn__norm(void); /* of the instruction set in use */

/* Elements c .. c + n - 1 of a parameter's gradient, if it is wanted. */
static inline void ffn__norm_set_gradients(const ffn_step *step, size_t parameter, size_t c, size_t n,
                                           const double *values)
{
    float *gradient = step->parameter_gradients[parameter];
    const bool add = step->parameter_betas[parameter] != 0;
    for (size_t i = 0; gradient && i < n; i++)
        gradient[c + i] = (float)(values[i] + (add ? (double)gradient[c + i] : 0));
}

#endif
