/* The data, the network and the space of values that the programs about searches share. */
#ifndef FFN_TEST_SEARCH_SPACE_H
#define FFN_TEST_SEARCH_SPACE_H

#include <stdatomic.h>

#include "networks.h"
#include "test.h"

enum { ROWS = 120, CLASSES = 4 };

static float x_data[ROWS * INPUTS];
static uint32_t labels[ROWS];

static inline ffn_dataset *make_data(void)
{
    fill_uniform(x_data, COUNT(x_data), 5, -2, 2);
    for (size_t r = 0; r < ROWS; r++)
        labels[r] = (x_data[r * INPUTS] > 0 ? 0u : 2u) + (x_data[r * INPUTS + 1] > 0 ? 0u : 1u);
    return ffn_dataset_from_labels(x_data, ffn_shape_1d(INPUTS), labels, CLASSES, ROWS, NULL);
}

static inline ffn_model *build(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                               ffn_error *error)
{
    (void)user;
    ffn_activation activation = ffn_tanh();
    const size_t units = ffn_trial_size(trial, "units");
    if (ffn_trial_choice(trial, "activation") &&
        ffn_activation_by_name(ffn_trial_choice(trial, "activation"), &activation, error) != FFN_OK)
        return NULL;
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_dense(model, ffn_input(model, ffn_dataset_sample_shape(training)), units ? units : 5, activation);
    h = ffn_dense(model, ffn_dropout(model, h, 0.1f), ffn_dataset_classes(training), ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

static const char *const activations[] = {"tanh", "relu", "gelu"};

static const ffn_dimension space[] = {
    {.name = "learning_rate", .low = 1e-3, .high = 1e-1, .logarithmic = true},
    {.name = "units", .low = 2, .high = 12, .whole = true, .points = 2},
    {.name = "activation", .choices = activations, .choice_count = 2},
};

static inline ffn_search_options make_options(ffn_search_method method, size_t trials)
{
    ffn_search_options options = {.build = build,
                                  .fit = ffn_fit_defaults(),
                                  .dimensions = space,
                                  .dimension_count = COUNT(space),
                                  .method = method,
                                  .trials = trials,
                                  .seed = 3,
                                  .parallel = 1};
    options.fit.epochs = 5;
    options.fit.batch_size = 16;
    return options;
}

static inline ffn_status search(const ffn_search_options *options, ffn_search_result *result)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = make_data();
    const ffn_status status = ffn_search(data, options, result, &error);
    if (status != FFN_OK && status != FFN_STOPPED) printf("\n    %s\n", error.message);
    ffn_dataset_destroy(data);
    return status;
}

/* Everything but the seconds. */
static inline bool same_trial(const ffn_trial *a, const ffn_trial *b)
{
    return a->number == b->number && a->rung == b->rung && a->score == b->score && a->spread == b->spread &&
           a->parameters == b->parameters && a->memory == b->memory && a->epochs == b->epochs &&
           memcmp(a->values, b->values, a->dimension_count * sizeof(double)) == 0;
}

static inline bool same_model(const ffn_model *a, const ffn_model *b)
{
    float p[ROWS * CLASSES], q[ROWS * CLASSES];
    CU_ASSERT_EQUAL_FATAL(ffn_predict(a, x_data, ROWS, p, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_predict(b, x_data, ROWS, q, NULL), FFN_OK);
    return memcmp(p, q, sizeof p) == 0;
}

static inline void expect_same(const ffn_search_result *a, const ffn_search_result *b)
{
    CU_ASSERT_EQUAL_FATAL(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) CU_ASSERT(same_trial(&a->trials[i], &b->trials[i]));
    CU_ASSERT_EQUAL(a->best - a->trials, b->best - b->trials);
    CU_ASSERT(same_model(a->model, b->model));
}

/* Counts the rows that trainings have seen: an augmentation is called for each, once an epoch. */
static inline void count_row(float *x, ffn_shape sample, float *targets, size_t columns, ffn_random *random, void *user)
{
    (void)x, (void)sample, (void)targets, (void)columns, (void)random;
    atomic_fetch_add((atomic_size_t *)user, 1);
}

static inline int stop_at(const ffn_search_progress *progress, void *user)
{
    CU_ASSERT(progress->trial->done && progress->done <= progress->planned && progress->seconds >= 0);
    return progress->done == *(const size_t *)user;
}

#endif
