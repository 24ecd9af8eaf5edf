/* safetensors files made by hand: headers changed at will, with the length and checksum that they need. */
#ifndef FFN_TEST_CRAFT_H
#define FFN_TEST_CRAFT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

typedef struct file_bytes {
    unsigned char *bytes; /* malloc's */
    size_t size;
} file_bytes;

/* Makes the checksum right, if there is a place for one. */
static inline void craft_seal(file_bytes *f)
{
    char digits[16];
    if (f->size < FFN__CHECKSUM_PLACE + FFN__CHECKSUM_DIGITS) return;
    if (memcmp(f->bytes + 8, FFN__CHECKSUM_START, strlen(FFN__CHECKSUM_START)) != 0) return;
    memset(f->bytes + FFN__CHECKSUM_PLACE, '0', FFN__CHECKSUM_DIGITS);
    (void)snprintf(digits, sizeof digits, "%08lx", (unsigned long)ffn__crc32(0, f->bytes, f->size));
    memcpy(f->bytes + FFN__CHECKSUM_PLACE, digits, FFN__CHECKSUM_DIGITS);
}

static inline file_bytes craft(const char *header, size_t header_size, const void *data, size_t data_size)
{
    file_bytes f = {(unsigned char *)malloc(8 + header_size + data_size), 8 + header_size + data_size};
    for (size_t i = 0; i < 8; i++) f.bytes[i] = (unsigned char)((unsigned long long)header_size >> 8 * i);
    memcpy(f.bytes + 8, header, header_size);
    if (data_size) memcpy(f.bytes + 8 + header_size, data, data_size);
    craft_seal(&f);
    return f;
}

static inline size_t craft_header_size(const file_bytes *f)
{
    size_t size = 0;
    for (size_t i = 8; i-- > 0;) size = size << 8 | f->bytes[i];
    return size;
}

/* Quotation marks for the apostrophes, escaped as within a text of the metadata if the first character is a '~'. */
static inline void craft_quote(const char *text, char *quoted)
{
    const bool inner = *text == '~';
    for (text += inner; *text; text++) {
        if (*text == '\'' && inner) *quoted++ = '\\';
        *quoted++ = *text == '\'' ? '"' : *text;
    }
    *quoted = '\0';
}

/* The file with another text in the header in place of the first `from`; bytes NULL if that is not there. */
static inline file_bytes craft_replace(const file_bytes *f, const char *from, const char *to)
{
    char old[512], changed[512];
    craft_quote(from, old);
    craft_quote(to, changed);
    const size_t header = craft_header_size(f), cut = strlen(old), put = strlen(changed);
    char *text = (char *)calloc(header + put + 1, 1);
    memcpy(text, f->bytes + 8, header);
    char *at = strstr(text, old);
    file_bytes result = {NULL, 0};
    if (at) {
        memmove(at + put, at + cut, strlen(at + cut) + 1);
        memcpy(at, changed, put);
        result = craft(text, strlen(text), f->bytes + 8 + header, f->size - 8 - header);
    }
    free(text);
    return result;
}

#endif
