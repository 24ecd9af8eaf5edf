#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef BENCH_OPENBLAS
#include <cblas.h>
#endif

const network network_t = {"T", 2, {4, 16, 3}, ffn_tanh};
const network network_s = {"S", 3, {64, 128, 64, 10}, ffn_relu};
const network network_m = {"M", 3, {784, 512, 512, 10}, ffn_relu};
const network network_l = {"L", 4, {1024, 2048, 2048, 2048, 1000}, ffn_gelu};
const network network_d = {"D", 9, {784, 128, 128, 128, 128, 128, 128, 128, 128, 10}, ffn_tanh};

static void *check(void *pointer, const char *what)
{
    if (pointer) return pointer;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

ffn_model *network_model(const network *net, ffn_kernels kernels)
{
    ffn_error error = {0};
    ffn_model *model = check(ffn_model_create(1, &error), "no memory for a model");
    ffn_set_kernels(model, kernels);
    ffn_value h = ffn_input(model, ffn_shape_1d(net->sizes[0]));
    for (size_t l = 1; l < net->layers; l++) h = ffn_dense(model, h, net->sizes[l], net->activation());
    h = ffn_dense(model, h, net->sizes[net->layers], ffn_softmax());
    if (ffn_model_build(model, h, &error) != FFN_OK) (void)check(NULL, error.message);
    return model;
}

size_t network_parameters(const network *net)
{
    size_t count = 0;
    for (size_t l = 0; l < net->layers; l++) count += (net->sizes[l] + 1) * net->sizes[l + 1];
    return count;
}

float *network_random(size_t count, uint32_t stream)
{
    float *values = check(aligned_alloc(64, (count * sizeof(float) / 64 + 1) * 64), "no memory for the data");
    ffn_random random = ffn_random_create(7, stream, 0);
    for (size_t i = 0; i < count; i++) values[i] = ffn_random_normal(&random);
    return values;
}

/* ---- the least a step costs ------------------------------------------------------------------------------------ */

network_bound network_bound_create(const network *net, size_t batch, bool training, bool passes, bool adam)
{
    network_bound b = {.net = net, .batch = batch, .training = training, .passes = passes, .adam = adam};
    for (size_t l = 0; l < net->layers; l++) {
        b.w[l] = network_random(net->sizes[l] * net->sizes[l + 1], 1);
        b.dw[l] = training ? network_random(net->sizes[l] * net->sizes[l + 1], 2) : NULL;
    }
    for (size_t l = 0; l <= net->layers; l++) {
        b.y[l] = network_random(net->sizes[l] * batch, 3);
        b.dy[l] = training ? network_random(net->sizes[l] * batch, 4) : NULL;
    }
    b.bias = network_random(4096, 5);
    b.state = adam ? network_random(2 * network_parameters(net), 6) : NULL;
    return b;
}

void network_bound_destroy(network_bound *b)
{
    for (size_t l = 0; l <= b->net->layers; l++) {
        free(b->y[l]);
        free(b->dy[l]);
    }
    for (size_t l = 0; l < b->net->layers; l++) {
        free(b->w[l]);
        free(b->dw[l]);
    }
    free(b->bias);
    free(b->state);
}

/* c [m][n] = op(a) op(b) */
static void product(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, const float *b, float *c)
{
#ifdef BENCH_OPENBLAS
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k,
                1, a, (int)(ta ? m : k), b, (int)(tb ? k : n), 0, c, (int)n);
#else
    ffn_tensor tc = ffn_tensor_view(c, ffn_shape_2d(m, n));
    const ffn_tensor av = ffn_tensor_view((float *)(uintptr_t)a, ta ? ffn_shape_2d(k, m) : ffn_shape_2d(m, k));
    const ffn_tensor bv = ffn_tensor_view((float *)(uintptr_t)b, tb ? ffn_shape_2d(n, k) : ffn_shape_2d(k, n));
    (void)ffn_matmul(&tc, &av, ta, &bv, tb, 1, 0, NULL);
#endif
}

/* One pass in place: what a bias, an activation or a loss costs at the least. */
static void pass(float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = y[i] * (float)0.999 + (float)1e-3;
}

/* One pass that reads two arrays and writes one of them: an activation's derivative. */
static void pass_pair(float *restrict dy, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) dy[i] = dy[i] * ((float)1.001 - y[i] * y[i] * (float)1e-6);
}

static void pass_bias_gradient(float *restrict sums, const float *restrict dy, size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) sums[c] += dy[r * cols + c] * (float)1e-9;
}

static void pass_sgd(float *restrict w, const float *restrict g, size_t n)
{
    for (size_t i = 0; i < n; i++) w[i] -= (float)1e-9 * g[i];
}

static void pass_adam(float *restrict w, const float *restrict g, float *restrict m, float *restrict v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = m[i] * (float)0.9 + g[i] * (float)0.1;
        v[i] = v[i] * (float)0.999 + g[i] * g[i] * (float)0.001;
        w[i] -= (float)1e-9 * m[i] * v[i];
    }
}

static void forward(const network_bound *b, size_t l)
{
    const size_t in = b->net->sizes[l], out = b->net->sizes[l + 1];
    product(false, true, b->batch, out, in, b->y[l], b->w[l], b->y[l + 1]);
    if (!b->passes) return;
    pass(b->y[l + 1], b->batch * out); /* bias */
    pass(b->y[l + 1], b->batch * out); /* activation */
}

static void backward(const network_bound *b, size_t l, size_t parameters_before)
{
    const size_t in = b->net->sizes[l], out = b->net->sizes[l + 1], n = in * out;
    if (b->passes && l + 1 < b->net->layers) pass_pair(b->dy[l + 1], b->y[l + 1], b->batch * out);
    if (b->passes) pass_bias_gradient(b->bias, b->dy[l + 1], b->batch, out);
    product(true, false, out, in, b->batch, b->dy[l + 1], b->y[l], b->dw[l]);
    if (l > 0) product(false, false, b->batch, in, out, b->dy[l + 1], b->w[l], b->dy[l]);
    if (!b->passes) return;
    float *m = b->state ? b->state + 2 * parameters_before : NULL;
    if (m)
        pass_adam(b->w[l], b->dw[l], m, m + n, n);
    else
        pass_sgd(b->w[l], b->dw[l], n);
}

void network_bound_run(void *bound, size_t steps)
{
    const network_bound *b = bound;
    const size_t layers = b->net->layers;
    for (size_t step = 0; step < steps; step++) {
        for (size_t l = 0; l < layers; l++) forward(b, l);
        if (!b->training) continue;
        if (b->passes) pass_pair(b->dy[layers], b->y[layers], b->batch * b->net->sizes[layers]); /* loss */
        size_t before = network_parameters(b->net);
        for (size_t l = layers; l-- > 0;) {
            before -= b->net->sizes[l] * b->net->sizes[l + 1];
            backward(b, l, before);
        }
    }
}
