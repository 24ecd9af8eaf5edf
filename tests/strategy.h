/* A small network and its rows, for the tests of what surrounds updates. */
#ifndef STRATEGY_H
#define STRATEGY_H

#include "backprop/model.h"
#include "networks.h"
#include "test.h"

enum { ROWS = 40 };

static float x_data[ROWS * INPUTS], numbers[ROWS * OUTPUTS], labels[ROWS];

static inline ffn_model *make(ffn_activation last)
{
    fill_uniform(x_data, COUNT(x_data), 5, -2, 2);
    fill_targets(numbers, ROWS, OUTPUTS, FFN_TARGET_NUMBERS, 6);
    fill_targets(labels, ROWS, OUTPUTS, FFN_TARGET_CLASS_INDEX, 7);
    ffn_model *model = ffn_model_create(3, NULL);
    ffn_value h = ffn_dense(model, row_input(model), 9, ffn_tanh());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, h, OUTPUTS, last), NULL), FFN_OK);
    return model;
}

static inline ffn_trainer *make_trainer(ffn_model *model, const ffn_fit_options *options)
{
    ffn_error error = {0};
    ffn_trainer *trainer = ffn_trainer_create(model, options, &error);
    if (!trainer) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    return trainer;
}

static inline float *copy_values(const ffn_model *model)
{
    float *copy = malloc(model->value_count * sizeof(float));
    memcpy(copy, model->values, model->value_count * sizeof(float));
    return copy;
}

static inline double difference(const ffn_model *model, const float *values)
{
    double most = 0;
    for (size_t i = 0; i < model->value_count; i++)
        most = fmax(most, fabs((double)model->values[i] - (double)values[i]));
    return most;
}

#endif
