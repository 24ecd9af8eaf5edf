/* The dense layer whose weights are a few vectors. */
#include "kernel/narrow.h"

/* Rows of a tile for a thread. */
enum { ROWS = 256 };

typedef struct job {
    const ffn__dense *dense;
    bool units_in_lanes; /* else the inputs */
    size_t depth, width;
} job;

static job begin(const ffn__dense *d)
{
    const bool units_in_lanes = d->units > d->inputs;
    return (job){.dense = d,
                 .units_in_lanes = units_in_lanes,
                 .depth = units_in_lanes ? d->inputs : d->units,
                 .width = units_in_lanes ? d->units : d->inputs};
}

/* For the choice of threads: lanes in use or not take the same time. */
static double work_of(const job *j) { return 2.0 * (double)j->dense->rows * (double)j->depth * FFN__HALF_PANEL; }

static void for_rows(const job *j, void (*body)(void *context, size_t tile))
{
    ffn__parallel(j->dense->threads, (j->dense->rows + ROWS - 1) / ROWS, work_of(j), body, (void *)j);
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
    float *z = (d->z ? d->z : d->y) + at * d->units;
    (j->units_in_lanes ? ffn__narrow()->spread : ffn__narrow()->gather)(rows_of(d, tile), j->depth, j->width,
                                                                        d->x + at * d->inputs, d->w, d->b, 0, z);
}

void ffn__narrow_forward(const ffn__dense *d)
{
    const job j = begin(d);
    for_rows(&j, forward_tile);
}

static void backward_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t at = tile * ROWS;
    float *dx = d->dx + at * d->inputs;
    (j->units_in_lanes ? ffn__narrow()->gather : ffn__narrow()->spread)(
        rows_of(d, tile), j->depth, j->width, d->dy + at * d->units, d->w, d->dx_beta != 0 ? dx : NULL, d->inputs, dx);
}

void ffn__narrow_backward(const ffn__dense *d)
{
    const job j = begin(d);
    for_rows(&j, backward_tile);
}

static void gradient_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const float *a = j->units_in_lanes ? d->x : d->dy, *v = j->units_in_lanes ? d->dy : d->x;
    ffn__narrow()->gradient(d->rows, j->depth, tile * FFN__NARROW_BLOCK, j->width, a, v, d->dw_beta, d->dw);
}

void ffn__narrow_gradients(const ffn__dense *d)
{
    const job j = begin(d);
    if (d->dw)
        ffn__parallel(d->threads, (j.depth + FFN__NARROW_BLOCK - 1) / FFN__NARROW_BLOCK, work_of(&j), gradient_tile,
                      (void *)&j);
    if (d->db) ffn__narrow()->sum_rows(d->rows, d->units, d->dy, d->db_beta, d->db);
    if (d->dw && d->ready) d->ready(d->ready_context, d->dw, d->dw, j.depth * FFN__HALF_PANEL);
    if (d->db && d->ready) d->ready(d->ready_context, d->db, d->db, d->units);
}
