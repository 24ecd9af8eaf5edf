/* CSV in three stages. The reader cuts text into cells; the table knows the rows, the columns, the header and the
 * target; csv.c gives the cells their types. No stage keeps cells: each pass over the text reads them again, so that
 * the memory taken is that of the result. */
#ifndef FFN__CSV_H
#define FFN__CSV_H

#include "base/base.h"

/* ---- text to cells (csv_reader.c) ---------------------------------------------------------------------------- */

/* A piece of the text, without the quotes around it or the blanks around those. Every quote in it is a doubled one. */
typedef struct ffn__csv_cell {
    const char *text;
    size_t length;
    size_t line, column; /* where it starts, from 1 */
    bool last;           /* of its row */
} ffn__csv_cell;

/* A place in the text, between cells. A plain value: copy it to come back. */
typedef struct ffn__csv_reader {
    const char *at, *end;
    size_t line, column; /* of the next cell */
    char delimiter;
    bool more; /* there is a next cell */
} ffn__csv_reader;

/* At the first cell. Skips a byte order mark and blank lines at the start and at the end. */
ffn__csv_reader ffn__csv_read(const char *text, size_t size, char delimiter);
/* The next cell, if reader->more: NULL, or what is wrong with it, as a part of a sentence. */
const char *ffn__csv_next(ffn__csv_reader *reader, ffn__csv_cell *cell);
/* Writes the text with single quotes for doubled ones to out, at most `length` bytes; how many it wrote. */
size_t ffn__csv_copy(const char *text, size_t length, char *out);
/* Below 0, 0 or above 0 as the cell, with doubled quotes counted once, is before, equal to or after the name, in the order
 * of their bytes. */
int ffn__csv_compare(const ffn__csv_cell *cell, const char *name);

/* ---- cells to a table (csv_table.c) -------------------------------------------------------------------------- */

typedef struct ffn__csv_table {
    const char *source;     /* the file's name for messages */
    ffn__csv_reader header; /* at the first row */
    ffn__csv_reader data;   /* at the first row that is not a header */
    bool has_header;
    size_t columns; /* in every row */
    size_t rows;    /* of data, at least 1 */
    size_t target;  /* a column, from 1; 0: none */
} ffn__csv_table;

/* Checks the options and that the text is a table of rows of equal length, and finds header and target. */
ffn_status ffn__csv_open(ffn__csv_table *table, const char *source, const char *text, size_t size,
                         const ffn_csv_options *options, ffn_error *error);
/* The header's cell of a column; one of length 0 without a header. */
ffn__csv_cell ffn__csv_title(const ffn__csv_table *table, size_t column);
/* Fails with a cell's place, its text and what was expected there. */
ffn_status ffn__csv_fail(const ffn__csv_table *table, const ffn__csv_cell *cell, const char *expected,
                         ffn_error *error);

/* Text made fit for a message: short, on one line. */
typedef struct ffn__csv_excerpt {
    char text[36];
} ffn__csv_excerpt;
ffn__csv_excerpt ffn__csv_show(const char *text, size_t length);
/* The same as " 'text'", with a blank before it; nothing for an empty text. */
ffn__csv_excerpt ffn__csv_quote(const char *text, size_t length);

typedef enum ffn__csv_kind {
    FFN__CSV_NUMBER = 0,
    FFN__CSV_MISSING,  /* empty, NA, NaN, null or ?, in upper or lower case */
    FFN__CSV_INFINITE, /* inf or infinity, or a number beyond what a float holds */
    FFN__CSV_TEXT
} ffn__csv_kind;
enum { FFN__CSV_KINDS = 4 };

/* *value is set for a number only. */
ffn__csv_kind ffn__csv_classify(const ffn__csv_cell *cell, double *value);

/* ---- labels to classes (csv_classes.c) ----------------------------------------------------------------------- */

typedef struct ffn__csv_label {
    const char *text;
    size_t length;
    double value; /* used if the labels are numbers */
} ffn__csv_label;

/* The class index of every label, in the order of their values or else of their bytes, to classes [rows]. *names
 * becomes a list (data.h) of *count names: of each class's first label. */
ffn_status ffn__csv_classes(const ffn__csv_label *labels, size_t rows, bool by_value, float *classes, char ***names,
                            size_t *count, ffn_error *error);

/* Leaves one of each label, in the order of their bytes. */
ffn_status ffn__csv_distinct(ffn__csv_label *labels, size_t *count, ffn_error *error);

/* Classes that are known before the file is read, to be looked up. */
typedef struct ffn__csv_known {
    const char *const *names; /* [count], borrowed, in any order */
    size_t count;
    double *values; /* [count]; NULL: some name is no number, and labels are compared as text */
    size_t *order;  /* [count]: the names from the least to the greatest, and as much scratch behind it */
} ffn__csv_known;

ffn_status ffn__csv_know(ffn__csv_known *known, const char *const *names, size_t count, ffn_error *error);
void ffn__csv_forget(ffn__csv_known *known); /* frees the content and leaves {0} */
/* The index of the class that the cell names; SIZE_MAX: none. */
size_t ffn__csv_find_class(const ffn__csv_known *known, const ffn__csv_cell *cell);

/* ---- columns of text as features (csv_encoding.c) ------------------------------------------------------------ */

/* How the table's inputs become features; zeros if all of them are numbers. FFN_BAD_FORMAT for a column of both. */
ffn_status ffn__csv_find_categories(const ffn__csv_table *table, ffn__encoding *encoding, ffn_error *error);
/* How many features the column has whose first is given. */
size_t ffn__csv_category_count(const ffn__encoding *encoding, size_t first);
/* The feature of that column that the cell's text is; SIZE_MAX: none. */
size_t ffn__csv_find_category(const ffn__encoding *encoding, size_t first, const ffn__csv_cell *cell);

#endif
