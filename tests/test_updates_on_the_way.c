/* Weights that are updated on the way have the bits of those that wait for the norm of all gradients, wherever the layers
 * that are trained lie in the model's memory. */
#include "backprop/plan.h"
#include "every_isa.h"
#include "networks.h"
#include "test.h"

#include <float.h>

enum { INPUTS_OF = 16, CLASSES = 3, BATCH = 300, STEPS = 3 };

typedef struct shape {
    size_t units[4];  /* of hidden layers */
    unsigned trained; /* a bit for each layer, the output's last */
} shape;

static ffn_model *build(const shape *s)
{
    ffn_model *model = ffn_model_create(7, NULL);
    ffn_value x = ffn_input(model, ffn_shape_1d(INPUTS_OF));
    for (size_t i = 0; i < COUNT(s->units) + 1; i++) {
        const bool last = i == COUNT(s->units);
        x = ffn_dense(model, x, last ? CLASSES : s->units[i], last ? ffn_softmax() : ffn_relu());
        ffn_set_trainable(model, x, (s->trained >> i & 1) != 0);
    }
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, x, NULL), FFN_OK);
    return model;
}

/* A limit that is never reached makes updates wait. */
static ffn_trainer *create_trainer(ffn_model *model, size_t rows, ffn_optimizer optimizer, bool waits)
{
    ffn_fit_options options = ffn_fit_defaults();
    options.batch_size = rows;
    options.optimizer = optimizer;
    options.clip_norm = waits ? 1e30F : 0;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    CU_ASSERT(ffn_trainer_plan(trainer)->can_update_early); /* or both ways would be the same */
    return trainer;
}

/* The model after some steps. */
static ffn_model *train(const shape *s, size_t rows, ffn_optimizer optimizer, bool waits)
{
    ffn_model *model = build(s);
    ffn_trainer *trainer = create_trainer(model, rows, optimizer, waits);
    float x[BATCH * INPUTS_OF], targets[BATCH];
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_targets(targets, BATCH, CLASSES, FFN_TARGET_CLASS_INDEX, 2);
    for (size_t i = 0; i < STEPS; i++) CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, rows, NULL, NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    return model;
}

static void compare(const ffn_model *a, const ffn_model *b)
{
    for (size_t p = 0; p < ffn_model_parameter_count(a); p++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL_FATAL(ffn_model_parameter_info(a, p, &info, NULL), FFN_OK);
        const size_t size = ffn_shape_size(info.shape);
        float *values = malloc(2 * size * sizeof *values);
        CU_ASSERT_PTR_NOT_NULL_FATAL(values);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(a, p, values, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(b, p, values + size, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(values, values + size, size * sizeof *values), 0);
        free(values);
    }
}

static void same_bits(void)
{
    /* what is frozen is 45 000 weights between, before and behind others, and nothing */
    static const struct {
        shape shape;
        size_t rows;
    } runs[] = {{{{64, 700, 64, 32}, 0x1d}, 32}, {{{700, 64, 600, 64}, 0x1c}, 8}, {{{64, 700, 64, 9}, 0x07}, 33},
                {{{64, 700, 64, 32}, 0x1f}, 32}, {{{33, 17, 80, 23}, 0x1f}, 12},  {{{1310, 1297, 8, 20}, 0x1f}, 300},
                {{{870, 850, 8, 20}, 0x1f}, 200}};
    for (size_t i = 0; i < COUNT(runs); i++)
        for (int kind = 0; kind < 2; kind++) {
            ffn_optimizer optimizer = kind ? ffn_adamw(0.01F, 0.1F) : ffn_sgd(0.1F);
            optimizer.spare_biases = kind != 0; /* two rules */
            ffn_model *early = train(&runs[i].shape, runs[i].rows, optimizer, false);
            ffn_model *waiting = train(&runs[i].shape, runs[i].rows, optimizer, true);
            compare(early, waiting);
            ffn_model_destroy(early);
            ffn_model_destroy(waiting);
        }
}

/* A step of a network two of whose weights are the largest floats there are, one of which would become infinite: their
 * products cancel each other, so that the gradient is none out of the ordinary. */
static ffn_model *overflow(bool waits)
{
    enum { FEATURES = 70, UNITS = 80, ROWS = 8, TARGET = 1 };
    ffn_model *model = ffn_model_create(7, NULL);
    ffn_value x = ffn_dense(model, ffn_input(model, ffn_shape_1d(FEATURES)), UNITS, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, x, NULL), FFN_OK);
    ffn_trainer *trainer = create_trainer(model, ROWS, ffn_sgd(3e38F), waits);
    float weights[UNITS * FEATURES] = {0}, rows[ROWS * FEATURES] = {0}, targets[ROWS];
    weights[TARGET * FEATURES] = FLT_MAX;
    weights[TARGET * FEATURES + 1] = -FLT_MAX;
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, weights, NULL), FFN_OK);
    for (size_t r = 0; r < ROWS; r++) {
        rows[r * FEATURES] = rows[r * FEATURES + 1] = 0x1p-20F;
        targets[r] = TARGET;
    }
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, rows, targets, ROWS, NULL, NULL), FFN_DIVERGED);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, weights, NULL), FFN_OK);
    CU_ASSERT_EQUAL(weights[TARGET * FEATURES], FLT_MAX);
    CU_ASSERT(weights[TARGET * FEATURES + 1] > -FLT_MAX);
    ffn_trainer_destroy(trainer);
    return model;
}

static void overflows(void)
{
    ffn_model *early = overflow(false), *waiting = overflow(true);
    compare(early, waiting);
    ffn_model_destroy(early);
    ffn_model_destroy(waiting);
}

/* One update by these gradients of a network of two weights, and biases of 0: each a layer's, the second with this rate. */
static void update_once(ffn_optimizer optimizer, float rate, const float gradients[4], float found[4])
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 1, ffn_linear());
    const ffn_value last = ffn_dense(model, h, 1, ffn_linear());
    ffn_set_rate(model, last, rate);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, last, NULL), FFN_OK);
    ffn_trainer *trainer = ffn_trainer_create(model, &(ffn_fit_options){.optimizer = optimizer}, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, i, (float[]){i % 2 ? 0 : 1}, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_plan_set_gradient(ffn_trainer_plan(trainer), i, &gradients[i], NULL), FFN_OK);
    }
    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
    for (size_t i = 0; i < 4; i++) CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, &found[i], NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void expect_update(ffn_optimizer optimizer, float rate, const float gradients[4], const float expected[4])
{
    float found[4];
    update_once(optimizer, rate, gradients, found);
    for (size_t i = 0; i < 4; i++) CU_ASSERT_DOUBLE_EQUAL(found[i], expected[i], 1e-6);
}

/* Layers that differ in their rates alone. */
static void test_rates_of_layers(void)
{
    expect_update(ffn_adam(0.25f), 0.5f, (float[]){1, 1, 1, 1}, (float[]){0.75f, -0.25f, 0.875f, -0.125f});
}

/* Without a gradient, and with an epsilon of 0, there is nothing to divide by. */
static void test_nothing_to_divide_by(void)
{
    ffn_optimizer optimizers[] = {ffn_adadelta(1), ffn_adamax(0.5f)};
    for (size_t i = 0; i < COUNT(optimizers); i++) {
        optimizers[i].epsilon = 0;
        expect_update(optimizers[i], 1, (float[4]){0}, (float[]){1, 0, 1, 0});
    }
}

/* Its first step is along the gradient, and not lengthened where that is small. */
static void test_first_step_of_lbfgs(void)
{
    expect_update(ffn_lbfgs(0.5f), 1, (float[]){0.1f, 0, -0.2f, 0}, (float[]){0.95f, 0, 1.1f, 0});
}

/* ---- layers that are not trained ------------------------------------------------------------------------------------ */

static const ffn_layer_ops *dense;
static size_t parts_made, bounds_asked;

static void count_parameters(const ffn_step *step)
{
    parts_made++;
    dense->backward_parameters(step);
}

static double count_bound(const ffn_step *step)
{
    (void)step;
    bounds_asked++;
    return (double)INFINITY; /* known to be of no use */
}

/* A layer that is not trained is asked neither for gradients of its parameters nor what these are bounded by, though a
 * gradient passes through it: the weights before and behind it are updated on the way. */
static void test_frozen_layers_are_not_asked(void)
{
    const shape frozen = {{64, 700, 64, 32}, 0x1d};
    ffn_model *model = build(&frozen), *expected = train(&frozen, 32, ffn_sgd(0.1F), false);
    dense = model->layers[1].ops;
    ffn_layer_ops counted = *dense;
    counted.backward_parameters = count_parameters;
    counted.gradient_bound = count_bound;
    model->layers[1].ops = &counted;
    ffn_trainer *trainer = create_trainer(model, 32, ffn_sgd(0.1F), false);
    ffn_plan *plan = ffn_trainer_plan(trainer);
    float x[BATCH * INPUTS_OF], targets[BATCH];
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_targets(targets, BATCH, CLASSES, FFN_TARGET_CLASS_INDEX, 2);
    parts_made = bounds_asked = 0;
    for (size_t i = 0; i < STEPS; i++) {
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, 32, NULL, NULL), FFN_OK);
        CU_ASSERT_FALSE(atomic_load(&plan->gradients_finite)); /* they are not all there: updates were on the way */
    }
    CU_ASSERT_EQUAL(parts_made, 0);
    CU_ASSERT_EQUAL(bounds_asked, 0);
    ffn_trainer_destroy(trainer);
    model->layers[1].ops = dense;
    compare(model, expected);
    ffn_model_destroy(model);
    ffn_model_destroy(expected);
}

static void test_same_bits(void) { on_every_isa(same_bits); }
static void test_overflow(void) { on_every_isa(overflows); }

static const test_case cases[] = {{"the same bits as updates at the end", test_same_bits},
                                  {"rates of layers", test_rates_of_layers},
                                  {"nothing to divide by", test_nothing_to_divide_by},
                                  {"the first step of L-BFGS", test_first_step_of_lbfgs},
                                  {"no weight becomes infinite", test_overflow},
                                  {"frozen layers are not asked", test_frozen_layers_are_not_asked}};
TEST_MAIN("updates on the way", cases)
