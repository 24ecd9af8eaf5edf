/* Datasets whose rows come from a function: training, evaluation and scalers as on the same rows in memory. */
#include "failing.h"
#include "test.h"

#include "train/train.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 500, FEATURES = 3 };

typedef struct store {
    float x[ROWS * FEATURES], targets[ROWS];
    size_t calls, fail_at; /* the call that fails; 0: none */
    size_t most;           /* rows asked for at once */
} store;

static store rows;

static int read_rows(void *user, size_t first, size_t count, float *x, float *targets)
{
    store *s = user;
    if (++s->calls == s->fail_at) return 7;
    s->most = count > s->most ? count : s->most;
    memcpy(x, s->x + first * FEATURES, count * FEATURES * sizeof *x);
    if (targets) memcpy(targets, s->targets + first, count * sizeof *targets);
    return 0;
}

static void fill(void)
{
    ffn_random random = ffn_random_create(5, 0, 0);
    memset(&rows, 0, sizeof rows);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < FEATURES; k++) rows.x[i * FEATURES + k] = 10 * ffn_random_normal(&random) + (float)k;
        rows.targets[i] = rows.x[i * FEATURES] > 0 ? 1 : (float)(i % 2 * 2);
    }
}

static ffn_dataset *from_source(size_t window)
{
    return ffn_dataset_from_source(&(ffn_source){ffn_shape_1d(FEATURES), 1, ROWS, window, read_rows, &rows}, NULL);
}

static ffn_dataset *in_memory(void)
{
    return ffn_dataset_from_arrays(rows.x, ffn_shape_1d(FEATURES), rows.targets, ffn_shape_1d(1), ROWS, NULL);
}

static ffn_model *make_model(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(FEATURES));
    const ffn_value h = ffn_concat(model, ffn_standardize(model, x), ffn_quantile_normal(model, x, 50));
    (void)ffn_model_build(model, ffn_dense(model, ffn_dense(model, h, 8, ffn_tanh()), 3, ffn_softmax()), NULL);
    return model;
}

static ffn_status fit(const ffn_dataset *data, const ffn_dataset *validation, bool keep_order, bool augment,
                      float weights[8 * 2 * FEATURES], ffn_error *error)
{
    ffn_model *model = make_model();
    const ffn_augmentation augmentation = {.noise = (float)0.1};
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = 3;
    options.batch_size = 16;
    options.keep_order = keep_order;
    options.validation = validation;
    options.restore_best = validation != NULL;
    if (augment) options.augmentation = &augmentation;
    const ffn_status status = ffn_fit(model, data, &options, NULL, error);
    size_t index = 0;
    (void)ffn_model_find_parameter(model, "dense1.weight", &index, NULL);
    if (weights) (void)ffn_model_get_parameter(model, index, weights, NULL);
    ffn_model_destroy(model);
    return status;
}

/* In order, or with a window that holds all, training is that on the rows in memory to the bit. */
static void test_fit_is_the_same(void)
{
    float expected[8 * 2 * FEATURES], found[8 * 2 * FEATURES];
    fill();
    ffn_dataset *memory = in_memory();
    for (int way = 0; way < 8; way++) {
        const bool keep_order = way & 1, augment = way & 2, validate = way & 4;
        ffn_dataset *source = from_source(keep_order ? 40 : ROWS);
        CU_ASSERT_EQUAL(fit(memory, validate ? memory : NULL, keep_order, augment, expected, NULL), FFN_OK);
        CU_ASSERT_EQUAL(fit(source, validate ? source : NULL, keep_order, augment, found, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(expected, found, sizeof found), 0);
        ffn_dataset_destroy(source);
    }
    ffn_dataset_destroy(memory);
}

/* Every row once an epoch, windows rounded up to whole batches, in another order each epoch. */
static void test_windows(void)
{
    fill();
    for (size_t i = 0; i < ROWS; i++) rows.x[i * FEATURES] = (float)i;
    ffn_model *model = make_model();
    ffn_dataset *source = from_source(50); /* 64 rows: 4 batches of 16 */
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_cross_entropy();
    options.batch_size = 16;
    ffn__feed *feed = ffn__feed_create(model, source, &options, NULL);
    CU_ASSERT_EQUAL(ffn__feed_batches(feed), 32);
    size_t first_row[2] = {0}, moved = 0;
    for (size_t epoch = 1; epoch <= 2; epoch++) {
        size_t seen[ROWS] = {0}, again = 0;
        ffn__feed_begin(feed, epoch);
        for (size_t batch = 0; batch < 32; batch++) {
            const float *x, *targets;
            size_t count;
            CU_ASSERT_EQUAL(ffn__feed_next(feed, &x, &targets, &count, NULL), FFN_OK);
            if (batch == 0) first_row[epoch - 1] = (size_t)x[0];
            for (size_t i = 0; i < count; i++) {
                const size_t row = (size_t)x[i * FEATURES];
                again += seen[row]++;
                moved += row != batch * 16 + i;
                CU_ASSERT_EQUAL(targets[i], rows.targets[row]);
            }
        }
        CU_ASSERT_EQUAL(again, 0);
        for (size_t i = 0; i < ROWS; i++) again += seen[i];
        CU_ASSERT_EQUAL(again, ROWS);
    }
    CU_ASSERT_NOT_EQUAL(first_row[0], first_row[1]);
    CU_ASSERT(moved > ROWS);
    CU_ASSERT_EQUAL(rows.most, 64);
    ffn__feed_destroy(feed);
    ffn_dataset_destroy(source);
    ffn_model_destroy(model);
}

static void test_evaluate_is_the_same(void)
{
    fill();
    ffn_model *model = make_model();
    ffn_dataset *memory = in_memory(), *source = from_source(0);
    ffn_metrics a = {0}, b = {0};
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, source, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_evaluate(model, memory, (ffn_loss){0}, &a, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_evaluate(model, source, (ffn_loss){0}, &b, NULL), FFN_OK);
    CU_ASSERT_EQUAL(a.loss, b.loss);
    CU_ASSERT_EQUAL(a.accuracy, b.accuracy);
    CU_ASSERT_EQUAL(b.rows, ROWS);
    ffn_metrics_destroy(&a);
    ffn_metrics_destroy(&b);
    ffn_dataset_destroy(memory);
    ffn_dataset_destroy(source);
    ffn_model_destroy(model);
}

/* Its temperature, and the last layer's weights thereafter. */
static ffn_status calibrate(const ffn_dataset *data, double *temperature, float weights[3 * 8])
{
    ffn_model *model = make_model();
    size_t weight = 0;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(model, "dense2.weight", &weight, NULL), FFN_OK);
    const ffn_status status = ffn_model_calibrate(model, data, (ffn_loss){0}, temperature, NULL);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, weight, weights, NULL), FFN_OK);
    ffn_model_destroy(model);
    return status;
}

static void test_calibration_is_the_same(void)
{
    fill();
    ffn_dataset *memory = in_memory(), *source = from_source(64);
    float begin[3 * 8], a[3 * 8], b[3 * 8];
    double in_memory_temperature = 0, temperature = 0;
    CU_ASSERT_EQUAL(calibrate(memory, &in_memory_temperature, a), FFN_OK);
    CU_ASSERT_EQUAL(calibrate(source, &temperature, b), FFN_OK);
    CU_ASSERT(temperature != 1 && temperature == in_memory_temperature);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    rows.fail_at = rows.calls + 2;
    CU_ASSERT_EQUAL(calibrate(source, NULL, b), FFN_IO_ERROR);
    ffn_model *untouched = make_model();
    size_t weight = 0;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(untouched, "dense2.weight", &weight, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(untouched, weight, begin, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(begin, b, sizeof b), 0);
    ffn_model_destroy(untouched);
    ffn_dataset_destroy(memory);
    ffn_dataset_destroy(source);
}

/* Scalers of more rows than the sample has, of which the sample is spread evenly. */
static int count_rows(void *user, size_t first, size_t count, float *x, float *targets)
{
    (void)user, (void)targets;
    for (size_t i = 0; i < count; i++) x[i] = (float)((first + i) % 7);
    return 0;
}

static void test_scalers_take_a_sample(void)
{
    ffn_dataset *source =
        ffn_dataset_from_source(&(ffn_source){.sample = ffn_shape_1d(1), .rows = 10000000, .read = count_rows}, NULL);
    ffn_model *model = ffn_model_create(1, NULL);
    (void)ffn_model_build(model, ffn_standardize(model, ffn_input(model, ffn_shape_1d(1))), NULL);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, source, NULL), FFN_OK);
    float offset, factor;
    (void)ffn_model_get_parameter(model, 0, &offset, NULL);
    (void)ffn_model_get_parameter(model, 1, &factor, NULL);
    CU_ASSERT_DOUBLE_EQUAL(offset, 3, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(factor, 0.5, 1e-3);
    ffn_model_destroy(model);
    ffn_dataset_destroy(source);
}

static void test_errors(void)
{
    fill();
    ffn_error error = {0};
    ffn_model *model = make_model();
    ffn_metrics metrics = {0};
    ffn_dataset *source = from_source(100), *first, *second;
    rows.fail_at = 3;
    CU_ASSERT_EQUAL(fit(source, NULL, false, false, NULL, &error), FFN_IO_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "the source's function returned 7"));
    rows.calls = 0;
    rows.fail_at = 1;
    CU_ASSERT_EQUAL(ffn_evaluate(model, source, (ffn_loss){0}, &metrics, &error), FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "reading rows 0 to 255: the source's function returned 7");
    rows.fail_at = 0;
    rows.x[300 * FEATURES + 1] = NAN;
    CU_ASSERT_EQUAL(fit(source, NULL, true, false, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate(model, source, (ffn_loss){0}, &metrics, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "reading rows from 256 on: inputs, row 44, column 1 (counted from 0): found "
                                          "NaN, expected a finite number");
    fill();
    rows.targets[400] = 3;
    CU_ASSERT_EQUAL(fit(source, NULL, true, false, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "400"));
    CU_ASSERT_EQUAL(ffn_evaluate(model, source, (ffn_loss){0}, &metrics, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "400"));
    CU_ASSERT_EQUAL(ffn_dataset_split(source, (float)0.5, 1, &first, &second, &error), FFN_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.message, "split: the rows come from a source; expected a dataset in memory");
    const ffn_fit_options fraction = {.validation_fraction = 0.25f};
    CU_ASSERT_EQUAL(ffn_fit(model, source, &fraction, NULL, &error), FFN_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "validation_fraction: the rows come from a source; expected a dataset in memory");
    CU_ASSERT_PTR_NULL(ffn_dataset_one_hot(source, &error));
    CU_ASSERT_EQUAL(error.status, FFN_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(ffn_dataset_inputs(source).data);
    ffn_dataset_destroy(source);
    ffn_model_destroy(model);
    CU_ASSERT_PTR_NULL(ffn_dataset_from_source(NULL, NULL));
    CU_ASSERT_PTR_NULL(ffn_dataset_from_source(&(ffn_source){.sample = ffn_shape_1d(1), .rows = 1}, NULL));
    CU_ASSERT_PTR_NULL(ffn_dataset_from_source(&(ffn_source){.rows = 0, .read = read_rows}, NULL));
}

/* The pass that collects running statistics of averaged weights reads the source once more. */
static void test_errors_of_the_last_pass(void)
{
    fill();
    ffn_error error = {0};
    ffn_dataset *source = from_source(100);
    for (size_t fail_at = 0; fail_at <= 8; fail_at += 8) { /* of 5 calls an epoch the third of the second */
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value h = ffn_batch_norm(model, ffn_input(model, ffn_shape_1d(FEATURES)));
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, 3, ffn_softmax()), NULL), FFN_OK);
        ffn_fit_options options = ffn_fit_defaults();
        options.epochs = options.average_epoch = 1;
        rows.calls = 0;
        rows.fail_at = fail_at;
        CU_ASSERT_EQUAL(ffn_fit(model, source, &options, NULL, &error), fail_at ? FFN_IO_ERROR : FFN_OK);
        ffn_model_destroy(model);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "the source's function returned 7"));
    ffn_dataset_destroy(source);
}

/* ---- windows read ahead ---------------------------------------------------------------------------------------- */

/* A reader that says what it is at, may be slow, and must never be called by two threads. */
typedef struct watched {
    atomic_size_t inside, calls, ahead; /* ahead: calls from other threads than the caller's */
    atomic_bool together;
    size_t delay, fail_at; /* microseconds; the call that fails, 0: none */
    pthread_t caller;
    size_t seen; /* by on_batch: calls when the epoch's first batch was done */
} watched;

static int read_watched(void *user, size_t first, size_t count, float *x, float *targets)
{
    watched *w = user;
    if (atomic_fetch_add(&w->inside, 1) > 0) atomic_store(&w->together, true);
    if (!pthread_equal(pthread_self(), w->caller)) atomic_fetch_add(&w->ahead, 1);
    if (w->delay) (void)usleep((useconds_t)w->delay);
    store plain = rows;
    plain.fail_at = 0;
    int failed = read_rows(&plain, first, count, x, targets);
    if (atomic_fetch_add(&w->calls, 1) + 1 == w->fail_at) failed = 9;
    atomic_fetch_sub(&w->inside, 1);
    return failed;
}

static ffn_dataset *from_watched(watched *w)
{
    w->caller = pthread_self();
    return ffn_dataset_from_source(&(ffn_source){ffn_shape_1d(FEATURES), 1, ROWS, 64, read_watched, w}, NULL);
}

/* How fast the windows come changes nothing, and nobody is called beside a validation. */
static void test_slow_readers(void)
{
    float found[2][8 * 2 * FEATURES];
    fill();
    for (int way = 0; way < 4; way++) {
        for (size_t slow = 0; slow < 2; slow++) {
            watched w = {.delay = slow * 300};
            ffn_dataset *source = from_watched(&w);
            CU_ASSERT_EQUAL(fit(source, source, way & 1, way & 2, found[slow], NULL), FFN_OK);
            CU_ASSERT_EQUAL(atomic_load(&w.ahead), 3 * 7); /* of 8 windows all but the first, each epoch */
            CU_ASSERT_FALSE(atomic_load(&w.together));
            ffn_dataset_destroy(source);
        }
        CU_ASSERT_EQUAL(memcmp(found[0], found[1], sizeof found[0]), 0);
    }
}

/* Waits within the first window for the second one to be read. */
static int wait_for_second(const ffn_progress *progress, void *user)
{
    watched *w = user;
    const size_t before = w->seen;
    for (size_t i = 0; progress->batch == 1 && atomic_load(&w->calls) < before + 2; i++) {
        if (i == 20000) return 1; /* two seconds or more */
        (void)usleep(100);
    }
    if (progress->batch == progress->batches) w->seen = atomic_load(&w->calls);
    return 0;
}

static ffn_status fit_watched(watched *w, ffn_callback on_batch, ffn_history *history, ffn_error *error)
{
    ffn_model *model = make_model();
    ffn_dataset *source = from_watched(w);
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = 3;
    options.batch_size = 16;
    options.on_batch = on_batch;
    options.user = w;
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, source, NULL), FFN_OK);
    w->seen = atomic_load(&w->calls);
    const ffn_status status = ffn_fit(model, source, &options, history, error);
    ffn_dataset_destroy(source);
    ffn_model_destroy(model);
    return status;
}

static void test_read_ahead(void)
{
    watched w = {0};
    fill();
    CU_ASSERT_EQUAL(fit_watched(&w, wait_for_second, NULL, NULL), FFN_OK);
}

/* An error stops the training where it would without: at the first batch of its window. */
static void test_errors_ahead(void)
{
    fill();
    watched whole = {0};
    CU_ASSERT_EQUAL(fit_watched(&whole, NULL, NULL, NULL), FFN_OK);
    const size_t calls = atomic_load(&whole.calls) - 3 * 8; /* of the scalers */
    for (size_t window = 1; window <= 3 * 8; window++) {
        watched w = {.fail_at = calls + window, .delay = window % 2 * 200};
        ffn_history history = {0};
        ffn_error error = {0};
        CU_ASSERT_EQUAL(fit_watched(&w, NULL, &history, &error), FFN_IO_ERROR);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "the source's function returned 9"));
        CU_ASSERT_EQUAL(history.epochs, (window - 1) / 8);
        CU_ASSERT_EQUAL(atomic_load(&w.calls), calls + window);
        ffn_history_destroy(&history);
    }
}

static int stop_in_second(const ffn_progress *progress, void *user)
{
    (void)user;
    return progress->batch == 6;
}

/* A training that stops waits for the reader. */
static void test_stopped_ahead(void)
{
    watched w = {.delay = 20000};
    fill();
    CU_ASSERT_EQUAL(fit_watched(&w, stop_in_second, NULL, NULL), FFN_STOPPED);
    CU_ASSERT_EQUAL(atomic_load(&w.inside), 0);
    const size_t calls = atomic_load(&w.calls);
    (void)usleep(30000);
    CU_ASSERT_EQUAL(atomic_load(&w.calls), calls);
}

/* ---- other readers ---------------------------------------------------------------------------------------------- */

static void test_rate_test_is_the_same(void)
{
    fill();
    ffn_fit_options options = ffn_fit_defaults();
    options.batch_size = 64; /* 7 whole batches an epoch */
    ffn_dataset *memory = in_memory(), *source = from_source(ROWS), *windows = from_source(100);
    ffn_model *model = make_model();
    ffn_rate_test a = {0}, b = {0};
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, memory, &options, 0, 0, 20, &a, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, source, &options, 0, 0, 20, &b, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(a.count, b.count);
    CU_ASSERT_EQUAL(memcmp(a.loss, b.loss, a.count * sizeof *a.loss), 0);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, windows, &options, 0, 0, 20, &b, NULL), FFN_OK);
    CU_ASSERT(b.count > 10 && isfinite(b.loss[9]));
    rows.calls = 0;
    rows.fail_at = 3;
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, windows, &options, 0, 0, 20, &b, NULL), FFN_IO_ERROR);
    ffn_rate_test_destroy(&a);
    ffn_rate_test_destroy(&b);
    ffn_model_destroy(model);
    ffn_dataset_destroy(memory);
    ffn_dataset_destroy(source);
    ffn_dataset_destroy(windows);
}

static ffn_model *build(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                        ffn_error *error)
{
    (void)trial, (void)seed, (void)training, (void)user, (void)error;
    return make_model();
}

/* Whatever `parallel` says, one thread at a time reads. */
static void test_searches_take_turns(void)
{
    static const ffn_dimension rate = {.name = "learning_rate", .low = 1e-3, .high = 1e-2};
    watched w = {.delay = 100};
    fill();
    ffn_dataset *source = from_watched(&w), *memory = in_memory();
    for (int way = 0; way < 2; way++) {
        ffn_search_options options = {
            .build = build, .fit = ffn_fit_defaults(), .dimensions = &rate, .dimension_count = 1, .trials = 4};
        options.fit.epochs = 2;
        options.fit.validation = way ? source : memory;
        options.parallel = 4;
        ffn_search_result result = {0};
        CU_ASSERT_EQUAL(ffn_search(way ? memory : source, &options, &result, NULL), FFN_OK);
        CU_ASSERT_FALSE(atomic_load(&w.together));
        ffn_search_result_destroy(&result);
    }
    ffn_dataset_destroy(source);
    ffn_dataset_destroy(memory);
}

static void test_every_allocation_may_fail(void)
{
    ffn_status status = FFN_OUT_OF_MEMORY;
    fill();
    for (size_t n = 1; status == FFN_OUT_OF_MEMORY && n < 300; n++) {
        ffn_error error = {0};
        failing_start(n);
        ffn_dataset *source = from_source(100);
        status = source ? fit(source, source, false, true, NULL, &error) : FFN_OUT_OF_MEMORY;
        if (error.status == FFN_INVALID_ARGUMENT) status = FFN_OUT_OF_MEMORY; /* the model was not made */
        ffn_dataset_destroy(source);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT_EQUAL(status, FFN_OK);
}

static const test_case cases[] = {
    {"fit is the same", test_fit_is_the_same},
    {"windows", test_windows},
    {"evaluate is the same", test_evaluate_is_the_same},
    {"a calibration is the same", test_calibration_is_the_same},
    {"scalers take a sample", test_scalers_take_a_sample},
    {"errors", test_errors},
    {"errors of the last pass", test_errors_of_the_last_pass},
    {"slow readers", test_slow_readers},
    {"read ahead", test_read_ahead},
    {"errors ahead", test_errors_ahead},
    {"stopped ahead", test_stopped_ahead},
    {"rate test is the same", test_rate_test_is_the_same},
    {"searches take turns", test_searches_take_turns},
    {"every allocation may fail", test_every_allocation_may_fail},
};

TEST_MAIN("source", cases)
