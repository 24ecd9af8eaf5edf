/* Training that can be stopped and goes on: press Ctrl-C, start it again, and the network is in the end the same, bit for
 * bit, as if nothing had happened; so it is after a power cut, from the last checkpoint on.
 *
 *     resume [CHECKPOINT [MODEL [EPOCHS]]] */
#include "show.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef FFN_EXAMPLES_DATA
#define FFN_EXAMPLES_DATA "data"
#endif

static volatile sig_atomic_t interrupted;
static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static int after_batch(const ffn_progress *progress, void *user)
{
    (void)progress, (void)user;
    return interrupted; /* not 0: ffn_fit writes its checkpoint and returns FFN_STOPPED */
}

static int after_epoch(const ffn_progress *progress, void *user)
{
    (void)user;
    if (progress->epoch % 100 == 0)
        printf("epoch %zu of %zu: loss %.4f, accuracy %.4f\n", progress->epoch, progress->epochs,
               progress->validation_loss, progress->validation_accuracy);
    return 0;
}

/* The same every time that the program starts: what has been learned is in the checkpoint. */
static ffn_model *describe(const ffn_dataset *data, ffn_error *error)
{
    ffn_model *model = ffn_model_create(1, error);
    ffn_value h = ffn_standardize(model, ffn_input(model, ffn_dataset_sample_shape(data)));
    h = ffn_dropout(model, ffn_dense(model, h, 64, ffn_relu()), 0.25f);
    h = ffn_dense(model, h, ffn_dataset_classes(data), ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

static ffn_status train(ffn_model *model, const ffn_dataset *data, const char *checkpoint, size_t epochs,
                        ffn_error *error)
{
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = epochs;
    options.validation_fraction = 0.2f;
    options.restore_best = true;
    options.schedule = ffn_cosine_decay(epochs * 45, 0);
    options.seed = 1;
    options.checkpoint_path = checkpoint;
    options.checkpoint_every = 450; /* batches: 10 epochs */
    options.resume = true;          /* if the file is there */
    options.on_batch = after_batch;
    options.on_epoch = after_epoch;
    return ffn_fit(model, data, &options, NULL, error);
}

static const char usage[] =
    "resume [CHECKPOINT [MODEL [EPOCHS]]]\n"
    "Trains until Ctrl-C, and goes on when it is started again: resume-checkpoint.safetensors,\n"
    "resume-model.safetensors, 2000.";

int main(int argc, char **argv)
{
    const int asked = show_usage(argc, argv, usage);
    if (asked >= 0) return asked;
    ffn_error error = {0};
    const ffn_csv_options csv = {.classification = true};
    const char *checkpoint = argc > 1 ? argv[1] : "resume-checkpoint.safetensors";
    const char *result = argc > 2 ? argv[2] : "resume-model.safetensors";
    const size_t epochs = argc > 3 ? strtoul(argv[3], NULL, 10) : 2000;
    ffn_dataset *data = ffn_dataset_load_csv(FFN_EXAMPLES_DATA "/digits.csv", &csv, &error);
    ffn_model *model = data ? describe(data, &error) : NULL;
    (void)signal(SIGINT, interrupt);
    ffn_status status = model ? train(model, data, checkpoint, epochs, &error) : error.status;
    if (status == FFN_OK) status = ffn_model_save(model, result, &error);
    if (status == FFN_OK) printf("%s is the network; remove %s to train it again\n", result, checkpoint);
    if (status == FFN_STOPPED) printf("stopped; start the program again to go on from %s\n", checkpoint);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
    return status == FFN_OK || status == FFN_STOPPED ? 0 : show_error("resume", &error);
}
