/* The built-in optimizers: their tables, one set per instruction set, and what their sources share. */
#ifndef FFN__OPTIMIZER_KINDS_H
#define FFN__OPTIMIZER_KINDS_H

#include "tensor/isa.h"

#include <string.h>

FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__sgd);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adagrad);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__rmsprop);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adam);
FFN__ISA_DECLARE(ffn_optimizer_ops, ffn__adamw);

/* Bounds of every field; sgd's adds what nesterov needs. */
const char *ffn__optimizer_check_fields(const ffn_optimizer *optimizer);
const char *ffn__optimizer_check_sgd(const ffn_optimizer *optimizer);

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

/* ---- lanes: elements pass through the same code LANES at a time, a remainder padded with zeros, so that an element's
 * bits depend neither on its place nor on the array's length ---- */

enum { FFN__LANES = 16 };
#define FFN__INLINE static inline __attribute__((always_inline))

FFN__INLINE void ffn__lanes_load(size_t count, const float *from, float *to)
{
    if (count >= FFN__LANES) {
        memcpy(to, from, FFN__LANES * sizeof *to);
        return;
    }
    for (size_t j = 0; j < FFN__LANES; j++) to[j] = j < count ? from[j] : 0;
}

FFN__INLINE void ffn__lanes_store(size_t count, const float *from, float *to)
{
    memcpy(to, from, (count >= FFN__LANES ? FFN__LANES : count) * sizeof *to);
}

#endif
