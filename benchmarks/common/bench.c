#define _GNU_SOURCE
#include "bench.h"

#include "tensor/isa.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <dirent.h>
#include <sched.h>
#endif
#ifdef BENCH_OPENBLAS
#include <cblas.h>
#endif

/* ---- the BLAS's kernels ---------------------------------------------------------------------------------------- */

/* OpenBLAS falls back to narrow kernels on processors that are younger than itself, and a bound made of those is none.
 * It takes a hint from the environment when it is loaded, so the program starts itself once more with
 * the hint given. */
static void choose_blas_core(char **argv, ffn__isa_id isa)
{
#if defined(BENCH_OPENBLAS) && defined(__x86_64__)
    const char *core = openblas_get_corename(), *better = NULL;
    const bool known = strcmp(core, "SkylakeX") == 0 || strcmp(core, "Cooperlake") == 0 ||
                       strcmp(core, "SapphireRapids") == 0 || strcmp(core, "Zen") == 0;
    if (__builtin_cpu_supports("avx512f") && !known)
        better = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && !known && strcmp(core, "Haswell") != 0)
        better = "Haswell";
    if (isa == FFN__ISA_AVX2 && strcmp(core, "Haswell") != 0) better = "Haswell";
    if (!better || getenv("OPENBLAS_CORETYPE")) return;
    setenv("OPENBLAS_CORETYPE", better, 1);
    execv("/proc/self/exe", argv);
#else
    (void)argv, (void)isa;
#endif
}

/* ---- options --------------------------------------------------------------------------------------------------- */

static void usage(const char *program, const char *what, FILE *out)
{
    fprintf(out,
            "%s\n\nusage: %s [options]\n"
            "  --csv, --json      instead of a table\n"
            "  --filter TEXT      only cases whose name contains it\n"
            "  --threads N        1 or 2; default: both\n"
            "  --min-time SECONDS measured for each row of a case; default 0.5\n"
            "  --pin              one thread to each core (always with two threads)\n"
            "  --kernels NAME     kernel table: auto (default), blas or native\n"
            "  --isa NAME         instruction set: generic, avx2 or avx512; OpenBLAS is asked for kernels as wide\n",
            what, program);
}

static double positive(const char *text, const char *option)
{
    char *end;
    const double value = strtod(text, &end);
    if (*end == '\0' && end != text && value > 0 && value < 1e6) return value;
    fprintf(stderr, "--%s %s: expected a positive number\n", option, text);
    exit(2);
}

static void force_isa(const char *name)
{
    for (ffn__isa_id isa = FFN__ISA_GENERIC; isa < FFN__ISA_COUNT; isa++)
        if (strcmp(name, ffn__isa_name(isa)) == 0 && ffn__isa_force(isa)) return;
    fprintf(stderr, "--isa %s: not a set that this processor has\n", name);
    exit(2);
}

static bool find_kernels(const char *name, ffn_kernels *kernels)
{
    static const char *const names[] = {
        [FFN_KERNELS_AUTO] = "auto", [FFN_KERNELS_BLAS] = "blas", [FFN_KERNELS_NATIVE] = "native"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names)[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *kernels = (ffn_kernels)i;
            return true;
        }
    return false;
}

bench_options bench_parse(int argc, char **argv, const char *what)
{
    static const struct option options[] = {
        {"csv", no_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"filter", required_argument, NULL, 'f'},
        {"threads", required_argument, NULL, 't'},
        {"min-time", required_argument, NULL, 'm'},
        {"pin", no_argument, NULL, 'p'},
        {"kernels", required_argument, NULL, 'k'},
        {"isa", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bench_options o = {.min_time = 0.5, .kernels = "auto"};
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (option) {
        case 'c': o.format = BENCH_CSV; break;
        case 'j': o.format = BENCH_JSON; break;
        case 'f': o.filter = optarg; break;
        case 't': o.threads = (size_t)positive(optarg, "threads"); break;
        case 'm': o.min_time = positive(optarg, "min-time"); break;
        case 'p': o.pin = true; break;
        case 'k': o.kernels = optarg; break;
        case 'i': force_isa(optarg); break;
        case 'h': usage(argv[0], what, stdout); exit(0);
        default: usage(argv[0], what, stderr); exit(2);
        }
    if (o.threads > 2 || optind < argc) {
        usage(argv[0], what, stderr);
        exit(2);
    }
    if (!find_kernels(o.kernels, &o.table)) {
        fprintf(stderr, "--kernels %s: expected auto, blas or native\n", o.kernels);
        exit(2);
    }
    choose_blas_core(argv, ffn__isa());
    return o;
}

bool bench_selected(const bench_options *options, const char *name, size_t threads)
{
    return (!options->filter || strstr(name, options->filter)) && (!options->threads || options->threads == threads);
}

/* ---- time and cores -------------------------------------------------------------------------------------------- */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rest(double seconds)
{
    const struct timespec t = {0, (long)(seconds * 1e9)};
    nanosleep(&t, NULL);
}

#ifdef __linux__
static void pin_thread(int thread, size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(thread, sizeof(set), &set);
}

void bench_pin(void)
{
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return;
    pin_thread(0, 0);
    const int self = (int)strtol(strrchr(realpath("/proc/thread-self", (char[4096]){0}), '/') + 1, NULL, 10);
    for (struct dirent *entry; (entry = readdir(tasks));) {
        const int thread = (int)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && thread != self) pin_thread(thread, 1);
    }
    closedir(tasks);
}
#else
void bench_pin(void) {}
#endif

/* ---- measuring ------------------------------------------------------------------------------------------------- */

enum { MOST_CHUNKS = 4096 };
static const double chunk_time = 0.02;

/* A chunk of `count` units in seconds per unit. Threads that OpenBLAS leaves spinning must not disturb
 * who comes next. */
static double time_chunk(const bench_row *row, size_t count)
{
#ifdef BENCH_OPENBLAS
    openblas_set_num_threads((int)row->blas_threads);
#endif
    if (row->prepare) row->prepare(row->context);
    row->run(row->context, 1);
    const double start = bench_now();
    row->run(row->context, count);
    const double seconds = bench_now() - start;
    if (row->blas_threads > 1) rest(0.06);
    return seconds / (double)count;
}

static size_t units_per_chunk(const bench_row *row)
{
    size_t count = 1;
    for (double seconds = 0; seconds * (double)count < chunk_time && count < (size_t)1 << 30;) {
        seconds = time_chunk(row, count);
        const double wanted = chunk_time / fmax(seconds, 1e-9);
        if (wanted <= (double)count * 1.5) return wanted < 1 ? 1 : (size_t)wanted;
        count = wanted < (double)count * 10 ? (size_t)wanted : count * 10;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_measure(const bench_options *options, bench_row *rows, size_t count)
{
    static double seconds[BENCH_MOST_ROWS][MOST_CHUNKS];
    size_t units[BENCH_MOST_ROWS], chunks = 0;
    for (size_t r = 0; r < count; r++) units[r] = units_per_chunk(&rows[r]);
    const double start = bench_now();
    while (chunks < MOST_CHUNKS && (chunks < 5 || bench_now() - start < options->min_time * (double)count)) {
        for (size_t r = 0; r < count; r++) seconds[r][chunks] = time_chunk(&rows[r], units[r]);
        chunks++;
    }
    for (size_t r = 0; r < count; r++) {
        qsort(seconds[r], chunks, sizeof(double), compare);
        rows[r].median = rows[r].samples / seconds[r][chunks / 2];
        rows[r].minimum = rows[r].samples / seconds[r][chunks - 1];
        rows[r].maximum = rows[r].samples / seconds[r][0];
        rows[r].undisturbed = rows[r].samples / seconds[r][chunks / 10];
    }
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

static const char *const formats[] = {
    [BENCH_TABLE] = "%-16s %7zu  %-7s %-16s %12.4g %12.4g %12.4g %12.4g %8.3f\n",
    [BENCH_CSV] = "%s,%zu,%s,%s,%.6g,%.6g,%.6g,%.6g,%.4f\n",
    [BENCH_JSON] = ("{\"case\": \"%s\", \"threads\": %zu, \"kernels\": \"%s\", \"row\": \"%s\", \"median\": %.6g, "
                    "\"minimum\": %.6g, \"maximum\": %.6g, \"undisturbed\": %.6g, \"ratio_to_bound\": %.4f}"),
};
static bool printed;

static void print(const bench_options *options, const char *name, size_t threads, const bench_row *rows, size_t count)
{
    if (!printed && options->format == BENCH_TABLE)
        printf("%-16s %7s  %-7s %-16s %12s %12s %12s %12s %8s\n", "case", "threads", "kernels", "row", "median",
               "minimum", "maximum", "undisturbed", "ratio");
    if (!printed && options->format == BENCH_CSV)
        puts("case,threads,kernels,row,median,minimum,maximum,undisturbed,ratio_to_bound");
    if (!printed && options->format == BENCH_JSON) fputs("[\n", stdout);
    for (size_t r = 0; r < count; r++) {
        if (options->format == BENCH_JSON && printed) fputs(",\n", stdout);
        printed = true;
        printf(formats[options->format], name, threads, options->kernels, rows[r].name, rows[r].median, rows[r].minimum,
               rows[r].maximum, rows[r].undisturbed, rows[r].undisturbed / rows[0].undisturbed);
    }
    fflush(stdout);
}

void bench_run(const bench_options *options, const char *name, size_t threads, bench_row *rows, size_t count)
{
    for (size_t r = 0; r < count; r++) (void)time_chunk(&rows[r], 1); /* starts the threads */
    if (options->pin || threads > 1) bench_pin();
    bench_measure(options, rows, count);
    print(options, name, threads, rows, count);
}

void bench_finish(const bench_options *options)
{
    if (options->format == BENCH_JSON) puts(printed ? "\n]" : "[]");
}
