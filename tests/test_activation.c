/* The activations: accuracy, limits, independence of length and place, names, slopes, arguments. */
#include "activation_sweep.h"
#include "edge.h"
#include "every_isa.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static ffn_activation named(const char *name)
{
    ffn_activation activation = {0};
    CU_ASSERT_EQUAL(ffn_activation_by_name(name, &activation, NULL), FFN_OK);
    return activation;
}

/* Each kind once, by index. */
static bool kind(size_t index, ffn_activation *activation)
{
    if (!ffn_activation_name(index)) return false;
    *activation = named(ffn_activation_name(index));
    return true;
}

static float value(const char *name, float x)
{
    float y = 0.5f;
    CU_ASSERT_EQUAL(ffn_activation_forward(named(name), 1, 1, &x, &y, NULL), FFN_OK);
    return y;
}

static float slope(const char *name, float x)
{
    float y = 0.5f, dy = 1, dx = 0.5f;
    const ffn_activation activation = named(name);
    CU_ASSERT_EQUAL(ffn_activation_forward(activation, 1, 1, &x, &y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_activation_backward(activation, 1, 1, &x, &y, &dy, &dx, NULL), FFN_OK);
    return dx;
}

/* Same bits, any NaN equal to any other. */
static bool same(float a, float b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0; }

/* ---- accuracy -------------------------------------------------------------------------------------------------- */

static void sweep_all(void)
{
    static const uint64_t stride = 4001; /* a prime, lest the last bits repeat */
    for (size_t i = 0; i < SWEEP_FUNCTIONS; i++)
        for (int derivative = 0; derivative <= (functions[i].slope != NULL); derivative++) {
            sweep_result r = {0};
            for (uint64_t first = 0; sweep_step(&r, &functions[i], derivative, stride, first);) first += SWEEP_BLOCK;
            CU_ASSERT(r.count > 1000000);
            if (sweep_good(&r, &functions[i], derivative)) continue;
            printf("\n    %s: %s%s: %.3f at %.9g, below FLT_MIN %.3g, %llu steps down, %llu wrong",
                   ffn__isa_name(ffn__isa()), functions[i].name, derivative ? "'" : "", r.worst, (double)r.worst_input,
                   r.subnormal, (unsigned long long)r.steps_down, (unsigned long long)r.wrong);
            CU_FAIL("past the bar");
        }
}
static void test_accuracy(void) { on_every_isa(sweep_all); }

/* The number of a float among all, as sweep_float counts. */
static uint64_t number_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x80000000U ? 0xffffffffU - bits : bits + UINT64_C(0x80000000);
}

/* Every float around the joints of the forms of a function, and where softplus comes nearest to a step down. */
static void sweep_joints(void)
{
    static const float joints[] = {-103,    -92,   -87.3365479f,   -25,  -13.2f, -5.4f, -4.9f,
                                   -0.549f, -0.4f, -0.0239785556f, 0.2f, 0.4f,   0.7f,  1,
                                   4.9f,    5.4f,  5.9f,           9.2f, 18.9f,  25,    40};
    for (size_t i = 0; i < SWEEP_FUNCTIONS; i++)
        for (int derivative = 0; derivative <= (functions[i].slope != NULL); derivative++)
            for (size_t j = 0; j < sizeof(joints) / sizeof(joints[0]); j++) {
                sweep_result r = {0};
                sweep_block(&r, &functions[i], derivative, 1, number_of(joints[j]) - 512, 1024);
                const bool good = r.count == 1024 && sweep_good(&r, &functions[i], derivative);
                if (!good) printf("\n    %s%s: %.3f", functions[i].name, derivative ? "'" : "", r.worst);
                CU_ASSERT(good);
            }
}
static void test_joints(void) { on_every_isa(sweep_joints); }

/* ---- limits ---------------------------------------------------------------------------------------------------- */

typedef struct limit {
    const char *name;
    float x, y;
} limit;

static const limit value_limits[] = {
    {"linear", -INFINITY, -INFINITY},
    {"sigmoid", -INFINITY, 0},
    {"sigmoid", INFINITY, 1},
    {"sigmoid", 0, 0.5f},
    {"sigmoid", -1000, 0},
    {"tanh", -0.0f, -0.0f},
    {"tanh", 1e-40f, 1e-40f},
    {"tanh", -1e-10f, -1e-10f},
    {"tanh", INFINITY, 1},
    {"tanh", -INFINITY, -1},
    {"relu", -INFINITY, 0},
    {"relu", INFINITY, INFINITY},
    {"relu", 1e-45f, 1e-45f},
    {"leaky_relu", -INFINITY, -INFINITY},
    {"leaky_relu", -0.0f, -0.0f},
    {"prelu", -8, -2},
    {"elu", -1e-10f, -1e-10f},
    {"elu", -1e-40f, -1e-40f},
    {"elu", -0.0f, -0.0f},
    {"elu", -INFINITY, -1},
    {"elu", INFINITY, INFINITY},
    {"selu", -INFINITY, -1.75809934f},
    {"selu", -0.0f, -0.0f},
    {"selu", INFINITY, INFINITY},
    {"swish", -INFINITY, 0},
    {"swish", INFINITY, INFINITY},
    {"swish", -0.0f, -0.0f},
    {"swish", FLT_MAX, FLT_MAX},
    {"gelu", -INFINITY, 0},
    {"gelu", INFINITY, INFINITY},
    {"gelu", -0.0f, -0.0f},
    {"gelu", FLT_MAX, FLT_MAX},
    {"gelu", -FLT_MAX, 0},
    {"gelu_tanh", -INFINITY, 0},
    {"gelu_tanh", INFINITY, INFINITY},
    {"gelu_tanh", -0.0f, -0.0f},
    {"gelu_tanh", FLT_MAX, FLT_MAX},
    {"gelu_tanh", -FLT_MAX, 0},
    {"softplus", -INFINITY, 0},
    {"softplus", INFINITY, INFINITY},
    {"softplus", FLT_MAX, FLT_MAX},
    {"softplus", 0, 0.693147182f},
    {"softsign", INFINITY, 1},
    {"softsign", -INFINITY, -1},
    {"softsign", -0.0f, -0.0f},
    {"softsign", FLT_MAX, 1},
    {"mish", -INFINITY, 0},
    {"mish", INFINITY, INFINITY},
    {"mish", -0.0f, -0.0f},
    {"mish", FLT_MAX, FLT_MAX},
    {"hard_sigmoid", -INFINITY, 0},
    {"hard_sigmoid", INFINITY, 1},
    {"hard_sigmoid", -3, 0},
    {"hard_sigmoid", 3, 1},
    {"hard_sigmoid", 0, 0.5f},
    {"hard_swish", -INFINITY, 0},
    {"hard_swish", 2.5e38f, 2.5e38f},
    {"hard_swish", INFINITY, INFINITY},
    {"hard_swish", -0.0f, -0.0f},
};

static void check_values(void)
{
    for (size_t i = 0; i < sizeof(value_limits) / sizeof(value_limits[0]); i++) {
        const float y = value(value_limits[i].name, value_limits[i].x);
        /* where the limit is 0 its sign is the kind's affair, unless x is a zero too */
        const bool right = value_limits[i].x != 0 && value_limits[i].y == 0 ? y == 0 : same(y, value_limits[i].y);
        if (!right) printf("\n    %s(%.9g) = %.9g", value_limits[i].name, (double)value_limits[i].x, (double)y);
        CU_ASSERT(right);
    }
    CU_ASSERT_DOUBLE_EQUAL((double)value("gelu", -8.7f), -1.45e-17, 1e-19); /* by 1 + erf it would be 0 */
}
static void test_values(void) { on_every_isa(check_values); }

static void check_slopes(void)
{
    static const limit limits[] = {
        {"linear", INFINITY, 1},
        {"sigmoid", INFINITY, 0},
        {"sigmoid", -INFINITY, 0},
        {"sigmoid", 0, 0.25f},
        {"tanh", INFINITY, 0},
        {"tanh", 0, 1},
        {"relu", 0, 0},
        {"relu", -1, 0},
        {"relu", 1e-45f, 1},
        {"leaky_relu", 0, 0.01f},
        {"leaky_relu", -1e-45f, 0.01f},
        {"elu", -INFINITY, 0},
        {"elu", 0, 1},
        {"elu", INFINITY, 1},
        {"swish", INFINITY, 1},
        {"swish", -INFINITY, 0},
        {"swish", 0, 0.5f},
        {"gelu", INFINITY, 1},
        {"gelu", -INFINITY, 0},
        {"gelu_tanh", INFINITY, 1},
        {"gelu_tanh", -INFINITY, 0},
        {"softplus", INFINITY, 1},
        {"softplus", -INFINITY, 0},
        {"softsign", INFINITY, 0},
        {"softsign", 0, 1},
        {"mish", INFINITY, 1},
        {"mish", -INFINITY, 0},
        {"hard_sigmoid", 3, 0},
        {"hard_sigmoid", -3, 0},
        {"hard_swish", INFINITY, 1},
        {"hard_swish", -INFINITY, 0},
        {"hard_swish", 0, 0.5f},
        {"hard_sigmoid", 2.99999976f, (float)(1 / 6.0)},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const float dx = slope(limits[i].name, limits[i].x);
        if (dx != limits[i].y) printf("\n    %s'(%.9g) = %.9g", limits[i].name, (double)limits[i].x, (double)dx);
        CU_ASSERT_EQUAL(dx, limits[i].y);
    }
}
static void test_slopes(void) { on_every_isa(check_slopes); }

/* swish of a large and of no beta, elu and leaky relu of other alphas */
static void check_alphas(void)
{
    static const float x[] = {-INFINITY, -FLT_MAX, -3, -0.5f, 0, 0.5f, 3, FLT_MAX, INFINITY};
    enum { N = sizeof(x) / sizeof(x[0]) };
    static const float betas[] = {0, 1e-30f, 0.5f, -1.5f, 40, FLT_MAX};
    for (size_t b = 0; b < sizeof(betas) / sizeof(betas[0]); b++) {
        float y[N], dy[N], dx[N];
        for (size_t i = 0; i < N; i++) dy[i] = 1;
        CU_ASSERT_EQUAL(ffn_activation_forward(ffn_swish(betas[b]), 1, N, x, y, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_activation_backward(ffn_swish(betas[b]), 1, N, x, NULL, dy, dx, NULL), FFN_OK);
        for (size_t i = 0; i < N; i++) {
            const double beta = (double)betas[b], bounded = fmin(fmax((double)x[i], -(double)FLT_MAX), (double)FLT_MAX);
            const double z = beta * bounded, s = sigmoid(z), wanted = s == 0 ? 0 : (double)x[i] * s;
            CU_ASSERT(wanted == (double)y[i] || fabs((double)y[i] - wanted) <= 3e-7 * fabs(wanted) + (double)FLT_MIN);
            CU_ASSERT(fabs((double)dx[i] - (s + (fabs(z) > 200 ? 0 : z * sigmoid_slope(z)))) < 3e-7);
        }
    }
    static const float alphas[] = {0, 0.5f, 3};
    for (size_t i = 0; i < sizeof(alphas) / sizeof(alphas[0]); i++) {
        const double alpha = (double)alphas[i];
        const float below = -2, one = 1;
        float y = 7, dx = 7;
        CU_ASSERT_EQUAL(ffn_activation_forward(ffn_elu(alphas[i]), 1, 1, &below, &y, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_activation_backward(ffn_elu(alphas[i]), 1, 1, NULL, &y, &one, &dx, NULL), FFN_OK);
        CU_ASSERT_DOUBLE_EQUAL((double)y, alpha * expm1(-2), 4e-7);
        CU_ASSERT_DOUBLE_EQUAL((double)dx, alpha * exp(-2), 4e-7);
        CU_ASSERT_EQUAL(ffn_activation_forward(ffn_leaky_relu(alphas[i]), 1, 1, &below, &y, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_activation_backward(ffn_leaky_relu(alphas[i]), 1, 1, NULL, &y, &one, &dx, NULL), FFN_OK);
        CU_ASSERT_EQUAL(y, -2 * alphas[i]);
        CU_ASSERT_EQUAL(dx, alphas[i]);
    }
}
static void test_alphas(void) { on_every_isa(check_alphas); }

static void check_nan(void)
{
    ffn_activation a;
    for (size_t k = 0; kind(k, &a); k++) {
        float x[2] = {1, NAN}, y[2] = {0};
        CU_ASSERT_EQUAL(ffn_activation_forward(a, 1, 2, x, y, NULL), FFN_OK);
        CU_ASSERT(isnan(y[1]));
        CU_ASSERT(a.ops->over_rows ? isnan(y[0]) : !isnan(y[0]));
    }
}
static void test_nan(void) { on_every_isa(check_nan); }

/* ---- length and place ------------------------------------------------------------------------------------------ */

enum { LONGEST = 67 };

static void fill(float *x, size_t n)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        x[i] = (float)(state >> 8) / (1 << 20) - 8;
    }
}

/* Elements 0 .. n - 1 of y and dx, at the very end of readable memory, have the bits they have among more. */
static void check_length(const ffn_activation *a, size_t n, const float *x, const float *y, const float *dy,
                         const float *dx)
{
    edge edges[4];
    for (size_t i = 0; i < 4; i++) edges[i] = edge_create(n);
    float *const x_n = edges[0].data, *const y_n = edges[1].data, *const dy_n = edges[2].data,
                 *const dx_n = edges[3].data;
    memcpy(x_n, x, n * sizeof(float));
    memcpy(dy_n, dy, n * sizeof(float));
    CU_ASSERT_EQUAL(ffn_activation_forward(*a, 1, n, x_n, y_n, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_activation_backward(*a, 1, n, x_n, y_n, dy_n, dx_n, NULL), FFN_OK);
    CU_ASSERT(memcmp(y_n, y, n * sizeof(float)) == 0);
    CU_ASSERT(memcmp(dx_n, dx, n * sizeof(float)) == 0);
    CU_ASSERT_EQUAL(ffn_activation_forward(*a, 1, n, x_n, x_n, NULL), FFN_OK); /* in place */
    CU_ASSERT(memcmp(x_n, y, n * sizeof(float)) == 0);
    if (a->ops->needs_input) memcpy(x_n, x, n * sizeof(float)); /* else x == y, overwritten */
    CU_ASSERT_EQUAL(ffn_activation_backward(*a, 1, n, x_n, y_n, dy_n, dy_n, NULL), FFN_OK);
    CU_ASSERT(memcmp(dy_n, dx, n * sizeof(float)) == 0);
    for (size_t i = 0; i < 4; i++) edge_destroy(&edges[i]);
}

static void check_elementwise_lengths(void)
{
    float x[LONGEST], y[LONGEST], dy[LONGEST], dx[LONGEST], slopes[LONGEST];
    fill(x, LONGEST);
    for (size_t i = 0; i < LONGEST; i++) dy[i] = x[LONGEST - 1 - i], slopes[i] = x[i] / 16;
    ffn_activation a;
    for (size_t k = 0; kind(k, &a); k++) {
        if (a.ops->over_rows) continue;
        if (a.per_unit) a.slope = slopes;
        CU_ASSERT_EQUAL(ffn_activation_forward(a, 1, LONGEST, x, y, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_activation_backward(a, 1, LONGEST, x, y, dy, dx, NULL), FFN_OK);
        for (size_t n = 1; n <= LONGEST; n++) check_length(&a, n, x, y, dy, dx);
        for (size_t offset = 1; offset < 17; offset++) { /* every alignment */
            float moved[2][LONGEST + 17];
            memcpy(moved[0] + offset, x, sizeof(x));
            const size_t n = a.per_unit ? LONGEST - 1 : LONGEST;
            CU_ASSERT_EQUAL(ffn_activation_forward(a, 1, n, moved[0] + offset, moved[1] + 17 - offset, NULL), FFN_OK);
            CU_ASSERT(memcmp(moved[1] + 17 - offset, y, n * sizeof(float)) == 0);
        }
    }
}

/* Rows of every length: each row has the bits it has alone, wherever it stands; in place or not. */
static void check_row_lengths(void)
{
    enum { ROWS = 2 * 16 + 3 }; /* twice as many as are taken abreast, and some alone */
    static float x[ROWS * LONGEST], y[ROWS * LONGEST], dx[ROWS * LONGEST];
    for (int test = 0; test < 4; test++) { /* 2, 3: with rows of large numbers, which others must not feel */
        const ffn_activation a = test % 2 ? ffn_log_softmax() : ffn_softmax();
        for (size_t cols = 1; cols <= LONGEST; cols++) {
            fill(x, ROWS * cols);
            if (test >= 2) x[3 * cols] = 90, x[5 * cols - 1] = -60, x[6 * cols] = 1e30f, x[8 * cols] = -1e30f;
            CU_ASSERT_EQUAL(ffn_activation_forward(a, ROWS, cols, x, y, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_activation_backward(a, ROWS, cols, x, y, x, dx, NULL), FFN_OK);
            for (size_t r = 0; r < ROWS; r++)
                check_length(&a, cols, x + r * cols, y + r * cols, x + r * cols, dx + r * cols);
        }
    }
}

static void check_lengths(void)
{
    check_elementwise_lengths();
    check_row_lengths();
}
static void test_lengths(void) { on_every_isa(check_lengths); }

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* softmax and its logarithm, forward and backward, against double, for rows of `cols` and values up to `size` */
static void check_rows_of(size_t cols, float size)
{
    float *x = malloc(6 * cols * sizeof(*x)), *y = x + cols, *z = y + cols, *dy = z + cols, *dx = dy + cols,
          *dz = dx + cols;
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    fill(x, cols);
    double most = -INFINITY, sum = 0, weighted = 0, total = 0;
    for (size_t c = 0; c < cols; c++) {
        dy[c] = x[c] / 8;
        x[c] = x[c] * x[c] * size / 64;
        most = fmax(most, (double)x[c]);
    }
    for (size_t c = 0; c < cols; c++) sum += exp((double)x[c] - most);
    ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL);
    ffn_activation_forward(ffn_log_softmax(), 1, cols, x, z, NULL);
    ffn_activation_backward(ffn_softmax(), 1, cols, x, y, dy, dx, NULL);
    ffn_activation_backward(ffn_log_softmax(), 1, cols, x, z, dy, dz, NULL);
    for (size_t c = 0; c < cols; c++) {
        total += (double)dy[c];
        weighted += (double)dy[c] * exp((double)x[c] - most) / sum;
    }
    for (size_t c = 0; c < cols; c++) {
        const double p = exp((double)x[c] - most) / sum, logarithm = (double)x[c] - most - log(sum);
        const double unit = sweep_unit(fmax(p, (double)FLT_MIN));
        CU_ASSERT(fabs((double)y[c] - p) <= (p < (double)FLT_MIN ? (double)FLT_MIN : 4 * unit));
        CU_ASSERT(fabs((double)z[c] - logarithm) <= 2 * sweep_unit(fmax(fabs(logarithm), 1)));
        CU_ASSERT(fabs((double)dx[c] - p * ((double)dy[c] - weighted)) <= 2.5e-7);
        CU_ASSERT(fabs((double)dz[c] - ((double)dy[c] - p * total)) <= 2.5e-7 * (1 + fabs(total)));
    }
    free(x);
}

static void check_rows(void)
{
    for (size_t cols = 1; cols < 40; cols++) {
        check_rows_of(cols, 4);
        check_rows_of(cols, 100); /* with results below FLT_MIN */
    }
    check_rows_of(10, 1e30f);
    check_rows_of(1000, 10);
    check_rows_of(100003, 10);
}
static void test_rows(void) { on_every_isa(check_rows); }

static void check_row_limits(void)
{
    static const float infinite = INFINITY;
    for (size_t cols = 2; cols < 40; cols++) {
        float x[40], y[40];
        for (size_t c = 0; c < cols; c++) x[c] = -infinite;
        ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL); /* nothing to share among nothing */
        for (size_t c = 0; c < cols; c++) CU_ASSERT(isnan(y[c]));
        x[cols - 1] = 3;
        ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL);
        CU_ASSERT(y[cols - 1] == 1 && y[0] == 0);
        ffn_activation_forward(ffn_log_softmax(), 1, cols, x, y, NULL);
        CU_ASSERT(y[cols - 1] == 0 && y[0] == -infinite);
        x[0] = infinite;
        ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL);
        CU_ASSERT(isnan(y[0]) && isnan(y[cols - 1]));
        x[0] = NAN;
        ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL);
        CU_ASSERT(isnan(y[0]) && isnan(y[cols - 1]));
        for (size_t c = 0; c < cols; c++) x[c] = FLT_MAX;
        ffn_activation_forward(ffn_softmax(), 1, cols, x, y, NULL);
        CU_ASSERT_DOUBLE_EQUAL((double)y[0] * (double)cols, 1, 1e-6);
    }
}
static void test_row_limits(void) { on_every_isa(check_row_limits); }

/* ---- learned slopes -------------------------------------------------------------------------------------------- */

static void check_prelu(void)
{
    static const float x[6] = {-1, 2, -3, 4, -5, 0}, dy[6] = {1, 10, 100, 1000, 10000, 7};
    const float slopes[3] = {0.5f, -2, 3};
    float y[6], dx[6], gradient[3] = {1, 1, 1};
    ffn_activation a = ffn_prelu_per_unit(0.25f);
    ffn_activation_forward(a, 2, 3, x, y, NULL); /* without learned ones the initial slope holds */
    CU_ASSERT(y[0] == -0.25f && y[4] == -1.25f);
    a.slope = slopes;
    ffn_activation_forward(a, 2, 3, x, y, NULL);
    CU_ASSERT(y[0] == -0.5f && y[1] == 2 && y[2] == -9 && y[3] == 4 && y[4] == 10 && y[5] == 0);
    ffn_activation_backward(a, 2, 3, x, NULL, dy, dx, NULL);
    CU_ASSERT(dx[0] == 0.5f && dx[1] == 10 && dx[2] == 300 && dx[3] == 1000 && dx[4] == -20000);
    a.ops->slope_gradient(&a, 2, 3, x, dy, gradient); /* adds */
    CU_ASSERT(gradient[0] == 0 && gradient[1] == -49999 && gradient[2] == -299);

    a = ffn_prelu(0.25f);
    a.slope = slopes;
    ffn_activation_forward(a, 2, 3, x, y, NULL);
    CU_ASSERT(y[0] == -0.5f && y[4] == -2.5f && y[3] == 4);
    gradient[0] = 1;
    a.ops->slope_gradient(&a, 2, 3, x, dy, gradient);
    CU_ASSERT(gradient[0] == 1 - 1 - 300 - 50000);
}
static void test_prelu(void) { on_every_isa(check_prelu); }

/* The single slope's gradient is a long sum: 2^20 terms that do not add up in float. */
static void test_long_slope_gradient(void)
{
    enum { N = 1 << 20 };
    float *x = malloc(2 * N * sizeof(*x)), *dy = x + N, gradient = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    for (size_t i = 0; i < N; i++) x[i] = -1, dy[i] = 0.1f;
    const ffn_activation a = ffn_prelu(0.25f);
    a.ops->slope_gradient(&a, 1024, N / 1024, x, dy, &gradient);
    CU_ASSERT_EQUAL(gradient, (float)(-N * (double)0.1f));
    free(x);
}

/* ---- names and arguments --------------------------------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const names[] = {"linear",      "sigmoid",        "tanh",         "relu",      "leaky_relu",
                                        "prelu",       "prelu_per_unit", "elu",          "selu",      "softmax",
                                        "log_softmax", "swish",          "gelu",         "gelu_tanh", "softplus",
                                        "softsign",    "mish",           "hard_sigmoid", "hard_swish"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    for (size_t i = 0; i < COUNT; i++) {
        CU_ASSERT_STRING_EQUAL(ffn_activation_name(i), names[i]);
        CU_ASSERT_STRING_EQUAL(named(names[i]).ops->name, names[i]);
    }
    CU_ASSERT_PTR_NULL(ffn_activation_name(COUNT));
    CU_ASSERT_PTR_NULL(ffn_activation_name(SIZE_MAX));
    CU_ASSERT(named("leaky_relu").alpha == 0.01f && named("prelu").alpha == 0.25f && named("elu").alpha == 1);
    CU_ASSERT(named("prelu_per_unit").per_unit && !named("prelu").per_unit);
    CU_ASSERT(named("silu").ops == ffn_swish(1).ops && named("silu").alpha == 1);

    ffn_error error = {0};
    ffn_activation a = ffn_tanh();
    CU_ASSERT_EQUAL(ffn_activation_by_name("rleu", &a, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_activation_by_name: name is \"rleu\"; expected one of linear, "));
    for (size_t i = 0; i < COUNT; i++) CU_ASSERT_PTR_NOT_NULL(strstr(error.message, names[i]));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "silu"));
    CU_ASSERT(a.ops == ffn_tanh().ops); /* untouched */
    CU_ASSERT_EQUAL(ffn_activation_by_name("a name that is much longer than any name of an activation", &a, &error),
                    FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, ", hard_swish, silu"));
    CU_ASSERT_EQUAL(ffn_activation_by_name("", &a, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_by_name(NULL, &a, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_by_name("relu", NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_by_name("nothing", &a, NULL), FFN_INVALID_ARGUMENT);
}

/* What layers and losses read from the tables. */
static void test_tables(void)
{
    ffn_activation a;
    for (size_t k = 0; kind(k, &a); k++) {
        const char *name = a.ops->name;
        const bool row = strstr(name, "softmax") != NULL, learned = strstr(name, "prelu") != NULL;
        CU_ASSERT(a.ops->forward && a.ops->backward);
        CU_ASSERT_EQUAL(a.ops->over_rows, row);
        CU_ASSERT_EQUAL(a.ops->slope_gradient != NULL, learned);
    }
    CU_ASSERT_EQUAL(ffn_softmax().ops->fuses, FFN_LOSS_OF_SOFTMAX_LOGITS);
    CU_ASSERT_EQUAL(ffn_log_softmax().ops->fuses, FFN_LOSS_OF_VALUES);
    CU_ASSERT_EQUAL(ffn_sigmoid().ops->fuses, FFN_LOSS_OF_SIGMOID_LOGITS);
    CU_ASSERT_EQUAL(ffn_relu().ops->gain, FFN_GAIN_HE);
    CU_ASSERT_EQUAL(ffn_selu().ops->gain, FFN_GAIN_LECUN);
    CU_ASSERT_EQUAL(ffn_tanh().ops->gain, FFN_GAIN_GLOROT);
}

static void test_alpha_bounds(void)
{
    static const float x = -1, one = 1;
    const struct {
        ffn_activation activation;
        bool good;
    } cases[] = {
        {ffn_leaky_relu(0), true},
        {ffn_leaky_relu(-0.01f), false},
        {ffn_leaky_relu(NAN), false},
        {ffn_leaky_relu(INFINITY), false},
        {ffn_elu(0), true},
        {ffn_elu(-1), false},
        {ffn_elu(NAN), false},
        {ffn_prelu(-1), true},
        {ffn_prelu(NAN), false},
        {ffn_prelu_per_unit(-INFINITY), false},
        {ffn_swish(-2), true},
        {ffn_swish(NAN), false},
        {{.ops = ffn_relu().ops, .alpha = NAN}, true}, /* relu has no alpha */
        {{0}, true},                                   /* linear */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ffn_error error = {0};
        float y = 7, dx = 7;
        const ffn_status wanted = cases[i].good ? FFN_OK : FFN_INVALID_ARGUMENT;
        CU_ASSERT_EQUAL(ffn_activation_forward(cases[i].activation, 1, 1, &x, &y, &error), wanted);
        CU_ASSERT_EQUAL(error.status, wanted);
        CU_ASSERT_EQUAL(strstr(error.message, "alpha") != NULL, !cases[i].good);
        CU_ASSERT_EQUAL(ffn_activation_backward(cases[i].activation, 1, 1, &x, &x, &one, &dx, NULL), wanted);
        CU_ASSERT_EQUAL(y == 7, !cases[i].good);
        CU_ASSERT_EQUAL(dx == 7, !cases[i].good);
    }
}

static void test_arguments(void)
{
    float x = 1, y = 7;
    CU_ASSERT_EQUAL(ffn_activation_forward(ffn_relu(), 0, 5, NULL, NULL, NULL), FFN_OK); /* nothing to do */
    CU_ASSERT_EQUAL(ffn_activation_forward(ffn_softmax(), 5, 0, NULL, NULL, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_softmax(), 5, 0, NULL, NULL, NULL, NULL, NULL), FFN_OK);
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn_activation_forward(ffn_relu(), 1, 1, NULL, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "x is NULL"));
    CU_ASSERT_EQUAL(ffn_activation_forward(ffn_relu(), 1, 1, &x, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_relu(), 1, 1, NULL, &x, &x, &y, NULL), FFN_OK); /* reads only y */
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_relu(), 1, 1, &x, NULL, &x, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "y is NULL"));
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_gelu(), 1, 1, &x, NULL, &x, &y, NULL), FFN_OK); /* reads only x */
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_gelu(), 1, 1, NULL, &x, &x, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_relu(), 1, 1, &x, &x, NULL, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_relu(), 1, 1, &x, &x, &x, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "dx is NULL"));
    CU_ASSERT_EQUAL(ffn_activation_forward(ffn_relu(), SIZE_MAX, 3, &x, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_activation_backward(ffn_relu(), SIZE_MAX / 8, 3, &x, &x, &x, &y, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "more than memory can hold"));
    const float several[] = {1, -2, 3, -4, 5, -6};
    float out[6] = {0};
    CU_ASSERT_EQUAL(ffn_activation_forward((ffn_activation){0}, 3, 2, several, out, NULL), FFN_OK); /* linear */
    CU_ASSERT_EQUAL(memcmp(out, several, sizeof out), 0);
}

static const test_case cases[] = {
    {"accuracy over all floats", test_accuracy},
    {"accuracy where forms meet", test_joints},
    {"values at zeros, infinities and in tails", test_values},
    {"derivatives there", test_slopes},
    {"other alphas", test_alphas},
    {"NaN stays NaN", test_nan},
    {"the same bits for any length and place", test_lengths},
    {"softmax rows", test_rows},
    {"softmax of infinities and NaN", test_row_limits},
    {"learned slopes", test_prelu},
    {"a long slope gradient", test_long_slope_gradient},
    {"names", test_names},
    {"tables", test_tables},
    {"bounds of alpha", test_alpha_bounds},
    {"NULL and empty arguments", test_arguments},
};

TEST_MAIN("activation", cases)
