/* Inverted dropout. Element i of a batch is kept or dropped by number i of the layer's stream for this forward, so the
 * mask depends neither on threads nor on how the batch is cut into tiles. */
#include <stddef.h>

#include "layer/layer.h"

typedef struct config {
    float rate;
} config;

static const ffn_field fields[] = {
    {"rate", FFN_FIELD_FLOAT, offsetof(config, rate), 0, 0.999999},
};

enum { CHUNK = 1024 }; /* random numbers drawn at a time, on the stack */

typedef struct job {
    const ffn_step *step;
    ffn__tiles tiles;
    uint32_t threshold; /* numbers below it drop */
    float factor;       /* of what is kept */
} job;

static ffn_status plan(ffn_layer_plan *p, const void *configuration, ffn_error *error)
{
    (void)configuration, (void)error;
    p->output = p->inputs[0];
    /* the mask: one byte an element */
    p->saved_per_row = (ffn_shape_size(p->output) + sizeof(float) - 1) / sizeof(float);
    return FFN_OK;
}

static job bind(const ffn_step *step)
{
    const config *c = step->config;
    const size_t n = step->rows * ffn_shape_size(step->output_shape);
    return (job){.step = step,
                 .tiles = ffn__tiles_create(n, CHUNK, 20 * (double)n),
                 .threshold = (uint32_t)((double)c->rate * 4294967296.0),
                 .factor = (float)(1 / (1 - (double)c->rate))};
}

static void forward_tile(void *context, size_t tile)
{
    const job *j = context;
    const size_t end = ffn__tile_end(&j->tiles, tile);
    const float *x = j->step->inputs[0];
    float *y = j->step->output;
    unsigned char *mask = (unsigned char *)j->step->saved;
    ffn_random random = j->step->random;
    uint32_t bits[CHUNK];
    for (size_t begin = ffn__tile_begin(&j->tiles, tile); begin < end; begin += CHUNK) {
        const size_t n = end - begin < CHUNK ? end - begin : CHUNK;
        random.position = begin;
        ffn__random_fill(&random, n, bits);
        for (size_t i = 0; i < n; i++) {
            const bool keep = bits[i] >= j->threshold;
            mask[begin + i] = keep;
            y[begin + i] = keep ? x[begin + i] * j->factor : 0;
        }
    }
}

static void forward(const ffn_step *step)
{
    job j = bind(step);
    ffn__parallel(step->threads, j.tiles.count, 20 * (double)j.tiles.extent, forward_tile, &j);
}

static void backward(const ffn_step *step)
{
    const job j = bind(step);
    const unsigned char *mask = (const unsigned char *)step->saved;
    float *dy = step->output_gradient;
    if (!step->input_gradients[0]) return;
    for (size_t i = 0; i < j.tiles.extent; i++) dy[i] = mask[i] ? dy[i] * j.factor : 0;
    ffn__tensor()->assign(j.tiles.extent, step->input_betas[0], dy, step->input_gradients[0]);
}

const ffn_layer_ops ffn__dropout_ops = {
    .name = "dropout",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields)[0],
    .ignores_inputs = true,
    .ignores_output = true,
    .only_training = true,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};

ffn_value ffn_dropout(ffn_model *model, ffn_value x, float rate)
{
    const config c = {rate};
    return ffn_custom_layer(model, &ffn__dropout_ops, &c, sizeof(c), &x, 1);
}
