/* Accuracy of the activations over all floats, against libm in double:
 *     activation_accuracy [--stride N] [--filter TEXT] [--isa generic|avx2|avx512]
 * A row a function: largest and mean error in units of the last place where the result is at least FLT_MIN, the input of the
 * largest, the largest error below FLT_MIN in units of FLT_MIN, and how often an increasing function stepped down by more
 * than one unit. A derivative's error counts as the smaller of ulps / 4 and absolute / 2.5e-7, so its bar is 1. Exits with 1
 * if a function is past its bar. */
#include "tensor/isa.h"
#include <float.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- references ------------------------------------------------------------------------------------------------- */

#define SQRT1_2      0.70710678118654752440
#define SQRT1_2PI    0.39894228040143267794
#define SELU_SCALE   1.0507009873554804934193349852946
#define SELU_ALPHA   1.7580993408473768599402175208123
#define GELU_A       1.5957691216057307117597842397375
#define CUBIC        0.044715

static double bounded(double x) { return fmin(fmax(x, -1e4), 1e4); }
static double positive(double x, double y) { return x > -1e4 ? y : x - x; } /* y, but 0 at -infinity where y is x 0 */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double sigmoid_slope(double x) { return sigmoid(x) * sigmoid(-x); }
static double tanh_slope(double x) { return 4 * sigmoid_slope(2 * x); }
static double relu(double x) { return x < 0 ? 0 : x; }
static double relu_slope(double x) { return x > 0; }
static double leaky_relu(double x) { return x < 0 ? (double)0.01f * x : x; }
static double leaky_relu_slope(double x) { return x > 0 ? 1 : (double)0.01f; }
static double elu(double x) { return x < 0 ? expm1(x) : x; }
static double elu_slope(double x) { return x > 0 ? 1 : exp(x); }
static double selu(double x) { return x < 0 ? SELU_ALPHA * expm1(x) : SELU_SCALE * x; }
static double selu_slope(double x) { return x > 0 ? SELU_SCALE : SELU_ALPHA * exp(x); }
static double swish(double x) { return positive(x, x * sigmoid(x)); }
static double swish_slope(double x) { return sigmoid(x) + bounded(x) * sigmoid_slope(x); }
static double gelu(double x) { return positive(x, x * erfc(-SQRT1_2 * x) / 2); }
static double gelu_slope(double x) { return erfc(-SQRT1_2 * x) / 2 + bounded(x) * SQRT1_2PI * exp(-x * x / 2); }
static double gelu_tanh(double x) { return positive(x, x * sigmoid(GELU_A * (x + CUBIC * x * x * x))); }
static double gelu_tanh_slope(double x)
{
    const double b = bounded(x), z = GELU_A * (b + CUBIC * b * b * b);
    return sigmoid(z) + b * sigmoid_slope(z) * GELU_A * (1 + 3 * CUBIC * b * b) + (x - x == 0 ? 0 : x - b - x);
}
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double softsign(double x) { return isinf(x) ? copysign(1, x) : x / (1 + fabs(x)); }
static double softsign_slope(double x) { return 1 / ((1 + fabs(x)) * (1 + fabs(x))); }
static double mish(double x) { return positive(x, x * tanh(softplus(x))); }
static double mish_slope(double x)
{
    const double t = tanh(softplus(x));
    return t + bounded(x) * (1 - t * t) * sigmoid(x);
}
static double hard_sigmoid(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
static double hard_sigmoid_slope(double x) { return x > -3 && x < 3 ? 1 / 6.0 : 0; }
static double hard_swish(double x) { return x <= -3 ? 0 : x * hard_sigmoid(x); }
static double hard_swish_slope(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5; }

static ffn_activation leaky_relu_usual(void) { return ffn_leaky_relu(0.01f); }
static ffn_activation elu_usual(void) { return ffn_elu(1); }
static ffn_activation swish_usual(void) { return ffn_swish(1); }

typedef struct function {
    const char *name;
    ffn_activation (*kind)(void);
    double (*value)(double x), (*slope)(double x); /* slope: NULL: not tested */
    double bar;                                    /* of the value, in ulp */
    bool increasing;
} function;

/* Softmax is tested on rows (x, 0), the first element of which is the sigmoid. */
static const function functions[] = {
    {"sigmoid", ffn_sigmoid, sigmoid, sigmoid_slope, 1.5, true},
    {"tanh", ffn_tanh, tanh, tanh_slope, 1.0, true},
    {"relu", ffn_relu, relu, relu_slope, 0, true},
    {"leaky_relu", leaky_relu_usual, leaky_relu, leaky_relu_slope, 0.5, true},
    {"elu", elu_usual, elu, elu_slope, 1.5, true},
    {"selu", ffn_selu, selu, selu_slope, 1.5, true},
    {"softmax", ffn_softmax, sigmoid, NULL, 4.0, false},
    {"swish", swish_usual, swish, swish_slope, 2.0, false},
    {"gelu", ffn_gelu, gelu, gelu_slope, 2.0, false},
    {"gelu_tanh", ffn_gelu_tanh, gelu_tanh, gelu_tanh_slope, 3.0, false},
    {"softplus", ffn_softplus, softplus, sigmoid, 1.5, true},
    {"softsign", ffn_softsign, softsign, softsign_slope, 1.5, true},
    {"mish", ffn_mish, mish, mish_slope, 3.0, false},
    {"hard_sigmoid", ffn_hard_sigmoid, hard_sigmoid, hard_sigmoid_slope, 3.0, true},
    {"hard_swish", ffn_hard_swish, hard_swish, hard_swish_slope, 3.0, false},
};

/* ---- one sweep ---------------------------------------------------------------------------------------------------- */

enum { BLOCK = 1 << 14, THREADS = 2 };

typedef struct result {
    double worst, total, subnormal;
    float worst_input;
    uint64_t count, steps_down, wrong; /* wrong: an infinity or NaN where there should be none, or none where there should */
} result;

typedef struct sweep {
    const function *function;
    ffn_activation activation;
    bool slope;
    uint64_t stride;
    atomic_ullong next;
} sweep;

typedef struct worker {
    sweep *sweep;
    result result;
} worker;

/* Float number i of all 2^32 in increasing order, NaN at both ends. */
static float ordered(uint64_t i)
{
    const uint32_t bits = i < 0x80000000U ? 0xffffffffU - (uint32_t)i : (uint32_t)i - 0x80000000U;
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The distance of floats at x >= FLT_MIN. */
static double unit(double x)
{
    int exponent;
    (void)frexp(x, &exponent);
    return ldexp(1, exponent - FLT_MANT_DIG);
}

static void judge(result *r, const sweep *s, float x, float y)
{
    const double wanted = (s->slope ? s->function->slope : s->function->value)((double)x), error = fabs((double)y - wanted);
    const bool overflows = fabs(wanted) > (double)FLT_MAX;
    if (s->slope && isnan(x)) return;
    if (isnan(wanted) || overflows || !isfinite(y)) {
        const bool right = isnan(wanted) ? isnan(y) != 0 : overflows && isinf(y) && (y > 0) == (wanted > 0);
        r->wrong += !right;
        return;
    }
    r->count++;
    if (fabs(wanted) < (double)FLT_MIN) {
        r->subnormal = fmax(r->subnormal, error / (double)FLT_MIN);
        return;
    }
    const double units = error / unit(wanted), counted = s->slope ? fmin(units / 4, error / 2.5e-7) : units;
    r->total += counted;
    if (counted <= r->worst) return;
    r->worst = counted;
    r->worst_input = x;
}

/* Elements first - 1 .. first + count - 1 of the sweep: the one before is for the comparison of neighbours. */
static void judge_block(worker *w, uint64_t first, size_t count)
{
    static const float zeros[BLOCK + 1];
    static _Thread_local float x[2 * BLOCK + 2], y[2 * BLOCK + 2], ones[BLOCK + 1];
    const sweep *s = w->sweep;
    const size_t before = first > 0, n = count + before, cols = s->activation.ops->over_rows ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        x[cols * i] = ordered((first - before + i) * s->stride);
        if (cols == 2) x[2 * i + 1] = zeros[i];
        ones[i] = 1;
    }
    ffn_activation_forward(s->activation, n, cols, x, y, NULL);
    if (s->slope) ffn_activation_backward(s->activation, n, cols, x, y, ones, y, NULL);
    for (size_t i = 0; i < n; i++) {
        const float here = y[cols * i], last = i ? y[cols * (i - 1)] : here;
        if (i >= before) judge(&w->result, s, x[cols * i], here);
        if (!s->slope && here < last && here < nextafterf(last, -INFINITY)) w->result.steps_down++;
    }
}

static void *work(void *argument)
{
    worker *w = argument;
    const uint64_t elements = ((UINT64_C(1) << 32) - 1) / w->sweep->stride + 1;
    for (uint64_t first; (first = BLOCK * atomic_fetch_add(&w->sweep->next, 1)) < elements;)
        judge_block(w, first, elements - first < BLOCK ? (size_t)(elements - first) : BLOCK);
    return NULL;
}

static result run(const function *f, bool slope, uint64_t stride)
{
    sweep s = {.function = f, .activation = f->kind(), .slope = slope, .stride = stride};
    worker workers[THREADS] = {0};
    pthread_t threads[THREADS];
    bool started[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        workers[t].sweep = &s;
        started[t] = pthread_create(&threads[t], NULL, work, &workers[t]) == 0;
        if (!started[t]) work(&workers[t]);
    }
    result all = {0};
    for (size_t t = 0; t < THREADS; t++) {
        if (started[t]) pthread_join(threads[t], NULL);
        const result *r = &workers[t].result;
        if (r->worst > all.worst) all.worst = r->worst, all.worst_input = r->worst_input;
        all.subnormal = fmax(all.subnormal, r->subnormal);
        all.total += r->total;
        all.count += r->count, all.steps_down += r->steps_down, all.wrong += r->wrong;
    }
    return all;
}

static bool report(const function *f, bool slope, uint64_t stride)
{
    const result r = run(f, slope, stride);
    const double bar = slope ? 1 : f->bar;
    const uint64_t steps_down = f->increasing && !slope ? r.steps_down : 0;
    const bool good = r.worst <= bar && r.subnormal <= 1 && steps_down == 0 && r.wrong == 0;
    printf("%-12s%s %8.3f %8.3f %8.4f %16.9g %10.3g %8llu %8llu  %s\n", f->name, slope ? "'" : " ", bar, r.worst,
           r.total / (double)r.count, (double)r.worst_input, r.subnormal, (unsigned long long)steps_down,
           (unsigned long long)r.wrong, good ? "ok" : "PAST THE BAR");
    fflush(stdout);
    return good;
}

static bool use_isa(const char *name)
{
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        if (strcmp(name, ffn__isa_name((ffn__isa_id)isa)) == 0) return ffn__isa_force((ffn__isa_id)isa);
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"stride", required_argument, NULL, 's'}, {"filter", required_argument, NULL, 'f'},
        {"isa", required_argument, NULL, 'i'},    {0},
    };
    const char *filter = "";
    uint64_t stride = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's') stride = strtoull(optarg, NULL, 10);
        if (option == 'f') filter = optarg;
        if (option == '?' || stride == 0 || (option == 'i' && !use_isa(optarg))) {
            fprintf(stderr, "usage: %s [--stride N] [--filter TEXT] [--isa generic|avx2|avx512 that this machine has]\n", argv[0]);
            return 2;
        }
    }
    printf("%s, stride %llu\n%-13s %8s %8s %8s %16s %10s %8s %8s\n", ffn__isa_name(ffn__isa()), (unsigned long long)stride,
           "function", "bar", "worst", "mean", "at", "subnormal", "steps", "wrong");
    bool good = true;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (!strstr(functions[i].name, filter)) continue;
        good &= report(&functions[i], false, stride);
        if (functions[i].slope) good &= report(&functions[i], true, stride);
    }
    return good ? 0 : 1;
}
