#include "optimizer/optimizer.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static bool is_positive(float value) { return value > 0 && value <= FLT_MAX; }

static const char *check_factor(const ffn_schedule *schedule)
{
    return is_positive(schedule->factor) ? NULL : "factor must be finite and above 0";
}

static const char *check_steps_and_factor(const ffn_schedule *schedule)
{
    return schedule->steps == 0 ? "steps must be at least 1" : check_factor(schedule);
}

static const char *check_steps_and_rate(const ffn_schedule *schedule)
{
    if (schedule->steps == 0) return "steps must be at least 1";
    return schedule->factor >= 0 && schedule->factor <= FLT_MAX ? NULL : "factor must be finite and at least 0";
}

static const char *check_restarts(const ffn_schedule *schedule)
{
    return schedule->multiple == 0 ? "multiple must be at least 1" : check_steps_and_rate(schedule);
}

static const char *check_plateau(const ffn_schedule *schedule)
{
    return schedule->factor > 0 && schedule->factor < 1 ? NULL : "factor must be in (0, 1)";
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

static double constant_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)schedule;
    (void)state;
    (void)count;
    return base;
}

static double step_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    return base * pow((double)schedule->factor, (double)(count / schedule->steps));
}

static double exponential_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    return base * pow((double)schedule->factor, (double)count);
}

/* Half a cosine from `from` at part 0 to `to` at part 1. */
static double anneal(double from, double to, double part) { return to + (from - to) * 0.5 * (1 + cos(pi * part)); }

static double cosine_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    const double final = (double)schedule->factor;
    return count < schedule->steps ? anneal(base, final, (double)count / (double)schedule->steps) : final;
}

/* The first update has the initial rate, the last (count = steps - 1) the final one; the top lies at 0.3 steps - 1,
 * which need not be a whole number and is below 0 for a few steps, when only the way down is left. */
static double one_cycle_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    (void)base;
    const double top = (double)schedule->factor, initial = top / 25, final = initial / 1e4;
    const double peak = 0.3 * (double)schedule->steps - 1, last = (double)schedule->steps - 1;
    if (count >= schedule->steps - 1) return final;
    const double k = (double)count;
    return k <= peak ? anneal(initial, top, k / peak) : anneal(top, final, (k - peak) / (last - peak));
}

static double polynomial_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    if (count >= schedule->steps) return 0;
    return base * pow(1 - (double)count / (double)schedule->steps, (double)schedule->factor);
}

/* Cycle i takes steps multiple^i updates. */
static double restarts_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)state;
    double length = (double)schedule->steps, k = (double)count;
    if (schedule->multiple == 1) k = (double)(count % schedule->steps);
    for (; k >= length; length *= (double)schedule->multiple) k -= length;
    return anneal(base, (double)schedule->factor, k / length);
}

static double plateau_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    (void)schedule;
    (void)count;
    return base * state->scale;
}

/* A metric that is not finite is no improvement. */
static void plateau_report(const ffn_schedule *schedule, ffn_schedule_state *state, double metric)
{
    const double threshold = state->best * (state->best > 0 ? 1 - 1e-4 : 1 + 1e-4);
    if (isfinite(metric) && metric < threshold) {
        state->best = metric;
        state->bad = 0;
    } else if (++state->bad > schedule->steps) {
        state->scale *= (double)schedule->factor;
        state->bad = 0;
    }
}

static const ffn_schedule_ops constant = {.name = "constant_rate", .rate = constant_rate};
static const ffn_schedule_ops step_decay = {.name = "step_decay", .check = check_steps_and_factor, .rate = step_rate};
static const ffn_schedule_ops exponential_decay = {
    .name = "exponential_decay", .check = check_factor, .rate = exponential_rate};
static const ffn_schedule_ops cosine_decay = {
    .name = "cosine_decay", .check = check_steps_and_rate, .rate = cosine_rate};
static const ffn_schedule_ops polynomial_decay = {
    .name = "polynomial_decay", .check = check_steps_and_factor, .rate = polynomial_rate};
static const ffn_schedule_ops cosine_restarts = {
    .name = "cosine_restarts", .check = check_restarts, .rate = restarts_rate};
static const ffn_schedule_ops one_cycle = {
    .name = "one_cycle", .check = check_steps_and_factor, .rate = one_cycle_rate};
static const ffn_schedule_ops reduce_on_plateau = {
    .name = "reduce_on_plateau", .check = check_plateau, .rate = plateau_rate, .report = plateau_report};

ffn_schedule ffn_constant_rate(void) { return (ffn_schedule){.ops = &constant}; }

ffn_schedule ffn_step_decay(size_t every, float factor)
{
    return (ffn_schedule){.ops = &step_decay, .steps = every, .factor = factor};
}

ffn_schedule ffn_exponential_decay(float factor) { return (ffn_schedule){.ops = &exponential_decay, .factor = factor}; }

ffn_schedule ffn_cosine_decay(size_t steps, float final_rate)
{
    return (ffn_schedule){.ops = &cosine_decay, .steps = steps, .factor = final_rate};
}

ffn_schedule ffn_polynomial_decay(size_t steps, float power)
{
    return (ffn_schedule){.ops = &polynomial_decay, .steps = steps, .factor = power};
}

ffn_schedule ffn_cosine_restarts(size_t steps, size_t multiple, float final_rate)
{
    return (ffn_schedule){.ops = &cosine_restarts, .steps = steps, .factor = final_rate, .multiple = multiple};
}

ffn_schedule ffn_one_cycle(float max_rate, size_t steps)
{
    return (ffn_schedule){.ops = &one_cycle, .steps = steps, .factor = max_rate};
}

ffn_schedule ffn_reduce_on_plateau(float factor, size_t patience)
{
    return (ffn_schedule){.ops = &reduce_on_plateau, .steps = patience, .factor = factor};
}

ffn_schedule ffn_warmup(ffn_schedule then, size_t steps)
{
    then.warmup = steps;
    return then;
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

static const ffn_schedule_ops *ops_of(const ffn_schedule *schedule)
{
    return schedule && schedule->ops ? schedule->ops : &constant;
}

ffn_status ffn__schedule_check(const ffn_schedule *schedule, ffn_error *error)
{
    const ffn_schedule_ops *ops = ops_of(schedule);
    const char *name = ops->name ? ops->name : "schedule";
    if (!schedule) return ffn_fail(error, FFN_INVALID_ARGUMENT, "schedule: it is NULL");
    if (!ops->rate) return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: its table lacks rate", name);
    const char *wrong = ops->check ? ops->check(schedule) : NULL;
    if (!wrong) return FFN_OK;
    return ffn_fail(error, FFN_INVALID_ARGUMENT, "%s: steps is %zu and factor %g, but %s", name, schedule->steps,
                    (double)schedule->factor, wrong);
}

double ffn__schedule_rate(const ffn_schedule *schedule, const ffn_schedule_state *state, double base, size_t count)
{
    const double rate = ops_of(schedule)->rate(schedule, state, base, count);
    if (!schedule || count >= schedule->warmup) return rate;
    return rate * ((double)count + 1) / (double)schedule->warmup;
}

void ffn__schedule_report(const ffn_schedule *schedule, ffn_schedule_state *state, double metric)
{
    const ffn_schedule_ops *ops = ops_of(schedule);
    if (ops->report && state) ops->report(schedule, state, metric);
}

ffn_schedule_state ffn__schedule_start(void) { return (ffn_schedule_state){.scale = 1, .best = INFINITY}; }
