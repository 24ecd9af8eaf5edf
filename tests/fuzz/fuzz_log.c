/* Any bytes as the log of a search, which the first byte chooses. For libFuzzer (clang -fsanitize=fuzzer): the reader must not
 * crash, leak or hang; trials that it takes are such as the search may have, and are the same when written and read again. */
#include "require.h"

#include "search/search.h"

#include <math.h>

enum { SETS = 4, RUNGS = 2, MOST = SETS + SETS / 2, DIMENSIONS = 3 };

static const char *const choices[] = {"tanh", "a \"quoted\" one", "with, comma"};
static const ffn_dimension dimensions[DIMENSIONS] = {
    {.name = "learning_rate", .low = 1e-3, .high = 1e-1, .logarithmic = true},
    {.name = "units", .low = 2, .high = 12, .whole = true},
    {.name = "the \"kind\"", .choices = choices, .choice_count = 3},
};
static const size_t epochs[RUNGS] = {2, 6};

/* The trials of a search as it would begin with the last of its rungs. */
static void make_trials(const ffn_search_options *options, double *values, ffn_trial *trials, size_t count)
{
    for (size_t i = 0; i < SETS; i++)
        ffn__space_draw(dimensions, DIMENSIONS, options->seed, i, values + i * DIMENSIONS);
    for (size_t i = 0; i < count; i++) {
        const size_t set = i < SETS ? i : 2 * (i - SETS); /* the first and the third go on */
        trials[i] = (ffn_trial){.number = set + 1,
                                .rung = i / SETS,
                                .dimension_count = DIMENSIONS,
                                .dimensions = dimensions,
                                .values = values + set * DIMENSIONS,
                                .score = (double)NAN,
                                .spread = (double)NAN};
    }
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void check(const ffn__study *study, const ffn_trial *trials, size_t count)
{
    double values[SETS * DIMENSIONS];
    ffn_trial again[MOST];
    ffn__text text = {0};
    ffn_error error = {FFN_OK, ""};
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        const ffn_trial *t = &trials[i];
        done += t->done;
        require(!t->done || t->status == FFN_OK || t->status == FFN_DIVERGED || t->status == FFN_INVALID_ARGUMENT,
                "a trial is done, has diverged or was refused");
        require(!t->done || (t->epochs >= 0 && t->epochs <= (double)epochs[t->rung]), "no epochs that it cannot have");
        require(!t->done || !isinf(t->score), "a score is finite or there is none");
    }
    if (done == 0) return; /* there is a log from the first trial on */
    ffn__log_compose(study, trials, count, epochs, &text);
    require(!text.failed, "there is memory");
    make_trials(study->options, values, again, count);
    require(ffn__log_parse(study, text.bytes, text.length, again, count, epochs, RUNGS, &error) == FFN_OK,
            "what is written is read");
    for (size_t i = 0; i < count; i++)
        require(again[i].done == trials[i].done && same(again[i].score, trials[i].score) &&
                    again[i].status == trials[i].status && again[i].parameters == trials[i].parameters,
                "and is the same");
    ffn__text_destroy(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    double values[SETS * DIMENSIONS];
    ffn_trial trials[MOST];
    ffn_error error = {FFN_OK, ""};
    if (size < 1) return 0;
    const ffn_search_options options = {.fit = ffn_fit_defaults(),
                                        .dimensions = dimensions,
                                        .dimension_count = DIMENSIONS,
                                        .method = FFN_SEARCH_HALVING,
                                        .metric = bytes[0] & 1 ? "accuracy" : NULL,
                                        .log = "log.csv"};
    const ffn__study study = {.options = &options, .folds = bytes[0] & 2 ? 3 : 1, .lower_is_better = !(bytes[0] & 1)};
    const size_t count = bytes[0] & 4 ? MOST : SETS;
    make_trials(&options, values, trials, count);
    const ffn_status status =
        ffn__log_parse(&study, (const char *)bytes + 1, size - 1, trials, count, epochs, RUNGS, &error);
    require_outcome(status == FFN_OK, &error);
    if (status == FFN_OK) check(&study, trials, count);
    return 0;
}
