/* Placement of blocks in one piece of memory by their lifetimes. */
#include "base/base.h"

/* Larger blocks first; the sort leaves blocks of one size in their given order. */
static bool is_larger(const void *blocks, size_t a, size_t b)
{
    return ((const ffn__block *)blocks)[a].size > ((const ffn__block *)blocks)[b].size;
}

static bool live_together(const ffn__block *a, const ffn__block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `size` floats are free during the block's life. placed [count]: by rising offset. */
static size_t lowest_gap(const ffn__block *blocks, size_t block, size_t size, const size_t *placed, size_t count)
{
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const ffn__block *const other = &blocks[placed[i]];
        if (!live_together(&blocks[block], other)) continue;
        if (other->offset >= offset && other->offset - offset >= size) break;
        const size_t end = other->offset + ffn__pad(other->size);
        if (end > offset) offset = end;
    }
    return offset;
}

static void insert_by_offset(const ffn__block *blocks, size_t block, size_t *placed, size_t count)
{
    for (; count > 0 && blocks[placed[count - 1]].offset > blocks[block].offset; count--)
        placed[count] = placed[count - 1];
    placed[count] = block;
}

/* order [count]: the blocks, largest first; placed [count] is working space. False if an offset overflows. */
static bool place(ffn__block *blocks, const size_t *order, size_t *placed, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        ffn__block *const block = &blocks[order[i]];
        const size_t size = ffn__pad(block->size);
        size_t end;
        block->offset = lowest_gap(blocks, order[i], size, placed, i);
        if (size < block->size || !ffn__sum(block->offset, size, &end)) return false;
        insert_by_offset(blocks, order[i], placed, i);
        if (end > *total) *total = end;
    }
    return true;
}

ffn_status ffn__arena_place(ffn__block *blocks, size_t count, size_t *total, ffn_error *error)
{
    *total = 0;
    if (count == 0) return FFN_OK;
    size_t *const order = ffn__alloc(count, 2 * sizeof(*order), error);
    if (!order) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) order[i] = i;
    ffn__sort(order, order + count, count, is_larger, blocks);
    const bool fits = place(blocks, order, order + count, count, total);
    ffn__free(order);
    if (fits) return FFN_OK;
    return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory: the sizes of %zu blocks add up to more than there can be",
                    count);
}
