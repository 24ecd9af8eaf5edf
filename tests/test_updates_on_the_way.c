/* Weights that are updated on the way have the bits of those that wait for the norm of all gradients, wherever the layers
 * that are trained lie in the model's memory. */
#include "networks.h"
#include "test.h"

enum { INPUTS_OF = 16, CLASSES = 3, BATCH = 32, STEPS = 3 };

typedef struct shape {
    size_t units[4];  /* of hidden layers */
    unsigned trained; /* a bit for each layer, the output's last */
} shape;

static ffn_model *build(const shape *s)
{
    ffn_model *model = ffn_model_create(7, NULL);
    ffn_value x = ffn_input(model, ffn_shape_1d(INPUTS_OF));
    for (size_t i = 0; i < COUNT(s->units) + 1; i++) {
        const bool last = i == COUNT(s->units);
        x = ffn_dense(model, x, last ? CLASSES : s->units[i], last ? ffn_softmax() : ffn_relu());
        ffn_set_trainable(model, x, (s->trained >> i & 1) != 0);
    }
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, x, NULL), FFN_OK);
    return model;
}

/* The model after some steps; a limit that is never reached makes updates wait. */
static ffn_model *train(const shape *s, ffn_optimizer optimizer, bool waits)
{
    ffn_model *model = build(s);
    ffn_fit_options options = ffn_fit_defaults();
    options.batch_size = BATCH;
    options.optimizer = optimizer;
    options.clip_norm = waits ? 1e30F : 0;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    float x[BATCH * INPUTS_OF], targets[BATCH];
    fill_uniform(x, COUNT(x), 1, -1, 1);
    fill_targets(targets, BATCH, CLASSES, FFN_TARGET_CLASS_INDEX, 2);
    for (size_t i = 0; i < STEPS; i++)
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, BATCH, NULL, NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    return model;
}

static void compare(const ffn_model *a, const ffn_model *b)
{
    for (size_t p = 0; p < ffn_model_parameter_count(a); p++) {
        ffn_parameter_info info;
        CU_ASSERT_EQUAL_FATAL(ffn_model_parameter_info(a, p, &info, NULL), FFN_OK);
        const size_t size = ffn_shape_size(info.shape);
        float *values = malloc(2 * size * sizeof *values);
        CU_ASSERT_PTR_NOT_NULL_FATAL(values);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(a, p, values, NULL), FFN_OK);
        CU_ASSERT_EQUAL(ffn_model_get_parameter(b, p, values + size, NULL), FFN_OK);
        CU_ASSERT_EQUAL(memcmp(values, values + size, size * sizeof *values), 0);
        free(values);
    }
}

static void test_same_bits(void)
{
    /* what is frozen is 45 000 weights between, before and behind others, and nothing */
    static const shape shapes[] = {
        {{64, 700, 64, 32}, 0x1d}, {{700, 64, 600, 64}, 0x1c}, {{64, 700, 64, 9}, 0x07}, {{64, 700, 64, 32}, 0x1f}};
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (int kind = 0; kind < 2; kind++) {
            ffn_optimizer optimizer = kind ? ffn_adamw(0.01F, 0.1F) : ffn_sgd(0.1F);
            optimizer.spare_biases = kind != 0; /* two rules */
            ffn_model *early = train(&shapes[i], optimizer, false), *waiting = train(&shapes[i], optimizer, true);
            compare(early, waiting);
            ffn_model_destroy(early);
            ffn_model_destroy(waiting);
        }
}

static const test_case cases[] = {{"the same bits as updates at the end", test_same_bits}};
TEST_MAIN("updates on the way", cases)
