/* Gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), as torch.optim.SGD. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

static size_t slots(const ffn_optimizer *optimizer) { return optimizer->momentum > 0 ? 1 : 0; }

typedef struct step_numbers {
    float rate, momentum, take;
    float direct, along; /* what the weights follow: direct g + along velocity */
} step_numbers;

static step_numbers numbers_of(const ffn_optimizer *optimizer, const ffn_update *update)
{
    return (step_numbers){.rate = (float)update->rate,
                          .momentum = optimizer->momentum,
                          .take = update->count == 0 ? 1 : (float)(1 - (double)optimizer->dampening),
                          .direct = optimizer->nesterov ? 1 : 0,
                          .along = optimizer->nesterov ? optimizer->momentum : 1};
}

/* velocity = momentum velocity + (1 - dampening) g, the first time g itself;
 * w -= rate velocity, or nesterov: rate (g + momentum velocity). Without `velocity` (NULL): w -= rate g. For the first
 * VL weights of those left. */
VECTOR_INLINE void descend_lanes(const step_numbers *k, size_t left, float *w, const float *g, float *velocity,
                                 lanes_lost *lost)
{
    const vec old = lanes_load(w, left);
    vec d = lanes_load(g, left);
    if (velocity) {
        const vec v = k->momentum * lanes_load(velocity, left) + k->take * d;
        lanes_store(velocity, left, v);
        d = k->direct * d + k->along * v;
    }
    lanes_store_finite(w, left, old - k->rate * d, old, lost);
}

VECTOR_INLINE bool descend(step_numbers k, size_t n, float *w, const float *g, float *velocity)
{
    lanes_lost lost = {0};
    size_t i = 0;
    for (; i + VL <= n; i += VL) descend_lanes(&k, VL, w + i, g + i, velocity ? velocity + i : NULL, &lost);
    if (i < n) descend_lanes(&k, n - i, w + i, g + i, velocity ? velocity + i : NULL, &lost);
    return !lanes_any(lost);
}

static bool step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const step_numbers numbers = numbers_of(optimizer, update);
    return optimizer->momentum > 0 ? descend(numbers, n, w, g, state[0]) : descend(numbers, n, w, g, NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd) = {
    .name = "sgd", .check = ffn__optimizer_check_sgd, .slots = slots, .guarded_step = step};
