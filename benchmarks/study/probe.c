#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const study_quantity_names[STUDY_QUANTITIES] = {
    [STUDY_MEAN] = "mean",
    [STUDY_VARIANCE] = "variance",
    [STUDY_SUM_SQUARE] = "sum_square",
    [STUDY_GRADIENT_VARIANCE] = "gradient_variance",
    [STUDY_GAIN] = "gain",
    [STUDY_THEORY_MEAN] = "theory_mean",
    [STUDY_THEORY_VARIANCE] = "theory_variance",
    [STUDY_THEORY_SUM_SQUARE] = "theory_sum_square",
    [STUDY_THEORY_GRADIENT_VARIANCE] = "theory_gradient_variance",
    [STUDY_THEORY_GAIN] = "theory_gain",
    [STUDY_WEIGHT_GRADIENT] = "weight_gradient",
    [STUDY_BIAS_GRADIENT] = "bias_gradient",
    [STUDY_DEAD] = "dead",
    [STUDY_SATURATED] = "saturated",
    [STUDY_FLAT] = "flat",
    [STUDY_ZEROS] = "zeros",
    [STUDY_SLOPE] = "slope",
};

/* A layer's weights and what it does with the rows. The hidden layers are followed by the output. */
typedef struct layer {
    size_t inputs, units;
    float *weight; /* [units][inputs] */
    float *bias;   /* [units] */
    float *slope;  /* [units] */
    float *z, *y;  /* [rows][units] */
    float *dz;     /* [rows][units] */
} layer;

struct study_probe {
    study_network network;
    const ffn_dataset *data;
    size_t rows;
    double largest_slope;
    layer layers[STUDY_MOST_LAYERS + 1];
    float *memory;
    float *weight_gradient; /* of the widest layer */
    float *slopes;          /* f' [rows][units] */
};

/* ---- memory -------------------------------------------------------------------------------------------------------- */

static float *cut(float **rest, size_t count)
{
    float *start = *rest;
    if (start) *rest += count;
    return start;
}

/* Shares out the memory at `rest`, or with NULL only sizes; returns the number of floats. */
static size_t place(study_probe *p, float *rest)
{
    const study_network *n = &p->network;
    size_t total = 0, widest = 0, most = 0;
    for (size_t i = 0; i <= n->layers; i++) {
        layer *l = &p->layers[i];
        l->inputs = i == 0 ? n->features : n->config->units;
        l->units = i == n->layers ? n->classes : n->config->units;
        l->weight = cut(&rest, l->units * l->inputs);
        l->bias = cut(&rest, l->units);
        l->slope = cut(&rest, l->units);
        l->z = cut(&rest, p->rows * l->units);
        l->y = cut(&rest, p->rows * l->units);
        l->dz = cut(&rest, p->rows * l->units);
        total += l->units * (l->inputs + 2 + 3 * p->rows);
        if (l->units * l->inputs > widest) widest = l->units * l->inputs;
        if (l->units > most) most = l->units;
    }
    p->weight_gradient = cut(&rest, widest);
    p->slopes = cut(&rest, p->rows * most);
    return total + widest + p->rows * most;
}

study_probe *study_probe_create(const study_network *network, const ffn_dataset *data, ffn_error *error)
{
    study_probe *p = calloc(1, sizeof *p);
    if (p) {
        const size_t rows = ffn_dataset_rows(data), wanted = network->config->probe_rows;
        p->network = *network;
        p->data = data;
        p->rows = wanted < rows ? wanted : rows;
        p->memory = malloc(place(p, NULL) * sizeof *p->memory);
    }
    if (!p || !p->memory) {
        (void)ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory to measure %zu layers", network->layers);
        study_probe_destroy(p);
        return NULL;
    }
    (void)place(p, p->memory);
    if (study_largest_slope(network->activation, &p->largest_slope, error) == FFN_OK) return p;
    study_probe_destroy(p);
    return NULL;
}

void study_probe_destroy(study_probe *probe)
{
    if (probe) free(probe->memory);
    free(probe);
}

/* ---- forward and backward ------------------------------------------------------------------------------------------ */

/* The activation with the layer's learned slopes, if it has them. */
static ffn_activation activation_of(const study_probe *p, const layer *l)
{
    ffn_activation activation = p->network.activation;
    if (activation.ops && activation.ops->slope_gradient) activation.slope = l->slope;
    return activation;
}

static ffn_status get(const study_probe *p, const ffn_model *model, size_t number, const char *kind, float *values,
                      ffn_error *error)
{
    size_t index;
    const ffn_status status = study_find(model, number, p->network.layers, kind, &index, error);
    return status == FFN_OK ? ffn_model_get_parameter(model, index, values, error) : status;
}

static ffn_status forward(study_probe *p, const ffn_model *model, ffn_error *error)
{
    const float *x = ffn_dataset_inputs(p->data).data;
    for (size_t i = 0; i <= p->network.layers; i++) {
        layer *l = &p->layers[i];
        ffn_status status = get(p, model, i + 1, "weight", l->weight, error);
        if (status == FFN_OK) status = get(p, model, i + 1, "bias", l->bias, error);
        const ffn_activation activation = activation_of(p, l);
        if (status == FFN_OK && i < p->network.layers && activation.slope)
            status = get(p, model, i + 1, "slope", l->slope, error);
        const ffn_tensor input = ffn_tensor_view((float *)x, ffn_shape_2d(p->rows, l->inputs));
        const ffn_tensor weight = ffn_tensor_view(l->weight, ffn_shape_2d(l->units, l->inputs));
        ffn_tensor z = ffn_tensor_view(l->z, ffn_shape_2d(p->rows, l->units));
        if (status == FFN_OK) status = ffn_matmul(&z, &input, false, &weight, true, 1, 0, error);
        for (size_t j = 0; j < p->rows * l->units; j++) l->z[j] += l->bias[j % l->units];
        if (status == FFN_OK && i < p->network.layers)
            status = ffn_activation_forward(activation, p->rows, l->units, l->z, l->y, error);
        if (status != FFN_OK) return status;
        x = l->y;
    }
    return FFN_OK;
}

/* The loss's gradient for the output's sums; the library's means of sigmoids are over the outputs too. */
static void start_backward(study_probe *p)
{
    layer *output = &p->layers[p->network.layers];
    (void)ffn_loss_compute(study_loss(p->network.config), p->rows, output->units, output->z,
                           ffn_dataset_targets(p->data).data, output->dz);
    if (!p->network.config->sigmoid_output) return;
    for (size_t i = 0; i < p->rows * output->units; i++) output->dz[i] *= (float)output->units;
}

static ffn_status backward(study_probe *p, ffn_error *error)
{
    start_backward(p);
    for (size_t i = p->network.layers; i-- > 0;) {
        layer *l = &p->layers[i], *next = &p->layers[i + 1];
        const ffn_tensor dz = ffn_tensor_view(next->dz, ffn_shape_2d(p->rows, next->units));
        const ffn_tensor weight = ffn_tensor_view(next->weight, ffn_shape_2d(next->units, next->inputs));
        ffn_tensor dy = ffn_tensor_view(l->dz, ffn_shape_2d(p->rows, l->units));
        ffn_status status = ffn_matmul(&dy, &dz, false, &weight, false, 1, 0, error);
        if (status == FFN_OK)
            status = ffn_activation_backward(activation_of(p, l), p->rows, l->units, l->z, l->y, l->dz, l->dz, error);
        if (status != FFN_OK) return status;
    }
    return FFN_OK;
}

/* ---- a layer's figures --------------------------------------------------------------------------------------------- */

static double mean_square(const float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    return squares / (double)n;
}

static void measure_values(const study_probe *p, const layer *l, study_layer *out)
{
    const size_t n = p->rows * l->units;
    double sum = 0, squares = 0, zeros = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)l->y[i];
        zeros += l->y[i] == 0;
    }
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += ((double)l->y[i] - mean) * ((double)l->y[i] - mean);
    out->q[STUDY_MEAN] = mean;
    out->q[STUDY_VARIANCE] = squares / (double)n;
    out->q[STUDY_SUM_SQUARE] = mean_square(l->z, n);
    out->q[STUDY_ZEROS] = zeros / (double)n;
}

static ffn_status measure_slopes(study_probe *p, const layer *l, study_layer *out, ffn_error *error)
{
    const size_t n = p->rows * l->units;
    for (size_t i = 0; i < n; i++) p->slopes[i] = 1;
    const ffn_status status =
        ffn_activation_backward(activation_of(p, l), p->rows, l->units, l->z, l->y, p->slopes, p->slopes, error);
    const double limit = (double)(float)(0.01 * p->largest_slope); /* a slope of .01 is not below it */
    double dead = 0, saturated = 0, flat = 0;
    for (size_t j = 0; j < l->units; j++) {
        double largest = 0;
        for (size_t i = 0; i < p->rows; i++) {
            const double slope = fabs((double)p->slopes[i * l->units + j]);
            largest = fmax(largest, slope);
            flat += slope < limit;
        }
        dead += largest == 0;
        saturated += largest < limit;
    }
    out->q[STUDY_DEAD] = dead / (double)l->units;
    out->q[STUDY_SATURATED] = saturated / (double)l->units;
    out->q[STUDY_FLAT] = flat / (double)n;
    return status;
}

static ffn_status measure_gradients(study_probe *p, size_t i, study_layer *out, ffn_error *error)
{
    const layer *l = &p->layers[i], *next = &p->layers[i + 1];
    const float *x = i == 0 ? ffn_dataset_inputs(p->data).data : p->layers[i - 1].y;
    const ffn_tensor input = ffn_tensor_view((float *)x, ffn_shape_2d(p->rows, l->inputs));
    const ffn_tensor dz = ffn_tensor_view(l->dz, ffn_shape_2d(p->rows, l->units));
    ffn_tensor dw = ffn_tensor_view(p->weight_gradient, ffn_shape_2d(l->units, l->inputs));
    const ffn_status status = ffn_matmul(&dw, &dz, true, &input, false, 1, 0, error);
    double biases = 0;
    for (size_t j = 0; j < l->units; j++) {
        double sum = 0;
        for (size_t r = 0; r < p->rows; r++) sum += (double)l->dz[r * l->units + j];
        biases += sum * sum;
    }
    /* of a row's own loss: that of the batch is a mean */
    const double rows = (double)p->rows, here = mean_square(l->dz, p->rows * l->units);
    out->q[STUDY_GRADIENT_VARIANCE] = rows * rows * here;
    out->q[STUDY_GAIN] = here / mean_square(next->dz, p->rows * next->units);
    out->q[STUDY_WEIGHT_GRADIENT] = sqrt(mean_square(dw.data, l->units * l->inputs) * (double)(l->units * l->inputs));
    out->q[STUDY_BIAS_GRADIENT] = sqrt(biases);
    return status;
}

/* ---- theory -------------------------------------------------------------------------------------------------------- */

/* Sums of many independent terms are normal with the variance q = weights' variance times inputs times the mean square of
 * what comes in; gradients pass back likewise (Glorot, Bengio 2010; He et al. 2015; Poole et al. 2016). */
static ffn_status predict(const study_probe *p, study_layer *out, ffn_error *error)
{
    const study_network *n = &p->network;
    double square = mean_square(ffn_dataset_inputs(p->data).data, p->rows * n->features);
    double slope_square[STUDY_MOST_LAYERS] = {0};
    for (size_t i = 0; i < n->layers; i++) {
        const layer *l = &p->layers[i];
        const double w = study_weight_variance(n->config, n->activation, l->inputs, l->units);
        const double q = w * (double)l->inputs * square + (n->config->normal_biases ? 1 : 0);
        study_moments moments;
        const ffn_status status = study_compute_moments(n->activation, q, &moments, error);
        if (status != FFN_OK) return status;
        out[i].q[STUDY_THEORY_MEAN] = moments.mean;
        out[i].q[STUDY_THEORY_VARIANCE] = moments.square - moments.mean * moments.mean;
        out[i].q[STUDY_THEORY_SUM_SQUARE] = q;
        slope_square[i] = moments.slope_square;
        square = moments.square;
    }
    const layer *output = &p->layers[n->layers];
    double gradient = mean_square(output->dz, p->rows * output->units) * (double)p->rows * (double)p->rows;
    for (size_t i = n->layers; i-- > 0;) {
        const layer *next = &p->layers[i + 1];
        const double w = study_weight_variance(n->config, n->activation, next->inputs, next->units);
        out[i].q[STUDY_THEORY_GAIN] = w * (double)next->units * slope_square[i];
        gradient *= out[i].q[STUDY_THEORY_GAIN];
        out[i].q[STUDY_THEORY_GRADIENT_VARIANCE] = gradient;
    }
    return FFN_OK;
}

/* The norm of the first weights' gradient once more, by a plan. */
static ffn_status compare_with_plan(study_probe *p, const ffn_model *model, double norm, ffn_error *error)
{
    const layer *first = &p->layers[0];
    const size_t count = first->units * first->inputs;
    size_t index;
    ffn_status status = study_find(model, 1, p->network.layers, "weight", &index, error);
    ffn_plan *plan = status == FFN_OK
                         ? ffn_plan_create(model, (ffn_plan_options){.max_batch = p->rows, .training = true}, error)
                         : NULL;
    if (!plan) return FFN_OUT_OF_MEMORY;
    (void)ffn_forward(plan, ffn_dataset_inputs(p->data).data, p->rows);
    (void)ffn_backward(plan, study_loss(p->network.config), ffn_dataset_targets(p->data).data);
    status = ffn_plan_get_gradient(plan, index, p->weight_gradient, error);
    ffn_plan_destroy(plan);
    if (status != FFN_OK) return status;
    const double scale = p->network.config->sigmoid_output ? (double)p->network.classes : 1;
    const double other = scale * sqrt(mean_square(p->weight_gradient, count) * (double)count);
    if (fabs(norm - other) <= 1e-3 * fmax(norm, other) + 1e-30) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "hidden1.weight: measured a gradient of norm %g, a plan has %g", norm,
                    other);
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

static double mean_slope(const study_probe *p, const layer *l)
{
    const ffn_activation activation = activation_of(p, l);
    if (!activation.slope) return (double)NAN;
    double sum = 0;
    const size_t count = activation.per_unit ? l->units : 1;
    for (size_t j = 0; j < count; j++) sum += (double)l->slope[j];
    return sum / (double)count;
}

ffn_status study_probe_measure(study_probe *p, const ffn_model *model, bool with_theory, study_layer *layers,
                               ffn_error *error)
{
    const size_t count = p->network.layers;
    ffn_status status = forward(p, model, error);
    if (status == FFN_OK) status = backward(p, error);
    for (size_t i = 0; i < count && status == FFN_OK; i++) {
        for (size_t q = 0; q < STUDY_QUANTITIES; q++) layers[i].q[q] = (double)NAN;
        measure_values(p, &p->layers[i], &layers[i]);
        layers[i].q[STUDY_SLOPE] = mean_slope(p, &p->layers[i]);
        status = measure_slopes(p, &p->layers[i], &layers[i], error);
        if (status == FFN_OK) status = measure_gradients(p, i, &layers[i], error);
    }
    if (status != FFN_OK || !with_theory) return status;
    status = predict(p, layers, error);
    if (status == FFN_OK && p->network.config->dropout == 0)
        status = compare_with_plan(p, model, layers[0].q[STUDY_WEIGHT_GRADIENT], error);
    return status;
}
