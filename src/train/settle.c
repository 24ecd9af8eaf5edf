/* What surrounds the updates of a trainer: gradients of several batches before them; after them batch norms' statistics,
 * limits of norms, and averages of the weights. */
#include "train/train.h"

/* ---- several batches an update --------------------------------------------------------------------------------- */

void ffn__drop_pending(ffn_trainer *t)
{
    ffn_plan_accumulate(t->plan, false);
    t->pending = 0;
    t->pending_weight = 0;
}

void ffn__close_pending(ffn_trainer *t)
{
    const double share = t->pending_weight > 0 ? 1 / t->pending_weight : 0;
    if (t->plan->gradients)
        ffn__tensor()->scale(t->model->value_count, (float)share, t->plan->gradients, t->plan->gradients);
    atomic_store(&t->plan->gradients_finite, false); /* a large share may make others infinite */
    ffn__drop_pending(t);
}

/* ---- averages -------------------------------------------------------------------------------------------------- */

void ffn__average(ffn_trainer *t, double share)
{
    const float *w = t->model->values;
    float *a = t->averages;
    const float part = t->averaged++ == 0 ? 1 : (float)share;
    for (size_t i = 0; i < t->model->value_count; i++) a[i] = part == 1 ? w[i] : a[i] + part * (w[i] - a[i]);
}

void ffn__swap_averages(ffn_trainer *t)
{
    float *w = t->model->values, *a = t->averages;
    if (t->averaged == 0) return;
    for (size_t i = 0; i < t->model->value_count; i++) {
        const float kept = w[i];
        w[i] = a[i];
        a[i] = kept;
    }
}

ffn_status ffn_trainer_swap_averages(ffn_trainer *t, ffn_error *error)
{
    if (!t) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_swap_averages: the trainer is NULL");
    if (t->options.average_decay == 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "ffn_trainer_swap_averages: the trainer keeps none; expected average_decay above 0");
    ffn__swap_averages(t);
    return FFN_OK;
}

/* ---- after an update ------------------------------------------------------------------------------------------- */

/* The limit of the norm of a unit's incoming weights: the lower of the layer's and that for all; 0: none. */
static float limit_of(const ffn_trainer *t, size_t parameter)
{
    const ffn__parameter *p = &t->model->parameters[parameter];
    const float layer = t->model->layers[p->layer].max_norm, all = t->options.max_norm;
    if (p->role != FFN_WEIGHT || !t->plan->has_gradient[parameter]) return 0;
    return layer > 0 && (layer < all || all == 0) ? layer : all;
}

bool ffn__limits_norms(const ffn_trainer *t)
{
    for (size_t i = 0; i < t->model->parameter_count; i++)
        if (limit_of(t, i) > 0) return true;
    return false;
}

void ffn__settle(ffn_trainer *t)
{
    ffn__states_commit(t->plan, t->model);
    for (size_t i = 0; t->limits_norms && i < t->model->parameter_count; i++) {
        const float limit = limit_of(t, i);
        if (limit > 0) ffn__parameter_limit_rows(t->model, i, limit, t->options.threads);
    }
    if (t->options.average_decay > 0) ffn__average(t, 1 - (double)t->options.average_decay);
}
