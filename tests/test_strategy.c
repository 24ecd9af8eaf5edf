/* What surrounds updates: several batches for one, averages of weights, what is monitored, and the range test of rates. */
#include "failing.h"
#include "strategy.h"

/* ---- several batches an update --------------------------------------------------------------------------------- */

/* Trains on batches of the given rows, and answers the weights; to be freed. */
static float *train_parts(ffn_fit_options options, const size_t *parts, size_t count, const float *targets,
                          size_t columns)
{
    ffn_model *model = make(options.loss.ops == ffn_cross_entropy().ops ? ffn_softmax() : ffn_linear());
    ffn_trainer *trainer = make_trainer(model, &options);
    for (size_t round = 0; round < 3; round++)
        for (size_t k = 0, at = 0; k < count; at += parts[k++])
            CU_ASSERT_EQUAL(
                ffn_trainer_step(trainer, x_data + at * INPUTS, targets + at * columns, parts[k], NULL, NULL), FFN_OK);
    float *values = copy_values(model);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    return values;
}

static void test_parts_are_one_batch(void)
{
    static const float class_weights[OUTPUTS] = {1, 3, 0.5f, 2};
    const size_t parts[] = {8, 12, 1, 19}, whole[] = {ROWS};
    ffn_fit_options cases[] = {
        {.loss = ffn_mse(), .optimizer = ffn_momentum(0.1f, 0.9f)},
        {.loss = ffn_cross_entropy(), .optimizer = ffn_adam(0.01f)},
        {.loss = ffn_cross_entropy(), .optimizer = ffn_sgd(0.5f)},
        {.loss = ffn_mse(), .optimizer = ffn_sgd(0.5f), .clip_norm = 0.1f, .l2 = 0.1f},
    };
    cases[2].loss.class_weights = class_weights;
    cases[2].loss.classes = OUTPUTS;
    for (size_t c = 0; c < COUNT(cases); c++) {
        const bool classes = cases[c].loss.ops != ffn_mse().ops;
        ffn_model *model = make(classes ? ffn_softmax() : ffn_linear());
        const float *targets = classes ? labels : numbers;
        cases[c].batch_size = ROWS;
        float *want = train_parts(cases[c], whole, 1, targets, classes ? 1 : OUTPUTS);
        cases[c].accumulate = COUNT(parts);
        float *found = train_parts(cases[c], parts, COUNT(parts), targets, classes ? 1 : OUTPUTS);
        const double moved = difference(model, want);
        memcpy(model->values, found, model->value_count * sizeof(float));
        CU_ASSERT(moved > 0.01);
        CU_ASSERT(difference(model, want) < 2e-6);
        free(want);
        free(found);
        ffn_model_destroy(model);
    }
}

static void test_updates_wait_and_flush(void)
{
    ffn_model *model = make(ffn_linear());
    const ffn_fit_options options = {.loss = ffn_mse(), .optimizer = ffn_sgd(0.1f), .batch_size = 8, .accumulate = 3};
    ffn_trainer *trainer = make_trainer(model, &options);
    float *before = copy_values(model);
    CU_ASSERT_EQUAL(ffn_trainer_flush(trainer, NULL), FFN_OK);
    for (size_t k = 0; k < 2; k++) CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 8, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(difference(model, before), 0);
    CU_ASSERT_EQUAL(ffn_trainer_flush(trainer, NULL), FFN_OK);
    const double moved = difference(model, before);
    CU_ASSERT(moved > 0);
    ffn_trainer_destroy(trainer);

    memcpy(model->values, before, model->value_count * sizeof(float));
    trainer = make_trainer(model, &options);
    (void)ffn_forward(ffn_trainer_plan(trainer), x_data, 8); /* a loop by hand does not accumulate */
    (void)ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), numbers);
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
    CU_ASSERT_DOUBLE_EQUAL(difference(model, before), moved, 1e-6);
    ffn_trainer_destroy(trainer);
    CU_ASSERT_EQUAL(ffn_trainer_flush(NULL, NULL), FFN_INVALID_ARGUMENT);
    free(before);
    ffn_model_destroy(model);
}

/* A batch that diverges takes what was accumulated with it. */
static void test_diverged_batches_are_dropped(void)
{
    float huge[8 * INPUTS], far[8 * OUTPUTS];
    ffn_model *model = make(ffn_linear());
    ffn_trainer *trainer = make_trainer(
        model, &(ffn_fit_options){.loss = ffn_mse(), .optimizer = ffn_sgd(0.1f), .batch_size = 8, .accumulate = 2});
    for (size_t i = 0; i < COUNT(huge); i++) huge[i] = 3e38f;
    for (size_t i = 0; i < COUNT(far); i++) far[i] = i % 2 ? 3e38f : -3e38f;
    float *before = copy_values(model);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 8, NULL, NULL), FFN_OK);
    ffn_status status = ffn_trainer_step(trainer, huge, far, 8, NULL, NULL);
    CU_ASSERT_EQUAL(status, FFN_DIVERGED);
    CU_ASSERT_EQUAL(difference(model, before), 0);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 8, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(difference(model, before), 0);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, 8, NULL, NULL), FFN_OK);
    CU_ASSERT(difference(model, before) > 0);
    free(before);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* ffn_fit updates by what is left at an epoch's end. */
static void test_fit_accumulates(void)
{
    ffn_model *model = make(ffn_linear());
    ffn_dataset *data =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL);
    ffn_fit_options options = {.optimizer = ffn_sgd(0.1f), .epochs = 3, .batch_size = ROWS, .keep_order = true};
    float *before = copy_values(model);
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    float *want = copy_values(model);
    memcpy(model->values, before, model->value_count * sizeof(float));
    options.batch_size = 7;
    options.accumulate = 100;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    CU_ASSERT(difference(model, want) < 1e-6);
    free(before);
    free(want);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* ---- averages -------------------------------------------------------------------------------------------------- */

static void test_moving_average(void)
{
    ffn_model *model = make(ffn_linear());
    ffn_trainer *trainer = make_trainer(
        model,
        &(ffn_fit_options){.loss = ffn_mse(), .optimizer = ffn_sgd(0.1f), .batch_size = ROWS, .average_decay = 0.75f});
    double average = (double)NAN;
    const size_t probe = model->parameters[2].offset; /* a bias */
    float *first = copy_values(model);
    CU_ASSERT_EQUAL(ffn_trainer_swap_averages(trainer, NULL), FFN_OK); /* nothing to swap yet */
    CU_ASSERT_EQUAL(difference(model, first), 0);
    free(first);
    for (size_t k = 0; k < 5; k++) {
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, ROWS, NULL, NULL), FFN_OK);
        const double w = (double)model->values[probe];
        average = k == 0 ? w : 0.75 * average + 0.25 * w;
    }
    float *weights = copy_values(model);
    CU_ASSERT_EQUAL(ffn_trainer_swap_averages(trainer, NULL), FFN_OK);
    CU_ASSERT_DOUBLE_EQUAL((double)model->values[probe], average, 1e-6);
    CU_ASSERT(difference(model, weights) > 1e-4);
    CU_ASSERT_EQUAL(ffn_trainer_swap_averages(trainer, NULL), FFN_OK);
    CU_ASSERT_EQUAL(difference(model, weights), 0);
    ffn_trainer_destroy(trainer);
    trainer = make_trainer(model, NULL);
    CU_ASSERT_EQUAL(ffn_trainer_swap_averages(trainer, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_trainer_swap_averages(NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_trainer_destroy(trainer);
    free(weights);
    ffn_model_destroy(model);
}

/* What on_epoch has seen of the weights. */
typedef struct seen {
    size_t epochs;
    float *values[8];
} seen;

static int keep(const ffn_progress *progress, void *user)
{
    seen *s = user;
    s->values[s->epochs++] = copy_values(progress->model);
    return 0;
}

static void forget(seen *s)
{
    for (size_t i = 0; i < s->epochs; i++) free(s->values[i]);
}

/* Validation, callbacks, the best weights and the end see the averages. */
static void test_fit_uses_averages(void)
{
    ffn_model *model = make(ffn_linear());
    ffn_dataset *data =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL);
    for (int best = 0; best < 2; best++) {
        seen s = {0};
        ffn_history history = {0};
        ffn_metrics metrics = {0};
        const ffn_fit_options options = {.optimizer = ffn_sgd(0.2f),
                                         .epochs = 5,
                                         .batch_size = 8,
                                         .validation = data,
                                         .average_decay = 0.9f,
                                         .restore_best = best,
                                         .on_epoch = keep,
                                         .user = &s};
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
        const size_t epoch = best ? history.best_epoch : 5;
        CU_ASSERT_EQUAL(difference(model, s.values[epoch - 1]), 0);
        CU_ASSERT_EQUAL(ffn_evaluate(model, data, ffn_mse(), &metrics, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(metrics.loss, history.epoch[epoch - 1].validation_loss, 1e-6);
        ffn_metrics_destroy(&metrics);
        ffn_history_destroy(&history);
        forget(&s);
    }
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void test_stochastic_averages(void)
{
    seen s = {0};
    ffn_model *model = make(ffn_linear());
    ffn_dataset *data =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL);
    const ffn_fit_options options = {
        .optimizer = ffn_sgd(0.2f), .epochs = 5, .batch_size = 8, .average_epoch = 3, .on_epoch = keep, .user = &s};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(s.epochs, 5);
    for (size_t i = 0; i < model->value_count; i++)
        s.values[0][i] = (s.values[2][i] + s.values[3][i] + s.values[4][i]) / 3;
    CU_ASSERT(difference(model, s.values[0]) < 1e-6);
    CU_ASSERT(difference(model, s.values[4]) > 1e-4);
    forget(&s);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* Running statistics of averaged weights are those of the data behind these weights. */
static void test_statistics_of_averages(void)
{
    ffn_model *model = ffn_model_create(3, NULL);
    ffn_value h = ffn_dense(model, row_input(model), 3, ffn_linear());
    h = ffn_dense(model, ffn_batch_norm(model, h), OUTPUTS, ffn_linear());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    enum { MANY = 50 * ROWS };
    static float x[MANY * INPUTS], t[MANY * OUTPUTS];
    fill_uniform(x, COUNT(x), 1, 0, 2);
    fill_targets(t, MANY, OUTPUTS, FFN_TARGET_NUMBERS, 2);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(INPUTS), t, ffn_shape_1d(OUTPUTS), MANY, NULL);
    const ffn_fit_options options = {.optimizer = ffn_sgd(0.3f), .epochs = 2, .batch_size = 20, .average_epoch = 1};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    float w[3 * INPUTS], b[3], mean[3];
    double input_mean[INPUTS] = {0};
    for (size_t i = 0; i < COUNT(x); i++) input_mean[i % INPUTS] += (double)x[i] / MANY;
    size_t index = 0;
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, w, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 1, b, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_find_parameter(model, "batch_norm1.running_mean", &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, index, mean, NULL), FFN_OK);
    for (size_t u = 0; u < 3; u++) {
        double want = (double)b[u];
        for (size_t i = 0; i < INPUTS; i++) want += (double)w[u * INPUTS + i] * input_mean[i];
        CU_ASSERT_DOUBLE_EQUAL((double)mean[u], want, 1e-5); /* of all rows alike, none of what was there before */
    }
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* ---- what is monitored ----------------------------------------------------------------------------------------- */

static double peak_at_three(const ffn_progress *progress, void *user)
{
    (void)user;
    return -fabs((double)progress->epoch - 3);
}

static void test_monitors(void)
{
    ffn_error error = {0};
    ffn_history history = {0};
    ffn_model *model = make(ffn_softmax());
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), labels, ffn_shape_1d(1), ROWS, NULL);
    ffn_fit_options options = {.optimizer = ffn_sgd(0.1f),
                               .epochs = 20,
                               .batch_size = 8,
                               .patience = 4,
                               .monitor = FFN_MONITOR_SCORE,
                               .score = peak_at_three};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    CU_ASSERT_EQUAL(history.best_epoch, 3);
    CU_ASSERT_EQUAL(history.epochs, 7);
    CU_ASSERT(history.stopped_early);
    options.monitor = FFN_MONITOR_ACCURACY;
    options.patience = 0;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    for (size_t i = 0; i < history.epochs; i++) {
        const double best = history.epoch[history.best_epoch - 1].accuracy;
        CU_ASSERT(history.epoch[i].accuracy <= best);
        if (i + 1 < history.best_epoch) CU_ASSERT(history.epoch[i].accuracy < best);
    }
    options.monitor = FFN_MONITOR_SCORE;
    options.score = NULL;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "score is NULL"));
    options.monitor = (ffn_monitor)77;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, &error), FFN_INVALID_ARGUMENT);
    ffn_history_destroy(&history);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);

    model = make(ffn_linear());
    data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), numbers, ffn_shape_1d(OUTPUTS), ROWS, NULL);
    options = (ffn_fit_options){.monitor = FFN_MONITOR_ACCURACY};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "mse has none"));
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void test_refused(void)
{
    ffn_model *model = make(ffn_linear());
    const ffn_fit_options bad[] = {{.average_decay = 1},
                                   {.average_decay = -0.1f},
                                   {.average_decay = NAN},
                                   {.average_epoch = 1, .average_decay = 0.5f},
                                   {.average_epoch = 1, .restore_best = true}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ffn_error error = {0};
        CU_ASSERT_PTR_NULL(ffn_trainer_create(model, &bad[i], &error));
        CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "average_"));
    }
    ffn_model_destroy(model);
}

/* ---- rates of layers ------------------------------------------------------------------------------------------- */

enum { WEIGHTS = 9 * INPUTS };

/* What this many updates change in the first layer's weights if its rate is `factor` times the others'. */
static void train_by_factor(ffn_optimizer optimizer, float factor, size_t updates, float changes[WEIGHTS])
{
    float before[WEIGHTS], after[WEIGHTS];
    const ffn_fit_options options = {.loss = ffn_mse(), .optimizer = optimizer, .batch_size = ROWS};
    ffn_model *model = ffn_model_create(3, NULL);
    fill_uniform(x_data, COUNT(x_data), 5, -2, 2);
    fill_targets(numbers, ROWS, OUTPUTS, FFN_TARGET_NUMBERS, 6);
    const ffn_value h = ffn_dense(model, row_input(model), 9, ffn_tanh());
    ffn_set_rate(model, h, factor);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, OUTPUTS, ffn_linear()), NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, before, NULL), FFN_OK);
    ffn_trainer *trainer = make_trainer(model, &options);
    for (size_t i = 0; i < updates; i++)
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, numbers, ROWS, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, after, NULL), FFN_OK);
    for (size_t i = 0; i < WEIGHTS; i++) changes[i] = after[i] - before[i];
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* Also under rprop, whose step does not come from the rate after the first: 0 keeps a layer as it is. */
static void test_rates_of_layers(void)
{
    static const char *const names[] = {"sgd",    "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw",
                                        "adamax", "adadelta", "nadam",    "radam",   "lion",    "rprop"};
    for (size_t k = 0; k < COUNT(names); k++) {
        ffn_optimizer optimizer;
        float whole[WEIGHTS], half[WEIGHTS], none[WEIGHTS];
        CU_ASSERT_EQUAL(ffn_optimizer_by_name(names[k], &optimizer, NULL), FFN_OK);
        train_by_factor(optimizer, 1, 1, whole);
        train_by_factor(optimizer, 0.5f, 1, half);
        train_by_factor(optimizer, 0, 5, none);
        for (size_t i = 0; i < WEIGHTS; i++) {
            CU_ASSERT(whole[i] != 0);
            CU_ASSERT_DOUBLE_EQUAL(half[i], 0.5f * whole[i], 1e-6);
            CU_ASSERT_EQUAL(none[i], 0);
        }
    }
}

/* ---- the range test of learning rates -------------------------------------------------------------------------- */

static void test_rates(void)
{
    ffn_error error = {0};
    ffn_rate_test test = {0}, again = {0};
    ffn_model *model = make(ffn_softmax());
    ffn_dataset *data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), labels, ffn_shape_1d(1), ROWS, NULL);
    const ffn_fit_options options = {.optimizer = ffn_sgd(1), .schedule = ffn_step_decay(1, 0.5f), .batch_size = 16};
    float *before = copy_values(model);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, &options, 0.001f, 1000, 61, &test, &error), FFN_OK);
    CU_ASSERT_EQUAL(difference(model, before), 0);
    CU_ASSERT_FATAL(test.count > 20 && test.count <= 61);
    CU_ASSERT_DOUBLE_EQUAL(test.rate[0], 0.001, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(test.rate[10], 0.01, 1e-8);
    CU_ASSERT_DOUBLE_EQUAL(test.smoothed[0], test.loss[0], 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(test.smoothed[1], (0.09 * test.loss[0] + 0.1 * test.loss[1]) / 0.19, 1e-12);
    CU_ASSERT(test.suggestion > 0.005 && test.suggestion < 50);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, &options, 0.001f, 1000, 61, &again, NULL), FFN_OK);
    CU_ASSERT_EQUAL(again.count, test.count);
    CU_ASSERT_EQUAL(memcmp(again.loss, test.loss, test.count * sizeof(double)), 0);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, NULL, 0, 0, 0, &again, NULL), FFN_OK);
    CU_ASSERT_DOUBLE_EQUAL(again.rate[0], 1e-6, 1e-12);

    const float bad[][2] = {{-1, 1}, {NAN, 1}, {1, 1}, {2, 1}, {1, INFINITY}, {1, NAN}};
    for (size_t i = 0; i < COUNT(bad); i++)
        CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, NULL, bad[i][0], bad[i][1], 5, &again, &error),
                        FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(NULL, data, NULL, 0, 0, 5, &again, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, NULL, NULL, 0, 0, 5, &again, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, NULL, 0, 0, 5, NULL, NULL), FFN_INVALID_ARGUMENT);
    const ffn_optimizer free_of_rates[] = {ffn_rprop(0.01f), ffn_lbfgs(1)};
    for (size_t i = 0; i < COUNT(free_of_rates); i++) {
        const ffn_fit_options own = {.optimizer = free_of_rates[i]};
        CU_ASSERT_EQUAL(ffn_test_learning_rates(model, data, &own, 0, 0, 5, &again, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, free_of_rates[i].ops->name));
    }
    CU_ASSERT(again.count > 0); /* what failed left it alone */
    for (size_t fail_at = 1; fail_at < 100; fail_at++) {
        failing_start(fail_at);
        ffn_rate_test made = {0};
        const ffn_status status = ffn_test_learning_rates(model, data, &options, 0, 0, 5, &made, NULL);
        ffn_rate_test_destroy(&made);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(difference(model, before), 0);
        if (status == FFN_OK) break;
        CU_ASSERT_EQUAL(status, FFN_OUT_OF_MEMORY);
    }
    free(before);
    ffn_rate_test_destroy(&test);
    ffn_rate_test_destroy(&again);
    ffn_rate_test_destroy(NULL);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* Trials that diverge at once leave nothing to tell. */
static void test_rates_of_a_steep_network(void)
{
    ffn_rate_test test = {0};
    const ffn_fit_options options = {.optimizer = ffn_sgd(1), .batch_size = 16};
    static float huge[ROWS * INPUTS];
    for (size_t i = 0; i < COUNT(huge); i++) huge[i] = i % 2 ? 3e38f : -3e38f;
    ffn_dataset *wild = ffn_dataset_from_arrays(huge, ffn_shape_1d(INPUTS), labels, ffn_shape_1d(1), ROWS, NULL);
    ffn_model *steep = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(steep, ffn_dense(steep, row_input(steep), OUTPUTS, ffn_softmax()), NULL),
                          FFN_OK);
    for (size_t i = 0; i < steep->value_count; i++) steep->values[i] = i % 2 ? 9 : -9;
    CU_ASSERT_EQUAL(ffn_test_learning_rates(steep, wild, &options, 0, 0, 5, &test, NULL), FFN_DIVERGED);
    ffn_model_destroy(steep);
    ffn_dataset_destroy(wild);
}

static const test_case cases[] = {
    {"parts are one batch", test_parts_are_one_batch},
    {"updates wait, and flush", test_updates_wait_and_flush},
    {"diverged batches are dropped", test_diverged_batches_are_dropped},
    {"ffn_fit accumulates", test_fit_accumulates},
    {"moving average", test_moving_average},
    {"ffn_fit uses averages", test_fit_uses_averages},
    {"stochastic averages", test_stochastic_averages},
    {"statistics of averages", test_statistics_of_averages},
    {"monitors", test_monitors},
    {"refused", test_refused},
    {"rates of layers", test_rates_of_layers},
    {"rates", test_rates},
    {"rates of a steep network", test_rates_of_a_steep_network},
};
TEST_MAIN("strategies", cases)
