/* Any bytes as a model file. For libFuzzer: the reader must not crash, leak or hang, must not ask for much more memory than
 * the file is large, and what it loads must be a model that predicts and is saved again as it was. The first byte chooses
 * whether the checksum is made right before, or nothing would get past it. */
#include "../craft.h"
#include "require.h"

static void check_model(const ffn_model *model)
{
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(model));
    const size_t outputs = ffn_shape_size(ffn_model_output_shape(model));
    void *bytes = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    require(ffn_model_save_memory(model, &bytes, &size, NULL) == FFN_OK, "a model that was loaded can be saved");
    ffn_model *loaded = ffn_model_load_memory(bytes, size, NULL);
    require(loaded && ffn_model_save_memory(loaded, &again, &again_size, NULL) == FFN_OK, "and loaded again");
    require(size == again_size && memcmp(bytes, again, size) == 0, "as the same bytes");
    ffn_model_destroy(loaded);
    ffn_free(bytes);
    ffn_free(again);
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
    if (size < 1) return 0;
    file_bytes f = {(unsigned char *)malloc(size), size - 1};
    memcpy(f.bytes, bytes + 1, size - 1);
    if (bytes[0] & 1) craft_seal(&f);
    ffn_model *model = ffn_model_load_memory(f.bytes, f.size, &error);
    require_outcome(model != NULL, &error);
    if (model) check_model(model);
    ffn_model_destroy(model);
    free(f.bytes);
    return 0;
}
