/* What training eats: the rows of a dataset in the order of the epoch, batch by batch, augmented ahead of the step.
 * Rows of a source come window by window, each a small dataset that is shuffled like one; while one is trained on, a thread
 * reads the next one of the epoch. */
#include <string.h>

#include "data/augment.h"
#include "data/loader.h"
#include "train/train.h"

enum { DEFAULT_WINDOW = 8192 }; /* rows */

/* A window in memory, or on the way there. */
typedef struct window {
    ffn__rows reader;
    size_t first, rows; /* in the dataset */
    const float *x, *targets;
    ffn_status status;
    ffn_error error;
} window;

struct ffn__feed {
    const ffn_model *model;
    const ffn_dataset *dataset;
    const ffn_loss *loss;
    ffn_dataset rows; /* what batches are taken from: the dataset's, or those of a window */
    size_t batch;     /* rows */
    size_t next;      /* batch of `rows` */
    size_t before;    /* rows of the epoch before `rows` */
    size_t offset;    /* of `rows` in the dataset */
    uint64_t seed;
    uint32_t epoch;
    float *weights;           /* of the rows of the last batch; NULL: the dataset has none */
    ffn_random random;        /* of the epoch's orders */
    size_t *order;            /* [rows] of `rows`; NULL: as they stand */
    size_t window;            /* rows of one */
    size_t windows, opened;   /* of the epoch */
    size_t *window_order;     /* [windows], or NULL */
    window memory[2];         /* of a source: the one in use, and the next one */
    size_t current;           /* of them */
    ffn__aside *aside;        /* reads the next one; NULL: there is one window */
    ffn__loader *loader;      /* NULL: batches are the dataset's own memory */
    ffn__augmenter augmenter; /* if `augments` */
    bool augments;
};

static size_t batch_rows(const ffn__feed *f, size_t index)
{
    const size_t left = f->rows.rows - index * f->batch;
    return left < f->batch ? left : f->batch;
}

size_t ffn__feed_batches(const ffn__feed *f) { return (f->dataset->rows + f->batch - 1) / f->batch; }

static void augment(const ffn__feed *f, size_t first, size_t rows, float *x, float *targets, float *scratch)
{
    const ffn__augmenter *a = &f->augmenter;
    const ffn__augment_place place = {f->seed, f->epoch, f->before + first};
    for (size_t i = 0; i < rows; i++) {
        const ffn__augment_place row = {f->seed, f->epoch, f->before + first + i};
        ffn__augment_row(a, row, x + i * a->features, targets + i * a->columns, scratch);
    }
    ffn__augment_mix(a, place, rows, x, targets, scratch);
}

static void fill(const void *feed, size_t index, float *x, float *targets, float *scratch)
{
    const ffn__feed *f = feed;
    const ffn_dataset *d = &f->rows;
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

/* Windows are whole batches, so that an epoch has as many batches as without them. */
static ffn_status make_windows(ffn__feed *f, bool keep_order, ffn_error *error)
{
    const ffn_dataset *d = f->dataset;
    f->rows = *d;
    f->window = d->rows;
    f->windows = 1;
    if (!d->source.read) return FFN_OK;
    const size_t wanted = d->source.window ? d->source.window : DEFAULT_WINDOW;
    const size_t batches = wanted / f->batch + (wanted % f->batch != 0), all = ffn__feed_batches(f);
    if (batches < all) f->window = batches * f->batch;
    f->windows = (d->rows + f->window - 1) / f->window;
    if (!keep_order) {
        f->window_order = ffn__alloc(f->windows, sizeof *f->window_order, error);
        if (!f->window_order) return FFN_OUT_OF_MEMORY;
    }
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < 2 && i < f->windows && status == FFN_OK; i++)
        status = ffn__rows_open(&f->memory[i].reader, d, f->window, error);
    if (status != FFN_OK || f->windows == 1) return status;
    f->aside = ffn__aside_create(error);
    return f->aside ? FFN_OK : FFN_OUT_OF_MEMORY;
}

static ffn_status start(ffn__feed *f, const ffn_fit_options *options, ffn_error *error)
{
    const ffn_dataset *d = f->dataset;
    ffn_status status = make_augmenter(f, options, error);
    if (status == FFN_OK) status = make_windows(f, options->keep_order, error);
    if (status != FFN_OK) return status;
    if (!options->keep_order) {
        f->order = ffn__alloc(f->window, sizeof *f->order, error);
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

ffn__feed *ffn__feed_create(const ffn_model *model, const ffn_dataset *dataset, const ffn_fit_options *options,
                            ffn_error *error)
{
    ffn__feed *f = ffn__alloc(1, sizeof *f, error);
    if (!f) return NULL;
    f->model = model;
    f->dataset = dataset;
    f->loss = &options->loss;
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
    ffn__aside_destroy(f->aside);
    if (f->augments) ffn__augmenter_destroy(&f->augmenter);
    for (size_t i = 0; i < 2; i++) ffn__rows_close(&f->memory[i].reader);
    ffn__free(f->window_order);
    ffn__free(f->order);
    ffn__free(f->weights);
    ffn__free(f);
}

static void shuffle(ffn__feed *f, size_t n, size_t *order)
{
    for (size_t i = 0; i < n; i++) order[i] = i;
    ffn__shuffle(&f->random, n, order);
}

/* Begins with the batches of f->rows. The loader is at rest. */
static void begin_rows(ffn__feed *f)
{
    f->next = 0;
    if (f->order) shuffle(f, f->rows.rows, f->order);
    if (f->loader) ffn__loader_begin(f->loader, (f->rows.rows + f->batch - 1) / f->batch);
}

/* Where the epoch's window number `index` lies. */
static void locate(const ffn__feed *f, size_t index, window *w)
{
    w->first = (f->window_order ? f->window_order[index] : index) * f->window;
    const size_t left = f->dataset->rows - w->first;
    w->rows = left < f->window ? left : f->window;
}

/* The memory that is not in use; between epochs neither is. */
static window *spare(ffn__feed *f) { return &f->memory[f->windows > 1 ? 1 - f->current : 0]; }

/* Reads the window that comes next. */
static void read_next(void *feed)
{
    ffn__feed *f = feed;
    window *w = spare(f);
    const size_t per_row = f->model->output_rows;
    w->status = ffn__rows_read(&w->reader, w->first, w->rows, &w->x, &w->targets, &w->error);
    if (w->status == FFN_OK)
        w->status = ffn__targets_check(f->loss, f->model->output_cols, w->rows * per_row, w->targets,
                                       w->first * per_row, &w->error);
}

static ffn_status open_window(ffn__feed *f, ffn_error *error)
{
    window *next = spare(f);
    if (f->loader) ffn__loader_pause(f->loader);
    if (f->opened == 0) {
        locate(f, 0, next);
        read_next(f);
    } else {
        f->before += f->rows.rows;
        ffn__aside_wait(f->aside);
    }
    f->opened++;
    if (next->status != FFN_OK) {
        if (error) *error = next->error;
        return next->status;
    }
    f->current = (size_t)(next - f->memory);
    f->rows.rows = next->rows;
    f->rows.x = next->x;
    f->rows.targets = next->targets;
    f->offset = next->first;
    begin_rows(f);
    if (f->opened < f->windows) {
        locate(f, f->opened, spare(f));
        ffn__aside_begin(f->aside, read_next, f);
    }
    return FFN_OK;
}

void ffn__feed_begin(ffn__feed *f, size_t epoch)
{
    if (f->loader) ffn__loader_pause(f->loader);
    if (f->aside) ffn__aside_wait(f->aside);
    f->epoch = (uint32_t)epoch;
    f->random = ffn_random_create(f->seed, FFN__STREAM_SHUFFLE, f->epoch);
    f->before = f->opened = 0;
    if (f->window_order) shuffle(f, f->windows, f->window_order);
    if (f->dataset->source.read)
        f->next = f->rows.rows = 0; /* the first batch opens a window */
    else
        begin_rows(f);
}

ffn_status ffn__feed_next(ffn__feed *f, const float **x, const float **targets, size_t *rows, ffn_error *error)
{
    if (f->dataset->source.read && f->next * f->batch >= f->rows.rows) {
        const ffn_status status = open_window(f, error);
        if (status != FFN_OK) return status;
    }
    const size_t index = f->next++, first = index * f->batch;
    *rows = batch_rows(f, index);
    if (f->loader) {
        ffn__loader_next(f->loader, x, targets);
    } else {
        *x = f->rows.x + first * f->rows.features;
        *targets = f->rows.targets + first * f->rows.columns;
    }
    return FFN_OK;
}

const float *ffn__feed_weights(const ffn__feed *f)
{
    const size_t first = (f->next - 1) * f->batch, rows = batch_rows(f, f->next - 1);
    for (size_t i = 0; f->weights && i < rows; i++)
        f->weights[i] = f->dataset->weights[f->offset + (f->order ? f->order[first + i] : first + i)];
    return f->weights;
}
