#include "data/data.h"

#include <math.h>

/* The rows of one class, and how many of them go first. */
typedef struct share {
    size_t rows, first;
    double remainder; /* of fraction * rows that `first` leaves out */
} share;

/* Whole shares, rounded down; a class of two rows or more has at least one on each side. */
static size_t round_down(share *shares, size_t classes, double fraction)
{
    size_t total = 0;
    for (size_t i = 0; i < classes; i++) {
        share *s = &shares[i];
        const double exact = fraction * (double)s->rows;
        s->first = (size_t)exact;
        s->remainder = exact - (double)s->first;
        if (s->rows >= 2 && (s->first == 0 || s->first >= s->rows - 1)) {
            s->first = s->first == 0 ? 1 : s->rows - 1;
            s->remainder = 0;
        }
        total += s->first;
    }
    return total;
}

static bool has_larger_remainder(const void *context, size_t a, size_t b)
{
    const share *shares = context;
    return shares[a].remainder > shares[b].remainder;
}

/* Rounds fraction of each class so that the sum is that of all rows: the largest remainders are rounded up. order
 * [2 classes] is scratch. */
static void divide(share *shares, size_t classes, size_t rows, double fraction, size_t *order)
{
    size_t wanted = (size_t)floor(fraction * (double)rows + 0.5);
    if (wanted < 1) wanted = 1;
    if (wanted > rows - 1) wanted = rows - 1;
    size_t total = round_down(shares, classes, fraction);
    for (size_t i = 0; i < classes; i++) order[i] = i;
    ffn__sort(order, order + classes, classes, has_larger_remainder, shares);
    for (size_t i = 0; i < classes && total < wanted && shares[order[i]].remainder > 0; i++, total++)
        shares[order[i]].first++;
}

static size_t class_of(const ffn_dataset *dataset, bool stratified, size_t row)
{
    return stratified ? (size_t)dataset->targets[row] : 0;
}

/* Fills order [rows] with shuffled rows, the first *first of which go first. */
static ffn_status arrange(const ffn_dataset *dataset, double fraction, uint64_t seed, bool stratified, size_t *order,
                          size_t *first, ffn_error *error)
{
    const size_t rows = dataset->rows, classes = stratified ? dataset->classes : 1;
    share *shares = ffn__alloc(classes, sizeof *shares, error);
    size_t *scratch = ffn__alloc(rows > 2 * classes ? rows : 2 * classes, sizeof *scratch, error);
    if (!shares || !scratch) {
        ffn__free(shares);
        ffn__free(scratch);
        return FFN_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < rows; i++) shares[class_of(dataset, stratified, i)].rows++;
    divide(shares, classes, rows, fraction, scratch);

    for (size_t i = 0; i < rows; i++) scratch[i] = i;
    ffn_random random = ffn_random_create(seed, FFN__STREAM_SPLIT, 0);
    ffn__shuffle(&random, rows, scratch);
    size_t second = 0;
    *first = 0;
    for (size_t i = 0; i < classes; i++) second += shares[i].first;
    for (size_t i = 0; i < rows; i++) {
        share *s = &shares[class_of(dataset, stratified, scratch[i])];
        const bool goes_first = s->first > 0;
        s->first -= goes_first;
        order[goes_first ? (*first)++ : second++] = scratch[i];
    }
    ffn__free(shares);
    ffn__free(scratch);
    return FFN_OK;
}

static ffn_status split(const ffn_dataset *dataset, float fraction, uint64_t seed, bool stratified, ffn_dataset **first,
                        ffn_dataset **second, ffn_error *error)
{
    const size_t rows = dataset->rows;
    size_t *order = ffn__alloc(rows, sizeof *order, error), count = 0;
    if (!order) return FFN_OUT_OF_MEMORY;
    ffn_status status = arrange(dataset, fraction, seed, stratified, order, &count, error);
    ffn_dataset *a = status == FFN_OK ? ffn__dataset_pick(dataset, order, count, error) : NULL;
    ffn_dataset *b = a ? ffn__dataset_pick(dataset, order + count, rows - count, error) : NULL;
    ffn__free(order);
    if (!b) {
        ffn_dataset_destroy(a);
        return FFN_OUT_OF_MEMORY;
    }
    *first = a;
    *second = b;
    return FFN_OK;
}

static ffn_status check(const ffn_dataset *dataset, float fraction, ffn_dataset **first, ffn_dataset **second,
                        ffn_error *error)
{
    if (first) *first = NULL;
    if (second) *second = NULL;
    if (!dataset || !first || !second || first == second)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "split: %s",
                        !dataset          ? "the dataset is NULL"
                        : first == second ? "first and second are the same pointer"
                                          : "first or second is NULL");
    const ffn_status status = ffn__dataset_check_memory(dataset, "split", error);
    if (status != FFN_OK) return status;
    if (!(fraction > 0 && fraction < 1))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "split: the fraction is not in (0, 1)");
    if (dataset->rows < 2)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "split: the dataset has 1 row, expected at least 2");
    return FFN_OK;
}

ffn_status ffn_dataset_split(const ffn_dataset *dataset, float first_fraction, uint64_t seed, ffn_dataset **first,
                             ffn_dataset **second, ffn_error *error)
{
    const ffn_status status = check(dataset, first_fraction, first, second, error);
    return status == FFN_OK ? split(dataset, first_fraction, seed, false, first, second, error) : status;
}

ffn_status ffn_dataset_split_stratified(const ffn_dataset *dataset, float first_fraction, uint64_t seed,
                                        ffn_dataset **first, ffn_dataset **second, ffn_error *error)
{
    const ffn_status status = check(dataset, first_fraction, first, second, error);
    if (status != FFN_OK) return status;
    if (dataset->classes == 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "stratified split: the targets are not known to be classes, expected a "
                        "dataset from labels or of a text or classification column");
    return split(dataset, first_fraction, seed, true, first, second, error);
}
