/* The trainer: updates by hand and in one step, rates, clipping, penalties, and what it refuses. */
#include "networks.h"
#include "test.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { ROWS = 8, MOST = 8192 };

static float x_data[ROWS * INPUTS], target_data[ROWS * OUTPUTS];

static bool same_bits(size_t n, const float *a, const float *b) { return memcmp(a, b, n * sizeof(float)) == 0; }

static ffn_model *make_model(ffn_value (*describe)(ffn_model *))
{
    const form f = {"model", describe, ffn_mse};
    ffn_model *model = form_build(&f, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    fill_uniform(x_data, COUNT(x_data), 1, -1, 1);
    fill_uniform(target_data, COUNT(target_data), 2, -1, 1);
    return model;
}

static ffn_trainer *make_trainer(ffn_model *model, ffn_fit_options options)
{
    ffn_error error = {FFN_OK, ""};
    if (options.batch_size == 0) options.batch_size = ROWS;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, &error);
    if (!trainer) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    return trainer;
}

/* All parameters one after another; their number. */
static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, i, &info, NULL), FFN_OK);
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= MOST);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, i, values + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

static void set(ffn_model *model, const char *name, const float *values)
{
    size_t index;
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, index, values, NULL), FFN_OK);
}

static void get(const ffn_model *model, const char *name, float *values)
{
    size_t index;
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(model, index, values, NULL), FFN_OK);
}

/* A network of one dense layer, 2 inputs and 2 units with learned slopes, and its trainer with given gradients. */
typedef struct small {
    ffn_model *model;
    ffn_trainer *trainer;
} small;

static const float small_w[4] = {1, -2, 3, 0}, small_b[2] = {5, -6}, small_s[2] = {0.5f, -0.5f};

static small make_small(const ffn_fit_options *options, float l1, float l2, const float *gradients)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 2, ffn_prelu_per_unit(0.5f));
    ffn_set_penalty(model, h, l1, l2);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    set(model, "dense1.weight", small_w);
    set(model, "dense1.bias", small_b);
    set(model, "dense1.slope", small_s);
    const small s = {model, make_trainer(model, *options)};
    for (size_t i = 0, at = 0; i < 3; at += i ? 2 : 4, i++)
        CU_ASSERT_EQUAL(ffn_plan_set_gradient(ffn_trainer_plan(s.trainer), i, gradients + at, NULL), FFN_OK);
    return s;
}

static void destroy_small(small s)
{
    ffn_trainer_destroy(s.trainer);
    ffn_model_destroy(s.model);
}

static void expect_small(small s, const float *expected)
{
    float found[MOST];
    CU_ASSERT_EQUAL(get_weights(s.model, found), 8);
    for (size_t i = 0; i < 8; i++) CU_ASSERT_DOUBLE_EQUAL(found[i], expected[i], 2e-6);
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

static void test_every_optimizer_learns(void)
{
    const char *names[] = {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"};
    for (size_t i = 0; i < COUNT(names); i++) {
        ffn_model *model = make_model(form_skip);
        ffn_fit_options options = {.loss = ffn_mse()};
        CU_ASSERT_EQUAL_FATAL(ffn_optimizer_by_name(names[i], &options.optimizer, NULL), FFN_OK);
        ffn_trainer *trainer = make_trainer(model, options);
        double first = 0, last = 0;
        for (size_t k = 0; k < 300; k++) {
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, target_data, ROWS, &last, NULL), FFN_OK);
            if (k == 0) first = last;
        }
        CU_ASSERT(last < 0.5 * first);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
}

/* More weights than values in a batch: without clipping a step may update them while backward runs. */
static ffn_value describe_wide(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 64, ffn_tanh());
    h = ffn_dense(m, ffn_dropout(m, h, 0.2f), 64, ffn_relu());
    return ffn_dense(m, h, OUTPUTS, ffn_linear());
}

static ffn_model *make_wide(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, describe_wide(model), NULL), FFN_OK);
    return model;
}

static void test_a_step_is_forward_backward_apply(void)
{
    ffn_value (*const describe[])(ffn_model *) = {form_chain, form_shared_thrice, form_dropout, form_custom, NULL};
    for (size_t f = 0; f < 2 * COUNT(describe); f++) {
        const bool clip = f % 2 == 0;
        float weights[2][MOST];
        double losses[2][10];
        size_t n = 0;
        for (int by_hand = 0; by_hand < 2; by_hand++) {
            ffn_model *model = describe[f / 2] ? make_model(describe[f / 2]) : make_wide();
            ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = ffn_mse(),
                                                                         .optimizer = ffn_adam(0.01f),
                                                                         .schedule = ffn_exponential_decay(0.9f),
                                                                         .clip_norm = clip ? 0.3f : 0,
                                                                         .clip_value = 0.1f,
                                                                         .l1 = 1e-3f,
                                                                         .l2 = 1e-2f});
            for (size_t k = 0; k < 10; k++) {
                const size_t rows = ROWS - k % 4;
                if (by_hand) {
                    CU_ASSERT_PTR_NOT_NULL(ffn_forward(ffn_trainer_plan(trainer), x_data, rows));
                    losses[1][k] = ffn_backward(ffn_trainer_plan(trainer), ffn_mse(), target_data);
                    CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
                } else {
                    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, target_data, rows, &losses[0][k], NULL), FFN_OK);
                }
            }
            n = get_weights(model, weights[by_hand]);
            ffn_trainer_destroy(trainer);
            ffn_model_destroy(model);
        }
        CU_ASSERT(same_bits(n, weights[0], weights[1]));
        CU_ASSERT_EQUAL(memcmp(losses[0], losses[1], sizeof(losses[0])), 0);
    }
}

static void test_apply_may_be_repeated(void)
{
    const float g[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    small s = make_small(&(ffn_fit_options){.optimizer = ffn_sgd(0.1f)}, 0, 0, g);
    float expected[8] = {1, -2, 3, 0, 5, -6, 0.5f, -0.5f}, kept[2];
    for (size_t k = 0; k < 3; k++) {
        CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
        for (size_t i = 0; i < 8; i++) expected[i] -= 0.1f * g[i];
        expect_small(s, expected);
    }
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(ffn_trainer_plan(s.trainer), 1, kept, NULL), FFN_OK);
    CU_ASSERT(kept[0] == 5 && kept[1] == 6);
    destroy_small(s);
}

static void test_frozen_layers_stay(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_dense(model, row_input(model), 5, ffn_tanh()), y = ffn_dense(model, h, OUTPUTS, ffn_linear());
    ffn_set_trainable(model, h, false);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    float before[2][5 * INPUTS], after[5 * INPUTS];
    for (int thawed = 0; thawed < 2; thawed++) {
        ffn_set_trainable(model, h, thawed);
        ffn_set_trainable(model, y, !thawed);
        ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.optimizer = ffn_adamw(0.1f, 0.1f), .l2 = 1});
        get(model, "dense1.weight", before[0]);
        get(model, "dense2.weight", before[1]);
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, target_data, ROWS, NULL, NULL), FFN_OK);
        get(model, "dense1.weight", after);
        CU_ASSERT_EQUAL(same_bits(5 * INPUTS, before[0], after), !thawed);
        get(model, "dense2.weight", after);
        CU_ASSERT_EQUAL(same_bits(5 * OUTPUTS, before[1], after), thawed);
        ffn_trainer_destroy(trainer);
    }
    ffn_model_destroy(model);
}

static void test_class_weights_are_copied(void)
{
    float results[2][MOST];
    size_t n = 0;
    for (int changed = 0; changed < 2; changed++) {
        ffn_model *model = make_model(form_two_inputs);
        float weights[OUTPUTS] = {1, 2, 3, 4};
        ffn_loss loss = ffn_cross_entropy();
        loss.class_weights = weights;
        loss.classes = OUTPUTS;
        ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = loss});
        if (changed) memset(weights, 0xFF, sizeof(weights));
        const float classes[ROWS] = {0, 1, 2, 3, 3, 2, 1, 1};
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, classes, ROWS, NULL, NULL), FFN_OK);
        n = get_weights(model, results[changed]);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
    CU_ASSERT(same_bits(n, results[0], results[1]));
}

static void step_by_sign(const ffn_optimizer *o, const ffn_update *update, size_t n, float *w, const float *g,
                         float *const *state)
{
    (void)o, (void)state;
    for (size_t i = 0; i < n; i++) w[i] -= (float)update->rate * (float)((g[i] > 0) - (g[i] < 0));
}

/* An optimizer of one's own, with no more in its table than it must have; and one with less. */
static void test_own_optimizers(void)
{
    const ffn_optimizer_ops sign = {.name = "sign", .step = step_by_sign}, hollow = {.name = "hollow"};
    const float g[8] = {3, -4, 0, 1, 12, -1, 0, 2};
    small s = make_small(&(ffn_fit_options){.optimizer = {.ops = &sign, .learning_rate = 0.5f}}, 0, 0, g);
    CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
    expect_small(s, (float[]){0.5f, -1.5f, 3, -0.5f, 4.5f, -5.5f, 0.5f, -1});
    ffn_error error;
    CU_ASSERT_PTR_NULL(ffn_trainer_create(s.model, &(ffn_fit_options){.optimizer = {.ops = &hollow}}, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "hollow"));
    destroy_small(s);
}

/* ---- rates ----------------------------------------------------------------------------------------------------- */

static void test_learning_rates(void)
{
    const float g[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    small s = make_small(
        &(ffn_fit_options){.optimizer = ffn_sgd(0.5f), .schedule = ffn_warmup(ffn_step_decay(3, 0.1f), 2)}, 0, 0, g);
    const float factors[] = {0.5f, 1, 1, 0.1f, 0.1f, 0.1f, 0.01f};
    float rate = 0.5f, bias[2], expected = 5;
    for (size_t k = 0; k < COUNT(factors); k++) {
        if (k == 4) ffn_trainer_set_learning_rate(s.trainer, rate = 2);
        CU_ASSERT_DOUBLE_EQUAL(ffn_trainer_learning_rate(s.trainer), rate * factors[k], 1e-6);
        CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
        expected -= rate * factors[k];
        get(s.model, "dense1.bias", bias);
        CU_ASSERT_DOUBLE_EQUAL(bias[0], expected, 2e-6);
    }
    const float bad[] = {-1, NAN, INFINITY};
    const float before = ffn_trainer_learning_rate(s.trainer);
    for (size_t i = 0; i < COUNT(bad); i++) ffn_trainer_set_learning_rate(s.trainer, bad[i]);
    CU_ASSERT_EQUAL(ffn_trainer_learning_rate(s.trainer), before);
    ffn_trainer_set_learning_rate(s.trainer, 0);
    CU_ASSERT_EQUAL(ffn_trainer_learning_rate(s.trainer), 0);
    destroy_small(s);
}

static void test_plateau_by_hand(void)
{
    const float g[8] = {0};
    small s =
        make_small(&(ffn_fit_options){.optimizer = ffn_sgd(1), .schedule = ffn_reduce_on_plateau(0.5f, 1)}, 0, 0, g);
    const double metrics[] = {10, 9, 9, 9, 8, 8, 8, (double)NAN, (double)NAN};
    const float rates[] = {1, 1, 1, 0.5f, 0.5f, 0.5f, 0.25f, 0.25f, 0.125f};
    for (size_t i = 0; i < COUNT(metrics); i++) {
        ffn_trainer_report(s.trainer, metrics[i]);
        CU_ASSERT_EQUAL(ffn_trainer_learning_rate(s.trainer), rates[i]);
    }
    destroy_small(s);
}

/* ---- what is done to gradients --------------------------------------------------------------------------------- */

static void test_clipping(void)
{
    const float g[8] = {3, -4, 0, 0, 12, 0, 0, 0}; /* norm 13 */
    const struct {
        float norm, value, factor, limit;
    } cases[] = {{0, 0, 1, 100}, {26, 0, 1, 100}, {1.3f, 0, 0.1f, 100}, {0, 3.5f, 1, 3.5f}, {6.5f, 2.5f, 0.5f, 2.5f}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        small s = make_small(
            &(ffn_fit_options){.optimizer = ffn_sgd(1), .clip_norm = cases[c].norm, .clip_value = cases[c].value}, 0, 0,
            g);
        CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
        float expected[8] = {1, -2, 3, 0, 5, -6, 0.5f, -0.5f};
        for (size_t i = 0; i < 8; i++)
            expected[i] -= fmaxf(fminf(g[i] * cases[c].factor, cases[c].limit), -cases[c].limit);
        expect_small(s, expected);
        destroy_small(s);
    }
}

/* Weights 1, -2, 3, 0; biases and slopes feel nothing of penalties. */
static void test_penalties(void)
{
    const float g[8] = {0};
    const struct {
        float layer_l1, layer_l2, l1, l2, w[4];
    } cases[] = {{0, 0, 0, 0, {1, -2, 3, 0}},
                 {0, 0, 0.1f, 0, {0.9f, -1.9f, 2.9f, 0}},
                 {0.2f, 0, 0.1f, 0, {0.7f, -1.7f, 2.7f, 0}},
                 {0, 0, 0, 0.1f, {0.8f, -1.6f, 2.4f, 0}},
                 {0, 0.1f, 0, 0.1f, {0.6f, -1.2f, 1.8f, 0}},
                 {0.1f, 0, 0, 0.1f, {0.7f, -1.5f, 2.3f, 0}}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        small s = make_small(&(ffn_fit_options){.optimizer = ffn_sgd(1), .l1 = cases[c].l1, .l2 = cases[c].l2},
                             cases[c].layer_l1, cases[c].layer_l2, g);
        CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
        const float *w = cases[c].w;
        expect_small(s, (float[]){w[0], w[1], w[2], w[3], 5, -6, 0.5f, -0.5f});
        destroy_small(s);
    }
}

static void test_weight_decay(void)
{
    const float g[8] = {0};
    for (int decoupled = 0; decoupled < 2; decoupled++)
        for (int spare = 0; spare < 2; spare++) {
            ffn_fit_options options = {.optimizer = decoupled ? ffn_adamw(0.5f, 0.2f) : ffn_sgd(0.5f)};
            options.optimizer.weight_decay = 0.2f;
            options.optimizer.spare_biases = spare;
            small s = make_small(&options, 0, 0, g);
            CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, NULL), FFN_OK);
            const float f = spare ? 1 : 0.9f;
            expect_small(s, (float[]){0.9f, -1.8f, 2.7f, 0, 5 * f, -6 * f, 0.5f * f, -0.5f * f});
            destroy_small(s);
        }
}

/* ---- divergence ------------------------------------------------------------------------------------------------ */

static void expect_diverged(ffn_status status, const ffn_error *error, const char *who)
{
    CU_ASSERT_EQUAL(status, FFN_DIVERGED);
    CU_ASSERT_EQUAL(error->status, FFN_DIVERGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, who));
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "update"));
    if (!strstr(error->message, who)) printf("\n    %s\n", error->message);
}

static void test_bad_gradients_change_nothing(void)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const char *names[] = {"dense1.weight", "dense1.bias", "dense1.slope"};
    for (size_t b = 0; b < COUNT(bad); b++)
        for (size_t at = 0; at < 8; at++)
            for (int clip = 0; clip < 2; clip++) {
                float g[8] = {1, 1, 1, 1, 1, 1, 1, 1};
                g[at] = bad[b];
                ffn_error error;
                small s = make_small(
                    &(ffn_fit_options){.optimizer = ffn_adam(1), .clip_norm = (float)clip, .clip_value = (float)clip},
                    0, 0, g);
                expect_diverged(ffn_trainer_apply(s.trainer, &error), &error, names[at < 4 ? 0 : at < 6 ? 1 : 2]);
                expect_small(s, (float[]){1, -2, 3, 0, 5, -6, 0.5f, -0.5f});
                destroy_small(s);
            }
}

/* One new weight would be infinite: it keeps its value, and the others get theirs. */
static void test_overflowing_weights_keep_their_values(void)
{
    const float start[8] = {1, -2, 3, 0, 5, -6, 0.5f, -0.5f};
    for (size_t at = 0; at < 8; at++) {
        float g[8] = {1, 1, 1, 1, 1, 1, 1, 1};
        g[at] = 3e38f;
        ffn_error error;
        small s = make_small(&(ffn_fit_options){.optimizer = ffn_sgd(100)}, 0, 0, g);
        expect_diverged(ffn_trainer_apply(s.trainer, &error), &error, "dense1");
        float expected[8];
        for (size_t i = 0; i < 8; i++) expected[i] = i == at ? start[i] : start[i] - 100;
        expect_small(s, expected);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "100"));
        ffn_trainer_set_learning_rate(s.trainer, 0); /* still usable */
        CU_ASSERT_EQUAL(ffn_trainer_apply(s.trainer, &error), FFN_OK);
        destroy_small(s);
    }
}

static void test_overflow_names_the_layer(void)
{
    const struct {
        const char *parameter, *named;
    } cases[] = {
        {"dense1.bias", "dense3"}, {"dense2.bias", "dense3"}, {"dense3.bias", "dense4"}, {"dense1.bias", "dense2"}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        ffn_model *model = ffn_model_create(1, NULL);
        ffn_value h = row_input(model);
        for (size_t l = 0; l < 4; l++) h = ffn_dense(model, h, OUTPUTS, ffn_linear());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
        const float large[OUTPUTS] = {2e38f, 2e38f, 2e38f, 2e38f},
                    w[OUTPUTS * OUTPUTS] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
        set(model, cases[c].parameter, large);
        if (c == 0)
            set(model, "dense2.weight", (float[OUTPUTS * OUTPUTS]){1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1});
        if (c <= 1) set(model, "dense3.weight", w);
        if (c == 2) set(model, "dense4.weight", w);
        if (c == 3) { /* infinity less infinity, which on x86 is a NaN with its sign bit set */
            set(model, "dense2.weight", (float[OUTPUTS * OUTPUTS]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
            set(model, "dense3.weight",
                (float[OUTPUTS * OUTPUTS]){1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1});
        }
        float before[MOST], after[MOST];
        const size_t n = get_weights(model, before);
        ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = ffn_mse(), .optimizer = ffn_sgd(0.1f)});
        ffn_error error;
        double loss = 0;
        expect_diverged(ffn_trainer_step(trainer, x_data, target_data, ROWS, &loss, &error), &error, cases[c].named);
        CU_ASSERT(c < 3 || strstr(error.message, "the loss is nan;"));
        CU_ASSERT_EQUAL(get_weights(model, after), n);
        CU_ASSERT(same_bits(n, before, after));
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
}

/* The loss is finite and so are most gradients; one is not, and no weight of any layer has moved. */
static void test_half_a_step_is_not_taken(void)
{
    static float before[MOST], after[MOST], x[ROWS * INPUTS], w[64 * 64];
    for (int clip = 0; clip < 2; clip++) {
        ffn_model *model = make_wide();
        size_t index;
        CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, "dense1.weight", &index, NULL), FFN_OK);
        for (size_t i = 0; i < 64 * INPUTS; i++) w[i] = i % 2 ? 2e-38f : 1.9e-38f; /* z is 0.9: no unit is at rest */
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, index, w, NULL), FFN_OK);
        for (size_t i = 0; i < ROWS * INPUTS; i++) x[i] = i % 2 ? 3e38f : -3e38f; /* dW1 overflows: dz x */
        float targets[ROWS * OUTPUTS];
        for (size_t i = 0; i < ROWS * OUTPUTS; i++) targets[i] = 1e6f;
        ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = ffn_mse(), .clip_norm = (float)clip});
        const size_t n = get_weights(model, before);
        double loss = 0;
        ffn_error error;
        expect_diverged(ffn_trainer_step(trainer, x, targets, ROWS, &loss, &error), &error, "dense1.weight");
        CU_ASSERT(isfinite(loss));
        CU_ASSERT_EQUAL(get_weights(model, after), n);
        CU_ASSERT(same_bits(n, before, after));
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static void test_refused_steps(void)
{
    ffn_model *model = make_model(form_chain);
    ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = ffn_mse(), .optimizer = ffn_sgd(0.1f)});
    float bad_x[ROWS * INPUTS], bad_targets[ROWS * OUTPUTS], before[MOST], after[MOST];
    memcpy(bad_x, x_data, sizeof(bad_x));
    memcpy(bad_targets, target_data, sizeof(bad_targets));
    bad_x[2 * INPUTS + 1] = NAN;
    bad_targets[3 * OUTPUTS + 2] = INFINITY;
    const size_t n = get_weights(model, before);
    const struct {
        ffn_trainer *trainer;
        const float *x, *targets;
        size_t rows;
        const char *sentence;
    } cases[] = {
        {NULL, x_data, target_data, 1, "trainer is NULL"},
        {trainer, NULL, target_data, 1, "x is NULL"},
        {trainer, x_data, NULL, 1, "targets are NULL"},
        {trainer, x_data, target_data, 0, "0 rows"},
        {trainer, x_data, target_data, ROWS + 1, "9 rows"},
        {trainer, bad_x, target_data, ROWS, "row 2, feature 1 is nan"},
        {trainer, x_data, bad_targets, ROWS, "row 3, column 2 is inf"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ffn_error error;
        CU_ASSERT_EQUAL(ffn_trainer_step(cases[i].trainer, cases[i].x, cases[i].targets, cases[i].rows, NULL, &error),
                        FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, cases[i].sentence));
        CU_ASSERT_EQUAL(ffn_trainer_step(cases[i].trainer, cases[i].x, cases[i].targets, cases[i].rows, NULL, NULL),
                        FFN_INVALID_ARGUMENT);
    }
    (void)get_weights(model, after);
    CU_ASSERT(same_bits(n, before, after));
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, bad_x, target_data, 2, NULL, NULL), FFN_OK); /* the good rows */
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void test_refused_targets(void)
{
    ffn_model *model = make_model(form_sequence_softmax);             /* two rows of two classes a sample */
    ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){0}); /* the loss by the output: cross entropy */
    const float wrong[] = {2, -1, 0.5f, NAN};
    float classes[2 * ROWS] = {0, 1};
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, classes, ROWS, NULL, NULL), FFN_OK);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        ffn_error error;
        classes[2 * ROWS - 1] = wrong[i];
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, classes, ROWS, NULL, &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "15"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "class index"));
    }
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void test_null_trainers(void)
{
    ffn_trainer_destroy(NULL);
    CU_ASSERT_PTR_NULL(ffn_trainer_plan(NULL));
    CU_ASSERT_EQUAL(ffn_trainer_apply(NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_trainer_set_learning_rate(NULL, 1);
    CU_ASSERT(isnan(ffn_trainer_learning_rate(NULL)));
    ffn_trainer_report(NULL, 1);
    CU_ASSERT_PTR_NULL(ffn_trainer_create(NULL, NULL, NULL));
    ffn_model *unbuilt = ffn_model_create(1, NULL), *model = make_model(form_chain);
    CU_ASSERT_PTR_NULL(ffn_trainer_create(unbuilt, NULL, NULL));
    ffn_trainer *trainer = ffn_trainer_create(model, NULL, NULL); /* all defaults */
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    CU_ASSERT_EQUAL(ffn_trainer_learning_rate(trainer), 0.001f);
    CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, target_data, ROWS, NULL, NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(unbuilt);
    ffn_model_destroy(model);
}

#if defined(__x86_64__)
static void test_the_control_word_is_restored(void)
{
    const unsigned modes[] = {0x1F80, 0x1F80 | 0x8040, 0x1F80 | 0x6000};
    ffn_model *model = make_model(form_chain);
    ffn_trainer *trainer = make_trainer(model, (ffn_fit_options){.loss = ffn_mse()});
    float bad[ROWS * OUTPUTS] = {NAN}, y[ROWS * OUTPUTS];
    const unsigned before = _mm_getcsr();
    for (size_t i = 0; i < COUNT(modes); i++) {
        _mm_setcsr(modes[i]);
        const unsigned given = _mm_getcsr(); /* not all of it under valgrind */
        (void)ffn_trainer_step(trainer, x_data, target_data, ROWS, NULL, NULL);
        (void)ffn_trainer_step(trainer, x_data, bad, ROWS, NULL, NULL);
        (void)ffn_trainer_apply(trainer, NULL);
        (void)ffn_predict(model, x_data, ROWS, y, NULL);
        const unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        CU_ASSERT_EQUAL(after & ~0x3FU, given & ~0x3FU);
    }
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}
#endif

static const test_case cases[] = {
    {"every optimizer learns", test_every_optimizer_learns},
    {"a step is forward, backward, apply", test_a_step_is_forward_backward_apply},
    {"apply may be repeated", test_apply_may_be_repeated},
    {"frozen layers stay", test_frozen_layers_stay},
    {"class weights are copied", test_class_weights_are_copied},
    {"own optimizers", test_own_optimizers},
    {"learning rates", test_learning_rates},
    {"a plateau by hand", test_plateau_by_hand},
    {"clipping", test_clipping},
    {"penalties", test_penalties},
    {"weight decay", test_weight_decay},
    {"bad gradients change nothing", test_bad_gradients_change_nothing},
    {"overflowing weights keep their values", test_overflowing_weights_keep_their_values},
    {"overflow names the layer", test_overflow_names_the_layer},
    {"half a step is not taken", test_half_a_step_is_not_taken},
    {"refused steps", test_refused_steps},
    {"refused targets", test_refused_targets},
    {"NULL trainers", test_null_trainers},
#if defined(__x86_64__)
    {"the control word is restored", test_the_control_word_is_restored},
#endif
};
TEST_MAIN("trainer", cases)
