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

/* The largest of a value's or gradient's numbers; what stands behind the rows of one that is turned counts as well. */
static double largest(const float *values, size_t rows, size_t cols, bool turned)
{
    const size_t group = ffn__kernel_native.row_group;
    if (turned && rows >= FFN__FEW) rows = (rows + group - 1) / group * group;
    return (double)ffn__tensor()->largest_size(rows * cols, values);
}

/* Every element of dW is a sum of B products of dZ and X. */
double ffn__dense_bound(const ffn__dense *d)
{
    const double dz = largest(d->dy, d->rows, d->units, d->y_turned);
    const double x = d->dw ? largest(d->x, d->rows, d->inputs, d->x_turned) : 0;
    const double sum = (double)d->rows * dz * fmax(1, x);
    return d->dslope ? (double)NAN : sum;
}
