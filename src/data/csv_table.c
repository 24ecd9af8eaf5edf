#include "data/csv.h"

#include "backprop/model.h"
#include "data/file.h"
#include "data/number.h"

#include <math.h>
#include <string.h>

/* ---- cells --------------------------------------------------------------------------------------------------- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool same_word(const char *text, size_t length, const char *word)
{
    size_t i = 0;
    while (i < length && word[i] && lower(text[i]) == word[i]) i++;
    return i == length && !word[i];
}

static ffn__csv_kind classify_word(const char *text, size_t length)
{
    static const struct {
        const char *word;
        ffn__csv_kind kind;
    } words[] = {
        {"", FFN__CSV_MISSING},          {"na", FFN__CSV_MISSING},         {"nan", FFN__CSV_MISSING},
        {"null", FFN__CSV_MISSING},      {"?", FFN__CSV_MISSING},          {"-nan", FFN__CSV_MISSING},
        {"inf", FFN__CSV_INFINITE},      {"-inf", FFN__CSV_INFINITE},      {"+inf", FFN__CSV_INFINITE},
        {"infinity", FFN__CSV_INFINITE}, {"-infinity", FFN__CSV_INFINITE}, {"+infinity", FFN__CSV_INFINITE},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (same_word(text, length, words[i].word)) return words[i].kind;
    return FFN__CSV_TEXT;
}

ffn__csv_kind ffn__csv_classify(const ffn__csv_cell *cell, double *value)
{
    const char *text = cell->text;
    size_t length = cell->length;
    while (length > 0 && (*text == ' ' || *text == '\t')) text++, length--; /* within quotes */
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
    if (!ffn__parse_number(text, length, value)) return classify_word(text, length);
    return isfinite((float)*value) ? FFN__CSV_NUMBER : FFN__CSV_INFINITE;
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

ffn__csv_excerpt ffn__csv_show(const char *text, size_t length)
{
    enum { SHOWN = 28 };
    size_t shown = length;
    if (shown > SHOWN) {
        shown = SHOWN;
        while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80) shown--; /* not within a UTF-8 character */
    }
    ffn__csv_excerpt excerpt = {{0}};
    for (size_t i = 0; i < shown; i++) {
        const unsigned char c = (unsigned char)text[i];
        excerpt.text[i] = c < 0x20 || c == 0x7F ? ' ' : text[i];
    }
    if (shown < length) memcpy(excerpt.text + shown, "...", sizeof "...");
    return excerpt;
}

ffn__csv_excerpt ffn__csv_quote(const char *text, size_t length)
{
    ffn__csv_excerpt quoted = {{0}};
    if (length == 0) return quoted;
    const ffn__csv_excerpt inner = ffn__csv_show(text, length);
    const size_t shown = strlen(inner.text);
    memcpy(quoted.text, " '", 2);
    memcpy(quoted.text + 2, inner.text, shown);
    quoted.text[2 + shown] = '\'';
    return quoted;
}

ffn_status ffn__csv_fail(const ffn__csv_table *table, const ffn__csv_cell *cell, const char *expected, ffn_error *error)
{
    const ffn__csv_cell title = ffn__csv_title(table, cell->column);
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, line %zu, column %zu%s: found%s, expected %s", table->source,
                    cell->line, cell->column, ffn__csv_quote(title.text, title.length).text,
                    cell->length > 0 ? ffn__csv_quote(cell->text, cell->length).text : " an empty cell", expected);
}

/* ---- shape --------------------------------------------------------------------------------------------------- */

static ffn_status check_row(ffn__csv_table *table, const ffn__csv_cell *last, ffn_error *error)
{
    if (table->rows++ == 0) table->columns = last->column;
    if (last->column == table->columns) return FFN_OK;
    if (last->column == 1 && last->length == 0)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s, line %zu: found an empty line, expected %zu columns as in line %zu",
                        table->source, last->line, table->columns, table->header.line);
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, line %zu: found %zu column%s, expected %zu as in line %zu",
                    table->source, last->line, last->column, last->column == 1 ? "" : "s", table->columns,
                    table->header.line);
}

/* Counts rows and columns; from here on no cell of the text is malformed. */
static ffn_status measure(ffn__csv_table *table, ffn_error *error)
{
    ffn__csv_cell cell;
    for (ffn__csv_reader reader = table->header; reader.more;) {
        const char *problem = ffn__csv_next(&reader, &cell);
        if (problem)
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "%s, line %zu, column %zu: found %s, expected '\"...\"' with quotes in it doubled",
                            table->source, cell.line, cell.column, problem);
        if (!cell.last) continue;
        const ffn_status status = check_row(table, &cell, error);
        if (status != FFN_OK) return status;
    }
    if (table->rows == 0)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s is empty, expected rows of numbers", table->source);
    return FFN_OK;
}

static ffn_status refuse_nul(const ffn__csv_table *table, const char *text, size_t size, ffn_error *error)
{
    const char *nul = size > 0 ? memchr(text, 0, size) : NULL;
    if (!nul) return FFN_OK;
    size_t line = 1;
    for (const char *at = text; at < nul; at++) line += *at == '\n' || (*at == '\r' && at[1] != '\n');
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, line %zu: found a NUL byte, expected text in ASCII or UTF-8",
                    table->source, line);
}

/* ---- header and target --------------------------------------------------------------------------------------- */

ffn__csv_cell ffn__csv_title(const ffn__csv_table *table, size_t column)
{
    ffn__csv_cell cell = {"", 0, 0, 0, true};
    ffn__csv_reader reader = table->header;
    for (size_t i = 0; table->has_header && i < column; i++) (void)ffn__csv_next(&reader, &cell);
    return cell;
}

/* Titles for the message that a target is not among them, as many as fit. */
static void list_titles(const ffn__csv_table *table, char *out, size_t size)
{
    ffn__csv_reader reader = table->header;
    size_t used = 0;
    for (size_t i = 0; i < table->columns; i++) {
        ffn__csv_cell cell;
        (void)ffn__csv_next(&reader, &cell);
        const ffn__csv_excerpt title = ffn__csv_show(cell.text, cell.length);
        const size_t length = strlen(title.text);
        if (used + length + sizeof "'', ..." > size) {
            memcpy(out + used, "...", sizeof "...");
            return;
        }
        out[used++] = '\'';
        memcpy(out + used, title.text, length);
        used += length;
        memcpy(out + used, "', ", sizeof "', ");
        used += i + 1 < table->columns ? 3 : 1;
    }
    out[used] = '\0';
}

static ffn_status find_target_by_name(ffn__csv_table *table, const char *name, ffn_error *error)
{
    ffn__csv_reader reader = table->header;
    for (size_t column = 1; column <= table->columns; column++) {
        ffn__csv_cell cell;
        (void)ffn__csv_next(&reader, &cell);
        if (ffn__csv_compare(&cell, name) != 0) continue;
        if (table->target)
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "%s: columns %zu and %zu are both named '%s', expected one target", table->source,
                            table->target, column, ffn__csv_show(name, strlen(name)).text);
        table->target = column;
    }
    if (table->target) return FFN_OK;
    char titles[96];
    list_titles(table, titles, sizeof titles);
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s has no column '%s', expected one of %s", table->source,
                    ffn__csv_show(name, strlen(name)).text, titles);
}

static ffn_status find_target(ffn__csv_table *table, const ffn_csv_options *options, ffn_error *error)
{
    if (options->no_target) return FFN_OK;
    if (table->columns == 1)
        return ffn_fail(
            error, FFN_BAD_FORMAT,
            "%s has 1 column with the delimiter '%c', expected a target and at least one input (or no_target)",
            table->source, table->header.delimiter);
    if (options->target) return find_target_by_name(table, options->target, error);
    if (options->target_column > table->columns)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "target column %zu: %s has %zu columns", options->target_column,
                        table->source, table->columns);
    table->target = options->target_column ? options->target_column : table->columns;
    return FFN_OK;
}

/* What a cell of the first row says. */
typedef enum sign {
    NOTHING = 0,
    KNOWN,  /* a word that the model knows: a row */
    TITLE,  /* text in a column of numbers: a header */
    OPEN,   /* text: a header if the column has numbers below */
    NUMBER, /* a row */
    UNKNOWN /* a word that the model does not know, where it knows words */
} sign;
enum { SIGNS = UNKNOWN + 1 };

static bool is_class(const ffn_model *model, const ffn__csv_cell *cell)
{
    size_t i = 0;
    while (i < model->class_count && ffn__csv_compare(cell, model->class_names[i]) != 0) i++;
    return i < model->class_count;
}

/* feature: of the model, the first of the cell's column. */
static sign read_sign(const ffn__csv_table *table, const ffn_csv_options *options, const ffn__csv_cell *cell,
                      size_t feature)
{
    const ffn_model *model = options->categories_of;
    double value;
    const ffn__csv_kind kind = ffn__csv_classify(cell, &value);
    if (kind != FFN__CSV_TEXT) return kind == FFN__CSV_MISSING ? NOTHING : NUMBER;
    if (cell->column == table->target) {
        if (!model || !model->class_names) return OPEN;
        return is_class(model, cell) ? KNOWN : UNKNOWN;
    }
    if (!model) return options->one_hot ? OPEN : TITLE;
    if (!ffn__encoding_category(&model->encoding, feature, NULL)) return TITLE;
    return ffn__csv_find_category(&model->encoding, feature, cell) != SIZE_MAX ? KNOWN : UNKNOWN;
}

/* The signs of the first row, [columns], and how many there are of each; second_row is then at the next one. */
static void read_signs(const ffn__csv_table *table, const ffn_csv_options *options, unsigned char *signs,
                       size_t *counts, ffn__csv_reader *second_row)
{
    size_t feature = 0;
    *second_row = table->header;
    for (size_t i = 0; i < table->columns; i++) {
        ffn__csv_cell cell;
        (void)ffn__csv_next(second_row, &cell);
        signs[i] = (unsigned char)read_sign(table, options, &cell, feature);
        counts[signs[i]]++;
        if (options->categories_of && cell.column != table->target)
            feature += ffn__csv_category_count(&options->categories_of->encoding, feature);
    }
}

/* Makes titles of open signs above numbers, and nothing else; the target's text may be a class. One pass serves all
 * columns. */
static ffn_status close_signs(const ffn__csv_table *table, ffn__csv_reader below, unsigned char *signs, size_t *counts,
                              ffn_error *error)
{
    bool(*seen)[FFN__CSV_KINDS] = ffn__alloc(table->columns, sizeof *seen, error);
    if (!seen) return FFN_OUT_OF_MEMORY;
    while (below.more) {
        ffn__csv_cell cell;
        double value;
        (void)ffn__csv_next(&below, &cell);
        if (signs[cell.column - 1] == OPEN) seen[cell.column - 1][ffn__csv_classify(&cell, &value)] = true;
    }
    for (size_t i = 0; i < table->columns; i++) {
        if (signs[i] != OPEN) continue;
        if (seen[i][FFN__CSV_NUMBER] && !seen[i][FFN__CSV_TEXT])
            signs[i] = TITLE;
        else if (i + 1 == table->target)
            signs[i] = NOTHING;
        counts[OPEN]--;
        counts[signs[i]]++;
    }
    ffn__free(seen);
    return FFN_OK;
}

static ffn_status detect_header(ffn__csv_table *table, const ffn_csv_options *options, ffn_error *error)
{
    size_t counts[SIGNS] = {0};
    ffn__csv_reader second_row;
    ffn_status status = FFN_OK;
    unsigned char *signs = ffn__alloc(table->columns, 1, error);
    if (!signs) return FFN_OUT_OF_MEMORY;
    read_signs(table, options, signs, counts, &second_row);
    if (counts[OPEN] > 0 && counts[KNOWN] + counts[TITLE] == 0)
        status = close_signs(table, second_row, signs, counts, error);
    ffn__free(signs);
    if (status != FFN_OK) return status;
    table->has_header = counts[KNOWN] == 0 && (counts[TITLE] > 0 || (counts[NUMBER] == 0 && counts[UNKNOWN] > 0));
    if (counts[KNOWN] + counts[TITLE] + counts[NUMBER] + counts[UNKNOWN] > 0 || counts[OPEN] == 0) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT,
                    "%s, line %zu: found words only, as in the columns below; expected the option `header` to say "
                    "whether they are titles",
                    table->source, table->header.line);
}

static ffn_status find_header(ffn__csv_table *table, const ffn_csv_options *options, ffn_error *error)
{
    table->has_header = options->header == FFN_CSV_HEADER_YES || options->target;
    if (!table->has_header && options->header == FFN_CSV_HEADER_AUTO) {
        const ffn_status status = detect_header(table, options, error);
        if (status != FFN_OK) return status;
    }
    table->data = table->header;
    if (!table->has_header) return FFN_OK;
    ffn__csv_cell cell;
    for (size_t i = 0; i < table->columns; i++) (void)ffn__csv_next(&table->data, &cell);
    if (--table->rows == 0)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s has a header and no rows, expected at least one", table->source);
    return FFN_OK;
}

static ffn_status check_options(const ffn_csv_options *options, ffn_error *error)
{
    const char c = options->delimiter;
    const bool usable = c == '\0' || c == '\t' ||
                        (c >= ' ' && c <= '~' && !strchr("\"'+-.?", c) && !(c >= '0' && c <= '9') &&
                         !(lower(c) >= 'a' && lower(c) <= 'z'));
    const char *problem = NULL;
    if (!usable)
        problem = "the delimiter must be a tab, a space or punctuation other than \" ' + - . ?";
    else if ((unsigned)options->header > FFN_CSV_HEADER_NO)
        problem = "header is not one of ffn_csv_header";
    else if ((unsigned)options->missing > FFN_CSV_MISSING_SKIP_ROW)
        problem = "missing is not one of ffn_csv_missing";
    else if (options->target && options->header == FFN_CSV_HEADER_NO)
        problem = "a target's name needs a header";
    else if (options->unknown_zeros && !options->categories_of)
        problem = "unknown_zeros needs categories_of";
    else if (options->no_target && (options->target || options->target_column))
        problem = "no_target excludes a target";
    return problem ? ffn_fail(error, FFN_INVALID_ARGUMENT, "CSV options: %s", problem) : FFN_OK;
}

ffn_status ffn__csv_open(ffn__csv_table *table, const char *source, const char *text, size_t size,
                         const ffn_csv_options *options, ffn_error *error)
{
    *table = (ffn__csv_table){.source = source};
    ffn_status status = check_options(options, error);
    if (status == FFN_OK) status = refuse_nul(table, text, size, error);
    if (status != FFN_OK) return status;
    table->header = ffn__csv_read(text, size, options->delimiter ? options->delimiter : ',');
    status = measure(table, error);
    if (status == FFN_OK) status = find_target(table, options, error);
    if (status == FFN_OK) status = find_header(table, options, error);
    return status;
}
