/* What the benchmarks share: options, pinned threads, chunks of work timed by turns, and tables of the results. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "ffn.h"

typedef enum bench_format { BENCH_TABLE, BENCH_CSV, BENCH_JSON } bench_format;

typedef struct bench_options {
    bench_format format;
    const char *filter;  /* cases whose name contains it; NULL: all */
    size_t threads;      /* 0: 1 and 2 */
    double min_time;     /* seconds per row */
    bool pin;            /* one thread to each core */
    const char *kernels; /* kernel table to force; "auto": the library's choice ... */
    ffn_kernels table;   /* ... which is this one */
} bench_options;

/* Reads --csv --json --filter --threads --min-time --pin --kernels --isa --help; ends the program on a mistake. `what` is the
 * first line of the help. */
bench_options bench_parse(int argc, char **argv, const char *what);
bool bench_selected(const bench_options *options, const char *name, size_t threads);

double bench_now(void); /* seconds */

/* Pins the calling thread to core 0 and every other thread of the process to core 1, so that two busy threads never
 * share a core. Call it when the threads exist. Does nothing where the system cannot. */
void bench_pin(void);

/* One thing measured: run(context, count) does `count` units of work. */
typedef struct bench_row {
    const char *name;
    void (*run)(void *context, size_t count);
    void *context;
    void (*prepare)(void *context); /* what comes before a chunk and is not timed; or NULL */
    double samples;                 /* a unit has so many samples: speeds are samples / second */
    size_t blas_threads;            /* set before a chunk of it */
    /* answered, in samples per second */
    double median, minimum, maximum, undisturbed; /* undisturbed: by the 10 % quantile of the chunks' times */
} bench_row;

enum { BENCH_MOST_ROWS = 8 };

/* Fills what is answered: runs the rows by turns in chunks of some 20 ms until each has had options->min_time. */
void bench_measure(const bench_options *options, bench_row *rows, size_t count);

/* Measures the rows and prints their speeds with ratios to row 0, the bound. The first call prints the header. */
void bench_run(const bench_options *options, const char *name, size_t threads, bench_row *rows, size_t count);
void bench_finish(const bench_options *options);

#endif
