/* The wire format of protocol buffers, as much of it as ONNX needs. */
#ifndef FFN__PROTOBUF_H
#define FFN__PROTOBUF_H

#include "io/text.h"

/* ---- writing: fields are appended to a message that is a text --------------------------------------------------- */

void ffn__pb_number(ffn__text *message, uint32_t field, uint64_t value);
void ffn__pb_bytes(ffn__text *message, uint32_t field, const void *bytes, size_t size);
void ffn__pb_string(ffn__text *message, uint32_t field, const char *text);
void ffn__pb_float(ffn__text *message, uint32_t field, float value);
/* Appends the inner message, which is then empty. */
void ffn__pb_message(ffn__text *message, uint32_t field, ffn__text *inner);
/* A field of `count` floats of 4 bytes, little-endian. */
void ffn__pb_raw_floats(ffn__text *message, uint32_t field, const float *values, size_t count);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* A piece of the message; where it came from must outlive it. */
typedef struct ffn__pb_span {
    const unsigned char *bytes;
    size_t size;
} ffn__pb_span;

typedef enum ffn__pb_type {
    FFN__PB_NUMBER = 0,
    FFN__PB_8_BYTES = 1,
    FFN__PB_SPAN = 2,
    FFN__PB_4_BYTES = 5
} ffn__pb_type;

typedef struct ffn__pb_field {
    uint32_t number; /* from 1 */
    ffn__pb_type type;
    uint64_t value;    /* of a number, or of 4 or 8 bytes */
    ffn__pb_span span; /* of a span */
} ffn__pb_field;

/* Takes the next field off the message. False at the end, and where the message is broken: then *broken. */
bool ffn__pb_next(ffn__pb_span *message, ffn__pb_field *field, bool *broken);
/* The next number of a packed span, in the same way. */
bool ffn__pb_next_number(ffn__pb_span *packed, uint64_t *value, bool *broken);

/* Of 4 bytes, little-endian, that are a float or an integer. */
float ffn__pb_float_at(const unsigned char *bytes);
/* Of 8 bytes. */
uint64_t ffn__pb_u64_at(const unsigned char *bytes);
double ffn__pb_double_at(const unsigned char *bytes);

#endif
