/* Lists of names, each one allocation. */
#include "base/base.h"

#include <string.h>

char **ffn__names_create(size_t count, size_t bytes, ffn_error *error)
{
    size_t pointers, total;
    if (!ffn__multiply(count, sizeof(char *), &pointers) || !ffn__sum(pointers, bytes, &total))
        pointers = 0, total = SIZE_MAX;
    char **names = ffn__alloc(total, 1, error);
    for (size_t i = 0; names && i < count; i++) names[i] = (char *)names + pointers;
    return names;
}

char **ffn__names_copy(const char *const *names, size_t count, ffn_error *error)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += strlen(names[i]) + 1; /* fits: the originals do */
    char **copy = ffn__names_create(count, bytes, error);
    char *text = copy && count > 0 ? copy[0] : NULL;
    for (size_t i = 0; text && i < count; i++) {
        const size_t length = strlen(names[i]) + 1;
        copy[i] = memcpy(text, names[i], length);
        text += length;
    }
    return copy;
}

typedef struct list {
    const char *(*name)(const void *context, size_t index);
    const void *context;
} list;

static bool by_bytes(const void *context, size_t a, size_t b)
{
    const list *l = context;
    return strcmp(l->name(l->context, a), l->name(l->context, b)) < 0;
}

ffn_status ffn__names_find_twice(const char *(*name)(const void *context, size_t index), const void *context,
                                 size_t count, const char **twice, ffn_error *error)
{
    const list l = {name, context};
    *twice = NULL;
    size_t *order = ffn__alloc(count, 2 * sizeof *order, error);
    if (!order) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) order[i] = i;
    ffn__sort(order, order + count, count, by_bytes, &l);
    for (size_t i = 1; i < count && !*twice; i++)
        if (!by_bytes(&l, order[i - 1], order[i])) *twice = name(context, order[i]);
    ffn__free(order);
    return FFN_OK;
}
