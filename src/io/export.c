#include "io/export.h"

#include <math.h>
#include <string.h>

#include "activation/activation.h"
#include "io/kinds.h"

static const ffn__exporter exporters[] = {
    {&ffn__dense_ops, ffn__c_dense, ffn__onnx_dense},
    {&ffn__activation_ops, ffn__c_activation, ffn__onnx_activation},
    {&ffn__add_ops, ffn__c_add, ffn__onnx_add},
    {&ffn__concat_ops, ffn__c_concat, ffn__onnx_concat},
    {&ffn__standardize_ops, ffn__c_scaler, ffn__onnx_scaler},
    {&ffn__min_max_ops, ffn__c_scaler, ffn__onnx_scaler},
    {&ffn__robust_ops, ffn__c_scaler, ffn__onnx_scaler},
    {&ffn__unstandardize_ops, ffn__c_scaler, ffn__onnx_scaler},
    {&ffn__quantile_ops, ffn__c_quantile, NULL},
    {&ffn__batch_norm_ops, ffn__c_batch_norm, ffn__onnx_batch_norm},
    {&ffn__layer_norm_ops, ffn__c_layer_norm, ffn__onnx_layer_norm},
};

const ffn__exporter *ffn__exporter_find(const ffn_layer_ops *ops)
{
    for (size_t i = 0; i < sizeof(exporters) / sizeof(exporters[0]); i++)
        if (exporters[i].layer == ops) return &exporters[i];
    return NULL;
}

bool ffn__export_is_linear(const ffn_activation *activation)
{
    size_t kind;
    return !activation->ops || (ffn__activation_kind(activation->ops, &kind) && kind == FFN__linear);
}

ffn_status ffn__export_activation(const ffn_model *model, size_t node, const ffn_activation *activation, size_t *kind,
                                  ffn_error *error)
{
    *kind = FFN__linear;
    if (!activation->ops || ffn__activation_kind(activation->ops, kind)) return FFN_OK;
    return ffn_fail(error, FFN_UNSUPPORTED,
                    "%s: the activation %.40s is not one of the library's; it cannot be exported",
                    ffn__node_name(model, node), activation->ops->name);
}

ffn_status ffn__export_values(const ffn_model *model, size_t parameter, float **values, ffn_error *error)
{
    const ffn__parameter *p = &model->parameters[parameter];
    *values = ffn__alloc(p->size, sizeof(float), error);
    if (!*values) return FFN_OUT_OF_MEMORY;
    ffn__parameter_unpack(model, parameter, model->values, *values);
    if (ffn__tensor()->all_finite(p->size, *values)) return FFN_OK;
    ffn__free(*values);
    *values = NULL;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s has a value that is not finite", p->name);
}

size_t ffn__export_parameter(const ffn_model *model, size_t node, const char *name)
{
    const ffn__layer *layer = &model->layers[model->nodes[node].layer];
    const size_t behind = strlen(layer->name) + 1; /* "dense1." */
    for (size_t k = 0; k < FFN_MAX_PARAMETERS; k++) {
        const size_t index = ffn__layer_parameter(layer, k);
        if (index != FFN__NONE && strcmp(model->parameters[index].name + behind, name) == 0) return index;
    }
    return FFN__NONE;
}

ffn_status ffn__export_batch_norm(const ffn_model *model, size_t node, ffn__channel_norm *norm, ffn_error *error)
{
    const size_t bias = ffn__export_parameter(model, node, "bias");
    const ffn__layer *layer = &model->layers[model->nodes[node].layer];
    const double epsilon = (double)((const ffn__norm_config *)layer->config)->epsilon;
    const size_t channels = model->parameters[ffn__export_parameter(model, node, "weight")].size;
    *norm = (ffn__channel_norm){.channels = channels};
    float *variance = NULL;
    ffn_status status = ffn__export_values(model, ffn__export_parameter(model, node, "weight"), &norm->factor, error);
    if (status == FFN_OK)
        status = ffn__export_values(model, ffn__export_parameter(model, node, "running_mean"), &norm->mean, error);
    if (status == FFN_OK)
        status = ffn__export_values(model, ffn__export_parameter(model, node, "running_var"), &variance, error);
    if (status == FFN_OK && bias != FFN__NONE) status = ffn__export_values(model, bias, &norm->shift, error);
    if (status == FFN_OK && bias == FFN__NONE) norm->shift = ffn__alloc(channels, sizeof(float), error);
    if (status == FFN_OK && !norm->shift) status = FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < channels && status == FFN_OK; i++)
        norm->factor[i] = (float)((double)norm->factor[i] / sqrt((double)variance[i] + epsilon));
    ffn__free(variance);
    if (status != FFN_OK) ffn__channel_norm_destroy(norm);
    return status;
}

void ffn__channel_norm_destroy(ffn__channel_norm *norm)
{
    ffn__free(norm->mean);
    ffn__free(norm->factor);
    ffn__free(norm->shift);
    *norm = (ffn__channel_norm){0};
}

size_t ffn__export_input_begin(const ffn_model *model, size_t input)
{
    size_t begin = 0;
    for (size_t i = 0; i < input; i++)
        if (model->nodes[i].layer == FFN__NONE) begin += ffn_shape_size(model->nodes[i].shape);
    return begin;
}
