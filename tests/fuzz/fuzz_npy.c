/* Any bytes as .npy: as a tensor, and as inputs and targets, where the first byte cuts. For libFuzzer: the reader must
 * not crash, leak or take memory for what is only promised. */
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) return 0;
    ffn_error error = {0};
    ffn_tensor tensor = {0};
    const ffn_status status = ffn_tensor_load_npy_memory(&tensor, bytes + 1, size - 1, &error);
    require((status == FFN_OK) == (tensor.data != NULL) && status == error.status, "a tensor or an error");
    require_outcome(status == FFN_OK, &error);
    require(!tensor.data || ffn_shape_size(tensor.shape) < size, "no more elements than bytes");
    ffn_tensor_destroy(&tensor);

    const size_t rest = size - 1, inputs = bytes[0] * rest / 255;
    error = (ffn_error){0};
    ffn_dataset *dataset = ffn_dataset_load_npy_memory(bytes + 1, inputs, bytes[0] == 255 ? NULL : bytes + 1 + inputs,
                                                       rest - inputs, &error);
    require_outcome(dataset != NULL, &error);
    const ffn_tensor x = ffn_dataset_inputs(dataset), y = ffn_dataset_targets(dataset);
    require(!dataset || ffn_dataset_rows(dataset) * (x.shape.dim[1] + y.shape.dim[1]) < size, "as many as bytes");
    const size_t classes = ffn_dataset_classes(dataset);
    for (size_t i = 0; classes && i < ffn_dataset_rows(dataset); i++)
        require(y.data[i] >= 0 && y.data[i] < (float)classes, "targets are classes");
    ffn_dataset_destroy(dataset);
    return 0;
}
