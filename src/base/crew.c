/* Threads for long jobs that are themselves calls of the library: not the pool's, which is free for what the jobs do. */
#include "base/base.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

typedef struct crew {
    atomic_size_t next;
    size_t jobs;
    void (*body)(void *context, size_t job);
    void *context;
} crew;

static void *work(void *argument)
{
    crew *c = argument;
    for (size_t job; (job = atomic_fetch_add(&c->next, 1)) < c->jobs;) c->body(c->context, job);
    return NULL;
}

void ffn__crew(size_t threads, size_t jobs, void (*body)(void *context, size_t job), void *context)
{
    enum { MOST = 256 };
    pthread_t others[MOST];
    crew c = {.jobs = jobs, .body = body, .context = context};
    size_t wanted = threads ? threads : ffn__thread_count(), started = 0;
    if (wanted > jobs) wanted = jobs;
    sigset_t all, old; /* signals are the application's */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    while (started + 1 < wanted && started < MOST && pthread_create(&others[started], NULL, work, &c) == 0) started++;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)work(&c);
    while (started > 0) (void)pthread_join(others[--started], NULL);
}
