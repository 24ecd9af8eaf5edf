/* Arrays that end where readable memory ends: one element too far is a crash. */
#ifndef FFN_TEST_EDGE_H
#define FFN_TEST_EDGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct edge {
    float *data; /* n floats before a page that may not be touched */
    char *pages;
    size_t size;
} edge;

static inline edge edge_create(size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n * sizeof(float) / page + 1) * page;
    edge e = {.size = room + page};
    e.pages = mmap(NULL, e.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (e.pages == MAP_FAILED || mprotect(e.pages + room, page, PROT_NONE) != 0) _exit(99);
    e.data = (float *)(void *)(e.pages + room - n * sizeof(float));
    return e;
}

static inline void edge_destroy(edge *e) { (void)munmap(e->pages, e->size); }

#endif
