/* Matrix products and the elementwise and reduction kernels on plain arrays. */
#ifndef FFN__TENSOR_H
#define FFN__TENSOR_H

#include "base/base.h"
#include "tensor/isa.h"

/* ---- shapes (tensor.c) ------------------------------------------------------------------------------------------- */

/* FFN_INVALID_ARGUMENT unless the rank is at most FFN_MAX_RANK, every dimension is at least 1 and the size fits; `what`
 * names the shape in the sentence. */
ffn_status ffn__shape_check(ffn_shape shape, const char *what, ffn_error *error);
size_t ffn__shape_format(ffn_shape shape, char *text, size_t size); /* "(1, 28, 28)"; like snprintf */

/* ---- products (blas.c, product.c) ------------------------------------------------------------------------------ */

/* c [m][n] = alpha op(a) [m][k] op(b) [k][n] + beta c; ld: distance of rows in floats. With beta 0 c is not read. Runs
 * on the calling thread. Same arguments, same bits. Small products use our own kernel, large ones OpenBLAS. */
void ffn__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* Once before the first ffn__gemm (plan, ffn_matmul): makes OpenBLAS single-threaded per call and lets it allocate its
 * buffers while a lack of memory can still be reported. Cheap when done already. */
ffn_status ffn__blas_prepare(ffn_error *error);
const char *ffn__blas_name(void); /* "OpenBLAS 0.3.21" or "none" */
bool ffn__has_blas(void);

/* ---- kernels (tensor_kernels.c, one table per instruction set) ------------------------------------------------- */

/* Arrays may be unaligned. In place is allowed wherever input and output have the same extent. */
typedef struct ffn__tensor_kernels {
    void (*add)(size_t n, const float *a, const float *b, float *c);      /* c = a + b */
    void (*multiply)(size_t n, const float *a, const float *b, float *c); /* c = a b */
    void (*assign)(size_t n, float beta, const float *x, float *y);       /* y = x + beta y; beta 0: y not read */
    void (*scale)(size_t n, float alpha, const float *x, float *y);       /* y = alpha x */
    void (*offset_factor)(size_t rows, size_t cols, const float *x, const float *offset, const float *factor,
                          float *y); /* y = (x - offset) factor by column */
    void (*add_row)(size_t rows, size_t cols, size_t ld, const float *row, float *y); /* y[r][c] += row[c] */
    /* y = (x - mean) factor + shift by column of rows that are ld apart, or by row of rows that are cols apart */
    void (*normalize_columns)(size_t rows, size_t cols, size_t ld, const float *x, const float *mean,
                              const float *factor, const float *shift, float *y);
    void (*normalize_rows)(size_t rows, size_t cols, const float *x, const float *mean, const float *factor,
                           const float *shift, float *y);
    void (*column_sums)(size_t rows, size_t cols, size_t ld, const float *x, float beta, float *sums); /* + beta sums */
    double (*sum)(size_t n, const float *x);
    double (*sum_squares)(size_t n, const float *x);
    bool (*all_finite)(size_t n, const float *x);
    double (*length_bound)(size_t n, const float *x); /* at least |x|, and little more; not finite if an x is not */
    float (*largest_size)(size_t n, const float *x);  /* the largest |x|; NaN if there is one; 0 for n 0 */
    size_t (*argmax)(size_t n, const float *x);       /* the first of the largest; NaN counts as largest; 0 for n 0 */
    /* c = alpha op(a) op(b) + beta c as in ffn__gemm; a plain register-blocked product */
    void (*product)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                    size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);
} ffn__tensor_kernels;

FFN__ISA_DECLARE(ffn__tensor_kernels, ffn__tensor_kernels);
static inline const ffn__tensor_kernels *ffn__tensor(void) /* of the instruction set in use */
{
    static const ffn__tensor_kernels *const tables[] = FFN__ISA_TABLES(ffn__tensor_kernels);
    return tables[ffn__isa()];
}

#endif
