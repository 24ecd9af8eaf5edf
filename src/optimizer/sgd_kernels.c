/* Gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), as torch.optim.SGD. */
#include "optimizer/kinds.h"

enum { LANES = FFN__LANES };

static size_t slots(const ffn_optimizer *optimizer) { return optimizer->momentum > 0 ? 1 : 0; }

static void plain(size_t n, float rate, float *w, const float *g)
{
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES];
        ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        for (size_t j = 0; j < LANES; j++) a[j] -= rate * b[j];
        ffn__lanes_store(n - i, a, w + i);
    }
}

/* velocity = momentum velocity + (1 - dampening) g, the first time g itself;
 * w -= rate velocity, or nesterov: rate (g + momentum velocity) */
static void step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const bool first = update->count == 0;
    const float rate = (float)update->rate, momentum = optimizer->momentum;
    const float keep = first ? 0 : momentum, take = first ? 1 : (float)(1 - (double)optimizer->dampening);
    /* what the weights follow: direct g + along velocity */
    const float direct = optimizer->nesterov ? 1 : 0, along = optimizer->nesterov ? momentum : 1;
    if (!(momentum > 0)) {
        plain(n, rate, w, g);
        return;
    }
    float *const velocity = state[0];
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES], v[LANES];
        ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        ffn__lanes_load(n - i, velocity + i, v);
        for (size_t j = 0; j < LANES; j++) {
            v[j] = keep * v[j] + take * b[j];
            a[j] -= rate * (direct * b[j] + along * v[j]);
        }
        ffn__lanes_store(n - i, v, velocity + i);
        ffn__lanes_store(n - i, a, w + i);
    }
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__sgd) = {
    .name = "sgd", .check = ffn__optimizer_check_sgd, .slots = slots, .step = step};
