/* The same bits: for any number of threads, again and again, for parts and the whole, on every instruction set. */
#include "networks.h"
#include "tensor/isa.h"
#include "test.h"
#include "train/train.h"

/* Large enough that the pool is used. */
enum { FEATURES = 300, WIDTH = 512, CLASSES = 10, BATCH = 128, STEPS = 20, SAMPLES = 3 * BATCH + 17 };
enum { WEIGHTS = FEATURES * WIDTH + WIDTH * WIDTH + WIDTH * CLASSES + 3 * (2 * WIDTH + CLASSES) };

typedef struct outcome {
    double losses[STEPS];
    float weights[WEIGHTS];
    float predictions[SAMPLES * CLASSES];
} outcome;

static float x_data[SAMPLES * FEATURES], targets[SAMPLES];
static outcome first, other;

static void fill_data(void)
{
    fill_uniform(x_data, COUNT(x_data), 1, -1, 1);
    fill_targets(targets, SAMPLES, CLASSES, FFN_TARGET_CLASS_INDEX, 2);
}

/* By the norm, which wants all gradients before the first weight changes; without it, and without learned slopes, weights
 * are updated while backward runs. */
static bool clips;
/* Many layers which each thread goes through with rows of its own. */
static bool deep;
enum { LAYERS = 10, NARROWER = 128 };

/* Few enough rows for the gradients of all values to be kept. */
static size_t batch(void) { return deep ? BATCH / 2 : BATCH; }

static ffn_model *make_deep_model(void)
{
    ffn_model *m = ffn_model_create(3, NULL);
    ffn_value h = ffn_input(m, ffn_shape_1d(FEATURES));
    for (size_t i = 0; i < LAYERS; i++) /* the first one turns x, in memory that is another's afterwards */
        h = ffn_dense(m, h, i == 0 ? NARROWER / 2 : NARROWER, i % 2 ? ffn_relu() : ffn_gelu());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, h, CLASSES, ffn_softmax()), NULL), FFN_OK);
    return m;
}

static ffn_model *make_model(void)
{
    if (deep) return make_deep_model();
    ffn_model *m = ffn_model_create(3, NULL);
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(FEATURES)), WIDTH, ffn_gelu());
    h = ffn_dense(m, ffn_dropout(m, h, 0.3f), WIDTH, clips ? ffn_prelu_per_unit(0.1f) : ffn_relu());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, h, CLASSES, ffn_softmax()), NULL), FFN_OK);
    return m;
}

static void finish(ffn_model *model, outcome *o)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, i, &info, NULL), FFN_OK);
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= WEIGHTS);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, o->weights + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, SAMPLES, o->predictions, NULL), FFN_OK);
    ffn_model_destroy(model);
}

static ffn_fit_options make_options(size_t threads)
{
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adam(0.002f);
    options.batch_size = batch();
    options.clip_norm = clips ? 0.5f : 0;
    options.l2 = 1e-4f;
    options.threads = threads;
    options.seed = 9;
    return options;
}

/* STEPS steps, the last of each round with fewer rows. */
static void train(size_t threads, outcome *o)
{
    memset(o, 0, sizeof(*o));
    ffn_model *model = make_model();
    const ffn_fit_options options = make_options(threads);
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    for (size_t i = 2; deep && ffn__isa() != FFN__ISA_GENERIC && i < LAYERS; i++)
        CU_ASSERT(trainer->plan->ops[i].joined);
    for (size_t k = 0; k < STEPS; k++) {
        const size_t begin = k % 4 * BATCH, left = SAMPLES - begin, rows = left < batch() ? left : batch();
        CU_ASSERT_EQUAL(
            ffn_trainer_step(trainer, x_data + begin * FEATURES, targets + begin, rows, &o->losses[k], NULL), FFN_OK);
    }
    ffn_trainer_destroy(trainer);
    finish(model, o);
    CU_ASSERT(o->losses[STEPS - 4] < o->losses[0]);
}

static void fit(size_t threads, outcome *o)
{
    memset(o, 0, sizeof(*o));
    ffn_model *model = make_model();
    ffn_dataset *data =
        ffn_dataset_from_arrays(x_data, ffn_shape_1d(FEATURES), targets, ffn_shape_1d(1), SAMPLES, NULL);
    ffn_fit_options options = make_options(threads);
    ffn_history history = {0};
    options.epochs = 3;
    options.validation_fraction = 0.2f;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
    for (size_t e = 0; e < history.epochs; e++) {
        o->losses[2 * e] = history.epoch[e].loss;
        o->losses[2 * e + 1] = history.epoch[e].validation_loss;
    }
    ffn_history_destroy(&history);
    ffn_dataset_destroy(data);
    finish(model, o);
}

static void expect_same(const char *what, size_t threads)
{
    const bool same = memcmp(&first, &other, sizeof(first)) == 0;
    CU_ASSERT(same);
    if (!same) printf("\n    %s, %zu threads, %s: other bits\n", what, threads, ffn__isa_name(ffn__isa()));
}

static const size_t thread_counts[] = {1, 2, 3, 8};

static void test_threads(void)
{
    const ffn__isa_id best = ffn__isa();
    fill_data();
    for (ffn__isa_id isa = FFN__ISA_GENERIC; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force(isa)) continue;
        CU_ASSERT_EQUAL(ffn_set_threads(8, NULL), FFN_OK);
        train(1, &first);
        for (size_t t = 0; t < COUNT(thread_counts); t++) { /* threads 1: the run repeated */
            train(thread_counts[t], &other);
            expect_same("steps", thread_counts[t]);
        }
        CU_ASSERT_EQUAL(ffn_set_threads(3, NULL), FFN_OK); /* the pool of another size */
        train(0, &other);
        expect_same("steps, pool of 3", 0);
        clips = true;
        train(1, &first);
        train(3, &other);
        expect_same("steps that clip", 3);
        CU_ASSERT_EQUAL(ffn_set_threads(2, NULL), FFN_OK);
        deep = true;
        for (int kind = 0; kind < 2; kind++) {
            clips = kind == 0;
            train(1, &first);
            train(2, &other);
            expect_same("steps of a deep network", 2);
        }
        deep = false;
    }
    CU_ASSERT(ffn__isa_force(best));
    CU_ASSERT_EQUAL(ffn_set_threads(0, NULL), FFN_OK);
}

static void test_fits(void)
{
    fill_data();
    CU_ASSERT_EQUAL(ffn_set_threads(8, NULL), FFN_OK);
    fit(1, &first);
    for (size_t t = 0; t < COUNT(thread_counts); t++) {
        fit(thread_counts[t], &other);
        expect_same("fit", thread_counts[t]);
    }
    CU_ASSERT_EQUAL(ffn_set_threads(0, NULL), FFN_OK);
}

static void test_predictions(void)
{
    static float expected[SAMPLES * CLASSES], found[SAMPLES * CLASSES];
    fill_data();
    ffn_model *model = make_model();
    for (size_t t = 0; t < COUNT(thread_counts); t++) {
        CU_ASSERT_EQUAL(ffn_set_threads(thread_counts[t], NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_predict(model, x_data, SAMPLES, t ? found : expected, NULL), FFN_OK);
        if (t) CU_ASSERT_EQUAL(memcmp(expected, found, sizeof(found)), 0);
    }
    /* two plans on one model, used in turn */
    ffn_plan *plans[2];
    const float *y[2];
    for (size_t i = 0; i < 2; i++) {
        plans[i] = ffn_plan_create(model, (ffn_plan_options){.max_batch = BATCH, .threads = i + 1}, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(plans[i]);
        y[i] = ffn_forward(plans[i], x_data, BATCH);
    }
    CU_ASSERT_EQUAL(memcmp(y[0], y[1], BATCH * CLASSES * sizeof(float)), 0);
    for (size_t i = 0; i < 2; i++) ffn_plan_destroy(plans[i]);
    CU_ASSERT_EQUAL(ffn_set_threads(0, NULL), FFN_OK);
    ffn_model_destroy(model);
}

/* The sets differ, but by no more than rounding: equal initial weights, near predictions, near losses. */
static void test_instruction_sets_agree(void)
{
    const ffn__isa_id best = ffn__isa();
    static float expected[SAMPLES * CLASSES], found[SAMPLES * CLASSES];
    fill_data();
    CU_ASSERT(ffn__isa_force(FFN__ISA_GENERIC));
    train(0, &first);
    ffn_model *model = make_model();
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, SAMPLES, expected, NULL), FFN_OK);
    ffn_model_destroy(model);
    for (ffn__isa_id isa = FFN__ISA_AVX2; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force(isa)) continue;
        model = make_model();
        CU_ASSERT_EQUAL(ffn_predict(model, x_data, SAMPLES, found, NULL), FFN_OK);
        ffn_model_destroy(model);
        for (size_t i = 0; i < COUNT(found); i++) CU_ASSERT_DOUBLE_EQUAL(found[i], expected[i], 1e-5);
        train(0, &other);
        for (size_t k = 0; k < STEPS; k++)
            CU_ASSERT(fabs(other.losses[k] - first.losses[k]) <=
                      (k < 3 ? 1e-6 : 2e-3)); /* Adam enlarges what is tiny */
    }
    CU_ASSERT(ffn__isa_force(best));
}

static void check_pieces(ffn_activation a)
{
    enum { COLS = 1000, ROWS = 263, PIECE = 4 };
    static float x[ROWS * COLS], dy[ROWS * COLS], y[ROWS * COLS], dx[ROWS * COLS], y_part[PIECE * COLS],
        dx_part[PIECE * COLS];
    fill_uniform(x, COUNT(x), 1, -8, 8);
    fill_uniform(dy, COUNT(dy), 2, -8, 8);
    CU_ASSERT_EQUAL(ffn_activation_forward(a, ROWS, COLS, x, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_activation_backward(a, ROWS, COLS, x, y, dy, dx, NULL), FFN_OK);
    for (size_t r = 0, rows; r < ROWS; r += rows) {
        const size_t at = r * COLS, size = COLS * sizeof(float);
        rows = ROWS - r < PIECE ? ROWS - r : PIECE;
        CU_ASSERT_EQUAL(ffn_activation_forward(a, rows, COLS, x + at, y_part, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_activation_backward(a, rows, COLS, x + at, y_part, dy + at, dx_part, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(y_part, y + at, rows * size), 0);
        CU_ASSERT_EQUAL(memcmp(dx_part, dx + at, rows * size), 0);
    }
}

/* The activations of arrays that are larger than the caches have the bits of their pieces. */
static void test_large_arrays(void)
{
    const ffn__isa_id best = ffn__isa();
    for (ffn__isa_id isa = FFN__ISA_GENERIC; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force(isa)) continue;
        ffn_activation a;
        for (size_t k = 0; ffn_activation_name(k); k++) {
            CU_ASSERT_EQUAL_FATAL(ffn_activation_by_name(ffn_activation_name(k), &a, NULL), FFN_OK);
            check_pieces(a);
        }
    }
    CU_ASSERT(ffn__isa_force(best));
}

static const test_case cases[] = {
    {"threads", test_threads},           {"fits", test_fits},
    {"predictions", test_predictions},   {"instruction sets agree", test_instruction_sets_agree},
    {"large arrays", test_large_arrays},
};
TEST_MAIN("bits", cases)
