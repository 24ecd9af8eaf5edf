#include "data/csv.h"

#include "data/data.h"

#include <string.h>

/* By unsigned bytes, a label before those that it begins. That quotes are doubled does not change the order. */
static bool less_by_text(const void *context, size_t a, size_t b)
{
    const ffn__csv_label *labels = context;
    const size_t shorter = labels[a].length < labels[b].length ? labels[a].length : labels[b].length;
    const int order = memcmp(labels[a].text, labels[b].text, shorter);
    return order != 0 ? order < 0 : labels[a].length < labels[b].length;
}

static bool less_by_value(const void *context, size_t a, size_t b)
{
    const ffn__csv_label *labels = context;
    return labels[a].value < labels[b].value;
}

/* Numbers the classes along the sorted rows; how many there are, and the bytes that their names take. */
static size_t number_classes(const ffn__csv_label *labels, const size_t *order, size_t rows, ffn__less less,
                             float *classes, size_t *bytes)
{
    size_t count = 0;
    *bytes = 0;
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || less(labels, order[i - 1], order[i])) {
            count++;
            *bytes += labels[order[i]].length + 1;
        }
        classes[order[i]] = (float)(count - 1);
    }
    return count;
}

static char **name_classes(const ffn__csv_label *labels, const size_t *order, size_t rows, const float *classes,
                           size_t count, size_t bytes, ffn_error *error)
{
    char **names = ffn__names_create(count, bytes, error);
    if (!names) return NULL;
    char *text = names[0];
    size_t named = 0;
    for (size_t i = 0; i < rows; i++) {
        if (i > 0 && classes[order[i]] == classes[order[i - 1]]) continue;
        const ffn__csv_label *label = &labels[order[i]];
        names[named++] = text;
        text += ffn__csv_copy(label->text, label->length, text);
        *text++ = '\0';
    }
    return names;
}

ffn_status ffn__csv_classes(const ffn__csv_label *labels, size_t rows, bool by_value, float *classes, char ***names,
                            size_t *count, ffn_error *error)
{
    const ffn__less less = by_value ? less_by_value : less_by_text;
    size_t *order = ffn__alloc(rows, 2 * sizeof *order, error); /* and the sort's scratch behind it */
    if (!order) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < rows; i++) order[i] = i;
    ffn__sort(order, order + rows, rows, less, labels);
    size_t bytes;
    *count = number_classes(labels, order, rows, less, classes, &bytes);
    *names = name_classes(labels, order, rows, classes, *count, bytes, error);
    ffn__free(order);
    return *names ? FFN_OK : FFN_OUT_OF_MEMORY;
}

ffn_status ffn__csv_distinct(ffn__csv_label *labels, size_t *count, ffn_error *error)
{
    const size_t n = *count;
    size_t *order = ffn__alloc(n, 2 * sizeof *order, error);
    ffn__csv_label *kept = order ? ffn__alloc(n, sizeof *kept, error) : NULL;
    if (!kept) {
        ffn__free(order);
        return FFN_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < n; i++) order[i] = i;
    ffn__sort(order, order + n, n, less_by_text, labels);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || less_by_text(labels, order[i - 1], order[i])) kept[(*count)++] = labels[order[i]];
    memcpy(labels, kept, *count * sizeof *kept);
    ffn__free(order);
    ffn__free(kept);
    return FFN_OK;
}

/* ---- classes that are known ---------------------------------------------------------------------------------- */

static bool known_before(const void *context, size_t a, size_t b)
{
    const ffn__csv_known *known = context;
    return known->values ? known->values[a] < known->values[b] : strcmp(known->names[a], known->names[b]) < 0;
}

/* The names' values; false: one of them is no number. */
static bool read_values(const ffn__csv_known *known, double *values)
{
    size_t i = 0;
    for (; i < known->count; i++) {
        const ffn__csv_cell cell = {known->names[i], strlen(known->names[i]), 0, 0, true};
        if (ffn__csv_classify(&cell, &values[i]) != FFN__CSV_NUMBER) break;
    }
    return i == known->count;
}

ffn_status ffn__csv_know(ffn__csv_known *known, const char *const *names, size_t count, ffn_error *error)
{
    *known = (ffn__csv_known){.names = names, .count = count};
    double *values = ffn__alloc(count, sizeof *values, error);
    known->order = values ? ffn__alloc(count, 2 * sizeof *known->order, error) : NULL;
    if (!known->order) {
        ffn__free(values);
        return FFN_OUT_OF_MEMORY;
    }
    if (read_values(known, values))
        known->values = values;
    else
        ffn__free(values);
    for (size_t i = 0; i < count; i++) known->order[i] = i;
    ffn__sort(known->order, known->order + count, count, known_before, known);
    return FFN_OK;
}

void ffn__csv_forget(ffn__csv_known *known)
{
    ffn__free(known->values);
    ffn__free(known->order);
    *known = (ffn__csv_known){0};
}

size_t ffn__csv_find_class(const ffn__csv_known *known, const ffn__csv_cell *cell)
{
    double value = 0;
    if (known->values && ffn__csv_classify(cell, &value) != FFN__CSV_NUMBER) return SIZE_MAX;
    size_t low = 0, high = known->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2, class = known->order[middle];
        const int order = known->values ? (value > known->values[class]) - (value < known->values[class])
                                        : ffn__csv_compare(cell, known->names[class]);
        if (order == 0) return class;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}
