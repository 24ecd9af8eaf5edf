/* A plan that only predicts does a dense layer, the batch normalization of what it gives and the activation of that in one
 * step, part by part while the part is in cache. For it the last of these layers does all of it, and those before it have
 * nothing to do: they are views of the first one's input. */
#include "backprop/plan.h"

static const ffn_layer_ops done_later = {.name = "done later"}; /* no forward: its value is its input's */

bool ffn__is_done_later(const ffn__layer *layer) { return layer->ops == &done_later; }

/* The layer of a node; NULL: it is an input. */
static const ffn__layer *layer_at(const ffn_model *m, size_t node)
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
           is_linear(&layer_at(m, dense)->activation);
}

/* What a plan runs in place of the model's layers, each with its answer. */
typedef struct view {
    ffn__layer *layers;
    ffn_layer_plan *answers;
} view;

/* Gives the work of node `norm` and the dense layer before it to the last of them, or to the activation that alone reads
 * it. */
static void fuse(const ffn_model *m, const view *v, size_t norm, ffn__normalized_dense *config)
{
    const size_t first = m->nodes[m->nodes[norm].inputs[0]].layer, second = m->nodes[norm].layer;
    const size_t reader = only_reader(m, norm);
    const bool active = reader != FFN__NONE && is_sole(m, reader, &ffn__activation_ops);
    const size_t last = active ? m->nodes[reader].layer : second;
    *config = (ffn__normalized_dense){.dense = *(const ffn__dense_config *)m->layers[first].config,
                                      .epsilon = ((const ffn__norm_config *)m->layers[second].config)->epsilon};
    config->dense.activation = active ? m->layers[last].activation : (ffn_activation){0};
    ffn__layer whole = m->layers[first];
    whole.ops = &ffn__normalized_dense_ops;
    whole.config = config;
    whole.activation = config->dense.activation;
    whole.parameter[FFN__DENSE_SLOPE] = active ? m->layers[last].parameter[0] : FFN__NO_PARAMETER;
    for (size_t k = 0; k < FFN__NORM_PARAMETERS; k++)
        whole.parameter[FFN__DENSE_PARAMETERS + k] = m->layers[second].parameter[k];
    v->layers[first].ops = v->layers[second].ops = &done_later;
    v->layers[last] = whole;
    v->answers[last] = v->answers[first];
    v->answers[last].activation = whole.activation;
    v->answers[last].gives_turned &= ffn__is_by_element(whole.activation.ops);
    v->answers[last].scratch += ffn__normalized_dense_scratch(config->dense.units);
    v->answers[last].parameter_count = FFN__DENSE_PARAMETERS + FFN__NORM_PARAMETERS;
}

ffn_status ffn__fuse(ffn_plan *plan, ffn__layer *layers, ffn_layer_plan *answers, ffn_error *error)
{
    const ffn_model *m = plan->model;
    const view v = {layers, answers};
    size_t count = 0;
    for (size_t i = 0; i < m->layer_count; i++) layers[i] = m->layers[i];
    for (size_t i = 0; i < m->node_count && !plan->keeps_logits; i++) count += follows_dense(m, i);
    if (count == 0) return FFN_OK;
    plan->fusions = ffn__alloc_objects(count, sizeof *plan->fusions, error);
    if (!plan->fusions) return FFN_OUT_OF_MEMORY;
    plan->bytes += count * sizeof *plan->fusions;
    for (size_t i = 0; i < m->node_count; i++)
        if (follows_dense(m, i)) fuse(m, &v, i, &plan->fusions[--count]);
    return FFN_OK;
}
