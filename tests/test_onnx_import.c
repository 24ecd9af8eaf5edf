/* What was exported comes back; what is not a model of the library is refused with the node's name; broken files are. */
#include "failing.h"
#include "io/onnx.h"
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
        {"norms_13", "\004axes@\377", "\004axes@\376", "operator Add", FFN_UNSUPPORTED}, /* -2 for -1 */
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

/* ---- files made by hand ---------------------------------------------------------------------------------------------- */

enum { NODE_TEXTS = 4 };

/* A node: its operator, two inputs, what it makes. */
typedef struct node_text {
    const char *text[NODE_TEXTS];
} node_text;

static void add_node(ffn__text *graph, const node_text *n, const char *domain)
{
    ffn__text node = {0};
    for (size_t i = 1; i < 3; i++) ffn__pb_string(&node, FFN__NODE_INPUT, n->text[i]);
    ffn__pb_string(&node, FFN__NODE_OUTPUT, n->text[3]);
    ffn__pb_string(&node, FFN__NODE_OP, n->text[0]);
    if (domain) ffn__pb_string(&node, FFN__NODE_DOMAIN, domain);
    ffn__pb_message(graph, FFN__GRAPH_NODE, &node);
}

/* The constant of the shape with the numbers 1, 2, 3... */
static void add_tensor(ffn__text *graph, const char *name, ffn_shape shape)
{
    float values[MOST];
    ffn__text tensor = {0};
    for (size_t i = 0; i < MOST; i++) values[i] = (float)(i + 1);
    for (size_t i = 0; i < shape.rank; i++) ffn__pb_number(&tensor, FFN__TENSOR_DIMS, shape.dim[i]);
    ffn__pb_number(&tensor, FFN__TENSOR_TYPE, FFN__TENSOR_IS_FLOAT);
    ffn__pb_string(&tensor, FFN__TENSOR_NAME, name);
    ffn__pb_raw_floats(&tensor, FFN__TENSOR_RAW, values, ffn_shape_size(shape));
    ffn__pb_message(graph, FFN__GRAPH_INITIALIZER, &tensor);
}

/* An input or output of (N, 2, 2). */
static void add_value(ffn__text *graph, uint32_t field, const char *name)
{
    ffn__text value = {0}, type = {0}, tensor = {0}, shape = {0};
    for (size_t i = 0; i < 3; i++) {
        ffn__text dim = {0};
        ffn__pb_number(&dim, FFN__DIM_VALUE, i == 0 ? 1 : 2);
        ffn__pb_message(&shape, FFN__SHAPE_DIM, &dim);
    }
    ffn__pb_number(&tensor, FFN__TENSOR_TYPE_ELEMENT, FFN__TENSOR_IS_FLOAT);
    ffn__pb_message(&tensor, FFN__TENSOR_TYPE_SHAPE, &shape);
    ffn__pb_message(&type, FFN__TYPE_TENSOR, &tensor);
    ffn__pb_string(&value, FFN__VALUE_NAME, name);
    ffn__pb_message(&value, FFN__VALUE_TYPE, &type);
    ffn__pb_message(graph, field, &value);
}

/* Up to two nodes from x to y, of samples (2, 2), with the constants c of the shape and w, (2, 2). */
static bytes make_file(const node_text nodes[2], ffn_shape shape, const char *domain)
{
    ffn__text file = {0}, graph = {0}, opset = {0};
    for (size_t i = 0; i < 2 && nodes[i].text[0]; i++) add_node(&graph, &nodes[i], domain);
    add_tensor(&graph, "c", shape);
    add_tensor(&graph, "w", ffn_shape_2d(2, 2));
    add_value(&graph, FFN__GRAPH_INPUT, "x");
    add_value(&graph, FFN__GRAPH_OUTPUT, "y");
    ffn__pb_number(&opset, FFN__OPSET_VERSION, 17);
    ffn__pb_message(&file, FFN__MODEL_GRAPH, &graph);
    ffn__pb_message(&file, FFN__MODEL_OPSET, &opset);
    const bytes b = {(unsigned char *)malloc(file.length), file.length};
    memcpy(b.data, file.bytes, file.length);
    ffn__text_destroy(&file);
    return b;
}

/* ONNX repeats a constant along the axes where it is 1, counted from the last: one of as many elements may be another. */
static void test_constant_shapes(void)
{
    const struct {
        node_text nodes[2];
        ffn_shape good, bad;
        const char *parts[3];
    } layers[] = {
        {{{{"PRelu", "x", "c", "y"}}}, {1, {2}}, {2, {2, 1}}, {"operator PRelu", "(2, 1)", "(1, 2)"}},
        {{{{"PRelu", "x", "c", "y"}}}, {3, {1, 1, 2}}, {3, {1, 2, 1}}, {"operator PRelu", "(1, 2, 1)", "(1, 2)"}},
        {{{{"PRelu", "x", "c", "y"}}}, {2, {1, 2}}, {4, {1, 1, 1, 2}}, {"operator PRelu", "(1, 1, 1, 2)", "(1, 2)"}},
        {{{{"MatMul", "x", "w", "a"}}, {{"Add", "a", "c", "y"}}},
         {2, {1, 2}},
         {2, {2, 1}},
         {"operator Add", "(2, 1)", "(1, 2)"}},
        {{{{"LayerNormalization", "x", "c", "y"}}}, {1, {2}}, {2, {2, 1}}, {"operator LayerN", "(2, 1)", "(1, 2)"}},
        {{{{"Sub", "x", "c", "a"}}, {{"Mul", "a", "w", "y"}}},
         {3, {1, 2, 2}},
         {2, {4, 1}},
         {"operator Mul", "(4, 1)", "(2, 2)"}},
        {{{{"Sub", "x", "w", "a"}}, {{"Div", "a", "c", "y"}}},
         {2, {2, 2}},
         {1, {4}},
         {"operator Div", "(4)", "(2, 2)"}},
    };
    for (size_t i = 0; i < COUNT(layers); i++) {
        ffn_error error = {FFN_OK, ""};
        bytes b = make_file(layers[i].nodes, layers[i].good, NULL);
        ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, &error);
        if (!model) printf("\n    %zu: %s\n", i, error.message);
        CU_ASSERT_PTR_NOT_NULL(model);
        ffn_model_destroy(model);
        free(b.data);
        b = make_file(layers[i].nodes, layers[i].bad, NULL);
        for (size_t k = 0; k < COUNT(layers[i].parts); k++) refuse(b, FFN_UNSUPPORTED, layers[i].parts[k]);
        free(b.data);
    }
}

/* Both names of ONNX's own operators, and no others. */
static void test_domains(void)
{
    static const char *const domains[] = {NULL, "", "ai.onnx", "ai.onnx.ml", "com.example"};
    static const node_text nodes[2] = {{{"MatMul", "x", "w", "a"}}, {{"PRelu", "a", "c", "y"}}};
    for (size_t i = 0; i < COUNT(domains); i++) {
        const bytes b = make_file(nodes, ffn_shape_1d(2), domains[i]);
        if (i < 3) {
            ffn_model *model = ffn_model_import_onnx_memory(b.data, b.size, NULL);
            CU_ASSERT_PTR_NOT_NULL(model);
            ffn_model_destroy(model);
        } else {
            refuse(b, FFN_UNSUPPORTED, "operator PRelu");
        }
        free(b.data);
    }
}

/* ---- harm ------------------------------------------------------------------------------------------------------------ */

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
    {"what was exported", test_own},
    {"other operators, wrong constants and paths", test_unsupported},
    {"numbers out of range", test_numbers},
    {"constants of other shapes", test_constant_shapes},
    {"domains", test_domains},
    {"cut files and flipped bits", test_broken},
    {"no memory", test_no_memory},
};

TEST_MAIN("ONNX import", cases)
