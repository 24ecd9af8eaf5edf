/* The learning-rate range test: Smith 2015, "Cyclical learning rates for training neural networks". */
#include <math.h>
#include <string.h>

#include "train/train.h"

/* The loss is smoothed by this share of what came before; the test ends where it is so many times the lowest. */
static const double SMOOTHING = 0.9, BLOWN_UP = 5;

typedef struct range_test {
    ffn_model *model;
    const ffn_dataset *dataset;
    ffn_fit_options options; /* resolved */
    ffn_trainer *trainer;
    float *kept; /* the model's values from before */
    ffn__feed *feed;
    size_t left, epoch; /* batches of this epoch */
} range_test;

/* Rprop's steps and L-BFGS's lengths are their own: there would be nothing to read from the losses. */
static ffn_status check_optimizer(const ffn_optimizer *o, ffn_error *error)
{
    if (o->ops != ffn_rprop(0).ops && o->ops != &ffn__lbfgs_ops) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT,
                    "ffn_test_learning_rates: %s finds its steps itself; expected an optimizer that follows the rate",
                    o->ops->name);
}

static ffn_status prepare(range_test *r, const ffn_fit_options *options, ffn_error *error)
{
    ffn_status status = ffn__model_check_built(r->model, error);
    if (status != FFN_OK) return status;
    ffn_fit_options given = options ? *options : ffn_fit_defaults();
    given.loss = ffn__loss_for(r->model, r->dataset, given.loss);
    given.schedule = ffn_constant_rate();
    status = ffn__options_resolve(r->model, &given, &r->options, error);
    if (status == FFN_OK) status = check_optimizer(&r->options.optimizer, error);
    if (status == FFN_OK) status = ffn__check_data(r->model, &r->options.loss, r->dataset, "the training data", error);
    if (status != FFN_OK) return status;
    if (r->options.batch_size > r->dataset->rows) r->options.batch_size = r->dataset->rows;
    r->trainer = ffn_trainer_create(r->model, &r->options, error);
    if (!r->trainer) return error->status;
    status = ffn__states_check_rows(r->trainer->plan, r->options.batch_size, "each batch has", error);
    if (status != FFN_OK) return status;
    r->feed = ffn__feed_create(r->model, r->dataset, &r->options, error);
    if (!r->feed) return error->status;
    r->kept = ffn__alloc(r->model->value_count, sizeof(float), error);
    if (!r->kept) return FFN_OUT_OF_MEMORY;
    memcpy(r->kept, r->model->values, r->model->value_count * sizeof(float));
    return ffn__fit_new_scalers(r->model, r->dataset, error);
}

static void release(range_test *r)
{
    if (r->kept) memcpy(r->model->values, r->kept, r->model->value_count * sizeof(float));
    ffn_trainer_destroy(r->trainer);
    ffn__feed_destroy(r->feed);
    ffn__free(r->kept);
}

/* Trains on the next whole batch, in orders like those of a fit with the same seed. */
static ffn_status run_batch(range_test *r, double *loss, ffn_error *error)
{
    const float *x, *targets;
    size_t rows = 0;
    while (rows < r->options.batch_size) {
        if (r->left == 0) {
            ffn__feed_begin(r->feed, ++r->epoch);
            r->left = ffn__feed_batches(r->feed);
        }
        const ffn_status status = ffn__feed_next(r->feed, &x, &targets, &rows, error);
        if (status != FFN_OK) return status;
        r->left--;
    }
    ffn_plan_set_row_weights(r->trainer->plan, ffn__feed_weights(r->feed));
    return ffn__trainer_run(r->trainer, x, targets, rows, loss, error);
}

/* The rate in the middle of the fifth of the test in which the smoothed loss falls most; the first one if it never
 * falls. Rates are evenly spaced on their logarithmic scale. */
static double suggest(const ffn_rate_test *result)
{
    double steepest = 0, rate = result->count ? result->rate[0] : (double)NAN;
    const size_t reach = result->count / 10 + 1;
    for (size_t i = reach; i + reach < result->count; i++) {
        const double slope = result->smoothed[i + reach] - result->smoothed[i - reach];
        if (slope >= steepest) continue;
        steepest = slope;
        rate = result->rate[i];
    }
    return rate;
}

static ffn_status run(range_test *r, double low, double high, size_t steps, ffn_rate_test *result, ffn_error *error)
{
    double sum = 0, weight = 0, lowest = INFINITY;
    for (size_t k = 0; k < steps; k++) {
        double loss;
        const double rate = steps > 1 ? low * pow(high / low, (double)k / (double)(steps - 1)) : low;
        ffn_trainer_set_learning_rate(r->trainer, (float)rate);
        const ffn_status status = run_batch(r, &loss, error);
        if (status == FFN_DIVERGED && k > 0) break; /* as far as one can go */
        if (status != FFN_OK) return status;
        sum = SMOOTHING * sum + (1 - SMOOTHING) * loss;
        weight = SMOOTHING * weight + (1 - SMOOTHING);
        result->rate[k] = rate;
        result->loss[k] = loss;
        result->smoothed[k] = sum / weight;
        result->count = k + 1;
        lowest = fmin(lowest, result->smoothed[k]);
        if (result->smoothed[k] > lowest + (BLOWN_UP - 1) * fabs(lowest)) break;
    }
    result->suggestion = suggest(result);
    return FFN_OK;
}

void ffn_rate_test_destroy(ffn_rate_test *result)
{
    if (!result) return;
    ffn__free(result->rate);
    ffn__free(result->loss);
    ffn__free(result->smoothed);
    *result = (ffn_rate_test){0};
}

static ffn_status make_result(size_t steps, ffn_rate_test *result, ffn_error *error)
{
    result->rate = ffn__alloc(steps, sizeof(double), error);
    result->loss = result->rate ? ffn__alloc(steps, sizeof(double), error) : NULL;
    result->smoothed = result->loss ? ffn__alloc(steps, sizeof(double), error) : NULL;
    return result->smoothed ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn_status ffn_test_learning_rates(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options,
                                   float low, float high, size_t steps, ffn_rate_test *result, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    if (low == 0) low = (float)1e-6;
    if (high == 0) high = 10;
    if (steps == 0) steps = 100;
    if (!result || !(low > 0 && low < high && high < INFINITY))
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "ffn_test_learning_rates: rates from %g to %g; expected a result and 0 < low < high",
                        (double)low, (double)high);
    ffn_rate_test made = {0};
    range_test r = {.model = model, .dataset = dataset};
    ffn_status status = prepare(&r, options, error);
    if (status == FFN_OK) status = make_result(steps, &made, error);
    if (status == FFN_OK) status = run(&r, (double)low, (double)high, steps, &made, error);
    release(&r);
    if (status != FFN_OK) {
        ffn_rate_test_destroy(&made);
        return status;
    }
    ffn_rate_test_destroy(result);
    *result = made;
    return FFN_OK;
}
