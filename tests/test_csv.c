/* CSV: cells, header, target, classes, gaps. */
#include "data/csv.h"

#include "data/data.h"
#include "failing.h"
#include "test.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ffn_dataset *load(const char *text, ffn_csv_options options, ffn_error *error)
{
    return ffn_dataset_load_csv_memory(text, strlen(text), &options, error);
}

/* ---- cells --------------------------------------------------------------------------------------------------- */

/* The cells of text, written as "[a][b] / [c][d]". */
static void check_cells(const char *text, char delimiter, const char *expected)
{
    char out[256] = "";
    size_t used = 0;
    const char *problem = NULL;
    for (ffn__csv_reader reader = ffn__csv_read(text, strlen(text), delimiter); reader.more && !problem;) {
        ffn__csv_cell cell;
        char copy[64];
        problem = ffn__csv_next(&reader, &cell);
        const int length = problem ? 0 : (int)ffn__csv_copy(cell.text, cell.length, copy);
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s[%.*s]%s", problem ? problem : "", length, copy,
                                 !problem && cell.last && reader.more ? " / " : "");
    }
    CU_ASSERT_STRING_EQUAL(out, expected);
    if (strcmp(out, expected) != 0) fprintf(stderr, "\n  found %s, expected %s", out, expected);
}

static void test_cells(void)
{
    check_cells("", ',', "");
    check_cells("\n", ',', "");
    check_cells("\xEF\xBB\xBF", ',', "");
    check_cells("\xEF\xBB\xBF\r\n\r\n", ',', "");
    check_cells("a", ',', "[a]");
    check_cells("a,b\nc,d", ',', "[a][b] / [c][d]");
    check_cells("a,b\nc,d\n", ',', "[a][b] / [c][d]");
    check_cells("a,b\r\nc,d\r\n\r\n \r\n", ',', "[a][b] / [c][d]");
    check_cells("a,b\rc,d\r", ',', "[a][b] / [c][d]");
    check_cells("\n \n\na,b\n", ',', "[a][b]");
    check_cells("\xEF\xBB\xBF\"a\",b", ',', "[a][b]");
    check_cells(",\n,", ',', "[][] / [][]");
    check_cells("a,\n", ',', "[a][]");
    check_cells("a\n\nb\n", ',', "[a] / [] / [b]");
    check_cells(" a b , c\t\n", ',', "[a b][c]");
    check_cells("\" a \" , \"b\"\n", ',', "[ a ][b]");
    check_cells("\"a,b\",\"c\nd\"\n\"\"\"x\"\"\",\"\"", ',', "[a,b][c\nd] / [\"x\"][]");
    check_cells("a;b,c\n", ';', "[a][b,c]");
    check_cells("a\tb c\t\n", '\t', "[a][b c][]");
    check_cells("a  b\n", ' ', "[a][][b]");
    check_cells("\"a", ',', "a quote that is never closed[]");
    check_cells("\"a\"\"", ',', "a quote that is never closed[]");
    check_cells("a\"b\"", ',', "a quote within a cell that is not quoted as a whole[]");
    check_cells("\"a\"b,c", ',', "text behind a closing quote[]");
}

static void test_cells_know_their_place(void)
{
    static const char text[] = "\n\r\na,\"b\n\r\n\rc\"\r\n,d";
    static const size_t places[4][2] = {{3, 1}, {3, 2}, {7, 1}, {7, 2}};
    ffn__csv_reader reader = ffn__csv_read(text, sizeof(text) - 1, ',');
    for (size_t i = 0; i < 4; i++) {
        ffn__csv_cell cell;
        CU_ASSERT_TRUE(reader.more);
        CU_ASSERT_PTR_NULL(ffn__csv_next(&reader, &cell));
        CU_ASSERT_EQUAL(cell.line, places[i][0]);
        CU_ASSERT_EQUAL(cell.column, places[i][1]);
        CU_ASSERT_EQUAL(cell.last, i % 2 == 1);
    }
    CU_ASSERT_FALSE(reader.more);
}

/* ---- what is loaded ------------------------------------------------------------------------------------------ */

/* What a text becomes: x and targets row by row, and the names, joined by '|'; NULL: none. */
typedef struct load_case {
    const char *text;
    ffn_csv_options options;
    size_t rows, features;
    float x[8], targets[6];
    const char *features_named, *classes_named;
} load_case;

static void check_names(const char *(*name)(const ffn_dataset *, size_t), const ffn_dataset *data, size_t count,
                        const char *expected)
{
    char out[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && name(data, i); i++)
        used += (size_t)snprintf(out + used, sizeof(out) - used, i ? "|%s" : "%s", name(data, i));
    CU_ASSERT_PTR_NULL(name(data, count));
    CU_ASSERT_STRING_EQUAL(out, expected ? expected : "");
    CU_ASSERT_EQUAL(expected != NULL, name(data, 0) != NULL);
}

static void check_load(const load_case *c)
{
    ffn_error error = {0};
    ffn_dataset *data = load(c->text, c->options, &error);
    CU_ASSERT_PTR_NOT_NULL(data);
    if (!data) fprintf(stderr, "\n  '%s': %s", c->text, error.message);
    if (!data) return;
    CU_ASSERT_EQUAL(error.status, FFN_OK);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), c->rows);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_1d(c->features)));
    const bool same_x = memcmp(ffn_dataset_inputs(data).data, c->x, c->rows * c->features * sizeof(float)) == 0;
    CU_ASSERT(same_x);
    const float *targets = ffn_dataset_targets(data).data;
    CU_ASSERT_EQUAL(targets == NULL, c->options.no_target);
    const bool same_targets = !targets || memcmp(targets, c->targets, c->rows * sizeof(float)) == 0;
    CU_ASSERT(same_targets);
    if (!same_x || !same_targets) fprintf(stderr, "\n  '%s': wrong numbers", c->text);
    check_names(ffn_dataset_feature_name, data, c->features, c->features_named);
    check_names(ffn_dataset_class_name, data, ffn_dataset_classes(data), c->classes_named);
    ffn_dataset_destroy(data);
}

static void check_loads(const load_case *list, size_t count)
{
    for (size_t i = 0; i < count; i++) check_load(&list[i]);
}
#define CHECK_LOADS(list) check_loads(list, sizeof(list) / sizeof((list)[0]))

static void test_header(void)
{
    static const load_case list[] = {
        {"1,2\n3,4\n", {0}, 2, 1, {1, 3}, {2, 4}, NULL, NULL},
        {"a,b\n3,4\n", {0}, 1, 1, {3}, {4}, "a", NULL},
        {"1,b\n3,4\n", {0}, 1, 1, {3}, {4}, "1", NULL}, /* text only above the target's numbers */
        {"1,b\n3,4\n5,?\n6,7\n", {.missing = FFN_CSV_MISSING_SKIP_ROW}, 2, 1, {3, 6}, {4, 7}, "1", NULL},
        {"1,b\n3,c\n", {0}, 2, 1, {1, 3}, {0, 1}, NULL, "b|c"}, /* a class */
        {"a,b\n3,c\n4,d\n", {0}, 2, 1, {3, 4}, {0, 1}, "a", "c|d"},
        {",b\n3,4\n", {0}, 1, 1, {3}, {4}, "", NULL},
        {"2001,2002\n3,4\n", {.header = FFN_CSV_HEADER_YES}, 1, 1, {3}, {4}, "2001", NULL},
        {"1,b\n2,c\n", {.header = FFN_CSV_HEADER_NO}, 2, 1, {1, 2}, {0, 1}, NULL, "b|c"},
        {"1,2\n3,4\n", {.target = "1"}, 1, 1, {4}, {3}, "2", NULL}, /* a target by name needs a header */
        {"\"a \"\"x\"\"\",\"b\nc\",t\n1,2,3\n", {0}, 1, 2, {1, 2}, {3}, "a \"x\"|b\nc", NULL},
        {"\xEF\xBB\xBF\"a\",t\r\n1,2\r\n\r\n", {0}, 1, 1, {1}, {2}, "a", NULL},
        {"NA,t\n1,2\n", {0}, 1, 1, {1}, {2}, "NA", NULL},
        {"1,inf\n3,4\n", {.header = FFN_CSV_HEADER_YES}, 1, 1, {3}, {4}, "1", NULL},
    };
    CHECK_LOADS(list);
}

static void test_target(void)
{
    static const load_case list[] = {
        {"a,b,c\n1,2,3\n4,5,6\n", {0}, 2, 2, {1, 2, 4, 5}, {3, 6}, "a|b", NULL},
        {"a,b,c\n1,2,3\n4,5,6\n", {.target_column = 1}, 2, 2, {2, 3, 5, 6}, {1, 4}, "b|c", NULL},
        {"a,b,c\n1,2,3\n4,5,6\n", {.target_column = 3}, 2, 2, {1, 2, 4, 5}, {3, 6}, "a|b", NULL},
        {"a,b,c\n1,2,3\n4,5,6\n", {.target = "b"}, 2, 2, {1, 3, 4, 6}, {2, 5}, "a|c", NULL},
        {"a,b,c\n1,2,3\n4,5,6\n", {.target = "b", .target_column = 1}, 2, 2, {1, 3, 4, 6}, {2, 5}, "a|c", NULL},
        {"a,b,c\n1,2,3\n4,5,6\n", {.no_target = true}, 2, 3, {1, 2, 3, 4, 5, 6}, {0}, "a|b|c", NULL},
        {"a\n1\n2\n", {.no_target = true}, 2, 1, {1, 2}, {0}, "a", NULL},
        {"1\n2", {.no_target = true}, 2, 1, {1, 2}, {0}, NULL, NULL},
        {"\"x \"\"y\"\"\",b\n1,2\n", {.target = "x \"y\""}, 1, 1, {2}, {1}, "b", NULL},
        {"a;b\n1;2\n", {.delimiter = ';'}, 1, 1, {1}, {2}, "a", NULL},
        {"a\tb\n1\t2\n", {.delimiter = '\t'}, 1, 1, {1}, {2}, "a", NULL},
        {" 1 ,\" 2 \"\n", {0}, 1, 1, {1}, {2}, NULL, NULL},
    };
    CHECK_LOADS(list);
}

static void test_classes(void)
{
    static const load_case list[] = {
        {"1,dog\n2,cat\n3,dog\n", {0}, 3, 1, {1, 2, 3}, {1, 0, 1}, NULL, "cat|dog"},
        {"1,b\n2,a\n3,B\n4,ab\n", {0}, 4, 1, {1, 2, 3, 4}, {3, 1, 0, 2}, NULL, "B|a|ab|b"},
        {"1,\"a\"\n2,a\n3,\"a\"\"\"\n", {0}, 3, 1, {1, 2, 3}, {0, 0, 1}, NULL, "a|a\""},
        {"1,\"x\"\"z\"\n2,\"x!\"\n3,\"x#\"\n", {0}, 3, 1, {1, 2, 3}, {1, 0, 2}, NULL, "x!|x\"z|x#"},
        {"1,\xC3\xA4\n2,z\n", {0}, 2, 1, {1, 2}, {1, 0}, NULL, "z|\xC3\xA4"}, /* by unsigned bytes */
        {"1,10\n2,9\n3,10.0\n4,-1\n", {.classification = true}, 4, 1, {1, 2, 3, 4}, {2, 1, 2, 0}, NULL, "-1|9|10"},
        {"1,0\n2,-0\n3,1e0\n", {.classification = true}, 3, 1, {1, 2, 3}, {0, 0, 1}, NULL, "0|1e0"},
        {"1,10\n2,9\n3,other\n", {.classification = true}, 3, 1, {1, 2, 3}, {0, 1, 2}, NULL, "10|9|other"},
        {"1,a\n2,3\n4,b\n", {.classification = true}, 3, 1, {1, 2, 4}, {1, 0, 2}, NULL, "3|a|b"},
        {"1,inf\n2,other\n", {0}, 2, 1, {1, 2}, {0, 1}, NULL, "inf|other"},
        {"1,0.1\n2,0.10000000001\n", {.classification = true}, 2, 1, {1, 2}, {0, 1}, NULL, "0.1|0.10000000001"},
    };
    CHECK_LOADS(list);
}

/* Enough to leave the room that a block's alignment gives. */
static void test_many_classes(void)
{
    enum { ROWS = 1000, LINE = 32 };
    char *text = malloc(ROWS * LINE + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t used = 0;
    for (int i = 0; i < ROWS; i++) used += (size_t)snprintf(text + used, LINE, "%d,class %4d\n", i, i * 7 % ROWS);
    ffn_dataset *data = load(text, (ffn_csv_options){0}, NULL);
    free(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), ROWS);
    size_t wrong = 0;
    for (int i = 0; i < ROWS; i++) {
        char name[LINE];
        (void)snprintf(name, sizeof(name), "class %4d", i);
        wrong += strcmp(ffn_dataset_class_name(data, (size_t)i), name) != 0;
        wrong += ffn_dataset_targets(data).data[i] != (float)(i * 7 % ROWS);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    ffn_dataset_destroy(data);
}

static void test_missing(void)
{
    static const char gaps[] = "1,9\n,8\n3,7\nNA,6\n8,5\n";
    static const load_case list[] = {
        {gaps, {.missing = FFN_CSV_MISSING_ZERO}, 5, 1, {1, 0, 3, 0, 8}, {9, 8, 7, 6, 5}, NULL, NULL},
        {gaps, {.missing = FFN_CSV_MISSING_MEAN}, 5, 1, {1, 4, 3, 4, 8}, {9, 8, 7, 6, 5}, NULL, NULL},
        {gaps, {.missing = FFN_CSV_MISSING_MEDIAN}, 5, 1, {1, 3, 3, 3, 8}, {9, 8, 7, 6, 5}, NULL, NULL},
        {gaps, {.missing = FFN_CSV_MISSING_SKIP_ROW}, 3, 1, {1, 3, 8}, {9, 7, 5}, NULL, NULL},
        {"4,1\n1,1\n?,1\n7,1\n2,1",
         {.missing = FFN_CSV_MISSING_MEDIAN},
         5,
         1,
         {4, 1, 3, 7, 2},
         {1, 1, 1, 1, 1},
         NULL,
         NULL},
        {"1,2,0\n,4,1\nnull,6,2\n", {.missing = FFN_CSV_MISSING_MEAN}, 3, 2, {1, 2, 1, 4, 1, 6}, {0, 1, 2}, NULL, NULL},
        {"nan,1\nNaN,2\n-nan,3\nNULL,4\nna,5\n\"\",6\n",
         {.missing = FFN_CSV_MISSING_ZERO},
         6,
         1,
         {0},
         {1, 2, 3, 4, 5, 6},
         NULL,
         NULL},
        {"1,a\n2,\n3,b\n", {.missing = FFN_CSV_MISSING_SKIP_ROW}, 2, 1, {1, 3}, {0, 1}, NULL, "a|b"},
        {"1,2\n2,?\n3,4\n", {.missing = FFN_CSV_MISSING_SKIP_ROW}, 2, 1, {1, 3}, {2, 4}, NULL, NULL},
        {"1\n\n3\n", {.missing = FFN_CSV_MISSING_MEAN, .no_target = true}, 3, 1, {1, 2, 3}, {0}, NULL, NULL},
    };
    CHECK_LOADS(list);
}

/* ---- files --------------------------------------------------------------------------------------------------- */

/* A file of examples/data, beside the folder of this source. */
static const char *example(const char *name)
{
    static char path[1024];
#ifdef FFN_SOURCE_DIR
    const char *root = FFN_SOURCE_DIR;
    const int length = (int)strlen(root);
#else
    const char *root = __FILE__;
    const int length = (int)(strstr(root, "tests/test_csv.c") - root);
#endif
    (void)snprintf(path, sizeof(path), "%.*s%sexamples/data/%s", length, root, length ? "/" : "", name);
    return path;
}

static void test_iris(void)
{
    ffn_error error = {0};
    ffn_dataset *data = ffn_dataset_load_csv(example("iris.csv"), NULL, &error);
    CU_ASSERT_STRING_EQUAL(error.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 150);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 3);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(data, 0), "setosa");
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(data, 2), "virginica");
    CU_ASSERT_STRING_EQUAL(ffn_dataset_feature_name(data, 3), "petal_width_(cm)");
    const float first[4] = {5.1f, 3.5f, 1.4f, 0.2f}, last[4] = {5.9f, 3.0f, 5.1f, 1.8f};
    const ffn_tensor x = ffn_dataset_inputs(data);
    CU_ASSERT(ffn_shape_equal(x.shape, ffn_shape_2d(150, 4)));
    for (size_t i = 0; i < 4; i++) CU_ASSERT(fabs((double)(x.data[i] - first[i])) < 1e-6);
    for (size_t i = 0; i < 4; i++) CU_ASSERT(fabs((double)(x.data[149 * 4 + i] - last[i])) < 1e-6);
    for (size_t i = 0; i < 150; i++) CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[i], (float)(i / 50));
    ffn_dataset_destroy(data);
}

static void test_digits(void)
{
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    ffn_dataset *data = ffn_dataset_load_csv(example("digits.csv"), &(ffn_csv_options){.classification = true}, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 1797);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_1d(64)));
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 10);
    for (size_t i = 0; i < 10; i++) CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(data, i), names[i]);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_feature_name(data, 63), "pixel_7_7");
    const ffn_tensor x = ffn_dataset_inputs(data), y = ffn_dataset_targets(data);
    double pixels = 0, labels = 0;
    for (size_t i = 0; i < 1797 * 64; i++) pixels += (double)x.data[i];
    for (size_t i = 0; i < 1797; i++) labels += (double)y.data[i];
    CU_ASSERT_EQUAL(pixels, 561718);
    CU_ASSERT_EQUAL(labels, 8070);
    ffn_dataset_destroy(data);
    data = ffn_dataset_load_csv(example("digits.csv"), NULL, NULL);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 1797);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    ffn_dataset_destroy(data);
}

/* ---- no locale, no time -------------------------------------------------------------------------------------- */

static void test_the_locale_does_not_matter(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (setlocale(LC_ALL, names[i])) break;
    if (strcmp(localeconv()->decimal_point, ",") != 0) fprintf(stderr, "(no locale with a decimal comma) ");
    check_load(&(load_case){"1.5,b\n2.25,B\n3.5,a\n", {0}, 3, 1, {1.5, 2.25, 3.5}, {2, 0, 1}, NULL, "B|a|b"});
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(load("1,2\n\"1,5\",3\n", (ffn_csv_options){0}, &error));
    CU_ASSERT_STRING_EQUAL(error.message, "CSV text, line 2, column 1: found '1,5', expected a number");
    CU_ASSERT_PTR_NOT_NULL(setlocale(LC_ALL, "C"));
}

static double seconds_to_load(const char *unit, size_t times, ffn_csv_options options)
{
    const size_t length = strlen(unit);
    char *text = malloc(length * times + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t i = 0; i < times; i++) memcpy(text + i * length, unit, length + 1);
    const clock_t start = clock();
    ffn_dataset *data = ffn_dataset_load_csv_memory(text, length * times, &options, NULL);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ffn_dataset_destroy(data);
    free(text);
    return seconds;
}

static void check_memory(const char *unit, size_t times, ffn_csv_options options, size_t most)
{
    failing_start(0);
    (void)seconds_to_load(unit, times, options);
    CU_ASSERT(failing.bytes > 0 && failing.bytes <= most * strlen(unit) * times);
    CU_ASSERT_EQUAL(failing_stop(), 0);
}

/* The least text there can be for a cell, a gap and a class, and usual text; with 1 for small change. */
static void test_memory_is_bounded_by_the_text(void)
{
    const size_t number = sizeof(float);
    check_memory("1,", 10000, (ffn_csv_options){.no_target = true, .missing = FFN_CSV_MISSING_ZERO}, number / 2 + 1);
    check_memory("1,2\n", 10000, (ffn_csv_options){0}, number / 2 + 1);
    check_memory("1,2\n,4\n", 10000, (ffn_csv_options){.missing = FFN_CSV_MISSING_MEDIAN}, 8 + number / 2);
    check_memory("1,a\n2,b\n", 10000, (ffn_csv_options){0}, 11 + number / 2);
    check_memory("1.00,2.00,3.00,4.00,a\n1.00,2.00,3.00,4.00,b\n", 10000, (ffn_csv_options){0}, 2 + number / 2);
}

/* Quadratic time in any of these would take minutes. */
static void test_time_is_linear(void)
{
    CU_ASSERT(seconds_to_load("1,a\n2,b\n", 100000, (ffn_csv_options){0}) < 10);
    CU_ASSERT(seconds_to_load("1,", 400000, (ffn_csv_options){.no_target = true, .missing = FFN_CSV_MISSING_ZERO}) <
              10);
    CU_ASSERT(seconds_to_load("a,", 400000, (ffn_csv_options){.target = "b"}) < 10);
    CU_ASSERT(seconds_to_load("\"", 1000001, (ffn_csv_options){0}) < 10);
    CU_ASSERT(seconds_to_load("\n", 1000000, (ffn_csv_options){0}) < 10);
    CU_ASSERT(seconds_to_load("\"\r", 1000001, (ffn_csv_options){0}) < 10);
    CU_ASSERT(seconds_to_load("9", 1000000, (ffn_csv_options){.no_target = true}) < 10);
}

/* ---- gzip ------------------------------------------------------------------------------------------------------ */

/* "x,y", "1,a", "2,b", "1,a" and "2,b" in lines. */
static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab,
                                       0xd0, 0xa9, 0xe4, 0x32, 0xd4, 0x49, 0xe4, 0x32, 0xd2, 0x49, 0x82,
                                       0xd3, 0x00, 0x61, 0x28, 0xaa, 0x01, 0x14, 0x00, 0x00, 0x00};

static void test_gzip(void)
{
    ffn_error error = {FFN_OK, ""};
#ifdef FFN__HAVE_ZLIB
    unsigned char cut[sizeof packed];
    memcpy(cut, packed, sizeof packed);
    ffn_dataset *data = ffn_dataset_load_csv_memory((const char *)packed, sizeof packed, NULL, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 4);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(data, 1), "b");
    ffn_dataset_destroy(data);
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory((const char *)cut, sizeof cut - 9, NULL, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "found the end of the file, expected more of its gzip data"));
    for (size_t fail = 1; fail < 60; fail++) {
        failing_start(fail);
        data = ffn_dataset_load_csv_memory((const char *)packed, sizeof packed, NULL, NULL);
        CU_ASSERT((fail > 4 || !data) && (fail < 40 || data));
        ffn_dataset_destroy(data);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
#else
    CU_ASSERT_PTR_NULL(ffn_dataset_load_csv_memory((const char *)packed, sizeof packed, NULL, &error));
    CU_ASSERT_STRING_EQUAL(error.message,
                           "CSV text is packed by gzip, which this build cannot read: it is without zlib");
#endif
}

static const test_case cases[] = {
    {"cells", test_cells},
    {"cells know their place", test_cells_know_their_place},
    {"header", test_header},
    {"gzip", test_gzip},
    {"target", test_target},
    {"classes", test_classes},
    {"many classes", test_many_classes},
    {"missing", test_missing},
    {"iris", test_iris},
    {"digits", test_digits},
    {"the locale does not matter", test_the_locale_does_not_matter},
    {"memory is bounded by the text", test_memory_is_bounded_by_the_text},
    {"time is linear", test_time_is_linear},
};

TEST_MAIN("csv", cases)
