/* System calls that fail at one call of one's choice: this program's own stand before those of the C library. Include it
 * in one source of a program. */
#ifndef FFN_TEST_IO_FAULTS_H
#define FFN_TEST_IO_FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    size_t calls, fail_at; /* from 1; 0: none fails */
    int code;              /* errno of the failure */
    size_t most;           /* bytes that a write takes at once; 0: all */
    const char *failed;    /* the call that did */
} faults;

static inline void faults_start(size_t fail_at, int code)
{
    faults.calls = 0;
    faults.fail_at = fail_at;
    faults.code = code;
    faults.failed = NULL;
}

static inline bool faults_strike(const char *what)
{
    if (++faults.calls != faults.fail_at) return false;
    errno = faults.code;
    faults.failed = what;
    return true;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (faults_strike("open")) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t size)
{
    if (faults_strike("write")) return -1;
    return syscall(SYS_write, file, bytes, faults.most && size > faults.most ? faults.most : size);
}

ssize_t read(int file, void *bytes, size_t size)
{
    if (faults_strike("read")) return -1;
    return syscall(SYS_read, file, bytes, faults.most && size > faults.most ? faults.most : size);
}

int fsync(int file) { return faults_strike("fsync") ? -1 : (int)syscall(SYS_fsync, file); }
int ftruncate(int file, off_t size)
{
    return faults_strike("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, file, size);
}
int flock(int file, int operation) { return faults_strike("flock") ? -1 : (int)syscall(SYS_flock, file, operation); }
int fchmod(int file, mode_t mode) { return faults_strike("fchmod") ? -1 : (int)syscall(SYS_fchmod, file, mode); }
int rename(const char *from, const char *to)
{
    return faults_strike("rename") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int close(int file)
{
    const int result = (int)syscall(SYS_close, file); /* closes also where it fails, as Linux does */
    return faults_strike("close") ? -1 : result;
}

#endif
