/* Checkpoints as files: whole at any moment, refused where they do not belong or were changed, and then nothing else is
 * changed either. */
#include "craft.h"
#include "failing.h"
#include "io_faults.h"
#include "networks.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { ROWS = 20, BATCH = 8, MOST = 512 };
static char path[64] = "test_checkpoint_file.safetensors";
static float x_data[ROWS * INPUTS], targets[ROWS];
static ffn_dataset *data;

static void set_up(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)snprintf(path, sizeof path, "/dev/shm/ffn_test_checkpoint_file_%ld", (long)getpid());
    fill_uniform(x_data, ROWS * INPUTS, 1, -2, 2);
    for (size_t i = 0; i < ROWS; i++) targets[i] = (float)(i % OUTPUTS);
    data = ffn_dataset_from_arrays(x_data, ffn_shape_1d(INPUTS), targets, ffn_shape_1d(1), ROWS, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
}

static void tear_down(void)
{
    ffn_dataset_destroy(data);
    (void)unlink(path);
}

static ffn_model *make_model_of(size_t units, ffn_activation activation)
{
    ffn_model *m = ffn_model_create(4, NULL);
    const ffn_value h = ffn_batch_norm(m, ffn_dense(m, row_input(m), units, activation));
    const ffn_value y = ffn_dense(m, h, OUTPUTS, ffn_softmax());
    CU_ASSERT_EQUAL_FATAL(ffn_model_build(m, y, NULL), FFN_OK);
    return m;
}
static ffn_model *make_model(void) { return make_model_of(5, ffn_tanh()); }

static ffn_fit_options usual(void)
{
    ffn_fit_options o = ffn_fit_defaults();
    o.batch_size = BATCH;
    o.epochs = 2;
    o.accumulate = 2;
    o.average_decay = 0.9f;
    o.seed = 3;
    return o;
}

static size_t get_weights(const ffn_model *model, float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < ffn_model_parameter_count(model); i++) {
        ffn_parameter_info info;
        (void)ffn_model_parameter_info(model, i, &info, NULL);
        CU_ASSERT_FATAL(n + ffn_shape_size(info.shape) <= MOST);
        (void)ffn_model_get_parameter(model, i, values + n, NULL);
        n += ffn_shape_size(info.shape);
    }
    return n;
}

static void step(ffn_trainer *t, size_t times)
{
    for (size_t i = 0; i < times; i++) CU_ASSERT_EQUAL(ffn_trainer_step(t, x_data, targets, BATCH, NULL, NULL), FFN_OK);
}

/* A trainer that has taken some steps, and the model it trains. */
typedef struct subject {
    ffn_model *model;
    ffn_trainer *trainer;
} subject;

static subject make_subject(ffn_fit_options o, size_t steps)
{
    subject s = {make_model(), NULL};
    s.trainer = ffn_trainer_create(s.model, &o, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.trainer);
    step(s.trainer, steps);
    return s;
}

static void forget(subject s)
{
    ffn_trainer_destroy(s.trainer);
    ffn_model_destroy(s.model);
}

static file_bytes read_file(const char *name)
{
    file_bytes f = {malloc(1 << 20), 0};
    FILE *file = fopen(name, "rb");
    if (file) f.size = fread(f.bytes, 1, 1 << 20, file);
    if (file) (void)fclose(file);
    return f;
}

/* ---- killed while saving --------------------------------------------------------------------------------------- */

static void save_for_ever(const subject *a, const subject *b)
{
    for (;;) {
        (void)ffn_trainer_save(a->trainer, path, NULL);
        (void)ffn_trainer_save(b->trainer, path, NULL);
    }
}

static bool loads(const float *one, const float *other, size_t count)
{
    float found[MOST];
    ffn_model *model = ffn_model_load(path, NULL);
    const bool whole = model && get_weights(model, found) == count;
    ffn_model_destroy(model);
    return whole &&
           (memcmp(found, one, count * sizeof(float)) == 0 || memcmp(found, other, count * sizeof(float)) == 0);
}

static void test_killed_while_saving(void)
{
    const subject a = make_subject(usual(), 3), b = make_subject(usual(), 6);
    float one[MOST], other[MOST];
    const size_t count = get_weights(a.model, one);
    size_t bad = 0, cut = 0;
    char left[80];
    (void)snprintf(left, sizeof left, "%s.ffn-tmp", path);
    CU_ASSERT_EQUAL(get_weights(b.model, other), count);
    CU_ASSERT_EQUAL(ffn_trainer_save(a.trainer, path, NULL), FFN_OK);
    ffn_stop_threads();
    for (long i = 0; i < 500; i++) {
        const pid_t child = fork();
        if (child == 0) save_for_ever(&a, &b);
        CU_ASSERT_TRUE_FATAL(child > 0);
        (void)nanosleep(&(struct timespec){0, 200000 + i % 50 * 37000}, NULL);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        bad += !loads(one, other, count);
        cut += access(left, F_OK) == 0;
    }
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT_TRUE(cut > 50); /* it was while saving */
    (void)unlink(left);
    forget(a);
    forget(b);
}

/* ---- each call fails once -------------------------------------------------------------------------------------- */

static void test_io_faults(void)
{
    const subject a = make_subject(usual(), 3), b = make_subject(usual(), 6);
    float one[MOST], other[MOST];
    const size_t count = get_weights(a.model, one);
    size_t refused = 0;
    char left[80];
    (void)snprintf(left, sizeof left, "%s.ffn-tmp", path);
    (void)get_weights(b.model, other);
    for (size_t n = 1, more = 1; more; n++) {
        CU_ASSERT_EQUAL(ffn_trainer_save(a.trainer, path, NULL), FFN_OK);
        faults_start(n, ENOSPC);
        const ffn_status status = ffn_trainer_save(b.trainer, path, NULL);
        more = faults.calls >= n;
        faults_start(0, 0);
        CU_ASSERT_TRUE(status == FFN_OK ? loads(other, other, count) : loads(one, one, count));
        CU_ASSERT_TRUE(status == FFN_OK || status == FFN_IO_ERROR);
        CU_ASSERT_NOT_EQUAL(access(left, F_OK), 0);
        refused += status != FFN_OK;
    }
    CU_ASSERT_TRUE(refused >= 5);
    for (size_t n = 1, more = 1; more; n++) {
        faults_start(n, EIO);
        faults.most = 1000; /* in several reads */
        const ffn_status status = ffn_trainer_load(a.trainer, path, NULL);
        more = faults.calls >= n;
        const bool closing = faults.failed && strcmp(faults.failed, "close") == 0; /* nothing is lost by that */
        faults_start(0, 0);
        faults.most = 0;
        CU_ASSERT_EQUAL(status, more && !closing ? FFN_IO_ERROR : FFN_OK);
        CU_ASSERT_TRUE(n < 1000);
    }
    forget(a);
    forget(b);
}

/* Saving and loading short of memory: the trainer is as it was. */
static void test_out_of_memory(void)
{
    const subject saved = make_subject(usual(), 3);
    CU_ASSERT_EQUAL(ffn_trainer_save(saved.trainer, path, NULL), FFN_OK);
    const subject s = make_subject(usual(), 4);
    float before[MOST], after[MOST];
    const size_t count = get_weights(s.model, before);
    for (size_t n = 1, more = 1; more; n++) {
        failing_start(n);
        const ffn_status status = ffn_trainer_load(s.trainer, path, NULL);
        more = failing.calls >= n;
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(status, more ? FFN_OUT_OF_MEMORY : FFN_OK);
        (void)get_weights(s.model, after);
        CU_ASSERT_EQUAL(memcmp(before, after, count * sizeof(float)) == 0, more);
    }
    for (size_t n = 1, more = 1; more; n++) {
        failing_start(n);
        const ffn_status status = ffn_trainer_save(s.trainer, path, NULL);
        more = failing.calls >= n;
        CU_ASSERT_EQUAL(failing_stop(), 0);
        CU_ASSERT_EQUAL(status, more ? FFN_OUT_OF_MEMORY : FFN_OK);
        CU_ASSERT_EQUAL(ffn_trainer_load(saved.trainer, path, NULL), FFN_OK);
    }
    forget(s);
    forget(saved);
}

/* ---- where it does not belong ---------------------------------------------------------------------------------- */

static void expect(ffn_status status, ffn_error *error, ffn_status expected, const char *words)
{
    if (status != expected || !strstr(error->message, words)) printf("\n    %d %s\n", (int)status, error->message);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, words));
    *error = (ffn_error){FFN_OK, ""};
}

static void change_optimizer(ffn_fit_options *o) { o->optimizer = ffn_sgd(0.1f); }
static void change_slots(ffn_fit_options *o) { o->optimizer.amsgrad = true; }
static void change_schedule(ffn_fit_options *o) { o->schedule = ffn_exponential_decay(0.5f); }
static void change_loss(ffn_fit_options *o) { o->loss = ffn_kl_divergence(); }
static void change_seed(ffn_fit_options *o) { o->seed = UINT64_MAX; }
static void change_accumulate(ffn_fit_options *o) { o->accumulate = 3; }
static void change_averages(ffn_fit_options *o) { o->average_decay = 0; }

static void test_other_trainers(void)
{
    static const struct {
        void (*change)(ffn_fit_options *o);
        const char *words;
    } changes[] = {{change_optimizer, "optimizer is adam; that of the options is sgd"},
                   {change_slots, "\"slots\":2}; this training has {\"slots\":3"},
                   {change_schedule, "schedule is constant"},
                   {change_loss, "loss is cross_entropy"},
                   {change_seed, "\"seed\":\"3\"}; this training has {\"seed\":\"18446744073709551615\"}"},
                   {change_accumulate, "\"accumulate\":2"},
                   {change_averages, "\"averages\":true"}};
    ffn_error error = {FFN_OK, ""};
    const subject s = make_subject(usual(), 3);
    CU_ASSERT_EQUAL(ffn_trainer_save(s.trainer, path, NULL), FFN_OK);
    for (size_t i = 0; i < COUNT(changes); i++) {
        ffn_fit_options o = usual();
        changes[i].change(&o);
        const subject other = make_subject(o, 0);
        expect(ffn_trainer_load(other.trainer, path, &error), &error, FFN_INVALID_ARGUMENT, changes[i].words);
        forget(other);
    }
    const ffn_fit_options o = usual();
    ffn_model *models[] = {make_model_of(6, ffn_tanh()), make_model_of(5, ffn_relu())};
    for (size_t i = 0; i < COUNT(models); i++) {
        ffn_trainer *t = ffn_trainer_create(models[i], &o, NULL);
        expect(ffn_trainer_load(t, path, &error), &error, FFN_SHAPE_MISMATCH, "another architecture");
        ffn_trainer_destroy(t);
        ffn_model_destroy(models[i]);
    }
    CU_ASSERT_EQUAL(ffn_model_save(s.model, path, NULL), FFN_OK);
    expect(ffn_trainer_load(s.trainer, path, &error), &error, FFN_BAD_FORMAT, "no ffn.trainer");
    expect(ffn_trainer_load(s.trainer, "no-such", &error), &error, FFN_IO_ERROR, "no such file");
    expect(ffn_trainer_load(NULL, path, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_trainer_load(s.trainer, NULL, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_trainer_load_memory(s.trainer, NULL, 1, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_trainer_save(NULL, path, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_trainer_save(s.trainer, NULL, &error), &error, FFN_INVALID_ARGUMENT, "NULL");
    expect(ffn_trainer_save(s.trainer, "/dev/full", &error), &error, FFN_IO_ERROR, "no space");
    forget(s);
}

static int stop_soon(const ffn_progress *p, void *user) { return (void)user, p->batch == 2; }

static void test_other_fits(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_fit_options o = usual();
    o.checkpoint_path = path;
    o.on_batch = stop_soon;
    (void)unlink(path);
    ffn_model *model = make_model();
    CU_ASSERT_EQUAL(ffn_fit(model, data, &o, NULL, NULL), FFN_STOPPED);
    o.on_batch = NULL;
    o.resume = true;
    float before[MOST], after[MOST];
    const size_t count = get_weights(model, before);
    ffn_fit_options other = o;
    other.batch_size = 5;
    expect(ffn_fit(model, data, &other, NULL, &error), &error, FFN_INVALID_ARGUMENT, "\"batch_size\":8");
    other = o;
    other.keep_order = true;
    expect(ffn_fit(model, data, &other, NULL, &error), &error, FFN_INVALID_ARGUMENT, "\"keep_order\":false");
    other = o;
    other.validation_fraction = 0.5f;
    expect(ffn_fit(model, data, &other, NULL, &error), &error, FFN_INVALID_ARGUMENT, "\"data_rows\":20");
    other = o;
    other.validation = data;
    expect(ffn_fit(model, data, &other, NULL, &error), &error, FFN_INVALID_ARGUMENT, "\"validation_rows\":0");
    const subject s = make_subject(usual(), 2);
    CU_ASSERT_EQUAL(ffn_trainer_save(s.trainer, path, NULL), FFN_OK);
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_BAD_FORMAT, "no ffn.fit");
    forget(s);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_TRUE(file && fputs("nonsense", file) >= 0 && fclose(file) == 0);
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_BAD_FORMAT, "safetensors");
    CU_ASSERT_EQUAL(get_weights(model, after), count);
    CU_ASSERT_EQUAL(memcmp(before, after, count * sizeof(float)), 0);
    o.resume = false;
    o.checkpoint_path = "/dev/full";
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_IO_ERROR, "no space");
    o.checkpoint_path = "no/such/folder";
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_IO_ERROR, "no such");
    ffn_model_destroy(model);
}

/* Best weights cannot be had from a training that did not keep them. */
static void test_best_not_kept(void)
{
    ffn_error error = {FFN_OK, ""};
    ffn_fit_options o = usual();
    o.checkpoint_path = path;
    ffn_model *model = make_model();
    CU_ASSERT_EQUAL(ffn_fit(model, data, &o, NULL, NULL), FFN_OK);
    o.epochs++;
    o.resume = o.restore_best = true;
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_INVALID_ARGUMENT, "restore_best is set");
    o.restore_best = false;
    CU_ASSERT_EQUAL(ffn_fit(model, data, &o, NULL, NULL), FFN_OK);
    ffn_model_destroy(model);
}

/* What cannot be saved is refused before anything has been learned. */
static void test_names(void)
{
    static const char *const latin[] = {"gr\xfcn", "b", "c", "d"};
    ffn_error error = {FFN_OK, ""};
    ffn_fit_options o = usual();
    ffn_model *model = make_model();
    float before[MOST], after[MOST];
    const size_t count = get_weights(model, before);
    o.checkpoint_path = path;
    CU_ASSERT_EQUAL(ffn_model_set_class_names(model, latin, 4, NULL), FFN_OK);
    expect(ffn_fit(model, data, &o, NULL, &error), &error, FFN_UNSUPPORTED, "UTF-8");
    (void)get_weights(model, after);
    CU_ASSERT_EQUAL(memcmp(before, after, count * sizeof(float)), 0);
    ffn_model_destroy(model);
}

/* A checkpoint may hold any layer and activation, but none that a reader would take for one of the library's. */
static void test_false_names(void)
{
    ffn_model *(*const builders[])(size_t) = {build_false_layer, build_false_activation};
    const ffn_fit_options o = usual();
    for (size_t k = 0; k < COUNT(builders); k++) {
        ffn_model *model;
        size_t i = 0;
        for (; (model = builders[k](i)); i++) {
            ffn_error error = {FFN_OK, ""};
            ffn_trainer *trainer = ffn_trainer_create(model, &o, NULL);
            CU_ASSERT_PTR_NOT_NULL(trainer);
            expect(ffn_trainer_save(trainer, path, &error), &error, FFN_UNSUPPORTED, "here: the ");
            ffn_trainer_destroy(trainer);
            ffn_model_destroy(model);
        }
        CU_ASSERT_TRUE(i > 10);
    }
    const form custom = {"custom", form_custom, ffn_mse};
    ffn_model *model = form_build(&custom, 1);
    ffn_trainer *trainer = ffn_trainer_create(model, &o, NULL);
    CU_ASSERT_EQUAL(ffn_trainer_save(trainer, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_load(trainer, path, NULL), FFN_OK);
    ffn_trainer_destroy(trainer);
    ffn_model_destroy(model);
}

/* ---- changed files --------------------------------------------------------------------------------------------- */

static void refuse(const subject *s, const file_bytes *f, const char *words)
{
    ffn_error error = {FFN_OK, ""};
    float before[MOST], after[MOST];
    unsigned char *copy = malloc(f->size + 1);
    memcpy(copy, f->bytes, f->size);
    const size_t count = get_weights(s->model, before);
    const ffn_status status = ffn_trainer_load_memory(s->trainer, copy, f->size, &error);
    if (status == FFN_OK || !strstr(error.message, words)) printf("\n    %s: %s\n", words, error.message);
    CU_ASSERT_NOT_EQUAL(status, FFN_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    (void)get_weights(s->model, after);
    CU_ASSERT_EQUAL(memcmp(before, after, count * sizeof(float)), 0);
    free(copy);
}

static void test_changed(void)
{
    static const struct {
        const char *from, *to, *words;
    } changes[] = {
        {"~'pending':1", "~'pending':2", "do not go together"},
        {"~'pending':1", "~'pending':-1", "whole number"},
        {"~'pending':1", "~'pending':0", ""},
        {"~'pending_weight':8", "~'pending_weight':'nan'", "do not go together"},
        {"~'forwards':3", "~'forwards':4294967296", "do not go together"},
        {"~'base_rate':", "~'base_rate':-", "do not go together"},
        {"~'averaged':1", "~'averaged':0", ""},
        {"~'lbfgs_count':0", "~'lbfgs_count':1", "do not go together"},
        {"~'lbfgs_next':0", "~'lbfgs_next':1", "do not go together"},
        {"~'lbfgs_begun':false", "~'lbfgs_begun':true", "do not go together"},
        {"~'seed':'3'", "~'seed':'x'", "digits"},
        {"~'schedule':", "~'evil':1,'schedule':", "evil is nothing"},
        {"~'updates':1", "~'updates':1,'evil':1", "evil is no setting"},
        {"'ffn.trainer'", "'ffn.treiner'", "no ffn.trainer"},
        {"'ffn.state0.dense1.weight'", "'ffn.state9.dense1.weight'", "no tensor ffn.state0"},
        {"'ffn.average0.dense1.bias'", "'ffn.average1.dense1.bias'", "no tensor ffn.average0"},
        {"'ffn.gradient0.dense1.bias'", "'ffn.gradient1.dense1.bias'", "no tensor ffn.gradient0"},
        {"'ffn.next.batch_norm1.running_mean'", "'ffn.next.batch_norm1.running_moan'", "no ffn.next.batch_norm1"},
    };
    const subject s = make_subject(usual(), 3), other = make_subject(usual(), 5);
    CU_ASSERT_EQUAL(ffn_trainer_save(s.trainer, path, NULL), FFN_OK);
    file_bytes good = read_file(path);
    for (size_t i = 0; i < COUNT(changes); i++) {
        file_bytes f = craft_replace(&good, changes[i].from, changes[i].to);
        if (!f.bytes) printf("\n    %s is not there\n", changes[i].from);
        CU_ASSERT_PTR_NOT_NULL_FATAL(f.bytes);
        if (*changes[i].words) refuse(&other, &f, changes[i].words);
        free(f.bytes);
    }
    for (size_t size = 0; size < good.size; size += 13) {
        const file_bytes cut = {good.bytes, size};
        refuse(&other, &cut, "safetensors");
    }
    for (size_t bit = 0; bit < 8 * good.size; bit += 11) {
        good.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        refuse(&other, &good, "");
        good.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    CU_ASSERT_EQUAL(ffn_trainer_load_memory(other.trainer, good.bytes, good.size, NULL), FFN_OK);
    free(good.bytes);
    forget(s);
    forget(other);
}

/* Saved, loaded and saved again: the same bytes. */
static void test_same_bytes(void)
{
    const subject s = make_subject(usual(), 5), other = make_subject(usual(), 0);
    CU_ASSERT_EQUAL(ffn_trainer_save(s.trainer, path, NULL), FFN_OK);
    const file_bytes one = read_file(path);
    CU_ASSERT_EQUAL(ffn_trainer_load(other.trainer, path, NULL), FFN_OK);
    CU_ASSERT_EQUAL(ffn_trainer_save(other.trainer, path, NULL), FFN_OK);
    const file_bytes again = read_file(path);
    CU_ASSERT_TRUE(one.size > 0 && one.size == again.size && memcmp(one.bytes, again.bytes, one.size) == 0);
    free(one.bytes);
    free(again.bytes);
    forget(s);
    forget(other);
}

static const test_case cases[] = {
    {"set up", set_up},
    {"killed while saving", test_killed_while_saving},
    {"each call fails", test_io_faults},
    {"out of memory", test_out_of_memory},
    {"other trainers", test_other_trainers},
    {"other fits", test_other_fits},
    {"best weights that were not kept", test_best_not_kept},
    {"names", test_names},
    {"false names", test_false_names},
    {"changed", test_changed},
    {"same bytes", test_same_bytes},
    {"nothing is left", tear_down},
};
TEST_MAIN("checkpoint file", cases)
