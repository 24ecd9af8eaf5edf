/* Any bytes as CSV, under options that the first two bytes choose. For libFuzzer (clang -fsanitize=fuzzer): the reader
 * must not crash, leak or hang, and what it loads must keep the header's promises. */
#include "require.h"

#include <math.h>

static ffn_csv_options choose(const uint8_t *bytes)
{
    static const char *const targets[] = {NULL, NULL, "a", ""};
    return (ffn_csv_options){.delimiter = "\0;\t "[bytes[0] & 3],
                             .header = (ffn_csv_header)(bytes[0] >> 2 & 3), /* 3 is refused */
                             .target_column = bytes[0] >> 4 & 3,
                             .target = targets[bytes[0] >> 6 & 3],
                             .no_target = bytes[1] & 1,
                             .classification = bytes[1] >> 1 & 1,
                             .missing = (ffn_csv_missing)(bytes[1] >> 2 & 7)}; /* 5 to 7 are refused */
}

static void check_classes(const ffn_dataset *dataset, const float *targets)
{
    const size_t classes = ffn_dataset_classes(dataset);
    for (size_t i = 0; i < ffn_dataset_rows(dataset); i++)
        require(targets[i] >= 0 && targets[i] < (float)classes && targets[i] == floorf(targets[i]),
                "targets are classes");
    for (size_t i = 0; i < classes; i++)
        require(ffn_dataset_class_name(dataset, i) != NULL, "classes of a CSV have names");
    require(classes >= 2 && !ffn_dataset_class_name(dataset, classes), "there are two classes or more");
}

static void check_dataset(const ffn_dataset *dataset, size_t size, const ffn_csv_options *options)
{
    const ffn_tensor x = ffn_dataset_inputs(dataset), y = ffn_dataset_targets(dataset);
    const size_t rows = ffn_dataset_rows(dataset), features = x.shape.dim[1];
    require(rows >= 1 && features >= 1 && rows * features <= size, "no more cells than bytes");
    for (size_t i = 0; i < rows * features; i++) require(isfinite(x.data[i]), "inputs are finite");
    require(options->no_target == !y.data, "targets unless there are none");
    for (size_t i = 0; y.data && i < rows; i++) require(isfinite(y.data[i]), "targets are finite");
    for (size_t i = 0; i < features && ffn_dataset_feature_name(dataset, i); i++)
        require(strlen(ffn_dataset_feature_name(dataset, i)) <= size, "names come from the text");
    if (ffn_dataset_classes(dataset) > 0) check_classes(dataset, y.data);
}

static void check_split(const ffn_dataset *dataset, uint64_t seed)
{
    ffn_dataset *first, *second;
    const bool classes = ffn_dataset_classes(dataset) > 0;
    const ffn_status status = classes ? ffn_dataset_split_stratified(dataset, 0.7f, seed, &first, &second, NULL)
                                      : ffn_dataset_split(dataset, 0.7f, seed, &first, &second, NULL);
    require((status == FFN_OK) == (ffn_dataset_rows(dataset) > 1), "two rows can be split");
    require(ffn_dataset_rows(first) + ffn_dataset_rows(second) == (status == FFN_OK ? ffn_dataset_rows(dataset) : 0),
            "a split keeps the rows");
    ffn_dataset_destroy(first);
    ffn_dataset_destroy(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2) return 0;
    const ffn_csv_options options = choose(bytes);
    ffn_error error = {0};
    ffn_dataset *dataset = ffn_dataset_load_csv_memory((const char *)bytes + 2, size - 2, &options, &error);
    require_outcome(dataset != NULL, &error);
    if (!dataset) return 0;
    check_dataset(dataset, size, &options);
    check_split(dataset, bytes[0]);
    ffn_dataset_destroy(dataset);
    return 0;
}
