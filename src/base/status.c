/* Version, names of the statuses, error sentences. */
#include "base/base.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#define TEXT2(x) #x
#define TEXT(x)  TEXT2(x)

const char *ffn_version(void)
{
    return TEXT(FFN_VERSION_MAJOR) "." TEXT(FFN_VERSION_MINOR) "." TEXT(FFN_VERSION_PATCH);
}

const char *ffn_status_name(ffn_status status)
{
    static const char *const names[] = {
        [FFN_OK] = "ok",
        [FFN_INVALID_ARGUMENT] = "invalid argument",
        [FFN_SHAPE_MISMATCH] = "shape mismatch",
        [FFN_OUT_OF_MEMORY] = "out of memory",
        [FFN_IO_ERROR] = "input/output error",
        [FFN_BAD_FORMAT] = "bad format",
        [FFN_UNSUPPORTED] = "unsupported",
        [FFN_DIVERGED] = "diverged",
        [FFN_STOPPED] = "stopped",
    };
    const size_t index = (size_t)status;
    return index < sizeof(names) / sizeof(names)[0] ? names[index] : "unknown status";
}

/* Ends a sentence that was cut with "...", without leaving half of a UTF-8 character before it. */
static void mark_cut(char *text, size_t size)
{
    size_t end = size - sizeof("...");
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
    memcpy(text + end, "...", sizeof("..."));
}

/* The thread's locale is changed for the call only. The C locale exists already, so that nothing is allocated. */
int ffn__format(char *text, size_t size, const char *format, va_list arguments)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(plain);
    const int length = vsnprintf(text, size, format, arguments);
    (void)uselocale(before);
    if (plain) freelocale(plain);
    return length;
}

ffn_status ffn_fail(ffn_error *error, ffn_status status, const char *format, ...)
{
    if (!error) return status;
    /* Not straight into the error: its old message may be one of the arguments. */
    char text[sizeof(error->message)] = "";
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        const int length = ffn__format(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (length < 0) text[0] = '\0';
        if (length >= (int)sizeof(text)) mark_cut(text, sizeof(text));
    }
    error->status = status;
    memcpy(error->message, text, sizeof(text));
    return status;
}

ffn_status ffn__unknown_name(ffn_error *error, const char *call, const char *name, const char *(*name_at)(size_t index))
{
    char known[sizeof(error->message)] = "";
    size_t length = 0;
    for (size_t i = 0; name_at(i) && length < sizeof(known); i++)
        length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s", i ? ", " : "", name_at(i));
    const char *quote = name ? "\"" : "";
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: name is %s%.20s%s; expected one of %s", call, quote,
                    name ? name : "NULL", quote, known);
}
