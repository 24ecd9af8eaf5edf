#include <float.h>
#include <math.h>
#include <string.h>

#include "metric/metric.h"

static const ffn__metric_kind kinds[] = {
    {.name = "accuracy", .sums = ffn__accuracy_sums, .add = ffn__accuracy_add, .value = ffn__mean_value},
    {.name = "top_k_accuracy",
     .not_several = true,
     .wants_number = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__top_k_add,
     .value = ffn__mean_value},
    {.name = "balanced_accuracy",
     .not_several = true,
     .sums = ffn__counts_sums,
     .add = ffn__counts_add,
     .value = ffn__balanced_accuracy_value},
    {.name = "precision", .sums = ffn__counts_sums, .add = ffn__counts_add, .value = ffn__precision_value},
    {.name = "recall", .sums = ffn__counts_sums, .add = ffn__counts_add, .value = ffn__recall_value},
    {.name = "f1", .sums = ffn__counts_sums, .add = ffn__counts_add, .value = ffn__f1_value},
    {.name = "log_loss",
     .lower_is_better = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__log_loss_add,
     .value = ffn__mean_value},
    {.name = "roc_auc", .keeps_ranking = true, .add = ffn__ranking_add, .value = ffn__roc_auc_value},
    {.name = "average_precision",
     .keeps_ranking = true,
     .add = ffn__ranking_add,
     .value = ffn__average_precision_value},
    {.name = "calibration_error",
     .lower_is_better = true,
     .sums = ffn__calibration_sums,
     .add = ffn__calibration_add,
     .value = ffn__calibration_value},
    {.name = "r2",
     .of_numbers = true,
     .keeps_moments = true,
     .sums = ffn__r2_sums,
     .add = ffn__r2_add,
     .value = ffn__r2_value},
    {.name = "mae",
     .of_numbers = true,
     .lower_is_better = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__mae_add,
     .value = ffn__mean_value},
    {.name = "mape",
     .of_numbers = true,
     .lower_is_better = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__mape_add,
     .value = ffn__mean_value},
    {.name = "mse",
     .of_numbers = true,
     .lower_is_better = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__mse_add,
     .value = ffn__mean_value},
    {.name = "rmse",
     .of_numbers = true,
     .lower_is_better = true,
     .sums = ffn__accuracy_sums,
     .add = ffn__mse_add,
     .value = ffn__rmse_value},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- names ----------------------------------------------------------------------------------------------------- */

const ffn__metric_kind *ffn__metric_kind_at(size_t index) { return index < KINDS ? &kinds[index] : NULL; }

const char *ffn_metric_name(size_t index) { return index < KINDS ? kinds[index].name : NULL; }

/* Of top_k_accuracy without a number, as Keras' default. */
enum { DEFAULT_K = 5 };

/* Whether a text is the name, or that with a whole number of at least 1 for its k; the number, 0: none. */
static bool matches_numbered(const char *text, const char *name, size_t *number)
{
    const char *k = strstr(name, "_k_");
    const size_t before = (size_t)(k - name) + 1;
    size_t value = 0;
    *number = 0;
    if (strcmp(text, name) == 0) return true;
    if (strncmp(text, name, before) != 0) return false;
    for (text += before; *text >= '0' && *text <= '9' && value < SIZE_MAX / 10 - 1; text++)
        value = 10 * value + (size_t)(*text - '0');
    *number = value;
    return value > 0 && strcmp(text, k + 2) == 0;
}

static const ffn__metric_kind *find_kind(const char *name, size_t *number)
{
    *number = 0;
    for (size_t i = 0; name && i < KINDS; i++)
        if (kinds[i].wants_number ? matches_numbered(name, kinds[i].name, number) : strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

ffn_status ffn__metric_check_name(const char *name, const char *call, ffn_error *error)
{
    size_t number;
    return find_kind(name, &number) ? FFN_OK : ffn__unknown_name(error, call, name, ffn_metric_name);
}

bool ffn_metric_lower_is_better(const char *name)
{
    size_t number;
    const ffn__metric_kind *kind = find_kind(name, &number);
    return kind && kind->lower_is_better;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static ffn_status check_options(const ffn__metric_kind *kind, size_t k, const ffn_metric_options *o, ffn_error *error)
{
    const char *problem = NULL;
    if (o->outputs == 0)
        problem = "outputs is 0; expected at least 1";
    else if (kind->not_several && o->several)
        problem = "the outputs are a yes or no each; expected one of several classes";
    else if (o->target_columns > 1 && o->target_columns != o->outputs)
        problem = "target_columns is neither 1 nor that of outputs";
    else if (o->target_columns == 1 && o->outputs > 1 && (o->several || kind->of_numbers))
        problem = "target_columns is 1; expected as many as outputs";
    else if (kind->wants_number && (o->outputs < 2 || k > o->outputs))
        problem = "its number is above that of the classes";
    else if (o->bins > 1000000)
        problem = "bins is above a million";
    return problem ? ffn_fail(error, FFN_INVALID_ARGUMENT, "metric %s: %s", kind->name, problem) : FFN_OK;
}

static void resolve(ffn_metric *m)
{
    ffn_metric_options *o = &m->options;
    if (o->outputs == 1) o->several = false;
    if (o->target_columns == 0) o->target_columns = m->kind->of_numbers || o->several ? o->outputs : 1;
    if (o->bins == 0) o->bins = 15;
    if (o->exact_scores == 0) o->exact_scores = (size_t)1 << 23;
}

static ffn_status allocate(ffn_metric *m, ffn_error *error)
{
    const size_t outputs = m->options.outputs;
    m->sum_count = m->kind->sums ? m->kind->sums(m) : 0;
    m->row = ffn__alloc(outputs, sizeof(double), error);
    m->sums = m->row ? ffn__alloc(m->sum_count, 3 * sizeof(double), error) : NULL;
    if (!m->sums) return FFN_OUT_OF_MEMORY;
    m->rests = m->sums + m->sum_count;
    m->part = m->rests + m->sum_count;
    if (m->kind->keeps_moments) {
        m->moments = ffn__alloc(outputs, sizeof *m->moments, error);
        if (!m->moments) return FFN_OUT_OF_MEMORY;
    }
    if (m->kind->keeps_ranking) {
        m->ranking = ffn__ranking_create(outputs, m->options.exact_scores, error);
        if (!m->ranking) return FFN_OUT_OF_MEMORY;
    }
    return FFN_OK;
}

ffn_metric *ffn_metric_create(const char *name, const ffn_metric_options *options, ffn_error *error)
{
    size_t k;
    const ffn__metric_kind *kind = find_kind(name, &k);
    if (ffn__metric_check_name(name, "ffn_metric_create", error) != FFN_OK) return NULL;
    const ffn_metric_options defaults = {.outputs = 1};
    if (!options) options = &defaults;
    if (check_options(kind, k, options, error) != FFN_OK) return NULL;
    ffn_metric *m = ffn__alloc(1, sizeof *m, error);
    if (!m) return NULL;
    m->kind = kind;
    m->k = k > 0 ? k : options->outputs < DEFAULT_K ? options->outputs : DEFAULT_K;
    m->options = *options;
    resolve(m);
    if (allocate(m, error) == FFN_OK) return m;
    ffn_metric_destroy(m);
    return NULL;
}

void ffn_metric_destroy(ffn_metric *m)
{
    if (!m) return;
    ffn__ranking_destroy(m->ranking);
    ffn__free(m->moments);
    ffn__free(m->sums);
    ffn__free(m->row);
    ffn__free(m);
}

void ffn_metric_reset(ffn_metric *m)
{
    if (!m) return;
    memset(m->sums, 0, 2 * m->sum_count * sizeof *m->sums);
    if (m->moments) memset(m->moments, 0, m->options.outputs * sizeof *m->moments);
    if (m->ranking) ffn__ranking_reset(m->ranking);
    m->spoiled = false;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static ffn_status check_weights(const float *weights, size_t rows, ffn_error *error)
{
    for (size_t r = 0; weights && r < rows; r++)
        if (!(weights[r] >= 0 && weights[r] < INFINITY))
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "ffn_metric_update: the weight of row %zu is %g; expected a finite number of 0 or more", r,
                            (double)weights[r]);
    return FFN_OK;
}

/* What a target may be: from low to high, both included, in steps from low on (0: any), and what to say of it. */
typedef struct bounds {
    double low, high, step;
    const char *expected;
} bounds;

static ffn_status check_targets(const ffn_metric *m, const float *targets, size_t rows, ffn_error *error)
{
    static const bounds number = {-DBL_MAX, DBL_MAX, 0, "a finite number"},
                        share = {0, DBL_MAX, 0, "a number of 0 or more"}, probability = {0, 1, 0, "0 to 1"},
                        sign = {-1, 1, 2, "-1 or 1"};
    const size_t columns = m->options.target_columns;
    const bool index = !m->kind->of_numbers && columns == 1 && m->options.outputs > 1;
    const bounds class_index = {0, (double)(m->options.outputs - 1), 1, "a class below the number of outputs"};
    const bounds b = m->kind->of_numbers                             ? number
                     : index                                         ? class_index
                     : m->options.outputs > 1 && !m->options.several ? share
                     : m->options.signs                              ? sign
                                                                     : probability;
    for (size_t i = 0; i < rows * columns; i++) {
        const double t = (double)targets[i];
        if (t >= b.low && t <= b.high && (b.step == 0 || fmod(t - b.low, b.step) == 0)) continue;
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_metric_update: target %zu of row %zu is %g; expected %s",
                        i % columns, i / columns, t, b.expected);
    }
    return FFN_OK;
}

static void add_block(ffn_metric *m, const ffn__metric_rows *rows)
{
    for (size_t i = 0; i < m->sum_count; i++) m->part[i] = 0;
    m->kind->add(m, rows);
    for (size_t i = 0; i < m->sum_count; i++) {
        const double before = m->sums[i], x = m->part[i], sum = before + x;
        m->rests[i] += fabs(before) >= fabs(x) ? (before - sum) + x : (x - sum) + before;
        m->sums[i] = sum;
    }
}

ffn_status ffn__metric_update(ffn_metric *m, const float *y, bool logits, const float *targets, const float *weights,
                              size_t rows, ffn_error *error)
{
    const size_t outputs = m->options.outputs, columns = m->options.target_columns;
    ffn_status status = check_weights(weights, rows, error);
    if (status == FFN_OK) status = check_targets(m, targets, rows, error);
    if (status == FFN_OK && m->ranking) status = ffn__ranking_reserve(m->ranking, rows, error);
    if (status != FFN_OK) return status;
    m->spoiled |= !ffn__tensor()->all_finite(rows * outputs, y);
    if (m->spoiled) return FFN_OK;
    const bool kept = m->options.logits;
    m->options.logits = logits;
    for (size_t begin = 0; begin < rows; begin += FFN__METRIC_BLOCK) {
        const size_t left = rows - begin;
        add_block(m, &(ffn__metric_rows){.rows = left < FFN__METRIC_BLOCK ? left : FFN__METRIC_BLOCK,
                                         .y = y + begin * outputs,
                                         .targets = targets + begin * columns,
                                         .weights = weights ? weights + begin : NULL});
    }
    m->options.logits = kept;
    return FFN_OK;
}

ffn_status ffn_metric_update(ffn_metric *m, const float *y, const float *targets, const float *weights, size_t rows,
                             ffn_error *error)
{
    if (!m || ((!y || !targets) && rows > 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_metric_update: %s NULL",
                        !m   ? "the metric is"
                        : !y ? "y is"
                             : "the targets are");
    return ffn__metric_update(m, y, m->options.logits, targets, weights, rows, error);
}

/* ---- value ----------------------------------------------------------------------------------------------------- */

double ffn_metric_value(ffn_metric *m) { return m && !m->spoiled ? m->kind->value(m) : (double)NAN; }

double ffn_metric_error_bound(const ffn_metric *m)
{
    if (!m || m->spoiled) return (double)NAN;
    return m->ranking ? ffn__ranking_bound(m) : 0;
}
