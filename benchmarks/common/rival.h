/* Rows for another library's training step, where it was found when the programs were built. */
#ifndef RIVAL_H
#define RIVAL_H

#include "common/network.h"

/* FANN: the same layers and batch by gradient descent; its nearest to softmax and cross entropy are sigmoids and the
 * squared error. NULL if it is not there, or has no memory. */
typedef struct rival rival;
rival *rival_create(const network *net, size_t batch);
void rival_run(void *rival, size_t steps);
void rival_destroy(rival *rival);

#endif
