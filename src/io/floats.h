/* The bits of 32-bit floats, which files hold; the tests' double build has other floats in memory. */
#ifndef FFN__FLOATS_H
#define FFN__FLOATS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* By its suffix a 32-bit float everywhere. */
typedef __typeof__(1.0f) ffn__single;

static inline uint32_t ffn__float32_bits(float value)
{
    const ffn__single narrow = (ffn__single)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
}

/* The lowest `size` bytes of the bits, the lowest first: how files have floats and whole numbers on every machine. */
static inline void ffn__put_bits(unsigned char *bytes, size_t size, uint64_t bits)
{
    for (size_t k = 0; k < size; k++) bytes[k] = (unsigned char)(bits >> 8 * k);
}

#endif
