/* The layout of weights in panels, and which instruction set's kernels are in use. */
#include "kernel/native.h"
#include "kernel/kernel.h"
#include "kernel/narrow.h"

FFN__ISA_DECLARE(ffn__native_kernels, ffn__native_kernels);

const ffn__native_kernels *ffn__native(void)
{
    static const ffn__native_kernels *const tables[] = FFN__ISA_TABLES(ffn__native_kernels);
    return tables[ffn__isa()];
}

/* W[N,K]: panels of inputs, one after the other, of N rows each. Where both sides are narrow, the wider one lies in the
 * lanes: with K < N that is one half panel of units, of K rows. */

static bool is_turned(size_t inputs, size_t units) { return ffn__is_narrow(inputs, units) && inputs < units; }

static size_t panels_size(ffn_shape shape)
{
    const size_t units = shape.dim[0], inputs = shape.dim[1], last = (inputs - 1) / FFN__PANEL * FFN__PANEL;
    if (is_turned(inputs, units)) return inputs * FFN__HALF_PANEL;
    size_t columns, size;
    return ffn__sum(last, ffn__panel_width(last, inputs), &columns) && ffn__multiply(columns, units, &size) ? size
                                                                                                            : SIZE_MAX;
}

static size_t panels_place(ffn_shape shape, size_t index, size_t *run)
{
    const size_t units = shape.dim[0], inputs = shape.dim[1], unit = index / inputs, input = index % inputs;
    const size_t begin = input / FFN__PANEL * FFN__PANEL, width = ffn__panel_width(begin, inputs);
    const size_t end = inputs - begin > FFN__PANEL ? begin + FFN__PANEL : inputs;
    const bool turned = is_turned(inputs, units);
    *run = turned ? 1 : end - input;
    return turned ? input * FFN__HALF_PANEL + unit : ffn__panel_offset(begin, units) + unit * width + input - begin;
}

const ffn_parameter_layout ffn__panels = {"panels", panels_size, panels_place};
