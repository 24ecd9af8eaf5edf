#!/usr/bin/env python3
"""Makes pieces_tables.h: the tables of src/tensor/pieces.h, as minimax polynomials on 32 intervals each.

    /usr/bin/python3 src/tensor/pieces.py > src/tensor/pieces_tables.h      (numpy, mpmath; a minute)

Interval k of a table is [(k - 1/2) width, (k + 1/2) width], k from `first`, at place k mod 32. On it the function is a
polynomial in a - centre. A centre lies near the middle, where the function is almost a float itself, so that the constant
coefficient brings no error. Coefficients are rounded one after the other, those behind fitted again to the rounded ones.

And two tables for exponentials: 2^(j / 32) in two parts, and e^x - 1 at centres of intervals that widen with |x|.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 30
PIECES = 32
PHI = lambda x: mp.erfc(-x / mp.sqrt(2)) / 2  # the normal distribution
DENSITY = lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
SIGMOID = lambda x: 1 / (1 + mp.exp(-x))
GELU_A = 2 * mp.sqrt(2 / mp.pi)
GELU_B = mp.mpf("0.044715") * GELU_A
GELU_Z = lambda x: x * (GELU_A + GELU_B * x * x)  # gelu_tanh(x) = x sigmoid(z)


def sigmoid_rise(z, slope):
    """d/dx of x sigmoid(z(x)), with slope = x z'(x), less 1/2"""
    return SIGMOID(z) + slope * SIGMOID(z) * SIGMOID(-z) - mp.mpf(1) / 2


# name: function, its largest argument, 1 / width, degree, first interval, error relative to this (None: absolute), power
# of the first term at 0, value in the last interval (None: it is as the others)
TABLES = {
    # for tanh(a), less the part of a up to 1, where an interval begins exactly
    "tanh": (lambda a: mp.tanh(a) - min(a, 1), 12.6, 2.5, 6, 0, mp.tanh, 2, None),
    # sigmoid(-a) for sigmoid and swish
    "sigmoid": (lambda a: SIGMOID(-a), 25.2, 1.25, 6, 0, lambda a: SIGMOID(-a), 0, None),
    # log(1 + e^-a) for softplus
    "softplus": (lambda a: mp.log1p(mp.exp(-a)), 25.2, 1.25, 6, 0, lambda a: mp.log1p(mp.exp(-a)), 0, None),
    # Phi(-a) for gelu
    "gelu": (lambda a: PHI(-a), 5.43, 5.8, 6, 0, lambda a: PHI(-a), 0, None),
    # sigmoid(-z(a)) for gelu_tanh
    "gelu_tanh": (lambda a: SIGMOID(-GELU_Z(a)), 4.92, 6.4, 6, 0, lambda a: SIGMOID(-GELU_Z(a)), 0, None),
    # tanh(log(1 + e^x)) for mish, from -9.3 on
    "mish": (lambda x: mp.tanh(mp.log1p(mp.exp(x))), 9.3, 1.6666666, 6, -15, lambda x: mp.tanh(mp.log1p(mp.exp(x))), 0, 1),
    # derivatives less 1/2, which are odd
    "swish_slope": (lambda z: sigmoid_rise(z, z), 18.9, 1.66, 5, 0, None, 1, 0.5),
    "gelu_slope": (lambda a: PHI(a) + a * DENSITY(a) - mp.mpf(1) / 2, 5.9, 5.3, 4, 0, None, 1, 0.5),
    "gelu_tanh_slope": (lambda a: sigmoid_rise(GELU_Z(a), a * (GELU_A + 3 * GELU_B * a * a)), 5.9, 5.3, 4, 0, None, 1, 0.5),
}


def centre_near(f, middle):
    """The float near `middle` at which f is nearest to a float, relatively."""
    up = down = np.float32(middle)
    best, best_error = up, mp.inf
    for _ in range(200):
        for x in (up, down):
            y = f(mp.mpf(float(x)))
            error = abs(mp.mpf(float(np.float32(float(y)))) / y - 1)
            if error < best_error:
                best, best_error = x, error
        up, down = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))
    return float(best)


def fit(f, low, high, centre, powers, unit):
    """Float coefficients of powers[0] .. powers[-1], by Lawson's algorithm on Chebyshev's nodes."""
    nodes = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(60) + 0.5) / 60)
    wanted = np.array([float(f(mp.mpf(float(x)))) for x in nodes])
    weight = np.array([1 / float(unit(mp.mpf(float(x)))) for x in nodes]) if unit else np.ones_like(nodes)
    t = nodes - centre
    scale = np.max(np.abs(t))
    coefficients = {}
    for power in powers:
        free = [p for p in powers if p not in coefficients]
        rest = wanted - sum(c * t**p for p, c in coefficients.items())
        basis = np.stack([(t / scale) ** p for p in free], 1)
        share = np.ones_like(t)
        best = (np.inf, None)
        for _ in range(25):
            root = np.sqrt(share) * weight
            solution = np.linalg.lstsq(basis * root[:, None], rest * root, rcond=None)[0]
            error = np.abs((basis @ solution - rest) * weight)
            if error.max() < best[0]:
                best = (error.max(), solution[0])
            if error.max() == 0:
                break
            share = share * error / (share * error).sum()
        coefficients[power] = float(np.float32(best[1] / scale**power))
    return coefficients


def table(f, reach, inverse_width, degree, first, unit, lowest, beyond):
    width = 1 / inverse_width
    centres = [0.0] * PIECES
    rows = [[0.0] * PIECES for _ in range(degree + 1)]
    for k in range(first, first + PIECES):
        at = k % PIECES
        if beyond is not None and k == first + PIECES - 1:
            centres[at], rows[0][at] = k * width, beyond
            continue
        low, high = (max(k - 0.5, 0) if first == 0 else k - 0.5) * width, (k + 0.5) * width
        if k == first + PIECES - 1:
            high = max(high, reach)
        relative = (k != 0 or first != 0) and unit is not None and lowest == 0
        centre = centre_near(f, k * width) if relative else float(np.float32(k * width))
        centres[at] = centre
        for power, c in fit(f, low, high, centre, range(lowest if k == 0 else 0, degree + 1), unit).items():
            rows[power][at] = c
    return centres, rows


def literal(x):
    text = "%.9g" % x
    return text + ("f" if "." in text or "e" in text else ".f")


def numbers(values, indent):
    lines, line = [], indent
    for text in [literal(x) for x in values]:
        if len(line) + len(text) + 2 > 119:
            lines.append(line.rstrip())
            line = indent
        line += text + ", "
    return "\n".join(lines + [line.rstrip(" ,")])


def exponential():
    """Of 2^(j / 32): the bits less j in the exponent's place as an integer part of it, and the logarithm of what is lost."""
    steps, rest = [], []
    for j in range(PIECES):
        exact = mp.mpf(2) ** (mp.mpf(j) / PIECES)
        rounded = np.float32(float(exact))
        steps.append((int(rounded.view(np.uint32)) - (j << 18)) & 0xFFFFFFFF)
        rest.append(float(np.float32(float(mp.log(exact / mp.mpf(float(rounded)))))))
    return steps, rest


def growth():
    """Centres c, e^c - 1 and e^c on the intervals of -x < 20 on which its exponent and two bits of it are the same; those
    below 5/32 are one, with its end for a centre. An interval's place is these bits mod 32."""
    rows = [[0.0] * PIECES for _ in range(3)]
    low = 0.125
    while low < 20:
        high = low + 2.0 ** np.floor(np.log2(low)) / 4
        at = (int(np.float32(low).view(np.uint32)) >> 21) % PIECES
        value = mp.mpf(float(np.float32(float(mp.expm1(-(low + min(high, 17.5)) / 2)))))
        centre = 0.0 if low == 0.125 else -centre_near(lambda a: -mp.expm1(-a), float(-mp.log1p(value)))
        for row, value in zip(rows, (centre, mp.expm1(centre), mp.exp(centre))):
            row[at] = float(np.float32(float(value)))
        low = high
    return rows


print("""/* Made by pieces.py: see there. */
#ifndef FFN__PIECES_TABLES_H
#define FFN__PIECES_TABLES_H

#include "tensor/pieces.h"

#ifdef FFN__HAS_PIECES
/* clang-format off */""")
for name, (f, reach, inverse_width, degree, first, unit, lowest, beyond) in TABLES.items():
    centres, rows = table(f, reach, inverse_width, degree, first, unit, lowest, beyond)
    print("\nstatic const pieces %s_pieces = {\n  .inverse_width = %s," % (name, literal(inverse_width)))
    print("  .centre = {\n%s},\n  .coefficient = {" % numbers(centres, "    "))
    for power, row in enumerate(rows):
        print("   {\n%s}%s" % (numbers(row, "    "), "," if power < degree else "}"))
    print("};")
steps, rest = exponential()
print("\nstatic const exp_pieces exp_table = {\n  .step = {")
print("\n".join("    " + ", ".join("0x%08x" % step for step in steps[i : i + 8]) + "," for i in range(0, PIECES, 8))[:-1] + "},")
print("  .rest = {\n%s}\n};" % numbers(rest, "    "))
print("\nstatic const expm1_pieces expm1_table = {")
print(",\n".join("  .%s = {\n%s}" % (name, numbers(row, "    ")) for name, row in zip(("centre", "value", "slope"), growth())))
print("};")
print("""/* clang-format on */
#endif

#endif""")
