/* Datasets whose rows come from a function of the user's, and reading rows wherever they are. */
#include "data/data.h"

#include <string.h>

ffn_dataset *ffn_dataset_from_source(const ffn_source *source, ffn_error *error)
{
    if (!source || !source->read) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "dataset from a source: %s is NULL",
                       source ? "its function" : "the source");
        return NULL;
    }
    ffn_dataset *dataset = ffn__dataset_create(source->sample, source->columns, source->rows, error);
    if (dataset) dataset->source = *source;
    return dataset;
}

ffn_status ffn__dataset_check_memory(const ffn_dataset *dataset, const char *what, ffn_error *error)
{
    if (dataset && dataset->source.read)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s: the rows come from a source; expected a dataset in memory", what);
    return FFN_OK;
}

ffn_status ffn__rows_open(ffn__rows *rows, const ffn_dataset *dataset, size_t most, ffn_error *error)
{
    *rows = (ffn__rows){.dataset = dataset, .most = most};
    if (!dataset->source.read) return FFN_OK;
    size_t floats;
    if (!ffn__sum(dataset->features, dataset->columns, &floats) || !ffn__multiply(floats, most, &floats))
        floats = SIZE_MAX;
    rows->buffer = ffn__alloc(floats, sizeof(float), error);
    return rows->buffer ? FFN_OK : FFN_OUT_OF_MEMORY;
}

void ffn__rows_close(ffn__rows *rows)
{
    ffn__free(rows->buffer);
    rows->buffer = NULL;
}

ffn_status ffn__rows_read(ffn__rows *rows, size_t first, size_t count, const float **x, const float **targets,
                          ffn_error *error)
{
    const ffn_dataset *d = rows->dataset;
    if (!d->source.read) {
        *x = d->x + first * d->features;
        *targets = d->targets ? d->targets + first * d->columns : NULL;
        return FFN_OK;
    }
    float *to_x = rows->buffer, *to_targets = d->columns > 0 ? to_x + rows->most * d->features : NULL;
    const int failed = d->source.read(d->source.user, first, count, to_x, to_targets);
    if (failed)
        return ffn_fail(error, FFN_IO_ERROR, "reading rows %zu to %zu: the source's function returned %d", first,
                        first + count - 1, failed);
    *x = to_x;
    *targets = to_targets;
    const ffn_dataset part = {
        .rows = count, .features = d->features, .columns = d->columns, .x = *x, .targets = *targets};
    ffn_error inner;
    const ffn_status status = ffn__dataset_check_finite(&part, &inner);
    if (status == FFN_OK) return FFN_OK;
    return ffn_fail(error, status, "reading rows from %zu on: %s", first, inner.message);
}

ffn_dataset *ffn__dataset_sample(const ffn_dataset *dataset, size_t most, ffn_error *error)
{
    enum { STRETCH = 1024 };
    const size_t rows = dataset->rows < most ? dataset->rows : most;
    ffn_dataset *copy = ffn__dataset_create(dataset->sample, 0, rows, error);
    ffn__rows reader = {0};
    if (!copy) return NULL;
    copy->x = copy->owned_x = ffn__alloc(rows * dataset->features, sizeof(float), error);
    ffn_status status = copy->x ? ffn__rows_open(&reader, dataset, STRETCH, error) : FFN_OUT_OF_MEMORY;
    for (size_t at = 0; at < rows && status == FFN_OK; at += STRETCH) {
        const size_t count = rows - at < STRETCH ? rows - at : STRETCH;
        const double share = (double)at / (double)rows; /* of the rows before the stretch, in both */
        size_t first = rows == dataset->rows ? at : (size_t)(share * (double)dataset->rows);
        if (first > dataset->rows - count) first = dataset->rows - count;
        const float *x, *targets;
        status = ffn__rows_read(&reader, first, count, &x, &targets, error);
        if (status == FFN_OK) memcpy(copy->owned_x + at * dataset->features, x, count * dataset->features * sizeof *x);
    }
    ffn__rows_close(&reader);
    if (status == FFN_OK) return copy;
    ffn_dataset_destroy(copy);
    return NULL;
}
