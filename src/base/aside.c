/* One thread beside the caller's, for a job at a time that waits for the world rather than computes. */
#include "base/base.h"

#include <pthread.h>
#include <signal.h>

struct ffn__aside {
    pthread_t thread;
    bool has_thread; /* false: the system gave none, and the caller does the jobs */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    void (*body)(void *context); /* NULL: at rest */
    void *context;
    bool stop;
};

static void *run(void *argument)
{
    ffn__aside *a = argument;
    (void)pthread_mutex_lock(&a->mutex);
    while (!a->stop) {
        if (!a->body) {
            (void)pthread_cond_wait(&a->changed, &a->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&a->mutex);
        a->body(a->context); /* nobody changes them meanwhile */
        (void)pthread_mutex_lock(&a->mutex);
        a->body = NULL;
        (void)pthread_cond_broadcast(&a->changed);
    }
    (void)pthread_mutex_unlock(&a->mutex);
    return NULL;
}

ffn__aside *ffn__aside_create(ffn_error *error)
{
    ffn__aside *a = ffn__alloc(1, sizeof *a, error);
    sigset_t all, old; /* signals are the application's */
    if (!a) return NULL;
    (void)pthread_mutex_init(&a->mutex, NULL);
    (void)pthread_cond_init(&a->changed, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    a->has_thread = pthread_create(&a->thread, NULL, run, a) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return a;
}

void ffn__aside_destroy(ffn__aside *a)
{
    if (!a) return;
    ffn__aside_wait(a);
    (void)pthread_mutex_lock(&a->mutex);
    a->stop = true;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->mutex);
    if (a->has_thread) (void)pthread_join(a->thread, NULL);
    (void)pthread_cond_destroy(&a->changed);
    (void)pthread_mutex_destroy(&a->mutex);
    ffn__free(a);
}

void ffn__aside_begin(ffn__aside *a, void (*body)(void *context), void *context)
{
    if (!a->has_thread) {
        body(context);
        return;
    }
    (void)pthread_mutex_lock(&a->mutex);
    a->body = body;
    a->context = context;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->mutex);
}

void ffn__aside_wait(ffn__aside *a)
{
    (void)pthread_mutex_lock(&a->mutex);
    while (a->body) (void)pthread_cond_wait(&a->changed, &a->mutex);
    (void)pthread_mutex_unlock(&a->mutex);
}
