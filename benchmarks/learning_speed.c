/* How long it takes to read digits: milliseconds of ffn_fit, evaluation after every epoch included, until 97 % of the
 * validation digits are read rightly. One thread; the median of five seeds.
 *   learning_speed [digits.csv] */
#include <stdio.h>
#include <stdlib.h>

#include "common/bench.h"

#ifndef BENCH_DIGITS
#define BENCH_DIGITS "examples/data/digits.csv"
#endif

enum { SEEDS = 5, MOST_EPOCHS = 100 };
static const double GOAL = 0.97;

static void fail(const ffn_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static ffn_model *make_model(uint64_t seed)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(seed, &error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_shape_1d(64)));
    h = ffn_dense(model, h, 64, ffn_relu());
    if (ffn_model_build(model, ffn_dense(model, h, 10, ffn_softmax()), &error) != FFN_OK) fail(&error);
    return model;
}

static int is_good(const ffn_progress *progress, void *epochs)
{
    *(size_t *)epochs = progress->epoch;
    return progress->validation_accuracy >= GOAL;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    ffn_error error = {FFN_OK, ""};
    const ffn_csv_options csv = {.classification = true};
    ffn_dataset *all = ffn_dataset_load_csv(argc > 1 ? argv[1] : BENCH_DIGITS, &csv, &error), *train, *validation;
    if (!all || ffn_dataset_split(all, (float)0.8, 1, &train, &validation, &error) != FFN_OK) fail(&error);
    if (ffn_set_threads(1, &error) != FFN_OK) fail(&error);
    double seconds[SEEDS];
    for (size_t seed = 0; seed < SEEDS; seed++) {
        size_t epochs = 0;
        ffn_model *model = make_model(seed + 1);
        ffn_fit_options options = ffn_fit_defaults();
        options.optimizer = ffn_adam((float)4e-3);
        options.batch_size = 32;
        options.epochs = MOST_EPOCHS;
        options.seed = seed + 1;
        options.validation = validation;
        options.on_epoch = is_good;
        options.user = &epochs;
        const double start = bench_now();
        const ffn_status status = ffn_fit(model, train, &options, NULL, &error);
        seconds[seed] = bench_now() - start;
        if (status != FFN_STOPPED && status != FFN_OK) fail(&error);
        printf("seed %zu: %s after %zu epochs, %.2f ms\n", seed + 1, status == FFN_STOPPED ? "97 %" : "not reached",
               epochs, 1e3 * seconds[seed]);
        if (status != FFN_STOPPED) seconds[seed] = 1e9;
        ffn_model_destroy(model);
    }
    qsort(seconds, SEEDS, sizeof(seconds[0]), by_size);
    printf("median %.2f ms\n", 1e3 * seconds[SEEDS / 2]);
    ffn_dataset_destroy(train);
    ffn_dataset_destroy(validation);
    ffn_dataset_destroy(all);
    return 0;
}
