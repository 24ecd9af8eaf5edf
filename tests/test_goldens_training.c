/* Whole training runs against goldens/training.txt: the loss of each of 50 steps, the final weights and a prediction,
 * by ffn_trainer_step and by forward, backward and apply, on each instruction set. */
#include "golden.h"
#include "tensor/isa.h"

/* The networks are those of goldens/training.py, by the same names: each adds its layers and sets the options that are
 * not the defaults. */
typedef ffn_value network(ffn_model *model, ffn_fit_options *options);

static ffn_value relu_adam(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(12));
    h = ffn_dense(model, h, 24, ffn_relu());
    h = ffn_dense(model, h, 16, ffn_relu());
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adam(0.01f);
    return ffn_dense(model, h, 4, ffn_linear());
}

static ffn_value tanh_softmax_momentum(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(10));
    h = ffn_dense(model, h, 20, ffn_tanh());
    h = ffn_dense(model, h, 20, ffn_tanh());
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_momentum(0.1f, 0.9f);
    options->optimizer.dampening = 0.1f;
    options->optimizer.weight_decay = 1e-3f;
    return ffn_dense(model, h, 5, ffn_softmax());
}

static ffn_value sigmoid_binary_rmsprop(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(9));
    h = ffn_dense(model, h, 18, ffn_sigmoid());
    h = ffn_dense(model, h, 12, ffn_softplus());
    options->loss = ffn_binary_cross_entropy();
    options->loss.positive_weight = 2;
    options->optimizer = ffn_rmsprop(0.003f);
    options->optimizer.alpha = 0.9f;
    options->optimizer.momentum = 0.5f;
    options->optimizer.centered = true;
    options->optimizer.epsilon = 1e-4f;
    return ffn_dense(model, h, 3, ffn_sigmoid());
}

static ffn_value gelu_huber_adamw(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(8));
    h = ffn_dense(model, h, 16, ffn_gelu());
    h = ffn_dense(model, h, 16, ffn_gelu());
    options->loss = ffn_huber(0.5f);
    options->optimizer = ffn_adamw(0.01f, 0.1f);
    options->schedule = ffn_warmup(ffn_cosine_decay(45, 0.001f), 8);
    return ffn_dense(model, h, 2, ffn_linear());
}

static ffn_value deep_nesterov(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(6));
    h = ffn_dense(model, h, 12, ffn_elu(1));
    h = ffn_dense(model, h, 12, ffn_selu());
    h = ffn_dense(model, h, 12, ffn_elu(0.5f));
    h = ffn_dense(model, h, 12, ffn_selu());
    h = ffn_dense(model, h, 12, ffn_tanh());
    options->loss = ffn_mse();
    options->optimizer = ffn_nesterov(0.02f, 0.9f);
    return ffn_dense(model, h, 1, ffn_linear());
}

static ffn_value slopes_adagrad(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(7));
    h = ffn_dense(model, h, 14, ffn_leaky_relu(0.1f));
    h = ffn_dense(model, h, 14, ffn_prelu(0.25f));
    h = ffn_dense(model, h, 10, ffn_prelu_per_unit(0.25f));
    options->loss = ffn_smooth_l1(0.7f);
    options->optimizer = ffn_adagrad(0.03f);
    options->optimizer.learning_rate_decay = 0.01f;
    options->optimizer.weight_decay = 0.01f;
    options->optimizer.initial_accumulator = 0.05f;
    return ffn_dense(model, h, 3, ffn_linear());
}

static ffn_value named(ffn_model *model, ffn_value layer, const char *name)
{
    ffn_set_name(model, layer, name);
    return layer;
}

/* Two inputs, one layer on both and once more behind itself, x + x, a skip, a concat of a value with one made of it. */
static ffn_value graph_amsgrad(ffn_model *model, ffn_fit_options *options)
{
    const ffn_value x1 = ffn_input(model, ffn_shape_1d(5)), x2 = ffn_input(model, ffn_shape_1d(7));
    const ffn_value left = named(model, ffn_dense(model, x1, 8, ffn_mish()), "left");
    const ffn_value right = named(model, ffn_dense(model, x2, 8, ffn_tanh()), "right");
    const ffn_value a = named(model, ffn_dense(model, left, 8, ffn_mish()), "shared");
    const ffn_value b = ffn_share(model, a, right), c = ffn_share(model, a, a);
    const ffn_value both = ffn_concat(model, ffn_add(model, a, b), ffn_add(model, c, c));
    const ffn_value mixed = named(model, ffn_dense(model, both, 8, ffn_swish(1)), "mixed");
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adam(0.01f);
    options->optimizer.beta1 = 0.8f;
    options->optimizer.beta2 = 0.95f;
    options->optimizer.epsilon = 1e-6f;
    options->optimizer.amsgrad = true;
    return named(model, ffn_dense(model, ffn_add(model, mixed, right), 4, ffn_log_softmax()), "out");
}

static ffn_value weighted_classes(ffn_model *model, ffn_fit_options *options)
{
    static const float weights[] = {0.5f, 2, 1, 1.25f};
    ffn_value h = ffn_input(model, ffn_shape_1d(9));
    h = ffn_dense(model, h, 16, ffn_swish(1));
    ffn_set_bias(model, h, false);
    h = ffn_dense(model, h, 12, ffn_swish(1));
    ffn_set_bias(model, h, false);
    options->loss = ffn_cross_entropy();
    options->loss.class_weights = weights;
    options->loss.classes = 4;
    options->loss.label_smoothing = 0.1f;
    options->optimizer = ffn_adam(0.01f);
    options->optimizer.weight_decay = 0.02f;
    options->optimizer.spare_biases = true;
    return ffn_dense(model, h, 4, ffn_linear());
}

static ffn_value penalties_hinge(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(8));
    h = ffn_dense(model, h, 14, ffn_softsign());
    h = ffn_dense(model, h, 10, ffn_hard_swish());
    ffn_set_penalty(model, h, 0.001f, 0.02f);
    options->loss = ffn_hinge();
    options->optimizer = ffn_sgd(0.1f);
    options->l1 = 0.002f;
    options->l2 = 0.003f;
    return ffn_dense(model, h, 2, ffn_linear());
}

static ffn_value partial_batches(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(6));
    h = ffn_dense(model, h, 12, ffn_gelu_tanh());
    h = ffn_dense(model, h, 12, ffn_swish(1.5f));
    options->loss = ffn_kl_divergence();
    options->optimizer = ffn_rmsprop(0.005f);
    options->optimizer.alpha = 0.95f;
    options->optimizer.epsilon = 1e-3f;
    options->clip_value = 0.05f;
    return ffn_dense(model, h, 5, ffn_softmax());
}

static ffn_value batches_of_one(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(5));
    h = ffn_dense(model, h, 10, ffn_mish());
    h = ffn_activate(model, ffn_dense(model, h, 10, ffn_linear()), ffn_hard_sigmoid());
    options->loss = ffn_cross_entropy_soft();
    options->loss.label_smoothing = 0.05f;
    options->optimizer = ffn_momentum(0.05f, 0.8f);
    return ffn_activate(model, ffn_dense(model, h, 4, ffn_linear()), ffn_softmax());
}

static ffn_value clipped_norm(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(8));
    h = ffn_dense(model, h, 16, ffn_tanh());
    options->loss = ffn_mse();
    options->optimizer = ffn_momentum(0.1f, 0.5f);
    options->optimizer.weight_decay = 0.01f;
    options->schedule = ffn_step_decay(15, 0.5f);
    options->clip_norm = 0.8f;
    options->l2 = 0.01f;
    return ffn_dense(model, h, 2, ffn_linear());
}

/* Inputs scaled by given numbers, a layer that is not trained, the rate of one cycle. */
static ffn_value frozen_one_cycle(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(6));
    h = named(model, ffn_standardize(model, h), "scale");
    h = ffn_dense(model, h, 12, ffn_tanh());
    h = ffn_dense(model, h, 12, ffn_elu(1));
    ffn_set_trainable(model, h, false);
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adamw(0.01f, 0.05f);
    options->optimizer.spare_biases = true;
    options->schedule = ffn_one_cycle(0.02f, 50);
    return ffn_dense(model, h, 3, ffn_softmax());
}

/* Samples of shape (4, 5): a dense layer over the last axis, reshaped, flattened. */
static ffn_value sequence(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_2d(4, 5));
    h = ffn_reshape(model, ffn_dense(model, h, 6, ffn_relu()), ffn_shape_2d(3, 8));
    h = ffn_flatten(model, ffn_dense(model, h, 6, ffn_tanh()));
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adagrad(0.05f);
    return ffn_dense(model, h, 3, ffn_softmax());
}

static ffn_value without_bias(ffn_model *model, ffn_value layer)
{
    ffn_set_bias(model, layer, false);
    return layer;
}

/* Batch normalization before sigmoids, with batches of several sizes. */
static ffn_value batch_norm_sigmoid(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(8));
    h = ffn_batch_norm(model, without_bias(model, ffn_dense(model, h, 16, ffn_linear())));
    h = ffn_dense(model, ffn_activate(model, h, ffn_sigmoid()), 12, ffn_linear());
    h = ffn_activate(model, ffn_batch_norm(model, without_bias(model, h)), ffn_sigmoid());
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_momentum(0.1f, 0.5f);
    return ffn_dense(model, h, 4, ffn_softmax());
}

/* Samples (3, 2, 4): a batch norm of three channels, then one of 10 features; no bias before them. */
static ffn_value batch_norm_images(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = without_bias(model, ffn_batch_norm(model, ffn_input(model, ffn_shape_3d(3, 2, 4))));
    h = without_bias(model, ffn_dense(model, ffn_flatten(model, h), 10, ffn_linear()));
    h = ffn_activate(model, ffn_batch_norm(model, h), ffn_relu());
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adam(0.005f);
    return ffn_dense(model, h, 3, ffn_linear());
}

/* Layer normalization of features, with a skip around it. */
static ffn_value layer_norm_adamw(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(9));
    h = ffn_layer_norm(model, ffn_dense(model, h, 16, ffn_gelu()));
    h = ffn_layer_norm(model, ffn_add(model, h, ffn_dense(model, h, 16, ffn_gelu())));
    options->loss = ffn_mse();
    options->optimizer = ffn_adamw(0.002f, 0.05f);
    return ffn_dense(model, h, 2, ffn_linear());
}

/* Layers with a rate, a weight decay and a norm of their own, under a schedule. */
static ffn_value groups_max_norm(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(40)), 16, ffn_tanh());
    ffn_set_rate(model, h, 0.5f);
    h = ffn_dense(model, h, 12, ffn_tanh());
    ffn_set_decay(model, h, 0.05f);
    ffn_set_max_norm(model, h, 1.2f);
    h = ffn_dense(model, h, 2, ffn_linear());
    ffn_set_rate(model, h, 2);
    ffn_set_max_norm(model, h, 7);
    options->loss = ffn_mse();
    options->optimizer = ffn_momentum(0.05f, 0.9f);
    options->optimizer.weight_decay = 0.01f;
    options->optimizer.spare_biases = true;
    options->schedule = ffn_step_decay(15, 0.5f);
    options->max_norm = 1.5f;
    return h;
}

/* Large enough for the products of the BLAS. */
static ffn_value wide(ffn_model *model, ffn_fit_options *options)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(40));
    h = ffn_dense(model, h, 80, ffn_relu());
    h = ffn_dense(model, h, 48, ffn_relu());
    options->loss = ffn_cross_entropy();
    options->optimizer = ffn_adam(0.002f);
    return ffn_dense(model, h, 10, ffn_softmax());
}

static const struct {
    const char *name;
    network *build;
} networks[] = {
    {"relu_adam", relu_adam},
    {"tanh_softmax_momentum", tanh_softmax_momentum},
    {"sigmoid_binary_rmsprop", sigmoid_binary_rmsprop},
    {"gelu_huber_adamw", gelu_huber_adamw},
    {"deep_nesterov", deep_nesterov},
    {"slopes_adagrad", slopes_adagrad},
    {"graph_amsgrad", graph_amsgrad},
    {"weighted_classes", weighted_classes},
    {"penalties_hinge", penalties_hinge},
    {"partial_batches", partial_batches},
    {"batches_of_one", batches_of_one},
    {"clipped_norm", clipped_norm},
    {"frozen_one_cycle", frozen_one_cycle},
    {"sequence", sequence},
    {"batch_norm_sigmoid", batch_norm_sigmoid},
    {"batch_norm_images", batch_norm_images},
    {"layer_norm_adamw", layer_norm_adamw},
    {"groups_max_norm", groups_max_norm},
    {"wide", wide},
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

/* ---- runs ------------------------------------------------------------------------------------------------------ */

/* Relative, of each step's loss and of each tensor's largest element. In the double build the 12 digits of the goldens
 * are the limit. */
static const double tolerance = sizeof(float) == sizeof(double) ? 1e-10 : 2e-5;

static const char final_prefix[] = "final.";

/* The case's entry for a parameter before training, or with the prefix after it; no other key has a dot. */
static bool is_start(const golden_entry *entry)
{
    return strchr(entry->key, '.') && strncmp(entry->key, final_prefix, strlen(final_prefix)) != 0;
}

static size_t parameter(const ffn_model *model, const char *name, const golden_entry *entry)
{
    size_t index = 0;
    ffn_parameter_info info = {0};
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(ffn_model_parameter_info(model, index, &info, NULL), FFN_OK);
    CU_ASSERT_EQUAL_FATAL(info.shape.rank, entry->rank);
    for (size_t d = 0; d < entry->rank; d++) CU_ASSERT_EQUAL_FATAL(info.shape.dim[d], entry->dim[d]);
    return index;
}

/* Gives every parameter of the model its value of the case. */
static void set_parameters(ffn_model *model, const golden_case *golden)
{
    size_t set = 0;
    for (size_t i = 0; i < golden->count; i++) {
        const golden_entry *entry = &golden->entries[i];
        if (!is_start(entry)) continue;
        float *values = golden_floats(entry);
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, parameter(model, entry->key, entry), values, NULL), FFN_OK);
        free(values);
        set++;
    }
    CU_ASSERT_EQUAL(set, ffn_model_parameter_count(model));
}

static double largest(const golden_entry *entry)
{
    double most = 0;
    for (size_t i = 0; i < entry->count; i++) most = fmax(most, fabs(entry->values[i]));
    return most;
}

static void check_parameters(const ffn_model *model, const golden_case *golden)
{
    for (size_t i = 0; i < golden->count; i++) {
        const golden_entry *entry = &golden->entries[i];
        if (strncmp(entry->key, final_prefix, strlen(final_prefix)) != 0) continue;
        float *values = golden_floats(entry);
        memset(values, 0, entry->count * sizeof(float));
        const size_t index = parameter(model, entry->key + strlen(final_prefix), entry);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, index, values, NULL), FFN_OK);
        CU_ASSERT_EQUAL(golden_differences(golden->name, entry, values, 0, tolerance * largest(entry)), 0);
        free(values);
    }
}

static void check_prediction(const ffn_model *model, const golden_case *golden, const float *x)
{
    const golden_entry *want = golden_get(golden, "prediction");
    float *y = golden_floats(want);
    memset(y, 0, want->count * sizeof(float));
    CU_ASSERT_EQUAL(ffn_predict(model, x, want->dim[0], y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(golden_differences(golden->name, want, y, tolerance, tolerance * largest(want)), 0);
    free(y);
}

/* One step on a batch, by one call or by hand; the loss before the update. */
static double step(ffn_trainer *trainer, bool by_hand, ffn_loss loss, const float *x, const float *targets, size_t rows)
{
    double value = (double)NAN;
    ffn_error error = {0};
    if (by_hand) {
        ffn_plan *plan = ffn_trainer_plan(trainer);
        CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x, rows));
        value = ffn_backward(plan, loss, targets);
        CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, &error), FFN_OK);
    } else {
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, rows, &value, &error), FFN_OK);
    }
    if (error.status != FFN_OK) printf("\n    %s\n", error.message);
    return value;
}

static void check_losses(ffn_trainer *trainer, bool by_hand, ffn_loss loss, const golden_case *golden, const float *x,
                         const float *targets)
{
    const golden_entry *want = golden_get(golden, "losses"), *first = golden_get(golden, "first");
    const golden_entry *rows = golden_get(golden, "rows");
    const size_t features = golden_get(golden, "x")->dim[1], columns = golden_get(golden, "targets")->dim[1];
    size_t wrong = 0;
    CU_ASSERT_EQUAL(want->count, 50);
    for (size_t k = 0; k < want->count; k++) {
        const size_t at = (size_t)first->values[k];
        const double found =
            step(trainer, by_hand, loss, x + at * features, targets + at * columns, (size_t)rows->values[k]);
        if (fabs(found - want->values[k]) <= tolerance * want->values[k]) continue;
        if (wrong++ < 3)
            printf("\n    %s, %s, %s: loss of step %zu: found %.9g, golden %.9g\n", golden->name,
                   ffn__isa_name(ffn__isa()), by_hand ? "by hand" : "by step", k, found, want->values[k]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static size_t most_rows(const golden_entry *rows)
{
    double most = 0;
    for (size_t k = 0; k < rows->count; k++) most = fmax(most, rows->values[k]);
    return (size_t)most;
}

static void run(const golden_case *golden, network *build, bool by_hand)
{
    ffn_error error = {0};
    ffn_model *model = ffn_model_create(1, &error);
    ffn_fit_options options = ffn_fit_defaults();
    const ffn_value output = build(model, &options);
    if (ffn_model_build(model, output, &error) != FFN_OK) printf("\n    %s: %s\n", golden->name, error.message);
    CU_ASSERT_EQUAL_FATAL(error.status, FFN_OK);
    set_parameters(model, golden);
    options.batch_size = most_rows(golden_get(golden, "rows"));
    ffn_trainer *trainer = ffn_trainer_create(model, &options, &error);
    if (!trainer) printf("\n    %s: %s\n", golden->name, error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);

    float *x = golden_floats(golden_get(golden, "x")), *targets = golden_floats(golden_get(golden, "targets"));
    check_losses(trainer, by_hand, options.loss, golden, x, targets);
    check_parameters(model, golden);
    check_prediction(model, golden, x);
    free(x);
    free(targets);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void run_all(bool by_hand)
{
    const ffn__isa_id usual = ffn__isa();
    golden_file file = golden_load("training");
    CU_ASSERT_EQUAL(file.count, NETWORKS);
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        for (size_t i = 0; ffn__isa_force((ffn__isa_id)isa) && i < NETWORKS; i++)
            run(golden_find(&file, networks[i].name), networks[i].build, by_hand);
    ffn__isa_force(usual);
    golden_close(&file);
}

static void test_steps(void) { run_all(false); }
static void test_by_hand(void) { run_all(true); }

static const test_case cases[] = {
    {"ffn_trainer_step", test_steps},
    {"forward, backward, apply", test_by_hand},
};

TEST_MAIN("goldens of training runs", cases)
