/* What a checkpoint holds, as tables, and writing it. */
#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "io/model_file.h"
#include "train/lbfgs.h"

#define NUMBER(type, name) #name, FFN_FIELD_##type, offsetof(ffn__trainer_numbers, name), 0, 0
const ffn_field ffn__trainer_fields[FFN__TRAINER_FIELDS] = {
    {NUMBER(UINT64, seed)},        {NUMBER(SIZE, accumulate)},
    {NUMBER(SIZE, slots)},         {NUMBER(SIZE, history)},
    {NUMBER(BOOL, averages)},      {NUMBER(FLOAT, base_rate)},
    {NUMBER(DOUBLE, scale)},       {NUMBER(DOUBLE, best)},
    {NUMBER(SIZE, bad)},           {NUMBER(SIZE, updates)},
    {NUMBER(SIZE, forwards)},      {NUMBER(SIZE, pending)},
    {NUMBER(SIZE, averaged)},      {NUMBER(DOUBLE, pending_weight)},
    {NUMBER(BOOL, states_begun)},  {NUMBER(BOOL, gradients)},
    {NUMBER(BOOL, adds)},          {NUMBER(BOOL, lbfgs_begun)},
    {NUMBER(SIZE, lbfgs_count)},   {NUMBER(SIZE, lbfgs_next)},
    {NUMBER(DOUBLE, lbfgs_scale)},
};
#undef NUMBER

#define NUMBER(type, name) #name, FFN_FIELD_##type, offsetof(ffn__fit_state, name), 0, 0
const ffn_field ffn__fit_fields[FFN__FIT_FIELDS] = {
    {NUMBER(SIZE, data_rows)},  {NUMBER(SIZE, validation_rows)}, {NUMBER(SIZE, batch_size)},
    {NUMBER(BOOL, keep_order)}, {NUMBER(SIZE, epoch)},           {NUMBER(SIZE, batch)},
    {NUMBER(SIZE, rows)},       {NUMBER(DOUBLE, right)},         {NUMBER(DOUBLE, loss_sum)},
    {NUMBER(DOUBLE, loss)},     {NUMBER(DOUBLE, accuracy)},      {NUMBER(DOUBLE, learning_rate)},
    {NUMBER(DOUBLE, seconds)},  {NUMBER(DOUBLE, epoch_seconds)}, {NUMBER(DOUBLE, best_figure)},
    {NUMBER(SIZE, best_epoch)}, {NUMBER(DOUBLE, loss_weight)},
};
#undef NUMBER

ffn__trainer_numbers ffn__trainer_gather(const ffn_trainer *t)
{
    ffn__trainer_numbers n = {.seed = t->plan->seed,
                              .accumulate = t->options.accumulate,
                              .slots = t->slots,
                              .averages = t->averages != NULL,
                              .base_rate = t->base_rate,
                              .scale = t->schedule.scale,
                              .best = t->schedule.best,
                              .bad = t->schedule.bad,
                              .updates = t->updates,
                              .forwards = t->plan->forwards,
                              .pending = t->pending,
                              .averaged = t->averaged,
                              .pending_weight = t->pending_weight,
                              .states_begun = t->plan->next_states.begun,
                              .gradients = t->plan->gradients && t->plan->gradients_by_hand,
                              .adds = t->plan->accumulate};
    const ffn__lbfgs *l = t->lbfgs;
    if (!l) return n;
    n.history = l->history;
    n.lbfgs_begun = l->begun;
    n.lbfgs_count = l->count;
    n.lbfgs_next = l->next;
    n.lbfgs_scale = l->scale;
    return n;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

typedef struct walk {
    ffn_status (*visit)(void *context, const ffn__trainer_block *block);
    void *context;
    ffn_status status;
} walk;

static void show(walk *w, const char *name, size_t number, float *values)
{
    ffn__trainer_block block = {.values = values};
    (void)snprintf(block.prefix, sizeof block.prefix, "ffn.%s%zu.", name, number);
    if (w->status == FFN_OK) w->status = w->visit(w->context, &block);
}

ffn_status ffn__trainer_blocks(const ffn_trainer *t, const ffn__trainer_numbers *n, const ffn__fit_state *fit,
                               ffn_status (*visit)(void *context, const ffn__trainer_block *block), void *context)
{
    walk w = {visit, context, FFN_OK};
    const ffn__lbfgs *l = t->lbfgs;
    for (size_t i = 0; i < t->slots; i++) show(&w, "state", i, t->state + i * t->model->value_count);
    if (t->averages && n->averaged > 0) show(&w, "average", 0, t->averages);
    if (t->plan->gradients && (n->pending > 0 || n->gradients)) show(&w, "gradient", 0, t->plan->gradients);
    if (l && n->lbfgs_begun) {
        show(&w, "lbfgs_weights", 0, l->weights);
        show(&w, "lbfgs_gradient", 0, l->gradient);
        for (size_t i = 0; i < n->lbfgs_count; i++) {
            show(&w, "lbfgs_step", i, l->steps + i * l->size);
            show(&w, "lbfgs_change", i, l->changes + i * l->size);
        }
    }
    if (fit && fit->best && fit->best_epoch > 0) show(&w, "best", 0, fit->best);
    return w.status;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

typedef struct saving {
    const ffn_trainer *trainer;
    ffn__safetensors_writer writer;
    ffn_error *error;
} saving;

static ffn_status add_block(void *context, const ffn__trainer_block *block)
{
    saving *s = context;
    ffn__block_write(s->trainer->model, block->values, block->prefix, &s->writer, s->error);
    return s->writer.status;
}

/* States that the next update is to commit. */
static void add_states(saving *s)
{
    const ffn__next_states *next = &s->trainer->plan->next_states;
    for (size_t i = 0; next->begun && i < next->count; i++) {
        const ffn__parameter *p = &s->trainer->model->parameters[next->states[i].parameter];
        ffn__safetensors_add(&s->writer, "ffn.next.", p->name, p->shape, next->values + next->states[i].offset, NULL,
                             s->error);
    }
}

static void put_string(ffn__text *t, const char *key, const char *value)
{
    ffn__json_key(t, key);
    ffn__json_string(t, value, strlen(value));
}

static ffn_status add_notes(saving *s, const ffn__fit_state *fit)
{
    const ffn_trainer *t = s->trainer;
    const ffn__trainer_numbers n = ffn__trainer_gather(t);
    ffn__text trainer = {0}, position = {0};
    ffn__json_open(&trainer, '{');
    put_string(&trainer, "optimizer", t->options.optimizer.ops->name);
    put_string(&trainer, "schedule", t->options.schedule.ops->name);
    put_string(&trainer, "loss", t->options.loss.ops->name);
    ffn__json_key(&trainer, "numbers");
    ffn_status status =
        ffn__json_put_fields(&trainer, ffn__trainer_fields, FFN__TRAINER_FIELDS, &n, NULL, NULL, "trainer", s->error);
    ffn__json_close(&trainer, '}');
    if (status == FFN_OK && fit)
        status = ffn__json_put_fields(&position, ffn__fit_fields, FFN__FIT_FIELDS, fit, NULL, NULL, "fit", s->error);
    ffn__safetensors_note_add(&s->writer, "ffn.trainer", &trainer);
    if (fit) ffn__safetensors_note_add(&s->writer, "ffn.fit", &position);
    ffn__text_destroy(&trainer);
    ffn__text_destroy(&position);
    return status;
}

static ffn_status gather(saving *s, const ffn__fit_state *fit)
{
    const ffn_trainer *t = s->trainer;
    const ffn__trainer_numbers n = ffn__trainer_gather(t);
    ffn_status status = ffn__model_write(t->model, &ffn__any_kinds, &s->writer, s->error);
    if (status == FFN_OK) status = add_notes(s, fit);
    if (status == FFN_OK) status = ffn__trainer_blocks(t, &n, fit, add_block, s);
    if (status != FFN_OK) return status;
    add_states(s);
    if (n.lbfgs_count > 0)
        ffn__safetensors_add_doubles(&s->writer, "ffn.lbfgs_inverse", ffn_shape_1d(n.lbfgs_count), t->lbfgs->inverse,
                                     s->error);
    if (fit && fit->history->epochs > 0)
        ffn__safetensors_add_doubles(&s->writer, "ffn.history", ffn_shape_2d(fit->history->epochs, FFN__EPOCH_FIGURES),
                                     &fit->history->epoch->loss, s->error);
    return s->writer.status;
}

ffn_status ffn__checkpoint_check(const ffn_trainer *trainer, ffn_error *error)
{
    saving s = {.trainer = trainer, .error = error};
    const ffn_status status = gather(&s, NULL);
    ffn__safetensors_writer_destroy(&s.writer);
    return status;
}

ffn_status ffn__checkpoint_save(const ffn_trainer *trainer, const ffn__fit_state *fit, const char *path,
                                ffn_error *error)
{
    saving s = {.trainer = trainer, .error = error};
    ffn_status status = gather(&s, fit);
    if (status == FFN_OK) status = ffn__safetensors_save(&s.writer, path, error);
    ffn__safetensors_writer_destroy(&s.writer);
    return status;
}

ffn_status ffn__checkpoint_save_memory(const ffn_trainer *trainer, const ffn__fit_state *fit, void **bytes,
                                       size_t *size, ffn_error *error)
{
    saving s = {.trainer = trainer, .error = error};
    ffn__text text = {0};
    const ffn__sink sink = {ffn__write_to_memory, &text};
    ffn_status status = gather(&s, fit);
    if (status == FFN_OK) status = ffn__safetensors_write(&s.writer, &sink, error);
    ffn__safetensors_writer_destroy(&s.writer);
    if (status != FFN_OK) {
        ffn__text_destroy(&text);
        return status;
    }
    *bytes = text.bytes;
    *size = text.length;
    return FFN_OK;
}

ffn_status ffn_trainer_save(const ffn_trainer *trainer, const char *path, ffn_error *error)
{
    if (!trainer || !path)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_save: the %s is NULL", trainer ? "path" : "trainer");
    return ffn__checkpoint_save(trainer, NULL, path, error);
}
