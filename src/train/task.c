/* What outputs and targets mean: classes, yes or no, or numbers. */
#include <math.h>

#include "train/train.h"

ffn__task ffn__task_of(const ffn_model *model, const ffn_loss *loss)
{
    const size_t outputs = model->output_cols;
    switch (loss->ops->target) {
    case FFN_TARGET_CLASS_INDEX:
    case FFN_TARGET_DISTRIBUTION: return FFN__CLASSES;
    case FFN_TARGET_PROBABILITY:
    case FFN_TARGET_SIGN: return outputs == 1 ? FFN__BINARY : FFN__SEVERAL_BINARY;
    case FFN_TARGET_NUMBERS: break;
    }
    return FFN__REGRESSION;
}

bool ffn__gives_logits(const ffn_model *model, const ffn_loss *loss)
{
    const ffn_activation_ops *last = model->output_activation.ops;
    return !last || last->fuses == FFN_LOSS_OF_VALUES || loss->ops->target == FFN_TARGET_SIGN;
}

/* Outputs above it are a yes. */
static float output_threshold(const ffn_model *model, const ffn_loss *loss, bool logits)
{
    return logits || ffn__gives_logits(model, loss) ? 0 : (float)0.5;
}

static float target_threshold(const ffn_loss *loss) { return loss->ops->target == FFN_TARGET_SIGN ? 0 : (float)0.5; }

size_t ffn__predicted_class(const ffn_model *model, const ffn_loss *loss, bool logits, const float *y)
{
    if (ffn__task_of(model, loss) == FFN__BINARY) return y[0] > output_threshold(model, loss, logits);
    return ffn__tensor()->argmax(model->output_cols, y);
}

size_t ffn__target_class(const ffn_model *model, const ffn_loss *loss, const float *targets)
{
    if (ffn__task_of(model, loss) == FFN__BINARY) return targets[0] > target_threshold(loss);
    if (loss->ops->target == FFN_TARGET_CLASS_INDEX) return (size_t)targets[0];
    return ffn__tensor()->argmax(model->output_cols, targets);
}

static double right_share(const ffn_model *model, const ffn_loss *loss, bool logits, const float *y,
                          const float *targets)
{
    if (ffn__task_of(model, loss) != FFN__SEVERAL_BINARY)
        return ffn__predicted_class(model, loss, logits, y) == ffn__target_class(model, loss, targets);
    const size_t cols = model->output_cols;
    const float limit = output_threshold(model, loss, logits), target_limit = target_threshold(loss);
    size_t right = 0;
    for (size_t c = 0; c < cols; c++) right += (y[c] > limit) == (targets[c] > target_limit);
    return (double)right / (double)cols;
}

double ffn__count_right(const ffn_model *model, const ffn_loss *loss, bool logits, size_t samples, const float *y,
                        const float *targets, const float *weights)
{
    if (ffn__task_of(model, loss) == FFN__REGRESSION) return (double)NAN;
    const size_t cols = model->output_cols, columns = ffn__loss_target_columns(loss, cols), rows = model->output_rows;
    double right = 0;
    for (size_t s = 0; s < samples; s++) {
        double share = 0;
        for (size_t r = s * rows; r < (s + 1) * rows; r++)
            share += right_share(model, loss, logits, y + r * cols, targets + r * columns);
        right += (weights ? (double)weights[s] : 1) * (rows > 1 ? share / (double)rows : share);
    }
    return right;
}

double ffn__sum_weights(const float *weights, size_t rows)
{
    double sum = weights ? 0 : (double)rows;
    for (size_t r = 0; weights && r < rows; r++) sum += (double)weights[r];
    return sum;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

ffn_loss ffn__loss_for(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss)
{
    const bool chosen = !loss.ops;
    loss = ffn__model_loss(model, loss);
    const size_t outputs = model->output_cols * model->output_rows;
    if (chosen && loss.ops->target == FFN_TARGET_CLASS_INDEX && dataset && dataset->columns == outputs)
        loss.ops = ffn_cross_entropy_soft().ops;
    return loss;
}

ffn_status ffn__check_data(const ffn_model *model, const ffn_loss *loss, const ffn_dataset *dataset, const char *what,
                           ffn_error *error)
{
    if (!dataset) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s is NULL", what);
    const size_t outputs = model->output_cols;
    ffn_status status = ffn__dataset_check_model(dataset, what, model, error);
    if (status != FFN_OK) return status;
    if (dataset->columns == 0) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s has no targets", what);
    const size_t rows = model->output_rows, columns = ffn__loss_target_columns(loss, outputs) * rows;
    if (dataset->columns != columns)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s has %zu target columns; %s with %zu outputs expects %zu", what,
                        dataset->columns, loss->ops->name, outputs, columns);
    if (dataset->classes > outputs && loss->ops->target == FFN_TARGET_CLASS_INDEX)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s has %zu classes; the network has %zu outputs", what,
                        dataset->classes, outputs);
    if (dataset->source.read) return FFN_OK; /* rows are checked as they are read */
    status = ffn__dataset_check_finite(dataset, error);
    if (status != FFN_OK) return status;
    return ffn__targets_check(loss, outputs, dataset->rows * rows, dataset->targets, 0, error);
}
