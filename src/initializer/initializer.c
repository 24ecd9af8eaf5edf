#include "initializer/initializer.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- fills ------------------------------------------------------------------------------------------------------- */

/* Uniform on [low, high). */
static void fill_uniform(ffn_random *random, size_t n, double low, double high, float *w)
{
    for (size_t i = 0; i < n; i++) w[i] = (float)(low + (high - low) * (double)ffn_random_uniform(random));
}

static void fill_normal(ffn_random *random, size_t n, double mean, double sd, float *w)
{
    ffn__random_normals(random, n, w);
    for (size_t i = 0; i < n; i++) w[i] = (float)(mean + sd * (double)w[i]);
}

static ffn_status check_fans(const ffn_initializer *initializer, size_t fan_in, size_t fan_out, ffn_error *error)
{
    if (fan_in > 0 && fan_out > 0) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: fan_in is %zu and fan_out %zu, expected at least 1",
                    initializer->ops->name, fan_in, fan_out);
}

static ffn_status glorot_uniform(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                                 size_t rows, size_t cols, float *w, ffn_error *error)
{
    const double limit = sqrt(6 / ((double)fan_in + (double)fan_out));
    const ffn_status status = check_fans(initializer, fan_in, fan_out, error);
    if (status == FFN_OK) fill_uniform(random, rows * cols, -limit, limit, w);
    return status;
}

static ffn_status glorot_normal(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                                size_t rows, size_t cols, float *w, ffn_error *error)
{
    const ffn_status status = check_fans(initializer, fan_in, fan_out, error);
    if (status == FFN_OK) fill_normal(random, rows * cols, 0, sqrt(2 / ((double)fan_in + (double)fan_out)), w);
    return status;
}

static ffn_status he_uniform(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                             size_t rows, size_t cols, float *w, ffn_error *error)
{
    const double limit = sqrt(6 / (double)fan_in);
    const ffn_status status = check_fans(initializer, fan_in, fan_out, error);
    if (status == FFN_OK) fill_uniform(random, rows * cols, -limit, limit, w);
    return status;
}

static ffn_status he_normal(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                            size_t rows, size_t cols, float *w, ffn_error *error)
{
    const ffn_status status = check_fans(initializer, fan_in, fan_out, error);
    if (status == FFN_OK) fill_normal(random, rows * cols, 0, sqrt(2 / (double)fan_in), w);
    return status;
}

static ffn_status lecun_normal(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                               size_t rows, size_t cols, float *w, ffn_error *error)
{
    const ffn_status status = check_fans(initializer, fan_in, fan_out, error);
    if (status == FFN_OK) fill_normal(random, rows * cols, 0, sqrt(1 / (double)fan_in), w);
    return status;
}

static bool is_finite(float value) { return value >= -FLT_MAX && value <= FLT_MAX; }

/* Zeros too: its value is 0. */
static ffn_status constant(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                           size_t rows, size_t cols, float *w, ffn_error *error)
{
    (void)random;
    (void)fan_in;
    (void)fan_out;
    if (!is_finite(initializer->a))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: the value is %g, expected a finite number",
                        initializer->ops->name, (double)initializer->a);
    for (size_t i = 0; i < rows * cols; i++) w[i] = initializer->a;
    return FFN_OK;
}

static ffn_status uniform(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                          size_t rows, size_t cols, float *w, ffn_error *error)
{
    (void)fan_in;
    (void)fan_out;
    const float low = initializer->a, high = initializer->b;
    if (!is_finite(low) || !is_finite(high) || low > high)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "uniform: from %g to %g, expected finite numbers in order",
                        (double)low, (double)high);
    fill_uniform(random, rows * cols, (double)low, (double)high, w);
    return FFN_OK;
}

static ffn_status normal(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                         size_t rows, size_t cols, float *w, ffn_error *error)
{
    (void)fan_in;
    (void)fan_out;
    const float mean = initializer->a, sd = initializer->b;
    if (!is_finite(mean) || !is_finite(sd) || sd < 0)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "normal: mean %g and sd %g, expected finite numbers and an sd of at least 0", (double)mean,
                        (double)sd);
    fill_normal(random, rows * cols, (double)mean, (double)sd, w);
    return FFN_OK;
}

/* ---- orthogonal -------------------------------------------------------------------------------------------------- */

static double dot(size_t n, const double *a, const double *b)
{
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) sums[j] += a[i + j] * b[i + j];
    for (; i < n; i++) sums[i % 8] += a[i] * b[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* Takes from v its parts along the orthonormal q[0 .. count-1], all [n]. */
static void project_out(size_t n, size_t count, const double *q, double *v)
{
    for (size_t k = 0; k < count; k++, q += n) {
        const double part = dot(n, q, v);
        for (size_t i = 0; i < n; i++) v[i] -= part * q[i];
    }
}

/* q [count][n] becomes orthonormal vectors, count <= n, uniform among all such: normal vectors by Gram-Schmidt, whose
 * triangular factor has a positive diagonal. */
static void fill_orthonormal(ffn_random *random, size_t count, size_t n, double *q)
{
    for (size_t k = 0; k < count; k++) {
        double *const v = q + k * n;
        double before, after;
        do { /* again where more than half the digits cancelled, which happens to one matrix in millions */
            for (size_t i = 0; i < n; i++) v[i] = (double)ffn_random_normal(random);
            before = dot(n, v, v);
            project_out(n, k, q, v);
            after = dot(n, v, v);
        } while (!(after > 1e-16 * before));
        const double factor = 1 / sqrt(after);
        for (size_t i = 0; i < n; i++) v[i] *= factor;
    }
}

static ffn_status orthogonal(const ffn_initializer *initializer, ffn_random *random, size_t fan_in, size_t fan_out,
                             size_t rows, size_t cols, float *w, ffn_error *error)
{
    (void)initializer;
    (void)fan_in;
    (void)fan_out;
    const bool wide = rows <= cols; /* orthonormal rows; otherwise columns */
    const size_t count = wide ? rows : cols, n = wide ? cols : rows;
    double *q = ffn__alloc(count * n, sizeof *q, error);
    if (!q) return FFN_OUT_OF_MEMORY;
    fill_orthonormal(random, count, n, q);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) w[r * cols + c] = (float)(wide ? q[r * n + c] : q[c * n + r]);
    ffn__free(q);
    return FFN_OK;
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

static const ffn_initializer_ops glorot_uniform_ops = {"glorot_uniform", glorot_uniform};
static const ffn_initializer_ops glorot_normal_ops = {"glorot_normal", glorot_normal};
static const ffn_initializer_ops he_uniform_ops = {"he_uniform", he_uniform};
static const ffn_initializer_ops he_normal_ops = {"he_normal", he_normal};
static const ffn_initializer_ops lecun_normal_ops = {"lecun_normal", lecun_normal};
static const ffn_initializer_ops orthogonal_ops = {"orthogonal", orthogonal};
static const ffn_initializer_ops zeros_ops = {"zeros", constant};
static const ffn_initializer_ops constant_ops = {"constant", constant};
static const ffn_initializer_ops uniform_ops = {"uniform", uniform};
static const ffn_initializer_ops normal_ops = {"normal", normal};

ffn_initializer ffn_glorot_uniform(void) { return (ffn_initializer){.ops = &glorot_uniform_ops}; }
ffn_initializer ffn_glorot_normal(void) { return (ffn_initializer){.ops = &glorot_normal_ops}; }
ffn_initializer ffn_he_uniform(void) { return (ffn_initializer){.ops = &he_uniform_ops}; }
ffn_initializer ffn_he_normal(void) { return (ffn_initializer){.ops = &he_normal_ops}; }
ffn_initializer ffn_lecun_normal(void) { return (ffn_initializer){.ops = &lecun_normal_ops}; }
ffn_initializer ffn_orthogonal(void) { return (ffn_initializer){.ops = &orthogonal_ops}; }
ffn_initializer ffn_zeros(void) { return (ffn_initializer){.ops = &zeros_ops}; }
ffn_initializer ffn_constant(float value) { return (ffn_initializer){.ops = &constant_ops, .a = value}; }
ffn_initializer ffn_uniform(float low, float high) { return (ffn_initializer){&uniform_ops, low, high}; }
ffn_initializer ffn_normal(float mean, float sd) { return (ffn_initializer){&normal_ops, mean, sd}; }

const ffn_initializer_ops *ffn__initializer_kind(size_t index)
{
    static const ffn_initializer_ops *const kinds[] = {
        &glorot_uniform_ops, &glorot_normal_ops, &he_uniform_ops, &he_normal_ops, &lecun_normal_ops,
        &orthogonal_ops,     &zeros_ops,         &constant_ops,   &uniform_ops,   &normal_ops,
    };
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
}

ffn_initializer ffn__initializer_or_default(ffn_initializer initializer, ffn_gain gain)
{
    if (initializer.ops) return initializer;
    if (gain == FFN_GAIN_HE) return ffn_he_normal();
    return gain == FFN_GAIN_LECUN ? ffn_lecun_normal() : ffn_glorot_uniform();
}
