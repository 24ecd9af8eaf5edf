/* The scaler that makes any distribution a normal one: each element goes to its rank among quantiles that are fitted to
 * data, and the rank through the inverse of the normal distribution. scikit-learn's QuantileTransformer. */
#include <math.h>

#include "layer/layer.h"

typedef struct config {
    size_t quantiles;
} config;

static const ffn_field fields[] = {
    {.name = "quantiles", .type = FFN_FIELD_SIZE, .offset = offsetof(config, quantiles), .low = 2, .high = 1e6},
};

static ffn_status plan(ffn_layer_plan *p, const void *given, ffn_error *error)
{
    const config *c = given;
    (void)error;
    p->output = p->inputs[0];
    p->parameters[FFN__QUANTILE_TABLE] = (ffn_layer_parameter){
        .name = "quantiles", .shape = ffn_shape_2d(ffn_shape_size(p->inputs[0]), c->quantiles), .role = FFN_STATE};
    p->parameters[FFN__QUANTILE_FITTED] =
        (ffn_layer_parameter){.name = "fitted", .shape = ffn_shape_1d(1), .role = FFN_STATE};
    p->parameter_count = FFN__QUANTILE_FITTED + 1;
    return FFN_OK;
}

static double polynomial(const double c[8], double x)
{
    double sum = c[7];
    for (int i = 6; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}

/* Where the normal distribution has the probability p, for p in [1e-10, 1 - 1e-10]. Wichura, "Algorithm AS 241: the
 * percentage points of the normal distribution", 1988: to 1e-16. */
static double inverse_normal(double p)
{
    static const double centre_over[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                         1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                         3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double centre_under[] = {1,
                                          4.2313330701600911252e1,
                                          6.8718700749205790830e2,
                                          5.3941960214247511077e3,
                                          2.1213794301586595867e4,
                                          3.9307895800092710610e4,
                                          2.8729085735721942674e4,
                                          5.2264952788528545610e3};
    static const double tail_over[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                       3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                       2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double tail_under[] = {1,
                                        2.05319162663775882187e0,
                                        1.67638483018380384940e0,
                                        6.89767334985100004550e-1,
                                        1.48103976427480074590e-1,
                                        1.51986665636164571966e-2,
                                        5.47593808499534494600e-4,
                                        1.05075007164441684324e-9};
    const double q = p - 0.5, near = 0.180625 - q * q;
    if (near >= 0) return q * polynomial(centre_over, near) / polynomial(centre_under, near);
    const double r = sqrt(-log(q < 0 ? p : 1 - p)) - 1.6;
    const double size = polynomial(tail_over, r) / polynomial(tail_under, r);
    return q < 0 ? -size : size;
}

/* The first of the sorted values [n] that is not below x (or, beyond it, above x); n if there is none. */
static size_t find(const float *values, size_t n, float x, bool beyond)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (values[middle] < x || (beyond && values[middle] == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The share of the data below x: between two quantiles by interpolation, in the middle of those that are equal. */
static double rank(const float *quantiles, size_t n, float x)
{
    if (x <= quantiles[0] && quantiles[0] < quantiles[n - 1]) return 0;
    if (x >= quantiles[n - 1] && quantiles[0] < quantiles[n - 1]) return 1;
    const size_t first = find(quantiles, n, x, false), end = find(quantiles, n, x, true);
    if (first < end) return ((double)first + (double)(end - 1)) / 2 / (double)(n - 1);
    if (first == 0 || first == n) return first == 0 ? 0 : 1;
    const double low = (double)quantiles[first - 1], high = (double)quantiles[first];
    return ((double)(first - 1) + ((double)x - low) / (high - low)) / (double)(n - 1);
}

static void forward(const ffn_step *step)
{
    static const double edge = 1e-7; /* of ranks: scikit-learn's */
    const size_t n = ((const config *)step->config)->quantiles, cols = ffn_shape_size(step->output_shape);
    const float *table = step->parameters[FFN__QUANTILE_TABLE];
    const bool fitted = *step->parameters[FFN__QUANTILE_FITTED] != 0;
    for (size_t i = 0; i < step->rows * cols; i++) {
        const float x = step->inputs[0][i];
        const double p = fitted ? rank(table + i % cols * n, n, x) : 0.5;
        step->output[i] = fitted && !isnan(x) ? (float)inverse_normal(fmin(fmax(p, edge), 1 - edge)) : x;
    }
}

const ffn_layer_ops ffn__quantile_ops = {
    .name = "quantile_normal",
    .fields = fields,
    .field_count = 1,
    .ignores_inputs = true,
    .ignores_output = true,
    .plan = plan,
    .forward = forward,
};

ffn_value ffn_quantile_normal(ffn_model *model, ffn_value x, size_t quantiles)
{
    const config c = {quantiles ? quantiles : 1000};
    return ffn_custom_layer(model, &ffn__quantile_ops, &c, sizeof c, &x, 1);
}
