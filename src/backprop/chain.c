/* Networks whose layers are a few vectors each, and predictions of single rows, spend their time on the way to the
 * arithmetic. For a chain of dense layers that way is bound beforehand: a pass is a loop over links, one call for each
 * product. The arithmetic is the layers' own, so that bits do not depend on which way was taken. */
#include "backprop/plan.h"
#include "kernel/narrow.h"

struct ffn__link {
    const ffn_activation *activation;
    ffn__narrow_shape shape; /* of a narrow layer */
    bool narrow;
};

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

static ffn__link link_of(const ffn_plan *plan, const ffn__op *op)
{
    const size_t inputs = inputs_of(op), units = units_of(plan, op);
    ffn__link link = {.activation = &plan->model->layers[plan->model->nodes[op->node].layer].activation,
                      .narrow = ffn__is_narrow(inputs, units)};
    if (link.narrow) link.shape = ffn__narrow_shape_of(inputs, units);
    return link;
}

/* Most rows that one thread is to work through: by narrow layers any number that does not take long, by others those
 * whose sums run along the inputs. */
static size_t most_rows(const ffn_plan *plan)
{
    double work = 0;
    bool narrow = true;
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__link *link = &plan->links[o];
        const ffn__op *op = &plan->ops[o];
        narrow = narrow && link->narrow;
        work += link->narrow ? ffn__narrow_work(&link->shape, 1) : ffn__few_work(inputs_of(op), units_of(plan, op));
    }
    if (narrow) return (size_t)(ffn__parallel_work() / work);
    const bool alone = plan->options.threads == 1 || ffn__thread_count() == 1;
    return alone || work < ffn__parallel_work() ? FFN__FEW - 1 : 0;
}

ffn_status ffn__chain_bind(ffn_plan *plan, ffn_error *error)
{
    bool is_chain = plan->op_count > 0 && plan->output_op == plan->op_count - 1;
    for (size_t o = 0; o < plan->op_count; o++) is_chain = is_chain && is_link(plan, o);
    if (!is_chain) return FFN_OK;
    plan->links = ffn__alloc_objects(plan->op_count, sizeof(*plan->links), error);
    if (!plan->links) return FFN_OUT_OF_MEMORY;
    for (size_t o = 0; o < plan->op_count; o++) plan->links[o] = link_of(plan, &plan->ops[o]);
    plan->link_rows = most_rows(plan);
    plan->bytes += plan->op_count * sizeof(*plan->links);
    return FFN_OK;
}

void ffn__chain_forward(const ffn_plan *plan)
{
    const size_t rows = plan->rows;
    const float *x = plan->x;
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__link *link = &plan->links[o];
        const ffn__op *op = &plan->ops[o];
        const ffn_activation *f = link->activation;
        const float *w = op->parameters[WEIGHT].values, *b = op->parameters[BIAS].values;
        const size_t units = units_of(plan, op);
        float *z = op->saved ? op->saved : op->output;
        if (link->narrow)
            ffn__narrow_forward(ffn__narrow(), &link->shape, rows, x, w, b, z);
        else
            ffn__native()->multiply_few(rows, inputs_of(op), x, w, units, 0, units, b, z, units, 1);
        const bool last = o + 1 == plan->op_count;
        if (f->ops && !(last && plan->fused)) f->ops->forward(f, rows, units, z, op->output);
        x = op->output;
    }
}

/* The gradients of the layer's parameters and of its input, from that of its output, which becomes that of z. */
static void link_backward(const ffn__narrow_kernels *kernels, const ffn__link *link, const ffn__op *op, const float *x,
                          size_t rows, bool fused)
{
    const ffn_activation *f = link->activation;
    const ffn__op_parameter *weight = &op->parameters[WEIGHT], *bias = &op->parameters[BIAS];
    float *const dz = op->output_gradient;
    if (f->ops && !fused) f->ops->backward(f, rows, link->shape.units, op->saved, op->output, dz, dz);
    if (op->inputs[0].gradient)
        ffn__narrow_backward(kernels, &link->shape, rows, dz, weight->values, op->inputs[0].beta,
                             op->inputs[0].gradient);
    if (weight->gradient) ffn__narrow_gradient(kernels, &link->shape, rows, dz, x, weight->beta, weight->gradient);
    if (bias->gradient) kernels->sum_rows(rows, link->shape.units, dz, bias->beta, bias->gradient);
}

void ffn__chain_backward(const ffn_plan *plan)
{
    const ffn__narrow_kernels *kernels = ffn__narrow();
    for (size_t o = plan->op_count; o-- > 0;) {
        const ffn__op *op = &plan->ops[o];
        const float *x = o > 0 ? plan->ops[o - 1].output : plan->x;
        if (op->runs_backward)
            link_backward(kernels, &plan->links[o], op, x, plan->rows, plan->fused && o + 1 == plan->op_count);
    }
}
