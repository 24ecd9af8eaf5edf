/* RMSprop (Hinton, lecture 6e, 2012), centered (Graves 2013) and with momentum, as torch.optim.RMSprop. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

/* State: the mean square, then the velocity if there is momentum, then the mean if it is centered. */
static size_t slots(const ffn_optimizer *optimizer)
{
    return (size_t)1 + (optimizer->momentum > 0) + optimizer->centered;
}

/* square = alpha square + (1 - alpha) g^2, mean likewise of g;
 * d = g / (sqrt(square - mean^2) + epsilon);   velocity = momentum velocity + d;   w -= rate velocity
 * Without `velocity` or `mean` (NULL) these are d and 0. */
VECTOR_INLINE bool descend(const ffn_optimizer *optimizer, float rate, size_t n, float *w, const float *g,
                           float *square, float *velocity, float *mean)
{
    const float alpha = optimizer->alpha, rest = (float)(1 - (double)alpha);
    const float momentum = optimizer->momentum, epsilon = optimizer->epsilon;
    bool lost = false;
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i);
        const vec s = alpha * vec_load_left(square + i, n - i) + rest * gradient * gradient;
        vec variance = s;
        vec_store_left(square + i, s, n - i);
        if (mean) {
            const vec m = alpha * vec_load_left(mean + i, n - i) + rest * gradient;
            vec_store_left(mean + i, m, n - i);
            variance = vec_max(vec_set(0), s - m * m); /* below 0 by rounding only; NaN stays */
        }
        vec d;
        lanes_by_root(1, &gradient, &variance, epsilon, &d);
        d += d;
        if (velocity) {
            d = vec_mul_add(vec_set(momentum), vec_load_left(velocity + i, n - i), d);
            vec_store_left(velocity + i, d, n - i);
        }
        vec fresh = vec_load_left(w + i, n - i) - rate * d;
        lanes_store_finite(1, w + i, n - i, &fresh, &lost);
    }
    return !lost;
}

static bool step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const float rate = (float)update->rate;
    const bool moving = optimizer->momentum > 0;
    if (optimizer->centered)
        return descend(optimizer, rate, n, w, g, state[0], moving ? state[1] : NULL, moving ? state[2] : state[1]);
    return descend(optimizer, rate, n, w, g, state[0], moving ? state[1] : NULL, NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__rmsprop);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__rmsprop) = {
    .name = "rmsprop", .check = ffn__optimizer_check_fields, .slots = slots, .guarded_step = step};
