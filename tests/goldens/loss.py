#!/usr/bin/python3
"""Goldens of the losses with their options, value and gradient: loss.txt.

PyTorch in float64, and its formulas written out where it lacks the option or the loss: hinge, and label smoothing of the
binary cross entropy, which moves targets t to t (1 - s) + s / 2. smooth_l1 with beta 0 is PyTorch's l1_loss: its own
smooth_l1_loss then has the derivative -1 where there is no error. In cases called extreme the logits go to +-1e4 and in
those called beyond to +-1e30; a wrong one of them makes nearly all of the value, so there is also one where all are right.
"""

import torch
import torch.nn.functional as F

from golden import Writer, f32, normal, stream, to_f32


def write(out, name, kind, y, targets, loss, **options):
    """loss: a function of y as a float64 tensor that requires a gradient."""
    out.case(name)
    out.text("kind", kind)
    for key, value in options.items():
        out.f32(key, value)
    out.f32("y", y)
    out.f32("targets", targets)
    y = y.clone().requires_grad_()
    value = loss(y)
    value.backward()
    out.f64("loss", value)
    out.f64("dy", y.grad)


def write_regressions(out):
    generator = stream("regression")
    y, t = normal(generator, 5, 9, scale=2), normal(generator, 5, 9, scale=2)
    y[0, :3] = t[0, :3]  # no error at all
    write(out, "mse", "mse", y, t, lambda v: F.mse_loss(v, t))
    write(out, "mae", "mae", y, t, lambda v: F.l1_loss(v, t))
    for delta in (0.1, 1, 2.5, 1e4):
        d = to_f32(delta)
        write(out, f"huber_{delta:g}", "huber", y, t, lambda v: F.huber_loss(v, t, delta=d), delta=d)
    for beta in (0, 0.1, 1, 2.5):
        b = to_f32(beta)
        value = (lambda v: F.smooth_l1_loss(v, t, beta=b)) if b else (lambda v: F.l1_loss(v, t))
        write(out, f"smooth_l1_{beta:g}", "smooth_l1", y, t, value, delta=b)
    signs = torch.where(t < 0, -1.0, 1.0)
    write(out, "hinge", "hinge", y, signs, lambda v: F.relu(1 - signs * v).mean())
    far = y.clone()
    far[1, 0], far[1, 1], far[4, 8] = f32(1e4), f32(-1e4), f32(3e18)
    write(out, "mse_beyond", "mse", far, t, lambda v: F.mse_loss(v, t))
    write(out, "mae_beyond", "mae", far, t, lambda v: F.l1_loss(v, t))
    write(out, "huber_beyond", "huber", far, t, lambda v: F.huber_loss(v, t, delta=1.5), delta=1.5)
    write(out, "hinge_beyond", "hinge", far, signs, lambda v: F.relu(1 - signs * v).mean())
    one_y, one_t = normal(generator, 1, 1), normal(generator, 1, 1)
    write(out, "mse_one", "mse", one_y, one_t, lambda v: F.mse_loss(v, one_t))


def write_binary(out):
    generator = stream("binary")
    plain = normal(generator, 6, 7, scale=3)
    hard = f32([[float(generator.random() < 0.5) for _ in range(7)] for _ in range(6)])
    hard[0], hard[1] = f32([1, 0, 0, 1, 0, 1, 0]), f32([1, 0, 0, 1, 1, 0, 1])
    soft = f32([[round(generator.random(), 2) for _ in range(7)] for _ in range(6)])
    extreme, right, beyond = plain.clone(), plain.clone(), plain.clone()
    extreme[0] = f32([1e4, -1e4, 1e4, -1e4, 40, -40, 88.8])
    right[0] = f32([1e4, -1e4, -1e4, 1e4, -40, 40, -1e4])
    right[1] = f32([1e30, -1e30, -1e30, 1e30, 104, -104, 88.8])
    beyond[1] = f32([1e30, -1e30, 1e30, -1e30, 0, 104, -104])
    for name, logits, targets, smoothing, positive in (
            ("hard", plain, hard, 0, 0), ("soft", plain, soft, 0, 0), ("extreme", extreme, hard, 0, 0),
            ("extreme_soft", extreme, soft, 0, 0), ("extreme_right", right, hard, 0, 0), ("beyond", beyond, hard, 0, 0),
            ("positive", extreme, hard, 0, 2.5), ("positive_right", right, hard, 0, 2.5),
            ("positive_soft", plain, soft, 0, 0.3), ("smoothing", plain, hard, 0.1, 0),
            ("all", extreme, hard, 0.2, 3)):
        s, p = to_f32(smoothing), to_f32(positive)
        t = targets * (1 - s) + s / 2
        weight = torch.tensor(p or 1.0)
        write(out, f"binary_cross_entropy_{name}", "binary_cross_entropy", logits, targets,
              lambda v: F.binary_cross_entropy_with_logits(v, t, pos_weight=weight),
              label_smoothing=s, positive_weight=p)


def write_indexed(out):
    generator = stream("cross entropy")
    y = normal(generator, 6, 5, scale=3)
    big = y.clone()
    big[0] = f32([1e4, -1e4, 0, 1e4, -1e4])
    big[1] = f32([-1e4, -1e4, -1e4, -1e4, 1e4])
    big[3] = f32([88.8, 104, -104, 104, 30])
    big[4] = f32([1e4, -1e4, 0, 50, -50])
    right, beyond = y.clone(), y.clone()
    right[0] = f32([-1e4, -1e4, 0, 1e4, -1e4])
    right[1] = f32([-1e30, -1e4, -1e4, -1e4, 1e30])
    beyond[2] = f32([1e30, -1e30, 1e4, 0, -1e30])
    index = torch.tensor([3, 4, 2, 0, 1, 4])
    unit = f32([1, 1, 1, 1, 1])
    weights = f32([0.5, 2, 1.25, 3, 0.1])
    zeros = f32([0.5, 0, 1.25, 3, 0])
    for name, logits, weight, smoothing in (
            ("plain", y, None, 0), ("extreme", big, None, 0), ("extreme_right", right, None, 0),
            ("beyond", beyond, None, 0), ("weights", y, weights, 0), ("zero_weights", y, zeros, 0),
            ("unit_weights", y, unit, 0), ("smoothing", y, None, 0.1), ("weights_smoothing", y, weights, 0.3),
            ("extreme_weights_smoothing", big, weights, 0.1)):
        s = to_f32(smoothing)
        options = {} if weight is None else {"class_weights": weight}
        write(out, f"cross_entropy_{name}", "cross_entropy", logits, index.double().reshape(-1, 1),
              lambda v: F.cross_entropy(v, index, weight=weight, label_smoothing=s), label_smoothing=s, **options)
    wide, labels = normal(generator, 3, 33, scale=4), torch.tensor([0, 32, 17])
    write(out, "cross_entropy_wide", "cross_entropy", wide, labels.double().reshape(-1, 1),
          lambda v: F.cross_entropy(v, labels))


def write_soft(out):
    generator = stream("soft targets")
    y = normal(generator, 5, 6, scale=3)
    big = y.clone()
    big[0] = f32([1e4, -1e4, 0, 1e4, -1e4, 3])
    beyond = y.clone()
    beyond[1] = f32([1e30, -1e30, 1e4, 0, -1e30, 1e30])
    raw = f32([[generator.random() for _ in range(6)] for _ in range(5)])
    t = f32((raw / raw.sum(1, keepdim=True) * 1024).round() / 1024)
    t[0], t[1], t[2] = f32([0, 0, 1, 0, 0, 0]), f32([0.25, 0, 0, 0.75, 0, 0]), f32([0.5, 0.5, 0, 0, 0, 0])
    weights = f32([0.5, 2, 1.25, 3, 0.1, 1])
    for name, logits, weight, smoothing in (("plain", y, None, 0), ("extreme", big, None, 0), ("beyond", beyond, None, 0),
                                            ("weights", y, weights, 0), ("smoothing", y, None, 0.1), ("all", big, weights, 0.25)):
        s = to_f32(smoothing)
        options = {} if weight is None else {"class_weights": weight}
        write(out, f"cross_entropy_soft_{name}", "cross_entropy_soft", logits, t,
              lambda v: F.cross_entropy(v, t, weight=weight, label_smoothing=s), label_smoothing=s, **options)
    logp = f32(F.log_softmax(y, 1))
    logp[3, 2] = f32(-1e4)
    write(out, "kl_divergence", "kl_divergence", logp, t, lambda v: F.kl_div(v, t, reduction="batchmean"))


def main():
    with Writer("loss", "Losses: the value for y and targets, and its gradient dy with respect to y.") as out:
        write_regressions(out)
        write_binary(out)
        write_indexed(out)
        write_soft(out)


if __name__ == "__main__":
    main()
