/* Metrics against goldens/metric.txt, made by scikit-learn. */
#include "golden.h"

#include "ffn.h"

/* The value of a metric from rows given at once, or in pieces of some rows. */
static double measure(const golden_case *c, const char *name, size_t piece, size_t exact_scores, double *bound)
{
    const golden_entry *y_entry = golden_get(c, "y"), *t_entry = golden_get(c, "targets");
    const size_t rows = y_entry->dim[0], outputs = y_entry->dim[1], columns = t_entry->dim[1];
    float *y = golden_floats(y_entry), *t = golden_floats(t_entry), *w = golden_floats(golden_get(c, "weights"));
    const ffn_metric_options options = {.outputs = outputs,
                                        .target_columns = columns,
                                        .several = golden_number(c, "several", 0) != 0,
                                        .exact_scores = exact_scores};
    ffn_error error = {FFN_OK, ""};
    ffn_metric *metric = ffn_metric_create(name, &options, &error);
    if (!metric) printf("\n    %s: %s\n", name, error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(metric);
    for (size_t r = 0; r < rows; r += piece) {
        const size_t n = rows - r < piece ? rows - r : piece;
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y + r * outputs, t + r * columns, w + r, n, NULL), FFN_OK);
    }
    const double value = ffn_metric_value(metric);
    if (bound) *bound = ffn_metric_error_bound(metric);
    ffn_metric_destroy(metric);
    free(y);
    free(t);
    free(w);
    return value;
}

static bool is_metric(const char *key)
{
    return strcmp(key, "y") != 0 && strcmp(key, "targets") != 0 && strcmp(key, "weights") != 0 &&
           strcmp(key, "several") != 0;
}

static void test_against_scikit_learn(void)
{
    const size_t pieces[] = {1000, 7, 1};
    golden_file golden = golden_load("metric");
    size_t compared = 0;
    for (size_t i = 0; i < golden.count; i++)
        for (size_t k = 0; k < golden.cases[i].count; k++) {
            const golden_entry *e = &golden.cases[i].entries[k];
            for (size_t p = 0; is_metric(e->key) && p < 3; p++, compared++) {
                const double value = measure(&golden.cases[i], e->key, pieces[p], 0, NULL);
                const bool right = fabs(value - e->values[0]) <= 1e-12 * fmax(1, fabs(e->values[0]));
                if (!right)
                    printf("\n    %s: %s in pieces of %zu: found %.17g, golden %.17g", golden.cases[i].name, e->key,
                           pieces[p], value, e->values[0]);
                CU_ASSERT(right);
            }
        }
    CU_ASSERT(compared > 300);
    golden_close(&golden);
}

/* Counted in bins: within the bound of the exact value, which is a useful one; where the scores are multiples of 1/16 every
 * bin is one score. */
static void test_bins(void)
{
    const char *names[] = {"roc_auc", "average_precision"};
    golden_file golden = golden_load("metric");
    for (size_t i = 0; i < golden.count; i++)
        for (size_t k = 0; k < 2; k++) {
            const golden_entry *e = golden_maybe(&golden.cases[i], names[k]);
            const bool ties = strstr(golden.cases[i].name, "ties") || strstr(golden.cases[i].name, "several");
            if (!e) continue;
            double bound; /* from the first row on, or after some that were kept */
            const double value = measure(&golden.cases[i], names[k], 9, i % 2 ? 1 : 61, &bound);
            CU_ASSERT(fabs(value - e->values[0]) <= (ties ? 1e-12 : bound + 1e-12));
            CU_ASSERT(bound >= 0 && (ties || k == 1 || bound < 0.01));
        }
    golden_close(&golden);
}

static const test_case cases[] = {
    {"against scikit-learn", test_against_scikit_learn},
    {"bins", test_bins},
};
TEST_MAIN("goldens: metrics", cases)
