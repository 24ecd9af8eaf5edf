/* A model being read: what the files that do it share. */
#ifndef FFN__MODEL_READ_H
#define FFN__MODEL_READ_H

#include "io/model_file.h"

typedef struct ffn__reading {
    ffn_model *model; /* that is being made */
    const ffn_file_options *options;
    ffn__json_budget *budget;
    ffn_error *error; /* never NULL */
} ffn__reading;

/* FFN_BAD_FORMAT, with the reason, where a model's first mistake would have been a program's. */
ffn_status ffn__file_mistake(const ffn_error *mistake, ffn_error *error);

/* Whether the file has the tensor, of this shape and, if so wanted, finite (model_load.c). */
ffn_status ffn__tensor_check(const ffn__safetensors *file, const char *name, ffn_shape shape, bool finite,
                             ffn_error *error);

/* ---- layers (model_layer.c) ------------------------------------------------------------------------------------ */

/* Adds the layer that the object describes to the reading's model, which keeps what a program could have done wrong. */
ffn_status ffn__layer_read(const ffn__reading *reading, const ffn__json *object, const ffn_value *inputs, size_t count,
                           ffn_value *value);

/* ---- the graph (model_graph.c) --------------------------------------------------------------------------------- */

typedef struct ffn__graph_value {
    ffn_shape shape;
    bool is_input, is_read;
} ffn__graph_value;

/* A layer's description, and its first use. */
typedef struct ffn__graph_layer {
    const ffn__json *object;
    uint32_t node, input; /* values */
} ffn__graph_layer;

/* A description that is known to be right, with the file's tensors. */
typedef struct ffn__graph {
    const ffn__json *nodes, *layers;
    size_t output;
    ffn__graph_value *values; /* [value_count]; owned, as are the layers' */
    ffn__graph_layer *firsts; /* [layer_count] */
    size_t value_count, layer_count;
    size_t input_size; /* elements of all inputs */
    size_t tensor_count;
} ffn__graph;

/* Tries every layer alone, so that a file which is refused has not taken a model's memory. The graph borrows root, and is
 * to be destroyed also on failure. */
ffn_status ffn__graph_try(ffn__graph *graph, const ffn__reading *reading, const ffn__json *root,
                          const ffn__safetensors *file);
/* Describes the reading's model, and lays out its parameters. */
ffn_status ffn__graph_build(const ffn__graph *graph, const ffn__reading *reading);
void ffn__graph_destroy(ffn__graph *graph);

#endif
