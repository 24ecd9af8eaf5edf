/* Model files that nobody should have written: each is refused with a sentence, in little memory and time. */
#include "counted.h"
#include "craft.h"
#include "networks.h"
#include "test.h"

#include <time.h>

/* ---- what is refused -------------------------------------------------------------------------------------------- */

static file_bytes good;

static void make_good(void)
{
    static const char *const classes[] = {"one", "two"};
    void *bytes;
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(3)),
                    h = ffn_dense(model, ffn_standardize(model, x), 2, ffn_tanh());
    const ffn_value y = ffn_dense(model, ffn_add(model, h, ffn_dropout(model, h, 0.5f)), 2, ffn_softmax());
    ffn_set_penalty(model, y, 0.5f, 0);
    ffn_set_initializer(model, y, ffn_normal(0, 1));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, classes, 2, NULL), FFN_OK);
    const float row[3] = {0}, target[2] = {0, 1};
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_huber(0.5f);
    options.optimizer = ffn_sgd(0);
    options.epochs = 1;
    ffn_dataset *data = ffn_dataset_from_arrays(row, ffn_shape_1d(3), target, ffn_shape_1d(2), 1, NULL);
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    ffn_dataset_destroy(data);
    CU_ASSERT_EQUAL_FATAL(ffn_model_save_memory(model, &bytes, &good.size, NULL), FFN_OK);
    good.bytes = malloc(good.size);
    memcpy(good.bytes, bytes, good.size);
    ffn_free(bytes);
    ffn_model_destroy(model);
}

#define ANY FFN_OK /* any status but success */

/* Refused with this status and these words, in at most 4 times the file and a megabyte. */
static void refuse(const file_bytes *f, ffn_status status, const char *words)
{
    ffn_error error = {FFN_OK, ""};
    unsigned char *copy = malloc(f->size + 1); /* of its own, so that a sanitizer sees reads past the end */
    memcpy(copy, f->bytes, f->size);
    count_memory(true);
    ffn_model *model = ffn_model_load_memory(copy, f->size, &error);
    const bool refused = !model;
    ffn_model_destroy(model);
    CU_ASSERT_EQUAL(live, 0);
    CU_ASSERT_TRUE(peak <= 4 * f->size + (1 << 20) - f->size); /* with the file itself, which is here already */
    count_memory(false);
    if (status == ANY) status = error.status;
    if (!refused || error.status != status || !strstr(error.message, words))
        printf("\n    expected %d, %s; found %d, %s\n", (int)status, words, (int)error.status, error.message);
    CU_ASSERT_TRUE(refused);
    CU_ASSERT_EQUAL(error.status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    free(copy);
}

static void test_truncations(void)
{
    for (size_t size = 0; size < good.size; size++) {
        const file_bytes cut = {good.bytes, size};
        refuse(&cut, FFN_BAD_FORMAT, "safetensors");
    }
    ffn_model *model = ffn_model_load_memory(good.bytes, good.size, NULL);
    CU_ASSERT_PTR_NOT_NULL(model);
    ffn_model_destroy(model);
}

static void test_bits(void)
{
    for (size_t bit = 0; bit < 8 * good.size; bit++) {
        good.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        refuse(&good, FFN_BAD_FORMAT, "");
        good.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void test_longer(void)
{
    file_bytes longer = {malloc(good.size + 4), good.size + 4};
    memcpy(longer.bytes, good.bytes, good.size);
    memset(longer.bytes + good.size, 0, 4);
    refuse(&longer, FFN_BAD_FORMAT, "checksum");
    craft_seal(&longer);
    refuse(&longer, FFN_BAD_FORMAT, "bytes of data, of which tensors have");
    free(longer.bytes);
}

/* Every byte of the description changed, with the checksum made right: refused, or a model that works. */
static void test_bytes_with_checksum(void)
{
    const size_t end = 8 + craft_header_size(&good);
    size_t loaded = 0;
    for (size_t i = FFN__CHECKSUM_PLACE + FFN__CHECKSUM_DIGITS; i < end; i++)
        for (unsigned change = 1; change < 256; change += 11) {
            const unsigned char old = good.bytes[i];
            ffn_error error = {FFN_OK, ""};
            float x[3] = {1, 2, 3}, y[64];
            good.bytes[i] = (unsigned char)(old ^ change);
            craft_seal(&good);
            ffn_model *model = ffn_model_load_memory(good.bytes, good.size, &error);
            CU_ASSERT_EQUAL(model != NULL, error.status == FFN_OK);
            if (model && ffn_shape_size(ffn_model_output_shape(model)) <= COUNT(y))
                CU_ASSERT_EQUAL(ffn_predict(model, x, 1, y, NULL), FFN_OK);
            loaded += model != NULL;
            ffn_model_destroy(model);
            good.bytes[i] = old;
        }
    craft_seal(&good);
    CU_ASSERT_TRUE(loaded > 100); /* letters of names, and spaces */
}

/* ---- headers with a right checksum that are wrong ---------------------------------------------------------------- */

typedef struct change {
    const char *from, *to;
    ffn_status status;
    const char *words;
} change;

static const change changes[] = {
    /* the container */
    {"'dense1.weight':{'dtype':'F32'", "'dense1.weight':{'dtype':'F64'", FFN_BAD_FORMAT, "offsets are not those"},
    {"'dense1.weight':{'dtype':'F32'", "'dense1.weight':{'dtype':'I32'", FFN_BAD_FORMAT, "expected F32"},
    {"'dense1.weight':{'dtype':'F32'", "'dense1.weight':{'dtype':'Q7'", FFN_UNSUPPORTED, "type Q7"},
    {"'dense1.weight':{'dtype':'F32'", "'dense1.weight':{'dtype':'F32','dtype':'F32'", FFN_BAD_FORMAT, "twice"},
    {"'dense1.weight':{'dtype':'F32'", "'dense1.weight':{'path':'/etc'", FFN_BAD_FORMAT, "unknown property path"},
    {"'dense1.weight':{'dtype':'F32',", "'dense1.weight':{", FFN_BAD_FORMAT, "lacks dtype"},
    {"'dense1.weight'", "'dense1.waight'", FFN_BAD_FORMAT, "no tensor dense1.weight"},
    {"'dense1.weight'", "'dense1.bias'", FFN_BAD_FORMAT, "two tensors are named dense1.bias"},
    {"'shape':[2,3]", "'shape':[3,2]", FFN_BAD_FORMAT, "(3, 2); expected (2, 3)"},
    {"'shape':[2,3]", "'shape':[6]", FFN_BAD_FORMAT, "(6); expected (2, 3)"},
    {"'shape':[2,3]", "'shape':[2,3,0]", FFN_BAD_FORMAT, "offsets are not those"},
    {"'shape':[2,3]", "'shape':[4294967296,4294967296]", FFN_BAD_FORMAT, "offsets are not those"},
    {"'shape':[2,3]", "'shape':[2,18446744073709551619]", FFN_BAD_FORMAT, "a smaller number"},
    {"'shape':[2,3]", "'shape':[1,1,1,2,3]", FFN_BAD_FORMAT, "has the shape 5 axes; expected (2, 3)"},
    {"'shape':[2,3]", "'shape':[02,3]", FFN_BAD_FORMAT, "a whole number"},
    {"'shape':[2,3]", "'shape':[2.0,3]", FFN_BAD_FORMAT, "the end of an array"},
    {"'shape':[2,3]", "'shape':[-2,3]", FFN_BAD_FORMAT, "a whole number"},
    {"'data_offsets':[0,", "'data_offsets':[4,", FFN_BAD_FORMAT, "offsets"},
    {"'data_offsets':[0,12]", "'data_offsets':[12,24]", FFN_BAD_FORMAT, "expected them to begin at"},
    {"'data_offsets':[0,12]", "'data_offsets':[12,0]", FFN_BAD_FORMAT, "offsets"},
    {"'data_offsets':[0,12]", "'data_offsets':[0]", FFN_BAD_FORMAT, "two offsets"},
    {",'dense1.weight'", ",'\\ud800':1,'dense1.weight'", FFN_BAD_FORMAT, "another character"},
    {",'dense1.weight'", ",'\\u0000':1,'dense1.weight'", FFN_BAD_FORMAT, "another character"},
    {",'dense1.weight'", ",'a':1,'dense1.weight'", FFN_BAD_FORMAT, "an object"},
    {",'dense1.weight'", ",'a':[[[[1]]]],'dense1.weight'", FFN_BAD_FORMAT, "an object"},
    {",'dense1.weight'", ",'a':{'shape':[0],'dtype':'F32','data_offsets':[0,0]},'dense1.weight'", FFN_BAD_FORMAT,
     "tensors of parameters"},
    {",'dense1.weight'", ",,'dense1.weight'", FFN_BAD_FORMAT, "a string"},
    {"'ffn.format':'1'", "'ffn.format':1", FFN_BAD_FORMAT, "a string"},
    {"'ffn.format':'1'", "'ffn.format':'2'", FFN_UNSUPPORTED, "format 2"},
    {"'ffn.format':'1'", "'ffn.format':'1','ffn.format':'1'", FFN_BAD_FORMAT, "ffn.format twice"},
    {"'ffn.format'", "'other'", FFN_BAD_FORMAT, "lacks ffn.format"},
    /* the description */
    {"~{'nodes':", "~{'exec':'rm','nodes':", FFN_UNSUPPORTED, "exec is nothing"},
    {"~{'build':", "~{'exec':'rm','build':", FFN_UNSUPPORTED, "exec is nothing"},
    {"~{'build':", "~['build':", FFN_BAD_FORMAT, "a comma or"},
    {"~'seed':'1'", "~'seed':'18446744073709551616'", FFN_BAD_FORMAT, "64 bits"},
    {"~'seed':'1'", "~'seed':1", FFN_BAD_FORMAT, "a string of digits"},
    {"~'seed':'1'", "~'seed':'01'", FFN_BAD_FORMAT, "a string of digits"},
    {"~'seed':'1'", "~'seed':'1','seed':'1'", FFN_BAD_FORMAT, "seed twice"},
    {"~'output':", "~'output':9", FFN_BAD_FORMAT, "output is 95; expected"},
    {"~'output':", "~'output':-", FFN_BAD_FORMAT, "output is -5; expected"},
    {"~{'input':[3]}", "~{'input':[0]}", FFN_BAD_FORMAT, "dimension"},
    {"~{'input':[3]}", "~{'input':[4]}", FFN_BAD_FORMAT, "expected (4)"},
    {"~{'input':[3]}", "~{'input':[3.5]}", FFN_BAD_FORMAT, "a whole number"},
    {"~{'input':[3]}", "~{'input':[1,1,1,1,3]}", FFN_BAD_FORMAT, "at most 4"},
    {"~{'input':[3]}", "~{'input':[4294967296,4294967296]}", FFN_BAD_FORMAT, "shape"},
    {"~{'input':[3]},", "~", FFN_BAD_FORMAT, "output is 5; expected"},
    {"~{'input':[3]}", "~{'input':[3],'layer':0}", FFN_UNSUPPORTED, "layer is nothing"},
    {"~{'layer':0,'inputs':[0]}", "~{'layer':1,'inputs':[0]}", FFN_BAD_FORMAT, "from 0 to 0"},
    {"~{'layer':0,'inputs':[0]}", "~{'layer':0,'inputs':[1]}", FFN_BAD_FORMAT, "from 0 to 0"},
    {"~{'layer':0,'inputs':[0]}", "~{'layer':0,'inputs':[]}", FFN_BAD_FORMAT, "0 inputs"},
    {"~{'layer':0,'inputs':[0]}", "~{'layer':0,'inputs':[0,0,0,0,0,0,0,0,0]}", FFN_BAD_FORMAT, "9 inputs"},
    {"~{'layer':0,'inputs':[0]}", "~{'layer':0}", FFN_BAD_FORMAT, "has no inputs"},
    {"~{'layer':0,'inputs':[0]}", "~0", FFN_BAD_FORMAT, "no object"},
    {"~'kind':'dense'", "~'kind':'dance'", FFN_UNSUPPORTED, "the layer dance"},
    {"~'kind':'dense'", "~'kind':7", FFN_BAD_FORMAT, "a string"},
    {"~'name':'add1'", "~'name':'dense2'", FFN_BAD_FORMAT, "two layers are named dense2"},
    {"~'name':'dense1'", "~'name':''", FFN_BAD_FORMAT, "empty"},
    {"~'units':2", "~'units':0", FFN_BAD_FORMAT, "units is 0; expected 1"},
    {"~'units':2", "~'units':3", FFN_BAD_FORMAT, "expected (3, 3)"},
    {"~'units':2", "~'units':1e3", FFN_BAD_FORMAT, "not a whole number"},
    {"~'units':2", "~'units':999999999999999999999", FFN_BAD_FORMAT, "not a whole number"},
    {"~'units':2", "~'units':1000000000", FFN_BAD_FORMAT, "expected (1000000000"},
    {"~'units':2", "~'units':2,'more':1", FFN_UNSUPPORTED, "more is no setting"},
    {"~'kind':'tanh'", "~'kind':'tang'", FFN_UNSUPPORTED, "activation tang"},
    {"~'kind':'tanh'", "~'kind':'leaky_relu'", FFN_OK, ""},
    {"~'kind':'tanh','numbers':{}", "~'kind':'leaky_relu','numbers':{'alpha':-1}", FFN_BAD_FORMAT, "leaky_relu is -1"},
    {"~'kind':'tanh','numbers':{}", "~'kind':'leaky_relu','numbers':{'alpha':'nan'}", FFN_BAD_FORMAT, "is nan"},
    {"~'rate':0.5", "~'rate':1.5", FFN_BAD_FORMAT, "rate is 1.5"},
    {"~'rate':0.5", "~'rate':'inf'", FFN_BAD_FORMAT, "rate is inf"},
    {"~'rate':0.5", "~'rate':1e999", FFN_BAD_FORMAT, "not a number"},
    {"~'l1':0.5", "~'l1':-0.5", FFN_BAD_FORMAT, "l1 is -0.5"},
    {"~'l1':0.5", "~'no_bias':1", FFN_BAD_FORMAT, "true or false"},
    {"~'l1':0.5", "~'l3':0.5", FFN_UNSUPPORTED, "l3 is no setting"},
    {"~'kind':'normal'", "~'kind':'evil'", FFN_UNSUPPORTED, "initializer evil"},
    {"~'kind':'huber'", "~'kind':'hubris'", FFN_UNSUPPORTED, "the loss hubris"},
    {"~'kind':'huber'", "~'kind':1", FFN_BAD_FORMAT, "a string"},
    {"~'delta':0.5", "~'delta':0", FFN_BAD_FORMAT, "the loss huber are out"},
    {"~'delta':0.5", "~'delta':0.5,'label_smoothing':1", FFN_BAD_FORMAT, "the loss huber are out"},
    {"~'delta':0.5", "~'gamma':0.5", FFN_UNSUPPORTED, "gamma is no setting"},
    {"~'classes':['one'", "~'classes':[1", FFN_BAD_FORMAT, "class 0"},
    {"~'classes':['one','two']", "~'classes':{}", FFN_BAD_FORMAT, "expected an array"},
    {"~'classes':['one','two']", "~'classes':[],'columns':[0,1,2],'categories':['','']", FFN_BAD_FORMAT,
     "3 columns and 2 categories"},
    {"~'classes':['one','two']", "~'classes':[],'columns':[0,1],'categories':['','','']", FFN_BAD_FORMAT,
     "2 columns and 3 categories"},
};

static void test_changes(void)
{
    for (size_t i = 0; i < COUNT(changes); i++) {
        const change *c = &changes[i];
        file_bytes f = craft_replace(&good, c->from, c->to);
        if (!f.bytes) printf("\n    %s is not there\n", c->from);
        CU_ASSERT_PTR_NOT_NULL_FATAL(f.bytes);
        if (c->status != FFN_OK) refuse(&f, c->status, c->words);
        free(f.bytes);
    }
}

static void test_values(void)
{
    static const unsigned char infinite[] = {0, 0, 0x80, 0x7f}, nan_bytes[] = {1, 0, 0x80, 0xff};
    const size_t first = 8 + craft_header_size(&good);
    for (size_t i = first; i + 4 <= good.size; i += 12) {
        unsigned char old[4];
        memcpy(old, good.bytes + i, 4);
        memcpy(good.bytes + i, i % 8 ? infinite : nan_bytes, 4);
        craft_seal(&good);
        refuse(&good, FFN_BAD_FORMAT, "not finite");
        memcpy(good.bytes + i, old, 4);
    }
    craft_seal(&good);
}

/* ---- large ones --------------------------------------------------------------------------------------------------- */

/* A header with `before`, then `again` over and over up to the size, then `after`. */
static file_bytes repeat(const char *before, const char *again, const char *after, size_t size)
{
    char start[512], middle[256], end[256];
    craft_quote(before, start);
    craft_quote(again, middle);
    craft_quote(after, end);
    const size_t unit = strlen(middle), count = (size - strlen(start) - strlen(end)) / unit;
    char *text = malloc(size + 1), *at = text + strlen(start);
    memcpy(text, start, strlen(start));
    for (size_t i = 0; i < count; i++, at += unit) memcpy(at, middle, unit);
    memcpy(at, end, strlen(end) + 1);
    const file_bytes f = craft(text, strlen(text), NULL, 0);
    free(text);
    return f;
}

#define CHECKED "{'__metadata__':{'ffn.checksum':'00000000'"
#define MODEL   CHECKED ",'ffn.format':'1','ffn.model':'"

static const struct {
    const char *before, *again, *after, *words;
} large[] = {
    {"", "[", "", "an object"},
    {"{'a':", "{'a':", "", "unknown property"},
    {"{'a':{'shape':[", "0,", "0]}}", "fewer numbers"},
    {"{", "'a':{'dtype':'F32','shape':[0],'data_offsets':[0,0]},", "'b':{}}", "more than 65536 tensors"},
    {"{'__metadata__':{", "'a':'',", "'b':''}}", "more than 65536 metadata"},
    {"{'__metadata__':{'a':'", "xxxxxxxx", "'}}", "no file of ffn_model_save"},
    {"{'", "\\u00e4", "':{}}", "lacks dtype"},
    {CHECKED "}", "        ", "}", "lacks ffn.format"},
    {MODEL, "[", "'}}", "memory"},
    {MODEL, "{\\'a\\':", "'}}", "memory"},
    {MODEL "{\\'a\\':[", "0,", "0]}'}}", "memory"},
    {MODEL "{\\'a\\':[", "[],", "0]}'}}", "memory"},
    {MODEL "{\\'a\\':[", "{},", "0]}'}}", "memory"},
    {MODEL "{\\'a\\':\\'", "xxxxxxxx", "\\'}'}}", NULL},
    {MODEL "{\\'build\\':{},\\'output\\':0,\\'layers\\':[],\\'classes\\':[],\\'nodes\\':[", "{\\'input\\':[1]},",
     "0]}'}}", "memory"},
};

static void test_large(void)
{
    static const size_t sizes[] = {3000, 300000, 3000000, (size_t)64 << 20};
    for (size_t i = 0; i < COUNT(large); i++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            file_bytes f = repeat(large[i].before, large[i].again, large[i].after, sizes[s]);
            const clock_t start = clock();
            const bool last = s == COUNT(sizes) - 1;
            refuse(&f, last && large[i].words ? FFN_BAD_FORMAT : ANY, last && large[i].words ? large[i].words : "");
            const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (seconds > 2 * SLOWER) printf("\n    case %zu: %.2f s\n", i, seconds);
            CU_ASSERT_TRUE(seconds <= 2 * SLOWER);
            free(f.bytes);
        }
}

/* ---- limits and memory ------------------------------------------------------------------------------------------- */

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

static ffn_model *load_within(const file_bytes *f, ffn_file_limits limits, ffn_error *error)
{
    const ffn_file_options options = {.limits = limits};
    reader r = {f, 0};
    return ffn_model_load_from(take, &r, &options, error);
}

static void test_limits(void)
{
    static const struct {
        ffn_file_limits limits;
        const char *words;
    } tight[] = {{{.header = 500}, "at most 500"},
                 {{.tensors = 4}, "more than 4 tensors"},
                 {{.layers = 3}, "at most 3 layers"},
                 {{.depth = 2}, "less depth"},
                 {{.memory = 500}, "of memory"}};
    for (size_t i = 0; i < COUNT(tight); i++) {
        ffn_error error = {FFN_OK, ""};
        CU_ASSERT_PTR_NULL(load_within(&good, tight[i].limits, &error));
        CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
        if (!strstr(error.message, tight[i].words)) printf("\n    %s\n", error.message);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, tight[i].words));
    }
    ffn_error error = {FFN_OK, ""};
    size_t enough = 500,
           of_layers = 0; /* how much memory it takes, and by how many limits that of the layers is missing */
    for (ffn_model *found = NULL; !found && enough < 100000; enough += 50) {
        found = load_within(&good, (ffn_file_limits){.memory = enough}, &error);
        CU_ASSERT_TRUE(found || (error.status == FFN_BAD_FORMAT && strstr(error.message, "ffn_file_limits")));
        of_layers += !found && strstr(error.message, "the model's layers take") != NULL;
        ffn_model_destroy(found);
    }
    CU_ASSERT_TRUE(of_layers > 3 && enough > 2000 && enough < 20000);
    const ffn_file_limits wide = {1 << 20, 7, 6, 6, 1 << 20};
    ffn_model *model = load_within(&good, wide, &error);
    if (!model) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL(model);
    ffn_model_destroy(model);
}

static size_t calls, fail_at;

static void *failing_hook(size_t size, void *user)
{
    (void)user;
    return ++calls == fail_at ? NULL : counted_alloc(size);
}

/* Each allocation fails once, in loading and in saving. */
static void test_out_of_memory(void)
{
    for (size_t n = 1, more = 1; more; n++) {
        const ffn_allocator hook = {failing_hook, hook_free, NULL};
        ffn_error error = {FFN_OK, ""};
        (void)ffn_set_allocator(&hook, NULL);
        live = calls = 0;
        fail_at = n;
        void *bytes = NULL;
        size_t size;
        ffn_model *model = ffn_model_load_memory(good.bytes, good.size, &error);
        const ffn_status status = model ? ffn_model_save_memory(model, &bytes, &size, &error) : error.status;
        more = calls >= n;
        CU_ASSERT_EQUAL(status, more ? FFN_OUT_OF_MEMORY : FFN_OK);
        CU_ASSERT_EQUAL(bytes != NULL, !more);
        if (bytes) CU_ASSERT_TRUE(size == good.size && memcmp(bytes, good.bytes, size) == 0);
        ffn_free(bytes);
        ffn_model_destroy(model);
        CU_ASSERT_EQUAL(live, 0);
        CU_ASSERT_TRUE(n < 2000);
    }
    CU_ASSERT_TRUE(calls > 40);
    count_memory(false);
}

static void forget_good(void) { free(good.bytes); }

static const test_case cases[] = {
    {"a good one", make_good},
    {"truncations", test_truncations},
    {"bits", test_bits},
    {"longer", test_longer},
    {"changes", test_changes},
    {"values", test_values},
    {"large", test_large},
    {"limits", test_limits},
    {"out of memory", test_out_of_memory},
    {"bytes with a right checksum", test_bytes_with_checksum},
    {"and forgotten", forget_good},
};
TEST_MAIN("hostile file", cases)
