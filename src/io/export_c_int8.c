/* Dense layers in 8 bits: each unit's weights in steps of their own, each layer's input in steps found on a dataset;
 * sums are whole numbers, everything else stays in float. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/export.h"

enum { BINS = 2048, CANDIDATES = 24, BATCH = 64, MAX_INPUTS = 32768 };

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

/* What a layer's input was on the dataset. */
typedef struct range {
    double low, high; /* low <= 0 <= high */
    size_t bins[BINS];
} range;

typedef struct calibration {
    const ffn__c_file *file;
    range **ranges; /* by node; NULL: not a dense layer */
    bool counting;  /* the second time, when the extremes are known */
} calibration;

static bool look_at_input(void *context, size_t node, const ffn_step *step)
{
    const calibration *c = context;
    range *r = c->ranges[node];
    if (!r) return false;
    const size_t n = step->rows * ffn_shape_size(step->input_shapes[0]);
    for (size_t i = 0; i < n; i++) {
        const double x = (double)step->inputs[0][i];
        if (c->counting) {
            const double bin = (x - r->low) / (r->high - r->low) * BINS;
            r->bins[bin >= BINS - 1 ? BINS - 1 : bin > 0 ? (size_t)bin : 0]++;
        } else {
            r->low = fmin(r->low, x);
            r->high = fmax(r->high, x);
        }
    }
    return false;
}

/* The mean square error of the values counted, if all beyond [low, high] become its ends and the rest are rounded to
 * 255 steps: those err by step / sqrt 12. */
static double error_of(const range *r, double low, double high)
{
    const double step = (high - low) / 255, width = (r->high - r->low) / BINS;
    double sum = 0;
    for (size_t i = 0; i < BINS; i++) {
        const double x = r->low + ((double)i + 0.5) * width, beyond = x < low ? low - x : x > high ? x - high : 0;
        sum += (double)r->bins[i] * (beyond > 0 ? beyond * beyond : step * step / 12);
    }
    return sum;
}

/* Rare values far out are cut off where that makes the others better. */
static void choose_steps(const range *r, ffn__c_use *use)
{
    double low = r->low, high = r->high, best = error_of(r, low, high);
    for (int i = 0; i < CANDIDATES; i++)
        for (int k = 0; k < CANDIDATES; k++) {
            const double a = r->low * (1 - (double)i / CANDIDATES), b = r->high * (1 - (double)k / CANDIDATES);
            const double mean_square = error_of(r, a, b);
            if (!(mean_square < best)) continue;
            best = mean_square;
            low = a;
            high = b;
        }
    const double step = fmax((high - low) / 255, (double)FLT_MIN); /* a smaller one has no inverse in float */
    use->inverse = (float)(1 / step);
    use->zero = (float)(-128 - floor(low / step + 0.5));
}

static void walk_dataset(ffn_plan *plan, calibration *c)
{
    const ffn_dataset *dataset = c->file->options.dataset;
    for (size_t row = 0; row < dataset->rows; row += BATCH) {
        const size_t rows = dataset->rows - row < BATCH ? dataset->rows - row : BATCH;
        (void)ffn__plan_walk(plan, dataset->x + row * dataset->features, rows, look_at_input, c);
    }
}

static ffn_status find_ranges(ffn__c_file *file, calibration *c, ffn_error *error)
{
    for (size_t i = 0; i < file->model->node_count; i++) {
        const size_t layer = file->model->nodes[i].layer;
        if (layer == FFN__NONE || !file->weights[layer].weight) continue;
        c->ranges[i] = ffn__alloc(1, sizeof(range), error);
        if (!c->ranges[i]) return FFN_OUT_OF_MEMORY;
    }
    ffn_plan *plan = ffn__plan_create(file->model, (ffn_plan_options){.max_batch = BATCH}, true, error);
    if (!plan) return FFN_OUT_OF_MEMORY;
    ffn_status status = FFN_OK;
    walk_dataset(plan, c);
    for (size_t i = 0; i < file->model->node_count && status == FFN_OK; i++) {
        range *r = c->ranges[i];
        if (r && !(r->high - r->low < INFINITY))
            status = ffn_fail(error, FFN_INVALID_ARGUMENT, "the input of %s is not finite on the dataset",
                              ffn__node_name(file->model, i));
        if (r && !(r->high > r->low)) r->high = 1; /* always 0 */
    }
    c->counting = true;
    if (status == FFN_OK) walk_dataset(plan, c);
    ffn_plan_destroy(plan);
    for (size_t i = 0; i < file->model->node_count && status == FFN_OK; i++)
        if (c->ranges[i]) choose_steps(c->ranges[i], &file->uses[i]);
    return status;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* The smallest step of the inputs of a layer, which several nodes may use. */
static double smallest_step(const ffn__c_file *file, size_t layer)
{
    double smallest = INFINITY;
    for (size_t i = 0; i < file->model->node_count; i++)
        if (file->model->nodes[i].layer == layer) smallest = fmin(smallest, 1 / (double)file->uses[i].inverse);
    return smallest;
}

static ffn_status quantize_weights(ffn__c_file *file, size_t layer, ffn_error *error)
{
    ffn__c_weights *w = &file->weights[layer];
    if (w->inputs > MAX_INPUTS)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s has %zu inputs; int8 takes at most %d, so that sums fit 32 bits",
                        file->model->layers[layer].name, w->inputs, MAX_INPUTS);
    w->bytes = ffn__alloc(w->units * w->inputs, 1, error);
    w->step = w->bytes ? ffn__alloc(w->units, sizeof(*w->step), error) : NULL;
    if (!w->step) return FFN_OUT_OF_MEMORY;
    const double input_step = smallest_step(file, layer);
    for (size_t u = 0; u < w->units; u++) {
        const float *row = w->weight + u * w->inputs;
        const double largest = (double)ffn__tensor()->largest_size(w->inputs, row);
        const double bias = w->bias ? fabs((double)w->bias[u]) : 0;
        /* large enough for the bias, counted in steps of the sum, to stay below 2^29 */
        double step = fmax(largest / 127, bias / input_step / 536870912.0);
        if (!(step > 0)) step = 1;
        w->step[u] = (float)step;
        for (size_t k = 0; k < w->inputs; k++) w->bytes[u * w->inputs + k] = (int8_t)lrint((double)row[k] / step);
    }
    return FFN_OK;
}

static ffn_status finish_use(ffn__c_file *file, size_t node, ffn_error *error)
{
    const ffn__c_weights *w = &file->weights[file->model->nodes[node].layer];
    ffn__c_use *use = &file->uses[node];
    use->start = ffn__alloc(w->units, sizeof(*use->start), error);
    use->scale = use->start ? ffn__alloc(w->units, sizeof(*use->scale), error) : NULL;
    if (!use->scale) return FFN_OUT_OF_MEMORY;
    for (size_t u = 0; u < w->units; u++) {
        int32_t sum = 0;
        for (size_t k = 0; k < w->inputs; k++) sum += w->bytes[u * w->inputs + k];
        const double step = (double)w->step[u] / (double)use->inverse;
        use->scale[u] = (float)step;
        use->start[u] = (int32_t)lrint(w->bias ? (double)w->bias[u] / step : 0) - (int32_t)use->zero * sum;
    }
    const size_t bytes = ffn__rows_before_last_axis(file->model->nodes[node].shape) * w->inputs;
    if (bytes > file->quantized) file->quantized = bytes;
    return FFN_OK;
}

ffn_status ffn__c_quantize(ffn__c_file *file, ffn_error *error)
{
    const ffn_model *model = file->model;
    calibration c = {.file = file, .ranges = ffn__alloc(model->node_count, sizeof(*c.ranges), error)};
    if (!c.ranges) return FFN_OUT_OF_MEMORY;
    ffn_status status = find_ranges(file, &c, error);
    for (size_t i = 0; i < model->layer_count && status == FFN_OK; i++)
        if (file->weights[i].weight) status = quantize_weights(file, i, error);
    for (size_t i = 0; i < model->node_count && status == FFN_OK; i++)
        if (c.ranges[i]) status = finish_use(file, i, error);
    for (size_t i = 0; i < model->node_count; i++) ffn__free(c.ranges[i]);
    ffn__free(c.ranges);
    return status;
}

/* ---- what comes out ---------------------------------------------------------------------------------------------- */

static int8_t quantize(const ffn__c_use *use, float x)
{
    const float v = x * use->inverse + use->zero;
    return (int8_t)(v >= 127 ? 127 : v > -128 ? (int)(v + (float)128.5) - 128 : -128);
}

static void run_dense(const ffn__c_file *file, size_t node, const ffn_step *step)
{
    const ffn__layer *layer = &file->model->layers[file->model->nodes[node].layer];
    const ffn__c_weights *w = &file->weights[file->model->nodes[node].layer];
    const ffn__c_use *use = &file->uses[node];
    const size_t rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    for (size_t r = 0; r < rows; r++) {
        int8_t q[MAX_INPUTS];
        for (size_t k = 0; k < w->inputs; k++) q[k] = quantize(use, step->inputs[0][r * w->inputs + k]);
        for (size_t u = 0; u < w->units; u++) {
            int32_t sum = use->start[u];
            for (size_t k = 0; k < w->inputs; k++) sum += w->bytes[u * w->inputs + k] * q[k];
            step->output[r * w->units + u] = (float)sum * use->scale[u];
        }
    }
    ffn_activation activation = layer->activation;
    if (!activation.ops) return;
    const size_t slope = ffn__export_parameter(file->model, node, "slope");
    if (slope != FFN__NONE) activation.slope = ffn__parameter_values(file->model, slope);
    ffn__activation_run(&activation, step->threads, rows, w->units, step->output, step->output);
}

/* Does what the file does where that is not what the library does. */
static bool run_as_exported(void *context, size_t node, const ffn_step *step)
{
    const ffn__c_file *file = context;
    for (size_t k = 0; file->uses && k < node; k++)
        if (file->folds[k] == node) {
            memcpy(step->output, step->inputs[0], step->rows * ffn_shape_size(step->output_shape) * sizeof(float));
            return true;
        }
    if (!file->uses || !file->uses[node].start) return false;
    run_dense(file, node, step);
    return true;
}

ffn_status ffn__c_predict(const ffn__c_file *file, const float *x, size_t rows, float *y, ffn_error *error)
{
    ffn_plan *plan = ffn__plan_create(file->model, (ffn_plan_options){.max_batch = BATCH}, true, error);
    if (!plan) return FFN_OUT_OF_MEMORY;
    const size_t inputs = ffn__model_input_size(file->model);
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(file->model));
    for (size_t row = 0; row < rows; row += BATCH) {
        const size_t count = rows - row < BATCH ? rows - row : BATCH;
        ffn__c_file *context = (ffn__c_file *)(uintptr_t)file; /* read only */
        memcpy(y + row * outputs, ffn__plan_walk(plan, x + row * inputs, count, run_as_exported, context),
               count * outputs * sizeof(float));
    }
    ffn_plan_destroy(plan);
    return FFN_OK;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

/* Whether outputs y [cols] name the row's class; a single one does so by exceeding `threshold`. */
static bool is_right(size_t cols, const float *y, float threshold, float target)
{
    return cols > 1 ? ffn__tensor()->argmax(cols, y) == (size_t)target : (y[0] > threshold) == (target > (float)0.5);
}

static void compare(const ffn_dataset *data, size_t cols, float threshold, const float *y, const float *y8,
                    ffn_export_c_report *report)
{
    const bool classes = data->targets && data->columns == 1 && data->classes > 0;
    size_t right = 0, right8 = 0;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < data->rows * cols; i++) {
        const double off = fabs((double)y8[i] - (double)y[i]);
        sum += off;
        largest = fmax(largest, off);
    }
    for (size_t r = 0; r < data->rows && classes; r++) {
        right += is_right(cols, y + r * cols, threshold, data->targets[r]);
        right8 += is_right(cols, y8 + r * cols, threshold, data->targets[r]);
    }
    report->rows = data->rows;
    report->mean_error = sum / (double)(data->rows * cols);
    report->largest_error = largest;
    if (!classes) return;
    report->accuracy = (double)right / (double)data->rows;
    report->int8_accuracy = (double)right8 / (double)data->rows;
}

ffn_status ffn__c_measure(const ffn__c_file *file, ffn_export_c_report *report, ffn_error *error)
{
    const ffn_dataset *data = file->options.evaluation ? file->options.evaluation : file->options.dataset;
    const size_t cols = ffn_shape_size(ffn_model_output_shape(file->model));
    size_t size;
    if (!ffn__multiply(data->rows, cols, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "the outputs of %zu rows are too large", data->rows);
    float *y = ffn__alloc(size, 2 * sizeof(float), error);
    if (!y) return FFN_OUT_OF_MEMORY;
    const ffn_activation_ops *last = file->model->output_activation.ops;
    const float threshold = last && last->fuses == FFN_LOSS_OF_SIGMOID_LOGITS ? (float)0.5 : 0; /* else: of a logit */
    ffn_status status = ffn_predict(file->model, data->x, data->rows, y, error);
    if (status == FFN_OK) status = ffn__c_predict(file, data->x, data->rows, y + size, error);
    if (status == FFN_OK) compare(data, cols, threshold, y, y + size, report);
    ffn__free(y);
    return status;
}
