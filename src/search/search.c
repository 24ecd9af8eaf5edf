/* Searches: random, over a grid, or by successive halving, with trials on threads; and cross validation. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "search/search.h"

enum { MOST_RUNGS = 64, MOST_TRIALS = 10000000 };

typedef struct search {
    ffn__study study;
    const ffn_search_options *options;
    size_t wanted;             /* sets of values */
    size_t parallel;           /* trainings at a time */
    size_t factor, rungs;      /* 1 rung: no halving */
    size_t epochs[MOST_RUNGS]; /* of each rung; 0: as the options and the trial say */
    size_t entrants[MOST_RUNGS];
    ffn_trial *trials;      /* of all rungs: [total], rung after rung */
    double *values;         /* [wanted][dimension_count] */
    ffn__outcome *outcomes; /* [wanted][folds] of the rung at work */
    ffn__fit_memory
        *memories; /* [wanted][folds], by the trial's number: where those that may go on stand; NULL: one rung */
    size_t *left;  /* [wanted]: folds that are not measured; 0 of a trial that was done before */
    bool *skipped; /* [wanted] */
    size_t *order; /* [wanted], and as much scratch behind it */
    size_t total, done, from_log, best;
    size_t first, count; /* trials of the rung at work */
    double start;
    pthread_mutex_t mutex; /* guards what follows, the trials and the log */
    ffn_status status;
    ffn_error error;
    ffn_error refusal; /* the first by number and fold of those that count as failed trials */
    size_t refused;    /* its place */
} search;

/* ---- plan of the trials ---------------------------------------------------------------------------------------- */

/* Each rung has 1 / factor of the trials of the one before, and the last the epochs of the options. */
static void plan_rungs(search *s)
{
    const ffn_search_options *o = s->options;
    const size_t most = o->fit.epochs ? o->fit.epochs : ffn_fit_defaults().epochs;
    s->factor = o->factor ? o->factor : 3;
    s->rungs = 1;
    s->entrants[0] = s->wanted;
    s->epochs[0] = 0;
    if (o->method == FFN_SEARCH_HALVING)
        for (size_t n = s->wanted / s->factor; n > 0 && s->rungs < MOST_RUNGS; n /= s->factor)
            s->entrants[s->rungs++] = n;
    for (size_t r = s->rungs, epochs = most; o->method == FFN_SEARCH_HALVING && r-- > 0; epochs /= s->factor)
        s->epochs[r] = epochs > 0 ? epochs : 1;
    for (size_t r = 0; r < s->rungs; r++) s->total += s->entrants[r];
}

static ffn_status plan(search *s, ffn_error *error)
{
    const ffn_search_options *o = s->options;
    const size_t points = ffn__space_points(o->dimensions, o->dimension_count);
    s->wanted = o->trials ? o->trials : o->method == FFN_SEARCH_GRID ? points : 20;
    if (o->method == FFN_SEARCH_GRID && s->wanted > points) s->wanted = points;
    if (s->wanted > MOST_TRIALS)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "search: %zu trials; expected at most %d", s->wanted, MOST_TRIALS);
    for (size_t i = 0; i < o->dimension_count && o->method == FFN_SEARCH_HALVING; i++)
        if (strcmp(o->dimensions[i].name, "epochs") == 0)
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "search: halving sets the epochs; expected no dimension of that name");
    plan_rungs(s);
    return FFN_OK;
}

static ffn_status allocate(search *s, ffn_error *error)
{
    size_t cells, outcomes;
    if (!ffn__multiply(s->wanted, s->options->dimension_count, &cells)) cells = SIZE_MAX;
    if (!ffn__multiply(s->wanted, s->study.folds, &outcomes)) outcomes = SIZE_MAX;
    s->trials = ffn__alloc(s->total, sizeof *s->trials, error);
    s->values = s->trials ? ffn__alloc(cells, sizeof *s->values, error) : NULL;
    s->outcomes = s->values ? ffn__alloc(outcomes, sizeof *s->outcomes, error) : NULL;
    s->left = s->outcomes ? ffn__alloc(s->wanted, sizeof *s->left, error) : NULL;
    s->skipped = s->left ? ffn__alloc(s->wanted, sizeof *s->skipped, error) : NULL;
    s->order = s->skipped ? ffn__alloc(s->wanted, 2 * sizeof *s->order, error) : NULL;
    if (!s->order || s->rungs == 1) return s->order ? FFN_OK : FFN_OUT_OF_MEMORY;
    s->memories = ffn__alloc(outcomes, sizeof *s->memories, error);
    return s->memories ? FFN_OK : FFN_OUT_OF_MEMORY;
}

static ffn_trial make_trial(const search *s, size_t index, size_t rung)
{
    return (ffn_trial){.number = index + 1,
                       .rung = rung,
                       .dimension_count = s->options->dimension_count,
                       .dimensions = s->options->dimensions,
                       .values = s->values + index * s->options->dimension_count,
                       .score = (double)NAN,
                       .spread = (double)NAN};
}

static void draw(search *s)
{
    const ffn_search_options *o = s->options;
    for (size_t i = 0; i < s->wanted; i++) {
        double *values = s->values + i * o->dimension_count;
        if (o->method == FFN_SEARCH_GRID)
            ffn__space_grid(o->dimensions, o->dimension_count, i, values);
        else
            ffn__space_draw(o->dimensions, o->dimension_count, o->seed, i, values);
        s->trials[i] = make_trial(s, i, 0);
    }
}

/* ---- one trial ------------------------------------------------------------------------------------------------- */

static const ffn_trial *best_of(const search *s) { return s->best == SIZE_MAX ? NULL : &s->trials[s->best]; }

/* A trial of a later rung is better than any before. */
static void compare(search *s, size_t index)
{
    const ffn_trial *t = &s->trials[index], *best = best_of(s);
    if (!t->done || isnan(t->score)) return;
    const bool later = !best || t->rung > best->rung, earlier = best && t->rung < best->rung;
    const bool equal = best && t->score == best->score && t->number < best->number;
    if (later || (!earlier && (equal || ffn__study_prefers(&s->study, t, best)))) s->best = index;
}

/* Where a trial's training stands, fold by fold. */
static ffn__fit_memory *memory_of(const search *s, size_t index, size_t fold)
{
    return s->memories ? &s->memories[(s->trials[index].number - 1) * s->study.folds + fold] : NULL;
}

static void forget(search *s, size_t index)
{
    for (size_t f = 0; s->memories && f < s->study.folds; f++) {
        ffn__fit_memory *m = memory_of(s, index, f);
        ffn__free(m->bytes);
        *m = (ffn__fit_memory){0};
    }
}

/* Forgets the worst of the rung's trials that are done, if more are remembered than can go on. */
static void forget_worst(search *s, size_t rung)
{
    size_t remembered = 0, worst = SIZE_MAX;
    for (size_t i = s->first; s->memories && rung + 1 < s->rungs && i < s->first + s->count; i++) {
        if (!s->trials[i].done || !memory_of(s, i, 0)->bytes) continue;
        remembered++;
        if (worst == SIZE_MAX || !ffn__study_prefers(&s->study, &s->trials[i], &s->trials[worst])) worst = i;
    }
    if (worst != SIZE_MAX && remembered > s->entrants[rung + 1]) forget(s, worst);
}

/* The mutex is held. */
static void finish(search *s, size_t index)
{
    ffn_trial *t = &s->trials[index];
    ffn__study_sum_up(&s->study, s->outcomes + (index - s->first) * s->study.folds, t);
    s->done++;
    compare(s, index);
    forget_worst(s, t->rung);
    if (s->status == FFN_OK && s->options->log)
        s->status = ffn__log_write(&s->study, s->trials, s->first + s->count, s->epochs, &s->error);
    const ffn_search_progress progress = {.trial = t,
                                          .best = best_of(s),
                                          .done = s->done,
                                          .planned = s->total,
                                          .from_log = s->from_log,
                                          .seconds = ffn__now() - s->start};
    if (s->options->on_trial && s->options->on_trial(&progress, s->options->user) && s->status == FFN_OK)
        s->status = ffn_fail(&s->error, FFN_STOPPED, "trial %zu: on_trial asked to stop", t->number);
}

/* Whether the fold is to be measured. A trial of which a fold is done already goes on after the time. */
static bool begins(search *s, size_t slot)
{
    (void)pthread_mutex_lock(&s->mutex);
    const bool late = s->options->seconds > 0 && ffn__now() - s->start > s->options->seconds;
    if (late && s->left[slot] == s->study.folds) s->skipped[slot] = true;
    const bool begin = s->left[slot] > 0 && !s->skipped[slot] && s->status == FFN_OK;
    (void)pthread_mutex_unlock(&s->mutex);
    return begin;
}

/* The mutex is held. Which one is kept does not depend on the order in which jobs end. */
static void note_refusal(search *s, size_t place, const ffn_error *error)
{
    if (s->refusal.status != FFN_OK && s->refused < place) return;
    s->refused = place;
    s->refusal = *error;
}

static void run_job(void *context, size_t job)
{
    search *s = context;
    const size_t folds = s->study.folds, slot = job / folds, fold = job % folds, index = s->first + slot;
    const size_t rung = s->trials[index].rung;
    ffn__fit_memory *memory = memory_of(s, index, fold);
    ffn_error error = {FFN_OK, ""};
    if (!begins(s, slot)) return;
    if (memory) memory->keep = rung + 1 < s->rungs;
    const ffn_status status =
        ffn__study_fold(&s->study, &s->trials[index], s->epochs[rung], fold, memory, &s->outcomes[job], &error);
    (void)pthread_mutex_lock(&s->mutex);
    if (status != FFN_OK && (s->status == FFN_OK || s->status == FFN_STOPPED)) {
        s->status = status;
        s->error = error;
    }
    if (status == FFN_OK && error.status == FFN_INVALID_ARGUMENT) note_refusal(s, index * folds + fold, &error);
    if (status == FFN_OK && --s->left[slot] == 0) finish(s, index);
    (void)pthread_mutex_unlock(&s->mutex);
}

/* ---- all trials ------------------------------------------------------------------------------------------------ */

static bool is_better(const void *context, size_t a, size_t b)
{
    const search *s = context;
    return ffn__study_prefers(&s->study, &s->trials[a], &s->trials[b]);
}

/* The best trials of the rung before go on, in the order of their numbers. */
static bool by_number(const void *context, size_t a, size_t b)
{
    const search *s = context;
    return s->trials[a].number < s->trials[b].number;
}

static void promote(search *s, size_t rung)
{
    size_t *scratch = s->order + s->wanted;
    const size_t before = s->entrants[rung - 1], count = s->entrants[rung];
    for (size_t i = 0; i < before; i++) s->order[i] = s->first + i;
    ffn__sort(s->order, scratch, before, is_better, s);
    ffn__sort(s->order, scratch, count, by_number, s);
    s->first += before;
    for (size_t i = 0; i < count; i++) s->trials[s->first + i] = make_trial(s, s->trials[s->order[i]].number - 1, rung);
}

/* False if trials of it are missing: then there is nothing to choose from. */
static bool is_complete(const search *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->trials[s->first + i].done) return false;
    return true;
}

static ffn_status run_rung(search *s, size_t rung)
{
    s->count = s->entrants[rung];
    if (s->options->log) {
        for (size_t i = 0; i < s->first + s->count; i++) s->trials[i].done = false; /* all of the log is read anew */
        const ffn_status status =
            ffn__log_read(&s->study, s->trials, s->first + s->count, s->epochs, s->rungs, &s->error);
        if (status != FFN_OK) return s->status = status;
    }
    for (size_t i = 0; i < s->count; i++) {
        ffn_trial *t = &s->trials[s->first + i];
        const bool known = t->done && t->status != FFN_INVALID_ARGUMENT;
        if (!known)
            *t = make_trial(s, t->number - 1, rung); /* who was refused tries anew: that takes little, and says why */
        s->left[i] = known ? 0 : s->study.folds;
        s->skipped[i] = false;
        s->done += known;
        s->from_log += known;
        compare(s, s->first + i);
    }
    ffn__crew(s->parallel, s->count * s->study.folds, run_job, s);
    return s->status;
}

static ffn_status run(search *s)
{
    ffn_status status = FFN_OK;
    s->start = ffn__now();
    for (size_t rung = 0; rung < s->rungs && status == FFN_OK; rung++) {
        if (rung > 0 && !is_complete(s)) break;
        if (rung > 0) promote(s, rung);
        status = run_rung(s, rung);
    }
    if (status != FFN_OK || s->best != SIZE_MAX) return status;
    if (s->refusal.status != FFN_OK)
        s->error = s->refusal;
    else if (s->done > 0)
        (void)ffn_fail(&s->error, FFN_DIVERGED, "search: none of the %zu trials could be measured", s->done);
    else
        (void)ffn_fail(&s->error, FFN_STOPPED, "search: no trial began within %g seconds", s->options->seconds);
    return s->error.status;
}

/* ---- the result ------------------------------------------------------------------------------------------------ */

/* Moves the trials that are done to the result. */
static void hand_over(search *s, ffn_search_result *result)
{
    size_t count = 0;
    const ffn_trial *best = best_of(s);
    for (size_t i = 0; i < s->first + s->count; i++) {
        if (!s->trials[i].done) continue;
        if (&s->trials[i] == best) result->best = &s->trials[count];
        s->trials[count++] = s->trials[i];
    }
    result->count = count;
    result->trials = s->trials;
    result->values = s->values;
    s->trials = NULL;
    s->values = NULL;
}

static void release(search *s)
{
    ffn__free(s->trials);
    ffn__free(s->values);
    ffn__free(s->outcomes);
    for (size_t i = 0; s->memories && i < s->wanted * s->study.folds; i++) ffn__free(s->memories[i].bytes);
    ffn__free(s->memories);
    ffn__free(s->left);
    ffn__free(s->skipped);
    ffn__free(s->order);
    (void)pthread_mutex_destroy(&s->mutex);
}

void ffn_search_result_destroy(ffn_search_result *result)
{
    if (!result) return;
    ffn_model_destroy(result->model);
    ffn__free(result->trials);
    ffn__free(result->values);
    *result = (ffn_search_result){0};
}

static ffn__study make_study(const ffn_dataset *dataset, const ffn_search_options *options, size_t folds)
{
    return (ffn__study){.dataset = dataset,
                        .options = options,
                        .folds = folds ? folds : 1,
                        .lower_is_better = !options->metric || ffn_metric_lower_is_better(options->metric)};
}

/* Whether rows come from a source, whose function one thread at a time may call. */
static bool is_read(const ffn_dataset *dataset) { return dataset && dataset->source.read; }

ffn_status ffn_search(const ffn_dataset *dataset, const ffn_search_options *options, ffn_search_result *result,
                      ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    if (!result) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_search: the result is NULL");
    ffn_status status = ffn__study_check(dataset, options, error);
    if (status != FFN_OK) return status;
    search s = {.study = make_study(dataset, options, options->folds),
                .options = options,
                .parallel = is_read(dataset) || is_read(options->fit.validation) ? 1 : options->parallel,
                .best = SIZE_MAX};
    (void)pthread_mutex_init(&s.mutex, NULL);
    status = plan(&s, error);
    if (status == FFN_OK) status = allocate(&s, error);
    const bool prepared = status == FFN_OK;
    if (prepared) {
        draw(&s);
        status = run(&s);
        if (status != FFN_OK) *error = s.error;
    }
    const bool ran = prepared && (status == FFN_OK || status == FFN_STOPPED || status == FFN_DIVERGED);
    ffn_search_result made = {0};
    if (status == FFN_OK) {
        const ffn_trial *best = best_of(&s);
        made.model = ffn__study_model(&s.study, best, s.epochs[best->rung], &made.fit, error);
        if (!made.model)
            status =
                ffn_fail(error, error->status, "trial %zu, the model of its values: %s", best->number, error->message);
    }
    if (ran) {
        ffn_search_result_destroy(result);
        hand_over(&s, &made);
        *result = made;
    }
    release(&s);
    return status;
}

/* ---- cross validation ------------------------------------------------------------------------------------------ */

typedef struct validation {
    ffn__study study;
    ffn__outcome *outcomes; /* [folds] */
    ffn_error *errors;      /* [folds] */
} validation;

static void run_one_fold(void *context, size_t fold)
{
    validation *v = context;
    (void)ffn__study_fold(&v->study, NULL, 0, fold, NULL, &v->outcomes[fold], &v->errors[fold]);
}

void ffn_cross_validation_destroy(ffn_cross_validation *result)
{
    if (!result) return;
    ffn__free(result->scores);
    *result = (ffn_cross_validation){0};
}

static ffn_status sum_up(const validation *v, ffn_cross_validation *made, ffn_error *error)
{
    ffn_trial trial = {0};
    for (size_t f = 0; f < v->study.folds; f++) {
        const ffn__outcome *o = &v->outcomes[f];
        made->scores[f] = o->score;
        if (o->status == FFN_OK) continue;
        if (o->status != FFN_DIVERGED) *error = v->errors[f];
        return o->status == FFN_DIVERGED ? ffn_fail(error, FFN_DIVERGED, "fold %zu: the training diverged", f)
                                         : o->status;
    }
    ffn__study_sum_up(&v->study, v->outcomes, &trial);
    made->folds = v->study.folds;
    made->mean = trial.score;
    made->spread = trial.spread;
    made->seconds = trial.seconds;
    made->parameters = trial.parameters;
    made->memory = trial.memory;
    return FFN_OK;
}

ffn_status ffn_cross_validate(const ffn_dataset *dataset, const ffn_search_options *options,
                              ffn_cross_validation *result, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    if (!result) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_cross_validate: the result is NULL");
    ffn_status status = ffn__study_check(dataset, options, error);
    if (status != FFN_OK) return status;
    validation v = {.study = make_study(dataset, options, options->folds ? options->folds : 5)};
    if (v.study.folds > dataset->rows || options->fit.validation)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_cross_validate: %s",
                        options->fit.validation ? "fit.validation beside folds; expected NULL"
                                                : "fewer rows than folds");
    ffn_cross_validation made = {0};
    v.outcomes = ffn__alloc(v.study.folds, sizeof *v.outcomes, error);
    v.errors = v.outcomes ? ffn__alloc(v.study.folds, sizeof *v.errors, error) : NULL;
    made.scores = v.errors ? ffn__alloc(v.study.folds, sizeof *made.scores, error) : NULL;
    status = made.scores ? FFN_OK : FFN_OUT_OF_MEMORY;
    if (status == FFN_OK) {
        ffn__crew(options->parallel, v.study.folds, run_one_fold, &v);
        status = sum_up(&v, &made, error);
    }
    ffn__free(v.outcomes);
    ffn__free(v.errors);
    if (status != FFN_OK) {
        ffn_cross_validation_destroy(&made);
        return status;
    }
    ffn_cross_validation_destroy(result);
    *result = made;
    return FFN_OK;
}
