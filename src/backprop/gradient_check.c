/* Gradients of backward against central differences of the loss. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "backprop/plan.h"

/* What the roundings of a forward add up to, in units of the type's precision: up to 1 where it was measured. */
static const double ROUNDINGS = 4;

typedef struct check {
    ffn_model *model;
    ffn_plan *plan;
    ffn_loss loss;
    const float *targets;
    float *x; /* a copy to change */
    size_t rows;
    double step, tolerance;
    double rounding; /* of the loss: what a difference of two may be wrong by */
    ffn_gradient_check_result *result;
} check;

/* The loss at the present parameters and x, with the same random numbers each time. */
static double loss_here(const check *c)
{
    double weight;
    c->plan->forwards = 0;
    (void)ffn_forward(c->plan, c->x, c->rows);
    const double sum = ffn__plan_loss(c->plan, &c->loss, c->targets, &weight);
    return weight == 0 ? 0 : sum / weight;
}

/* How far from a value the two are that a difference is of. */
static double reach_of(const check *c, float value) { return c->step * fmax(1, fabs((double)value)); }

static double difference(const check *c, float *value)
{
    const float kept = *value;
    const double reach = reach_of(c, kept);
    const float high = (float)((double)kept + reach), low = (float)((double)kept - reach);
    *value = high;
    const double above = loss_here(c);
    *value = low;
    const double below = loss_here(c);
    *value = kept;
    return (above - below) / ((double)high - (double)low);
}

static double largest_size(size_t n, const float *values)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

static double largest_gradient(const check *c, const float *gradients, const float *input_gradient)
{
    double largest = input_gradient ? largest_size(c->rows * c->plan->input_size, input_gradient) : 0;
    for (size_t i = 0; i < c->model->parameter_count; i++) {
        const ffn__parameter *p = &c->model->parameters[i];
        if (c->plan->has_gradient[i]) largest = fmax(largest, largest_size(p->stored, gradients + p->offset));
    }
    return largest;
}

/* Checks n values that the loss depends on against their gradient; the first is `element` of what `name` is. scale:
 * the largest gradient of all of that. Where all of them are 0, as those of a bias before a batch normalization, backward
 * and difference are rounding errors both: what is within them is no fault. */
static void check_values(const check *c, const char *name, size_t element, size_t n, float *values,
                         const float *gradient, double scale)
{
    ffn_gradient_check_result *r = c->result;
    for (size_t i = 0; i < n; i++) {
        const double found = (double)gradient[i], expected = difference(c, &values[i]);
        const double least = c->rounding / (reach_of(c, values[i]) * c->tolerance);
        const double size = fmax(fmax(fabs(found), fabs(expected)), fmax(scale, least));
        double error = size > 0 ? fabs(found - expected) / size : 0;
        if (!isfinite(found) || !isfinite(expected)) error = INFINITY;
        r->checked++;
        r->failed += !(error <= c->tolerance);
        if (r->checked > 1 && !(error > r->worst)) continue;
        r->worst = error;
        r->name = name;
        r->element = element + i;
        r->backward = found;
        r->difference = expected;
    }
}

static void check_parameter(const check *c, const ffn__parameter *p, const float *gradients)
{
    const double scale = largest_size(p->stored, gradients + p->offset);
    for (size_t i = 0, run; i < p->size; i += run) {
        const size_t place = ffn__parameter_place(p, i, &run);
        check_values(c, p->name, i, run, c->model->values + place, gradients + place, scale);
    }
}

/* Whether a gradient can pass through every layer, and so to the inputs. */
static bool reaches_inputs(const ffn_model *model)
{
    bool all = true;
    for (size_t i = 0; i < model->node_count; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer != FFN__NONE && ffn__model_root(model, i, true) == i)
            all &= model->layers[node->layer].ops->backward != NULL;
    }
    return all;
}

/* The gradients of one backward, copied since differences run over the plan's memory. */
static ffn_status check_all(check *c, ffn_error *error)
{
    const ffn_model *model = c->model;
    const size_t inputs = c->rows * c->plan->input_size;
    float *gradients = ffn__alloc(model->value_count, sizeof(float), error);
    float *input_gradient = gradients ? ffn__alloc(inputs, sizeof(float), error) : NULL;
    if (!input_gradient) {
        ffn__free(gradients);
        return FFN_OUT_OF_MEMORY;
    }
    c->plan->forwards = 0;
    (void)ffn_forward(c->plan, c->x, c->rows);
    const double loss = ffn_backward(c->plan, c->loss, c->targets);
    if (c->plan->gradients) memcpy(gradients, c->plan->gradients, model->value_count * sizeof(float));
    const float *passed = ffn_input_gradient(c->plan);
    if (passed) memcpy(input_gradient, passed, inputs * sizeof(float));
    /* of the loss itself, and of outputs of about 1 on which it depends as on what has the largest gradient */
    c->rounding = ROUNDINGS * (double)FLT_EPSILON * fmax(fabs(loss), largest_gradient(c, gradients, passed));
    for (size_t i = 0; i < model->parameter_count; i++)
        if (c->plan->has_gradient[i]) check_parameter(c, &model->parameters[i], gradients);
    if (passed) check_values(c, "input", 0, inputs, c->x, input_gradient, largest_size(inputs, input_gradient));
    ffn__free(gradients);
    ffn__free(input_gradient);
    return FFN_OK;
}

ffn_status ffn_gradient_check(ffn_model *model, ffn_loss loss, const float *x, const float *targets, size_t rows,
                              double step, double tolerance, ffn_gradient_check_result *result, ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    if (!error) error = &local;
    ffn_status status = ffn__model_check_built(model, error);
    if (status != FFN_OK) return status;
    if (!x || !targets || !result || rows == 0 || !(step >= 0 && step < 1) || !(tolerance >= 0 && tolerance < INFINITY))
        return ffn_fail(
            error, FFN_INVALID_ARGUMENT,
            "ffn_gradient_check: expected x, targets, a result, at least 1 row, 0 <= step < 1, tolerance >= 0");
    if (!ffn__is_array(rows, ffn_shape_size(ffn_model_input_shape(model))) ||
        !ffn__is_array(rows, ffn_shape_size(ffn_model_output_shape(model))))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_gradient_check: %zu rows are more than memory can hold",
                        rows);
    check c = {
        .model = model, .loss = ffn__model_loss(model, loss), .targets = targets, .rows = rows, .result = result};
    c.step = step > 0 ? step : cbrt((double)FLT_EPSILON);
    c.tolerance = tolerance > 0 ? tolerance : 1e-2;
    *result = (ffn_gradient_check_result){0};
    status = ffn__model_check_loss(model, &c.loss, error);
    if (status == FFN_OK)
        status = ffn__targets_check(&c.loss, model->output_cols, rows * model->output_rows, targets, 0, error);
    if (status != FFN_OK) return status;
    const ffn_plan_options options = {.max_batch = rows, .training = true, .input_gradient = reaches_inputs(model)};
    c.plan = ffn_plan_create(model, options, error);
    if (!c.plan) return error->status;
    status = ffn__states_check_rows(c.plan, rows, "ffn_gradient_check:", error);
    if (status == FFN_OK) c.x = ffn__alloc(rows * c.plan->input_size, sizeof(float), error);
    if (c.x) memcpy(c.x, x, rows * c.plan->input_size * sizeof(float));
    if (status == FFN_OK) status = c.x ? check_all(&c, error) : FFN_OUT_OF_MEMORY;
    ffn__free(c.x);
    ffn_plan_destroy(c.plan);
    return status;
}
