#include "study.h"

#include <math.h>
#include <stdlib.h>

const char *const study_stage_names[STUDY_STAGES] = {
    [STUDY_DEPTH] = "depth", [STUDY_TUNE] = "tune", [STUDY_FINAL] = "final"};

const char *const study_score_names[STUDY_SCORES] = {
    [STUDY_TRAIN_LOSS] = "train_loss",
    [STUDY_TRAIN_ACCURACY] = "train_accuracy",
    [STUDY_VALIDATION_LOSS] = "validation_loss",
    [STUDY_VALIDATION_ACCURACY] = "validation_accuracy",
    [STUDY_TEST_LOSS] = "test_loss",
    [STUDY_TEST_ACCURACY] = "test_accuracy",
};

/* ---- results ------------------------------------------------------------------------------------------------------- */

ffn_status study_result_create(study_result *result, const study_run *run, ffn_error *error)
{
    *result = (study_result){.run = *run};
    result->scores = calloc(run->epochs, sizeof *result->scores);
    result->seconds = calloc(run->epochs, sizeof *result->seconds);
    result->layers = calloc((run->epochs + 1) * run->layers, sizeof *result->layers);
    if (result->scores && result->seconds && result->layers) return FFN_OK;
    study_result_destroy(result);
    return ffn_fail(error, FFN_OUT_OF_MEMORY, "no memory for a run of %zu epochs", run->epochs);
}

void study_result_destroy(study_result *result)
{
    free(result->scores);
    free(result->seconds);
    free(result->layers);
    *result = (study_result){0};
}

double study_last(const study_result *result, study_score score)
{
    return result->epochs > 0 ? result->scores[result->epochs - 1][score] : (double)NAN;
}

/* ---- one run ------------------------------------------------------------------------------------------------------- */

typedef struct training {
    const study_config *config;
    const study_data *data;
    study_probe *probe;
    study_result *result;
    study_watch watch;
    void *user;
    double before; /* seconds of the epochs before */
    ffn_error *error;
} training;

static ffn_status evaluate(const training *t, const ffn_model *model, const ffn_dataset *data, double *loss,
                           double *accuracy)
{
    ffn_metrics metrics = {0};
    const ffn_status status = ffn_evaluate(model, data, study_loss(t->config), &metrics, t->error);
    *loss = metrics.loss;
    *accuracy = metrics.accuracy;
    ffn_metrics_destroy(&metrics);
    return status;
}

static ffn_status measure(training *t, const ffn_model *model)
{
    study_result *r = t->result;
    const ffn_status status =
        study_probe_measure(t->probe, model, r->measured == 0, r->layers + r->measured * r->run.layers, t->error);
    r->measured += status == FFN_OK;
    return status;
}

static int finish_epoch(const ffn_progress *progress, void *user)
{
    training *t = user;
    study_result *r = t->result;
    double *scores = r->scores[r->epochs];
    t->before += progress->epoch_seconds;
    r->seconds[r->epochs++] = t->before;
    scores[STUDY_TRAIN_LOSS] = progress->loss;
    scores[STUDY_TRAIN_ACCURACY] = progress->accuracy;
    ffn_status status = evaluate(t, progress->model, t->data->validation, &scores[STUDY_VALIDATION_LOSS],
                                 &scores[STUDY_VALIDATION_ACCURACY]);
    if (status == FFN_OK)
        status = evaluate(t, progress->model, t->data->test, &scores[STUDY_TEST_LOSS], &scores[STUDY_TEST_ACCURACY]);
    for (size_t i = 0; i < STUDY_SCORES; i++) scores[i] = (double)(float)scores[i]; /* as the files will have them */
    if (status == FFN_OK) status = measure(t, progress->model);
    if (t->watch) t->watch(&r->run, progress->epoch, t->user);
    return status != FFN_OK;
}

static ffn_status fit(training *t, ffn_model *model)
{
    const study_config *c = t->config;
    const study_run *run = &t->result->run;
    ffn_fit_options options = ffn_fit_defaults();
    const ffn_status known = ffn_optimizer_by_name(c->optimizer, &options.optimizer, t->error);
    if (known != FFN_OK) return known;
    options.optimizer.learning_rate = (float)run->rate;
    options.loss = study_loss(c);
    options.epochs = run->epochs;
    options.batch_size = c->batch;
    options.seed = run->seed;
    options.l2 = (float)c->l2;
    options.patience = c->patience;
    options.min_delta = c->patience ? (float)1e-4 : 0;
    options.on_epoch = finish_epoch;
    options.user = t;
    ffn_error reason = {FFN_OK, ""};
    ffn_status status = ffn_fit(model, t->data->train, &options, NULL, &reason);
    if (status == FFN_DIVERGED) {
        study_result *r = t->result;
        r->seconds[r->epochs] = t->before;
        for (size_t i = 0; i < STUDY_SCORES; i++) r->scores[r->epochs][i] = (double)NAN;
        r->epochs++;
        return FFN_OK;
    }
    if (status == FFN_STOPPED) return status; /* finish_epoch has said why */
    return status == FFN_OK ? status : ffn_fail(t->error, status, "%s", reason.message);
}

ffn_status study_train(const study_config *config, const study_activations *activations, const study_data *data,
                       const study_run *run, study_watch watch, void *user, study_result *result, ffn_error *error)
{
    const study_network network = {
        config, activations->kinds[run->activation], run->layers, data->features, data->classes, run->seed};
    training t = {.config = config, .data = data, .result = result, .watch = watch, .user = user, .error = error};
    ffn_status status = study_result_create(result, run, error);
    if (status != FFN_OK) return status;
    ffn_model *model = study_build(&network, error);
    t.probe = model ? study_probe_create(&network, data->train, error) : NULL;
    status = t.probe ? measure(&t, model) : FFN_OUT_OF_MEMORY;
    if (status == FFN_OK) status = fit(&t, model);
    study_probe_destroy(t.probe);
    ffn_model_destroy(model);
    if (status != FFN_OK) study_result_destroy(result);
    return status;
}
