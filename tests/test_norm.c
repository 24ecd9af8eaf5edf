/* Normalization beyond its numbers: who commits running statistics and when, what is refused, threads. */
#include "backprop/model.h"
#include "failing.h"
#include "networks.h"
#include "test.h"

enum { ROWS = 12 };

static float x_data[ROWS * INPUTS], targets[ROWS * OUTPUTS];

static ffn_value with_batch_norm(ffn_model *m)
{
    ffn_value h = ffn_activate(m, ffn_batch_norm(m, ffn_dense(m, row_input(m), 5, ffn_linear())), ffn_relu());
    return ffn_dense(m, h, OUTPUTS, ffn_linear());
}

static ffn_model *make(void)
{
    ffn_model *model = ffn_model_create(3, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, with_batch_norm(model), NULL), FFN_OK);
    fill_uniform(x_data, COUNT(x_data), 5, -2, 3);
    fill_targets(targets, ROWS, OUTPUTS, FFN_TARGET_NUMBERS, 6);
    return model;
}

static void get(const ffn_model *model, const char *name, float *values)
{
    size_t index = 0;
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_model_get_parameter(model, index, values, NULL), FFN_OK);
}

static ffn_trainer *make_trainer(ffn_model *model, size_t batch_size)
{
    const ffn_fit_options options = {.loss = ffn_mse(), .optimizer = ffn_sgd(0.01f), .batch_size = batch_size};
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    return trainer;
}

static void test_parameters(void)
{
    const struct {
        const char *name;
        bool trainable;
        float initial;
    } expected[] = {{"batch_norm1.weight", true, 1},
                    {"batch_norm1.bias", true, 0},
                    {"batch_norm1.running_mean", false, 0},
                    {"batch_norm1.running_var", false, 1}};
    ffn_model *model = make();
    for (size_t i = 0; i < COUNT(expected); i++) {
        size_t index = 0;
        ffn_parameter_info info = {0};
        float values[5] = {9, 9, 9, 9, 9};
        CU_ASSERT_EQUAL(ffn_model_find_parameter(model, expected[i].name, &index, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, index, &info, NULL), FFN_OK);
        CU_ASSERT_EQUAL(info.trainable, expected[i].trainable);
        CU_ASSERT(ffn_shape_equal(info.shape, ffn_shape_1d(5)));
        get(model, expected[i].name, values);
        for (size_t k = 0; k < 5; k++) CU_ASSERT_EQUAL(values[k], expected[i].initial);
    }
    ffn_model_destroy(model);
}

static void test_only_updates_commit(void)
{
    float before[5], after[5];
    ffn_model *model = make();
    ffn_trainer *trainer = make_trainer(model, ROWS);
    ffn_plan *plan = ffn_trainer_plan(trainer);
    get(model, "batch_norm1.running_mean", before);
    CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x_data, ROWS));
    (void)ffn_backward(plan, ffn_mse(), targets);
    get(model, "batch_norm1.running_mean", after);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
    get(model, "batch_norm1.running_mean", after);
    CU_ASSERT_NOT_EQUAL(memcmp(before, after, sizeof before), 0);
    memcpy(before, after, sizeof before);
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK); /* no forward since: nothing to commit */
    get(model, "batch_norm1.running_mean", after);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* Statistics beyond what a float holds stay what they were. */
static void test_infinite_statistics(void)
{
    const float x[] = {3e38f, -3e38f}, t[] = {1, -1};
    float mean, variance;
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_batch_norm(model, ffn_input(model, ffn_shape_1d(1)));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, 1, ffn_linear()), NULL), FFN_OK);
    ffn_trainer *trainer = make_trainer(model, 2);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, t, 2, NULL, NULL), FFN_OK);
    get(model, "batch_norm1.running_mean", &mean);
    get(model, "batch_norm1.running_var", &variance);
    CU_ASSERT(mean == 0 && variance == 1);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* Several forwards before an update each count, as in PyTorch; states set in between training runs are begun from. */
static void test_every_forward_is_collected(void)
{
    const float start[5] = {1, 2, 3, 4, 5};
    float once[5], twice[5];
    for (size_t forwards = 1; forwards <= 2; forwards++) {
        ffn_model *model = make();
        size_t index = 0;
        (void)ffn_model_find_parameter(model, "batch_norm1.running_mean", &index, NULL);
        ffn_trainer *trainer = make_trainer(model, ROWS);
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, index, start, NULL), FFN_OK);
        for (size_t k = 0; k < forwards; k++) (void)ffn_forward(ffn_trainer_plan(trainer), x_data, ROWS);
        (void)ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), targets);
        CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
        get(model, "batch_norm1.running_mean", forwards == 1 ? once : twice);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
    for (size_t c = 0; c < 5; c++) {
        const double mean = ((double)once[c] - 0.9 * (double)start[c]) / 0.1;
        CU_ASSERT_DOUBLE_EQUAL((double)twice[c], 0.81 * (double)start[c] + 0.19 * mean, 1e-5);
    }
}

static void test_step_and_by_hand_agree(void)
{
    float a[5], b[5];
    ffn_model *model = make();
    ffn_trainer *trainer = make_trainer(model, ROWS);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, ROWS, NULL, NULL), FFN_OK);
    get(model, "batch_norm1.running_var", a);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    model = make();
    trainer = make_trainer(model, ROWS);
    (void)ffn_forward(ffn_trainer_plan(trainer), x_data, ROWS);
    (void)ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), targets);
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
    get(model, "batch_norm1.running_var", b);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* A batch that is refused as diverged leaves no trace in the statistics. */
static void test_diverged_batches_are_forgotten(void)
{
    float before[5], after[5], huge[ROWS * INPUTS];
    ffn_error error = {0};
    ffn_model *model = make();
    ffn_trainer *trainer = make_trainer(model, ROWS);
    for (size_t i = 0; i < COUNT(huge); i++) huge[i] = i % 2 ? 3e38f : -3e38f;
    get(model, "batch_norm1.running_mean", before);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, huge, targets, ROWS, NULL, &error), FFN_DIVERGED);
    get(model, "batch_norm1.running_mean", after);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, ROWS, NULL, &error), FFN_OK);
    get(model, "batch_norm1.running_mean", after);
    for (size_t c = 0; c < 5; c++) CU_ASSERT(fabs((double)after[c]) < 10);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void test_batch_of_one(void)
{
    ffn_error error = {0};
    ffn_model *model = make();
    ffn_trainer *trainer = make_trainer(model, ROWS);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, 1, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "batch_norm1"));
    CU_ASSERT_PTR_NULL(ffn_forward(ffn_trainer_plan(trainer), x_data, 1));
    CU_ASSERT(isnan(ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), targets)));
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, 2, NULL, NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    float y[OUTPUTS];
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, 1, y, NULL), FFN_OK);
    ffn_gradient_check_result result;
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, targets, 1, 0, 0, &result, NULL),
                    FFN_INVALID_ARGUMENT);
    ffn_model_destroy(model);
}

/* A last batch of one row is refused before any weight changes. */
static void test_fit_refuses_a_last_batch_of_one(void)
{
    ffn_error error = {0};
    ffn_model *model = make();
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), targets, ffn_shape_1d(OUTPUTS), 11, NULL);
    ffn_fit_options options = {.optimizer = ffn_sgd(0.01f), .epochs = 2, .batch_size = 5};
    float *before = malloc(model->value_count * sizeof(float));
    memcpy(before, model->values, model->value_count * sizeof(float));
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "batch_size 5"));
    CU_ASSERT_EQUAL(memcmp(before, model->values, model->value_count * sizeof(float)), 0);
    options.batch_size = 4;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_OK);
    options.batch_size = 1;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_INVALID_ARGUMENT);
    free(before);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* What is not trained works as in prediction, on one row too. */
static void test_frozen(void)
{
    float before[5], after[5], y[ROWS * OUTPUTS];
    ffn_model *model = make();
    ffn_set_trainable(model, (ffn_value){3}, false); /* input, dense, batch_norm */
    ffn_trainer *trainer = make_trainer(model, ROWS);
    const float *out = ffn_forward(ffn_trainer_plan(trainer), x_data, ROWS);
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, ROWS, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(out, y, sizeof y), 0);
    get(model, "batch_norm1.running_mean", before);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, 1, NULL, NULL), FFN_OK);
    get(model, "batch_norm1.running_mean", after);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    ffn_gradient_check_result r;
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, targets, 3, 0, 0, &r, NULL), FFN_OK);
    CU_ASSERT_EQUAL(r.failed, 0);
    ffn_trainer_destroy(trainer);
    ffn_set_trainable(model, (ffn_value){3}, true);
    ffn_plan *plan = ffn_plan_create(
        model, (ffn_plan_options){.max_batch = ROWS, .training = true, .input_gradient = true, .frozen = true}, NULL);
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, 1, y, NULL), FFN_OK);
    out = ffn_forward(plan, x_data, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(memcmp(out, y, OUTPUTS * sizeof(float)), 0);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_no_axis(void)
{
    ffn_value (*const layers[])(ffn_model *, ffn_value) = {ffn_batch_norm, ffn_layer_norm};
    for (size_t i = 0; i < COUNT(layers); i++) {
        ffn_error error = {0};
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value y = layers[i](model, ffn_input(model, (ffn_shape){0}));
        CU_ASSERT_EQUAL(ffn_model_build(model, y, &error), FFN_SHAPE_MISMATCH);
        ffn_model_destroy(model);
        (void)layers[i](NULL, (ffn_value){1});
    }
}

/* Wide enough for several tiles: the same bits on one thread and on all. */
static void test_threads(void)
{
    enum { N = 300, COLS = 700 };
    static float x[N * COLS], dy[N * COLS], first[2][N * COLS], dx[2][N * COLS];
    ffn_value (*const layers[])(ffn_model *, ffn_value) = {ffn_batch_norm, ffn_layer_norm};
    const ffn_shape shapes[] = {ffn_shape_1d(COLS), ffn_shape_3d(100, 1, 7)};
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_uniform(dy, COUNT(dy), 2, -1, 1);
    for (size_t l = 0; l < COUNT(layers); l++)
        for (size_t s = 0; s < COUNT(shapes); s++) {
            for (size_t threads = 1; threads <= 2; threads++) {
                ffn_model *model = ffn_model_create(1, NULL);
                CU_ASSERT_EQUAL(ffn_model_build(model, layers[l](model, ffn_input(model, shapes[s])), NULL), FFN_OK);
                ffn_plan *plan = ffn_plan_create(
                    model,
                    (ffn_plan_options){.max_batch = N, .training = true, .input_gradient = true, .threads = threads},
                    NULL);
                memcpy(first[threads - 1], ffn_forward(plan, x, N), sizeof first[0]);
                ffn_backward_from(plan, dy);
                memcpy(dx[threads - 1], ffn_input_gradient(plan), sizeof dx[0]);
                ffn_plan_destroy(plan);
                ffn_model_destroy(model);
            }
            CU_ASSERT_EQUAL(memcmp(first[0], first[1], sizeof first[0]), 0);
            CU_ASSERT_EQUAL(memcmp(dx[0], dx[1], sizeof dx[0]), 0);
        }
}

static void test_memory(void)
{
    ffn_model *model = make();
    for (size_t fail_at = 1; fail_at < 100; fail_at++) {
        ffn_error error = {0};
        failing_start(fail_at);
        ffn_plan *plan = ffn_plan_create(model, (ffn_plan_options){.max_batch = 4, .training = true}, &error);
        CU_ASSERT_EQUAL(plan == NULL, error.status == FFN_OUT_OF_MEMORY);
        ffn_plan_destroy(plan);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        if (plan) {
            CU_ASSERT(fail_at > 6);
            break;
        }
    }
    ffn_model_destroy(model);
}

/* ---- gradients that are 0 -------------------------------------------------------------------------------------- */

static float slope_factor; /* a fault for 1.1 */

static void faulty_tanh(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y,
                        const float *dy, float *dx)
{
    ffn_tanh().ops->backward(a, rows, cols, x, y, dy, dx);
    for (size_t i = 0; i < rows * cols; i++) dx[i] *= slope_factor;
}

static ffn_gradient_check_result check_gradients(ffn_model *model)
{
    ffn_gradient_check_result r = {0};
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, targets, ROWS, 0, 0, &r, NULL), FFN_OK);
    return r;
}

/* The bias before a batch norm has a gradient of 0, and rounding is no fault, neither at the start nor where the loss is
 * smaller. What is wrong by a tenth before it is found all the same. */
static void test_gradients_of_zero(void)
{
    ffn_activation_ops ops = *ffn_tanh().ops;
    ops.backward = faulty_tanh;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        ffn_model *model = ffn_model_create(seed, NULL);
        ffn_value h = ffn_dense(model, row_input(model), 24, (ffn_activation){.ops = &ops});
        h = ffn_batch_norm(model, ffn_dense(model, h, seed % 2 ? 8 : 32, ffn_linear()));
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, OUTPUTS, ffn_linear()), NULL), FFN_OK);
        fill_uniform(x_data, COUNT(x_data), seed, -2, 3);
        fill_targets(targets, ROWS, OUTPUTS, FFN_TARGET_NUMBERS, seed);
        const ffn_fit_options options = {.optimizer = ffn_adam(0.01f), .batch_size = ROWS};
        ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
        for (size_t part = 0; part < 3; part++) {
            slope_factor = 1;
            CU_ASSERT_EQUAL(check_gradients(model).failed, 0);
            slope_factor = 1.1f;
            CU_ASSERT(check_gradients(model).failed > 0);
            slope_factor = 1;
            for (size_t i = 0; i < 20; i++)
                CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, targets, ROWS, NULL, NULL), FFN_OK);
        }
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
}

static const test_case cases[] = {
    {"parameters", test_parameters},
    {"only updates commit", test_only_updates_commit},
    {"infinite statistics", test_infinite_statistics},
    {"every forward is collected", test_every_forward_is_collected},
    {"step and by hand agree", test_step_and_by_hand_agree},
    {"diverged batches are forgotten", test_diverged_batches_are_forgotten},
    {"batch of one", test_batch_of_one},
    {"fit refuses a last batch of one", test_fit_refuses_a_last_batch_of_one},
    {"frozen", test_frozen},
    {"no axis", test_no_axis},
    {"threads", test_threads},
    {"memory", test_memory},
    {"gradients of 0", test_gradients_of_zero},
};
TEST_MAIN("normalization", cases)
