/* Layers that join two values: add and concat. */
#include <string.h>

#include "layer/layer.h"

/* ---- add ------------------------------------------------------------------------------------------------------- */

static ffn_status add_plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config;
    char a[64], b[64];
    (void)ffn__shape_format(p->inputs[0], a, sizeof(a));
    (void)ffn__shape_format(p->inputs[1], b, sizeof(b));
    if (!ffn_shape_equal(p->inputs[0], p->inputs[1]))
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "inputs %s and %s cannot be added; expected equal shapes", a, b);
    p->output = p->inputs[0];
    return FFN_OK;
}

static void add_forward(const ffn_step *step)
{
    ffn__tensor()->add(step->rows * ffn_shape_size(step->output_shape), step->inputs[0], step->inputs[1], step->output);
}

static void add_backward(const ffn_step *step)
{
    for (size_t i = 0; i < 2; i++)
        if (step->input_gradients[i])
            ffn__tensor()->assign(step->rows * ffn_shape_size(step->output_shape), step->input_betas[i],
                                  step->output_gradient, step->input_gradients[i]);
}

const ffn_layer_ops ffn__add_ops = {
    .name = "add",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = add_plan,
    .forward = add_forward,
    .backward = add_backward,
};

ffn_value ffn_add(ffn_model *model, ffn_value a, ffn_value b)
{
    const ffn_value inputs[] = {a, b};
    return ffn_custom_layer(model, &ffn__add_ops, NULL, 0, inputs, 2);
}

/* ---- concat ---------------------------------------------------------------------------------------------------- */

static ffn_status concat_plan(ffn_layer_plan *p, const void *config, ffn_error *error)
{
    (void)config;
    const ffn_shape a = p->inputs[0], b = p->inputs[1];
    char a_text[64], b_text[64];
    (void)ffn__shape_format(a, a_text, sizeof(a_text));
    (void)ffn__shape_format(b, b_text, sizeof(b_text));
    bool fits = a.rank == b.rank && a.rank > 0;
    for (size_t i = 0; fits && i + 1 < a.rank; i++) fits = a.dim[i] == b.dim[i];
    if (!fits)
        return ffn_fail(error, FFN_SHAPE_MISMATCH,
                        "inputs %s and %s cannot be joined; expected shapes equal but for the last axis", a_text,
                        b_text);
    p->output = a;
    if (!ffn__sum(ffn__last_axis(a), ffn__last_axis(b), &p->output.dim[a.rank - 1]))
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "inputs %s and %s are too large to join", a_text, b_text);
    return FFN_OK;
}

static void concat_forward(const ffn_step *step)
{
    const size_t rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    float *y = step->output;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < 2; i++) {
            const size_t cols = ffn__last_axis(step->input_shapes[i]);
            memcpy(y, step->inputs[i] + r * cols, cols * sizeof(float));
            y += cols;
        }
}

static void concat_backward(const ffn_step *step)
{
    const size_t rows = step->rows * ffn__rows_before_last_axis(step->output_shape);
    const float *dy = step->output_gradient;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < 2; i++) {
            const size_t cols = ffn__last_axis(step->input_shapes[i]);
            float *dx = step->input_gradients[i];
            if (dx) ffn__tensor()->assign(cols, step->input_betas[i], dy, dx + r * cols);
            dy += cols;
        }
}

const ffn_layer_ops ffn__concat_ops = {
    .name = "concat",
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = concat_plan,
    .forward = concat_forward,
    .backward = concat_backward,
};

ffn_value ffn_concat(ffn_model *model, ffn_value a, ffn_value b)
{
    const ffn_value inputs[] = {a, b};
    return ffn_custom_layer(model, &ffn__concat_ops, NULL, 0, inputs, 2);
}
