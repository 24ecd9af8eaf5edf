/* .npy files of tensors: version 1, floats in C order, little-endian. */
#include <stdio.h>
#include <string.h>

#include "io/floats.h"
#include "io/write.h"
#include "tensor/tensor.h"

enum { HEADER = 192 }; /* bytes: a multiple of 64, as NumPy has it, and enough for any shape of four dimensions */

static void put_header(ffn_shape shape, unsigned char *bytes)
{
    char text[HEADER];
    int used = snprintf(text, sizeof text, "{'descr': '<f%zu', 'fortran_order': False, 'shape': (", sizeof(float));
    for (size_t i = 0; i < shape.rank; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%zu, ", shape.dim[i]);
    used += snprintf(text + used, sizeof text - (size_t)used, "), }");
    static const unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - 10, 0};
    memset(bytes, ' ', HEADER);
    memcpy(bytes, start, sizeof start);
    memcpy(bytes + sizeof start, text, (size_t)used);
    bytes[HEADER - 1] = '\n';
}

static void put_floats(size_t count, const float *values, unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++, bytes += sizeof(float)) {
        uint64_t bits = ffn__float32_bits(values[i]);
        if (sizeof(float) == sizeof bits) memcpy(&bits, &values[i], sizeof(float));
        ffn__put_bits(bytes, sizeof(float), bits);
    }
}

ffn_status ffn_tensor_save_npy(const ffn_tensor *tensor, const char *path, ffn_error *error)
{
    if (!tensor || !tensor->data || !path)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "saving .npy: %s NULL",
                        !tensor ? "the tensor is"
                        : path  ? "the tensor's data is"
                                : "the path is");
    ffn_status status = ffn__shape_check(tensor->shape, "saving .npy: the tensor", error);
    if (status != FFN_OK) return status;
    const size_t count = ffn_shape_size(tensor->shape);
    size_t size;
    if (!ffn__multiply(count, sizeof(float), &size) || !ffn__sum(size, HEADER, &size)) size = SIZE_MAX;
    unsigned char *bytes = ffn__alloc(size, 1, error);
    if (!bytes) return FFN_OUT_OF_MEMORY;
    put_header(tensor->shape, bytes);
    put_floats(count, tensor->data, bytes + HEADER);
    status = ffn__write_file(path, bytes, size, error);
    ffn__free(bytes);
    return status;
}
