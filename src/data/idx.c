/* IDX, the format of MNIST: two zero bytes, the type of the elements, the number of dimensions, those as big-endian
 * 32-bit numbers, and the elements, big-endian, the last dimension varying fastest. */
#include "data/contents.h"
#include "data/data.h"
#include "data/element.h"
#include "data/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DIMENSIONS = FFN_MAX_RANK + 1, WINDOW = 1 << 15 };

static const struct {
    unsigned char code;
    const ffn__element *element;
} types[] = {{0x08, &ffn__unsigned8}, {0x09, &ffn__signed8}, {0x0B, &ffn__signed16},
             {0x0C, &ffn__signed32},  {0x0D, &ffn__float32}, {0x0E, &ffn__float64}};

typedef struct idx {
    const char *source; /* the file's name for messages */
    const void *bytes;
    size_t size; /* of the file */
    const ffn__element *element;
    size_t rank, dim[MOST_DIMENSIONS];
    size_t header; /* bytes before the elements */
    size_t rows;   /* the first dimension */
    size_t cols;   /* elements of a row */
} idx;

/* ---- header ---------------------------------------------------------------------------------------------------- */

static ffn_status cut_short(const idx *f, size_t found, size_t expected, ffn_error *error)
{
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: found %zu bytes, expected %zu", f->source, found, expected);
}

static ffn_status read_magic(idx *f, ffn__contents *c, ffn_error *error)
{
    unsigned char magic[4];
    size_t count;
    const ffn_status status = ffn__contents_read(c, magic, sizeof magic, &count, error);
    if (status != FFN_OK) return status;
    if (count < sizeof magic)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: found %zu bytes, expected an IDX header of 8 or more", f->source,
                        count);
    if (magic[0] != 0 || magic[1] != 0)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s, offset 0: found bytes %02x %02x, expected 00 00 as IDX begins",
                        f->source, magic[0], magic[1]);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == magic[2]) f->element = types[i].element;
    if (!f->element)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s, offset 2: found element type %02x, expected 08, 09, 0b, 0c, 0d or 0e", f->source,
                        magic[2]);
    f->rank = magic[3];
    if (f->rank < 1 || f->rank > MOST_DIMENSIONS)
        return ffn_fail(error, f->rank ? FFN_UNSUPPORTED : FFN_BAD_FORMAT,
                        "%s, offset 3: found %zu dimensions, expected 1 to %d", f->source, f->rank, MOST_DIMENSIONS);
    return FFN_OK;
}

static ffn_status read_dimensions(idx *f, ffn__contents *c, ffn_error *error)
{
    unsigned char bytes[4 * MOST_DIMENSIONS];
    size_t count;
    f->header = 4 + 4 * f->rank;
    const ffn_status status = ffn__contents_read(c, bytes, 4 * f->rank, &count, error);
    if (status != FFN_OK) return status;
    if (count < 4 * f->rank)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: found %zu bytes, expected an IDX header of %zu", f->source,
                        4 + count, f->header);
    size_t total = f->cols = 1;
    for (size_t i = 0; i < f->rank; i++) {
        const unsigned char *b = bytes + 4 * i;
        f->dim[i] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (f->dim[i] == 0)
            return ffn_fail(error, FFN_BAD_FORMAT, "%s, offset %zu: found dimension %zu of size 0, expected at least 1",
                            f->source, 4 + 4 * i, i + 1);
        if (!ffn__multiply(total, f->dim[i], &total) || total > SIZE_MAX / 2 / sizeof(double))
            return ffn_fail(error, FFN_BAD_FORMAT, "%s, offset %zu: found more elements than memory has addresses",
                            f->source, 4 + 4 * i);
        if (i > 0) f->cols *= f->dim[i];
    }
    f->rows = f->dim[0];
    return FFN_OK;
}

/* ---- elements -------------------------------------------------------------------------------------------------- */

/* Whether as many bytes as the header promises are there, and no more. Nothing is kept: a packed file that promises
 * much takes no memory. */
static ffn_status check_size(const idx *f, ffn__contents *c, ffn_error *error)
{
    unsigned char window[WINDOW];
    const size_t expected = f->header + f->rows * f->cols * f->element->size;
    if (!c->unpacker && c->size != expected) return cut_short(f, c->size, expected, error);
    size_t count = WINDOW;
    while (c->unpacker && count == WINDOW && c->offset <= expected) {
        const ffn_status status = ffn__contents_read(c, window, WINDOW, &count, error);
        if (status != FFN_OK) return status;
    }
    if (c->offset > expected)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: found more than %zu unpacked bytes, expected %zu", f->source,
                        expected, expected);
    if (c->unpacker && c->offset < expected) return cut_short(f, c->offset, expected, error);
    return FFN_OK;
}

static ffn_status measure(idx *f, ffn_error *error)
{
    ffn__contents c;
    ffn_status status = ffn__contents_open(&c, f->source, f->bytes, f->size, error);
    if (status != FFN_OK) return status;
    status = read_magic(f, &c, error);
    if (status == FFN_OK) status = read_dimensions(f, &c, error);
    if (status == FFN_OK) status = check_size(f, &c, error);
    ffn__contents_close(&c);
    return status;
}

static ffn_status convert(const idx *f, const unsigned char *from, size_t first, size_t count, float *to,
                          ffn_error *error)
{
    f->element->convert(from, f->element->size, count, FFN__BIG_ENDIAN, to);
    if (f->element->whole) return FFN_OK;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(to[i]))
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "%s, offset %zu: found %s, expected a finite number of at most 3.4e38", f->source,
                            f->header + (first + i) * f->element->size,
                            isnan(to[i]) ? "NaN" : "an infinite or too large number");
    return FFN_OK;
}

/* All elements to values [rows * cols]; the size has been checked. */
static ffn_status read_elements(const idx *f, float *values, ffn_error *error)
{
    unsigned char window[WINDOW];
    ffn__contents c;
    const size_t total = f->rows * f->cols, step = WINDOW / f->element->size;
    size_t count;
    ffn_status status = ffn__contents_open(&c, f->source, f->bytes, f->size, error);
    if (status != FFN_OK) return status;
    status = ffn__contents_read(&c, window, f->header, &count, error);
    for (size_t i = 0; i < total && status == FFN_OK; i += step) {
        const size_t n = total - i < step ? total - i : step;
        status = ffn__contents_read(&c, window, n * f->element->size, &count, error);
        if (status == FFN_OK) status = convert(f, window, i, n, values + i, error);
    }
    ffn__contents_close(&c);
    return status;
}

/* ---- dataset --------------------------------------------------------------------------------------------------- */

/* Whole numbers, one a row, are classes. */
static bool are_classes(const idx *labels) { return labels->element->whole && labels->rank == 1; }

static ffn_status fill(ffn_dataset *dataset, const idx *images, const idx *labels, ffn_error *error)
{
    dataset->x = dataset->owned_x = ffn__alloc(images->rows * images->cols, sizeof(float), error);
    if (!dataset->x) return FFN_OUT_OF_MEMORY;
    ffn_status status = read_elements(images, dataset->owned_x, error);
    if (status != FFN_OK || !labels) return status;
    dataset->targets = dataset->owned_targets = ffn__alloc(labels->rows * labels->cols, sizeof(float), error);
    if (!dataset->targets) return FFN_OUT_OF_MEMORY;
    status = read_elements(labels, dataset->owned_targets, error);
    if (status != FFN_OK || !are_classes(labels)) return status;
    return ffn__dataset_count_classes(dataset, labels->source, labels->header, labels->element->size, error);
}

/* labels: NULL if there are none. */
static ffn_dataset *load(idx *images, idx *labels, ffn_error *error)
{
    if (measure(images, error) != FFN_OK || (labels && measure(labels, error) != FFN_OK)) return NULL;
    if (labels && labels->rows != images->rows) {
        (void)ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: found %zu labels, expected %zu, the rows of %s", labels->source,
                       labels->rows, images->rows, images->source);
        return NULL;
    }
    ffn_shape sample = {.rank = images->rank - 1};
    for (size_t i = 0; i < sample.rank; i++) sample.dim[i] = images->dim[i + 1];
    if (sample.rank == 0) sample = ffn_shape_1d(1);
    ffn_dataset *dataset = ffn__dataset_create(sample, labels ? labels->cols : 0, images->rows, error);
    if (!dataset || fill(dataset, images, labels, error) == FFN_OK) return dataset;
    ffn_dataset_destroy(dataset);
    return NULL;
}

ffn_dataset *ffn_dataset_load_idx(const char *images_path, const char *labels_path, ffn_error *error)
{
    char *image_bytes, *label_bytes = NULL;
    idx images = {0}, labels = {0};
    ffn_dataset *dataset = NULL;
    if (ffn__read_file(images_path, &image_bytes, &images.size, error) != FFN_OK) return NULL;
    if (!labels_path || ffn__read_file(labels_path, &label_bytes, &labels.size, error) == FFN_OK) {
        images.source = ffn__path_tail(images_path);
        images.bytes = image_bytes;
        labels.source = labels_path ? ffn__path_tail(labels_path) : NULL;
        labels.bytes = label_bytes;
        dataset = load(&images, labels_path ? &labels : NULL, error);
    }
    ffn__free(image_bytes);
    ffn__free(label_bytes);
    return dataset;
}

ffn_dataset *ffn_dataset_load_idx_memory(const void *images, size_t images_size, const void *labels, size_t labels_size,
                                         ffn_error *error)
{
    idx i = {.source = "IDX images", .bytes = images, .size = images_size};
    idx l = {.source = "IDX labels", .bytes = labels, .size = labels_size};
    if (images) return load(&i, labels ? &l : NULL, error);
    (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading IDX bytes: the images are NULL");
    return NULL;
}
