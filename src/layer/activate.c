#include <stddef.h>

#include "layer/layer.h"

typedef struct config {
    ffn_activation activation;
} config;

enum { SLOPE };

static const ffn_field fields[] = {
    {"activation", FFN_FIELD_ACTIVATION, offsetof(config, activation), 0, 0},
};

static ffn_status plan(ffn_layer_plan *p, const void *configuration, ffn_error *error)
{
    const config *c = configuration;
    (void)error;
    p->output = p->inputs[0];
    ffn__declare_slope(p, SLOPE, &c->activation, ffn__last_axis(p->output));
    p->activation = c->activation;
    return FFN_OK;
}

static void forward(const ffn_step *step)
{
    const config *c = step->config;
    if (step->fused_loss) return;
    const ffn_activation activation = ffn__bind_slope(&c->activation, step, SLOPE);
    const size_t rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    ffn__activation_run(&activation, step->threads, rows, ffn__last_axis(step->output_shape), step->inputs[0],
                        step->output);
}

static void backward(const ffn_step *step)
{
    const config *c = step->config;
    const ffn_activation activation = ffn__bind_slope(&c->activation, step, SLOPE);
    const size_t rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    const size_t cols = ffn__last_axis(step->output_shape);
    float *dy = step->output_gradient, *dx = step->input_gradients[0];
    ffn__activation_run_slope(&activation, rows, cols, step->inputs[0], dy, step->parameter_betas[SLOPE],
                              step->parameter_gradients[SLOPE]);
    if (!dx) return;
    if (!step->fused_loss)
        ffn__activation_run_backward(&activation, step->threads, rows, cols, step->inputs[0], step->output, dy, dy);
    ffn__tensor()->assign(rows * cols, step->input_betas[0], dy, dx);
}

const ffn_layer_ops ffn__activation_ops = {
    .name = "activation",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields)[0],
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

ffn_value ffn_activate(ffn_model *model, ffn_value x, ffn_activation activation)
{
    const config c = {activation};
    return ffn_custom_layer(model, &ffn__activation_ops, &c, sizeof(c), &x, 1);
}
