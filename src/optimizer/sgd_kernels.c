/* Gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), as torch.optim.SGD. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

static size_t slots(const ffn_optimizer *optimizer) { return optimizer->momentum > 0 ? 1 : 0; }

/* velocity = momentum velocity + (1 - dampening) g, the first time g itself;
 * w -= rate velocity, or nesterov: rate (g + momentum velocity). Without `velocity` (NULL): w -= rate g. */
VECTOR_INLINE void descend(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                           float *velocity)
{
    const float rate = (float)update->rate, momentum = optimizer->momentum;
    const float take = update->count == 0 ? 1 : (float)(1 - (double)optimizer->dampening);
    /* what the weights follow: direct g + along velocity */
    const float direct = optimizer->nesterov ? 1 : 0, along = optimizer->nesterov ? momentum : 1;
    for (size_t i = 0; i < n; i += VL) {
        vec d = lanes_load(g + i, n - i);
        if (velocity) {
            const vec v = momentum * lanes_load(velocity + i, n - i) + take * d;
            lanes_store(velocity + i, n - i, v);
            d = direct * d + along * v;
        }
        lanes_store(w + i, n - i, lanes_load(w + i, n - i) - rate * d);
    }
}

static void step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    if (optimizer->momentum > 0)
        descend(optimizer, update, n, w, g, state[0]);
    else
        descend(optimizer, update, n, w, g, NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd) = {
    .name = "sgd", .check = ffn__optimizer_check_sgd, .slots = slots, .step = step};
