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

/* The range of all finite values of x or y; 0 to 1 if there are none. */
static range find_range(const show_panel *panel, bool of_x, double parts)
{
    range r = {INFINITY, -INFINITY, 0};
    for (size_t s = 0; s < panel->count; s++) {
        const show_series *series = &panel->series[s];
        for (size_t i = 0; i < series->count; i++) {
            const double value = element(of_x ? series->x : series->y, series, i);
            if (!isfinite(value)) continue;
            r.low = fmin(r.low, value);
            r.high = fmax(r.high, value);
        }
    }
    if (!(r.low <= r.high)) r.low = 0, r.high = 1;
    if (!(r.high - r.low > 1e-9 * fmax(1, fabs(r.high)))) r.low -= 0.5, r.high += 0.5;
    r.step = round_step(r.high - r.low, parts);
    if (of_x && panel->count > 0 && !panel->series[0].x) r.step = fmax(1, r.step); /* whole numbers */
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

#define INK   "#1f2937"
#define FAINT "#6b7280"
#define GRID  "#e5e7eb"

static const char *const colors[] = {"#2563eb", "#ea580c", "#059669", "#7c3aed"};
enum { COLORS = sizeof colors / sizeof colors[0] };

typedef struct canvas {
    FILE *file;
    double left, width; /* of the area inside the axes */
    range x, y;
} canvas;

static double place_x(const canvas *c, double x)
{
    return c->left + c->width * (x - c->x.low) / (c->x.high - c->x.low);
}
static double place_y(const canvas *c, double y)
{
    return TOP + PLOT_HEIGHT * (c->y.high - y) / (c->y.high - c->y.low);
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
    const double left = c->left, right = left + c->width, bottom = TOP + PLOT_HEIGHT;
    char text[32];
    for (double i = ceil(c->y.low / c->y.step - 1e-9); i * c->y.step <= c->y.high + 1e-9 * c->y.step; i++) {
        const double y = place_y(c, i * c->y.step);
        fprintf(c->file, "<path d='M%.1f %.1fH%.1f' stroke='%s'/>\n", left, y, right, GRID);
        format_tick(i == 0 ? 0 : i * c->y.step, c->y.step, text);
        write_text(c, left - 9, y + 4, "end", FAINT, text);
    }
    for (double i = ceil(c->x.low / c->x.step - 1e-9); i * c->x.step <= c->x.high + 1e-9 * c->x.step; i++) {
        const double x = place_x(c, i * c->x.step);
        fprintf(c->file, "<path d='M%.1f %.1fv5' stroke='%s'/>\n", x, bottom, FAINT);
        format_tick(i == 0 ? 0 : i * c->x.step, c->x.step, text);
        write_text(c, x, bottom + 19, "middle", FAINT, text);
    }
    fprintf(c->file, "<path fill='none' d='M%.1f %dV%.1fH%.1f' stroke='%s'/>\n", left, TOP, bottom, right, FAINT);
    write_text(c, (left + right) / 2, bottom + 40, "middle", INK, panel->x_label);
    fprintf(c->file, "<g transform='translate(%.1f %.1f) rotate(-90)'>", left - 50, TOP + PLOT_HEIGHT / 2.0);
    write_text(c, 0, 0, "middle", INK, panel->y_label);
    fprintf(c->file, "</g>\n");
    fprintf(c->file, "<g font-size='15' font-weight='600'>");
    write_text(c, left, 26, "start", INK, panel->title);
    fprintf(c->file, "</g>\n");
}

static const char *dashes(show_style style) { return style == SHOW_DASHES ? " stroke-dasharray='6 4'" : ""; }

static void draw_legend(const canvas *c, const show_panel *panel)
{
    double x = c->left;
    for (size_t s = 0; s < panel->count; s++) {
        const show_series *series = &panel->series[s];
        if (series->style == SHOW_DOTS)
            fprintf(c->file, "<circle cx='%.1f' cy='46' r='3' fill='%s' fill-opacity='.6'/>\n", x + 10,
                    colors[s % COLORS]);
        else
            fprintf(c->file, "<path d='M%.1f 46h20' stroke='%s' stroke-width='2.2'%s/>\n", x, colors[s % COLORS],
                    dashes(series->style));
        write_text(c, x + 26, 50, "start", INK, series->name);
        x += 26 + 0.56 * TEXT * (double)strlen(series->name) + 20;
    }
}

static void draw_dots(const canvas *c, const show_series *series, const char *color)
{
    fprintf(c->file, "<g fill='%s' fill-opacity='.45'>\n", color);
    for (size_t i = 0; i < series->count; i++) {
        const double x = element(series->x, series, i), y = element(series->y, series, i);
        if (isfinite(x) && isfinite(y))
            fprintf(c->file, "<circle cx='%.1f' cy='%.1f' r='2.6'/>\n", place_x(c, x), place_y(c, y));
    }
    fprintf(c->file, "</g>\n");
}

/* Broken where a value is missing. */
static void draw_line(const canvas *c, const show_series *series, const char *color)
{
    fprintf(c->file,
            "<path fill='none' stroke='%s' stroke-width='2.2' stroke-linejoin='round' stroke-linecap='round'%s d='",
            color, dashes(series->style));
    bool open = false;
    for (size_t i = 0; i < series->count; i++) {
        const double x = element(series->x, series, i), y = element(series->y, series, i);
        const bool here = isfinite(x) && isfinite(y);
        if (here) fprintf(c->file, "%c%.1f %.1f", open ? 'L' : 'M', place_x(c, x), place_y(c, y));
        open = here;
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
        if (series->count == 0) continue;
        const double value = element(series->y, series, series->count - 1);
        if (!isfinite(value)) continue;
        const double x = place_x(c, element(series->x, series, series->count - 1));
        double y = place_y(c, value);
        fprintf(c->file, "<circle cx='%.1f' cy='%.1f' r='3.2' fill='%s'/>\n", x, y, colors[s % COLORS]);
        for (size_t i = 0; i < labels; i++)
            if (fabs(y - taken[i]) < TEXT + 1) y = taken[i] + (y < taken[i] ? -1 : 1) * (TEXT + 1);
        taken[labels++] = y;
        char text[32];
        (void)snprintf(text, sizeof text, "%.4f", value);
        write_text(c, x + 8, y + 4, "start", colors[s % COLORS], text);
    }
}

static void draw_panel(canvas *c, const show_panel *panel)
{
    c->x = find_range(panel, true, 6);
    c->y = widen(find_range(panel, false, 5));
    draw_axes(c, panel);
    draw_legend(c, panel);
    for (size_t s = 0; s < panel->count; s++)
        (panel->series[s].style == SHOW_DOTS ? draw_dots : draw_line)(c, &panel->series[s], colors[s % COLORS]);
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
    canvas c = {.file = fopen(path, "w")};
    if (!c.file) return ffn_fail(error, FFN_IO_ERROR, "%s: cannot write: %s", path, strerror(errno));
    const int width = count > 1 ? WIDTH_BESIDE : WIDTH_ALONE, all = (int)count * width;
    fprintf(c.file,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'"
            " font-family='system-ui, \"Segoe UI\", \"DejaVu Sans\", Helvetica, Arial, sans-serif' font-size='%d'>\n"
            "<rect width='100%%' height='100%%' fill='#ffffff'/>\n",
            all, HEIGHT, all, HEIGHT, TEXT);
    for (size_t i = 0; i < count; i++) {
        c.left = (double)i * width + LEFT;
        c.width = width - LEFT - RIGHT;
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
    const show_series loss[2] = {{"training", SHOW_LINE, epochs, NULL, &first->loss, stride},
                                 {"validation", SHOW_LINE, epochs, NULL, &first->validation_loss, stride}};
    const show_series accuracy[2] = {{"training", SHOW_LINE, epochs, NULL, &first->accuracy, stride},
                                     {"validation", SHOW_LINE, epochs, NULL, &first->validation_accuracy, stride}};
    const show_panel panels[2] = {{"Loss", "epoch", "loss", loss, lines, true},
                                  {"Accuracy", "epoch", "accuracy", accuracy, lines, true}};
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
