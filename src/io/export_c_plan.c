/* A model made ready for C: weights in the canonical layout, normalizations folded into them, values placed in memory. */
#include <stdio.h>

#include "io/export.h"

static const ffn__layer *layer_of(const ffn__c_file *file, size_t node)
{
    return &file->model->layers[file->model->nodes[node].layer];
}

static bool is_layer(const ffn__c_file *file, size_t node)
{
    return file->model->nodes[node].layer != FFN__NONE && ffn__model_root(file->model, node, false) == node;
}

static size_t root_of(const ffn__c_file *file, size_t node) { return ffn__model_root(file->model, node, false); }

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static ffn_status gather(ffn__c_file *file, size_t node, ffn_error *error)
{
    ffn__c_weights *w = &file->weights[file->model->nodes[node].layer];
    if (w->weight) return FFN_OK; /* shared: gathered for its first use */
    const size_t weight = ffn__export_parameter(file->model, node, "weight");
    const size_t bias = ffn__export_parameter(file->model, node, "bias");
    const ffn_shape shape = file->model->parameters[weight].shape;
    w->units = shape.dim[0];
    w->inputs = shape.dim[1];
    const ffn_status status = ffn__export_values(file->model, weight, &w->weight, error);
    if (status != FFN_OK || bias == FFN__NONE) return status;
    return ffn__export_values(file->model, bias, &w->bias, error);
}

/* ---- normalizations folded into weights -------------------------------------------------------------------------- */

/* The only node that reads this one, at its shape; FFN__NONE: there are several, or it is the output. */
static size_t only_reader(const ffn__c_file *file, size_t node)
{
    const ffn_model *model = file->model;
    size_t reader = FFN__NONE;
    if (root_of(file, model->output) == node) return FFN__NONE;
    for (size_t i = node + 1; i < model->node_count; i++)
        for (size_t k = 0; k < model->nodes[i].input_count && is_layer(file, i); k++) {
            const size_t input = model->nodes[i].inputs[k];
            if (root_of(file, input) != node) continue;
            if (reader != FFN__NONE || !ffn_shape_equal(model->nodes[input].shape, model->nodes[node].shape))
                return FFN__NONE;
            reader = i;
        }
    return reader;
}

static bool is_shared(const ffn__c_file *file, size_t node)
{
    size_t uses = 0;
    for (size_t i = 0; i < file->model->node_count; i++)
        uses += file->model->nodes[i].layer == file->model->nodes[node].layer;
    return uses > 1;
}

/* w x + b, normalized: (w factor) x + (b - mean) factor + shift */
static ffn_status fold(ffn__c_weights *w, const ffn__channel_norm *norm, ffn_error *error)
{
    if (!w->bias) w->bias = ffn__alloc(w->units, sizeof(float), error);
    if (!w->bias) return FFN_OUT_OF_MEMORY;
    for (size_t u = 0; u < w->units; u++) {
        const double factor = (double)norm->factor[u];
        for (size_t k = 0; k < w->inputs; k++)
            w->weight[u * w->inputs + k] = (float)((double)w->weight[u * w->inputs + k] * factor);
        w->bias[u] = (float)(((double)w->bias[u] - (double)norm->mean[u]) * factor + (double)norm->shift[u]);
    }
    return FFN_OK;
}

/* A batch normalization that follows a dense layer without activation needs no statements of its own. */
static ffn_status fold_reader(ffn__c_file *file, size_t node, ffn_error *error)
{
    const size_t reader = only_reader(file, node);
    const bool linear = ffn__export_is_linear(&layer_of(file, node)->activation);
    if (reader == FFN__NONE || !linear || is_shared(file, node) || file->model->nodes[node].shape.rank > 2 ||
        layer_of(file, reader)->ops != &ffn__batch_norm_ops)
        return FFN_OK;
    ffn__channel_norm norm;
    ffn_status status = ffn__export_batch_norm(file->model, reader, &norm, error);
    if (status == FFN_OK) status = fold(&file->weights[file->model->nodes[node].layer], &norm, error);
    if (status == FFN_OK) file->folds[node] = reader;
    ffn__channel_norm_destroy(&norm);
    return status;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* The function's output is written straight to `out`, so its node takes no memory. */
static bool takes_memory(const ffn__c_file *file, size_t node)
{
    return is_layer(file, node) && node != root_of(file, file->model->output) && file->folds[node] == FFN__NONE;
}

static ffn_status place(ffn__c_file *file, ffn_error *error)
{
    const ffn_model *model = file->model;
    for (size_t i = 0; i < model->node_count; i++) {
        ffn__block *block = &file->places[i];
        *block = (ffn__block){
            .size = takes_memory(file, i) ? ffn_shape_size(model->nodes[i].shape) : 0, .first = i, .last = i};
        for (size_t k = 0; k < model->nodes[i].input_count && is_layer(file, i); k++)
            file->places[root_of(file, model->nodes[i].inputs[k])].last = i;
    }
    for (size_t i = 0; i < model->node_count; i++) /* what is folded is written when the layer before it runs */
        if (file->folds[i] != FFN__NONE) file->places[file->folds[i]].first = i;
    return ffn__arena_place(file->places, model->node_count, &file->memory, error);
}

ffn__c_value ffn__c_value_of(const ffn__c_file *file, size_t node)
{
    const size_t root = root_of(file, node);
    ffn__c_value value;
    const bool input = file->model->nodes[root].layer == FFN__NONE;
    const size_t offset = input ? ffn__export_input_begin(file->model, root) : file->places[root].offset;
    const char *base = input ? "in" : root == root_of(file, file->model->output) ? "out" : "m";
    if (offset && base[0] != 'o')
        (void)snprintf(value.text, sizeof(value.text), "%s + %zu", base, offset);
    else
        (void)snprintf(value.text, sizeof(value.text), "%s", base);
    return value;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static ffn_status allocate(ffn__c_file *file, ffn_error *error)
{
    const ffn_model *model = file->model;
    file->weights = ffn__alloc(model->layer_count, sizeof(*file->weights), error);
    file->folds = file->weights ? ffn__alloc(model->node_count, sizeof(*file->folds), error) : NULL;
    file->places = file->folds ? ffn__alloc(model->node_count, sizeof(*file->places), error) : NULL;
    file->written = file->places ? ffn__alloc(model->parameter_count, sizeof(*file->written), error) : NULL;
    if (!file->written) return FFN_OUT_OF_MEMORY;
    if (!file->options.int8) return FFN_OK;
    file->uses = ffn__alloc(model->node_count, sizeof(*file->uses), error);
    return file->uses ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn_status ffn__c_prepare(ffn__c_file *file, ffn_error *error)
{
    ffn_status status = allocate(file, error);
    for (size_t i = 0; i < file->model->node_count && status == FFN_OK; i++) {
        file->folds[i] = FFN__NONE;
        if (!is_layer(file, i)) continue;
        const ffn__exporter *exporter = ffn__exporter_find(layer_of(file, i)->ops);
        if (!exporter || !exporter->c)
            status = ffn_fail(error, FFN_UNSUPPORTED, "%s: a layer of the kind %.40s cannot be exported as C",
                              layer_of(file, i)->name, layer_of(file, i)->ops->name);
        else if (exporter->c == ffn__c_dense)
            status = gather(file, i, error);
        if (status == FFN_OK && exporter && exporter->c == ffn__c_dense) status = fold_reader(file, i, error);
    }
    return status == FFN_OK ? place(file, error) : status;
}

void ffn__c_destroy(ffn__c_file *file)
{
    for (size_t i = 0; file->weights && i < file->model->layer_count; i++) {
        ffn__free(file->weights[i].weight);
        ffn__free(file->weights[i].bias);
        ffn__free(file->weights[i].bytes);
        ffn__free(file->weights[i].step);
    }
    for (size_t i = 0; file->uses && i < file->model->node_count; i++) {
        ffn__free(file->uses[i].start);
        ffn__free(file->uses[i].scale);
    }
    ffn__free(file->weights);
    ffn__free(file->uses);
    ffn__free(file->folds);
    ffn__free(file->places);
    ffn__free(file->written);
    ffn__text_destroy(&file->constants);
    ffn__text_destroy(&file->body);
}
