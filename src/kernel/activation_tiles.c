#include <string.h>

#include "kernel/kernel.h"

/* Floating-point operations an element is worth, for the choice of tiles and threads. */
static const double WORK_PER_ELEMENT = 20;

typedef struct job {
    const ffn_activation *activation;
    ffn__tiles tiles;
    size_t cols;
    const float *x, *y, *dy;
    float *out;
} job;

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const size_t begin = ffn__tile_begin(&j->tiles, tile), rows = ffn__tile_end(&j->tiles, tile) - begin;
    j->activation->ops->forward(j->activation, rows, j->cols, j->x + begin * j->cols, j->out + begin * j->cols);
}

void ffn__activation_run(const ffn_activation *activation, size_t threads, size_t rows, size_t cols, const float *x,
                         float *y)
{
    if (!activation->ops) {
        if (x != y) memcpy(y, x, rows * cols * sizeof(float));
        return;
    }
    const double work = WORK_PER_ELEMENT * (double)rows * (double)cols;
    if (work < ffn__parallel_work()) {
        activation->ops->forward(activation, rows, cols, x, y);
        return;
    }
    job j = {.activation = activation, .tiles = ffn__tiles_create(rows, 1, work), .cols = cols, .x = x, .out = y};
    ffn__parallel(threads, j.tiles.count, work, forward_tile, &j);
}

static void backward_tile(void *context, size_t tile)
{
    const job *j = context;
    const size_t begin = ffn__tile_begin(&j->tiles, tile), rows = ffn__tile_end(&j->tiles, tile) - begin;
    const size_t at = begin * j->cols;
    j->activation->ops->backward(j->activation, rows, j->cols, j->x ? j->x + at : NULL, j->y + at, j->dy + at,
                                 j->out + at);
}

void ffn__activation_run_backward(const ffn_activation *activation, size_t threads, size_t rows, size_t cols,
                                  const float *x, const float *y, const float *dy, float *dx)
{
    if (!activation->ops) {
        if (dx != dy) memcpy(dx, dy, rows * cols * sizeof(float));
        return;
    }
    const double work = WORK_PER_ELEMENT * (double)rows * (double)cols;
    job j = {.activation = activation,
             .tiles = ffn__tiles_create(rows, 1, work),
             .cols = cols,
             .x = x,
             .y = y,
             .dy = dy,
             .out = dx};
    ffn__parallel(threads, j.tiles.count, work, backward_tile, &j);
}

void ffn__activation_run_slope(const ffn_activation *activation, size_t rows, size_t cols, const float *x,
                               const float *dy, float beta, float *dslope)
{
    if (!dslope) return;
    if (beta == 0) memset(dslope, 0, (activation->per_unit ? cols : 1) * sizeof(float));
    activation->ops->slope_gradient(activation, rows, cols, x, dy, dslope);
}
