/* ffn_fit: what it learns, when it stops, what it leaves, and what it refuses. */
#include "networks.h"
#include "test.h"

enum { ROWS = 60, FEATURES = 3, CLASSES = 3, MOST = 1024 };

static float x_data[ROWS * FEATURES], y_data[ROWS], one_hot[ROWS * CLASSES];
static uint32_t labels[ROWS];

/* Three clouds of points, one a class, far from 0 and of different widths; y is a number that depends on x. */
static void fill_data(void)
{
    fill_uniform(x_data, COUNT(x_data), 1, -1, 1);
    memset(one_hot, 0, sizeof(one_hot));
    for (size_t r = 0; r < ROWS; r++) {
        float *x = x_data + r * FEATURES;
        labels[r] = (uint32_t)(r % CLASSES);
        one_hot[r * CLASSES + labels[r]] = 1;
        x[labels[r]] += 1.5f;
        y_data[r] = x[0] * x[1] + 0.5f * x[2];
        x[1] = 100 + 30 * x[1];
        x[2] = 0.01f * x[2];
    }
}

static ffn_dataset *make_classes(void)
{
    fill_data();
    ffn_dataset *data = ffn_dataset_from_labels(x_data, ffn_shape_1d(FEATURES), labels, CLASSES, ROWS, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

static ffn_dataset *make_numbers(void)
{
    fill_data();
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(FEATURES), y_data, ffn_shape_1d(1), ROWS, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

static ffn_model *make_model(size_t outputs, ffn_activation last)
{
    ffn_model *model = ffn_model_create(7, NULL);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_shape_1d(FEATURES)));
    h = ffn_dense(model, h, 16, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, outputs, last), NULL), FFN_OK);
    return model;
}

static ffn_fit_options make_options(size_t epochs)
{
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adam(0.01f);
    options.epochs = epochs;
    options.batch_size = 16;
    return options;
}

static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, i, &info, NULL), FFN_OK);
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= MOST);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, values + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

static bool same_weights(const ffn_model *a, const ffn_model *b)
{
    float left[MOST], right[MOST];
    const size_t n = get_weights(a, left);
    return n == get_weights(b, right) && memcmp(left, right, n * sizeof(float)) == 0;
}

static void expect_fit(ffn_model *model, const ffn_dataset *data, const ffn_fit_options *options, ffn_history *history)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_fit(model, data, options, history, &error), FFN_OK);
    if (error.status != FFN_OK) printf("\n    %s\n", error.message);
}

/* ---- learning -------------------------------------------------------------------------------------------------- */

static void test_learns_classes(void)
{
    ffn_dataset *data = make_classes();
    ffn_model *model = make_model(CLASSES, ffn_softmax());
    ffn_fit_options options = make_options(60);
    ffn_history history = {0};
    expect_fit(model, data, &options, &history);
    CU_ASSERT_EQUAL_FATAL(history.epochs, 60);
    CU_ASSERT(history.epoch[59].loss < 0.5 * history.epoch[0].loss);
    CU_ASSERT(history.epoch[59].accuracy > 0.9);
    CU_ASSERT(history.best_epoch > 40);
    CU_ASSERT_FALSE(history.stopped_early);
    for (size_t e = 0; e < 60; e++) {
        CU_ASSERT(isnan(history.epoch[e].validation_loss) && isnan(history.epoch[e].validation_accuracy));
        CU_ASSERT_EQUAL(history.epoch[e].learning_rate, (double)0.01f);
        CU_ASSERT(history.epoch[e].seconds >= 0);
        CU_ASSERT(history.epoch[e].accuracy >= 0 && history.epoch[e].accuracy <= 1);
    }
    /* prediction takes raw data */
    float p[ROWS * CLASSES];
    size_t right = 0;
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, ROWS, p, NULL), FFN_OK);
    for (size_t r = 0; r < ROWS; r++) {
        const float *row = p + r * CLASSES;
        const size_t best = row[1] > row[0] ? (row[2] > row[1] ? 2 : 1) : (row[2] > row[0] ? 2 : 0);
        CU_ASSERT_DOUBLE_EQUAL(row[0] + row[1] + row[2], 1, 1e-5);
        right += best == labels[r];
    }
    CU_ASSERT(right > 54);
    ffn_history_destroy(&history);
    CU_ASSERT(history.epochs == 0 && history.epoch == NULL);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

/* One-hot targets choose the cross entropy of distributions, whose figures are those of the classes. */
static void test_one_hot_targets(void)
{
    ffn_dataset *classes = make_classes();
    ffn_dataset *hot =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(FEATURES), one_hot, ffn_shape_1d(CLASSES), ROWS, NULL);
    ffn_model *a = make_model(CLASSES, ffn_softmax()), *b = make_model(CLASSES, ffn_softmax());
    const ffn_fit_options options = make_options(5);
    ffn_history histories[2] = {{0}, {0}};
    expect_fit(a, classes, &options, &histories[0]);
    expect_fit(b, hot, &options, &histories[1]);
    CU_ASSERT_EQUAL_FATAL(histories[1].epochs, 5);
    for (size_t e = 0; e < 5; e++) {
        CU_ASSERT_DOUBLE_EQUAL(histories[0].epoch[e].loss, histories[1].epoch[e].loss, 1e-5);
        CU_ASSERT_DOUBLE_EQUAL(histories[0].epoch[e].accuracy, histories[1].epoch[e].accuracy, 1e-9);
    }
    ffn_history_destroy(&histories[0]);
    ffn_history_destroy(&histories[1]);
    ffn_model_destroy(a);
    ffn_model_destroy(b);
    ffn_dataset_destroy(classes);
    ffn_dataset_destroy(hot);
}

static void test_chooses_the_loss(void)
{
    const struct {
        ffn_activation last;
        bool yes_or_no;
    } cases[] = {{ffn_linear(), false}, {ffn_tanh(), false}, {ffn_sigmoid(), true}};
    fill_data();
    for (size_t r = 0; r < ROWS; r++) y_data[r] = (float)(labels[r] == 1);
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(FEATURES), y_data, ffn_shape_1d(1), ROWS, NULL);
    for (size_t c = 0; c < COUNT(cases); c++) {
        ffn_history histories[2] = {{0}, {0}};
        ffn_model *models[2];
        for (int named = 0; named < 2; named++) {
            ffn_fit_options options = make_options(3);
            if (named) options.loss = cases[c].yes_or_no ? ffn_binary_cross_entropy() : ffn_mse();
            models[named] = make_model(1, cases[c].last);
            expect_fit(models[named], data, &options, &histories[named]);
        }
        CU_ASSERT(same_weights(models[0], models[1]));
        CU_ASSERT_EQUAL(histories[0].epoch[2].loss, histories[1].epoch[2].loss);
        CU_ASSERT_EQUAL(isnan(histories[0].epoch[2].accuracy), !cases[c].yes_or_no);
        for (int i = 0; i < 2; i++) ffn_history_destroy(&histories[i]), ffn_model_destroy(models[i]);
    }
    ffn_dataset_destroy(data);
}

/* ---- order, batches, scalers ----------------------------------------------------------------------------------- */

/* Kept in order it is a loop of steps, with a smaller last batch. */
static void test_is_a_loop_of_steps(void)
{
    ffn_dataset *data = make_numbers();
    ffn_model *fitted = make_model(1, ffn_linear()), *by_hand = make_model(1, ffn_linear());
    ffn_fit_options options = make_options(3);
    options.keep_order = true;
    options.batch_size = 25; /* 25, 25, 10 */
    options.loss = ffn_huber(1);
    expect_fit(fitted, data, &options, NULL);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(by_hand, data, NULL), FFN_OK);
    ffn_trainer *trainer = ffn_trainer_create(by_hand, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    for (size_t e = 0; e < 3; e++)
        for (size_t begin = 0; begin < ROWS; begin += 25)
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data + begin * FEATURES, y_data + begin,
                                             begin + 25 <= ROWS ? 25 : ROWS - begin, NULL, NULL),
                            FFN_OK);
    CU_ASSERT(same_weights(fitted, by_hand));
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(fitted);
    ffn_model_destroy(by_hand);
    ffn_dataset_destroy(data);
}

static void test_seeds_and_order(void)
{
    ffn_dataset *data = make_numbers();
    ffn_model *models[4];
    for (size_t i = 0; i < 4; i++) {
        ffn_fit_options options = make_options(3);
        options.seed = i < 2 ? 5 : 6;
        options.keep_order = i == 3;
        models[i] = make_model(1, ffn_linear());
        expect_fit(models[i], data, &options, NULL);
    }
    CU_ASSERT(same_weights(models[0], models[1]));
    CU_ASSERT_FALSE(same_weights(models[0], models[2]));
    CU_ASSERT_FALSE(same_weights(models[2], models[3]));
    for (size_t i = 0; i < 4; i++) ffn_model_destroy(models[i]);
    ffn_dataset_destroy(data);
}

static void test_batches_larger_than_the_data(void)
{
    ffn_dataset *data = make_numbers();
    ffn_model *models[3];
    const size_t sizes[] = {ROWS, ROWS + 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++) {
        ffn_fit_options options = make_options(3);
        options.batch_size = sizes[i];
        options.keep_order = true;
        models[i] = make_model(1, ffn_linear());
        expect_fit(models[i], data, &options, NULL);
        CU_ASSERT(same_weights(models[0], models[i]));
    }
    for (size_t i = 0; i < 3; i++) ffn_model_destroy(models[i]);
    ffn_dataset_destroy(data);
}

static void test_one_row(void)
{
    fill_data();
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(FEATURES), y_data, ffn_shape_1d(1), 1, NULL);
    ffn_model *model = make_model(1, ffn_linear());
    ffn_fit_options options = make_options(200);
    ffn_history history = {0};
    expect_fit(model, data, &options, &history);
    CU_ASSERT(history.epoch[199].loss < 1e-3);
    options.validation_fraction = 0.5f; /* nothing to split */
    ffn_error error;
    CU_ASSERT_NOT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_OK);
    CU_ASSERT(strlen(error.message) > 10);
    ffn_history_destroy(&history);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

/* Fitted the first time, to the training part alone, and kept. */
static void test_scalers(void)
{
    ffn_dataset *data = make_numbers(), *first, *second;
    float found[3][FEATURES], fitted;
    ffn_model *split = make_model(1, ffn_linear()), *given = make_model(1, ffn_linear());
    ffn_fit_options options = make_options(1);
    options.seed = 3;
    options.validation_fraction = 0.5f;
    expect_fit(split, data, &options, NULL);
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 3, &first, &second, NULL), FFN_OK);
    options.validation_fraction = 0;
    options.validation = second;
    expect_fit(given, first, &options, NULL);
    CU_ASSERT(same_weights(split, given)); /* the split is that of the seed */
    CU_ASSERT_EQUAL(ffn_model_get_parameter(split, 0, found[0], NULL), FFN_OK);
    double mean = 0;
    for (size_t r = 0; r < ROWS / 2; r++) mean += (double)ffn_dataset_inputs(first).data[r * FEATURES + 1] / (ROWS / 2);
    CU_ASSERT_DOUBLE_EQUAL(found[0][1], mean, 1e-4);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(split, 2, &fitted, NULL), FFN_OK);
    CU_ASSERT_EQUAL(fitted, 1);
    options.validation = NULL;
    expect_fit(split, second, &options, NULL); /* other data: the scaler stays */
    CU_ASSERT_EQUAL(ffn_model_get_parameter(split, 0, found[1], NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(found[0], found[1], sizeof(found[0])), 0);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(split, second, NULL), FFN_OK); /* unless one asks */
    CU_ASSERT_EQUAL(ffn_model_get_parameter(split, 0, found[2], NULL), FFN_OK);
    CU_ASSERT_NOT_EQUAL(found[0][1], found[2][1]);
    ffn_model_destroy(split);
    ffn_model_destroy(given);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
}

/* ---- stopping -------------------------------------------------------------------------------------------------- */

static void test_validation_and_patience(void)
{
    ffn_dataset *data = make_classes();
    ffn_model *model = make_model(CLASSES, ffn_softmax());
    ffn_fit_options options = make_options(500);
    ffn_history history = {0};
    options.validation_fraction = 0.3f;
    options.optimizer = ffn_adam(0.1f); /* overfits soon */
    options.patience = 5;
    expect_fit(model, data, &options, &history);
    CU_ASSERT(history.stopped_early);
    CU_ASSERT_FATAL(history.epochs > 5 && history.epochs < 500);
    CU_ASSERT_EQUAL(history.epochs, history.best_epoch + 5);
    for (size_t e = 0; e < history.epochs; e++) {
        CU_ASSERT(history.epoch[e].validation_loss >= history.epoch[history.best_epoch - 1].validation_loss);
        CU_ASSERT(history.epoch[e].validation_accuracy >= 0 && history.epoch[e].validation_accuracy <= 1);
    }
    ffn_history_destroy(&history);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

static void test_min_delta(void)
{
    ffn_dataset *data = make_numbers();
    ffn_model *model = make_model(1, ffn_linear());
    ffn_fit_options options = make_options(100);
    ffn_history history = {0};
    options.patience = 4;
    options.min_delta = 1000; /* after the first epoch nothing is that much better */
    expect_fit(model, data, &options, &history);
    CU_ASSERT_EQUAL(history.epochs, 5);
    CU_ASSERT_EQUAL(history.best_epoch, 1);
    CU_ASSERT(history.stopped_early);
    ffn_history_destroy(&history);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

typedef struct witness {
    size_t stop_epoch, stop_batch, epochs, batches;
    const ffn_dataset *validation;
    double best_loss;
    float best[MOST];
    size_t wrong;
} witness;

static int watch_epoch(const ffn_progress *p, void *user)
{
    witness *w = user;
    w->epochs++;
    w->wrong += p->epoch != w->epochs || p->batch != p->batches || !p->model || p->seconds < p->epoch_seconds;
    if (w->validation) {
        ffn_metrics metrics = {0};
        w->wrong += ffn_evaluate(p->model, w->validation, (ffn_loss){0}, &metrics, NULL) != FFN_OK;
        w->wrong += fabs(metrics.loss - p->validation_loss) > 1e-12 || metrics.accuracy != p->validation_accuracy;
        ffn_metrics_destroy(&metrics);
        if (p->validation_loss < w->best_loss) {
            w->best_loss = p->validation_loss;
            (void)get_weights(p->model, w->best);
        }
    }
    return p->epoch == w->stop_epoch;
}

static int watch_batch(const ffn_progress *p, void *user)
{
    witness *w = user;
    w->batches++;
    w->wrong +=
        p->epoch != w->epochs + 1 || p->batch != (w->batches - 1) % p->batches + 1 || !isnan(p->validation_loss);
    w->wrong += p->rows != (p->batch == p->batches ? ROWS : p->batch * 16) || p->learning_rate != (double)0.01f;
    return p->epoch == w->stop_epoch && p->batch == w->stop_batch;
}

static void test_restores_the_best(void)
{
    ffn_dataset *data = make_classes(), *first, *second;
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_split_stratified(data, 0.6f, 1, &first, &second, NULL), FFN_OK);
    for (int restore = 0; restore < 2; restore++) {
        static witness w;
        w = (witness){.best_loss = INFINITY, .validation = second};
        ffn_model *model = make_model(CLASSES, ffn_softmax());
        ffn_fit_options options = make_options(60);
        options.optimizer = ffn_adam(0.1f);
        options.validation = second;
        options.restore_best = restore;
        options.on_epoch = watch_epoch;
        options.user = &w;
        ffn_history history = {0};
        expect_fit(model, first, &options, &history);
        float weights[MOST];
        const size_t n = get_weights(model, weights);
        CU_ASSERT_EQUAL(memcmp(weights, w.best, n * sizeof(float)) == 0, restore);
        CU_ASSERT_EQUAL(w.wrong, 0);
        CU_ASSERT(history.best_epoch < 60 && history.best_epoch > 0);
        ffn_history_destroy(&history);
        ffn_model_destroy(model);
    }
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
}

static void test_callbacks_stop(void)
{
    const struct {
        size_t stop_epoch, stop_batch, epochs, batches;
        const char *sentence;
    } cases[] = {{3, 0, 3, 12, "epoch 3, batch 4: on_epoch"},
                 {1, 0, 1, 4, "epoch 1, batch 4: on_epoch"},
                 {3, 2, 2, 10, "epoch 3, batch 2: on_batch"},
                 {1, 1, 0, 1, "epoch 1, batch 1: on_batch"}};
    ffn_dataset *data = make_numbers();
    ffn_history history = {0};
    for (size_t c = 0; c < COUNT(cases); c++) {
        static witness w;
        w = (witness){.stop_epoch = cases[c].stop_epoch, .stop_batch = cases[c].stop_batch};
        ffn_model *model = make_model(1, ffn_linear());
        ffn_fit_options options = make_options(10);
        options.on_epoch = watch_epoch;
        options.on_batch = watch_batch;
        options.user = &w;
        ffn_error error;
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, &error), FFN_STOPPED);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, cases[c].sentence));
        CU_ASSERT_EQUAL(history.epochs, cases[c].epochs); /* also if there is none: not those of the fit before */
        CU_ASSERT_EQUAL(w.batches, cases[c].batches);
        CU_ASSERT_EQUAL(w.wrong, 0);
        ffn_model_destroy(model);
    }
    ffn_history_destroy(&history);
    ffn_history_destroy(NULL);
    ffn_dataset_destroy(data);
}

/* ---- divergence ------------------------------------------------------------------------------------------------ */

static void test_divergence(void)
{
    ffn_dataset *data = make_numbers();
    const ffn_optimizer wild[] = {ffn_sgd(1e30f), ffn_sgd(3e38f), ffn_adam(3e38f), ffn_momentum(1e20f, 0.9f)};
    for (size_t i = 0; i < COUNT(wild); i++)
        for (int restore = 0; restore < 2; restore++) {
            ffn_model *model = make_model(1, ffn_linear());
            ffn_fit_options options = make_options(50);
            ffn_history history = {0};
            ffn_error error;
            options.optimizer = wild[i];
            options.restore_best = restore;
            CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, &error), FFN_DIVERGED);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "epoch "));
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "batch "));
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "dense"));
            CU_ASSERT(history.epochs < 50);
            float weights[MOST];
            const size_t n = get_weights(model, weights);
            for (size_t k = 0; k < n; k++) CU_ASSERT(isfinite(weights[k]));
            ffn_history_destroy(&history);
            ffn_model_destroy(model);
        }
    ffn_dataset_destroy(data);
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static void refuse(ffn_fit_options options, ffn_status status, const char *sentence)
{
    ffn_dataset *data = make_numbers();
    ffn_model *model = make_model(1, ffn_linear()), *untouched = make_model(1, ffn_linear());
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, sentence));
    if (!strstr(error.message, sentence)) printf("\n    \"%s\" is not in: %s\n", sentence, error.message);
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), status);
    CU_ASSERT(same_weights(model, untouched));
    ffn_model_destroy(model);
    ffn_model_destroy(untouched);
    ffn_dataset_destroy(data);
}

static void test_refused_options(void)
{
#define REFUSE(field, value, status, sentence)                                                                         \
    do {                                                                                                               \
        ffn_fit_options options = make_options(1);                                                                     \
        options.field = value;                                                                                         \
        refuse(options, status, sentence);                                                                             \
    } while (0)
    const float floats[] = {-1, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(floats); i++) {
        REFUSE(validation_fraction, floats[i], FFN_INVALID_ARGUMENT, "validation_fraction");
        REFUSE(min_delta, floats[i], FFN_INVALID_ARGUMENT, "min_delta");
        REFUSE(l1, floats[i], FFN_INVALID_ARGUMENT, "l1");
        REFUSE(l2, floats[i], FFN_INVALID_ARGUMENT, "l2");
        REFUSE(clip_norm, floats[i], FFN_INVALID_ARGUMENT, "clip_norm");
        REFUSE(max_norm, floats[i], FFN_INVALID_ARGUMENT, "max_norm");
        REFUSE(clip_value, floats[i], FFN_INVALID_ARGUMENT, "clip_value");
        REFUSE(optimizer, ffn_sgd(floats[i]), FFN_INVALID_ARGUMENT, "learning_rate");
        REFUSE(schedule, ffn_exponential_decay(floats[i]), FFN_INVALID_ARGUMENT, "factor");
        REFUSE(loss, ffn_huber(floats[i] > 0 ? NAN : floats[i]), FFN_INVALID_ARGUMENT, "delta");
    }
    REFUSE(validation_fraction, 1, FFN_INVALID_ARGUMENT, "validation_fraction is 1");
    REFUSE(optimizer, ffn_momentum(0.1f, 1), FFN_INVALID_ARGUMENT, "momentum");
    REFUSE(schedule, ffn_step_decay(0, 0.5f), FFN_INVALID_ARGUMENT, "steps");
    REFUSE(checkpoint_every, 3, FFN_INVALID_ARGUMENT, "checkpoint_path");
    REFUSE(resume, true, FFN_INVALID_ARGUMENT, "checkpoint_path");
    REFUSE(loss, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "1 output"); /* one class */
    REFUSE(loss, ffn_binary_cross_entropy(), FFN_INVALID_ARGUMENT, "[0, 1]");
#undef REFUSE
}

static void test_refused_data(void)
{
    fill_data();
    float broken[ROWS * FEATURES];
    memcpy(broken, x_data, sizeof(broken));
    broken[41 * FEATURES + 2] = NAN;
    const ffn_shape three = ffn_shape_1d(3), two = ffn_shape_1d(2), one = ffn_shape_1d(1);
    ffn_dataset *good = ffn_dataset_from_labels(x_data, three, labels, CLASSES, ROWS, NULL);
    ffn_dataset *bad[] = {
        NULL,
        ffn_dataset_from_labels(x_data, two, labels, CLASSES, ROWS, NULL),
        ffn_dataset_from_arrays(x_data, three, one_hot, two, ROWS, NULL),
        ffn_dataset_from_arrays(x_data, three, NULL, one, ROWS, NULL),
        ffn_dataset_from_arrays(broken, three, one_hot, three, ROWS, NULL),
        ffn_dataset_from_labels(x_data, three, labels, CLASSES + 1, ROWS, NULL),
        ffn_dataset_from_arrays(x_data, three, y_data, one, ROWS, NULL),
    };
    const struct {
        ffn_status status;
        const char *sentence;
    } expected[] = {{FFN_INVALID_ARGUMENT, "NULL"},
                    {FFN_SHAPE_MISMATCH, "2 features; expected the network's 3"},
                    {FFN_SHAPE_MISMATCH, "2 target columns"},
                    {FFN_INVALID_ARGUMENT, "no targets"},
                    {FFN_INVALID_ARGUMENT, "row 41, column 2"},
                    {FFN_SHAPE_MISMATCH, "4 classes; the network has 3 outputs"},
                    {FFN_INVALID_ARGUMENT, "class index"}};
    for (size_t i = 0; i < COUNT(bad); i++)
        for (int as_validation = i == 0; as_validation < 3; as_validation++) {
            if (i == 0 && as_validation == 1) continue; /* NULL: no validation */
            ffn_model *model = make_model(CLASSES, ffn_softmax()), *untouched = make_model(CLASSES, ffn_softmax());
            ffn_fit_options options = make_options(1);
            ffn_error error = {FFN_OK, ""};
            options.loss = i == 2 || i == 4 ? ffn_cross_entropy_soft() : ffn_cross_entropy();
            if (as_validation == 1) options.validation = bad[i];
            if (as_validation == 2) options.validation_fraction = 0.25f; /* the row is the caller's all the same */
            if (as_validation == 1 && (i == 2 || i == 4)) options.loss = (ffn_loss){0};
            const ffn_status status = ffn_fit(model, as_validation == 1 ? good : bad[i], &options, NULL, &error);
            CU_ASSERT_NOT_EQUAL(status, FFN_OK);
            if (as_validation != 1 || (i != 2 && i != 4)) {
                CU_ASSERT_EQUAL(status, expected[i].status);
                CU_ASSERT_PTR_NOT_NULL(strstr(error.message, expected[i].sentence));
                if (!strstr(error.message, expected[i].sentence)) printf("\n    %s\n", error.message);
            }
            CU_ASSERT(same_weights(model, untouched));
            ffn_model_destroy(model);
            ffn_model_destroy(untouched);
        }
    for (size_t i = 0; i < COUNT(bad); i++) ffn_dataset_destroy(bad[i]);
    ffn_model *unbuilt = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL(ffn_fit(NULL, good, NULL, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_fit(unbuilt, good, NULL, NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_model_destroy(unbuilt);
    ffn_dataset_destroy(good);
}

static const test_case cases[] = {
    {"learns classes", test_learns_classes},
    {"one-hot targets", test_one_hot_targets},
    {"chooses the loss", test_chooses_the_loss},
    {"is a loop of steps", test_is_a_loop_of_steps},
    {"seeds and order", test_seeds_and_order},
    {"batches larger than the data", test_batches_larger_than_the_data},
    {"one row", test_one_row},
    {"scalers", test_scalers},
    {"validation and patience", test_validation_and_patience},
    {"min_delta", test_min_delta},
    {"restores the best", test_restores_the_best},
    {"callbacks stop", test_callbacks_stop},
    {"divergence", test_divergence},
    {"refused options", test_refused_options},
    {"refused data", test_refused_data},
};
TEST_MAIN("fit", cases)
