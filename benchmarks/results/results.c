/* usage: benchmark_results row data-folder [seeds [epochs]]
 * Without a row it lists them. docs/results.md has what came out. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const results_row *const tables[] = {results_simard, results_strategies, results_small, results_tables};

int results_fail(const ffn_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

const char *results_path(char *buffer, size_t size, const char *folder, const char *file)
{
    (void)snprintf(buffer, size, "%s/%s", folder, file);
    return buffer;
}

ffn_dataset *results_load_mnist(const char *folder, const char *set, bool train)
{
    char images[512], labels[512];
    const char *part = train ? "train" : "t10k";
    (void)snprintf(images, sizeof images, "%s/%s/%s-images-idx3-ubyte.gz", folder, set, part);
    (void)snprintf(labels, sizeof labels, "%s/%s/%s-labels-idx1-ubyte.gz", folder, set, part);
    ffn_error error = {0};
    ffn_dataset *dataset = ffn_dataset_load_idx(images, labels, &error);
    if (!dataset) (void)results_fail(&error);
    return dataset;
}

ffn_value results_pixels(ffn_model *model, ffn_value x)
{
    const ffn_value y = ffn_standardize(model, x);
    ffn_set_name(model, y, "pixels");
    return y;
}

ffn_status results_fix_pixels(ffn_model *model, size_t pixels, ffn_error *error)
{
    size_t factor, fitted;
    ffn_status status = ffn_model_find_parameter(model, "pixels.factor", &factor, error);
    if (status == FFN_OK) status = ffn_model_find_parameter(model, "pixels.fitted", &fitted, error);
    if (status != FFN_OK) return status;
    float *values = malloc(pixels * sizeof *values);
    if (!values) return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory");
    for (size_t i = 0; i < pixels; i++) values[i] = 1 / 255.0f;
    status = ffn_model_set_parameter(model, factor, values, error);
    free(values);
    const float yes = 1;
    return status == FFN_OK ? ffn_model_set_parameter(model, fitted, &yes, error) : status;
}

/* ---- one training ------------------------------------------------------------------------------------------------ */

static int report(const ffn_progress *p, void *user)
{
    const results_task *task = user;
    const double left = p->seconds / (double)p->epoch * (double)(p->epochs - p->epoch);
    ffn_metrics metrics = {0};
    const bool look = p->epoch % 10 == 0 || p->epoch == p->epochs;
    printf("epoch %3zu of %zu  loss %.5f  %.1f s, %.0f s left", p->epoch, p->epochs, p->loss, p->epoch_seconds, left);
    if (look && ffn_evaluate(p->model, task->test, task->options.loss, &metrics, NULL) == FFN_OK) {
        if (task->regression)
            printf("  test RMSE %.4f", metrics.rmse);
        else
            printf("  test error %.2f %%", 100 * (1 - metrics.accuracy));
    }
    ffn_metrics_destroy(&metrics);
    printf("\n");
    (void)fflush(stdout);
    return 0;
}

static int train(const results_task *task, uint64_t seed, size_t epochs, double *figure)
{
    ffn_error error = {0};
    ffn_metrics metrics = {0};
    ffn_model *model = task->make(seed, &error);
    if (!model) return results_fail(&error);
    ffn_fit_options options = task->options;
    options.seed = seed;
    options.epochs = epochs;
    options.on_epoch = report;
    options.user = (void *)task;
    ffn_status status = ffn_fit(model, task->train, &options, NULL, &error);
    if (status == FFN_OK) status = ffn_evaluate(model, task->test, options.loss, &metrics, &error);
    *figure = task->regression ? metrics.rmse : 100 * (1 - metrics.accuracy);
    ffn_metrics_destroy(&metrics);
    ffn_model_destroy(model);
    return status == FFN_OK ? 0 : results_fail(&error);
}

int results_repeat(const results_run *run, const results_task *task)
{
    const size_t seeds = run->seeds ? run->seeds : task->seeds, epochs = run->epochs ? run->epochs : task->epochs;
    double mean = 0, squares = 0;
    for (size_t i = 1; i <= seeds; i++) {
        double figure;
        if (train(task, i, epochs, &figure) != 0) return 1;
        printf("seed %zu: %.4g%s\n", i, figure, task->regression ? " RMSE" : " % test error");
        (void)fflush(stdout);
        const double delta = figure - mean;
        mean += delta / (double)i;
        squares += delta * (figure - mean);
    }
    printf("%zu seeds, %zu epochs: mean %.4g, standard deviation %.2g\n", seeds, epochs, mean,
           seeds > 1 ? sqrt(squares / (double)(seeds - 1)) : 0.0);
    return 0;
}

int main(int argc, char **argv)
{
    const size_t count = sizeof tables / sizeof tables[0];
    results_run run = {.data = argc > 2 ? argv[2] : NULL};
    if (argc > 3) run.seeds = strtoul(argv[3], NULL, 10);
    if (argc > 4) run.epochs = strtoul(argv[4], NULL, 10);
    for (size_t i = 0; argc > 2 && i < count; i++)
        for (const results_row *row = tables[i]; row->name; row++)
            if (strcmp(row->name, argv[1]) == 0) return row->run(&run);
    fprintf(stderr, "usage: %s row data-folder [seeds [epochs]]\n", argv[0]);
    for (size_t i = 0; i < count; i++)
        for (const results_row *row = tables[i]; row->name; row++)
            fprintf(stderr, "  %-18s %s\n", row->name, row->what);
    return 2;
}
