/* Elementary functions on vectors, for the *_kernels.c sources. The polynomials are minimax fits made for this file, in
 * the sense named at each. Errors are in units of the last place over all floats, in round-to-nearest; an infinite
 * argument gives the exact limit and NaN gives NaN. A result below FLT_MIN may be off by up to FLT_MIN. The double
 * build, whose subject is formulas and not their last bit, takes the functions from libm. */
#ifndef FFN__VECTOR_MATH_H
#define FFN__VECTOR_MATH_H

#include "tensor/pieces_tables.h"
#include "tensor/vector.h"
#include <float.h>
#include <math.h>

VECTOR_INLINE vec vec_copysign(vec magnitude, vec sign)
{
    const ivec bit = (ivec)vec_set(-(float)0);
    return (vec)(((ivec)magnitude & ~bit) | ((ivec)sign & bit));
}

#ifdef FFN_DOUBLE

/* A bound that follows from where the type underflows or rounds to 1: for float, and for the double build. */
#define VEC_BOUND(single, wide) ((float)(wide))

VECTOR_INLINE vec vec_by_lane(vec x, double (*function)(double))
{
    for (int i = 0; i < VL; i++) x[i] = function(x[i]);
    return x;
}

VECTOR_INLINE double softplus_lane(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
VECTOR_INLINE double mish_lane(double x) { return x < -1000 ? 0 : x * tanh(softplus_lane(x)); }
VECTOR_INLINE double gelu_lane(double x) { return x < -1000 ? 0 : x * erfc(x * -0.70710678118654752440) / 2; }
VECTOR_INLINE double normal_density_lane(double x) { return exp(x * x / -2) * 0.39894228040143267794; }

VECTOR_INLINE vec vec_exp(vec x) { return vec_by_lane(x, exp); }
VECTOR_INLINE vec vec_exp_sum(vec x, vec low) { return vec_select(x < -740, vec_set(0), vec_by_lane(x + low, exp)); }
VECTOR_INLINE vec vec_expm1_negative(vec x) { return vec_by_lane(x, expm1); }
VECTOR_INLINE vec vec_scaled_expm1_negative(vec x, double alpha) { return alpha * vec_by_lane(x, expm1); }
VECTOR_INLINE vec vec_tanh(vec x) { return vec_by_lane(x, tanh); }
VECTOR_INLINE vec vec_softplus(vec x) { return vec_by_lane(x, softplus_lane); }
VECTOR_INLINE vec vec_mish(vec x) { return vec_by_lane(x, mish_lane); }
VECTOR_INLINE vec vec_gelu(vec x) { return vec_by_lane(x, gelu_lane); }
VECTOR_INLINE vec vec_sigmoid(vec x) { return 1 / (1 + vec_exp(-x)); }
VECTOR_INLINE vec vec_sigmoid_slope(vec x, vec *s)
{
    *s = vec_sigmoid(x);
    return *s * vec_sigmoid(-x);
}

/* For negative z by halves of e^z, so that x, however large, meets no factor that has vanished before the product does.
 * At z <= -1491 the product is below DBL_MIN for any finite x, and 0 also for an infinite one. */
VECTOR_INLINE double times_sigmoid_lane(double x, double z)
{
    const double half = exp(-fabs(z) / 2);
    if (z > 0) return x / (1 + half * half);
    return z <= -1491 ? 0 : x * half * (half / (1 + half * half));
}

VECTOR_INLINE vec vec_times_sigmoid(vec x, vec z, vec z_low)
{
    for (int i = 0; i < VL; i++) x[i] = times_sigmoid_lane(x[i], z[i] + z_low[i]);
    return x;
}

VECTOR_INLINE vec vec_gelu_slope(vec x)
{
    vec slope;
    for (int i = 0; i < VL; i++)
        slope[i] = erfc(x[i] * -0.70710678118654752440) / 2 + fmin(fmax(x[i], -100), 100) * normal_density_lane(x[i]);
    return slope;
}

VECTOR_INLINE vec vec_mish_slope(vec x)
{
    vec slope;
    for (int i = 0; i < VL; i++) {
        const double bounded = fmin(fmax(x[i], -700), 700), t = tanh(softplus_lane(bounded));
        slope[i] = isnan(x[i]) ? x[i] : t + bounded * (1 - t * t) / (1 + exp(-bounded));
    }
    return slope;
}

VECTOR_INLINE vec vec_fma(vec a, vec b, vec c) { return a * b + c; }
VECTOR_INLINE vec vec_exp_scaled(vec x, uvec power) { return (void)power, vec_by_lane(x, exp); }
VECTOR_INLINE uvec vec_exp_power(vec x) { return (void)x, (uvec){0}; }

#else

#define VEC_BOUND(single, wide) (single)

/* a b + c with one rounding, also where the processor has no such instruction: there by way of double, in which the
 * product is exact. Plain a * b + c is enough where the product's rounding does not matter. */
VECTOR_INLINE vec vec_fma(vec a, vec b, vec c)
{
#if defined(__FMA__) && defined(FFN__X86)
    return (vec)FFN__X86(fmadd_ps)(a, b, c);
#elif defined(__FP_FAST_FMAF)
    for (int i = 0; i < VL; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    typedef double doubles __attribute__((vector_size(VL * sizeof(double))));
    return __builtin_convertvector(__builtin_convertvector(a, doubles) * __builtin_convertvector(b, doubles) +
                                       __builtin_convertvector(c, doubles),
                                   vec);
#endif
}

/* c[0] + c[1] x + ... + c[degree] x^degree, degree >= 1; the last step is rounded once */
VECTOR_INLINE vec vec_polynomial(vec x, int degree, const float *c)
{
    vec sum = vec_set(c[degree]);
    for (int i = degree - 1; i > 0; i--) sum = sum * x + c[i];
    return vec_fma(sum, x, vec_set(c[0]));
}

/* ---- exponential ------------------------------------------------------------------------------------------------ */

/* Adding it rounds a number below 2^22 to an integer k, which then stands in the sum's low bits. */
#define VEC_ROUNDER ((float)0x1.8p23)

/* The logarithm of FLT_MIN. Functions whose result is smaller below it give 0 there: processors take a hundred cycles
 * for a result that is not normal. */
#define VEC_LOG_MIN -87.3365479f

/* r, |r| <= ln 2 / 2, and k + VEC_ROUNDER with e^(x + low) = 2^k e^r, for |x| <= 1000 and a small low */
VECTOR_INLINE vec vec_exp_reduce(vec x, vec low, vec *rounded)
{
    *rounded = x * 1.44269504f + VEC_ROUNDER;
    const vec k = *rounded - VEC_ROUNDER;
    return (x - k * 0.693145752f) - (k * 1.42860677e-6f - low); /* ln 2 in parts: k times the first is exact */
}

/* (e^r - 1 - r) / r^2, good to 2^-28 of e^r when multiplied by r^2; in pairs, for latency */
VECTOR_INLINE vec vec_exp_rest(vec r)
{
    static const float q[] = {0.5f, 0.166665152f, 0.0416663773f, 0.00836939365f, 0.00139429222f};
    const vec square = r * r;
    return ((q[3] * r + q[2]) + q[4] * square) * square + (q[1] * r + q[0]);
}

/* The same with e^(x + low) = 2^k (1 + t); returns t, good to 2^-26. */
VECTOR_INLINE vec vec_exp_split(vec x, vec low, vec *rounded)
{
    const vec r = vec_exp_reduce(x, low, rounded);
    return vec_fma(r * r, vec_exp_rest(r), r);
}

/* 2^k for an integer k in [-126, 127], from k + VEC_ROUNDER */
VECTOR_INLINE vec vec_power_of_two(vec rounded) { return (vec)(((uvec)rounded << 23) + (uvec)vec_set(1)); }

/* x 2^k for an integer k in [-126, 127] */
VECTOR_INLINE vec vec_scale(vec x, vec k)
{
#if VL == 16
    return (vec)_mm512_scalef_ps(x, k);
#else
    return x * vec_power_of_two(k + VEC_ROUNDER);
#endif
}

/* e^(x + low) for x <= 88 and a small low, 0.9 ulp; x below VEC_LOG_MIN gives 0, whatever low is. */
VECTOR_INLINE vec vec_exp_sum(vec x, vec low)
{
    vec rounded;
    const vec r = vec_exp_reduce(vec_max(vec_set(VEC_LOG_MIN), x), low, &rounded);
    const vec sum = 1 + r, sum_low = (1 - sum) + r; /* r goes in whole: by way of vec_exp_split it would be 1.04 ulp */
    const vec e = sum + vec_fma(r * r, vec_exp_rest(r), sum_low);
    return vec_select(x < VEC_LOG_MIN, vec_set(0), e * vec_power_of_two(rounded));
}

VECTOR_INLINE vec vec_exp(vec x) { return vec_exp_sum(x, vec_set(0)); }

/* k + VEC_ROUNDER, r and v with e^x = 2^k (1 + r + v): r is exact but for what v, good to 2^-28 of e^r, makes up for. */
VECTOR_INLINE vec vec_exp_parts(vec x, vec *rounded, vec *v)
{
    /* (e^r - 1 - r - r^2 / 2) / r^3, relative to r^2 */
    static const float q[] = {0.166666672f, 0.0416664891f, 0.00833320804f, 0.00139326858f, 0.000199442555f};
    *rounded = x * 1.44269504f + VEC_ROUNDER;
    const vec k = *rounded - VEC_ROUNDER, high = x - k * 0.693145752f, r = high - k * 1.42860677e-6f;
    const vec low = (high - r) - k * 1.42860677e-6f, square = r * r;
    const vec rest = ((q[3] * r + q[2]) + q[4] * square) * square + (q[1] * r + q[0]);
    *v = vec_fma(0.5f * r, r, (r * square) * rest + low);
    return r;
}

/* 2^-K e^x for |x| <= 256, 0.65 ulp, where power is -K << 23 and the result is at least FLT_MIN */
VECTOR_INLINE vec vec_exp_scaled_by_parts(vec x, uvec power)
{
    vec rounded, v;
    const vec r = vec_exp_parts(x, &rounded, &v), sum = 1 + r, low = (1 - sum) + r;
    return (sum + (v + low)) * (vec)(((uvec)rounded << 23) + (uvec)vec_set(1) + power);
}

/* e^x - 1 for x <= 0, 0.7 ulp; no meaning above 0. */
VECTOR_INLINE vec vec_expm1_negative_by_parts(vec x)
{
    vec rounded, v;
    const vec r = vec_exp_parts(vec_max(vec_set(-30), x), &rounded, &v), power = vec_power_of_two(rounded);
    const vec sum = power * r + (power - 1), low = ((power - 1) - sum) + power * r;
    return sum + (power * v + low);
}

/* alpha times it, 1.3 ulp */
VECTOR_INLINE vec vec_scaled_expm1_negative(vec x, float alpha)
{
    vec rounded;
    const vec r = vec_exp_reduce(vec_max(vec_set(-30), x), vec_set(0), &rounded), power = vec_power_of_two(rounded);
    return alpha * (power - 1) + power * vec_fma(vec_set(alpha), r, alpha * (r * r * vec_exp_rest(r)));
}

/* ---- logistic family --------------------------------------------------------------------------------------------- */

/* q near 1 / (1 + p (1 + t)), and in *error by how much q (1 + p (1 + t)) falls short of 1, for p a power of two: q p
 * is exact then, and for p <= 1 so is all but the last step. */
VECTOR_INLINE vec vec_logistic(vec p, vec t, vec *error)
{
#if VL == 16
    const vec q = (vec)_mm512_rcp14_ps((1 + p) + p * t);
#else
    const vec q = 1 / ((1 + p) + p * t);
#endif
    const vec qp = q * p;
    *error = ((1 - q) - qp) - qp * t;
    return q;
}

/* 1 / (1 + e^-x), 1.4 ulp */
VECTOR_INLINE vec vec_sigmoid_by_exp(vec x)
{
    vec rounded;
    const vec t = vec_exp_split(-vec_min(vec_set(40), vec_max(vec_set(VEC_LOG_MIN), x)), vec_set(0), &rounded);
    vec error;
    const vec q = vec_logistic(vec_power_of_two(rounded), t, &error);
    return vec_select(x < VEC_LOG_MIN, vec_set(0), q + q * error);
}

/* s = 1 / (1 + e^-x) and its derivative s (1 - s), each within 1.5e-7 of itself; |x| >= 87 gives s 0 or 1, derivative
 * 0. */
VECTOR_INLINE vec vec_sigmoid_slope(vec x, vec *s)
{
    const vec a = vec_min(vec_set(87), vec_abs(x));
    vec rounded;
    const vec t = vec_exp_split(-a, vec_set(0), &rounded), power = vec_power_of_two(rounded);
    const vec e = vec_select(a >= 87, vec_set(0), power + power * t), above = 1 / (1 + e), below = e * above;
    *s = vec_select(x < 0, below, above);
    return below * above;
}

/* x / (1 + e^-(z + z_low)) for z in [-101, 41], 1.9 ulp; at z < -92, where no usual x gives FLT_MIN, it is 0. */
VECTOR_INLINE vec vec_times_sigmoid(vec x, vec z, vec z_low)
{
    vec rounded, error;
    const vec t = vec_exp_split(-z, -z_low, &rounded);
    /* Beyond k = 64 the 1 in the sum does not matter, and 2^-(k - 64) can scale the result instead. */
    const vec near = vec_min(vec_set(VEC_ROUNDER + 64), rounded);
    const vec q = vec_logistic(vec_power_of_two(near), t, &error),
              rounding = (1 - (1 - q)) - q; /* of 1 - q, for small q */
    return vec_scale(vec_select(z < -92, vec_set(0), x * (q + q * (error + rounding))), near - rounded);
}

/* 0.9 ulp */
VECTOR_INLINE vec vec_tanh_by_exp(vec x)
{
    /* (tanh a / a - 1) / a^2 in a^2, for a <= 0.55 */
    static const float p[] = {-0.333333194f, 0.133326396f, -0.0538573563f, 0.0210909732f, -0.00630007219f};
    const vec a = vec_abs(x), square = x * x;
    const vec near = a + a * square * vec_polynomial(square, 4, p);
    vec rounded, error;
    const vec t = vec_exp_split(-2 * vec_min(vec_set(10), a), vec_set(0), &rounded);
    const vec q = vec_logistic(vec_power_of_two(rounded), t, &error);
    const vec far = (2 * q - 1) + 2 * q * error; /* tanh a = 2 / (1 + e^-2a) - 1, of which the first part is exact */
    return vec_copysign(vec_select(a < 0.549f, near, far), x);
}

/* log(1 + e^x) = log(1 + u), 1.2 ulp. What u loses in rounding counts 1 / (1 + u), about 1 - u / 2. */
VECTOR_INLINE vec vec_softplus_by_exp(vec x)
{
    /* (log(1 + u) - u + u^2 / 2) / u^3 for u in [0, 1], weighted by u^3 / log(1 + u) */
    static const float q[] = {0.333330929f,   -0.249933124f, 0.199263275f,   -0.162282839f, 0.126791909f,
                              -0.0859110653f, 0.04429074f,   -0.0146781271f, 0.00227548345f};
    vec rounded;
    const vec t = vec_exp_split(vec_max(vec_set(VEC_LOG_MIN), -vec_abs(x)), vec_set(0), &rounded);
    const vec power = vec_power_of_two(rounded), rest = power * t, u = power + rest, low = (power - u) + rest;
    const vec square = vec_fma(-0.5f * u, u, u), square_low = vec_fma(-0.5f * u, u, u - square);
    const vec ratio = vec_fma(vec_polynomial(u, 7, q + 1), u, vec_set(q[0])); /* one more step that is rounded once */
    const vec rise = vec_fma(u * u * u, ratio, low * (1 - 0.5f * u) + square_low);
    const vec log1p = square + rise, log1p_low = (square - log1p) + rise;
    return vec_select(x < VEC_LOG_MIN, vec_set(0), (vec_max(vec_set(0), x) + log1p_low) + log1p);
}

/* x tanh(log(1 + e^x)) = x (1 - 2 / d) with d = e^x (e^x + 2) + 2, which for negative x is x e^x (1 - e^x (1 + e^x) /
 * d); 2.7 ulp */
VECTOR_INLINE vec vec_mish_by_exp(vec x)
{
    const vec bounded = vec_min(vec_set(20), vec_max(vec_set(-100), x));
    const ivec negative = x < -0.25f;
    vec rounded;
    const vec t = vec_exp_split(bounded, vec_set(0), &rounded);
    const vec near = vec_max(vec_set(VEC_ROUNDER - 60), rounded); /* as in vec_times_sigmoid */
    const vec power = vec_power_of_two(near), e = power + power * t, exact = bounded * power;
    const vec fraction = vec_select(negative, -e * (1 + e), -2 * bounded) / vec_fma(e, e + 2, vec_set(2));
    const vec below = vec_fma(exact, t + (fraction + fraction * t), exact);
    const vec y = vec_select(negative, vec_select(x < -92, vec_set(0), below), x + fraction);
    return vec_copysign(vec_scale(y, rounded - near), x);
}

/* df/dx of mish, within 2.5e-7 */
VECTOR_INLINE vec vec_mish_slope(vec x)
{
    vec rounded;
    const vec low = vec_max(vec_set(-87), x), bounded = vec_min(vec_set(20), low);
    const vec t = vec_exp_split(bounded, vec_set(0), &rounded), power = vec_power_of_two(rounded);
    const vec e = vec_select(x < -87, vec_set(0), power + power * t), n = e * (e + 2), inverse = 1 / (n + 2);
    return inverse * (n + 4 * bounded * e * (1 + e) * inverse);
}

/* ---- normal distribution ----------------------------------------------------------------------------------------- */

/* x Phi(x) for |x| >= 0.7, 1.9 ulp */
VECTOR_INLINE vec vec_gelu_far(vec x)
{
    /* a Phi(-a) e^(a^2 / 2) in (a - 1.5) / (a + 3), for a in [0.7, 13.2], relative */
    static const float tail[] = {0.308670998f,  0.316681832f,  -0.442510456f, 0.296522379f,   -0.0625115782f,
                                 -0.036338374f, 0.0133234914f, 0.0104409223f, -0.00535341864f};
    const vec a = vec_min(vec_set(13.2f), vec_abs(x)), square = a * a;
    const vec half = square * 0.5f, half_low = vec_fma(a * 0.5f, a, -half);
    vec rounded;
    const vec t = vec_exp_split(-half, -half_low, &rounded);
    const vec u = (a - 1.5f) / (a + 3),
              rise = u * vec_polynomial(u, 7, tail + 1); /* tail[0] + rise is the fit's value */
    const vec m = tail[0] + (tail[0] * t + (rise + rise * t));
    const vec below = vec_select(a < 13.2f, m * vec_power_of_two(rounded), a - a); /* a - a: 0 or NaN */
    return vec_max(vec_set(0), x) - below;
}

/* x Phi(x), 1.9 ulp */
VECTOR_INLINE vec vec_gelu_by_exp(vec x)
{
    /* (Phi(a) - 1/2) / a in a^2, weighted by a^2, for a <= 0.7 */
    static const float centre[] = {0.398942262f, -0.0664899424f, 0.00997021515f, -0.0011762745f, 9.89131586e-05f};
    const vec a = vec_min(vec_set(13.2f), vec_abs(x)), square = a * a;
    const vec near = vec_copysign(vec_fma(square, vec_polynomial(square, 4, centre), 0.5f * x), x);
    return vec_select(a < 0.7f, near, vec_gelu_far(x));
}

/* Phi(x) + x phi(x), within 2.5e-7 */
VECTOR_INLINE vec vec_gelu_slope_by_exp(vec x)
{
    /* (Phi(-a) - a phi(a)) e^(a^2 / 2) in a, weighted by e^(-a^2 / 2) */
    static const float n[] = {0.49999994f,     -0.797878981f,    0.249918237f,   -0.132518739f,
                              0.0611639023f,   -0.0243235677f,   0.00794569496f, -0.00197717268f,
                              0.000340354833f, -3.52895695e-05f, 1.63624566e-06f};
    const vec a = vec_min(vec_set(6.2f), vec_abs(x));
    vec rounded;
    const vec t = vec_exp_split(a * a * -0.5f, vec_set(0), &rounded), power = vec_power_of_two(rounded);
    const vec below = vec_select(a < 6.2f, (power + power * t) * vec_polynomial(a, 10, n), a - a);
    return vec_select(x > 0, 1 - below, below);
}

/* ---- by tables, or else by exponentials --------------------------------------------------------------------------- */

#ifdef FFN__HAS_PIECES

VECTOR_INLINE vec vec_tanh(vec x)
{
    const vec a = vec_min(vec_set(9.2f), vec_abs(x));
    return vec_copysign(vec_min(a, vec_set(1)) + pieces_value(&tanh_pieces, 6, a), x);
}

VECTOR_INLINE vec vec_sigmoid(vec x)
{
    const vec below = pieces_value(&sigmoid_pieces, 6, vec_min(vec_set(25), vec_abs(x)));
    return pieces_or_tail(vec_select(x > 0, 1 - below, below), x, -25, vec_sigmoid_by_exp);
}

VECTOR_INLINE vec vec_softplus(vec x)
{
    const vec rest = pieces_value(&softplus_pieces, 6, vec_min(vec_set(25), vec_abs(x)));
    return pieces_or_tail(vec_max(vec_set(0), x) + rest, x, -25, vec_softplus_by_exp);
}

VECTOR_INLINE vec vec_gelu(vec x)
{
    return pieces_or_tail(pieces_share(&gelu_pieces, x, 5.4f), x, -5.4f, vec_gelu_far);
}
VECTOR_INLINE vec vec_gelu_slope(vec x) { return pieces_odd(&gelu_slope_pieces, 4, x, 5.9f); }

VECTOR_INLINE vec vec_mish(vec x)
{
    const vec bounded = vec_min(vec_set(9.6f), vec_max(vec_set(-9.3f), x));
    const pieces_place at = pieces_find(&mish_pieces, bounded);
    const vec rest = (bounded * at.t) * pieces_terms(&mish_pieces, 6, 1, at);
    const vec near = vec_fma(x, pieces_look_up(mish_pieces.coefficient[0], at.i), rest);
    return pieces_or_tail(vec_copysign(near, x), x, -9.2f, vec_mish_by_exp); /* at -0 rest may be 0 */
}

/* e^x - 1 for x <= 0, 0.6 ulp; no meaning above 0. */
VECTOR_INLINE vec vec_expm1_negative(vec x)
{
    /* (e^t - 1 - t) / t^2, in the sense of the whole */
    static const float q[] = {0.5f, 0.166666418f, 0.0416644774f, 0.00833385438f, 0.00140892877f, 0.000200925962f};
    const vec bounded = vec_max(vec_set(-17.5f), x);
    const ivec i = (ivec)((uvec)vec_min(vec_set(-0.125f), bounded) >> 21);
    const vec t = bounded - pieces_look_up(expm1_table.centre, i);
    const vec growth = vec_fma(t * t, vec_polynomial(t, 5, q), t);
    return vec_fma(growth, pieces_look_up(expm1_table.slope, i), pieces_look_up(expm1_table.value, i));
}

/* 2^-K e^x for |x| <= 256, 0.51 ulp, where power is -K << 23 and the result is at least FLT_MIN */
VECTOR_INLINE vec vec_exp_scaled(vec x, uvec power)
{
    const vec rounded = x * 46.1662407f + VEC_ROUNDER, m = rounded - VEC_ROUNDER;
    const vec r =
        vec_fma(m, vec_set(5.95204441e-11f), vec_fma(m, vec_set(-0.0216608495f), x)); /* m ln 2 / 32 in parts */
    const ivec i = (ivec)rounded;
    const vec scale = (vec)(((uvec)i << 18) + (uvec)pieces_look_up((const float *)exp_table.step, i) + power);
    const vec ratio = (r * 0.166666672f + 0.5f) * r + 1; /* (e^r - 1) / r */
    return vec_fma(scale, vec_fma(r, ratio, pieces_look_up(exp_table.rest, i)), scale);
}

/* the power that makes e^x a number from 2 up to 4 */
VECTOR_INLINE uvec vec_exp_power(vec x)
{
    return 0x800000U - (((uvec)(x * 46.1662407f + VEC_ROUNDER) << 18) & 0xff800000U);
}

#else

VECTOR_INLINE vec vec_tanh(vec x) { return vec_tanh_by_exp(x); }
VECTOR_INLINE vec vec_sigmoid(vec x) { return vec_sigmoid_by_exp(x); }
VECTOR_INLINE vec vec_softplus(vec x) { return vec_softplus_by_exp(x); }
VECTOR_INLINE vec vec_gelu(vec x) { return vec_gelu_by_exp(x); }
VECTOR_INLINE vec vec_gelu_slope(vec x) { return vec_gelu_slope_by_exp(x); }
VECTOR_INLINE vec vec_mish(vec x) { return vec_mish_by_exp(x); }
VECTOR_INLINE vec vec_expm1_negative(vec x) { return vec_expm1_negative_by_parts(x); }
VECTOR_INLINE vec vec_exp_scaled(vec x, uvec power) { return vec_exp_scaled_by_parts(x, power); }

/* the power that makes e^x a number from 1.4 up to 2.9 */
VECTOR_INLINE uvec vec_exp_power(vec x) { return 0x800000U - ((uvec)(x * 1.44269504f + VEC_ROUNDER) << 23); }

#endif

#endif

#endif
