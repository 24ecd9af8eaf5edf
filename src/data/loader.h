/* Batches for a training step, made ready ahead of it by threads of the loader's own. */
#ifndef FFN__LOADER_H
#define FFN__LOADER_H

#include "base/base.h"

/* Who makes batches: fill sets x [rows][features] and targets [rows][columns] for batch `index` of the epoch that
 * began last, and may use scratch. Called from several threads, each with a scratch of its own; what it does must
 * depend on nothing but the index. */
typedef struct ffn__batch_maker {
    void (*fill)(const void *context, size_t index, float *x, float *targets, float *scratch);
    const void *context;
    size_t x_size, target_size, scratch_size; /* floats of a batch, and of a thread's scratch */
} ffn__batch_maker;

typedef struct ffn__loader ffn__loader;

/* threads: of the loader, besides the caller's; 0: none. Batches that no thread has begun are made by the caller. The
 * maker's context must outlive the loader. */
ffn__loader *ffn__loader_create(ffn__batch_maker maker, size_t threads, ffn_error *error);
void ffn__loader_destroy(ffn__loader *loader);

/* From here on batches 0 to batches - 1 are made, and handed out in this order. Waits for the threads to be done with
 * what they are at; until it returns, and again from the last batch handed out on, the maker is at rest. */
void ffn__loader_begin(ffn__loader *loader, size_t batches);
/* Waits until no thread is at work: then the maker's context may change. Batches not yet handed out are lost. */
void ffn__loader_pause(ffn__loader *loader);
/* The next batch, good until the next call. To be called as often as there are batches. */
void ffn__loader_next(ffn__loader *loader, const float **x, const float **targets);

#endif
