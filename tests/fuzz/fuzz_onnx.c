/* Any bytes as ONNX. For libFuzzer: the reader must not crash, leak or hang, must not ask for much more memory than the
 * file is large, and what it loads must be a model that predicts. */
#include "require.h"

static void check_model(ffn_model *model)
{
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(model));
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(model));
    require(inputs > 0 && outputs > 0, "shapes are sizes");
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        require(ffn_model_parameter_info(model, i, &info, NULL) == FFN_OK && info.name, "parameters have names");
    }
    if (inputs > 4096 || outputs > 4096) return;
    float *x = (float *)calloc(inputs, sizeof(float)), *y = (float *)calloc(outputs, sizeof(float));
    const ffn_status status = x && y ? ffn_predict(model, x, 1, y, NULL) : FFN_OUT_OF_MEMORY;
    require(status == FFN_OK || status == FFN_OUT_OF_MEMORY, "a model predicts");
    free(x);
    free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_import_onnx_memory(bytes, size, &error);
    require_outcome(model != NULL, &error);
    if (model) check_model(model);
    ffn_model_destroy(model);
    return 0;
}
