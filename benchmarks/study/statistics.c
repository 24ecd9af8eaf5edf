#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double study_mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

double study_deviation(const double *x, size_t n)
{
    const double mean = study_mean(x, n);
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double study_median(const double *x, size_t n)
{
    double sorted[STUDY_MOST_SEEDS];
    if (n == 0 || n > COUNT(sorted)) return (double)NAN;
    memcpy(sorted, x, n * sizeof *x);
    qsort(sorted, n, sizeof *sorted, by_size);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* ---- Student's t --------------------------------------------------------------------------------------------------- */

/* The continued fraction of the incomplete beta function, by Lentz's method (Abramowitz, Stegun 26.5.8). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 / fmax(1 - (a + b) * x / (a + 1), tiny), f = d;
    for (double m = 1; m < 500; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        f *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return f;
}

/* I_x(a, b). The fraction is good below the mean of the distribution. */
static double incomplete_beta(double x, double a, double b)
{
    if (!(x > 0)) return isnan(x) ? x : 0;
    if (x >= 1) return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double study_student_tails(double t, double freedom)
{
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/* t with P(|T| >= t) = 5 %, by bisection. */
static double student_quantile(double freedom)
{
    double low = 0, high = 1000;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        if (study_student_tails(middle, freedom) > 0.05)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double study_interval(const double *x, size_t n)
{
    return n > 1 ? student_quantile((double)n - 1) * study_deviation(x, n) / sqrt((double)n) : (double)NAN;
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

double study_welch(const double *x, size_t n, const double *y, size_t m)
{
    if (n < 2 || m < 2) return (double)NAN;
    const double dx = study_deviation(x, n), dy = study_deviation(y, m);
    const double vx = dx * dx / (double)n, vy = dy * dy / (double)m, difference = study_mean(x, n) - study_mean(y, m);
    if (vx + vy == 0) return difference == 0 ? 1 : 0;
    const double freedom = (vx + vy) * (vx + vy) / (vx * vx / (double)(n - 1) + vy * vy / (double)(m - 1));
    return study_student_tails(difference / sqrt(vx + vy), freedom);
}

/* The smallest p times their count, the next times one less, and so on; none below one before it, none above 1. What is
 * done has a minus sign meanwhile. A p that is NaN stays so and is not counted. */
void study_holm(double *p, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) left += isnan(p[i]) ? 0 : 1;
    for (double before = 0; left > 0; left--) {
        size_t least = count;
        for (size_t i = 0; i < count; i++)
            if (!isnan(p[i]) && !signbit(p[i]) && (least == count || p[i] < p[least])) least = i;
        before = fmax(before, fmin(1, p[least] * (double)left));
        p[least] = -before;
    }
    for (size_t i = 0; i < count; i++) p[i] = fabs(p[i]);
}
