/* The speed of a training step (forward, softmax cross entropy, backward, update) beside its limits, in one run:
 *   bound   only the step's matrix products, by OpenBLAS with as many threads
 *   passes  the same and one pass over memory for each bias, activation, loss and the optimizer
 *   ours    ffn_trainer_step
 *   fann    FANN's step, where it is installed: one thread, gradient descent */
#include <stdio.h>
#include <stdlib.h>

#include "common/bench.h"
#include "common/network.h"
#include "common/rival.h"

typedef struct training_case {
    const char *name;
    const network *net;
    size_t batch;
    bool adam;
} training_case;

static const training_case cases[] = {
    {"T_b1_sgd", &network_t, 1, false},     {"T_b32_sgd", &network_t, 32, false},
    {"S_b32_adam", &network_s, 32, true},   {"S_b32_sgd", &network_s, 32, false},
    {"M_b32_adam", &network_m, 32, true},   {"M_b32_sgd", &network_m, 32, false},
    {"M_b128_adam", &network_m, 128, true}, {"M_b128_sgd", &network_m, 128, false},
    {"M_b512_adam", &network_m, 512, true}, {"M_b512_sgd", &network_m, 512, false},
    {"L_b256_adam", &network_l, 256, true}, {"D_b64_adam", &network_d, 64, true},
};

typedef struct ours {
    ffn_model *model;
    ffn_trainer *trainer;
    float *x, *targets;
    size_t batch;
} ours;

static void run_ours(void *context, size_t steps)
{
    const ours *o = context;
    ffn_error error;
    for (size_t i = 0; i < steps; i++)
        if (ffn_trainer_step(o->trainer, o->x, o->targets, o->batch, NULL, &error) != FFN_OK) {
            fprintf(stderr, "%s\n", error.message);
            exit(1);
        }
}

static ours make_ours(const bench_options *bench, const training_case *c, size_t threads)
{
    ffn_error error = {0};
    ours o = {.model = network_model(c->net, bench->table), .batch = c->batch};
    const size_t classes = c->net->sizes[c->net->layers];
    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = c->adam ? ffn_adam((float)1e-3) : ffn_sgd((float)0.01);
    options.batch_size = c->batch;
    options.threads = threads;
    o.trainer = ffn_trainer_create(o.model, &options, &error);
    if (!o.trainer) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    o.x = network_random(c->batch * c->net->sizes[0], 11);
    o.targets = network_random(c->batch, 12);
    for (size_t i = 0; i < c->batch; i++) o.targets[i] = (float)(i * 7 % classes);
    return o;
}

static void destroy_ours(ours *o)
{
    ffn_trainer_destroy(o->trainer);
    ffn_model_destroy(o->model);
    free(o->x);
    free(o->targets);
}

static void measure(const bench_options *options, const training_case *c, size_t threads)
{
    network_bound bound = network_bound_create(c->net, c->batch, true, false, false);
    network_bound passes = network_bound_create(c->net, c->batch, true, true, c->adam);
    ours o = make_ours(options, c, threads);
    bench_row rows[] = {
        {.name = "bound",
         .run = network_bound_run,
         .context = &bound,
         .samples = (double)c->batch,
         .blas_threads = threads},
        {.name = "passes",
         .run = network_bound_run,
         .context = &passes,
         .samples = (double)c->batch,
         .blas_threads = threads},
        {.name = "ours", .run = run_ours, .context = &o, .samples = (double)c->batch, .blas_threads = 1},
        {.name = "fann", .run = rival_run, .samples = (double)c->batch, .blas_threads = 1},
    };
    const size_t own = sizeof(rows) / sizeof(rows)[0] - 1;
    rival *fann = threads == 1 && !c->adam ? rival_create(c->net, c->batch) : NULL;
    rows[own].context = fann;
    bench_run(options, c->name, threads, rows, fann ? own + 1 : own);
    rival_destroy(fann);
    network_bound_destroy(&bound);
    network_bound_destroy(&passes);
    destroy_ours(&o);
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_parse(argc, argv, "Training steps per second, beside the bare matrix products.");
    for (size_t threads = 1; threads <= 2; threads++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++)
            if (bench_selected(&options, cases[i].name, threads)) measure(&options, &cases[i], threads);
    bench_finish(&options);
    return 0;
}
