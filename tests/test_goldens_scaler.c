/* Robust and quantile scalers against goldens/scaler.txt, made by scikit-learn. */
#include "golden.h"

#include "ffn.h"

typedef struct kind {
    const char *name;
    size_t quantiles; /* 0: robust */
} kind;

static ffn_model *make(const kind *k, size_t cols)
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(cols));
    const ffn_value y = k->quantiles ? ffn_quantile_normal(model, x, k->quantiles) : ffn_robust(model, x);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    return model;
}

/* Quantiles are floats, and the normal distribution's tail is steep: 1e-4 where they are not doubles. */
static void compare(const ffn_model *model, const golden_case *golden, const char *from, const char *to)
{
    const double tolerance = sizeof(float) == sizeof(double) ? 1e-9 : 1e-4;
    const golden_entry *x_golden = golden_get(golden, from), *y_golden = golden_get(golden, to);
    float *x = golden_floats(x_golden), *y = golden_floats(y_golden);
    memset(y, 0, y_golden->count * sizeof(float));
    CU_ASSERT_EQUAL(ffn_predict(model, x, x_golden->dim[0], y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(golden_differences(golden->name, y_golden, y, tolerance, tolerance), 0);
    free(x);
    free(y);
}

static void check(const golden_case *golden, const kind *k)
{
    const golden_entry *x_golden = golden_get(golden, "x");
    const size_t rows = x_golden->dim[0], cols = x_golden->dim[1];
    float *x = golden_floats(x_golden);
    ffn_model *model = make(k, cols);
    CU_ASSERT_EQUAL(ffn_predict(model, x, 1, x + cols, NULL), FFN_OK); /* not fitted yet: as it is */
    CU_ASSERT_EQUAL(memcmp(x, x + cols, cols * sizeof *x), 0);
    free(x);
    x = golden_floats(x_golden);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(cols), NULL, (ffn_shape){0}, rows, NULL);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
    compare(model, golden, "x", "x_scaled");
    compare(model, golden, "other", "other_scaled");
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    free(x);
}

static void test_scalers(void)
{
    static const kind kinds[] = {{"robust", 0}, {"quantile_normal", 11}, {"quantile_normal_fine", 24}};
    golden_file file = golden_load("scaler");
    CU_ASSERT_EQUAL(file.count, sizeof kinds / sizeof kinds[0]);
    for (size_t i = 0; i < file.count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (strcmp(kinds[k].name, file.cases[i].name) == 0) check(&file.cases[i], &kinds[k]);
    golden_close(&file);
}

/* NaN stays NaN, infinities go to the ends, a constant column to the middle. */
static void test_edges(void)
{
    ffn_model *model = make(&(kind){"", 5}, 2);
    const float x[] = {1, 4, 2, 4, 3, 4}, z[] = {(float)NAN, 4, INFINITY, 5, -INFINITY, 3};
    float y[6];
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(2), NULL, (ffn_shape){0}, 3, NULL);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_predict(model, z, 3, y, NULL), FFN_OK);
    CU_ASSERT(isnan(y[0]));
    CU_ASSERT_DOUBLE_EQUAL(y[1], 0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(y[2], 5.19933758, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(y[3], 5.19933758, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(y[4], -5.19933758, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(y[5], -5.19933758, 1e-5);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    model = ffn_model_create(1, NULL);
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn_quantile_normal(model, ffn_input(model, ffn_shape_1d(2)), 1).id, 0);
    CU_ASSERT_EQUAL(ffn_model_build(model, (ffn_value){1}, &error), FFN_INVALID_ARGUMENT);
    ffn_model_destroy(model);
}

static const test_case cases[] = {{"scalers", test_scalers}, {"edges", test_edges}};

TEST_MAIN("goldens_scaler", cases)
