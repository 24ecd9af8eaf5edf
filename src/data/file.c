#include "data/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* strerror speaks the language of the locale, and differs between platforms. */
static const struct {
    int code;
    const char *text;
} reasons[] = {
    {ENOENT, "no such file"},
    {EACCES, "permission denied"},
    {EISDIR, "it is a directory, expected a file"},
    {ENOTDIR, "a part of the path is not a directory"},
    {ENAMETOOLONG, "the path is too long"},
    {EMFILE, "too many open files"},
    {ENFILE, "too many open files in the system"},
    {EIO, "the device failed"},
    {ENOSPC, "no space is left"},
    {EROFS, "the file system is read-only"},
};

ffn_status ffn__fail_file(ffn_error *error, const char *what, const char *path, int code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].code == code)
            return ffn_fail(error, FFN_IO_ERROR, "cannot %s '%s': %s", what, ffn__path_tail(path), reasons[i].text);
    return ffn_fail(error, FFN_IO_ERROR, "cannot %s '%s': system error %d", what, ffn__path_tail(path), code);
}

const char *ffn__path_tail(const char *path)
{
    enum { SHOWN = 80 };
    const size_t length = strlen(path);
    if (length <= SHOWN) return path;
    const char *tail = path + length - SHOWN;
    while (((unsigned char)*tail & 0xC0) == 0x80) tail++; /* not within a UTF-8 character */
    return tail;
}

/* Growing while reading, instead of asking for the size first, serves pipes and files that change meanwhile. */
static ffn_status read_all(FILE *file, const char *path, void **bytes, size_t *size, ffn_error *error)
{
    enum { FIRST = 1 << 16 };
    size_t capacity = 0;
    do {
        const ffn_status status = ffn__grow(bytes, &capacity, *size < FIRST ? FIRST : *size + 1, 1, error);
        if (status != FFN_OK) return status;
        errno = 0;
        *size += fread((char *)*bytes + *size, 1, capacity - *size, file);
        if (ferror(file)) return ffn__fail_file(error, "read", path, errno);
    } while (!feof(file));
    return FFN_OK;
}

ffn_status ffn__read_file(const char *path, char **bytes, size_t *size, ffn_error *error)
{
    if (!path || !bytes || !size) return ffn_fail(error, FFN_INVALID_ARGUMENT, "reading a file: the path is NULL");
    *bytes = NULL;
    *size = 0;
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (!file) return ffn__fail_file(error, "open", path, errno);
    void *all = NULL;
    size_t count = 0;
    const ffn_status status = read_all(file, path, &all, &count, error);
    (void)fclose(file); /* nothing was written that closing could lose */
    if (status != FFN_OK) {
        ffn__free(all);
        return status;
    }
    *bytes = all;
    *size = count;
    return FFN_OK;
}
