/* A model as a table: layers, output shapes, parameters. */
#include <stdarg.h>
#include <stdio.h>
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
    const int n = vsnprintf(room ? t->bytes + t->length : NULL, room, format, arguments);
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
        if (field->type == FFN_FIELD_BOOL) append(&t, "%s", *(const bool *)(const void *)at ? "yes" : "no");
        if (field->type == FFN_FIELD_ACTIVATION) {
            const ffn_activation_ops *ops = ((const ffn_activation *)(const void *)at)->ops;
            append(&t, "%s", ops ? ops->name : "linear");
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

static void append_row(text *t, const ffn_model *model, size_t node)
{
    const ffn__node *n = &model->nodes[node];
    char shape[64], details[96] = "";
    (void)ffn__shape_format(n->shape, shape, sizeof(shape));
    const bool input = n->layer == FFN__NONE;
    if (!input) describe(&model->layers[n->layer], details, sizeof(details));
    append(t, "%-20s %-20s %12zu  %s%s\n", ffn__node_name(model, node), shape,
           input ? (size_t)0 : layer_parameters(model, n->layer, false), details,
           !input && model->layers[n->layer].frozen ? " (frozen)" : "");
}

size_t ffn_model_summary(const ffn_model *model, char *bytes, size_t size)
{
    text t = {bytes, bytes ? size : 0, 0};
    if (t.size) bytes[0] = '\0';
    if (!model || !model->built) return 0;
    append(&t, "%-20s %-20s %12s  %s\n", "layer", "output", "parameters", "details");
    size_t all = 0, trainable = 0;
    for (size_t i = 0; i < model->node_count; i++) append_row(&t, model, i);
    for (size_t i = 0; i < model->layer_count; i++) {
        all += layer_parameters(model, i, false);
        trainable += layer_parameters(model, i, true);
    }
    append(&t, "%zu parameters, %zu trainable\n", all, trainable);
    return t.length;
}
