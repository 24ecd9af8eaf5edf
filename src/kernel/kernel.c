/* Which table of kernels a model uses. */
#include <math.h>

#include "kernel/kernel.h"

/* Measured (docs/performance.md): with AVX2 and AVX-512 the native kernels are the faster ones; the generic ones, made
 * for any processor, are not a match for OpenBLAS's. */
ffn_kernels ffn__kernels_resolve(ffn_kernels wanted)
{
    if (wanted != FFN_KERNELS_AUTO) return wanted;
    return ffn__isa() == FFN__ISA_GENERIC && ffn__has_blas() ? FFN_KERNELS_BLAS : FFN_KERNELS_NATIVE;
}

const ffn__kernel_table *ffn__kernels(ffn_kernels kernels)
{
    return kernels == FFN_KERNELS_BLAS ? &ffn__kernel_blas : &ffn__kernel_native;
}

/* At least the Euclidean length of a value or gradient; what stands behind the rows of one that is turned counts too. */
static double length(const float *values, size_t rows, size_t cols, bool turned)
{
    const size_t group = ffn__kernel_native.row_group;
    if (turned && rows >= FFN__FEW) rows = (rows + group - 1) / group * group;
    return ffn__tensor()->length_bound(rows * cols, values);
}

/* An element of dW is the product of a column of dZ and one of X, and so at most that of their lengths (Cauchy 1821); one of
 * db is that of a column of dZ and ones. */
double ffn__dense_bound(const ffn__dense *d)
{
    const double dz = length(d->dy, d->rows, d->units, d->y_turned);
    const double x = d->dw ? length(d->x, d->rows, d->inputs, d->x_turned) : 0;
    return d->dslope ? (double)NAN : dz * fmax(sqrt((double)d->rows), x);
}
