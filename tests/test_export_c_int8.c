/* C files in 8 bits, what they report, and what an export refuses. */
#include "exported.h"
#include "failing.h"
#include "networks.h"

/* ---- 8 bits --------------------------------------------------------------------------------------------------------- */

typedef struct digits {
    ffn_dataset *training, *test;
    ffn_model *model;
} digits;

static digits train_digits(void)
{
    digits d = {NULL, NULL, NULL};
    const ffn_csv_options csv = {.classification = true};
    ffn_dataset *all = ffn_dataset_load_csv(FFN_TEST_DATA "/digits.csv", &csv, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    (void)ffn_dataset_split_stratified(all, (float)0.8, 1, &d.training, &d.test, NULL);
    ffn_dataset_destroy(all);
    d.model = ffn_model_create(3, NULL);
    ffn_value h = ffn_standardize(d.model, ffn_input(d.model, ffn_shape_1d(64)));
    h = ffn_dense(d.model, h, 32, ffn_relu());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(d.model, ffn_dense(d.model, h, 10, ffn_softmax()), NULL), FFN_OK);
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = 15;
    options.seed = 1;
    CU_ASSERT_EQUAL(ffn_fit(d.model, d.training, &options, NULL, NULL), FFN_OK);
    return d;
}

static void destroy_digits(digits *d)
{
    ffn_model_destroy(d->model);
    ffn_dataset_destroy(d->training);
    ffn_dataset_destroy(d->test);
}

static double accuracy_of(exported_function run, const ffn_dataset *data)
{
    const float *x = ffn_dataset_inputs(data).data, *targets = ffn_dataset_targets(data).data;
    size_t right = 0;
    for (size_t r = 0; r < ffn_dataset_rows(data); r++) {
        float y[10];
        size_t best = 0;
        run(x + 64 * r, y);
        for (size_t i = 1; i < 10; i++) best = y[i] > y[best] ? i : best;
        right += best == (size_t)targets[r];
    }
    return (double)right / (double)ffn_dataset_rows(data);
}

static void test_digits(void)
{
    digits d = train_digits();
    const exported_folder folder = exported_create();
    ffn_export_c_report bytes = {0}, floats = {0};
    ffn_export_c_options options = {.dataset = d.training, .evaluation = d.test, .int8 = true, .report = &bytes};
    CU_ASSERT_EQUAL(
        ffn_model_export_c_with(d.model, exported_file(folder, "small", ".c").text, "small", &options, NULL), FFN_OK);
    options.int8 = false;
    options.report = &floats;
    CU_ASSERT_EQUAL(
        ffn_model_export_c_with(d.model, exported_file(folder, "large", ".c").text, "large", &options, NULL), FFN_OK);
    void *library = exported_load(folder, "-O3 -DSMALL_SELF_TEST -DLARGE_SELF_TEST", "-lm");
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    exported_function small = NULL, large = NULL;
    exported_self_test small_test = NULL, large_test = NULL;
    EXPORTED_FIND(exported_function, library, "small", small);
    EXPORTED_FIND(exported_function, library, "large", large);
    EXPORTED_FIND(exported_self_test, library, "small_self_test", small_test);
    EXPORTED_FIND(exported_self_test, library, "large_self_test", large_test);
    CU_ASSERT_EQUAL(small_test(), 0);
    CU_ASSERT_EQUAL(large_test(), 0);

    ffn_metrics metrics = {0};
    CU_ASSERT_EQUAL(ffn_evaluate(d.model, d.test, (ffn_loss){0}, &metrics, NULL), FFN_OK);
    const double row = 1.5 / (double)ffn_dataset_rows(d.test); /* a row between two classes may fall to either */
    CU_ASSERT_DOUBLE_EQUAL(bytes.accuracy, metrics.accuracy, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(accuracy_of(large, d.test), metrics.accuracy, row);
    CU_ASSERT_DOUBLE_EQUAL(accuracy_of(small, d.test), bytes.int8_accuracy, row);
    CU_ASSERT(bytes.int8_accuracy > metrics.accuracy - 0.01);
    CU_ASSERT(bytes.accuracy > 0.9);
    CU_ASSERT(bytes.mean_error > 0 && bytes.mean_error < 0.005);
    CU_ASSERT(bytes.largest_error > bytes.mean_error && bytes.largest_error <= 1);
    CU_ASSERT_EQUAL(bytes.rows, ffn_dataset_rows(d.test));
    CU_ASSERT_EQUAL(floats.constant_bytes, 4 * (2 * 64 + 64 * 32 + 32 + 32 * 10 + 10));
    CU_ASSERT_EQUAL(bytes.constant_bytes, 4 * 2 * 64 + 64 * 32 + 32 * 10 + 8 * (32 + 10));
    CU_ASSERT(isnan(floats.int8_accuracy));
    ffn_metrics_destroy(&metrics);
    (void)dlclose(library);
    exported_destroy(folder);
    destroy_digits(&d);
}

/* Every form: what is compiled does what was simulated, and that is near the library. */
static void test_forms(void)
{
    const exported_folder folder = exported_create();
    char flags[4096];
    size_t length = 0;
    float x[200 * INPUTS];
    fill_uniform(x, COUNT(x), 5, -1, 1);
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (strcmp(forms[i].name, "custom") == 0) continue;
        ffn_model *model = form_build(&forms[i], 60 + i);
        ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_model_input_shape(model), NULL, ffn_shape_1d(1), 200, NULL);
        ffn_export_c_report report = {0};
        const ffn_export_c_options options = {
            .int8 = true, .dataset = data, .caller_scratch = i % 2, .own_math = i % 3 == 0, .report = &report};
        char name[20];
        (void)snprintf(name, sizeof name, "f%zu", i);
        CU_ASSERT_EQUAL(ffn_model_export_c_with(model, exported_file(folder, name, ".c").text, name, &options, NULL),
                        FFN_OK);
        float y[200 * 2 * OUTPUTS];
        double largest = 0;
        (void)ffn_predict(model, x, 200, y, NULL);
        for (size_t k = 0; k < 200 * ffn_shape_size(ffn_model_output_shape(model)); k++)
            largest = fmax(largest, (double)fabsf(y[k]));
        if (!(report.mean_error <= 0.01 * largest)) printf("\n    %s: off by %g\n", forms[i].name, report.mean_error);
        CU_ASSERT(report.mean_error <= 0.01 * largest);
        CU_ASSERT(isnan(report.accuracy) && isnan(report.int8_accuracy));
        length += (size_t)snprintf(flags + length, sizeof flags - length, " -DF%zu_SELF_TEST", i);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
    void *library = exported_load(folder, flags, "-lm");
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (strcmp(forms[i].name, "custom") == 0) continue;
        char name[40];
        (void)snprintf(name, sizeof name, "f%zu_self_test", i);
        exported_self_test test = NULL;
        EXPORTED_FIND(exported_self_test, library, name, test);
        CU_ASSERT_PTR_NOT_NULL_FATAL(test);
        CU_ASSERT_EQUAL(test(), 0);
    }
    (void)dlclose(library);
    exported_destroy(folder);
}

/* A unit without weights, whose bias is large beside the steps of the sum, and an input that is always 0. */
static void test_degenerate(void)
{
    const exported_folder folder = exported_create();
    ffn_model *model = ffn_model_create(1, NULL);
    (void)ffn_model_build(model, ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 2, ffn_linear()), NULL);
    const float weight[] = {0, 0, (float)1e-20, (float)-1e-20}, bias[] = {(float)0.5, 1000}, x[] = {0, 0};
    (void)ffn_model_set_parameter(model, 0, weight, NULL);
    (void)ffn_model_set_parameter(model, 1, bias, NULL);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(2), NULL, ffn_shape_1d(1), 1, NULL);
    ffn_export_c_report report = {0};
    const ffn_export_c_options options = {.int8 = true, .dataset = data, .report = &report};
    CU_ASSERT_EQUAL(ffn_model_export_c_with(model, exported_file(folder, "f", ".c").text, "f", &options, NULL), FFN_OK);
    CU_ASSERT(report.largest_error < 1e-3);
    void *library = exported_load(folder, "-Os", "-lm");
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    exported_function run = NULL;
    EXPORTED_FIND(exported_function, library, "f", run);
    float y[2];
    run(x, y);
    CU_ASSERT_DOUBLE_EQUAL((double)y[0], 0.5, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)y[1], 1000, 1e-3);
    (void)dlclose(library);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    exported_destroy(folder);
}

/* All inputs below the smallest normal number: what 1 is in their steps would be beyond the largest float. */
static void test_tiny_inputs(void)
{
    const exported_folder folder = exported_create();
    ffn_model *model = form_build(&forms[0], 1);
    float x[10 * INPUTS];
    for (size_t i = 0; i < COUNT(x); i++) x[i] = (float)1e-39 * (float)(i % 5);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_model_input_shape(model), NULL, ffn_shape_1d(1), 10, NULL);
    ffn_export_c_report report = {0};
    const ffn_export_c_options options = {.int8 = true, .dataset = data, .report = &report};
    CU_ASSERT_EQUAL(ffn_model_export_c_with(model, exported_file(folder, "f", ".c").text, "f", &options, NULL), FFN_OK);
    CU_ASSERT(report.largest_error < 0.01);
    void *library = exported_load(folder, "-DF_SELF_TEST", "-lm");
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    exported_self_test test = NULL;
    EXPORTED_FIND(exported_self_test, library, "f_self_test", test);
    CU_ASSERT_EQUAL(test(), 0);
    (void)dlclose(library);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    exported_destroy(folder);
}

/* ---- what is refused ------------------------------------------------------------------------------------------------ */

static void expect(ffn_status status, const char *part, const ffn_model *model, const char *path, const char *name,
                   const ffn_export_c_options *options)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_model_export_c_with(model, path, name, options, &error), status);
    CU_ASSERT_EQUAL(error.status, status);
    if (!strstr(error.message, part)) printf("\n    '%s' does not say '%s'\n", error.message, part);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, part));
    CU_ASSERT_EQUAL(ffn_model_export_c_with(model, path, name, options, NULL), status);
}

static void test_refusals(void)
{
    static const char *const bad_names[] = {"",
                                            "1a",
                                            "a b",
                                            "_a",
                                            "a-b",
                                            "int",
                                            "main",
                                            "a\n",
                                            "*/",
                                            NULL,
                                            "a2345678901234567890123456789012345678901",
                                            "NULL",
                                            "size_t",
                                            "int8_t",
                                            "UINT8_MAX",
                                            "INT8_C",
                                            "bool",
                                            "asm",
                                            "linux",
                                            "tanh",
                                            "expf",
                                            "y0",
                                            "NAN",
                                            "M_PI",
                                            "memcpy"};
    const exported_folder folder = exported_create();
    const exported_path path = exported_file(folder, "a", ".c");
    ffn_model *model = form_build(&forms[0], 1), *open = ffn_model_create(1, NULL);
    float x[8] = {0};
    ffn_dataset *narrow = ffn_dataset_from_arrays(x, ffn_shape_1d(2), NULL, ffn_shape_1d(1), 4, NULL);
    expect(FFN_INVALID_ARGUMENT, "NULL", NULL, path.text, "a", NULL);
    expect(FFN_INVALID_ARGUMENT, "not built", open, path.text, "a", NULL);
    expect(FFN_INVALID_ARGUMENT, "path is NULL", model, NULL, "a", NULL);
    for (size_t i = 0; i < COUNT(bad_names); i++)
        expect(FFN_INVALID_ARGUMENT, "function's name", model, path.text, bad_names[i], NULL);
    expect(FFN_INVALID_ARGUMENT, "dataset", model, path.text, "a", &(ffn_export_c_options){.int8 = true});
    expect(FFN_INVALID_ARGUMENT, "test_rows", model, path.text, "a", &(ffn_export_c_options){.test_rows = 1001});
    expect(FFN_SHAPE_MISMATCH, "2 features", model, path.text, "a", &(ffn_export_c_options){.dataset = narrow});
    expect(FFN_SHAPE_MISMATCH, "evaluation", model, path.text, "a", &(ffn_export_c_options){.evaluation = narrow});
    CU_ASSERT_NOT_EQUAL(access(path.text, F_OK), 0);
    expect(FFN_IO_ERROR, "no such file", model, "/nowhere/a.c", "a", NULL);
    expect(FFN_IO_ERROR, "no space", model, "/dev/full", "a", NULL);
    CU_ASSERT_EQUAL(access("/dev/full", F_OK), 0);
    expect(FFN_IO_ERROR, "directory", model, folder.path, "a", NULL);
    ffn_dataset_destroy(narrow);
    ffn_model_destroy(open);
    ffn_model_destroy(model);
    exported_destroy(folder);
}

static const form *find_form(const char *name)
{
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (strcmp(forms[i].name, name) == 0) return &forms[i];
    return NULL;
}

static void test_from_outside(void)
{
    const exported_folder folder = exported_create();
    const exported_path path = exported_file(folder, "a", ".c");
    ffn_model *custom = form_build(find_form("custom"), 1), *model = ffn_model_create(1, NULL);
    expect(FFN_UNSUPPORTED, "cube", custom, path.text, "a", NULL);
    const ffn_activation relu = ffn_relu();
    ffn_activation_ops ops = *relu.ops;
    ops.name = "mine";
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 2, (ffn_activation){.ops = &ops});
    ffn_set_name(model, y, "here");
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    expect(FFN_UNSUPPORTED, "mine", model, path.text, "a", NULL);
    expect(FFN_UNSUPPORTED, "here", model, path.text, "a", NULL);
    CU_ASSERT_NOT_EQUAL(access(path.text, F_OK), 0);
    ffn_model_destroy(model);
    ffn_model_destroy(custom);
    exported_destroy(folder);
}

/* What calls itself as one of the library's is not taken for it, in float or in 8 bits. */
static void test_false_names(void)
{
    const exported_folder folder = exported_create();
    const exported_path path = exported_file(folder, "a", ".c");
    const float x[6] = {1, 2, 3, 4, 5, 6};
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(3), NULL, ffn_shape_1d(1), 2, NULL);
    const ffn_export_c_options int8 = {.int8 = true, .dataset = data};
    ffn_model *(*const builders[])(size_t) = {build_false_layer, build_false_activation};
    size_t count = 0;
    for (size_t b = 0; b < COUNT(builders); b++)
        for (size_t i = 0;; i++, count++) {
            ffn_model *model = builders[b](i);
            if (!model) break;
            expect(FFN_UNSUPPORTED, "here", model, path.text, "a", NULL);
            expect(FFN_UNSUPPORTED, "here", model, path.text, "a", &int8);
            ffn_model_destroy(model);
        }
    CU_ASSERT(count > 30);
    CU_ASSERT_NOT_EQUAL(access(path.text, F_OK), 0);
    ffn_dataset_destroy(data);
    exported_destroy(folder);
}

/* A layer's name is a program's text: it must not get out of its comment. */
static void test_names(void)
{
    const exported_folder folder = exported_create();
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 2, ffn_linear());
    ffn_set_name(model, y, "*/ int injected; /*\n\\%s\"");
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_export_c(model, exported_file(folder, "a", ".c").text, "a", NULL), FFN_OK);
    void *library = exported_load(folder, "-Os", "-lm");
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    CU_ASSERT_PTR_NULL(dlsym(library, "injected"));
    (void)dlclose(library);
    ffn_model_destroy(model);
    exported_destroy(folder);
}

static void test_no_memory(void)
{
    enum { ROWS = 9 }; /* a plan for fewer would stay with the model */
    const exported_folder folder = exported_create();
    const exported_path path = exported_file(folder, "a", ".c");
    ffn_model *model = form_build(find_form("shared thrice"), 1);
    float x[ROWS * INPUTS];
    fill_uniform(x, COUNT(x), 5, -1, 1);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(INPUTS), NULL, ffn_shape_1d(1), ROWS, NULL);
    for (int int8 = 0; int8 < 2; int8++) {
        const ffn_export_c_options options = {.int8 = int8, .dataset = data};
        ffn_status status = FFN_OUT_OF_MEMORY;
        size_t failures = 0;
        for (size_t n = 1; status != FFN_OK && n < 1000; n++) {
            failing_start(n);
            status = ffn_model_export_c_with(model, path.text, "a", &options, NULL);
            CU_ASSERT_EQUAL(failing_stop(), 0);
            CU_ASSERT(status == FFN_OK || status == FFN_OUT_OF_MEMORY);
            CU_ASSERT_EQUAL(access(path.text, F_OK) == 0, status == FFN_OK);
            failures += status != FFN_OK;
        }
        CU_ASSERT_EQUAL(status, FFN_OK);
        CU_ASSERT(failures > 15);
        (void)unlink(path.text);
    }
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    exported_destroy(folder);
}

static const test_case cases[] = {
    {"digits in 8 bits and in float", test_digits},
    {"all forms in 8 bits", test_forms},
    {"units without weights, inputs without values", test_degenerate},
    {"inputs near 0", test_tiny_inputs},
    {"wrong arguments and paths", test_refusals},
    {"layers and activations from outside", test_from_outside},
    {"false names", test_false_names},
    {"names that are C", test_names},
    {"no memory", test_no_memory},
};

TEST_MAIN("C export in 8 bits", cases)
