/* Any bytes as FANN's training data. For libFuzzer: the reader must not crash, leak or take memory for what is only
 * promised, and what it loads is finite. */
#include "require.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ffn_error error = {0};
    ffn_dataset *dataset = ffn_dataset_load_fann_memory((const char *)bytes, size, &error);
    if (!bytes) return 0;
    require_outcome(dataset != NULL, &error);
    if (!dataset) return 0;
    const ffn_tensor x = ffn_dataset_inputs(dataset), y = ffn_dataset_targets(dataset);
    const size_t rows = ffn_dataset_rows(dataset), inputs = rows * x.shape.dim[1], targets = rows * y.shape.dim[1];
    require(inputs + targets <= size / 2, "no more numbers than the text has");
    for (size_t i = 0; i < inputs; i++) require(isfinite(x.data[i]), "inputs are finite");
    for (size_t i = 0; i < targets; i++) require(isfinite(y.data[i]), "targets are finite");
    ffn_dataset_destroy(dataset);
    return 0;
}
