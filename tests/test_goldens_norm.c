/* Normalization against goldens/norm.txt: batches in training, what updates make of the running statistics, and
 * prediction, on each instruction set. */
#include "golden.h"
#include "tensor/isa.h"

/* Of an array's largest golden: x near 1000 with a spread of 1/2 leaves float32 four digits less. */
static double tolerance(const golden_entry *want, const golden_case *golden)
{
    const bool hard = strstr(golden->name, "far_from_zero") != NULL;
    double most = 0;
    for (size_t i = 0; i < want->count; i++) most = fmax(most, fabs(want->values[i]));
    if (sizeof(float) == sizeof(double)) return most * (hard ? 1e-9 : 1e-12);
    return most * (hard ? 2e-4 : 2e-6);
}

static const golden_entry *numbered(const golden_case *golden, const char *key, size_t k)
{
    char name[32];
    snprintf(name, sizeof name, "%s%zu", key, k);
    return golden_maybe(golden, name);
}

static void expect(const golden_case *golden, const golden_entry *want, const float *got)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(want);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    if (golden_differences(golden->name, want, got, 0, tolerance(want, golden)) == 0) return;
    printf("    on %s\n", ffn__isa_name(ffn__isa()));
    CU_FAIL("golden");
}

static ffn_model *build(const golden_case *golden)
{
    const golden_entry *dims = golden_get(golden, "shape");
    ffn_shape shape = {.rank = dims->count};
    for (size_t d = 0; d < dims->count; d++) shape.dim[d] = (size_t)dims->values[d];
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, shape);
    const bool batch = strcmp(golden_get(golden, "kind")->word, "batch_norm") == 0;
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, batch ? ffn_batch_norm(model, x) : ffn_layer_norm(model, x), NULL),
                          FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(model), batch ? 4 : 2);
    float *weight = golden_floats(golden_get(golden, "weight")), *bias = golden_floats(golden_get(golden, "bias"));
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, weight, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 1, bias, NULL), FFN_OK);
    free(weight);
    free(bias);
    return model;
}

static void expect_gradients(const golden_case *golden, const ffn_plan *plan, size_t k)
{
    const golden_entry *want[] = {numbered(golden, "dweight", k), numbered(golden, "dbias", k)};
    for (size_t i = 0; i < 2; i++) {
        float *values = golden_floats(want[i]);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, i, values, NULL), FFN_OK);
        expect(golden, want[i], values);
        free(values);
    }
}

static void expect_states(const golden_case *golden, const ffn_model *model, size_t k)
{
    const golden_entry *want[] = {numbered(golden, "running_mean", k), numbered(golden, "running_var", k)};
    for (size_t i = 0; i < 2 && want[i]; i++) {
        float *values = golden_floats(want[i]);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 2 + i, values, NULL), FFN_OK);
        expect(golden, want[i], values);
        free(values);
    }
}

/* The gradients come from a plan of their own; the trainer, at learning rate 0, commits the statistics. */
static void run(const golden_case *golden)
{
    ffn_model *model = build(golden);
    const ffn_fit_options options = {.optimizer = ffn_sgd(0), .batch_size = 32};
    ffn_plan *plan =
        ffn_plan_create(model, (ffn_plan_options){.max_batch = 32, .training = true, .input_gradient = true}, NULL);
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    const golden_entry *last = NULL;
    for (size_t k = 0; numbered(golden, "x", k); k++) {
        last = numbered(golden, "x", k);
        float *x = golden_floats(last), *dy = golden_floats(numbered(golden, "dy", k));
        expect(golden, numbered(golden, "y", k), ffn_forward(plan, x, last->dim[0]));
        ffn_backward_from(plan, dy);
        expect(golden, numbered(golden, "dx", k), ffn_input_gradient(plan));
        expect_gradients(golden, plan, k);
        CU_ASSERT_PTR_NOT_NULL(ffn_forward(ffn_trainer_plan(trainer), x, last->dim[0]));
        ffn_backward_from(ffn_trainer_plan(trainer), dy);
        CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
        expect_states(golden, model, k);
        free(x);
        free(dy);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    float *x = golden_floats(last), *y = golden_floats(last);
    CU_ASSERT_EQUAL(ffn_predict(model, x, last->dim[0], y, NULL), FFN_OK);
    expect(golden, golden_get(golden, "prediction"), y);
    free(x);
    free(y);
    ffn_trainer_destroy(trainer);
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static void test_norms(void)
{
    const ffn__isa_id usual = ffn__isa();
    golden_file file = golden_load("norm");
    CU_ASSERT(file.count >= 13);
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        for (size_t i = 0; ffn__isa_force((ffn__isa_id)isa) && i < file.count; i++) run(&file.cases[i]);
    ffn__isa_force(usual);
    golden_close(&file);
}

static const test_case cases[] = {{"batch_norm and layer_norm", test_norms}};

TEST_MAIN("goldens of normalization", cases)
