#include "data/npy.h"

#include "data/contents.h"

#include <math.h>
#include <string.h>

/* ---- the dict -------------------------------------------------------------------------------------------------- */

/* The header's text, from `at` to `end`. */
typedef struct scanner {
    ffn__npy *npy;
    const unsigned char *at, *end;
    ffn_error *error;
    bool failed;
} scanner;

/* Fails, once: where, what was found and what was expected. */
static void fail(scanner *s, ffn_status status, const char *expected)
{
    if (s->failed) return;
    s->failed = true;
    const size_t offset = (size_t)(s->at - s->npy->bytes);
    char found[16] = "the end";
    size_t n = 0;
    for (; s->at + n < s->end && n < 12; n++) {
        const unsigned char c = s->at[n];
        found[n] = c >= ' ' && c < 0x7F ? (char)c : '?';
    }
    if (n > 0) found[n] = '\0';
    (void)ffn_fail(s->error, status, "%s, offset %zu: found %s, expected %s", s->npy->source, offset, found, expected);
}

static void skip_blanks(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')) s->at++;
}

/* Whether `word` comes next; goes past it if so. */
static bool accept(scanner *s, const char *word)
{
    const size_t length = strlen(word);
    skip_blanks(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return false;
    s->at += length;
    return true;
}

static void expect(scanner *s, const char *word)
{
    if (!s->failed && !accept(s, word)) fail(s, FFN_BAD_FORMAT, word);
}

/* A string in either kind of quotes, without escapes, into text [size]. */
static void read_string(scanner *s, char *text, size_t size, const char *expected)
{
    skip_blanks(s);
    const unsigned char *begin = s->at;
    text[0] = '\0';
    if (s->failed || begin == s->end || (*begin != '\'' && *begin != '"')) {
        fail(s, FFN_BAD_FORMAT, expected);
        return;
    }
    const unsigned char *close = memchr(begin + 1, *begin, (size_t)(s->end - begin - 1));
    const size_t length = close ? (size_t)(close - begin - 1) : size;
    if (length >= size) {
        fail(s, FFN_BAD_FORMAT, expected);
        return;
    }
    memcpy(text, begin + 1, length);
    text[length] = '\0';
    s->at = close + 1;
}

/* ---- its three entries ----------------------------------------------------------------------------------------- */

static void read_descr(scanner *s)
{
    static const struct {
        const char *code;
        const ffn__element *element;
    } types[] = {{"b1", &ffn__boolean},    {"u1", &ffn__unsigned8}, {"u2", &ffn__unsigned16}, {"u4", &ffn__unsigned32},
                 {"u8", &ffn__unsigned64}, {"i1", &ffn__signed8},   {"i2", &ffn__signed16},   {"i4", &ffn__signed32},
                 {"i8", &ffn__signed64},   {"f2", &ffn__float16},   {"f4", &ffn__float32},    {"f8", &ffn__float64}};
    static const char expected[] = "numbers: b1, u1 to u8, i1 to i8, f2, f4 or f8";
    skip_blanks(s);
    const scanner start = *s;
    if (s->at < s->end && *s->at == '[') fail(s, FFN_UNSUPPORTED, expected); /* records */
    char text[8];
    read_string(s, text, sizeof text, expected);
    if (s->failed) return;
    const bool ordered = text[0] == '<' || text[0] == '>' || text[0] == '|' || text[0] == '=';
    s->npy->order = text[0] == '>' ? FFN__BIG_ENDIAN : FFN__LITTLE_ENDIAN;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(text + ordered, types[i].code) == 0) s->npy->element = types[i].element;
    if (s->npy->element && (text[0] != '|' || s->npy->element->size == 1)) return;
    *s = start;
    fail(s, FFN_UNSUPPORTED, expected);
}

static void read_fortran_order(scanner *s)
{
    s->npy->fortran = accept(s, "True");
    if (!s->npy->fortran && !accept(s, "False")) fail(s, FFN_BAD_FORMAT, "True or False");
}

static size_t read_size(scanner *s)
{
    size_t value = 0;
    skip_blanks(s);
    if (s->at == s->end || *s->at < '0' || *s->at > '9') fail(s, FFN_BAD_FORMAT, "a dimension or )");
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (!ffn__multiply(value, 10, &value) || !ffn__sum(value, (size_t)(*s->at - '0'), &value))
            fail(s, FFN_BAD_FORMAT, "a dimension that memory can hold");
    return value;
}

static void read_shape(scanner *s)
{
    ffn__npy *npy = s->npy;
    npy->rank = 0;
    expect(s, "(");
    while (!s->failed && !accept(s, ")")) {
        if (npy->rank == FFN__NPY_MOST_DIMENSIONS) {
            fail(s, FFN_UNSUPPORTED, "at most 5 dimensions");
            return;
        }
        npy->dim[npy->rank++] = read_size(s);
        if (accept(s, ",")) continue;
        expect(s, ")");
        return;
    }
}

static void read_dict(scanner *s)
{
    static const struct {
        const char *key;
        void (*read)(scanner *scanner);
    } entries[] = {{"descr", read_descr}, {"fortran_order", read_fortran_order}, {"shape", read_shape}};
    enum { ENTRIES = 3 };
    bool seen[ENTRIES] = {false};
    expect(s, "{");
    while (!s->failed && !accept(s, "}")) {
        const scanner start = *s;
        char key[16];
        read_string(s, key, sizeof key, "'descr', 'fortran_order' or 'shape'");
        size_t i = 0;
        while (i < ENTRIES && strcmp(key, entries[i].key) != 0) i++;
        if (i == ENTRIES || seen[i]) {
            if (!s->failed) *s = start;
            fail(s, FFN_BAD_FORMAT, "'descr', 'fortran_order' and 'shape', each once");
            return;
        }
        seen[i] = true;
        expect(s, ":");
        if (!s->failed) entries[i].read(s);
        if (s->failed || accept(s, ",")) continue;
        expect(s, "}");
        break;
    }
    if (!seen[0] || !seen[1] || !seen[2]) fail(s, FFN_BAD_FORMAT, "'descr', 'fortran_order' and 'shape', each once");
    skip_blanks(s);
    if (s->at < s->end) fail(s, FFN_BAD_FORMAT, "blanks up to the elements");
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static size_t little_endian(const unsigned char *bytes, size_t count)
{
    size_t value = 0;
    while (count-- > 0) value = value << 8 | bytes[count];
    return value;
}

/* Where the dict begins and ends. */
static ffn_status find_dict(ffn__npy *npy, size_t *begin, ffn_error *error)
{
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (npy->size < 10 || memcmp(npy->bytes, magic, sizeof magic) != 0)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s: found %zu bytes that do not begin as those of .npy do, expected "
                        "93 'NUMPY'",
                        npy->source, npy->size);
    const unsigned version = npy->bytes[6];
    if (version < 1 || version > 3)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s, offset 6: found version %u, expected 1, 2 or 3", npy->source,
                        version);
    const size_t width = version == 1 ? 2 : 4;
    *begin = 8 + width;
    if (npy->size < *begin)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: found %zu bytes, expected a header", npy->source, npy->size);
    const size_t length = little_endian(npy->bytes + 8, width);
    if (length > npy->size - *begin)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s, offset 8: found a header of %zu bytes, expected at most the %zu left", npy->source, length,
                        npy->size - *begin);
    npy->header = *begin + length;
    return FFN_OK;
}

static ffn_status check_size(ffn__npy *npy, ffn_error *error)
{
    size_t bytes = npy->element->size;
    npy->count = 1;
    for (size_t i = 0; i < npy->rank; i++) {
        if (npy->dim[i] == 0)
            return ffn_fail(error, FFN_BAD_FORMAT, "%s: found dimension %zu of size 0, expected at least 1",
                            npy->source, i + 1);
        if (!ffn__multiply(bytes, npy->dim[i], &bytes))
            return ffn_fail(error, FFN_BAD_FORMAT, "%s: found more elements than memory has addresses", npy->source);
        npy->count *= npy->dim[i];
    }
    if (bytes == npy->size - npy->header) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: found %zu bytes of elements, expected %zu", npy->source,
                    npy->size - npy->header, bytes);
}

ffn_status ffn__npy_open(ffn__npy *npy, ffn_error *error)
{
    ffn_error local;
    if (!error) error = &local;
    size_t begin = 0;
    const void *bytes = npy->bytes;
    ffn_status status = ffn__contents_unpack(npy->source, &bytes, &npy->size, &npy->unpacked, error);
    npy->bytes = bytes;
    if (status == FFN_OK) status = find_dict(npy, &begin, error);
    if (status != FFN_OK) return status;
    scanner s = {npy, npy->bytes + begin, npy->bytes + npy->header, error, false};
    read_dict(&s);
    return s.failed ? error->status : check_size(npy, error);
}

void ffn__npy_close(ffn__npy *npy)
{
    ffn__free(npy->unpacked);
    npy->unpacked = NULL;
}

static ffn_status convert(const ffn__npy *npy, size_t first, size_t count, float *to, ffn_error *error)
{
    const ffn__element *e = npy->element;
    const size_t offset = npy->header + first * e->size;
    e->convert(npy->bytes + offset, e->size, count, npy->order, to);
    for (size_t i = 0; i < count; i++)
        if (isinf(to[i]) && ffn__element_is_too_large(e, npy->bytes + offset + i * e->size, npy->order))
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "%s, offset %zu: found a number that is too large, expected at most 3.4e38", npy->source,
                            offset + i * e->size);
    return FFN_OK;
}

/* Elements in Fortran's order, window by window to their places: `place` follows the index of each dimension. */
static ffn_status read_fortran(const ffn__npy *npy, float *values, ffn_error *error)
{
    enum { WINDOW = 512 };
    float window[WINDOW];
    size_t stride[FFN__NPY_MOST_DIMENSIONS] = {0}, index[FFN__NPY_MOST_DIMENSIONS] = {0}, place = 0, step = 1;
    for (size_t i = npy->rank; i-- > 0; step *= npy->dim[i]) stride[i] = step;
    for (size_t done = 0; done < npy->count; done += WINDOW) {
        const size_t n = npy->count - done < WINDOW ? npy->count - done : WINDOW;
        const ffn_status status = convert(npy, done, n, window, error);
        if (status != FFN_OK) return status;
        for (size_t k = 0; k < n; k++) {
            values[place] = window[k];
            size_t i = 0;
            for (; i < npy->rank && ++index[i] == npy->dim[i]; i++) { /* carries */
                place -= (npy->dim[i] - 1) * stride[i];
                index[i] = 0;
            }
            if (i < npy->rank) place += stride[i];
        }
    }
    return FFN_OK;
}

ffn_status ffn__npy_read(const ffn__npy *npy, float *values, ffn_error *error)
{
    return npy->fortran && npy->rank > 1 ? read_fortran(npy, values, error)
                                         : convert(npy, 0, npy->count, values, error);
}
