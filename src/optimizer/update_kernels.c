/* From the raw gradient to the optimizer's, and the guard behind it. */
#include "optimizer/kinds.h"
#include "optimizer/optimizer.h"

#include <float.h>
#include <math.h>

enum { LANES = FFN__LANES };

/* Sign of w: 0 for 0. */
FFN__INLINE float sign(float w) { return w > 0 ? (float)1 : w < 0 ? (float)-1 : w; }

static void effective(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g, float *result)
{
    const float l1 = rule->l1, l2 = 2 * rule->l2, scale = rule->scale, decay = rule->decay;
    const float limit = rule->clip_value > 0 ? rule->clip_value : INFINITY;
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES];
        ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        for (size_t j = 0; j < LANES; j++) {
            float e = scale * (b[j] + l1 * sign(a[j]) + l2 * a[j]);
            e = e > limit ? limit : e;
            e = e < -limit ? -limit : e; /* NaN stays */
            b[j] = e + decay * a[j];
        }
        ffn__lanes_store(n - i, b, result + i);
    }
}

static double sum_squares(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g)
{
    const double l1 = (double)rule->l1, l2 = 2 * (double)rule->l2;
    const bool penalized = l1 > 0 || l2 > 0;
    double sums[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES] = {0}, b[LANES];
        if (penalized) ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        for (size_t j = 0; j < LANES; j++) {
            const double e = (double)b[j] + l1 * (double)sign(a[j]) + l2 * (double)a[j];
            sums[j] += e * e;
        }
    }
    for (size_t j = 0; j < LANES; j++) sum += sums[j];
    return sum;
}

static bool keep_finite(size_t n, const float *old, float *w)
{
    int good = 1;
    for (size_t i = 0; i < n; i++) good &= fabsf(w[i]) <= FLT_MAX;
    if (good) return true;
    for (size_t i = 0; i < n; i++) w[i] = fabsf(w[i]) <= FLT_MAX ? w[i] : old[i];
    return false;
}

extern const ffn__update_kernels FFN__ISA_NAME(ffn__update);
const ffn__update_kernels FFN__ISA_NAME(ffn__update) = {effective, sum_squares, keep_finite};
