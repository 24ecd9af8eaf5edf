/* The speed of prediction through a plan, beside the bare matrix products of OpenBLAS with as many threads. */
#include <stdio.h>
#include <stdlib.h>

#include "common/bench.h"
#include "common/network.h"

typedef struct inference_case {
    const char *name;
    const network *net;
    size_t batch;
} inference_case;

static const inference_case cases[] = {
    {"S_b1", &network_s, 1},
    {"S_b256", &network_s, 256},
    {"M_b1", &network_m, 1},
    {"M_b256", &network_m, 256},
};

typedef struct ours {
    ffn_plan *plan;
    float *x;
    size_t batch;
} ours;

static void run_ours(void *context, size_t steps)
{
    const ours *o = context;
    for (size_t i = 0; i < steps; i++)
        if (!ffn_forward(o->plan, o->x, o->batch)) exit(1);
}

static void measure(const bench_options *options, const inference_case *c, size_t threads)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = network_model(c->net, options->table);
    ours o = {.batch = c->batch, .x = network_random(c->batch * c->net->sizes[0], 11)};
    o.plan = ffn_plan_create(model, (ffn_plan_options){.max_batch = c->batch, .threads = threads}, &error);
    if (!o.plan) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    network_bound bound = network_bound_create(c->net, c->batch, false, false, false);
    network_bound passes = network_bound_create(c->net, c->batch, false, true, false);
    const double samples = (double)c->batch;
    bench_row rows[] = {
        {.name = "bound", .run = network_bound_run, .context = &bound, .samples = samples, .blas_threads = threads},
        {.name = "passes", .run = network_bound_run, .context = &passes, .samples = samples, .blas_threads = threads},
        {.name = "ours", .run = run_ours, .context = &o, .samples = samples, .blas_threads = 1},
    };
    bench_run(options, c->name, threads, rows, sizeof(rows) / sizeof(rows)[0]);
    network_bound_destroy(&bound);
    network_bound_destroy(&passes);
    ffn_plan_destroy(o.plan);
    ffn_model_destroy(model);
    free(o.x);
}

int main(int argc, char **argv)
{
    const bench_options options = bench_parse(argc, argv, "Predictions per second, beside the bare matrix products.");
    for (size_t threads = 1; threads <= 2; threads++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++)
            if (bench_selected(&options, cases[i].name, threads)) measure(&options, &cases[i], threads);
    bench_finish(&options);
    return 0;
}
