/* Folds of cross validation: every row is validated on once. */
#include "data/data.h"

static bool has_lower_class(const void *context, size_t a, size_t b)
{
    const ffn_dataset *dataset = context;
    return dataset->targets[a] < dataset->targets[b];
}

/* Fills order [rows] with shuffled rows, stratified by class. Row order[i] belongs to fold i % folds, so that folds, and a
 * class within them, differ by at most one row. */
static ffn_status arrange(const ffn_dataset *dataset, uint64_t seed, bool stratified, size_t *order, ffn_error *error)
{
    ffn_random random = ffn_random_create(seed, FFN__STREAM_SPLIT, 1);
    for (size_t i = 0; i < dataset->rows; i++) order[i] = i;
    ffn__shuffle(&random, dataset->rows, order);
    if (!stratified) return FFN_OK;
    size_t *scratch = ffn__alloc(dataset->rows, sizeof *scratch, error);
    if (!scratch) return FFN_OUT_OF_MEMORY;
    ffn__sort(order, scratch, dataset->rows, has_lower_class, dataset);
    ffn__free(scratch);
    return FFN_OK;
}

/* Moves the rows of the fold behind the others; both in the order of the dataset. How many others there are. */
static size_t divide(size_t *order, size_t *fold_of, size_t rows, size_t folds, size_t fold)
{
    size_t others = 0, last;
    for (size_t i = 0; i < rows; i++) fold_of[order[i]] = i % folds;
    for (size_t r = 0; r < rows; r++)
        if (fold_of[r] != fold) order[others++] = r;
    last = others;
    for (size_t r = 0; r < rows; r++)
        if (fold_of[r] == fold) order[last++] = r;
    return others;
}

static ffn_status check(const ffn_dataset *dataset, size_t folds, size_t fold, bool stratified, ffn_dataset **training,
                        ffn_dataset **validation, ffn_error *error)
{
    if (training) *training = NULL;
    if (validation) *validation = NULL;
    if (!dataset || !training || !validation || training == validation)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "folds: %s",
                        !dataset                 ? "the dataset is NULL"
                        : training == validation ? "training and validation are the same pointer"
                                                 : "training or validation is NULL");
    const ffn_status status = ffn__dataset_check_memory(dataset, "folds", error);
    if (status != FFN_OK) return status;
    if (folds < 2 || folds > dataset->rows)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "folds: %zu of %zu rows; expected 2 to the number of rows", folds,
                        dataset->rows);
    if (fold >= folds)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "folds: fold %zu of %zu; expected 0 to %zu", fold, folds,
                        folds - 1);
    if (stratified && dataset->classes == 0)
        return ffn_fail(
            error, FFN_INVALID_ARGUMENT,
            "stratified folds: the targets are not known to be classes, expected a dataset from labels or of "
            "a text or classification column");
    return FFN_OK;
}

static ffn_status make_fold(const ffn_dataset *dataset, size_t folds, size_t fold, uint64_t seed, bool stratified,
                            ffn_dataset **training, ffn_dataset **validation, ffn_error *error)
{
    ffn_status status = check(dataset, folds, fold, stratified, training, validation, error);
    if (status != FFN_OK) return status;
    const size_t rows = dataset->rows;
    size_t *order = ffn__alloc(rows, 2 * sizeof *order, error); /* and each row's fold behind it */
    if (!order) return FFN_OUT_OF_MEMORY;
    status = arrange(dataset, seed, stratified, order, error);
    const size_t others = status == FFN_OK ? divide(order, order + rows, rows, folds, fold) : 0;
    ffn_dataset *first = status == FFN_OK ? ffn__dataset_pick(dataset, order, others, error) : NULL;
    ffn_dataset *second = first ? ffn__dataset_pick(dataset, order + others, rows - others, error) : NULL;
    ffn__free(order);
    if (!second) {
        ffn_dataset_destroy(first);
        return FFN_OUT_OF_MEMORY;
    }
    *training = first;
    *validation = second;
    return FFN_OK;
}

ffn_status ffn_dataset_fold(const ffn_dataset *dataset, size_t folds, size_t fold, uint64_t seed,
                            ffn_dataset **training, ffn_dataset **validation, ffn_error *error)
{
    return make_fold(dataset, folds, fold, seed, false, training, validation, error);
}

ffn_status ffn_dataset_fold_stratified(const ffn_dataset *dataset, size_t folds, size_t fold, uint64_t seed,
                                       ffn_dataset **training, ffn_dataset **validation, ffn_error *error)
{
    return make_fold(dataset, folds, fold, seed, true, training, validation, error);
}
