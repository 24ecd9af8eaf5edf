/* L-BFGS by hand against goldens/lbfgs.txt, and its line search: the loss never rises, and ends where it is lowest. */
#include "ffn.h"
#include "golden.h"

static ffn_trainer *start(const golden_case *golden, ffn_model *model, float **x, float **targets)
{
    float *weight = golden_floats(golden_get(golden, "weight")), *bias = golden_floats(golden_get(golden, "bias"));
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(5)), 2, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, weight, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 1, bias, NULL), FFN_OK);
    free(weight);
    free(bias);
    *x = golden_floats(golden_get(golden, "x"));
    *targets = golden_floats(golden_get(golden, "targets"));
    ffn_fit_options options = {.loss = ffn_mse(), .optimizer = ffn_lbfgs((float)0.5), .batch_size = 20};
    options.optimizer.history = (size_t)golden_number(golden, "history", 0);
    options.optimizer.weight_decay = (float)golden_number(golden, "weight_decay", 0);
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    return trainer;
}

static void by_hand(const golden_case *golden)
{
    const double tolerance = sizeof(float) == sizeof(double) ? 1e-10 : 2e-4;
    const golden_entry *path = golden_get(golden, "path"), *losses = golden_get(golden, "losses");
    ffn_model *model = ffn_model_create(1, NULL);
    float *x, *targets, w[12];
    ffn_trainer *trainer = start(golden, model, &x, &targets);
    for (size_t k = 0; k < path->dim[0]; k++) {
        CU_ASSERT_PTR_NOT_NULL(ffn_forward(ffn_trainer_plan(trainer), x, 20));
        const double loss = ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), targets);
        CU_ASSERT_DOUBLE_EQUAL(loss, losses->values[k], tolerance);
        CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
        (void)ffn_model_get_parameter(model, 0, w, NULL);
        (void)ffn_model_get_parameter(model, 1, w + 10, NULL);
        for (size_t i = 0; i < 12; i++) CU_ASSERT_DOUBLE_EQUAL((double)w[i], path->values[k * 12 + i], tolerance);
    }
    free(x);
    free(targets);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void test_by_hand(void)
{
    golden_file file = golden_load("lbfgs");
    CU_ASSERT_EQUAL(file.count, 2);
    for (size_t i = 0; i < file.count; i++) by_hand(&file.cases[i]);
    golden_close(&file);
}

static double objective(const ffn_model *model, double loss, double decay)
{
    float w[12];
    (void)ffn_model_get_parameter(model, 0, w, NULL);
    (void)ffn_model_get_parameter(model, 1, w + 10, NULL);
    for (size_t i = 0; i < 12; i++) loss += decay / 2 * (double)w[i] * (double)w[i];
    return loss;
}

static void test_search(void)
{
    golden_file file = golden_load("lbfgs");
    const golden_case *golden = &file.cases[0];
    const double decay = golden_number(golden, "weight_decay", 0);
    ffn_model *model = ffn_model_create(1, NULL);
    float *x, *targets, gradient[10], w[10];
    ffn_trainer *trainer = start(golden, model, &x, &targets);
    ffn_trainer_set_learning_rate(trainer, 100); /* far too long: it has to be cut */
    double before = (double)INFINITY;
    for (size_t k = 0; k < 60; k++) {
        double loss;
        const double at = objective(model, 0, decay);
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, 20, &loss, NULL), FFN_OK);
        CU_ASSERT(loss + at <= before + 1e-7);
        before = loss + at;
    }
    (void)ffn_forward(ffn_trainer_plan(trainer), x, 20);
    (void)ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), targets);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(ffn_trainer_plan(trainer), 0, gradient, NULL), FFN_OK);
    (void)ffn_model_get_parameter(model, 0, w, NULL);
    for (size_t i = 0; i < 10; i++) CU_ASSERT(fabs((double)gradient[i] + decay * (double)w[i]) < 2e-3);
    free(x);
    free(targets);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    golden_close(&file);
}

static void test_refused(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(5)), 2, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    const ffn_fit_options bad[] = {{.optimizer = ffn_lbfgs(1), .accumulate = 2},
                                   {.optimizer = ffn_lbfgs(1), .clip_norm = 1},
                                   {.optimizer = ffn_lbfgs(1), .clip_value = 1},
                                   {.optimizer = ffn_lbfgs(-1)}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CU_ASSERT_PTR_NULL(ffn_trainer_create(model, &bad[i], NULL));
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"by hand", test_by_hand},
    {"line search", test_search},
    {"refused", test_refused},
};

TEST_MAIN("L-BFGS", cases)
