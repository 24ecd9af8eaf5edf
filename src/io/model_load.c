/* A model from safetensors. The description is said again, call by call, to a new model, which checks it as it would a
 * program's; memory for layers and weights is taken when all of the file is known to be right. */
#include <stdio.h>
#include <string.h>

#include "data/file.h"
#include "io/model_read.h"

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Whether little-endian 32-bit floats are all finite. */
static bool are_finite(const unsigned char *bytes, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++) finite &= (bytes[4 * i + 3] & 0x7F) != 0x7F || (bytes[4 * i + 2] & 0x80) == 0;
    return finite;
}

ffn_status ffn__tensor_check(const ffn__safetensors *file, const char *name, ffn_shape shape, bool finite,
                             ffn_error *error)
{
    char expected[96], found[96];
    const ffn__tensor_entry *entry = ffn__safetensors_find(file, name);
    if (!entry) return ffn_fail(error, FFN_BAD_FORMAT, "the file has no tensor %.150s", name);
    (void)ffn__shape_format(shape, expected, sizeof expected);
    ffn__safetensors_format_shape(entry, found, sizeof found);
    if (entry->axes != shape.rank || !ffn_shape_equal(entry->shape, shape))
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s has the shape %s; expected %s", name, found, expected);
    if (entry->element != &ffn__float32)
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s is of another type; expected F32", name);
    if (finite && !are_finite(file->data + entry->begin, ffn_shape_size(shape)))
        return ffn_fail(error, FFN_BAD_FORMAT, "%.100s has a value that is not finite", name);
    return FFN_OK;
}

static void make_name(char name[256], const char *prefix, const ffn__parameter *p)
{
    (void)snprintf(name, 256, "%s%s", prefix, p->name);
}

ffn_status ffn__block_check(const ffn_model *model, const ffn__safetensors *file, const char *prefix, bool finite,
                            ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t i = 0; i < model->parameter_count && status == FFN_OK; i++) {
        char name[256];
        make_name(name, prefix, &model->parameters[i]);
        status = ffn__tensor_check(file, name, model->parameters[i].shape, finite, error);
    }
    return status;
}

void ffn__block_read(const ffn_model *model, const ffn__safetensors *file, const char *prefix, float *block,
                     float *scratch)
{
    for (size_t i = 0; i < model->parameter_count; i++) {
        char name[256];
        make_name(name, prefix, &model->parameters[i]);
        ffn__safetensors_values(file, ffn__safetensors_find(file, name), scratch);
        ffn__parameter_pack(model, i, scratch, block);
    }
}

size_t ffn__largest_parameter(const ffn_model *model)
{
    size_t largest = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].size > largest) largest = model->parameters[i].size;
    return largest;
}

/* ---- beside the architecture ----------------------------------------------------------------------------------- */

static ffn_status set_classes(const ffn__reading *r, const ffn__json *classes)
{
    const size_t count = classes->count; /* pointers here and in the model; the text is that of the tree */
    ffn_status status = ffn__json_spend(r->budget, 2 * count * sizeof(char *), "the classes", r->error);
    const char **names = status == FFN_OK ? ffn__alloc(count, sizeof *names, r->error) : NULL;
    if (status == FFN_OK && !names) status = FFN_OUT_OF_MEMORY;
    const ffn__json *v = ffn__json_first(classes);
    for (size_t i = 0; i < count && status == FFN_OK; i++, v = ffn__json_next(classes, v)) {
        names[i] = ffn__json_text(v);
        if (v->type != FFN__JSON_STRING)
            status = ffn_fail(r->error, FFN_BAD_FORMAT, "the name of class %zu is no string", i);
    }
    if (status == FFN_OK) status = ffn_model_set_class_names(r->model, names, count, r->error);
    ffn__free(names);
    return status;
}

/* Only where there are any; see ffn_model_set_categories. */
static ffn_status set_categories(const ffn__reading *r, const ffn__json *root)
{
    static const char what[] = "ffn.about";
    const ffn__json *columns, *categories;
    if (!ffn__json_find(root, "columns") && !ffn__json_find(root, "categories")) return FFN_OK;
    ffn_status status = ffn__json_member(root, "columns", FFN__JSON_ARRAY, what, &columns, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "categories", FFN__JSON_ARRAY, what, &categories, r->error);
    if (status != FFN_OK) return status;
    const size_t count = columns->count;
    if (categories->count != count)
        return ffn_fail(r->error, FFN_BAD_FORMAT, "%zu columns and %u categories; expected as many", count,
                        categories->count);
    status = ffn__json_spend(r->budget, 2 * count * (sizeof(char *) + sizeof(size_t)), "the categories", r->error);
    if (status != FFN_OK) return status;
    const char **names = ffn__alloc(count, sizeof *names, r->error);
    size_t *numbers = names ? ffn__alloc(count, sizeof *numbers, r->error) : NULL;
    const ffn__json *column = ffn__json_first(columns), *category = ffn__json_first(categories);
    status = numbers ? FFN_OK : FFN_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && status == FFN_OK; i++) {
        status = ffn__json_get_size(column, "a column", 0, count, what, &numbers[i], r->error);
        names[i] = ffn__json_text(category);
        if (status == FFN_OK && category->type != FFN__JSON_STRING)
            status = ffn_fail(r->error, FFN_BAD_FORMAT, "category %zu is no string", i);
        column = ffn__json_next(columns, column);
        category = ffn__json_next(categories, category);
    }
    ffn_error error = {FFN_OK, ""};
    if (status == FFN_OK && ffn_model_set_categories(r->model, numbers, names, count, &error) != FFN_OK)
        status = ffn_fail(r->error, error.status == FFN_OUT_OF_MEMORY ? FFN_OUT_OF_MEMORY : FFN_BAD_FORMAT, "%.250s",
                          error.message);
    ffn__free((void *)names);
    ffn__free(numbers);
    return status;
}

static ffn_status set_loss(const ffn__reading *r, const ffn__json *object)
{
    static const char *const known[] = {"kind", "numbers"};
    static const char what[] = "the loss";
    const char *name;
    const ffn__json *numbers;
    ffn_loss loss = {0};
    if (object->type != FFN__JSON_OBJECT) return ffn_fail(r->error, FFN_BAD_FORMAT, "the loss is no object");
    ffn_status status = ffn__json_only(object, known, 2, what, r->error);
    if (status == FFN_OK) status = ffn__json_get_string(object, "kind", what, &name, r->error);
    if (status == FFN_OK) status = ffn__json_member(object, "numbers", FFN__JSON_OBJECT, what, &numbers, r->error);
    if (status == FFN_OK && ffn_loss_by_name(name, &loss, NULL) != FFN_OK)
        status = ffn_fail(r->error, FFN_UNSUPPORTED, "the loss %.40s is not one of version %s", name, ffn_version());
    loss.delta = 0; /* what is not said */
    if (status == FFN_OK)
        status = ffn__json_get_fields(numbers, ffn__loss_numbers, FFN__LOSS_NUMBERS, &loss, NULL, what, r->error);
    if (status == FFN_OK && ffn__loss_check(&loss, 2, r->error) != FFN_OK)
        status = ffn_fail(r->error, FFN_BAD_FORMAT, "the numbers of the loss %s are out of their ranges", name);
    if (status == FFN_OK) r->model->loss = loss;
    return status;
}

static ffn_status set_about(const ffn__reading *r, const ffn__json *root)
{
    static const char *const known[] = {"build", "loss", "classes", "columns", "categories"};
    static const char what[] = "ffn.about";
    static const ffn_field seed = {"seed", FFN_FIELD_UINT64, offsetof(ffn_model, seed), 0, 0};
    const ffn__json *build, *classes;
    ffn_status status = ffn__json_only(root, known, sizeof known / sizeof *known, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "build", FFN__JSON_OBJECT, what, &build, r->error);
    if (status == FFN_OK) status = ffn__json_get_fields(build, &seed, 1, r->model, NULL, what, r->error);
    if (status == FFN_OK) status = ffn__json_member(root, "classes", FFN__JSON_ARRAY, what, &classes, r->error);
    const ffn__json *loss = ffn__json_find(root, "loss");
    if (status == FFN_OK && loss) status = set_loss(r, loss);
    if (status == FFN_OK) status = set_classes(r, classes);
    return status == FFN_OK ? set_categories(r, root) : status;
}

static ffn_status read_about(const ffn__reading *r, const ffn__safetensors *file)
{
    const ffn__note *note;
    const ffn__json *root = NULL;
    ffn_status status = ffn__safetensors_note(file, "ffn.about", &note, r->error);
    if (status == FFN_OK && !note) status = ffn_fail(r->error, FFN_BAD_FORMAT, "the file lacks ffn.about");
    if (status == FFN_OK) status = ffn__json_parse(note->value, note->size, r->budget, "ffn.about", &root, r->error);
    if (status == FFN_OK) status = ffn__json_spend(r->budget, note->size, "names", r->error); /* copies of them */
    if (status == FFN_OK) status = set_about(r, root);
    ffn__free((void *)root);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

ffn_status ffn__check_format(const ffn__safetensors *file, const ffn__note **note, ffn_error *error)
{
    const ffn__note *format;
    char expected[16];
    if (!file->checked)
        return ffn_fail(error, FFN_BAD_FORMAT,
                        "it is no file of ffn_model_save: a checksum is not where it should be; for weights from "
                        "elsewhere see ffn_model_load_weights");
    ffn_status status = ffn__safetensors_note(file, "ffn.format", &format, error);
    if (status == FFN_OK) status = ffn__safetensors_note(file, "ffn.model", note, error);
    if (status != FFN_OK) return status;
    if (!format || !*note) return ffn_fail(error, FFN_BAD_FORMAT, "the file lacks ffn.format or ffn.model");
    (void)snprintf(expected, sizeof expected, "%d", FFN__FORMAT_VERSION);
    if (strcmp(format->value, expected) == 0) return FFN_OK;
    return ffn_fail(error, FFN_UNSUPPORTED, "the file has format %.20s; version %s of the library reads format %s",
                    format->value, ffn_version(), expected);
}

static ffn_status read_model(const ffn__reading *r, const ffn__safetensors *file)
{
    const ffn__note *note;
    const ffn__json *root = NULL;
    ffn__graph graph = {.nodes = NULL};
    ffn_status status = ffn__check_format(file, &note, r->error);
    if (status == FFN_OK) status = ffn__json_parse(note->value, note->size, r->budget, "ffn.model", &root, r->error);
    if (status == FFN_OK) status = ffn__graph_try(&graph, r, root, file);
    if (status == FFN_OK) status = read_about(r, file);
    const size_t features = r->model->encoding.features;
    if (status == FFN_OK && features > 0 && features != graph.input_size)
        status = ffn_fail(r->error, FFN_BAD_FORMAT, "%zu columns; expected one for each of %zu inputs", features,
                          graph.input_size);
    if (status == FFN_OK) status = ffn__graph_build(&graph, r);
    ffn__graph_destroy(&graph);
    ffn__free((void *)root);
    return status;
}

ffn_model *ffn__model_read(const ffn__safetensors *file, const ffn_file_options *options, ffn__json_budget *budget,
                           ffn_error *error)
{
    ffn_error local = {FFN_OK, ""};
    ffn__reading r = {.options = options, .budget = budget, .error = error ? error : &local};
    r.model = ffn_model_create(0, r.error);
    if (r.model && read_model(&r, file) == FFN_OK) {
        float *scratch = ffn__alloc(ffn__largest_parameter(r.model), sizeof(float), r.error);
        const bool allocated = scratch && ffn__model_allocate(r.model, r.error) == FFN_OK;
        if (allocated) ffn__block_read(r.model, file, "", r.model->values, scratch);
        ffn__free(scratch);
        if (allocated) {
            ffn__model_settle(r.model);
            return r.model;
        }
    }
    ffn_model_destroy(r.model);
    return NULL;
}

static ffn_model *load(const void *bytes, size_t size, const ffn_file_options *options, ffn_error *error)
{
    ffn__safetensors file;
    const ffn_file_limits limits = ffn__limits(options, size);
    if (!bytes) {
        (void)ffn_fail(error, FFN_INVALID_ARGUMENT, "loading a model: the bytes are NULL");
        return NULL;
    }
    if (ffn__safetensors_read(&file, bytes, size, &limits, error) != FFN_OK) return NULL;
    ffn__json_budget budget = ffn__json_budget_of(&limits, file.memory);
    ffn_model *model = ffn__model_read(&file, options, &budget, error);
    ffn__safetensors_destroy(&file);
    return model;
}

ffn_model *ffn_model_load_memory(const void *bytes, size_t size, ffn_error *error)
{
    return load(bytes, size, NULL, error);
}

ffn_model *ffn_model_load_with(const char *path, const ffn_file_options *options, ffn_error *error)
{
    char *bytes;
    size_t size;
    if (ffn__read_file(path, &bytes, &size, error) != FFN_OK) return NULL;
    ffn_model *model = load(bytes, size, options, error);
    if (!model) ffn__name_file(error, path);
    ffn__free(bytes);
    return model;
}

ffn_model *ffn_model_load(const char *path, ffn_error *error) { return ffn_model_load_with(path, NULL, error); }

/* Gives back what was had too much: the limits count on a file in memory of its size. */
static ffn_status trim(void **bytes, size_t capacity, size_t size, ffn_error *error)
{
    if (capacity - size <= size / 8) return FFN_OK;
    void *less = ffn__alloc(size, 1, error);
    if (!less) return FFN_OUT_OF_MEMORY;
    memcpy(less, *bytes, size);
    ffn__free(*bytes);
    *bytes = less;
    return FFN_OK;
}

ffn_model *ffn_model_load_from(ffn_read_function read, void *user, const ffn_file_options *options, ffn_error *error)
{
    void *bytes = NULL;
    size_t capacity = 0, size = 0, count = 1;
    ffn_model *model = NULL;
    ffn_status status =
        read ? FFN_OK : ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_model_load_from: the function is NULL");
    while (status == FFN_OK && count > 0) {
        status = ffn__grow(&bytes, &capacity, size < 4096 ? 4096 : size + 1, 1, error);
        if (status != FFN_OK) break;
        count = 0;
        const int code = read(user, (char *)bytes + size, capacity - size, &count);
        if (code != 0 || count > capacity - size)
            status = ffn_fail(error, FFN_IO_ERROR, "the function that reads answered %d, with %zu bytes", code, count);
        else
            size += count;
    }
    if (status == FFN_OK) status = trim(&bytes, capacity, size, error);
    if (status == FFN_OK) model = load(bytes, size, options, error);
    ffn__free(bytes);
    return model;
}
