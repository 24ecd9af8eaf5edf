/* Models as C files: compiled, run, and compared with the library. */
#include "activation/activation.h"
#include "backprop/plan.h"
#include "exported.h"
#include "networks.h"

#include <ctype.h>

enum { ROWS = 24, MOST = 64 };

/* ---- forms of networks and activations ---------------------------------------------------------------------------- */

/* Index of the activation that the next form is to have: a describe function has no argument for it. */
static ffn_activation chosen;

static ffn_value describe_dense(ffn_model *m) { return ffn_dense(m, ffn_input(m, ffn_shape_1d(INPUTS)), 9, chosen); }
static ffn_value describe_activate(ffn_model *m)
{
    ffn_value h = ffn_input(m, ffn_shape_2d(2, 3));
    return ffn_activate(m, ffn_dense(m, h, 7, ffn_linear()), chosen);
}

static ffn_value describe_folded(ffn_model *m) /* with and without bias, and by way of a dropout */
{
    const ffn_value a = ffn_dense(m, ffn_input(m, ffn_shape_2d(3, 4)), 5, ffn_linear());
    const ffn_value b = ffn_dense(m, ffn_activate(m, ffn_batch_norm(m, a), ffn_relu()), 6, ffn_linear());
    ffn_set_bias(m, b, false);
    return ffn_dense(m, ffn_batch_norm(m, ffn_dropout(m, b, (float)0.5)), 4, ffn_tanh());
}
static ffn_value describe_not_folded(ffn_model *m) /* of an input, an activation, and what others read too */
{
    const ffn_value x = ffn_batch_norm(m, ffn_input(m, ffn_shape_1d(INPUTS)));
    const ffn_value h = ffn_dense(m, x, 7, ffn_linear());
    const ffn_value y = ffn_add(m, ffn_batch_norm(m, h), h), z = ffn_batch_norm(m, ffn_dense(m, y, 7, ffn_tanh()));
    const ffn_value shared = ffn_dense(m, z, 7, ffn_linear());
    return ffn_add(m, ffn_batch_norm(m, shared), ffn_share(m, shared, y));
}
static ffn_value describe_planes(ffn_model *m) { return ffn_batch_norm(m, ffn_input(m, ffn_shape_3d(3, 2, 4))); }
/* Behind a dense layer the rounding of its sums would be divided by the deviation. */
static ffn_value describe_layer_norm(ffn_model *m)
{
    const ffn_value x = ffn_input(m, ffn_shape_2d(2, 9)), h = ffn_layer_norm(m, x), y = ffn_layer_norm(m, x);
    ffn_set_bias(m, y, false);
    return ffn_dense(m, ffn_add(m, h, y), 6, ffn_gelu());
}
static const form norms[] = {
    {"folded", describe_folded, NULL},
    {"not folded", describe_not_folded, NULL},
    {"planes", describe_planes, NULL},
    {"layer norm", describe_layer_norm, NULL},
};

/* Each scaler alone, where its rounding shows most, and all at once on parts of the input. */
static ffn_value describe_robust(ffn_model *m) { return ffn_robust(m, row_input(m)); }
static ffn_value describe_quantiles(ffn_model *m) { return ffn_quantile_normal(m, row_input(m), 9); }
static ffn_value describe_many_quantiles(ffn_model *m) { return ffn_quantile_normal(m, row_input(m), 500); }
static ffn_value describe_all_scalers(ffn_model *m)
{
    const ffn_value x = ffn_input(m, ffn_shape_2d(2, 3));
    const ffn_value a = ffn_add(m, ffn_standardize(m, x), ffn_min_max(m, x));
    return ffn_dense(m, ffn_concat(m, ffn_add(m, a, ffn_robust(m, x)), ffn_quantile_normal(m, x, 20)), 5, ffn_tanh());
}
static const form scalers[] = {
    {"robust", describe_robust, NULL},
    {"quantiles", describe_quantiles, NULL},
    {"many quantiles", describe_many_quantiles, NULL},
    {"all scalers", describe_all_scalers, NULL},
};

/* Fitted to columns with a long tail, ties, one value only, two values, and as the inputs are. */
static ffn_model *build_scaler(const form *f)
{
    enum { FITTED = 300 };
    static float x[FITTED * INPUTS];
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, f->describe(model), &error), FFN_OK);
    fill_uniform(x, COUNT(x), 3, (float)-1.5, (float)1.5);
    for (size_t r = 0; r < FITTED; r++) {
        float *row = x + r * INPUTS;
        row[0] = row[0] * row[0] * row[0];
        row[1] = roundf(2 * row[1]) / 2;
        row[2] = (float)0.5;
        row[3] = row[3] < 0 ? -1 : (float)0.5;
    }
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_model_input_shape(model), NULL, ffn_shape_1d(1), FITTED, &error);
    CU_ASSERT_EQUAL_FATAL(ffn_model_fit_scalers(model, data, &error), FFN_OK);
    ffn_dataset_destroy(data);
    return model;
}

typedef struct network {
    char name[40]; /* of the function */
    ffn_model *model;
} network;

static struct {
    network list[2 * FFN__ACTIVATION_COUNT + FORM_COUNT + COUNT(norms) + COUNT(scalers) + 1];
    size_t count;
} networks;

static void add_network(const char *name, size_t number, ffn_model *model)
{
    network *n = &networks.list[networks.count++];
    (void)snprintf(n->name, sizeof n->name, "%s_%zu", name, number);
    n->model = model;
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
}

static bool is_custom(const form *f) { return strcmp(f->name, "custom") == 0; }

static void make_networks(void)
{
    networks.count = 0;
    for (size_t i = 0; ffn_activation_name(i); i++) {
        const form dense = {"dense", describe_dense, NULL}, activate = {"activate", describe_activate, NULL};
        (void)ffn_activation_by_name(ffn_activation_name(i), &chosen, NULL);
        add_network("dense", i, form_build(&dense, 50 + i));
        add_network("activate", i, form_build(&activate, 90 + i));
    }
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (!is_custom(&forms[i])) add_network("form", i, form_build(&forms[i], 7 + i));
    for (size_t i = 0; i < COUNT(norms); i++) add_network("norm", i, form_build(&norms[i], 30 + i));
    for (size_t i = 0; i < COUNT(scalers); i++) add_network("scaler", i, build_scaler(&scalers[i]));
    ffn_model *unfitted = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL(ffn_model_build(unfitted, describe_quantiles(unfitted), NULL), FFN_OK);
    add_network("unfitted", 0, unfitted);
}

static void destroy_networks(void)
{
    for (size_t i = 0; i < networks.count; i++) ffn_model_destroy(networks.list[i].model);
}

/* ---- comparison --------------------------------------------------------------------------------------------------- */

static float largest_of(size_t n, const float *x)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(x[i]));
    return largest;
}

/* Looks at what a layer is about to work on. */
static bool look(void *context, size_t node, const ffn_step *step)
{
    float *largest = context;
    (void)node;
    for (size_t k = 0; k < step->input_count; k++)
        *largest = fmaxf(*largest, largest_of(step->rows * ffn_shape_size(step->input_shapes[k]), step->inputs[k]));
    return false;
}

/* The distance of floats at the size of the largest number on the way from x to y: what "ulp of scale" counts. Sums in
 * another order differ by as much as the numbers summed are large, though the output be small. */
static double ulp_of_scale(const ffn_model *model, const float *x, const float *y, size_t outputs)
{
    float largest = largest_of(outputs, y);
    ffn_plan *plan = ffn__plan_create(model, (ffn_plan_options){.max_batch = ROWS}, true, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ffn__plan_walk(plan, x, ROWS, look, &largest));
    ffn_plan_destroy(plan);
    return (double)(nextafterf(largest, INFINITY) - largest);
}

static double run_and_compare(const network *n, void *library, bool scratch)
{
    float x[ROWS * MOST], y[ROWS * MOST], found[ROWS * MOST];
    static float memory[4096];
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(n->model));
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(n->model));
    exported_function plain = NULL;
    exported_with_scratch with = NULL;
    if (scratch)
        EXPORTED_FIND(exported_with_scratch, library, n->name, with);
    else
        EXPORTED_FIND(exported_function, library, n->name, plain);
    if (!plain && !with) return INFINITY;
    fill_uniform(x, ROWS * inputs, 11, -2, 2);
    for (size_t i = 0; i < ROWS * inputs; i += 5) x[i] = roundf(2 * x[i]) / 2; /* what scalers have met */
    if (ffn_predict(n->model, x, ROWS, y, NULL) != FFN_OK) return INFINITY;
    for (size_t r = 0; r < ROWS; r++) {
        if (with)
            with(x + r * inputs, found + r * outputs, memory);
        else
            plain(x + r * inputs, found + r * outputs);
    }
    double worst = 0;
    for (size_t i = 0; i < ROWS * outputs; i++) {
        const double off = fabs((double)found[i] - (double)y[i]);
        if (!(off <= worst)) worst = off;
    }
    return worst / ulp_of_scale(n->model, x, y, ROWS * outputs);
}

static void export_all(const ffn_export_c_options *options, const char *flags, const char *libraries)
{
    const exported_folder folder = exported_create();
    ffn_error error = {FFN_OK, ""};
    make_networks();
    for (size_t i = 0; i < networks.count; i++) {
        const network *n = &networks.list[i];
        if (ffn_model_export_c_with(n->model, exported_file(folder, n->name, ".c").text, n->name, options, &error) !=
            FFN_OK)
            printf("\n    %s: %s\n", n->name, error.message);
        CU_ASSERT_EQUAL(error.status, FFN_OK);
    }
    void *library = exported_load(folder, flags, libraries);
    CU_ASSERT_PTR_NOT_NULL(library);
    double worst_of_all = 0;
    for (size_t i = 0; library && i < networks.count; i++) {
        const network *n = &networks.list[i];
        char name[60];
        exported_self_test test = NULL;
        const double worst = run_and_compare(n, library, options->caller_scratch);
        if (!(worst <= 4)) printf("\n    %s: %.2f ulp of scale from the library\n", n->name, worst);
        CU_ASSERT(worst <= 4);
        worst_of_all = fmax(worst_of_all, worst);
        (void)snprintf(name, sizeof name, "%s_self_test", n->name);
        EXPORTED_FIND(exported_self_test, library, name, test);
        CU_ASSERT_PTR_NOT_NULL(test);
        if (test) CU_ASSERT_EQUAL(test(), 0);
    }
    CU_ASSERT(worst_of_all > 0); /* something was compared */
    if (library) (void)dlclose(library);
    destroy_networks();
    exported_destroy(folder);
}

/* The flags, and a definition of NAME_SELF_TEST for every network. */
static const char *self_tests(const char *first)
{
    static char flags[4096];
    size_t length = (size_t)snprintf(flags, sizeof flags, "%s", first);
    make_networks();
    for (size_t i = 0; i < networks.count; i++) {
        const size_t begin = length + 3;
        length += (size_t)snprintf(flags + length, sizeof flags - length, " -D%s_SELF_TEST", networks.list[i].name);
        for (size_t k = begin; k < length; k++)
            if (flags[k] >= 'a' && flags[k] <= 'z') flags[k] = (char)(flags[k] - 'a' + 'A');
    }
    destroy_networks();
    return flags;
}

static void test_libm(void) { export_all(&(ffn_export_c_options){0}, self_tests("-O2"), "-lm"); }

static void test_own_math(void)
{
    export_all(&(ffn_export_c_options){.own_math = true, .caller_scratch = true}, self_tests("-O3 -ffreestanding"), "");
}

/* What is folded leaves no statement, and no constants of its own. */
static void test_folding(void)
{
    const exported_folder folder = exported_create();
    const exported_path path = exported_file(folder, "a", ".c");
    for (size_t i = 0; i < 2; i++) {
        static char text[200000];
        ffn_model *model = form_build(&norms[i], 1);
        CU_ASSERT_EQUAL(ffn_model_export_c(model, path.text, "a", NULL), FFN_OK);
        FILE *file = fopen(path.text, "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        CU_ASSERT_EQUAL(strstr(text, "a_channels") == NULL, i == 0);
        ffn_model_destroy(model);
    }
    exported_destroy(folder);
}

/* A function may be called as anything that is within it or its self-test. */
static void test_function_names(void)
{
    static const char *const names[] = {"y", "r",  "i", "x",   "wrong",   "off", "scratch", "m",
                                        "q", "in", "n", "out", "a_found", "row", "A",       "found"};
    for (int scratch = 0; scratch < 2; scratch++) {
        const ffn_export_c_options options = {.caller_scratch = scratch};
        const exported_folder folder = exported_create();
        ffn_model *model = form_build(&forms[0], 1);
        char flags[1024], name[40];
        size_t length = 0;
        for (size_t i = 0; i < COUNT(names); i++) {
            const exported_path path = exported_file(folder, names[i], ".c");
            CU_ASSERT_EQUAL(ffn_model_export_c_with(model, path.text, names[i], &options, NULL), FFN_OK);
            length += (size_t)snprintf(flags + length, sizeof flags - length, " -D");
            for (const char *c = names[i]; *c; c++) flags[length++] = (char)toupper(*c);
            length += (size_t)snprintf(flags + length, sizeof flags - length, "_SELF_TEST");
        }
        void *library = exported_load(folder, flags, "-lm");
        CU_ASSERT_PTR_NOT_NULL(library);
        for (size_t i = 0; library && i < COUNT(names); i++) {
            exported_self_test test = NULL;
            (void)snprintf(name, sizeof name, "%s_self_test", names[i]);
            EXPORTED_FIND(exported_self_test, library, name, test);
            CU_ASSERT(test && test() == 0);
        }
        if (library) (void)dlclose(library);
        ffn_model_destroy(model);
        exported_destroy(folder);
    }
}

static const test_case cases[] = {
    {"all forms and activations, with libm", test_libm},
    {"the same without any library, scratch from the caller", test_own_math},
    {"normalizations folded into weights", test_folding},
    {"names of functions", test_function_names},
};

TEST_MAIN("C export", cases)
