/* Whole files in memory: what every reader of a format starts from. */
#ifndef FFN__FILE_H
#define FFN__FILE_H

#include "base/base.h"

/* The file's bytes, to be freed with ffn__free; never NULL on success, not terminated. FFN_IO_ERROR with the reason, in
 * words that do not depend on the locale. A pipe is opened once and read to its end; a file has memory of its size. */
ffn_status ffn__read_file(const char *path, char **bytes, size_t *size, ffn_error *error);

/* A file's bytes in memory as the system pages them in; to be read only. */
typedef struct ffn__mapping {
    const unsigned char *bytes; /* NULL: none */
    size_t size;
} ffn__mapping;

/* FFN_IO_ERROR as above, also for what is not a plain file. An empty file is mapped as no bytes at an address. */
ffn_status ffn__map_file(const char *path, ffn__mapping *mapping, ffn_error *error);
void ffn__unmap_file(ffn__mapping *mapping);

/* FFN_IO_ERROR "cannot <what> '<path>': <reason>" for an errno. */
ffn_status ffn__fail_file(ffn_error *error, const char *what, const char *path, int code);

/* After a failure: puts the file's name before a sentence that says what is wrong in it. */
void ffn__name_file(ffn_error *error, const char *path);

/* The end of a path that is too long for an error message; the path itself if it is not. */
const char *ffn__path_tail(const char *path);

#endif
