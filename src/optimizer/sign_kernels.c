/* Optimizers that take the gradient's sign alone: Lion (Chen et al. 2023) and Rprop, in the form without
 * weight-backtracking that Igel and Huesken 2000 call iRprop-, as torch.optim.Rprop. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

/* ---- Lion -------------------------------------------------------------------------------------------------------- */

static size_t lion_slots(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return 1;
}

/* w = (1 - rate decay) w - rate sign(beta1 m + (1 - beta1) g);   m = beta2 m + (1 - beta2) g */
static void lion_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                      float *const *state)
{
    const float beta1 = optimizer->beta1, rest1 = (float)(1 - (double)beta1);
    const float beta2 = optimizer->beta2, rest2 = (float)(1 - (double)beta2);
    const float rate = (float)update->rate, shrink = (float)(1 - update->rate * (double)update->decay);
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i), m = vec_load_left(state[0] + i, n - i);
        const vec sign = lanes_sign(beta1 * m + rest1 * gradient);
        vec_store_left(w + i, shrink * vec_load_left(w + i, n - i) - rate * sign, n - i);
        vec_store_left(state[0] + i, beta2 * m + rest2 * gradient, n - i);
    }
}

/* ---- Rprop ------------------------------------------------------------------------------------------------------- */

/* State: the gradient before, and the step's size, which begins as the learning rate. */
static size_t rprop_slots(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return 2;
}

static float rprop_initial(const ffn_optimizer *optimizer, size_t slot)
{
    return slot == 1 ? optimizer->learning_rate : 0;
}

/* The step grows while the gradient keeps its sign. Where that has changed, the step shrinks, nothing moves, and the
 * gradient is forgotten, so that the next update moves whatever its sign. */
static void rprop_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                       float *const *state)
{
    const vec low = vec_set(optimizer->step_min), high = vec_set(optimizer->step_max);
    const vec grow = vec_set(optimizer->eta_plus), shrink = vec_set(optimizer->eta_minus), same = vec_set(1);
    (void)update;
    for (size_t i = 0; i < n; i += VL) {
        const vec sign = lanes_sign(vec_load_left(g + i, n - i));
        const vec change = sign * vec_load_left(state[0] + i, n - i);
        const vec factor = vec_select(change > 0, grow, vec_select(change < 0, shrink, same));
        const vec step = vec_min(high, vec_max(low, factor * vec_load_left(state[1] + i, n - i)));
        const vec direction = vec_select(change < 0, vec_set(0), sign);
        vec_store_left(state[0] + i, direction, n - i);
        vec_store_left(state[1] + i, step, n - i);
        vec_store_left(w + i, vec_load_left(w + i, n - i) - direction * step, n - i);
    }
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__lion), FFN__ISA_NAME(ffn__rprop);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__lion) = {.name = "lion",
                                                    .decoupled_decay = true,
                                                    .check = ffn__optimizer_check_fields,
                                                    .slots = lion_slots,
                                                    .step = lion_step};
const ffn_optimizer_ops FFN__ISA_NAME(ffn__rprop) = {.name = "rprop",
                                                     .check = ffn__optimizer_check_rprop,
                                                     .slots = rprop_slots,
                                                     .initial_state = rprop_initial,
                                                     .step = rprop_step};
