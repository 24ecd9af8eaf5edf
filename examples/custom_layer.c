/* A layer of one's own: radial basis functions. Unit j answers how near the input is to its center,
 *
 *     y[j] = exp(-s[j]^2 |x - c[j]|^2),
 *
 * and learns the centers c and the sharpnesses s. The layer's gradient is checked against differences of the loss
 * before it is trusted; then it learns to tell a disc from the ring around it. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the layer ------------------------------------------------------------------------------------------- */

typedef struct rbf_config {
    size_t units;
    float width; /* how far a unit reaches at first: s starts at 1 / width */
} rbf_config;

/* The library checks these bounds, and shows the numbers in the model's summary. */
static const ffn_field rbf_fields[] = {
    {"units", FFN_FIELD_SIZE, offsetof(rbf_config, units), 1, 65536},
    {"width", FFN_FIELD_FLOAT, offsetof(rbf_config, width), 1e-3, 1e3},
};

enum { CENTERS, SHARPNESS, PARAMETERS };

/* Called once, when the model is built: says what the layer makes and needs. */
static ffn_status rbf_plan(ffn_layer_plan *plan, const void *config, ffn_error *error)
{
    const rbf_config *rbf = config;
    if (plan->input_count != 1 || plan->inputs[0].rank != 1)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "rbf: got %zu inputs, the first of rank %zu; expected 1 of rank 1",
                        plan->input_count, plan->inputs[0].rank);
    const size_t features = plan->inputs[0].dim[0], units = rbf->units;
    plan->output = ffn_shape_1d(units);
    plan->parameters[CENTERS] = (ffn_layer_parameter){.name = "centers",
                                                      .shape = ffn_shape_2d(units, features),
                                                      .role = FFN_WEIGHT,
                                                      .fan_in = features,
                                                      .fan_out = units};
    plan->parameters[SHARPNESS] = (ffn_layer_parameter){
        .name = "sharpness", .shape = ffn_shape_1d(units), .role = FFN_SCALE, .initial = 1 / rbf->width};
    plan->parameter_count = PARAMETERS;
    plan->saved_per_row = units; /* the squared distances, for backward */
    return FFN_OK;
}

static void rbf_forward(const ffn_step *step)
{
    const size_t units = step->output_shape.dim[0], features = step->input_shapes[0].dim[0];
    const float *centers = step->parameters[CENTERS], *sharpness = step->parameters[SHARPNESS];
    for (size_t row = 0; row < step->rows; row++) {
        const float *x = step->inputs[0] + row * features;
        for (size_t j = 0; j < units; j++) {
            float distance = 0;
            for (size_t k = 0; k < features; k++) {
                const float difference = x[k] - centers[j * features + k];
                distance += difference * difference;
            }
            step->output[row * units + j] = expf(-sharpness[j] * sharpness[j] * distance);
            if (step->saved) step->saved[row * units + j] = distance;
        }
    }
}

/* A gradient is set where its beta is 0 and added to where it is 1: clearing it first makes both an addition. */
static void begin(float *gradient, float beta, size_t size)
{
    if (gradient && beta == 0) memset(gradient, 0, size * sizeof *gradient);
}

static void rbf_backward(const ffn_step *step)
{
    const size_t units = step->output_shape.dim[0], features = step->input_shapes[0].dim[0];
    const float *centers = step->parameters[CENTERS], *sharpness = step->parameters[SHARPNESS];
    float *dx = step->input_gradients[0]; /* NULL: nobody wants it */
    float *dc = step->parameter_gradients[CENTERS], *ds = step->parameter_gradients[SHARPNESS];
    begin(dx, step->input_betas[0], step->rows * features);
    begin(dc, step->parameter_betas[CENTERS], units * features);
    begin(ds, step->parameter_betas[SHARPNESS], units);

    for (size_t row = 0; row < step->rows; row++) {
        for (size_t j = 0; j < units; j++) {
            const size_t at = row * units + j;
            const float dy = step->output_gradient[at] * step->output[at]; /* dL/dy dy/d(exponent) */
            if (ds) ds[j] -= 2 * sharpness[j] * step->saved[at] * dy;
            for (size_t k = 0; k < features; k++) {
                const float difference = step->inputs[0][row * features + k] - centers[j * features + k];
                const float slope = 2 * sharpness[j] * sharpness[j] * difference * dy;
                if (dx) dx[row * features + k] -= slope;
                if (dc) dc[j * features + k] += slope;
            }
        }
    }
}

static const ffn_layer_ops rbf_ops = {
    .name = "rbf",
    .fields = rbf_fields,
    .field_count = sizeof rbf_fields / sizeof rbf_fields[0],
    .plan = rbf_plan,
    .forward = rbf_forward,
    .backward = rbf_backward,
};

static ffn_value add_rbf(ffn_model *model, ffn_value x, size_t units, float width)
{
    const rbf_config config = {units, width};
    return ffn_custom_layer(model, &rbf_ops, &config, sizeof config, &x, 1);
}

/* ---- its use --------------------------------------------------------------------------------------------- */

enum { ROWS = 400, CHECKED = 7 };

/* Even rows: a disc of radius 0.6; odd rows: the ring from 0.8 to 1.2 around it. */
static void make_rings(float x[ROWS][2], float targets[ROWS])
{
    ffn_random random = ffn_random_create(1, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        const bool ring = i % 2 == 1;
        const float u = ffn_random_uniform(&random), angle = 6.2831853f * ffn_random_uniform(&random);
        const float radius = ring ? 0.8f + 0.4f * u : 0.6f * sqrtf(u);
        x[i][0] = radius * cosf(angle);
        x[i][1] = radius * sinf(angle);
        targets[i] = ring ? 1 : 0;
    }
}

static ffn_status run(ffn_model *model, float x[ROWS][2], const float *targets, const ffn_dataset *data,
                      ffn_metrics *metrics, ffn_error *error)
{
    ffn_value centers = add_rbf(model, ffn_input(model, ffn_shape_1d(2)), 8, 0.5f);
    ffn_set_initializer(model, centers, ffn_uniform(-1, 1));
    ffn_status status = ffn_model_build(model, ffn_dense(model, centers, 1, ffn_sigmoid()), error);
    if (status != FFN_OK) return status;
    show_summary(model);

    ffn_gradient_check_result check;
    status = ffn_gradient_check(model, ffn_binary_cross_entropy(), &x[0][0], targets, CHECKED, 0, 0, &check, error);
    if (status != FFN_OK) return status;
    if (check.failed > 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "gradient check: %zu of %zu wrong; %s[%zu] is %g, expected %g",
                        check.failed, check.checked, check.name, check.element, check.backward, check.difference);
    printf("gradient check: %zu elements right, the worst off by %.1e\n", check.checked, check.worst);

    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adam(0.02f);
    options.epochs = 40;
    status = ffn_fit(model, data, &options, NULL, error);
    if (status == FFN_OK) status = ffn_evaluate(model, data, ffn_binary_cross_entropy(), metrics, error);
    if (status == FFN_OK) printf("accuracy after training: %.4f\n", metrics->accuracy);
    return status;
}

int main(void)
{
    static float x[ROWS][2], targets[ROWS];
    make_rings(x, targets);

    ffn_error error = {0};
    ffn_metrics metrics = {0};
    ffn_model *model = ffn_model_create(1, &error);
    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), targets, ffn_shape_1d(1), ROWS, &error);
    const bool ok = model && data && run(model, x, targets, data, &metrics, &error) == FFN_OK;

    ffn_metrics_destroy(&metrics);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return ok ? 0 : show_error("custom_layer", &error);
}
