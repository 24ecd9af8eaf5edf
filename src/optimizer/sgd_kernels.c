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
 * w -= rate velocity, or nesterov: rate (g + momentum velocity). Without `velocity` (NULL): w -= rate g. For so many
 * vectors, or for `left` < VL weights. */
VECTOR_INLINE void descend_lanes(const step_numbers *k, int vectors, size_t left, float *w, const float *g,
                                 float *velocity, bool *lost)
{
    vec fresh[LANES_GROUP];
    for (int i = 0; i < vectors; i++) {
        vec d = vec_load_left(g + i * VL, left);
        if (velocity) {
            const vec v = vec_mul_add(vec_set(k->momentum), vec_load_left(velocity + i * VL, left), k->take * d);
            vec_store_left(velocity + i * VL, v, left);
            d = vec_mul_add(vec_set(k->along), v, k->direct * d);
        }
        fresh[i] = vec_load_left(w + i * VL, left) - k->rate * d;
    }
    lanes_store_finite(vectors, w, left, fresh, lost);
}

VECTOR_INLINE bool descend(step_numbers k, size_t n, float *w, const float *g, float *velocity)
{
    enum { WIDTH = LANES_GROUP * VL };
    bool lost = false;
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        descend_lanes(&k, LANES_GROUP, VL, w + i, g + i, velocity ? velocity + i : NULL, &lost);
    for (; i + VL <= n; i += VL) descend_lanes(&k, 1, VL, w + i, g + i, velocity ? velocity + i : NULL, &lost);
    if (i < n) descend_lanes(&k, 1, n - i, w + i, g + i, velocity ? velocity + i : NULL, &lost);
    return !lost;
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
