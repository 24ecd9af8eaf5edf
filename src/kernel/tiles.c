#include "kernel/kernel.h"

/* A tile of less than this takes about as long as waking a thread for it. */
static const double TILE_WORK = 1e6;
enum { MOST_TILES = 64, GRAIN = 16 };

ffn__tiles ffn__tiles_create(size_t extent, size_t least, double work)
{
    const double wanted = work / TILE_WORK;
    size_t count = wanted >= MOST_TILES ? MOST_TILES : wanted < 1 ? 1 : (size_t)wanted;
    if (count > extent / least) count = extent / least;
    if (count <= 1) return (ffn__tiles){.extent = extent, .size = extent, .count = extent > 0};
    const size_t size = (extent / count / GRAIN + 1) * GRAIN;
    return (ffn__tiles){.extent = extent, .size = size, .count = extent / size + (extent % size != 0)};
}

size_t ffn__tile_begin(const ffn__tiles *tiles, size_t tile) { return tile * tiles->size; }

size_t ffn__tile_end(const ffn__tiles *tiles, size_t tile)
{
    return tile + 1 == tiles->count ? tiles->extent : (tile + 1) * tiles->size;
}
