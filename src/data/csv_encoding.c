/* Columns of text among the inputs: each becomes as many features as it has categories, in the order of their bytes. */
#include "data/csv.h"

#include "data/data.h"

#include <string.h>

/* What a column holds. */
typedef struct column {
    bool has_numbers;
    ffn__csv_cell text;     /* its first; on line 0: none */
    ffn__csv_label *labels; /* [count]: every category, some of them several times; in the end distinct and in order */
    size_t count, capacity;
} column;

/* Memory for labels is made in two ways: by dropping what is there twice, and where that leaves most, by growing. So it is
 * that of the categories, and each label is sorted a few times. */
static ffn_status add_label(column *c, const ffn__csv_cell *cell, ffn_error *error)
{
    enum { FEW = 64 };
    ffn_status status = FFN_OK;
    if (c->count == c->capacity) {
        if (c->count > 0) status = ffn__csv_distinct(c->labels, &c->count, error);
        const size_t most = c->count < FEW / 2 ? FEW : 2 * c->count;
        if (status == FFN_OK) status = ffn__grow((void **)&c->labels, &c->capacity, most, sizeof *c->labels, error);
    }
    if (status == FFN_OK) c->labels[c->count++] = (ffn__csv_label){cell->text, cell->length, 0};
    return status;
}

/* All columns in one pass. */
static ffn_status look(const ffn__csv_table *table, column *columns, ffn_error *error)
{
    ffn_status status = FFN_OK;
    ffn__csv_cell cell;
    for (ffn__csv_reader reader = table->data; reader.more && status == FFN_OK;) {
        double value;
        (void)ffn__csv_next(&reader, &cell);
        column *c = &columns[cell.column - 1];
        if (cell.column == table->target) continue;
        const ffn__csv_kind kind = ffn__csv_classify(&cell, &value);
        c->has_numbers |= kind == FFN__CSV_NUMBER || kind == FFN__CSV_INFINITE;
        if (kind != FFN__CSV_TEXT) continue;
        if (c->text.line == 0) c->text = cell;
        if (!c->has_numbers) status = add_label(c, &cell, error);
    }
    for (size_t i = 0; i < table->columns && status == FFN_OK; i++) {
        if (columns[i].text.line == 0) continue;
        if (columns[i].has_numbers)
            status = ffn__csv_fail(table, &columns[i].text, "a number as in other rows of the column", error);
        else
            status = ffn__csv_distinct(columns[i].labels, &columns[i].count, error);
    }
    return status;
}

/* From the columns to an encoding without features. */
static ffn_status join(const ffn__csv_table *table, const column *columns, ffn__encoding *encoding, ffn_error *error)
{
    size_t features = 0, bytes = 0, input = 0, at = 0;
    for (size_t i = 0; i < table->columns; i++) {
        if (i + 1 == table->target) continue;
        features += columns[i].count > 0 ? columns[i].count : 1;
        bytes++;
        for (size_t k = 0; k < columns[i].count; k++) bytes += columns[i].labels[k].length + 1;
    }
    encoding->column = ffn__alloc(features, sizeof *encoding->column, error);
    encoding->category = encoding->column ? ffn__names_create(features, bytes, error) : NULL;
    if (!encoding->category) return FFN_OUT_OF_MEMORY;
    encoding->features = features;
    char *text = encoding->category[0];
    for (size_t i = 0; i < table->columns; i++) {
        if (i + 1 == table->target) continue;
        for (size_t k = 0; k == 0 || k < columns[i].count; k++, at++) {
            const ffn__csv_label label = columns[i].count > 0 ? columns[i].labels[k] : (ffn__csv_label){"", 0, 0};
            encoding->column[at] = input;
            encoding->category[at] = text;
            text += ffn__csv_copy(label.text, label.length, text);
            *text++ = '\0';
        }
        input++;
    }
    return FFN_OK;
}

ffn_status ffn__csv_find_categories(const ffn__csv_table *table, ffn__encoding *encoding, ffn_error *error)
{
    bool any = false;
    column *columns = ffn__alloc(table->columns, sizeof *columns, error);
    if (!columns) return FFN_OUT_OF_MEMORY;
    ffn_status status = look(table, columns, error);
    for (size_t i = 0; i < table->columns; i++) any |= columns[i].count > 0;
    if (status == FFN_OK && any) status = join(table, columns, encoding, error);
    for (size_t i = 0; i < table->columns; i++) ffn__free(columns[i].labels);
    ffn__free(columns);
    return status;
}

size_t ffn__csv_category_count(const ffn__encoding *encoding, size_t first)
{
    size_t count = 1;
    while (first + count < encoding->features && encoding->column[first + count] == encoding->column[first]) count++;
    return count;
}

size_t ffn__csv_find_category(const ffn__encoding *encoding, size_t first, const ffn__csv_cell *cell)
{
    size_t low = first, high = first + ffn__csv_category_count(encoding, first);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = ffn__csv_compare(cell, encoding->category[middle]);
        if (order == 0) return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}
