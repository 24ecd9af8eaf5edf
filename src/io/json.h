/* JSON: written as compact text, read by jansson within limits. Structs go by tables of their fields, both ways. */
#ifndef FFN__JSON_H
#define FFN__JSON_H

#include <jansson.h>

#include "io/kinds.h"
#include "io/text.h"

/* ---- writing (json_write.c) ------------------------------------------------------------------------------------ */

/* Commas come by themselves. Strings must be UTF-8: see ffn__is_utf8. */
void ffn__json_open(ffn__text *text, char bracket);
void ffn__json_close(ffn__text *text, char bracket);
void ffn__json_key(ffn__text *text, const char *key);
void ffn__json_string(ffn__text *text, const char *bytes, size_t size);
void ffn__json_size(ffn__text *text, size_t number);
/* The shortest digits that every reader turns into the same bits; "inf", "-inf" and "nan" as strings. */
void ffn__json_float(ffn__text *text, float number);
void ffn__json_double(ffn__text *text, double number);
void ffn__json_bool(ffn__text *text, bool value);
void ffn__json_shape(ffn__text *text, ffn_shape shape);
bool ffn__is_utf8(const char *bytes, size_t size);

/* ---- reading (json_read.c) ------------------------------------------------------------------------------------- */

/* What reading may still cost. */
typedef struct ffn__json_budget {
    size_t depth;
    size_t memory; /* bytes; taken off for each text that is read */
} ffn__json_budget;

/* The text as a tree, for json_decref; an object at the top. FFN_BAD_FORMAT "<what>: ..." for what is no JSON, repeats a
 * key, lies too deep or would take more memory than is left: that is found out before any is taken. */
ffn_status ffn__json_parse(const char *text, size_t size, ffn__json_budget *budget, const char *what, json_t **root,
                           ffn_error *error);

/* Members of an object, FFN_BAD_FORMAT "<what>: ..." where they are missing or something else. The bounds are included. */
ffn_status ffn__json_member(const json_t *object, const char *key, json_type type, const char *what,
                            const json_t **value, ffn_error *error);
ffn_status ffn__json_get_size(const json_t *object, const char *key, size_t low, size_t high, const char *what,
                              size_t *value, ffn_error *error);
ffn_status ffn__json_get_string(const json_t *object, const char *key, const char *what, const char **value,
                                ffn_error *error);
/* Element `index` of an array, as a size from 0 to high. */
ffn_status ffn__json_element(const json_t *array, size_t index, size_t high, const char *what, size_t *value,
                             ffn_error *error);
ffn_status ffn__json_get_shape(const json_t *value, const char *what, ffn_shape *shape, ffn_error *error);
/* FFN_UNSUPPORTED naming a key of the object that is none of the `count` known ones. */
ffn_status ffn__json_only(const json_t *object, const char *const *known, size_t count, const char *what,
                          ffn_error *error);

/* ---- structs (json_fields.c) ----------------------------------------------------------------------------------- */

/* The object of a struct's fields, those left out that are as in `defaults`; NULL: all are written. An activation that
 * is neither the library's nor among the options' is FFN_UNSUPPORTED "<what>: ...". */
ffn_status ffn__json_put_fields(ffn__text *text, const ffn_field *fields, size_t count, const void *from,
                                const void *defaults, const ffn_file_options *options, const char *what,
                                ffn_error *error);
/* Fields that the object does not have stay as they are. Bounds are checked where low < high. A member that is no field
 * is FFN_UNSUPPORTED. */
ffn_status ffn__json_get_fields(const json_t *object, const ffn_field *fields, size_t count, void *to,
                                const ffn_file_options *options, const char *what, ffn_error *error);
/* Bytes of a struct that these fields are all of, but for padding at its end. */
size_t ffn__fields_size(const ffn_field *fields, size_t count);

#endif
