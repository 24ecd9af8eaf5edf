/* The dense layer on products of panels. Letters as in kernel.h: B rows, K inputs, N units.
 *
 *   forward    Y^T[N,B]  = W X^T      batch in the lanes
 *   backward   dX^T[K,B] = W^T dZ^T   the same; dX[B,K] = dZ W has the inputs in the lanes, as they lie in W's panels
 *   gradients  dW[N,K]   = dZ^T X     the same: a panel of dW is contiguous, and so are the weights it belongs to
 *
 * Values between such layers lie turned; others are turned on the way in, and back tile by tile.
 * Every element is one sum along the depth in a fixed order: how the work is cut, and who does it, does not show. */
#include "kernel/kernel.h"
#include "kernel/narrow.h"
#include "kernel/native.h"

enum {
    /* Rows of a part of the result: with a panel's width 16 KB, beside as much of a panel of the other operand. */
    PART = 128,
    /* Panels of rows that take up a part of the weights one after the other: weights come from far, these from near. */
    SHARERS = 8,
    /* Units of a tile of the gradient: a panel of X is packed once for all of them. */
    TILE = 512,
    FEW_PANELS = 8,
    MANY_UNITS = 256,
    /* Rows up to which the update of a part of the weights, with its gradient and state, takes so much of the time that
     * all of it should be in the first-level cache: parts are then halved. */
    FEW_ROWS = FFN__PANEL,
    /* Rows of X that are packed at a time for a panel of dW. */
    PACKED = 256,
    /* Floats that the first-level cache holds beside a tile's other operands. */
    SMALL = 8192
};
/* Floating-point operations that turning a number is worth, and turning a dY into dZ as well, for the choice of threads. */
static const double TURN_WORK = 25, DELTA_WORK = 50;

static size_t parts(size_t extent, size_t size) { return (extent + size - 1) / size; }

/* Work cut into a grid. No element depends on how: the cut only has to suit caches and threads. */
typedef struct job {
    const ffn__dense *dense;
    size_t size, groups;
} job;

static double product_work(const ffn__dense *d) { return ffn__dense_work(d->rows, d->inputs, d->units); }

static size_t most_threads(const ffn__dense *d)
{
    const size_t pool = ffn__thread_count();
    return d->threads ? ffn__smaller(d->threads, pool) : pool;
}

/* Whether each thread takes rows of its own from the first pass to the last, and all weights, or weights of its own and
 * all rows: what is the smaller part should travel between the caches. */
static bool by_rows(const ffn__dense *d)
{
    const size_t threads = most_threads(d);
    const double values = (double)d->rows * (double)(d->inputs + d->units);
    return threads == 1 || product_work(d) < ffn__parallel_work() ||
           (parts(d->rows, FFN__PANEL) >= threads && values >= (double)d->inputs * (double)d->units);
}

/* Rows of a tile that takes all weights: about SHARERS panels, and equal shares for the threads. */
static size_t rows_of_tile(const ffn__dense *d)
{
    const size_t share = parts(parts(d->rows, FFN__PANEL), most_threads(d));
    return parts(share, parts(share, SHARERS)) * FFN__PANEL;
}

static bool x_is_turned(const ffn__dense *d) { return d->x_turned && d->rows >= FFN__FEW; }
static bool y_is_turned(const ffn__dense *d) { return d->y_turned && d->rows >= FFN__FEW; }

/* Panels of X^T and of dZ^T, once they are there; the one of the rows from b on begins at ffn__panel_offset. */
static const float *turned_x(const ffn__dense *d) { return x_is_turned(d) ? d->x : d->turned; }
static const float *turned_delta(const ffn__dense *d) { return y_is_turned(d) ? d->dy : d->turned; }

/* The panel of rows from b on of x [rows][cols], turned. */
static void turn_panel(const ffn__dense *d, size_t b, size_t cols, const float *x)
{
    const size_t width = ffn__panel_width(b, d->rows);
    ffn__native()->turn(ffn__smaller(d->rows - b, width), cols, x + b * cols, cols,
                        d->turned + ffn__panel_offset(b, cols), width, width);
}

static size_t dense_turned(size_t inputs, size_t units)
{
    return ffn__is_narrow(inputs, units) ? 0 : inputs > units ? inputs : units;
}

/* ---- forward --------------------------------------------------------------------------------------------------- */

/* Whether the activation can see Z turned: softmax wants whole rows, a slope of each unit its unit. */
static bool by_element(const ffn_activation *activation)
{
    return activation->ops && !activation->ops->over_rows && !(activation->per_unit && activation->slope);
}

/* Whether the product leaves Y where Z is not wanted. */
static bool rectifies(const ffn__dense *d) { return !d->fused && !d->z && !d->factor && ffn__is_relu(&d->activation); }

/* C[units,width] holds Z^T, or Y^T, of units from n on for rows from b on: writes Z, or Y, or both, turned back. */
static void put_part(const ffn__dense *d, size_t b, size_t n, size_t units, float *c, size_t width)
{
    const ffn__native_kernels *kernel = ffn__native();
    const size_t rows = ffn__smaller(d->rows - b, width), at = b * d->units + n;
    const bool active = !d->fused && !rectifies(d) && by_element(&d->activation);
    if (d->z || !active) kernel->turn(units, rows, c, width, (d->z ? d->z : d->y) + at, d->units, units);
    if (!active) return;
    d->activation.ops->forward(&d->activation, units, width, c, c);
    kernel->turn(units, rows, c, width, d->y + at, d->units, units);
}

/* Z and Y for a panel of rows and part of the units. */
static void forward_part(const ffn__dense *d, size_t b, size_t n, size_t units)
{
    float aside[PART * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t width = ffn__panel_width(b, d->rows), at = ffn__panel_offset(b, d->units) + n * width;
    const bool in_place = y_is_turned(d);
    float *const c = in_place ? (d->z ? d->z : d->y) + at : aside;
    const ffn__panel_product product = {.rows = units,
                                        .depth = d->inputs,
                                        .width = width,
                                        .a = d->w,
                                        .row = n,
                                        .a_step = d->units * FFN__PANEL,
                                        .b = turned_x(d) + ffn__panel_offset(b, d->inputs),
                                        .ldb = width,
                                        .c = c,
                                        .bias = d->b ? d->b + n : NULL,
                                        .rectify = rectifies(d)};
    ffn__native()->multiply_rows(&product);
    if (d->factor) ffn__tensor()->normalize_rows(units, width, c, d->mean + n, d->factor + n, d->shift + n, c);
    if (!in_place)
        put_part(d, b, n, units, c, width);
    else if (d->activation.ops && !rectifies(d))
        d->activation.ops->forward(&d->activation, units, width, c, d->y + at);
}

static void forward_rows(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t first = tile * j->size, last = ffn__smaller(first + j->size, d->rows);
    for (size_t b = first; b < last && !x_is_turned(d); b += FFN__PANEL) turn_panel(d, b, d->inputs, d->x);
    for (size_t n = 0; n < d->units; n += PART)
        for (size_t b = first; b < last; b += FFN__PANEL) forward_part(d, b, n, ffn__smaller(PART, d->units - n));
}

static void turn_tile(void *context, size_t tile)
{
    const ffn__dense *d = ((const job *)context)->dense;
    turn_panel(d, tile * FFN__PANEL, d->inputs, d->x);
}

static void forward_units(void *context, size_t tile)
{
    const job *j = context;
    const size_t n = tile / j->groups * j->size;
    forward_part(j->dense, tile % j->groups * FFN__PANEL, n, ffn__smaller(j->size, j->dense->units - n));
}

static void few_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t n = tile * j->size, units = ffn__smaller(j->size, d->units - n);
    float *z = (d->z ? d->z : d->y) + n;
    ffn__native()->multiply_few(&(ffn__few_product){.rows = d->rows,
                                                    .inputs = d->inputs,
                                                    .x = d->x,
                                                    .w = d->w,
                                                    .all_units = d->units,
                                                    .threads = most_threads(d),
                                                    .unit = n,
                                                    .units = units,
                                                    .bias = d->b ? d->b + n : NULL,
                                                    .y = z,
                                                    .ldy = d->units,
                                                    .rectify = rectifies(d)});
    ffn__dense_normalize(d, d->rows, n, units, z);
}

static void activate(const ffn__dense *d)
{
    if (!d->fused && d->activation.ops)
        ffn__activation_run(&d->activation, d->threads, d->rows, d->units, d->z ? d->z : d->y, d->y);
}

static void dense_forward(const ffn__dense *d)
{
    const bool few = d->rows < FFN__FEW;
    if (ffn__is_narrow(d->inputs, d->units)) {
        ffn__narrow_dense_forward(d);
        ffn__dense_normalize(d, d->rows, 0, d->units, d->z ? d->z : d->y);
        activate(d);
        return;
    }
    const double work = product_work(d);
    job j = {.dense = d, .size = d->units > MANY_UNITS ? PART : PART / 4, .groups = parts(d->rows, FFN__PANEL)};
    if (few) {
        ffn__parallel(d->threads, parts(d->units, j.size), work, few_tile, &j);
    } else if (by_rows(d)) {
        j.size = rows_of_tile(d);
        ffn__parallel(d->threads, parts(d->rows, j.size), work, forward_rows, &j);
    } else {
        if (!x_is_turned(d))
            ffn__parallel(d->threads, j.groups, TURN_WORK * (double)d->rows * (double)d->inputs, turn_tile, &j);
        ffn__parallel(d->threads, parts(d->units, j.size) * j.groups, work, forward_units, &j);
    }
    if ((few && !rectifies(d)) || !by_element(&d->activation)) activate(d);
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

/* Whether dZ fits the first-level cache, which is when gradients can read its columns where they lie; else, with rows a
 * power of two apart, they would drive each other out. */
static bool is_small(const ffn__dense *d) { return d->rows * d->units <= SMALL; }

/* dY becomes dZ for a panel of rows. */
static void make_delta(const ffn__dense *d, size_t b)
{
    const size_t at = b * d->units, rows = y_is_turned(d) ? ffn__panel_width(b, d->rows) : d->rows - b;
    const ffn_activation *f = &d->activation;
    if (!d->fused && f->ops && !(d->y_rectified && y_is_turned(d)))
        f->ops->backward(f, ffn__smaller(rows, FFN__PANEL), d->units, d->z ? d->z + at : NULL, d->y + at, d->dy + at,
                         d->dy + at);
}

/* The same, and dZ turned for those who want it so. */
static void make_turned_delta(const ffn__dense *d, size_t b)
{
    make_delta(d, b);
    if (!y_is_turned(d) && (d->dx || (d->dw && !is_small(d)))) turn_panel(d, b, d->units, d->dy);
}

/* dX^T for a panel of rows and one of inputs. */
static void turned_input_part(const ffn__dense *d, size_t b, size_t k)
{
    const size_t width = ffn__panel_width(b, d->rows), step = ffn__panel_width(k, d->inputs);
    const size_t at = ffn__panel_offset(b, d->inputs) + k * width;
    const ffn__panel_product product = {.rows = ffn__smaller(d->inputs - k, step),
                                        .depth = d->units,
                                        .width = width,
                                        .a = d->w + ffn__panel_offset(k, d->units),
                                        .a_step = step,
                                        .b = turned_delta(d) + ffn__panel_offset(b, d->units),
                                        .ldb = width,
                                        .c = d->dx + at,
                                        .add = d->dx_beta != 0,
                                        .mask = d->x_rectified ? d->x + at : NULL};
    ffn__native()->multiply_columns(&product);
}

/* dX for the same. */
static void input_part(const ffn__dense *d, size_t b, size_t k)
{
    float c[FFN__PANEL * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t width = ffn__panel_width(k, d->inputs), cols = ffn__smaller(d->inputs - k, width);
    const ffn__panel_product product = {.rows = ffn__smaller(d->rows - b, FFN__PANEL),
                                        .depth = d->units,
                                        .width = width,
                                        .a = turned_delta(d) + ffn__panel_offset(b, d->units),
                                        .a_step = ffn__panel_width(b, d->rows),
                                        .b = d->w + ffn__panel_offset(k, d->units),
                                        .ldb = width,
                                        .c = c};
    ffn__native()->multiply_columns(&product);
    ffn__native()->put(product.rows, cols, c, width, d->dx_beta, d->dx + b * d->inputs + k, d->inputs);
}

static void backward_rows(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t first = tile * j->size, last = ffn__smaller(first + j->size, d->rows);
    for (size_t b = first; b < last; b += FFN__PANEL) make_turned_delta(d, b);
    for (size_t k = 0; k < d->inputs; k += FFN__PANEL)
        for (size_t b = first; b < last; b += FFN__PANEL) (x_is_turned(d) ? turned_input_part : input_part)(d, b, k);
}

static void delta_tile(void *context, size_t tile)
{
    make_turned_delta(((const job *)context)->dense, tile * FFN__PANEL);
}

static void backward_inputs(void *context, size_t tile)
{
    const job *j = context;
    const size_t k = tile / j->groups * FFN__PANEL;
    const size_t first = tile % j->groups * PART, last = ffn__smaller(first + PART, j->dense->rows);
    for (size_t b = first; b < last; b += FFN__PANEL)
        (x_is_turned(j->dense) ? turned_input_part : input_part)(j->dense, b, k);
}

static void dense_backward(const ffn__dense *d)
{
    const size_t panels = parts(d->rows, FFN__PANEL);
    job j = {.dense = d, .size = rows_of_tile(d), .groups = parts(d->rows, PART)};
    ffn__activation_run_slope(&d->activation, d->rows, d->units, d->z, d->dy, d->dslope_beta, d->dslope);
    if (ffn__is_narrow(d->inputs, d->units)) {
        for (size_t b = 0; b < d->rows; b += FFN__PANEL) make_delta(d, b);
        if (d->dx) ffn__narrow_dense_backward(d);
        return;
    }
    if (d->dx && by_rows(d)) {
        ffn__parallel(d->threads, parts(d->rows, j.size), product_work(d), backward_rows, &j);
        return;
    }
    ffn__parallel(d->threads, panels, DELTA_WORK * (double)d->rows * (double)d->units, delta_tile, &j);
    if (d->dx) ffn__parallel(d->threads, parts(d->inputs, FFN__PANEL) * j.groups, product_work(d), backward_inputs, &j);
}

/* ---- gradients of the parameters ------------------------------------------------------------------------------- */

/* Columns k .. k + cols - 1 of X for rows from b on, `width` wide and *ld apart: packed into `to`, or where they lie if the
 * first-level cache holds X. */
static const float *inputs_panel(const ffn__dense *d, size_t b, size_t rows, size_t k, size_t cols, size_t width,
                                 float *to, size_t *ld)
{
    const float *x = d->x + b * d->inputs + k;
    const bool turned = x_is_turned(d), in_place = !turned && cols == width && d->rows * d->inputs <= SMALL;
    *ld = in_place ? d->inputs : width;
    if (in_place) return x;
    if (!turned) ffn__native()->pack(rows, cols, x, d->inputs, to, width);
    for (size_t i = b; turned && i < b + rows; i += FFN__PANEL) {
        const size_t step = ffn__panel_width(i, d->rows);
        ffn__native()->turn(cols, ffn__smaller(d->rows - i, step), d->x + ffn__panel_offset(i, d->inputs) + k * step,
                            step, to + (i - b) * width, width, width);
    }
    return to;
}

/* The panel of dW at k for all units of a tile, over the whole batch; in place or, to be taken up at once, part by part
 * aside. */
static void weight_tile(const ffn__dense *d, size_t k, size_t n0, size_t n1)
{
    float x[PACKED * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    float c[PART * FFN__PANEL] __attribute__((aligned(FFN__ALIGNMENT)));
    const ffn__native_kernels *kernel = ffn__native();
    const size_t width = ffn__panel_width(k, d->inputs), cols = ffn__smaller(d->inputs - k, width);
    const size_t offset = ffn__panel_offset(k, d->units);
    const bool aside = d->ready && !d->kept && d->rows <= PACKED, small = is_small(d) && !y_is_turned(d);
    const size_t part = d->rows <= FEW_ROWS && d->units > PART && !d->descent_weights ? PART / 2 : PART;
    ffn__panel_product product = {.width = width, .rate = d->descent_rate};
    for (size_t b = 0; b < d->rows; b += PACKED) {
        product.depth = ffn__smaller(PACKED, d->rows - b);
        product.a = small ? d->dy + b * d->units : turned_delta(d) + ffn__panel_offset(b, d->units);
        product.a_step = small ? d->units : d->units * FFN__PANEL;
        product.add = b > 0 || (!aside && d->dw_beta != 0);
        const bool ends = b + product.depth == d->rows;
        product.b = inputs_panel(d, b, product.depth, k, cols, width, x, &product.ldb);
        for (size_t n = n0; n < n1; n += part) {
            float *place = d->dw + offset + n * width;
            product.row = n;
            product.rows = ffn__smaller(part, n1 - n);
            product.c = aside ? c : place;
            for (size_t i = 0; i < FFN__FETCHED; i++)
                product.fetch[i] = d->fetch[i] ? d->fetch[i] + offset + n * width : product.c;
            product.weights = d->descent_weights && ends ? d->descent_weights + offset + n * width : NULL;
            (small ? kernel->multiply_columns : kernel->multiply_rows)(&product);
            if (d->ready && !d->descent_weights && ends)
                d->ready(d->ready_context, place, product.c, product.rows * width);
        }
    }
}

static void bias_tile(const ffn__dense *d, size_t n, size_t units)
{
    if (y_is_turned(d))
        ffn__native()->sum_rows(units, d->rows, d->units, n, d->dy, d->db_beta, d->db + n);
    else
        ffn__tensor()->column_sums(d->rows, units, d->units, d->dy + n, d->db_beta, d->db + n);
    if (d->ready) d->ready(d->ready_context, d->db + n, d->db + n, units);
}

static void gradient_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__dense *d = j->dense;
    const size_t k = tile / j->groups * FFN__PANEL, n = tile % j->groups * j->size;
    const size_t units = ffn__smaller(j->size, d->units - n);
    if (d->dw) weight_tile(d, k, n, n + units);
    if (d->db && k == 0) bias_tile(d, n, units);
}

/* Whether threads get equal shares, or nearly so, by panels of the inputs alone. */
static bool shares_are_even(const ffn__dense *d)
{
    const size_t panels = parts(d->inputs, FFN__PANEL);
    return product_work(d) < ffn__parallel_work() || panels > FEW_PANELS || panels % most_threads(d) == 0;
}

static job gradients_job(const ffn__dense *d)
{
    job j = {.dense = d, .size = shares_are_even(d) ? TILE : PART / 2};
    j.groups = parts(d->units, j.size);
    return j;
}

static size_t gradients_tiles(const job *j) { return parts(j->dense->inputs, FFN__PANEL) * j->groups; }

static void dense_gradients(const ffn__dense *d)
{
    if (d->dslope && d->ready) d->ready(d->ready_context, d->dslope, d->dslope, d->activation.per_unit ? d->units : 1);
    if (ffn__is_narrow(d->inputs, d->units)) {
        ffn__narrow_dense_gradients(d);
        return;
    }
    job j = gradients_job(d);
    ffn__parallel(d->threads, gradients_tiles(&j), product_work(d), gradient_tile, &j);
}

/* ---- several layers ---------------------------------------------------------------------------------------------- */

/* Layers that each thread goes through with rows of its own: it does so without waiting for others in between. Of their
 * gradients, no layer's need another's. Larger layers gain nothing from that, and a thread would not get the weights back
 * that it has in its cache. */

static bool dense_joins(size_t rows, size_t inputs, size_t units)
{
    const ffn__dense d = {.rows = rows, .inputs = inputs, .units = units};
    return !ffn__is_narrow(inputs, units) && by_rows(&d) && product_work(&d) >= ffn__parallel_work();
}

static bool is_one_of_several(ffn__pass pass, const ffn__dense *d)
{
    const bool suits = pass == FFN__FORWARD    ? d->fused || !d->activation.ops || by_element(&d->activation)
                       : pass == FFN__BACKWARD ? d->dx && !d->dslope
                                               : !d->dslope;
    return suits && d->rows >= FFN__FEW && !ffn__is_narrow(d->inputs, d->units) && by_rows(d);
}

typedef struct several {
    job jobs[FFN__JOINED];
    size_t count;
    size_t ends[FFN__JOINED]; /* of the gradients' tiles: those of layer i before ends[i] */
    double work;
} several;

static void several_forward(void *context, size_t tile)
{
    several *s = context;
    for (size_t i = 0; i < s->count; i++) forward_rows(&s->jobs[i], tile);
}

static void several_backward(void *context, size_t tile)
{
    several *s = context;
    for (size_t i = 0; i < s->count; i++) backward_rows(&s->jobs[i], tile);
}

static void several_gradients(void *context, size_t tile)
{
    several *s = context;
    size_t i = 0;
    while (tile >= s->ends[i]) i++;
    gradient_tile(&s->jobs[i], i > 0 ? tile - s->ends[i - 1] : tile);
}

/* The first layers that can be taken in one. */
static several gather(ffn__pass pass, const ffn__dense *layers, size_t count)
{
    several s = {0};
    for (size_t tiles = 0; s.count < count && is_one_of_several(pass, &layers[s.count]); s.count++) {
        const ffn__dense *d = &layers[s.count];
        s.jobs[s.count] = pass == FFN__GRADIENTS ? gradients_job(d) : (job){.dense = d, .size = rows_of_tile(d)};
        s.ends[s.count] = tiles += pass == FFN__GRADIENTS ? gradients_tiles(&s.jobs[s.count]) : 0;
        s.work += product_work(d);
    }
    return s;
}

static void dense_joined(ffn__pass pass, const ffn__dense *layers, size_t count)
{
    static void (*const one[])(const ffn__dense *) = {dense_forward, dense_backward, dense_gradients};
    static void (*const body[])(void *, size_t) = {several_forward, several_backward, several_gradients};
    for (size_t i = 0, done; i < count; i += done) {
        const ffn__dense *d = &layers[i];
        several s = gather(pass, d, count - i);
        done = s.count > 1 ? s.count : 1;
        if (s.count > 1)
            ffn__parallel(d->threads, pass == FFN__GRADIENTS ? s.ends[s.count - 1] : parts(d->rows, s.jobs[0].size),
                          s.work, body[pass], &s);
        else
            one[pass](d);
    }
}

static bool dense_turns(size_t inputs, size_t units) { return !ffn__is_narrow(inputs, units); }

static size_t dense_scratch(size_t inputs, size_t units)
{
    (void)inputs, (void)units;
    return 0;
}

const ffn__kernel_table ffn__kernel_native = {
    .name = "native",
    .dense_turns = dense_turns,
    .layout = &ffn__panels,
    .row_group = FFN__HALF_PANEL,
    .dense_turned = dense_turned,
    .dense_scratch = dense_scratch,
    .dense_forward = dense_forward,
    .dense_backward = dense_backward,
    .dense_gradients = dense_gradients,
    .dense_joins = dense_joins,
    .dense_joined = dense_joined,
};
