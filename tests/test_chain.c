/* Chains of dense layers: that the way along a chain gives the bits of the way through the layers. */
#include "backprop/plan.h"
#include "every_isa.h"
#include "networks.h"
#include "test.h"
#include "train/train.h"

enum { MOST = 64, SIDE = 16, STEPS = 5 };

typedef struct chain {
    const char *name;
    size_t inputs, outputs;
    ffn_value (*describe)(ffn_model *m, ffn_value x);
} chain;

static ffn_value describe_classes(ffn_model *m, ffn_value x)
{
    return ffn_dense(m, ffn_dense(m, x, 16, ffn_tanh()), 3, ffn_softmax());
}
static ffn_value describe_square(ffn_model *m, ffn_value x) /* as many units as inputs, and some without a bias */
{
    const ffn_value h = ffn_dense(m, ffn_dense(m, x, 16, ffn_gelu()), 16, ffn_relu());
    ffn_set_bias(m, h, false);
    return ffn_dense(m, h, 2, ffn_sigmoid());
}
static ffn_value describe_frozen(ffn_model *m, ffn_value x)
{
    const ffn_value a = ffn_dense(m, x, 5, ffn_elu(1)), b = ffn_dense(m, a, 7, ffn_linear());
    ffn_set_trainable(m, b, false);
    return ffn_dense(m, b, 4, ffn_linear());
}
static ffn_value describe_frozen_first(ffn_model *m, ffn_value x)
{
    const ffn_value a = ffn_dense(m, x, 9, ffn_tanh());
    ffn_set_trainable(m, a, false);
    return ffn_dense(m, ffn_dense(m, a, 12, ffn_swish(1)), 4, ffn_linear());
}
static ffn_value describe_shared(ffn_model *m, ffn_value x)
{
    const ffn_value a = ffn_dense(m, x, 6, ffn_tanh());
    return ffn_dense(m, ffn_share(m, a, a), 3, ffn_softmax());
}
static ffn_value describe_one(ffn_model *m, ffn_value x) { return ffn_dense(m, x, 1, ffn_softplus()); }
static ffn_value describe_hidden_softmax(ffn_model *m, ffn_value x)
{
    return ffn_dense(m, ffn_dense(m, x, 6, ffn_softmax()), 3, ffn_tanh());
}

static const chain chains[] = {
    {"classes", 4, 3, describe_classes},
    {"square", 16, 2, describe_square},
    {"frozen", 9, 4, describe_frozen},
    {"frozen first", 9, 4, describe_frozen_first},
    {"shared", 6, 3, describe_shared},
    {"one", 1, 1, describe_one},
    {"softmax inside", 3, 3, describe_hidden_softmax},
};

static float x[MOST * SIDE], targets[MOST * SIDE];

static ffn_model *build(const chain *c)
{
    ffn_model *m = ffn_model_create(3, NULL);
    ffn_set_kernels(m, FFN_KERNELS_NATIVE);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, c->describe(m, ffn_input(m, ffn_shape_1d(c->inputs))), NULL), FFN_OK);
    return m;
}

/* Bytes that the library has, counted where it asks for them. */
static size_t in_use;

static void *count_alloc(size_t size, void *user)
{
    (void)user;
    size_t *block = malloc(size + 16);
    if (!block) return NULL;
    *block = size;
    in_use += size;
    return (char *)block + 16;
}

static void count_free(void *pointer, void *user)
{
    (void)user;
    size_t *block = (size_t *)(void *)((char *)pointer - 16);
    in_use -= *block;
    free(block);
}

static void test_tiny_networks_are_small(void)
{
    CU_ASSERT_EQUAL_FATAL(ffn_set_allocator(&(ffn_allocator){count_alloc, count_free, NULL}, NULL), FFN_OK);
    ffn_model *model = build(&chains[0]);
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_sgd((float)0.01);
    options.batch_size = 1;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL(trainer);
    const size_t parameters = 4 * 16 + 16 + 16 * 3 + 3;
    CU_ASSERT(in_use < 4096 + parameters * sizeof(float));
    CU_ASSERT(ffn_plan_memory(ffn_trainer_plan(trainer)) < in_use);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    CU_ASSERT_EQUAL(in_use, 0);
    (void)ffn_set_allocator(NULL, NULL);
}

static void forget_chain(ffn_plan *plan)
{
    ffn__free(plan->layers);
    plan->layers = NULL;
    plan->chain_rows = 0;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* Some steps, along the chain or not; the losses' sum. */
static double train(ffn_model *m, ffn_fit_options options, size_t rows, bool along)
{
    double sum = 0, loss;
    options.batch_size = rows;
    ffn_trainer *t = ffn_trainer_create(m, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT(t->plan->chain_rows > 0);
    if (!along) forget_chain(t->plan);
    for (size_t s = 0; s < STEPS; s++) {
        CU_ASSERT_EQUAL(ffn_trainer_step(t, x, targets, rows, &loss, NULL), FFN_OK);
        sum += loss;
    }
    ffn_trainer_destroy(t);
    return sum;
}

static void steps_body(void)
{
    static const size_t rows[] = {1, 3, 4, 5, 8, 17, 45};
    for (size_t i = 0; i < COUNT(chains); i++)
        for (size_t r = 0; r < COUNT(rows); r++)
            for (size_t batches = 1; batches <= 2; batches++) {
                ffn_model *one = build(&chains[i]), *other = build(&chains[i]);
                ffn_fit_options options = ffn_fit_defaults();
                options.loss = ffn__model_loss(one, (ffn_loss){0});
                options.accumulate = batches;
                fill_uniform(x, COUNT(x), 5, -2, 2);
                fill_targets(targets, rows[r], chains[i].outputs, options.loss.ops->target, 6);
                const double loss = train(one, options, rows[r], true);
                CU_ASSERT_EQUAL(train(other, options, rows[r], false), loss);
                CU_ASSERT_EQUAL(memcmp(one->values, other->values, one->value_count * sizeof(float)), 0);
                if (memcmp(one->values, other->values, one->value_count * sizeof(float)) != 0)
                    printf("\n    %s, %zu rows\n", chains[i].name, rows[r]);
                ffn_model_destroy(one);
                ffn_model_destroy(other);
            }
}

/* A gradient that overflows, of a layer with its units in the lanes or its inputs, at either end: the weights stay. */
static void overflow_body(void)
{
    static const size_t sides[][3] = {{2, 5, 3}, {5, 2, 3}, {16, 16, 16}};
    for (size_t s = 0; s < COUNT(sides); s++)
        for (size_t rows = 1; rows <= 2; rows++) {
            ffn_model *m = ffn_model_create(3, NULL);
            ffn_set_kernels(m, FFN_KERNELS_NATIVE);
            ffn_value v = ffn_input(m, ffn_shape_1d(sides[s][0]));
            for (size_t i = 1; i < 3; i++) v = ffn_dense(m, v, sides[s][i], ffn_linear());
            CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, v, NULL), FFN_OK);
            float before[1024], data[2 * SIDE], zeros[2 * SIDE] = {0};
            memcpy(before, m->values, m->value_count * sizeof *before);
            for (size_t i = 0; i < COUNT(data); i++) data[i] = (float)1e30; /* outputs too, their squares are doubles */
            ffn_fit_options options = ffn_fit_defaults();
            options.batch_size = rows;
            ffn_trainer *t = ffn_trainer_create(m, &options, NULL);
            CU_ASSERT_PTR_NOT_NULL_FATAL(t);
            ffn_error error;
            double loss;
            CU_ASSERT_EQUAL(ffn_trainer_step(t, data, zeros, rows, &loss, &error), FFN_DIVERGED);
            CU_ASSERT(loss > 1e50 && loss < 1e70);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "the gradient of dense1.weight is not finite"));
            CU_ASSERT_EQUAL(memcmp(before, m->values, m->value_count * sizeof *before), 0);
            ffn_trainer_destroy(t);
            ffn_model_destroy(m);
        }
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

/* Outputs, and the gradients of the inputs by those of the outputs. */
static void run(const ffn_model *m, const chain *c, size_t rows, bool frozen, bool along, float *y, float *dx)
{
    const ffn_plan_options options = {.max_batch = MOST, .training = true, .input_gradient = true, .frozen = frozen};
    ffn_plan *plan = ffn_plan_create(m, options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    if (!along) forget_chain(plan);
    memcpy(y, ffn_forward(plan, x, rows), rows * c->outputs * sizeof(float));
    ffn_backward_from(plan, targets);
    memcpy(dx, ffn_input_gradient(plan), rows * c->inputs * sizeof(float));
    ffn_plan_destroy(plan);
}

static void passes_body(void)
{
    float y[2][MOST * SIDE], dx[2][MOST * SIDE];
    fill_uniform(x, COUNT(x), 7, -2, 2);
    fill_uniform(targets, COUNT(targets), 8, -1, 1);
    for (size_t i = 0; i < COUNT(chains); i++) {
        ffn_model *m = build(&chains[i]);
        for (size_t k = 0; k < 4; k++) {
            const size_t rows = k % 2 ? 1 : 33;
            run(m, &chains[i], rows, k / 2, true, y[0], dx[0]);
            run(m, &chains[i], rows, k / 2, false, y[1], dx[1]);
            CU_ASSERT_EQUAL(memcmp(y[0], y[1], rows * chains[i].outputs * sizeof(float)), 0);
            CU_ASSERT_EQUAL(memcmp(dx[0], dx[1], rows * chains[i].inputs * sizeof(float)), 0);
        }
        ffn_model_destroy(m);
    }
}

/* ---- predictions ------------------------------------------------------------------------------------------------- */

static ffn_value describe_wide(ffn_model *m, ffn_value v)
{
    return ffn_dense(m, ffn_dense(m, v, 17, ffn_relu()), 2, ffn_relu());
}
static ffn_value describe_wider(ffn_model *m, ffn_value v) /* narrow and wide by turns, once without a bias */
{
    const ffn_value a = ffn_dense(m, ffn_dense(m, v, 9, ffn_gelu()), 70, ffn_linear());
    ffn_set_bias(m, a, false);
    return ffn_dense(m, ffn_dense(m, a, 33, ffn_softmax()), 10, ffn_softmax());
}

/* Outputs, and logits behind them. */
static void predict(const ffn_model *m, size_t outputs, size_t rows, bool along, float *y)
{
    const ffn_loss loss = ffn__model_loss(m, (ffn_loss){0});
    ffn_plan *plan = ffn__plan_create(m, (ffn_plan_options){.max_batch = MOST}, true, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    CU_ASSERT(plan->chain_rows > 0);
    CU_ASSERT(plan->chain_rows >= FFN__FEW - 1);
    if (!along) forget_chain(plan);
    memcpy(y, ffn_forward(plan, x, rows), rows * outputs * sizeof(float));
    memcpy(y + rows * outputs, ffn__forward_for_loss(plan, &loss, x, rows), rows * outputs * sizeof(float));
    ffn_plan_destroy(plan);
}

static void predictions_body(void)
{
    static const chain wide[] = {{"wide", 4, 2, describe_wide}, {"wider", 16, 10, describe_wider}};
    static float y[2][2 * MOST * SIDE];
    fill_uniform(x, COUNT(x), 9, -2, 2);
    for (size_t i = 0; i < COUNT(wide); i++) {
        ffn_model *m = build(&wide[i]);
        for (size_t rows = 1; rows <= FFN__FEW + 1; rows++) {
            predict(m, wide[i].outputs, rows, true, y[0]);
            predict(m, wide[i].outputs, rows, false, y[1]);
            CU_ASSERT_EQUAL(memcmp(y[0], y[1], 2 * rows * wide[i].outputs * sizeof(float)), 0);
        }
        ffn_model_destroy(m);
    }
}

static void test_steps(void) { on_every_isa(steps_body); }
static void test_overflow(void) { on_every_isa(overflow_body); }
static void test_passes(void) { on_every_isa(passes_body); }
static void test_predictions(void) { on_every_isa(predictions_body); }

/* ---- what is no chain -------------------------------------------------------------------------------------------- */

static ffn_value describe_skip(ffn_model *m, ffn_value v)
{
    const ffn_value h = ffn_dense(m, v, 4, ffn_relu());
    return ffn_dense(m, ffn_add(m, h, ffn_dense(m, h, 4, ffn_relu())), 2, ffn_linear());
}
static ffn_value describe_fork(ffn_model *m, ffn_value v) /* nothing but dense layers, but one is read twice */
{
    const ffn_value h = ffn_dense(m, v, 4, ffn_relu());
    return ffn_concat(m, ffn_dense(m, h, 4, ffn_relu()), ffn_dense(m, h, 2, ffn_linear()));
}
static ffn_value describe_prelu(ffn_model *m, ffn_value v) { return ffn_dense(m, v, 4, ffn_prelu((float)0.1)); }
static ffn_value describe_dropout(ffn_model *m, ffn_value v)
{
    return ffn_dense(m, ffn_dropout(m, ffn_dense(m, v, 4, ffn_relu()), (float)0.5), 2, ffn_linear());
}

/* In training; in prediction wide layers are. */
static void test_others(void)
{
    static const chain others[] = {{"wide", 4, 2, describe_wide},
                                   {"skip", 4, 2, describe_skip},
                                   {"fork", 4, 6, describe_fork},
                                   {"prelu", 4, 4, describe_prelu},
                                   {"dropout", 4, 2, describe_dropout}};
    for (size_t i = 0; i < COUNT(others); i++) {
        ffn_model *m = build(&others[i]);
        ffn_plan *plan = ffn_plan_create(m, (ffn_plan_options){.training = true}, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
        CU_ASSERT(plan->chain_rows == 0);
        ffn_plan_destroy(plan);
        ffn_model_destroy(m);
    }
}

static const test_case cases[] = {
    {"steps", test_steps},   {"a gradient that overflows", test_overflow},
    {"passes", test_passes}, {"predictions", test_predictions},
    {"others", test_others}, {"tiny networks are small", test_tiny_networks_are_small},
};
TEST_MAIN("chain", cases)
