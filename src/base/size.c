/* Arithmetic on sizes that says when it overflows. */
#include "base/base.h"

bool ffn__multiply(size_t a, size_t b, size_t *product)
{
    size_t result;
    if (__builtin_mul_overflow(a, b, &result)) return false;
    *product = result;
    return true;
}

bool ffn__sum(size_t a, size_t b, size_t *sum)
{
    size_t result;
    if (__builtin_add_overflow(a, b, &result)) return false;
    *sum = result;
    return true;
}

bool ffn__is_array(size_t rows, size_t cols)
{
    size_t size;
    return ffn__multiply(rows, cols, &size) && size <= SIZE_MAX / sizeof(float);
}

/* At the end of the range it stays at the last multiple, which no allocation can satisfy. */
size_t ffn__pad(size_t floats)
{
    const size_t unit = FFN__ALIGNMENT / sizeof(float);
    const size_t last = SIZE_MAX / unit * unit;
    return floats > last ? last : (floats + unit - 1) / unit * unit;
}
