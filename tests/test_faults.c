/* Memory that runs out: each allocation of each call fails once. The call says so, nothing leaks, and what was there
 * before serves as if nothing had happened. */
#include "failing.h"
#include "networks.h"
#include "test.h"

enum { ROWS = 24, CLASSES = OUTPUTS, MOST = 1024 };

static float x_data[ROWS * INPUTS], numbers[ROWS * OUTPUTS];
static uint32_t labels[ROWS];
static bool trained; /* a batch has changed the weights */

/* What every attempt starts from: built before memory runs out. */
typedef struct subject {
    ffn_model *model;
    ffn_dataset *classes, *numbers;
} subject;

static int note_batch(const ffn_progress *progress, void *user)
{
    (void)progress, (void)user;
    trained = true;
    return 0;
}

static ffn_value describe(ffn_model *m)
{
    ffn_value h = ffn_standardize(m, row_input(m));
    h = ffn_dense(m, ffn_dropout(m, h, 0.1f), INPUTS, ffn_prelu(0.2f));
    ffn_set_name(m, h, "named");
    h = ffn_dense(m, ffn_add(m, h, ffn_share(m, h, h)), CLASSES, ffn_softmax());
    ffn_set_initializer(m, h, ffn_orthogonal());
    return h;
}

static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= MOST);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, values + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

/* ---- attempts: each a call, or a few, that allocate ------------------------------------------------------------ */

static ffn_status attempt_model(subject *s, ffn_error *error)
{
    (void)s;
    ffn_model *model = ffn_model_create(1, error);
    if (!model) return error->status;
    const ffn_status status = ffn_model_build(model, describe(model), error);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(model) > 0, status == FFN_OK);
    ffn_model_destroy(model);
    return status;
}

/* The description is there; building it again, with memory, succeeds. */
static ffn_status attempt_build(subject *s, ffn_error *error)
{
    (void)s;
    const size_t fail_at = failing.fail_at;
    failing.fail_at = 0;
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value output = describe(model);
    failing.calls = 0;
    failing.fail_at = fail_at;
    const ffn_status status = ffn_model_build(model, output, error);
    const size_t calls = failing.calls;
    failing.fail_at = 0;
    if (status != FFN_OK) CU_ASSERT_EQUAL(ffn_model_build(model, output, NULL), FFN_OK);
    ffn_model_destroy(model);
    failing.calls = calls;
    return status;
}

static ffn_status attempt_plan(const subject *s, ffn_plan_options options, ffn_error *error)
{
    options.max_batch = ROWS;
    ffn_plan *plan = ffn_plan_create(s->model, options, error);
    if (!plan) return error->status;
    CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x_data, ROWS));
    ffn_plan_destroy(plan);
    return FFN_OK;
}
static ffn_status attempt_inference(subject *s, ffn_error *error)
{
    return attempt_plan(s, (ffn_plan_options){0}, error);
}
static ffn_status attempt_training(subject *s, ffn_error *error)
{
    return attempt_plan(s, (ffn_plan_options){.training = true, .input_gradient = true}, error);
}

static ffn_fit_options make_options(void)
{
    static const float class_weights[CLASSES] = {1, 2, 3, 4};
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_cross_entropy();
    options.loss.class_weights = class_weights;
    options.loss.classes = CLASSES;
    options.optimizer.amsgrad = true;
    options.epochs = 5;
    options.batch_size = 8;
    options.on_batch = note_batch;
    return options;
}

static ffn_status attempt_trainer(subject *s, ffn_error *error)
{
    const ffn_fit_options options = make_options();
    ffn_trainer *trainer = ffn_trainer_create(s->model, &options, error);
    if (!trainer) return error->status;
    ffn_trainer_destroy(trainer);
    return FFN_OK;
}

static ffn_status attempt_fit(subject *s, ffn_error *error)
{
    ffn_fit_options options = make_options();
    ffn_history history = {0};
    options.validation_fraction = 0.25f;
    options.restore_best = true;
    const ffn_status status = ffn_fit(s->model, s->classes, &options, &history, error);
    if (status == FFN_OK) CU_ASSERT_EQUAL(history.epochs, 5);
    CU_ASSERT(history.epochs <= 5 && (history.epochs > 0) == (history.epoch != NULL));
    ffn_history_destroy(&history);
    return status;
}

static ffn_status attempt_plain_fit(subject *s, ffn_error *error)
{
    ffn_fit_options options = make_options();
    options.keep_order = true;
    options.validation = s->classes;
    return ffn_fit(s->model, s->classes, &options, NULL, error);
}

static ffn_status attempt_predict(subject *s, ffn_error *error)
{
    float y[ROWS * CLASSES];
    return ffn_predict(s->model, x_data, ROWS, y, error);
}

static ffn_status attempt_evaluate(subject *s, ffn_error *error)
{
    ffn_metrics metrics = {0};
    const ffn_status status = ffn_evaluate(s->model, s->classes, ffn_cross_entropy(), &metrics, error);
    CU_ASSERT_EQUAL(metrics.confusion != NULL, status == FFN_OK);
    CU_ASSERT_EQUAL(metrics.rows, status == FFN_OK ? ROWS : 0);
    ffn_metrics_destroy(&metrics);
    return status;
}

static ffn_status attempt_evaluate_numbers(subject *s, ffn_error *error)
{
    ffn_metrics metrics = {0};
    const ffn_status status = ffn_evaluate(s->model, s->numbers, ffn_mse(), &metrics, error);
    ffn_metrics_destroy(&metrics);
    return status;
}

static ffn_status attempt_gradient_check(subject *s, ffn_error *error)
{
    ffn_gradient_check_result result;
    return ffn_gradient_check(s->model, ffn_mse(), x_data, numbers, 3, 0, 0, &result, error);
}

static ffn_status attempt_csv(subject *s, ffn_error *error)
{
    (void)s;
    static const char text[] = "a,b,kind\n1,2,red\n3,,green\n5,6,red\n\"7\",8,\"blue, or so\"\n";
    const ffn_csv_options options = {.missing = FFN_CSV_MISSING_MEDIAN};
    ffn_dataset *data = ffn_dataset_load_csv_memory(text, sizeof(text) - 1, &options, error);
    if (!data) return error->status;
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 3);
    ffn_dataset_destroy(data);
    return FFN_OK;
}

static ffn_status attempt_datasets(subject *s, ffn_error *error)
{
    ffn_dataset *data = ffn_dataset_from_labels(x_data, ffn_shape_1d(INPUTS), labels, CLASSES, ROWS, error);
    ffn_dataset *first = NULL, *second = NULL;
    ffn_status status = data ? ffn_dataset_split_stratified(data, 0.5f, 1, &first, &second, error) : error->status;
    CU_ASSERT_EQUAL(first && second, status == FFN_OK);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
    if (status == FFN_OK) status = ffn_model_fit_scalers(s->model, s->classes, error);
    return status;
}

static ffn_status attempt_tensor(subject *s, ffn_error *error)
{
    (void)s;
    ffn_tensor tensor = {0};
    const ffn_status status = ffn_tensor_create(&tensor, ffn_shape_2d(3, 4), error);
    CU_ASSERT_EQUAL(tensor.data != NULL, status == FFN_OK);
    ffn_tensor_destroy(&tensor);
    return status;
}

/* ---- the loop over allocations --------------------------------------------------------------------------------- */

static subject make_subject(void)
{
    fill_uniform(x_data, COUNT(x_data), 1, -1, 1);
    fill_uniform(numbers, COUNT(numbers), 2, 0, 1);
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint32_t)(i % CLASSES);
    const form f = {"subject", describe, ffn_mse};
    const ffn_shape sample = ffn_shape_1d(INPUTS);
    return (subject){.model = form_build(&f, 1),
                     .classes = ffn_dataset_from_labels(x_data, sample, labels, CLASSES, ROWS, NULL),
                     .numbers = ffn_dataset_from_arrays(x_data, sample, numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL)};
}

/* One attempt whose allocation number fail_at fails; true if it came so far that it did. */
static bool try_once(ffn_status (*attempt)(subject *, ffn_error *), size_t fail_at)
{
    float before[MOST], after[MOST], y[ROWS * CLASSES];
    ffn_error error = {FFN_OK, ""};
    failing_start(0);
    subject s = make_subject();
    CU_ASSERT_FATAL(s.model && s.classes && s.numbers);
    const size_t n = get_weights(s.model, before), live = failing.live;
    trained = false;
    failing.calls = 0;
    failing.fail_at = fail_at;
    const ffn_status status = attempt(&s, &error);
    const bool failed = failing.calls >= fail_at;
    failing.fail_at = 0;
    CU_ASSERT_EQUAL(failing.live, live);
    CU_ASSERT_EQUAL(status, failed ? FFN_OUT_OF_MEMORY : FFN_OK);
    CU_ASSERT_EQUAL(error.status, status);
    if (failed) CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "memory"));
    (void)get_weights(s.model, after);
    if (failed && !trained) CU_ASSERT_EQUAL(memcmp(before, after, n * sizeof(float)), 0);
    for (size_t i = 0; i < n; i++) CU_ASSERT(isfinite(after[i]));
    CU_ASSERT_EQUAL(ffn_predict(s.model, x_data, ROWS, y, NULL), FFN_OK);
    ffn_model_destroy(s.model);
    ffn_dataset_destroy(s.classes);
    ffn_dataset_destroy(s.numbers);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    return failed;
}

static void try_all(ffn_status (*attempt)(subject *, ffn_error *), size_t at_least)
{
    size_t n = 1;
    while (n < 1000 && try_once(attempt, n)) n++;
    CU_ASSERT(n > at_least && n < 1000);
}

static void test_model(void) { try_all(attempt_model, 15); }
static void test_build(void) { try_all(attempt_build, 8); }
static void test_inference(void) { try_all(attempt_inference, 5); }
static void test_training(void) { try_all(attempt_training, 5); }
static void test_trainer(void) { try_all(attempt_trainer, 8); }
static void test_fit(void) { try_all(attempt_fit, 15); }
static void test_plain_fit(void) { try_all(attempt_plain_fit, 10); }
static void test_predict(void) { try_all(attempt_predict, 5); }
static void test_evaluate(void) { try_all(attempt_evaluate, 9); }
static void test_evaluate_numbers(void) { try_all(attempt_evaluate_numbers, 6); }
static void test_gradient_check(void) { try_all(attempt_gradient_check, 7); }
static void test_csv(void) { try_all(attempt_csv, 5); }
static void test_datasets(void) { try_all(attempt_datasets, 5); }
static void test_tensor(void) { try_all(attempt_tensor, 1); }

static const test_case cases[] = {
    {"model", test_model},
    {"build", test_build},
    {"plan for inference", test_inference},
    {"plan for training", test_training},
    {"trainer", test_trainer},
    {"fit", test_fit},
    {"plain fit", test_plain_fit},
    {"predict", test_predict},
    {"evaluate", test_evaluate},
    {"evaluate numbers", test_evaluate_numbers},
    {"gradient check", test_gradient_check},
    {"csv", test_csv},
    {"datasets", test_datasets},
    {"tensor", test_tensor},
};
TEST_MAIN("faults", cases)
