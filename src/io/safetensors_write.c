#include <stdio.h>
#include <string.h>

#include "io/floats.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { ALIGNMENT = 64, BUFFER = 1 << 16 }; /* bytes: of the data's start; of what goes to the sink at once */

/* ---- what is written ------------------------------------------------------------------------------------------- */

void ffn__safetensors_note_add(ffn__safetensors_writer *w, const char *key, const ffn__text *value)
{
    w->notes.failed |= value->failed;
    ffn__json_key(&w->notes, key);
    ffn__json_string(&w->notes, value->bytes, value->length);
}

void ffn__safetensors_add(ffn__safetensors_writer *w, const char *prefix, const char *rest, ffn_shape shape,
                          const float *values, const ffn__parameter *parameter, ffn_error *error)
{
    if (w->status != FFN_OK) return;
    const size_t before = strlen(prefix), after = strlen(rest);
    if (!ffn__is_utf8(prefix, before) || !ffn__is_utf8(rest, after)) {
        w->status = ffn_fail(error, FFN_UNSUPPORTED, "the name %.80s is not UTF-8, as a file wants it", rest);
        return;
    }
    w->status = ffn__grow((void **)&w->tensors, &w->tensor_capacity, w->tensor_count + 1, sizeof *w->tensors, error);
    char *name = w->status == FFN_OK ? ffn__alloc(before + after + 1, 1, error) : NULL;
    if (!name) {
        w->status = FFN_OUT_OF_MEMORY;
        return;
    }
    memcpy(name, prefix, before);
    memcpy(name + before, rest, after);
    w->tensors[w->tensor_count++] =
        (ffn__tensor_source){.name = name, .shape = shape, .values = values, .parameter = parameter};
}

void ffn__safetensors_add_doubles(ffn__safetensors_writer *w, const char *name, ffn_shape shape, const double *values,
                                  ffn_error *error)
{
    ffn__safetensors_add(w, "", name, shape, NULL, NULL, error);
    if (w->status == FFN_OK) w->tensors[w->tensor_count - 1].doubles = values;
}

void ffn__safetensors_writer_destroy(ffn__safetensors_writer *w)
{
    for (size_t i = 0; i < w->tensor_count; i++) ffn__free(w->tensors[i].name);
    ffn__free(w->tensors);
    ffn__text_destroy(&w->notes);
    *w = (ffn__safetensors_writer){0};
}

/* ---- header ---------------------------------------------------------------------------------------------------- */

static void put_tensor(ffn__text *t, const ffn__tensor_source *s, size_t begin, size_t end)
{
    ffn__json_key(t, s->name);
    ffn__json_open(t, '{');
    ffn__json_key(t, "dtype");
    ffn__json_string(t, s->doubles ? "F64" : "F32", 3);
    ffn__json_key(t, "shape");
    ffn__json_shape(t, s->shape);
    ffn__json_key(t, "data_offsets");
    ffn__json_shape(t, ffn_shape_2d(begin, end));
    ffn__json_close(t, '}');
}

/* Length and header, with zeros for the checksum. */
static ffn_status make_header(const ffn__safetensors_writer *w, ffn__text *t, ffn_error *error)
{
    static const char length[8] = {0};
    ffn__text_bytes(t, length, sizeof length);
    ffn__text_add(t, "%s00000000\"", FFN__CHECKSUM_START);
    if (w->notes.length > 0) ffn__text_add(t, ",");
    ffn__text_bytes(t, w->notes.bytes, w->notes.length);
    ffn__text_add(t, "}");
    size_t end = 0;
    for (size_t i = 0; i < w->tensor_count; i++) {
        const size_t begin = end;
        size_t bytes;
        if (!ffn__multiply(ffn_shape_size(w->tensors[i].shape), w->tensors[i].doubles ? 8 : 4, &bytes) ||
            !ffn__sum(begin, bytes, &end))
            return ffn_fail(error, FFN_OUT_OF_MEMORY, "%.80s: the file would be larger than there can be",
                            w->tensors[i].name);
        put_tensor(t, &w->tensors[i], begin, end);
    }
    ffn__text_add(t, "}");
    while (t->length % ALIGNMENT != 0 && !t->failed) ffn__text_bytes(t, " ", 1);
    if (t->failed || w->notes.failed) return ffn_fail(error, FFN_OUT_OF_MEMORY, "out of memory for a file's header");
    for (size_t i = 0; i < 8; i++) t->bytes[i] = (char)((uint64_t)(t->length - 8) >> 8 * i & 0xFF);
    return FFN_OK;
}

/* ---- data ------------------------------------------------------------------------------------------------------ */

/* Floats as the file has them, in pieces of the buffer's size. */
typedef struct stream {
    const ffn__sink *sink;
    unsigned char *bytes; /* [BUFFER] */
    size_t used;
} stream;

static ffn_status flush(stream *s, ffn_error *error)
{
    const size_t size = s->used;
    s->used = 0;
    return size > 0 ? s->sink->write(s->sink->context, s->bytes, size, error) : FFN_OK;
}

static ffn_status put_bits(stream *s, size_t size, uint64_t bits, ffn_error *error)
{
    const ffn_status status = s->used + size > BUFFER ? flush(s, error) : FFN_OK;
    ffn__put_bits(s->bytes + s->used, size, bits);
    s->used += size;
    return status;
}

static ffn_status put_floats(stream *s, size_t count, const float *values, ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < count && status == FFN_OK; i++) status = put_bits(s, 4, ffn__float32_bits(values[i]), error);
    return status;
}

static ffn_status put_doubles(stream *s, size_t count, const double *values, ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < count && status == FFN_OK; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        status = put_bits(s, 8, bits, error);
    }
    return status;
}

static ffn_status put_tensor_values(stream *s, const ffn__tensor_source *source, ffn_error *error)
{
    const size_t size = ffn_shape_size(source->shape);
    ffn_status status = FFN_OK;
    if (source->doubles) return put_doubles(s, size, source->doubles, error);
    for (size_t i = 0, run = size; i < size && status == FFN_OK; i += run) {
        const size_t place = source->parameter ? ffn__parameter_place(source->parameter, i, &run) : 0;
        status = put_floats(s, run, source->values + place, error);
    }
    return status;
}

static ffn_status put_data(const ffn__safetensors_writer *w, const ffn__sink *sink, void *buffer, ffn_error *error)
{
    stream s = {sink, buffer, 0};
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < w->tensor_count && status == FFN_OK; i++)
        status = put_tensor_values(&s, &w->tensors[i], error);
    return status == FFN_OK ? flush(&s, error) : status;
}

static ffn_status add_to_checksum(void *crc, const void *bytes, size_t size, ffn_error *error)
{
    (void)error;
    *(uint32_t *)crc = ffn__crc32(*(uint32_t *)crc, bytes, size);
    return FFN_OK;
}

/* The data pass twice: the checksum stands before them, and they are larger than what one would like to keep. */
static ffn_status put_all(const ffn__safetensors_writer *w, ffn__text *header, const ffn__sink *sink, void *buffer,
                          ffn_error *error)
{
    char digits[FFN__CHECKSUM_DIGITS + 1];
    uint32_t crc = ffn__crc32(0, header->bytes, header->length);
    const ffn__sink checksum = {add_to_checksum, &crc};
    (void)put_data(w, &checksum, buffer, NULL);
    (void)snprintf(digits, sizeof digits, "%08lx", (unsigned long)crc);
    memcpy(header->bytes + FFN__CHECKSUM_PLACE, digits, FFN__CHECKSUM_DIGITS);
    const ffn_status status = sink->write(sink->context, header->bytes, header->length, error);
    return status == FFN_OK ? put_data(w, sink, buffer, error) : status;
}

ffn_status ffn__safetensors_write(ffn__safetensors_writer *w, const ffn__sink *sink, ffn_error *error)
{
    ffn__text header = {0};
    if (w->status != FFN_OK) return w->status;
    ffn_status status = make_header(w, &header, error);
    void *buffer = status == FFN_OK ? ffn__alloc(BUFFER, 1, error) : NULL;
    if (status == FFN_OK) status = buffer ? put_all(w, &header, sink, buffer, error) : FFN_OUT_OF_MEMORY;
    ffn__free(buffer);
    ffn__text_destroy(&header);
    return status;
}

ffn_status ffn__safetensors_save(ffn__safetensors_writer *writer, const char *path, ffn_error *error)
{
    ffn__new_file file;
    ffn_status status = ffn__file_begin(&file, path, error);
    if (status != FFN_OK) return status;
    const ffn__sink sink = {ffn__file_write, &file};
    status = ffn__safetensors_write(writer, &sink, error);
    if (status == FFN_OK) return ffn__file_commit(&file, error);
    ffn__file_abandon(&file);
    return status;
}
