/* Looks for a good network for handwritten digits: successive halving over the width, the activation, dropout and four
 * options of training, several trials at a time. The table of the best so far is drawn anew as trials finish; on a terminal
 * in place. Stop it and start it again: it goes on from search.csv, or the file that its argument names. */
#include "show.h"

#include <stdio.h>
#include <unistd.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

enum { TRIALS = 27, SHOWN = 5 };

static const char *const activations[] = {"relu", "tanh", "gelu"};
static const char *const optimizers[] = {"adam", "adamw", "rmsprop"};

/* The first three mean something to `build`; the others are fit options and need nobody to apply them. */
static const ffn_dimension space[] = {
    {.name = "units", .low = 16, .high = 128, .logarithmic = true, .whole = true},
    {.name = "activation", .choices = activations, .choice_count = 3},
    {.name = "dropout", .low = 0, .high = 0.5},
    {.name = "optimizer", .choices = optimizers, .choice_count = 3},
    {.name = "learning_rate", .low = 1e-4, .high = 1e-1, .logarithmic = true},
    {.name = "batch_size", .low = 8, .high = 128, .logarithmic = true, .whole = true},
    {.name = "label_smoothing", .low = 0, .high = 0.2},
};
enum { DIMENSIONS = sizeof space / sizeof space[0] };

/* What stands over their columns of the table, and how wide those are. */
static const struct {
    const char *title;
    int width;
} columns[DIMENSIONS] = {{"units", 5}, {"activ.", 6}, {"dropout", 8}, {"optim.", 7},
                         {"rate", 8},  {"batch", 5},  {"smooth", 8}};

/* A network by the trial's values. Called from several threads, so it keeps to its arguments. */
static ffn_model *build(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                        ffn_error *error)
{
    (void)user;
    ffn_activation activation;
    if (ffn_activation_by_name(ffn_trial_choice(trial, "activation"), &activation, error) != FFN_OK) return NULL;
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_dataset_sample_shape(training)));
    h = ffn_dense(model, h, ffn_trial_size(trial, "units"), activation);
    h = ffn_dropout(model, h, (float)ffn_trial_number(trial, "dropout"));
    h = ffn_dense(model, h, ffn_dataset_classes(training), ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* ---- the table ------------------------------------------------------------------------------------------- */

typedef struct board {
    ffn_trial best[SHOWN]; /* falling by rung and score */
    size_t count;
    bool terminal, drawn;
} board;

static bool is_better(const ffn_trial *a, const ffn_trial *b)
{
    return a->rung != b->rung ? a->rung > b->rung : a->score > b->score;
}

static void insert(board *b, const ffn_trial *trial)
{
    if (b->count == SHOWN && !is_better(trial, &b->best[SHOWN - 1])) return;
    size_t at = b->count < SHOWN ? b->count++ : SHOWN - 1;
    for (; at > 0 && is_better(trial, &b->best[at - 1]); at--) b->best[at] = b->best[at - 1];
    b->best[at] = *trial;
}

static void print_trial(const ffn_trial *t)
{
    printf("%5zu %6.0f %9.4f %8.2f %8zu %7.0f", t->number, t->epochs, t->score, t->seconds, t->parameters,
           (double)t->memory / 1024);
    for (size_t i = 0; i < t->dimension_count; i++)
        if (space[i].choices)
            printf(" %*s", columns[i].width, space[i].choices[(size_t)t->values[i]]);
        else
            printf(" %*.3g", columns[i].width, t->values[i]);
    printf("\n");
}

static void print_head(void)
{
    printf("trial epochs  accuracy  seconds  numbers     KiB");
    for (size_t i = 0; i < DIMENSIONS; i++) printf(" %*s", columns[i].width, columns[i].title);
    printf("\n");
}

/* For on_trial. The library makes one call at a time. */
static int show_trial(const ffn_search_progress *progress, void *user)
{
    board *b = user;
    insert(b, progress->trial);
    if (!b->terminal) {
        print_trial(progress->trial);
        return 0;
    }
    if (b->drawn) printf("\033[%dA", SHOWN + 2); /* up to the first line of the table */
    b->drawn = true;
    print_head();
    for (size_t i = 0; i < SHOWN; i++) {
        printf("\033[K");
        if (i < b->count)
            print_trial(&b->best[i]);
        else
            printf("\n");
    }
    printf("\033[K%zu of %zu runs, %zu of them from the log, %.1f s\n", progress->done, progress->planned,
           progress->from_log, progress->seconds);
    (void)fflush(stdout);
    return 0;
}

/* ---- the work -------------------------------------------------------------------------------------------- */

static ffn_status run(const char *log, const ffn_dataset *training, const ffn_dataset *test, ffn_search_result *result,
                      ffn_error *error)
{
    board table = {.terminal = isatty(STDOUT_FILENO) == 1};
    ffn_search_options options = {
        .build = build,
        .user = &table,
        .fit = ffn_fit_defaults(),
        .dimensions = space,
        .dimension_count = DIMENSIONS,
        .method = FFN_SEARCH_HALVING,
        .trials = TRIALS,
        .folds = 3,
        .metric = "accuracy",
        .seed = 1,
        .log = log,
        .on_trial = show_trial,
        .refit = true,
    };
    options.fit.epochs = 27;
    if (!table.terminal) print_head();
    ffn_status status = ffn_search(training, &options, result, error);
    if (status != FFN_OK) return status;
    printf("\nthe best, trial %zu of %d: accuracy %.4f +- %.4f in 3 folds\n", result->best->number, TRIALS,
           result->best->score, result->best->spread);
    print_head();
    print_trial(result->best);
    double accuracy = 0;
    status = ffn_evaluate_metric(result->model, test, result->fit.loss, "accuracy", &accuracy, error);
    if (status == FFN_OK) printf("\nrefit on all training data: test accuracy %.4f\n", accuracy);
    return status;
}

static const char usage[] = "search [LOG.csv]\n"
                            "Looks for a good network for handwritten digits; goes on from its log: search.csv.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    const ffn_csv_options csv = {.classification = true};
    ffn_error error = {0};
    ffn_dataset *training = NULL, *test = NULL;
    ffn_search_result result = {0};
    ffn_dataset *all = ffn_dataset_load_csv(FFN_EXAMPLES_DATA "/digits.csv", &csv, &error);
    ffn_status status = all ? ffn_dataset_split_stratified(all, 0.8f, 1, &training, &test, &error) : error.status;
    if (status == FFN_OK) status = run(argc > 1 ? argv[1] : "search.csv", training, test, &result, &error);
    ffn_search_result_destroy(&result);
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    ffn_dataset_destroy(all);
    return status == FFN_OK ? 0 : show_error("search", &error);
}
