/* Building a layer, and comparing what it gives with values computed by hand. */
#ifndef LAYER_H
#define LAYER_H

#include "networks.h"
#include "test.h"

static inline bool same_bits(size_t n, const float *a, const float *b) { return memcmp(a, b, n * sizeof(float)) == 0; }

static inline ffn_plan *make_plan(const ffn_model *model, ffn_plan_options options)
{
    ffn_plan *plan = ffn_plan_create(model, options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    return plan;
}

static inline void build(ffn_model *model, ffn_value output)
{
    ffn_error error = {FFN_OK, ""};
    CU_ASSERT_EQUAL(ffn_model_build(model, output, &error), FFN_OK);
    if (error.status != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(error.status, FFN_OK);
}

static inline void set(ffn_model *model, const char *name, const float *values)
{
    size_t index;
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, index, values, NULL), FFN_OK);
}

static inline void expect_gradient(const ffn_plan *plan, const ffn_model *model, const char *name, size_t n,
                                   const float *g)
{
    size_t index;
    float found[64];
    CU_ASSERT_EQUAL_FATAL(ffn_model_find_parameter(model, name, &index, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_plan_get_gradient(plan, index, found, NULL), FFN_OK);
    for (size_t i = 0; i < n; i++) CU_ASSERT_DOUBLE_EQUAL(found[i], g[i], 1e-6);
}

static inline void expect_values(const float *found, const float *expected, size_t n)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    for (size_t i = 0; i < n; i++) CU_ASSERT_DOUBLE_EQUAL(found[i], expected[i], 1e-6);
}

static const ffn_plan_options training = {.max_batch = 4, .training = true, .input_gradient = true};

#endif
