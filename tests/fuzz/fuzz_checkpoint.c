/* Any bytes as a checkpoint of one of two trainers. For libFuzzer: the reader must not crash, leak or hang, must leave a
 * trainer as it was where it refuses, and a trainer that it changed must go on. The first byte chooses the trainer, and
 * whether the checksum is made right before. */
#include "../craft.h"
#include "require.h"

enum { ROWS = 4, INPUTS = 3, MOST = 64 };

static ffn_trainer *make_trainer(ffn_model *m, bool lbfgs)
{
    ffn_fit_options o = ffn_fit_defaults();
    ffn_value h = ffn_batch_norm(m, ffn_dense(m, ffn_input(m, ffn_shape_1d(INPUTS)), 2, ffn_prelu(0.2f)));
    h = ffn_dense(m, ffn_dropout(m, h, 0.1f), 2, ffn_softmax());
    require(ffn_model_build(m, h, NULL) == FFN_OK, "the model is right");
    o.batch_size = ROWS;
    o.seed = 3;
    if (lbfgs) {
        o.optimizer = ffn_lbfgs(1);
        o.optimizer.history = 3;
    } else {
        o.accumulate = 2;
        o.average_decay = 0.5f;
    }
    ffn_trainer *t = ffn_trainer_create(m, &o, NULL);
    require(t != NULL, "and so is the trainer");
    return t;
}

static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        require(ffn_model_parameter_info(model, i, &info, NULL) == FFN_OK, "parameters are there");
        require(n + ffn_shape_size(info.shape) <= MOST, "and not too many");
        require(ffn_model_get_parameter(model, i, values + n, NULL) == FFN_OK, "and can be had");
        n += ffn_shape_size(info.shape);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const float x[ROWS * INPUTS] = {1, 2, 3, -1, 0, 1, 0.5f, 0.5f, -2, 2, 1, 0}, targets[ROWS] = {0, 1, 1, 0};
    ffn_error error = {FFN_OK, ""};
    float before[MOST], after[MOST];
    if (size < 1) return 0;
    file_bytes f = {(unsigned char *)malloc(size), size - 1};
    memcpy(f.bytes, bytes + 1, size - 1);
    if (bytes[0] & 1) craft_seal(&f);
    ffn_model *model = ffn_model_create(1, NULL);
    ffn_trainer *t = make_trainer(model, bytes[0] & 2);
    const size_t count = get_weights(model, before);
    const ffn_status status = ffn_trainer_load_memory(t, f.bytes, f.size, &error);
    require_outcome(status == FFN_OK, &error);
    (void)get_weights(model, after);
    require(status == FFN_OK || memcmp(before, after, count * sizeof(float)) == 0, "a refusal changes nothing");
    for (int i = 0; i < 3 && status == FFN_OK; i++) {
        const ffn_status step = ffn_trainer_step(t, x, targets, ROWS, NULL, NULL);
        require(step == FFN_OK || step == FFN_DIVERGED, "a trainer goes on");
    }
    ffn_trainer_destroy(t);
    ffn_model_destroy(model);
    free(f.bytes);
    return 0;
}
