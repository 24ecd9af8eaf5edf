/* The built-in activations, for one instruction set. An elementwise kind is a function of one vector for its value and
 * one for its gradient, which a loop applies to whole arrays. The row kinds are in softmax.h. */
#include "activation/softmax.h"

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* y = f(x); alpha comes by value, since y might alias where it is kept. Whole vectors and the remainder run through one
 * piece of code, so that an element's bits do not depend on its place. */
VECTOR_INLINE void map_forward(float alpha, size_t n, const float *x, float *y, vec (*f)(float alpha, vec x))
{
    const bool large = n >= LARGE;
    for (size_t i = 0; i < n; i += VL) {
        if (large) __builtin_prefetch(x + i + AHEAD), __builtin_prefetch(y + i + AHEAD, 1);
        vec_store_left(y + i, f(alpha, vec_load_left(x + i, n - i)), n - i);
    }
}

/* dx = g(v, dy), where v is y, or x for a kind that needs its input. */
VECTOR_INLINE void map_backward(float alpha, size_t n, const float *v, const float *dy, float *dx,
                                vec (*g)(float alpha, vec v, vec dy))
{
    const bool large = n >= LARGE;
    for (size_t i = 0; i < n; i += VL) {
        if (large) {
            __builtin_prefetch(v + i + AHEAD), __builtin_prefetch(dy + i + AHEAD);
            __builtin_prefetch(dx + i + AHEAD, 1);
        }
        vec_store_left(dx + i, g(alpha, vec_load_left(v + i, n - i), vec_load_left(dy + i, n - i)), n - i);
    }
}

/* ---- linear ------------------------------------------------------------------------------------------------------ */

static void linear_forward(FORWARD_ARGUMENTS)
{
    (void)a;
    if (x != y) memmove(y, x, rows * cols * sizeof(*x));
}

static void linear_backward(BACKWARD_ARGUMENTS)
{
    (void)a, (void)x, (void)y;
    if (dx != dy) memmove(dx, dy, rows * cols * sizeof(*dy));
}

/* ---- sigmoid and tanh -------------------------------------------------------------------------------------------- */

VECTOR_INLINE vec sigmoid_value(float alpha, vec x) { return (void)alpha, vec_sigmoid(x); }
VECTOR_INLINE vec sigmoid_gradient(float alpha, vec y, vec dy) { return (void)alpha, dy * (y * (1 - y)); }
static void sigmoid_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, sigmoid_value); }
static void sigmoid_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, sigmoid_gradient);
}

VECTOR_INLINE vec tanh_value(float alpha, vec x) { return (void)alpha, vec_tanh(x); }
VECTOR_INLINE vec tanh_gradient(float alpha, vec y, vec dy) { return (void)alpha, dy * ((1 - y) * (1 + y)); }
static void tanh_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, tanh_value); }
static void tanh_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, tanh_gradient);
}

/* ---- rectifiers -------------------------------------------------------------------------------------------------- */

VECTOR_INLINE vec relu_value(float alpha, vec x) { return (void)alpha, vec_max(vec_set(0), x); }
VECTOR_INLINE vec relu_gradient(float alpha, vec y, vec dy) { return (void)alpha, vec_select(y <= 0, vec_set(0), dy); }
static void relu_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, relu_value); }
static void relu_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, relu_gradient);
}

VECTOR_INLINE vec leaky(vec x, vec slope) { return vec_select(x < 0, slope * x, x); }
VECTOR_INLINE vec leaky_gradient(vec v, vec slope, vec dy) { return vec_select(v <= 0, slope * dy, dy); }

VECTOR_INLINE vec leaky_relu_value(float alpha, vec x) { return leaky(x, vec_set(alpha)); }
VECTOR_INLINE vec leaky_relu_gradient(float alpha, vec y, vec dy)
{
    return leaky_gradient(y, vec_set(alpha), dy); /* alpha >= 0, so y is at most 0 where x is */
}
static void leaky_relu_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, leaky_relu_value); }
static void leaky_relu_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, leaky_relu_gradient);
}

static void prelu_forward(FORWARD_ARGUMENTS)
{
    if (!a->per_unit || !a->slope) {
        map_forward(a->slope ? a->slope[0] : a->alpha, rows * cols, x, y, leaky_relu_value);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += cols, y += cols)
        for (size_t c = 0; c < cols; c += VL)
            vec_store_left(y + c, leaky(vec_load_left(x + c, cols - c), vec_load_left(a->slope + c, cols - c)),
                           cols - c);
}

static void prelu_backward(BACKWARD_ARGUMENTS)
{
    (void)y;
    if (!a->per_unit || !a->slope) { /* leaky_relu_gradient only asks for the sign, which here is x's */
        map_backward(a->slope ? a->slope[0] : a->alpha, rows * cols, x, dy, dx, leaky_relu_gradient);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += cols, dy += cols, dx += cols)
        for (size_t c = 0; c < cols; c += VL) {
            const size_t left = cols - c;
            vec_store_left(dx + c,
                           leaky_gradient(vec_load_left(x + c, left), vec_load_left(a->slope + c, left),
                                          vec_load_left(dy + c, left)),
                           left);
        }
}

/* sum of dy x where x is below 0, over every stride-th element */
static double slope_sum(size_t count, size_t stride, const float *x, const float *dy)
{
    double sum = 0;
    for (size_t i = 0; i < count * stride; i += stride) sum += x[i] > 0 ? 0 : (double)x[i] * (double)dy[i];
    return sum;
}

static void prelu_slope_gradient(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *dy,
                                 float *slope_gradient)
{
    if (a->per_unit)
        for (size_t c = 0; c < cols; c++)
            slope_gradient[c] = (float)((double)slope_gradient[c] + slope_sum(rows, cols, x + c, dy + c));
    else
        slope_gradient[0] = (float)((double)slope_gradient[0] + slope_sum(rows * cols, 1, x, dy));
}

/* ---- exponential linear units ------------------------------------------------------------------------------------ */

#define SELU_SCALE ((float)1.0507009873554804934193349852946)
#define SELU_ALPHA ((float)1.7580993408473768599402175208123) /* alpha of the paper times the scale */

VECTOR_INLINE vec elu_value(float alpha, vec x) { return vec_select(x < 0, alpha * vec_expm1_negative(x), x); }
VECTOR_INLINE vec elu_usual_value(float alpha, vec x)
{
    return (void)alpha, vec_select(x < 0, vec_expm1_negative(x), x);
}
VECTOR_INLINE vec elu_gradient(float alpha, vec y, vec dy) { return vec_select(y <= 0, dy * (y + alpha), dy); }
static void elu_forward(FORWARD_ARGUMENTS)
{
    if (a->alpha == 1)
        map_forward(1, rows * cols, x, y, elu_usual_value);
    else
        map_forward(a->alpha, rows * cols, x, y, elu_value);
}
static void elu_backward(BACKWARD_ARGUMENTS) { (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, elu_gradient); }

VECTOR_INLINE vec selu_value(float alpha, vec x)
{
    return (void)alpha, vec_select(x < 0, vec_scaled_expm1_negative(x, SELU_ALPHA), SELU_SCALE * x);
}
VECTOR_INLINE vec selu_gradient(float alpha, vec y, vec dy)
{
    return (void)alpha, dy * vec_select(y <= 0, y + SELU_ALPHA, vec_set(SELU_SCALE));
}
static void selu_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, selu_value); }
static void selu_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, selu_gradient);
}

/* ---- x times something between 0 and 1 --------------------------------------------------------------------------- */

/* x bounded so that beta x is in [-100, 40], where the sigmoid has reached its limits */
VECTOR_INLINE vec swish_bounded(float beta, vec x)
{
    const float gone = VEC_BOUND(100, 1500), least = gone / FLT_MAX; /* below least, no x is too large */
    const float size = fabsf(beta) > least ? fabsf(beta) : least, to_one = 40 / size, to_zero = gone / size;
    const float low = beta < 0 ? -to_one : -to_zero, high = beta < 0 ? to_zero : to_one;
    return vec_min(vec_set(high), vec_max(vec_set(low), x));
}
VECTOR_INLINE vec swish_value(float alpha, vec x)
{
    const vec bounded = swish_bounded(alpha, x), beta = vec_set(alpha), z = bounded * beta;
    return vec_times_sigmoid(x, z, vec_fma(bounded, beta, -z));
}
VECTOR_INLINE vec silu_by_exp(vec x) { return swish_value(1, x); }
VECTOR_INLINE vec silu_value(float alpha, vec x)
{
#ifdef FFN__HAS_PIECES
    return (void)alpha, pieces_or_tail(pieces_share(&sigmoid_pieces, x, 25), x, -25, silu_by_exp);
#else
    return (void)alpha, silu_by_exp(x);
#endif
}
VECTOR_INLINE vec swish_gradient(float alpha, vec x, vec dy)
{
    const vec z = swish_bounded(alpha, x) * alpha;
#ifdef FFN__HAS_PIECES
    return dy * pieces_odd(&swish_slope_pieces, 5, z, 18.9f);
#else
    vec s;
    const vec slope = vec_sigmoid_slope(z, &s);
    return dy * (s + z * slope);
#endif
}
static void swish_forward(FORWARD_ARGUMENTS)
{
    if (a->alpha == 1)
        map_forward(1, rows * cols, x, y, silu_value);
    else
        map_forward(a->alpha, rows * cols, x, y, swish_value);
}
static void swish_backward(BACKWARD_ARGUMENTS)
{
    (void)y, map_backward(a->alpha, rows * cols, x, dy, dx, swish_gradient);
}

VECTOR_INLINE vec gelu_value(float alpha, vec x) { return (void)alpha, vec_gelu(x); }
VECTOR_INLINE vec gelu_gradient(float alpha, vec x, vec dy) { return (void)alpha, dy * vec_gelu_slope(x); }
static void gelu_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, gelu_value); }
static void gelu_backward(BACKWARD_ARGUMENTS)
{
    (void)y, map_backward(a->alpha, rows * cols, x, dy, dx, gelu_gradient);
}

/* The tanh form of GELU is x sigmoid(z) with z = x (A + B x^2). In the tail z is large, and its error is the result's
 * relative error, so it is kept in two parts: p is A + B x^2 rounded to a grid on which A_HIGH lies too, so that the
 * difference is exact. */
#define GELU_A      1.5957691216057307117597842397375   /* 2 sqrt(2 / pi) */
#define GELU_B      0.071354816272600248516383787679863 /* 0.044715 A */
#define GELU_A_HIGH ((float)0x1.9884p0)
#define GELU_A_LOW  ((float)(GELU_A - 0x1.9884p0))
#define GELU_B_HIGH ((float)0x1.2444eep-4)
#define GELU_B_LOW  ((float)(GELU_B - 0x1.2444eep-4))

VECTOR_INLINE vec gelu_tanh_by_exp(vec x)
{
    const vec bounded = vec_min(vec_set(7), vec_max(vec_set(VEC_BOUND(-10.5f, -28)), x)); /* z in [-100, 36] */
    const vec square = bounded * bounded, square_low = vec_fma(bounded, bounded, -square);
    const vec grid = vec_set((float)0x1.8p4);
    const vec p = (square * GELU_B_HIGH + (grid + GELU_A_HIGH)) - grid;
    const vec p_low = vec_fma(square, vec_set(GELU_B_HIGH), GELU_A_HIGH - p) +
                      (square_low * GELU_B_HIGH + (square * GELU_B_LOW + GELU_A_LOW));
    const vec z = bounded * p, z_low = vec_fma(bounded, p, -z) + bounded * p_low;
    return vec_times_sigmoid(x, z, z_low);
}
VECTOR_INLINE vec gelu_tanh_value(float alpha, vec x)
{
#ifdef FFN__HAS_PIECES
    return (void)alpha, pieces_or_tail(pieces_share(&gelu_tanh_pieces, x, 4.9f), x, -4.9f, gelu_tanh_by_exp);
#else
    return (void)alpha, gelu_tanh_by_exp(x);
#endif
}
VECTOR_INLINE vec gelu_tanh_gradient(float alpha, vec x, vec dy)
{
    (void)alpha;
#ifdef FFN__HAS_PIECES
    return dy * pieces_odd(&gelu_tanh_slope_pieces, 4, x, 5.9f);
#else
    const float limit = VEC_BOUND(12, 28);
    const vec bounded = vec_min(vec_set(limit), vec_max(vec_set(-limit), x)), square = bounded * bounded;
    vec s;
    const vec slope = vec_sigmoid_slope(bounded * ((float)GELU_A + (float)GELU_B * square), &s);
    return dy * (s + bounded * ((float)GELU_A + (float)(3 * GELU_B) * square) * slope);
#endif
}
static void gelu_tanh_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, gelu_tanh_value); }
static void gelu_tanh_backward(BACKWARD_ARGUMENTS)
{
    (void)y, map_backward(a->alpha, rows * cols, x, dy, dx, gelu_tanh_gradient);
}

VECTOR_INLINE vec mish_value(float alpha, vec x) { return (void)alpha, vec_mish(x); }
VECTOR_INLINE vec mish_gradient(float alpha, vec x, vec dy) { return (void)alpha, dy * vec_mish_slope(x); }
static void mish_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, mish_value); }
static void mish_backward(BACKWARD_ARGUMENTS)
{
    (void)y, map_backward(a->alpha, rows * cols, x, dy, dx, mish_gradient);
}

/* 1/6, and what its rounding loses */
#define SIXTH     ((float)(1.0 / 6))
#define SIXTH_LOW ((float)(1.0 / 6 - (double)(float)(1.0 / 6)))

/* clip(x / 6 + 1/2, 0, 1), rounded; *rest is what that loses. It is taken from the nearer end, 0 or 1, since all digits of
 * small values are there. */
VECTOR_INLINE vec hard_sigmoid(vec x, vec *rest)
{
    const vec size = vec_min(vec_set(3), vec_abs(x)), to_end = 3 - size, low = (3 - to_end) - size;
    const ivec upper = x > 0;
    const vec end = vec_select(upper, vec_set(1), vec_set(0)),
              sixth = vec_select(upper, vec_set(-SIXTH), vec_set(SIXTH));
    const vec y = vec_fma(to_end, sixth, end);
    const vec lost = vec_fma(to_end, sixth, end - y),
              sixth_low = vec_select(upper, vec_set(-SIXTH_LOW), vec_set(SIXTH_LOW));
    *rest = to_end * sixth_low + (low * sixth + lost);
    return y;
}
VECTOR_INLINE vec hard_swish_value(float alpha, vec x)
{
    vec rest;
    const vec share = hard_sigmoid(x, &rest), y = vec_fma(x, share, vec_min(vec_set(3), x) * rest);
    return (void)alpha, vec_select(x <= -3, vec_set(0), vec_copysign(y, x)); /* -0 * rest may be 0 */
}
VECTOR_INLINE vec hard_swish_gradient(float alpha, vec x, vec dy)
{
    const vec bounded = vec_min(vec_set(3), vec_max(vec_set(-3), x));
    const vec slope = bounded * ((float)1 / 3) + (float)0.5;
    return (void)alpha, vec_select(x <= -3, vec_set(0), vec_select(x >= 3, dy, slope * dy));
}
static void hard_swish_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, hard_swish_value); }
static void hard_swish_backward(BACKWARD_ARGUMENTS)
{
    (void)y, map_backward(a->alpha, rows * cols, x, dy, dx, hard_swish_gradient);
}

/* ---- other sigmoids and softplus --------------------------------------------------------------------------------- */

VECTOR_INLINE vec hard_sigmoid_value(float alpha, vec x)
{
    vec rest;
    const vec y = hard_sigmoid(x, &rest);
    return (void)alpha, y + rest;
}
VECTOR_INLINE vec hard_sigmoid_gradient(float alpha, vec y, vec dy)
{
    return (void)alpha, vec_select((y <= 0) | (y >= 1), vec_set(0), dy * ((float)1 / 6));
}
static void hard_sigmoid_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, hard_sigmoid_value); }
static void hard_sigmoid_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, hard_sigmoid_gradient);
}

VECTOR_INLINE vec softplus_value(float alpha, vec x) { return (void)alpha, vec_softplus(x); }
VECTOR_INLINE vec softplus_gradient(float alpha, vec y, vec dy)
{
    return (void)alpha, dy * -vec_expm1_negative(-y); /* 1 - e^-y is sigmoid(x) */
}
static void softplus_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, softplus_value); }
static void softplus_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, softplus_gradient);
}

VECTOR_INLINE vec softsign_value(float alpha, vec x)
{
    const vec bounded = vec_min(vec_set(FLT_MAX), vec_max(vec_set(-FLT_MAX), x)), size = vec_abs(bounded);
    const vec sum = 1 + size,
              low = vec_min(vec_set(1), size) - (sum - vec_max(vec_set(1), size)); /* sum's rounding error */
    const vec quotient = bounded / sum;
    return (void)alpha,
           vec_copysign(quotient - quotient * (low * (1 - vec_abs(quotient))), x); /* 1 - |quotient| is about 1 / sum */
}
VECTOR_INLINE vec softsign_gradient(float alpha, vec y, vec dy)
{
    const vec root = 1 - vec_abs(y); /* 1 / (1 + |x|) */
    return (void)alpha, dy * (root * root);
}
static void softsign_forward(FORWARD_ARGUMENTS) { map_forward(a->alpha, rows * cols, x, y, softsign_value); }
static void softsign_backward(BACKWARD_ARGUMENTS)
{
    (void)x, map_backward(a->alpha, rows * cols, y, dy, dx, softsign_gradient);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Gains. HE keeps the variance through what is near 0 on one side and near x on the other: the rectifiers and their
 * smooth forms; softplus too, which is such a form although its mean is not 0. LECUN is what self-normalization by SELU
 * was derived for. GLOROT is for what is about linear at 0 and bounded, and for outputs. */
#define OPS(kind) .name = #kind, .forward = kind##_forward, .backward = kind##_backward

const ffn__activation_table
    FFN__ISA_NAME(ffn__activations) =
        {
            .kinds =
                {
                    [FFN__linear] = {OPS(linear)},
                    [FFN__sigmoid] = {OPS(sigmoid), .fuses = FFN_LOSS_OF_SIGMOID_LOGITS},
                    [FFN__tanh] = {OPS(tanh)},
                    [FFN__relu] = {OPS(relu), .gain = FFN_GAIN_HE},
                    [FFN__leaky_relu] = {OPS(leaky_relu), .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE},
                    [FFN__prelu] = {OPS(prelu), .alpha_low = -FLT_MAX, .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE,
                                    .needs_input = true, .slope_gradient = prelu_slope_gradient},
                    [FFN__prelu_per_unit] = {.name = "prelu_per_unit",
                                             .forward = prelu_forward,
                                             .backward = prelu_backward,
                                             .alpha_low = -FLT_MAX,
                                             .alpha_high = FLT_MAX,
                                             .gain = FFN_GAIN_HE,
                                             .needs_input = true,
                                             .slope_gradient = prelu_slope_gradient},
                    [FFN__elu] = {OPS(elu), .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE},
                    [FFN__selu] = {OPS(selu), .gain = FFN_GAIN_LECUN},
                    [FFN__softmax] = {OPS(softmax), .over_rows = true, .fuses = FFN_LOSS_OF_SOFTMAX_LOGITS},
                    [FFN__log_softmax] = {OPS(log_softmax), .over_rows = true},
                    [FFN__swish] = {OPS(swish), .alpha_low = -FLT_MAX, .alpha_high = FLT_MAX, .gain = FFN_GAIN_HE,
                                    .needs_input = true},
                    [FFN__gelu] = {OPS(gelu), .gain = FFN_GAIN_HE, .needs_input = true},
                    [FFN__gelu_tanh] = {OPS(gelu_tanh), .gain = FFN_GAIN_HE, .needs_input = true},
                    [FFN__softplus] = {OPS(softplus), .gain = FFN_GAIN_HE},
                    [FFN__softsign] = {OPS(softsign)},
                    [FFN__mish] = {OPS(mish), .gain = FFN_GAIN_HE, .needs_input = true},
                    [FFN__hard_sigmoid] = {OPS(hard_sigmoid)},
                    [FFN__hard_swish] = {OPS(hard_swish), .gain = FFN_GAIN_HE, .needs_input = true},
                },
};
