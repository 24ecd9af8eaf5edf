/* L-BFGS: an optimizer that looks at all parameters at once, and so is the trainer's affair. */
#ifndef FFN__LBFGS_H
#define FFN__LBFGS_H

#include "train/train.h"

struct ffn__lbfgs {
    size_t size, history;      /* of the block; pairs kept at most */
    size_t count, next;        /* pairs kept; where the next one goes */
    float *steps;              /* s [history][size]: differences of the weights, */
    float *changes;            /* y [history][size]: and of the gradients */
    double *inverse;           /* [history]: 1 / (y s) */
    double *alpha;             /* [history] */
    float *weights, *gradient; /* [size] of the update before */
    float *g, *direction;      /* [size] of this one */
    float *scores;             /* [outputs of a batch] before it: a search overwrites the plan's */
    bool begun;
    double scale; /* of the inverse Hessian one begins with: y s / (y y) of the newest pair */
};

/* NULL with an error for want of memory. */
ffn__lbfgs *ffn__lbfgs_create(const ffn_trainer *trainer, ffn_error *error);
void ffn__lbfgs_destroy(ffn__lbfgs *lbfgs);
size_t ffn__lbfgs_history(const ffn_optimizer *optimizer); /* pairs: its own number, or the default */
size_t ffn__lbfgs_memory(const ffn_trainer *trainer);      /* bytes; 0 of another optimizer */

/* One update along the direction by the plan's gradients, with the learning rate as its length; the first time it is
 * shortened to 1 / sum |g| if that is less than 1. false: a weight would not be finite; all are as before. */
bool ffn__lbfgs_apply(ffn_trainer *trainer, double rate);
/* The same, with a length that meets the strong Wolfe conditions for the loss of this batch: it falls by 1e-4 of what the
 * slope promises, and the slope becomes 0.9 of what it was or less. value: the loss of the last forward and backward. Where
 * no length makes it fall the weights stay and the history is forgotten. */
void ffn__lbfgs_search(ffn_trainer *trainer, double rate, double value, const float *x, const float *targets,
                       size_t rows);

/* ---- along a direction (line_search.c) ------------------------------------------------------------------------- */

/* A function of one length. */
typedef struct ffn__line {
    double (*evaluate)(void *context, double at, double *slope); /* its value; not finite: too far */
    void *context;
    double largest; /* what a length of 1 changes the most */
} ffn__line;

/* A length that meets the strong Wolfe conditions, or after 25 evaluations the best so far; 0: none lets the value fall.
 * value, slope: at 0. first > 0: where to begin. */
double ffn__line_search(const ffn__line *line, double value, double slope, double first);

#endif
