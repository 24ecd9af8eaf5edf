/* The dense layer on matrix products of the BLAS, tile by tile, with bias and activation on each tile
 * while it is hot. */
#include "kernel/kernel.h"

/* A product of fewer rows or columns spends too much on packing what all tiles share. */
enum { LEAST_TILE = 256 };
/* Weights of a tile of dW: the update finds them in the second-level cache, and the product is still large enough. */
enum { GRADIENT_TILE = 128 * 1024, LEAST_GRADIENT_TILE = 64 };

typedef struct job {
    const ffn__dense *dense;
    ffn__tiles tiles;
} job;

/* ---- forward --------------------------------------------------------------------------------------------------- */

/* Y[b0:b1, n0:n1] */
static void forward_block(const ffn__dense *d, size_t b0, size_t b1, size_t n0, size_t n1)
{
    const size_t rows = b1 - b0, cols = n1 - n0, at = b0 * d->units + n0;
    float *z = (d->z ? d->z : d->y) + at, *y = d->y + at;
    ffn__gemm(false, true, rows, cols, d->inputs, 1, d->x + b0 * d->inputs, d->inputs, d->w + n0 * d->inputs, d->inputs,
              0, z, d->units);
    if (d->b) ffn__tensor()->add_row(rows, cols, d->units, d->b + n0, z);
    ffn__dense_normalize(d, rows, n0, cols, z);
    ffn_activation activation = d->activation;
    if (!activation.ops || d->fused) return;
    if (cols == d->units) {
        activation.ops->forward(&activation, rows, cols, z, y);
        return;
    }
    if (activation.per_unit && activation.slope) activation.slope += n0;
    for (size_t r = 0; r < rows; r++) activation.ops->forward(&activation, 1, cols, z + r * d->units, y + r * d->units);
}

static void forward_rows(void *context, size_t tile)
{
    const job *j = context;
    forward_block(j->dense, ffn__tile_begin(&j->tiles, tile), ffn__tile_end(&j->tiles, tile), 0, j->dense->units);
}

static void forward_units(void *context, size_t tile)
{
    const job *j = context;
    forward_block(j->dense, 0, j->dense->rows, ffn__tile_begin(&j->tiles, tile), ffn__tile_end(&j->tiles, tile));
}

static void dense_forward(const ffn__dense *d)
{
    const bool whole_rows = d->activation.ops && d->activation.ops->over_rows && !d->fused;
    const bool by_rows = whole_rows || d->rows >= d->units;
    const double work = ffn__dense_work(d->rows, d->inputs, d->units);
    job j = {d, ffn__tiles_create(by_rows ? d->rows : d->units, LEAST_TILE, work)};
    ffn__parallel(d->threads, j.tiles.count, work, by_rows ? forward_rows : forward_units, &j);
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

/* dX[b0:b1, :] */
static void input_rows(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t b0 = ffn__tile_begin(&j->tiles, tile), rows = ffn__tile_end(&j->tiles, tile) - b0;
    ffn__gemm(false, false, rows, d->inputs, d->units, 1, d->dy + b0 * d->units, d->units, d->w, d->inputs, d->dx_beta,
              d->dx + b0 * d->inputs, d->inputs);
}

/* dX[:, k0:k1] */
static void input_columns(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t k0 = ffn__tile_begin(&j->tiles, tile), cols = ffn__tile_end(&j->tiles, tile) - k0;
    ffn__gemm(false, false, d->rows, cols, d->units, 1, d->dy, d->units, d->w + k0, d->inputs, d->dx_beta, d->dx + k0,
              d->inputs);
}

static void dense_backward(const ffn__dense *d)
{
    ffn__activation_run_slope(&d->activation, d->rows, d->units, d->z, d->dy, d->dslope_beta, d->dslope);
    if (!d->fused)
        ffn__activation_run_backward(&d->activation, d->threads, d->rows, d->units, d->z, d->y, d->dy, d->dy);
    if (!d->dx) return;
    const bool by_rows = d->rows >= d->inputs;
    const double work = ffn__dense_work(d->rows, d->inputs, d->units);
    job j = {d, ffn__tiles_create(by_rows ? d->rows : d->inputs, LEAST_TILE, work)};
    ffn__parallel(d->threads, j.tiles.count, work, by_rows ? input_rows : input_columns, &j);
}

/* ---- gradients of the parameters ------------------------------------------------------------------------------- */

static size_t dense_scratch(size_t inputs, size_t units)
{
    const size_t most = 2 * (size_t)GRADIENT_TILE;
    return units > most / inputs ? most : units * inputs;
}

/* dW[n0:n1, :] and db[n0:n1] over the whole batch: nothing is reduced across tiles. A part that is taken up at once
 * stays in the thread's own memory, which is in cache, and off the way to the gradient's. */
static void weight_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t n0 = ffn__tile_begin(&j->tiles, tile), cols = ffn__tile_end(&j->tiles, tile) - n0;
    if (d->dw) {
        const size_t scratch = dense_scratch(d->inputs, d->units), worker = ffn__worker();
        const bool aside = d->ready && !d->kept && worker < d->slots && cols * d->inputs <= scratch;
        float *place = d->dw + n0 * d->inputs, *values = aside ? d->scratch + worker * scratch : place;
        ffn__gemm(true, false, cols, d->inputs, d->rows, 1, d->dy + n0, d->units, d->x, d->inputs, d->dw_beta, values,
                  d->inputs);
        if (d->ready) d->ready(d->ready_context, place, values, cols * d->inputs);
    }
    if (d->db) {
        ffn__tensor()->column_sums(d->rows, cols, d->units, d->dy + n0, d->db_beta, d->db + n0);
        if (d->ready) d->ready(d->ready_context, d->db + n0, d->db + n0, cols);
    }
}

static void dense_gradients(const ffn__dense *d)
{
    const double work = ffn__dense_work(d->rows, d->inputs, d->units);
    const size_t fitting = GRADIENT_TILE / d->inputs;
    job j = {d, ffn__tiles_create(d->units, fitting > LEAST_GRADIENT_TILE ? fitting : LEAST_GRADIENT_TILE, work)};
    if (d->dslope && d->ready) d->ready(d->ready_context, d->dslope, d->dslope, d->activation.per_unit ? d->units : 1);
    ffn__parallel(d->threads, j.tiles.count, work, weight_tile, &j);
}

static size_t dense_turned(size_t inputs, size_t units)
{
    (void)inputs, (void)units;
    return 0;
}

const ffn__kernel_table ffn__kernel_blas = {
    .name = "blas",
    .row_group = 1,
    .dense_turned = dense_turned,
    .dense_scratch = dense_scratch,
    .dense_forward = dense_forward,
    .dense_backward = dense_backward,
    .dense_gradients = dense_gradients,
};
