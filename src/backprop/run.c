/* Running a plan: forward and backward are loops over its steps. They allocate nothing and cannot fail. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "backprop/plan.h"

/* Floating-point operations that looking at a layer's output and input is worth, for each of its outputs. */
static const double BOUND_WORK = 25;

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

/* What a layer is called with. */
typedef struct call {
    ffn_step step;
    ffn_shape shapes[FFN_MAX_INPUTS]; /* of its inputs */
} call;

static void make_call(const ffn_plan *plan, const ffn__op *op, float *scratch, call *c)
{
    const ffn__node *node = &plan->model->nodes[op->node];
    ffn_step *step = &c->step;
    memset(step, 0, sizeof(*step));
    step->config = op->config;
    step->kernels = op->kernels;
    step->rows = plan->rows;
    step->training = plan->options.training;
    step->threads = plan->options.threads;
    step->input_count = node->input_count;
    step->input_shapes = c->shapes;
    step->output_shape = node->shape;
    step->output = op->output;
    step->saved = op->saved;
    step->scratch = scratch;
    step->gradient_scratch = op->gradient_scratch;
    step->gradient_slots = op->gradient_scratch ? plan->gradient_slots : 0;
    step->random = (ffn_random){plan->seed, FFN__STREAM_LAYER + (uint32_t)op->node, plan->random_step, 0};
    step->output_gradient = op->output_gradient;
    step->input_turned = op->input_turned && !plan->plain;
    step->output_turned = op->output_turned && !plan->plain;
    step->input_rectified = step->input_turned && op->input_rectified;
    step->output_rectified = step->output_turned && op->output_rectified;
    step->state_share = plan->next_states.share;
    step->fused_loss = plan->fused && op == plan->ops + plan->output_op;
    for (size_t k = 0; k < node->input_count; k++) {
        c->shapes[k] = *op->inputs[k].shape;
        step->inputs[k] = op->inputs[k].value ? op->inputs[k].value : plan->x;
        step->input_gradients[k] = op->inputs[k].gradient;
        step->input_betas[k] = op->inputs[k].beta;
    }
    for (size_t k = 0; k < op->parameter_count; k++) {
        step->parameters[k] = op->parameters[k].values;
        step->next_states[k] = op->parameters[k].next_state;
        step->parameter_gradients[k] = op->parameters[k].gradient;
        step->parameter_betas[k] = op->parameters[k].beta;
    }
}

static bool begin_forward(ffn_plan *plan, const float *x, size_t rows)
{
    if (!plan || !x || rows < plan->next_states.least_rows || rows > plan->options.max_batch) return false;
    if (plan->next_states.states) ffn__states_begin(plan);
    plan->x = x;
    plan->rows = rows;
    plan->random_step = plan->forwards;
    plan->fused = plan->plain = false;
    cut_inputs(plan);
    return true;
}

/* Whether this number of rows goes along a chain, forward and backward. */
static bool is_chain(const ffn_plan *plan) { return plan->rows <= plan->chain_rows; }

static void forward_op(const ffn_plan *plan, const ffn__op *op)
{
    call c;
    make_call(plan, op, op->forward_scratch, &c);
    op->ops->forward(&c.step);
}

static bool has_threads(const ffn_plan *plan) { return plan->options.threads != 1 && ffn__thread_count() > 1; }

/* Whether in this pass op o may run along with the one before it. */
static bool is_joined(const ffn_plan *plan, size_t o)
{
    return plan->ops[o].joined && plan->rows >= FFN__FEW && !plan->plain && has_threads(plan);
}

/* Makes the calls of `count` ops from o on, or on the way back down from o, and runs them in one. */
static void run_joined(const ffn_plan *plan, ffn__pass pass, size_t o, size_t count, call calls[FFN__JOINED])
{
    const ffn_step *steps[FFN__JOINED];
    for (size_t i = 0; i < count; i++) {
        const bool forward = pass == FFN__FORWARD;
        const ffn__op *op = forward ? &plan->ops[o + i] : &plan->ops[o - i];
        make_call(plan, op, forward ? op->forward_scratch : op->backward_scratch, &calls[i]);
        steps[i] = &calls[i].step;
    }
    ffn__dense_joined(pass, steps, count);
}

/* Op o and those that run along with it; answers how many. */
static size_t forward_ops(const ffn_plan *plan, size_t o)
{
    call calls[FFN__JOINED];
    size_t count = 1;
    while (count < FFN__JOINED && o + count < plan->op_count && is_joined(plan, o + count)) count++;
    if (count > 1)
        run_joined(plan, FFN__FORWARD, o, count, calls);
    else
        forward_op(plan, &plan->ops[o]);
    return count;
}

static void run_forward(ffn_plan *plan, bool fused)
{
    plan->fused = fused;
    if (is_chain(plan))
        ffn__chain_forward(plan);
    else
        for (size_t o = 0; o < plan->op_count;) o += forward_ops(plan, o);
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
                            bool (*visit)(void *context, size_t node, const ffn_step *step), void *context)
{
    if (!begin_forward(plan, x, rows)) return NULL;
    plan->plain = true;
    for (size_t o = 0; o < plan->op_count; o++) {
        const ffn__op *op = &plan->ops[o];
        call c;
        make_call(plan, op, op->forward_scratch, &c);
        if (!visit(context, op->node, &c.step)) op->ops->forward(&c.step);
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
    plan->plain = true;
    for (size_t o = 0; o < plan->op_count && !name; o++) {
        const ffn__op *op = &plan->ops[o];
        forward_op(plan, op);
        if (!ffn__tensor()->all_finite(rows * ffn_shape_size(plan->model->nodes[op->node].shape), op->output))
            name = ffn__node_name(plan->model, op->node);
    }
    if (plan->options.training) plan->forwards++;
    plan->rows = 0; /* it may have stopped half-way: no backward from here */
    return name;
}

/* ---- loss ------------------------------------------------------------------------------------------------------ */

/* Rows `first` .. `first` + rows - 1 of the last forward: the sum over them, and in dy, which has the place of all rows,
 * the gradient that backward begins with, times scale. */
static inline double sum_rows(const ffn_plan *plan, const ffn_loss *loss, bool fused, const float *targets, float *dy,
                              double scale, size_t first, size_t rows)
{
    const size_t per_row = plan->model->output_rows, cols = plan->model->output_cols;
    const size_t at = first * per_row * cols;
    if (first > 0) targets += first * per_row * ffn__loss_target_columns(loss, cols);
    if (!fused) return loss->ops->value(loss, rows * per_row, cols, output_of(plan) + at, targets, dy + at, scale);
    return ffn__loss_fused(loss, rows * per_row, cols, logits_of(plan) + at, targets, dy + at, scale);
}

static double sum_weighted(const ffn_plan *plan, const ffn_loss *loss, bool fused, const float *targets, float *dy,
                           double scale)
{
    double sum = 0;
    for (size_t r = 0; r < plan->rows; r++) {
        const double w = (double)plan->row_weights[r];
        const double value = sum_rows(plan, loss, fused, targets, dy, scale * w, r, 1);
        sum += w == 0 ? 0 : w * value;
    }
    return sum;
}

/* The sum over the rows of the last forward, each times its weight, and in dy its gradient times scale. */
static double sum_loss(const ffn_plan *plan, const ffn_loss *loss, bool fused, const float *targets, float *dy,
                       double scale)
{
    return plan->row_weights ? sum_weighted(plan, loss, fused, targets, dy, scale)
                             : sum_rows(plan, loss, fused, targets, dy, scale, 0, plan->rows);
}

static double weight_of_weighted(const ffn_plan *plan, const ffn_loss *loss, const float *targets)
{
    const size_t per_row = plan->model->output_rows, cols = plan->model->output_cols;
    const size_t columns = per_row * ffn__loss_target_columns(loss, cols);
    double sum = 0;
    for (size_t r = 0; r < plan->rows; r++)
        sum += (double)plan->row_weights[r] * loss->ops->weight(loss, per_row, cols, targets + r * columns);
    return sum;
}

/* What such sums are divided by. */
static double loss_weight(const ffn_plan *plan, const ffn_loss *loss, const float *targets)
{
    const ffn_model *model = plan->model;
    return plan->row_weights ? weight_of_weighted(plan, loss, targets)
                             : loss->ops->weight(loss, plan->rows * model->output_rows, model->output_cols, targets);
}

double ffn__plan_loss(const ffn_plan *plan, const ffn_loss *loss, const float *targets, double *weight)
{
    *weight = loss_weight(plan, loss, targets);
    return sum_loss(plan, loss, ffn__model_fuses(plan->model, loss), targets, plan->loss_work, 1);
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

static void make_gradients_call(const ffn_plan *plan, const ffn__op *op, const ffn__gradient_reader *reader, call *c)
{
    ffn_step *step = &c->step;
    make_call(plan, op, op->backward_scratch, c);
    step->gradient_ready = reader->ready;
    step->gradient_context = reader->context;
    step->gradient_kept = reader->kept;
    step->descent_rate = reader->rate;
    if (reader->weights && step->parameter_gradients[0])
        step->descent_weights = reader->weights + (step->parameter_gradients[0] - plan->gradients);
    for (size_t i = 0; i < sizeof(reader->fetch) / sizeof(reader->fetch)[0]; i++)
        if (reader->fetch[i] && step->parameter_gradients[0])
            step->gradient_fetch[i] = reader->fetch[i] + (step->parameter_gradients[0] - plan->gradients);
}

/* Whether the gradient of any of the op's parameters is wanted: of a layer that is not trained none is. */
static bool trains(const ffn__op *op)
{
    bool any = false;
    for (size_t k = 0; k < op->parameter_count; k++) any |= op->parameters[k].gradient != NULL;
    return any;
}

static void run_backward_parameters(const ffn_plan *plan, const ffn__op *op, const ffn__gradient_reader *reader)
{
    if (!op->runs_backward || !op->ops->backward_parameters || !trains(op)) return;
    call c;
    make_gradients_call(plan, op, reader, &c);
    op->ops->backward_parameters(&c.step);
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

/* What gradients must stay below for all to be well: they must not become infinite, and where layers descend by
 * themselves no weight may, which keeps the largest float too when less than half its last place is added to it. */
static double limit_of(const ffn__gradient_reader *reader)
{
    const double half_place = 0x1p103, limit = (double)FLT_MAX / 2;
    return reader->weights && limit * (double)reader->rate >= half_place ? half_place / (double)reader->rate : limit;
}

/* Whether the layer knows that all gradients of its parameters are below a limit. */
static bool is_bounded(const ffn__op *op, const ffn_step *step, double limit)
{
    return !trains(op) || !op->ops->gradient_bound || op->ops->gradient_bound(step) < limit;
}

/* Of several ops whose backward has run. */
typedef struct bounds {
    const ffn__op *last;
    const call *calls;
    double limit;
    bool known[FFN__JOINED];
} bounds;

static void find_bound(void *context, size_t i)
{
    bounds *b = context;
    b->known[i] = is_bounded(b->last - i, &b->calls[i].step, b->limit);
}

/* Whether all `count` ops down from o know that their parameters' gradients will be below a limit. */
static bool are_bounded(const ffn_plan *plan, size_t o, size_t count, const call *calls, double limit)
{
    bounds b = {.last = &plan->ops[o], .calls = calls, .limit = limit};
    double work = 0;
    bool all = true;
    for (size_t i = 0; i < count; i++)
        work += BOUND_WORK * (double)plan->rows * (double)ffn_shape_size(plan->model->nodes[(b.last - i)->node].shape);
    ffn__parallel(plan->options.threads, count, work, find_bound, &b);
    for (size_t i = 0; i < count; i++) all &= b.known[i];
    return all;
}

/* How many ops up to o run in one on the way back. */
static size_t joined_before(const ffn_plan *plan, size_t o)
{
    size_t count = 1;
    while (count < FFN__JOINED && count <= o && is_joined(plan, o - count + 1)) count++;
    return count;
}

/* Op o and those that run along with it; answers how many. *bounded stays true if all layers know that their parameters'
 * gradients will be below the limit. */
static size_t backward_ops(const ffn_plan *plan, size_t o, double limit, bool *bounded)
{
    call calls[FFN__JOINED];
    const size_t count = joined_before(plan, o);
    if (!plan->ops[o].runs_backward) return count;
    if (count > 1) {
        run_joined(plan, FFN__BACKWARD, o, count, calls);
    } else {
        make_call(plan, &plan->ops[o], plan->ops[o].backward_scratch, &calls[0]);
        plan->ops[o].ops->backward(&calls[0].step);
    }
    *bounded = *bounded && are_bounded(plan, o, count, calls, limit);
    return count;
}

/* The gradients of values from the output back to the inputs, and, unless the plan keeps them for later, those of the
 * parameters on the way. Answers whether all layers know that their parameters' will be below the limit; 0: none asks. */
static bool run_backward(ffn_plan *plan, bool fused, double limit)
{
    const bool chain = is_chain(plan);
    plan->fused = fused;
    /* threads that change it begin later */
    atomic_store_explicit(&plan->gradients_finite, chain ? ffn__chain_backward(plan) : plan->reports_gradients,
                          memory_order_relaxed);
    if (chain) return false;
    const ffn__gradient_reader look = looker(plan);
    bool bounded = limit > 0;
    for (size_t o = plan->op_count, count; o > 0; o -= count) {
        const ffn__op *op = &plan->ops[o - 1];
        count = backward_ops(plan, o - 1, limit, &bounded);
        if (!plan->keeps_deltas) run_backward_parameters(plan, op, &look);
    }
    return bounded;
}

/* Op o's, and in one those of the ops that ran along with it; answers how many. */
static size_t gradient_ops(const ffn_plan *plan, size_t o, const ffn__gradient_reader *reader)
{
    call calls[FFN__JOINED];
    const ffn_step *steps[FFN__JOINED];
    const size_t count = joined_before(plan, o);
    for (size_t i = 0; count > 1 && i < count; i++) {
        make_gradients_call(plan, &plan->ops[o - i], reader, &calls[i]);
        steps[i] = &calls[i].step;
    }
    if (count > 1)
        ffn__dense_joined(FFN__GRADIENTS, steps, count);
    else
        run_backward_parameters(plan, &plan->ops[o], reader);
    return count;
}

/* Gradients of parameters that were left for later. */
static void finish_parameters(ffn_plan *plan, const ffn__gradient_reader *reader)
{
    const ffn__gradient_reader look = looker(plan);
    if (reader) atomic_store(&plan->gradients_finite, false); /* they are not all there */
    for (size_t o = plan->op_count; o > 0;) o -= gradient_ops(plan, o - 1, reader ? reader : &look);
}

/* What comes after it: those, and the joined gradient of several inputs, which may take the memory of all else. */
static void finish_backward(ffn_plan *plan, const ffn__gradient_reader *reader)
{
    if (plan->keeps_deltas && !is_chain(plan)) finish_parameters(plan, reader);
    join_input_gradients(plan);
}

double ffn__backward_early(ffn_plan *plan, const ffn_loss *loss, const float *targets,
                           const ffn__gradient_reader *reader, bool *read)
{
    plan->loss_weight = loss_weight(plan, loss, targets);
    const double scale = plan->loss_weight == 0 ? 0 : 1 / plan->loss_weight;
    const double gradient_scale = plan->sums && scale > 0 ? 1 : scale;
    const bool fused = ffn__model_fuses(plan->model, loss);
    const double value = sum_loss(plan, loss, fused, targets, plan->loss_work, gradient_scale) * scale;
    *read = false;
    if (!plan->output_gradient) return value;
    const bool ask = reader && plan->can_update_early && !plan->accumulate && isfinite(value);
    *read = run_backward(plan, fused, ask ? limit_of(reader) : 0);
    finish_backward(plan, *read ? reader : NULL);
    return value;
}

/* Where the last pass left the output's activation to a loss, the outputs may not be there. */
static void make_outputs(ffn_plan *plan)
{
    const ffn_model *model = plan->model;
    if (plan->fused)
        ffn__activation_run(&model->output_activation, plan->options.threads, plan->rows * model->output_rows,
                            model->output_cols, logits_of(plan), plan->ops[plan->output_op].output);
    plan->fused = false;
}

double ffn_backward(ffn_plan *plan, ffn_loss loss, const float *targets)
{
    if (!plan || !targets || !plan->options.training || plan->rows == 0) return (double)NAN;
    loss = ffn__model_loss(plan->model, loss);
    if (ffn__model_check_loss(plan->model, &loss, NULL) != FFN_OK) return (double)NAN;
    if (!ffn__model_fuses(plan->model, &loss)) make_outputs(plan);
    bool read;
    plan->gradients_by_hand = true;
    return ffn__backward_early(plan, &loss, targets, NULL, &read);
}

void ffn_backward_from(ffn_plan *plan, const float *output_gradient)
{
    if (!plan || !output_gradient || !plan->options.training || plan->rows == 0 || !plan->output_gradient) return;
    memmove(plan->output_gradient, output_gradient,
            plan->rows * ffn_shape_size(ffn_model_output_shape(plan->model)) * sizeof(float));
    make_outputs(plan);
    plan->gradients_by_hand = true;
    (void)run_backward(plan, false, 0);
    finish_backward(plan, NULL);
}

/* ---- gradients ------------------------------------------------------------------------------------------------- */

void ffn_plan_accumulate(ffn_plan *plan, bool accumulate)
{
    if (!plan) return;
    plan->accumulate = accumulate;
    for (size_t o = 0; o < plan->op_count; o++)
        for (size_t k = 0; k < plan->ops[o].parameter_count; k++)
            if (plan->ops[o].parameters[k].first_writer) plan->ops[o].parameters[k].beta = accumulate ? 1 : 0;
    ffn__chain_follow_betas(plan);
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
