/* Whether numbers mean the same in a dataset as elsewhere: which class an index is. */
#include "data/csv.h"
#include "data/data.h"

#include <string.h>

/* A name, or for NULL that there is none, as a part of a sentence. */
static ffn__csv_excerpt show(const char *name)
{
    return name ? ffn__csv_quote(name, strlen(name)) : (ffn__csv_excerpt){" no class"};
}

ffn_status ffn__dataset_check_classes(const ffn_dataset *dataset, const char *what, char *const *names, size_t count,
                                      const char *whose, ffn_error *error)
{
    for (size_t i = 0; names && dataset->class_names && i < dataset->classes; i++) {
        const char *found = dataset->class_names[i], *expected = i < count ? names[i] : NULL;
        if (expected && strcmp(found, expected) == 0) continue;
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: class %zu is%s, expected%s as in %s", what, i,
                        show(found).text, show(expected).text, whose);
    }
    return FFN_OK;
}
