/* What is wrong with a CSV, in exact sentences; and that no failure leaks. */
#include "failing.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static ffn_dataset *load(const char *text, ffn_csv_options options, ffn_error *error)
{
    return ffn_dataset_load_csv_memory(text, strlen(text), &options, error);
}

typedef struct refusal {
    const char *text;
    ffn_csv_options options;
    ffn_status status;
    const char *message; /* behind "CSV text" */
} refusal;

static void check_refusals(const refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ffn_error error = {0};
        CU_ASSERT_PTR_NULL(load(list[i].text, list[i].options, &error));
        CU_ASSERT_PTR_NULL(load(list[i].text, list[i].options, NULL));
        CU_ASSERT_EQUAL(error.status, list[i].status);
        CU_ASSERT_STRING_EQUAL(error.message, list[i].message);
        if (strcmp(error.message, list[i].message) != 0)
            fprintf(stderr, "\n  found    %s\n  expected %s", error.message, list[i].message);
    }
}
#define CHECK_REFUSALS(list) check_refusals(list, sizeof(list) / sizeof((list)[0]))

static void test_bad_tables_are_refused(void)
{
    static const refusal list[] = {
        {"", {0}, FFN_BAD_FORMAT, "CSV text is empty, expected rows of numbers"},
        {"\xEF\xBB\xBF\n \r\n", {0}, FFN_BAD_FORMAT, "CSV text is empty, expected rows of numbers"},
        {"a,b\n", {0}, FFN_BAD_FORMAT, "CSV text has a header and no rows, expected at least one"},
        {"1,2\n",
         {.header = FFN_CSV_HEADER_YES},
         FFN_BAD_FORMAT,
         "CSV text has a header and no rows, expected at least one"},
        {"1,2,3\n4,5\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2: found 2 columns, expected 3 as in line 1"},
        {"\na,\"b\nc\",d\n1,2,3\n4,5,6,7\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 5: found 4 columns, expected 3 as in line 2"},
        {"1,2\n3\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2: found 1 column, expected 2 as in line 1"},
        {"1,2\n\n3,4\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2: found an empty line, expected 2 columns as in line 1"},
        {"1,2\r\n3,\"4\r\n5,6\r\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 2: found a quote that is never closed, expected '\"...\"' with quotes in it "
         "doubled"},
        {"1,2\n3,4\"\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 2: found a quote within a cell that is not quoted as a whole, expected '\"...\"' "
         "with quotes "
         "in it doubled"},
        {"\"1\"2,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 1, column 1: found text behind a closing quote, expected '\"...\"' with quotes in it doubled"},
        {"1\n2\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text has 1 column with the delimiter ',', expected a target and at least one input (or no_target)"},
        {"1;2\n3;4\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text has 1 column with the delimiter ',', expected a target and at least one input (or no_target)"},
    };
    CHECK_REFUSALS(list);
}

static void test_nul_bytes_are_refused(void)
{
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory("1,2\r\n3,\0004\n", 10, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
    CU_ASSERT_STRING_EQUAL(error.message, "CSV text, line 2: found a NUL byte, expected text in ASCII or UTF-8");
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory("1\r\0", 3, NULL, &error));
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory("", 1, NULL, &error));
    CU_ASSERT_STRING_EQUAL(error.message, "CSV text, line 1: found a NUL byte, expected text in ASCII or UTF-8");
}

static void test_bad_cells_are_refused(void)
{
    static const refusal list[] = {
        {"a,b,y\n1,2,3\n4,x5,6\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 2 'b': found 'x5', expected a number"},
        {"1,2,3\n4,x5,6\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2, column 2: found 'x5', expected a number"},
        {"1,2\n\"1,5\",3\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2, column 1: found '1,5', expected a number"},
        {"1,2\n0x10,3\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2, column 1: found '0x10', expected a number"},
        {"1,2\n\"a\nb\",3\n", {0}, FFN_BAD_FORMAT, "CSV text, line 2, column 1: found 'a b', expected a number"},
        {"1,2\nabcdefghijklmnopqrstuvwxyzABCDEFG,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 1: found 'abcdefghijklmnopqrstuvwxyzAB...', expected a number"},
        {"1,2\nabcdefghijklmnopqrstuvwxyzA\xC3\xA4 x,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 1: found 'abcdefghijklmnopqrstuvwxyzA...', expected a number"},
        {"1,2\nabcdefghijklmnopqrstuvwxyz\xC3\xA4\xC3\xA4 x,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 1: found 'abcdefghijklmnopqrstuvwxyz\xC3\xA4...', expected a number"},
        {"a,y\n1,2\ninf,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 1 'a': found 'inf', expected a finite number of at most 3.4e38"},
        {"a,y\n1,2\n3,-1e999\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 2 'y': found '-1e999', expected a finite number of at most 3.4e38"},
        {"1,2\n3,+Infinity\n",
         {.classification = true},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 2: found '+Infinity', expected a finite number of at most 3.4e38"},
#ifndef FFN_DOUBLE
        {"1,2\n3.5e38,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 2, column 1: found '3.5e38', expected a finite number of at most 3.4e38"},
#endif
    };
    CHECK_REFUSALS(list);
}

static void test_bad_columns_are_refused(void)
{
    static const refusal list[] = {
        {"a,y\n1,2\n,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 1 'a': found an empty cell, expected a number (the option `missing` can fill gaps)"},
        {"a,y\n1,2\nNaN,3\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 1 'a': found 'NaN', expected a number (the option `missing` can fill gaps)"},
        {"a,y\n1,2\n3,?\n",
         {.missing = FFN_CSV_MISSING_ZERO},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 2 'y': found '?', expected a target (the option `missing` can skip the row)"},
        {"a,y\n,2\nNA,3\n",
         {.missing = FFN_CSV_MISSING_SKIP_ROW},
         FFN_BAD_FORMAT,
         "CSV text: every row has a missing value, expected at least one without"},
        {"a,b,c\n1,2,\n3,4,\n",
         {.target_column = 2, .missing = FFN_CSV_MISSING_MEAN},
         FFN_BAD_FORMAT,
         "CSV text, column 3 'c': every value is missing, expected one to take the mean of"},
        {",1\n,2\n",
         {.missing = FFN_CSV_MISSING_MEDIAN},
         FFN_BAD_FORMAT,
         "CSV text, column 1: every value is missing, expected one to take the median of"},
        {"a,y\n1,2\n3,4x\n5,6\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, line 3, column 2 'y': found '4x', expected a number as in other rows (or set classification)"},
        {"1,a\n2,a\n",
         {0},
         FFN_BAD_FORMAT,
         "CSV text, column 2: every row has the class 'a', expected at least 2 classes"},
        {"1,5\n2,5.0\n",
         {.classification = true},
         FFN_BAD_FORMAT,
         "CSV text, column 2: every row has the class '5', expected at least 2 classes"},
    };
    CHECK_REFUSALS(list);
}

static void test_bad_targets_are_refused(void)
{
    static const char wide[] =
        "first,second,a column with quite a long name,fourth,fifth and so on and on,sixth,seventh,8\n"
        "1,2,3,4,5,6,7,8\n";
    static const refusal list[] = {
        {"a,b\n1,2\n", {.target_column = 3}, FFN_INVALID_ARGUMENT, "target column 3: CSV text has 2 columns"},
        {"a,b\n1,2\n", {.target = "c"}, FFN_INVALID_ARGUMENT, "CSV text has no column 'c', expected one of 'a', 'b'"},
        {"a,bb\n1,2\n", {.target = "b"}, FFN_INVALID_ARGUMENT, "CSV text has no column 'b', expected one of 'a', 'bb'"},
        {"a,b\n1,2\n", {.target = "bb"}, FFN_INVALID_ARGUMENT, "CSV text has no column 'bb', expected one of 'a', 'b'"},
        {"a,b\n1,2\n", {.target = ""}, FFN_INVALID_ARGUMENT, "CSV text has no column '', expected one of 'a', 'b'"},
        {"a,b,a\n1,2,3\n",
         {.target = "a"},
         FFN_INVALID_ARGUMENT,
         "CSV text: columns 1 and 3 are both named 'a', expected one target"},
        {wide,
         {.target = "eighth"},
         FFN_INVALID_ARGUMENT,
         "CSV text has no column 'eighth', expected one of 'first', 'second', 'a column with quite a long n...', "
         "'fourth', 'fifth "
         "and so on and on', ..."},
    };
    CHECK_REFUSALS(list);
}

static void test_bad_options_are_refused(void)
{
    static const char delimiter[] =
        "CSV options: the delimiter must be a tab, a space or punctuation other than \" ' + - . ?";
    static const refusal list[] = {
        {"1,2", {.delimiter = '"'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '\n'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '\r'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '.'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '-'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '0'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = 'e'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = 'E'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2", {.delimiter = '\xE4'}, FFN_INVALID_ARGUMENT, delimiter},
        {"1,2",
         {.header = (ffn_csv_header)3},
         FFN_INVALID_ARGUMENT,
         "CSV options: header is not one of ffn_csv_header"},
        {"1,2",
         {.missing = (ffn_csv_missing)5},
         FFN_INVALID_ARGUMENT,
         "CSV options: missing is not one of ffn_csv_missing"},
        {"1,2",
         {.target = "a", .header = FFN_CSV_HEADER_NO},
         FFN_INVALID_ARGUMENT,
         "CSV options: a target's name needs a header"},
        {"1,2", {.target = "a", .no_target = true}, FFN_INVALID_ARGUMENT, "CSV options: no_target excludes a target"},
        {"1,2",
         {.target_column = 1, .no_target = true},
         FFN_INVALID_ARGUMENT,
         "CSV options: no_target excludes a target"},
    };
    CHECK_REFUSALS(list);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory(NULL, 5, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv(NULL, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv(NULL, NULL, NULL));
}

static void test_errors_name_the_file(void)
{
    static const char path[] = "test_csv.tmp";
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs("a,b\n1,x\n2,y\nz,x\n", file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv(path, NULL, &error));
    CU_ASSERT_STRING_EQUAL(error.message, "test_csv.tmp, line 4, column 1 'a': found 'z', expected a number");
    (void)remove(path);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv(path, NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot open 'test_csv.tmp': no such file");
}

/* ---- no memory ----------------------------------------------------------------------------------------------- */

static void check_failures(const char *text, ffn_csv_options options, size_t least)
{
    ffn_dataset *data = NULL;
    size_t n = 0;
    while (!data && n < 100) {
        ffn_error error = {0};
        failing_start(++n);
        data = load(text, options, &error);
        CU_ASSERT_EQUAL(error.status, data ? FFN_OK : FFN_OUT_OF_MEMORY);
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(n > least && n < 100);
}

static void test_every_allocation_may_fail(void)
{
    check_failures("1,2\n3,4\n", (ffn_csv_options){0}, 3);
    check_failures("a,b,c\n1,,x\n2,3,y\n", (ffn_csv_options){.missing = FFN_CSV_MISSING_MEDIAN}, 8);
    check_failures("1,2\n3,4\n", (ffn_csv_options){.no_target = true}, 2);
}

static void test_nothing_leaks_on_an_error(void)
{
    static const char *const texts[] = {"a,b\n1,x\n2,y\nz,x\n", "1,x\n2,x\n", "a,b\n,1\n,2\n", "1,2\n3,\"",
                                        "1,2\n3,inf\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        failing_start(0);
        CU_ASSERT_PTR_NULL(load(texts[i], (ffn_csv_options){.missing = FFN_CSV_MISSING_MEAN}, NULL));
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
}

static const test_case cases[] = {
    {"bad tables are refused", test_bad_tables_are_refused},
    {"NUL bytes are refused", test_nul_bytes_are_refused},
    {"bad cells are refused", test_bad_cells_are_refused},
    {"bad columns are refused", test_bad_columns_are_refused},
    {"bad targets are refused", test_bad_targets_are_refused},
    {"bad options are refused", test_bad_options_are_refused},
    {"errors name the file", test_errors_name_the_file},
    {"every allocation may fail", test_every_allocation_may_fail},
    {"nothing leaks on an error", test_nothing_leaks_on_an_error},
};

TEST_MAIN("csv_errors", cases)
