/* Metrics of classes, and of outputs that are a yes or no each. */
#include <math.h>

#include "metric/metric.h"

/* Probabilities below it count as it, as scikit-learn has it for float32: the rounding of a number near 1. */
static const double LEAST_PROBABILITY = 1.1920928955078125e-7;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

const double *ffn__metric_probabilities(const ffn_metric *m, const float *y)
{
    const size_t n = m->options.outputs;
    double *p = m->row, largest = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; c++) p[c] = (double)y[c];
    if (!m->options.logits) return p;
    if (!ffn__metric_one_of_classes(m)) {
        for (size_t c = 0; c < n; c++) p[c] = sigmoid(p[c]);
        return p;
    }
    for (size_t c = 0; c < n; c++) largest = fmax(largest, p[c]);
    for (size_t c = 0; c < n; c++) sum += p[c] = exp(p[c] - largest);
    for (size_t c = 0; c < n; c++) p[c] /= sum;
    return p;
}

size_t ffn__metric_target_class(const ffn_metric *m, const float *targets)
{
    if (m->options.target_columns == 1) return (size_t)targets[0];
    return ffn__tensor()->argmax(m->options.outputs, targets);
}

static bool says_yes(const ffn_metric *m, float y) { return y > (m->options.logits ? 0 : (float)0.5); }

static const float *output_row(const ffn_metric *m, const ffn__metric_rows *rows, size_t r)
{
    return rows->y + r * m->options.outputs;
}
static const float *target_row(const ffn_metric *m, const ffn__metric_rows *rows, size_t r)
{
    return rows->targets + r * m->options.target_columns;
}

/* ---- means over rows ------------------------------------------------------------------------------------------- */

enum { SUM, WEIGHT, MEAN_SUMS };

size_t ffn__accuracy_sums(const ffn_metric *m)
{
    (void)m;
    return MEAN_SUMS;
}

double ffn__mean_value(ffn_metric *m) { return ffn__metric_sum(m, SUM) / ffn__metric_sum(m, WEIGHT); }

void ffn__accuracy_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    const size_t n = m->options.outputs;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = output_row(m, rows, r), *t = target_row(m, rows, r);
        const double weight = ffn__metric_weight(rows, r);
        double right = 0;
        if (ffn__metric_one_of_classes(m))
            right = ffn__tensor()->argmax(n, y) == ffn__metric_target_class(m, t);
        else
            for (size_t c = 0; c < n; c++) right += (says_yes(m, y[c]) == ffn__metric_is_yes(m, t[c])) / (double)n;
        m->part[SUM] += weight * right;
        m->part[WEIGHT] += weight;
    }
}

/* Of equal outputs the last counts as the largest, as in scikit-learn. */
void ffn__top_k_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = output_row(m, rows, r);
        const double weight = ffn__metric_weight(rows, r);
        const size_t target = ffn__metric_target_class(m, target_row(m, rows, r));
        size_t before = 0;
        for (size_t c = 0; c < m->options.outputs; c++) before += y[c] > y[target] || (y[c] == y[target] && c > target);
        m->part[SUM] += before < m->k ? weight : 0;
        m->part[WEIGHT] += weight;
    }
}

/* ---- log loss -------------------------------------------------------------------------------------------------- */

/* log(1 + e^x) */
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static double clip(double p) { return fmin(fmax(p, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY); }

/* Of an output that is a yes or no, for a yes with probability t. */
static double binary_loss(const ffn_metric *m, double y, double t)
{
    if (m->options.logits) return t * softplus(-y) + (1 - t) * softplus(y);
    const double p = clip(y);
    return -t * log(p) - (1 - t) * log1p(-p);
}

/* -sum t log p for a row of several classes. */
static double class_loss(const ffn_metric *m, const float *y, const float *t)
{
    const size_t n = m->options.outputs;
    const bool index = m->options.target_columns == 1;
    double *log_p = m->row, largest = -INFINITY, sum = 0, loss = 0;
    for (size_t c = 0; c < n; c++) {
        log_p[c] = m->options.logits ? (double)y[c] : clip((double)y[c]);
        largest = fmax(largest, log_p[c]);
    }
    for (size_t c = 0; c < n; c++) sum += m->options.logits ? exp(log_p[c] - largest) : log_p[c];
    for (size_t c = 0; c < n; c++) log_p[c] = m->options.logits ? log_p[c] - largest - log(sum) : log(log_p[c] / sum);
    if (index) return -log_p[(size_t)t[0]];
    for (size_t c = 0; c < n; c++) loss -= (double)t[c] * log_p[c];
    return loss;
}

void ffn__log_loss_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    const size_t n = m->options.outputs;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = output_row(m, rows, r), *t = target_row(m, rows, r);
        const double weight = ffn__metric_weight(rows, r);
        double loss = 0;
        if (ffn__metric_one_of_classes(m))
            loss = class_loss(m, y, t);
        else
            for (size_t c = 0; c < n; c++) {
                const double yes = m->options.signs ? (double)ffn__metric_is_yes(m, t[c]) : (double)t[c];
                loss += binary_loss(m, (double)y[c], yes) / (double)n;
            }
        m->part[SUM] += weight * loss;
        m->part[WEIGHT] += weight;
    }
}

/* ---- counts of each class -------------------------------------------------------------------------------------- */

/* Groups are the classes; of one output no and yes; of several outputs the yes of each. Behind them the rows' weight: where
 * each output is a yes or no, there may be rows without anything to count. */
enum { RIGHT, PREDICTED, ACTUAL, COUNTS };

static size_t group_count(const ffn_metric *m) { return m->options.outputs == 1 ? 2 : m->options.outputs; }

size_t ffn__counts_sums(const ffn_metric *m) { return COUNTS * group_count(m) + 1; }

static void count(double *part, size_t predicted, size_t actual, double weight)
{
    part[COUNTS * predicted + PREDICTED] += weight;
    part[COUNTS * actual + ACTUAL] += weight;
    if (predicted == actual) part[COUNTS * actual + RIGHT] += weight;
}

void ffn__counts_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    const size_t n = m->options.outputs;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = output_row(m, rows, r), *t = target_row(m, rows, r);
        const double weight = ffn__metric_weight(rows, r);
        m->part[COUNTS * group_count(m)] += weight;
        if (ffn__metric_one_of_classes(m)) {
            count(m->part, ffn__tensor()->argmax(n, y), ffn__metric_target_class(m, t), weight);
        } else if (n == 1) {
            count(m->part, says_yes(m, y[0]), ffn__metric_is_yes(m, t[0]), weight);
        } else {
            for (size_t c = 0; c < n; c++) {
                const bool predicted = says_yes(m, y[c]), actual = ffn__metric_is_yes(m, t[c]);
                m->part[COUNTS * c + PREDICTED] += predicted ? weight : 0;
                m->part[COUNTS * c + ACTUAL] += actual ? weight : 0;
                m->part[COUNTS * c + RIGHT] += predicted && actual ? weight : 0;
            }
        }
    }
}

/* The mean over the groups, of one output that of the yes, of what `figure` makes of right, predicted and actual; groups
 * for which it is NaN are left out. NaN without rows. */
static double mean_over_groups(const ffn_metric *m, double (*figure)(const double counts[COUNTS]), bool all)
{
    const size_t groups = group_count(m);
    double sum = 0, found = 0;
    if (!(ffn__metric_sum(m, COUNTS * groups) > 0)) return (double)NAN;
    for (size_t g = m->options.outputs == 1 && !all ? 1 : 0; g < groups; g++) {
        double counts[COUNTS];
        for (size_t i = 0; i < COUNTS; i++) counts[i] = ffn__metric_sum(m, COUNTS * g + i);
        const double value = figure(counts);
        sum += isnan(value) ? 0 : value;
        found += isnan(value) ? 0 : 1;
    }
    return sum / found;
}

static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
static double precision(const double n[COUNTS]) { return ratio(n[RIGHT], n[PREDICTED]); }
static double recall(const double n[COUNTS]) { return ratio(n[RIGHT], n[ACTUAL]); }
static double f1(const double n[COUNTS]) { return ratio(2 * n[RIGHT], n[PREDICTED] + n[ACTUAL]); }
static double recall_of_occurring(const double n[COUNTS]) { return n[RIGHT] / n[ACTUAL]; }

double ffn__balanced_accuracy_value(ffn_metric *m) { return mean_over_groups(m, recall_of_occurring, true); }
double ffn__precision_value(ffn_metric *m) { return mean_over_groups(m, precision, false); }
double ffn__recall_value(ffn_metric *m) { return mean_over_groups(m, recall, false); }
double ffn__f1_value(ffn_metric *m) { return mean_over_groups(m, f1, false); }

/* ---- calibration ----------------------------------------------------------------------------------------------- */

/* Of each bin of confidence the sum of what was right less the confidence, and behind them the weight. Bins are open
 * below and closed above: Guo, Pleiss, Sun and Weinberger 2017. */
size_t ffn__calibration_sums(const ffn_metric *m) { return m->options.bins + 1; }

static void add_confidence(ffn_metric *m, double confidence, bool right, double weight)
{
    const size_t bins = m->options.bins;
    const double place = ceil(confidence * (double)bins) - 1;
    const size_t bin = !(place > 0) ? 0 : place < (double)bins ? (size_t)place : bins - 1;
    m->part[bin] += weight * ((double)right - confidence);
    m->part[bins] += weight;
}

void ffn__calibration_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    const size_t n = m->options.outputs;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *t = target_row(m, rows, r);
        const double *p = ffn__metric_probabilities(m, output_row(m, rows, r)), weight = ffn__metric_weight(rows, r);
        if (ffn__metric_one_of_classes(m)) {
            size_t best = 0;
            for (size_t c = 1; c < n; c++)
                if (p[c] > p[best]) best = c;
            add_confidence(m, p[best], best == ffn__metric_target_class(m, t), weight);
        } else {
            for (size_t c = 0; c < n; c++)
                add_confidence(m, fmax(p[c], 1 - p[c]), (p[c] > 0.5) == ffn__metric_is_yes(m, t[c]), weight);
        }
    }
}

double ffn__calibration_value(ffn_metric *m)
{
    double sum = 0;
    for (size_t b = 0; b < m->options.bins; b++) sum += fabs(ffn__metric_sum(m, b));
    return sum / ffn__metric_sum(m, m->options.bins);
}
