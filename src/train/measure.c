/* Metrics of a model's outputs. */
#include "train/train.h"

ffn_metric *ffn__metric_for(const char *name, const ffn_model *model, const ffn_loss *loss, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    const ffn__task task = ffn__task_of(model, loss);
    const size_t outputs = model->output_cols;
    ffn_metric *metric =
        ffn_metric_create(name,
                          &(ffn_metric_options){.outputs = outputs,
                                                .target_columns = ffn__loss_target_columns(loss, outputs),
                                                .logits = ffn__gives_logits(model, loss),
                                                .several = task == FFN__SEVERAL_BINARY,
                                                .signs = loss->ops->target == FFN_TARGET_SIGN},
                          error);
    if (!metric || metric->kind->of_numbers == (task == FFN__REGRESSION)) return metric;
    (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "the metric %s is one of %s; the targets of %s are not", name,
                   metric->kind->of_numbers ? "numbers" : "classes", loss->ops->name);
    ffn_metric_destroy(metric);
    return NULL;
}

ffn_metric *ffn_metric_create_for(const char *name, const ffn_model *model, ffn_loss loss, ffn_error *error)
{
    if (ffn__model_check_built(model, error) != FFN_OK) return NULL;
    loss = ffn__model_loss(model, loss);
    if (ffn__model_check_loss(model, &loss, error) != FFN_OK) return NULL;
    return ffn__metric_for(name, model, &loss, error);
}

/* ---- over a dataset -------------------------------------------------------------------------------------------- */

ffn_status ffn__metric_add(ffn_metric *metric, const ffn_model *model, const float *y, bool logits,
                           const float *targets, const float *weights, size_t samples, ffn_error *error)
{
    const size_t rows = model->output_rows, all = samples * rows;
    const size_t outputs = metric->options.outputs, columns = metric->options.target_columns;
    ffn_status status = FFN_OK;
    if (rows == 1 || !weights) return ffn__metric_update(metric, y, logits, targets, weights, all, error);
    for (size_t r = 0; r < all && status == FFN_OK; r++)
        status =
            ffn__metric_update(metric, y + r * outputs, logits, targets + r * columns, weights + r / rows, 1, error);
    return status;
}

ffn_status ffn__measure(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, const char *name,
                        size_t threads, double *value, ffn_error *error)
{
    double mean_loss, accuracy;
    loss = ffn__loss_for(model, dataset, loss);
    ffn_status status = ffn__model_check_loss(model, &loss, error);
    if (status == FFN_OK) status = ffn__check_data(model, &loss, dataset, "the dataset", error);
    if (status != FFN_OK) return status;
    ffn_metric *metric = name ? ffn__metric_for(name, model, &loss, error) : NULL;
    if (name && !metric) return error->status;
    const size_t batch = dataset->rows < FFN__EVALUATION_BATCH ? dataset->rows : FFN__EVALUATION_BATCH;
    ffn_plan *plan = ffn__plan_create(model, (ffn_plan_options){.max_batch = batch, .threads = threads}, true, error);
    status = plan ? ffn__evaluate_quickly(plan, &loss, dataset, metric, &mean_loss, &accuracy, error) : error->status;
    if (status == FFN_OK) *value = metric ? ffn_metric_value(metric) : mean_loss;
    ffn_plan_destroy(plan);
    ffn_metric_destroy(metric);
    return status;
}

ffn_status ffn_evaluate_metric(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, const char *name,
                               double *value, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    const ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!value || !name)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_evaluate_metric: %s is NULL", value ? "name" : "value");
    return ffn__measure(model, dataset, loss, name, 0, value, error);
}
