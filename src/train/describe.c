/* The options of a training as text. */
#include <stdio.h>
#include <string.h>

#include "train/lbfgs.h"

/* Text that grows like snprintf's: what does not fit is counted. */
typedef struct text {
    char *at;
    size_t left, length;
} text;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
add(text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int written = ffn__format(t->at, t->left, format, arguments);
    va_end(arguments);
    if (written < 0) return;
    const size_t length = (size_t)written, moved = length < t->left ? length : t->left;
    t->length += length;
    t->left -= moved;
    if (t->at) t->at += moved;
}

static void add_line(text *t, const char *name) { add(t, "%-20s", name); }

static void add_number(text *t, const char *name, double value, const char *zero)
{
    add_line(t, name);
    if (value == 0 && zero)
        add(t, "%s\n", zero);
    else
        add(t, "%g\n", value);
}

static void add_count(text *t, const char *name, size_t value, const char *zero)
{
    add_line(t, name);
    if (value == 0 && zero)
        add(t, "%s\n", zero);
    else
        add(t, "%zu\n", value);
}

static void add_loss(text *t, const ffn_loss *l)
{
    add_line(t, "loss");
    add(t, "%s\n", l->ops ? l->ops->name : "by the network's output");
    if (l->delta != 0) add_number(t, "delta", (double)l->delta, NULL);
    if (l->positive_weight != 0) add_number(t, "positive_weight", (double)l->positive_weight, NULL);
    if (l->label_smoothing != 0) add_number(t, "label_smoothing", (double)l->label_smoothing, NULL);
    if (l->class_weights) add_count(t, "class_weights", l->classes, NULL);
}

/* Fields of a struct by their names, behind others on a line; those that are 0 are left out. */
typedef struct named_number {
    const char *name;
    float value;
} named_number;
typedef struct named_flag {
    const char *name;
    bool value;
} named_flag;

static void add_numbers(text *t, size_t count, const named_number *numbers)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i].value != 0) add(t, ", %s %g", numbers[i].name, (double)numbers[i].value);
}

static void add_flags(text *t, size_t count, const named_flag *flags)
{
    for (size_t i = 0; i < count; i++)
        if (flags[i].value) add(t, ", %s", flags[i].name);
}

static void add_optimizer(text *t, const ffn_optimizer *o)
{
    const named_number numbers[] = {{"momentum", o->momentum},
                                    {"dampening", o->dampening},
                                    {"alpha", o->alpha},
                                    {"beta1", o->beta1},
                                    {"beta2", o->beta2},
                                    {"epsilon", o->epsilon},
                                    {"weight_decay", o->weight_decay},
                                    {"learning_rate_decay", o->learning_rate_decay},
                                    {"initial_accumulator", o->initial_accumulator},
                                    {"momentum_decay", o->momentum_decay},
                                    {"eta_minus", o->eta_minus},
                                    {"eta_plus", o->eta_plus},
                                    {"step_min", o->step_min},
                                    {"step_max", o->step_max}};
    const named_flag flags[] = {{"nesterov", o->nesterov},
                                {"centered", o->centered},
                                {"amsgrad", o->amsgrad},
                                {"spare_biases", o->spare_biases}};
    add_line(t, "optimizer");
    add(t, "%s, learning_rate %g", o->ops->name ? o->ops->name : "of one's own", (double)o->learning_rate);
    add_numbers(t, sizeof(numbers) / sizeof(numbers)[0], numbers);
    if (o->ops == &ffn__lbfgs_ops) add(t, ", history %zu", ffn__lbfgs_history(o));
    add_flags(t, sizeof(flags) / sizeof(flags)[0], flags);
    add(t, "\n");
}

static void add_augmentation(text *t, const ffn_augmentation *a)
{
    add_line(t, "augmentation");
    if (!a) {
        add(t, "none\n");
        return;
    }
    const float smoothness = a->elastic_strength != 0 && a->elastic_smoothness == 0 ? 4 : a->elastic_smoothness;
    const named_number numbers[] = {{"shift", a->shift},
                                    {"rotation", a->rotation},
                                    {"scale", a->scale},
                                    {"shear", a->shear},
                                    {"elastic_strength", a->elastic_strength},
                                    {"elastic_smoothness", smoothness},
                                    {"noise", a->noise},
                                    {"fill", a->fill},
                                    {"mixup", a->mixup}};
    const named_flag flags[] = {
        {"flip_horizontal", a->flip_horizontal}, {"flip_vertical", a->flip_vertical}, {"custom", a->custom != NULL}};
    add(t, "each row anew");
    add_numbers(t, sizeof(numbers) / sizeof(numbers)[0], numbers);
    add_flags(t, sizeof(flags) / sizeof(flags)[0], flags);
    if (a->cutout > 0) add(t, ", cutout %zu", a->cutout);
    if (a->height > 0) add(t, ", height %zu, width %zu", a->height, a->width);
    add(t, "\n");
}

static void add_schedule(text *t, const ffn_schedule *s)
{
    add_line(t, "schedule");
    add(t, "%s", s->ops && s->ops->name ? s->ops->name : "constant_rate");
    if (s->steps > 0) add(t, ", steps %zu", s->steps);
    if (s->multiple > 0) add(t, ", multiple %zu", s->multiple);
    if (s->factor != 0) add(t, ", factor %g", (double)s->factor);
    if (s->warmup > 0) add(t, ", warmup %zu", s->warmup);
    add(t, "\n");
}

static void add_stopping(text *t, const ffn_fit_options *o)
{
    static const char *const monitors[] = {"loss", "accuracy", "score", "metric"};
    add_line(t, "validation");
    if (o->validation)
        add(t, "%zu rows\n", ffn_dataset_rows(o->validation));
    else if (o->validation_fraction > 0)
        add(t, "%g of the data\n", (double)o->validation_fraction);
    else
        add(t, "none\n");
    add_line(t, "monitor");
    add(t, "%s\n", (unsigned)o->monitor <= FFN_MONITOR_METRIC ? monitors[o->monitor] : "unknown");
    add_line(t, "metric");
    add(t, "%s\n", o->metric ? o->metric : "none");
    add_count(t, "patience", o->patience, "no early stopping");
    add_number(t, "min_delta", (double)o->min_delta, NULL);
    add_line(t, "restore_best");
    add(t, "%s\n", o->restore_best ? "yes" : "no");
}

static void add_checkpoints(text *t, const ffn_fit_options *o)
{
    add_line(t, "checkpoint_path");
    add(t, "%s\n", o->checkpoint_path ? o->checkpoint_path : "none");
    if (!o->checkpoint_path) return;
    add_count(t, "checkpoint_every", o->checkpoint_every, "epoch");
    add_line(t, "resume");
    add(t, "%s\n", o->resume ? "yes" : "no");
}

size_t ffn_fit_options_summary(const ffn_fit_options *options, char *buffer, size_t size)
{
    const ffn_fit_options defaults = ffn_fit_defaults();
    ffn_fit_options o = options ? *options : defaults;
    text t = {buffer, buffer ? size : 0, 0};
    if (!o.optimizer.ops) o.optimizer = defaults.optimizer;
    add_loss(&t, &o.loss);
    add_optimizer(&t, &o.optimizer);
    add_schedule(&t, &o.schedule);
    add_count(&t, "epochs", o.epochs ? o.epochs : defaults.epochs, NULL);
    add_count(&t, "batch_size", o.batch_size ? o.batch_size : defaults.batch_size, NULL);
    add_count(&t, "accumulate", o.accumulate ? o.accumulate : 1, NULL);
    add_line(&t, "order");
    add(&t, "%s\n", o.keep_order ? "as it is" : "shuffled each epoch");
    add_line(&t, "seed");
    add(&t, "%llu\n", (unsigned long long)o.seed);
    add_count(&t, "threads", o.threads, "all");
    add_augmentation(&t, o.augmentation);
    add_stopping(&t, &o);
    add_number(&t, "l1", (double)o.l1, NULL);
    add_number(&t, "l2", (double)o.l2, NULL);
    add_number(&t, "clip_norm", (double)o.clip_norm, "off");
    add_number(&t, "clip_value", (double)o.clip_value, "off");
    add_number(&t, "max_norm", (double)o.max_norm, "off");
    add_number(&t, "average_decay", (double)o.average_decay, "off");
    add_count(&t, "average_epoch", o.average_epoch, "off");
    add_checkpoints(&t, &o);
    return t.length;
}
