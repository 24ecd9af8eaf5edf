/* Weights of rows and of classes: in one batch, in datasets, and in the figures of an epoch. */
#include "strategy.h"

/* A row without weight does not count, whatever its loss. */
static void test_row_without_weight(void)
{
    const float x[] = {1, 3e38f}, targets[] = {0, 0}, weights[] = {1, 0};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 1, ffn_linear());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, (float[]){10}, NULL), FFN_OK);
    ffn_plan *plan = ffn_plan_create(model, (ffn_plan_options){.max_batch = 2, .training = true}, NULL);
    ffn_plan_set_row_weights(plan, weights);
    (void)ffn_forward(plan, x, 2);
    CU_ASSERT_EQUAL(ffn_backward(plan, ffn_mse(), targets), 100);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

/* A weight of 2 is the row twice, a weight of 0 no row at all; for a loss over elements, over rows, of classes. */
static void test_row_weights(void)
{
    static const float class_weights[OUTPUTS] = {1, 3, 0.5f, 2};
    static const float weights[] = {2, 0, 1, 2, 0, 1};
    static const size_t repeated[] = {0, 0, 2, 3, 3, 5};
    ffn_loss losses[] = {ffn_mse(), ffn_cross_entropy(), ffn_cross_entropy(), ffn_kl_divergence()};
    losses[2].class_weights = class_weights;
    losses[2].classes = OUTPUTS;
    for (size_t l = 0; l < COUNT(losses); l++) {
        ffn_model *model = make(l == 0 ? ffn_linear() : ffn_softmax());
        const ffn_target_kind kind = losses[l].ops->target;
        const size_t columns = kind == FFN_TARGET_CLASS_INDEX ? 1 : OUTPUTS;
        float targets[6 * OUTPUTS], x[6 * INPUTS], t[6 * OUTPUTS], want[OUTPUTS * 9], found[OUTPUTS * 9];
        fill_targets(targets, 6, OUTPUTS, kind, 9);
        for (size_t r = 0; r < 6; r++) {
            memcpy(x + r * INPUTS, x_data + repeated[r] * INPUTS, INPUTS * sizeof(float));
            memcpy(t + r * columns, targets + repeated[r] * columns, columns * sizeof(float));
        }
        ffn_plan *plan = ffn_plan_create(model, (ffn_plan_options){.max_batch = 6, .training = true}, NULL);
        (void)ffn_forward(plan, x, 6);
        const double loss = ffn_backward(plan, losses[l], t);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 2, want, NULL), FFN_OK);
        ffn_plan_set_row_weights(plan, weights);
        (void)ffn_forward(plan, x_data, 6);
        CU_ASSERT_DOUBLE_EQUAL(ffn_backward(plan, losses[l], targets), loss, 1e-6);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 2, found, NULL), FFN_OK);
        for (size_t i = 0; i < COUNT(want); i++) CU_ASSERT_DOUBLE_EQUAL((double)found[i], (double)want[i], 1e-6);
        ffn_plan_set_row_weights(plan, NULL);
        (void)ffn_forward(plan, x_data, 6);
        CU_ASSERT(fabs(ffn_backward(plan, losses[l], targets) - loss) > 1e-4);
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
    ffn_plan_set_row_weights(NULL, weights);
}

/* At rate 0 an epoch's figures are those of an evaluation, however its rows are cut into batches. */
static void test_figures_of_any_batches(void)
{
    static const float class_weights[OUTPUTS] = {1, 20, 0.5f, 2};
    ffn_model *model = make(ffn_softmax());
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), labels, ffn_shape_1d(1), ROWS, NULL);
    ffn_fit_options options = {.loss = ffn_cross_entropy(), .optimizer = ffn_sgd(0), .epochs = 1, .validation = data};
    options.loss.class_weights = class_weights;
    options.loss.classes = OUTPUTS;
    for (options.batch_size = 1; options.batch_size <= 49; options.batch_size += 6) {
        ffn_history h = {0};
        CU_ASSERT_EQUAL_FATAL(ffn_fit(model, data, &options, &h, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(h.epoch[0].loss, h.epoch[0].validation_loss, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(h.epoch[0].accuracy, h.epoch[0].validation_accuracy, 1e-12);
        ffn_history_destroy(&h);
    }
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void test_row_weights_out_of_range(void)
{
    const float bad[] = {-1, NAN, INFINITY};
    ffn_model *model = make(ffn_linear());
    ffn_trainer *trainer = make_trainer(model, &(ffn_fit_options){.loss = ffn_mse(), .batch_size = 8});
    for (size_t i = 0; i < COUNT(bad); i++) {
        ffn_error error = {0};
        const float weights[8] = {1, 1, 1, bad[i], 1, 1, 1, 1};
        ffn_plan_set_row_weights(ffn_trainer_plan(trainer), weights);
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 8, NULL, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "row 3"));
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 3, NULL, &error), FFN_OK);
        ffn_plan_set_row_weights(ffn_trainer_plan(trainer), NULL);
    }
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static float *fit_rows(const float *x, const float *t, size_t rows, const float *weights, bool shuffled)
{
    ffn_model *model = make(ffn_linear());
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(INPUTS), t, ffn_shape_1d(OUTPUTS), rows, NULL);
    CU_ASSERT_EQUAL(ffn_dataset_set_weights(data, weights, NULL), FFN_OK);
    const ffn_fit_options options = {
        .optimizer = ffn_sgd(0.1f), .epochs = 5, .batch_size = rows, .keep_order = !shuffled};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    float *values = copy_values(model);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return values;
}

/* Weights follow their rows through the order of an epoch and through splits. */
static void test_weights_of_datasets(void)
{
    float weights[ROWS], x[ROWS * INPUTS];
    ffn_model *model = make(ffn_linear());
    for (size_t r = 0; r < ROWS; r++) weights[r] = (float)(r % 3);
    size_t rows = 0;
    float t[ROWS * OUTPUTS];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < r % 3; k++, rows++) {
            memcpy(x + rows * INPUTS, x_data + r * INPUTS, INPUTS * sizeof(float));
            memcpy(t + rows * OUTPUTS, numbers + r * OUTPUTS, OUTPUTS * sizeof(float));
        }
    float *want = fit_rows(x, t, rows, NULL, false);
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        float *found = fit_rows(x_data, numbers, ROWS, weights, shuffled);
        memcpy(model->values, found, model->value_count * sizeof(float));
        CU_ASSERT(difference(model, want) < 2e-6);
        free(found);
    }
    free(want);
    ffn_dataset *data =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL);
    const float bad[][2] = {{-1, 1}, {NAN, 1}, {INFINITY, 1}, {0, 0}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (size_t r = 0; r < ROWS; r++) weights[r] = bad[i][1];
        weights[7] = bad[i][0];
        CU_ASSERT_EQUAL(ffn_dataset_set_weights(data, weights, NULL), FFN_INVALID_ARGUMENT);
    }
    CU_ASSERT_EQUAL(ffn_dataset_set_weights(NULL, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_set_weights(data, NULL, NULL), FFN_OK);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"weights of rows", test_row_weights},
    {"figures of any batches", test_figures_of_any_batches},
    {"a row without weight", test_row_without_weight},
    {"weights of rows out of range", test_row_weights_out_of_range},
    {"weights of datasets", test_weights_of_datasets},
};
TEST_MAIN("row weights", cases)
