/* Models: names, parameters, the summary, initial values, and the mistakes that building reports. */
#include "failing.h"
#include "networks.h"
#include "test.h"

static bool same_bits(size_t n, const float *a, const float *b) { return memcmp(a, b, n * sizeof(float)) == 0; }

static ffn_model *create(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    return model;
}

/* ---- parameters ------------------------------------------------------------------------------------------------ */

static void test_names_and_order(void)
{
    const struct {
        const char *name;
        ffn_shape shape;
        bool trainable;
    } expected[] = {
        {"standardize1.offset", ffn_shape_1d(3), false}, {"standardize1.factor", ffn_shape_1d(3), false},
        {"standardize1.fitted", ffn_shape_1d(1), false}, {"first.weight", ffn_shape_2d(5, 3), true},
        {"first.bias", ffn_shape_1d(5), true},           {"first.slope", ffn_shape_1d(1), true},
        {"dense2.weight", ffn_shape_2d(4, 5), false},    {"dense2.slope", ffn_shape_1d(4), false},
        {"activation1.slope", ffn_shape_1d(4), true},    {"dense3.weight", ffn_shape_2d(2, 4), true},
        {"dense3.bias", ffn_shape_1d(2), true},
    };
    ffn_model *m = create();
    ffn_value h = ffn_standardize(m, ffn_input(m, ffn_shape_1d(3)));
    ffn_value first = ffn_dense(m, h, 5, ffn_prelu(0.25f));
    ffn_set_name(m, first, "first");
    ffn_value second = ffn_dense(m, ffn_dropout(m, first, 0.5f), 4, ffn_prelu_per_unit(0.1f));
    ffn_set_bias(m, second, false);
    ffn_set_trainable(m, second, false);
    h = ffn_dense(m, ffn_activate(m, second, ffn_prelu_per_unit(0.3f)), 2, ffn_softmax());
    CU_ASSERT_EQUAL(ffn_model_parameter_count(m), 0);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_model_parameter_count(m), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        ffn_parameter_info info;
        size_t index = 1000;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(m, i, &info, NULL), FFN_OK);
        CU_ASSERT_STRING_EQUAL(info.name, expected[i].name);
        CU_ASSERT(ffn_shape_equal(info.shape, expected[i].shape));
        CU_ASSERT_EQUAL(info.trainable, expected[i].trainable);
        CU_ASSERT_EQUAL(ffn_model_find_parameter(m, expected[i].name, &index, NULL), FFN_OK);
        CU_ASSERT_EQUAL(index, i);
    }
    ffn_parameter_info info;
    ffn_set_trainable(m, second, true); /* after build too */
    ffn_set_trainable(m, first, false);
    CU_ASSERT_EQUAL(ffn_model_parameter_info(m, 6, &info, NULL), FFN_OK);
    CU_ASSERT_TRUE(info.trainable);
    CU_ASSERT_EQUAL(ffn_model_parameter_info(m, 5, &info, NULL), FFN_OK);
    CU_ASSERT_FALSE(info.trainable);
    ffn_model_destroy(m);
}

static void test_get_and_set(void)
{
    ffn_model *m = create();
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, ffn_input(m, ffn_shape_1d(3)), 2, ffn_linear()), NULL),
                          FFN_OK);
    const float w[] = {1, 2, 3, 4, 5, 6}, x[] = {1, 10, 100}, bad[] = {1, 2, 3, 4, 5, NAN}, worse[] = {INFINITY, 0};
    float found[6], y[2];
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_set_parameter(m, 0, w, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, found, NULL), FFN_OK);
    CU_ASSERT(same_bits(6, w, found));
    CU_ASSERT_EQUAL(ffn_predict(m, x, 1, y, NULL), FFN_OK);
    CU_ASSERT(y[0] == 321 && y[1] == 654);

    CU_ASSERT_EQUAL(ffn_model_set_parameter(m, 0, bad, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "dense1.weight"));
    CU_ASSERT_EQUAL(ffn_model_set_parameter(m, 1, worse, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, found, NULL), FFN_OK);
    CU_ASSERT(same_bits(6, w, found));
    CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 2, found, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "parameter 2 of a model that has 2"));
    CU_ASSERT_EQUAL(ffn_model_set_parameter(m, SIZE_MAX, w, NULL), FFN_INVALID_ARGUMENT);
    size_t index;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(m, "dense1.weigh", &index, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "dense1.weigh"));
    ffn_model_destroy(m);
}

static void test_shapes(void)
{
    ffn_model *m = create();
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_2d(4, 3)), 7, ffn_linear());
    CU_ASSERT_EQUAL(ffn_model_input_shape(m).rank, 0);
    CU_ASSERT_EQUAL(ffn_model_output_shape(m).rank, 0);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    CU_ASSERT(ffn_shape_equal(ffn_model_input_shape(m), ffn_shape_2d(4, 3)));
    CU_ASSERT(ffn_shape_equal(ffn_model_output_shape(m), ffn_shape_2d(4, 7)));
    ffn_model_destroy(m);
}

/* ---- the summary ----------------------------------------------------------------------------------------------- */

static void test_summary(void)
{
    ffn_model *m = create();
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(3)), 5, ffn_relu());
    ffn_set_name(m, h, "hidden");
    ffn_set_trainable(m, h, false);
    h = ffn_dense(m, ffn_dropout(m, h, 0.25f), 2, ffn_softmax());
    char text[2000], cut[2000];
    CU_ASSERT_EQUAL(ffn_model_summary(m, text, sizeof(text)), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    const size_t length = ffn_model_summary(m, NULL, 0);
    CU_ASSERT_EQUAL(ffn_model_summary(m, text, sizeof(text)), length);
    CU_ASSERT_EQUAL(strlen(text), length);
    const char *words[] = {
        "hidden",    "(5)",    "20", "units=5", "relu",  "(frozen)", "dropout1",
        "rate=0.25", "dense2", "12", "softmax", "input", "(3)",      "32 parameters, 12 trainable\n"};
    for (size_t i = 0; i < COUNT(words); i++) CU_ASSERT_PTR_NOT_NULL(strstr(text, words[i]));
    for (size_t size = 1; size <= length + 2; size++) {
        memset(cut, 'x', sizeof(cut));
        CU_ASSERT_EQUAL(ffn_model_summary(m, cut, size), length);
        const size_t kept = size - 1 < length ? size - 1 : length;
        CU_ASSERT_EQUAL(strlen(cut), kept);
        CU_ASSERT_EQUAL(memcmp(cut, text, kept), 0);
        CU_ASSERT_EQUAL(cut[size], 'x');
    }
    CU_ASSERT_EQUAL(ffn_model_summary(NULL, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(ffn_model_summary(m, NULL, 100), length);
    ffn_model_destroy(m);
}

/* A table for a terminal of 80 columns, without spaces at the end of lines; a long name widens its column, up to 40. */
static void test_summary_width(void)
{
    for (int long_name = 0; long_name <= 1; long_name++) {
        ffn_model *m = create();
        ffn_value h = ffn_input(m, ffn_shape_3d(3, 224, 224));
        h = ffn_dense(m, ffn_flatten(m, h), 4, ffn_prelu_per_unit(0.25f));
        ffn_set_trainable(m, h, false);
        if (long_name) ffn_set_name(m, h, "a layer whose name is longer than forty characters");
        h = ffn_dense(m, ffn_add(m, h, h), 1000, ffn_log_softmax());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
        char text[2000];
        CU_ASSERT_FATAL(ffn_model_summary(m, text, sizeof(text)) < sizeof(text));
        size_t lines = 0;
        for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
            CU_ASSERT(end > line && end[-1] != ' ');
            CU_ASSERT(long_name || end - line <= 80);
        }
        CU_ASSERT_EQUAL(lines, 7);
        const char *heading = strstr(text, "output"), *first = strstr(text, "(3, 224, 224)");
        CU_ASSERT_FATAL(heading && first);
        CU_ASSERT_EQUAL(heading - text, first - (strchr(text, '\n') + 1)); /* under its heading */
        CU_ASSERT_EQUAL(heading - text, long_name ? 42 : 10);
        ffn_model_destroy(m);
    }
}

/* ---- mistakes -------------------------------------------------------------------------------------------------- */

/* Each describes a network with one mistake, and goes on after it. */
static ffn_value add_of_unequal(ffn_model *m)
{
    ffn_value x = ffn_input(m, ffn_shape_1d(3));
    return ffn_add(m, ffn_dense(m, x, 4, ffn_relu()), x);
}
static ffn_value concat_of_unequal(ffn_model *m)
{
    ffn_value x = ffn_input(m, ffn_shape_2d(2, 3));
    return ffn_concat(m, x, ffn_reshape(m, x, ffn_shape_2d(3, 2)));
}
static ffn_value bad_reshape(ffn_model *m) { return ffn_reshape(m, ffn_input(m, ffn_shape_1d(6)), ffn_shape_2d(4, 2)); }
static ffn_value empty_reshape(ffn_model *m)
{
    return ffn_reshape(m, ffn_input(m, ffn_shape_1d(6)), ffn_shape_2d(6, 0));
}
static ffn_value empty_input(ffn_model *m) { return ffn_input(m, ffn_shape_2d(3, 0)); }
static ffn_value endless_input(ffn_model *m) { return ffn_input(m, ffn_shape_2d(SIZE_MAX, 2)); }
static ffn_value rank_5_input(ffn_model *m) { return ffn_input(m, (ffn_shape){.rank = 5, .dim = {1, 1, 1, 1}}); }
static ffn_value no_units(ffn_model *m) { return ffn_dense(m, row_input(m), 0, ffn_relu()); }
static ffn_value rate_of_one(ffn_model *m) { return ffn_dropout(m, row_input(m), 1); }
static ffn_value negative_rate(ffn_model *m) { return ffn_dropout(m, row_input(m), -0.1f); }
static ffn_value rate_nan(ffn_model *m) { return ffn_dropout(m, row_input(m), NAN); }
static ffn_value slope_nan(ffn_model *m) { return ffn_dense(m, row_input(m), 2, ffn_leaky_relu(NAN)); }
static ffn_value negative_elu(ffn_model *m) { return ffn_activate(m, row_input(m), ffn_elu(-1)); }
static ffn_value table_without_functions(ffn_model *m)
{
    static const ffn_activation_ops ops = {.name = "hollow"};
    return ffn_activate(m, row_input(m), (ffn_activation){.ops = &ops});
}
static ffn_value no_value(ffn_model *m) { return ffn_dense(m, (ffn_value){0}, 2, ffn_relu()); }
static ffn_value value_of_another(ffn_model *m)
{
    (void)row_input(m);
    return ffn_flatten(m, (ffn_value){7});
}
static ffn_value early_scaler_wanted(ffn_model *m)
{
    return ffn_standardize(m, ffn_dense(m, row_input(m), 2, ffn_relu()));
}
static ffn_value two_of_one_name(ffn_model *m)
{
    ffn_value a = ffn_dense(m, row_input(m), 2, ffn_relu()), b = ffn_dense(m, a, 2, ffn_relu());
    ffn_set_name(m, b, "dense1");
    return b;
}
static ffn_value named(ffn_model *m, const char *name)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_name(m, h, name), h;
}
static ffn_value empty_name(ffn_model *m) { return named(m, ""); }
static ffn_value null_name(ffn_model *m) { return named(m, NULL); }
static ffn_value name_of_a_checkpoint(ffn_model *m) { return named(m, "ffn.state0.dense1"); }
static ffn_value long_name(ffn_model *m)
{
    char name[100];
    memset(name, 'n', sizeof(name));
    name[99] = '\0';
    return named(m, name);
}
static ffn_value named_input(ffn_model *m)
{
    ffn_value x = row_input(m);
    return ffn_set_name(m, x, "x"), x;
}
static ffn_value bias_of_dropout(ffn_model *m)
{
    ffn_value h = ffn_dropout(m, row_input(m), 0.5f);
    return ffn_set_bias(m, h, false), h;
}
static ffn_value negative_penalty(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_penalty(m, h, 0, -1), h;
}
static ffn_value penalty_nan(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_penalty(m, h, NAN, 0), h;
}
static ffn_value negative_max_norm(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_max_norm(m, h, -1), h;
}
static ffn_value layer_rate_nan(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_rate(m, h, NAN), h;
}
static ffn_value infinite_decay(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_decay(m, h, INFINITY), h;
}
static ffn_value lost_layer(ffn_model *m)
{
    ffn_value x = row_input(m);
    (void)ffn_dense(m, x, 3, ffn_relu());
    return ffn_dense(m, x, 2, ffn_relu());
}
static ffn_value lost_input(ffn_model *m)
{
    ffn_value x = row_input(m);
    (void)ffn_input(m, ffn_shape_1d(2));
    return ffn_dense(m, x, 2, ffn_relu());
}
static ffn_value shared_on_other_shape(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_share(m, h, h);
}
static ffn_value shared_input(ffn_model *m)
{
    ffn_value x = row_input(m);
    return ffn_share(m, x, x);
}
static ffn_value shared_scaler(ffn_model *m)
{
    const ffn_shape shape = ffn_shape_1d(3);
    return ffn_share(m, ffn_standardize(m, ffn_input(m, shape)), ffn_input(m, shape));
}

static ffn_value shared_add(ffn_model *m)
{
    ffn_value x = row_input(m), sum = ffn_add(m, x, x);
    return ffn_share(m, sum, x);
}
static ffn_value bad_initializer(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_initializer(m, h, ffn_normal(0, NAN)), h;
}
static ffn_value hollow_initializer(ffn_model *m)
{
    static const ffn_initializer_ops ops = {.name = "hollow"};
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    return ffn_set_initializer(m, h, (ffn_initializer){.ops = &ops}), h;
}
static ffn_value custom_without_table(ffn_model *m)
{
    ffn_value x = row_input(m);
    return ffn_custom_layer(m, NULL, NULL, 0, &x, 1);
}
static ffn_value custom_without_inputs(ffn_model *m)
{
    (void)row_input(m);
    return ffn_custom_layer(m, &cube_ops, &(cube_config){1}, sizeof(cube_config), NULL, 0);
}
static ffn_value custom_out_of_bounds(ffn_model *m) { return add_cube(m, row_input(m), 11); }
static ffn_value custom_on_matrix(ffn_model *m) { return add_cube(m, ffn_input(m, ffn_shape_2d(2, 3)), 1); }
static ffn_value none(ffn_model *m) { return (void)m, (ffn_value){0}; }

static const struct {
    ffn_value (*describe)(ffn_model *model);
    ffn_status status;
    const char *words[3];
} mistakes[] = {
    {add_of_unequal, FFN_SHAPE_MISMATCH, {"add1", "(4)", "(3)"}},
    {concat_of_unequal, FFN_SHAPE_MISMATCH, {"concat1", "(2, 3)", "(3, 2)"}},
    {bad_reshape, FFN_SHAPE_MISMATCH, {"reshape1", "6 elements", "8"}},
    {empty_reshape, FFN_INVALID_ARGUMENT, {"reshape1", "0", NULL}},
    {empty_input, FFN_INVALID_ARGUMENT, {"input", "0", NULL}},
    {endless_input, FFN_INVALID_ARGUMENT, {"input", NULL, NULL}},
    {rank_5_input, FFN_INVALID_ARGUMENT, {"input", "5", "4"}},
    {no_units, FFN_INVALID_ARGUMENT, {"dense1", "units is 0", "expected 1"}},
    {rate_of_one, FFN_INVALID_ARGUMENT, {"dropout1", "rate is 1", "expected 0"}},
    {negative_rate, FFN_INVALID_ARGUMENT, {"dropout1", "rate is -0.1", NULL}},
    {rate_nan, FFN_INVALID_ARGUMENT, {"dropout1", "rate is nan", NULL}},
    {slope_nan, FFN_INVALID_ARGUMENT, {"dense1", "leaky_relu", "nan"}},
    {negative_elu, FFN_INVALID_ARGUMENT, {"activation1", "elu", "-1"}},
    {table_without_functions, FFN_INVALID_ARGUMENT, {"activation1", "hollow", NULL}},
    {no_value, FFN_INVALID_ARGUMENT, {"dense", "value 0", NULL}},
    {value_of_another, FFN_INVALID_ARGUMENT, {"flatten", "value 7", "1"}},
    {early_scaler_wanted, FFN_INVALID_ARGUMENT, {"standardize1", "dense1", "input"}},
    {two_of_one_name, FFN_INVALID_ARGUMENT, {"dense1", "unique", NULL}},
    {empty_name, FFN_INVALID_ARGUMENT, {"dense1", "empty", NULL}},
    {null_name, FFN_INVALID_ARGUMENT, {"dense1", "NULL", NULL}},
    {long_name, FFN_INVALID_ARGUMENT, {"dense1", "too long", "64"}},
    {name_of_a_checkpoint, FFN_INVALID_ARGUMENT, {"dense1", "checkpoint", "ffn."}},
    {named_input, FFN_INVALID_ARGUMENT, {"ffn_set_name", "input", NULL}},
    {bias_of_dropout, FFN_INVALID_ARGUMENT, {"ffn_set_bias", "dropout1", NULL}},
    {negative_penalty, FFN_INVALID_ARGUMENT, {"ffn_set_penalty", "dense1", "-1"}},
    {negative_max_norm, FFN_INVALID_ARGUMENT, {"ffn_set_max_norm", "dense1", "-1"}},
    {layer_rate_nan, FFN_INVALID_ARGUMENT, {"ffn_set_rate", "dense1", "nan"}},
    {infinite_decay, FFN_INVALID_ARGUMENT, {"ffn_set_decay", "dense1", "inf"}},
    {penalty_nan, FFN_INVALID_ARGUMENT, {"ffn_set_penalty", "dense1", "nan"}},
    {lost_layer, FFN_INVALID_ARGUMENT, {"dense1", "does not lead", "dense2"}},
    {lost_input, FFN_INVALID_ARGUMENT, {"input", "does not lead", NULL}},
    {shared_on_other_shape, FFN_SHAPE_MISMATCH, {"dense1", "(2)", "(6)"}},
    {shared_input, FFN_INVALID_ARGUMENT, {"ffn_share", "input", NULL}},
    {shared_scaler, FFN_INVALID_ARGUMENT, {"ffn_share", "standardize1", NULL}},
    {shared_add, FFN_INVALID_ARGUMENT, {"ffn_share", "add1", NULL}},
    {bad_initializer, FFN_INVALID_ARGUMENT, {"normal", "nan", NULL}},
    {hollow_initializer, FFN_INVALID_ARGUMENT, {"ffn_set_initializer", "dense1", "fill"}},
    {custom_without_table, FFN_INVALID_ARGUMENT, {"ffn_custom_layer", "table", NULL}},
    {custom_without_inputs, FFN_INVALID_ARGUMENT, {"cube", "1 to 8 inputs", NULL}},
    {custom_out_of_bounds, FFN_INVALID_ARGUMENT, {"cube1", "factor is 11", "-10 to 10"}},
    {custom_on_matrix, FFN_SHAPE_MISMATCH, {"cube1", "one axis", NULL}},
    {none, FFN_INVALID_ARGUMENT, {"output", "value 0", NULL}},
};

static void test_mistakes_are_reported(void)
{
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        ffn_model *model = create();
        ffn_error error = {FFN_OK, ""};
        const ffn_value output = mistakes[i].describe(model);
        CU_ASSERT_EQUAL(ffn_model_build(model, output, &error), mistakes[i].status);
        CU_ASSERT_EQUAL(error.status, mistakes[i].status);
        for (size_t w = 0; w < 3 && mistakes[i].words[w]; w++) {
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, mistakes[i].words[w]));
            if (!strstr(error.message, mistakes[i].words[w]))
                printf("\n    \"%s\" is not in: %s\n", mistakes[i].words[w], error.message);
        }
        CU_ASSERT_NOT_EQUAL(ffn_model_build(model, output, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_parameter_count(model), 0);
        CU_ASSERT_PTR_NULL(ffn_plan_create(model, (ffn_plan_options){0}, NULL));
        ffn_model_destroy(model);
    }
}

/* The first mistake stays; what comes after it does nothing. */
static void test_the_first_mistake_stays(void)
{
    ffn_model *m = create();
    ffn_value x = row_input(m), bad = ffn_dropout(m, x, 2);
    CU_ASSERT_EQUAL(bad.id, 0);
    CU_ASSERT_EQUAL(ffn_dense(m, bad, 0, ffn_relu()).id, 0);
    CU_ASSERT_EQUAL(ffn_dense(m, x, 2, ffn_relu()).id, 0);
    CU_ASSERT_EQUAL(row_input(m).id, 0);
    ffn_set_penalty(m, x, -1, -1);
    ffn_set_name(m, x, NULL);
    ffn_error error;
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL(ffn_model_build(m, x, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "rate is 2"));
    }
    ffn_model_destroy(m);
}

static void test_after_build(void)
{
    ffn_model *m = create();
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_relu());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_build(m, h, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "built"));
    CU_ASSERT_EQUAL(ffn_dense(m, h, 2, ffn_relu()).id, 0);
    CU_ASSERT_EQUAL(row_input(m).id, 0);
    CU_ASSERT_EQUAL(ffn_share(m, h, h).id, 0);
    ffn_set_name(m, h, "other");
    ffn_set_bias(m, h, false);
    ffn_set_penalty(m, h, 1, 1);
    ffn_set_initializer(m, h, ffn_zeros());
    CU_ASSERT_EQUAL(ffn_model_build(m, h, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "built"));
    /* it serves all the same */
    float x[INPUTS] = {1}, y[2];
    ffn_parameter_info info;
    CU_ASSERT_EQUAL(ffn_predict(m, x, 1, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_parameter_info(m, 0, &info, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(info.name, "dense1.weight");
    ffn_set_trainable(m, h, false);
    CU_ASSERT_EQUAL(ffn_model_parameter_info(m, 0, &info, NULL), FFN_OK);
    CU_ASSERT_FALSE(info.trainable);
    ffn_model_destroy(m);
}

/* What ffn_model_build itself finds may be put right, and it be called again. */
static void test_a_build_may_be_tried_again(void)
{
    ffn_model *m = create();
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_softmax()), y = ffn_dense(m, h, 3, ffn_softmax());
    CU_ASSERT_EQUAL(ffn_model_build(m, h, NULL), FFN_INVALID_ARGUMENT); /* dense2 does not lead to it */
    CU_ASSERT_EQUAL(ffn_model_build(m, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(m), 4);
    ffn_model_destroy(m);
}

/* ---- initial values -------------------------------------------------------------------------------------------- */

static void test_initial_values_follow_the_activation(void)
{
    enum { IN = 300, OUT = 200 };
    static float w[IN * OUT], b[OUT];
    const double glorot = sqrt(2.0 / (IN + OUT)), he = sqrt(2.0 / IN), lecun = sqrt(1.0 / IN);
    const struct {
        ffn_activation activation;
        ffn_initializer initializer;
        double sd, most; /* most: of uniform ones */
    } cases[] = {
        {ffn_tanh(), {0}, glorot, sqrt(3) * glorot},
        {ffn_sigmoid(), {0}, glorot, sqrt(3) * glorot},
        {ffn_softmax(), {0}, glorot, sqrt(3) * glorot},
        {{0}, {0}, glorot, sqrt(3) * glorot},
        {ffn_relu(), {0}, he, INFINITY},
        {ffn_leaky_relu(0.01f), {0}, he, INFINITY},
        {ffn_prelu(0.25f), {0}, he, INFINITY},
        {ffn_gelu(), {0}, he, INFINITY},
        {ffn_selu(), {0}, lecun, INFINITY},
        {ffn_relu(), ffn_glorot_normal(), glorot, INFINITY},
        {ffn_tanh(), ffn_he_uniform(), he, sqrt(3) * he},
        {ffn_relu(), ffn_constant(0), 0, 0},
        {ffn_relu(), ffn_uniform(-1, 1), sqrt(1 / 3.0), 1},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        ffn_model *m = create();
        ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(IN)), OUT, cases[c].activation);
        ffn_set_initializer(m, h, cases[c].initializer);
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, w, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 1, b, NULL), FFN_OK);
        double sum = 0, squares = 0, most = 0;
        for (size_t i = 0; i < IN * OUT; i++) {
            sum += (double)w[i];
            squares += (double)w[i] * (double)w[i];
            most = fmax(most, fabs((double)w[i]));
        }
        const double sd = sqrt(squares / (IN * OUT));
        CU_ASSERT(fabs(sd - cases[c].sd) <= 0.02 * cases[c].sd);
        CU_ASSERT(fabs(sum / (IN * OUT)) <= 5 * cases[c].sd / sqrt(IN * OUT));
        CU_ASSERT(most <= cases[c].most * (1 + 1e-6));
        CU_ASSERT(most >= (isinf(cases[c].most) ? 3.5 * cases[c].sd : 0.99 * cases[c].most));
        for (size_t i = 0; i < OUT; i++) CU_ASSERT_EQUAL(b[i], 0);
        ffn_model_destroy(m);
    }
}

static void test_seeds(void)
{
    float w[3][2][25];
    const uint64_t seeds[] = {5, 5, 6};
    for (size_t i = 0; i < 3; i++) {
        ffn_model *m = ffn_model_create(seeds[i], NULL);
        ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_1d(5)), 5, ffn_relu());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, ffn_dense(m, h, 5, ffn_relu()), NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 0, w[i][0], NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(m, 2, w[i][1], NULL), FFN_OK);
        ffn_model_destroy(m);
    }
    CU_ASSERT(same_bits(50, &w[0][0][0], &w[1][0][0]));
    for (size_t k = 0; k < 2; k++)
        for (size_t j = 0; j < 25; j++) CU_ASSERT_NOT_EQUAL(w[0][k][j], w[2][k][j]);
    for (size_t j = 0; j < 25; j++) CU_ASSERT_NOT_EQUAL(w[0][0][j], w[0][1][j]); /* each parameter its own stream */
}

/* ---- NULL ------------------------------------------------------------------------------------------------------ */

static void test_null(void)
{
    const ffn_value v = {1};
    float x[4] = {0};
    size_t index;
    ffn_parameter_info info;
    ffn_model_destroy(NULL);
    CU_ASSERT_EQUAL(ffn_input(NULL, ffn_shape_1d(1)).id, 0);
    CU_ASSERT_EQUAL(ffn_dense(NULL, v, 1, ffn_relu()).id, 0);
    CU_ASSERT_EQUAL(ffn_activate(NULL, v, ffn_relu()).id, 0);
    CU_ASSERT_EQUAL(ffn_dropout(NULL, v, 0).id, 0);
    CU_ASSERT_EQUAL(ffn_add(NULL, v, v).id + ffn_concat(NULL, v, v).id + ffn_share(NULL, v, v).id, 0);
    CU_ASSERT_EQUAL(ffn_flatten(NULL, v).id + ffn_reshape(NULL, v, ffn_shape_1d(1)).id, 0);
    CU_ASSERT_EQUAL(ffn_standardize(NULL, v).id + ffn_min_max(NULL, v).id + ffn_unstandardize(NULL, v).id, 0);
    CU_ASSERT_EQUAL(ffn_custom_layer(NULL, NULL, NULL, 0, NULL, 0).id, 0);
    ffn_set_name(NULL, v, "x");
    ffn_set_initializer(NULL, v, ffn_zeros());
    ffn_set_bias(NULL, v, false);
    ffn_set_penalty(NULL, v, 0, 0);
    ffn_set_trainable(NULL, v, false);
    CU_ASSERT_EQUAL(ffn_model_build(NULL, v, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(NULL), 0);
    CU_ASSERT_EQUAL(ffn_model_input_shape(NULL).rank + ffn_model_output_shape(NULL).rank, 0);
    ffn_model *built = form_build(&forms[0], 1), *unbuilt = create();
    const ffn_model *const models[] = {NULL, unbuilt};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(ffn_model_parameter_info(models[i], 0, &info, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_model_find_parameter(models[i], "a", &index, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(models[i], 0, x, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(ffn_predict(models[i], x, 1, x, NULL), FFN_INVALID_ARGUMENT);
    }
    CU_ASSERT_EQUAL(ffn_model_set_parameter(NULL, 0, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(unbuilt, 0, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_parameter_info(built, 0, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(built, 0, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(built, 0, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_find_parameter(built, NULL, &index, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_find_parameter(built, "a", NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_predict(built, NULL, 1, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_predict(built, x, 1, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_predict(built, x, 0, x, NULL), FFN_INVALID_ARGUMENT);
    ffn_model_destroy(built);
    ffn_model_destroy(unbuilt);
}

/* The error of a model that could not be created outlives its building. */
static void test_no_model(void)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_model_build(NULL, (ffn_value){1}, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "ffn_model_build: the model is NULL");
    error = (ffn_error){FFN_OK, ""};
    failing_start(1);
    ffn_model *model = ffn_model_create(1, &error);
    const ffn_error created = error;
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(3)), 2, ffn_relu());
    const ffn_status status = ffn_model_build(model, h, &error);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT_EQUAL(status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_STRING_EQUAL(error.message, created.message);
}

static const test_case cases[] = {
    {"names and order", test_names_and_order},
    {"get and set", test_get_and_set},
    {"shapes", test_shapes},
    {"no model", test_no_model},
    {"summary", test_summary},
    {"summary's width", test_summary_width},
    {"mistakes are reported", test_mistakes_are_reported},
    {"the first mistake stays", test_the_first_mistake_stays},
    {"after build", test_after_build},
    {"a build may be tried again", test_a_build_may_be_tried_again},
    {"initial values follow the activation", test_initial_values_follow_the_activation},
    {"seeds", test_seeds},
    {"NULL", test_null},
};
TEST_MAIN("model", cases)
