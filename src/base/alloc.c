/* Memory: the only file that knows malloc. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of this size and more ask for pages as large, of which the processor keeps the whole table at hand: steps of large
 * networks are 2 to 4 % faster. */
enum { LARGE_PAGE = 2 << 20 };

static void *default_alloc(size_t size, void *user)
{
    (void)user;
#ifdef MADV_HUGEPAGE
    void *block;
    if (size >= LARGE_PAGE && posix_memalign(&block, LARGE_PAGE, size) == 0) {
        (void)madvise(block, size / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
        return block;
    }
#endif
    return malloc(size);
}

static void default_free(void *pointer, void *user)
{
    (void)user;
    free(pointer);
}

static const ffn_allocator default_allocator = {default_alloc, default_free, NULL};
static ffn_allocator hook = {default_alloc, default_free, NULL};

ffn_status ffn_set_allocator(const ffn_allocator *allocator, ffn_error *error)
{
    if (allocator && (!allocator->alloc || !allocator->free))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_set_allocator: %s is NULL; give both alloc and free",
                        allocator->alloc ? "free" : "alloc");
    hook = allocator ? *allocator : default_allocator;
    return FFN_OK;
}

/* An aligned block lies inside a larger one of the hook's; the pointer to the latter stands right before it. */
void *ffn__alloc(size_t count, size_t size, ffn_error *error)
{
    const size_t overhead = sizeof(void *) + FFN__ALIGNMENT - 1;
    size_t bytes, all;
    if (!ffn__multiply(count, size, &bytes) || !ffn__sum(bytes, overhead, &all)) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: %zu elements of %zu bytes are more than there can be",
                       count, size);
        return NULL;
    }
    void *const block = hook.alloc(all, hook.user);
    if (!block) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: no %zu bytes to be had", bytes);
        return NULL;
    }
    char *const first = (char *)block + sizeof(void *);
    char *const pointer = first + (-(uintptr_t)first & (FFN__ALIGNMENT - 1));
    memcpy(pointer - sizeof(void *), &block, sizeof(void *));
    return memset(pointer, 0, bytes);
}

void ffn__free(void *pointer)
{
    if (!pointer) return;
    void *block;
    memcpy(&block, (char *)pointer - sizeof(void *), sizeof(void *));
    hook.free(block, hook.user);
}

char *ffn__copy_string(const char *text, ffn_error *error)
{
    if (!text) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "a string is NULL");
        return NULL;
    }
    const size_t size = strlen(text) + 1;
    char *const copy = ffn__alloc(size, 1, error);
    return copy ? memcpy(copy, text, size) : NULL;
}

ffn_status ffn__grow(void **array, size_t *capacity, size_t needed, size_t size, ffn_error *error)
{
    if (needed <= *capacity) return FFN_OK;
    size_t larger = 0;
    if (!ffn__multiply(*capacity, 2, &larger) || larger < needed) larger = needed;
    void *const grown = ffn__alloc(larger, size, error);
    if (!grown) return FFN_OUT_OF_MEMORY;
    if (*array) memcpy(grown, *array, *capacity * size);
    ffn__free(*array);
    *array = grown;
    *capacity = larger;
    return FFN_OK;
}
