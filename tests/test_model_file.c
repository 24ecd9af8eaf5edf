/* Models saved and loaded: the same bits predicted and the same bytes saved again, for every kind of layer and setting, to
 * and from every kind of place; what a file cannot hold is named. */
#include "failing.h"
#include "onnx_networks.h"
#include "test.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 5, MOST_INPUTS = 64 };

/* ---- settings and layers that the other tests do not have ------------------------------------------------------ */

static ffn_value describe_scalers(ffn_model *m)
{
    const ffn_value x = row_input(m);
    ffn_value h = ffn_add(m, ffn_robust(m, x), ffn_quantile_normal(m, x, 11));
    h = ffn_concat(m, h, ffn_add(m, ffn_standardize(m, x), ffn_min_max(m, x)));
    return ffn_dense(m, ffn_reshape(m, h, ffn_shape_2d(3, 4)), 2, ffn_leaky_relu(0.125f));
}

static ffn_value describe_settings(ffn_model *m)
{
    const ffn_initializer odd = {.ops = ffn_normal(0, 1).ops, .a = 0.1f, .b = 1e-7f};
    ffn_value h = ffn_dense(m, row_input(m), 5, ffn_prelu_per_unit(0.3f));
    ffn_set_name(m, h, "erste \"Schicht\"\\\n\xc3\xa4");
    ffn_set_penalty(m, h, 1e-5f, 0.1f);
    ffn_set_max_norm(m, h, 3.25f);
    ffn_set_initializer(m, h, odd);
    ffn_set_kernels(m, FFN_KERNELS_BLAS);
    h = ffn_dense(m, h, 40, ffn_elu(0.7f));
    ffn_set_rate(m, h, 0);
    ffn_set_decay(m, h, 0);
    ffn_set_trainable(m, h, false);
    ffn_set_kernels(m, FFN_KERNELS_NATIVE);
    h = ffn_dense(m, ffn_dropout(m, ffn_layer_norm(m, h), 0.25f), 3, ffn_swish(1.7f));
    ffn_set_bias(m, h, false);
    ffn_set_rate(m, h, 0.1f);
    ffn_set_decay(m, h, 1e-3f);
    ffn_set_initializer(m, h, ffn_orthogonal());
    return ffn_activate(m, h, ffn_softmax());
}

static const form extra[] = {{"scalers", describe_scalers, NULL}, {"settings", describe_settings, NULL}};

static size_t model_count(void) { return network_count() + COUNT(extra); }

static ffn_model *model_at(size_t index, const char **name)
{
    static const char *const classes[] = {"Setosa", "", "\xe2\x82\xac \"q\" \\", "a\nb"};
    ffn_model *model;
    if (index < network_count()) {
        const network_description d = network_at(index);
        *name = d.name;
        model = d.model;
    } else {
        *name = extra[index - network_count()].name;
        model = form_build(&extra[index - network_count()], 5);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    if (index % 3 == 0) CU_ASSERT_EQUAL(ffn_model_set_class_names(model, classes, index % 5, NULL), FFN_OK);
    return model;
}

/* ---- sameness -------------------------------------------------------------------------------------------------- */

typedef struct bytes {
    void *bytes;
    size_t size;
} bytes;

static bytes save(const ffn_model *model)
{
    ffn_error error = {FFN_OK, ""};
    bytes b = {NULL, 0};
    if (ffn_model_save_memory(model, &b.bytes, &b.size, &error) != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b.bytes);
    return b;
}

static bool predicts_the_same(const ffn_model *a, const ffn_model *b)
{
    float x[ROWS * MOST_INPUTS], y[2][ROWS * 512];
    const size_t inputs = ffn_shape_size(ffn_model_input_shape(a)), outputs = ffn_shape_size(ffn_model_output_shape(a));
    CU_ASSERT_FATAL(inputs <= MOST_INPUTS && outputs <= 512);
    if (!ffn_shape_equal(ffn_model_input_shape(a), ffn_model_input_shape(b)) ||
        !ffn_shape_equal(ffn_model_output_shape(a), ffn_model_output_shape(b)))
        return false;
    fill_uniform(x, ROWS * inputs, 9, -2, 2);
    CU_ASSERT_EQUAL(ffn_predict(a, x, ROWS, y[0], NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_predict(b, x, ROWS, y[1], NULL), FFN_OK);
    return memcmp(y[0], y[1], ROWS * outputs * sizeof(float)) == 0;
}

static bool has_same_names(const ffn_model *a, const ffn_model *b)
{
    for (size_t i = 0;; i++) {
        const char *one = ffn_model_class_name(a, i), *other = ffn_model_class_name(b, i);
        if (!one || !other) return one == other;
        if (strcmp(one, other) != 0) return false;
    }
}

static bool is_same(const ffn_model *a, const ffn_model *b)
{
    char text[2][4096];
    (void)ffn_model_summary(a, text[0], sizeof text[0]);
    (void)ffn_model_summary(b, text[1], sizeof text[1]);
    const bytes one = save(a), other = save(b);
    const bool same = one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0 &&
                      strcmp(text[0], text[1]) == 0 && has_same_names(a, b) && predicts_the_same(a, b);
    ffn_free(one.bytes);
    ffn_free(other.bytes);
    return same;
}

/* ---- round trips ----------------------------------------------------------------------------------------------- */

static const ffn_layer_ops *const own_layers[] = {NULL, &cube_ops};
static const ffn_file_options with_cube = {.layers = own_layers, .layer_count = 2};

static void test_every_model(void)
{
    for (size_t i = 0; i < model_count(); i++) {
        ffn_error error = {FFN_OK, ""};
        const char *name;
        ffn_model *model = model_at(i, &name);
        const bytes b = save(model);
        ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, &error);
        if (!loaded || !is_same(model, loaded)) printf("\n    %s: %s\n", name, error.message);
        CU_ASSERT_TRUE(loaded && is_same(model, loaded));
        CU_ASSERT_EQUAL(b.size % 4, 0);
        ffn_model_destroy(loaded);
        ffn_model_destroy(model);
        ffn_free(b.bytes);
    }
}

static void test_settings_act(void)
{
    const char *name;
    ffn_model *model = model_at(model_count() - 1, &name);
    const bytes b = save(model);
    ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    float x[2 * INPUTS], loss[2][4];
    const float targets[2] = {0, 2};
    fill_uniform(x, 2 * INPUTS, 3, -1, 1);
    for (size_t k = 0; k < 2; k++) {
        ffn_fit_options options = ffn_fit_defaults();
        options.batch_size = 2;
        options.optimizer = ffn_adamw(0.05f, 0.1f);
        options.seed = 4;
        ffn_trainer *trainer = ffn_trainer_create(k ? loaded : model, &options, NULL);
        for (size_t i = 0; i < 4; i++) {
            double value = 0;
            CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x, targets, 2, &value, NULL), FFN_OK);
            loss[k][i] = (float)value;
        }
        ffn_trainer_destroy(trainer);
    }
    CU_ASSERT_EQUAL(memcmp(loss[0], loss[1], sizeof loss[0]), 0); /* frozen, rates, decay, penalties, dropout, names */
    CU_ASSERT_TRUE(is_same(model, loaded));
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
    ffn_free(b.bytes);
}

static void test_fitted_scalers(void)
{
    float x[40 * INPUTS];
    fill_uniform(x, COUNT(x), 8, -50, 90);
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(INPUTS), NULL, ffn_shape_1d(1), 40, NULL);
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, describe_scalers(model), NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
    const bytes b = save(model);
    ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, NULL);
    CU_ASSERT_TRUE(loaded && is_same(model, loaded));
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
    ffn_free(b.bytes);
}

/* The loss of the last training comes along, but for the weights of classes. */
static void test_loss(void)
{
    const float x[4] = {0, 1, 2, 3}, targets[4] = {0, 1, 1, 0};
    ffn_dataset *data = ffn_dataset_from_arrays(x, ffn_shape_1d(1), targets, ffn_shape_1d(1), 4, NULL);
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(1)), 1, ffn_linear());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    CU_ASSERT_PTR_NULL(ffn_model_loss(model).ops);
    CU_ASSERT_PTR_NULL(ffn_model_loss(NULL).ops);
    ffn_fit_options options = ffn_fit_defaults();
    options.epochs = 1;
    options.loss = ffn_binary_cross_entropy();
    options.loss.label_smoothing = 0.1f;
    options.loss.positive_weight = 3;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    const bytes b = save(model);
    ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    const ffn_loss found = ffn_model_loss(loaded);
    CU_ASSERT_PTR_EQUAL(found.ops, ffn_binary_cross_entropy().ops);
    CU_ASSERT_EQUAL(found.label_smoothing, 0.1f);
    CU_ASSERT_EQUAL(found.positive_weight, 3);
    CU_ASSERT_PTR_NULL(found.class_weights);
    CU_ASSERT_TRUE(is_same(model, loaded));
    ffn_free(b.bytes);
    ffn_model_destroy(loaded);
    const ffn_loss_ops own = *ffn_mse().ops; /* one from outside is not kept, whatever it is called */
    options.loss = (ffn_loss){.ops = &own};
    CU_ASSERT_EQUAL(ffn_fit(model, data, &options, NULL, NULL), FFN_OK);
    CU_ASSERT_PTR_EQUAL(ffn_model_loss(model).ops, &own);
    const bytes without = save(model);
    loaded = ffn_model_load_memory(without.bytes, without.size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    CU_ASSERT_PTR_NULL(ffn_model_loss(loaded).ops);
    ffn_free(without.bytes);
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

static void test_values_that_are_hard(void)
{
    static const float hard[] = {0.0f, -0.0f, 1e-45f, -1e-38f, 3.4028234e38f, 0.1f};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 3, ffn_elu(1e-38f));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_set_parameter(model, 0, hard, NULL), FFN_OK);
    const bytes b = save(model);
    ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, NULL);
    float found[6];
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    CU_ASSERT_EQUAL(ffn_model_get_parameter(loaded, 0, found, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(found, hard, sizeof hard), 0);
    CU_ASSERT_TRUE(is_same(model, loaded));
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
    ffn_free(b.bytes);
}

/* ---- from outside the library ---------------------------------------------------------------------------------- */

static void bend(const ffn_activation *a, size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t i = 0; i < rows * cols; i++) y[i] = a->alpha * x[i] / (1 + fabsf(x[i]));
}
static void bend_back(const ffn_activation *a, size_t rows, size_t cols, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)y;
    for (size_t i = 0; i < rows * cols; i++) dx[i] = a->alpha * dy[i] / ((1 + fabsf(x[i])) * (1 + fabsf(x[i])));
}
static const ffn_activation_ops bend_ops = {
    .name = "bend", .alpha_low = 0, .alpha_high = 9, .needs_input = true, .forward = bend, .backward = bend_back};

static int put(void *text, const void *part, size_t size)
{
    bytes *b = text;
    b->bytes = realloc(b->bytes, b->size + size);
    memcpy((char *)b->bytes + b->size, part, size);
    b->size += size;
    return 0;
}

static int take(void *text, void *part, size_t size, size_t *count)
{
    bytes *b = text;
    *count = size < 7 ? size : 7; /* in small portions */
    if (*count > b->size) *count = b->size;
    memcpy(part, b->bytes, *count);
    b->bytes = (char *)b->bytes + *count;
    b->size -= *count;
    return 0;
}

static void expect(ffn_status status, ffn_error *error, ffn_status expected, const char *words)
{
    if (status != expected || !strstr(error->message, words)) printf("\n    %d %s\n", (int)status, error->message);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, words));
    *error = (ffn_error){FFN_OK, ""};
}

static void test_layers_from_outside(void)
{
    ffn_error error = {FFN_OK, ""};
    const form custom = {"custom", form_custom, NULL};
    ffn_model *model = form_build(&custom, 3);
    bytes b = {NULL, 0};
    expect(ffn_model_save_memory(model, &b.bytes, &b.size, &error), &error, FFN_UNSUPPORTED, "cube1: the layer cube");
    CU_ASSERT_PTR_NULL(b.bytes);
    CU_ASSERT_EQUAL(ffn_model_save_to(model, put, &b, &with_cube, &error), FFN_OK);
    CU_ASSERT_PTR_NULL(ffn_model_load_memory(b.bytes, b.size, &error));
    expect(error.status, &error, FFN_UNSUPPORTED, "cube1: the layer cube");
    bytes rest = b;
    ffn_model *loaded = ffn_model_load_from(take, &rest, &with_cube, &error);
    CU_ASSERT_TRUE(loaded && predicts_the_same(model, loaded));
    bytes again = {NULL, 0};
    CU_ASSERT_EQUAL(ffn_model_save_to(loaded, put, &again, &with_cube, &error), FFN_OK);
    CU_ASSERT_TRUE(again.size == b.size && memcmp(again.bytes, b.bytes, b.size) == 0);
    free(again.bytes);
    free(b.bytes);
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
}

static void test_activations_from_outside(void)
{
    static const ffn_activation_ops *const own[] = {&bend_ops};
    const ffn_file_options options = {.activations = own, .activation_count = 1};
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_activation activation = {.ops = &bend_ops, .alpha = 0.3f};
    const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 3, activation);
    ffn_set_name(model, y, "bent");
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    bytes b = {NULL, 0};
    expect(ffn_model_save_memory(model, &b.bytes, &b.size, &error), &error, FFN_UNSUPPORTED,
           "bent: the activation bend");
    CU_ASSERT_EQUAL(ffn_model_save_to(model, put, &b, &options, &error), FFN_OK);
    CU_ASSERT_PTR_NULL(ffn_model_load_memory(b.bytes, b.size, &error));
    expect(error.status, &error, FFN_UNSUPPORTED, "bent: the activation bend");
    bytes rest = b;
    ffn_model *loaded = ffn_model_load_from(take, &rest, &options, &error);
    CU_ASSERT_TRUE(loaded && predicts_the_same(model, loaded));
    free(b.bytes);
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
}

/* A layer that calls itself as one of the library's is not taken for it. */
static void test_false_names(void)
{
    ffn_layer_ops dense = cube_ops;
    dense.name = "dense";
    const ffn_layer_ops *const own[] = {&dense};
    const ffn_file_options options = {.layers = own, .layer_count = 1};
    const cube_config config = {1};
    ffn_error error = {FFN_OK, ""};
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(2)),
                    y = ffn_custom_layer(model, &dense, &config, sizeof config, &x, 1);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
    bytes b = {NULL, 0};
    expect(ffn_model_save_to(model, put, &b, &options, &error), &error, FFN_UNSUPPORTED, "dense1: the layer dense");
    CU_ASSERT_EQUAL(b.size, 0);
    ffn_model_destroy(model);
    ffn_model *(*const builders[])(size_t) = {build_false_layer, build_false_activation};
    size_t count = 0;
    for (size_t k = 0; k < COUNT(builders); k++)
        for (size_t i = 0; (model = builders[k](i)); i++, count++) {
            expect(ffn_model_save_memory(model, &b.bytes, &b.size, &error), &error, FFN_UNSUPPORTED, "here: the ");
            ffn_model_destroy(model);
        }
    CU_ASSERT(count > 30);
}

static void test_text_that_is_no_utf8(void)
{
    static const char *const bad[] = {"\x80", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82\x28"};
    ffn_error error = {FFN_OK, ""};
    for (size_t i = 0; i < COUNT(bad); i++) {
        bytes b = {NULL, 0};
        ffn_model *model = ffn_model_create(1, NULL);
        const ffn_value y = ffn_dense(model, ffn_input(model, ffn_shape_1d(2)), 1, ffn_tanh());
        ffn_set_name(model, y, i % 2 ? bad[i] : "good");
        CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, y, NULL), FFN_OK);
        if (i % 2 == 0) CU_ASSERT_EQUAL(ffn_model_set_class_names(model, &bad[i], 1, NULL), FFN_OK);
        expect(ffn_model_save_memory(model, &b.bytes, &b.size, &error), &error, FFN_UNSUPPORTED, "UTF-8");
        ffn_model_destroy(model);
    }
}

/* ---- places ---------------------------------------------------------------------------------------------------- */

static int refuse(void *user, const void *part, size_t size)
{
    size_t *left = user;
    (void)part;
    if (size > *left) return 28;
    *left -= size;
    return 0;
}

static int stumble(void *user, void *part, size_t size, size_t *count)
{
    (void)part;
    *count = *(size_t *)user;
    memset(part, 0, *count < size ? *count : size);
    return *count ? 0 : 5;
}

static void test_places(void)
{
    static const char path[] = "test_model_file.safetensors";
    ffn_error error = {FFN_OK, ""};
    const char *name;
    ffn_model *model = model_at(0, &name);
    const bytes b = save(model);
    CU_ASSERT_EQUAL(ffn_model_save(model, path, &error), FFN_OK);
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char *found = malloc(b.size + 1);
    CU_ASSERT_EQUAL(fread(found, 1, b.size + 1, file), b.size);
    CU_ASSERT_EQUAL(memcmp(found, b.bytes, b.size), 0);
    (void)fclose(file);
    free(found);
    ffn_model *loaded = ffn_model_load(path, &error);
    CU_ASSERT_TRUE(loaded && is_same(model, loaded));
    ffn_model_destroy(loaded);
    for (size_t left = 0; left < b.size; left += b.size / 3) {
        size_t rest = left;
        expect(ffn_model_save_to(model, refuse, &rest, NULL, &error), &error, FFN_IO_ERROR, "answered 28");
    }
    for (size_t answer = 0; answer < 2; answer++) {
        size_t count = answer ? SIZE_MAX : 0;
        CU_ASSERT_PTR_NULL(ffn_model_load_from(stumble, &count, NULL, &error));
        expect(error.status, &error, FFN_IO_ERROR, "the function that reads");
    }
    expect(ffn_model_save(model, "/dev/full", &error), &error, FFN_IO_ERROR, "no space");
    expect(ffn_model_save(model, "no/such/folder", &error), &error, FFN_IO_ERROR, "no such");
    CU_ASSERT_PTR_NULL(ffn_model_load("no-such-file", &error));
    expect(error.status, &error, FFN_IO_ERROR, "no such file");
    CU_ASSERT_PTR_NULL(ffn_model_load("/", &error));
    expect(error.status, &error, FFN_IO_ERROR, "directory");
    CU_ASSERT_PTR_NULL(ffn_model_load("/dev/null", &error));
    expect(error.status, &error, FFN_BAD_FORMAT, "0 bytes");
    (void)unlink(path);
    ffn_model_destroy(model);
    ffn_free(b.bytes);
}

static void test_null(void)
{
    ffn_error error = {FFN_OK, ""};
    const char *name;
    void *some;
    size_t size;
    ffn_model *model = model_at(0, &name), *open = ffn_model_create(1, NULL);
    expect(ffn_model_save(NULL, "a", &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_model_save(model, NULL, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_model_save(open, "a", &error), &error, FFN_INVALID_ARGUMENT, "not built");
    expect(ffn_model_save_memory(model, NULL, &size, &error), &error, FFN_INVALID_ARGUMENT, "bytes is NULL");
    expect(ffn_model_save_memory(model, &some, NULL, &error), &error, FFN_INVALID_ARGUMENT, "size is NULL");
    expect(ffn_model_save_to(model, NULL, NULL, NULL, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    CU_ASSERT_PTR_NULL(ffn_model_load(NULL, &error));
    expect(error.status, &error, FFN_INVALID_ARGUMENT, "NULL");
    CU_ASSERT_PTR_NULL(ffn_model_load_memory(NULL, 3, &error));
    expect(error.status, &error, FFN_INVALID_ARGUMENT, "NULL");
    CU_ASSERT_PTR_NULL(ffn_model_load_from(NULL, NULL, NULL, &error));
    expect(error.status, &error, FFN_INVALID_ARGUMENT, "NULL");
    CU_ASSERT_PTR_NULL(ffn_model_load(NULL, NULL));
    CU_ASSERT_EQUAL(ffn_model_save(NULL, NULL, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_NOT_EQUAL(access("a", F_OK), 0);
    ffn_free(NULL);
    ffn_model_destroy(model);
    ffn_model_destroy(open);
}

static void test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    const char *name, *set = NULL;
    ffn_model *model = model_at(model_count() - 1, &name);
    const bytes b = save(model);
    for (size_t i = 0; i < COUNT(names) && !set; i++) set = setlocale(LC_ALL, names[i]);
    if (!set) printf("no locale with a decimal comma; ");
    ffn_model *loaded = ffn_model_load_memory(b.bytes, b.size, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    const bytes again = save(loaded);
    (void)setlocale(LC_ALL, "C");
    CU_ASSERT_TRUE(again.size == b.size && memcmp(again.bytes, b.bytes, b.size) == 0);
    ffn_free(again.bytes);
    ffn_free(b.bytes);
    ffn_model_destroy(loaded);
    ffn_model_destroy(model);
}

/* What is wrong in a file is said with its name, whoever reads it. */
static void test_names_the_file(void)
{
    static const char path[] = "test_model_file.bad", with_name[] = "test_model_file.bad: ";
    ffn_model *model = ffn_model_create(1, NULL);
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, describe_scalers(model), NULL), FFN_OK);
    const ffn_fit_options options = ffn_fit_defaults();
    ffn_trainer *trainer = ffn_trainer_create(model, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trainer);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(fputs("abc", file) >= 0 && fclose(file) == 0);
    ffn_error errors[4] = {{FFN_OK, ""}};
    CU_ASSERT_PTR_NULL(ffn_model_load(path, &errors[0]));
    CU_ASSERT_EQUAL(ffn_model_load_weights(model, path, NULL, &errors[1]), FFN_BAD_FORMAT);
    CU_ASSERT_PTR_NULL(ffn_model_import_onnx(path, &errors[2]));
    CU_ASSERT_EQUAL(ffn_trainer_load(trainer, path, &errors[3]), FFN_BAD_FORMAT);
    for (size_t i = 0; i < COUNT(errors); i++) {
        CU_ASSERT_EQUAL(errors[i].status, FFN_BAD_FORMAT);
        CU_ASSERT_EQUAL(strncmp(errors[i].message, with_name, strlen(with_name)), 0);
    }
    CU_ASSERT_PTR_NULL(ffn_model_load(path, NULL));
    CU_ASSERT_PTR_NULL(ffn_model_load("no-such", &errors[0]));
    CU_ASSERT_STRING_EQUAL(errors[0].message, "cannot open 'no-such': no such file");
    (void)remove(path);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

static void write_to_pipe(const char *path, const bytes b)
{
    const int file = open(path, O_WRONLY);
    (void)unlink(path);
    const unsigned char *at = b.bytes;
    ssize_t count = 1;
    for (size_t left = b.size; left > 0 && count > 0; left -= (size_t)count, at += count) count = write(file, at, left);
    _exit(count <= 0);
}

/* A named pipe is opened once: who writes to it may be gone after that, as the name is here. */
static void test_named_pipe(void)
{
    static const char path[] = "test_model_file.pipe";
    ffn_model *model = ffn_model_create(1, NULL);
    const ffn_value x = ffn_input(model, ffn_shape_1d(200)); /* more than a pipe holds */
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(model, ffn_dense(model, x, 200, ffn_relu()), NULL), FFN_OK);
    const bytes b = save(model);
    ffn_stop_threads();
    for (int i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
        const pid_t child = fork();
        if (child == 0) write_to_pipe(path, b);
        CU_ASSERT_TRUE_FATAL(child > 0);
        ffn_error error = {FFN_OK, ""};
        ffn_model *loaded = ffn_model_load(path, &error);
        int result = 1;
        CU_ASSERT_EQUAL(waitpid(child, &result, 0), child);
        CU_ASSERT_EQUAL(result, 0);
        CU_ASSERT_STRING_EQUAL(error.message, "");
        CU_ASSERT_PTR_NOT_NULL(loaded);
        ffn_model_destroy(loaded);
    }
    ffn_free(b.bytes);
    ffn_model_destroy(model);
}

static const test_case cases[] = {
    {"every model", test_every_model},
    {"settings act", test_settings_act},
    {"fitted scalers", test_fitted_scalers},
    {"loss", test_loss},
    {"values that are hard", test_values_that_are_hard},
    {"layers from outside", test_layers_from_outside},
    {"activations from outside", test_activations_from_outside},
    {"false names", test_false_names},
    {"text that is no UTF-8", test_text_that_is_no_utf8},
    {"places", test_places},
    {"a wrong file's name", test_names_the_file},
    {"a named pipe", test_named_pipe},
    {"NULL", test_null},
    {"locale", test_locale},
};
TEST_MAIN("model file", cases)
