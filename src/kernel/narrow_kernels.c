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
        v.part[p] = left ? vec_load_left(x + p * VL, left) : vec_set(0);
    }
    return v;
}

VECTOR_INLINE void lanes_store(float *x, lanes v, size_t n)
{
    for (size_t p = 0; p < PARTS && p * VL < n; p++) vec_store_left(x + p * VL, v.part[p], n - p * VL);
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

/* The product of v with a row of w, lane by lane. */
VECTOR_INLINE vec row_product(lanes v, const float *row)
{
    vec product = vec_load(row) * v.part[0];
    for (size_t p = 1; p < PARTS; p++) product += vec_load(row + p * VL) * v.part[p];
    return product;
}

/* The sums of BLOCK vectors' lanes become lanes `first`, a multiple of BLOCK, and those behind it. */
VECTOR_INLINE void put_sums(const vec v[BLOCK], size_t first, lanes *all)
{
#if VL >= 4
    vec *part = &all->part[first / VL]; /* each quad of the sums holds all four */
    *part = vec_select((lane_numbers() & -BLOCK) == (lane)(first % VL), sums_of_four(v), *part);
#else
    for (size_t i = 0; i < BLOCK; i++) all->part[(first + i) / VL][(first + i) % VL] = vec_sum(v[i]);
#endif
}

/* c [n] = the products of v with the rows of w, n at most BLOCK of them, + from */
VECTOR_INLINE void gather_block(size_t n, lanes v, const float *w, const float *from, float *c)
{
    vec product[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) product[i] = row_product(v, w + ffn__smaller(i, n - 1) * LANES);
    lanes sum = lanes_none();
    put_sums(product, 0, &sum);
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

/* ---- a single row ------------------------------------------------------------------------------------------------ */

/* The products of v with the first `count` rows of w, in as many lanes; the last row's may stand behind them. */
VECTOR_INLINE lanes lanes_gather(size_t count, lanes v, const float *w)
{
    const float *last = w + (count - 1) * LANES;
    lanes all = lanes_none();
    UNROLL for (size_t first = 0; first < LANES; first += BLOCK)
    {
        if (first >= count) continue;
        vec product[BLOCK];
        for (size_t i = 0; i < BLOCK; i++) {
            const float *row = w + (first + i) * LANES;
            product[i] = row_product(v, row < last ? row : last);
        }
        put_sums(product, first, &all);
    }
    return all;
}

/* The sum of `count` rows of w, each times its factor, and from. */
VECTOR_INLINE lanes lanes_spread(size_t count, const float *factors, const float *w, lanes from)
{
    for (size_t d = 0; d < count; d++) from = lanes_add_product(from, factors[d], lanes_load(w + d * LANES, LANES));
    return from;
}

static void forward_row(const ffn__narrow_chain *chain)
{
    const ffn__narrow_chain c = *chain; /* in registers */
    const float *x = c.x;
    for (const ffn__narrow_layer *l = c.layers, *end = l + c.count; l < end; l++) {
        const ffn__narrow_shape *s = &l->shape;
        const ffn_activation *f = c.linear && l + 1 == end ? NULL : l->activation;
        const float *w = c.values + l->weight;
        float *z = c.arena + l->z, *y = c.arena + l->y;
        const lanes bias = l->bias != FFN__NARROW_NONE ? lanes_load(c.values + l->bias, LANES) : lanes_none();
        lanes_store(z,
                    s->units_in_lanes ? lanes_spread(s->inputs, x, w, bias)
                                      : lanes_add_product(lanes_gather(s->units, lanes_load(x, s->inputs), w), 1, bias),
                    LANES);
        if (f) f->ops->forward(f, 1, s->units, z, y);
        x = y;
    }
}

/* dw [count] = each factor times v, or is added to; `check` becomes NaN where an element is not finite. */
VECTOR_INLINE void add_gradients(size_t count, const float *factors, lanes v, bool add, float *dw, lanes *check)
{
    for (size_t d = 0; d < count; d++, dw += LANES) {
        const lanes sum = lanes_add_product(add ? lanes_load(dw, LANES) : lanes_none(), factors[d], v);
        *check = lanes_add_product(*check, 0, sum);
        lanes_store(dw, sum, LANES);
    }
}

VECTOR_INLINE void put_gradients(size_t count, const float *factors, lanes v, bool add, float *dw, lanes *check)
{
    if (add)
        add_gradients(count, factors, v, true, dw, check);
    else
        add_gradients(count, factors, v, false, dw, check);
}

/* The gradient of a layer's input, from its dz in lanes and in memory. */
VECTOR_INLINE void put_input_gradient(const ffn__narrow_shape *s, lanes dz, const float *dy, const float *w, float *dx)
{
    lanes_store(dx, s->units_in_lanes ? lanes_gather(s->inputs, dz, w) : lanes_spread(s->units, dy, w, lanes_none()),
                LANES);
}

/* Those of its parameters. */
VECTOR_INLINE void put_parameter_gradients(const ffn__narrow_layer *l, lanes dz, const float *dy, const float *x,
                                           float *gradients, lanes *check)
{
    static const float one = 1;
    const ffn__narrow_shape *s = &l->shape;
    if (s->units_in_lanes)
        put_gradients(s->inputs, x, dz, l->adds_weight, gradients + l->weight, check);
    else
        put_gradients(s->units, dy, lanes_load(x, s->inputs), l->adds_weight, gradients + l->weight, check);
    if (l->bias != FFN__NARROW_NONE) put_gradients(1, &one, dz, l->adds_bias, gradients + l->bias, check);
}

static bool backward_row(const ffn__narrow_chain *chain)
{
    const ffn__narrow_chain c = *chain;
    const ffn__narrow_layer *const end = c.layers + c.count;
    lanes check = lanes_none();
    for (const ffn__narrow_layer *l = end; l-- > c.layers;) {
        const bool first = l == c.layers;
        const ffn_activation *f = c.linear && l + 1 == end ? NULL : l->activation;
        float *dy = c.arena + l->dy;
        if (f) f->ops->backward(f, 1, l->shape.units, c.arena + l->z, c.arena + l->y, dy, dy);
        float *dx = first ? c.dx : c.arena + l[-1].dy;
        const lanes dz = lanes_load(dy, l->shape.units);
        if (dx) put_input_gradient(&l->shape, dz, dy, c.values + l->weight, dx);
        if (l->trains) put_parameter_gradients(l, dz, dy, first ? c.x : c.arena + l[-1].y, c.gradients, &check);
    }
    bool finite = true;
    for (size_t p = 0; p < PARTS; p++) finite &= !ivec_any(check.part[p] != 0);
    return finite;
}

extern const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels);
const ffn__narrow_kernels FFN__ISA_NAME(ffn__narrow_kernels) = {.spread = spread,
                                                                .gather = gather,
                                                                .gradient = gradient,
                                                                .sum_rows = sum_rows,
                                                                .forward_row = forward_row,
                                                                .backward_row = backward_row};
