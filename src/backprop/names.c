/* What the classes of a model's outputs are called. */
#include "backprop/model.h"

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

const char *ffn_model_class_name(const ffn_model *model, size_t index)
{
    return model && index < model->class_count ? model->class_names[index] : NULL;
}
