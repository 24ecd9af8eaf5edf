/* Weights by name from files of another origin: a PyTorch state_dict (goldens/state_dict.py). */
#include "craft.h"
#include "failing.h"
#include "networks.h"
#include "test.h"

/* Beside this source, wherever the program runs. */
static const char *golden(const char *name)
{
    static char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    (void)snprintf(path, sizeof path, "%.*s/goldens/%s", (int)(slash - __FILE__), __FILE__, name);
    return path;
}

static ffn_model *make_model(size_t hidden, const char *first, const char *last)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *m = ffn_model_create(1, NULL);
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(4)), hidden, ffn_linear());
    if (first) ffn_set_name(m, h, first);
    h = ffn_batch_norm(m, h);
    ffn_set_name(m, h, "norm");
    h = ffn_activate(m, h, ffn_prelu(0.1f));
    ffn_set_name(m, h, "act");
    h = ffn_dense(m, h, 3, ffn_linear());
    if (last) ffn_set_name(m, h, last);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, &error), FFN_OK);
    return m;
}

static const ffn_name_pair slope[] = {{"act.slope", "act.weight"}};
static const ffn_name_pair all[] = {{"act.slope", "act.weight"}, {"dense1", "fc1"}, {"dense2", "fc2"}};
static const ffn_name_pair spelled_out[] = {
    {"act.slope", "a.name.much.longer.than.all.that.the.model.has"}, {"dense1", "fc1"}, {"dense2", "fc2"}};

static void expect_torch(const ffn_model *model)
{
    float x[12], y[9];
    for (size_t i = 0; i < 12; i++) x[i] = (float)(-2.0 + 4.0 * (double)i / 11.0);
    CU_ASSERT_EQUAL(ffn_predict(model, x, 3, y, NULL), FFN_OK);
    FILE *file = fopen(golden("state_dict.txt"), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t i = 0; i < 9; i++) {
        char line[64];
        CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
        CU_ASSERT_DOUBLE_EQUAL((double)y[i], strtod(line, NULL), 2e-6);
    }
    (void)fclose(file);
}

static void test_by_name(void)
{
    ffn_error error = {FFN_OK, ""};
    const ffn_weights_options options = {.prefix = "net.", .names = slope, .name_count = 1};
    ffn_model *model = make_model(6, "fc1", "fc2");
    const ffn_status status = ffn_model_load_weights(model, golden("state_dict.safetensors"), &options, &error);
    if (status != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL(status, FFN_OK);
    expect_torch(model);
    ffn_model_destroy(model);
}

static void test_by_map(void)
{
    const ffn_weights_options options = {.prefix = "net.", .names = all, .name_count = 3};
    ffn_model *model = make_model(6, NULL, NULL);
    CU_ASSERT_EQUAL(ffn_model_load_weights(model, golden("state_dict.safetensors"), &options, NULL), FFN_OK);
    expect_torch(model);
    ffn_model_destroy(model);
}

static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        (void)ffn_model_get_parameter(model, i, values + n, NULL);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

/* Refused, and nothing changed. */
static void refuse(ffn_model *model, const char *path, const ffn_weights_options *options, ffn_status expected,
                   const char *words)
{
    ffn_error error = {FFN_OK, ""};
    float before[256], after[256];
    const size_t count = get_weights(model, before);
    const ffn_status status = ffn_model_load_weights(model, path, options, &error);
    if (status != expected || !strstr(error.message, words)) printf("\n    %d %s\n", (int)status, error.message);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    (void)get_weights(model, after);
    CU_ASSERT_EQUAL(memcmp(before, after, count * sizeof(float)), 0);
}

static void test_refused(void)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s", golden("state_dict.safetensors"));
    const ffn_weights_options options = {.prefix = "net.", .names = all, .name_count = 3};
    ffn_weights_options other = options;
    ffn_model *model = make_model(6, NULL, NULL), *wide = make_model(7, NULL, NULL), *open = ffn_model_create(1, NULL);
    refuse(wide, path, &options, FFN_SHAPE_MISMATCH, "net.fc1.weight has the shape (6, 4); dense1.weight has (7, 4)");
    refuse(model, path, NULL, FFN_BAD_FORMAT, "no tensor dense1.weight");
    other.prefix = NULL;
    refuse(model, path, &other, FFN_BAD_FORMAT, "no tensor fc1.weight, which dense1.weight");
    other = options;
    other.name_count = 2;
    refuse(model, path, &other, FFN_BAD_FORMAT, "no tensor net.dense2.weight");
    other = options;
    other.limits.tensors = 5;
    refuse(model, path, &other, FFN_BAD_FORMAT, "more than 5 tensors");
    other = options;
    other.names = spelled_out;
    refuse(model, path, &other, FFN_BAD_FORMAT, "no tensor net.a.name.much.longer.than.all.that.the.model.has, which");
    refuse(model, golden("state_dict.txt"), &options, FFN_BAD_FORMAT, "safetensors");
    refuse(model, "no-such", &options, FFN_IO_ERROR, "no such file");
    const ffn_name_pair bad[] = {{"act", NULL}};
    other.names = bad;
    other.name_count = 1;
    refuse(model, path, &other, FFN_INVALID_ARGUMENT, "name 0 of 1 is NULL");
    other.names = NULL;
    refuse(model, path, &other, FFN_INVALID_ARGUMENT, "name 0 of 1 is NULL");
    CU_ASSERT_EQUAL(ffn_model_load_weights(NULL, path, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_load_weights(open, path, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_load_weights(model, NULL, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_load_weights_memory(model, NULL, 1, NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_model_destroy(model);
    ffn_model_destroy(wide);
    ffn_model_destroy(open);
}

static void test_bad_headers(void)
{
    const struct {
        const char *header, *words;
    } list[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "a lacks dtype, shape or data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", "twice the property shape"},
    };
    ffn_model *model = make_model(6, NULL, NULL);
    for (size_t i = 0; i < COUNT(list); i++) {
        ffn_error error = {FFN_OK, ""};
        char bytes[120] = {(char)strlen(list[i].header)};
        const size_t size = 8 + strlen(list[i].header) + 4; /* and one number */
        memcpy(bytes + 8, list[i].header, strlen(list[i].header));
        CU_ASSERT_EQUAL(ffn_model_load_weights_memory(model, bytes, size, NULL, &error), FFN_BAD_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, list[i].words));
    }
    ffn_model_destroy(model);
}

static void test_missing(void)
{
    const ffn_weights_options options = {.prefix = "net.", .names = all, .name_count = 2, .allow_missing = true};
    ffn_model *model = make_model(6, NULL, NULL), *untouched = make_model(6, NULL, NULL);
    float loaded[256], first[256];
    CU_ASSERT_EQUAL(ffn_model_load_weights(model, golden("state_dict.safetensors"), &options, NULL), FFN_OK);
    (void)get_weights(model, loaded);
    const size_t count = get_weights(untouched, first), last = 3 * 6 + 3;
    CU_ASSERT_NOT_EQUAL(memcmp(loaded, first, 24 * sizeof(float)), 0);
    CU_ASSERT_EQUAL(memcmp(loaded + count - last, first + count - last, last * sizeof(float)), 0);
    ffn_model_destroy(model);
    ffn_model_destroy(untouched);
}

/* Every type of numbers, and values that are refused. */
static void test_types(void)
{
    static const struct {
        const char *type;
        size_t size;
        unsigned char bytes[16];
        ffn_status status;
        float values[2];
    } types[] = {
        {"F32", 8, {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0}, FFN_OK, {1, -2.5f}},
        {"F16", 4, {0, 0x3c, 1, 0}, FFN_OK, {1, 5.9604644775390625e-8f}},
        {"BF16", 4, {0x80, 0x3f, 0x20, 0xc0}, FFN_OK, {1, -2.5f}},
        {"F64", 16, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0}, FFN_OK, {1, -2.5f}},
        {"I8", 2, {1, 0xff}, FFN_OK, {1, -1}},
        {"U8", 2, {1, 0xff}, FFN_OK, {1, 255}},
        {"BOOL", 2, {1, 0}, FFN_OK, {1, 0}},
        {"F8_E4M3", 2, {1, 0}, FFN_UNSUPPORTED, {0, 0}},
        {"F32", 8, {0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x7f}, FFN_BAD_FORMAT, {0, 0}},
        {"F64", 16, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0x7e}, FFN_BAD_FORMAT, {0, 0}}, /* 1e304 */
    };
    for (size_t i = 0; i < COUNT(types); i++) {
        char header[256];
        ffn_model *m = ffn_model_create(1, NULL);
        const ffn_value y = ffn_dense(m, ffn_input(m, ffn_shape_1d(2)), 1, ffn_linear());
        ffn_set_bias(m, y, false);
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, y, NULL), FFN_OK);
        (void)snprintf(header, sizeof header,
                       "{\"dense1.weight\":{\"dtype\":\"%s\",\"shape\":[1,2],\"data_offsets\":[0,%zu]}}", types[i].type,
                       types[i].size);
        file_bytes f = craft(header, strlen(header), types[i].bytes, types[i].size);
        float found[2];
        CU_ASSERT_EQUAL(ffn_model_load_weights_memory(m, f.bytes, f.size, NULL, NULL), types[i].status);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, found, NULL), FFN_OK);
        if (types[i].status == FFN_OK) CU_ASSERT_EQUAL(memcmp(found, types[i].values, sizeof found), 0);
        free(f.bytes);
        ffn_model_destroy(m);
    }
}

/* Whatever the format has stands beside the weights without harm; asked for it is refused. */
static void test_passed_over(void)
{
    static const struct {
        const char *type, *shape;
        size_t size;
        const char *words; /* where the type and shape are the weight's */
        ffn_status status;
    } others[] = {
        {"F32", "[1,1,1,1,2]", 8, "other has the shape 5 axes; dense1.weight has (1, 2)", FFN_SHAPE_MISMATCH},
        {"I16", "[1,1,1,1,0,3,9,2]", 0, "other has the shape 8 axes", FFN_SHAPE_MISMATCH},
        {"C64", "[1,2]", 16, "other is of a type", FFN_UNSUPPORTED},
        {"F8_E8M0", "[1,2]", 2, "other is of a type", FFN_UNSUPPORTED},
        {"F4", "[1,2]", 1, "other is of a type", FFN_UNSUPPORTED},
        {"F6_E2M3", "[2,2]", 3, "other has the shape (2, 2)", FFN_SHAPE_MISMATCH},
        {"F32", "[]", 4, "other has the shape ()", FFN_SHAPE_MISMATCH},
    };
    const ffn_name_pair other = {"dense1.weight", "other"};
    const ffn_weights_options wrong = {.names = &other, .name_count = 1};
    ffn_model *m = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(m, ffn_input(m, ffn_shape_1d(2)), 1, ffn_linear());
    ffn_set_bias(m, y, false);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, y, NULL), FFN_OK);
    for (size_t i = 0; i < COUNT(others); i++) {
        const unsigned char bytes[32] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};
        char header[256];
        ffn_error error = {FFN_OK, ""};
        float found[2];
        (void)snprintf(header, sizeof header,
                       "{\"dense1.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                       "\"other\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[8,%zu]}}",
                       others[i].type, others[i].shape, 8 + others[i].size);
        file_bytes f = craft(header, strlen(header), bytes, 8 + others[i].size);
        if (ffn_model_load_weights_memory(m, f.bytes, f.size, NULL, &error) != FFN_OK)
            printf("\n    %s %s: %s\n", others[i].type, others[i].shape, error.message);
        CU_ASSERT_EQUAL(error.status, FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, found, NULL), FFN_OK);
        CU_ASSERT(found[0] == 1 && found[1] == (float)-2.5);
        CU_ASSERT_EQUAL(ffn_model_load_weights_memory(m, f.bytes, f.size, &wrong, &error), others[i].status);
        if (!strstr(error.message, others[i].words)) printf("\n    %s\n", error.message);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, others[i].words));
        free(f.bytes);
        f = craft(header, strlen(header), bytes, 9 + others[i].size); /* a byte that is no tensor's */
        CU_ASSERT_EQUAL(ffn_model_load_weights_memory(m, f.bytes, f.size, NULL, NULL), FFN_BAD_FORMAT);
        free(f.bytes);
    }
    ffn_model_destroy(m);
}

/* A model's own file does as well, and its checksum is looked at. */
static void test_own_file(void)
{
    unsigned char *bytes;
    size_t size;
    ffn_model *from = make_model(6, NULL, NULL), *to = make_model(6, NULL, NULL);
    float one[256], other[256];
    fill_uniform(one, 24, 3, -1, 1);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(from, 0, one, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_save_memory(from, (void **)&bytes, &size, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_load_weights_memory(to, bytes, size, NULL, NULL), FFN_OK);
    const size_t count = get_weights(from, one);
    (void)get_weights(to, other);
    CU_ASSERT_EQUAL(memcmp(one, other, count * sizeof(float)), 0);
    bytes[size - 1] ^= 1;
    CU_ASSERT_EQUAL(ffn_model_load_weights_memory(to, bytes, size, NULL, NULL), FFN_BAD_FORMAT);
    ffn_free(bytes);
    ffn_model_destroy(from);
    ffn_model_destroy(to);
}

static void test_out_of_memory(void)
{
    const ffn_weights_options options = {.prefix = "net.", .names = all, .name_count = 3};
    ffn_model *model = make_model(6, NULL, NULL);
    for (size_t n = 1, more = 1; more; n++) {
        failing_start(n);
        const ffn_status status = ffn_model_load_weights(model, golden("state_dict.safetensors"), &options, NULL);
        more = failing.calls >= n;
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(status, more ? FFN_OUT_OF_MEMORY : FFN_OK);
    }
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"by name", test_by_name},
    {"by map", test_by_map},
    {"refused", test_refused},
    {"bad headers", test_bad_headers},
    {"missing", test_missing},
    {"types", test_types},
    {"passed over", test_passed_over},
    {"a file of its own", test_own_file},
    {"out of memory", test_out_of_memory},
};
TEST_MAIN("weights", cases)
