/* e^x, which the smooth activations are made of, within 1 ulp on every instruction set. Logarithmic softmax shows it: with
 * dy = (0, -1) over a row y of two, dx[0] = e^y[0]. */
#include "activation_sweep.h"
#include "tensor/isa.h"
#include "test.h"

enum { ROWS = SWEEP_BLOCK, STRIDE = 4001 };

static void sweep_exp(sweep_result *r)
{
    static float y[2 * ROWS], dy[2 * ROWS], dx[2 * ROWS];
    for (uint64_t first = 0; first < sweep_elements(STRIDE); first += ROWS) {
        for (size_t i = 0; i < ROWS; i++) {
            const uint64_t number = (first + i) * STRIDE;
            y[2 * i] = number <= UINT32_MAX ? sweep_float(number) : NAN;
            if (y[2 * i] > 88) y[2 * i] = 0; /* logarithms of shares are not positive */
            dy[2 * i + 1] = -1;
        }
        CU_ASSERT_EQUAL(ffn_activation_backward(ffn_log_softmax(), ROWS, 2, y, y, dy, dx, NULL), FFN_OK);
        for (size_t i = 0; i < ROWS; i++) sweep_judge(r, false, y[2 * i], dx[2 * i], exp((double)y[2 * i]));
    }
}

static void test_accuracy(void)
{
    const ffn__isa_id before = ffn__isa();
    for (ffn__isa_id isa = FFN__ISA_GENERIC; isa < FFN__ISA_COUNT; isa++) {
        if (!ffn__isa_force(isa)) continue;
        sweep_result r = {0};
        sweep_exp(&r);
        const bool good = r.count > 0 && r.worst <= 1 && r.subnormal <= 1 && r.wrong == 0;
        if (!good) printf("\n    %s: %.3f at %.9g", ffn__isa_name(isa), r.worst, (double)r.worst_input);
        CU_ASSERT(good);
    }
    CU_ASSERT(ffn__isa_force(before));
}

static const test_case cases[] = {{"accuracy", test_accuracy}};
TEST_MAIN("exp", cases)
