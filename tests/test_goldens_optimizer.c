/* Optimizers, clipping and learning rate schedules against goldens/optimizer.txt. */
#include "golden.h"
#include "optimizer/optimizer.h"
#include "tensor/isa.h"

#include <float.h>

/* In the double build the goldens themselves, of 13 digits, are the limit. */
static const double unit = sizeof(float) == sizeof(double) ? 1e-12 : (double)FLT_EPSILON;

/* Fields by the names of the file; what is not there stays, or is 0 where 0 is the default. */
static void set_options(const golden_case *golden, ffn_optimizer *o)
{
    o->momentum = (float)golden_number(golden, "momentum", (double)o->momentum);
    o->dampening = (float)golden_number(golden, "dampening", (double)o->dampening);
    o->alpha = (float)golden_number(golden, "alpha", (double)o->alpha);
    o->beta1 = (float)golden_number(golden, "beta1", (double)o->beta1);
    o->beta2 = (float)golden_number(golden, "beta2", (double)o->beta2);
    o->epsilon = (float)golden_number(golden, "epsilon", (double)o->epsilon);
    o->weight_decay = (float)golden_number(golden, "weight_decay", 0);
    o->learning_rate_decay = (float)golden_number(golden, "learning_rate_decay", 0);
    o->initial_accumulator = (float)golden_number(golden, "initial_accumulator", 0);
    o->momentum_decay = (float)golden_number(golden, "momentum_decay", (double)o->momentum_decay);
    o->eta_minus = (float)golden_number(golden, "eta_minus", (double)o->eta_minus);
    o->eta_plus = (float)golden_number(golden, "eta_plus", (double)o->eta_plus);
    o->step_min = (float)golden_number(golden, "step_min", (double)o->step_min);
    o->step_max = (float)golden_number(golden, "step_max", (double)o->step_max);
    o->nesterov = golden_number(golden, "nesterov", 0) > 0;
    o->centered = golden_number(golden, "centered", 0) > 0;
    o->amsgrad = golden_number(golden, "amsgrad", 0) > 0;
}

static ffn_optimizer make(const golden_case *golden)
{
    ffn_optimizer optimizer;
    CU_ASSERT_EQUAL_FATAL(ffn_optimizer_by_name(golden_text(golden, "kind"), &optimizer, NULL), FFN_OK);
    optimizer.learning_rate = (float)golden_number(golden, "learning_rate", (double)NAN);
    set_options(golden, &optimizer);
    CU_ASSERT_EQUAL(ffn__optimizer_check(&optimizer, NULL), FFN_OK);
    return optimizer;
}

/* Weights and their state, updated step by step. */
typedef struct run {
    ffn_optimizer optimizer;
    size_t size;
    float *w, *state[FFN_MAX_SLOTS];
} run;

static run start_run(const golden_file *file, ffn_optimizer optimizer)
{
    const golden_entry *start = golden_get(golden_find(file, "given"), "start");
    run r = {.optimizer = optimizer, .size = start->count, .w = golden_floats(start)};
    const size_t slots = optimizer.ops->slots(&optimizer);
    CU_ASSERT_FATAL(slots <= FFN_MAX_SLOTS);
    for (size_t k = 0; k < slots; k++) {
        r.state[k] = golden_floats(start);
        for (size_t i = 0; i < r.size; i++)
            r.state[k][i] = optimizer.ops->initial_state ? optimizer.ops->initial_state(&optimizer, k) : 0;
    }
    return r;
}

static void end_run(run *r)
{
    free(r->w);
    for (size_t k = 0; k < FFN_MAX_SLOTS; k++) free(r->state[k]);
}

/* Compares w with row `count` of the path. Rounding may add up to 4 units of 1 and of the furthest that the weight has
 * been, in thousands where the gradients are. */
static size_t differences(const run *r, const char *name, size_t count, const golden_entry *path)
{
    size_t wrong = 0;
    for (size_t i = 0; i < r->size; i++) {
        const double *column = path->values + i, found = (double)r->w[i], want = column[count * r->size];
        double furthest = 1;
        for (size_t k = 0; k <= count; k++) furthest = fmax(furthest, fabs(column[k * r->size]));
        if (fabs(found - want) <= 4 * unit * furthest) continue;
        if (wrong++ < 3) printf("\n    %s: update %zu: w[%zu]: found %.9g, golden %.9g", name, count, i, found, want);
    }
    return wrong;
}

/* Update `count` by g, which it must leave as it is. */
static void update(run *r, const char *name, size_t count, const ffn__gradient_rule *rule, const float *g,
                   const golden_entry *path)
{
    ffn_update with;
    ffn__update_begin(&with, &r->optimizer, count, (double)r->optimizer.learning_rate);
    with.decay = r->optimizer.ops->decoupled_decay ? r->optimizer.weight_decay : 0;
    float *copy = (float *)golden_resize(NULL, r->size, sizeof(float));
    memcpy(copy, g, r->size * sizeof(float));
    CU_ASSERT_TRUE(ffn__optimizer_update(&r->optimizer, &with, rule, r->size, r->w, g, r->state));
    CU_ASSERT_EQUAL(memcmp(copy, g, r->size * sizeof(float)), 0);
    CU_ASSERT_EQUAL(differences(r, name, count, path), 0);
    free(copy);
}

static ffn__gradient_rule plain_rule(const ffn_optimizer *optimizer)
{
    return (ffn__gradient_rule){.scale = 1, .decay = optimizer->ops->decoupled_decay ? 0 : optimizer->weight_decay};
}

static void run_optimizer(const golden_file *file, const golden_case *golden)
{
    const golden_entry *path = golden_get(golden, "path");
    float *g = golden_floats(golden_get(golden_find(file, "given"), "gradients"));
    run r = start_run(file, make(golden));
    const ffn__gradient_rule rule = plain_rule(&r.optimizer);
    for (size_t k = 0; k < path->dim[0]; k++) update(&r, golden->name, k, &rule, g + k * r.size, path);
    end_run(&r);
    free(g);
}

/* The scale is a trainer's: the norm's limit over the norm of gradient and penalties, with PyTorch's 1e-6. */
static void run_clipping(const golden_file *file, const golden_case *golden)
{
    const golden_entry *path = golden_get(golden, "path"), *norms = golden_get(golden, "norms");
    float *g = golden_floats(golden_get(golden_find(file, "given_clipping"), "gradients"));
    ffn_optimizer sgd = ffn_sgd((float)golden_number(golden, "learning_rate", (double)NAN));
    sgd.weight_decay = (float)golden_number(golden, "weight_decay", 0);
    run r = start_run(file, sgd);
    ffn__gradient_rule rule = plain_rule(&r.optimizer);
    rule.l1 = (float)golden_number(golden, "l1", 0);
    rule.l2 = (float)golden_number(golden, "l2", 0);
    rule.clip_value = (float)golden_number(golden, "clip_value", 0);
    const double limit = golden_number(golden, "clip_norm", 0);
    for (size_t k = 0; k < path->dim[0]; k++) {
        rule.scale = 1;
        const double norm = sqrt(ffn__gradient_sum_squares(&rule, r.size, r.w, g + k * r.size));
        CU_ASSERT_DOUBLE_EQUAL(norm, norms->values[k], 4 * unit * norms->values[k]);
        rule.scale = limit > 0 ? (float)fmin(1, limit / (norm + 1e-6)) : 1;
        update(&r, golden->name, k, &rule, g + k * r.size, path);
    }
    end_run(&r);
    free(g);
}

static void run_all(bool clipping)
{
    const ffn__isa_id usual = ffn__isa();
    golden_file file = golden_load("optimizer");
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++) {
        size_t cases = 0;
        if (!ffn__isa_force((ffn__isa_id)isa)) continue;
        for (size_t i = 0; i < file.count; i++) {
            const golden_case *golden = &file.cases[i];
            if (!golden_maybe(golden, "path")) continue;
            if ((strcmp(golden_text(golden, "kind"), "clipping") == 0) != clipping) continue;
            (clipping ? run_clipping : run_optimizer)(&file, golden);
            cases++;
        }
        CU_ASSERT(cases >= (clipping ? 6 : 20));
    }
    ffn__isa_force(usual);
    golden_close(&file);
}

static void test_optimizers(void) { run_all(false); }
static void test_clipping(void) { run_all(true); }

/* The file has defaults rounded to float32. */
static bool is_default(float given, float usual)
{
    return fabs((double)given - (double)usual) <= 1e-7 * fabs((double)usual);
}

/* The cases named like their kind have PyTorch's defaults, which the constructors must have too. */
static void test_defaults(void)
{
    static const char *const names[] = {"sgd",      "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw",
                                        "adadelta", "adamax",   "nadam",    "radam",   "lion",    "rprop"};
    golden_file file = golden_load("optimizer");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const golden_case *golden = golden_find(&file, names[i]);
        ffn_optimizer made;
        CU_ASSERT_EQUAL_FATAL(ffn_optimizer_by_name(names[i], &made, NULL), FFN_OK);
        const ffn_optimizer usual = made;
        set_options(golden, &made);
        CU_ASSERT_TRUE(is_default(made.momentum, usual.momentum));
        CU_ASSERT_TRUE(is_default(made.dampening, usual.dampening));
        CU_ASSERT_TRUE(is_default(made.alpha, usual.alpha));
        CU_ASSERT_TRUE(is_default(made.beta1, usual.beta1));
        CU_ASSERT_TRUE(is_default(made.beta2, usual.beta2));
        CU_ASSERT_TRUE(is_default(made.epsilon, usual.epsilon));
        CU_ASSERT_TRUE(is_default(made.momentum_decay, usual.momentum_decay));
        CU_ASSERT_TRUE(is_default(made.eta_minus, usual.eta_minus));
        CU_ASSERT_TRUE(is_default(made.eta_plus, usual.eta_plus));
        CU_ASSERT_TRUE(is_default(made.step_min, usual.step_min));
        CU_ASSERT_TRUE(is_default(made.step_max, usual.step_max));
        CU_ASSERT_TRUE(is_default(made.weight_decay, usual.weight_decay));
        CU_ASSERT_TRUE(is_default(made.learning_rate_decay, usual.learning_rate_decay));
        CU_ASSERT_TRUE(is_default(made.initial_accumulator, usual.initial_accumulator));
        CU_ASSERT_EQUAL(made.nesterov, usual.nesterov);
        CU_ASSERT_EQUAL(made.centered, usual.centered);
        CU_ASSERT_EQUAL(made.amsgrad, usual.amsgrad);
    }
    golden_close(&file);
}

/* ---- schedules --------------------------------------------------------------------------------------------------- */

static ffn_schedule make_schedule(const golden_case *golden)
{
    const char *kind = golden_text(golden, "kind");
    const size_t steps = (size_t)golden_number(golden, "steps", 0), warmup = (size_t)golden_number(golden, "warmup", 0);
    const float factor = (float)golden_number(golden, "factor", 0);
    const struct {
        const char *kind;
        ffn_schedule schedule;
    } known[] = {
        {"constant_rate", ffn_constant_rate()},
        {"step_decay", ffn_step_decay(steps, factor)},
        {"exponential_decay", ffn_exponential_decay(factor)},
        {"cosine_decay", ffn_cosine_decay(steps, factor)},
        {"one_cycle", ffn_one_cycle(factor, steps)},
        {"polynomial_decay", ffn_polynomial_decay(steps, factor)},
        {"cosine_restarts", ffn_cosine_restarts(steps, (size_t)golden_number(golden, "multiple", 0), factor)},
        {"reduce_on_plateau", ffn_reduce_on_plateau(factor, steps)},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].kind, kind) == 0) return warmup ? ffn_warmup(known[i].schedule, warmup) : known[i].schedule;
    golden_stop("no such schedule", kind);
    return ffn_constant_rate();
}

/* Rates are doubles, in the file with 15 digits. */
static void check_schedule(const golden_case *golden)
{
    const golden_entry *rates = golden_get(golden, "rates"), *metrics = golden_maybe(golden, "metrics");
    const double base = golden_number(golden, "base", (double)NAN);
    const ffn_schedule schedule = make_schedule(golden);
    ffn_schedule_state state = ffn__schedule_start();
    CU_ASSERT_EQUAL(ffn__schedule_check(&schedule, NULL), FFN_OK);
    size_t wrong = 0;
    for (size_t k = 0; k < rates->count; k++) {
        if (metrics) ffn__schedule_report(&schedule, &state, metrics->values[k]);
        const double rate = ffn__schedule_rate(&schedule, &state, base, k), want = rates->values[k];
        if (fabs(rate - want) <= 1e-12 * base) continue;
        if (wrong++ < 4) printf("\n    %s: update %zu: found %.17g, golden %.17g", golden->name, k, rate, want);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_schedules(void)
{
    golden_file file = golden_load("optimizer");
    size_t cases = 0;
    for (size_t i = 0; i < file.count; i++) {
        if (!golden_maybe(&file.cases[i], "rates")) continue;
        check_schedule(&file.cases[i]);
        cases++;
    }
    CU_ASSERT(cases >= 17);
    golden_close(&file);
}

/* A weight whose update is not finite stays, however few there are. */
static void test_guard_of_few(void)
{
    enum { MOST = 20 };
    const ffn_optimizer list[] = {ffn_adadelta(1), ffn_adamax((float)0.1), ffn_nadam((float)0.1), ffn_radam((float)0.1),
                                  ffn_lion((float)0.1, 0)};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (size_t n = 1; n < MOST; n++) {
            float w[MOST], g[MOST], state[FFN_MAX_SLOTS][MOST] = {{0}}, *slots[FFN_MAX_SLOTS];
            ffn_update update;
            for (size_t k = 0; k < n; k++) w[k] = 1, g[k] = k + 1 < n ? 1 : (float)NAN;
            for (size_t k = 0; k < FFN_MAX_SLOTS; k++) slots[k] = state[k];
            ffn__update_begin(&update, &list[i], 0, 0.1);
            CU_ASSERT_FALSE(
                ffn__optimizer_update(&list[i], &update, &(ffn__gradient_rule){.scale = 1}, n, w, g, slots));
            CU_ASSERT_EQUAL(w[n - 1], 1);
        }
}

static const test_case cases[] = {
    {"optimizers", test_optimizers},
    {"guard of few weights", test_guard_of_few},
    {"clipping and penalties", test_clipping},
    {"defaults", test_defaults},
    {"schedules", test_schedules},
};

TEST_MAIN("goldens of optimizers", cases)
