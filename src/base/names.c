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
