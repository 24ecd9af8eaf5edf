/* The small parts of JSON, taken off a text from left to right. */
#ifndef FFN__JSON_SCAN_H
#define FFN__JSON_SCAN_H

#include "base/base.h"

typedef struct ffn__scan {
    const char *what; /* begins the sentences of errors */
    const char *start, *at, *end;
    char *
        text; /* where strings and numbers are left, each with an ending 0: never more bytes than the whole has, and 1 */
    size_t used;
    ffn_error *error;
} ffn__scan;

/* FFN_BAD_FORMAT with the place and what was expected there. */
ffn_status ffn__scan_fail(const ffn__scan *scan, const char *expected);
void ffn__scan_spaces(ffn__scan *scan);
/* Whether this character is next, after spaces; takes it. */
bool ffn__scan_take(ffn__scan *scan, char c);
bool ffn__scan_word(ffn__scan *scan, const char *word);
/* A string, with its length unless that is NULL. */
ffn_status ffn__scan_string(ffn__scan *scan, const char **string, size_t *size);
/* A number, as text. */
ffn_status ffn__scan_number(ffn__scan *scan, const char **number, size_t *size);
/* Up to `most` whole numbers in brackets. */
ffn_status ffn__scan_sizes(ffn__scan *scan, size_t most, size_t *sizes, size_t *count);

#endif
