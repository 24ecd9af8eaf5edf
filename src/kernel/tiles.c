#include "kernel/kernel.h"

/* A tile of less than this takes about as long as waking a thread for it. */
static const double TILE_WORK = 4e6;
/* More tiles than this share too little of what a product packs once per tile. */
enum { MOST_TILES = 8, GRAIN = 16 };

ffn__tiles ffn__tiles_create(size_t extent, double work)
{
    const double wanted = work / TILE_WORK;
    const size_t count = wanted >= MOST_TILES ? MOST_TILES : wanted < 1 ? 1 : (size_t)wanted;
    size_t size = extent / count + (extent % count != 0);
    size = size > SIZE_MAX - GRAIN ? size : (size + GRAIN - 1) / GRAIN * GRAIN;
    if (count == 1 || size == 0) size = extent;
    return (ffn__tiles){.extent = extent, .size = size, .count = size ? extent / size + (extent % size != 0) : 0};
}

size_t ffn__tile_begin(const ffn__tiles *tiles, size_t tile) { return tile * tiles->size; }

size_t ffn__tile_end(const ffn__tiles *tiles, size_t tile)
{
    return tile + 1 == tiles->count ? tiles->extent : (tile + 1) * tiles->size;
}
