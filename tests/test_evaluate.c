/* Figures of an evaluation against values computed by hand. The networks have no parameters: what goes in, or a
 * function of it, comes out. And predictions of few rows, by networks of every form. */
#include "failing.h"
#include "networks.h"
#include "test.h"

static ffn_model *make_model(ffn_shape sample, ffn_activation last)
{
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_value x = ffn_input(model, sample);
    if (last.ops) x = ffn_activate(model, x, last);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, x, NULL), FFN_OK);
    return model;
}

static const ffn_activation as_it_is = {0};

static ffn_dataset *make_data(const float *x, size_t features, const float *targets, size_t columns, size_t rows)
{
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(features), targets, ffn_shape_1d(columns), rows, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

/* Evaluates; metrics is then to be destroyed. */
static ffn_metrics evaluate(const ffn_model *model, const ffn_dataset *data, ffn_loss loss)
{
    ffn_metrics metrics = {0};
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_evaluate(model, data, loss, &metrics, &error), FFN_OK);
    if (error.status != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL(metrics.rows, ffn_dataset_rows(data));
    return metrics;
}

/* ---- classes --------------------------------------------------------------------------------------------------- */

/* actual, predicted; class 3 never predicted, class 4 never there */
static const size_t actual[] = {0, 0, 0, 1, 1, 2, 2, 3}, predicted[] = {0, 0, 1, 1, 2, 0, 2, 4};
enum { SEEN = COUNT(actual), CLASSES = 5 };

static void expect_classes(const ffn_metrics *m)
{
    const size_t confusion[CLASSES * CLASSES] = {2, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1,
                                                 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    const double precision[] = {2 / 3.0, 0.5, 0.5, 0, 0}, recall[] = {2 / 3.0, 0.5, 0.5, 0, 0};
    CU_ASSERT_EQUAL_FATAL(m->classes, CLASSES);
    CU_ASSERT_DOUBLE_EQUAL(m->accuracy, 4 / 8.0, 1e-12);
    for (size_t i = 0; i < CLASSES * CLASSES; i++) CU_ASSERT_EQUAL(m->confusion[i], confusion[i]);
    for (size_t c = 0; c < CLASSES; c++) {
        CU_ASSERT_DOUBLE_EQUAL(m->precision[c], precision[c], 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m->recall[c], recall[c], 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m->f1[c], precision[c], 1e-12);
    }
    CU_ASSERT_DOUBLE_EQUAL(m->macro_f1, (2 / 3.0 + 0.5 + 0.5) / 5, 1e-12);
    CU_ASSERT(isnan(m->r2) && isnan(m->mae) && isnan(m->rmse));
}

static void test_classes(void)
{
    float x[SEEN][CLASSES] = {{0}}, hot[SEEN][CLASSES] = {{0}}, indices[SEEN];
    uint32_t labels[SEEN];
    double loss = 0;
    for (size_t r = 0; r < SEEN; r++) {
        x[r][predicted[r]] = 2;
        hot[r][actual[r]] = 1;
        indices[r] = (float)(labels[r] = (uint32_t)actual[r]);
        loss += (log(4 + exp(2)) - (actual[r] == predicted[r] ? 2 : 0)) / SEEN;
    }
    ffn_dataset *sets[] = {make_data(&x[0][0], CLASSES, indices, 1, SEEN),
                           make_data(&x[0][0], CLASSES, &hot[0][0], CLASSES, SEEN),
                           ffn_dataset_from_labels(&x[0][0], ffn_shape_1d(CLASSES), labels, CLASSES, SEEN, NULL)};
    const ffn_activation ends[] = {ffn_softmax(), ffn_log_softmax(), as_it_is};
    for (size_t e = 0; e < COUNT(ends); e++)
        for (size_t s = 0; s < COUNT(sets); s++) {
            ffn_model *model = make_model(ffn_shape_1d(CLASSES), ends[e]);
            ffn_metrics m = evaluate(model, sets[s], s == 1 ? ffn_cross_entropy_soft() : ffn_cross_entropy());
            expect_classes(&m);
            CU_ASSERT_DOUBLE_EQUAL(m.loss, loss, 1e-6);
            ffn_metrics_destroy(&m);
            CU_ASSERT(m.confusion == NULL && m.rows == 0);
            if (e < 2) { /* the loss by the output and the targets */
                m = evaluate(model, sets[s], (ffn_loss){0});
                expect_classes(&m);
                CU_ASSERT_DOUBLE_EQUAL(m.loss, loss, 1e-6);
                ffn_metrics_destroy(&m);
            }
            ffn_model_destroy(model);
        }
    for (size_t s = 0; s < COUNT(sets); s++) ffn_dataset_destroy(sets[s]);
}

/* Samples of two rows with a class each. */
static void test_sequences_of_classes(void)
{
    const float x[2][2][3] = {{{5, 0, 0}, {0, 5, 0}}, {{0, 0, 5}, {5, 0, 0}}}, targets[4] = {0, 1, 1, 0};
    ffn_model *model = make_model(ffn_shape_2d(2, 3), ffn_softmax());
    ffn_dataset *data = ffn_dataset_from_arrays(&x[0][0][0], ffn_shape_2d(2, 3), targets, ffn_shape_1d(2), 2, NULL);
    ffn_metrics m = evaluate(model, data, ffn_cross_entropy());
    CU_ASSERT_DOUBLE_EQUAL(m.accuracy, 0.75, 1e-12);
    CU_ASSERT_EQUAL(m.confusion[0], 2);
    CU_ASSERT_EQUAL(m.confusion[4], 1);
    CU_ASSERT_EQUAL(m.confusion[5], 1);
    CU_ASSERT_DOUBLE_EQUAL(m.loss, log(exp(5) + 2) - 0.75 * 5, 1e-6);
    ffn_metrics_destroy(&m);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* ---- several batches ------------------------------------------------------------------------------------------- */

enum { MANY = 600 };

/* Means over batches of 256 would be wrong: the batches differ in size and in the weight of their classes. */
static void test_many_rows(void)
{
    static float x[MANY * CLASSES], targets[MANY];
    const float weights[CLASSES] = {1, 0.5f, 4, 0, 2};
    size_t confusion[CLASSES * CLASSES] = {0};
    double sum[2] = {0}, weight[2] = {0}, right = 0;
    fill_uniform(x, COUNT(x), 1, -3, 3);
    fill_targets(targets, MANY, CLASSES, FFN_TARGET_CLASS_INDEX, 2);
    for (size_t r = 0; r < MANY; r++) {
        if (r >= 512) targets[r] = 2;
        const float *z = x + r * CLASSES;
        const size_t t = (size_t)targets[r];
        size_t best = 0;
        double s = 0;
        for (size_t c = 0; c < CLASSES; c++) s += exp((double)z[c]);
        for (size_t c = 1; c < CLASSES; c++) best = z[c] > z[best] ? c : best;
        for (int weighted = 0; weighted < 2; weighted++) {
            sum[weighted] += (weighted ? (double)weights[t] : 1) * (log(s) - (double)z[t]);
            weight[weighted] += weighted ? (double)weights[t] : 1;
        }
        confusion[t * CLASSES + best]++;
        right += best == t;
    }
    ffn_dataset *data = make_data(x, CLASSES, targets, 1, MANY);
    for (int end = 0; end < 2; end++)
        for (int weighted = 0; weighted < 2; weighted++) {
            ffn_model *model = make_model(ffn_shape_1d(CLASSES), end ? as_it_is : ffn_softmax());
            ffn_loss loss = ffn_cross_entropy();
            if (weighted) loss.class_weights = weights, loss.classes = CLASSES;
            ffn_metrics m = evaluate(model, data, loss);
            CU_ASSERT_DOUBLE_EQUAL(m.loss, sum[weighted] / weight[weighted], 1e-6);
            CU_ASSERT_DOUBLE_EQUAL(m.loss, ffn_loss_compute(loss, MANY, CLASSES, x, targets, NULL), 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(m.accuracy, right / MANY, 1e-12);
            CU_ASSERT_EQUAL(memcmp(m.confusion, confusion, sizeof(confusion)), 0);
            ffn_plan *plan = ffn_plan_create(model, (ffn_plan_options){.max_batch = MANY, .training = true}, NULL);
            CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x, MANY));
            CU_ASSERT_DOUBLE_EQUAL(ffn_backward(plan, loss, targets), m.loss, 1e-9); /* as training defines it */
            ffn_plan_destroy(plan);
            ffn_metrics_destroy(&m);
            ffn_model_destroy(model);
        }
    ffn_dataset_destroy(data);
}

/* Losses of every kind: the evaluation's mean over 600 rows is that of one batch. */
static void test_losses_over_batches(void)
{
    static float x[MANY * CLASSES], targets[MANY * CLASSES];
    ffn_loss losses[] = {ffn_mse(),
                         ffn_mae(),
                         ffn_huber(1),
                         ffn_smooth_l1(0.5f),
                         ffn_binary_cross_entropy(),
                         ffn_cross_entropy_soft(),
                         ffn_kl_divergence(),
                         ffn_hinge(),
                         ffn_cross_entropy()};
    losses[4].positive_weight = 3;
    losses[8].label_smoothing = 0.2f;
    fill_uniform(x, COUNT(x), 3, -3, 3);
    ffn_model *model = make_model(ffn_shape_1d(CLASSES), as_it_is);
    for (size_t l = 0; l < COUNT(losses); l++) {
        const ffn_target_kind kind = losses[l].ops->target;
        fill_targets(targets, MANY, CLASSES, kind, 4);
        ffn_dataset *data = make_data(x, CLASSES, targets, kind == FFN_TARGET_CLASS_INDEX ? 1 : CLASSES, MANY);
        ffn_metrics m = evaluate(model, data, losses[l]);
        CU_ASSERT_DOUBLE_EQUAL(m.loss, ffn_loss_compute(losses[l], MANY, CLASSES, x, targets, NULL), 1e-9);
        ffn_metrics_destroy(&m);
        ffn_dataset_destroy(data);
    }
    ffn_model_destroy(model);
}

/* ---- yes or no ------------------------------------------------------------------------------------------------- */

static void test_yes_or_no(void)
{
    const float x[] = {2, -1, 0.5f, -3, 0.1f}, bits[] = {1, 1, 0, 0, 1}, signs[] = {1, 1, -1, -1, 1};
    const struct {
        ffn_activation last;
        ffn_loss loss;
        const float *targets;
    } cases[] = {{ffn_sigmoid(), ffn_binary_cross_entropy(), bits},
                 {ffn_sigmoid(), {0}, bits},
                 {as_it_is, ffn_binary_cross_entropy(), bits},
                 {as_it_is, ffn_hinge(), signs}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        ffn_model *model = make_model(ffn_shape_1d(1), cases[c].last);
        ffn_dataset *data = make_data(x, 1, cases[c].targets, 1, 5);
        ffn_metrics m = evaluate(model, data, cases[c].loss);
        CU_ASSERT_EQUAL_FATAL(m.classes, 2);
        CU_ASSERT_EQUAL(m.confusion[0], 1); /* no, said no */
        CU_ASSERT_EQUAL(m.confusion[1], 1);
        CU_ASSERT_EQUAL(m.confusion[2], 1);
        CU_ASSERT_EQUAL(m.confusion[3], 2);
        CU_ASSERT_DOUBLE_EQUAL(m.accuracy, 0.6, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.precision[1], 2 / 3.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.recall[1], 2 / 3.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.f1[0], 0.5, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.macro_f1, (0.5 + 2 / 3.0) / 2, 1e-12);
        CU_ASSERT(isnan(m.r2));
        const double cross = (log1p(exp(-2)) + log1p(exp(1)) + log1p(exp(0.5)) + log1p(exp(-3)) + log1p(exp(-0.1))) / 5;
        CU_ASSERT_DOUBLE_EQUAL(m.loss, c == 3 ? (0 + 2 + 1.5 + 0 + 0.9) / 5 : cross, 1e-6);
        ffn_metrics_destroy(&m);
        ffn_dataset_destroy(data);
        ffn_model_destroy(model);
    }
}

static void test_several_yes_or_no(void)
{
    const float x[2][3] = {{1, -1, 2}, {-2, -0.5f, 3}}, targets[2][3] = {{1, 0, 0}, {1, 0, 1}};
    ffn_model *model = make_model(ffn_shape_1d(3), ffn_sigmoid());
    ffn_dataset *data = make_data(&x[0][0], 3, &targets[0][0], 3, 2);
    ffn_metrics m = evaluate(model, data, ffn_binary_cross_entropy());
    CU_ASSERT_EQUAL(m.classes, 0);
    CU_ASSERT_PTR_NULL(m.confusion);
    CU_ASSERT_DOUBLE_EQUAL(m.accuracy, 4 / 6.0, 1e-12);
    CU_ASSERT(isnan(m.macro_f1) && isnan(m.r2) && isnan(m.mae) && isnan(m.rmse));
    ffn_metrics_destroy(&m);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static void test_numbers(void)
{
    const float y[4][2] = {{1, 10}, {2, 20}, {3, 30}, {5, 40}};
    const struct {
        float targets[4][2];
        double r2, mae, rmse;
    } cases[] = {
        {{{1, 10}, {2, 20}, {3, 30}, {5, 40}}, 1, 0, 0},
        {{{2, 12}, {2, 20}, {4, 26}, {4, 40}}, (1 - 3 / 4.0 + 1 - 20 / 419.0) / 2, 9 / 8.0, 0}, /* rmse below */
        {{{1, 25}, {2, 25}, {3, 25}, {5, 25}}, 0.5, 40 / 8.0, 0}, /* constant and missed: 0 */
        {{{3, 10}, {3, 20}, {3, 30}, {3, 40}}, 0.5, 5 / 8.0, 0},
    };
    ffn_model *model = make_model(ffn_shape_1d(2), as_it_is);
    for (size_t c = 0; c < COUNT(cases); c++) {
        double squares = 0;
        for (size_t r = 0; r < 4; r++)
            for (size_t k = 0; k < 2; k++) squares += pow((double)(y[r][k] - cases[c].targets[r][k]), 2);
        ffn_dataset *data = make_data(&y[0][0], 2, &cases[c].targets[0][0], 2, 4);
        ffn_metrics m = evaluate(model, data, (ffn_loss){0});
        CU_ASSERT_EQUAL(m.classes, 0);
        CU_ASSERT(isnan(m.accuracy) && isnan(m.macro_f1));
        CU_ASSERT_DOUBLE_EQUAL(m.r2, cases[c].r2, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.mae, cases[c].mae, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.rmse, sqrt(squares / 8), 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(m.loss, squares / 8, 1e-9);
        ffn_metrics_destroy(&m);
        ffn_dataset_destroy(data);
    }
    /* constant and met */
    const float fives[3] = {5, 5, 5};
    ffn_model *one = make_model(ffn_shape_1d(1), as_it_is);
    ffn_dataset *data = make_data(fives, 1, fives, 1, 3);
    ffn_metrics m = evaluate(one, data, ffn_mae());
    CU_ASSERT_EQUAL(m.r2, 1);
    ffn_metrics_destroy(&m);
    ffn_dataset_destroy(data);
    ffn_model_destroy(one);
    ffn_model_destroy(model);
}

/* Far from 0 sums of squares lose all digits; the figures must not. */
static void test_numbers_far_from_zero(void)
{
    static float y[MANY], targets[MANY];
    double mean = 0, spread = 0, squares = 0;
    for (size_t r = 0; r < MANY; r++) {
        targets[r] = 1e6f + (float)(r % 7);
        y[r] = targets[r] + (r % 2 ? 0.5f : -0.5f);
        mean += (double)targets[r] / MANY;
    }
    for (size_t r = 0; r < MANY; r++) {
        spread += pow((double)targets[r] - mean, 2);
        squares += 0.25;
    }
    ffn_model *model = make_model(ffn_shape_1d(1), as_it_is);
    ffn_dataset *data = make_data(y, 1, targets, 1, MANY);
    ffn_metrics m = evaluate(model, data, ffn_mse());
    CU_ASSERT_DOUBLE_EQUAL(m.r2, 1 - squares / spread, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(m.mae, 0.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(m.rmse, 0.5, 1e-9);
    ffn_metrics_destroy(&m);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static void test_refusals(void)
{
    const float x[6] = {1, 2, 3, 4, 5, 6}, indices[2] = {0, 2}, outside[2] = {0, 3}, broken[6] = {1, 2, 3, 4, NAN, 6};
    ffn_model *model = make_model(ffn_shape_1d(3), ffn_softmax()), *unbuilt = ffn_model_create(1, NULL);
    ffn_dataset *good = make_data(x, 3, indices, 1, 2), *wide = make_data(x, 6, indices, 1, 1);
    ffn_dataset *bad = make_data(x, 3, outside, 1, 2), *nan = make_data(broken, 3, indices, 1, 2);
    ffn_dataset *bare = make_data(x, 3, NULL, 1, 2);
    ffn_metrics m = {0}, kept;
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_evaluate(model, good, ffn_cross_entropy(), &m, NULL), FFN_OK);
    kept = m;
    const struct {
        const ffn_model *model;
        const ffn_dataset *data;
        ffn_loss loss;
        ffn_status status;
        const char *sentence;
    } cases[] = {{NULL, good, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "model is NULL"},
                 {unbuilt, good, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "not built"},
                 {model, NULL, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "NULL"},
                 {model, wide, ffn_cross_entropy(), FFN_SHAPE_MISMATCH, "6 features; expected the network's 3"},
                 {model, bad, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "row 1"},
                 {model, nan, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "row 1, column 1"},
                 {model, bare, ffn_cross_entropy(), FFN_INVALID_ARGUMENT, "no targets"},
                 {model, good, ffn_mse(), FFN_SHAPE_MISMATCH, "1 target columns"},
                 {model, good, ffn_binary_cross_entropy(), FFN_INVALID_ARGUMENT, "softmax"},
                 {model, good, ffn_huber(0), FFN_INVALID_ARGUMENT, "delta"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        CU_ASSERT_EQUAL(ffn_evaluate(cases[i].model, cases[i].data, cases[i].loss, &m, &error), cases[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, cases[i].sentence));
        CU_ASSERT_EQUAL(ffn_evaluate(cases[i].model, cases[i].data, cases[i].loss, &m, NULL), cases[i].status);
        CU_ASSERT_EQUAL(memcmp(&m, &kept, sizeof(m)), 0);
    }
    CU_ASSERT_EQUAL(ffn_evaluate(model, good, ffn_cross_entropy(), NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_evaluate(model, good, ffn_cross_entropy(), &m, NULL), FFN_OK); /* replaces the content */
    ffn_metrics_destroy(&m);
    ffn_metrics_destroy(&m);
    ffn_metrics_destroy(NULL);
    ffn_dataset *sets[] = {good, wide, bad, nan, bare};
    for (size_t i = 0; i < COUNT(sets); i++) ffn_dataset_destroy(sets[i]);
    ffn_model_destroy(model);
    ffn_model_destroy(unbuilt);
}

/* ffn_predict's plan for few rows stays with the model: it sees the weights as they are by then. */
static void test_predictions_of_few_rows(void)
{
    enum { ROWS = 9 };
    static float x[ROWS * INPUTS], targets[ROWS * INPUTS], y[ROWS * INPUTS]; /* some give back their inputs */
    fill_uniform(x, COUNT(x), 1, -2, 2);
    failing_start(0);
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        fill_targets(targets, ROWS * output_rows(model), output_cols(model), forms[f].loss().ops->target, 2);
        ffn_fit_options options = ffn_fit_defaults();
        options.loss = forms[f].loss();
        options.batch_size = ROWS;
        ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
        ffn_plan *own = ffn_plan_create(model, (ffn_plan_options){.max_batch = ROWS}, NULL);
        const size_t size = ffn_shape_size(ffn_model_output_shape(model)), before = failing.calls;
        for (size_t rows = 1; rows < ROWS; rows++) {
            CU_ASSERT_EQUAL(ffn_predict(model, x, rows, y, NULL), FFN_OK);
            CU_ASSERT_EQUAL(memcmp(y, ffn_forward(own, x, rows), rows * size * sizeof(float)), 0);
            const size_t made = failing.calls;
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, ROWS, NULL, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_predict(model, x, rows, y, NULL), FFN_OK);
            CU_ASSERT_EQUAL(memcmp(y, ffn_forward(own, x, rows), rows * size * sizeof(float)), 0);
            CU_ASSERT(made > before);
            CU_ASSERT_EQUAL(failing.calls, made);
        }
        ffn_plan_destroy(own);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
    CU_ASSERT_EQUAL(failing_stop(), 0);
}

static const test_case cases[] = {
    {"classes", test_classes},     {"sequences of classes", test_sequences_of_classes},
    {"many rows", test_many_rows}, {"losses over batches", test_losses_over_batches},
    {"yes or no", test_yes_or_no}, {"several yes or no", test_several_yes_or_no},
    {"numbers", test_numbers},     {"numbers far from zero", test_numbers_far_from_zero},
    {"refusals", test_refusals},   {"predictions of few rows", test_predictions_of_few_rows},
};
TEST_MAIN("evaluate", cases)
