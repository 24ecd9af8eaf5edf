/* What a file holds, packed by gzip or plain, read from the first byte to the last. */
#ifndef FFN__CONTENTS_H
#define FFN__CONTENTS_H

#include "base/base.h"

typedef struct ffn__contents {
    const char *source;         /* the file's name for messages */
    const unsigned char *bytes; /* of the file; borrowed */
    size_t size, at;
    size_t offset;  /* in the contents */
    void *unpacker; /* NULL: the contents are the bytes themselves */
    bool ended;     /* there is nothing more to unpack */
} ffn__contents;

/* At the first byte. The bytes are taken for gzip's if they begin as those do; FFN_UNSUPPORTED in a build without zlib.
 * Memory is taken for the unpacking itself only, whatever the file says about its size. */
ffn_status ffn__contents_open(ffn__contents *contents, const char *source, const void *bytes, size_t size,
                              ffn_error *error);
void ffn__contents_close(ffn__contents *contents);

/* Reads the next bytes to `to` [most]. *count is less than `most` only at the end. */
ffn_status ffn__contents_read(ffn__contents *contents, unsigned char *to, size_t most, size_t *count, ffn_error *error);

/* All at once: *bytes and *size become those of the contents where they are packed, and *unpacked is then to be freed;
 * else NULL. */
ffn_status ffn__contents_unpack(const char *source, const void **bytes, size_t *size, void **unpacked,
                                ffn_error *error);

#endif
