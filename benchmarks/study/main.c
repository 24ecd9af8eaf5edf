#define _GNU_SOURCE
#include "study.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef STUDY_DIGITS
#define STUDY_DIGITS "examples/data/digits.csv"
#endif

typedef struct command {
    const char *idx, *digits, *folder, *curves;
    bool quick, theory;
    size_t threads;
    study_config config;
} command;

static int usage(const char *program, FILE *out)
{
    fprintf(out,
            "What the choice of the activation does to learning: a table, CSV and SVG files.\n\n"
            "usage: %s [options]\n"
            "  --output DIR       for report.txt, *.csv, *.svg; default activation-study. Started again, it goes on\n"
            "  --quick            a study of less than a minute\n"
            "  --idx DIR          a folder with MNIST's four files; default: 1797 digits of 8 x 8 pixels\n"
            "  --experiment NAME  one of those below\n"
            "  --activations LIST names with commas in between\n"
            "  --units N --layers N --depths LIST --epochs N --depth-epochs N --tune-epochs N --batch N --seeds N\n"
            "  --rates LIST       learning rates to choose from\n"
            "  --rows N           training rows; default: all\n"
            "  --init NAME        initial weights: he (default), lecun, normed, or own, of the library's variance\n"
            "  --dropout RATE     after every hidden layer\n"
            "  --threads N        default 1\n"
            "  --theory           only print E f, E f^2, E f'^2 and compare them with their known values\n"
            "  --curves DIR       only draw f and f' of every activation as activation-NAME.svg\n\n"
            "experiments:\n",
            program);
    for (const study_config *c = study_configs; c->name; c++) fprintf(out, "  %-14s %s\n", c->name, c->what);
    return out == stdout ? 0 : 2;
}

/* ---- values of options --------------------------------------------------------------------------------------------- */

static int wrong(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "--%s is '%s'; expected %s\n", option, value, expected);
    exit(2);
}

static double number(const char *option, const char *value, double low, double high)
{
    char *end;
    const double x = strtod(value, &end);
    if (end == value || *end || !(x >= low && x <= high)) (void)wrong(option, value, "a number in its range");
    return x;
}

static size_t whole(const char *option, const char *value, size_t high)
{
    const double x = number(option, value, 1, (double)high);
    if (x != (double)(size_t)x) (void)wrong(option, value, "a whole number");
    return (size_t)x;
}

/* Numbers with commas in between, to values [most], ended by 0. */
static void list(const char *option, const char *value, double low, double high, size_t most, double *values)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s", value);
    size_t count = 0;
    char *rest = text;
    for (char *part; (part = strsep(&rest, ",")); count++) {
        if (count == most) (void)wrong(option, value, "fewer numbers");
        values[count] = number(option, part, low, high);
    }
    if (count < most) values[count] = 0;
}

static void choose_config(command *c, const char *name)
{
    for (const study_config *config = study_configs; config->name; config++)
        if (strcmp(config->name, name) == 0) {
            c->config = *config;
            return;
        }
    (void)wrong("experiment", name, "one that --help lists");
}

static void choose_init(command *c, const char *name)
{
    for (size_t i = 0; i < STUDY_INITS; i++)
        if (strcmp(name, study_init_names[i]) == 0) {
            c->config.init = (study_init)i;
            return;
        }
    (void)wrong("init", name, "he, lecun, normed or own");
}

static void choose_depths(command *c, const char *value)
{
    double depths[STUDY_MOST_DEPTHS];
    list("depths", value, 1, STUDY_MOST_LAYERS, STUDY_MOST_DEPTHS, depths);
    for (size_t i = 0; i < STUDY_MOST_DEPTHS; i++) c->config.depths[i] = 0;
    for (size_t i = 0; i < STUDY_MOST_DEPTHS && depths[i] > 0; i++) c->config.depths[i] = (size_t)depths[i];
}

/* ---- the command line ---------------------------------------------------------------------------------------------- */

enum {
    OUTPUT = 256,
    QUICK,
    IDX,
    DIGITS,
    EXPERIMENT,
    ACTIVATIONS,
    UNITS,
    LAYERS,
    DEPTHS,
    EPOCHS,
    DEPTH_EPOCHS,
    TUNE_EPOCHS,
    BATCH,
    SEEDS,
    RATES,
    ROWS,
    INIT,
    DROPOUT,
    THREADS,
    THEORY,
    CURVES
};

static const struct option options[] = {
    {"output", required_argument, NULL, OUTPUT},
    {"quick", no_argument, NULL, QUICK},
    {"idx", required_argument, NULL, IDX},
    {"digits", required_argument, NULL, DIGITS},
    {"experiment", required_argument, NULL, EXPERIMENT},
    {"activations", required_argument, NULL, ACTIVATIONS},
    {"units", required_argument, NULL, UNITS},
    {"layers", required_argument, NULL, LAYERS},
    {"depths", required_argument, NULL, DEPTHS},
    {"epochs", required_argument, NULL, EPOCHS},
    {"depth-epochs", required_argument, NULL, DEPTH_EPOCHS},
    {"tune-epochs", required_argument, NULL, TUNE_EPOCHS},
    {"batch", required_argument, NULL, BATCH},
    {"seeds", required_argument, NULL, SEEDS},
    {"rates", required_argument, NULL, RATES},
    {"rows", required_argument, NULL, ROWS},
    {"init", required_argument, NULL, INIT},
    {"dropout", required_argument, NULL, DROPOUT},
    {"threads", required_argument, NULL, THREADS},
    {"theory", no_argument, NULL, THEORY},
    {"curves", required_argument, NULL, CURVES},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What changes the study, once that is chosen. */
static void change(command *c, int option, const char *name, const char *value)
{
    study_config *config = &c->config;
    switch (option) {
    case ACTIVATIONS: config->activations = value; break;
    case UNITS: config->units = whole(name, value, 4096); break;
    case LAYERS: config->layers = whole(name, value, STUDY_MOST_LAYERS); break;
    case DEPTHS: choose_depths(c, value); break;
    case EPOCHS: config->epochs = whole(name, value, 100000); break;
    case DEPTH_EPOCHS: config->depth_epochs = whole(name, value, 100000); break;
    case TUNE_EPOCHS: config->tune_epochs = whole(name, value, 100000); break;
    case BATCH: config->batch = whole(name, value, 1 << 20); break;
    case SEEDS:
        config->seeds = whole(name, value, STUDY_MOST_SEEDS);
        if (!config->layers) config->depth_seeds = config->seeds;
        break;
    case RATES: list(name, value, 1e-12, 1e6, STUDY_MOST_RATES, config->rates); break;
    case ROWS: config->rows = whole(name, value, SIZE_MAX >> 12); break;
    case INIT: choose_init(c, value); break;
    case DROPOUT: config->dropout = number(name, value, 0, 0.99); break;
    default: break;
    }
}

static command parse(int argc, char **argv)
{
    command c = {.digits = STUDY_DIGITS, .folder = "activation-study", .threads = 1, .config = study_configs[0]};
    for (int option, at; (option = getopt_long(argc, argv, "h", options, &at)) != -1;) switch (option) {
        case OUTPUT: c.folder = optarg; break;
        case QUICK: c.quick = true; break;
        case IDX: c.idx = optarg; break;
        case DIGITS: c.digits = optarg; break;
        case EXPERIMENT: choose_config(&c, optarg); break;
        case THREADS: c.threads = whole("threads", optarg, 1024); break;
        case THEORY: c.theory = true; break;
        case CURVES: c.curves = optarg; break;
        case 'h': exit(usage(argv[0], stdout));
        case '?': exit(usage(argv[0], stderr));
        default: break;
        }
    if (optind < argc) exit(usage(argv[0], stderr));
    if (c.quick) c.config = study_quick(c.config);
    optind = 1;
    for (int option, at; (option = getopt_long(argc, argv, "h", options, &at)) != -1;)
        if (option >= OUTPUT) change(&c, option, options[at].name, optarg);
    return c;
}

/* ---- the study ----------------------------------------------------------------------------------------------------- */

static ffn_status write_report(const study *s, ffn_error *error)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/report.txt", s->folder);
    FILE *file = fopen(path, "w");
    if (!file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    ffn_status status = study_report(s, file, error);
    if (fclose(file) != 0 && status == FFN_OK)
        status = ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    return status == FFN_OK ? study_report(s, stdout, error) : status;
}

static ffn_status run(const command *c, ffn_error *error)
{
    study s = {.config = c->config, .folder = c->folder};
    ffn_status status = study_parse_activations(s.config.activations, &s.activations, error);
    if (status == FFN_OK) status = ffn_set_threads(c->threads, error);
    if (status == FFN_OK) status = study_load(&s.config, c->idx, c->digits, &s.data, error);
    if (status == FFN_OK) status = study_execute(&s, error);
    if (status == FFN_OK) status = write_report(&s, error);
    if (status == FFN_OK) status = study_draw(&s, error);
    if (status == FFN_OK) printf("\nfiles: %s\n", s.folder);
    study_free(&s);
    return status;
}

int main(int argc, char **argv)
{
    const command c = parse(argc, argv);
    ffn_error error = {FFN_OK, ""};
    ffn_status status;
    if (c.curves) {
        (void)mkdir(c.curves, 0777);
        status = study_draw_curves(c.curves, &error);
    } else if (c.theory) {
        status = study_check_moments(study_known, stdout, &error);
    } else {
        status = run(&c, &error);
    }
    if (status == FFN_OK) return 0;
    (void)fflush(stdout);
    fprintf(stderr, "%s: %s\n", argv[0], error.message);
    return 1;
}
