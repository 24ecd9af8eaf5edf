/* The self-test of an exported file: inputs, and the outputs that FFN computes for them. */
#include <math.h>
#include <string.h>

#include "io/export.h"

enum { DEFAULT_ROWS = 4 };

/* What an output may differ by, relative to the largest: sums in another order; and in int8 a value between two steps
 * that another libm rounds to the other side. */
static float tolerance(const ffn__c_file *file) { return file->options.int8 ? (float)0.02 : (float)1e-5; }

/* A number that a scaler makes a usual one: of the range that it knows. Its values are offset and factor, each [cols], or
 * quantiles [cols][n]. */
typedef struct scaler {
    float *values[2]; /* owned; the second NULL: quantiles */
    size_t n;
} scaler;

static float draw(const scaler *s, size_t column, ffn_random *random)
{
    const float share = ffn_random_uniform(random);
    if (!s->values[1]) {
        const float *at = s->values[0] + column * s->n + ffn_random_below(random, s->n - 1);
        return at[0] + share * (at[1] - at[0]);
    }
    const float factor = s->values[1][column];
    return s->values[0][column] + (factor != 0 ? 1 / factor : 1) * (2 * share - 1);
}

static ffn_status find_scaler(const ffn_model *model, size_t node, scaler *s, ffn_error *error)
{
    const size_t table = ffn__export_parameter(model, node, "quantiles");
    const size_t first = table != FFN__NONE ? table : ffn__export_parameter(model, node, "offset");
    ffn_status status = ffn__export_values(model, first, &s->values[0], error);
    if (table != FFN__NONE)
        s->n = model->parameters[table].shape.dim[1];
    else if (status == FFN_OK)
        status = ffn__export_values(model, ffn__export_parameter(model, node, "factor"), &s->values[1], error);
    return status;
}

/* Random numbers, such as an input's scaler knows. */
static ffn_status make_inputs(const ffn__c_file *file, size_t rows, size_t columns, float *x, ffn_error *error)
{
    const ffn_model *model = file->model;
    ffn_random random = ffn_random_create(model->seed, FFN__STREAM_SPLIT, 0);
    for (size_t i = 0; i < rows * columns; i++) x[i] = 2 * ffn_random_uniform(&random) - 1;
    for (size_t i = 0; i < model->node_count; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer == FFN__NONE || !ffn__is_scaler(model->layers[node->layer].ops)) continue;
        if (*ffn__parameter_values(model, ffn__export_parameter(model, i, "fitted")) == 0) continue;
        const size_t begin = ffn__export_input_begin(model, node->inputs[0]), size = ffn_shape_size(node->shape);
        scaler s = {.n = 0};
        const ffn_status status = find_scaler(model, i, &s, error);
        for (size_t k = 0; status == FFN_OK && k < rows * size; k++)
            x[k / size * columns + begin + k % size] = draw(&s, k % size, &random);
        ffn__free(s.values[0]);
        ffn__free(s.values[1]);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}

static void write_numbers(ffn__text *text, const char *name, const char *which, const float *values, size_t count)
{
    ffn__text_add(text, "static const float %s_test_%s[%zu] = {", name, which, count);
    for (size_t i = 0; i < count; i++)
        ffn__text_add(text, "%s%.9ef", i == 0 ? "\n    " : i % 6 ? ", " : ",\n    ", (double)values[i]);
    ffn__text_add(text, "};\n");
}

static void write_test(const ffn__c_file *file, ffn__text *text, size_t rows, const float *x, const float *y)
{
    const size_t inputs = ffn__model_input_size(file->model);
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(file->model));
    float largest = 0;
    for (size_t i = 0; i < rows * outputs; i++) largest = fabsf(y[i]) > largest ? fabsf(y[i]) : largest;
    const float allowed = tolerance(file) * (largest > 0 ? largest : 1);
    const char *name = file->name;
    write_numbers(text, name, "in", x, rows * inputs);
    write_numbers(text, name, "out", y, rows * outputs);
    /* The function's name begins those of all variables that its call could see: none can hide it. */
    ffn__code_add(text,
                  "\n/* How many outputs are not what FFN computed. */\n"
                  "int @_self_test(void);\n"
                  "int @_self_test(void)\n{\n",
                  name);
    ffn__text_add(text, "    static float %s_found[%zu]", name, outputs);
    if (file->options.caller_scratch)
        ffn__text_add(text, ", %s_scratch[%zu]", name, file->memory + (file->quantized + 3) / 4 + 1);
    ffn__code_add(text, ";\n    int @_wrong = 0;\n    for (size_t @_row = 0; @_row < ", name);
    ffn__text_add(text, "%zu; %s_row++) {\n        %s(%s_test_in + %s_row * %zu, %s_found", rows, name, name, name,
                  name, inputs, name);
    if (file->options.caller_scratch) ffn__text_add(text, ", %s_scratch", name);
    ffn__text_add(text,
                  ");\n        for (size_t i = 0; i < %zu; i++) {\n"
                  "            const float off = %s_found[i] - %s_test_out[%s_row * %zu + i];\n"
                  "            if (!(off >= -%.3ef && off <= %.3ef)) %s_wrong++;\n"
                  "        }\n    }\n    return %s_wrong;\n}\n",
                  outputs, name, name, name, outputs, (double)allowed, (double)allowed, name, name);
}

ffn_status ffn__c_self_test(ffn__c_file *file, ffn__text *text, ffn_error *error)
{
    const ffn_dataset *dataset = file->options.dataset;
    size_t rows = file->options.test_rows ? file->options.test_rows : DEFAULT_ROWS;
    if (dataset && dataset->rows < rows) rows = dataset->rows;
    const size_t inputs = ffn__model_input_size(file->model);
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(file->model));
    float *x = ffn__alloc(rows * inputs, sizeof(float), error);
    float *y = x ? ffn__alloc(rows * outputs, sizeof(float), error) : NULL;
    ffn_status status = y ? FFN_OK : FFN_OUT_OF_MEMORY;
    if (status == FFN_OK && dataset) memcpy(x, dataset->x, rows * inputs * sizeof(float));
    if (status == FFN_OK && !dataset) status = make_inputs(file, rows, inputs, x, error);
    if (status == FFN_OK) status = ffn__c_predict(file, x, rows, y, error);
    if (status == FFN_OK && !ffn__tensor()->all_finite(rows * outputs, y))
        status = ffn_fail(error, FFN_INVALID_ARGUMENT, "an output for the self-test's inputs is not finite");
    if (status == FFN_OK) write_test(file, text, rows, x, y);
    ffn__free(x);
    ffn__free(y);
    return status;
}
