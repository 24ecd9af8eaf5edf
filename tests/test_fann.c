/* FANN's training data files. */
#include "failing.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static ffn_dataset *load(const char *text, ffn_error *error)
{
    return ffn_dataset_load_fann_memory(text, strlen(text), error);
}

static void test_rows(void)
{
    ffn_dataset *data = load("2 3 1\n1 2 3\n-1\n\n4e0\t5\r\n.5\n1", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 2);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_1d(3)));
    const float x[] = {1, 2, 3, 4, 5, (float)0.5};
    CU_ASSERT_EQUAL(memcmp(ffn_dataset_inputs(data).data, x, sizeof x), 0);
    CU_ASSERT(ffn_dataset_targets(data).data[0] == -1 && ffn_dataset_targets(data).data[1] == 1);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    ffn_dataset_destroy(data);
    data = load("1 2 0 7 8\n", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_PTR_NULL(ffn_dataset_targets(data).data);
    ffn_dataset_destroy(data);
}

static void test_refusals(void)
{
    static const char *const list[][2] = {
        {"", "FANN text, line 1: found the end of the file, expected the number of rows"},
        {"2 x 1", "FANN text, line 1: found x, expected the number of inputs"},
        {"2 1\n", "FANN text, line 2: found the end of the file, expected the number of outputs"},
        {"2 -1 1", "FANN text, line 1: found -1, expected the number of inputs"},
        {"2 99999999999999999999 1", "FANN text, line 1: found 99999999999999999999, expected the number of inputs"},
        {"0 1 1", "FANN text, line 1: found 0 rows of 1 inputs, expected at least one of each"},
        {"1000000000 1000000000 1\n1",
         "FANN text, line 1: found 1000000000 rows of 1000000000 inputs and 1 outputs, expected no more than the file "
         "holds"},
        {"1 1 18446744073709551615\n1",
         "FANN text, line 1: found 1 rows of 1 inputs and 18446744073709551615 outputs, expected no more than the file "
         "holds"},
        {"1 2 1\n1 y\n1", "FANN text, line 2: found y, expected a number"},
        {"1 2 1\n1 \n   ", "FANN text, line 3: found the end of the file, expected a number"},
        {"1 2 1\n1 1e99\n1", "FANN text, line 2: found 1e99, expected a finite number of at most 3.4e38"},
        {"1 1 1\n1\n1\n\n2", "FANN text, line 5: found 2, expected the end, as all rows have been read"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        ffn_error error = {0};
        failing_start(0);
        CU_ASSERT_PTR_NULL(load(list[i][0], &error));
        CU_ASSERT_PTR_NULL(load(list[i][0], NULL));
        CU_ASSERT(failing.bytes < 4096);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
        CU_ASSERT_STRING_EQUAL(error.message, list[i][1]);
        if (strcmp(error.message, list[i][1]) != 0) fprintf(stderr, "\n  found    %s", error.message);
    }
    CU_ASSERT_PTR_NULL(ffn_dataset_load_fann_memory(NULL, 1, NULL));
    CU_ASSERT_PTR_NULL(ffn_dataset_load_fann(NULL, NULL));
}

static void test_file(void)
{
    static const char path[] = "test_fann.tmp";
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs("1 1 1\n3\n4\n", file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    ffn_dataset *data = ffn_dataset_load_fann(path, NULL);
    CU_ASSERT_PTR_NOT_NULL(data);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[0], 4);
    ffn_dataset_destroy(data);
    (void)remove(path);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_fann(path, NULL));
}

static void test_every_allocation_may_fail(void)
{
    ffn_dataset *data = NULL;
    size_t n = 0;
    while (!data && n < 100) {
        ffn_error error = {0};
        failing_start(++n);
        data = load("1 1 1\n1\n2\n", &error);
        CU_ASSERT_EQUAL(error.status, data ? FFN_OK : FFN_OUT_OF_MEMORY);
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT_EQUAL(n, 4);
}

static const test_case cases[] = {
    {"rows", test_rows},
    {"refusals", test_refusals},
    {"file", test_file},
    {"every allocation may fail", test_every_allocation_may_fail},
};

TEST_MAIN("fann", cases)
