/* Layers at most half a panel wide on both sides, for any number of rows: narrow_kernels.c has the products,
 * dense_narrow.c the layer. */
#ifndef FFN__NARROW_H
#define FFN__NARROW_H

#include "kernel/kernel.h"
#include "kernel/native.h"

/* A layer's sides as its kernels see them, each at most FFN__HALF_PANEL. */
typedef struct ffn__narrow_shape {
    uint8_t inputs, units, depth, width;
    bool units_in_lanes; /* else the inputs */
} ffn__narrow_shape;

#define FFN__NARROW_NONE UINT32_MAX /* an offset: there is none */

/* A layer of a chain, bound to the memory of a single row by offsets, in floats, into the chain's blocks: tiny networks are
 * to stay tiny. Every value has room for FFN__HALF_PANEL floats, of which those behind the last mean nothing. */
typedef struct ffn__narrow_layer {
    ffn__narrow_shape shape;
    bool trains;                      /* its parameters */
    bool adds_weight, adds_bias;      /* their gradients, to what is there */
    uint32_t weight, bias;            /* of the model's block and of the gradients' */
    uint32_t z, y, dy;                /* z and y: the same, unless the activation's derivative wants z; dy becomes dz */
    const ffn_activation *activation; /* NULL: none */
} ffn__narrow_layer;

/* Layers that follow each other. */
typedef struct ffn__narrow_chain {
    const ffn__narrow_layer *layers;
    size_t count;
    const float *x; /* what the first one reads */
    float *dx;      /* the gradient of it; NULL: not wanted */
    const float *values;
    float *gradients, *arena;
    bool linear; /* the last one's activation is left out */
} ffn__narrow_chain;

/* The wider of inputs and units lies in the lanes, padded to FFN__HALF_PANEL of them; the other one is the depth. R rows,
 * D depth, L lanes in use; W and dW [D][FFN__HALF_PANEL]. */
typedef struct ffn__narrow_kernels {
    /* C[R,L] = A[R,D] W + from; from: rows of [L] that are from_step apart, 0: one for all; NULL: none */
    void (*spread)(size_t rows, size_t depth, size_t width, const float *a, const float *w, const float *from,
                   size_t from_step, float *c);
    /* C[R,D] = V[R,L] W^T + from, as above but of [D] */
    void (*gather)(size_t rows, size_t depth, size_t width, const float *v, const float *w, const float *from,
                   size_t from_step, float *c);
    /* dW = A^T[D,R] V[R,L] + beta dW for depths from `first` on, at most FFN__NARROW_BLOCK of them */
    void (*gradient)(size_t rows, size_t depth, size_t first, size_t width, const float *a, const float *v, float beta,
                     float *dw);
    /* sum[N] = the sum over the rows of x[R,N] + beta sum */
    void (*sum_rows)(size_t rows, size_t n, const float *x, float beta, float *sum);
    /* A row's way through a chain, and the way back, which tells whether all gradients of parameters are finite. */
    void (*forward_row)(const ffn__narrow_chain *chain);
    bool (*backward_row)(const ffn__narrow_chain *chain);
} ffn__narrow_kernels;

enum { FFN__NARROW_BLOCK = 4 };

FFN__ISA_DECLARE(ffn__narrow_kernels, ffn__narrow_kernels);
static inline const ffn__narrow_kernels *ffn__narrow(void) /* of the instruction set in use */
{
    static const ffn__narrow_kernels *const tables[] = FFN__ISA_TABLES(ffn__narrow_kernels);
    return tables[ffn__isa()];
}

static inline bool ffn__is_narrow(size_t inputs, size_t units)
{
    return inputs <= FFN__HALF_PANEL && units <= FFN__HALF_PANEL;
}

ffn__narrow_shape ffn__narrow_shape_of(size_t inputs, size_t units);
double ffn__narrow_work(const ffn__narrow_shape *shape, size_t rows); /* of a product, for the choice of threads */

/* Z[B,N] = X W^T + b; b may be NULL */
void ffn__narrow_forward(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *shape, size_t rows,
                         const float *x, const float *w, const float *b, float *z);
/* dX[B,K] = dZ W + beta dX */
void ffn__narrow_backward(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *shape, size_t rows,
                          const float *dz, const float *w, float beta, float *dx);
/* dW[N,K] = dZ^T X + beta dW */
void ffn__narrow_gradient(const ffn__narrow_kernels *kernels, const ffn__narrow_shape *shape, size_t rows,
                          const float *dz, const float *x, float beta, float *dw);

/* The same for a layer bound to memory, of any number of rows, by threads: Z, or Y, without the activation; dX from dZ;
 * dW and db. */
void ffn__narrow_dense_forward(const ffn__dense *dense);
void ffn__narrow_dense_backward(const ffn__dense *dense);
void ffn__narrow_dense_gradients(const ffn__dense *dense);

#endif
