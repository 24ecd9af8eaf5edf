/* Temperature scaling: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks". One number
 * divides all logits, so that probabilities are neither too sure nor too doubtful; no class changes. It is kept where the
 * logits are made: in the weights and biases of the last dense layer. */
#include <math.h>
#include <string.h>

#include "train/train.h"

/* What the temperature is kept within: where every row is right there is no smallest. */
static const double LEAST = 0.01, MOST = 100;

typedef struct calibration {
    const ffn_dataset *dataset;
    const ffn_loss *loss;
    bool one_of_classes;        /* softmax over the columns, else each is a yes or no */
    size_t rows, per_row, cols; /* rows of logits: of samples times per_row */
    size_t columns;             /* of the targets of a row of logits */
    float *logits;              /* [rows][cols] */
    float *targets;             /* [rows][columns] */
} calibration;

/* ---- the layer ------------------------------------------------------------------------------------------------- */

/* The dense layer whose output, before its activation, are the logits; NULL: there is none, or something else uses it. */
static ffn__layer *find_layer(const ffn_model *model)
{
    size_t node = ffn__model_root(model, model->output, false), users = 0, owners = 0;
    if (model->nodes[node].layer == FFN__NONE) return NULL;
    if (model->layers[model->nodes[node].layer].ops == &ffn__activation_ops) {
        node = ffn__model_root(model, model->nodes[node].inputs[0], false);
        if (model->nodes[node].layer == FFN__NONE) return NULL;
        const ffn_activation_ops *inner = model->layers[model->nodes[node].layer].activation.ops;
        if (inner && inner != ffn_linear().ops) return NULL;
    }
    const size_t layer = model->nodes[node].layer;
    for (size_t n = 0; n < model->node_count; n++) {
        owners += model->nodes[n].layer == layer;
        if (ffn__model_root(model, n, false) != n) continue;
        for (size_t k = 0; k < model->nodes[n].input_count; k++)
            users += ffn__model_root(model, model->nodes[n].inputs[k], false) == node;
    }
    const bool alone = owners == 1 && users <= 1;
    return alone && model->layers[layer].ops == &ffn__dense_ops ? &model->layers[layer] : NULL;
}

static void scale_layer(ffn_model *model, const ffn__layer *layer, double factor)
{
    for (size_t k = 0; k < FFN_MAX_PARAMETERS; k++) {
        const size_t index = ffn__layer_parameter(layer, k);
        if (index == FFN__NONE) continue;
        const ffn__parameter *p = &model->parameters[index];
        if (p->role != FFN_WEIGHT && p->role != FFN_BIAS) continue;
        float *values = ffn__parameter_values(model, index);
        ffn__tensor()->scale(p->stored, (float)factor, values, values);
    }
}

/* ---- the loss as a function of s = 1 / temperature ------------------------------------------------------------- */

/* First and second derivative of a row's log loss. */
typedef struct slope {
    double first, second;
} slope;

static slope slope_of_classes(const calibration *c, const float *z, const float *t, double s)
{
    double largest = -INFINITY, sum = 0, mean = 0, squares = 0, wanted = 0, share = 0;
    for (size_t k = 0; k < c->cols; k++) largest = fmax(largest, (double)z[k]);
    for (size_t k = 0; k < c->cols; k++) {
        const double d = (double)z[k] - largest, p = exp(s * d);
        sum += p;
        mean += p * d;
        squares += p * d * d;
        if (c->columns > 1) wanted += (double)t[k] * d, share += (double)t[k];
    }
    if (c->columns == 1) wanted = (double)z[(size_t)t[0]] - largest, share = 1;
    mean /= sum;
    return (slope){share * mean - wanted, share * (squares / sum - mean * mean)};
}

static slope slope_of_yes(double z, double yes, double s)
{
    const double p = 1 / (1 + exp(-s * z));
    return (slope){z * (p - yes), z * z * p * (1 - p)};
}

static slope slope_at(const calibration *c, double s)
{
    slope sum = {0, 0};
    for (size_t r = 0; r < c->rows; r++) {
        const float *z = c->logits + r * c->cols, *t = c->targets + r * c->columns;
        const double weight = c->dataset->weights ? (double)c->dataset->weights[r / c->per_row] : 1;
        slope row = {0, 0};
        if (c->one_of_classes) {
            row = slope_of_classes(c, z, t, s);
        } else {
            for (size_t k = 0; k < c->cols; k++) {
                const bool sign = c->loss->ops->target == FFN_TARGET_SIGN;
                const slope one = slope_of_yes((double)z[k], sign ? (double)(t[k] > 0) : (double)t[k], s);
                row.first += one.first;
                row.second += one.second;
            }
        }
        sum.first += weight * row.first;
        sum.second += weight * row.second;
    }
    return sum;
}

/* The loss is convex in s, so that its slope has one zero: Newton's steps, halving the interval where they leave it. It is 0
 * everywhere if each row's logits are equal; then s stays 1. */
static double minimize(const calibration *c)
{
    double low = 1 / MOST, high = 1 / LEAST, s = 1;
    if (slope_at(c, s).first == 0) return s;
    if (slope_at(c, low).first >= 0) return low;
    if (slope_at(c, high).first <= 0) return high;
    for (int i = 0; i < 100 && high - low > 1e-12 * s; i++) {
        const slope at = slope_at(c, s);
        if (at.first > 0)
            high = s;
        else
            low = s;
        const double step = at.first / at.second, next = s - step;
        if (!(fabs(step) > 1e-12 * s)) break;
        s = next > low && next < high ? next : (low + high) / 2;
    }
    return s;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static ffn_status collect(calibration *c, const ffn_model *model, ffn_error *error)
{
    size_t size;
    const size_t batch = c->dataset->rows < FFN__EVALUATION_BATCH ? c->dataset->rows : FFN__EVALUATION_BATCH;
    if (!ffn__multiply(c->rows, c->cols + c->columns, &size)) size = SIZE_MAX;
    c->logits = ffn__alloc(size, sizeof(float), error);
    if (!c->logits) return FFN_OUT_OF_MEMORY;
    c->targets = c->logits + c->rows * c->cols;
    ffn_plan *plan = ffn__plan_create(model, (ffn_plan_options){.max_batch = batch}, true, error);
    if (!plan) return FFN_OUT_OF_MEMORY;
    ffn__rows rows;
    ffn_status status = ffn__rows_open(&rows, c->dataset, batch, error);
    for (size_t begin = 0; begin < c->dataset->rows && status == FFN_OK; begin += batch) {
        const size_t n = c->dataset->rows - begin < batch ? c->dataset->rows - begin : batch;
        const size_t first = begin * c->per_row, count = n * c->per_row;
        const float *x, *targets;
        status = ffn__rows_read(&rows, begin, n, &x, &targets, error);
        if (status == FFN_OK) status = ffn__targets_check(c->loss, c->cols, count, targets, first, error);
        if (status != FFN_OK) break;
        const float *z = ffn__forward_for_loss(plan, c->loss, x, n);
        memcpy(c->logits + first * c->cols, z, count * c->cols * sizeof *z);
        memcpy(c->targets + first * c->columns, targets, count * c->columns * sizeof *targets);
    }
    ffn__rows_close(&rows);
    ffn_plan_destroy(plan);
    if (status == FFN_OK && !ffn__tensor()->all_finite(c->rows * c->cols, c->logits))
        status =
            ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_calibrate: the model gives logits that are not finite");
    return status;
}

static ffn_status check(const ffn_model *model, const ffn_dataset *dataset, const ffn_loss *loss, ffn_error *error)
{
    ffn_status status = ffn__model_check_loss(model, loss, error);
    if (status == FFN_OK) status = ffn__check_data(model, loss, dataset, "the dataset", error);
    if (status == FFN_OK && ffn__task_of(model, loss) == FFN__REGRESSION)
        status = ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_calibrate: the targets of %s are not classes",
                          loss->ops->name);
    return status;
}

ffn_status ffn_model_calibrate(ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, double *temperature,
                               ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    loss = ffn__loss_for(model, dataset, loss);
    status = check(model, dataset, &loss, error);
    if (status != FFN_OK) return status;
    const ffn__layer *layer = find_layer(model);
    if (!layer)
        return ffn_fail(
            error, FFN_UNSUPPORTED,
            "ffn_model_calibrate: the logits are those of %s; expected a dense layer that nothing else uses",
            ffn__node_name(model, ffn__model_root(model, model->output, false)));
    const ffn__task task = ffn__task_of(model, &loss);
    calibration c = {.dataset = dataset,
                     .loss = &loss,
                     .one_of_classes = task == FFN__CLASSES,
                     .rows = dataset->rows * model->output_rows,
                     .per_row = model->output_rows,
                     .cols = model->output_cols,
                     .columns = ffn__loss_target_columns(&loss, model->output_cols)};
    status = collect(&c, model, error);
    if (status == FFN_OK) {
        const double factor = minimize(&c);
        scale_layer(model, layer, factor);
        if (temperature) *temperature = 1 / factor;
    }
    ffn__free(c.logits);
    return status;
}
