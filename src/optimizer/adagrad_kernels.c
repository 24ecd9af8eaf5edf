/* Adagrad: Duchi, Hazan and Singer 2011, as torch.optim.Adagrad. */
#include "optimizer/kinds.h"

#include <math.h>

enum { LANES = FFN__LANES };

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
static void step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const float rate = (float)(update->rate / (1 + (double)update->count * (double)optimizer->learning_rate_decay));
    const float epsilon = optimizer->epsilon;
    float *const sum = state[0];
    for (size_t i = 0; i < n; i += LANES) {
        float a[LANES], b[LANES], s[LANES];
        ffn__lanes_load(n - i, w + i, a);
        ffn__lanes_load(n - i, g + i, b);
        ffn__lanes_load(n - i, sum + i, s);
        for (size_t j = 0; j < LANES; j++) {
            s[j] += b[j] * b[j];
            a[j] -= rate * b[j] / (sqrtf(s[j]) + epsilon);
        }
        ffn__lanes_store(n - i, s, sum + i);
        ffn__lanes_store(n - i, a, w + i);
    }
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adagrad);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adagrad) = {.name = "adagrad",
                                                       .check = ffn__optimizer_check_fields,
                                                       .slots = slots,
                                                       .initial_state = initial_state,
                                                       .step = step};
