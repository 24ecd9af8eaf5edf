/* Planning: which values need gradients, how long everything lives, and who writes a gradient first.
 *
 * Time, for a graph of n nodes: node i runs forward at i, the loss at n, node i backward at 2n - i, and where
 * gradients of parameters are left for later, those of node i follow at 3n + 1 - i. The caller looks at results at 3n
 * + 2. Every value, saved block, scratch block and gradient is a block with a life on that line. What loss and backward
 * read lives to the end, so that a backward may be repeated: it costs next to nothing, since all of it is there
 * together when backward begins. */
#include "backprop/plan.h"

#include <string.h>

enum {
    VALUE,
    SAVED,
    SCRATCH,          /* of forward */
    SCRATCH_BACKWARD, /* of backward and backward_parameters */
    GRADIENT_SCRATCH,
    GRADIENT,
    BLOCK_KINDS,
    EXTRA_BLOCKS = 2
};

typedef struct layout {
    const ffn_model *model;
    ffn_plan *plan;
    ffn_layer_plan *answers; /* [layer_count] what each layer needs and gives */
    size_t n, inputs;
    size_t output;      /* root of the model's output */
    bool *needs;        /* [n] a gradient of the node's value */
    bool *turned;       /* [n] the node's value and gradient may lie turned */
    bool *written;      /* [n] while betas are given: an earlier writer has set the gradient */
    ffn__block *blocks; /* [n][BLOCK_KINDS], and EXTRA_BLOCKS for the joined input gradient and the loss */
    size_t arena_size;  /* in floats */
} layout;

static ffn__block *block_of(const layout *l, size_t node, size_t kind) { return &l->blocks[node * BLOCK_KINDS + kind]; }
static ffn__block *joined_gradient(const layout *l) { return &l->blocks[l->n * BLOCK_KINDS]; }
static ffn__block *loss_block(const layout *l) { return joined_gradient(l) + 1; }
static size_t forward_time(size_t node) { return node; }
static size_t loss_time(const layout *l) { return l->n; }
static size_t backward_time(const layout *l, size_t node) { return 2 * l->n - node; }
static size_t parameters_time(const layout *l, size_t node) { return 3 * l->n + 1 - node; }
static size_t end_time(const layout *l) { return 3 * l->n + 2; }

static size_t root_of(const layout *l, size_t node)
{
    return ffn__model_root(l->model, node, l->plan->options.training);
}
static bool is_input(const layout *l, size_t node) { return l->model->nodes[node].layer == FFN__NONE; }
static bool is_op(const layout *l, size_t node) { return !is_input(l, node) && root_of(l, node) == node; }
static const ffn__layer *layer_of(const layout *l, size_t node)
{
    return &l->model->layers[l->model->nodes[node].layer];
}
static const ffn_layer_plan *answer_of(const layout *l, size_t node)
{
    return &l->answers[l->model->nodes[node].layer];
}

/* ---- which gradients ------------------------------------------------------------------------------------------- */

static bool trains(const layout *l, size_t node)
{
    const ffn__layer *layer = layer_of(l, node);
    if (l->plan->options.frozen || layer->frozen) return false;
    for (size_t k = 0; k < FFN_MAX_PARAMETERS; k++) {
        const size_t parameter = ffn__layer_parameter(layer, k);
        if (parameter != FFN__NONE && ffn__parameter_trainable(l->model, parameter)) return true;
    }
    return false;
}

static ffn_status find_needs(layout *l, ffn_error *error)
{
    if (!l->plan->options.training) return FFN_OK;
    for (size_t i = 0; i < l->n; i++) {
        const ffn__node *node = &l->model->nodes[i];
        bool needed = is_input(l, i) ? l->plan->options.input_gradient : trains(l, i);
        for (size_t k = 0; k < node->input_count; k++) needed |= l->needs[node->inputs[k]];
        l->needs[i] = needed;
        if (needed && is_op(l, i) && !layer_of(l, i)->ops->backward)
            return ffn_fail(error, FFN_UNSUPPORTED, "%s has no backward, and a gradient must pass through it",
                            layer_of(l, i)->name);
    }
    return FFN_OK;
}

/* Gradients of parameters that are updated as they come need not travel to memory and back, but until then the
 * gradients of all values have to stay: it pays where those are the smaller part. */
enum { FIRST_LEVEL = 4096 }; /* gradients of fewer floats are in the nearest cache anyway */

static bool keeps_deltas(const layout *l)
{
    size_t deltas = 0, floats;
    for (size_t i = 0; i < l->n; i++)
        if (is_op(l, i) && l->needs[i]) deltas += ffn_shape_size(l->model->nodes[i].shape);
    return l->model->value_count >= FIRST_LEVEL && ffn__multiply(deltas, l->plan->options.max_batch, &floats) &&
           floats <= l->model->value_count / 2;
}

/* Values that lie turned: where the layer that makes one and all that read it agree. */
static void find_turned(layout *l)
{
    for (size_t i = 0; i < l->n; i++) l->turned[i] = is_op(l, i) && answer_of(l, i)->gives_turned;
    for (size_t i = 0; i < l->n; i++) {
        const ffn__node *node = &l->model->nodes[i];
        for (size_t k = 0; is_op(l, i) && k < node->input_count; k++)
            if (k > 0 || !answer_of(l, i)->takes_turned) l->turned[root_of(l, node->inputs[k])] = false;
    }
    l->turned[l->output] = false;
}

/* Whether node i is the turned value of a dense layer with ReLU that nothing reads but one dense layer, which then gives
 * it the gradient of what the ReLU is of. */
static bool is_rectified(const layout *l, size_t i)
{
    size_t readers = 0;
    if (!l->turned[i] || layer_of(l, i)->ops != &ffn__dense_ops || !ffn__is_relu(&layer_of(l, i)->activation))
        return false;
    for (size_t reader = i + 1; reader < l->n; reader++) {
        const ffn__node *node = &l->model->nodes[reader];
        for (size_t k = 0; is_op(l, reader) && k < node->input_count; k++) {
            if (root_of(l, node->inputs[k]) != i) continue;
            if (layer_of(l, reader)->ops != &ffn__dense_ops) return false;
            readers++;
        }
    }
    return readers == 1;
}

/* ---- lives ----------------------------------------------------------------------------------------------------- */

/* Gives a block its size for so many rows, up to a multiple of `group`, and its first life. */
static ffn_status open_grouped(const layout *l, ffn__block *block, size_t per_row, size_t rows, size_t group,
                               size_t fixed, size_t first, size_t last, ffn_error *error)
{
    const size_t behind = group ? (group - rows % group) % group : 0;
    size_t size;
    if (!ffn__sum(rows, behind, &rows) || !ffn__multiply(per_row, rows, &size) || !ffn__sum(size, fixed, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "a plan for %zu rows does not fit this machine's memory",
                        l->plan->options.max_batch);
    *block = (ffn__block){.size = size, .first = first, .last = last};
    return FFN_OK;
}

static ffn_status open_block(const layout *l, ffn__block *block, size_t per_row, size_t fixed, size_t first,
                             size_t last, ffn_error *error)
{
    return open_grouped(l, block, per_row, l->plan->options.max_batch, 1, fixed, first, last, error);
}

/* For node i's value, its gradient or what its layer saves. */
static ffn_status open_value(const layout *l, size_t i, size_t kind, size_t per_row, size_t fixed, size_t first,
                             size_t last, ffn_error *error)
{
    const size_t group = l->turned[i] ? answer_of(l, i)->row_group : 1;
    return open_grouped(l, block_of(l, i, kind), per_row, l->plan->options.max_batch, group, fixed, first, last, error);
}

static void extend(ffn__block *block, size_t time)
{
    if (time > block->last) block->last = time;
}

/* Memory of each thread's own while node i's gradients of parameters are computed and taken up. */
static ffn_status open_gradient_scratch(const layout *l, size_t i, ffn_error *error)
{
    size_t size;
    if (!ffn__multiply(ffn__pad(answer_of(l, i)->gradient_scratch), l->plan->gradient_slots, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "%s wants too much memory for %zu threads", layer_of(l, i)->name,
                        l->plan->gradient_slots);
    return open_block(l, block_of(l, i, GRADIENT_SCRATCH), 0, size, parameters_time(l, i), parameters_time(l, i),
                      error);
}

static ffn_status open_scratch(const layout *l, size_t i, size_t kind, size_t rows, size_t first, size_t last,
                               ffn_error *error)
{
    const ffn_layer_plan *p = answer_of(l, i);
    return open_grouped(l, block_of(l, i, kind), p->scratch_per_row, rows, p->row_group, p->scratch, first, last,
                        error);
}

static ffn_status open_layer_blocks(const layout *l, size_t i, ffn_error *error)
{
    const ffn_layer_plan *p = answer_of(l, i);
    const bool logits = i == l->output && p->logits_saved && l->plan->keeps_logits;
    const size_t now = forward_time(i), back = backward_time(l, i), most = l->plan->options.max_batch;
    const size_t unturned =
        l->turned[i] && most > FFN__FEW ? FFN__FEW : most; /* gradients that lie turned need no turning */
    const size_t last = l->needs[i] || logits ? end_time(l) : now;
    const bool later = l->plan->keeps_deltas && trains(l, i);
    ffn_status status = FFN_OK;
    if (l->plan->options.training || logits)
        status = open_value(l, i, SAVED, p->saved_per_row, p->saved, now, last, error);
    if (status == FFN_OK) status = open_scratch(l, i, SCRATCH, most, now, now, error);
    if (status == FFN_OK && l->needs[i])
        status = open_scratch(l, i, SCRATCH_BACKWARD, unturned, back, later ? parameters_time(l, i) : back, error);
    if (status == FFN_OK && later) status = open_gradient_scratch(l, i, error);
    return status;
}

/* Opens the blocks that begin with node i; the single input of a model is the caller's memory. */
static ffn_status open_blocks(const layout *l, size_t i, ffn_error *error)
{
    const size_t size = ffn_shape_size(l->model->nodes[i].shape);
    const bool borrowed = is_input(l, i) && l->inputs == 1;
    ffn_status status = FFN_OK;
    if (!borrowed)
        status = open_value(l, i, VALUE, size, 0, is_input(l, i) ? 0 : forward_time(i), forward_time(i), error);
    const bool kept = is_input(l, i) || (l->plan->keeps_deltas && layer_of(l, i)->ops->backward_parameters);
    if (status == FFN_OK && l->needs[i])
        status =
            open_value(l, i, GRADIENT, size, 0, backward_time(l, i), kept ? end_time(l) : backward_time(l, i), error);
    if (status == FFN_OK && !is_input(l, i)) status = open_layer_blocks(l, i, error);
    return status;
}

/* Node i reads its inputs' values forward, perhaps again backward, and then writes their gradients. */
static void extend_inputs(const layout *l, size_t i)
{
    const ffn__node *node = &l->model->nodes[i];
    const ffn_layer_ops *ops = layer_of(l, i)->ops;
    for (size_t k = 0; k < node->input_count; k++) {
        const size_t root = root_of(l, node->inputs[k]);
        extend(block_of(l, root, VALUE), forward_time(i));
        if (l->needs[i] && !ops->ignores_inputs) extend(block_of(l, root, VALUE), end_time(l));
        ffn__block *gradient = block_of(l, root, GRADIENT);
        if (l->needs[root] && backward_time(l, i) < gradient->first) gradient->first = backward_time(l, i);
    }
    if (l->needs[i] && !ops->ignores_output) extend(block_of(l, i, VALUE), end_time(l));
}

static void extend_output(const layout *l)
{
    extend(block_of(l, l->output, VALUE), end_time(l));
    if (l->needs[l->output]) block_of(l, l->output, GRADIENT)->first = loss_time(l);
    if (is_input(l, l->output) || !l->plan->keeps_logits || answer_of(l, l->output)->logits_saved) return;
    extend(block_of(l, root_of(l, l->model->nodes[l->output].inputs[0]), VALUE), end_time(l));
}

static ffn_status place(layout *l, ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < l->n && status == FFN_OK; i++)
        if (is_op(l, i) || is_input(l, i)) status = open_blocks(l, i, error);
    if (status == FFN_OK && l->inputs > 1 && l->plan->options.input_gradient && l->plan->options.training)
        status = open_block(l, joined_gradient(l), l->plan->input_size, 0, end_time(l), end_time(l), error);
    if (status == FFN_OK && l->plan->keeps_logits && !l->needs[l->output])
        status = open_block(l, loss_block(l), ffn_shape_size(ffn_model_output_shape(l->model)), 0, loss_time(l),
                            loss_time(l), error);
    if (status != FFN_OK) return status;
    for (size_t i = 0; i < l->n; i++)
        if (is_op(l, i)) extend_inputs(l, i);
    extend_output(l);
    return ffn__arena_place(l->blocks, l->n * BLOCK_KINDS + EXTRA_BLOCKS, &l->arena_size, error);
}

/* The arena, and behind it the gradients of parameters if there are any. */
static ffn_status allocate(const layout *l, ffn_error *error)
{
    ffn_plan *plan = l->plan;
    const size_t count = l->model->parameter_count;
    bool any = false;
    plan->has_gradient = ffn__alloc_objects(count, sizeof(bool), error);
    if (!plan->has_gradient) return FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && plan->options.training && !plan->options.frozen; i++)
        any |= plan->has_gradient[i] = ffn__parameter_trainable(l->model, i);
    size_t size;
    if (!ffn__sum(l->arena_size, any ? l->model->value_count : 0, &size))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "a plan for %zu rows does not fit this machine's memory",
                        plan->options.max_batch);
    plan->arena = ffn__alloc(size, sizeof(float), error);
    if (!plan->arena) return FFN_OUT_OF_MEMORY;
    if (any) plan->gradients = plan->arena + l->arena_size;
    plan->bytes += count * sizeof(bool) + size * sizeof(float);
    return FFN_OK;
}

/* ---- binding --------------------------------------------------------------------------------------------------- */

static float *memory_of(const layout *l, const ffn__block *block)
{
    return block->size ? l->plan->arena + block->offset : NULL;
}

static void bind_parameters(const layout *l, ffn__op *op)
{
    const ffn__layer *layer = layer_of(l, op->node);
    for (size_t k = 0; k < op->parameter_count; k++) {
        const size_t parameter = ffn__layer_parameter(layer, k);
        if (parameter == FFN__NONE) continue;
        ffn__op_parameter *bound = &op->parameters[k];
        bound->values = ffn__parameter_values(l->model, parameter);
        bound->next_state = ffn__states_next(l->plan, parameter);
        if (l->plan->has_gradient[parameter])
            bound->gradient = l->plan->gradients + l->model->parameters[parameter].offset;
    }
}

/* The node whose value a layer takes for input k: not one whose work a later layer does. */
static size_t source_of(const layout *l, size_t node, size_t k)
{
    size_t source = l->model->nodes[node].inputs[k];
    while (!is_input(l, source) && ffn__is_done_later(layer_of(l, source))) source = l->model->nodes[source].inputs[0];
    return source;
}

static void bind(const layout *l, ffn__op *op, size_t i)
{
    const ffn__node *node = &l->model->nodes[i];
    op->ops = layer_of(l, i)->ops;
    op->config = layer_of(l, i)->config;
    op->node = i;
    op->runs_backward = l->needs[i];
    op->input_turned = l->turned[root_of(l, node->inputs[0])];
    op->output_turned = l->turned[i];
    op->input_rectified = is_rectified(l, root_of(l, node->inputs[0]));
    op->output_rectified = is_rectified(l, i);
    op->kernels = (uint8_t)answer_of(l, i)->kernels;
    op->output = memory_of(l, block_of(l, i, VALUE));
    op->saved = memory_of(l, block_of(l, i, SAVED));
    op->forward_scratch = memory_of(l, block_of(l, i, SCRATCH));
    op->backward_scratch = memory_of(l, block_of(l, i, SCRATCH_BACKWARD));
    op->gradient_scratch = memory_of(l, block_of(l, i, GRADIENT_SCRATCH));
    op->output_gradient = memory_of(l, block_of(l, i, GRADIENT));
    for (size_t k = 0; k < node->input_count; k++) {
        const size_t root = root_of(l, node->inputs[k]);
        op->inputs[k].shape = &l->model->nodes[source_of(l, i, k)].shape;
        op->inputs[k].value = memory_of(l, block_of(l, root, VALUE));
        op->inputs[k].gradient = memory_of(l, block_of(l, root, GRADIENT));
    }
    bind_parameters(l, op);
}

/* The ops, and behind them the parameters and inputs of all. */
static ffn_status make_ops(const layout *l, ffn_error *error)
{
    ffn_plan *plan = l->plan;
    size_t inputs = 0, parameters = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!is_op(l, i)) continue;
        plan->op_count++;
        inputs += l->model->nodes[i].input_count;
        parameters += answer_of(l, i)->parameter_count;
    }
    const size_t size =
        plan->op_count * sizeof(ffn__op) + parameters * sizeof(ffn__op_parameter) + inputs * sizeof(ffn__op_input);
    plan->ops = ffn__alloc_objects(size, 1, error);
    if (!plan->ops) return FFN_OUT_OF_MEMORY;
    plan->bytes += size;
    ffn__op *op = plan->ops;
    ffn__op_parameter *parameter = (ffn__op_parameter *)(plan->ops + plan->op_count);
    ffn__op_input *input = (ffn__op_input *)(parameter + parameters);
    for (size_t i = 0; i < l->n; i++) {
        if (!is_op(l, i)) continue;
        op->inputs = input;
        op->parameters = parameter;
        op->parameter_count = answer_of(l, i)->parameter_count;
        input += l->model->nodes[i].input_count;
        parameter += op->parameter_count;
        bind(l, op++, i);
    }
    return FFN_OK;
}

/* First writer sets, later writers add: in the order of backward, after the loss. */
static void give_betas(const layout *l)
{
    bool *parameter_written = l->written + l->n;
    l->written[l->output] = true;
    for (size_t o = l->plan->op_count; o-- > 0;) {
        ffn__op *op = &l->plan->ops[o];
        if (!op->runs_backward) continue;
        const ffn__node *node = &l->model->nodes[op->node];
        for (size_t k = 0; k < node->input_count; k++) {
            const size_t root = root_of(l, node->inputs[k]);
            op->inputs[k].beta = l->written[root] ? 1 : 0;
            l->written[root] = true;
        }
        for (size_t k = 0; k < op->parameter_count; k++) {
            ffn__op_parameter *bound = &op->parameters[k];
            if (!bound->gradient) continue;
            const size_t parameter = ffn__layer_parameter(layer_of(l, op->node), k);
            bound->first_writer = !parameter_written[parameter];
            bound->beta = bound->first_writer ? 0 : 1;
            parameter_written[parameter] = true;
        }
    }
}

/* Whether this op can be one of several that run along with each other: for one part of the rows a later one may run before
 * this one has for another, so that all it works on must be its own to the end. A layer that turns its input has memory for
 * that only while it runs; so has one for the gradient of its output if it is not trained. */
static bool joins(const ffn_plan *plan, const ffn__op *op)
{
    const ffn__kernel_table *kernels = ffn__kernels((ffn_kernels)op->kernels);
    const size_t inputs = ffn_shape_size(*op->inputs[0].shape);
    return plan->keeps_deltas && op->ops == &ffn__dense_ops && op->input_turned && op->runs_backward &&
           op->parameters[FFN__DENSE_WEIGHT].gradient && kernels->dense_joins &&
           kernels->dense_joins(plan->options.max_batch, inputs, ffn_shape_size(plan->model->nodes[op->node].shape));
}

/* Whether an op and the one before it are such, one on the value of the other. */
static bool is_joined(const ffn_plan *plan, size_t o)
{
    const ffn__op *op = &plan->ops[o];
    return o > 0 && joins(plan, op) && joins(plan, op - 1) && op->inputs[0].value == op[-1].output;
}

static bool reports_gradients(const ffn_plan *plan)
{
    bool all = plan->gradients != NULL;
    for (size_t o = 0; o < plan->op_count; o++)
        for (size_t k = 0; k < plan->ops[o].parameter_count; k++) {
            const ffn__op *op = &plan->ops[o];
            if (op->parameters[k].gradient) all &= op->ops->backward_parameters && op->ops->gradient_bound;
        }
    return all;
}

/* Whether every gradient of a parameter is complete as soon as its layer says so, and bounded before. */
static bool can_update_early(const ffn_plan *plan)
{
    bool can = plan->reports_gradients && plan->keeps_deltas;
    for (size_t o = 0; o < plan->op_count; o++)
        for (size_t k = 0; k < plan->ops[o].parameter_count; k++) {
            const ffn__op_parameter *bound = &plan->ops[o].parameters[k];
            if (bound->gradient) can &= bound->first_writer;
        }
    return can;
}

/* Layers that collect states may need more than one row to do so. */
static void find_least_rows(const layout *l)
{
    ffn__next_states *next = &l->plan->next_states;
    next->least_rows = 1;
    for (size_t o = 0; o < l->plan->op_count; o++) {
        const ffn__op *op = &l->plan->ops[o];
        const size_t rows = answer_of(l, op->node)->training_rows;
        bool collects = false;
        for (size_t k = 0; k < op->parameter_count; k++) collects |= op->parameters[k].next_state != NULL;
        if (!collects || rows <= next->least_rows) continue;
        next->least_rows = rows;
        next->least_node = (uint32_t)op->node;
    }
}

static void bind_inputs(const layout *l)
{
    ffn_plan *plan = l->plan;
    size_t begin = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!is_input(l, i)) continue;
        const size_t size = ffn_shape_size(l->model->nodes[i].shape);
        float *gradient = memory_of(l, block_of(l, i, GRADIENT));
        if (l->inputs == 1)
            plan->input_gradient = gradient;
        else
            plan->slices[plan->slice_count++] =
                (ffn__slice){begin, size, memory_of(l, block_of(l, i, VALUE)), gradient};
        begin += size;
    }
    if (l->inputs > 1) plan->input_gradient = memory_of(l, joined_gradient(l));
}

static void bind_output(const layout *l)
{
    ffn_plan *plan = l->plan;
    plan->output = memory_of(l, block_of(l, l->output, VALUE));
    plan->output_gradient = memory_of(l, block_of(l, l->output, GRADIENT));
    plan->loss_work = plan->output_gradient ? plan->output_gradient : memory_of(l, loss_block(l));
    plan->output_op = FFN__NONE;
    for (size_t o = 0; o < plan->op_count; o++)
        if (plan->ops[o].node == l->output) plan->output_op = o;
    if (plan->output_op == FFN__NONE || !plan->keeps_logits) return;
    const ffn__op *op = &plan->ops[plan->output_op];
    plan->logits = answer_of(l, l->output)->logits_saved ? op->saved : op->inputs[0].value;
    plan->logits_are_x = !plan->logits && !op->inputs[0].value;
}

static ffn_status bind_all(const layout *l, ffn_error *error)
{
    ffn_plan *plan = l->plan;
    ffn_status status = ffn__states_allocate(plan, error);
    if (status == FFN_OK) status = make_ops(l, error);
    if (status != FFN_OK) return status;
    if (l->inputs > 1) plan->slices = ffn__alloc_objects(l->inputs, sizeof(*plan->slices), error);
    if (l->inputs > 1 && !plan->slices) return FFN_OUT_OF_MEMORY;
    give_betas(l);
    for (size_t o = 0; o < plan->op_count; o++) plan->ops[o].joined = is_joined(plan, o);
    plan->reports_gradients = reports_gradients(plan);
    atomic_init(&plan->gradients_finite, true);
    plan->can_update_early = can_update_early(plan);
    find_least_rows(l);
    bind_inputs(l);
    bind_output(l);
    plan->bytes += sizeof(*plan) + plan->slice_count * sizeof(*plan->slices);
    return ffn__chain_bind(plan, error);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static ffn_status lay_out(layout *l, ffn_error *error)
{
    for (size_t i = 0; i < l->n; i++) l->inputs += is_input(l, i);
    l->output = root_of(l, l->model->output);
    ffn_status status = find_needs(l, error);
    if (status != FFN_OK) return status;
    find_turned(l);
    l->plan->keeps_deltas = keeps_deltas(l);
    status = place(l, error);
    if (status == FFN_OK) status = allocate(l, error);
    return status == FFN_OK ? bind_all(l, error) : status;
}

static ffn_status fill_plan(ffn_plan *plan, ffn_error *error)
{
    ffn_model view = {0}; /* with layers as they are run */
    memcpy(&view, plan->model, offsetof(ffn_model, few_rows));
    layout l = {.model = &view, .plan = plan, .n = view.node_count};
    ffn_status status = ffn__model_ask(plan->model, &l.answers, error);
    view.layers = ffn__alloc_objects(view.layer_count, sizeof(*view.layers), error);
    l.needs = ffn__alloc_objects(l.n, sizeof(bool), error);
    l.turned = ffn__alloc_objects(l.n, sizeof(bool), error);
    l.written = ffn__alloc_objects(l.n + view.parameter_count, sizeof(bool), error);
    l.blocks = ffn__alloc_objects(l.n * BLOCK_KINDS + EXTRA_BLOCKS, sizeof(*l.blocks), error);
    const bool all = view.layers && l.needs && l.turned && l.written && l.blocks;
    if (status == FFN_OK) status = all ? ffn__fuse(plan, view.layers, l.answers, error) : FFN_OUT_OF_MEMORY;
    if (status == FFN_OK) status = lay_out(&l, error);
    ffn__free(l.answers);
    ffn__free(view.layers);
    ffn__free(l.needs);
    ffn__free(l.turned);
    ffn__free(l.written);
    ffn__free(l.blocks);
    return status;
}

ffn_plan *ffn__plan_create(const ffn_model *model, ffn_plan_options options, bool keep_logits, ffn_error *error)
{
    if (ffn__model_check_built(model, error) != FFN_OK || ffn__blas_prepare(error) != FFN_OK) return NULL;
    ffn_plan *plan = ffn__alloc_objects(1, sizeof(*plan), error);
    if (!plan) return NULL;
    if (options.max_batch == 0) options.max_batch = 32;
    plan->model = model;
    plan->options = options;
    plan->keeps_logits = keep_logits || options.training;
    plan->seed = model->seed;
    plan->input_size = ffn__model_input_size(model);
    plan->gradient_slots = ffn__thread_count();
    if (options.threads && options.threads < plan->gradient_slots) plan->gradient_slots = options.threads;
    if (fill_plan(plan, error) == FFN_OK) return plan;
    ffn_plan_destroy(plan);
    return NULL;
}

ffn_plan *ffn_plan_create(const ffn_model *model, ffn_plan_options options, ffn_error *error)
{
    return ffn__plan_create(model, options, false, error);
}

void ffn_plan_destroy(ffn_plan *plan)
{
    if (!plan) return;
    ffn__free(plan->ops);
    ffn__free(plan->layers);
    ffn__free(plan->fusions);
    ffn__free(plan->slices);
    ffn__free(plan->arena);
    ffn__free(plan->has_gradient);
    ffn__free(plan->next_states.states);
    ffn__free(plan->next_states.values);
    ffn__free(plan);
}

size_t ffn_plan_memory(const ffn_plan *plan) { return plan ? plan->bytes : 0; }
