/* The activations against libm in double, over all floats or every stride-th: the references and the measure, for the
 * test and for benchmarks/activation_accuracy.c. */
#ifndef FFN_TEST_ACTIVATION_SWEEP_H
#define FFN_TEST_ACTIVATION_SWEEP_H

#include "ffn.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- references ------------------------------------------------------------------------------------------------- */

#define SQRT1_2    0.70710678118654752440
#define SQRT1_2PI  0.39894228040143267794
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.7580993408473768599402175208123
#define GELU_A     1.5957691216057307117597842397375
#define CUBIC      0.044715

static double bounded(double x) { return fmin(fmax(x, -1e4), 1e4); }
static double positive(double x, double y) { return x > -1e4 || isnan(x) ? y : 0; } /* y, but 0 where y would be x 0 */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softmax(double x) { return x < (double)INFINITY ? sigmoid(x) : (double)NAN; }
static double sigmoid_slope(double x) { return sigmoid(x) * sigmoid(-x); }
static double tanh_slope(double x) { return 4 * sigmoid_slope(2 * x); }
static double relu(double x) { return x < 0 ? 0 : x; }
static double relu_slope(double x) { return x > 0; }
static double leaky_relu(double x) { return x < 0 ? (double)0.01f * x : x; }
static double leaky_relu_slope(double x) { return x > 0 ? 1 : (double)0.01f; }
static double elu(double x) { return x < 0 ? expm1(x) : x; }
static double elu_slope(double x) { return x > 0 ? 1 : exp(x); }
static double selu(double x) { return x < 0 ? SELU_ALPHA * expm1(x) : SELU_SCALE * x; }
static double selu_slope(double x) { return x > 0 ? SELU_SCALE : SELU_ALPHA * exp(x); }
static double swish(double x) { return positive(x, x * sigmoid(x)); }
static double swish_slope(double x) { return sigmoid(x) + bounded(x) * sigmoid_slope(x); }
static double gelu(double x) { return positive(x, x * erfc(-SQRT1_2 * x) / 2); }
static double gelu_slope(double x) { return erfc(-SQRT1_2 * x) / 2 + bounded(x) * SQRT1_2PI * exp(-x * x / 2); }
static double gelu_tanh(double x) { return positive(x, x * sigmoid(GELU_A * (x + CUBIC * x * x * x))); }
static double gelu_tanh_slope(double x)
{
    const double b = bounded(x), z = GELU_A * (b + CUBIC * b * b * b);
    return sigmoid(z) + b * sigmoid_slope(z) * GELU_A * (1 + 3 * CUBIC * b * b);
}
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double softsign(double x) { return isinf(x) ? copysign(1, x) : x / (1 + fabs(x)); }
static double softsign_slope(double x) { return 1 / ((1 + fabs(x)) * (1 + fabs(x))); }
static double mish(double x) { return positive(x, x * tanh(softplus(x))); }
static double mish_slope(double x)
{
    const double t = tanh(softplus(x));
    return t + bounded(x) * (1 - t * t) * sigmoid(x);
}
static double hard_sigmoid(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
static double hard_sigmoid_slope(double x) { return x > -3 && x < 3 ? 1 / 6.0 : 0; }
static double hard_swish(double x) { return x <= -3 ? 0 : x * hard_sigmoid(x); }
static double hard_swish_slope(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5; }

static ffn_activation leaky_relu_usual(void) { return ffn_leaky_relu(0.01f); }
static ffn_activation elu_usual(void) { return ffn_elu(1); }
static ffn_activation swish_usual(void) { return ffn_swish(1); }

typedef struct function {
    const char *name;
    ffn_activation (*kind)(void);
    double (*value)(double x), (*slope)(double x); /* slope: NULL: not tested */
    double bar;                                    /* of the value, in ulp */
    bool increasing;
} function;

/* Softmax is tested on rows (x, 0), the first element of which is the sigmoid; an infinite one makes NaN. */
static const function functions[] = {
    {"sigmoid", ffn_sigmoid, sigmoid, sigmoid_slope, 1.5, true},
    {"tanh", ffn_tanh, tanh, tanh_slope, 1.0, true},
    {"relu", ffn_relu, relu, relu_slope, 0, true},
    {"leaky_relu", leaky_relu_usual, leaky_relu, leaky_relu_slope, 0.5, true},
    {"elu", elu_usual, elu, elu_slope, 0.77, true},
    {"selu", ffn_selu, selu, selu_slope, 1.5, true},
    {"softmax", ffn_softmax, softmax, NULL, 1.6, false},
    {"swish", swish_usual, swish, swish_slope, 2.0, false},
    {"gelu", ffn_gelu, gelu, gelu_slope, 2.0, false},
    {"gelu_tanh", ffn_gelu_tanh, gelu_tanh, gelu_tanh_slope, 3.0, false},
    {"softplus", ffn_softplus, softplus, sigmoid, 1.5, true},
    {"softsign", ffn_softsign, softsign, softsign_slope, 1.5, true},
    {"mish", ffn_mish, mish, mish_slope, 2.5, false},
    {"hard_sigmoid", ffn_hard_sigmoid, hard_sigmoid, hard_sigmoid_slope, 0.6, true},
    {"hard_swish", ffn_hard_swish, hard_swish, hard_swish_slope, 0.6, false},
};

/* ---- measure ----------------------------------------------------------------------------------------------------- */

enum { SWEEP_BLOCK = 1 << 14, SWEEP_FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

typedef struct sweep_result {
    double worst, total; /* errors in ulp where the result is at least FLT_MIN. A derivative's is the smaller of ulp / 4
                            and absolute / 2.5e-7, so its bar is 1. */
    double subnormal;    /* the largest error below FLT_MIN, in units of it */
    float worst_input;
    uint64_t count;
    uint64_t steps_down; /* by more than one ulp to the next element, of the value */
    uint64_t wrong;      /* an infinity or NaN where there should be none, or none where there should */
} sweep_result;

/* How many elements a sweep has. */
static inline uint64_t sweep_elements(uint64_t stride) { return ((UINT64_C(1) << 32) - 1) / stride + 1; }

/* Float number i of all 2^32 in increasing order, NaN at both ends. */
static inline float sweep_float(uint64_t i)
{
    const uint32_t bits = i < 0x80000000U ? 0xffffffffU - (uint32_t)i : (uint32_t)i - 0x80000000U;
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The distance of floats at x >= FLT_MIN. */
static inline double sweep_unit(double x)
{
    uint64_t
        bits; /* the exponent's alone are the power of two at or below x; a sweep is too long for frexp and ldexp */
    memcpy(&bits, &x, sizeof(bits));
    bits = (bits & UINT64_C(0x7ff0000000000000)) - ((uint64_t)(FLT_MANT_DIG - 1) << 52);
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* y against `wanted`, which is f(x) or, if `slope`, f'(x) */
static inline void sweep_judge(sweep_result *r, bool slope, float x, float y, double wanted)
{
    if (slope && isnan(x)) return;
    const double error = fabs((double)y - wanted);
    const bool overflows = fabs(wanted) > (double)FLT_MAX;
    if (isnan(wanted) || overflows || !isfinite(y)) {
        const bool right = isnan(wanted) ? isnan(y) != 0 : overflows && isinf(y) && (y > 0) == (wanted > 0);
        r->wrong += !right;
        return;
    }
    r->count++;
    if (!slope && fabs(wanted) < (double)FLT_MIN) {
        r->subnormal = fmax(r->subnormal, error / (double)FLT_MIN);
        return;
    }
    const double units = error / sweep_unit(fmax(fabs(wanted), (double)FLT_MIN)),
                 counted = slope ? fmin(units / 4, error / 2.5e-7) : units;
    r->total += counted;
    if (counted <= r->worst) return;
    r->worst = counted;
    r->worst_input = x;
}

/* Whether an increasing function goes from `last` to `here` by more than one ulp down. */
static inline bool sweep_steps_down(float last, float here)
{
    return here < last && here < nextafterf(last, -INFINITY);
}

/* Elements first .. first + count - 1 of the sweep, count <= SWEEP_BLOCK; the one before is computed too, for the
 * comparison of neighbours. */
static inline void sweep_block(sweep_result *r, const function *f, bool slope, uint64_t stride, uint64_t first,
                               size_t count)
{
    static _Thread_local float x[2 * SWEEP_BLOCK + 2], y[2 * SWEEP_BLOCK + 2], ones[SWEEP_BLOCK + 1];
    const ffn_activation activation = f->kind();
    const size_t before = first > 0, n = count + before, cols = activation.ops->over_rows ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        x[cols * i] = sweep_float((first - before + i) * stride);
        if (cols == 2) x[2 * i + 1] = 0;
        ones[i] = 1;
    }
    ffn_activation_forward(activation, n, cols, x, y, NULL);
    if (slope) ffn_activation_backward(activation, n, cols, x, y, ones, y, NULL);
    for (size_t i = before; i < n; i++) {
        const float here = y[cols * i], last = i ? y[cols * (i - 1)] : here;
        sweep_judge(r, slope, x[cols * i], here, (slope ? f->slope : f->value)((double)x[cols * i]));
        r->steps_down += !slope && f->increasing && sweep_steps_down(last, here);
    }
}

/* The block of the sweep at `first`; false if that is past its end. */
static inline bool sweep_step(sweep_result *r, const function *f, bool slope, uint64_t stride, uint64_t first)
{
    const uint64_t elements = sweep_elements(stride);
    if (first >= elements) return false;
    sweep_block(r, f, slope, stride, first, elements - first < SWEEP_BLOCK ? (size_t)(elements - first) : SWEEP_BLOCK);
    return true;
}

static inline void sweep_add(sweep_result *sum, const sweep_result *r)
{
    if (r->worst > sum->worst) sum->worst = r->worst, sum->worst_input = r->worst_input;
    sum->subnormal = fmax(sum->subnormal, r->subnormal);
    sum->total += r->total;
    sum->count += r->count;
    sum->steps_down += r->steps_down;
    sum->wrong += r->wrong;
}

static inline bool sweep_good(const sweep_result *r, const function *f, bool slope)
{
    return r->worst <= (slope ? 1 : f->bar) && r->subnormal <= 1 && r->steps_down == 0 && r->wrong == 0;
}

#endif
