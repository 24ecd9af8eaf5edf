/* Networks of every form, and data for them, that several programs share. */
#ifndef FFN_TEST_NETWORKS_H
#define FFN_TEST_NETWORKS_H

#include "ffn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- data ------------------------------------------------------------------------------------------------------ */

static inline void fill_uniform(float *values, size_t n, uint64_t seed, float low, float high)
{
    ffn_random random = ffn_random_create(seed, 7, 0);
    for (size_t i = 0; i < n; i++) values[i] = low + (high - low) * ffn_random_uniform(&random);
}

/* Targets [rows][columns] of the kind that the loss wants of a network with `cols` outputs; columns is 1 or cols. */
static inline void fill_targets(float *targets, size_t rows, size_t cols, ffn_target_kind kind, uint64_t seed)
{
    ffn_random random = ffn_random_create(seed, 8, 0);
    for (size_t r = 0; r < rows; r++) {
        float *t = targets + r * (kind == FFN_TARGET_CLASS_INDEX ? 1 : cols), sum = 0;
        for (size_t c = 0; c < (kind == FFN_TARGET_CLASS_INDEX ? 1 : cols); c++) {
            const float u = ffn_random_uniform(&random);
            sum += u;
            t[c] = kind == FFN_TARGET_NUMBERS       ? 4 * u - 2
                   : kind == FFN_TARGET_CLASS_INDEX ? (float)ffn_random_below(&random, cols)
                   : kind == FFN_TARGET_SIGN        ? (u < (float)0.5 ? -1 : 1)
                                                    : u;
        }
        for (size_t c = 0; kind == FFN_TARGET_DISTRIBUTION && c < cols; c++) t[c] /= sum;
    }
}

/* ---- a layer from outside: y[j] = gain[j] (factor x[j]^3 + x[j]) ----------------------------------------------- */

typedef struct cube_config {
    float factor;
} cube_config;

static const ffn_field cube_fields[] = {{"factor", FFN_FIELD_FLOAT, offsetof(cube_config, factor), -10, 10}};

static inline ffn_status cube_plan(ffn_layer_plan *plan, const void *config, ffn_error *error)
{
    (void)config;
    if (plan->inputs[0].rank != 1) return ffn_fail(error, FFN_SHAPE_MISMATCH, "expected one axis");
    plan->output = plan->inputs[0];
    plan->parameters[2] = (ffn_layer_parameter){
        .name = "gain", .shape = plan->output, .role = FFN_SCALE, .initial = (float)0.75}; /* 0 and 1 are left free */
    plan->parameter_count = 3;
    plan->saved_per_row = plan->output.dim[0];
    plan->saved = 1;
    plan->scratch_per_row = plan->output.dim[0];
    plan->scratch = 3;
    return FFN_OK;
}

static inline void cube_forward(const ffn_step *step)
{
    const float factor = ((const cube_config *)step->config)->factor;
    const size_t cols = step->output_shape.dim[0];
    for (size_t i = 0; i < step->rows * cols; i++) {
        const float x = step->inputs[0][i];
        step->scratch[i] = factor * x * x * x + x;
        if (step->saved) step->saved[i] = 3 * factor * x * x + 1;
    }
    for (size_t i = 0; i < step->rows * cols; i++) step->output[i] = step->parameters[2][i % cols] * step->scratch[i];
}

static inline void cube_backward(const ffn_step *step)
{
    const size_t cols = step->output_shape.dim[0];
    float *dx = step->input_gradients[0], *dgain = step->parameter_gradients[2];
    for (size_t c = 0; dgain && step->parameter_betas[2] == 0 && c < cols; c++) dgain[c] = 0;
    for (size_t i = 0; i < step->rows * cols; i++) {
        const float gain = step->parameters[2][i % cols], dy = step->output_gradient[i];
        if (dgain) dgain[i % cols] += dy * step->output[i] / gain;
        step->scratch[i] = dy * gain * step->saved[i];
    }
    for (size_t i = 0; dx && i < step->rows * cols; i++)
        dx[i] = step->scratch[i] + (step->input_betas[0] == 0 ? 0 : dx[i]);
}

static const ffn_layer_ops cube_ops = {.name = "cube",
                                       .fields = cube_fields,
                                       .field_count = 1,
                                       .ignores_inputs = true,
                                       .plan = cube_plan,
                                       .forward = cube_forward,
                                       .backward = cube_backward};

static inline ffn_value add_cube(ffn_model *model, ffn_value x, float factor)
{
    const cube_config config = {factor};
    return ffn_custom_layer(model, &cube_ops, &config, sizeof(config), &x, 1);
}

/* A network whose layer "here" calls itself as the library's layer `index` does; NULL past the last. */
static inline ffn_model *build_false_layer(size_t index)
{
    static const char *const names[] = {"dense",   "activation", "dropout",        "batch_norm", "layer_norm",
                                        "reshape", "add",        "concat",         "flatten",    "standardize",
                                        "min_max", "robust",     "quantile_normal"};
    static ffn_layer_ops ops[COUNT(names)];
    const cube_config config = {1};
    if (index >= COUNT(names)) return NULL;
    ops[index] = cube_ops;
    ops[index].name = names[index];
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(3));
    const ffn_value h = ffn_custom_layer(model, &ops[index], &config, sizeof config, &x, 1);
    ffn_set_name(model, h, "here");
    (void)ffn_model_build(model, ffn_dense(model, h, 2, ffn_tanh()), NULL);
    return model;
}

/* The same of activations: that of the dense layer "here", before a normalization that would be folded into a linear
 * one. */
static inline ffn_model *build_false_activation(size_t index)
{
    static ffn_activation_ops ops[32];
    const char *name = ffn_activation_name(index);
    if (!name || index >= COUNT(ops)) return NULL;
    ops[index] = *ffn_tanh().ops;
    ops[index].name = name;
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value h = ffn_dense(model, ffn_input(model, ffn_shape_1d(3)), 2, (ffn_activation){.ops = &ops[index]});
    ffn_set_name(model, h, "here");
    (void)ffn_model_build(model, ffn_batch_norm(model, h), NULL);
    return model;
}

/* ---- forms ----------------------------------------------------------------------------------------------------- */

/* A network for INPUTS numbers a row that ends in OUTPUTS numbers a row. */
enum { INPUTS = 6, OUTPUTS = 4 };

typedef struct form {
    const char *name;
    ffn_value (*describe)(ffn_model *model);
    ffn_loss (*loss)(void);
} form;

static inline ffn_value row_input(ffn_model *m) { return ffn_input(m, ffn_shape_1d(INPUTS)); }

static inline ffn_value form_chain(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 5, ffn_tanh());
    h = ffn_activate(m, ffn_dense(m, h, 7, ffn_gelu()), ffn_softplus());
    return ffn_dense(m, ffn_dense(m, h, 3, ffn_swish(1)), OUTPUTS, ffn_linear());
}
static inline ffn_value form_skip(ffn_model *m)
{
    ffn_value x = row_input(m), h = ffn_dense(m, x, INPUTS, ffn_tanh());
    h = ffn_add(m, ffn_dense(m, h, INPUTS, ffn_mish()), ffn_add(m, h, x));
    return ffn_dense(m, h, OUTPUTS, ffn_linear());
}
static inline ffn_value form_concat(ffn_model *m)
{
    ffn_value x = row_input(m), a = ffn_dense(m, x, 3, ffn_tanh()), b = ffn_dense(m, x, 2, ffn_sigmoid());
    return ffn_dense(m, ffn_concat(m, ffn_concat(m, a, b), ffn_concat(m, x, a)), OUTPUTS, ffn_elu(1));
}
static inline ffn_value form_concat_twice(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 2, ffn_tanh());
    return ffn_concat(m, h, h);
}
static inline ffn_value form_shared(ffn_model *m)
{
    ffn_value x = row_input(m), a = ffn_dense(m, x, INPUTS, ffn_tanh());
    return ffn_dense(m, ffn_add(m, x, ffn_share(m, a, a)), OUTPUTS, ffn_linear());
}
static inline ffn_value form_shared_thrice(ffn_model *m)
{
    ffn_value x = row_input(m), a = ffn_dense(m, x, INPUTS, ffn_prelu((float)0.3)), b = ffn_share(m, a, a);
    ffn_value c = ffn_share(m, a, ffn_add(m, x, b));
    return ffn_dense(m, ffn_concat(m, c, ffn_add(m, a, b)), OUTPUTS, ffn_linear());
}
static inline ffn_value form_shared_output(ffn_model *m)
{
    ffn_value a = ffn_dense(m, ffn_dense(m, row_input(m), OUTPUTS, ffn_tanh()), OUTPUTS, ffn_softmax());
    return ffn_share(m, a, a);
}
static inline ffn_value form_twice_itself(ffn_model *m)
{
    ffn_value x = row_input(m), d = ffn_add(m, x, x), h = ffn_dense(m, ffn_add(m, d, d), OUTPUTS, ffn_tanh());
    return ffn_add(m, h, h);
}
static inline ffn_value form_views(ffn_model *m)
{
    ffn_value x = ffn_reshape(m, ffn_input(m, ffn_shape_2d(2, 3)), ffn_shape_2d(3, 2));
    ffn_value h = ffn_reshape(m, ffn_dense(m, x, 4, ffn_tanh()), ffn_shape_3d(2, 3, 2));
    h = ffn_add(m, ffn_flatten(m, h), ffn_flatten(m, ffn_reshape(m, h, ffn_shape_1d(12))));
    return ffn_reshape(m, ffn_dense(m, h, OUTPUTS, ffn_linear()), ffn_shape_2d(2, 2));
}
static inline ffn_value form_two_inputs(ffn_model *m)
{
    ffn_value a = ffn_input(m, ffn_shape_1d(2)), h = ffn_dense(m, a, 4, ffn_tanh());
    ffn_value b = ffn_input(m, ffn_shape_2d(2, 2));
    h = ffn_add(m, h, ffn_dense(m, ffn_flatten(m, b), 4, ffn_sigmoid()));
    return ffn_dense(m, ffn_concat(m, h, a), OUTPUTS, ffn_linear());
}
static inline ffn_value form_sequence(ffn_model *m)
{
    ffn_value h = ffn_dense(m, ffn_input(m, ffn_shape_2d(2, 3)), 5, ffn_prelu_per_unit((float)0.2));
    return ffn_dense(m, ffn_add(m, h, h), 2, ffn_tanh());
}
static inline ffn_value form_sequence_softmax(ffn_model *m)
{
    return ffn_dense(m, ffn_input(m, ffn_shape_2d(2, 3)), 2, ffn_softmax());
}
static inline ffn_value form_no_bias(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 5, ffn_prelu((float)-0.4)), y = ffn_dense(m, h, OUTPUTS, ffn_tanh());
    ffn_set_bias(m, h, false);
    ffn_set_bias(m, y, false);
    return y;
}
static inline ffn_value form_prelu(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 5, ffn_prelu((float)0.25));
    return ffn_activate(m, ffn_dense(m, h, OUTPUTS, ffn_linear()), ffn_prelu((float)0.1));
}
static inline ffn_value form_prelu_per_unit(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), 5, ffn_prelu_per_unit((float)0.25));
    return ffn_activate(m, ffn_dense(m, h, OUTPUTS, ffn_linear()), ffn_prelu_per_unit((float)0.1));
}
static inline ffn_value form_dropout(ffn_model *m)
{
    ffn_value x = ffn_dropout(m, row_input(m), (float)0.2);
    ffn_value h = ffn_dropout(m, ffn_dense(m, x, 9, ffn_tanh()), (float)0.5);
    return ffn_dense(m, ffn_add(m, h, ffn_dropout(m, h, 0)), OUTPUTS, ffn_linear());
}
static inline ffn_value form_scaled(ffn_model *m)
{
    ffn_value x = row_input(m), a = ffn_standardize(m, x), b = ffn_min_max(m, x);
    return ffn_dense(m, ffn_add(m, ffn_add(m, a, b), x), OUTPUTS, ffn_tanh());
}
static inline ffn_value form_unscaled(ffn_model *m)
{
    return ffn_unstandardize(m, ffn_dense(m, row_input(m), OUTPUTS, ffn_tanh()));
}
static inline ffn_value form_custom(ffn_model *m)
{
    ffn_value h = add_cube(m, ffn_dense(m, add_cube(m, row_input(m), (float)0.5), OUTPUTS, ffn_tanh()), (float)-0.3);
    return ffn_add(m, h, ffn_share(m, h, h));
}
static inline ffn_value form_view_of_softmax(ffn_model *m)
{
    ffn_value h = ffn_dense(m, row_input(m), OUTPUTS, ffn_softmax());
    return ffn_flatten(m, ffn_reshape(m, h, ffn_shape_2d(2, 2)));
}
static inline ffn_value form_view_of_sigmoid(ffn_model *m)
{
    return ffn_reshape(m, ffn_dense(m, row_input(m), OUTPUTS, ffn_sigmoid()), ffn_shape_2d(2, 2));
}
static inline ffn_value form_softmax_of_x(ffn_model *m) /* a parameterless network whose logits are the caller's x */
{
    return ffn_activate(m, row_input(m), ffn_softmax());
}
static inline ffn_value form_softmax_of_sum(ffn_model *m) /* logits in the arena, and nothing to train */
{
    ffn_value x = row_input(m);
    return ffn_activate(m, ffn_add(m, x, x), ffn_softmax());
}
static inline ffn_value form_identity(ffn_model *m) { return row_input(m); }
static inline ffn_value form_views_alone(ffn_model *m)
{
    return ffn_reshape(m, ffn_flatten(m, row_input(m)), ffn_shape_2d(3, 2));
}
static inline ffn_value form_dropout_alone(ffn_model *m) { return ffn_dropout(m, row_input(m), (float)0.5); }
static inline ffn_value form_inputs_alone(ffn_model *m)
{
    ffn_value a = ffn_input(m, ffn_shape_1d(2)), b = ffn_input(m, ffn_shape_1d(4));
    return ffn_concat(m, b, a);
}

static const form forms[] = {
    {"chain", form_chain, ffn_mse},
    {"skip", form_skip, ffn_mse},
    {"concat", form_concat, ffn_mse},
    {"concat twice", form_concat_twice, ffn_mse},
    {"shared", form_shared, ffn_cross_entropy},
    {"shared thrice", form_shared_thrice, ffn_mse},
    {"shared output", form_shared_output, ffn_cross_entropy},
    {"twice itself", form_twice_itself, ffn_mse},
    {"views", form_views, ffn_mse},
    {"two inputs", form_two_inputs, ffn_cross_entropy},
    {"sequence", form_sequence, ffn_mse},
    {"sequence softmax", form_sequence_softmax, ffn_cross_entropy},
    {"no bias", form_no_bias, ffn_mse},
    {"prelu", form_prelu, ffn_mse},
    {"prelu per unit", form_prelu_per_unit, ffn_mse},
    {"dropout", form_dropout, ffn_mse},
    {"scaled", form_scaled, ffn_mse},
    {"custom", form_custom, ffn_mse},
    {"view of softmax", form_view_of_softmax, ffn_cross_entropy},
    {"view of sigmoid", form_view_of_sigmoid, ffn_binary_cross_entropy},
    {"softmax of x", form_softmax_of_x, ffn_cross_entropy},
    {"softmax of sum", form_softmax_of_sum, ffn_kl_divergence},
    {"identity", form_identity, ffn_mse},
    {"views alone", form_views_alone, ffn_mse},
    {"dropout alone", form_dropout_alone, ffn_mse},
    {"inputs alone", form_inputs_alone, ffn_mse},
    {"unscaled", form_unscaled, ffn_mse},
};
enum { FORM_COUNT = COUNT(forms) };

/* A built model, with every parameter away from its initial value: a bias of 0 or a scaler that does nothing proves
 * little. NULL with a sentence on the screen where it cannot be had. */
static inline ffn_model *form_build(const form *f, uint64_t seed)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(seed, &error);
    if (!model || ffn_model_build(model, f->describe(model), &error) != FFN_OK) {
        printf("\n    %s: %s\n", f->name, error.message);
        ffn_model_destroy(model);
        return NULL;
    }
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        float values[256], shift[256];
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        const size_t n = ffn_shape_size(info.shape);
        (void)ffn_model_get_parameter(model, i, values, NULL);
        fill_uniform(shift, n, seed + i, (float)-0.3, (float)0.3);
        for (size_t k = 0; k < n; k++) values[k] += shift[k];
        (void)ffn_model_set_parameter(model, i, values, NULL);
    }
    return model;
}

/* Rows and columns of the output as the loss sees them. */
static inline size_t output_cols(const ffn_model *model)
{
    const ffn_shape shape = ffn_model_output_shape(model);
    return shape.dim[shape.rank - 1];
}
static inline size_t output_rows(const ffn_model *model)
{
    return ffn_shape_size(ffn_model_output_shape(model)) / output_cols(model);
}

#endif
