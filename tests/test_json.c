/* The reader of JSON beside jansson, which is to take and refuse the same texts and find the same in them; and what a model
 * file's header looks like to it. Without jansson only the library's own part runs. */
#include "failing.h"
#include "networks.h"
#include "test.h"

#include <math.h>

#include "io/json.h"
#include "io/json_scan.h"

#ifdef FFN_TEST_JANSSON
#include <jansson.h>
#endif

static const struct {
    const char *text;
    bool right;
} texts[] = {
    {"{}", true},
    {" \t\r\n{ } \n", true},
    {"{\"a\":1}", true},
    {"{\"a\":[],\"b\":{},\"c\":[[],[[]],{}]}", true},
    {"{\"a\":[1,-2,3.5,0,-0,1e5,1E+5,1.25e-7,0.1],\"b\":[true,false,null]}", true},
    {"{\"\":\"\",\"x\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\ud83d\\ude00\"}", true},
    {"{\"\xc3\xa4\":\"\xf0\x9f\x98\x80\"}", true},
    {"", false},
    {"[]", false}, /* the library wants an object */
    {"{", false},
    {"}", false},
    {"{\"a\"}", false},
    {"{\"a\":}", false},
    {"{\"a\":1,}", false},
    {"{,\"a\":1}", false},
    {"{\"a\":1 \"b\":2}", false},
    {"{\"a\":[1,]}", false},
    {"{\"a\":[,1]}", false},
    {"{\"a\":[1 2]}", false},
    {"{\"a\":[1}", false},
    {"{\"a\":[1]]", false},
    {"{\"a\":1}}", false},
    {"{\"a\":1} x", false},
    {"{a:1}", false},
    {"{'a':1}", false},
    {"{\"a\":01}", false},
    {"{\"a\":1.}", false},
    {"{\"a\":.5}", false},
    {"{\"a\":+1}", false},
    {"{\"a\":1e}", false},
    {"{\"a\":--1}", false},
    {"{\"a\":-}", false},
    {"{\"a\":0x10}", false},
    {"{\"a\":nan}", false},
    {"{\"a\":Infinity}", false},
    {"{\"a\":True}", false},
    {"{\"a\":tru}", false},
    {"{\"a\":nulll}", false},
    {"{\"a\":\"\n\"}", false},
    {"{\"a\":\"\\x\"}", false},
    {"{\"a\":\"\\u12\"}", false},
    {"{\"a\":\"\\ud800\"}", false},
    {"{\"a\":\"\\ud800\\u0041\"}", false},
    {"{\"a\":\"\\udc00\"}", false},
    {"{\"a\":\"\\u0000\"}", false},
    {"{\"a\":\"\x80\"}", false},
    {"{\"a\":\"\xc0\xaf\"}", false},
    {"{\"a\":\"unfinished}", false},
    {"{\"a\":\"unfinished\\\"}", false},
};

static ffn_status parse(const char *text, size_t size, size_t depth, const ffn__json **root, ffn_error *error)
{
    ffn__json_budget budget = {depth, 1 << 20};
    char *copy = malloc(size + 1); /* of its own, without an ending 0 */
    memcpy(copy, text, size);
    const ffn_status status = ffn__json_parse(copy, size, &budget, "it", root, error);
    free(copy);
    return status;
}

#ifdef FFN_TEST_JANSSON
static bool is_same(const ffn__json *mine, const json_t *other);

static bool has_same_parts(const ffn__json *mine, const json_t *other)
{
    const bool object = mine->type == FFN__JSON_OBJECT;
    size_t count = 0;
    bool same = true;
    for (const ffn__json *v = ffn__json_first(mine); v; v = ffn__json_next(mine, v), count++)
        same &= is_same(v, object ? json_object_get(other, ffn__json_name(v)) : json_array_get(other, count));
    return same && count == mine->count && count == (object ? json_object_size(other) : json_array_size(other));
}

static bool is_same(const ffn__json *mine, const json_t *other)
{
    static const json_type types[] = {JSON_NULL,   JSON_FALSE, JSON_TRUE,  JSON_REAL,
                                      JSON_STRING, JSON_ARRAY, JSON_OBJECT};
    if (!other) return false;
    if (mine->type == FFN__JSON_NUMBER)
        return json_is_number(other) && strtod(ffn__json_text(mine), NULL) == json_number_value(other);
    if (json_typeof(other) != types[mine->type]) return false;
    if (mine->type == FFN__JSON_STRING)
        return mine->count == json_string_length(other) &&
               memcmp(ffn__json_text(mine), json_string_value(other), mine->count) == 0;
    return mine->type < FFN__JSON_ARRAY || has_same_parts(mine, other);
}
#endif

static void check(const char *text, size_t size, bool right)
{
    const ffn__json *root;
    ffn_error error = {FFN_OK, ""};
    const ffn_status status = parse(text, size, 16, &root, &error);
    if ((status == FFN_OK) != right) printf("\n    %.*s: %s\n", (int)size, text, error.message);
    CU_ASSERT_EQUAL(status, right ? FFN_OK : FFN_BAD_FORMAT);
    CU_ASSERT_EQUAL(root != NULL, right);
#ifdef FFN_TEST_JANSSON
    json_t *other = json_loadb(text, size, 0, NULL);
    CU_ASSERT_EQUAL(json_is_object(other), right);
    if (root && other) CU_ASSERT_TRUE(is_same(root, other));
    json_decref(other);
#endif
    ffn__free((void *)root);
}

static void test_texts(void)
{
    for (size_t i = 0; i < COUNT(texts); i++) check(texts[i].text, strlen(texts[i].text), texts[i].right);
}

/* Texts that are nearly right: one byte of another value, or missing. */
static void test_mutations(void)
{
    static const char bytes[] = "{}[]\",:\\0-e.tn \x01u";
    size_t taken = 0;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t at = 0; texts[i].right && at < strlen(texts[i].text); at++)
            for (size_t b = 0; b < sizeof bytes; b++) {
                const ffn__json *root;
                char text[128];
                const size_t size = strlen(texts[i].text), cut = b == sizeof bytes - 1; /* its ending 0: leave it out */
                memcpy(text, texts[i].text, size);
                if (cut)
                    memmove(text + at, text + at + 1, size - at - 1);
                else
                    text[at] = bytes[b];
                const bool right = parse(text, size - cut, 16, &root, NULL) == FFN_OK;
                taken += right;
#ifdef FFN_TEST_JANSSON
                json_t *other = json_loadb(text, size - cut, 0, NULL);
                if (json_is_object(other) != right) printf("\n    %.*s\n", (int)(size - cut), text);
                CU_ASSERT_EQUAL(json_is_object(other), right);
                json_t *once = json_loadb(text, size - cut, JSON_REJECT_DUPLICATES, NULL);
                if (once) CU_ASSERT_TRUE(is_same(root, other)); /* of two keys each takes another */
                json_decref(once);
                json_decref(other);
#endif
                ffn__free((void *)root);
            }
    CU_ASSERT_TRUE(taken > 300);
}

static void test_limits(void)
{
    const ffn__json *root;
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(parse("{\"a\":[[1]]}", 11, 3, &root, NULL), FFN_OK);
    ffn__free((void *)root);
    CU_ASSERT_EQUAL(parse("{\"a\":[[1]]}", 11, 2, &root, &error), FFN_BAD_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "less depth"));
    ffn__json_budget budget = {9, 4 * sizeof(ffn__json) + 15};
    CU_ASSERT_EQUAL(ffn__json_parse("{\"a\":1}", 7, &budget, "it", &root, NULL), FFN_OK);
    CU_ASSERT_EQUAL(budget.memory, 2 * sizeof(ffn__json) + 7);
    ffn__free((void *)root);
    CU_ASSERT_EQUAL(ffn__json_parse("{\"a\":1}", 7, &budget, "it", &root, &error), FFN_BAD_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "of memory"));
    failing_start(1);
    CU_ASSERT_EQUAL(parse("{}", 2, 3, &root, NULL), FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_PTR_NULL(root);
}

static void test_written_strings(void)
{
    ffn__text text = {0};
    static const char hard[] = "\"\\/\x01\x1f\n\xc3\xa4\x7f";
    const ffn__json *root;
    ffn__json_open(&text, '{');
    ffn__json_key(&text, hard);
    ffn__json_string(&text, hard, strlen(hard));
    ffn__json_close(&text, '}');
    check(text.bytes, text.length, true);
    CU_ASSERT_EQUAL_FATAL(parse(text.bytes, text.length, 3, &root, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(ffn__json_text(ffn__json_find(root, hard)), hard);
    ffn__free((void *)root);
    ffn__text_destroy(&text);
}

/* Every float comes back with its bits. */
static void test_numbers(void)
{
    ffn_random random = ffn_random_create(1, 2, 3);
    static const ffn_field fields[] = {{"float", FFN_FIELD_FLOAT, 0, 0, 0}, {"double", FFN_FIELD_DOUBLE, 8, 0, 0}};
    for (size_t i = 0; i < 3000; i++) {
        struct {
            float single;
            double wide;
        } in, out = {0, 0};
        uint32_t bits[3] = {ffn_random_bits(&random), ffn_random_bits(&random), ffn_random_bits(&random)};
        memcpy(&in.single, bits, sizeof in.single);
        memcpy(&in.wide, bits + 1, sizeof in.wide);
        if (i == 0) in.wide = (double)INFINITY;
        if (i == 1) in.wide = -(double)INFINITY;
        if (isnan(in.single) || isnan(in.wide)) continue;
        ffn__text text = {0};
        const ffn__json *root;
        CU_ASSERT_EQUAL(ffn__json_put_fields(&text, fields, 2, &in, NULL, NULL, "it", NULL), FFN_OK);
        CU_ASSERT_EQUAL_FATAL(parse(text.bytes, text.length, 3, &root, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn__json_get_fields(root, fields, 2, &out, NULL, "it", NULL), FFN_OK);
        CU_ASSERT_TRUE(memcmp(&in.single, &out.single, 4) == 0 && memcmp(&in.wide, &out.wide, 8) == 0);
        ffn__free((void *)root);
        ffn__text_destroy(&text);
    }
}

#ifdef FFN_TEST_JANSSON
/* Header and notes of a model file, as jansson sees them. */
static void test_header(void)
{
    for (size_t i = 0; i < FORM_COUNT; i++) {
        unsigned char *bytes;
        size_t size, header = 0;
        if (strcmp(forms[i].name, "custom") == 0) continue;
        ffn_model *model = form_build(&forms[i], 3);
        CU_ASSERT_EQUAL_FATAL(ffn_model_save_memory(model, (void **)&bytes, &size, NULL), FFN_OK);
        for (size_t k = 8; k-- > 0;) header = header << 8 | bytes[k];
        CU_ASSERT_TRUE_FATAL(header <= size - 8 && (header + 8) % 64 == 0);
        json_t *root = json_loadb((const char *)bytes + 8, header, JSON_REJECT_DUPLICATES, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(root);
        CU_ASSERT_EQUAL(json_object_size(root), ffn_model_parameter_count(model) + 1);
        const json_t *notes = json_object_get(root, "__metadata__");
        static const char *const keys[] = {"ffn.about", "ffn.model"};
        for (size_t k = 0; k < COUNT(keys); k++) {
            json_t *note = json_loads(json_string_value(json_object_get(notes, keys[k])), JSON_REJECT_DUPLICATES, NULL);
            CU_ASSERT_TRUE(json_is_object(note));
            json_decref(note);
        }
        json_decref(root);
        ffn_free(bytes);
        ffn_model_destroy(model);
    }
}
#else
static void test_header(void) { printf("no jansson; "); }
#endif

static const test_case cases[] = {
    {"texts", test_texts},     {"mutations", test_mutations},
    {"limits", test_limits},   {"written strings", test_written_strings},
    {"numbers", test_numbers}, {"header", test_header},
};
TEST_MAIN("json", cases)
