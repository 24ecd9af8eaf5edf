/* L-BFGS by hand and with its line search against goldens/lbfgs.txt, and what the search is good for: the loss never rises, and
 * ends where it is lowest. */
#include "ffn.h"
#include "golden.h"
#include "train/lbfgs.h"

/* A loss that counts how often its gradient was asked for. */
static size_t evaluations;

static double counted(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *targets, float *dy,
                      double scale)
{
    evaluations += dy != NULL;
    return ffn_mse().ops->value(loss, rows, cols, y, targets, dy, scale);
}

static ffn_loss counted_mse(void)
{
    static ffn_loss_ops ops;
    ops = *ffn_mse().ops;
    ops.value = counted;
    ffn_loss loss = ffn_mse();
    loss.ops = &ops;
    return loss;
}

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
    ffn_fit_options options = {.loss = counted_mse(), .optimizer = ffn_lbfgs(1), .batch_size = 20};
    options.optimizer.learning_rate = (float)golden_number(golden, "rate", 0);
    options.optimizer.history = (size_t)golden_number(golden, "history", 0);
    options.optimizer.weight_decay = (float)golden_number(golden, "weight_decay", 0);
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    return trainer;
}

static bool is_double(void) { return sizeof(float) == sizeof(double); }

/* One step: forward, backward and apply, or with the line search. The loss before. */
static double step(ffn_trainer *trainer, const float *x, const float *targets, bool searches)
{
    double loss = (double)NAN;
    if (searches) {
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, 20, &loss, NULL), FFN_OK);
        return loss;
    }
    CU_ASSERT_PTR_NOT_NULL(ffn_forward(ffn_trainer_plan(trainer), x, 20));
    loss = ffn_backward(ffn_trainer_plan(trainer), counted_mse(), targets);
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
    return loss;
}

static void follow(const golden_case *golden, bool searches)
{
    const double tolerance = is_double() ? 1e-9 : 5e-4;
    const golden_entry *path = golden_get(golden, "path"), *losses = golden_get(golden, "losses");
    const golden_entry *counts = golden_get(golden, "evaluations");
    ffn_model *model = ffn_model_create(1, NULL);
    float *x, *targets, w[12];
    ffn_trainer *trainer = start(golden, model, &x, &targets);
    for (size_t k = 0; k < path->dim[0]; k++) {
        evaluations = 0;
        CU_ASSERT_DOUBLE_EQUAL(step(trainer, x, targets, searches), losses->values[k], tolerance);
        if (is_double()) CU_ASSERT_EQUAL((double)evaluations, counts->values[k]);
        (void)ffn_model_get_parameter(model, 0, w, NULL);
        (void)ffn_model_get_parameter(model, 1, w + 10, NULL);
        for (size_t i = 0; i < 12; i++) CU_ASSERT_DOUBLE_EQUAL((double)w[i], path->values[k * 12 + i], tolerance);
    }
    free(x);
    free(targets);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void test_pytorch(void)
{
    golden_file file = golden_load("lbfgs");
    CU_ASSERT_EQUAL(file.count, 4);
    for (size_t i = 0; i < file.count; i++) follow(&file.cases[i], i >= 2);
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

/* Rosenbrock's valley of the network's two outputs; the input is 1, so that they are its weights. */
static double rosenbrock(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *targets,
                         float *dy, double scale)
{
    const double a = (double)y[0], b = (double)y[1], across = b - a * a;
    (void)loss, (void)rows, (void)cols, (void)targets;
    evaluations++;
    if (dy) {
        dy[0] = (float)(scale * (-2 * (1 - a) - 400 * a * across));
        dy[1] = (float)(scale * 200 * across);
    }
    return (1 - a) * (1 - a) + 100 * across * across;
}

static double one(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    (void)loss, (void)rows, (void)cols, (void)targets;
    return 1;
}

static void test_valley(void)
{
    const float start[2] = {(float)-1.2, 1}, x = 1, targets[2] = {0};
    const ffn_loss_ops ops = {.name = "rosenbrock", .value = rosenbrock, .weight = one};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 2, ffn_linear());
    ffn_set_bias(model, y, false);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    (void)ffn_model_set_parameter(model, 0, start, NULL);
    const ffn_fit_options options = {.loss = {.ops = &ops}, .optimizer = ffn_lbfgs(1), .batch_size = 1};
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    double loss = 1;
    evaluations = 0;
    for (size_t k = 0; k < 60 && loss > (is_double() ? 1e-20 : 1e-9); k++)
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, &x, targets, 1, &loss, NULL), FFN_OK);
    CU_ASSERT(loss <= (is_double() ? 1e-20 : 1e-9));
    CU_ASSERT(evaluations < 120);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* Logistic regression on inputs of very different sizes, to a gradient of nothing. */
static void test_logistic(void)
{
    enum { ROWS = 80, FEATURES = 4 };
    float x[ROWS * FEATURES], targets[ROWS], g[FEATURES], w[FEATURES];
    const float sizes[FEATURES] = {1, 30, (float)0.1, 5}, l2 = (float)0.001;
    ffn_random random = ffn_random_create(4, 0, 0);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < FEATURES; i++) x[r * FEATURES + i] = sizes[i] * ffn_random_normal(&random);
        targets[r] = x[r * FEATURES] + x[r * FEATURES + 1] / 30 + ffn_random_normal(&random) > 0;
    }
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(FEATURES)), 1, ffn_sigmoid());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    const ffn_fit_options options = {.optimizer = ffn_lbfgs(1), .batch_size = ROWS, .l2 = l2};
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    for (size_t k = 0; k < 60; k++) CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, ROWS, NULL, NULL), FFN_OK);
    (void)ffn_forward(ffn_trainer_plan(trainer), x, ROWS);
    (void)ffn_backward(ffn_trainer_plan(trainer), ffn_binary_cross_entropy(), targets);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(ffn_trainer_plan(trainer), 0, g, NULL), FFN_OK);
    (void)ffn_model_get_parameter(model, 0, w, NULL);
    for (size_t i = 0; i < FEATURES; i++) {
        const double slope = (double)g[i] + 2 * (double)l2 * (double)w[i];
        CU_ASSERT(fabs(slope) < (is_double() ? 1e-8 : 1e-4) * (double)sizes[i]);
    }
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* Figures of an epoch are those of the weights before the search, which moves them along. */
static void test_figures(void)
{
    enum { MANY = 20 };
    float x[MANY * 5], targets[MANY];
    ffn_random random = ffn_random_create(3, 0, 0);
    for (size_t i = 0; i < MANY * 5; i++) x[i] = ffn_random_normal(&random);
    for (size_t r = 0; r < MANY; r++) targets[r] = x[r * 5] < 0 ? 1 : 0;
    ffn_model *model = ffn_model_create(4, NULL);
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(5)), 2, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(5), targets, ffn_shape_1d(1), MANY, NULL);
    ffn_metrics before = {0};
    ffn_history history = {0};
    const ffn_fit_options options = {.optimizer = ffn_lbfgs(1), .epochs = 1, .batch_size = MANY, .metric = "log_loss"};
    CU_ASSERT_EQUAL(ffn_evaluate(model, data, ffn_cross_entropy(), &before, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    CU_ASSERT_DOUBLE_EQUAL(history.epoch[0].loss, before.loss, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(history.epoch[0].metric, before.loss, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(history.epoch[0].accuracy, before.accuracy, 1e-12);
    ffn_metrics_destroy(&before);
    ffn_history_destroy(&history);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
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
    ffn_error error = {FFN_OK, ""};
    const ffn_fit_options good = {.optimizer = ffn_lbfgs(1)};
    ffn_set_rate(model, h, (float)0.5);
    CU_ASSERT_PTR_NULL(ffn_trainer_create(model, &good, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "rate of dense1, 0.5; expected 1"));
    ffn_set_trainable(model, h, false); /* then there is no rate to follow */
    ffn_trainer *trainer = ffn_trainer_create(model, &good, NULL);
    CU_ASSERT_PTR_NOT_NULL(trainer);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* (x - 1)^2 before its least value, and three times as steep behind it. */
static double steeper_behind(void *context, double at, double *slope)
{
    const double factor = at < 1 ? 1 : 3;
    (void)context;
    *slope = 2 * factor * (at - 1);
    return factor * (at - 1) * (at - 1);
}

/* A length behind the least value, where the loss is lower than at 0 but rises, is not gone on from. */
static void test_too_far(void)
{
    double slope;
    const double length = ffn__line_search(&(ffn__line){steeper_behind, NULL, 1}, 1, -2, 1.5);
    CU_ASSERT(steeper_behind(NULL, length, &slope) < 1);
    CU_ASSERT(fabs(slope) <= 0.9 * 2);
}

static const test_case cases[] = {
    {"too far", test_too_far},
    {"PyTorch's", test_pytorch},
    {"line search", test_search},
    {"Rosenbrock's valley", test_valley},
    {"logistic regression", test_logistic},
    {"figures", test_figures},
    {"refused", test_refused},
};

TEST_MAIN("L-BFGS", cases)
