#include "data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    {EDQUOT, "the disk quota is used up"},
    {EFBIG, "it would be too large"},
    {EPERM, "it is not permitted"},
};

ffn_status ffn__fail_file(ffn_error *error, const char *what, const char *path, int code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].code == code)
            return ffn_fail(error, FFN_IO_ERROR, "cannot %s '%s': %s", what, ffn__path_tail(path), reasons[i].text);
    return ffn_fail(error, FFN_IO_ERROR, "cannot %s '%s': system error %d", what, ffn__path_tail(path), code);
}

void ffn__name_file(ffn_error *error, const char *path)
{
    const ffn_status status = error ? error->status : FFN_OK;
    if (status == FFN_BAD_FORMAT || status == FFN_UNSUPPORTED || status == FFN_SHAPE_MISMATCH)
        (void)ffn_fail(error, status, "%s: %s", ffn__path_tail(path), error->message);
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

/* Up to `most` bytes of an open file: fewer only at its end. */
static ffn_status read_bytes(int file, const char *path, char *bytes, size_t most, size_t *got, ffn_error *error)
{
    for (*got = 0; *got < most;) {
        const size_t at_once = (size_t)1 << 30, left = most - *got;
        const ssize_t count = read(file, bytes + *got, left < at_once ? left : at_once);
        if (count < 0 && errno != EINTR) return ffn__fail_file(error, "read", path, errno);
        if (count == 0) break;
        if (count > 0) *got += (size_t)count;
    }
    return FFN_OK;
}

/* A plain file is read into as much memory as it is large; what does not say how large it is, such as a pipe, grows. */
static ffn_status read_all(int file, const char *path, void **bytes, size_t *size, ffn_error *error)
{
    enum { FIRST = 1 << 16 };
    struct stat found;
    size_t capacity = 0, got;
    if (fstat(file, &found) != 0) return ffn__fail_file(error, "read", path, errno);
    const bool sized = S_ISREG(found.st_mode) && found.st_size > 0;
    const size_t first = !sized ? FIRST : (uintmax_t)found.st_size < SIZE_MAX ? (size_t)found.st_size : SIZE_MAX;
    do {
        ffn_status status = ffn__grow(bytes, &capacity, *size < first ? first : *size + 1, 1, error);
        if (status == FFN_OK) status = read_bytes(file, path, (char *)*bytes + *size, capacity - *size, &got, error);
        if (status != FFN_OK) return status;
        *size += got;
    } while (!sized && *size == capacity);
    return FFN_OK;
}

ffn_status ffn__read_file(const char *path, char **bytes, size_t *size, ffn_error *error)
{
    if (!path || !bytes || !size) return ffn_fail(error, FFN_INVALID_ARGUMENT, "reading a file: the path is NULL");
    *bytes = NULL;
    *size = 0;
    errno = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ffn__fail_file(error, "open", path, errno);
    void *all = NULL;
    size_t count = 0;
    const ffn_status status = read_all(file, path, &all, &count, error);
    (void)close(file); /* nothing was written that closing could lose */
    if (status != FFN_OK) {
        ffn__free(all);
        return status;
    }
    *bytes = all;
    *size = count;
    return FFN_OK;
}

ffn_status ffn__map_file(const char *path, ffn__mapping *mapping, ffn_error *error)
{
    static const unsigned char nothing[1] = {0};
    *mapping = (ffn__mapping){0};
    if (!path) return ffn_fail(error, FFN_INVALID_ARGUMENT, "mapping a file: the path is NULL");
    errno = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ffn__fail_file(error, "open", path, errno);
    struct stat found;
    ffn_status status = FFN_OK;
    if (fstat(file, &found) != 0) {
        status = ffn__fail_file(error, "read", path, errno);
    } else if (!S_ISREG(found.st_mode)) {
        status = ffn_fail(error, FFN_IO_ERROR, "cannot map '%s': it is not a plain file", ffn__path_tail(path));
    } else if (found.st_size == 0) {
        mapping->bytes = nothing;
    } else if ((uintmax_t)found.st_size > SIZE_MAX) {
        status = ffn_fail(error, FFN_IO_ERROR, "cannot map '%s': it is larger than memory has addresses",
                          ffn__path_tail(path));
    } else {
        void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED)
            status = ffn__fail_file(error, "map", path, errno);
        else
            *mapping = (ffn__mapping){bytes, (size_t)found.st_size};
    }
    (void)close(file); /* the mapping stays */
    return status;
}

void ffn__unmap_file(ffn__mapping *mapping)
{
    if (mapping->size > 0) (void)munmap((void *)mapping->bytes, mapping->size);
    *mapping = (ffn__mapping){0};
}
