/* Exporters: how each kind of layer and activation is written in another form. */
#ifndef FFN__EXPORT_H
#define FFN__EXPORT_H

#include "io/export_c.h"
#include "io/onnx.h"

/* A form that is NULL does not exist for this layer. Layers that only look at their input's memory, and those that do
 * nothing in prediction, need no entry. */
typedef struct ffn__exporter {
    const ffn_layer_ops *layer; /* its table itself: a layer from outside may have any name */
    ffn_status (*c)(ffn__c_file *file, size_t node, ffn_error *error);
    ffn_status (*onnx)(ffn__onnx_graph *graph, size_t node, ffn_error *error);
} ffn__exporter;

/* NULL: none is known. */
const ffn__exporter *ffn__exporter_find(const ffn_layer_ops *ops);

/* The kind among FFN__ACTIVATIONS, for which linear stands where there is no activation; FFN_UNSUPPORTED naming the
 * node for one from outside the library. */
ffn_status ffn__export_activation(const ffn_model *model, size_t node, const ffn_activation *activation, size_t *kind,
                                  ffn_error *error);

/* The library's own linear one, or none. */
bool ffn__export_is_linear(const ffn_activation *activation);

/* A parameter's values in the canonical layout, to be freed with ffn__free. FFN_INVALID_ARGUMENT naming it if one is
 * not finite. */
ffn_status ffn__export_values(const ffn_model *model, size_t parameter, float **values, ffn_error *error);

/* The parameter of the node's layer that is called `name`, or FFN__NONE. */
size_t ffn__export_parameter(const ffn_model *model, size_t node, const char *name);

/* A batch normalization as prediction does it: y = (x - mean) factor + shift by channel. */
typedef struct ffn__channel_norm {
    size_t channels;
    float *mean, *factor, *shift; /* [channels], owned */
} ffn__channel_norm;
ffn_status ffn__export_batch_norm(const ffn_model *model, size_t node, ffn__channel_norm *norm, ffn_error *error);
void ffn__channel_norm_destroy(ffn__channel_norm *norm);

/* Columns of a row of x before those of this input. */
size_t ffn__export_input_begin(const ffn_model *model, size_t input);

/* The emitters of C (export_c_layers.c). */
ffn_status ffn__c_dense(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_activation(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_add(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_concat(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_scaler(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_quantile(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_batch_norm(ffn__c_file *file, size_t node, ffn_error *error);
ffn_status ffn__c_layer_norm(ffn__c_file *file, size_t node, ffn_error *error);

#endif
