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
