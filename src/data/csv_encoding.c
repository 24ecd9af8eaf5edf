/* Columns of text among the inputs: each becomes as many features as it has categories, in the order of their bytes. */
#include "data/csv.h"

#include "data/data.h"

#include <string.h>

/* What a column holds. */
typedef struct column {
    bool has_text, has_numbers;
    ffn__csv_cell text; /* its first */
    char **names;       /* of its categories, a list; NULL: numbers */
    size_t count;       /* of them */
} column;

static ffn_status look(const ffn__csv_table *table, column *columns, ffn_error *error)
{
    ffn__csv_cell cell;
    for (ffn__csv_reader reader = table->data; reader.more;) {
        double value;
        (void)ffn__csv_next(&reader, &cell);
        column *c = &columns[cell.column - 1];
        const ffn__csv_kind kind = ffn__csv_classify(&cell, &value);
        if (kind == FFN__CSV_TEXT && !c->has_text) c->text = cell;
        c->has_text |= kind == FFN__CSV_TEXT;
        c->has_numbers |= kind == FFN__CSV_NUMBER || kind == FFN__CSV_INFINITE;
    }
    for (size_t i = 0; i < table->columns; i++)
        if (i + 1 != table->target && columns[i].has_text && columns[i].has_numbers)
            return ffn__csv_fail(table, &columns[i].text, "a number as in other rows of the column", error);
    return FFN_OK;
}

/* The categories of column `number`, from 1. */
static ffn_status collect(const ffn__csv_table *table, size_t number, column *c, ffn_error *error)
{
    ffn__csv_label *labels = ffn__alloc(table->rows, sizeof *labels, error);
    float *classes = labels ? ffn__alloc(table->rows, sizeof *classes, error) : NULL;
    ffn_status status = classes ? FFN_OK : FFN_OUT_OF_MEMORY;
    size_t count = 0;
    ffn__csv_cell cell;
    for (ffn__csv_reader reader = table->data; reader.more && status == FFN_OK;) {
        double value;
        (void)ffn__csv_next(&reader, &cell);
        if (cell.column == number && ffn__csv_classify(&cell, &value) == FFN__CSV_TEXT)
            labels[count++] = (ffn__csv_label){cell.text, cell.length, 0};
    }
    if (status == FFN_OK) status = ffn__csv_classes(labels, count, false, classes, &c->names, &c->count, error);
    ffn__free(labels);
    ffn__free(classes);
    return status;
}

/* From the columns to the encoding. */
static ffn_status join(const ffn__csv_table *table, const column *columns, ffn__encoding *encoding, ffn_error *error)
{
    size_t features = 0, input = 0, at = 0;
    for (size_t i = 0; i < table->columns; i++)
        if (i + 1 != table->target) features += columns[i].names ? columns[i].count : 1;
    size_t *numbers = ffn__alloc(features, sizeof *numbers, error);
    const char **names = numbers ? ffn__alloc(features, sizeof *names, error) : NULL;
    for (size_t i = 0; names && i < table->columns; i++) {
        if (i + 1 == table->target) continue;
        const size_t count = columns[i].names ? columns[i].count : 1;
        for (size_t k = 0; k < count; k++, at++) {
            numbers[at] = input;
            names[at] = columns[i].names ? columns[i].names[k] : "";
        }
        input++;
    }
    const ffn_status status = names ? ffn__encoding_copy(numbers, names, features, encoding, error) : FFN_OUT_OF_MEMORY;
    ffn__free(numbers);
    ffn__free((void *)names);
    return status;
}

ffn_status ffn__csv_find_categories(const ffn__csv_table *table, ffn__encoding *encoding, ffn_error *error)
{
    bool any = false;
    column *columns = ffn__alloc(table->columns, sizeof *columns, error);
    if (!columns) return FFN_OUT_OF_MEMORY;
    ffn_status status = look(table, columns, error);
    for (size_t i = 0; i < table->columns && status == FFN_OK; i++) {
        if (i + 1 == table->target || !columns[i].has_text) continue;
        any = true;
        status = collect(table, i + 1, &columns[i], error);
    }
    if (status == FFN_OK && any) status = join(table, columns, encoding, error);
    for (size_t i = 0; i < table->columns; i++) ffn__free(columns[i].names);
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
