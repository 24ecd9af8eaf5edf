/* Accuracy of the activations over all floats, against double:
 *     activation_accuracy [--stride N] [--from SIZE] [--to SIZE] [--filter TEXT] [--isa generic|avx2|avx512] [--threads N]
 *                         [--rivals]
 * All of them take some three quarters of an hour of two cores with AVX-512, whose instruction sets are judged side by side;
 * --from 6e-5 --to 130, beyond which little happens, a twelfth of that. A row a function, ' for its derivative, and
 * instruction set, or rival: its bar, largest and mean error in ulp (of a derivative: the smaller of ulp / 4 and absolute /
 * 2.5e-7), the input of the largest, the largest error of results below FLT_MIN in units of it, steps down of increasing
 * functions, wrong infinities and NaN. --rivals judges values by libm, SLEEF and oneDNN too. Exits with 1 if one of ours is past
 * its bar, or if a reference is not what libm says. */
#include "../tests/activation_sweep.h"
#include "activation/reference.h"
#include "activation/rivals.h"
#include "tensor/isa.h"
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 64 };

/* What to sweep. Blocks that start at an |x| outside from .. to are left out. */
typedef struct sweep_range {
    uint64_t stride;
    float from, to;
} sweep_range;

/* Ours for an instruction set, or a rival. */
typedef struct contender {
    const char *name;
    ffn_activation activation;
    const rival *rival; /* NULL: ours */
} contender;

enum { RIVALS = 4, MOST_CONTENDERS = FFN__ISA_COUNT + RIVALS };

typedef struct sweep {
    const function *function;
    bool slope;
    sweep_range range;
    size_t cols; /* 2 for a kind over rows */
    contender contenders[MOST_CONTENDERS];
    size_t contender_count;
    reference *reference; /* NULL: libm's */
    atomic_ullong next;   /* block */
} sweep;

typedef struct worker {
    sweep *sweep;
    sweep_result result[MOST_CONTENDERS];
    float x[2 * SWEEP_BLOCK + 2], y[2 * SWEEP_BLOCK + 2], ones[SWEEP_BLOCK + 1];
    double wide[SWEEP_BLOCK + REFERENCE_LANES], wanted[SWEEP_BLOCK + REFERENCE_LANES];
    uint64_t strange; /* references that are not libm's */
} worker;

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef double wide8 __attribute__((vector_size(64)));
typedef int64_t int8 __attribute__((vector_size(64)));
typedef float float8 __attribute__((vector_size(32)));

/* Macros, since processors differ in how functions pass vectors of this size. */
#define ALL(x)             ((x) - (wide8){0})
#define CHOOSE(mask, a, b) ((wide8)(((mask) & (int8)(a)) | (~(mask) & (int8)(b))))
#define SIZE_OF(x)         ((wide8)((int8)(x)&INT64_MAX))

/* As sweep_judge for n elements: eight at once where nothing is special and no error is the largest so far. */
static void judge(sweep_result *r, const sweep *s, const float *x, const float *y, size_t step, const double *wanted,
                  size_t n)
{
    size_t i = 0;
    wide8 total = {0};
    for (; step == 1 && i + 8 <= n; i += 8) {
        wide8 w;
        float8 f;
        memcpy(&w, wanted + i, sizeof(w));
        memcpy(&f, y + i, sizeof(f));
        const wide8 v = __builtin_convertvector(f, wide8), magnitude = SIZE_OF(w), error = SIZE_OF(v - w);
        const int8 usual = (magnitude <= (double)FLT_MAX) & (SIZE_OF(v) <= (double)FLT_MAX);
        const int8 small = s->slope ? (int8){0} : magnitude < (double)FLT_MIN;
        const wide8 at = CHOOSE(magnitude > (double)FLT_MIN, magnitude, ALL((double)FLT_MIN));
        const wide8 unit = (wide8)(((int8)at & INT64_C(0x7ff0000000000000)) - ((int64_t)(FLT_MANT_DIG - 1) << 52));
        const wide8 ulp = error / unit, part = ulp / 4, absolute = error / 2.5e-7;
        const wide8 counted = CHOOSE(small, ALL(0), s->slope ? CHOOSE(part < absolute, part, absolute) : ulp);
        const wide8 below = CHOOSE(small, error / (double)FLT_MIN, ALL(0));
        const int8 special = ~usual | (counted > r->worst) | (below > r->subnormal);
        int64_t any = 0;
        for (int lane = 0; lane < 8; lane++) any |= special[lane];
        if (any) {
            for (size_t j = i; j < i + 8; j++) sweep_judge(r, s->slope, x[j], y[j], wanted[j]);
            continue;
        }
        total += counted;
        r->count += 8;
    }
    for (int lane = 0; lane < 8; lane++) r->total += total[lane];
    for (; i < n; i++) sweep_judge(r, s->slope, x[step * i], y[step * i], wanted[i]);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* wanted of n elements, of which every 61st is compared with libm's */
static void find_wanted(worker *w, size_t n, size_t step)
{
    const sweep *s = w->sweep;
    double (*const one)(double) = s->slope ? s->function->slope : s->function->value;
    for (size_t i = 0; i < n; i++) w->wide[i] = (double)w->x[step * i];
    if (!s->reference) {
        for (size_t i = 0; i < n; i++) w->wanted[i] = one(w->wide[i]);
        return;
    }
    for (size_t i = n; i % REFERENCE_LANES; i++) w->wide[i] = 0;
    s->reference(w->wide, w->wanted, (n + REFERENCE_LANES - 1) / REFERENCE_LANES * REFERENCE_LANES);
    for (size_t i = 0; i < n; i += 61) {
        const double exact = one(w->wide[i]), error = fabs(w->wanted[i] - exact);
        const double least =
            s->slope ? 1e-14 : 1e-300; /* a derivative's terms may cancel, and its bar is absolute then */
        w->strange += !(error <= 1e-12 * fabs(exact) + least || w->wanted[i] == exact || isnan(w->wide[i]));
    }
}

static void compute(worker *w, const contender *c, size_t n)
{
    const sweep *s = w->sweep;
    if (c->rival) {
        c->rival->forward(n, s->cols, w->x, w->y);
        return;
    }
    ffn_activation_forward(c->activation, n, s->cols, w->x, w->y, NULL);
    if (s->slope) ffn_activation_backward(c->activation, n, s->cols, w->x, w->y, w->ones, w->y, NULL);
}

static void sweep_all(worker *w, uint64_t first, size_t count)
{
    const sweep *s = w->sweep;
    const size_t before = first > 0, n = count + before, step = s->cols;
    for (size_t i = 0; i < n; i++) {
        w->x[step * i] = sweep_float((first - before + i) * s->range.stride);
        if (step == 2) w->x[2 * i + 1] = 0;
        w->ones[i] = 1;
    }
    find_wanted(w, n, step);
    for (size_t c = 0; c < s->contender_count; c++) {
        compute(w, &s->contenders[c], n);
        judge(&w->result[c], s, w->x + step * before, w->y + step * before, step, w->wanted + before, count);
        if (!s->slope && s->function->increasing)
            for (size_t i = 1; i < n; i++) w->result[c].steps_down += sweep_steps_down(w->y[i - 1], w->y[i]);
    }
}

static void *work(void *argument)
{
    worker *w = argument;
    sweep *s = w->sweep;
    const uint64_t elements = sweep_elements(s->range.stride);
    for (;;) {
        const uint64_t first = SWEEP_BLOCK * atomic_fetch_add(&s->next, 1);
        if (first >= elements) return NULL;
        const float size = fabsf(sweep_float(first * s->range.stride));
        if (size < s->range.from || size > s->range.to) continue;
        sweep_all(w, first, elements - first < SWEEP_BLOCK ? (size_t)(elements - first) : SWEEP_BLOCK);
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

typedef struct options {
    const char *filter;
    sweep_range range;
    bool sets[FFN__ISA_COUNT], rivals;
    size_t threads;
} options;

/* Of ours: whether it keeps its bar. */
static bool report(const sweep *s, const contender *c, const sweep_result *r)
{
    const bool good = sweep_good(r, s->function, s->slope);
    printf("%-12s%s %-9s %6.3f %8.4g %8.4f %16.9g %10.3g %8llu %8llu  %s\n", s->function->name, s->slope ? "'" : " ",
           c->name, s->slope ? 1 : s->function->bar, r->worst, r->count ? r->total / (double)r->count : 0,
           (double)r->worst_input, r->subnormal, (unsigned long long)r->steps_down, (unsigned long long)r->wrong,
           good ? "ok" : "PAST THE BAR");
    return good || c->rival;
}

static void choose_contenders(const options *o, sweep *s)
{
    const function *f = s->function;
    const ffn__isa_id usual = ffn__isa();
    for (ffn__isa_id isa = 0; isa < FFN__ISA_COUNT; isa++)
        if (o->sets[isa] && ffn__isa_force(isa))
            s->contenders[s->contender_count++] = (contender){ffn__isa_name(isa), f->kind(), NULL};
    (void)ffn__isa_force(usual);
    if (!o->rivals || s->slope) return;
    const contender rivals[RIVALS] = {{.name = "libm", .rival = rival_libm(f->name)},
                                      {.name = "sleef u10", .rival = rival_sleef_u10(f->name)},
                                      {.name = "sleef u35", .rival = rival_sleef_u35(f->name)},
                                      {.name = "onednn", .rival = rival_onednn(f->name)}};
    for (size_t i = 0; i < RIVALS; i++)
        if (rivals[i].rival) s->contenders[s->contender_count++] = rivals[i];
}

static bool run(const options *o, const function *f, bool slope)
{
    sweep s = {.function = f, .slope = slope, .range = o->range, .reference = reference_find(f->name, slope)};
    s.cols = f->kind().ops->over_rows ? 2 : 1;
    choose_contenders(o, &s);
    worker *workers = calloc(o->threads, sizeof(*workers));
    pthread_t threads[MOST_THREADS];
    bool started[MOST_THREADS];
    if (!workers) exit(2);
    for (size_t t = 0; t < o->threads; t++) {
        workers[t].sweep = &s;
        started[t] = pthread_create(&threads[t], NULL, work, &workers[t]) == 0;
        if (!started[t]) work(&workers[t]);
    }
    bool good = true;
    for (size_t t = 0; t < o->threads; t++) {
        if (started[t]) pthread_join(threads[t], NULL);
        if (workers[t].strange)
            good = false,
            printf("%s: %llu references are not libm's\n", f->name, (unsigned long long)workers[t].strange);
    }
    for (size_t c = 0; c < s.contender_count; c++) {
        sweep_result sum = {0};
        for (size_t t = 0; t < o->threads; t++) sweep_add(&sum, &workers[t].result[c]);
        good &= report(&s, &s.contenders[c], &sum);
    }
    fflush(stdout);
    free(workers);
    return good;
}

/* All sets that there are, or the one named. */
static bool choose_sets(options *o, const char *name)
{
    bool any = false;
    for (ffn__isa_id isa = 0; isa < FFN__ISA_COUNT; isa++) {
        o->sets[isa] = ffn__isa_available(isa) && (!name || strcmp(name, ffn__isa_name(isa)) == 0);
        any |= o->sets[isa];
    }
    return any;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"stride", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'a'},
        {"to", required_argument, NULL, 'b'},     {"filter", required_argument, NULL, 'f'},
        {"isa", required_argument, NULL, 'i'},    {"threads", required_argument, NULL, 't'},
        {"rivals", no_argument, NULL, 'r'},       {0},
    };
    options o = {.filter = "", .range = {.stride = 1, .from = 0, .to = INFINITY}, .threads = 2};
    bool right = choose_sets(&o, NULL);
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 's') o.range.stride = strtoull(optarg, NULL, 10);
        if (option == 'a') o.range.from = strtof(optarg, NULL);
        if (option == 'b') o.range.to = strtof(optarg, NULL);
        if (option == 'f') o.filter = optarg;
        if (option == 'r') o.rivals = true;
        if (option == 't') o.threads = (size_t)strtoul(optarg, NULL, 10);
        right = right && option != '?' && (option != 'i' || choose_sets(&o, optarg));
    }
    if (!right || o.range.stride == 0 || o.threads == 0 || o.threads > MOST_THREADS) {
        fprintf(stderr,
                "usage: %s [--stride N] [--from SIZE] [--to SIZE] [--filter TEXT] [--isa NAME] [--threads N] "
                "[--rivals]\n",
                argv[0]);
        return 2;
    }
    printf("stride %llu, |x| from %g to %g\n%-13s %-9s %6s %8s %8s %16s %10s %8s %8s\n",
           (unsigned long long)o.range.stride, (double)o.range.from, (double)o.range.to, "function", "set", "bar",
           "worst", "mean", "at", "subnormal", "steps", "wrong");
    bool good = true;
    for (size_t i = 0; i < SWEEP_FUNCTIONS; i++) {
        if (!strstr(functions[i].name, o.filter)) continue;
        good &= run(&o, &functions[i], false);
        if (functions[i].slope) good &= run(&o, &functions[i], true);
    }
    return good ? 0 : 1;
}
