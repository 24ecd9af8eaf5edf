/* Random streams: Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. Block j of a stream is the cipher of the counter (j, step, stream) under the key seed, and holds the
 * stream's numbers 4 j to 4 j + 3. */
#include "base/base.h"

#include <math.h>

enum { ROUNDS = 10, WORDS = 4, GROUP = 16 /* blocks computed together, one a vector lane */ };

/* The paper's multipliers and key increments. */
static const uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
static const uint32_t increment0 = 0x9E3779B9, increment1 = 0xBB67AE85;

void ffn__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t output[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)multiplier0 * c0, p1 = (uint64_t)multiplier1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += increment0;
        k1 += increment1;
    }
    output[0] = c0, output[1] = c1, output[2] = c2, output[3] = c3;
}

ffn_random ffn_random_create(uint64_t seed, uint32_t stream, uint32_t step)
{
    return (ffn_random){.seed = seed, .stream = stream, .step = step};
}

static void block(const ffn_random *random, uint64_t index, uint32_t output[WORDS])
{
    const uint32_t counter[] = {(uint32_t)index, (uint32_t)(index >> 32), random->step, random->stream};
    const uint32_t key[] = {(uint32_t)random->seed, (uint32_t)(random->seed >> 32)};
    ffn__philox(counter, key, output);
}

uint32_t ffn_random_bits(ffn_random *random)
{
    if (!random) return 0;
    uint32_t words[WORDS];
    block(random, random->position / WORDS, words);
    return words[random->position++ % WORDS];
}

/* GROUP blocks from block `index` on: the same arithmetic as ffn__philox, with loops that compilers make vectors of. */
static void block_group(const ffn_random *random, uint64_t index, uint32_t output[GROUP * WORDS])
{
    uint32_t c0[GROUP], c1[GROUP], c2[GROUP], c3[GROUP];
    uint32_t k0 = (uint32_t)random->seed, k1 = (uint32_t)(random->seed >> 32);
    for (size_t i = 0; i < GROUP; i++) {
        c0[i] = (uint32_t)(index + i);
        c1[i] = (uint32_t)((index + i) >> 32);
        c2[i] = random->step;
        c3[i] = random->stream;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < GROUP; i++) {
            const uint64_t p0 = (uint64_t)multiplier0 * c0[i], p1 = (uint64_t)multiplier1 * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += increment0;
        k1 += increment1;
    }
    for (size_t i = 0; i < GROUP; i++) {
        uint32_t *const words = output + i * WORDS;
        words[0] = c0[i], words[1] = c1[i], words[2] = c2[i], words[3] = c3[i];
    }
}

void ffn__random_fill(ffn_random *random, size_t n, uint32_t *bits)
{
    size_t i = 0;
    for (; i < n && random->position % WORDS != 0; i++) bits[i] = ffn_random_bits(random);
    for (; n - i >= GROUP * WORDS; i += GROUP * WORDS, random->position += GROUP * WORDS)
        block_group(random, random->position / WORDS, bits + i);
    for (; n - i >= WORDS; i += WORDS, random->position += WORDS) block(random, random->position / WORDS, bits + i);
    for (; i < n; i++) bits[i] = ffn_random_bits(random);
}

float ffn_random_uniform(ffn_random *random) { return (float)(ffn_random_bits(random) >> 8) * (float)0x1p-24; }

/* Box and Muller's cosine. In double, so that a platform's libm hardly ever changes the float. */
static float normal_of(const uint32_t bits[2])
{
    const double u = (bits[0] + 1.0) * 0x1p-32; /* (0, 1] */
    const double angle = 6.283185307179586477 * 0x1p-32 * bits[1];
    return (float)(sqrt(-2 * log(u)) * cos(angle));
}

float ffn_random_normal(ffn_random *random)
{
    const uint32_t first = ffn_random_bits(random), second = ffn_random_bits(random);
    return normal_of((const uint32_t[]){first, second});
}

void ffn__random_normals(ffn_random *random, size_t n, float *values)
{
    enum { CHUNK = 128 };
    uint32_t bits[2 * CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t count = n - i < CHUNK ? n - i : CHUNK;
        ffn__random_fill(random, 2 * count, bits);
        for (size_t j = 0; j < count; j++) values[i + j] = normal_of(bits + 2 * j);
    }
}

/* Numbers of 32 bits, or 64 for large bounds; those at the top that would favour small results are drawn again. */
size_t ffn_random_below(ffn_random *random, size_t bound)
{
    if (!random || bound == 0) return 0;
    const uint64_t range = bound <= UINT32_MAX ? UINT32_MAX : UINT64_MAX;
    const uint64_t excess = (range % bound + 1) % bound;
    uint64_t number;
    do {
        number = ffn_random_bits(random);
        if (range > UINT32_MAX) number = number << 32 | ffn_random_bits(random);
    } while (number > range - excess);
    return (size_t)(number % bound);
}

void ffn__shuffle(ffn_random *random, size_t n, size_t *order)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = ffn_random_below(random, i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}
