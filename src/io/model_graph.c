/* A model's graph from its description, in two passes. In the first each layer is tried alone, in a model of its own with
 * inputs of the shapes that it will have, and its tensors are looked up; only when all are right the second one describes
 * the model itself. So what is refused costs the memory of its text, however many layers it names. */
#include <stdio.h>
#include <string.h>

#include "io/model_read.h"

ffn_status ffn__file_mistake(const ffn_error *mistake, ffn_error *error)
{
    const ffn_status status = mistake->status;
    const bool is_mistake = status == FFN_INVALID_ARGUMENT || status == FFN_SHAPE_MISMATCH;
    if (status == FFN_OK) return FFN_OK;
    return ffn_fail(error, is_mistake ? FFN_BAD_FORMAT : status, "%.250s", mistake->message);
}

/* ---- a node's text --------------------------------------------------------------------------------------------- */

typedef struct node {
    bool is_input;
    ffn_shape shape; /* of an input */
    size_t layer, input_count;
    size_t inputs[FFN_MAX_INPUTS]; /* earlier values */
} node;

/* After so many values and layers. */
static ffn_status read_inputs(const ffn__json *list, size_t values, node *n, ffn_error *error)
{
    if (list->count < 1 || list->count > FFN_MAX_INPUTS || values == 0)
        return ffn_fail(error, FFN_BAD_FORMAT, "a node has %u inputs; expected 1 to %d earlier ones", list->count,
                        FFN_MAX_INPUTS);
    ffn_status status = FFN_OK;
    for (const ffn__json *v = ffn__json_first(list); v && status == FFN_OK; v = ffn__json_next(list, v))
        status = ffn__json_get_size(v, "an input", 0, values - 1, "a node", &n->inputs[n->input_count++], error);
    return status;
}

static ffn_status read_node(const ffn__json *json, size_t values, size_t layers, node *n, ffn_error *error)
{
    static const char *const input_keys[] = {"input"}, *const keys[] = {"layer", "inputs"};
    const ffn__json *shape = ffn__json_find(json, "input"), *number, *list;
    *n = (node){.is_input = shape != NULL};
    if (json->type != FFN__JSON_OBJECT) return ffn_fail(error, FFN_BAD_FORMAT, "a node is no object");
    ffn_status status = ffn__json_only(json, shape ? input_keys : keys, shape ? 1 : 2, "a node", error);
    if (status == FFN_OK && shape) return ffn__json_get_shape(shape, "the shape of an input", &n->shape, error);
    if (status == FFN_OK) status = ffn__json_member(json, "layer", FFN__JSON_NUMBER, "a node", &number, error);
    if (status == FFN_OK) status = ffn__json_get_size(number, "layer", 0, layers, "a node", &n->layer, error);
    if (status == FFN_OK) status = ffn__json_member(json, "inputs", FFN__JSON_ARRAY, "a node", &list, error);
    return status == FFN_OK ? read_inputs(list, values, n, error) : status;
}

/* ---- the first pass -------------------------------------------------------------------------------------------- */

typedef struct trial {
    ffn__graph *graph;
    const ffn__reading *reading;
    const ffn__safetensors *file;
    const ffn__json *next_layer; /* of the list, which no node has used yet */
} trial;

static ffn_status try_input(const trial *t, const node *n)
{
    ffn__graph *g = t->graph;
    ffn_error mistake = {FFN_OK, ""};
    if (ffn__shape_check(n->shape, "an input's shape", &mistake) != FFN_OK)
        return ffn__file_mistake(&mistake, t->reading->error);
    if (!ffn__sum(g->input_size, ffn_shape_size(n->shape), &g->input_size))
        return ffn_fail(t->reading->error, FFN_BAD_FORMAT, "the inputs' sizes are more than there can be");
    g->values[g->value_count] = (ffn__graph_value){.shape = n->shape, .is_input = true};
    return FFN_OK;
}

/* The layer's tensors are there, and a scaler follows an input. */
static ffn_status check_layer(const trial *t, const ffn_model *alone, const node *n)
{
    ffn_error *error = t->reading->error;
    const ffn__layer *layer = &alone->layers[0];
    ffn_layer_plan answer;
    ffn_status status = ffn__layer_ask(alone, 0, &answer, error);
    if (status != FFN_OK) return status;
    if (ffn__is_scaler(layer->ops) && !t->graph->values[n->inputs[0]].is_input)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s does not follow an input", layer->name);
    for (size_t i = 0; i < answer.parameter_count && status == FFN_OK; i++) {
        const ffn_layer_parameter *p = &answer.parameters[i];
        char name[256];
        if (!p->name) continue;
        (void)snprintf(name, sizeof name, "%s.%s", layer->name, p->name);
        status = ffn__tensor_check(t->file, name, p->shape, true, error);
        t->graph->tensor_count += strncmp(name, FFN__FILE_PREFIX, strlen(FFN__FILE_PREFIX)) != 0;
    }
    return status;
}

/* As the layer's first use, or as another. */
static ffn_status try_alone(const trial *t, const node *n, const ffn__json *object, bool shared)
{
    ffn__graph *g = t->graph;
    ffn_model *alone = ffn_model_create(0, t->reading->error);
    if (!alone) return FFN_OUT_OF_MEMORY;
    const ffn__reading inner = {.model = alone, .options = t->reading->options, .error = t->reading->error};
    ffn_value inputs[FFN_MAX_INPUTS], value;
    for (size_t i = 0; i < n->input_count; i++) {
        const size_t input = shared ? g->firsts[n->layer].input : n->inputs[i];
        inputs[i] = ffn_input(alone, g->values[input].shape);
    }
    ffn_status status = ffn__layer_read(&inner, object, inputs, n->input_count, &value);
    if (status == FFN_OK && shared && alone->draft->error.status == FFN_OK)
        value = ffn_share(alone, value, ffn_input(alone, g->values[n->inputs[0]].shape));
    if (status == FFN_OK) status = ffn__file_mistake(&alone->draft->error, t->reading->error);
    if (status == FFN_OK && !shared) status = check_layer(t, alone, n);
    if (status == FFN_OK) g->values[g->value_count] = (ffn__graph_value){.shape = alone->nodes[value.id - 1].shape};
    ffn_model_destroy(alone);
    return status;
}

static ffn_status try_layer(trial *t, const node *n)
{
    ffn__graph *g = t->graph;
    const bool shared = n->layer < g->layer_count;
    if (shared && n->input_count != 1)
        return ffn_fail(t->reading->error, FFN_BAD_FORMAT, "a layer that is shared has %zu inputs", n->input_count);
    const ffn__json *object = shared ? g->firsts[n->layer].object : t->next_layer;
    if (!object)
        return ffn_fail(t->reading->error, FFN_BAD_FORMAT, "a node is of layer %zu, which is not there", n->layer);
    const ffn_status status = try_alone(t, n, object, shared);
    for (size_t i = 0; i < n->input_count; i++) g->values[n->inputs[i]].is_read = true;
    if (status != FFN_OK || shared) return status;
    g->firsts[g->layer_count++] = (ffn__graph_layer){object, (uint32_t)g->value_count, (uint32_t)n->inputs[0]};
    t->next_layer = ffn__json_next(g->layers, object);
    return FFN_OK;
}

static const char *layer_name(const void *graph, size_t layer)
{
    return ffn__json_text(ffn__json_find(((const ffn__graph *)graph)->firsts[layer].object, "name"));
}

/* What ffn_model_build looks at, and that no tensor is left over, but for those of others. */
static ffn_status check_whole(const ffn__graph *g, const ffn__safetensors *file, ffn_error *error)
{
    const char *twice;
    size_t found = 0;
    if (g->layer_count != g->layers->count)
        return ffn_fail(error, FFN_BAD_FORMAT, "%u layers, of which the nodes use %zu", g->layers->count,
                        g->layer_count);
    for (size_t i = 0; i < g->value_count; i++) /* of those that do not lead to the output, the last is not read */
        if (!g->values[i].is_read && i != g->output)
            return ffn_fail(error, FFN_BAD_FORMAT, "node %zu does not lead to the output, %zu", i, g->output);
    const ffn_status status = ffn__names_find_twice(layer_name, g, g->layer_count, &twice, error);
    if (status != FFN_OK) return status;
    if (twice) return ffn_fail(error, FFN_BAD_FORMAT, "two layers are named %s", twice);
    for (size_t i = 0; i < file->tensor_count; i++)
        found += strncmp(file->tensors[i].name, FFN__FILE_PREFIX, strlen(FFN__FILE_PREFIX)) != 0;
    if (found == g->tensor_count) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "the file has %zu tensors of parameters; expected %zu", found,
                    g->tensor_count);
}

static ffn_status find_parts(ffn__graph *g, const ffn__reading *r, const ffn__json *root)
{
    static const char *const known[] = {"nodes", "output", "layers"};
    static const char what[] = "ffn.model";
    const size_t most = ffn__limits(r->options, 0).layers;
    const ffn__json *output;
    ffn_status status = ffn__json_only(root, known, sizeof known / sizeof *known, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "nodes", FFN__JSON_ARRAY, what, &g->nodes, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "layers", FFN__JSON_ARRAY, what, &g->layers, r->error);
    if (status != FFN_OK) return status;
    const size_t count = g->nodes->count, layers = g->layers->count;
    if (count < 1 || layers > most || count / 4 > most)
        return ffn_fail(r->error, FFN_BAD_FORMAT,
                        "%zu nodes and %zu layers; expected at least one and at most %zu layers, with 4 nodes each",
                        count, layers, most);
    status = ffn__json_member(root, "output", FFN__JSON_NUMBER, what, &output, r->error);
    if (status == FFN_OK) status = ffn__json_get_size(output, "output", 0, count - 1, what, &g->output, r->error);
    const size_t of_layer = sizeof *g->firsts + 2 * sizeof(size_t); /* with what sorting takes */
    if (status == FFN_OK)
        status =
            ffn__json_spend(r->budget, count * sizeof *g->values + layers * of_layer, "the model's layers", r->error);
    if (status != FFN_OK) return status;
    g->values = ffn__alloc(count, sizeof *g->values, r->error);
    g->firsts = g->values ? ffn__alloc(layers, sizeof *g->firsts, r->error) : NULL;
    return g->firsts ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn_status ffn__graph_try(ffn__graph *g, const ffn__reading *r, const ffn__json *root, const ffn__safetensors *file)
{
    *g = (ffn__graph){.nodes = NULL};
    ffn_status status = find_parts(g, r, root);
    if (status != FFN_OK) return status;
    trial t = {.graph = g, .reading = r, .file = file, .next_layer = ffn__json_first(g->layers)};
    for (const ffn__json *v = ffn__json_first(g->nodes); v && status == FFN_OK; v = ffn__json_next(g->nodes, v)) {
        node n;
        status = read_node(v, g->value_count, g->layer_count, &n, r->error);
        if (status == FFN_OK) status = n.is_input ? try_input(&t, &n) : try_layer(&t, &n);
        g->value_count++;
    }
    return status == FFN_OK ? check_whole(g, file, r->error) : status;
}

void ffn__graph_destroy(ffn__graph *g)
{
    ffn__free(g->values);
    ffn__free(g->firsts);
    *g = (ffn__graph){.nodes = NULL};
}

/* ---- the second pass ------------------------------------------------------------------------------------------- */

static ffn_status add_node(const ffn__graph *g, const ffn__reading *r, const node *n)
{
    ffn_value inputs[FFN_MAX_INPUTS], value;
    for (size_t i = 0; i < n->input_count; i++) inputs[i] = (ffn_value){(uint32_t)n->inputs[i] + 1};
    if (n->is_input)
        (void)ffn_input(r->model, n->shape);
    else if (n->layer < r->model->layer_count)
        (void)ffn_share(r->model, (ffn_value){g->firsts[n->layer].node + 1}, inputs[0]);
    else
        return ffn__layer_read(r, g->firsts[n->layer].object, inputs, n->input_count, &value);
    return FFN_OK;
}

ffn_status ffn__graph_build(const ffn__graph *g, const ffn__reading *r)
{
    ffn_model *m = r->model;
    ffn_error mistake = {FFN_OK, ""};
    ffn_status status =
        ffn__grow((void **)&m->nodes, &m->draft->node_capacity, g->value_count, sizeof *m->nodes, r->error);
    if (status == FFN_OK)
        status = ffn__grow((void **)&m->layers, &m->draft->layer_capacity, g->layer_count, sizeof *m->layers, r->error);
    for (const ffn__json *v = ffn__json_first(g->nodes); v && status == FFN_OK; v = ffn__json_next(g->nodes, v)) {
        node n;
        status = read_node(v, m->node_count, m->layer_count, &n, r->error);
        if (status == FFN_OK) status = add_node(g, r, &n);
        if (status == FFN_OK) status = ffn__file_mistake(&m->draft->error, r->error);
    }
    if (status != FFN_OK) return status;
    (void)ffn__model_lay_out(m, (ffn_value){(uint32_t)g->output + 1}, &mistake);
    return ffn__file_mistake(&mistake, r->error);
}
