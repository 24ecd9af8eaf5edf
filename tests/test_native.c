/* The native kernels on odd sizes: against sums in double, against the BLAS table over whole training runs, on every
 * instruction set. */
#include "backprop/model.h"
#include "kernel/kernel.h"
#include "networks.h"
#include "tensor/isa.h"
#include "test.h"

#include <float.h>
#include <math.h>

static const size_t sizes[] = {1, 2, 3, 15, 16, 17, 31, 33, 100, 257};
static const size_t batches[] = {1, 2, 7, 8, 16, 45, 128, 300};
enum { MOST = 257, MOST_ROWS = 300 };

static float x[MOST_ROWS * MOST], w[MOST * MOST], b[MOST], dy[MOST_ROWS * MOST];
static float y[MOST_ROWS * MOST], dx[MOST_ROWS * MOST], dw[MOST * MOST], db[MOST];
static float z[MOST_ROWS * MOST], dz[MOST_ROWS * MOST];

typedef struct shape {
    size_t rows, inputs, units;
    ffn_activation activation;
} shape;

/* ---- one layer against sums in double ---------------------------------------------------------------------------- */

static size_t wrong; /* of the elements of one result */

/* A sum of `depth` products, whose sizes add up to `size`, is off by rounding only. */
static void expect_sum(double found, double sum, double size, size_t depth)
{
    const double bound = (size + fabs(sum)) * (double)FLT_EPSILON * (4 + (double)depth);
    wrong += !(fabs(found - sum) <= bound);
}

static void expect_none_wrong(const shape *s, const char *what)
{
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong)
        printf("\n    %s, %zu x %zu x %zu, %s: %zu of %s wrong\n", ffn__isa_name(ffn__isa()), s->rows, s->inputs,
               s->units, s->activation.ops ? s->activation.ops->name : "linear", wrong, what);
    wrong = 0;
}

/* element (i, j) of a result is the sum of a[i * ai + p * ap] b[j * bj + p * bp] */
typedef struct sum_of {
    const float *a, *b;
    size_t ai, ap, bj, bp, depth;
} sum_of;

static void expect_sums(const float *found, size_t rows, size_t cols, const float *extra, sum_of s)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            double sum = extra ? (double)extra[j] : 0, size = fabs(sum);
            for (size_t p = 0; p < s.depth; p++) {
                const double product = (double)s.a[i * s.ai + p * s.ap] * (double)s.b[j * s.bj + p * s.bp];
                sum += product;
                size += fabs(product);
            }
            expect_sum((double)found[i * cols + j], sum, size, s.depth);
        }
}

static ffn_plan *plan_layer(const shape *s, bool frozen_linear, ffn_model **model)
{
    *model = ffn_model_create(1, NULL);
    ffn_set_kernels(*model, FFN_KERNELS_NATIVE);
    const ffn_value in = ffn_input(*model, ffn_shape_1d(s->inputs));
    const ffn_value out = ffn_dense(*model, in, s->units, frozen_linear ? ffn_linear() : s->activation);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(*model, out, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(*model, 0, w, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(*model, 1, b, NULL), FFN_OK);
    ffn_plan *plan = ffn_plan_create(
        *model, (ffn_plan_options){.max_batch = s->rows, .training = true, .input_gradient = true}, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    return plan;
}

/* Z by the layer without its activation, checked; then what the activation makes of it, to the bit. */
static void check_forward(const shape *s)
{
    ffn_model *model;
    ffn_plan *plan = plan_layer(s, true, &model);
    memcpy(z, ffn_forward(plan, x, s->rows), s->rows * s->units * sizeof(float));
    expect_sums(z, s->rows, s->units, b, (sum_of){x, w, s->inputs, 1, s->inputs, 1, s->inputs});
    expect_none_wrong(s, "Z");
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
    plan = plan_layer(s, false, &model);
    ffn_activation f = s->activation;
    float slopes[MOST];
    if (f.ops && f.ops->slope_gradient) {
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 2, slopes, NULL), FFN_OK);
        f.slope = slopes;
    }
    memcpy(y, z, s->rows * s->units * sizeof(float));
    if (f.ops) f.ops->forward(&f, s->rows, s->units, z, y);
    const float *found = ffn_forward(plan, x, s->rows);
    wrong += memcmp(found, y, s->rows * s->units * sizeof(float)) != 0;
    expect_none_wrong(s, "Y");
    ffn_backward_from(plan, dy);
    memcpy(dz, dy, s->rows * s->units * sizeof(float));
    if (f.ops) f.ops->backward(&f, s->rows, s->units, z, y, dz, dz);
    memcpy(dx, ffn_input_gradient(plan), s->rows * s->inputs * sizeof(float));
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 0, dw, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 1, db, NULL), FFN_OK);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void check_layer(const shape *s)
{
    static const float one = 1;
    check_forward(s);
    expect_sums(dx, s->rows, s->inputs, NULL, (sum_of){dz, w, s->units, 1, 1, s->inputs, s->units});
    expect_none_wrong(s, "dX");
    expect_sums(dw, s->units, s->inputs, NULL, (sum_of){dz, x, 1, s->units, 1, s->inputs, s->rows});
    expect_none_wrong(s, "dW");
    expect_sums(db, s->units, 1, NULL, (sum_of){dz, &one, 1, s->units, 0, 0, s->rows});
    expect_none_wrong(s, "db");
}

static ffn_activation slopes(void) { return ffn_prelu_per_unit(0.25f); }
static ffn_activation (*const activations[])(void) = {ffn_linear, ffn_relu,    ffn_tanh, ffn_gelu,
                                                      ffn_mish,   ffn_softmax, slopes,   ffn_sigmoid};

static void test_one_layer(void)
{
    const ffn__isa_id best = ffn__isa();
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_uniform(w, COUNT(w), 2, -1, 1);
    fill_uniform(b, COUNT(b), 3, -1, 1);
    fill_uniform(dy, COUNT(dy), 4, -1, 1);
    for (ffn__isa_id isa = FFN__ISA_GENERIC; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force(isa)) continue;
        size_t number = 0;
        for (size_t r = 0; r < COUNT(batches); r++)
            for (size_t k = 0; k < COUNT(sizes); k++)
                for (size_t n = 0; n < COUNT(sizes); n++) {
                    if (batches[r] * sizes[k] * sizes[n] > 2000000) continue;
                    const shape s = {batches[r], sizes[k], sizes[n], activations[number++ % COUNT(activations)]()};
                    check_layer(&s);
                }
        CU_ASSERT(number > 700);
    }
    CU_ASSERT(ffn__isa_force(best));
}

/* ---- whole training runs against the BLAS table ------------------------------------------------------------------ */

enum {
    INPUT = 33,
    CLASSES = 5,
    STEPS = 50,
    WEIGHTS = INPUT * 100 + 100 + 100 * 17 + 17 + 2 * 17 + 17 * CLASSES + CLASSES
};

static float outcome[2][WEIGHTS];

static ffn_model *make_chain(ffn_kernels kernels)
{
    ffn_model *m = ffn_model_create(5, NULL);
    ffn_set_kernels(m, kernels);
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(INPUT)), 100, ffn_tanh());
    h = add_cube(m, ffn_dense(m, ffn_dropout(m, h, 0.25f), 17, ffn_gelu()), 0.01f); /* a layer from outside */
    h = ffn_dense(m, h, CLASSES, ffn_softmax());
    ffn_set_penalty(m, h, 1e-4f, 1e-3f);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    return m;
}

static size_t get_all(const ffn_model *m, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(m); i++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(m, i, &info, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, i, values + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

static size_t train(ffn_kernels kernels, const ffn_optimizer *optimizer, size_t rows, float *values)
{
    ffn_model *m = make_chain(kernels);
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = *optimizer;
    options.batch_size = rows;
    ffn_trainer *t = ffn_trainer_create(m, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    float targets[MOST_ROWS];
    fill_targets(targets, rows, CLASSES, FFN_TARGET_CLASS_INDEX, 6);
    for (size_t i = 0; i < STEPS; i++)
        CU_ASSERT_EQUAL(ffn_trainer_step(t, x, targets, i % 5 == 4 ? (rows + 1) / 2 : rows, NULL, NULL), FFN_OK);
    ffn_trainer_destroy(t);
    const size_t n = get_all(m, values);
    ffn_model_destroy(m);
    return n;
}

static void test_training_runs(void)
{
    static const size_t rows[] = {3, 8, 45, 300};
    const ffn_optimizer optimizers[] = {ffn_sgd(0.05f),          ffn_momentum(0.01f, 0.9f), ffn_nesterov(0.01f, 0.9f),
                                        ffn_adagrad(0.01f),      ffn_rmsprop(0.001f),       ffn_adam(0.001f),
                                        ffn_adamw(0.001f, 0.01f)};
    fill_uniform(x, COUNT(x), 1, -1, 1);
    for (size_t o = 0; o < COUNT(optimizers); o++)
        for (size_t r = 0; r < COUNT(rows); r++) {
            const size_t n = train(FFN_KERNELS_NATIVE, &optimizers[o], rows[r], outcome[0]);
            CU_ASSERT_EQUAL_FATAL(train(FFN_KERNELS_BLAS, &optimizers[o], rows[r], outcome[1]), n);
            double worst = 0;
            for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)outcome[0][i] - (double)outcome[1][i]));
            CU_ASSERT(worst <= 1e-4);
            if (!(worst <= 1e-4)) printf("\n    %s, %zu rows: off by %g\n", optimizers[o].ops->name, rows[r], worst);
        }
}

/* ---- the layout -------------------------------------------------------------------------------------------------- */

static void test_values_come_back(void)
{
    fill_uniform(w, COUNT(w), 2, -1, 1);
    for (size_t k = 0; k < COUNT(sizes); k++)
        for (size_t n = 0; n < COUNT(sizes); n++) {
            ffn_model *m = ffn_model_create(1, NULL);
            ffn_set_kernels(m, FFN_KERNELS_NATIVE);
            const ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(sizes[k])), sizes[n], ffn_linear());
            CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_model_set_parameter(m, 0, w, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, dw, NULL), FFN_OK);
            CU_ASSERT_EQUAL(memcmp(w, dw, sizes[k] * sizes[n] * sizeof(float)), 0);
            ffn_model_destroy(m);
        }
}

/* An optimizer that moves weights without a gradient must not disturb what stands behind the last input. */
static void move(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *values, const float *g,
                 float *const *state)
{
    (void)optimizer, (void)update, (void)g, (void)state;
    for (size_t i = 0; i < n; i++) values[i] += 1;
}

static void test_padding_stays(void)
{
    static const ffn_optimizer_ops ops = {.name = "move", .step = move};
    const float target[8] = {0};
    float before[3 * 5], after[3 * 5];
    ffn_model *m = ffn_model_create(1, NULL);
    ffn_set_kernels(m, FFN_KERNELS_NATIVE);
    const ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(5)), 3, ffn_linear());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, h, 1, ffn_linear()), NULL), FFN_OK);
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = (ffn_optimizer){.ops = &ops, .learning_rate = 1};
    ffn_trainer *t = ffn_trainer_create(m, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, before, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_step(t, x, target, 8, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, after, NULL), FFN_OK);
    for (size_t i = 0; i < COUNT(before); i++) CU_ASSERT_EQUAL(after[i], before[i] + 1);
    const float *block = m->values;
    for (size_t unit = 0; unit < 3; unit++)
        for (size_t i = 5; i < 16; i++) CU_ASSERT_EQUAL(block[unit * 16 + i], 0);
    ffn_trainer_destroy(t);
    ffn_model_destroy(m);
}

static void test_kernels_that_are_none(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *m = ffn_model_create(1, NULL);
    ffn_set_kernels(m, (ffn_kernels)7);
    const ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(5)), 3, ffn_linear());
    CU_ASSERT_EQUAL(ffn_model_build(m, h, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_set_kernels: 7"));
    ffn_model_destroy(m);
    ffn_set_kernels(NULL, FFN_KERNELS_BLAS);
}

/* Tiles have every element of the extent, each once, and none is empty. */
static void test_tiles(void)
{
    const size_t least[] = {1, 16, 64, 256};
    const double work[] = {0, 1.9e6, 2e6, 5e6, 1e9};
    for (size_t extent = 1; extent < 1200; extent += extent < 80 ? 1 : 37)
        for (size_t l = 0; l < COUNT(least); l++)
            for (size_t k = 0; k < COUNT(work); k++) {
                const ffn__tiles tiles = ffn__tiles_create(extent, least[l], work[k]);
                size_t at = 0;
                CU_ASSERT_FATAL(tiles.count >= 1 && tiles.count <= extent);
                for (size_t tile = 0; tile < tiles.count; tile++) {
                    CU_ASSERT_EQUAL(ffn__tile_begin(&tiles, tile), at);
                    CU_ASSERT(ffn__tile_end(&tiles, tile) > at);
                    at = ffn__tile_end(&tiles, tile);
                }
                CU_ASSERT_EQUAL(at, extent);
            }
}

static const test_case cases[] = {
    {"tiles", test_tiles},
    {"one layer", test_one_layer},
    {"training runs", test_training_runs},
    {"values come back", test_values_come_back},
    {"padding stays", test_padding_stays},
    {"kernels that are none", test_kernels_that_are_none},
};
TEST_MAIN("native", cases)
