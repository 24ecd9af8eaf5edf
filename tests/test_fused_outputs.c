/* Outputs that losses are fused with: their losses, views behind them, and backwards that are not fused. */
#include "layer.h"

/* Finite, and right, at logits of any size; the outputs are probabilities all the same. */
static void test_fused_losses_at_extremes(void)
{
    const float x[3][2] = {{1e4f, -1e4f}, {-3e38f, 3e38f}, {0, 0}};
    for (int sigmoid = 0; sigmoid < 2; sigmoid++)
        for (int separate = 0; separate < 2; separate++) {
            const float targets[2][6] = {{0, 0, 1}, {1, 1, 0, 1, 0.5f, 0.5f}}; /* classes; probabilities */
            const float dx[2][6] = {{0, 0, -1.f / 3, 1.f / 3, 1.f / 6, -1.f / 6}, {0, -1.f / 6, 0, 0, 0, 0}};
            const ffn_activation last = sigmoid ? ffn_sigmoid() : ffn_softmax();
            ffn_model *model = ffn_model_create(1, NULL);
            ffn_value h = ffn_input(model, ffn_shape_1d(2));
            h = separate ? ffn_activate(model, h, last) : ffn_dense(model, h, 2, last);
            build(model, h);
            if (!separate) set(model, "dense1.weight", (float[]){1, 0, 0, 1});
            ffn_plan *plan = make_plan(model, training);
            const float *y = ffn_forward(plan, &x[0][0], 3);
            expect_values(y, sigmoid ? (float[]){1, 0, 0, 1, 0.5f, 0.5f} : (float[]){1, 0, 0, 1, 0.5f, 0.5f}, 6);
            const double loss =
                ffn_backward(plan, sigmoid ? ffn_binary_cross_entropy() : ffn_cross_entropy(), targets[sigmoid]);
            CU_ASSERT(isfinite(loss));
            const double expected = sigmoid ? (1e4 + 2 * log(2)) / 6 : (6e38 + log(2)) / 3;
            CU_ASSERT(fabs(loss - expected) <= 1e-6 * expected);
            if (separate) expect_values(ffn_input_gradient(plan), dx[sigmoid], 6);
            ffn_plan_destroy(plan);
            ffn_model_destroy(model);
        }
}

/* A view that leaves the softmax its rows changes nothing; behind one that does not, the loss and the probabilities
 * would be of different rows: only losses that take the outputs as they are go with it. */
static void test_views_of_a_softmax(void)
{
    const ffn_shape kept = ffn_shape_3d(2, 1, 3), changed[] = {ffn_shape_1d(6), ffn_shape_2d(3, 2), ffn_shape_2d(6, 1)};
    const ffn_loss fused[] = {{0}, ffn_cross_entropy(), ffn_cross_entropy_soft(), ffn_kl_divergence()};
    const float x[] = {1, 2, 3, -1, 0.5f, 2}, classes[] = {2, 0};
    const float numbers[] = {0.25f, 0.5f, 0, 0.125f, 1, 0};
    double expected[2] = {0, 0};
    for (size_t i = 0; i < 2 + COUNT(changed); i++) {
        ffn_model *model = ffn_model_create(1, NULL);
        ffn_value v = ffn_activate(model, ffn_input(model, ffn_shape_2d(2, 3)), ffn_softmax());
        build(model, i == 0 ? v : ffn_reshape(model, v, i == 1 ? kept : changed[i - 2]));
        ffn_plan *plan = make_plan(model, training);
        const float *y = ffn_forward(plan, x, 1);
        const double of_values = ffn_backward(plan, ffn_mse(), numbers);
        const double by_hand = -(log((double)y[2]) + log((double)y[3])) / 2;
        const double of_classes = i < 2 ? ffn_backward(plan, (ffn_loss){0}, classes) : 0;
        if (i == 0) expected[0] = of_values;
        CU_ASSERT_EQUAL(of_values, expected[0]);
        if (i < 2) CU_ASSERT_DOUBLE_EQUAL(of_classes, by_hand, 1e-6);
        for (size_t l = 0; i >= 2 && l < COUNT(fused); l++) {
            ffn_error error = {FFN_OK, ""};
            CU_ASSERT_PTR_NULL(ffn_metric_create_for("accuracy", model, fused[l], &error));
            CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "softmax over rows of 3, and"));
            CU_ASSERT(isnan(ffn_backward(plan, fused[l], numbers)));
            ffn_fit_options options = ffn_fit_defaults();
            options.loss = fused[l];
            CU_ASSERT_PTR_NULL(ffn_trainer_create(model, &options, &error));
        }
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

/* A sigmoid is of each element alone, and no view parts it from its loss. */
static void test_views_of_a_sigmoid(void)
{
    const float x[] = {1, 2, 3, -1, 0.5f, 2}, targets[] = {1, 0, 0.5f, 0, 1, 1};
    double losses[2];
    for (size_t i = 0; i < 2; i++) {
        ffn_model *model = ffn_model_create(1, NULL);
        ffn_value v = ffn_activate(model, ffn_input(model, ffn_shape_2d(2, 3)), ffn_sigmoid());
        build(model, i == 0 ? v : ffn_flatten(model, v));
        ffn_plan *plan = make_plan(model, training);
        (void)ffn_forward(plan, x, 1);
        losses[i] = ffn_backward(plan, (ffn_loss){0}, targets);
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
    CU_ASSERT_EQUAL(losses[0], losses[1]);
}

/* Loss and gradients of a backward from values, or from their gradient, on rows that a step has been made with or that
 * went forward by themselves. */
static double backward_of_values(ffn_trainer *trainer, bool step, size_t rows, bool from, float *gradients)
{
    static float x[9 * INPUTS], classes[9 * INPUTS], numbers[9 * INPUTS];
    ffn_plan *plan = ffn_trainer_plan(trainer);
    fill_uniform(x, COUNT(x), 1, -2, 2);
    fill_uniform(numbers, COUNT(numbers), 2, -1, 1);
    if (step) CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, classes, rows, NULL, NULL), FFN_OK);
    if (!step) CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x, rows));
    double loss = 0;
    if (from)
        ffn_backward_from(plan, numbers);
    else
        loss = ffn_backward(plan, ffn_mse(), numbers);
    for (size_t i = 0; ffn_plan_get_gradient(plan, i, gradients, NULL) == FFN_OK; i++) gradients += 32;
    return loss;
}

/* A step leaves out the activation that its loss is fused with; a backward that is not has the outputs all the same. */
static void test_backward_after_a_step(void)
{
    for (size_t i = 0; i < 4 * FORM_COUNT; i++) {
        const form *f = &forms[i / 4];
        const size_t rows = i % 2 ? 1 : 9;
        ffn_fit_options options = ffn_fit_defaults();
        options.loss = f->loss();
        options.optimizer = ffn_sgd(0); /* leaves the weights as they are */
        options.batch_size = 9;
        if (options.loss.ops->domain == FFN_LOSS_OF_VALUES) continue;
        ffn_model *model = form_build(f, 1);
        ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
        float g[2][8 * 32] = {{0}};
        const double after = backward_of_values(trainer, true, rows, i % 4 < 2, g[0]);
        CU_ASSERT_EQUAL(after, backward_of_values(trainer, false, rows, i % 4 < 2, g[1]));
        CU_ASSERT(same_bits(8 * 32, g[0], g[1]));
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
}

static const test_case cases[] = {
    {"fused losses at extremes", test_fused_losses_at_extremes},
    {"backward after a step", test_backward_after_a_step},
    {"views of a softmax", test_views_of_a_softmax},
    {"views of a sigmoid", test_views_of_a_sigmoid},
};
TEST_MAIN("fused outputs", cases)
