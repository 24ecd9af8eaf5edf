/* Kernels for few rows of narrow layers: see narrow_kernels.c. */
#ifndef FFN__NARROW_H
#define FFN__NARROW_H

#include "kernel/kernel.h"

/* B rows, K inputs and N units, K and N at most FFN__HALF_PANEL; W and dW in panels. Beta 0 sets and 1 adds. */
typedef struct ffn__narrow_kernels {
    /* Z[B,N] = X W^T + bias; bias may be NULL */
    void (*forward)(size_t rows, size_t inputs, size_t units, const float *x, const float *w, const float *bias,
                    float *z);
    /* dX[B,K] = dZ W */
    void (*backward)(size_t rows, size_t inputs, size_t units, const float *dz, const float *w, float beta, float *dx);
    /* dW[N,K] = dZ^T X */
    void (*weight_gradient)(size_t rows, size_t inputs, size_t units, const float *dz, const float *x, float beta,
                            float *dw);
    /* db[N] = sum of dZ over B */
    void (*bias_gradient)(size_t rows, size_t units, const float *dz, float beta, float *db);
} ffn__narrow_kernels;

const ffn__narrow_kernels *ffn__narrow(void); /* of the instruction set in use */

#endif
