/* Optimizers against PyTorch's formulas in plain double, the rule before them and the guard behind them, and what is
 * refused; on every instruction set where it matters. */
#include "every_isa.h"
#include "optimizer/optimizer.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX = 3000 };

static const ffn__gradient_rule identity = {.scale = 1};

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance * (1 + fabs(b)); }

static void draw(ffn_random *random, size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] = ffn_random_normal(random);
}

/* An optimizer with state for n <= MAX weights, as a trainer keeps it. */
typedef struct machine {
    ffn_optimizer optimizer;
    float memory[FFN_MAX_SLOTS][MAX + 1];
    float *state[FFN_MAX_SLOTS];
    size_t count;
} machine;

/* offset: of the state from the alignment of `memory` */
static void start(machine *m, ffn_optimizer optimizer, size_t offset)
{
    m->optimizer = optimizer;
    m->count = 0;
    for (size_t slot = 0; slot < FFN_MAX_SLOTS; slot++) {
        const bool filled = optimizer.ops->initial_state && slot < optimizer.ops->slots(&optimizer);
        for (size_t i = 0; i <= MAX; i++)
            m->memory[slot][i] = filled ? optimizer.ops->initial_state(&optimizer, slot) : 0;
        m->state[slot] = m->memory[slot] + offset;
    }
}

static ffn_update update_of(const machine *m)
{
    const ffn_optimizer *o = &m->optimizer;
    ffn_update update;
    ffn__update_begin(&update, o, m->count, (double)o->learning_rate);
    update.decay = o->ops->decoupled_decay ? o->weight_decay : 0;
    return update;
}

static ffn__gradient_rule rule_of(const machine *m)
{
    const ffn_optimizer *o = &m->optimizer;
    return (ffn__gradient_rule){.scale = 1, .decay = o->ops->decoupled_decay ? 0 : o->weight_decay};
}

static bool apply(machine *m, size_t n, float *w, const float *g)
{
    const ffn_update update = update_of(m);
    const ffn__gradient_rule rule = rule_of(m);
    const bool finite = ffn__optimizer_update(&m->optimizer, &update, &rule, n, w, g, m->state);
    m->count++;
    return finite;
}

/* ---- the reference --------------------------------------------------------------------------------------------- */

/* One weight's state under the algorithms as PyTorch's documentation writes them. */
typedef struct weight {
    double w, momentum, square, mean, most;
} weight;

static void sgd_reference(const ffn_optimizer *o, weight *x, double g, size_t t)
{
    g += (double)o->weight_decay * x->w;
    if (o->momentum > 0) {
        x->momentum = t == 1 ? g : (double)o->momentum * x->momentum + (1 - (double)o->dampening) * g;
        g = o->nesterov ? g + (double)o->momentum * x->momentum : x->momentum;
    }
    x->w -= (double)o->learning_rate * g;
}

static void adagrad_reference(const ffn_optimizer *o, weight *x, double g, size_t t)
{
    const double rate = (double)o->learning_rate / (1 + (double)(t - 1) * (double)o->learning_rate_decay);
    if (t == 1) x->square = (double)o->initial_accumulator;
    g += (double)o->weight_decay * x->w;
    x->square += g * g;
    x->w -= rate * g / (sqrt(x->square) + (double)o->epsilon);
}

static void rmsprop_reference(const ffn_optimizer *o, weight *x, double g, size_t t)
{
    const double alpha = (double)o->alpha;
    (void)t;
    g += (double)o->weight_decay * x->w;
    x->square = alpha * x->square + (1 - alpha) * g * g;
    x->mean = alpha * x->mean + (1 - alpha) * g;
    const double variance = o->centered ? x->square - x->mean * x->mean : x->square;
    const double d = g / (sqrt(variance) + (double)o->epsilon);
    x->momentum = (double)o->momentum * x->momentum + d;
    x->w -= (double)o->learning_rate * x->momentum;
}

static void adam_reference(const ffn_optimizer *o, weight *x, double g, size_t t)
{
    const double beta1 = (double)o->beta1, beta2 = (double)o->beta2, rate = (double)o->learning_rate;
    if (strcmp(o->ops->name, "adamw") == 0)
        x->w -= rate * (double)o->weight_decay * x->w;
    else
        g += (double)o->weight_decay * x->w;
    x->mean = beta1 * x->mean + (1 - beta1) * g;
    x->square = beta2 * x->square + (1 - beta2) * g * g;
    x->most = fmax(x->most, x->square);
    const double mean = x->mean / (1 - pow(beta1, (double)t));
    const double square = (o->amsgrad ? x->most : x->square) / (1 - pow(beta2, (double)t));
    x->w -= rate * mean / (sqrt(square) + (double)o->epsilon);
}

typedef void formula(const ffn_optimizer *o, weight *x, double g, size_t t);

/* 20 updates of 37 weights: relative 2e-6 of the way gone. */
static void follow(const char *name, ffn_optimizer optimizer, formula *reference)
{
    enum { N = 37, STEPS = 20 };
    static machine m;
    float w[N], g[N];
    weight x[N] = {{0}};
    double worst = 0;
    ffn_random random = ffn_random_create(3, 1, 0);
    start(&m, optimizer, 0);
    CU_ASSERT_EQUAL(ffn__optimizer_check(&optimizer, NULL), FFN_OK);
    draw(&random, N, w);
    for (size_t i = 0; i < N; i++) x[i].w = (double)w[i];
    for (size_t t = 1; t <= STEPS; t++) {
        draw(&random, N, g);
        CU_ASSERT(apply(&m, N, w, g));
        for (size_t i = 0; i < N; i++) {
            reference(&optimizer, &x[i], (double)g[i], t);
            worst = fmax(worst, fabs((double)w[i] - x[i].w) / (1 + fabs(x[i].w)));
        }
    }
    if (!(worst < 2e-6)) printf("\n    %s: off by %g\n", name, worst);
    CU_ASSERT(worst < 2e-6);
}

static void reference_body(void)
{
    for (int decay = 0; decay < 2; decay++) {
        ffn_optimizer o;
#define FOLLOW(reference) (o.weight_decay = decay ? (float)0.05 : 0, follow(#reference, o, reference))
        o = ffn_sgd((float)0.1);
        FOLLOW(sgd_reference);
        o = ffn_momentum((float)0.1, (float)0.9);
        FOLLOW(sgd_reference);
        o.dampening = (float)0.3;
        FOLLOW(sgd_reference);
        o = ffn_nesterov((float)0.1, (float)0.8);
        FOLLOW(sgd_reference);
        o = ffn_adagrad((float)0.1);
        FOLLOW(adagrad_reference);
        o.learning_rate_decay = (float)0.1;
        o.initial_accumulator = (float)0.5;
        FOLLOW(adagrad_reference);
        for (int kind = 0; kind < 4; kind++) {
            o = ffn_rmsprop((float)0.01);
            o.centered = kind & 1;
            o.momentum = kind & 2 ? (float)0.9 : 0;
            FOLLOW(rmsprop_reference);
            o = kind & 1 ? ffn_adam((float)0.01) : ffn_adamw((float)0.01, 0);
            o.amsgrad = kind & 2;
            FOLLOW(adam_reference);
            o.beta1 = 0;
            o.beta2 = (float)0.5;
            o.epsilon = (float)0.1;
            FOLLOW(adam_reference);
        }
#undef FOLLOW
    }
}

static void test_reference(void) { on_every_isa(reference_body); }

static void test_by_hand(void)
{
    static machine m;
    float w[1] = {1}, g[1] = {2};
    start(&m, ffn_momentum((float)0.5, (float)0.5), 0);
    m.optimizer.dampening = (float)0.5;
    apply(&m, 1, w, g); /* the first velocity is the gradient, undamped */
    CU_ASSERT(w[0] == 0 && m.state[0][0] == 2);
    apply(&m, 1, w, g); /* 0.5 2 + 0.5 2 */
    CU_ASSERT(w[0] == -1 && m.state[0][0] == 2);

    w[0] = 1;
    start(&m, ffn_nesterov((float)0.5, (float)0.5), 0);
    apply(&m, 1, w, g); /* 2 + 0.5 2 */
    CU_ASSERT(w[0] == (float)-0.5);
    apply(&m, 1, w, g); /* velocity 3: 2 + 0.5 3 */
    CU_ASSERT(w[0] == (float)-2.25);

    w[0] = 1;
    start(&m, ffn_adam((float)0.125), 0);
    m.optimizer.epsilon = 0;
    apply(&m, 1, w, g); /* the first step has the length of the rate */
    CU_ASSERT(near((double)w[0], 0.875, 1e-6));

    w[0] = 1;
    start(&m, ffn_adamw((float)0.125, (float)0.5), 0);
    m.optimizer.epsilon = 0;
    apply(&m, 1, w, g);
    CU_ASSERT(near((double)w[0], 1 * (1 - 0.125 * 0.5) - 0.125, 1e-6));

    w[0] = 1;
    start(&m, ffn_adagrad((float)0.5), 0);
    apply(&m, 1, w, g);
    CU_ASSERT(near((double)w[0], 0.5, 1e-6));
    apply(&m, 1, w, g);
    CU_ASSERT(near((double)w[0], 0.5 - 0.5 / sqrt(2), 1e-6));
}

static void test_slots(void)
{
    ffn_optimizer o = ffn_sgd(1);
    CU_ASSERT_EQUAL(o.ops->slots(&o), 0);
    o = ffn_momentum(1, (float)0.9);
    CU_ASSERT_EQUAL(o.ops->slots(&o), 1);
    o = ffn_adagrad(1);
    CU_ASSERT_EQUAL(o.ops->slots(&o), 1);
    o.initial_accumulator = 3;
    CU_ASSERT_EQUAL(o.ops->initial_state(&o, 0), 3);
    o = ffn_rmsprop(1);
    CU_ASSERT_EQUAL(o.ops->slots(&o), 1);
    o.centered = true;
    CU_ASSERT_EQUAL(o.ops->slots(&o), 2);
    o.momentum = (float)0.5;
    CU_ASSERT_EQUAL(o.ops->slots(&o), 3);
    o = ffn_adam(1);
    CU_ASSERT_EQUAL(o.ops->slots(&o), 2);
    o.amsgrad = true;
    CU_ASSERT_EQUAL(o.ops->slots(&o), 3);
    CU_ASSERT(!ffn_adam(1).ops->decoupled_decay && ffn_adamw(1, 0).ops->decoupled_decay);
}

/* ---- bits ------------------------------------------------------------------------------------------------------ */

/* Every built-in variant. */
static size_t variants(ffn_optimizer list[16])
{
    size_t n = 0;
    list[n++] = ffn_sgd((float)0.1);
    list[n++] = ffn_momentum((float)0.1, (float)0.9);
    list[n++] = ffn_nesterov((float)0.1, (float)0.9);
    list[n++] = ffn_adagrad((float)0.1);
    for (int kind = 0; kind < 4; kind++) {
        list[n] = ffn_rmsprop((float)0.01);
        list[n].centered = kind & 1;
        list[n++].momentum = kind & 2 ? (float)0.9 : 0;
        list[n] = kind & 1 ? ffn_adam((float)0.01) : ffn_adamw((float)0.01, (float)0.01);
        list[n++].amsgrad = kind & 2;
    }
    return n;
}

/* Three updates of n weights, in parts of `part`, with memory `offset` floats from alignment, under `rule`. */
static void run_parts(ffn_optimizer optimizer, const ffn__gradient_rule *rule, size_t n, size_t part, size_t offset,
                      float *result)
{
    static machine m;
    static float memory[2][MAX + 1];
    float *w = memory[0] + offset, *g = memory[1] + offset;
    ffn_random random = ffn_random_create(4, 1, 0);
    start(&m, optimizer, offset);
    draw(&random, n, w);
    for (m.count = 0; m.count < 3; m.count++) {
        const ffn_update update = update_of(&m);
        draw(&random, n, g);
        for (size_t i = 0; i < n; i += part) {
            float *state[FFN_MAX_SLOTS];
            for (size_t slot = 0; slot < FFN_MAX_SLOTS; slot++) state[slot] = m.state[slot] + i;
            CU_ASSERT(
                ffn__optimizer_update(&optimizer, &update, rule, n - i < part ? n - i : part, w + i, g + i, state));
        }
    }
    memcpy(result, w, n * sizeof *result);
}

/* The same bits for the whole, for parts from multiples of 64, off alignment, and for a longer array's beginning. */
static void bits_body(void)
{
    static float whole[MAX], other[MAX];
    const ffn__gradient_rule rules[] = {
        identity,
        {.l1 = (float)0.01, .l2 = (float)0.02, .scale = (float)0.7, .clip_value = (float)0.5, .decay = (float)0.03}};
    ffn_optimizer list[16];
    const size_t count = variants(list);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < 2; r++) {
            run_parts(list[i], &rules[r], 2999, 2999, 0, whole);
            run_parts(list[i], &rules[r], 2999, 64, 1, other);
            CU_ASSERT_EQUAL(memcmp(whole, other, 2999 * sizeof *whole), 0);
            run_parts(list[i], &rules[r], 2999, 1088, 0, other);
            CU_ASSERT_EQUAL(memcmp(whole, other, 2999 * sizeof *whole), 0);
        }
    for (size_t n = 1; n < 70; n++) { /* step itself, at every remainder */
        static machine a, b;
        ffn_random random = ffn_random_create(n, 1, 0);
        float w[70], g[70], long_w[70];
        for (size_t i = 0; i < 2 * count; i++) { /* with decay and without */
            const ffn_optimizer *optimizer = &list[i / 2];
            start(&a, *optimizer, 0);
            start(&b, *optimizer, 1);
            draw(&random, 70, w);
            draw(&random, 70, g);
            memcpy(long_w, w, sizeof w);
            ffn_update update;
            ffn__update_begin(&update, optimizer, 1, 0.1);
            update.decay = i % 2 ? (float)0.01 : 0;
            (void)optimizer->ops->guarded_step(optimizer, &update, n, w, g, a.state);
            (void)optimizer->ops->guarded_step(optimizer, &update, 70, long_w, g, b.state);
            CU_ASSERT_EQUAL(memcmp(w, long_w, n * sizeof *w), 0);
            for (size_t slot = 0; slot < optimizer->ops->slots(optimizer); slot++)
                CU_ASSERT_EQUAL(memcmp(a.state[slot], b.state[slot], n * sizeof(float)), 0);
            for (size_t slot = 0; slot < FFN_MAX_SLOTS; slot++) CU_ASSERT(a.memory[slot][n] == a.memory[slot][MAX]);
        }
    }
}

static void test_bits(void) { on_every_isa(bits_body); }

/* ---- the rule -------------------------------------------------------------------------------------------------- */

/* The gradient that reaches the optimizer: plain descent with rate 1 from w leaves w minus it. */
static double effective(ffn__gradient_rule rule, double w, double g)
{
    const ffn_optimizer sgd = ffn_sgd(1);
    const ffn_update update = {.rate = 1};
    float moved = (float)w;
    const float gradient = (float)g;
    CU_ASSERT(ffn__optimizer_update(&sgd, &update, &rule, 1, &moved, &gradient, NULL));
    CU_ASSERT_EQUAL(gradient, (float)g);
    return w - (double)moved;
}

static void rule_body(void)
{
    CU_ASSERT_EQUAL(effective(identity, 2, 0.5), 0.5);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 0.5}, 2, 0.5), 0.25);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .l1 = 0.25}, 2, 0.5), 0.75);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .l1 = 0.25}, -2, 0.5), 0.25);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .l1 = 0.25}, 0, 0.5), 0.5);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .l2 = 0.25}, 2, 0.5), 1.5);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .decay = 0.25}, 2, 0.5), 1);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .clip_value = 0.25}, 2, 0.5), 0.25);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .clip_value = 0.25}, 2, -0.5), -0.25);
    CU_ASSERT_EQUAL(effective((ffn__gradient_rule){.scale = 1, .clip_value = 1}, 2, 0.5), 0.5);
    /* scale acts on the penalties, the clip on both, and decay behind them: clip(0.5 (1 + 1 + 4), 2) + 1 */
    const ffn__gradient_rule all = {.l1 = 1, .l2 = 1, .scale = 0.5, .clip_value = 2, .decay = 0.5};
    CU_ASSERT_EQUAL(effective(all, 2, 1), 3);
}

static void test_rule(void) { on_every_isa(rule_body); }

/* Rules that change nothing, but are not seen to be the identity, give the identity's bits. */
static void same_rule_body(void)
{
    static float plain[MAX], general[MAX];
    const ffn__gradient_rule idle = {.scale = 1, .clip_value = (float)1e30};
    ffn_optimizer list[16];
    const size_t count = variants(list);
    for (size_t i = 0; i < count; i++) {
        run_parts(list[i], &identity, 1500, 1500, 0, plain);
        run_parts(list[i], &idle, 1500, 1500, 0, general);
        CU_ASSERT_EQUAL(memcmp(plain, general, 1500 * sizeof *plain), 0);
    }
}

static void test_same_rule(void) { on_every_isa(same_rule_body); }

static void sum_squares_body(void)
{
    static float w[MAX], g[MAX];
    const ffn__gradient_rule rule = {.l1 = (float)0.3, .l2 = (float)0.2, .scale = 5, .clip_value = 1, .decay = 1};
    ffn_random random = ffn_random_create(6, 1, 0);
    for (size_t n = 0; n < MAX; n = 2 * n + 1) {
        double plain = 0, penalized = 0;
        draw(&random, n, w);
        draw(&random, n, g);
        for (size_t i = 0; i < n; i++) {
            const double e = (double)g[i] + (double)rule.l1 * (w[i] > 0 ? 1 : -1) + 2 * (double)rule.l2 * (double)w[i];
            plain += (double)g[i] * (double)g[i];
            penalized += e * e;
        }
        CU_ASSERT(near(ffn__gradient_sum_squares(&identity, n, NULL, g), plain, 1e-13));
        CU_ASSERT(near(ffn__gradient_sum_squares(&rule, n, w, g), penalized, 1e-13));
        if (n == 0) continue;
        g[n - 1] = NAN;
        CU_ASSERT(isnan(ffn__gradient_sum_squares(&rule, n, w, g)));
        g[n - 1] = -INFINITY;
        CU_ASSERT(isinf(ffn__gradient_sum_squares(&identity, n, w, g)));
        g[n - 1] = (float)1e30; /* squares do not overflow */
        CU_ASSERT(isfinite(ffn__gradient_sum_squares(&rule, n, w, g)));
    }
}

static void test_sum_squares(void) { on_every_isa(sum_squares_body); }

/* ---- the guard ------------------------------------------------------------------------------------------------- */

/* Weights whose update is not finite stay, whatever spoilt it; the others move. */
static void guard_body(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static machine m;
    static float w[2000], g[2000];
    static const size_t places[] = {0, 17, 1023, 1024, 1999};
    ffn_optimizer list[16];
    const size_t count = variants(list);
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < 3; b++)
            for (size_t p = 0; p < 5; p++) {
                for (size_t k = 0; k < 2000; k++) w[k] = 1, g[k] = 1;
                g[places[p]] = bad[b];
                start(&m, list[i], 0);
                const bool finite = apply(&m, 2000, w, g);
                size_t infinite = 0, moved = 0;
                for (size_t k = 0; k < 2000; k++) {
                    infinite += isfinite(w[k]) ? 0 : 1;
                    moved += w[k] != 1;
                }
                CU_ASSERT_EQUAL(infinite, 0);
                CU_ASSERT(!finite);
                CU_ASSERT_EQUAL(moved, 1999);
                CU_ASSERT_EQUAL(w[places[p]], 1);
            }
    ffn_optimizer bare = ffn_adam((float)0.1);
    bare.epsilon = 0;
    for (size_t n = 1; n < 20; n++) { /* what stands behind the end, 0 / 0, does not count */
        start(&m, bare, 0);
        for (size_t k = 0; k < n; k++) w[k] = 1, g[k] = 1;
        CU_ASSERT(apply(&m, n, w, g) && w[n - 1] < 1);
    }
}

static void test_guard(void) { on_every_isa(guard_body); }

/* A step beyond the largest float. */
static void test_overflow(void)
{
    const ffn_optimizer sgd = ffn_sgd(1);
    const ffn_update update = {.rate = 1};
    const ffn__gradient_rule clipped = {.scale = 1, .clip_value = 1}, twice = {.scale = 2};
    float w[] = {-FLT_MAX, 1};
    const float g[] = {FLT_MAX, 1}, infinite[] = {INFINITY, 1};
    CU_ASSERT(!ffn__optimizer_update(&sgd, &update, &identity, 2, w, g, NULL));
    CU_ASSERT(w[0] == -FLT_MAX && w[1] == 0);
    CU_ASSERT(!ffn__optimizer_update(&sgd, &update, &twice, 2, w, g, NULL));
    CU_ASSERT(w[0] == -FLT_MAX && w[1] == -2);
    w[0] = 3;
    CU_ASSERT(ffn__optimizer_update(&sgd, &update, &clipped, 2, w, infinite, NULL));
    CU_ASSERT(w[0] == 2);
    const float nan[] = {NAN, 1};
    CU_ASSERT(!ffn__optimizer_update(&sgd, &update, &clipped, 2, w, nan, NULL));
    CU_ASSERT(w[0] == 2);
    CU_ASSERT(ffn__optimizer_update(&sgd, &update, &identity, 0, NULL, NULL, NULL));
}

/* A gradient that stays the same has variance 0: rounding must not take the root of less. */
static void centered_body(void)
{
    static machine m;
    ffn_optimizer o = ffn_rmsprop((float)1e-3);
    o.centered = true;
    o.epsilon = (float)1e-3;
    start(&m, o, 0);
    float w[64], g[64];
    for (size_t i = 0; i < 64; i++) w[i] = 1, g[i] = (float)(0.1 + 0.037 * (double)i);
    for (size_t step = 0; step < 3000; step++) CU_ASSERT(apply(&m, 64, w, g));
}

static void test_centered(void) { on_every_isa(centered_body); }

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const names[] = {"sgd",    "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adadelta",
                                        "adamax", "nadam",    "radam",    "lion",    "rprop",   "adamw"};
    static const double rates[] = {0.01, 0.01, 0.01, 0.01, 0.01, 0.001, 1, 0.002, 0.002, 0.001, 1e-4, 0.01, 0.001};
    ffn_optimizer o;
    ffn_error error = {0};
    for (size_t i = 0; i < 13; i++) {
        CU_ASSERT_EQUAL(ffn_optimizer_by_name(names[i], &o, &error), FFN_OK);
        CU_ASSERT_EQUAL(o.learning_rate, (float)rates[i]);
        CU_ASSERT_EQUAL(ffn__optimizer_check(&o, &error), FFN_OK);
    }
    CU_ASSERT(o.weight_decay == (float)0.01 && o.beta1 == (float)0.9 && o.beta2 == (float)0.999);
    CU_ASSERT(o.epsilon == (float)1e-8 && o.ops == ffn_adamw(1, 1).ops);
    CU_ASSERT_EQUAL(ffn_optimizer_by_name("nesterov", &o, NULL), FFN_OK);
    CU_ASSERT(o.nesterov && o.momentum == (float)0.9);
    CU_ASSERT_EQUAL(ffn_optimizer_by_name("lioness", &o, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "ffn_optimizer_by_name: name is \"lioness\"; expected one of sgd, "));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "adam, adamw"));
    CU_ASSERT(o.nesterov);
    CU_ASSERT_EQUAL(ffn_optimizer_by_name(NULL, &o, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn_optimizer_by_name("adam", NULL, NULL), FFN_INVALID_ARGUMENT);
}

static void refuse(ffn_optimizer optimizer, const char *words)
{
    ffn_error error = {0};
    CU_ASSERT_EQUAL(ffn__optimizer_check(&optimizer, &error), FFN_INVALID_ARGUMENT);
    if (!strstr(error.message, words)) printf("\n    \"%s\", expected \"%s\"\n", error.message, words);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
}

static const char *wrong(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return "the moon must be full";
}

static size_t many(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return FFN_MAX_SLOTS + 1;
}

static void test_checks(void)
{
    static const float bad[] = {-1, NAN, INFINITY, -INFINITY};
    ffn_optimizer o;
#define REFUSE(make, field, value) (o = (make), o.field = (value), refuse(o, #field " is "))
    for (size_t i = 0; i < 4; i++) {
        REFUSE(ffn_sgd(1), learning_rate, bad[i]);
        REFUSE(ffn_sgd(1), weight_decay, bad[i]);
        REFUSE(ffn_sgd(1), momentum, bad[i]);
        REFUSE(ffn_momentum(1, (float)0.9), dampening, bad[i]);
        REFUSE(ffn_rmsprop(1), alpha, bad[i]);
        REFUSE(ffn_rmsprop(1), momentum, bad[i]);
        REFUSE(ffn_adam(1), beta1, bad[i]);
        REFUSE(ffn_adamw(1, 0), beta2, bad[i]);
        REFUSE(ffn_adam(1), epsilon, bad[i]);
        REFUSE(ffn_adagrad(1), learning_rate_decay, bad[i]);
        REFUSE(ffn_adagrad(1), initial_accumulator, bad[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        REFUSE(ffn_adadelta(1), alpha, bad[i]);
        REFUSE(ffn_nadam(1), momentum_decay, bad[i]);
        REFUSE(ffn_lion(1, 0), beta2, bad[i]);
        REFUSE(ffn_lion(1, 0), weight_decay, bad[i]);
        REFUSE(ffn_rprop(1), eta_minus, bad[i]);
        REFUSE(ffn_rprop(1), eta_plus, bad[i]);
        REFUSE(ffn_rprop(1), step_min, bad[i]);
        REFUSE(ffn_rprop(1), step_max, bad[i]);
    }
    REFUSE(ffn_rprop(1), eta_plus, (float)0.9);
    REFUSE(ffn_rprop(1), step_max, (float)1e-7);
    REFUSE(ffn_adam(1), beta1, 1);
    REFUSE(ffn_adam(1), beta2, 1);
    REFUSE(ffn_rmsprop(1), alpha, 1);
    REFUSE(ffn_sgd(1), momentum, 1);
#undef REFUSE
    refuse(ffn_adam(-1), "adam: learning_rate is -1, it must be finite and at least 0");
    refuse(ffn_nesterov(1, 0), "sgd: momentum is 0, it must be above 0 for nesterov");
    o = ffn_nesterov(1, (float)0.5);
    o.dampening = (float)0.5;
    refuse(o, "dampening is 0.5, it must be 0 for nesterov");
    CU_ASSERT_EQUAL(ffn__optimizer_check(&(ffn_optimizer){.ops = ffn_sgd(0).ops}, NULL), FFN_OK);

    refuse((ffn_optimizer){0}, "its table is NULL");
    CU_ASSERT_EQUAL(ffn__optimizer_check(NULL, NULL), FFN_INVALID_ARGUMENT);
    ffn_optimizer_ops ops = *ffn_sgd(1).ops;
    ops.check = wrong;
    refuse((ffn_optimizer){.ops = &ops}, "sgd: the moon must be full");
    ops.slots = many;
    refuse((ffn_optimizer){.ops = &ops}, "5 slots of state, expected at most 4");
    ops.step = NULL;
    ops.guarded_step = NULL;
    refuse((ffn_optimizer){.ops = &ops}, "lacks step");
}

static const test_case cases[] = {
    {"twenty updates against plain formulas", test_reference},
    {"by hand", test_by_hand},
    {"slots", test_slots},
    {"same bits for whole and parts", test_bits},
    {"the rule for gradients", test_rule},
    {"an idle rule is the identity", test_same_rule},
    {"sum of squares", test_sum_squares},
    {"weights stay finite", test_guard},
    {"overflow", test_overflow},
    {"centered without variance", test_centered},
    {"names", test_names},
    {"options out of range", test_checks},
};

TEST_MAIN("optimizer", cases)
