/* One pool of threads for the process: fork and join over tiles that are claimed one by one. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/base.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { MAX_THREADS = 1024, MAX_SHARES = 64 };

/* Floating-point operations that make a further thread worth its waking: 10 us at 50 GFLOP/s. Measured: a thread that
 * still looks for work joins within 0.6 us, one that sleeps within 15 us. */
static const double thread_work = 5e5;

/* Looks between two yields of the core. A yield takes as long as ten looks, and the other thread's tile may be there. */
enum { LOOKS = 64 };

/* How long a thread looks for tiles before it sleeps, also one that was woken too late for any. Long enough for the gap
 * between two layers, short enough not to starve others on a loaded machine. */
static const int64_t spin_nanoseconds = 20000;

/* A machine is crowded where a thread lost its core in the middle of a tile: the caller then waits for longer than it has
 * worked itself, and for more than this. It works alone for many times as long as it waited, and twice as long again
 * where that has not helped. Else two threads on two busy cores, each of which waits for the other, would be slower
 * than one. */
static const int64_t late_nanoseconds = 100000, most_alone_nanoseconds = 1000000000;
enum { TIMES_ALONE = 16 };

/* The job's state in one word, so that joining, leaving and closing it are single atomic steps: the threads that may
 * still join (seats), those at work besides the caller (active), and whether the caller sleeps until they are done. */
enum { SEAT = 1, SEATS_MASK = 0xFFFF, ACTIVE = 0x10000, ACTIVE_MASK = 0x3FFF0000, CALLER_SLEEPS = 0x40000000 };

/* Tiles that one thread does before it helps others. From one job to the next a tile of the same layer falls to the same
 * thread, which has its weights in its own cache. Shares do not share cache lines. */
typedef struct share {
    _Alignas(FFN__ALIGNMENT) atomic_size_t next;
    size_t end;
} share;

static struct pool {
    atomic_size_t wanted;  /* size of the pool with the caller; 0: one per core */
    pthread_mutex_t owner; /* held by the thread whose job it is; guards what follows up to `mutex` */
    size_t started;        /* threads made */
    bool exhausted;        /* the system gave no more threads */
    bool fork_handled;
    pthread_t thread[MAX_THREADS];

    pthread_mutex_t mutex; /* for sleeping and waking */
    pthread_cond_t wake, done;
    atomic_uint sleepers;
    atomic_bool stop;

    /* Threads that look for work, claim tiles and read the job do not share cache lines. */
    _Alignas(FFN__ALIGNMENT) atomic_uint state;
    share shares[MAX_SHARES];
    _Alignas(FFN__ALIGNMENT) size_t share_count; /* from here on written only while nobody is active or can join */
    void (*body)(void *context, size_t tile);
    void *context;
    uint64_t control;
    int64_t alone, alone_until; /* nanoseconds: for how long the caller works alone, and until when */
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .mutex = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

/* ---- the processor ----------------------------------------------------------------------------------------------- */

#if defined(__SSE2__)
static const uint64_t flush_bits = 0x8040; /* FTZ and DAZ */
static uint64_t read_control(void) { return _mm_getcsr() & ~0x3FU; /* without the exceptions met so far */ }
static void write_control(uint64_t control) { _mm_setcsr((unsigned)control); }
static void pause_briefly(void) { _mm_pause(); }
#elif defined(__aarch64__)
static const uint64_t flush_bits = 1U << 24; /* FZ */
static uint64_t read_control(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
static void write_control(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
static void pause_briefly(void) { __asm__ volatile("yield"); }
#else
static const uint64_t flush_bits = 0;
static uint64_t read_control(void) { return 0; }
static void write_control(uint64_t control) { (void)control; }
static void pause_briefly(void) {}
#endif

uint64_t ffn__flush_denormals(void)
{
    const uint64_t mode = read_control();
    write_control(mode | flush_bits);
    return mode;
}

void ffn__restore_denormals(uint64_t mode) { write_control(mode); }

static size_t core_count(void)
{
#ifdef CPU_COUNT
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return (size_t)CPU_COUNT(&set);
#endif
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static int64_t nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looks at `state & mask` until it is zero, or not, as wanted, for a bounded time. On a busy machine the one waited for
 * may want this very core: hence the yield. */
static bool spin_until(unsigned mask, bool nonzero)
{
    const int64_t start = nanoseconds();
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (((atomic_load(&pool.state) & mask) != 0) == nonzero) return true;
            pause_briefly();
        }
        (void)sched_yield();
    } while (nanoseconds() - start < spin_nanoseconds && !atomic_load(&pool.stop));
    return false;
}

/* ---- a pool thread ----------------------------------------------------------------------------------------------- */

static _Thread_local size_t worker; /* 0: not a thread of the pool */

size_t ffn__worker(void) { return worker; }

/* Its own share first, then the others'. */
static void run_tiles(void)
{
    const size_t count = pool.share_count;
    for (size_t i = 0; i < count; i++) {
        share *const s = &pool.shares[(worker + i) % count];
        const size_t end = s->end;
        if (atomic_load_explicit(&s->next, memory_order_relaxed) >= end) continue;
        for (size_t tile; (tile = atomic_fetch_add(&s->next, 1)) < end;) pool.body(pool.context, tile);
    }
}

/* Takes a seat, if there is one, and works. */
static bool join(void)
{
    unsigned state = atomic_load(&pool.state);
    do {
        if ((state & SEATS_MASK) == 0) return false;
    } while (!atomic_compare_exchange_weak(&pool.state, &state, state - SEAT + ACTIVE));
    write_control(pool.control);
    run_tiles();
    state = atomic_fetch_sub(&pool.state, ACTIVE);
    if ((state & ACTIVE_MASK) == ACTIVE && (state & CALLER_SLEEPS)) {
        (void)pthread_mutex_lock(&pool.mutex);
        (void)pthread_cond_signal(&pool.done);
        (void)pthread_mutex_unlock(&pool.mutex);
    }
    return true;
}

/* Until there may be a seat or the pool ends. A caller opens seats before it reads `sleepers`; this counts itself
 * before it reads the seats: one of the two sees the other. */
static void sleep_until_called(void)
{
    (void)pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleepers, 1);
    while ((atomic_load(&pool.state) & SEATS_MASK) == 0 && !atomic_load(&pool.stop))
        (void)pthread_cond_wait(&pool.wake, &pool.mutex);
    atomic_fetch_sub(&pool.sleepers, 1);
    (void)pthread_mutex_unlock(&pool.mutex);
}

static void *work(void *number)
{
    worker = (size_t)(uintptr_t)number;
    while (!atomic_load(&pool.stop))
        if (!join() && !spin_until(SEATS_MASK, true)) sleep_until_called();
    return NULL;
}

/* ---- the pool, by its owner -------------------------------------------------------------------------------------- */

/* Only the forking thread lives on in a child: it starts with an empty pool. */
static void forget_threads(void)
{
    (void)pthread_mutex_init(&pool.owner, NULL);
    (void)pthread_mutex_init(&pool.mutex, NULL);
    (void)pthread_cond_init(&pool.wake, NULL);
    (void)pthread_cond_init(&pool.done, NULL);
    pool.started = 0;
    pool.exhausted = false;
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.state, 0);
    atomic_store(&pool.stop, false);
}

/* Tries to have `count` threads. They take no signals: those are the application's. */
static void start_threads(size_t count)
{
    if (pool.started >= count || pool.exhausted) return;
    if (!pool.fork_handled) pool.fork_handled = pthread_atfork(NULL, NULL, forget_threads) == 0;
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool.started < count && !pool.exhausted) {
        if (pthread_create(&pool.thread[pool.started], NULL, work, (void *)(uintptr_t)(pool.started + 1)) == 0)
            pool.started++;
        else
            pool.exhausted = true;
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_threads(void)
{
    (void)pthread_mutex_lock(&pool.mutex);
    atomic_store(&pool.stop, true);
    (void)pthread_cond_broadcast(&pool.wake);
    (void)pthread_mutex_unlock(&pool.mutex);
    while (pool.started > 0) (void)pthread_join(pool.thread[--pool.started], NULL);
    pool.exhausted = false;
    pool.alone = pool.alone_until = 0;
    atomic_store(&pool.stop, false);
}

ffn_status ffn_set_threads(size_t threads, ffn_error *error)
{
    if (threads > MAX_THREADS)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_set_threads: %zu threads, but there can be at most %d",
                        threads, MAX_THREADS);
    (void)pthread_mutex_lock(&pool.owner);
    stop_threads();
    atomic_store(&pool.wanted, threads);
    (void)pthread_mutex_unlock(&pool.owner);
    return FFN_OK;
}

void ffn_stop_threads(void)
{
    (void)pthread_mutex_lock(&pool.owner);
    stop_threads();
    (void)pthread_mutex_unlock(&pool.owner);
}

/* ---- a job ------------------------------------------------------------------------------------------------------- */

/* Opens `helpers` seats and wakes as many threads. */
static void open_seats(unsigned helpers)
{
    atomic_store(&pool.state, helpers * SEAT);
    if (atomic_load(&pool.sleepers) == 0) return;
    (void)pthread_mutex_lock(&pool.mutex);
    for (unsigned i = 0; i < helpers; i++) (void)pthread_cond_signal(&pool.wake);
    (void)pthread_mutex_unlock(&pool.mutex);
}

/* Nobody joins any more; returns when the last thread has left. */
static void close_seats(void)
{
    unsigned state = atomic_fetch_and(&pool.state, ~(unsigned)SEATS_MASK);
    if ((state & ACTIVE_MASK) == 0 || spin_until(ACTIVE_MASK, false)) return;
    (void)pthread_mutex_lock(&pool.mutex);
    state = atomic_fetch_or(&pool.state, CALLER_SLEEPS);
    while (state & ACTIVE_MASK) {
        (void)pthread_cond_wait(&pool.done, &pool.mutex);
        state = atomic_load(&pool.state);
    }
    (void)pthread_mutex_unlock(&pool.mutex);
}

/* The caller has worked from `begun` on and waited from `waited` on. */
static void judge(int64_t begun, int64_t waited)
{
    const int64_t now = nanoseconds(), wait = now - waited;
    if (wait < late_nanoseconds || wait < waited - begun) return;
    const bool helped = now - pool.alone_until > pool.alone; /* being alone, the last time */
    const int64_t alone = helped || pool.alone < TIMES_ALONE * wait ? TIMES_ALONE * wait : 2 * pool.alone;
    pool.alone = alone < most_alone_nanoseconds ? alone : most_alone_nanoseconds;
    pool.alone_until = now + pool.alone;
}

static void work_together(unsigned helpers)
{
    const int64_t begun = nanoseconds();
    open_seats(helpers);
    run_tiles();
    const int64_t waited = nanoseconds();
    close_seats();
    judge(begun, waited);
}

size_t ffn__thread_count(void)
{
    size_t wanted = atomic_load(&pool.wanted);
    if (wanted == 0) atomic_store(&pool.wanted, wanted = ffn__smaller(core_count(), MAX_THREADS));
    return wanted;
}

double ffn__parallel_work(void) { return 2 * thread_work; }

/* How many threads besides the caller the job shall have. */
static size_t helper_count(size_t threads, size_t tiles, double work)
{
    const double worthwhile = work / thread_work;
    size_t count = ffn__smaller(tiles, ffn__thread_count());
    if (threads > 0) count = ffn__smaller(count, threads);
    if (worthwhile < (double)count) count = (size_t)worthwhile;
    return count - 1;
}

static void share_out(size_t tiles, size_t threads)
{
    const size_t count = ffn__smaller(threads, MAX_SHARES);
    pool.share_count = count;
    for (size_t i = 0; i < count; i++) {
        atomic_store_explicit(&pool.shares[i].next, i * tiles / count, memory_order_relaxed);
        pool.shares[i].end = (i + 1) * tiles / count;
    }
}

void ffn__parallel_tiles(size_t threads, size_t tiles, double work, void (*body)(void *context, size_t tile),
                         void *context)
{
    const bool large = tiles > 1 && threads != 1 && work >= ffn__parallel_work();
    if (!large || pthread_mutex_trylock(&pool.owner) != 0) {
        for (size_t tile = 0; tile < tiles; tile++) body(context, tile);
        return;
    }
    const bool alone = pool.alone > 0 && nanoseconds() < pool.alone_until;
    const size_t wanted = alone ? 0 : helper_count(threads, tiles, work);
    start_threads(wanted);
    share_out(tiles, wanted + 1);
    pool.body = body;
    pool.context = context;
    pool.control = read_control();
    const size_t helpers = ffn__smaller(wanted, pool.started);
    if (helpers > 0)
        work_together((unsigned)helpers);
    else
        run_tiles();
    (void)pthread_mutex_unlock(&pool.owner);
}
