/* Memory that is counted, and how much slower this build is. */
#ifndef FFN_TEST_COUNTED_H
#define FFN_TEST_COUNTED_H

#include "ffn.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWER 10
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

static size_t live, peak;

static inline void *counted_alloc(size_t size)
{
    size_t *block = malloc(size + 16);
    if (!block) return NULL;
    *block = size;
    live += size;
    if (live > peak) peak = live;
    return (char *)block + 16;
}

static inline void counted_free(void *pointer)
{
    if (!pointer) return;
    size_t *block = (size_t *)(void *)((char *)pointer - 16);
    live -= *block;
    free(block);
}

static inline void *hook_alloc(size_t size, void *user) { return (void)user, counted_alloc(size); }
static inline void hook_free(void *pointer, void *user) { (void)user, counted_free(pointer); }

static inline void count_memory(bool count)
{
    const ffn_allocator hook = {hook_alloc, hook_free, NULL};
    live = peak = 0;
    (void)ffn_set_allocator(count ? &hook : NULL, NULL);
}

#endif
