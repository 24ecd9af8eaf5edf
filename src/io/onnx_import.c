/* A model from ONNX: which nodes are layers is found from the output back, then they are added in order. */
#include <stdio.h>
#include <string.h>

#include "data/file.h"
#include "io/export.h"
#include "io/onnx_file.h"

typedef struct importer {
    ffn__onnx_file file;
    ffn__onnx_match *matches; /* by node */
    bool *needed;             /* by node */
    ffn_value *made;          /* by node */
    ffn_value inputs[FFN__ONNX_MAX_INPUTS];
    ffn_model *model;
} importer;

/* ---- what is needed ---------------------------------------------------------------------------------------------- */

static void need(importer *in, size_t value)
{
    const ffn__onnx_value_of *v = &in->file.values[value];
    if (v->source == FFN__FROM_NODE) in->needed[v->index] = true;
}

static ffn_status match_all(importer *in, ffn_error *error)
{
    const size_t n = in->file.node_count;
    in->matches = ffn__alloc(n, sizeof(*in->matches), error);
    in->needed = in->matches ? ffn__alloc(n, sizeof(*in->needed), error) : NULL;
    in->made = in->needed ? ffn__alloc(n, sizeof(*in->made), error) : NULL;
    if (!in->made) return FFN_OUT_OF_MEMORY;
    if (in->file.values[in->file.output].source == FFN__FROM_TENSOR)
        return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX file's output is a constant");
    need(in, in->file.output);
    for (size_t i = n; i-- > 0;) {
        if (!in->needed[i]) continue;
        const ffn_status status = ffn__onnx_find(&in->file, i, &in->matches[i], error);
        if (status != FFN_OK) return status;
        for (size_t k = 0; k < in->matches[i].input_count; k++) need(in, in->matches[i].inputs[k]);
    }
    return FFN_OK;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static ffn_value value_of(const importer *in, size_t value)
{
    const ffn__onnx_value_of *v = &in->file.values[value];
    return v->source == FFN__FROM_INPUT ? in->inputs[v->index] : in->made[v->index];
}

static ffn_shape shape_of(const importer *in, ffn_value value) { return in->model->nodes[value.id - 1].shape; }

static ffn_status fail_shape(const importer *in, size_t node, ffn_error *error)
{
    return ffn__onnx_fail(&in->file.nodes[node], node, FFN_BAD_FORMAT, "its constants do not fit its input", error);
}

/* The length of the axis that is the i-th from the last: ONNX repeats values along those that they do not have. */
static size_t axis_from_last(ffn_shape shape, size_t i) { return i < shape.rank ? shape.dim[shape.rank - 1 - i] : 1; }

/* Whether a constant, which may be none, has these values for every sample: its axes are the shape's, counted from the last
 * one, and a batch of 1 may stand before them. */
static ffn_status check_constant(const importer *in, size_t node, size_t tensor, ffn_shape expected, ffn_error *error)
{
    if (tensor == FFN__NONE) return FFN_OK;
    const ffn__onnx_tensor *t = &in->file.tensors[tensor];
    ffn_shape found = {.rank = t->rank};
    bool fits = found.rank <= expected.rank + 1;
    memcpy(found.dim, t->dim, sizeof(found.dim));
    for (size_t i = 0; i < FFN_MAX_RANK; i++) fits = fits && axis_from_last(found, i) == axis_from_last(expected, i);
    if (fits) return FFN_OK;
    char shapes[2][64], why[200];
    (void)ffn__shape_format(found, shapes[0], sizeof(shapes[0]));
    (void)ffn__shape_format(expected, shapes[1], sizeof(shapes[1]));
    (void)snprintf(why, sizeof(why), "a constant has the shape %s; expected %s for every sample", shapes[0], shapes[1]);
    return ffn__onnx_fail(&in->file.nodes[node], node, FFN_UNSUPPORTED, why, error);
}

/* As many values as the last axis of such samples has, along that axis. */
static ffn_shape last_axis_of(ffn_shape sample, size_t count)
{
    for (size_t i = 0; i < sample.rank; i++) sample.dim[i] = i + 1 < sample.rank ? 1 : count;
    return sample;
}

/* A layer that is the same dense one, with the same weights, on an input of the same shape: shared. */
static ffn_value find_shared(const importer *in, size_t node, ffn_value x)
{
    const ffn__onnx_match *m = &in->matches[node];
    for (size_t i = 0; i < node; i++) {
        const ffn__onnx_match *other = &in->matches[i];
        if (other->kind != FFN__ONNX_DENSE || other->tensors[0] != m->tensors[0] ||
            other->tensors[1] != m->tensors[1] || other->transposed != m->transposed)
            continue;
        if (ffn_shape_equal(shape_of(in, value_of(in, other->inputs[0])), shape_of(in, x))) return in->made[i];
    }
    return (ffn_value){0};
}

static ffn_status add_dense(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const ffn__onnx_tensor *weight = &in->file.tensors[m->tensors[0]];
    const size_t inputs = weight->dim[m->transposed ? 0 : 1], units = weight->dim[m->transposed ? 1 : 0];
    if (inputs != ffn__last_axis(shape_of(in, x)) || units == 0) return fail_shape(in, node, error);
    const ffn_status status = check_constant(in, node, m->tensors[1], last_axis_of(shape_of(in, x), units), error);
    if (status != FFN_OK) return status;
    const ffn_value shared = find_shared(in, node, x);
    in->made[node] = shared.id ? ffn_share(in->model, shared, x) : ffn_dense(in->model, x, units, ffn_linear());
    if (!shared.id && m->tensors[1] == FFN__NONE) ffn_set_bias(in->model, in->made[node], false);
    return FFN_OK;
}

static ffn_status add_activation(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const ffn_shape shape = shape_of(in, x), slopes = last_axis_of(shape, ffn__last_axis(shape));
    const ffn_status status = m->activation.per_unit ? check_constant(in, node, m->tensors[0], slopes, error) : FFN_OK;
    if (status != FFN_OK) return status;
    in->made[node] = ffn_activate(in->model, x, m->activation);
    return FFN_OK;
}

static ffn_status add_sum(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    (void)error;
    in->made[node] = ffn_add(in->model, x, value_of(in, in->matches[node].inputs[1]));
    return FFN_OK;
}

static ffn_status add_concat(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    (void)error;
    const ffn__onnx_match *m = &in->matches[node];
    for (size_t i = 1; i < m->input_count; i++) x = ffn_concat(in->model, x, value_of(in, m->inputs[i]));
    in->made[node] = x;
    return FFN_OK;
}

static ffn_status add_same(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    (void)error;
    in->made[node] = x;
    return FFN_OK;
}

static ffn_status add_flatten(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    (void)error;
    in->made[node] = ffn_flatten(in->model, x);
    return FFN_OK;
}

/* The batch is 0 or -1; of the other numbers 0 keeps the input's, and one may be -1: what is left. */
static ffn_status add_reshape(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_tensor *t = &in->file.tensors[in->matches[node].tensors[0]];
    const ffn_shape from = shape_of(in, x);
    int64_t dims[FFN_MAX_RANK + 1];
    ffn_shape to = {.rank = t->count > 0 ? t->count - 1 : 0};
    if (to.rank == 0 || to.rank > FFN_MAX_RANK || !ffn__onnx_integers(t, FFN_MAX_RANK + 1, dims) || dims[0] > 0 ||
        dims[0] < -1)
        return ffn__onnx_fail(&in->file.nodes[node], node, FFN_UNSUPPORTED, "its shape does not keep the batch", error);
    size_t rest = FFN__NONE, known = 1;
    for (size_t i = 0; i < to.rank; i++) {
        const int64_t dim = dims[i + 1];
        to.dim[i] = dim > 0 ? (size_t)dim : dim == 0 && i < from.rank ? from.dim[i] : 1;
        if (dim == -1 && rest == FFN__NONE && dims[0] == 0)
            rest = i;
        else if (dim < 0 || (dim == 0 && i >= from.rank))
            return fail_shape(in, node, error);
        if (!ffn__multiply(known, to.dim[i], &known)) return fail_shape(in, node, error);
    }
    if (rest != FFN__NONE) to.dim[rest] = ffn_shape_size(from) / known;
    in->made[node] = ffn_reshape(in->model, x, to);
    return FFN_OK;
}

static ffn_status add_scaler(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    ffn_status status = check_constant(in, node, m->tensors[0], shape_of(in, x), error);
    if (status == FFN_OK) status = check_constant(in, node, m->tensors[1], shape_of(in, x), error);
    if (status != FFN_OK) return status;
    const bool input = in->model->nodes[x.id - 1].layer == FFN__NONE;
    in->made[node] = input ? ffn_standardize(in->model, x) : ffn_unstandardize(in->model, x);
    return FFN_OK;
}

/* Sets the layer's epsilon, which has no option of its own. */
static ffn_status set_epsilon(importer *in, size_t node, ffn_error *error)
{
    const float epsilon = in->matches[node].number;
    if (in->model->draft->error.status != FFN_OK) return FFN_OK; /* will be said of the node */
    if (!(epsilon >= 0 && epsilon <= 1))
        return ffn__onnx_fail(&in->file.nodes[node], node, FFN_UNSUPPORTED, "its epsilon is not in [0, 1]", error);
    ffn__norm_config *config = in->model->layers[in->model->nodes[in->made[node].id - 1].layer].config;
    config->epsilon = epsilon;
    return FFN_OK;
}

static ffn_status add_batch_norm(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const ffn_shape shape = shape_of(in, x);
    if ((shape.rank == 2) != m->turned)
        return ffn__onnx_fail(&in->file.nodes[node], node, FFN_UNSUPPORTED, "the channel of a sequence is not last",
                              error);
    const size_t channels = shape.rank >= 3 ? shape.dim[0] : ffn__last_axis(shape);
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < 4 && status == FFN_OK; i++)
        status = check_constant(in, node, m->tensors[i], ffn_shape_1d(channels), error);
    if (status != FFN_OK) return status;
    in->made[node] = ffn_batch_norm(in->model, x);
    return set_epsilon(in, node, error);
}

static ffn_status add_layer_norm(importer *in, size_t node, ffn_value x, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const ffn_shape shape = shape_of(in, x), weights = last_axis_of(shape, ffn__last_axis(shape));
    ffn_status status = check_constant(in, node, m->tensors[0], weights, error);
    if (status == FFN_OK) status = check_constant(in, node, m->tensors[1], weights, error);
    if (status != FFN_OK) return status;
    in->made[node] = ffn_layer_norm(in->model, x);
    if (m->tensors[1] == FFN__NONE) ffn_set_bias(in->model, in->made[node], false);
    return set_epsilon(in, node, error);
}

static ffn_status (*const adders[])(importer *in, size_t node, ffn_value x, ffn_error *error) = {
    [FFN__ONNX_SAME] = add_same,
    [FFN__ONNX_DENSE] = add_dense,
    [FFN__ONNX_ACTIVATION] = add_activation,
    [FFN__ONNX_ADD] = add_sum,
    [FFN__ONNX_CONCAT] = add_concat,
    [FFN__ONNX_FLATTEN] = add_flatten,
    [FFN__ONNX_RESHAPE] = add_reshape,
    [FFN__ONNX_SCALER] = add_scaler,
    [FFN__ONNX_BATCH_NORM] = add_batch_norm,
    [FFN__ONNX_LAYER_NORM] = add_layer_norm,
};

/* What the library calls a wrong argument is here the file's. */
static ffn_status status_of(ffn_status status)
{
    return status == FFN_SHAPE_MISMATCH ? FFN_BAD_FORMAT : status == FFN_INVALID_ARGUMENT ? FFN_UNSUPPORTED : status;
}

/* Adds the node's layer. What the model finds wrong with it is said of the node. */
static ffn_status add_layer(importer *in, size_t node, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const ffn_value x = value_of(in, m->inputs[0]);
    const int64_t last = (int64_t)shape_of(in, x).rank; /* counted with the batch */
    if (m->has_axis && m->axis != -1 && m->axis != last)
        return ffn__onnx_fail(&in->file.nodes[node], node, FFN_UNSUPPORTED, "its axis is not the last", error);
    const ffn_status status = adders[m->kind](in, node, x, error);
    if (status != FFN_OK || in->model->draft->error.status == FFN_OK) return status;
    char why[120];
    (void)snprintf(why, sizeof(why), "%.110s", in->model->draft->error.message);
    return ffn__onnx_fail(&in->file.nodes[node], node, status_of(in->model->draft->error.status), why, error);
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static void invert(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) values[i] = 1 / values[i];
}

static void transpose(const float *from, size_t rows, size_t cols, float *to)
{
    for (size_t i = 0; i < rows * cols; i++) to[i % cols * rows + i / cols] = from[i];
}

/* The tensor to the parameter of that name of the node's layer. */
static ffn_status set_parameter(const importer *in, size_t node, const char *name, size_t tensor, ffn_error *error)
{
    const ffn__onnx_match *m = &in->matches[node];
    const size_t parameter = ffn__export_parameter(in->model, in->made[node].id - 1, name);
    if (tensor == FFN__NONE || parameter == FFN__NONE) return FFN_OK;
    const ffn__onnx_tensor *t = &in->file.tensors[tensor];
    float *values = ffn__alloc(t->count, 2 * sizeof(float), error);
    if (!values) return FFN_OUT_OF_MEMORY;
    float *turned = values + t->count;
    ffn__onnx_floats(t, values);
    if (m->kind == FFN__ONNX_SCALER && m->divides && tensor == m->tensors[1]) invert(values, t->count);
    const bool turn = m->kind == FFN__ONNX_DENSE && m->transposed && tensor == m->tensors[0];
    if (turn) transpose(values, t->dim[0], t->dim[1], turned);
    ffn_error inner = {FFN_OK, ""};
    if (ffn_model_set_parameter(in->model, parameter, turn ? turned : values, &inner) != FFN_OK)
        (void)ffn__onnx_fail(&in->file.nodes[node], node, FFN_BAD_FORMAT, inner.message, &inner);
    ffn__free(values);
    if (inner.status != FFN_OK && error) *error = inner;
    return inner.status;
}

static ffn_status set_parameters(const importer *in, size_t node, ffn_error *error)
{
    static const struct {
        ffn__onnx_kind kind;
        const char *names[4];
    } parameters[] = {
        {FFN__ONNX_DENSE, {"weight", "bias"}},
        {FFN__ONNX_ACTIVATION, {"slope"}},
        {FFN__ONNX_SCALER, {"offset", "factor"}},
        {FFN__ONNX_BATCH_NORM, {"weight", "bias", "running_mean", "running_var"}},
        {FFN__ONNX_LAYER_NORM, {"weight", "bias"}},
    };
    const ffn__onnx_match *m = &in->matches[node];
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
        for (size_t k = 0; k < 4 && status == FFN_OK && parameters[i].kind == m->kind && parameters[i].names[k]; k++)
            status = set_parameter(in, node, parameters[i].names[k], m->tensors[k], error);
    if (status != FFN_OK || m->kind != FFN__ONNX_SCALER) return status;
    const float fitted = 1;
    const size_t parameter = ffn__export_parameter(in->model, in->made[node].id - 1, "fitted");
    return ffn_model_set_parameter(in->model, parameter, &fitted, error);
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static ffn_status make_model(importer *in, ffn_error *error)
{
    in->model = ffn_model_create(0, error);
    if (!in->model) return FFN_OUT_OF_MEMORY;
    ffn_error inner = {FFN_OK, ""};
    for (size_t i = 0; i < in->file.input_count; i++) in->inputs[i] = ffn_input(in->model, in->file.inputs[i]);
    if (in->model->draft->error.status != FFN_OK) {
        if (error) *error = in->model->draft->error;
        return in->model->draft->error.status;
    }
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < in->file.node_count && status == FFN_OK; i++)
        if (in->needed[i]) status = add_layer(in, i, error);
    if (status != FFN_OK) return status;
    status = ffn_model_build(in->model, value_of(in, in->file.output), &inner);
    if (status != FFN_OK) return ffn_fail(error, status_of(status), "the ONNX file as a model: %.180s", inner.message);
    for (size_t i = 0; i < in->file.node_count && status == FFN_OK; i++)
        if (in->needed[i]) status = set_parameters(in, i, error);
    return status;
}

ffn_model *ffn_model_import_onnx_memory(const void *bytes, size_t size, ffn_error *error)
{
    if (!bytes) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_import_onnx: the bytes are NULL");
        return NULL;
    }
    importer in = {.model = NULL};
    ffn_status status = ffn__onnx_read(&in.file, bytes, size, error);
    if (status == FFN_OK) status = match_all(&in, error);
    if (status == FFN_OK) status = make_model(&in, error);
    ffn__onnx_destroy(&in.file);
    ffn__free(in.matches);
    ffn__free(in.needed);
    ffn__free(in.made);
    if (status == FFN_OK) return in.model;
    ffn_model_destroy(in.model);
    return NULL;
}

ffn_model *ffn_model_import_onnx(const char *path, ffn_error *error)
{
    char *bytes;
    size_t size;
    if (ffn__read_file(path, &bytes, &size, error) != FFN_OK) return NULL;
    ffn_model *model = ffn_model_import_onnx_memory(bytes, size, error);
    if (!model) ffn__name_file(error, path);
    ffn__free(bytes);
    return model;
}
