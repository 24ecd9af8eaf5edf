/* Losses: values against plain double formulas, gradients against their central differences, options, targets and
 * errors, on every instruction set. */
#include "every_isa.h"
#include "loss/loss.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 7, MAX_COLS = 100, MAX_SIZE = MAX_ROWS * MAX_COLS };

static const char *const names[] = {
    "mse",           "mae",  "huber", "smooth_l1", "binary_cross_entropy", "cross_entropy", "cross_entropy_soft",
    "kl_divergence", "hinge"};
enum { KINDS = sizeof names / sizeof *names };

static ffn_loss by_name(const char *name)
{
    ffn_loss loss = {0};
    CU_ASSERT_EQUAL_FATAL(ffn_loss_by_name(name, &loss, NULL), FFN_OK);
    return loss;
}

static bool is(const ffn_loss *loss, const char *name) { return strcmp(loss->ops->name, name) == 0; }

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance * (1 + fabs(b)); }

static double uniform(ffn_random *random, double low, double high)
{
    return low + (high - low) * (double)ffn_random_uniform(random);
}

/* ---- the reference --------------------------------------------------------------------------------------------- */

static double cross_entropy_reference(const ffn_loss *loss, size_t rows, size_t cols, const double *z,
                                      const float *targets)
{
    const double s = (double)loss->label_smoothing;
    const bool soft = is(loss, "cross_entropy_soft");
    double sum = 0, divisor = 0;
    for (size_t r = 0; r < rows; r++) {
        double exponentials = 0;
        for (size_t c = 0; c < cols; c++) exponentials += exp(z[r * cols + c]);
        for (size_t c = 0; c < cols; c++) {
            const double w = loss->class_weights ? (double)loss->class_weights[c] : 1;
            const double t = soft ? (double)targets[r * cols + c] : (size_t)targets[r] == c;
            sum -= w * (t * (1 - s) + s / (double)cols) * log(exp(z[r * cols + c]) / exponentials);
            if (!soft) divisor += w * t;
        }
    }
    return sum / (soft ? (double)rows : divisor);
}

static double element_reference(const ffn_loss *loss, double y, double t)
{
    const double e = fabs(y - t), delta = (double)loss->delta;
    if (is(loss, "mse")) return e * e;
    if (is(loss, "mae")) return e;
    if (is(loss, "huber")) return e < delta ? e * e / 2 : delta * (e - delta / 2);
    if (is(loss, "smooth_l1")) return e < delta ? e * e / (2 * delta) : e - delta / 2;
    if (is(loss, "hinge")) return fmax(0, 1 - t * y);
    if (is(loss, "kl_divergence")) return t > 0 ? t * (log(t) - y) : 0;
    const double s = (double)loss->label_smoothing, smooth = t * (1 - s) + s / 2;
    const double p = loss->positive_weight > 0 ? (double)loss->positive_weight : 1;
    return -(p * smooth * log(1 / (1 + exp(-y))) + (1 - smooth) * log(1 / (1 + exp(y))));
}

/* The loss by the formulas of PyTorch's documentation, for moderate y. */
static double reference(const ffn_loss *loss, size_t rows, size_t cols, const double *y, const float *targets)
{
    if (is(loss, "cross_entropy") || is(loss, "cross_entropy_soft"))
        return cross_entropy_reference(loss, rows, cols, y, targets);
    double sum = 0;
    for (size_t i = 0; i < rows * cols; i++) sum += element_reference(loss, y[i], (double)targets[i]);
    return sum / (double)(is(loss, "kl_divergence") ? rows : rows * cols);
}

/* Its derivative with respect to y[i]. */
static double reference_slope(const ffn_loss *loss, size_t rows, size_t cols, double *y, const float *targets, size_t i)
{
    const double h = 1e-5, middle = y[i];
    y[i] = middle + h;
    const double above = reference(loss, rows, cols, y, targets);
    y[i] = middle - h;
    const double below = reference(loss, rows, cols, y, targets);
    y[i] = middle;
    return (above - below) / (2 * h);
}

/* Targets the loss allows. */
static void draw_targets(const ffn_loss *loss, ffn_random *random, size_t rows, size_t cols, float *targets)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        if (loss->ops->target == FFN_TARGET_CLASS_INDEX) targets[r] = (float)ffn_random_below(random, cols);
        for (size_t c = 0; c < cols && loss->ops->target != FFN_TARGET_CLASS_INDEX; c++) {
            float *t = &targets[r * cols + c];
            switch (loss->ops->target) {
            case FFN_TARGET_DISTRIBUTION: /* a share of them 0 */
                *t = ffn_random_below(random, 4) ? ffn_random_uniform(random) : 0;
                sum += (double)*t;
                break;
            case FFN_TARGET_PROBABILITY: *t = ffn_random_uniform(random); break;
            case FFN_TARGET_SIGN: *t = ffn_random_below(random, 2) ? 1 : -1; break;
            default: *t = (float)uniform(random, -3, 3);
            }
        }
        for (size_t c = 0; sum > 0 && c < cols; c++) targets[r * cols + c] /= (float)sum;
    }
}

/* Values to 1e-6, gradients to 1e-6 of the largest. Elements at a kink, where there is no derivative, are left out. */
static void compare(const ffn_loss *loss, ffn_random *random, size_t rows, size_t cols)
{
    static float y[MAX_SIZE], targets[MAX_SIZE], dy[MAX_SIZE];
    static double exact[MAX_SIZE];
    for (size_t i = 0; i < rows * cols; i++) exact[i] = (double)(y[i] = (float)uniform(random, -4, 4));
    draw_targets(loss, random, rows, cols, targets);
    const double want = reference(loss, rows, cols, exact, targets);
    const double found = ffn_loss_compute(*loss, rows, cols, y, targets, dy);
    if (!near(found, want, 1e-6))
        printf("\n    %s %zux%zu: %.9g, expected %.9g\n", loss->ops->name, rows, cols, found, want);
    CU_ASSERT(near(found, want, 1e-6));

    double largest = 0;
    for (size_t i = 0; i < rows * cols; i++) largest = fmax(largest, fabs((double)dy[i]));
    CU_ASSERT(largest > 0);
    size_t wrong = 0;
    for (size_t i = 0; i < rows * cols; i++) {
        const double t = (double)targets[loss->ops->target == FFN_TARGET_CLASS_INDEX ? 0 : i];
        const bool kink = (is(loss, "mae") && fabs(exact[i] - t) < 1e-4) ||
                          (is(loss, "hinge") && fabs(1 - t * exact[i]) < 1e-4) ||
                          (is(loss, "smooth_l1") && loss->delta == 0 && fabs(exact[i] - t) < 1e-4);
        const double slope = reference_slope(loss, rows, cols, exact, targets, i);
        wrong += !kink && !(fabs((double)dy[i] - slope) <= 1e-6 * largest + 1e-8);
    }
    if (wrong) printf("\n    %s %zux%zu: %zu wrong derivatives\n", loss->ops->name, rows, cols, wrong);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void compare_shapes(const ffn_loss *loss)
{
    static const size_t shapes[][2] = {{1, 2}, {1, 10}, {7, 3}, {3, 15}, {2, 16}, {5, 17}, {2, 33}, {3, 100}};
    ffn_random random = ffn_random_create(5, 1, 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) compare(loss, &random, shapes[i][0], shapes[i][1]);
}

static void reference_body(void)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        const ffn_loss loss = by_name(names[kind]);
        compare_shapes(&loss);
    }
}

static void test_reference(void) { on_every_isa(reference_body); }

static void options_body(void)
{
    float weights[MAX_COLS];
    for (size_t c = 0; c < MAX_COLS; c++) weights[c] = (float)(0.2 + 0.3 * (double)(c % 5));
    static const size_t cols[] = {2, 3, 10, 16, 17, 100};
    ffn_random random = ffn_random_create(6, 1, 0);
    for (size_t i = 0; i < 6; i++)
        for (int smooth = 0; smooth < 2; smooth++)
            for (int weighted = 0; weighted < 2; weighted++)
                for (int soft = 0; soft < 2; soft++) {
                    ffn_loss loss = soft ? ffn_cross_entropy_soft() : ffn_cross_entropy();
                    loss.label_smoothing = smooth ? (float)0.1 : 0;
                    loss.class_weights = weighted ? weights : NULL;
                    loss.classes = weighted ? cols[i] : 0;
                    compare(&loss, &random, 4, cols[i]);
                }
    static const float deltas[] = {(float)0.3, 1, 2, 100};
    for (size_t i = 0; i < 4; i++) {
        const ffn_loss huber = ffn_huber(deltas[i]), smooth_l1 = ffn_smooth_l1(deltas[i]);
        compare_shapes(&huber);
        compare_shapes(&smooth_l1);
    }
    const ffn_loss mae = ffn_smooth_l1(0);
    compare_shapes(&mae);
    ffn_loss binary = ffn_binary_cross_entropy();
    binary.label_smoothing = (float)0.2;
    compare_shapes(&binary);
    binary.positive_weight = 3;
    compare_shapes(&binary);
    binary.label_smoothing = 0;
    compare_shapes(&binary);
}

static void test_options(void) { on_every_isa(options_body); }

/* ---- by hand --------------------------------------------------------------------------------------------------- */

static void test_by_hand(void)
{
    const float y[] = {1, 2, -1, 3}, t[] = {1, 0, 1, 2};
    float d[4];
    CU_ASSERT(near(ffn_loss_compute(ffn_mse(), 2, 2, y, t, d), (0 + 4 + 4 + 1) / 4.0, 1e-15));
    CU_ASSERT(d[0] == 0 && d[1] == 1 && d[2] == -1 && d[3] == (float)0.5);
    CU_ASSERT(near(ffn_loss_compute(ffn_mae(), 2, 2, y, t, d), 5 / 4.0, 1e-15));
    CU_ASSERT(d[0] == 0 && d[1] == (float)0.25 && d[2] == (float)-0.25 && d[3] == (float)0.25);
    CU_ASSERT(near(ffn_loss_compute(ffn_huber(1), 2, 2, y, t, d), (0 + 1.5 + 1.5 + 0.5) / 4, 1e-15));
    CU_ASSERT(d[0] == 0 && d[1] == (float)0.25 && d[2] == (float)-0.25 && d[3] == (float)0.25);
    CU_ASSERT(near(ffn_loss_compute(ffn_huber((float)0.5), 2, 2, y, t, d), (0 + 0.875 + 0.875 + 0.375) / 4, 1e-15));
    CU_ASSERT(d[1] == (float)0.125 && d[2] == (float)-0.125);
    CU_ASSERT(near(ffn_loss_compute(ffn_smooth_l1(4), 2, 2, y, t, d), (0 + 0.5 + 0.5 + 0.125) / 4, 1e-15));
    CU_ASSERT(d[1] == (float)0.125 && d[3] == (float)0.0625);

    const float signs[] = {1, -1, -1, 1};
    CU_ASSERT(near(ffn_loss_compute(ffn_hinge(), 2, 2, y, signs, d), (0 + 3 + 0 + 0) / 4.0, 1e-15));
    CU_ASSERT(d[0] == 0 && d[1] == (float)0.25 && d[2] == 0 && d[3] == 0);

    const float zeros[4] = {0}, half[] = {1, 0, 1, 1}, index[] = {2}, shares[] = {(float)0.25, 0, (float)0.75, 0};
    CU_ASSERT(near(ffn_loss_compute(ffn_binary_cross_entropy(), 1, 4, zeros, half, d), log(2), 1e-7));
    CU_ASSERT(d[0] == (float)-0.125 && d[1] == (float)0.125);
    CU_ASSERT(near(ffn_loss_compute(ffn_cross_entropy(), 1, 4, zeros, index, d), log(4), 1e-7));
    CU_ASSERT(d[0] == (float)0.25 && d[2] == (float)-0.75);
    CU_ASSERT(near(ffn_loss_compute(ffn_cross_entropy_soft(), 1, 4, zeros, shares, d), log(4), 1e-7));
    CU_ASSERT(d[0] == 0 && d[1] == (float)0.25 && d[2] == (float)-0.5);

    const float logs[] = {-1, -2, -3, -4};
    const double divergence = 0.25 * (log(0.25) + 1) + 0.75 * (log(0.75) + 3);
    CU_ASSERT(near(ffn_loss_compute(ffn_kl_divergence(), 1, 4, logs, shares, d), divergence, 1e-7));
    CU_ASSERT(near(ffn_loss_compute(ffn_kl_divergence(), 2, 2, logs, shares, d), divergence / 2, 1e-7));
    CU_ASSERT(d[0] == (float)-0.125 && d[1] == 0 && d[2] == (float)-0.375);
}

/* An empty loss is mse. */
static void test_default(void)
{
    const float y[] = {1, 2, -1}, t[] = {1, 0, 1};
    const ffn_loss empty = {0};
    CU_ASSERT_EQUAL(ffn_loss_compute(empty, 1, 3, y, t, NULL), ffn_loss_compute(ffn_mse(), 1, 3, y, t, NULL));
    CU_ASSERT_EQUAL(ffn__loss_check(&empty, 3, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn__loss_target_columns(&empty, 3), 3);
    CU_ASSERT_EQUAL(ffn__targets_check(&empty, 3, 1, t, 0, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn__loss_scale(&empty, 2, 3, t), 1.0 / 6);
}

/* A row's weight counts: the mean is over class weights, not rows. */
static void test_class_weights(void)
{
    const float weights[] = {1, 3, 0}, z[6] = {0}, t[] = {0, 1}, ignored[] = {2, 2};
    ffn_loss loss = ffn_cross_entropy();
    loss.class_weights = weights;
    loss.classes = 3;
    float d[6];
    CU_ASSERT(near(ffn_loss_compute(loss, 2, 3, z, t, d), log(3), 1e-7));
    CU_ASSERT(near((double)d[0], 1.0 / 4 * (1.0 / 3 - 1), 1e-7));
    CU_ASSERT(near((double)d[4], 3.0 / 4 * (1.0 / 3 - 1), 1e-7));
    CU_ASSERT_EQUAL(ffn_loss_compute(loss, 2, 3, z, ignored, d), 0);
    for (size_t i = 0; i < 6; i++) CU_ASSERT_EQUAL(d[i], 0);
}

/* ---- NaN ------------------------------------------------------------------------------------------------------- */

static void nan_body(void)
{
    ffn_random random = ffn_random_create(8, 1, 0);
    for (size_t kind = 0; kind < KINDS; kind++) {
        const ffn_loss loss = by_name(names[kind]);
        for (size_t cols = 2; cols < 40; cols += 5)
            for (size_t at = 0; at < 2 * cols; at++) {
                float y[80], targets[80], d[80];
                for (size_t i = 0; i < 2 * cols; i++) y[i] = (float)uniform(&random, -1, 1);
                draw_targets(&loss, &random, 2, cols, targets);
                y[at] = NAN;
                CU_ASSERT(isnan(ffn_loss_compute(loss, 2, cols, y, targets, d)));
                CU_ASSERT(isnan(d[at]));
                CU_ASSERT(isnan(loss.ops->value(&loss, 2, cols, y, targets, NULL, 1)));
                CU_ASSERT(isnan(ffn__loss_fused(&loss, 2, cols, y, targets, d, 1)));
                CU_ASSERT(isnan(d[at]));
            }
    }
}

static void test_nan(void) { on_every_isa(nan_body); }

/* ---- bits ------------------------------------------------------------------------------------------------------ */

/* The gradient may go where y is or nowhere; an element's does not depend on the rows beside it or on alignment. */
static void bits_body(void)
{
    ffn_random random = ffn_random_create(9, 1, 0);
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int smooth = 0; smooth < 2; smooth++)
            for (size_t cols = 2; cols < 50; cols += 3) {
                enum { ROWS = 4 };
                ffn_loss loss = by_name(names[kind]);
                if (smooth && loss.ops->smooths) loss.label_smoothing = (float)0.1;
                float y[ROWS * 50 + 1], t[ROWS * 50], all[ROWS * 50], part[ROWS * 50];
                const size_t columns = ffn__loss_target_columns(&loss, cols);
                for (size_t i = 0; i < ROWS * cols; i++) y[i] = (float)uniform(&random, -9, 9);
                draw_targets(&loss, &random, ROWS, cols, t);
                const double value = loss.ops->value(&loss, ROWS, cols, y, t, all, 0.25);
                CU_ASSERT_EQUAL(loss.ops->value(&loss, ROWS, cols, y, t, NULL, 0.25), value);
                double sum = 0;
                for (size_t r = 0; r < ROWS; r++)
                    sum += loss.ops->value(&loss, 1, cols, y + r * cols, t + r * columns, part + r * cols, 0.25);
                CU_ASSERT(near(sum, value, 1e-12));
                CU_ASSERT_EQUAL(memcmp(all, part, ROWS * cols * sizeof *all), 0);
                memmove(y + 1, y, ROWS * cols * sizeof *y);
                CU_ASSERT_EQUAL(loss.ops->value(&loss, ROWS, cols, y + 1, t, y + 1, 0.25), value);
                CU_ASSERT_EQUAL(memcmp(all, y + 1, ROWS * cols * sizeof *all), 0);
            }
}

static void test_bits(void) { on_every_isa(bits_body); }

/* ---- fused ----------------------------------------------------------------------------------------------------- */

/* KL behind a softmax: the logits' gradient is (softmax sum t - t) scale. */
static void fused_kl(ffn_random *random, size_t rows, size_t cols)
{
    static float z[MAX_SIZE], t[MAX_SIZE], d[MAX_SIZE];
    const ffn_loss loss = ffn_kl_divergence();
    for (size_t i = 0; i < rows * cols; i++) z[i] = (float)uniform(random, -5, 5);
    draw_targets(&loss, random, rows, cols, t);
    t[0] += (float)0.5; /* a row's targets need not add up to 1 */
    double want = 0;
    size_t wrong = 0;
    const double found = ffn__loss_fused(&loss, rows, cols, z, t, d, 0.5);
    for (size_t r = 0; r < rows; r++) {
        double exponentials = 0, shares = 0;
        for (size_t c = 0; c < cols; c++) {
            exponentials += exp((double)z[r * cols + c]);
            shares += (double)t[r * cols + c];
        }
        for (size_t c = 0; c < cols; c++) {
            const double p = exp((double)z[r * cols + c]) / exponentials, share = (double)t[r * cols + c];
            want += share > 0 ? share * log(share / p) : 0;
            wrong += !near((double)d[r * cols + c], 0.5 * (p * shares - share), 3e-7);
        }
    }
    CU_ASSERT(near(found, want, 1e-6));
    CU_ASSERT_EQUAL(wrong, 0);
}

static void fused_body(void)
{
    ffn_random random = ffn_random_create(10, 1, 0);
    for (size_t cols = 1; cols <= MAX_COLS; cols += 9) fused_kl(&random, 3, cols);
    for (size_t kind = 0; kind < KINDS; kind++) {
        const ffn_loss loss = by_name(names[kind]);
        float z[30], t[30], fused[30], plain[30];
        if (loss.ops->domain == FFN_LOSS_OF_LOG_PROBABILITIES) continue;
        for (size_t i = 0; i < 30; i++) z[i] = (float)uniform(&random, -5, 5);
        draw_targets(&loss, &random, 3, 10, t);
        CU_ASSERT_EQUAL(ffn__loss_fused(&loss, 3, 10, z, t, fused, 0.1),
                        loss.ops->value(&loss, 3, 10, z, t, plain, 0.1));
        CU_ASSERT_EQUAL(memcmp(fused, plain, sizeof plain), 0);
    }
}

static void test_fused(void) { on_every_isa(fused_body); }

/* ---- errors ---------------------------------------------------------------------------------------------------- */

static void test_names(void)
{
    ffn_error error = {0};
    ffn_loss loss = ffn_hinge();
    const ffn_loss kept = loss;
    for (size_t kind = 0; kind < KINDS; kind++) {
        CU_ASSERT_EQUAL(ffn_loss_by_name(names[kind], &loss, &error), FFN_OK);
        CU_ASSERT_STRING_EQUAL(loss.ops->name, names[kind]);
        CU_ASSERT_EQUAL(loss.delta, 1);
        CU_ASSERT_EQUAL(ffn__loss_check(&loss, 4, &error), FFN_OK);
    }
    CU_ASSERT_EQUAL(error.status, FFN_OK);
    CU_ASSERT_EQUAL(ffn_huber(2).delta, 2);
    CU_ASSERT_EQUAL(ffn_smooth_l1(3).delta, 3);
    CU_ASSERT_EQUAL(ffn_huber(1).ops, by_name("huber").ops);
    loss = kept;
    CU_ASSERT_EQUAL(ffn_loss_by_name("mean", &loss, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_loss_by_name: name is \"mean\"; expected one of mse, "));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "kl_divergence, hinge"));
    CU_ASSERT_EQUAL(loss.ops, kept.ops);
    CU_ASSERT_EQUAL(ffn_loss_by_name(NULL, &loss, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_loss_by_name("mse", NULL, NULL), FFN_INVALID_ARGUMENT);
}

/* `loss` is refused with a sentence that holds `words`, and its value is NaN. */
static void refuse(ffn_loss loss, size_t outputs, const char *words)
{
    const float y[4] = {0}, t[4] = {0};
    ffn_error error = {0};
    const ffn_status status = ffn__loss_check(&loss, outputs, &error);
    if (status == FFN_OK || !strstr(error.message, words))
        printf("\n    \"%s\", expected \"%s\"\n", error.message, words);
    CU_ASSERT_NOT_EQUAL(status, FFN_OK);
    CU_ASSERT_EQUAL(status, error.status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    if (outputs <= 4) CU_ASSERT(isnan(ffn_loss_compute(loss, 1, outputs, y, t, NULL)));
}

static void test_refused_options(void)
{
    static const float bad[] = {-1, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 4; i++) {
        refuse(ffn_huber(bad[i]), 2, "huber: delta is");
        refuse(ffn_smooth_l1(bad[i]), 2, "smooth_l1: delta is");
        ffn_loss loss = ffn_cross_entropy();
        loss.label_smoothing = bad[i];
        refuse(loss, 2, "label_smoothing is");
        loss = ffn_binary_cross_entropy();
        loss.positive_weight = bad[i];
        refuse(loss, 2, "positive_weight is");
        const float weights[] = {1, bad[i]};
        loss = ffn_cross_entropy_soft();
        loss.class_weights = weights;
        loss.classes = 2;
        refuse(loss, 2, "the weight of class 1 is");
    }
    refuse(ffn_huber(0), 2, "huber: delta is 0");
    ffn_loss loss = ffn_cross_entropy();
    loss.label_smoothing = 1;
    refuse(loss, 2, "label_smoothing is 1, expected a number in [0, 1)");
    loss = ffn_mse();
    loss.label_smoothing = (float)0.5;
    refuse(loss, 2, "mse: label_smoothing is 0.5, but");

    const float weights[] = {1, 1, 1}, zeros[3] = {0};
    loss = ffn_cross_entropy();
    loss.class_weights = weights;
    loss.classes = 3;
    CU_ASSERT_EQUAL(ffn__loss_check(&loss, 3, NULL), FFN_OK);
    refuse(loss, 2, "3 class weights, expected 2");
    refuse(loss, 4, "3 class weights, expected 4");
    loss.class_weights = zeros;
    refuse(loss, 3, "all class weights are 0");
    loss = ffn_binary_cross_entropy();
    loss.class_weights = weights;
    loss.classes = 3;
    refuse(loss, 3, "class_weights are set");

    refuse(ffn_cross_entropy(), 1, "1 output, expected one for each of at least 2 classes");
    refuse(ffn_cross_entropy_soft(), 1, "1 output");
    refuse(ffn_mse(), 0, "0 outputs");
    const ffn_loss_ops hollow = {.name = "hollow"};
    refuse((ffn_loss){.ops = &hollow}, 2, "hollow: its table lacks value or weight");
    CU_ASSERT_EQUAL(ffn__loss_check(NULL, 2, NULL), FFN_INVALID_ARGUMENT);
}

static void test_refused_arguments(void)
{
    const float y[4] = {0}, t[4] = {0};
    CU_ASSERT(isnan(ffn_loss_compute(ffn_mse(), 0, 4, y, t, NULL)));
    CU_ASSERT(isnan(ffn_loss_compute(ffn_mse(), 1, 0, y, t, NULL)));
    CU_ASSERT(isnan(ffn_loss_compute(ffn_mse(), 1, 4, NULL, t, NULL)));
    CU_ASSERT(isnan(ffn_loss_compute(ffn_mse(), 1, 4, y, NULL, NULL)));
    CU_ASSERT(isnan(ffn_loss_compute(ffn_mse(), SIZE_MAX, 4, y, t, NULL)));
    CU_ASSERT_EQUAL(ffn__targets_check(NULL, 2, 1, t, 0, NULL), FFN_INVALID_ARGUMENT);
}

/* Target `bad` in row 1, column `column` of 2 is refused by the check and gives NaN or no meaning, without a crash. */
static void refuse_target(ffn_loss loss, size_t column, float bad)
{
    const size_t columns = ffn__loss_target_columns(&loss, 2);
    float *t = calloc(2 * columns, sizeof *t), y[4] = {0}, d[4]; /* exact size: a sanitizer sees what is read behind */
    char place[32];
    ffn_error error = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (size_t i = 0; i < 2 * columns; i++) t[i] = 1;
    CU_ASSERT_EQUAL(ffn__targets_check(&loss, 2, 2, t, 10, &error), FFN_OK);
    t[columns + column] = bad;
    CU_ASSERT_EQUAL(ffn__targets_check(&loss, 2, 2, t, 10, &error), FFN_INVALID_ARGUMENT);
    snprintf(place, sizeof place, "row 11, column %zu is", column);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, place));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, loss.ops->name));
    CU_ASSERT(isnan(ffn_loss_compute(loss, 2, 2, y, t, d)));
    const double value = loss.ops->value(&loss, 2, 2, y, t, d, 1);
    if (loss.ops->target == FFN_TARGET_CLASS_INDEX || isnan(bad)) CU_ASSERT(isnan(value));
    free(t);
}

static void test_targets(void)
{
    const float class_weights[] = {1, 2};
    static const float wrong_index[] = {-1, 2, 3, (float)0.5, (float)1e30, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 8; i++) {
        ffn_loss loss = ffn_cross_entropy();
        refuse_target(loss, 0, wrong_index[i]);
        loss.label_smoothing = (float)0.1;
        refuse_target(loss, 0, wrong_index[i]);
        loss.class_weights = class_weights;
        loss.classes = 2;
        refuse_target(loss, 0, wrong_index[i]);
        CU_ASSERT(isnan(loss.ops->weight(&loss, 1, 2, &wrong_index[i])));
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        const ffn_loss loss = by_name(names[kind]);
        if (loss.ops->target == FFN_TARGET_CLASS_INDEX) continue;
        refuse_target(loss, 0, NAN);
        refuse_target(loss, 1, INFINITY);
        refuse_target(loss, 1, -INFINITY);
    }
    refuse_target(ffn_cross_entropy_soft(), 1, (float)-0.1);
    refuse_target(ffn_kl_divergence(), 1, (float)-0.1);
    refuse_target(ffn_binary_cross_entropy(), 0, (float)-0.1);
    refuse_target(ffn_binary_cross_entropy(), 0, (float)1.1);
    refuse_target(ffn_hinge(), 0, 0);
    refuse_target(ffn_hinge(), 1, 2);
    const ffn_loss index = ffn_cross_entropy(), soft = ffn_cross_entropy_soft();
    CU_ASSERT_EQUAL(ffn__loss_target_columns(&index, 7), 1);
    CU_ASSERT_EQUAL(ffn__loss_target_columns(&soft, 7), 7);
    CU_ASSERT_EQUAL(ffn__loss_target_columns(NULL, 7), 7);
}

static const test_case cases[] = {
    {"values and gradients against plain formulas", test_reference},
    {"options against plain formulas", test_options},
    {"by hand", test_by_hand},
    {"an empty loss is mse", test_default},
    {"class weights", test_class_weights},
    {"NaN in, NaN out", test_nan},
    {"same bits in place and in parts", test_bits},
    {"behind a final softmax or sigmoid", test_fused},
    {"names", test_names},
    {"options out of range", test_refused_options},
    {"arguments out of range", test_refused_arguments},
    {"targets out of range", test_targets},
};

TEST_MAIN("loss", cases)
