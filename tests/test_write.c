/* Files that change whole or not at all, by what a folder holds afterwards. */
#include "failing.h"
#include "io_faults.h"
#include "test.h"

#include "io/write.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char folder[] = "test_write_XXXXXX";
static char path[64];

static void set_up(void)
{
    static bool done;
    if (!done && mkdtemp(folder)) (void)snprintf(path, sizeof path, "%s/file", folder);
    done = true;
}

static void clear(void)
{
    DIR *all = opendir(folder);
    for (struct dirent *one; all && (one = readdir(all));) {
        char name[512];
        (void)snprintf(name, sizeof name, "%s/%s", folder, one->d_name);
        if (one->d_name[0] != '.') (void)unlink(name);
    }
    if (all) (void)closedir(all);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *one; all && (one = readdir(all));) count += one->d_name[0] != '.';
    if (all) (void)closedir(all);
    return count;
}

static char found[4096];

/* Whether the file holds just this; leaves its text in `found`. */
static bool holds(const char *name, const char *text)
{
    FILE *file = fopen(name, "rb");
    if (!file) return false;
    const size_t size = fread(found, 1, sizeof found - 1, file);
    (void)fclose(file);
    found[size] = '\0';
    return strcmp(found, text) == 0;
}

static ffn_status put(const char *name, const char *text, ffn_error *error)
{
    return ffn__write_file(name, text, strlen(text), error);
}

/* ---- what stands afterwards ------------------------------------------------------------------------------------ */

static void test_replaces(void)
{
    clear();
    CU_ASSERT_EQUAL(put(path, "one", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "one"));
    CU_ASSERT_EQUAL(put(path, "another", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "another"));
    CU_ASSERT_EQUAL(put(path, "", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, ""));
    CU_ASSERT_EQUAL(count_files(), 1);
}

static void test_keeps_mode_and_link(void)
{
    char link[64];
    struct stat mode;
    clear();
    (void)snprintf(link, sizeof link, "%s/link", folder);
    CU_ASSERT_EQUAL(put(path, "one", NULL), FFN_OK);
    CU_ASSERT_EQUAL(chmod(path, 0640), 0);
    CU_ASSERT_EQUAL(symlink("file", link), 0);
    CU_ASSERT_EQUAL(put(link, "two", NULL), FFN_OK);
    CU_ASSERT_TRUE(lstat(link, &mode) == 0 && S_ISLNK(mode.st_mode));
    CU_ASSERT_TRUE(holds(path, "two"));
    CU_ASSERT_TRUE(stat(path, &mode) == 0 && (mode.st_mode & 0777) == 0640);
    CU_ASSERT_EQUAL(count_files(), 2);
}

static void test_uses_what_was_left(void)
{
    char left[80];
    clear();
    (void)snprintf(left, sizeof left, "%s.ffn-tmp", path);
    FILE *file = fopen(left, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(fputs("much more than there will be", file) >= 0 && fclose(file) == 0);
    CU_ASSERT_EQUAL(put(path, "one", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "one"));
    CU_ASSERT_EQUAL(count_files(), 1);
    /* names that are no plain files of ours are left alone */
    CU_ASSERT_EQUAL(symlink("file", left), 0);
    CU_ASSERT_EQUAL(put(path, "two", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "two"));
    CU_ASSERT_EQUAL(unlink(left), 0);
    CU_ASSERT_EQUAL(mkfifo(left, 0600), 0);
    CU_ASSERT_EQUAL(put(path, "three", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "three"));
    CU_ASSERT_EQUAL(count_files(), 2);
}

/* A new file has the mode of any new one, whatever was left; a file that only looks like a temporary is not touched. */
static void test_mode_and_others(void)
{
    char name[80];
    struct stat mode;
    const mode_t mask = umask(022);
    clear();
    (void)snprintf(name, sizeof name, "%s.ffn-tmp", path);
    CU_ASSERT_EQUAL(put(name, "left", NULL), FFN_OK);
    CU_ASSERT_EQUAL(chmod(name, 0600), 0);
    CU_ASSERT_EQUAL(put(path, "one", NULL), FFN_OK);
    CU_ASSERT_TRUE(stat(path, &mode) == 0 && (mode.st_mode & 0777) == 0644);
    CU_ASSERT_EQUAL(count_files(), 1);
    (void)snprintf(name, sizeof name, "%s.tmp", path);
    CU_ASSERT_EQUAL(put(name, "mine", NULL), FFN_OK);
    CU_ASSERT_EQUAL(put(path, "two", NULL), FFN_OK);
    CU_ASSERT_TRUE(holds(path, "two"));
    CU_ASSERT_TRUE(holds(name, "mine"));
    CU_ASSERT_EQUAL(count_files(), 2);
    (void)umask(mask);
}

/* Every name that the system takes, also one that ends as temporaries do. */
static void test_long_names(void)
{
    enum { MOST = 255 };
    char name[sizeof folder + MOST + 3];
    clear();
    for (size_t length = 200; length <= MOST; length++)
        for (int ends = 0; ends < 2; ends++) {
            const size_t all = (size_t)snprintf(name, sizeof name, "%s/", folder) + length;
            memset(name + all - length, 'a', length);
            if (ends) memcpy(name + all - 8, ".ffn-tmp", 8);
            name[all] = '\0';
            CU_ASSERT_EQUAL(put(name, "one", NULL), FFN_OK);
            CU_ASSERT_EQUAL(put(name, "two", NULL), FFN_OK);
            CU_ASSERT_TRUE(holds(name, "two"));
            CU_ASSERT_EQUAL(count_files(), 1);
            (void)unlink(name);
        }
    const size_t all = (size_t)snprintf(name, sizeof name, "%s/", folder) + MOST + 1;
    memset(name + all - MOST - 1, 'a', MOST + 1);
    name[all] = '\0';
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(put(name, "one", &error), FFN_IO_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "too long"));
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- what fails ------------------------------------------------------------------------------------------------ */

/* An error, the old content, and nothing else there. */
static void expect_refused(const char *name, const char *words)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(put(name, "new", &error), FFN_IO_ERROR);
    CU_ASSERT_EQUAL(error.status, FFN_IO_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
}

static void test_refused(void)
{
    char name[128];
    clear();
    CU_ASSERT_EQUAL(put(path, "old", NULL), FFN_OK);
    expect_refused("/dev/full", "no space");
    CU_ASSERT_EQUAL(access("/dev/full", F_OK), 0);
    expect_refused(folder, "directory");
    (void)snprintf(name, sizeof name, "%s/no/file", folder);
    expect_refused(name, "no such");
    (void)snprintf(name, sizeof name, "%s/file/file", folder);
    expect_refused(name, "not a directory");
    expect_refused("/proc/ffn", "cannot write '/proc/ffn'"); /* a folder that takes no files, not even root's */
    if (geteuid() != 0) {
        CU_ASSERT_EQUAL(chmod(folder, 0500), 0);
        expect_refused(path, "permission");
        CU_ASSERT_EQUAL(chmod(folder, 0700), 0);
        CU_ASSERT_EQUAL(chmod(path, 0400), 0);
        expect_refused(path, "permission");
    }
    CU_ASSERT_EQUAL(ffn__write_file(NULL, "", 0, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_TRUE(holds(path, "old"));
    CU_ASSERT_EQUAL(count_files(), 1);
}

static void test_too_large(void)
{
    static char large[1 << 16];
    struct rlimit old, small = {0};
    ffn_error error = {FFN_OK, ""};
    clear();
    CU_ASSERT_EQUAL(put(path, "old", NULL), FFN_OK);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 5000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    const ffn_status status = ffn__write_file(path, large, sizeof large, &error);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    CU_ASSERT_EQUAL(status, FFN_IO_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "too large"));
    CU_ASSERT_TRUE(holds(path, "old"));
    CU_ASSERT_EQUAL(count_files(), 1);
}

/* Each call fails once. After that the file is the old one with an error, or the new one without. */
static void test_faults(void)
{
    static const int codes[] = {ENOSPC, EIO, EINTR};
    size_t refused = 0, calls = 0;
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
        for (size_t n = 1, more = 1; more; n++) {
            clear();
            CU_ASSERT_EQUAL(put(path, "old", NULL), FFN_OK);
            faults_start(n, codes[c]);
            const ffn_status status = put(path, "new", NULL);
            more = faults.calls >= n;
            faults_start(0, 0);
            CU_ASSERT_TRUE(status == FFN_OK || status == FFN_IO_ERROR);
            CU_ASSERT_TRUE(holds(path, status == FFN_OK ? "new" : "old"));
            CU_ASSERT_EQUAL(count_files(), 1);
            refused += status != FFN_OK;
            calls += more;
        }
    CU_ASSERT_TRUE(calls > 20 && refused > 8);
}

static void test_out_of_memory(void)
{
    clear();
    CU_ASSERT_EQUAL(put(path, "old", NULL), FFN_OK);
    for (size_t n = 1, more = 1; more; n++) {
        failing_start(n);
        const ffn_status status = put(path, "new", NULL);
        more = failing.calls >= n;
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(status, more ? FFN_OUT_OF_MEMORY : FFN_OK);
        CU_ASSERT_TRUE(holds(path, more ? "old" : "new"));
        CU_ASSERT_EQUAL(count_files(), 1);
    }
}

static void test_small_writes(void)
{
    clear();
    faults.most = 1;
    CU_ASSERT_EQUAL(put(path, "byte by byte", NULL), FFN_OK);
    faults.most = 0;
    CU_ASSERT_TRUE(holds(path, "byte by byte"));
}

/* ---- several at once ------------------------------------------------------------------------------------------- */

static char contents[4][1001];

static void *put_often(void *text)
{
    for (int i = 0; i < 100; i++)
        if (put(path, text, NULL) != FFN_OK) return text;
    return NULL;
}

static bool is_whole(void)
{
    bool whole = holds(path, contents[0]);
    for (size_t i = 1; i < 4; i++) whole |= strcmp(found, contents[i]) == 0;
    return whole;
}

static void test_several_at_once(void)
{
    pthread_t threads[4];
    clear();
    for (size_t i = 0; i < 4; i++) memset(contents[i], 'a' + (int)i, 1000 - 100 * i);
    CU_ASSERT_EQUAL(put(path, contents[0], NULL), FFN_OK);
    for (size_t i = 0; i < 4; i++) CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, put_often, contents[i]), 0);
    for (int i = 0; i < 500; i++) CU_ASSERT_TRUE(is_whole());
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &failed), 0);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT_TRUE(is_whole());
    CU_ASSERT_EQUAL(count_files(), 1);
}

static void tear_down(void)
{
    clear();
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static const test_case cases[] = {
    {"a folder for it", set_up},
    {"replaces", test_replaces},
    {"keeps mode and link", test_keeps_mode_and_link},
    {"uses what was left", test_uses_what_was_left},
    {"mode, and files of others", test_mode_and_others},
    {"long names", test_long_names},
    {"refused", test_refused},
    {"too large", test_too_large},
    {"each call fails", test_faults},
    {"out of memory", test_out_of_memory},
    {"small writes", test_small_writes},
    {"several at once", test_several_at_once},
    {"nothing is left", tear_down},
};
TEST_MAIN("write", cases)
