/* What was exported comes back; what is not a model of the library is refused with the node's name; broken files are. */
#include "failing.h"
#include "onnx_networks.h"
#include "test.h"

#include <unistd.h>

enum { ROWS = 4, MOST = 64 };

typedef struct bytes {
    unsigned char *data;
    size_t size;
} bytes;

static bytes read_file(const char *path)
{
    bytes b = {(unsigned char *)malloc(1 << 20), 0};
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    b.size = fread(b.data, 1, 1 << 20, file);
    fclose(file);
    return b;
}

static bytes export_bytes(const ffn_model *model, size_t opset)
{
    char path[] = "/tmp/ffn-onnx-XXXXXX";
    const int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    CU_ASSERT_EQUAL(ffn_model_export_onnx_with(model, path, opset, NULL), FFN_OK);
    const bytes b = read_file(path);
    (void)unlink(path);
    return b;
}

static bytes fixture(const char *name)
{
    char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    (void)snprintf(path, sizeof path, "%.*sonnx/%s.onnx", slash ? (int)(slash - __FILE__) + 1 : 0, __FILE__, name);
    return read_file(path);
}

/* ---- there and back ------------------------------------------------------------------------------------------------- */

static void test_own(void)
{
    static const size_t opsets[] = {11, 13, 17};
    for (size_t i = 0; i < network_count(); i++) {
        const network_description d = network_at(i);
        float x[ROWS * MOST], y[ROWS * MOST], again[ROWS * MOST];
        fill_uniform(x, COUNT(x), 3, -3, 3);
        CU_ASSERT_EQUAL(ffn_predict(d.model, x, ROWS, y, NULL), FFN_OK);
        const size_t n = ROWS * ffn_shape_size(ffn_model_output_shape(d.model));
        for (size_t k = 0; k < COUNT(opsets); k++) {
            ffn_error error = {FFN_OK, ""};
            const bytes b = export_bytes(d.model, opsets[k]);
            ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, &error);
            if (!model) printf("\n    %s, operator set %zu: %s\n", d.name, opsets[k], error.message);
            CU_ASSERT_PTR_NOT_NULL(model);
            free(b.data);
            if (!model) continue;
            CU_ASSERT(ffn_shape_equal(ffn_model_output_shape(model), ffn_model_output_shape(d.model)));
            CU_ASSERT_EQUAL(ffn_predict(model, x, ROWS, again, NULL), FFN_OK);
            size_t wrong = 0;
            for (size_t e = 0; e < n; e++) wrong += !(fabsf(again[e] - y[e]) <= (float)1e-5 * fmaxf(1, fabsf(y[e])));
            if (wrong) printf("\n    %s, operator set %zu: %zu outputs differ\n", d.name, opsets[k], wrong);
            CU_ASSERT_EQUAL(wrong, 0);
            ffn_model_destroy(model);
        }
        ffn_model_destroy(d.model);
    }
}

/* ---- refusals -------------------------------------------------------------------------------------------------------- */

static void refuse(const bytes b, ffn_status status, const char *part)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, &error);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT_EQUAL(error.status, status);
    if (!strstr(error.message, part)) printf("\n    '%s' does not say '%s'\n", error.message, part);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, part));
    ffn_model_destroy(model);
}

/* Writes over the first place where `from` stands; both as long. */
static void replace(bytes b, const char *from, const char *to)
{
    const size_t n = strlen(from);
    for (size_t i = 0; i + n <= b.size; i++)
        if (memcmp(b.data + i, from, n) == 0) {
            memcpy(b.data + i, to, n);
            return;
        }
    CU_FAIL("the text is not there");
}

static void test_unsupported(void)
{
    static const struct { /* an operator's name follows its tag, ", and its length */
        const char *fixture, *from, *to, *part;
        ffn_status status;
    } changes[] = {
        {"relu_17", "\"\004Relu", "\"\004Ceil", "operator Ceil", FFN_UNSUPPORTED},
        {"relu_17", "\"\004Relu", "\"\004Ceil", "/1/Relu", FFN_UNSUPPORTED},
        {"gelu_17", "\"\003Erf", "\"\003Cos", "operator Mul", FFN_UNSUPPORTED},
        {"mish_17", "\"\004Tanh", "\"\004Sinh", "operator Mul", FFN_UNSUPPORTED},
        {"norms_13", "\"\004Sqrt", "\"\004Ceil", "operator Add", FFN_UNSUPPORTED},
        {"norms_17", "epsilon", "epsilom", "", FFN_OK}, /* an attribute that is not known: the default is the same */
        {"relu_17", "transB", "transX", "do not fit", FFN_BAD_FORMAT},
        {"relu_17", "0.weight", "0.wEight", "nothing before it makes", FFN_BAD_FORMAT},
        {"classes_17", "axis", "axiz", "", FFN_OK},
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        const bytes b = fixture(changes[i].fixture);
        replace(b, changes[i].from, changes[i].to);
        if (changes[i].status != FFN_OK) {
            refuse(b, changes[i].status, changes[i].part);
        } else {
            ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, NULL);
            CU_ASSERT_PTR_NOT_NULL(model);
            ffn_model_destroy(model);
        }
        free(b.data);
    }
    refuse((bytes){NULL, 0}, FFN_INVALID_ARGUMENT, "NULL");
    refuse((bytes){(unsigned char *)"", 0}, FFN_BAD_FORMAT, "no model");
    refuse((bytes){(unsigned char *)"hello, world", 12}, FFN_BAD_FORMAT, "broken");
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_PTR_NULL(ffn_model_import_onnx("/nowhere.onnx", &error));
    CU_ASSERT_EQUAL(error.status, FFN_IO_ERROR);
    CU_ASSERT_PTR_NULL(ffn_model_import_onnx(NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
}

/* A model with a chosen attribute where the exporter's is. */
static void test_numbers(void)
{
    bytes b = fixture("norms_17");
    for (size_t i = 0; i + 4 <= b.size; i++) /* 1e-5 as a float: the epsilons */
        if (memcmp(b.data + i, "\xac\xc5\x27\x37", 4) == 0) memcpy(b.data + i, "\x00\x00\xc0\x7f", 4);
    refuse(b, FFN_UNSUPPORTED, "epsilon");
    free(b.data);
    b = fixture("norms_17");
    for (size_t i = 0; i + 4 <= b.size; i++) /* 0.7: alpha of the ELU */
        if (memcmp(b.data + i, "\x33\x33\x33\x3f", 4) == 0) memcpy(b.data + i, "\x00\x00\xc0\x7f", 4);
    refuse(b, FFN_UNSUPPORTED, "Elu");
    free(b.data);
}

/* No prefix of a file is a model, and no changed bit does harm; most are noticed. */
static void test_broken(void)
{
    static const char *const names[] = {"classes_17", "norms_13", "tokens_13", "scaled_17"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const bytes b = fixture(names[i]);
        for (size_t size = 0; size < b.size; size++) {
            unsigned char *cut = (unsigned char *)malloc(size ? size : 1); /* exact, for the sanitizers */
            memcpy(cut, b.data, size);
            ffn_model *model = ffn_model_import_onnx_memory(cut, size, NULL);
            CU_ASSERT_PTR_NULL(model);
            ffn_model_destroy(model);
            free(cut);
        }
        for (size_t bit = 0; bit < 8 * b.size; bit++) {
            ffn_error error = {FFN_OK, ""};
            b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, &error);
            CU_ASSERT((model != NULL) == (error.status == FFN_OK));
            CU_ASSERT(model || error.status == FFN_BAD_FORMAT || error.status == FFN_UNSUPPORTED);
            ffn_model_destroy(model);
            b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        free(b.data);
    }
}

static void test_no_memory(void)
{
    const bytes b = fixture("norms_13");
    ffn_model *model = NULL;
    size_t failures = 0;
    for (size_t n = 1; !model && n < 1000; n++) {
        ffn_error error = {FFN_OK, ""};
        failing_start(n);
        model = ffn_model_import_onnx_memory(b.data, b.size, &error);
        const size_t bytes_asked = failing.bytes;
        ffn_model_destroy(model);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT(model ? error.status == FFN_OK : error.status == FFN_OUT_OF_MEMORY);
        CU_ASSERT(bytes_asked < 4 * b.size + (1 << 20));
        failures += !model;
    }
    CU_ASSERT(model && failures > 30);
    free(b.data);
}

static const test_case cases[] = {
    {"what was exported", test_own},        {"other operators, wrong constants and paths", test_unsupported},
    {"numbers out of range", test_numbers}, {"cut files and flipped bits", test_broken},
    {"no memory", test_no_memory},
};

TEST_MAIN("ONNX import", cases)
