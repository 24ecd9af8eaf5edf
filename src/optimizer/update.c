#include "optimizer/kinds.h"
#include "optimizer/optimizer.h"

#include <math.h>
#include <string.h>

/* Elements worked on at once: weights, gradient and state of a block stay in the first-level cache. */
enum { BLOCK = 1024 };

static const ffn__update_kernels *kernels(void)
{
    static const ffn__update_kernels *const tables[] = FFN__ISA_TABLES(ffn__update);
    return tables[ffn__isa()];
}

double ffn__gradient_sum_squares(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g)
{
    return kernels()->sum_squares(rule, n, w, g);
}

static double correction(float beta, size_t count) { return beta > 0 ? 1 - pow((double)beta, (double)count + 1) : 1; }

void ffn__update_begin(ffn_update *update, const ffn_optimizer *optimizer, size_t count, double rate)
{
    update->count = count;
    update->rate = rate;
    update->correction1 = correction(optimizer->beta1, count);
    update->correction2 = correction(optimizer->beta2, count);
    update->decay = 0;
    for (size_t i = 0; i < sizeof update->shared / sizeof *update->shared; i++) update->shared[i] = 0;
    if (optimizer->ops->prepare) optimizer->ops->prepare(optimizer, update);
}

/* For at most BLOCK weights. */
static bool guarded_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                         float *const *state)
{
    if (optimizer->ops->guarded_step) return optimizer->ops->guarded_step(optimizer, update, n, w, g, state);
    float old[BLOCK];
    memcpy(old, w, n * sizeof *old);
    optimizer->ops->step(optimizer, update, n, w, g, state);
    return kernels()->keep_finite(n, old, w);
}

/* With what the rule makes of the gradient. */
static bool update_blocks(const ffn_optimizer *optimizer, const ffn_update *update, const ffn__gradient_rule *rule,
                          bool identity, size_t n, float *w, const float *g, float *const *state)
{
    const ffn__update_kernels *kernel = kernels();
    const size_t slots = optimizer->ops->slots ? optimizer->ops->slots(optimizer) : 0;
    bool finite = true;
    float effective[BLOCK];
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t count = n - i < BLOCK ? n - i : BLOCK;
        float *part[FFN_MAX_SLOTS] = {NULL};
        for (size_t slot = 0; slot < slots && slot < FFN_MAX_SLOTS; slot++) part[slot] = state[slot] + i;
        if (!identity) kernel->effective(rule, count, w + i, g + i, effective);
        finite &= guarded_step(optimizer, update, count, w + i, identity ? g + i : effective, part);
    }
    return finite;
}

bool ffn__optimizer_update(const ffn_optimizer *optimizer, const ffn_update *update, const ffn__gradient_rule *rule,
                           size_t n, float *w, const float *g, float *const *state)
{
    const bool identity =
        rule->l1 == 0 && rule->l2 == 0 && rule->scale == 1 && rule->clip_value == 0 && rule->decay == 0;
    return identity && optimizer->ops->guarded_step ? optimizer->ops->guarded_step(optimizer, update, n, w, g, state)
                                                    : update_blocks(optimizer, update, rule, identity, n, w, g, state);
}
