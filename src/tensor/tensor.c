/* Shapes, tensors, and the checked matrix product on them. */
#include "tensor/tensor.h"

#include <stdio.h>

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

ffn_shape ffn_shape_1d(size_t a) { return (ffn_shape){1, {a}}; }
ffn_shape ffn_shape_2d(size_t a, size_t b) { return (ffn_shape){2, {a, b}}; }
ffn_shape ffn_shape_3d(size_t a, size_t b, size_t c) { return (ffn_shape){3, {a, b, c}}; }
ffn_shape ffn_shape_4d(size_t a, size_t b, size_t c, size_t d) { return (ffn_shape){4, {a, b, c, d}}; }

size_t ffn_shape_size(ffn_shape shape)
{
    if (shape.rank > FFN_MAX_RANK) return 0;
    size_t size = 1;
    bool empty = false;
    for (size_t i = 0; i < shape.rank; i++) {
        empty |= shape.dim[i] == 0;
        if (!empty && !ffn__multiply(size, shape.dim[i], &size)) return 0;
    }
    return empty ? 0 : size;
}

bool ffn_shape_equal(ffn_shape a, ffn_shape b)
{
    if (a.rank != b.rank || a.rank > FFN_MAX_RANK) return false;
    for (size_t i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

ffn_status ffn__shape_check(ffn_shape shape, const char *what, ffn_error *error)
{
    if (shape.rank > FFN_MAX_RANK)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: rank %zu, but there are at most %d dimensions", what,
                        shape.rank, FFN_MAX_RANK);
    char text[96];
    (void)ffn__shape_format(shape, text, sizeof(text));
    for (size_t i = 0; i < shape.rank; i++)
        if (shape.dim[i] == 0)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: dimension %zu of %s is 0, expected at least 1", what, i,
                            text);
    size_t bytes;
    if (ffn_shape_size(shape) == 0 || !ffn__multiply(ffn_shape_size(shape), sizeof(float), &bytes))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: %s has more elements than memory can hold", what, text);
    return FFN_OK;
}

size_t ffn__shape_format(ffn_shape shape, char *text, size_t size)
{
    char all[FFN_MAX_RANK * 22 + 3]; /* 20 digits and ", " a dimension */
    const size_t rank = shape.rank < FFN_MAX_RANK ? shape.rank : FFN_MAX_RANK;
    int length = snprintf(all, sizeof(all), "(");
    for (size_t i = 0; i < rank; i++)
        length += snprintf(all + length, sizeof(all) - (size_t)length, i ? ", %zu" : "%zu", shape.dim[i]);
    length += snprintf(all + length, sizeof(all) - (size_t)length, ")");
    if (text && size > 0) (void)snprintf(text, size, "%s", all);
    return (size_t)length;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

ffn_status ffn_tensor_create(ffn_tensor *tensor, ffn_shape shape, ffn_error *error)
{
    if (!tensor) return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_tensor_create: tensor is NULL");
    *tensor = (ffn_tensor){0};
    const ffn_status status = ffn__shape_check(shape, "ffn_tensor_create", error);
    if (status != FFN_OK) return status;
    float *const data = ffn__alloc(ffn_shape_size(shape), sizeof(float), error);
    if (!data) return FFN_OUT_OF_MEMORY;
    *tensor = (ffn_tensor){shape, data};
    return FFN_OK;
}

void ffn_tensor_destroy(ffn_tensor *tensor)
{
    if (!tensor) return;
    ffn__free(tensor->data);
    *tensor = (ffn_tensor){0};
}

ffn_tensor ffn_tensor_view(float *data, ffn_shape shape) { return (ffn_tensor){shape, data}; }

/* ---- ffn_matmul -------------------------------------------------------------------------------------------------- */

enum { TILE_ROWS = 256, TILE_COLS = 512 }; /* of c: large enough that packing a and b anew for each costs little */

/* c [m][n] = alpha op(a) [m][k] op(b) [k][n] + beta c, its tiles in rows of `across`. */
typedef struct product {
    size_t m, n, k, across;
    const float *a, *b;
    float *c;
    size_t lda, ldb;
    bool transpose_a, transpose_b;
    float alpha, beta;
} product;

static void multiply_tile(void *context, size_t tile)
{
    const product *const p = context;
    const size_t row = tile / p->across * TILE_ROWS, col = tile % p->across * TILE_COLS;
    const float *const a = p->a + (p->transpose_a ? row : row * p->lda);
    const float *const b = p->b + (p->transpose_b ? col * p->ldb : col);
    ffn__gemm(p->transpose_a, p->transpose_b, ffn__smaller(TILE_ROWS, p->m - row), ffn__smaller(TILE_COLS, p->n - col),
              p->k, p->alpha, a, p->lda, b, p->ldb, p->beta, p->c + row * p->n + col, p->n);
}

static ffn_status check_matrix(const ffn_tensor *tensor, const char *name, ffn_error *error)
{
    char what[32];
    (void)snprintf(what, sizeof(what), "ffn_matmul: %s", name);
    if (!tensor || !tensor->data) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s is NULL or has no data", what);
    if (tensor->shape.rank != 2)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s has rank %zu, expected a matrix (rank 2)", what,
                        tensor->shape.rank);
    return ffn__shape_check(tensor->shape, what, error);
}

static bool overlap(const ffn_tensor *a, const ffn_tensor *b)
{
    const uintptr_t a_start = (uintptr_t)a->data, b_start = (uintptr_t)b->data;
    return a_start < b_start + ffn_shape_size(b->shape) * sizeof(float) &&
           b_start < a_start + ffn_shape_size(a->shape) * sizeof(float);
}

static ffn_status check_product(const ffn_tensor *c, const ffn_tensor *a, const ffn_tensor *b, const product *p,
                                size_t b_rows, ffn_error *error)
{
    if (p->k != b_rows)
        return ffn_fail(error, FFN_SHAPE_MISMATCH,
                        "ffn_matmul: op(a) is %zu by %zu and op(b) %zu by %zu: %zu columns "
                        "cannot meet %zu rows",
                        p->m, p->k, b_rows, p->n, p->k, b_rows);
    if (c->shape.dim[0] != p->m || c->shape.dim[1] != p->n)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "ffn_matmul: c is %zu by %zu, expected %zu by %zu", c->shape.dim[0],
                        c->shape.dim[1], p->m, p->n);
    if (overlap(c, a) || overlap(c, b))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_matmul: c overlaps %s in memory, expected memory of its own",
                        overlap(c, a) ? "a" : "b");
    return FFN_OK;
}

ffn_status ffn_matmul(ffn_tensor *c, const ffn_tensor *a, bool transpose_a, const ffn_tensor *b, bool transpose_b,
                      float alpha, float beta, ffn_error *error)
{
    ffn_status status = check_matrix(a, "a", error);
    if (status == FFN_OK) status = check_matrix(b, "b", error);
    if (status == FFN_OK) status = check_matrix(c, "c", error);
    if (status != FFN_OK) return status;
    product p = {
        .m = a->shape.dim[transpose_a],
        .n = b->shape.dim[!transpose_b],
        .k = a->shape.dim[!transpose_a],
        .a = a->data,
        .b = b->data,
        .c = c->data,
        .lda = a->shape.dim[1],
        .ldb = b->shape.dim[1],
        .transpose_a = transpose_a,
        .transpose_b = transpose_b,
        .alpha = alpha,
        .beta = beta,
    };
    status = check_product(c, a, b, &p, b->shape.dim[transpose_b], error);
    if (status == FFN_OK) status = ffn__blas_prepare(error);
    if (status != FFN_OK) return status;
    p.across = (p.n - 1) / TILE_COLS + 1;
    const size_t tiles = ((p.m - 1) / TILE_ROWS + 1) * p.across;
    ffn__parallel(0, tiles, 2.0 * (double)p.m * (double)p.n * (double)p.k, multiply_tile, &p);
    return FFN_OK;
}
