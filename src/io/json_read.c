#include <string.h>

#include "io/json.h"

/* ---- what it will cost ----------------------------------------------------------------------------------------- */

/* Bytes that jansson may take for one of each: from the sizes of its nodes, of its tables with what is kept while they
 * grow, and of malloc's own. tests/test_json.c measures them. */
enum { OBJECT = 320, ARRAY = 192, MEMBER = 176, VALUE = 96 };

/* Walks over the text once. Whether it is JSON is jansson's affair; what passes here cannot make it dig deep or take
 * more than *memory. */
static bool measure(const char *text, size_t size, size_t most_depth, size_t *memory)
{
    size_t depth = 0, bytes = 0, longest = 0, started = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c != '"') continue;
            in_string = false;
            if (i - started > longest) longest = i - started;
        } else if (c == '"') {
            in_string = true;
            started = i;
        } else if (c == '{' || c == '[') {
            if (++depth > most_depth) return false;
            bytes += c == '{' ? OBJECT : ARRAY;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else {
            bytes += c == ':' ? MEMBER : c == ',' ? VALUE : 0;
        }
    }
    if (in_string) longest = size;
    *memory = bytes + VALUE + size + 3 * longest;
    return true;
}

ffn_status ffn__json_parse(const char *text, size_t size, ffn__json_budget *budget, const char *what, json_t **root,
                           ffn_error *error)
{
    size_t memory;
    json_error_t found;
    *root = NULL;
    if (size > budget->memory || !measure(text, size, budget->depth, &memory))
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: JSON that is too large or deeper than %zu; see ffn_file_limits",
                        what, budget->depth);
    if (memory > budget->memory)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s: JSON that may take %zu bytes of memory; expected at most %zu, see ffn_file_limits", what,
                        memory, budget->memory);
    budget->memory -= memory;
    *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &found);
    if (*root && json_is_object(*root)) return FFN_OK;
    if (!*root && (!*found.text || json_error_code(&found) == json_error_out_of_memory)) /* it has no words for that */
        return ffn_fail(error, FFN_OUT_OF_MEMORY, "%s: out of memory for its JSON", what);
    const ffn_status status = ffn_fail(error, FFN_BAD_FORMAT, "%s, JSON, byte %d: %.80s", what,
                                       *root ? 0 : found.position, *root ? "expected an object" : found.text);
    json_decref(*root);
    *root = NULL;
    return status;
}

/* ---- members --------------------------------------------------------------------------------------------------- */

static const char *type_name(json_type type)
{
    static const char *const names[] = {[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a string",  [JSON_INTEGER] = "a whole number",
                                        [JSON_REAL] = "a number",    [JSON_TRUE] = "true",
                                        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};
    return names[type];
}

ffn_status ffn__json_member(const json_t *object, const char *key, json_type type, const char *what,
                            const json_t **value, ffn_error *error)
{
    *value = json_object_get(object, key);
    if (!*value) return ffn_fail(error, FFN_BAD_FORMAT, "%s has no %s", what, key);
    if (json_typeof(*value) == type) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is %s; expected %s", what, key, type_name(json_typeof(*value)),
                    type_name(type));
}

static ffn_status to_size(const json_t *value, const char *key, size_t low, size_t high, const char *what, size_t *size,
                          ffn_error *error)
{
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uintmax_t)number < low || (uintmax_t)number > high)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is %s, %lld; expected a whole number from %zu to %zu", what, key,
                        type_name(json_typeof(value)), (long long)number, low, high);
    *size = (size_t)number;
    return FFN_OK;
}

ffn_status ffn__json_get_size(const json_t *object, const char *key, size_t low, size_t high, const char *what,
                              size_t *size, ffn_error *error)
{
    const json_t *value;
    const ffn_status status = ffn__json_member(object, key, JSON_INTEGER, what, &value, error);
    return status == FFN_OK ? to_size(value, key, low, high, what, size, error) : status;
}

ffn_status ffn__json_element(const json_t *array, size_t index, size_t high, const char *what, size_t *size,
                             ffn_error *error)
{
    const json_t *value = json_array_get(array, index);
    if (!value) return ffn_fail(error, FFN_BAD_FORMAT, "%s has no element %zu", what, index);
    return to_size(value, "an element", 0, high, what, size, error);
}

ffn_status ffn__json_get_string(const json_t *object, const char *key, const char *what, const char **string,
                                ffn_error *error)
{
    const json_t *value;
    const ffn_status status = ffn__json_member(object, key, JSON_STRING, what, &value, error);
    if (status == FFN_OK) *string = json_string_value(value);
    return status;
}

ffn_status ffn__json_get_shape(const json_t *value, const char *what, ffn_shape *shape, ffn_error *error)
{
    ffn_status status = FFN_OK;
    *shape = (ffn_shape){.rank = json_array_size(value)};
    if (!json_is_array(value) || shape->rank > FFN_MAX_RANK)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s is no array of at most %d sizes", what, FFN_MAX_RANK);
    for (size_t i = 0; i < shape->rank && status == FFN_OK; i++)
        status = ffn__json_element(value, i, SIZE_MAX, what, &shape->dim[i], error);
    return status;
}

ffn_status ffn__json_only(const json_t *object, const char *const *known, size_t count, const char *what,
                          ffn_error *error)
{
    for (void *at = json_object_iter((json_t *)object); at; at = json_object_iter_next((json_t *)object, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (i < count && strcmp(known[i], key) != 0) i++;
        if (i == count)
            return ffn_fail(error, FFN_UNSUPPORTED, "%s: %.60s is nothing that version %s knows", what, key,
                            ffn_version());
    }
    return FFN_OK;
}
