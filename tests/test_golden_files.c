/* Files of released versions: every one of them loads for ever, and says what it said then. `test_golden_files make` writes
 * those of this version, once, when it is released; a folder that is there is never written again. */
#include "networks.h"
#include "test.h"

#include <errno.h>
#include <sys/stat.h>

enum { ROWS = 3, MOST = 64 };
static const char *const versions[] = {"0.1"}; /* the last is this one */

/* A file in tests/files/VERSION/. */
static const char *place(const char *version, const char *name, const char *ending)
{
    static char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    (void)snprintf(path, sizeof path, "%.*s/files/%s/%s%s", (int)(slash - __FILE__), __FILE__, version, name, ending);
    return path;
}

/* ---- what was saved: never to be changed ----------------------------------------------------------------------- */

/* Every layer and, within them, every setting. */
static ffn_model *make_layers(void)
{
    ffn_model *m = ffn_model_create(5, NULL);
    const ffn_value x = ffn_input(m, ffn_shape_1d(4)), z = ffn_input(m, ffn_shape_2d(2, 2));
    const ffn_value low = ffn_min_max(m, x), standard = ffn_standardize(m, x), sum = ffn_add(m, standard, low);
    const ffn_value normal = ffn_quantile_normal(m, x, 3), robust = ffn_robust(m, x);
    const ffn_value a = ffn_add(m, sum, ffn_add(m, robust, normal));
    ffn_value h = ffn_dense(m, a, 4, ffn_prelu_per_unit(0.25f));
    ffn_set_name(m, h, "shared");
    ffn_set_penalty(m, h, 0.001f, 0.01f);
    ffn_set_max_norm(m, h, 2);
    ffn_set_rate(m, h, 0.5f);
    ffn_set_decay(m, h, 0.1f);
    ffn_set_initializer(m, h, ffn_uniform(-0.5f, 0.5f));
    h = ffn_batch_norm(m, ffn_share(m, h, h));
    ffn_value g = ffn_layer_norm(m, ffn_activate(m, ffn_flatten(m, z), ffn_swish(1.5f)));
    ffn_set_trainable(m, g, false);
    ffn_set_kernels(m, FFN_KERNELS_NATIVE);
    h = ffn_dense(m, ffn_dropout(m, ffn_concat(m, h, g), 0.125f), 6, ffn_leaky_relu(0.02f));
    ffn_set_bias(m, h, false);
    ffn_set_kernels(m, FFN_KERNELS_BLAS);
    h = ffn_dense(m, ffn_reshape(m, h, ffn_shape_2d(2, 3)), 3, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    return m;
}

/* Every activation of version 0.1, one after another. */
static ffn_model *make_activations(void)
{
    static const char *const kinds[] = {"linear",      "sigmoid",        "tanh",         "relu",      "leaky_relu",
                                        "prelu",       "prelu_per_unit", "elu",          "selu",      "softmax",
                                        "log_softmax", "swish",          "gelu",         "gelu_tanh", "softplus",
                                        "softsign",    "mish",           "hard_sigmoid", "hard_swish"};
    ffn_model *m = ffn_model_create(6, NULL);
    ffn_value h = ffn_input(m, ffn_shape_1d(5));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ffn_activation activation;
        CU_ASSERT_EQUAL(ffn_activation_by_name(kinds[i], &activation, NULL), FFN_OK);
        h = ffn_dense(m, h, 5, activation);
    }
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    return m;
}

static ffn_model *make_trained(void)
{
    ffn_model *m = ffn_model_create(7, NULL);
    ffn_value h = ffn_batch_norm(m, ffn_dense(m, ffn_input(m, ffn_shape_1d(4)), 3, ffn_tanh()));
    h = ffn_dense(m, ffn_dropout(m, h, 0.25f), 2, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, NULL), FFN_OK);
    return m;
}

static const struct {
    const char *name;
    ffn_model *(*make)(void);
} models[] = {{"layers", make_layers}, {"activations", make_activations}};

static const char *const optimizers[] = {"sgd",      "momentum", "nesterov", "adagrad", "rmsprop", "adam",  "adamw",
                                         "adadelta", "adamax",   "nadam",    "radam",   "lion",    "rprop", "lbfgs"};

/* A trainer with everything that a checkpoint can hold. */
static ffn_trainer *make_trainer(ffn_model *model, const char *optimizer)
{
    ffn_fit_options o = ffn_fit_defaults();
    CU_ASSERT_EQUAL(ffn_optimizer_by_name(optimizer, &o.optimizer, NULL), FFN_OK);
    o.batch_size = ROWS;
    o.seed = 9;
    o.average_decay = 0.75f;
    o.schedule = ffn_reduce_on_plateau(0.5f, 0);
    if (strcmp(optimizer, "lbfgs") != 0) o.accumulate = 2;
    ffn_trainer *t = ffn_trainer_create(model, &o, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

static double step(ffn_trainer *t, size_t times)
{
    float x[4 * ROWS];
    const float targets[ROWS] = {0, 1, 1};
    double loss = 0;
    fill_uniform(x, 4 * ROWS, 3, -1, 1);
    for (size_t i = 0; i < times; i++) {
        CU_ASSERT_EQUAL(ffn_trainer_step(t, x, targets, ROWS, &loss, NULL), FFN_OK);
        ffn_trainer_report(t, 1);
    }
    return loss;
}

/* ---- what they say --------------------------------------------------------------------------------------------- */

static size_t predict(const ffn_model *model, float *y)
{
    float x[ROWS * 8];
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(model)),
                 outputs = ffn_shape_size(ffn_model_output_shape(model));
    CU_ASSERT_FATAL(inputs <= 8 && ROWS * outputs <= MOST);
    fill_uniform(x, ROWS * inputs, 2, -1, 1);
    CU_ASSERT_EQUAL(ffn_predict(model, x, ROWS, y, NULL), FFN_OK);
    return ROWS * outputs;
}

static void make_model_file(size_t index, const char *version)
{
    static const char *const classes[] = {"rot", "gr\xc3\xbcn", "\"blau\""};
    float y[MOST];
    ffn_model *model = models[index].make();
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        float values[256];
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        const size_t n = ffn_shape_size(info.shape);
        fill_uniform(values, n, 50 + i, 0.25f, 1);
        if (strstr(info.name, "quantiles"))
            for (size_t k = 0; k < n; k++) values[k] = (float)(k % 3) - 1 + 0.125f * values[k];
        CU_ASSERT_EQUAL(ffn_model_set_parameter(model, i, values, NULL), FFN_OK);
    }
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, classes, 3, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_save(model, place(version, models[index].name, ".safetensors"), NULL), FFN_OK);
    const size_t count = predict(model, y);
    FILE *file = fopen(place(version, models[index].name, ".txt"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t i = 0; i < count; i++) (void)fprintf(file, "%.9g\n", (double)y[i]);
    (void)fclose(file);
    ffn_model_destroy(model);
}

static void check_model_file(size_t index, const char *version)
{
    ffn_error error = {FFN_OK, ""};
    float y[MOST];
    char text[2][4096];
    ffn_model *model = ffn_model_load(place(version, models[index].name, ".safetensors"), &error),
              *now = models[index].make();
    if (!model) printf("\n    %s, %s: %s\n", version, models[index].name, error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    const size_t count = predict(model, y);
    FILE *file = fopen(place(version, models[index].name, ".txt"), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t i = 0; i < count; i++) {
        char line[64];
        CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
        const double expected = strtod(line, NULL);
        CU_ASSERT_DOUBLE_EQUAL((double)y[i], expected, 2e-5 * fmax(1, fabs(expected)));
    }
    (void)fclose(file);
    (void)ffn_model_summary(model, text[0], sizeof text[0]);
    (void)ffn_model_summary(now, text[1], sizeof text[1]);
    CU_ASSERT_STRING_EQUAL(text[0], text[1]);
    CU_ASSERT_STRING_EQUAL(ffn_model_class_name(model, 1), "gr\xc3\xbcn");
    ffn_model_destroy(model);
    ffn_model_destroy(now);
}

static void make_checkpoint(size_t index, const char *version)
{
    ffn_model *model = make_trained();
    ffn_trainer *t = make_trainer(model, optimizers[index]);
    (void)step(t, 5);
    CU_ASSERT_EQUAL(ffn_trainer_save(t, place(version, optimizers[index], ".safetensors"), NULL), FFN_OK);
    FILE *file = fopen(place(version, optimizers[index], ".txt"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file, "%.17g\n", step(t, 4));
    (void)fclose(file);
    ffn_trainer_destroy(t);
    ffn_model_destroy(model);
}

static void check_checkpoint(size_t index, const char *version)
{
    ffn_error error = {FFN_OK, ""};
    char line[64];
    ffn_model *model = make_trained();
    ffn_trainer *t = make_trainer(model, optimizers[index]);
    if (ffn_trainer_load(t, place(version, optimizers[index], ".safetensors"), &error) != FFN_OK)
        printf("\n    %s, %s: %s\n", version, optimizers[index], error.message);
    CU_ASSERT_EQUAL(error.status, FFN_OK);
    FILE *file = fopen(place(version, optimizers[index], ".txt"), "r");
    CU_ASSERT_TRUE_FATAL(file && fgets(line, sizeof line, file));
    (void)fclose(file);
    CU_ASSERT_DOUBLE_EQUAL(step(t, 4), strtod(line, NULL), 1e-4);
    ffn_trainer_destroy(t);
    ffn_model_destroy(model);
}

static void test_models(void)
{
    for (size_t v = 0; v < COUNT(versions); v++)
        for (size_t i = 0; i < COUNT(models); i++) check_model_file(i, versions[v]);
}

static void test_checkpoints(void)
{
    for (size_t v = 0; v < COUNT(versions); v++)
        for (size_t i = 0; i < COUNT(optimizers); i++) check_checkpoint(i, versions[v]);
}

static void make_all(void)
{
    const char *version = versions[COUNT(versions) - 1];
    if (mkdir(place(version, "", ""), 0777) != 0) {
        printf("\n    %s: %s\n", place(version, "", ""), strerror(errno));
        CU_FAIL_FATAL("a version's files are written once");
    }
    for (size_t i = 0; i < COUNT(models); i++) make_model_file(i, version);
    for (size_t i = 0; i < COUNT(optimizers); i++) make_checkpoint(i, version);
}

static const test_case making[] = {{"make", make_all}};
static const test_case cases[] = {{"models", test_models}, {"checkpoints", test_checkpoints}};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "make") == 0) return test_run("golden files, made", making, COUNT(making));
    return test_run("golden files", cases, COUNT(cases));
}
