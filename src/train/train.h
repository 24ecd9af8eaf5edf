/* Training and its measures, as the files of this module see them. */
#ifndef FFN__TRAIN_H
#define FFN__TRAIN_H

#include "backprop/plan.h"
#include "data/data.h"
#include "metric/metric.h"
#include "optimizer/optimizer.h"

/* ---- options (options.c) --------------------------------------------------------------------------------------- */

/* The options with every default filled in, the loss by the model's output; NULL: all defaults. An error names the
 * field, what was found and what is expected. */
ffn_status ffn__options_resolve(const ffn_model *model, const ffn_fit_options *given, ffn_fit_options *options,
                                ffn_error *error);

/* ---- trainer (trainer.c) --------------------------------------------------------------------------------------- */

/* A part of the block that one thread updates by one rule. It may hold several parameters that lie side by side. */
typedef struct ffn__chunk {
    size_t offset, size; /* in the block */
    ffn__gradient_rule rule;
    double sum_squares; /* of its gradient */
    bool finite;        /* its gradient */
} ffn__chunk;

typedef struct ffn__lbfgs ffn__lbfgs; /* lbfgs.h */

struct ffn_trainer {
    ffn_model *model;
    ffn_plan *plan;
    ffn_fit_options options; /* resolved; class weights are the trainer's copy */
    float *class_weights;    /* owned, or NULL */
    float base_rate;
    bool limits_norms;     /* of some parameter's units */
    bool decays;           /* state or weights, by themselves */
    bool descends_plainly; /* all that an update does is w -= rate g */
    ffn_schedule_state schedule;
    size_t updates;
    size_t slots;
    float *state; /* [slots][value_count], laid out as the model's block; NULL without slots */
    ffn__chunk *chunks;
    size_t chunk_count;
    ffn__lbfgs *lbfgs;     /* NULL: another optimizer */
    size_t pending;        /* batches accumulated since the last update ... */
    double pending_weight; /* ... what the sum of their losses is divided by */
    float *averages;       /* laid out as the model's block; NULL: none are kept */
    size_t averaged;       /* how often weights have been added to them */
    const float *scores;   /* of the last step: its logits where the loss takes them, else its outputs */
};

/* Bytes that it takes with its plan and its model's values. */
size_t ffn__trainer_memory(const ffn_trainer *trainer);
/* ffn_trainer_step for data that has been checked. */
ffn_status ffn__trainer_run(ffn_trainer *trainer, const float *x, const float *targets, size_t rows, double *loss,
                            ffn_error *error);

/* ---- around updates (settle.c) --------------------------------------------------------------------------------- */

/* Whether any parameter's units have a limit of their norm. */
bool ffn__limits_norms(const ffn_trainer *trainer);
/* What follows every update: batch norms' statistics are committed, norms of weights limited, averages kept. */
void ffn__settle(ffn_trainer *trainer);
/* Moves the averages by this share towards the weights; the first time they become the weights. */
void ffn__average(ffn_trainer *trainer, double share);
void ffn__swap_averages(ffn_trainer *trainer);
/* Forgets batches that are accumulated. */
void ffn__drop_pending(ffn_trainer *trainer);
/* Makes the accumulated gradient that of the batches' mean loss. */
void ffn__close_pending(ffn_trainer *trainer);

/* ---- batches of a dataset (feed.c) ----------------------------------------------------------------------------- */

typedef struct ffn__feed ffn__feed;

/* options: resolved for model and dataset, of which batch_size, keep_order, augmentation (borrowed), seed, threads and loss
 * are used. */
ffn__feed *ffn__feed_create(const ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options,
                            ffn_error *error);
void ffn__feed_destroy(ffn__feed *feed);
size_t ffn__feed_batches(const ffn__feed *feed); /* of an epoch */
void ffn__feed_begin(ffn__feed *feed, size_t epoch);
/* The next batch of the epoch, good until the next call, and how many rows it has. */
ffn_status ffn__feed_next(ffn__feed *feed, const float **x, const float **targets, size_t *rows, ffn_error *error);
/* The weights of that batch's rows; NULL: all 1. */
const float *ffn__feed_weights(const ffn__feed *feed);

/* ---- what targets mean (task.c) -------------------------------------------------------------------------------- */

typedef enum ffn__task { FFN__REGRESSION = 0, FFN__CLASSES, FFN__BINARY, FFN__SEVERAL_BINARY } ffn__task;

ffn__task ffn__task_of(const ffn_model *model, const ffn_loss *loss);
/* Whether the model's outputs go through a softmax or sigmoid before they are probabilities. A loss of signs takes them as
 * distances from 0, whatever the model ends in, so that for metrics they are logits. */
bool ffn__gives_logits(const ffn_model *model, const ffn_loss *loss);
/* Classes of one row of outputs (or logits) and of its targets, for FFN__CLASSES and FFN__BINARY. */
size_t ffn__predicted_class(const ffn_model *model, const ffn_loss *loss, bool logits, const float *y);
size_t ffn__target_class(const ffn_model *model, const ffn_loss *loss, const float *targets);
/* The weights of the samples that are right, all 1 for NULL; one with several rows counts with the share of those, as does a
 * row with several binary outputs. NaN for a regression. */
double ffn__count_right(const ffn_model *model, const ffn_loss *loss, bool logits, size_t samples, const float *y,
                        const float *targets, const float *weights);
/* The sum of weights [rows], of ones for NULL. */
double ffn__sum_weights(const float *weights, size_t rows);
/* The dataset's shapes and targets fit model and loss, its inputs and classes mean the model's; all numbers are finite. */
ffn_status ffn__check_data(const ffn_model *model, const ffn_loss *loss, const ffn_dataset *dataset, const char *what,
                           ffn_error *error);
/* The loss itself, or if it is made of zeros, the one that suits the model's output and the dataset's targets. */
ffn_loss ffn__loss_for(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss);

/* ---- fits that go on (fit.c) ------------------------------------------------------------------------------------ */

/* A checkpoint in memory. */
typedef struct ffn__fit_memory {
    void *bytes; /* owned; NULL: none */
    size_t size;
    bool keep; /* when the fit has ended well, `bytes` are to be that end; else they are freed */
} ffn__fit_memory;

/* ffn_fit that begins where the memory says; it begins at the start where there is none, or one that does not fit. The
 * bits are the same. memory NULL: none. */
ffn_status ffn__fit(ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options, ffn_history *history,
                    ffn__fit_memory *memory, ffn_error *error);

/* ---- evaluation (evaluate.c) ----------------------------------------------------------------------------------- */

enum { FFN__EVALUATION_BATCH = 256 };

/* Mean loss and accuracy (NaN for a regression) over checked data, with the weights of its rows; the plan keeps logits.
 * metric: gets every row with its weight, unless NULL. */
ffn_status ffn__evaluate_quickly(ffn_plan *plan, const ffn_loss *loss, const ffn_dataset *dataset, ffn_metric *metric,
                                 double *mean_loss, double *accuracy, ffn_error *error);

/* ---- metrics of models (measure.c) ----------------------------------------------------------------------------- */

/* The metric for the outputs of a model with a loss that has been checked. */
ffn_metric *ffn__metric_for(const char *name, const ffn_model *model, const ffn_loss *loss, ffn_error *error);
/* ffn_metric_update for samples, whose rows all have the sample's weight; logits: what y are. */
ffn_status ffn__metric_add(ffn_metric *metric, const ffn_model *model, const float *y, bool logits,
                           const float *targets, const float *weights, size_t samples, ffn_error *error);
/* ffn_evaluate_metric on so many threads (0: all); name NULL: the mean loss. */
ffn_status ffn__measure(const ffn_model *model, const ffn_dataset *dataset, ffn_loss loss, const char *name,
                        size_t threads, double *value, ffn_error *error);

/* ---- scalers (scale.c) ----------------------------------------------------------------------------------------- */

/* Fits the scalers that are not fitted yet. */
ffn_status ffn__fit_new_scalers(ffn_model *model, const ffn_dataset *dataset, ffn_error *error);

#endif
