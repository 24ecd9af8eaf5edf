#include "layer/norm.h"

FFN__ISA_DECLARE(ffn__norm_kernels, ffn__norm_kernels);

const ffn__norm_kernels *ffn__norm(void)
{
    static const ffn__norm_kernels *const tables[] = FFN__ISA_TABLES(ffn__norm_kernels);
    return tables[ffn__isa()];
}
