/* A tree of JSON values. The parser keeps its way back in the values that are open, so that depth costs nothing. */
#include "io/json.h"

#include <string.h>

#include "io/json_scan.h"

/* ---- the tree -------------------------------------------------------------------------------------------------- */

/* The most values that the text can have, whatever it is: each is the first, or follows a bracket or comma. */
static size_t count_values(const char *text, size_t size)
{
    size_t count = 1;
    for (size_t i = 0; i < size; i++) count += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return count;
}

static const uint32_t NONE = UINT32_MAX;

typedef struct parser {
    ffn__scan scan;
    ffn__json *values;
    uint32_t used;
    uint32_t open; /* the innermost container that is not closed; NONE: none is */
    size_t depth, most_depth;
} parser;

/* Bytes from a value to its text, which lie in one allocation of less than 4 GB. */
static uint32_t distance(const ffn__json *v, const char *text) { return (uint32_t)(text - (const char *)v); }

static ffn_status take_key(parser *p, ffn__json *v)
{
    const char *key;
    if (p->open == NONE || p->values[p->open].type != FFN__JSON_OBJECT) return FFN_OK;
    const ffn_status status = ffn__scan_string(&p->scan, &key, NULL);
    if (status == FFN_OK) v->key = distance(v, key);
    return status == FFN_OK && !ffn__scan_take(&p->scan, ':') ? ffn__scan_fail(&p->scan, "a colon") : status;
}

static ffn_status take_text(parser *p, ffn__json *v)
{
    const char *text;
    size_t size;
    ffn__scan_spaces(&p->scan);
    v->type = p->scan.at < p->scan.end && *p->scan.at == '"' ? FFN__JSON_STRING : FFN__JSON_NUMBER;
    const ffn_status status =
        (v->type == FFN__JSON_STRING ? ffn__scan_string : ffn__scan_number)(&p->scan, &text, &size);
    if (status != FFN_OK) return status;
    v->place = distance(v, text);
    v->count = (uint32_t)size;
    return FFN_OK;
}

static ffn_status take_value(parser *p)
{
    static const struct {
        const char *word;
        ffn__json_type type;
    } words[] = {{"null", FFN__JSON_NULL},
                 {"false", FFN__JSON_FALSE},
                 {"true", FFN__JSON_TRUE},
                 {"[", FFN__JSON_ARRAY},
                 {"{", FFN__JSON_OBJECT}};
    ffn__json *v = &p->values[p->used++];
    const ffn_status status = take_key(p, v);
    if (status != FFN_OK) return status;
    if (p->open != NONE) p->values[p->open].count++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!ffn__scan_word(&p->scan, words[i].word)) continue;
        v->type = words[i].type;
        if (v->type < FFN__JSON_ARRAY) return FFN_OK;
        if (p->depth++ == p->most_depth) return ffn__scan_fail(&p->scan, "less depth; see ffn_file_limits");
        v->place = p->open; /* the way back, until it is closed */
        p->open = (uint32_t)(v - p->values);
        return FFN_OK;
    }
    return take_text(p, v);
}

/* Closes what ends here. true: another value follows. */
static bool goes_on(parser *p, ffn_status *status)
{
    while (p->open != NONE && *status == FFN_OK) {
        ffn__json *v = &p->values[p->open];
        const bool empty = v->count == 0;
        if (ffn__scan_take(&p->scan, v->type == FFN__JSON_OBJECT ? '}' : ']')) {
            const uint32_t outer = v->place;
            v->place = p->used - p->open;
            p->open = outer;
            p->depth--;
        } else if (empty || ffn__scan_take(&p->scan, ',')) {
            return true;
        } else {
            *status = ffn__scan_fail(&p->scan, "a comma or a closing bracket");
        }
    }
    return false;
}

static ffn_status parse(parser *p)
{
    ffn_status status;
    do status = take_value(p);
    while (status == FFN_OK && goes_on(p, &status));
    if (status != FFN_OK) return status;
    ffn__scan_spaces(&p->scan);
    if (p->scan.at != p->scan.end) return ffn__scan_fail(&p->scan, "the end");
    return p->values->type == FFN__JSON_OBJECT ? FFN_OK : ffn__scan_fail(&p->scan, "an object before");
}

ffn__json_budget ffn__json_budget_of(const ffn_file_limits *limits, size_t taken)
{
    return (ffn__json_budget){limits->depth, limits->memory > taken ? limits->memory - taken : 0};
}

ffn_status ffn__json_spend(ffn__json_budget *budget, size_t bytes, const char *what, ffn_error *error)
{
    if (bytes > budget->memory)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s take %zu bytes of memory; expected at most %zu; see ffn_file_limits",
                        what, bytes, budget->memory);
    budget->memory -= bytes;
    return FFN_OK;
}

ffn_status ffn__json_parse(const char *text, size_t size, ffn__json_budget *budget, const char *what,
                           const ffn__json **root, ffn_error *error)
{
    const size_t count = count_values(text, size);
    size_t memory;
    *root = NULL;
    if (!ffn__multiply(count, sizeof(ffn__json), &memory) || !ffn__sum(memory, size, &memory) ||
        !ffn__sum(memory, 1, &memory) || memory > UINT32_MAX || memory > budget->memory)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "%s: %zu bytes of JSON take more than %zu of memory; see ffn_file_limits", what, size,
                        budget->memory);
    ffn__json *values = ffn__alloc(memory, 1, error);
    if (!values) return FFN_OUT_OF_MEMORY;
    parser p = {.scan = {.what = what, .start = text, .at = text, .end = text + size, .error = error},
                .values = values,
                .open = NONE,
                .most_depth = budget->depth};
    p.scan.text = (char *)(values + count);
    const ffn_status status = parse(&p);
    if (status != FFN_OK) {
        ffn__free(values);
        return status;
    }
    budget->memory -= memory;
    *root = values;
    return FFN_OK;
}

const ffn__json *ffn__json_first(const ffn__json *container) { return container->count > 0 ? container + 1 : NULL; }

const ffn__json *ffn__json_next(const ffn__json *container, const ffn__json *element)
{
    element += element->type >= FFN__JSON_ARRAY ? element->place : 1;
    return element < container + container->place ? element : NULL;
}

const ffn__json *ffn__json_find(const ffn__json *object, const char *key)
{
    if (object->type != FFN__JSON_OBJECT) return NULL;
    const ffn__json *v = ffn__json_first(object);
    while (v && strcmp(ffn__json_name(v), key) != 0) v = ffn__json_next(object, v);
    return v;
}

bool ffn__json_whole(const ffn__json *value, uint64_t most, uint64_t *number)
{
    uint64_t n = 0;
    if (value->type != FFN__JSON_NUMBER) return false;
    for (const char *c = ffn__json_text(value); *c; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        if (*c < '0' || *c > '9' || n > (UINT64_MAX - digit) / 10) return false;
        n = 10 * n + digit;
    }
    *number = n;
    return n <= most;
}

/* ---- members --------------------------------------------------------------------------------------------------- */

static const char *type_name(ffn__json_type type)
{
    static const char *const names[] = {
        [FFN__JSON_NULL] = "null",       [FFN__JSON_FALSE] = "false",     [FFN__JSON_TRUE] = "true",
        [FFN__JSON_NUMBER] = "a number", [FFN__JSON_STRING] = "a string", [FFN__JSON_ARRAY] = "an array",
        [FFN__JSON_OBJECT] = "an object"};
    return names[type];
}

ffn_status ffn__json_member(const ffn__json *object, const char *key, ffn__json_type type, const char *what,
                            const ffn__json **value, ffn_error *error)
{
    *value = ffn__json_find(object, key);
    if (!*value) return ffn_fail(error, FFN_BAD_FORMAT, "%s has no %s", what, key);
    if ((*value)->type == type) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is %s; expected %s", what, key, type_name((*value)->type),
                    type_name(type));
}

ffn_status ffn__json_get_size(const ffn__json *value, const char *name, size_t low, size_t high, const char *what,
                              size_t *size, ffn_error *error)
{
    uint64_t number;
    if (!ffn__json_whole(value, high, &number) || number < low)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s: %s is %s; expected a whole number from %zu to %zu", what, name,
                        ffn__json_text(value) ? ffn__json_text(value) : type_name(value->type), low, high);
    *size = (size_t)number;
    return FFN_OK;
}

ffn_status ffn__json_get_string(const ffn__json *object, const char *key, const char *what, const char **string,
                                ffn_error *error)
{
    const ffn__json *value;
    const ffn_status status = ffn__json_member(object, key, FFN__JSON_STRING, what, &value, error);
    if (status == FFN_OK) *string = ffn__json_text(value);
    return status;
}

ffn_status ffn__json_get_shape(const ffn__json *value, const char *what, ffn_shape *shape, ffn_error *error)
{
    ffn_status status = FFN_OK;
    *shape = (ffn_shape){.rank = 0};
    if (value->type != FFN__JSON_ARRAY || value->count > FFN_MAX_RANK)
        return ffn_fail(error, FFN_BAD_FORMAT, "%s is no array of at most %d sizes", what, FFN_MAX_RANK);
    for (const ffn__json *v = ffn__json_first(value); v && status == FFN_OK; v = ffn__json_next(value, v))
        status = ffn__json_get_size(v, "a dimension", 0, SIZE_MAX, what, &shape->dim[shape->rank++], error);
    return status;
}

ffn_status ffn__json_only(const ffn__json *object, const char *const *known, size_t count, const char *what,
                          ffn_error *error)
{
    uint32_t seen = 0; /* bits: there are never more than 32 */
    for (const ffn__json *v = ffn__json_first(object); v; v = ffn__json_next(object, v)) {
        size_t i = 0;
        while (i < count && strcmp(known[i], ffn__json_name(v)) != 0) i++;
        if (i == count)
            return ffn_fail(error, FFN_UNSUPPORTED, "%s: %.60s is nothing that version %s knows", what,
                            ffn__json_name(v), ffn_version());
        if (seen & (uint32_t)1 << i)
            return ffn_fail(error, FFN_BAD_FORMAT, "%s has %.60s twice", what, ffn__json_name(v));
        seen |= (uint32_t)1 << i;
    }
    return FFN_OK;
}
