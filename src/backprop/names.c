/* What the classes of a model's outputs are called, and the categories behind its inputs. */
#include "backprop/model.h"

#include <string.h>

ffn_status ffn_model_set_class_names(ffn_model *model, const char *const *names, size_t count, ffn_error *error)
{
    if (!model || (!names && count > 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_set_class_names: %s NULL",
                        model ? "the names are" : "the model is");
    for (size_t i = 0; i < count; i++)
        if (!names[i])
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_set_class_names: name %zu of %zu is NULL", i,
                            count);
    char **copy = count > 0 ? ffn__names_copy(names, count, error) : NULL;
    if (count > 0 && !copy) return FFN_OUT_OF_MEMORY;
    ffn__free(model->class_names);
    model->class_names = copy;
    model->class_count = count;
    return FFN_OK;
}

ffn_loss ffn_model_loss(const ffn_model *model) { return model ? model->loss : (ffn_loss){0}; }

const char *ffn_model_class_name(const ffn_model *model, size_t index)
{
    return model && index < model->class_count ? model->class_names[index] : NULL;
}

/* ---- categories ------------------------------------------------------------------------------------------------ */

/* What is wrong with feature i, as a part of a sentence; NULL: nothing. */
static const char *find_problem(const size_t *columns, const char *const *categories, size_t i)
{
    if (!categories[i]) return "is NULL";
    if (i == 0) return columns[0] == 0 ? NULL : "is not of column 0";
    if (columns[i] == columns[i - 1] + 1) return NULL;
    if (columns[i] != columns[i - 1]) return "is not of the column of the one before, nor of the next";
    return categories[i - 1][0] && strcmp(categories[i - 1], categories[i]) < 0
               ? NULL
               : "does not follow the one before in the order of bytes";
}

ffn_status ffn_model_set_categories(ffn_model *model, const size_t *columns, const char *const *categories,
                                    size_t features, ffn_error *error)
{
    if (!model || ((!columns || !categories) && features > 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_set_categories: %s NULL",
                        !model     ? "the model is"
                        : !columns ? "the columns are"
                                   : "the categories are");
    if (features > 0 && !model->draft && features != ffn__model_input_size(model))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "ffn_model_set_categories: %zu features; the network has %zu inputs",
                        features, ffn__model_input_size(model));
    for (size_t i = 0; i < features; i++) {
        const char *problem = find_problem(columns, categories, i);
        if (problem)
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_set_categories: category %zu %s", i, problem);
    }
    ffn__encoding encoding = {0};
    const ffn_status status =
        features > 0 ? ffn__encoding_copy(columns, categories, features, &encoding, error) : FFN_OK;
    if (status != FFN_OK) return status;
    ffn__encoding_destroy(&model->encoding);
    model->encoding = encoding;
    return FFN_OK;
}

const char *ffn_model_category(const ffn_model *model, size_t feature, size_t *column)
{
    return model ? ffn__encoding_category(&model->encoding, feature, column) : NULL;
}
