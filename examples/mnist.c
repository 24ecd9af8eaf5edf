/* The rows of docs/results.md on MNIST: strategies of training with known results, one by name.
 *
 *     mnist DIRECTORY ROW [SEEDS]
 *
 * DIRECTORY holds the four files of the data set, train-images-idx3-ubyte and so on, plain or with .gz. Each seed trains
 * once; at the end stand the mean and the spread of the test figures. `mnist` alone lists the rows. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 28 * 28, CLASSES = 10, MAX_HIDDEN = 4, MAX_SEEDS = 20 };

/* ---- rows ------------------------------------------------------------------------------------------------ */

typedef struct row {
    const char *name, *what;
    size_t hidden[MAX_HIDDEN]; /* units; 0 ends the list */
    ffn_activation (*activation)(void);
    bool batch_norm;              /* between each hidden layer's sum and its activation */
    float input_dropout, dropout; /* of the pixels, of hidden units */
    float weights_sd;             /* of the first weights, normal; 0: the default */
    void (*train)(ffn_fit_options *options);
    size_t steps; /* stop after so many updates; 0: after the epochs */
} row;

static void rmsprop(ffn_fit_options *o)
{
    o->optimizer = ffn_rmsprop(0.001f);
    o->optimizer.alpha = 0.9f;
    o->optimizer.epsilon = 1e-7f;
    o->batch_size = 128;
    o->epochs = 20;
}

static void max_norm(ffn_fit_options *o)
{
    o->optimizer = ffn_adam(0.001f);
    o->batch_size = 128;
    o->epochs = 30;
    o->max_norm = 2;
    o->schedule = ffn_cosine_decay(o->epochs * (60000 / o->batch_size + 1), 0);
}

static void zeiler(ffn_fit_options *o, ffn_optimizer optimizer)
{
    o->optimizer = optimizer;
    o->batch_size = 100;
    o->epochs = 6;
}
static void zeiler_sgd(ffn_fit_options *o) { zeiler(o, ffn_sgd(0.1f)); }
static void zeiler_momentum(ffn_fit_options *o) { zeiler(o, ffn_momentum(0.1f, 0.9f)); }
static void zeiler_adagrad(ffn_fit_options *o) { zeiler(o, ffn_adagrad(0.01f)); }

static void ioffe(ffn_fit_options *o)
{
    o->optimizer = ffn_sgd(0.1f);
    o->batch_size = 60;
    o->epochs = 1;
}

static const row rows[] = {
    {"dropout",
     "784-512-512-10, dropout .2, RMSprop, 20 epochs",
     {512, 512},
     ffn_relu,
     .dropout = 0.2f,
     .train = rmsprop},
    {"max-norm",
     "784-1024-1024-2048-10, dropout .2 and .5, max-norm 2, Adam, 30 epochs",
     {1024, 1024, 2048},
     ffn_relu,
     .input_dropout = 0.2f,
     .dropout = 0.5f,
     .train = max_norm},
    {"sgd", "784-500-300-10 ReLU, batch 100, 6 epochs, SGD .1", {500, 300}, ffn_relu, .train = zeiler_sgd},
    {"momentum",
     "784-500-300-10 ReLU, batch 100, 6 epochs, momentum .1",
     {500, 300},
     ffn_relu,
     .train = zeiler_momentum},
    {"adagrad", "784-500-300-10 ReLU, batch 100, 6 epochs, Adagrad .01", {500, 300}, ffn_relu, .train = zeiler_adagrad},
    {"sigmoid",
     "784-100-100-100-10 sigmoid, batch 60, SGD .1, 1000 updates",
     {100, 100, 100},
     ffn_sigmoid,
     .weights_sd = 0.1f,
     .train = ioffe,
     .steps = 1000},
    {"batch-norm",
     "the same with batch normalization",
     {100, 100, 100},
     ffn_sigmoid,
     .batch_norm = true,
     .weights_sd = 0.1f,
     .train = ioffe,
     .steps = 1000},
};
enum { ROWS = sizeof rows / sizeof *rows };

static ffn_value add_layer(ffn_model *model, const row *r, ffn_value x, size_t units, ffn_activation activation)
{
    ffn_value h = ffn_dense(model, x, units, activation);
    if (r->weights_sd > 0) ffn_set_initializer(model, h, ffn_normal(0, r->weights_sd));
    return h;
}

/* Pixels of 0 to 255 are scaled to 0 to 1. */
static ffn_model *build(const row *r, ffn_shape sample, uint64_t seed, ffn_error *error)
{
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, sample));
    ffn_set_name(model, h, "scale");
    h = ffn_flatten(model, h);
    if (r->input_dropout > 0) h = ffn_dropout(model, h, r->input_dropout);
    for (size_t i = 0; i < MAX_HIDDEN && r->hidden[i]; i++) {
        h = add_layer(model, r, h, r->hidden[i], r->batch_norm ? ffn_linear() : r->activation());
        if (r->batch_norm) h = ffn_activate(model, ffn_batch_norm(model, h), r->activation());
        if (r->dropout > 0) h = ffn_dropout(model, h, r->dropout);
    }
    static float factor[PIXELS];
    const float fitted = 1;
    size_t index = 0;
    for (size_t i = 0; i < PIXELS; i++) factor[i] = 1.0f / 255;
    if (ffn_model_build(model, add_layer(model, r, h, CLASSES, ffn_softmax()), error) == FFN_OK &&
        ffn_model_find_parameter(model, "scale.factor", &index, error) == FFN_OK &&
        ffn_model_set_parameter(model, index, factor, error) == FFN_OK &&
        ffn_model_set_parameter(model, index + 1, &fitted, error) == FFN_OK)
        return model;
    ffn_model_destroy(model);
    return NULL;
}

/* ---- progress -------------------------------------------------------------------------------------------- */

typedef struct watch {
    const row *row;
    const ffn_dataset *test;
    size_t seed, seeds, updates;
} watch;

static int on_batch(const ffn_progress *progress, void *user)
{
    watch *w = user;
    (void)progress;
    return ++w->updates == w->row->steps;
}

static int on_epoch(const ffn_progress *p, void *user)
{
    const watch *w = user;
    const double done = (double)p->epoch + (double)(p->epochs * (w->seed - 1));
    const double left = p->seconds / (double)p->epoch * ((double)(p->epochs * w->seeds) - done);
    printf("%s, seed %zu of %zu, epoch %zu of %zu: loss %.4f, accuracy %.2f %%, %.0f s left\n", w->row->name, w->seed,
           w->seeds, p->epoch, p->epochs, p->loss, 100 * p->accuracy, left);
    (void)fflush(stdout);
    return 0;
}

/* ---- runs ------------------------------------------------------------------------------------------------ */

/* The accuracy on the test set after one training; NaN if it failed. */
static double run(const row *r, const ffn_dataset *training, watch *w, ffn_error *error)
{
    ffn_metrics metrics = {0};
    ffn_model *model = build(r, ffn_dataset_sample_shape(training), w->seed, error);
    if (!model) return NAN;
    ffn_fit_options options = ffn_fit_defaults();
    r->train(&options);
    options.loss = ffn_cross_entropy();
    options.seed = w->seed;
    options.on_epoch = on_epoch;
    options.on_batch = on_batch;
    options.user = w;
    w->updates = 0;
    ffn_status status = ffn_fit(model, training, &options, NULL, error);
    if (status == FFN_STOPPED) status = FFN_OK;
    if (status == FFN_OK) status = ffn_evaluate(model, w->test, options.loss, &metrics, error);
    const double accuracy = status == FFN_OK ? metrics.accuracy : NAN;
    ffn_metrics_destroy(&metrics);
    ffn_model_destroy(model);
    return accuracy;
}

static int run_all(const row *r, const ffn_dataset *training, const ffn_dataset *test, size_t seeds)
{
    double sum = 0, squares = 0;
    ffn_error error = {FFN_OK, ""};
    for (size_t seed = 1; seed <= seeds; seed++) {
        watch w = {.row = r, .test = test, .seed = seed, .seeds = seeds};
        const double found = 100 * run(r, training, &w, &error);
        if (isnan(found)) return show_error("mnist", &error);
        printf("%s, seed %zu: test accuracy %.2f %%, error %.2f %%\n", r->name, seed, found, 100 - found);
        (void)fflush(stdout);
        sum += found;
        squares += found * found;
    }
    const double n = (double)seeds, mean = sum / n;
    const double spread = seeds > 1 ? sqrt(fmax(0, (squares - n * mean * mean) / (n - 1))) : 0;
    printf("%s: %s: test accuracy %.2f %% (error %.2f %%), standard deviation %.2f over %zu seed%s\n", r->name, r->what,
           mean, 100 - mean, spread, seeds, seeds == 1 ? "" : "s");
    return 0;
}

/* ---- arguments ------------------------------------------------------------------------------------------- */

/* Both files of a part, with .gz if they are not there without. */
static ffn_dataset *load(const char *directory, const char *part, ffn_error *error)
{
    char images[1024], labels[1024];
    for (int gz = 0; gz < 2; gz++) {
        const char *end = gz ? ".gz" : "";
        (void)snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte%s", directory, part, end);
        (void)snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte%s", directory, part, end);
        ffn_dataset *data = ffn_dataset_load_idx(images, labels, error);
        if (data) return data;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const row *r = NULL;
    for (size_t i = 0; argc > 2 && i < ROWS; i++)
        if (strcmp(rows[i].name, argv[2]) == 0) r = &rows[i];
    const long seeds = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    if (!r || argc > 4 || seeds < 1 || seeds > MAX_SEEDS) {
        printf("Usage: mnist DIRECTORY ROW [SEEDS]\nTrains on MNIST as a row of docs/results.md does. Rows:\n");
        for (size_t i = 0; i < ROWS; i++) printf("  %-10s  %s\n", rows[i].name, rows[i].what);
        return argc == 1 ? 0 : 2;
    }
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *training = load(argv[1], "train", &error), *test = training ? load(argv[1], "t10k", &error) : NULL;
    const int result = test ? run_all(r, training, test, (size_t)seeds) : show_error("mnist", &error);
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    return result;
}
