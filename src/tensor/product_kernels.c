/* Our own matrix product, for small sizes and for builds without a BLAS. c is computed in tiles of ROWS rows and one or
 * two vectors of columns, whose sums stay in registers while they run along k. */
#include "tensor/tensor.h"

#include "tensor/product.h"
#include "tensor/vector.h"

/* ROWS by 2 sums, 2 vectors of b and an element of a fill the vector registers: 32 of them, or 16. */
#if VL == 16 || defined(__aarch64__)
enum { ROWS = 8 };
#else
enum { ROWS = 6 };
#endif

enum {
    WIDTH = 2 * VL,  /* columns of a panel of b */
    DEPTH = 192,     /* rows of one: a packed panel is to stay in the first-level cache */
    TURN_ROWS = 64,  /* rows of op(a) turned at a time: with a panel they take 72 KB of the stack */
    TURN_COLS = 256, /* columns of c that make turning them worth it */
    COPY_ROWS = 64,  /* so many rows of a make it worth copying a panel that could be used where it lies */
    QUAD = 4
};

/* Element (i, p) of op(a) is data[i * row + p * step]; of op(b), (p, j), is data[p * step + j * row]. */
typedef struct operand {
    const float *data;
    size_t row, step;
} operand;

typedef struct output {
    float *data;
    size_t ld;
    float alpha, beta;
} output;

typedef float quad __attribute__((vector_size(QUAD * sizeof(float))));

/* ---- a tile ------------------------------------------------------------------------------------------------------ */

/* c [cols] = alpha sum + beta c for a vector, or its first cols < VL lanes. */
VECTOR_INLINE void store_sum(vec sum, float alpha, float beta, float *c, size_t cols)
{
    vec value = vec_set(alpha) * sum;
    if (cols >= VL) {
        if (beta != 0) value += vec_set(beta) * vec_load(c);
        vec_store(c, value);
    } else {
        if (beta != 0) value += vec_set(beta) * vec_load_part(c, cols);
        vec_store_part(c, value, cols);
    }
}

/* c [rows][cols] = alpha a [rows][depth] b [depth][cols] + beta c. rows and vectors are literals in every call, so that
 * the sums become registers. Rows of b are b_step apart and whole vectors; cols may end within the last one. */
VECTOR_INLINE void tile(const size_t rows, const size_t vectors, size_t depth, operand a, const float *b, size_t b_step,
                        output c, size_t cols)
{
    vec sum[ROWS][2] = {{{0}}};
    for (size_t p = 0; p < depth; p++) {
        vec x[2];
        UNROLL for (size_t v = 0; v < vectors; v++) x[v] = vec_load(b + p * b_step + v * VL);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            const vec factor = vec_set(a.data[r * a.row + p * a.step]);
            UNROLL for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * x[v];
        }
    }
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t v = 0; v < vectors; v++)
        store_sum(sum[r][v], c.alpha, c.beta, c.data + r * c.ld + v * VL, cols - v * VL);
}

/* By pointers: copies on the stack cost a tile of a small product half its time. */
typedef void tile_function(size_t depth, const operand *a, const float *b, size_t b_step, const output *c, size_t cols);

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##_##vectors(size_t depth, const operand *a, const float *b, size_t b_step,                 \
                                        const output *c, size_t cols)                                                  \
    {                                                                                                                  \
        tile(rows, vectors, depth, *a, b, b_step, *c, cols);                                                           \
    }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define TILE_PAIR(rows)                                                                                                \
    {                                                                                                                  \
        tile_##rows##_1, tile_##rows##_2                                                                               \
    }

TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
#if VL == 16 || defined(__aarch64__)
TILES(7)
TILES(8)
#endif

/* By rows - 1 and vectors - 1. */
static tile_function *const tile_functions[ROWS][2] = {
    TILE_PAIR(1), TILE_PAIR(2), TILE_PAIR(3), TILE_PAIR(4), TILE_PAIR(5), TILE_PAIR(6),
#if VL == 16 || defined(__aarch64__)
    TILE_PAIR(7), TILE_PAIR(8),
#endif
};

/* ---- panels of b ------------------------------------------------------------------------------------------------- */

/* panel [depth][stride]: the next `cols` columns of op(b) [depth][cols], rows of b being contiguous. */
static void copy_panel(size_t depth, size_t cols, const float *b, size_t ldb, float *panel, size_t stride)
{
    for (size_t p = 0; p < depth; p++, b += ldb, panel += stride) {
        size_t j = 0;
        for (; j + VL <= cols; j += VL) vec_store(panel + j, vec_load(b + j));
        if (j < cols) vec_store(panel + j, vec_load_part(b + j, cols - j));
    }
}

/* to [4][stride] = the transpose of four columns of four floats at col[i] + p. */
static void transpose_quads(const float *const col[QUAD], size_t p, float *to, size_t stride)
{
    quad row[QUAD];
    for (size_t i = 0; i < QUAD; i++) memcpy(&row[i], col[i] + p, sizeof(quad));
    const quad low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const quad low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const quad high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const quad high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    row[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    row[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    row[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    row[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    for (size_t i = 0; i < QUAD; i++) memcpy(to + i * stride, &row[i], sizeof(quad));
}

/* panel [depth][stride] = the transpose of b [cols][depth]; columns past the last repeat it, to be finite if it is. */
static void transpose_panel(size_t depth, size_t cols, const float *b, size_t ldb, float *panel, size_t stride)
{
    for (size_t j = 0; j < stride; j += QUAD) {
        const float *col[QUAD];
        for (size_t i = 0; i < QUAD; i++) col[i] = b + ffn__smaller(j + i, cols - 1) * ldb;
        size_t p = 0;
        for (; p + QUAD <= depth; p += QUAD) transpose_quads(col, p, panel + p * stride + j, stride);
        for (; p < depth; p++)
            for (size_t i = 0; i < QUAD; i++) panel[p * stride + j + i] = col[i][p];
    }
}

/* ---- few rows times a transposed matrix -------------------------------------------------------------------------- */

/* Such a product reads b once along its rows: transposing it would cost more than the product. */
enum { DOT_ROWS = 4, DOT_COLS = 4 };

/* sum [r][j] += the next VL products, or cols < VL of them, of row r of a and row j of b at p. */
VECTOR_INLINE void add_products(vec sum[2][DOT_COLS], const size_t rows, const float *a, size_t lda,
                                const float *const b[DOT_COLS], size_t p, size_t cols)
{
    vec x[2];
    UNROLL for (size_t r = 0; r < rows; r++) x[r] =
        cols == VL ? vec_load(a + r * lda + p) : vec_load_part(a + r * lda + p, cols);
    UNROLL for (size_t j = 0; j < DOT_COLS; j++)
    {
        const vec y = cols == VL ? vec_load(b[j] + p) : vec_load_part(b[j] + p, cols);
        UNROLL for (size_t r = 0; r < rows; r++) sum[r][j] += x[r] * y;
    }
}

/* c [rows][cols] = alpha a [rows][depth] b [cols][depth]^T + beta c for rows 1 or 2, a literal, and cols
 * <= DOT_COLS. */
VECTOR_INLINE void dots(const size_t rows, size_t depth, const float *a, size_t lda, const float *const b[DOT_COLS],
                        output c, size_t cols)
{
    vec sum[2][DOT_COLS] = {{{0}}};
    size_t p = 0;
    for (; p + VL <= depth; p += VL) add_products(sum, rows, a, lda, b, p, VL);
    if (p < depth) add_products(sum, rows, a, lda, b, p, depth - p);
    float total[2][DOT_COLS];
    UNROLL for (size_t r = 0; r < rows; r++) UNROLL for (size_t j = 0; j < DOT_COLS; j++) total[r][j] =
        c.alpha * vec_sum(sum[r][j]);
    for (size_t r = 0; r < rows; r++, c.data += c.ld)
        for (size_t j = 0; j < cols; j++) c.data[j] = c.beta != 0 ? total[r][j] + c.beta * c.data[j] : total[r][j];
}

static void multiply_by_dots(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                             output c)
{
    for (size_t j = 0; j < n; j += DOT_COLS, c.data += DOT_COLS) {
        const size_t cols = ffn__smaller(DOT_COLS, n - j);
        const float *col[DOT_COLS];
        for (size_t i = 0; i < DOT_COLS; i++) col[i] = b + ffn__smaller(j + i, n - 1) * ldb;
        output to = c;
        size_t i = 0;
        for (; i + 2 <= m; i += 2, to.data += 2 * c.ld) dots(2, k, a + i * lda, lda, col, to, cols);
        if (i < m) dots(1, k, a + i * lda, lda, col, to, cols);
    }
}

/* ---- the product ------------------------------------------------------------------------------------------------- */

/* c [m][cols] = alpha a [m][depth] b [depth][cols] + beta c, cols <= WIDTH. */
static void multiply_panel(size_t m, size_t cols, size_t depth, operand a, const float *b, size_t b_step, output c)
{
    const size_t vectors = cols > VL ? 2 : 1;
    for (size_t i = 0; i < m; i += ROWS) {
        tile_functions[ffn__smaller(ROWS, m - i) - 1][vectors - 1](depth, &a, b, b_step, &c, cols);
        a.data += ROWS * a.row;
        c.data += ROWS * c.ld;
    }
}

/* A panel is used where it lies if its rows are whole vectors and too few to miss the TLB often; else from a copy. */
static void multiply_depth(size_t m, size_t n, size_t depth, operand a, const float *b, size_t ldb, bool transpose_b,
                           output c)
{
    float panel[DEPTH * WIDTH] __attribute__((aligned(FFN__ALIGNMENT)));
    for (size_t j = 0; j < n; j += WIDTH, c.data += WIDTH) {
        const size_t cols = ffn__smaller(WIDTH, n - j), stride = cols > VL ? WIDTH : VL;
        if (transpose_b)
            transpose_panel(depth, cols, b + j * ldb, ldb, panel, stride);
        else if (cols % VL != 0 || m >= COPY_ROWS)
            copy_panel(depth, cols, b + j, ldb, panel, stride);
        else {
            multiply_panel(m, cols, depth, a, b + j, ldb, c);
            continue;
        }
        multiply_panel(m, cols, depth, a, panel, stride, c);
    }
}

/* c [m][n] = alpha a^T b + beta c for a [depth][m]. Read where it lies, a column of a takes a cache line an element,
 * and with rows a power of two apart they drive each other out: so some rows of a^T are laid out first. */
static void multiply_turned(size_t m, size_t n, size_t depth, const float *a, size_t lda, const float *b, size_t ldb,
                            bool transpose_b, output c)
{
    float turned[TURN_ROWS * DEPTH] __attribute__((aligned(FFN__ALIGNMENT)));
    const size_t stride = (depth + QUAD - 1) / QUAD * QUAD;
    for (size_t i = 0; i < m; i += TURN_ROWS, c.data += TURN_ROWS * c.ld) {
        const size_t rows = ffn__smaller(TURN_ROWS, m - i);
        transpose_panel(rows, depth, a + i, lda, turned, stride);
        multiply_depth(rows, n, depth, (operand){turned, stride, 1}, b, ldb, transpose_b, c);
    }
}

/* c = beta c, without reading it for beta 0. */
static void scale_output(size_t m, size_t n, output c)
{
    for (size_t i = 0; i < m; i++, c.data += c.ld)
        for (size_t j = 0; j < n; j++) c.data[j] = c.beta != 0 ? c.beta * c.data[j] : 0;
}

void FFN__ISA_NAME(ffn__product)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
                                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                                 size_t ldc)
{
    output out = {c, ldc, alpha, beta};
    if (alpha == 0 || k == 0) {
        scale_output(m, n, out);
        return;
    }
    if (m <= DOT_ROWS && k >= 2 * VL && transpose_b && !transpose_a) {
        multiply_by_dots(m, n, k, a, lda, b, ldb, out);
        return;
    }
    for (size_t p = 0; p < k; p += DEPTH) {
        const size_t depth = ffn__smaller(DEPTH, k - p);
        const float *right = b + (transpose_b ? p : p * ldb);
        if (transpose_a && n >= TURN_COLS)
            multiply_turned(m, n, depth, a + p * lda, lda, right, ldb, transpose_b, out);
        else if (transpose_a)
            multiply_depth(m, n, depth, (operand){a + p * lda, 1, lda}, right, ldb, transpose_b, out);
        else
            multiply_depth(m, n, depth, (operand){a + p, lda, 1}, right, ldb, transpose_b, out);
        out.beta = 1;
    }
}
