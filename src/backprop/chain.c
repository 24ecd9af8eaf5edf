/* Networks whose layers are a few vectors each, and predictions of single rows, spend their time on the way to the
 * arithmetic. For a chain of dense layers that way is bound beforehand: a pass is a loop over links, one call for each
 * product, and for a single row along narrow layers one call in all. The arithmetic is the layers' own, so that bits do not
 * depend on which way was taken. */
#include "backprop/plan.h"
#include "kernel/narrow.h"

enum { WEIGHT, BIAS };

/* Whether op o works on the value of the one before it, or the first one on the caller's rows, by a dense layer; for
 * training by a narrow one. */
static bool is_link(const ffn_plan *plan, size_t o)
{
    const ffn__op *op = &plan->ops[o];
    const ffn__node *node = &plan->model->nodes[op->node];
    const ffn_activation *activation = &plan->model->layers[node->layer].activation;
    const bool follows = o == 0 ? !op->inputs[0].value : node->inputs[0] == plan->ops[o - 1].node;
    const ffn_shape in = *op->inputs[0].shape;
    return op->ops == &ffn__dense_ops && follows && op->kernels == FFN_KERNELS_NATIVE && in.rank == 1 &&
           (!plan->options.training || ffn__is_narrow(in.dim[0], node->shape.dim[0])) &&
           !(activation->ops && activation->ops->slope_gradient);
}

static size_t inputs_of(const ffn__op *op) { return op->inputs[0].shape->dim[0]; }
static size_t units_of(const ffn_plan *plan, const ffn__op *op) { return plan->model->nodes[op->node].shape.dim[0]; }

/* The op's activation; NULL: it has none, or the plan's last pass leaves it to the loss. */
static const ffn_activation *activation_of(const ffn_plan *plan, const ffn__op *op)
{
    const ffn_activation *f = &plan->model->layers[plan->model->nodes[op->node].layer].activation;
    return f->ops && !(plan->fused && op == plan->ops + plan->output_op) ? f : NULL;
}

/* Most rows that one thread is to work through: by narrow layers any number that does not take long, by others those
 * whose sums run along the inputs. */
static size_t most_rows(const ffn_plan *plan, bool narrow)
{
    double work = 0;
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__op *op = &plan->ops[o];
        const size_t inputs = inputs_of(op), units = units_of(plan, op);
        const ffn__narrow_shape shape = ffn__narrow_shape_of(inputs, units);
        work += ffn__is_narrow(inputs, units) ? ffn__narrow_work(&shape, 1) : ffn__dense_work(1, inputs, units);
    }
    if (narrow) return (size_t)(ffn__parallel_work() / work);
    const bool alone = plan->options.threads == 1 || ffn__thread_count() == 1;
    return alone || work < ffn__parallel_work() ? FFN__FEW - 1 : 0;
}

static uint32_t offset_of(const float *value, const float *block)
{
    return value ? (uint32_t)(value - block) : FFN__NARROW_NONE;
}

static ffn__narrow_layer layer_of(const ffn_plan *plan, const ffn__op *op)
{
    const float *z = op->saved ? op->saved : op->output;
    return (ffn__narrow_layer){.shape = ffn__narrow_shape_of(inputs_of(op), units_of(plan, op)),
                               .trains = op->parameters[WEIGHT].gradient,
                               .weight = offset_of(op->parameters[WEIGHT].values, plan->model->values),
                               .bias = offset_of(op->parameters[BIAS].values, plan->model->values),
                               .z = offset_of(z, plan->arena),
                               .y = offset_of(op->output, plan->arena),
                               .dy = offset_of(op->output_gradient, plan->arena),
                               .activation = activation_of(plan, op)};
}

/* Whether offsets tell every place. */
static bool is_within_offsets(const ffn_plan *plan)
{
    return plan->model->value_count < FFN__NARROW_NONE && plan->bytes / sizeof(float) < FFN__NARROW_NONE;
}

ffn_status ffn__chain_bind(ffn_plan *plan, ffn_error *error)
{
    bool is_chain = plan->op_count > 0 && plan->output_op == plan->op_count - 1, narrow = true;
    for (size_t o = 0; o < plan->op_count && is_chain; o++) {
        is_chain = is_link(plan, o);
        narrow = narrow && is_chain && ffn__is_narrow(inputs_of(&plan->ops[o]), units_of(plan, &plan->ops[o]));
    }
    if (!is_chain) return FFN_OK;
    plan->chain_rows = most_rows(plan, narrow);
    while (plan->frozen_ops < plan->op_count && !plan->ops[plan->frozen_ops].runs_backward) plan->frozen_ops++;
    if (!narrow || !is_within_offsets(plan)) return FFN_OK;
    plan->layers = ffn__alloc_objects(plan->op_count, sizeof(*plan->layers), error);
    if (!plan->layers) return FFN_OUT_OF_MEMORY;
    for (size_t o = 0; o < plan->op_count; o++) plan->layers[o] = layer_of(plan, &plan->ops[o]);
    plan->bytes += plan->op_count * sizeof(*plan->layers);
    ffn__chain_follow_betas(plan);
    return FFN_OK;
}

void ffn__chain_follow_betas(ffn_plan *plan)
{
    for (size_t o = 0; plan->layers && o < plan->op_count; o++) {
        plan->layers[o].adds_weight = plan->ops[o].parameters[WEIGHT].beta != 0;
        plan->layers[o].adds_bias = plan->ops[o].parameters[BIAS].beta != 0;
    }
}

/* ---- a single row along narrow layers ---------------------------------------------------------------------------- */

/* The layers from the first one that anything is trained by, or from the first. */
static ffn__narrow_chain row_chain(const ffn_plan *plan, size_t first)
{
    const ffn__op *op = &plan->ops[first];
    return (ffn__narrow_chain){.layers = plan->layers + first,
                               .count = plan->op_count - first,
                               .x = first > 0 ? op[-1].output : plan->x,
                               .dx = first > 0 ? NULL : op->inputs[0].gradient,
                               .values = plan->model->values,
                               .gradients = plan->gradients,
                               .arena = plan->arena,
                               .linear = plan->fused};
}

/* ---- several rows, and any layers -------------------------------------------------------------------------------- */

static void op_forward(const ffn_plan *plan, const ffn__op *op, const float *x)
{
    const size_t rows = plan->rows, inputs = inputs_of(op), units = units_of(plan, op);
    const float *w = op->parameters[WEIGHT].values, *b = op->parameters[BIAS].values;
    const ffn_activation *f = activation_of(plan, op);
    float *z = op->saved ? op->saved : op->output;
    const bool narrow = ffn__is_narrow(inputs, units), rectify = !narrow && f && !op->saved && ffn__is_relu(f);
    if (narrow) {
        const ffn__narrow_shape shape = ffn__narrow_shape_of(inputs, units);
        ffn__narrow_forward(ffn__narrow(), &shape, rows, x, w, b, z);
    } else {
        ffn__native()->multiply_few(&(ffn__few_product){.rows = rows,
                                                        .inputs = inputs,
                                                        .x = x,
                                                        .w = w,
                                                        .all_units = units,
                                                        .threads = 1,
                                                        .units = units,
                                                        .bias = b,
                                                        .y = z,
                                                        .ldy = units,
                                                        .rectify = rectify,
                                                        .backwards = plan->backwards});
    }
    if (f && !rectify) f->ops->forward(f, rows, units, z, op->output);
}

/* The gradients of a narrow layer's parameters and of its input, from that of its output, which becomes that of z. */
static void op_backward(const ffn_plan *plan, const ffn__op *op, const float *x)
{
    const ffn__narrow_kernels *kernels = ffn__narrow();
    const ffn__narrow_shape shape = ffn__narrow_shape_of(inputs_of(op), units_of(plan, op));
    const ffn__op_parameter *weight = &op->parameters[WEIGHT], *bias = &op->parameters[BIAS];
    const ffn_activation *f = activation_of(plan, op);
    const size_t rows = plan->rows;
    float *const dz = op->output_gradient, *dx = op->inputs[0].gradient;
    if (f) f->ops->backward(f, rows, shape.units, op->saved, op->output, dz, dz);
    if (dx) ffn__narrow_backward(kernels, &shape, rows, dz, weight->values, op->inputs[0].beta, dx);
    if (weight->gradient) ffn__narrow_gradient(kernels, &shape, rows, dz, x, weight->beta, weight->gradient);
    if (bias->gradient) kernels->sum_rows(rows, shape.units, dz, bias->beta, bias->gradient);
}

/* ---- either ------------------------------------------------------------------------------------------------------ */

static const float *input_of(const ffn_plan *plan, size_t o) { return o > 0 ? plan->ops[o - 1].output : plan->x; }

void ffn__chain_forward(ffn_plan *plan)
{
    if (ffn__plan_is_short(plan, plan->rows)) {
        const ffn__narrow_chain chain = row_chain(plan, 0);
        ffn__narrow()->forward_row(&chain);
        return;
    }
    for (size_t o = 0; o < plan->op_count; o++) op_forward(plan, &plan->ops[o], input_of(plan, o));
    plan->backwards = !plan->backwards;
}

bool ffn__chain_backward(const ffn_plan *plan)
{
    if (ffn__plan_is_short(plan, plan->rows)) {
        const ffn__narrow_chain chain = row_chain(plan, plan->frozen_ops);
        return ffn__narrow()->backward_row(&chain);
    }
    for (size_t o = plan->op_count; o-- > plan->frozen_ops;) op_backward(plan, &plan->ops[o], input_of(plan, o));
    return false;
}
