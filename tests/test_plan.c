/* Plans: batches of every size, gradients, lifetimes in the arena, sharing of a model between threads. */
#include "failing.h"
#include "networks.h"
#include "test.h"

#include <pthread.h>

enum { ROWS = 9, MOST_GRADIENTS = 1024 };

static float x_data[ROWS * INPUTS], target_data[ROWS * INPUTS];

static void fill_data(void) { fill_uniform(x_data, COUNT(x_data), 1, -2, 2); }

static void fill_targets_for(const ffn_model *model, ffn_loss loss)
{
    fill_targets(target_data, ROWS * output_rows(model), output_cols(model), loss.ops->target, 2);
}

static ffn_plan *make_plan(const ffn_model *model, ffn_plan_options options)
{
    ffn_error error = {FFN_OK, ""};
    if (options.max_batch == 0) options.max_batch = ROWS;
    ffn_plan *plan = ffn_plan_create(model, options, &error);
    if (!plan) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    return plan;
}

static ffn_model *make_model(const char *name)
{
    for (size_t f = 0; f < FORM_COUNT; f++)
        if (strcmp(forms[f].name, name) == 0) {
            ffn_model *model = form_build(&forms[f], 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(model);
            return model;
        }
    CU_FAIL_FATAL("no such form");
    return NULL;
}

/* All gradients of the plan's parameters one after another; their number. */
static size_t get_gradients(const ffn_plan *plan, const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL(ffn_model_parameter_info(model, i, &info, NULL), FFN_OK);
        if (!info.trainable) continue;
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= MOST_GRADIENTS);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, i, values + n, NULL), FFN_OK);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

static double distance(size_t n, const float *a, const float *b)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, isnan(a[i] - b[i]) ? INFINITY : fabs((double)(a[i] - b[i])));
    return worst;
}

static bool same_bits(size_t n, const float *a, const float *b) { return memcmp(a, b, n * sizeof(float)) == 0; }

/* ---- batches --------------------------------------------------------------------------------------------------- */

static void test_every_batch_size(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        const size_t size = ffn_shape_size(ffn_model_output_shape(model));
        ffn_plan *plan = make_plan(model, (ffn_plan_options){0});
        float whole[ROWS * INPUTS];
        memcpy(whole, ffn_forward(plan, x_data, ROWS), ROWS * size * sizeof(float));
        for (size_t rows = 1; rows <= ROWS; rows++) {
            for (size_t begin = 0; begin + rows <= ROWS; begin++) {
                const float *y = ffn_forward(plan, x_data + begin * INPUTS, rows);
                CU_ASSERT(distance(rows * size, y, whole + begin * size) <= 2e-6);
            }
        }
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

static void test_rows_do_not_touch_each_other(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++)
        for (int training = 0; training < 2; training++) {
            ffn_model *model = form_build(&forms[f], 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(model);
            const size_t size = ffn_shape_size(ffn_model_output_shape(model));
            float before[ROWS * INPUTS], x[ROWS * INPUTS];
            ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = training});
            memcpy(before, ffn_forward(plan, x_data, ROWS), ROWS * size * sizeof(float));
            ffn_plan_destroy(plan);
            for (size_t changed = 0; changed < ROWS; changed++) {
                memcpy(x, x_data, sizeof(x));
                for (size_t i = 0; i < INPUTS; i++) x[changed * INPUTS + i] = i % 2 ? NAN : -1e30f;
                plan = make_plan(model, (ffn_plan_options){.training = training}); /* anew: the same masks */
                const float *y = ffn_forward(plan, x, ROWS);
                for (size_t r = 0; r < ROWS; r++)
                    if (r != changed) CU_ASSERT(same_bits(size, y + r * size, before + r * size));
                ffn_plan_destroy(plan);
            }
            ffn_model_destroy(model);
        }
}

/* A batch leaves nothing behind for the next, smaller or larger one. */
static void test_batches_leave_nothing_behind(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++)
        for (size_t rows = 1; rows <= ROWS; rows += 4) {
            ffn_model *model = form_build(&forms[f], 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(model);
            const ffn_loss loss = forms[f].loss();
            const ffn_plan_options options = {.max_batch = ROWS, .training = true, .input_gradient = true};
            float g[2][MOST_GRADIENTS], dx[ROWS * INPUTS];
            double values[2];
            fill_targets_for(model, loss);
            for (int used = 0; used < 2; used++) {
                ffn_plan *plan = make_plan(model, options);
                float wild[ROWS * INPUTS];
                fill_uniform(wild, COUNT(wild), 77, -1e3f, 1e3f);
                (void)ffn_forward(plan, used ? wild : x_data,
                                  used ? ROWS : rows); /* the second one's masks are equal */
                if (used) CU_ASSERT(!isnan(ffn_backward(plan, loss, target_data)));
                CU_ASSERT_PTR_NOT_NULL(ffn_forward(plan, x_data, rows));
                values[used] = ffn_backward(plan, loss, target_data);
                const size_t n = get_gradients(plan, model, g[used]);
                CU_ASSERT(isfinite(values[used]));
                if (used) CU_ASSERT(same_bits(n, g[0], g[1]));
                if (used) CU_ASSERT(same_bits(rows * INPUTS, dx, ffn_input_gradient(plan)));
                memcpy(dx, ffn_input_gradient(plan), rows * INPUTS * sizeof(float));
                ffn_plan_destroy(plan);
            }
            CU_ASSERT_EQUAL(values[0], values[1]);
            ffn_model_destroy(model);
        }
}

static void test_a_backward_may_be_repeated(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        const ffn_loss loss = forms[f].loss();
        fill_targets_for(model, loss);
        ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true, .input_gradient = true});
        float g[2][MOST_GRADIENTS], dx[ROWS * INPUTS], y[ROWS * INPUTS];
        const size_t size = ROWS * ffn_shape_size(ffn_model_output_shape(model));
        const float *output = ffn_forward(plan, x_data, ROWS);
        memcpy(y, output, size * sizeof(float));
        const double first = ffn_backward(plan, loss, target_data);
        const size_t n = get_gradients(plan, model, g[0]);
        memcpy(dx, ffn_input_gradient(plan), sizeof(dx));
        CU_ASSERT_EQUAL(ffn_backward(plan, loss, target_data), first);
        CU_ASSERT_EQUAL(get_gradients(plan, model, g[1]), n);
        CU_ASSERT(same_bits(n, g[0], g[1]));
        CU_ASSERT(same_bits(ROWS * INPUTS, dx, ffn_input_gradient(plan)));
        CU_ASSERT(same_bits(size, y, output)); /* the outputs are valid until the next forward */
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

/* ---- what forward and backward refuse -------------------------------------------------------------------------- */

static void test_refusals(void)
{
    fill_data();
    ffn_model *model = make_model("chain"), *unbuilt = ffn_model_create(1, NULL);
    ffn_plan *inference = make_plan(model, (ffn_plan_options){0});
    ffn_plan *training = make_plan(model, (ffn_plan_options){.training = true});
    fill_targets_for(model, ffn_mse());
    CU_ASSERT_PTR_NULL(ffn_forward(NULL, x_data, 1));
    CU_ASSERT_PTR_NULL(ffn_forward(inference, NULL, 1));
    CU_ASSERT_PTR_NULL(ffn_forward(inference, x_data, 0));
    CU_ASSERT_PTR_NULL(ffn_forward(inference, x_data, ROWS + 1));
    CU_ASSERT_PTR_NULL(ffn_forward(inference, x_data, SIZE_MAX));
    CU_ASSERT_PTR_NOT_NULL(ffn_forward(inference, x_data, ROWS));

    CU_ASSERT(isnan(ffn_backward(NULL, ffn_mse(), target_data)));
    CU_ASSERT(isnan(ffn_backward(inference, ffn_mse(), target_data)));
    CU_ASSERT(isnan(ffn_backward(training, ffn_mse(), target_data))); /* before a forward */
    CU_ASSERT_PTR_NOT_NULL(ffn_forward(training, x_data, ROWS));
    CU_ASSERT(isnan(ffn_backward(training, ffn_mse(), NULL)));
    CU_ASSERT(isnan(ffn_backward(training, ffn_huber(-1), target_data)));
    CU_ASSERT(isnan(ffn_backward(training, ffn_huber(NAN), target_data)));
    ffn_loss wrong = ffn_cross_entropy();
    wrong.label_smoothing = 1;
    CU_ASSERT(isnan(ffn_backward(training, wrong, target_data)));
    CU_ASSERT(isfinite(ffn_backward(training, ffn_mse(), target_data)));
    ffn_backward_from(NULL, target_data);
    ffn_backward_from(training, NULL);
    ffn_backward_from(inference, target_data);
    ffn_plan_accumulate(NULL, true);
    ffn_plan_destroy(NULL);
    CU_ASSERT_EQUAL(ffn_plan_memory(NULL), 0);
    CU_ASSERT_PTR_NULL(ffn_input_gradient(NULL));
    CU_ASSERT_PTR_NULL(ffn_input_gradient(inference));
    CU_ASSERT_PTR_NULL(ffn_input_gradient(training));
    CU_ASSERT_PTR_NULL(ffn_plan_create(NULL, (ffn_plan_options){0}, NULL));
    CU_ASSERT_PTR_NULL(ffn_plan_create(unbuilt, (ffn_plan_options){0}, NULL));
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_PTR_NULL(ffn_plan_create(model, (ffn_plan_options){.max_batch = SIZE_MAX / 8}, &error));
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_NULL(ffn_plan_create(model, (ffn_plan_options){.max_batch = SIZE_MAX, .training = true}, &error));
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    ffn_plan_destroy(inference);
    ffn_plan_destroy(training);
    ffn_model_destroy(model);
    ffn_model_destroy(unbuilt);
}

static void test_gradients_that_there_are_not(void)
{
    ffn_model *model = make_model("scaled");
    ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true});
    ffn_plan *inference = make_plan(model, (ffn_plan_options){0});
    ffn_plan *frozen = make_plan(model, (ffn_plan_options){.training = true, .frozen = true});
    size_t weight, offset;
    float g[OUTPUTS * INPUTS];
    ffn_error error;
    CU_ASSERT_EQUAL(ffn_model_find_parameter(model, "dense1.weight", &weight, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_find_parameter(model, "standardize1.offset", &offset, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, weight, g, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, offset, g, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "standardize1.offset"));
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(inference, weight, g, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(frozen, weight, g, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "dense1.weight"));
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 1000, g, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "1000"));
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, weight, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(NULL, weight, g, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(NULL, weight, g, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(plan, weight, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(frozen, weight, g, NULL), FFN_INVALID_ARGUMENT);
    float given[OUTPUTS * INPUTS];
    fill_uniform(given, COUNT(given), 4, -1, 1);
    CU_ASSERT_EQUAL(ffn_plan_set_gradient(plan, weight, given, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, weight, g, NULL), FFN_OK);
    CU_ASSERT(same_bits(COUNT(given), g, given));
    ffn_plan_destroy(plan);
    ffn_plan_destroy(inference);
    ffn_plan_destroy(frozen);
    ffn_model_destroy(model);
}

/* ---- gradients ------------------------------------------------------------------------------------------------- */

static void test_accumulation(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        const ffn_loss loss = forms[f].loss();
        fill_targets_for(model, loss);
        float one[MOST_GRADIENTS], g[MOST_GRADIENTS];
        ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true, .frozen = false});
        (void)ffn_forward(plan, x_data, ROWS);
        (void)ffn_backward(plan, loss, target_data);
        const size_t n = get_gradients(plan, model, one);
        ffn_plan_accumulate(plan, true);
        (void)ffn_backward(plan, loss, target_data);
        (void)ffn_backward(plan, loss, target_data);
        (void)get_gradients(plan, model, g);
        for (size_t i = 0; i < n; i++) CU_ASSERT(fabsf(g[i] - 3 * one[i]) <= 1e-5f * (1 + fabsf(one[i])));
        ffn_plan_accumulate(plan, false);
        (void)ffn_backward(plan, loss, target_data);
        (void)get_gradients(plan, model, g);
        CU_ASSERT(same_bits(n, g, one));
        ffn_plan_destroy(plan);
        plan = make_plan(model, (ffn_plan_options){.training = true}); /* from the first backward on: added to zeros */
        ffn_plan_accumulate(plan, true);
        (void)ffn_forward(plan, x_data, ROWS);
        (void)ffn_backward(plan, loss, target_data);
        (void)get_gradients(plan, model, g);
        CU_ASSERT(distance(n, g, one) <= 1e-6);
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

/* The same function with a layer that is shared, and with two layers of equal weights. */
static ffn_model *make_tied(bool share)
{
    ffn_model *m = ffn_model_create(5, NULL);
    ffn_value h = ffn_dense(m, row_input(m), INPUTS, ffn_tanh());
    ffn_value again = share ? ffn_share(m, h, h) : ffn_dense(m, h, INPUTS, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, again, NULL), FFN_OK);
    float w[INPUTS * INPUTS];
    fill_uniform(w, COUNT(w), 6, -1, 1);
    for (size_t i = 0; i < ffn_model_parameter_count(m); i++)
        CU_ASSERT_EQUAL(ffn_model_set_parameter(m, i, w, NULL), FFN_OK);
    return m;
}

static void test_shared_weights_add_up(void)
{
    fill_data();
    ffn_model *shared = make_tied(true), *twice = make_tied(false);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(shared), 2);
    CU_ASSERT_EQUAL(ffn_model_parameter_count(twice), 4);
    ffn_plan *a = make_plan(shared, (ffn_plan_options){.training = true});
    ffn_plan *b = make_plan(twice, (ffn_plan_options){.training = true});
    CU_ASSERT(same_bits(ROWS * INPUTS, ffn_forward(a, x_data, ROWS), ffn_forward(b, x_data, ROWS)));
    fill_targets(target_data, ROWS, INPUTS, FFN_TARGET_NUMBERS, 3);
    CU_ASSERT_EQUAL(ffn_backward(a, ffn_mse(), target_data), ffn_backward(b, ffn_mse(), target_data));
    float sum[MOST_GRADIENTS], parts[MOST_GRADIENTS];
    const size_t n = get_gradients(a, shared, sum);
    CU_ASSERT_EQUAL(get_gradients(b, twice, parts), 2 * n);
    for (size_t i = 0; i < n; i++) CU_ASSERT(fabsf(sum[i] - (parts[i] + parts[n + i])) <= 1e-6f);
    ffn_plan_destroy(a);
    ffn_plan_destroy(b);
    ffn_model_destroy(shared);
    ffn_model_destroy(twice);
}

static void test_frozen_plans_and_input_gradients(void)
{
    fill_data();
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        const ffn_loss loss = forms[f].loss();
        fill_targets_for(model, loss);
        float dx[ROWS * INPUTS];
        double first = 0;
        for (int frozen = 0; frozen < 2; frozen++) {
            ffn_plan *plan =
                make_plan(model, (ffn_plan_options){.training = true, .input_gradient = true, .frozen = frozen});
            (void)ffn_forward(plan, x_data, ROWS);
            const double value = ffn_backward(plan, loss, target_data);
            if (frozen) CU_ASSERT_EQUAL(value, first);
            if (frozen) CU_ASSERT(same_bits(ROWS * INPUTS, dx, ffn_input_gradient(plan)));
            first = value;
            memcpy(dx, ffn_input_gradient(plan), sizeof(dx));
            ffn_plan_destroy(plan);
        }
        /* nothing wanted at all: the loss is still there */
        ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true, .frozen = true});
        (void)ffn_forward(plan, x_data, ROWS);
        CU_ASSERT_EQUAL(ffn_backward(plan, loss, target_data), first);
        CU_ASSERT_PTR_NULL(ffn_input_gradient(plan));
        ffn_plan_destroy(plan);
        ffn_model_destroy(model);
    }
}

static void test_backward_from(void)
{
    fill_data();
    ffn_model *model = make_model("skip");
    ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true, .input_gradient = true});
    float g[2][MOST_GRADIENTS], dx[ROWS * INPUTS], dy[ROWS * OUTPUTS];
    fill_targets_for(model, ffn_mse());
    const float *y = ffn_forward(plan, x_data, ROWS);
    (void)ffn_loss_compute(ffn_mse(), ROWS, OUTPUTS, y, target_data, dy);
    (void)ffn_backward(plan, ffn_mse(), target_data);
    const size_t n = get_gradients(plan, model, g[0]);
    memcpy(dx, ffn_input_gradient(plan), sizeof(dx));
    ffn_backward_from(plan, dy);
    (void)get_gradients(plan, model, g[1]);
    CU_ASSERT(same_bits(n, g[0], g[1]));
    CU_ASSERT(same_bits(ROWS * INPUTS, dx, ffn_input_gradient(plan)));
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

/* ---- the arena ------------------------------------------------------------------------------------------------- */

enum { DEPTH = 14, WIDTH = 5 };

/* h[l + 1] = tanh(W[l] h[l] + b[l]) + h[l / 2], and back, in double without any plan. */
typedef struct naive {
    float w[DEPTH][WIDTH][WIDTH], b[DEPTH][WIDTH];
    double h[DEPTH + 1][WIDTH], t[DEPTH][WIDTH], dh[DEPTH + 1][WIDTH];
    double dw[DEPTH][WIDTH][WIDTH], db[DEPTH][WIDTH];
} naive;

static void run_naive(naive *n, const float *x, const float *dy)
{
    memset(n->dh, 0, sizeof(n->dh));
    for (size_t i = 0; i < WIDTH; i++) n->h[0][i] = (double)x[i];
    for (size_t i = 0; i < WIDTH; i++) n->dh[DEPTH][i] = (double)dy[i];
    for (size_t l = 0; l < DEPTH; l++)
        for (size_t i = 0; i < WIDTH; i++) {
            double z = (double)n->b[l][i];
            for (size_t k = 0; k < WIDTH; k++) z += (double)n->w[l][i][k] * n->h[l][k];
            n->t[l][i] = tanh(z);
            n->h[l + 1][i] = n->t[l][i] + n->h[l / 2][i];
        }
    for (size_t l = DEPTH; l-- > 0;)
        for (size_t i = 0; i < WIDTH; i++) {
            const double dz = n->dh[l + 1][i] * (1 - n->t[l][i] * n->t[l][i]);
            n->dh[l / 2][i] += n->dh[l + 1][i];
            n->db[l][i] += dz;
            for (size_t k = 0; k < WIDTH; k++) n->dw[l][i][k] += dz * n->h[l][k];
            for (size_t k = 0; k < WIDTH; k++) n->dh[l][k] += dz * (double)n->w[l][i][k];
        }
}

static void test_against_a_naive_network(void)
{
    static naive n;
    float x[ROWS][WIDTH], dy[ROWS][WIDTH], g[WIDTH * WIDTH];
    fill_uniform(&x[0][0], ROWS * WIDTH, 1, -1, 1);
    fill_uniform(&dy[0][0], ROWS * WIDTH, 2, -1, 1);
    ffn_model *model = ffn_model_create(3, NULL);
    ffn_value h[DEPTH + 1] = {ffn_input(model, ffn_shape_1d(WIDTH))};
    for (size_t l = 0; l < DEPTH; l++) h[l + 1] = ffn_add(model, ffn_dense(model, h[l], WIDTH, ffn_tanh()), h[l / 2]);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h[DEPTH], NULL), FFN_OK);
    for (size_t l = 0; l < DEPTH; l++) {
        fill_uniform(n.b[l], WIDTH, 100 + l, -1, 1);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(model, 2 * l, &n.w[l][0][0], NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 2 * l + 1, n.b[l], NULL), FFN_OK);
    }
    ffn_plan *plan = make_plan(model, (ffn_plan_options){.training = true, .input_gradient = true});
    const float *y = ffn_forward(plan, &x[0][0], ROWS);
    ffn_backward_from(plan, &dy[0][0]);
    for (size_t r = 0; r < ROWS; r++) {
        run_naive(&n, x[r], dy[r]);
        for (size_t i = 0; i < WIDTH; i++) {
            CU_ASSERT_DOUBLE_EQUAL(y[r * WIDTH + i], n.h[DEPTH][i], 1e-5);
            CU_ASSERT_DOUBLE_EQUAL(ffn_input_gradient(plan)[r * WIDTH + i], n.dh[0][i], 1e-4);
        }
    }
    for (size_t l = 0; l < DEPTH; l++) {
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 2 * l, g, NULL), FFN_OK);
        for (size_t i = 0; i < WIDTH * WIDTH; i++) CU_ASSERT_DOUBLE_EQUAL(g[i], (&n.dw[l][0][0])[i], 1e-4);
        CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, 2 * l + 1, g, NULL), FFN_OK);
        for (size_t i = 0; i < WIDTH; i++) CU_ASSERT_DOUBLE_EQUAL(g[i], n.db[l][i], 1e-4);
    }
    ffn_plan_destroy(plan);
    ffn_model_destroy(model);
}

static size_t memory_of(const ffn_model *model, ffn_plan_options options)
{
    options.max_batch = 256;
    ffn_plan *plan = make_plan(model, options);
    const size_t bytes = ffn_plan_memory(plan);
    ffn_plan_destroy(plan);
    return bytes;
}

static void test_memory(void)
{
    size_t inference[2], training[2];
    for (size_t i = 0; i < 2; i++) {
        const size_t depth = i ? 64 : 8;
        ffn_model *model = ffn_model_create(3, NULL);
        ffn_value h = ffn_input(model, ffn_shape_1d(32));
        for (size_t l = 0; l < depth; l++) h = ffn_dense(model, h, 32, ffn_tanh());
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, h, NULL), FFN_OK);
        inference[i] = memory_of(model, (ffn_plan_options){0});
        training[i] = memory_of(model, (ffn_plan_options){.training = true});
        const size_t value = 256 * 32 * sizeof(float);
        CU_ASSERT(memory_of(model, (ffn_plan_options){.training = true, .frozen = true}) < training[i]);
        CU_ASSERT(inference[i] >= 2 * value && inference[i] < 4 * value + depth * 2000); /* two values at a time */
        CU_ASSERT(training[i] > depth * value); /* all values, and two gradients and the parameters' beside them */
        CU_ASSERT(training[i] < (depth + 4) * value + depth * (32 * 33 * sizeof(float) + 2000));
        ffn_model_destroy(model);
    }
}

/* ---- threads and allocations ----------------------------------------------------------------------------------- */

enum { READERS = 8, ROUNDS = 50 };

typedef struct reader {
    const ffn_model *model;
    const float *expected, *expected_few;
    size_t wrong;
} reader;

enum { FEW = 3 };

static void *read_model(void *context)
{
    reader *r = context;
    ffn_plan *plan = ffn_plan_create(r->model, (ffn_plan_options){.max_batch = ROWS, .training = true}, NULL);
    float y[ROWS * OUTPUTS];
    for (size_t i = 0; plan && i < ROUNDS; i++) {
        const float *output = ffn_forward(plan, x_data, ROWS);
        r->wrong += !output || memcmp(output, r->expected, sizeof(y)) != 0;
        (void)ffn_backward(plan, ffn_mse(), target_data);
        r->wrong += ffn_predict(r->model, x_data, ROWS, y, NULL) != FFN_OK || memcmp(y, r->expected, sizeof(y)) != 0;
        r->wrong += ffn_predict(r->model, x_data, FEW, y, NULL) != FFN_OK ||
                    memcmp(y, r->expected_few, FEW * OUTPUTS * sizeof(float)) != 0;
    }
    r->wrong += !plan;
    ffn_plan_destroy(plan);
    return NULL;
}

static void test_many_threads_on_one_model(void)
{
    fill_data();
    ffn_model *model = make_model("concat");
    float expected[ROWS * OUTPUTS], expected_few[FEW * OUTPUTS];
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, ROWS, expected, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, FEW, expected_few, NULL), FFN_OK);
    fill_targets_for(model, ffn_mse());
    pthread_t threads[READERS];
    reader readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (reader){model, expected, expected_few, 0};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, read_model, &readers[i]), 0);
    }
    for (size_t i = 0; i < READERS; i++) {
        (void)pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(readers[i].wrong, 0);
    }
    ffn_model_destroy(model);
}

static void test_steps_allocate_nothing(void)
{
    fill_data();
    failing_start(0);
    for (size_t f = 0; f < FORM_COUNT; f++) {
        ffn_model *model = form_build(&forms[f], 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(model);
        fill_targets_for(model, forms[f].loss());
        ffn_fit_options options = ffn_fit_defaults();
        options.loss = forms[f].loss();
        options.batch_size = ROWS;
        options.clip_norm = 1;
        ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
        ffn_plan *own = make_plan(model, (ffn_plan_options){0});
        const size_t before = failing.calls;
        CU_ASSERT(before > 0);
        for (size_t rows = ROWS; rows > 0; rows -= 4) {
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data, target_data, rows, NULL, NULL), FFN_OK);
            CU_ASSERT_PTR_NOT_NULL(ffn_forward(ffn_trainer_plan(trainer), x_data, rows));
            CU_ASSERT(isfinite(ffn_backward(ffn_trainer_plan(trainer), options.loss, target_data)));
            CU_ASSERT_EQUAL(ffn_trainer_apply(trainer, NULL), FFN_OK);
            CU_ASSERT_PTR_NOT_NULL(ffn_forward(own, x_data, rows));
            if (rows == 1) break;
        }
        CU_ASSERT_EQUAL(failing.calls, before);
        ffn_plan_destroy(own);
        ffn_trainer_destroy(trainer);
        ffn_model_destroy(model);
    }
    CU_ASSERT_EQUAL(failing_stop(), 0);
}

static const test_case cases[] = {
    {"every batch size", test_every_batch_size},
    {"rows do not touch each other", test_rows_do_not_touch_each_other},
    {"batches leave nothing behind", test_batches_leave_nothing_behind},
    {"a backward may be repeated", test_a_backward_may_be_repeated},
    {"refusals", test_refusals},
    {"gradients that there are not", test_gradients_that_there_are_not},
    {"accumulation", test_accumulation},
    {"shared weights add up", test_shared_weights_add_up},
    {"frozen plans and input gradients", test_frozen_plans_and_input_gradients},
    {"backward from a gradient", test_backward_from},
    {"against a naive network", test_against_a_naive_network},
    {"memory", test_memory},
    {"many threads on one model", test_many_threads_on_one_model},
    {"steps allocate nothing", test_steps_allocate_nothing},
};
TEST_MAIN("plan", cases)
