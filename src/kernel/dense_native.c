/* The dense layer on products of panels. Letters as in kernel.h: B rows, K inputs, N units.
 *
 *   forward    Y^T[N,B] = W X^T    batch in the lanes; X is turned, and Y turned back tile by tile
 *   backward   dX[B,K]  = dZ W     inputs in the lanes, as they lie in W's panels
 *   gradients  dW[N,K]  = dZ^T X   the same: a panel of dW is contiguous, and so are the weights it belongs to
 *
 * Every element is one sum along the depth in a fixed order: how the work is cut, and who does it, does not show. */
#include "kernel/kernel.h"
#include "kernel/native.h"

enum {
    /* Rows of a part of the result: with a panel's width 16 KB, beside 32 KB of a panel of the other operand. */
    PART = 128,
    /* Units of a tile of the gradient: its panel of X is packed once for all of them. */
    TILE = 512,
    MANY_UNITS = 256,
    /* Rows of X that are packed at a time for a panel of dW. */
    PACKED = 256
};
/* Floating-point operations that turning a number is worth, for the choice of threads. */
static const double TURN_WORK = 20;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t parts(size_t extent, size_t size) { return (extent + size - 1) / size; }

/* Work cut into a grid, whatever the threads: tile t is number t / groups of one extent and t % groups of the other. */
typedef struct job {
    const ffn__dense *dense;
    size_t size, groups, group;
} job;

/* For the choice of threads. With few rows what takes time is reading the weights. */
static double product_work(const ffn__dense *d)
{
    const double rows = d->rows < FFN__FEW ? FFN__FEW : (double)d->rows;
    return 2 * rows * (double)d->inputs * (double)d->units;
}

/* ---- turning rows into panels of the batch ----------------------------------------------------------------------- */

typedef struct turn_job {
    size_t rows, cols;
    const float *x;
    float *turned;
} turn_job;

static void turn_panel(void *context, size_t tile)
{
    const turn_job *j = context;
    const size_t b = tile * FFN__PANEL, width = ffn__panel_width(b, j->rows);
    ffn__native()->turn(smaller(j->rows - b, width), j->cols, j->x + b * j->cols, j->cols,
                        j->turned + ffn__panel_offset(b, j->cols), width, width);
}

/* turned: x^T[cols,rows] in panels of rows. */
static void turn_all(size_t threads, size_t rows, size_t cols, const float *x, float *turned)
{
    turn_job j = {rows, cols, x, turned};
    ffn__parallel(threads, parts(rows, FFN__PANEL), TURN_WORK * (double)rows * (double)cols, turn_panel, &j);
}

static size_t dense_turned(size_t inputs, size_t units) { return inputs > units ? inputs : units; }

/* ---- forward --------------------------------------------------------------------------------------------------- */

/* Whether the activation can see Z turned: softmax wants whole rows, a slope of each unit its unit. */
static bool by_element(const ffn_activation *activation)
{
    return activation->ops && !activation->ops->over_rows && !(activation->per_unit && activation->slope);
}

/* C[units,width] holds Z^T of units from n on for rows from b on: writes Z, or Y, or both. */
static void finish_part(const ffn__dense *d, size_t b, size_t n, size_t units, float *c, size_t width)
{
    const ffn__native_kernels *kernel = ffn__native();
    const size_t rows = smaller(d->rows - b, width), at = b * d->units + n;
    const bool active = !d->fused && by_element(&d->activation);
    if (d->z || !active) kernel->turn(units, rows, c, width, (d->z ? d->z : d->y) + at, d->units, units);
    if (!active) return;
    d->activation.ops->forward(&d->activation, units, width, c, c);
    kernel->turn(units, rows, c, width, d->y + at, d->units, units);
}

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    float c[PART * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t n = tile / j->groups * j->size, units = smaller(j->size, d->units - n);
    const size_t b = tile % j->groups * FFN__PANEL, width = ffn__panel_width(b, d->rows);
    ffn__native()->multiply_rows(units, d->inputs, d->w, n, d->units * FFN__PANEL,
                                 d->turned + ffn__panel_offset(b, d->inputs), width, d->b ? d->b + n : NULL, false, c);
    finish_part(d, b, n, units, c, width);
}

static void few_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t n = tile * j->size;
    ffn__native()->multiply_few(d->rows, d->inputs, d->x, d->w, d->units, n, smaller(j->size, d->units - n),
                                d->b ? d->b + n : NULL, (d->z ? d->z : d->y) + n, d->units);
}

static void dense_forward(const ffn__dense *d)
{
    const bool few = d->rows < FFN__FEW;
    job j = {.dense = d, .size = d->units > MANY_UNITS ? PART : PART / 2, .groups = 1};
    if (!few) {
        turn_all(d->threads, d->rows, d->inputs, d->x, d->turned);
        j.groups = parts(d->rows, FFN__PANEL);
    }
    ffn__parallel(d->threads, parts(d->units, j.size) * j.groups, product_work(d), few ? few_tile : forward_tile, &j);
    if (!d->fused && d->activation.ops && (few || !by_element(&d->activation)))
        ffn__activation_run(&d->activation, d->threads, d->rows, d->units, d->z ? d->z : d->y, d->y);
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static void input_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const ffn__native_kernels *kernel = ffn__native();
    float c[FFN__PANEL * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t k = tile / j->groups * FFN__PANEL, width = ffn__panel_width(k, d->inputs);
    const size_t first = tile % j->groups * j->group, last = smaller(first + j->group, d->rows);
    for (size_t b = first; b < last; b += FFN__PANEL) {
        const size_t step = ffn__panel_width(b, d->rows), rows = smaller(d->rows - b, FFN__PANEL);
        kernel->multiply_columns(rows, d->units, d->turned + ffn__panel_offset(b, d->units), step,
                                 d->w + ffn__panel_offset(k, d->units), width, c);
        kernel->put(rows, smaller(d->inputs - k, FFN__PANEL), c, width, d->dx_beta, d->dx + b * d->inputs + k,
                    d->inputs);
    }
}

static void dense_backward(const ffn__dense *d)
{
    ffn__activation_run_slope(&d->activation, d->rows, d->units, d->z, d->dy, d->dslope_beta, d->dslope);
    if (!d->fused)
        ffn__activation_run_backward(&d->activation, d->threads, d->rows, d->units, d->z, d->y, d->dy, d->dy);
    if (!d->dx) return;
    turn_all(d->threads, d->rows, d->units, d->dy, d->turned);
    job j = {.dense = d, .groups = parts(d->rows, PART), .group = PART};
    ffn__parallel(d->threads, parts(d->inputs, FFN__PANEL) * j.groups, product_work(d), input_tile, &j);
}

/* ---- gradients of the parameters ------------------------------------------------------------------------------- */

/* C[units,width] = dW for units from n on and the panel of inputs at k, plus what C holds if `add`. x: that panel of
 * rows from b on. */
static void multiply_gradient(const ffn__dense *d, const float *x, size_t b, size_t rows, size_t n, size_t units,
                              float *c, size_t width, bool add)
{
    ffn__native()->multiply_rows(units, rows, d->turned + ffn__panel_offset(b, d->units), n, d->units * FFN__PANEL, x,
                                 width, NULL, add, c);
}

/* The same over the whole batch, for all units of a tile, in place or, to be taken up at once, part by part. */
static void weight_tile(const ffn__dense *d, size_t k, size_t n0, size_t n1)
{
    float x[PACKED * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    float c[PART * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t width = ffn__panel_width(k, d->inputs), cols = smaller(d->inputs - k, width);
    const bool aside = d->ready && d->rows <= PACKED;
    float *place = d->dw + ffn__panel_offset(k, d->units);
    for (size_t b = 0; b < d->rows; b += PACKED) {
        const size_t rows = smaller(PACKED, d->rows - b);
        ffn__native()->pack(rows, cols, d->x + b * d->inputs + k, d->inputs, x, width);
        for (size_t n = n0; n < n1; n += PART) {
            const size_t units = smaller(PART, n1 - n);
            float *to = aside ? c : place + n * width;
            multiply_gradient(d, x, b, rows, n, units, to, width, b > 0 || (!aside && d->dw_beta != 0));
            if (d->ready && b + rows == d->rows) d->ready(d->ready_context, place + n * width, to, units * width);
        }
    }
}

static void bias_tile(const ffn__dense *d, size_t n, size_t units)
{
    ffn__tensor()->column_sums(d->rows, units, d->units, d->dy + n, d->db_beta, d->db + n);
    if (d->ready) d->ready(d->ready_context, d->db + n, d->db + n, units);
}

static void gradient_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t k = tile / j->groups * FFN__PANEL, n = tile % j->groups * TILE, units = smaller(TILE, d->units - n);
    if (d->dw) weight_tile(d, k, n, n + units);
    if (d->db && k == 0) bias_tile(d, n, units);
}

static void dense_gradients(const ffn__dense *d)
{
    if (d->dslope && d->ready) d->ready(d->ready_context, d->dslope, d->dslope, d->activation.per_unit ? d->units : 1);
    if (d->dw) turn_all(d->threads, d->rows, d->units, d->dy, d->turned);
    job j = {.dense = d, .groups = parts(d->units, TILE)};
    ffn__parallel(d->threads, parts(d->inputs, FFN__PANEL) * j.groups, product_work(d), gradient_tile, &j);
}

static size_t dense_scratch(size_t inputs, size_t units)
{
    (void)inputs, (void)units;
    return 0;
}

const ffn__kernel_table ffn__kernel_native = {
    .name = "native",
    .layout = &ffn__panels,
    .row_group = FFN__HALF_PANEL,
    .dense_turned = dense_turned,
    .dense_scratch = dense_scratch,
    .dense_forward = dense_forward,
    .dense_backward = dense_backward,
    .dense_gradients = dense_gradients,
};
