/* A trainer's state in a file, and what a fit adds to it. */
#ifndef FFN__CHECKPOINT_H
#define FFN__CHECKPOINT_H

#include "train/train.h"

/* Where a fit stands. */
typedef struct ffn__fit_state {
    /* of the data and how they are fed: those of the checkpoint must be the same */
    size_t data_rows, validation_rows, batch_size;
    bool keep_order;
    /* where it goes on: so many batches of this epoch are done, and their figures */
    size_t epoch, batch, rows;
    double right, loss_sum, loss_weight, loss, accuracy, learning_rate;
    double seconds, epoch_seconds;
    double best_figure;
    size_t best_epoch;
    float *best;          /* laid out as the model's block; NULL: not kept. Only written to while reading */
    ffn_history *history; /* of the epochs before; reading replaces it */
} ffn__fit_state;

/* Whether it could be saved at all: what it is made of has names that a file holds. */
ffn_status ffn__checkpoint_check(const ffn_trainer *trainer, ffn_error *error);
/* fit NULL: a trainer alone. FFN_IO_ERROR or FFN_OUT_OF_MEMORY; then the file of that path is what it was. */
ffn_status ffn__checkpoint_save(const ffn_trainer *trainer, const ffn__fit_state *fit, const char *path,
                                ffn_error *error);
/* Puts trainer, model and fit where they were; after an error they are as before. */
ffn_status ffn__checkpoint_load(ffn_trainer *trainer, ffn__fit_state *fit, const char *path, ffn_error *error);
/* The same in memory; *bytes are to be freed with ffn__free. */
ffn_status ffn__checkpoint_save_memory(const ffn_trainer *trainer, const ffn__fit_state *fit, void **bytes,
                                       size_t *size, ffn_error *error);
ffn_status ffn__checkpoint_load_memory(ffn_trainer *trainer, ffn__fit_state *fit, const void *bytes, size_t size,
                                       ffn_error *error);

/* ---- what a trainer consists of (checkpoint.c) ------------------------------------------------------------------- */

/* A trainer's numbers, gathered from where they lie. */
typedef struct ffn__trainer_numbers {
    /* those of the checkpoint must be the same */
    uint64_t seed;
    size_t accumulate, slots, history;
    bool averages;
    /* those that it replaces */
    float base_rate;
    double scale, best; /* of the schedule, as is the next */
    size_t bad;
    size_t updates, forwards;
    size_t pending, averaged;
    double pending_weight;
    bool states_begun;
    bool gradients; /* of a loop by hand are there ... */
    bool adds;      /* ... and later ones are to be added to them: ffn_plan_accumulate */
    bool lbfgs_begun;
    size_t lbfgs_count, lbfgs_next;
    double lbfgs_scale;
} ffn__trainer_numbers;
enum { FFN__TRAINER_SAME = 5, FFN__TRAINER_FIELDS = 21, FFN__FIT_SAME = 4, FFN__FIT_FIELDS = 17 };
/* Doubles that an epoch of a history is made of. */
enum { FFN__EPOCH_FIGURES = sizeof(ffn_epoch) / sizeof(double) };
extern const ffn_field ffn__trainer_fields[FFN__TRAINER_FIELDS], ffn__fit_fields[FFN__FIT_FIELDS];

ffn__trainer_numbers ffn__trainer_gather(const ffn_trainer *trainer);

/* A block laid out as the model's, and what the names of its tensors begin with. */
typedef struct ffn__trainer_block {
    char prefix[48];
    float *values;
} ffn__trainer_block;

/* All blocks that a trainer with these numbers has, the fit's best weights last: calls visit for each until it does not
 * answer FFN_OK. */
ffn_status ffn__trainer_blocks(const ffn_trainer *trainer, const ffn__trainer_numbers *numbers,
                               const ffn__fit_state *fit,
                               ffn_status (*visit)(void *context, const ffn__trainer_block *block), void *context);

#endif
