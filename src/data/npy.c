/* .npy files as tensors and as datasets. */
#include "data/npy.h"

#include "data/data.h"
#include "data/file.h"

#include <math.h>

/* ---- tensors --------------------------------------------------------------------------------------------------- */

static ffn_status make_tensor(ffn_tensor *tensor, const ffn__npy *npy, ffn_error *error)
{
    if (npy->rank > FFN_MAX_RANK)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s: found %zu dimensions, expected at most %d for a tensor",
                        npy->source, npy->rank, FFN_MAX_RANK);
    ffn_shape shape = {.rank = npy->rank};
    for (size_t i = 0; i < npy->rank; i++) shape.dim[i] = npy->dim[i];
    ffn_tensor result;
    ffn_status status = ffn_tensor_create(&result, shape, error);
    if (status != FFN_OK) return status;
    status = ffn__npy_read(npy, result.data, error);
    if (status == FFN_OK)
        *tensor = result;
    else
        ffn_tensor_destroy(&result);
    return status;
}

static ffn_status load_tensor(ffn_tensor *tensor, const char *source, const void *bytes, size_t size, ffn_error *error)
{
    ffn__npy npy = {.source = source, .bytes = bytes, .size = size};
    ffn_status status = ffn__npy_open(&npy, error);
    if (status == FFN_OK) status = make_tensor(tensor, &npy, error);
    ffn__npy_close(&npy);
    return status;
}

ffn_status ffn_tensor_load_npy(ffn_tensor *tensor, const char *path, ffn_error *error)
{
    char *bytes;
    size_t size;
    if (!tensor) return ffn_fail(error, FFN_INVALID_ARGUMENT, "loading .npy: the tensor is NULL");
    ffn_status status = ffn__read_file(path, &bytes, &size, error);
    if (status != FFN_OK) return status;
    status = load_tensor(tensor, ffn__path_tail(path), bytes, size, error);
    ffn__free(bytes);
    return status;
}

ffn_status ffn_tensor_load_npy_memory(ffn_tensor *tensor, const void *bytes, size_t size, ffn_error *error)
{
    if (!tensor || !bytes)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "loading .npy bytes: the %s NULL",
                        tensor ? "bytes are" : "tensor is");
    return load_tensor(tensor, ".npy bytes", bytes, size, error);
}

/* ---- datasets -------------------------------------------------------------------------------------------------- */

static size_t rows_of(const ffn__npy *npy) { return npy->rank > 0 ? npy->dim[0] : 1; }

/* Both files against each other, and the dataset that they make, without its numbers. */
static ffn_dataset *match(const ffn__npy *inputs, const ffn__npy *targets, ffn_error *error)
{
    const size_t rows = rows_of(inputs);
    if (targets && rows_of(targets) != rows) {
        (void)ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: found %zu rows of targets, expected %zu, the rows of %s",
                       targets->source, rows_of(targets), rows, inputs->source);
        return NULL;
    }
    ffn_shape sample = {.rank = inputs->rank > 0 ? inputs->rank - 1 : 0};
    for (size_t i = 0; i < sample.rank; i++) sample.dim[i] = inputs->dim[i + 1];
    if (sample.rank == 0) sample = ffn_shape_1d(1);
    return ffn__dataset_create(sample, targets ? targets->count / rows : 0, rows, error);
}

/* Whole numbers, one a row, are classes. */
static ffn_status find_classes(ffn_dataset *dataset, const ffn__npy *targets, ffn_error *error)
{
    if (!targets->element->whole || targets->count != dataset->rows) return FFN_OK;
    return ffn__dataset_count_classes(dataset, targets->source, targets->header, targets->element->size, error);
}

static ffn_status read_targets(ffn_dataset *dataset, const ffn__npy *targets, ffn_error *error)
{
    dataset->targets = dataset->owned_targets = ffn__alloc(targets->count, sizeof(float), error);
    if (!dataset->targets) return FFN_OUT_OF_MEMORY;
    const ffn_status status = ffn__npy_read(targets, dataset->owned_targets, error);
    return status == FFN_OK ? find_classes(dataset, targets, error) : status;
}

static ffn_status read_inputs(ffn_dataset *dataset, const ffn__npy *inputs, ffn_error *error)
{
    dataset->x = dataset->owned_x = ffn__alloc(inputs->count, sizeof(float), error);
    if (!dataset->x) return FFN_OUT_OF_MEMORY;
    return ffn__npy_read(inputs, dataset->owned_x, error);
}

/* The elements where they lie in the file, if they are this machine's floats. */
static ffn_status use_inputs(ffn_dataset *dataset, const ffn__npy *inputs, ffn_error *error)
{
    if (inputs->unpacked)
        return ffn_fail(error, FFN_UNSUPPORTED, "%s is packed by gzip, expected a plain file, which is used as it is",
                        inputs->source);
    const uint16_t one = 1;
    const bool little = *(const unsigned char *)&one == 1;
    const unsigned char *first = inputs->bytes + inputs->header;
    const bool floats = !inputs->element->whole && inputs->element->size == sizeof(float) &&
                        inputs->order == (little ? FFN__LITTLE_ENDIAN : FFN__BIG_ENDIAN);
    if (!floats || (inputs->fortran && inputs->rank > 1) || (uintptr_t)first % sizeof(float) != 0)
        return ffn_fail(
            error, FFN_UNSUPPORTED,
            "%s: found %s%s, expected 32-bit floats of this machine in C order, since the file is to be used "
            "as it is",
            inputs->source, inputs->element->name,
            inputs->fortran                    ? " in Fortran order"
            : inputs->order == FFN__BIG_ENDIAN ? ", big-endian"
                                               : "");
    dataset->x = (const float *)(const void *)first;
    return FFN_OK;
}

typedef ffn_status (*input_reader)(ffn_dataset *dataset, const ffn__npy *inputs, ffn_error *error);

/* targets->bytes NULL: none. */
static ffn_dataset *open_and_load(ffn__npy *inputs, ffn__npy *targets, input_reader read, ffn_error *error)
{
    const bool labelled = targets->bytes != NULL;
    if (ffn__npy_open(inputs, error) != FFN_OK || (labelled && ffn__npy_open(targets, error) != FFN_OK)) return NULL;
    ffn_dataset *dataset = match(inputs, labelled ? targets : NULL, error);
    if (!dataset) return NULL;
    ffn_status status = read(dataset, inputs, error);
    if (status == FFN_OK && labelled) status = read_targets(dataset, targets, error);
    if (status == FFN_OK) return dataset;
    ffn_dataset_destroy(dataset);
    return NULL;
}

static ffn_dataset *load(ffn__npy *inputs, ffn__npy *targets, input_reader read, ffn_error *error)
{
    ffn_dataset *dataset = open_and_load(inputs, targets, read, error);
    ffn__npy_close(inputs);
    ffn__npy_close(targets);
    return dataset;
}

/* The targets' file, if there is one, around load(). */
static ffn_dataset *load_with_targets(ffn__npy *inputs, const char *targets_path, input_reader read, ffn_error *error)
{
    ffn__npy targets = {.source = targets_path ? ffn__path_tail(targets_path) : NULL};
    char *bytes = NULL;
    if (targets_path && ffn__read_file(targets_path, &bytes, &targets.size, error) != FFN_OK) return NULL;
    targets.bytes = (const unsigned char *)bytes;
    ffn_dataset *dataset = load(inputs, &targets, read, error);
    ffn__free(bytes);
    return dataset;
}

ffn_dataset *ffn_dataset_load_npy(const char *inputs_path, const char *targets_path, ffn_error *error)
{
    char *bytes;
    ffn__npy inputs = {0};
    if (ffn__read_file(inputs_path, &bytes, &inputs.size, error) != FFN_OK) return NULL;
    inputs.source = ffn__path_tail(inputs_path);
    inputs.bytes = (const unsigned char *)bytes;
    ffn_dataset *dataset = load_with_targets(&inputs, targets_path, read_inputs, error);
    ffn__free(bytes);
    return dataset;
}

ffn_dataset *ffn_dataset_load_npy_memory(const void *inputs, size_t inputs_size, const void *targets,
                                         size_t targets_size, ffn_error *error)
{
    ffn__npy x = {.source = ".npy inputs", .bytes = inputs, .size = inputs_size};
    ffn__npy y = {.source = ".npy targets", .bytes = targets, .size = targets_size};
    if (inputs) return load(&x, &y, read_inputs, error);
    (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading .npy bytes: the inputs are NULL");
    return NULL;
}

ffn_dataset *ffn_dataset_map_npy(const char *inputs_path, const char *targets_path, ffn_error *error)
{
    ffn__mapping mapping;
    if (ffn__map_file(inputs_path, &mapping, error) != FFN_OK) return NULL;
    ffn__npy inputs = {.source = ffn__path_tail(inputs_path), .bytes = mapping.bytes, .size = mapping.size};
    ffn_dataset *dataset = load_with_targets(&inputs, targets_path, use_inputs, error);
    if (dataset)
        dataset->mapping = mapping;
    else
        ffn__unmap_file(&mapping);
    return dataset;
}
