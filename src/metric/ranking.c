/* Metrics of the order of scores: the area under the ROC curve and average precision. The scores are kept as long as they
 * are few enough, and sorted; beyond that they are counted in bins, whose borders are numbers of few binary digits. */
#include <math.h>
#include <string.h>

#include "metric/metric.h"

/* A score and the weight of its row: above 0 for a positive, below 0 for a negative. */
typedef struct entry {
    float score, weight;
} entry;

/* A stretch of scores that count as equal. */
typedef struct group {
    double positive, negative; /* weights */
} group;

/* Exponents of a float, as frexp has them; what is smaller is in the lowest bin of its sign. */
enum { LOWEST_EXPONENT = -125, EXPONENTS = 254, MOST_DIGITS = 13 };

struct ffn__ranking {
    size_t columns, most; /* most: rows that are kept */
    size_t rows, capacity;
    entry *entries; /* [columns + 1][capacity], the last a scratch of the sort */
    bool sorted;
    int digits; /* of a bin's border behind the first */
    size_t bin_count;
    group *bins; /* [columns][bin_count]; NULL: scores are kept */
};

/* ---- bins ------------------------------------------------------------------------------------------------------ */

static size_t half(const ffn__ranking *k) { return (size_t)EXPONENTS << k->digits; }

/* Bins rise with the score; the middle one is that of 0. */
static size_t bin_of(const ffn__ranking *k, double score)
{
    int exponent;
    const double scale = (double)((size_t)1 << k->digits), fraction = frexp(fabs(score), &exponent);
    if (fraction == 0) return half(k);
    if (exponent < LOWEST_EXPONENT) return score > 0 ? half(k) + 1 : half(k) - 1;
    size_t octave = (size_t)(exponent - LOWEST_EXPONENT);
    if (octave >= EXPONENTS) octave = EXPONENTS - 1;
    const size_t place = (octave << k->digits) + (size_t)((2 * fraction - 1) * scale) + 1;
    return score > 0 ? half(k) + place : half(k) - place;
}

static void count(const ffn__ranking *k, group *bins, entry e)
{
    group *g = &bins[bin_of(k, (double)e.score)];
    if (e.weight > 0)
        g->positive += (double)e.weight;
    else
        g->negative -= (double)e.weight;
}

/* From scores to bins. */
static ffn_status begin_bins(ffn__ranking *k, ffn_error *error)
{
    size_t count_of_bins;
    if (!ffn__multiply(k->bin_count, k->columns, &count_of_bins)) count_of_bins = SIZE_MAX;
    k->bins = ffn__alloc(count_of_bins, sizeof *k->bins, error);
    if (!k->bins) return FFN_OUT_OF_MEMORY;
    for (size_t c = 0; c < k->columns; c++)
        for (size_t i = 0; i < k->rows; i++) count(k, k->bins + c * k->bin_count, k->entries[c * k->capacity + i]);
    ffn__free(k->entries);
    k->entries = NULL;
    k->capacity = 0;
    return FFN_OK;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

ffn__ranking *ffn__ranking_create(size_t columns, size_t exact_scores, ffn_error *error)
{
    static const size_t most_groups = (size_t)1 << 22; /* 64 MiB */
    ffn__ranking *k = ffn__alloc(1, sizeof *k, error);
    if (!k) return NULL;
    k->columns = columns;
    k->most = exact_scores / columns;
    while (k->digits < MOST_DIGITS && (2 * half(k) << 1) <= most_groups / columns) k->digits++;
    k->bin_count = 2 * half(k) + 1;
    return k;
}

void ffn__ranking_destroy(ffn__ranking *k)
{
    if (!k) return;
    ffn__free(k->entries);
    ffn__free(k->bins);
    ffn__free(k);
}

void ffn__ranking_reset(ffn__ranking *k)
{
    ffn__free(k->bins);
    k->bins = NULL;
    k->rows = 0;
    k->sorted = false;
}

/* Room for so many rows. */
static ffn_status grow(ffn__ranking *k, size_t needed, ffn_error *error)
{
    size_t capacity = 2 * k->capacity < needed ? needed : 2 * k->capacity, size;
    if (capacity > k->most) capacity = k->most;
    if (capacity < 1024) capacity = 1024;
    if (!ffn__multiply(capacity, k->columns + 1, &size)) size = SIZE_MAX;
    entry *entries = ffn__alloc(size, sizeof *entries, error);
    if (!entries) return FFN_OUT_OF_MEMORY;
    for (size_t c = 0; c < k->columns && k->rows > 0; c++)
        memcpy(entries + c * capacity, k->entries + c * k->capacity, k->rows * sizeof *entries);
    ffn__free(k->entries);
    k->entries = entries;
    k->capacity = capacity;
    return FFN_OK;
}

ffn_status ffn__ranking_reserve(ffn__ranking *k, size_t rows, ffn_error *error)
{
    if (k->bins) return FFN_OK;
    if (rows > k->most || k->rows > k->most - rows) return begin_bins(k, error);
    return k->rows + rows > k->capacity ? grow(k, k->rows + rows, error) : FFN_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* A softmax compares with other outputs, so that its logits have another order from row to row; a sigmoid has not. */
static float score_of(const double *p, const float *y, size_t column) { return p ? (float)p[column] : y[column]; }

static bool is_positive(const ffn_metric *m, const float *targets, size_t column)
{
    if (ffn__metric_one_of_classes(m)) return ffn__metric_target_class(m, targets) == column;
    return ffn__metric_is_yes(m, targets[column]);
}

void ffn__ranking_add(ffn_metric *m, const ffn__metric_rows *rows)
{
    ffn__ranking *k = m->ranking;
    const bool turn = m->options.logits && ffn__metric_one_of_classes(m);
    k->sorted = false;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = rows->y + r * m->options.outputs, *t = rows->targets + r * m->options.target_columns;
        const float weight = rows->weights ? rows->weights[r] : 1;
        const double *p = turn ? ffn__metric_probabilities(m, y) : NULL;
        if (weight == 0) continue;
        for (size_t c = 0; c < k->columns; c++) {
            const entry e = {score_of(p, y, c), is_positive(m, t, c) ? weight : -weight};
            if (k->bins)
                count(k, k->bins + c * k->bin_count, e);
            else
                k->entries[c * k->capacity + k->rows] = e;
        }
        k->rows += !k->bins;
    }
}

/* ---- order ----------------------------------------------------------------------------------------------------- */

/* Merge sort of a column from runs of one upwards, by falling score. */
static void sort(entry *entries, entry *scratch, size_t n)
{
    entry *from = entries, *to = scratch;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * run) {
            const size_t middle = n - begin < run ? n : begin + run, end = n - middle < run ? n : middle + run;
            size_t a = begin, b = middle, out = begin;
            while (a < middle && b < end) to[out++] = from[b].score > from[a].score ? from[b++] : from[a++];
            while (a < middle) to[out++] = from[a++];
            while (b < end) to[out++] = from[b++];
        }
        entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries) memcpy(entries, from, n * sizeof *entries);
}

static void sort_all(ffn__ranking *k)
{
    for (size_t c = 0; c < k->columns && !k->bins && !k->sorted; c++)
        sort(k->entries + c * k->capacity, k->entries + k->columns * k->capacity, k->rows);
    k->sorted = true;
}

/* The groups of a column from the highest score to the lowest: *at begins at 0. False after the last. */
static bool next_group(const ffn__ranking *k, size_t column, size_t *at, group *g)
{
    *g = (group){0, 0};
    if (k->bins) {
        if (*at == k->bin_count) return false;
        *g = k->bins[column * k->bin_count + (k->bin_count - 1 - (*at)++)];
        return true;
    }
    const entry *entries = k->entries + column * k->capacity;
    const size_t first = *at;
    for (; *at < k->rows && entries[*at].score == entries[first].score; (*at)++) {
        g->positive += fmax((double)entries[*at].weight, 0);
        g->negative += fmax(-(double)entries[*at].weight, 0);
    }
    return *at > first;
}

static group totals_of(const ffn__ranking *k, size_t column)
{
    group sum = {0, 0}, g;
    for (size_t at = 0; next_group(k, column, &at, &g);) {
        sum.positive += g.positive;
        sum.negative += g.negative;
    }
    return sum;
}

/* ---- figures --------------------------------------------------------------------------------------------------- */

/* A figure of one column, of which all are positive and negative; *bound: how far it may be from that of exact scores. */
typedef double figure(const ffn__ranking *k, size_t column, group all, double *bound);

/* Pairs of a positive and a negative of which the positive is above; equal ones count half. */
static double roc_auc(const ffn__ranking *k, size_t column, group all, double *bound)
{
    group before = {0, 0}, g;
    double area = 0;
    *bound = 0;
    for (size_t at = 0; next_group(k, column, &at, &g);) {
        area += g.negative / all.negative * ((before.positive + g.positive / 2) / all.positive);
        *bound += g.negative / all.negative * (g.positive / 2 / all.positive);
        before.positive += g.positive;
    }
    return area;
}

/* Sum of precision times the growth of recall. Within a bin no precision is above that of its positives before its
 * negatives; and with its negatives first, the sum over positives however light is at least the integral of
 * x / (x + negatives). */
static double average_precision(const ffn__ranking *k, size_t column, group all, double *bound)
{
    group before = {0, 0}, g;
    double sum = 0;
    *bound = 0;
    for (size_t at = 0; next_group(k, column, &at, &g);) {
        const double positive = before.positive + g.positive, negative = before.negative + g.negative;
        if (g.positive > 0) {
            const double mean = g.positive * positive / (positive + negative);
            const double high = g.positive * positive / (positive + before.negative);
            const double low = g.positive - negative * log1p(g.positive / (before.positive + negative));
            sum += mean / all.positive;
            *bound += fmax(high - mean, negative > 0 ? mean - low : 0) / all.positive;
        }
        before = (group){positive, negative};
    }
    return sum;
}

/* The mean over the columns that have both positives and negatives; NaN without one. */
static double mean_over_columns(const ffn__ranking *k, figure *of, bool wants_negatives, double *bound)
{
    double sum = 0, bounds = 0, found = 0;
    for (size_t c = 0; c < k->columns; c++) {
        const group all = totals_of(k, c);
        double of_column;
        if (!(all.positive > 0) || (wants_negatives && !(all.negative > 0))) continue;
        sum += of(k, c, all, &of_column);
        bounds += of_column;
        found++;
    }
    *bound = bounds / found;
    return sum / found;
}

double ffn__roc_auc_value(ffn_metric *m)
{
    double bound;
    sort_all(m->ranking);
    return mean_over_columns(m->ranking, roc_auc, true, &bound);
}

double ffn__average_precision_value(ffn_metric *m)
{
    double bound;
    sort_all(m->ranking);
    return mean_over_columns(m->ranking, average_precision, false, &bound);
}

double ffn__ranking_bound(const ffn_metric *m)
{
    double bound;
    if (!m->ranking->bins) return 0;
    const bool area = m->kind->value == ffn__roc_auc_value;
    (void)mean_over_columns(m->ranking, area ? roc_auc : average_precision, area, &bound);
    return bound;
}
