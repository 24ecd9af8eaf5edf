#include "data/csv.h"

#include <string.h>

static bool is_newline(char c) { return c == '\n' || c == '\r'; }
static bool is_blank(char c, char delimiter) { return (c == ' ' || c == '\t') && c != delimiter; }

static void skip_blanks(ffn__csv_reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at, reader->delimiter)) reader->at++;
}

/* Takes LF, CR or CR LF. */
static void take_newline(ffn__csv_reader *reader)
{
    if (*reader->at++ == '\r' && reader->at < reader->end && *reader->at == '\n') reader->at++;
    reader->line++;
}

static void skip_blank_lines(ffn__csv_reader *reader)
{
    for (;;) {
        ffn__csv_reader ahead = *reader;
        skip_blanks(&ahead);
        if (ahead.at == ahead.end || !is_newline(*ahead.at)) return;
        take_newline(&ahead);
        *reader = ahead;
    }
}

ffn__csv_reader ffn__csv_read(const char *text, size_t size, char delimiter)
{
    static const char mark[] = {'\xEF', '\xBB', '\xBF'};
    const size_t skipped = size >= sizeof mark && memcmp(text, mark, sizeof mark) == 0 ? sizeof mark : 0;
    ffn__csv_reader reader = {text + skipped, text + size, 1, 1, delimiter, false};
    while (reader.end > reader.at && (is_newline(reader.end[-1]) || is_blank(reader.end[-1], delimiter))) reader.end--;
    skip_blank_lines(&reader);
    reader.more = reader.at < reader.end;
    return reader;
}

/* From the opening quote to behind the closing one. */
static const char *take_quoted(ffn__csv_reader *reader, ffn__csv_cell *cell)
{
    cell->text = ++reader->at;
    while (reader->at < reader->end) {
        if (is_newline(*reader->at)) {
            take_newline(reader);
        } else if (*reader->at != '"') {
            reader->at++;
        } else if (reader->at + 1 < reader->end && reader->at[1] == '"') {
            reader->at += 2;
        } else {
            cell->length = (size_t)(reader->at++ - cell->text);
            skip_blanks(reader);
            return NULL;
        }
    }
    return "a quote that is never closed";
}

static const char *take_plain(ffn__csv_reader *reader, ffn__csv_cell *cell)
{
    cell->text = reader->at;
    while (reader->at < reader->end && *reader->at != reader->delimiter && !is_newline(*reader->at))
        if (*reader->at++ == '"') return "a quote within a cell that is not quoted as a whole";
    cell->length = (size_t)(reader->at - cell->text);
    while (cell->length > 0 && is_blank(cell->text[cell->length - 1], reader->delimiter)) cell->length--;
    return NULL;
}

const char *ffn__csv_next(ffn__csv_reader *reader, ffn__csv_cell *cell)
{
    skip_blanks(reader);
    *cell = (ffn__csv_cell){reader->at, 0, reader->line, reader->column, true};
    const bool quoted = reader->at < reader->end && *reader->at == '"';
    const char *problem = quoted ? take_quoted(reader, cell) : take_plain(reader, cell);
    if (problem) return problem;
    reader->more = reader->at < reader->end;
    if (!reader->more) return NULL;
    if (is_newline(*reader->at)) {
        take_newline(reader);
        reader->column = 1;
        return NULL;
    }
    if (*reader->at != reader->delimiter) return "text behind a closing quote";
    reader->at++;
    reader->column++;
    cell->last = false;
    return NULL;
}

size_t ffn__csv_copy(const char *text, size_t length, char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < length; i++) {
        out[written++] = text[i];
        if (text[i] == '"') i++;
    }
    return written;
}

int ffn__csv_compare(const ffn__csv_cell *cell, const char *name)
{
    size_t used = 0;
    for (size_t i = 0; i < cell->length; i++, used++) {
        const unsigned char a = (unsigned char)cell->text[i], b = (unsigned char)name[used];
        if (a != b) return a < b ? -1 : 1; /* also at the end of the name: no cell has a NUL */
        if (a == '"') i++;
    }
    return name[used] ? -1 : 0;
}
