/* A model as a table: layers, output shapes, parameters. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "backprop/model.h"

/* Text that is cut at `size` while its whole length is counted. */
typedef struct text {
    char *bytes;
    size_t size, length;
} text;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
append(text *t, const char *format, ...)
{
    const size_t room = t->length < t->size ? t->size - t->length : 0;
    va_list arguments;
    va_start(arguments, format);
    const int n = ffn__format(room ? t->bytes + t->length : NULL, room, format, arguments);
    va_end(arguments);
    if (n > 0) t->length += (size_t)n;
}

/* "units=128, activation=relu" of a layer's config, cut to size. */
static void describe(const ffn__layer *layer, char *bytes, size_t size)
{
    text t = {bytes, size, 0};
    bytes[0] = '\0';
    for (size_t i = 0; i < layer->ops->field_count; i++) {
        const ffn_field *field = &layer->ops->fields[i];
        const unsigned char *at = (const unsigned char *)layer->config + field->offset;
        append(&t, "%s%s=", i ? ", " : "", field->name);
        if (field->type == FFN_FIELD_SIZE) append(&t, "%zu", *(const size_t *)(const void *)at);
        if (field->type == FFN_FIELD_FLOAT) append(&t, "%g", (double)*(const float *)(const void *)at);
        if (field->type == FFN_FIELD_DOUBLE) append(&t, "%g", *(const double *)(const void *)at);
        if (field->type == FFN_FIELD_UINT64) append(&t, "%" PRIu64, *(const uint64_t *)(const void *)at);
        if (field->type == FFN_FIELD_BOOL) append(&t, "%s", *(const bool *)(const void *)at ? "yes" : "no");
        if (field->type == FFN_FIELD_ACTIVATION) {
            const ffn_activation_ops *ops = ((const ffn_activation *)(const void *)at)->ops;
            append(&t, "%s", ops ? ops->name : "linear");
        }
        if (field->type == FFN_FIELD_SHAPE) {
            char shape[96];
            (void)ffn__shape_format(*(const ffn_shape *)(const void *)at, shape, sizeof(shape));
            append(&t, "%s", shape);
        }
    }
}

static size_t layer_parameters(const ffn_model *model, size_t layer, bool trainable_only)
{
    size_t count = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].layer == layer && (!trainable_only || ffn__parameter_trainable(model, i)))
            count += model->parameters[i].size;
    return count;
}

/* Widths of the table's first columns: of the widest entry, but at most 40. */
typedef struct widths {
    int name, shape;
} widths;

static int wider(int width, size_t length) { return length > 40 ? 40 : (int)length > width ? (int)length : width; }

static widths measure(const ffn_model *model)
{
    widths w = {(int)strlen("layer"), (int)strlen("output")};
    for (size_t i = 0; i < model->node_count; i++) {
        w.name = wider(w.name, strlen(ffn__node_name(model, i)));
        w.shape = wider(w.shape, ffn__shape_format(model->nodes[i].shape, NULL, 0));
    }
    return w;
}

static void append_row(text *t, widths w, const ffn_model *model, size_t node)
{
    const ffn__node *n = &model->nodes[node];
    char shape[96], details[96] = "";
    (void)ffn__shape_format(n->shape, shape, sizeof(shape));
    const bool input = n->layer == FFN__NONE;
    if (!input) describe(&model->layers[n->layer], details, sizeof(details));
    append(t, "%-*s  %-*s  %10zu%s%s%s\n", w.name, ffn__node_name(model, node), w.shape, shape,
           input ? (size_t)0 : layer_parameters(model, n->layer, false), *details ? "  " : "", details,
           !input && model->layers[n->layer].frozen ? " (frozen)" : "");
}

size_t ffn_model_summary(const ffn_model *model, char *bytes, size_t size)
{
    text t = {bytes, bytes ? size : 0, 0};
    if (t.size) bytes[0] = '\0';
    if (!model || model->draft) return 0;
    const widths w = measure(model);
    append(&t, "%-*s  %-*s  %10s  %s\n", w.name, "layer", w.shape, "output", "parameters", "details");
    size_t all = 0, trainable = 0;
    for (size_t i = 0; i < model->node_count; i++) append_row(&t, w, model, i);
    for (size_t i = 0; i < model->layer_count; i++) {
        all += layer_parameters(model, i, false);
        trainable += layer_parameters(model, i, true);
    }
    append(&t, "%zu parameters, %zu trainable\n", all, trainable);
    return t.length;
}
