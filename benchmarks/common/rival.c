#include "rival.h"

#ifdef BENCH_FANN
#include <floatfann.h>
#include <stdlib.h>

struct rival {
    struct fann *net;
    struct fann_train_data *data;
};

static void FANN_API fill(unsigned row, unsigned inputs, unsigned outputs, float *x, float *y)
{
    for (unsigned i = 0; i < inputs; i++) x[i] = (float)((row * inputs + i) * 37 % 101) / 50 - 1;
    for (unsigned i = 0; i < outputs; i++) y[i] = row * 7 % outputs == i ? 1 : 0;
}

rival *rival_create(const network *net, size_t batch)
{
    unsigned sizes[16];
    const unsigned count = (unsigned)net->layers + 1;
    rival *r = calloc(1, sizeof *r);
    if (!r || count > sizeof sizes / sizeof *sizes) return free(r), NULL;
    for (unsigned i = 0; i < count; i++) sizes[i] = (unsigned)net->sizes[i];
    r->net = fann_create_standard_array(count, sizes);
    r->data = fann_create_train_from_callback((unsigned)batch, sizes[0], sizes[count - 1], fill);
    if (!r->net || !r->data) return rival_destroy(r), NULL;
    fann_set_activation_function_hidden(r->net, FANN_SIGMOID_SYMMETRIC);
    fann_set_activation_function_output(r->net, FANN_SIGMOID);
    fann_set_training_algorithm(r->net, batch == 1 ? FANN_TRAIN_INCREMENTAL : FANN_TRAIN_BATCH);
    fann_set_learning_rate(r->net, (float)0.01);
    return r;
}

void rival_run(void *context, size_t steps)
{
    rival *r = context;
    for (size_t i = 0; i < steps; i++) (void)fann_train_epoch(r->net, r->data);
}

void rival_destroy(rival *r)
{
    if (!r) return;
    if (r->net) fann_destroy(r->net);
    if (r->data) fann_destroy_train(r->data);
    free(r);
}
#else
rival *rival_create(const network *net, size_t batch) { return (void)net, (void)batch, NULL; }
void rival_run(void *context, size_t steps) { (void)context, (void)steps; }
void rival_destroy(rival *r) { (void)r; }
#endif
