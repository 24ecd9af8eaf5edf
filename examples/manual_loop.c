/* Training by hand: the steps that ffn_fit does, in a loop of one's own, so that anything can be done between them.
 * Here the gradients of four small batches are accumulated into one update, and the rate follows a schedule.
 *
 * The task: which of three arms of a spiral does a point lie on? */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES = 3, ROWS = 600, PART = 16, PARTS = 4, EPOCHS = 100, UPDATES = EPOCHS * (ROWS / (PART * PARTS)) };

typedef struct spiral {
    float x[ROWS][2], arm[ROWS];
} spiral;

static void make_spiral(spiral *s, ffn_random *random)
{
    for (size_t i = 0; i < ROWS; i++) {
        const float along = ffn_random_uniform(random), arm = (float)(i % CLASSES);
        const float angle = 4.5f * along + arm * 2.0944f + 0.15f * ffn_random_normal(random);
        s->x[i][0] = along * cosf(angle);
        s->x[i][1] = along * sinf(angle);
        s->arm[i] = arm;
    }
}

static void shuffle(size_t order[ROWS], ffn_random *random)
{
    for (size_t i = ROWS - 1; i > 0; i--) {
        const size_t j = ffn_random_below(random, i + 1), other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

/* Forward and backward on PARTS small batches, then one update: the same as one batch of PARTS PART rows, in a quarter
 * of the memory. Returns the loss, NaN if something went wrong. */
static double update(ffn_trainer *trainer, const spiral *s, const size_t *order, ffn_error *error)
{
    ffn_plan *plan = ffn_trainer_plan(trainer);
    float x[PART][2], targets[PART], gradient[PART][CLASSES];
    double loss = 0;
    for (size_t part = 0; part < PARTS; part++) {
        for (size_t i = 0; i < PART; i++) {
            memcpy(x[i], s->x[order[part * PART + i]], sizeof x[i]);
            targets[i] = s->arm[order[part * PART + i]];
        }
        const float *logits = ffn_forward(plan, &x[0][0], PART);
        if (!logits) return (double)NAN;
        /* Each part counts for 1 / PARTS of the mean, so its gradient is scaled before it goes backward.
         * (Without that: loss = ffn_backward(plan, ffn_cross_entropy(), targets).) */
        loss += ffn_loss_compute(ffn_cross_entropy(), PART, CLASSES, logits, targets, &gradient[0][0]) / PARTS;
        for (size_t i = 0; i < PART * CLASSES; i++) (&gradient[0][0])[i] /= PARTS;
        ffn_plan_accumulate(plan, part > 0); /* the first overwrites the last update's gradients, the others add */
        ffn_backward_from(plan, &gradient[0][0]);
    }
    return ffn_trainer_apply(trainer, error) == FFN_OK ? loss : (double)NAN;
}

static ffn_status train(ffn_model *model, const spiral *s, ffn_random *random, ffn_error *error)
{
    ffn_value h = ffn_input(model, ffn_shape_1d(2));
    h = ffn_dense(model, h, 32, ffn_swish(1));
    h = ffn_dense(model, h, 32, ffn_swish(1));
    h = ffn_dense(model, h, CLASSES, ffn_linear()); /* logits: the loss's gradient is computed from them */
    ffn_status status = ffn_model_build(model, h, error);
    if (status != FFN_OK) return status;

    ffn_fit_options options = ffn_fit_defaults();
    options.optimizer = ffn_adamw(0.01f, 1e-4f);
    options.schedule = ffn_warmup(ffn_cosine_decay(UPDATES, 0), UPDATES / 20);
    options.batch_size = PART;
    options.clip_norm = 1;
    ffn_trainer *trainer = ffn_trainer_create(model, &options, error);
    if (!trainer) return error->status;

    size_t order[ROWS];
    for (size_t i = 0; i < ROWS; i++) order[i] = i;
    for (size_t epoch = 1; epoch <= EPOCHS && status == FFN_OK; epoch++) {
        shuffle(order, random);
        double loss = 0;
        size_t updates = 0;
        for (; status == FFN_OK && updates < ROWS / (PART * PARTS); updates++) {
            const double batch_loss = update(trainer, s, order + updates * PART * PARTS, error);
            if (isnan(batch_loss)) status = error->status;
            loss += batch_loss;
        }
        if (epoch % 10 == 0)
            printf("epoch %3zu: loss %.4f, learning rate %.5f\n", epoch, loss / (double)updates,
                   (double)ffn_trainer_learning_rate(trainer));
    }
    ffn_trainer_destroy(trainer);
    return status;
}

int main(void)
{
    static spiral training, test;
    ffn_random random = ffn_random_create(1, 0, 0);
    make_spiral(&training, &random);
    make_spiral(&test, &random);

    ffn_error error = {0};
    ffn_metrics metrics = {0};
    ffn_model *model = ffn_model_create(1, &error);
    ffn_dataset *data =
        ffn_dataset_from_arrays(&test.x[0][0], ffn_shape_1d(2), test.arm, ffn_shape_1d(1), ROWS, &error);
    const bool ok = model && data && train(model, &training, &random, &error) == FFN_OK &&
                    ffn_evaluate(model, data, ffn_cross_entropy(), &metrics, &error) == FFN_OK;
    if (ok) printf("test accuracy %.4f\n", metrics.accuracy);

    ffn_metrics_destroy(&metrics);
    ffn_dataset_destroy(data);
    ffn_model_destroy(model);
    return ok ? 0 : show_error("manual_loop", &error);
}
