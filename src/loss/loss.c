#include "loss/loss.h"

#include "loss/kinds.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

static const ffn__loss_kernels *kernels(void)
{
    static const ffn__loss_kernels *const tables[] = FFN__ISA_TABLES(ffn__loss);
    return tables[ffn__isa()];
}

/* ---- constructors ------------------------------------------------------------------------------------------------ */

static ffn_loss make(int kind, float delta) { return (ffn_loss){.ops = &kernels()->kinds[kind], .delta = delta}; }

ffn_loss ffn_mse(void) { return make(FFN__MSE, 0); }
ffn_loss ffn_mae(void) { return make(FFN__MAE, 0); }
ffn_loss ffn_huber(float delta) { return make(FFN__HUBER, delta); }
ffn_loss ffn_smooth_l1(float beta) { return make(FFN__SMOOTH_L1, beta); }
ffn_loss ffn_binary_cross_entropy(void) { return make(FFN__BINARY_CROSS_ENTROPY, 0); }
ffn_loss ffn_cross_entropy(void) { return make(FFN__CROSS_ENTROPY, 0); }
ffn_loss ffn_cross_entropy_soft(void) { return make(FFN__CROSS_ENTROPY_SOFT, 0); }
ffn_loss ffn_kl_divergence(void) { return make(FFN__KL_DIVERGENCE, 0); }
ffn_loss ffn_hinge(void) { return make(FFN__HINGE, 0); }

static const char *name_at(size_t index) { return index < FFN__LOSS_KINDS ? kernels()->kinds[index].name : NULL; }

ffn_status ffn_loss_by_name(const char *name, ffn_loss *loss, ffn_error *error)
{
    if (!name || !loss)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_loss_by_name: %s is NULL", name ? "loss" : "name");
    for (int kind = 0; kind < FFN__LOSS_KINDS; kind++)
        if (strcmp(name, kernels()->kinds[kind].name) == 0) {
            *loss = make(kind, 1);
            return FFN_OK;
        }
    return ffn__unknown_name(error, "ffn_loss_by_name", name, name_at);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* A loss made of zeros stands for mse where no network's output can say better. */
static const ffn_loss_ops *ops_of(const ffn_loss *loss) { return loss->ops ? loss->ops : &kernels()->kinds[FFN__MSE]; }

static ffn_status check_class_weights(const ffn_loss *loss, const char *name, size_t outputs, ffn_error *error)
{
    if (loss->classes != outputs)
        return ffn_fail(error, FFN_SHAPE_MISMATCH, "%s: %zu class weights, expected %zu, one an output", name,
                        loss->classes, outputs);
    bool positive = false;
    for (size_t c = 0; c < outputs; c++) {
        const float weight = loss->class_weights[c];
        if (!(weight >= 0 && weight <= FLT_MAX))
            return ffn_fail(error, FFN_INVALID_ARGUMENT,
                            "%s: the weight of class %zu is %g, expected a finite number from 0", name, c,
                            (double)weight);
        positive |= weight > 0;
    }
    return positive ? FFN_OK : ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: all class weights are 0", name);
}

ffn_status ffn__loss_check(const ffn_loss *loss, size_t outputs, ffn_error *error)
{
    if (!loss) return ffn_fail(error, FFN_INVALID_ARGUMENT, "loss: it is NULL");
    const ffn_loss_ops *ops = ops_of(loss);
    const char *name = ops->name ? ops->name : "loss";
    const bool bounded = ops->delta_low != 0 || ops->delta_high != 0;
    if (!ops->value || !ops->weight)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: its table lacks value or weight", name);
    if (outputs < 1) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: 0 outputs, expected at least 1", name);
    if (ops->domain == FFN_LOSS_OF_SOFTMAX_LOGITS && outputs < 2)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: 1 output, expected one for each of at least 2 classes", name);
    if (bounded && !(loss->delta >= ops->delta_low && loss->delta <= ops->delta_high))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: delta is %g, expected a number in [%g, %g]", name,
                        (double)loss->delta, (double)ops->delta_low, (double)ops->delta_high);
    if (!(loss->label_smoothing >= 0 && loss->label_smoothing < 1))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: label_smoothing is %g, expected a number in [0, 1)", name,
                        (double)loss->label_smoothing);
    if (loss->label_smoothing > 0 && !ops->smooths)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: label_smoothing is %g, but this loss has none", name,
                        (double)loss->label_smoothing);
    if (!(loss->positive_weight >= 0 && loss->positive_weight <= FLT_MAX))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: positive_weight is %g, expected a finite number from 0", name,
                        (double)loss->positive_weight);
    if (!loss->class_weights) return FFN_OK;
    if (!ops->weighs)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: class_weights are set, but this loss has none", name);
    return check_class_weights(loss, name, outputs, error);
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

static size_t columns_of(ffn_target_kind kind, size_t outputs) { return kind == FFN_TARGET_CLASS_INDEX ? 1 : outputs; }

size_t ffn__loss_target_columns(const ffn_loss *loss, size_t outputs)
{
    return loss ? columns_of(ops_of(loss)->target, outputs) : outputs;
}

/* Written so that compilers can look at several targets at once. */
static inline bool is_number(float t, size_t outputs) { return (void)outputs, t >= -FLT_MAX && t <= FLT_MAX; }
static inline bool is_index(float t, size_t outputs)
{
    const float within = t >= 0 && (double)t < (double)outputs && t < (float)(INT_MAX / 2) ? t : -(float)0.5;
    return within == (float)(int)within;
}
static inline bool is_share(float t, size_t outputs) { return (void)outputs, t >= 0 && t <= FLT_MAX; }
static inline bool is_probability(float t, size_t outputs) { return (void)outputs, t >= 0 && t <= 1; }
static inline bool is_sign(float t, size_t outputs) { return (void)outputs, t == 1 || t == -1; }

/* The first of t [n] that does not fit; n: all do. */
#define FIRST_UNFIT(kind)                                                                                              \
    static size_t first_not_##kind(size_t n, const float *t, size_t outputs)                                           \
    {                                                                                                                  \
        bool all = true;                                                                                               \
        for (size_t i = 0; i < n; i++) all &= is_##kind(t[i], outputs);                                                \
        for (size_t i = 0; !all; i++)                                                                                  \
            if (!is_##kind(t[i], outputs)) return i;                                                                   \
        return n;                                                                                                      \
    }
FIRST_UNFIT(number)
FIRST_UNFIT(index)
FIRST_UNFIT(share)
FIRST_UNFIT(probability)
FIRST_UNFIT(sign)

static const struct {
    size_t (*first_unfit)(size_t n, const float *t, size_t outputs);
    const char *expected;
} target_kinds[] = {
    [FFN_TARGET_NUMBERS] = {first_not_number, "a finite number"},
    [FFN_TARGET_CLASS_INDEX] = {first_not_index,
                                "a class index, a whole number from 0 and below the number of outputs"},
    [FFN_TARGET_DISTRIBUTION] = {first_not_share, "a finite number from 0"},
    [FFN_TARGET_PROBABILITY] = {first_not_probability, "a number in [0, 1]"},
    [FFN_TARGET_SIGN] = {first_not_sign, "-1 or 1"},
};

ffn_status ffn__targets_check(const ffn_loss *loss, size_t outputs, size_t rows, const float *targets, size_t first_row,
                              ffn_error *error)
{
    if (!loss || !targets)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "targets: %s NULL", loss ? "they are" : "the loss is");
    const ffn_loss_ops *ops = ops_of(loss);
    const size_t kind = (size_t)ops->target, columns = columns_of(ops->target, outputs);
    if (kind >= sizeof target_kinds / sizeof *target_kinds)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "targets: the loss wants kind %zu, which does not exist", kind);
    const size_t at = target_kinds[kind].first_unfit(rows * columns, targets, outputs);
    if (at < rows * columns)
        return ffn_fail(error, FFN_INVALID_ARGUMENT,
                        "targets: row %zu, column %zu is %g; %s with %zu outputs expects %s", first_row + at / columns,
                        at % columns, (double)targets[at], ops->name ? ops->name : "the loss", outputs,
                        target_kinds[kind].expected);
    return FFN_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

double ffn__loss_scale(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    const double weight = ops_of(loss)->weight(loss, rows, cols, targets);
    return weight == 0 ? 0 : 1 / weight;
}

static double of_log_probabilities(const ffn_loss *loss, size_t rows, size_t cols, const float *logits,
                                   const float *targets, float *dz, double scale)
{
    kernels()->log_softmax(rows, cols, logits, dz);
    const double sum = ops_of(loss)->value(loss, rows, cols, dz, targets, dz, scale);
    kernels()->log_softmax_backward(rows, cols, logits, dz);
    return sum;
}

double ffn__loss_fused(const ffn_loss *loss, size_t rows, size_t cols, const float *logits, const float *targets,
                       float *dz, double scale)
{
    const ffn_loss_ops *ops = ops_of(loss);
    return (ops->domain == FFN_LOSS_OF_LOG_PROBABILITIES ? of_log_probabilities : ops->value)(loss, rows, cols, logits,
                                                                                              targets, dz, scale);
}

double ffn_loss_compute(ffn_loss loss, size_t rows, size_t cols, const float *y, const float *targets, float *dy)
{
    if (rows < 1 || !y || !ffn__is_array(rows, cols) || ffn__loss_check(&loss, cols, NULL) != FFN_OK ||
        ffn__targets_check(&loss, cols, rows, targets, 0, NULL) != FFN_OK)
        return (double)NAN;
    const double scale = ffn__loss_scale(&loss, rows, cols, targets);
    return ops_of(&loss)->value(&loss, rows, cols, y, targets, dy, scale) * scale;
}
