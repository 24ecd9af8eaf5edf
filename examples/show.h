/* What the examples show: errors, progress, tables and images as text, charts as SVG. It stands outside the library;
 * take from it what you like.
 *
 * Text goes to standard output, errors to standard error. Colour is used on a terminal unless NO_COLOR is set, block
 * characters where the locale is UTF-8. */
#ifndef SHOW_H
#define SHOW_H

#include <ffn.h>

/* ---- text: show.c ---------------------------------------------------------------------------------------- */

/* Prints "program: sentence" to standard error. Returns 1, for main to return. */
int show_error(const char *program, const ffn_error *error);

/* For programs that take nothing but names of files and the like: looks for arguments that begin with '-'. Returns -1 if
 * there is none. `--help` and `-h` print the usage; others are wrong and say so on standard error. Then returns the
 * status, 0 or 2, for main to return. usage: without the newline at its end. */
int show_usage(int argc, char **argv, const char *usage);

void show_summary(const ffn_model *model);

/* For on_batch and on_epoch of ffn_fit_options. On a terminal, one line per epoch that updates in place; elsewhere one
 * plain line at each epoch's end. Both need no `user` and never stop the training. */
int show_batch(const ffn_progress *progress, void *user);
int show_epoch(const ffn_progress *progress, void *user);

/* Tables of a classification's metrics. Class names are the dataset's, numbers where it has none. */
void show_confusion(const ffn_metrics *metrics, const ffn_dataset *dataset);
void show_scores(const ffn_metrics *metrics, const ffn_dataset *dataset);

typedef struct show_image {
    const float *pixels; /* [height][width], from 0 to `white` */
    char caption[20];
} show_image;

/* Draws as many of the images as fit beside each other, two characters a pixel. */
void show_images(const show_image *images, size_t count, size_t width, size_t height, float white);

/* ---- files: chart.c -------------------------------------------------------------------------------------- */

typedef enum show_style { SHOW_LINE = 0, SHOW_DASHES, SHOW_DOTS } show_style;

typedef struct show_series {
    const char *name; /* NULL: not in the legend */
    show_style style;
    size_t count;
    const double *x, *y;       /* x NULL: 1, 2, 3, ... A y that is NaN leaves a gap. */
    size_t stride;             /* from one element of x, y, low or high to the next; 0: 1 */
    size_t color;              /* from 1; 0: its place among the series */
    const double *low, *high;  /* a band's borders; NULL: no band */
    const char *const *labels; /* [count], beside dots; NULL: none */
} show_series;

typedef struct show_panel {
    const char *title, *x_label, *y_label;
    const show_series *series;
    size_t count;
    bool label_ends; /* write its last value at the end of each line */
    bool log_y;      /* powers of ten; what is not above 0 leaves a gap */
} show_panel;

/* Writes panels, one beside the other, as an SVG image. */
ffn_status show_chart(const char *path, const show_panel *panels, size_t count, ffn_error *error);

/* The same in rows of so many columns. */
ffn_status show_charts(const char *path, const show_panel *panels, size_t count, size_t columns, ffn_error *error);

/* A training's learning curves: loss, and accuracy if there is one. */
ffn_status show_history_chart(const char *path, const ffn_history *history, ffn_error *error);

/* A training's figures, an epoch a line, with a header. What is not defined is left empty. */
ffn_status show_history_csv(const char *path, const ffn_history *history, ffn_error *error);

#endif
