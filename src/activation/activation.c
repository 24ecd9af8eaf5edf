#include "activation/activation.h"

#include "base/base.h"

#include <string.h>

/* Name and usual numbers of every kind, by which ffn_activation_by_name makes one. */
typedef struct description {
    const char *name;
    size_t kind;
    float alpha;
    bool per_unit;
} description;

#define DESCRIPTION(kind, argument, alpha, per_unit) {#kind, FFN__##kind, (float)(alpha), per_unit},
static const description descriptions[] = {
    FFN__ACTIVATIONS(DESCRIPTION){"silu", FFN__swish, 1, false}, /* past the kinds: other names */
};
enum { DESCRIPTION_COUNT = sizeof descriptions / sizeof descriptions[0] };

static ffn_activation make(size_t kind, float alpha)
{
    static const ffn__activation_table *const tables[] = FFN__ISA_TABLES(ffn__activations);
    return (ffn_activation){
        .ops = &tables[ffn__isa()]->kinds[kind], .alpha = alpha, .per_unit = descriptions[kind].per_unit};
}

ffn_activation ffn_linear(void) { return make(FFN__linear, 0); }
ffn_activation ffn_sigmoid(void) { return make(FFN__sigmoid, 0); }
ffn_activation ffn_tanh(void) { return make(FFN__tanh, 0); }
ffn_activation ffn_relu(void) { return make(FFN__relu, 0); }
ffn_activation ffn_leaky_relu(float slope) { return make(FFN__leaky_relu, slope); }
ffn_activation ffn_prelu(float initial_slope) { return make(FFN__prelu, initial_slope); }
ffn_activation ffn_prelu_per_unit(float initial_slope) { return make(FFN__prelu_per_unit, initial_slope); }
ffn_activation ffn_elu(float alpha) { return make(FFN__elu, alpha); }
ffn_activation ffn_selu(void) { return make(FFN__selu, 0); }
ffn_activation ffn_softmax(void) { return make(FFN__softmax, 0); }
ffn_activation ffn_log_softmax(void) { return make(FFN__log_softmax, 0); }
ffn_activation ffn_swish(float beta) { return make(FFN__swish, beta); }
ffn_activation ffn_gelu(void) { return make(FFN__gelu, 0); }
ffn_activation ffn_gelu_tanh(void) { return make(FFN__gelu_tanh, 0); }
ffn_activation ffn_softplus(void) { return make(FFN__softplus, 0); }
ffn_activation ffn_softsign(void) { return make(FFN__softsign, 0); }
ffn_activation ffn_mish(void) { return make(FFN__mish, 0); }
ffn_activation ffn_hard_sigmoid(void) { return make(FFN__hard_sigmoid, 0); }
ffn_activation ffn_hard_swish(void) { return make(FFN__hard_swish, 0); }

const char *ffn_activation_name(size_t index)
{
    return index < FFN__ACTIVATION_COUNT ? descriptions[index].name : NULL;
}

static const char *name_at(size_t index) { return index < DESCRIPTION_COUNT ? descriptions[index].name : NULL; }

ffn_status ffn_activation_by_name(const char *name, ffn_activation *activation, ffn_error *error)
{
    if (!name || !activation)
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "ffn_activation_by_name: %s is NULL",
                        name ? "activation" : "name");
    for (size_t i = 0; i < DESCRIPTION_COUNT; i++) {
        if (strcmp(name, descriptions[i].name) != 0) continue;
        *activation = make(descriptions[i].kind, descriptions[i].alpha);
        return FFN_OK;
    }
    return ffn__unknown_name(error, "ffn_activation_by_name", name, name_at);
}

/* The activation with NULL ops made linear; FFN_INVALID_ARGUMENT for an alpha out of bounds or a size that no array has. */
static ffn_status check(ffn_activation *activation, size_t rows, size_t cols, const char *what, ffn_error *error)
{
    if (!ffn__is_array(rows, cols))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: %zu rows of %zu columns are more than memory can hold", what,
                        rows, cols);
    if (!activation->ops) *activation = ffn_linear();
    const ffn_activation_ops *ops = activation->ops;
    const bool uses_alpha = ops->alpha_low != 0 || ops->alpha_high != 0;
    if (uses_alpha && !(activation->alpha >= ops->alpha_low && activation->alpha <= ops->alpha_high))
        return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: alpha of %s is %g, must be in [%g, %g]", what, ops->name,
                        (double)activation->alpha, (double)ops->alpha_low, (double)ops->alpha_high);
    return FFN_OK;
}

ffn_status ffn_activation_forward(ffn_activation activation, size_t rows, size_t cols, const float *x, float *y,
                                  ffn_error *error)
{
    const ffn_status status = check(&activation, rows, cols, "activation forward", error);
    if (status != FFN_OK || rows == 0 || cols == 0) return status;
    if (!x || !y) return ffn_fail(error, FFN_INVALID_ARGUMENT, "activation forward: %s is NULL", x ? "y" : "x");
    activation.ops->forward(&activation, rows, cols, x, y);
    return FFN_OK;
}

ffn_status ffn_activation_backward(ffn_activation activation, size_t rows, size_t cols, const float *x, const float *y,
                                   const float *dy, float *dx, ffn_error *error)
{
    const ffn_status status = check(&activation, rows, cols, "activation backward", error);
    if (status != FFN_OK || rows == 0 || cols == 0) return status;
    const bool needs_input = activation.ops->needs_input;
    const char *missing = !dy ? "dy" : !dx ? "dx" : needs_input && !x ? "x" : !needs_input && !y ? "y" : NULL;
    if (missing) return ffn_fail(error, FFN_INVALID_ARGUMENT, "activation backward: %s is NULL", missing);
    activation.ops->backward(&activation, rows, cols, x, y, dy, dx);
    return FFN_OK;
}
