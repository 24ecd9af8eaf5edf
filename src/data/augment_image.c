/* Images: one resampling for shift, rotation, scale, shear, flips and elastic distortion, and cutout. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

/* Where a pixel of the new image comes from: p -> matrix (p - centre) + centre + offset, and a displacement of each
 * pixel's own. x is the column, y the row. */
typedef struct motion {
    float xx, xy, yx, yy, x, y;
    const float *dx, *dy; /* [height][width], or NULL */
} motion;

bool ffn__augment_moves(const ffn_augmentation *o)
{
    return o->shift > 0 || o->rotation > 0 || o->scale > 0 || o->shear > 0 || o->flip_horizontal || o->flip_vertical ||
           o->elastic_strength > 0;
}

/* In [-limit, limit). */
static double spread(ffn_random *random, float limit)
{
    return (2 * (double)ffn_random_uniform(random) - 1) * (double)limit;
}

/* The inverse of: flip, shear, scale, rotate, shift, about the centre of the image. */
static motion draw_motion(const ffn__augmenter *a, ffn_random *random)
{
    const double degree = 3.14159265358979323846 / 180;
    const ffn_augmentation *o = &a->options;
    const double shift_x = spread(random, o->shift), shift_y = spread(random, o->shift);
    const double angle = spread(random, o->rotation) * degree, scale = 1 + spread(random, o->scale);
    const double shear = tan(spread(random, o->shear) * degree);
    const uint32_t coins = ffn_random_bits(random);
    const double flip_x = o->flip_horizontal && (coins & 1) ? -1 : 1, flip_y = o->flip_vertical && (coins & 2) ? -1 : 1;
    const double c = cos(angle) / scale, s = sin(angle) / scale; /* un-rotated and un-scaled: (c x + s y, c y - s x) */
    const double xx = flip_x * (c + shear * s), xy = flip_x * (s - shear * c), yx = -flip_y * s, yy = flip_y * c;
    const double centre_x = ((double)a->width - 1) / 2, centre_y = ((double)a->height - 1) / 2;
    const double from_x = centre_x + shift_x, from_y = centre_y + shift_y;
    return (motion){.xx = (float)xx,
                    .xy = (float)xy,
                    .yx = (float)yx,
                    .yy = (float)yy,
                    .x = (float)(centre_x - xx * from_x - xy * from_y),
                    .y = (float)(centre_y - yx * from_x - yy * from_y)};
}

/* ---- elastic distortion ---------------------------------------------------------------------------------------- */

/* g [n][n]: a Gaussian of standard deviation sigma around the diagonal, for a product with a column of n. */
static void fill_gaussian(size_t n, double sigma, float *g)
{
    double sum = 1;
    for (size_t k = 1; (double)k <= 4 * sigma; k++) sum += 2 * exp(-0.5 * (double)(k * k) / (sigma * sigma));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double distance = (double)i - (double)j;
            const bool near = fabs(distance) <= 4 * sigma;
            g[i * n + j] = near ? (float)(exp(-0.5 * distance * distance / (sigma * sigma)) / sum) : 0;
        }
}

ffn_status ffn__augment_prepare_elastic(ffn__augmenter *a, ffn_error *error)
{
    if (!(a->options.elastic_strength > 0)) return FFN_OK;
    a->vertical = ffn__alloc(a->height * a->height, sizeof(float), error);
    a->horizontal = a->vertical ? ffn__alloc(a->width * a->width, sizeof(float), error) : NULL;
    if (!a->horizontal) return FFN_OUT_OF_MEMORY;
    fill_gaussian(a->height, (double)a->options.elastic_smoothness, a->vertical);
    fill_gaussian(a->width, (double)a->options.elastic_smoothness, a->horizontal);
    return FFN_OK;
}

/* field [n] = numbers in [-limit, limit). */
static void fill_uniform(ffn_random *random, size_t n, float limit, float *field)
{
    enum { CHUNK = 256 };
    uint32_t bits[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t count = n - i < CHUNK ? n - i : CHUNK;
        ffn__random_fill(random, count, bits);
        for (size_t j = 0; j < count; j++) field[i + j] = limit * ((float)(bits[j] >> 8) * (float)0x1p-23 - 1);
    }
}

/* Simard, Steinkraus and Platt 2003: uniform random displacements of each pixel, smoothed by a Gaussian and multiplied
 * by a strength. smoothed [height][width]; scratch [2][height][width]. */
static void draw_displacement(const ffn__augmenter *a, ffn_random *random, float *smoothed, float *scratch)
{
    const size_t h = a->height, w = a->width;
    float *rough = scratch, *half = scratch + h * w;
    fill_uniform(random, h * w, a->options.elastic_strength, rough);
    ffn__tensor()->product(false, false, h, w, h, 1, a->vertical, h, rough, w, 0, half, w);
    ffn__tensor()->product(false, false, h, w, w, 1, half, w, a->horizontal, w, 0, smoothed, w);
}

/* ---- resampling ------------------------------------------------------------------------------------------------ */

/* A place between four pixels: what they weigh, and where they are; outside the image they count as `fill`. */
static float sample(const float *image, size_t height, size_t width, float fill, float y, float x)
{
    /* also false for NaN; within these bounds the conversions below are defined */
    if (!(y > -1 && x > -1 && y < (float)height && x < (float)width)) return fill;
    const size_t bottom = (size_t)(y + 1), right = (size_t)(x + 1); /* of the four; from 0 on */
    const float down = y + 1 - (float)bottom, across = x + 1 - (float)right;
    const bool has_top = bottom > 0, has_bottom = bottom<height, has_left = right> 0, has_right = right < width;
    const float *row = image + bottom * width + right; /* the lower right one */
    const float d = has_bottom && has_right ? row[0] : fill, c = has_bottom && has_left ? row[-1] : fill;
    const float b = has_top && has_right ? row[-(ptrdiff_t)width] : fill;
    const float a = has_top && has_left ? row[-(ptrdiff_t)width - 1] : fill;
    const float top = a + across * (b - a), low = c + across * (d - c);
    return top + down * (low - top);
}

static void resample(const ffn__augmenter *a, const motion *m, const float *from, float *to)
{
    const size_t pixels = a->height * a->width;
    for (size_t i = 0; i < a->height; i++)
        for (size_t j = 0; j < a->width; j++) {
            const size_t at = i * a->width + j;
            const float x = m->x + m->xx * (float)j + m->xy * (float)i + (m->dx ? m->dx[at] : 0);
            const float y = m->y + m->yx * (float)j + m->yy * (float)i + (m->dy ? m->dy[at] : 0);
            for (size_t c = 0; c < a->channels; c++)
                to[c * pixels + at] = sample(from + c * pixels, a->height, a->width, a->options.fill, y, x);
        }
}

void ffn__augment_image(const ffn__augmenter *a, ffn_random *random, float *x, float *scratch)
{
    const size_t pixels = a->height * a->width;
    float *original = scratch, *dx = original + a->features, *dy = dx + pixels;
    motion m = draw_motion(a, random);
    if (a->vertical) {
        draw_displacement(a, random, dx, dy + pixels);
        draw_displacement(a, random, dy, dy + pixels);
        m.dx = dx;
        m.dy = dy;
    }
    memcpy(original, x, a->features * sizeof(float));
    resample(a, &m, original, x);
}

/* Where `side` pixels with this one in their middle begin and end within `size`. */
static void clip(size_t middle, size_t side, size_t size, size_t *begin, size_t *end)
{
    const size_t before = side / 2, after = side - before;
    *begin = middle > before ? middle - before : 0;
    *end = after < size - middle ? middle + after : size;
}

void ffn__augment_cut_out(const ffn__augmenter *a, ffn_random *random, float *x)
{
    const size_t side = a->options.cutout;
    const size_t row = ffn_random_below(random, a->height), column = ffn_random_below(random, a->width);
    size_t top, bottom, left, right;
    clip(row, side, a->height, &top, &bottom);
    clip(column, side, a->width, &left, &right);
    for (size_t c = 0; c < a->channels; c++)
        for (size_t y = top; y < bottom; y++)
            for (size_t z = left; z < right; z++) x[(c * a->height + y) * a->width + z] = a->options.fill;
}
