#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#ifndef NAME_MAX
#define NAME_MAX 255
#endif

enum { MOST_NAMES = 100, SUFFIX = 16 }; /* of temporaries; bytes of ".99.ffn-tmp" and its end */

/* ---- names ----------------------------------------------------------------------------------------------------- */

/* The path, or for a symbolic link that leads somewhere what it leads to. */
static char *resolve(const char *path, ffn_error *error)
{
    char found[PATH_MAX];
    struct stat link;
    const bool leads = lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && realpath(path, found);
    return ffn__copy_string(leads ? found : path, error);
}

/* Whether the open file is a plain one that nobody else is writing, and still the one of this name: who finished it in
 * between has given it another. */
static bool is_ours(int file, const char *name)
{
    struct stat opened, named;
    if (fstat(file, &opened) != 0 || !S_ISREG(opened.st_mode) || opened.st_nlink != 1) return false;
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false; /* other errors: no locks there */
    return lstat(name, &named) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* The n-th name beside the target; of a name that leaves no place for more, less is kept. */
static void name_temporary(ffn__new_file *f, int n)
{
    const char *slash = strrchr(f->target, '/');
    const size_t length = strlen(f->target), folder = slash ? (size_t)(slash + 1 - f->target) : 0;
    const size_t kept = length - folder > NAME_MAX - SUFFIX ? folder + NAME_MAX - SUFFIX : length;
    char number[8] = "";
    if (n > 0) (void)snprintf(number, sizeof number, ".%d", n);
    (void)snprintf(f->temporary, length + SUFFIX, "%.*s%s.ffn-tmp", (int)kept, f->target, number);
}

/* Makes a new temporary; errno, or 0. */
static int create(ffn__new_file *f)
{
    f->file = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return f->file >= 0 ? 0 : errno;
}

/* Removes what a process left that was ended; false: the name is somebody else's. A new file in its place has the mode of
 * any new one. */
static bool remove_left(const char *name)
{
    const int file = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return false;
    const bool removed = is_ours(file, name) && unlink(name) == 0; /* before the lock goes */
    (void)close(file);
    return removed;
}

/* Makes the first temporary that is free; errno if there is none. The names are always the same, so that what a process
 * left that was ended is not there for ever. */
static int open_temporary(ffn__new_file *f)
{
    for (int n = 0; n < MOST_NAMES; n++) {
        name_temporary(f, n);
        if (strcmp(f->temporary, f->target) == 0) continue;
        int code = create(f);
        if (code == EEXIST && remove_left(f->temporary)) code = create(f);
        if (code == EEXIST) continue;
        if (code != 0 || is_ours(f->file, f->temporary)) return code;
        (void)close(f->file); /* another took it for left, before it was locked */
        f->file = -1;
    }
    return EEXIST;
}

/* A file that replaces another may be used by the same people. */
static void take_mode(const ffn__new_file *f, const struct stat *old)
{
    if (fchmod(f->file, old->st_mode & 0777) != 0) errno = 0; /* then they are those of a new file */
}

bool ffn__file_exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 || errno != ENOENT;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void forget(ffn__new_file *f)
{
    ffn__free(f->temporary);
    ffn__free(f->target);
    *f = (ffn__new_file){.file = -1};
}

static ffn_status fail(ffn__new_file *f, int code, ffn_error *error)
{
    const char *path = f->path;
    ffn__file_abandon(f);
    return ffn__fail_file(error, "write", path, code);
}

ffn_status ffn__file_begin(ffn__new_file *f, const char *path, ffn_error *error)
{
    *f = (ffn__new_file){.path = path, .file = -1};
    if (!path) return ffn_fail(error, FFN_INVALID_ARGUMENT, "writing a file: the path is NULL");
    f->target = resolve(path, error);
    if (!f->target) return FFN_OUT_OF_MEMORY;
    struct stat old;
    const bool exists = stat(f->target, &old) == 0;
    if (!exists && errno != ENOENT) return fail(f, errno, error); /* a name too long may have a shorter temporary */
    if (exists && !S_ISREG(old.st_mode)) {
        f->file = open(f->target, O_WRONLY | O_CLOEXEC);
        return f->file >= 0 ? FFN_OK : fail(f, errno, error);
    }
    if (exists && access(f->target, W_OK) != 0) return fail(f, errno, error); /* a new name would not ask */
    f->temporary = ffn__alloc(strlen(f->target) + SUFFIX, 1, error);
    if (!f->temporary) {
        forget(f);
        return FFN_OUT_OF_MEMORY;
    }
    const int code = open_temporary(f);
    if (code != 0) return fail(f, code, error);
    if (exists) take_mode(f, &old);
    return FFN_OK;
}

ffn_status ffn__file_write(void *file, const void *bytes, size_t size, ffn_error *error)
{
    const ffn__new_file *f = file;
    for (size_t done = 0; done < size;) {
        const size_t most = (size_t)1 << 30, left = size - done;
        const ssize_t written = write(f->file, (const char *)bytes + done, left < most ? left : most);
        if (written > 0) done += (size_t)written;
        if (written == 0) return ffn__fail_file(error, "write", f->path, ENOSPC);
        if (written < 0 && errno != EINTR) return ffn__fail_file(error, "write", f->path, errno);
    }
    return FFN_OK;
}

void ffn__file_abandon(ffn__new_file *f)
{
    if (f->temporary && f->file >= 0) (void)unlink(f->temporary); /* before the lock goes */
    if (f->file >= 0) (void)close(f->file);
    forget(f);
}

/* The new name reaches the disk. The file is there and whole already: a system that cannot do this is not an error. */
static void sync_directory(char *target)
{
    char *slash = strrchr(target, '/');
    if (slash) slash[slash == target] = '\0';
    const int directory = open(slash ? target : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (directory < 0) return;
    (void)fsync(directory);
    (void)close(directory);
}

ffn_status ffn__file_commit(ffn__new_file *f, ffn_error *error)
{
    if (!f->temporary) { /* a device or pipe */
        const char *path = f->path;
        const int code = close(f->file) == 0 ? 0 : errno;
        forget(f);
        return code == 0 ? FFN_OK : ffn__fail_file(error, "write", path, code);
    }
    int code;
    do code = fsync(f->file) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == 0 && rename(f->temporary, f->target) != 0) code = errno;
    if (code != 0) return fail(f, code, error);
    (void)close(f->file); /* and with it the lock; what could be lost is on the disk */
    sync_directory(f->target);
    forget(f);
    return FFN_OK;
}

ffn_status ffn__write_file(const char *path, const void *bytes, size_t size, ffn_error *error)
{
    ffn__new_file file;
    ffn_status status = ffn__file_begin(&file, path, error);
    if (status != FFN_OK) return status;
    status = ffn__file_write(&file, bytes, size, error);
    if (status == FFN_OK) return ffn__file_commit(&file, error);
    ffn__file_abandon(&file);
    return status;
}
