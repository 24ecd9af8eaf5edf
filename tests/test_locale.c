/* Where numbers have a decimal comma, files are written and read as they are elsewhere. Without such a locale the program
 * says so and ends with 77; check_locale.sh makes one. */
#include "networks.h"
#include "test.h"

#include <locale.h>
#include <unistd.h>

enum { ROWS = 30 };

/* ---- locales ----------------------------------------------------------------------------------------------------- */

static const char *comma; /* the locale's name */

static bool find_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR.utf8"};
    for (size_t i = 0; i < COUNT(names) && !comma; i++)
        if (setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0) comma = names[i];
    (void)setlocale(LC_ALL, "C");
    return comma != NULL;
}

static void use_comma(bool on)
{
    char text[16];
    CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_ALL, on ? comma : "C"));
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    CU_ASSERT_STRING_EQUAL(text, on ? "0,5" : "0.5");
}

/* ---- what is written --------------------------------------------------------------------------------------------- */

static float x_data[ROWS * INPUTS];
static uint32_t labels[ROWS];
static const float awkward = (float)1234567.875, small = (float)1.5e-7;

static ffn_model *make_model(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_model *m = ffn_model_create(9, NULL);
    const ffn_value x = row_input(m), a = ffn_concat(m, ffn_quantile_normal(m, x, 7), ffn_robust(m, x));
    ffn_value h = ffn_dense(m, a, 8, ffn_leaky_relu((float)0.015));
    ffn_set_penalty(m, h, (float)0.0125, small);
    h = ffn_dropout(m, ffn_batch_norm(m, ffn_dense(m, h, 6, ffn_gelu())), (float)0.25);
    h = ffn_dense(m, h, OUTPUTS, ffn_softmax());
    ffn_set_initializer(m, h, ffn_uniform((float)-0.3, (float)0.3));
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, h, &error), FFN_OK);
    return m;
}

typedef struct bytes {
    char *text; /* malloc's */
    size_t size;
} bytes;

static bytes read_file(const char *path)
{
    bytes b = {calloc(1, 1 << 20), 0};
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    b.size = fread(b.text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    (void)unlink(path);
    return b;
}

/* A file, or the text that a call makes. */
typedef bytes (*writer)(void);

static ffn_trainer *train(ffn_model *model, ffn_dataset *data)
{
    ffn_fit_options o = ffn_fit_defaults();
    o.batch_size = 8;
    o.optimizer = ffn_adam((float)0.0125);
    o.schedule = ffn_reduce_on_plateau((float)0.5, 1);
    o.accumulate = 2;
    CU_ASSERT_EQUAL(ffn_model_fit_scalers(model, data, NULL), FFN_OK);
    ffn_trainer *trainer = ffn_trainer_create(model, &o, NULL);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(ffn_trainer_step(trainer, x_data + i, ffn_dataset_targets(data).data, 8, NULL, NULL), FFN_OK);
    ffn_trainer_report(trainer, 0.1);
    return trainer;
}

static ffn_dataset *make_data(void)
{
    fill_uniform(x_data, COUNT(x_data), 3, -1, 1);
    x_data[1] = awkward;
    x_data[2] = small;
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint32_t)(i % OUTPUTS);
    return ffn_dataset_from_labels(x_data, ffn_shape_1d(INPUTS), labels, OUTPUTS, ROWS, NULL);
}

static const char path[] = "test_locale.tmp";

/* Saves what `save` makes of a model that has been trained a little. */
static bytes with_model(ffn_status (*save)(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error))
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = make_data();
    ffn_model *model = make_model();
    ffn_trainer *trainer = train(model, data);
    if (save(model, trainer, data, &error) != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL(error.status, FFN_OK);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
    return read_file(path);
}

static ffn_status save_model(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error)
{
    (void)trainer, (void)data;
    return ffn_model_save(model, path, error);
}
static ffn_status save_trainer(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error)
{
    (void)model, (void)data;
    return ffn_trainer_save(trainer, path, error);
}
static ffn_status save_c(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error)
{
    (void)trainer, (void)data;
    return ffn_model_export_c(model, path, "net", error);
}
static ffn_status save_int8(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error)
{
    const ffn_export_c_options options = {.int8 = true, .own_math = true, .dataset = data};
    (void)trainer;
    return ffn_model_export_c_with(model, path, "net", &options, error);
}
static ffn_status save_onnx(ffn_model *model, ffn_trainer *trainer, ffn_dataset *data, ffn_error *error)
{
    (void)trainer, (void)data;
    ffn_model *m = form_build(&forms[0], 4); /* without a quantile scaler */
    const ffn_status status = ffn_model_export_onnx(m, path, error);
    ffn_model_destroy(m);
    return (void)model, status;
}
static bytes write_model(void) { return with_model(save_model); }
static bytes write_trainer(void) { return with_model(save_trainer); }
static bytes write_c(void) { return with_model(save_c); }
static bytes write_int8(void) { return with_model(save_int8); }
static bytes write_onnx(void) { return with_model(save_onnx); }

static bytes write_npy(void)
{
    float values[] = {awkward, small, (float)-0.5, 3};
    const ffn_tensor tensor = ffn_tensor_view(values, ffn_shape_2d(2, 2));
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&tensor, path, NULL), FFN_OK);
    return read_file(path);
}

static bytes write_summaries(void)
{
    bytes b = {calloc(1, 16384), 0};
    ffn_fit_options o = ffn_fit_defaults();
    ffn_error error = {FFN_OK, ""};
    ffn_activation none;
    ffn_model *model = make_model();
    o.l1 = small;
    o.clip_norm = (float)0.5;
    b.size = ffn_model_summary(model, b.text, 8000);
    b.size += ffn_fit_options_summary(&o, b.text + b.size, 4000);
    (void)ffn_fail(&error, FFN_DIVERGED, "%g, %.3f and %.9e", 0.5, 1.25, (double)small);
    b.size += (size_t)sprintf(b.text + b.size, "%s", error.message);
    (void)ffn_activation_by_name("rel", &none, &error);
    b.size += (size_t)sprintf(b.text + b.size, "%s", error.message);
    ffn_model_destroy(model);
    return b;
}

static const struct {
    const char *name;
    writer write;
} writers[] = {{"model", write_model},
               {"checkpoint", write_trainer},
               {"C", write_c},
               {"C in 8 bits", write_int8},
               {"ONNX", write_onnx},
               {"npy", write_npy},
               {"summaries and sentences", write_summaries}};

static void test_same_bytes(void)
{
    for (size_t i = 0; i < COUNT(writers); i++) {
        use_comma(false);
        const bytes expected = writers[i].write();
        use_comma(true);
        const bytes found = writers[i].write();
        const bool same = found.size == expected.size && memcmp(found.text, expected.text, found.size) == 0;
        if (!same) printf("\n    %s differs\n", writers[i].name);
        CU_ASSERT_TRUE(same && found.size > 100);
        CU_ASSERT_STRING_EQUAL(setlocale(LC_ALL, NULL), comma); /* the program's locale stands */
        use_comma(false);
        free(expected.text);
        free(found.text);
    }
}

/* ---- what is read ------------------------------------------------------------------------------------------------ */

/* Written where a point is, read where a comma is. */
static void test_reads(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_dataset *data = make_data();
    ffn_model *model = make_model(), *other = make_model();
    ffn_trainer *trainer = train(model, data), *second = train(other, data);
    float y[ROWS * OUTPUTS], again[ROWS * OUTPUTS];
    CU_ASSERT_EQUAL(ffn_predict(model, x_data, ROWS, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_save(model, path, NULL), FFN_OK);
    use_comma(true);
    ffn_model *loaded = ffn_model_load(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    CU_ASSERT_EQUAL(ffn_predict(loaded, x_data, ROWS, again, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(y, again, sizeof y), 0);
    CU_ASSERT_EQUAL(ffn_model_load_weights(loaded, path, NULL, NULL), FFN_OK);
    use_comma(false);
    CU_ASSERT_EQUAL(ffn_trainer_save(trainer, path, NULL), FFN_OK);
    use_comma(true);
    CU_ASSERT_EQUAL(ffn_trainer_load(second, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_learning_rate(trainer), ffn_trainer_learning_rate(second));
    use_comma(false);
    ffn_model *chain = form_build(&forms[0], 4);
    CU_ASSERT_EQUAL(ffn_predict(chain, x_data, ROWS, y, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_model_export_onnx(chain, path, NULL), FFN_OK);
    use_comma(true);
    ffn_model *imported = ffn_model_import_onnx(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(imported);
    CU_ASSERT_EQUAL(ffn_predict(imported, x_data, ROWS, again, NULL), FFN_OK);
    for (size_t i = 0; i < ROWS * OUTPUTS; i++) CU_ASSERT_DOUBLE_EQUAL((double)y[i], (double)again[i], 1e-5);
    use_comma(false);
    (void)unlink(path);
    ffn_model_destroy(imported);
    ffn_model_destroy(chain);
    ffn_trainer_destroy(second);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(loaded);
    ffn_model_destroy(other);
    ffn_model_destroy(model);
    ffn_dataset_destroy(data);
}

static void test_data(void)
{
    static const char csv[] = "a,b,y\n1.5,-2e-3,0.25\n0.5,1234567.875,-1.5\n";
    static const char fann[] = "2 2 1\n1.5 -2e-3\n0.25\n.5 1234567.875\n-1.5\n";
    float values[] = {awkward, small};
    const ffn_tensor tensor = ffn_tensor_view(values, ffn_shape_1d(2));
    use_comma(true);
    ffn_dataset *table = ffn_dataset_load_csv_memory(csv, sizeof csv - 1, NULL, NULL);
    ffn_dataset *old = ffn_dataset_load_fann_memory(fann, sizeof fann - 1, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(table);
    CU_ASSERT_PTR_NOT_NULL_FATAL(old);
    const float *x = ffn_dataset_inputs(table).data, *f = ffn_dataset_inputs(old).data;
    const size_t features = ffn_shape_size(ffn_dataset_sample_shape(table));
    CU_ASSERT_EQUAL(x[0], (float)1.5);
    CU_ASSERT_EQUAL(x[1], (float)-2e-3);
    CU_ASSERT_EQUAL(x[features + 1], awkward);
    CU_ASSERT_EQUAL(ffn_dataset_targets(table).data[0], (float)0.25);
    CU_ASSERT_EQUAL(f[0], (float)1.5);
    CU_ASSERT_EQUAL(f[1], (float)-2e-3);
    CU_ASSERT_EQUAL(f[3], awkward);
    CU_ASSERT_EQUAL(ffn_dataset_targets(old).data[1], (float)-1.5);
    ffn_tensor read = {0};
    CU_ASSERT_EQUAL(ffn_tensor_save_npy(&tensor, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_tensor_load_npy(&read, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(memcmp(read.data, values, sizeof values), 0);
    use_comma(false);
    (void)unlink(path);
    ffn_tensor_destroy(&read);
    ffn_dataset_destroy(table);
    ffn_dataset_destroy(old);
}

/* ---- the log of a search ----------------------------------------------------------------------------------------- */

static ffn_model *build(const ffn_trial *trial, uint64_t seed, const ffn_dataset *training, void *user,
                        ffn_error *error)
{
    (void)trial, (void)user;
    ffn_model *model = ffn_model_create(seed, error);
    const ffn_value x = ffn_input(model, ffn_dataset_sample_shape(training));
    if (ffn_model_build(model, ffn_dense(model, x, OUTPUTS, ffn_softmax()), error) == FFN_OK) return model;
    ffn_model_destroy(model);
    return NULL;
}

static int count_from_log(const ffn_search_progress *progress, void *user)
{
    *(size_t *)user = progress->from_log;
    return 0;
}

static void search(ffn_dataset *data, size_t trials, size_t *from_log, ffn_search_result *result)
{
    static const ffn_dimension space[] = {
        {.name = "learning_rate", .low = 1e-3, .high = 1e-1, .logarithmic = true, .points = 3}};
    ffn_error error = {FFN_OK, ""};
    ffn_search_options options = {.build = build,
                                  .user = from_log,
                                  .fit = ffn_fit_defaults(),
                                  .dimensions = space,
                                  .dimension_count = 1,
                                  .trials = trials,
                                  .seed = 3,
                                  .parallel = 1,
                                  .log = path,
                                  .on_trial = count_from_log};
    options.fit.epochs = 2;
    if (ffn_search(data, &options, result, &error) != FFN_OK) printf("\n    %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(error.status, FFN_OK);
}

/* Begun where a comma is, gone on with where a point is, and the other way round: the same as without. */
static void test_log(void)
{
    ffn_dataset *data = make_data();
    ffn_search_result whole = {0}, first = {0}, second = {0};
    size_t from_log = 0;
    (void)unlink(path);
    search(data, 5, &from_log, &whole);
    for (int k = 0; k < 2; k++) {
        (void)unlink(path);
        use_comma(k == 0);
        search(data, 3, &from_log, &first);
        CU_ASSERT_EQUAL(from_log, 0);
        use_comma(k != 0);
        search(data, 5, &from_log, &second);
        CU_ASSERT_EQUAL(from_log, 3);
        CU_ASSERT_EQUAL_FATAL(second.count, whole.count);
        for (size_t i = 0; i < whole.count; i++) {
            CU_ASSERT_EQUAL(ffn_trial_number(&second.trials[i], "learning_rate"),
                            ffn_trial_number(&whole.trials[i], "learning_rate"));
            CU_ASSERT_EQUAL(second.trials[i].score, whole.trials[i].score);
        }
    }
    use_comma(false);
    (void)unlink(path);
    ffn_search_result_destroy(&whole);
    ffn_search_result_destroy(&first);
    ffn_search_result_destroy(&second);
    ffn_dataset_destroy(data);
}

static const test_case cases[] = {{"the same bytes", test_same_bytes},
                                  {"models and checkpoints", test_reads},
                                  {"data", test_data},
                                  {"the log of a search", test_log}};

int main(void)
{
    if (find_comma()) return test_run("locale", cases, COUNT(cases));
    printf("no locale with a decimal comma\n");
    return 77;
}
