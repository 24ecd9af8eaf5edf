/* ONNX: numbers of the fields of its messages (onnx.proto), and the graph that is being written. */
#ifndef FFN__ONNX_H
#define FFN__ONNX_H

#include "backprop/model.h"
#include "io/protobuf.h"

enum { FFN__ONNX_OLDEST = 11, FFN__ONNX_NEWEST = 17 }; /* operator sets that are written */

enum {
    FFN__MODEL_IR = 1,
    FFN__MODEL_PRODUCER = 2,
    FFN__MODEL_PRODUCER_VERSION = 3,
    FFN__MODEL_GRAPH = 7,
    FFN__MODEL_OPSET = 8
};
enum { FFN__OPSET_DOMAIN = 1, FFN__OPSET_VERSION = 2 };
enum {
    FFN__GRAPH_NODE = 1,
    FFN__GRAPH_NAME = 2,
    FFN__GRAPH_INITIALIZER = 5,
    FFN__GRAPH_INPUT = 11,
    FFN__GRAPH_OUTPUT = 12,
    FFN__GRAPH_SPARSE = 15
};
enum {
    FFN__NODE_INPUT = 1,
    FFN__NODE_OUTPUT = 2,
    FFN__NODE_NAME = 3,
    FFN__NODE_OP = 4,
    FFN__NODE_ATTRIBUTE = 5,
    FFN__NODE_DOMAIN = 7
};
enum {
    FFN__ATTRIBUTE_NAME = 1,
    FFN__ATTRIBUTE_F = 2,
    FFN__ATTRIBUTE_I = 3,
    FFN__ATTRIBUTE_S = 4,
    FFN__ATTRIBUTE_T = 5,
    FFN__ATTRIBUTE_INTS = 8,
    FFN__ATTRIBUTE_TYPE = 20
};
enum { FFN__ATTRIBUTE_IS_FLOAT = 1, FFN__ATTRIBUTE_IS_INT = 2, FFN__ATTRIBUTE_IS_INTS = 7 };
enum {
    FFN__TENSOR_DIMS = 1,
    FFN__TENSOR_TYPE = 2,
    FFN__TENSOR_FLOATS = 4,
    FFN__TENSOR_INTS = 7,
    FFN__TENSOR_NAME = 8,
    FFN__TENSOR_RAW = 9,
    FFN__TENSOR_DOUBLES = 10,
    FFN__TENSOR_EXTERNAL = 13,
    FFN__TENSOR_LOCATION = 14
};
enum { FFN__TENSOR_IS_FLOAT = 1, FFN__TENSOR_IS_INT64 = 7, FFN__TENSOR_IS_DOUBLE = 11 };
enum {
    FFN__VALUE_NAME = 1,
    FFN__VALUE_TYPE = 2,
    FFN__TYPE_TENSOR = 1,
    FFN__TENSOR_TYPE_ELEMENT = 1,
    FFN__TENSOR_TYPE_SHAPE = 2,
    FFN__SHAPE_DIM = 1,
    FFN__DIM_VALUE = 1,
    FFN__DIM_NAME = 2
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct ffn__onnx_name {
    char text[168];
} ffn__onnx_name;

typedef struct ffn__onnx_graph {
    const ffn_model *model;
    size_t opset;
    ffn__text nodes, initializers; /* fields of the graph */
    bool *written, *transposed;    /* by parameter: it is an initializer, as it is or transposed */
    size_t constants, values;      /* that have been given names */
} ffn__onnx_graph;

/* What a node's value is called. */
ffn__onnx_name ffn__onnx_value(const ffn__onnx_graph *graph, size_t node);

/* The emitters (onnx_layers.c). */
ffn_status ffn__onnx_dense(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_activation(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_add(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_concat(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_scaler(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_batch_norm(ffn__onnx_graph *graph, size_t node, ffn_error *error);
ffn_status ffn__onnx_layer_norm(ffn__onnx_graph *graph, size_t node, ffn_error *error);
void ffn__onnx_view(ffn__onnx_graph *graph, size_t node);
void ffn__onnx_identity(ffn__onnx_graph *graph, const char *x, const char *y);

#endif
