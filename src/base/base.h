/* What every module stands on: errors, memory, checked sizes, arena placement, threads. */
#ifndef FFN__BASE_H
#define FFN__BASE_H

#include "ffn.h"

#include <stdarg.h>

/* ---- errors (status.c) ----------------------------------------------------------------------------------------- */

/* FFN_INVALID_ARGUMENT of the public `call`: it knows nothing called `name`, which may be NULL. The sentence lists what it
 * knows, name_at(0), name_at(1) and so on up to NULL. */
ffn_status ffn__unknown_name(ffn_error *error, const char *call, const char *name,
                             const char *(*name_at)(size_t index));
/* vsnprintf with a decimal point in every locale. */
int ffn__format(char *text, size_t size, const char *format, va_list arguments);

/* ---- memory (alloc.c) ------------------------------------------------------------------------------------------- */

enum { FFN__ALIGNMENT = 16 * sizeof(float) }; /* bytes: a cache line, and the widest vector */

/* count * size bytes, zeroed and 64-byte aligned, from the allocator hook. NULL with FFN_OUT_OF_MEMORY, also when the
 * product does not fit a size_t. A zero size gives a valid pointer. Without a hook, large blocks take up memory only
 * where they are written to. */
void *ffn__alloc(size_t count, size_t size, ffn_error *error);
/* The same for what is no array of numbers: aligned as malloc does, with 16 bytes around it instead of 64. */
void *ffn__alloc_objects(size_t count, size_t size, ffn_error *error);
void ffn__free(void *pointer); /* NULL is allowed; of either */
char *ffn__copy_string(const char *text, ffn_error *error);

/* Grows *array of *capacity elements to hold at least `needed` of them, at least doubling; keeps the content. */
ffn_status ffn__grow(void **array, size_t *capacity, size_t needed, size_t size, ffn_error *error);

/* ---- names (names.c) ------------------------------------------------------------------------------------------- */

/* A list of names is one allocation, the pointers with the text behind them: freed by one ffn__free. A new list points
 * every name to the text, `bytes` long, for the caller to fill and to move the pointers on. */
char **ffn__names_create(size_t count, size_t bytes, ffn_error *error);
char **ffn__names_copy(const char *const *names, size_t count, ffn_error *error);
/* *twice: one of name(context, 0) to name(context, count - 1) that is there twice; NULL: none is. */
ffn_status ffn__names_find_twice(const char *(*name)(const void *context, size_t index), const void *context,
                                 size_t count, const char **twice, ffn_error *error);

/* ---- sorting (sort.c) ------------------------------------------------------------------------------------------ */

/* Sorts order [n] by less of its elements; equal ones keep their order. scratch [n] is overwritten. */
typedef bool (*ffn__less)(const void *context, size_t a, size_t b);
void ffn__sort(size_t *order, size_t *scratch, size_t n, ffn__less less, const void *context);

/* ---- features of tables (encoding.c) --------------------------------------------------------------------------- */

/* A column of numbers is one feature; one of text has a feature for each of its categories, in the order of their bytes,
 * which is 1 where the row has it. All zeros: every column is a number. */
typedef struct ffn__encoding {
    size_t features;
    size_t *column;  /* [features]: which of the inputs' columns each is of, from 0 */
    char **category; /* a list [features]; "" for a number */
} ffn__encoding;

ffn_status ffn__encoding_copy(const size_t *column, const char *const *category, size_t features,
                              ffn__encoding *encoding, ffn_error *error);
void ffn__encoding_destroy(ffn__encoding *encoding); /* frees the content and leaves {0} */
/* The feature's category, NULL for a number or past the last; *column unless NULL. */
const char *ffn__encoding_category(const ffn__encoding *encoding, size_t feature, size_t *column);

/* ---- checked sizes (size.c) ------------------------------------------------------------------------------------ */

bool ffn__multiply(size_t a, size_t b, size_t *product); /* false, and *product untouched, on overflow */
bool ffn__sum(size_t a, size_t b, size_t *sum);
bool ffn__is_array(size_t rows, size_t cols); /* whether memory can hold so many floats: checks a caller's sizes */
size_t ffn__pad(size_t floats);               /* up to a whole number of FFN__ALIGNMENT bytes, counted in floats */
static inline size_t ffn__smaller(size_t a, size_t b) { return a < b ? a : b; }

/* ---- time (clock.c) -------------------------------------------------------------------------------------------- */

/* Seconds since a moment that stays the same while the program runs; no change of the date moves them. */
double ffn__now(void);

/* ---- arena (arena.c) ------------------------------------------------------------------------------------------- */

/* A block lives from time `first` to time `last`, both included. */
typedef struct ffn__block {
    size_t size; /* given, in floats */
    size_t first, last;
    size_t offset; /* answered, in floats, a multiple of the alignment */
} ffn__block;

/* Gives blocks offsets so that those whose lives overlap do not overlap in memory: largest first, each at the lowest
 * offset that fits. *total is the arena's size in floats. FFN_OUT_OF_MEMORY if the sizes do not add up in a size_t. */
ffn_status ffn__arena_place(ffn__block *blocks, size_t count, size_t *total, ffn_error *error);

/* ---- random streams (random.c) --------------------------------------------------------------------------------- */

/* What a stream is for, so that streams of one seed never meet. A node's is FFN__STREAM_LAYER + node, in the lower half
 * of all numbers; a parameter's stands before those, or from the 65536th on in the upper half. */
enum {
    FFN__STREAM_SPLIT = 1,
    FFN__STREAM_SHUFFLE = 2,
    FFN__STREAM_AUGMENT = 3,
    FFN__STREAM_SEARCH = 4,
    FFN__STREAM_PARAMETER = 0x10000,
    FFN__STREAM_LAYER = 0x20000,
    FFN__MOST_STREAMS = INT32_MAX - FFN__STREAM_LAYER /* most nodes, and most parameters, of a model */
};
static inline uint32_t ffn__parameter_stream(size_t parameter)
{
    const bool before = parameter < FFN__STREAM_LAYER - FFN__STREAM_PARAMETER;
    return (before ? FFN__STREAM_PARAMETER : UINT32_C(0x80000000)) + (uint32_t)parameter;
}

/* order[0 .. n-1] becomes a permutation of itself (Fisher-Yates). */
void ffn__shuffle(ffn_random *random, size_t n, size_t *order);
/* The next n numbers of the stream at once: the same as n calls of ffn_random_bits. */
void ffn__random_fill(ffn_random *random, size_t n, uint32_t *bits);
/* The next n normal numbers at once: the same as n calls of ffn_random_normal. */
void ffn__random_normals(ffn_random *random, size_t n, float *values);
/* One block of the generator, for its known-answer tests. */
void ffn__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t output[4]);

/* ---- threads (threads.c) --------------------------------------------------------------------------------------- */

/* Calls body(context, tile) for every tile below `tiles`, on at most `threads` threads of the pool (0: all), the
 * caller's included, and returns when all are done. `work` estimates the whole in floating-point operations: little
 * work stays on the caller's thread. Which thread runs a tile is not defined, so tiles must not depend on it. Serial
 * when called from within a tile, or while another thread has the pool. Pool threads take over the caller's
 * floating-point control word. Cannot fail: without threads the caller does all. */
void ffn__parallel_tiles(size_t threads, size_t tiles, double work, void (*body)(void *context, size_t tile),
                         void *context);
static inline void ffn__parallel(size_t threads, size_t tiles, double work, void (*body)(void *context, size_t tile),
                                 void *context)
{
    if (tiles == 1)
        body(context, 0);
    else
        ffn__parallel_tiles(threads, tiles, work, body, context);
}

/* Less work than this stays on the caller's thread. */
double ffn__parallel_work(void);

/* How many threads, the caller's included, the pool may have. */
size_t ffn__thread_count(void);

/* Which thread runs the tile: 0 the caller's, else one of the pool's from 1 on. For memory of a thread's own. */
size_t ffn__worker(void);

/* Calls body(context, job) for every job below `jobs` in that order, on so many threads of its own (0: as many as the pool
 * may have), the caller's included, and returns when all are done (crew.c). The jobs may use the pool. With fewer threads
 * than asked for it takes longer. */
void ffn__crew(size_t threads, size_t jobs, void (*body)(void *context, size_t job), void *context);

/* A thread for one job at a time beside what the caller does (aside.c). NULL only for want of memory: where the system gives
 * no thread, begin does the job. */
typedef struct ffn__aside ffn__aside;
ffn__aside *ffn__aside_create(ffn_error *error);
void ffn__aside_destroy(ffn__aside *aside); /* waits */
/* Not while another job is under way. What the job has written may be read after a wait. */
void ffn__aside_begin(ffn__aside *aside, void (*body)(void *context), void *context);
void ffn__aside_wait(ffn__aside *aside); /* for the job's end; at once if there is none */

/* Makes the calling thread flush denormals to zero, where the processor can; returns what restores the old mode. */
uint64_t ffn__flush_denormals(void);
void ffn__restore_denormals(uint64_t mode);

#endif
