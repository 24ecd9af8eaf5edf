#include "layer/layer.h"

static const ffn_layer_ops *const kinds[] = {
    &ffn__dense_ops,   &ffn__activation_ops, &ffn__dropout_ops,  &ffn__batch_norm_ops,    &ffn__layer_norm_ops,
    &ffn__add_ops,     &ffn__concat_ops,     &ffn__flatten_ops,  &ffn__reshape_ops,       &ffn__standardize_ops,
    &ffn__min_max_ops, &ffn__robust_ops,     &ffn__quantile_ops, &ffn__unstandardize_ops,
};

const ffn_layer_ops *ffn__layer_kind(size_t index)
{
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
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

bool ffn__keeps_logits(const ffn_activation *activation, bool is_output)
{
    if (!activation->ops) return false;
    return activation->ops->needs_input || (is_output && activation->ops->fuses != FFN_LOSS_OF_VALUES);
}
