/* A plan that only predicts does a dense layer, the batch normalization of what it gives and the activation of that in one
 * step, part by part while the part is in cache. It is planned for a view of the model, in which the last of these layers
 * does all of it and those before it have nothing to do: they are views of the first one's input. */
#include "backprop/plan.h"

static const ffn_layer_ops done_later = {.name = "done later"}; /* no forward: its value is its input's */

/* Layers of a node that is NULL where it is an input. */
static ffn__layer *layer_at(const ffn_model *m, size_t node)
{
    return m->nodes[node].layer == FFN__NONE ? NULL : &m->layers[m->nodes[node].layer];
}

/* The node that alone reads this one's value, if it is not the output; FFN__NONE: there are none or more. */
static size_t only_reader(const ffn_model *m, size_t node)
{
    size_t reader = FFN__NONE, count = node == m->output;
    for (size_t i = node + 1; i < m->node_count; i++)
        for (size_t k = 0; k < m->nodes[i].input_count; k++)
            if (m->nodes[i].inputs[k] == node) {
                reader = i;
                count++;
            }
    return count == 1 ? reader : FFN__NONE;
}

/* Whether the node's layer is of this kind and no other node's. */
static bool is_sole(const ffn_model *m, size_t node, const ffn_layer_ops *ops)
{
    size_t uses = 0;
    if (!layer_at(m, node) || layer_at(m, node)->ops != ops) return false;
    for (size_t i = 0; i < m->node_count; i++) uses += m->nodes[i].layer == m->nodes[node].layer;
    return uses == 1;
}

static bool is_linear(const ffn_activation *activation)
{
    return !activation->ops || activation->ops == ffn_linear().ops;
}

/* Whether node `norm` normalizes, unit by unit, what a linear dense layer gives to nobody else. */
static bool follows_dense(const ffn_model *m, size_t norm)
{
    if (!is_sole(m, norm, &ffn__batch_norm_ops)) return false;
    const size_t dense = m->nodes[norm].inputs[0];
    return is_sole(m, dense, &ffn__dense_ops) && only_reader(m, dense) == norm && m->nodes[norm].shape.rank < 3 &&
           is_linear(&layer_at(m, dense)->plan.activation);
}

/* Gives the work of nodes `dense` and `norm` to the last of them, or to the activation that alone reads it. */
static void fuse(ffn_model *m, size_t norm, ffn__normalized_dense *config)
{
    ffn__layer *first = layer_at(m, m->nodes[norm].inputs[0]), *second = layer_at(m, norm);
    const size_t reader = only_reader(m, norm);
    ffn__layer *third = reader != FFN__NONE && is_sole(m, reader, &ffn__activation_ops) ? layer_at(m, reader) : NULL;
    *config = (ffn__normalized_dense){.dense = *(const ffn__dense_config *)first->config,
                                      .epsilon = ((const ffn__norm_config *)second->config)->epsilon};
    config->dense.activation = third ? third->plan.activation : (ffn_activation){0};
    ffn__layer whole = *first;
    whole.ops = &ffn__normalized_dense_ops;
    whole.config = config;
    whole.plan.activation = config->dense.activation;
    whole.plan.gives_turned &= ffn__is_by_element(config->dense.activation.ops);
    whole.plan.scratch += ffn__normalized_dense_scratch(config->dense.units);
    whole.plan.parameter_count = FFN__DENSE_PARAMETERS + FFN__NORM_PARAMETERS;
    whole.parameter[FFN__DENSE_SLOPE] = third ? third->parameter[0] : FFN__NONE;
    for (size_t k = 0; k < FFN__NORM_PARAMETERS; k++) whole.parameter[FFN__DENSE_PARAMETERS + k] = second->parameter[k];
    first->ops = second->ops = &done_later;
    *(third ? third : second) = whole;
}

ffn_status ffn__fuse(ffn_plan *plan, ffn_model *view, ffn_error *error)
{
    const ffn_model *m = plan->model;
    size_t count = 0;
    *view = *m;
    if (plan->keeps_logits) return FFN_OK;
    for (size_t i = 0; i < m->node_count; i++) count += follows_dense(m, i);
    if (count == 0) return FFN_OK;
    plan->fusion.layers = ffn__alloc(m->layer_count, sizeof *plan->fusion.layers, error);
    plan->fusion.configs = ffn__alloc(count, sizeof *plan->fusion.configs, error);
    if (!plan->fusion.layers || !plan->fusion.configs) return FFN_OUT_OF_MEMORY;
    plan->bytes += m->layer_count * sizeof *plan->fusion.layers + count * sizeof *plan->fusion.configs;
    for (size_t i = 0; i < m->layer_count; i++) plan->fusion.layers[i] = m->layers[i];
    view->layers = plan->fusion.layers;
    for (size_t i = 0; i < m->node_count; i++)
        if (follows_dense(m, i)) fuse(view, i, &plan->fusion.configs[--count]);
    return FFN_OK;
}
