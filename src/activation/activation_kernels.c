#include "activation/activation.h"
#include <float.h>
#include <math.h>

/* y = value(x), and dy/dx of (x, y), one element at a time. */
#define ELEMENTWISE(kind, value, slope)                                                                                \
    static void kind##_forward(const ffn_activation *a, size_t rows, size_t cols, const float *xs, float *ys)          \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        for (size_t i = 0; i < rows * cols; i++) {                                                                     \
            const float x = xs[i];                                                                                     \
            ys[i] = (float)(value);                                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void kind##_backward(const ffn_activation *a, size_t rows, size_t cols, const float *xs, const float *ys,   \
                                const float *dy, float *dx)                                                            \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        for (size_t i = 0; i < rows * cols; i++) {                                                                     \
            const float x = xs ? xs[i] : 0, y = ys ? ys[i] : 0;                                                        \
            (void)x, (void)y;                                                                                          \
            dx[i] = (float)((slope)*dy[i]);                                                                            \
        }                                                                                                              \
    }

static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 30 ? x : log1p(exp(x)); }
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.6732632423543772848170429916717
#define SLOPE      (a->slope ? a->slope[a->per_unit ? i % cols : 0] : a->alpha)
#define K          0.79788456080286535588

ELEMENTWISE(linear, x, 1)
ELEMENTWISE(sigmoid, logistic(x), y *(1 - y))
ELEMENTWISE(tanh, tanh(x), 1 - y * y)
ELEMENTWISE(relu, x < 0 ? 0 : x, y > 0 ? 1 : 0)
ELEMENTWISE(leaky_relu, x < 0 ? a->alpha * x : x, y > 0 ? 1 : a->alpha)
ELEMENTWISE(prelu, x < 0 ? SLOPE * x : x, x > 0 ? 1 : SLOPE)
ELEMENTWISE(elu, x < 0 ? a->alpha * expm1(x) : x, y > 0 ? 1 : y + a->alpha)
ELEMENTWISE(selu, SELU_SCALE *(x < 0 ? SELU_ALPHA * expm1(x) : x), y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA)
ELEMENTWISE(swish, x < -1000 ? 0 : x * logistic((double)a->alpha * x),
            logistic((double)a->alpha * x) * (1 + a->alpha * x * (1 - logistic((double)a->alpha * x))))
ELEMENTWISE(gelu, 0.5 * x * erfc(-M_SQRT1_2 * x), 0.5 * erfc(-M_SQRT1_2 * x) + x * exp(-0.5 * x * x) * 0.39894228040143268)
ELEMENTWISE(gelu_tanh, x < -100 ? 0 : x * logistic(2 * K * (x + 0.044715 * x * x * x)),
            logistic(2 * K * (x + 0.044715 * x * x * x)) *
                (1 + x * (1 - logistic(2 * K * (x + 0.044715 * x * x * x))) * 2 * K * (1 + 3 * 0.044715 * x * x)))
ELEMENTWISE(softplus, softplus(x), -expm1(-(double)y))
ELEMENTWISE(softsign, x / (1 + fabs(x)), (1 - fabs(y)) * (1 - fabs(y)))
ELEMENTWISE(mish, x * tanh(softplus(x)),
            tanh(softplus(x)) + x * logistic(x) * (1 - tanh(softplus(x)) * tanh(softplus(x))))
ELEMENTWISE(hard_sigmoid, x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5, y > 0 && y < 1 ? 1 / 6.0 : 0)
ELEMENTWISE(hard_swish, x <= -3 ? 0 : x >= 3 ? x : x * (x / 6 + 0.5), x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5)

static void log_softmax_forward(const ffn_activation *a, size_t rows, size_t cols, const float *x, float *y)
{
    (void)a;
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        double most = x[0], sum = 0;
        for (size_t c = 1; c < cols; c++) most = x[c] > most ? x[c] : most;
        for (size_t c = 0; c < cols; c++) sum += exp(x[c] - most);
        for (size_t c = 0; c < cols; c++) y[c] = (float)(x[c] - most - log(sum));
    }
}

static void softmax_forward(const ffn_activation *a, size_t rows, size_t cols, const float *x, float *y)
{
    log_softmax_forward(a, rows, cols, x, y);
    for (size_t i = 0; i < rows * cols; i++) y[i] = (float)exp(y[i]);
}

static void softmax_backward(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y,
                             const float *dy, float *dx)
{
    (void)a, (void)x;
    for (size_t r = 0; r < rows; r++, y += cols, dy += cols, dx += cols) {
        double sum = 0;
        for (size_t c = 0; c < cols; c++) sum += (double)y[c] * dy[c];
        for (size_t c = 0; c < cols; c++) dx[c] = (float)(y[c] * (dy[c] - sum));
    }
}

static void log_softmax_backward(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y,
                                 const float *dy, float *dx)
{
    (void)a, (void)x;
    for (size_t r = 0; r < rows; r++, y += cols, dy += cols, dx += cols) {
        double sum = 0;
        for (size_t c = 0; c < cols; c++) sum += (double)dy[c];
        for (size_t c = 0; c < cols; c++) dx[c] = (float)(dy[c] - exp(y[c]) * sum);
    }
}

static void prelu_slope_gradient(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *dy,
                                 float *slope_gradient)
{
    for (size_t c = 0; c < cols && a->per_unit; c++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++) sum += x[r * cols + c] < 0 ? (double)x[r * cols + c] * dy[r * cols + c] : 0;
        slope_gradient[c] = (float)(slope_gradient[c] + sum);
    }
    double sum = 0;
    for (size_t i = 0; i < rows * cols && !a->per_unit; i++) sum += x[i] < 0 ? (double)x[i] * dy[i] : 0;
    if (!a->per_unit) slope_gradient[0] = (float)(slope_gradient[0] + sum);
}

#define OPS(kind) .name = #kind, .forward = kind##_forward, .backward = kind##_backward
const ffn__activation_table FFN__ISA_NAME(ffn__activations) = {
    .kinds = {
        [FFN__linear] = {OPS(linear)},
        [FFN__sigmoid] = {OPS(sigmoid), .fuses = FFN_LOSS_OF_SIGMOID_LOGITS},
        [FFN__tanh] = {OPS(tanh)},
        [FFN__relu] = {OPS(relu), .gain = FFN_GAIN_HE},
        [FFN__leaky_relu] = {OPS(leaky_relu), .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE},
        [FFN__prelu] = {OPS(prelu), .alpha_low = -FLT_MAX, .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE,
                        .needs_input = true, .slope_gradient = prelu_slope_gradient},
        [FFN__prelu_per_unit] = {.name = "prelu_per_unit", .alpha_low = -FLT_MAX, .alpha_high = FLT_MAX,
                                 .gain = FFN_GAIN_HE, .needs_input = true, .forward = prelu_forward,
                                 .backward = prelu_backward, .slope_gradient = prelu_slope_gradient},
        [FFN__elu] = {OPS(elu), .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE},
        [FFN__selu] = {OPS(selu), .gain = FFN_GAIN_LECUN},
        [FFN__softmax] = {OPS(softmax), .over_rows = true, .fuses = FFN_LOSS_OF_SOFTMAX_LOGITS},
        [FFN__log_softmax] = {OPS(log_softmax), .over_rows = true},
        [FFN__swish] = {OPS(swish), .alpha_low = -FLT_MAX, .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE, .needs_input = true},
        [FFN__gelu] = {OPS(gelu), .gain = FFN_GAIN_HE, .needs_input = true},
        [FFN__gelu_tanh] = {OPS(gelu_tanh), .gain = FFN_GAIN_HE, .needs_input = true},
        [FFN__softplus] = {OPS(softplus), .gain = FFN_GAIN_HE},
        [FFN__softsign] = {OPS(softsign)},
        [FFN__mish] = {OPS(mish), .gain = FFN_GAIN_HE, .needs_input = true},
        [FFN__hard_sigmoid] = {OPS(hard_sigmoid)},
        [FFN__hard_swish] = {OPS(hard_swish), .gain = FFN_GAIN_HE, .needs_input = true},
    },
};
