/* Networks whose layers are a few vectors each spend their time on the way to the arithmetic. For a chain of narrow dense
 * layers that way is bound beforehand: a pass is a loop over links, one call for each product. The arithmetic is the
 * layers' own, so that bits do not depend on which way was taken. */
#include "backprop/plan.h"
#include "kernel/narrow.h"

struct ffn__link {
    ffn_step *step;
    size_t inputs, units;
    ffn__narrow_shape shape;
    ffn_activation activation;
    bool runs_backward;
};

enum { WEIGHT, BIAS };

/* Whether op o works on the value of the one before it, or the first one on the caller's rows, by a narrow layer. */
static bool is_link(const ffn_plan *plan, size_t o)
{
    const ffn__op *op = &plan->ops[o];
    const ffn__node *node = &plan->model->nodes[op->node];
    const ffn_layer_plan *layer = &plan->model->layers[node->layer].plan;
    const bool follows = o == 0 ? op->reads_user[0] : node->inputs[0] == plan->ops[o - 1].node;
    return op->ops == &ffn__dense_ops && follows && layer->kernels == FFN_KERNELS_NATIVE &&
           op->step.input_shapes[0].rank == 1 &&
           ffn__is_narrow(op->step.input_shapes[0].dim[0], op->step.output_shape.dim[0]) &&
           !(layer->activation.ops && layer->activation.ops->slope_gradient);
}

ffn_status ffn__chain_bind(ffn_plan *plan, ffn_error *error)
{
    double work = 0;
    bool is_chain = plan->op_count > 0 && plan->output_op == plan->op_count - 1;
    for (size_t o = 0; o < plan->op_count; o++) is_chain = is_chain && is_link(plan, o);
    if (!is_chain) return FFN_OK;
    plan->links = ffn__alloc(plan->op_count, sizeof(*plan->links), error);
    if (!plan->links) return FFN_OUT_OF_MEMORY;
    for (size_t o = 0; o < plan->op_count; o++) {
        ffn__op *op = &plan->ops[o];
        const size_t inputs = op->step.input_shapes[0].dim[0], units = op->step.output_shape.dim[0];
        plan->links[o] =
            (ffn__link){.step = &op->step,
                        .inputs = inputs,
                        .units = units,
                        .shape = ffn__narrow_shape_of(inputs, units),
                        .activation = plan->model->layers[plan->model->nodes[op->node].layer].plan.activation,
                        .runs_backward = op->runs_backward};
        work += ffn__narrow_work(&plan->links[o].shape, 1);
    }
    plan->link_rows = (size_t)(ffn__parallel_work() / work);
    plan->bytes += plan->op_count * sizeof(*plan->links);
    return FFN_OK;
}

void ffn__chain_forward(const ffn_plan *plan, bool fused)
{
    const ffn__narrow_kernels *kernels = ffn__narrow();
    const size_t rows = plan->rows;
    const float *x = plan->x;
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__link *link = &plan->links[o];
        const ffn_step *step = link->step;
        const ffn_activation *f = &link->activation;
        float *z = step->saved ? step->saved : step->output;
        ffn__narrow_forward(kernels, &link->shape, rows, x, step->parameters[WEIGHT], step->parameters[BIAS], z);
        const bool last = o + 1 == plan->op_count;
        if (f->ops && !(last && fused)) f->ops->forward(f, rows, link->units, z, step->output);
        x = step->output;
    }
}

/* The gradients of the layer's parameters and of its input, from that of its output, which becomes that of z. */
static void link_backward(const ffn__narrow_kernels *kernels, const ffn__link *link, const float *x, size_t rows,
                          bool fused)
{
    const ffn_step *step = link->step;
    const ffn_activation *f = &link->activation;
    float *const dz = step->output_gradient;
    if (f->ops && !fused) f->ops->backward(f, rows, link->units, step->saved, step->output, dz, dz);
    if (step->input_gradients[0])
        ffn__narrow_backward(kernels, &link->shape, rows, dz, step->parameters[WEIGHT], step->input_betas[0],
                             step->input_gradients[0]);
    if (step->parameter_gradients[WEIGHT])
        ffn__narrow_gradient(kernels, &link->shape, rows, dz, x, step->parameter_betas[WEIGHT],
                             step->parameter_gradients[WEIGHT]);
    if (step->parameter_gradients[BIAS])
        kernels->sum_rows(rows, link->units, dz, step->parameter_betas[BIAS], step->parameter_gradients[BIAS]);
}

void ffn__chain_backward(const ffn_plan *plan, bool fused)
{
    const ffn__narrow_kernels *kernels = ffn__narrow();
    for (size_t o = plan->op_count; o-- > 0;) {
        const ffn__link *link = &plan->links[o];
        const float *x = o > 0 ? plan->links[o - 1].step->output : plan->x;
        if (link->runs_backward) link_backward(kernels, link, x, plan->rows, fused && o + 1 == plan->op_count);
    }
}
