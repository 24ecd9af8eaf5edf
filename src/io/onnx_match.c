/* What of the library a node of ONNX is: an operator of its own, or the last of the nodes that PyTorch writes for a layer.
 * Every pattern is looked at from its end. */
#include <math.h>
#include <string.h>

#include "io/onnx_file.h"

/* ---- looking around ---------------------------------------------------------------------------------------------- */

/* The operator set of ONNX itself has two names. */
static bool is_of_onnx(const ffn__onnx_node *node)
{
    return node->domain.size == 0 || ffn__onnx_is(node->domain, "ai.onnx");
}

/* The node that makes a value, if it is the operator; NULL: it is not. */
static const ffn__onnx_node *made_by(const ffn__onnx_file *file, size_t value, const char *op)
{
    if (value == FFN__NONE || file->values[value].source != FFN__FROM_NODE) return NULL;
    const ffn__onnx_node *node = &file->nodes[file->values[value].index];
    return ffn__onnx_is(node->op, op) && is_of_onnx(node) ? node : NULL;
}

/* The tensor that a value is, or FFN__NONE. */
static size_t tensor_of(const ffn__onnx_file *file, size_t value)
{
    if (value == FFN__NONE || file->values[value].source != FFN__FROM_TENSOR) return FFN__NONE;
    return file->values[value].index;
}

static bool is_real(const ffn__onnx_tensor *tensor)
{
    return tensor->type == FFN__TENSOR_IS_FLOAT || tensor->type == FFN__TENSOR_IS_DOUBLE;
}

/* A tensor of floats, or FFN__NONE. */
static size_t floats_of(const ffn__onnx_file *file, size_t value)
{
    const size_t tensor = tensor_of(file, value);
    return tensor != FFN__NONE && is_real(&file->tensors[tensor]) ? tensor : FFN__NONE;
}

static bool scalar_of(const ffn__onnx_file *file, size_t value, float *number)
{
    const size_t tensor = floats_of(file, value);
    if (tensor == FFN__NONE || file->tensors[tensor].count != 1) return false;
    ffn__onnx_floats(&file->tensors[tensor], number);
    return true;
}

/* Whether the value is a constant number, to the precision with which programs write such constants. */
static bool is_number(const ffn__onnx_file *file, size_t value, double number)
{
    float found;
    return scalar_of(file, value, &found) && fabs((double)found - number) <= 1e-6 * fabs(number);
}

/* For an operator of two inputs in either order: the input that is not `known`, or FFN__NONE. */
static size_t other_input(const ffn__onnx_node *node, size_t known)
{
    if (!node || node->input_count != 2) return FFN__NONE;
    return node->inputs[0] == known ? node->inputs[1] : node->inputs[1] == known ? node->inputs[0] : FFN__NONE;
}

/* The input beside a constant number, in either order. */
static size_t beside_number(const ffn__onnx_file *file, const ffn__onnx_node *node, double number)
{
    for (size_t i = 0; node && node->input_count == 2 && i < 2; i++)
        if (is_number(file, node->inputs[i], number)) return node->inputs[1 - i];
    return FFN__NONE;
}

/* The only input of the operator that makes the value, or FFN__NONE. */
static size_t under(const ffn__onnx_file *file, size_t value, const char *op)
{
    const ffn__onnx_node *node = made_by(file, value, op);
    return node && node->input_count == 1 ? node->inputs[0] : FFN__NONE;
}

/* ---- making matches ---------------------------------------------------------------------------------------------- */

static const ffn__onnx_match nothing = {.tensors = {FFN__NONE, FFN__NONE, FFN__NONE, FFN__NONE}};

static bool one_input(ffn__onnx_match *match, ffn__onnx_kind kind, size_t x)
{
    *match = nothing;
    match->kind = kind;
    match->input_count = 1;
    match->inputs[0] = x;
    return true;
}

static bool activate(ffn__onnx_match *match, size_t x, ffn_activation activation)
{
    match->activation = activation;
    const ffn_activation kept = match->activation;
    (void)one_input(match, FFN__ONNX_ACTIVATION, x);
    match->activation = kept;
    return true;
}

/* ---- products that are activations ------------------------------------------------------------------------------- */

/* erf(x / sqrt 2) + 1 */
static bool is_erf_part(const ffn__onnx_file *file, size_t value, size_t x)
{
    const size_t erf = under(file, beside_number(file, made_by(file, value, "Add"), 1), "Erf");
    const ffn__onnx_node *divide = made_by(file, erf, "Div");
    if (divide && divide->input_count == 2)
        return divide->inputs[0] == x && is_number(file, divide->inputs[1], 1.41421356237309504880);
    return beside_number(file, made_by(file, erf, "Mul"), 0.70710678118654752440) == x;
}

/* x^3 */
static bool is_cube(const ffn__onnx_file *file, size_t value, size_t x)
{
    const ffn__onnx_node *power = made_by(file, value, "Pow");
    if (power && power->input_count == 2) return power->inputs[0] == x && is_number(file, power->inputs[1], 3);
    const ffn__onnx_node *square = made_by(file, other_input(made_by(file, value, "Mul"), x), "Mul");
    return square && other_input(square, x) == x;
}

/* tanh(sqrt(2 / pi) (x + 0.044715 x^3)) + 1 */
static bool is_tanh_part(const ffn__onnx_file *file, size_t value, size_t x)
{
    const size_t tanh = under(file, beside_number(file, made_by(file, value, "Add"), 1), "Tanh");
    const size_t sum = beside_number(file, made_by(file, tanh, "Mul"), 0.79788456080286535588);
    const size_t term = other_input(made_by(file, sum, "Add"), x);
    return is_cube(file, beside_number(file, made_by(file, term, "Mul"), 0.044715), x);
}

/* Three factors, one of them 1/2. */
static bool match_half(const ffn__onnx_file *file, const size_t factors[3], ffn__onnx_match *match)
{
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 1; k < 3; k++) {
            const size_t half = factors[i], x = factors[(i + k) % 3], part = factors[(i + 3 - k) % 3];
            if (!is_number(file, half, 0.5)) continue;
            if (is_erf_part(file, part, x)) return activate(match, x, ffn_gelu());
            if (is_tanh_part(file, part, x)) return activate(match, x, ffn_gelu_tanh());
        }
    return false;
}

static bool is_hard_sigmoid(const ffn__onnx_node *node)
{
    float alpha, beta;
    return ffn__onnx_float(node, "alpha", (float)0.2, &alpha) && ffn__onnx_float(node, "beta", (float)0.5, &beta) &&
           fabs((double)alpha - 1.0 / 6) < 1e-6 && beta == (float)0.5;
}

/* x times what is made of x. */
static bool match_gate(const ffn__onnx_file *file, size_t x, size_t gate, ffn__onnx_match *match)
{
    const ffn__onnx_node *hard = made_by(file, gate, "HardSigmoid");
    if (hard && hard->input_count == 1 && hard->inputs[0] == x && is_hard_sigmoid(hard))
        return activate(match, x, ffn_hard_swish());
    if (x != FFN__NONE && under(file, under(file, gate, "Tanh"), "Softplus") == x)
        return activate(match, x, ffn_mish());
    const size_t z = under(file, gate, "Sigmoid");
    if (z == FFN__NONE) return false;
    if (z == x) return activate(match, x, ffn_swish(1));
    float beta;
    const size_t other = other_input(made_by(file, z, "Mul"), x);
    return scalar_of(file, other, &beta) && activate(match, x, ffn_swish(beta));
}

/* ---- normalization ----------------------------------------------------------------------------------------------- */

/* The mean over the last axis; what it is of, or FFN__NONE. */
static size_t mean_of(const ffn__onnx_file *file, size_t value)
{
    const ffn__onnx_node *mean = made_by(file, value, "ReduceMean");
    int64_t axes[FFN_MAX_RANK + 1], keeps;
    size_t count;
    if (!mean || mean->input_count != 1 || !ffn__onnx_ints(mean, "axes", FFN_MAX_RANK + 1, axes, &count) || count != 1)
        return FFN__NONE;
    return axes[0] == -1 && ffn__onnx_int(mean, "keepdims", 1, &keeps) && keeps == 1 ? mean->inputs[0] : FFN__NONE;
}

/* (x - mean) / sqrt(mean((x - mean)^2) + epsilon): x, or FFN__NONE */
static size_t normalized(const ffn__onnx_file *file, size_t value, float *epsilon)
{
    const ffn__onnx_node *divide = made_by(file, value, "Div");
    const ffn__onnx_node *centre = divide && divide->input_count == 2 ? made_by(file, divide->inputs[0], "Sub") : NULL;
    if (!centre || centre->input_count != 2 || mean_of(file, centre->inputs[1]) != centre->inputs[0]) return FFN__NONE;
    const ffn__onnx_node *sum = made_by(file, under(file, divide->inputs[1], "Sqrt"), "Add");
    for (size_t i = 0; sum && sum->input_count == 2 && i < 2; i++) {
        const ffn__onnx_node *square = made_by(file, mean_of(file, sum->inputs[1 - i]), "Pow");
        if (scalar_of(file, sum->inputs[i], epsilon) && square && square->input_count == 2 &&
            square->inputs[0] == divide->inputs[0] && is_number(file, square->inputs[1], 2))
            return centre->inputs[0];
    }
    return FFN__NONE;
}

static bool match_normalized(const ffn__onnx_file *file, size_t value, size_t weight, size_t bias,
                             ffn__onnx_match *match)
{
    float epsilon = 0;
    const size_t x = normalized(file, value, &epsilon);
    if (x == FFN__NONE || weight == FFN__NONE) return false;
    (void)one_input(match, FFN__ONNX_LAYER_NORM, x);
    match->tensors[0] = weight;
    match->tensors[1] = bias;
    match->number = epsilon;
    return true;
}

/* (x - offset) times or divided by a factor, x an input, or node the network's last */
static bool match_scaler(const ffn__onnx_file *file, const ffn__onnx_node *node, size_t value, size_t factor,
                         bool divides, ffn__onnx_match *match)
{
    const ffn__onnx_value_of *output = &file->values[file->output];
    const bool last = output->source == FFN__FROM_NODE && &file->nodes[output->index] == node;
    const ffn__onnx_node *shift = made_by(file, value, "Sub");
    if (!shift || shift->input_count != 2 || factor == FFN__NONE) return false;
    const size_t x = shift->inputs[0], offset = floats_of(file, shift->inputs[1]);
    if (x == FFN__NONE || (!last && file->values[x].source != FFN__FROM_INPUT) || offset == FFN__NONE) return false;
    (void)one_input(match, FFN__ONNX_SCALER, x);
    match->tensors[0] = offset;
    match->tensors[1] = factor;
    match->divides = divides;
    return true;
}

/* ---- operators --------------------------------------------------------------------------------------------------- */

typedef bool matcher(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match);

static bool match_mul(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    if (node->input_count != 2) return false;
    for (size_t i = 0; i < 2; i++) {
        const size_t a = node->inputs[i], b = node->inputs[1 - i], constant = floats_of(file, b);
        if (match_gate(file, a, b, match) || match_scaler(file, node, a, constant, false, match) ||
            match_normalized(file, a, constant, FFN__NONE, match))
            return true;
        const ffn__onnx_node *inner = made_by(file, b, "Mul");
        if (!inner || inner->input_count != 2) continue;
        const size_t factors[] = {a, inner->inputs[0], inner->inputs[1]};
        if (match_half(file, factors, match)) return true;
    }
    return false;
}

static bool match_div(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    if (node->input_count != 2) return false;
    const size_t x = node->inputs[0], part = beside_number(file, made_by(file, node->inputs[1], "Add"), 1);
    if (x != FFN__NONE && under(file, part, "Abs") == x) return activate(match, x, ffn_softsign());
    return match_scaler(file, node, x, floats_of(file, node->inputs[1]), true, match);
}

static bool match_product(const ffn__onnx_file *file, const ffn__onnx_node *node, size_t bias, ffn__onnx_match *match)
{
    const size_t weight = node && node->input_count == 2 ? floats_of(file, node->inputs[1]) : FFN__NONE;
    if (weight == FFN__NONE || file->tensors[weight].rank != 2) return false;
    (void)one_input(match, FFN__ONNX_DENSE, node->inputs[0]);
    match->tensors[0] = weight;
    match->tensors[1] = bias;
    match->transposed = true;
    return true;
}

static bool match_matmul(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    return match_product(file, node, FFN__NONE, match);
}

static bool match_add(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    if (node->input_count != 2 || node->inputs[0] == FFN__NONE || node->inputs[1] == FFN__NONE) return false;
    for (size_t i = 0; i < 2; i++) {
        const size_t a = node->inputs[i], bias = floats_of(file, node->inputs[1 - i]);
        if (bias == FFN__NONE) continue;
        if (match_product(file, made_by(file, a, "MatMul"), bias, match)) return true;
        const ffn__onnx_node *scaled = made_by(file, a, "Mul");
        for (size_t k = 0; scaled && scaled->input_count == 2 && k < 2; k++)
            if (match_normalized(file, scaled->inputs[k], floats_of(file, scaled->inputs[1 - k]), bias, match))
                return true;
    }
    if (tensor_of(file, node->inputs[0]) != FFN__NONE || tensor_of(file, node->inputs[1]) != FFN__NONE) return false;
    (void)one_input(match, FFN__ONNX_ADD, node->inputs[0]);
    match->input_count = 2;
    match->inputs[1] = node->inputs[1];
    return true;
}

static bool match_gemm(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    float alpha, beta;
    int64_t transpose_a, transpose_b;
    if (node->input_count < 2 || !ffn__onnx_float(node, "alpha", 1, &alpha) || alpha != 1 ||
        !ffn__onnx_float(node, "beta", 1, &beta) || beta != 1 || !ffn__onnx_int(node, "transA", 0, &transpose_a) ||
        transpose_a != 0 || !ffn__onnx_int(node, "transB", 0, &transpose_b))
        return false;
    const bool has_bias = node->input_count > 2 && node->inputs[2] != FFN__NONE;
    const size_t weight = floats_of(file, node->inputs[1]);
    const size_t bias = has_bias ? floats_of(file, node->inputs[2]) : FFN__NONE;
    if (weight == FFN__NONE || file->tensors[weight].rank != 2 || (has_bias && bias == FFN__NONE)) return false;
    (void)one_input(match, FFN__ONNX_DENSE, node->inputs[0]);
    match->tensors[0] = weight;
    match->tensors[1] = bias;
    match->transposed = transpose_b == 0;
    return true;
}

static bool match_concat(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    (void)file;
    if (node->input_count == 0) return false;
    (void)one_input(match, FFN__ONNX_CONCAT, node->inputs[0]);
    match->input_count = node->input_count;
    memcpy(match->inputs, node->inputs, sizeof(match->inputs));
    match->has_axis = true;
    return ffn__onnx_int(node, "axis", INT64_MAX, &match->axis);
}

static bool match_flatten(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    (void)file;
    int64_t axis;
    return node->input_count == 1 && ffn__onnx_int(node, "axis", 1, &axis) && axis == 1 &&
           one_input(match, FFN__ONNX_FLATTEN, node->inputs[0]);
}

static bool match_reshape(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    const size_t shape = node->input_count == 2 ? tensor_of(file, node->inputs[1]) : FFN__NONE;
    int64_t allow_zero;
    if (shape == FFN__NONE || !ffn__onnx_int(node, "allowzero", 0, &allow_zero) || allow_zero != 0) return false;
    (void)one_input(match, FFN__ONNX_RESHAPE, node->inputs[0]);
    match->tensors[0] = shape;
    return true;
}

static bool match_same(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    (void)file;
    return node->input_count >= 1 && one_input(match, FFN__ONNX_SAME, node->inputs[0]);
}

static bool match_batch_norm(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    int64_t training;
    if (node->input_count != 5 || !ffn__onnx_int(node, "training_mode", 0, &training) || training != 0) return false;
    (void)one_input(match, FFN__ONNX_BATCH_NORM, node->inputs[0]);
    for (size_t i = 0; i < 4; i++) {
        match->tensors[i] = floats_of(file, node->inputs[i + 1]);
        if (match->tensors[i] == FFN__NONE) return false;
    }
    return ffn__onnx_float(node, "epsilon", (float)1e-5, &match->number);
}

static bool turns(const ffn__onnx_node *node)
{
    int64_t perm[3];
    size_t count;
    return node && node->input_count == 1 && ffn__onnx_ints(node, "perm", 3, perm, &count) && count == 3 &&
           perm[0] == 0 && perm[1] == 2 && perm[2] == 1;
}

/* A batch normalization of sequences, turned so that the channel comes first, and turned back. */
static bool match_transpose(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    const ffn__onnx_node *norm = turns(node) ? made_by(file, node->inputs[0], "BatchNormalization") : NULL;
    const ffn__onnx_node *before =
        norm && match_batch_norm(file, norm, match) ? made_by(file, norm->inputs[0], "Transpose") : NULL;
    if (!turns(before)) return false;
    match->inputs[0] = before->inputs[0];
    match->turned = true;
    return true;
}

static bool match_layer_norm(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    if (node->input_count < 2) return false;
    (void)one_input(match, FFN__ONNX_LAYER_NORM, node->inputs[0]);
    const bool has_bias = node->input_count > 2 && node->inputs[2] != FFN__NONE;
    match->tensors[0] = floats_of(file, node->inputs[1]);
    match->tensors[1] = has_bias ? floats_of(file, node->inputs[2]) : FFN__NONE;
    match->has_axis = true;
    return match->tensors[0] != FFN__NONE && (!has_bias || match->tensors[1] != FFN__NONE) &&
           ffn__onnx_int(node, "axis", -1, &match->axis) &&
           ffn__onnx_float(node, "epsilon", (float)1e-5, &match->number);
}

/* ---- activations that are operators ------------------------------------------------------------------------------ */

static bool match_prelu(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    const size_t slope = node->input_count == 2 ? floats_of(file, node->inputs[1]) : FFN__NONE;
    if (slope == FFN__NONE) return false;
    const bool one = file->tensors[slope].count == 1;
    (void)activate(match, node->inputs[0], one ? ffn_prelu((float)0.25) : ffn_prelu_per_unit((float)0.25));
    match->tensors[0] = slope;
    return true;
}

static bool match_selu(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    (void)file;
    float alpha, gamma;
    return ffn__onnx_float(node, "alpha", (float)1.67326324235, &alpha) &&
           ffn__onnx_float(node, "gamma", (float)1.05070098736, &gamma) && fabs((double)alpha - 1.67326324) < 1e-6 &&
           fabs((double)gamma - 1.05070099) < 1e-6 && activate(match, node->inputs[0], ffn_selu());
}

static bool match_hard_sigmoid(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    (void)file;
    return is_hard_sigmoid(node) && activate(match, node->inputs[0], ffn_hard_sigmoid());
}

static bool match_softmax(const ffn__onnx_file *file, const ffn__onnx_node *node, ffn__onnx_match *match)
{
    const bool log = ffn__onnx_is(node->op, "LogSoftmax");
    (void)activate(match, node->inputs[0], log ? ffn_log_softmax() : ffn_softmax());
    match->has_axis = true;
    return ffn__onnx_int(node, "axis", file->opset < 13 ? 1 : -1, &match->axis);
}

/* Those that an activation of the library is by name; alpha's default, or 0 where there is none. */
static const struct {
    const char *op, *name;
    float alpha;
} plain[] = {
    {"Relu", "relu", 0},         {"Sigmoid", "sigmoid", 0},
    {"Tanh", "tanh", 0},         {"Softplus", "softplus", 0},
    {"Softsign", "softsign", 0}, {"HardSwish", "hard_swish", 0},
    {"Elu", "elu", 1},           {"LeakyRelu", "leaky_relu", (float)0.01},
};

static bool match_plain(const ffn__onnx_node *node, ffn__onnx_match *match)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        ffn_activation activation;
        if (!ffn__onnx_is(node->op, plain[i].op) || node->input_count != 1 ||
            ffn_activation_by_name(plain[i].name, &activation, NULL) != FFN_OK)
            continue;
        if (plain[i].alpha != 0 && !ffn__onnx_float(node, "alpha", plain[i].alpha, &activation.alpha)) return false;
        return activate(match, node->inputs[0], activation);
    }
    return false;
}

static const struct {
    const char *op;
    size_t inputs; /* that it must have; 0: it looks itself */
    matcher *match;
} operators[] = {
    {"Gemm", 0, match_gemm},
    {"MatMul", 0, match_matmul},
    {"Add", 0, match_add},
    {"Mul", 0, match_mul},
    {"Div", 0, match_div},
    {"Concat", 0, match_concat},
    {"Flatten", 0, match_flatten},
    {"Reshape", 0, match_reshape},
    {"Identity", 0, match_same},
    {"Dropout", 0, match_same},
    {"BatchNormalization", 0, match_batch_norm},
    {"Transpose", 0, match_transpose},
    {"LayerNormalization", 0, match_layer_norm},
    {"PRelu", 0, match_prelu},
    {"Selu", 1, match_selu},
    {"HardSigmoid", 1, match_hard_sigmoid},
    {"Softmax", 1, match_softmax},
    {"LogSoftmax", 1, match_softmax},
};

ffn_status ffn__onnx_find(const ffn__onnx_file *file, size_t number, ffn__onnx_match *match, ffn_error *error)
{
    const ffn__onnx_node *node = &file->nodes[number];
    const bool ours = is_of_onnx(node);
    bool found = ours && match_plain(node, match);
    for (size_t i = 0; !found && ours && i < sizeof(operators) / sizeof(operators[0]); i++)
        if (ffn__onnx_is(node->op, operators[i].op) &&
            (operators[i].inputs == 0 || node->input_count == operators[i].inputs))
            found = operators[i].match(file, node, match);
    for (size_t i = 0; found && i < match->input_count; i++)
        found = match->inputs[i] != FFN__NONE && file->values[match->inputs[i]].source != FFN__FROM_TENSOR;
    if (found) return FFN_OK;
    return ffn__onnx_fail(node, number, FFN_UNSUPPORTED,
                          "it is no layer of this library with such inputs and attributes", error);
}
