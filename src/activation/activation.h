/* Activations: the built-in kinds' tables, one for each instruction set. */
#ifndef FFN__ACTIVATION_H
#define FFN__ACTIVATION_H

#include "tensor/isa.h"

/* X(kind, argument, alpha, per_unit) for every kind in the header's order: its constructor's argument list, the alpha
 * that the constructor (for a kind with an argument: ffn_activation_by_name) gives it, and per_unit. */
#define FFN__ACTIVATIONS(X)                                                                                            \
    X(linear, void, 0, false)                                                                                          \
    X(sigmoid, void, 0, false)                                                                                         \
    X(tanh, void, 0, false)                                                                                            \
    X(relu, void, 0, false)                                                                                            \
    X(leaky_relu, float slope, 0.01, false)                                                                            \
    X(prelu, float initial_slope, 0.25, false)                                                                         \
    X(prelu_per_unit, float initial_slope, 0.25, true)                                                                 \
    X(elu, float alpha, 1, false)                                                                                      \
    X(selu, void, 0, false)                                                                                            \
    X(softmax, void, 0, false)                                                                                         \
    X(log_softmax, void, 0, false)                                                                                     \
    X(swish, float beta, 1, false)                                                                                     \
    X(gelu, void, 0, false)                                                                                            \
    X(gelu_tanh, void, 0, false)                                                                                       \
    X(softplus, void, 0, false)                                                                                        \
    X(softsign, void, 0, false)                                                                                        \
    X(mish, void, 0, false)                                                                                            \
    X(hard_sigmoid, void, 0, false)                                                                                    \
    X(hard_swish, void, 0, false)

#define FFN__ACTIVATION_ID(kind, argument, alpha, per_unit) FFN__##kind,
enum { FFN__ACTIVATIONS(FFN__ACTIVATION_ID) FFN__ACTIVATION_COUNT };

typedef struct ffn__activation_table {
    ffn_activation_ops kinds[FFN__ACTIVATION_COUNT];
} ffn__activation_table;

FFN__ISA_DECLARE(ffn__activation_table, ffn__activations);

#endif
