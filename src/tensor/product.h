/* Our own matrix product, one function per instruction set; reached through the table of tensor.h. */
#ifndef FFN__PRODUCT_H
#define FFN__PRODUCT_H

#include "tensor/isa.h"

void FFN__ISA_NAME(ffn__product)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
                                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                                 size_t ldc);

#endif
