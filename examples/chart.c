#include "show.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- scales ---------------------------------------------------------------------------------------------- */

typedef struct range {
    double low, high, step; /* step: from tick to tick */
} range;

/* A round number (1, 2 or 5 times a power of ten) that cuts `length` into about `parts`. */
static double round_step(double length, double parts)
{
    const double power = pow(10, floor(log10(length / parts))), lead = length / parts / power;
    return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

static double element(const double *values, const show_series *series, size_t index)
{
    return values ? values[index * (series->stride ? series->stride : 1)] : (double)(index + 1);
}

/* What an axis measures: the value or, not finite where there is none, its power of ten. */
static double measure(double value, bool logarithmic) { return logarithmic ? log10(value) : value; }

static range include(range r, double value)
{
    return isfinite(value) ? (range){fmin(r.low, value), fmax(r.high, value), r.step} : r;
}

/* The range of all finite values of x or y; 0 to 1 if there are none. */
static range find_range(const show_panel *panel, bool of_x, double parts)
{
    const bool logarithmic = panel->log_y && !of_x;
    range r = {INFINITY, -INFINITY, 0};
    bool whole = of_x;
    for (size_t s = 0; s < panel->count; s++) {
        const show_series *series = &panel->series[s];
        for (size_t i = 0; i < series->count; i++) {
            const double value = measure(element(of_x ? series->x : series->y, series, i), logarithmic);
            r = include(r, value);
            whole = whole && value == floor(value);
            if (of_x || !series->low) continue;
            r = include(r, measure(element(series->low, series, i), logarithmic));
            r = include(r, measure(element(series->high, series, i), logarithmic));
        }
    }
    if (!(r.low <= r.high)) r.low = 0, r.high = 1;
    if (!(r.high - r.low > 1e-9 * fmax(1, fabs(r.high)))) r.low -= r.low != 0 ? 0.5 : 0, r.high += r.low != 0 ? 0.5 : 1;
    r.step = round_step(r.high - r.low, parts);
    if (whole || logarithmic) r.step = fmax(1, r.step);
    return r;
}

/* The range widened to whole steps. */
static range widen(range r)
{
    return (range){r.step * floor(r.low / r.step + 1e-9), r.step * ceil(r.high / r.step - 1e-9), r.step};
}

/* ---- drawing --------------------------------------------------------------------------------------------- */

/* In pixels. */
enum {
    WIDTH_ALONE = 720,
    WIDTH_BESIDE = 480,
    HEIGHT = 360,
    LEFT = 68,
    RIGHT = 56,
    TOP = 68,
    BOTTOM = 52,
    PLOT_HEIGHT = HEIGHT - TOP - BOTTOM,
    TEXT = 12
};
enum { MOST_LABELS = 64 };

#define INK   "#1f2937"
#define FAINT "#6b7280"
#define GRID  "#e5e7eb"

static const char *const colors[] = {"#2563eb", "#ea580c", "#059669", "#7c3aed",
                                     "#db2777", "#0891b2", "#a16207", "#4b5563"};
enum { COLORS = sizeof colors / sizeof colors[0] };

static const char *color_of(const show_panel *panel, size_t series)
{
    const size_t chosen = panel->series[series].color;
    return colors[(chosen ? chosen - 1 : series) % COLORS];
}

typedef struct canvas {
    FILE *file;
    double left, top, width; /* of the area inside the axes */
    range x, y;
    bool log_y;
    size_t labels; /* beside the panel's dots; where those stand that others must not cover: */
    struct {
        double x, y, width;
    } label[MOST_LABELS];
} canvas;

static double place_x(const canvas *c, double x)
{
    return c->left + c->width * (x - c->x.low) / (c->x.high - c->x.low);
}
static double place_y(const canvas *c, double y)
{
    return c->top + PLOT_HEIGHT * (c->y.high - y) / (c->y.high - c->y.low);
}
/* Where point `index` of y, or of another array in its place, stands; false where a coordinate is missing. */
static bool place(const canvas *c, const show_series *series, const double *y, size_t index, double *px, double *py)
{
    const double a = element(series->x, series, index), b = measure(element(y, series, index), c->log_y);
    *px = place_x(c, a);
    *py = place_y(c, b);
    return isfinite(a) && isfinite(b);
}

/* anchor: start, middle or end. */
static void write_text(const canvas *c, double x, double y, const char *anchor, const char *color, const char *text)
{
    fprintf(c->file, "<text x='%.1f' y='%.1f' text-anchor='%s' fill='%s'>", x, y, anchor, color);
    for (; *text; text++) {
        const char *escape = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : NULL;
        if (escape)
            (void)fputs(escape, c->file);
        else
            (void)fputc(*text, c->file);
    }
    fprintf(c->file, "</text>\n");
}

/* With the decimals that tell one tick from the next. */
static void format_tick(double value, double step, char text[32])
{
    const int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (fabs(value) < 1e6 && decimals < 6)
        (void)snprintf(text, 32, "%.*f", decimals, value);
    else
        (void)snprintf(text, 32, "%g", value);
}

static void draw_axes(const canvas *c, const show_panel *panel)
{
    const double left = c->left, right = left + c->width, bottom = c->top + PLOT_HEIGHT;
    char text[32];
    for (double i = ceil(c->y.low / c->y.step - 1e-9); i * c->y.step <= c->y.high + 1e-9 * c->y.step; i++) {
        const double y = place_y(c, i * c->y.step);
        fprintf(c->file, "<path d='M%.1f %.1fH%.1f' stroke='%s'/>\n", left, y, right, GRID);
        if (c->log_y)
            (void)snprintf(text, sizeof text, "1e%.0f", i * c->y.step);
        else
            format_tick(i == 0 ? 0 : i * c->y.step, c->y.step, text);
        write_text(c, left - 9, y + 4, "end", FAINT, text);
    }
    for (double i = ceil(c->x.low / c->x.step - 1e-9); i * c->x.step <= c->x.high + 1e-9 * c->x.step; i++) {
        const double x = place_x(c, i * c->x.step);
        fprintf(c->file, "<path d='M%.1f %.1fv5' stroke='%s'/>\n", x, bottom, FAINT);
        format_tick(i == 0 ? 0 : i * c->x.step, c->x.step, text);
        write_text(c, x, bottom + 19, "middle", FAINT, text);
    }
    fprintf(c->file, "<path fill='none' d='M%.1f %.1fV%.1fH%.1f' stroke='%s'/>\n", left, c->top, bottom, right, FAINT);
    write_text(c, (left + right) / 2, bottom + 40, "middle", INK, panel->x_label);
    fprintf(c->file, "<g transform='translate(%.1f %.1f) rotate(-90)'>", left - 50, c->top + PLOT_HEIGHT / 2.0);
    write_text(c, 0, 0, "middle", INK, panel->y_label);
    fprintf(c->file, "</g>\n");
    fprintf(c->file, "<g font-size='15' font-weight='600'>");
    write_text(c, left, c->top - TOP + 26, "start", INK, panel->title);
    fprintf(c->file, "</g>\n");
}

static const char *dashes(show_style style) { return style == SHOW_DASHES ? " stroke-dasharray='6 4'" : ""; }

/* A second line takes what the first has no room for. */
static void draw_legend(const canvas *c, const show_panel *panel)
{
    double x = c->left, y = c->top - TOP + 46;
    for (size_t s = 0; s < panel->count; s++) {
        const show_series *series = &panel->series[s];
        const char *color = color_of(panel, s);
        if (!series->name) continue;
        const double width = 26 + 0.56 * TEXT * (double)strlen(series->name);
        if (x > c->left && x + width > c->left + c->width + RIGHT) x = c->left, y += TEXT + 2;
        if (series->style == SHOW_DOTS)
            fprintf(c->file, "<circle cx='%.1f' cy='%.1f' r='3' fill='%s' fill-opacity='.6'/>\n", x + 10, y, color);
        else
            fprintf(c->file, "<path d='M%.1f %.1fh20' stroke='%s' stroke-width='2.2'%s/>\n", x, y, color,
                    dashes(series->style));
        write_text(c, x + 26, y + 4, "start", INK, series->name);
        x += width + 20;
    }
}

/* Beside the dot at (x, y), or below where there is something else. */
static void label_dot(canvas *c, double x, double y, const char *color, const char *text)
{
    const double width = 0.56 * TEXT * (double)strlen(text);
    for (size_t i = 0; i < c->labels; i++) {
        const bool beside = x > c->label[i].x + c->label[i].width || c->label[i].x > x + width;
        if (beside || fabs(y - c->label[i].y) >= TEXT) continue;
        y = c->label[i].y + TEXT;
        i = (size_t)-1; /* once more, from the first */
    }
    if (c->labels < MOST_LABELS) {
        c->label[c->labels].x = x;
        c->label[c->labels].y = y;
        c->label[c->labels++].width = width;
    }
    write_text(c, x + 6, y + 4, "start", color, text);
}

static void draw_dots(canvas *c, const show_series *series, const char *color)
{
    double x, y;
    fprintf(c->file, "<g fill='%s' fill-opacity='.45'>\n", color);
    for (size_t i = 0; i < series->count; i++)
        if (place(c, series, series->y, i, &x, &y)) fprintf(c->file, "<circle cx='%.1f' cy='%.1f' r='2.6'/>\n", x, y);
    fprintf(c->file, "</g>\n");
    for (size_t i = 0; series->labels && i < series->count; i++)
        if (place(c, series, series->y, i, &x, &y)) label_dot(c, x, y, color, series->labels[i]);
}

/* Broken where a value is missing. */
static void draw_line(canvas *c, const show_series *series, const char *color)
{
    fprintf(c->file,
            "<path fill='none' stroke='%s' stroke-width='2.2' stroke-linejoin='round' stroke-linecap='round'%s d='",
            color, dashes(series->style));
    bool open = false;
    for (size_t i = 0; i < series->count; i++) {
        double x, y;
        const bool here = place(c, series, series->y, i, &x, &y);
        if (here) fprintf(c->file, "%c%.1f %.1f", open ? 'L' : 'M', x, y);
        open = here;
    }
    fprintf(c->file, "'/>\n");
}

/* From low to high, where both are there. */
static void draw_band(const canvas *c, const show_series *series, const char *color)
{
    double x, y, other;
    fprintf(c->file, "<path fill='%s' fill-opacity='.13' d='", color);
    bool open = false;
    for (size_t i = 0; i < 2 * series->count; i++) {
        const bool back = i >= series->count;
        const size_t index = back ? 2 * series->count - 1 - i : i;
        if (!place(c, series, back ? series->low : series->high, index, &x, &other) ||
            !place(c, series, back ? series->high : series->low, index, &x, &y))
            continue;
        fprintf(c->file, "%c%.1f %.1f", open ? 'L' : 'M', x, y);
        open = true;
    }
    fprintf(c->file, "'/>\n");
}

/* The last values, at their lines' ends but not on each other. */
static void label_ends(const canvas *c, const show_panel *panel)
{
    double taken[COLORS];
    size_t labels = 0;
    for (size_t s = 0; s < panel->count && labels < COLORS; s++) {
        const show_series *series = &panel->series[s];
        double x, y;
        if (series->count == 0 || !place(c, series, series->y, series->count - 1, &x, &y)) continue;
        fprintf(c->file, "<circle cx='%.1f' cy='%.1f' r='3.2' fill='%s'/>\n", x, y, color_of(panel, s));
        for (size_t i = 0; i < labels; i++)
            if (fabs(y - taken[i]) < TEXT + 1) y = taken[i] + (y < taken[i] ? -1 : 1) * (TEXT + 1);
        taken[labels++] = y;
        char text[32];
        (void)snprintf(text, sizeof text, "%.4f", element(series->y, series, series->count - 1));
        write_text(c, x + 8, y + 4, "start", color_of(panel, s), text);
    }
}

static void draw_panel(canvas *c, const show_panel *panel)
{
    c->x = find_range(panel, true, 6);
    c->y = widen(find_range(panel, false, 5));
    c->log_y = panel->log_y;
    c->labels = 0;
    draw_axes(c, panel);
    draw_legend(c, panel);
    for (size_t s = 0; s < panel->count; s++) {
        const show_series *series = &panel->series[s];
        if (series->low) draw_band(c, series, color_of(panel, s));
        (series->style == SHOW_DOTS ? draw_dots : draw_line)(c, series, color_of(panel, s));
    }
    if (panel->label_ends) label_ends(c, panel);
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static ffn_status close_file(FILE *file, const char *path, ffn_error *error)
{
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    return FFN_OK;
}

ffn_status show_chart(const char *path, const show_panel *panels, size_t count, ffn_error *error)
{
    return show_charts(path, panels, count, count, error);
}

ffn_status show_charts(const char *path, const show_panel *panels, size_t count, size_t columns, ffn_error *error)
{
    canvas c = {.file = fopen(path, "w")};
    if (!c.file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    const size_t width = columns > 1 ? WIDTH_BESIDE : WIDTH_ALONE, rows = columns ? (count + columns - 1) / columns : 1;
    fprintf(c.file,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%zu' height='%zu' viewBox='0 0 %zu %zu'"
            " font-family='system-ui, \"Segoe UI\", \"DejaVu Sans\", Helvetica, Arial, sans-serif' font-size='%d'>\n"
            "<rect width='100%%' height='100%%' fill='#ffffff'/>\n",
            columns * width, rows * HEIGHT, columns * width, rows * HEIGHT, TEXT);
    for (size_t i = 0; i < count; i++) {
        c.left = (double)(i % columns * width) + LEFT;
        c.top = (double)(i / columns * HEIGHT) + TOP;
        c.width = (double)width - LEFT - RIGHT;
        draw_panel(&c, &panels[i]);
    }
    fprintf(c.file, "</svg>\n");
    return close_file(c.file, path, error);
}

ffn_status show_history_chart(const char *path, const ffn_history *history, ffn_error *error)
{
    if (history->epochs == 0) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: there is no epoch to draw", path);
    const ffn_epoch *first = history->epoch;
    const size_t epochs = history->epochs, stride = sizeof(ffn_epoch) / sizeof(double);
    const size_t lines = isnan(first->validation_loss) ? 1 : 2, charts = isnan(first->accuracy) ? 1 : 2;
    const show_series loss[2] = {
        {.name = "training", .count = epochs, .y = &first->loss, .stride = stride},
        {.name = "validation", .count = epochs, .y = &first->validation_loss, .stride = stride}};
    const show_series accuracy[2] = {
        {.name = "training", .count = epochs, .y = &first->accuracy, .stride = stride},
        {.name = "validation", .count = epochs, .y = &first->validation_accuracy, .stride = stride}};
    const show_panel panels[2] = {
        {.title = "Loss", .x_label = "epoch", .y_label = "loss", .series = loss, .count = lines, .label_ends = true},
        {.title = "Accuracy",
         .x_label = "epoch",
         .y_label = "accuracy",
         .series = accuracy,
         .count = lines,
         .label_ends = true}};
    return show_chart(path, panels, charts, error);
}

ffn_status show_history_csv(const char *path, const ffn_history *history, ffn_error *error)
{
    FILE *file = fopen(path, "w");
    if (!file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    fprintf(file, "epoch,loss,accuracy,validation_loss,validation_accuracy,learning_rate,seconds\n");
    for (size_t i = 0; i < history->epochs; i++) {
        const ffn_epoch *e = &history->epoch[i];
        const double figures[] = {e->loss,          e->accuracy, e->validation_loss, e->validation_accuracy,
                                  e->learning_rate, e->seconds};
        fprintf(file, "%zu", i + 1);
        for (size_t j = 0; j < sizeof figures / sizeof figures[0]; j++)
            if (isnan(figures[j]))
                fprintf(file, ",");
            else
                fprintf(file, ",%.9g", figures[j]);
        fprintf(file, "\n");
    }
    return close_file(file, path, error);
}
