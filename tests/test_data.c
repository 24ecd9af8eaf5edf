/* Datasets, their rows, splits, and the helpers of the data module. */
#include "data/data.h"

#include "data/file.h"
#include "failing.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- datasets ------------------------------------------------------------------------------------------------ */

static void test_arrays_are_borrowed(void)
{
    const float x[3][2][2] = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}, {{9, 10}, {11, 12}}};
    const float y[3][2] = {{1, 0}, {0, 1}, {1, 1}};
    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0][0], ffn_shape_2d(2, 2), &y[0][0], ffn_shape_1d(2), 3, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL(ffn_dataset_rows(data), 3);
    CU_ASSERT_PTR_EQUAL(ffn_dataset_inputs(data).data, &x[0][0][0]);
    CU_ASSERT_PTR_EQUAL(ffn_dataset_targets(data).data, &y[0][0]);
    CU_ASSERT(ffn_shape_equal(ffn_dataset_inputs(data).shape, ffn_shape_2d(3, 4)));
    CU_ASSERT(ffn_shape_equal(ffn_dataset_targets(data).shape, ffn_shape_2d(3, 2)));
    CU_ASSERT(ffn_shape_equal(ffn_dataset_sample_shape(data), ffn_shape_2d(2, 2)));
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    CU_ASSERT_PTR_NULL(ffn_dataset_class_name(data, 0));
    CU_ASSERT_PTR_NULL(ffn_dataset_feature_name(data, 0));
    ffn_dataset_destroy(data);
}

static void test_targets_may_be_absent(void)
{
    const float x[2] = {1, 2};
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), NULL, (ffn_shape){0}, 2, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_PTR_NULL(ffn_dataset_targets(data).data);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).shape.dim[1], 0);
    ffn_dataset_destroy(data);
}

static void test_labels_are_copied(void)
{
    const float x[3] = {1, 2, 3};
    uint32_t labels[3] = {2, 0, 1};
    ffn_dataset *data = ffn_dataset_from_labels(x, ffn_shape_1d(1), labels, 3, 3, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    labels[0] = 7;
    const float *targets = ffn_dataset_targets(data).data;
    CU_ASSERT_EQUAL(targets[0], 2);
    CU_ASSERT_EQUAL(targets[1], 0);
    CU_ASSERT_EQUAL(targets[2], 1);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 3);
    CU_ASSERT_PTR_EQUAL(ffn_dataset_inputs(data).data, x);
    ffn_dataset_destroy(data);
}

/* The call must have failed with this status, and a sentence that has `part`. */
static void check_refused(const ffn_dataset *data, const ffn_error *error, ffn_status status, const char *part)
{
    CU_ASSERT_PTR_NULL(data);
    CU_ASSERT_EQUAL(error->status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, part));
    if (!strstr(error->message, part)) fprintf(stderr, "\n  found \"%s\", expected \"%s\"", error->message, part);
}

static void test_bad_arrays_are_refused(void)
{
    const float x[4] = {0};
    const ffn_shape one = ffn_shape_1d(1), none = ffn_shape_1d(0), huge = ffn_shape_2d(SIZE_MAX / 2, 3);
    const struct {
        const float *x;
        ffn_shape sample;
        const float *targets;
        ffn_shape target;
        size_t rows;
        const char *part;
    } cases[] = {
        {NULL, one, x, one, 4, "x is NULL"},
        {x, none, x, one, 4, "dataset: sample: dimension 0 of (0) is 0"},
        {x, (ffn_shape){5, {1, 1, 1, 1}}, x, one, 4, "rank 5"},
        {x, huge, x, one, 4, "dataset: sample"},
        {x, one, x, none, 4, "dataset: target: dimension 0 of (0) is 0"},
        {x, one, x, huge, 4, "dataset: target"},
        {x, one, x, one, 0, "found 0 rows, expected at least 1"},
        {x, ffn_shape_1d(SIZE_MAX / 64), x, one, 32, "do not fit the address space"},
        {x, one, x, ffn_shape_1d(SIZE_MAX / 64), 32, "do not fit the address space"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ffn_error error = {0};
        check_refused(ffn_dataset_from_arrays(cases[i].x, cases[i].sample, cases[i].targets, cases[i].target,
                                              cases[i].rows, &error),
                      &error, FFN_INVALID_ARGUMENT, cases[i].part);
    }
    CU_ASSERT_PTR_NULL(ffn_dataset_from_arrays(NULL, one, NULL, one, 0, NULL));
}

static void test_bad_labels_are_refused(void)
{
    const float x[2] = {0};
    const uint32_t labels[2] = {1, 3};
    const ffn_shape one = ffn_shape_1d(1);
    const struct {
        const float *x;
        const uint32_t *labels;
        size_t classes, rows;
        const char *part;
    } cases[] = {
        {NULL, labels, 4, 2, "x is NULL"},
        {x, NULL, 4, 2, "labels is NULL"},
        {x, labels, 0, 2, "classes is 0, expected 2 to 16777216"},
        {x, labels, 1, 2, "classes is 1, expected 2 to 16777216"},
        {x, labels, FFN__MAX_CLASSES + 1, 2, "classes is 16777217"},
        {x, labels, 3, 2, "labels[1] is 3, expected less than 3 classes"},
        {x, labels, 4, 0, "found 0 rows"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ffn_error error = {0};
        check_refused(
            ffn_dataset_from_labels(cases[i].x, one, cases[i].labels, cases[i].classes, cases[i].rows, &error), &error,
            FFN_INVALID_ARGUMENT, cases[i].part);
    }
}

static void test_null_is_ignored(void)
{
    ffn_dataset_destroy(NULL);
    CU_ASSERT_EQUAL(ffn_dataset_rows(NULL), 0);
    CU_ASSERT_EQUAL(ffn_dataset_classes(NULL), 0);
    CU_ASSERT_PTR_NULL(ffn_dataset_inputs(NULL).data);
    CU_ASSERT_PTR_NULL(ffn_dataset_targets(NULL).data);
    CU_ASSERT_EQUAL(ffn_dataset_sample_shape(NULL).rank, 0);
    CU_ASSERT_PTR_NULL(ffn_dataset_class_name(NULL, 0));
    CU_ASSERT_PTR_NULL(ffn_dataset_feature_name(NULL, 0));
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

static void test_pick_copies_rows_and_names(void)
{
    static const char text[] = "w,h,kind\n1,2,cat\n3,4,dog\n5,6,cat\n";
    ffn_dataset *data = ffn_dataset_load_csv_memory(text, sizeof(text) - 1, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    const size_t picked[4] = {2, 0, 2, 1};
    ffn_dataset *copy = ffn__dataset_pick(data, picked, 4, NULL);
    ffn_dataset_destroy(data);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    const float x[4][2] = {{5, 6}, {1, 2}, {5, 6}, {3, 4}}, y[4] = {0, 0, 0, 1};
    CU_ASSERT_EQUAL(ffn_dataset_rows(copy), 4);
    CU_ASSERT_EQUAL(memcmp(ffn_dataset_inputs(copy).data, x, sizeof(x)), 0);
    CU_ASSERT_EQUAL(memcmp(ffn_dataset_targets(copy).data, y, sizeof(y)), 0);
    CU_ASSERT_EQUAL(ffn_dataset_classes(copy), 2);
    CU_ASSERT_STRING_EQUAL(ffn_dataset_class_name(copy, 1), "dog");
    CU_ASSERT_PTR_NULL(ffn_dataset_class_name(copy, 2));
    CU_ASSERT_STRING_EQUAL(ffn_dataset_feature_name(copy, 1), "h");
    CU_ASSERT_PTR_NULL(ffn_dataset_feature_name(copy, 2));
    ffn_dataset_destroy(copy);
}

static void test_gather(void)
{
    const float x[3][2] = {{1, 2}, {3, 4}, {5, 6}}, y[3] = {10, 20, 30};
    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), y, ffn_shape_1d(1), 3, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    const size_t picked[2] = {2, 1};
    float inputs[5] = {0, 0, 0, 0, -1}, targets[3] = {0, 0, -1};
    ffn__dataset_gather(data, picked, 2, inputs, targets);
    const float want_inputs[5] = {5, 6, 3, 4, -1}, want_targets[3] = {30, 20, -1};
    CU_ASSERT_EQUAL(memcmp(inputs, want_inputs, sizeof(inputs)), 0);
    CU_ASSERT_EQUAL(memcmp(targets, want_targets, sizeof(targets)), 0);
    ffn__dataset_gather(data, picked, 1, inputs, NULL);
    ffn_dataset_destroy(data);
}

static void test_check_finite(void)
{
    float x[3][2] = {{1, 2}, {3, 4}, {5, 6}}, y[3] = {10, 20, 30};
    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0], ffn_shape_1d(2), y, ffn_shape_1d(1), 3, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn__dataset_check_finite(data, &error), FFN_OK);
    y[2] = (float)-INFINITY;
    CU_ASSERT_EQUAL(ffn__dataset_check_finite(data, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "targets, row 2, column 0 (counted from 0): found an infinite number, expected a "
                           "finite number");
    x[1][1] = (float)NAN;
    CU_ASSERT_EQUAL(ffn__dataset_check_finite(data, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "inputs, row 1, column 1 (counted from 0): found NaN, expected a finite number");
    ffn_dataset_destroy(data);
}

/* ---- splits -------------------------------------------------------------------------------------------------- */

enum { MOST_ROWS = 2000 };

/* Rows whose only input is their number; labels [rows], or NULL for no classes. */
static ffn_dataset *numbered(float *x, const uint32_t *labels, size_t classes, size_t rows)
{
    for (size_t i = 0; i < rows; i++) x[i] = (float)i;
    return labels ? ffn_dataset_from_labels(x, ffn_shape_1d(1), labels, classes, rows, NULL)
                  : ffn_dataset_from_arrays(x, ffn_shape_1d(1), x, ffn_shape_1d(1), rows, NULL);
}

/* Every row is on one side, once, with its target. */
static void check_partition(const ffn_dataset *whole, const ffn_dataset *first, const ffn_dataset *second)
{
    unsigned char seen[MOST_ROWS] = {0};
    const ffn_dataset *sides[2] = {first, second};
    size_t wrong = 0;
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->rows; i++) {
            const size_t row = (size_t)sides[s]->x[i];
            wrong += row >= whole->rows || seen[row]++ > 0 || sides[s]->targets[i] != whole->targets[row];
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(first->rows + second->rows, whole->rows);
    CU_ASSERT(first->rows >= 1 && second->rows >= 1);
}

static void test_split_is_a_partition(void)
{
    const struct {
        size_t rows;
        float fraction;
        size_t first;
    } cases[] = {{10, 0.8f, 8},  {10, 0.25f, 3},  {10, 0.5f, 5}, {2, 0.5f, 1},        {2, 0.01f, 1},
                 {2, 0.99f, 1},  {3, 0.999f, 2},  {5, 0.1f, 1},  {1797, 0.75f, 1348}, {1797, 0.8f, 1438},
                 {7, 0.001f, 1}, {101, 0.3f, 30}, {4, 0.125f, 1}};
    static float x[MOST_ROWS];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ffn_dataset *data = numbered(x, NULL, 0, cases[i].rows), *first, *second;
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        CU_ASSERT_EQUAL_FATAL(ffn_dataset_split(data, cases[i].fraction, i, &first, &second, NULL), FFN_OK);
        CU_ASSERT_EQUAL(first->rows, cases[i].first);
        check_partition(data, first, second);
        ffn_dataset_destroy(data);
        ffn_dataset_destroy(first);
        ffn_dataset_destroy(second);
    }
}

static void split_rows(const ffn_dataset *data, uint64_t seed, bool stratified, float *rows)
{
    ffn_dataset *first = NULL, *second = NULL;
    const ffn_status status = stratified ? ffn_dataset_split_stratified(data, 0.5f, seed, &first, &second, NULL)
                                         : ffn_dataset_split(data, 0.5f, seed, &first, &second, NULL);
    CU_ASSERT_EQUAL_FATAL(status, FFN_OK);
    memcpy(rows, first->x, first->rows * sizeof(*rows));
    memcpy(rows + first->rows, second->x, second->rows * sizeof(*rows));
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
}

static void test_split_follows_the_seed(void)
{
    enum { ROWS = 60 };
    float x[ROWS], a[ROWS], b[ROWS], c[ROWS];
    uint32_t labels[ROWS];
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint32_t)(i % 3);
    for (int stratified = 0; stratified < 2; stratified++) {
        ffn_dataset *data = numbered(x, labels, 3, ROWS);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        split_rows(data, 5, stratified, a);
        split_rows(data, 5, stratified, b);
        split_rows(data, 6, stratified, c);
        CU_ASSERT_EQUAL(memcmp(a, b, sizeof(a)), 0);
        CU_ASSERT_NOT_EQUAL(memcmp(a, c, sizeof(a)), 0);
        CU_ASSERT_NOT_EQUAL(memcmp(a, x, sizeof(a)), 0);
        ffn_dataset_destroy(data);
    }
}

/* Labels of classes with sizes[0 .. classes-1] rows, mixed. */
static size_t make_labels(const size_t *sizes, size_t classes, uint32_t *labels)
{
    size_t rows = 0, order[MOST_ROWS];
    for (size_t c = 0; c < classes; c++)
        for (size_t i = 0; i < sizes[c]; i++) labels[rows++] = (uint32_t)c;
    for (size_t i = 0; i < rows; i++) order[i] = labels[i];
    ffn_random random = ffn_random_create(9, 0, 0);
    ffn__shuffle(&random, rows, order);
    for (size_t i = 0; i < rows; i++) labels[i] = (uint32_t)order[i];
    return rows;
}

static void check_shares(const ffn_dataset *first, const size_t *sizes, size_t classes, double fraction)
{
    size_t counts[8] = {0};
    for (size_t i = 0; i < first->rows; i++) counts[(size_t)first->targets[i]]++;
    for (size_t c = 0; c < classes; c++) {
        CU_ASSERT(fabs((double)counts[c] - fraction * (double)sizes[c]) < 1);
        if (sizes[c] >= 2) CU_ASSERT(counts[c] >= 1 && counts[c] <= sizes[c] - 1);
    }
}

static void test_stratified_split_keeps_proportions(void)
{
    const struct {
        size_t classes, sizes[8];
    } cases[] = {{2, {50, 50}},           {3, {1000, 100, 10}}, {4, {1, 1, 1, 1}},    {3, {2, 2, 2}},
                 {5, {2, 3, 5, 7, 11}},   {2, {1, 1}},          {3, {0, 3, 2}},       {2, {0, 2}},
                 {8, {1, 9, 1, 9, 1, 9}}, {2, {1, 1999}},       {4, {13, 13, 13, 13}}};
    const float fractions[] = {0.8f, 0.5f, 0.25f, 0.7f, 0.01f, 0.99f, 0.3333f};
    static float x[MOST_ROWS];
    static uint32_t labels[MOST_ROWS];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t f = 0; f < sizeof(fractions) / sizeof(fractions[0]); f++) {
            const size_t rows = make_labels(cases[i].sizes, cases[i].classes, labels);
            ffn_dataset *data = numbered(x, labels, cases[i].classes, rows), *first, *second;
            CU_ASSERT_PTR_NOT_NULL_FATAL(data);
            CU_ASSERT_EQUAL_FATAL(ffn_dataset_split_stratified(data, fractions[f], f, &first, &second, NULL), FFN_OK);
            check_partition(data, first, second);
            check_shares(first, cases[i].sizes, cases[i].classes, (double)fractions[f]);
            ffn_dataset_destroy(data);
            ffn_dataset_destroy(first);
            ffn_dataset_destroy(second);
        }
}

/* 3.5 and 1.4 rows of 4.9: the larger remainder is rounded up. */
static void test_stratified_split_rounds_largest_remainders_up(void)
{
    const size_t sizes[2] = {10, 4};
    static float x[MOST_ROWS];
    static uint32_t labels[MOST_ROWS];
    ffn_dataset *data = numbered(x, labels, 2, make_labels(sizes, 2, labels)), *first, *second;
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_split_stratified(data, 0.35f, 1, &first, &second, NULL), FFN_OK);
    size_t ones = 0;
    for (size_t i = 0; i < first->rows; i++) ones += first->targets[i] == 1;
    CU_ASSERT_EQUAL(first->rows, 5);
    CU_ASSERT_EQUAL(ones, 1);
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
}

/* Rounding each class by itself would give 4 * 7 = 28 of 40 at 0.65; the whole is to be 26. */
static void test_stratified_split_keeps_the_whole(void)
{
    const size_t sizes[4] = {10, 10, 10, 10};
    static float x[MOST_ROWS];
    static uint32_t labels[MOST_ROWS];
    const size_t rows = make_labels(sizes, 4, labels);
    ffn_dataset *data = numbered(x, labels, 4, rows), *first, *second;
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_split_stratified(data, 0.65f, 1, &first, &second, NULL), FFN_OK);
    CU_ASSERT_EQUAL(first->rows, 26);
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
}

static void test_bad_splits_are_refused(void)
{
    const float x[4] = {0, 1, 2, 3}, fractions[] = {0, 1, -0.5f, 1.5f, (float)NAN, (float)INFINITY};
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), x, ffn_shape_1d(1), 4, NULL);
    ffn_dataset *one = ffn_dataset_from_arrays(x, ffn_shape_1d(1), x, ffn_shape_1d(1), 1, NULL);
    CU_ASSERT_FATAL(data && one);
    for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
        ffn_dataset *first = data, *second = data;
        ffn_error error = {0};
        CU_ASSERT_EQUAL(ffn_dataset_split(data, fractions[i], 1, &first, &second, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_STRING_EQUAL(error.message, "split: the fraction is not in (0, 1)");
        CU_ASSERT(!first && !second);
        CU_ASSERT_EQUAL(ffn_dataset_split_stratified(data, fractions[i], 1, &first, &second, NULL),
                        FFN_INVALID_ARGUMENT);
    }
    ffn_dataset *first, *second;
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn_dataset_split(one, 0.5f, 1, &first, &second, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "split: the dataset has 1 row, expected at least 2");
    CU_ASSERT_EQUAL(ffn_dataset_split(NULL, 0.5f, 1, &first, &second, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "split: the dataset is NULL");
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 1, NULL, &second, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "split: first or second is NULL");
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 1, &first, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 1, NULL, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_split(data, 0.5f, 1, &first, &first, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message, "split: first and second are the same pointer");
    CU_ASSERT_EQUAL(ffn_dataset_split_stratified(data, 0.5f, 1, &first, &second, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "stratified split: the targets are not known to be classes"));
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(one);
}

/* ---- no memory ----------------------------------------------------------------------------------------------- */

static ffn_status make_and_split(ffn_error *error)
{
    const float x[6] = {0, 1, 2, 3, 4, 5};
    const uint32_t labels[6] = {0, 1, 0, 1, 0, 1};
    ffn_dataset *data = ffn_dataset_from_labels(x, ffn_shape_1d(1), labels, 2, 6, error), *first = NULL, *second = NULL;
    if (!data) return FFN_OUT_OF_MEMORY;
    const ffn_status status = ffn_dataset_split_stratified(data, 0.5f, 1, &first, &second, error);
    CU_ASSERT((status == FFN_OK) == (first != NULL) && !first == !second);
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
    return status;
}

static void test_every_allocation_may_fail(void)
{
    ffn_status status = FFN_OUT_OF_MEMORY;
    size_t n = 0;
    while (status != FFN_OK && n < 100) {
        ffn_error error = {0};
        failing_start(++n);
        status = make_and_split(&error);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(error.status, status);
    }
    CU_ASSERT(n > 8 && n < 100);
}

/* ---- helpers ------------------------------------------------------------------------------------------------- */

static bool less_by_tens(const void *context, size_t a, size_t b)
{
    const size_t *keys = context;
    return keys[a] / 10 < keys[b] / 10;
}

static void test_sort_is_stable(void)
{
    size_t keys[MOST_ROWS], order[MOST_ROWS], scratch[MOST_ROWS];
    ffn_random random = ffn_random_create(3, 0, 0);
    for (size_t n = 0; n < MOST_ROWS; n = n < 20 ? n + 1 : n * 2 - 1) {
        for (size_t i = 0; i < n; i++) keys[i] = ffn_random_below(&random, 50), order[i] = i;
        ffn__sort(order, scratch, n, less_by_tens, keys);
        size_t wrong = 0;
        for (size_t i = 1; i < n; i++) {
            const size_t a = keys[order[i - 1]] / 10, b = keys[order[i]] / 10;
            wrong += a > b || (a == b && order[i - 1] >= order[i]);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static void test_names_are_one_allocation(void)
{
    char *const names[3] = {(char[]){"a"}, (char[]){""}, (char[]){"long name"}};
    failing_start(0);
    char **copy = ffn__names_copy((const char *const *)names, 3, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_EQUAL(failing.calls, 1);
    for (size_t i = 0; i < 3; i++) CU_ASSERT_STRING_EQUAL(copy[i], names[i]);
    ffn__free(copy);
    CU_ASSERT_EQUAL(failing_stop(), 0);
    CU_ASSERT_PTR_NULL(ffn__names_create(SIZE_MAX / 4, 1, NULL));
    CU_ASSERT_PTR_NULL(ffn__names_create(1, SIZE_MAX - 2, NULL));
}

static void test_read_file(void)
{
    enum { SIZE = 300000 }; /* more than the first buffer, and than its double */
    static const char path[] = "test_data.tmp";
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (int i = 0; i < SIZE; i++) (void)fputc(i * 7 % 251, file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    char *bytes;
    size_t size, wrong = 0, n = 0;
    CU_ASSERT_EQUAL_FATAL(ffn__read_file(path, &bytes, &size, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(size, SIZE);
    for (int i = 0; i < SIZE; i++) wrong += (unsigned char)bytes[i] != i * 7 % 251;
    CU_ASSERT_EQUAL(wrong, 0);
    ffn__free(bytes);
    ffn_status status = FFN_OUT_OF_MEMORY;
    while (status != FFN_OK && n < 100) {
        failing_start(++n);
        status = ffn__read_file(path, &bytes, &size, NULL);
        CU_ASSERT((status == FFN_OK) == (bytes != NULL));
        ffn__free(bytes);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(n > 1 && n < 100);
    (void)remove(path);
}

static void test_read_file_says_why_not(void)
{
    char *bytes = (char *)1;
    size_t size = 1;
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn__read_file("no such.csv", &bytes, &size, &error), FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot open 'no such.csv': no such file");
    CU_ASSERT(!bytes && size == 0);
    CU_ASSERT_EQUAL(ffn__read_file(".", &bytes, &size, &error), FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot read '.': it is a directory, expected a file");
    CU_ASSERT_EQUAL(ffn__read_file(NULL, &bytes, &size, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn__read_file("", &bytes, &size, &error), FFN_IO_ERROR);
    char path[400];
    memset(path, 'x', sizeof(path));
    memcpy(path + sizeof(path) - 8, "end.csv", 8);
    CU_ASSERT_EQUAL(ffn__read_file(path, &bytes, &size, &error), FFN_IO_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "xxend.csv': the path is too long"));
}

static void test_path_tail(void)
{
    char path[101];
    memset(path, 'x', 100);
    path[100] = '\0';
    CU_ASSERT_PTR_EQUAL(ffn__path_tail("a/b.csv"), strstr("a/b.csv", "a"));
    CU_ASSERT_EQUAL(strlen(ffn__path_tail(path)), 80);
    memcpy(path + 19, "\xE2\x82\xAC", 3); /* a character across the cut */
    CU_ASSERT_EQUAL(strlen(ffn__path_tail(path)), 78);
}

static const test_case cases[] = {
    {"arrays are borrowed", test_arrays_are_borrowed},
    {"targets may be absent", test_targets_may_be_absent},
    {"labels are copied", test_labels_are_copied},
    {"bad arrays are refused", test_bad_arrays_are_refused},
    {"bad labels are refused", test_bad_labels_are_refused},
    {"NULL is ignored", test_null_is_ignored},
    {"pick copies rows and names", test_pick_copies_rows_and_names},
    {"gather", test_gather},
    {"check finite", test_check_finite},
    {"a split is a partition", test_split_is_a_partition},
    {"a split follows the seed", test_split_follows_the_seed},
    {"a stratified split keeps proportions", test_stratified_split_keeps_proportions},
    {"a stratified split rounds largest remainders up", test_stratified_split_rounds_largest_remainders_up},
    {"a stratified split keeps the whole", test_stratified_split_keeps_the_whole},
    {"bad splits are refused", test_bad_splits_are_refused},
    {"every allocation may fail", test_every_allocation_may_fail},
    {"sort is stable", test_sort_is_stable},
    {"names are one allocation", test_names_are_one_allocation},
    {"read file", test_read_file},
    {"read file says why not", test_read_file_says_why_not},
    {"path tail", test_path_tail},
};

TEST_MAIN("data", cases)
