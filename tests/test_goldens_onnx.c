/* Networks that PyTorch wrote as ONNX, imported: outputs as PyTorch's, and training goes on. */
#include "golden.h"

#include "ffn.h"

static const struct {
    const char *name;
    int opsets[4];
} files[] = {
    {"relu", {13, 15, 16, 17}},   {"classes", {13, 17}}, {"gelu", {13, 17}},     {"gelu_tanh", {13, 17}},
    {"silu", {13, 17}},           {"mish", {13, 17}},    {"others", {13, 17}},   {"norms", {13, 15, 16, 17}},
    {"tokens", {13, 15, 16, 17}}, {"scaled", {13, 17}},  {"residual", {13, 17}}, {"per_unit", {13, 17}},
};
enum { ROWS = 5, FILES = sizeof files / sizeof files[0] };

static ffn_model *load(const char *name, int opset)
{
    char path[1024];
    ffn_error error = {FFN_OK, ""};
    const char *slash = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*sonnx/%s_%d.onnx", slash ? (int)(slash - __FILE__) + 1 : 0, __FILE__, name, opset);
    ffn_model *model = ffn_model_import_onnx(path, &error);
    if (!model) printf("\n    %s, operator set %d: %s\n", name, opset, error.message);
    return model;
}

static void test_outputs(void)
{
    golden_file golden = golden_load("onnx");
    for (size_t i = 0; i < FILES; i++) {
        const golden_case *c = golden_find(&golden, files[i].name);
        float *x = golden_floats(golden_get(c, "x")), y[ROWS * 16];
        for (size_t k = 0; k < 4 && files[i].opsets[k]; k++) {
            ffn_model *model = load(files[i].name, files[i].opsets[k]);
            CU_ASSERT_PTR_NOT_NULL(model);
            if (!model) continue;
            CU_ASSERT_EQUAL_FATAL(ffn_shape_size(ffn_model_output_shape(model)) * ROWS, golden_get(c, "y")->count);
            CU_ASSERT_EQUAL(ffn_predict(model, x, ROWS, y, NULL), FFN_OK);
            CU_ASSERT_EQUAL(golden_differences(files[i].name, golden_get(c, "y"), y, 1e-5, 1e-6), 0);
            ffn_model_destroy(model);
        }
        free(x);
    }
    golden_close(&golden);
}

/* The layers are the library's own, so the loss of any of them falls when it is trained. */
static void test_training(void)
{
    golden_file golden = golden_load("onnx");
    for (size_t i = 0; i < FILES; i++) {
        const golden_case *c = golden_find(&golden, files[i].name);
        float *x = golden_floats(golden_get(c, "x")), targets[ROWS * 16] = {0};
        ffn_model *model = load(files[i].name, 17);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        const size_t outputs = ffn_shape_size(ffn_model_output_shape(model));
        for (size_t k = 0; k < ROWS; k++) targets[k * outputs + k % outputs] = 1;
        const ffn_fit_options options = {.loss = ffn_mse(), .optimizer = ffn_adam((float)0.01), .batch_size = ROWS};
        ffn_fit_options with_softmax = options;
        if (strcmp(files[i].name, "classes") == 0) with_softmax.loss = ffn_cross_entropy_soft();
        ffn_trainer *trainer = ffn_trainer_create(model, &with_softmax, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
        double first = 0, last = 0;
        for (int step = 0; step < 100; step++) {
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, ROWS, &last, NULL), FFN_OK);
            if (step == 0) first = last;
        }
        if (!(last < 0.9 * first)) printf("\n    %s: loss %g, after training %g\n", files[i].name, first, last);
        CU_ASSERT(last < 0.9 * first);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
        free(x);
    }
    golden_close(&golden);
}

/* One layer used twice stays one; the scaler is one, fitted. */
static void test_structure(void)
{
    ffn_model *residual = load("residual", 17), *scaled = load("scaled", 17), *relu = load("relu", 17);
    size_t index;
    CU_ASSERT_EQUAL(ffn_model_parameter_count(residual), 6);
    CU_ASSERT_EQUAL(ffn_model_find_parameter(scaled, "standardize1.fitted", &index, NULL), FFN_OK);
    float fitted = 0;
    CU_ASSERT_EQUAL(ffn_model_get_parameter(scaled, index, &fitted, NULL), FFN_OK);
    CU_ASSERT_EQUAL(fitted, 1);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(relu), 4);
    ffn_model_destroy(residual);
    ffn_model_destroy(scaled);
    ffn_model_destroy(relu);
}

static const test_case cases[] = {
    {"outputs as PyTorch's", test_outputs},
    {"training goes on", test_training},
    {"shared weights and scalers", test_structure},
};

TEST_MAIN("ONNX from PyTorch", cases)
