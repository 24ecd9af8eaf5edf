#include <math.h>

#include "train/train.h"

ffn_fit_options ffn_fit_defaults(void)
{
    return (ffn_fit_options){.optimizer = ffn_adam((float)1e-3), .epochs = 100, .batch_size = 32};
}

/* A float field that must be finite, at least 0 and below `limit`. */
typedef struct number {
    const char *name;
    float value;
    double limit;
} number;

static ffn_status check_numbers(const ffn_fit_options *o, ffn_error *error)
{
    const number numbers[] = {
        {"validation_fraction", o->validation_fraction, 1},
        {"min_delta", o->min_delta, INFINITY},
        {"l1", o->l1, INFINITY},
        {"l2", o->l2, INFINITY},
        {"clip_norm", o->clip_norm, INFINITY},
        {"clip_value", o->clip_value, INFINITY},
        {"max_norm", o->max_norm, INFINITY},
        {"average_decay", o->average_decay, 1},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers)[0]; i++)
        if (!((double)numbers[i].value >= 0 && (double)numbers[i].value < numbers[i].limit))
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s is %g; expected 0 or more, and below %g", numbers[i].name,
                            (double)numbers[i].value, numbers[i].limit);
    return FFN_OK;
}

/* Options that exclude or want each other. */
static ffn_status check_choices(const ffn_fit_options *o, ffn_error *error)
{
    if ((unsigned)o->monitor > FFN_MONITOR_METRIC)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "monitor is %d; expected one of ffn_monitor", (int)o->monitor);
    if (o->monitor == FFN_MONITOR_SCORE && !o->score)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "monitor is FFN_MONITOR_SCORE, but score is NULL");
    if (o->monitor == FFN_MONITOR_METRIC && !o->metric)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "monitor is FFN_MONITOR_METRIC, but metric is NULL");
    if (o->optimizer.ops == &ffn__lbfgs_ops && (o->accumulate > 1 || o->clip_norm > 0 || o->clip_value > 0))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "lbfgs does not go with %s; expected it off",
                        o->accumulate > 1 ? "accumulate" : "clip_norm or clip_value");
    if ((o->resume || o->checkpoint_every > 0) && !o->checkpoint_path)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s is set, but checkpoint_path is NULL",
                        o->resume ? "resume" : "checkpoint_every");
    if (o->average_epoch > 0 && (o->average_decay > 0 || o->restore_best))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "average_epoch is %zu beside %s; expected one of them",
                        o->average_epoch, o->restore_best ? "restore_best" : "average_decay");
    return FFN_OK;
}

/* L-BFGS has one length for the step of all layers. */
static ffn_status check_rates_of_layers(const ffn_model *model, const ffn_optimizer *o, ffn_error *error)
{
    for (size_t i = 0; i < model->parameter_count && o->ops == &ffn__lbfgs_ops; i++) {
        const ffn__layer *layer = &model->layers[model->parameters[i].layer];
        if (layer->rate != 1 && ffn__parameter_trainable(model, i))
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "lbfgs does not go with the rate of %s, %g; expected 1",
                            layer->name, (double)layer->rate);
    }
    return FFN_OK;
}

ffn_status ffn__options_resolve(const ffn_model *model, const ffn_fit_options *given, ffn_fit_options *options,
                                ffn_error *error)
{
    *options = given ? *given : ffn_fit_defaults();
    const ffn_fit_options defaults = ffn_fit_defaults();
    if (!options->optimizer.ops) options->optimizer = defaults.optimizer;
    if (!options->schedule.ops) {
        const size_t warmup = options->schedule.warmup;
        options->schedule = ffn_warmup(ffn_constant_rate(), warmup);
    }
    if (options->epochs == 0) options->epochs = defaults.epochs;
    if (options->batch_size == 0) options->batch_size = defaults.batch_size;
    options->loss = ffn__model_loss(model, options->loss);
    if (options->accumulate == 0) options->accumulate = 1;
    ffn_status status = check_numbers(options, error);
    if (status == FFN_OK) status = check_choices(options, error);
    if (status == FFN_OK) status = check_rates_of_layers(model, &options->optimizer, error);
    if (status == FFN_OK) status = ffn__model_check_loss(model, &options->loss, error);
    if (status == FFN_OK) status = ffn__optimizer_check(&options->optimizer, error);
    if (status == FFN_OK) status = ffn__schedule_check(&options->schedule, error);
    return status;
}
