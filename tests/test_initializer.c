/* Initializers: bounds, mean and variance of what they draw, orthogonality, and what is refused. */
#include "initializer/initializer.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAN_IN = 300, FAN_OUT = 200, SIZE = FAN_IN * FAN_OUT };

static float w[SIZE];

static void fill(ffn_initializer initializer, size_t rows, size_t cols, uint64_t seed)
{
    ffn_random random = ffn_random_create(seed, 1, 0);
    for (size_t i = 0; i < SIZE; i++) w[i] = NAN;
    CU_ASSERT_EQUAL_FATAL(initializer.ops->fill(&initializer, &random, cols, rows, rows, cols, w, NULL), FFN_OK);
}

/* Central moment of the given order of w, and for order 1 the mean. */
static double moment(int order)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < SIZE; i++) mean += (double)w[i] / SIZE;
    for (size_t i = 0; i < SIZE; i++) sum += pow((double)w[i] - mean, order) / SIZE;
    return order == 1 ? mean : sum;
}

/* 60000 draws: the mean within 5 of its standard errors, the variance within 5 (of a normal's, the larger). */
static void check_moments(double mean, double sd)
{
    CU_ASSERT(fabs(moment(1) - mean) < 5 * sd / sqrt(SIZE));
    CU_ASSERT(fabs(moment(2) / (sd * sd) - 1) < 5 * sqrt(2.0 / SIZE));
}

static void check_uniform(ffn_initializer initializer, double low, double high)
{
    double least = INFINITY, most = -INFINITY;
    fill(initializer, FAN_OUT, FAN_IN, 1);
    for (size_t i = 0; i < SIZE; i++) {
        least = fmin(least, (double)w[i]);
        most = fmax(most, (double)w[i]);
    }
    const double width = high - low, slack = width * 1e-6;
    CU_ASSERT(least >= low - slack && least < low + width * 1e-3);
    CU_ASSERT(most <= high + slack && most > high - width * 1e-3);
    check_moments((low + high) / 2, width / sqrt(12));
    CU_ASSERT(fabs(moment(4) / pow(moment(2), 2) - 1.8) < 0.03);
}

static void check_normal(ffn_initializer initializer, double mean, double sd)
{
    fill(initializer, FAN_OUT, FAN_IN, 2);
    check_moments(mean, sd);
    CU_ASSERT(fabs(moment(3) / pow(moment(2), 1.5)) < 5 * sqrt(6.0 / SIZE));
    CU_ASSERT(fabs(moment(4) / pow(moment(2), 2) - 3) < 5 * sqrt(24.0 / SIZE));
}

static void test_distributions(void)
{
    const double glorot = sqrt(6.0 / (FAN_IN + FAN_OUT)), he = sqrt(6.0 / FAN_IN);
    check_uniform(ffn_glorot_uniform(), -glorot, glorot);
    check_uniform(ffn_he_uniform(), -he, he);
    check_uniform(ffn_uniform(-2, 5), -2, 5);
    check_normal(ffn_glorot_normal(), 0, sqrt(2.0 / (FAN_IN + FAN_OUT)));
    check_normal(ffn_he_normal(), 0, sqrt(2.0 / FAN_IN));
    check_normal(ffn_lecun_normal(), 0, sqrt(1.0 / FAN_IN));
    check_normal(ffn_normal(3, (float)0.5), 3, 0.5);
}

static void test_constants(void)
{
    static const float values[] = {0, (float)-1.5};
    const ffn_initializer list[] = {ffn_zeros(), ffn_constant((float)-1.5)};
    for (size_t k = 0; k < 2; k++) {
        fill(list[k], FAN_OUT, FAN_IN, 3);
        for (size_t i = 0; i < SIZE; i++) CU_ASSERT_FATAL(w[i] == values[k]);
    }
    fill(ffn_uniform(2, 2), FAN_OUT, FAN_IN, 3);
    CU_ASSERT(w[0] == 2 && w[SIZE - 1] == 2);
    fill(ffn_normal(2, 0), FAN_OUT, FAN_IN, 3);
    CU_ASSERT(w[0] == 2 && w[SIZE - 1] == 2);
    fill(ffn_uniform(-FLT_MAX, FLT_MAX), FAN_OUT, FAN_IN, 3);
    for (size_t i = 0; i < SIZE; i++) CU_ASSERT_FATAL(isfinite(w[i]));
}

/* The same stream gives the same numbers, another one others; only rows times cols numbers are written. */
static void test_streams(void)
{
    const ffn_initializer list[] = {ffn_glorot_uniform(), ffn_he_normal(), ffn_orthogonal()};
    static float first[SIZE];
    for (size_t k = 0; k < 3; k++) {
        fill(list[k], 20, 30, 4);
        CU_ASSERT(isnan(w[600]) && !isnan(w[599]));
        memcpy(first, w, sizeof w);
        fill(list[k], 20, 30, 4);
        CU_ASSERT_EQUAL(memcmp(first, w, 600 * sizeof *w), 0);
        fill(list[k], 20, 30, 5);
        CU_ASSERT_NOT_EQUAL(memcmp(first, w, 600 * sizeof *w), 0);
    }
}

/* ---- orthogonal ------------------------------------------------------------------------------------------------ */

/* The largest difference of the Gram matrix of the rows, or columns if they are fewer, from the identity. */
static double gram_error(size_t rows, size_t cols)
{
    const size_t count = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
    const size_t next = rows < cols ? 1 : cols, other = rows < cols ? cols : 1; /* strides within and between vectors */
    double worst = 0;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++) sum += (double)w[a * other + i * next] * (double)w[b * other + i * next];
            worst = fmax(worst, fabs(sum - (a == b)));
        }
    return worst;
}

static void test_orthogonal(void)
{
    static const size_t shapes[][2] = {{1, 1},  {1, 7},   {7, 1},     {2, 2},     {16, 16},  {5, 40},
                                       {40, 5}, {64, 64}, {100, 300}, {300, 100}, {150, 150}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        fill(ffn_orthogonal(), shapes[i][0], shapes[i][1], i);
        const double error = gram_error(shapes[i][0], shapes[i][1]);
        if (!(error < 1e-5)) printf("\n    %zux%zu: %g\n", shapes[i][0], shapes[i][1], error);
        CU_ASSERT(error < 1e-5);
    }
}

/* Uniform among the orthogonal matrices: no element is preferred, signs are even (a QR without sign repair fails here),
 * the trace of a 3 by 3 has mean 0 and variance 1, and the determinant either sign. */
static void test_uniform_rotation(void)
{
    enum { DRAWS = 4000 };
    double mean[9] = {0}, square[9] = {0}, trace = 0, trace_square = 0;
    size_t positive = 0;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        fill(ffn_orthogonal(), 3, 3, 1000 + draw);
        for (size_t i = 0; i < 9; i++) {
            mean[i] += (double)w[i] / DRAWS;
            square[i] += (double)w[i] * (double)w[i] / DRAWS;
        }
        const double sum = (double)w[0] + (double)w[4] + (double)w[8];
        const double determinant = (double)w[0] * (double)(w[4] * w[8] - w[5] * w[7]) -
                                   (double)w[1] * (double)(w[3] * w[8] - w[5] * w[6]) +
                                   (double)w[2] * (double)(w[3] * w[7] - w[4] * w[6]);
        trace += sum / DRAWS;
        trace_square += sum * sum / DRAWS;
        positive += determinant > 0;
        CU_ASSERT(fabs(fabs(determinant) - 1) < 1e-5);
    }
    for (size_t i = 0; i < 9; i++) {
        CU_ASSERT(fabs(mean[i]) < 5 * sqrt(1.0 / 3 / DRAWS));
        CU_ASSERT(fabs(square[i] - 1.0 / 3) < 5 * sqrt(4.0 / 45 / DRAWS));
    }
    CU_ASSERT(fabs(trace) < 5 / sqrt(DRAWS));
    CU_ASSERT(fabs(trace_square - 1) < 0.15);
    CU_ASSERT(positive > DRAWS / 2 - 160 && positive < DRAWS / 2 + 160);
}

/* ---- defaults and errors --------------------------------------------------------------------------------------- */

static void test_default(void)
{
    const ffn_initializer empty = {0}, given = ffn_normal(1, 2);
    CU_ASSERT_EQUAL(ffn__initializer_or_default(empty, FFN_GAIN_GLOROT).ops, ffn_glorot_uniform().ops);
    CU_ASSERT_EQUAL(ffn__initializer_or_default(empty, FFN_GAIN_HE).ops, ffn_he_normal().ops);
    CU_ASSERT_EQUAL(ffn__initializer_or_default(empty, FFN_GAIN_LECUN).ops, ffn_lecun_normal().ops);
    const ffn_initializer same = ffn__initializer_or_default(given, FFN_GAIN_HE);
    CU_ASSERT(same.ops == given.ops && same.a == 1 && same.b == 2);
}

static void refuse(ffn_initializer initializer, size_t fan_in, size_t fan_out, const char *words)
{
    ffn_random random = ffn_random_create(1, 1, 0);
    ffn_error error = {0};
    w[0] = 7;
    CU_ASSERT_EQUAL(initializer.ops->fill(&initializer, &random, fan_in, fan_out, 2, 2, w, &error),
                    FFN_INVALID_ARGUMENT);
    if (!strstr(error.message, words)) printf("\n    \"%s\", expected \"%s\"\n", error.message, words);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    CU_ASSERT_EQUAL(w[0], 7);
}

static void test_refused(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        refuse(ffn_constant(bad[i]), 2, 2, "constant: the value is");
        refuse(ffn_uniform(bad[i], 1), 2, 2, "uniform: from");
        refuse(ffn_uniform(0, bad[i]), 2, 2, "uniform: from");
        refuse(ffn_normal(bad[i], 1), 2, 2, "normal: mean");
        refuse(ffn_normal(0, bad[i]), 2, 2, "normal: mean");
    }
    refuse(ffn_uniform(1, 0), 2, 2, "in order");
    refuse(ffn_normal(0, -1), 2, 2, "at least 0");
    const ffn_initializer scaled[] = {ffn_glorot_uniform(), ffn_glorot_normal(), ffn_he_uniform(), ffn_he_normal(),
                                      ffn_lecun_normal()};
    for (size_t i = 0; i < 5; i++) {
        refuse(scaled[i], 0, 2, "fan_in is 0");
        refuse(scaled[i], 2, 0, "fan_out 0");
    }
}

static void *no_memory(size_t size, void *user)
{
    (void)size;
    (void)user;
    return NULL;
}

static void no_free(void *pointer, void *user)
{
    (void)pointer;
    (void)user;
}

static void test_no_memory(void)
{
    const ffn_allocator none = {no_memory, no_free, NULL};
    const ffn_initializer orthogonal = ffn_orthogonal();
    ffn_random random = ffn_random_create(1, 1, 0);
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn_set_allocator(&none, NULL), FFN_OK);
    CU_ASSERT_EQUAL(orthogonal.ops->fill(&orthogonal, &random, 2, 2, 2, 2, w, &error), FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(ffn_set_allocator(NULL, NULL), FFN_OK);
}

static const test_case cases[] = {
    {"bounds, mean and variance", test_distributions},
    {"constants and edges", test_constants},
    {"streams", test_streams},
    {"orthogonal", test_orthogonal},
    {"orthogonal is uniform", test_uniform_rotation},
    {"the default of a gain", test_default},
    {"out of range", test_refused},
    {"without memory", test_no_memory},
};

TEST_MAIN("initializer", cases)
