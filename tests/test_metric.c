/* Metrics: what they refuse, what is not defined, long streams, bins of scores; over models, and as what ffn_fit follows.
 * Values of short ones are in test_goldens_metric.c. */
#include "failing.h"
#include "networks.h"
#include "test.h"

static ffn_metric *make(const char *name, ffn_metric_options options)
{
    ffn_error error = {FFN_OK, ""};
    ffn_metric *metric = ffn_metric_create(name, &options, &error);
    if (!metric) printf("\n    %s: %s\n", name, error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(metric);
    return metric;
}

/* ---- names and options ----------------------------------------------------------------------------------------- */

static void test_names(void)
{
    const char *lower[] = {"log_loss", "calibration_error", "mae", "mape", "mse", "rmse"};
    ffn_error error = {FFN_OK, ""};
    size_t count = 0, found = 0;
    for (; ffn_metric_name(count); count++) {
        ffn_metric *metric = ffn_metric_create(ffn_metric_name(count), &(ffn_metric_options){.outputs = 3}, &error);
        CU_ASSERT_PTR_NOT_NULL(metric);
        CU_ASSERT(isnan(ffn_metric_value(metric)));
        for (size_t i = 0; i < COUNT(lower); i++) found += strcmp(lower[i], ffn_metric_name(count)) == 0;
        ffn_metric_destroy(metric);
    }
    CU_ASSERT_EQUAL(count, 15);
    CU_ASSERT_EQUAL(found, COUNT(lower));
    for (size_t i = 0; i < COUNT(lower); i++) CU_ASSERT(ffn_metric_lower_is_better(lower[i]));
    CU_ASSERT_FALSE(ffn_metric_lower_is_better("r2") || ffn_metric_lower_is_better("top_3_accuracy") ||
                    ffn_metric_lower_is_better("nothing") || ffn_metric_lower_is_better(NULL));
    CU_ASSERT_PTR_NULL(ffn_metric_create("acuracy", NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "acuracy"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "balanced_accuracy"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_metric_create: name is \"acuracy\"; expected one of accuracy, "));
    CU_ASSERT_PTR_NULL(ffn_metric_create(NULL, NULL, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_metric_create: name is NULL; expected one of accuracy, "));
}

static void test_options_out_of_range(void)
{
    const struct {
        const char *name;
        ffn_metric_options options;
    } bad[] = {{"accuracy", {.outputs = 0}},
               {"accuracy", {.outputs = 3, .target_columns = 2}},
               {"accuracy", {.outputs = 3, .target_columns = 1, .several = true}},
               {"mae", {.outputs = 3, .target_columns = 1}},
               {"top_4_accuracy", {.outputs = 3}},
               {"top_1_accuracy", {.outputs = 1}},
               {"top_0_accuracy", {.outputs = 3}},
               {"top__accuracy", {.outputs = 3}},
               {"top_2_accuracy", {.outputs = 3, .several = true}},
               {"top_99999999999999999999999999_accuracy", {.outputs = 3}},
               {"top_18446744073709551617_accuracy", {.outputs = 3}}, /* 2^64 + 1 */
               {"balanced_accuracy", {.outputs = 3, .several = true}},
               {"calibration_error", {.outputs = 3, .bins = SIZE_MAX}},
               {"precision", {.outputs = SIZE_MAX / 2}},
               {"", {.outputs = 1}},
               {NULL, {.outputs = 1}}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ffn_error error = {FFN_OK, ""};
        CU_ASSERT_PTR_NULL(ffn_metric_create(bad[i].name, &bad[i].options, &error));
        CU_ASSERT(error.status != FFN_OK && error.message[0]);
        CU_ASSERT_PTR_NULL(ffn_metric_create(bad[i].name, &bad[i].options, NULL));
    }
    ffn_metric_destroy(NULL);
    ffn_metric_reset(NULL);
    CU_ASSERT(isnan(ffn_metric_value(NULL)) && isnan(ffn_metric_error_bound(NULL)));
    CU_ASSERT_EQUAL(ffn_metric_update(NULL, NULL, NULL, NULL, 1, NULL), FFN_INVALID_ARGUMENT);
}

/* ---- rows that are refused, or spoil --------------------------------------------------------------------------- */

static void test_bad_rows_add_nothing(void)
{
    const float y[] = {0.25f, 0.75f, 0.5f, 0.5f}, good[] = {1, 0}, bad[][2] = {{1, 2}, {1, -1}, {1, 0.5f}, {NAN, 0}};
    const float weights[][2] = {{1, -1}, {1, NAN}, {INFINITY, 1}};
    const char *names[] = {"accuracy", "roc_auc", "log_loss", "f1", "calibration_error"};
    for (size_t n = 0; n < COUNT(names); n++) {
        ffn_metric *metric = make(names[n], (ffn_metric_options){.outputs = 2});
        ffn_error error = {FFN_OK, ""};
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, good, NULL, 2, NULL), FFN_OK);
        const double value = ffn_metric_value(metric);
        for (size_t i = 0; i < COUNT(bad); i++)
            CU_ASSERT_EQUAL(ffn_metric_update(metric, y, bad[i], NULL, 2, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "row 0"));
        for (size_t i = 0; i < COUNT(weights); i++)
            CU_ASSERT_EQUAL(ffn_metric_update(metric, y, good, weights[i], 2, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_metric_update(metric, NULL, good, NULL, 2, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, NULL, NULL, 2, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_metric_update(metric, NULL, NULL, NULL, 0, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_metric_value(metric), value);
        CU_ASSERT_FALSE(isnan(value));
        ffn_metric_destroy(metric);
    }
    const float outside[] = {-0.25f, 1.5f, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(outside); i++) {
        ffn_metric *metric = make("accuracy", (ffn_metric_options){.outputs = 1});
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, &outside[i], NULL, 1, NULL), FFN_INVALID_ARGUMENT);
        ffn_metric_destroy(metric);
        metric = make("mae", (ffn_metric_options){.outputs = 1});
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, &outside[i], NULL, 1, NULL),
                        i < 2 ? FFN_OK : FFN_INVALID_ARGUMENT);
        ffn_metric_destroy(metric);
    }
    const float no_signs[] = {0.5f, 0, -0.25f, 2, NAN}, signs[] = {-1, 1};
    for (size_t i = 0; i < COUNT(no_signs); i++) {
        ffn_metric *metric = make("accuracy", (ffn_metric_options){.outputs = 1, .signs = true});
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, signs, NULL, 2, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_metric_update(metric, y, &no_signs[i], NULL, 1, NULL), FFN_INVALID_ARGUMENT);
        ffn_metric_destroy(metric);
    }
}

static void test_outputs_that_are_not_finite(void)
{
    const float good[] = {0.25f, 0.75f}, t[] = {0, 1}, spoiled[][2] = {{NAN, 0}, {0, INFINITY}, {-INFINITY, 1}};
    for (size_t k = 0; ffn_metric_name(k); k++) {
        if (strcmp(ffn_metric_name(k), "top_k_accuracy") == 0) continue;
        ffn_metric *metric = make(ffn_metric_name(k), (ffn_metric_options){.outputs = 1});
        for (size_t i = 0; i < COUNT(spoiled); i++) {
            CU_ASSERT_EQUAL(ffn_metric_update(metric, good, t, NULL, 2, NULL), FFN_OK);
            const double value = ffn_metric_value(metric);
            CU_ASSERT_FALSE(isnan(value));
            CU_ASSERT_EQUAL(ffn_metric_update(metric, spoiled[i], t, NULL, 2, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_metric_update(metric, good, t, NULL, 2, NULL), FFN_OK);
            CU_ASSERT(isnan(ffn_metric_value(metric)) && isnan(ffn_metric_error_bound(metric)));
            ffn_metric_reset(metric);
            CU_ASSERT(isnan(ffn_metric_value(metric)));
            CU_ASSERT_EQUAL(ffn_metric_update(metric, good, t, NULL, 2, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_metric_value(metric), value);
            ffn_metric_reset(metric);
        }
        ffn_metric_destroy(metric);
    }
}

/* ---- what is not defined --------------------------------------------------------------------------------------- */

static double value_of(const char *name, ffn_metric_options options, const float *y, const float *t, size_t rows)
{
    ffn_metric *metric = make(name, options);
    CU_ASSERT_EQUAL(ffn_metric_update(metric, y, t, NULL, rows, NULL), FFN_OK);
    const double value = ffn_metric_value(metric);
    ffn_metric_destroy(metric);
    return value;
}

static void test_edges(void)
{
    const ffn_metric_options one = {.outputs = 1}, three = {.outputs = 3};
    const float y[] = {0.1f, 0.9f, 0.3f}, yes[] = {1, 1, 1}, no[] = {0, 0, 0}, mixed[] = {0, 1, 0};
    CU_ASSERT(isnan(value_of("roc_auc", one, y, yes, 3)) && isnan(value_of("roc_auc", one, y, no, 3)));
    CU_ASSERT_DOUBLE_EQUAL(value_of("average_precision", one, y, yes, 3), 1, 1e-15);
    CU_ASSERT(isnan(value_of("average_precision", one, y, no, 3)));
    CU_ASSERT_EQUAL(value_of("roc_auc", one, y, mixed, 3), 1);
    CU_ASSERT_EQUAL(value_of("precision", one, no, yes, 3), 0);
    CU_ASSERT_EQUAL(value_of("recall", one, yes, no, 3), 0);
    CU_ASSERT_EQUAL(value_of("r2", one, yes, yes, 3), 1);
    CU_ASSERT_EQUAL(value_of("r2", one, y, yes, 3), 0);
    CU_ASSERT(isfinite(value_of("mape", one, y, no, 3)));
    CU_ASSERT_DOUBLE_EQUAL(value_of("log_loss", one, no, yes, 3), 23 * log(2), 1e-6); /* clipped at 2^-23 */

    const float beyond[] = {1e30f, -1e30f, 2}; /* probabilities that are none */
    CU_ASSERT(isfinite(value_of("calibration_error", one, beyond, mixed, 3)));
    CU_ASSERT_DOUBLE_EQUAL(value_of("log_loss", one, beyond, yes, 3), 23 * log(2) / 3, 1e-6);

    /* a class that does not occur is left out of the mean of areas; equal outputs in top_k: the last counts first */
    const float p[] = {0.7f, 0.2f, 0.1f, 0.3f, 0.6f, 0.1f, 0.4f, 0.4f, 0.2f}, classes[] = {0, 1, 0};
    CU_ASSERT_DOUBLE_EQUAL(value_of("roc_auc", three, p, classes, 3), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(value_of("balanced_accuracy", three, p, classes, 3), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(value_of("top_1_accuracy", three, p, classes, 3), 2 / 3.0, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(value_of("accuracy", three, p, classes, 3), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(value_of("top_2_accuracy", three, p, classes, 3), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(value_of("top_k_accuracy", three, p, classes, 3), 1, 1e-15); /* all three */
    const float borders[] = {0.5f, 0.25f, 0.25f, 0.75f, 0.25f, 0}, first[] = {0, 1};    /* a bin has its upper border */
    CU_ASSERT_DOUBLE_EQUAL(
        value_of("calibration_error", (ffn_metric_options){.outputs = 3, .bins = 2}, borders, first, 2), 0.625, 1e-12);
    const ffn_metric_options seven = {.outputs = 7};
    const float falling[2 * 7] = {7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1}, fifth[] = {4, 5};
    CU_ASSERT_DOUBLE_EQUAL(value_of("top_k_accuracy", seven, falling, fifth, 2), 0.5, 1e-15);
}

/* Without rows nothing is defined, nor of rows without weight; a row without a yes is one, and has nothing to divide by. */
static void test_without_rows(void)
{
    const ffn_metric_options options[] = {{.outputs = 1}, {.outputs = 3}, {.outputs = 3, .several = true}};
    const float none[3] = {0}, weightless = 0;
    for (size_t k = 0; ffn_metric_name(k); k++)
        for (size_t i = 0; i < COUNT(options); i++) {
            ffn_metric *metric = ffn_metric_create(ffn_metric_name(k), &options[i], NULL);
            if (!metric) continue; /* it has no meaning there */
            CU_ASSERT(isnan(ffn_metric_value(metric)));
            CU_ASSERT_EQUAL(ffn_metric_update(metric, none, none, &weightless, 1, NULL), FFN_OK);
            CU_ASSERT(isnan(ffn_metric_value(metric)));
            ffn_metric_destroy(metric);
        }
    const char *names[] = {"precision", "recall", "f1"};
    for (size_t k = 0; k < COUNT(names); k++) CU_ASSERT_EQUAL(value_of(names[k], options[2], none, none, 1), 0);
}

/* Logits, targets of one column a class, and signs say the same as probabilities, indices and 0 and 1. */
static void test_forms_of_the_same(void)
{
    enum { N = 50, C = 4 };
    static float z[N * C], p[N * C], t[N], hot[N * C], sign[N], binary[N];
    const char *names[] = {"accuracy",          "log_loss", "roc_auc",          "average_precision",
                           "calibration_error", "f1",       "balanced_accuracy"};
    fill_uniform(z, COUNT(z), 1, -2, 2);
    fill_targets(t, N, C, FFN_TARGET_CLASS_INDEX, 2);
    for (size_t r = 0; r < N; r++) {
        hot[r * C + (size_t)t[r]] = 1;
        binary[r] = t[r] > 1;
        sign[r] = t[r] > 1 ? 1 : -1;
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        CU_ASSERT_EQUAL(ffn_activation_forward(ffn_softmax(), N, C, z, p, NULL), FFN_OK);
        const double want = value_of(names[i], (ffn_metric_options){.outputs = C}, p, t, N);
        CU_ASSERT_DOUBLE_EQUAL(value_of(names[i], (ffn_metric_options){.outputs = C, .logits = true}, z, t, N), want,
                               1e-6);
        CU_ASSERT_EQUAL(value_of(names[i], (ffn_metric_options){.outputs = C, .target_columns = C}, p, hot, N), want);
        CU_ASSERT_EQUAL(ffn_activation_forward(ffn_sigmoid(), N, 1, z, p, NULL), FFN_OK);
        const double yes = value_of(names[i], (ffn_metric_options){.outputs = 1}, p, binary, N);
        const ffn_metric_options signs = {.outputs = 1, .logits = true, .signs = true};
        CU_ASSERT_DOUBLE_EQUAL(value_of(names[i], signs, z, sign, N), yes, 1e-6);
        CU_ASSERT(fabs(want - yes) > 1e-4);
    }
}

/* ---- long streams ---------------------------------------------------------------------------------------------- */

/* 10^8 rows of small figures far from 0: plain sums in float stop at 2^24 and lose all digits here. */
static void test_long_streams(void)
{
    enum { PIECE = 10000, PIECES = 10000 };
    static float y[PIECE], t[PIECE];
    const char *names[] = {"mae", "mse", "r2"};
    double sizes = 0, squares = 0, mean = 0, variance = 0;
    fill_uniform(t, PIECE, 3, 1000, 1001);
    fill_uniform(y, PIECE, 4, 1000, 1001);
    for (size_t i = 0; i < PIECE; i++) {
        const double e = (double)y[i] - (double)t[i];
        sizes += fabs(e) / PIECE;
        squares += e * e / PIECE;
        mean += (double)t[i] / PIECE;
    }
    for (size_t i = 0; i < PIECE; i++) variance += ((double)t[i] - mean) * ((double)t[i] - mean) / PIECE;
    const double want[] = {sizes, squares, 1 - squares / variance};
    for (size_t k = 0; k < COUNT(names); k++) {
        const size_t pieces = k == 0 ? PIECES : PIECES / 10;
        ffn_metric *metric = make(names[k], (ffn_metric_options){.outputs = 1});
        for (size_t i = 0; i < pieces; i++) (void)ffn_metric_update(metric, y, t, NULL, PIECE, NULL);
        CU_ASSERT_DOUBLE_EQUAL(ffn_metric_value(metric), want[k], 1e-12 * fabs(want[k]));
        ffn_metric_destroy(metric);
    }
}

/* A heavy row and many light ones: a plain sum would lose the light. */
static void test_compensation(void)
{
    enum { LIGHT = 1000000 };
    const float y = 1, t = 0;
    ffn_metric *metric = make("mae", (ffn_metric_options){.outputs = 1});
    float weight = 1;
    for (size_t i = 0; i < 60; i++) weight *= 2;
    CU_ASSERT_EQUAL(ffn_metric_update(metric, &y, &t, &weight, 1, NULL), FFN_OK);
    weight = 64; /* half of the rounding of the sum of weights */
    for (size_t i = 0; i < LIGHT; i++) (void)ffn_metric_update(metric, &t, &t, &weight, 1, NULL);
    CU_ASSERT_DOUBLE_EQUAL(ffn_metric_value(metric), 1 - 64.0 * LIGHT / (pow(2, 60) + 64.0 * LIGHT), 1e-15);
    ffn_metric_reset(metric);
    const float sizes[] = {0.5f, 0x1p53f, 0.5f, 0.5f}; /* a light row before the heavy one */
    for (size_t i = 0; i < COUNT(sizes); i++)
        CU_ASSERT_EQUAL(ffn_metric_update(metric, &sizes[i], &t, NULL, 1, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_metric_value(metric), (0x1p53 + 2) / 4);
    ffn_metric_destroy(metric);
}

/* Scores beyond what is kept: near the exact value, within the bound, which is small; memory stays what it is. */
static void test_many_scores(void)
{
    enum { ROWS = 200000 };
    static float y[ROWS], t[ROWS];
    const char *names[] = {"roc_auc", "average_precision"};
    ffn_random random = ffn_random_create(1, 2, 3);
    for (size_t i = 0; i < ROWS; i++) {
        t[i] = (float)(ffn_random_below(&random, 4) == 0);
        y[i] = 1 / (1 + expf(-2 * ffn_random_normal(&random) - t[i] + 2));
    }
    for (size_t k = 0; k < COUNT(names); k++) {
        const double exact = value_of(names[k], (ffn_metric_options){.outputs = 1}, y, t, ROWS);
        ffn_metric *metric = make(names[k], (ffn_metric_options){.outputs = 1, .exact_scores = 5000});
        failing_start(0);
        for (size_t i = 0; i < ROWS; i += 1000) (void)ffn_metric_update(metric, y + i, t + i, NULL, 1000, NULL);
        const size_t after = failing.bytes;
        for (size_t i = 0; i < ROWS; i += 1000) (void)ffn_metric_update(metric, y + i, t + i, NULL, 1000, NULL);
        CU_ASSERT_EQUAL(failing.bytes, after);
        CU_ASSERT(after < 80u << 20);
        const double value = ffn_metric_value(metric), bound = ffn_metric_error_bound(metric);
        CU_ASSERT(bound > 0 && bound < 2e-4);
        CU_ASSERT(fabs(value - exact) <= bound);
        CU_ASSERT(value != exact);
        ffn_metric_destroy(metric);
        (void)failing_stop();
    }
}

/* In bins the order is that of the scores on both sides of 0, also of those below the normal numbers. */
static void test_bins_of_any_sign(void)
{
    const float y[] = {-3, -2, -1e-40f, 0, 1e-40f, 5}, t[] = {0, 0, 0, 1, 1, 1}, low[] = {0, 1, 1, 1, 1, 1};
    const ffn_metric_options options = {.outputs = 1, .logits = true, .exact_scores = 1};
    CU_ASSERT_EQUAL(value_of("roc_auc", options, y, t, COUNT(y)), 1);
    CU_ASSERT_EQUAL(value_of("roc_auc", options, y, low, COUNT(y)), 1);
}

static void test_memory_fails(void)
{
    float y[64], t[64];
    fill_uniform(y, 64, 1, 0, 1);
    for (size_t i = 0; i < 64; i++) t[i] = (float)(i % 2);
    for (size_t k = 0; ffn_metric_name(k); k++) {
        const char *name = ffn_metric_name(k);
        const ffn_metric_options options = {.outputs = k == 1 ? 2 : 1, .exact_scores = 40};
        const size_t rows = k == 1 ? 32 : 64;
        bool done = false;
        for (size_t fail = 1; !done && fail < 20; fail++) {
            failing_start(fail);
            ffn_error error = {FFN_OK, ""};
            ffn_metric *metric = ffn_metric_create(name, &options, &error);
            ffn_status status = metric ? ffn_metric_update(metric, y, t, NULL, rows / 2, &error) : error.status;
            if (status == FFN_OK) status = ffn_metric_update(metric, y, t, NULL, rows, &error);
            done = status == FFN_OK;
            CU_ASSERT(done || status == FFN_OUT_OF_MEMORY);
            ffn_metric_destroy(metric);
            CU_ASSERT_EQUAL(failing_stop(), 0);
        }
        CU_ASSERT(done);
    }
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

enum { ROWS = 90 };
static float x_data[ROWS * INPUTS], labels[ROWS], numbers[ROWS * OUTPUTS];

static ffn_model *make_model(size_t outputs, ffn_activation last)
{
    fill_uniform(x_data, COUNT(x_data), 5, -2, 2);
    fill_targets(numbers, ROWS, OUTPUTS, FFN_TARGET_NUMBERS, 6);
    for (size_t r = 0; r < ROWS; r++)
        labels[r] =
            x_data[r * INPUTS] > 0 ? (x_data[r * INPUTS + 1] > 0 ? 0 : 1) : (x_data[r * INPUTS + 1] > 0 ? 2 : 3);
    ffn_model *model = ffn_model_create(3, NULL);
    const ffn_value h = ffn_dense(model, row_input(model), 9, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, outputs, last), NULL), FFN_OK);
    return model;
}

static ffn_dataset *make_data(const float *targets, size_t columns)
{
    return ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), targets, ffn_shape_1d(columns), ROWS, NULL);
}

/* Of a model that ends in probabilities, their logarithms or logits, the same as ffn_evaluate has. */
static void test_of_models(void)
{
    const ffn_activation ends[] = {ffn_softmax(), ffn_log_softmax(), ffn_linear()};
    for (size_t e = 0; e < COUNT(ends); e++) {
        ffn_model *model = make_model(OUTPUTS, ends[e]);
        ffn_dataset *data = make_data(labels, 1);
        ffn_metrics m = {0};
        double value = 0;
        CU_ASSERT_EQUAL(ffn_evaluate(model, data, ffn_cross_entropy(), &m, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_cross_entropy(), "log_loss", &value, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(value, m.loss, 1e-5);
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_cross_entropy(), "accuracy", &value, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(value, m.accuracy, 1e-12);
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_cross_entropy(), "f1", &value, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(value, m.macro_f1, 1e-12);
        ffn_metrics_destroy(&m);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
    ffn_model *model = make_model(OUTPUTS, ffn_linear());
    ffn_dataset *data = make_data(numbers, OUTPUTS);
    const char *names[] = {"r2", "mae", "rmse"};
    ffn_metrics m = {0};
    CU_ASSERT_EQUAL(ffn_evaluate(model, data, ffn_mse(), &m, NULL), FFN_OK);
    const double want[] = {m.r2, m.mae, m.rmse};
    for (size_t i = 0; i < 3; i++) {
        double value = 0;
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_mse(), names[i], &value, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(value, want[i], 1e-12);
    }
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* A loss of probabilities, from outside the library: its outputs are not logits. */
static ffn_loss squares_of_probabilities(void)
{
    static ffn_loss_ops ops;
    ops = *ffn_mse().ops;
    ops.name = "brier";
    ops.target = FFN_TARGET_PROBABILITY;
    return (ffn_loss){.ops = &ops};
}

/* One output, or several: a yes is above 0.5 as a probability, above 0 as a logit or for hinge. */
static void test_one_accuracy(void)
{
    const struct {
        ffn_loss loss;
        ffn_activation last;
        float limit;
    } ways[] = {{ffn_hinge(), ffn_sigmoid(), 0},
                {ffn_hinge(), ffn_linear(), 0},
                {ffn_binary_cross_entropy(), ffn_linear(), 0},
                {ffn_binary_cross_entropy(), ffn_sigmoid(), 0.5f},
                {squares_of_probabilities(), ffn_sigmoid(), 0.5f},
                {squares_of_probabilities(), ffn_linear(), 0}};
    for (size_t i = 0; i < COUNT(ways); i++)
        for (size_t outputs = 1; outputs <= OUTPUTS; outputs += OUTPUTS - 1) {
            static float y[ROWS * OUTPUTS], t[ROWS * OUTPUTS];
            ffn_model *model = make_model(outputs, ways[i].last);
            fill_targets(t, ROWS, outputs, ways[i].loss.ops->target, 7);
            ffn_dataset *data = make_data(t, outputs);
            ffn_metrics m = {0};
            double value = 0, right = 0;
            CU_ASSERT_EQUAL(ffn_predict(model, x_data, ROWS, y, NULL), FFN_OK);
            const float no = ways[i].loss.ops->target == FFN_TARGET_SIGN ? 0 : 0.5f;
            for (size_t k = 0; k < ROWS * outputs; k++) right += (y[k] > ways[i].limit) == (t[k] > no);
            CU_ASSERT_EQUAL(ffn_evaluate(model, data, ways[i].loss, &m, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ways[i].loss, "accuracy", &value, NULL), FFN_OK);
            CU_ASSERT_DOUBLE_EQUAL(m.accuracy, right / (double)(ROWS * outputs), 1e-12);
            CU_ASSERT_DOUBLE_EQUAL(value, m.accuracy, 1e-12);
            const ffn_fit_options options = {
                .loss = ways[i].loss, .optimizer = ffn_sgd(0), .epochs = 1, .metric = "accuracy"};
            ffn_history history = {0};
            CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
            CU_ASSERT_DOUBLE_EQUAL(history.epoch[0].accuracy, m.accuracy, 1e-12);
            CU_ASSERT_DOUBLE_EQUAL(history.epoch[0].metric, m.accuracy, 1e-12);
            ffn_history_destroy(&history);
            ffn_metrics_destroy(&m);
            ffn_dataset_destroy(data);
            ffn_model_destroy(model);
        }
}

static void test_of_models_refuses(void)
{
    ffn_model *model = make_model(OUTPUTS, ffn_linear());
    ffn_dataset *data = make_data(numbers, OUTPUTS);
    ffn_error error = {FFN_OK, ""};
    double value = 7;
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_mse(), "accuracy", &value, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "accuracy"));
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_mse(), "nope", &value, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_mse(), NULL, &value, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, NULL, ffn_mse(), "mae", &value, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate_metric(NULL, data, ffn_mse(), "mae", &value, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_mse(), "mae", NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(ffn_metric_create_for("accuracy", model, ffn_mse(), NULL));
    CU_ASSERT_PTR_NULL(ffn_metric_create_for("mae", NULL, ffn_mse(), NULL));
    CU_ASSERT_EQUAL(value, 7);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static double by_weights(const float *weights, const char *name)
{
    ffn_model *model = make_model(OUTPUTS, ffn_softmax());
    ffn_dataset *data = make_data(labels, 1);
    double value = (double)NAN;
    CU_ASSERT_EQUAL(ffn_dataset_set_weights(data, weights, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, ffn_cross_entropy(), name, &value, NULL), FFN_OK);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return value;
}

static void test_weights_of_datasets(void)
{
    float halves[ROWS], some[ROWS];
    for (size_t r = 0; r < ROWS; r++) halves[r] = 0.5f, some[r] = (float)(r % 3);
    CU_ASSERT_DOUBLE_EQUAL(by_weights(halves, "log_loss"), by_weights(NULL, "log_loss"), 1e-12);
    CU_ASSERT(fabs(by_weights(some, "log_loss") - by_weights(NULL, "log_loss")) > 1e-4);
}

/* ---- what ffn_fit follows -------------------------------------------------------------------------------------- */

static void test_fit_follows(void)
{
    const struct {
        const char *name;
        bool validation;
    } runs[] = {
        {"roc_auc", true}, {"log_loss", true}, {"top_2_accuracy", true}, {"f1", false}, {"calibration_error", true}};
    for (size_t i = 0; i < COUNT(runs); i++) {
        ffn_model *model = make_model(OUTPUTS, ffn_softmax());
        ffn_dataset *data = make_data(labels, 1);
        ffn_history history = {0};
        ffn_fit_options options = {.optimizer = ffn_adam(0.02f),
                                   .epochs = 25,
                                   .batch_size = 16,
                                   .validation = runs[i].validation ? data : NULL,
                                   .monitor = FFN_MONITOR_METRIC,
                                   .metric = runs[i].name,
                                   .restore_best = true};
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
        CU_ASSERT_EQUAL_FATAL(history.epochs, 25);
        const double sign = ffn_metric_lower_is_better(runs[i].name) ? 1 : -1;
        size_t best = 0;
        for (size_t e = 1; e < history.epochs; e++)
            if (sign * history.epoch[e].metric < sign * history.epoch[best].metric) best = e;
        CU_ASSERT_EQUAL(history.best_epoch, best + 1);
        double value = 0;
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, (ffn_loss){0}, runs[i].name, &value, NULL), FFN_OK);
        if (runs[i].validation) CU_ASSERT_DOUBLE_EQUAL(value, history.epoch[best].metric, 1e-12);
        ffn_history_destroy(&history);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
}

/* Patience counts the metric's epochs: with a rate of 0 nothing ever improves. */
static void test_fit_stops_and_refuses(void)
{
    ffn_model *model = make_model(OUTPUTS, ffn_softmax());
    ffn_dataset *data = make_data(labels, 1);
    ffn_history history = {0};
    ffn_fit_options options = {.optimizer = ffn_sgd(0), .epochs = 25, .validation = data, .metric = "roc_auc"};
    options.monitor = FFN_MONITOR_METRIC;
    options.patience = 3;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    CU_ASSERT(history.stopped_early);
    CU_ASSERT_EQUAL(history.epochs, 4);
    options.metric = "mae";
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_INVALID_ARGUMENT);
    options.metric = "what";
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_INVALID_ARGUMENT);
    options.metric = NULL;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_INVALID_ARGUMENT);
    options.monitor = (ffn_monitor)(FFN_MONITOR_METRIC + 1);
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(history.epochs, 4);
    options.monitor = FFN_MONITOR_LOSS;
    options.epochs = 1;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    CU_ASSERT(isnan(history.epoch[0].metric));
    ffn_history_destroy(&history);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"names", test_names},
    {"options out of range", test_options_out_of_range},
    {"bad rows add nothing", test_bad_rows_add_nothing},
    {"outputs that are not finite", test_outputs_that_are_not_finite},
    {"edges", test_edges},
    {"without rows", test_without_rows},
    {"forms of the same", test_forms_of_the_same},
    {"long streams", test_long_streams},
    {"compensation", test_compensation},
    {"many scores", test_many_scores},
    {"bins of any sign", test_bins_of_any_sign},
    {"memory fails", test_memory_fails},
    {"of models", test_of_models},
    {"one accuracy", test_one_accuracy},
    {"of models: refuses", test_of_models_refuses},
    {"weights of datasets", test_weights_of_datasets},
    {"fit follows", test_fit_follows},
    {"fit stops and refuses", test_fit_stops_and_refuses},
};
TEST_MAIN("metrics", cases)
