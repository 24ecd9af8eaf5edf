#include "study.h"

#include <math.h>
#include <stdlib.h>

/* Cells of the midpoint rule: a kink at 0 or 3 is on a border between two for variance 1. */
enum { CELLS = 1 << 15 };
static const double reach = 12; /* in standard deviations */

const study_known_moments study_known[] = {
    {"sigmoid", {0.5, 0.293379, 0.044836}},
    {"tanh", {0, 0.394294, 0.464403}},
    {"relu", {0.398942, 0.5, 0.5}},
    {"leaky_relu", {0.394953, 0.50005, 0.50005}},
    {"elu", {0.160521, 0.644945, 0.668102}},
    {"selu", {0, 1, 1.071575}},
    {"softplus", {0.806059, 0.921246, 0.293379}},
    {"swish", {0.206621, 0.355776, 0.379482}},
    {"gelu", {0.282095, 0.425221, 0.455851}},
    {"mish", {0.240404, 0.452342, 0.479084}},
    {0},
};

/* x [n] spread evenly over the cells' middles of [-range, range], y = f(x), slope = f'(x): three arrays in one, owned by
 * the caller; NULL after an error. */
static float *sample(ffn_activation activation, size_t n, double range, ffn_error *error)
{
    float *x = malloc(3 * n * sizeof *x);
    if (!x) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu values of a function", n);
        return NULL;
    }
    float *y = x + n, *slope = y + n;
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(range * ((2 * (double)i + 1) / (double)n - 1));
        slope[i] = 1;
    }
    if (ffn_activation_forward(activation, 1, n, x, y, error) == FFN_OK &&
        ffn_activation_backward(activation, 1, n, x, y, slope, slope, error) == FFN_OK)
        return x;
    free(x);
    return NULL;
}

ffn_status study_compute_moments(ffn_activation activation, double variance, study_moments *moments, ffn_error *error)
{
    const double deviation = sqrt(variance);
    float *x = sample(activation, CELLS, reach * deviation, error);
    if (!x) return FFN_INVALID_ARGUMENT;
    const float *y = x + CELLS, *slope = y + CELLS;
    double weights = 0;
    *moments = (study_moments){0};
    for (size_t i = 0; i < CELLS; i++) {
        const double u = reach * ((2 * (double)i + 1) / CELLS - 1), weight = exp(-u * u / 2);
        weights += weight;
        moments->mean += weight * (double)y[i];
        moments->square += weight * (double)y[i] * (double)y[i];
        moments->slope_square += weight * (double)slope[i] * (double)slope[i];
    }
    moments->mean /= weights;
    moments->square /= weights;
    moments->slope_square /= weights;
    free(x);
    return FFN_OK;
}

ffn_status study_largest_slope(ffn_activation activation, double *largest, ffn_error *error)
{
    enum { POINTS = 4001 };
    float *x = sample(activation, POINTS, 20, error);
    if (!x) return FFN_INVALID_ARGUMENT;
    const float *slope = x + (size_t)2 * POINTS;
    *largest = 0;
    for (size_t i = 0; i < POINTS; i++) *largest = fmax(*largest, fabs((double)slope[i]));
    free(x);
    return FFN_OK;
}

/* The values are given to six decimals, and the functions are floats. */
static bool agree(double found, double known) { return fabs(found - known) <= 1e-6; }

ffn_status study_check_moments(const study_known_moments *known, FILE *out, ffn_error *error)
{
    const char *wrong = NULL;
    fprintf(out, "z ~ N(0, 1)       E f                 E f^2               E f'^2\n"
                 "               known     found     known     found     known     found\n");
    for (; known->name; known++) {
        ffn_activation activation;
        study_moments found;
        ffn_status status = ffn_activation_by_name(known->name, &activation, error);
        if (status == FFN_OK) status = study_compute_moments(activation, 1, &found, error);
        if (status != FFN_OK) return status;
        const study_moments *k = &known->moments;
        const bool right =
            agree(found.mean, k->mean) && agree(found.square, k->square) && agree(found.slope_square, k->slope_square);
        fprintf(out, "%-11s %8.6f%10.6f%10.6f%10.6f%10.6f%10.6f%s\n", known->name, k->mean,
                fabs(found.mean) < 5e-7 ? 0 : found.mean, k->square, found.square, k->slope_square, found.slope_square,
                right ? "" : "  WRONG");
        if (!right) wrong = known->name;
    }
    if (!wrong) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: a moment differs from its known value by more than 1e-6", wrong);
}
