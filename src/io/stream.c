/* Files as a whole: to a path, and from one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file.h"
#include "io/model_file.h"

ffn_status ffn__safetensors_save(ffn__safetensors_writer *writer, const char *path, ffn_error *error)
{
    ffn__new_file file;
    ffn_status status = ffn__file_begin(&file, path, error);
    if (status != FFN_OK) return status;
    const ffn__sink sink = {ffn__file_write, &file};
    status = ffn__safetensors_write(writer, &sink, error);
    if (status == FFN_OK) return ffn__file_commit(&file, error);
    ffn__file_abandon(&file);
    return status;
}

bool ffn__file_exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 || errno != ENOENT;
}

/* Up to `size` bytes of an open file. */
static ffn_status read_bytes(int file, const char *path, char *bytes, size_t size, size_t *got, ffn_error *error)
{
    for (*got = 0; *got < size;) {
        const size_t most = (size_t)1 << 30, left = size - *got;
        const ssize_t count = read(file, bytes + *got, left < most ? left : most);
        if (count < 0 && errno != EINTR) return ffn__fail_file(error, "read", path, errno);
        if (count == 0) break;
        if (count > 0) *got += (size_t)count;
    }
    return FFN_OK;
}

/* A plain file is read into as much memory as it is large; what else there is grows. */
ffn_status ffn__read_whole(const char *path, void **bytes, size_t *size, ffn_error *error)
{
    struct stat found;
    if (!path) return ffn_fail(error, FFN_INVALID_ARGUMENT, "reading a file: the path is NULL");
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ffn__fail_file(error, "open", path, errno);
    ffn_status status = fstat(file, &found) == 0 ? FFN_OK : ffn__fail_file(error, "read", path, errno);
    const bool plain = status == FFN_OK && S_ISREG(found.st_mode);
    if (plain) {
        *bytes = ffn__alloc((uintmax_t)found.st_size < SIZE_MAX ? (size_t)found.st_size : SIZE_MAX, 1, error);
        status = *bytes ? read_bytes(file, path, *bytes, (size_t)found.st_size, size, error) : FFN_OUT_OF_MEMORY;
        if (status != FFN_OK) ffn__free(*bytes);
    }
    (void)close(file);
    if (plain || status != FFN_OK) return status;
    char *all;
    status = ffn__read_file(path, &all, size, error);
    if (status == FFN_OK) *bytes = all;
    return status;
}
