#include "study.h"

#include "show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PANELS = 24, MOST_SERIES = 16, POINTS = 241 };

/* Charts under way: panels, their series and the numbers, which are freed together. */
typedef struct sheet {
    size_t count;
    show_panel panels[MOST_PANELS];
    show_series series[MOST_PANELS][MOST_SERIES];
    char titles[MOST_PANELS][96];
    double *blocks[3 * MOST_PANELS * MOST_SERIES];
    size_t block_count;
    bool failed;
} sheet;

/* [count] numbers, NaN; NULL without memory. */
static double *numbers(sheet *t, size_t count)
{
    double *block = t->block_count < COUNT(t->blocks) ? malloc((count + 1) * sizeof *block) : NULL;
    if (!block) {
        t->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) block[i] = (double)NAN;
    return t->blocks[t->block_count++] = block;
}

static show_panel *add_panel(sheet *t, const char *title, const char *x_label, const char *y_label)
{
    const size_t at = t->count++;
    (void)snprintf(t->titles[at], sizeof t->titles[at], "%s", title);
    t->panels[at] =
        (show_panel){.title = t->titles[at], .x_label = x_label, .y_label = y_label, .series = t->series[at]};
    return &t->panels[at];
}

static show_series *add_series(sheet *t, show_panel *panel, const char *name, size_t count)
{
    show_series *series = &t->series[panel - t->panels][panel->count++];
    *series = (show_series){.name = name, .count = count, .y = NULL};
    return series;
}

/* Writes FOLDER/NAME.svg and frees the sheet. */
static ffn_status finish(sheet *t, const char *folder, const char *name, size_t columns, ffn_error *error)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    ffn_status status = t->failed ? ffn_fail(error, FFN_OUT_OF_MEMORY, "%s: no memory to draw it", path) : FFN_OK;
    if (status == FFN_OK && t->count > 0) status = show_charts(path, t->panels, t->count, columns, error);
    for (size_t i = 0; i < t->block_count; i++) free(t->blocks[i]);
    free(t);
    return status;
}

static sheet *start(ffn_error *error)
{
    sheet *t = calloc(1, sizeof *t);
    if (!t) (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for a figure");
    return t;
}

/* ---- families: as many functions as a person tells apart in one panel ---------------------------------------------- */

static const struct {
    const char *name, *members;
} families[] = {
    {"saturating", ",sigmoid,tanh,softsign,hard_sigmoid,"},
    {"rectifiers", ",linear,relu,leaky_relu,prelu,prelu_per_unit,elu,selu,softplus,"},
    {"smooth and gated", ",swish,silu,gelu,gelu_tanh,mish,hard_swish,"},
};

static bool belongs(size_t family, const char *name)
{
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, ",%s,", name);
    return strstr(families[family].members, wanted) != NULL;
}

/* How many of the families the study has; they are a figure's columns. */
static size_t count_families(const study *s)
{
    size_t count = 0;
    for (size_t f = 0; f < COUNT(families); f++)
        for (size_t a = 0; a < s->activations.count; a++)
            if (belongs(f, s->activations.names[a])) {
                count++;
                break;
            }
    return count;
}

/* A curve of activation a: number i of so many; low and high where there is a band. */
typedef struct value {
    double x, y, low, high;
} value;
typedef value (*curve)(const study *s, size_t a, size_t i, size_t what);

typedef struct row {
    const char *title, *x_label, *y_label;
    curve curve;
    size_t what, count; /* of the curve: its argument, and its points */
    bool log_y, band;
} row;

static void fill(sheet *t, show_series *series, const study *s, size_t a, const row *r)
{
    double *x = numbers(t, r->count), *y = numbers(t, r->count);
    double *low = r->band ? numbers(t, r->count) : NULL, *high = r->band ? numbers(t, r->count) : NULL;
    if (t->failed) return;
    for (size_t i = 0; i < r->count; i++) {
        const value v = r->curve(s, a, i, r->what);
        x[i] = v.x;
        y[i] = v.y;
        if (r->band) low[i] = v.low, high[i] = v.high;
    }
    series->x = x;
    series->y = y;
    series->low = low;
    series->high = high;
}

/* A panel for each family that the study has. */
static void add_row(sheet *t, const study *s, const row *r)
{
    for (size_t f = 0; f < COUNT(families); f++) {
        show_panel *panel = NULL;
        for (size_t a = 0; a < s->activations.count; a++) {
            if (!belongs(f, s->activations.names[a])) continue;
            char title[96];
            (void)snprintf(title, sizeof title, "%s: %s", r->title, families[f].name);
            if (!panel) panel = add_panel(t, title, r->x_label, r->y_label);
            panel->log_y = r->log_y;
            fill(t, add_series(t, panel, s->activations.names[a], r->count), s, a, r);
        }
    }
}

static ffn_status draw_rows(const study *s, const char *name, const row *rows, size_t count, ffn_error *error)
{
    sheet *t = start(error);
    if (!t) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) add_row(t, s, &rows[i]);
    return finish(t, s->folder, name, count_families(s), error);
}

/* ---- the functions ------------------------------------------------------------------------------------------------- */

/* f or f' of x. */
static double call(ffn_activation activation, double x, bool slope)
{
    const float at = (float)x, one = 1;
    float y = 0, result = 0;
    if (ffn_activation_forward(activation, 1, 1, &at, &y, NULL) != FFN_OK) return (double)NAN;
    if (!slope) return (double)y;
    return ffn_activation_backward(activation, 1, 1, &at, &y, &one, &result, NULL) == FFN_OK ? (double)result
                                                                                             : (double)NAN;
}

/* A jump of the derivative shows as a steep line. */
static value function_point(const study *s, size_t a, size_t i, size_t what)
{
    const double x = -4 + 8 * (double)i / (POINTS - 1);
    return (value){.x = x, .y = call(s->activations.kinds[a], x, what == 1)};
}

static ffn_status draw_functions(const study *s, ffn_error *error)
{
    const row rows[] = {
        {.title = "f(x)", .x_label = "x", .y_label = "f", .curve = function_point, .count = POINTS},
        {.title = "f'(x)", .x_label = "x", .y_label = "f'", .curve = function_point, .what = 1, .count = POINTS},
    };
    return draw_rows(s, "functions", rows, COUNT(rows), error);
}

/* ---- gradients by layer -------------------------------------------------------------------------------------------- */

static value gradient_at_start(const study *s, size_t a, size_t i, size_t depth)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t count = study_select(s, STUDY_DEPTH, a, depth, r);
    return (value){.x = (double)i + 1, .y = study_average(r, count, 0, i + 1, STUDY_WEIGHT_GRADIENT)};
}

static value gradient_at_end(const study *s, size_t a, size_t i, size_t depth)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t count = study_select(s, STUDY_DEPTH, a, depth, r);
    const double y = study_average(r, count, s->config.depth_epochs, i + 1, STUDY_WEIGHT_GRADIENT);
    return (value){.x = (double)i + 1, .y = y};
}

static value first_gradient(const study *s, size_t a, size_t i, size_t depth)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t count = study_select(s, STUDY_DEPTH, a, depth, r);
    return (value){.x = (double)i, .y = study_average(r, count, i, 1, STUDY_WEIGHT_GRADIENT)};
}

static ffn_status draw_gradients(const study *s, size_t depth, ffn_error *error)
{
    char name[48], at_start[48], at_end[48], first[48];
    (void)snprintf(name, sizeof name, "gradients-%zu", depth);
    (void)snprintf(at_start, sizeof at_start, "At the start, %zu layers", depth);
    (void)snprintf(at_end, sizeof at_end, "After %zu epochs", s->config.depth_epochs);
    (void)snprintf(first, sizeof first, "In layer 1 of %zu", depth);
    const row rows[] = {
        {at_start, "layer", "gradient's norm", gradient_at_start, depth, depth, true, false},
        {at_end, "layer", "gradient's norm", gradient_at_end, depth, depth, true, false},
        {first, "epoch", "gradient's norm", first_gradient, depth, s->config.depth_epochs + 1, true, false},
    };
    return draw_rows(s, name, rows, COUNT(rows), error);
}

/* The layers of one activation, epoch by epoch: a panel a depth. */
static ffn_status draw_layers(const study *s, ffn_error *error)
{
    static const char *const names[] = {"layer 1", "layer 2", "layer 3", "layer 4",
                                        "layer 5", "layer 6", "layer 7", "layer 8"};
    sheet *t = start(error);
    if (!t) return FFN_OUT_OF_MEMORY;
    const size_t epochs = s->config.depth_epochs + 1;
    for (size_t d = 0; d < STUDY_MOST_DEPTHS && s->config.depths[d]; d++) {
        const size_t depth = s->config.depths[d];
        const study_result *r[STUDY_MOST_SEEDS];
        const size_t count = study_select(s, STUDY_DEPTH, 0, depth, r);
        char title[64];
        (void)snprintf(title, sizeof title, "%s: %zu hidden layers", s->activations.names[0], depth);
        if (depth > COUNT(names)) continue;
        show_panel *panel = add_panel(t, title, "epoch", "norm of the biases' gradient");
        panel->log_y = true;
        for (size_t layer = 1; layer <= depth; layer++) {
            show_series *series = add_series(t, panel, names[layer - 1], epochs);
            double *x = numbers(t, epochs), *y = numbers(t, epochs);
            for (size_t i = 0; !t->failed && i < epochs; i++) {
                x[i] = (double)i;
                y[i] = study_average(r, count, i, layer, STUDY_BIAS_GRADIENT);
            }
            series->x = x;
            series->y = y;
        }
    }
    return finish(t, s->folder, "layers", t->count, error);
}

/* ---- units, learning ----------------------------------------------------------------------------------------------- */

/* Of the final runs in percent: by layer at the end, or by epoch over all layers. */
static value units_by_layer(const study *s, size_t a, size_t i, size_t quantity)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t count = study_select(s, STUDY_FINAL, a, 0, r);
    const double y = study_average(r, count, s->config.epochs, i + 1, (study_quantity)quantity);
    return (value){.x = (double)i + 1, .y = 100 * y};
}

static value units_by_epoch(const study *s, size_t a, size_t i, size_t quantity)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t count = study_select(s, STUDY_FINAL, a, 0, r);
    return (value){.x = (double)i, .y = 100 * study_average(r, count, i, 0, (study_quantity)quantity)};
}

static ffn_status draw_units(const study *s, ffn_error *error)
{
    const size_t layers = s->config.layers, epochs = s->config.epochs + 1;
    const row rows[] = {
        {"Dead units at the end", "layer", "%", units_by_layer, STUDY_DEAD, layers, false, false},
        {"Dead units", "epoch", "%", units_by_epoch, STUDY_DEAD, epochs, false, false},
        {"Saturated units at the end", "layer", "%", units_by_layer, STUDY_SATURATED, layers, false, false},
        {"Saturated units", "epoch", "%", units_by_epoch, STUDY_SATURATED, epochs, false, false},
        {"Flat values", "epoch", "%", units_by_epoch, STUDY_FLAT, epochs, false, false},
    };
    return draw_rows(s, "units", rows, COUNT(rows), error);
}

/* A score after epoch i + 1, by the epoch or by seconds of training, with the mean's 95 % interval. */
static value score_point(const study *s, size_t a, size_t i, study_score score, bool by_time)
{
    const study_result *r[STUDY_MOST_SEEDS];
    const size_t runs = study_select(s, STUDY_FINAL, a, 0, r);
    double scores[STUDY_MOST_SEEDS], seconds = 0;
    size_t count = 0;
    for (size_t k = 0; k < runs; k++) {
        if (i >= r[k]->epochs || isnan(r[k]->scores[i][score])) continue;
        seconds += r[k]->seconds[i];
        scores[count++] = r[k]->scores[i][score];
    }
    const double mean = study_mean(scores, count), half = study_interval(scores, count);
    return (value){by_time ? seconds / (double)count : (double)i + 1, mean, mean - half, mean + half};
}
static value score_by_epoch(const study *s, size_t a, size_t i, size_t score)
{
    return score_point(s, a, i, (study_score)score, false);
}
static value score_by_time(const study *s, size_t a, size_t i, size_t score)
{
    return score_point(s, a, i, (study_score)score, true);
}

static ffn_status draw_learning(const study *s, ffn_error *error)
{
    const size_t n = s->config.epochs;
    const row rows[] = {
        {"Training loss", "epoch", "loss", score_by_epoch, STUDY_TRAIN_LOSS, n, true, true},
        {"Test accuracy", "epoch", "accuracy", score_by_epoch, STUDY_TEST_ACCURACY, n, false, true},
        {"Test accuracy", "seconds of training", "accuracy", score_by_time, STUDY_TEST_ACCURACY, n, false, true},
    };
    return draw_rows(s, "learning", rows, COUNT(rows), error);
}

/* ---- theory and measurement ---------------------------------------------------------------------------------------- */

/* Of the first seed of the deepest network, or of the compared ones where there is none: lines by theory, dots measured. */
static void add_start(sheet *t, const study *s, const char *what, study_quantity found, study_quantity theory)
{
    const size_t depth = s->config.depths[0];
    const row lines = {what, "layer", "variance", NULL, 0, 0, true, false};
    const study_stage stage = depth ? STUDY_DEPTH : STUDY_FINAL;
    size_t layers = s->config.layers;
    for (size_t d = 0; d < STUDY_MOST_DEPTHS && s->config.depths[d]; d++)
        if (s->config.depths[d] <= 20) layers = s->config.depths[d];
    for (size_t f = 0; f < COUNT(families); f++) {
        show_panel *panel = NULL;
        for (size_t a = 0, color = 1; a < s->activations.count; a++) {
            if (!belongs(f, s->activations.names[a])) continue;
            const study_result *r[STUDY_MOST_SEEDS];
            const size_t count = study_select(s, stage, a, layers, r);
            char title[96];
            (void)snprintf(title, sizeof title, "%s: %s", what, families[f].name);
            if (!panel) panel = add_panel(t, title, lines.x_label, lines.y_label);
            panel->log_y = true;
            for (size_t kind = 0; kind < 2; kind++) {
                double *y = numbers(t, layers);
                for (size_t i = 0; y && i < layers; i++)
                    y[i] = study_average(r, count, 0, i + 1, kind == 0 ? theory : found);
                show_series *series = add_series(t, panel, kind == 0 ? s->activations.names[a] : NULL, layers);
                series->y = y;
                series->color = color;
                series->style = kind == 0 ? SHOW_LINE : SHOW_DOTS;
            }
            color++;
        }
    }
}

static ffn_status draw_start(const study *s, ffn_error *error)
{
    sheet *t = start(error);
    if (!t) return FFN_OUT_OF_MEMORY;
    add_start(t, s, "Values", STUDY_VARIANCE, STUDY_THEORY_VARIANCE);
    add_start(t, s, "Gradients", STUDY_GRADIENT_VARIANCE, STUDY_THEORY_GRADIENT_VARIANCE);
    return finish(t, s->folder, "start", count_families(s), error);
}

/* ---- accuracy against speed ---------------------------------------------------------------------------------------- */

static ffn_status draw_speed(const study *s, ffn_error *error)
{
    sheet *t = start(error);
    if (!t) return FFN_OUT_OF_MEMORY;
    const char *labels[COUNT(families)][STUDY_MOST_ACTIVATIONS];
    show_panel *panel = add_panel(t, "Accuracy and speed", "milliseconds an epoch", "test accuracy");
    for (size_t f = 0; f < COUNT(families); f++) {
        show_series *series = add_series(t, panel, families[f].name, 0);
        double *x = numbers(t, STUDY_MOST_ACTIVATIONS), *y = numbers(t, STUDY_MOST_ACTIVATIONS);
        for (size_t a = 0; !t->failed && a < s->activations.count; a++) {
            if (!belongs(f, s->activations.names[a])) continue;
            const value v = score_by_time(s, a, s->config.epochs - 1, STUDY_TEST_ACCURACY);
            x[series->count] = 1e3 * v.x / (double)s->config.epochs;
            y[series->count] = v.y;
            labels[f][series->count++] = s->activations.names[a];
        }
        series->style = SHOW_DOTS;
        series->x = x;
        series->y = y;
        series->labels = labels[f];
    }
    return finish(t, s->folder, "speed", 1, error);
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

ffn_status study_draw(const study *s, ffn_error *error)
{
    const study_config *c = &s->config;
    ffn_status status = draw_functions(s, error);
    if (status == FFN_OK) status = draw_start(s, error);
    for (size_t d = 0; status == FFN_OK && d < STUDY_MOST_DEPTHS && c->depths[d]; d++)
        status = draw_gradients(s, c->depths[d], error);
    if (status == FFN_OK && c->depths[0] && !c->layers) status = draw_layers(s, error);
    if (status != FFN_OK || !c->layers) return status;
    status = draw_units(s, error);
    if (status == FFN_OK) status = draw_learning(s, error);
    return status == FFN_OK ? draw_speed(s, error) : status;
}

ffn_status study_draw_curves(const char *folder, ffn_error *error)
{
    for (size_t k = 0; ffn_activation_name(k); k++) {
        char name[64];
        ffn_activation activation;
        ffn_status status = ffn_activation_by_name(ffn_activation_name(k), &activation, error);
        sheet *t = status == FFN_OK ? start(error) : NULL;
        if (!t) return FFN_OUT_OF_MEMORY;
        if (activation.ops && activation.ops->over_rows) {
            free(t);
            continue;
        }
        show_panel *panel = add_panel(t, ffn_activation_name(k), "x", "");
        static const char *const names[] = {"f", "f'"};
        for (size_t slope = 0; slope < 2; slope++) {
            double *x = numbers(t, POINTS), *y = numbers(t, POINTS);
            show_series *series = add_series(t, panel, names[slope], POINTS);
            for (size_t i = 0; !t->failed && i < POINTS; i++) {
                x[i] = -6 + 12 * (double)i / (POINTS - 1);
                y[i] = call(activation, x[i], slope == 1);
            }
            series->x = x;
            series->y = y;
        }
        (void)snprintf(name, sizeof name, "activation-%s", ffn_activation_name(k));
        status = finish(t, folder, name, 1, error);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}
