/* The log of a search: a CSV table with a row for each trial that is done. It is written anew each time, under another name
 * that then becomes its own, so that it is whole at any time. What is read is compared with what the search would do. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "data/csv.h"
#include "io/write.h"
#include "search/search.h"

/* Columns before those of the dimensions. `seed` is that of the fit options, `search_seed` that of the values and the folds. */
enum {
    TRIAL,
    RUNG,
    EPOCHS,
    FOLDS,
    SEED,
    SEARCH_SEED,
    METRIC,
    STATUS,
    SCORE,
    SPREAD,
    TRAINED,
    SECONDS,
    PARAMETERS,
    MEMORY,
    COLUMNS
};
static const char *const titles[COLUMNS] = {"trial",          "rung",    "epochs",     "folds", "seed",
                                            "search_seed",    "metric",  "status",     "score", "spread",
                                            "trained_epochs", "seconds", "parameters", "memory"};

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void add_quoted(ffn__text *text, const char *word)
{
    ffn__text_bytes(text, "\"", 1);
    for (; *word; word++) {
        if (*word == '"') ffn__text_bytes(text, "\"", 1);
        ffn__text_bytes(text, word, 1);
    }
    ffn__text_bytes(text, "\"", 1);
}

static void add_number(ffn__text *text, double value)
{
    if (isfinite(value)) ffn__text_add(text, "%.17g", value); /* else empty */
}

static const char *metric_of(const ffn__study *s) { return s->options->metric ? s->options->metric : "loss"; }

/* The epochs that the trial is given: those of its rung, else its own, else those of the options. */
static size_t epochs_of(const ffn__study *s, const ffn_trial *t, const size_t *epochs)
{
    const size_t own = ffn_trial_size(t, "epochs"), all = s->options->fit.epochs;
    return epochs[t->rung] ? epochs[t->rung] : own ? own : all ? all : ffn_fit_defaults().epochs;
}

static void add_trial(ffn__text *text, const ffn__study *s, const ffn_trial *t, size_t epochs)
{
    ffn__text_add(text, "%zu,%zu,%zu,%zu,%llu,%llu,", t->number, t->rung, epochs, s->folds,
                  (unsigned long long)s->options->fit.seed, (unsigned long long)s->options->seed);
    add_quoted(text, metric_of(s));
    ffn__text_add(text, ",%s,", ffn_status_name(t->status));
    add_number(text, t->score);
    ffn__text_bytes(text, ",", 1);
    add_number(text, t->spread);
    ffn__text_bytes(text, ",", 1);
    add_number(text, t->epochs);
    ffn__text_add(text, ",%.6f,%zu,%zu", t->seconds, t->parameters, t->memory);
    for (size_t i = 0; i < t->dimension_count; i++) {
        ffn__text_bytes(text, ",", 1);
        if (t->dimensions[i].choices)
            add_quoted(text, t->dimensions[i].choices[(size_t)t->values[i]]);
        else
            add_number(text, t->values[i]);
    }
    ffn__text_bytes(text, "\n", 1);
}

void ffn__log_compose(const ffn__study *s, const ffn_trial *trials, size_t count, const size_t *epochs, ffn__text *text)
{
    for (size_t i = 0; i < COLUMNS; i++) ffn__text_add(text, "%s%s", i ? "," : "", titles[i]);
    for (size_t i = 0; i < s->options->dimension_count; i++) {
        ffn__text_bytes(text, ",", 1);
        add_quoted(text, s->options->dimensions[i].name);
    }
    ffn__text_bytes(text, "\n", 1);
    for (size_t i = 0; i < count; i++)
        if (trials[i].done) add_trial(text, s, &trials[i], epochs_of(s, &trials[i], epochs));
}

ffn_status ffn__log_write(const ffn__study *s, const ffn_trial *trials, size_t count, const size_t *epochs,
                          ffn_error *error)
{
    ffn__text text = {0};
    ffn__log_compose(s, trials, count, epochs, &text);
    const ffn_status status = text.failed
                                  ? ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory for the log %s", s->options->log)
                                  : ffn__write_file(s->options->log, text.bytes, text.length, error);
    ffn__text_destroy(&text);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

typedef struct reading {
    const ffn__study *study;
    ffn__csv_table table;
    ffn__csv_reader reader;
    ffn_trial row;    /* what the row says */
    ffn_trial *trial; /* of that number and rung; NULL: not known yet */
    ffn_trial *trials;
    size_t count;
    const size_t *epochs; /* [rungs] */
    size_t rungs;
    bool later; /* the row is of a rung that has not begun */
} reading;

/* Whether the cell is the text; quotes are doubled in the cell. */
static bool is_text(const ffn__csv_cell *cell, const char *text)
{
    size_t used = 0;
    for (size_t i = 0; i < cell->length; i++, used++) {
        if (text[used] != cell->text[i]) return false;
        if (cell->text[i] == '"') i++;
    }
    return text[used] == '\0';
}

static ffn_status refuse(const reading *r, const ffn__csv_cell *cell, const char *expected, ffn_error *error)
{
    return ffn__csv_fail(&r->table, cell, expected, error);
}

static ffn_status check_titles(reading *r, ffn_error *error)
{
    const ffn_search_options *o = r->study->options;
    ffn__csv_reader reader = r->table.header;
    ffn__csv_cell cell;
    if (r->table.columns != COLUMNS + o->dimension_count)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s, line 1: found %zu columns, expected the %zu of this search's log",
                        r->table.source, r->table.columns, COLUMNS + o->dimension_count);
    for (size_t i = 0; i < r->table.columns; i++) {
        char expected[96];
        const char *title = i < COLUMNS ? titles[i] : o->dimensions[i - COLUMNS].name;
        (void)ffn__csv_next(&reader, &cell);
        if (is_text(&cell, title)) continue;
        ffn_error text;
        (void)ffn_fail(&text, FFN_BAD_FORMAT, "'%.60s', a column of this search's log", title);
        memcpy(expected, text.message, sizeof expected);
        expected[sizeof expected - 1] = '\0';
        return refuse(r, &cell, expected, error);
    }
    return FFN_OK;
}

/* A number of at least `low`, or where a gap is allowed NaN for an empty cell. */
static ffn_status read_number(const reading *r, const ffn__csv_cell *cell, bool gap, bool whole, double *value,
                              ffn_error *error)
{
    const ffn__csv_kind kind = ffn__csv_classify(cell, value);
    if (kind == FFN__CSV_MISSING && cell->length == 0 && gap) {
        *value = (double)NAN;
        return FFN_OK;
    }
    const bool right = kind == FFN__CSV_NUMBER && (!whole || (*value >= 0 && *value < 1e18 && *value == floor(*value)));
    return right ? FFN_OK : refuse(r, cell, whole ? "a whole number" : "a number", error);
}

static ffn_status read_status(reading *r, const ffn__csv_cell *cell, ffn_error *error)
{
    static const ffn_status ends[] = {FFN_OK, FFN_DIVERGED, FFN_INVALID_ARGUMENT};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        r->row.status = ends[i];
        if (is_text(cell, ffn_status_name(ends[i]))) return FFN_OK;
    }
    return refuse(r, cell, "the status of a trial that is done", error);
}

/* The trial that the row is about, once both numbers are read. Who is in a later rung is known when that begins. */
static ffn_status find_trial(reading *r, const ffn__csv_cell *cell, ffn_error *error)
{
    r->later = r->row.rung > r->trials[r->count - 1].rung && r->row.rung < r->rungs;
    if (r->later) return FFN_OK;
    for (size_t i = 0; i < r->count; i++)
        if (r->trials[i].number == r->row.number && r->trials[i].rung == r->row.rung) r->trial = &r->trials[i];
    if (!r->trial) return refuse(r, cell, "trial and rung of this search", error);
    return r->trial->done ? refuse(r, cell, "each trial once", error) : FFN_OK;
}

static ffn_status expect_number(const reading *r, const ffn__csv_cell *cell, double value, double expected,
                                ffn_error *error)
{
    if (fabs(value - expected) <= 1e-9 * fabs(expected)) return FFN_OK;
    ffn_error text;
    (void)ffn_fail(&text, FFN_BAD_FORMAT, "%.17g as in this search", expected);
    return refuse(r, cell, text.message, error);
}

static ffn_status read_value(reading *r, const ffn__csv_cell *cell, size_t index, ffn_error *error)
{
    const ffn_dimension *d = &r->study->options->dimensions[index];
    double value = 0;
    if (d->choices) {
        ffn_error text;
        const char *choice = d->choices[(size_t)r->trial->values[index]];
        (void)ffn_fail(&text, FFN_BAD_FORMAT, "'%.60s' as in this search", choice);
        return is_text(cell, choice) ? FFN_OK : refuse(r, cell, text.message, error);
    }
    const ffn_status status = read_number(r, cell, false, false, &value, error);
    return status == FFN_OK ? expect_number(r, cell, value, r->trial->values[index], error) : status;
}

static ffn_status read_seed(const reading *r, const ffn__csv_cell *cell, uint64_t seed, const char *expected,
                            ffn_error *error)
{
    ffn_error text;
    (void)ffn_fail(&text, FFN_BAD_FORMAT, "%llu", (unsigned long long)seed);
    return is_text(cell, text.message) ? FFN_OK : refuse(r, cell, expected, error);
}

/* No more epochs than the trial may have had: a refit trains for as many. */
static ffn_status read_trained(reading *r, const ffn__csv_cell *cell, double value, ffn_error *error)
{
    const double most = (double)epochs_of(r->study, r->trial, r->epochs);
    r->row.epochs = value;
    return value >= 0 && value <= most ? FFN_OK : refuse(r, cell, "no more epochs than a trial has", error);
}

static ffn_status read_cell(reading *r, const ffn__csv_cell *cell, ffn_error *error)
{
    const size_t column = cell->column - 1;
    if (column >= COLUMNS) return read_value(r, cell, column - COLUMNS, error);
    const ffn_search_options *o = r->study->options;
    if (column == SEED) return read_seed(r, cell, o->fit.seed, "the seed of this search's fit options", error);
    if (column == SEARCH_SEED) return read_seed(r, cell, o->seed, "the seed of this search", error);
    if (column == STATUS) return read_status(r, cell, error);
    if (column == METRIC)
        return is_text(cell, metric_of(r->study)) ? FFN_OK : refuse(r, cell, "the metric of this search", error);
    double value = 0;
    const bool gap = column == SCORE || column == SPREAD;
    const bool whole = column != SCORE && column != SPREAD && column != TRAINED && column != SECONDS;
    const ffn_status status = read_number(r, cell, gap, whole, &value, error);
    if (status != FFN_OK) return status;
    switch (column) {
    case TRIAL: r->row.number = (size_t)value; return FFN_OK;
    case RUNG: r->row.rung = (size_t)value; return find_trial(r, cell, error);
    case EPOCHS: return expect_number(r, cell, value, (double)epochs_of(r->study, r->trial, r->epochs), error);
    case FOLDS: return expect_number(r, cell, value, (double)r->study->folds, error);
    case SCORE: r->row.score = value; return FFN_OK;
    case SPREAD: r->row.spread = value; return FFN_OK;
    case TRAINED: return read_trained(r, cell, value, error);
    case SECONDS: r->row.seconds = value; return FFN_OK;
    case PARAMETERS: r->row.parameters = (size_t)value; return FFN_OK;
    default: r->row.memory = (size_t)value; return FFN_OK;
    }
}

static ffn_status read_row(reading *r, ffn_error *error)
{
    ffn__csv_cell cell;
    r->trial = NULL;
    r->later = false;
    do {
        (void)ffn__csv_next(&r->reader, &cell);
        const ffn_status status = r->later ? FFN_OK : read_cell(r, &cell, error);
        if (status != FFN_OK) return status;
    } while (!cell.last);
    if (r->later) return FFN_OK;
    ffn_trial *t = r->trial;
    t->status = r->row.status;
    t->score = r->row.score;
    t->spread = r->row.spread;
    t->epochs = r->row.epochs;
    t->seconds = r->row.seconds;
    t->parameters = r->row.parameters;
    t->memory = r->row.memory;
    t->done = true;
    return FFN_OK;
}

static ffn_status read_text(reading *r, const char *text, size_t size, ffn_error *error)
{
    const ffn_csv_options csv = {.header = FFN_CSV_HEADER_YES, .no_target = true};
    ffn_status status = ffn__csv_open(&r->table, ffn__path_tail(r->study->options->log), text, size, &csv, error);
    if (status == FFN_OK) status = check_titles(r, error);
    r->reader = r->table.data;
    while (status == FFN_OK && r->reader.more) status = read_row(r, error);
    return status;
}

ffn_status ffn__log_parse(const ffn__study *s, const char *text, size_t size, ffn_trial *trials, size_t count,
                          const size_t *epochs, size_t rungs, ffn_error *error)
{
    reading r = {.study = s, .trials = trials, .count = count, .epochs = epochs, .rungs = rungs};
    return size > 0 ? read_text(&r, text, size, error) : FFN_OK;
}

ffn_status ffn__log_read(const ffn__study *s, ffn_trial *trials, size_t count, const size_t *epochs, size_t rungs,
                         ffn_error *error)
{
    char *text;
    size_t size;
    if (access(s->options->log, F_OK) != 0 && errno == ENOENT) return FFN_OK;
    ffn_status status = ffn__read_file(s->options->log, &text, &size, error);
    if (status != FFN_OK) return status;
    status = ffn__log_parse(s, text, size, trials, count, epochs, rungs, error);
    ffn__free(text);
    return status;
}
