#include "data/contents.h"

#include <string.h>
#ifdef FFN__HAVE_ZLIB
#include <zlib.h>
#endif

static bool is_packed(const unsigned char *bytes, size_t size)
{
    return size >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

static void read_plain(ffn__contents *c, unsigned char *to, size_t most, size_t *count)
{
    *count = ffn__smaller(most, c->size - c->at);
    if (*count > 0) memcpy(to, c->bytes + c->at, *count);
    c->at += *count;
}

#ifdef FFN__HAVE_ZLIB

static void *zlib_alloc(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return ffn__alloc(count, size, NULL);
}

static void zlib_free(void *unused, void *pointer)
{
    (void)unused;
    ffn__free(pointer);
}

static ffn_status open_packed(ffn__contents *c, ffn_error *error)
{
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    z_stream *z = ffn__alloc(1, sizeof *z, error);
    if (!z) return FFN_OUT_OF_MEMORY;
    z->zalloc = zlib_alloc;
    z->zfree = zlib_free;
    if (inflateInit2(z, GZIP_ONLY) == Z_OK) {
        c->unpacker = z;
        return FFN_OK;
    }
    ffn__free(z);
    return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: none to unpack %s with", c->source);
}

static void close_packed(ffn__contents *c)
{
    (void)inflateEnd(c->unpacker);
    ffn__free(c->unpacker);
}

/* Gives the unpacker bytes that it has not seen, and space; takes back how far it came. */
static int unpack(ffn__contents *c, unsigned char *to, size_t most, size_t *count)
{
    enum { STEP = 1 << 30 }; /* zlib counts in 32 bits */
    z_stream *z = c->unpacker;
    const size_t given = ffn__smaller(c->size - c->at, STEP), space = ffn__smaller(most, STEP);
    z->next_in = (unsigned char *)c->bytes + c->at; /* zlib does not write there */
    z->avail_in = (unsigned)given;
    z->next_out = to;
    z->avail_out = (unsigned)space;
    const int result = inflate(z, Z_NO_FLUSH);
    c->at += given - z->avail_in;
    *count += space - z->avail_out;
    return result;
}

static ffn_status fail_unpacking(const ffn__contents *c, int result, ffn_error *error)
{
    if (result == Z_MEM_ERROR)
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: none to unpack %s with", c->source);
    if (result == Z_BUF_ERROR)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s, offset %zu: found the end of the file, expected more of its gzip data", c->source, c->at);
    const char *why = ((const z_stream *)c->unpacker)->msg;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, offset %zu: found damage (%s), expected gzip data", c->source, c->at,
                    why ? why : "a preset dictionary");
}

/* A gzip file is one member or several, one after the other. */
static ffn_status read_packed(ffn__contents *c, unsigned char *to, size_t most, size_t *count, ffn_error *error)
{
    *count = 0;
    while (*count < most && !c->ended) {
        const int result = unpack(c, to + *count, most - *count, count);
        if (result == Z_OK) continue;
        if (result != Z_STREAM_END) return fail_unpacking(c, result, error);
        c->ended = c->at == c->size;
        if (c->ended) break;
        if (!is_packed(c->bytes + c->at, c->size - c->at))
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "%s, offset %zu: found %zu bytes behind the gzip data, expected the end of the file",
                            c->source, c->at, c->size - c->at);
        (void)inflateReset(c->unpacker);
    }
    return FFN_OK;
}

#else

static ffn_status open_packed(ffn__contents *c, ffn_error *error)
{
    return ffn_fail(error, FFN_UNSUPPORTED, "%s is packed by gzip, which this build cannot read: it is without zlib",
                    c->source);
}

static void close_packed(ffn__contents *c) { (void)c; }

static ffn_status read_packed(ffn__contents *c, unsigned char *to, size_t most, size_t *count, ffn_error *error)
{
    (void)c, (void)to, (void)most, (void)count, (void)error;
    return FFN_UNSUPPORTED; /* not reached: none is opened */
}

#endif

ffn_status ffn__contents_open(ffn__contents *c, const char *source, const void *bytes, size_t size, ffn_error *error)
{
    *c = (ffn__contents){.source = source, .bytes = bytes, .size = size};
    return is_packed(bytes, size) ? open_packed(c, error) : FFN_OK;
}

void ffn__contents_close(ffn__contents *c)
{
    if (c->unpacker) close_packed(c);
    c->unpacker = NULL;
}

ffn_status ffn__contents_read(ffn__contents *c, unsigned char *to, size_t most, size_t *count, ffn_error *error)
{
    ffn_status status = FFN_OK;
    if (c->unpacker)
        status = read_packed(c, to, most, count, error);
    else
        read_plain(c, to, most, count);
    if (status == FFN_OK) c->offset += *count;
    return status;
}

ffn_status ffn__contents_unpack(const char *source, const void **bytes, size_t *size, void **unpacked, ffn_error *error)
{
    enum { FIRST = 1 << 16 };
    ffn__contents c;
    size_t capacity = 0, total = 0, count = 0;
    *unpacked = NULL;
    if (!is_packed(*bytes, *size)) return FFN_OK;
    ffn_status status = ffn__contents_open(&c, source, *bytes, *size, error);
    if (status != FFN_OK) return status;
    while (status == FFN_OK && total == capacity) {
        status = ffn__grow(unpacked, &capacity, capacity == 0 ? FIRST : capacity + 1, 1, error);
        if (status != FFN_OK) break;
        status = ffn__contents_read(&c, (unsigned char *)*unpacked + total, capacity - total, &count, error);
        total += count;
    }
    ffn__contents_close(&c);
    if (status == FFN_OK) {
        *bytes = *unpacked;
        *size = total;
    } else {
        ffn__free(*unpacked);
        *unpacked = NULL;
    }
    return status;
}
