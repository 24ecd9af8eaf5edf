/* Whether numbers mean the same in a dataset as elsewhere: which class an index is, and what an input stands for. */
#include "backprop/model.h"
#include "data/csv.h"
#include "data/data.h"

#include <string.h>

/* What the numbers of a dataset are compared with. */
typedef struct meaning {
    const char *whose;        /* for messages */
    bool renames;             /* the names may be of the caller's choice: a dataset may have none of them */
    char *const *class_names; /* [classes], or NULL */
    size_t classes;
    const ffn__encoding *encoding; /* of the inputs' columns; without features: not known */
} meaning;

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

static ffn_status check_classes(const ffn_dataset *dataset, const char *what, const meaning *m, ffn_error *error)
{
    for (size_t i = 0; m->class_names && i < ffn__dataset_names(dataset); i++) {
        const char *found = dataset->class_names[i];
        const char *expected = i < m->classes ? m->class_names[i] : NULL;
        if (expected && strcmp(found, expected) == 0) continue;
        if (m->renames && !shares_names(dataset, m->class_names, m->classes)) break;
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: class %zu is%s, expected%s as in %s", what, i,
                        show(found).text, show(expected).text, m->whose);
    }
    return FFN_OK;
}

static ffn_status check(const ffn_dataset *dataset, const char *what, const meaning *m, ffn_error *error)
{
    const ffn__encoding *e = &dataset->encoding, *known = m->encoding;
    for (size_t i = 0; i < e->features && i < known->features; i++) {
        const char *found = e->category[i], *expected = known->category[i];
        if (e->column[i] == known->column[i] && strcmp(found, expected) == 0) continue;
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "%s: input %zu is%s of column %zu, expected%s of column %zu as in %s", what, i,
                        found[0] ? show(found).text : " the number", e->column[i],
                        expected[0] ? show(expected).text : " the number", known->column[i], m->whose);
    }
    return check_classes(dataset, what, m, error);
}

ffn_status ffn__dataset_check_model(const ffn_dataset *dataset, const char *what, const ffn_model *model,
                                    ffn_error *error)
{
    const size_t found = dataset->features, expected = ffn__model_input_size(model);
    if (found != expected)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s has %zu feature%s; expected the network's %zu input%s", what,
                        found, found == 1 ? "" : "s", expected, expected == 1 ? "" : "s");
    const meaning m = {"the model", true, model->class_names, model->class_count, &model->encoding};
    return check(dataset, what, &m, error);
}

ffn_status ffn__dataset_check_beside(const ffn_dataset *dataset, const char *what, const ffn_dataset *data,
                                     const char *whose, ffn_error *error)
{
    const meaning m = {whose, false, data->class_names, ffn__dataset_names(data), &data->encoding};
    return check(dataset, what, &m, error);
}
