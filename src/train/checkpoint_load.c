/* A checkpoint into a trainer that is there: all is checked and all memory had before the first change. */
#include <stdio.h>
#include <string.h>

#include "data/file.h"
#include "io/model_file.h"
#include "train/checkpoint.h"
#include "train/lbfgs.h"

typedef struct loading {
    ffn_trainer *trainer;
    ffn__fit_state *fit; /* NULL: a trainer alone */
    ffn__safetensors file;
    ffn__json_budget budget;
    ffn__trainer_numbers numbers; /* as the file has them, as is the next */
    ffn__fit_state position;
    float *scratch;
    ffn_epoch *epochs; /* of the history; owned */
    size_t epoch_count;
    double *inverse; /* owned */
    ffn_error *error;
} loading;

/* ---- what must be the same ------------------------------------------------------------------------------------- */

static ffn_status check_kind(const loading *l, const ffn__json *root, const char *key, const char *mine)
{
    const char *name;
    const ffn_status status = ffn__json_get_string(root, key, "ffn.trainer", &name, l->error);
    if (status != FFN_OK || strcmp(name, mine) == 0) return status;
    return ffn_fail(l->error, FFN_INVALID_ARGUMENT, "the checkpoint's %s is %.40s; that of the options is %.40s", key,
                    name, mine);
}

/* The first `count` fields of both structs. */
static ffn_status check_same(const loading *l, const ffn_field *fields, size_t count, const void *found,
                             const void *expected)
{
    for (size_t i = 0; i < count; i++) {
        ffn__text one = {0}, other = {0};
        (void)ffn__json_put_fields(&one, &fields[i], 1, found, NULL, NULL, "", NULL);
        (void)ffn__json_put_fields(&other, &fields[i], 1, expected, NULL, NULL, "", NULL);
        const bool failed = one.failed || other.failed;
        const bool same = !failed && one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
        ffn_status status = FFN_OK;
        if (failed)
            status = ffn_fail(l->error, FFN_OUT_OF_MEMORY, "out of memory for a checkpoint");
        else if (!same)
            status = ffn_fail(l->error, FFN_INVALID_ARGUMENT, "the checkpoint has %.*s; this training has %.*s",
                              (int)one.length, one.bytes, (int)other.length, other.bytes);
        ffn__text_destroy(&one);
        ffn__text_destroy(&other);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}

static ffn_status check_architecture(const loading *l)
{
    const ffn__note *note;
    ffn__text mine = {0};
    ffn_status status = ffn__check_format(&l->file, &note, l->error);
    if (status == FFN_OK) status = ffn__model_describe(l->trainer->model, &ffn__any_kinds, &mine, l->error);
    if (status == FFN_OK && mine.failed)
        status = ffn_fail(l->error, FFN_OUT_OF_MEMORY, "out of memory for a checkpoint");
    if (status == FFN_OK && (mine.length != note->size || memcmp(mine.bytes, note->value, mine.length) != 0))
        status = ffn_fail(l->error, FFN_SHAPE_MISMATCH,
                          "the checkpoint is of another architecture, or of layers with other settings");
    ffn__text_destroy(&mine);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static ffn_status read_note(loading *l, const char *key, const ffn__json **root)
{
    const ffn__note *note;
    *root = NULL;
    const ffn_status status = ffn__safetensors_note(&l->file, key, &note, l->error);
    if (status != FFN_OK) return status;
    if (!note)
        return ffn_fail(l->error, FFN_BAD_FORMAT, "the file has no %s: it is no checkpoint of this kind of training",
                        key);
    return ffn__json_parse(note->value, note->size, &l->budget, key, root, l->error);
}

/* The file's numbers are whole: what they index exists. */
static ffn_status check_numbers(const loading *l)
{
    const ffn__trainer_numbers *n = &l->numbers;
    const size_t pairs = l->trainer->lbfgs ? l->trainer->lbfgs->history : 0;
    const bool lbfgs = n->lbfgs_count <= pairs && (n->lbfgs_next < pairs || n->lbfgs_next == 0) &&
                       (n->lbfgs_count == pairs || n->lbfgs_next == n->lbfgs_count) && (!n->lbfgs_begun || pairs > 0);
    const bool pending = n->pending < n->accumulate && n->pending_weight >= 0 &&
                         ((n->pending == 0 && !n->gradients) || l->trainer->plan->gradients);
    if (lbfgs && pending && n->forwards <= UINT32_MAX && n->base_rate >= 0 && (n->averaged == 0 || n->averages))
        return FFN_OK;
    return ffn_fail(l->error, FFN_BAD_FORMAT, "the numbers of ffn.trainer do not go together");
}

static ffn_status read_trainer(loading *l)
{
    static const char *const known[] = {"optimizer", "schedule", "loss", "numbers"};
    const ffn_fit_options *o = &l->trainer->options;
    const ffn__trainer_numbers mine = ffn__trainer_gather(l->trainer);
    const ffn__json *numbers;
    const ffn__json *root;
    ffn_status status = read_note(l, "ffn.trainer", &root);
    if (status == FFN_OK) status = ffn__json_only(root, known, sizeof known / sizeof *known, "ffn.trainer", l->error);
    if (status == FFN_OK) status = check_kind(l, root, "optimizer", o->optimizer.ops->name);
    if (status == FFN_OK) status = check_kind(l, root, "schedule", o->schedule.ops->name);
    if (status == FFN_OK) status = check_kind(l, root, "loss", o->loss.ops->name);
    if (status == FFN_OK)
        status = ffn__json_member(root, "numbers", FFN__JSON_OBJECT, "ffn.trainer", &numbers, l->error);
    if (status == FFN_OK)
        status = ffn__json_get_fields(numbers, ffn__trainer_fields, FFN__TRAINER_FIELDS, &l->numbers, NULL,
                                      "ffn.trainer", l->error);
    ffn__free((void *)root);
    if (status == FFN_OK) status = check_same(l, ffn__trainer_fields, FFN__TRAINER_SAME, &l->numbers, &mine);
    return status == FFN_OK ? check_numbers(l) : status;
}

/* Best weights that this fit keeps must be there, once an epoch was the best. */
static ffn_status check_best(const loading *l)
{
    char name[256];
    if (!l->fit->best || l->position.best_epoch == 0 || l->trainer->model->parameter_count == 0) return FFN_OK;
    (void)snprintf(name, sizeof name, "ffn.best0.%s", l->trainer->model->parameters[0].name);
    if (ffn__safetensors_find(&l->file, name)) return FFN_OK;
    return ffn_fail(l->error, FFN_INVALID_ARGUMENT,
                    "restore_best is set; the checkpoint is of a training that did not keep its best weights");
}

static ffn_status read_fit(loading *l)
{
    const ffn__json *root;
    ffn_status status = read_note(l, "ffn.fit", &root);
    if (status == FFN_OK)
        status = ffn__json_get_fields(root, ffn__fit_fields, FFN__FIT_FIELDS, &l->position, NULL, "ffn.fit", l->error);
    ffn__free((void *)root);
    if (status == FFN_OK) status = check_same(l, ffn__fit_fields, FFN__FIT_SAME, &l->position, l->fit);
    if (status != FFN_OK) return status;
    const size_t batches = (l->fit->data_rows + l->fit->batch_size - 1) / l->fit->batch_size;
    if (l->position.epoch < 1 || l->position.batch > batches || l->position.best_epoch >= l->position.epoch)
        return ffn_fail(l->error, FFN_BAD_FORMAT, "the numbers of ffn.fit do not go together");
    l->epoch_count = l->position.epoch - 1;
    l->position.best = l->fit->best;
    return check_best(l);
}

/* Doubles of this shape; FFN_BAD_FORMAT if the file has none. */
static ffn_status read_doubles(const loading *l, const char *name, ffn_shape shape, double **values)
{
    const ffn__tensor_entry *entry =
        ffn__safetensors_find(&l->file, name); /* is it as large, before memory is taken? */
    if (entry && ffn_shape_equal(entry->shape, shape)) {
        *values = ffn__alloc(ffn_shape_size(shape), sizeof(double), l->error);
        if (!*values) return FFN_OUT_OF_MEMORY;
        if (ffn__safetensors_doubles(&l->file, name, shape, *values)) return FFN_OK;
    }
    return ffn_fail(l->error, FFN_BAD_FORMAT, "the checkpoint has no %s of the right shape", name);
}

static ffn_status check_block(void *context, const ffn__trainer_block *block)
{
    const loading *l = context;
    return ffn__block_check(l->trainer->model, &l->file, block->prefix, false, l->error);
}

static ffn_status check_states(const loading *l)
{
    const ffn_model *model = l->trainer->model;
    const ffn__next_states *next = &l->trainer->plan->next_states;
    for (size_t i = 0; l->numbers.states_begun && i < next->count; i++) {
        char name[256];
        const ffn__parameter *p = &model->parameters[next->states[i].parameter];
        (void)snprintf(name, sizeof name, "ffn.next.%s", p->name);
        const ffn__tensor_entry *entry = ffn__safetensors_find(&l->file, name);
        if (!entry || entry->element != &ffn__float32 || !ffn_shape_equal(entry->shape, p->shape))
            return ffn_fail(l->error, FFN_BAD_FORMAT, "the checkpoint has no %.120s of the right shape", name);
    }
    return FFN_OK;
}

/* Everything that can fail. */
static ffn_status prepare(loading *l)
{
    ffn_status status = check_architecture(l);
    if (status == FFN_OK) status = read_trainer(l);
    if (status == FFN_OK && l->fit) status = read_fit(l);
    if (status == FFN_OK) status = ffn__block_check(l->trainer->model, &l->file, "", true, l->error);
    if (status == FFN_OK)
        status = ffn__trainer_blocks(l->trainer, &l->numbers, l->fit ? &l->position : NULL, check_block, l);
    if (status == FFN_OK) status = check_states(l);
    if (status == FFN_OK && l->numbers.lbfgs_count > 0)
        status = read_doubles(l, "ffn.lbfgs_inverse", ffn_shape_1d(l->numbers.lbfgs_count), &l->inverse);
    if (status == FFN_OK && l->epoch_count > 0) {
        double *figures = NULL;
        status = read_doubles(l, "ffn.history", ffn_shape_2d(l->epoch_count, FFN__EPOCH_FIGURES), &figures);
        l->epochs = (ffn_epoch *)(void *)figures;
    }
    if (status != FFN_OK) return status;
    l->scratch = ffn__alloc(ffn__largest_parameter(l->trainer->model), sizeof(float), l->error);
    return l->scratch ? FFN_OK : FFN_OUT_OF_MEMORY;
}

/* ---- the change ------------------------------------------------------------------------------------------------ */

static ffn_status take_block(void *context, const ffn__trainer_block *block)
{
    const loading *l = context;
    ffn__block_read(l->trainer->model, &l->file, block->prefix, block->values, l->scratch);
    return FFN_OK;
}

static void take_states(const loading *l)
{
    ffn__next_states *next = &l->trainer->plan->next_states;
    next->begun = l->numbers.states_begun;
    for (size_t i = 0; next->begun && i < next->count; i++) {
        char name[256];
        (void)snprintf(name, sizeof name, "ffn.next.%s", l->trainer->model->parameters[next->states[i].parameter].name);
        ffn__safetensors_values(&l->file, ffn__safetensors_find(&l->file, name), next->values + next->states[i].offset);
    }
}

static void take_trainer(const loading *l)
{
    ffn_trainer *t = l->trainer;
    const ffn__trainer_numbers *n = &l->numbers;
    ffn__block_read(t->model, &l->file, "", t->model->values, l->scratch);
    (void)ffn__trainer_blocks(t, n, l->fit ? &l->position : NULL, take_block, (void *)l);
    take_states(l);
    t->base_rate = n->base_rate;
    t->schedule = (ffn_schedule_state){.scale = n->scale, .best = n->best, .bad = n->bad};
    t->updates = n->updates;
    t->plan->forwards = (uint32_t)n->forwards;
    t->pending = n->pending;
    t->pending_weight = n->pending_weight;
    t->averaged = n->averaged;
    t->plan->gradients_by_hand = n->gradients;
    atomic_store(&t->plan->gradients_finite, false); /* it has to be looked at */
    ffn_plan_accumulate(t->plan, n->adds);
    if (!t->lbfgs) return;
    t->lbfgs->begun = n->lbfgs_begun;
    t->lbfgs->count = n->lbfgs_count;
    t->lbfgs->next = n->lbfgs_next;
    t->lbfgs->scale = n->lbfgs_scale;
    if (l->inverse) memcpy(t->lbfgs->inverse, l->inverse, n->lbfgs_count * sizeof *l->inverse);
}

static void take_fit(loading *l)
{
    ffn_history *history = l->fit->history;
    *l->fit = l->position;
    l->fit->history = history;
    ffn__free(history->epoch);
    history->epoch = l->epochs;
    history->epochs = l->epoch_count;
    l->epochs = NULL;
}

static ffn_status load(loading *l, const void *bytes, size_t size)
{
    const ffn_file_limits limits = ffn__limits(NULL, size);
    ffn_status status = ffn__safetensors_read(&l->file, bytes, size, &limits, l->error);
    l->budget = ffn__json_budget_of(&limits, l->file.memory);
    if (status == FFN_OK) status = prepare(l);
    if (status == FFN_OK) take_trainer(l);
    if (status == FFN_OK && l->fit) take_fit(l);
    ffn__safetensors_destroy(&l->file);
    ffn__free(l->scratch);
    ffn__free(l->inverse);
    ffn__free(l->epochs);
    return status;
}

ffn_status ffn__checkpoint_load_memory(ffn_trainer *trainer, ffn__fit_state *fit, const void *bytes, size_t size,
                                       ffn_error *error)
{
    loading l = {.trainer = trainer, .fit = fit, .error = error};
    return load(&l, bytes, size);
}

ffn_status ffn__checkpoint_load(ffn_trainer *trainer, ffn__fit_state *fit, const char *path, ffn_error *error)
{
    char *bytes;
    size_t size;
    ffn_status status = ffn__read_file(path, &bytes, &size, error);
    if (status != FFN_OK) return status;
    status = ffn__checkpoint_load_memory(trainer, fit, bytes, size, error);
    if (status != FFN_OK) ffn__name_file(error, path);
    ffn__free(bytes);
    return status;
}

ffn_status ffn_trainer_load(ffn_trainer *trainer, const char *path, ffn_error *error)
{
    if (!trainer || !path)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_load: the %s is NULL", trainer ? "path" : "trainer");
    return ffn__checkpoint_load(trainer, NULL, path, error);
}

ffn_status ffn_trainer_load_memory(ffn_trainer *trainer, const void *bytes, size_t size, ffn_error *error)
{
    if (!trainer || !bytes)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_trainer_load_memory: the %s NULL",
                        trainer ? "bytes are" : "trainer is");
    return ffn__checkpoint_load_memory(trainer, NULL, bytes, size, error);
}
