#include "study.h"

#include <string.h>

const char *const study_init_names[STUDY_INITS] = {
    [STUDY_HE] = "he", [STUDY_LECUN] = "lecun", [STUDY_NORMED] = "normed", [STUDY_OWN] = "own"};

static const char all[] = "sigmoid,tanh,softsign,hard_sigmoid,relu,leaky_relu,prelu,elu,selu,softplus,swish,gelu,mish,"
                          "hard_swish";

const study_config study_configs[] = {
    {
        .name = "study",
        .what = "all activations: gradients by depth, tuned rates, scores over seeds",
        .activations = all,
        .units = 64,
        .layers = 5,
        .depths = {5, 10, 20, 50},
        .depth_epochs = 10,
        .depth_seeds = 1,
        .depth_rate = 1e-3,
        .tune_epochs = 15,
        .epochs = 40,
        .seeds = 10,
        .rates = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2},
        .optimizer = "adam",
        .batch = 32,
        .probe_rows = 500,
    },
    /* Hendrycks and Gimpel 2016, section 3.1, with the released program's initial weights and scaling. */
    {
        .name = "gelu",
        .what = "MNIST, 8 hidden layers of 128, Adam, 50 epochs: GELU, ELU and ReLU (Hendrycks, Gimpel 2016)",
        .activations = "gelu_tanh,elu,relu",
        .units = 128,
        .layers = 8,
        .tune_epochs = 50,
        .epochs = 50,
        .seeds = 5,
        .rates = {1e-3, 1e-4, 1e-5},
        .optimizer = "adam",
        .batch = 128,
        .scale = STUDY_UNIT,
        .init = STUDY_NORMED,
        .validation = 5000,
        .probe_rows = 500,
    },
    {
        .name = "gelu-dropout",
        .what = "the same with dropout .5 after every hidden layer",
        .activations = "gelu_tanh,elu,relu",
        .units = 128,
        .layers = 8,
        .tune_epochs = 50,
        .epochs = 50,
        .seeds = 5,
        .rates = {1e-3, 1e-4, 1e-5},
        .optimizer = "adam",
        .dropout = 0.5,
        .batch = 128,
        .scale = STUDY_UNIT,
        .init = STUDY_NORMED,
        .validation = 5000,
        .probe_rows = 500,
    },
    /* Nielsen 2015, chapter 5: 1000 rows as one batch, gradient descent at .1 for losses that are sums over the outputs,
     * 1 for their mean; his decay of 5 / 1000 is l2 5 / 2000 of the sum. */
    {
        .name = "nielsen",
        .what = "MNIST, 784-30-...-10 of sigmoids: gradients that vanish (Nielsen 2015, chapter 5)",
        .activations = "sigmoid",
        .units = 30,
        .depths = {2, 3, 4},
        .depth_epochs = 500,
        .depth_seeds = 10,
        .depth_rate = 1,
        .optimizer = "sgd",
        .l2 = 2.5e-4,
        .batch = 1000,
        .scale = STUDY_UNIT,
        .init = STUDY_LECUN,
        .normal_biases = true,
        .sigmoid_output = true,
        .validation = 1000,
        .rows = 1000,
        .probe_rows = 1000,
    },
    /* Xiao, Rasul, Vollgraf 2017, table 3: scikit-learn's MLPClassifier with its defaults. Its alpha 1e-4 is l2 0.5e-4 of
     * a batch's summed loss; it ends with the third epoch in a row in which the loss has not fallen by 1e-4. */
    {
        .name = "fashion",
        .what = "one hidden layer of 100 on Fashion-MNIST (Xiao, Rasul, Vollgraf 2017)",
        .activations = "relu,tanh",
        .units = 100,
        .layers = 1,
        .epochs = 200,
        .seeds = 5,
        .rates = {1e-3},
        .optimizer = "adam",
        .l2 = 2.5e-7,
        .batch = 200,
        .patience = 3,
        .validation = 1,
        .probe_rows = 500,
    },
    {
        .name = "fashion-mnist",
        .what = "the same table's figures for MNIST",
        .activations = "relu,tanh",
        .units = 100,
        .layers = 1,
        .epochs = 200,
        .seeds = 5,
        .rates = {1e-3},
        .optimizer = "adam",
        .l2 = 2.5e-7,
        .batch = 200,
        .patience = 3,
        .validation = 1,
        .probe_rows = 500,
    },
    {0},
};

const study_published study_published_figures[] = {
    {"gelu", "gelu_tanh", "validation loss", 8, 0, 0.137, 0.02},
    {"gelu", "elu", "validation loss", 8, 0, 0.118, 0.02},
    {"gelu", "relu", "validation loss", 8, 0, 0.137, 0.02},
    {"gelu-dropout", "gelu_tanh", "validation loss", 8, 0, 0.135, 0.02},
    {"gelu-dropout", "elu", "validation loss", 8, 0, 0.138, 0.02},
    {"gelu-dropout", "relu", "validation loss", 8, 0, 0.385, 0.1},
    {"nielsen", "sigmoid", "gradient", 2, 1, 0.07, 0.03},
    {"nielsen", "sigmoid", "gradient", 2, 2, 0.31, 0.1},
    {"nielsen", "sigmoid", "gradient", 3, 1, 0.012, 0.006},
    {"nielsen", "sigmoid", "gradient", 3, 2, 0.060, 0.03},
    {"nielsen", "sigmoid", "gradient", 3, 3, 0.283, 0.1},
    {"nielsen", "sigmoid", "gradient", 4, 1, 0.003, 0.0015},
    {"nielsen", "sigmoid", "gradient", 4, 2, 0.017, 0.008},
    {"nielsen", "sigmoid", "gradient", 4, 3, 0.070, 0.03},
    {"nielsen", "sigmoid", "gradient", 4, 4, 0.285, 0.1},
    {"fashion", "relu", "test accuracy", 1, 0, 0.871, 0.006},
    {"fashion", "tanh", "test accuracy", 1, 0, 0.868, 0.006},
    {"fashion-mnist", "relu", "test accuracy", 1, 0, 0.972, 0.006},
    {"fashion-mnist", "tanh", "test accuracy", 1, 0, 0.962, 0.006},
    {0},
};

study_config study_quick(study_config config)
{
    config.depth_epochs = 3;
    config.tune_epochs = 8;
    config.epochs = 20;
    config.seeds = 5;
    const double rates[STUDY_MOST_RATES] = {3e-4, 1e-3, 3e-3};
    memcpy(config.rates, rates, sizeof rates);
    return config;
}

ffn_status study_parse_activations(const char *names, study_activations *activations, ffn_error *error)
{
    *activations = (study_activations){0};
    for (const char *name = names; *name;) {
        const size_t length = strcspn(name, ","), i = activations->count;
        if (i == STUDY_MOST_ACTIVATIONS)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "activations: found more than %d", STUDY_MOST_ACTIVATIONS);
        (void)snprintf(activations->names[i], sizeof activations->names[i], "%.*s", (int)length, name);
        const ffn_status status = ffn_activation_by_name(activations->names[i], &activations->kinds[i], error);
        if (status != FFN_OK) return status;
        if (activations->kinds[i].ops && activations->kinds[i].ops->over_rows)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "activation %s: expected a function of one number",
                            activations->names[i]);
        activations->count++;
        name += length + (name[length] == ',');
    }
    return activations->count > 0 ? FFN_OK : ffn_fail(error, FFN_INVALID_ARGUMENT, "activations: found none");
}
