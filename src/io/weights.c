/* Weights by name from safetensors files of any origin. */
#include <stdio.h>
#include <string.h>

#include "data/file.h"
#include "io/model_file.h"

typedef struct names {
    const ffn_weights_options *options; /* never NULL */
    char *text;                         /* [size], for one name at a time */
    size_t size;
} names;

/* The pair of a parameter, else that of its layer; NULL: neither is in the list. */
static const ffn_name_pair *find_pair(const names *n, const char *name, size_t length)
{
    for (size_t i = 0; i < n->options->name_count; i++) {
        const ffn_name_pair *pair = &n->options->names[i];
        if (strlen(pair->name) == length && memcmp(pair->name, name, length) == 0) return pair;
    }
    return NULL;
}

/* What the parameter is called in the file. */
static const char *name_of(const names *n, const ffn_model *model, const ffn__parameter *p)
{
    const char *prefix = n->options->prefix ? n->options->prefix : "";
    const size_t layer = strlen(model->layers[p->layer].name);
    const ffn_name_pair *pair = find_pair(n, p->name, strlen(p->name));
    if (pair) {
        (void)snprintf(n->text, n->size, "%s%s", prefix, pair->other);
        return n->text;
    }
    pair = find_pair(n, p->name, layer);
    if (pair)
        (void)snprintf(n->text, n->size, "%s%s%s", prefix, pair->other, p->name + layer);
    else
        (void)snprintf(n->text, n->size, "%s%s", prefix, p->name);
    return n->text;
}

static ffn_status make_names(names *n, const ffn_model *model, const ffn_weights_options *options, ffn_error *error)
{
    size_t longest = 0;
    n->options = options;
    for (size_t i = 0; i < options->name_count; i++) {
        const ffn_name_pair *pair = options->names ? &options->names[i] : NULL;
        if (!pair || !pair->name || !pair->other)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_load_weights: name %zu of %zu is NULL", i,
                            options->name_count);
        if (strlen(pair->other) > longest) longest = strlen(pair->other);
    }
    size_t own = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (strlen(model->parameters[i].name) > own) own = strlen(model->parameters[i].name);
    n->size = longest + own + (options->prefix ? strlen(options->prefix) : 0) + 1;
    n->text = ffn__alloc(n->size, 1, error);
    return n->text ? FFN_OK : FFN_OUT_OF_MEMORY;
}

static ffn_status check(const names *n, const ffn_model *model, size_t parameter, const ffn__safetensors *file,
                        float *scratch, ffn_error *error)
{
    const ffn__parameter *p = &model->parameters[parameter];
    const char *name = name_of(n, model, p);
    const ffn__tensor_entry *entry = ffn__safetensors_find(file, name);
    char expected[64], found[64];
    if (!entry && n->options->allow_missing) return FFN_OK;
    if (!entry)
        return ffn_fail(error, FFN_BAD_FORMAT, "the file has no tensor %.100s, which %.80s would be", name, p->name);
    (void)ffn__shape_format(p->shape, expected, sizeof expected);
    ffn__safetensors_format_shape(entry, found, sizeof found);
    if (entry->axes != p->shape.rank || !ffn_shape_equal(entry->shape, p->shape))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "the tensor %.80s has the shape %s; %.60s has %s", name, found,
                        p->name, expected);
    if (!entry->element)
        return ffn_fail(error, FFN_UNSUPPORTED, "the tensor %.100s is of a type that is not read", name);
    ffn__safetensors_values(file, entry, scratch);
    if (ffn__tensor()->all_finite(p->size, scratch)) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "the tensor %.100s has a value that is not finite", name);
}

static ffn_status take_all(const names *n, ffn_model *model, const ffn__safetensors *file, ffn_error *error)
{
    float *scratch = ffn__alloc(ffn__largest_parameter(model), sizeof(float), error);
    ffn_status status = scratch ? FFN_OK : FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < model->parameter_count && status == FFN_OK; i++)
        status = check(n, model, i, file, scratch, error);
    for (size_t i = 0; i < model->parameter_count && status == FFN_OK; i++) {
        const ffn__tensor_entry *entry = ffn__safetensors_find(file, name_of(n, model, &model->parameters[i]));
        if (!entry) continue;
        ffn__safetensors_values(file, entry, scratch);
        ffn__parameter_pack(model, i, scratch, model->values);
    }
    ffn__free(scratch);
    return status;
}

ffn_status ffn_model_load_weights_memory(ffn_model *model, const void *bytes, size_t size,
                                         const ffn_weights_options *options, ffn_error *error)
{
    static const ffn_weights_options defaults = {.prefix = NULL};
    ffn__safetensors file;
    names n = {.text = NULL};
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!bytes) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_load_weights_memory: the bytes are NULL");
    if (!options) options = &defaults;
    const ffn_file_limits limits = ffn__limits(&(ffn_file_options){.limits = options->limits}, size);
    status = make_names(&n, model, options, error);
    if (status != FFN_OK) return status;
    status = ffn__safetensors_read(&file, bytes, size, &limits, error);
    if (status == FFN_OK) {
        status = take_all(&n, model, &file, error);
        ffn__safetensors_destroy(&file);
    }
    ffn__free(n.text);
    return status;
}

ffn_status ffn_model_load_weights(ffn_model *model, const char *path, const ffn_weights_options *options,
                                  ffn_error *error)
{
    char *bytes;
    size_t size;
    ffn_status status = ffn__model_check_built(model, error);
    if (status == FFN_OK) status = ffn__read_file(path, &bytes, &size, error);
    if (status != FFN_OK) return status;
    status = ffn_model_load_weights_memory(model, bytes, size, options, error);
    if (status != FFN_OK) ffn__name_file(error, path);
    ffn__free(bytes);
    return status;
}
