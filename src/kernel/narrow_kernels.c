/* Products of narrow layers: a vector, or a few, holds a whole row of the weights, and what counts is not arithmetic but
 * everything around it. */
#include "kernel/narrow.h"

#include "tensor/fold.h"

enum { LANES = FFN__HALF_PANEL, PARTS = LANES / VL, BLOCK = FFN__NARROW_BLOCK };

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

VECTOR_INLINE lanes lanes_none(void)
{
    lanes v;
    for (size_t p = 0; p < PARTS; p++) v.part[p] = vec_set(0);
    return v;
}

VECTOR_INLINE lanes lanes_add_product(lanes sum, float factor, lanes x)
{
    for (size_t p = 0; p < PARTS; p++) sum.part[p] += factor * x.part[p];
    return sum;
}

/* At most BLOCK rows, a constant, share what is loaded of the weights. */
VECTOR_INLINE void spread_rows(size_t rows, size_t depth, size_t width, const float *a, const float *w,
                               const float *from, size_t from_step, float *c)
{
    lanes sum[BLOCK];
    for (size_t r = 0; r < rows; r++) sum[r] = from ? lanes_load(from + r * from_step, width) : lanes_none();
    for (size_t d = 0; d < depth; d++) {
        const lanes weights = lanes_load(w + d * LANES, LANES);
        for (size_t r = 0; r < rows; r++) sum[r] = lanes_add_product(sum[r], a[r * depth + d], weights);
    }
    for (size_t r = 0; r < rows; r++) lanes_store(c + r * width, sum[r], width);
}

static void spread(size_t rows, size_t depth, size_t width, const float *a, const float *w, const float *from,
                   size_t from_step, float *c)
{
    size_t r = 0;
    for (; r + BLOCK <= rows; r += BLOCK)
        spread_rows(BLOCK, depth, width, a + r * depth, w, from ? from + r * from_step : NULL, from_step,
                    c + r * width);
    for (; r < rows; r++)
        spread_rows(1, depth, width, a + r * depth, w, from ? from + r * from_step : NULL, from_step, c + r * width);
}

/* The sum of vector i's lanes in lane i; zeros behind. */
VECTOR_INLINE lanes sums_of_block(const vec v[BLOCK])
{
    lanes sum = lanes_none();
#if VL >= 4
    sum.part[0] = sums_of_four(v);
#else
    for (size_t i = 0; i < BLOCK; i++) sum.part[i / VL][i % VL] = vec_sum(v[i]);
#endif
    return sum;
}

/* c [n] = the products of v with the rows of w, n at most BLOCK of them, + from */
VECTOR_INLINE void gather_block(size_t n, lanes v, const float *w, const float *from, float *c)
{
    vec product[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) {
        const float *row = w + (i < n ? i : n - 1) * LANES;
        product[i] = vec_load(row) * v.part[0];
        for (size_t p = 1; p < PARTS; p++) product[i] += vec_load(row + p * VL) * v.part[p];
    }
    lanes sum = sums_of_block(product);
    if (from) sum = lanes_add_product(sum, 1, lanes_load(from, n));
    lanes_store(c, sum, n);
}

static void gather(size_t rows, size_t depth, size_t width, const float *v, const float *w, const float *from,
                   size_t from_step, float *c)
{
    for (size_t r = 0; r < rows; r++, v += width, c += depth) {
        const lanes in = lanes_load(v, width);
        const float *start = from ? from + r * from_step : NULL;
        for (size_t d = 0; d < depth; d += BLOCK)
            gather_block(depth - d < BLOCK ? depth - d : BLOCK, in, w + d * LANES, start ? start + d : NULL, c + d);
    }
}

static void gradient(size_t rows, size_t depth, size_t first, size_t width, const float *a, const float *v, float beta,
                     float *dw)
{
    const size_t count = depth - first < BLOCK ? depth - first : BLOCK;
    lanes sum[BLOCK];
    size_t column[BLOCK]; /* those behind the last repeat it */
    for (size_t i = 0; i < BLOCK; i++) {
        column[i] = first + (i < count ? i : count - 1);
        sum[i] = beta != 0 ? lanes_load(dw + column[i] * LANES, LANES) : lanes_none();
    }
    for (size_t r = 0; r < rows; r++, a += depth, v += width) {
        const lanes row = lanes_load(v, width);
        for (size_t i = 0; i < BLOCK; i++) sum[i] = lanes_add_product(sum[i], a[column[i]], row);
    }
    for (size_t i = 0; i < count; i++) lanes_store(dw + column[i] * LANES, sum[i], LANES);
}

static void sum_rows(size_t rows, size_t n, const float *x, float beta, float *sum)
{
    lanes total = beta != 0 ? lanes_load(sum, n) : lanes_none();
    for (size_t r = 0; r < rows; r++, x += n) total = lanes_add_product(total, 1, lanes_load(x, n));
    lanes_store(sum, total, n);
}

extern const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels);
const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels) = {
    .spread = spread, .gather = gather, .gradient = gradient, .sum_rows = sum_rows};
