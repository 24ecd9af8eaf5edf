/* The built-in layers, each against values computed by hand. */
#include "layer.h"

/* ---- dense ----------------------------------------------------------------------------------------------------- */

static void test_dense(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    build(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(3)), 2, ffn_leaky_relu(0.5f)));
    set(model, "dense1.weight", (float[]){1, 2, 3, -1, 0, 1}); /* (units, inputs) */
    set(model, "dense1.bias", (float[]){10, -20});
    ffn_plan *plan = make_plan(model, training);
    const float x[] = {1, 2, 3, 4, 5, 6}, dy[] = {1, 2, 3, 4};
    expect_values(ffn_forward(plan, x, 2), (float[]){24, -9, 42, -9}, 4);
    ffn_backward_from(plan, dy); /* dz = {1, 1, 3, 2} */
    expect_gradient(plan, model, "dense1.weight", 6, (float[]){13, 17, 21, 9, 12, 15});
    expect_gradient(plan, model, "dense1.bias", 2, (float[]){4, 3});
    expect_values(ffn_input_gradient(plan), (float[]){0, 2, 4, 1, 6, 11}, 6);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_dense_keeps_leading_axes(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_3d(2, 2, 1)), 2, ffn_linear());
    ffn_set_bias(model, h, false);
    build(model, h);
    CU_ASSERT(ffn_shape_equal(ffn_model_output_shape(model), ffn_shape_3d(2, 2, 2)));
    CU_ASSERT_EQUAL(ffn_model_parameter_count(model), 1);
    set(model, "dense1.weight", (float[]){2, -1});
    ffn_plan *plan = make_plan(model, training);
    const float x[] = {1, 2, 3, 4}, dy[] = {1, 0, 0, 1, 1, 1, 2, 0};
    expect_values(ffn_forward(plan, x, 1), (float[]){2, -1, 4, -2, 6, -3, 8, -4}, 8);
    ffn_backward_from(plan, dy);
    expect_gradient(plan, model, "dense1.weight", 2, (float[]){12, 5});
    expect_values(ffn_input_gradient(plan), (float[]){2, -1, 1, 4}, 4);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

/* Sizes on both sides of every tile and vector, against sums in double. */
static void test_dense_of_all_sizes(void)
{
    const size_t sizes[][3] = {{1, 1, 1},     {1, 17, 33},   {3, 300, 5},  {5, 31, 400},    {16, 16, 16}, {33, 65, 17},
                               {129, 64, 70}, {256, 40, 10}, {64, 3, 257}, {130, 200, 150}, {64, 40, 600}};
    for (size_t s = 0; s < 2 * COUNT(sizes); s++) {
        const size_t rows = sizes[s / 2][0], inputs = sizes[s / 2][1], units = sizes[s / 2][2];
        ffn_model *model = ffn_model_create(s, NULL);
        ffn_set_kernels(model, s % 2 ? FFN_KERNELS_BLAS : FFN_KERNELS_NATIVE);
        build(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(inputs)), units, ffn_prelu_per_unit(0.25f)));
        float *x = malloc(rows * inputs * sizeof(float)), *w = malloc(units * inputs * sizeof(float));
        float *b = malloc(units * sizeof(float)), *slope = malloc(units * sizeof(float));
        fill_uniform(x, rows * inputs, s, -1, 1);
        fill_uniform(b, units, s + 50, -1, 1);
        fill_uniform(slope, units, s + 60, -1, 1);
        set(model, "dense1.bias", b);
        set(model, "dense1.slope", slope);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, w, NULL), FFN_OK);
        for (int train = 0; train < 2; train++) {
            ffn_plan *plan = make_plan(model, (ffn_plan_options){.max_batch = rows, .training = train});
            const float *y = ffn_forward(plan, x, rows);
            double worst = 0;
            for (size_t r = 0; r < rows; r++)
                for (size_t u = 0; u < units; u++) {
                    double z = (double)b[u];
                    for (size_t k = 0; k < inputs; k++) z += (double)x[r * inputs + k] * (double)w[u * inputs + k];
                    const double expected = z < 0 ? z * (double)slope[u] : z;
                    worst = fmax(worst, fabs((double)y[r * units + u] - expected));
                }
            CU_ASSERT(worst < 2e-5);
            ffn_plan_destroy(plan);
        }
        free(x);
        free(w);
        free(b);
        free(slope);
        ffn_model_destroy(model);
    }
}

/* ---- activations, with learned slopes -------------------------------------------------------------------------- */

static void test_prelu(void)
{
    const float x[] = {1, -2, 3, -4, -5, 6}, dy[] = {1, 2, 3, 4, 5, 6};
    const struct {
        ffn_activation activation;
        size_t slopes;
        float slope[3], y[6], dx[6], dslope[3];
    } cases[] = {
        {ffn_prelu(0.5f), 1, {0.5f}, {1, -1, 3, -2, -2.5f, 6}, {1, 1, 3, 2, 2.5f, 6}, {-4 - 16 - 25}},
        {ffn_prelu_per_unit(0.5f), 3, {1, 2, 3}, {1, -4, 3, -4, -10, 6}, {1, 4, 3, 4, 10, 6}, {-16, -4 - 25, 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ffn_model *model = ffn_model_create(1, NULL);
        build(model, ffn_activate(model, ffn_input(model, ffn_shape_1d(3)), cases[i].activation));
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, 0, &info, NULL), FFN_OK);
        CU_ASSERT_STRING_EQUAL(info.name, "activation1.slope");
        CU_ASSERT(ffn_shape_equal(info.shape, ffn_shape_1d(cases[i].slopes)));
        float slope[3];
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, slope, NULL), FFN_OK);
        for (size_t k = 0; k < cases[i].slopes; k++) CU_ASSERT_EQUAL(slope[k], 0.5f);
        set(model, "activation1.slope", cases[i].slope);
        ffn_plan *plan = make_plan(model, training);
        expect_values(ffn_forward(plan, x, 2), cases[i].y, 6);
        ffn_backward_from(plan, dy);
        expect_values(ffn_input_gradient(plan), cases[i].dx, 6);
        expect_gradient(plan, model, "activation1.slope", cases[i].slopes, cases[i].dslope);
        ffn_plan_destroy(plan);
        plan = make_plan(model, (ffn_plan_options){.max_batch = 2, .training = true}); /* the slope's alone */
        expect_values(ffn_forward(plan, x, 2), cases[i].y, 6);
        ffn_backward_from(plan, dy);
        expect_gradient(plan, model, "activation1.slope", cases[i].slopes, cases[i].dslope);
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

/* ---- dropout --------------------------------------------------------------------------------------------------- */

enum { MANY = 20000 };

static void test_dropout_drops_and_scales(void)
{
    const float rates[] = {0, 0.1f, 0.5f, 0.9f};
    static float ones[MANY], dx[MANY];
    for (size_t i = 0; i < MANY; i++) ones[i] = 1;
    for (size_t r = 0; r < COUNT(rates); r++) {
        ffn_model *model = ffn_model_create(r, NULL);
        build(model, ffn_dropout(model, ffn_input(model, ffn_shape_1d(MANY / 4)), rates[r]));
        ffn_plan *plan = make_plan(model, training), *inference = make_plan(model, (ffn_plan_options){0});
        const float *y = ffn_forward(plan, ones, 4);
        size_t dropped = 0, wrong = 0;
        for (size_t i = 0; i < MANY; i++) {
            dropped += y[i] == 0;
            wrong += y[i] != 0 && fabsf(y[i] - 1 / (1 - rates[r])) > 1e-5f;
        }
        const double rate = (double)rates[r], sd = sqrt(MANY * rate * (1 - rate));
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(fabs((double)dropped - MANY * rate) <= 4 * sd);
        ffn_backward_from(plan, ones);
        memcpy(dx, ffn_input_gradient(plan), sizeof(dx));
        CU_ASSERT(same_bits(MANY, dx, y)); /* of ones: the same mask, the same factor */
        CU_ASSERT(same_bits(MANY, ffn_forward(inference, ones, 4), ones));
        ffn_plan_destroy(plan);
        ffn_plan_destroy(inference);
        ffn_model_destroy(model);
    }
}

static void test_dropout_masks(void)
{
    static float ones[MANY], first[MANY], second[MANY];
    for (size_t i = 0; i < MANY; i++) ones[i] = 1;
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value x = ffn_input(model, ffn_shape_1d(MANY / 8)), a = ffn_dropout(model, x, 0.5f);
    build(model, ffn_concat(model, a, ffn_dropout(model, x, 0.5f)));
    ffn_plan *plan = make_plan(model, training), *again = make_plan(model, training);
    memcpy(first, ffn_forward(plan, ones, 4), sizeof(first));
    memcpy(second, ffn_forward(plan, ones, 4), sizeof(second));
    CU_ASSERT(!same_bits(MANY, first, second)); /* another forward, another mask */
    CU_ASSERT(same_bits(MANY, ffn_forward(again, ones, 4), first));
    CU_ASSERT(same_bits(MANY, ffn_forward(again, ones, 4), second));
    CU_ASSERT(!same_bits(MANY / 8, first, first + MANY / 8));       /* two layers differ */
    CU_ASSERT(!same_bits(MANY / 8, first, first + 2 * (MANY / 8))); /* and so do two rows */
    ffn_plan_destroy(plan);
    ffn_plan_destroy(again);
    ffn_model_destroy(model);
}

/* ---- joining, views, scaling ----------------------------------------------------------------------------------- */

static void test_add_and_concat(void)
{
    const float x[] = {1, 2, 3, 4}, dy[] = {1, 2, 3, 4, 5, 6, 7, 8};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value v = ffn_input(model, ffn_shape_2d(2, 2)), twice = ffn_add(model, v, v);
    build(model, ffn_concat(model, v, twice)); /* along the last axis */
    CU_ASSERT(ffn_shape_equal(ffn_model_output_shape(model), ffn_shape_2d(2, 4)));
    ffn_plan *plan = make_plan(model, training);
    expect_values(ffn_forward(plan, x, 1), (float[]){1, 2, 2, 4, 3, 4, 6, 8}, 8);
    ffn_backward_from(plan, dy);
    expect_values(ffn_input_gradient(plan), (float[]){1 + 6, 2 + 8, 5 + 14, 6 + 16}, 4);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_scalars_are_not_joined(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value scalar = ffn_input(model, (ffn_shape){0});
    CU_ASSERT_EQUAL(ffn_model_build(model, ffn_concat(model, scalar, scalar), &error), FFN_SHAPE_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "cannot be joined"));
    ffn_model_destroy(model);
}

static void test_no_activation(void)
{
    const float x[] = {1, -2, 3, -4}, dy[] = {5, 6, 7, 8};
    ffn_model *model = ffn_model_create(1, NULL);
    build(model, ffn_activate(model, ffn_input(model, ffn_shape_1d(2)), (ffn_activation){0}));
    ffn_plan *plan = make_plan(model, training);
    expect_values(ffn_forward(plan, x, 2), x, 4);
    ffn_backward_from(plan, dy);
    expect_values(ffn_input_gradient(plan), dy, 4);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_layer_norm_without_bias(void)
{
    const float x[] = {1, 2, 3}, factor = (float)(1 / sqrt(2.0 / 3 + 1e-5));
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_layer_norm(model, ffn_input(model, ffn_shape_1d(3)));
    ffn_set_bias(model, h, false);
    build(model, h);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(model), 1);
    set(model, "layer_norm1.weight", (float[]){2, 3, 4});
    ffn_plan *plan = make_plan(model, training);
    expect_values(ffn_forward(plan, x, 1), (float[]){-2 * factor, 0, 4 * factor}, 3);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

/* A sequence is as many rows. */
static void test_layer_norm_of_sequences(void)
{
    enum { STEPS = 50, COLS = 3, MANY_ROWS = 4 * STEPS };
    float x[MANY_ROWS * COLS], dy[MANY_ROWS * COLS], dx[2][MANY_ROWS * COLS];
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_uniform(dy, COUNT(dy), 2, -1, 1);
    for (size_t flat = 0; flat < 2; flat++) {
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value h = ffn_input(model, flat ? ffn_shape_1d(COLS) : ffn_shape_2d(STEPS, COLS));
        build(model, ffn_layer_norm(model, ffn_activate(model, h, ffn_tanh())));
        ffn_plan_options options = training;
        options.max_batch = MANY_ROWS;
        if (!flat) options.max_batch = 4;
        ffn_plan *plan = make_plan(model, options);
        CU_ASSERT_PTR_NOT_NULL_FATAL(ffn_forward(plan, x, options.max_batch));
        ffn_backward_from(plan, dy);
        memcpy(dx[flat], ffn_input_gradient(plan), sizeof dx[flat]);
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
    CU_ASSERT(same_bits(COUNT(x), dx[0], dx[1]));
}

/* A loss that overflows beside the value is a failure of infinite size. */
static void test_infinite_differences(void)
{
    const float x = 1e-38f, t = 3;
    ffn_gradient_check_result result = {0};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 1, ffn_linear());
    ffn_set_bias(model, y, false);
    build(model, y);
    set(model, "dense1.weight", (float[]){3.4e38f});
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), &x, &t, 1, 0, 0, &result, NULL), FFN_OK);
    CU_ASSERT(result.failed >= 1 && result.worst == INFINITY);
    CU_ASSERT_STRING_EQUAL(result.name, "dense1.weight");
    ffn_model_destroy(model);
}

static ffn_status plan_nine_parameters(ffn_layer_plan *plan, const void *config, ffn_error *error)
{
    (void)config, (void)error;
    plan->output = plan->inputs[0];
    plan->parameter_count = FFN_MAX_PARAMETERS + 1;
    return FFN_OK;
}

static void test_too_many(void)
{
    static const ffn_layer_ops greedy = {.name = "greedy", .plan = plan_nine_parameters, .forward = cube_forward};
    for (size_t count = 1; count <= FFN_MAX_INPUTS + 1; count += FFN_MAX_INPUTS) {
        ffn_error error = {FFN_OK, ""};
        ffn_value x[FFN_MAX_INPUTS + 1];
        ffn_model *model = ffn_model_create(1, NULL);
        for (size_t i = 0; i < count; i++) x[i] = ffn_input(model, ffn_shape_1d(2));
        const ffn_value y = ffn_custom_layer(model, &greedy, NULL, 0, x, count);
        CU_ASSERT_EQUAL(ffn_model_build(model, y, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(error.message, count == 1 ? "9 parameters; expected at most 8" : "1 to 8 inputs"));
        ffn_model_destroy(model);
    }
}

static void test_views(void)
{
    const float x[] = {1, 2, 3, 4, 5, 6};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value v = ffn_activate(model, ffn_input(model, ffn_shape_2d(2, 3)), ffn_relu());
    ffn_value cube = ffn_reshape(model, v, ffn_shape_3d(3, 1, 2)), flat = ffn_flatten(model, cube);
    build(model, ffn_add(model, flat, ffn_flatten(model, v)));
    CU_ASSERT(ffn_shape_equal(ffn_model_output_shape(model), ffn_shape_1d(6)));
    CU_ASSERT(ffn_shape_equal(ffn_model_input_shape(model), ffn_shape_2d(2, 3)));
    ffn_plan *plan = make_plan(model, training);
    expect_values(ffn_forward(plan, x, 1), (float[]){2, 4, 6, 8, 10, 12}, 6);
    ffn_backward_from(plan, x);
    expect_values(ffn_input_gradient(plan), (float[]){2, 4, 6, 8, 10, 12}, 6);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_scalers(void)
{
    const float x[4][3] = {{1, 10, 7}, {2, 20, 7}, {3, 30, 7}, {6, 20, 7}}, dy[] = {1, 1, 1};
    const struct {
        ffn_value (*layer)(ffn_model *model, ffn_value x);
        const char *prefix;
        float offset[3], factor[3];
    } cases[] = {
        {ffn_standardize, "standardize1", {3, 20, 7}, {0.5345225f, 0.1414214f, 1}}, /* 1 / sqrt(14 / 4), 1 / sqrt(50) */
        {ffn_min_max, "min_max1", {1, 10, 7}, {0.2f, 0.05f, 1}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ffn_model *model = ffn_model_create(1, NULL);
        build(model, cases[i].layer(model, ffn_input(model, ffn_shape_1d(3))));
        ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(3), NULL, ffn_shape_1d(1), 4, NULL);
        ffn_plan *plan = make_plan(model, training);
        CU_ASSERT_EQUAL(ffn_model_parameter_count(model), 3);
        expect_values(ffn_forward(plan, &x[0][0], 4), &x[0][0], 12); /* not fitted yet: as it is */
        CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
        const char *names[] = {"offset", "factor", "fitted"};
        for (size_t k = 0; k < 3; k++) {
            char name[40];
            float values[3];
            ffn_parameter_info info;
            (void)snprintf(name, sizeof(name), "%s.%s", cases[i].prefix, names[k]);
            CU_ASSERT_EQUAL(ffn_model_parameter_info(model, k, &info, NULL), FFN_OK);
            CU_ASSERT_STRING_EQUAL(info.name, name);
            CU_ASSERT_FALSE(info.trainable);
            CU_ASSERT_EQUAL(ffn_model_get_parameter(model, k, values, NULL), FFN_OK);
            if (k == 2) CU_ASSERT_EQUAL(values[0], 1);
            if (k < 2) expect_values(values, k ? cases[i].factor : cases[i].offset, 3);
        }
        const float *y = ffn_forward(plan, &x[0][0], 4);
        for (size_t r = 0; r < 4; r++)
            for (size_t c = 0; c < 3; c++)
                CU_ASSERT_DOUBLE_EQUAL(y[3 * r + c], (x[r][c] - cases[i].offset[c]) * cases[i].factor[c], 1e-5);
        CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, &x[0][0], 1));
        ffn_backward_from(plan, dy);
        expect_values(ffn_input_gradient(plan), cases[i].factor, 3);
        ffn_plan_destroy(plan);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
}

/* Whose inverse would be infinite. */
static void test_scalers_of_tiny_numbers(void)
{
    const float x[] = {1e-40f, 3e-40f};
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), NULL, ffn_shape_1d(1), 2, NULL);
    for (size_t i = 0; i < 2; i++) {
        float factor = 0;
        ffn_model *model = ffn_model_create(1, NULL);
        build(model, (i ? ffn_standardize : ffn_min_max)(model, ffn_input(model, ffn_shape_1d(1))));
        CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 1, &factor, NULL), FFN_OK);
        CU_ASSERT_EQUAL(factor, 1);
        ffn_model_destroy(model);
    }
    ffn_dataset_destroy(data);
}

/* Fitted to the targets: their means 30 and 5, standard deviation sqrt(200) and, of a constant, 1. */
static void test_unstandardize(void)
{
    const float x[4] = {1, 2, 3, 4}, targets[4][2] = {{10, 5}, {30, 5}, {30, 5}, {50, 5}};
    const float weights[2] = {1, 2}, dy[2] = {1, 1}, sd = 14.142136f;
    ffn_model *model = ffn_model_create(1, NULL);
    build(model, ffn_unstandardize(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 2, ffn_linear())));
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, weights, NULL), FFN_OK);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), &targets[0][0], ffn_shape_1d(2), 4, NULL);
    ffn_plan *plan = make_plan(model, training);
    expect_values(ffn_forward(plan, x, 2), (const float[]){1, 2, 2, 4}, 4); /* not fitted yet: as it is */
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
    expect_values(ffn_forward(plan, x, 1), (const float[]){30 + sd, 7}, 2);
    ffn_backward_from(plan, dy);
    expect_values(ffn_input_gradient(plan), (const float[]){sd + 2}, 1);
    float fitted = 0;
    size_t index = 0;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(model, "unstandardize1.fitted", &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, index, &fitted, NULL), FFN_OK);
    CU_ASSERT_EQUAL(fitted, 1);
    ffn_plan_destroy(plan);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void test_unstandardize_wants_targets(void)
{
    const float x[4] = {1, 2, 3, 4};
    const uint32_t labels[4] = {0, 1, 0, 1};
    ffn_model *model = ffn_model_create(1, NULL);
    build(model, ffn_unstandardize(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 2, ffn_linear())));
    ffn_dataset *none = ffn_dataset_from_arrays(x, ffn_shape_1d(1), NULL, ffn_shape_1d(1), 4, NULL);
    ffn_dataset *narrow = ffn_dataset_from_arrays(x, ffn_shape_1d(1), x, ffn_shape_1d(1), 4, NULL);
    ffn_dataset *classes = ffn_dataset_from_labels(x, ffn_shape_1d(1), labels, 2, 4, NULL);
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, none, &error), FFN_SHAPE_MISMATCH);
    CU_ASSERT(strstr(error.message, "unstandardize1") && strstr(error.message, "0 columns"));
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, narrow, &error), FFN_SHAPE_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "1 columns of targets; expected 2"));
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, classes, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "classes"));
    ffn_dataset_destroy(none);
    ffn_dataset_destroy(narrow);
    ffn_dataset_destroy(classes);
    ffn_model_destroy(model);
}

static void test_unstandardize_is_the_output(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_unstandardize(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 2, ffn_linear()));
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_build(model, ffn_dense(model, y, 2, ffn_linear()), &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "unstandardize1 is not the output"));
    ffn_model_destroy(model);
}

static void test_scalers_want_their_data(void)
{
    ffn_model *model = ffn_model_create(1, NULL), *unbuilt = ffn_model_create(1, NULL);
    build(model, ffn_standardize(model, ffn_input(model, ffn_shape_1d(3))));
    const float x[6] = {1, 2, 3, 4, 5, NAN};
    ffn_dataset *narrow = ffn_dataset_from_arrays(x, ffn_shape_1d(2), NULL, ffn_shape_1d(1), 2, NULL);
    ffn_dataset *broken = ffn_dataset_from_arrays(x, ffn_shape_1d(3), NULL, ffn_shape_1d(1), 2, NULL);
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, narrow, &error), FFN_SHAPE_MISMATCH);
    CU_ASSERT(strstr(error.message, "2") && strstr(error.message, "3"));
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, broken, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(NULL, narrow, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(unbuilt, narrow, NULL), FFN_INVALID_ARGUMENT);
    float fitted;
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 2, &fitted, NULL), FFN_OK);
    CU_ASSERT_EQUAL(fitted, 0);
    ffn_dataset_destroy(narrow);
    ffn_dataset_destroy(broken);
    ffn_model_destroy(model);
    ffn_model_destroy(unbuilt);
}

/* A network of two inputs: what belongs to which. */
static void test_two_inputs(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value a = ffn_input(model, ffn_shape_1d(2)), b = ffn_input(model, ffn_shape_1d(3));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_concat(model, b, ffn_add(model, a, a)), NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_input_shape(model).rank, 1);
    CU_ASSERT_EQUAL(ffn_model_input_shape(model).dim[0], 5);
    ffn_plan *plan = make_plan(model, training);
    const float x[2][5] = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}, y[2][5] = {{3, 4, 5, 2, 4}, {8, 9, 10, 12, 14}};
    const float dy[2][5] = {{1, 2, 3, 4, 5}, {-1, -2, -3, -4, -5}};
    const float dx[2][5] = {{8, 10, 1, 2, 3}, {-8, -10, -1, -2, -3}};
    CU_ASSERT(same_bits(10, ffn_forward(plan, &x[0][0], 2), &y[0][0]));
    ffn_backward_from(plan, &dy[0][0]);
    CU_ASSERT(same_bits(10, ffn_input_gradient(plan), &dx[0][0]));
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_networks_that_do_nothing(void)
{
    float x[5 * INPUTS], y[5 * INPUTS];
    const form nothing[] = {{"identity", form_identity, ffn_mse},
                            {"views alone", form_views_alone, ffn_mse},
                            {"dropout alone", form_dropout_alone, ffn_mse}};
    fill_uniform(x, COUNT(x), 1, -1, 1);
    for (size_t i = 0; i < COUNT(nothing); i++) {
        ffn_model *model = form_build(&nothing[i], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        CU_ASSERT_EQUAL(ffn_model_parameter_count(model), 0);
        CU_ASSERT_EQUAL(ffn_predict(model, x, 5, y, NULL), FFN_OK);
        CU_ASSERT(same_bits(COUNT(x), y, x));
        ffn_model_destroy(model);
    }
}

/* ---- layers from outside --------------------------------------------------------------------------------------- */

static ffn_status widen_plan(ffn_layer_plan *plan, const void *config, ffn_error *error)
{
    (void)config, (void)error;
    plan->output = ffn_shape_1d(100000);
    return FFN_OK;
}

/* Where the output is the input's memory it must not be larger: without forward, or in prediction. */
static void test_views_keep_their_size(void)
{
    ffn_layer_ops widen = {.name = "widen", .plan = widen_plan};
    for (int i = 0; i < 3; i++) {
        if (i > 0) widen.forward = cube_forward;
        widen.only_training = i == 2;
        ffn_error error = {FFN_OK, ""};
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value x = ffn_input(model, ffn_shape_1d(4));
        const ffn_status status = ffn_model_build(model, ffn_custom_layer(model, &widen, NULL, 0, &x, 1), &error);
        CU_ASSERT_EQUAL(status, i == 1 ? FFN_OK : FFN_SHAPE_MISMATCH);
        if (i != 1) CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "widen1: 4 elements become 100000"));
        ffn_model_destroy(model);
    }
}

static ffn_status plan_two_weights(ffn_layer_plan *plan, const void *config, ffn_error *error)
{
    (void)config, (void)error;
    static const char *const names[] = {"first", "second"};
    plan->output = plan->inputs[0];
    for (size_t i = 0; i < COUNT(names); i++)
        plan->parameters[plan->parameter_count++] =
            (ffn_layer_parameter){.name = names[i], .shape = plan->output, .fan_in = 2, .fan_out = 2};
    return FFN_OK;
}

/* Rows of an activation over rows are whole, however the units are cut. */
static void test_softmax_of_many_units(void)
{
    enum { UNITS = 2000, SIDE = 300 };
    static float x[2 * SIDE], y[2 * UNITS];
    fill_uniform(x, COUNT(x), 1, -1, 1);
    for (int k = FFN_KERNELS_BLAS; k <= FFN_KERNELS_NATIVE; k++) {
        ffn_model *model = ffn_model_create(1, NULL);
        ffn_set_kernels(model, (ffn_kernels)k);
        build(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(SIDE)), UNITS, ffn_softmax()));
        CU_ASSERT_EQUAL(ffn_predict(model, x, 2, y, NULL), FFN_OK);
        double sums[2] = {0, 0};
        for (size_t i = 0; i < COUNT(y); i++) sums[i / UNITS] += (double)y[i];
        CU_ASSERT(fabs(sums[0] - 1) < 1e-5 && fabs(sums[1] - 1) < 1e-5);
        ffn_model_destroy(model);
    }
}

/* Each weight begins with random numbers of its own, also of one layer. */
static void test_two_weights(void)
{
    static const ffn_layer_ops pair = {.name = "pair", .plan = plan_two_weights, .forward = cube_forward};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value x = ffn_input(model, ffn_shape_1d(3));
    for (int i = 0; i < 2; i++) x = ffn_custom_layer(model, &pair, NULL, 0, &x, 1);
    build(model, x);
    CU_ASSERT_EQUAL_FATAL(ffn_model_parameter_count(model), 4);
    float w[4][3];
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, w[i], NULL), FFN_OK);
        for (size_t k = 0; k < i; k++) CU_ASSERT_FALSE(same_bits(3, w[i], w[k]));
    }
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"dense", test_dense},
    {"dense keeps leading axes", test_dense_keeps_leading_axes},
    {"dense of all sizes", test_dense_of_all_sizes},
    {"prelu", test_prelu},
    {"dropout drops and scales", test_dropout_drops_and_scales},
    {"dropout masks", test_dropout_masks},
    {"add and concat", test_add_and_concat},
    {"scalars are not joined", test_scalars_are_not_joined},
    {"no activation", test_no_activation},
    {"layer norm without bias", test_layer_norm_without_bias},
    {"layer norm of sequences", test_layer_norm_of_sequences},
    {"infinite differences", test_infinite_differences},
    {"too many inputs or parameters", test_too_many},
    {"two weights of a layer", test_two_weights},
    {"softmax of many units", test_softmax_of_many_units},
    {"views", test_views},
    {"scalers", test_scalers},
    {"scalers of tiny numbers", test_scalers_of_tiny_numbers},
    {"scalers want their data", test_scalers_want_their_data},
    {"unstandardize", test_unstandardize},
    {"unstandardize wants targets", test_unstandardize_wants_targets},
    {"unstandardize is the output", test_unstandardize_is_the_output},
    {"two inputs", test_two_inputs},
    {"networks that do nothing", test_networks_that_do_nothing},
    {"views keep their size", test_views_keep_their_size},
};
TEST_MAIN("layer", cases)
