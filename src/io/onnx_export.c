/* A model as ONNX: the graph, its inputs and its output. */
#include <stdio.h>
#include <string.h>

#include "io/export.h"
#include "io/write.h"

/* The node whose value this one is in prediction: dropout is passed over, views are not. */
static size_t root_of(const ffn_model *model, size_t node)
{
    for (;;) {
        const ffn__node *n = &model->nodes[node];
        if (n->layer == FFN__NONE) return node;
        const ffn_layer_ops *ops = model->layers[n->layer].ops;
        if (!ops->forward || !ops->only_training) return node;
        node = n->inputs[0];
    }
}

static size_t count_inputs(const ffn_model *model, size_t before)
{
    size_t count = 0;
    for (size_t i = 0; i < before; i++) count += model->nodes[i].layer == FFN__NONE;
    return count;
}

ffn__onnx_name ffn__onnx_value(const ffn__onnx_graph *graph, size_t node)
{
    const ffn_model *model = graph->model;
    const size_t root = root_of(model, node);
    ffn__onnx_name name;
    if (model->nodes[root].layer != FFN__NONE && root == root_of(model, model->output))
        (void)snprintf(name.text, sizeof(name.text), "output");
    else if (model->nodes[root].layer != FFN__NONE)
        (void)snprintf(name.text, sizeof(name.text), "v%zu", root);
    else if (count_inputs(model, model->node_count) == 1)
        (void)snprintf(name.text, sizeof(name.text), "input");
    else
        (void)snprintf(name.text, sizeof(name.text), "input%zu", count_inputs(model, root) + 1);
    return name;
}

static ffn_status add_nodes(ffn__onnx_graph *graph, ffn_error *error)
{
    const ffn_model *model = graph->model;
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < model->node_count && status == FFN_OK; i++) {
        if (model->nodes[i].layer == FFN__NONE || root_of(model, i) != i) continue;
        const ffn__layer *layer = &model->layers[model->nodes[i].layer];
        const ffn__exporter *exporter = ffn__exporter_find(layer->ops);
        if (!layer->ops->forward)
            ffn__onnx_view(graph, i);
        else if (exporter && exporter->onnx)
            status = exporter->onnx(graph, i, error);
        else
            status = ffn_fail(error, FFN_UNSUPPORTED, "%s: a layer of the kind %.40s cannot be exported as ONNX",
                              layer->name, layer->ops->name);
    }
    const size_t output = root_of(model, model->output);
    if (status == FFN_OK && model->nodes[output].layer == FFN__NONE)
        ffn__onnx_identity(graph, ffn__onnx_value(graph, output).text, "output");
    return status;
}

/* A float tensor (N, shape). */
static void add_value(ffn__text *message, uint32_t field, const char *name, ffn_shape shape)
{
    ffn__text value = {0}, type = {0}, tensor = {0}, dims = {0}, dim = {0};
    ffn__pb_string(&dim, FFN__DIM_NAME, "N");
    ffn__pb_message(&dims, FFN__SHAPE_DIM, &dim);
    for (size_t i = 0; i < shape.rank; i++) {
        ffn__pb_number(&dim, FFN__DIM_VALUE, shape.dim[i]);
        ffn__pb_message(&dims, FFN__SHAPE_DIM, &dim);
    }
    ffn__pb_number(&tensor, FFN__TENSOR_TYPE_ELEMENT, FFN__TENSOR_IS_FLOAT);
    ffn__pb_message(&tensor, FFN__TENSOR_TYPE_SHAPE, &dims);
    ffn__pb_message(&type, FFN__TYPE_TENSOR, &tensor);
    ffn__pb_string(&value, FFN__VALUE_NAME, name);
    ffn__pb_message(&value, FFN__VALUE_TYPE, &type);
    ffn__pb_message(message, field, &value);
}

static void add_graph(ffn__text *message, ffn__onnx_graph *graph)
{
    const ffn_model *model = graph->model;
    ffn__text text = {0};
    text.failed = graph->nodes.failed || graph->initializers.failed;
    ffn__text_bytes(&text, graph->nodes.bytes, graph->nodes.length);
    ffn__pb_string(&text, FFN__GRAPH_NAME, "ffn");
    ffn__text_bytes(&text, graph->initializers.bytes, graph->initializers.length);
    for (size_t i = 0; i < model->node_count; i++)
        if (model->nodes[i].layer == FFN__NONE)
            add_value(&text, FFN__GRAPH_INPUT, ffn__onnx_value(graph, i).text, model->nodes[i].shape);
    add_value(&text, FFN__GRAPH_OUTPUT, "output", model->nodes[model->output].shape);
    ffn__pb_message(message, FFN__MODEL_GRAPH, &text);
}

/* The version of the format itself that came with an operator set. */
static uint64_t ir_version(size_t opset) { return opset >= 15 ? 8 : opset >= 12 ? 7 : 6; }

static ffn_status write_model(ffn__onnx_graph *graph, ffn__text *text, ffn_error *error)
{
    const ffn_model *model = graph->model;
    graph->written = ffn__alloc(model->parameter_count, sizeof(*graph->written), error);
    graph->transposed = graph->written ? ffn__alloc(model->parameter_count, sizeof(*graph->transposed), error) : NULL;
    if (!graph->transposed) return FFN_OUT_OF_MEMORY;
    const ffn_status status = add_nodes(graph, error);
    if (status != FFN_OK) return status;
    ffn__text opset = {0};
    ffn__pb_number(text, FFN__MODEL_IR, ir_version(graph->opset));
    ffn__pb_string(text, FFN__MODEL_PRODUCER, "ffn");
    ffn__pb_string(text, FFN__MODEL_PRODUCER_VERSION, ffn_version());
    add_graph(text, graph);
    ffn__pb_string(&opset, FFN__OPSET_DOMAIN, "");
    ffn__pb_number(&opset, FFN__OPSET_VERSION, graph->opset);
    ffn__pb_message(text, FFN__MODEL_OPSET, &opset);
    return text->failed ? ffn_fail(error, FFN_OUT_OF_MEMORY, "there is no memory for the model as ONNX") : FFN_OK;
}

ffn_status ffn_model_export_onnx_with(const ffn_model *model, const char *path, size_t opset, ffn_error *error)
{
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!path) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_export_onnx: the path is NULL");
    if (opset == 0) opset = FFN__ONNX_NEWEST;
    if (opset < FFN__ONNX_OLDEST || opset > FFN__ONNX_NEWEST)
        return ffn_fail(error, FFN_UNSUPPORTED, "operator set %zu; expected %d to %d", opset, FFN__ONNX_OLDEST,
                        FFN__ONNX_NEWEST);
    ffn__onnx_graph graph = {.model = model, .opset = opset};
    ffn__text text = {0};
    status = write_model(&graph, &text, error);
    if (status == FFN_OK) status = ffn__write_file(path, text.bytes, text.length, error);
    ffn__text_destroy(&text);
    ffn__text_destroy(&graph.nodes);
    ffn__text_destroy(&graph.initializers);
    ffn__free(graph.written);
    ffn__free(graph.transposed);
    return status;
}

ffn_status ffn_model_export_onnx(const ffn_model *model, const char *path, ffn_error *error)
{
    return ffn_model_export_onnx_with(model, path, 0, error);
}
