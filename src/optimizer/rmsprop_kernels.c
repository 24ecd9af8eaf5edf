/* RMSprop (Hinton, lecture 6e, 2012), centered (Graves 2013) and with momentum, as torch.optim.RMSprop. */
#include "optimizer/kinds.h"

#include <math.h>

enum { LANES = FFN__LANES };

/* State: the mean square, then the velocity if there is momentum, then the mean if it is centered. */
static size_t slots(const ffn_optimizer *optimizer)
{
    return (size_t)1 + (optimizer->momentum > 0) + optimizer->centered;
}

/* square = alpha square + (1 - alpha) g^2, mean likewise of g;
 * d = g / (sqrt(square - mean^2) + epsilon);   velocity = momentum velocity + d;   w -= rate velocity
 * Without `velocity` or `mean` (NULL) these are d and 0. */
FFN__INLINE void descend(const ffn_optimizer *optimizer, float rate, size_t n, float *w, const float *g, float *square,
                         float *velocity, float *mean)
{
    const float alpha = optimizer->alpha, rest = (float)(1 - (double)alpha);
    const float momentum = optimizer->momentum, epsilon = optimizer->epsilon;
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES], s[LANES], v[LANES] = {0}, m[LANES] = {0};
        ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        ffn__lanes_load(n - i, square + i, s);
        if (velocity) ffn__lanes_load(n - i, velocity + i, v);
        if (mean) ffn__lanes_load(n - i, mean + i, m);
        for (size_t j = 0; j < LANES; j++) {
            s[j] = alpha * s[j] + rest * b[j] * b[j];
            if (mean) m[j] = alpha * m[j] + rest * b[j];
            float variance = s[j] - m[j] * m[j];
            variance = variance < 0 ? 0 : variance; /* by rounding only; NaN stays */
            v[j] = momentum * v[j] + b[j] / (sqrtf(variance) + epsilon);
            a[j] -= rate * v[j];
        }
        ffn__lanes_store(n - i, s, square + i);
        if (velocity) ffn__lanes_store(n - i, v, velocity + i);
        if (mean) ffn__lanes_store(n - i, m, mean + i);
        ffn__lanes_store(n - i, a, w + i);
    }
}

static void step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const float rate = (float)update->rate;
    const bool moving = optimizer->momentum > 0;
    if (optimizer->centered)
        descend(optimizer, rate, n, w, g, state[0], moving ? state[1] : NULL, moving ? state[2] : state[1]);
    else
        descend(optimizer, rate, n, w, g, state[0], moving ? state[1] : NULL, NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__rmsprop);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__rmsprop) = {
    .name = "rmsprop", .check = ffn__optimizer_check_fields, .slots = slots, .step = step};
