/* Growing text and bytes: what exporters write into before a file is opened. */
#ifndef FFN__TEXT_H
#define FFN__TEXT_H

#include "base/base.h"

/* Start with {0}; every call after the first that found no memory does nothing, so that only the end needs a check. */
typedef struct ffn__text {
    char *bytes; /* no ending 0 */
    size_t length, capacity;
    bool failed; /* there was no memory */
} ffn__text;

void ffn__text_destroy(ffn__text *text);
void ffn__text_bytes(ffn__text *text, const void *bytes, size_t size);
/* As printf, with a decimal point in every locale; at most 1023 bytes a call. */
void ffn__text_add(ffn__text *text, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
