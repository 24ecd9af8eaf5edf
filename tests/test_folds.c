/* Folds are a partition, equal within one row, of a class too; and temperature scaling finds the temperature. */
#include "failing.h"
#include "networks.h"
#include "test.h"

enum { ROWS = 203, CLASSES = 5 };

static float x_data[ROWS][2];
static uint32_t labels[ROWS];

/* Rows that carry their number; class c has about 4^-c of them. */
static ffn_dataset *make(void)
{
    float weights[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        x_data[r][0] = (float)r;
        labels[r] = r % 4 ? 0 : r % 16 ? 1 : r % 64 ? 2 : r % 128 ? 3 : 4;
        weights[r] = (float)(r + 1);
    }
    ffn_dataset *data = ffn_dataset_from_labels(&x_data[0][0], ffn_shape_1d(2), labels, CLASSES, ROWS, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_dataset_set_weights(data, weights, NULL), FFN_OK);
    return data;
}

/* Marks the rows, which must be in their order with their own targets. */
static void mark(const ffn_dataset *part, size_t seen[ROWS], size_t classes[CLASSES])
{
    const float *x = ffn_dataset_inputs(part).data, *t = ffn_dataset_targets(part).data;
    for (size_t r = 0; r < ffn_dataset_rows(part); r++) {
        const size_t row = (size_t)x[2 * r];
        CU_ASSERT_FATAL(row < ROWS);
        CU_ASSERT(r == 0 || x[2 * r] > x[2 * (r - 1)]);
        CU_ASSERT_EQUAL((uint32_t)t[r], labels[row]);
        seen[row]++;
        classes[labels[row]]++;
    }
}

static size_t spread(const size_t *counts, size_t n, size_t stride)
{
    size_t low = SIZE_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        if (counts[i * stride] < low) low = counts[i * stride];
        if (counts[i * stride] > high) high = counts[i * stride];
    }
    return high - low;
}

static void test_partition(void)
{
    const size_t folds[] = {2, 3, 7, 100, ROWS};
    ffn_dataset *data = make();
    for (size_t k = 0; k < COUNT(folds); k++)
        for (int stratified = 0; stratified < 2; stratified++) {
            size_t validated[ROWS] = {0}, sizes[ROWS] = {0}, of_class[ROWS][CLASSES] = {{0}};
            for (size_t f = 0; f < folds[k]; f++) {
                ffn_dataset *training, *validation;
                size_t trained[ROWS] = {0}, others[CLASSES] = {0};
                const ffn_status status = (stratified ? ffn_dataset_fold_stratified : ffn_dataset_fold)(
                    data, folds[k], f, 9, &training, &validation, NULL);
                CU_ASSERT_EQUAL_FATAL(status, FFN_OK);
                mark(validation, validated, of_class[f]);
                mark(validation, trained, others);
                mark(training, trained, others);
                for (size_t r = 0; r < ROWS; r++) CU_ASSERT_EQUAL(trained[r], 1);
                sizes[f] = ffn_dataset_rows(validation);
                ffn_dataset_destroy(training);
                ffn_dataset_destroy(validation);
            }
            for (size_t r = 0; r < ROWS; r++) CU_ASSERT_EQUAL(validated[r], 1);
            CU_ASSERT(spread(sizes, folds[k], 1) <= 1);
            for (size_t c = 0; c < CLASSES && stratified; c++)
                CU_ASSERT(spread(&of_class[0][c], folds[k], CLASSES) <= 1);
        }
    ffn_dataset_destroy(data);
}

static double sum_of_rows(const ffn_dataset *data, uint64_t seed)
{
    ffn_dataset *training, *validation;
    double sum = 0;
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 4, 1, seed, &training, &validation, NULL), FFN_OK);
    for (size_t r = 0; r < ffn_dataset_rows(validation); r++) sum += (double)ffn_dataset_inputs(validation).data[2 * r];
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(validation);
    return sum;
}

static void test_seed(void)
{
    ffn_dataset *data = make();
    CU_ASSERT_EQUAL(sum_of_rows(data, 1), sum_of_rows(data, 1));
    CU_ASSERT_NOT_EQUAL(sum_of_rows(data, 1), sum_of_rows(data, 2));
    ffn_dataset_destroy(data);
}

static void test_refuses(void)
{
    ffn_dataset *data = make(), *a, *b;
    const float x[4] = {1, 2, 3, 4};
    ffn_dataset *numbers = ffn_dataset_from_arrays(x, ffn_shape_1d(1), x, ffn_shape_1d(1), 4, NULL);
    CU_ASSERT_EQUAL(ffn_dataset_fold(NULL, 2, 0, 1, &a, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 2, 0, 1, NULL, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 2, 0, 1, &a, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 2, 0, 1, &a, &a, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 1, 0, 1, &a, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, ROWS + 1, 0, 1, &a, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold(data, 3, 3, 1, &a, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_dataset_fold_stratified(numbers, 2, 0, 1, &a, &b, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT(a == NULL && b == NULL);
    for (size_t fail = 1; fail < 30; fail++) {
        failing_start(fail);
        const ffn_status status = ffn_dataset_fold_stratified(data, 3, 1, 1, &a, &b, NULL);
        CU_ASSERT(status == FFN_OK || (status == FFN_OUT_OF_MEMORY && a == NULL && b == NULL));
        CU_ASSERT(fail > 1 || status != FFN_OK);
        ffn_dataset_destroy(a);
        ffn_dataset_destroy(b);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    ffn_dataset_destroy(numbers);
    ffn_dataset_destroy(data);
}

/* ---- temperature ----------------------------------------------------------------------------------------------- */

enum { MANY = 4000, COLS = 3 };
static float z_data[MANY * COLS], classes[MANY], yes[MANY];

/* Labels drawn from the softmax (or the sigmoid of the first) of inputs / 2.5. */
static void draw(void)
{
    ffn_random random = ffn_random_create(11, 12, 13);
    for (size_t r = 0; r < MANY; r++) {
        double p[COLS], sum = 0;
        for (size_t c = 0; c < COLS; c++) {
            z_data[r * COLS + c] = 5 * ffn_random_normal(&random);
            sum += p[c] = exp((double)z_data[r * COLS + c] / 2.5);
        }
        double u = (double)ffn_random_uniform(&random) * sum;
        size_t c = 0;
        while (c + 1 < COLS && u >= p[c]) u -= p[c++];
        classes[r] = (float)c;
        yes[r] = (double)ffn_random_uniform(&random) < 1 / (1 + exp(-(double)z_data[r * COLS] / 2.5));
    }
}

/* A network whose logits are its inputs, or the first of them. */
static ffn_model *identity(size_t outputs, ffn_activation last, bool own_layer)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_input(model, ffn_shape_1d(COLS));
    h = ffn_dense(model, h, outputs, own_layer ? ffn_linear() : last);
    if (own_layer) h = ffn_activate(model, ffn_dropout(model, h, 0.5f), last);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    float w[COLS * COLS] = {0};
    for (size_t c = 0; c < outputs; c++) w[c * COLS + c] = 1;
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, w, NULL), FFN_OK);
    return model;
}

static double figure(const ffn_model *model, const ffn_dataset *data, ffn_loss loss, const char *name)
{
    double value = (double)NAN;
    CU_ASSERT_EQUAL(ffn_evaluate_metric(model, data, loss, name, &value, NULL), FFN_OK);
    return value;
}

static void test_temperature(void)
{
    const ffn_activation ends[] = {ffn_softmax(), ffn_log_softmax(), ffn_linear(),
                                   ffn_softmax(), ffn_sigmoid(),     ffn_linear()};
    draw();
    for (size_t e = 0; e < COUNT(ends); e++) {
        const bool binary = e > 3;
        ffn_model *model = identity(binary ? 1 : COLS, ends[e], e == 3);
        ffn_dataset *data =
            ffn_dataset_from_arrays(z_data, ffn_shape_1d(COLS), binary ? yes : classes, ffn_shape_1d(1), MANY, NULL);
        const ffn_loss loss = binary ? ffn_binary_cross_entropy() : ffn_cross_entropy();
        const double before = figure(model, data, loss, "calibration_error"),
                     accuracy = figure(model, data, loss, "accuracy"), sure = figure(model, data, loss, "log_loss");
        double temperature = 0;
        ffn_error error = {FFN_OK, ""};
        CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, loss, &temperature, &error), FFN_OK);
        if (error.status != FFN_OK) printf("\n    %s\n", error.message);
        CU_ASSERT_DOUBLE_EQUAL(temperature, 2.5, 0.15);
        const double least = figure(model, data, loss, "log_loss");
        CU_ASSERT(before > 0.05);
        CU_ASSERT(figure(model, data, loss, "calibration_error") < 0.02);
        CU_ASSERT_EQUAL(figure(model, data, loss, "accuracy"), accuracy);
        CU_ASSERT(least < sure - 0.02);
        CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, loss, &temperature, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(temperature, 1, 1e-5);
        float w[COLS * COLS]; /* either side is worse */
        for (int side = -1; side < 2; side += 2) {
            CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, w, NULL), FFN_OK);
            for (size_t i = 0; i < (binary ? 1 : COLS) * COLS; i++) w[i] *= 1 + 0.05f * (float)side;
            CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, w, NULL), FFN_OK);
            CU_ASSERT(figure(model, data, loss, "log_loss") > least + 1e-5);
            CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, loss, NULL, NULL), FFN_OK);
        }
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
}

static void test_temperature_at_its_bounds(void)
{
    const float x[] = {1, 0, 0, 0, 1, 0}, right[] = {0, 1}, wrong[] = {2, 2};
    for (int i = 0; i < 2; i++) {
        ffn_model *model = identity(COLS, ffn_softmax(), false);
        ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(COLS), i ? wrong : right, ffn_shape_1d(1), 2, NULL);
        double temperature = 0;
        CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, ffn_cross_entropy(), &temperature, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL(temperature, i ? 100 : 0.01, 1e-9);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
}

/* Where no temperature is better than another, as for logits that are all equal, it is left at 1. */
static void test_temperature_that_does_not_matter(void)
{
    const float x[] = {1, 0, 0, 0, 1, 0}, targets[] = {0, 1}, zeros[COLS * COLS] = {0}, bias[COLS] = {3, 3, 3};
    ffn_model *model = identity(COLS, ffn_softmax(), false);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(COLS), targets, ffn_shape_1d(1), 2, NULL);
    float after[COLS];
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, zeros, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 1, bias, NULL), FFN_OK);
    for (int again = 0; again < 2; again++) {
        double temperature = 0;
        CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, ffn_cross_entropy(), &temperature, NULL), FFN_OK);
        CU_ASSERT_EQUAL(temperature, 1);
    }
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 1, after, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(bias, after, sizeof bias), 0);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

static void test_temperature_refuses(void)
{
    draw();
    ffn_dataset *data = ffn_dataset_from_arrays(z_data, ffn_shape_1d(COLS), classes, ffn_shape_1d(1), MANY, NULL);
    ffn_dataset *numbers = ffn_dataset_from_arrays(z_data, ffn_shape_1d(COLS), z_data, ffn_shape_1d(COLS), MANY, NULL);
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(COLS)), COLS, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_activate(model, ffn_add(model, h, h), ffn_softmax()), NULL),
                          FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, (ffn_loss){0}, NULL, &error), FFN_UNSUPPORTED);
    CU_ASSERT_EQUAL(ffn_model_calibrate(NULL, data, (ffn_loss){0}, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_model_calibrate(model, NULL, (ffn_loss){0}, NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_model_destroy(model);

    model = ffn_model_create(1, NULL); /* a dense layer that is used twice */
    h = ffn_dense(model, ffn_input(model, ffn_shape_1d(COLS)), COLS, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_share(model, h, h), NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, (ffn_loss){0}, NULL, NULL), FFN_UNSUPPORTED);
    ffn_model_destroy(model);

    model = identity(COLS, ffn_linear(), false);
    CU_ASSERT_EQUAL(ffn_model_calibrate(model, numbers, ffn_mse(), NULL, NULL), FFN_INVALID_ARGUMENT);
    float before[COLS * COLS], after[COLS * COLS];
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, before, NULL), FFN_OK);
    for (size_t fail = 1; fail < 4; fail++) {
        failing_start(fail);
        CU_ASSERT_EQUAL(ffn_model_calibrate(model, data, ffn_cross_entropy(), NULL, NULL), FFN_OUT_OF_MEMORY);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 0, after, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    ffn_model_destroy(model);
    ffn_dataset_destroy(numbers);
    ffn_dataset_destroy(data);
}

/* The split of a fit has each of two classes on both sides, however rare. */
static void test_split_of_two_classes(void)
{
    uint32_t rare[20] = {1, 1};
    ffn_dataset *all = make();
    ffn_dataset *data = ffn_dataset_from_labels(&x_data[0][0], ffn_shape_1d(2), rare, 2, COUNT(rare), NULL);
    for (uint64_t seed = 0; seed < 5; seed++) {
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 2, ffn_softmax());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
        ffn_fit_options options = ffn_fit_defaults();
        ffn_history history = {0};
        options.epochs = 1;
        options.validation_fraction = 0.1f;
        options.metric = "roc_auc"; /* not a number where there is but one class */
        options.seed = seed;
        CU_ASSERT_EQUAL_FATAL(ffn_fit(model, data, &options, &history, NULL), FFN_OK);
        CU_ASSERT_FALSE(isnan(history.epoch[0].metric));
        ffn_history_destroy(&history);
        ffn_model_destroy(model);
    }
    ffn_dataset_destroy(data);
    ffn_dataset_destroy(all);
}

static const test_case cases[] = {
    {"split of two classes", test_split_of_two_classes},
    {"partition", test_partition},
    {"seed", test_seed},
    {"folds: refuses", test_refuses},
    {"temperature", test_temperature},
    {"temperature at its bounds", test_temperature_at_its_bounds},
    {"temperature that does not matter", test_temperature_that_does_not_matter},
    {"temperature: refuses", test_temperature_refuses},
};
TEST_MAIN("folds and calibration", cases)
