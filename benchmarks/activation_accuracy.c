/* Accuracy of the activations over all floats, against libm in double:
 *     activation_accuracy [--stride N] [--from SIZE] [--to SIZE] [--filter TEXT] [--isa generic|avx2|avx512]
 * All takes hours of processor time; |x| from 2^-14 to 2^7 (with --stride 1), where the functions do something,
 * minutes. A row a function, ' for its derivative: its bar, largest and mean error in ulp (of a derivative: the smaller
 * of ulp / 4 and absolute / 2.5e-7), the input of the largest, the largest error of results below FLT_MIN in units of
 * it, steps down of increasing functions, wrong infinities and NaN. Exits with 1 if a function is past its bar. */
#include "../tests/activation_sweep.h"
#include "tensor/isa.h"
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2 };

/* What to sweep. Blocks that start at an |x| outside from .. to are left out. */
typedef struct sweep_range {
    uint64_t stride;
    float from, to;
} sweep_range;

typedef struct sweep {
    const function *function;
    bool slope;
    sweep_range range;
    atomic_ullong next; /* block */
} sweep;

typedef struct worker {
    sweep *sweep;
    sweep_result result;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    sweep *s = w->sweep;
    for (;;) {
        const uint64_t first = SWEEP_BLOCK * atomic_fetch_add(&s->next, 1);
        if (first >= sweep_elements(s->range.stride)) return NULL;
        const float size = fabsf(sweep_float(first * s->range.stride));
        if (size < s->range.from || size > s->range.to) continue;
        sweep_step(&w->result, s->function, s->slope, s->range.stride, first);
    }
}

static sweep_result run(const function *f, bool slope, sweep_range range)
{
    sweep s = {.function = f, .slope = slope, .range = range};
    worker workers[THREADS] = {0};
    pthread_t threads[THREADS];
    bool started[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        workers[t].sweep = &s;
        started[t] = pthread_create(&threads[t], NULL, work, &workers[t]) == 0;
        if (!started[t]) work(&workers[t]);
    }
    sweep_result all = {0};
    for (size_t t = 0; t < THREADS; t++) {
        if (started[t]) pthread_join(threads[t], NULL);
        sweep_add(&all, &workers[t].result);
    }
    return all;
}

static bool report(const function *f, bool slope, sweep_range range)
{
    const sweep_result r = run(f, slope, range);
    const bool good = sweep_good(&r, f, slope);
    printf("%-12s%s %8.3f %8.3f %8.4f %16.9g %10.3g %8llu %8llu  %s\n", f->name, slope ? "'" : " ", slope ? 1 : f->bar,
           r.worst, r.count ? r.total / (double)r.count : 0, (double)r.worst_input, r.subnormal,
           (unsigned long long)r.steps_down, (unsigned long long)r.wrong, good ? "ok" : "PAST THE BAR");
    fflush(stdout);
    return good;
}

static bool use_isa(const char *name)
{
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        if (strcmp(name, ffn__isa_name((ffn__isa_id)isa)) == 0) return ffn__isa_force((ffn__isa_id)isa);
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"stride", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'a'},
        {"to", required_argument, NULL, 'b'},     {"filter", required_argument, NULL, 'f'},
        {"isa", required_argument, NULL, 'i'},    {0},
    };
    const char *filter = "";
    sweep_range range = {.stride = 1, .from = 0, .to = INFINITY};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's') range.stride = strtoull(optarg, NULL, 10);
        if (option == 'a') range.from = strtof(optarg, NULL);
        if (option == 'b') range.to = strtof(optarg, NULL);
        if (option == 'f') filter = optarg;
        if (option == '?' || range.stride == 0 || (option == 'i' && !use_isa(optarg))) {
            fprintf(stderr, "usage: %s [--stride N] [--from SIZE] [--to SIZE] [--filter TEXT] [--isa NAME]\n", argv[0]);
            return 2;
        }
    }
    printf("%s, stride %llu, |x| from %g to %g\n%-13s %8s %8s %8s %16s %10s %8s %8s\n", ffn__isa_name(ffn__isa()),
           (unsigned long long)range.stride, (double)range.from, (double)range.to, "function", "bar", "worst", "mean",
           "at", "subnormal", "steps", "wrong");
    bool good = true;
    for (size_t i = 0; i < SWEEP_FUNCTIONS; i++) {
        if (!strstr(functions[i].name, filter)) continue;
        good &= report(&functions[i], false, range);
        if (functions[i].slope) good &= report(&functions[i], true, range);
    }
    return good ? 0 : 1;
}
