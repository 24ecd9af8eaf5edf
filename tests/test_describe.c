/* A model, and the options of a training, as text. */
#include "networks.h"
#include "test.h"

static void test_defaults_and_sizes(void)
{
    char whole[4096], part[50];
    const size_t length = ffn_fit_options_summary(NULL, whole, sizeof whole);
    CU_ASSERT_EQUAL(strlen(whole), length);
    CU_ASSERT_EQUAL(ffn_fit_options_summary(NULL, NULL, 0), length);
    CU_ASSERT_EQUAL(ffn_fit_options_summary(NULL, part, sizeof part), length);
    CU_ASSERT_EQUAL(strlen(part), sizeof part - 1);
    CU_ASSERT_EQUAL(strncmp(part, whole, sizeof part - 1), 0);
    static const char *const lines[] = {
        "optimizer           adam, learning_rate 0.001, beta1 0.9, beta2 0.999, epsilon",
        "schedule            constant_rate\n",
        "epochs              100\n",
        "batch_size          32\n",
        "patience            no early stopping\n",
        "clip_norm           off\n"};
    for (size_t i = 0; i < COUNT(lines); i++) CU_ASSERT_PTR_NOT_NULL(strstr(whole, lines[i]));
    ffn_fit_options options = {.loss = ffn_huber(1),
                               .optimizer = ffn_nesterov(0.5f, 0.25f),
                               .schedule = ffn_warmup(ffn_cosine_restarts(10, 2, 0.125f), 5),
                               .monitor = (ffn_monitor)9,
                               .max_norm = 3};
    (void)ffn_fit_options_summary(&options, whole, sizeof whole);
    static const char *const others[] = {"huber\n", "sgd, learning_rate 0.5, momentum 0.25, nesterov\n",
                                         "cosine_restarts, steps 10, multiple 2, factor 0.125, warmup 5\n", "unknown\n",
                                         "max_norm            3\n"};
    for (size_t i = 0; i < COUNT(others); i++) CU_ASSERT_PTR_NOT_NULL(strstr(whole, others[i]));
}

/* All that a training hangs on, and counts to the last digit. */
static void test_nothing_is_left_out(void)
{
    char whole[4096];
    const ffn_augmentation augmentation = {.noise = 0.5f, .cutout = 3, .flip_vertical = true, .elastic_strength = 2};
    ffn_fit_options options = {.loss = ffn_huber(2.5f),
                               .optimizer = ffn_lbfgs(1),
                               .epochs = 12345678,
                               .batch_size = 1234567,
                               .patience = 16777217,
                               .min_delta = 0.25f,
                               .augmentation = &augmentation,
                               .checkpoint_path = "a.ckpt",
                               .resume = true};
    options.loss.positive_weight = 7;
    (void)ffn_fit_options_summary(&options, whole, sizeof whole);
    static const char *const lines[] = {"delta               2.5\n",
                                        "positive_weight     7\n",
                                        "lbfgs, learning_rate 1, history 10\n",
                                        "epochs              12345678\n",
                                        "batch_size          1234567\n",
                                        "patience            16777217\n",
                                        "min_delta           0.25\n",
                                        ("augmentation        each row anew, elastic_strength 2, "
                                         "elastic_smoothness 4, noise 0.5, flip_vertical, cutout 3\n"),
                                        "checkpoint_path     a.ckpt\n",
                                        "checkpoint_every    epoch\n",
                                        "resume              yes\n"};
    for (size_t i = 0; i < COUNT(lines); i++) CU_ASSERT_PTR_NOT_NULL(strstr(whole, lines[i]));
    options.optimizer.history = 33;
    options.checkpoint_every = 7654321;
    options.augmentation = NULL;
    (void)ffn_fit_options_summary(&options, whole, sizeof whole);
    static const char *const others[] = {", history 33\n", "checkpoint_every    7654321\n",
                                         "augmentation        none\n"};
    for (size_t i = 0; i < COUNT(others); i++) CU_ASSERT_PTR_NOT_NULL(strstr(whole, others[i]));
}

/* A model's layers, each with its settings. */
static void test_model(void)
{
    char whole[4096], part[20];
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(5)), 7, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dropout(model, h, 0.25f), NULL), FFN_OK);
    const size_t length = ffn_model_summary(model, whole, sizeof whole);
    CU_ASSERT_EQUAL(length, strlen(whole));
    CU_ASSERT_EQUAL(ffn_model_summary(model, part, sizeof part), length);
    CU_ASSERT_EQUAL(strncmp(part, whole, sizeof part - 1), 0);
    CU_ASSERT_EQUAL(part[sizeof part - 1], 0);
    static const char *const lines[] = {"input     (5)              0\n",
                                        "(7)             42  units=7, activation=tanh\n",
                                        "dropout1  (7)              0  rate=0.25\n", "\n42 parameters, 42 trainable\n"};
    for (size_t i = 0; i < COUNT(lines); i++) CU_ASSERT_PTR_NOT_NULL(strstr(whole, lines[i]));
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"defaults and sizes", test_defaults_and_sizes},
    {"nothing is left out", test_nothing_is_left_out},
    {"a model", test_model},
};
TEST_MAIN("descriptions", cases)
