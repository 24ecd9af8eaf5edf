/* Every activation against goldens/activation.txt, forward and backward, on each instruction set. */
#include "golden.h"
#include "tensor/isa.h"

#include <float.h>

/* Errors allowed, in units of the type's precision. y: `ulp` of y and `level` of 1, which is for sums that cancel. dx:
 * `slope` of dx and `input` of dy, since 1 - y^2 near y = 1 cannot be better than y's rounding, and where x is known
 * the derivative is good to 2.5e-7. */
typedef struct bar {
    const char *kind;
    double ulp, level, slope, input;
} bar;

static const bar bars[] = {
    {"linear", 0, 0, 0, 0},
    {"sigmoid", 1.5, 0, 2, 1},
    {"tanh", 1, 0, 2, 2},
    {"relu", 0, 0, 0, 0},
    {"leaky_relu", 0.5, 0, 1, 0},
    {"prelu", 0.5, 0, 1, 0},
    {"prelu_per_unit", 0.5, 0, 1, 0},
    {"elu", 1.5, 0, 2, 2},
    {"selu", 1.5, 0, 2, 2},
    {"softmax", 4, 0, 4, 2},
    {"log_softmax", 4, 2, 4, 4},
    {"swish", 2, 0, 2, 2},
    {"gelu", 2, 0, 2, 2},
    {"gelu_tanh", 3, 0, 2, 2},
    {"softplus", 1.5, 0, 4, 0},
    {"softsign", 1.5, 0, 2, 2},
    {"mish", 3, 0, 2, 2},
    {"hard_sigmoid", 1, 0.5, 1, 0},
    {"hard_swish", 1, 1, 2, 1},
};

static const bar *bar_of(const char *kind)
{
    for (size_t i = 0; i < sizeof bars / sizeof *bars; i++)
        if (strcmp(bars[i].kind, kind) == 0) return &bars[i];
    golden_stop("no bar for the activation", kind);
    return NULL;
}

/* In the double build the goldens themselves, computed in double, are the limit. */
static const double unit = sizeof(float) == sizeof(double) ? 1e-13 : (double)FLT_EPSILON;

/* float32's smallest normal number: what is below has the ulp of it, in the double build too. */
static const double smallest = 0x1p-126;

static double ulp(double value) { return ldexp(unit, ilogb(fmax(fabs(value), smallest))); }

/* A case with its arrays; x, dy are those of `points` if it has none of its own. */
typedef struct sample {
    const golden_case *golden;
    const golden_entry *y_golden, *dx_golden;
    const bar *allowed;
    ffn_activation activation;
    size_t rows, cols;
    float *x, *y, *dy, *dx, *slope;
} sample;

static sample open_sample(const golden_file *file, size_t index)
{
    const golden_case *golden = &file->cases[index];
    const golden_case *points = golden_maybe(golden, "x") ? golden : golden_find(file, "points");
    const golden_entry *x = golden_get(points, "x"), *slope = golden_maybe(golden, "slope");
    sample s = {.golden = golden, .y_golden = golden_get(golden, "y"), .dx_golden = golden_get(golden, "dx")};
    s.allowed = bar_of(golden_text(golden, "kind"));
    s.rows = x->rank == 2 ? x->dim[0] : 1;
    s.cols = x->count / s.rows;
    CU_ASSERT_EQUAL(s.y_golden->count, x->count);
    CU_ASSERT_EQUAL(s.dx_golden->count, x->count);
    CU_ASSERT_EQUAL_FATAL(ffn_activation_by_name(golden_text(golden, "kind"), &s.activation, NULL), FFN_OK);
    s.activation.alpha = (float)golden_number(golden, "alpha", (double)s.activation.alpha);
    s.x = golden_floats(x);
    s.dy = golden_floats(golden_get(points, "dy"));
    s.y = golden_floats(s.y_golden);
    s.dx = golden_floats(s.dx_golden);
    s.slope = slope ? golden_floats(slope) : NULL;
    s.activation.slope = s.slope;
    return s;
}

static void close_sample(sample *s)
{
    free(s->x);
    free(s->y);
    free(s->dy);
    free(s->dx);
    free(s->slope);
}

static bool near(double found, double golden, double tolerance)
{
    return found == (double)(float)golden || (isnan(found) && isnan(golden)) ||
           (isfinite(golden) && fabs(found - golden) <= tolerance);
}

static void report(const sample *s, const char *what, size_t i, double found, double golden)
{
    printf("\n    %s, %s: %s at x = %.9g: found %.9g, golden %.9g", ffn__isa_name(ffn__isa()), s->golden->name, what,
           (double)s->x[i], found, golden);
}

/* A result that exp's underflow makes subnormal may be 0; one that is so because x is may not. */
static double y_tolerance(const sample *s, double x, double golden)
{
    const double vanished = fabs(golden) < smallest && fabs(x) > 1 && s->allowed->ulp > 0 ? smallest : 0;
    return vanished + s->allowed->ulp * ulp(golden) + s->allowed->level * unit;
}

static void check_forward(sample *s)
{
    size_t wrong = 0;
    memset(s->y, 0, s->y_golden->count * sizeof(float));
    CU_ASSERT_EQUAL(ffn_activation_forward(s->activation, s->rows, s->cols, s->x, s->y, NULL), FFN_OK);
    for (size_t i = 0; i < s->y_golden->count; i++) {
        const double golden = s->y_golden->values[i], found = (double)s->y[i];
        if (near(found, golden, y_tolerance(s, (double)s->x[i], golden))) continue;
        if (wrong++ < 4) report(s, "y", i, found, golden);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* What dy contributes to the error of dx[i]: itself, or the largest of its row where the elements of a row mix. */
static double input_scale(const sample *s, size_t i)
{
    if (!s->activation.ops->over_rows) return fabs((double)s->dy[i]);
    double largest = 0;
    for (size_t c = 0, start = i - i % s->cols; c < s->cols; c++)
        largest = fmax(largest, fabs((double)s->dy[start + c]));
    return largest;
}

/* backward by x, or by the golden's y alone where the kind needs no more. Where x is not a number no derivative is
 * asked for: a loss that is not a number ends training. */
static void check_backward(sample *s)
{
    const bool by_input = s->activation.ops->needs_input;
    size_t wrong = 0;
    CU_ASSERT_EQUAL(
        ffn_activation_backward(s->activation, s->rows, s->cols, by_input ? s->x : NULL, s->y, s->dy, s->dx, NULL),
        FFN_OK);
    for (size_t i = 0; i < s->dx_golden->count; i++) {
        const double golden = s->dx_golden->values[i], found = (double)s->dx[i];
        const double scale = input_scale(s, i), fixed = s->allowed->input * scale + smallest * (1 + scale);
        if (isnan(golden) || near(found, golden, unit * (s->allowed->slope * fabs(golden) + fixed))) continue;
        if (wrong++ < 4) report(s, "dx", i, found, golden);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The gradient is added to what is there. */
static void check_slope_gradient(sample *s)
{
    const golden_entry *want = golden_maybe(s->golden, "slope_gradient");
    if (!want) return;
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->activation.ops->slope_gradient);
    float *got = golden_floats(want);
    for (size_t i = 0; i < want->count; i++) got[i] = 2;
    s->activation.ops->slope_gradient(&s->activation, s->rows, s->cols, s->x, s->dy, got);
    for (size_t i = 0; i < want->count; i++) got[i] -= 2;
    CU_ASSERT_EQUAL(golden_differences(s->golden->name, want, got, 8 * unit, 16 * unit), 0);
    free(got);
}

/* Runs `check` on every case of the file, on every instruction set that the machine has. */
static void each(void (*check)(sample *))
{
    const ffn__isa_id usual = ffn__isa();
    golden_file file = golden_load("activation");
    CU_ASSERT(file.count > 30);
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force((ffn__isa_id)isa)) continue;
        for (size_t i = 0; i < file.count; i++) {
            if (strcmp(file.cases[i].name, "points") == 0) continue;
            sample s = open_sample(&file, i);
            check(&s);
            close_sample(&s);
        }
    }
    ffn__isa_force(usual);
    golden_close(&file);
}

static void test_forward(void) { each(check_forward); }
static void test_backward(void) { each(check_backward); }
static void test_slope_gradient(void) { each(check_slope_gradient); }

/* No built-in kind is without a golden. */
static void test_every_kind(void)
{
    golden_file file = golden_load("activation");
    const char *name;
    for (size_t kind = 0; (name = ffn_activation_name(kind)) != NULL; kind++) {
        size_t cases = 0;
        for (size_t i = 0; i < file.count; i++) {
            const golden_entry *text = golden_maybe(&file.cases[i], "kind");
            cases += text && strcmp(text->word, name) == 0;
        }
        CU_ASSERT(cases > 0);
    }
    golden_close(&file);
}

static const test_case cases[] = {
    {"forward", test_forward},
    {"backward", test_backward},
    {"slope gradient", test_slope_gradient},
    {"every kind has goldens", test_every_kind},
};

TEST_MAIN("goldens of activations", cases)
