#include "data/csv.h"

#include "backprop/model.h"
#include "data/contents.h"
#include "data/data.h"
#include "data/file.h"

#include <math.h>
#include <string.h>

/* What the target column holds. */
typedef enum nature { NO_TARGET = 0, NUMBERS, CLASSES_BY_VALUE, CLASSES_BY_TEXT, CLASSES_OF_MODEL } nature;

typedef struct loader {
    ffn__csv_table table;
    ffn_csv_options options;
    nature nature;
    ffn__csv_known known;   /* the model's classes, for CLASSES_OF_MODEL */
    ffn__encoding encoding; /* of the inputs; the dataset's, once there is one */
    ffn_dataset *dataset;
    ffn__csv_label *labels; /* [rows] of a target of classes that the file says; else NULL */
    size_t row;             /* the next row of the dataset */
    bool skips_row;         /* the current row has a missing value and is to be left out */
    bool has_gaps;          /* some inputs are NaN, to be filled with the column's mean or median */
} loader;

/* ---- target -------------------------------------------------------------------------------------------------- */

static ffn_status find_nature(loader *load, ffn_error *error)
{
    const ffn__csv_table *table = &load->table;
    const ffn_model *model = load->options.categories_of;
    if (table->target == 0) return FFN_OK;
    if (model && model->class_names) {
        load->nature = CLASSES_OF_MODEL;
        return ffn__csv_know(&load->known, (const char *const *)model->class_names, model->class_count, error);
    }
    size_t counts[FFN__CSV_KINDS] = {0};
    ffn__csv_cell cell, text = {0};
    for (ffn__csv_reader reader = table->data; reader.more;) {
        double value;
        (void)ffn__csv_next(&reader, &cell);
        if (cell.column != table->target) continue;
        const ffn__csv_kind kind = ffn__csv_classify(&cell, &value);
        if (kind == FFN__CSV_TEXT && counts[kind] == 0) text = cell;
        counts[kind]++;
    }
    const bool has_text = counts[FFN__CSV_TEXT] > 0, has_numbers = counts[FFN__CSV_NUMBER] > 0;
    if (has_text && has_numbers && !load->options.classification)
        return ffn__csv_fail(table, &text, "a number as in other rows (or set classification)", error);
    load->nature = has_text ? CLASSES_BY_TEXT : load->options.classification ? CLASSES_BY_VALUE : NUMBERS;
    return FFN_OK;
}

static ffn_status check_classes(const loader *load, ffn_error *error)
{
    const ffn_dataset *dataset = load->dataset;
    if (dataset->classes >= 2 && dataset->classes <= FFN__MAX_CLASSES) return FFN_OK;
    const char *name = dataset->class_names[0];
    if (dataset->classes == 1)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s, column %zu: every row has the class '%s', expected at least 2 classes", load->table.source,
                        load->table.target, ffn__csv_show(name, strlen(name)).text);
    return ffn_fail(error, FFN_UNSUPPORTED, "%s, column %zu: found %zu classes, expected at most %zu",
                    load->table.source, load->table.target, dataset->classes, FFN__MAX_CLASSES);
}

/* ---- cells to numbers ---------------------------------------------------------------------------------------- */

static ffn_status read_missing_input(loader *load, const ffn__csv_cell *cell, float *x, ffn_error *error)
{
    switch (load->options.missing) {
    case FFN_CSV_MISSING_MEAN:
    case FFN_CSV_MISSING_MEDIAN:
        *x = (float)NAN;
        load->has_gaps = true;
        return FFN_OK;
    case FFN_CSV_MISSING_ZERO: *x = 0; return FFN_OK;
    case FFN_CSV_MISSING_SKIP_ROW: load->skips_row = true; return FFN_OK;
    case FFN_CSV_MISSING_ERROR: break;
    }
    return ffn__csv_fail(&load->table, cell, "a number (the option `missing` can fill gaps)", error);
}

static ffn_status read_number(loader *load, const ffn__csv_cell *cell, ffn__csv_kind kind, double value, float *x,
                              ffn_error *error)
{
    if (kind == FFN__CSV_INFINITE) return ffn__csv_fail(&load->table, cell, "a finite number of at most 3.4e38", error);
    if (kind == FFN__CSV_TEXT) return ffn__csv_fail(&load->table, cell, "a number", error);
    *x = (float)value;
    return FFN_OK;
}

static ffn_status read_input(loader *load, const ffn__csv_cell *cell, float *x, ffn_error *error)
{
    double value = 0;
    const ffn__csv_kind kind = ffn__csv_classify(cell, &value);
    if (kind == FFN__CSV_MISSING) return read_missing_input(load, cell, x, error);
    return read_number(load, cell, kind, value, x, error);
}

/* The cell of a column of categories whose features, zeros so far, begin at x. */
static ffn_status read_category(loader *load, const ffn__csv_cell *cell, size_t first, float *x, ffn_error *error)
{
    double value;
    if (ffn__csv_classify(cell, &value) == FFN__CSV_MISSING) {
        if (load->options.missing == FFN_CSV_MISSING_ERROR)
            return ffn__csv_fail(&load->table, cell, "a category (the option `missing` can fill gaps)", error);
        load->skips_row |= load->options.missing == FFN_CSV_MISSING_SKIP_ROW;
        return FFN_OK;
    }
    const size_t feature = ffn__csv_find_category(&load->dataset->encoding, first, cell);
    if (feature != SIZE_MAX)
        x[feature - first] = 1;
    else if (!load->options.unknown_zeros)
        return ffn__csv_fail(&load->table, cell, "a category that the model knows (or set unknown_zeros)", error);
    return FFN_OK;
}

/* The next input, whose features begin at *feature of the row x; *feature moves on. */
static ffn_status read_features(loader *load, const ffn__csv_cell *cell, float *x, size_t *feature, ffn_error *error)
{
    const ffn__encoding *e = &load->dataset->encoding;
    const size_t first = *feature;
    if (e->features == 0 || !e->category[first][0]) {
        (*feature)++;
        return read_input(load, cell, x + first, error);
    }
    *feature += ffn__csv_category_count(e, first);
    return read_category(load, cell, first, x + first, error);
}

static ffn_status read_class(const loader *load, const ffn__csv_cell *cell, ffn_error *error)
{
    const size_t class = ffn__csv_find_class(&load->known, cell);
    if (class == SIZE_MAX) return ffn__csv_fail(&load->table, cell, "a class that the model knows", error);
    load->dataset->owned_targets[load->row] = (float)class;
    return FFN_OK;
}

static ffn_status read_target(loader *load, const ffn__csv_cell *cell, ffn_error *error)
{
    double value = 0;
    const ffn__csv_kind kind = ffn__csv_classify(cell, &value);
    if (kind == FFN__CSV_MISSING) {
        load->skips_row = true;
        if (load->options.missing == FFN_CSV_MISSING_SKIP_ROW) return FFN_OK;
        return ffn__csv_fail(&load->table, cell, "a target (the option `missing` can skip the row)", error);
    }
    if (load->nature == CLASSES_OF_MODEL) return read_class(load, cell, error);
    if (load->labels) load->labels[load->row] = (ffn__csv_label){cell->text, cell->length, value};
    if (load->nature == CLASSES_BY_TEXT) return FFN_OK;
    return read_number(load, cell, kind, value, &load->dataset->owned_targets[load->row], error);
}

static ffn_status read_row(loader *load, ffn__csv_reader *reader, ffn_error *error)
{
    float *x = load->dataset->owned_x + load->row * load->dataset->features;
    size_t feature = 0;
    ffn__csv_cell cell;
    load->skips_row = false;
    memset(x, 0, load->dataset->features * sizeof *x); /* a row that was skipped may have been here */
    do {
        (void)ffn__csv_next(reader, &cell);
        const bool is_target = cell.column == load->table.target;
        const ffn_status status =
            is_target ? read_target(load, &cell, error) : read_features(load, &cell, x, &feature, error);
        if (status != FFN_OK) return status;
    } while (!cell.last);
    if (!load->skips_row) load->row++;
    return FFN_OK;
}

static ffn_status read_rows(loader *load, ffn_error *error)
{
    for (ffn__csv_reader reader = load->table.data; reader.more;) {
        const ffn_status status = read_row(load, &reader, error);
        if (status != FFN_OK) return status;
    }
    load->dataset->rows = load->row;
    if (load->row > 0) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: every row has a missing value, expected at least one without",
                    load->table.source);
}

/* ---- gaps ---------------------------------------------------------------------------------------------------- */

/* A column of the inputs, and those of its rows that have a number. */
typedef struct column {
    float *x;
    size_t stride, rows, count;
    size_t *present; /* [count], and as much scratch behind [rows] */
} column;

static double at(const column *c, size_t row) { return (double)c->x[row * c->stride]; }

static bool less(const void *context, size_t a, size_t b) { return at(context, a) < at(context, b); }

static double mean(const column *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->count; i++) sum += at(c, c->present[i]);
    return sum / (double)c->count;
}

static double median(const column *c)
{
    ffn__sort(c->present, c->present + c->rows, c->count, less, c);
    return (at(c, c->present[(c->count - 1) / 2]) + at(c, c->present[c->count / 2])) / 2;
}

static void fill_column(column *c, bool by_mean)
{
    c->count = 0;
    for (size_t i = 0; i < c->rows; i++)
        if (!isnan(c->x[i * c->stride])) c->present[c->count++] = i;
    if (c->count == c->rows || c->count == 0) return;
    const float value = (float)(by_mean ? mean(c) : median(c));
    for (size_t i = 0; i < c->rows; i++)
        if (isnan(c->x[i * c->stride])) c->x[i * c->stride] = value;
}

static ffn_status fill_gaps(loader *load, ffn_error *error)
{
    ffn_dataset *dataset = load->dataset;
    const bool by_mean = load->options.missing == FFN_CSV_MISSING_MEAN;
    if (!load->has_gaps) return FFN_OK;
    size_t *present = ffn__alloc(dataset->rows, 2 * sizeof *present, error);
    if (!present) return FFN_OUT_OF_MEMORY;
    column c = {dataset->owned_x, dataset->features, dataset->rows, 1, present};
    size_t i = 0;
    for (; i < dataset->features; i++, c.x++) {
        fill_column(&c, by_mean);
        if (c.count == 0) break;
    }
    ffn__free(present);
    if (i == dataset->features) return FFN_OK;
    const size_t input = dataset->encoding.features ? dataset->encoding.column[i] : i;
    const size_t number = input + 1 + (load->table.target > 0 && input + 1 >= load->table.target);
    const ffn__csv_cell title = ffn__csv_title(&load->table, number);
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, column %zu%s: every value is missing, expected one to take the %s of",
                    load->table.source, number, ffn__csv_quote(title.text, title.length).text,
                    by_mean ? "mean" : "median");
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */

/* Writes "title", or "title=category", with its end to text, unless that is NULL; how many bytes they are. */
static size_t write_name(const ffn__csv_cell *title, const char *category, char *text)
{
    size_t length = title->length;
    if (text) length = ffn__csv_copy(title->text, title->length, text);
    if (category[0]) {
        if (text) text[length] = '=';
        if (text) memcpy(text + length + 1, category, strlen(category));
        length += 1 + strlen(category);
    }
    if (text) text[length] = '\0';
    return length + 1;
}

/* Names the features; with names NULL only counts the bytes. */
static size_t write_names(const loader *load, char **names, char *text)
{
    const ffn__encoding *e = &load->dataset->encoding;
    ffn__csv_reader reader = load->table.header;
    size_t bytes = 0, feature = 0;
    for (size_t i = 1; i <= load->table.columns; i++) {
        ffn__csv_cell cell;
        (void)ffn__csv_next(&reader, &cell);
        if (i == load->table.target) continue;
        for (size_t n = e->features ? ffn__csv_category_count(e, feature) : 1; n > 0; n--, feature++) {
            if (names) names[feature] = text + bytes;
            bytes += write_name(&cell, e->features ? e->category[feature] : "", names ? text + bytes : NULL);
        }
    }
    return bytes;
}

static ffn_status name_features(loader *load, ffn_error *error)
{
    if (!load->table.has_header) return FFN_OK;
    char **names = ffn__names_create(load->dataset->features, write_names(load, NULL, NULL), error);
    if (!names) return FFN_OUT_OF_MEMORY;
    load->dataset->feature_names = names;
    (void)write_names(load, names, names[0]);
    return FFN_OK;
}

/* The model's encoding, which must be of as many columns. */
static ffn_status take_encoding(loader *load, const ffn__encoding *e, ffn_error *error)
{
    const size_t inputs = load->table.columns - (load->table.target ? 1 : 0);
    const size_t columns = e->features ? e->column[e->features - 1] + 1 : inputs;
    if (columns != inputs)
        return ffn_fail(error, FFN_SHAPE_MISMATCH,
                        "%s: found %zu columns of inputs, expected the %zu that the model knows", load->table.source,
                        inputs, columns);
    if (e->features == 0) return FFN_OK;
    return ffn__encoding_copy(e->column, (const char *const *)e->category, e->features, &load->encoding, error);
}

static ffn_status find_encoding(loader *load, ffn_error *error)
{
    if (load->options.categories_of) return take_encoding(load, &load->options.categories_of->encoding, error);
    return load->options.one_hot ? ffn__csv_find_categories(&load->table, &load->encoding, error) : FFN_OK;
}

static ffn_status allocate(loader *load, ffn_error *error)
{
    const ffn__csv_table *table = &load->table;
    const size_t columns = table->target ? 1 : 0;
    const size_t features = load->encoding.features ? load->encoding.features : table->columns - columns;
    ffn_dataset *dataset = ffn__dataset_create(ffn_shape_1d(features), columns, table->rows, error);
    load->dataset = dataset;
    if (!dataset) return FFN_OUT_OF_MEMORY;
    dataset->encoding = load->encoding;
    load->encoding = (ffn__encoding){0};
    dataset->x = dataset->owned_x = ffn__alloc(table->rows * dataset->features, sizeof(float), error);
    if (!dataset->x) return FFN_OUT_OF_MEMORY;
    if (columns == 0) return FFN_OK;
    dataset->targets = dataset->owned_targets = ffn__alloc(table->rows, sizeof(float), error);
    if (!dataset->targets) return FFN_OUT_OF_MEMORY;
    if (load->nature != CLASSES_BY_VALUE && load->nature != CLASSES_BY_TEXT) return FFN_OK;
    load->labels = ffn__alloc(table->rows, sizeof *load->labels, error);
    return load->labels ? FFN_OK : FFN_OUT_OF_MEMORY;
}

static ffn_status make_classes(loader *load, ffn_error *error)
{
    ffn_dataset *dataset = load->dataset;
    if (load->nature == CLASSES_OF_MODEL) {
        dataset->classes = load->known.count;
        dataset->class_names = ffn__names_copy(load->known.names, load->known.count, error);
        return dataset->class_names ? FFN_OK : FFN_OUT_OF_MEMORY;
    }
    if (!load->labels) return FFN_OK;
    const ffn_status status = ffn__csv_classes(load->labels, dataset->rows, load->nature == CLASSES_BY_VALUE,
                                               dataset->owned_targets, &dataset->class_names, &dataset->classes, error);
    return status == FFN_OK ? check_classes(load, error) : status;
}

static ffn_dataset *load_plain(const char *source, const char *text, size_t size, const ffn_csv_options *options,
                               ffn_error *error)
{
    loader load = {0};
    if (options) load.options = *options;
    ffn_status status = ffn__csv_open(&load.table, source, text, size, &load.options, error);
    if (status == FFN_OK) status = find_nature(&load, error);
    if (status == FFN_OK) status = find_encoding(&load, error);
    if (status == FFN_OK) status = allocate(&load, error);
    if (status == FFN_OK) status = name_features(&load, error);
    if (status == FFN_OK) status = read_rows(&load, error);
    if (status == FFN_OK) status = fill_gaps(&load, error);
    if (status == FFN_OK) status = make_classes(&load, error);
    ffn__free(load.labels);
    ffn__csv_forget(&load.known);
    ffn__encoding_destroy(&load.encoding);
    if (status == FFN_OK) return load.dataset;
    ffn_dataset_destroy(load.dataset);
    return NULL;
}

static ffn_dataset *load_text(const char *source, const char *text, size_t size, const ffn_csv_options *options,
                              ffn_error *error)
{
    const void *bytes = text;
    void *unpacked;
    if (ffn__contents_unpack(source, &bytes, &size, &unpacked, error) != FFN_OK) return NULL;
    ffn_dataset *dataset = load_plain(source, bytes, size, options, error);
    ffn__free(unpacked);
    return dataset;
}

ffn_dataset *ffn_dataset_load_csv(const char *path, const ffn_csv_options *options, ffn_error *error)
{
    char *text;
    size_t size;
    if (ffn__read_file(path, &text, &size, error) != FFN_OK) return NULL;
    ffn_dataset *dataset = load_text(ffn__path_tail(path), text, size, options, error);
    ffn__free(text);
    return dataset;
}

ffn_dataset *ffn_dataset_load_csv_memory(const char *text, size_t size, const ffn_csv_options *options,
                                         ffn_error *error)
{
    if (text) return load_text("CSV text", text, size, options, error);
    (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading CSV text: the text is NULL");
    return NULL;
}
