/* Nocedal and Wright, "Numerical Optimization", 2nd edition: algorithms 3.5 and 3.6 with the cubic of equation 3.59. */
#include "train/lbfgs.h"

#include <float.h>
#include <math.h>

enum { MOST_TRIALS = 25 };
static const double DECREASE = 1e-4, CURVATURE = 0.9; /* c1 and c2 */
/* The next length is at least so much further and at most so many times as far; an interval shrinks by this share. */
static const double LEAST_GROWTH = 0.01, MOST_GROWTH = 10, LEAST_SHARE = 0.1;

typedef struct point {
    double at, value, slope;
} point;

typedef struct search {
    const ffn__line *line;
    point start;
    size_t trials;
} search;

static point try_at(search *s, double at)
{
    point p = {.at = at};
    s->trials++;
    p.value = s->line->evaluate(s->line->context, at, &p.slope);
    return p;
}

static bool falls_enough(const search *s, const point *p)
{
    return p->value <= s->start.value + DECREASE * p->at * s->start.slope;
}

static bool is_flat_enough(const search *s, const point *p) { return fabs(p->slope) <= -CURVATURE * s->start.slope; }

/* Where the cubic through both points has its least value, within the bounds; their middle where it has none. */
static double least_of_cubic(const point *a, const point *b, double low, double high)
{
    const double d1 = a->slope + b->slope - 3 * (a->value - b->value) / (a->at - b->at);
    const double square = d1 * d1 - a->slope * b->slope, d2 = (b->at < a->at ? -1 : 1) * sqrt(square);
    const double least = b->at - (b->at - a->at) * (b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2);
    return square >= 0 && isfinite(least) ? fmin(fmax(least, low), high) : (low + high) / 2;
}

/* Algorithm 3.6: between `low`, which falls enough and has the least value so far, and `high` there is a length that will
 * do. A second cubic in a row that stays near an end of the interval is moved away from it. */
static double zoom(search *s, point low, point high)
{
    bool was_near = false;
    while (s->trials < MOST_TRIALS) {
        const double left = fmin(low.at, high.at), right = fmax(low.at, high.at), margin = LEAST_SHARE * (right - left);
        if ((right - left) * s->line->largest < (double)FLT_EPSILON) break; /* no weight would change */
        double at = least_of_cubic(&low, &high, left, right);
        const bool is_near = fmin(at - left, right - at) < margin,
                   moves = is_near && (was_near || at <= left || at >= right);
        if (moves) at = right - at < at - left ? right - margin : left + margin;
        was_near = is_near && !moves;
        const point p = try_at(s, at);
        if (!falls_enough(s, &p) || p.value >= low.value) {
            high = p;
            continue;
        }
        if (is_flat_enough(s, &p)) return p.at;
        if (p.slope * (high.at - low.at) >= 0) high = low;
        low = p;
    }
    return low.at;
}

/* Algorithm 3.5: lengths grow until there is an interval to look in. */
double ffn__line_search(const ffn__line *line, double value, double slope, double first)
{
    search s = {.line = line, .start = {0, value, slope}};
    point before = s.start;
    if (!(slope < 0)) return 0;
    for (double at = first;;) {
        const point p = try_at(&s, at);
        if (!falls_enough(&s, &p) || (s.trials > 1 && p.value >= before.value)) return zoom(&s, before, p);
        if (is_flat_enough(&s, &p) || s.trials == MOST_TRIALS) return p.at;
        if (p.slope >= 0) return zoom(&s, p, before);
        at = least_of_cubic(&before, &p, p.at + LEAST_GROWTH * (p.at - before.at), MOST_GROWTH * p.at);
        before = p;
    }
}
