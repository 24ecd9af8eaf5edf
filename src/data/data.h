/* Datasets: what training reads. */
#ifndef FFN__DATA_H
#define FFN__DATA_H

#include "base/base.h"
#include "data/file.h"
#include "tensor/tensor.h"

struct ffn_dataset {
    size_t rows;
    ffn_shape sample;               /* of one row of x */
    size_t features;                /* its size */
    size_t columns;                 /* of the targets; 0: no targets */
    size_t classes;                 /* 0: not known to be classes */
    const float *x;                 /* [rows][features]; NULL if the rows come from a source */
    const float *targets;           /* [rows][columns], or NULL */
    float *owned_x, *owned_targets; /* what destroy frees; NULL where borrowed */
    float *weights;                 /* [rows], or NULL: all 1; owned */
    ffn_source source;              /* where the rows come from; without a function: x and targets */
    ffn__mapping mapping;           /* of the file that x lies in; none: no bytes */
    char **class_names;             /* a list [ffn__dataset_names()], or NULL; owned */
    char **feature_names;           /* a list [features], or NULL; owned */
    ffn__encoding encoding;         /* of the file's columns; owned */
};

/* How many class names there are: of the classes, or of the columns that stand for one each (ffn_dataset_one_hot). */
static inline size_t ffn__dataset_names(const ffn_dataset *dataset)
{
    if (!dataset->class_names) return 0;
    return dataset->classes > 0 ? dataset->classes : dataset->columns;
}

/* The largest number of classes: a float holds every index below it. */
#define FFN__MAX_CLASSES ((size_t)1 << 24)

/* An empty dataset of rows of the given shapes, without x, targets and names; columns may be 0. Checks the shape and
 * that the sizes in bytes fit a size_t. */
ffn_dataset *ffn__dataset_create(ffn_shape sample, size_t columns, size_t rows, ffn_error *error);

/* A dataset of the rows picked[0 .. count-1], copied. */
ffn_dataset *ffn__dataset_pick(const ffn_dataset *dataset, const size_t *picked, size_t count, ffn_error *error);
/* x [count][features] and, if not NULL, targets [count][columns] of the rows picked[...]. */
void ffn__dataset_gather(const ffn_dataset *dataset, const size_t *picked, size_t count, float *x, float *targets);
/* Makes targets, one whole number a row, the indices of 2 or more classes. FFN_BAD_FORMAT names the place of one that
 * cannot be: in the file `source`, where they are `size` bytes each from `offset` on. */
ffn_status ffn__dataset_count_classes(ffn_dataset *dataset, const char *source, size_t offset, size_t size,
                                      ffn_error *error);
/* FFN_INVALID_ARGUMENT naming row and column of the first input or target that is not finite. */
ffn_status ffn__dataset_check_finite(const ffn_dataset *dataset, ffn_error *error);

/* ---- what numbers mean (meaning.c) ---------------------------------------------------------------------------- */

/* That the dataset, `what`, has as many inputs as the model, that each stands for the same, and that each class has the same
 * name, as far as both sides know that; the dataset may lack the last classes, and may have other names than the model for
 * all of them, which is the caller's choice. Else FFN_SHAPE_MISMATCH, or FFN_INVALID_ARGUMENT with the first difference. */
ffn_status ffn__dataset_check_model(const ffn_dataset *dataset, const char *what, const ffn_model *model,
                                    ffn_error *error);
/* The same of inputs and classes for the data, `whose`, beside which the dataset is used; other names are an error too. */
ffn_status ffn__dataset_check_beside(const ffn_dataset *dataset, const char *what, const ffn_dataset *data,
                                     const char *whose, ffn_error *error);

/* ---- rows wherever they are (rows.c) -------------------------------------------------------------------------- */

/* FFN_UNSUPPORTED if the rows come from a source; `what` wants them in memory. */
ffn_status ffn__dataset_check_memory(const ffn_dataset *dataset, const char *what, ffn_error *error);

/* Reads stretches of at most `most` rows: those of a source into a buffer, with a check that they are finite. */
typedef struct ffn__rows {
    const ffn_dataset *dataset;
    size_t most;
    float *buffer; /* NULL if the rows are in memory */
} ffn__rows;

ffn_status ffn__rows_open(ffn__rows *rows, const ffn_dataset *dataset, size_t most, ffn_error *error);
void ffn__rows_close(ffn__rows *rows);
/* x and targets of rows first to first + count - 1, good until the next call. */
ffn_status ffn__rows_read(ffn__rows *rows, size_t first, size_t count, const float **x, const float **targets,
                          ffn_error *error);
/* A copy of at most so many rows, spread evenly, without targets. */
ffn_dataset *ffn__dataset_sample(const ffn_dataset *dataset, size_t most, ffn_error *error);

#endif
