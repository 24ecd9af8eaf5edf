/* The formulas of tests/activation_sweep.h for eight doubles at once, by libmvec, whose functions are within 4 ulp of
 * double: nothing, where floats are judged. Who uses them compares samples with the C library's scalar functions. */
#include "reference.h"

#ifdef REFERENCE_MVEC

#include <math.h>
#include <string.h>

typedef double d8 __attribute__((vector_size(64)));
typedef long long i8 __attribute__((vector_size(64)));

d8 _ZGVeN8v_exp(d8 x);
d8 _ZGVeN8v_expm1(d8 x);
d8 _ZGVeN8v_log1p(d8 x);
d8 _ZGVeN8v_tanh(d8 x);
d8 _ZGVeN8v_erfc(d8 x);

#define SQRT1_2    0.70710678118654752440
#define SQRT1_2PI  0.39894228040143267794
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.7580993408473768599402175208123
#define GELU_A     1.5957691216057307117597842397375
#define CUBIC      0.044715

static inline d8 all(double x) { return x - (d8){0}; }
static inline d8 choose(i8 mask, d8 a, d8 b) { return (d8)((mask & (i8)a) | (~mask & (i8)b)); }
static inline d8 size(d8 x) { return (d8)((i8)x & ~(i8)all(-0.0)); }
static inline d8 bounded(d8 x) { return choose(x > 1e4, all(1e4), choose(x < -1e4, all(-1e4), x)); }
static inline d8 positive(d8 x, d8 y) { return choose(x <= -1e4, all(0), y); } /* y, but 0 where y would be x 0 */

static inline d8 sigmoid(d8 x) { return 1 / (1 + _ZGVeN8v_exp(-x)); }
static inline d8 softmax(d8 x) { return choose(x < (double)INFINITY, sigmoid(x), all(NAN)); }
static inline d8 sigmoid_slope(d8 x) { return sigmoid(x) * sigmoid(-x); }
static inline d8 tanh_value(d8 x) { return _ZGVeN8v_tanh(x); }
static inline d8 tanh_slope(d8 x) { return 4 * sigmoid_slope(2 * x); }
static inline d8 elu(d8 x) { return choose(x < 0, _ZGVeN8v_expm1(x), x); }
static inline d8 elu_slope(d8 x) { return choose(x > 0, all(1), _ZGVeN8v_exp(x)); }
static inline d8 selu(d8 x) { return choose(x < 0, SELU_ALPHA * _ZGVeN8v_expm1(x), SELU_SCALE * x); }
static inline d8 selu_slope(d8 x) { return choose(x > 0, all(SELU_SCALE), SELU_ALPHA * _ZGVeN8v_exp(x)); }
static inline d8 swish(d8 x) { return positive(x, x * sigmoid(x)); }
static inline d8 swish_slope(d8 x) { return sigmoid(x) + bounded(x) * sigmoid_slope(x); }
static inline d8 gelu(d8 x) { return positive(x, x * _ZGVeN8v_erfc(-SQRT1_2 * x) / 2); }
static inline d8 gelu_slope(d8 x)
{
    return _ZGVeN8v_erfc(-SQRT1_2 * x) / 2 + bounded(x) * SQRT1_2PI * _ZGVeN8v_exp(-x * x / 2);
}
static inline d8 gelu_tanh(d8 x) { return positive(x, x * sigmoid(GELU_A * (x + CUBIC * x * x * x))); }
static inline d8 gelu_tanh_slope(d8 x)
{
    const d8 b = bounded(x), z = GELU_A * (b + CUBIC * b * b * b);
    return sigmoid(z) + b * sigmoid_slope(z) * GELU_A * (1 + 3 * CUBIC * b * b);
}
static inline d8 softplus(d8 x) { return choose(x < 0, all(0), x) + _ZGVeN8v_log1p(_ZGVeN8v_exp(-size(x))); }
static inline d8 softsign(d8 x)
{
    const d8 sign = (d8)((i8)x & (i8)all(-0.0));
    return choose(size(x) == (double)INFINITY, (d8)((i8)all(1) | (i8)sign), x / (1 + size(x)));
}
static inline d8 softsign_slope(d8 x) { return 1 / ((1 + size(x)) * (1 + size(x))); }
static inline d8 mish(d8 x) { return positive(x, x * _ZGVeN8v_tanh(softplus(x))); }
static inline d8 mish_slope(d8 x)
{
    const d8 t = _ZGVeN8v_tanh(softplus(x));
    return t + bounded(x) * (1 - t * t) * sigmoid(x);
}

#define REFERENCE(name, value)                                                                                         \
    static void name##_reference(const double *x, double *wanted, size_t n)                                            \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i += REFERENCE_LANES) {                                                              \
            d8 v;                                                                                                      \
            memcpy(&v, x + i, sizeof(v));                                                                              \
            v = value(v);                                                                                              \
            memcpy(wanted + i, &v, sizeof(v));                                                                         \
        }                                                                                                              \
    }
REFERENCE(sigmoid, sigmoid)
REFERENCE(sigmoid_slope, sigmoid_slope)
REFERENCE(softmax, softmax)
REFERENCE(tanh, tanh_value)
REFERENCE(tanh_slope, tanh_slope)
REFERENCE(elu, elu)
REFERENCE(elu_slope, elu_slope)
REFERENCE(selu, selu)
REFERENCE(selu_slope, selu_slope)
REFERENCE(swish, swish)
REFERENCE(swish_slope, swish_slope)
REFERENCE(gelu, gelu)
REFERENCE(gelu_slope, gelu_slope)
REFERENCE(gelu_tanh, gelu_tanh)
REFERENCE(gelu_tanh_slope, gelu_tanh_slope)
REFERENCE(softplus, softplus)
REFERENCE(softsign, softsign)
REFERENCE(softsign_slope, softsign_slope)
REFERENCE(mish, mish)
REFERENCE(mish_slope, mish_slope)

static const struct {
    const char *name;
    reference *value, *slope;
} references[] = {
    {"sigmoid", sigmoid_reference, sigmoid_slope_reference},
    {"tanh", tanh_reference, tanh_slope_reference},
    {"elu", elu_reference, elu_slope_reference},
    {"selu", selu_reference, selu_slope_reference},
    {"softmax", softmax_reference, NULL},
    {"swish", swish_reference, swish_slope_reference},
    {"gelu", gelu_reference, gelu_slope_reference},
    {"gelu_tanh", gelu_tanh_reference, gelu_tanh_slope_reference},
    {"softplus", softplus_reference, sigmoid_reference},
    {"softsign", softsign_reference, softsign_slope_reference},
    {"mish", mish_reference, mish_slope_reference},
};

reference *reference_find(const char *name, bool slope)
{
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) return NULL;
    for (size_t i = 0; i < sizeof(references) / sizeof(references)[0]; i++)
        if (strcmp(references[i].name, name) == 0) return slope ? references[i].slope : references[i].value;
    return NULL;
}

#else

reference *reference_find(const char *name, bool slope)
{
    (void)name, (void)slope;
    return NULL;
}

#endif
