/* Augmentation: what each change does to an image whose answer is known, that results do not depend on threads, and
 * ffn_fit with it. */
#include "failing.h"
#include "test.h"

#include "data/loader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, ROWS = 300 };

static float images[ROWS * PIXELS];

/* A picture of its own for each row, not symmetric. */
static void draw(void)
{
    ffn_random random = ffn_random_create(7, 0, 0);
    for (size_t i = 0; i < ROWS * PIXELS; i++) images[i] = ffn_random_uniform(&random) + 1;
}

static ffn_status apply(const ffn_augmentation *a, size_t rows, float *x, ffn_error *error)
{
    return ffn_augment(a, ffn_shape_2d(SIDE, SIDE), rows, x, 0, NULL, 3, 1, 0, error);
}

static bool same_image(const float *a, const float *b) { return memcmp(a, b, PIXELS * sizeof *a) == 0; }

/* ---- what changes do --------------------------------------------------------------------------------------------- */

static void test_nothing_is_the_same(void)
{
    draw();
    static float before[ROWS * PIXELS];
    memcpy(before, images, sizeof images);
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){0}, ROWS, images, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(images, before, sizeof images), 0);
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){0}, 0, images, NULL), FFN_OK);
}

static void test_flips(void)
{
    size_t flipped = 0, kept = 0;
    float before[PIXELS], mirrored[PIXELS];
    draw();
    for (size_t r = 0; r < ROWS; r++) {
        float *x = images + r * PIXELS;
        memcpy(before, x, sizeof before);
        for (size_t i = 0; i < PIXELS; i++) mirrored[i] = x[i / SIDE * SIDE + SIDE - 1 - i % SIDE];
        (void)ffn_augment(&(ffn_augmentation){.flip_horizontal = true}, ffn_shape_2d(SIDE, SIDE), 1, x, 0, NULL, 3, 1,
                          r, NULL);
        flipped += same_image(x, mirrored);
        kept += same_image(x, before);
    }
    CU_ASSERT_EQUAL(flipped + kept, ROWS);
    CU_ASSERT(flipped > ROWS / 2 - 45 && flipped < ROWS / 2 + 45); /* five standard deviations */
    for (size_t i = 0; i < PIXELS; i++) mirrored[i] = images[(SIDE - 1 - i / SIDE) * SIDE + i % SIDE];
    memcpy(before, images, sizeof before);
    (void)apply(&(ffn_augmentation){.flip_vertical = true}, 1, images, NULL);
    CU_ASSERT(same_image(images, mirrored) || same_image(images, before));
}

/* The centre of mass follows the shift; a pixel between four others is their mean by distance. */
static void test_shift(void)
{
    double least = 9, most = -9;
    for (size_t r = 0; r < ROWS; r++) {
        float x[PIXELS] = {0};
        x[3 * SIDE + 4] = 1;
        (void)ffn_augment(&(ffn_augmentation){.shift = 2.5f}, ffn_shape_2d(SIDE, SIDE), 1, x, 0, NULL, 3, 1, r, NULL);
        double sum = 0, across = 0, down = 0;
        for (size_t i = 0; i < PIXELS; i++) {
            sum += (double)x[i];
            across += (double)x[i] * ((double)(i % SIDE) - 4);
            down += (double)x[i] * ((double)(i / SIDE) - 3);
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, 1, 1e-5);
        CU_ASSERT(fabs(across) <= 2.5001 && fabs(down) <= 2.5001);
        least = fmin(least, across);
        most = fmax(most, across);
    }
    CU_ASSERT(least < -2.3 && most > 2.3);
}

/* Weights of a plane a x + b y + c pass through bilinear interpolation, so that inside the image it shows the map. */
static void test_rotation_scale_and_shear(void)
{
    const ffn_augmentation list[] = {{.rotation = 20}, {.scale = 0.2f}, {.shear = 20}};
    for (size_t k = 0; k < 3; k++) {
        float x[2 * PIXELS]; /* two channels: the column and the row that each pixel comes from, about the centre */
        for (size_t i = 0; i < PIXELS; i++) {
            x[i] = (float)(i % SIDE) - 3.5f;
            x[PIXELS + i] = (float)(i / SIDE) - 3.5f;
        }
        CU_ASSERT_EQUAL(ffn_augment(&list[k], ffn_shape_3d(2, SIDE, SIDE), 1, x, 0, NULL, 5, 1, 0, NULL), FFN_OK);
        /* the map from two pixels right of and below the centre */
        const size_t a = 3 * SIDE + 3, b = 3 * SIDE + 4, c = 4 * SIDE + 3;
        const double xx = (double)(x[b] - x[a]), yx = (double)(x[PIXELS + b] - x[PIXELS + a]);
        const double xy = (double)(x[c] - x[a]), yy = (double)(x[PIXELS + c] - x[PIXELS + a]);
        const double area = xx * yy - xy * yx;
        CU_ASSERT(fabs(xx - 1) + fabs(xy) + fabs(yx) + fabs(yy - 1) > 0.01);
        CU_ASSERT_DOUBLE_EQUAL((double)(x[a] + x[4 * SIDE + 4]), 0, 1e-4); /* the centre stays */
        if (k == 0) {
            CU_ASSERT_DOUBLE_EQUAL(area, 1, 1e-4);
            CU_ASSERT_DOUBLE_EQUAL(xx, yy, 1e-5);
            CU_ASSERT_DOUBLE_EQUAL(xy, -yx, 1e-5);
            CU_ASSERT(fabs(yx) <= sin(20 * 3.14159265 / 180));
        } else if (k == 1) {
            CU_ASSERT_DOUBLE_EQUAL(xx, yy, 1e-5);
            CU_ASSERT(fabs(xy) < 1e-5 && fabs(yx) < 1e-5);
            CU_ASSERT(xx > 1 / 1.2001 && xx < 1 / 0.7999);
        } else {
            CU_ASSERT_DOUBLE_EQUAL(area, 1, 1e-4);
            CU_ASSERT(fabs(yx) < 1e-5);
            CU_ASSERT(fabs(xy) <= tan(20 * 3.14159265 / 180) + 1e-5);
        }
    }
}

/* Displacements of Simard's fields: neighbours move alike, and their size is sd = strength / sqrt 3 / (2 sqrt pi s). */
static void test_elastic(void)
{
    enum { WIDE = 64 };
    static float x[2 * WIDE * WIDE];
    double squares = 0, steps = 0;
    size_t count = 0;
    for (size_t k = 0; k < 20; k++) {
        for (size_t i = 0; i < WIDE * WIDE; i++) {
            x[i] = (float)(i % WIDE);
            x[WIDE * WIDE + i] = (float)(i / WIDE);
        }
        const ffn_augmentation a = {.elastic_strength = 30, .elastic_smoothness = 3};
        CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_3d(2, WIDE, WIDE), 1, x, 0, NULL, 5, 1, k, NULL), FFN_OK);
        for (size_t i = 16; i < WIDE - 16; i++)
            for (size_t j = 16; j < WIDE - 16; j++) {
                const double d = (double)x[i * WIDE + j] - (double)j, e = (double)x[i * WIDE + j + 1] - (double)j - 1;
                squares += d * d;
                steps += (d - e) * (d - e);
                count++;
            }
    }
    const double expected = 30 / sqrt(3.0) / (2 * sqrt(3.14159265) * 3);
    CU_ASSERT_DOUBLE_EQUAL(sqrt(squares / (double)count), expected, 0.1 * expected);
    /* of a Gaussian-smoothed field, neighbours differ by sd / (sqrt 2 s) */
    CU_ASSERT_DOUBLE_EQUAL(sqrt(steps / (double)count), expected / (sqrt(2.0) * 3), 0.1 * expected / 3);
}

static void test_usual_smoothness(void)
{
    static float usual[PIXELS];
    draw();
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.elastic_strength = 20}, 1, images, NULL), FFN_OK);
    memcpy(usual, images, sizeof usual);
    draw();
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.elastic_strength = 20, .elastic_smoothness = 4}, 1, images, NULL),
                    FFN_OK);
    CU_ASSERT(same_image(images, usual));
}

static void test_noise(void)
{
    enum { N = 20000 };
    static float x[N];
    memset(x, 0, sizeof x);
    CU_ASSERT_EQUAL(
        ffn_augment(&(ffn_augmentation){.noise = 0.5f}, ffn_shape_1d(10), N / 10, x, 0, NULL, 3, 1, 0, NULL), FFN_OK);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < N; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / N, 0, 0.02);
    CU_ASSERT_DOUBLE_EQUAL(squares / N, 0.25, 0.02);
    CU_ASSERT_NOT_EQUAL(x[0], x[10]);
}

static void expect_cut(size_t side, size_t smallest)
{
    size_t least = PIXELS, most = 0;
    draw();
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.cutout = side, .fill = -1}, ROWS, images, NULL), FFN_OK);
    for (size_t r = 0; r < ROWS; r++) {
        size_t cut = 0;
        for (size_t i = 0; i < PIXELS; i++) cut += images[r * PIXELS + i] == -1;
        least = cut < least ? cut : least;
        most = cut > most ? cut : most;
    }
    CU_ASSERT_EQUAL(most, side * side);
    CU_ASSERT_EQUAL(least, smallest);
}

static void test_cutout(void)
{
    expect_cut(4, 4); /* a corner: rows and columns from -2 on, of which 0 and 1 are seen */
    expect_cut(5, 9);
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.cutout = 1000, .fill = -1}, 1, images, NULL), FFN_OK);
    draw();
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.cutout = SIZE_MAX, .fill = -1}, 1, images, NULL), FFN_OK);
    for (size_t i = 0; i < PIXELS; i++) CU_ASSERT_EQUAL(images[i], -1);
}

static void test_mixup(void)
{
    enum { N = 2000 };
    static float x[N], targets[2 * N];
    double sum = 0, squares = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)(i % 2);
        targets[2 * i] = x[i];
        targets[2 * i + 1] = 1 - x[i];
    }
    const ffn_augmentation a = {.mixup = 0.4f};
    CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_1d(1), N, x, 2, targets, 3, 1, 0, NULL), FFN_OK);
    for (size_t i = 0; i < N; i++) { /* neighbours differ: x is the share of the row that was 1 */
        const double share = i % 2 ? (double)x[i] : 1 - (double)x[i];
        CU_ASSERT_DOUBLE_EQUAL(targets[2 * i], x[i], 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(targets[2 * i] + targets[2 * i + 1], 1, 1e-6);
        sum += share;
        squares += (share - 0.5) * (share - 0.5);
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / N, 0.5, 0.04);
    CU_ASSERT_DOUBLE_EQUAL(squares / N, 1 / (4 * (2 * 0.4 + 1)), 0.01); /* of Beta(a, a): 1 / (4 (2 a + 1)) */
}

static void stamp(float *x, ffn_shape sample, float *targets, size_t columns, ffn_random *random, void *user)
{
    x[0] = (float)sample.rank + ffn_random_uniform(random);
    if (targets) targets[columns - 1] = *(const float *)user;
}

static void test_a_function_of_ones_own(void)
{
    float x[6] = {0}, targets[4] = {0}, mark = 9;
    const ffn_augmentation a = {.custom = stamp, .user = &mark};
    CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_1d(3), 2, x, 2, targets, 1, 1, 0, NULL), FFN_OK);
    CU_ASSERT(x[0] >= 1 && x[0] < 2 && x[3] >= 1 && x[3] < 2 && x[0] != x[3]);
    CU_ASSERT(targets[0] == 0 && targets[1] == 9 && targets[3] == 9);
}

/* ---- determinism ------------------------------------------------------------------------------------------------- */

static const ffn_augmentation everything = {.shift = 1,
                                            .rotation = 10,
                                            .scale = 0.1f,
                                            .shear = 5,
                                            .flip_horizontal = true,
                                            .elastic_strength = 10,
                                            .noise = 0.1f,
                                            .cutout = 2,
                                            .mixup = 0.3f};

static void test_threads_do_not_matter(void)
{
    static float first[ROWS * PIXELS];
    for (size_t threads = 1; threads <= 4; threads++) {
        draw();
        (void)ffn_set_threads(threads, NULL);
        CU_ASSERT_EQUAL(apply(&everything, ROWS, images, NULL), FFN_OK);
        if (threads == 1) memcpy(first, images, sizeof first);
        CU_ASSERT_EQUAL(memcmp(first, images, sizeof first), 0);
    }
    (void)ffn_set_threads(0, NULL);
    draw();
    ffn_augmentation unmixed = everything; /* what mixing needs are the rows of one batch */
    unmixed.mixup = 0;
    (void)apply(&unmixed, ROWS, images, NULL);
    memcpy(first, images, sizeof first);
    draw();
    for (size_t r = 0; r < ROWS; r += 100)
        (void)ffn_augment(&unmixed, ffn_shape_2d(SIDE, SIDE), 100, images + r * PIXELS, 0, NULL, 3, 1, r, NULL);
    CU_ASSERT_EQUAL(memcmp(first, images, sizeof first), 0);
    draw();
    (void)ffn_augment(&unmixed, ffn_shape_2d(SIDE, SIDE), ROWS, images, 0, NULL, 3, 2, 0, NULL);
    CU_ASSERT_NOT_EQUAL(memcmp(first, images, sizeof first), 0); /* another epoch */
}

/* ---- ffn_fit ----------------------------------------------------------------------------------------------------- */

static ffn_model *make_model(void)
{
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_2d(SIDE, SIDE));
    const ffn_value h = ffn_dense(model, ffn_flatten(model, x), 16, ffn_tanh());
    (void)ffn_model_build(model, ffn_dense(model, h, 3, ffn_softmax()), NULL);
    return model;
}

static ffn_dataset *make_dataset(bool one_hot)
{
    static uint32_t labels[ROWS];
    draw();
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint32_t)(i % 3);
    ffn_dataset *data = ffn_dataset_from_labels(images, ffn_shape_2d(SIDE, SIDE), labels, 3, ROWS, NULL);
    if (!one_hot) return data;
    ffn_dataset *copy = ffn_dataset_one_hot(data, NULL);
    ffn_dataset_destroy(data);
    return copy;
}

static ffn_status fit(const ffn_augmentation *a, bool one_hot, size_t threads, float *weights, ffn_error *error)
{
    ffn_model *model = make_model();
    ffn_dataset *data = make_dataset(one_hot);
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = 3;
    options.batch_size = 7;
    options.threads = threads;
    options.seed = 11;
    options.augmentation = a;
    const ffn_status status = ffn_fit(model, data, &options, NULL, error);
    if (weights) (void)ffn_model_get_parameter(model, 0, weights, NULL);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return status;
}

static void test_fit(void)
{
    float plain[16 * PIXELS], first[16 * PIXELS], again[16 * PIXELS];
    (void)ffn_set_threads(4, NULL);
    CU_ASSERT_EQUAL(fit(NULL, true, 0, plain, NULL), FFN_OK);
    CU_ASSERT_EQUAL(fit(&everything, true, 0, first, NULL), FFN_OK);
    CU_ASSERT_NOT_EQUAL(memcmp(plain, first, sizeof first), 0);
    for (size_t threads = 1; threads <= 4; threads++) {
        CU_ASSERT_EQUAL(fit(&everything, true, threads, again, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(again, first, sizeof first), 0);
    }
    CU_ASSERT_EQUAL(fit(&(ffn_augmentation){0}, true, 2, again, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(plain, again, sizeof again), 0);
    (void)ffn_set_threads(0, NULL);
}

static void test_signs_are_not_mixed(void)
{
    static float signs[ROWS];
    ffn_error error = {FFN_OK, ""};
    draw();
    for (size_t r = 0; r < ROWS; r++) signs[r] = r % 2 ? 1 : -1;
    ffn_dataset *data = ffn_dataset_from_arrays(images, ffn_shape_2d(SIDE, SIDE), signs, ffn_shape_1d(1), ROWS, NULL);
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_flatten(model, ffn_input(model, ffn_shape_2d(SIDE, SIDE)));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, x, 1, ffn_linear()), NULL), FFN_OK);
    ffn_fit_options options = ffn_fit_defaults();
    options.loss = ffn_hinge();
    options.augmentation = &(ffn_augmentation){.mixup = 1};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "mixup with the loss hinge"));
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

static void test_one_hot(void)
{
    ffn_dataset *data = make_dataset(true);
    CU_ASSERT_EQUAL(ffn_dataset_targets(data).shape.dim[1], 3);
    CU_ASSERT_EQUAL(ffn_dataset_classes(data), 0);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < 3; c++) CU_ASSERT_EQUAL(ffn_dataset_targets(data).data[3 * i + c], i % 3 == c);
    ffn_error error = {0};
    CU_ASSERT_PTR_NULL(ffn_dataset_one_hot(data, &error));
    CU_ASSERT_STRING_EQUAL(error.message, "one-hot: the targets are not known to be classes");
    CU_ASSERT_PTR_NULL(ffn_dataset_one_hot(NULL, NULL));
    ffn_dataset_destroy(data);
}

/* ---- the loader -------------------------------------------------------------------------------------------------- */

static void count_up(const void *context, size_t index, float *x, float *targets, float *scratch)
{
    const size_t *epoch = context;
    for (size_t i = 0; i < 3; i++) scratch[i] = (float)(100 * *epoch + index);
    for (size_t i = 0; i < 3; i++) x[i] = scratch[i];
    targets[0] = -x[0];
}

static void test_batches_come_in_order(void)
{
    for (size_t threads = 0; threads < 5; threads++) {
        size_t epoch = 0;
        const ffn__batch_maker maker = {count_up, &epoch, 3, 1, 3};
        ffn__loader *loader = ffn__loader_create(maker, threads, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(loader);
        for (; epoch < 20; epoch++) {
            const size_t batches = epoch % 3 * 20, used = epoch % 2 ? batches : batches / 2; /* some are left */
            ffn__loader_begin(loader, batches);
            for (size_t i = 0; i < used; i++) {
                const float *x, *targets;
                ffn__loader_next(loader, &x, &targets);
                CU_ASSERT(x[0] == (float)(100 * epoch + i) && x[2] == x[0] && targets[0] == -x[0]);
            }
            ffn__loader_pause(loader);
        }
        ffn__loader_destroy(loader);
    }
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void test_bad_options_are_refused(void)
{
    const struct {
        ffn_augmentation options;
        const char *message;
    } list[] = {
        {{.shift = -1}, "augmentation: shift is -1; expected 0 or more, and below 1e+06"},
        {{.rotation = 181}, "augmentation: rotation is 181; expected 0 or more, and at most 180"},
        {{.rotation = 180.0005f}, "augmentation: rotation is 180.001; expected 0 or more, and at most 180"},
        {{.scale = 1}, "augmentation: scale is 1; expected 0 or more, and below 1"},
        {{.shear = 90}, "augmentation: shear is 90; expected 0 or more, and below 90"},
        {{.elastic_strength = INFINITY}, "augmentation: elastic_strength is inf; expected 0 or more, and below 1e+06"},
        {{.elastic_smoothness = -2}, "augmentation: elastic_smoothness is -2; expected 0 or more, and below 1000"},
        {{.noise = INFINITY}, "augmentation: noise is inf; expected 0 or more, and below inf"},
        {{.mixup = -0.1f}, "augmentation: mixup is -0.1; expected 0 or more, and below 1e+06"},
        {{.fill = INFINITY}, "augmentation: fill is inf; expected a finite number"},
        {{.shift = 1, .height = 2}, "augmentation: height is 2 and width is 0; expected both or 0"},
        {{.cutout = 1, .height = 5, .width = 5},
         "augmentation: samples of shape (8, 8); expected (height, width) or (channels, height, width), or options "
         "height and width that divide it"},
    };
    float x[PIXELS] = {0};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        ffn_error error = {0};
        CU_ASSERT_EQUAL(apply(&list[i].options, 1, x, NULL), error.status = apply(&list[i].options, 1, x, &error));
        CU_ASSERT_NOT_EQUAL(error.status, FFN_OK);
        CU_ASSERT_STRING_EQUAL(error.message, list[i].message);
        if (strcmp(error.message, list[i].message) != 0) fprintf(stderr, "\n  found    %s", error.message);
    }
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.noise = (float)NAN}, 1, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(apply(&(ffn_augmentation){.elastic_smoothness = (float)NAN}, 1, x, NULL), FFN_INVALID_ARGUMENT);
}

static void test_bad_arguments_are_refused(void)
{
    float x[PIXELS] = {0};
    const ffn_augmentation a = {.shift = 1};
    ffn_error error = {0};
    CU_ASSERT_EQUAL(apply(NULL, 1, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(apply(&a, 1, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(apply(&a, SIZE_MAX, x, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_1d(PIXELS), 1, x, 0, NULL, 0, 0, 0, NULL), FFN_SHAPE_MISMATCH);
    CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_2d(8, 8), 1, x, 1, NULL, 0, 0, 0, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_augment(&a, ffn_shape_2d(8, 8), 1, x, 0, x, 0, 0, 0, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(fit(&(ffn_augmentation){.mixup = 1}, false, 0, NULL, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "augmentation: mixup with the loss cross_entropy, whose targets are not to be mixed; "
                           "expected one column a class, as of ffn_dataset_one_hot");
    CU_ASSERT_EQUAL(fit(&(ffn_augmentation){.shear = 95}, true, 0, NULL, NULL), FFN_INVALID_ARGUMENT);
}

static void test_every_allocation_may_fail(void)
{
    float x[PIXELS] = {0};
    ffn_status status = FFN_OUT_OF_MEMORY;
    size_t n = 0;
    while (status == FFN_OUT_OF_MEMORY && n < 100) {
        failing_start(++n);
        status = apply(&everything, 1, x, NULL);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(status == FFN_OK && n > 3);
    status = FFN_OUT_OF_MEMORY;
    for (n = 0; status == FFN_OUT_OF_MEMORY && n < 200;) {
        failing_start(++n);
        const ffn__batch_maker maker = {count_up, NULL, 3, 1, 3};
        ffn__loader *loader = ffn__loader_create(maker, 2, NULL);
        if (loader) status = FFN_OK;
        ffn__loader_destroy(loader);
        CU_ASSERT_EQUAL(failing_stop(), 0);
    }
    CU_ASSERT(status == FFN_OK && n > 3);
}

static const test_case cases[] = {
    {"nothing is the same", test_nothing_is_the_same},
    {"flips", test_flips},
    {"shift", test_shift},
    {"rotation, scale and shear", test_rotation_scale_and_shear},
    {"elastic", test_elastic},
    {"the usual smoothness", test_usual_smoothness},
    {"noise", test_noise},
    {"cutout", test_cutout},
    {"mixup", test_mixup},
    {"a function of one's own", test_a_function_of_ones_own},
    {"threads do not matter", test_threads_do_not_matter},
    {"fit", test_fit},
    {"signs are not mixed", test_signs_are_not_mixed},
    {"one-hot", test_one_hot},
    {"batches come in order", test_batches_come_in_order},
    {"bad options are refused", test_bad_options_are_refused},
    {"bad arguments are refused", test_bad_arguments_are_refused},
    {"every allocation may fail", test_every_allocation_may_fail},
};

TEST_MAIN("augment", cases)
