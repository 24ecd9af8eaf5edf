/* The functions of an exported file, as text in C99 in which '@' stands for the file's name. Elementwise functions
 * take y == x too. */
#include "io/export_code.h"

#include <string.h>

typedef struct code {
    const char *text; /* NULL: it has two forms */
    const char *libm, *own;
} code;

#define ELEMENTWISE(name, arguments, value)                                                                            \
    "static void @_" name "(size_t n, " arguments "const float *x, float *y)\n"                                        \
    "{\n"                                                                                                              \
    "    for (size_t i = 0; i < n; i++) y[i] = " value ";\n"                                                           \
    "}\n"

/* ---- elementary functions ---------------------------------------------------------------------------------------- */

static const char exp_own[] = "/* e^x; 0 below 2^-125 */\n"
                              "static float @_exp(float x)\n"
                              "{\n"
                              "    union { float value; uint32_t bits; } power;\n"
                              "    if (!(x < 88.72f)) return x * 3.4e38f;\n"
                              "    if (x < -87.0f) return 0.0f;\n"
                              "    const int32_t k = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));\n"
                              "    const float r = (x - (float)k * 0.693145752f) - (float)k * 1.42860677e-6f;\n"
                              "    const float rest = 0.5f + r * (0.166665152f + r * (0.0416663773f + r * "
                              "(0.00836939365f + r * 0.00139429222f)));\n"
                              "    power.bits = (uint32_t)(k + 126) << 23;\n"
                              "    return (1.0f + (r + r * r * rest)) * power.value * 2.0f;\n"
                              "}\n";

static const char expm1_own[] = "/* e^x - 1 for x <= 0 */\n"
                                "static float @_expm1(float x)\n"
                                "{\n"
                                "    union { float value; uint32_t bits; } power;\n"
                                "    if (x < -30.0f) return -1.0f;\n"
                                "    if (x != x) return x;\n"
                                "    const int32_t k = (int32_t)(x * 1.44269504f - 0.5f);\n"
                                "    const float r = (x - (float)k * 0.693145752f) - (float)k * 1.42860677e-6f;\n"
                                "    const float rest = 0.5f + r * (0.166665152f + r * (0.0416663773f + r * "
                                "(0.00836939365f + r * 0.00139429222f)));\n"
                                "    power.bits = (uint32_t)(k + 127) << 23;\n"
                                "    return (power.value - 1.0f) + power.value * (r + r * r * rest);\n"
                                "}\n";

static const char tanh_own[] =
    "static float @_tanh1(float x)\n"
    "{\n"
    "    const float a = x < 0.0f ? -x : x, s = x * x;\n"
    "    if (a < 0.549f)\n"
    "        return x + x * s * (-0.333333194f + s * (0.133326396f + s * (-0.0538573563f + s * (0.0210909732f + s * "
    "-0.00630007219f))));\n"
    "    const float t = a > 10.0f ? 1.0f : 1.0f - 2.0f / (@_exp(2.0f * a) + 1.0f);\n"
    "    return x < 0.0f ? -t : t;\n"
    "}\n";

static const char log1p_own[] =
    "/* log(1 + u) for u in [0, 1] */\n"
    "static float @_log1p(float u)\n"
    "{\n"
    "    static const float q[9] = {0.333330929f, -0.249933124f, 0.199263275f, -0.162282839f, 0.126791909f,\n"
    "                               -0.0859110653f, 0.04429074f, -0.0146781271f, 0.00227548345f};\n"
    "    float p = q[8];\n"
    "    for (int i = 7; i >= 0; i--) p = p * u + q[i];\n"
    "    return u + u * u * (u * p - 0.5f);\n"
    "}\n";

static const char log_own[] = "/* log x for x >= 1 */\n"
                              "static float @_log(float x)\n"
                              "{\n"
                              "    union { float value; uint32_t bits; } part;\n"
                              "    if (!(x < 3.4e38f)) return x;\n"
                              "    part.value = x;\n"
                              "    const float k = (float)(int32_t)((part.bits >> 23) - 127u);\n"
                              "    part.bits = (part.bits & 0x7FFFFFu) | 0x3F800000u;\n"
                              "    return k * 0.693147181f + @_log1p(part.value - 1.0f);\n"
                              "}\n";

static const char sqrt_own[] = "/* sqrt x for x > 0 */\n"
                               "static float @_sqrt(float x)\n"
                               "{\n"
                               "    union { float value; uint32_t bits; } root;\n"
                               "    root.value = x;\n"
                               "    root.bits = (root.bits >> 1) + 0x1FBD1DF5u;\n"
                               "    for (int i = 0; i < 4; i++) root.value = 0.5f * (root.value + x / root.value);\n"
                               "    return root.value;\n"
                               "}\n";

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static const char dense[] =
    "/* y[rows][units] = x w^T + b; eight sums at a time, for speed and for accuracy */\n"
    "static void @_dense(size_t rows, size_t inputs, size_t units, const float *x, const float *w, const float *b, "
    "float "
    "*y)\n"
    "{\n"
    "    const size_t whole = inputs - inputs % 8;\n"
    "    for (size_t r = 0; r < rows; r++, x += inputs)\n"
    "        for (size_t u = 0; u < units; u++) {\n"
    "            const float *v = w + u * inputs;\n"
    "            float s[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};\n"
    "            for (size_t k = 0; k < whole; k += 8)\n"
    "                for (size_t j = 0; j < 8; j++) s[j] += v[k + j] * x[k + j];\n"
    "            for (size_t k = whole; k < inputs; k++) s[k & 7] += v[k] * x[k];\n"
    "            *y++ = (((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))) + (b ? b[u] : 0.0f);\n"
    "        }\n"
    "}\n";

static const char quantize[] =
    "/* q = x inverse + zero, to the nearest whole number from -128 to 127 */\n"
    "static void @_quantize(size_t n, float inverse, float zero, const float *x, int8_t *q)\n"
    "{\n"
    "    for (size_t i = 0; i < n; i++) {\n"
    "        const float v = x[i] * inverse + zero;\n"
    "        q[i] = (int8_t)(v >= 127.0f ? 127 : v > -128.0f ? (int)(v + 128.5f) - 128 : -128);\n"
    "    }\n"
    "}\n";

static const char dense_int8[] =
    "/* y[rows][units] = scale (x w^T + start) */\n"
    "static void @_dense_int8(size_t rows, size_t inputs, size_t units, const int8_t *x, const int8_t *w, const "
    "int32_t "
    "*start,\n"
    "    const float *scale, float *y)\n"
    "{\n"
    "    for (size_t r = 0; r < rows; r++, x += inputs)\n"
    "        for (size_t u = 0; u < units; u++) {\n"
    "            const int8_t *v = w + u * inputs;\n"
    "            int32_t sum = start[u];\n"
    "            for (size_t k = 0; k < inputs; k++) sum += (int32_t)v[k] * (int32_t)x[k];\n"
    "            *y++ = (float)sum * scale[u];\n"
    "        }\n"
    "}\n";

static const char copy[] = ELEMENTWISE("copy", "", "x[i]");
static const char add[] = ELEMENTWISE("add", "const float *w, ", "w[i] + x[i]");

static const char concat[] =
    "/* y[rows][m + n] = a[rows][m], b[rows][n] */\n"
    "static void @_concat(size_t rows, size_t m, size_t n, const float *a, const float *b, float *y)\n"
    "{\n"
    "    for (size_t r = 0; r < rows; r++, a += m, b += n, y += m + n) {\n"
    "        @_copy(m, a, y);\n"
    "        @_copy(n, b, y + m);\n"
    "    }\n"
    "}\n";

static const char scale[] =
    ELEMENTWISE("scale", "const float *offset, const float *factor, ", "(x[i] - offset[i]) * factor[i]");

static const char channels[] =
    "/* y[rows][channels][n] = (x - mean) factor + shift, by channel */\n"
    "static void @_channels(size_t rows, size_t channels, size_t n, const float *mean, const float *factor, const "
    "float "
    "*shift,\n"
    "    const float *x, float *y)\n"
    "{\n"
    "    for (size_t r = 0; r < rows; r++)\n"
    "        for (size_t c = 0; c < channels; c++)\n"
    "            for (size_t i = 0; i < n; i++) *y++ = (*x++ - mean[c]) * factor[c] + shift[c];\n"
    "}\n";

static const char quantile_normal[] =
    "/* Where the normal distribution has these shares below and above, which may be counted in anything: near 0 by\n"
    " * y / q in q^2, q the share beyond 1/2; elsewhere by sqrt 2 r - y in r = sqrt(-log(the smaller one)) */\n"
    "static float @_inverse_normal(float below, float above)\n"
    "{\n"
    "    const float all = below + above, share = (below < above ? below : above) / all, q = 0.5f * (below - above) / "
    "all, t = q * q;\n"
    "    if (share >= 0.075f)\n"
    "        return q * (2.50662827f + t * (2.62493854f + t * (-15.6953285f + t * (23.190064f - t * 2.86425329f))) /\n"
    "            (1.0f + t * (-8.17832138f + t * (20.8475933f - t * 16.0012781f))));\n"
    "    const float r = @_sqrt(@_log(1.0f / (share > 1e-7f ? share : 1e-7f)));\n"
    "    const float y = 1.41421356f * r - (2.73791057f + r * (3.58797233f + r * 0.39036965f)) /\n"
    "        (1.0f + r * (3.40371144f + r * (1.73666732f + r * 0.09787388f)));\n"
    "    return below < above ? -y : y;\n"
    "}\n\n"
    "/* how many of n ascending numbers are below x, or with `equal` not above it */\n"
    "static size_t @_count_below(size_t n, const float *numbers, float x, int equal)\n"
    "{\n"
    "    size_t low = 0, high = n;\n"
    "    while (low < high) {\n"
    "        const size_t middle = low + (high - low) / 2;\n"
    "        if (numbers[middle] < x || (equal && numbers[middle] <= x))\n"
    "            low = middle + 1;\n"
    "        else\n"
    "            high = middle;\n"
    "    }\n"
    "    return low;\n"
    "}\n\n"
    "/* y = where the normal distribution has x's rank among its n quantiles: quantiles[cols][n], n > 1 */\n"
    "static void @_quantile_normal(size_t cols, size_t n, const float *quantiles, const float *x, float *y)\n"
    "{\n"
    "    for (size_t c = 0; c < cols; c++, quantiles += n) {\n"
    "        const float v = x[c], lowest = quantiles[0], highest = quantiles[n - 1], last = (float)(n - 1);\n"
    "        const size_t first = @_count_below(n, quantiles, v, 0), end = @_count_below(n, quantiles, v, 1);\n"
    "        float below = 0.5f * (float)(first + end - (end > 0)), above = last - below;\n"
    "        if (end == 0 || (v <= lowest && lowest < highest)) {\n"
    "            below = 0.0f;\n"
    "            above = last;\n"
    "        } else if (first == n || (v >= highest && lowest < highest)) {\n"
    "            below = last;\n"
    "            above = 0.0f;\n"
    "        } else if (first == end) {\n"
    "            const float before = quantiles[first - 1], next = quantiles[first];\n"
    "            below = (float)(first - 1) + (v - before) / (next - before);\n"
    "            above = (float)(n - 1 - first) + (next - v) / (next - before);\n"
    "        }\n"
    "        y[c] = v == v ? @_inverse_normal(below, above) : v;\n"
    "    }\n"
    "}\n";

static const char layer_norm[] =
    "/* y = (x - mean) / sqrt(variance + epsilon) w + b, by row */\n"
    "static void @_layer_norm(size_t rows, size_t cols, float epsilon, const float *w, const float *b, const float *x, "
    "float *y)\n"
    "{\n"
    "    const float n = (float)cols;\n"
    "    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {\n"
    "        float mean = 0.0f, rest = 0.0f, squares = 0.0f;\n"
    "        for (size_t i = 0; i < cols; i++) mean += x[i];\n"
    "        mean /= n;\n"
    "        for (size_t i = 0; i < cols; i++) rest += x[i] - mean; /* what the mean lost in rounding */\n"
    "        mean += rest / n;\n"
    "        for (size_t i = 0; i < cols; i++) squares += (x[i] - mean) * (x[i] - mean);\n"
    "        const float factor = 1.0f / @_sqrt(squares / n + epsilon);\n"
    "        for (size_t i = 0; i < cols; i++) y[i] = (x[i] - mean) * factor * w[i] + (b ? b[i] : 0.0f);\n"
    "    }\n"
    "}\n";

/* ---- activations ------------------------------------------------------------------------------------------------- */

static const char softmax[] = "static void @_softmax(size_t rows, size_t cols, const float *x, float *y)\n"
                              "{\n"
                              "    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {\n"
                              "        float largest = x[0], sum = 0.0f;\n"
                              "        for (size_t i = 1; i < cols; i++) largest = x[i] > largest ? x[i] : largest;\n"
                              "        for (size_t i = 0; i < cols; i++) sum += y[i] = @_exp(x[i] - largest);\n"
                              "        for (size_t i = 0; i < cols; i++) y[i] /= sum;\n"
                              "    }\n"
                              "}\n";

static const char log_softmax[] =
    "static void @_log_softmax(size_t rows, size_t cols, const float *x, float *y)\n"
    "{\n"
    "    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {\n"
    "        float largest = x[0], sum = 0.0f;\n"
    "        for (size_t i = 1; i < cols; i++) largest = x[i] > largest ? x[i] : largest;\n"
    "        for (size_t i = 0; i < cols; i++) sum += @_exp(x[i] - largest);\n"
    "        sum = @_log(sum);\n"
    "        for (size_t i = 0; i < cols; i++) y[i] = (x[i] - largest) - sum;\n"
    "    }\n"
    "}\n";

static const char prelu[] =
    "static void @_prelu(size_t rows, size_t cols, const float *slope, const float *x, float *y)\n"
    "{\n"
    "    for (size_t r = 0; r < rows; r++, x += cols, y += cols)\n"
    "        for (size_t i = 0; i < cols; i++) y[i] = x[i] < 0.0f ? slope[i] * x[i] : x[i];\n"
    "}\n";

static const char gelu_libm[] = ELEMENTWISE("gelu", "", "0.5f * x[i] * erfcf(-0.707106781f * x[i])");
static const char gelu_own[] =
    "/* x Phi(x): near 0 by (Phi(x) - 1/2) / x in x^2, elsewhere by Phi(-a) = p(u) e^(-a^2 / 2) / a, a = |x| */\n"
    "static float @_gelu1(float x)\n"
    "{\n"
    "    static const float p[9] = {0.308670998f, 0.316681832f, -0.442510456f, 0.296522379f, -0.0625115782f,\n"
    "                               -0.036338374f, 0.0133234914f, 0.0104409223f, -0.00535341864f};\n"
    "    const float a = x < 0.0f ? -x : x, s = x * x;\n"
    "    if (a < 0.7f)\n"
    "        return 0.5f * x + s * (0.398942262f + s * (-0.0664899424f + s * (0.00997021515f + s * (-0.0011762745f + s "
    "* "
    "9.89131586e-05f))));\n"
    "    if (!(a < 13.2f)) return x < 0.0f ? 0.0f : x;\n"
    "    const float u = (a - 1.5f) / (a + 3.0f);\n"
    "    float below = p[8];\n"
    "    for (int i = 7; i >= 0; i--) below = below * u + p[i];\n"
    "    return (x < 0.0f ? 0.0f : x) - below * @_exp(-0.5f * s);\n"
    "}\n" ELEMENTWISE("gelu", "", "@_gelu1(x[i])");

static const char softplus[] = "static float @_softplus1(float x)\n"
                               "{\n"
                               "    return (x < 0.0f ? 0.0f : x) + @_log1p(@_exp(x < 0.0f ? x : -x));\n"
                               "}\n" ELEMENTWISE("softplus", "", "@_softplus1(x[i])");

static const char mish[] = "static float @_mish1(float x)\n"
                           "{\n"
                           "    if (x > 20.0f) return x;\n"
                           "    const float e = @_exp(x), n = e * (e + 2.0f);\n"
                           "    return x * (n / (n + 2.0f));\n"
                           "}\n" ELEMENTWISE("mish", "", "@_mish1(x[i])");

static const char gelu_tanh[] =
    ELEMENTWISE("gelu_tanh", "", "x[i] / (1.0f + @_exp(x[i] * (-1.59576912f - 0.0713548163f * x[i] * x[i])))");
static const char hard_sigmoid[] = "static float @_hard_sigmoid1(float x)\n"
                                   "{\n"
                                   "    return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : (x + 3.0f) * 0.166666667f;\n"
                                   "}\n" ELEMENTWISE("hard_sigmoid", "", "@_hard_sigmoid1(x[i])");
static const char hard_swish[] =
    ELEMENTWISE("hard_swish", "", "x[i] <= -3.0f ? 0.0f : x[i] >= 3.0f ? x[i] : x[i] * (x[i] + 3.0f) * 0.166666667f");

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define LIBM(name, function)                                                                                           \
    "static float @_" name "(float x)\n"                                                                               \
    "{\n"                                                                                                              \
    "    return " function "(x);\n"                                                                                    \
    "}\n"

static const code texts[FFN__CODE_COUNT] = {
    [FFN__CODE_EXP] = {.libm = LIBM("exp", "expf"), .own = exp_own},
    [FFN__CODE_EXPM1] = {.libm = LIBM("expm1", "expm1f"), .own = expm1_own},
    [FFN__CODE_TANH] = {.libm = LIBM("tanh1", "tanhf"), .own = tanh_own},
    [FFN__CODE_LOG1P] = {.libm = LIBM("log1p", "log1pf"), .own = log1p_own},
    [FFN__CODE_LOG] = {.libm = LIBM("log", "logf"), .own = log_own},
    [FFN__CODE_SQRT] = {.libm = LIBM("sqrt", "sqrtf"), .own = sqrt_own},
    [FFN__CODE_DENSE] = {.text = dense},
    [FFN__CODE_QUANTIZE] = {.text = quantize},
    [FFN__CODE_DENSE_INT8] = {.text = dense_int8},
    [FFN__CODE_COPY] = {.text = copy},
    [FFN__CODE_ADD] = {.text = add},
    [FFN__CODE_CONCAT] = {.text = concat},
    [FFN__CODE_SCALE] = {.text = scale},
    [FFN__CODE_CHANNELS] = {.text = channels},
    [FFN__CODE_QUANTILE_NORMAL] = {.text = quantile_normal},
    [FFN__CODE_LAYER_NORM] = {.text = layer_norm},
    [FFN__CODE_SIGMOID] = {.text = ELEMENTWISE("sigmoid", "", "1.0f / (1.0f + @_exp(-x[i]))")},
    [FFN__CODE_TANH_ROWS] = {.text = ELEMENTWISE("tanh", "", "@_tanh1(x[i])")},
    [FFN__CODE_RELU] = {.text = ELEMENTWISE("relu", "", "x[i] < 0.0f ? 0.0f : x[i]")},
    [FFN__CODE_LEAKY_RELU] = {.text = ELEMENTWISE("leaky_relu", "float slope, ", "x[i] < 0.0f ? slope * x[i] : x[i]")},
    [FFN__CODE_PRELU] = {.text = prelu},
    [FFN__CODE_ELU] = {.text = ELEMENTWISE("elu", "float alpha, ", "x[i] <= 0.0f ? alpha * @_expm1(x[i]) : x[i]")},
    [FFN__CODE_SELU] = {.text =
                            ELEMENTWISE("selu", "", "x[i] <= 0.0f ? 1.75809934f * @_expm1(x[i]) : 1.05070099f * x[i]")},
    [FFN__CODE_SOFTMAX] = {.text = softmax},
    [FFN__CODE_LOG_SOFTMAX] = {.text = log_softmax},
    [FFN__CODE_SWISH] = {.text = ELEMENTWISE("swish", "float beta, ", "x[i] / (1.0f + @_exp(-beta * x[i]))")},
    [FFN__CODE_GELU] = {.libm = gelu_libm, .own = gelu_own},
    [FFN__CODE_GELU_TANH] = {.text = gelu_tanh},
    [FFN__CODE_SOFTPLUS] = {.text = softplus},
    [FFN__CODE_SOFTSIGN] = {.text = ELEMENTWISE("softsign", "", "x[i] / (1.0f + (x[i] < 0.0f ? -x[i] : x[i]))")},
    [FFN__CODE_MISH] = {.text = mish},
    [FFN__CODE_HARD_SIGMOID] = {.text = hard_sigmoid},
    [FFN__CODE_HARD_SWISH] = {.text = hard_swish},
};

/* What a code's own form needs is not always what its libm form needs. */
#define NEEDS(id, set) [FFN__CODE_##id] = (set),
static const ffn__code_set needs[FFN__CODE_COUNT] = {FFN__CODES(NEEDS)};

ffn__code_set ffn__code_closure(ffn__code_set codes, bool own_math)
{
    for (size_t i = FFN__CODE_COUNT; i-- > 0;) /* what is needed stands before */
        if (codes >> i & 1 && (own_math || !texts[i].libm)) codes |= needs[i];
    return codes;
}

bool ffn__code_uses_libm(ffn__code_set codes)
{
    for (size_t i = 0; i < FFN__CODE_COUNT; i++)
        if (codes >> i & 1 && texts[i].libm) return true;
    return false;
}

void ffn__code_add(ffn__text *text, const char *template, const char *name)
{
    for (const char *at; (at = strchr(template, '@')); template = at + 1) {
        ffn__text_bytes(text, template, (size_t)(at - template));
        ffn__text_bytes(text, name, strlen(name));
    }
    ffn__text_bytes(text, template, strlen(template));
}

void ffn__code_write(ffn__text *text, ffn__code_set codes, bool own_math, const char *name)
{
    for (size_t i = 0; i < FFN__CODE_COUNT; i++) {
        if (!(codes >> i & 1)) continue;
        ffn__code_add(text, texts[i].text ? texts[i].text : own_math ? texts[i].own : texts[i].libm, name);
        ffn__code_add(text, "\n", name);
    }
}
