"""PyTorch's rows beside those of activation_speed and activation_accuracy: the same cases, one thread.

    python3 activation_speed.py [--filter TEXT] [--min-time SECONDS]     ns an element, into arrays that exist
    python3 activation_speed.py --accuracy STRIDE [--filter TEXT]        worst and mean ulp of every STRIDE-th float

A call through Python takes some microseconds, a large part of what 4096 elements take. Accuracy is measured as
activation_accuracy does, and wants SciPy for its references. What PyTorch has no kernel of its own for, or none that writes
into an array that exists, is left out.
"""
import argparse
import time

import numpy
import torch

A = torch.ops.aten
SIZES = {"4K": 1 << 12, "256K": 1 << 18, "16M": 1 << 24}
# name: forward(x, y), backward(dy, v, dx) or None, whether v is x
KINDS = {
    "sigmoid": (lambda x, y: A.sigmoid.out(x, out=y),
                lambda dy, v, dx: A.sigmoid_backward.grad_input(dy, v, grad_input=dx), False),
    "tanh": (lambda x, y: A.tanh.out(x, out=y),
             lambda dy, v, dx: A.tanh_backward.grad_input(dy, v, grad_input=dx), False),
    "relu": (lambda x, y: A.relu.out(x, out=y),
             lambda dy, v, dx: A.threshold_backward.grad_input(dy, v, 0, grad_input=dx), False),
    "leaky_relu": (lambda x, y: A.leaky_relu.out(x, 0.01, out=y),
                   lambda dy, v, dx: A.leaky_relu_backward.grad_input(dy, v, 0.01, True, grad_input=dx), False),
    "elu": (lambda x, y: A.elu.out(x, 1, 1, 1, out=y),
            lambda dy, v, dx: A.elu_backward.grad_input(dy, 1, 1, 1, True, v, grad_input=dx), False),
    "selu": (lambda x, y: A.elu.out(x, 1.6732632423543772, 1.0507009873554805, 1, out=y),
             lambda dy, v, dx: A.elu_backward.grad_input(dy, 1.6732632423543772, 1.0507009873554805, 1, True, v,
                                                         grad_input=dx), False),
    "swish": (lambda x, y: A.silu.out(x, out=y),
              lambda dy, v, dx: A.silu_backward.grad_input(dy, v, grad_input=dx), True),
    "gelu": (lambda x, y: A.gelu.out(x, approximate="none", out=y),
             lambda dy, v, dx: A.gelu_backward.grad_input(dy, v, approximate="none", grad_input=dx), True),
    "gelu_tanh": (lambda x, y: A.gelu.out(x, approximate="tanh", out=y),
                  lambda dy, v, dx: A.gelu_backward.grad_input(dy, v, approximate="tanh", grad_input=dx), True),
    "softplus": (lambda x, y: A.softplus.out(x, 1, 20, out=y),
                 lambda dy, v, dx: A.softplus_backward.grad_input(dy, v, 1, 20, grad_input=dx), True),
    "mish": (lambda x, y: A.mish.out(x, out=y), None, True),
    "hard_sigmoid": (lambda x, y: A.hardsigmoid.out(x, out=y),
                     lambda dy, v, dx: A.hardsigmoid_backward.grad_input(dy, v, grad_input=dx), True),
    "hard_swish": (lambda x, y: A.hardswish.out(x, out=y),
                   lambda dy, v, dx: A.hardswish_backward.out(dy, v, out=dx), True),
    "softmax": (lambda x, y: A._softmax.out(x, 1, False, out=y),
                lambda dy, v, dx: A._softmax_backward_data.out(dy, v, 1, torch.float32, grad_input=dx), False),
    "log_softmax": (lambda x, y: A._log_softmax.out(x, 1, False, out=y),
                    lambda dy, v, dx: A._log_softmax_backward_data.out(dy, v, 1, torch.float32, out=dx), False),
}


# ---- speed ----------------------------------------------------------------------------------------------------------


def seconds_per_call(call, min_time):
    """Of chunks of some 20 ms: sorted."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(0.02 / (time.perf_counter() - start)))
    times = []
    end = time.perf_counter() + min_time
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return sorted(times)


def cases():
    """Name, kind, shape and whether backward, in activation_speed's order."""
    for size, elements in SIZES.items():
        for kind in KINDS:
            for cols in (10, 1000) if kind.endswith("softmax") else (0,):
                shape = (elements // cols, cols) if cols else (elements,)
                rows = f"_rows{cols}" if cols else ""
                yield f"{kind}{rows}_forward_{size}", kind, shape, False
                yield f"{kind}{rows}_backward_{size}", kind, shape, True


def measure_speed(options):
    print("case,row,ns,minimum_ns,spread")
    for name, kind, shape, backward in cases():
        forward, gradient, reads_input = KINDS[kind]
        if options.filter not in name or (backward and not gradient):
            continue
        x, dy, y, out = torch.randn(shape), torch.randn(shape), torch.empty(shape), torch.zeros(shape)
        forward(x, y)
        v = x if reads_input else y
        times = seconds_per_call((lambda: gradient(dy, v, out)) if backward else (lambda: forward(x, out)),
                                 options.min_time)
        ns = [1e9 * t / x.numel() for t in times]
        median = ns[len(ns) // 2]
        print(f"{name},pytorch,{median:.4g},{ns[0]:.4g},{(ns[-1] - ns[0]) / median:.3f}", flush=True)


# ---- accuracy -------------------------------------------------------------------------------------------------------


def references():
    """The functions of doubles, in forms that keep their digits."""
    from scipy.special import erfc, expit

    def softplus(x):
        return numpy.maximum(x, 0) + numpy.log1p(numpy.exp(-numpy.abs(x)))

    def sharp(x, share):  # x share(x), and 0 where that would be infinity times 0
        return numpy.where(x <= -1e4, 0, x * share)

    cube = 0.044715
    return {
        "sigmoid": expit,
        "tanh": numpy.tanh,
        "elu": lambda x: numpy.where(x < 0, numpy.expm1(x), x),
        "selu": lambda x: numpy.where(x < 0, 1.7580993408473768599 * numpy.expm1(x), 1.0507009873554804935 * x),
        "swish": lambda x: sharp(x, expit(x)),
        "gelu": lambda x: sharp(x, erfc(-0.70710678118654752440 * x) / 2),
        "gelu_tanh": lambda x: sharp(x, expit(1.5957691216057307117 * (x + cube * x * x * x))),
        "softplus": softplus,
        "mish": lambda x: sharp(x, numpy.tanh(softplus(x))),
        "hard_sigmoid": lambda x: numpy.clip((x + 3) / 6, 0, 1),
        "hard_swish": lambda x: sharp(x, numpy.clip((x + 3) / 6, 0, 1)),
    }


def judge(y, wanted):
    """Errors in ulp where the result is finite and at least the smallest normal number; how many are wrongly infinite or NaN."""
    tiny, most = numpy.finfo(numpy.float32).tiny, numpy.finfo(numpy.float32).max
    size = numpy.abs(wanted)
    counted = (size >= tiny) & (size <= most) & numpy.isfinite(y)
    infinite = size > most
    wrong = numpy.where(numpy.isnan(wanted), ~numpy.isnan(y), numpy.where(infinite, ~(y == wanted), ~numpy.isfinite(y)))
    wrong &= ~(infinite & ~numpy.isinf(wanted) & numpy.isinf(y) & (numpy.sign(y) == numpy.sign(wanted)))
    unit = 2.0 ** (numpy.floor(numpy.log2(size[counted])) - 23)
    return numpy.abs(y[counted].astype(float) - wanted[counted]) / unit, counted, int(wrong.sum())


def measure_accuracy(options):
    block = 1 << 20
    print("function,row,worst,mean,at,wrong")
    for kind, reference in references().items():
        if options.filter not in kind:
            continue
        worst, at, total, count, wrong = 0.0, 0.0, 0.0, 0, 0
        for first in range(0, 1 << 32, block * options.accuracy):
            bits = numpy.arange(first, min(first + block * options.accuracy, 1 << 32), options.accuracy, numpy.uint32)
            x = bits.view(numpy.float32)
            y = torch.empty(len(x))
            KINDS[kind][0](torch.from_numpy(x), y)
            with numpy.errstate(all="ignore"):
                errors, counted, bad = judge(y.numpy(), reference(x.astype(float)))
            wrong += bad
            if len(errors):
                total, count = total + errors.sum(), count + len(errors)
                if errors.max() > worst:
                    worst, at = errors.max(), x[counted][errors.argmax()]
        print(f"{kind},pytorch,{worst:.4g},{total / max(count, 1):.4f},{at:.9g},{wrong}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filter", default="")
    parser.add_argument("--min-time", type=float, default=0.5)
    parser.add_argument("--accuracy", type=int, metavar="STRIDE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if options.accuracy:
        measure_accuracy(options)
    else:
        measure_speed(options)


if __name__ == "__main__":
    main()
