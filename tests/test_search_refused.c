/* What a search refuses, and trials that a training refuses. */
#include "search_space.h"

/* ---- trials and the last model --------------------------------------------------------------------------------- */

/* With a batch norm, which refuses a batch of one row. */
static ffn_model *build_norm(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                             ffn_error *error)
{
    (void)trial, (void)user;
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_batch_norm(model, ffn_input(model, ffn_dataset_sample_shape(training)));
    h = ffn_dense(model, h, ffn_dataset_classes(training), ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

/* A trial whose options the training refuses has failed, and the search goes on, also from the log. */
static void test_refused_trials(void)
{
    static const ffn_dimension sizes[] = {{.name = "batch_size", .low = 4, .high = 6, .whole = true, .points = 3}};
    static const char log[] = "test_search_refused.csv";
    const size_t rows = ROWS * 4 / 5;
    CU_ASSERT(rows % 4 != 1 && rows % 5 == 1 && rows % 6 != 1);
    (void)remove(log);
    for (size_t way = 0; way < 5; way++) { /* the first one's log is the second one's */
        ffn_search_options options = make_options(way < 4 ? FFN_SEARCH_GRID : FFN_SEARCH_HALVING, 3);
        ffn_search_result result = {0};
        options.build = build_norm;
        options.dimensions = sizes;
        options.dimension_count = 1;
        options.log = way < 2 ? log : NULL;
        options.parallel = way < 3 ? 1 : 3;
        options.seed = way < 4 ? 3 : 1;
        options.folds = way == 2 ? 4 : 0; /* of 90 rows, none of which is left over */
        CU_ASSERT_EQUAL_FATAL(search(&options, &result), FFN_OK);
        CU_ASSERT(result.count >= 3 && result.best && !isnan(result.best->score) && result.model);
        for (size_t i = 0; i < result.count; i++) {
            const ffn_trial *t = &result.trials[i];
            const bool refused = way != 2 && ffn_trial_size(t, "batch_size") == 5;
            CU_ASSERT(t->done && t->status == (refused ? FFN_INVALID_ARGUMENT : FFN_OK) && isnan(t->score) == refused);
        }
        ffn_search_result_destroy(&result);
    }
    (void)remove(log);
}

/* If all are, the first one's error is the search's, whoever comes first, also of those in a log. */
static void test_only_refused_trials(void)
{
    static const ffn_dimension sizes[] = {{.name = "batch_size", .low = 5, .high = 19, .whole = true, .points = 2}};
    static const char log[] = "test_search_refused.csv";
    ffn_dataset *data = make_data();
    (void)remove(log);
    for (size_t way = 0; way < 4; way++) {
        ffn_search_options options = make_options(FFN_SEARCH_GRID, 2);
        ffn_search_result result = {0};
        ffn_error error = {FFN_OK, ""};
        options.build = build_norm;
        options.dimensions = sizes;
        options.dimension_count = 1;
        options.log = log;
        options.parallel = 1 + way % 2;
        CU_ASSERT_EQUAL(ffn_search(data, &options, &result, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "trial 1, fold 0: "));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "batch_size 5"));
        CU_ASSERT(!result.model && !result.trials);
        ffn_search_result_destroy(&result);
    }
    (void)remove(log);
    ffn_dataset_destroy(data);
}

/* Builds as often as *user says, then no more. */
static ffn_model *few_models(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                             ffn_error *error)
{
    size_t *left = user;
    return *left > 0 ? (*left)--, build(trial, seed, training, NULL, error) : NULL;
}

/* The trials are there when the last model, that of the best values, is not built; what the error said before is gone. */
static void test_no_last_model(void)
{
    const ffn_error before[] = {{FFN_OK, ""}, {FFN_IO_ERROR, "of another call"}};
    ffn_dataset *data = make_data();
    for (size_t i = 0; i <= COUNT(before); i++) {
        size_t left = 3;
        ffn_error error = before[i % COUNT(before)];
        ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 3);
        ffn_search_result result = {0};
        options.build = few_models;
        options.user = &left;
        CU_ASSERT_EQUAL(ffn_search(data, &options, &result, i < COUNT(before) ? &error : NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT(i == COUNT(before) || error.status == FFN_INVALID_ARGUMENT);
        CU_ASSERT(i == COUNT(before) || strstr(error.message, "build returned NULL"));
        CU_ASSERT(result.count == 3 && result.best && !result.model);
        ffn_search_result_destroy(&result);
    }
    ffn_dataset_destroy(data);
}

/* ---- searches -------------------------------------------------------------------------------------------------- */

static ffn_model *no_model(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                           ffn_error *error)
{
    (void)trial, (void)seed, (void)training, (void)user, (void)error;
    return NULL;
}

static void test_refuses_dimensions(void)
{
    static const char *const none[] = {NULL}, *const misspelt[] = {"adam", "sgd", "adamm"},
                             *const losses[] = {"cross_entropy", "cross_entropy_soft", "crossentropy"};
    const ffn_dimension bad[] = {
        {.name = NULL, .high = 1},
        {.name = "", .high = 1},
        {.name = "a", .low = 2, .high = 1},
        {.name = "a", .low = (double)NAN, .high = 1},
        {.name = "a", .low = 0, .high = INFINITY},
        {.name = "a", .low = 0, .high = 1, .logarithmic = true},
        {.name = "a", .low = 0.2, .high = 0.8, .whole = true},
        {.name = "a", .choices = activations, .choice_count = 0},
        {.name = "a", .choices = none, .choice_count = 1},
        {.name = "learning_rate", .low = -1, .high = 1},
        {.name = "learning_rate", .choices = activations, .choice_count = 1},
        {.name = "epochs", .low = 1, .high = 3},
        {.name = "optimizer", .low = 1, .high = 3},
        {.name = "optimizer", .choices = activations, .choice_count = 1},
        {.name = "l2", .low = 1e300, .high = 1e300},
        {.name = "optimizer", .choices = misspelt, .choice_count = 3},
        {.name = "loss", .choices = losses, .choice_count = 3},
        {.name = "momentum", .low = 0, .high = 1},
        {.name = "alpha", .low = 0.5, .high = 1},
        {.name = "beta1", .low = 0.5, .high = 1},
        {.name = "beta2", .low = 0.5, .high = 0.99999999999}, /* 1 as a float */
        {.name = "label_smoothing", .low = 0, .high = 1.5},
        {.name = "average_decay", .low = 0.5, .high = 1},
        {.name = "validation_fraction", .low = 0.5, .high = 1},
        {.name = "validation_fraction", .low = 0, .high = 0.5},
        {.name = "epochs", .low = 0, .high = 3, .whole = true},
        {.name = "batch_size", .low = 0, .high = 8, .whole = true},
        {.name = "accumulate", .low = 0, .high = 2, .whole = true},
    };
    ffn_dataset *data = make_data();
    ffn_search_result result = {0};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ffn_error error = {FFN_OK, ""};
        ffn_search_options options = make_options(FFN_SEARCH_GRID, 2);
        options.fit.optimizer = ffn_sgd(0.1f);
        options.dimensions = &bad[i];
        options.dimension_count = 1;
        const ffn_status status = ffn_search(data, &options, &result, &error);
        if (status == FFN_OK) printf("\n    dimension %zu is accepted\n", i);
        CU_ASSERT_EQUAL(status, FFN_INVALID_ARGUMENT);
        CU_ASSERT(!bad[i].name || strstr(error.message, bad[i].name));
        CU_ASSERT(bad[i].choices != misspelt || strstr(error.message, "optimizer, choice 2: "));
        ffn_search_result_destroy(&result);
    }
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 2);
    const ffn_dimension twice[] = {space[0], space[0]};
    options.dimensions = twice;
    options.dimension_count = 2;
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    ffn_dataset_destroy(data);
}

/* A metric that is none, or not one for the data, is refused before anything is trained. */
static void test_refuses_metrics(void)
{
    const char *const wrong[] = {"acuracy", "mae", "top_9_accuracy"};
    ffn_dataset *data = make_data();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        atomic_size_t rows = 0;
        const ffn_augmentation counting = {.custom = count_row, .user = &rows};
        ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 2);
        ffn_search_result result = {0};
        ffn_cross_validation folds = {0};
        ffn_error error = {FFN_OK, ""};
        options.fit.augmentation = &counting;
        options.metric = wrong[i];
        CU_ASSERT_EQUAL(ffn_search(data, &options, &result, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "metric"));
        CU_ASSERT_EQUAL(ffn_cross_validate(data, &options, &folds, NULL), FFN_INVALID_ARGUMENT);
        CU_ASSERT_EQUAL(atomic_load(&rows), 0);
        ffn_search_result_destroy(&result);
        ffn_cross_validation_destroy(&folds);
    }
    ffn_dataset_destroy(data);
}

static void test_refuses(void)
{
    ffn_dataset *data = make_data();
    ffn_search_result result = {0};
    ffn_search_options options = make_options(FFN_SEARCH_RANDOM, 2);
    CU_ASSERT_EQUAL(ffn_search(NULL, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_search(data, NULL, &result, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_search(data, &options, NULL, NULL), FFN_INVALID_ARGUMENT);
    options.build = NULL;
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    options.build = no_model;
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    const struct {
        size_t folds, factor, trials;
        double seconds;
        const char *metric;
        ffn_search_method method;
    } wrong[] = {{.folds = 1},
                 {.folds = ROWS + 1},
                 {.seconds = -1},
                 {.seconds = (double)NAN},
                 {.metric = "what"},
                 {.metric = "mae"},
                 {.trials = SIZE_MAX},
                 {.method = (ffn_search_method)9},
                 {.method = FFN_SEARCH_HALVING, .factor = 1}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        options = make_options(wrong[i].method, wrong[i].trials ? wrong[i].trials : 2);
        options.folds = wrong[i].folds;
        options.factor = wrong[i].factor;
        options.seconds = wrong[i].seconds;
        options.metric = wrong[i].metric;
        CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    }
    const ffn_dimension epochs[] = {{.name = "epochs", .low = 1, .high = 3, .whole = true}};
    options = make_options(FFN_SEARCH_HALVING, 2);
    options.dimensions = epochs;
    options.dimension_count = 1;
    CU_ASSERT_EQUAL(ffn_search(data, &options, &result, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT(result.trials == NULL);
    ffn_search_result_destroy(NULL);
    ffn_dataset_destroy(data);
}

static const test_case cases[] = {
    {"refused trials", test_refused_trials},   {"only refused trials", test_only_refused_trials},
    {"no last model", test_no_last_model},     {"refuses dimensions", test_refuses_dimensions},
    {"refuses metrics", test_refuses_metrics}, {"refuses", test_refuses},
};
TEST_MAIN("what a search refuses", cases)
