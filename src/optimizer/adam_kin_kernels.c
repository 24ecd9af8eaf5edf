/* Adam's kin, as torch.optim: Adamax (Kingma and Ba 2015), NAdam (Dozat 2016) and RAdam (Liu et al. 2020). */
#include "optimizer/kinds.h"
#include "optimizer/lanes.h"

/* State: the mean m, and the mean square v; Adamax has the largest size in its place. */
static size_t slots(const ffn_optimizer *optimizer)
{
    (void)optimizer;
    return 2;
}

VECTOR_INLINE vec decay_towards(float beta, vec state, vec x) { return beta * state + (float)(1 - (double)beta) * x; }

/* ---- Adamax ------------------------------------------------------------------------------------------------------ */

/* m as Adam;   u = max(beta2 u, |g| + epsilon);   w -= rate / c1 m / u */
static void adamax_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                        float *const *state)
{
    const float rate = (float)(update->rate / update->correction1);
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i);
        const vec m = decay_towards(optimizer->beta1, vec_load_left(state[0] + i, n - i), gradient);
        const vec size = vec_abs(gradient) + optimizer->epsilon;
        const vec u = vec_max(optimizer->beta2 * vec_load_left(state[1] + i, n - i), size); /* NaN in g stays */
        vec_store_left(state[0] + i, m, n - i);
        vec_store_left(state[1] + i, u, n - i);
        const vec d = vec_select(u == 0, u, m / u); /* 0 where no gradient has been, with epsilon 0 */
        vec_store_left(w + i, vec_load_left(w + i, n - i) - rate * d, n - i);
    }
}

/* ---- NAdam ------------------------------------------------------------------------------------------------------- */

enum { OF_GRADIENT, OF_MEAN }; /* shared: what the gradient and the mean are multiplied by, but for the rate */

/* With mu[t] = beta1 (1 - 0.96^(t decay) / 2) and P[t] = mu[1] ... mu[t] at update t, from 1:
 *     (1 - mu[t]) / (1 - P[t])   and   mu[t + 1] / (1 - P[t + 1]) */
static void nadam_prepare(const ffn_optimizer *optimizer, ffn_update *update)
{
    const double beta1 = (double)optimizer->beta1, shrink = pow(0.96, (double)optimizer->momentum_decay);
    const double gone = 1e-20; /* such a product no longer shows beside 1 */
    const size_t t = update->count + 1;
    double product = 1, power = 1;
    for (size_t k = 1; k <= t && product > gone; k++) product *= beta1 * (1 - 0.5 * (power *= shrink));
    const double mu = beta1 * (1 - 0.5 * pow(shrink, (double)t)), next = beta1 * (1 - 0.5 * pow(shrink, (double)t + 1));
    update->shared[OF_GRADIENT] = (1 - mu) / (1 - product);
    update->shared[OF_MEAN] = next / (1 - product * next);
}

/* m, v as Adam;   w -= rate (shared g + shared m) / (sqrt(v / c2) + epsilon) */
static void nadam_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                       float *const *state)
{
    const double root = sqrt(update->correction2), rate = update->rate * root;
    const float of_gradient = (float)(rate * update->shared[OF_GRADIENT]);
    const float of_mean = (float)(rate * update->shared[OF_MEAN]);
    const float epsilon = (float)((double)optimizer->epsilon * root);
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i);
        const vec m = decay_towards(optimizer->beta1, vec_load_left(state[0] + i, n - i), gradient);
        const vec v = decay_towards(optimizer->beta2, vec_load_left(state[1] + i, n - i), gradient * gradient);
        vec_store_left(state[0] + i, m, n - i);
        vec_store_left(state[1] + i, v, n - i);
        const vec ahead = of_gradient * gradient + of_mean * m;
        vec half;
        lanes_by_root(1, &ahead, &v, epsilon, &half);
        vec_store_left(w + i, vec_mul_add(vec_set(-2), half, vec_load_left(w + i, n - i)), n - i);
    }
}

/* ---- RAdam ------------------------------------------------------------------------------------------------------- */

enum { RECTIFIED }; /* shared: the rectification; 0: too early for one, the step goes along the mean */

/* With rho = 2 / (1 - beta2) - 1 and rho[t] = rho - 2 t beta2^t / (1 - beta2^t), and where rho[t] > 5:
 *     sqrt((rho[t] - 4) (rho[t] - 2) rho / ((rho - 4) (rho - 2) rho[t])) */
static void radam_prepare(const ffn_optimizer *optimizer, ffn_update *update)
{
    const double t = (double)update->count + 1, all = 2 / (1 - (double)optimizer->beta2) - 1;
    const double now = all - 2 * t * (1 - update->correction2) / update->correction2;
    update->shared[RECTIFIED] = now > 5 ? sqrt((now - 4) * (now - 2) * all / ((all - 4) * (all - 2) * now)) : 0;
}

/* m, v as Adam;   w -= rate m / c1, or where it is rectified times shared sqrt(c2) / (sqrt(v) + epsilon) */
static void radam_step(const ffn_optimizer *optimizer, const ffn_update *update, size_t n, float *w, const float *g,
                       float *const *state)
{
    const double factor = update->shared[RECTIFIED] * sqrt(update->correction2);
    const bool rectified = factor > 0;
    const float rate = (float)(update->rate / update->correction1 * (rectified ? factor : 1));
    for (size_t i = 0; i < n; i += VL) {
        const vec gradient = vec_load_left(g + i, n - i);
        const vec m = decay_towards(optimizer->beta1, vec_load_left(state[0] + i, n - i), gradient);
        const vec v = decay_towards(optimizer->beta2, vec_load_left(state[1] + i, n - i), gradient * gradient);
        vec_store_left(state[0] + i, m, n - i);
        vec_store_left(state[1] + i, v, n - i);
        vec half = (float)0.5 * m;
        if (rectified) lanes_by_root(1, &m, &v, optimizer->epsilon, &half);
        vec_store_left(w + i, vec_mul_add(vec_set(-2 * rate), half, vec_load_left(w + i, n - i)), n - i);
    }
}

extern const ffn_optimizer_ops FFN__ISA_NAME(ffn__adamax), FFN__ISA_NAME(ffn__nadam), FFN__ISA_NAME(ffn__radam);
const ffn_optimizer_ops FFN__ISA_NAME(ffn__adamax) = {
    .name = "adamax", .check = ffn__optimizer_check_fields, .slots = slots, .step = adamax_step};
const ffn_optimizer_ops FFN__ISA_NAME(ffn__nadam) = {.name = "nadam",
                                                     .check = ffn__optimizer_check_fields,
                                                     .slots = slots,
                                                     .prepare = nadam_prepare,
                                                     .step = nadam_step};
const ffn_optimizer_ops FFN__ISA_NAME(ffn__radam) = {.name = "radam",
                                                     .check = ffn__optimizer_check_fields,
                                                     .slots = slots,
                                                     .prepare = radam_prepare,
                                                     .step = radam_step};
