/* Where bytes go: a file that changes whole or not at all, memory, or a caller's function. */
#ifndef FFN__WRITE_H
#define FFN__WRITE_H

#include "base/base.h"

/* Takes bytes piece by piece, in order. */
typedef struct ffn__sink {
    ffn_status (*write)(void *context, const void *bytes, size_t size, ffn_error *error);
    void *context;
} ffn__sink;

/* A file is written under another name in its own directory, brought to the disk, and only then given its name: after
 * an error, or the end of the process at any point, the file of that name is what it was. What a process that was ended
 * left of the other name is removed by the next. A symbolic link is followed; a device or pipe is written to as it
 * is. Several may write a file of one name at once: each is whole, and the last one stays. */
typedef struct ffn__new_file {
    const char *path; /* borrowed */
    char *target;     /* the path, or what it links to; owned */
    char *temporary;  /* NULL: the target is written as it is; owned */
    int file;
} ffn__new_file;

/* After FFN_OK one of the two below must follow; after an error of this nothing need. Errors are FFN_IO_ERROR with the
 * reason, or FFN_OUT_OF_MEMORY. */
ffn_status ffn__file_begin(ffn__new_file *file, const char *path, ffn_error *error);
/* A sink's write; file: an ffn__new_file. */
ffn_status ffn__file_write(void *file, const void *bytes, size_t size, ffn_error *error);
ffn_status ffn__file_commit(ffn__new_file *file, ffn_error *error); /* also abandons, if it fails */
void ffn__file_abandon(ffn__new_file *file);

bool ffn__file_exists(const char *path); /* or may: whoever opens it will see */

/* All of it at once. */
ffn_status ffn__write_file(const char *path, const void *bytes, size_t size, ffn_error *error);

#endif
