/* Scalers: y = (x - offset) factor for each element of the sample, with states that are fitted to data. */
#include "layer/layer.h"

static ffn_status plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config, (void)error;
    p->output = p->inputs[0];
    const ffn_shape sample = p->inputs[0].rank ? p->inputs[0] : ffn_shape_1d(1);
    p->parameters[FFN__SCALER_OFFSET] =
        (ffn_layer_parameter){.name = "offset", .shape = sample, .role = FFN_STATE, .initial = 0};
    p->parameters[FFN__SCALER_FACTOR] =
        (ffn_layer_parameter){.name = "factor", .shape = sample, .role = FFN_STATE, .initial = 1};
    p->parameters[FFN__SCALER_FITTED] =
        (ffn_layer_parameter){.name = "fitted", .shape = ffn_shape_1d(1), .role = FFN_STATE, .initial = 0};
    p->parameter_count = FFN__SCALER_FITTED + 1;
    return FFN_OK;
}

static void forward(const ffn_step *step)
{
    ffn__tensor()->offset_factor(step->rows, ffn_shape_size(step->output_shape), step->inputs[0],
                                 step->parameters[FFN__SCALER_OFFSET], step->parameters[FFN__SCALER_FACTOR],
                                 step->output);
}

static void backward(const ffn_step *step)
{
    const size_t cols = ffn_shape_size(step->output_shape);
    float *dy = step->output_gradient, *dx = step->input_gradients[0];
    if (!dx) return;
    for (size_t r = 0; r < step->rows; r++, dy += cols, dx += cols) {
        ffn__tensor()->multiply(cols, dy, step->parameters[FFN__SCALER_FACTOR], dy);
        ffn__tensor()->assign(cols, step->input_betas[0], dy, dx);
    }
}

const ffn_layer_ops ffn__standardize_ops = {
    .name = "standardize",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

const ffn_layer_ops ffn__min_max_ops = {
    .name = "min_max",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

const ffn_layer_ops ffn__robust_ops = {
    .name = "robust",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

const ffn_layer_ops ffn__unstandardize_ops = {
    .name = "unstandardize",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

bool ffn__is_scaler(const ffn_layer_ops *ops)
{
    return ops == &ffn__standardize_ops || ops == &ffn__min_max_ops || ops == &ffn__robust_ops ||
           ops == &ffn__quantile_ops;
}

bool ffn__scales_targets(const ffn_layer_ops *ops) { return ops == &ffn__unstandardize_ops; }

ffn_value ffn_standardize(ffn_model *model, ffn_value x)
{
    return ffn_custom_layer(model, &ffn__standardize_ops, NULL, 0, &x, 1);
}

ffn_value ffn_min_max(ffn_model *model, ffn_value x)
{
    return ffn_custom_layer(model, &ffn__min_max_ops, NULL, 0, &x, 1);
}

ffn_value ffn_robust(ffn_model *model, ffn_value x)
{
    return ffn_custom_layer(model, &ffn__robust_ops, NULL, 0, &x, 1);
}

ffn_value ffn_unstandardize(ffn_model *model, ffn_value x)
{
    return ffn_custom_layer(model, &ffn__unstandardize_ops, NULL, 0, &x, 1);
}
