/* The built-in losses, elementwise ones first. Every element passes through the same code of LANES elements at once, a
 * remainder padded to LANES, so its bits do not depend on its place; sums are in double, lane by lane, in fixed order.
 */
#include "loss/kinds.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LANES = 16 };
#define INLINE static inline __attribute__((always_inline))

/* Loads min(count, LANES) elements, the rest is `pad`. */
INLINE void load(size_t count, const float *from, float pad, float *to)
{
    if (count >= LANES) {
        memcpy(to, from, LANES * sizeof *to);
        return;
    }
    for (size_t j = 0; j < LANES; j++) to[j] = j < count ? from[j] : pad;
}

INLINE void store(size_t count, const float *from, float *to)
{
    memcpy(to, from, (count >= LANES ? LANES : count) * sizeof *to);
}

INLINE double total(const double *lanes)
{
    double sum = 0;
    for (size_t j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

/* ---- elementwise losses ------------------------------------------------------------------------------------------ */

/* value[j] and its derivative d[j] for output y[j] and target t[j], j < LANES */
typedef void element_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d);

/* The sum over n elements, and dy = scale d unless dy is NULL. `rule` is inlined. */
INLINE double each(const ffn_loss *loss, size_t n, const float *y, const float *t, float *dy, double scale,
                   element_rule *rule)
{
    double sums[LANES] = {0};
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES], out[LANES];
        double value[LANES], d[LANES];
        load(n - i, y + i, 0, a);
        load(n - i, t + i, 0, b);
        rule(loss, a, b, value, d);
        for (size_t j = 0; j < LANES; j++) out[j] = (float)(scale * d[j]);
        if (dy) store(n - i, out, dy + i);
        if (n - i < LANES)
            for (size_t j = n - i; j < LANES; j++) value[j] = 0;
        for (size_t j = 0; j < LANES; j++) sums[j] += value[j];
    }
    return total(sums);
}

/* Sign of e, which keeps 0 and NaN. */
INLINE double sign(double e) { return e > 0 ? 1.0 : e < 0 ? -1.0 : e; }

INLINE void mse_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    (void)loss;
    for (size_t j = 0; j < LANES; j++) {
        const double e = (double)y[j] - (double)t[j];
        value[j] = e * e;
        d[j] = 2 * e;
    }
}

INLINE void mae_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    (void)loss;
    for (size_t j = 0; j < LANES; j++) {
        const double e = (double)y[j] - (double)t[j];
        value[j] = fabs(e);
        d[j] = sign(e);
    }
}

INLINE void huber_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    const double delta = (double)loss->delta;
    for (size_t j = 0; j < LANES; j++) {
        const double e = (double)y[j] - (double)t[j], near = 0.5 * e * e, far = delta * (fabs(e) - 0.5 * delta);
        value[j] = fabs(e) <= delta ? near : far;
        d[j] = fabs(e) <= delta ? e : delta * sign(e);
    }
}

INLINE void smooth_l1_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    const double beta = (double)loss->delta, inverse = beta > 0 ? 1 / beta : 0;
    for (size_t j = 0; j < LANES; j++) {
        const double e = (double)y[j] - (double)t[j], near = 0.5 * e * e * inverse, far = fabs(e) - 0.5 * beta;
        value[j] = fabs(e) < beta ? near : far;
        d[j] = fabs(e) < beta ? e * inverse : sign(e);
    }
}

/* p t softplus(-x) + (1 - t) softplus(x), where softplus(x) = max(x, 0) + log(1 + e^-|x|): no term cancels another, as
 * they do in the shorter form (1 - t) x + (1 + (p - 1) t) softplus(-x). */
INLINE void binary_cross_entropy_rule(const ffn_loss *loss, const float *x, const float *t, double *value, double *d)
{
    const float smoothing = loss->label_smoothing, p = loss->positive_weight > 0 ? loss->positive_weight : 1;
    float e[LANES], tail[LANES];
    for (size_t j = 0; j < LANES; j++) e[j] = expf(-fabsf(x[j]));
    for (size_t j = 0; j < LANES; j++) tail[j] = log1pf(e[j]);
    for (size_t j = 0; j < LANES; j++) {
        const double target = (double)t[j] * (1 - (double)smoothing) + 0.5 * (double)smoothing;
        const double up = (double)p * target, down = 1 - target; /* weights of the labels 1 and 0 */
        const double small = (double)e[j] / (1 + (double)e[j]), large = 1 / (1 + (double)e[j]);
        value[j] = (up + down) * (double)tail[j] + (x[j] > 0 ? down : up) * fabs((double)x[j]);
        d[j] = x[j] > 0 ? down * large - up * small : down * small - up * large;
    }
}

INLINE void hinge_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    (void)loss;
    for (size_t j = 0; j < LANES; j++) {
        const double margin = 1 - (double)t[j] * (double)y[j];
        value[j] = margin <= 0 ? 0 : margin; /* NaN stays */
        d[j] = margin > 0 ? -(double)t[j] : value[j];
    }
}

INLINE void kl_divergence_rule(const ffn_loss *loss, const float *y, const float *t, double *value, double *d)
{
    (void)loss;
    for (size_t j = 0; j < LANES; j++) {
        const double p = (double)t[j], q = (double)y[j];
        value[j] = (p == 0 ? 0 : p * log(p)) - p * q;
        d[j] = isnan(q) ? q : -p;
    }
}

#define ELEMENTWISE(name)                                                                                              \
    static double name##_value(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *targets,   \
                               float *dy, double scale)                                                                \
    {                                                                                                                  \
        return each(loss, rows * cols, y, targets, dy, scale, name##_rule);                                            \
    }
ELEMENTWISE(mse)
ELEMENTWISE(mae)
ELEMENTWISE(huber)
ELEMENTWISE(smooth_l1)
ELEMENTWISE(binary_cross_entropy)
ELEMENTWISE(hinge)
ELEMENTWISE(kl_divergence)

/* ---- softmax ------------------------------------------------------------------------------------------------------
 */

/* The largest; the others if one is NaN, which then makes the exponentials' sum NaN. */
static float largest(size_t cols, const float *z)
{
    float best[LANES], x[LANES];
    load(cols, z, -INFINITY, best);
    for (size_t i = LANES; i < cols; i += LANES) {
        load(cols - i, z + i, -INFINITY, x);
        for (size_t j = 0; j < LANES; j++) best[j] = x[j] > best[j] ? x[j] : best[j];
    }
    for (size_t j = 1; j < LANES; j++) best[0] = best[j] > best[0] ? best[j] : best[0];
    return best[0];
}

/* The sum of e[c] = exp(z[c] - top); e may be z, or NULL. */
static double exponentials(size_t cols, const float *z, float top, float *e)
{
    double sums[LANES] = {0};
    for (size_t i = 0; i < cols; i += LANES) {
        float x[LANES];
        load(cols - i, z + i, -INFINITY, x);
        for (size_t j = 0; j < LANES; j++) x[j] = expf(x[j] - top);
        for (size_t j = 0; j < LANES; j++) sums[j] += (double)x[j];
        if (e) store(cols - i, x, e + i);
    }
    return total(sums);
}

static void log_softmax(size_t rows, size_t cols, const float *z, float *y)
{
    for (size_t r = 0; r < rows; r++, z += cols, y += cols) {
        const float top = largest(cols, z);
        const double log_sum = log(exponentials(cols, z, top, NULL));
        for (size_t c = 0; c < cols; c++) y[c] = (float)((double)z[c] - (double)top - log_sum);
    }
}

static void log_softmax_backward(size_t rows, size_t cols, const float *z, float *d)
{
    for (size_t r = 0; r < rows; r++, z += cols, d += cols) {
        const float top = largest(cols, z);
        double sum = 0;
        for (size_t c = 0; c < cols; c++) sum += (double)d[c];
        const double factor = sum / exponentials(cols, z, top, NULL);
        for (size_t c = 0; c < cols; c++) d[c] = (float)((double)d[c] - factor * (double)expf(z[c] - top));
    }
}

/* ---- cross entropies ----------------------------------------------------------------------------------------------
 */

/* For a row's weights q[c] of -log softmax(z)[c], with Q their sum, m the largest logit and s = sum exp(z - m):
 *     value = sum q[c] (log s + m - z[c]),   dz[c] = Q exp(z[c] - m) / s - q[c] */

INLINE double class_weight(const ffn_loss *loss, size_t c)
{
    return loss->class_weights ? (double)loss->class_weights[c] : 1;
}

static bool is_class(float target, size_t cols)
{
    return target >= 0 && (double)target < (double)cols && target == floorf(target);
}

/* One row with all weight on class k. The derivative at k is minus the sum of the others, which does not lose its
 * digits as softmax nears 1. */
static double sharp_row(size_t cols, size_t k, double weight, const float *z, float *dz, double scale)
{
    const float top = largest(cols, z);
    const double distance = (double)top - (double)z[k];
    const double sum = exponentials(cols, z, top, dz);
    if (dz) {
        const double factor = weight * scale / sum;
        const double own = -factor * (sum - (double)dz[k]);
        for (size_t c = 0; c < cols; c++) dz[c] = (float)(factor * (double)dz[c]);
        dz[k] = (float)own;
    }
    return weight * (log(sum) + distance);
}

/* One row with q[c] = class_weight (share t[c] + rest); k < cols adds share to q[k] instead, and t is NULL. */
static double blurred_row(const ffn_loss *loss, size_t cols, size_t k, const float *t, double share, double rest,
                          const float *z, float *dz, double scale)
{
    const float top = largest(cols, z);
    const double sum = exponentials(cols, z, top, NULL);
    double weight = 0, distance = 0;
    for (size_t c = 0; c < cols; c++) {
        const double q = class_weight(loss, c) * ((t ? share * (double)t[c] : c == k ? share : 0) + rest);
        weight += q;
        distance += q * ((double)top - (double)z[c]);
    }
    if (dz) {
        const double factor = weight * scale / sum;
        for (size_t c = 0; c < cols; c++) {
            const double q = class_weight(loss, c) * ((t ? share * (double)t[c] : c == k ? share : 0) + rest);
            dz[c] = (float)(factor * (double)expf(z[c] - top) - scale * q);
        }
    }
    return weight * log(sum) + distance;
}

static double cross_entropy_value(const ffn_loss *loss, size_t rows, size_t cols, const float *z, const float *targets,
                                  float *dz, double scale)
{
    const double share = 1 - (double)loss->label_smoothing, rest = (double)loss->label_smoothing / (double)cols;
    double sum = 0;
    for (size_t r = 0; r < rows; r++, z += cols) {
        float *const row = dz ? dz + r * cols : NULL;
        if (!is_class(targets[r], cols)) {
            sum = (double)NAN;
            for (size_t c = 0; row && c < cols; c++) row[c] = NAN;
            continue;
        }
        const size_t k = (size_t)targets[r];
        sum += rest > 0 ? blurred_row(loss, cols, k, NULL, share, rest, z, row, scale)
                        : sharp_row(cols, k, class_weight(loss, k), z, row, scale);
    }
    return sum;
}

static double cross_entropy_soft_value(const ffn_loss *loss, size_t rows, size_t cols, const float *z,
                                       const float *targets, float *dz, double scale)
{
    const double share = 1 - (double)loss->label_smoothing, rest = (double)loss->label_smoothing / (double)cols;
    double sum = 0;
    for (size_t r = 0; r < rows; r++, z += cols, targets += cols)
        sum += blurred_row(loss, cols, cols, targets, share, rest, z, dz ? dz + r * cols : NULL, scale);
    return sum;
}

/* ---- weights ------------------------------------------------------------------------------------------------------
 */

static double elements(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    (void)loss;
    (void)targets;
    return (double)rows * (double)cols;
}

static double row_count(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    (void)loss;
    (void)cols;
    (void)targets;
    return (double)rows;
}

static double class_weight_sum(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    if (!loss->class_weights) return (double)rows;
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += is_class(targets[r], cols) ? class_weight(loss, (size_t)targets[r]) : (double)NAN;
    return sum;
}

extern const ffn__loss_kernels FFN__ISA_NAME(ffn__loss);
const ffn__loss_kernels FFN__ISA_NAME(ffn__loss) = {
    .kinds =
        {
            [FFN__MSE] = {.name = "mse", .value = mse_value, .weight = elements},
            [FFN__MAE] = {.name = "mae", .value = mae_value, .weight = elements},
            [FFN__HUBER] = {.name = "huber",
                            .delta_low = FLT_MIN,
                            .delta_high = FLT_MAX,
                            .value = huber_value,
                            .weight = elements},
            [FFN__SMOOTH_L1] = {.name = "smooth_l1",
                                .delta_low = 0,
                                .delta_high = FLT_MAX,
                                .value = smooth_l1_value,
                                .weight = elements},
            [FFN__BINARY_CROSS_ENTROPY] = {.name = "binary_cross_entropy",
                                           .domain = FFN_LOSS_OF_SIGMOID_LOGITS,
                                           .target = FFN_TARGET_PROBABILITY,
                                           .smooths = true,
                                           .value = binary_cross_entropy_value,
                                           .weight = elements},
            [FFN__CROSS_ENTROPY] = {.name = "cross_entropy",
                                    .domain = FFN_LOSS_OF_SOFTMAX_LOGITS,
                                    .target = FFN_TARGET_CLASS_INDEX,
                                    .smooths = true,
                                    .weighs = true,
                                    .value = cross_entropy_value,
                                    .weight = class_weight_sum},
            [FFN__CROSS_ENTROPY_SOFT] = {.name = "cross_entropy_soft",
                                         .domain = FFN_LOSS_OF_SOFTMAX_LOGITS,
                                         .target = FFN_TARGET_DISTRIBUTION,
                                         .smooths = true,
                                         .weighs = true,
                                         .value = cross_entropy_soft_value,
                                         .weight = row_count},
            [FFN__KL_DIVERGENCE] = {.name = "kl_divergence",
                                    .domain = FFN_LOSS_OF_LOG_PROBABILITIES,
                                    .target = FFN_TARGET_DISTRIBUTION,
                                    .value = kl_divergence_value,
                                    .weight = row_count},
            [FFN__HINGE] = {.name = "hinge", .target = FFN_TARGET_SIGN, .value = hinge_value, .weight = elements},
        },
    .log_softmax = log_softmax,
    .log_softmax_backward = log_softmax_backward,
};
