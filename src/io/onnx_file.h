/* An ONNX file taken apart, and what of the library each of its nodes is. */
#ifndef FFN__ONNX_FILE_H
#define FFN__ONNX_FILE_H

#include "io/onnx.h"

/* More is FFN_UNSUPPORTED, so that no file can ask for much memory or time. */
enum {
    FFN__ONNX_MAX_NODES = 2048,
    FFN__ONNX_MAX_TENSORS = 2048,
    FFN__ONNX_MAX_INPUTS = 8,
    FFN__ONNX_MAX_PARTS = 1 << 14, /* of a graph: those, and shapes of values in between */
    FFN__ONNX_MAX_NODE_BYTES = 1 << 14
};

/* A constant. */
typedef struct ffn__onnx_tensor {
    ffn__pb_span name;
    size_t rank, dim[FFN_MAX_RANK], count; /* of elements; checked against the bytes */
    uint64_t type;                         /* float, double or int64 */
    ffn__pb_span raw;                      /* elements, little-endian; empty: */
    ffn__pb_span packed; /* elements as a packed field: floats and doubles like raw, int64 as numbers */
} ffn__onnx_tensor;

typedef enum ffn__onnx_source { FFN__FROM_INPUT = 0, FFN__FROM_TENSOR, FFN__FROM_NODE } ffn__onnx_source;

/* What a name stands for: index of an input, a tensor or a node. */
typedef struct ffn__onnx_value_of {
    ffn__pb_span name;
    ffn__onnx_source source;
    size_t index;
} ffn__onnx_value_of;

typedef struct ffn__onnx_node {
    ffn__pb_span message, name, op, domain, output;
    size_t input_count;
    size_t inputs[FFN__ONNX_MAX_INPUTS]; /* values; FFN__NONE: left out */
} ffn__onnx_node;

typedef struct ffn__onnx_file {
    size_t opset;
    ffn__onnx_node *nodes;
    ffn__onnx_tensor *tensors;
    ffn__onnx_value_of *values; /* sorted by name */
    size_t node_count, tensor_count, value_count;
    ffn_shape inputs[FFN__ONNX_MAX_INPUTS]; /* of samples */
    size_t input_count;
    size_t output; /* value */
} ffn__onnx_file;

/* The file borrows the bytes; to be destroyed also on failure. */
ffn_status ffn__onnx_read(ffn__onnx_file *file, const void *bytes, size_t size, ffn_error *error);
void ffn__onnx_destroy(ffn__onnx_file *file);

bool ffn__onnx_is(ffn__pb_span text, const char *word);
/* The node's attribute, or what stands for it when it is missing. False: it has another type. */
bool ffn__onnx_float(const ffn__onnx_node *node, const char *name, float otherwise, float *value);
bool ffn__onnx_int(const ffn__onnx_node *node, const char *name, int64_t otherwise, int64_t *value);
/* At most `most` numbers; *count is 0 without the attribute. */
bool ffn__onnx_ints(const ffn__onnx_node *node, const char *name, size_t most, int64_t *values, size_t *count);
/* Reads all elements: of float or double, and of int64. */
void ffn__onnx_floats(const ffn__onnx_tensor *tensor, float *values);
bool ffn__onnx_integers(const ffn__onnx_tensor *tensor, size_t most, int64_t *values);

/* status with a sentence that names the node and its operator. */
ffn_status ffn__onnx_fail(const ffn__onnx_node *node, size_t number, ffn_status status, const char *why,
                          ffn_error *error);

/* ---- what a node is (onnx_match.c) ------------------------------------------------------------------------------- */

typedef enum ffn__onnx_kind {
    FFN__ONNX_INSIDE = 0, /* a part of another's pattern, or not needed */
    FFN__ONNX_SAME,       /* its input */
    FFN__ONNX_DENSE,
    FFN__ONNX_ACTIVATION,
    FFN__ONNX_ADD,
    FFN__ONNX_CONCAT,
    FFN__ONNX_FLATTEN,
    FFN__ONNX_RESHAPE,
    FFN__ONNX_SCALER,
    FFN__ONNX_BATCH_NORM,
    FFN__ONNX_LAYER_NORM,
} ffn__onnx_kind;

/* A node as a layer of the library. */
typedef struct ffn__onnx_match {
    ffn__onnx_kind kind;
    size_t input_count;
    size_t inputs[FFN__ONNX_MAX_INPUTS]; /* values that are not constants */
    /* Tensors, FFN__NONE for none: weight and bias, or slope, or a Reshape's shape, or offset and factor, or weight,
     * bias, mean and variance. */
    size_t tensors[4];
    bool transposed; /* dense: the weight is (inputs, units) */
    bool divides;    /* scaler: by the factor */
    bool turned;     /* batch norm: of sequences, whose channel is last */
    int64_t axis;    /* softmax, concat, layer norm: must be the last, counted with the batch */
    bool has_axis;
    float number; /* epsilon */
    ffn_activation activation;
} ffn__onnx_match;

/* FFN_UNSUPPORTED where the node is nothing that the library has. */
ffn_status ffn__onnx_find(const ffn__onnx_file *file, size_t node, ffn__onnx_match *match, ffn_error *error);

#endif
