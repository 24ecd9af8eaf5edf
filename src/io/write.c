#include "io/write.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "data/file.h"

ffn_status ffn__write_file(const char *path, const void *bytes, size_t size, ffn_error *error)
{
    errno = 0;
    FILE *file = fopen(path, "wb");
    if (!file) return ffn__fail_file(error, "write", path, errno);
    const bool written = fwrite(bytes, 1, size, file) == size;
    int code = errno;
    const bool closed = fclose(file) == 0;
    if (written && closed) return FFN_OK;
    if (written) code = errno;
    struct stat found;
    if (stat(path, &found) == 0 && S_ISREG(found.st_mode)) (void)remove(path); /* not a device */
    return ffn__fail_file(error, "write", path, code);
}
