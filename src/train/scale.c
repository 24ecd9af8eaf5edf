/* Fitting the model's scalers to data: mean and variance by Welford's method, or minimum and maximum, in double. */
#include <float.h>
#include <math.h>

#include "train/train.h"

typedef struct moments {
    double mean, squares, low, high;
} moments;

static moments measure(const ffn_dataset *dataset, size_t column)
{
    moments m = {.low = INFINITY, .high = -INFINITY};
    for (size_t r = 0; r < dataset->rows; r++) {
        const double x = (double)dataset->x[r * dataset->features + column], delta = x - m.mean;
        m.mean += delta / (double)(r + 1);
        m.squares += delta * (x - m.mean);
        m.low = fmin(m.low, x);
        m.high = fmax(m.high, x);
    }
    return m;
}

/* Columns of x from `begin` on; each element of the sample is a feature of its own. */
static void fit_scaler(ffn_model *model, const ffn__layer *layer, size_t begin, size_t size, const ffn_dataset *dataset)
{
    float *offset = ffn__parameter_values(model, layer->parameter[FFN__SCALER_OFFSET]);
    float *factor = ffn__parameter_values(model, layer->parameter[FFN__SCALER_FACTOR]);
    for (size_t i = 0; i < size; i++) {
        const moments m = measure(dataset, begin + i);
        const bool standard = layer->ops == &ffn__standardize_ops;
        const double spread = standard ? sqrt(m.squares / (double)dataset->rows) : m.high - m.low;
        /* a feature that varies by less than its own rounding is constant */
        const bool constant = !(spread > (double)FLT_EPSILON * fmax(fabs(m.low), fabs(m.high)) && 1 / spread < FLT_MAX);
        offset[i] = (float)(standard ? m.mean : m.low);
        factor[i] = constant ? 1 : (float)(1 / spread);
    }
    *ffn__parameter_values(model, layer->parameter[FFN__SCALER_FITTED]) = 1;
}

/* Column of x at which an input begins. */
static size_t input_begin(const ffn_model *model, size_t input)
{
    size_t begin = 0;
    for (size_t i = 0; i < input; i++)
        if (model->nodes[i].layer == FFN__NONE) begin += ffn_shape_size(model->nodes[i].shape);
    return begin;
}

static void fit_scalers(ffn_model *model, const ffn_dataset *dataset, bool only_new)
{
    for (size_t i = 0; i < model->node_count; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer == FFN__NONE) continue;
        const ffn__layer *layer = &model->layers[node->layer];
        if (layer->ops != &ffn__standardize_ops && layer->ops != &ffn__min_max_ops) continue;
        if (only_new && *ffn__parameter_values(model, layer->parameter[FFN__SCALER_FITTED]) != 0) continue;
        fit_scaler(model, layer, input_begin(model, node->inputs[0]), ffn_shape_size(node->shape), dataset);
    }
}

static ffn_status check(const ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!dataset) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_fit_scalers: the dataset is NULL");
    if (dataset->features != ffn__model_input_size(model))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "the dataset has %zu features; expected the network's %zu inputs",
                        dataset->features, ffn__model_input_size(model));
    return ffn__dataset_check_finite(dataset, error);
}

ffn_status ffn_model_fit_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn_status status = check(model, dataset, error);
    if (status == FFN_OK) fit_scalers(model, dataset, false);
    return status;
}

ffn_status ffn__fit_new_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn_status status = check(model, dataset, error);
    if (status == FFN_OK) fit_scalers(model, dataset, true);
    return status;
}
