#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "io/json.h"

/* A comma, unless something has just begun. */
static void separate(ffn__text *t)
{
    if (t->length > 0 && !strchr("{[:", t->bytes[t->length - 1])) ffn__text_bytes(t, ",", 1);
}

void ffn__json_open(ffn__text *t, char bracket)
{
    separate(t);
    ffn__text_bytes(t, &bracket, 1);
}

void ffn__json_close(ffn__text *t, char bracket) { ffn__text_bytes(t, &bracket, 1); }

void ffn__json_key(ffn__text *t, const char *key)
{
    ffn__json_string(t, key, strlen(key));
    ffn__text_bytes(t, ":", 1);
}

void ffn__json_string(ffn__text *t, const char *bytes, size_t size)
{
    separate(t);
    ffn__text_bytes(t, "\"", 1);
    for (size_t i = 0, run; i < size; i += run) {
        for (run = 0; i + run < size; run++) {
            const unsigned char c = (unsigned char)bytes[i + run];
            if (c < 0x20 || c == '"' || c == '\\') break;
        }
        ffn__text_bytes(t, bytes + i, run);
        if (i + run == size) break;
        const unsigned char special = (unsigned char)bytes[i + run++];
        if (special < 0x20)
            ffn__text_add(t, "\\u%04x", special);
        else
            ffn__text_add(t, "\\%c", special);
    }
    ffn__text_bytes(t, "\"", 1);
}

void ffn__json_size(ffn__text *t, size_t number)
{
    separate(t);
    ffn__text_add(t, "%zu", number);
}

static void put_number(ffn__text *t, double number, int digits)
{
    if (isnan(number)) {
        ffn__json_string(t, "nan", 3);
    } else if (isinf(number)) {
        const char *name = number > 0 ? "inf" : "-inf";
        ffn__json_string(t, name, strlen(name));
    } else {
        separate(t);
        ffn__text_add(t, "%.*g", digits, number);
    }
}

void ffn__json_float(ffn__text *t, float number) { put_number(t, (double)number, sizeof(float) == 4 ? 9 : 17); }
void ffn__json_double(ffn__text *t, double number) { put_number(t, number, 17); }

void ffn__json_bool(ffn__text *t, bool value)
{
    separate(t);
    ffn__text_add(t, value ? "true" : "false");
}

void ffn__json_shape(ffn__text *t, ffn_shape shape)
{
    ffn__json_open(t, '[');
    for (size_t i = 0; i < shape.rank; i++) ffn__json_size(t, shape.dim[i]);
    ffn__json_close(t, ']');
}

/* The length of the UTF-8 character that begins here; 0: there is none. RFC 3629. */
static size_t character(const unsigned char *s, size_t size)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {{0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
                 {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (*s < forms[f].first_low || *s > forms[f].first_high) continue;
        const size_t length = forms[f].length;
        if (length > size || (length > 1 && (s[1] < forms[f].second_low || s[1] > forms[f].second_high))) return 0;
        for (size_t i = 2; i < length; i++)
            if ((s[i] & 0xC0) != 0x80) return 0;
        return length;
    }
    return 0;
}

bool ffn__is_utf8(const char *bytes, size_t size)
{
    for (size_t i = 0, length; i < size; i += length) {
        length = character((const unsigned char *)bytes + i, size - i);
        if (length == 0) return false;
    }
    return true;
}
