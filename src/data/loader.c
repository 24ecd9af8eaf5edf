#include "data/loader.h"

#include <pthread.h>
#include <signal.h>

/* Batch k goes to slot k % slots. A slot is being filled, full or free. */
typedef struct slot {
    float *x, *targets;
    bool full;
} slot;

struct ffn__loader {
    ffn__batch_maker maker;
    size_t slot_count, thread_count;
    slot *slots;
    float *floats; /* of the slots, and the scratch of the caller and of each thread */
    pthread_t *threads;
    size_t started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work;   /* there is a batch to begin, or the end has come */
    pthread_cond_t ready;  /* a slot is full, or a thread is done */
    size_t batches;        /* of this epoch */
    size_t begun;          /* the next that nobody has begun */
    size_t taken;          /* handed out; the last of them is still in use */
    size_t busy;           /* threads that fill a slot */
    size_t next_scratch;   /* for the thread that starts next */
    bool stop;
};

/* ---- making ---------------------------------------------------------------------------------------------------- */

/* Whether the next batch may be begun: its slot is not that of a batch which is waiting or in use. */
static bool may_begin(const ffn__loader *l)
{
    const size_t oldest = l->taken > 0 ? l->taken - 1 : 0;
    return l->begun < l->batches && l->begun - oldest < l->slot_count;
}

/* Makes the next batch. The mutex is held on entry and on return, but not while the batch is made. */
static void make_next(ffn__loader *l, float *scratch)
{
    const size_t index = l->begun++;
    slot *s = &l->slots[index % l->slot_count];
    s->full = false;
    l->busy++;
    (void)pthread_mutex_unlock(&l->mutex);
    l->maker.fill(l->maker.context, index, s->x, s->targets, scratch);
    (void)pthread_mutex_lock(&l->mutex);
    l->busy--;
    s->full = true;
    (void)pthread_cond_signal(&l->ready);
}

static float *scratch_of(const ffn__loader *l, size_t number)
{
    return l->floats + l->slot_count * (l->maker.x_size + l->maker.target_size) + number * l->maker.scratch_size;
}

static void *run(void *loader)
{
    ffn__loader *l = loader;
    (void)pthread_mutex_lock(&l->mutex);
    float *scratch = scratch_of(l, l->next_scratch++);
    while (!l->stop) {
        if (may_begin(l))
            make_next(l, scratch);
        else
            (void)pthread_cond_wait(&l->work, &l->mutex);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static ffn_status allocate(ffn__loader *l, ffn_error *error)
{
    const ffn__batch_maker *m = &l->maker;
    size_t batch, scratch, total;
    l->slots = ffn__alloc(l->slot_count, sizeof *l->slots, error);
    l->threads = l->slots ? ffn__alloc(l->thread_count, sizeof *l->threads, error) : NULL;
    if (!l->threads) return FFN_OUT_OF_MEMORY;
    const bool fits = ffn__sum(m->x_size, m->target_size, &batch) && ffn__multiply(batch, l->slot_count, &batch) &&
                      ffn__multiply(m->scratch_size, l->thread_count + 1, &scratch) && ffn__sum(batch, scratch, &total);
    l->floats = ffn__alloc(fits ? total : SIZE_MAX, sizeof(float), error);
    if (!l->floats) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < l->slot_count; i++) {
        l->slots[i].x = l->floats + i * (m->x_size + m->target_size);
        l->slots[i].targets = l->slots[i].x + m->x_size;
    }
    return FFN_OK;
}

/* As many as the system gives. They take no signals: those are the application's. */
static void start_threads(ffn__loader *l)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    while (l->started < l->thread_count && pthread_create(&l->threads[l->started], NULL, run, l) == 0) l->started++;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

ffn__loader *ffn__loader_create(ffn__batch_maker maker, size_t threads, ffn_error *error)
{
    enum { MOST_THREADS = 64 };
    ffn__loader *l = ffn__alloc(1, sizeof *l, error);
    if (!l) return NULL;
    l->maker = maker;
    l->thread_count = threads < MOST_THREADS ? threads : MOST_THREADS;
    l->slot_count = 2 * l->thread_count + 1; /* one in use, and for each thread one full and one to fill */
    l->next_scratch = 1;
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_cond_init(&l->work, NULL);
    (void)pthread_cond_init(&l->ready, NULL);
    if (allocate(l, error) == FFN_OK) {
        start_threads(l);
        return l;
    }
    ffn__loader_destroy(l);
    return NULL;
}

void ffn__loader_destroy(ffn__loader *l)
{
    if (!l) return;
    (void)pthread_mutex_lock(&l->mutex);
    l->stop = true;
    (void)pthread_cond_broadcast(&l->work);
    (void)pthread_mutex_unlock(&l->mutex);
    while (l->started > 0) (void)pthread_join(l->threads[--l->started], NULL);
    (void)pthread_cond_destroy(&l->ready);
    (void)pthread_cond_destroy(&l->work);
    (void)pthread_mutex_destroy(&l->mutex);
    ffn__free(l->slots);
    ffn__free(l->threads);
    ffn__free(l->floats);
    ffn__free(l);
}

/* ---- handing out ----------------------------------------------------------------------------------------------- */

void ffn__loader_pause(ffn__loader *l)
{
    (void)pthread_mutex_lock(&l->mutex);
    l->batches = l->begun;
    while (l->busy > 0) (void)pthread_cond_wait(&l->ready, &l->mutex);
    (void)pthread_mutex_unlock(&l->mutex);
}

void ffn__loader_begin(ffn__loader *l, size_t batches)
{
    ffn__loader_pause(l);
    (void)pthread_mutex_lock(&l->mutex);
    l->batches = batches;
    l->begun = l->taken = 0;
    (void)pthread_cond_broadcast(&l->work);
    (void)pthread_mutex_unlock(&l->mutex);
}

void ffn__loader_next(ffn__loader *l, const float **x, const float **targets)
{
    (void)pthread_mutex_lock(&l->mutex);
    const size_t index = l->taken++;
    if (l->begun == index) make_next(l, scratch_of(l, 0));
    (void)pthread_cond_signal(&l->work); /* the slot of the batch before is free */
    const slot *s = &l->slots[index % l->slot_count];
    while (!s->full) (void)pthread_cond_wait(&l->ready, &l->mutex);
    (void)pthread_mutex_unlock(&l->mutex);
    *x = s->x;
    *targets = s->targets;
}
