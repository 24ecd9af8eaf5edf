#!/usr/bin/python3
"""Goldens of normalization: norm.txt.

torch.nn.BatchNorm1d, BatchNorm2d and LayerNorm in float64: forward in training on one batch after another with the running
statistics after each, backward from a given gradient, and prediction with the statistics of the end.
"""

import torch

from golden import Writer, f32, normal, stream

# name: kind, shape of a sample, batches, offset and scale of the inputs
CASES = {
    "batch_features": ("batch_norm", (5,), (7, 3, 4), 0, 1),
    "batch_many_features": ("batch_norm", (37,), (19, 4), 0, 2),
    "batch_far_from_zero": ("batch_norm", (3,), (16,), 1000, 0.5),
    "batch_narrow": ("batch_norm", (3,), (8,), 0, 0.001),
    "batch_sequence": ("batch_norm", (4, 3), (5, 2, 1), 1, 1),
    "batch_images": ("batch_norm", (3, 4, 5), (6, 2, 1), -1, 2),
    "batch_images_many": ("batch_norm", (18, 1, 3), (2, 3), 0, 1),
    "layer_features": ("layer_norm", (5,), (7, 1), 0, 1),
    "layer_many_features": ("layer_norm", (37,), (19,), 1, 2),
    "layer_far_from_zero": ("layer_norm", (9,), (4,), 1000, 0.5),
    "layer_narrow": ("layer_norm", (9,), (4,), 0, 0.001),
    "layer_sequence": ("layer_norm", (4, 6), (5, 1), 0, 1),
    "layer_images": ("layer_norm", (2, 3, 4), (3,), 0, 1),
}


def module_of(kind, shape):
    if kind == "layer_norm":
        return torch.nn.LayerNorm(shape[-1])
    if len(shape) == 3:
        return torch.nn.BatchNorm2d(shape[0])
    return torch.nn.BatchNorm1d(shape[-1])


def run(module, kind, x):
    """The module on a batch; sequences (T, F) have the channel last, which PyTorch wants second."""
    if kind == "batch_norm" and x.dim() == 3:
        return module(x.transpose(1, 2)).transpose(1, 2)
    return module(x)


def write(out, name):
    kind, shape, batches, offset, scale = CASES[name]
    generator = stream("norm " + name)
    module = module_of(kind, shape)
    with torch.no_grad():
        module.weight.copy_(normal(generator, *module.weight.shape, scale=0.5) + 1)
        module.bias.copy_(normal(generator, *module.bias.shape, scale=0.5))
        module.weight.copy_(f32(module.weight))
    out.case(name)
    out.text("kind", kind)
    out.f32("shape", [float(n) for n in shape])
    out.f32("weight", module.weight)
    out.f32("bias", module.bias)
    for k, rows in enumerate(batches):
        x = f32(normal(generator, rows, *shape, digits=2) * scale + offset).requires_grad_()
        dy = normal(generator, rows, *shape, digits=2)
        module.zero_grad()
        y = run(module, kind, x)
        y.backward(dy)
        out.f32(f"x{k}", x)
        out.f32(f"dy{k}", dy)
        out.f64(f"y{k}", y, digits=14)
        out.f64(f"dx{k}", x.grad, digits=14)
        out.f64(f"dweight{k}", module.weight.grad, digits=14)
        out.f64(f"dbias{k}", module.bias.grad, digits=14)
        if kind == "batch_norm":
            out.f64(f"running_mean{k}", module.running_mean, digits=14)
            out.f64(f"running_var{k}", module.running_var, digits=14)
    module.eval()
    out.f64("prediction", run(module, kind, x), digits=14)


def main():
    with Writer("norm", "Normalization: batches x0, x1, ... in training, then a prediction for the last of them.") as out:
        for name in CASES:
            write(out, name)


if __name__ == "__main__":
    main()
