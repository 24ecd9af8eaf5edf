/* Running a plan: forward and backward are loops over its steps. They allocate nothing and cannot fail. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "backprop/plan.h"

/* ---- forward --------------------------------------------------------------------------------------------------- */

static void cut_inputs(ffn_plan *plan)
{
    for (size_t s = 0; s < plan->slice_count; s++) {
        const ffn__slice *slice = &plan->slices[s];
        for (size_t r = 0; r < plan->rows; r++)
            memcpy(slice->values + r * slice->size, plan->x + r * plan->input_size + slice->begin,
                   slice->size * sizeof(float));
    }
}

/* plain: no value is turned */
static void set_step(const ffn_plan *plan, ffn__op *op, bool plain)
{
    op->step.rows = plan->rows;
    op->step.random = (ffn_random){plan->seed, FFN__STREAM_LAYER + (uint32_t)op->node, plan->forwards, 0};
    for (size_t k = 0; k < op->step.input_count; k++)
        if (op->reads_user[k]) op->step.inputs[k] = plan->x;
    op->step.scratch = op->forward_scratch;
    op->step.input_turned = op->input_turned && !plain;
    op->step.output_turned = op->output_turned && !plain;
}

static bool begin_forward(ffn_plan *plan, const float *x, size_t rows)
{
    if (!plan || !x || rows < plan->next_states.least_rows || rows > plan->options.max_batch) return false;
    ffn__states_begin(plan);
    plan->x = x;
    plan->rows = rows;
    cut_inputs(plan);
    return true;
}

/* Whether this number of rows goes along the links, forward and backward. */
static bool is_chain(const ffn_plan *plan) { return plan->links && plan->rows <= plan->link_rows; }

static void run_forward(ffn_plan *plan, bool fused)
{
    if (is_chain(plan)) {
        ffn__chain_forward(plan, fused);
        if (plan->options.training) plan->forwards++;
        return;
    }
    if (plan->output_op != FFN__NONE) plan->ops[plan->output_op].step.fused_loss = fused;
    for (size_t o = 0; o < plan->op_count; o++) {
        set_step(plan, &plan->ops[o], false);
        plan->ops[o].ops->forward(&plan->ops[o].step);
    }
    if (plan->options.training) plan->forwards++;
}

static const float *output_of(const ffn_plan *plan) { return plan->output ? plan->output : plan->x; }
static const float *logits_of(const ffn_plan *plan) { return plan->logits_are_x ? plan->x : plan->logits; }

const float *ffn_forward(ffn_plan *plan, const float *x, size_t rows)
{
    if (!begin_forward(plan, x, rows)) return NULL;
    run_forward(plan, false);
    return output_of(plan);
}

const float *ffn__plan_walk(ffn_plan *plan, const float *x, size_t rows,
                            bool (*visit)(void *context, const ffn__op *op), void *context)
{
    if (!begin_forward(plan, x, rows)) return NULL;
    for (size_t o = 0; o < plan->op_count; o++) {
        set_step(plan, &plan->ops[o], true);
        if (!visit(context, &plan->ops[o])) plan->ops[o].ops->forward(&plan->ops[o].step);
    }
    return output_of(plan);
}

const float *ffn__forward_for_loss(ffn_plan *plan, const ffn_loss *loss, const float *x, size_t rows)
{
    if (!begin_forward(plan, x, rows)) return NULL;
    const bool fused = ffn__model_fuses(plan->model, loss);
    run_forward(plan, fused);
    return fused ? logits_of(plan) : output_of(plan);
}

const char *ffn__plan_locate(ffn_plan *plan, const float *x, size_t rows)
{
    if (plan->options.training && plan->forwards > 0) plan->forwards--; /* the same random numbers again */
    if (!begin_forward(plan, x, rows)) return NULL;
    const char *name = NULL;
    for (size_t o = 0; o < plan->op_count && !name; o++) {
        ffn__op *op = &plan->ops[o];
        set_step(plan, op, true);
        op->step.fused_loss = false;
        op->ops->forward(&op->step);
        if (!ffn__tensor()->all_finite(rows * ffn_shape_size(op->step.output_shape), op->step.output))
            name = ffn__node_name(plan->model, op->node);
    }
    if (plan->options.training) plan->forwards++;
    plan->rows = 0; /* it may have stopped half-way: no backward from here */
    return name;
}

/* ---- loss ------------------------------------------------------------------------------------------------------ */

/* Rows `first` .. `first` + rows - 1 of the last forward: the sum over them, and in dy, which has the place of all rows,
 * the gradient that backward begins with, times scale. */
static double sum_rows(const ffn_plan *plan, const ffn_loss *loss, const float *targets, float *dy, double scale,
                       size_t first, size_t rows)
{
    const size_t per_row = plan->model->output_rows, cols = plan->model->output_cols;
    const size_t at = first * per_row * cols;
    targets += first * per_row * ffn__loss_target_columns(loss, cols);
    if (!ffn__model_fuses(plan->model, loss))
        return loss->ops->value(loss, rows * per_row, cols, output_of(plan) + at, targets, dy + at, scale);
    return ffn__loss_fused(loss, rows * per_row, cols, logits_of(plan) + at, targets, dy + at, scale);
}

/* The sum over the rows of the last forward, each times its weight, and in dy its gradient times scale. */
static double sum_loss(const ffn_plan *plan, const ffn_loss *loss, const float *targets, float *dy, double scale)
{
    const float *weights = plan->row_weights;
    double sum = 0;
    if (!weights) return sum_rows(plan, loss, targets, dy, scale, 0, plan->rows);
    for (size_t r = 0; r < plan->rows; r++) {
        const double w = (double)weights[r], value = sum_rows(plan, loss, targets, dy, scale * w, r, 1);
        sum += w == 0 ? 0 : w * value;
    }
    return sum;
}

/* What such sums are divided by. */
static double loss_weight(const ffn_plan *plan, const ffn_loss *loss, const float *targets)
{
    const size_t per_row = plan->model->output_rows, cols = plan->model->output_cols;
    const size_t columns = per_row * ffn__loss_target_columns(loss, cols);
    const float *weights = plan->row_weights;
    double sum = 0;
    if (!weights) return loss->ops->weight(loss, plan->rows * per_row, cols, targets);
    for (size_t r = 0; r < plan->rows; r++)
        sum += (double)weights[r] * loss->ops->weight(loss, per_row, cols, targets + r * columns);
    return sum;
}

double ffn__plan_loss(const ffn_plan *plan, const ffn_loss *loss, const float *targets, double *weight)
{
    *weight = loss_weight(plan, loss, targets);
    return sum_loss(plan, loss, targets, plan->loss_work, 1);
}

void ffn_plan_set_row_weights(ffn_plan *plan, const float *weights)
{
    if (plan) plan->row_weights = weights;
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static void join_input_gradients(const ffn_plan *plan)
{
    for (size_t s = 0; s < plan->slice_count; s++) {
        const ffn__slice *slice = &plan->slices[s];
        for (size_t r = 0; slice->gradient && r < plan->rows; r++)
            memcpy(plan->input_gradient + r * plan->input_size + slice->begin, slice->gradient + r * slice->size,
                   slice->size * sizeof(float));
    }
}

static void run_backward_parameters(const ffn_plan *plan, ffn__op *op, const ffn__gradient_reader *reader)
{
    if (!op->runs_backward || !op->ops->backward_parameters) return;
    op->step.gradient_ready = reader ? reader->ready : NULL;
    op->step.gradient_context = reader ? reader->context : NULL;
    op->step.gradient_kept = reader && reader->kept;
    for (size_t i = 0; i < sizeof(reader->fetch) / sizeof(reader->fetch)[0]; i++) {
        const bool fetched = reader && reader->fetch[i] && op->step.parameter_gradients[0];
        op->step.gradient_fetch[i] =
            fetched ? reader->fetch[i] + (op->step.parameter_gradients[0] - plan->gradients) : NULL;
    }
    op->ops->backward_parameters(&op->step);
}

/* Where gradients stay in the plan, their parts are looked at while they are in cache. */
static void look_at_part(void *context, const float *place, const float *values, size_t count)
{
    ffn_plan *plan = context;
    (void)place;
    if (!ffn__tensor()->all_finite(count, values)) atomic_store(&plan->gradients_finite, false);
}

static ffn__gradient_reader looker(ffn_plan *plan)
{
    return (ffn__gradient_reader){.ready = look_at_part, .context = plan, .kept = true};
}

/* The gradients of values from the output back to the inputs, and, unless the plan keeps them for later, those of the
 * parameters on the way. */
static void run_backward(ffn_plan *plan, bool fused)
{
    const ffn__gradient_reader look = looker(plan);
    atomic_store(&plan->gradients_finite, plan->reports_gradients && !is_chain(plan));
    if (is_chain(plan)) {
        ffn__chain_backward(plan, fused);
        return;
    }
    if (plan->output_op != FFN__NONE) plan->ops[plan->output_op].step.fused_loss = fused;
    for (size_t o = plan->op_count; o-- > 0;) {
        ffn__op *op = &plan->ops[o];
        op->step.scratch = op->backward_scratch;
        if (op->runs_backward) op->ops->backward(&op->step);
        if (!plan->keeps_deltas) run_backward_parameters(plan, op, &look);
    }
}

/* What comes after it: gradients of parameters that were left for later, and the joined one of several inputs, which
 * may take the memory of all else. */
static void finish_backward(ffn_plan *plan, const ffn__gradient_reader *reader)
{
    const bool later = plan->keeps_deltas && !is_chain(plan);
    const ffn__gradient_reader look = looker(plan);
    if (reader) atomic_store(&plan->gradients_finite, false); /* they are not all there */
    for (size_t o = plan->op_count; later && o-- > 0;)
        run_backward_parameters(plan, &plan->ops[o], reader ? reader : &look);
    join_input_gradients(plan);
}

/* Whether no gradient of a parameter can be infinite or NaN. */
static bool gradients_are_bounded(const ffn_plan *plan)
{
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__op *op = &plan->ops[o];
        if (op->runs_backward && op->ops->gradient_bound && !(op->ops->gradient_bound(&op->step) < FLT_MAX / 2))
            return false;
    }
    return true;
}

double ffn__backward_early(ffn_plan *plan, const ffn_loss *loss, const float *targets,
                           const ffn__gradient_reader *reader, bool *read)
{
    plan->loss_weight = loss_weight(plan, loss, targets);
    const double scale = plan->loss_weight == 0 ? 0 : 1 / plan->loss_weight;
    const double gradient_scale = plan->sums && scale > 0 ? 1 : scale;
    const double value = sum_loss(plan, loss, targets, plan->loss_work, gradient_scale) * scale;
    *read = false;
    if (!plan->output_gradient) return value;
    run_backward(plan, ffn__model_fuses(plan->model, loss));
    *read = reader && plan->can_update_early && !is_chain(plan) && !plan->accumulate && isfinite(value) &&
            gradients_are_bounded(plan);
    finish_backward(plan, *read ? reader : NULL);
    return value;
}

double ffn_backward(ffn_plan *plan, ffn_loss loss, const float *targets)
{
    if (!plan || !targets || !plan->options.training || plan->rows == 0) return (double)NAN;
    loss = ffn__model_loss(plan->model, loss);
    if (ffn__model_check_loss(plan->model, &loss, NULL) != FFN_OK) return (double)NAN;
    bool read;
    plan->gradients_by_hand = true;
    return ffn__backward_early(plan, &loss, targets, NULL, &read);
}

void ffn_backward_from(ffn_plan *plan, const float *output_gradient)
{
    if (!plan || !output_gradient || !plan->options.training || plan->rows == 0 || !plan->output_gradient) return;
    memmove(plan->output_gradient, output_gradient,
            plan->rows * ffn_shape_size(ffn_model_output_shape(plan->model)) * sizeof(float));
    plan->gradients_by_hand = true;
    run_backward(plan, false);
    finish_backward(plan, NULL);
}

/* ---- gradients ------------------------------------------------------------------------------------------------- */

void ffn_plan_accumulate(ffn_plan *plan, bool accumulate)
{
    if (!plan) return;
    plan->accumulate = accumulate;
    for (size_t o = 0; o < plan->op_count; o++)
        for (size_t k = 0; k < FFN_MAX_PARAMETERS; k++)
            if (plan->ops[o].first_writer[k]) plan->ops[o].step.parameter_betas[k] = accumulate ? 1 : 0;
}

const float *ffn_input_gradient(const ffn_plan *plan) { return plan ? plan->input_gradient : NULL; }

static ffn_status check_gradient(const ffn_plan *plan, size_t parameter, const float *values, ffn_error *error)
{
    if (!plan || !values)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "a gradient's %s is NULL", plan ? "values pointer" : "plan");
    if (parameter >= plan->model->parameter_count)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the gradient of parameter %zu of a model that has %zu", parameter,
                        plan->model->parameter_count);
    if (!plan->has_gradient[parameter])
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "the plan computes no gradient of %s",
                        plan->model->parameters[parameter].name);
    return FFN_OK;
}

ffn_status ffn_plan_get_gradient(const ffn_plan *plan, size_t parameter, float *values, ffn_error *error)
{
    const ffn_status status = check_gradient(plan, parameter, values, error);
    if (status == FFN_OK) ffn__parameter_unpack(plan->model, parameter, plan->gradients, values);
    return status;
}

ffn_status ffn_plan_set_gradient(ffn_plan *plan, size_t parameter, const float *values, ffn_error *error)
{
    const ffn_status status = check_gradient(plan, parameter, values, error);
    if (status != FFN_OK) return status;
    ffn__parameter_pack(plan->model, parameter, values, plan->gradients);
    plan->gradients_by_hand = true;
    if (!ffn__tensor()->all_finite(plan->model->parameters[parameter].size, values))
        atomic_store(&plan->gradients_finite, false);
    return FFN_OK;
}
