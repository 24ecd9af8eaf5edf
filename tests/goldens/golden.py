"""Writes golden files: text that a person can read and tests/golden.h reads.

A file is a list of cases. A line is one of

    # a comment
    case NAME
    text KEY WORD                   a word
    f32 KEY DIM... : VALUE...       float32 numbers, in the fewest digits that give the same float32 back
    f64 KEY DIM... : VALUE...       float64 numbers; a number without dimensions is a scalar

Inputs are f32: the generators round them to float32 first and compute in float64 from there, so that library and
reference start from the same numbers. Results are f64.
"""

import math
import os
import random
import struct

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def to_f32(value):
    """The nearest float32 of a number, as a Python float."""
    if math.isfinite(value) and abs(value) > 3.4028235677973366e38:
        return math.copysign(math.inf, value)
    return struct.unpack("f", struct.pack("f", value))[0]


def f32(values):
    """A float64 tensor whose elements are float32 numbers, from a number, a list or a tensor."""
    return torch.as_tensor(values).detach().to(torch.float32).to(torch.float64)


def f32_text(value):
    if not math.isfinite(value):
        return repr(value)
    if to_f32(value) != value:
        raise ValueError(f"{value!r} is not a float32")
    for digits in range(1, 10):
        if to_f32(float(f"{value:.{digits}g}")) == value:
            return min((f"{value:.{d}g}" for d in range(digits, digits + 4)), key=len)


def f64_text(value):
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def normal(generator, *shape, scale=1.0, digits=3):
    """Normal numbers rounded to `digits` decimals, which keeps the files short, and then to float32."""
    count = math.prod(shape)
    return f32([round(generator.gauss(0, scale), digits) for _ in range(count)]).reshape(shape)


def stream(name):
    """A random stream of its own for each name, the same on every platform."""
    return random.Random("ffn " + name)


class Writer:
    """Writes NAME.txt beside the generators."""

    def __init__(self, name, about):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".txt")
        self.file = open(path, "w", encoding="ascii", newline="\n")
        self.comment(f"Made by tests/goldens/{name}.py; the format is described in golden.py.")
        self.comment(about)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def comment(self, text):
        self.file.write(f"# {text}\n")

    def case(self, name):
        self.file.write(f"\ncase {name}\n")

    def text(self, key, word):
        self.file.write(f"text {key} {word}\n")

    def f32(self, key, values):
        self._numbers("f32", key, values, f32_text)

    def f64(self, key, values, digits=17):
        self._numbers("f64", key, values, f64_text if digits >= 17 else lambda v: f"{v:.{digits}g}")

    def _numbers(self, kind, key, values, text):
        values = torch.as_tensor(values, dtype=torch.float64).detach()
        shape = "".join(f" {n}" for n in values.shape)
        words = [text(float(v)) for v in values.flatten()]
        if len(words) == 1:
            self.file.write(f"{kind} {key}{shape} : {words[0]}\n")
            return
        self.file.write(f"{kind} {key}{shape} :\n")
        line = " "
        for word in words:
            if len(line) + 1 + len(word) > 118:
                self.file.write(line + "\n")
                line = " "
            line += " " + word
        self.file.write(line + "\n")
