/* Is this an OpenBLAS that FFN can call? Compiled, and run where possible, at configure time. */
#include <cblas.h>
#include <string.h>

#ifndef OPENBLAS_CONFIG_H
#error "this cblas.h is not OpenBLAS's"
#endif
#ifdef OPENBLAS_USE64BITINT
#error "FFN_BLAS_HAS_64_BIT_INTEGERS"
#endif

int main(void)
{
    const float two = 2, three = 3;
    float six = 0;
    openblas_set_num_threads(1);
    if (strstr(openblas_get_config(), "USE64BITINT")) return 64;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1.0f, &two, 1, &three, 1, 0.0f, &six, 1);
    return six == 6 ? 0 : 1;
}
