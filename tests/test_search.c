/* Searches: values of grids and draws, the same results for any number of trainings at a time, budgets, halving;
 * cross validation. Logs are in test_search_log.c, what is refused in test_search_refused.c. */
#include "failing.h"
#include "search_space.h"

/* ---- values ---------------------------------------------------------------------------------------------------- */

static void test_grid(void)
{
    const double rates[] = {1e-3, 1e-2, 1e-1};
    const size_t units[] = {2, 12};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result result = {0};
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.count, 3 * 2 * 2);
    size_t best = 0;
    for (size_t i = 0; i < result.count; i++) {
        const ffn_trial *t = &result.trials[i];
        CU_ASSERT_EQUAL(t->number, i + 1);
        CU_ASSERT_DOUBLE_EQUAL(ffn_trial_number(t, "learning_rate"), rates[i / 4], 1e-15);
        CU_ASSERT_EQUAL(ffn_trial_size(t, "units"), units[i / 2 % 2]);
        CU_ASSERT_STRING_EQUAL(ffn_trial_choice(t, "activation"), activations[i % 2]);
        CU_ASSERT(t->done && t->status == FFN_OK && t->seconds > 0 && t->epochs == 5 && t->spread == 0);
        const size_t n = ffn_trial_size(t, "units");
        CU_ASSERT_EQUAL(t->parameters, (INPUTS + 1) * n + (n + 1) * CLASSES);
        CU_ASSERT(t->memory > 4 * t->parameters * sizeof(float));
        if (t->score < result.trials[best].score) best = i;
    }
    CU_ASSERT_PTR_EQUAL(result.best, &result.trials[best]);
    CU_ASSERT_EQUAL(result.fit.optimizer.learning_rate, (float)ffn_trial_number(result.best, "learning_rate"));
    ffn_search_result_destroy(&result);
    CU_ASSERT(result.model == NULL && result.count == 0);
    options.trials = 5;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL(result.count, 5);
    ffn_search_result_destroy(&result);
    const ffn_dimension between = {.name = "units", .low = 1.6, .high = 3.5, .whole = true, .points = 3};
    options.trials = 100; /* more than there are points */
    options.dimensions = &between;
    options.dimension_count = 1;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.count, 3);
    for (size_t i = 0; i < 3; i++) CU_ASSERT_EQUAL(ffn_trial_size(&result.trials[i], "units"), i ? 3 : 2);
    ffn_search_result_destroy(&result);
    CU_ASSERT(isnan(ffn_trial_number(NULL, "units")) && ffn_trial_size(NULL, "units") == 0);
    CU_ASSERT_PTR_NULL(ffn_trial_choice(NULL, "units"));
}

static void test_draws(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 30);
    ffn_search_result result = {0}, other = {0};
    options.fit.epochs = 1;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.count, 30);
    size_t slow = 0, few = 0, tanh_count = 0;
    for (size_t i = 0; i < 30; i++) {
        const double rate = ffn_trial_number(&result.trials[i], "learning_rate"),
                     units = ffn_trial_number(&result.trials[i], "units");
        CU_ASSERT(rate >= 1e-3 && rate <= 1e-1 && units >= 2 && units <= 12 && units == floor(units));
        slow += rate < 1e-2;
        few += units < 7;
        tanh_count += strcmp(ffn_trial_choice(&result.trials[i], "activation"), "tanh") == 0;
    }
    CU_ASSERT(slow > 7 && slow < 23 && few > 5 && few < 22 && tanh_count > 7 && tanh_count < 23);
    options.seed = 4;
    CU_ASSERT_EQUAL_FATAL(search(&options, &other), FFN_OK);
    CU_ASSERT(result.trials[0].values[0] != other.trials[0].values[0]);
    ffn_search_result_destroy(&result);
    ffn_search_result_destroy(&other);
}

/* Options by name reach the training: optimizer and loss are taken before the numbers. */
static void test_names_of_options(void)
{
    static const char *const optimizers[] = {"sgd"}, *const losses[] = {"cross_entropy"};
    const ffn_dimension named[] = {{.name = "learning_rate", .low = 0.25, .high = 0.25},
                                   {.name = "l2", .low = 1e-3, .high = 1e-3},
                                   {.name = "batch_size", .low = 7, .high = 7, .whole = true},
                                   {.name = "epochs", .low = 2, .high = 2, .whole = true},
                                   {.name = "optimizer", .choices = optimizers, .choice_count = 1},
                                   {.name = "loss", .choices = losses, .choice_count = 1},
                                   {.name = "label_smoothing", .low = 0.125, .high = 0.125}};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    options.dimensions = named;
    options.dimension_count = COUNT(named);
    ffn_search_result result = {0};
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL(result.count, 1);
    const ffn_fit_options *fit = &result.fit;
    CU_ASSERT(fit->optimizer.ops == ffn_sgd(1).ops && fit->optimizer.learning_rate == 0.25f && fit->l2 == 1e-3f);
    CU_ASSERT(fit->batch_size == 7 && fit->epochs == 2 && fit->loss.label_smoothing == 0.125f);
    CU_ASSERT(fit->loss.ops == ffn_cross_entropy().ops);
    ffn_search_result_destroy(&result);
    const ffn_dimension loss = {.name = "loss", .choices = losses, .choice_count = 1};
    options.fit.loss.label_smoothing = 0.25f; /* stays */
    options.dimensions = &loss;
    options.dimension_count = 1;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL(result.fit.loss.label_smoothing, 0.25f);
    ffn_search_result_destroy(&result);
}

/* Options that fit one training are of no matter to trials, which would share the file. */
static void test_no_checkpoints(void)
{
    static const char path[] = "test_search.ckpt";
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 2);
    ffn_search_result plain = {0}, result = {0};
    ffn_cross_validation folds = {0};
    CU_ASSERT_EQUAL_FATAL(search(&options, &plain), FFN_OK);
    options.fit.checkpoint_path = path;
    options.fit.checkpoint_every = 2;
    options.fit.resume = true;
    (void)remove(path);
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    expect_same(&plain, &result);
    CU_ASSERT(!result.fit.checkpoint_path && result.fit.checkpoint_every == 0 && !result.fit.resume);
    ffn_dataset *data = make_data();
    CU_ASSERT_EQUAL(ffn_cross_validate(data, &options, &folds, NULL), FFN_OK);
    CU_ASSERT_NOT_EQUAL(remove(path), 0); /* nobody has written it */
    ffn_dataset_destroy(data);
    ffn_cross_validation_destroy(&folds);
    ffn_search_result_destroy(&plain);
    ffn_search_result_destroy(&result);
}

/* What an optimizer keeps beside the weights counts: nothing, two moments, ten pairs of differences and four blocks more. */
static void test_memory_of_optimizers(void)
{
    static const char *const optimizers[] = {"sgd", "adam", "lbfgs"};
    const size_t blocks[] = {0, 2, 24};
    const ffn_dimension named[] = {{.name = "optimizer", .choices = optimizers, .choice_count = COUNT(optimizers)}};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result result = {0};
    options.fit.epochs = 1;
    options.dimensions = named;
    options.dimension_count = COUNT(named);
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.count, COUNT(optimizers));
    for (size_t i = 0; i < result.count; i++) {
        const ffn_trial *t = &result.trials[i];
        CU_ASSERT(t->memory >= result.trials[0].memory + blocks[i] * t->parameters * sizeof(float));
    }
    ffn_search_result_destroy(&result);
}

/* ---- results --------------------------------------------------------------------------------------------------- */

static void test_same_for_any_number_at_a_time(void)
{
    const ffn_search_method methods[] = {FFN_SEARCH_RANDOM, FFN_SEARCH_HALVING};
    for (size_t m = 0; m < COUNT(methods); m++)
        for (size_t folds = 0; folds < 4; folds += 3) {
            ffn_search_options options = make_options(methods[m], 6);
            ffn_search_result one = {0}, more = {0};
            options.folds = folds;
            options.metric = "accuracy";
            CU_ASSERT_EQUAL_FATAL(search(&options, &one), FFN_OK);
            for (options.parallel = 0; options.parallel < 6; options.parallel += 2) {
                CU_ASSERT_EQUAL_FATAL(search(&options, &more), FFN_OK);
                expect_same(&one, &more);
            }
            for (size_t i = 0; i < one.count; i++)
                CU_ASSERT(one.trials[i].rung < one.best->rung || one.best->score >= one.trials[i].score);
            ffn_search_result_destroy(&one);
            ffn_search_result_destroy(&more);
        }
}

static void test_halving(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_HALVING, 9);
    ffn_search_result result = {0};
    options.fit.epochs = 18;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.count, 9 + 3 + 1);
    const size_t first[] = {0, 9, 12, 13};
    const double epochs[] = {2, 6, 18};
    for (size_t rung = 0; rung < 3; rung++)
        for (size_t i = first[rung]; i < first[rung + 1]; i++) {
            CU_ASSERT_EQUAL(result.trials[i].rung, rung);
            CU_ASSERT_EQUAL(result.trials[i].epochs, epochs[rung]);
            size_t better = 0; /* of the rung, than one that went on to it */
            for (size_t k = 0; rung > 0 && k < first[rung]; k++) {
                if (result.trials[k].rung != rung - 1) continue;
                for (size_t own = first[rung - 1]; own < first[rung]; own++)
                    if (result.trials[own].number == result.trials[i].number)
                        better += result.trials[k].score < result.trials[own].score;
            }
            CU_ASSERT(rung == 0 || better < first[rung + 1] - first[rung]);
        }
    CU_ASSERT_PTR_EQUAL(result.best, &result.trials[12]);
    ffn_search_result_destroy(&result);
}

/* What a training was given. */
typedef struct given {
    size_t rows, of_class[CLASSES];
} given;

static ffn_model *look_at_rows(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                               ffn_error *error)
{
    given *g = user;
    *g = (given){.rows = ffn_dataset_rows(training)};
    for (size_t r = 0; r < g->rows; r++) g->of_class[(size_t)ffn_dataset_targets(training).data[r]]++;
    return build(trial, seed, training, NULL, error);
}

static int stop_at_once(const ffn_progress *progress, void *user)
{
    (void)progress, (void)user;
    return 1;
}

/* A share of each class is held out, and nothing of the fit's but its options reaches the trials. */
static void test_held_out(void)
{
    const float shares[] = {0, 0.5f};
    size_t all[CLASSES] = {0};
    ffn_dataset *data = make_data();
    for (size_t r = 0; r < ROWS; r++) all[labels[r]]++;
    for (size_t i = 0; i < COUNT(shares); i++) {
        const float share = shares[i] > 0 ? shares[i] : 0.2f;
        given g = {0};
        ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 1);
        ffn_search_result result = {0};
        options.build = look_at_rows;
        options.user = &g;
        options.fit.validation_fraction = shares[i];
        options.fit.on_epoch = options.fit.on_batch = stop_at_once;
        CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_OK);
        CU_ASSERT_EQUAL(g.rows, (size_t)(ROWS * (1 - share) + 0.5f));
        for (size_t c = 0; c < CLASSES; c++)
            CU_ASSERT_DOUBLE_EQUAL(g.of_class[c], (double)all[c] * (double)(1 - share), 1);
        ffn_search_result_destroy(&result);
    }
    ffn_dataset_destroy(data);
}

/* Of trials that are equally good the first is the best. */
static void test_ties(void)
{
    const ffn_dimension nothing = {.name = "nothing", .high = 1};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result result = {0};
    options.dimensions = &nothing;
    options.dimension_count = 1;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    CU_ASSERT_EQUAL(result.count, 3);
    CU_ASSERT_EQUAL(result.trials[0].score, result.trials[2].score);
    CU_ASSERT_EQUAL(result.best->number, 1);
    ffn_search_result_destroy(&result);
}

static void test_refit(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 3);
    ffn_search_result part = {0}, all = {0};
    options.fit.restore_best = true;
    options.fit.epochs = 12;
    CU_ASSERT_EQUAL_FATAL(search(&options, &part), FFN_OK);
    options.refit = true;
    CU_ASSERT_EQUAL_FATAL(search(&options, &all), FFN_OK);
    CU_ASSERT_FALSE(same_model(part.model, all.model));
    CU_ASSERT_EQUAL(all.best->score, part.best->score);
    CU_ASSERT_EQUAL((double)all.fit.epochs, all.best->epochs);
    ffn_dataset *data = make_data();
    ffn_model *model = build(all.best, options.fit.seed, data, NULL, NULL); /* as one would by hand */
    CU_ASSERT_EQUAL(ffn_fit(model, data, &all.fit, NULL, NULL), FFN_OK);
    CU_ASSERT(same_model(model, all.model));
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
    ffn_search_result_destroy(&part);
    ffn_search_result_destroy(&all);
}

static void test_budgets(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 1000);
    ffn_search_result result = {0};
    options.seconds = 0.02;
    CU_ASSERT_EQUAL(search(&options, &result), FFN_OK);
    CU_ASSERT(result.count > 0 && result.count < 1000 && result.model);
    options.seconds = 1e-12;
    CU_ASSERT_EQUAL(search(&options, &result), FFN_STOPPED);
    CU_ASSERT(result.count == 0 && !result.model && !result.best);
    size_t stop = 4;
    options.seconds = 0;
    options.on_trial = stop_at;
    options.user = &stop;
    CU_ASSERT_EQUAL(search(&options, &result), FFN_STOPPED);
    CU_ASSERT_EQUAL(result.count, 4);
    CU_ASSERT(result.best && !result.model);
    ffn_search_result_destroy(&result);
}

/* A trial that diverges is a trial without a score; if all do, there is nothing to choose. */
static void test_divergence(void)
{
    static const char *const optimizers[] = {"sgd", "adam"};
    const ffn_dimension wild[] = {{.name = "optimizer", .choices = optimizers, .choice_count = 2},
                                  {.name = "learning_rate", .low = 1e-2, .high = 1e38, .points = 2}};
    ffn_search_options options = make_options(FFN_SEARCH_GRID, 0);
    ffn_search_result result = {0};
    options.dimensions = wild;
    options.dimension_count = 2;
    CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
    size_t diverged = 0;
    for (size_t i = 0; i < result.count; i++) {
        diverged += result.trials[i].status == FFN_DIVERGED;
        CU_ASSERT_EQUAL(isnan(result.trials[i].score), result.trials[i].status == FFN_DIVERGED);
    }
    CU_ASSERT(diverged >= 1 && diverged <= 2 && !isnan(result.best->score));
    const ffn_dimension worse[] = {{.name = "learning_rate", .low = 3e38, .high = 3e38}};
    options.dimensions = worse;
    options.dimension_count = 1;
    options.fit.optimizer = ffn_sgd(1);
    ffn_dataset *data = make_data();
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_DIVERGED);
    CU_ASSERT(result.count == 1 && !result.best && !result.model);
    ffn_dataset_destroy(data);
    ffn_search_result_destroy(&result);
}

/* ---- functions of the caller ----------------------------------------------------------------------------------- */

static double count_score(const ffn_progress *progress, void *user)
{
    atomic_fetch_add((atomic_size_t *)user, 1);
    return -progress->validation_loss;
}

static int never(const ffn_progress *progress, void *user)
{
    (void)progress, (void)user;
    CU_FAIL("a search calls on_epoch or on_batch");
    return 1;
}

/* A score steers trials, on whatever threads they run; the other two functions are not called. */
static void test_score(void)
{
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 6);
    ffn_search_result by_loss = {0}, by_score = {0};
    options.fit.restore_best = true;
    CU_ASSERT_EQUAL_FATAL(search(&options, &by_loss), FFN_OK);
    options.fit.monitor = FFN_MONITOR_SCORE;
    options.fit.score = count_score;
    options.fit.on_epoch = options.fit.on_batch = never;
    for (options.parallel = 1; options.parallel <= 4; options.parallel += 3) {
        atomic_size_t calls = 0;
        options.fit.user = &calls;
        CU_ASSERT_EQUAL_FATAL(search(&options, &by_score), FFN_OK);
        CU_ASSERT_EQUAL(atomic_load(&calls), (6 + 1) * options.fit.epochs); /* of the trials and the model */
        expect_same(&by_loss, &by_score);
    }
    ffn_search_result_destroy(&by_loss);
    ffn_search_result_destroy(&by_score);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static void test_memory_fails(void)
{
    ffn_dataset *data = make_data();
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 2);
    bool done = false;
    options.fit.epochs = 1;
    options.log = "test_search_memory.csv";
    (void)remove(options.log);
    for (size_t fail = 1; !done && fail < 2000; fail += 1 + fail / 20) {
        ffn_search_result result = {0};
        failing_start(fail);
        const ffn_status status = ffn_search(data, &options, &result, NULL);
        done = status == FFN_OK && failing.calls < fail;
        CU_ASSERT(done || status == FFN_OUT_OF_MEMORY || status == FFN_OK);
        CU_ASSERT(status == FFN_OK || result.model == NULL);
        ffn_search_result_destroy(&result);
        CU_ASSERT_EQUAL(failing_stop(), 0);
        (void)remove(options.log);
    }
    CU_ASSERT(done);
    ffn_dataset_destroy(data);
}

/* ---- cross validation ------------------------------------------------------------------------------------------ */

/* The same as by hand. */
static void test_cross_validation(void)
{
    ffn_dataset *data = make_data();
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 0);
    ffn_cross_validation result = {0}, more = {0};
    options.metric = "accuracy";
    CU_ASSERT_EQUAL_FATAL(ffn_cross_validate(data, &options, &result, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(result.folds, 5);
    double mean = 0, squares = 0;
    for (size_t f = 0; f < 5; f++) {
        ffn_dataset *training, *validation;
        double value = 0;
        CU_ASSERT_EQUAL(ffn_dataset_fold_stratified(data, 5, f, options.seed, &training, &validation, NULL), FFN_OK);
        ffn_model *model = build(NULL, options.fit.seed, training, NULL, NULL);
        ffn_fit_options fit = options.fit;
        fit.validation = validation;
        CU_ASSERT_EQUAL(ffn_fit(model, training, &fit, NULL, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_evaluate_metric(model, validation, fit.loss, "accuracy", &value, NULL), FFN_OK);
        CU_ASSERT_EQUAL(result.scores[f], value);
        mean += value / 5;
        ffn_model_destroy(model);
        ffn_dataset_destroy(training);
        ffn_dataset_destroy(validation);
    }
    for (size_t f = 0; f < 5; f++) squares += (result.scores[f] - mean) * (result.scores[f] - mean);
    CU_ASSERT_DOUBLE_EQUAL(result.mean, mean, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(result.spread, sqrt(squares / 4), 1e-12);
    CU_ASSERT(result.parameters == (INPUTS + 1) * 5 + 6 * CLASSES && result.memory > 0 && result.seconds > 0);
    options.parallel = 4;
    CU_ASSERT_EQUAL_FATAL(ffn_cross_validate(data, &options, &more, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(more.scores, result.scores, 5 * sizeof(double)), 0);
    options.fit.optimizer = ffn_sgd(3e38f);
    CU_ASSERT_EQUAL(ffn_cross_validate(data, &options, &more, NULL), FFN_DIVERGED);
    options.fit.validation = data;
    CU_ASSERT_EQUAL(ffn_cross_validate(data, &options, &more, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_cross_validate(data, &options, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_cross_validate(data, NULL, &more, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(more.folds, 5);
    ffn_cross_validation_destroy(&result);
    ffn_cross_validation_destroy(&more);
    ffn_cross_validation_destroy(NULL);
    ffn_dataset_destroy(data);
}

/* Who goes on does not begin again, and ends where a training of all epochs at once does. */
static void test_halving_goes_on(void)
{
    for (size_t way = 0; way < 4; way++) {
        atomic_size_t rows = 0;
        const ffn_augmentation counting = {.custom = count_row, .user = &rows};
        const size_t folds = way & 1 ? 2 : 0, per_epoch = folds ? ROWS : ROWS * 4 / 5;
        ffn_search_options options = make_options(FFN_SEARCH_HALVING, 9);
        ffn_search_result result = {0}, whole = {0};
        options.fit.epochs = 9;
        options.fit.augmentation = &counting;
        options.fit.restore_best = way & 2;
        options.folds = folds;
        options.parallel = 1 + way / 2;
        CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
        CU_ASSERT_EQUAL(result.count, 9 + 3 + 1);
        const size_t model = (folds ? ROWS / 2 : per_epoch) * 9; /* that is handed over */
        CU_ASSERT_EQUAL(atomic_load(&rows), per_epoch * (9 * 1 + 3 * 2 + 1 * 6) + model);
        options.method = FFN_SEARCH_RANDOM;
        CU_ASSERT_EQUAL_FATAL(search(&options, &whole), FFN_OK);
        CU_ASSERT_EQUAL(result.best->score, whole.trials[result.best->number - 1].score);
        CU_ASSERT_EQUAL(result.best->epochs, whole.trials[result.best->number - 1].epochs);
        ffn_search_result_destroy(&result);
        ffn_search_result_destroy(&whole);
    }
}

static const test_case cases[] = {
    {"grid", test_grid},
    {"draws", test_draws},
    {"names of options", test_names_of_options},
    {"no checkpoints", test_no_checkpoints},
    {"memory of optimizers", test_memory_of_optimizers},
    {"the same for any number at a time", test_same_for_any_number_at_a_time},
    {"halving", test_halving},
    {"halving goes on", test_halving_goes_on},
    {"what is held out", test_held_out},
    {"ties", test_ties},
    {"refit", test_refit},
    {"budgets", test_budgets},
    {"divergence", test_divergence},
    {"score", test_score},
    {"memory fails", test_memory_fails},
    {"cross validation", test_cross_validation},
};
TEST_MAIN("search", cases)
