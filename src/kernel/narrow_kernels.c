/* Few rows of layers at most half a panel wide on both sides: one vector, or a few, holds all inputs of a unit, and what
 * counts is not arithmetic but everything around it. */
#include "kernel/narrow.h"
#include "kernel/native.h"

#include "kernel/fold.h"

/* A unit's weights are a row of the one half panel there is. */
enum { LANES = FFN__HALF_PANEL, PARTS = LANES / VL };

typedef struct lanes {
    vec part[PARTS];
} lanes;

/* The first n of LANES floats; zeros behind. */
VECTOR_INLINE lanes lanes_load(const float *x, size_t n)
{
    lanes v;
    for (size_t p = 0; p < PARTS; p++) {
        const size_t left = n > p * VL ? n - p * VL : 0;
        v.part[p] = left >= VL ? vec_load(x + p * VL) : left ? vec_load_part(x + p * VL, left) : vec_set(0);
    }
    return v;
}

VECTOR_INLINE void lanes_store(float *x, lanes v, size_t n)
{
    for (size_t p = 0; p < PARTS && p * VL < n; p++) {
        if (n - p * VL >= VL)
            vec_store(x + p * VL, v.part[p]);
        else
            vec_store_part(x + p * VL, v.part[p], n - p * VL);
    }
}

VECTOR_INLINE lanes lanes_add_product(lanes sum, float factor, lanes x)
{
    for (size_t p = 0; p < PARTS; p++) sum.part[p] += factor * x.part[p];
    return sum;
}

/* Products of x with the weights of up to VL units, in the lanes of the result. */
VECTOR_INLINE vec multiply_units(size_t units, lanes x, const float *w)
{
    vec row[VL];
    for (size_t u = 0; u < VL; u++, w += LANES) {
        row[u] = vec_set(0);
        if (u >= units) continue;
        for (size_t p = 0; p < PARTS; p++) row[u] += vec_load(w + p * VL) * x.part[p];
    }
    return sums_of_lanes(row);
}

static void forward(size_t rows, size_t inputs, size_t units, const float *x, const float *w, const float *bias,
                    float *z)
{
    for (size_t r = 0; r < rows; r++, x += inputs, z += units) {
        const lanes in = lanes_load(x, inputs);
        lanes out = bias ? lanes_load(bias, units) : (lanes){{{0}}};
        for (size_t p = 0; p < PARTS && p * VL < units; p++)
            out.part[p] += multiply_units(units - p * VL, in, w + p * VL * LANES);
        lanes_store(z, out, units);
    }
}

static void backward(size_t rows, size_t inputs, size_t units, const float *dz, const float *w, float beta, float *dx)
{
    for (size_t r = 0; r < rows; r++, dz += units, dx += inputs) {
        lanes sum = {{{0}}};
        if (beta != 0) sum = lanes_load(dx, inputs);
        for (size_t u = 0; u < units; u++) sum = lanes_add_product(sum, dz[u], lanes_load(w + u * LANES, LANES));
        lanes_store(dx, sum, inputs);
    }
}

static void weight_gradient(size_t rows, size_t inputs, size_t units, const float *dz, const float *x, float beta,
                            float *dw)
{
    for (size_t u = 0; u < units; u++, dw += LANES) {
        lanes sum = {{{0}}};
        if (beta != 0) sum = lanes_load(dw, LANES);
        for (size_t r = 0; r < rows; r++)
            sum = lanes_add_product(sum, dz[r * units + u], lanes_load(x + r * inputs, inputs));
        lanes_store(dw, sum, LANES);
    }
}

static void bias_gradient(size_t rows, size_t units, const float *dz, float beta, float *db)
{
    lanes sum = {{{0}}};
    if (beta != 0) sum = lanes_load(db, units);
    for (size_t r = 0; r < rows; r++) sum = lanes_add_product(sum, 1, lanes_load(dz + r * units, units));
    lanes_store(db, sum, units);
}

extern const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels);
const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels) = {forward, backward, weight_gradient, bias_gradient};
