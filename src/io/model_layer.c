/* A layer from its description: kind, config, and what is set beside it. */
#include <string.h>

#include "io/model_read.h"

static ffn_status set_initializer(const ffn__reading *r, const ffn__json *object, ffn__layer *layer)
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

static ffn_status find_kernels(const ffn__reading *r, const ffn__json *object, const char *what, ffn_kernels *kernels)
{
    *kernels = FFN_KERNELS_AUTO;
    const ffn__json *value = ffn__json_find(object, "kernels");
    for (int i = FFN_KERNELS_BLAS; i <= FFN_KERNELS_NATIVE && value && value->type == FFN__JSON_STRING; i++)
        if (strcmp(ffn__kernel_names[i], ffn__json_text(value)) == 0) *kernels = (ffn_kernels)i;
    if (!value || *kernels != FFN_KERNELS_AUTO) return FFN_OK;
    return ffn_fail(r->error, FFN_UNSUPPORTED, "%s: its kernels are none that version %s knows", what, ffn_version());
}

/* What is set beside the config. The layer is the last one. */
static ffn_status set_options(const ffn__reading *r, const ffn__json *object, ffn_value value, const char *name)
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
static void *read_config(const ffn__reading *r, const ffn_layer_ops *ops, const ffn__json *object, const char *name,
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

ffn_status ffn__layer_read(const ffn__reading *r, const ffn__json *object, const ffn_value *inputs, size_t count,
                           ffn_value *value)
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
    *value = ffn_custom_layer(r->model, ops, config, size, inputs, count);
    ffn__free(config);
    return value->id ? set_options(r, object, *value, name) : FFN_OK; /* the model keeps what is wrong */
}
