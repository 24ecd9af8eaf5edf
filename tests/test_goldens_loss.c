/* Every loss with its options against goldens/loss.txt, value and gradient, on each instruction set. */
#include "golden.h"
#include "tensor/isa.h"

#include <float.h>

/* In the double build the goldens themselves, computed in double, are the limit. */
static const double unit = sizeof(float) == sizeof(double) ? 1e-13 : (double)FLT_EPSILON;

static double largest(const golden_entry *entry)
{
    double most = 0;
    for (size_t i = 0; i < entry->count; i++) most = fmax(most, fabs(entry->values[i]));
    return most;
}

/* The value is a double: 4 units of itself. The gradient's elements: 4 units of themselves and 1 of the largest of all,
 * since softmax - 1 near 1 is no better than softmax. */
static void check(const golden_case *golden)
{
    const golden_entry *y_golden = golden_get(golden, "y"), *targets_golden = golden_get(golden, "targets");
    const golden_entry *dy_golden = golden_get(golden, "dy"), *weights = golden_maybe(golden, "class_weights");
    float *y = golden_floats(y_golden), *targets = golden_floats(targets_golden), *dy = golden_floats(dy_golden);
    float *class_weights = weights ? golden_floats(weights) : NULL;
    ffn_loss loss;
    CU_ASSERT_EQUAL_FATAL(ffn_loss_by_name(golden_text(golden, "kind"), &loss, NULL), FFN_OK);
    loss.delta = (float)golden_number(golden, "delta", (double)loss.delta);
    loss.label_smoothing = (float)golden_number(golden, "label_smoothing", 0);
    loss.positive_weight = (float)golden_number(golden, "positive_weight", 0);
    loss.class_weights = class_weights;
    loss.classes = weights ? weights->count : 0;

    const size_t rows = y_golden->dim[0], cols = y_golden->dim[1];
    const double want = golden_number(golden, "loss", (double)NAN);
    memset(dy, 0, dy_golden->count * sizeof(float));
    const double value = ffn_loss_compute(loss, rows, cols, y, targets, dy);
    const bool right = fabs(value - want) <= 4 * unit * fabs(want);
    if (!right) printf("\n    %s: found %.17g, golden %.17g\n", golden->name, value, want);
    CU_ASSERT(right);
    CU_ASSERT_EQUAL(golden_differences(golden->name, dy_golden, dy, 4 * unit, unit * largest(dy_golden)), 0);

    CU_ASSERT_EQUAL(ffn_loss_compute(loss, rows, cols, y, targets, NULL), value);
    CU_ASSERT_EQUAL(ffn_loss_compute(loss, rows, cols, y, targets, y), value);
    CU_ASSERT_EQUAL(memcmp(y, dy, dy_golden->count * sizeof(float)), 0);
    free(y);
    free(targets);
    free(dy);
    free(class_weights);
}

static void test_losses(void)
{
    const ffn__isa_id usual = ffn__isa();
    golden_file file = golden_load("loss");
    CU_ASSERT(file.count > 40);
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        for (size_t i = 0; ffn__isa_force((ffn__isa_id)isa) && i < file.count; i++) check(&file.cases[i]);
    ffn__isa_force(usual);
    golden_close(&file);
}

static const test_case cases[] = {
    {"values and gradients", test_losses},
};

TEST_MAIN("goldens of losses", cases)
