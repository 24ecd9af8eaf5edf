/* The trainer: one plan, the optimizer's state, and updates that never let a number that is not finite into the weights. */
#include <math.h>
#include <string.h>

#include "train/train.h"

enum { CHUNK = 16384 }; /* floats: enough work for a thread, few enough to share a layer */
/* Floating-point operations that an element's update is worth, and a sum's. */
static const double UPDATE_WORK = 30, SUM_WORK = 6;

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static size_t count_chunks(const ffn_trainer *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->model->parameter_count; i++)
        if (t->plan->has_gradient[i]) count += (t->model->parameters[i].size + CHUNK - 1) / CHUNK;
    return count;
}

static ffn_status cut_chunks(ffn_trainer *t, ffn_error *error)
{
    t->chunks = ffn__alloc(count_chunks(t), sizeof(*t->chunks), error);
    t->rules = ffn__alloc(t->model->parameter_count, sizeof(*t->rules), error);
    if (!t->chunks || !t->rules) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < t->model->parameter_count; i++) {
        const ffn__parameter *p = &t->model->parameters[i];
        const ffn__layer *layer = &t->model->layers[p->layer];
        const ffn_optimizer *o = &t->options.optimizer;
        const bool weight = p->role == FFN_WEIGHT;
        t->rules[i] = (ffn__gradient_rule){.l1 = weight ? t->options.l1 + layer->l1 : 0,
                                           .l2 = weight ? t->options.l2 + layer->l2 : 0,
                                           .scale = 1,
                                           .clip_value = t->options.clip_value,
                                           .decay = weight || !o->spare_biases ? o->weight_decay : 0};
        for (size_t at = 0; t->plan->has_gradient[i] && at < p->size; at += CHUNK)
            t->chunks[t->chunk_count++] = (ffn__chunk){
                .parameter = i, .offset = p->offset + at, .size = p->size - at < CHUNK ? p->size - at : CHUNK};
    }
    return FFN_OK;
}

static ffn_status make_state(ffn_trainer *t, ffn_error *error)
{
    const ffn_optimizer *o = &t->options.optimizer;
    size_t size;
    t->slots = o->ops->slots(o);
    if (t->slots > FFN_MAX_SLOTS)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s wants %zu slots of state; expected at most %d", o->ops->name,
                        t->slots, FFN_MAX_SLOTS);
    if (!ffn__multiply(t->slots, t->model->value_count, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "the state of %s does not fit this machine's memory", o->ops->name);
    t->state = ffn__alloc(size, sizeof(float), error);
    if (!t->state) return FFN_OUT_OF_MEMORY;
    for (size_t slot = 0; slot < t->slots && o->ops->initial_state; slot++) {
        const float initial = o->ops->initial_state(o, slot);
        float *state = t->state + slot * t->model->value_count;
        for (size_t i = 0; i < t->model->value_count; i++) state[i] = initial;
    }
    return FFN_OK;
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
    status = cut_chunks(t, error);
    if (status == FFN_OK) status = make_state(t, error);
    return status;
}

ffn_trainer *ffn_trainer_create(ffn_model *model, const ffn_fit_options *options, ffn_error *error)
{
    if (ffn__model_check_built(model, error) != FFN_OK) return NULL;
    ffn_trainer *t = ffn__alloc(1, sizeof(*t), error);
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
    ffn__free(t->rules);
    ffn__free(t->chunks);
    ffn__free(t);
}

ffn_plan *ffn_trainer_plan(ffn_trainer *t) { return t ? t->plan : NULL; }

/* ---- rate --------------------------------------------------------------------------------------------------------------- */

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

/* ---- update ------------------------------------------------------------------------------------------------------------- */

typedef struct update_job {
    ffn_trainer *trainer;
    ffn_update update;
} update_job;

static void sum_chunk(void *context, size_t index)
{
    ffn_trainer *t = ((update_job *)context)->trainer;
    ffn__chunk *chunk = &t->chunks[index];
    chunk->sum_squares = ffn__gradient_sum_squares(
        &t->rules[chunk->parameter], chunk->size, t->model->values + chunk->offset, t->plan->gradients + chunk->offset);
}

static void update_chunk(void *context, size_t index)
{
    const update_job *job = context;
    ffn_trainer *t = job->trainer;
    ffn__chunk *chunk = &t->chunks[index];
    ffn__gradient_rule rule = t->rules[chunk->parameter];
    ffn_update update = job->update;
    if (t->options.optimizer.ops->decoupled_decay) {
        update.decay = rule.decay;
        rule.decay = 0;
    }
    float *state[FFN_MAX_SLOTS] = {NULL};
    for (size_t slot = 0; slot < t->slots; slot++)
        state[slot] = t->state + slot * t->model->value_count + chunk->offset;
    chunk->finite = ffn__optimizer_update(&t->options.optimizer, &update, &rule, chunk->size,
                                          t->model->values + chunk->offset, t->plan->gradients + chunk->offset, state);
}

/* The global norm's square; names the parameter if a gradient is not finite. */
static ffn_status sum_gradients(ffn_trainer *t, double *sum, ffn_error *error)
{
    update_job job = {.trainer = t};
    ffn__parallel(t->options.threads, t->chunk_count, SUM_WORK * (double)t->model->value_count, sum_chunk, &job);
    *sum = 0;
    for (size_t i = 0; i < t->chunk_count; i++) {
        *sum += t->chunks[i].sum_squares;
        if (!isfinite(t->chunks[i].sum_squares))
            return ffn_fail(error, FFN_DIVERGED,
                            "update %zu: the gradient of %s is not finite; the weights are those before",
                            t->updates + 1, t->model->parameters[t->chunks[i].parameter].name);
    }
    return FFN_OK;
}

static ffn_status update_weights(ffn_trainer *t, ffn_error *error)
{
    update_job job = {.trainer = t, .update = {.count = t->updates, .rate = rate_in_force(t)}};
    ffn__parallel(t->options.threads, t->chunk_count, UPDATE_WORK * (double)t->model->value_count, update_chunk, &job);
    t->updates++;
    for (size_t i = 0; i < t->chunk_count; i++)
        if (!t->chunks[i].finite)
            return ffn_fail(
                error, FFN_DIVERGED,
                "update %zu: a new weight in %s would not be finite and keeps its old value (learning rate %g)",
                t->updates, t->model->parameters[t->chunks[i].parameter].name, job.update.rate);
    return FFN_OK;
}

static ffn_status apply(ffn_trainer *t, ffn_error *error)
{
    double sum;
    const ffn_status status = sum_gradients(t, &sum, error);
    if (status != FFN_OK) return status;
    float scale = 1;
    const double norm = sqrt(sum), limit = (double)t->options.clip_norm;
    if (limit > 0 && norm + 1e-6 > limit) scale = (float)(limit / (norm + 1e-6));
    for (size_t i = 0; i < t->model->parameter_count; i++) t->rules[i].scale = scale;
    const ffn_status updated = update_weights(t, error);
    for (size_t i = 0; i < t->model->parameter_count; i++) t->rules[i].scale = 1;
    return updated;
}

ffn_status ffn_trainer_apply(ffn_trainer *t, ffn_error *error)
{
    if (!t) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_apply: the trainer is NULL");
    const uint64_t mode = ffn__flush_denormals();
    const ffn_status status = apply(t, error);
    ffn__restore_denormals(mode);
    return status;
}

/* ---- step --------------------------------------------------------------------------------------------------------------- */

static ffn_status diverged(ffn_trainer *t, const float *x, size_t rows, double loss, ffn_error *error)
{
    const char *layer = ffn__plan_locate(t->plan, x, rows);
    return ffn_fail(
        error, FFN_DIVERGED,
        "update %zu: the loss is %g; the first output that is not finite is that of %s; the weights are those before",
        t->updates + 1, loss, layer ? layer : "the loss itself");
}

ffn_status ffn__trainer_run(ffn_trainer *t, const float *x, const float *targets, size_t rows, double *loss,
                            ffn_error *error)
{
    const uint64_t mode = ffn__flush_denormals();
    (void)ffn_forward(t->plan, x, rows);
    const double value = ffn_backward(t->plan, t->options.loss, targets);
    if (loss) *loss = value;
    const ffn_status status = isfinite(value) ? apply(t, error) : diverged(t, x, rows, value, error);
    ffn__restore_denormals(mode);
    return status;
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
    const size_t features = t->plan->input_size;
    if (!ffn__tensor()->all_finite(rows * features, x))
        for (size_t i = 0; i < rows * features; i++)
            if (!isfinite(x[i]))
                return ffn_fail(error, FFN_INVALID_ARGUMENT,
                                "ffn_trainer_step: x, row %zu, feature %zu is %g; expected a finite number",
                                i / features, i % features, (double)x[i]);
    const ffn_status status = ffn__targets_check(&t->options.loss, ffn__model_output_cols(t->model),
                                                 rows * ffn__model_output_rows(t->model), targets, 0, error);
    return status == FFN_OK ? ffn__trainer_run(t, x, targets, rows, loss, error) : status;
}
