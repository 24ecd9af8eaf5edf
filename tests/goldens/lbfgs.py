#!/usr/bin/python3
"""Goldens of L-BFGS: lbfgs.txt. torch.optim.LBFGS in float64 with one iteration a step and no line search, on a regression by
a dense layer with weight decay written into the loss; the weights after each of 15 steps."""

import torch

from golden import Writer, f32, normal, stream

STEPS = 15


def write(out, history):
    generator = stream("lbfgs")
    x, w = normal(generator, 20, 5, digits=2), normal(generator, 2, 5, scale=0.5)
    b = normal(generator, 2, scale=0.1)
    targets = f32(((x @ normal(generator, 5, 2)).tanh() + 0.3 * normal(generator, 20, 2)).mul(1000).round() / 1000)
    parameters = [w.clone().requires_grad_(), b.clone().requires_grad_()]
    optimizer = torch.optim.LBFGS(parameters, lr=0.5, max_iter=1, history_size=history, tolerance_grad=0, tolerance_change=0)
    decay, path, losses = 0.125, [], []

    def closure():
        optimizer.zero_grad()
        loss = (torch.tanh(x @ parameters[0].T + parameters[1]) - targets).square().mean()
        (loss + decay / 2 * sum(p.square().sum() for p in parameters)).backward()
        losses.append(loss.item())
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)
        path.append(torch.cat([p.detach().flatten() for p in parameters]))
    out.case(f"history_{history}")
    out.f32("history", float(history))
    out.f32("weight_decay", decay)
    for name, value in (("x", x), ("targets", targets), ("weight", w), ("bias", b)):
        out.f32(name, value)
    out.f64("losses", losses, digits=14)
    out.f64("path", torch.stack(path), digits=14)


def main():
    with Writer("lbfgs", "L-BFGS without a line search: weight and bias after each step.") as out:
        for history in (10, 3):
            write(out, history)


if __name__ == "__main__":
    main()
