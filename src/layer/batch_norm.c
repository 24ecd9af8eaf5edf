/* Batch normalization: Ioffe and Szegedy 2015, as torch.nn.BatchNorm1d and BatchNorm2d. In training each channel gets
 * the mean and variance of its values in the batch; a plan collects running statistics of these, which an update
 * commits to the model and prediction uses. A layer that is not trained uses the running ones in training too. */
#include <math.h>
#include <stddef.h>

#include "layer/norm.h"

enum { TILE = FFN__NORM_COLS, MEAN = 0, INVERSE = 1 }; /* saved: [2][channels] */

static const ffn_field fields[] = {
    {"epsilon", FFN_FIELD_FLOAT, offsetof(ffn__norm_config, epsilon), 0, 1},
    {"momentum", FFN_FIELD_FLOAT, offsetof(ffn__norm_config, momentum), 0, 1},
};

/* Samples (C, H, W) have the channel first; features and sequences of them have it last. */
static bool channel_first(ffn_shape shape) { return shape.rank >= 3; }
static size_t channels_of(ffn_shape shape) { return channel_first(shape) ? shape.dim[0] : ffn__last_axis(shape); }

static ffn_status plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config;
    if (p->inputs[0].rank == 0)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "the input has no axis; expected at least one");
    p->output = p->inputs[0];
    const ffn_shape channels = ffn_shape_1d(channels_of(p->output));
    p->parameters[FFN__NORM_WEIGHT] =
        (ffn_layer_parameter){.name = "weight", .shape = channels, .role = FFN_SCALE, .initial = 1};
    if (!p->no_bias)
        p->parameters[FFN__NORM_BIAS] = (ffn_layer_parameter){.name = "bias", .shape = channels, .role = FFN_BIAS};
    p->parameters[FFN__NORM_MEAN] =
        (ffn_layer_parameter){.name = "running_mean", .shape = channels, .role = FFN_STATE, .initial = 0};
    p->parameters[FFN__NORM_VAR] =
        (ffn_layer_parameter){.name = "running_var", .shape = channels, .role = FFN_STATE, .initial = 1};
    p->parameter_count = FFN__NORM_PARAMETERS;
    p->saved = p->scratch = 2 * channels.dim[0];
    p->collects_states = true;
    p->training_rows = ffn_shape_size(p->output) == channels.dim[0] ? 2 : 1;
    return FFN_OK;
}

/* ---- a tile of channels ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ffn_step *step;
    const ffn__norm_kernels *kernels;
    ffn__tiles tiles;
    size_t channels;
    size_t count;          /* values of a channel in the batch */
    size_t run;            /* channel first: values of one channel in one row; else 0 */
    bool batch;            /* the batch's own statistics, not the running ones */
    float *mean, *inverse; /* [channels] in use: mean, and 1 / sqrt(variance + epsilon) */
} job;

static job bind(const ffn_step *step, double work)
{
    const size_t size = ffn_shape_size(step->output_shape), channels = channels_of(step->output_shape);
    float *statistics = step->saved ? step->saved : step->scratch;
    return (job){.step = step,
                 .kernels = ffn__norm(),
                 .tiles = ffn__tiles_create(channels, TILE, work * (double)(size * step->rows)),
                 .channels = channels,
                 .count = step->rows * (size / channels),
                 .run = channel_first(step->output_shape) ? size / channels : 0,
                 .batch = step->next_states[FFN__NORM_MEAN] != NULL,
                 .mean = statistics + MEAN * channels,
                 .inverse = statistics + INVERSE * channels};
}

static void run(const job *j, double work, void (*body)(void *context, size_t tile))
{
    ffn__parallel(j->step->threads, j->tiles.count, work * (double)(j->count * j->channels), body, (void *)j);
}

/* Where the runs of channel c stand in row r. */
static size_t run_at(const job *j, size_t r, size_t c) { return (r * j->channels + c) * j->run; }

/* ---- forward --------------------------------------------------------------------------------------------------- */

static void run_moments(const job *j, size_t c, double *mean, double *variance)
{
    const float *x = j->step->inputs[0];
    double sum = 0, squares = 0;
    for (size_t r = 0; r < j->step->rows; r++) sum += ffn__tensor()->sum(j->run, x + run_at(j, r, c));
    *mean = sum / (double)j->count;
    for (size_t r = 0; r < j->step->rows; r++) squares += j->kernels->run_squares(j->run, x + run_at(j, r, c), *mean);
    *variance = squares / (double)j->count;
}

/* Mean and variance of channels c .. c + n - 1 in the batch; the running statistics take their share of them. */
static void batch_statistics(const job *j, size_t c, size_t n, double *mean, double *variance)
{
    const float own = ((const ffn__norm_config *)j->step->config)->momentum, asked = j->step->state_share;
    const double share = (double)(asked > 0 ? asked : own);
    const double unbiased = (double)j->count / (double)(j->count - 1); /* 2 values at least: training_rows */
    if (j->run)
        for (size_t i = 0; i < n; i++) run_moments(j, c + i, &mean[i], &variance[i]);
    else
        j->kernels->column_moments(j->count, n, j->channels, j->step->inputs[0] + c, mean, variance);
    float *next_mean = j->step->next_states[FFN__NORM_MEAN] + c, *next_var = j->step->next_states[FFN__NORM_VAR] + c;
    for (size_t i = 0; i < n; i++) {
        next_mean[i] = (float)((1 - share) * (double)next_mean[i] + share * mean[i]);
        next_var[i] = (float)((1 - share) * (double)next_var[i] + share * variance[i] * unbiased);
    }
}

static void normalize(const job *j, size_t c, size_t n)
{
    const float *weight = j->step->parameters[FFN__NORM_WEIGHT] + c, *bias = j->step->parameters[FFN__NORM_BIAS];
    const float *x = j->step->inputs[0];
    float *y = j->step->output, factor[TILE], shift[TILE];
    for (size_t i = 0; i < n; i++) {
        factor[i] = weight[i] * j->inverse[c + i];
        shift[i] = bias ? bias[c + i] : 0;
    }
    if (!j->run) {
        ffn__tensor()->normalize_columns(j->count, n, j->channels, x + c, j->mean + c, factor, shift, y + c);
        return;
    }
    for (size_t r = 0; r < j->step->rows; r++)
        ffn__tensor()->normalize_rows(n, j->run, x + run_at(j, r, c), j->mean + c, factor, shift, y + run_at(j, r, c));
}

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const double epsilon = (double)((const ffn__norm_config *)j->step->config)->epsilon;
    for (size_t c = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); c < end; c += TILE) {
        const size_t n = end - c < TILE ? end - c : TILE;
        double mean[TILE], variance[TILE];
        if (j->batch) batch_statistics(j, c, n, mean, variance);
        for (size_t i = 0; i < n; i++) {
            if (!j->batch) {
                mean[i] = (double)j->step->parameters[FFN__NORM_MEAN][c + i];
                variance[i] = (double)j->step->parameters[FFN__NORM_VAR][c + i];
            }
            j->mean[c + i] = (float)mean[i];
            j->inverse[c + i] = (float)(1 / sqrt(variance[i] + epsilon));
        }
        normalize(j, c, n);
    }
}

static const double FORWARD_WORK = 8, BACKWARD_WORK = 12; /* floating-point operations an element */

static void forward(const ffn_step *step)
{
    const job j = bind(step, FORWARD_WORK);
    run(&j, FORWARD_WORK, forward_tile);
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

/* sum dy and sum dy (x - mean) of channels c .. c + n - 1 */
static void gradient_sums(const job *j, size_t c, size_t n, double *sums, double *products)
{
    const float *x = j->step->inputs[0], *dy = j->step->output_gradient;
    if (!j->run) {
        j->kernels->column_products(j->count, n, j->channels, dy + c, x + c, j->mean + c, sums, products);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sums[i] = products[i] = 0;
        for (size_t r = 0; r < j->step->rows; r++) {
            const size_t at = run_at(j, r, c + i);
            sums[i] += ffn__tensor()->sum(j->run, dy + at);
            products[i] += j->kernels->run_products(j->run, dy + at, x + at, (double)j->mean[c + i]);
        }
    }
}

/* dx = weight inverse (dy - mean(dy) - xhat mean(dy xhat)), with xhat = (x - mean) inverse; running statistics do not
 * depend on x, so that the two means fall away. */
static void input_gradient(const job *j, size_t c, size_t n, const double *sums, const double *products)
{
    const ffn_step *step = j->step;
    const float *x = step->inputs[0], *dy = step->output_gradient;
    const double share = j->batch ? 1 / (double)j->count : 0;
    ffn__norm_gradient g[TILE];
    for (size_t i = 0; i < n; i++) {
        const double inverse = (double)j->inverse[c + i];
        g[i] = (ffn__norm_gradient){.scale = (float)((double)step->parameters[FFN__NORM_WEIGHT][c + i] * inverse),
                                    .shift = (float)(sums[i] * share),
                                    .slope = (float)(products[i] * share * inverse * inverse),
                                    .mean = j->mean[c + i]};
    }
    if (!j->run)
        j->kernels->column_gradient(j->count, n, j->channels, g, dy + c, x + c, step->input_betas[0],
                                    step->input_gradients[0] + c);
    for (size_t r = 0; j->run && r < step->rows; r++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = run_at(j, r, c + i);
            j->kernels->run_gradient(j->run, &g[i], dy + at, x + at, step->input_betas[0],
                                     step->input_gradients[0] + at);
        }
}

static void backward_tile(void *context, size_t tile)
{
    const job *j = context;
    for (size_t c = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); c < end; c += TILE) {
        const size_t n = end - c < TILE ? end - c : TILE;
        double sums[TILE], products[TILE];
        gradient_sums(j, c, n, sums, products);
        if (j->step->input_gradients[0]) input_gradient(j, c, n, sums, products);
        for (size_t i = 0; i < n; i++) products[i] *= (double)j->inverse[c + i];
        ffn__norm_set_gradients(j->step, FFN__NORM_WEIGHT, c, n, products);
        ffn__norm_set_gradients(j->step, FFN__NORM_BIAS, c, n, sums);
    }
}

static void backward(const ffn_step *step)
{
    const job j = bind(step, BACKWARD_WORK);
    run(&j, BACKWARD_WORK, backward_tile);
}

const ffn_layer_ops ffn__batch_norm_ops = {
    .name = "batch_norm",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields)[0],
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

ffn_value ffn_batch_norm(ffn_model *model, ffn_value x)
{
    const ffn__norm_config c = {.epsilon = (float)1e-5, .momentum = (float)0.1};
    return ffn_custom_layer(model, &ffn__batch_norm_ops, &c, sizeof(c), &x, 1);
}
