#include "io/protobuf.h"

#include <string.h>

#include "io/floats.h"

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void add_varint(ffn__text *message, uint64_t value)
{
    unsigned char bytes[10];
    size_t size = 0;
    do {
        bytes[size] = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
        size++;
    } while (value);
    ffn__text_bytes(message, bytes, size);
}

static void add_tag(ffn__text *message, uint32_t field, ffn__pb_type type)
{
    add_varint(message, (uint64_t)field << 3 | (uint64_t)type);
}

void ffn__pb_number(ffn__text *message, uint32_t field, uint64_t value)
{
    add_tag(message, field, FFN__PB_NUMBER);
    add_varint(message, value);
}

void ffn__pb_bytes(ffn__text *message, uint32_t field, const void *bytes, size_t size)
{
    add_tag(message, field, FFN__PB_SPAN);
    add_varint(message, size);
    ffn__text_bytes(message, bytes, size);
}

void ffn__pb_string(ffn__text *message, uint32_t field, const char *text)
{
    ffn__pb_bytes(message, field, text, strlen(text));
}

void ffn__pb_float(ffn__text *message, uint32_t field, float value)
{
    unsigned char bytes[4];
    ffn__put_bits(bytes, 4, ffn__float32_bits(value));
    add_tag(message, field, FFN__PB_4_BYTES);
    ffn__text_bytes(message, bytes, sizeof(bytes));
}

void ffn__pb_message(ffn__text *message, uint32_t field, ffn__text *inner)
{
    message->failed |= inner->failed;
    ffn__pb_bytes(message, field, inner->bytes, inner->length);
    ffn__text_destroy(inner);
}

void ffn__pb_raw_floats(ffn__text *message, uint32_t field, const float *values, size_t count)
{
    add_tag(message, field, FFN__PB_SPAN);
    add_varint(message, (uint64_t)count * 4);
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        ffn__put_bits(bytes, 4, ffn__float32_bits(values[i]));
        ffn__text_bytes(message, bytes, sizeof(bytes));
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

bool ffn__pb_next_number(ffn__pb_span *packed, uint64_t *value, bool *broken)
{
    if (packed->size == 0) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < packed->size && i < 10; i++) {
        sum |= (uint64_t)(packed->bytes[i] & 0x7F) << 7 * i;
        if (packed->bytes[i] & 0x80) continue;
        packed->bytes += i + 1;
        packed->size -= i + 1;
        *value = sum;
        return true;
    }
    *broken = true;
    return false;
}

/* Takes `size` bytes off the message. */
static bool take(ffn__pb_span *message, uint64_t size, ffn__pb_span *span)
{
    if (size > message->size) return false;
    *span = (ffn__pb_span){message->bytes, (size_t)size};
    message->bytes += size;
    message->size -= (size_t)size;
    return true;
}

static bool take_content(ffn__pb_span *message, ffn__pb_field *field, bool *broken)
{
    uint64_t size;
    switch (field->type) {
    case FFN__PB_NUMBER: return ffn__pb_next_number(message, &field->value, broken);
    case FFN__PB_SPAN: return ffn__pb_next_number(message, &size, broken) && take(message, size, &field->span);
    case FFN__PB_4_BYTES:
    case FFN__PB_8_BYTES: return take(message, field->type == FFN__PB_4_BYTES ? 4 : 8, &field->span);
    default: return false;
    }
}

bool ffn__pb_next(ffn__pb_span *message, ffn__pb_field *field, bool *broken)
{
    uint64_t tag;
    if (!ffn__pb_next_number(message, &tag, broken)) return false;
    *field = (ffn__pb_field){.number = (uint32_t)(tag >> 3), .type = (ffn__pb_type)(tag & 7)};
    if (tag >> 3 >= 1 && tag >> 3 < 1u << 29 && take_content(message, field, broken)) return true;
    *broken = true;
    return false;
}

float ffn__pb_float_at(const unsigned char *bytes)
{
    const uint32_t bits =
        (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    ffn__single value;
    memcpy(&value, &bits, sizeof(value));
    return (float)value;
}

uint64_t ffn__pb_u64_at(const unsigned char *bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) bits |= (uint64_t)bytes[i] << 8 * i;
    return bits;
}

double ffn__pb_double_at(const unsigned char *bytes)
{
    const uint64_t bits = ffn__pb_u64_at(bytes);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}
