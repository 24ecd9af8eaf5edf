/* A model from safetensors. The description is said again, call by call, to a new model, which checks it as it would a
 * program's; memory for weights is taken when all of the file is known to be right. */
#include <stdio.h>
#include <string.h>

#include "io/model_file.h"

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Whether little-endian 32-bit floats are all finite. */
static bool are_finite(const unsigned char *bytes, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++) finite &= (bytes[4 * i + 3] & 0x7F) != 0x7F || (bytes[4 * i + 2] & 0x80) == 0;
    return finite;
}

static ffn_status check_tensor(const ffn__safetensors *file, const char *name, const ffn__parameter *p, bool finite,
                               ffn_error *error)
{
    char expected[96], found[96];
    const ffn__tensor_entry *entry = ffn__safetensors_find(file, name);
    if (!entry) return ffn_fail(error, FFN_BAD_FORMAT, "the file has no tensor %.150s", name);
    (void)ffn__shape_format(p->shape, expected, sizeof expected);
    (void)ffn__shape_format(entry->shape, found, sizeof found);
    if (!ffn_shape_equal(entry->shape, p->shape))
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s has the shape %s; expected %s", name, found, expected);
    if (entry->element != &ffn__float32)
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s is of another type; expected F32", name);
    if (finite && !are_finite(file->data + entry->begin, p->size))
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s has a value that is not finite", name);
    return FFN_OK;
}

static void make_name(char name[256], const char *prefix, const ffn__parameter *p)
{
    (void)snprintf(name, 256, "%s%s", prefix, p->name);
}

ffn_status ffn__block_check(const ffn_model *model, const ffn__safetensors *file, const char *prefix, bool finite,
                            ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < model->parameter_count && status == FFN_OK; i++) {
        char name[256];
        make_name(name, prefix, &model->parameters[i]);
        status = check_tensor(file, name, &model->parameters[i], finite, error);
    }
    return status;
}

void ffn__block_read(const ffn_model *model, const ffn__safetensors *file, const char *prefix, float *block,
                     float *scratch)
{
    for (size_t i = 0; i < model->parameter_count; i++) {
        char name[256];
        make_name(name, prefix, &model->parameters[i]);
        ffn__safetensors_values(file, ffn__safetensors_find(file, name), scratch);
        ffn__parameter_pack(model, i, scratch, block);
    }
}

size_t ffn__largest_parameter(const ffn_model *model)
{
    size_t largest = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].size > largest) largest = model->parameters[i].size;
    return largest;
}

/* No tensor is left over, but for those of others. */
static ffn_status check_count(const ffn_model *model, const ffn__safetensors *file, ffn_error *error)
{
    static const char others[] = "ffn.";
    size_t expected = 0, found = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        expected += strncmp(model->parameters[i].name, others, strlen(others)) != 0;
    for (size_t i = 0; i < file->tensor_count; i++)
        found += strncmp(file->tensors[i].name, others, strlen(others)) != 0;
    if (found == expected) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "the file has %zu tensors of parameters; expected %zu", found, expected);
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

/* A model being described. */
typedef struct reading {
    ffn_model *model;
    const ffn_file_options *options;
    const ffn__json *layers, *next_layer; /* the list, and the first of it that the model does not have yet */
    ffn_error *error;
} reading;

static ffn_status set_initializer(const reading *r, const ffn__json *object, ffn__layer *layer)
{
    static const char *const known[] = {"kind", "numbers"};
    const char *name;
    const ffn__json *numbers;
    ffn_initializer initializer = {0};
    ffn_status status = ffn__json_only(object, known, 2, layer->name, r->error);
    if (status == FFN_OK) status = ffn__json_get_string(object, "kind", layer->name, &name, r->error);
    if (status == FFN_OK)
        status = ffn__json_member(object, "numbers", FFN__JSON_OBJECT, layer->name, &numbers, r->error);
    if (status == FFN_OK)
        status = ffn__json_get_fields(numbers, ffn__initializer_numbers, FFN__INITIALIZER_NUMBERS, &initializer, NULL,
                                      layer->name, r->error);
    if (status != FFN_OK) return status;
    initializer.ops = ffn__initializer_by_name(name);
    if (!initializer.ops)
        return ffn_fail(r->error, FFN_UNSUPPORTED, "%s: the initializer %.40s is not one of version %s", layer->name,
                        name, ffn_version());
    layer->initializer = initializer;
    return FFN_OK;
}

static ffn_status find_kernels(const reading *r, const ffn__json *object, const char *what, ffn_kernels *kernels)
{
    *kernels = FFN_KERNELS_AUTO;
    const ffn__json *value = ffn__json_find(object, "kernels");
    for (int i = FFN_KERNELS_BLAS; i <= FFN_KERNELS_NATIVE && value && value->type == FFN__JSON_STRING; i++)
        if (strcmp(ffn__kernel_names[i], value->text) == 0) *kernels = (ffn_kernels)i;
    if (!value || *kernels != FFN_KERNELS_AUTO) return FFN_OK;
    return ffn_fail(r->error, FFN_UNSUPPORTED, "%s: its kernels are none that version %s knows", what, ffn_version());
}

/* What is set beside the config. The layer is the last one. */
static ffn_status set_options(const reading *r, const ffn__json *object, ffn_value value, const char *name)
{
    const ffn__json *settings, *initializer = ffn__json_find(object, "initializer");
    ffn_status status = ffn__json_member(object, "settings", FFN__JSON_OBJECT, name, &settings, r->error);
    if (status != FFN_OK) return status;
    ffn_set_name(r->model, value, name);
    ffn__layer *layer = &r->model->layers[r->model->layer_count - 1];
    status = ffn__json_get_fields(settings, ffn__layer_settings, FFN__LAYER_SETTINGS, layer, NULL, name, r->error);
    if (status == FFN_OK && layer->no_bias) {
        layer->no_bias = false;
        ffn_set_bias(r->model, value, false);
    }
    if (status == FFN_OK && initializer) status = set_initializer(r, initializer, layer);
    return status;
}

/* The config of the layer's kind as its object tells it; to be freed with ffn__free. */
static void *read_config(const reading *r, const ffn_layer_ops *ops, const ffn__json *object, const char *name,
                         size_t *size)
{
    const ffn__json *fields;
    if (ffn__json_member(object, "config", FFN__JSON_OBJECT, name, &fields, r->error) != FFN_OK) return NULL;
    *size = ffn__fields_size(ops->fields, ops->field_count);
    void *config = ffn__alloc(*size, 1, r->error);
    if (!config ||
        ffn__json_get_fields(fields, ops->fields, ops->field_count, config, r->options, name, r->error) == FFN_OK)
        return config;
    ffn__free(config);
    return NULL;
}

static ffn_status add_layer(const reading *r, const ffn__json *object, const ffn_value *inputs, size_t count)
{
    static const char *const known[] = {"kind", "name", "config", "settings", "initializer", "kernels"};
    const char *kind, *name;
    size_t size = 0;
    ffn_kernels kernels;
    ffn_status status =
        object->type == FFN__JSON_OBJECT ? FFN_OK : ffn_fail(r->error, FFN_BAD_FORMAT, "a layer is no object");
    if (status == FFN_OK) status = ffn__json_get_string(object, "name", "a layer", &name, r->error);
    if (status == FFN_OK) status = ffn__json_get_string(object, "kind", name, &kind, r->error);
    if (status == FFN_OK) status = ffn__json_only(object, known, sizeof known / sizeof *known, name, r->error);
    if (status == FFN_OK) status = find_kernels(r, object, name, &kernels);
    if (status != FFN_OK) return status;
    const ffn_layer_ops *ops = ffn__layer_by_name(r->options, kind);
    if (!ops)
        return ffn_fail(r->error, FFN_UNSUPPORTED,
                        "%.64s: the layer %.40s is not one of version %s, nor among ffn_file_options.layers", name,
                        kind, ffn_version());
    void *config = read_config(r, ops, object, name, &size);
    if (!config) return r->error->status;
    ffn_set_kernels(r->model, kernels);
    const ffn_value value = ffn_custom_layer(r->model, ops, config, size, inputs, count);
    ffn__free(config);
    return value.id ? set_options(r, object, value, name) : FFN_OK; /* the model keeps what is wrong */
}

/* ---- graph ----------------------------------------------------------------------------------------------------- */

static ffn_status add_node(reading *r, const ffn__json *node)
{
    static const char *const input_keys[] = {"input"}, *const keys[] = {"layer", "inputs"};
    const ffn__json *shape = ffn__json_find(node, "input"), *number, *list, *element;
    size_t layer, input;
    ffn_shape sample;
    ffn_value inputs[FFN_MAX_INPUTS];
    if (node->type != FFN__JSON_OBJECT) return ffn_fail(r->error, FFN_BAD_FORMAT, "a node is no object");
    ffn_status status = ffn__json_only(node, shape ? input_keys : keys, shape ? 1 : 2, "a node", r->error);
    if (status == FFN_OK && shape) {
        status = ffn__json_get_shape(shape, "the shape of an input", &sample, r->error);
        if (status == FFN_OK) (void)ffn_input(r->model, sample);
        return status;
    }
    if (status == FFN_OK) status = ffn__json_member(node, "layer", FFN__JSON_NUMBER, "a node", &number, r->error);
    if (status == FFN_OK)
        status = ffn__json_get_size(number, "layer", 0, r->model->layer_count, "a node", &layer, r->error);
    if (status == FFN_OK) status = ffn__json_member(node, "inputs", FFN__JSON_ARRAY, "a node", &list, r->error);
    if (status != FFN_OK) return status;
    const size_t count = list->count;
    if (count < 1 || count > FFN_MAX_INPUTS || r->model->node_count == 0)
        return ffn_fail(r->error, FFN_BAD_FORMAT, "a node has %zu inputs; expected 1 to %d earlier ones", count,
                        FFN_MAX_INPUTS);
    element = ffn__json_first(list);
    for (size_t i = 0; i < count && status == FFN_OK; i++, element = ffn__json_next(list, element)) {
        status = ffn__json_get_size(element, "an input", 0, r->model->node_count - 1, "a node", &input, r->error);
        inputs[i] = (ffn_value){(uint32_t)input + 1};
    }
    if (status != FFN_OK) return status;
    if (layer == r->model->layer_count) {
        const ffn__json *object = r->next_layer;
        if (!object) return ffn_fail(r->error, FFN_BAD_FORMAT, "a node is of layer %zu, which is not there", layer);
        r->next_layer = ffn__json_next(r->layers, object);
        return add_layer(r, object, inputs, count);
    }
    size_t first = 0; /* a use of the layer: there is one, since it is one of the model's */
    while (r->model->nodes[first].layer != layer) first++;
    if (count != 1) return ffn_fail(r->error, FFN_BAD_FORMAT, "a layer that is shared has %zu inputs", count);
    (void)ffn_share(r->model, (ffn_value){(uint32_t)first + 1}, inputs[0]);
    return FFN_OK;
}

/* Memory for the graph at once, if the budget has it. */
static ffn_status reserve(const reading *r, size_t nodes, size_t layers, ffn__json_budget *budget)
{
    static const size_t of_layer = sizeof(ffn__layer) + 256, of_node = sizeof(ffn__node); /* with names and config */
    ffn_model *m = r->model;
    if (nodes > budget->memory / of_node || layers > (budget->memory - nodes * of_node) / of_layer)
        return ffn_fail(r->error, FFN_BAD_FORMAT,
                        "%zu nodes and %zu layers take more memory than %zu; see "
                        "ffn_file_limits",
                        nodes, layers, budget->memory);
    budget->memory -= nodes * of_node + layers * of_layer;
    const ffn_status status = ffn__grow((void **)&m->nodes, &m->node_capacity, nodes, sizeof *m->nodes, r->error);
    return status == FFN_OK ? ffn__grow((void **)&m->layers, &m->layer_capacity, layers, sizeof *m->layers, r->error)
                            : status;
}

/* What would be a program's mistake is a file's. */
static ffn_status finish(const reading *r, ffn_value output)
{
    ffn_error error = {FFN_OK, ""};
    const ffn_status status = ffn__model_lay_out(r->model, output, &error);
    if (status == FFN_OK) return FFN_OK;
    const bool mistake = status == FFN_INVALID_ARGUMENT || status == FFN_SHAPE_MISMATCH;
    return ffn_fail(r->error, mistake ? FFN_BAD_FORMAT : status, "%.250s", error.message);
}

static ffn_status describe(reading *r, const ffn__json *root, size_t most_layers, ffn__json_budget *budget)
{
    static const char *const known[] = {"nodes", "output", "layers"};
    static const char what[] = "ffn.model";
    const ffn__json *nodes, *last;
    size_t output = 0;
    ffn_status status = ffn__json_only(root, known, sizeof known / sizeof *known, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "nodes", FFN__JSON_ARRAY, what, &nodes, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "layers", FFN__JSON_ARRAY, what, &r->layers, r->error);
    if (status != FFN_OK) return status;
    const size_t count = nodes->count, layers = r->layers->count;
    if (count < 1 || layers > most_layers || count / 4 > most_layers)
        return ffn_fail(r->error, FFN_BAD_FORMAT,
                        "%zu nodes and %zu layers; expected at least one and at most %zu layers, with 4 nodes each",
                        count, layers, most_layers);
    r->next_layer = ffn__json_first(r->layers);
    status = ffn__json_member(root, "output", FFN__JSON_NUMBER, what, &last, r->error);
    if (status == FFN_OK) status = ffn__json_get_size(last, "output", 0, count - 1, what, &output, r->error);
    if (status == FFN_OK) status = reserve(r, count, layers, budget);
    for (const ffn__json *v = ffn__json_first(nodes); v && status == FFN_OK && r->model->error.status == FFN_OK;
         v = ffn__json_next(nodes, v))
        status = add_node(r, v);
    if (status == FFN_OK && r->model->error.status == FFN_OK && r->model->layer_count != layers)
        status =
            ffn_fail(r->error, FFN_BAD_FORMAT, "%zu layers, of which the nodes use %zu", layers, r->model->layer_count);
    return status == FFN_OK ? finish(r, (ffn_value){(uint32_t)output + 1}) : status;
}

/* ---- beside the architecture ----------------------------------------------------------------------------------- */

static ffn_status set_classes(const reading *r, const ffn__json *classes)
{
    const size_t count = classes->count;
    const char **names = ffn__alloc(count, sizeof *names, r->error);
    ffn_status status = names ? FFN_OK : FFN_OUT_OF_MEMORY;
    const ffn__json *v = ffn__json_first(classes);
    for (size_t i = 0; i < count && status == FFN_OK; i++, v = ffn__json_next(classes, v)) {
        names[i] = v->text;
        if (v->type != FFN__JSON_STRING)
            status = ffn_fail(r->error, FFN_BAD_FORMAT, "the name of class %zu is no string", i);
    }
    if (status == FFN_OK) status = ffn_model_set_class_names(r->model, names, count, r->error);
    ffn__free(names);
    return status;
}

/* Only where there are any; see ffn_model_set_categories. */
static ffn_status set_categories(const reading *r, const ffn__json *root)
{
    static const char what[] = "ffn.about";
    const ffn__json *columns, *categories;
    if (!ffn__json_find(root, "columns") && !ffn__json_find(root, "categories")) return FFN_OK;
    ffn_status status = ffn__json_member(root, "columns", FFN__JSON_ARRAY, what, &columns, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "categories", FFN__JSON_ARRAY, what, &categories, r->error);
    if (status != FFN_OK) return status;
    const size_t count = columns->count;
    if (categories->count != count)
        return ffn_fail(r->error, FFN_BAD_FORMAT, "%zu columns and %zu categories; expected as many", count,
                        categories->count);
    const char **names = ffn__alloc(count, sizeof *names, r->error);
    size_t *numbers = names ? ffn__alloc(count, sizeof *numbers, r->error) : NULL;
    const ffn__json *column = ffn__json_first(columns), *category = ffn__json_first(categories);
    status = numbers ? FFN_OK : FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && status == FFN_OK; i++) {
        status = ffn__json_get_size(column, "a column", 0, count, what, &numbers[i], r->error);
        names[i] = category->text;
        if (status == FFN_OK && category->type != FFN__JSON_STRING)
            status = ffn_fail(r->error, FFN_BAD_FORMAT, "category %zu is no string", i);
        column = ffn__json_next(columns, column);
        category = ffn__json_next(categories, category);
    }
    ffn_error error = {FFN_OK, ""};
    if (status == FFN_OK && ffn_model_set_categories(r->model, numbers, names, count, &error) != FFN_OK)
        status = ffn_fail(r->error, error.status == FFN_OUT_OF_MEMORY ? FFN_OUT_OF_MEMORY : FFN_BAD_FORMAT, "%.250s",
                          error.message);
    ffn__free((void *)names);
    ffn__free(numbers);
    return status;
}

static ffn_status set_loss(const reading *r, const ffn__json *object)
{
    static const char *const known[] = {"kind", "numbers"};
    static const char what[] = "the loss";
    const char *name;
    const ffn__json *numbers;
    ffn_loss loss = {0};
    if (object->type != FFN__JSON_OBJECT) return ffn_fail(r->error, FFN_BAD_FORMAT, "the loss is no object");
    ffn_status status = ffn__json_only(object, known, 2, what, r->error);
    if (status == FFN_OK) status = ffn__json_get_string(object, "kind", what, &name, r->error);
    if (status == FFN_OK) status = ffn__json_member(object, "numbers", FFN__JSON_OBJECT, what, &numbers, r->error);
    if (status == FFN_OK && ffn_loss_by_name(name, &loss, NULL) != FFN_OK)
        status = ffn_fail(r->error, FFN_UNSUPPORTED, "the loss %.40s is not one of version %s", name, ffn_version());
    loss.delta = 0; /* what is not said */
    if (status == FFN_OK)
        status = ffn__json_get_fields(numbers, ffn__loss_numbers, FFN__LOSS_NUMBERS, &loss, NULL, what, r->error);
    if (status == FFN_OK && ffn__loss_check(&loss, 2, r->error) != FFN_OK)
        status = ffn_fail(r->error, FFN_BAD_FORMAT, "the numbers of the loss %s are out of their ranges", name);
    if (status == FFN_OK) r->model->loss = loss;
    return status;
}

static ffn_status set_about(const reading *r, const ffn__json *root)
{
    static const char *const known[] = {"build", "loss", "classes", "columns", "categories"};
    static const char what[] = "ffn.about";
    static const ffn_field seed = {"seed", FFN_FIELD_UINT64, offsetof(ffn_model, seed), 0, 0};
    const ffn__json *build, *classes;
    ffn_status status = ffn__json_only(root, known, sizeof known / sizeof *known, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "build", FFN__JSON_OBJECT, what, &build, r->error);
    if (status == FFN_OK) status = ffn__json_get_fields(build, &seed, 1, r->model, NULL, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "classes", FFN__JSON_ARRAY, what, &classes, r->error);
    const ffn__json *loss = ffn__json_find(root, "loss");
    if (status == FFN_OK && loss) status = set_loss(r, loss);
    if (status == FFN_OK) status = set_classes(r, classes);
    return status == FFN_OK ? set_categories(r, root) : status;
}

static ffn_status read_about(const reading *r, const ffn__safetensors *file, ffn__json_budget *budget)
{
    const ffn__note *note;
    const ffn__json *root = NULL;
    ffn_status status = ffn__safetensors_note(file, "ffn.about", &note, r->error);
    if (status == FFN_OK && !note) status = ffn_fail(r->error, FFN_BAD_FORMAT, "the file lacks ffn.about");
    if (status == FFN_OK) status = ffn__json_parse(note->value, note->size, budget, "ffn.about", &root, r->error);
    if (status == FFN_OK) status = set_about(r, root);
    ffn__free((void *)root);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

ffn_status ffn__check_format(const ffn__safetensors *file, const ffn__note **note, ffn_error *error)
{
    const ffn__note *format;
    char expected[16];
    if (!file->checked)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "it is no file of ffn_model_save: a checksum is not where it should be; for weights from "
                        "elsewhere see ffn_model_load_weights");
    ffn_status status = ffn__safetensors_note(file, "ffn.format", &format, error);
    if (status == FFN_OK) status = ffn__safetensors_note(file, "ffn.model", note, error);
    if (status != FFN_OK) return status;
    if (!format || !*note) return ffn_fail(error, FFN_BAD_FORMAT, "the file lacks ffn.format or ffn.model");
    (void)snprintf(expected, sizeof expected, "%d", FFN__FORMAT_VERSION);
    if (strcmp(format->value, expected) == 0) return FFN_OK;
    return ffn_fail(error, FFN_UNSUPPORTED, "the file has format %.20s; version %s of the library reads format %s",
                    format->value, ffn_version(), expected);
}

static ffn_status read_model(reading *r, const ffn__safetensors *file, ffn__json_budget *budget)
{
    const ffn__note *note;
    const ffn__json *root = NULL;
    const size_t most_layers = ffn__limits(r->options, 0).layers;
    ffn_status status = ffn__check_format(file, &note, r->error);
    if (status == FFN_OK) status = ffn__json_parse(note->value, note->size, budget, "ffn.model", &root, r->error);
    if (status == FFN_OK) status = describe(r, root, most_layers, budget);
    ffn__free((void *)root);
    if (status == FFN_OK) status = read_about(r, file, budget);
    if (status == FFN_OK) status = ffn__block_check(r->model, file, "", true, r->error);
    return status == FFN_OK ? check_count(r->model, file, r->error) : status;
}

ffn_model *ffn__model_read(const ffn__safetensors *file, const ffn_file_options *options, ffn__json_budget *budget,
                           ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    reading r = {.options = options, .error = error ? error : &local};
    r.model = ffn_model_create(0, r.error);
    if (r.model && read_model(&r, file, budget) == FFN_OK) {
        float *scratch = ffn__alloc(ffn__largest_parameter(r.model), sizeof(float), r.error);
        const bool allocated = scratch && ffn__model_allocate(r.model, r.error) == FFN_OK;
        if (allocated) ffn__block_read(r.model, file, "", r.model->values, scratch);
        ffn__free(scratch);
        if (allocated) return r.model;
    }
    ffn_model_destroy(r.model);
    return NULL;
}

static ffn_model *load(const void *bytes, size_t size, const ffn_file_options *options, ffn_error *error)
{
    ffn__safetensors file;
    const ffn_file_limits limits = ffn__limits(options, size);
    if (!bytes) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading a model: the bytes are NULL");
        return NULL;
    }
    if (ffn__safetensors_read(&file, bytes, size, &limits, error) != FFN_OK) return NULL;
    ffn__json_budget budget = ffn__json_budget_of(&limits, file.memory);
    ffn_model *model = ffn__model_read(&file, options, &budget, error);
    ffn__safetensors_destroy(&file);
    return model;
}

ffn_model *ffn_model_load_memory(const void *bytes, size_t size, ffn_error *error)
{
    return load(bytes, size, NULL, error);
}

ffn_model *ffn_model_load_with(const char *path, const ffn_file_options *options, ffn_error *error)
{
    void *bytes;
    size_t size;
    if (ffn__read_whole(path, &bytes, &size, error) != FFN_OK) return NULL;
    ffn_model *model = load(bytes, size, options, error);
    ffn__free(bytes);
    return model;
}

ffn_model *ffn_model_load(const char *path, ffn_error *error) { return ffn_model_load_with(path, NULL, error); }

ffn_model *ffn_model_load_from(ffn_read_function read, void *user, const ffn_file_options *options, ffn_error *error)
{
    void *bytes = NULL;
    size_t capacity = 0, size = 0, count = 1;
    ffn_model *model = NULL;
    ffn_status status =
        read ? FFN_OK : ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_load_from: the function is NULL");
    while (status == FFN_OK && count > 0) {
        status = ffn__grow(&bytes, &capacity, size < 4096 ? 4096 : size + 1, 1, error);
        if (status != FFN_OK) break;
        count = 0;
        const int code = read(user, (char *)bytes + size, capacity - size, &count);
        if (code != 0 || count > capacity - size)
            status = ffn_fail(error, FFN_IO_ERROR, "the function that reads answered %d, with %zu bytes", code, count);
        else
            size += count;
    }
    if (status == FFN_OK) model = load(bytes, size, options, error);
    ffn__free(bytes);
    return model;
}
