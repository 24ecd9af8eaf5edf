/* The dense layer on matrix products of the BLAS, tile by tile, with bias and activation on each tile while it is hot. */
#include "kernel/kernel.h"

typedef struct job {
    const ffn__dense *dense;
    ffn__tiles rows, units;
} job;

static double product_work(const ffn__dense *d) { return 2 * (double)d->rows * (double)d->inputs * (double)d->units; }

/* ---- forward ------------------------------------------------------------------------------------------------------ */

/* Y[b0:b1, n0:n1] */
static void forward_block(const ffn__dense *d, size_t b0, size_t b1, size_t n0, size_t n1)
{
    const size_t rows = b1 - b0, cols = n1 - n0, at = b0 * d->units + n0;
    float *z = (d->z ? d->z : d->y) + at, *y = d->y + at;
    ffn__gemm(false, true, rows, cols, d->inputs, 1, d->x + b0 * d->inputs, d->inputs, d->w + n0 * d->inputs, d->inputs,
              0, z, d->units);
    if (d->b) ffn__tensor()->add_row(rows, cols, d->units, d->b + n0, z);
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
    forward_block(j->dense, ffn__tile_begin(&j->rows, tile), ffn__tile_end(&j->rows, tile), 0, j->dense->units);
}

static void forward_units(void *context, size_t tile)
{
    const job *j = context;
    forward_block(j->dense, 0, j->dense->rows, ffn__tile_begin(&j->units, tile), ffn__tile_end(&j->units, tile));
}

static void dense_forward(const ffn__dense *d)
{
    const double work = product_work(d);
    job j = {.dense = d};
    const bool whole_rows = d->activation.ops && d->activation.ops->over_rows;
    if (whole_rows || d->rows >= d->units) {
        j.rows = ffn__tiles_create(d->rows, work);
        ffn__parallel(d->threads, j.rows.count, work, forward_rows, &j);
    } else {
        j.units = ffn__tiles_create(d->units, work);
        ffn__parallel(d->threads, j.units.count, work, forward_units, &j);
    }
}

/* ---- backward ----------------------------------------------------------------------------------------------------- */

/* dW[n0:n1, :] and db[n0:n1] over the whole batch: nothing is reduced across tiles. */
static void weight_tile(const job *j, size_t tile)
{
    const ffn__dense *d = j->dense;
    const size_t n0 = ffn__tile_begin(&j->units, tile), cols = ffn__tile_end(&j->units, tile) - n0;
    if (d->dw)
        ffn__gemm(true, false, cols, d->inputs, d->rows, 1, d->dy + n0, d->units, d->x, d->inputs, d->dw_beta,
                  d->dw + n0 * d->inputs, d->inputs);
    if (d->db) ffn__tensor()->column_sums(d->rows, cols, d->units, d->dy + n0, d->db_beta, d->db + n0);
}

/* dX[b0:b1, :] */
static void input_tile(const job *j, size_t tile)
{
    const ffn__dense *d = j->dense;
    const size_t b0 = ffn__tile_begin(&j->rows, tile), rows = ffn__tile_end(&j->rows, tile) - b0;
    ffn__gemm(false, false, rows, d->inputs, d->units, 1, d->dy + b0 * d->units, d->units, d->w, d->inputs, d->dx_beta,
              d->dx + b0 * d->inputs, d->inputs);
}

static void backward_tile(void *context, size_t tile)
{
    const job *j = context;
    if (tile < j->units.count)
        weight_tile(j, tile);
    else
        input_tile(j, tile - j->units.count);
}

static void dense_backward(const ffn__dense *d)
{
    ffn__activation_run_slope(&d->activation, d->rows, d->units, d->z, d->dy, d->dslope_beta, d->dslope);
    if (!d->fused)
        ffn__activation_run_backward(&d->activation, d->threads, d->rows, d->units, d->z, d->y, d->dy, d->dy);
    const double work = product_work(d);
    job j = {.dense = d};
    if (d->dw || d->db) j.units = ffn__tiles_create(d->units, work);
    if (d->dx) j.rows = ffn__tiles_create(d->rows, work);
    ffn__parallel(d->threads, j.units.count + j.rows.count, 2 * work, backward_tile, &j);
}

const ffn__kernel_table ffn__kernel_blas = {"blas", dense_forward, dense_backward};
