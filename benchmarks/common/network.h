/* The networks that the speed of training and prediction is measured on, and what their steps cost at the least. */
#ifndef NETWORK_H
#define NETWORK_H

#include "ffn.h"

enum { NETWORK_MOST_LAYERS = 10 };

typedef struct network {
    const char *name;
    size_t layers;                     /* of weights */
    size_t sizes[NETWORK_MOST_LAYERS]; /* [layers + 1], inputs first */
    ffn_activation (*activation)(void);
} network;

extern const network network_t, network_s, network_m, network_l, network_d;

/* The model, ending in a softmax; ends the program where it cannot be made. */
ffn_model *network_model(const network *net, ffn_kernels kernels);
size_t network_parameters(const network *net);

/* Memory of a step made of bare products, with random content. */
typedef struct network_bound {
    const network *net;
    size_t batch;
    bool training, passes, adam;
    float *w[NETWORK_MOST_LAYERS], *dw[NETWORK_MOST_LAYERS];
    float *y[NETWORK_MOST_LAYERS + 1], *dy[NETWORK_MOST_LAYERS + 1];
    float *bias, *state; /* state: [3][parameters] where the optimizer has any */
} network_bound;

/* passes: also one pass over memory for each bias, activation, derivative, bias gradient, loss and the optimizer. */
network_bound network_bound_create(const network *net, size_t batch, bool training, bool passes, bool adam);
void network_bound_destroy(network_bound *bound);
void network_bound_run(void *bound, size_t steps); /* for a bench_row */

float *network_random(size_t count, uint32_t stream); /* normal numbers; the caller frees */

#endif
