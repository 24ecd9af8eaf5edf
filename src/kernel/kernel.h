/* Layer-level kernels: the arithmetic of one layer as a whole, so that a table may choose its own tiles, layout of the
 * weights and fusions. Layers reach their arithmetic through here only. */
#ifndef FFN__KERNEL_H
#define FFN__KERNEL_H

#include "tensor/tensor.h"

/* Rows that make lanes along the batch worth it. */
enum { FFN__FEW = 8 };

/* Floating-point operations of a product, for the choice of tiles and threads. With few rows what takes time is reading the
 * weights. */
static inline double ffn__dense_work(size_t rows, size_t inputs, size_t units)
{
    return 2 * (double)(rows < FFN__FEW ? FFN__FEW : rows) * (double)inputs * (double)units;
}

/* Blocks that are read along with a gradient: the weights and the first two of an optimizer's state. */
enum { FFN__FETCHED = 3 };

/* One dense layer bound to memory. Letters: B rows, K inputs, N units. */
typedef struct ffn__dense {
    size_t rows, inputs, units;
    size_t threads;
    ffn_activation activation;
    const float *x; /* X[B,K] */
    const float *w; /* W[N,K], in the table's layout, as is dw */
    const float *b; /* [N], or NULL: no bias */
    float *z;       /* Z[B,N] = X W^T + b, kept for backward; NULL: not kept */
    float *y;       /* Y[B,N] = f(Z) */
    /* NULL, or in prediction: before the activation Z becomes (Z - mean) factor + shift, by unit */
    const float *mean, *factor, *shift;
    bool fused; /* a loss takes Z: Y is not wanted, and dy holds dZ from the start */
    /* X and dX, or Z, Y and dY lie turned if there are FFN__FEW rows or more; of the native table */
    bool x_turned, y_turned;
    /* x, or y, is turned and a ReLU's, whose derivative the layer that reads it applies */
    bool x_rectified, y_rectified;
    /* backward and gradients; a NULL gradient is not wanted, beta 0 sets and 1 adds */
    float *dy;                  /* dY[B,N]; holds dZ after backward */
    float *dx, dx_beta;         /* dX[B,K] = dZ W */
    float *dw, dw_beta;         /* dW[N,K] = dZ^T X */
    float *db, db_beta;         /* db[N] = sum of dZ over B */
    float *dslope, dslope_beta; /* of a learned activation: [1], or [N] */
    /* NULL, or for every part of a gradient that is complete: where it belongs, and its values */
    void (*ready)(void *context, const float *place, const float *values, size_t count);
    bool kept; /* the values are to stand in their place nevertheless */
    void *ready_context;
    const float *fetch[FFN__FETCHED]; /* laid out as dw: what will be read when a part of it is ready; NULL: nothing */
    /* Laid out as dw: instead of a call of ready with a part of it, descent_weights -= descent_rate dW. NULL: the call */
    float *descent_weights, descent_rate;
    float *turned;  /* [dense_turned(K, N)] for each row, rows padded to row_group; kept from backward to gradients */
    float *scratch; /* [slots][dense_scratch(K, N)]: memory of each thread's own for parts that need not stay */
    size_t slots;
} ffn__dense;

typedef enum ffn__pass { FFN__FORWARD = 0, FFN__BACKWARD, FFN__GRADIENTS } ffn__pass;
enum { FFN__JOINED = 8 }; /* layers, at most */

typedef struct ffn__kernel_table {
    const char *name;
    bool (*dense_turns)(size_t inputs, size_t units); /* whether such a layer can have X or Y turned; NULL: none can */
    const ffn_parameter_layout *layout;               /* of the weights; NULL: row-major */
    size_t row_group;                                 /* see ffn_layer_plan */
    size_t (*dense_turned)(size_t inputs, size_t units);  /* floats for each row in every call */
    size_t (*dense_scratch)(size_t inputs, size_t units); /* floats for each thread in dense_gradients */
    void (*dense_forward)(const ffn__dense *dense);
    void (*dense_backward)(const ffn__dense *dense);  /* dY becomes dZ; dX; the slope's gradient */
    void (*dense_gradients)(const ffn__dense *dense); /* dW, db */
    /* A pass of layers that follow each other, in the pass's order, with less waiting in between; the values between them
     * are turned, and all that they read and write is apart. And whether a layer gains by that. NULL: none does. */
    bool (*dense_joins)(size_t rows, size_t inputs, size_t units);
    void (*dense_joined)(ffn__pass pass, const ffn__dense *layers, size_t count);
} ffn__kernel_table;

extern const ffn__kernel_table ffn__kernel_blas, ffn__kernel_native;
extern const ffn_parameter_layout ffn__panels; /* of the native table */

/* The table that AUTO stands for here; others stay. */
ffn_kernels ffn__kernels_resolve(ffn_kernels wanted);
const ffn__kernel_table *ffn__kernels(ffn_kernels resolved);

/* Z of rows and units from n on, z[rows][units] with rows d->units apart, if it is to be normalized. */
static inline void ffn__dense_normalize(const ffn__dense *d, size_t rows, size_t n, size_t units, float *z)
{
    if (d->factor)
        ffn__tensor()->normalize_columns(rows, units, d->units, z, d->mean + n, d->factor + n, d->shift + n, z);
}

static inline bool ffn__is_relu(const ffn_activation *a) { return a->ops && a->ops == ffn_relu().ops; }

/* After dense_backward: no element of dW and db exceeds it; NaN: not known. */
double ffn__dense_bound(const ffn__dense *dense);

/* ---- activations over tiles (activation_tiles.c), for every layer with an activation --------------------------- */

/* y = f(x), [rows][cols], over tiles of rows. x == y is allowed. */
void ffn__activation_run(const ffn_activation *activation, size_t threads, size_t rows, size_t cols, const float *x,
                         float *y);
/* dx = f'(x) dy, over tiles of rows; dx == dy is allowed. x may be NULL where the kind does not need it. */
void ffn__activation_run_backward(const ffn_activation *activation, size_t threads, size_t rows, size_t cols,
                                  const float *x, const float *y, const float *dy, float *dx);
/* dslope = sum dy df/dslope + beta dslope; nothing for a NULL dslope. */
void ffn__activation_run_slope(const ffn_activation *activation, size_t rows, size_t cols, const float *x,
                               const float *dy, float beta, float *dslope);

/* ---- tiles (tiles.c) ------------------------------------------------------------------------------------------- */

/* Splits `extent` into equal tiles of a multiple of 16, from the shape alone, so that results do not
 * depend on threads. */
typedef struct ffn__tiles {
    size_t extent, size, count;
} ffn__tiles;

/* least: no tile but the last is smaller; work: floating-point operations of the whole. */
ffn__tiles ffn__tiles_create(size_t extent, size_t least, double work);
size_t ffn__tile_begin(const ffn__tiles *tiles, size_t tile);
size_t ffn__tile_end(const ffn__tiles *tiles, size_t tile);

#endif
