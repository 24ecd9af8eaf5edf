/* Values that lie turned between layers: which do, and that everything comes out as if none did. */
#include <float.h>
#include <math.h>

#include "backprop/plan.h"
#include "kernel/kernel.h"
#include "networks.h"
#include "test.h"

enum { MOST = 80, SIDE = 45, LAST = 18 };

typedef struct network {
    const char *name;
    size_t turned;    /* values */
    size_t rectified; /* of them, ReLUs' whose derivative the reader applies */
    bool exact;       /* no gradient is added to, which may be before or after the sum */
    ffn_value (*describe)(ffn_model *m, ffn_value x);
} network;

static ffn_value describe_plain(ffn_model *m, ffn_value x)
{
    const ffn_value h = ffn_dense(m, ffn_dense(m, x, 100, ffn_relu()), 33, ffn_tanh());
    return ffn_dense(m, ffn_dense(m, h, 17, ffn_linear()), LAST, ffn_softmax());
}
static ffn_value describe_kept_inputs(ffn_model *m, ffn_value x) /* activations whose derivative wants z */
{
    const ffn_value h = ffn_dense(m, ffn_dense(m, x, 31, ffn_gelu()), 130, ffn_swish(1));
    ffn_set_bias(m, h, false);
    return ffn_dense(m, h, LAST, ffn_linear());
}
static ffn_value describe_shared(ffn_model *m, ffn_value x) /* two layers add to one gradient */
{
    const ffn_value h = ffn_dense(m, x, 50, ffn_sigmoid());
    return ffn_add(m, ffn_dense(m, h, LAST, ffn_relu()), ffn_dense(m, h, LAST, ffn_tanh()));
}
static ffn_value describe_shared_relu(ffn_model *m, ffn_value x) /* whose derivative cannot be left to either */
{
    const ffn_value h = ffn_dense(m, x, 50, ffn_relu());
    return ffn_add(m, ffn_dense(m, h, LAST, ffn_linear()), ffn_dense(m, h, LAST, ffn_tanh()));
}
static ffn_value describe_residual(ffn_model *m, ffn_value x) /* the sum reads h as it is, and so must be able to */
{
    const ffn_value h = ffn_dense(m, x, 40, ffn_elu(1));
    const ffn_value g = ffn_dense(m, ffn_dense(m, h, 64, ffn_relu()), 40, ffn_relu());
    return ffn_dense(m, ffn_add(m, h, g), LAST, ffn_softmax());
}
static ffn_value describe_between(ffn_model *m, ffn_value x) /* layers that know nothing of it */
{
    const ffn_value h = ffn_layer_norm(m, ffn_dense(m, x, 40, ffn_linear()));
    const ffn_value g = ffn_dense(m, ffn_dropout(m, h, (float)0.3), 40, ffn_prelu((float)0.25));
    return ffn_dense(m, ffn_dense(m, g, 20, ffn_softmax()), LAST, ffn_linear());
}
static ffn_value describe_frozen(ffn_model *m, ffn_value x)
{
    const ffn_value a = ffn_dense(m, x, 24, ffn_relu()), b = ffn_dense(m, a, 48, ffn_mish());
    ffn_set_trainable(m, a, false);
    ffn_set_trainable(m, b, false);
    return ffn_dense(m, b, LAST, ffn_sigmoid());
}

static const network networks[] = {
    {"plain", 3, 1, true, describe_plain},       {"kept inputs", 2, 0, true, describe_kept_inputs},
    {"shared", 1, 0, false, describe_shared},    {"shared relu", 1, 0, false, describe_shared_relu},
    {"residual", 1, 1, true, describe_residual}, {"between", 0, 0, true, describe_between},
    {"frozen", 2, 1, true, describe_frozen},
};

/* Fewer than lanes are worth it, one panel and its half, several, and a part of one. */
static const size_t row_counts[] = {MOST, 7, 8, 9, 16, 17, 31, 32, 33, 40, 49, 64, 65};

static float x[MOST * SIDE], targets[MOST * LAST];

static ffn_model *build(const network *n, ffn_kernels kernels)
{
    ffn_model *m = ffn_model_create(5, NULL);
    ffn_set_kernels(m, kernels);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, n->describe(m, ffn_input(m, ffn_shape_1d(SIDE))), NULL), FFN_OK);
    return m;
}

static float room[8][MOST * 256];

static ffn_plan *make_plan(const ffn_model *m, bool training, bool turned)
{
    ffn_plan *plan = ffn_plan_create(
        m, (ffn_plan_options){.max_batch = MOST, .training = training, .input_gradient = training}, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    for (size_t o = 0; o < plan->op_count && !turned; o++) {
        plan->ops[o].input_turned = plan->ops[o].output_turned = false;
        CU_ASSERT_FATAL(o < COUNT(room));
        plan->ops[o].backward_scratch = room[o]; /* the plan has none for what lies turned */
    }
    return plan;
}

static void test_which(void)
{
    for (size_t i = 0; i < COUNT(networks); i++) {
        ffn_model *native = build(&networks[i], FFN_KERNELS_NATIVE), *blas = build(&networks[i], FFN_KERNELS_BLAS);
        ffn_plan *plans[] = {make_plan(native, true, true), make_plan(blas, true, true)};
        for (size_t p = 0; p < COUNT(plans); p++) {
            size_t count = 0, rectified = 0;
            for (size_t o = 0; o < plans[p]->op_count; o++) {
                count += plans[p]->ops[o].output_turned;
                rectified += plans[p]->ops[o].output_rectified;
            }
            const bool right =
                count == (p == 0 ? networks[i].turned : 0) && rectified == (p == 0 ? networks[i].rectified : 0);
            CU_ASSERT(right);
            if (!right) printf("\n%s: %zu values turned, %zu rectified\n", networks[i].name, count, rectified);
            ffn_plan_destroy(plans[p]);
        }
        ffn_model_destroy(native);
        ffn_model_destroy(blas);
    }
}

/* Of one backward: true where all gradients are as if no value was turned; those of biases, whose sums are taken in
 * another order, to a few roundings. */
static bool same_gradients(const ffn_model *m, const ffn_plan *turned, const ffn_plan *plain, bool exact)
{
    static float a[MOST * 256], b[MOST * 256];
    bool same = true;
    for (size_t p = 0; p < m->parameter_count; p++) {
        const ffn__parameter *info = &m->parameters[p];
        if (!turned->has_gradient[p]) continue;
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(turned, p, a, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plain, p, b, NULL), FFN_OK);
        double largest = 0;
        for (size_t i = 0; i < info->size; i++) largest = fmax(largest, fabs((double)b[i]));
        for (size_t i = 0; i < info->size; i++)
            same &= exact && info->role != FFN_BIAS ? a[i] == b[i] : fabs((double)(a[i] - b[i])) <= 4e-6 * largest;
    }
    return same;
}

static void test_bits(void)
{
    const ffn_loss loss = ffn_mse();
    fill_uniform(x, COUNT(x), 1, -2, 2);
    fill_uniform(targets, COUNT(targets), 2, 0, 1);
    for (size_t i = 0; i < COUNT(networks); i++) {
        ffn_model *m = build(&networks[i], FFN_KERNELS_NATIVE);
        ffn_plan *turned = make_plan(m, true, true), *plain = make_plan(m, true, false);
        for (size_t k = 0; k < COUNT(row_counts); k++) {
            const size_t rows = row_counts[k];
            const float *y = ffn_forward(turned, x, rows), *z = ffn_forward(plain, x, rows);
            bool same = memcmp(y, z, rows * LAST * sizeof(float)) == 0;
            same &= ffn_backward(turned, loss, targets) == ffn_backward(plain, loss, targets);
            same &= same_gradients(m, turned, plain, networks[i].exact);
            same &= !networks[i].exact ||
                    memcmp(ffn_input_gradient(turned), ffn_input_gradient(plain), rows * SIDE * sizeof(float)) == 0;
            if (!same) printf("\n%s, %zu rows\n", networks[i].name, rows);
            CU_ASSERT_TRUE(same);
        }
        ffn_plan_destroy(turned);
        ffn_plan_destroy(plain);
        ffn_model_destroy(m);
    }
}

/* The gradients of a batch, by themselves or added to what is there. */
static void find_gradients(ffn_plan *plan, size_t rows, bool accumulate)
{
    plan->forwards = 0; /* the same dropout every time */
    ffn_plan_accumulate(plan, accumulate);
    (void)ffn_forward(plan, x, rows);
    (void)ffn_backward(plan, ffn_mse(), targets);
}

/* A batch that is added to itself has gradients twice as large. */
static void test_accumulation(void)
{
    static float once[MOST * 256], twice[MOST * 256];
    fill_uniform(x, COUNT(x), 1, -2, 2);
    fill_uniform(targets, COUNT(targets), 2, 0, 1);
    for (size_t i = 0; i < COUNT(networks) * 2 * COUNT(row_counts); i++) {
        const network *n = &networks[i % COUNT(networks)];
        const size_t rows = row_counts[i / COUNT(networks) / 2];
        ffn_model *m = build(n, i / COUNT(networks) % 2 ? FFN_KERNELS_NATIVE : FFN_KERNELS_BLAS);
        ffn_plan *one = make_plan(m, true, true), *two = make_plan(m, true, true);
        find_gradients(one, rows, false);
        find_gradients(two, rows, false);
        find_gradients(two, rows, true);
        for (size_t p = 0; p < m->parameter_count; p++) {
            double largest = 0, off = 0;
            if (!one->has_gradient[p]) continue;
            CU_ASSERT_EQUAL(ffn_plan_get_gradient(one, p, once, NULL), FFN_OK);
            CU_ASSERT_EQUAL(ffn_plan_get_gradient(two, p, twice, NULL), FFN_OK);
            for (size_t e = 0; e < m->parameters[p].size; e++) {
                largest = fmax(largest, fabs((double)once[e]));
                off = fmax(off, fabs((double)twice[e] - 2 * (double)once[e]));
            }
            if (off > 4e-6 * largest) printf("\n%s, %zu rows, %s\n", n->name, rows, m->parameters[p].name);
            CU_ASSERT(off <= 4e-6 * largest);
        }
        ffn_plan_destroy(one);
        ffn_plan_destroy(two);
        ffn_model_destroy(m);
    }
}

static bool look(void *context, size_t node, const ffn_step *step)
{
    (void)node;
    if (step->input_turned || step->output_turned) (*(size_t *)context)++;
    return false;
}

/* Who looks at values sees none that is turned. */
static void test_walk(void)
{
    fill_uniform(x, COUNT(x), 1, -2, 2);
    for (size_t i = 0; i < COUNT(networks); i++) {
        ffn_model *m = build(&networks[i], FFN_KERNELS_NATIVE);
        ffn_plan *turned = make_plan(m, false, true), *walked = make_plan(m, false, true);
        size_t seen = 0;
        const float *y = ffn_forward(turned, x, MOST);
        CU_ASSERT_EQUAL(memcmp(ffn__plan_walk(walked, x, MOST, look, &seen), y, MOST * LAST * sizeof(float)), 0);
        CU_ASSERT_EQUAL(seen, 0);
        ffn_plan_destroy(turned);
        ffn_plan_destroy(walked);
        ffn_model_destroy(m);
    }
}

/* A layer's bound on its gradients, the product of two lengths, sees every number wherever it lies. */
static void expect_about(double bound, double least) { CU_ASSERT(bound >= least && bound < 1.002 * least); }

static void test_bound(void)
{
    enum { ROWS = 40, STORED = 48, UNITS = 20 };
    static float values[STORED * UNITS], dy[STORED * UNITS], dw[UNITS * UNITS];
    const size_t last = 32 * UNITS + (UNITS - 1) * 16 + 7; /* row 39, column 19 */
    const ffn__dense d = {.rows = ROWS,
                          .inputs = UNITS,
                          .units = UNITS,
                          .x = values,
                          .dy = dy,
                          .dw = dw,
                          .x_turned = true,
                          .y_turned = true};
    for (size_t i = 0; i < COUNT(dy); i++) values[i] = dy[i] = 1;
    expect_about(ffn__dense_bound(&d), COUNT(dy));
    dy[last] = -3;
    expect_about(ffn__dense_bound(&d), sqrt((COUNT(dy) + 8.0) * COUNT(dy)));
    values[last] = 5;
    expect_about(ffn__dense_bound(&d), sqrt((COUNT(dy) + 8.0) * (COUNT(dy) + 24.0)));
    for (size_t i = 0; i < COUNT(dy); i++) values[i] = dy[i] = (float)1e-30; /* whose squares are 0 */
    CU_ASSERT(ffn__dense_bound(&d) >= ROWS * 1e-60 && ffn__dense_bound(&d) < 1e-15);
    static const float bad[] = {(float)1e30, INFINITY, NAN}; /* a square overflows: nothing is known */
    for (size_t i = 0; i < COUNT(bad); i++) {
        dy[last] = bad[i];
        CU_ASSERT_FALSE(ffn__dense_bound(&d) < (double)FLT_MAX);
    }
    for (size_t i = 0; i < COUNT(dy); i++) values[i] = 0, dy[i] = 1; /* what is left is the bias's */
    CU_ASSERT(ffn__dense_bound(&d) >= ROWS);
    ffn__dense sloped = d;
    sloped.dslope = dw; /* whose gradient nothing is known of */
    CU_ASSERT_FALSE(ffn__dense_bound(&sloped) < (double)FLT_MAX);
}

static const test_case cases[] = {
    {"which values", test_which}, {"the same bits", test_bits}, {"accumulation", test_accumulation},
    {"walks", test_walk},         {"bounds", test_bound},
};

TEST_MAIN("turned", cases)
