/* Whether numbers mean the same in a dataset as elsewhere: which class an index is, and what an input stands for. */
#include "backprop/model.h"
#include "data/csv.h"
#include "data/data.h"

#include <string.h>

/* A name, or for NULL that there is none, as a part of a sentence. */
static ffn__csv_excerpt show(const char *name)
{
    return name ? ffn__csv_quote(name, strlen(name)) : (ffn__csv_excerpt){" no class"};
}

/* Whether any class of the dataset has one of the names. */
static bool shares_names(const ffn_dataset *dataset, char *const *names, size_t count)
{
    for (size_t i = 0; i < ffn__dataset_names(dataset); i++)
        for (size_t k = 0; k < count; k++)
            if (strcmp(dataset->class_names[i], names[k]) == 0) return true;
    return false;
}

static ffn_status check_classes(const ffn_dataset *dataset, const char *what, const ffn__meaning *meaning,
                                ffn_error *error)
{
    for (size_t i = 0; meaning->class_names && i < ffn__dataset_names(dataset); i++) {
        const char *found = dataset->class_names[i];
        const char *expected = i < meaning->classes ? meaning->class_names[i] : NULL;
        if (expected && strcmp(found, expected) == 0) continue;
        if (meaning->renames && !shares_names(dataset, meaning->class_names, meaning->classes)) break;
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: class %zu is%s, expected%s as in %s", what, i,
                        show(found).text, show(expected).text, meaning->whose);
    }
    return FFN_OK;
}

ffn_status ffn__dataset_check_meaning(const ffn_dataset *dataset, const char *what, const ffn__meaning *meaning,
                                      ffn_error *error)
{
    const ffn__encoding *e = &dataset->encoding, *known = meaning->encoding;
    for (size_t i = 0; i < e->features && i < known->features; i++) {
        const char *found = e->category[i], *expected = known->category[i];
        if (e->column[i] == known->column[i] && strcmp(found, expected) == 0) continue;
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "%s: input %zu is%s of column %zu, expected%s of column %zu as in %s", what, i,
                        found[0] ? show(found).text : " the number", e->column[i],
                        expected[0] ? show(expected).text : " the number", known->column[i], meaning->whose);
    }
    return check_classes(dataset, what, meaning, error);
}

ffn__meaning ffn__model_meaning(const ffn_model *model)
{
    return (ffn__meaning){"the model", true, model->class_names, model->class_count, &model->encoding};
}
