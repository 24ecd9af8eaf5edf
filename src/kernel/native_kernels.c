/* Products of panels. A tile of the result is some rows of a panel: its sums stay in registers while they run along the
 * depth, and every step reads some vectors of one panel and a number of each row of another. */
#include "kernel/native.h"

#include "tensor/fold.h"
#include "tensor/transpose.h"

/* 14 x 2 sums, two vectors of B and a number of A fill the 32 registers of AVX-512 and NEON; 6 x 2 the 16 of others. With
 * AVX2 so do 3 x 4, three numbers of A and a vector of B, by 7 loads for 12 products instead of 8; with SSE, where a
 * product wants a register of its own, they would not fit. */
#if VL == 16 || defined(__aarch64__)
#define ROWS 14
#else
#define ROWS 6
#endif
#if VL == 8
#define LOW_ROWS 3
#else
#define LOW_ROWS 0
#endif
/* Steps along the depth, about, after which the next tile takes over: their part of B, 16 KB, stays in the first-level
 * cache beside as much of C. */
enum { DEPTH = 128 };
enum { AHEAD = 8 };                 /* steps that a fetch of B takes */
enum { SECOND_LEVEL = 2 };          /* the cache to fetch into, where much will be read later */
enum { LINE = 64 / sizeof(float) }; /* floats of a cache line */
/* Steps of a panel that fetch what is to be read along with C, a line of each a step: low tiles have fewer lines. */
#define FETCHING(rows, width) ((rows) <= LOW_ROWS ? (rows) * (width) / LINE : FFN__PANEL)

/* Before a loop of steps. With AVX2 a step takes but 6 cycles, and a processor does not always foresee the end of 32 of them. */
#if VL == 8
#define STEPS IN_PAIRS
#else
#define STEPS
#endif

/* ---- a tile ------------------------------------------------------------------------------------------------------ */

/* Register arrays have the full size: one of `rows` would be a variable-length array to the compiler, in memory. So have
 * the steps between rows literals, or each row's place would be worked out and kept in memory. */
typedef vec sums[ROWS][LOW_ROWS ? 4 : 2];

/* Vectors of a row whose sums run together: a strip of the panel, or all of it. */
#define STRIP(rows)          ((rows) <= LOW_ROWS ? 4 : 2)
#define VECTORS(rows, width) ((width) < STRIP(rows) * VL ? (width) / VL : STRIP(rows))

/* C's tile, what it starts from, and what is done with it in the end. */
typedef struct result {
    float *c;
    const float *bias, *mask;
    float *weights, rate;
    bool add, rectify;
} result;

/* Of the strip from column `at` on, as in what follows. */
VECTOR_INLINE void begin_sums(sums sum, const size_t rows, const size_t vectors, const size_t width, const size_t at,
                              const result *to)
{
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] =
        to->add    ? vec_load(to->c + r * width + at + v * VL)
        : to->bias ? vec_set(to->bias[r])
                   : vec_set(0);
}

VECTOR_INLINE void rectify_sums(sums sum, const size_t rows, const size_t vectors)
{
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] =
        vec_max(vec_set(0), sum[r][v]);
}

VECTOR_INLINE void mask_sums(sums sum, const size_t rows, const size_t vectors, const size_t width, const float *mask)
{
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] =
        vec_select(vec_load(mask + r * width + v * VL) <= 0, vec_set(0), sum[r][v]);
}

/* The sums become weights, as by the optimizer's step of gradient descent, to the bit. */
VECTOR_INLINE void descend_sums(sums sum, const size_t rows, const size_t vectors, const size_t width, const float *w,
                                float rate)
{
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] =
        vec_load(w + r * width + v * VL) - rate * sum[r][v];
}

VECTOR_INLINE void end_sums(sums sum, const size_t rows, const size_t vectors, const size_t width, const size_t at,
                            const result *to)
{
    float *const place = (to->weights ? to->weights : to->c) + at;
    if (to->weights) descend_sums(sum, rows, vectors, width, place, to->rate);
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++)
        vec_store(place + r * width + v * VL, sum[r][v]);
}

/* One step along the depth: number r of A stands at a[r * a_step]. */
VECTOR_INLINE void add_step(sums sum, const size_t rows, const size_t vectors, const float *a, const size_t a_step,
                            const float *b)
{
    if (rows <= LOW_ROWS) { /* the numbers of A stay in registers, the vectors of B come one after the other */
        vec factor[ROWS];
        UNROLL for (size_t r = 0; r < rows; r++) factor[r] = vec_set(a[r * a_step]);
        UNROLL for (size_t v = 0; v < vectors; v++)
        {
            const vec x = vec_load(b + v * VL);
            UNROLL for (size_t r = 0; r < rows; r++) sum[r][v] += factor[r] * x;
        }
        return;
    }
    vec x[2];
    UNROLL for (size_t v = 0; v < vectors; v++) x[v] = vec_load(b + v * VL);
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        const vec factor = vec_set(a[r * a_step]);
        UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * x[v];
    }
}

/* `depth` steps within one panel of A whose rows are `a_step` apart, a literal. The rows that the next tile will read
 * are fetched meanwhile, and what is to be read along with C, a line of each a step. */
VECTOR_INLINE void add_panel(sums sum, const size_t rows, const size_t vectors, size_t depth, const float *a,
                             const size_t a_step, const float *b, size_t ldb, const float *const fetch[])
{
    STEPS for (size_t d = 0; d < depth; d++, b += ldb)
    {
        __builtin_prefetch(a + rows * a_step + d * LINE);
        if (fetch)
            UNROLL for (size_t i = 0; i < FFN__FETCHED; i++) __builtin_prefetch(fetch[i] + d * LINE, 0, SECOND_LEVEL);
        add_step(sum, rows, vectors, a + d, a_step, b);
    }
}

/* A tile's operands: A from row `row` on, B, and the lines to fetch. */
typedef struct operands {
    const float *a;
    size_t row, a_step;
    const float *b;
    size_t ldb;
    const float *fetch[FFN__FETCHED]; /* [0] NULL: nothing */
} operands;

VECTOR_INLINE void rows_strip(const size_t rows, const size_t vectors, const size_t width, const size_t at,
                              size_t depth, const operands *from, const result *to)
{
    const float *a = from->a, *b = from->b + at;
    sums sum;
    begin_sums(sum, rows, vectors, width, at, to);
    if (at == 0 && from->fetch[0] && depth > FFN__HALF_PANEL) {
        const size_t steps = ffn__smaller(depth, FFN__PANEL), first = ffn__smaller(steps, FETCHING(rows, width));
        const float *tile = a + from->row * FFN__PANEL;
        add_panel(sum, rows, vectors, first, tile, FFN__PANEL, b, from->ldb, from->fetch);
        if (FETCHING(rows, width) < FFN__PANEL)
            add_panel(sum, rows, vectors, steps - first, tile + first, FFN__PANEL, b + first * from->ldb, from->ldb,
                      NULL);
        a += from->a_step;
        b += steps * from->ldb;
        depth -= steps;
    }
    for (; depth > FFN__HALF_PANEL; a += from->a_step) {
        const size_t steps = ffn__smaller(depth, FFN__PANEL);
        add_panel(sum, rows, vectors, steps, a + from->row * FFN__PANEL, FFN__PANEL, b, from->ldb, NULL);
        b += steps * from->ldb;
        depth -= steps;
    }
    if (depth)
        add_panel(sum, rows, vectors, depth, a + from->row * FFN__HALF_PANEL, FFN__HALF_PANEL, b, from->ldb, NULL);
    if (to->rectify) rectify_sums(sum, rows, vectors);
    end_sums(sum, rows, vectors, width, at, to);
}

/* Along the depth in loops of a panel's steps, whose end a processor foresees. */
VECTOR_INLINE void columns_strip(const size_t rows, const size_t vectors, const size_t width, const size_t at,
                                 size_t depth, const operands *from, const result *to)
{
    const float *a = from->a + from->row, *b = from->b + at;
    sums sum;
    begin_sums(sum, rows, vectors, width, at, to);
    for (size_t steps; depth > 0; depth -= steps) {
        steps = ffn__smaller(depth, FFN__PANEL);
        STEPS for (size_t d = 0; d < steps; d++, a += from->a_step, b += from->ldb)
        {
            UNROLL for (size_t i = 0; i < vectors * VL; i += LINE) __builtin_prefetch(b + AHEAD * from->ldb + i);
            add_step(sum, rows, vectors, a, 1, b);
        }
    }
    if (to->mask) mask_sums(sum, rows, vectors, width, to->mask + at);
    end_sums(sum, rows, vectors, width, at, to);
}

/* One function for every number of rows and width. */
typedef void tile_function(size_t depth, const operands *from, const result *to);

#define TILE(R, W)                                                                                                     \
    static void rows_##R##_##W(size_t depth, const operands *from, const result *to)                                   \
    {                                                                                                                  \
        for (size_t at = 0; at < W; at += VECTORS(R, W) * VL) rows_strip(R, VECTORS(R, W), W, at, depth, from, to);    \
    }                                                                                                                  \
    static void columns_##R##_##W(size_t depth, const operands *from, const result *to)                                \
    {                                                                                                                  \
        for (size_t at = 0; at < W; at += VECTORS(R, W) * VL) columns_strip(R, VECTORS(R, W), W, at, depth, from, to); \
    }
#define TILES(R) TILE(R, 16) TILE(R, 32)
TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
#if ROWS == 14
TILES(7)
TILES(8)
TILES(9)
TILES(10)
TILES(11)
TILES(12)
TILES(13)
TILES(14)
#endif

#if ROWS == 14
#define ALL_TILES(kind)                                                                                                \
    {                                                                                                                  \
        PAIR(kind, 1), PAIR(kind, 2), PAIR(kind, 3), PAIR(kind, 4), PAIR(kind, 5), PAIR(kind, 6), PAIR(kind, 7),       \
            PAIR(kind, 8), PAIR(kind, 9), PAIR(kind, 10), PAIR(kind, 11), PAIR(kind, 12), PAIR(kind, 13),              \
            PAIR(kind, 14)                                                                                             \
    }
#else
#define ALL_TILES(kind)                                                                                                \
    {                                                                                                                  \
        PAIR(kind, 1), PAIR(kind, 2), PAIR(kind, 3), PAIR(kind, 4), PAIR(kind, 5), PAIR(kind, 6)                       \
    }
#endif
#define PAIR(kind, R)                                                                                                  \
    {                                                                                                                  \
        kind##_##R##_16, kind##_##R##_32                                                                               \
    }

/* By rows - 1 and whether a panel is whole. */
static tile_function *const rows_tiles[ROWS][2] = ALL_TILES(rows);
static tile_function *const columns_tiles[ROWS][2] = ALL_TILES(columns);
_Static_assert(FFN__PANEL == 32 && FFN__HALF_PANEL == 16, "the tiles are as wide as panels");

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* `tiles` tiles, one below the other; leaves both at the next. */
static void multiply_tiles(tile_function *tile, size_t tiles, size_t rows, size_t width, size_t depth, operands *from,
                           result *to)
{
    for (; tiles; tiles--) {
        tile(depth, from, to);
        from->row += rows;
        for (size_t i = 0; from->fetch[0] && i < FFN__FETCHED; i++) from->fetch[i] += rows * width;
        to->c += rows * width;
        if (to->bias) to->bias += rows;
        if (to->mask) to->mask += rows * width;
        if (to->weights) to->weights += rows * width;
    }
}

/* So many tiles of so many rows, and then as many others. */
typedef struct shares {
    size_t tiles, rows, more_tiles, more_rows;
} shares;

/* Low tiles are all alike, but one takes what is left as well. Others share the rows out evenly: 32 are 11 + 11 + 10 and not
 * 14 + 14 + 4, since a tile of few rows waits for its loads. */
static shares share_out(size_t rows, size_t width)
{
#if LOW_ROWS
    const size_t left = rows % LOW_ROWS;
    if (width == FFN__PANEL && rows >= LOW_ROWS)
        return (shares){rows / LOW_ROWS - (left > 0), LOW_ROWS, left > 0, LOW_ROWS + left};
#endif
    (void)width;
    const size_t tiles = (rows + ROWS - 1) / ROWS, height = rows / tiles, higher = rows % tiles;
    return (shares){higher, height + 1, tiles - higher, height};
}

/* C from step `begin` on, for `depth` steps. */
static void multiply_part(const ffn__panel_product *p, tile_function *const functions[ROWS][2], size_t begin,
                          size_t depth, const float *a)
{
    const size_t whole = p->width == FFN__PANEL;
    const shares s = share_out(p->rows, p->width);
    operands from = {.a = a, .row = p->row, .a_step = p->a_step, .b = p->b + begin * p->ldb, .ldb = p->ldb};
    const bool ends = begin + depth == p->depth;
    result to = {.c = p->c,
                 .bias = p->bias,
                 .mask = ends ? p->mask : NULL,
                 .weights = ends ? p->weights : NULL,
                 .rate = p->rate,
                 .add = p->add || begin > 0,
                 .rectify = p->rectify && ends};
    if (begin == 0) memcpy(from.fetch, p->fetch, sizeof(from.fetch));
    if (s.tiles) multiply_tiles(functions[s.rows - 1][whole], s.tiles, s.rows, p->width, depth, &from, &to);
    if (s.more_tiles)
        multiply_tiles(functions[s.more_rows - 1][whole], s.more_tiles, s.more_rows, p->width, depth, &from, &to);
}

/* C [R,w] in parts of the depth of about DEPTH, whole panels as even as can be; a_width: steps along it that are a_step
 * floats of A. */
static void multiply(const ffn__panel_product *p, tile_function *const functions[ROWS][2], size_t a_width)
{
    const size_t parts = p->depth < DEPTH ? 1 : (p->depth + DEPTH / 2) / DEPTH;
    const size_t panels = (p->depth + FFN__PANEL - 1) / FFN__PANEL;
    for (size_t i = 0; i < parts; i++) {
        const size_t begin = i * panels / parts * FFN__PANEL,
                     end = ffn__smaller((i + 1) * panels / parts * FFN__PANEL, p->depth);
        multiply_part(p, functions, begin, end - begin, p->a + begin / a_width * p->a_step);
    }
}

static void multiply_rows(const ffn__panel_product *p) { multiply(p, rows_tiles, FFN__PANEL); }
static void multiply_columns(const ffn__panel_product *p) { multiply(p, columns_tiles, 1); }

/* ---- few rows ---------------------------------------------------------------------------------------------------- */

/* Units whose sums run together: enough to hide the latency of their additions, few enough for the registers. */
#if VL == 16 || defined(__aarch64__)
enum { UNITS = 4 };
#else
enum { UNITS = 2 };
#endif
/* Of a single row VL, whose lanes are then added up together. */
enum { UNITS_OF_ONE = VL > UNITS ? VL : UNITS };
/* A layer's weights of a thread that its second-level cache may not hold beside those of other layers, 1 MB: for a single
 * row they are fetched as many panels ahead. Nearer ones would only be slowed down by it. */
enum { FAR = 262144, PANELS_AHEAD = 2 };

/* sum [u][r] += lanes of row u < count of a panel times lanes of row r of x; fetch: floats from there to what is fetched,
 * 0: nothing is. */
VECTOR_INLINE void add_lanes(vec sum[UNITS_OF_ONE][FFN__FEW - 1], const size_t units, size_t count, const size_t rows,
                             const vec x[], const float *w, const size_t width, const size_t fetch)
{
    UNROLL for (size_t u = 0; u < units; u++)
    {
        if (u >= count) continue;
        if (fetch) __builtin_prefetch(w + u * width + fetch);
        const vec weights = vec_load(w + u * width);
        UNROLL for (size_t r = 0; r < rows; r++) sum[u][r] += weights * x[r];
    }
}

/* The same for a panel's first `left` columns, the last ones of x. */
VECTOR_INLINE void add_last_lanes(vec sum[UNITS_OF_ONE][FFN__FEW - 1], const size_t units, size_t count,
                                  const size_t rows, const float *x, size_t ldx, size_t left, const float *w,
                                  const size_t width)
{
    for (size_t v = 0; v < left; v += VL) {
        vec part[FFN__FEW - 1];
        UNROLL for (size_t r = 0; r < rows; r++) part[r] = vec_load_left(x + r * ldx + v, left - v);
        add_lanes(sum, units, count, rows, part, w + v, width, 0);
    }
}

/* Y for `count` of `units` units from number u of the product's on; literals are units, rows and whether W is far. */
VECTOR_INLINE void few_tile(const size_t rows, const size_t units, const bool far, const ffn__few_product *p, size_t u,
                            size_t count)
{
    vec sum[UNITS_OF_ONE][FFN__FEW - 1] = {{{0}}}, part[FFN__FEW - 1];
    const size_t inputs = p->inputs, all_units = p->all_units, unit = p->unit + u, ldy = p->ldy;
    const float *x = p->x, *w = p->w, *bias = p->bias ? p->bias + u : NULL;
    float *y = p->y + u;
    size_t begin = 0;
    for (; begin + FFN__PANEL <= inputs; begin += FFN__PANEL, w += all_units * FFN__PANEL)
        UNROLL for (size_t v = 0; v < FFN__PANEL; v += VL)
        {
            UNROLL for (size_t r = 0; r < rows; r++) part[r] = vec_load(x + r * inputs + begin + v);
            add_lanes(sum, units, count, rows, part, w + unit * FFN__PANEL + v, FFN__PANEL,
                      far ? PANELS_AHEAD * FFN__PANEL * all_units : 0);
        }
    const size_t left = inputs - begin, width = ffn__panel_width(begin, inputs);
    x += begin;
    if (left > 0 && rows > 1) /* such tiles are large: one loop for either width is enough, if slower */
        add_last_lanes(sum, units, count, rows, x, inputs, left, w + unit * width, width);
    else if (left > FFN__HALF_PANEL)
        add_last_lanes(sum, units, count, rows, x, inputs, left, w + unit * FFN__PANEL, FFN__PANEL);
    else if (left > 0)
        add_last_lanes(sum, units, count, rows, x, inputs, left, w + unit * FFN__HALF_PANEL, FFN__HALF_PANEL);
    if (rows == 1 && units == VL) {
        vec row[VL];
        UNROLL for (size_t i = 0; i < VL; i++) row[i] = sum[i][0];
        const vec all = sums_of_lanes(row) + (bias ? vec_load_left(bias, count) : vec_set(0));
        vec_store_left(y, p->rectify ? vec_max(vec_set(0), all) : all, count);
        return;
    }
    UNROLL for (size_t i = 0; i < units; i++) UNROLL for (size_t r = 0; r < rows; r++) if (i < count)
    {
        const float all = vec_sum(sum[i][r]) + (bias ? bias[i] : 0);
        y[r * ldy + i] = p->rectify && all < 0 ? 0 : all;
    }
}

/* The units from number u of the product's on, behind the last tile, by U_LEFT at a time: up to VL - 1 of a single row, but
 * only a few of more rows, whose tiles are smaller. */
#define FEW_LEFT(R, U_LEFT)                                                                                            \
    static __attribute__((noinline)) void left_##R(const ffn__few_product *p, size_t u)                                \
    {                                                                                                                  \
        for (; u < p->units; u += U_LEFT)                                                                              \
            few_tile(R, U_LEFT, false, p, u, U_LEFT == 1 ? 1 : ffn__smaller(U_LEFT, p->units - u));                    \
    }
FEW_LEFT(1, UNITS_OF_ONE)
FEW_LEFT(2, 1)
FEW_LEFT(3, 1)
FEW_LEFT(4, 1)
FEW_LEFT(5, 1)
FEW_LEFT(6, 1)
FEW_LEFT(7, 1)

/* Tiles of U units and what is left, one way or the other. */
#define FEW(NAME, R, U, FAR_AWAY)                                                                                      \
    static void few_##NAME(const ffn__few_product *p)                                                                  \
    {                                                                                                                  \
        const size_t tiles = p->units / U;                                                                             \
        if (p->backwards) left_##R(p, tiles *U);                                                                       \
        for (size_t i = 0; i < tiles; i++) few_tile(R, U, FAR_AWAY, p, (p->backwards ? tiles - 1 - i : i) * U, U);     \
        if (!p->backwards) left_##R(p, tiles *U);                                                                      \
    }
FEW(1, 1, UNITS_OF_ONE, false)
FEW(1_far, 1, UNITS_OF_ONE, true)
FEW(2, 2, UNITS, false)
FEW(3, 3, UNITS, false)
FEW(4, 4, UNITS, false)
FEW(5, 5, UNITS, false)
FEW(6, 6, UNITS, false)
FEW(7, 7, UNITS, false)

static void multiply_few(const ffn__few_product *p)
{
    static void (*const functions[FFN__FEW])(const ffn__few_product *) = {few_1_far, few_1, few_2, few_3,
                                                                          few_4,     few_5, few_6, few_7};
    const bool far = p->rows == 1 && p->inputs * p->all_units / p->threads >= FAR;
    functions[far ? 0 : p->rows](p);
}

/* ---- panels from rows and back ----------------------------------------------------------------------------------- */

static void turn(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t ldt, size_t width)
{
    transpose(rows, cols, x, ldx, to, ldt, width);
}

static void pack(size_t rows, size_t cols, const float *x, size_t ldx, float *to, size_t width)
{
    for (size_t j = 0; j < width; j += VL) {
        const size_t left = cols > j ? cols - j : 0;
        for (size_t r = 0; r < rows; r++) vec_store(to + r * width + j, vec_load_left(x + r * ldx + j, left));
    }
}

/* The sums of `count` <= VL rows of panels from row `row` on. */
VECTOR_INLINE vec sums_of_rows(const size_t count, size_t cols, size_t all_rows, size_t row, const float *x)
{
    vec sum[VL] = {{0}};
    for (size_t j = 0; j < cols; j += FFN__PANEL) {
        const size_t width = ffn__panel_width(j, cols);
        const float *panel = x + ffn__panel_offset(j, all_rows) + row * width;
        for (size_t at = 0; at < width && j + at < cols; at += VL) {
            const float *part = panel + at;
            const size_t left = cols - j - at;
            UNROLL for (size_t i = 0; i < VL; i++) if (i < count) sum[i] += vec_load_left(part + i * width, left);
        }
    }
    return sums_of_lanes(sum);
}

static void sum_rows(size_t rows, size_t cols, size_t all_rows, size_t row, const float *x, float beta, float *to)
{
    for (size_t r = 0; r < rows; r += VL) {
        const size_t count = ffn__smaller(rows - r, VL);
        vec total = count == VL ? sums_of_rows(VL, cols, all_rows, row + r, x)
                                : sums_of_rows(count, cols, all_rows, row + r, x);
        if (beta != 0) total += beta * vec_load_left(to + r, count);
        vec_store_left(to + r, total, count);
    }
}

static void put(size_t rows, size_t cols, const float *c, size_t width, float beta, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++, c += width, y += ldy)
        for (size_t j = 0; j < cols; j += VL) {
            const size_t left = cols - j;
            vec value = vec_load(c + j);
            if (beta != 0) value += beta * vec_load_left(y + j, left);
            vec_store_left(y + j, value, left);
        }
}

extern const ffn__native_kernels FFN__ISA_NAME(ffn__native_kernels);
const ffn__native_kernels FFN__ISA_NAME(ffn__native_kernels) = {
    multiply_rows, multiply_columns, sum_rows, multiply_few, turn, pack, put};
