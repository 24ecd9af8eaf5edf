/* Structs by their tables of fields: how each type of field is written and read. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "data/number.h"
#include "io/json.h"

/* A field's place in one struct, and what its sentences begin with. */
typedef struct place {
    const ffn_field *field;
    const ffn_file_options *options;
    const char *what;
} place;

typedef struct field_type {
    size_t size;
    ffn_status (*put)(ffn__text *text, const place *p, const void *from, ffn_error *error);
    ffn_status (*get)(const ffn__json *value, const place *p, void *to, ffn_error *error);
} field_type;

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static ffn_status wrong(const place *p, const char *expected, ffn_error *error)
{
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is not %s", p->what, p->field->name, expected);
}

static bool in_bounds(const place *p, double number)
{
    const bool bounded = p->field->low < p->field->high;
    return !bounded || (number >= p->field->low && number <= p->field->high);
}

static ffn_status out_of_bounds(const place *p, double number, ffn_error *error)
{
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is %g; expected %g to %g", p->what, p->field->name, number,
                    p->field->low, p->field->high);
}

static ffn_status put_size(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    size_t size;
    (void)p, (void)error;
    memcpy(&size, from, sizeof size);
    ffn__json_size(text, size);
    return FFN_OK;
}

static ffn_status get_size(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    uint64_t number;
    if (!ffn__json_whole(value, SIZE_MAX, &number)) return wrong(p, "a whole number from 0", error);
    if (!in_bounds(p, (double)number)) return out_of_bounds(p, (double)number, error);
    memcpy(to, &(size_t){(size_t)number}, sizeof(size_t));
    return FFN_OK;
}

static ffn_status get_number(const ffn__json *value, const place *p, double *number, ffn_error *error)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"inf", (double)INFINITY}, {"-inf", -(double)INFINITY}, {"nan", (double)NAN}};
    bool found = value->type == FFN__JSON_NUMBER && ffn__parse_number(ffn__json_text(value), value->count, number) &&
                 isfinite(*number);
    for (size_t i = 0; i < sizeof names / sizeof *names && value->type == FFN__JSON_STRING; i++)
        if (strcmp(names[i].name, ffn__json_text(value)) == 0) {
            *number = names[i].value;
            found = true;
        }
    if (!found) return wrong(p, "a number", error);
    return in_bounds(p, *number) ? FFN_OK : out_of_bounds(p, *number, error);
}

static ffn_status put_float(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    float number;
    (void)p, (void)error;
    memcpy(&number, from, sizeof number);
    ffn__json_float(text, number);
    return FFN_OK;
}

static ffn_status get_float(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    double number;
    const ffn_status status = get_number(value, p, &number, error);
    if (status == FFN_OK) memcpy(to, &(float){(float)number}, sizeof(float));
    return status;
}

static ffn_status put_double(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    double number;
    (void)p, (void)error;
    memcpy(&number, from, sizeof number);
    ffn__json_double(text, number);
    return FFN_OK;
}

static ffn_status get_double(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    double number;
    const ffn_status status = get_number(value, p, &number, error);
    if (status == FFN_OK) memcpy(to, &number, sizeof number);
    return status;
}

/* 64 bits as a string of digits: many readers of JSON keep numbers as doubles. */
static ffn_status put_uint64(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    uint64_t number;
    (void)p, (void)error;
    memcpy(&number, from, sizeof number);
    if (!strchr("{[:", text->length ? text->bytes[text->length - 1] : '{')) ffn__text_bytes(text, ",", 1);
    ffn__text_add(text, "\"%" PRIu64 "\"", number);
    return FFN_OK;
}

static ffn_status get_uint64(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    const char *digit = ffn__json_text(value);
    uint64_t number = 0;
    if (value->type != FFN__JSON_STRING || !*digit || (digit[0] == '0' && digit[1]))
        return wrong(p, "a string of digits", error);
    for (; *digit; digit++) {
        const uint64_t d = (uint64_t)(*digit - '0');
        if (*digit < '0' || *digit > '9' || number > (UINT64_MAX - d) / 10)
            return wrong(p, "a string of digits, of 64 bits", error);
        number = 10 * number + d;
    }
    memcpy(to, &number, sizeof number);
    return FFN_OK;
}

static ffn_status put_bool(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    bool value;
    (void)p, (void)error;
    memcpy(&value, from, sizeof value);
    ffn__json_bool(text, value);
    return FFN_OK;
}

static ffn_status get_bool(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    if (value->type != FFN__JSON_TRUE && value->type != FFN__JSON_FALSE) return wrong(p, "true or false", error);
    memcpy(to, &(bool){value->type == FFN__JSON_TRUE}, sizeof(bool));
    return FFN_OK;
}

/* ---- shapes and activations ------------------------------------------------------------------------------------ */

static ffn_status put_shape(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    ffn_shape shape;
    (void)p, (void)error;
    memcpy(&shape, from, sizeof shape);
    ffn__json_shape(text, shape);
    return FFN_OK;
}

static ffn_status get_shape(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    ffn_shape shape;
    const ffn_status status = ffn__json_get_shape(value, p->what, &shape, error);
    if (status == FFN_OK) memcpy(to, &shape, sizeof shape);
    return status;
}

static const ffn_field activation_fields[] = {
    {"alpha", FFN_FIELD_FLOAT, offsetof(ffn_activation, alpha), 0, 0},
    {"per_unit", FFN_FIELD_BOOL, offsetof(ffn_activation, per_unit), 0, 0},
};
enum { ACTIVATION_FIELDS = sizeof activation_fields / sizeof *activation_fields };

static ffn_status put_activation(ffn__text *text, const place *p, const void *from, ffn_error *error)
{
    ffn_activation a;
    memcpy(&a, from, sizeof a);
    const char *name = a.ops ? a.ops->name : "linear";
    if (a.ops && !ffn__knows_activation(p->options, a.ops))
        return ffn_fail(error, FFN_UNSUPPORTED,
                        "%s: the activation %.40s is not one of the library's, nor among ffn_file_options.activations",
                        p->what, name);
    ffn__json_open(text, '{');
    ffn__json_key(text, "kind");
    ffn__json_string(text, name, strlen(name));
    ffn__json_key(text, "numbers");
    const ffn_activation zero = {0};
    const ffn_status status =
        ffn__json_put_fields(text, activation_fields, ACTIVATION_FIELDS, &a, &zero, p->options, p->what, error);
    ffn__json_close(text, '}');
    return status;
}

static ffn_status get_activation(const ffn__json *value, const place *p, void *to, ffn_error *error)
{
    static const char *const known[] = {"kind", "numbers"};
    const char *name;
    const ffn__json *numbers;
    ffn_activation a = {0};
    if (value->type != FFN__JSON_OBJECT) return wrong(p, "an object", error);
    ffn_status status = ffn__json_only(value, known, 2, p->what, error);
    if (status == FFN_OK) status = ffn__json_get_string(value, "kind", p->what, &name, error);
    if (status == FFN_OK) status = ffn__json_member(value, "numbers", FFN__JSON_OBJECT, p->what, &numbers, error);
    if (status != FFN_OK) return status;
    a.ops = ffn__activation_ops_by_name(p->options, name);
    if (!a.ops)
        return ffn_fail(error, FFN_UNSUPPORTED,
                        "%s: the activation %.40s is not one of version %s, nor among ffn_file_options.activations",
                        p->what, name, ffn_version());
    status = ffn__json_get_fields(numbers, activation_fields, ACTIVATION_FIELDS, &a, p->options, p->what, error);
    if (status == FFN_OK) memcpy(to, &a, sizeof a);
    return status;
}

/* ---- all fields ------------------------------------------------------------------------------------------------ */

static const field_type types[] = {
    [FFN_FIELD_SIZE] = {sizeof(size_t), put_size, get_size},
    [FFN_FIELD_FLOAT] = {sizeof(float), put_float, get_float},
    [FFN_FIELD_BOOL] = {sizeof(bool), put_bool, get_bool},
    [FFN_FIELD_ACTIVATION] = {sizeof(ffn_activation), put_activation, get_activation},
    [FFN_FIELD_SHAPE] = {sizeof(ffn_shape), put_shape, get_shape},
    [FFN_FIELD_DOUBLE] = {sizeof(double), put_double, get_double},
    [FFN_FIELD_UINT64] = {sizeof(uint64_t), put_uint64, get_uint64},
};

ffn_status ffn__json_put_fields(ffn__text *text, const ffn_field *fields, size_t count, const void *from,
                                const void *defaults, const ffn_file_options *options, const char *what,
                                ffn_error *error)
{
    ffn_status status = FFN_OK;
    if (count > 32) return ffn_fail(error, FFN_UNSUPPORTED, "%s has %zu fields; files hold at most 32", what, count);
    ffn__json_open(text, '{');
    for (size_t i = 0; i < count && status == FFN_OK; i++) {
        if ((size_t)fields[i].type >= sizeof types / sizeof *types)
            return ffn_fail(error, FFN_UNSUPPORTED, "%s: its field %.40s has no type", what, fields[i].name);
        const field_type *type = &types[fields[i].type];
        const size_t offset = fields[i].offset;
        const char *at = (const char *)from + offset;
        if (defaults && memcmp(at, (const char *)defaults + offset, type->size) == 0) continue;
        ffn__json_key(text, fields[i].name);
        status = type->put(text, &(place){&fields[i], options, what}, at, error);
    }
    ffn__json_close(text, '}');
    return status;
}

ffn_status ffn__json_get_fields(const ffn__json *object, const ffn_field *fields, size_t count, void *to,
                                const ffn_file_options *options, const char *what, ffn_error *error)
{
    ffn_status status = FFN_OK;
    uint32_t seen = 0; /* bits: a table has at most 32 fields */
    if (count > 32) return ffn_fail(error, FFN_UNSUPPORTED, "%s has %zu fields; files hold at most 32", what, count);
    for (const ffn__json *v = ffn__json_first(object); v && status == FFN_OK; v = ffn__json_next(object, v)) {
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, ffn__json_name(v)) != 0) i++;
        if (i == count)
            return ffn_fail(error, FFN_UNSUPPORTED, "%s: %.60s is no setting that version %s knows", what,
                            ffn__json_name(v), ffn_version());
        if (seen & (uint32_t)1 << i)
            return ffn_fail(error, FFN_BAD_FORMAT, "%s has %.60s twice", what, ffn__json_name(v));
        seen |= (uint32_t)1 << i;
        status =
            types[fields[i].type].get(v, &(place){&fields[i], options, what}, (char *)to + fields[i].offset, error);
    }
    return status;
}

size_t ffn__fields_size(const ffn_field *fields, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t end = fields[i].offset + types[fields[i].type].size;
        if (end > size) size = end;
    }
    return size;
}
