/* Every layer and activation that ONNX is to hold: the forms of networks.h, and one for each activation. */
#ifndef FFN_TEST_ONNX_NETWORKS_H
#define FFN_TEST_ONNX_NETWORKS_H

#include "activation/activation.h"
#include "networks.h"

typedef struct network_description {
    const char *name;
    ffn_model *model; /* the caller's */
    size_t inputs;
    ffn_shape input_shapes[2]; /* of networks with two inputs */
} network_description;

/* What the next form is to use: a describe function has no argument for it. */
static ffn_activation network_activation;

static inline ffn_value network_dense(ffn_model *m)
{
    return ffn_dense(m, ffn_input(m, ffn_shape_1d(INPUTS)), 5, network_activation);
}
static inline ffn_value network_activate(ffn_model *m)
{
    const ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_2d(2, 3)), 4, ffn_linear());
    return ffn_dense(m, ffn_activate(m, h, network_activation), 3, network_activation);
}
static inline ffn_value network_batch_norm(ffn_model *m)
{
    const ffn_value h = ffn_batch_norm(m, ffn_dense(m, ffn_input(m, ffn_shape_1d(INPUTS)), 5, ffn_relu()));
    const ffn_value y = ffn_batch_norm(m, ffn_dense(m, h, 4, ffn_linear()));
    ffn_set_bias(m, y, false);
    return y;
}
static inline ffn_value network_batch_norm_sequence(ffn_model *m)
{
    return ffn_dense(m, ffn_batch_norm(m, ffn_input(m, ffn_shape_2d(3, 4))), 2, ffn_tanh());
}
static inline ffn_value network_batch_norm_planes(ffn_model *m)
{
    return ffn_flatten(m, ffn_batch_norm(m, ffn_input(m, ffn_shape_3d(3, 2, 4))));
}
static inline ffn_value network_layer_norm(ffn_model *m)
{
    const ffn_value x = ffn_input(m, ffn_shape_2d(2, 7)), y = ffn_layer_norm(m, x);
    ffn_set_bias(m, y, false);
    return ffn_dense(m, ffn_add(m, ffn_layer_norm(m, x), y), 3, ffn_swish((float)1.5));
}

static const form network_norms[] = {
    {"batch norm", network_batch_norm, NULL},
    {"batch norm of sequences", network_batch_norm_sequence, NULL},
    {"batch norm of planes", network_batch_norm_planes, NULL},
    {"layer norm", network_layer_norm, NULL},
};
enum { NETWORK_KINDS = FFN__ACTIVATION_COUNT };

static inline size_t network_count(void) { return FORM_COUNT + COUNT(network_norms) + 2 * NETWORK_KINDS; }

static inline network_description network_at(size_t index)
{
    network_description d = {.inputs = 1};
    const form *f = &forms[index < FORM_COUNT ? index : 0];
    form kind = {"", network_dense, NULL};
    if (index >= FORM_COUNT && index < FORM_COUNT + COUNT(network_norms)) f = &network_norms[index - FORM_COUNT];
    if (index >= FORM_COUNT + COUNT(network_norms)) {
        const size_t number = index - FORM_COUNT - COUNT(network_norms);
        (void)ffn_activation_by_name(ffn_activation_name(number / 2), &network_activation, NULL);
        kind.name = ffn_activation_name(number / 2);
        if (number % 2) kind.describe = network_activate;
        f = &kind;
    }
    if (strcmp(f->name, "custom") == 0) f = &forms[0];
    if (strcmp(f->name, "two inputs") == 0)
        d = (network_description){.inputs = 2, .input_shapes = {ffn_shape_1d(2), ffn_shape_2d(2, 2)}};
    if (strcmp(f->name, "inputs alone") == 0)
        d = (network_description){.inputs = 2, .input_shapes = {ffn_shape_1d(2), ffn_shape_1d(4)}};
    d.name = f->name;
    d.model = form_build(f, 70 + index);
    return d;
}

#endif
