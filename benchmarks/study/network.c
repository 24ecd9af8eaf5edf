#include "study.h"

#include <math.h>
#include <stdlib.h>

ffn_loss study_loss(const study_config *config)
{
    return config->sigmoid_output ? ffn_binary_cross_entropy() : ffn_cross_entropy();
}

double study_weight_variance(const study_config *config, ffn_activation activation, size_t inputs, size_t units)
{
    const double he = 2 / (double)inputs, lecun = 1 / (double)inputs, glorot = 2 / (double)(inputs + units);
    if (config->init == STUDY_OWN) {
        const ffn_gain gain = activation.ops ? activation.ops->gain : FFN_GAIN_GLOROT;
        return gain == FFN_GAIN_HE ? he : gain == FFN_GAIN_LECUN ? lecun : glorot;
    }
    return config->init == STUDY_HE ? he : lecun;
}

ffn_status study_find(const ffn_model *model, size_t layer, size_t layers, const char *kind, size_t *index,
                      ffn_error *error)
{
    char name[64];
    if (layer > layers)
        (void)snprintf(name, sizeof name, "output.%s", kind);
    else
        (void)snprintf(name, sizeof name, "hidden%zu.%s", layer, kind);
    return ffn_model_find_parameter(model, name, index, error);
}

/* ---- initial weights ----------------------------------------------------------------------------------------------- */

/* A layer's numbers are of a stream of its own, so that they do not depend on what parameters an activation has. */
enum { WEIGHTS = 1, BIASES = 2 };

static void norm_rows(float *w, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++) {
        double squares = 0;
        for (size_t j = 0; j < cols; j++) squares += (double)w[i * cols + j] * (double)w[i * cols + j];
        for (size_t j = 0; j < cols && squares > 0; j++)
            w[i * cols + j] = (float)((double)w[i * cols + j] / sqrt(squares));
    }
}

static ffn_status set_normal(ffn_model *model, size_t index, ffn_random random, double deviation, bool normed,
                             ffn_error *error)
{
    ffn_parameter_info info;
    ffn_status status = ffn_model_parameter_info(model, index, &info, error);
    if (status != FFN_OK) return status;
    const size_t count = ffn_shape_size(info.shape);
    float *values = malloc(count * sizeof *values);
    if (!values) return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for %zu weights", count);
    for (size_t i = 0; i < count; i++) values[i] = (float)(deviation * (double)ffn_random_normal(&random));
    if (normed) norm_rows(values, info.shape.dim[0], info.shape.dim[1]);
    status = ffn_model_set_parameter(model, index, values, error);
    free(values);
    return status;
}

static ffn_status initialize(ffn_model *model, const study_network *n, ffn_error *error)
{
    ffn_status status = FFN_OK;
    for (size_t layer = 1; layer <= n->layers + 1 && status == FFN_OK; layer++) {
        const bool normed = n->config->init == STUDY_NORMED;
        const size_t inputs = layer == 1 ? n->features : n->config->units;
        const size_t units = layer > n->layers ? n->classes : n->config->units;
        const double deviation = sqrt(study_weight_variance(n->config, n->activation, inputs, units));
        size_t index;
        status = study_find(model, layer, n->layers, "weight", &index, error);
        if (status == FFN_OK)
            status = set_normal(model, index, ffn_random_create(n->seed, WEIGHTS, (uint32_t)layer), deviation, normed,
                                error);
        if (status != FFN_OK || !n->config->normal_biases) continue;
        status = study_find(model, layer, n->layers, "bias", &index, error);
        if (status == FFN_OK)
            status = set_normal(model, index, ffn_random_create(n->seed, BIASES, (uint32_t)layer), 1, false, error);
    }
    return status;
}

ffn_model *study_build(const study_network *n, ffn_error *error)
{
    char name[32];
    ffn_model *model = ffn_model_create(n->seed, error);
    ffn_value h = ffn_input(model, ffn_shape_1d(n->features));
    for (size_t layer = 1; layer <= n->layers; layer++) {
        h = ffn_dense(model, h, n->config->units, n->activation);
        (void)snprintf(name, sizeof name, "hidden%zu", layer);
        ffn_set_name(model, h, name);
        if (n->config->dropout > 0) h = ffn_dropout(model, h, (float)n->config->dropout);
    }
    h = ffn_dense(model, h, n->classes, n->config->sigmoid_output ? ffn_sigmoid() : ffn_softmax());
    ffn_set_name(model, h, "output");
    if (ffn_model_build(model, h, error) == FFN_OK && initialize(model, n, error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}
