/* The bits of 32-bit floats, which files hold; the tests' double build has other floats in memory. */
#ifndef FFN__FLOATS_H
#define FFN__FLOATS_H

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

#endif
