/* The built-in losses: one table of kinds per instruction set. */
#ifndef FFN__LOSS_KINDS_H
#define FFN__LOSS_KINDS_H

#include "tensor/isa.h"

enum {
    FFN__MSE = 0,
    FFN__MAE,
    FFN__HUBER,
    FFN__SMOOTH_L1,
    FFN__BINARY_CROSS_ENTROPY,
    FFN__CROSS_ENTROPY,
    FFN__CROSS_ENTROPY_SOFT,
    FFN__KL_DIVERGENCE,
    FFN__HINGE,
    FFN__LOSS_KINDS
};

typedef struct ffn__loss_kernels {
    ffn_loss_ops kinds[FFN__LOSS_KINDS];
    /* y = z - log sum e^z by rows; y == z must work */
    void (*log_softmax)(size_t rows, size_t cols, const float *z, float *y);
    /* d [rows][cols] is a gradient with respect to log_softmax(z), and becomes the one with respect to z */
    void (*log_softmax_backward)(size_t rows, size_t cols, const float *z, float *d);
} ffn__loss_kernels;

FFN__ISA_DECLARE(ffn__loss_kernels, ffn__loss);

#endif
