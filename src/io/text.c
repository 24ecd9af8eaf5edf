#include "io/text.h"

#include <stdarg.h>
#include <string.h>

void ffn__text_destroy(ffn__text *text)
{
    ffn__free(text->bytes);
    *text = (ffn__text){0};
}

void ffn__text_bytes(ffn__text *text, const void *bytes, size_t size)
{
    size_t needed;
    if (text->failed || size == 0) return;
    void *array = text->bytes;
    text->failed =
        !ffn__sum(text->length, size, &needed) || ffn__grow(&array, &text->capacity, needed, 1, NULL) != FFN_OK;
    text->bytes = array;
    if (text->failed) return;
    memcpy(text->bytes + text->length, bytes, size);
    text->length = needed;
}

void ffn__text_add(ffn__text *text, const char *format, ...)
{
    char piece[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = ffn__format(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    if (length > 0) ffn__text_bytes(text, piece, (size_t)length < sizeof(piece) ? (size_t)length : sizeof(piece) - 1);
}
