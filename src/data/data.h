/* Datasets: what training reads. */
#ifndef FFN__DATA_H
#define FFN__DATA_H

#include "base/base.h"
#include "tensor/tensor.h"

struct ffn_dataset {
    size_t rows;
    ffn_shape sample;      /* of one row of x */
    size_t features;       /* its size */
    size_t columns;        /* of the targets; 0: no targets */
    size_t classes;        /* 0: not known to be classes */
    const float *x;        /* [rows][features] */
    const float *targets;  /* [rows][columns], or NULL */
    float *owned_x, *owned_targets; /* what destroy frees; NULL where borrowed */
    char **class_names;    /* [classes], or NULL; owned */
    char **feature_names;  /* [features], or NULL; owned */
};

/* A dataset of the rows picked[0 .. count-1], copied. */
ffn_dataset *ffn__dataset_pick(const ffn_dataset *dataset, const size_t *picked, size_t count, ffn_error *error);
/* x [count][features] and, if not NULL, targets [count][columns] of the rows picked[...]. */
void ffn__dataset_gather(const ffn_dataset *dataset, const size_t *picked, size_t count, float *x, float *targets);
/* FFN_INVALID_ARGUMENT naming row and column of the first input or target that is not finite. */
ffn_status ffn__dataset_check_finite(const ffn_dataset *dataset, ffn_error *error);

#endif
