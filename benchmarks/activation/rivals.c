/* The activations by the C library, as one writes them without a library of activations: an element at a time. */
#include "rivals.h"

#include <math.h>
#include <string.h>

const rival *rival_find(const rival *rivals, size_t count, const char *kind)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rivals[i].kind, kind) == 0) return &rivals[i];
    return NULL;
}

#define SQRT_HALF 0.70710678f
#define DENSITY   0.39894228f /* 1 / sqrt(2 pi) */
#define GELU_A    0.79788456f /* sqrt(2 / pi) */
#define CUBIC     0.044715f

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }
static float sigmoid_slope(float y) { return y * (1 - y); }
static float tanh_slope(float y) { return 1 - y * y; }
static float relu(float x) { return x > 0 ? x : 0; }
static float relu_slope(float y) { return y > 0; }
static float elu(float x) { return x < 0 ? expm1f(x) : x; }
static float elu_slope(float y) { return y < 0 ? y + 1 : 1; }
static float selu(float x) { return x < 0 ? 1.7580993f * expm1f(x) : 1.0507010f * x; }
static float selu_slope(float y) { return y < 0 ? y + 1.7580993f : 1.0507010f; }
static float swish(float x) { return x * sigmoid(x); }
static float swish_slope(float x)
{
    const float s = sigmoid(x);
    return s + x * s * (1 - s);
}
static float gelu(float x) { return 0.5f * x * erfcf(-SQRT_HALF * x); }
static float gelu_slope(float x) { return 0.5f * erfcf(-SQRT_HALF * x) + x * DENSITY * expf(-0.5f * x * x); }
static float gelu_tanh(float x) { return 0.5f * x * (1 + tanhf(GELU_A * (x + CUBIC * x * x * x))); }
static float gelu_tanh_slope(float x)
{
    const float t = tanhf(GELU_A * (x + CUBIC * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * GELU_A * (1 + 3 * CUBIC * x * x);
}
static float softplus(float x) { return fmaxf(x, 0) + log1pf(expf(-fabsf(x))); }
static float softplus_slope(float y) { return -expm1f(-y); }
static float softsign(float x) { return x / (1 + fabsf(x)); }
static float softsign_slope(float y) { return (1 - fabsf(y)) * (1 - fabsf(y)); }
static float mish(float x) { return x * tanhf(softplus(x)); }
static float mish_slope(float x)
{
    const float t = tanhf(softplus(x));
    return t + x * (1 - t * t) * sigmoid(x);
}

#define ELEMENTWISE(name, value)                                                                                       \
    static void name##_forward(size_t rows, size_t cols, const float *x, float *y)                                     \
    {                                                                                                                  \
        for (size_t i = 0; i < rows * cols; i++) y[i] = value(x[i]);                                                   \
    }                                                                                                                  \
    static void name##_backward(size_t n, const float *v, const float *dy, float *dx)                                  \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] * name##_slope(v[i]);                                             \
    }
ELEMENTWISE(sigmoid, sigmoid)
ELEMENTWISE(tanh, tanhf)
ELEMENTWISE(relu, relu)
ELEMENTWISE(elu, elu)
ELEMENTWISE(selu, selu)
ELEMENTWISE(swish, swish)
ELEMENTWISE(gelu, gelu)
ELEMENTWISE(gelu_tanh, gelu_tanh)
ELEMENTWISE(softplus, softplus)
ELEMENTWISE(softsign, softsign)
ELEMENTWISE(mish, mish)

static void softmax_forward(size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        float most = x[0], sum = 0;
        for (size_t c = 1; c < cols; c++) most = fmaxf(most, x[c]);
        for (size_t c = 0; c < cols; c++) sum += y[c] = expf(x[c] - most);
        for (size_t c = 0; c < cols; c++) y[c] /= sum;
    }
}

#define RIVAL(name)                                                                                                    \
    {                                                                                                                  \
#name, name##_forward, name##_backward                                                                         \
    }
static const rival rivals[] = {RIVAL(sigmoid),  RIVAL(tanh),     RIVAL(relu), RIVAL(elu),
                               RIVAL(selu),     RIVAL(swish),    RIVAL(gelu), RIVAL(gelu_tanh),
                               RIVAL(softplus), RIVAL(softsign), RIVAL(mish), {"softmax", softmax_forward, NULL}};

const rival *rival_libm(const char *kind) { return rival_find(rivals, sizeof(rivals) / sizeof(rivals)[0], kind); }
