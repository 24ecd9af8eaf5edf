/* Metrics of a regression. */
#include <float.h>
#include <math.h>

#include "metric/metric.h"

enum { SUM, WEIGHT }; /* as ffn__mean_value has them */

static void add_mean(ffn_metric *m, const ffn__metric_rows *rows, double (*measure)(double y, double t))
{
    const size_t n = m->options.outputs;
    for (size_t r = 0; r < rows->rows; r++) {
        const double weight = ffn__metric_weight(rows, r);
        double sum = 0;
        for (size_t c = 0; c < n; c++) sum += measure((double)rows->y[r * n + c], (double)rows->targets[r * n + c]);
        m->part[SUM] += weight * sum;
        m->part[WEIGHT] += weight * (double)n;
    }
}

static double size(double y, double t) { return fabs(y - t); }
/* scikit-learn's bound under the target. */
static double relative_size(double y, double t) { return fabs(y - t) / fmax(fabs(t), DBL_EPSILON); }
static double square(double y, double t) { return (y - t) * (y - t); }

void ffn__mae_add(ffn_metric *m, const ffn__metric_rows *rows) { add_mean(m, rows, size); }
void ffn__mape_add(ffn_metric *m, const ffn__metric_rows *rows) { add_mean(m, rows, relative_size); }
void ffn__mse_add(ffn_metric *m, const ffn__metric_rows *rows) { add_mean(m, rows, square); }
double ffn__rmse_value(ffn_metric *m) { return sqrt(ffn__mean_value(m)); }

/* ---- R^2 ------------------------------------------------------------------------------------------------------- */

/* The sums of squared errors by column; moments keep those of the targets. */
size_t ffn__r2_sums(const ffn_metric *m) { return m->options.outputs; }

/* The block's moments in two passes. */
static ffn__metric_moments measure(const ffn__metric_rows *rows, size_t columns, size_t c)
{
    ffn__metric_moments b = {0};
    double sum = 0;
    for (size_t r = 0; r < rows->rows; r++) {
        const double weight = ffn__metric_weight(rows, r);
        b.weight += weight;
        sum += weight * ((double)rows->targets[r * columns + c] - (double)rows->targets[c]);
    }
    b.mean = (double)rows->targets[c] + (b.weight > 0 ? sum / b.weight : 0);
    for (size_t r = 0; r < rows->rows; r++) {
        const double delta = (double)rows->targets[r * columns + c] - b.mean;
        b.squares += ffn__metric_weight(rows, r) * delta * delta;
    }
    return b;
}

void ffn__r2_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    const size_t n = m->options.outputs;
    for (size_t c = 0; c < n; c++) {
        const ffn__metric_moments b = measure(rows, n, c);
        ffn__metric_moments *a = &m->moments[c];
        const double weight = a->weight + b.weight, delta = b.mean - a->mean;
        for (size_t r = 0; r < rows->rows; r++)
            m->part[c] +=
                ffn__metric_weight(rows, r) * square((double)rows->y[r * n + c], (double)rows->targets[r * n + c]);
        if (!(b.weight > 0)) continue;
        if (a->weight > 0) {
            a->mean += delta * (b.weight / weight);
            a->squares += b.squares + delta * delta * (a->weight * (b.weight / weight));
        } else {
            a->mean = b.mean;
            a->squares = b.squares;
        }
        a->weight = weight;
    }
}

double ffn__r2_value(ffn_metric *m)
{
    const size_t n = m->options.outputs;
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
        const double errors = ffn__metric_sum(m, c), squares = m->moments[c].squares;
        if (!(m->moments[c].weight > 0)) return (double)NAN;
        sum += squares > 0 ? 1 - errors / squares : errors == 0 ? 1.0 : 0.0; /* constant targets: 1 if met exactly */
    }
    return sum / (double)n;
}
