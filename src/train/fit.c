/* ffn_fit: epochs and batches around a trainer, with validation, early stopping, callbacks and history. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/model_file.h"
#include "train/checkpoint.h"

typedef struct fit {
    ffn_model *model;
    ffn_fit_options options;                  /* resolved for these data */
    const ffn_dataset *training, *validation; /* validation: NULL if there is none */
    ffn_dataset *parts[2];                    /* owned: training and validation split from one dataset */
    ffn_trainer *trainer;
    ffn_plan *validator; /* NULL without validation */
    ffn__feed *feed;     /* of the training data */
    ffn_metric *metric;  /* NULL: none */
    float *best;         /* weights of the best epoch; NULL: not kept */
    double best_figure;  /* of what is monitored; lower is better */
    size_t best_epoch;
    double right;       /* weights of this epoch's samples that were right so far */
    double weight;      /* and of all; without weights their number */
    double loss_sum;    /* of the batches' losses times what each was divided by, */
    double loss_weight; /* and of these: the mean is that of all rows, whatever the batches */
    double start, epoch_start;
    ffn__fit_memory *memory; /* NULL: none */
    ffn__fit_state resumed;  /* where it goes on; epoch 1, batch 0 if it begins */
    ffn_progress progress;
    ffn_history history;
    size_t history_capacity;
} fit;

/* ---- preparation ----------------------------------------------------------------------------------------------- */

/* Before a split, so that the rows in a sentence are the caller's. */
static ffn_status check_data(const fit *f, const ffn_dataset *dataset, ffn_error *error)
{
    const char *training = "the training data", *other = "the validation data";
    const ffn_dataset *validation = f->options.validation;
    ffn_status status = ffn__check_data(f->model, &f->options.loss, dataset, training, error);
    if (status != FFN_OK || !validation) return status;
    status = ffn__check_data(f->model, &f->options.loss, validation, other, error);
    return status == FFN_OK ? ffn__dataset_check_beside(validation, other, dataset, training, error) : status;
}

static ffn_status choose_data(fit *f, const ffn_dataset *dataset, ffn_error *error)
{
    f->training = dataset;
    f->validation = f->options.validation;
    if (f->validation || f->options.validation_fraction == 0) return FFN_OK;
    ffn_status status = ffn__dataset_check_memory(dataset, "validation_fraction", error);
    if (status != FFN_OK) return status;
    const float fraction = 1 - f->options.validation_fraction;
    const bool stratify = dataset->classes > 0;
    status = stratify
                 ? ffn_dataset_split_stratified(dataset, fraction, f->options.seed, &f->parts[0], &f->parts[1], error)
                 : ffn_dataset_split(dataset, fraction, f->options.seed, &f->parts[0], &f->parts[1], error);
    f->training = f->parts[0];
    f->validation = f->parts[1];
    return status;
}

static ffn_status allocate(fit *f, ffn_error *error)
{
    f->feed = ffn__feed_create(f->model, f->training, &f->options, error);
    if (!f->feed) return error->status;
    if (f->options.restore_best) {
        f->best = ffn__alloc(f->model->value_count, sizeof(float), error);
        if (!f->best) return FFN_OUT_OF_MEMORY;
    }
    if (f->options.metric) {
        f->metric = ffn__metric_for(f->options.metric, f->model, &f->options.loss, error);
        if (!f->metric) return error->status;
    }
    if (!f->validation) return FFN_OK;
    const size_t most = f->validation->rows < FFN__EVALUATION_BATCH ? f->validation->rows : FFN__EVALUATION_BATCH;
    f->validator =
        ffn__plan_create(f->model, (ffn_plan_options){.max_batch = most, .threads = f->options.threads}, true, error);
    return f->validator ? FFN_OK : error->status;
}

/* The rows left over for an epoch's last batch may be too few. */
static ffn_status check_last_batch(const fit *f, ffn_error *error)
{
    char what[80];
    const size_t rows = f->training->rows, batch = f->options.batch_size;
    (void)snprintf(what, sizeof(what), "with batch_size %zu the last batch of each epoch has", batch);
    return ffn__states_check_rows(f->trainer->plan, rows % batch ? rows % batch : batch, what, error);
}

/* ---- checkpoints ----------------------------------------------------------------------------------------------- */

/* So many batches of this epoch are done. */
static ffn__fit_state position(fit *f, size_t epoch, size_t batch)
{
    const ffn_progress *p = &f->progress;
    ffn__fit_state s = {.data_rows = f->training->rows,
                        .validation_rows = f->validation ? f->validation->rows : 0,
                        .batch_size = f->options.batch_size,
                        .keep_order = f->options.keep_order,
                        .epoch = epoch,
                        .batch = batch,
                        .seconds = ffn__now() - f->start,
                        .best_figure = f->best_figure,
                        .best_epoch = f->best_epoch,
                        .best = f->best,
                        .history = &f->history};
    if (batch == 0) return s;
    s.rows = p->rows;
    s.right = f->right;
    s.loss_sum = f->loss_sum;
    s.loss_weight = f->loss_weight;
    s.loss = p->loss;
    s.accuracy = p->accuracy;
    s.learning_rate = p->learning_rate;
    s.epoch_seconds = ffn__now() - f->epoch_start;
    return s;
}

static ffn_status save(fit *f, size_t epoch, size_t batch, ffn_error *error)
{
    if (!f->options.checkpoint_path) return FFN_OK;
    const ffn__fit_state s = position(f, epoch, batch);
    return ffn__checkpoint_save(f->trainer, &s, f->options.checkpoint_path, error);
}

/* Whether a checkpoint is to follow the last batch. */
static bool is_due(const fit *f)
{
    const ffn_progress *p = &f->progress;
    const size_t every = f->options.checkpoint_every, done = (p->epoch - 1) * p->batches + p->batch;
    return every > 0 && done % every == 0;
}

/* Takes up what the checkpoint holds, if there is one. */
static ffn_status resume(fit *f, ffn_error *error)
{
    f->best_figure = INFINITY;
    f->start = ffn__now();
    f->resumed = (ffn__fit_state){.epoch = 1};
    ffn__fit_state s = position(f, 1, 0);
    if (f->memory && f->memory->bytes) {
        if (ffn__checkpoint_load_memory(f->trainer, &s, f->memory->bytes, f->memory->size, NULL) != FFN_OK)
            return FFN_OK;
    } else {
        if (!f->options.resume || !ffn__file_exists(f->options.checkpoint_path)) return FFN_OK;
        const ffn_status status = ffn__checkpoint_load(f->trainer, &s, f->options.checkpoint_path, error);
        if (status != FFN_OK) return status;
    }
    f->resumed = s;
    f->start -= s.seconds;
    f->best_figure = s.best_figure;
    f->best_epoch = s.best_epoch;
    f->history_capacity = f->history.epochs;
    f->progress.epoch = s.epoch - 1;
    return FFN_OK;
}

/* Goes on within an epoch that has begun: its batches up to there are passed over. */
static ffn_status pass_over(fit *f, ffn_error *error)
{
    const ffn__fit_state s = f->resumed;
    const float *x, *targets;
    size_t rows;
    ffn_status status = FFN_OK;
    f->resumed.batch = 0;
    for (size_t i = 0; i < s.batch && status == FFN_OK; i++) {
        status = ffn__feed_next(f->feed, &x, &targets, &rows, error);
        if (status == FFN_OK) f->weight += ffn__sum_weights(ffn__feed_weights(f->feed), rows);
    }
    f->progress.batch = s.batch;
    f->progress.rows = s.rows;
    f->progress.loss = s.loss;
    f->progress.accuracy = s.accuracy;
    f->progress.learning_rate = s.learning_rate;
    f->progress.epoch_seconds = s.epoch_seconds;
    f->right = s.right;
    f->loss_sum = s.loss_sum;
    f->loss_weight = s.loss_weight > 0 ? s.loss_weight : f->weight; /* earlier files have none */
    f->epoch_start -= s.epoch_seconds;
    return status;
}

/* Everything that can be refused is refused here, before the model changes. */
static ffn_status prepare(fit *f, const ffn_dataset *dataset, const ffn_fit_options *options, ffn_error *error)
{
    ffn_status status = ffn__model_check_built(f->model, error);
    if (status != FFN_OK) return status;
    if (!dataset) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_fit: the dataset is NULL");
    ffn_fit_options given = options ? *options : ffn_fit_defaults();
    given.loss = ffn__loss_for(f->model, dataset, given.loss);
    status = ffn__options_resolve(f->model, &given, &f->options, error);
    if (status == FFN_OK) status = check_data(f, dataset, error);
    if (status == FFN_OK) status = choose_data(f, dataset, error);
    if (status != FFN_OK) return status;
    if (f->options.batch_size > f->training->rows) f->options.batch_size = f->training->rows;
    if (f->options.monitor == FFN_MONITOR_ACCURACY && ffn__task_of(f->model, &f->options.loss) == FFN__REGRESSION)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "monitor is FFN_MONITOR_ACCURACY; %s has none",
                        f->options.loss.ops->name);
    f->trainer = ffn_trainer_create(f->model, &f->options, error);
    if (!f->trainer) return error->status;
    status = check_last_batch(f, error);
    if (status == FFN_OK) status = allocate(f, error);
    if (status == FFN_OK) status = resume(f, error);
    if (status == FFN_OK) status = ffn__fit_new_scalers(f->model, f->training, error);
    if (status == FFN_OK && dataset->class_names && !f->model->class_names)
        status = ffn_model_set_class_names(f->model, (const char *const *)dataset->class_names,
                                           ffn__dataset_names(dataset), error);
    const ffn__encoding *e = &dataset->encoding;
    if (status == FFN_OK && e->features > 0 && f->model->encoding.features == 0)
        status = ffn_model_set_categories(f->model, e->column, (const char *const *)e->category, e->features, error);
    if (status == FFN_OK && f->options.checkpoint_path) status = ffn__checkpoint_check(f->trainer, error);
    return status;
}

static void release(fit *f)
{
    ffn_trainer_destroy(f->trainer);
    ffn_plan_destroy(f->validator);
    ffn_dataset_destroy(f->parts[0]);
    ffn_dataset_destroy(f->parts[1]);
    ffn__feed_destroy(f->feed);
    ffn_metric_destroy(f->metric);
    ffn__free(f->best);
}

/* ---- one batch ------------------------------------------------------------------------------------------------- */

static ffn_status stopped(const fit *f, const char *callback, ffn_error *error)
{
    return ffn_fail(error, FFN_STOPPED, "epoch %zu, batch %zu: %s asked to stop", f->progress.epoch, f->progress.batch,
                    callback);
}

/* Epoch and batch before the sentence of a trainer that diverged. */
static ffn_status name_batch(const fit *f, ffn_status status, ffn_error *error)
{
    const ffn_error inner = *error;
    return ffn_fail(error, status, "epoch %zu, batch %zu: %s", f->progress.epoch, f->progress.batch, inner.message);
}

static ffn_status account(fit *f, const float *targets, const float *weights, size_t rows, double loss,
                          ffn_error *error)
{
    const bool fused = ffn__model_fuses(f->model, &f->options.loss);
    const double weight = ffn__sum_weights(weights, rows);
    f->right += ffn__count_right(f->model, &f->options.loss, fused, rows, f->trainer->scores, targets, weights);
    f->weight += weight;
    f->loss_sum += loss * f->trainer->plan->loss_weight;
    f->loss_weight += f->trainer->plan->loss_weight;
    f->progress.rows += rows;
    f->progress.loss = f->loss_sum / f->loss_weight;
    f->progress.accuracy = f->right / f->weight;
    f->progress.seconds = ffn__now() - f->start;
    f->progress.epoch_seconds = ffn__now() - f->epoch_start;
    if (!f->metric || f->validator) return FFN_OK;
    return ffn__metric_add(f->metric, f->model, f->trainer->scores, fused || f->metric->options.logits, targets,
                           weights, rows, error);
}

static ffn_status run_batch(fit *f, ffn_error *error)
{
    const float *x, *targets;
    size_t rows;
    ffn_status status = ffn__feed_next(f->feed, &x, &targets, &rows, error);
    if (status != FFN_OK) return status;
    double loss;
    f->progress.batch++;
    f->progress.learning_rate = (double)ffn_trainer_learning_rate(f->trainer);
    const float *weights = ffn__feed_weights(f->feed);
    ffn_plan_set_row_weights(f->trainer->plan, weights);
    status = ffn__trainer_run(f->trainer, x, targets, rows, &loss, error);
    if (status != FFN_OK) return name_batch(f, status, error);
    status = account(f, targets, weights, rows, loss, error);
    if (status != FFN_OK) return status;
    const bool stop = f->options.on_batch && f->options.on_batch(&f->progress, f->options.user);
    const ffn_status saved = stop || is_due(f) ? save(f, f->progress.epoch, f->progress.batch, error) : FFN_OK;
    return saved == FFN_OK && stop ? stopped(f, "on_batch", error) : saved;
}

/* ---- one epoch ------------------------------------------------------------------------------------------------- */

static void begin_epoch(fit *f, size_t epoch)
{
    f->progress = (ffn_progress){.epoch = epoch,
                                 .epochs = f->options.epochs,
                                 .batches = ffn__feed_batches(f->feed),
                                 .validation_loss = (double)NAN,
                                 .validation_accuracy = (double)NAN,
                                 .metric = (double)NAN,
                                 .model = f->model};
    f->right = f->weight = f->loss_sum = f->loss_weight = 0;
    ffn_metric_reset(f->metric);
    f->epoch_start = ffn__now();
    ffn__feed_begin(f->feed, epoch);
}

static ffn_status record(fit *f, ffn_error *error)
{
    const ffn_progress *p = &f->progress;
    const ffn_status status =
        ffn__grow((void **)&f->history.epoch, &f->history_capacity, f->history.epochs + 1, sizeof(ffn_epoch), error);
    if (status != FFN_OK) return status;
    f->history.epoch[f->history.epochs++] =
        (ffn_epoch){p->loss,          p->accuracy,      p->validation_loss, p->validation_accuracy,
                    p->learning_rate, p->epoch_seconds, p->metric};
    return FFN_OK;
}

/* What is monitored, turned so that lower is better. */
static double monitored(const fit *f)
{
    const ffn_progress *p = &f->progress;
    switch (f->options.monitor) {
    case FFN_MONITOR_ACCURACY: return -(f->validator ? p->validation_accuracy : p->accuracy);
    case FFN_MONITOR_METRIC: return f->metric->kind->lower_is_better ? p->metric : -p->metric;
    case FFN_MONITOR_SCORE: return -f->options.score(p, f->options.user);
    case FFN_MONITOR_LOSS: break;
    }
    return f->validator ? p->validation_loss : p->loss;
}

/* Remembers the epoch if it is the best so far. */
static void compare(fit *f)
{
    const double figure = monitored(f);
    ffn_trainer_report(f->trainer, figure);
    if (!(figure < f->best_figure - (double)f->options.min_delta)) return;
    f->best_figure = figure;
    f->best_epoch = f->progress.epoch;
    if (f->best) memcpy(f->best, f->model->values, f->model->value_count * sizeof(float));
}

/* Validation, and whom it concerns. */
static ffn_status judge(fit *f, ffn_error *error)
{
    ffn_status status = FFN_OK;
    if (f->validator)
        status = ffn__evaluate_quickly(f->validator, &f->options.loss, f->validation, f->metric,
                                       &f->progress.validation_loss, &f->progress.validation_accuracy, error);
    if (status != FFN_OK) return status;
    f->progress.metric = ffn_metric_value(f->metric);
    compare(f);
    status = record(f, error);
    if (status != FFN_OK) return status;
    f->progress.seconds = ffn__now() - f->start;
    if (f->options.on_epoch && f->options.on_epoch(&f->progress, f->options.user)) return stopped(f, "on_epoch", error);
    return FFN_OK;
}

/* Whether patience is at its end after this epoch. */
static bool is_exhausted(const fit *f, size_t epoch)
{
    return f->options.patience && epoch > 0 && epoch - f->best_epoch >= f->options.patience;
}

static ffn_status run_epoch(fit *f, size_t epoch, ffn_error *error)
{
    begin_epoch(f, epoch);
    ffn_status status = f->resumed.batch > 0 ? pass_over(f, error) : FFN_OK;
    while (f->progress.batch < f->progress.batches && status == FFN_OK) status = run_batch(f, error);
    if (status != FFN_OK) return status;
    status = ffn_trainer_flush(f->trainer, error);
    if (status != FFN_OK) return name_batch(f, status, error);
    if (f->options.average_epoch > 0 && epoch >= f->options.average_epoch)
        ffn__average(f->trainer, 1 / ((double)f->trainer->averaged + 1));
    if (f->options.average_decay > 0) ffn__swap_averages(f->trainer);
    status = judge(f, error);
    if (f->options.average_decay > 0) ffn__swap_averages(f->trainer);
    if (status != FFN_OK && status != FFN_STOPPED) return status;
    const bool over = status == FFN_STOPPED || epoch == f->options.epochs || is_exhausted(f, epoch);
    const ffn_status saved = over || f->options.checkpoint_every == 0 ? save(f, epoch + 1, 0, error) : FFN_OK;
    return saved == FFN_OK ? status : saved;
}

/* ---- all epochs ------------------------------------------------------------------------------------------------ */

/* Running statistics for the weights as they are: the means over the batches of one pass of training forwards. */
static ffn_status recollect_states(fit *f, ffn_error *error)
{
    ffn_plan *plan = f->trainer->plan;
    const float *x, *targets;
    size_t rows;
    ffn_status status = FFN_OK;
    if (plan->next_states.count == 0) return status;
    ffn__feed_begin(f->feed, f->progress.epoch + 1);
    const size_t batches = ffn__feed_batches(f->feed);
    for (size_t b = 1; b <= batches && status == FFN_OK; b++) {
        status = ffn__feed_next(f->feed, &x, &targets, &rows, error);
        plan->next_states.share = 1 / (float)b;
        if (status == FFN_OK) (void)ffn_forward(plan, x, rows);
    }
    plan->next_states.share = 0;
    if (status == FFN_OK)
        ffn__states_commit(plan, f->model);
    else
        ffn__states_discard(plan);
    return status;
}

/* The weights that the model keeps: the best, or averages, or the last. */
static ffn_status choose_weights(fit *f, ffn_error *error)
{
    if (f->best && f->best_epoch)
        memcpy(f->model->values, f->best, f->model->value_count * sizeof(float));
    else if (f->trainer->averages)
        ffn__swap_averages(f->trainer);
    return f->options.average_epoch > 0 && f->trainer->averaged > 0 ? recollect_states(f, error) : FFN_OK;
}

/* Leaves the memory of an end before this epoch; for want of memory, or of a name for what it is made of, none. */
static void leave(fit *f, ffn_status status, size_t epoch)
{
    ffn__fit_memory *m = f->memory;
    const ffn__fit_state s = position(f, epoch, 0);
    ffn__free(m->bytes);
    m->bytes = NULL;
    if (m->keep && status == FFN_OK) (void)ffn__checkpoint_save_memory(f->trainer, &s, &m->bytes, &m->size, NULL);
}

static ffn_status run(fit *f, ffn_error *error)
{
    ffn_status status = FFN_OK;
    size_t epoch = f->resumed.epoch;
    f->history.stopped_early = f->resumed.batch == 0 && is_exhausted(f, epoch - 1);
    for (; epoch <= f->options.epochs && status == FFN_OK && !f->history.stopped_early; epoch++) {
        status = run_epoch(f, epoch, error);
        f->history.stopped_early = status == FFN_OK && is_exhausted(f, epoch);
    }
    f->history.best_epoch = f->best_epoch;
    if (f->memory) leave(f, status, epoch);
    ffn_error later = {FFN_OK, ""};
    const ffn_status chosen = choose_weights(f, status == FFN_OK ? error : &later);
    return status == FFN_OK ? chosen : status;
}

void ffn_history_destroy(ffn_history *history)
{
    if (!history) return;
    ffn__free(history->epoch);
    *history = (ffn_history){0};
}

ffn_status ffn__fit(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options, ffn_history *history,
                    ffn__fit_memory *memory, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    fit f = {.model = model, .memory = memory};
    ffn_status status = prepare(&f, dataset, options, error);
    const bool prepared = status == FFN_OK;
    if (prepared) {
        model->loss = f.options.loss;
        model->loss.class_weights = NULL; /* the caller's */
        model->loss.classes = 0;
        status = run(&f, error);
    }
    release(&f);
    if (history && prepared) {
        ffn_history_destroy(history);
        *history = f.history;
    } else {
        ffn_history_destroy(&f.history);
    }
    return status;
}

ffn_status ffn_fit(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options, ffn_history *history,
                   ffn_error *error)
{
    return ffn__fit(model, dataset, options, history, NULL, error);
}
