/* Augmentation: rows changed at random on their way to a training step. */
#ifndef FFN__AUGMENT_H
#define FFN__AUGMENT_H

#include "data/data.h"

/* What is the same for all rows; const while rows are augmented, from any number of threads. */
typedef struct ffn__augmenter {
    ffn_augmentation options;
    ffn_shape sample;
    size_t features, columns;       /* of a row of x and of the targets */
    size_t channels, height, width; /* of an image; 0 unless an option wants one */
    float *vertical, *horizontal;   /* of an elastic distortion: smoothing [height][height] and [width][width]; owned */
    size_t scratch;                 /* floats that a thread needs */
} ffn__augmenter;

/* Checks the options against the shapes of the rows; columns 0: no targets. After a failure there is nothing to
 * destroy. */
ffn_status ffn__augmenter_create(ffn__augmenter *augmenter, const ffn_augmentation *options, ffn_shape sample,
                                 size_t columns, ffn_error *error);
void ffn__augmenter_destroy(ffn__augmenter *augmenter);

/* Which random numbers rows draw: each its own part of a stream. */
typedef struct ffn__augment_place {
    uint64_t seed;
    uint32_t epoch;
    size_t row; /* of the epoch */
} ffn__augment_place;

/* Changes row `place.row` in place, all but mixing. scratch [augmenter->scratch]. */
void ffn__augment_row(const ffn__augmenter *augmenter, ffn__augment_place place, float *x, float *targets,
                      float *scratch);
/* Mixes each of the rows with the next, the last with the first. place: of the first row. */
void ffn__augment_mix(const ffn__augmenter *augmenter, ffn__augment_place place, size_t rows, float *x, float *targets,
                      float *scratch);

/* What an image goes through (augment_image.c), by the options of the augmenter. */
void ffn__augment_image(const ffn__augmenter *augmenter, ffn_random *random, float *x, float *scratch);
void ffn__augment_cut_out(const ffn__augmenter *augmenter, ffn_random *random, float *x);
/* The smoothing matrices; nothing if there is no elastic distortion. */
ffn_status ffn__augment_prepare_elastic(ffn__augmenter *augmenter, ffn_error *error);
bool ffn__augment_moves(const ffn_augmentation *options); /* pixels to other places */

#endif
