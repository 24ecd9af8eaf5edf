/* A model's description and weights, to safetensors. docs/formats.md has every key. */
#include <float.h>
#include <string.h>

#include "io/model_file.h"

const ffn__layer ffn__layer_defaults = {.rate = 1, .decay = -1};
const ffn_field ffn__layer_settings[FFN__LAYER_SETTINGS] = {
    {"no_bias", FFN_FIELD_BOOL, offsetof(ffn__layer, no_bias), 0, 0},
    {"frozen", FFN_FIELD_BOOL, offsetof(ffn__layer, frozen), 0, 0},
    {"l1", FFN_FIELD_FLOAT, offsetof(ffn__layer, l1), 0, (double)FLT_MAX},
    {"l2", FFN_FIELD_FLOAT, offsetof(ffn__layer, l2), 0, (double)FLT_MAX},
    {"max_norm", FFN_FIELD_FLOAT, offsetof(ffn__layer, max_norm), 0, (double)FLT_MAX},
    {"rate", FFN_FIELD_FLOAT, offsetof(ffn__layer, rate), 0, (double)FLT_MAX},
    {"decay", FFN_FIELD_FLOAT, offsetof(ffn__layer, decay), 0, (double)FLT_MAX},
};
const ffn_field ffn__initializer_numbers[FFN__INITIALIZER_NUMBERS] = {
    {"a", FFN_FIELD_FLOAT, offsetof(ffn_initializer, a), 0, 0},
    {"b", FFN_FIELD_FLOAT, offsetof(ffn_initializer, b), 0, 0},
};
const ffn_field ffn__loss_numbers[FFN__LOSS_NUMBERS] = {
    {"delta", FFN_FIELD_FLOAT, offsetof(ffn_loss, delta), 0, (double)FLT_MAX},
    {"label_smoothing", FFN_FIELD_FLOAT, offsetof(ffn_loss, label_smoothing), 0, (double)FLT_MAX},
    {"positive_weight", FFN_FIELD_FLOAT, offsetof(ffn_loss, positive_weight), 0, (double)FLT_MAX},
};
const char *const ffn__kernel_names[FFN_KERNELS_NATIVE + 1] = {"auto", "blas", "native"};

/* A description on its way to text. */
typedef struct description {
    const ffn_model *model;
    const ffn_file_options *options;
    ffn__text text;
    ffn_error *error;
} description;

static void put_string(description *d, const char *key, const char *value)
{
    ffn__json_key(&d->text, key);
    ffn__json_string(&d->text, value, strlen(value));
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

static void put_initializer(description *d, const ffn_initializer *initializer)
{
    if (!initializer->ops || ffn__initializer_by_name(initializer->ops->name) != initializer->ops) return;
    const ffn_initializer zero = {0};
    ffn__json_key(&d->text, "initializer");
    ffn__json_open(&d->text, '{');
    put_string(d, "kind", initializer->ops->name);
    ffn__json_key(&d->text, "numbers");
    (void)ffn__json_put_fields(&d->text, ffn__initializer_numbers, FFN__INITIALIZER_NUMBERS, initializer, &zero, NULL,
                               "", NULL);
    ffn__json_close(&d->text, '}');
}

static ffn_status check_layer(const description *d, const ffn__layer *layer)
{
    if (!ffn__is_utf8(layer->name, strlen(layer->name)))
        return ffn_fail(d->error, FFN_UNSUPPORTED, "%.64s: its name is not UTF-8, as a file wants it", layer->name);
    if (!ffn__knows_layer(d->options, layer->ops))
        return ffn_fail(
            d->error, FFN_UNSUPPORTED,
            "%s: the layer %.40s is not one of the library's, nor among ffn_file_options.layers under a name "
            "of its own",
            layer->name, layer->ops->name);
    return FFN_OK;
}

static ffn_status put_layer(description *d, const ffn__layer *layer)
{
    ffn_status status = check_layer(d, layer);
    if (status != FFN_OK) return status;
    ffn__json_open(&d->text, '{');
    put_string(d, "kind", layer->ops->name);
    put_string(d, "name", layer->name);
    ffn__json_key(&d->text, "config");
    status = ffn__json_put_fields(&d->text, layer->ops->fields, layer->ops->field_count, layer->config, NULL,
                                  d->options, layer->name, d->error);
    if (status != FFN_OK) return status;
    ffn__json_key(&d->text, "settings");
    (void)ffn__json_put_fields(&d->text, ffn__layer_settings, FFN__LAYER_SETTINGS, layer, &ffn__layer_defaults, NULL,
                               layer->name, NULL);
    put_initializer(d, &layer->initializer);
    if (layer->kernels != FFN_KERNELS_AUTO) put_string(d, "kernels", ffn__kernel_names[layer->kernels]);
    ffn__json_close(&d->text, '}');
    return FFN_OK;
}

static ffn_status put_layers(description *d)
{
    ffn_status status = FFN_OK;
    ffn__json_key(&d->text, "layers");
    ffn__json_open(&d->text, '[');
    for (size_t i = 0; i < d->model->layer_count && status == FFN_OK; i++) status = put_layer(d, &d->model->layers[i]);
    ffn__json_close(&d->text, ']');
    return status;
}

/* ---- graph ----------------------------------------------------------------------------------------------------- */

static void put_nodes(description *d)
{
    ffn__json_key(&d->text, "nodes");
    ffn__json_open(&d->text, '[');
    for (size_t i = 0; i < d->model->node_count; i++) {
        const ffn__node *node = &d->model->nodes[i];
        ffn__json_open(&d->text, '{');
        if (node->layer == FFN__NONE) {
            ffn__json_key(&d->text, "input");
            ffn__json_shape(&d->text, node->shape);
        } else {
            ffn__json_key(&d->text, "layer");
            ffn__json_size(&d->text, node->layer);
            ffn__json_key(&d->text, "inputs");
            ffn__json_open(&d->text, '[');
            for (size_t k = 0; k < node->input_count; k++) ffn__json_size(&d->text, node->inputs[k]);
            ffn__json_close(&d->text, ']');
        }
        ffn__json_close(&d->text, '}');
    }
    ffn__json_close(&d->text, ']');
}

/* Only where there are any: the features' columns, and their categories. */
static ffn_status put_categories(description *d)
{
    const ffn__encoding *e = &d->model->encoding;
    if (e->features == 0) return FFN_OK;
    ffn__json_key(&d->text, "columns");
    ffn__json_open(&d->text, '[');
    for (size_t i = 0; i < e->features; i++) ffn__json_size(&d->text, e->column[i]);
    ffn__json_close(&d->text, ']');
    ffn__json_key(&d->text, "categories");
    ffn__json_open(&d->text, '[');
    for (size_t i = 0; i < e->features; i++) {
        const char *name = e->category[i];
        if (!ffn__is_utf8(name, strlen(name)))
            return ffn_fail(d->error, FFN_UNSUPPORTED, "category %zu, %.60s, is not UTF-8, as a file wants it", i,
                            name);
        ffn__json_string(&d->text, name, strlen(name));
    }
    ffn__json_close(&d->text, ']');
    return FFN_OK;
}

/* One from outside the library is not kept. */
static void put_loss(description *d)
{
    const ffn_loss *loss = &d->model->loss, zero = {0};
    ffn_loss found;
    if (!loss->ops || ffn_loss_by_name(loss->ops->name, &found, NULL) != FFN_OK || found.ops != loss->ops) return;
    ffn__json_key(&d->text, "loss");
    ffn__json_open(&d->text, '{');
    put_string(d, "kind", loss->ops->name);
    ffn__json_key(&d->text, "numbers");
    (void)ffn__json_put_fields(&d->text, ffn__loss_numbers, FFN__LOSS_NUMBERS, loss, &zero, NULL, "", NULL);
    ffn__json_close(&d->text, '}');
}

/* What belongs to the model, but not to its architecture. */
static ffn_status put_about(description *d)
{
    static const ffn_field seed = {"seed", FFN_FIELD_UINT64, offsetof(ffn_model, seed), 0, 0};
    ffn__json_open(&d->text, '{');
    ffn__json_key(&d->text, "build");
    (void)ffn__json_put_fields(&d->text, &seed, 1, d->model, NULL, NULL, "", NULL);
    put_loss(d);
    ffn__json_key(&d->text, "classes");
    ffn__json_open(&d->text, '[');
    for (size_t i = 0; i < d->model->class_count; i++) {
        const char *name = d->model->class_names[i];
        if (!ffn__is_utf8(name, strlen(name)))
            return ffn_fail(d->error, FFN_UNSUPPORTED,
                            "the name of class %zu, %.60s, is not UTF-8, as a file wants it; see "
                            "ffn_model_set_class_names",
                            i, name);
        ffn__json_string(&d->text, name, strlen(name));
    }
    ffn__json_close(&d->text, ']');
    const ffn_status status = put_categories(d);
    ffn__json_close(&d->text, '}');
    return status;
}

static ffn_status describe(description *d)
{
    ffn__json_open(&d->text, '{');
    put_nodes(d);
    ffn__json_key(&d->text, "output");
    ffn__json_size(&d->text, d->model->output);
    const ffn_status status = put_layers(d);
    ffn__json_close(&d->text, '}');
    return status;
}

ffn_status ffn__model_describe(const ffn_model *model, const ffn_file_options *options, ffn__text *text,
                               ffn_error *error)
{
    description d = {.model = model, .options = options, .error = error};
    const ffn_status status = describe(&d);
    *text = d.text;
    return status;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

void ffn__block_write(const ffn_model *model, const float *block, const char *prefix, ffn__safetensors_writer *writer,
                      ffn_error *error)
{
    for (size_t i = 0; i < model->parameter_count; i++) {
        const ffn__parameter *p = &model->parameters[i];
        ffn__safetensors_add(writer, prefix, p->name, p->shape, block, p, error);
    }
}

ffn_status ffn__model_write(const ffn_model *model, const ffn_file_options *options, ffn__safetensors_writer *writer,
                            ffn_error *error)
{
    description about = {.model = model, .options = options, .error = error};
    ffn__text version = {0}, text = {0};
    ffn_status status = put_about(&about);
    if (status == FFN_OK) status = ffn__model_describe(model, options, &text, error);
    ffn__text_add(&version, "%d", FFN__FORMAT_VERSION);
    if (status == FFN_OK) {
        ffn__safetensors_note_add(writer, "ffn.format", &version);
        ffn__safetensors_note_add(writer, "ffn.about", &about.text);
        ffn__safetensors_note_add(writer, "ffn.model", &text);
        ffn__block_write(model, model->values, "", writer, error);
    }
    ffn__text_destroy(&version);
    ffn__text_destroy(&about.text);
    ffn__text_destroy(&text);
    return status;
}

/* ---- where to -------------------------------------------------------------------------------------------------- */

static ffn_status save(const ffn_model *model, const ffn_file_options *options, const char *path, const ffn__sink *sink,
                       ffn_error *error)
{
    ffn__safetensors_writer writer = {0};
    ffn_status status = ffn__model_check_built(model, error);
    if (status == FFN_OK) status = ffn__model_write(model, options, &writer, error);
    if (status == FFN_OK)
        status = sink ? ffn__safetensors_write(&writer, sink, error) : ffn__safetensors_save(&writer, path, error);
    ffn__safetensors_writer_destroy(&writer);
    return status;
}

ffn_status ffn_model_save_with(const ffn_model *model, const char *path, const ffn_file_options *options,
                               ffn_error *error)
{
    return save(model, options, path, NULL, error);
}

ffn_status ffn_model_save(const ffn_model *model, const char *path, ffn_error *error)
{
    return ffn_model_save_with(model, path, NULL, error);
}

ffn_status ffn__write_to_memory(void *text, const void *bytes, size_t size, ffn_error *error)
{
    ffn__text *t = text;
    ffn__text_bytes(t, bytes, size);
    return t->failed ? ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory for a file of more than %zu bytes", t->length)
                     : FFN_OK;
}

ffn_status ffn_model_save_memory(const ffn_model *model, void **bytes, size_t *size, ffn_error *error)
{
    ffn__text text = {0};
    if (!bytes || !size)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_save_memory: the pointer to the %s is NULL",
                        bytes ? "size" : "bytes");
    const ffn__sink sink = {ffn__write_to_memory, &text};
    const ffn_status status = save(model, NULL, NULL, &sink, error);
    if (status != FFN_OK) {
        ffn__text_destroy(&text);
        return status;
    }
    *bytes = text.bytes;
    *size = text.length;
    return FFN_OK;
}

void ffn_free(void *bytes) { ffn__free(bytes); }

typedef struct caller {
    ffn_write_function write;
    void *user;
} caller;

static ffn_status write_to_caller(void *context, const void *bytes, size_t size, ffn_error *error)
{
    const caller *c = context;
    const int code = c->write(c->user, bytes, size);
    return code == 0 ? FFN_OK : ffn_fail(error, FFN_IO_ERROR, "the function that writes answered %d", code);
}

ffn_status ffn_model_save_to(const ffn_model *model, ffn_write_function write, void *user,
                             const ffn_file_options *options, ffn_error *error)
{
    caller c = {write, user};
    const ffn__sink sink = {write_to_caller, &c};
    if (!write) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_save_to: the function is NULL");
    return save(model, options, NULL, &sink, error);
}
