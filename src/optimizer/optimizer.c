#include "optimizer/optimizer.h"

#include "optimizer/kinds.h"

#include <float.h>
#include <string.h>

/* ---- constructors ------------------------------------------------------------------------------------------------ */

static const ffn_optimizer_ops *const sgd[] = FFN__ISA_TABLES(ffn__sgd);
static const ffn_optimizer_ops *const adagrad[] = FFN__ISA_TABLES(ffn__adagrad);
static const ffn_optimizer_ops *const rmsprop[] = FFN__ISA_TABLES(ffn__rmsprop);
static const ffn_optimizer_ops *const adam[] = FFN__ISA_TABLES(ffn__adam);
static const ffn_optimizer_ops *const adamw[] = FFN__ISA_TABLES(ffn__adamw);
static const ffn_optimizer_ops *const adadelta[] = FFN__ISA_TABLES(ffn__adadelta);
static const ffn_optimizer_ops *const adamax[] = FFN__ISA_TABLES(ffn__adamax);
static const ffn_optimizer_ops *const nadam[] = FFN__ISA_TABLES(ffn__nadam);
static const ffn_optimizer_ops *const radam[] = FFN__ISA_TABLES(ffn__radam);
static const ffn_optimizer_ops *const lion[] = FFN__ISA_TABLES(ffn__lion);
static const ffn_optimizer_ops *const rprop[] = FFN__ISA_TABLES(ffn__rprop);

ffn_optimizer ffn_momentum(float learning_rate, float momentum)
{
    return (ffn_optimizer){.ops = sgd[ffn__isa()], .learning_rate = learning_rate, .momentum = momentum};
}

ffn_optimizer ffn_sgd(float learning_rate) { return ffn_momentum(learning_rate, 0); }

ffn_optimizer ffn_nesterov(float learning_rate, float momentum)
{
    ffn_optimizer optimizer = ffn_momentum(learning_rate, momentum);
    optimizer.nesterov = true;
    return optimizer;
}

ffn_optimizer ffn_adagrad(float learning_rate)
{
    return (ffn_optimizer){.ops = adagrad[ffn__isa()], .learning_rate = learning_rate, .epsilon = (float)1e-10};
}

ffn_optimizer ffn_rmsprop(float learning_rate)
{
    return (ffn_optimizer){
        .ops = rmsprop[ffn__isa()], .learning_rate = learning_rate, .alpha = (float)0.99, .epsilon = (float)1e-8};
}

ffn_optimizer ffn_adam(float learning_rate)
{
    return (ffn_optimizer){.ops = adam[ffn__isa()],
                           .learning_rate = learning_rate,
                           .beta1 = (float)0.9,
                           .beta2 = (float)0.999,
                           .epsilon = (float)1e-8};
}

ffn_optimizer ffn_adamw(float learning_rate, float weight_decay)
{
    ffn_optimizer optimizer = ffn_adam(learning_rate);
    optimizer.ops = adamw[ffn__isa()];
    optimizer.weight_decay = weight_decay;
    return optimizer;
}

ffn_optimizer ffn_adadelta(float learning_rate)
{
    return (ffn_optimizer){
        .ops = adadelta[ffn__isa()], .learning_rate = learning_rate, .alpha = (float)0.9, .epsilon = (float)1e-6};
}

/* Another table for Adam's numbers. */
static ffn_optimizer like_adam(float learning_rate, const ffn_optimizer_ops *ops)
{
    ffn_optimizer optimizer = ffn_adam(learning_rate);
    optimizer.ops = ops;
    return optimizer;
}

ffn_optimizer ffn_adamax(float learning_rate) { return like_adam(learning_rate, adamax[ffn__isa()]); }

ffn_optimizer ffn_nadam(float learning_rate)
{
    ffn_optimizer optimizer = like_adam(learning_rate, nadam[ffn__isa()]);
    optimizer.momentum_decay = (float)4e-3;
    return optimizer;
}

ffn_optimizer ffn_radam(float learning_rate) { return like_adam(learning_rate, radam[ffn__isa()]); }

ffn_optimizer ffn_lion(float learning_rate, float weight_decay)
{
    return (ffn_optimizer){.ops = lion[ffn__isa()],
                           .learning_rate = learning_rate,
                           .beta1 = (float)0.9,
                           .beta2 = (float)0.99,
                           .weight_decay = weight_decay};
}

ffn_optimizer ffn_rprop(float learning_rate)
{
    return (ffn_optimizer){.ops = rprop[ffn__isa()],
                           .learning_rate = learning_rate,
                           .eta_minus = (float)0.5,
                           .eta_plus = (float)1.2,
                           .step_min = (float)1e-6,
                           .step_max = 50};
}

static void descend(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                    float *const *state)
{
    (void)optimizer, (void)state;
    for (size_t i = 0; i < n; i++) w[i] -= (float)update->rate * g[i];
}

const ffn_optimizer_ops ffn__lbfgs_ops = {.name = "lbfgs", .check = ffn__optimizer_check_fields, .step = descend};

ffn_optimizer ffn_lbfgs(float learning_rate)
{
    return (ffn_optimizer){.ops = &ffn__lbfgs_ops, .learning_rate = learning_rate};
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */

static ffn_optimizer usual_sgd(void) { return ffn_sgd((float)0.01); }
static ffn_optimizer usual_momentum(void) { return ffn_momentum((float)0.01, (float)0.9); }
static ffn_optimizer usual_nesterov(void) { return ffn_nesterov((float)0.01, (float)0.9); }
static ffn_optimizer usual_adagrad(void) { return ffn_adagrad((float)0.01); }
static ffn_optimizer usual_rmsprop(void) { return ffn_rmsprop((float)0.01); }
static ffn_optimizer usual_adam(void) { return ffn_adam((float)0.001); }
static ffn_optimizer usual_adamw(void) { return ffn_adamw((float)0.001, (float)0.01); }
static ffn_optimizer usual_adadelta(void) { return ffn_adadelta(1); }
static ffn_optimizer usual_adamax(void) { return ffn_adamax((float)0.002); }
static ffn_optimizer usual_nadam(void) { return ffn_nadam((float)0.002); }
static ffn_optimizer usual_radam(void) { return ffn_radam((float)0.001); }
static ffn_optimizer usual_lion(void) { return ffn_lion((float)1e-4, 0); }
static ffn_optimizer usual_rprop(void) { return ffn_rprop((float)0.01); }
static ffn_optimizer usual_lbfgs(void) { return ffn_lbfgs(1); }

static const struct {
    const char *name;
    ffn_optimizer (*make)(void);
} named[] = {{"sgd", usual_sgd},         {"momentum", usual_momentum}, {"nesterov", usual_nesterov},
             {"adagrad", usual_adagrad}, {"rmsprop", usual_rmsprop},   {"adam", usual_adam},
             {"adamw", usual_adamw},     {"adadelta", usual_adadelta}, {"adamax", usual_adamax},
             {"nadam", usual_nadam},     {"radam", usual_radam},       {"lion", usual_lion},
             {"rprop", usual_rprop},     {"lbfgs", usual_lbfgs}};
enum { NAMED = sizeof named / sizeof *named };

static const char *name_at(size_t index) { return index < NAMED ? named[index].name : NULL; }

ffn_status ffn_optimizer_by_name(const char *name, ffn_optimizer *optimizer, ffn_error *error)
{
    if (!name || !optimizer)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_optimizer_by_name: %s is NULL", name ? "optimizer" : "name");
    for (size_t i = 0; i < NAMED; i++)
        if (strcmp(name, named[i].name) == 0) {
            *optimizer = named[i].make();
            return FFN_OK;
        }
    return ffn__unknown_name(error, "ffn_optimizer_by_name", name, name_at);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

#define FIELD(name) #name, offsetof(ffn_optimizer, name)

/* A number's bounds: from 0 to FLT_MAX, or to below 1 where it is a share. Each sentence begins with the field's name.
 */
static const struct {
    const char *name;
    size_t offset;
    bool share;
    const char *wrong;
} fields[] = {
    {FIELD(learning_rate), false, "learning_rate must be finite and at least 0"},
    {FIELD(weight_decay), false, "weight_decay must be finite and at least 0"},
    {FIELD(momentum), true, "momentum must be in [0, 1)"},
    {FIELD(dampening), true, "dampening must be in [0, 1)"},
    {FIELD(alpha), true, "alpha must be in [0, 1)"},
    {FIELD(beta1), true, "beta1 must be in [0, 1)"},
    {FIELD(beta2), true, "beta2 must be in [0, 1)"},
    {FIELD(epsilon), false, "epsilon must be finite and at least 0"},
    {FIELD(learning_rate_decay), false, "learning_rate_decay must be finite and at least 0"},
    {FIELD(initial_accumulator), false, "initial_accumulator must be finite and at least 0"},
    {FIELD(momentum_decay), false, "momentum_decay must be finite and at least 0"},
    {FIELD(eta_minus), true, "eta_minus must be in [0, 1)"},
    {FIELD(eta_plus), false, "eta_plus must be finite and at least 0"},
    {FIELD(step_min), false, "step_min must be finite and at least 0"},
    {FIELD(step_max), false, "step_max must be finite and at least 0"},
};
enum { FIELDS = sizeof fields / sizeof *fields, COMMON_FIELDS = 2 }; /* the first two are every optimizer's */

static float number(const ffn_optimizer *optimizer, size_t field)
{
    float value;
    memcpy(&value, (const char *)optimizer + fields[field].offset, sizeof value);
    return value;
}

static const char *check_first(const ffn_optimizer *optimizer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float value = number(optimizer, i);
        if (!(value >= 0 && value <= FLT_MAX) || (fields[i].share && !(value < 1))) return fields[i].wrong;
    }
    return NULL;
}

const char *ffn__optimizer_check_fields(const ffn_optimizer *optimizer) { return check_first(optimizer, FIELDS); }

const char *ffn__optimizer_check_sgd(const ffn_optimizer *optimizer)
{
    const char *wrong = ffn__optimizer_check_fields(optimizer);
    if (wrong || !optimizer->nesterov) return wrong;
    if (!(optimizer->momentum > 0)) return "momentum must be above 0 for nesterov";
    return optimizer->dampening != 0 ? "dampening must be 0 for nesterov" : NULL;
}

const char *ffn__optimizer_check_rprop(const ffn_optimizer *optimizer)
{
    const char *wrong = ffn__optimizer_check_fields(optimizer);
    if (wrong) return wrong;
    if (!(optimizer->eta_plus >= 1)) return "eta_plus must be at least 1 for rprop";
    return optimizer->step_max >= optimizer->step_min ? NULL : "step_max must be at least step_min";
}

ffn_status ffn__optimizer_check(const ffn_optimizer *optimizer, ffn_error *error)
{
    if (!optimizer || !optimizer->ops)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "optimizer: %s NULL, expected one made by a constructor",
                        optimizer ? "its table is" : "it is");
    const ffn_optimizer_ops *ops = optimizer->ops;
    const char *name = ops->name ? ops->name : "optimizer";
    if (!ops->step && !ops->guarded_step)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: its table lacks step", name);
    if (ops->slots && ops->slots(optimizer) > FFN_MAX_SLOTS)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: %zu slots of state, expected at most %d", name,
                        ops->slots(optimizer), FFN_MAX_SLOTS);
    const char *wrong = check_first(optimizer, COMMON_FIELDS);
    if (!wrong && ops->check) wrong = ops->check(optimizer);
    if (!wrong) return FFN_OK;
    for (size_t i = 0; i < FIELDS; i++) {
        const size_t length = strlen(fields[i].name);
        if (strncmp(wrong, fields[i].name, length) == 0 && wrong[length] == ' ')
            return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: %s is %g, it%s", name, fields[i].name,
                            (double)number(optimizer, i), wrong + length);
    }
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: %s", name, wrong);
}
