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
        const vec gradient = lanes_load(g + i, n - i);
        const vec s = alpha * lanes_load(square + i, n - i) + rest * gradient * gradient;
        vec variance = s;
        lanes_store(square + i, n - i, s);
        if (mean) {
            const vec m = alpha * lanes_load(mean + i, n - i) + rest * gradient;
            lanes_store(mean + i, n - i, m);
            variance = vec_max(vec_set(0), s - m * m); /* below 0 by rounding only; NaN stays */
        }
        vec d;
        lanes_by_root(1, &gradient, &variance, epsilon, &d);
        d += d;
        if (velocity) {
            d = vec_mul_add(vec_set(momentum), lanes_load(velocity + i, n - i), d);
            lanes_store(velocity + i, n - i, d);
        }
        vec fresh = lanes_load(w + i, n - i) - rate * d;
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
