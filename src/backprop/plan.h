/* A plan: the graph flattened into steps that are bound to one arena. */
#ifndef FFN__PLAN_H
#define FFN__PLAN_H

#include <stdatomic.h>

#include "backprop/model.h"

/* What an op reads, and the gradient of it that it gives. */
typedef struct ffn__op_input {
    const float *value;     /* NULL: the caller's x, known at forward */
    const ffn_shape *shape; /* the model's */
    float *gradient;        /* NULL: not wanted */
    float beta;
} ffn__op_input;

typedef struct ffn__op_parameter {
    float *values, *gradient, *next_state; /* NULL: there is none */
    float beta;                            /* of the gradient */
    bool first_writer;                     /* of the gradient in a backward: beta follows accumulate */
} ffn__op_parameter;

/* A node's work, bound to memory: what the public step of a call is made of. */
typedef struct ffn__op {
    const ffn_layer_ops *ops;
    const void *config;
    size_t node;
    ffn__op_input *inputs;         /* as many as the node has */
    ffn__op_parameter *parameters; /* [parameter_count], by their places */
    size_t parameter_count;
    float *output, *output_gradient, *saved;
    float *forward_scratch, *backward_scratch, *gradient_scratch;
    uint8_t kernels; /* an ffn_kernels, never AUTO */
    bool runs_backward;
    bool input_turned, output_turned; /* where the forward does not want every value as the world knows it */
    bool joined; /* forward and backward can run along with those of the op before it, see ffn__dense_joined */
    bool input_rectified, output_rectified; /* of those, ReLUs' whose derivative the only reader takes care of */
} ffn__op;

/* One of several inputs, cut out of the caller's rows. */
typedef struct ffn__slice {
    size_t begin, size; /* of a row */
    float *values;      /* [max_batch][size] */
    float *gradient;    /* the same, or NULL */
} ffn__slice;

/* States that training forwards change; see states.c. */
typedef struct ffn__next_state {
    size_t parameter;
    size_t offset; /* in next_states.values */
} ffn__next_state;

typedef struct ffn__next_states {
    ffn__next_state *states; /* [count]; NULL: no layer collects any */
    float *values;           /* what they become with the next update */
    size_t least_rows;       /* that a forward works with ... */
    uint32_t least_node;     /* ... because of this one */
    uint32_t count;
    float share; /* of a batch in running statistics, as ffn_step's state_share */
    bool begun;  /* forwards since the last update have begun to change them */
} ffn__next_states;

/* Small members stand together: there are programs with thousands of tiny networks. */
struct ffn_plan {
    const ffn_model *model;
    ffn_plan_options options;
    ffn__op *ops;                   /* [op_count] in the order of forward, with what they point to behind them */
    ffn__normalized_dense *fusions; /* configs of layers that are not the model's, see fuse.c; NULL: there are none */
    size_t op_count;
    ffn__slice *slices; /* of models with several inputs */
    size_t slice_count, input_size;
    float *arena;     /* owned */
    float *gradients; /* of parameters, behind the arena, laid out as the model's block; NULL: frozen, or nothing to
                              train */
    size_t gradient_slots;  /* threads that have scratch of their own for parameters' gradients */
    bool *has_gradient;     /* by parameter */
    const float *output;    /* NULL: the caller's x itself */
    float *output_gradient; /* NULL: nothing needs it */
    float *loss_work;       /* where the loss leaves its gradient: output_gradient, or memory of that size */
    float *input_gradient;  /* [max_batch][input_size] */
    const float *logits;    /* input of the output's activation; NULL: none kept, or the caller's x */
    size_t output_op;       /* that makes the output; FFN__NONE */
    size_t chain_rows; /* most rows that one thread is to work through as chain.c does; 0: the ops are no such chain */
    struct ffn__narrow_layer *layers; /* [op_count], of such a chain, for a single row; NULL: not all are narrow */
    size_t bytes;
    uint64_t seed; /* of random streams */
    ffn__next_states next_states;
    const float *row_weights; /* [rows], borrowed; NULL: all 1 */
    double loss_weight;       /* what the sum over the last backward's losses is divided by for their mean ... */
    bool sums;                /* ... but gradients are of the sum */
    bool keeps_logits;        /* for losses: training, or evaluation */
    bool logits_are_x;
    bool keeps_deltas;            /* the gradients of all values, so that those of parameters may follow at the end */
    bool can_update_early;        /* see ffn__backward_early */
    bool reports_gradients;       /* every layer with parameters tells when a part of their gradients is there */
    bool gradients_by_hand;       /* a caller's backward made them, or it set them: a checkpoint has them */
    atomic_bool gradients_finite; /* the gradients are known to be; false: it has to be looked at */
    bool accumulate;
    /* the last forward */
    bool fused;           /* with the loss: the output's activation is left out, also in backward */
    bool plain;           /* no value is turned */
    bool backwards;       /* a chain's next one begins with the weights that this one has read last */
    uint32_t forwards;    /* training forwards so far */
    uint32_t random_step; /* of the random streams */
    uint32_t frozen_ops;  /* of a chain: the first ones, through which no gradient passes */
    size_t rows;
    const float *x;
};

/* As ffn_plan_create; keep_logits: an inference plan that ffn__plan_loss can be asked of, with a step for each layer. */
ffn_plan *ffn__plan_create(const ffn_model *model, ffn_plan_options options, bool keep_logits, ffn_error *error);
/* Forward for a loss that follows. Where it is fused with the output's activation, that is left out and the answer is
 * its input, the logits; else it is the output. */
const float *ffn__forward_for_loss(ffn_plan *plan, const ffn_loss *loss, const float *x, size_t rows);
/* Forward in which visit sees each node's step before it runs; true: it has set the step's output itself. No value is
 * turned. The outputs, as of ffn_forward. A plan made with keep_logits has a step for every layer. */
const float *ffn__plan_walk(ffn_plan *plan, const float *x, size_t rows,
                            bool (*visit)(void *context, size_t node, const ffn_step *step), void *context);
/* What a backward answers to, part by part, where the weights are updated before all gradients are there. */
typedef struct ffn__gradient_reader {
    void (*ready)(void *context, const float *place, const float *values, size_t count);
    void *context;
    const float *fetch[3]; /* blocks, laid out as the model's, that it will read; NULL: none */
    bool kept;             /* gradients are left in the plan as well */
    /* The model's block, if all that is done with gradients is weights -= rate * gradient: layers may then do it
     * themselves, and gradients are bounded so that no weight becomes infinite. NULL: something else is done. */
    float *weights, rate;
} ffn__gradient_reader;

/* ffn_backward for a loss that has been checked. If it can be sure beforehand that all gradients will be finite, that
 * the loss is, and that no part is added to later, every part is shown to the reader as soon as it is there: then *read
 * is true. */
double ffn__backward_early(ffn_plan *plan, const ffn_loss *loss, const float *targets,
                           const ffn__gradient_reader *reader, bool *read);
/* The loss of the last forward, without gradients: the sum over its rows, and what such sums are divided by. The loss
 * must have passed ffn__model_check_loss. */
double ffn__plan_loss(const ffn_plan *plan, const ffn_loss *loss, const float *targets, double *weight);
/* Whether so many rows take a fraction of a microsecond. */
static inline bool ffn__plan_is_short(const ffn_plan *plan, size_t rows) { return plan->layers && rows == 1; }
/* Forward again, and the name of the first layer whose output is not finite; NULL: all are. */
const char *ffn__plan_locate(ffn_plan *plan, const float *x, size_t rows);

/* ---- chains of dense layers (chain.c) ---------------------------------------------------------------------------- */

/* Finds out whether the plan's ops are such a chain. */
ffn_status ffn__chain_bind(ffn_plan *plan, ffn_error *error);
void ffn__chain_follow_betas(ffn_plan *plan); /* after betas have changed */
/* The passes of a plan that is one, for up to chain_rows rows; backward tells whether all gradients are known to be finite. */
void ffn__chain_forward(ffn_plan *plan);
bool ffn__chain_backward(const ffn_plan *plan);

/* ---- layers in one (fuse.c) -------------------------------------------------------------------------------------- */

/* Makes the layers that the plan is to run, with their answers, of the model's, [layer_count]: those that follow each
 * other in one. */
ffn_status ffn__fuse(ffn_plan *plan, ffn__layer *layers, ffn_layer_plan *answers, ffn_error *error);
/* Whether a later layer does this one's work. */
bool ffn__is_done_later(const ffn__layer *layer);

/* ---- states (states.c) ----------------------------------------------------------------------------------------- */

ffn_status ffn__states_allocate(ffn_plan *plan, ffn_error *error);
/* Where forwards leave what a parameter becomes; NULL: it is no state that the plan collects. */
float *ffn__states_next(const ffn_plan *plan, size_t parameter);
/* Before a forward of a plan that collects any: begins from the model's states, unless forwards since the last update
 * have begun already. */
void ffn__states_begin(ffn_plan *plan);
/* Gives the plan's model what was collected, but for a state that would not be finite; or forgets it. */
void ffn__states_commit(ffn_plan *plan, ffn_model *model);
void ffn__states_discard(ffn_plan *plan);
/* FFN_INVALID_ARGUMENT if a layer cannot train on so few rows; `what` begins the sentence. */
ffn_status ffn__states_check_rows(const ffn_plan *plan, size_t rows, const char *what, ffn_error *error);

#endif
