/* Adam (Kingma and Ba 2015), AMSGrad (Reddi et al. 2018) and AdamW (Loshchilov and Hutter 2019), as torch.optim.Adam
 * and AdamW. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

/* State: the mean m, the mean square v and, for amsgrad, the largest v so far. */
static size_t slots(const ffn_optimizer *optimizer) { return optimizer->amsgrad ? 3 : 2; }

/* One update's numbers. With the corrections c1 and c2 of ffn_update the step
 *     rate / c1 m / (sqrt(v / c2) + epsilon)
 * is taken as  (rate sqrt(c2) / c1) m / (sqrt(v) + epsilon sqrt(c2)),  which saves a division per weight. */
typedef struct step_numbers {
    float beta1, rest1, beta2, rest2, rate, epsilon, shrink;
} step_numbers;

static step_numbers numbers_of(const ffn_optimizer *optimizer, const ffn_update *update)
{
    const double root = sqrt(update->correction2);
    return (step_numbers){.beta1 = optimizer->beta1,
                          .rest1 = (float)(1 - (double)optimizer->beta1),
                          .beta2 = optimizer->beta2,
                          .rest2 = (float)(1 - (double)optimizer->beta2),
                          .rate = (float)(update->rate * root / update->correction1),
                          .epsilon = (float)((double)optimizer->epsilon * root),
                          .shrink = (float)(1 - update->rate * (double)update->decay)};
}

/* m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2;   w = shrink w - the step above, with the largest v in
 * place of v if `most` is not NULL. For the first VL weights of those left. */
VECTOR_INLINE void descend_lanes(const step_numbers *k, size_t left, float *w, const float *g, float *mean,
                                 float *square, float *most, lanes_lost *lost)
{
    const vec gradient = lanes_load(g, left), old = lanes_load(w, left);
    const vec m = k->beta1 * lanes_load(mean, left) + k->rest1 * gradient;
    const vec v = k->beta2 * lanes_load(square, left) + k->rest2 * gradient * gradient;
    vec top = v;
    lanes_store(mean, left, m);
    lanes_store(square, left, v);
    if (most) {
        top = vec_max(lanes_load(most, left), v); /* NaN in v stays */
        lanes_store(most, left, top);
    }
    lanes_store_finite(w, left, k->shrink * old - lanes_by_root(k->rate * m, top, k->epsilon), old, lost);
}

VECTOR_INLINE bool descend(step_numbers k, size_t n, float *w, const float *g, float *mean, float *square, float *most)
{
    lanes_lost lost = {0};
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        descend_lanes(&k, VL, w + i, g + i, mean + i, square + i, most ? most + i : NULL, &lost);
    if (i < n) descend_lanes(&k, n - i, w + i, g + i, mean + i, square + i, most ? most + i : NULL, &lost);
    return !lanes_any(lost);
}

static bool step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const step_numbers numbers = numbers_of(optimizer, update);
    return optimizer->amsgrad ? descend(numbers, n, w, g, state[0], state[1], state[2])
                              : descend(numbers, n, w, g, state[0], state[1], NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adam), FFN__ISA_NAME(ffn__adamw);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adam) = {
    .name = "adam", .check = ffn__optimizer_check_fields, .slots = slots, .guarded_step = step};
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adamw) = {.name = "adamw",
                                                     .decoupled_decay = true,
                                                     .check = ffn__optimizer_check_fields,
                                                     .slots = slots,
                                                     .guarded_step = step};
