/* Columns of text among the inputs of a CSV file: categories, one feature each, kept with the model. */
#include "failing.h"
#include "networks.h"
#include "test.h"

#include <time.h>

static const char table[] = "size,colour,shape,price\n"
                            "1,red,\"a \"\"b\"\"\",10\n"
                            "2.5,green,round,20\n"
                            "3,blue,round,30\n"
                            "4,red,flat,40\n";

static const ffn_csv_options one_hot = {.one_hot = true};

static ffn_dataset *load(const char *text, ffn_csv_options options)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = ffn_dataset_load_csv_memory(text, strlen(text), &options, &error);
    if (!data) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

static void expect_refused(const char *text, ffn_csv_options options, ffn_status status, const char *place)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = ffn_dataset_load_csv_memory(text, strlen(text), &options, &error);
    CU_ASSERT_PTR_NULL(data);
    CU_ASSERT_EQUAL(error.status, status);
    if (!strstr(error.message, place)) printf("\n    expected '%s': %s\n", place, error.message);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, place));
    ffn_dataset_destroy(data);
}

static void expect_rows(const ffn_dataset *data, const float *want, size_t rows, size_t features)
{
    const ffn_tensor x = ffn_dataset_inputs(data);
    CU_ASSERT_EQUAL_FATAL(x.shape.dim[0], rows);
    CU_ASSERT_EQUAL_FATAL(x.shape.dim[1], features);
    for (size_t i = 0; i < rows * features; i++) CU_ASSERT_EQUAL(x.data[i], want[i]);
}

static const float encoded[4][7] = {/* size, blue, green, red, a "b", flat, round */
                                    {1, 0, 0, 1, 1, 0, 0},
                                    {2.5f, 0, 1, 0, 0, 0, 1},
                                    {3, 1, 0, 0, 0, 0, 1},
                                    {4, 0, 0, 1, 0, 1, 0}};

static void test_categories(void)
{
    const char *const names[] = {"size",          "colour=blue", "colour=green", "colour=red",
                                 "shape=a \"b\"", "shape=flat",  "shape=round"};
    const char *const categories[] = {NULL, "blue", "green", "red", "a \"b\"", "flat", "round"};
    const size_t columns[] = {0, 1, 1, 1, 2, 2, 2};
    ffn_dataset *data = load(table, one_hot);
    expect_rows(data, &encoded[0][0], 4, 7);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[2], 30);
    for (size_t i = 0; i < 7; i++) {
        size_t column = 99;
        const char *category = ffn_dataset_category(data, i, &column);
        CU_ASSERT_STRING_EQUAL(ffn_dataset_feature_name(data, i), names[i]);
        CU_ASSERT((category == NULL) == (categories[i] == NULL));
        if (category) CU_ASSERT_STRING_EQUAL(category, categories[i]);
        CU_ASSERT_EQUAL(column, columns[i]);
    }
    CU_ASSERT(!ffn_dataset_category(data, 7, NULL) && !ffn_dataset_category(NULL, 0, NULL));
    ffn_dataset *first, *second; /* splits take it along */
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 1, &first, &second, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_category(second, 5, NULL), "flat");
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(data);
}

/* Numbers alone are as without the option; the target may be text, or stand between the inputs. */
static void test_other_tables(void)
{
    ffn_dataset *data = load("a,b\n1,2\n3,4\n", one_hot);
    const float numbers[] = {1, 3}, between[] = {1, 1, 0, 0, 2, 0, 1, 0, 1, 0, 0, 1};
    expect_rows(data, numbers, 2, 1);
    CU_ASSERT_PTR_NULL(ffn_dataset_category(data, 0, NULL));
    ffn_dataset_destroy(data);
    data = load("k,y,c\nx,yes,u\nx,no,v\ny,no,w\n", (ffn_csv_options){.one_hot = true, .target = "y"});
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 2);
    CU_ASSERT_EQUAL(ffn_dataset_inputs(data).shape.dim[1], 5);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_feature_name(data, 4), "c=w");
    ffn_dataset_destroy(data);
    data = load("1,u,5\n2,v,6\n1,w,7\n", one_hot); /* no header: the first row has a category */
    CU_ASSERT_PTR_NULL(ffn_dataset_feature_name(data, 0));
    const float want[] = {1, 1, 0, 0, 2, 0, 1, 0, 1, 0, 0, 1};
    expect_rows(data, want, 3, 4);
    ffn_dataset_destroy(data);
    data = load("1,0,u\n2,1,v\n1,0,w\n", (ffn_csv_options){.one_hot = true, .target_column = 2});
    expect_rows(data, between, 3, 4);
    ffn_dataset_destroy(data);
}

static void test_gaps(void)
{
    static const char gaps[] = "n,c,y\n1,a,1\n,b,2\n3,,3\n5,a,4\n";
    const float mean[] = {1, 1, 0, 3, 0, 1, 3, 0, 0, 5, 1, 0}, skipped[] = {1, 1, 0, 5, 1, 0};
    expect_refused(gaps, one_hot, FFN_BAD_FORMAT, "line 3, column 1");
    expect_refused("n,c,y\n1,a,1\n3,,3\n", one_hot, FFN_BAD_FORMAT, "line 3, column 2 'c'");
    ffn_dataset *data = load(gaps, (ffn_csv_options){.one_hot = true, .missing = FFN_CSV_MISSING_MEAN});
    expect_rows(data, mean, 4, 3);
    ffn_dataset_destroy(data);
    data = load(gaps, (ffn_csv_options){.one_hot = true, .missing = FFN_CSV_MISSING_SKIP_ROW});
    expect_rows(data, skipped, 2, 3);
    ffn_dataset_destroy(data);
    expect_refused("c,n,y\na,,1\nb,,2\n", (ffn_csv_options){.one_hot = true, .missing = FFN_CSV_MISSING_MEAN},
                   FFN_BAD_FORMAT, "column 2 'n'");
}

static void test_refuses(void)
{
    expect_refused(table, (ffn_csv_options){0}, FFN_BAD_FORMAT, "line 2, column 2 'colour'");
    expect_refused("n,c,y\n1,a,1\n2,7,2\n", one_hot, FFN_BAD_FORMAT, "line 2, column 2 'c': found 'a'");
    expect_refused("n,c,y\n1,a,1\n2,inf,2\n", one_hot, FFN_BAD_FORMAT, "line 2, column 2");
    expect_refused(table, (ffn_csv_options){.unknown_zeros = true}, FFN_INVALID_ARGUMENT, "unknown_zeros");
    for (size_t fail = 1; fail < 60; fail++) {
        failing_start(fail);
        ffn_error error = {FFN_OK, ""};
        ffn_dataset *data = ffn_dataset_load_csv_memory(table, strlen(table), &one_hot, &error);
        CU_ASSERT((data != NULL) == (error.status == FFN_OK));
        CU_ASSERT(data || error.status == FFN_OUT_OF_MEMORY);
        CU_ASSERT(fail > 10 || !data);
        CU_ASSERT(fail < 40 || data);
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
}

static double seconds_to_load_words(size_t columns, size_t rows)
{
    char *text = malloc(rows * (2 * columns + 2) + 1), *at = text;
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++, at += 2) memcpy(at, (r + c) % 3 ? "a," : "b,", 2);
        memcpy(at, r % 2 ? "1\n" : "0\n", 3);
        at += 2;
    }
    const clock_t start = clock();
    ffn_dataset *data = load(text, one_hot);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    CU_ASSERT_EQUAL(ffn_dataset_inputs(data).shape.dim[1], 2 * columns);
    ffn_dataset_destroy(data);
    free(text);
    return seconds;
}

/* As many cells take as much time in few columns as in many. */
static void test_many_columns(void)
{
    const double tall = seconds_to_load_words(8, 25000), wide = seconds_to_load_words(800, 250);
    if (!(wide < 10 * tall + (double)0.05)) printf("\n    %g s in 800 columns, %g s in 8\n", wide, tall);
    CU_ASSERT(wide < 10 * tall + (double)0.05);
}

/* Many categories, most of them several times, are all found and in order. */
static void test_many_categories(void)
{
    enum { CATEGORIES = 700, ROWS = 3 * CATEGORIES };
    static char text[16 * ROWS];
    size_t used = 0;
    for (size_t r = 0; r < ROWS; r++) /* 11 has no divisor in common with 700 */
        used += (size_t)snprintf(text + used, sizeof text - used, "k%03zu,%zu\n", r * 11 % CATEGORIES, r);
    ffn_dataset *data = load(text, one_hot);
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_inputs(data).shape.dim[1], CATEGORIES);
    for (size_t i = 0; i < CATEGORIES; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "k%03zu", i);
        CU_ASSERT_STRING_EQUAL(ffn_dataset_category(data, i, NULL), name);
    }
    for (size_t r = 0; r < ROWS; r++)
        CU_ASSERT_EQUAL(ffn_dataset_inputs(data).data[r * CATEGORIES + r * 11 % CATEGORIES], 1);
    ffn_dataset_destroy(data);
}

/* ---- with a model ---------------------------------------------------------------------------------------------- */

static ffn_model *train(void)
{
    ffn_dataset *data = load(table, one_hot);
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_standardize(model, ffn_input(model, ffn_dataset_sample_shape(data)));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, 1, ffn_linear()), NULL), FFN_OK);
    const ffn_fit_options options = {.epochs = 2};
    CU_ASSERT_EQUAL_FATAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    ffn_dataset_destroy(data);
    return model;
}

/* New rows, with fewer categories and another order, become the same inputs. */
static void test_model_keeps_them(void)
{
    static const char rows[] = "size,colour,shape\n4,red,flat\n1,red,\"a \"\"b\"\"\"\n";
    ffn_model *trained = train();
    void *bytes;
    size_t size, column = 0;
    CU_ASSERT_EQUAL_FATAL(ffn_model_save_memory(trained, &bytes, &size, NULL), FFN_OK);
    ffn_model *loaded = ffn_model_load_memory(bytes, size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    const ffn_model *models[] = {trained, loaded};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_STRING_EQUAL(ffn_model_category(models[i], 6, &column), "round");
        CU_ASSERT_EQUAL(column, 2);
        CU_ASSERT(!ffn_model_category(models[i], 0, &column) && column == 0 && !ffn_model_category(models[i], 7, NULL));
        ffn_csv_options options = {
            .no_target = true, .categories_of = models[i], .header = i ? FFN_CSV_HEADER_AUTO : FFN_CSV_HEADER_YES};
        ffn_dataset *data = load(rows, options);
        const ffn_tensor x = ffn_dataset_inputs(data);
        CU_ASSERT_EQUAL_FATAL(x.shape.dim[1], 7);
        CU_ASSERT_EQUAL(memcmp(x.data, encoded[3], sizeof encoded[3]), 0);
        CU_ASSERT_EQUAL(memcmp(x.data + 7, encoded[0], sizeof encoded[0]), 0);
        ffn_dataset_destroy(data);

        static const char unknown[] = "size,colour,shape\n1,red,flat\n2,purple,flat\n";
        expect_refused(unknown, options, FFN_BAD_FORMAT, "line 3, column 2 'colour': found 'purple'");
        expect_refused("size,colour,shape\n1,7,flat\n", options, FFN_BAD_FORMAT, "line 2, column 2");
        options.header = FFN_CSV_HEADER_YES;
        expect_refused("size,colour,shape\nx,red,flat\n", options, FFN_BAD_FORMAT, "line 2, column 1");
        expect_refused("size,colour\n1,red\n", options, FFN_SHAPE_MISMATCH, "2 columns");
        options.unknown_zeros = true;
        data = load(unknown, options);
        const float zeros[] = {2, 0, 0, 0, 0, 1, 0};
        CU_ASSERT_EQUAL(memcmp(ffn_dataset_inputs(data).data + 7, zeros, sizeof zeros), 0);
        ffn_dataset_destroy(data);
    }
    ffn_free(bytes);
    ffn_model_destroy(trained);
    ffn_model_destroy(loaded);
}

static void test_setting_them(void)
{
    ffn_model *model = train();
    const size_t columns[] = {0, 1, 1, 1, 2, 2, 2}, gap[] = {0, 2, 2, 2, 3, 3, 3}, late[] = {1, 2, 2, 2, 3, 3, 3};
    const char *const good[] = {"", "b", "g", "r", "a", "f", "r"}, *const order[] = {"", "g", "b", "r", "a", "f", "r"};
    const char *const twice[] = {"", "b", "b", "r", "a", "f", "r"}, *const numbers[] = {"",  "",  "g", "r",
                                                                                        "a", "f", "r"};
    const char *const null[] = {"", "b", "g", NULL, "a", "f", "r"};
    CU_ASSERT_EQUAL(ffn_model_set_categories(NULL, columns, good, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, NULL, good, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, NULL, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, good, 6, NULL), FFN_SHAPE_MISMATCH);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, gap, good, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, late, good, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, order, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, twice, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, numbers, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, null, 7, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(ffn_model_category(model, 1, NULL), "blue");
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, good, 7, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(ffn_model_category(model, 1, NULL), "b");
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, NULL, NULL, 0, NULL), FFN_OK);
    CU_ASSERT_PTR_NULL(ffn_model_category(model, 1, NULL));
    CU_ASSERT_PTR_NULL(ffn_model_category(NULL, 1, NULL));
    for (size_t fail_at = 1; fail_at <= 2; fail_at++) { /* of the columns and of the names */
        failing_start(fail_at);
        CU_ASSERT_EQUAL(ffn_model_set_categories(model, columns, good, 7, NULL), FFN_OUT_OF_MEMORY);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_PTR_NULL(ffn_model_category(model, 1, NULL));
    }
    ffn_model_destroy(model);
}

/* What a model knows tells titles from rows. */
static void test_model_knows_headers(void)
{
    static const char words[] = "c,s,y\nred,x,0\nblue,w,1\n", mixed[] = "c,n,y\nz,1,0\na,2,1\n";
    const char *const tables[] = {words, mixed};
    ffn_model *models[2];
    for (size_t i = 0; i < 2; i++) {
        ffn_dataset *data = load(tables[i], one_hot);
        models[i] = ffn_model_create(1, NULL);
        const ffn_value x = ffn_input(models[i], ffn_dataset_sample_shape(data));
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(models[i], ffn_dense(models[i], x, 1, ffn_linear()), NULL), FFN_OK);
        const ffn_fit_options options = {.epochs = 1};
        CU_ASSERT_EQUAL_FATAL(ffn_fit(models[i], data, &options, NULL, NULL), FFN_OK);
        ffn_dataset_destroy(data);
    }
    const struct {
        const char *text;
        size_t model;
        bool no_target, unknown_zeros;
        ffn_csv_missing missing;
        size_t rows;
    } files[] = {
        {"c,s\nred,x\nblue,x\n", 0, true, true, FFN_CSV_MISSING_ERROR, 2},
        {"c,s\nred,x\nblue,x\n", 0, true, false, FFN_CSV_MISSING_ERROR, 2},
        {"red,x\nblue,x\n", 0, true, false, FFN_CSV_MISSING_ERROR, 2},
        {"red,u\nblue,x\n", 0, true, true, FFN_CSV_MISSING_ERROR, 2}, /* one word is known */
        {"c,s,y\ngreen,u,1\n", 0, false, true, FFN_CSV_MISSING_ERROR, 1},
        {"green,u,1\nred,x,1\n", 0, false, true, FFN_CSV_MISSING_ERROR, 2}, /* no titles: the target is a number */
        {"c,n\nz,\n", 1, true, false, FFN_CSV_MISSING_ZERO, 1},
        {"z,\na,2\n", 1, true, false, FFN_CSV_MISSING_MEAN, 2},
        {"q,5\na,2\n", 1, true, true, FFN_CSV_MISSING_ERROR, 2},
        {"c,n,y\n,,1\n", 1, false, false, FFN_CSV_MISSING_ZERO, 1},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        ffn_dataset *data = load(files[i].text, (ffn_csv_options){.categories_of = models[files[i].model],
                                                                  .no_target = files[i].no_target,
                                                                  .unknown_zeros = files[i].unknown_zeros,
                                                                  .missing = files[i].missing});
        CU_ASSERT_EQUAL(ffn_dataset_rows(data), files[i].rows);
        ffn_dataset_destroy(data);
    }
    const ffn_csv_options options = {.categories_of = models[1], .no_target = true};
    expect_refused("z,5x\na,2\n", options, FFN_BAD_FORMAT, "line 1, column 2: found '5x', expected a number");
    expect_refused("c,n\nz,\n", (ffn_csv_options){.categories_of = models[1], .no_target = true, .missing = 1},
                   FFN_BAD_FORMAT, "column 2 'n': every value is missing");
    expect_refused("c,n,m\nz,1,1\n", options, FFN_SHAPE_MISMATCH, "3 columns");
    for (size_t i = 0; i < 2; i++) ffn_model_destroy(models[i]);
}

/* Without numbers nothing tells them apart, and titles must not become categories. */
static void test_tables_of_words(void)
{
    static const char words[] = "c,s,y\nred,x,no\nblue,w,yes\n";
    expect_refused(words, one_hot, FFN_INVALID_ARGUMENT, "CSV text, line 1: found words only");
    expect_refused("c,s\nred,x\n", (ffn_csv_options){.one_hot = true, .no_target = true}, FFN_INVALID_ARGUMENT,
                   "the option `header`");
    ffn_dataset *data = load(words, (ffn_csv_options){.one_hot = true, .header = FFN_CSV_HEADER_YES});
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 2);
    ffn_dataset_destroy(data);
    data = load(words, (ffn_csv_options){.one_hot = true, .header = FFN_CSV_HEADER_NO});
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 3);
    ffn_dataset_destroy(data);
    data = load("a,x,1\nb,y,2\n", one_hot); /* the target is a number in the first line too */
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 2);
    ffn_dataset_destroy(data);
}

/* ---- classes of a model ---------------------------------------------------------------------------------------- */

/* Of x one input, with so many outputs, trained on the text. */
static ffn_model *train_classes(const char *text, size_t outputs, ffn_csv_options options)
{
    ffn_dataset *data = load(text, options);
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(1));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, x, outputs, ffn_softmax()), NULL), FFN_OK);
    const ffn_fit_options fit = {.epochs = 1};
    CU_ASSERT_EQUAL_FATAL(ffn_fit(model, data, &fit, NULL, NULL), FFN_OK);
    ffn_dataset_destroy(data);
    return model;
}

static void expect_targets(const char *text, ffn_csv_options options, const float *want, size_t rows, size_t classes)
{
    ffn_dataset *data = load(text, options);
    const ffn_tensor targets = ffn_dataset_targets(data);
    CU_ASSERT_EQUAL_FATAL(targets.shape.dim[0], rows);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), classes);
    for (size_t i = 0; i < rows; i++) CU_ASSERT_EQUAL(targets.data[i], want[i]);
    for (size_t i = 0; i < classes; i++)
        CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(data, i), ffn_model_class_name(options.categories_of, i));
    ffn_dataset_destroy(data);
}

/* Files with some of the classes get the indices that the model has for them. */
static void test_model_keeps_classes(void)
{
    const float some[] = {2, 0, 2}, one[] = {1, 1}, quoted[] = {1}, numbers[] = {2, 1}, turned[] = {0, 2};
    ffn_model *model = train_classes("x,y\n1,a\n2,\"b\"\"\"\n3,c\n", 3, (ffn_csv_options){0});
    ffn_csv_options options = {.categories_of = model};
    expect_targets("x,y\n1,c\n2,a\n3,c\n", options, some, 3, 3);
    expect_targets("x,y\n1,\"b\"\"\"\n2,\"b\"\"\"\n", options, one, 2, 3);
    expect_targets("x,y\n,c\n2,\"b\"\"\"\n",
                   (ffn_csv_options){.categories_of = model, .missing = FFN_CSV_MISSING_SKIP_ROW}, quoted, 1, 3);
    expect_refused("x,y\n1,a\n2,d\n", options, FFN_BAD_FORMAT, "line 3, column 2 'y': found 'd', expected a class");
    expect_refused("x,y\n1,a\n2,\n", options, FFN_BAD_FORMAT, "line 3, column 2 'y': found an empty cell");
    expect_refused("x,y\n1,0\n2,1\n", options, FFN_BAD_FORMAT, "line 2, column 2 'y': found '0'");
    const char *const by_hand[] = {"c", "b", "a"};
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, by_hand, 3, NULL), FFN_OK);
    expect_targets("x,y\n1,c\n2,a\n", options, turned, 2, 3);
    ffn_model_destroy(model);

    model = train_classes("x,y\n1,5\n2,7\n3,10\n", 3, (ffn_csv_options){.classification = true});
    options.categories_of = model;
    expect_targets("x,y\n1,1e1\n2,7.0\n", options, numbers, 2, 3); /* numbers are compared by value */
    expect_refused("x,y\n1,5\n2,6\n", options, FFN_BAD_FORMAT, "line 3, column 2 'y': found '6'");
    expect_refused("x,y\n1,5\n2,a\n", options, FFN_BAD_FORMAT, "line 3, column 2 'y': found 'a'");
    for (size_t fail = 1; fail < 30; fail++) {
        static const char text[] = "x,y\n1,5\n2,7\n";
        failing_start(fail);
        ffn_dataset *data = ffn_dataset_load_csv_memory(text, sizeof text - 1, &options, NULL);
        CU_ASSERT((fail > 4 || !data) && (fail < 20 || data));
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    ffn_model_destroy(model);
}

static void expect_other(ffn_status status, const ffn_error *error, const char *sentence)
{
    CU_ASSERT_EQUAL(status, FFN_INVALID_ARGUMENT);
    if (!strstr(error->message, sentence)) printf("\n    expected '%s': %s\n", sentence, error->message);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, sentence));
}

/* Whoever compares outputs with targets refuses those that mean other classes. */
static void test_other_classes(void)
{
    static const char abc[] = "x,y\n1,a\n2,b\n3,c\n";
    ffn_error error = {FFN_OK, ""};
    ffn_metrics metrics = {0};
    double value;
    ffn_dataset *all = load(abc, (ffn_csv_options){0}), *gap = load("x,y\n1,a\n2,c\n", (ffn_csv_options){0});
    ffn_dataset *first = load("x,y\n1,a\n2,b\n", (ffn_csv_options){0}),
                *none = load("x,y\n1,u\n2,v\n", (ffn_csv_options){0});
    ffn_model *model = train_classes(abc, 4, (ffn_csv_options){0}), *fresh = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(fresh, ffn_shape_1d(1));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(fresh, ffn_dense(fresh, x, 4, ffn_softmax()), NULL), FFN_OK);
    const char *sentence = "the dataset: class 1 is 'c', expected 'b' as in the model";
    expect_other(ffn_evaluate(model, gap, (ffn_loss){0}, &metrics, &error), &error, sentence);
    expect_other(ffn_evaluate_metric(model, gap, (ffn_loss){0}, "accuracy", &value, &error), &error, sentence);
    expect_other(ffn_model_calibrate(model, gap, (ffn_loss){0}, NULL, &error), &error, sentence);
    ffn_fit_options options = {.epochs = 1};
    expect_other(ffn_fit(model, gap, &options, NULL, &error), &error,
                 "the training data: class 1 is 'c', expected 'b'");
    options.validation = gap;
    expect_other(ffn_fit(fresh, all, &options, NULL, &error), &error,
                 "the validation data: class 1 is 'c', expected 'b' as in the training data");
    CU_ASSERT_PTR_NULL(ffn_model_class_name(fresh, 0)); /* nothing was changed */
    options.validation = none;
    expect_other(ffn_fit(fresh, all, &options, NULL, &error), &error,
                 "the validation data: class 0 is 'u', expected 'a'");
    options.validation = first;
    CU_ASSERT_EQUAL(ffn_fit(model, all, &options, NULL, NULL), FFN_OK); /* the same indices, as far as they go */
    const char *const fewer[] = {"a", "b"}, *const own[] = {"first", "second", "third"};
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, own, 3, NULL),
                    FFN_OK); /* no name in common: of one's own choice */
    CU_ASSERT_EQUAL(ffn_evaluate(model, all, (ffn_loss){0}, &metrics, NULL), FFN_OK);
    ffn_metrics_destroy(&metrics);
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, fewer, 2, NULL), FFN_OK);
    expect_other(ffn_evaluate(model, all, (ffn_loss){0}, &metrics, &error), &error,
                 "class 2 is 'c', expected no class");
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, NULL, 0, NULL), FFN_OK); /* a model to be trained for others */
    CU_ASSERT_EQUAL(ffn_evaluate(model, gap, (ffn_loss){0}, &metrics, NULL), FFN_OK);
    ffn_metrics_destroy(&metrics);
    ffn_model_destroy(model);
    ffn_model_destroy(fresh);
    ffn_dataset_destroy(all);
    ffn_dataset_destroy(gap);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(none);
}

/* Columns that stand for classes keep their names, and give them to a model. */
static void test_one_hot_classes(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = load("x,y\n1,a\n2,b\n3,c\n4,a\n", (ffn_csv_options){0}), *first, *second;
    ffn_dataset *columns = ffn_dataset_one_hot(data, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(columns);
    CU_ASSERT_EQUAL(ffn_dataset_classes(columns), 0);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(columns, 2), "c");
    CU_ASSERT_PTR_NULL(ffn_dataset_class_name(columns, 3));
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_split(columns, 0.5f, 1, &first, &second, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(second, 2), "c");
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(1));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, x, 3, ffn_softmax()), NULL), FFN_OK);
    const ffn_fit_options options = {.epochs = 1, .validation = second};
    CU_ASSERT_EQUAL(ffn_fit(model, first, &options, NULL, NULL), FFN_OK);
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 1), "b");
    const char *const other[] = {"a", "c", "b"};
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, other, 3, NULL), FFN_OK);
    expect_other(ffn_fit(model, columns, &options, NULL, &error), &error, "class 1 is 'b', expected 'c'");
    ffn_model_destroy(model);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    ffn_dataset_destroy(columns);
    ffn_dataset_destroy(data);
}

/* Inputs of other words, or of other columns, are refused by whoever reads them. */
static void test_other_categories(void)
{
    static const char blue[] = "k,n,y\nblue,1,1\nred,2,0\n", green[] = "k,n,y\ngreen,1,1\nred,2,0\n";
    ffn_error error = {FFN_OK, ""};
    ffn_metrics metrics = {0};
    ffn_dataset *same = load(blue, one_hot), *other = load(green, one_hot);
    ffn_dataset *turned = load("n,k,y\n1,blue,1\n2,red,0\n", one_hot);
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_standardize(model, ffn_input(model, ffn_shape_1d(3)));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, x, 1, ffn_linear()), NULL), FFN_OK);
    ffn_fit_options options = {.epochs = 1, .validation = other};
    expect_other(ffn_fit(model, same, &options, NULL, &error), &error,
                 "the validation data: input 0 is 'green' of column 0, expected 'blue' of column 0 as in the training");
    CU_ASSERT_PTR_NULL(ffn_model_category(model, 0, NULL)); /* nothing was changed */
    options.validation = same;
    CU_ASSERT_EQUAL_FATAL(ffn_fit(model, same, &options, NULL, NULL), FFN_OK);
    const char *sentence = "input 0 is 'green' of column 0, expected 'blue' of column 0 as in the model";
    expect_other(ffn_fit(model, other, NULL, NULL, &error), &error, sentence);
    expect_other(ffn_evaluate(model, other, (ffn_loss){0}, &metrics, &error), &error, sentence);
    expect_other(ffn_model_fit_scalers(model, other, &error), &error, sentence);
    const ffn_export_c_options c = {.int8 = true, .dataset = other};
    expect_other(ffn_model_export_c_with(model, "/nowhere/x.c", "x", &c, &error), &error, sentence);
    expect_other(ffn_evaluate(model, turned, (ffn_loss){0}, &metrics, &error), &error,
                 "input 0 is the number of column 0, expected 'blue'");
    CU_ASSERT_EQUAL(ffn_evaluate(model, same, (ffn_loss){0}, &metrics, NULL), FFN_OK);
    ffn_metrics_destroy(&metrics);
    CU_ASSERT_EQUAL(ffn_model_set_categories(model, NULL, NULL, 0, NULL), FFN_OK); /* nothing to compare with */
    CU_ASSERT_EQUAL(ffn_evaluate(model, other, (ffn_loss){0}, &metrics, NULL), FFN_OK);
    ffn_metrics_destroy(&metrics);
    ffn_model_destroy(model);
    ffn_dataset_destroy(same);
    ffn_dataset_destroy(other);
    ffn_dataset_destroy(turned);
}

static const test_case cases[] = {
    {"categories", test_categories},
    {"other tables", test_other_tables},
    {"gaps", test_gaps},
    {"refuses", test_refuses},
    {"a model keeps them", test_model_keeps_them},
    {"setting them", test_setting_them},
    {"a model keeps classes", test_model_keeps_classes},
    {"other classes", test_other_classes},
    {"one-hot classes", test_one_hot_classes},
    {"other categories", test_other_categories},
    {"a model knows headers", test_model_knows_headers},
    {"tables of words", test_tables_of_words},
    {"many columns", test_many_columns},
    {"many categories", test_many_categories},
};
TEST_MAIN("categories of CSV files", cases)
