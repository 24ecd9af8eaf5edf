/* Adadelta: Zeiler 2012, as torch.optim.Adadelta. */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

/* State: the mean of g^2, and that of the steps' squares. */
static size_t slots(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return 2;
}

/* s = a s + (1 - a) g^2;   d = sqrt(u + epsilon) / sqrt(s + epsilon) g;   u = a u + (1 - a) d^2;   w -= rate d */
static void step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                 float *const *state)
{
    const float alpha = optimizer->alpha, rest = (float)(1 - (double)alpha), epsilon = optimizer->epsilon;
    const float rate = (float)update->rate;
    float *const squares = state[0], *const steps = state[1];
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i), u = vec_load_left(steps + i, n - i);
        const vec s = alpha * vec_load_left(squares + i, n - i) + rest * gradient * gradient;
        vec d = gradient * lanes_root(u + epsilon) / lanes_root(s + epsilon);
        d = vec_select(s + epsilon > 0, d, s); /* nothing has moved yet, and epsilon is 0; NaN stays */
        vec_store_left(squares + i, s, n - i);
        vec_store_left(steps + i, alpha * u + rest * d * d, n - i);
        vec_store_left(w + i, vec_load_left(w + i, n - i) - rate * d, n - i);
    }
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adadelta);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adadelta) = {
    .name = "adadelta", .check = ffn__optimizer_check_fields, .slots = slots, .step = step};
