/* Fitting the model's scalers to data: mean and variance by Welford's method, minimum and maximum, or quantiles, in
 * double. */
#include <float.h>
#include <math.h>

#include "train/train.h"

typedef struct moments {
    double mean, squares, low, high;
} moments;

/* Of x [rows] numbers, `stride` apart. */
static moments measure_numbers(const float *x, size_t rows, size_t stride)
{
    moments m = {.low = INFINITY, .high = -INFINITY};
    for (size_t r = 0; r < rows; r++) {
        const double value = (double)x[r * stride], delta = value - m.mean;
        m.mean += delta / (double)(r + 1);
        m.squares += delta * (value - m.mean);
        m.low = fmin(m.low, value);
        m.high = fmax(m.high, value);
    }
    return m;
}

static moments measure(const ffn_dataset *dataset, size_t column)
{
    return measure_numbers(dataset->x + column, dataset->rows, dataset->features);
}

/* The spread, or 1 for numbers up to `size` that vary by less than their own rounding. */
static double usable(double spread, double size)
{
    return spread > (double)FLT_EPSILON * size && 1 / spread < FLT_MAX ? spread : 1;
}

static void set_scale(double offset, double spread, double size, float *to_offset, float *to_factor)
{
    *to_offset = (float)offset;
    *to_factor = (float)(1 / usable(spread, size));
}

/* ---- quantiles ------------------------------------------------------------------------------------------------- */

/* One column of the data, and its rows in ascending order. */
typedef struct column {
    const float *x;
    size_t stride, rows;
    size_t *order; /* [rows], and as much scratch behind them */
} column;

static bool less(const void *context, size_t a, size_t b)
{
    const column *c = context;
    return c->x[a * c->stride] < c->x[b * c->stride];
}

static void sort_column(column *c, const ffn_dataset *dataset, size_t index)
{
    c->x = dataset->x + index;
    for (size_t i = 0; i < c->rows; i++) c->order[i] = i;
    ffn__sort(c->order, c->order + c->rows, c->rows, less, c);
}

static double at(const column *c, size_t place) { return (double)c->x[c->order[place] * c->stride]; }

/* The value below which k / n of the rows lie: between two rows by interpolation, and a row's own where that is
 * exact. */
static double quantile(const column *c, size_t k, size_t n)
{
    const size_t whole = (c->rows - 1) / n, rest = (c->rows - 1) % n;
    const size_t low = k * whole + k * rest / n, part = k * rest % n; /* k (rows - 1) / n, with no overflow */
    if (part == 0) return at(c, low);
    return at(c, low) + (double)part / (double)n * (at(c, low + 1) - at(c, low));
}

/* ---- one scaler ------------------------------------------------------------------------------------------------ */

/* What a scaler is fitted with. Columns of x from `begin` on are its elements, each a feature of its own. */
typedef struct fitting {
    ffn_model *model;
    const ffn__layer *layer;
    const ffn_dataset *dataset;
    size_t begin, size;
    column column; /* for those that sort */
} fitting;

static float *state_of(const fitting *f, size_t index)
{
    return ffn__parameter_values(f->model, ffn__layer_parameter(f->layer, index));
}

static void fit_standard(fitting *f)
{
    float *offset = state_of(f, FFN__SCALER_OFFSET), *factor = state_of(f, FFN__SCALER_FACTOR);
    for (size_t i = 0; i < f->size; i++) {
        const moments m = measure(f->dataset, f->begin + i);
        set_scale(m.mean, sqrt(m.squares / (double)f->dataset->rows), fmax(fabs(m.low), fabs(m.high)), &offset[i],
                  &factor[i]);
    }
}

/* y = (x - offset) factor with factor sd and offset -mean / sd. */
static void fit_targets(fitting *f)
{
    float *offset = state_of(f, FFN__SCALER_OFFSET), *factor = state_of(f, FFN__SCALER_FACTOR);
    for (size_t i = 0; i < f->size; i++) {
        const moments m = measure_numbers(f->dataset->targets + i, f->dataset->rows, f->size);
        const double sd = usable(sqrt(m.squares / (double)f->dataset->rows), fmax(fabs(m.low), fabs(m.high)));
        offset[i] = (float)(-m.mean / sd);
        factor[i] = (float)sd;
    }
}

static void fit_min_max(fitting *f)
{
    float *offset = state_of(f, FFN__SCALER_OFFSET), *factor = state_of(f, FFN__SCALER_FACTOR);
    for (size_t i = 0; i < f->size; i++) {
        const moments m = measure(f->dataset, f->begin + i);
        set_scale(m.low, m.high - m.low, fmax(fabs(m.low), fabs(m.high)), &offset[i], &factor[i]);
    }
}

static void fit_robust(fitting *f)
{
    float *offset = state_of(f, FFN__SCALER_OFFSET), *factor = state_of(f, FFN__SCALER_FACTOR);
    for (size_t i = 0; i < f->size; i++) {
        sort_column(&f->column, f->dataset, f->begin + i);
        const double low = quantile(&f->column, 1, 4), high = quantile(&f->column, 3, 4);
        set_scale(quantile(&f->column, 1, 2), high - low, fmax(fabs(low), fabs(high)), &offset[i], &factor[i]);
    }
}

static void fit_quantiles(fitting *f)
{
    const ffn__parameter *table = &f->model->parameters[ffn__layer_parameter(f->layer, FFN__QUANTILE_TABLE)];
    const size_t n = table->shape.dim[1];
    float *values = state_of(f, FFN__QUANTILE_TABLE);
    for (size_t i = 0; i < f->size; i++) {
        sort_column(&f->column, f->dataset, f->begin + i);
        for (size_t k = 0; k < n; k++) values[i * n + k] = (float)quantile(&f->column, k, n - 1);
    }
}

static const struct scaler {
    const ffn_layer_ops *ops;
    void (*fit)(fitting *fitting);
    size_t fitted; /* the state that tells */
} scalers[] = {
    {&ffn__standardize_ops, fit_standard, FFN__SCALER_FITTED},
    {&ffn__min_max_ops, fit_min_max, FFN__SCALER_FITTED},
    {&ffn__robust_ops, fit_robust, FFN__SCALER_FITTED},
    {&ffn__quantile_ops, fit_quantiles, FFN__QUANTILE_FITTED},
    {&ffn__unstandardize_ops, fit_targets, FFN__SCALER_FITTED},
};

static const struct scaler *find_scaler(const ffn_layer_ops *ops)
{
    for (size_t i = 0; i < sizeof scalers / sizeof scalers[0]; i++)
        if (scalers[i].ops == ops) return &scalers[i];
    return NULL;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

/* Column of x at which an input begins. */
static size_t input_begin(const ffn_model *model, size_t input)
{
    size_t begin = 0;
    for (size_t i = 0; i < input; i++)
        if (model->nodes[i].layer == FFN__NONE) begin += ffn_shape_size(model->nodes[i].shape);
    return begin;
}

static ffn_status fit_in_memory(ffn_model *model, const ffn_dataset *dataset, bool only_new, ffn_error *error)
{
    fitting f = {.model = model, .dataset = dataset, .column = {.stride = dataset->features, .rows = dataset->rows}};
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < model->node_count && status == FFN_OK; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer == FFN__NONE) continue;
        f.layer = &model->layers[node->layer];
        const struct scaler *scaler = find_scaler(f.layer->ops);
        if (!scaler || (only_new && *state_of(&f, scaler->fitted) != 0)) continue;
        f.begin = ffn__scales_targets(f.layer->ops) ? 0 : input_begin(model, node->inputs[0]);
        f.size = ffn_shape_size(node->shape);
        if (!f.column.order) f.column.order = ffn__alloc(dataset->rows, 2 * sizeof(size_t), error);
        if (f.column.order)
            scaler->fit(&f);
        else
            status = FFN_OUT_OF_MEMORY;
        if (status == FFN_OK) *state_of(&f, scaler->fitted) = 1;
    }
    ffn__free(f.column.order);
    return status;
}

/* Of a source, to a sample of its rows. */
static ffn_status fit_scalers(ffn_model *model, const ffn_dataset *dataset, bool only_new, ffn_error *error)
{
    enum { MOST_ROWS = 65536 };
    bool wanted = false;
    for (size_t i = 0; i < model->layer_count; i++) {
        const ffn_layer_ops *ops = model->layers[i].ops;
        wanted |= ffn__is_scaler(ops) || ffn__scales_targets(ops);
    }
    if (!wanted) return FFN_OK;
    if (!dataset->source.read) return fit_in_memory(model, dataset, only_new, error);
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    ffn_dataset *sample = ffn__dataset_sample(dataset, MOST_ROWS, error);
    if (!sample) return error->status;
    const ffn_status status = fit_in_memory(model, sample, only_new, error);
    ffn_dataset_destroy(sample);
    return status;
}

/* What an unstandardize at the output is fitted to. */
static ffn_status check_targets(const ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn__node *output = &model->nodes[model->output];
    if (output->layer == FFN__NONE || !ffn__scales_targets(model->layers[output->layer].ops)) return FFN_OK;
    const char *name = ffn__node_name(model, model->output);
    if (dataset->classes > 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: the targets are classes; expected numbers", name);
    if (dataset->columns != ffn_shape_size(output->shape))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: the dataset has %zu columns of targets; expected %zu", name,
                        dataset->columns, ffn_shape_size(output->shape));
    return FFN_OK;
}

static ffn_status check(const ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!dataset) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_fit_scalers: the dataset is NULL");
    status = ffn__dataset_check_model(dataset, "the dataset", model, error);
    if (status == FFN_OK) status = check_targets(model, dataset, error);
    if (status != FFN_OK) return status;
    return dataset->source.read ? FFN_OK : ffn__dataset_check_finite(dataset, error);
}

ffn_status ffn_model_fit_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn_status status = check(model, dataset, error);
    return status == FFN_OK ? fit_scalers(model, dataset, false, error) : status;
}

ffn_status ffn__fit_new_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error)
{
    const ffn_status status = check(model, dataset, error);
    return status == FFN_OK ? fit_scalers(model, dataset, true, error) : status;
}
