/* The self-test of an exported file: inputs, and the outputs that FFN computes for them. */
#include <math.h>
#include <string.h>

#include "io/export.h"

enum { DEFAULT_ROWS = 4 };

/* What an output may differ by, relative to the largest: sums in another order; and in int8 a value between two steps
 * that another libm rounds to the other side. */
static float tolerance(const ffn__c_file *file) { return file->options.int8 ? (float)0.02 : (float)1e-5; }

/* Numbers that the input's scaler, if it has one, makes usual ones. */
static ffn_status make_inputs(const ffn__c_file *file, size_t rows, size_t columns, float *x, ffn_error *error)
{
    const ffn_model *model = file->model;
    ffn_random random = ffn_random_create(model->seed, FFN__STREAM_SPLIT, 0);
    for (size_t i = 0; i < rows * columns; i++) x[i] = 2 * ffn_random_uniform(&random) - 1;
    for (size_t i = 0; i < model->node_count; i++) {
        const ffn__node *node = &model->nodes[i];
        if (node->layer == FFN__NONE || model->nodes[node->inputs[0]].layer != FFN__NONE) continue;
        const size_t offset = ffn__export_parameter(model, i, "offset"),
                     factor = ffn__export_parameter(model, i, "factor");
        if (offset == FFN__NONE || factor == FFN__NONE) continue;
        float *values[2] = {NULL, NULL};
        ffn_status status = ffn__export_values(model, offset, &values[0], error);
        if (status == FFN_OK) status = ffn__export_values(model, factor, &values[1], error);
        const size_t begin = ffn__export_input_begin(model, node->inputs[0]);
        for (size_t k = 0; status == FFN_OK && k < rows * ffn_shape_size(node->shape); k++) {
            const size_t column = k % ffn_shape_size(node->shape), row = k / ffn_shape_size(node->shape);
            const float factor_here = values[1][column];
            x[row * columns + begin + column] =
                values[0][column] + (factor_here != 0 ? 1 / factor_here : 1) * (2 * ffn_random_uniform(&random) - 1);
        }
        ffn__free(values[0]);
        ffn__free(values[1]);
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
    write_numbers(text, file->name, "in", x, rows * inputs);
    write_numbers(text, file->name, "out", y, rows * outputs);
    ffn__code_add(text,
                  "\n/* How many outputs are not what FFN computed. */\n"
                  "int @_self_test(void);\n"
                  "int @_self_test(void)\n{\n",
                  file->name);
    ffn__text_add(text, "    static float y[%zu]", outputs);
    if (file->options.caller_scratch)
        ffn__text_add(text, ", scratch[%zu]", file->memory + (file->quantized + 3) / 4 + 1);
    ffn__text_add(text, ";\n    int wrong = 0;\n    for (size_t r = 0; r < %zu; r++) {\n", rows);
    ffn__text_add(text, "        %s(%s_test_in + r * %zu, y%s);\n", file->name, file->name, inputs,
                  file->options.caller_scratch ? ", scratch" : "");
    ffn__text_add(text,
                  "        for (size_t i = 0; i < %zu; i++) {\n"
                  "            const float off = y[i] - %s_test_out[r * %zu + i];\n"
                  "            if (!(off >= -%.3ef && off <= %.3ef)) wrong++;\n"
                  "        }\n    }\n    return wrong;\n}\n",
                  outputs, file->name, outputs, (double)allowed, (double)allowed);
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
