/* Regression: a curve from noisy points, with early stopping. Writes regression.svg, or the file named as its argument.
 */
#include "show.h"

#include <math.h>
#include <stdio.h>

enum { POINTS = 400, GRID = 200 };

static double truth(double x) { return sin(3 * x) * exp(-0.35 * x) + 0.3 * x; }

/* Points of the curve on [-1, 4], with normal noise. */
static void make_points(float x[POINTS], float y[POINTS])
{
    ffn_random random = ffn_random_create(1, 0, 0);
    for (int i = 0; i < POINTS; i++) {
        x[i] = 5 * ffn_random_uniform(&random) - 1;
        y[i] = (float)truth((double)x[i]) + 0.15f * ffn_random_normal(&random);
    }
}

static ffn_status train(ffn_model *model, const ffn_dataset *data, ffn_error *error)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(1));
    h = ffn_standardize(model, h); /* fitted to the training data, kept in the model */
    h = ffn_dense(model, h, 24, ffn_tanh());
    h = ffn_dense(model, h, 24, ffn_tanh());
    h = ffn_dense(model, h, 1, ffn_linear()); /* a linear output is trained on the squared error */
    ffn_status status = ffn_model_build(model, h, error);
    if (status != FFN_OK) return status;

    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adam(0.01f);
    options.epochs = 1000;
    options.validation_fraction = 0.2f;
    options.patience = 100; /* epochs without progress on the validation part */
    options.restore_best = true;
    ffn_history history = {0};
    status = ffn_fit(model, data, &options, &history, error);
    if (status == FFN_OK) printf("best of %zu epochs: %zu\n", history.epochs, history.best_epoch);
    ffn_history_destroy(&history);
    return status;
}

static ffn_status draw(const ffn_model *model, const float *x, const float *y, const char *path, ffn_error *error)
{
    double data_x[POINTS], data_y[POINTS], grid_x[GRID], true_y[GRID], fit_y[GRID];
    float in[GRID], out[GRID];
    for (int i = 0; i < POINTS; i++) data_x[i] = (double)x[i], data_y[i] = (double)y[i];
    for (int i = 0; i < GRID; i++) in[i] = -1 + 5 * (float)i / (GRID - 1);
    const ffn_status status = ffn_predict(model, in, GRID, out, error);
    if (status != FFN_OK) return status;
    double squares = 0;
    for (int i = 0; i < GRID; i++) {
        grid_x[i] = (double)in[i];
        true_y[i] = truth(grid_x[i]);
        fit_y[i] = (double)out[i];
        squares += (fit_y[i] - true_y[i]) * (fit_y[i] - true_y[i]);
    }
    printf("distance from the true curve: %.3f\n", sqrt(squares / GRID));

    const show_series series[] = {{.name = "data", SHOW_DOTS, POINTS, data_x, data_y},
                                  {.name = "network", SHOW_LINE, GRID, grid_x, fit_y},
                                  {.name = "true curve", SHOW_DASHES, GRID, grid_x, true_y}};
    const show_panel panel = {
        .title = "A curve learned from noisy points", .x_label = "x", .y_label = "y", .series = series, .count = 3};
    return show_chart(path, &panel, 1, error);
}

static const char usage[] = "regression [CHART.svg]\n"
                            "Learns a curve from noisy points and draws it: regression.svg, or the file named.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    const char *path = argc > 1 ? argv[1] : "regression.svg";
    float x[POINTS], y[POINTS];
    make_points(x, y);

    ffn_error error = {0};
    ffn_metrics metrics = {0};
    ffn_model *model = ffn_model_create(1, &error);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), y, ffn_shape_1d(1), POINTS, &error);
    const bool ok = model && data && train(model, data, &error) == FFN_OK &&
                    ffn_evaluate(model, data, ffn_mse(), &metrics, &error) == FFN_OK &&
                    draw(model, x, y, path, &error) == FFN_OK;
    if (ok) printf("R2 %.3f, RMSE %.3f (the noise: 0.150)\nwrote %s\n", metrics.r2, metrics.rmse, path);

    ffn_metrics_destroy(&metrics);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return ok ? 0 : show_error("regression", &error);
}
