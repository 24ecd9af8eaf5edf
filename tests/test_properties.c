/* Properties of whole trainings: k epochs and k more are 2k, and the seed decides, not the threads. */
#include "networks.h"
#include "test.h"

enum { ROWS = 90, BATCH = 16, CLASSES = 4, EPOCHS = 3 };

static float x_data[ROWS * INPUTS], labels[ROWS];

static ffn_dataset *make_data(void)
{
    fill_uniform(x_data, COUNT(x_data), 5, -2, 2);
    fill_targets(labels, ROWS, CLASSES, FFN_TARGET_CLASS_INDEX, 7);
    return ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), labels, ffn_shape_1d(1), ROWS, NULL);
}

/* With everything that draws random numbers, or has a state of its own. */
static ffn_model *make_model(void)
{
    ffn_model *model = ffn_model_create(3, NULL);
    ffn_value h = ffn_dropout(model, ffn_dense(model, row_input(model), 24, ffn_relu()), 0.3f);
    h = ffn_batch_norm(model, ffn_dense(model, h, 16, ffn_tanh()));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, CLASSES, ffn_softmax()), NULL), FFN_OK);
    return model;
}

static void predict(const ffn_model *model, float p[ROWS * CLASSES])
{
    CU_ASSERT_EQUAL_FATAL(ffn_predict(model, x_data, ROWS, p, NULL), FFN_OK);
}

static void expect_same(const ffn_model *a, const ffn_model *b)
{
    float p[ROWS * CLASSES], q[ROWS * CLASSES];
    predict(a, p);
    predict(b, q);
    CU_ASSERT_EQUAL(memcmp(p, q, sizeof p), 0);
}

static void step_through(ffn_trainer *trainer, size_t epochs)
{
    for (size_t e = 0; e < epochs; e++)
        for (size_t r = 0; r < ROWS; r += BATCH)
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data + r * INPUTS, labels + r,
                                             ROWS - r < BATCH ? ROWS - r : BATCH, NULL, NULL),
                            FFN_OK);
}

/* Through one trainer, twice k epochs are the 2k of ffn_fit, with an optimizer that remembers, a schedule that counts,
 * dropout that draws and averages that are kept. */
static void test_twice_k_epochs(void)
{
    ffn_fit_options options = {.loss = ffn_cross_entropy(),
                               .optimizer = ffn_adam(0.01f),
                               .schedule = ffn_warmup(ffn_exponential_decay(0.97f), 5),
                               .epochs = 2 * EPOCHS,
                               .batch_size = BATCH,
                               .keep_order = true,
                               .seed = 5};
    for (int averages = 0; averages < 2; averages++) {
        options.average_decay = averages ? 0.9f : 0;
        ffn_dataset *data = make_data();
        ffn_model *whole = make_model(), *parts = make_model();
        ffn_trainer *trainer = ffn_trainer_create(parts, &options, NULL);
        CU_ASSERT_EQUAL(ffn_fit(whole, data, &options, NULL, NULL), FFN_OK);
        step_through(trainer, EPOCHS);
        float p[ROWS * CLASSES], q[ROWS * CLASSES];
        predict(whole, p);
        predict(parts, q);
        CU_ASSERT_NOT_EQUAL(memcmp(p, q, sizeof p), 0);
        step_through(trainer, EPOCHS);
        if (averages) CU_ASSERT_EQUAL(ffn_trainer_swap_averages(trainer, NULL), FFN_OK);
        expect_same(whole, parts);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(whole);
        ffn_model_destroy(parts);
        ffn_dataset_destroy(data);
    }
}

/* Two calls of ffn_fit are one where nothing is remembered from epoch to epoch: no dropout, no state, no order. */
static void test_two_fits(void)
{
    ffn_fit_options options = {.optimizer = ffn_sgd(0.1f), .epochs = EPOCHS, .batch_size = BATCH, .keep_order = true};
    ffn_dataset *data = make_data();
    ffn_model *models[2];
    for (size_t i = 0; i < 2; i++) {
        models[i] = ffn_model_create(3, NULL);
        const ffn_value h = ffn_batch_norm(models[i], ffn_dense(models[i], row_input(models[i]), 16, ffn_tanh()));
        const ffn_value y = ffn_dense(models[i], h, CLASSES, ffn_softmax());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(models[i], y, NULL), FFN_OK);
    }
    CU_ASSERT_EQUAL(ffn_fit(models[0], data, &options, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_fit(models[0], data, &options, NULL, NULL), FFN_OK);
    options.epochs = 2 * EPOCHS;
    CU_ASSERT_EQUAL(ffn_fit(models[1], data, &options, NULL, NULL), FFN_OK);
    expect_same(models[0], models[1]);
    ffn_model_destroy(models[0]);
    ffn_model_destroy(models[1]);
    ffn_dataset_destroy(data);
}

/* Everything at once: a metric that is followed, the best weights, averages, noise, mixed orders. */
static void fit_with(size_t threads, uint64_t seed, ffn_model **model, ffn_history *history)
{
    const ffn_augmentation noise = {.noise = 0.1f};
    const ffn_fit_options options = {.optimizer = ffn_rmsprop(0.01f),
                                     .epochs = 6,
                                     .batch_size = BATCH,
                                     .seed = seed,
                                     .threads = threads,
                                     .validation_fraction = 0.25f,
                                     .augmentation = &noise,
                                     .monitor = FFN_MONITOR_METRIC,
                                     .metric = "log_loss",
                                     .restore_best = true,
                                     .average_decay = 0.9f};
    ffn_dataset *data = make_data();
    *model = make_model();
    CU_ASSERT_EQUAL(ffn_fit(*model, data, &options, history, NULL), FFN_OK);
    ffn_dataset_destroy(data);
}

static void test_seed_and_threads(void)
{
    ffn_model *first, *other;
    ffn_history a = {0}, b = {0};
    CU_ASSERT_EQUAL(ffn_set_threads(8, NULL), FFN_OK);
    fit_with(1, 9, &first, &a);
    for (size_t threads = 0; threads < 8; threads += 3) {
        fit_with(threads, 9, &other, &b);
        expect_same(first, other);
        CU_ASSERT_EQUAL(a.best_epoch, b.best_epoch);
        for (size_t e = 0; e < 6; e++) {
            CU_ASSERT_EQUAL(a.epoch[e].loss, b.epoch[e].loss);
            CU_ASSERT_EQUAL(a.epoch[e].metric, b.epoch[e].metric);
        }
        ffn_model_destroy(other);
    }
    fit_with(1, 10, &other, &b);
    CU_ASSERT_NOT_EQUAL(a.epoch[5].metric, b.epoch[5].metric);
    ffn_model_destroy(first);
    ffn_model_destroy(other);
    ffn_history_destroy(&a);
    ffn_history_destroy(&b);
    CU_ASSERT_EQUAL(ffn_set_threads(0, NULL), FFN_OK);
}

static const test_case cases[] = {
    {"twice k epochs", test_twice_k_epochs},
    {"two fits", test_two_fits},
    {"seed and threads", test_seed_and_threads},
};
TEST_MAIN("properties", cases)
