/* Models as ONNX: accepted by ONNX's checker, computed alike by ONNX Runtime. Where one of these is missing, its part
 * says so and is left out. */
#include "failing.h"
#include "networks.h"
#include "onnx_networks.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 3, MOST = 64 };

typedef struct folder_path {
    char text[160];
} folder_path;

static folder_path folder_create(void)
{
    folder_path folder = {"/tmp/ffn-onnx-XXXXXX"};
    if (!mkdtemp(folder.text)) CU_FAIL_FATAL("mkdtemp");
    return folder;
}

static void folder_destroy(folder_path folder)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder.text);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void write_floats(FILE *file, const float *values, size_t rows, size_t stride, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) fprintf(file, "%s%.9g", r || i ? "," : "", (double)values[r * stride + i]);
}

/* Inputs and the library's outputs, beside the model. */
static void write_expected(const ffn_model *model, const network_description *d, const char *path)
{
    float x[ROWS * MOST], y[ROWS * MOST];
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(model));
    const ffn_shape shape = ffn_model_output_shape(model);
    fill_uniform(x, ROWS * inputs, 5, -3, 3);
    CU_ASSERT_EQUAL_FATAL(ffn_predict(model, x, ROWS, y, NULL), FFN_OK);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fprintf(file, "{\"inputs\":[");
    for (size_t i = 0, begin = 0; i < d->inputs; i++) {
        const ffn_shape in = d->inputs == 1 ? ffn_model_input_shape(model) : d->input_shapes[i];
        fprintf(file, "%s{\"name\":\"input%.0zu\",\"shape\":[%d", i ? "," : "", d->inputs == 1 ? 0 : i + 1, ROWS);
        for (size_t k = 0; k < in.rank; k++) fprintf(file, ",%zu", in.dim[k]);
        fprintf(file, "],\"data\":[");
        write_floats(file, x + begin, ROWS, inputs, ffn_shape_size(in));
        fprintf(file, "]}");
        begin += ffn_shape_size(in);
    }
    fprintf(file, "],\"shape\":[%d", ROWS);
    for (size_t k = 0; k < shape.rank; k++) fprintf(file, ",%zu", shape.dim[k]);
    fprintf(file, "],\"output\":[");
    write_floats(file, y, ROWS, ffn_shape_size(shape), ffn_shape_size(shape));
    fprintf(file, "]}\n");
    fclose(file);
}

static void write_all(folder_path folder)
{
    static const size_t opsets[] = {11, 13, 14, 17};
    for (size_t i = 0; i < network_count(); i++) {
        const network_description d = network_at(i);
        for (size_t k = 0; k < COUNT(opsets); k++) {
            char path[220];
            ffn_error error = {FFN_OK, ""};
            (void)snprintf(path, sizeof path, "%s/%zu_%zu.onnx", folder.text, i, opsets[k]);
            if (ffn_model_export_onnx_with(d.model, path, opsets[k], &error) != FFN_OK)
                printf("\n    %s: %s\n", d.name, error.message);
            CU_ASSERT_EQUAL(error.status, FFN_OK);
            (void)snprintf(path, sizeof path, "%s/%zu_%zu.json", folder.text, i, opsets[k]);
            write_expected(d.model, &d, path);
        }
        ffn_model_destroy(d.model);
    }
}

static void run_script(const char *interpreter, const char *script, folder_path folder, const char *what)
{
    char command[600];
    (void)snprintf(command, sizeof command, "command -v %s >/dev/null || exit 77; %s %s/%s %s >%s/log 2>&1",
                   interpreter, interpreter, FFN_TEST_ONNX, script, folder.text, folder.text);
    const int status = system(command);
    const bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    if (missing) printf("\n    %s is not here: left out\n", what);
    if (!missing && status != 0) {
        printf("\n");
        (void)snprintf(command, sizeof command, "tail -n 20 %s/log", folder.text);
        (void)system(command);
    }
    CU_ASSERT(missing || status == 0);
}

static void test_elsewhere(void)
{
    const folder_path folder = folder_create();
    write_all(folder);
    run_script("/usr/bin/python3", "check.py", folder, "the checker of ONNX");
    run_script("node", "run.js", folder, "ONNX Runtime");
    folder_destroy(folder);
}

static void expect(ffn_status status, const char *part, const ffn_model *model, const char *path, size_t opset)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_model_export_onnx_with(model, path, opset, &error), status);
    CU_ASSERT_EQUAL(error.status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, part));
    CU_ASSERT_EQUAL(ffn_model_export_onnx_with(model, path, opset, NULL), status);
}

static void test_refusals(void)
{
    const folder_path folder = folder_create();
    char path[200];
    (void)snprintf(path, sizeof path, "%s/a.onnx", folder.text);
    ffn_model *model = form_build(&forms[0], 1), *open = ffn_model_create(1, NULL), *custom = NULL;
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (strcmp(forms[i].name, "custom") == 0) custom = form_build(&forms[i], 1);
    expect(FFN_INVALID_ARGUMENT, "NULL", NULL, path, 0);
    expect(FFN_INVALID_ARGUMENT, "not built", open, path, 0);
    expect(FFN_INVALID_ARGUMENT, "path is NULL", model, NULL, 0);
    expect(FFN_UNSUPPORTED, "operator set 10", model, path, 10);
    expect(FFN_UNSUPPORTED, "operator set 18", model, path, 18);
    expect(FFN_UNSUPPORTED, "cube", custom, path, 0);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    expect(FFN_IO_ERROR, "no such file", model, "/nowhere/a.onnx", 0);
    expect(FFN_IO_ERROR, "no space", model, "/dev/full", 0);
    ffn_status status = FFN_OUT_OF_MEMORY;
    size_t failures = 0;
    for (size_t n = 1; status != FFN_OK && n < 1000; n++) {
        failing_start(n);
        status = ffn_model_export_onnx(model, path, NULL);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT(status == FFN_OK || status == FFN_OUT_OF_MEMORY);
        CU_ASSERT_EQUAL(access(path, F_OK) == 0, status == FFN_OK);
        failures += status != FFN_OK;
    }
    CU_ASSERT(status == FFN_OK && failures > 20);
    ffn_model_destroy(custom);
    ffn_model_destroy(open);
    ffn_model_destroy(model);
    folder_destroy(folder);
}

/* What calls itself as one of the library's is not taken for it. */
static void test_false_names(void)
{
    const folder_path folder = folder_create();
    char path[200];
    ffn_model *(*const builders[])(size_t) = {build_false_layer, build_false_activation};
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s/a.onnx", folder.text);
    for (size_t b = 0; b < COUNT(builders); b++)
        for (size_t i = 0;; i++, count++) {
            ffn_model *model = builders[b](i);
            if (!model) break;
            expect(FFN_UNSUPPORTED, "here", model, path, 0);
            ffn_model_destroy(model);
        }
    CU_ASSERT(count > 30);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    folder_destroy(folder);
}

static const test_case cases[] = {
    {"the checker accepts and ONNX Runtime agrees", test_elsewhere},
    {"wrong arguments, paths, layers from outside, no memory", test_refusals},
    {"false names", test_false_names},
};

TEST_MAIN("ONNX export", cases)
