#include "data/element.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static uint64_t load(const unsigned char *from, size_t size, ffn__byte_order order)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits = bits << 8 | from[order == FFN__BIG_ENDIAN ? i : size - 1 - i];
    return bits;
}

static void from_boolean(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    (void)size, (void)order;
    for (size_t i = 0; i < count; i++) to[i] = from[i] != 0;
}

static void from_unsigned(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    for (size_t i = 0; i < count; i++) to[i] = (float)load(from + i * size, size, order);
}

static void from_signed(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    const uint64_t sign = UINT64_C(1) << (8 * size - 1);
    for (size_t i = 0; i < count; i++) {
        const uint64_t bits = load(from + i * size, size, order);
        to[i] = bits & sign ? -(float)((~bits & (sign - 1)) + 1) : (float)bits; /* the magnitude of a negative one */
    }
}

/* An IEEE number of fewer bits than a double, as a double. */
static double widen(uint64_t bits, unsigned exponent_bits, unsigned fraction_bits)
{
    const uint64_t all_ones = (UINT64_C(1) << exponent_bits) - 1, bias = all_ones >> 1;
    const uint64_t exponent = bits >> fraction_bits & all_ones, fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
    const uint64_t sign = bits >> (exponent_bits + fraction_bits) & 1;
    double value;
    if (exponent == 0) {
        value = ldexp((double)fraction, 1 - (int)bias - (int)fraction_bits);
        return sign ? -value : value;
    }
    const uint64_t wide = exponent == all_ones ? 0x7FF : exponent - bias + 1023;
    const uint64_t result = sign << 63 | wide << 52 | fraction << (52 - fraction_bits);
    memcpy(&value, &result, sizeof value);
    return value;
}

static void from_float16(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    for (size_t i = 0; i < count; i++) to[i] = (float)widen(load(from + i * size, size, order), 5, 10);
}

static void from_bfloat16(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    for (size_t i = 0; i < count; i++) to[i] = (float)widen(load(from + i * size, size, order), 8, 7);
}

static void from_float32(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    for (size_t i = 0; i < count; i++) to[i] = (float)widen(load(from + i * size, size, order), 8, 23);
}

static void from_float64(const unsigned char *from, size_t size, size_t count, ffn__byte_order order, float *to)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t bits = load(from + i * size, size, order);
        double value;
        memcpy(&value, &bits, sizeof value);
        to[i] = (float)value;
    }
}

const ffn__element ffn__boolean = {"booleans", 1, true, from_boolean};
const ffn__element ffn__unsigned8 = {"unsigned 8-bit integers", 1, true, from_unsigned};
const ffn__element ffn__unsigned16 = {"unsigned 16-bit integers", 2, true, from_unsigned};
const ffn__element ffn__unsigned32 = {"unsigned 32-bit integers", 4, true, from_unsigned};
const ffn__element ffn__unsigned64 = {"unsigned 64-bit integers", 8, true, from_unsigned};
const ffn__element ffn__signed8 = {"8-bit integers", 1, true, from_signed};
const ffn__element ffn__signed16 = {"16-bit integers", 2, true, from_signed};
const ffn__element ffn__signed32 = {"32-bit integers", 4, true, from_signed};
const ffn__element ffn__signed64 = {"64-bit integers", 8, true, from_signed};
const ffn__element ffn__float16 = {"16-bit floats", 2, false, from_float16};
const ffn__element ffn__bfloat16 = {"16-bit brain floats", 2, false, from_bfloat16};
const ffn__element ffn__float32 = {"32-bit floats", 4, false, from_float32};
const ffn__element ffn__float64 = {"64-bit floats", 8, false, from_float64};

bool ffn__element_is_too_large(const ffn__element *element, const unsigned char *from, ffn__byte_order order)
{
    float value;
    if (element != &ffn__float64) return false; /* of the others even the largest is a float */
    element->convert(from, element->size, 1, order, &value);
    return isinf(value) && (load(from, element->size, order) >> 52 & 0x7FF) != 0x7FF;
}
