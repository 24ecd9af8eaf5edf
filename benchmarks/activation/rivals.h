/* What the activations are measured against: the same functions by the C library, an element at a time, by SLEEF and by
 * oneDNN. */
#ifndef RIVALS_H
#define RIVALS_H

#include <stddef.h>

typedef void rival_forward(size_t rows, size_t cols, const float *x, float *y);
typedef void rival_backward(size_t n, const float *v, const float *dy, float *dx); /* v: x or y, what the kind reads */

typedef struct rival {
    const char *kind;
    rival_forward *forward;
    rival_backward *backward; /* or NULL */
} rival;

/* NULL where there is none */
const rival *rival_libm(const char *kind);
/* With AVX-512 and SLEEF, else NULL: of at most 1.0 ulp, or of 3.5 ulp where SLEEF has both */
const rival *rival_sleef_u10(const char *kind);
const rival *rival_sleef_u35(const char *kind);

/* Where oneDNN 2 is found, else NULL */
const rival *rival_onednn(const char *name);

/* For the files that define them. */
const rival *rival_find(const rival *rivals, size_t count, const char *kind);

#endif
