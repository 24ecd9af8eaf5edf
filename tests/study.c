/* The activation study's statistics and its check of moments. Values of Student's t and Welch's test are SciPy's. */
#include "study.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define NEAR(found, known) CU_ASSERT_DOUBLE_EQUAL(found, known, 1e-9 * fabs((double)(known)))

static void test_samples(void)
{
    const double x[] = {3, 1, 2, 10}, one[] = {7};
    NEAR(study_mean(x, 4), 4);
    NEAR(study_deviation(x, 4), sqrt(50 / 3.0));
    NEAR(study_median(x, 4), 2.5);
    NEAR(study_median(x, 3), 2);
    NEAR(study_median(one, 1), 7);
    CU_ASSERT(isnan(study_mean(x, 0)) && isnan(study_deviation(one, 1)) && isnan(study_interval(one, 1)));
    CU_ASSERT(isnan(study_median(x, 0)));
}

static void test_student(void)
{
    NEAR(study_student_tails(2.5, 3.7), 0.07182202291182675);
    NEAR(study_student_tails(-2.5, 3.7), 0.07182202291182675);
    NEAR(study_student_tails(12, 30), 5.580185415199261e-13);
    NEAR(study_student_tails(0.1, 2), 0.9294654384141402);
    NEAR(study_student_tails(0, 5), 1);
    CU_ASSERT(isnan(study_student_tails((double)NAN, 5)));
    double x[10];
    for (size_t i = 0; i < 10; i++) x[i] = (double)i;
    NEAR(study_interval(x, 5), 2.7764451051977987 * sqrt(2.5) / sqrt(5));
    NEAR(study_interval(x, 10), 2.2621571627409915 * study_deviation(x, 10) / sqrt(10));
}

static void test_welch(void)
{
    const double x[] = {0.9721, 0.9749, 0.9693, 0.9777, 0.9666}, y[] = {0.9638, 0.9610, 0.9694, 0.9582};
    const double same[] = {1, 1, 1}, other[] = {2, 2};
    NEAR(study_welch(x, 5, y, 4), 0.025486307151419127);
    NEAR(study_welch(y, 4, x, 5), 0.025486307151419127);
    NEAR(study_welch(x, 5, x, 5), 1);
    CU_ASSERT(study_welch(same, 3, same, 2) == 1 && study_welch(same, 3, other, 2) == 0);
    CU_ASSERT(isnan(study_welch(x, 1, y, 4)));
}

static void test_holm(void)
{
    double p[] = {0.04, 0.01, (double)NAN, 0.03, 0.9};
    study_holm(p, 5);
    NEAR(p[1], 0.04); /* four that are numbers */
    NEAR(p[3], 0.09);
    NEAR(p[0], 0.09); /* 0.08, but not below the one before */
    NEAR(p[4], 0.9);
    CU_ASSERT(isnan(p[2]));
    double equal[] = {0, 0, 0.8};
    study_holm(equal, 3);
    CU_ASSERT(equal[0] == 0 && equal[1] == 0 && equal[2] == 0.8);
    study_holm(NULL, 0);
}

static void test_moments(void)
{
    FILE *out = tmpfile();
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT(study_check_moments(study_known, out, &error) == FFN_OK);
    const study_known_moments off[] = {{"relu", {0.398942, 0.5, 0.5}}, {"tanh", {0, 0.394297, 0.464403}}, {0}};
    CU_ASSERT(study_check_moments(off, out, &error) == FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "tanh"));
    const study_known_moments lost[] = {{"tanh", {0, (double)NAN, 0.464403}}, {0}};
    CU_ASSERT(study_check_moments(lost, out, &error) == FFN_INVALID_ARGUMENT);
    const study_known_moments unknown[] = {{"tanhh", {0, 0, 0}}, {0}};
    CU_ASSERT(study_check_moments(unknown, out, &error) != FFN_OK);
    (void)fclose(out);
}

static void test_slopes(void)
{
    double largest = 0;
    CU_ASSERT(study_largest_slope(ffn_sigmoid(), &largest, NULL) == FFN_OK);
    NEAR(largest, 0.25);
    CU_ASSERT(study_largest_slope(ffn_gelu(), &largest, NULL) == FFN_OK);
    CU_ASSERT(largest > 1.128 && largest < 1.129);
    study_moments wide;
    CU_ASSERT(study_compute_moments(ffn_relu(), 9, &wide, NULL) == FFN_OK);
    CU_ASSERT_DOUBLE_EQUAL(wide.square, 4.5, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(wide.slope_square, 0.5, 1e-6);
}

static const test_case cases[] = {
    {"samples", test_samples},        {"Student's t", test_student}, {"Welch's test", test_welch},
    {"Holm's correction", test_holm}, {"moments", test_moments},     {"slopes", test_slopes},
};
TEST_MAIN("activation study", cases)
