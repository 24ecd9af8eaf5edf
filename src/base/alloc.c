/* Memory: the only file that knows malloc. */
#include "base/base.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of this size and more begin with a page as large and ask for such pages, of which the processor keeps the whole
 * table at hand: steps of large networks are 2 to 4 % faster. */
enum { LARGE_PAGE = 2 << 20 };

/* calloc: it knows which memory is zeros already, because the system has just given it. */
static void *default_alloc(size_t size, void *user)
{
    (void)user;
    return calloc(1, size);
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

/* The alignment that every block of the hook's has. */
enum { HOOK_ALIGNMENT = alignof(max_align_t) };

/* An aligned block lies inside a larger one of the hook's; the pointer to the latter stands right before it. */
static void *alloc_aligned(size_t count, size_t size, size_t alignment, ffn_error *error)
{
    const bool hooked = hook.alloc != default_alloc;
    size_t bytes, all;
    const bool fits = ffn__multiply(count, size, &bytes);
    if (fits && bytes >= LARGE_PAGE && !hooked) alignment = LARGE_PAGE;
    if (!fits || !ffn__sum(bytes, alignment, &all) || all > PTRDIFF_MAX) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: %zu elements of %zu bytes are more than there can be",
                       count, size);
        return NULL;
    }
    void *const block = hook.alloc(all, hook.user);
    if (!block) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: no %zu bytes to be had", bytes);
        return NULL;
    }
    char *const pointer = (char *)block + (alignment - ((uintptr_t)block & (alignment - 1)));
    if (hooked) memset(pointer, 0, bytes);
#ifdef MADV_HUGEPAGE
    if (alignment == LARGE_PAGE) (void)madvise(pointer, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#endif
    memcpy(pointer - sizeof(void *), &block, sizeof(void *));
    return pointer;
}

void *ffn__alloc(size_t count, size_t size, ffn_error *error)
{
    return alloc_aligned(count, size, FFN__ALIGNMENT, error);
}

void *ffn__alloc_objects(size_t count, size_t size, ffn_error *error)
{
    return alloc_aligned(count, size, HOOK_ALIGNMENT, error);
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
    char *const copy = ffn__alloc_objects(size, 1, error);
    return copy ? memcpy(copy, text, size) : NULL;
}

ffn_status ffn__grow(void **array, size_t *capacity, size_t needed, size_t size, ffn_error *error)
{
    if (needed <= *capacity) return FFN_OK;
    size_t larger = 0;
    if (!ffn__multiply(*capacity, 2, &larger) || larger < needed) larger = needed;
    void *const grown = ffn__alloc_objects(larger, size, error);
    if (!grown) return FFN_OUT_OF_MEMORY;
    if (*array) memcpy(grown, *array, *capacity * size);
    ffn__free(*array);
    *array = grown;
    *capacity = larger;
    return FFN_OK;
}
