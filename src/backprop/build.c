/* From a description to a model: checks of the whole graph, the parameter block, initial values. */
#include <stdio.h>
#include <string.h>

#include "backprop/model.h"
#include "initializer/initializer.h"

size_t ffn__model_root(const ffn_model *model, size_t node, bool training)
{
    for (;;) {
        const ffn__node *n = &model->nodes[node];
        if (n->layer == FFN__NONE) return node;
        const ffn_layer_ops *ops = model->layers[n->layer].ops;
        if (ops->forward && (training || !ops->only_training)) return node;
        node = n->inputs[0];
    }
}

const char *ffn__node_name(const ffn_model *model, size_t node)
{
    const size_t layer = model->nodes[node].layer;
    return layer == FFN__NONE ? "input" : model->layers[layer].name;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static ffn_status check_all_used(const ffn_model *model, size_t output, ffn_error *error)
{
    bool *used = ffn__alloc(model->node_count, sizeof(*used), error);
    if (!used) return FFN_OUT_OF_MEMORY;
    used[output] = true;
    ffn_status status = FFN_OK;
    for (size_t i = model->node_count; i-- > 0 && status == FFN_OK;) {
        if (!used[i])
            status = ffn_fail(error, FFN_INVALID_ARGUMENT, "%s (value %zu) does not lead to the output, %s",
                              ffn__node_name(model, i), i + 1, ffn__node_name(model, output));
        for (size_t k = 0; k < model->nodes[i].input_count; k++) used[model->nodes[i].inputs[k]] = true;
    }
    ffn__free(used);
    return status;
}

static const char *layer_name(const void *model, size_t layer)
{
    return ((const ffn_model *)model)->layers[layer].name;
}

static ffn_status check_names(const ffn_model *model, ffn_error *error)
{
    const char *twice;
    const ffn_status status = ffn__names_find_twice(layer_name, model, model->layer_count, &twice, error);
    if (status != FFN_OK || !twice) return status;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "two layers are named %s; expected unique names", twice);
}

static ffn_status check_scalers(const ffn_model *model, ffn_error *error)
{
    for (size_t i = 0; i < model->node_count; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer == FFN__NONE) continue;
        const ffn_layer_ops *ops = model->layers[node->layer].ops;
        if (ffn__scales_targets(ops) && i != model->output)
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "%s is not the output; expected it there, as it is fitted to the targets",
                            ffn__node_name(model, i));
        if (ffn__is_scaler(ops) && model->nodes[node->inputs[0]].layer != FFN__NONE)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s follows %s; expected an input, whose data it is fitted to",
                            ffn__node_name(model, i), ffn__node_name(model, node->inputs[0]));
    }
    return FFN_OK;
}

/* ---- parameters ------------------------------------------------------------------------------------------------ */

static ffn_status add_parameter(ffn_model *model, size_t layer, size_t place, const ffn_layer_parameter *declared,
                                ffn_error *error)
{
    char name[160];
    (void)snprintf(name, sizeof(name), "%s.%s", model->layers[layer].name, declared->name);
    ffn__parameter *p = &model->parameters[model->parameter_count];
    *p = (ffn__parameter){.shape = declared->shape,
                          .size = ffn_shape_size(declared->shape),
                          .offset = model->value_count,
                          .layout = declared->layout,
                          .layer = layer,
                          .place = (uint32_t)place,
                          .role = declared->role};
    p->stored = p->layout ? p->layout->size(p->shape) : p->size;
    if (p->stored > SIZE_MAX / 2 || !ffn__sum(model->value_count, ffn__pad(p->stored), &model->value_count))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "%s: the parameters are too large for this machine", name);
    p->name = ffn__copy_string(name, error);
    if (!p->name) return FFN_OUT_OF_MEMORY;
    model->parameter_count++;
    return FFN_OK;
}

static size_t count_parameters(const ffn_layer_plan *answers, size_t layers)
{
    size_t count = 0;
    for (size_t i = 0; i < layers; i++)
        for (size_t k = 0; k < answers[i].parameter_count; k++) count += answers[i].parameters[k].name != NULL;
    return count;
}

/* answers [layer_count] */
static ffn_status take_answers(ffn_model *model, const ffn_layer_plan *answers, ffn_error *error)
{
    const size_t count = count_parameters(answers, model->layer_count);
    if (count > FFN__MOST_STREAMS)
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "%zu parameters are more than a model can have", count);
    model->parameters = ffn__alloc_objects(count, sizeof(*model->parameters), error);
    if (!model->parameters) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        ffn__layer *layer = &model->layers[i];
        layer->collects_states = answers[i].collects_states;
        layer->activation = answers[i].activation;
        for (size_t k = 0; k < FFN_MAX_PARAMETERS; k++) layer->parameter[k] = FFN__NO_PARAMETER;
        for (size_t k = 0; k < answers[i].parameter_count; k++) {
            if (!answers[i].parameters[k].name) continue;
            layer->parameter[k] = (uint32_t)model->parameter_count;
            const ffn_status status = add_parameter(model, i, k, &answers[i].parameters[k], error);
            if (status != FFN_OK) return status;
        }
    }
    return FFN_OK;
}

static ffn_status lay_out_parameters(ffn_model *model, ffn_error *error)
{
    ffn_layer_plan *answers;
    ffn_status status = ffn__model_ask(model, &answers, error);
    if (status != FFN_OK) return status;
    status = take_answers(model, answers, error);
    ffn__free(answers);
    return status;
}

/* values: in the canonical layout */
static ffn_status make_initial_values(const ffn_model *model, size_t parameter, const ffn_layer_plan *answer,
                                      float *values, ffn_error *error)
{
    const ffn__parameter *p = &model->parameters[parameter];
    const ffn_layer_parameter *declared = &answer->parameters[p->place];
    if (p->role == FFN_WEIGHT) {
        const ffn_initializer initializer =
            ffn__initializer_or_default(model->layers[p->layer].initializer, answer->gain);
        ffn_random random = ffn_random_create(model->seed, ffn__parameter_stream(parameter), 0);
        const size_t rows = p->shape.rank ? p->shape.dim[0] : 1;
        return initializer.ops->fill(&initializer, &random, declared->fan_in, declared->fan_out, rows, p->size / rows,
                                     values, error);
    }
    for (size_t i = 0; i < p->size; i++) values[i] = declared->initial;
    return FFN_OK;
}

static ffn_status set_initial_values(ffn_model *model, size_t parameter, const ffn_layer_plan *answer, ffn_error *error)
{
    const ffn__parameter *p = &model->parameters[parameter];
    if (!p->layout)
        return make_initial_values(model, parameter, answer, ffn__parameter_values(model, parameter), error);
    float *values = ffn__alloc(p->size, sizeof(float), error);
    if (!values) return FFN_OUT_OF_MEMORY;
    const ffn_status status = make_initial_values(model, parameter, answer, values, error);
    if (status == FFN_OK) ffn__parameter_pack(model, parameter, values, model->values);
    ffn__free(values);
    return status;
}

static ffn_status initialize(ffn_model *model, ffn_error *error)
{
    ffn_layer_plan *answers;
    ffn_status status = ffn__model_ask(model, &answers, error);
    if (status != FFN_OK) return status;
    for (size_t i = 0; i < model->parameter_count && status == FFN_OK; i++)
        status = set_initial_values(model, i, &answers[model->parameters[i].layer], error);
    ffn__free(answers);
    return status;
}

/* ---- build ----------------------------------------------------------------------------------------------------- */

static void forget_parameters(ffn_model *model)
{
    for (size_t i = 0; i < model->parameter_count; i++) ffn__free(model->parameters[i].name);
    ffn__free(model->parameters);
    ffn__free(model->values);
    model->parameters = NULL;
    model->values = NULL;
    model->parameter_count = model->value_count = 0;
}

ffn_status ffn__model_lay_out(ffn_model *model, ffn_value output, ffn_error *error)
{
    if (!model->draft) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_build: the model is built already");
    if (model->draft->error.status != FFN_OK) {
        if (error) *error = model->draft->error;
        return model->draft->error.status;
    }
    if (output.id == 0 || output.id > model->node_count)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "ffn_model_build: the output, value %u, is not one of this model's %zu", output.id,
                        model->node_count);
    model->output = output.id - 1;
    ffn_status status = check_all_used(model, model->output, error);
    if (status == FFN_OK) status = check_names(model, error);
    if (status == FFN_OK) status = check_scalers(model, error);
    if (status == FFN_OK) status = lay_out_parameters(model, error);
    if (status != FFN_OK) forget_parameters(model);
    return status;
}

ffn_status ffn__model_allocate(ffn_model *model, ffn_error *error)
{
    model->values = ffn__alloc(model->value_count, sizeof(float), error);
    return model->values ? FFN_OK : FFN_OUT_OF_MEMORY;
}

void ffn__model_settle(ffn_model *model)
{
    const ffn_shape shape = model->nodes[model->output].shape;
    const ffn__node *root = &model->nodes[ffn__model_root(model, model->output, true)];
    model->output_rows = ffn__rows_before_last_axis(shape);
    model->output_cols = ffn__last_axis(shape);
    if (root->layer != FFN__NONE) model->output_activation = model->layers[root->layer].activation;
    const ffn_activation_ops *ops = model->output_activation.ops;
    model->regrouped = ops && ops->over_rows && ffn__last_axis(root->shape) != model->output_cols;
    ffn__free(model->draft);
    model->draft = NULL;
}

ffn_status ffn_model_build(ffn_model *model, ffn_value output, ffn_error *error)
{
    if (!model && error && error->status != FFN_OK) return error->status; /* what ffn_model_create said */
    if (!model) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_build: the model is NULL");
    ffn_status status = ffn__model_lay_out(model, output, error);
    if (status != FFN_OK) return status;
    status = ffn__model_allocate(model, error);
    if (status == FFN_OK) status = initialize(model, error);
    if (status == FFN_OK)
        ffn__model_settle(model);
    else
        forget_parameters(model);
    return status;
}
