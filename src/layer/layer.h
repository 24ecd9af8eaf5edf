/* The built-in layers. Each stands in a file of its own, which ends with its table and the public call that adds it:
 * there is nothing that a layer from outside could not do. */
#ifndef FFN__LAYER_H
#define FFN__LAYER_H

#include "kernel/kernel.h"

extern const ffn_layer_ops ffn__dense_ops, ffn__activation_ops, ffn__dropout_ops, ffn__add_ops, ffn__concat_ops,
    ffn__flatten_ops, ffn__reshape_ops;
enum { FFN__DENSE_WEIGHT, FFN__DENSE_BIAS, FFN__DENSE_SLOPE, FFN__DENSE_PARAMETERS };
typedef struct ffn__dense_config {
    size_t units;
    ffn_activation activation;
} ffn__dense_config;
/* A pass of dense layers that follow each other; their kernels can join them. */
void ffn__dense_joined(ffn__pass pass, const ffn_step *const *steps, size_t count);
/* All the library's layers, of which a file names them; NULL past the last. */
const ffn_layer_ops *ffn__layer_kind(size_t index);

/* Layers whose states are fitted to data; x is offset and then multiplied by factor. */
enum { FFN__SCALER_OFFSET = 0, FFN__SCALER_FACTOR, FFN__SCALER_FITTED };
enum { FFN__QUANTILE_TABLE = 0, FFN__QUANTILE_FITTED }; /* [elements of the sample][quantiles], ascending */
extern const ffn_layer_ops ffn__standardize_ops, ffn__min_max_ops, ffn__robust_ops, ffn__quantile_ops,
    ffn__unstandardize_ops;
bool ffn__is_scaler(const ffn_layer_ops *ops);      /* stands at an input and is fitted to it */
bool ffn__scales_targets(const ffn_layer_ops *ops); /* stands at the output and is fitted to the targets */

/* Normalization: the config of both, and their tables. Parameters: weight, bias, and of batch_norm the states
 * running_mean and running_var. */
typedef struct ffn__norm_config {
    float epsilon;  /* added to the variance */
    float momentum; /* of batch_norm: what a batch adds to the running statistics; 0 in a layer_norm */
} ffn__norm_config;
extern const ffn_layer_ops ffn__batch_norm_ops, ffn__layer_norm_ops;
enum { FFN__NORM_WEIGHT, FFN__NORM_BIAS, FFN__NORM_MEAN, FFN__NORM_VAR, FFN__NORM_PARAMETERS };

/* What predicts in place of three layers: a dense layer, linear; the batch normalization of its output's last axis; and
 * the activation of that. Bits are those of the three. Parameters: those of a dense layer, then the normalization's. */
typedef struct ffn__normalized_dense {
    ffn__dense_config dense; /* with the activation of the third */
    float epsilon;
} ffn__normalized_dense;
extern const ffn_layer_ops ffn__normalized_dense_ops;
size_t ffn__normalized_dense_scratch(size_t units); /* floats beside the dense layer's */

/* A layer's columns and rows when it works along the last axis of its input. */
static inline size_t ffn__last_axis(ffn_shape shape) { return shape.rank ? shape.dim[shape.rank - 1] : 1; }

static inline size_t ffn__rows_before_last_axis(ffn_shape shape)
{
    size_t rows = 1;
    for (size_t i = 0; i + 1 < shape.rank; i++) rows *= shape.dim[i];
    return rows;
}

/* Declares the learned slope of an activation as parameter `index` of the plan, if it has one. */
void ffn__declare_slope(ffn_layer_plan *plan, size_t index, const ffn_activation *activation, size_t units);
/* The activation with its learned slope, if it has one, bound to the step's parameter `index`. */
static inline ffn_activation ffn__bind_slope(const ffn_activation *a, const ffn_step *step, size_t index)
{
    return (ffn_activation){a->ops, a->alpha, a->per_unit, step->parameters[index]};
}
/* Neither whole rows nor a unit's slope are needed. */
static inline bool ffn__is_by_element(const ffn_activation_ops *ops)
{
    return !ops || (!ops->over_rows && !ops->slope_gradient);
}
/* Whether backward, or a loss that is fused with it, wants the activation's input kept. */
bool ffn__keeps_logits(const ffn_activation *activation, bool is_output);

#endif
