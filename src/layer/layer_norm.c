/* Layer normalization over the last axis: Ba, Kiros and Hinton 2016, as torch.nn.LayerNorm. Each row has a mean and a
 * variance of its own, so training and prediction are the same. */
#include <math.h>
#include <stddef.h>

#include "layer/norm.h"

enum { WEIGHT, BIAS };
enum { TILE = FFN__NORM_COLS };

static const ffn_field fields[] = {
    {"epsilon", FFN_FIELD_FLOAT, offsetof(ffn__norm_config, epsilon), 0, 1},
};

static ffn_status plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config;
    if (p->inputs[0].rank == 0)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "the input has no axis; expected at least one");
    p->output = p->inputs[0];
    const ffn_shape features = ffn_shape_1d(ffn__last_axis(p->output));
    p->parameters[WEIGHT] = (ffn_layer_parameter){.name = "weight", .shape = features, .role = FFN_SCALE, .initial = 1};
    if (!p->no_bias) p->parameters[BIAS] = (ffn_layer_parameter){.name = "bias", .shape = features, .role = FFN_BIAS};
    p->parameter_count = BIAS + 1;
    p->saved_per_row = 2 * ffn__rows_before_last_axis(p->output); /* of every row: its mean, and the factor */
    return FFN_OK;
}

typedef struct job {
    const ffn_step *step;
    const ffn__norm_kernels *kernels;
    ffn__tiles tiles;
    size_t rows, cols;
    float *mean, *factor; /* [rows] in `saved`; NULL in prediction */
} job;

static job bind(const ffn_step *step)
{
    job j = {.step = step, .kernels = ffn__norm(), .cols = ffn__last_axis(step->output_shape)};
    j.rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    j.mean = step->saved;
    j.factor = step->saved ? step->saved + j.rows : NULL;
    return j;
}

/* Floating-point operations an element. */
static const double FORWARD_WORK = 10, BACKWARD_WORK = 12, PRODUCTS_WORK = 8;

static void run(job *j, size_t extent, size_t least, double work, void (*body)(void *context, size_t tile))
{
    work *= (double)j->rows * (double)j->cols;
    j->tiles = ffn__tiles_create(extent, least, work);
    ffn__parallel(j->step->threads, j->tiles.count, work, body, j);
}

/* ---- forward --------------------------------------------------------------------------------------------------- */

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const double epsilon = (double)((const ffn__norm_config *)j->step->config)->epsilon;
    for (size_t r = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); r < end; r++) {
        const float *x = j->step->inputs[0] + r * j->cols;
        const double mean = ffn__tensor()->sum(j->cols, x) / (double)j->cols;
        const double variance = j->kernels->run_squares(j->cols, x, mean) / (double)j->cols;
        const float m = (float)mean, factor = (float)(1 / sqrt(variance + epsilon));
        j->kernels->row_apply(j->cols, x, m, factor, j->step->parameters[WEIGHT], j->step->parameters[BIAS],
                              j->step->output + r * j->cols);
        if (!j->mean) continue;
        j->mean[r] = m;
        j->factor[r] = factor;
    }
}

static void forward(const ffn_step *step)
{
    job j = bind(step);
    run(&j, j.rows, 1, FORWARD_WORK, forward_tile);
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static void products_tile(void *context, size_t tile)
{
    const job *j = context;
    for (size_t c = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); c < end; c += TILE) {
        const size_t n = end - c < TILE ? end - c : TILE;
        double sums[TILE], products[TILE];
        j->kernels->row_products(j->rows, n, j->cols, j->step->output_gradient + c, j->step->inputs[0] + c, j->mean,
                                 j->factor, sums, products);
        ffn__norm_set_gradients(j->step, WEIGHT, c, n, products);
        ffn__norm_set_gradients(j->step, BIAS, c, n, sums);
    }
}

/* With g = dy weight and xhat = (x - mean) factor: dx = factor (g - mean(g) - xhat mean(g xhat)) over the row. */
static void input_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn_step *step = j->step;
    const double share = 1 / (double)j->cols;
    for (size_t r = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); r < end; r++) {
        const size_t at = r * j->cols;
        const float *x = step->inputs[0] + at;
        float *g = step->output_gradient + at;
        const double factor = (double)j->factor[r];
        ffn__tensor()->multiply(j->cols, g, step->parameters[WEIGHT], g);
        const double product = j->kernels->run_products(j->cols, g, x, (double)j->mean[r]);
        const ffn__norm_gradient gradient = {.scale = j->factor[r],
                                             .shift = (float)(ffn__tensor()->sum(j->cols, g) * share),
                                             .slope = (float)(product * share * factor * factor),
                                             .mean = j->mean[r]};
        j->kernels->run_gradient(j->cols, &gradient, g, x, step->input_betas[0], step->input_gradients[0] + at);
    }
}

static void backward(const ffn_step *step)
{
    job j = bind(step);
    if (step->parameter_gradients[WEIGHT] || step->parameter_gradients[BIAS])
        run(&j, j.cols, TILE, PRODUCTS_WORK, products_tile);
    if (step->input_gradients[0]) run(&j, j.rows, 1, BACKWARD_WORK, input_tile);
}

const ffn_layer_ops ffn__layer_norm_ops = {
    .name = "layer_norm",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields)[0],
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

ffn_value ffn_layer_norm(ffn_model *model, ffn_value x)
{
    const ffn__norm_config c = {.epsilon = (float)1e-5};
    return ffn_custom_layer(model, &ffn__layer_norm_ops, &c, sizeof(c), &x, 1);
}
