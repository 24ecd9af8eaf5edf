/* The five small sets of scikit-learn, in five folds, beside its MLP: small.py has that side, with the same folds. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS = 5, SEEDS = 5 };

typedef struct set {
    const char *name;
    bool regression;
    float dropout, weight_decay;
    size_t epochs;
    float target_scale; /* brings a regression's targets to about 1, which R^2 does not see */
} set;

static const set sets[] = {
    {"iris", false, 0, 0.01f, 200, 1},           {"wine", false, 0.5f, 0.01f, 100, 1},
    {"breast_cancer", false, 0.3f, 0.1f, 60, 1}, {"digits", false, 0.3f, 0.01f, 100, 1},
    {"diabetes", true, 0.3f, 0.1f, 60, 0.01f},
};

/* Row k of its class, or of all rows, is tested in fold k % FOLDS. */
static bool in_fold(const ffn_dataset *data, const float *y, size_t row, size_t fold)
{
    if (ffn_dataset_classes(data) == 0) return row % FOLDS == fold;
    size_t before = 0;
    for (size_t i = 0; i < row; i++) before += y[i] == y[row];
    return before % FOLDS == fold;
}

/* The rows inside the fold, or those outside it: a dataset over x and y, which are the caller's to free. */
static ffn_dataset *part(const set *s, const ffn_dataset *data, size_t fold, bool inside, float **x, float **y,
                         ffn_error *error)
{
    const ffn_tensor from_x = ffn_dataset_inputs(data), from_y = ffn_dataset_targets(data);
    const size_t rows = ffn_dataset_rows(data), features = from_x.shape.dim[1];
    size_t count = 0;
    *x = malloc(rows * features * sizeof **x);
    *y = malloc(rows * sizeof **y);
    if (!*x || !*y) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < rows; i++) {
        if (in_fold(data, from_y.data, i, fold) != inside) continue;
        memcpy(*x + count * features, from_x.data + i * features, features * sizeof **x);
        (*y)[count++] = from_y.data[i] * s->target_scale;
    }
    return ffn_dataset_from_arrays(*x, ffn_shape_1d(features), *y, ffn_shape_1d(1), count, error);
}

static ffn_model *make(const set *s, size_t features, size_t classes, uint64_t seed, ffn_error *error)
{
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_shape_1d(features)));
    h = ffn_dropout(model, ffn_dense(model, h, 100, ffn_relu()), s->dropout);
    h = s->regression ? ffn_dense(model, h, 1, ffn_linear()) : ffn_dense(model, h, classes, ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* Accuracy or R^2 of one fold; NaN after an error. */
static double run_fold(const set *s, const ffn_dataset *data, size_t fold, uint64_t seed, ffn_error *error)
{
    float *x[2], *y[2];
    ffn_metrics metrics = {0};
    ffn_dataset *training = part(s, data, fold, false, &x[0], &y[0], error);
    ffn_dataset *test = part(s, data, fold, true, &x[1], &y[1], error);
    const size_t features = ffn_dataset_inputs(data).shape.dim[1];
    ffn_model *model = make(s, features, ffn_dataset_classes(data), seed, error);
    ffn_fit_options options = ffn_fit_defaults();
    const size_t updates = (ffn_dataset_rows(training) + options.batch_size - 1) / options.batch_size * s->epochs;
    options.epochs = s->epochs;
    options.seed = seed;
    options.optimizer = ffn_adamw(0.003f, s->weight_decay);
    options.schedule = ffn_cosine_decay(updates, 0);
    double figure = (double)NAN;
    if (ffn_fit(model, training, &options, NULL, error) == FFN_OK &&
        ffn_evaluate(model, test, options.loss, &metrics, error) == FFN_OK)
        figure = s->regression ? metrics.r2 : metrics.accuracy;
    ffn_metrics_destroy(&metrics);
    ffn_model_destroy(model);
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    for (int i = 0; i < 2; i++) {
        free(x[i]);
        free(y[i]);
    }
    return figure;
}

static int run_set(const results_run *run, const set *s)
{
    char file[64], path[512];
    ffn_error error = {0};
    (void)snprintf(file, sizeof file, "%s.csv", s->name);
    const ffn_csv_options csv = {.classification = !s->regression};
    ffn_dataset *data = ffn_dataset_load_csv(results_path(path, sizeof path, run->data, file), &csv, &error);
    if (!data) return results_fail(&error);
    const size_t seeds = run->seeds ? run->seeds : SEEDS;
    double mean = 0, squares = 0;
    for (size_t seed = 1; seed <= seeds; seed++) {
        double figure = 0;
        for (size_t fold = 0; fold < FOLDS; fold++) figure += run_fold(s, data, fold, seed, &error) / FOLDS;
        const double delta = figure - mean;
        mean += delta / (double)seed;
        squares += delta * (figure - mean);
    }
    ffn_dataset_destroy(data);
    if (!isfinite(mean)) return results_fail(&error);
    printf("%-14s %.4f +- %.4f\n", s->name, mean, seeds > 1 ? sqrt(squares / (double)(seeds - 1)) : 0.0);
    (void)fflush(stdout);
    return 0;
}

static int small(const results_run *run)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (run_set(run, &sets[i]) != 0) return 1;
    return 0;
}

const results_row results_small[] = {
    {"small", "iris, wine, breast cancer, digits, diabetes: 5 folds, as scikit-learn's MLP or better", small},
    {0},
};
