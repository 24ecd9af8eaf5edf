/* Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document analysis",
 * ICDAR 2003: MNIST by 784-800-10, plain 1.6 % test error, with affine distortions 1.1 %, with elastic ones 0.7 %. */
#include "results.h"

enum { SIDE = 28 };

static ffn_model *make(uint64_t seed, ffn_error *error)
{
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = results_pixels(model, ffn_input(model, ffn_shape_2d(SIDE, SIDE)));
    h = ffn_dense(model, ffn_flatten(model, h), 800, ffn_relu());
    h = ffn_dense(model, h, 10, ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK && results_fix_pixels(model, SIDE * SIDE, error) == FFN_OK)
        return model;
    ffn_model_destroy(model);
    return NULL;
}

static int train(const results_run *run, const ffn_augmentation *augmentation, size_t epochs)
{
    enum { BATCH = 128, UPDATES = (60000 + BATCH - 1) / BATCH };
    ffn_dataset *training = results_load_mnist(run->data, "mnist", true);
    ffn_dataset *test = results_load_mnist(run->data, "mnist", false);
    results_task task = {.train = training, .test = test, .make = make, .options = ffn_fit_defaults(), .seeds = 3};
    if (run->epochs) epochs = run->epochs;
    task.epochs = epochs;
    task.options.batch_size = BATCH;
    task.options.optimizer = ffn_nesterov(0.1f, 0.9f);
    task.options.schedule = ffn_cosine_decay(epochs * UPDATES, 0);
    task.options.augmentation = augmentation;
    const int status = training && test ? results_repeat(run, &task) : 1;
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    return status;
}

static int plain(const results_run *run) { return train(run, NULL, 30); }

static int affine(const results_run *run)
{
    return train(run, &(ffn_augmentation){.shift = 1.5f, .rotation = 10, .scale = 0.1f, .shear = 10}, 60);
}

static int elastic(const results_run *run)
{
    return train(
        run,
        &(ffn_augmentation){.shift = 1, .rotation = 8, .scale = 0.1f, .elastic_strength = 34, .elastic_smoothness = 4},
        100);
}

const results_row results_simard[] = {
    {"simard_plain", "MNIST, 784-800-10, as it is: 1.6 % test error", plain},
    {"simard_affine", "the same with affine distortions: 1.1 %", affine},
    {"simard_elastic", "the same with elastic distortions: at most 0.8 %", elastic},
    {0},
};
