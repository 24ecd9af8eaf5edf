/* The trainer: one plan, the optimizer's state, and updates that never let a number that is not finite into the
 * weights. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "train/lbfgs.h"
#include "train/train.h"

enum { CHUNK = 16384 }; /* floats: enough work for a thread, few enough to share a layer */
/* Floating-point operations that an element's update is worth, and its check. */
static const double UPDATE_WORK = 30, CHECK_WORK = 6;

/* ---- life ------------------------------------------------------------------------------------------------------ */

static ffn__gradient_rule rule_of(const ffn_trainer *t, size_t parameter)
{
    const ffn__parameter *p = &t->model->parameters[parameter];
    const ffn__layer *layer = &t->model->layers[p->layer];
    const ffn_optimizer *o = &t->options.optimizer;
    const bool weight = p->role == FFN_WEIGHT;
    return (ffn__gradient_rule){.l1 = weight ? t->options.l1 + layer->l1 : 0,
                                .l2 = weight ? t->options.l2 + layer->l2 : 0,
                                .scale = 1,
                                .clip_value = t->options.clip_value,
                                .decay = !weight && o->spare_biases ? 0
                                         : layer->decay >= 0        ? layer->decay
                                                                    : o->weight_decay,
                                .rate = layer->rate};
}

static bool same_rule(const ffn__gradient_rule *a, const ffn__gradient_rule *b)
{
    return a->l1 == b->l1 && a->l2 == b->l2 && a->decay == b->decay && a->rate == b->rate;
}

/* Between parameters, and within those that have a layout, there is padding: zeros, which most optimizers leave as they
 * are. */
static bool keeps_padding(const ffn_trainer *t)
{
    const ffn_optimizer *o = &t->options.optimizer;
    float w = 0, state[FFN_MAX_SLOTS], *slots[FFN_MAX_SLOTS];
    const float g = 0;
    for (size_t slot = 0; slot < FFN_MAX_SLOTS; slot++) {
        state[slot] = slot < t->slots && o->ops->initial_state ? o->ops->initial_state(o, slot) : 0;
        slots[slot] = &state[slot];
    }
    for (size_t count = 0; count <= 1000; count += 500) {
        ffn_update update;
        ffn__update_begin(&update, o, count, (double)t->base_rate);
        if (!ffn__optimizer_update(o, &update, &(ffn__gradient_rule){.scale = 1}, 1, &w, &g, slots) || w != 0)
            return false;
    }
    return true;
}

/* Chunks for [first, end) of the block; with t->chunks NULL they are only counted. */
static void add_chunks(ffn_trainer *t, size_t first, size_t end, ffn__gradient_rule rule)
{
    for (size_t at = first; at < end; at += CHUNK, t->chunk_count++)
        if (t->chunks)
            t->chunks[t->chunk_count] =
                (ffn__chunk){.offset = at, .size = end - at < CHUNK ? end - at : CHUNK, .rule = rule};
}

/* Shell's sort: qsort may take memory that nobody can refuse it. */
static void sort_chunks(ffn__chunk *chunks, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < count; i++) {
            const ffn__chunk chunk = chunks[i];
            size_t at = i;
            for (; at >= gap && chunks[at - gap].offset > chunk.offset; at -= gap) chunks[at] = chunks[at - gap];
            chunks[at] = chunk;
        }
}

/* For an optimizer that would change padding: what values a parameter has, and nothing between them. */
static void add_runs(ffn_trainer *t, const ffn__parameter *p, ffn__gradient_rule rule)
{
    const size_t first = t->chunk_count;
    for (size_t i = 0, run; i < p->size; i += run) {
        const size_t place = ffn__parameter_place(p, i, &run);
        add_chunks(t, place, place + run, rule);
    }
    if (t->chunks) sort_chunks(t->chunks + first, t->chunk_count - first);
}

/* Cuts what is trained into runs of one rule, and those into chunks. */
static void cut_chunks(ffn_trainer *t, bool join)
{
    const size_t count = t->model->parameter_count;
    t->chunk_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!t->plan->has_gradient[i]) continue;
        const size_t first = t->model->parameters[i].offset;
        const ffn__gradient_rule rule = rule_of(t, i);
        if (!join) {
            add_runs(t, &t->model->parameters[i], rule);
            continue;
        }
        for (; i + 1 < count && t->plan->has_gradient[i + 1]; i++) {
            const ffn__gradient_rule next = rule_of(t, i + 1);
            if (!same_rule(&rule, &next)) break;
        }
        const size_t end = t->model->parameters[i].offset + ffn__pad(t->model->parameters[i].stored);
        add_chunks(t, first, end, rule);
    }
}

static ffn_status make_chunks(ffn_trainer *t, ffn_error *error)
{
    const bool join = keeps_padding(t);
    cut_chunks(t, join);
    t->chunks = ffn__alloc_objects(t->chunk_count, sizeof(*t->chunks), error);
    if (!t->chunks) return FFN_OUT_OF_MEMORY;
    cut_chunks(t, join);
    return FFN_OK;
}

static ffn_status make_state(ffn_trainer *t, ffn_error *error)
{
    const ffn_optimizer *o = &t->options.optimizer;
    size_t size;
    t->slots = o->ops->slots ? o->ops->slots(o) : 0;
    if (!ffn__multiply(t->slots, t->model->value_count, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "the state of %s does not fit this machine's memory", o->ops->name);
    if (t->slots == 0) return FFN_OK;
    t->state = ffn__alloc(size, sizeof(float), error);
    if (!t->state) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < t->model->parameter_count && o->ops->initial_state; i++) {
        const ffn__parameter *p = &t->model->parameters[i];
        ffn_optimizer own = *o; /* rprop's steps begin with the layer's rate */
        own.learning_rate *= t->model->layers[p->layer].rate;
        for (size_t slot = 0; slot < t->slots; slot++) {
            const float initial = o->ops->initial_state(&own, slot);
            float *state = t->state + slot * t->model->value_count + p->offset;
            for (size_t k = 0; k < ffn__pad(p->stored); k++) state[k] = initial;
        }
    }
    return FFN_OK;
}

/* Whether the optimizer's state or weights become smaller by themselves. */
static bool decays(const ffn_trainer *t)
{
    bool any = t->slots > 0;
    for (size_t i = 0; i < t->chunk_count; i++) {
        const ffn__gradient_rule *rule = &t->chunks[i].rule;
        any |= rule->l1 > 0 || rule->l2 > 0 || rule->decay > 0;
    }
    return any;
}

/* Whether all that an update does is w -= rate g. */
static bool descends_plainly(const ffn_trainer *t)
{
    const ffn_fit_options *o = &t->options;
    bool plain = o->optimizer.ops == ffn_sgd(0).ops && o->clip_value == 0 && o->clip_norm <= 0 && !decays(t);
    for (size_t i = 0; i < t->chunk_count; i++) plain &= t->chunks[i].rule.rate == 1;
    return plain;
}

static ffn_status copy_class_weights(ffn_trainer *t, ffn_error *error)
{
    ffn_loss *loss = &t->options.loss;
    if (!loss->class_weights || loss->classes == 0) return FFN_OK;
    t->class_weights = ffn__alloc(loss->classes, sizeof(float), error);
    if (!t->class_weights) return FFN_OUT_OF_MEMORY;
    memcpy(t->class_weights, loss->class_weights, loss->classes * sizeof(float));
    loss->class_weights = t->class_weights;
    return FFN_OK;
}

static ffn_status fill(ffn_trainer *t, const ffn_fit_options *options, ffn_error *error)
{
    ffn_status status = ffn__options_resolve(t->model, options, &t->options, error);
    if (status == FFN_OK) status = copy_class_weights(t, error);
    if (status != FFN_OK) return status;
    t->base_rate = t->options.optimizer.learning_rate;
    t->schedule = ffn__schedule_start();
    t->plan = ffn_plan_create(
        t->model,
        (ffn_plan_options){.max_batch = t->options.batch_size, .training = true, .threads = t->options.threads}, error);
    if (!t->plan) return FFN_OUT_OF_MEMORY;
    t->plan->seed = t->options.seed;
    status = make_state(t, error);
    if (status == FFN_OK) status = make_chunks(t, error);
    if (status != FFN_OK) return status;
    t->limits_norms = ffn__limits_norms(t);
    t->decays = decays(t);
    t->descends_plainly = descends_plainly(t);
    if (t->options.optimizer.ops == &ffn__lbfgs_ops && t->plan->gradients) {
        t->lbfgs = ffn__lbfgs_create(t, error);
        if (!t->lbfgs) return FFN_OUT_OF_MEMORY;
    }
    if (t->options.average_decay == 0 && t->options.average_epoch == 0) return FFN_OK;
    t->averages = ffn__alloc(t->model->value_count, sizeof(float), error);
    return t->averages ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn_trainer *ffn_trainer_create(ffn_model *model, const ffn_fit_options *options, ffn_error *error)
{
    if (ffn__model_check_built(model, error) != FFN_OK) return NULL;
    ffn_trainer *t = ffn__alloc_objects(1, sizeof(*t), error);
    if (!t) return NULL;
    t->model = model;
    if (fill(t, options, error) == FFN_OK) return t;
    ffn_trainer_destroy(t);
    return NULL;
}

void ffn_trainer_destroy(ffn_trainer *t)
{
    if (!t) return;
    ffn_plan_destroy(t->plan);
    ffn__free(t->class_weights);
    ffn__free(t->state);
    ffn__free(t->averages);
    ffn__lbfgs_destroy(t->lbfgs);
    ffn__free(t->chunks);
    ffn__free(t);
}

ffn_plan *ffn_trainer_plan(ffn_trainer *t) { return t ? t->plan : NULL; }

size_t ffn__trainer_memory(const ffn_trainer *t)
{
    const size_t blocks = 1 + t->slots + (t->averages ? 1 : 0);
    return ffn_plan_memory(t->plan) + blocks * t->model->value_count * sizeof(float) + ffn__lbfgs_memory(t);
}

/* ---- rate ------------------------------------------------------------------------------------------------------ */

static double rate_in_force(const ffn_trainer *t)
{
    return ffn__schedule_rate(&t->options.schedule, &t->schedule, (double)t->base_rate, t->updates);
}

void ffn_trainer_set_learning_rate(ffn_trainer *t, float rate)
{
    if (t && rate >= 0 && rate < INFINITY) t->base_rate = rate;
}

float ffn_trainer_learning_rate(const ffn_trainer *t) { return t ? (float)rate_in_force(t) : (float)NAN; }

void ffn_trainer_report(ffn_trainer *t, double metric)
{
    if (t) ffn__schedule_report(&t->options.schedule, &t->schedule, metric);
}

/* ---- update ---------------------------------------------------------------------------------------------------- */

/* One update of all weights. */
typedef struct update_job {
    ffn_trainer *trainer;
    ffn_update update;
    float scale;             /* of clipping by the norm */
    atomic_size_t failed_at; /* where in the block a new weight would not be finite; SIZE_MAX: nowhere */
} update_job;

static void check_chunk(void *context, size_t index)
{
    ffn_trainer *t = ((update_job *)context)->trainer;
    ffn__chunk *chunk = &t->chunks[index];
    const float *g = t->plan->gradients + chunk->offset;
    if (t->options.clip_norm > 0) {
        chunk->sum_squares = ffn__gradient_sum_squares(&chunk->rule, chunk->size, t->model->values + chunk->offset, g);
        chunk->finite = isfinite(chunk->sum_squares);
    } else {
        chunk->finite = ffn__tensor()->all_finite(chunk->size, g);
    }
}

/* A block of the optimizer's state; NULL: there are fewer. */
static float *slot_of(const ffn_trainer *t, size_t slot)
{
    return slot < t->slots ? t->state + slot * t->model->value_count : NULL;
}

/* Updates size weights from offset on in the block by the gradient g [size]; false if one would not be finite. */
static bool update_values(const ffn_trainer *t, const ffn_update *update, const ffn__gradient_rule *rule, size_t offset,
                          size_t size, const float *g)
{
    float *state[FFN_MAX_SLOTS];
    for (size_t slot = 0; slot < t->slots; slot++) state[slot] = slot_of(t, slot) + offset;
    return ffn__optimizer_update(&t->options.optimizer, update, rule, size, t->model->values + offset, g, state);
}

/* The same for a part that has a rate or a decay of its own, or whose gradient is scaled. */
static bool update_otherwise(const update_job *job, ffn__gradient_rule rule, size_t offset, size_t size, const float *g)
{
    ffn_update update = job->update;
    update.rate *= (double)rule.rate;
    if (job->trainer->options.optimizer.ops->decoupled_decay) {
        update.decay = rule.decay;
        rule.decay = 0;
    }
    rule.scale = job->scale;
    return update_values(job->trainer, &update, &rule, offset, size, g);
}

/* The same for any part. */
static bool update_by_rule(const update_job *job, const ffn__gradient_rule *rule, size_t offset, size_t size,
                           const float *g)
{
    const ffn_trainer *t = job->trainer;
    if (rule->rate == 0) return true; /* said here, since not every optimizer's step follows the rate */
    const bool plain = rule->rate == 1 && job->scale == 1 && !t->options.optimizer.ops->decoupled_decay;
    return plain ? update_values(t, &job->update, rule, offset, size, g)
                 : update_otherwise(job, *rule, offset, size, g);
}

/* The same for a part that is all under one rule; a failure is noted. */
static void update_part(update_job *job, const ffn__gradient_rule *rule, size_t offset, size_t size, const float *g)
{
    const ffn_trainer *t = job->trainer;
    const ffn_optimizer *o = &t->options.optimizer;
    if (t->descends_plainly ? o->ops->guarded_step(o, &job->update, size, t->model->values + offset, g, NULL)
                            : update_by_rule(job, rule, offset, size, g))
        return;
    size_t first = atomic_load(&job->failed_at);
    while (offset < first && !atomic_compare_exchange_weak(&job->failed_at, &first, offset)) {}
}

static void update_chunk(void *context, size_t index)
{
    update_job *job = context;
    const ffn__chunk *chunk = &job->trainer->chunks[index];
    update_part(job, &chunk->rule, chunk->offset, chunk->size, job->trainer->plan->gradients + chunk->offset);
}

/* The last chunk that begins at or before offset. */
static const ffn__chunk *find_chunk(const ffn_trainer *t, size_t offset)
{
    size_t low = 0, high = t->chunk_count;
    const size_t likely = (offset - t->chunks[0].offset) / CHUNK; /* it is where nothing lies between chunks */
    if (likely < high && offset - t->chunks[likely].offset < t->chunks[likely].size) return &t->chunks[likely];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (t->chunks[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return &t->chunks[low];
}

/* A part of the gradient that backward has just completed. */
static void update_ready(void *context, const float *place, const float *values, size_t count)
{
    update_job *job = context;
    const ffn_trainer *t = job->trainer;
    const size_t begin = (size_t)(place - t->plan->gradients), end = begin + count;
    for (const ffn__chunk *c = find_chunk(t, begin); c < t->chunks + t->chunk_count && c->offset < end; c++) {
        const size_t first = c->offset > begin ? c->offset : begin, chunk_end = c->offset + c->size;
        const size_t last = chunk_end < end ? chunk_end : end;
        if (first < last) update_part(job, &c->rule, first, last - first, values + (first - begin));
    }
}

/* The name of the first parameter that has a value in `block`, laid out as the model's, that is not finite. */
static const char *name_not_finite(const ffn_trainer *t, const float *block)
{
    for (size_t i = 0; i < t->model->parameter_count; i++) {
        const ffn__parameter *p = &t->model->parameters[i];
        if (!ffn__tensor()->all_finite(p->stored, block + p->offset)) return p->name;
    }
    return "a parameter";
}

/* The name of the parameter that this place of the block belongs to. */
static const char *name_place(const ffn_trainer *t, size_t offset)
{
    size_t i = 0;
    while (i + 1 < t->model->parameter_count && t->model->parameters[i + 1].offset <= offset) i++;
    return t->model->parameters[i].name;
}

static bool needs_check(const ffn_trainer *t)
{
    return t->options.clip_norm > 0 || !atomic_load(&t->plan->gradients_finite);
}

/* Refuses gradients that are not finite; sets what clipping by the norm scales them with. */
static ffn_status check_gradients(update_job *job, ffn_error *error)
{
    ffn_trainer *t = job->trainer;
    double sum = 0;
    ffn__parallel(t->options.threads, t->chunk_count, CHECK_WORK * (double)t->model->value_count, check_chunk, job);
    for (size_t i = 0; i < t->chunk_count; i++) {
        sum += t->chunks[i].sum_squares;
        if (!t->chunks[i].finite)
            return ffn_fail(error, FFN_DIVERGED,
                            "update %zu: the gradient of %s is not finite; the weights are those before",
                            t->updates + 1, name_not_finite(t, t->plan->gradients));
    }
    const double limit = (double)t->options.clip_norm, norm = limit > 0 ? sqrt(sum) + 1e-6 : 0;
    if (norm > limit) job->scale = (float)(limit / norm);
    return FFN_OK;
}

/* Field by field, here and in ffn__update_begin: a copy of what has just been written would wait for it. */
static void begin_update(update_job *job, ffn_trainer *t)
{
    job->trainer = t;
    job->scale = 1;
    atomic_init(&job->failed_at, SIZE_MAX);
    ffn__update_begin(&job->update, &t->options.optimizer, t->updates, rate_in_force(t));
}

static ffn_status end_update(update_job *job, ffn_error *error)
{
    ffn_trainer *t = job->trainer;
    const size_t failed_at = atomic_load(&job->failed_at);
    t->updates++;
    ffn__settle(t);
    if (failed_at == SIZE_MAX) return FFN_OK;
    return ffn_fail(error, FFN_DIVERGED,
                    "update %zu: a new weight in or after %s would not be finite (learning rate %g); such weights keep "
                    "their old values",
                    t->updates, name_place(t, failed_at), job->update.rate);
}

/* Updates by the gradients in the plan. */
static ffn_status apply(update_job *job, ffn_error *error)
{
    ffn_trainer *t = job->trainer;
    const ffn_status status = needs_check(t) ? check_gradients(job, error) : FFN_OK;
    if (status != FFN_OK) ffn__states_discard(t->plan);
    if (status != FFN_OK) return status;
    if (!t->lbfgs)
        ffn__parallel(t->options.threads, t->chunk_count, UPDATE_WORK * (double)t->model->value_count, update_chunk,
                      job);
    else if (!ffn__lbfgs_apply(t, job->update.rate))
        atomic_store(&job->failed_at, 0);
    return end_update(job, error);
}

ffn_status ffn_trainer_apply(ffn_trainer *t, ffn_error *error)
{
    if (!t) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_apply: the trainer is NULL");
    const uint64_t mode = ffn__flush_denormals();
    update_job job;
    begin_update(&job, t);
    const ffn_status status = apply(&job, error);
    ffn__restore_denormals(mode);
    return status;
}

/* ---- step ------------------------------------------------------------------------------------------------------ */

static ffn_status diverged(ffn_trainer *t, const float *x, size_t rows, double loss, ffn_error *error)
{
    const char *layer = ffn__plan_locate(t->plan, x, rows);
    ffn__states_discard(t->plan);
    return ffn_fail(
        error, FFN_DIVERGED,
        "update %zu: the loss is %g; the first output that is not finite is that of %s; the weights are those before",
        t->updates + 1, isnan(loss) ? (double)NAN : loss /* without a sign */, layer ? layer : "the loss itself");
}

/* An update by L-BFGS, which looks for a step that makes this batch's loss fall. */
static ffn_status search(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                         ffn_error *error)
{
    bool updated;
    update_job job;
    begin_update(&job, t);
    const double value = ffn__backward_early(t->plan, &t->options.loss, targets, NULL, &updated);
    if (loss) *loss = value;
    if (!isfinite(value)) return diverged(t, x, rows, value, error);
    const ffn_status status = needs_check(t) ? check_gradients(&job, error) : FFN_OK;
    if (status != FFN_OK) return status;
    ffn__lbfgs_search(t, job.update.rate, value, x, targets, rows);
    return end_update(&job, error);
}

/* Updates by what is pending. */
static ffn_status flush(ffn_trainer *t, ffn_error *error)
{
    update_job job;
    ffn__close_pending(t);
    begin_update(&job, t);
    return apply(&job, error);
}

/* A batch of several that make one update. */
static ffn_status accumulate(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                             ffn_error *error)
{
    bool updated;
    ffn_plan_accumulate(t->plan, t->pending > 0);
    t->plan->sums = true;
    const double value = ffn__backward_early(t->plan, &t->options.loss, targets, NULL, &updated);
    t->plan->sums = false;
    if (loss) *loss = value;
    if (!isfinite(value)) {
        ffn__drop_pending(t);
        return diverged(t, x, rows, value, error);
    }
    t->pending_weight += t->plan->loss_weight;
    return ++t->pending < t->options.accumulate ? FFN_OK : flush(t, error);
}

ffn_status ffn_trainer_flush(ffn_trainer *t, ffn_error *error)
{
    if (!t) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_flush: the trainer is NULL");
    if (t->pending == 0) return FFN_OK;
    const uint64_t mode = ffn__flush_denormals();
    const ffn_status status = flush(t, error);
    ffn__restore_denormals(mode);
    return status;
}

/* An update by one batch, on the way where that can be. The norm of all gradients is known only when all are there. */
static ffn_status descend(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                          ffn_error *error)
{
    update_job job;
    ffn__gradient_reader reader;
    const bool early = t->plan->can_update_early && t->options.clip_norm <= 0;
    bool updated;
    begin_update(&job, t);
    if (early)
        reader = (ffn__gradient_reader){.ready = update_ready,
                                        .context = &job,
                                        .fetch = {t->model->values, slot_of(t, 0), slot_of(t, 1)},
                                        .weights = t->descends_plainly ? t->model->values : NULL,
                                        .rate = (float)job.update.rate};
    const double value = ffn__backward_early(t->plan, &t->options.loss, targets, early ? &reader : NULL, &updated);
    if (loss) *loss = value;
    return updated           ? end_update(&job, error)
           : isfinite(value) ? apply(&job, error)
                             : diverged(t, x, rows, value, error);
}

/* Whether a step may meet numbers on their way to 0, which processors are slow to work with: states and weights that decay
 * become ever smaller. Without them it is not worth switching the processor's mode twice for a single row along a chain of
 * narrow layers, which takes a third of such a step. */
static bool meets_denormals(const ffn_trainer *t, size_t rows)
{
    return t->decays || !ffn__plan_is_short(t->plan, rows);
}

ffn_status ffn__trainer_run(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                            ffn_error *error)
{
    const bool flushes = meets_denormals(t, rows);
    const uint64_t mode = flushes ? ffn__flush_denormals() : 0;
    t->plan->gradients_by_hand = false;
    t->scores = ffn__forward_for_loss(t->plan, &t->options.loss, x, rows);
    const ffn_status status = t->lbfgs                    ? search(t, x, targets, rows, loss, error)
                              : t->options.accumulate > 1 ? accumulate(t, x, targets, rows, loss, error)
                                                          : descend(t, x, targets, rows, loss, error);
    if (flushes) ffn__restore_denormals(mode);
    return status;
}

static ffn_status check_x(const ffn_trainer *t, const float *x, size_t rows, ffn_error *error)
{
    const size_t features = t->plan->input_size;
    if (ffn__tensor()->all_finite(rows * features, x)) return FFN_OK;
    size_t i = 0;
    while (isfinite(x[i])) i++;
    return ffn_fail(error, FFN_INVALID_ARGUMENT,
                    "ffn_trainer_step: x, row %zu, feature %zu is %g; expected a finite number", i / features,
                    i % features, (double)x[i]);
}

static ffn_status check_row_weights(const ffn_plan *plan, size_t rows, ffn_error *error)
{
    for (size_t r = 0; r < rows; r++)
        if (!(plan->row_weights[r] >= 0 && plan->row_weights[r] < INFINITY))
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "ffn_trainer_step: the weight of row %zu is %g; expected a finite number of 0 or more", r,
                            (double)plan->row_weights[r]);
    return FFN_OK;
}

ffn_status ffn_trainer_step(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                            ffn_error *error)
{
    if (!t || !x || !targets)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_step: %s NULL",
                        !t   ? "the trainer is"
                        : !x ? "x is"
                             : "the targets are");
    if (rows == 0 || rows > t->options.batch_size)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_step: %zu rows; expected 1 to batch_size, %zu", rows,
                        t->options.batch_size);
    ffn_status status = FFN_OK;
    if (t->plan->next_states.states) status = ffn__states_check_rows(t->plan, rows, "ffn_trainer_step:", error);
    if (status == FFN_OK) status = check_x(t, x, rows, error);
    if (status == FFN_OK && t->plan->row_weights) status = check_row_weights(t->plan, rows, error);
    if (status == FFN_OK)
        status = ffn__targets_check(&t->options.loss, t->model->output_cols, rows * t->model->output_rows, targets, 0,
                                    error);
    return status == FFN_OK ? ffn__trainer_run(t, x, targets, rows, loss, error) : status;
}
