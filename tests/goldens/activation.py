#!/usr/bin/python3
"""Goldens of the activations, forward and backward: activation.txt.

Values and derivatives are PyTorch's in float64, each checked against the same function in mpmath at 60 digits. Where they
differ by more than 1e-13 of the value the file has mpmath's, and says for each case how many elements that are. PyTorch
gives way where float64 formulas cancel (derivatives of sigmoid and tanh by y, tails of gelu, log-softmax of a dominant
element, elu of tiny numbers), where its hard_sigmoid has 1/6 in float32, and where a limit comes out as 0 * inf: at infinity the golden is the limit of the function.
"""

import mpmath
import torch
import torch.nn.functional as F

from golden import Writer, f32, normal, stream, to_f32

mpmath.mp.dps = 60
mpf = mpmath.mpf
ONE = mpf(1)
SELU_ALPHA = mpf("1.6732632423543772848170429916717")
SELU_SCALE = mpf("1.0507009873554804934193349852946")


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x > -1e6 else mpf(0)


def tanh(x):
    return mpmath.tanh(x) if abs(x) < 1e6 else mpmath.sign(x)


def softplus(x):
    if x > 1e6:
        return x
    return mpmath.log1p(mpmath.exp(x)) if x > -1e6 else mpf(0)


def normal_cdf(x):
    if abs(x) > 1e6:
        return mpf(1) if x > 0 else mpf(0)
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal_pdf(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi) if abs(x) < 1e6 else mpf(0)


def gelu_tanh_parts(x):
    """tanh(u), 1 - tanh(u) and du/dx, without cancellation on either side."""
    c = mpmath.sqrt(2 / mpmath.pi)
    u = c * (x + mpf(0.044715) * x**3) if abs(x) < 1e6 else mpf(1e12) * mpmath.sign(x)
    return 2 * sigmoid(2 * u), 4 * sigmoid(2 * u) * sigmoid(-2 * u), c * (1 + 3 * mpf(0.044715) * x * x)


def gelu_tanh_slope(x):
    p, q, du = gelu_tanh_parts(x)
    return p / 2 + x * q * du / 2


def elu(x, a):
    return x if x > 0 else a * (mpmath.expm1(x) if x > -1e6 else -ONE)


def elu_slope(x, a):
    return ONE if x > 0 else a * (mpmath.exp(x) if x > -1e6 else mpf(0))


def mish_slope(x):
    t = tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


# name: PyTorch's function, the exact one, the exact derivative, limits of f at -inf and inf, of f' at -inf and inf.
# None: the limit is f's own value there. a is the kind's alpha.
INF = float("inf")
KINDS = {
    "linear": (lambda x, a: x * 1, lambda x, a: x, lambda x, a: ONE, (-INF, INF, 1, 1)),
    "sigmoid": (lambda x, a: torch.sigmoid(x), lambda x, a: sigmoid(x),
                lambda x, a: sigmoid(x) * sigmoid(-x), (0, 1, 0, 0)),
    "tanh": (lambda x, a: torch.tanh(x), lambda x, a: tanh(x),
             lambda x, a: 4 * sigmoid(2 * x) * sigmoid(-2 * x), (-1, 1, 0, 0)),
    "relu": (lambda x, a: F.relu(x), lambda x, a: max(x, mpf(0)),
             lambda x, a: ONE if x > 0 else mpf(0), (0, INF, 0, 1)),
    "leaky_relu": (lambda x, a: F.leaky_relu(x, a), lambda x, a: x if x > 0 else a * x,
                   lambda x, a: ONE if x > 0 else a, (-INF, INF, None, 1)),
    "elu": (lambda x, a: F.elu(x, a), elu, elu_slope, (None, INF, 0, 1)),
    "selu": (lambda x, a: F.selu(x), lambda x, a: SELU_SCALE * elu(x, SELU_ALPHA),
             lambda x, a: SELU_SCALE * elu_slope(x, SELU_ALPHA),
             (float(-SELU_SCALE * SELU_ALPHA), INF, 0, float(SELU_SCALE))),
    "swish": (lambda x, a: x * torch.sigmoid(a * x), lambda x, a: x * sigmoid(a * x),
              lambda x, a: sigmoid(a * x) * (1 + a * x * sigmoid(-a * x)), (0, INF, 0, 1)),
    "gelu": (lambda x, a: F.gelu(x), lambda x, a: x * normal_cdf(x),
             lambda x, a: normal_cdf(x) + x * normal_pdf(x), (0, INF, 0, 1)),
    "gelu_tanh": (lambda x, a: F.gelu(x, approximate="tanh"), lambda x, a: x * gelu_tanh_parts(x)[0] / 2,
                  lambda x, a: gelu_tanh_slope(x), (0, INF, 0, 1)),
    "softplus": (lambda x, a: F.softplus(x), lambda x, a: softplus(x), lambda x, a: sigmoid(x), (0, INF, 0, 1)),
    "softsign": (lambda x, a: F.softsign(x), lambda x, a: x / (1 + abs(x)),
                 lambda x, a: 1 / (1 + abs(x))**2, (-1, 1, 0, 0)),
    "mish": (lambda x, a: F.mish(x), lambda x, a: x * tanh(softplus(x)), lambda x, a: mish_slope(x), (0, INF, 0, 1)),
    "hard_sigmoid": (lambda x, a: F.hardsigmoid(x), lambda x, a: min(max(x / 6 + ONE / 2, mpf(0)), ONE),
                     lambda x, a: ONE / 6 if -3 < x < 3 else mpf(0), (0, 1, 0, 0)),
    "hard_swish": (lambda x, a: F.hardswish(x), lambda x, a: x * min(max(x / 6 + ONE / 2, mpf(0)), ONE),
                   lambda x, a: mpf(0) if x < -3 else x / 3 + ONE / 2 if x <= 3 else ONE, (0, INF, 0, 1)),
}

# Magnitudes: signed zeros, subnormals, where series and asymptotic forms meet, where exp over- and underflows in float32.
EXTREMES = [0, 1e-45, 1e-40, 1.1754944e-38, 1e-30, 1e-20, 1e-10, 1e-7, 1e-5, 1e-3, 0.01, 0.1, 0.25, 0.5, 0.625, 1, 1.25,
            1.5, 2, 2.5, 2.875, 3.25, 3.5, 4, 5, 6, 7.5, 8.7, 9.5, 13, 15, 16.7, 17.5, 20, 30, 50, 80, 87, 87.2, 88, 88.7, 88.8,
            90, 100, 102, 103, 103.9, 104, 105, 1e3, 1e4, 1e10, 1e20, 3e38, INF]


def points():
    generator = stream("activation points")
    values = [s * v for v in EXTREMES for s in (1.0, -1.0)] + [float("nan")]
    values += [round(generator.gauss(0, 2), 3) for _ in range(55)]
    x = torch.tensor([to_f32(v) for v in values])
    dy = f32([round(generator.uniform(0.25, 4) * generator.choice((1, -1)), 2) for _ in values])
    return x, dy


def settle(torch_value, exact, counter):
    """The golden of one element: PyTorch's where it agrees with the exact one, which it replaces elsewhere."""
    exact = float(exact)
    if torch_value == exact or abs(torch_value - exact) <= 1e-13 * abs(exact):
        return torch_value
    counter.append(exact)
    return exact


def exact_element(kind, x, alpha):
    """f and f' at a float x that is not NaN."""
    _, f, slope, limits = KINDS[kind]
    if x in (-INF, INF):
        at = int(x > 0)
        value, derivative = limits[at], limits[2 + at]
        value = -alpha if value is None else value
        derivative = alpha if derivative is None else derivative
        return (value, derivative)
    return f(mpf(x), mpf(alpha)), slope(mpf(x), mpf(alpha))


def write_elementwise(out, kind, alpha, x, dy):
    out.case(kind if alpha is None else f"{kind}_{alpha:g}".replace(".", "_"))
    out.text("kind", kind)
    alpha = 0.0 if alpha is None else to_f32(alpha)
    out.f32("alpha", alpha)
    input = x.clone().requires_grad_()
    output = KINDS[kind][0](input, alpha)
    output.backward(dy)
    y, dx, replaced = [], [], []
    for i, v in enumerate(x.tolist()):
        if v != v:
            y.append(v)
            dx.append(v)
            continue
        value, slope = exact_element(kind, v, alpha)
        y.append(settle(output[i].item(), value, replaced))
        dx.append(settle(input.grad[i].item(), slope * mpf(dy[i].item()), replaced))
    if replaced:
        out.comment(f"{len(replaced)} of {2 * len(y)} numbers are mpmath's")
    out.f64("y", y)
    out.f64("dx", dx)


def softmax_exact(row, dy, logarithm):
    """y and dx of one row without +inf and NaN, not all -inf."""
    top = max(row)
    e = [mpmath.exp(mpf(v) - mpf(top)) if v > -INF else mpf(0) for v in row]
    others = mpmath.fsum(e) - 1
    p = [v / (1 + others) for v in e]
    if logarithm:
        total = mpmath.fsum(mpf(d) for d in dy)
        y = [mpf(v) - mpf(top) - mpmath.log1p(others) if v > -INF else -INF for v in row]
        return y, [mpf(d) - q * total for d, q in zip(dy, p)]
    dot = mpmath.fsum(mpf(d) * q for d, q in zip(dy, p))
    return p, [q * (mpf(d) - dot) for d, q in zip(dy, p)]


def softmax_rows(generator, cols):
    """Rows of one length: usual, large, a dominant element, a tie, all equal, small, masked, not a number."""
    usual = [round(generator.gauss(0, 2), 3) for _ in range(cols)]
    if cols >= 1000:
        return [usual, [round(generator.gauss(0, 60), 1) for _ in range(cols)]]
    rows = [usual, [round(generator.gauss(0, 60), 1) for _ in range(cols)]]
    rows.append([20.0] + usual[1:])
    rows.append([1e4 if i % 2 else -1e4 for i in range(cols)])
    rows.append([88.0] * cols)
    rows.append([-104.0] * cols)
    rows.append([v * 1e-8 for v in usual])
    rows.append([3e38] + [-1e38] * (cols - 1))
    if cols > 1:
        rows.append([-INF] + usual[1:])
        rows.append([float("nan")] + usual[1:])
    return rows


def write_softmax(out, name, logarithm, cols):
    generator = stream(f"softmax {cols}")
    x = torch.tensor([[to_f32(v) for v in row] for row in softmax_rows(generator, cols)])
    dy = normal(generator, *x.shape, digits=2)
    input = x.clone().requires_grad_()
    output = (F.log_softmax if logarithm else F.softmax)(input, dim=1)
    output.backward(dy)
    y, dx, replaced = output.detach().clone(), input.grad.clone(), []
    for r, row in enumerate(x.tolist()):
        if any(v != v for v in row):
            continue
        exact_y, exact_dx = softmax_exact(row, dy[r].tolist(), logarithm)
        y[r] = torch.tensor([settle(a, b, replaced) for a, b in zip(y[r].tolist(), exact_y)])
        dx[r] = torch.tensor([settle(a, b, replaced) for a, b in zip(dx[r].tolist(), exact_dx)])
    out.case(f"{name}_{cols}")
    out.text("kind", name)
    if replaced:
        out.comment(f"{len(replaced)} of {2 * y.numel()} numbers are mpmath's")
    out.f32("x", x)
    out.f32("dy", dy)
    out.f64("y", y)
    out.f64("dx", dx)


def write_prelu(out, per_unit):
    """A learned slope: its gradient too."""
    generator = stream(f"prelu {per_unit}")
    x, dy = normal(generator, 7, 21), normal(generator, 7, 21)
    x[0, 0], x[1, 1], x[2, 2] = 0.0, f32(-1e4), f32(1e-40)
    slope = normal(generator, 21 if per_unit else 1, scale=0.5)
    input, learned = x.clone().requires_grad_(), slope.clone().requires_grad_()
    output = F.prelu(input, learned)
    output.backward(dy)
    out.case("prelu_per_unit" if per_unit else "prelu")
    out.text("kind", "prelu_per_unit" if per_unit else "prelu")
    for key, value in (("slope", slope), ("x", x), ("dy", dy)):
        out.f32(key, value)
    for key, value in (("y", output), ("dx", input.grad), ("slope_gradient", learned.grad)):
        out.f64(key, value)


def main():
    alphas = {"leaky_relu": (0.01, 0.3, 1, 2), "elu": (0.5, 1, 2), "swish": (0.5, 1, 1.702, 2)}
    with Writer("activation", "Activations: y = f(x), dx = f'(x) dy.") as out:
        x, dy = points()
        out.case("points")
        out.comment("x and dy of every case that has none of its own")
        out.f32("x", x)
        out.f32("dy", dy)
        for kind in KINDS:
            for alpha in alphas.get(kind, (None,)):
                write_elementwise(out, kind, alpha, x, dy)
        write_prelu(out, per_unit=False)
        write_prelu(out, per_unit=True)
        for cols in (1, 2, 10, 33, 1000):
            write_softmax(out, "softmax", False, cols)
            write_softmax(out, "log_softmax", True, cols)


if __name__ == "__main__":
    main()
