/* Placement of blocks in one piece of memory by their lifetimes. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* Larger blocks first; blocks of one size in their given order, so that the result does not depend on the sort. */
static int by_size(const void *left, const void *right)
{
    const ffn__block *const a = *(ffn__block *const *)left, *const b = *(ffn__block *const *)right;
    if (a->size != b->size) return a->size < b->size ? 1 : -1;
    return a < b ? -1 : a > b;
}

static bool live_together(const ffn__block *a, const ffn__block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `size` floats are free during the block's life. placed [count]: by rising offset. */
static size_t lowest_gap(const ffn__block *block, size_t size, ffn__block *const *placed, size_t count)
{
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const ffn__block *const other = placed[i];
        if (!live_together(block, other)) continue;
        if (other->offset >= offset && other->offset - offset >= size) break;
        const size_t end = other->offset + ffn__pad(other->size);
        if (end > offset) offset = end;
    }
    return offset;
}

static void insert_by_offset(ffn__block *block, ffn__block **placed, size_t count)
{
    for (; count > 0 && placed[count - 1]->offset > block->offset; count--) placed[count] = placed[count - 1];
    placed[count] = block;
}

/* order [count]: the blocks, largest first; placed [count] is working space. False if an offset overflows. */
static bool place(ffn__block *const *order, ffn__block **placed, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        ffn__block *const block = order[i];
        const size_t size = ffn__pad(block->size);
        size_t end;
        block->offset = lowest_gap(block, size, placed, i);
        if (size < block->size || !ffn__sum(block->offset, size, &end)) return false;
        insert_by_offset(block, placed, i);
        if (end > *total) *total = end;
    }
    return true;
}

ffn_status ffn__arena_place(ffn__block *blocks, size_t count, size_t *total, ffn_error *error)
{
    *total = 0;
    if (count == 0) return FFN_OK;
    ffn__block **const order = ffn__alloc(count, 2 * sizeof(*order), error);
    if (!order) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) order[i] = &blocks[i];
    qsort(order, count, sizeof(*order), by_size);
    const bool fits = place(order, order + count, count, total);
    ffn__free(order);
    if (fits) return FFN_OK;
    return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: the sizes of %zu blocks add up to more than there can be",
                    count);
}
