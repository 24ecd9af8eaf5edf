/* Gradients against central differences, in double, to 1e-8: every activation with every loss behind every layer that
 * takes one, and every form of graph. And the check itself: faults that are seeded must be found. */
#include "backprop/model.h"
#include "networks.h"
#include "test.h"

static const double TOLERANCE = 1e-8;
static const size_t batches[] = {1, 7};
enum { MOST_ROWS = 7 * 6, COLS = 4 };

static float x_data[MOST_ROWS * INPUTS], target_data[MOST_ROWS * INPUTS];

/* Checks the model's gradients; a sentence on the screen says which are wrong. */
static void expect_exact(const char *name, const char *with, ffn_model *model, ffn_loss loss, size_t rows)
{
    ffn_gradient_check_result r;
    ffn_error error = {FFN_OK, ""};
    if (loss.ops) fill_targets(target_data, rows * output_rows(model), output_cols(model), loss.ops->target, 5 + rows);
    const ffn_status status = ffn_gradient_check(model, loss, x_data, target_data, rows, 0, TOLERANCE, &r, &error);
    CU_ASSERT_EQUAL(status, FFN_OK);
    if (status != FFN_OK) {
        printf("\n    %s, %s, %zu rows: %s\n", name, with, rows, error.message);
        return;
    }
    CU_ASSERT(r.checked >= rows * INPUTS);
    CU_ASSERT_EQUAL(r.failed, 0);
    CU_ASSERT(r.worst <= TOLERANCE);
    if (r.failed > 0)
        printf("\n    %s, %s, %zu rows: %zu of %zu wrong; %s[%zu] is %.12g, expected %.12g\n", name, with, rows,
               r.failed, r.checked, r.name, r.element, r.backward, r.difference);
}

/* ---- losses ---------------------------------------------------------------------------------------------------- */

static const float class_weights[COLS] = {(float)0.5, 2, 0, (float)1.25};

static ffn_loss huber(void) { return ffn_huber((float)0.7); }
static ffn_loss smooth_l1(void) { return ffn_smooth_l1((float)0.4); }
static ffn_loss blurred(ffn_loss loss) { return loss.label_smoothing = (float)0.15, loss; }
static ffn_loss weighted(ffn_loss loss) { return loss.class_weights = class_weights, loss.classes = COLS, loss; }
static ffn_loss positive(ffn_loss loss) { return loss.positive_weight = 3, loss; }
static ffn_loss bce_positive(void) { return positive(ffn_binary_cross_entropy()); }
static ffn_loss bce_all(void) { return positive(blurred(ffn_binary_cross_entropy())); }
static ffn_loss ce_blurred(void) { return blurred(ffn_cross_entropy()); }
static ffn_loss ce_weighted(void) { return weighted(ffn_cross_entropy()); }
static ffn_loss ce_all(void) { return weighted(blurred(ffn_cross_entropy())); }
static ffn_loss soft_all(void) { return weighted(blurred(ffn_cross_entropy_soft())); }

static const struct {
    const char *name;
    ffn_loss (*make)(void);
} losses[] = {
    {"mse", ffn_mse},
    {"mae", ffn_mae},
    {"huber", huber},
    {"smooth_l1", smooth_l1},
    {"hinge", ffn_hinge},
    {"kl_divergence", ffn_kl_divergence},
    {"binary_cross_entropy", ffn_binary_cross_entropy},
    {"binary_cross_entropy with positive weight", bce_positive},
    {"binary_cross_entropy with positive weight and smoothing", bce_all},
    {"cross_entropy", ffn_cross_entropy},
    {"cross_entropy with smoothing", ce_blurred},
    {"cross_entropy with class weights", ce_weighted},
    {"cross_entropy with class weights and smoothing", ce_all},
    {"cross_entropy_soft", ffn_cross_entropy_soft},
    {"cross_entropy_soft with class weights and smoothing", soft_all},
};

/* ---- every layer, activation and loss -------------------------------------------------------------------------- */

/* Networks that take an activation: as the last layer's, as a layer of its own, and in the middle. */
static ffn_value dense_last(ffn_model *m, ffn_activation a) { return ffn_dense(m, row_input(m), COLS, a); }
static ffn_value activate_last(ffn_model *m, ffn_activation a)
{
    return ffn_activate(m, ffn_dense(m, row_input(m), COLS, ffn_linear()), a);
}
static ffn_value activate_x(ffn_model *m, ffn_activation a) { return ffn_activate(m, row_input(m), a); }
static ffn_value dense_within(ffn_model *m, ffn_activation a)
{
    return ffn_dense(m, ffn_dense(m, row_input(m), 5, a), COLS, ffn_linear());
}
static ffn_value activate_within(ffn_model *m, ffn_activation a)
{
    return ffn_dense(m, ffn_activate(m, row_input(m), a), COLS, ffn_linear());
}
static ffn_value sequence(ffn_model *m, ffn_activation a)
{
    return ffn_dense(m, ffn_input(m, ffn_shape_2d(2, 3)), COLS, a);
}

static const struct {
    const char *name;
    ffn_value (*describe)(ffn_model *model, ffn_activation activation);
    bool last;
} layers[] = {
    {"dense, last", dense_last, true},      {"activation, last", activate_last, true},
    {"activation of x", activate_x, true},  {"dense", dense_within, false},
    {"activation", activate_within, false}, {"dense on sequences", sequence, true},
};

/* What may not stand behind a last activation: the loss wants other logits. */
static bool refused(const ffn_activation *a, const ffn_loss *loss)
{
    const ffn_loss_domain fuses = a->ops->fuses, domain = loss->ops->domain;
    return (fuses == FFN_LOSS_OF_SOFTMAX_LOGITS && domain == FFN_LOSS_OF_SIGMOID_LOGITS) ||
           (fuses == FFN_LOSS_OF_SIGMOID_LOGITS &&
            (domain == FFN_LOSS_OF_SOFTMAX_LOGITS || domain == FFN_LOSS_OF_LOG_PROBABILITIES));
}

/* Moves weights away from 0: behind small ones gradients drown in the rounding of the differences. */
static void enlarge_weights(ffn_model *model, float by)
{
    for (size_t i = 0; i < model->value_count; i++)
        if (model->values[i] != 0) model->values[i] += model->values[i] > 0 ? by : -by;
}

static void check_pair(size_t layer, ffn_activation activation, size_t loss_index)
{
    char with[160];
    const ffn_loss loss = losses[loss_index].make();
    ffn_model *model = ffn_model_create(121 + loss_index, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, layers[layer].describe(model, activation), NULL), FFN_OK);
    enlarge_weights(model, layers[layer].describe == sequence ? 1 : (float)0.2);
    (void)snprintf(with, sizeof(with), "%s, %s", activation.ops->name, losses[loss_index].name);
    if (loss.classes && loss.classes != output_cols(model)) {
        ffn_model_destroy(model);
        return;
    }
    if (layers[layer].last && refused(&activation, &loss)) {
        ffn_gradient_check_result r;
        CU_ASSERT_EQUAL(ffn_gradient_check(model, loss, x_data, target_data, 1, 0, 0, &r, NULL), FFN_INVALID_ARGUMENT);
    } else {
        for (size_t b = 0; b < COUNT(batches); b++) expect_exact(layers[layer].name, with, model, loss, batches[b]);
    }
    ffn_model_destroy(model);
}

static void test_pairs(void)
{
    fill_uniform(x_data, COUNT(x_data), 3, -2, 2);
    for (size_t layer = 0; layer < COUNT(layers); layer++)
        for (size_t a = 0; ffn_activation_name(a); a++)
            for (size_t loss = 0; loss < COUNT(losses); loss++) {
                ffn_activation activation;
                CU_ASSERT_EQUAL_FATAL(ffn_activation_by_name(ffn_activation_name(a), &activation, NULL), FFN_OK);
                check_pair(layer, activation, loss);
            }
}

static ffn_activation swish_half(void) { return ffn_swish((float)0.5); }
static ffn_activation swish_minus(void) { return ffn_swish(-2); }
static ffn_activation elu_third(void) { return ffn_elu((float)0.3); }
static ffn_activation elu_zero(void) { return ffn_elu(0); }
static ffn_activation leaky_large(void) { return ffn_leaky_relu((float)1.5); }
static ffn_activation prelu_minus(void) { return ffn_prelu(-1); }

static void test_numbers_of_activations(void)
{
    ffn_activation (*const kinds[])(void) = {swish_half, swish_minus, elu_third, elu_zero, leaky_large, prelu_minus};
    fill_uniform(x_data, COUNT(x_data), 4, -2, 2);
    for (size_t a = 0; a < COUNT(kinds); a++)
        for (size_t layer = 0; layer < COUNT(layers); layer++) check_pair(layer, kinds[a](), 0);
}

/* ---- every form ------------------------------------------------------------------------------------------------ */

static void test_forms(void)
{
    fill_uniform(x_data, COUNT(x_data), 6, (float)-0.7, (float)0.7);
    for (size_t f = 0; f < FORM_COUNT; f++)
        for (uint64_t seed = 141; seed <= 143; seed++) {
            ffn_model *model = form_build(&forms[f], seed);
            CU_ASSERT_PTR_NOT_NULL_FATAL(model);
            for (size_t b = 0; b < COUNT(batches); b++)
                expect_exact("form", forms[f].name, model, forms[f].loss(), batches[b]);
            ffn_model_destroy(model);
        }
}

/* Normalization: 1 row is none for a batch norm of features. Each with a value used twice, and the second of two. */
static ffn_value norm_of_features(ffn_model *m, ffn_value (*norm)(ffn_model *, ffn_value))
{
    ffn_value h = norm(m, ffn_dense(m, row_input(m), 5, ffn_tanh()));
    return ffn_dense(m, ffn_add(m, h, norm(m, h)), COLS, ffn_linear());
}
static ffn_value norm_of_x(ffn_model *m, ffn_value (*norm)(ffn_model *, ffn_value))
{
    ffn_value x = row_input(m), a = norm(m, x);
    return ffn_dense(m, ffn_add(m, x, ffn_share(m, a, ffn_add(m, x, a))), COLS, ffn_linear());
}
static ffn_value norm_of_sequence(ffn_model *m, ffn_value (*norm)(ffn_model *, ffn_value))
{
    ffn_value h = norm(m, ffn_dense(m, ffn_input(m, ffn_shape_2d(2, 3)), 4, ffn_tanh()));
    ffn_set_bias(m, h, false);
    return ffn_dense(m, ffn_flatten(m, h), COLS, ffn_tanh());
}
static ffn_value norm_of_image(ffn_model *m, ffn_value (*norm)(ffn_model *, ffn_value))
{
    ffn_value h = ffn_reshape(m, ffn_dense(m, row_input(m), 24, ffn_tanh()), ffn_shape_3d(3, 2, 4));
    return ffn_dense(m, ffn_flatten(m, norm(m, h)), COLS, ffn_linear());
}

/* A batch norm takes the mean away that the bias before it adds: that has a gradient of 0. */
static ffn_value norm_of_bias(ffn_model *m, ffn_value (*norm)(ffn_model *, ffn_value))
{
    return ffn_dense(m, norm(m, ffn_dense(m, row_input(m), 5, ffn_linear())), COLS, ffn_linear());
}

static void test_norms(void)
{
    ffn_value (*const describe[])(ffn_model *, ffn_value(*)(ffn_model *, ffn_value)) = {
        norm_of_features, norm_of_x, norm_of_sequence, norm_of_image, norm_of_bias};
    ffn_value (*const norms[])(ffn_model *, ffn_value) = {ffn_batch_norm, ffn_layer_norm};
    const size_t rows[] = {2, 3, 7};
    fill_uniform(x_data, COUNT(x_data), 16, -1, 1);
    for (size_t d = 0; d < COUNT(describe); d++)
        for (size_t n = 0; n < COUNT(norms); n++)
            for (size_t r = n == 0 && (d < 2 || d == 4) ? 1 : 0; r < COUNT(rows); r++) {
                ffn_model *model = ffn_model_create(171 + d, NULL);
                CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, describe[d](model, norms[n]), NULL), FFN_OK);
                enlarge_weights(model, (float)0.2);
                expect_exact("norm", n == 0 ? "batch" : "layer", model, ffn_mse(), rows[r]);
                ffn_model_destroy(model);
            }
}

/* Losses fused with a final softmax or sigmoid that is behind views. */
static void test_views_of_fused_outputs(void)
{
    const struct {
        ffn_value (*describe)(ffn_model *model);
        ffn_loss_domain domain;
    } cases[] = {{form_view_of_softmax, FFN_LOSS_OF_SOFTMAX_LOGITS},
                 {form_view_of_softmax, FFN_LOSS_OF_LOG_PROBABILITIES},
                 {form_view_of_softmax, FFN_LOSS_OF_VALUES},
                 {form_view_of_sigmoid, FFN_LOSS_OF_SIGMOID_LOGITS},
                 {form_view_of_sigmoid, FFN_LOSS_OF_VALUES}};
    size_t checked = 0;
    for (size_t c = 0; c < COUNT(cases); c++)
        for (size_t l = 0; l < COUNT(losses); l++) {
            const ffn_loss loss = losses[l].make();
            if (loss.ops->domain != cases[c].domain) continue;
            const form f = {"view", cases[c].describe, losses[l].make};
            ffn_model *model = form_build(&f, 9);
            CU_ASSERT_PTR_NOT_NULL_FATAL(model);
            for (size_t b = 0; b < COUNT(batches); b++, checked++)
                expect_exact("view", losses[l].name, model, loss, batches[b]);
            ffn_model_destroy(model);
        }
    CU_ASSERT(checked >= 2 * (6 + 1 + 5 + 3 + 5));
}

static void test_frozen_layers_are_left_out(void)
{
    ffn_model *model = ffn_model_create(3, NULL);
    ffn_value first = ffn_dense(model, row_input(model), 5, ffn_tanh());
    ffn_value second = ffn_dense(model, first, COLS, ffn_linear());
    ffn_set_trainable(model, first, false);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, second, NULL), FFN_OK);
    ffn_gradient_check_result r;
    fill_targets(target_data, 2, COLS, FFN_TARGET_NUMBERS, 1);
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, target_data, 2, 0, TOLERANCE, &r, NULL), FFN_OK);
    CU_ASSERT_EQUAL(r.checked, 5 * COLS + COLS + 2 * INPUTS);
    CU_ASSERT_EQUAL(r.failed, 0);
    ffn_model_destroy(model);
}

/* Where no gradient passes to the inputs there are the parameters to check. */
static void test_inputs_that_no_gradient_reaches(void)
{
    ffn_model *model = ffn_model_create(3, NULL);
    const ffn_value h = ffn_dense(model, ffn_quantile_normal(model, row_input(model), 10), COLS, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
    ffn_gradient_check_result r = {0};
    fill_uniform(x_data, COUNT(x_data), 4, -2, 2);
    fill_targets(target_data, 7, COLS, FFN_TARGET_NUMBERS, 1);
    CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, target_data, 7, 0, TOLERANCE, &r, NULL), FFN_OK);
    CU_ASSERT_EQUAL(r.checked, COLS * INPUTS + COLS);
    CU_ASSERT_EQUAL(r.failed, 0);
    ffn_model_destroy(model);
}

static void test_leaves_the_model_as_it_was(void)
{
    ffn_model *model = form_build(&forms[0], 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    float *before = malloc(model->value_count * sizeof(float));
    memcpy(before, model->values, model->value_count * sizeof(float));
    expect_exact("form", "chain", model, ffn_mse(), 7);
    CU_ASSERT_EQUAL(memcmp(before, model->values, model->value_count * sizeof(float)), 0);
    free(before);
    ffn_model_destroy(model);
}

/* ---- seeded faults: in a layer --------------------------------------------------------------------------------- */

static const ffn_layer_ops *original; /* of the layer that is tampered with */
static void (*tamper_before)(ffn_step *step), (*tamper_after)(const ffn_step *step);

static void faulty_backward(const ffn_step *step)
{
    ffn_step changed = *step;
    if (tamper_before) tamper_before(&changed);
    original->backward(&changed);
    if (original->backward_parameters) original->backward_parameters(&changed);
    if (tamper_after) tamper_after(step);
}

static void scale_weight(const ffn_step *s) { s->parameter_gradients[0][2] *= (float)1.01; }
static void negate_weight(const ffn_step *s) { s->parameter_gradients[0][0] = -s->parameter_gradients[0][0]; }
static void break_weight(const ffn_step *s) { s->parameter_gradients[0][1] = NAN; }
static void no_bias(const ffn_step *s) { memset(s->parameter_gradients[1], 0, 3 * sizeof(float)); }
static void scale_slope(const ffn_step *s) { s->parameter_gradients[2][0] *= (float)1.01; }
static void scale_input(const ffn_step *s) { s->input_gradients[0][0] *= (float)1.01; }
static void negate_input(const ffn_step *s) { s->input_gradients[0][0] = -s->input_gradients[0][0]; }
static void break_input(const ffn_step *s) { s->input_gradients[0][0] = NAN; }
static void infinite_input(const ffn_step *s) { s->input_gradients[0][1] = INFINITY; }
static void forget_second(ffn_step *s) { s->input_gradients[1] = NULL; }
static void overwrite_input(ffn_step *s) { s->input_betas[0] = 0; }
static void overwrite_weight(ffn_step *s) { s->parameter_betas[0] = 0; }
static void no_activation(ffn_step *s) { s->fused_loss = true; }
static void unit_factor(ffn_step *s)
{
    static const float ones[INPUTS] = {1, 1, 1, 1, 1, 1};
    s->parameters[1] = ones;
}
static void other_mask(ffn_step *s)
{
    unsigned char *mask = (unsigned char *)s->saved;
    mask[0] = !mask[0];
}

static const struct {
    const char *name;
    ffn_value (*describe)(ffn_model *model);
    const char *layer;
    void (*before)(ffn_step *step);
    void (*after)(const ffn_step *step);
} layer_faults[] = {
    {"1 % in one weight", form_chain, "dense2", NULL, scale_weight},
    {"sign of one weight", form_chain, "dense2", NULL, negate_weight},
    {"NaN in one weight", form_chain, "dense1", NULL, break_weight},
    {"dropped bias", form_chain, "dense4", NULL, no_bias},
    {"1 % in one slope", form_prelu_per_unit, "dense1", NULL, scale_slope},
    {"1 % in one input", form_chain, "dense3", NULL, scale_input},
    {"1 % in one input of an activation", form_chain, "activation1", NULL, scale_input},
    {"sign of one input", form_chain, "dense1", NULL, negate_input},
    {"NaN in one input", form_chain, "dense1", NULL, break_input},
    {"infinite input", form_chain, "dense1", NULL, infinite_input},
    {"dropped derivative of an activation", form_chain, "dense1", no_activation, NULL},
    {"dropped second term of a sum", form_skip, "add2", forget_second, NULL},
    {"dropped first use of a value", form_skip, "dense1", overwrite_input, NULL},
    {"dropped first use of a weight", form_shared, "dense1", overwrite_weight, NULL},
    {"dropped factor of a scaler", form_scaled, "standardize1", unit_factor, NULL},
    {"one wrong element of a mask", form_dropout, "dropout2", other_mask, NULL},
};

/* Far above the errors of differences, far below those of the faults. */
static const double FAULT = 1e-6;

static void test_faults_in_layers_are_found(void)
{
    fill_uniform(x_data, COUNT(x_data), 6, (float)-0.7, (float)0.7);
    fill_targets(target_data, 7, COLS, FFN_TARGET_NUMBERS, 2);
    for (size_t i = 0; i < COUNT(layer_faults); i++) {
        const form f = {layer_faults[i].name, layer_faults[i].describe, ffn_mse};
        ffn_model *model = form_build(&f, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        ffn_gradient_check_result r;
        CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, target_data, 7, 0, FAULT, &r, NULL), FFN_OK);
        CU_ASSERT_EQUAL(r.failed, 0);
        ffn_layer_ops faulty;
        original = NULL;
        for (size_t k = 0; k < model->layer_count; k++)
            if (strcmp(model->layers[k].name, layer_faults[i].layer) == 0) {
                original = model->layers[k].ops;
                faulty = *original;
                faulty.backward = faulty_backward;
                faulty.backward_parameters = NULL;
                model->layers[k].ops = &faulty;
            }
        CU_ASSERT_PTR_NOT_NULL_FATAL(original);
        tamper_before = layer_faults[i].before;
        tamper_after = layer_faults[i].after;
        CU_ASSERT_EQUAL(ffn_gradient_check(model, ffn_mse(), x_data, target_data, 7, 0, FAULT, &r, NULL), FFN_OK);
        CU_ASSERT(r.failed >= 1);
        CU_ASSERT(r.worst > FAULT);
        if (r.failed == 0) printf("\n    not found: %s\n", layer_faults[i].name);
        ffn_model_destroy(model);
    }
}

/* ---- seeded faults: in an activation and in a loss ------------------------------------------------------------- */

static float fault_factor, fault_addend;

static void faulty_tanh(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y,
                        const float *dy, float *dx)
{
    ffn_tanh().ops->backward(a, rows, cols, x, y, dy, dx);
    for (size_t i = 0; i < rows * cols; i++) dx[i] = dx[i] * fault_factor + fault_addend;
}

static double faulty_mse(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *t, float *dy,
                         double scale)
{
    const double value = ffn_mse().ops->value(loss, rows, cols, y, t, dy, scale);
    for (size_t i = 0; dy && i < rows * cols; i++) dy[i] = dy[i] * fault_factor + fault_addend;
    return value;
}

static size_t count_failures(ffn_activation activation, ffn_loss loss)
{
    ffn_gradient_check_result r = {0};
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value h = ffn_activate(model, ffn_dense(model, row_input(model), 5, ffn_linear()), activation);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, COLS, ffn_linear()), NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_gradient_check(model, loss, x_data, target_data, SIZE_MAX, 0, FAULT, &r, NULL),
                    FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_gradient_check(model, loss, x_data, target_data, 7, 0, FAULT, &r, NULL), FFN_OK);
    CU_ASSERT_EQUAL(r.failed > 0, r.worst > FAULT);
    ffn_model_destroy(model);
    return r.failed;
}

static void test_faults_in_kinds_are_found(void)
{
    const struct {
        float factor, addend;
        bool fault;
    } faults[] = {{1, 0, false},          {(float)1.01, 0, true}, {-1, 0, true},
                  {1, (float)0.01, true}, {1, NAN, true},         {0, 0, true}};
    ffn_activation_ops tanh_ops = *ffn_tanh().ops;
    ffn_loss_ops mse_ops = *ffn_mse().ops;
    tanh_ops.backward = faulty_tanh;
    mse_ops.value = faulty_mse;
    for (size_t i = 0; i < COUNT(faults); i++) {
        fault_factor = faults[i].factor;
        fault_addend = faults[i].addend;
        CU_ASSERT_EQUAL(count_failures((ffn_activation){.ops = &tanh_ops}, ffn_mse()) > 0, faults[i].fault);
        CU_ASSERT_EQUAL(count_failures(ffn_tanh(), (ffn_loss){.ops = &mse_ops}) > 0, faults[i].fault);
    }
}

static void test_bad_arguments(void)
{
    ffn_model *model = form_build(&forms[0], 1), *unbuilt = ffn_model_create(1, NULL);
    ffn_gradient_check_result r;
    ffn_error error = {FFN_OK, ""};
    float bad[COLS] = {0, NAN, 0, 0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    const struct {
        ffn_model *model;
        ffn_loss loss;
        const float *x, *targets;
        size_t rows;
        double step, tolerance;
        ffn_gradient_check_result *result;
    } calls[] = {
        {NULL, ffn_mse(), x_data, target_data, 1, 0, 0, &r},
        {unbuilt, ffn_mse(), x_data, target_data, 1, 0, 0, &r},
        {model, ffn_mse(), NULL, target_data, 1, 0, 0, &r},
        {model, ffn_mse(), x_data, NULL, 1, 0, 0, &r},
        {model, ffn_mse(), x_data, target_data, 0, 0, 0, &r},
        {model, ffn_mse(), x_data, target_data, 1, -1, 0, &r},
        {model, ffn_mse(), x_data, target_data, 1, (double)NAN, 0, &r},
        {model, ffn_mse(), x_data, target_data, 1, 0, -1, &r},
        {model, ffn_mse(), x_data, target_data, 1, 0, (double)NAN, &r},
        {model, ffn_mse(), x_data, target_data, 1, 0, 0, NULL},
        {model, ffn_huber(-1), x_data, target_data, 1, 0, 0, &r},
        {model, ffn_mse(), x_data, bad, 1, 0, 0, &r},
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        error.message[0] = '\0';
        CU_ASSERT_EQUAL(ffn_gradient_check(calls[i].model, calls[i].loss, calls[i].x, calls[i].targets, calls[i].rows,
                                           calls[i].step, calls[i].tolerance, calls[i].result, &error),
                        FFN_INVALID_ARGUMENT);
        CU_ASSERT(strlen(error.message) > 10);
        CU_ASSERT_EQUAL(ffn_gradient_check(calls[i].model, calls[i].loss, calls[i].x, calls[i].targets, calls[i].rows,
                                           calls[i].step, calls[i].tolerance, calls[i].result, NULL),
                        FFN_INVALID_ARGUMENT);
    }
    ffn_model_destroy(model);
    ffn_model_destroy(unbuilt);
}

static const test_case cases[] = {
    {"every layer, activation and loss", test_pairs},
    {"numbers of activations", test_numbers_of_activations},
    {"every form of graph", test_forms},
    {"normalization", test_norms},
    {"views of fused outputs", test_views_of_fused_outputs},
    {"frozen layers are left out", test_frozen_layers_are_left_out},
    {"inputs that no gradient reaches", test_inputs_that_no_gradient_reaches},
    {"leaves the model as it was", test_leaves_the_model_as_it_was},
    {"faults in layers are found", test_faults_in_layers_are_found},
    {"faults in kinds are found", test_faults_in_kinds_are_found},
    {"bad arguments", test_bad_arguments},
};
TEST_MAIN("gradients", cases)
