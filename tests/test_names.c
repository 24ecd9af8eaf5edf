/* The names of a model's classes. */
#include "failing.h"
#include "test.h"

#include <string.h>

static void test_class_names(void)
{
    char first[] = "cat";
    const char *names[] = {first, "dog", ""}, *broken[] = {"a", NULL};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_model_class_name(model, 0));
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, names, 3, NULL), FFN_OK);
    first[0] = 'r';
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 0), "cat");
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 2), "");
    CU_ASSERT_PTR_NULL(ffn_model_class_name(model, 3));
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, broken, 2, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "ffn_model_set_class_names: name 1 of 2 is NULL");
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, NULL, 1, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_set_class_names(NULL, names, 3, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 1), "dog");
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, NULL, 0, NULL), FFN_OK);
    CU_ASSERT_PTR_NULL(ffn_model_class_name(model, 0));
    CU_ASSERT_PTR_NULL(ffn_model_class_name(NULL, 0));
    ffn_model_destroy(model);
}

/* A model takes its dataset's names, unless it has some. */
static void test_class_names_of_a_dataset(void)
{
    static const char csv[] = "1,b\n2,a\n3,b\n4,a\n";
    ffn_dataset *data = ffn_dataset_load_csv_memory(csv, sizeof csv - 1, NULL, NULL);
    const char *own[] = {"x", "y"};
    for (int named = 0; named < 2; named++) {
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value x = ffn_input(model, ffn_shape_1d(1));
        CU_ASSERT_EQUAL(ffn_model_build(model, ffn_dense(model, x, 2, ffn_softmax()), NULL), FFN_OK);
        if (named) (void)ffn_model_set_class_names(model, own, 2, NULL);
        ffn_fit_options options = ffn_fit_defaults();
        options.epochs = 1;
        CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
        CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 0), named ? "x" : "a");
        CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 1), named ? "y" : "b");
        ffn_model_destroy(model);
    }
    ffn_dataset_destroy(data);
}

static void test_no_memory(void)
{
    const char *names[] = {"a", "b"};
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, names, 2, NULL), FFN_OK);
    failing_start(1);
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, names, 1, NULL), FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 1), "b");
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"class names", test_class_names},
    {"class names of a dataset", test_class_names_of_a_dataset},
    {"no memory", test_no_memory},
};

TEST_MAIN("names", cases)
