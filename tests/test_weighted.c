/* Figures of datasets whose rows have weights: a row of weight 2 counts as two rows, one of weight 0 not at all. */
#include "networks.h"
#include "test.h"

#include "train/train.h"

enum { ROWS = 30, MOST = 2 * ROWS, SAMPLE = 6 };

/* A task: how samples and targets look, and a metric of it. */
typedef struct task {
    ffn_shape sample;
    size_t outputs, columns; /* of a row of outputs, and of targets of a sample */
    ffn_activation (*last)(void);
    const char *metric;
} task;

static task tasks[4];

static void set_tasks(void)
{
    const ffn_shape flat = ffn_shape_1d(SAMPLE);
    tasks[0] = (task){flat, 3, 1, ffn_softmax, "log_loss"};
    tasks[1] = (task){flat, 1, 1, ffn_sigmoid, "f1"};
    tasks[2] = (task){flat, 2, 2, ffn_linear, "mae"};
    tasks[3] = (task){ffn_shape_2d(2, 3), 2, 4, ffn_sigmoid, NULL}; /* two rows a sample, of two yes or no each */
}

static ffn_model *make(const task *t)
{
    ffn_model *m = ffn_model_create(5, NULL);
    const ffn_value h = ffn_dense(m, ffn_input(m, t->sample), 8, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, h, t->outputs, t->last()), NULL), FFN_OK);
    return m;
}

typedef struct table {
    float x[MOST * SAMPLE], targets[MOST * 4];
} table;

/* Row r of a table of ROWS rows, with its weight, beside one that has it that many times. */
static float weights[ROWS];
static table once, often;
static size_t often_rows;

static void fill(const task *t)
{
    ffn_random random = ffn_random_create(3, 0, 0);
    often_rows = 0;
    for (size_t r = 0; r < ROWS; r++) {
        weights[r] = (float)(r % 3);
        for (size_t i = 0; i < SAMPLE; i++) once.x[r * SAMPLE + i] = ffn_random_normal(&random);
        for (size_t i = 0; i < t->columns; i++)
            once.targets[r * t->columns + i] = t->outputs == 3 ? (float)(r % 3 == 1 ? 2 : r % 2) : (float)((r + i) % 2);
        for (size_t k = 0; k < r % 3; k++, often_rows++) {
            memcpy(often.x + often_rows * SAMPLE, once.x + r * SAMPLE, SAMPLE * sizeof *once.x);
            memcpy(often.targets + often_rows * t->columns, once.targets + r * t->columns,
                   t->columns * sizeof *once.targets);
        }
    }
}

static ffn_dataset *dataset(const task *t, const table *data, size_t rows, const float *row_weights)
{
    ffn_dataset *d = ffn_dataset_from_arrays(data->x, t->sample, data->targets, ffn_shape_1d(t->columns), rows, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_set_weights(d, row_weights, NULL), FFN_OK);
    return d;
}

static ffn_fit_options options_of(const task *t, const ffn_dataset *validation)
{
    return (ffn_fit_options){.optimizer = ffn_sgd((float)0.1),
                             .epochs = 4,
                             .batch_size = MOST,
                             .keep_order = true,
                             .validation = validation,
                             .metric = t->metric};
}

static bool near(double a, double b) { return (isnan(a) && isnan(b)) || fabs(a - b) <= 2e-6 * fmax(1, fabs(b)); }

static void compare(const ffn_history *found, const ffn_history *expected)
{
    CU_ASSERT_EQUAL_FATAL(found->epochs, expected->epochs);
    for (size_t i = 0; i < found->epochs; i++) {
        const ffn_epoch *a = &found->epoch[i], *b = &expected->epoch[i];
        CU_ASSERT(near(a->loss, b->loss) && isfinite(a->loss));
        CU_ASSERT(near(a->accuracy, b->accuracy));
        CU_ASSERT(near(a->validation_loss, b->validation_loss));
        CU_ASSERT(near(a->validation_accuracy, b->validation_accuracy));
        CU_ASSERT(near(a->metric, b->metric));
    }
}

/* Losses, accuracies and metrics, of the training and of the validation. */
static void test_figures(void)
{
    set_tasks();
    for (size_t i = 0; i < COUNT(tasks); i++)
        for (int validate = 0; validate < 2; validate++) {
            const task *t = &tasks[i];
            fill(t);
            ffn_dataset *data[] = {dataset(t, &once, ROWS, weights), dataset(t, &often, often_rows, NULL)};
            ffn_history history[2] = {{0}, {0}};
            for (size_t k = 0; k < 2; k++) {
                ffn_model *model = make(t);
                const ffn_fit_options options = options_of(t, validate ? data[k] : NULL);
                CU_ASSERT_EQUAL(ffn_fit(model, data[k], &options, &history[k], NULL), FFN_OK);
                ffn_model_destroy(model);
            }
            compare(&history[0], &history[1]);
            CU_ASSERT_EQUAL(isnan(history[0].epoch[0].validation_loss), !validate);
            CU_ASSERT_EQUAL(isnan(history[0].epoch[0].accuracy), i == 2);
            for (size_t k = 0; k < 2; k++) {
                ffn_history_destroy(&history[k]);
                ffn_dataset_destroy(data[k]);
            }
        }
}

/* Batches of any sizes and weights make the figures of the whole; the rate is 0, so that the weights stay. */
static void test_batches(void)
{
    set_tasks();
    for (size_t i = 0; i < COUNT(tasks); i++) {
        const task *t = &tasks[i];
        fill(t);
        for (size_t r = 0; r < 7; r++) weights[r] = 0; /* a batch without weight */
        ffn_dataset *data = dataset(t, &once, ROWS, weights);
        ffn_model *model = make(t);
        ffn_history history = {0};
        ffn_fit_options options = options_of(t, data);
        options.optimizer = ffn_sgd(0);
        options.batch_size = 7;
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
        const ffn_epoch *e = &history.epoch[3];
        CU_ASSERT(near(e->loss, e->validation_loss));
        CU_ASSERT(near(e->accuracy, e->validation_accuracy));
        double value = 0;
        if (t->metric)
            CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, (ffn_loss){0}, t->metric, &value, NULL), FFN_OK);
        CU_ASSERT(!t->metric || near(e->metric, value));
        ffn_history_destroy(&history);
        ffn_model_destroy(model);
        ffn_dataset_destroy(data);
    }
}

/* Where nothing has weight there is nothing to say. */
static void test_nothing_has_weight(void)
{
    set_tasks();
    const task *t = &tasks[0];
    fill(t);
    for (size_t r = 0; r < ROWS; r++) weights[r] = r == 0;
    ffn_dataset *data = dataset(t, &once, ROWS, weights), *first, *second;
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 2, 0, 1, &first, &second, NULL), FFN_OK);
    ffn_dataset *with = first->weights[0] > 0 ? first : second, *without = with == first ? second : first;
    ffn_model *model = make(t);
    ffn_history history = {0};
    const ffn_fit_options options = options_of(t, without);
    CU_ASSERT_EQUAL(ffn_fit(model, with, &options, &history, NULL), FFN_OK);
    CU_ASSERT(isfinite(history.epoch[0].loss));
    CU_ASSERT(isnan(history.epoch[0].validation_loss));
    CU_ASSERT(isnan(history.epoch[0].validation_accuracy));
    CU_ASSERT_EQUAL(history.best_epoch, 0);
    ffn_history_destroy(&history);
    ffn_model_destroy(model);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
}

static int stop_at_batch(const ffn_progress *progress, void *user)
{
    return progress->epoch == 2 && progress->batch == *(const size_t *)user;
}

/* An epoch that was stopped half-way has the figures of a whole one. */
static void test_resumed(void)
{
    set_tasks();
    const task *t = &tasks[0];
    const char *path = "test_weighted.safetensors";
    size_t at = 3;
    fill(t);
    ffn_dataset *data = dataset(t, &once, ROWS, weights);
    ffn_history history[2] = {{0}, {0}};
    for (size_t k = 0; k < 2; k++) {
        ffn_fit_options options = options_of(t, data);
        options.batch_size = 7;
        ffn_model *model = make(t);
        if (k == 1) {
            options.checkpoint_path = path;
            options.on_batch = stop_at_batch;
            options.user = &at;
            CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_STOPPED);
            options.on_batch = NULL;
            options.resume = true;
        }
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history[k], NULL), FFN_OK);
        ffn_model_destroy(model);
    }
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(history[0].epoch[i].loss, history[1].epoch[i].loss);
        CU_ASSERT_EQUAL(history[0].epoch[i].accuracy, history[1].epoch[i].accuracy);
    }
    for (size_t k = 0; k < 2; k++) ffn_history_destroy(&history[k]);
    ffn_dataset_destroy(data);
    (void)remove(path);
}

static const test_case cases[] = {
    {"figures", test_figures},
    {"batches", test_batches},
    {"nothing has weight", test_nothing_has_weight},
    {"resumed", test_resumed},
};
TEST_MAIN("weighted rows", cases)
