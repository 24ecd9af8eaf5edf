/* The statements of an exported function, layer by layer, and the constants that they need. */
#include <stdio.h>
#include <string.h>

#include "activation/activation.h"
#include "io/export.h"

#define USE(file, id) ((file)->codes |= FFN__SET_OF(id))

static const ffn__layer *layer_of(const ffn__c_file *file, size_t node)
{
    return &file->model->layers[file->model->nodes[node].layer];
}

static ffn_shape shape_of(const ffn__c_file *file, size_t node) { return file->model->nodes[node].shape; }

/* ---- constants --------------------------------------------------------------------------------------------------- */

/* Names come from the program and must not end the comment they stand in. */
static void add_comment(ffn__text *text, const char *comment)
{
    ffn__text_add(text, "/* ");
    for (const char *c = comment; *c; c++) {
        const bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr(" ._-(),", *c);
        ffn__text_bytes(text, plain ? c : "_", 1);
    }
    ffn__text_add(text, " */\n");
}

/* A float that every compiler reads back as it is. */
static void add_float(ffn__text *text, float value)
{
    const size_t begin = text->length;
    ffn__text_add(text, "%.9g", (double)value);
    const size_t length = text->length - begin;
    if (!text->failed && !memchr(text->bytes + begin, '.', length) && !memchr(text->bytes + begin, 'e', length))
        ffn__text_add(text, ".0");
    ffn__text_add(text, "f");
}

static void begin_array(ffn__c_file *file, const char *type, const char *kind, size_t number, const char *comment,
                        size_t count, size_t bytes)
{
    add_comment(&file->constants, comment);
    ffn__text_add(&file->constants, "static const %s %s_%s%zu[%zu] = {", type, file->name, kind, number, count);
    file->flash += count * bytes;
}

void ffn__c_floats(ffn__c_file *file, const char *kind, size_t number, const char *comment, const float *values,
                   size_t count)
{
    begin_array(file, "float", kind, number, comment, count, 4);
    for (size_t i = 0; i < count; i++) {
        ffn__text_add(&file->constants, i == 0 ? "\n    " : i % 8 ? ", " : ",\n    ");
        add_float(&file->constants, values[i]);
    }
    ffn__text_add(&file->constants, "};\n\n");
}

void ffn__c_bytes(ffn__c_file *file, const char *kind, size_t number, const char *comment, const int8_t *values,
                  size_t count)
{
    begin_array(file, "int8_t", kind, number, comment, count, 1);
    for (size_t i = 0; i < count; i++)
        ffn__text_add(&file->constants, "%s%d", i == 0 ? "\n    " : i % 24 ? ", " : ",\n    ", values[i]);
    ffn__text_add(&file->constants, "};\n\n");
}

void ffn__c_integers(ffn__c_file *file, const char *kind, size_t number, const char *comment, const int32_t *values,
                     size_t count)
{
    begin_array(file, "int32_t", kind, number, comment, count, 4);
    for (size_t i = 0; i < count; i++)
        ffn__text_add(&file->constants, "%s%ld", i == 0 ? "\n    " : i % 12 ? ", " : ",\n    ", (long)values[i]);
    ffn__text_add(&file->constants, "};\n\n");
}

/* The parameter as NAME_p<number>, once. */
static ffn_status write_parameter(ffn__c_file *file, size_t parameter, ffn_error *error)
{
    if (file->written[parameter]) return FFN_OK;
    float *values;
    const ffn_status status = ffn__export_values(file->model, parameter, &values, error);
    if (status != FFN_OK) return status;
    const ffn__parameter *p = &file->model->parameters[parameter];
    ffn__c_floats(file, "p", parameter, p->name, values, p->size);
    ffn__free(values);
    file->written[parameter] = true;
    return FFN_OK;
}

/* ---- activations ------------------------------------------------------------------------------------------------- */

/* How a function is called: NAME_f(n, x, y), with the kind's number or slopes, or by rows. */
typedef enum form { PLAIN = 0, NUMBER, ONE_SLOPE, SLOPES, ROWS } form;

static const struct {
    ffn__code code;
    const char *function;
    form form;
} activations[FFN__ACTIVATION_COUNT] = {
    [FFN__linear] = {FFN__CODE_COPY, "copy", PLAIN},
    [FFN__sigmoid] = {FFN__CODE_SIGMOID, "sigmoid", PLAIN},
    [FFN__tanh] = {FFN__CODE_TANH_ROWS, "tanh", PLAIN},
    [FFN__relu] = {FFN__CODE_RELU, "relu", PLAIN},
    [FFN__leaky_relu] = {FFN__CODE_LEAKY_RELU, "leaky_relu", NUMBER},
    [FFN__prelu] = {FFN__CODE_LEAKY_RELU, "leaky_relu", ONE_SLOPE},
    [FFN__prelu_per_unit] = {FFN__CODE_PRELU, "prelu", SLOPES},
    [FFN__elu] = {FFN__CODE_ELU, "elu", NUMBER},
    [FFN__selu] = {FFN__CODE_SELU, "selu", PLAIN},
    [FFN__softmax] = {FFN__CODE_SOFTMAX, "softmax", ROWS},
    [FFN__log_softmax] = {FFN__CODE_LOG_SOFTMAX, "log_softmax", ROWS},
    [FFN__swish] = {FFN__CODE_SWISH, "swish", NUMBER},
    [FFN__gelu] = {FFN__CODE_GELU, "gelu", PLAIN},
    [FFN__gelu_tanh] = {FFN__CODE_GELU_TANH, "gelu_tanh", PLAIN},
    [FFN__softplus] = {FFN__CODE_SOFTPLUS, "softplus", PLAIN},
    [FFN__softsign] = {FFN__CODE_SOFTSIGN, "softsign", PLAIN},
    [FFN__mish] = {FFN__CODE_MISH, "mish", PLAIN},
    [FFN__hard_sigmoid] = {FFN__CODE_HARD_SIGMOID, "hard_sigmoid", PLAIN},
    [FFN__hard_swish] = {FFN__CODE_HARD_SWISH, "hard_swish", PLAIN},
};

/* y = f(x), of the node's shape. */
static ffn_status write_activation(ffn__c_file *file, size_t node, const char *x, const char *y, ffn_error *error)
{
    const ffn_activation activation = layer_of(file, node)->activation;
    const ffn_shape shape = shape_of(file, node);
    const size_t cols = ffn__last_axis(shape), rows = ffn__rows_before_last_axis(shape);
    size_t kind;
    ffn_status status = ffn__export_activation(file->model, node, &activation, &kind, error);
    if (status != FFN_OK || (kind == FFN__linear && strcmp(x, y) == 0)) return status;
    if (!activations[kind].function)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s: the activation %.40s cannot be written as C yet",
                        ffn__node_name(file->model, node), ffn_activation_name(kind));
    const size_t slope = ffn__export_parameter(file->model, node, "slope");
    if (slope != FFN__NONE) status = write_parameter(file, slope, error);
    if (status != FFN_OK) return status;

    ffn__text *body = &file->body;
    const form how = activations[kind].form;
    file->codes |= (ffn__code_set)1 << activations[kind].code;
    ffn__text_add(body, "    %s_%s(", file->name, activations[kind].function);
    if (how == SLOPES || how == ROWS)
        ffn__text_add(body, "%zu, %zu, ", rows, cols);
    else
        ffn__text_add(body, "%zu, ", rows * cols);
    if (how == NUMBER) {
        add_float(body, activation.alpha);
        ffn__text_add(body, ", ");
    }
    if (how == ONE_SLOPE) ffn__text_add(body, "%s_p%zu[0], ", file->name, slope);
    if (how == SLOPES) ffn__text_add(body, "%s_p%zu, ", file->name, slope);
    ffn__text_add(body, "%s, %s);\n", x, y);
    return FFN_OK;
}

ffn_status ffn__c_activation(ffn__c_file *file, size_t node, ffn_error *error)
{
    return write_activation(file, node, ffn__c_value_of(file, file->model->nodes[node].inputs[0]).text,
                            ffn__c_value_of(file, node).text, error);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static void write_float_weights(ffn__c_file *file, size_t node)
{
    const size_t layer = file->model->nodes[node].layer;
    ffn__c_weights *w = &file->weights[layer];
    if (w->written) return;
    w->written = true;
    char comment[160];
    (void)snprintf(comment, sizeof(comment), "%s: weights (%zu, %zu)", layer_of(file, node)->name, w->units, w->inputs);
    ffn__c_floats(file, "w", layer, comment, w->weight, w->units * w->inputs);
    (void)snprintf(comment, sizeof(comment), "%s: biases", layer_of(file, node)->name);
    if (w->bias) ffn__c_floats(file, "b", layer, comment, w->bias, w->units);
}

static void write_int8_weights(ffn__c_file *file, size_t node)
{
    const size_t layer = file->model->nodes[node].layer;
    ffn__c_weights *w = &file->weights[layer];
    const ffn__c_use *use = &file->uses[node];
    const char *name = layer_of(file, node)->name;
    char comment[160];
    (void)snprintf(comment, sizeof(comment), "%s: weights (%zu, %zu), each row in steps of its own", name, w->units,
                   w->inputs);
    if (!w->written) ffn__c_bytes(file, "w", layer, comment, w->bytes, w->units * w->inputs);
    w->written = true;
    (void)snprintf(comment, sizeof(comment), "%s: biases, less the zero point's share, in steps of the sum", name);
    ffn__c_integers(file, "start", node, comment, use->start, w->units);
    (void)snprintf(comment, sizeof(comment), "%s: what a step of the sum is", name);
    ffn__c_floats(file, "scale", node, comment, use->scale, w->units);
}

ffn_status ffn__c_dense(ffn__c_file *file, size_t node, ffn_error *error)
{
    const size_t layer = file->model->nodes[node].layer,
                 end = file->folds[node] == FFN__NONE ? node : file->folds[node];
    const ffn__c_weights *w = &file->weights[layer];
    const size_t rows = ffn__rows_before_last_axis(shape_of(file, node));
    const ffn__c_value x = ffn__c_value_of(file, file->model->nodes[node].inputs[0]), y = ffn__c_value_of(file, end);
    ffn__text *body = &file->body;
    if (file->uses) {
        const ffn__c_use *use = &file->uses[node];
        write_int8_weights(file, node);
        USE(file, QUANTIZE), USE(file, DENSE_INT8);
        ffn__text_add(body, "    %s_quantize(%zu, ", file->name, rows * w->inputs);
        add_float(body, use->inverse);
        ffn__text_add(body, ", ");
        add_float(body, use->zero);
        ffn__text_add(body, ", %s, q);\n", x.text);
        ffn__text_add(body, "    %s_dense_int8(%zu, %zu, %zu, q, %s_w%zu, %s_start%zu, %s_scale%zu, %s);\n", file->name,
                      rows, w->inputs, w->units, file->name, layer, file->name, node, file->name, node, y.text);
    } else {
        write_float_weights(file, node);
        USE(file, DENSE);
        ffn__text_add(body, "    %s_dense(%zu, %zu, %zu, %s, %s_w%zu, ", file->name, rows, w->inputs, w->units, x.text,
                      file->name, layer);
        if (w->bias)
            ffn__text_add(body, "%s_b%zu, %s);\n", file->name, layer, y.text);
        else
            ffn__text_add(body, "NULL, %s);\n", y.text);
    }
    return write_activation(file, node, y.text, y.text, error);
}

ffn_status ffn__c_add(ffn__c_file *file, size_t node, ffn_error *error)
{
    (void)error;
    const ffn__node *n = &file->model->nodes[node];
    USE(file, ADD);
    ffn__text_add(&file->body, "    %s_add(%zu, %s, %s, %s);\n", file->name, ffn_shape_size(n->shape),
                  ffn__c_value_of(file, n->inputs[0]).text, ffn__c_value_of(file, n->inputs[1]).text,
                  ffn__c_value_of(file, node).text);
    return FFN_OK;
}

ffn_status ffn__c_concat(ffn__c_file *file, size_t node, ffn_error *error)
{
    (void)error;
    const ffn__node *n = &file->model->nodes[node];
    USE(file, CONCAT);
    ffn__text_add(&file->body, "    %s_concat(%zu, %zu, %zu, %s, %s, %s);\n", file->name,
                  ffn__rows_before_last_axis(n->shape), ffn__last_axis(shape_of(file, n->inputs[0])),
                  ffn__last_axis(shape_of(file, n->inputs[1])), ffn__c_value_of(file, n->inputs[0]).text,
                  ffn__c_value_of(file, n->inputs[1]).text, ffn__c_value_of(file, node).text);
    return FFN_OK;
}

ffn_status ffn__c_scaler(ffn__c_file *file, size_t node, ffn_error *error)
{
    const ffn__node *n = &file->model->nodes[node];
    const size_t offset = ffn__export_parameter(file->model, node, "offset");
    const size_t factor = ffn__export_parameter(file->model, node, "factor");
    ffn_status status = write_parameter(file, offset, error);
    if (status == FFN_OK) status = write_parameter(file, factor, error);
    if (status != FFN_OK) return status;
    USE(file, SCALE);
    ffn__text_add(&file->body, "    %s_scale(%zu, %s_p%zu, %s_p%zu, %s, %s);\n", file->name, ffn_shape_size(n->shape),
                  file->name, offset, file->name, factor, ffn__c_value_of(file, n->inputs[0]).text,
                  ffn__c_value_of(file, node).text);
    return FFN_OK;
}

/* One that is not fitted to data does nothing. */
ffn_status ffn__c_quantile(ffn__c_file *file, size_t node, ffn_error *error)
{
    const ffn_model *model = file->model;
    const size_t table = ffn__export_parameter(model, node, "quantiles");
    const bool fitted = *ffn__parameter_values(model, ffn__export_parameter(model, node, "fitted")) != 0;
    const ffn_status status = fitted ? write_parameter(file, table, error) : FFN_OK;
    if (status != FFN_OK) return status;
    const ffn__c_value x = ffn__c_value_of(file, model->nodes[node].inputs[0]), y = ffn__c_value_of(file, node);
    const size_t cols = ffn_shape_size(shape_of(file, node));
    if (fitted) {
        USE(file, QUANTILE_NORMAL);
        ffn__text_add(&file->body, "    %s_quantile_normal(%zu, %zu, %s_p%zu, %s, %s);\n", file->name, cols,
                      model->parameters[table].shape.dim[1], file->name, table, x.text, y.text);
    } else {
        USE(file, COPY);
        ffn__text_add(&file->body, "    %s_copy(%zu, %s, %s);\n", file->name, cols, x.text, y.text);
    }
    return FFN_OK;
}

/* Samples (C, H, W) have the channel first, others last. */
ffn_status ffn__c_batch_norm(ffn__c_file *file, size_t node, ffn_error *error)
{
    const ffn__node *n = &file->model->nodes[node];
    const size_t size = ffn_shape_size(n->shape);
    ffn__channel_norm norm;
    const ffn_status status = ffn__export_batch_norm(file->model, node, &norm, error);
    if (status != FFN_OK) return status;
    const bool first = n->shape.rank >= 3;
    const char *name = layer_of(file, node)->name;
    ffn__c_floats(file, "mean", node, name, norm.mean, norm.channels);
    ffn__c_floats(file, "factor", node, name, norm.factor, norm.channels);
    ffn__c_floats(file, "shift", node, name, norm.shift, norm.channels);
    USE(file, CHANNELS);
    ffn__text_add(&file->body, "    %s_channels(%zu, %zu, %zu, %s_mean%zu, %s_factor%zu, %s_shift%zu, %s, %s);\n",
                  file->name, first ? 1 : size / norm.channels, norm.channels, first ? size / norm.channels : 1,
                  file->name, node, file->name, node, file->name, node, ffn__c_value_of(file, n->inputs[0]).text,
                  ffn__c_value_of(file, node).text);
    ffn__channel_norm_destroy(&norm);
    return FFN_OK;
}

ffn_status ffn__c_layer_norm(ffn__c_file *file, size_t node, ffn_error *error)
{
    const ffn__node *n = &file->model->nodes[node];
    const size_t weight = ffn__export_parameter(file->model, node, "weight");
    const size_t bias = ffn__export_parameter(file->model, node, "bias");
    ffn_status status = write_parameter(file, weight, error);
    if (status == FFN_OK && bias != FFN__NONE) status = write_parameter(file, bias, error);
    if (status != FFN_OK) return status;
    ffn__text *body = &file->body;
    USE(file, LAYER_NORM);
    ffn__text_add(body, "    %s_layer_norm(%zu, %zu, ", file->name, ffn__rows_before_last_axis(n->shape),
                  ffn__last_axis(n->shape));
    add_float(body, ((const ffn__norm_config *)layer_of(file, node)->config)->epsilon);
    ffn__text_add(body, ", %s_p%zu, ", file->name, weight);
    if (bias == FFN__NONE)
        ffn__text_add(body, "NULL, ");
    else
        ffn__text_add(body, "%s_p%zu, ", file->name, bias);
    ffn__text_add(body, "%s, %s);\n", ffn__c_value_of(file, n->inputs[0]).text, ffn__c_value_of(file, node).text);
    return FFN_OK;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

ffn_status ffn__c_statements(ffn__c_file *file, ffn_error *error)
{
    const ffn_model *model = file->model;
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < model->node_count && status == FFN_OK; i++) {
        if (model->nodes[i].layer == FFN__NONE || ffn__model_root(model, i, false) != i) continue;
        bool folded = false;
        for (size_t k = 0; k < i; k++) folded |= file->folds[k] == i;
        if (!folded) status = ffn__exporter_find(layer_of(file, i)->ops)->c(file, i, error);
    }
    const size_t output = ffn__model_root(model, model->output, false);
    if (status != FFN_OK || model->nodes[output].layer != FFN__NONE) return status;
    USE(file, COPY);
    ffn__text_add(&file->body, "    %s_copy(%zu, %s, out);\n", file->name, ffn_shape_size(shape_of(file, output)),
                  ffn__c_value_of(file, output).text);
    return FFN_OK;
}
