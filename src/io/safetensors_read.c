/* The header is read where it stands, with memory for what it names and no more; it has a fixed form of three levels. */
#include "io/safetensors.h"

#include <stdio.h>
#include <string.h>

#include "io/json_scan.h"

typedef struct dtype {
    const char *name;
    size_t bits;
    const ffn__element *element; /* NULL: it is only passed over */
} dtype;

/* All that the format has. */
static const dtype dtypes[] = {
    {"F32", 32, &ffn__float32},    {"F64", 64, &ffn__float64},
    {"F16", 16, &ffn__float16},    {"BF16", 16, &ffn__bfloat16},
    {"BOOL", 8, &ffn__boolean},    {"U8", 8, &ffn__unsigned8},
    {"U16", 16, &ffn__unsigned16}, {"U32", 32, &ffn__unsigned32},
    {"U64", 64, &ffn__unsigned64}, {"I8", 8, &ffn__signed8},
    {"I16", 16, &ffn__signed16},   {"I32", 32, &ffn__signed32},
    {"I64", 64, &ffn__signed64},   {"C64", 64, NULL},
    {"F8_E5M2", 8, NULL},          {"F8_E4M3", 8, NULL},
    {"F8_E8M0", 8, NULL},          {"F8_E5M2FNUZ", 8, NULL},
    {"F8_E4M3FNUZ", 8, NULL},      {"F6_E2M3", 6, NULL},
    {"F6_E3M2", 6, NULL},          {"F4", 4, NULL},
};

/* ---- the header's text ---------------------------------------------------------------------------------------- */

/* Members of an object, one after another: `member` takes what follows each key's colon. */
static ffn_status take_object(ffn__scan *s, ffn_status (*member)(ffn__scan *s, const char *key, void *context),
                              void *context)
{
    if (!ffn__scan_take(s, '{')) return ffn__scan_fail(s, "an object");
    if (ffn__scan_take(s, '}')) return FFN_OK;
    do {
        const char *key;
        ffn_status status = ffn__scan_string(s, &key, NULL);
        if (status == FFN_OK && !ffn__scan_take(s, ':')) status = ffn__scan_fail(s, "a colon");
        if (status == FFN_OK) status = member(s, key, context);
        if (status != FFN_OK) return status;
    } while (ffn__scan_take(s, ','));
    return ffn__scan_take(s, '}') ? FFN_OK : ffn__scan_fail(s, "the end of an object");
}

/* ---- what it says ---------------------------------------------------------------------------------------------- */

/* In the first pass it is only counted how much of everything there is. */
typedef struct header {
    ffn__safetensors *file;
    size_t most; /* tensors, and notes */
    bool counts; /* the first pass */
} header;

typedef struct tensor_text {
    ffn__tensor_entry *entry;
    size_t element_bits, count; /* of elements */
    bool countable;             /* they are no more than memory has addresses */
    unsigned seen;              /* bits: dtype, shape, data_offsets */
} tensor_text;

static ffn_status take_dtype(ffn__scan *s, tensor_text *t)
{
    const char *name;
    const ffn_status status = ffn__scan_string(s, &name, NULL);
    if (status != FFN_OK) return status;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0) {
            t->entry->element = dtypes[i].element;
            t->element_bits = dtypes[i].bits;
            return FFN_OK;
        }
    return ffn_fail(s->error, FFN_UNSUPPORTED,
                    "safetensors: a tensor of the type %.40s, which version %s does not know", name, ffn_version());
}

/* A tensor that nobody asks for may have more axes than the library's: as many as NumPy's and PyTorch's have. */
static ffn_status take_shape(ffn__scan *s, tensor_text *t)
{
    enum { MOST_AXES = 64 };
    size_t dims[MOST_AXES], axes;
    const ffn_status status = ffn__scan_sizes(s, MOST_AXES, dims, &axes);
    if (status != FFN_OK) return status;
    t->count = 1;
    t->countable = true;
    for (size_t i = 0; i < axes; i++) t->countable = t->countable && ffn__multiply(t->count, dims[i], &t->count);
    t->entry->axes = axes;
    t->entry->shape.rank = axes <= FFN_MAX_RANK ? axes : 0;
    memcpy(t->entry->shape.dim, dims, t->entry->shape.rank * sizeof *dims);
    return FFN_OK;
}

static ffn_status take_property(ffn__scan *s, const char *key, void *tensor)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    tensor_text *t = tensor;
    size_t offsets[2], count, which = 0;
    while (which < 3 && strcmp(keys[which], key) != 0) which++;
    if (which == 3 || t->seen & 1u << which)
        return ffn_fail(s->error, FFN_BAD_FORMAT, "safetensors: a tensor has %s %.40s",
                        which == 3 ? "the unknown property" : "twice the property", key);
    t->seen |= 1u << which;
    if (which == 0) return take_dtype(s, t);
    if (which == 1) return take_shape(s, t);
    const ffn_status status = ffn__scan_sizes(s, 2, offsets, &count);
    if (status != FFN_OK) return status;
    if (count != 2) return ffn__scan_fail(s, "two offsets");
    t->entry->begin = offsets[0];
    t->entry->end = offsets[1];
    return FFN_OK;
}

/* Whether the tensor's offsets leave its elements their place. */
static bool is_filled(const tensor_text *t)
{
    size_t bits;
    return t->countable && ffn__multiply(t->count, t->element_bits, &bits) && bits % 8 == 0 &&
           t->entry->end >= t->entry->begin && t->entry->end - t->entry->begin == bits / 8;
}

static ffn_status take_tensor(ffn__scan *s, const char *name, header *h)
{
    ffn__tensor_entry none = {0};
    tensor_text t = {.entry = h->counts ? &none : &h->file->tensors[h->file->tensor_count]};
    if (h->file->tensor_count++ == h->most)
        return ffn_fail(s->error, FFN_BAD_FORMAT, "safetensors: more than %zu tensors; see ffn_file_limits", h->most);
    t.entry->name = name;
    const ffn_status status = take_object(s, take_property, &t);
    if (status != FFN_OK || h->counts) return status;
    if (t.seen != 7)
        return ffn_fail(s->error, FFN_BAD_FORMAT, "safetensors: %.60s lacks dtype, shape or data_offsets", name);
    if (t.entry->axes > FFN_MAX_RANK) t.entry->element = NULL;
    if (is_filled(&t)) return FFN_OK;
    return ffn_fail(s->error, FFN_BAD_FORMAT, "safetensors: %.60s: its offsets are not those of its shape", name);
}

static ffn_status take_note(ffn__scan *s, const char *key, void *context)
{
    const header *h = context;
    ffn__note none, *note = h->counts ? &none : &h->file->notes[h->file->note_count];
    if (h->file->note_count++ == h->most)
        return ffn_fail(s->error, FFN_BAD_FORMAT, "safetensors: more than %zu metadata; see ffn_file_limits", h->most);
    note->key = key;
    return ffn__scan_string(s, &note->value, &note->size);
}

static ffn_status take_entry(ffn__scan *s, const char *key, void *context)
{
    return strcmp(key, "__metadata__") == 0 ? take_object(s, take_note, context) : take_tensor(s, key, context);
}

static ffn_status take_header(ffn__scan *s, header *h)
{
    s->at = s->start;
    s->used = 0;
    h->file->tensor_count = h->file->note_count = 0;
    const ffn_status status = take_object(s, take_entry, h);
    if (status != FFN_OK) return status;
    while (s->at < s->end && *s->at == ' ') s->at++;
    return s->at == s->end ? FFN_OK : ffn__scan_fail(s, "nothing but spaces after the object");
}

/* ---- whether it is one ----------------------------------------------------------------------------------------- */

static bool by_name(const ffn__tensor_entry *a, const ffn__tensor_entry *b) { return strcmp(a->name, b->name) < 0; }

static bool by_place(const ffn__tensor_entry *a, const ffn__tensor_entry *b)
{
    return a->begin < b->begin || (a->begin == b->begin && a->end < b->end);
}

/* Heap sort: linear but for a logarithm, whatever the order is, without memory or recursion. */
static void sort(ffn__tensor_entry *entries, size_t count,
                 bool (*less)(const ffn__tensor_entry *a, const ffn__tensor_entry *b))
{
    for (size_t start = count / 2, end = count; end > 1;) {
        if (start > 0) {
            start--;
        } else {
            end--;
            const ffn__tensor_entry last = entries[end];
            entries[end] = entries[0];
            entries[0] = last;
        }
        const ffn__tensor_entry entry = entries[start];
        size_t at = start;
        for (size_t child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && less(&entries[child], &entries[child + 1])) child++;
            if (!less(&entry, &entries[child])) break;
            entries[at] = entries[child];
        }
        entries[at] = entry;
    }
}

/* The tensors cover the data, each byte once. */
static ffn_status check_cover(ffn__safetensors *file, size_t data_size, ffn_error *error)
{
    size_t end = 0;
    sort(file->tensors, file->tensor_count, by_place);
    for (size_t i = 0; i < file->tensor_count; i++) {
        const ffn__tensor_entry *t = &file->tensors[i];
        if (t->begin != end || t->end > data_size)
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "safetensors: %.60s has the bytes from %zu to %zu of %zu; expected them to begin at %zu",
                            t->name, t->begin, t->end, data_size, end);
        end = t->end;
    }
    if (end == data_size) return FFN_OK;
    return ffn_fail(error, FFN_BAD_FORMAT, "safetensors: %zu bytes of data, of which tensors have %zu", data_size, end);
}

static ffn_status check_names(ffn__safetensors *file, ffn_error *error)
{
    sort(file->tensors, file->tensor_count, by_name);
    for (size_t i = 1; i < file->tensor_count; i++)
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0)
            return ffn_fail(error, FFN_BAD_FORMAT, "safetensors: two tensors are named %.60s", file->tensors[i].name);
    return FFN_OK;
}

static ffn_status check_checksum(ffn__safetensors *file, const unsigned char *bytes, size_t size, ffn_error *error)
{
    static const char zeros[] = "00000000", digits[] = "0123456789abcdef";
    const size_t after = FFN__CHECKSUM_PLACE + FFN__CHECKSUM_DIGITS;
    if (size < after || memcmp(bytes + 8, FFN__CHECKSUM_START, sizeof(FFN__CHECKSUM_START) - 1) != 0) return FFN_OK;
    uint32_t crc = ffn__crc32(0, bytes, FFN__CHECKSUM_PLACE);
    crc = ffn__crc32(crc, zeros, FFN__CHECKSUM_DIGITS);
    crc = ffn__crc32(crc, bytes + after, size - after);
    for (size_t i = 0; i < FFN__CHECKSUM_DIGITS; i++)
        if (bytes[FFN__CHECKSUM_PLACE + i] != (unsigned char)digits[crc >> (28 - 4 * i) & 0xF])
            return ffn_fail(error, FFN_BAD_FORMAT,
                            "safetensors: the checksum is that of another file: it was changed, or cut");
    file->checked = true;
    return FFN_OK;
}

/* ---- the whole file -------------------------------------------------------------------------------------------- */

static ffn_status read_header(ffn__scan *s, ffn__safetensors *file, size_t most, ffn_error *error)
{
    header h = {.file = file, .most = most, .counts = true};
    file->text = ffn__alloc((size_t)(s->end - s->start) + 1, 1, error);
    if (!file->text) return FFN_OUT_OF_MEMORY;
    s->text = file->text;
    const ffn_status status = take_header(s, &h);
    if (status != FFN_OK) return status;
    file->tensors = ffn__alloc(file->tensor_count, sizeof *file->tensors, error);
    file->notes = file->tensors ? ffn__alloc(file->note_count, sizeof *file->notes, error) : NULL;
    if (!file->notes) return FFN_OUT_OF_MEMORY;
    file->memory = (size_t)(s->end - s->start) + 1 + file->tensor_count * sizeof *file->tensors +
                   file->note_count * sizeof *file->notes;
    h.counts = false;
    return take_header(s, &h);
}

ffn_status ffn__safetensors_read(ffn__safetensors *file, const void *bytes, size_t size, const ffn_file_limits *limits,
                                 ffn_error *error)
{
    const unsigned char *all = bytes;
    uint64_t length = 0;
    *file = (ffn__safetensors){0};
    for (size_t i = 8; size >= 8 && i-- > 0;) length = length << 8 | all[i];
    if (size < 8 || length < 2 || length > size - 8)
        return ffn_fail(error, FFN_BAD_FORMAT, "safetensors: %zu bytes with a header of %llu: it is cut, or none", size,
                        (unsigned long long)length);
    if (length > limits->header)
        return ffn_fail(error, FFN_BAD_FORMAT, "safetensors: a header of %llu bytes; expected at most %zu",
                        (unsigned long long)length, limits->header);
    const char *start = (const char *)all + 8;
    ffn__scan s = {.what = "safetensors, the header", .start = start, .end = start + length, .error = error};
    file->data = all + 8 + length;
    ffn_status status = check_checksum(file, all, size, error);
    if (status == FFN_OK) status = read_header(&s, file, limits->tensors, error);
    if (status == FFN_OK) status = check_cover(file, size - 8 - (size_t)length, error);
    if (status == FFN_OK) status = check_names(file, error);
    if (status != FFN_OK) ffn__safetensors_destroy(file);
    return status;
}

void ffn__safetensors_destroy(ffn__safetensors *file)
{
    ffn__free(file->tensors);
    ffn__free(file->notes);
    ffn__free(file->text);
    *file = (ffn__safetensors){0};
}

/* ---- use ------------------------------------------------------------------------------------------------------- */

const ffn__tensor_entry *ffn__safetensors_find(const ffn__safetensors *file, const char *name)
{
    size_t low = 0, high = file->tensor_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, file->tensors[middle].name);
        if (order == 0) return &file->tensors[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void ffn__safetensors_format_shape(const ffn__tensor_entry *entry, char *text, size_t size)
{
    if (entry->axes <= FFN_MAX_RANK)
        (void)ffn__shape_format(entry->shape, text, size);
    else
        (void)snprintf(text, size, "%zu axes", entry->axes);
}

ffn_status ffn__safetensors_note(const ffn__safetensors *file, const char *key, const ffn__note **note,
                                 ffn_error *error)
{
    *note = NULL;
    for (size_t i = 0; i < file->note_count; i++) {
        if (strcmp(file->notes[i].key, key) != 0) continue;
        if (*note) return ffn_fail(error, FFN_BAD_FORMAT, "safetensors: the metadata have %s twice", key);
        *note = &file->notes[i];
    }
    return FFN_OK;
}

void ffn__safetensors_values(const ffn__safetensors *file, const ffn__tensor_entry *entry, float *values)
{
    const size_t count = ffn_shape_size(entry->shape);
    entry->element->convert(file->data + entry->begin, entry->element->size, count, FFN__LITTLE_ENDIAN, values);
}

bool ffn__safetensors_doubles(const ffn__safetensors *file, const char *name, ffn_shape shape, double *values)
{
    const ffn__tensor_entry *entry = ffn__safetensors_find(file, name);
    if (!entry || entry->element != &ffn__float64 || !ffn_shape_equal(entry->shape, shape)) return false;
    const unsigned char *at = file->data + entry->begin;
    for (size_t i = 0; i < ffn_shape_size(shape); i++, at += 8) {
        uint64_t bits = 0;
        for (size_t k = 8; k-- > 0;) bits = bits << 8 | at[k];
        memcpy(&values[i], &bits, sizeof bits);
    }
    return true;
}

ffn_file_limits ffn__limits(const ffn_file_options *options, size_t size)
{
    ffn_file_limits l = options ? options->limits : (ffn_file_limits){0};
    size_t memory;
    if (l.header == 0) l.header = 100u << 20;
    if (l.tensors == 0) l.tensors = 65536;
    if (l.layers == 0) l.layers = 4096;
    if (l.depth == 0) l.depth = 16;
    if (l.memory == 0)
        l.memory = ffn__multiply(size, 3, &memory) && ffn__sum(memory, 768u << 10, &memory) ? memory : SIZE_MAX;
    return l;
}
