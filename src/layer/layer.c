#include "layer/layer.h"

static const ffn_layer_ops *const kinds[] = {
    &ffn__dense_ops,   &ffn__activation_ops, &ffn__dropout_ops,  &ffn__batch_norm_ops, &ffn__layer_norm_ops,
    &ffn__add_ops,     &ffn__concat_ops,     &ffn__flatten_ops,  &ffn__reshape_ops,    &ffn__standardize_ops,
    &ffn__min_max_ops, &ffn__robust_ops,     &ffn__quantile_ops,
};

const ffn_layer_ops *ffn__layer_kind(size_t index)
{
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
}

size_t ffn__last_axis(ffn_shape shape) { return shape.rank ? shape.dim[shape.rank - 1] : 1; }

size_t ffn__rows_before_last_axis(ffn_shape shape)
{
    size_t rows = 1;
    for (size_t i = 0; i + 1 < shape.rank; i++) rows *= shape.dim[i];
    return rows;
}

void ffn__declare_slope(ffn_layer_plan *plan, size_t index, const ffn_activation *activation, size_t units)
{
    if (!activation->ops || !activation->ops->slope_gradient) return;
    plan->parameters[index] = (ffn_layer_parameter){.name = "slope",
                                                    .shape = ffn_shape_1d(activation->per_unit ? units : 1),
                                                    .role = FFN_SCALE,
                                                    .initial = activation->alpha};
    plan->parameter_count = index + 1;
}

ffn_activation ffn__bind_slope(const ffn_activation *activation, const ffn_step *step, size_t index)
{
    ffn_activation bound = *activation;
    bound.slope = step->parameters[index];
    return bound;
}

bool ffn__keeps_logits(const ffn_activation *activation, bool is_output)
{
    if (!activation->ops) return false;
    return activation->ops->needs_input || (is_output && activation->ops->fuses != FFN_LOSS_OF_VALUES);
}
