/* The built-in optimizers: their tables, one set per instruction set, and what their sources share. */
#ifndef FFN__OPTIMIZER_KINDS_H
#define FFN__OPTIMIZER_KINDS_H

#include "tensor/isa.h"

FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__sgd);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adagrad);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__rmsprop);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adam);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adamw);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adadelta);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adamax);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__nadam);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__radam);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__lion);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__rprop);

/* Bounds of every field; sgd's adds what nesterov needs, rprop's that its steps have a range. */
const char *ffn__optimizer_check_fields(const ffn_optimizer *optimizer);
const char *ffn__optimizer_check_sgd(const ffn_optimizer *optimizer);
const char *ffn__optimizer_check_rprop(const ffn_optimizer *optimizer);

/* What stands between a raw gradient and the optimizer: see optimizer.h. */
struct ffn__gradient_rule;
typedef struct ffn__update_kernels {
    void (*effective)(const struct ffn__gradient_rule *rule, size_t n, const float *w, const float *g,
                      float *effective);
    double (*sum_squares)(const struct ffn__gradient_rule *rule, size_t n, const float *w, const float *g);
    /* Puts old[i] back where w[i] is not finite; false if there was one. */
    bool (*keep_finite)(size_t n, const float *old, float *w);
} ffn__update_kernels;

FFN__ISA_DECLARE(ffn__update_kernels, ffn__update);

#endif
