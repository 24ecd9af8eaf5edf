/* An allocator that fails at one call of one's choice, and counts what it gave and what is not given back. */
#ifndef FFN_TEST_FAILING_H
#define FFN_TEST_FAILING_H

#include "ffn.h"

#include <stdlib.h>

static struct {
    size_t calls, fail_at, live;
    size_t bytes; /* of all allocations, also of those given back */
} failing;

static void *failing_alloc(size_t size, void *user)
{
    (void)user;
    if (++failing.calls == failing.fail_at) return NULL;
    void *pointer = malloc(size);
    failing.live += pointer != NULL;
    failing.bytes += size;
    return pointer;
}

static void failing_free(void *pointer, void *user)
{
    (void)user;
    failing.live--;
    free(pointer);
}

/* From here on the allocation number fail_at, from 1, fails; 0: none does. */
static inline void failing_start(size_t fail_at)
{
    failing.calls = failing.live = failing.bytes = 0;
    failing.fail_at = fail_at;
    (void)ffn_set_allocator(&(ffn_allocator){failing_alloc, failing_free, NULL}, NULL);
}

/* Back to malloc; how many allocations are not given back. */
static inline size_t failing_stop(void)
{
    (void)ffn_set_allocator(NULL, NULL);
    return failing.live;
}

#endif
