/* From data to a C file for a microcontroller: trains a network to read handwritten digits, then writes it as C, once in
 * float and once with weights in 8 bits. The files need neither FFN nor any other library.
 *
 *     export [DIGITS.CSV [DIRECTORY]] */
#include "show.h"

#include <stdio.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

typedef struct experiment {
    ffn_dataset *training, *test;
    ffn_model *model;
} experiment;

static ffn_status load(experiment *e, const char *path, ffn_error *error)
{
    const ffn_csv_options csv = {.classification = true}; /* the last column looks like a number, but is a class */
    ffn_dataset *all = ffn_dataset_load_csv(path, &csv, error);
    if (!all) return error->status;
    const ffn_status status = ffn_dataset_split_stratified(all, 0.8f, 1, &e->training, &e->test, error);
    ffn_dataset_destroy(all);
    return status;
}

static ffn_status train(experiment *e, ffn_error *error)
{
    e->model = ffn_model_create(1, error);
    if (!e->model) return error->status;
    ffn_value h = ffn_input(e->model, ffn_dataset_sample_shape(e->training));
    h = ffn_standardize(e->model, h); /* goes into the C file too: it takes raw pixels */
    h = ffn_dropout(e->model, ffn_dense(e->model, h, 64, ffn_relu()), 0.25f);
    h = ffn_dropout(e->model, ffn_dense(e->model, h, 32, ffn_relu()), 0.25f);
    h = ffn_dense(e->model, h, ffn_dataset_classes(e->training), ffn_softmax());
    ffn_status status = ffn_model_build(e->model, h, error);
    if (status != FFN_OK) return status;

    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_cross_entropy();
    options.optimizer = ffn_adam(0.002f);
    options.epochs = 60;
    options.batch_size = 16;
    options.seed = 1;
    return ffn_fit(e->model, e->training, &options, NULL, error);
}

/* Writes DIRECTORY/NAME.c and shows what it takes and how exact it is. */
static ffn_status write_c(const experiment *e, const char *directory, const char *name, bool int8, ffn_error *error)
{
    char path[4096];
    ffn_export_c_report report;
    const ffn_export_c_options options = {
        .int8 = int8,
        .dataset = e->training, /* its first rows go into the self-test; the ranges for 8 bits are found on all */
        .evaluation = e->test,
        .report = &report,
    };
    const int length = snprintf(path, sizeof path, "%s/%s.c", directory, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the directory's name is too long");
    const ffn_status status = ffn_model_export_c_with(e->model, path, name, &options, error);
    if (status != FFN_OK) return status;
    printf("%s: %zu bytes of constants, %zu of memory", path, report.constant_bytes, report.memory_bytes);
    if (int8) printf(", accuracy %.4f", report.int8_accuracy);
    printf("\n");
    return FFN_OK;
}

static ffn_status run(experiment *e, const char *data, const char *directory, ffn_error *error)
{
    ffn_metrics metrics = {0};
    ffn_status status = load(e, data, error);
    if (status == FFN_OK) status = train(e, error);
    if (status == FFN_OK) status = ffn_evaluate(e->model, e->test, ffn_cross_entropy(), &metrics, error);
    if (status == FFN_OK) printf("the network: accuracy %.4f on %zu digits\n", metrics.accuracy, metrics.rows);
    ffn_metrics_destroy(&metrics);
    if (status == FFN_OK) status = write_c(e, directory, "digits_float", false, error);
    if (status == FFN_OK) status = write_c(e, directory, "digits_int8", true, error);
    return status;
}

static const char usage[] =
    "export [DIGITS.csv [DIRECTORY]]\n"
    "Trains a network and writes digits_float.c and digits_int8.c: here, or into the directory.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    ffn_error error = {0};
    experiment e = {0};
    const char *data = argc > 1 ? argv[1] : FFN_EXAMPLES_DATA "/digits.csv", *directory = argc > 2 ? argv[2] : ".";
    const ffn_status status = run(&e, data, directory, &error);
    ffn_model_destroy(e.model);
    ffn_dataset_destroy(e.test);
    ffn_dataset_destroy(e.training);
    if (status != FFN_OK) return show_error("export", &error);
    printf(
        "\nCheck one, and see how large it is:\n"
        "    cc -std=c99 -O2 -DDIGITS_INT8_SELF_TEST_MAIN %s/digits_int8.c -o digits_int8 -lm && ./digits_int8 && echo "
        "right\n"
        "    cc -std=c99 -Os -c %s/digits_int8.c && size digits_int8.o\n"
        "In a program, declare and call it:\n"
        "    void digits_int8(const float *in, float *out); /* 64 pixels from 0 to 16; 10 probabilities */\n",
        directory, directory);
    return 0;
}
