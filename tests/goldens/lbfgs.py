#!/usr/bin/python3
"""Goldens of L-BFGS: lbfgs.txt. torch.optim.LBFGS in float64 with one iteration a step, without a line search and with that of
Wolfe's strong conditions, on a regression by a dense layer with weight decay written into the loss; the weights after each of
15 steps, and how often a step has evaluated the loss."""

import torch

from golden import Writer, f32, normal, stream

STEPS = 15


def write(out, history, rate, search=None, scale=0.5):
    generator = stream("lbfgs")
    x, w = normal(generator, 20, 5, digits=2), normal(generator, 2, 5, scale=scale)
    b = normal(generator, 2, scale=0.1)
    targets = f32(((x @ normal(generator, 5, 2)).tanh() + 0.3 * normal(generator, 20, 2)).mul(1000).round() / 1000)
    parameters = [w.clone().requires_grad_(), b.clone().requires_grad_()]
    optimizer = torch.optim.LBFGS(parameters, lr=rate, max_iter=1, history_size=history, tolerance_grad=0, tolerance_change=0,
                                  line_search_fn=search)
    decay, path, losses, counts = 0.125 if search is None else 0.0078125, [], [], []

    def closure():
        optimizer.zero_grad()
        loss = (torch.tanh(x @ parameters[0].T + parameters[1]) - targets).square().mean()
        losses.append(loss.item())
        loss = loss + decay / 2 * sum(p.square().sum() for p in parameters)
        loss.backward()
        return loss

    for _ in range(STEPS):
        counts.append(len(losses))
        optimizer.step(closure)
        path.append(torch.cat([p.detach().flatten() for p in parameters]))
    losses, counts = [losses[i] for i in counts], [b - a for a, b in zip(counts, counts[1:] + [len(losses)])]
    out.case(f"history_{history}" if search is None else f"{search}_{scale}")
    out.f32("history", float(history))
    out.f32("rate", rate)
    out.f32("weight_decay", decay)
    for name, value in (("x", x), ("targets", targets), ("weight", w), ("bias", b)):
        out.f32(name, value)
    out.f64("losses", losses, digits=14)
    out.f64("evaluations", [float(c) for c in counts])
    out.f64("path", torch.stack(path), digits=14)


def main():
    with Writer("lbfgs", "L-BFGS: weight and bias after each step.") as out:
        for history in (10, 3):
            write(out, history, 0.5)
        for scale in (0.5, 2.0):
            write(out, 10, 1.0, "strong_wolfe", scale)


if __name__ == "__main__":
    main()
