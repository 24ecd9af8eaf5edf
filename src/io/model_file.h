/* Models in files: what io/ has for who writes or reads a model as a part of something else. */
#ifndef FFN__MODEL_FILE_H
#define FFN__MODEL_FILE_H

#include "io/json.h"
#include "io/safetensors.h"

/* ---- writing (model_save.c) ------------------------------------------------------------------------------------ */

/* Files of this version and the earlier ones are read. */
enum { FFN__FORMAT_VERSION = 1 };

/* How names of tensors and texts begin that are not a model's parameters. */
#define FFN__FILE_PREFIX "ffn."

/* Options of a layer that stand beside its config: fields of ffn__layer, and what they are if nobody set them. */
enum { FFN__LAYER_SETTINGS = 7 };
extern const ffn_field ffn__layer_settings[FFN__LAYER_SETTINGS];
extern const ffn__layer ffn__layer_defaults;
/* Of an initializer. */
enum { FFN__INITIALIZER_NUMBERS = 2 };
extern const ffn_field ffn__initializer_numbers[FFN__INITIALIZER_NUMBERS];
/* Of a loss. */
enum { FFN__LOSS_NUMBERS = 3 };
extern const ffn_field ffn__loss_numbers[FFN__LOSS_NUMBERS];
/* How kernels are called, by their number. */
extern const char *const ffn__kernel_names[FFN_KERNELS_NATIVE + 1];

/* The architecture, with every setting, as JSON. The text is to be destroyed also after an error. */
ffn_status ffn__model_describe(const ffn_model *model, const ffn_file_options *options, ffn__text *text,
                               ffn_error *error);
/* Adds the metadata and the parameters of a built model. */
ffn_status ffn__model_write(const ffn_model *model, const ffn_file_options *options, ffn__safetensors_writer *writer,
                            ffn_error *error);
/* Adds a block laid out as the model's, as a tensor for each parameter: its name after the prefix. */
void ffn__block_write(const ffn_model *model, const float *block, const char *prefix, ffn__safetensors_writer *writer,
                      ffn_error *error);
/* A sink's write; text: an ffn__text, which must stay empty of other things. */
ffn_status ffn__write_to_memory(void *text, const void *bytes, size_t size, ffn_error *error);

/* ---- reading (model_load.c) ----------------------------------------------------------------------------------- */

/* A model that the caller destroys; NULL on an error. Tensors whose names begin with FFN__FILE_PREFIX are somebody else's. */
ffn_model *ffn__model_read(const ffn__safetensors *file, const ffn_file_options *options, ffn__json_budget *budget,
                           ffn_error *error);
/* A file of the library's, of a format that it reads; *model: the note with the architecture. */
ffn_status ffn__check_format(const ffn__safetensors *file, const ffn__note **model, ffn_error *error);
/* Whether the tensors of a block are all there, of the right shapes and, if so wanted, finite. */
ffn_status ffn__block_check(const ffn_model *model, const ffn__safetensors *file, const char *prefix, bool finite,
                            ffn_error *error);
/* Takes such a block; scratch: as many values as the largest parameter has. */
void ffn__block_read(const ffn_model *model, const ffn__safetensors *file, const char *prefix, float *block,
                     float *scratch);
size_t ffn__largest_parameter(const ffn_model *model);

#endif
