#include "io/json_scan.h"

#include <string.h>

#include "io/json.h"

ffn_status ffn__scan_fail(const ffn__scan *s, const char *expected)
{
    return ffn_fail(s->error, FFN_BAD_FORMAT, "%s: at byte %zu expected %s", s->what, (size_t)(s->at - s->start),
                    expected);
}

void ffn__scan_spaces(ffn__scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) s->at++;
}

bool ffn__scan_take(ffn__scan *s, char c)
{
    ffn__scan_spaces(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits; false: they are not. */
static bool take_unit(ffn__scan *s, unsigned *unit)
{
    *unit = 0;
    if (s->end - s->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_digit(*s->at++);
        if (digit < 0) return false;
        *unit = *unit << 4 | (unsigned)digit;
    }
    return true;
}

static void put(ffn__scan *s, unsigned byte) { s->text[s->used++] = (char)byte; }

static void put_utf8(ffn__scan *s, unsigned c)
{
    if (c < 0x80) {
        put(s, c);
        return;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    put(s, first[more] | c >> 6 * more);
    for (int i = more - 1; i >= 0; i--) put(s, 0x80 | (c >> 6 * i & 0x3F));
}

/* What follows a backslash; false: nothing that may. */
static bool take_escape(ffn__scan *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (s->at == s->end) return false;
    const char c = *s->at++;
    unsigned unit, second;
    if (c != 'u') {
        const char *found = c ? strchr(from, c) : NULL;
        if (found) put(s, (unsigned char)to[found - from]);
        return found != NULL;
    }
    if (!take_unit(s, &unit) || unit == 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
    if (unit >= 0xD800 && unit < 0xDC00) {
        if (s->end - s->at < 6 || *s->at++ != '\\' || *s->at++ != 'u' || !take_unit(s, &second)) return false;
        if (second < 0xDC00 || second > 0xDFFF) return false;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
    }
    put_utf8(s, unit);
    return true;
}

ffn_status ffn__scan_string(ffn__scan *s, const char **string, size_t *size)
{
    if (!ffn__scan_take(s, '"')) return ffn__scan_fail(s, "a string");
    const size_t begin = s->used;
    const char *const first = s->at;
    while (s->at < s->end && *s->at != '"') {
        const unsigned char c = (unsigned char)*s->at++;
        if (c < 0x20 || (c == '\\' && !take_escape(s))) return ffn__scan_fail(s, "another character in a string");
        if (c != '\\') put(s, c);
    }
    if (s->at == s->end) return ffn__scan_fail(s, "the end of a string");
    if (!ffn__is_utf8(first, (size_t)(s->at - first))) return ffn__scan_fail(s, "UTF-8 in the string before");
    s->at++;
    const size_t length = s->used - begin;
    put(s, 0);
    if (size) *size = length;
    *string = s->text + begin;
    return FFN_OK;
}

static ffn_status take_size(ffn__scan *s, size_t *size)
{
    ffn__scan_spaces(s);
    const char *const first = s->at;
    for (*size = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        const size_t digit = (size_t)(*s->at - '0');
        if (*size > (SIZE_MAX - digit) / 10) return ffn__scan_fail(s, "a smaller number");
        *size = 10 * *size + digit;
    }
    if (s->at == first || (*first == '0' && s->at - first > 1)) return ffn__scan_fail(s, "a whole number");
    return FFN_OK;
}

ffn_status ffn__scan_sizes(ffn__scan *s, size_t most, size_t *sizes, size_t *count)
{
    *count = 0;
    if (!ffn__scan_take(s, '[')) return ffn__scan_fail(s, "an array");
    if (ffn__scan_take(s, ']')) return FFN_OK;
    do {
        if (*count == most) return ffn__scan_fail(s, "fewer numbers in an array");
        const ffn_status status = take_size(s, &sizes[*count]);
        if (status != FFN_OK) return status;
        ++*count;
    } while (ffn__scan_take(s, ','));
    return ffn__scan_take(s, ']') ? FFN_OK : ffn__scan_fail(s, "the end of an array");
}

/* Digits, a point and an exponent, where and as JSON has them. */
static bool is_number(const char *at)
{
    at += *at == '-';
    if (*at == '0' && at[1] >= '0' && at[1] <= '9') return false;
    const size_t whole = strspn(at, "0123456789");
    at += whole;
    if (whole == 0) return false;
    if (*at == '.') {
        const size_t part = strspn(at + 1, "0123456789");
        at += 1 + part;
        if (part == 0) return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        const size_t exponent = strspn(at, "0123456789");
        at += exponent;
        if (exponent == 0) return false;
    }
    return *at == '\0';
}

ffn_status ffn__scan_number(ffn__scan *s, const char **number, size_t *size)
{
    enum { MOST = 40 }; /* digits and all: a double's shortest form has at most 24 */
    const size_t begin = s->used;
    ffn__scan_spaces(s);
    for (*size = 0; s->at < s->end && *s->at && strchr("+-.0123456789eE", *s->at); ++*size) {
        if (*size == MOST) return ffn__scan_fail(s, "a shorter number");
        put(s, (unsigned char)*s->at++);
    }
    put(s, 0);
    *number = s->text + begin;
    return is_number(*number) ? FFN_OK : ffn__scan_fail(s, "a value");
}

bool ffn__scan_word(ffn__scan *s, const char *word)
{
    const size_t length = strlen(word);
    ffn__scan_spaces(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return false;
    s->at += length;
    return true;
}
