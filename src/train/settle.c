/* What follows every update of the weights. */
#include "train/train.h"

/* The limit of the norm of a unit's incoming weights: the lower of the layer's and that for all; 0: none. */
static float limit_of(const ffn_trainer *t, size_t parameter)
{
    const ffn__parameter *p = &t->model->parameters[parameter];
    const float layer = t->model->layers[p->layer].max_norm, all = t->options.max_norm;
    if (p->role != FFN_WEIGHT || !t->plan->has_gradient[parameter]) return 0;
    return layer > 0 && (layer < all || all == 0) ? layer : all;
}

void ffn__settle(ffn_trainer *t)
{
    ffn__states_commit(t->plan, t->model);
    for (size_t i = 0; i < t->model->parameter_count; i++) {
        const float limit = limit_of(t, i);
        if (limit > 0) ffn__parameter_limit_rows(t->model, i, limit, t->options.threads);
    }
}
