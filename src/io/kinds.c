#include "io/kinds.h"

#include <string.h>

#include "activation/activation.h"
#include "initializer/initializer.h"

const ffn_file_options ffn__any_kinds = {.layer_count = 0};

const ffn_layer_ops *ffn__layer_by_name(const ffn_file_options *options, const char *name)
{
    const ffn_layer_ops *ops;
    for (size_t i = 0; (ops = ffn__layer_kind(i)); i++)
        if (strcmp(ops->name, name) == 0) return ops;
    for (size_t i = 0; options && i < options->layer_count; i++) {
        ops = options->layers[i];
        if (ops && ops->name && strcmp(ops->name, name) == 0) return ops;
    }
    return NULL;
}

bool ffn__knows_layer(const ffn_file_options *options, const ffn_layer_ops *ops)
{
    const ffn_layer_ops *found = ffn__layer_by_name(options, ops->name);
    return found == ops || (!found && options == &ffn__any_kinds);
}

const ffn_activation_ops *ffn__activation_ops_by_name(const ffn_file_options *options, const char *name)
{
    ffn_activation found;
    if (ffn_activation_by_name(name, &found, NULL) == FFN_OK) return found.ops;
    for (size_t i = 0; options && i < options->activation_count; i++) {
        const ffn_activation_ops *ops = options->activations[i];
        if (ops && ops->name && strcmp(ops->name, name) == 0) return ops;
    }
    return NULL;
}

bool ffn__activation_kind(const ffn_activation_ops *ops, size_t *kind)
{
    static const ffn__activation_table *const tables[] = FFN__ISA_TABLES(ffn__activations);
    for (size_t isa = 0; isa < FFN__ISA_COUNT; isa++)
        for (size_t i = 0; i < FFN__ACTIVATION_COUNT; i++)
            if (ops == &tables[isa]->kinds[i]) {
                *kind = i;
                return true;
            }
    return false;
}

bool ffn__knows_activation(const ffn_file_options *options, const ffn_activation_ops *ops)
{
    size_t kind;
    if (ffn__activation_kind(ops, &kind)) return true;
    const ffn_activation_ops *found = ffn__activation_ops_by_name(options, ops->name);
    return found == ops || (!found && options == &ffn__any_kinds);
}

const ffn_initializer_ops *ffn__initializer_by_name(const char *name)
{
    const ffn_initializer_ops *ops;
    for (size_t i = 0; (ops = ffn__initializer_kind(i)); i++)
        if (strcmp(ops->name, name) == 0) return ops;
    return NULL;
}
