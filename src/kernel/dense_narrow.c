/* The dense layer whose weights are a few vectors. */
#include "kernel/narrow.h"

/* Rows of a tile for a thread. */
enum { ROWS = 256 };

ffn__narrow_shape ffn__narrow_shape_of(size_t inputs, size_t units)
{
    const bool units_in_lanes = units > inputs;
    return (ffn__narrow_shape){.inputs = (uint8_t)inputs,
                               .units = (uint8_t)units,
                               .depth = (uint8_t)(units_in_lanes ? inputs : units),
                               .width = (uint8_t)(units_in_lanes ? units : inputs),
                               .units_in_lanes = units_in_lanes};
}

double ffn__narrow_work(const ffn__narrow_shape *shape, size_t rows)
{
    return 2.0 * (double)rows * (double)shape->depth * FFN__HALF_PANEL;
}

void ffn__narrow_forward(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *s, size_t rows, const float *x,
                         const float *w, const float *b, float *z)
{
    (s->units_in_lanes ? kernels->spread : kernels->gather)(rows, s->depth, s->width, x, w, b, 0, z);
}

void ffn__narrow_backward(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *s, size_t rows, const float *dz,
                          const float *w, float beta, float *dx)
{
    const float *from = beta != 0 ? dx : NULL;
    (s->units_in_lanes ? kernels->gather : kernels->spread)(rows, s->depth, s->width, dz, w, from, s->inputs, dx);
}

static void gradient_block(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *s, size_t rows, size_t first,
                           const float *dz, const float *x, float beta, float *dw)
{
    kernels->gradient(rows, s->depth, first, s->width, s->units_in_lanes ? x : dz, s->units_in_lanes ? dz : x, beta,
                      dw);
}

void ffn__narrow_gradient(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *s, size_t rows, const float *dz,
                          const float *x, float beta, float *dw)
{
    for (size_t first = 0; first < s->depth; first += FFN__NARROW_BLOCK)
        gradient_block(kernels, s, rows, first, dz, x, beta, dw);
}

/* ---- a layer of any number of rows, by threads ------------------------------------------------------------------- */

typedef struct job {
    const ffn__dense *dense;
    ffn__narrow_shape shape;
} job;

static void for_rows(const ffn__dense *d, void (*body)(void *context, size_t tile))
{
    job j = {d, ffn__narrow_shape_of(d->inputs, d->units)};
    ffn__parallel(d->threads, (d->rows + ROWS - 1) / ROWS, ffn__narrow_work(&j.shape, d->rows), body, &j);
}

static size_t rows_of(const ffn__dense *d, size_t tile)
{
    const size_t left = d->rows - tile * ROWS;
    return left < ROWS ? left : ROWS;
}

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t at = tile * ROWS;
    float *z = d->z ? d->z : d->y;
    ffn__narrow_forward(ffn__narrow(), &j->shape, rows_of(d, tile), d->x + at * d->inputs, d->w, d->b,
                        z + at * d->units);
}

void ffn__narrow_dense_forward(const ffn__dense *d) { for_rows(d, forward_tile); }

static void backward_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t at = tile * ROWS;
    ffn__narrow_backward(ffn__narrow(), &j->shape, rows_of(d, tile), d->dy + at * d->units, d->w, d->dx_beta,
                         d->dx + at * d->inputs);
}

void ffn__narrow_dense_backward(const ffn__dense *d) { for_rows(d, backward_tile); }

static void gradient_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    gradient_block(ffn__narrow(), &j->shape, d->rows, tile * FFN__NARROW_BLOCK, d->dy, d->x, d->dw_beta, d->dw);
}

void ffn__narrow_dense_gradients(const ffn__dense *d)
{
    job j = {d, ffn__narrow_shape_of(d->inputs, d->units)};
    const size_t depth = j.shape.depth, blocks = (depth + FFN__NARROW_BLOCK - 1) / FFN__NARROW_BLOCK;
    if (d->dw) ffn__parallel(d->threads, blocks, ffn__narrow_work(&j.shape, d->rows), gradient_tile, &j);
    if (d->db) ffn__narrow()->sum_rows(d->rows, d->units, d->dy, d->db_beta, d->db);
    if (d->dw && d->ready) d->ready(d->ready_context, d->dw, d->dw, depth * FFN__HALF_PANEL);
    if (d->db && d->ready) d->ready(d->ready_context, d->db, d->db, d->units);
}
