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
 * place of v if `most` is not NULL, and with shrink only if it `decays`. For so many vectors, or for `left` < VL weights. */
VECTOR_INLINE void descend_lanes(const step_numbers *k, bool decays, int vectors, size_t left, float *w, const float *g,
                                 float *mean, float *square, float *most, bool *lost)
{
    vec m[LANES_GROUP], v[LANES_GROUP], fresh[LANES_GROUP];
    for (int i = 0; i < vectors; i++) {
        const vec gradient = vec_load_left(g + i * VL, left);
        m[i] = vec_mul_add(vec_set(k->beta1), vec_load_left(mean + i * VL, left), k->rest1 * gradient);
        v[i] = vec_mul_add(vec_set(k->beta2), vec_load_left(square + i * VL, left), k->rest2 * gradient * gradient);
        vec_store_left(mean + i * VL, m[i], left);
        vec_store_left(square + i * VL, v[i], left);
        if (!most) continue;
        v[i] = vec_max(vec_load_left(most + i * VL, left), v[i]); /* NaN in v stays */
        vec_store_left(most + i * VL, v[i], left);
    }
    lanes_by_root(vectors, m, v, k->epsilon, fresh);
    for (int i = 0; i < vectors; i++) {
        const vec old = vec_load_left(w + i * VL, left);
        fresh[i] = vec_mul_add(vec_set(-2 * k->rate), fresh[i], decays ? k->shrink * old : old);
    }
    lanes_store_finite(vectors, w, left, fresh, lost);
}

VECTOR_INLINE bool descend(step_numbers k, bool decays, size_t n, float *w, const float *g, float *mean, float *square,
                           float *most)
{
    enum { WIDTH = LANES_GROUP * VL };
    bool lost = false;
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        descend_lanes(&k, decays, LANES_GROUP, VL, w + i, g + i, mean + i, square + i, most ? most + i : NULL, &lost);
    for (; i + VL <= n; i += VL)
        descend_lanes(&k, decays, 1, VL, w + i, g + i, mean + i, square + i, most ? most + i : NULL, &lost);
    if (i < n) descend_lanes(&k, decays, 1, n - i, w + i, g + i, mean + i, square + i, most ? most + i : NULL, &lost);
    return !lost;
}

static bool step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const step_numbers numbers = numbers_of(optimizer, update);
    if (optimizer->amsgrad) return descend(numbers, true, n, w, g, state[0], state[1], state[2]);
    if (numbers.shrink != 1) return descend(numbers, true, n, w, g, state[0], state[1], NULL);
    return descend(numbers, false, n, w, g, state[0], state[1], NULL);
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adam), FFN__ISA_NAME(ffn__adamw);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adam) = {
    .name = "adam", .check = ffn__optimizer_check_fields, .slots = slots, .guarded_step = step};
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adamw) = {.name = "adamw",
                                                     .decoupled_decay = true,
                                                     .check = ffn__optimizer_check_fields,
                                                     .slots = slots,
                                                     .guarded_step = step};
