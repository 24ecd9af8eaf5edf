/* Layers and activations as nodes of ONNX. */
#include <math.h>
#include <stdio.h>

#include "activation/activation.h"
#include "io/export.h"
#include "io/floats.h"

static const ffn__layer *layer_of(const ffn__onnx_graph *graph, size_t node)
{
    return &graph->model->layers[graph->model->nodes[node].layer];
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

/* A value within a layer. */
static ffn__onnx_name fresh(ffn__onnx_graph *graph)
{
    ffn__onnx_name name;
    (void)snprintf(name.text, sizeof(name.text), "t%zu", graph->values++);
    return name;
}

/* attributes: a message's fields, then empty; NULL: none. Inputs that are NULL are left out. */
static void add_node(ffn__onnx_graph *graph, const char *op, const char *const *inputs, size_t count,
                     const char *output, ffn__text *attributes)
{
    ffn__text node = {0};
    for (size_t i = 0; i < count; i++)
        if (inputs[i]) ffn__pb_string(&node, FFN__NODE_INPUT, inputs[i]);
    ffn__pb_string(&node, FFN__NODE_OUTPUT, output);
    ffn__pb_string(&node, FFN__NODE_OP, op);
    if (attributes) {
        node.failed |= attributes->failed;
        ffn__text_bytes(&node, attributes->bytes, attributes->length);
        ffn__text_destroy(attributes);
    }
    ffn__pb_message(&graph->nodes, FFN__GRAPH_NODE, &node);
}

static void unary(ffn__onnx_graph *graph, const char *op, const char *x, const char *y)
{
    add_node(graph, op, &x, 1, y, NULL);
}

static void binary(ffn__onnx_graph *graph, const char *op, const char *a, const char *b, const char *y)
{
    const char *const inputs[] = {a, b};
    add_node(graph, op, inputs, 2, y, NULL);
}

void ffn__onnx_identity(ffn__onnx_graph *graph, const char *x, const char *y) { unary(graph, "Identity", x, y); }

static void add_attribute(ffn__text *attributes, const char *name, uint64_t type, ffn__text *value)
{
    ffn__text attribute = {0};
    ffn__pb_string(&attribute, FFN__ATTRIBUTE_NAME, name);
    ffn__text_bytes(&attribute, value->bytes, value->length);
    attribute.failed |= value->failed;
    ffn__text_destroy(value);
    ffn__pb_number(&attribute, FFN__ATTRIBUTE_TYPE, type);
    ffn__pb_message(attributes, FFN__NODE_ATTRIBUTE, &attribute);
}

static void add_float(ffn__text *attributes, const char *name, float value)
{
    ffn__text field = {0};
    ffn__pb_float(&field, FFN__ATTRIBUTE_F, value);
    add_attribute(attributes, name, FFN__ATTRIBUTE_IS_FLOAT, &field);
}

static void add_int(ffn__text *attributes, const char *name, int64_t value)
{
    ffn__text field = {0};
    ffn__pb_number(&field, FFN__ATTRIBUTE_I, (uint64_t)value);
    add_attribute(attributes, name, FFN__ATTRIBUTE_IS_INT, &field);
}

static void add_ints(ffn__text *attributes, const char *name, const int64_t *values, size_t count)
{
    ffn__text field = {0};
    for (size_t i = 0; i < count; i++) ffn__pb_number(&field, FFN__ATTRIBUTE_INTS, (uint64_t)values[i]);
    add_attribute(attributes, name, FFN__ATTRIBUTE_IS_INTS, &field);
}

/* ---- initializers ------------------------------------------------------------------------------------------------ */

static void add_floats(ffn__onnx_graph *graph, const char *name, const size_t *dims, size_t rank, const float *values,
                       size_t count)
{
    ffn__text tensor = {0};
    for (size_t i = 0; i < rank; i++) ffn__pb_number(&tensor, FFN__TENSOR_DIMS, dims[i]);
    ffn__pb_number(&tensor, FFN__TENSOR_TYPE, FFN__TENSOR_IS_FLOAT);
    ffn__pb_string(&tensor, FFN__TENSOR_NAME, name);
    ffn__pb_raw_floats(&tensor, FFN__TENSOR_RAW, values, count);
    ffn__pb_message(&graph->initializers, FFN__GRAPH_INITIALIZER, &tensor);
}

static ffn__onnx_name scalar(ffn__onnx_graph *graph, float value)
{
    ffn__onnx_name name;
    (void)snprintf(name.text, sizeof(name.text), "c%zu", graph->constants++);
    add_floats(graph, name.text, NULL, 0, &value, 1);
    return name;
}

/* A parameter's own name, unless it is not plain ASCII. */
static ffn__onnx_name parameter_name(const ffn__onnx_graph *graph, size_t parameter, const char *suffix)
{
    ffn__onnx_name name;
    const char *text = graph->model->parameters[parameter].name;
    bool plain = true;
    for (const char *c = text; *c; c++) plain &= *c > ' ' && *c <= '~';
    if (plain)
        (void)snprintf(name.text, sizeof(name.text), "%.150s%s", text, suffix);
    else
        (void)snprintf(name.text, sizeof(name.text), "p%zu%s", parameter, suffix);
    return name;
}

static ffn_status add_parameter(ffn__onnx_graph *graph, size_t parameter, ffn__onnx_name *name, ffn_error *error)
{
    *name = parameter_name(graph, parameter, "");
    if (graph->written[parameter]) return FFN_OK;
    const ffn__parameter *p = &graph->model->parameters[parameter];
    float *values;
    const ffn_status status = ffn__export_values(graph->model, parameter, &values, error);
    if (status != FFN_OK) return status;
    add_floats(graph, name->text, p->shape.dim, p->shape.rank, values, p->size);
    ffn__free(values);
    graph->written[parameter] = true;
    return FFN_OK;
}

/* A matrix (rows, cols) as (cols, rows). */
static ffn_status add_transposed(ffn__onnx_graph *graph, size_t parameter, ffn__onnx_name *name, ffn_error *error)
{
    *name = parameter_name(graph, parameter, ".transposed");
    if (graph->transposed[parameter]) return FFN_OK;
    const ffn__parameter *p = &graph->model->parameters[parameter];
    const size_t rows = p->shape.dim[0], cols = p->shape.dim[1], dims[] = {cols, rows};
    float *values;
    ffn_status status = ffn__export_values(graph->model, parameter, &values, error);
    if (status != FFN_OK) return status;
    float *turned = ffn__alloc(p->size, sizeof(float), error);
    if (!turned) status = FFN_OUT_OF_MEMORY;
    for (size_t i = 0; turned && i < p->size; i++) turned[i % cols * rows + i / cols] = values[i];
    if (turned) add_floats(graph, name->text, dims, 2, turned, p->size);
    graph->transposed[parameter] = turned != NULL;
    ffn__free(turned);
    ffn__free(values);
    return status;
}

/* The layer's parameter `which`; *name is an empty text if it has none. */
static ffn_status add_named(ffn__onnx_graph *graph, size_t node, const char *which, ffn__onnx_name *name,
                            ffn_error *error)
{
    const size_t parameter = ffn__export_parameter(graph->model, node, which);
    name->text[0] = '\0';
    return parameter == FFN__NONE ? FFN_OK : add_parameter(graph, parameter, name, error);
}

/* ---- activations ------------------------------------------------------------------------------------------------- */

static void swish(ffn__onnx_graph *graph, float beta, const char *x, const char *y)
{
    const ffn__onnx_name z = fresh(graph), s = fresh(graph);
    if (beta != 1) binary(graph, "Mul", x, scalar(graph, beta).text, z.text);
    unary(graph, "Sigmoid", beta != 1 ? z.text : x, s.text);
    binary(graph, "Mul", x, s.text, y);
}

/* x / 2 (1 + erf(x / sqrt 2)), in the order in which PyTorch writes it */
static void gelu(ffn__onnx_graph *graph, float alpha, const char *x, const char *y)
{
    (void)alpha;
    const ffn__onnx_name a = fresh(graph), b = fresh(graph), c = fresh(graph), d = fresh(graph);
    binary(graph, "Div", x, scalar(graph, (float)1.41421356237309504880).text, a.text);
    unary(graph, "Erf", a.text, b.text);
    binary(graph, "Add", b.text, scalar(graph, 1).text, c.text);
    binary(graph, "Mul", x, c.text, d.text);
    binary(graph, "Mul", d.text, scalar(graph, (float)0.5).text, y);
}

/* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), in the order in which PyTorch writes it */
static void gelu_tanh(ffn__onnx_graph *graph, float alpha, const char *x, const char *y)
{
    (void)alpha;
    ffn__onnx_name t[7];
    for (size_t i = 0; i < 7; i++) t[i] = fresh(graph);
    binary(graph, "Mul", x, x, t[0].text);
    binary(graph, "Mul", x, t[0].text, t[1].text);
    binary(graph, "Mul", t[1].text, scalar(graph, (float)0.044715).text, t[2].text);
    binary(graph, "Add", x, t[2].text, t[3].text);
    binary(graph, "Mul", t[3].text, scalar(graph, (float)0.79788456080286535588).text, t[4].text);
    unary(graph, "Tanh", t[4].text, t[5].text);
    binary(graph, "Add", t[5].text, scalar(graph, 1).text, t[6].text);
    const ffn__onnx_name half = fresh(graph);
    binary(graph, "Mul", x, scalar(graph, (float)0.5).text, half.text);
    binary(graph, "Mul", half.text, t[6].text, y);
}

static void mish(ffn__onnx_graph *graph, float alpha, const char *x, const char *y)
{
    (void)alpha;
    const ffn__onnx_name a = fresh(graph), b = fresh(graph);
    unary(graph, "Softplus", x, a.text);
    unary(graph, "Tanh", a.text, b.text);
    binary(graph, "Mul", x, b.text, y);
}

static void hard_sigmoid(ffn__onnx_graph *graph, float alpha, const char *x, const char *y)
{
    (void)alpha;
    ffn__text attributes = {0};
    add_float(&attributes, "alpha", (float)(1.0 / 6));
    add_float(&attributes, "beta", (float)0.5);
    add_node(graph, "HardSigmoid", &x, 1, y, &attributes);
}

static void hard_swish(ffn__onnx_graph *graph, float alpha, const char *x, const char *y)
{
    const ffn__onnx_name s = fresh(graph);
    if (graph->opset >= 14) {
        unary(graph, "HardSwish", x, y);
        return;
    }
    hard_sigmoid(graph, alpha, x, s.text);
    binary(graph, "Mul", x, s.text, y);
}

/* An operator of its own, with attribute alpha or axis, or what composes it. */
static const struct {
    const char *op;
    bool alpha, last_axis, slope;
    void (*compose)(ffn__onnx_graph *graph, float alpha, const char *x, const char *y);
} activations[FFN__ACTIVATION_COUNT] = {
    [FFN__linear] = {.op = "Identity"},
    [FFN__sigmoid] = {.op = "Sigmoid"},
    [FFN__tanh] = {.op = "Tanh"},
    [FFN__relu] = {.op = "Relu"},
    [FFN__leaky_relu] = {.op = "LeakyRelu", .alpha = true},
    [FFN__prelu] = {.op = "PRelu", .slope = true},
    [FFN__prelu_per_unit] = {.op = "PRelu", .slope = true},
    [FFN__elu] = {.op = "Elu", .alpha = true},
    [FFN__selu] = {.op = "Selu"},
    [FFN__softmax] = {.op = "Softmax", .last_axis = true},
    [FFN__log_softmax] = {.op = "LogSoftmax", .last_axis = true},
    [FFN__swish] = {.compose = swish},
    [FFN__gelu] = {.compose = gelu},
    [FFN__gelu_tanh] = {.compose = gelu_tanh},
    [FFN__softplus] = {.op = "Softplus"},
    [FFN__softsign] = {.op = "Softsign"},
    [FFN__mish] = {.compose = mish},
    [FFN__hard_sigmoid] = {.compose = hard_sigmoid},
    [FFN__hard_swish] = {.compose = hard_swish},
};

/* The axis as a number from 0: before opset 13 softmax took all axes from there on as one. */
static void add_last_axis(const ffn__onnx_graph *graph, size_t node, ffn__text *attributes)
{
    add_int(attributes, "axis", (int64_t)graph->model->nodes[node].shape.rank);
}

static ffn_status add_activation(ffn__onnx_graph *graph, size_t node, const char *x, const char *y, ffn_error *error)
{
    const ffn_activation activation = layer_of(graph, node)->activation;
    size_t kind;
    ffn__onnx_name slope;
    ffn_status status = ffn__export_activation(graph->model, node, &activation, &kind, error);
    if (status == FFN_OK) status = add_named(graph, node, "slope", &slope, error);
    if (status != FFN_OK) return status;
    if (activations[kind].compose) {
        activations[kind].compose(graph, activation.alpha, x, y);
        return FFN_OK;
    }
    if (!activations[kind].op)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s: the activation %.40s cannot be written as ONNX yet",
                        ffn__node_name(graph->model, node), ffn_activation_name(kind));
    ffn__text attributes = {0};
    if (activations[kind].alpha) add_float(&attributes, "alpha", activation.alpha);
    if (activations[kind].last_axis) add_last_axis(graph, node, &attributes);
    const char *const inputs[] = {x, activations[kind].slope ? slope.text : NULL};
    add_node(graph, activations[kind].op, inputs, 2, y, &attributes);
    return FFN_OK;
}

ffn_status ffn__onnx_activation(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]);
    return add_activation(graph, node, x.text, ffn__onnx_value(graph, node).text, error);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* Gemm is for matrices; samples of more axes take a MatMul, whose weights are (inputs, units). */
ffn_status ffn__onnx_dense(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    const size_t weight = ffn__export_parameter(graph->model, node, "weight");
    const bool matrix = graph->model->nodes[node].shape.rank == 1;
    const bool linear = ffn__export_is_linear(&layer_of(graph, node)->activation);
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]);
    const ffn__onnx_name y = ffn__onnx_value(graph, node), z = linear ? y : fresh(graph);
    ffn__onnx_name w, b;
    ffn_status status = matrix ? add_parameter(graph, weight, &w, error) : add_transposed(graph, weight, &w, error);
    if (status == FFN_OK) status = add_named(graph, node, "bias", &b, error);
    if (status != FFN_OK) return status;
    if (matrix) {
        ffn__text attributes = {0};
        add_int(&attributes, "transB", 1);
        const char *const inputs[] = {x.text, w.text, b.text[0] ? b.text : NULL};
        add_node(graph, "Gemm", inputs, 3, z.text, &attributes);
    } else {
        const ffn__onnx_name product = b.text[0] ? fresh(graph) : z;
        binary(graph, "MatMul", x.text, w.text, product.text);
        if (b.text[0]) binary(graph, "Add", product.text, b.text, z.text);
    }
    return linear ? FFN_OK : add_activation(graph, node, z.text, y.text, error);
}

ffn_status ffn__onnx_add(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    (void)error;
    const ffn__node *n = &graph->model->nodes[node];
    binary(graph, "Add", ffn__onnx_value(graph, n->inputs[0]).text, ffn__onnx_value(graph, n->inputs[1]).text,
           ffn__onnx_value(graph, node).text);
    return FFN_OK;
}

ffn_status ffn__onnx_concat(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    (void)error;
    const ffn__node *n = &graph->model->nodes[node];
    const ffn__onnx_name a = ffn__onnx_value(graph, n->inputs[0]), b = ffn__onnx_value(graph, n->inputs[1]);
    const char *const inputs[] = {a.text, b.text};
    ffn__text attributes = {0};
    add_last_axis(graph, node, &attributes);
    add_node(graph, "Concat", inputs, 2, ffn__onnx_value(graph, node).text, &attributes);
    return FFN_OK;
}

ffn_status ffn__onnx_scaler(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]), shifted = fresh(graph);
    ffn__onnx_name offset, factor;
    ffn_status status = add_named(graph, node, "offset", &offset, error);
    if (status == FFN_OK) status = add_named(graph, node, "factor", &factor, error);
    if (status != FFN_OK) return status;
    binary(graph, "Sub", x.text, offset.text, shifted.text);
    binary(graph, "Mul", shifted.text, factor.text, ffn__onnx_value(graph, node).text);
    return FFN_OK;
}

/* Zeros of the shape of a parameter, for a bias that is not there. */
static ffn_status add_zeros(ffn__onnx_graph *graph, size_t like, ffn__onnx_name *name, ffn_error *error)
{
    const size_t count = graph->model->parameters[like].size;
    float *zeros = ffn__alloc(count, sizeof(float), error);
    if (!zeros) return FFN_OUT_OF_MEMORY;
    (void)snprintf(name->text, sizeof(name->text), "c%zu", graph->constants++);
    add_floats(graph, name->text, &count, 1, zeros, count);
    ffn__free(zeros);
    return FFN_OK;
}

static float epsilon_of(const ffn__onnx_graph *graph, size_t node)
{
    return ((const ffn__norm_config *)layer_of(graph, node)->config)->epsilon;
}

/* ONNX has the channel on axis 1; sequences of features have it last, so theirs are turned and turned back. */
ffn_status ffn__onnx_batch_norm(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    static const int64_t turn[] = {0, 2, 1};
    const bool turned = graph->model->nodes[node].shape.rank == 2;
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]);
    const ffn__onnx_name y = ffn__onnx_value(graph, node);
    ffn__onnx_name p[4];
    ffn_status status = add_named(graph, node, "weight", &p[0], error);
    if (status == FFN_OK) status = add_named(graph, node, "bias", &p[1], error);
    if (status == FFN_OK && !p[1].text[0])
        status = add_zeros(graph, ffn__export_parameter(graph->model, node, "weight"), &p[1], error);
    if (status == FFN_OK) status = add_named(graph, node, "running_mean", &p[2], error);
    if (status == FFN_OK) status = add_named(graph, node, "running_var", &p[3], error);
    if (status != FFN_OK) return status;
    const ffn__onnx_name before = turned ? fresh(graph) : x, after = turned ? fresh(graph) : y;
    ffn__text attributes = {0};
    if (turned) add_ints(&attributes, "perm", turn, 3);
    const char *const xs[] = {x.text}, *const afters[] = {after.text};
    if (turned) add_node(graph, "Transpose", xs, 1, before.text, &attributes);
    add_float(&attributes, "epsilon", epsilon_of(graph, node));
    const char *const inputs[] = {before.text, p[0].text, p[1].text, p[2].text, p[3].text};
    add_node(graph, "BatchNormalization", inputs, 5, after.text, &attributes);
    if (turned) add_ints(&attributes, "perm", turn, 3);
    if (turned) add_node(graph, "Transpose", afters, 1, y.text, &attributes);
    return FFN_OK;
}

static void reduce_mean(ffn__onnx_graph *graph, const char *x, const char *y)
{
    const int64_t last = -1;
    ffn__text attributes = {0};
    add_ints(&attributes, "axes", &last, 1);
    add_node(graph, "ReduceMean", &x, 1, y, &attributes);
}

/* An operator of its own since opset 17; before, what PyTorch writes for it. */
ffn_status ffn__onnx_layer_norm(ffn__onnx_graph *graph, size_t node, ffn_error *error)
{
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]);
    const ffn__onnx_name y = ffn__onnx_value(graph, node);
    ffn__onnx_name w, b, t[8];
    ffn_status status = add_named(graph, node, "weight", &w, error);
    if (status == FFN_OK) status = add_named(graph, node, "bias", &b, error);
    if (status != FFN_OK) return status;
    if (graph->opset >= 17) {
        ffn__text attributes = {0};
        add_int(&attributes, "axis", -1);
        add_float(&attributes, "epsilon", epsilon_of(graph, node));
        const char *const inputs[] = {x.text, w.text, b.text[0] ? b.text : NULL};
        add_node(graph, "LayerNormalization", inputs, 3, y.text, &attributes);
        return FFN_OK;
    }
    for (size_t i = 0; i < 8; i++) t[i] = fresh(graph);
    reduce_mean(graph, x.text, t[0].text);
    binary(graph, "Sub", x.text, t[0].text, t[1].text);
    binary(graph, "Pow", t[1].text, scalar(graph, 2).text, t[2].text);
    reduce_mean(graph, t[2].text, t[3].text);
    binary(graph, "Add", t[3].text, scalar(graph, epsilon_of(graph, node)).text, t[4].text);
    unary(graph, "Sqrt", t[4].text, t[5].text);
    binary(graph, "Div", t[1].text, t[5].text, t[6].text);
    binary(graph, "Mul", t[6].text, w.text, b.text[0] ? t[7].text : y.text);
    if (b.text[0]) binary(graph, "Add", t[7].text, b.text, y.text);
    return FFN_OK;
}

/* The same memory under another shape. */
void ffn__onnx_view(ffn__onnx_graph *graph, size_t node)
{
    const ffn_shape shape = graph->model->nodes[node].shape;
    const ffn__onnx_name x = ffn__onnx_value(graph, graph->model->nodes[node].inputs[0]);
    ffn__onnx_name dims;
    (void)snprintf(dims.text, sizeof(dims.text), "c%zu", graph->constants++);
    ffn__text tensor = {0}, raw = {0};
    ffn__pb_number(&tensor, FFN__TENSOR_DIMS, shape.rank + 1);
    ffn__pb_number(&tensor, FFN__TENSOR_TYPE, FFN__TENSOR_IS_INT64);
    ffn__pb_string(&tensor, FFN__TENSOR_NAME, dims.text);
    for (size_t i = 0; i <= shape.rank; i++) {
        const uint64_t dim = i == 0 ? UINT64_MAX : shape.dim[i - 1]; /* -1: the batch */
        unsigned char bytes[8];
        ffn__put_bits(bytes, sizeof(bytes), dim);
        ffn__text_bytes(&raw, bytes, sizeof(bytes));
    }
    ffn__pb_message(&tensor, FFN__TENSOR_RAW, &raw);
    ffn__pb_message(&graph->initializers, FFN__GRAPH_INITIALIZER, &tensor);
    binary(graph, "Reshape", x.text, dims.text, ffn__onnx_value(graph, node).text);
}
