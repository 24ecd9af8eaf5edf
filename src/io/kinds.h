/* Layers, activations and initializers by the names that files have for them: the library's own, and those that the caller
 * lists. */
#ifndef FFN__KINDS_H
#define FFN__KINDS_H

#include "backprop/model.h"

/* For who writes what nobody needs to find by name: any layer and activation will do, unless it has the name of one of the
 * library's, for which a reader would take it. */
extern const ffn_file_options ffn__any_kinds;

/* NULL: there is none of this name. options may be NULL. */
const ffn_layer_ops *ffn__layer_by_name(const ffn_file_options *options, const char *name);
const ffn_activation_ops *ffn__activation_ops_by_name(const ffn_file_options *options, const char *name);
const ffn_initializer_ops *ffn__initializer_by_name(const char *name);
/* Whether a reader with the same options would find this very table by its name. */
bool ffn__knows_layer(const ffn_file_options *options, const ffn_layer_ops *ops);
/* The same; for one of the library's the tables of all instruction sets count. */
bool ffn__knows_activation(const ffn_file_options *options, const ffn_activation_ops *ops);
/* The number of one of the library's activations, in whichever instruction set's table it stands; false: it is not. */
bool ffn__activation_kind(const ffn_activation_ops *ops, size_t *kind);

#endif
