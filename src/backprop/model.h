/* The graph and the parameter block of a model, as the modules on top of it see them. */
#ifndef FFN__MODEL_H
#define FFN__MODEL_H

#include <stdatomic.h>

#include "layer/layer.h"
#include "loss/loss.h"

#define FFN__NONE         SIZE_MAX
#define FFN__NO_PARAMETER UINT32_MAX

/* Owns parameters; several nodes may use one layer. */
typedef struct ffn__layer {
    const ffn_layer_ops *ops;
    void *config;  /* owned copy */
    char *name;    /* owned */
    size_t number; /* of its kind, from 1 */
    ffn_initializer initializer;
    ffn_kernels kernels; /* as asked for; the plan has what that comes to */
    bool no_bias, frozen;
    float l1, l2;
    float max_norm; /* 0: none */
    float rate;     /* factor of the learning rate, 1 */
    float decay;    /* in place of the optimizer's weight decay; below 0: that */
    size_t node;    /* the first that uses it */
    /* once built; what else the layer's plan answers it is asked again, see ffn__layer_ask */
    bool collects_states;
    ffn_activation activation;
    uint32_t parameter[FFN_MAX_PARAMETERS]; /* by place: index in the model, or FFN__NO_PARAMETER */
} ffn__layer;

/* A value of the graph: an input, or what a layer makes of earlier values. */
typedef struct ffn__node {
    size_t layer; /* FFN__NONE: an input */
    ffn_shape shape;
    uint32_t input_count;
    uint32_t inputs[FFN_MAX_INPUTS]; /* nodes, all earlier ones */
} ffn__node;

typedef struct ffn__parameter {
    char *name; /* owned, "dense1.weight" */
    ffn_shape shape;
    size_t size;                        /* floats of the canonical layout */
    size_t offset, stored;              /* floats in the block */
    const ffn_parameter_layout *layout; /* of the block; NULL: the canonical one */
    size_t layer;
    uint32_t place; /* among those that the layer declares */
    ffn_role role;
} ffn__parameter;

/* What describing takes beside the description. */
typedef struct ffn__draft {
    ffn_error error; /* the first mistake; FFN_OK: none */
    size_t node_capacity, layer_capacity;
} ffn__draft;

struct ffn_model {
    uint64_t seed;
    ffn_kernels kernels; /* as asked for, of the layers added from now on */
    bool regrouped;      /* the output's activation is over other rows than the output's: a view stands behind it */
    ffn__draft *draft;   /* NULL: the model is built */
    ffn__node *nodes;
    size_t node_count;
    ffn__layer *layers;
    size_t layer_count;
    ffn__parameter *parameters;
    size_t parameter_count;
    float *values; /* the block [value_count]: every parameter at its offset, padded to the alignment */
    size_t value_count;
    size_t output; /* node */
    /* of the output, once built: rows and columns of a sample, as losses and metrics see it (cols is the last axis), and
     * the activation that it is the value of; linear (no ops) if there is none */
    size_t output_rows, output_cols;
    ffn_activation output_activation;
    ffn_loss loss;      /* that ffn_fit last trained it with, without class weights; no ops: none */
    char **class_names; /* a list [class_count], or NULL; owned */
    size_t class_count;
    ffn__encoding encoding; /* of a table's columns, which gave the inputs; owned */
    /* The last member, and the one thing of a const model that changes: the plan of ffn_predict for few rows, while no
     * call has it; owned. NULL: none. */
    _Atomic(ffn_plan *) few_rows;
};

/* Asks a layer what it needs and gives for inputs of these shapes, and checks its config and the answer; an error names
 * the layer. The answer depends on nothing else, so that nobody keeps it. */
ffn_status ffn__layer_plan(const ffn__layer *layer, size_t input_count, const ffn_shape *inputs, bool is_output,
                           ffn_layer_plan *answer, ffn_error *error);
/* The same for a layer of the model where it stands. */
ffn_status ffn__layer_ask(const ffn_model *model, size_t layer, ffn_layer_plan *answer, ffn_error *error);
/* Of all layers, [layer_count], which the caller frees. */
ffn_status ffn__model_ask(const ffn_model *model, ffn_layer_plan **answers, ffn_error *error);
/* ffn_model_build in three parts: checks and places of the parameters; their memory, of zeros; and, when the values are
 * there, the end of describing. */
ffn_status ffn__model_lay_out(ffn_model *model, ffn_value output, ffn_error *error);
ffn_status ffn__model_allocate(ffn_model *model, ffn_error *error);
void ffn__model_settle(ffn_model *model);

/* NULL and unbuilt models are errors; what every call on a built model begins with. */
ffn_status ffn__model_check_built(const ffn_model *model, ffn_error *error);

/* The layer's parameter at this place among those that it declares; FFN__NONE: there is none. */
static inline size_t ffn__layer_parameter(const ffn__layer *layer, size_t place)
{
    return layer->parameter[place] == FFN__NO_PARAMETER ? FFN__NONE : layer->parameter[place];
}
static inline float *ffn__parameter_values(const ffn_model *model, size_t parameter)
{
    return model->values + model->parameters[parameter].offset;
}
static inline bool ffn__parameter_trainable(const ffn_model *model, size_t parameter)
{
    const ffn__parameter *p = &model->parameters[parameter];
    return p->role != FFN_STATE && !model->layers[p->layer].frozen;
}

/* Where value `index` of a parameter lies in the block, and how many from it on lie one after the other. */
size_t ffn__parameter_place(const ffn__parameter *parameter, size_t index, size_t *run);
/* A parameter's values from and to a block laid out as the model's: of weights, gradients or an optimizer's state. */
void ffn__parameter_unpack(const ffn_model *model, size_t parameter, const float *block, float *canonical);
void ffn__parameter_pack(const ffn_model *model, size_t parameter, const float *canonical, float *block);

/* Scales down each unit's incoming weights, a row of the first dimension, whose norm is above limit > 0. */
void ffn__parameter_limit_rows(const ffn_model *model, size_t parameter, float limit, size_t threads);

/* The node whose memory this node's value is: itself, or for a view its input's. */
size_t ffn__model_root(const ffn_model *model, size_t node, bool training);
/* The name of a node's layer, or "input". */
const char *ffn__node_name(const ffn_model *model, size_t node);

size_t ffn__model_input_size(const ffn_model *model);

/* The loss itself, or the one that suits the output if it is made of zeros. */
ffn_loss ffn__model_loss(const ffn_model *model, ffn_loss loss);
/* Whether the loss is fused with the output's activation, which takes both to be over the same rows. */
static inline bool ffn__model_fuses(const ffn_model *model, const ffn_loss *loss)
{
    const ffn_activation_ops *ops = model->output_activation.ops;
    if (!ops || ops->fuses == FFN_LOSS_OF_VALUES || model->regrouped) return false;
    return ops->fuses == loss->ops->domain ||
           (ops->fuses == FFN_LOSS_OF_SOFTMAX_LOGITS && loss->ops->domain == FFN_LOSS_OF_LOG_PROBABILITIES);
}
/* Options in range, no softmax under a binary cross entropy or sigmoid under one over classes, and no softmax over other
 * rows than the loss's. */
ffn_status ffn__model_check_loss(const ffn_model *model, const ffn_loss *loss, ffn_error *error);

#endif
