/* Errors, memory, sizes, arena placement and random streams. The thread pool's tests are in test_threads.c. */
#include "base/base.h"
#include "test.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void test_version(void)
{
    char expected[32];
    snprintf(expected, sizeof(expected), "%d.%d.%d", FFN_VERSION_MAJOR, FFN_VERSION_MINOR, FFN_VERSION_PATCH);
    CU_ASSERT_STRING_EQUAL(ffn_version(), expected);
}

static void test_status_names(void)
{
    for (int i = FFN_OK; i <= FFN_STOPPED; i++) {
        CU_ASSERT_STRING_NOT_EQUAL(ffn_status_name((ffn_status)i), "unknown status");
        for (int j = FFN_OK; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(ffn_status_name((ffn_status)i), ffn_status_name((ffn_status)j));
    }
    CU_ASSERT_STRING_EQUAL(ffn_status_name(FFN_OUT_OF_MEMORY), "out of memory");
    CU_ASSERT_STRING_EQUAL(ffn_status_name((ffn_status)(FFN_STOPPED + 1)), "unknown status");
    CU_ASSERT_STRING_EQUAL(ffn_status_name((ffn_status)-1), "unknown status");
}

static void test_fail(void)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_fail(&error, FFN_BAD_FORMAT, "line %d: %s", 3, "no comma"), FFN_BAD_FORMAT);
    CU_ASSERT_EQUAL(error.status, FFN_BAD_FORMAT);
    CU_ASSERT_STRING_EQUAL(error.message, "line 3: no comma");
    CU_ASSERT_EQUAL(ffn_fail(&error, FFN_IO_ERROR, "file a: %s", error.message), FFN_IO_ERROR);
    CU_ASSERT_STRING_EQUAL(error.message, "file a: line 3: no comma");
    CU_ASSERT_EQUAL(ffn_fail(NULL, FFN_DIVERGED, "nobody reads %s", "this"), FFN_DIVERGED);
    CU_ASSERT_EQUAL(ffn_fail(&error, FFN_STOPPED, NULL), FFN_STOPPED);
    CU_ASSERT_STRING_EQUAL(error.message, "");
}

static void test_fail_cuts(void)
{
    enum { SIZE = sizeof(((ffn_error *)0)->message) };
    char text[2 * SIZE];
    struct {
        ffn_error error;
        unsigned char guard[64];
    } s;
    for (size_t length = SIZE - 5; length < SIZE + 5; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        memset(&s, 0xA5, sizeof(s));
        ffn_fail(&s.error, FFN_IO_ERROR, "%s", text);
        const bool whole = length < SIZE;
        CU_ASSERT_EQUAL(strlen(s.error.message), whole ? length : SIZE - 1);
        CU_ASSERT_EQUAL(strcmp(s.error.message, text) == 0, whole);
        if (!whole) CU_ASSERT_STRING_EQUAL(s.error.message + SIZE - 4, "...");
        for (size_t i = 0; i < sizeof(s.guard); i++) CU_ASSERT_EQUAL(s.guard[i], 0xA5);
    }
    /* Two-byte characters at odd and even places: none is cut in two. */
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 2 < sizeof(text); i += 2) memcpy(text + i, "\xC3\xA9", 3);
        ffn_fail(&s.error, FFN_IO_ERROR, "%s", text);
        const size_t length = strlen(s.error.message);
        CU_ASSERT_STRING_EQUAL(s.error.message + length - 3, "...");
        CU_ASSERT_EQUAL((length - 3 - shift) % 2, 0);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* An allocator that counts, fails at will and gives memory that is neither zero nor more aligned than malloc's. */
typedef struct tally {
    size_t allocations, frees, fail_at; /* fail_at: the number of the allocation that fails, from 1; 0: none */
} tally;

static void *counted_alloc(size_t size, void *user)
{
    tally *const c = user;
    if (++c->allocations == c->fail_at) return NULL;
    char *const block = malloc(size + 16);
    if (!block) return NULL;
    memset(block, 0x5A, size + 16);
    return block + 16;
}

static void counted_free(void *pointer, void *user)
{
    ((tally *)user)->frees++;
    free((char *)pointer - 16);
}

static void count(tally *c)
{
    const ffn_allocator allocator = {counted_alloc, counted_free, c};
    CU_ASSERT_EQUAL(ffn_set_allocator(&allocator, NULL), FFN_OK);
}

static void test_alloc(void)
{
    tally c = {0};
    count(&c);
    static const size_t sizes[] = {0, 1, 7, 63, 64, 65, 1000, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes)[0]; i++) {
        ffn_error error = {FFN_OK, "untouched"};
        unsigned char *const bytes = ffn__alloc(sizes[i], 1, &error);
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        CU_ASSERT_EQUAL((uintptr_t)bytes % FFN__ALIGNMENT, 0);
        size_t nonzero = 0;
        for (size_t j = 0; j < sizes[i]; j++) nonzero += bytes[j] != 0;
        CU_ASSERT_EQUAL(nonzero, 0);
        memset(bytes, 0xFF, sizes[i]);
        CU_ASSERT_STRING_EQUAL(error.message, "untouched");
        ffn__free(bytes);
    }
    ffn__free(NULL);
    CU_ASSERT_EQUAL(c.allocations, sizeof(sizes) / sizeof(sizes)[0]);
    CU_ASSERT_EQUAL(c.frees, c.allocations);
    ffn_set_allocator(NULL, NULL);
    ffn__free(ffn__alloc(1, 1, NULL));
    CU_ASSERT_EQUAL(c.allocations, c.frees);
}

static void test_alloc_fails(void)
{
    tally c = {.fail_at = 1};
    count(&c);
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_PTR_NULL(ffn__alloc(10, 4, &error));
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "40"));
    c.allocations = 0;
    CU_ASSERT_PTR_NULL(ffn__alloc(10, 4, NULL));
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    const size_t before = c.allocations;
    CU_ASSERT_PTR_NULL(ffn__alloc(half, half, &error));
    CU_ASSERT_PTR_NULL(ffn__alloc(SIZE_MAX, 1, &error));
    CU_ASSERT_PTR_NULL(ffn__alloc(SIZE_MAX - 70, 1, &error));
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(c.allocations, before);
    CU_ASSERT_EQUAL(c.frees, 0);
    ffn_set_allocator(NULL, NULL);
}

static void test_set_allocator_checks(void)
{
    ffn_error error = {FFN_OK, ""};
    const ffn_allocator no_free = {counted_alloc, NULL, NULL}, no_alloc = {NULL, counted_free, NULL};
    CU_ASSERT_EQUAL(ffn_set_allocator(&no_free, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "free is NULL"));
    CU_ASSERT_EQUAL(ffn_set_allocator(&no_alloc, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "alloc is NULL"));
    ffn__free(ffn__alloc(1, 1, NULL)); /* still the old one */
}

static void test_copy_string(void)
{
    char *const copy = ffn__copy_string("dense1", NULL);
    CU_ASSERT_STRING_EQUAL(copy, "dense1");
    ffn__free(copy);
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_PTR_NULL(ffn__copy_string(NULL, &error));
    CU_ASSERT_EQUAL(error.status, FFN_INVALID_ARGUMENT);
}

static void test_grow(void)
{
    uint32_t *array = NULL;
    size_t capacity = 0, growths = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const size_t old = capacity;
        CU_ASSERT_EQUAL(ffn__grow((void **)&array, &capacity, i + 1, sizeof(*array), NULL), FFN_OK);
        CU_ASSERT(capacity >= i + 1);
        if (capacity != old) growths++;
        array[i] = i * i;
    }
    CU_ASSERT(growths <= 11);
    for (uint32_t i = 0; i < 1000; i++) CU_ASSERT_EQUAL(array[i], i * i);
    ffn_error error = {FFN_OK, ""};
    uint32_t *const kept = array;
    const size_t kept_capacity = capacity;
    CU_ASSERT_EQUAL(ffn__grow((void **)&array, &capacity, SIZE_MAX / 2, sizeof(*array), &error), FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_EQUAL(array, kept);
    CU_ASSERT_EQUAL(capacity, kept_capacity);
    ffn__free(array);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static void test_sizes(void)
{
    size_t result = 5;
    CU_ASSERT_TRUE(ffn__multiply(6, 7, &result));
    CU_ASSERT_EQUAL(result, 42);
    CU_ASSERT_TRUE(ffn__multiply(SIZE_MAX, 1, &result));
    CU_ASSERT_EQUAL(result, SIZE_MAX);
    CU_ASSERT_FALSE(ffn__multiply(SIZE_MAX / 2 + 1, 2, &result));
    CU_ASSERT_EQUAL(result, SIZE_MAX);
    CU_ASSERT_TRUE(ffn__sum(SIZE_MAX - 1, 1, &result));
    CU_ASSERT_EQUAL(result, SIZE_MAX);
    result = 5;
    CU_ASSERT_FALSE(ffn__sum(SIZE_MAX, 1, &result));
    CU_ASSERT_EQUAL(result, 5);
    CU_ASSERT_TRUE(ffn__is_array(SIZE_MAX / 16, 4));
    CU_ASSERT_FALSE(ffn__is_array(SIZE_MAX / 8, 4)); /* so many floats, but not their bytes */
    CU_ASSERT_FALSE(ffn__is_array(SIZE_MAX, 2));
    const size_t unit = FFN__ALIGNMENT / sizeof(float);
    CU_ASSERT_EQUAL(ffn__pad(0), 0);
    CU_ASSERT_EQUAL(ffn__pad(1), unit);
    CU_ASSERT_EQUAL(ffn__pad(unit), unit);
    CU_ASSERT_EQUAL(ffn__pad(unit + 1), 2 * unit);
    CU_ASSERT(ffn__pad(SIZE_MAX) > SIZE_MAX / 2);
    CU_ASSERT(ffn__pad(SIZE_MAX - unit) > SIZE_MAX / 2);
}

static bool has_lower_tens(const void *context, size_t a, size_t b)
{
    (void)context;
    return a / 10 < b / 10;
}

static void test_sort_is_stable(void)
{
    size_t order[] = {21, 11, 22, 12, 1, 23, 13, 2, 24}, scratch[9];
    const size_t sorted[] = {1, 2, 11, 12, 13, 21, 22, 23, 24};
    ffn__sort(order, scratch, 9, has_lower_tens, NULL);
    CU_ASSERT_EQUAL(memcmp(order, sorted, sizeof sorted), 0);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static void test_now(void)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    const double start = ffn__now();
    (void)nanosleep(&pause, NULL);
    const double seconds = ffn__now() - start;
    CU_ASSERT(seconds >= 0.002 && seconds < 600);
    for (double before = ffn__now(), i = 0; i < 1000; i++) {
        const double now = ffn__now();
        CU_ASSERT(now >= before);
        before = now;
    }
}

/* ---- arena ------------------------------------------------------------------------------------------------------- */

static size_t place(ffn__block *blocks, size_t n)
{
    size_t total = 12345;
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn__arena_place(blocks, n, &total, &error), FFN_OK);
    return total;
}

static void test_arena_simple(void)
{
    CU_ASSERT_EQUAL(place(NULL, 0), 0);
    const size_t unit = FFN__ALIGNMENT / sizeof(float);
    ffn__block chain[20]; /* each lives with its neighbours only: two places are enough */
    for (size_t i = 0; i < 20; i++) chain[i] = (ffn__block){.size = 4 * unit, .first = i, .last = i + 1};
    CU_ASSERT_EQUAL(place(chain, 20), 8 * unit);
    ffn__block together[3] = {
        {.size = unit, .last = 2}, {.size = 3 * unit, .last = 2}, {.size = 1, .first = 2, .last = 2}};
    CU_ASSERT_EQUAL(place(together, 3), 5 * unit);
    ffn__block apart[2] = {{.size = unit}, {.size = 3 * unit, .first = 1, .last = 1}};
    CU_ASSERT_EQUAL(place(apart, 2), 3 * unit);
    CU_ASSERT_EQUAL(apart[0].offset, 0);
    CU_ASSERT_EQUAL(apart[1].offset, 0);
    ffn__block empty[2] = {{.size = 0, .last = 5}, {.size = 1, .last = 5}};
    CU_ASSERT_EQUAL(place(empty, 2), unit);
}

/* The gap that a block between two others leaves is used by what lives after it. */
static void test_arena_gap(void)
{
    const size_t unit = FFN__ALIGNMENT / sizeof(float);
    ffn__block blocks[] = {
        {.size = 9 * unit, .last = 1}, {.size = 8 * unit, .last = 9}, {.size = 7 * unit, .first = 2, .last = 9}};
    CU_ASSERT_EQUAL(place(blocks, 3), 17 * unit);
    CU_ASSERT_EQUAL(blocks[2].offset, 0);
}

static void test_arena_random(void)
{
    ffn_random random = ffn_random_create(7, 0, 0);
    for (int round = 0; round < 300; round++) {
        ffn__block blocks[40], again[40];
        const size_t n = 1 + ffn_random_below(&random, 40);
        for (size_t i = 0; i < n; i++) {
            const size_t first = ffn_random_below(&random, 30), life = ffn_random_below(&random, 10);
            blocks[i] = (ffn__block){ffn_random_below(&random, 500), first, first + life, 99};
        }
        memcpy(again, blocks, sizeof(blocks));
        const size_t total = place(blocks, n);
        size_t highest = 0, needed = 0, sum = 0;
        for (size_t i = 0; i < n; i++) {
            const size_t end = blocks[i].offset + ffn__pad(blocks[i].size);
            CU_ASSERT_EQUAL(blocks[i].offset % (FFN__ALIGNMENT / sizeof(float)), 0);
            if (end > highest) highest = end;
            sum += ffn__pad(blocks[i].size);
            for (size_t j = 0; j < i; j++) {
                const bool meet = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
                const bool clash = blocks[i].offset < blocks[j].offset + blocks[j].size &&
                                   blocks[j].offset < blocks[i].offset + blocks[i].size;
                CU_ASSERT_FALSE(meet && clash);
            }
        }
        for (size_t time = 0; time < 40; time++) {
            size_t living = 0;
            for (size_t i = 0; i < n; i++)
                if (blocks[i].first <= time && time <= blocks[i].last) living += ffn__pad(blocks[i].size);
            if (living > needed) needed = living;
        }
        CU_ASSERT_EQUAL(total, highest);
        CU_ASSERT(total >= needed);
        CU_ASSERT(total <= sum);
        CU_ASSERT((double)total <= 1.5 * (double)needed); /* what greedy placement costs at most in practice */
        place(again, n);
        for (size_t i = 0; i < n; i++) CU_ASSERT_EQUAL(again[i].offset, blocks[i].offset);
    }
}

static void test_arena_errors(void)
{
    size_t total;
    ffn_error error = {FFN_OK, ""};
    ffn__block huge[2] = {{.size = SIZE_MAX / 2 + 1}, {.size = SIZE_MAX / 2 + 1}};
    CU_ASSERT_EQUAL(ffn__arena_place(huge, 2, &total, &error), FFN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(error.status, FFN_OUT_OF_MEMORY);
    ffn__block largest = {.size = SIZE_MAX};
    CU_ASSERT_EQUAL(ffn__arena_place(&largest, 1, &total, NULL), FFN_OUT_OF_MEMORY);
    tally c = {.fail_at = 1};
    count(&c);
    ffn__block small = {.size = 1};
    CU_ASSERT_EQUAL(ffn__arena_place(&small, 1, &total, NULL), FFN_OUT_OF_MEMORY);
    ffn_set_allocator(NULL, NULL);
}

/* ---- random streams ---------------------------------------------------------------------------------------------- */

/* The known answers that the paper's authors publish with their code. */
static void test_philox_known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers)[0]; i++) {
        uint32_t output[4];
        ffn__philox(answers[i].counter, answers[i].key, output);
        CU_ASSERT_EQUAL(memcmp(output, answers[i].expected, sizeof(output)), 0);
    }
}

/* A stream's numbers are the words of the blocks at (position, step, stream) under the seed. */
static void test_random_layout(void)
{
    ffn_random random = ffn_random_create(0x1122334455667788, 0xAABBCCDD, 0x01020304);
    random.position = (uint64_t)0x123456789 * 4;
    const uint32_t counter[4] = {0x23456789, 1, 0x01020304, 0xAABBCCDD}, key[2] = {0x55667788, 0x11223344};
    uint32_t expected[4];
    ffn__philox(counter, key, expected);
    for (size_t i = 0; i < 4; i++) CU_ASSERT_EQUAL(ffn_random_bits(&random), expected[i]);
    CU_ASSERT_EQUAL(random.position, (uint64_t)0x123456789 * 4 + 4);
}

static void test_random_normals(void)
{
    for (size_t n = 0; n < 400; n += 37) {
        float values[400];
        ffn_random all = ffn_random_create(3, 1, 2), single = all;
        all.position = single.position = n; /* also from within a block of the generator */
        ffn__random_normals(&all, n, values);
        for (size_t i = 0; i < n; i++) CU_ASSERT_EQUAL(values[i], ffn_random_normal(&single));
        CU_ASSERT_EQUAL(all.position, single.position);
    }
}

static void test_random_fill(void)
{
    enum { MOST = 300 };
    for (size_t start = 0; start < 5; start++)
        for (size_t n = 0; n < MOST; n++) {
            ffn_random one = ffn_random_create(99, 3, 4), all = one;
            one.position = all.position = start + ((uint64_t)UINT32_MAX - 20) * 4; /* across the counter's low word */
            uint32_t bits[MOST + 1];
            memset(bits, 0xA5, sizeof(bits));
            ffn__random_fill(&all, n, bits);
            size_t wrong = 0;
            for (size_t i = 0; i < n; i++) wrong += bits[i] != ffn_random_bits(&one);
            CU_ASSERT_EQUAL(wrong, 0);
            CU_ASSERT_EQUAL(bits[n], 0xA5A5A5A5);
            CU_ASSERT_EQUAL(all.position, one.position);
        }
}

static void test_random_uniform(void)
{
    enum { N = 200000, BINS = 64 };
    ffn_random random = ffn_random_create(2024, 0, 0);
    double sum = 0, squares = 0, lag = 0, last = 0.5;
    size_t bins[BINS] = {0};
    for (size_t i = 0; i < N; i++) {
        const double u = (double)ffn_random_uniform(&random);
        CU_ASSERT_FATAL(u >= 0 && u < 1 && u * 0x1p24 == floor(u * 0x1p24));
        bins[(size_t)(u * BINS)]++;
        sum += u - 0.5;
        squares += (u - 0.5) * (u - 0.5);
        lag += (u - 0.5) * (last - 0.5);
        last = u;
    }
    double chi_squared = 0;
    for (size_t i = 0; i < BINS; i++) {
        const double difference = (double)bins[i] - (double)N / BINS;
        chi_squared += difference * difference * BINS / N;
    }
    CU_ASSERT(fabs(sum / N) < 5 * sqrt(1.0 / 12 / N));
    CU_ASSERT_DOUBLE_EQUAL(squares / N, 1.0 / 12, 0.001);
    CU_ASSERT(fabs(lag / N) < 5.0 / 12 / sqrt(N));
    CU_ASSERT(chi_squared > 25 && chi_squared < 115); /* 63 degrees of freedom */
}

static void test_random_normal(void)
{
    enum { N = 200000 };
    ffn_random random = ffn_random_create(5, 1, 0);
    double moment[5] = {0};
    size_t beyond = 0;
    for (size_t i = 0; i < N; i++) {
        const double x = (double)ffn_random_normal(&random);
        CU_ASSERT_FATAL(fabs(x) < 7);
        beyond += fabs(x) > 1.959964;
        for (int p = 1; p <= 4; p++) moment[p] += pow(x, p) / N;
    }
    CU_ASSERT_EQUAL(random.position, 2 * N);
    CU_ASSERT(fabs(moment[1]) < 0.012);
    CU_ASSERT_DOUBLE_EQUAL(moment[2], 1, 0.016);
    CU_ASSERT(fabs(moment[3]) < 0.05);
    CU_ASSERT_DOUBLE_EQUAL(moment[4], 3, 0.12);
    CU_ASSERT_DOUBLE_EQUAL((double)beyond / N, 0.05, 0.0025);
}

/* Streams, steps and seeds that differ in one bit have nothing in common. */
static void test_random_independence(void)
{
    const ffn_random variants[] = {ffn_random_create(1, 0, 0), ffn_random_create(0, 1, 0), ffn_random_create(0, 0, 1),
                                   ffn_random_create((uint64_t)1 << 32, 0, 0)};
    for (size_t v = 0; v < 4; v++) {
        ffn_random base = ffn_random_create(0, 0, 0), other = variants[v];
        unsigned equal = 0;
        for (int i = 0; i < 1000; i++)
            for (uint32_t same = ~(ffn_random_bits(&base) ^ ffn_random_bits(&other)); same; same &= same - 1) equal++;
        CU_ASSERT(equal > 16000 - 500 && equal < 16000 + 500);
    }
}

static void test_random_below(void)
{
    ffn_random random = ffn_random_create(11, 0, 0);
    CU_ASSERT_EQUAL(ffn_random_below(&random, 0), 0);
    for (int i = 0; i < 100; i++) CU_ASSERT_EQUAL(ffn_random_below(&random, 1), 0);
    size_t counts[7] = {0};
    for (int i = 0; i < 70000; i++) counts[ffn_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++) CU_ASSERT(counts[i] > 9500 && counts[i] < 10500);
    /* With 3/4 of the range as bound, a plain remainder would give the lower third twice as often. */
    const size_t bounds[] = {(size_t)3 << 30, SIZE_MAX / 4 * 3};
    for (size_t b = 0; b < 2; b++) {
        size_t low = 0;
        for (int i = 0; i < 30000; i++) {
            const size_t number = ffn_random_below(&random, bounds[b]);
            CU_ASSERT_FATAL(number < bounds[b]);
            low += number < bounds[b] / 3;
        }
        CU_ASSERT(low > 9500 && low < 10500);
    }
    CU_ASSERT_EQUAL(ffn_random_below(NULL, 10), 0);
    CU_ASSERT_EQUAL(ffn_random_bits(NULL), 0);
    (void)ffn_random_uniform(NULL);
    (void)ffn_random_normal(NULL);
}

/* Parameters of whatever number have streams apart from each other's and from the nodes'. */
static void test_streams(void)
{
    const uint32_t last_node = (uint32_t)FFN__STREAM_LAYER + FFN__MOST_STREAMS;
    CU_ASSERT_EQUAL(ffn__parameter_stream(0), FFN__STREAM_PARAMETER);
    CU_ASSERT_EQUAL(ffn__parameter_stream(65535), FFN__STREAM_LAYER - 1);
    CU_ASSERT(ffn__parameter_stream(65536) > last_node);
    CU_ASSERT(ffn__parameter_stream(65537) == ffn__parameter_stream(65536) + 1);
    CU_ASSERT(ffn__parameter_stream(FFN__MOST_STREAMS) > ffn__parameter_stream(65537));
}

static void test_shuffle(void)
{
    size_t order[5] = {0}, counts[120] = {0};
    ffn_random random = ffn_random_create(3, FFN__STREAM_SHUFFLE, 0);
    for (int round = 0; round < 24000; round++) {
        for (size_t i = 0; i < 5; i++) order[i] = i;
        ffn__shuffle(&random, 5, order);
        size_t rank = 0, seen = 0;
        for (size_t i = 0; i < 5; i++) {
            size_t smaller = 0;
            for (size_t j = i + 1; j < 5; j++) smaller += order[j] < order[i];
            rank = rank * (5 - i) + smaller;
            seen |= (size_t)1 << order[i];
        }
        CU_ASSERT_EQUAL_FATAL(seen, 31);
        counts[rank]++;
    }
    for (size_t i = 0; i < 120; i++) CU_ASSERT(counts[i] > 130 && counts[i] < 270);
    ffn__shuffle(&random, 0, NULL);
    size_t one = 9;
    ffn__shuffle(&random, 1, &one);
    CU_ASSERT_EQUAL(one, 9);
}

static void test_the_locale_does_not_matter(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (setlocale(LC_ALL, names[i])) break;
    char comma[8];
    (void)snprintf(comma, sizeof(comma), "%.1f", 0.5);
    ffn_error error;
    (void)ffn_fail(&error, FFN_INVALID_ARGUMENT, "rate is %g", 0.25);
    CU_ASSERT_STRING_EQUAL(error.message, "rate is 0.25");
    char after[8];
    (void)snprintf(after, sizeof(after), "%.1f", 0.5);
    CU_ASSERT_STRING_EQUAL(after, comma); /* the program's locale stands */
    CU_ASSERT_PTR_NOT_NULL(setlocale(LC_ALL, "C"));
}

static const test_case cases[] = {
    {"version", test_version},
    {"names of statuses", test_status_names},
    {"an error's sentence", test_fail},
    {"the locale does not matter", test_the_locale_does_not_matter},
    {"a sentence too long", test_fail_cuts},
    {"allocation", test_alloc},
    {"allocation fails", test_alloc_fails},
    {"an allocator without a function", test_set_allocator_checks},
    {"copy of a string", test_copy_string},
    {"growing array", test_grow},
    {"checked sizes", test_sizes},
    {"equal elements keep their order", test_sort_is_stable},
    {"time goes on", test_now},
    {"arena: simple cases", test_arena_simple},
    {"arena: gaps are used", test_arena_gap},
    {"arena: random cases", test_arena_random},
    {"arena: errors", test_arena_errors},
    {"Philox: known answers", test_philox_known_answers},
    {"streams: layout", test_random_layout},
    {"streams: many at once", test_random_fill},
    {"streams: many normal numbers at once", test_random_normals},
    {"streams: uniform numbers", test_random_uniform},
    {"streams: normal numbers", test_random_normal},
    {"streams: independence", test_random_independence},
    {"streams: whole numbers below a bound", test_random_below},
    {"streams", test_streams},
    {"shuffle", test_shuffle},
};

TEST_MAIN("base", cases)
