/* Optimizers, schedules, and the way from a raw gradient to an update. */
#ifndef FFN__OPTIMIZER_H
#define FFN__OPTIMIZER_H

#include "tensor/tensor.h"

/* The table of ffn_lbfgs, whose step is only gradient descent: a trainer does its work. */
extern const ffn_optimizer_ops ffn__lbfgs_ops;

/* An error names the field, what was found and what is expected. */
ffn_status ffn__optimizer_check(const ffn_optimizer *optimizer, ffn_error *error);
ffn_status ffn__schedule_check(const ffn_schedule *schedule, ffn_error *error);

/* The rate of update `count`, warm-up included. */
double ffn__schedule_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count);
void ffn__schedule_report(const ffn_schedule *schedule, ffn_schedule_state *state, double metric);
ffn_schedule_state ffn__schedule_start(void);

/* What is done to a raw gradient g before the optimizer sees it, in this order:
 *     g' = clip(scale (g + l1 sign(w) + 2 l2 w), clip_value) + decay w */
typedef struct ffn__gradient_rule {
    float l1, l2;
    float scale;      /* of clipping by the norm; 1: none */
    float clip_value; /* 0: none */
    float decay;      /* coupled weight decay */
    float rate;       /* factor of the learning rate */
} ffn__gradient_rule;

/* Sum of (g + l1 sign(w) + 2 l2 w)^2: what the global norm is made of. Not finite if an element is not. */
double ffn__gradient_sum_squares(const ffn__gradient_rule *rule, size_t n, const float *w, const float *g);

/* What is the same for all parameters of update `count`, from 0, with this rate; no decoupled decay. */
void ffn__update_begin(ffn_update *update, const ffn_optimizer *optimizer, size_t count, double rate);

/* Updates w [n] and state by g [n], which is left as it is. A weight whose new value would not be finite keeps the old
 * one, and the answer is then false. Works in blocks that stay in the first-level cache. */
bool ffn__optimizer_update(const ffn_optimizer *optimizer, const ffn_update *update, const ffn__gradient_rule *rule,
                           size_t n, float *w, const float *g, float *const *state);

#endif
