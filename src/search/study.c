/* Trials: building, training and measuring on folds. */
#include <math.h>
#include <string.h>

#include "search/search.h"

/* ---- what a fold is trained and measured on -------------------------------------------------------------------- */

typedef struct parts {
    const ffn_dataset *training, *validation;
    ffn_dataset *owned[2];
} parts;

static ffn_status divide(const ffn__study *s, const ffn_fit_options *fit, size_t fold, parts *p, ffn_error *error)
{
    const ffn_dataset *d = s->dataset;
    const bool classes = d->classes > 0;
    ffn_status status = FFN_OK;
    *p = (parts){.training = d, .validation = fit->validation};
    if (s->folds > 1)
        status = (classes ? ffn_dataset_fold_stratified : ffn_dataset_fold)(d, s->folds, fold, s->options->seed,
                                                                            &p->owned[0], &p->owned[1], error);
    else if (!fit->validation) {
        const float share = 1 - (fit->validation_fraction > 0 ? fit->validation_fraction : (float)0.2);
        status = (classes ? ffn_dataset_split_stratified : ffn_dataset_split)(d, share, s->options->seed, &p->owned[0],
                                                                              &p->owned[1], error);
    }
    if (status == FFN_OK && p->owned[0]) {
        p->training = p->owned[0];
        p->validation = p->owned[1];
    }
    return status;
}

static void release(parts *p)
{
    ffn_dataset_destroy(p->owned[0]);
    ffn_dataset_destroy(p->owned[1]);
}

/* The options of a trial's training, without data. */
static ffn_status choose_options(const ffn__study *s, const ffn_trial *trial, size_t epochs, ffn_fit_options *fit,
                                 ffn_error *error)
{
    *fit = s->options->fit;
    const ffn_status status = ffn__space_apply(trial, fit, error);
    if (epochs > 0) fit->epochs = epochs;
    fit->on_epoch = fit->on_batch = NULL;
    fit->checkpoint_path = NULL; /* trials would share it */
    fit->checkpoint_every = 0;
    fit->resume = false;
    return status;
}

/* ---- the user's model ------------------------------------------------------------------------------------------ */

/* What build makes. It begins with an error without content: the caller's may say what it likes. */
static ffn_model *make_model(const ffn__study *s, const ffn_trial *trial, const ffn_fit_options *fit,
                             const ffn_dataset *training, ffn_error *error)
{
    ffn_error inner = {FFN_OK, ""};
    ffn_model *model = s->options->build(trial, fit->seed, training, s->options->user, &inner);
    if (!model && inner.status == FFN_OK)
        (void)ffn_fail(&inner, FFN_INVALID_ARGUMENT, "build returned NULL without an error; expected a model");
    if (!model) *error = inner;
    if (model && ffn__model_check_built(model, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* ---- one fold -------------------------------------------------------------------------------------------------- */

static size_t count_parameters(const ffn_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (ffn__parameter_trainable(model, i)) count += model->parameters[i].size;
    return count;
}

static ffn_status count_memory(ffn_model *model, const ffn_fit_options *fit, const ffn_dataset *training, size_t *bytes,
                               ffn_error *error)
{
    ffn_fit_options given = *fit;
    given.loss = ffn__loss_for(model, training, given.loss);
    const size_t batch = given.batch_size ? given.batch_size : ffn_fit_defaults().batch_size;
    given.batch_size = batch < training->rows ? batch : training->rows;
    ffn_trainer *trainer = ffn_trainer_create(model, &given, error);
    if (!trainer) return error->status;
    *bytes = ffn__trainer_memory(trainer);
    ffn_trainer_destroy(trainer);
    return FFN_OK;
}

/* Whether the metric is one for the model and the data, before they are trained. */
static ffn_status check_metric(const ffn__study *s, const ffn_model *model, const parts *p, const ffn_loss *loss,
                               ffn_error *error)
{
    if (!s->options->metric) return FFN_OK;
    const ffn_loss given = ffn__loss_for(model, p->validation, *loss);
    ffn_metric *metric = ffn_metric_create_for(s->options->metric, model, given, error);
    if (!metric) return error->status;
    ffn_metric_destroy(metric);
    return FFN_OK;
}

static ffn_status train(const ffn__study *s, ffn_model *model, const parts *p, const ffn_fit_options *fit,
                        ffn__fit_memory *memory, ffn__outcome *outcome, ffn_error *error)
{
    ffn_history history = {0};
    ffn_status status = ffn__fit(model, p->training, fit, &history, memory, error);
    const size_t best = history.best_epoch;
    outcome->epochs = (double)(fit->restore_best && best > 0 ? best : history.epochs);
    ffn_history_destroy(&history);
    if (status == FFN_OK)
        status =
            ffn__measure(model, p->validation, fit->loss, s->options->metric, fit->threads, &outcome->score, error);
    return status;
}

static ffn_status run_fold(const ffn__study *s, const ffn_trial *trial, size_t epochs, size_t fold,
                           ffn__fit_memory *memory, ffn__outcome *outcome, ffn_error *error)
{
    ffn_fit_options fit;
    parts p = {0};
    ffn_status status = choose_options(s, trial, epochs, &fit, error);
    if (status == FFN_OK) status = divide(s, &fit, fold, &p, error);
    fit.validation = p.validation;
    fit.validation_fraction = 0;
    fit.threads = 1;
    ffn_model *model = status == FFN_OK ? make_model(s, trial, &fit, p.training, error) : NULL;
    outcome->unbuilt = status == FFN_OK && !model;
    if (outcome->unbuilt) status = error->status;
    if (status == FFN_OK) status = count_memory(model, &fit, p.training, &outcome->memory, error);
    if (status == FFN_OK) status = check_metric(s, model, &p, &fit.loss, error);
    if (status == FFN_OK) {
        outcome->parameters = count_parameters(model);
        status = train(s, model, &p, &fit, memory, outcome, error);
    }
    ffn_model_destroy(model);
    release(&p);
    return status;
}

ffn_status ffn__study_fold(const ffn__study *s, const ffn_trial *trial, size_t epochs, size_t fold,
                           ffn__fit_memory *memory, ffn__outcome *outcome, ffn_error *error)
{
    const double start = ffn__now();
    ffn_error inner = {FFN_OK, ""};
    *outcome = (ffn__outcome){.score = (double)NAN};
    outcome->status = run_fold(s, trial, epochs, fold, memory, outcome, &inner);
    outcome->seconds = ffn__now() - start;
    if (outcome->status == FFN_OK) return FFN_OK;
    outcome->score = (double)NAN;
    (void)ffn_fail(error, outcome->status, "trial %zu, fold %zu: %s", trial ? trial->number : 1, fold, inner.message);
    const bool refused = outcome->status == FFN_INVALID_ARGUMENT && !outcome->unbuilt;
    return refused || outcome->status == FFN_DIVERGED ? FFN_OK : outcome->status;
}

/* ---- all folds ------------------------------------------------------------------------------------------------- */

void ffn__study_sum_up(const ffn__study *s, const ffn__outcome *outcomes, ffn_trial *trial)
{
    const double n = (double)s->folds;
    double squares = 0;
    trial->status = FFN_OK;
    trial->score = trial->epochs = trial->seconds = 0;
    for (size_t f = 0; f < s->folds; f++) {
        const ffn__outcome *o = &outcomes[f];
        trial->score += o->score / n;
        trial->epochs += o->epochs / n;
        trial->seconds += o->seconds;
        if (o->memory > trial->memory) trial->memory = o->memory;
        if (o->parameters > trial->parameters) trial->parameters = o->parameters;
        if (o->status != FFN_OK) trial->status = o->status;
    }
    for (size_t f = 0; f < s->folds; f++) {
        const double off = outcomes[f].score - trial->score;
        squares += off * off;
    }
    trial->spread = s->folds > 1 ? sqrt(squares / (n - 1)) : isnan(trial->score) ? (double)NAN : 0;
    trial->done = true;
}

bool ffn__study_prefers(const ffn__study *s, const ffn_trial *a, const ffn_trial *b)
{
    if (!a || !a->done || isnan(a->score)) return false;
    if (!b || !b->done || isnan(b->score)) return true;
    return s->lower_is_better ? a->score < b->score : a->score > b->score;
}

ffn_model *ffn__study_model(const ffn__study *s, const ffn_trial *trial, size_t epochs, ffn_fit_options *fit,
                            ffn_error *error)
{
    parts p = {0};
    const bool all = s->options->refit;
    ffn_status status = choose_options(s, trial, epochs, fit, error);
    if (status == FFN_OK && all) {
        fit->validation = NULL;
        fit->validation_fraction = 0;
        fit->patience = 0;
        fit->restore_best = false;
        fit->monitor = FFN_MONITOR_LOSS;
        fit->epochs = trial->epochs > 1 ? (size_t)(trial->epochs + 0.5) : 1;
        p.training = s->dataset;
    } else if (status == FFN_OK) {
        status = divide(s, fit, 0, &p, error);
        fit->validation = p.validation;
        fit->validation_fraction = 0;
    }
    ffn_model *model = status == FFN_OK ? make_model(s, trial, fit, p.training, error) : NULL;
    if (model) status = ffn_fit(model, p.training, fit, NULL, error);
    if (!all) fit->validation = s->options->fit.validation; /* that of the trial is gone with it */
    release(&p);
    if (model && status == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

ffn_status ffn__study_check(const ffn_dataset *dataset, const ffn_search_options *o, ffn_error *error)
{
    if (!dataset || !o || !o->build)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: %s NULL",
                        !dataset ? "the dataset is"
                        : !o     ? "the options are"
                                 : "build is");
    if (dataset->columns == 0) return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: the dataset has no targets");
    if (o->folds == 1 || o->folds > dataset->rows)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: %zu folds of %zu rows; expected 0, or 2 to the rows",
                        o->folds, dataset->rows);
    if ((unsigned)o->method > FFN_SEARCH_HALVING)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: method is %d; expected one of ffn_search_method",
                        (int)o->method);
    if (!(o->seconds >= 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: seconds is %g; expected 0 or more", o->seconds);
    if (o->method == FFN_SEARCH_HALVING && o->factor == 1)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: factor is 1; expected 0, or 2 and more");
    if (o->fit.validation && (o->folds > 1 || o->fit.validation->features != dataset->features))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: fit.validation %s",
                        o->folds > 1 ? "beside folds; expected one of them" : "has not the features of the dataset");
    const ffn_status status = o->metric ? ffn__metric_check_name(o->metric, "search, metric", error) : FFN_OK;
    return status == FFN_OK ? ffn__space_check(o->dimensions, o->dimension_count, error) : status;
}
