/* Schedules of the learning rate against PyTorch's formulas, reports of a metric, and what is refused. */
#include "optimizer/optimizer.h"
#include "test.h"

#include <math.h>
#include <string.h>

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance * (1 + fabs(b)); }

static double rate_at(ffn_schedule schedule, double base, size_t count)
{
    const ffn_schedule_state state = ffn__schedule_start();
    return ffn__schedule_rate(&schedule, &state, base, count);
}

static void test_schedules(void)
{
    const ffn_schedule empty = {0};
    const double pi = acos(-1.0);
    CU_ASSERT_EQUAL(rate_at(empty, 0.3, 1000), 0.3);
    CU_ASSERT_EQUAL(rate_at(ffn_constant_rate(), 0.3, 1000), 0.3);
    CU_ASSERT_EQUAL(ffn__schedule_rate(NULL, NULL, 0.3, 2), 0.3);

    const ffn_schedule steps = ffn_step_decay(10, (float)0.5);
    CU_ASSERT(rate_at(steps, 8, 0) == 8 && rate_at(steps, 8, 9) == 8 && rate_at(steps, 8, 10) == 4);
    CU_ASSERT(rate_at(steps, 8, 39) == 1 && rate_at(steps, 8, SIZE_MAX) == 0);

    CU_ASSERT(near(rate_at(ffn_exponential_decay((float)0.5), 8, 3), 1, 1e-15));

    const ffn_schedule cosine = ffn_cosine_decay(100, (float)0.25);
    CU_ASSERT_EQUAL(rate_at(cosine, 1, 0), 1);
    CU_ASSERT(near(rate_at(cosine, 1, 25), 0.25 + 0.75 / 2 * (1 + cos(pi / 4)), 1e-14));
    CU_ASSERT(near(rate_at(cosine, 1, 50), 0.625, 1e-14));
    CU_ASSERT(rate_at(cosine, 1, 100) == 0.25 && rate_at(cosine, 1, 5000) == 0.25);
}

/* Against the two phases of OneCycleLR written out: 100 steps rise to step 29 and fall to step 99. */
static void test_one_cycle(void)
{
    const ffn_schedule cycle = ffn_one_cycle(1, 100);
    const double pi = acos(-1.0), low = 1.0 / 25, last = low / 1e4;
    CU_ASSERT(near(rate_at(cycle, 7, 0), low, 1e-14));
    CU_ASSERT(near(rate_at(cycle, 7, 10), 1 + (low - 1) / 2 * (1 + cos(pi * 10 / 29)), 1e-14));
    CU_ASSERT(near(rate_at(cycle, 7, 29), 1, 1e-14));
    CU_ASSERT(near(rate_at(cycle, 7, 64), last + (1 - last) / 2 * (1 + cos(pi * 35 / 70)), 1e-14));
    CU_ASSERT(fabs(rate_at(cycle, 7, 99) / last - 1) < 1e-12);
    CU_ASSERT_EQUAL(rate_at(cycle, 7, 100), rate_at(cycle, 7, 99));
    CU_ASSERT_EQUAL(rate_at(cycle, 7, SIZE_MAX), rate_at(cycle, 7, 99));
    /* few steps: the rise ends before step 0. 2: (0 + 0.4) / 1.4 of the fall; 3: (0 + 0.1) / 2.1 */
    CU_ASSERT(near(rate_at(ffn_one_cycle(1, 2), 7, 0), last + (1 - last) / 2 * (1 + cos(pi * 0.4 / 1.4)), 1e-14));
    CU_ASSERT(near(rate_at(ffn_one_cycle(1, 3), 7, 0), last + (1 - last) / 2 * (1 + cos(pi * 0.1 / 2.1)), 1e-14));
    CU_ASSERT(fabs(rate_at(ffn_one_cycle(1, 1), 7, 0) / last - 1) < 1e-12);
    for (size_t steps = 1; steps < 40; steps++)
        for (size_t k = 0; k < steps + 2; k++) {
            const double rate = rate_at(ffn_one_cycle(1, steps), 7, k);
            CU_ASSERT(rate > 0 && rate <= 1);
        }
}

static void test_plateau(void)
{
    const ffn_schedule plateau = ffn_reduce_on_plateau((float)0.5, 2);
    ffn_schedule_state state = ffn__schedule_start();
    static const struct {
        double metric, rate; /* after the report */
    } reports[] = {
        {1, 8},           {0.5, 8},      {0.5, 8},       {0.49999, 8}, /* too little better: the second bad one */
        {0.6, 4},                                                      /* the third is more than the patience */
        {0.6, 4},         {0.6, 4},      {0.4, 4},                     /* better: counts from 0 again */
        {(double)NAN, 4}, {INFINITY, 4}, {-INFINITY, 2},               /* not finite: no improvement */
        {0.39, 2},        {-1, 2},       {-1, 2},        {-1.00001, 2}, {-0.9999, 1},
    };
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        ffn__schedule_report(&plateau, &state, reports[i].metric);
        CU_ASSERT_EQUAL(ffn__schedule_rate(&plateau, &state, 8, i), reports[i].rate);
    }
    const ffn_schedule impatient = ffn_reduce_on_plateau((float)0.5, 0);
    state = ffn__schedule_start();
    ffn__schedule_report(&impatient, &state, 1);
    CU_ASSERT_EQUAL(state.scale, 1);
    ffn__schedule_report(&impatient, &state, 1);
    CU_ASSERT_EQUAL(state.scale, 0.5);

    const ffn_schedule other = ffn_cosine_decay(3, 0), empty = {0};
    state = ffn__schedule_start();
    ffn__schedule_report(&other, &state, 1);
    ffn__schedule_report(&empty, &state, 1);
    ffn__schedule_report(NULL, &state, 1);
    ffn__schedule_report(&plateau, NULL, 1);
    CU_ASSERT(state.scale == 1 && isinf(state.best) && state.bad == 0);
}

static void test_warmup(void)
{
    const ffn_schedule warm = ffn_warmup(ffn_step_decay(2, (float)0.5), 4);
    static const double want[] = {2, 4, 3, 4, 2, 2, 1};
    for (size_t k = 0; k < 7; k++) CU_ASSERT_EQUAL(rate_at(warm, 8, k), want[k]);
    CU_ASSERT_EQUAL(rate_at(ffn_warmup((ffn_schedule){0}, 10), 5, 0), 0.5);
    CU_ASSERT_EQUAL(rate_at(ffn_warmup((ffn_schedule){0}, 0), 5, 0), 5);
}

/* Counts that no training reaches: still a rate, and soon. */
static void test_far_ends(void)
{
    CU_ASSERT_EQUAL(rate_at(ffn_polynomial_decay(5, 2), 3, SIZE_MAX), 0);
    const size_t multiples[] = {1, 2, SIZE_MAX};
    for (size_t m = 0; m < 3; m++) {
        const double rate = rate_at(ffn_cosine_restarts(7, multiples[m], (float)0.5), 3, SIZE_MAX);
        CU_ASSERT(rate >= 0.5 && rate <= 3);
    }
    CU_ASSERT_EQUAL(rate_at(ffn_cosine_restarts(7, 3, 0), 3, 7 + 21), 3);
}

static void test_schedule_errors(void)
{
    static const float bad[] = {-1, NAN, INFINITY, 0};
    const ffn_schedule empty = {0};
    ffn_error error = {0};
    for (size_t i = 0; i < 4; i++) {
        const ffn_schedule list[] = {ffn_step_decay(3, bad[i]),        ffn_exponential_decay(bad[i]),
                                     ffn_one_cycle(bad[i], 3),         ffn_reduce_on_plateau(bad[i], 1),
                                     ffn_polynomial_decay(3, bad[i]),  ffn_cosine_decay(3, bad[i]),
                                     ffn_cosine_restarts(3, 2, bad[i])};
        for (size_t k = 0; k < (bad[i] == 0 ? 5U : 7U); k++) {
            CU_ASSERT_EQUAL(ffn__schedule_check(&list[k], &error), FFN_INVALID_ARGUMENT);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "factor must be"));
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, list[k].ops->name));
        }
    }
    const ffn_schedule never = ffn_cosine_restarts(3, 0, 0);
    CU_ASSERT_EQUAL(ffn__schedule_check(&never, &error), FFN_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "multiple must be"));
    const ffn_schedule zeros[] = {ffn_step_decay(0, (float)0.5), ffn_one_cycle(1, 0), ffn_cosine_decay(0, 0),
                                  ffn_polynomial_decay(0, 1), ffn_cosine_restarts(0, 1, 0)};
    for (size_t k = 0; k < 5; k++) {
        CU_ASSERT_EQUAL(ffn__schedule_check(&zeros[k], &error), FFN_INVALID_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "steps must be"));
    }
    const ffn_schedule good[] = {empty, ffn_constant_rate(), ffn_cosine_decay(3, 0),
                                 ffn_reduce_on_plateau((float)0.1, 0), ffn_warmup(ffn_one_cycle(1, 1), 5)};
    for (size_t k = 0; k < 5; k++) CU_ASSERT_EQUAL(ffn__schedule_check(&good[k], NULL), FFN_OK);
    const ffn_schedule one = ffn_reduce_on_plateau(1, 0);
    const ffn_schedule_ops hollow_ops = {.name = "hollow"};
    const ffn_schedule hollow = {.ops = &hollow_ops};
    CU_ASSERT_EQUAL(ffn__schedule_check(&one, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn__schedule_check(&hollow, NULL), FFN_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(ffn__schedule_check(NULL, NULL), FFN_INVALID_ARGUMENT);
}

static const test_case cases[] = {
    {"rates", test_schedules},   {"one cycle", test_one_cycle}, {"plateau", test_plateau},
    {"far ends", test_far_ends}, {"warm-up", test_warmup},      {"out of range", test_schedule_errors},
};

TEST_MAIN("schedule", cases)
