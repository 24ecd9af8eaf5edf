/* Model selection: spaces of values, trials on folds, and the log that a search goes on from. */
#ifndef FFN__SEARCH_H
#define FFN__SEARCH_H

#include "io/text.h"
#include "train/train.h"

/* ---- values (space.c) ------------------------------------------------------------------------------------------ */

ffn_status ffn__space_check(const ffn_dimension *dimensions, size_t count, ffn_error *error);
/* Combinations of a grid; SIZE_MAX if they are too many to count. */
size_t ffn__space_points(const ffn_dimension *dimensions, size_t count);
/* The values of combination `index`, or those drawn for set `index`. */
void ffn__space_grid(const ffn_dimension *dimensions, size_t count, size_t index, double *values);
void ffn__space_draw(const ffn_dimension *dimensions, size_t count, uint64_t seed, size_t index, double *values);
/* Changes what the dimensions name in the options. */
ffn_status ffn__space_apply(const ffn_trial *trial, ffn_fit_options *options, ffn_error *error);

/* ---- trials on folds (study.c) --------------------------------------------------------------------------------- */

/* What training and measuring on one fold came to. */
typedef struct ffn__outcome {
    ffn_status status;
    bool unbuilt; /* the error is that of build */
    double score, epochs, seconds;
    size_t parameters, memory;
} ffn__outcome;

typedef struct ffn__study {
    const ffn_dataset *dataset;
    const ffn_search_options *options;
    size_t folds; /* at least 1; 1: one part is split off */
    bool lower_is_better;
} ffn__study;

/* Training and measuring. An error names the trial and the fold. It is the outcome's, and returned too unless it is only of
 * this trial: FFN_DIVERGED, or FFN_INVALID_ARGUMENT where the training refuses the options. epochs: 0: as the options and the
 * trial say. memory: of fewer epochs of the same, NULL: none; see ffn__fit. */
ffn_status ffn__study_fold(const ffn__study *study, const ffn_trial *trial, size_t epochs, size_t fold,
                           ffn__fit_memory *memory, ffn__outcome *outcome, ffn_error *error);
/* Puts the outcomes [folds] together in the trial, which is then done. */
void ffn__study_sum_up(const ffn__study *study, const ffn__outcome *outcomes, ffn_trial *trial);
/* The model of the trial's values, trained on the first fold's training part or on all data; and its options. */
ffn_model *ffn__study_model(const ffn__study *study, const ffn_trial *trial, size_t epochs, ffn_fit_options *fit,
                            ffn_error *error);
/* Whether a is better than b, either of which may be NULL or without a score. */
bool ffn__study_prefers(const ffn__study *study, const ffn_trial *a, const ffn_trial *b);
ffn_status ffn__study_check(const ffn_dataset *dataset, const ffn_search_options *options, ffn_error *error);

/* ---- the log (log.c) ------------------------------------------------------------------------------------------- */

/* Fills the trials [count] that the log's rows describe; epochs [rungs]: of each rung. Rows of rungs after the last trial's
 * are left for later. No file: nothing to fill. */
ffn_status ffn__log_read(const ffn__study *study, ffn_trial *trials, size_t count, const size_t *epochs, size_t rungs,
                         ffn_error *error);
/* The same from a text in memory. */
ffn_status ffn__log_parse(const ffn__study *study, const char *text, size_t size, ffn_trial *trials, size_t count,
                          const size_t *epochs, size_t rungs, ffn_error *error);
/* The text of a log of those that are done; text->failed for want of memory. */
void ffn__log_compose(const ffn__study *study, const ffn_trial *trials, size_t count, const size_t *epochs,
                      ffn__text *text);
/* Writes those that are done. */
ffn_status ffn__log_write(const ffn__study *study, const ffn_trial *trials, size_t count, const size_t *epochs,
                          ffn_error *error);

#endif
