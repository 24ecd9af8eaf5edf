/* Training strategies on MNIST with published figures: dropout, max-norm (Srivastava et al. 2014), the optimizers that
 * Zeiler 2012 compares, and batch normalization (Ioffe and Szegedy 2015). */
#include "results.h"

enum { SIDE = 28, MAX_HIDDEN = 3, TRAINING_ROWS = 60000 };

typedef struct network {
    size_t hidden[MAX_HIDDEN]; /* units; 0 ends the list */
    ffn_activation (*activation)(void);
    bool batch_norm;              /* between each hidden layer's sum and its activation */
    float input_dropout, dropout; /* of the pixels, of hidden units */
    float weights_sd;             /* of the first weights, normal; 0: the layers' default */
} network;

static ffn_value dense(ffn_model *model, const network *n, ffn_value x, size_t units, ffn_activation activation)
{
    const ffn_value h = ffn_dense(model, x, units, activation);
    if (n->weights_sd > 0) ffn_set_initializer(model, h, ffn_normal(0, n->weights_sd));
    return h;
}

static ffn_model *make(const network *n, uint64_t seed, ffn_error *error)
{
    ffn_model *model = ffn_model_create(seed, error);
    ffn_value h = ffn_flatten(model, results_pixels(model, ffn_input(model, ffn_shape_2d(SIDE, SIDE))));
    if (n->input_dropout > 0) h = ffn_dropout(model, h, n->input_dropout);
    for (size_t i = 0; i < MAX_HIDDEN && n->hidden[i]; i++) {
        h = dense(model, n, h, n->hidden[i], n->batch_norm ? ffn_linear() : n->activation());
        if (n->batch_norm) h = ffn_activate(model, ffn_batch_norm(model, h), n->activation());
        if (n->dropout > 0) h = ffn_dropout(model, h, n->dropout);
    }
    h = dense(model, n, h, 10, ffn_softmax());
    if (ffn_model_build(model, h, error) == FFN_OK && results_fix_pixels(model, SIDE * SIDE, error) == FFN_OK)
        return model;
    ffn_model_destroy(model);
    return NULL;
}

static ffn_model *make_dropout(uint64_t seed, ffn_error *error)
{
    return make(&(network){.hidden = {512, 512}, .activation = ffn_relu, .dropout = 0.2f}, seed, error);
}
static ffn_model *make_max_norm(uint64_t seed, ffn_error *error)
{
    const network n = {.hidden = {1024, 1024, 2048}, .activation = ffn_relu, .input_dropout = 0.2f, .dropout = 0.5f};
    return make(&n, seed, error);
}
static ffn_model *make_zeiler(uint64_t seed, ffn_error *error)
{
    return make(&(network){.hidden = {500, 300}, .activation = ffn_relu}, seed, error);
}
static ffn_model *make_sigmoid(uint64_t seed, ffn_error *error)
{
    return make(&(network){.hidden = {100, 100, 100}, .activation = ffn_sigmoid, .weights_sd = 0.1f}, seed, error);
}
static ffn_model *make_batch_norm(uint64_t seed, ffn_error *error)
{
    const network n = {.hidden = {100, 100, 100}, .activation = ffn_sigmoid, .batch_norm = true, .weights_sd = 0.1f};
    return make(&n, seed, error);
}

static int train(const results_run *run, results_task task)
{
    ffn_dataset *training = results_load_mnist(run->data, "mnist", true);
    ffn_dataset *test = training ? results_load_mnist(run->data, "mnist", false) : NULL;
    task.train = training;
    task.test = test;
    const int status = test ? results_repeat(run, &task) : 1;
    ffn_dataset_destroy(training);
    ffn_dataset_destroy(test);
    return status;
}

static ffn_fit_options options_of(ffn_optimizer optimizer, size_t batch_size)
{
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_cross_entropy();
    options.optimizer = optimizer;
    options.batch_size = batch_size;
    return options;
}

static int dropout(const results_run *run)
{
    ffn_optimizer optimizer = ffn_rmsprop(0.001f);
    optimizer.alpha = 0.9f;
    optimizer.epsilon = 1e-7f;
    return train(run,
                 (results_task){.make = make_dropout, .options = options_of(optimizer, 128), .epochs = 20, .seeds = 3});
}

static int max_norm(const results_run *run)
{
    enum { BATCH = 128, UPDATES = (TRAINING_ROWS + BATCH - 1) / BATCH, EPOCHS = 30 };
    results_task task = {
        .make = make_max_norm, .options = options_of(ffn_adam(0.001f), BATCH), .epochs = EPOCHS, .seeds = 3};
    task.options.max_norm = 2;
    task.options.schedule = ffn_cosine_decay((run->epochs ? run->epochs : EPOCHS) * UPDATES, 0);
    return train(run, task);
}

static int zeiler(const results_run *run, ffn_optimizer optimizer)
{
    return train(run,
                 (results_task){.make = make_zeiler, .options = options_of(optimizer, 100), .epochs = 6, .seeds = 3});
}
static int zeiler_sgd(const results_run *run) { return zeiler(run, ffn_sgd(0.1f)); }
static int zeiler_momentum(const results_run *run) { return zeiler(run, ffn_momentum(0.1f, 0.9f)); }
static int zeiler_adagrad(const results_run *run) { return zeiler(run, ffn_adagrad(0.01f)); }

/* An epoch of batches of 60 is 1000 updates. */
static int sigmoid(const results_run *run)
{
    return train(
        run, (results_task){.make = make_sigmoid, .options = options_of(ffn_sgd(0.1f), 60), .epochs = 1, .seeds = 5});
}
static int batch_norm(const results_run *run)
{
    return train(run, (results_task){
                          .make = make_batch_norm, .options = options_of(ffn_sgd(0.1f), 60), .epochs = 1, .seeds = 5});
}

const results_row results_strategies[] = {
    {"dropout", "MNIST, 784-512-512-10, dropout .2, RMSprop, 20 epochs: 1.6 % test error", dropout},
    {"max_norm", "MNIST, 784-1024-1024-2048-10, dropout and max-norm: at most 1.3 %", max_norm},
    {"zeiler_sgd", "MNIST, 784-500-300-10, 6 epochs, gradient descent .1: 2.51 %", zeiler_sgd},
    {"zeiler_momentum", "the same with momentum .9: 2.03 %", zeiler_momentum},
    {"zeiler_adagrad", "the same with Adagrad .01: 1.79 %", zeiler_adagrad},
    {"sigmoid", "MNIST, 784-100-100-100-10 of sigmoids, 1000 updates: some 46 %", sigmoid},
    {"batch_norm", "the same with batch normalization: some 10 %", batch_norm},
    {0},
};
