#define _GNU_SOURCE
#include "study.h"

#include "common/bench.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- progress ------------------------------------------------------------------------------------------------------ */

/* Work is counted in epochs of one layer. */
typedef struct progress {
    const study *s;
    size_t runs;
    double work, done, skipped; /* of all runs; of those behind us; of these what was read instead of run */
    double start;
    bool live; /* the terminal's line can be written again */
} progress;

static double cost(const study_run *run, size_t epochs) { return (double)epochs * (double)(run->layers + 1); }

static void show(const study_run *run, size_t epoch, void *user)
{
    const progress *p = user;
    const bool over = epoch == run->epochs;
    if (!p->live && !over) return;
    const double done = p->done + cost(run, epoch), seconds = bench_now() - p->start;
    const double left = seconds / (done - p->skipped) * (p->work - done);
    fprintf(stderr, "%srun %zu of %zu: %s %s, %zu layers, rate %g, seed %llu, epoch %zu, %.0f s left%s",
            p->live ? "\r" : "", p->s->count + 1, p->runs, study_stage_names[run->stage],
            p->s->activations.names[run->activation], run->layers, run->rate, (unsigned long long)run->seed, epoch,
            left, p->live ? "\033[K" : "\n");
    (void)fflush(stderr);
}

/* ---- the runs ------------------------------------------------------------------------------------------------------ */

static size_t count_rates(const study_config *c)
{
    size_t count = 0;
    while (count < STUDY_MOST_RATES && c->rates[count] > 0) count++;
    return count;
}

/* Rates are tuned where there are several. */
static bool tunes(const study_config *c) { return c->layers > 0 && count_rates(c) > 1; }

/* Run `index` of the study: depths with the seed outside, then tuning, then the final ones with the seed outside, so that a
 * study goes on when it is asked for more seeds. False past the last. Rates of final runs are set later. */
static bool find_run(const study *s, size_t index, study_run *run)
{
    const study_config *c = &s->config;
    const size_t kinds = s->activations.count, rates = count_rates(c);
    size_t depths = 0;
    while (depths < STUDY_MOST_DEPTHS && c->depths[depths]) depths++;
    const size_t counts[STUDY_STAGES] = {
        [STUDY_DEPTH] = c->depth_seeds * depths * kinds,
        [STUDY_TUNE] = tunes(c) ? rates * kinds : 0,
        [STUDY_FINAL] = c->layers ? c->seeds * kinds : 0,
    };
    for (study_stage stage = STUDY_DEPTH; stage < STUDY_STAGES; stage++) {
        if (index >= counts[stage]) {
            index -= counts[stage];
            continue;
        }
        *run = (study_run){.stage = stage, .activation = index % kinds, .layers = c->layers};
        const size_t outer = index / kinds;
        if (stage == STUDY_DEPTH) {
            run->layers = c->depths[outer % depths];
            run->rate = c->depth_rate;
            run->seed = outer / depths + 1;
            run->epochs = c->depth_epochs;
        } else if (stage == STUDY_TUNE) {
            run->rate = c->rates[outer];
            run->seed = STUDY_TUNING_SEED;
            run->epochs = c->tune_epochs;
        } else {
            run->seed = outer + 1;
            run->epochs = c->epochs;
        }
        return true;
    }
    return false;
}

/* The tried rate that ends with the least validation loss; of those that diverge none. */
static double choose_rate(const study *s, size_t activation)
{
    double rate = s->config.rates[0], least = INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        const study_result *r = &s->results[i];
        if (r->run.stage != STUDY_TUNE || r->run.activation != activation) continue;
        const double loss = study_last(r, STUDY_VALIDATION_LOSS);
        if (!(loss < least)) continue;
        least = loss;
        rate = r->run.rate;
    }
    return rate;
}

static ffn_status do_run(study *s, study_record *record, const study_run *run, progress *p, ffn_error *error)
{
    study_result *result = &s->results[s->count];
    bool found;
    ffn_status status = study_record_read(record, run, result, &found, error);
    if (status != FFN_OK) return status;
    if (found) {
        p->skipped += cost(run, run->epochs);
    } else {
        status = study_train(&s->config, &s->activations, &s->data, run, show, p, result, error);
        if (status == FFN_OK) status = study_record_write(record, result, error);
        if (status != FFN_OK) {
            study_result_destroy(result);
            return status;
        }
    }
    p->done += cost(run, run->epochs);
    s->count++;
    return FFN_OK;
}

ffn_status study_execute(study *s, ffn_error *error)
{
    progress p = {.s = s, .start = bench_now(), .live = isatty(STDERR_FILENO)};
    study_run run;
    for (; find_run(s, p.runs, &run); p.runs++) p.work += cost(&run, run.epochs);
    s->results = calloc(p.runs, sizeof *s->results);
    if (!s->results) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu runs", p.runs);
    study_record *record = study_record_open(s->folder, s->data.name, &s->config, &s->activations, error);
    if (!record) return FFN_IO_ERROR;
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < p.runs && status == FFN_OK; i++) {
        (void)find_run(s, i, &run);
        if (run.stage == STUDY_FINAL) run.rate = s->rates[run.activation] = choose_rate(s, run.activation);
        status = do_run(s, record, &run, &p, error);
    }
    if (p.live) fprintf(stderr, "\r\033[K");
    study_record_close(record);
    return status;
}

void study_free(study *s)
{
    for (size_t i = 0; i < s->count; i++) study_result_destroy(&s->results[i]);
    free(s->results);
    study_unload(&s->data);
    *s = (study){0};
}

/* ---- looking at results -------------------------------------------------------------------------------------------- */

size_t study_select(const study *s, study_stage stage, size_t activation, size_t layers, const study_result **results)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count && count < STUDY_MOST_SEEDS; i++) {
        const study_run *run = &s->results[i].run;
        if (run->stage == stage && run->activation == activation && (layers == 0 || run->layers == layers))
            results[count++] = &s->results[i];
    }
    return count;
}

double study_average(const study_result **results, size_t count, size_t epoch, size_t layer, study_quantity quantity)
{
    double sum = 0;
    size_t terms = 0;
    for (size_t i = 0; i < count; i++) {
        const study_result *r = results[i];
        const size_t layers = r->run.layers;
        if (epoch >= r->measured || layer > layers) continue;
        const study_layer *at = r->layers + epoch * layers;
        for (size_t l = layer ? layer - 1 : 0; l < (layer ? layer : layers); l++) {
            sum += at[l].q[quantity];
            terms++;
        }
    }
    return terms ? sum / (double)terms : (double)NAN;
}
