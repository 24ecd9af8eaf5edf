/* Any bytes as IDX: a byte that cuts the rest into images and labels, and those. For libFuzzer: the reader must not
 * crash, leak, hang or take memory for what is only promised, and what it loads must keep the header's promises. */
#include "require.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) return 0;
    const size_t rest = size - 1, images = bytes[0] * rest / 255;
    const uint8_t *labels = bytes[0] == 255 ? NULL : bytes + 1 + images;
    ffn_error error = {0};
    ffn_dataset *dataset = ffn_dataset_load_idx_memory(bytes + 1, images, labels, rest - images, &error);
    require_outcome(dataset != NULL, &error);
    if (!dataset) return 0;
    const ffn_tensor x = ffn_dataset_inputs(dataset), y = ffn_dataset_targets(dataset);
    const size_t rows = ffn_dataset_rows(dataset), classes = ffn_dataset_classes(dataset);
    require(rows >= 1 && x.shape.dim[1] == ffn_shape_size(ffn_dataset_sample_shape(dataset)), "rows of the sample");
    require(x.shape.dim[1] * rows <= 1040 * size, "no more elements than gzip can hold");
    for (size_t i = 0; i < rows * x.shape.dim[1]; i++) require(isfinite(x.data[i]), "inputs are finite");
    require(!y.data == !labels, "targets where there are labels");
    for (size_t i = 0; y.data && i < rows * y.shape.dim[1]; i++)
        require(isfinite(y.data[i]) && (!classes || (y.data[i] >= 0 && y.data[i] < (float)classes)), "good targets");
    ffn_dataset_destroy(dataset);
    return 0;
}
