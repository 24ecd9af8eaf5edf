/* Training that is interrupted and goes on: the same bits as without, for every optimizer and option, at every step. */
#include "networks.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 37, BATCH = 8, BATCHES = 5, EPOCHS = 3, MOST = 512 };
/* In memory where there is such a place: every checkpoint is brought to the disk. */
static char path[64] = "test_checkpoint.safetensors";

/* ---- what is trained ------------------------------------------------------------------------------------------- */

static float x_data[ROWS * INPUTS], row_weights[ROWS];
static uint32_t labels[ROWS];
static ffn_dataset *data, *weighted, *source, *one_hot;

static int read_rows(void *user, size_t first, size_t rows, float *x, float *targets)
{
    (void)user;
    memcpy(x, x_data + first * INPUTS, rows * INPUTS * sizeof *x);
    for (size_t i = 0; i < rows; i++) targets[i] = (float)labels[first + i];
    return 0;
}

static void make_data(void)
{
    const ffn_source rows = {
        .sample = ffn_shape_1d(INPUTS), .columns = 1, .rows = ROWS, .window = 2 * BATCH, .read = read_rows};
    ffn_random random = ffn_random_create(3, 1, 0);
    if (access("/dev/shm", W_OK) == 0)
        (void)snprintf(path, sizeof path, "/dev/shm/ffn_test_checkpoint_%ld", (long)getpid());
    fill_uniform(x_data, ROWS * INPUTS, 1, -3, 5);
    fill_uniform(row_weights, ROWS, 2, 0.5f, 2);
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint32_t)ffn_random_below(&random, OUTPUTS);
    data = ffn_dataset_from_labels(x_data, ffn_shape_1d(INPUTS), labels, OUTPUTS, ROWS, NULL);
    weighted = ffn_dataset_from_labels(x_data, ffn_shape_1d(INPUTS), labels, OUTPUTS, ROWS, NULL);
    CU_ASSERT_EQUAL(ffn_dataset_set_weights(weighted, row_weights, NULL), FFN_OK);
    source = ffn_dataset_from_source(&rows, NULL);
    one_hot = ffn_dataset_one_hot(data, NULL);
    CU_ASSERT_TRUE_FATAL(data && weighted && source && one_hot);
}

static void forget_data(void)
{
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(weighted);
    ffn_dataset_destroy(source);
    ffn_dataset_destroy(one_hot);
    (void)unlink(path);
}

/* Everything that keeps state: running statistics, dropout, a scaler, a learned slope, weights with padding; and a rate of a
 * layer's own, where the optimizer takes one. */
static ffn_model *make_model(const ffn_fit_options *o)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *m = ffn_model_create(11, NULL);
    ffn_value h = ffn_batch_norm(m, ffn_dense(m, ffn_standardize(m, row_input(m)), 7, ffn_prelu(0.2f)));
    ffn_set_penalty(m, h, 0, 0);
    h = ffn_dropout(m, h, 0.25f);
    h = ffn_dense(m, h, 5, ffn_tanh());
    if (o->optimizer.ops != ffn_lbfgs(1).ops) ffn_set_rate(m, h, 0.5f);
    ffn_set_max_norm(m, h, 1.5f);
    h = ffn_dense(m, h, OUTPUTS, ffn_softmax());
    if (ffn_model_build(m, h, &error) != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(error.status, FFN_OK);
    return m;
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

/* ---- every option that a state hangs on -------------------------------------------------------------------------- */

typedef struct variant {
    const char *name;
    void (*set)(ffn_fit_options *o);
    ffn_dataset **data; /* NULL: data */
} variant;

static const ffn_augmentation noise = {.noise = 0.3f}, mixing = {.noise = 0.1f, .mixup = 0.4f};
static double score(const ffn_progress *p, void *user) { return (void)user, p->accuracy; }

#define OPTIMIZER(name, value)                                                                                         \
    static void set_##name(ffn_fit_options *o) { o->optimizer = value; }
OPTIMIZER(sgd, ffn_sgd(0.1f))
OPTIMIZER(momentum, ffn_momentum(0.1f, 0.9f))
OPTIMIZER(nesterov, ffn_nesterov(0.05f, 0.9f))
OPTIMIZER(adagrad, ffn_adagrad(0.1f))
OPTIMIZER(rmsprop, ffn_rmsprop(0.01f))
OPTIMIZER(adam, ffn_adam(0.02f))
OPTIMIZER(adamw, ffn_adamw(0.02f, 0.1f))
OPTIMIZER(adadelta, ffn_adadelta(1))
OPTIMIZER(adamax, ffn_adamax(0.02f))
OPTIMIZER(nadam, ffn_nadam(0.02f))
OPTIMIZER(radam, ffn_radam(0.02f))
OPTIMIZER(lion, ffn_lion(0.01f, 0.1f))
OPTIMIZER(rprop, ffn_rprop(0.01f))
OPTIMIZER(lbfgs, ffn_lbfgs(1))

static void set_adam_options(ffn_fit_options *o)
{
    o->optimizer.amsgrad = true;
    o->optimizer.weight_decay = 0.01f;
    o->l1 = 1e-3f;
    o->clip_norm = 0.5f;
    o->clip_value = 0.1f;
    o->max_norm = 1;
}
static void set_rmsprop_options(ffn_fit_options *o)
{
    o->optimizer = ffn_rmsprop(0.01f);
    o->optimizer.centered = true;
    o->optimizer.momentum = 0.5f;
}
static void set_short_memory(ffn_fit_options *o)
{
    o->optimizer = ffn_lbfgs(1);
    o->optimizer.history = 3;
}
#define SCHEDULE(name, value)                                                                                          \
    static void set_##name(ffn_fit_options *o) { o->schedule = value; }
SCHEDULE(step_decay, ffn_step_decay(3, 0.5f))
SCHEDULE(exponential, ffn_exponential_decay(0.9f))
SCHEDULE(cosine, ffn_cosine_decay(12, 0.001f))
SCHEDULE(restarts, ffn_cosine_restarts(4, 2, 0.001f))
SCHEDULE(polynomial, ffn_polynomial_decay(14, 2))
SCHEDULE(one_cycle, ffn_one_cycle(0.1f, 15))
SCHEDULE(warmup, ffn_warmup(ffn_step_decay(5, 0.5f), 6))
SCHEDULE(plateau, ffn_reduce_on_plateau(0.5f, 0))

static void set_validation(ffn_fit_options *o) { o->validation_fraction = 0.3f; }
static void set_early(ffn_fit_options *o)
{
    o->validation_fraction = 0.3f;
    o->optimizer = ffn_sgd(3);
    o->patience = 1;
    o->restore_best = true;
}
static void set_score(ffn_fit_options *o)
{
    o->monitor = FFN_MONITOR_SCORE;
    o->score = score;
    o->restore_best = true;
}
static void set_order(ffn_fit_options *o) { o->keep_order = true; }
static void set_noise(ffn_fit_options *o) { o->augmentation = &noise; }
static void set_mixup(ffn_fit_options *o)
{
    o->augmentation = &mixing;
    o->loss = ffn_cross_entropy_soft();
}
static void set_accumulate(ffn_fit_options *o) { o->accumulate = 3; }
static void set_average(ffn_fit_options *o)
{
    o->average_decay = 0.9f;
    o->validation_fraction = 0.3f;
    o->restore_best = true;
}
static void set_swa(ffn_fit_options *o) { o->average_epoch = 2; }
static void set_everything(ffn_fit_options *o)
{
    o->accumulate = 2;
    o->average_decay = 0.8f;
    o->augmentation = &noise;
    o->validation_fraction = 0.25f;
    o->schedule = ffn_warmup(ffn_reduce_on_plateau(0.5f, 0), 3);
    o->patience = 2;
    o->clip_norm = 1;
}
static void set_nothing(ffn_fit_options *o) { (void)o; }

#define V(name)                                                                                                        \
    {                                                                                                                  \
#name, set_##name, NULL                                                                                        \
    }
static const variant variants[] = {
    V(sgd),
    V(momentum),
    V(nesterov),
    V(adagrad),
    V(rmsprop),
    V(adam),
    V(adamw),
    V(adadelta),
    V(adamax),
    V(nadam),
    V(radam),
    V(lion),
    V(rprop),
    V(lbfgs),
    V(adam_options),
    V(rmsprop_options),
    V(short_memory),
    V(step_decay),
    V(exponential),
    V(cosine),
    V(restarts),
    V(polynomial),
    V(one_cycle),
    V(warmup),
    V(plateau),
    V(validation),
    V(early),
    V(score),
    V(order),
    V(noise),
    V(accumulate),
    V(average),
    V(swa),
    V(everything),
    {"mixup", set_mixup, &one_hot},
    {"weighted", set_nothing, &weighted},
    {"source", set_nothing, &source},
};

static ffn_fit_options options_of(const variant *v)
{
    ffn_fit_options o = ffn_fit_defaults();
    o.optimizer = ffn_adam(0.02f);
    o.epochs = EPOCHS;
    o.batch_size = BATCH;
    o.seed = 21;
    v->set(&o);
    return o;
}

/* ---- runs ---------------------------------------------------------------------------------------------------------- */

typedef struct outcome {
    float weights[MOST];
    size_t count;
    ffn_history history;
    ffn_status status;
} outcome;

typedef struct interruption {
    size_t batches; /* until it comes; SIZE_MAX: never */
    bool kill;      /* the process; else the callback stops */
} interruption;

static int interrupt(const ffn_progress *p, void *user)
{
    interruption *i = user;
    (void)p;
    if (--i->batches > 0) return 0;
    if (i->kill) (void)raise(SIGKILL);
    return 1;
}

static outcome train(const variant *v, const char *file, size_t every, bool resume, interruption stop)
{
    ffn_error error = {FFN_OK, ""};
    outcome out = {.count = 0};
    ffn_fit_options o = options_of(v);
    ffn_model *model = make_model(&o);
    o.checkpoint_path = file;
    o.checkpoint_every = every;
    o.resume = resume;
    o.on_batch = interrupt;
    o.user = &stop;
    out.status = ffn_fit(model, v->data ? *v->data : data, &o, &out.history, &error);
    if (out.status != FFN_OK && out.status != FFN_STOPPED) printf("\n    %s: %s\n", v->name, error.message);
    out.count = get_weights(model, out.weights);
    ffn_model_destroy(model);
    return out;
}

static outcome train_through(const variant *v) { return train(v, NULL, 0, false, (interruption){SIZE_MAX, false}); }

static bool same_history(const ffn_history *a, const ffn_history *b)
{
    bool same = a->epochs == b->epochs && a->best_epoch == b->best_epoch && a->stopped_early == b->stopped_early;
    for (size_t i = 0; same && i < a->epochs; i++) /* all but the seconds */
        same = memcmp(&a->epoch[i], &b->epoch[i], offsetof(ffn_epoch, seconds)) == 0;
    return same;
}

static bool is_same(const outcome *a, const outcome *b)
{
    return a->status == b->status && a->count == b->count && a->count > 0 &&
           memcmp(a->weights, b->weights, a->count * sizeof(float)) == 0 && same_history(&a->history, &b->history);
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static const interruption never = {SIZE_MAX, false};

/* Stopped after each batch, and once more after two more. */
static void test_stopped(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        const variant *v = &variants[i];
        outcome whole = train_through(v);
        CU_ASSERT_EQUAL(whole.status, FFN_OK);
        for (size_t at = 1; at < BATCHES * EPOCHS; at++) {
            (void)unlink(path);
            outcome first = train(v, path, 0, true, (interruption){at, false});
            outcome second = train(v, path, 0, true, (interruption){2, false});
            outcome last = train(v, path, 0, true, never);
            if (!is_same(&whole, &last)) printf("\n    %s, interrupted after batch %zu\n", v->name, at);
            CU_ASSERT_TRUE(is_same(&whole, &last));
            ffn_history_destroy(&first.history);
            ffn_history_destroy(&second.history);
            ffn_history_destroy(&last.history);
        }
        ffn_history_destroy(&whole.history);
    }
}

/* Killed, without a word: it goes on from the last checkpoint, or from the beginning. */
static void test_killed(void)
{
    for (size_t i = 0; i < COUNT(variants); i += 3) {
        const variant *v = &variants[i];
        outcome whole = train_through(v);
        for (size_t at = 1; at < BATCHES * EPOCHS; at += 2) {
            int how = 0;
            (void)unlink(path);
            ffn_stop_threads();
            const pid_t child = fork();
            if (child == 0) {
                (void)train(v, path, at % 4 == 1 ? 2 : 0, true, (interruption){at, true});
                _exit(1);
            }
            CU_ASSERT_TRUE(child > 0 && waitpid(child, &how, 0) == child);
            outcome last = train(v, path, 0, true, never);
            if (!is_same(&whole, &last)) printf("\n    %s, killed after batch %zu\n", v->name, at);
            CU_ASSERT_TRUE(is_same(&whole, &last));
            ffn_history_destroy(&last.history);
        }
        ffn_history_destroy(&whole.history);
    }
}

/* After the end there is nothing to do, but for more epochs. */
static void test_finished(void)
{
    const variant *v = &variants[COUNT(variants) - 4];
    (void)unlink(path);
    outcome whole = train(v, path, 0, true, never), again = train(v, path, 0, true, never);
    CU_ASSERT_TRUE(is_same(&whole, &again));
    ffn_history_destroy(&whole.history);
    ffn_history_destroy(&again.history);

    ffn_fit_options o = options_of(&variants[0]);
    ffn_model *longer = make_model(&o), *more = make_model(&o);
    float expected[MOST], found[MOST];
    o.epochs = 5;
    CU_ASSERT_EQUAL(ffn_fit(longer, data, &o, NULL, NULL), FFN_OK);
    (void)unlink(path);
    o.checkpoint_path = path;
    o.resume = true;
    o.epochs = 2;
    ffn_history history = {0};
    CU_ASSERT_EQUAL(ffn_fit(more, data, &o, &history, NULL), FFN_OK);
    o.epochs = 5;
    CU_ASSERT_EQUAL(ffn_fit(more, data, &o, &history, NULL), FFN_OK);
    CU_ASSERT_EQUAL(history.epochs, 5);
    const size_t count = get_weights(longer, expected);
    CU_ASSERT_EQUAL(get_weights(more, found), count);
    CU_ASSERT_EQUAL(memcmp(expected, found, count * sizeof(float)), 0);
    ffn_history_destroy(&history);
    ffn_model_destroy(longer);
    ffn_model_destroy(more);
}

/* A checkpoint is a model file too: the weights as they were. */
static void test_as_model(void)
{
    (void)unlink(path);
    outcome first = train(&variants[5], path, 0, true, (interruption){7, false});
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_load(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    float found[MOST];
    CU_ASSERT_EQUAL(get_weights(model, found), first.count);
    CU_ASSERT_EQUAL(memcmp(found, first.weights, first.count * sizeof(float)), 0);
    ffn_model_destroy(model);
    ffn_history_destroy(&first.history);
}

/* ---- loops by hand ------------------------------------------------------------------------------------------------- */

static void step(ffn_trainer *t, size_t from, size_t to)
{
    const float *targets = ffn_dataset_targets(data).data;
    for (size_t i = from; i < to; i++) {
        const size_t first = i * BATCH % (ROWS - BATCH);
        CU_ASSERT_EQUAL(ffn_trainer_step(t, x_data + first * INPUTS, targets + first, BATCH, NULL, NULL), FFN_OK);
        if (i % 4 == 3) ffn_trainer_report(t, 1);
        if (i == 5) ffn_trainer_set_learning_rate(t, 0.015f);
    }
}

static void test_by_hand(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        ffn_fit_options o = options_of(&variants[i]);
        if (o.loss.ops) continue; /* of targets that this loop does not have */
        o.average_epoch = 0;
        for (size_t at = 1; at < 9; at++) {
            ffn_model *whole = make_model(&o), *first = make_model(&o), *second = make_model(&o);
            ffn_trainer *a = ffn_trainer_create(whole, &o, NULL), *b = ffn_trainer_create(first, &o, NULL);
            step(a, 0, 10);
            step(b, 0, at);
            CU_ASSERT_EQUAL(ffn_trainer_save(b, path, NULL), FFN_OK);
            ffn_trainer *c = ffn_trainer_create(second, &o, NULL);
            ffn_error error = {FFN_OK, ""};
            if (ffn_trainer_load(c, path, &error) != FFN_OK) printf("\n    %s\n", error.message);
            CU_ASSERT_EQUAL(error.status, FFN_OK);
            step(c, at, 10);
            float expected[MOST], found[MOST];
            const size_t count = get_weights(whole, expected);
            CU_ASSERT_EQUAL(get_weights(second, found), count);
            if (memcmp(expected, found, count * sizeof(float)) != 0) printf("\n    %s at %zu\n", variants[i].name, at);
            CU_ASSERT_EQUAL(memcmp(expected, found, count * sizeof(float)), 0);
            CU_ASSERT_EQUAL(ffn_trainer_learning_rate(a), ffn_trainer_learning_rate(c));
            ffn_trainer_destroy(a);
            ffn_trainer_destroy(b);
            ffn_trainer_destroy(c);
            ffn_model_destroy(whole);
            ffn_model_destroy(first);
            ffn_model_destroy(second);
        }
    }
}

/* ---- gradients by hand --------------------------------------------------------------------------------------------- */

enum { MICRO = 3, MICRO_BATCHES = 12 };

/* Forwards and backwards from `from` on, of which every three make an update. `steady`: what backward does is said only
 * where it changes. */
static void step_by_hand(ffn_trainer *t, size_t from, size_t to, bool steady)
{
    const float *targets = ffn_dataset_targets(data).data;
    ffn_plan *plan = ffn_trainer_plan(t);
    for (size_t i = from; i < to; i++) {
        const size_t first = i * BATCH % (ROWS - BATCH), part = i % MICRO;
        if (!steady || part < 2) ffn_plan_accumulate(plan, part > 0);
        CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x_data + first * INPUTS, BATCH));
        CU_ASSERT(isfinite(ffn_backward(plan, (ffn_loss){0}, targets + first)));
        if (part == MICRO - 1) CU_ASSERT_EQUAL(ffn_trainer_apply(t, NULL), FFN_OK);
    }
}

/* Saved after any of the backwards, also of those before an update is due. */
static void test_gradients_by_hand(void)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        ffn_fit_options o = options_of(&variants[i]);
        if (o.loss.ops || o.accumulate > 1) continue;
        o.average_epoch = 0;
        for (size_t at = 1; at < MICRO_BATCHES; at++) {
            ffn_model *whole = make_model(&o), *first = make_model(&o), *second = make_model(&o);
            ffn_trainer *a = ffn_trainer_create(whole, &o, NULL), *b = ffn_trainer_create(first, &o, NULL);
            ffn_trainer *c = ffn_trainer_create(second, &o, NULL);
            float expected[MOST], found[MOST];
            step_by_hand(a, 0, MICRO_BATCHES, i % 2);
            step_by_hand(b, 0, at, i % 2);
            CU_ASSERT_EQUAL(ffn_trainer_save(b, path, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_trainer_load(c, path, NULL), FFN_OK);
            step_by_hand(c, at, MICRO_BATCHES, i % 2);
            const size_t count = get_weights(whole, expected);
            CU_ASSERT_EQUAL(get_weights(second, found), count);
            if (memcmp(expected, found, count * sizeof(float)) != 0) printf("\n    %s at %zu\n", variants[i].name, at);
            CU_ASSERT_EQUAL(memcmp(expected, found, count * sizeof(float)), 0);
            ffn_trainer_destroy(a);
            ffn_trainer_destroy(b);
            ffn_trainer_destroy(c);
            ffn_model_destroy(whole);
            ffn_model_destroy(first);
            ffn_model_destroy(second);
        }
    }
}

/* Gradients that were set, and those of an update that is to be repeated; after a step there are none to keep. */
static void test_gradients_set(void)
{
    const ffn_fit_options o = options_of(&variants[5]);
    ffn_model *whole = make_model(&o), *second = make_model(&o);
    ffn_trainer *a = ffn_trainer_create(whole, &o, NULL), *b = ffn_trainer_create(second, &o, NULL);
    float values[MOST], expected[MOST], found[MOST];
    size_t weight;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(whole, "dense1.weight", &weight, NULL), FFN_OK);
    fill_uniform(values, 7 * INPUTS, 4, -1, 1);
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(ffn_trainer_plan(a), weight, values, NULL), FFN_OK);
    for (size_t applied = 0; applied < 3; applied++) {
        CU_ASSERT_EQUAL(ffn_trainer_save(a, path, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_trainer_load(b, path, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(ffn_trainer_plan(b), weight, found, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(values, found, 7 * INPUTS * sizeof(float)), 0);
        CU_ASSERT_EQUAL(ffn_trainer_apply(a, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_trainer_apply(b, NULL), FFN_OK);
        const size_t count = get_weights(whole, expected);
        CU_ASSERT_EQUAL(get_weights(second, found), count);
        CU_ASSERT_EQUAL(memcmp(expected, found, count * sizeof(float)), 0);
    }
    values[0] = (float)NAN; /* is found after a load as before it */
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(ffn_trainer_plan(a), weight, values, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_save(a, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_load(b, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_apply(b, NULL), FFN_DIVERGED);
    step(b, 0, 1);
    CU_ASSERT_EQUAL(ffn_trainer_save(b, path, NULL), FFN_OK);
    FILE *file = fopen(path, "rb");
    char header[8192] = "";
    CU_ASSERT(fread(header + 8, 1, sizeof header - 9, file) > 1000);
    (void)fclose(file);
    memset(header, ' ', 16); /* the length */
    CU_ASSERT_PTR_NOT_NULL(strstr(header, "ffn.state0.dense1.weight"));
    CU_ASSERT_PTR_NULL(strstr(header, "ffn.gradient0"));
    ffn_trainer_destroy(a);
    ffn_trainer_destroy(b);
    ffn_model_destroy(whole);
    ffn_model_destroy(second);
}

static const test_case cases[] = {
    {"data", make_data},
    {"stopped", test_stopped},
    {"killed", test_killed},
    {"finished", test_finished},
    {"as a model", test_as_model},
    {"by hand", test_by_hand},
    {"gradients by hand", test_gradients_by_hand},
    {"gradients that were set", test_gradients_set},
    {"nothing is left", forget_data},
};
TEST_MAIN("checkpoint", cases)
