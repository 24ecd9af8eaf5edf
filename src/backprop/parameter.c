/* Parameters by index and name, and what a model says of itself. */
#include <math.h>
#include <string.h>

#include "backprop/model.h"

ffn_status ffn__model_check_built(const ffn_model *model, ffn_error *error)
{
    if (!model) return ffn_fail(error, FFN_INVALID_ARGUMENT, "the model is NULL");
    if (model->draft)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the model is not built; call ffn_model_build first");
    return FFN_OK;
}

static ffn_status check_index(const ffn_model *model, size_t index, const void *pointer, ffn_error *error)
{
    const ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (index >= model->parameter_count)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "parameter %zu of a model that has %zu", index,
                        model->parameter_count);
    if (!pointer)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the pointer given for %s is NULL", model->parameters[index].name);
    return FFN_OK;
}

size_t ffn_model_parameter_count(const ffn_model *model) { return model && !model->draft ? model->parameter_count : 0; }

ffn_status ffn_model_parameter_info(const ffn_model *model, size_t index, ffn_parameter_info *info, ffn_error *error)
{
    const ffn_status status = check_index(model, index, info, error);
    if (status != FFN_OK) return status;
    const ffn__parameter *p = &model->parameters[index];
    *info = (ffn_parameter_info){p->name, p->shape, ffn__parameter_trainable(model, index)};
    return FFN_OK;
}

ffn_status ffn_model_find_parameter(const ffn_model *model, const char *name, size_t *index, ffn_error *error)
{
    const ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!name || !index)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_find_parameter: the %s is NULL",
                        name ? "index" : "name");
    for (size_t i = 0; i < model->parameter_count; i++)
        if (strcmp(model->parameters[i].name, name) == 0) {
            *index = i;
            return FFN_OK;
        }
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "no parameter is named %.80s; the first of %zu is %s", name,
                    model->parameter_count, model->parameter_count ? model->parameters[0].name : "none");
}

size_t ffn__parameter_place(const ffn__parameter *p, size_t index, size_t *run)
{
    *run = p->size - index;
    return p->offset + (p->layout ? p->layout->place(p->shape, index, run) : index);
}

void ffn__parameter_unpack(const ffn_model *model, size_t parameter, const float *block, float *canonical)
{
    const ffn__parameter *p = &model->parameters[parameter];
    for (size_t i = 0, run; i < p->size; i += run) {
        const size_t place = ffn__parameter_place(p, i, &run);
        memcpy(canonical + i, block + place, run * sizeof(float));
    }
}

void ffn__parameter_pack(const ffn_model *model, size_t parameter, const float *canonical, float *block)
{
    const ffn__parameter *p = &model->parameters[parameter];
    for (size_t i = 0, run; i < p->size; i += run) {
        const size_t place = ffn__parameter_place(p, i, &run);
        memcpy(block + place, canonical + i, run * sizeof(float));
    }
}

/* ---- norms of rows --------------------------------------------------------------------------------------------- */

typedef struct row_job {
    const ffn_model *model;
    const ffn__parameter *parameter;
    ffn__tiles tiles; /* of rows */
    size_t cols;
    float limit;
} row_job;

static void limit_row(const row_job *j, size_t row)
{
    const size_t first = row * j->cols, end = first + j->cols;
    double squares = 0;
    for (size_t i = first, run; i < end; i += run) {
        const float *values = j->model->values + ffn__parameter_place(j->parameter, i, &run);
        if (run > end - i) run = end - i;
        squares += ffn__tensor()->sum_squares(run, values);
    }
    if (!(squares > (double)j->limit * (double)j->limit)) return;
    const float factor = (float)((double)j->limit / sqrt(squares));
    for (size_t i = first, run; i < end; i += run) {
        float *values = j->model->values + ffn__parameter_place(j->parameter, i, &run);
        if (run > end - i) run = end - i;
        ffn__tensor()->scale(run, factor, values, values);
    }
}

static void limit_tile(void *context, size_t tile)
{
    const row_job *j = context;
    for (size_t r = ffn__tile_begin(&j->tiles, tile), end = ffn__tile_end(&j->tiles, tile); r < end; r++)
        limit_row(j, r);
}

void ffn__parameter_limit_rows(const ffn_model *model, size_t parameter, float limit, size_t threads)
{
    const ffn__parameter *p = &model->parameters[parameter];
    const size_t rows = p->shape.rank ? p->shape.dim[0] : 1;
    const double work = 2 * (double)p->size;
    row_job job = {.model = model,
                   .parameter = p,
                   .tiles = ffn__tiles_create(rows, 1, work),
                   .cols = p->size / rows,
                   .limit = limit};
    ffn__parallel(threads, job.tiles.count, work, limit_tile, &job);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

ffn_status ffn_model_get_parameter(const ffn_model *model, size_t index, float *values, ffn_error *error)
{
    const ffn_status status = check_index(model, index, values, error);
    if (status == FFN_OK) ffn__parameter_unpack(model, index, model->values, values);
    return status;
}

ffn_status ffn_model_set_parameter(ffn_model *model, size_t index, const float *values, ffn_error *error)
{
    const ffn_status status = check_index(model, index, values, error);
    if (status != FFN_OK) return status;
    const ffn__parameter *p = &model->parameters[index];
    if (!ffn__tensor()->all_finite(p->size, values))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "a value given for %s is not finite", p->name);
    ffn__parameter_pack(model, index, values, model->values);
    return FFN_OK;
}

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

size_t ffn__model_input_size(const ffn_model *model)
{
    size_t size = 0;
    for (size_t i = 0; i < model->node_count; i++)
        if (model->nodes[i].layer == FFN__NONE) size += ffn_shape_size(model->nodes[i].shape);
    return size;
}

ffn_shape ffn_model_input_shape(const ffn_model *model)
{
    ffn_shape shape = {0};
    size_t inputs = 0;
    if (!model || model->draft) return shape;
    for (size_t i = 0; i < model->node_count; i++)
        if (model->nodes[i].layer == FFN__NONE && inputs++ == 0) shape = model->nodes[i].shape;
    return inputs == 1 ? shape : ffn_shape_1d(ffn__model_input_size(model));
}

ffn_shape ffn_model_output_shape(const ffn_model *model)
{
    return model && !model->draft ? model->nodes[model->output].shape : (ffn_shape){0};
}

/* ---- the loss that goes with the output ------------------------------------------------------------------------ */

ffn_loss ffn__model_loss(const ffn_model *model, ffn_loss loss)
{
    if (loss.ops) return loss;
    const ffn_activation_ops *ops = model->output_activation.ops;
    ffn_loss chosen = ffn_mse();
    if (ops && ops->over_rows)
        chosen = ffn_cross_entropy();
    else if (ops && ops->fuses == FFN_LOSS_OF_SIGMOID_LOGITS)
        chosen = ffn_binary_cross_entropy();
    loss.ops = chosen.ops;
    return loss;
}

ffn_status ffn__model_check_loss(const ffn_model *model, const ffn_loss *loss, ffn_error *error)
{
    const ffn_activation_ops *ops = model->output_activation.ops;
    const bool fits = !ops || ops->fuses == FFN_LOSS_OF_VALUES || loss->ops->domain == FFN_LOSS_OF_VALUES ||
                      ffn__model_fuses(model, loss);
    const size_t cols = ffn__last_axis(model->nodes[ffn__model_root(model, model->output, true)].shape);
    if (!fits && model->regrouped)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "the network ends in %s over rows of %zu, and %s is over those of its output, of %zu; expected "
                        "views behind it that leave the last axis as it is",
                        ops->name, cols, loss->ops->name, model->output_cols);
    if (!fits)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "the network ends in %s, which does not go with %s: its outputs are not logits", ops->name,
                        loss->ops->name);
    return ffn__loss_check(loss, model->output_cols, error);
}
