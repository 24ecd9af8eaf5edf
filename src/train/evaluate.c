/* Prediction, and the figures that say how good it is. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "train/train.h"

/* Making a plan takes longer than predicting a row by it, so that one for so many rows stays with the model. */
enum { FEW_ROWS = 8 };

static ffn_plan *take_plan(const ffn_model *model, size_t rows, ffn_error *error)
{
    const bool few = rows <= FEW_ROWS;
    ffn_plan *plan = few ? atomic_exchange(&((ffn_model *)model)->few_rows, NULL) : NULL;
    const size_t most = few ? FEW_ROWS : ffn__smaller(rows, FFN__EVALUATION_BATCH);
    return plan ? plan : ffn_plan_create(model, (ffn_plan_options){.max_batch = most}, error);
}

static void give_back(const ffn_model *model, ffn_plan *plan)
{
    if (plan->options.max_batch == FEW_ROWS) plan = atomic_exchange(&((ffn_model *)model)->few_rows, plan);
    ffn_plan_destroy(plan);
}

ffn_status ffn_predict(const ffn_model *model, const float *x, size_t rows, float *y, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    const ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!x || !y || rows == 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_predict: %s; expected x, y and at least 1 row",
                        rows == 0 ? "0 rows"
                        : !x      ? "x is NULL"
                                  : "y is NULL");
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(model));
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(model));
    if (!ffn__is_array(rows, inputs) || !ffn__is_array(rows, outputs))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_predict: %zu rows are more than memory can hold", rows);
    ffn_plan *plan = take_plan(model, rows, error);
    if (!plan) return error->status;
    for (size_t begin = 0; begin < rows; begin += FFN__EVALUATION_BATCH) {
        const size_t n = ffn__smaller(rows - begin, FFN__EVALUATION_BATCH);
        memcpy(y + begin * outputs, ffn_forward(plan, x + begin * inputs, n), n * outputs * sizeof(float));
    }
    give_back(model, plan);
    return FFN_OK;
}

/* What a pass over a dataset adds up. */
typedef struct totals {
    double loss, loss_weight;
    double right, weight; /* of samples */
} totals;

/* Runs rows begin .. begin + n - 1, which have these weights (NULL: all 1): their targets and outputs. */
static ffn_status evaluate_batch(ffn_plan *plan, const ffn_loss *loss, ffn__rows *rows, size_t begin, size_t n,
                                 const float *weights, totals *t, const float **outputs, const float **targets_read,
                                 ffn_error *error)
{
    const float *x, *targets;
    const size_t output_rows = plan->model->output_rows;
    ffn_status status = ffn__rows_read(rows, begin, n, &x, &targets, error);
    if (status == FFN_OK && rows->buffer)
        status =
            ffn__targets_check(loss, plan->model->output_cols, n * output_rows, targets, begin * output_rows, error);
    if (status != FFN_OK) return status;
    const float *y = ffn_forward(plan, x, n);
    double weight;
    t->right += ffn__count_right(plan->model, loss, false, n, y, targets, weights);
    t->weight += ffn__sum_weights(weights, n);
    ffn_plan_set_row_weights(plan, weights);
    t->loss += ffn__plan_loss(plan, loss, targets, &weight);
    t->loss_weight += weight;
    ffn_plan_set_row_weights(plan, NULL);
    *outputs = y;
    *targets_read = targets;
    return FFN_OK;
}

ffn_status ffn__evaluate_quickly(ffn_plan *plan, const ffn_loss *loss, const ffn_dataset *dataset, ffn_metric *metric,
                                 double *mean_loss, double *accuracy, ffn_error *error)
{
    totals t = {0};
    ffn__rows rows;
    const float *y, *targets;
    const size_t batch = plan->options.max_batch;
    ffn_status status = ffn__rows_open(&rows, dataset, batch, error);
    for (size_t begin = 0; begin < dataset->rows && status == FFN_OK; begin += batch) {
        const size_t n = ffn__smaller(dataset->rows - begin, batch);
        const float *weights = dataset->weights ? dataset->weights + begin : NULL;
        status = evaluate_batch(plan, loss, &rows, begin, n, weights, &t, &y, &targets, error);
        if (status == FFN_OK && metric)
            status = ffn__metric_add(metric, plan->model, y, metric->options.logits, targets, weights, n, error);
    }
    ffn__rows_close(&rows);
    if (status != FFN_OK) return status;
    *mean_loss = t.loss / t.loss_weight;
    *accuracy = t.right / t.weight;
    return FFN_OK;
}

/* ---- metrics --------------------------------------------------------------------------------------------------- */

/* Of one output column of a regression: Welford's sums of the targets, and the errors'. */
typedef struct column_sums {
    double mean, squares, error_squares, error_sizes;
} column_sums;

typedef struct evaluation {
    const ffn_model *model;
    const ffn_dataset *dataset;
    const ffn_loss *loss;
    ffn_plan *plan;
    ffn_metrics metrics;
    column_sums *columns; /* [outputs] of a regression */
    size_t outputs, target_columns;
    size_t seen; /* rows so far */
} evaluation;

void ffn_metrics_destroy(ffn_metrics *metrics)
{
    if (!metrics) return;
    ffn__free(metrics->confusion);
    ffn__free(metrics->precision);
    ffn__free(metrics->recall);
    ffn__free(metrics->f1);
    *metrics = (ffn_metrics){0};
}

static ffn_status allocate(evaluation *e, ffn_error *error)
{
    ffn_metrics *m = &e->metrics;
    const ffn__task task = ffn__task_of(e->model, e->loss);
    size_t cells;
    m->classes = task == FFN__CLASSES ? e->outputs : task == FFN__BINARY ? 2 : 0;
    if (!ffn__multiply(m->classes, m->classes, &cells))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "a confusion matrix of %zu classes is too large", m->classes);
    if (task == FFN__REGRESSION) {
        e->columns = ffn__alloc(e->outputs, sizeof(*e->columns), error);
        return e->columns ? FFN_OK : FFN_OUT_OF_MEMORY;
    }
    if (m->classes == 0) return FFN_OK;
    m->confusion = ffn__alloc(cells, sizeof(*m->confusion), error);
    m->precision = ffn__alloc(m->classes, sizeof(double), error);
    m->recall = ffn__alloc(m->classes, sizeof(double), error);
    m->f1 = ffn__alloc(m->classes, sizeof(double), error);
    return m->confusion && m->precision && m->recall && m->f1 ? FFN_OK : FFN_OUT_OF_MEMORY;
}

static void count_row(evaluation *e, const float *y, const float *targets)
{
    e->seen++;
    if (e->metrics.confusion)
        e->metrics.confusion[ffn__target_class(e->model, e->loss, targets) * e->metrics.classes +
                             ffn__predicted_class(e->model, e->loss, false, y)]++;
    for (size_t c = 0; e->columns && c < e->outputs; c++) {
        column_sums *column = &e->columns[c];
        const double target = (double)targets[c], residual = (double)y[c] - target, delta = target - column->mean;
        column->mean += delta / (double)e->seen;
        column->squares += delta * (target - column->mean);
        column->error_squares += residual * residual;
        column->error_sizes += fabs(residual);
    }
}

static ffn_status count_rows(evaluation *e, ffn__rows *rows, ffn_error *error)
{
    totals t = {0};
    const size_t per_row = e->model->output_rows;
    for (size_t begin = 0; begin < e->dataset->rows; begin += FFN__EVALUATION_BATCH) {
        const size_t n = ffn__smaller(e->dataset->rows - begin, FFN__EVALUATION_BATCH);
        const float *y, *targets;
        const ffn_status status = evaluate_batch(e->plan, e->loss, rows, begin, n, NULL, &t, &y, &targets, error);
        if (status != FFN_OK) return status;
        for (size_t r = 0; r < n * per_row; r++) count_row(e, y + r * e->outputs, targets + r * e->target_columns);
    }
    e->metrics.loss = t.loss / t.loss_weight;
    e->metrics.accuracy = t.right / t.weight;
    return FFN_OK;
}

static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

static void finish_classes(ffn_metrics *m)
{
    const size_t n = m->classes;
    for (size_t c = 0; c < n; c++) {
        double predicted = 0, actual = 0;
        const double right = (double)m->confusion[c * n + c];
        for (size_t k = 0; k < n; k++) {
            actual += (double)m->confusion[c * n + k];
            predicted += (double)m->confusion[k * n + c];
        }
        m->precision[c] = ratio(right, predicted);
        m->recall[c] = ratio(right, actual);
        m->f1[c] = ratio(2 * right, predicted + actual);
        m->macro_f1 += m->f1[c] / (double)n;
    }
}

static void finish_regression(evaluation *e)
{
    ffn_metrics *m = &e->metrics;
    double squares = 0, sizes = 0;
    m->r2 = 0;
    for (size_t c = 0; c < e->outputs; c++) {
        const column_sums *column = &e->columns[c];
        squares += column->error_squares;
        sizes += column->error_sizes;
        /* constant targets: 1 if met exactly, else 0 */
        const double r2 = column->squares > 0 ? 1 - column->error_squares / column->squares
                                              : (column->error_squares == 0 ? 1.0 : 0.0);
        m->r2 += r2 / (double)e->outputs;
    }
    const double elements = (double)e->seen * (double)e->outputs;
    m->mae = sizes / elements;
    m->rmse = sqrt(squares / elements);
}

static ffn_status evaluate(evaluation *e, ffn_error *error)
{
    ffn_metrics *m = &e->metrics;
    ffn_status status = ffn__model_check_loss(e->model, e->loss, error);
    if (status == FFN_OK) status = ffn__check_data(e->model, e->loss, e->dataset, "the dataset", error);
    if (status != FFN_OK) return status;
    e->outputs = e->model->output_cols;
    e->target_columns = ffn__loss_target_columns(e->loss, e->outputs);
    e->plan = ffn__plan_create(
        e->model, (ffn_plan_options){.max_batch = ffn__smaller(e->dataset->rows, FFN__EVALUATION_BATCH)}, true, error);
    if (!e->plan) return error->status;
    status = allocate(e, error);
    if (status != FFN_OK) return status;
    m->rows = e->dataset->rows;
    m->macro_f1 = m->classes ? 0 : (double)NAN;
    m->r2 = m->mae = m->rmse = (double)NAN;
    ffn__rows rows;
    status = ffn__rows_open(&rows, e->dataset, FFN__EVALUATION_BATCH, error);
    if (status == FFN_OK) status = count_rows(e, &rows, error);
    ffn__rows_close(&rows);
    if (status != FFN_OK) return status;
    if (m->classes) finish_classes(m);
    if (e->columns) finish_regression(e);
    return FFN_OK;
}

ffn_status ffn_evaluate(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, ffn_metrics *metrics,
                        ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!metrics) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_evaluate: metrics is NULL");
    loss = ffn__loss_for(model, dataset, loss);
    evaluation e = {.model = model, .dataset = dataset, .loss = &loss};
    status = evaluate(&e, error);
    ffn_plan_destroy(e.plan);
    ffn__free(e.columns);
    if (status == FFN_OK) {
        ffn_metrics_destroy(metrics);
        *metrics = e.metrics;
    } else {
        ffn_metrics_destroy(&e.metrics);
    }
    return status;
}
