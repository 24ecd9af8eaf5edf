/* Layers that only look at the same memory under another shape: they have no forward. */
#include "layer/layer.h"

static ffn_status flatten_plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config, (void)error;
    p->output = ffn_shape_1d(ffn_shape_size(p->inputs[0]));
    return FFN_OK;
}

const ffn_layer_ops ffn__flatten_ops = {.name = "flatten", .plan = flatten_plan};

ffn_value ffn_flatten(ffn_model *model, ffn_value x)
{
    return ffn_custom_layer(model, &ffn__flatten_ops, NULL, 0, &x, 1);
}

static ffn_status reshape_plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    p->output = *(const ffn_shape *)config;
    const ffn_status status = ffn__shape_check(p->output, "the new shape", error);
    if (status != FFN_OK) return status;
    char from[64], to[64];
    (void)ffn__shape_format(p->inputs[0], from, sizeof(from));
    (void)ffn__shape_format(p->output, to, sizeof(to));
    if (ffn_shape_size(p->inputs[0]) != ffn_shape_size(p->output))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s has %zu elements and %s has %zu; expected as many", from,
                        ffn_shape_size(p->inputs[0]), to, ffn_shape_size(p->output));
    return FFN_OK;
}

static const ffn_field reshape_fields[] = {{"shape", FFN_FIELD_SHAPE, 0, 0, 0}}; /* the config is the shape */

const ffn_layer_ops ffn__reshape_ops = {
    .name = "reshape", .fields = reshape_fields, .field_count = 1, .plan = reshape_plan};

ffn_value ffn_reshape(ffn_model *model, ffn_value x, ffn_shape shape)
{
    return ffn_custom_layer(model, &ffn__reshape_ops, &shape, sizeof(shape), &x, 1);
}
