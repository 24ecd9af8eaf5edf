/* From the raw gradient to the optimizer's, and the guard behind it. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"
#include "optimizer/optimizer.h"
#include "tensor/wide.h"

#include <float.h>

static void effective(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g, float *result)
{
    const vec limit = vec_set(rule->clip_value > 0 ? rule->clip_value : INFINITY);
    for (size_t i = 0; i < n; i += VL) {
        const vec x = vec_load_left(w + i, n - i);
        const vec penalized = vec_load_left(g + i, n - i) + rule->l1 * lanes_sign(x) + 2 * rule->l2 * x;
        const vec clipped = vec_max(-limit, vec_min(limit, rule->scale * penalized)); /* NaN stays */
        vec_store_left(result + i, clipped + rule->decay * x, n - i);
    }
}

static double sum_squares(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g)
{
    const bool penalized = rule->l1 > 0 || rule->l2 > 0;
    const double l1 = (double)rule->l1, l2 = 2 * (double)rule->l2;
    wide sums[WIDE_PARTS] = {{0}};
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i), x = penalized ? vec_load_left(w + i, n - i) : vec_set(0);
        for (size_t part = 0; part < WIDE_PARTS; part++) {
            const wide e = wide_part(gradient, part) + l1 * wide_part(lanes_sign(x), part) + l2 * wide_part(x, part);
            sums[part] += e * e;
        }
    }
    for (size_t part = 1; part < WIDE_PARTS; part++) sums[0] += sums[part];
    return wide_sum(sums[0]);
}

static bool keep_finite(size_t n, const float *old, float *w)
{
    ivec infinite = ivec_set(0);
    for (size_t i = 0; i < n; i += VL) infinite |= ~(vec_abs(vec_load_left(w + i, n - i)) <= FLT_MAX);
    if (!ivec_any(infinite)) return true;
    for (size_t i = 0; i < n; i += VL) {
        const vec x = vec_load_left(w + i, n - i);
        vec_store_left(w + i, vec_select(vec_abs(x) <= FLT_MAX, x, vec_load_left(old + i, n - i)), n - i);
    }
    return false;
}

extern const ffn__update_kernels FFN__ISA_NAME(ffn__update);
const ffn__update_kernels FFN__ISA_NAME(ffn__update) = {effective, sum_squares, keep_finite};
