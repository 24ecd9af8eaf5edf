/* The five small sets of scikit-learn, in five folds, beside its MLP: small.py has that side, with the same folds. What each
 * set wants, of a small grid, is chosen by cross validation within the four folds that it is trained on. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOLDS = 5, REPEATS = 5 };

typedef struct set {
    const char *name;
    bool regression;
    size_t epochs;
    size_t inner_folds; /* that the choice is made by; 0: one part of a fifth */
} set;

static const set sets[] = {
    {"iris", false, 200, 5},   {"wine", false, 200, 5},    {"breast_cancer", false, 100, 5},
    {"digits", false, 100, 0}, {"diabetes", true, 100, 5},
};

static const char *const activations[] = {"relu", "tanh"};
static const ffn_dimension grids[2][2] = {
    {{.name = "activation", .choices = activations, .choice_count = 2},
     {.name = "label_smoothing", .low = 0, .high = 0.1, .points = 2}},
    {{.name = "activation", .choices = activations, .choice_count = 2},
     {.name = "weight_decay", .low = 0.1, .high = 1, .points = 2}},
};

static ffn_dataset *load(const results_run *run, const set *s, ffn_error *error)
{
    char file[64], path[512];
    (void)snprintf(file, sizeof file, "%s.csv", s->name);
    const ffn_csv_options csv = {.classification = !s->regression};
    return ffn_dataset_load_csv(results_path(path, sizeof path, run->data, file), &csv, error);
}

static ffn_status take_fold(const set *s, const ffn_dataset *data, size_t fold, uint64_t seed, ffn_dataset **training,
                            ffn_dataset **test, ffn_error *error)
{
    return s->regression ? ffn_dataset_fold(data, FOLDS, fold, seed, training, test, error)
                         : ffn_dataset_fold_stratified(data, FOLDS, fold, seed, training, test, error);
}

static ffn_model *build(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                        ffn_error *error)
{
    const set *s = user;
    ffn_activation activation = {0};
    if (ffn_activation_by_name(ffn_trial_choice(trial, "activation"), &activation, error) != FFN_OK) return NULL;
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_dataset_sample_shape(training)));
    h = ffn_dropout(model, ffn_dense(model, h, 100, activation), 0.5f);
    h = s->regression ? ffn_unstandardize(model, ffn_dense(model, h, 1, ffn_linear()))
                      : ffn_dense(model, h, ffn_dataset_classes(training), ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* ---- one fold ---------------------------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void report(const set *s, const ffn_trial *best, size_t done, size_t all, double began, double figure)
{
    const double left = (seconds() - began) / (double)done * (double)(all - done);
    const char *other = best->dimensions[1].name;
    printf("%s: %zu of %zu  %s, %s %g: %.4f  %.0f s left\n", s->name, done, all, ffn_trial_choice(best, "activation"),
           other, ffn_trial_number(best, other), figure, left);
    (void)fflush(stdout);
}

/* Accuracy or R^2 on the test part; NaN after an error. */
static double choose_and_test(const set *s, const ffn_dataset *training, const ffn_dataset *test, uint64_t seed,
                              ffn_search_result *result, ffn_error *error)
{
    ffn_search_options options = {.build = build,
                                  .user = (void *)s,
                                  .fit = ffn_fit_defaults(),
                                  .dimensions = grids[s->regression],
                                  .dimension_count = 2,
                                  .method = FFN_SEARCH_GRID,
                                  .folds = s->inner_folds,
                                  .metric = s->regression ? "r2" : "accuracy",
                                  .seed = seed,
                                  .refit = true};
    const size_t batch = 32, updates = (ffn_dataset_rows(training) + batch - 1) / batch * s->epochs;
    options.fit.loss = s->regression ? ffn_mse() : ffn_cross_entropy();
    options.fit.batch_size = batch;
    options.fit.epochs = s->epochs;
    options.fit.seed = seed;
    options.fit.optimizer = ffn_adamw(0.003f, 0.01f);
    options.fit.schedule = ffn_cosine_decay(updates, 0);
    double figure = (double)NAN;
    if (ffn_search(training, &options, result, error) == FFN_OK)
        (void)ffn_evaluate_metric(result->model, test, options.fit.loss, options.metric, &figure, error);
    return figure;
}

static double run_repeat(const set *s, const ffn_dataset *data, size_t repeat, size_t repeats, double began,
                         ffn_error *error)
{
    double sum = 0;
    for (size_t fold = 0; fold < FOLDS; fold++) {
        ffn_dataset *training = NULL, *test = NULL;
        ffn_search_result result = {0};
        double figure = (double)NAN;
        if (take_fold(s, data, fold, repeat, &training, &test, error) == FFN_OK)
            figure = choose_and_test(s, training, test, repeat, &result, error);
        if (isfinite(figure)) report(s, result.best, (repeat - 1) * FOLDS + fold + 1, repeats * FOLDS, began, figure);
        ffn_search_result_destroy(&result);
        ffn_dataset_destroy(training);
        ffn_dataset_destroy(test);
        sum += figure;
    }
    return sum / FOLDS;
}

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

static int run_set(const results_run *run, const set *s)
{
    ffn_error error = {0};
    ffn_dataset *data = load(run, s, &error);
    if (!data) return results_fail(&error);
    const size_t repeats = run->seeds ? run->seeds : REPEATS;
    const double began = seconds();
    double mean = 0, squares = 0;
    for (size_t repeat = 1; repeat <= repeats && isfinite(mean); repeat++) {
        const double figure = run_repeat(s, data, repeat, repeats, began, &error), delta = figure - mean;
        mean += delta / (double)repeat;
        squares += delta * (figure - mean);
    }
    ffn_dataset_destroy(data);
    if (!isfinite(mean)) return results_fail(&error);
    printf("%-14s %.4f +- %.4f\n", s->name, mean, repeats > 1 ? sqrt(squares / (double)(repeats - 1)) : 0.0);
    (void)fflush(stdout);
    return 0;
}

static int small(const results_run *run)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (run_set(run, &sets[i]) != 0) return 1;
    return 0;
}

/* The same rows, each with its number as its only feature. */
static ffn_dataset *number_rows(const ffn_dataset *data, float *numbers, uint32_t *labels, ffn_error *error)
{
    const float *targets = ffn_dataset_targets(data).data;
    const size_t rows = ffn_dataset_rows(data), classes = ffn_dataset_classes(data);
    for (size_t i = 0; i < rows; i++) {
        numbers[i] = (float)i;
        labels[i] = classes ? (uint32_t)targets[i] : 0;
    }
    if (classes) return ffn_dataset_from_labels(numbers, ffn_shape_1d(1), labels, classes, rows, error);
    return ffn_dataset_from_arrays(numbers, ffn_shape_1d(1), targets, ffn_shape_1d(1), rows, error);
}

static ffn_status print_folds(const set *s, const ffn_dataset *numbers, size_t repeats, ffn_error *error)
{
    for (size_t i = 0; i < repeats * FOLDS; i++) {
        ffn_dataset *training = NULL, *test = NULL;
        const ffn_status status = take_fold(s, numbers, i % FOLDS, i / FOLDS + 1, &training, &test, error);
        for (size_t row = 0; status == FFN_OK && row < ffn_dataset_rows(test); row++)
            printf("%s,%zu,%zu,%.0f\n", s->name, i / FOLDS + 1, i % FOLDS, (double)ffn_dataset_inputs(test).data[row]);
        ffn_dataset_destroy(training);
        ffn_dataset_destroy(test);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}

/* Lines of set, repeat, fold, row: what small.py reads. */
static int small_folds(const results_run *run)
{
    ffn_error error = {0};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && error.status == FFN_OK; i++) {
        ffn_dataset *data = load(run, &sets[i], &error), *numbers = NULL;
        const size_t rows = ffn_dataset_rows(data);
        float *x = malloc((rows + 1) * sizeof *x);
        uint32_t *labels = malloc((rows + 1) * sizeof *labels);
        if (!x || !labels) (void)ffn_fail(&error, FFN_OUT_OF_MEMORY, "out of memory");
        if (error.status == FFN_OK) numbers = number_rows(data, x, labels, &error);
        if (numbers) (void)print_folds(&sets[i], numbers, run->seeds ? run->seeds : REPEATS, &error);
        ffn_dataset_destroy(numbers);
        ffn_dataset_destroy(data);
        free(x);
        free(labels);
    }
    return error.status == FFN_OK ? 0 : results_fail(&error);
}

const results_row results_small[] = {
    {"small", "iris, wine, breast cancer, digits, diabetes: 5 folds, as scikit-learn's MLP or better", small},
    {"small_folds", "the folds of `small`, for small.py", small_folds},
    {0},
};
