#include "data/data.h"

#include <math.h>
#include <string.h>

/* ---- create and destroy -------------------------------------------------------------------------------------- */

ffn_dataset *ffn__dataset_create(ffn_shape sample, size_t columns, size_t rows, ffn_error *error)
{
    if (ffn__shape_check(sample, "dataset: sample", error) != FFN_OK) return NULL;
    const size_t features = ffn_shape_size(sample);
    if (rows == 0) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset: found 0 rows, expected at least 1");
        return NULL;
    }
    size_t bytes;
    const size_t widest = features > columns ? features : columns;
    if (!ffn__multiply(rows, widest, &bytes) || !ffn__multiply(bytes, sizeof(float), &bytes)) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset: %zu rows of %zu numbers do not fit the address space",
                       rows, widest);
        return NULL;
    }
    ffn_dataset *dataset = ffn__alloc(1, sizeof *dataset, error);
    if (!dataset) return NULL;
    dataset->rows = rows;
    dataset->sample = sample;
    dataset->features = features;
    dataset->columns = columns;
    return dataset;
}

ffn_dataset *ffn_dataset_from_arrays(const float *x, ffn_shape sample, const float *targets, ffn_shape target,
                                     size_t rows, ffn_error *error)
{
    if (!x) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset from arrays: x is NULL");
        return NULL;
    }
    if (targets && ffn__shape_check(target, "dataset: target", error) != FFN_OK) return NULL;
    const size_t columns = targets ? ffn_shape_size(target) : 0;
    ffn_dataset *dataset = ffn__dataset_create(sample, columns, rows, error);
    if (!dataset) return NULL;
    dataset->x = x;
    dataset->targets = targets;
    return dataset;
}

static ffn_status copy_labels(ffn_dataset *dataset, const uint32_t *labels, ffn_error *error)
{
    dataset->owned_targets = ffn__alloc(dataset->rows, sizeof(float), error);
    if (!dataset->owned_targets) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < dataset->rows; i++) {
        if (labels[i] >= dataset->classes)
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "dataset from labels: labels[%zu] is %lu, expected less than %zu classes", i,
                            (unsigned long)labels[i], dataset->classes);
        dataset->owned_targets[i] = (float)labels[i];
    }
    dataset->targets = dataset->owned_targets;
    return FFN_OK;
}

ffn_dataset *ffn_dataset_from_labels(const float *x, ffn_shape sample, const uint32_t *labels, size_t classes,
                                     size_t rows, ffn_error *error)
{
    if (!x || !labels) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset from labels: %s is NULL", x ? "labels" : "x");
        return NULL;
    }
    if (classes < 2 || classes > FFN__MAX_CLASSES) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset from labels: classes is %zu, expected 2 to %zu", classes,
                       FFN__MAX_CLASSES);
        return NULL;
    }
    ffn_dataset *dataset = ffn__dataset_create(sample, 1, rows, error);
    if (!dataset) return NULL;
    dataset->x = x;
    dataset->classes = classes;
    if (copy_labels(dataset, labels, error) == FFN_OK) return dataset;
    ffn_dataset_destroy(dataset);
    return NULL;
}

void ffn_dataset_destroy(ffn_dataset *dataset)
{
    if (!dataset) return;
    ffn__unmap_file(&dataset->mapping);
    ffn__free(dataset->owned_x);
    ffn__free(dataset->owned_targets);
    ffn__free(dataset->weights);
    ffn__free(dataset->class_names);
    ffn__free(dataset->feature_names);
    ffn__encoding_destroy(&dataset->encoding);
    ffn__free(dataset);
}

ffn_status ffn_dataset_set_weights(ffn_dataset *dataset, const float *weights, ffn_error *error)
{
    if (!dataset) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_dataset_set_weights: the dataset is NULL");
    double sum = 0;
    for (size_t r = 0; weights && r < dataset->rows; r++) {
        if (!(weights[r] >= 0 && isfinite(weights[r])))
            return ffn_fail(
                error, FFN_INVALID_ARGUMENT,
                "ffn_dataset_set_weights: the weight of row %zu is %g; expected a finite number of 0 or more", r,
                (double)weights[r]);
        sum += (double)weights[r];
    }
    if (weights && sum == 0) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_dataset_set_weights: all weights are 0");
    float *copy = weights ? ffn__alloc(dataset->rows, sizeof *copy, error) : NULL;
    if (weights && !copy) return FFN_OUT_OF_MEMORY;
    if (copy) memcpy(copy, weights, dataset->rows * sizeof *copy);
    ffn__free(dataset->weights);
    dataset->weights = copy;
    return FFN_OK;
}

/* ---- access -------------------------------------------------------------------------------------------------- */

/* A tensor has no const form; the header says that these are to read. */
static ffn_tensor view(const float *data, size_t rows, size_t cols)
{
    return (ffn_tensor){ffn_shape_2d(rows, cols), (float *)data};
}

size_t ffn_dataset_rows(const ffn_dataset *dataset) { return dataset ? dataset->rows : 0; }

ffn_tensor ffn_dataset_inputs(const ffn_dataset *dataset)
{
    return dataset ? view(dataset->x, dataset->rows, dataset->features) : (ffn_tensor){0};
}

ffn_tensor ffn_dataset_targets(const ffn_dataset *dataset)
{
    return dataset ? view(dataset->targets, dataset->rows, dataset->columns) : (ffn_tensor){0};
}

ffn_shape ffn_dataset_sample_shape(const ffn_dataset *dataset) { return dataset ? dataset->sample : (ffn_shape){0}; }

size_t ffn_dataset_classes(const ffn_dataset *dataset) { return dataset ? dataset->classes : 0; }

const char *ffn_dataset_class_name(const ffn_dataset *dataset, size_t index)
{
    return dataset && index < ffn__dataset_names(dataset) ? dataset->class_names[index] : NULL;
}

const char *ffn_dataset_feature_name(const ffn_dataset *dataset, size_t index)
{
    return dataset && dataset->feature_names && index < dataset->features ? dataset->feature_names[index] : NULL;
}

const char *ffn_dataset_category(const ffn_dataset *dataset, size_t feature, size_t *column)
{
    return dataset ? ffn__encoding_category(&dataset->encoding, feature, column) : NULL;
}

ffn_status ffn__dataset_count_classes(ffn_dataset *dataset, const char *source, size_t offset, size_t size,
                                      ffn_error *error)
{
    float largest = 1; /* two classes at least */
    for (size_t i = 0; i < dataset->rows; i++) {
        const float label = dataset->targets[i];
        if (!(label >= 0 && label < (float)FFN__MAX_CLASSES))
            return ffn_fail(error, FFN_BAD_FORMAT, "%s, offset %zu: found label %.0f, expected 0 to %zu", source,
                            offset + i * size, (double)label, FFN__MAX_CLASSES - 1);
        if (label > largest) largest = label;
    }
    dataset->classes = (size_t)largest + 1;
    return FFN_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

/* Rows in random order would each be waited for: the next but one is fetched while one is copied. */
static void gather(const float *from, size_t cols, const size_t *picked, size_t count, float *to)
{
    enum { AHEAD = 2, LINE = 64 / sizeof(float) };
    for (size_t i = 0; i < count; i++) {
        const float *next = from + picked[i + AHEAD < count ? i + AHEAD : i] * cols;
        for (size_t c = 0; c < cols; c += LINE) __builtin_prefetch(next + c);
        memcpy(to + i * cols, from + picked[i] * cols, cols * sizeof *to);
    }
}

void ffn__dataset_gather(const ffn_dataset *dataset, const size_t *picked, size_t count, float *x, float *targets)
{
    gather(dataset->x, dataset->features, picked, count, x);
    if (targets && dataset->targets) gather(dataset->targets, dataset->columns, picked, count, targets);
}

/* Allocates x, targets and names as `source` has them, and its encoding. */
static ffn_status allocate_like(ffn_dataset *dataset, const ffn_dataset *source, ffn_error *error)
{
    dataset->classes = source->classes;
    dataset->x = dataset->owned_x = ffn__alloc(dataset->rows * dataset->features, sizeof(float), error);
    if (!dataset->x) return FFN_OUT_OF_MEMORY;
    if (source->targets) {
        dataset->targets = dataset->owned_targets = ffn__alloc(dataset->rows * dataset->columns, sizeof(float), error);
        if (!dataset->targets) return FFN_OUT_OF_MEMORY;
    }
    if (source->weights) {
        dataset->weights = ffn__alloc(dataset->rows, sizeof(float), error);
        if (!dataset->weights) return FFN_OUT_OF_MEMORY;
    }
    if (source->class_names) {
        dataset->class_names =
            ffn__names_copy((const char *const *)source->class_names, ffn__dataset_names(source), error);
        if (!dataset->class_names) return FFN_OUT_OF_MEMORY;
    }
    if (source->feature_names) {
        dataset->feature_names = ffn__names_copy((const char *const *)source->feature_names, source->features, error);
        if (!dataset->feature_names) return FFN_OUT_OF_MEMORY;
    }
    const ffn__encoding *e = &source->encoding;
    return e->features
               ? ffn__encoding_copy(e->column, (const char *const *)e->category, e->features, &dataset->encoding, error)
               : FFN_OK;
}

ffn_dataset *ffn__dataset_pick(const ffn_dataset *dataset, const size_t *picked, size_t count, ffn_error *error)
{
    if (ffn__dataset_check_memory(dataset, "copying rows", error) != FFN_OK) return NULL;
    ffn_dataset *copy = ffn__dataset_create(dataset->sample, dataset->columns, count, error);
    if (!copy) return NULL;
    if (allocate_like(copy, dataset, error) != FFN_OK) {
        ffn_dataset_destroy(copy);
        return NULL;
    }
    ffn__dataset_gather(dataset, picked, count, copy->owned_x, copy->owned_targets);
    if (copy->weights) gather(dataset->weights, 1, picked, count, copy->weights);
    return copy;
}

ffn_dataset *ffn_dataset_one_hot(const ffn_dataset *dataset, ffn_error *error)
{
    if (ffn__dataset_check_memory(dataset, "one-hot", error) != FFN_OK) return NULL;
    if (!dataset || dataset->classes == 0) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "one-hot: %s",
                       dataset ? "the targets are not known to be classes" : "the dataset is NULL");
        return NULL;
    }
    ffn_dataset *copy = ffn__dataset_create(dataset->sample, dataset->classes, dataset->rows, error);
    if (!copy) return NULL;
    if (allocate_like(copy, dataset, error) != FFN_OK) {
        ffn_dataset_destroy(copy);
        return NULL;
    }
    copy->classes = 0; /* the targets are no longer class indices */
    memcpy(copy->owned_x, dataset->x, dataset->rows * dataset->features * sizeof *copy->owned_x);
    if (copy->weights) memcpy(copy->weights, dataset->weights, dataset->rows * sizeof *copy->weights);
    for (size_t i = 0; i < dataset->rows; i++) copy->owned_targets[i * copy->columns + (size_t)dataset->targets[i]] = 1;
    return copy;
}

/* The first element that is not finite, or count. */
static size_t find_not_finite(const float *values, size_t count)
{
    size_t i = 0;
    while (i < count && isfinite(values[i])) i++;
    return i;
}

ffn_status ffn__dataset_check_finite(const ffn_dataset *dataset, ffn_error *error)
{
    const struct {
        const char *name;
        const float *values;
        size_t cols;
    } parts[] = {{"inputs", dataset->x, dataset->features}, {"targets", dataset->targets, dataset->columns}};
    for (size_t p = 0; p < 2; p++) {
        if (!parts[p].values) continue;
        const size_t cols = parts[p].cols, count = dataset->rows * cols, at = find_not_finite(parts[p].values, count);
        if (at == count) continue;
        const char *found = isnan(parts[p].values[at]) ? "NaN" : "an infinite number";
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "%s, row %zu, column %zu (counted from 0): found %s, expected a finite number", parts[p].name,
                        at / cols, at % cols, found);
    }
    return FFN_OK;
}
