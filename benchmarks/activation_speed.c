/* The speed of the activations on one thread, by turns with what they should be compared to:
 *   copy       memcpy of as many bytes as the kind reads and writes
 *   pass       one pass in place that does next to nothing: the least that an activation can cost
 *   libm       the same function by the C library, an element at a time
 *   sleef u10  by SLEEF's functions of 16 floats, where they are found; u35: its faster ones
 *   onednn     by oneDNN 2, where it is found
 *   ours       from one array to another
 *   in place   over its own input
 * in ns an element and GB/s, /copy and /ours being ratios of times; rows of softmax have 10 and 1000 elements. The cases
 * `share` are whole training steps (784-512-512-10, batch 128, Adam) in ns a sample, and what part of one the hidden
 * layers' activations are, by difference from a step of the linear network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "activation/rivals.h"
#include "common/bench.h"
#include "common/network.h"

/* ---- printing -------------------------------------------------------------------------------------------------- */

enum { TEXT = 48 };

/* One printed row; 0 in bytes, copy, ours or share leaves its column empty. */
typedef struct line {
    const char *name, *row;
    double median, minimum, spread; /* ns an element; spread: of the slowest and the fastest chunk, by the median */
    double bytes;                   /* an element */
    double copy, ours;              /* ns an element, to compare with */
    double share;
} line;

static void number(char text[TEXT], const bench_options *o, const char *format, double value)
{
    const bool json = o->format == BENCH_JSON;
    if (value != 0 && isfinite(value))
        (void)snprintf(text, TEXT, format, value);
    else
        (void)snprintf(text, TEXT, "%s", json ? "null" : o->format == BENCH_CSV ? "" : "-");
}

static void print(const bench_options *o, const line *l)
{
    static const char *const formats[] = {
        [BENCH_TABLE] = "%-24s %-10s %10s %10s %8s %8s %8s %8s %8s\n",
        [BENCH_CSV] = "%s,%s,%s,%s,%s,%s,%s,%s,%s\n",
        [BENCH_JSON] = ("{\"case\": \"%s\", \"row\": \"%s\", \"ns\": %s, \"minimum_ns\": %s, \"spread\": %s, "
                        "\"gb_s\": %s, \"to_copy\": %s, \"to_ours\": %s, \"share\": %s}"),
    };
    static bool printed;
    if (!printed && o->format == BENCH_TABLE)
        printf(formats[BENCH_TABLE], "case", "row", "ns", "minimum", "spread", "GB/s", "/copy", "/ours", "share");
    if (!printed && o->format == BENCH_CSV) puts("case,row,ns,minimum_ns,spread,gb_s,to_copy,to_ours,share");
    if (o->format == BENCH_JSON) fputs(printed ? ",\n" : "[\n", stdout);
    printed = true;
    char text[7][TEXT];
    number(text[0], o, "%.4g", l->median);
    number(text[1], o, "%.4g", l->minimum);
    number(text[2], o, "%.3f", l->spread);
    number(text[3], o, "%.3g", l->bytes / l->median);
    number(text[4], o, "%.3g", l->median / l->copy);
    number(text[5], o, "%.3g", l->median / l->ours);
    number(text[6], o, "%.4f", l->share);
    printf(formats[o->format], l->name, l->row, text[0], text[1], text[2], text[3], text[4], text[5], text[6]);
    fflush(stdout);
}

/* Times from a measured row's speeds. */
static line line_of(const char *name, const bench_row *row)
{
    return (line){.name = name,
                  .row = row->name,
                  .median = 1e9 / row->median,
                  .minimum = 1e9 / row->maximum,
                  .spread = row->median / row->minimum - row->median / row->maximum};
}

/* ---- elementwise and row kinds --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t elements;
} sizes[] = {{"4K", 4096}, {"256K", 262144}, {"16M", 16777216}};

static const struct {
    const char *kind;
    size_t cols; /* of a row, for a kind over rows */
} kinds[] = {{"sigmoid", 0},    {"tanh", 0},         {"relu", 0},          {"leaky_relu", 0}, {"elu", 0},
             {"selu", 0},       {"swish", 0},        {"gelu", 0},          {"gelu_tanh", 0},  {"softplus", 0},
             {"softsign", 0},   {"mish", 0},         {"hard_sigmoid", 0},  {"hard_swish", 0}, {"softmax", 10},
             {"softmax", 1000}, {"log_softmax", 10}, {"log_softmax", 1000}};

/* In place a function soon leaves the range in which it is used, and derivatives get to numbers that are not normal: after
 * so many times the input is copied anew, and before each chunk, which is all it takes for arrays in memory. */
enum { FRESH = 8 };

typedef struct work {
    ffn_activation activation;
    bool backward;
    size_t rows, cols, count;
    const float *x, *v, *dy; /* input, what backward reads, and the gradient */
    float *out;
    const rival *rival;
    size_t used;
} work;

static double bytes(const work *w) { return (w->backward ? 3.0 : 2.0) * sizeof(float); }

static void run_copy(void *context, size_t times)
{
    const work *w = context;
    for (size_t t = 0; t < times; t++) {
        memcpy(w->out, w->x, w->count * sizeof(float));
        if (w->backward) memcpy(w->out, w->dy, w->count / 2 * sizeof(float));
    }
}

static void pass(float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = y[i] * (float)0.999 + (float)1e-3;
}

static void pass_pair(float *restrict dy, const float *restrict v, size_t n)
{
    for (size_t i = 0; i < n; i++) dy[i] = dy[i] * (float)0.999 + v[i] * (float)1e-3;
}

static void run_pass(void *context, size_t times)
{
    const work *w = context;
    for (size_t t = 0; t < times; t++)
        if (w->backward)
            pass_pair(w->out, w->v, w->count);
        else
            pass(w->out, w->count);
}

static void run_rival(void *context, size_t times)
{
    const work *w = context;
    for (size_t t = 0; t < times; t++)
        if (w->backward)
            w->rival->backward(w->count, w->v, w->dy, w->out);
        else
            w->rival->forward(w->rows, w->cols, w->x, w->out);
}

static void apply(const work *w, const float *x, const float *dy)
{
    const ffn_status status =
        w->backward ? ffn_activation_backward(w->activation, w->rows, w->cols, w->v, w->v, dy, w->out, NULL)
                    : ffn_activation_forward(w->activation, w->rows, w->cols, x, w->out, NULL);
    if (status != FFN_OK) exit(1);
}

static void run_ours(void *context, size_t times)
{
    const work *w = context;
    for (size_t t = 0; t < times; t++) apply(w, w->x, w->dy);
}

static void refresh(void *context)
{
    work *w = context;
    memcpy(w->out, w->backward ? w->dy : w->x, w->count * sizeof(float));
    w->used = 0;
}

static void run_in_place(void *context, size_t times)
{
    work *w = context;
    for (size_t t = 0; t < times; t++) {
        if (w->used++ == FRESH) refresh(w);
        apply(w, w->out, w->out);
    }
}

static bool runs(const rival *r, bool backward) { return r && (backward ? r->backward != NULL : r->forward != NULL); }

static void measure(const bench_options *options, const char *name, const work *base)
{
    const struct {
        const char *name;
        const rival *rival;
    } rivals[] = {{"libm", rival_libm(base->activation.ops->name)},
                  {"sleef u10", rival_sleef_u10(base->activation.ops->name)},
                  {"sleef u35", rival_sleef_u35(base->activation.ops->name)},
                  {"onednn", rival_onednn(base->activation.ops->name)}};
    work works[BENCH_MOST_ROWS];
    bench_row rows[BENCH_MOST_ROWS];
    size_t count = 0;
    const double samples = (double)base->count;
#define ROW(row_name, function)                                                                                        \
    (bench_row){.name = row_name, .run = function, .context = &works[count], .samples = samples, .blas_threads = 1}
    works[count] = *base, rows[count] = ROW("copy", run_copy), count++;
    works[count] = *base, rows[count] = ROW("pass", run_pass), count++;
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals)[0]; i++) {
        if (!runs(rivals[i].rival, base->backward)) continue;
        works[count] = *base, works[count].rival = rivals[i].rival;
        rows[count] = ROW(rivals[i].name, run_rival), count++;
    }
    works[count] = *base, rows[count] = ROW("ours", run_ours), count++;
    works[count] = *base, rows[count] = ROW("in place", run_in_place), rows[count].prepare = refresh, count++;
#undef ROW
    bench_measure(options, rows, count);
    for (size_t r = 0; r < count; r++) {
        line l = line_of(name, &rows[r]);
        l.bytes = bytes(base);
        l.copy = 1e9 / rows[0].median;
        l.ours = 1e9 / rows[count - 2].median;
        print(options, &l);
    }
}

/* The arrays of the largest size, which the smaller ones are the beginnings of. */
typedef struct arrays {
    float *x, *y, *dy, *out;
} arrays;

static void measure_kind(const bench_options *options, size_t k, size_t size, bool backward, const arrays *a)
{
    char name[TEXT], row[32] = "";
    if (kinds[k].cols) (void)snprintf(row, sizeof(row), "_rows%zu", kinds[k].cols);
    (void)snprintf(name, sizeof(name), "%s%s_%s_%s", kinds[k].kind, row, backward ? "backward" : "forward",
                   sizes[size].name);
    if (!bench_selected(options, name, 1)) return;
    work w = {.backward = backward, .x = a->x, .dy = a->dy, .out = a->out};
    if (ffn_activation_by_name(kinds[k].kind, &w.activation, NULL) != FFN_OK) exit(1);
    w.cols = kinds[k].cols ? kinds[k].cols : sizes[size].elements;
    w.rows = sizes[size].elements / w.cols;
    w.count = w.rows * w.cols;
    w.v = w.activation.ops->needs_input ? a->x : a->y;
    if (ffn_activation_forward(w.activation, w.rows, w.cols, a->x, a->y, NULL) != FFN_OK) exit(1);
    measure(options, name, &w);
}

/* ---- in a training step ---------------------------------------------------------------------------------------- */

enum { BATCH = 128 };

typedef struct step {
    ffn_model *model;
    ffn_trainer *trainer;
    const float *x, *targets;
} step;

static void run_step(void *context, size_t times)
{
    const step *s = context;
    for (size_t t = 0; t < times; t++)
        if (ffn_trainer_step(s->trainer, s->x, s->targets, BATCH, NULL, NULL) != FFN_OK) exit(1);
}

static void measure_share(const bench_options *options)
{
    static const struct {
        const char *name;
        ffn_activation (*activation)(void);
    } layers[] = {{"linear", ffn_linear}, {"relu", ffn_relu}, {"tanh", ffn_tanh},        {"sigmoid", ffn_sigmoid},
                  {"gelu", ffn_gelu},     {"mish", ffn_mish}, {"softplus", ffn_softplus}};
    enum { COUNT = sizeof(layers) / sizeof(layers)[0] };
    float *x = network_random(BATCH * network_m.sizes[0], 11), *targets = network_random(BATCH, 12);
    for (size_t i = 0; i < BATCH; i++) targets[i] = (float)(i * 7 % 10);
    step steps[COUNT];
    bench_row rows[COUNT];
    ffn_fit_options fit = ffn_fit_defaults();
    fit.optimizer = ffn_adam((float)1e-5);
    fit.batch_size = BATCH;
    fit.threads = 1;
    for (size_t i = 0; i < COUNT; i++) {
        network net = network_m;
        net.activation = layers[i].activation;
        steps[i] = (step){.model = network_model(&net, options->table), .x = x, .targets = targets};
        steps[i].trainer = ffn_trainer_create(steps[i].model, &fit, NULL);
        if (!steps[i].trainer) exit(1);
        rows[i] = (bench_row){
            .name = layers[i].name, .run = run_step, .context = &steps[i], .samples = BATCH, .blas_threads = 1};
    }
    bench_measure(options, rows, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        line l = line_of("share_M_b128", &rows[i]);
        l.share = i ? 1 - rows[i].undisturbed / rows[0].undisturbed : 0;
        print(options, &l);
        ffn_trainer_destroy(steps[i].trainer);
        ffn_model_destroy(steps[i].model);
    }
    free(x);
    free(targets);
}

/* Normal numbers; the largest arrays repeat them. In large pages where the system has them: what finding small ones takes
 * is not the functions'. */
static float *numbers(size_t count, uint32_t stream)
{
    enum { OWN = 1 << 18, HUGE_PAGE = 1 << 21 };
    float *all = aligned_alloc(HUGE_PAGE, count * sizeof(float)), *own = network_random(OWN, stream);
    if (!all) exit(1);
#ifdef MADV_HUGEPAGE
    (void)madvise(all, count * sizeof(float), MADV_HUGEPAGE);
#endif
    for (size_t i = 0; i < count; i++) all[i] = own[i % OWN];
    free(own);
    return all;
}

int main(int argc, char **argv)
{
    const bench_options options = bench_parse(argc, argv, "Activations, in ns an element, beside copies and rivals.");
    const size_t most = sizes[sizeof(sizes) / sizeof(sizes)[0] - 1].elements;
    const arrays a = {numbers(most, 1), numbers(most, 2), numbers(most, 3), numbers(most, 4)};
    for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes)[0]; size++)
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds)[0]; k++)
            for (int backward = 0; backward < 2; backward++) measure_kind(&options, k, size, backward, &a);
    if (bench_selected(&options, "share_M_b128", 1)) measure_share(&options);
    bench_finish(&options);
    free(a.x);
    free(a.y);
    free(a.dy);
    free(a.out);
    return 0;
}
