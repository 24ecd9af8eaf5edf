/* Layers that a predicting plan runs as one give the bits of the layers one by one. */
#include "backprop/plan.h"
#include "failing.h"
#include "networks.h"
#include "test.h"

enum { MOST_ROWS = 70, MOST_INPUTS = 90, MOST_OUTPUTS = 300 };

static float x[MOST_ROWS * MOST_INPUTS];

/* Statistics, weights and slopes as training may leave them. */
static void spoil(ffn_model *model)
{
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        float *values = malloc(ffn_shape_size(info.shape) * sizeof *values);
        const bool positive = strstr(info.name, "running_var") != NULL;
        fill_uniform(values, ffn_shape_size(info.shape), i + 1, positive ? (float)0.01 : -1, 2);
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, i, values, NULL), FFN_OK);
        free(values);
    }
}

/* The bits of a plan with a step for each layer beside those of one that predicts, which has `steps`. */
static void compare(const ffn_model *model, size_t rows, size_t threads, size_t steps)
{
    const ffn_plan_options options = {.max_batch = rows, .threads = threads};
    ffn_plan *single = ffn__plan_create(model, options, true, NULL), *fused = ffn_plan_create(model, options, NULL);
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(model));
    CU_ASSERT_PTR_NOT_NULL_FATAL(single);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fused);
    CU_ASSERT_EQUAL(fused->op_count, steps);
    (void)ffn_forward(fused, x, rows); /* leaves its scratch to the next one */
    const float *expected = ffn_forward(single, x, rows), *found = ffn_forward(fused, x, rows);
    CU_ASSERT_EQUAL(memcmp(found, expected, rows * outputs * sizeof *found), 0);
    CU_ASSERT(isfinite(found[0]) && found[0] != found[outputs - 1]);
    ffn_plan_destroy(single);
    ffn_plan_destroy(fused);
}

static ffn_value normalized(ffn_model *m, ffn_value h, size_t units, bool bias)
{
    h = ffn_dense(m, h, units, ffn_linear());
    ffn_set_bias(m, h, bias);
    h = ffn_batch_norm(m, h);
    ffn_set_bias(m, h, bias);
    return h;
}

/* Every way through both kernels: narrow layers, few rows, rows and units beyond whole panels and parts. */
static void test_shapes(void)
{
    const size_t sides[][2] = {{6, 5}, {16, 16}, {17, 33}, {90, 300}, {40, 1}};
    const size_t rows[] = {1, 3, 8, 33, 70};
    for (size_t s = 0; s < COUNT(sides); s++)
        for (size_t r = 0; r < COUNT(rows); r++)
            for (size_t k = 0; k < 4; k++) {
                ffn_model *m = ffn_model_create(1, NULL);
                ffn_set_kernels(m, k % 2 ? FFN_KERNELS_NATIVE : FFN_KERNELS_BLAS);
                ffn_value h = ffn_input(m, ffn_shape_1d(sides[s][0]));
                h = ffn_activate(m, normalized(m, h, sides[s][1], k < 2), ffn_tanh());
                h = ffn_dense(m, h, 3, ffn_softmax());
                CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
                spoil(m);
                compare(m, rows[r], 1 + r % 2, 2);
                ffn_model_destroy(m);
            }
}

static void test_activations(void)
{
    const ffn_activation kinds[] = {
        ffn_relu(), ffn_softmax(), ffn_log_softmax(), ffn_prelu((float)0.2), ffn_prelu_per_unit((float)0.2),
        ffn_gelu()};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t k = FFN_KERNELS_BLAS; k <= FFN_KERNELS_NATIVE; k++)
            for (size_t rows = 2; rows <= 40; rows += 38) {
                ffn_model *m = ffn_model_create(1, NULL);
                ffn_set_kernels(m, (ffn_kernels)k);
                ffn_value h = normalized(m, ffn_input(m, ffn_shape_1d(20)), 140, true);
                CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_activate(m, h, kinds[i]), NULL), FFN_OK);
                spoil(m);
                compare(m, rows, 2, 1);
                ffn_model_destroy(m);
            }
}

/* What must stay as it is, and how many steps are left. */
static ffn_value no_activation(ffn_model *m, ffn_value h) { return normalized(m, h, 7, true); }
static ffn_value several(ffn_model *m, ffn_value h)
{
    for (size_t i = 0; i < 3; i++)
        h = ffn_dropout(m, ffn_activate(m, normalized(m, h, 20 + i, true), ffn_relu()), 0.5f);
    return ffn_dense(m, h, 4, ffn_linear());
}
static ffn_value dense_read_twice(ffn_model *m, ffn_value h)
{
    h = ffn_dense(m, h, 7, ffn_linear());
    return ffn_add(m, ffn_batch_norm(m, h), h);
}
static ffn_value norm_read_twice(ffn_model *m, ffn_value h)
{
    h = normalized(m, h, 7, true);
    return ffn_add(m, ffn_activate(m, h, ffn_relu()), h);
}
static ffn_value activated_before(ffn_model *m, ffn_value h)
{
    return ffn_activate(m, ffn_batch_norm(m, ffn_dense(m, h, 7, ffn_tanh())), ffn_relu());
}
static ffn_value shared_dense(ffn_model *m, ffn_value h)
{
    const ffn_value d = ffn_dense(m, h, 6, ffn_linear()), again = ffn_share(m, d, ffn_activate(m, h, ffn_tanh()));
    return ffn_add(m, ffn_batch_norm(m, d), again);
}
static ffn_value shared_norm(ffn_model *m, ffn_value h)
{
    const ffn_value n = ffn_batch_norm(m, ffn_dense(m, h, 6, ffn_linear()));
    return ffn_share(m, n, ffn_activate(m, n, ffn_tanh()));
}
static ffn_value sequence(ffn_model *m, ffn_value h)
{
    return ffn_activate(m, normalized(m, ffn_reshape(m, h, ffn_shape_2d(2, 3)), 9, true), ffn_relu());
}
static ffn_value channels(ffn_model *m, ffn_value h)
{
    return ffn_activate(m, normalized(m, ffn_reshape(m, h, ffn_shape_3d(2, 1, 3)), 9, true), ffn_relu());
}

static void test_forms(void)
{
    const struct {
        ffn_value (*describe)(ffn_model *, ffn_value);
        size_t steps;
    } expected[] = {{no_activation, 1},   {several, 4},          {dense_read_twice, 3},
                    {norm_read_twice, 3}, {activated_before, 3}, {shared_dense, 5},
                    {shared_norm, 4},     {sequence, 1},         {channels, 3}};
    for (size_t i = 0; i < COUNT(expected); i++) {
        ffn_error error = {0};
        ffn_model *m = ffn_model_create(1, NULL);
        const ffn_value y = expected[i].describe(m, ffn_input(m, ffn_shape_1d(6)));
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, y, &error), FFN_OK);
        spoil(m);
        compare(m, 5, 1, expected[i].steps);
        compare(m, 40, 2, expected[i].steps);
        ffn_model_destroy(m);
    }
}

/* A plan reads the weights as they are at each forward. */
static void test_new_statistics(void)
{
    ffn_model *m = ffn_model_create(1, NULL);
    const ffn_value h = normalized(m, ffn_input(m, ffn_shape_1d(6)), 20, true);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_activate(m, h, ffn_linear()), NULL), FFN_OK);
    ffn_plan *plan = ffn_plan_create(m, (ffn_plan_options){.max_batch = 1}, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    const float before = ffn_forward(plan, x, 1)[3];
    spoil(m);
    float y[20];
    CU_ASSERT_EQUAL(ffn_predict(m, x, 1, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_forward(plan, x, 1)[3], y[3]);
    CU_ASSERT(y[3] != before);
    ffn_plan_destroy(plan);
    ffn_model_destroy(m);
}

static void test_memory(void)
{
    ffn_model *m = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, several(m, ffn_input(m, ffn_shape_1d(6))), NULL), FFN_OK);
    ffn_plan *plan = NULL;
    size_t fail_at = 0;
    while (!plan && fail_at++ < 100) {
        ffn_error error = {0};
        failing_start(fail_at);
        plan = ffn_plan_create(m, (ffn_plan_options){.max_batch = 4}, &error);
        CU_ASSERT_EQUAL(plan == NULL, error.status == FFN_OUT_OF_MEMORY);
        ffn_plan_destroy(plan);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(fail_at > 6);
    ffn_model_destroy(m);
}

static void run(void (*test)(void))
{
    fill_uniform(x, COUNT(x), 5, -2, 3);
    test();
}
static void run_shapes(void) { run(test_shapes); }
static void run_activations(void) { run(test_activations); }
static void run_forms(void) { run(test_forms); }
static void run_new_statistics(void) { run(test_new_statistics); }

static const test_case cases[] = {
    {"shapes", run_shapes},  {"activations", run_activations},
    {"forms", run_forms},    {"new statistics", run_new_statistics},
    {"memory", test_memory},
};
TEST_MAIN("layers in one", cases)
