/* Nocedal and Wright, "Numerical Optimization", algorithm 7.4: the direction from the last differences of weights and
 * gradients. Sums in double, in the order of the block. */
#include "train/lbfgs.h"

#include <math.h>
#include <string.h>

enum { HISTORY = 10 };
static const double LEAST_CURVATURE = 1e-10;

static size_t scores_of(const ffn_trainer *t, size_t rows)
{
    return rows * t->model->output_rows * t->model->output_cols;
}

size_t ffn__lbfgs_history(const ffn_optimizer *o) { return o->history ? o->history : HISTORY; }

ffn__lbfgs *ffn__lbfgs_create(const ffn_trainer *t, ffn_error *error)
{
    ffn__lbfgs *l = ffn__alloc(1, sizeof(*l), error);
    size_t pairs;
    if (!l) return NULL;
    l->size = t->model->value_count;
    l->history = ffn__lbfgs_history(&t->options.optimizer);
    l->scale = 1;
    if (!ffn__multiply(l->history, l->size, &pairs)) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "the history of lbfgs does not fit this machine's memory");
    } else {
        l->steps = ffn__alloc(pairs, sizeof(float), error);
        l->changes = l->steps ? ffn__alloc(pairs, sizeof(float), error) : NULL;
        l->inverse = l->changes ? ffn__alloc(2 * l->history, sizeof(double), error) : NULL;
        l->weights = l->inverse ? ffn__alloc(l->size, sizeof(float), error) : NULL;
        l->gradient = l->weights ? ffn__alloc(l->size, sizeof(float), error) : NULL;
        l->g = l->gradient ? ffn__alloc(l->size, sizeof(float), error) : NULL;
        l->direction = l->g ? ffn__alloc(l->size, sizeof(float), error) : NULL;
        l->scores = l->direction ? ffn__alloc(scores_of(t, t->options.batch_size), sizeof(float), error) : NULL;
    }
    if (l->scores) {
        l->alpha = l->inverse + l->history;
        return l;
    }
    ffn__lbfgs_destroy(l);
    return NULL;
}

void ffn__lbfgs_destroy(ffn__lbfgs *l)
{
    if (!l) return;
    ffn__free(l->steps);
    ffn__free(l->changes);
    ffn__free(l->inverse);
    ffn__free(l->weights);
    ffn__free(l->gradient);
    ffn__free(l->g);
    ffn__free(l->direction);
    ffn__free(l->scores);
    ffn__free(l);
}

size_t ffn__lbfgs_memory(const ffn_trainer *t)
{
    const ffn__lbfgs *l = t->lbfgs;
    if (!l) return 0;
    const size_t floats = (2 * l->history + 4) * l->size + scores_of(t, t->options.batch_size);
    return sizeof *l + floats * sizeof(float) + 2 * l->history * sizeof(double);
}

static double dot(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* y += factor x */
static void add(size_t n, double factor, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = (float)((double)y[i] + factor * (double)x[i]);
}

/* ---- what is minimized ----------------------------------------------------------------------------------------- */

/* The gradient of loss, penalties and weight decay. */
static void take_gradient(ffn_trainer *t)
{
    const float *w = t->model->values, *raw = t->plan->gradients;
    float *g = t->lbfgs->g;
    for (size_t c = 0; c < t->chunk_count; c++) {
        const ffn__chunk *chunk = &t->chunks[c];
        const ffn__gradient_rule *r = &chunk->rule;
        for (size_t i = chunk->offset; i < chunk->offset + chunk->size; i++) {
            const float sign = w[i] > 0 ? 1 : w[i] < 0 ? -1 : 0;
            g[i] = raw[i] + r->l1 * sign + (2 * r->l2 + r->decay) * w[i];
        }
    }
}

/* What penalties and weight decay add to the loss. */
static double penalties(const ffn_trainer *t)
{
    const float *w = t->model->values;
    double sum = 0;
    for (size_t c = 0; c < t->chunk_count; c++) {
        const ffn__chunk *chunk = &t->chunks[c];
        const double l1 = (double)chunk->rule.l1, l2 = (double)chunk->rule.l2 + (double)chunk->rule.decay / 2;
        if (l1 == 0 && l2 == 0) continue;
        for (size_t i = chunk->offset; i < chunk->offset + chunk->size; i++)
            sum += l1 * fabs((double)w[i]) + l2 * (double)w[i] * (double)w[i];
    }
    return sum;
}

/* ---- direction ------------------------------------------------------------------------------------------------- */

static void forget(ffn__lbfgs *l)
{
    l->count = l->next = 0;
    l->scale = 1;
    l->begun = false;
}

/* Keeps what the last update has moved, if the loss curves upwards along it. */
static void remember(ffn_trainer *t)
{
    ffn__lbfgs *l = t->lbfgs;
    float *s = l->steps + l->next * l->size, *y = l->changes + l->next * l->size;
    for (size_t i = 0; i < l->size; i++) {
        s[i] = t->model->values[i] - l->weights[i];
        y[i] = l->g[i] - l->gradient[i];
    }
    const double curvature = dot(l->size, y, s);
    if (!(curvature > LEAST_CURVATURE)) return;
    l->inverse[l->next] = 1 / curvature;
    l->scale = curvature / dot(l->size, y, y);
    l->next = (l->next + 1) % l->history;
    if (l->count < l->history) l->count++;
}

/* direction = -H g, with the inverse Hessian H that the pairs tell of. */
static void find_direction(ffn__lbfgs *l)
{
    float *d = l->direction;
    for (size_t i = 0; i < l->size; i++) d[i] = -l->g[i];
    for (size_t k = 1; k <= l->count; k++) {
        const size_t p = (l->next + l->history - k) % l->history;
        l->alpha[p] = l->inverse[p] * dot(l->size, l->steps + p * l->size, d);
        add(l->size, -l->alpha[p], l->changes + p * l->size, d);
    }
    ffn__tensor()->scale(l->size, (float)l->scale, d, d);
    for (size_t k = l->count; k >= 1; k--) {
        const size_t p = (l->next + l->history - k) % l->history;
        const double beta = l->inverse[p] * dot(l->size, l->changes + p * l->size, d);
        add(l->size, l->alpha[p] - beta, l->steps + p * l->size, d);
    }
}

/* Direction and first length of this update; the weights and gradient are kept for the next. Answers the length. */
static double begin(ffn_trainer *t, double rate)
{
    ffn__lbfgs *l = t->lbfgs;
    take_gradient(t);
    if (l->begun) remember(t);
    find_direction(l);
    double length = rate;
    if (!l->begun) {
        double sum = 0;
        for (size_t i = 0; i < l->size; i++) sum += fabs((double)l->g[i]);
        if (sum > 1) length = rate / sum;
    }
    memcpy(l->weights, t->model->values, l->size * sizeof(float));
    memcpy(l->gradient, l->g, l->size * sizeof(float));
    l->begun = true;
    return length;
}

/* The weights from before plus length times the direction; false, and as before, if one would not be finite. */
static bool move(ffn_trainer *t, double length)
{
    const ffn__lbfgs *l = t->lbfgs;
    memcpy(t->model->values, l->weights, l->size * sizeof(float));
    if (length != 0) add(l->size, length, l->direction, t->model->values);
    if (ffn__tensor()->all_finite(l->size, t->model->values)) return true;
    memcpy(t->model->values, l->weights, l->size * sizeof(float));
    return false;
}

bool ffn__lbfgs_apply(ffn_trainer *t, double rate)
{
    const bool moved = move(t, begin(t, rate));
    if (!moved) forget(t->lbfgs);
    return moved;
}

/* A batch, whose loss is looked at along the direction. */
typedef struct batch {
    ffn_trainer *trainer;
    const float *x, *targets;
    size_t rows;
} batch;

/* The loss at this length, with the random numbers of the forward before. Of what forwards collect, the last one's stays. */
static double evaluate(void *context, double length, double *slope)
{
    const batch *b = context;
    ffn_trainer *t = b->trainer;
    bool read;
    *slope = (double)NAN;
    if (!move(t, length)) return INFINITY;
    t->plan->forwards--;
    ffn__states_discard(t->plan);
    (void)ffn__forward_for_loss(t->plan, &t->options.loss, b->x, b->rows);
    const double value = ffn__backward_early(t->plan, &t->options.loss, b->targets, NULL, &read) + penalties(t);
    take_gradient(t);
    *slope = dot(t->lbfgs->size, t->lbfgs->g, t->lbfgs->direction);
    return value;
}

void ffn__lbfgs_search(ffn_trainer *t, double rate, double value, const float *x, const float *targets, size_t rows)
{
    ffn__lbfgs *l = t->lbfgs;
    batch b = {t, x, targets, rows};
    memcpy(l->scores, t->scores, scores_of(t, rows) * sizeof(float));
    t->scores = l->scores;
    const double start = value + penalties(t), first = begin(t, rate), slope = dot(l->size, l->g, l->direction);
    const ffn__line line = {evaluate, &b, (double)ffn__tensor()->largest_size(l->size, l->direction)};
    const double length = first > 0 ? ffn__line_search(&line, start, slope, first) : 0;
    (void)move(t, length);
    if (length == 0) forget(l);
}
