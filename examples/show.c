#include "show.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the terminal ---------------------------------------------------------------------------------------- */

/* What standard output can do. */
typedef struct screen {
    bool live; /* a terminal on which a line can be written again */
    bool color;
    bool unicode;
} screen;

static bool set_and_not_empty(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0];
}

static const screen *get_screen(void)
{
    static screen s;
    static bool known;
    if (!known) {
        const char *terminal = getenv("TERM");
        s.live = isatty(STDOUT_FILENO) && terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
        s.color = s.live && !set_and_not_empty("NO_COLOR");
        s.unicode = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        known = true;
    }
    return &s;
}

/* In columns. Asked each time, since a window may change its size. */
static size_t screen_width(void)
{
    struct winsize window;
    const bool known = get_screen()->live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    return known ? window.ws_col : 80;
}

#define BOLD  "1"
#define DIM   "2"
#define RED   "31"
#define GREEN "32"
#define CYAN  "36"

/* The sequence that starts a style, or ends all with NULL; empty without colour. */
static void style(const char *code)
{
    if (get_screen()->color) printf("\033[%sm", code ? code : "0");
}

static bool line_open; /* a progress line stands without its newline */

int show_error(const char *program, const ffn_error *error)
{
    if (line_open) putchar('\n');
    line_open = false;
    (void)fflush(stdout);
    fprintf(stderr, "%s: %s\n", program, error->message);
    return 1;
}

int show_usage(int argc, char **argv, const char *usage)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') continue;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return printf("Usage: %s\n", usage) < 0 || fflush(stdout) != 0;
        fprintf(stderr, "'%s' is not an option\nUsage: %s\n", argv[i], usage);
        return 2;
    }
    return -1;
}

void show_summary(const ffn_model *model)
{
    const size_t size = ffn_model_summary(model, NULL, 0) + 1;
    char *text = malloc(size);
    if (!text) return;
    (void)ffn_model_summary(model, text, size);
    (void)fputs(text, stdout);
    free(text);
}

/* ---- progress -------------------------------------------------------------------------------------------- */

enum { LOSS, ACCURACY, SPEED, LEFT, VALIDATION, FIELDS };

/* As "0:07" or "1:02:03". */
static void format_time(double seconds, char *text, size_t size)
{
    const unsigned long s = seconds < 1e6 ? (unsigned long)ceil(seconds) : 1000000;
    if (s < 3600)
        (void)snprintf(text, size, "%lu:%02lu", s / 60, s % 60);
    else
        (void)snprintf(text, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

/* As "950", "12.3k" or "456M". */
static void format_rate(double rate, char *text, size_t size)
{
    static const char *const prefixes[] = {"", "k", "M", "G"};
    size_t thousands = 0;
    for (; rate >= 1e3 && thousands < 3; thousands++) rate /= 1e3;
    (void)snprintf(text, size, "%.*f%s", thousands == 0 || rate >= 100 ? 0 : 1, rate, prefixes[thousands]);
}

/* The figures in words; empty where there are none, blank for that of the validation. */
static void describe(const ffn_progress *p, bool brief, char fields[FIELDS][40])
{
    const double done = ((double)p->epoch - 1 + (double)p->batch / (double)p->batches) / (double)p->epochs;
    char rate[16], left[24];
    format_rate((double)p->rows / fmax(p->epoch_seconds, 1e-9), rate, sizeof rate);
    format_time(p->seconds / done - p->seconds, left, sizeof left);
    const size_t size = sizeof fields[0];
    for (size_t i = 0; i < FIELDS; i++) fields[i][0] = 0;
    (void)snprintf(fields[LOSS], size, "loss %.4f", p->loss);
    if (!isnan(p->accuracy)) (void)snprintf(fields[ACCURACY], size, brief ? "acc %.3f" : "accuracy %.4f", p->accuracy);
    (void)snprintf(fields[SPEED], size, brief ? "%s/s" : "%s samples/s", rate);
    (void)snprintf(fields[LEFT], size, "%s left", left);
    const double validation = isnan(p->validation_accuracy) ? p->validation_loss : p->validation_accuracy;
    if (isnan(validation)) /* as wide as the figure, which comes with the epoch's end */
        (void)snprintf(fields[VALIDATION], size, "%*s", brief ? 9 : 17, "");
    else
        (void)snprintf(fields[VALIDATION], size, brief ? "val %.3f" : "validation %.4f", validation);
}

/* A bar of `width` columns, of which the share `done` is filled. */
static void draw_bar(size_t width, double done)
{
    const bool unicode = get_screen()->unicode;
    const size_t filled = (size_t)(done * (double)width);
    style(done < 1 ? CYAN : GREEN);
    for (size_t i = 0; i < width; i++) {
        if (i == filled) style(DIM);
        (void)fputs(i < filled ? (unicode ? "━" : "#") : (unicode ? "─" : "."), stdout);
    }
    style(NULL);
}

/* What is left of `room` columns for a bar beside the first `shown` fields; 0 if it is too little. */
static size_t bar_width(size_t room, char fields[FIELDS][40], size_t shown)
{
    enum { shortest = 6, longest = 30 };
    size_t need = 1;
    for (size_t i = 0; i < shown; i++) need += strlen(fields[i]) + (fields[i][0] != 0);
    return need + shortest > room ? 0 : room - need < longest ? room - need : longest;
}

/* Fits the line to the window: short words if it must be, then fewer figures. */
static void draw_line(const ffn_progress *p)
{
    char head[48], fields[FIELDS][40];
    const int digits = snprintf(NULL, 0, "%zu", p->epochs);
    const size_t width = screen_width() - 1;
    const size_t used = (size_t)snprintf(head, sizeof head, "epoch %*zu/%zu", digits, p->epoch, p->epochs);
    const size_t room = used < width ? width - used : 0;
    size_t shown = FIELDS;
    describe(p, false, fields);
    size_t bar = bar_width(room, fields, shown);
    if (bar == 0) describe(p, true, fields);
    while (bar == 0 && shown > 0) {
        bar = bar_width(room, fields, shown);
        if (bar == 0) shown--;
    }

    printf("\r%.*s", (int)width, head);
    if (bar > 0) {
        putchar(' ');
        draw_bar(bar, (double)p->batch / (double)p->batches);
    }
    for (size_t i = 0; i < shown; i++)
        if (fields[i][0]) printf(" %s", fields[i]);
    printf("\033[K");
    line_open = true;
}

int show_batch(const ffn_progress *progress, void *user)
{
    (void)user;
    static double drawn;
    const bool due = progress->seconds < drawn || progress->seconds - drawn > 0.05;
    if (get_screen()->live && due) {
        drawn = progress->seconds;
        draw_line(progress);
        (void)fflush(stdout);
    }
    return 0;
}

int show_epoch(const ffn_progress *progress, void *user)
{
    (void)user;
    if (get_screen()->live) {
        draw_line(progress);
    } else {
        char fields[FIELDS][40];
        describe(progress, false, fields);
        printf("epoch %zu/%zu:", progress->epoch, progress->epochs);
        for (size_t i = 0; i < FIELDS; i++)
            if (fields[i][0] > ' ') printf("%s %s", i ? "," : "", fields[i]);
    }
    putchar('\n');
    line_open = false;
    (void)fflush(stdout);
    return 0;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

enum { NAME_SIZE = 24 };

/* Cut to what a table has room for. */
static void class_name(const ffn_dataset *dataset, size_t index, char name[NAME_SIZE])
{
    const char *known = ffn_dataset_class_name(dataset, index);
    if (known)
        (void)snprintf(name, NAME_SIZE, "%s", known);
    else
        (void)snprintf(name, NAME_SIZE, "%zu", index);
}

static int widest_name(const ffn_dataset *dataset, size_t classes, int least)
{
    int widest = least;
    for (size_t i = 0; i < classes; i++) {
        char name[NAME_SIZE];
        class_name(dataset, i, name);
        if ((int)strlen(name) > widest) widest = (int)strlen(name);
    }
    return widest;
}

void show_confusion(const ffn_metrics *metrics, const ffn_dataset *dataset)
{
    const size_t classes = metrics->classes;
    const int width = widest_name(dataset, classes, 3);
    char name[NAME_SIZE];
    printf("confusion matrix (a row: the actual class, a column: the predicted one)\n");
    printf("%*s", width + 2, "");
    for (size_t j = 0; j < classes; j++) {
        class_name(dataset, j, name);
        printf("  %*s", width, name);
    }
    putchar('\n');
    for (size_t i = 0; i < classes; i++) {
        class_name(dataset, i, name);
        printf("  %*s", width, name);
        for (size_t j = 0; j < classes; j++) {
            const size_t n = metrics->confusion[i * classes + j];
            style(i == j ? GREEN : n ? RED : DIM);
            if (n)
                printf("  %*zu", width, n);
            else
                printf("  %*s", width, ".");
            style(NULL);
        }
        putchar('\n');
    }
}

void show_scores(const ffn_metrics *metrics, const ffn_dataset *dataset)
{
    const size_t classes = metrics->classes;
    const int width = widest_name(dataset, classes, 5);
    double precision = 0, recall = 0;
    style(BOLD);
    printf("  %-*s  precision  recall      F1    rows\n", width, "class");
    style(NULL);
    for (size_t i = 0; i < classes; i++) {
        char name[NAME_SIZE];
        class_name(dataset, i, name);
        size_t rows = 0;
        for (size_t j = 0; j < classes; j++) rows += metrics->confusion[i * classes + j];
        printf("  %-*s     %.4f  %.4f  %.4f  %6zu\n", width, name, metrics->precision[i], metrics->recall[i],
               metrics->f1[i], rows);
        precision += metrics->precision[i] / (double)classes;
        recall += metrics->recall[i] / (double)classes;
    }
    style(BOLD);
    printf("  %-*s     %.4f  %.4f  %.4f  %6zu\n", width, "mean", precision, recall, metrics->macro_f1, metrics->rows);
    style(NULL);
}

/* ---- images ---------------------------------------------------------------------------------------------- */

void show_images(const show_image *images, size_t count, size_t width, size_t height, float white)
{
    static const char *const blocks[] = {" ", "░", "▒", "▓", "█"};
    static const char *const letters[] = {" ", ".", ":", "+", "#"};
    const char *const *shades = get_screen()->unicode ? blocks : letters;
    const size_t cell = 2 * width + 2, fit = screen_width() / cell;
    if (count > fit) count = fit;
    for (size_t i = 0; i < count; i++) printf("  %-*.*s", (int)(2 * width), (int)(2 * width), images[i].caption);
    putchar('\n');
    for (size_t y = 0; y < height; y++) {
        for (size_t i = 0; i < count; i++) {
            printf("  ");
            for (size_t x = 0; x < width; x++) {
                const float value = images[i].pixels[y * width + x] / white;
                const char *shade = shades[value > 0 ? (value < 1 ? (size_t)(5 * value) : 4) : 0];
                printf("%s%s", shade, shade);
            }
        }
        putchar('\n');
    }
}
