/* Reads handwritten digits: trains on a CSV file of 8 by 8 images, shows how well it learned and what it still
 * misreads, and writes the learning curve. `digits --help` lists what can be changed. */
#include "show.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

enum { SIDE = 8, PIXELS = SIDE * SIDE, MAX_HIDDEN = 8, MAX_UNITS = 4096, SHOWN = 6, SPLIT_SEED = 1 };

/* ---- options --------------------------------------------------------------------------------------------- */

typedef struct settings {
    size_t epochs, batch_size, threads;
    size_t hidden[MAX_HIDDEN], hidden_count;
    uint64_t seed;
    ffn_activation activation;
    ffn_optimizer optimizer;
    float learning_rate; /* 0: the optimizer's own */
    const char *data, *output;
    bool quiet;
} settings;

static settings default_settings(void)
{
    return (settings){.epochs = 40,
                      .batch_size = 16,
                      .hidden = {128, 64},
                      .hidden_count = 2,
                      .seed = 1,
                      .activation = ffn_relu(),
                      .optimizer = ffn_adam(0.001f),
                      .data = FFN_EXAMPLES_DATA "/digits.csv",
                      .output = "digits-output"};
}

static const char help[] = "Usage: digits [option]...\n"
                           "Trains a network to read handwritten digits and tests it on a fifth of them.\n"
                           "\n"
                           "  -e, --epochs=N           passes over the training data (40)\n"
                           "  -b, --batch-size=N       images per update (16)\n"
                           "  -H, --hidden=N,N,...     units of the hidden layers (128,64)\n"
                           "  -a, --activation=NAME    of the hidden layers: relu, tanh, gelu, ... (relu)\n"
                           "  -o, --optimizer=NAME     sgd, momentum, nesterov, adagrad, rmsprop, adam,\n"
                           "                           adamw, adadelta, adamax, nadam, radam, lion, rprop\n"
                           "                           or lbfgs; the last two want all images in one\n"
                           "                           update (adam)\n"
                           "  -r, --learning-rate=X    at the start; falls to 0 along a cosine (what is\n"
                           "                           usual for the optimizer: 0.001 for adam)\n"
                           "  -s, --seed=N             of the first weights, order and dropout (1)\n"
                           "  -t, --threads=N          0: one per core (0); no matter for the result\n"
                           "  -d, --data=FILE          CSV, in each row 64 pixels and the digit\n"
                           "                           (" FFN_EXAMPLES_DATA "/digits.csv)\n"
                           "  -O, --output=DIRECTORY   of history.csv and history.svg, made if missing\n"
                           "                           (digits-output)\n"
                           "  -q, --quiet              print the last line only\n"
                           "  -h, --help\n"
                           "  -V, --version\n";

static const struct option long_options[] = {
    {"epochs", required_argument, NULL, 'e'},    {"batch-size", required_argument, NULL, 'b'},
    {"hidden", required_argument, NULL, 'H'},    {"activation", required_argument, NULL, 'a'},
    {"optimizer", required_argument, NULL, 'o'}, {"learning-rate", required_argument, NULL, 'r'},
    {"seed", required_argument, NULL, 's'},      {"threads", required_argument, NULL, 't'},
    {"data", required_argument, NULL, 'd'},      {"output", required_argument, NULL, 'O'},
    {"quiet", no_argument, NULL, 'q'},           {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0}};

/* A whole number up to `end`, which takes the text after it; false if there is none or it is outside the bounds. */
static bool read_number(const char *text, uint64_t low, uint64_t high, uint64_t *number, const char **end)
{
    char *after;
    errno = 0;
    const unsigned long long value = strtoull(text, &after, 10);
    if (!(text[0] >= '0' && text[0] <= '9') || errno || value < low || value > high) return false;
    *number = value;
    *end = after;
    return true;
}

static ffn_status read_count(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *number,
                             ffn_error *error)
{
    const char *end;
    if (read_number(text, low, high, number, &end) && *end == 0) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "--%s is '%s'; expected a whole number from %llu to %llu", name, text,
                    (unsigned long long)low, (unsigned long long)high);
}

static ffn_status read_size(const char *name, const char *text, uint64_t low, uint64_t high, size_t *size,
                            ffn_error *error)
{
    uint64_t number = 0;
    const ffn_status status = read_count(name, text, low, high, &number, error);
    if (status == FFN_OK) *size = (size_t)number;
    return status;
}

/* As 128,64. */
static ffn_status read_hidden(const char *text, settings *s, ffn_error *error)
{
    const char *at = text;
    for (s->hidden_count = 0; s->hidden_count < MAX_HIDDEN;) {
        uint64_t units;
        if (!read_number(at, 1, MAX_UNITS, &units, &at)) break;
        s->hidden[s->hidden_count++] = (size_t)units;
        if (*at == 0) return FFN_OK;
        if (*at++ != ',') break;
    }
    return ffn_fail(error, FFN_INVALID_ARGUMENT,
                    "--hidden is '%s'; expected 1 to %d numbers from 1 to %d with commas between, as 128,64", text,
                    MAX_HIDDEN, MAX_UNITS);
}

static ffn_status read_rate(const char *text, float *rate, ffn_error *error)
{
    char *end;
    const float value = strtof(text, &end);
    if (end == text || *end || !(value > 0 && value <= 1000))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "--learning-rate is '%s'; expected a number above 0, up to 1000",
                        text);
    *rate = value;
    return FFN_OK;
}

static ffn_status read_option(int option, const char *text, settings *s, ffn_error *error)
{
    switch (option) {
    case 'e': return read_size("epochs", text, 1, 1000000, &s->epochs, error);
    case 'b': return read_size("batch-size", text, 1, 1000000, &s->batch_size, error);
    case 'H': return read_hidden(text, s, error);
    case 'a': return ffn_activation_by_name(text, &s->activation, error);
    case 'o': return ffn_optimizer_by_name(text, &s->optimizer, error);
    case 'r': return read_rate(text, &s->learning_rate, error);
    case 's': return read_count("seed", text, 0, UINT64_MAX, &s->seed, error);
    case 't': return read_size("threads", text, 0, 1024, &s->threads, error);
    case 'd': s->data = text; return FFN_OK;
    case 'O': s->output = text; return FFN_OK;
    default: s->quiet = true; return FFN_OK;
    }
}

/* Returns the exit status if the program should end here, else -1. */
static int read_options(int argc, char **argv, settings *s)
{
    ffn_error error = {0};
    for (int option; (option = getopt_long(argc, argv, "e:b:H:a:o:r:s:t:d:O:qhV", long_options, NULL)) != -1;) {
        if (option == 'h') return fputs(help, stdout) < 0 || fflush(stdout) != 0;
        if (option == 'V') return printf("digits (FFN %s)\n", ffn_version()) < 0;
        if (option != '?' && read_option(option, optarg, s, &error) == FFN_OK) continue;
        if (option != '?') (void)show_error("digits", &error); /* getopt_long has said what it did not know */
        fputs("Try 'digits --help'.\n", stderr);
        return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "digits: '%s' is not an option\nTry 'digits --help'.\n", argv[optind]);
        return 2;
    }
    if (s->learning_rate > 0) s->optimizer.learning_rate = s->learning_rate;
    return -1;
}

/* ---- the work -------------------------------------------------------------------------------------------- */

typedef struct experiment {
    ffn_dataset *training, *validation, *test;
    ffn_model *model;
    ffn_history history;
    ffn_metrics metrics;
} experiment;

static void experiment_destroy(experiment *e)
{
    ffn_metrics_destroy(&e->metrics);
    ffn_history_destroy(&e->history);
    ffn_model_destroy(e->model);
    ffn_dataset_destroy(e->test);
    ffn_dataset_destroy(e->validation);
    ffn_dataset_destroy(e->training);
}

/* A fifth of each digit for the test, a tenth of the rest for validation. The same for every run, so that runs with
 * other options or another seed can be compared. */
static ffn_status load(experiment *e, const settings *s, ffn_error *error)
{
    const ffn_csv_options csv = {.classification = true}; /* the last column looks like a number, but is a class */
    ffn_dataset *all = ffn_dataset_load_csv(s->data, &csv, error), *rest = NULL;
    if (!all) return error->status;
    const size_t pixels = ffn_shape_size(ffn_dataset_sample_shape(all));
    ffn_status status = FFN_OK;
    if (pixels != PIXELS)
        status = ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: found %zu columns before the digit; expected %d pixels",
                          s->data, pixels, PIXELS);
    if (status == FFN_OK) status = ffn_dataset_split_stratified(all, 0.8f, SPLIT_SEED, &rest, &e->test, error);
    if (status == FFN_OK)
        status = ffn_dataset_split_stratified(rest, 0.9f, SPLIT_SEED, &e->training, &e->validation, error);
    ffn_dataset_destroy(rest);
    ffn_dataset_destroy(all);
    return status;
}

static ffn_status describe(experiment *e, const settings *s, ffn_error *error)
{
    e->model = ffn_model_create(s->seed, error);
    if (!e->model) return error->status;
    ffn_value h = ffn_input(e->model, ffn_dataset_sample_shape(e->training));
    h = ffn_standardize(e->model, h); /* part of the model: it takes raw pixels */
    for (size_t i = 0; i < s->hidden_count; i++) {
        h = ffn_dense(e->model, h, s->hidden[i], s->activation);
        h = ffn_dropout(e->model, h, 0.25f);
    }
    h = ffn_dense(e->model, h, ffn_dataset_classes(e->training), ffn_softmax());
    return ffn_model_build(e->model, h, error);
}

static ffn_status train(experiment *e, const settings *s, ffn_error *error)
{
    const size_t updates = (ffn_dataset_rows(e->training) + s->batch_size - 1) / s->batch_size; /* in an epoch */
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_cross_entropy();
    options.optimizer = s->optimizer;
    options.schedule = ffn_cosine_decay(s->epochs * updates, 0);
    options.epochs = s->epochs;
    options.batch_size = s->batch_size;
    options.seed = s->seed;
    options.validation = e->validation; /* for the curve: nothing is chosen by it */
    if (!s->quiet) {
        options.on_batch = show_batch;
        options.on_epoch = show_epoch;
    }
    return ffn_fit(e->model, e->training, &options, &e->history, error);
}

static size_t best_class(const float *p, size_t classes)
{
    size_t best = 0;
    for (size_t i = 1; i < classes; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/* The first digits of the test that the model takes for others. */
static ffn_status show_misread(const experiment *e, ffn_error *error)
{
    const size_t rows = ffn_dataset_rows(e->test), classes = ffn_dataset_classes(e->test);
    const float *pixels = ffn_dataset_inputs(e->test).data, *targets = ffn_dataset_targets(e->test).data;
    ffn_tensor p;
    ffn_status status = ffn_tensor_create(&p, ffn_shape_2d(rows, classes), error);
    if (status != FFN_OK) return status;
    status = ffn_predict(e->model, pixels, rows, p.data, error);
    show_image images[SHOWN];
    size_t misread = 0;
    for (size_t i = 0; status == FFN_OK && i < rows; i++) {
        const size_t actual = (size_t)targets[i], read = best_class(p.data + i * classes, classes);
        if (read == actual || misread++ >= SHOWN) continue;
        show_image *image = &images[misread - 1];
        image->pixels = pixels + i * PIXELS;
        (void)snprintf(image->caption, sizeof image->caption, "%s read as %s", ffn_dataset_class_name(e->test, actual),
                       ffn_dataset_class_name(e->test, read));
    }
    ffn_tensor_destroy(&p);
    if (misread > 0) {
        printf("\nmisread: %zu of %zu\n\n", misread, rows);
        show_images(images, misread < SHOWN ? misread : SHOWN, SIDE, SIDE, 16);
    }
    return status;
}

static ffn_status write_history(const experiment *e, const settings *s, ffn_error *error)
{
    char csv[4096], svg[4096];
    const int length = snprintf(csv, sizeof csv, "%s/history.csv", s->output);
    if (length < 0 || (size_t)length >= sizeof csv)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "--output is longer than %zu characters", sizeof csv - 13);
    (void)snprintf(svg, sizeof svg, "%s/history.svg", s->output);
    ffn_status status = show_history_csv(csv, &e->history, error);
    if (status == FFN_OK) status = show_history_chart(svg, &e->history, error);
    if (status == FFN_OK && !s->quiet) printf("\nwrote %s and %s\n", csv, svg);
    return status;
}

static ffn_status run(experiment *e, const settings *s, ffn_error *error)
{
    ffn_status status = ffn_set_threads(s->threads, error);
    if (status == FFN_OK) status = load(e, s, error);
    if (status == FFN_OK) status = describe(e, s, error);
    if (status != FFN_OK) return status;
    if (mkdir(s->output, 0777) != 0 && errno != EEXIST)
        return ffn_fail(error, FFN_IO_ERROR, "%s: cannot make the directory: %s", s->output, strerror(errno));

    if (!s->quiet)
        printf("digits: %zu to train on, %zu to validate, %zu to test\n\n", ffn_dataset_rows(e->training),
               ffn_dataset_rows(e->validation), ffn_dataset_rows(e->test));
    status = train(e, s, error);
    if (status == FFN_OK) status = ffn_evaluate(e->model, e->test, ffn_cross_entropy(), &e->metrics, error);
    if (status != FFN_OK) return status;
    if (!s->quiet) {
        putchar('\n');
        show_summary(e->model);
        putchar('\n');
        show_confusion(&e->metrics, e->test);
        status = show_misread(e, error);
    }
    return status == FFN_OK ? write_history(e, s, error) : status;
}

/* The last line. Also tells whether everything printed before it arrived. */
static ffn_status show_result(const ffn_metrics *metrics, bool quiet, ffn_error *error)
{
    size_t right = 0;
    for (size_t i = 0; i < metrics->classes; i++) right += metrics->confusion[i * metrics->classes + i];
    printf("%stest accuracy %.4f (%zu of %zu)\n", quiet ? "" : "\n", (double)right / (double)metrics->rows, right,
           metrics->rows);
    if (fflush(stdout) != 0 || ferror(stdout))
        return ffn_fail(error, FFN_IO_ERROR, "standard output: %s", strerror(errno));
    return FFN_OK;
}

int main(int argc, char **argv)
{
    settings s = default_settings();
    const int end = read_options(argc, argv, &s);
    if (end >= 0) return end;

    ffn_error error = {0};
    experiment e = {0};
    ffn_status status = run(&e, &s, &error);
    if (status == FFN_OK) status = show_result(&e.metrics, s.quiet, &error);
    experiment_destroy(&e);
    return status == FFN_OK ? 0 : show_error("digits", &error);
}
