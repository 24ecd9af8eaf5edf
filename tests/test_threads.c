/* The thread pool: every tile once, whatever the number of threads and whoever else calls. */
#include "base/base.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TILES = 1000 };
static const double large = 1e12; /* work that is worth any number of threads */

typedef struct job {
    atomic_int runs[TILES];
    pthread_t caller;
    atomic_int elsewhere; /* tiles run by pool threads */
    atomic_int here;      /* tiles run by the caller */
} job;

static void count_run(void *context, size_t tile)
{
    job *const j = context;
    atomic_fetch_add(&j->runs[tile], 1);
    atomic_fetch_add(pthread_equal(pthread_self(), j->caller) ? &j->here : &j->elsewhere, 1);
}

static void start(job *j) { *j = (job){.caller = pthread_self()}; }

/* How many tiles below `tiles` did not run exactly once, or above did. */
static size_t wrong_runs(const job *j, size_t tiles)
{
    size_t wrong = 0;
    for (size_t i = 0; i < TILES; i++) wrong += atomic_load(&j->runs[i]) != (i < tiles);
    return wrong;
}

static void test_every_tile_once(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 8, 32};
    static const size_t tile_counts[] = {0, 1, 2, 7, TILES};
    for (size_t s = 0; s < 6; s++) {
        CU_ASSERT_EQUAL(ffn_set_threads(sizes[s], NULL), FFN_OK);
        if (sizes[s] > 0) CU_ASSERT_EQUAL(ffn__thread_count(), sizes[s]);
        for (size_t threads = 0; threads < 5; threads++)
            for (size_t t = 0; t < 5; t++) {
                job j;
                start(&j);
                ffn__parallel(threads, tile_counts[t], large, count_run, &j);
                CU_ASSERT_EQUAL(wrong_runs(&j, tile_counts[t]), 0);
            }
    }
    ffn_set_threads(0, NULL);
    CU_ASSERT(ffn__thread_count() >= 1);
}

static void test_many_small_jobs(void)
{
    ffn_set_threads(4, NULL);
    size_t wrong = 0;
    for (size_t i = 0; i < 3000; i++) {
        job j;
        start(&j);
        const size_t tiles = i % 9;
        ffn__parallel(0, tiles, large, count_run, &j);
        wrong += wrong_runs(&j, tiles);
        if (i % 500 == 0) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); /* the threads go to sleep */
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- who runs the tiles ------------------------------------------------------------------------------------------ */

typedef struct meeting {
    atomic_int arrived, missed, count;
} meeting;

/* Runs until the other of two tiles runs too, or a second has passed: proof that two threads are at work. */
static void meet(void *context, size_t tile)
{
    meeting *const m = context;
    atomic_fetch_add(&m->arrived, 1);
    for (int i = 0; i < 1000 && atomic_load(&m->arrived) < 2; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (atomic_load(&m->arrived) < 2) atomic_fetch_add(&m->missed, 1);
    (void)tile;
}

static void note_thread(void *context, size_t tile)
{
    atomic_bool *seen = context;
    atomic_store(&seen[ffn__worker()], true);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    (void)tile;
}

/* However many threads the pool may have. */
static void test_no_more_threads_than_asked_for(void)
{
    ffn_set_threads(4, NULL);
    for (size_t i = 0; i < 20; i++) {
        atomic_bool seen[4] = {0};
        size_t count = 0;
        ffn__parallel(2, 12, large, note_thread, seen);
        for (size_t k = 0; k < 4; k++) count += atomic_load(&seen[k]);
        CU_ASSERT(count <= 2);
    }
}

/* Whether two tiles run at the same time. */
static bool two_meet(void)
{
    meeting m = {0};
    ffn__parallel(2, 2, large, meet, &m);
    return atomic_load(&m.missed) == 0;
}

static void test_threads_work_together(void)
{
    ffn_set_threads(2, NULL);
    CU_ASSERT_TRUE(two_meet());
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* the pool's thread goes to sleep */
    CU_ASSERT_TRUE(two_meet());
}

static void count_late(void *context, size_t tile)
{
    job *const j = context;
    const bool caller = pthread_equal(pthread_self(), j->caller);
    nanosleep(&(struct timespec){.tv_nsec = caller ? 100000 : 5000000}, NULL);
    count_run(j, tile);
}

/* The caller is through long before the pool's thread, and waits for it. */
static void test_returns_when_all_is_done(void)
{
    int elsewhere = 0;
    for (int round = 0; round < 10; round++) {
        job j;
        ffn_set_threads(2, NULL);
        start(&j);
        ffn__parallel(0, 30, large, count_late, &j);
        CU_ASSERT_EQUAL(wrong_runs(&j, 30), 0);
        elsewhere += atomic_load(&j.elsewhere);
    }
    CU_ASSERT(elsewhere > 0);
}

/* The pool's thread begins its tile while the caller is at its own, and is through long after. */
static void hold_up(void *context, size_t tile)
{
    job *const j = context;
    (void)tile;
    if (!pthread_equal(pthread_self(), j->caller)) {
        atomic_store(&j->elsewhere, 1);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    for (int i = 0; i < 5000 && atomic_load(&j->elsewhere) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* Tiles, of 30, that another thread did. */
static int tiles_elsewhere(void)
{
    job j;
    start(&j);
    ffn__parallel(0, 30, large, count_run, &j);
    CU_ASSERT_EQUAL(wrong_runs(&j, 30), 0);
    return atomic_load(&j.elsewhere);
}

/* A thread that was held up in its tile is not asked for a while, unless the pool is made anew. */
static void test_alone_while_crowded(void)
{
    for (int anew = 0; anew < 2; anew++) {
        job j;
        ffn_set_threads(2, NULL);
        start(&j);
        CU_ASSERT_TRUE(two_meet());
        ffn__parallel(0, 2, large, hold_up, &j); /* 50 ms, and so alone for 800 */
        for (int i = 0; i < 100; i++) CU_ASSERT_EQUAL(tiles_elsewhere(), 0);
        if (anew)
            ffn_set_threads(2, NULL);
        else
            nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        CU_ASSERT_TRUE(two_meet());
    }
}

static void test_serial_when_not_worthwhile(void)
{
    ffn_set_threads(4, NULL);
    static const double little[] = {0, 1000, 1e5, -1, (double)NAN};
    for (size_t i = 0; i < 5; i++) {
        job j;
        start(&j);
        ffn__parallel(0, TILES, little[i], count_run, &j);
        CU_ASSERT_EQUAL(atomic_load(&j.here), TILES);
    }
    job j;
    start(&j);
    ffn__parallel(1, TILES, large, count_run, &j);
    CU_ASSERT_EQUAL(atomic_load(&j.here), TILES);
    ffn_set_threads(1, NULL);
    start(&j);
    ffn__parallel(0, TILES, large, count_run, &j);
    CU_ASSERT_EQUAL(atomic_load(&j.here), TILES);
}

static void test_no_tiles_without_body(void) { ffn__parallel(0, 0, large, NULL, NULL); }

/* ---- calls within and beside calls ------------------------------------------------------------------------------- */

typedef struct nest {
    job inner[8];
    atomic_int wrong;
} nest;

static void run_inner(void *context, size_t tile)
{
    nest *const n = context;
    start(&n->inner[tile]);
    ffn__parallel(0, 50, large, count_run, &n->inner[tile]);
    if (atomic_load(&n->inner[tile].here) != 50) atomic_fetch_add(&n->wrong, 1);
}

static void test_nested_is_serial(void)
{
    ffn_set_threads(4, NULL);
    for (int round = 0; round < 50; round++) {
        static nest n;
        atomic_store(&n.wrong, 0);
        ffn__parallel(0, 8, large, run_inner, &n);
        CU_ASSERT_EQUAL(atomic_load(&n.wrong), 0);
        for (size_t i = 0; i < 8; i++) CU_ASSERT_EQUAL(wrong_runs(&n.inner[i], 50), 0);
    }
}

static void *call_often(void *wrong)
{
    for (size_t i = 0; i < 200; i++) {
        job j;
        start(&j);
        ffn__parallel(0, 1 + i % 40, large, count_run, &j);
        atomic_fetch_add((atomic_size_t *)wrong, wrong_runs(&j, 1 + i % 40));
    }
    return NULL;
}

static void test_eight_callers(void)
{
    ffn_set_threads(3, NULL);
    pthread_t threads[8];
    atomic_size_t wrong = 0;
    for (size_t i = 0; i < 8; i++) CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, call_often, &wrong), 0);
    for (size_t i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&wrong), 0);
}

static void test_stop_and_start_again(void)
{
    ffn_set_threads(3, NULL);
    ffn_stop_threads();
    for (int round = 0; round < 20; round++) {
        job j;
        start(&j);
        ffn__parallel(0, 100, large, count_run, &j);
        CU_ASSERT_EQUAL(wrong_runs(&j, 100), 0);
        ffn_stop_threads();
        ffn_stop_threads();
    }
    CU_ASSERT_TRUE(two_meet());
}

static void test_set_threads_checks(void)
{
    ffn_set_threads(3, NULL);
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_set_threads(1000000, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn__thread_count(), 3);
}

/* ---- the operating system ---------------------------------------------------------------------------------------- */

/* For the thread sanitizer, which else forbids threads in a child of a process with threads. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "die_after_fork=0"; }

/* In a child: 0 if jobs run whole and on two threads. */
static int child_result(void)
{
    job j;
    start(&j);
    ffn__parallel(0, TILES, large, count_run, &j);
    return wrong_runs(&j, TILES) == 0 && two_meet() ? 0 : 1;
}

static void expect_child(int (*result)(void))
{
    fflush(stdout);
    const pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        alarm(20); /* rather than hang */
        _exit(result());
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_fork(void)
{
    ffn_set_threads(3, NULL);
    job j;
    start(&j);
    ffn__parallel(0, TILES, large, count_run, &j);
    expect_child(child_result);
    start(&j);
    ffn__parallel(0, TILES, large, count_run, &j);
    CU_ASSERT_EQUAL(wrong_runs(&j, TILES), 0);
}

/* A user that may have no further threads (root may always: then this proves only that all is well). */
static int without_threads(void)
{
    ffn_stop_threads();
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || (getuid() == 0 && setuid(65534) != 0)) return 0;
    job j;
    start(&j);
    ffn__parallel(0, TILES, large, count_run, &j);
    return wrong_runs(&j, TILES) == 0 && atomic_load(&j.here) == TILES ? 0 : 1;
}

static void test_without_threads(void) { expect_child(without_threads); }

static void note_signals(void *context, size_t tile)
{
    meeting *const m = context;
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (sigismember(&set, SIGINT)) atomic_fetch_add(&m->count, 1);
    meet(m, tile);
}

static void test_pool_takes_no_signals(void)
{
    ffn_set_threads(2, NULL);
    meeting blocked = {0};
    ffn__parallel(2, 2, large, note_signals, &blocked);
    CU_ASSERT_EQUAL(atomic_load(&blocked.count), 1); /* the pool's thread; not the caller */
}

/* ---- denormals --------------------------------------------------------------------------------------------------- */

static void halve(void *context, size_t tile)
{
    volatile float smallest = FLT_MIN;
    smallest = smallest / 2;
    meeting *const m = context;
    if (smallest != 0) atomic_fetch_add(&m->count, 1);
    meet(m, tile);
}

static int denormals(void)
{
    meeting m = {0};
    ffn__parallel(2, 2, large, halve, &m);
    return atomic_load(&m.count);
}

static void test_denormals(void)
{
    ffn_set_threads(2, NULL);
    CU_ASSERT_EQUAL(denormals(), 2);
    const uint64_t mode = ffn__flush_denormals();
#if defined(__SSE2__) || defined(__aarch64__)
    CU_ASSERT_EQUAL(denormals(), 0); /* on the pool's thread too */
#endif
    ffn__restore_denormals(mode);
    CU_ASSERT_EQUAL(denormals(), 2);
}

static void test_end(void)
{
    ffn_set_threads(0, NULL);
    ffn_stop_threads();
}

static const test_case cases[] = {
    {"every tile once", test_every_tile_once},
    {"many small jobs", test_many_small_jobs},
    {"two threads work together", test_threads_work_together},
    {"no more threads than asked for", test_no_more_threads_than_asked_for},
    {"the call returns when all is done", test_returns_when_all_is_done},
    {"alone while the machine is crowded", test_alone_while_crowded},
    {"little work stays with the caller", test_serial_when_not_worthwhile},
    {"no tiles", test_no_tiles_without_body},
    {"a call from a tile is serial", test_nested_is_serial},
    {"eight callers at once", test_eight_callers},
    {"threads end and start again", test_stop_and_start_again},
    {"too many threads", test_set_threads_checks},
    {"a forked child has its own threads", test_fork},
    {"no threads to be had", test_without_threads},
    {"signals are not the pool's", test_pool_takes_no_signals},
    {"denormals, also on the pool's threads", test_denormals},
    {"end", test_end},
};

TEST_MAIN("threads", cases)
