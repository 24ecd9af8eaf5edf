#include <stddef.h>
#include <string.h>

#include "layer/norm.h"

typedef ffn__dense_config config;
enum { WEIGHT = FFN__DENSE_WEIGHT, BIAS = FFN__DENSE_BIAS, SLOPE = FFN__DENSE_SLOPE };

static const ffn_field fields[] = {
    {"units", FFN_FIELD_SIZE, offsetof(config, units), 1, 1e9},
    {"activation", FFN_FIELD_ACTIVATION, offsetof(config, activation), 0, 0},
};

static ffn_status plan(ffn_layer_plan *p, const void *configuration, ffn_error *error)
{
    const config *c = configuration;
    const ffn__kernel_table *kernels = ffn__kernels(p->kernels);
    const ffn_shape in = p->inputs[0];
    if (in.rank == 0) return ffn_fail(error, FFN_SHAPE_MISMATCH, "the input has no axis; expected at least one");
    const size_t inputs = ffn__last_axis(in), units = c->units;
    p->output = in;
    p->output.dim[in.rank - 1] = units;
    p->parameters[WEIGHT] = (ffn_layer_parameter){.name = "weight",
                                                  .shape = ffn_shape_2d(units, inputs),
                                                  .role = FFN_WEIGHT,
                                                  .fan_in = inputs,
                                                  .fan_out = units,
                                                  .layout = kernels->layout};
    if (!p->no_bias)
        p->parameters[BIAS] = (ffn_layer_parameter){.name = "bias", .shape = ffn_shape_1d(units), .role = FFN_BIAS};
    p->parameter_count = BIAS + 1;
    ffn__declare_slope(p, SLOPE, &c->activation, units);
    p->gain = c->activation.ops ? c->activation.ops->gain : FFN_GAIN_GLOROT;
    p->activation = c->activation;
    p->logits_saved = ffn__keeps_logits(&c->activation, p->is_output);
    p->row_group = kernels->row_group;
    p->scratch_per_row = kernels->dense_turned(inputs, units) * ffn__rows_before_last_axis(in);
    p->gradient_scratch = kernels->dense_scratch(inputs, units);
    if (p->logits_saved) p->saved_per_row = ffn_shape_size(p->output);
    p->takes_turned = in.rank == 1 && kernels->dense_turns && kernels->dense_turns(inputs, units);
    p->gives_turned = p->takes_turned && ffn__is_by_element(c->activation.ops);
    return FFN_OK;
}

static ffn__dense bind(const ffn_step *step)
{
    const config *c = step->config;
    const float *const *fetch = step->gradient_fetch;
    return (ffn__dense){
        .rows = step->rows * ffn__rows_before_last_axis(step->output_shape),
        .inputs = ffn__last_axis(step->input_shapes[0]),
        .units = c->units,
        .threads = step->threads,
        .activation = ffn__bind_slope(&c->activation, step, SLOPE),
        .x = step->inputs[0],
        .w = step->parameters[WEIGHT],
        .b = step->parameters[BIAS],
        .z = step->saved,
        .y = step->output,
        .dy = step->output_gradient,
        .fused = step->fused_loss,
        .x_turned = step->input_turned,
        .y_turned = step->output_turned,
        .x_rectified = step->input_rectified,
        .y_rectified = step->output_rectified,
        .dx = step->input_gradients[0],
        .dx_beta = step->input_betas[0],
        .dw = step->parameter_gradients[WEIGHT],
        .dw_beta = step->parameter_betas[WEIGHT],
        .db = step->parameter_gradients[BIAS],
        .db_beta = step->parameter_betas[BIAS],
        .dslope = step->parameter_gradients[SLOPE],
        .dslope_beta = step->parameter_betas[SLOPE],
        .ready = step->gradient_ready,
        .kept = step->gradient_kept,
        .ready_context = step->gradient_context,
        .fetch = {fetch[0], fetch[1], fetch[2]},
        .descent_weights = step->descent_weights,
        .descent_rate = step->descent_rate,
        .turned = step->scratch,
        .scratch = step->gradient_scratch,
        .slots = step->gradient_slots,
    };
}

static void forward(const ffn_step *step)
{
    const ffn__dense dense = bind(step);
    ffn__kernels(step->kernels)->dense_forward(&dense);
}

static void backward(const ffn_step *step)
{
    const ffn__dense dense = bind(step);
    ffn__kernels(step->kernels)->dense_backward(&dense);
}

static void backward_parameters(const ffn_step *step)
{
    const ffn__dense dense = bind(step);
    ffn__kernels(step->kernels)->dense_gradients(&dense);
}

void ffn__dense_joined(ffn__pass pass, const ffn_step *const *steps, size_t count)
{
    ffn__dense layers[FFN__JOINED];
    for (size_t i = 0; i < count; i++) layers[i] = bind(steps[i]);
    ffn__kernels(steps[0]->kernels)->dense_joined(pass, layers, count);
}

static double gradient_bound(const ffn_step *step)
{
    const ffn__dense dense = bind(step);
    return ffn__dense_bound(&dense);
}

const ffn_layer_ops ffn__dense_ops = {
    .name = "dense",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields)[0],
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .backward_parameters = backward_parameters,
    .gradient_bound = gradient_bound,
};

/* ---- with a batch normalization behind it, for prediction ------------------------------------------------------- */

/* scratch: factor and shift of each unit, then the dense layer's */
size_t ffn__normalized_dense_scratch(size_t units) { return 2 * ffn__pad(units); }

static void forward_normalized(const ffn_step *step)
{
    const ffn__normalized_dense *c = step->config;
    const float *const *norm = step->parameters + FFN__DENSE_PARAMETERS;
    const size_t units = c->dense.units;
    float *factor = step->scratch, *shift = factor + ffn__pad(units);
    ffn__norm()->factors(units, norm[FFN__NORM_WEIGHT], norm[FFN__NORM_VAR], (double)c->epsilon, factor);
    if (norm[FFN__NORM_BIAS])
        memcpy(shift, norm[FFN__NORM_BIAS], units * sizeof(float));
    else
        memset(shift, 0, units * sizeof(float));
    ffn__dense dense = bind(step);
    dense.turned = step->scratch + ffn__normalized_dense_scratch(units);
    dense.mean = norm[FFN__NORM_MEAN];
    dense.factor = factor;
    dense.shift = shift;
    ffn__kernels(step->kernels)->dense_forward(&dense);
}

const ffn_layer_ops ffn__normalized_dense_ops = {.name = "dense and batch_norm", .forward = forward_normalized};

ffn_value ffn_dense(ffn_model *model, ffn_value x, size_t units, ffn_activation activation)
{
    const config c = {units, activation};
    return ffn_custom_layer(model, &ffn__dense_ops, &c, sizeof(c), &x, 1);
}
