#include "data/augment.h"

#include <math.h>
#include <string.h>

/* ---- options --------------------------------------------------------------------------------------------------- */

static ffn_status check_numbers(const ffn_augmentation *o, ffn_error *error)
{
    const struct {
        const char *name;
        float value;
        double limit;
        bool reached; /* the limit itself is allowed */
    } numbers[] = {
        {"shift", o->shift, 1e6, false},
        {"rotation", o->rotation, 180, true},
        {"scale", o->scale, 1, false},
        {"shear", o->shear, 90, false},
        {"elastic_strength", o->elastic_strength, 1e6, false},
        {"elastic_smoothness", o->elastic_smoothness, 1e3, false},
        {"noise", o->noise, INFINITY, false},
        {"mixup", o->mixup, 1e6, false},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const double value = (double)numbers[i].value, limit = numbers[i].limit;
        if (value >= 0 && (value < limit || (numbers[i].reached && value == limit))) continue;
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "augmentation: %s is %g; expected 0 or more, and %s %g",
                        numbers[i].name, value, numbers[i].reached ? "at most" : "below", limit);
    }
    if (!isfinite(o->fill))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "augmentation: fill is %g; expected a finite number",
                        (double)o->fill);
    return FFN_OK;
}

/* Height, width and channels from the options or else from the sample's shape. */
static ffn_status find_image(ffn__augmenter *a, ffn_error *error)
{
    const ffn_augmentation *o = &a->options;
    const ffn_shape *s = &a->sample;
    if (!ffn__augment_moves(o) && o->cutout == 0) return FFN_OK;
    if (!o->height != !o->width)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "augmentation: height is %zu and width is %zu; expected both or 0",
                        o->height, o->width);
    a->height = o->height ? o->height : s->rank >= 2 ? s->dim[s->rank - 2] : 0;
    a->width = o->width ? o->width : s->rank >= 2 ? s->dim[s->rank - 1] : 0;
    size_t pixels;
    if (a->height == 0 || !ffn__multiply(a->height, a->width, &pixels) || a->features % pixels != 0) {
        char shape[64];
        (void)ffn__shape_format(a->sample, shape, sizeof shape);
        return ffn_fail(error, FFN_SHAPE_MISMATCH,
                        "augmentation: samples of shape %s; expected (height, width) or (channels, height, width), or "
                        "options height and width that divide it",
                        shape);
    }
    a->channels = a->features / pixels;
    return FFN_OK;
}

ffn_status ffn__augmenter_create(ffn__augmenter *a, const ffn_augmentation *options, ffn_shape sample, size_t columns,
                                 ffn_error *error)
{
    *a = (ffn__augmenter){.sample = sample, .columns = columns};
    if (!options) return ffn_fail(error, FFN_INVALID_ARGUMENT, "augmentation: the options are NULL");
    a->options = *options;
    if (!(options->elastic_smoothness != 0)) a->options.elastic_smoothness = 4;
    ffn_status status = ffn__shape_check(sample, "augmentation: sample", error);
    if (status == FFN_OK) status = check_numbers(&a->options, error);
    if (status != FFN_OK) return status;
    a->features = ffn_shape_size(sample);
    status = find_image(a, error);
    if (status != FFN_OK) return status;
    const size_t row = a->features > columns ? a->features : columns; /* the row that mixing keeps */
    if (!ffn__multiply(row, 5, &a->scratch))                          /* an image, and 4 of one channel */
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "augmentation: rows of %zu numbers do not fit the address space",
                        row);
    status = ffn__augment_prepare_elastic(a, error);
    if (status != FFN_OK) ffn__augmenter_destroy(a);
    return status;
}

void ffn__augmenter_destroy(ffn__augmenter *a)
{
    ffn__free(a->vertical);
    ffn__free(a->horizontal);
    a->vertical = a->horizontal = NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* A row's numbers: 2^31 that change it, and as many that mix it. */
static ffn_random stream_of(ffn__augment_place place, size_t row, bool mixing)
{
    ffn_random random = ffn_random_create(place.seed, FFN__STREAM_AUGMENT, place.epoch);
    random.position = ((uint64_t)(place.row + row) << 1 | mixing) << 31;
    return random;
}

static void add_noise(const ffn__augmenter *a, ffn_random *random, float *x)
{
    enum { CHUNK = 128 };
    float noise[CHUNK];
    for (size_t i = 0; i < a->features; i += CHUNK) {
        const size_t count = a->features - i < CHUNK ? a->features - i : CHUNK;
        ffn__random_normals(random, count, noise);
        for (size_t j = 0; j < count; j++) x[i + j] += a->options.noise * noise[j];
    }
}

void ffn__augment_row(const ffn__augmenter *a, ffn__augment_place place, float *x, float *targets, float *scratch)
{
    const ffn_augmentation *o = &a->options;
    ffn_random random = stream_of(place, 0, false);
    if (ffn__augment_moves(o)) ffn__augment_image(a, &random, x, scratch);
    if (o->noise > 0) add_noise(a, &random, x);
    if (o->cutout > 0) ffn__augment_cut_out(a, &random, x);
    if (o->custom) o->custom(x, a->sample, targets, a->columns, &random, o->user);
}

/* ---- mixing ---------------------------------------------------------------------------------------------------- */

/* Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 2000, for shape + 1, as a logarithm;
 * the caller goes back to shape. Each round takes a square root and two logarithms, and one in twenty is drawn again. */
static double log_gamma_variate(ffn_random *random, double shape)
{
    const double d = shape + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = (double)ffn_random_normal(random), root = 1 + c * x;
        const double u = ((double)ffn_random_bits(random) + 0.5) * 0x1p-32;
        if (root > 0 && log(u) < 0.5 * x * x + d - d * root * root * root + 3 * d * log(root)) {
            const double v = ((double)ffn_random_bits(random) + 0.5) * 0x1p-32;
            return log(d) + 3 * log(root) +
                   log(v) / shape; /* a gamma of `shape` is one of shape + 1 times v^(1/shape) */
        }
    }
}

/* Beta(alpha, alpha), in [0, 1]. */
static double draw_share(ffn_random *random, double alpha)
{
    const double a = log_gamma_variate(random, alpha), b = log_gamma_variate(random, alpha);
    return 1 / (1 + exp(b - a));
}

static void mix(size_t n, float share, float *row, const float *other)
{
    for (size_t i = 0; i < n; i++) row[i] = share * row[i] + (1 - share) * other[i];
}

/* Mixes one array of rows with the shares that the rows draw; `first` [cols] keeps the row that the last needs. */
static void mix_rows(const ffn__augmenter *a, ffn__augment_place place, size_t rows, size_t cols, float *values,
                     float *first)
{
    memcpy(first, values, cols * sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        ffn_random random = stream_of(place, i, true);
        const float share = (float)draw_share(&random, (double)a->options.mixup);
        mix(cols, share, values + i * cols, i + 1 < rows ? values + (i + 1) * cols : first);
    }
}

void ffn__augment_mix(const ffn__augmenter *a, ffn__augment_place place, size_t rows, float *x, float *targets,
                      float *scratch)
{
    if (!(a->options.mixup > 0)) return;
    mix_rows(a, place, rows, a->features, x, scratch);
    if (targets) mix_rows(a, place, rows, a->columns, targets, scratch);
}

/* ---- alone ----------------------------------------------------------------------------------------------------- */

typedef struct job {
    const ffn__augmenter *augmenter;
    ffn__augment_place place;
    size_t rows;
    float *x, *targets, *scratch; /* scratch: of each thread */
} job;

enum { TILE = 8 }; /* rows */

static void augment_tile(void *context, size_t tile)
{
    const job *j = context;
    const ffn__augmenter *a = j->augmenter;
    float *scratch = j->scratch + ffn__worker() * a->scratch;
    for (size_t i = tile * TILE; i < j->rows && i < (tile + 1) * TILE; i++) {
        ffn__augment_place place = j->place;
        place.row += i;
        ffn__augment_row(a, place, j->x + i * a->features, j->targets ? j->targets + i * a->columns : NULL, scratch);
    }
}

static ffn_status augment(job *j, ffn_error *error)
{
    static const double ROW_WORK = 100; /* floating-point operations of an element, or thereabouts */
    const ffn__augmenter *a = j->augmenter;
    if (!ffn__is_array(j->rows, a->features) || !ffn__is_array(j->rows, a->columns))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_augment: %zu rows are more than memory can hold", j->rows);
    size_t scratch;
    if (!ffn__multiply(a->scratch, ffn__thread_count() + 1, &scratch)) scratch = SIZE_MAX;
    j->scratch = ffn__alloc(scratch, sizeof(float), error);
    if (!j->scratch) return FFN_OUT_OF_MEMORY;
    ffn__parallel(0, (j->rows + TILE - 1) / TILE, ROW_WORK * (double)j->rows * (double)a->features, augment_tile, j);
    ffn__augment_mix(a, j->place, j->rows, j->x, j->targets, j->scratch);
    ffn__free(j->scratch);
    return FFN_OK;
}

ffn_status ffn_augment(const ffn_augmentation *augmentation, ffn_shape sample, size_t rows, float *x, size_t columns,
                       float *targets, uint64_t seed, uint32_t epoch, size_t first_row, ffn_error *error)
{
    if (!x) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_augment: x is NULL");
    if (!targets != (columns == 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_augment: %zu target columns, and targets are %s", columns,
                        targets ? "given" : "NULL");
    ffn__augmenter augmenter;
    ffn_status status = ffn__augmenter_create(&augmenter, augmentation, sample, columns, error);
    if (status != FFN_OK) return status;
    job j = {.augmenter = &augmenter, .place = {seed, epoch, first_row}, .rows = rows, .x = x, .targets = targets};
    if (rows > 0) status = augment(&j, error);
    ffn__augmenter_destroy(&augmenter);
    return status;
}
