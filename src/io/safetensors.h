/* safetensors: 8 bytes of length, a header of JSON that names tensors and texts, and the tensors' bytes. The library's own
 * files have a checksum at the start of the header. docs/formats.md tells all. */
#ifndef FFN__SAFETENSORS_H
#define FFN__SAFETENSORS_H

#include "backprop/model.h"
#include "data/element.h"
#include "io/text.h"
#include "io/write.h"

/* ---- reading (safetensors_read.c) ------------------------------------------------------------------------------ */

typedef struct ffn__tensor_entry {
    const char *name;            /* in the file's text */
    const ffn__element *element; /* NULL: a type, or as many axes, as the library does not read */
    ffn_shape shape;             /* of rank 0 if there are more axes than it may have */
    size_t axes;
    size_t begin, end; /* bytes, from the start of the data */
} ffn__tensor_entry;

/* A text of the metadata. */
typedef struct ffn__note {
    const char *key, *value;
    size_t size; /* of the value */
} ffn__note;

/* A file that is well-formed: every tensor has the bytes of its shape, together they are all of the data, and no name is
 * there twice. */
typedef struct ffn__safetensors {
    const unsigned char *data;  /* borrowed */
    ffn__tensor_entry *tensors; /* [tensor_count], by name; owned */
    size_t tensor_count;
    ffn__note *notes; /* [note_count]; owned */
    size_t note_count;
    char *text;    /* names, keys and values; owned */
    size_t memory; /* bytes that these take */
    bool checked;  /* it has a checksum, and that is right */
} ffn__safetensors;

/* Borrows the bytes. On an error nothing is to be destroyed. */
ffn_status ffn__safetensors_read(ffn__safetensors *file, const void *bytes, size_t size, const ffn_file_limits *limits,
                                 ffn_error *error);
void ffn__safetensors_destroy(ffn__safetensors *file);
const ffn__tensor_entry *ffn__safetensors_find(const ffn__safetensors *file, const char *name); /* NULL: none */
/* The entry's shape for messages, "(2, 3)" or "5 axes". */
void ffn__safetensors_format_shape(const ffn__tensor_entry *entry, char *text, size_t size);
/* A text of the metadata; *note is NULL if there is none. */
ffn_status ffn__safetensors_note(const ffn__safetensors *file, const char *key, const ffn__note **note,
                                 ffn_error *error);
/* A tensor's values as floats. */
void ffn__safetensors_values(const ffn__safetensors *file, const ffn__tensor_entry *entry, float *values);

/* A tensor's values as they are; false: it is none of doubles with this shape. */
bool ffn__safetensors_doubles(const ffn__safetensors *file, const char *name, ffn_shape shape, double *values);

/* The limits with the defaults filled in, for a file of this size. */
ffn_file_limits ffn__limits(const ffn_file_options *options, size_t size);

/* ---- writing (safetensors_write.c) ----------------------------------------------------------------------------- */

/* A tensor to be written, of 32-bit floats; or of doubles. */
typedef struct ffn__tensor_source {
    char *name; /* owned by the writer */
    ffn_shape shape;
    const float
        *values; /* row-major, or with a parameter a block laid out as its model's: its values there; borrowed */
    const ffn__parameter *parameter;
    const double *doubles; /* in place of the values; NULL: those */
} ffn__tensor_source;

typedef struct ffn__safetensors_writer {
    ffn__text notes; /* of the metadata, as members of an object */
    ffn__tensor_source *tensors;
    size_t tensor_count, tensor_capacity;
    ffn_status status;
} ffn__safetensors_writer;

/* Start with {0}. These keep the first error, which the last call reports. */
void ffn__safetensors_note_add(ffn__safetensors_writer *writer, const char *key, const ffn__text *value);
/* The name is the prefix and the rest. FFN_UNSUPPORTED if that is not UTF-8. */
void ffn__safetensors_add(ffn__safetensors_writer *writer, const char *prefix, const char *rest, ffn_shape shape,
                          const float *values, const ffn__parameter *parameter, ffn_error *error);
void ffn__safetensors_add_doubles(ffn__safetensors_writer *writer, const char *name, ffn_shape shape,
                                  const double *values, ffn_error *error);
ffn_status ffn__safetensors_write(ffn__safetensors_writer *writer, const ffn__sink *sink, ffn_error *error);
/* All that the writer has goes to a path, whole or not at all. */
ffn_status ffn__safetensors_save(ffn__safetensors_writer *writer, const char *path, ffn_error *error);
void ffn__safetensors_writer_destroy(ffn__safetensors_writer *writer);

/* ---- both (checksum.c) ----------------------------------------------------------------------------------------- */

/* CRC-32 as zlib and PNG have it. Start with 0. */
uint32_t ffn__crc32(uint32_t crc, const void *bytes, size_t size);

/* How the header of a file of the library's begins: this, 8 digits, and a quotation mark. The checksum is that of the whole
 * file with zeros in place of the digits. */
#define FFN__CHECKSUM_START "{\"__metadata__\":{\"ffn.checksum\":\""
enum { FFN__CHECKSUM_PLACE = 8 + sizeof(FFN__CHECKSUM_START) - 1, FFN__CHECKSUM_DIGITS = 8 };

#endif
