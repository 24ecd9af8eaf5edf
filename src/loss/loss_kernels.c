/* The built-in losses. Every element passes through the same code, a remainder padded to full width, so its bits do not
 * depend on its place; values and sums are in double, summed lane by lane in fixed order. */
#include "loss/kinds.h"

#include "tensor/transpose.h"
#include "tensor/vector_math.h"
#include "tensor/wide.h"

/* x in the first `left` lanes, y in the others. */
VECTOR_INLINE vec join(size_t left, vec x, vec y)
{
    return left < VL ? vec_select(lane_numbers() < ivec_set((lane)left), x, y) : x;
}

/* The first VL of x [left], `pad` behind its end. */
VECTOR_INLINE vec take(const float *x, size_t left, float pad)
{
    return left >= VL ? vec_load(x) : join(left, vec_load_part(x, left), vec_set(pad));
}

/* Part `part` of values in VL lanes of which `left` count; 0 in the others. */
VECTOR_INLINE wide counted(wide value, size_t part, size_t left)
{
    const size_t before = part * WL;
    if (left >= VL) return value;
    return wide_first(value, left > before ? left - before : 0);
}

enum { SAFE_EXPONENT = 40 }; /* e^x and sums of it are far from overflow */

/* e^x for x <= 0, and 0 where that is below e^-87, near the least normal number: processors are slow to make others. */
VECTOR_INLINE vec decay(vec x)
{
    const vec low = vec_set(-87);
    return vec_select(x < low, vec_set(0), vec_exp(vec_max(low, x)));
}

/* e^(z - from), likewise. The difference is taken whole, with what its rounding loses (Knuth's two-sum): the exponential
 * of a rounded one would be off by as much as that, 16 ulp for a difference of 40. */
VECTOR_INLINE vec decay_from(vec z, vec from)
{
    const vec x = z - from, back = x - z;
    return vec_exp_sum(x, (z - (x - back)) - (from + back));
}

/* ---- elementwise losses ------------------------------------------------------------------------------------------ */

typedef struct element {
    wide value, slope; /* the loss of an output, and its derivative with respect to it */
} element;

/* Of outputs y and targets t; for losses of sigmoid logits `e` is exp(-|y|) and `tail` log(1 + e). */
typedef element element_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail);

/* The sum over n elements, and dy = scale slope unless dy is NULL. `rule` is inlined. */
VECTOR_INLINE double each(const ffn_loss *loss, size_t n, const float *y, const float *t, float *dy, double scale,
                          bool sigmoid, element_rule *rule)
{
    wide sum = {0};
    for (size_t i = 0; i < n; i += VL) {
        const size_t left = n - i;
        const vec a = vec_load_left(y + i, left), b = vec_load_left(t + i, left), below = -vec_abs(a);
        const vec e = sigmoid ? decay(below) : a, tail = sigmoid ? vec_softplus(below) : a;
        vec out = a;
        for (size_t part = 0; part < WIDE_PARTS; part++) {
            const element at =
                rule(loss, wide_part(a, part), wide_part(b, part), wide_part(e, part), wide_part(tail, part));
            vec_set_part(&out, part, scale * at.slope);
            sum += counted(at.value, part, left);
        }
        if (dy) vec_store_left(dy + i, out, left);
    }
    return wide_sum(sum);
}

/* Sign of e, which keeps 0 and NaN. */
VECTOR_INLINE wide sign(wide e) { return wide_select(e > 0, wide_set(1), wide_select(e < 0, wide_set(-1), e)); }

VECTOR_INLINE element mse_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)loss, (void)e, (void)tail;
    const wide error = y - t;
    return (element){error * error, 2 * error};
}

VECTOR_INLINE element mae_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)loss, (void)e, (void)tail;
    return (element){wide_abs(y - t), sign(y - t)};
}

VECTOR_INLINE element huber_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)e, (void)tail;
    const double delta = (double)loss->delta;
    const wide error = y - t, size = wide_abs(error);
    const iwide near = size <= delta;
    return (element){wide_select(near, 0.5 * error * error, delta * (size - 0.5 * delta)),
                     wide_select(near, error, delta * sign(error))};
}

VECTOR_INLINE element smooth_l1_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)e, (void)tail;
    const double beta = (double)loss->delta, inverse = beta > 0 ? 1 / beta : 0;
    const wide error = y - t, size = wide_abs(error);
    const iwide near = size < beta;
    return (element){wide_select(near, 0.5 * error * error * inverse, size - 0.5 * beta),
                     wide_select(near, error * inverse, sign(error))};
}

/* p t softplus(-y) + (1 - t) softplus(y), where softplus(y) = max(y, 0) + log(1 + e^-|y|): no term cancels another, as
 * they do in the shorter form (1 - t) y + (1 + (p - 1) t) softplus(-y). */
VECTOR_INLINE element binary_cross_entropy_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    const double smoothing = (double)loss->label_smoothing;
    const double p = loss->positive_weight > 0 ? (double)loss->positive_weight : 1;
    const wide target = t * (1 - smoothing) + 0.5 * smoothing;
    const wide up = p * target, down = 1 - target; /* weights of the labels 1 and 0 */
    const wide large = 1 / (1 + e), small = e * large;
    const iwide above = y > 0;
    return (element){(up + down) * tail + wide_select(above, down, up) * wide_abs(y),
                     wide_select(above, down * large - up * small, down * small - up * large)};
}

VECTOR_INLINE element hinge_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)loss, (void)e, (void)tail;
    const wide margin = 1 - t * y, value = wide_select(margin <= 0, wide_set(0), margin); /* NaN stays */
    return (element){value, wide_select(margin > 0, -t, value)};
}

VECTOR_INLINE element kl_divergence_rule(const ffn_loss *loss, wide y, wide t, wide e, wide tail)
{
    (void)loss, (void)e, (void)tail;
    wide information = t; /* t log t */
    for (size_t i = 0; i < WL; i++) information[i] = t[i] == 0 ? 0 : t[i] * log(t[i]);
    return (element){information - t * y, wide_select(y == y, -t, y)};
}

#define ELEMENTWISE(name, sigmoid)                                                                                     \
    static double name##_value(const ffn_loss *loss, size_t rows, size_t cols, const float *y, const float *targets,   \
                               float *dy, double scale)                                                                \
    {                                                                                                                  \
        return each(loss, rows * cols, y, targets, dy, scale, sigmoid, name##_rule);                                   \
    }
ELEMENTWISE(mse, false)
ELEMENTWISE(mae, false)
ELEMENTWISE(huber, false)
ELEMENTWISE(smooth_l1, false)
ELEMENTWISE(binary_cross_entropy, true)
ELEMENTWISE(hinge, false)
ELEMENTWISE(kl_divergence, false)

/* ---- softmax --------------------------------------------------------------------------------------------------- */

/* The largest; one of the others if there is a NaN, which then makes the exponentials' sum NaN. */
static float largest(size_t cols, const float *z)
{
    vec most = take(z, cols, -INFINITY);
    for (size_t i = VL; i < cols; i += VL) most = vec_max(take(z + i, cols - i, -INFINITY), most);
    return vec_largest(most);
}

/* The sum of e[c] = exp(z[c] - from), but for class `without`, below cols or not, where it is 0; e may be z, or NULL. */
static double exponentials(size_t cols, const float *z, float from, size_t without, float *e)
{
    wide sum = {0};
    for (size_t i = 0; i < cols; i += VL) {
        const vec all = decay_from(take(z + i, cols - i, -INFINITY), vec_set(from));
        const vec x =
            without - i < VL ? vec_select(lane_numbers() == ivec_set((lane)(without - i)), vec_set(0), all) : all;
        for (size_t part = 0; part < WIDE_PARTS; part++) sum += wide_part(x, part);
        if (e) vec_store_left(e + i, x, cols - i);
    }
    return wide_sum(sum);
}

static void log_softmax(size_t rows, size_t cols, const float *z, float *y)
{
    for (size_t r = 0; r < rows; r++, z += cols, y += cols) {
        const float top = largest(cols, z);
        const double log_sum = log(exponentials(cols, z, top, cols, NULL));
        for (size_t c = 0; c < cols; c++) y[c] = (float)((double)z[c] - (double)top - log_sum);
    }
}

static void log_softmax_backward(size_t rows, size_t cols, const float *z, float *d)
{
    for (size_t r = 0; r < rows; r++, z += cols, d += cols) {
        const float top = largest(cols, z);
        double sum = 0;
        for (size_t c = 0; c < cols; c++) sum += (double)d[c];
        const float factor = (float)(sum / exponentials(cols, z, top, cols, NULL));
        for (size_t i = 0; i < cols; i += VL)
            vec_store_left(d + i,
                           vec_load_left(d + i, cols - i) -
                               factor * decay_from(vec_load_left(z + i, cols - i), vec_set(top)),
                           cols - i);
    }
}

/* ---- cross entropies ------------------------------------------------------------------------------------------- */

/* For a row's weights q[c] of -log softmax(z)[c], with Q their sum, m the largest logit and s = sum exp(z - m):
 *     value = sum q[c] (log s + m - z[c]),   dz[c] = Q exp(z[c] - m) / s - q[c] */

VECTOR_INLINE double class_weight(const ffn_loss *loss, size_t c)
{
    return loss->class_weights ? (double)loss->class_weights[c] : 1;
}

static bool is_class(float target, size_t cols)
{
    return target >= 0 && (double)target < (double)cols && target == floorf(target);
}

/* What logits are measured from where all weight is on one of them: that one, whose own share is then 1, unless others are
 * so much larger that they might overflow; then the largest, beside which the own share, NaN apart, vanishes. */
VECTOR_INLINE bool is_near(float top, float own) { return top - own <= SAFE_EXPONENT; }

/* One row with all weight on class k. The derivative at k is minus the sum of the others, which does not lose its
 * digits as softmax nears 1. */
static double sharp_row(size_t cols, size_t k, double weight, const float *z, float *dz, double scale)
{
    const float top = largest(cols, z), own = z[k];
    const bool near = is_near(top, own);
    const float from = near ? own : top;
    const double others = exponentials(cols, z, from, near ? k : cols, dz), sum = others + near;
    if (dz) {
        const double factor = weight * scale / sum;
        for (size_t c = 0; c < cols; c++) dz[c] *= (float)factor;
        dz[k] = (float)(-factor * others);
    }
    return weight * (log(sum) + ((double)from - (double)own));
}

/* The same for at most VL classes, which stay in a register: without waiting for the largest if there is no need. */
static double sharp_short_row(size_t cols, size_t k, double weight, const float *z, float *dz, double scale)
{
    const vec x = take(z, cols, -INFINITY), from = vec_set(z[k]);
    if (ivec_any(~(x - from <= SAFE_EXPONENT))) return sharp_row(cols, k, weight, z, dz, scale);
    const ivec own = lane_numbers() == ivec_set((lane)k);
    const vec e = vec_select(own, vec_set(0), decay_from(x, from));
    wide sums = wide_part(e, 0);
    for (size_t part = 1; part < WIDE_PARTS; part++) sums += wide_part(e, part);
    const double others = wide_sum(sums), factor = weight * scale / (others + 1);
    if (dz) vec_store_left(dz, vec_select(own, vec_set((float)(-factor * others)), e * (float)factor), cols);
    return weight * log(others + 1);
}

/* q[c] = class_weight (share t[c] + rest) for part `part` of the VL classes from i on, 0 behind the last; t NULL: all
 * 0. */
VECTOR_INLINE wide spread(const ffn_loss *loss, size_t cols, size_t i, size_t part, const float *t, double share,
                          double rest)
{
    const vec shares = t ? vec_load_left(t + i, cols - i) : vec_set(0);
    const vec weights =
        loss->class_weights ? vec_load_left(loss->class_weights + i, cols - i) : join(cols - i, vec_set(1), vec_set(0));
    return wide_part(weights, part) * (share * wide_part(shares, part) + rest);
}

/* One row with q as in `spread`, and share more for class k if t is NULL. */
static double blurred_row(const ffn_loss *loss, size_t cols, size_t k, const float *t, double share, double rest,
                          const float *z, float *dz, double scale)
{
    const float top = largest(cols, z);
    const double extra = t ? 0 : share * class_weight(loss, k);
    wide weights = {0}, distances = {0};
    for (size_t i = 0; i < cols; i += VL) {
        const vec x = vec_load_left(z + i, cols - i);
        for (size_t part = 0; part < WIDE_PARTS; part++) {
            const wide q = spread(loss, cols, i, part, t, share, rest);
            weights += q;
            distances += q * ((double)top - wide_part(x, part));
        }
    }
    const double weight = wide_sum(weights) + extra;
    const double distance = wide_sum(distances) + (t ? 0 : extra * ((double)top - (double)z[k]));
    const double sum = exponentials(cols, z, top, cols, dz), factor = weight * scale / sum;
    const double own = dz && !t ? factor * (double)dz[k] - scale * (extra + class_weight(loss, k) * rest) : 0;
    for (size_t i = 0; dz && i < cols; i += VL) {
        const vec e = vec_load_left(dz + i, cols - i);
        vec out = e;
        for (size_t part = 0; part < WIDE_PARTS; part++)
            vec_set_part(&out, part, factor * wide_part(e, part) - scale * spread(loss, cols, i, part, t, share, rest));
        vec_store_left(dz + i, out, cols - i);
    }
    if (dz && !t) dz[k] = (float)own;
    return weight * log(sum) + distance;
}

/* Rows of few classes without weights are turned, so that every lane is busy with a row of its own. */
enum { FEW_CLASSES = 16, SOME_ROWS = 4 };

/* Whether all targets are classes of so few. */
VECTOR_INLINE bool are_classes(size_t rows, size_t cols, vec targets)
{
    ivec are = join(rows, vec_set(0), vec_set(1)) > 0;
    for (size_t c = 0; c < cols; c++) are |= targets == vec_set((float)c);
    return !ivec_any(~are);
}

/* As sharp_short_row for up to VL rows of weight 1. A sum of exponentials is at most FEW_CLASSES e^SAFE_EXPONENT, of which a
 * product of VL, which wants only one logarithm, does not overflow. */
static double sharp_block(size_t rows, size_t cols, vec targets, const float *z, float *dz, double scale)
{
    float turned[FEW_CLASSES * VL];
    transpose(rows, cols, z, cols, turned, VL, VL);
    vec top = vec_set(-INFINITY), own_z = top;
    for (size_t c = 0; c < cols; c++) {
        const vec x = vec_load(turned + c * VL);
        top = vec_max(x, top);
        own_z = vec_select(targets == vec_set((float)c), x, own_z);
    }
    const ivec near = top - own_z <= SAFE_EXPONENT; /* as is_near */
    const vec from = vec_select(near, own_z, top), own = vec_select(near, vec_set(1), vec_set(0));
    wide others[WIDE_PARTS] = {{0}}, product = wide_set(1), distance = wide_set(0);
    for (size_t c = 0; c < cols; c++) {
        const vec e = decay_from(vec_load(turned + c * VL), from);
        const vec other = vec_select(near & (targets == vec_set((float)c)), vec_set(0), e);
        for (size_t part = 0; part < WIDE_PARTS; part++) others[part] += wide_part(other, part);
        vec_store(turned + c * VL, e);
    }
    vec factor = top, own_dz = top;
    for (size_t part = 0; part < WIDE_PARTS; part++) {
        const wide sum = others[part] + wide_part(own, part), factors = scale / sum;
        vec_set_part(&factor, part, factors);
        vec_set_part(&own_dz, part, -factors * others[part]);
        product *= 1 + counted(sum - 1, part, rows);
        distance += counted(wide_part(from, part) - wide_part(own_z, part), part, rows);
    }
    for (size_t c = 0; dz && c < cols; c++) {
        const vec e = vec_load(turned + c * VL);
        vec_store(turned + c * VL, vec_select(targets == vec_set((float)c), own_dz, e * factor));
    }
    if (dz) transpose(cols, rows, turned, VL, dz, cols, cols);
    return log(wide_product(product)) + wide_sum(distance);
}

/* A row whose target is no class. */
static __attribute__((cold)) double lost_row(size_t cols, float *dz)
{
    for (size_t c = 0; dz && c < cols; c++) dz[c] = NAN;
    return (double)NAN;
}

static double blurred_rows(const ffn_loss *loss, size_t rows, size_t cols, const float *z, const float *targets,
                           float *dz, double scale)
{
    const double share = 1 - (double)loss->label_smoothing, rest = (double)loss->label_smoothing / (double)cols;
    double sum = 0;
    for (size_t r = 0; r < rows; r++, z += cols) {
        float *const row = dz ? dz + r * cols : NULL;
        sum += is_class(targets[r], cols)
                   ? blurred_row(loss, cols, (size_t)targets[r], NULL, share, rest, z, row, scale)
                   : lost_row(cols, row);
    }
    return sum;
}

static double sharp_one(const ffn_loss *loss, size_t cols, const float *z, float target, float *dz, double scale)
{
    if (!is_class(target, cols)) return lost_row(cols, dz);
    const size_t k = (size_t)target;
    return (cols <= VL ? sharp_short_row : sharp_row)(cols, k, class_weight(loss, k), z, dz, scale);
}

static double sharp_rows(const ffn_loss *loss, size_t rows, size_t cols, const float *z, const float *targets,
                         float *dz, double scale)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += sharp_one(loss, cols, z + r * cols, targets[r], dz ? dz + r * cols : NULL, scale);
    return sum;
}

/* The same by blocks that are turned. */
static double sharp_blocks(const ffn_loss *loss, size_t rows, size_t cols, const float *z, const float *targets,
                           float *dz, double scale)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r += VL) {
        const size_t block = rows - r < VL ? rows - r : VL;
        const vec classes = take(targets + r, block, -1);
        float *const part = dz ? dz + r * cols : NULL;
        sum += are_classes(block, cols, classes)
                   ? sharp_block(block, cols, classes, z + r * cols, part, scale)
                   : sharp_rows(loss, block, cols, z + r * cols, targets + r, part, scale);
    }
    return sum;
}

static double cross_entropy_value(const ffn_loss *loss, size_t rows, size_t cols, const float *z, const float *targets,
                                  float *dz, double scale)
{
    const bool turns = rows >= SOME_ROWS && cols <= FEW_CLASSES && !loss->class_weights;
    if (rows == 1 && !(loss->label_smoothing > 0)) return sharp_one(loss, cols, z, targets[0], dz, scale);
    return (loss->label_smoothing > 0 ? blurred_rows
            : turns                   ? sharp_blocks
                                      : sharp_rows)(loss, rows, cols, z, targets, dz, scale);
}

static double cross_entropy_soft_value(const ffn_loss *loss, size_t rows, size_t cols, const float *z,
                                       const float *targets, float *dz, double scale)
{
    const double share = 1 - (double)loss->label_smoothing, rest = (double)loss->label_smoothing / (double)cols;
    double sum = 0;
    for (size_t r = 0; r < rows; r++, z += cols, targets += cols)
        sum += blurred_row(loss, cols, cols, targets, share, rest, z, dz ? dz + r * cols : NULL, scale);
    return sum;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static double elements(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    (void)loss;
    (void)targets;
    return (double)rows * (double)cols;
}

static double row_count(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    (void)loss;
    (void)cols;
    (void)targets;
    return (double)rows;
}

static double class_weight_sum(const ffn_loss *loss, size_t rows, size_t cols, const float *targets)
{
    if (!loss->class_weights) return (double)rows;
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += is_class(targets[r], cols) ? class_weight(loss, (size_t)targets[r]) : (double)NAN;
    return sum;
}

extern const ffn__loss_kernels FFN__ISA_NAME(ffn__loss);
const ffn__loss_kernels FFN__ISA_NAME(ffn__loss) = {
    .kinds =
        {
            [FFN__MSE] = {.name = "mse", .value = mse_value, .weight = elements},
            [FFN__MAE] = {.name = "mae", .value = mae_value, .weight = elements},
            [FFN__HUBER] = {.name = "huber",
                            .delta_low = FLT_MIN,
                            .delta_high = FLT_MAX,
                            .value = huber_value,
                            .weight = elements},
            [FFN__SMOOTH_L1] = {.name = "smooth_l1",
                                .delta_low = 0,
                                .delta_high = FLT_MAX,
                                .value = smooth_l1_value,
                                .weight = elements},
            [FFN__BINARY_CROSS_ENTROPY] = {.name = "binary_cross_entropy",
                                           .domain = FFN_LOSS_OF_SIGMOID_LOGITS,
                                           .target = FFN_TARGET_PROBABILITY,
                                           .smooths = true,
                                           .value = binary_cross_entropy_value,
                                           .weight = elements},
            [FFN__CROSS_ENTROPY] = {.name = "cross_entropy",
                                    .domain = FFN_LOSS_OF_SOFTMAX_LOGITS,
                                    .target = FFN_TARGET_CLASS_INDEX,
                                    .smooths = true,
                                    .weighs = true,
                                    .value = cross_entropy_value,
                                    .weight = class_weight_sum},
            [FFN__CROSS_ENTROPY_SOFT] = {.name = "cross_entropy_soft",
                                         .domain = FFN_LOSS_OF_SOFTMAX_LOGITS,
                                         .target = FFN_TARGET_DISTRIBUTION,
                                         .smooths = true,
                                         .weighs = true,
                                         .value = cross_entropy_soft_value,
                                         .weight = row_count},
            [FFN__KL_DIVERGENCE] = {.name = "kl_divergence",
                                    .domain = FFN_LOSS_OF_LOG_PROBABILITIES,
                                    .target = FFN_TARGET_DISTRIBUTION,
                                    .value = kl_divergence_value,
                                    .weight = row_count},
            [FFN__HINGE] = {.name = "hinge", .target = FFN_TARGET_SIGN, .value = hinge_value, .weight = elements},
        },
    .log_softmax = log_softmax,
    .log_softmax_backward = log_softmax_backward,
};
