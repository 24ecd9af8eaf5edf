/* The training data files of FANN: text of numbers with blanks between them: how many rows, inputs and outputs there
 * are, and then for each row its inputs and its outputs. */
#include "data/data.h"
#include "data/file.h"
#include "data/number.h"

#include <math.h>

typedef struct reader {
    const char *source; /* the file's name for messages */
    const char *at, *end;
    size_t line; /* of `at`, from 1 */
} reader;

typedef struct word {
    const char *text;
    size_t length, line;
} word;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* The next word; one of length 0 at the end. */
static word next_word(reader *r)
{
    for (; r->at < r->end && is_blank(*r->at); r->at++) r->line += *r->at == '\n';
    const word w = {r->at, 0, r->line};
    while (r->at < r->end && !is_blank(*r->at)) r->at++;
    return (word){w.text, (size_t)(r->at - w.text), w.line};
}

static ffn_status fail(const reader *r, const word *w, const char *expected, ffn_error *error)
{
    char found[32] = "the end of the file";
    size_t n = 0;
    for (; n < w->length && n < sizeof found - 1; n++) {
        const unsigned char c = (unsigned char)w->text[n];
        found[n] = c >= ' ' && c < 0x7F ? (char)c : '?';
    }
    if (n > 0) found[n] = '\0';
    return ffn_fail(error, FFN_BAD_FORMAT, "%s, line %zu: found %s, expected %s", r->source, w->line, found, expected);
}

static ffn_status read_count(reader *r, const char *expected, size_t *count, ffn_error *error)
{
    const word w = next_word(r);
    *count = 0;
    bool good = w.length > 0;
    for (size_t i = 0; i < w.length && good; i++)
        good = w.text[i] >= '0' && w.text[i] <= '9' && ffn__multiply(*count, 10, count) &&
               ffn__sum(*count, (size_t)(w.text[i] - '0'), count);
    return good ? FFN_OK : fail(r, &w, expected, error);
}

static ffn_status read_numbers(reader *r, size_t count, float *values, ffn_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const word w = next_word(r);
        double value;
        if (!ffn__parse_number(w.text, w.length, &value)) return fail(r, &w, "a number", error);
        values[i] = (float)value;
        if (!isfinite(values[i])) return fail(r, &w, "a finite number of at most 3.4e38", error);
    }
    return FFN_OK;
}

/* A number and what parts it from the next take two bytes at least: a file cannot hold more than that, whatever its
 * first line says. */
static ffn_status check_counts(const reader *r, size_t rows, size_t inputs, size_t outputs, ffn_error *error)
{
    const size_t most = (size_t)(r->end - r->at) / 2 + 1;
    size_t columns, numbers;
    if (rows == 0 || inputs == 0)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s, line 1: found %zu rows of %zu inputs, expected at least one of each", r->source, rows,
                        inputs);
    if (!ffn__sum(inputs, outputs, &columns) || !ffn__multiply(rows, columns, &numbers) || numbers > most)
        return ffn_fail(
            error, FFN_BAD_FORMAT,
            "%s, line 1: found %zu rows of %zu inputs and %zu outputs, expected no more than the file holds", r->source,
            rows, inputs, outputs);
    return FFN_OK;
}

static ffn_status read_rows(reader *r, ffn_dataset *d, ffn_error *error)
{
    d->x = d->owned_x = ffn__alloc(d->rows * d->features, sizeof(float), error);
    if (!d->x) return FFN_OUT_OF_MEMORY;
    if (d->columns > 0) {
        d->targets = d->owned_targets = ffn__alloc(d->rows * d->columns, sizeof(float), error);
        if (!d->targets) return FFN_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < d->rows; i++) {
        ffn_status status = read_numbers(r, d->features, d->owned_x + i * d->features, error);
        if (status == FFN_OK && d->columns > 0)
            status = read_numbers(r, d->columns, d->owned_targets + i * d->columns, error);
        if (status != FFN_OK) return status;
    }
    const word rest = next_word(r);
    return rest.length == 0 ? FFN_OK : fail(r, &rest, "the end, as all rows have been read", error);
}

static ffn_dataset *load(const char *source, const char *text, size_t size, ffn_error *error)
{
    reader r = {source, text, text + size, 1};
    size_t rows = 0, inputs = 0, outputs = 0;
    ffn_status status = read_count(&r, "the number of rows", &rows, error);
    if (status == FFN_OK) status = read_count(&r, "the number of inputs", &inputs, error);
    if (status == FFN_OK) status = read_count(&r, "the number of outputs", &outputs, error);
    if (status == FFN_OK) status = check_counts(&r, rows, inputs, outputs, error);
    if (status != FFN_OK) return NULL;
    ffn_dataset *dataset = ffn__dataset_create(ffn_shape_1d(inputs), outputs, rows, error);
    if (!dataset || read_rows(&r, dataset, error) == FFN_OK) return dataset;
    ffn_dataset_destroy(dataset);
    return NULL;
}

ffn_dataset *ffn_dataset_load_fann(const char *path, ffn_error *error)
{
    char *text;
    size_t size;
    if (ffn__read_file(path, &text, &size, error) != FFN_OK) return NULL;
    ffn_dataset *dataset = load(ffn__path_tail(path), text, size, error);
    ffn__free(text);
    return dataset;
}

ffn_dataset *ffn_dataset_load_fann_memory(const char *text, size_t size, ffn_error *error)
{
    if (text) return load("FANN text", text, size, error);
    (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading FANN text: the text is NULL");
    return NULL;
}
