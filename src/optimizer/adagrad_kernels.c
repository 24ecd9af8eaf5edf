/* Adagrad: Duchi, Hazan and Singer 2011, as torch.optim.Adagrad. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

static size_t slots(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return 1;
}

static float initial_state(const ffn_optimizer *optimizer, size_t slot)
{
    (void)slot;
    return optimizer->initial_accumulator;
}

/* sum += g^2;   w -= rate / (1 + k decay) g / (sqrt(sum) + epsilon) */
static bool step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const float rate = (float)(update->rate / (1 + (double)update->count * (double)optimizer->learning_rate_decay));
    const float epsilon = optimizer->epsilon;
    float *const sum = state[0];
    bool lost = false;
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i);
        const vec s = vec_load_left(sum + i, n - i) + gradient * gradient;
        vec_store_left(sum + i, s, n - i);
        vec fresh;
        lanes_by_root(1, &gradient, &s, epsilon, &fresh);
        fresh = vec_mul_add(vec_set(-2 * rate), fresh, vec_load_left(w + i, n - i));
        lanes_store_finite(1, w + i, n - i, &fresh, &lost);
    }
    return !lost;
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adagrad);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adagrad) = {.name = "adagrad",
                                                       .check = ffn__optimizer_check_fields,
                                                       .slots = slots,
                                                       .initial_state = initial_state,
                                                       .guarded_step = step};
