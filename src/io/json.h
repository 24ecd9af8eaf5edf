/* JSON: written as compact text, read within limits. Structs go by tables of their fields, both ways. */
#ifndef FFN__JSON_H
#define FFN__JSON_H

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

typedef enum ffn__json_type {
    FFN__JSON_NULL = 0,
    FFN__JSON_FALSE,
    FFN__JSON_TRUE,
    FFN__JSON_NUMBER,
    FFN__JSON_STRING,
    FFN__JSON_ARRAY,
    FFN__JSON_OBJECT
} ffn__json_type;

/* A value, with all that it holds right behind it: a tree is one array, and behind that its text. Small, since a file may
 * have a value for each few bytes. */
typedef struct ffn__json {
    ffn__json_type type;
    uint32_t count; /* elements or members; of a string or number, bytes */
    uint32_t key;   /* of a member: where it begins, in bytes from this value; else 0 */
    uint32_t place; /* of a string or number, the same; of an array or object, the values in all, itself included */
} ffn__json;

/* Of a member, else NULL. */
static inline const char *ffn__json_name(const ffn__json *value)
{
    return value->key ? (const char *)value + value->key : NULL;
}
/* Of a string or number, with an ending 0, else NULL. */
static inline const char *ffn__json_text(const ffn__json *value)
{
    const bool is_text = value->type == FFN__JSON_STRING || value->type == FFN__JSON_NUMBER;
    return is_text ? (const char *)value + value->place : NULL;
}

/* What reading may still cost. */
typedef struct ffn__json_budget {
    size_t depth;
    size_t memory; /* bytes; taken off for each text that is read */
} ffn__json_budget;

/* What the limits leave beside so many bytes. */
ffn__json_budget ffn__json_budget_of(const ffn_file_limits *limits, size_t taken);

/* Takes so many bytes off it for what is made of a text; FFN_BAD_FORMAT "<what> ..." if they are not left. */
ffn_status ffn__json_spend(ffn__json_budget *budget, size_t bytes, const char *what, ffn_error *error);

/* The text as a tree, in one allocation, for ffn__free; an object at the top. FFN_BAD_FORMAT "<what>: ..." for what is no
 * JSON, lies too deep or would take more memory than is left. Takes a time that grows as the text does. */
ffn_status ffn__json_parse(const char *text, size_t size, ffn__json_budget *budget, const char *what,
                           const ffn__json **root, ffn_error *error);

/* The elements or members, one after another; NULL: there is none (more). */
const ffn__json *ffn__json_first(const ffn__json *container);
const ffn__json *ffn__json_next(const ffn__json *container, const ffn__json *element);
/* The first member of this name; NULL: there is none. */
const ffn__json *ffn__json_find(const ffn__json *object, const char *key);
/* A whole number from 0 that fits; false: it is none. */
bool ffn__json_whole(const ffn__json *value, uint64_t most, uint64_t *number);

/* Members of an object, FFN_BAD_FORMAT "<what>: ..." where they are missing or something else. Bounds are included. */
ffn_status ffn__json_member(const ffn__json *object, const char *key, ffn__json_type type, const char *what,
                            const ffn__json **value, ffn_error *error);
ffn_status ffn__json_get_size(const ffn__json *value, const char *name, size_t low, size_t high, const char *what,
                              size_t *size, ffn_error *error);
ffn_status ffn__json_get_string(const ffn__json *object, const char *key, const char *what, const char **value,
                                ffn_error *error);
ffn_status ffn__json_get_shape(const ffn__json *value, const char *what, ffn_shape *shape, ffn_error *error);
/* The object has no other members than these, and none twice: FFN_UNSUPPORTED and FFN_BAD_FORMAT. */
ffn_status ffn__json_only(const ffn__json *object, const char *const *known, size_t count, const char *what,
                          ffn_error *error);

/* ---- structs (json_fields.c) ----------------------------------------------------------------------------------- */

/* The object of a struct's fields, those left out that are as in `defaults`; NULL: all are written. An activation that
 * is neither the library's nor among the options' is FFN_UNSUPPORTED "<what>: ...". */
ffn_status ffn__json_put_fields(ffn__text *text, const ffn_field *fields, size_t count, const void *from,
                                const void *defaults, const ffn_file_options *options, const char *what,
                                ffn_error *error);
/* Fields that the object does not have stay as they are. Bounds are checked where low < high. A member that is no field
 * is FFN_UNSUPPORTED. */
ffn_status ffn__json_get_fields(const ffn__json *object, const ffn_field *fields, size_t count, void *to,
                                const ffn_file_options *options, const char *what, ffn_error *error);
/* Bytes of a struct that these fields are all of, but for padding at its end. */
size_t ffn__fields_size(const ffn_field *fields, size_t count);

#endif
