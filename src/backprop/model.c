/* Describing a network: nodes, layers and their options. Mistakes are kept in the model until it is built. */
#include "backprop/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------------------------ */

ffn_model *ffn_model_create(uint64_t seed, ffn_error *error)
{
    ffn_model *model = ffn__alloc_objects(1, sizeof(*model), error);
    if (!model) return NULL;
    model->draft = ffn__alloc_objects(1, sizeof(*model->draft), error);
    if (!model->draft) {
        ffn_model_destroy(model);
        return NULL;
    }
    model->seed = seed;
    model->output = FFN__NONE;
    return model;
}

void ffn_model_destroy(ffn_model *model)
{
    if (!model) return;
    ffn_plan_destroy(model->few_rows);
    for (size_t i = 0; i < model->layer_count; i++) {
        ffn__free(model->layers[i].config);
        ffn__free(model->layers[i].name);
    }
    for (size_t i = 0; i < model->parameter_count; i++) ffn__free(model->parameters[i].name);
    ffn__free(model->draft);
    ffn__free(model->layers);
    ffn__free(model->nodes);
    ffn__free(model->parameters);
    ffn__free(model->values);
    ffn__free(model->class_names);
    ffn__encoding_destroy(&model->encoding);
    ffn__free(model);
}

/* ---- nodes ----------------------------------------------------------------------------------------------------- */

/* Where a mistake is kept; NULL: nowhere, since the model is built. */
static ffn_error *mistake(ffn_model *model) { return model->draft ? &model->draft->error : NULL; }

/* Whether the model still takes descriptions. */
static bool is_open(const ffn_model *model) { return model && model->draft && model->draft->error.status == FFN_OK; }

void ffn_set_kernels(ffn_model *model, ffn_kernels kernels)
{
    if (!is_open(model)) return;
    if ((unsigned)kernels > FFN_KERNELS_NATIVE)
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_set_kernels: %d is none of the kernels", (int)kernels);
    else
        model->kernels = kernels;
}

static ffn_value add_node(ffn_model *model, const ffn__node *node)
{
    const ffn_value none = {0};
    if (model->node_count >= FFN__MOST_STREAMS) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "a model has at most %d values", FFN__MOST_STREAMS);
        return none;
    }
    if (ffn__grow((void **)&model->nodes, &model->draft->node_capacity, model->node_count + 1, sizeof(ffn__node),
                  mistake(model)) != FFN_OK)
        return none;
    model->nodes[model->node_count++] = *node;
    return (ffn_value){(uint32_t)model->node_count};
}

ffn_value ffn_input(ffn_model *model, ffn_shape sample)
{
    if (!is_open(model)) return (ffn_value){0};
    if (ffn__shape_check(sample, "an input's shape", mistake(model)) != FFN_OK) return (ffn_value){0};
    return add_node(model, &(ffn__node){.layer = FFN__NONE, .shape = sample});
}

/* The node of a value, or FFN__NONE with the mistake kept. */
static size_t find_node(ffn_model *model, ffn_value value, const char *what)
{
    if (value.id >= 1 && value.id <= model->node_count) return value.id - 1;
    ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "%s: value %u is not one of this model's %zu", what, value.id,
             model->node_count);
    return FFN__NONE;
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

static double field_number(const ffn_field *field, const unsigned char *config)
{
    size_t size;
    float real;
    double wide;
    switch (field->type) {
    case FFN_FIELD_SIZE: memcpy(&size, config + field->offset, sizeof(size)); return (double)size;
    case FFN_FIELD_FLOAT: memcpy(&real, config + field->offset, sizeof(real)); return (double)real;
    case FFN_FIELD_DOUBLE: memcpy(&wide, config + field->offset, sizeof(wide)); return wide;
    default: return 0;
    }
}

static ffn_status check_activation(const ffn_activation *activation, ffn_error *error)
{
    const ffn_activation_ops *ops = activation->ops;
    if (!ops) return FFN_OK;
    if (!ops->name || !ops->forward || !ops->backward)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the table of activation %s lacks name, forward or backward",
                        ops->name ? ops->name : "NULL");
    if (ops->alpha_low == 0 && ops->alpha_high == 0) return FFN_OK;
    if (activation->alpha >= ops->alpha_low && activation->alpha <= ops->alpha_high) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "the number of %s is %g; expected %g to %g", ops->name,
                    (double)activation->alpha, (double)ops->alpha_low, (double)ops->alpha_high);
}

static ffn_status check_field(const ffn_field *field, const void *config, ffn_error *error)
{
    const unsigned char *bytes = config;
    if (field->type == FFN_FIELD_ACTIVATION) {
        ffn_activation activation;
        memcpy(&activation, bytes + field->offset, sizeof(activation));
        return check_activation(&activation, error);
    }
    if (field->type != FFN_FIELD_SIZE && field->type != FFN_FIELD_FLOAT && field->type != FFN_FIELD_DOUBLE)
        return FFN_OK;
    const double number = field_number(field, bytes);
    if (number >= field->low && number <= field->high) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s is %g; expected %g to %g", field->name, number, field->low,
                    field->high);
}

/* Puts the layer's name before the sentence of an error. */
static void name_error(ffn_error *error, const char *name)
{
    const ffn_error inner = *error;
    ffn_fail(error, inner.status, "%s: %s", name, inner.message);
}

ffn_status ffn__layer_plan(const ffn__layer *layer, size_t input_count, const ffn_shape *inputs, bool is_output,
                           ffn_layer_plan *answer, ffn_error *error)
{
    ffn_error inner = {FFN_OK, ""};
    ffn_layer_plan plan = {.kernels = ffn__kernels_resolve(layer->kernels),
                           .input_count = input_count,
                           .no_bias = layer->no_bias,
                           .is_output = is_output};
    memcpy(plan.inputs, inputs, input_count * sizeof(*inputs));
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < layer->ops->field_count && status == FFN_OK; i++)
        status = check_field(&layer->ops->fields[i], layer->config, &inner);
    if (status == FFN_OK) status = layer->ops->plan(&plan, layer->config, &inner);
    if (status == FFN_OK) status = ffn__shape_check(plan.output, "the output's shape", &inner);
    if (status == FFN_OK && plan.parameter_count > FFN_MAX_PARAMETERS)
        status = ffn_fail(&inner, FFN_INVALID_ARGUMENT, "the layer declares %zu parameters; expected at most %d",
                          plan.parameter_count, FFN_MAX_PARAMETERS);
    for (size_t i = 0; i < plan.parameter_count && status == FFN_OK; i++)
        if (plan.parameters[i].name)
            status = ffn__shape_check(plan.parameters[i].shape, plan.parameters[i].name, &inner);
    const bool may_be_view = !layer->ops->forward || layer->ops->only_training;
    if (status == FFN_OK && may_be_view && ffn_shape_size(plan.output) != ffn_shape_size(inputs[0]))
        status = ffn_fail(&inner, FFN_SHAPE_MISMATCH, "%zu elements become %zu; expected as many, since the layer %s",
                          ffn_shape_size(inputs[0]), ffn_shape_size(plan.output),
                          layer->ops->forward ? "does nothing in prediction" : "has no forward");
    if (status == FFN_OK) {
        *answer = plan;
        return FFN_OK;
    }
    inner.status = status;
    name_error(&inner, layer->name);
    if (error) *error = inner;
    return status;
}

/* The layer behind the output is told so, since a loss may want its activation's input. */
static bool is_output(const ffn_model *model, size_t layer)
{
    return model->output != FFN__NONE && model->nodes[ffn__model_root(model, model->output, true)].layer == layer;
}

ffn_status ffn__layer_ask(const ffn_model *model, size_t layer, ffn_layer_plan *answer, ffn_error *error)
{
    const ffn__node *node = &model->nodes[model->layers[layer].node];
    ffn_shape shapes[FFN_MAX_INPUTS];
    for (size_t k = 0; k < node->input_count; k++) shapes[k] = model->nodes[node->inputs[k]].shape;
    return ffn__layer_plan(&model->layers[layer], node->input_count, shapes, is_output(model, layer), answer, error);
}

ffn_status ffn__model_ask(const ffn_model *model, ffn_layer_plan **answers, ffn_error *error)
{
    ffn_layer_plan *all = ffn__alloc_objects(model->layer_count, sizeof(*all), error);
    ffn_status status = all ? FFN_OK : FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < model->layer_count && status == FFN_OK; i++)
        status = ffn__layer_ask(model, i, &all[i], error);
    if (status == FFN_OK)
        *answers = all;
    else
        ffn__free(all);
    return status;
}

/* The last of the same kind is rarely far: there are few kinds. */
static size_t next_number(const ffn_model *model, const char *kind)
{
    for (size_t i = model->layer_count; i-- > 0;)
        if (strcmp(model->layers[i].ops->name, kind) == 0) return model->layers[i].number + 1;
    return 1;
}

/* A new layer at the end of model->layers, not yet planned; false with the mistake kept. */
static bool add_layer(ffn_model *model, const ffn_layer_ops *ops, const void *config, size_t config_size)
{
    char name[80];
    const size_t number = next_number(model, ops->name);
    (void)snprintf(name, sizeof(name), "%s%zu", ops->name, number);
    if (ffn__grow((void **)&model->layers, &model->draft->layer_capacity, model->layer_count + 1, sizeof(ffn__layer),
                  mistake(model)) != FFN_OK)
        return false;
    ffn__layer layer = {
        .ops = ops, .number = number, .kernels = model->kernels, .rate = 1, .decay = -1, .node = model->node_count};
    layer.name = ffn__copy_string(name, mistake(model));
    layer.config = layer.name ? ffn__alloc_objects(config_size, 1, mistake(model)) : NULL;
    if (!layer.config) {
        ffn__free(layer.name);
        return false;
    }
    if (config_size) memcpy(layer.config, config, config_size);
    model->layers[model->layer_count++] = layer;
    return true;
}

ffn_value ffn_custom_layer(ffn_model *model, const ffn_layer_ops *ops, const void *config, size_t config_size,
                           const ffn_value *inputs, size_t input_count)
{
    const ffn_value none = {0};
    const char *what = ops && ops->name ? ops->name : "ffn_custom_layer";
    if (!is_open(model)) return none;
    if (!ops || !ops->name || !ops->plan || (!config && config_size) || !inputs || input_count == 0 ||
        input_count > FFN_MAX_INPUTS) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT,
                 "%s: expected a table with name and plan, a config, and 1 to %d inputs", what, FFN_MAX_INPUTS);
        return none;
    }
    ffn__node node = {.layer = model->layer_count, .input_count = (uint32_t)input_count};
    ffn_shape shapes[FFN_MAX_INPUTS];
    for (size_t i = 0; i < input_count; i++) {
        const size_t input = find_node(model, inputs[i], what);
        if (input == FFN__NONE) return none;
        node.inputs[i] = (uint32_t)input;
        shapes[i] = model->nodes[input].shape;
    }
    if (!add_layer(model, ops, config, config_size)) return none;
    ffn_layer_plan plan;
    if (ffn__layer_plan(&model->layers[node.layer], input_count, shapes, false, &plan, mistake(model)) != FFN_OK)
        return none;
    node.shape = plan.output;
    return add_node(model, &node);
}

ffn_value ffn_share(ffn_model *model, ffn_value layer, ffn_value x)
{
    const ffn_value none = {0};
    if (!is_open(model)) return none;
    const size_t first = find_node(model, layer, "ffn_share"), input = find_node(model, x, "ffn_share");
    if (first == FFN__NONE || input == FFN__NONE) return none;
    ffn__node node = model->nodes[first];
    if (node.layer == FFN__NONE || node.input_count != 1) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_share: %s is not a layer with one input",
                 ffn__node_name(model, first));
        return none;
    }
    const ffn_layer_ops *ops = model->layers[node.layer].ops;
    if (ffn__is_scaler(ops) || ffn__scales_targets(ops)) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_share: %s is fitted to one input and cannot be shared",
                 ffn__node_name(model, first));
        return none;
    }
    const ffn_shape expected = model->nodes[node.inputs[0]].shape, found = model->nodes[input].shape;
    if (!ffn_shape_equal(expected, found)) {
        char expected_text[64], found_text[64];
        (void)ffn__shape_format(expected, expected_text, sizeof(expected_text));
        (void)ffn__shape_format(found, found_text, sizeof(found_text));
        ffn_fail(mistake(model), FFN_SHAPE_MISMATCH, "ffn_share: %s on an input of shape %s; expected %s",
                 ffn__node_name(model, first), found_text, expected_text);
        return none;
    }
    node.inputs[0] = (uint32_t)input;
    return add_node(model, &node);
}

/* ---- options of a layer ---------------------------------------------------------------------------------------- */

static ffn__layer *find_layer(ffn_model *model, ffn_value value, const char *what)
{
    const size_t node = find_node(model, value, what);
    if (node == FFN__NONE) return NULL;
    if (model->nodes[node].layer != FFN__NONE) return &model->layers[model->nodes[node].layer];
    ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "%s: an input is not a layer", what);
    return NULL;
}

void ffn_set_name(ffn_model *model, ffn_value value, const char *name)
{
    if (!is_open(model)) return;
    ffn__layer *layer = find_layer(model, value, "ffn_set_name");
    if (!layer) return;
    const char *wrong = !name                           ? "NULL"
                        : !*name                        ? "empty"
                        : strlen(name) > 64             ? "too long"
                        : strncmp(name, "ffn.", 4) == 0 ? "like a checkpoint's own"
                                                        : NULL;
    if (wrong) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT,
                 "ffn_set_name: the name of %s is %s; expected 1 to 64 bytes that do not begin with 'ffn.'",
                 layer->name, wrong);
        return;
    }
    char *copy = ffn__copy_string(name, mistake(model));
    if (!copy) return;
    ffn__free(layer->name);
    layer->name = copy;
}

void ffn_set_initializer(ffn_model *model, ffn_value value, ffn_initializer initializer)
{
    if (!is_open(model)) return;
    ffn__layer *layer = find_layer(model, value, "ffn_set_initializer");
    if (!layer) return;
    if (initializer.ops && (!initializer.ops->name || !initializer.ops->fill)) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_set_initializer: the table given for %s lacks name or fill",
                 layer->name);
        return;
    }
    layer->initializer = initializer;
}

void ffn_set_bias(ffn_model *model, ffn_value value, bool bias)
{
    if (!is_open(model)) return;
    ffn__layer *layer = find_layer(model, value, "ffn_set_bias");
    if (!layer) return;
    ffn_layer_plan plan;
    if (ffn__layer_ask(model, (size_t)(layer - model->layers), &plan, mistake(model)) != FFN_OK) return;
    bool has_bias = layer->no_bias;
    for (size_t i = 0; i < plan.parameter_count; i++)
        has_bias |= plan.parameters[i].name && plan.parameters[i].role == FFN_BIAS;
    if (!has_bias) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_set_bias: %s is a layer without bias", layer->name);
        return;
    }
    layer->no_bias = !bias;
    (void)ffn__layer_ask(model, (size_t)(layer - model->layers), &plan, mistake(model));
}

/* The layer that a number of 0 or more is for, also of a built model; NULL with the mistake kept. */
static ffn__layer *set_number(ffn_model *model, ffn_value value, const char *what, float number)
{
    if (!model || (model->draft && !is_open(model))) return NULL;
    ffn__layer *layer = find_layer(model, value, what);
    if (!layer || (number >= 0 && number < INFINITY)) return layer;
    ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "%s: %g for %s; expected 0 or more", what, (double)number,
             layer->name);
    return NULL;
}

void ffn_set_penalty(ffn_model *model, ffn_value value, float l1, float l2)
{
    if (!is_open(model)) return;
    ffn__layer *layer = find_layer(model, value, "ffn_set_penalty");
    if (!layer) return;
    if (!(l1 >= 0 && l1 < INFINITY && l2 >= 0 && l2 < INFINITY)) {
        ffn_fail(mistake(model), FFN_INVALID_ARGUMENT, "ffn_set_penalty: l1 %g, l2 %g for %s; expected 0 or more",
                 (double)l1, (double)l2, layer->name);
        return;
    }
    layer->l1 = l1;
    layer->l2 = l2;
}

void ffn_set_max_norm(ffn_model *model, ffn_value value, float limit)
{
    ffn__layer *layer = set_number(model, value, "ffn_set_max_norm", limit);
    if (layer) layer->max_norm = limit;
}

void ffn_set_rate(ffn_model *model, ffn_value value, float factor)
{
    ffn__layer *layer = set_number(model, value, "ffn_set_rate", factor);
    if (layer) layer->rate = factor;
}

void ffn_set_decay(ffn_model *model, ffn_value value, float weight_decay)
{
    ffn__layer *layer = set_number(model, value, "ffn_set_decay", weight_decay);
    if (layer) layer->decay = weight_decay;
}

void ffn_set_trainable(ffn_model *model, ffn_value value, bool trainable)
{
    if (!model || (model->draft && !is_open(model))) return;
    ffn__layer *layer = find_layer(model, value, "ffn_set_trainable");
    if (layer) layer->frozen = !trainable;
}
