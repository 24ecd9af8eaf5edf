/* Files of models with thousands of layers: they load within the usual limits, and what is refused of them takes little
 * memory and a time that grows as the file does. */
#include "counted.h"
#include "craft.h"
#include "networks.h"
#include "test.h"

#include <time.h>

/* ---- models ------------------------------------------------------------------------------------------------------ */

static ffn_value add_dense(ffn_model *m, ffn_value x, size_t i)
{
    return ffn_dense(m, x, 2, i % 2 ? ffn_tanh() : ffn_linear());
}
static ffn_value add_mixed(ffn_model *m, ffn_value x, size_t i)
{
    switch (i % 4) {
    case 0: return ffn_dense(m, x, 2, ffn_tanh());
    case 1: return ffn_batch_norm(m, x);
    case 2: return ffn_add(m, x, ffn_dropout(m, x, (float)0.5));
    default: return ffn_activate(m, x, ffn_leaky_relu((float)0.1));
    }
}
static ffn_value add_dropout(ffn_model *m, ffn_value x, size_t i) { return (void)i, ffn_dropout(m, x, (float)0.25); }
/* Two layers, used again and again. */
static ffn_value add_shared(ffn_model *m, ffn_value x, size_t i)
{
    return i < 2 ? ffn_dense(m, x, 2, ffn_tanh()) : ffn_share(m, (ffn_value){2 + (uint32_t)(i % 2)}, x);
}

static const struct {
    const char *name;
    ffn_value (*add)(ffn_model *m, ffn_value x, size_t i);
    size_t steps; /* within the usual limits */
} deep[] = {{"dense", add_dense, 2000},
            {"mixed", add_mixed, 2000},
            {"dropout", add_dropout, 4096},
            {"shared", add_shared, 9000}};

static ffn_model *build(size_t index, size_t steps)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *m = ffn_model_create(5, NULL);
    ffn_value h = ffn_input(m, ffn_shape_1d(2));
    for (size_t i = 0; i < steps; i++) h = deep[index].add(m, h, i);
    if (ffn_model_build(m, h, &error) != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(error.status, FFN_OK);
    return m;
}

static file_bytes save(const ffn_model *model)
{
    void *bytes = NULL;
    file_bytes f = {NULL, 0};
    CU_ASSERT_EQUAL_FATAL(ffn_model_save_memory(model, &bytes, &f.size, NULL), FFN_OK);
    f.bytes = malloc(f.size);
    memcpy(f.bytes, bytes, f.size);
    ffn_free(bytes);
    return f;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void test_same_bits(void)
{
    for (size_t i = 0; i < COUNT(deep); i++) {
        ffn_error error = {FFN_OK, ""};
        const float x[] = {(float)0.3, -2, 1, (float)0.5};
        float y[4], again[4];
        ffn_model *model = build(i, deep[i].steps);
        file_bytes f = save(model);
        ffn_model *loaded = ffn_model_load_memory(f.bytes, f.size, &error);
        if (!loaded) printf("\n    %s, %zu bytes: %s\n", deep[i].name, f.size, error.message);
        CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
        CU_ASSERT_EQUAL(ffn_predict(model, x, 2, y, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_predict(loaded, x, 2, again, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(y, again, sizeof y), 0);
        file_bytes second = save(loaded);
        CU_ASSERT_TRUE(second.size == f.size && memcmp(second.bytes, f.bytes, f.size) == 0);
        free(second.bytes);
        free(f.bytes);
        ffn_model_destroy(loaded);
        ffn_model_destroy(model);
    }
}

/* What is wrong with the last of so many layers, or with the whole, is found in little memory. */
static void refuse(const file_bytes *good, const char *from, const char *to, const char *words)
{
    ffn_error error = {FFN_OK, ""};
    file_bytes f = craft_replace(good, from, to);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.bytes);
    count_memory(true);
    ffn_model *model = ffn_model_load_memory(f.bytes, f.size, &error);
    CU_ASSERT_PTR_NULL(model);
    ffn_model_destroy(model);
    if (peak > 3 * f.size + (1 << 20)) printf("\n    %s: %zu bytes for %zu\n", words, peak, f.size);
    CU_ASSERT_TRUE(peak <= 3 * f.size + (1 << 20)); /* and the file itself */
    CU_ASSERT_EQUAL(live, 0);
    count_memory(false);
    if (!strstr(error.message, words)) printf("\n    %s: %s\n", words, error.message);
    CU_ASSERT_TRUE(error.status == FFN_BAD_FORMAT || error.status == FFN_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    free(f.bytes);
}

static void test_refused(void)
{
    for (size_t i = 0; i < COUNT(deep); i++) {
        ffn_model *model = build(i, deep[i].steps);
        file_bytes f = save(model);
        refuse(&f, "~'output':", "~'output':1,'outputs':", "outputs is nothing");
        refuse(&f, "~'output':", "~'output':9", "output is 9");
        refuse(&f, "~'layers':[{'kind'", "~'layers':[{'kund'", "no kind");
        refuse(&f, "~'classes':[]", "~'classes':[1]", "class 0");
        refuse(&f, "~'classes':[]", "~'classes':[],'columns':[0],'categories':['']", "1 columns");
        ffn_model_destroy(model);
        free(f.bytes);
    }
    ffn_model *model = build(0, 2000);
    file_bytes f = save(model);
    refuse(&f, "~'name':'dense2000'", "~'name':'dense1'", "two layers are named dense1");
    refuse(&f, "~'name':'dense2000'", "~'name':'dance'", "no tensor dance.weight");
    refuse(&f, "'dense2000.bias'", "'dense2000.bius'", "no tensor dense2000.bias");
    refuse(&f, "~{'layer':1999,'inputs':[1999]}", "~{'layer':1999,'inputs':[1998]}", "node 1999 does not lead");
    refuse(&f, "~{'layer':1999,'inputs':[1999]}", "~{'layer':1998,'inputs':[1999]}", "2000 layers, of which");
    f.bytes[f.size - 1] = f.bytes[f.size - 2] = 0xFF;
    craft_seal(&f);
    refuse(&f, "~'output':", "~'output':", "not finite");
    ffn_model_destroy(model);
    free(f.bytes);
}

typedef struct reader {
    const file_bytes *file;
    size_t at;
} reader;

static int take(void *user, void *bytes, size_t size, size_t *count)
{
    reader *r = user;
    *count = r->file->size - r->at < size ? r->file->size - r->at : size;
    memcpy(bytes, r->file->bytes + r->at, *count);
    r->at += *count;
    return 0;
}

/* Seconds that building, saving and loading take, the better of two runs. */
static void measure(size_t index, size_t steps, double seconds[3])
{
    const ffn_file_options options = {.limits = {.layers = 1 << 20, .tensors = 1 << 20, .memory = SIZE_MAX}};
    for (int run = 0; run < 2; run++) {
        clock_t at[4];
        at[0] = clock();
        ffn_model *model = build(index, steps);
        at[1] = clock();
        file_bytes f = save(model);
        reader r = {&f, 0};
        at[2] = clock();
        ffn_model *loaded = ffn_model_load_from(take, &r, &options, NULL);
        at[3] = clock();
        CU_ASSERT_PTR_NOT_NULL(loaded);
        for (int k = 0; k < 3; k++) {
            const double s = (double)(at[k + 1] - at[k]) / CLOCKS_PER_SEC;
            seconds[k] = run == 0 || s < seconds[k] ? s : seconds[k];
        }
        ffn_model_destroy(loaded);
        ffn_model_destroy(model);
        free(f.bytes);
    }
}

/* Sixteen times the layers take sixteen times the time, and not 256 times. */
static void test_linear(void)
{
    static const char *const what[] = {"building", "saving", "loading"};
    for (size_t i = 0; i < COUNT(deep); i++) {
        double small[3], large[3];
        measure(i, 1000, small);
        measure(i, 16000, large);
        for (int k = 0; k < 3; k++) {
            const double ratio = large[k] / fmax(small[k], 0.0005 * SLOWER);
            if (ratio > 64) printf("\n    %s, %s: %g s, then %g s\n", deep[i].name, what[k], small[k], large[k]);
            CU_ASSERT_TRUE(ratio <= 64);
        }
    }
}

static const test_case cases[] = {{"same bits", test_same_bits}, {"refused", test_refused}, {"linear", test_linear}};
TEST_MAIN("deep file", cases)
