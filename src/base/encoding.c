/* How the columns of a table become features. */
#include "base/base.h"

#include <string.h>

void ffn__encoding_destroy(ffn__encoding *encoding)
{
    ffn__free(encoding->column);
    ffn__free(encoding->category);
    *encoding = (ffn__encoding){0};
}

ffn_status ffn__encoding_copy(const size_t *column, const char *const *category, size_t features,
                              ffn__encoding *encoding, ffn_error *error)
{
    ffn__encoding copy = {.features = features};
    copy.column = ffn__alloc(features, sizeof *copy.column, error);
    copy.category = copy.column ? ffn__names_copy(category, features, error) : NULL;
    if (!copy.category) {
        ffn__encoding_destroy(&copy);
        return FFN_OUT_OF_MEMORY;
    }
    memcpy(copy.column, column, features * sizeof *column);
    *encoding = copy;
    return FFN_OK;
}

const char *ffn__encoding_category(const ffn__encoding *encoding, size_t feature, size_t *column)
{
    if (feature >= encoding->features) return NULL;
    if (column) *column = encoding->column[feature];
    return encoding->category[feature][0] ? encoding->category[feature] : NULL;
}
