/* Losses where plain formulas overflow or lose their digits, on every instruction set. */
#include "every_isa.h"
#include "loss/loss.h"
#include "test.h"

#include <math.h>

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance * (1 + fabs(b)); }

static void extremes_body(void)
{
    static const float sizes[] = {100, (float)1e4, (float)1e30};
    for (size_t i = 0; i < 3; i++) {
        const float x = sizes[i];
        const double large = (double)x;
        float d[3];

        /* binary: right by far costs nothing, wrong by far costs the logit */
        const float logits[] = {x, -x, x}, labels[] = {1, 0, 0};
        CU_ASSERT(near(ffn_loss_compute(ffn_binary_cross_entropy(), 1, 3, logits, labels, d), large / 3, 1e-12));
        CU_ASSERT(d[2] == (float)(1.0 / 3) && fabs((double)d[0]) < 1e-40 && fabs((double)d[1]) < 1e-40);
        const float other[] = {0, 1, 0};
        CU_ASSERT(near(ffn_loss_compute(ffn_binary_cross_entropy(), 1, 3, logits, other, d), large, 1e-12));
        CU_ASSERT(d[0] == (float)(1.0 / 3) && d[1] == (float)(-1.0 / 3));

        const float z[] = {x, -x, 0}, first[] = {0}, second[] = {1}, both[] = {(float)0.5, (float)0.5, 0};
        const double right = ffn_loss_compute(ffn_cross_entropy(), 1, 3, z, first, d);
        CU_ASSERT(right >= 0 && right < 1e-30);
        CU_ASSERT(fabs((double)d[0]) < 1e-40 && d[1] == 0 && fabs((double)d[2]) < 1e-40);
        CU_ASSERT(near(ffn_loss_compute(ffn_cross_entropy(), 1, 3, z, second, d), 2 * large, 1e-12));
        CU_ASSERT(d[0] == 1 && d[1] == -1 && fabs((double)d[2]) < 1e-40);
        CU_ASSERT(near(ffn_loss_compute(ffn_cross_entropy_soft(), 1, 3, z, both, d), large, 1e-12));
        CU_ASSERT(d[0] == (float)0.5 && d[1] == (float)-0.5);

        ffn_loss smooth = ffn_cross_entropy();
        smooth.label_smoothing = (float)0.3;
        const double s = (double)smooth.label_smoothing;
        CU_ASSERT(near(ffn_loss_compute(smooth, 1, 3, z, first, d), s * large, 1e-12));
        CU_ASSERT(near((double)d[0], s * 2 / 3, 1e-7) && near((double)d[1], -s / 3, 1e-7));

        const ffn_loss kl = ffn_kl_divergence();
        CU_ASSERT(near(ffn__loss_fused(&kl, 1, 3, z, both, d, 1), large + log(0.5), 1e-6));
        CU_ASSERT(d[0] == (float)0.5 && d[1] == (float)-0.5 && fabs((double)d[2]) < 1e-40);

        /* values: squares do not overflow in double */
        const float y[] = {x}, target[] = {-x};
        CU_ASSERT(near(ffn_loss_compute(ffn_mse(), 1, 1, y, target, d), 4 * large * large, 1e-12));
        CU_ASSERT(near(ffn_loss_compute(ffn_huber(1), 1, 1, y, target, d), 2 * large - 0.5, 1e-12));
        CU_ASSERT_EQUAL(d[0], 1);
        CU_ASSERT(near(ffn_loss_compute(ffn_mae(), 1, 1, y, target, d), 2 * large, 1e-12));
    }
}

static void test_extremes(void) { on_every_isa(extremes_body); }

/* The last digits survive where the shorter formulas cancel: a nearly certain class, and small losses. */
static void confident_body(void)
{
    const float z[] = {20, 0, 0}, first[] = {0};
    float d[3];
    const double rest = 2 * exp(-20.0);
    CU_ASSERT(fabs(ffn_loss_compute(ffn_cross_entropy(), 1, 3, z, first, d) / log1p(rest) - 1) < 1e-6);
    CU_ASSERT(fabs((double)d[0] / (-rest / (1 + rest)) - 1) < 1e-6);
    const float x[] = {-50}, no[] = {0};
    CU_ASSERT(fabs(ffn_loss_compute(ffn_binary_cross_entropy(), 1, 1, x, no, d) / exp(-50.0) - 1) < 1e-5);
    CU_ASSERT(fabs((double)d[0] / exp(-50.0) - 1) < 1e-5);
}

static void test_confident(void) { on_every_isa(confident_body); }

/* A class's logit far below the others, far above, and where the way of computing changes: against doubles, the class's own
 * derivative, which may be tiny, in its own digits. */
static void distant_class(size_t rows, size_t cols, float distance)
{
    enum { ROWS = 17, COLS = 40 };
    float z[ROWS * COLS], d[ROWS * COLS], classes[ROWS];
    double value = 0, wanted[ROWS * COLS];
    ffn_random random = ffn_random_create(rows * cols, 1, 0);
    for (size_t r = 0; r < rows; r++) {
        const size_t k = (r + 1) % cols;
        float *row = z + r * cols;
        double top = -INFINITY, sum = 0, others = 0;
        for (size_t c = 0; c < cols; c++) {
            row[c] = (2 * ffn_random_uniform(&random) - 1) + (c == k ? distance : 0);
            top = fmax(top, (double)row[c]);
        }
        for (size_t c = 0; c < cols; c++) {
            const double e = exp((double)row[c] - top);
            sum += e;
            others += c == k ? 0 : e;
            wanted[r * cols + c] = e;
        }
        wanted[r * cols + k] = -others;
        for (size_t c = 0; c < cols; c++) wanted[r * cols + c] /= sum;
        value += log(sum) + top - (double)row[k];
        classes[r] = (float)k;
    }
    CU_ASSERT(near(ffn_loss_compute(ffn_cross_entropy(), rows, cols, z, classes, d), value / (double)rows, 1e-6));
    for (size_t i = 0; i < rows * cols; i++) {
        const double slope = wanted[i] / (double)rows;
        CU_ASSERT(fabs((double)d[i] - slope) <= 2e-7 * fabs(slope) + 1e-37);
    }
}

static void distant_class_body(void)
{
    static const float distances[] = {0, 20, 38, 39.9F, 41, 60, 86, 200, 1e5F};
    static const size_t rows[] = {1, 4, 5, 17}, cols[] = {2, 3, 5, 10, 16, 17, 40};
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++) {
                distant_class(rows[r], cols[c], distances[i]);
                distant_class(rows[r], cols[c], -distances[i]);
            }
}

static void test_distant_class(void) { on_every_isa(distant_class_body); }

static const test_case cases[] = {
    {"extreme logits and values", test_extremes},
    {"no digits lost where it is nearly right", test_confident},
    {"a class far from the others", test_distant_class},
};

TEST_MAIN("loss extremes", cases)
