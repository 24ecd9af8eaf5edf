/* Finds a learning rate by a range test: the loss while the rate grows from batch to batch, as a table and a chart.
 *
 *     learning_rate [OPTIMIZER] [CHART.svg]          adam, learning-rate.svg
 *
 * Take a rate a little below where the loss falls fastest, and far from where it rises. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

static ffn_model *build(ffn_error *error)
{
    ffn_model *model = ffn_model_create(1, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_shape_1d(64)));
    h = ffn_dense(model, h, 64, ffn_relu());
    h = ffn_dense(model, h, 10, ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

static ffn_status draw(const char *path, const ffn_rate_test *test, ffn_error *error)
{
    double *exponent = malloc(test->count * sizeof *exponent);
    if (!exponent) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for the chart");
    for (size_t i = 0; i < test->count; i++) exponent[i] = log10(test->rate[i]);
    const show_series series[] = {
        {.name = "batch", .style = SHOW_DOTS, .count = test->count, .x = exponent, .y = test->loss},
        {.name = "smoothed", .count = test->count, .x = exponent, .y = test->smoothed},
    };
    const show_panel panel = {.title = "Learning-rate range test",
                              .x_label = "learning rate, power of 10",
                              .y_label = "loss",
                              .series = series,
                              .count = 2};
    const ffn_status status = show_chart(path, &panel, 1, error);
    free(exponent);
    return status;
}

static void print(const ffn_rate_test *test)
{
    printf("      rate      loss\n");
    for (size_t i = 0; i < test->count; i += 10) printf("%10.2e%10.4f\n", test->rate[i], test->smoothed[i]);
    printf("the loss falls fastest near %.2g\n", test->suggestion);
}

static const char usage[] = "learning_rate [OPTIMIZER [CHART.svg]]\n"
                            "Finds a learning rate by a range test: adam, learning-rate.svg.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    const char *name = argc > 1 ? argv[1] : "adam", *path = argc > 2 ? argv[2] : "learning-rate.svg";
    ffn_error error = {FFN_OK, ""};
    ffn_rate_test test = {0};
    ffn_fit_options options = ffn_fit_defaults();
    ffn_dataset *data = NULL;
    ffn_model *model = NULL;
    ffn_status status = ffn_optimizer_by_name(name, &options.optimizer, &error);
    if (status == FFN_OK) model = build(&error);
    if (model) data = ffn_dataset_load_csv(FFN_EXAMPLES_DATA "/digits.csv", NULL, &error);
    if (data) status = ffn_test_learning_rates(model, data, &options, 0, 0, 0, &test, &error);
    if (data && status == FFN_OK) {
        print(&test);
        status = draw(path, &test, &error);
        if (status == FFN_OK) printf("chart: %s\n", path);
    }
    ffn_rate_test_destroy(&test);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return error.status == FFN_OK ? 0 : show_error("learning_rate", &error);
}
