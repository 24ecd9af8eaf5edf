/* ONNX bytes to nodes, constants and names. Nothing is trusted: sizes are compared with the bytes that are there. */
#include <string.h>

#include "io/onnx_file.h"

/* ---- text -------------------------------------------------------------------------------------------------------- */

bool ffn__onnx_is(ffn__pb_span text, const char *word)
{
    return text.size == strlen(word) && (text.size == 0 || memcmp(text.bytes, word, text.size) == 0);
}

static int compare_spans(ffn__pb_span a, ffn__pb_span b)
{
    const size_t shorter = a.size < b.size ? a.size : b.size;
    const int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Text from the file made fit for a message. */
typedef struct excerpt {
    char text[44];
} excerpt;

static excerpt show(ffn__pb_span span)
{
    excerpt e = {""};
    for (size_t i = 0; i < span.size && i < sizeof(e.text) - 1; i++)
        e.text[i] = (char)(span.bytes[i] >= ' ' && span.bytes[i] <= '~' ? span.bytes[i] : '?');
    return e;
}

static ffn_status broken_file(ffn_error *error, const char *what)
{
    return ffn_fail(error, FFN_BAD_FORMAT, "the ONNX file is broken: %s", what);
}

ffn_status ffn__onnx_fail(const ffn__onnx_node *node, size_t number, ffn_status status, const char *why,
                          ffn_error *error)
{
    return ffn_fail(error, status, "node %zu '%s', operator %s: %s", number + 1, show(node->name).text,
                    show(node->op).text, why);
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

/* The fields of the attribute; false if the node has none of the name. */
static bool find_attribute(const ffn__onnx_node *node, const char *name, ffn__pb_span *attribute)
{
    ffn__pb_span message = node->message;
    ffn__pb_field field, inner;
    bool broken = false;
    while (ffn__pb_next(&message, &field, &broken)) {
        if (field.number != FFN__NODE_ATTRIBUTE || field.type != FFN__PB_SPAN) continue;
        ffn__pb_span rest = field.span;
        while (ffn__pb_next(&rest, &inner, &broken))
            if (inner.number == FFN__ATTRIBUTE_NAME && inner.type == FFN__PB_SPAN && ffn__onnx_is(inner.span, name)) {
                *attribute = field.span;
                return true;
            }
    }
    return false;
}

/* The attribute's field of that number and type; *missing: there is no such attribute. */
static bool find_field(const ffn__onnx_node *node, const char *name, uint32_t number, ffn__pb_type type,
                       ffn__pb_field *found, bool *missing)
{
    ffn__pb_span attribute;
    ffn__pb_field field;
    bool broken = false, any = false;
    *missing = !find_attribute(node, name, &attribute);
    while (!*missing && ffn__pb_next(&attribute, &field, &broken))
        if (field.number == number && field.type == type) {
            *found = field;
            any = true;
        }
    return any;
}

bool ffn__onnx_float(const ffn__onnx_node *node, const char *name, float otherwise, float *value)
{
    ffn__pb_field field;
    bool missing;
    *value = otherwise;
    if (!find_field(node, name, FFN__ATTRIBUTE_F, FFN__PB_4_BYTES, &field, &missing)) return missing;
    *value = ffn__pb_float_at(field.span.bytes);
    return true;
}

bool ffn__onnx_int(const ffn__onnx_node *node, const char *name, int64_t otherwise, int64_t *value)
{
    ffn__pb_field field;
    bool missing;
    *value = otherwise;
    if (!find_field(node, name, FFN__ATTRIBUTE_I, FFN__PB_NUMBER, &field, &missing)) return missing;
    *value = (int64_t)field.value;
    return true;
}

bool ffn__onnx_ints(const ffn__onnx_node *node, const char *name, size_t most, int64_t *values, size_t *count)
{
    ffn__pb_span attribute;
    ffn__pb_field field;
    bool broken = false;
    *count = 0;
    if (!find_attribute(node, name, &attribute)) return true;
    while (ffn__pb_next(&attribute, &field, &broken)) {
        if (field.number != FFN__ATTRIBUTE_INTS) continue;
        const bool one = field.type == FFN__PB_NUMBER;
        if (!one && field.type != FFN__PB_SPAN) return false;
        do {
            uint64_t number = field.value;
            if (!one && !ffn__pb_next_number(&field.span, &number, &broken)) break;
            if (*count == most) return false;
            values[(*count)++] = (int64_t)number;
        } while (!one);
    }
    return !broken;
}

/* ---- constants --------------------------------------------------------------------------------------------------- */

static ffn_status check_tensor(const ffn__onnx_tensor *t, bool external, ffn_error *error)
{
    const excerpt name = show(t->name);
    if (external) return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX tensor '%s' is in another file", name.text);
    const bool known =
        t->type == FFN__TENSOR_IS_FLOAT || t->type == FFN__TENSOR_IS_DOUBLE || t->type == FFN__TENSOR_IS_INT64;
    if (!known)
        return ffn_fail(error, FFN_UNSUPPORTED,
                        "the ONNX tensor '%s' has elements of type %llu; expected float, double or "
                        "int64",
                        name.text, (unsigned long long)t->type);
    const size_t width = t->type == FFN__TENSOR_IS_FLOAT ? 4 : 8;
    size_t bytes = t->raw.size;
    if (bytes == 0 && t->type != FFN__TENSOR_IS_INT64) bytes = t->packed.size;
    if (bytes == 0 && t->type == FFN__TENSOR_IS_INT64) { /* count the numbers */
        ffn__pb_span rest = t->packed;
        uint64_t value;
        bool broken = false;
        while (ffn__pb_next_number(&rest, &value, &broken)) bytes += 8;
        if (broken) return broken_file(error, "a packed field");
    }
    if (bytes % width != 0 || bytes / width != t->count)
        return ffn_fail(error, FFN_BAD_FORMAT, "the ONNX tensor '%s' has %zu bytes of data for %zu elements", name.text,
                        bytes, t->count);
    return FFN_OK;
}

static bool add_dim(ffn__onnx_tensor *t, uint64_t dim)
{
    if (t->rank == FFN_MAX_RANK || dim > SIZE_MAX || !ffn__multiply(t->count, (size_t)dim, &t->count)) return false;
    t->dim[t->rank++] = (size_t)dim;
    return true;
}

static ffn_status read_dims(ffn__onnx_tensor *t, ffn__pb_field field, ffn_error *error)
{
    bool good = true, broken = false;
    uint64_t dim;
    if (field.type == FFN__PB_NUMBER) good = add_dim(t, field.value);
    while (good && field.type == FFN__PB_SPAN && ffn__pb_next_number(&field.span, &dim, &broken))
        good = add_dim(t, dim);
    if (broken) return broken_file(error, "the shape of a tensor");
    return good ? FFN_OK
                : ffn_fail(error, FFN_UNSUPPORTED, "an ONNX tensor has more than %d axes, or is too large",
                           FFN_MAX_RANK);
}

/* Elements one by one, not packed, are not read: no writer makes them. */
static ffn_status read_tensor(ffn__onnx_tensor *t, ffn__pb_span message, ffn_error *error)
{
    ffn__pb_field field;
    bool broken = false, external = false;
    ffn_status status = FFN_OK;
    *t = (ffn__onnx_tensor){.count = 1};
    while (status == FFN_OK && ffn__pb_next(&message, &field, &broken)) {
        const bool span = field.type == FFN__PB_SPAN;
        if (field.number == FFN__TENSOR_DIMS) status = read_dims(t, field, error);
        if (field.number == FFN__TENSOR_TYPE && field.type == FFN__PB_NUMBER) t->type = field.value;
        if (field.number == FFN__TENSOR_NAME && span) t->name = field.span;
        if (field.number == FFN__TENSOR_RAW && span) t->raw = field.span;
        if (field.number == FFN__TENSOR_FLOATS && span && t->type == FFN__TENSOR_IS_FLOAT) t->packed = field.span;
        if (field.number == FFN__TENSOR_DOUBLES && span && t->type == FFN__TENSOR_IS_DOUBLE) t->packed = field.span;
        if (field.number == FFN__TENSOR_INTS && span && t->type == FFN__TENSOR_IS_INT64) t->packed = field.span;
        if (field.number == FFN__TENSOR_EXTERNAL) external = true;
        if (field.number == FFN__TENSOR_LOCATION && field.value != 0) external = true;
    }
    if (status == FFN_OK && broken) status = broken_file(error, "a tensor");
    return status == FFN_OK ? check_tensor(t, external, error) : status;
}

void ffn__onnx_floats(const ffn__onnx_tensor *tensor, float *values)
{
    const ffn__pb_span from = tensor->raw.size ? tensor->raw : tensor->packed;
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = tensor->type == FFN__TENSOR_IS_FLOAT ? ffn__pb_float_at(from.bytes + 4 * i)
                                                         : (float)ffn__pb_double_at(from.bytes + 8 * i);
}

bool ffn__onnx_integers(const ffn__onnx_tensor *tensor, size_t most, int64_t *values)
{
    if (tensor->type != FFN__TENSOR_IS_INT64 || tensor->count > most) return false;
    ffn__pb_span packed = tensor->packed;
    uint64_t value = 0;
    bool broken = false;
    for (size_t i = 0; i < tensor->count; i++) {
        if (tensor->raw.size)
            value = ffn__pb_u64_at(tensor->raw.bytes + 8 * i);
        else
            (void)ffn__pb_next_number(&packed, &value, &broken);
        values[i] = (int64_t)value;
    }
    return true;
}

/* ---- the graph --------------------------------------------------------------------------------------------------- */

/* The one field of a message that is a span; false: there is none, or the message is broken. */
static bool find_span(ffn__pb_span message, uint32_t number, ffn__pb_span *span)
{
    ffn__pb_field field;
    bool broken = false, found = false;
    while (ffn__pb_next(&message, &field, &broken))
        if (field.number == number && field.type == FFN__PB_SPAN) {
            *span = field.span;
            found = true;
        }
    return found && !broken;
}

/* How many parts a graph has. */
typedef struct parts {
    size_t nodes, tensors, inputs, outputs, sparse, all;
} parts;

/* Stops at the first that is too many. */
static parts count_parts(ffn__pb_span graph)
{
    parts p = {0};
    ffn__pb_field field;
    bool broken = false;
    while (p.all <= FFN__ONNX_MAX_PARTS && ffn__pb_next(&graph, &field, &broken)) {
        p.all++;
        if (field.type != FFN__PB_SPAN) continue;
        p.nodes += field.number == FFN__GRAPH_NODE;
        p.tensors += field.number == FFN__GRAPH_INITIALIZER;
        p.inputs += field.number == FFN__GRAPH_INPUT;
        p.outputs += field.number == FFN__GRAPH_OUTPUT;
        p.sparse += field.number == FFN__GRAPH_SPARSE;
    }
    return p;
}

static ffn_status check_parts(const parts *p, ffn_error *error)
{
    if (p->all > FFN__ONNX_MAX_PARTS || p->nodes > FFN__ONNX_MAX_NODES || p->tensors > FFN__ONNX_MAX_TENSORS ||
        p->inputs > FFN__ONNX_MAX_TENSORS + FFN__ONNX_MAX_INPUTS)
        return ffn_fail(error, FFN_UNSUPPORTED,
                        "the ONNX file has too many nodes or tensors; expected at most %d of each",
                        FFN__ONNX_MAX_NODES);
    if (p->sparse) return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX file has sparse tensors");
    if (p->outputs == 1) return FFN_OK;
    return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX file has %zu outputs; expected one", p->outputs);
}

static void add_value(ffn__onnx_file *file, ffn__pb_span name, ffn__onnx_source source, size_t index)
{
    file->values[file->value_count++] = (ffn__onnx_value_of){name, source, index};
}

static size_t find_value(const ffn__onnx_file *file, ffn__pb_span name)
{
    size_t low = 0, high = file->value_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_spans(file->values[middle].name, name);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return FFN__NONE;
}

static bool is_tensor_name(const ffn__onnx_file *file, ffn__pb_span name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (compare_spans(file->tensors[i].name, name) == 0) return true;
    return false;
}

/* The shape of an input without its first axis, the batch. */
static ffn_status read_shape(ffn__pb_span type, ffn__pb_span name, ffn_shape *shape, ffn_error *error)
{
    ffn__pb_span tensor = {0}, dims = {0};
    ffn__pb_field field, inner;
    bool broken = false, sized = find_span(type, FFN__TYPE_TENSOR, &tensor);
    uint64_t element = 0;
    size_t axes = 0;
    for (ffn__pb_span rest = tensor; sized && ffn__pb_next(&rest, &field, &broken);)
        if (field.number == FFN__TENSOR_TYPE_ELEMENT && field.type == FFN__PB_NUMBER) element = field.value;
    sized = sized && find_span(tensor, FFN__TENSOR_TYPE_SHAPE, &dims);
    while (sized && ffn__pb_next(&dims, &field, &broken)) {
        if (field.number != FFN__SHAPE_DIM || field.type != FFN__PB_SPAN || axes++ == 0) continue;
        uint64_t dim = 0;
        while (ffn__pb_next(&field.span, &inner, &broken))
            if (inner.number == FFN__DIM_VALUE && inner.type == FFN__PB_NUMBER) dim = inner.value;
        sized = dim >= 1 && dim <= SIZE_MAX && shape->rank < FFN_MAX_RANK;
        if (sized) shape->dim[shape->rank++] = (size_t)dim;
    }
    if (broken) return broken_file(error, "the shape of an input");
    if (sized && shape->rank > 0 && element == FFN__TENSOR_IS_FLOAT && ffn_shape_size(*shape) > 0) return FFN_OK;
    return ffn_fail(error, FFN_UNSUPPORTED,
                    "the ONNX input '%s' is not of float with a batch and 1 to %d axes of known sizes", show(name).text,
                    FFN_MAX_RANK);
}

static ffn_status read_input(ffn__onnx_file *file, ffn__pb_span message, ffn_error *error)
{
    ffn__pb_span name = {0}, type = {0};
    (void)find_span(message, FFN__VALUE_NAME, &name);
    (void)find_span(message, FFN__VALUE_TYPE, &type);
    if (is_tensor_name(file, name)) return FFN_OK; /* old files list constants among the inputs */
    if (file->input_count == FFN__ONNX_MAX_INPUTS)
        return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX file has more than %d inputs", FFN__ONNX_MAX_INPUTS);
    add_value(file, name, FFN__FROM_INPUT, file->input_count);
    return read_shape(type, name, &file->inputs[file->input_count++], error);
}

/* A node's own fields; its inputs wait until all names are known. A Constant becomes a tensor. */
static ffn_status read_node(ffn__onnx_file *file, ffn__pb_span message, ffn_error *error)
{
    const size_t number = file->node_count;
    ffn__onnx_node *node = &file->nodes[file->node_count++];
    ffn__pb_field field;
    bool broken = false, has_output = false;
    *node = (ffn__onnx_node){.message = message};
    while (ffn__pb_next(&message, &field, &broken)) {
        if (field.type != FFN__PB_SPAN) continue;
        if (field.number == FFN__NODE_OP) node->op = field.span;
        if (field.number == FFN__NODE_NAME) node->name = field.span;
        if (field.number == FFN__NODE_DOMAIN) node->domain = field.span;
        if (field.number == FFN__NODE_OUTPUT && !has_output) node->output = field.span;
        has_output |= field.number == FFN__NODE_OUTPUT;
        node->input_count += field.number == FFN__NODE_INPUT;
    }
    if (broken || !has_output) return broken_file(error, "a node");
    if (node->input_count > FFN__ONNX_MAX_INPUTS)
        return ffn__onnx_fail(node, number, FFN_UNSUPPORTED, "it has more than 8 inputs", error);
    if (!ffn__onnx_is(node->op, "Constant")) { /* others are looked at more than once */
        if (node->message.size > FFN__ONNX_MAX_NODE_BYTES)
            return ffn__onnx_fail(node, number, FFN_UNSUPPORTED, "it is too large", error);
        add_value(file, node->output, FFN__FROM_NODE, number);
        return FFN_OK;
    }
    bool missing;
    if (!find_field(node, "value", FFN__ATTRIBUTE_T, FFN__PB_SPAN, &field, &missing))
        return ffn__onnx_fail(node, number, FFN_UNSUPPORTED, "its value is not a tensor", error);
    ffn__onnx_tensor *tensor = &file->tensors[file->tensor_count];
    const ffn_status status = read_tensor(tensor, field.span, error);
    if (status != FFN_OK) return status;
    add_value(file, node->output, FFN__FROM_TENSOR, file->tensor_count++);
    return FFN_OK;
}

static bool before(const void *values, size_t a, size_t b)
{
    const ffn__onnx_value_of *v = values;
    return compare_spans(v[a].name, v[b].name) < 0;
}

/* By their names, no two of which may be the same. */
static ffn_status sort_values(ffn__onnx_file *file, ffn_error *error)
{
    const size_t n = file->value_count;
    size_t *order = ffn__alloc(n, 2 * sizeof(*order), error);
    ffn__onnx_value_of *sorted = order ? ffn__alloc(n, sizeof(*sorted), error) : NULL;
    ffn_status status = sorted ? FFN_OK : FFN_OUT_OF_MEMORY;
    if (status == FFN_OK) {
        for (size_t i = 0; i < n; i++) order[i] = i;
        ffn__sort(order, order + n, n, before, file->values);
        for (size_t i = 0; i < n; i++) sorted[i] = file->values[order[i]];
        memcpy(file->values, sorted, n * sizeof(*sorted));
    }
    for (size_t i = 1; i < n && status == FFN_OK; i++)
        if (!before(sorted, i - 1, i))
            status = ffn_fail(error, FFN_BAD_FORMAT, "two values of the ONNX file are called '%s'",
                              show(sorted[i].name).text);
    ffn__free(sorted);
    ffn__free(order);
    return status;
}

/* Finds the nodes' inputs, which must come before them. */
static ffn_status connect(ffn__onnx_file *file, ffn_error *error)
{
    for (size_t i = 0; i < file->node_count; i++) {
        ffn__onnx_node *node = &file->nodes[i];
        ffn__pb_span message = node->message;
        ffn__pb_field field;
        bool broken = false;
        size_t k = 0;
        while (ffn__pb_next(&message, &field, &broken)) {
            if (field.number != FFN__NODE_INPUT || field.type != FFN__PB_SPAN) continue;
            const size_t value = field.span.size ? find_value(file, field.span) : FFN__NONE;
            const bool later =
                value != FFN__NONE && file->values[value].source == FFN__FROM_NODE && file->values[value].index >= i;
            if (later || (field.span.size && value == FFN__NONE))
                return ffn__onnx_fail(node, i, FFN_BAD_FORMAT, "it reads a value that nothing before it makes", error);
            node->inputs[k++] = value;
        }
    }
    return FFN_OK;
}

static ffn_status read_parts(ffn__onnx_file *file, ffn__pb_span graph, ffn_error *error)
{
    static const uint32_t order[] = {FFN__GRAPH_INITIALIZER, FFN__GRAPH_INPUT, FFN__GRAPH_NODE};
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        ffn__pb_span message = graph;
        ffn__pb_field field;
        bool broken = false;
        while (status == FFN_OK && ffn__pb_next(&message, &field, &broken)) {
            if (field.number != order[i] || field.type != FFN__PB_SPAN) continue;
            if (i == 1) status = read_input(file, field.span, error);
            if (i == 2) status = read_node(file, field.span, error);
            if (i != 0) continue;
            ffn__onnx_tensor *tensor = &file->tensors[file->tensor_count];
            status = read_tensor(tensor, field.span, error);
            if (status == FFN_OK) add_value(file, tensor->name, FFN__FROM_TENSOR, file->tensor_count++);
        }
        if (status == FFN_OK && broken) status = broken_file(error, "the graph");
    }
    return status;
}

static ffn_status read_graph(ffn__onnx_file *file, ffn__pb_span graph, ffn_error *error)
{
    const parts p = count_parts(graph);
    const size_t nodes = p.nodes, tensors = p.tensors;
    ffn__pb_span output, name;
    ffn_status status = check_parts(&p, error);
    if (status != FFN_OK) return status;
    file->nodes = ffn__alloc(nodes, sizeof(*file->nodes), error);
    file->tensors = file->nodes ? ffn__alloc(nodes + tensors, sizeof(*file->tensors), error) : NULL;
    file->values =
        file->tensors ? ffn__alloc(nodes + tensors + FFN__ONNX_MAX_INPUTS, sizeof(*file->values), error) : NULL;
    if (!file->values) return FFN_OUT_OF_MEMORY;
    status = read_parts(file, graph, error);
    if (status == FFN_OK) status = sort_values(file, error);
    if (status == FFN_OK) status = connect(file, error);
    if (status != FFN_OK) return status;
    file->output = FFN__NONE;
    if (find_span(graph, FFN__GRAPH_OUTPUT, &output) && find_span(output, FFN__VALUE_NAME, &name))
        file->output = find_value(file, name);
    if (file->output == FFN__NONE) return broken_file(error, "nothing makes its output");
    return FFN_OK;
}

static ffn_status read_opset(ffn__onnx_file *file, ffn__pb_span message, ffn_error *error)
{
    ffn__pb_field field;
    bool broken = false, own = true;
    uint64_t version = 0;
    while (ffn__pb_next(&message, &field, &broken)) {
        if (field.number == FFN__OPSET_DOMAIN && field.type == FFN__PB_SPAN)
            own = field.span.size == 0 || ffn__onnx_is(field.span, "ai.onnx");
        if (field.number == FFN__OPSET_VERSION && field.type == FFN__PB_NUMBER) version = field.value;
    }
    if (broken) return broken_file(error, "an operator set");
    if (!own) return FFN_OK; /* a node of it will be refused */
    if (version < FFN__ONNX_OLDEST || version > FFN__ONNX_NEWEST)
        return ffn_fail(error, FFN_UNSUPPORTED, "the ONNX file is of operator set %llu; expected %d to %d",
                        (unsigned long long)version, FFN__ONNX_OLDEST, FFN__ONNX_NEWEST);
    file->opset = (size_t)version;
    return FFN_OK;
}

ffn_status ffn__onnx_read(ffn__onnx_file *file, const void *bytes, size_t size, ffn_error *error)
{
    ffn__pb_span message = {bytes, size}, graph = {0};
    ffn__pb_field field;
    bool broken = false, has_graph = false;
    ffn_status status = FFN_OK;
    while (status == FFN_OK && ffn__pb_next(&message, &field, &broken)) {
        if (field.type != FFN__PB_SPAN) continue;
        if (field.number == FFN__MODEL_OPSET) status = read_opset(file, field.span, error);
        if (field.number != FFN__MODEL_GRAPH) continue;
        graph = field.span;
        has_graph = true;
    }
    if (status != FFN_OK) return status;
    if (broken || !has_graph) return broken_file(error, "it is no model");
    if (file->opset == 0) return broken_file(error, "it names no operator set");
    return read_graph(file, graph, error);
}

void ffn__onnx_destroy(ffn__onnx_file *file)
{
    ffn__free(file->nodes);
    ffn__free(file->tensors);
    ffn__free(file->values);
}
