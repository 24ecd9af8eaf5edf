/* The speed of an update alone (ffn_trainer_apply), in parameters per second, beside the memory it moves:
 *   copy      a copy of the gradient's size for each array the optimizer writes
 *   in place  one pass that reads the gradient and adds to each of those arrays: the least an update can do
 * The ratio is to the copy; what counts is the one to "in place". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bench.h"
#include "common/network.h"

static const struct {
    const char *name;
    size_t side; /* of a square weight matrix */
} sizes[] = {{"1M", 1000}, {"16M", 4000}};

static const struct {
    const char *name;
    size_t arrays; /* written: the weights and the state */
} optimizers[] = {{"sgd", 1}, {"momentum", 2}, {"adagrad", 2}, {"rmsprop", 2}, {"adam", 3}, {"adamw", 3}};

typedef struct memory {
    float *gradient, *array[3];
    size_t count, arrays;
} memory;

static void run_copy(void *context, size_t times)
{
    const memory *m = context;
    for (size_t t = 0; t < times; t++)
        for (size_t a = 0; a < m->arrays; a++) memcpy(m->array[a], m->gradient, m->count * sizeof(float));
}

static void pass_1(float *restrict a, const float *restrict g, size_t n)
{
    for (size_t i = 0; i < n; i++) a[i] += (float)1e-9 * g[i];
}

static void pass_2(float *restrict a, float *restrict b, const float *restrict g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (float)0.9 * b[i] + (float)1e-9 * g[i];
        a[i] += b[i];
    }
}

static void pass_3(float *restrict a, float *restrict b, float *restrict c, const float *restrict g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (float)0.9 * b[i] + (float)1e-9 * g[i];
        c[i] = (float)0.99 * c[i] + (float)1e-9 * g[i];
        a[i] += b[i] + c[i];
    }
}

static void run_in_place(void *context, size_t times)
{
    const memory *m = context;
    for (size_t t = 0; t < times; t++) {
        if (m->arrays == 1) pass_1(m->array[0], m->gradient, m->count);
        if (m->arrays == 2) pass_2(m->array[0], m->array[1], m->gradient, m->count);
        if (m->arrays == 3) pass_3(m->array[0], m->array[1], m->array[2], m->gradient, m->count);
    }
}

static void run_ours(void *context, size_t times)
{
    for (size_t t = 0; t < times; t++)
        if (ffn_trainer_apply(context, NULL) != FFN_OK) exit(1);
}

static void stop_on(const ffn_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* A trainer of one square layer, with a small gradient in its plan. */
static ffn_trainer *make_trainer(ffn_model *model, size_t side, const char *optimizer, size_t threads,
                                 const float *gradient)
{
    ffn_error error = {FFN_OK, ""};
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(side)), side, ffn_linear());
    ffn_set_bias(model, y, false);
    if (ffn_model_build(model, y, &error) != FFN_OK) stop_on(&error);
    ffn_fit_options options = ffn_fit_defaults();
    if (ffn_optimizer_by_name(optimizer, &options.optimizer, &error) != FFN_OK) stop_on(&error);
    options.optimizer.learning_rate = (float)1e-6;
    options.threads = threads;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, &error);
    if (!trainer || ffn_plan_set_gradient(ffn_trainer_plan(trainer), 0, gradient, &error) != FFN_OK) stop_on(&error);
    return trainer;
}

static void measure(const bench_options *options, const char *name, size_t size, size_t optimizer, size_t threads)
{
    const size_t side = sizes[size].side, count = side * side;
    memory m = {.gradient = network_random(count, 1), .count = count, .arrays = optimizers[optimizer].arrays};
    for (size_t a = 0; a < m.arrays; a++) m.array[a] = network_random(count, (uint32_t)a + 2);
    ffn_model *model = ffn_model_create(1, NULL);
    if (!model) exit(1);
    ffn_trainer *trainer = make_trainer(model, side, optimizers[optimizer].name, threads, m.gradient);
    bench_row rows[] = {
        {.name = "copy", .run = run_copy, .context = &m, .samples = (double)count, .blas_threads = 1},
        {.name = "in place", .run = run_in_place, .context = &m, .samples = (double)count, .blas_threads = 1},
        {.name = "ours", .run = run_ours, .context = trainer, .samples = (double)count, .blas_threads = 1},
    };
    bench_run(options, name, threads, rows, sizeof(rows) / sizeof(rows)[0]);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    for (size_t a = 0; a < m.arrays; a++) free(m.array[a]);
    free(m.gradient);
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_parse(argc, argv, "Updates, in parameters per second, beside the memory they move.");
    for (size_t threads = 1; threads <= 2; threads++)
        for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes)[0]; size++)
            for (size_t o = 0; o < sizeof(optimizers) / sizeof(optimizers)[0]; o++) {
                char name[32];
                (void)snprintf(name, sizeof(name), "%s_%s", optimizers[o].name, sizes[size].name);
                if (bench_selected(&options, name, threads)) measure(&options, name, size, o, threads);
            }
    bench_finish(&options);
    return 0;
}
