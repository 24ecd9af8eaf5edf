/* What a unit of work costs as things double: width, depth, batch and data; what a step costs at the least; many tiny
 * networks; and the memory that training takes. A cost that grows with the size would show as a growing column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.h"
#include "common/network.h"

static void *check(void *handle, const ffn_error *error)
{
    if (handle) return handle;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* ---- one trainer ------------------------------------------------------------------------------------------------- */

typedef struct subject {
    ffn_model *model;
    ffn_trainer *trainer;
    float *x, *targets;
    size_t batch, parameters;
} subject;

static subject make_subject(const network *net, size_t batch, bool adam, size_t threads, ffn_kernels kernels)
{
    ffn_error error = {FFN_OK, ""};
    subject s = {.model = network_model(net, kernels), .batch = batch, .parameters = network_parameters(net)};
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = adam ? ffn_adam((float)1e-3) : ffn_sgd((float)1e-2);
    options.batch_size = batch;
    options.threads = threads;
    s.trainer = check(ffn_trainer_create(s.model, &options, &error), &error);
    s.x = network_random(batch * net->sizes[0], 11);
    s.targets = network_random(batch, 12);
    for (size_t i = 0; i < batch; i++) s.targets[i] = (float)(i % net->sizes[net->layers]);
    return s;
}

static void destroy_subject(subject *s)
{
    ffn_trainer_destroy(s->trainer);
    ffn_model_destroy(s->model);
    free(s->x);
    free(s->targets);
}

static void step(const subject *s)
{
    ffn_error error;
    if (ffn_trainer_step(s->trainer, s->x, s->targets, s->batch, NULL, &error) != FFN_OK) check(NULL, &error);
}

/* The least seconds of a step, over chunks of at least 1 ms. */
static double step_seconds(const bench_options *options, const subject *s)
{
    size_t count = 1;
    double best = 0;
    for (const double begin = bench_now(); bench_now() - begin < options->min_time;) {
        const double start = bench_now();
        for (size_t i = 0; i < count; i++) step(s);
        const double seconds = (bench_now() - start) / (double)count;
        if (best == 0 || seconds < best) best = seconds;
        if (seconds * (double)count < 1e-3) count *= 2;
    }
    return best;
}

/* ---- doubling ---------------------------------------------------------------------------------------------------- */

static void print_header(void)
{
    printf("%-8s %8s %14s %14s %16s %18s\n", "doubled", "size", "us / step", "samples / s", "ps / (w sample)",
           "plan bytes / w");
}

static void measure_network(const bench_options *options, const char *what, size_t size, const network *net,
                            size_t batch)
{
    subject s = make_subject(net, batch, true, options->threads ? options->threads : 1, options->table);
    const double seconds = step_seconds(options, &s);
    printf("%-8s %8zu %14.2f %14.4g %16.3f %18.2f\n", what, size, 1e6 * seconds, (double)batch / seconds,
           1e12 * seconds / (double)(s.parameters * batch),
           (double)ffn_plan_memory(ffn_trainer_plan(s.trainer)) / (double)s.parameters);
    destroy_subject(&s);
}

static void double_width(const bench_options *options)
{
    for (size_t width = 32; width <= 2048; width *= 2)
        measure_network(options, "width", width, &(network){"width", 3, {width, width, width, 10}, ffn_relu}, 64);
}

static void double_depth(const bench_options *options)
{
    for (size_t depth = 1; depth <= 8; depth *= 2) {
        network net = {"depth", depth + 1, {128}, ffn_relu};
        for (size_t l = 1; l <= depth; l++) net.sizes[l] = 128;
        net.sizes[depth + 1] = 10;
        measure_network(options, "depth", depth, &net, 64);
    }
}

static void double_batch(const bench_options *options)
{
    for (size_t batch = 1; batch <= 1024; batch *= 2) measure_network(options, "batch", batch, &network_m, batch);
}

/* The least seconds of so many bare steps; *least: what was found before, 0: nothing. */
static void repeat_steps(const subject *s, size_t steps, size_t times, double *least)
{
    for (size_t t = 0; t < times; t++) {
        const double start = bench_now();
        for (size_t i = 0; i < steps; i++) step(s);
        const double seconds = bench_now() - start;
        if (*least == 0 || seconds < *least) *least = seconds;
    }
}

/* The fastest epoch of ffn_fit, shuffling and gathering included, beside as many bare steps, before and after. */
static void double_data(const bench_options *options)
{
    enum { BATCH = 128, EPOCHS = 4 };
    printf("\n%-8s %8s %14s %14s %16s\n", "doubled", "rows", "s / epoch", "s bare steps", "ratio");
    for (size_t rows = 7680; rows <= 61440; rows *= 2) {
        ffn_error error = {FFN_OK, ""};
        subject s = make_subject(&network_m, BATCH, true, options->threads ? options->threads : 1, options->table);
        float *x = network_random(rows * 784, 3);
        uint32_t *labels = check(calloc(rows, sizeof(*labels)), &error);
        for (size_t i = 0; i < rows; i++) labels[i] = (uint32_t)(i % 10);
        ffn_dataset *data = check(ffn_dataset_from_labels(x, ffn_shape_1d(784), labels, 10, rows, &error), &error);
        ffn_fit_options fit = ffn_fit_defaults();
        fit.optimizer = ffn_adam((float)1e-3);
        fit.batch_size = BATCH;
        fit.threads = options->threads ? options->threads : 1;
        fit.epochs = EPOCHS;
        ffn_history history = {0};
        double bare = 0;
        repeat_steps(&s, rows / BATCH, EPOCHS / 2, &bare);
        if (ffn_fit(s.model, data, &fit, &history, &error) != FFN_OK) check(NULL, &error);
        repeat_steps(&s, rows / BATCH, EPOCHS / 2, &bare);
        double epoch = history.epoch[0].seconds;
        for (size_t i = 1; i < history.epochs; i++)
            if (history.epoch[i].seconds < epoch) epoch = history.epoch[i].seconds;
        ffn_history_destroy(&history);
        printf("%-8s %8zu %14.3f %14.3f %16.3f\n", "data", rows, epoch, bare, epoch / bare);
        ffn_dataset_destroy(data);
        free(labels);
        free(x);
        destroy_subject(&s);
    }
}

/* ---- the least a step costs, and many tiny networks --------------------------------------------------------------- */

static void least_step(const bench_options *options)
{
    const network net = {"least", 1, {1, 2}, ffn_linear};
    subject s = make_subject(&net, 1, false, 1, options->table);
    printf("\nfixed cost: %.3f us for a step of two weights at batch 1\n", 1e6 * step_seconds(options, &s));
    destroy_subject(&s);
}

/* Memory in use, counted where the library asks for it. */
static size_t bytes_in_use;

static void *count_alloc(size_t size, void *user)
{
    (void)user;
    size_t *block = malloc(size + 16);
    if (!block) return NULL;
    *block = size;
    bytes_in_use += size;
    return (char *)block + 16;
}

static void count_free(void *pointer, void *user)
{
    (void)user;
    size_t *block = (size_t *)(void *)((char *)pointer - 16);
    bytes_in_use -= *block;
    free(block);
}

static void tiny_networks(const bench_options *options)
{
    enum { NETWORKS = 10000 };
    ffn_error error = {FFN_OK, ""};
    const ffn_allocator allocator = {count_alloc, count_free, NULL};
    subject *all = check(calloc(NETWORKS, sizeof(*all)), &error);
    if (ffn_set_allocator(&allocator, &error) != FFN_OK) check(NULL, &error);
    for (size_t i = 0; i < NETWORKS; i++) all[i] = make_subject(&network_t, 1, false, 1, options->table);
    const double bytes = (double)bytes_in_use / NETWORKS;
    size_t steps = 0;
    const double start = bench_now();
    for (; bench_now() - start < options->min_time; steps += NETWORKS)
        for (size_t i = 0; i < NETWORKS; i++) step(&all[i]);
    const double seconds = (bench_now() - start) / (double)steps;
    printf(
        "\n%d networks of 4-16-3, trained by turns: %.4g steps / s; %.0f bytes each for model and trainer, %.0f above "
        "their parameters\n",
        NETWORKS, 1 / seconds, bytes, bytes - 4 * (double)all[0].parameters);
    for (size_t i = 0; i < NETWORKS; i++) destroy_subject(&all[i]);
    free(all);
    if (bytes_in_use == 0) (void)ffn_set_allocator(NULL, NULL);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Each in a process of its own, since the system tells only a process's peak. */
static void measure_memory(const bench_options *options, const char *name, const network *net, size_t batch)
{
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child != 0) {
        (void)waitpid(child, NULL, 0);
        return;
    }
    struct rusage before, after;
    (void)getrusage(RUSAGE_SELF, &before);
    subject s = make_subject(net, batch, true, options->threads ? options->threads : 1, options->table);
    for (int i = 0; i < 3; i++) step(&s);
    (void)getrusage(RUSAGE_SELF, &after);
    size_t values = 0;
    for (size_t l = 0; l <= net->layers; l++) values += net->sizes[l] * batch;
    const double mega = 1 << 20, weights = 4 * (double)s.parameters / mega, batch_values = 4 * (double)values / mega;
    /* parameters and two blocks of state and the gradient, a batch of values, their gradients, and 4 MB */
    const double limit = 4 * weights + 2 * batch_values + 4;
    printf("%-8s %12.2f %12.2f %12.2f %12.2f %12.2f\n", name, weights,
           (double)ffn_plan_memory(ffn_trainer_plan(s.trainer)) / mega,
           3 * weights + (double)ffn_plan_memory(ffn_trainer_plan(s.trainer)) / mega, limit,
           (double)(after.ru_maxrss - before.ru_maxrss) / 1024);
    (void)fflush(stdout);
    _exit(0);
}

static void memory(const bench_options *options)
{
    printf("\n%-8s %12s %12s %12s %12s %12s   (MB; all: weights, state and plan)\n", "Adam", "weights", "plan", "all",
           "limit", "resident");
    measure_memory(options, "M_b128", &network_m, 128);
    measure_memory(options, "L_b256", &network_l, 256);
}

int main(int argc, char **argv)
{
    const bench_options options = bench_parse(argc, argv, "What a unit of work costs as things double.");
    memory(&options); /* before anything else has touched memory */
    tiny_networks(&options);
    least_step(&options);
    printf("\n");
    print_header();
    double_width(&options);
    double_depth(&options);
    double_batch(&options);
    double_data(&options);
    return 0;
}
