/* The native kernels: products of dense layers whose operands all lie in panels, so that nothing is packed on the way.
 * docs/kernels.md explains the layout with a drawing. */
#ifndef FFN__NATIVE_H
#define FFN__NATIVE_H

#include "kernel/kernel.h"

/* A panel holds 32 columns of a matrix, row after row: two vectors of AVX-512, four of AVX2, eight of SSE. The last one
 * is half as wide where that is enough; places behind the matrix's end are zero. */
enum { FFN__PANEL = 32, FFN__HALF_PANEL = FFN__PANEL / 2 };

/* The width of the panel that begins at column `begin` of `cols`. */
static inline size_t ffn__panel_width(size_t begin, size_t cols)
{
    return cols - begin > FFN__HALF_PANEL ? FFN__PANEL : FFN__HALF_PANEL;
}

/* Where the panel that begins at column `begin` of a matrix of `rows` rows begins: all before it are full. */
static inline size_t ffn__panel_offset(size_t begin, size_t rows) { return begin * rows; }

/* C[R,w] = A[R,D] B[D,w] for a panel's width w, plus bias[R] for each row, or plus what C holds. */
typedef struct ffn__panel_product {
    size_t rows, depth, width;
    const float *a;
    size_t row;    /* of a, the first */
    size_t a_step; /* floats: between panels of A, or between rows of its transpose */
    const float *b;
    size_t ldb; /* floats between its rows */
    float *c;
    const float *bias; /* [rows]; NULL: none */
    bool add;          /* to what C holds; bias is then not used */
    bool rectify;      /* of multiply_rows: C becomes max(0, C) in the end */
    const float *mask; /* of multiply_columns: laid out as C, which becomes 0 where this is not above 0; NULL: none */
    /* Laid out as C: weights -= rate C in the end, and C is no more than memory for sums. NULL: C is the result. */
    float *weights, rate;
    /* Memory laid out as C that will be read when C is there: it is fetched meanwhile. NULL: none. */
    const float *fetch[FFN__FETCHED];
} ffn__panel_product;

/* Y[B,N] = X[B,K] W^T + bias for B < FFN__FEW rows and N units from `unit` on. */
typedef struct ffn__few_product {
    size_t rows, inputs;
    const float *x, *w; /* W in panels of all_units rows, which so many threads share */
    size_t all_units, threads;
    size_t unit, units;
    const float *bias; /* [N]; NULL: none */
    float *y;
    size_t ldy;
    bool rectify;   /* Y becomes max(0, Y) in the end */
    bool backwards; /* from the last unit to the first */
} ffn__few_product;

typedef struct ffn__native_kernels {
    /* A is rows of a matrix in panels of its columns. */
    void (*multiply_rows)(const ffn__panel_product *product);
    /* A^T lies row after row, each `row` .. `row` + R - 1 of a_step floats. */
    void (*multiply_columns)(const ffn__panel_product *product);
    /* sums[R] = the sums of rows of panels, x [panel][all_rows][width] from row `row` on, over `cols` columns + beta sums */
    void (*sum_rows)(size_t rows, size_t cols, size_t all_rows, size_t row, const float *x, float beta, float *sums);
    void (*multiply_few)(const ffn__few_product *product);
    /* to [cols][width], rows of it ldt apart, = the transpose of x [rows][cols]; zeros behind, width >= rows. */
    void (*turn)(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t ldt, size_t width);
    /* to [rows][width] = columns of x, cols <= width; zeros behind. */
    void (*pack)(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t width);
    /* y [rows][cols] = c [rows][width] + beta y; beta 0: y is not read. */
    void (*put)(size_t rows, size_t cols, const float *c, size_t width, float beta, float *y, size_t ldy);
} ffn__native_kernels;

const ffn__native_kernels *ffn__native(void); /* of the instruction set in use */

#endif
