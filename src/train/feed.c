/* What training eats: the rows of a dataset in the order of the epoch, batch by batch, augmented ahead of the step. */
#include <string.h>

#include "data/augment.h"
#include "data/loader.h"
#include "train/train.h"

struct ffn__feed {
    const ffn_dataset *dataset;
    size_t batch; /* rows */
    size_t next;  /* batch */
    uint64_t seed;
    uint32_t epoch;
    size_t *order;            /* [rows] of this epoch; NULL: as they stand */
    float *weights;           /* of the rows of the last batch; NULL: the dataset has none */
    ffn__loader *loader;      /* NULL: batches are the dataset's own memory */
    ffn__augmenter augmenter; /* if `augments` */
    bool augments;
};

static size_t batch_rows(const ffn__feed *f, size_t index)
{
    const size_t left = f->dataset->rows - index * f->batch;
    return left < f->batch ? left : f->batch;
}

size_t ffn__feed_batches(const ffn__feed *f) { return (f->dataset->rows + f->batch - 1) / f->batch; }

static void augment(const ffn__feed *f, size_t first, size_t rows, float *x, float *targets, float *scratch)
{
    const ffn__augmenter *a = &f->augmenter;
    const ffn__augment_place place = {f->seed, f->epoch, first};
    for (size_t i = 0; i < rows; i++) {
        const ffn__augment_place row = {f->seed, f->epoch, first + i};
        ffn__augment_row(a, row, x + i * a->features, targets + i * a->columns, scratch);
    }
    ffn__augment_mix(a, place, rows, x, targets, scratch);
}

static void fill(const void *feed, size_t index, float *x, float *targets, float *scratch)
{
    const ffn__feed *f = feed;
    const ffn_dataset *d = f->dataset;
    const size_t first = index * f->batch, rows = batch_rows(f, index);
    if (f->order) {
        ffn__dataset_gather(d, f->order + first, rows, x, targets);
    } else {
        memcpy(x, d->x + first * d->features, rows * d->features * sizeof *x);
        memcpy(targets, d->targets + first * d->columns, rows * d->columns * sizeof *targets);
    }
    if (f->augments) augment(f, first, rows, x, targets, scratch);
}

static ffn_status make_augmenter(ffn__feed *f, const ffn_fit_options *options, ffn_error *error)
{
    const ffn_target_kind kind = options->loss.ops->target;
    if (!options->augmentation) return FFN_OK;
    if (options->augmentation->mixup > 0 && (kind == FFN_TARGET_CLASS_INDEX || kind == FFN_TARGET_SIGN))
        return ffn_fail(
            error, FFN_INVALID_ARGUMENT,
            "augmentation: mixup with the loss %s, whose targets are not to be mixed; expected one column a "
            "class, as of ffn_dataset_one_hot",
            options->loss.ops->name);
    const ffn_status status =
        ffn__augmenter_create(&f->augmenter, options->augmentation, f->dataset->sample, f->dataset->columns, error);
    f->augments = status == FFN_OK;
    return status;
}

static ffn_status start(ffn__feed *f, const ffn_fit_options *options, ffn_error *error)
{
    const ffn_dataset *d = f->dataset;
    const ffn_status status = make_augmenter(f, options, error);
    if (status != FFN_OK) return status;
    if (!options->keep_order) {
        f->order = ffn__alloc(d->rows, sizeof *f->order, error);
        if (!f->order) return FFN_OUT_OF_MEMORY;
    }
    if (d->weights) {
        f->weights = ffn__alloc(f->batch, sizeof *f->weights, error);
        if (!f->weights) return FFN_OUT_OF_MEMORY;
    }
    if (!f->order && !f->augments) return FFN_OK;
    const ffn__batch_maker maker = {.fill = fill,
                                    .context = f,
                                    .x_size = f->batch * d->features,
                                    .target_size = f->batch * d->columns,
                                    .scratch_size = f->augments ? f->augmenter.scratch : 0};
    const size_t threads = options->threads ? options->threads : ffn__thread_count();
    f->loader = ffn__loader_create(maker, f->augments ? threads : 0, error);
    return f->loader ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn__feed *ffn__feed_create(const ffn_dataset *dataset, const ffn_fit_options *options, ffn_error *error)
{
    ffn__feed *f = ffn__alloc(1, sizeof *f, error);
    if (!f) return NULL;
    f->dataset = dataset;
    f->batch = options->batch_size;
    f->seed = options->seed;
    if (start(f, options, error) == FFN_OK) return f;
    ffn__feed_destroy(f);
    return NULL;
}

void ffn__feed_destroy(ffn__feed *f)
{
    if (!f) return;
    ffn__loader_destroy(f->loader);
    if (f->augments) ffn__augmenter_destroy(&f->augmenter);
    ffn__free(f->order);
    ffn__free(f->weights);
    ffn__free(f);
}

void ffn__feed_begin(ffn__feed *f, size_t epoch)
{
    f->next = 0;
    if (!f->loader) return;
    ffn__loader_pause(f->loader);
    f->epoch = (uint32_t)epoch;
    if (f->order) {
        ffn_random random = ffn_random_create(f->seed, FFN__STREAM_SHUFFLE, f->epoch);
        for (size_t i = 0; i < f->dataset->rows; i++) f->order[i] = i;
        ffn__shuffle(&random, f->dataset->rows, f->order);
    }
    ffn__loader_begin(f->loader, ffn__feed_batches(f));
}

ffn_status ffn__feed_next(ffn__feed *f, const float **x, const float **targets, size_t *rows, ffn_error *error)
{
    const ffn_dataset *d = f->dataset;
    const size_t index = f->next++, first = index * f->batch;
    (void)error;
    *rows = batch_rows(f, index);
    if (f->loader) {
        ffn__loader_next(f->loader, x, targets);
    } else {
        *x = d->x + first * d->features;
        *targets = d->targets + first * d->columns;
    }
    return FFN_OK;
}

const float *ffn__feed_weights(const ffn__feed *f)
{
    const size_t first = (f->next - 1) * f->batch, rows = batch_rows(f, f->next - 1);
    for (size_t i = 0; f->weights && i < rows; i++)
        f->weights[i] = f->dataset->weights[f->order ? f->order[first + i] : first + i];
    return f->weights;
}
