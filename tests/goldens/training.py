#!/usr/bin/python3
"""Goldens of whole training runs: training.txt.

Each case is a network with given weights, a pool of rows, and 50 steps on given ranges of the pool. PyTorch runs them in
float64 and the file has the loss of each step before its update, the final weights and what the trained network then
makes of the pool's first rows. The networks are those of test_goldens_training.c, by the same names.

A run is only a golden if float32 can follow it: each is also run in float32, and the generator stops if a loss of that run
is off by more than a fifth of the test's tolerance.
"""

import math

import torch
import torch.nn.functional as F

from golden import Writer, f32, normal, stream, to_f32
from optimizer import rates

STEPS = 50
TOLERANCE = 2e-5  # relative, of each step's loss


class Run:
    """A network, its data, loss and optimizer; the functions of CASES fill it in."""

    def __init__(self, name):
        self.generator = stream("training " + name)
        self.parameters = {}
        self.frozen = set()
        self.l1, self.l2 = {}, {}
        self.clip_norm = self.clip_value = 0
        self.rate, self.decay, self.max_norm = {}, {}, {}  # by layer
        self.rates = None
        self.training = True
        self.shown = lambda y: y  # from the network's output before its last activation to what it predicts

    def dense(self, name, inputs, units, bias=True, gain=1.0):
        self.parameters[name + ".weight"] = normal(self.generator, units, inputs, scale=gain / math.sqrt(inputs), digits=4)
        if bias:
            self.parameters[name + ".bias"] = normal(self.generator, units, scale=0.1)

    def norm(self, name, width, batch, bias=True):
        self.parameters[name + ".weight"] = f32(normal(self.generator, width, scale=0.2) + 1)
        if bias:
            self.parameters[name + ".bias"] = normal(self.generator, width, scale=0.1)
        if batch:
            self.parameters[name + ".running_mean"] = normal(self.generator, width, scale=0.1)
            self.parameters[name + ".running_var"] = f32(1 + normal(self.generator, width, scale=0.1).abs())
            self.frozen |= {name + ".running_mean", name + ".running_var"}

    def data(self, rows, cols, shape=()):
        self.x = normal(self.generator, rows, cols, digits=2)
        self.sample = shape

    def classes(self, count):
        """Class indices that the inputs decide, but not all of them."""
        teacher = normal(self.generator, self.x.shape[1], count)
        noise = normal(self.generator, self.x.shape[0], count)
        self.targets = f32((self.x @ teacher + 1.5 * noise).argmax(1, keepdim=True))

    def numbers(self, count):
        teacher = normal(self.generator, self.x.shape[1], count, scale=0.7)
        noise = normal(self.generator, self.x.shape[0], count, scale=0.4)
        self.targets = f32(((self.x @ teacher).sin() * 2 + noise).mul(1000).round() / 1000)

    def flags(self, count, low):
        teacher = normal(self.generator, self.x.shape[1], count)
        noise = normal(self.generator, self.x.shape[0], count)
        self.targets = torch.where(self.x @ teacher + noise > 0, 1.0, float(low))

    def distributions(self, count):
        """Shares of 1 in sixteenths, some of them 0."""
        rows = []
        for _ in range(self.x.shape[0]):
            shares = [0] * count
            for _ in range(16):
                shares[min(count - 1, int(abs(self.generator.gauss(0, count / 3))))] += 1
            rows.append([s / 16 for s in shares])
        self.targets = f32(rows)

    def batches(self, sizes):
        """Ranges of the pool, one after another and around."""
        self.rows, self.first, at = [], [], 0
        for k in range(STEPS):
            size = sizes[k % len(sizes)]
            if at + size > self.x.shape[0]:
                at = 0
            self.rows.append(size)
            self.first.append(at)
            at += size

    def optimize(self, kind, rate, spare_biases=False, weight_decay=0.0, **options):
        def make(parameters):
            groups = []
            for name, p in parameters:
                layer, spared = name.split(".")[0], spare_biases and not name.endswith(".weight")
                factor, decay = self.rate.get(layer, 1.0), self.decay.get(layer, to_f32(weight_decay))
                groups.append({"params": [p], "factor": factor, "lr": to_f32(rate) * factor,
                               "weight_decay": 0.0 if spared else decay})
            numbers = {k: to_f32(v) if isinstance(v, float) else v for k, v in options.items()}
            return kind(groups, **numbers)
        self.make_optimizer = make


def linear(p, name, x):
    return F.linear(x, p[name + ".weight"], p.get(name + ".bias"))


def batch_norm(r, p, name, x):
    """PyTorch's, which changes the running statistics of p in place."""
    return F.batch_norm(x, p[name + ".running_mean"], p[name + ".running_var"], p[name + ".weight"], p.get(name + ".bias"),
                        r.training)


def layer_norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])


def softmax(z):
    return F.softmax(z, -1)


def index_loss(**options):
    return lambda z, t: F.cross_entropy(z, t[:, 0].long(), **options)


# ---- the cases ---------------------------------------------------------------------------------------------------------


def relu_adam(r):
    r.data(64, 12)
    r.classes(4)
    r.dense("dense1", 12, 24, gain=1.4)
    r.dense("dense2", 24, 16, gain=1.4)
    r.dense("dense3", 16, 4)
    r.forward = lambda p, x: linear(p, "dense3", F.relu(linear(p, "dense2", F.relu(linear(p, "dense1", x)))))
    r.loss = index_loss()
    r.batches([16])
    r.optimize(torch.optim.Adam, 0.01)


def tanh_softmax_momentum(r):
    r.data(60, 10)
    r.classes(5)
    r.dense("dense1", 10, 20)
    r.dense("dense2", 20, 20)
    r.dense("dense3", 20, 5)
    r.forward = lambda p, x: linear(p, "dense3", torch.tanh(linear(p, "dense2", torch.tanh(linear(p, "dense1", x)))))
    r.shown, r.loss = softmax, index_loss()
    r.batches([20])
    r.optimize(torch.optim.SGD, 0.1, momentum=0.9, dampening=0.1, weight_decay=1e-3)


def sigmoid_binary_rmsprop(r):
    r.data(72, 9)
    r.flags(3, 0)
    r.dense("dense1", 9, 18, gain=2)
    r.dense("dense2", 18, 12)
    r.dense("dense3", 12, 3)
    r.forward = lambda p, x: linear(p, "dense3", F.softplus(linear(p, "dense2", torch.sigmoid(linear(p, "dense1", x)))))
    r.shown = torch.sigmoid
    r.loss = lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=torch.tensor(2.0, dtype=z.dtype))
    r.batches([24])
    r.optimize(torch.optim.RMSprop, 0.003, alpha=0.9, momentum=0.5, centered=True, eps=1e-4)


def gelu_huber_adamw(r):
    r.data(60, 8)
    r.numbers(2)
    r.dense("dense1", 8, 16, gain=1.4)
    r.dense("dense2", 16, 16, gain=1.4)
    r.dense("dense3", 16, 2)
    r.forward = lambda p, x: linear(p, "dense3", F.gelu(linear(p, "dense2", F.gelu(linear(p, "dense1", x)))))
    r.loss = lambda z, t: F.huber_loss(z, t, delta=to_f32(0.5))
    r.batches([15])
    r.optimize(torch.optim.AdamW, 0.01, weight_decay=0.1)
    base, final = to_f32(0.01), to_f32(0.001)
    cosine = rates(base, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 45, eta_min=final), STEPS, 45)
    r.rates = [rate * min(1, (k + 1) / 8) for k, rate in enumerate(cosine)]


def deep_nesterov(r):
    r.data(48, 6)
    r.numbers(1)
    sizes = [6, 12, 12, 12, 12, 12, 1]
    for k in range(6):
        r.dense(f"dense{k + 1}", sizes[k], sizes[k + 1])

    def forward(p, x):
        for k, f in enumerate((F.elu, F.selu, lambda v: F.elu(v, 0.5), F.selu, torch.tanh)):
            x = f(linear(p, f"dense{k + 1}", x))
        return linear(p, "dense6", x)
    r.forward = forward
    r.loss = F.mse_loss
    r.batches([12])
    r.optimize(torch.optim.SGD, 0.02, momentum=0.9, nesterov=True)


def slopes_adagrad(r):
    r.data(64, 7)
    r.numbers(3)
    r.dense("dense1", 7, 14, gain=1.4)
    r.dense("dense2", 14, 14, gain=1.4)
    r.parameters["dense2.slope"] = f32([0.25])
    r.dense("dense3", 14, 10, gain=1.4)
    r.parameters["dense3.slope"] = normal(r.generator, 10, scale=0.2)
    r.dense("dense4", 10, 3)

    def forward(p, x):
        x = F.leaky_relu(linear(p, "dense1", x), to_f32(0.1))
        x = F.prelu(linear(p, "dense2", x), p["dense2.slope"])
        x = F.prelu(linear(p, "dense3", x), p["dense3.slope"])
        return linear(p, "dense4", x)
    r.forward = forward
    r.loss = lambda z, t: F.smooth_l1_loss(z, t, beta=to_f32(0.7))
    r.batches([16])
    r.optimize(torch.optim.Adagrad, 0.03, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.05)


def graph_amsgrad(r):
    """Two inputs, one layer on both and once more behind itself, x + x, a skip, a concat of a value with one made of it."""
    r.data(60, 12)
    r.classes(4)
    r.dense("left", 5, 8)
    r.dense("right", 7, 8)
    r.dense("shared", 8, 8)
    r.dense("mixed", 16, 8)
    r.dense("out", 8, 4)

    def forward(p, x):
        left, right = F.mish(linear(p, "left", x[:, :5])), torch.tanh(linear(p, "right", x[:, 5:]))
        a = F.mish(linear(p, "shared", left))
        b = F.mish(linear(p, "shared", right))
        c = F.mish(linear(p, "shared", a))
        both = torch.cat((a + b, c + c), 1)
        h = F.silu(linear(p, "mixed", both)) + right
        return F.log_softmax(linear(p, "out", h), 1)
    r.forward = forward
    r.loss = lambda z, t: F.nll_loss(z, t[:, 0].long())
    r.batches([20])
    r.optimize(torch.optim.Adam, 0.01, betas=(to_f32(0.8), to_f32(0.95)), eps=1e-6, amsgrad=True)


def weighted_classes(r):
    r.data(60, 9)
    r.classes(4)
    r.dense("dense1", 9, 16, bias=False, gain=1.4)
    r.dense("dense2", 16, 12, bias=False, gain=1.4)
    r.dense("dense3", 12, 4)
    r.forward = lambda p, x: linear(p, "dense3", F.silu(linear(p, "dense2", F.silu(linear(p, "dense1", x)))))
    weights = [0.5, 2, 1, 1.25]
    r.loss = lambda z, t: index_loss(weight=torch.tensor(weights, dtype=z.dtype), label_smoothing=to_f32(0.1))(z, t)
    r.batches([20])
    r.optimize(torch.optim.Adam, 0.01, weight_decay=0.02, spare_biases=True)


def penalties_hinge(r):
    r.data(45, 8)
    r.flags(2, -1)
    r.dense("dense1", 8, 14, gain=1.4)
    r.dense("dense2", 14, 10, gain=1.4)
    r.dense("dense3", 10, 2)
    r.forward = lambda p, x: linear(p, "dense3", F.hardswish(linear(p, "dense2", F.softsign(linear(p, "dense1", x)))))
    r.loss = lambda z, t: F.relu(1 - z * t).mean()
    r.l1 = {name: to_f32(0.002) for name in ("dense1", "dense3")}
    r.l2 = {name: to_f32(0.003) for name in ("dense1", "dense3")}
    r.l1["dense2"], r.l2["dense2"] = to_f32(0.002) + to_f32(0.001), to_f32(0.003) + to_f32(0.02)
    r.batches([15])
    r.optimize(torch.optim.SGD, 0.1)


def partial_batches(r):
    r.data(70, 6)
    r.distributions(5)
    r.dense("dense1", 6, 12, gain=1.4)
    r.dense("dense2", 12, 12, gain=1.4)
    r.dense("dense3", 12, 5)

    def forward(p, x):
        x = F.gelu(linear(p, "dense1", x), approximate="tanh")
        x = linear(p, "dense2", x)
        return linear(p, "dense3", x * torch.sigmoid(1.5 * x))
    r.forward, r.shown = forward, softmax
    r.loss = lambda z, t: F.kl_div(F.log_softmax(z, 1), t, reduction="batchmean")
    r.clip_value = to_f32(0.05)
    r.batches([13, 1, 7, 16, 2, 11, 8, 5, 3])
    r.optimize(torch.optim.RMSprop, 0.005, alpha=0.95, eps=1e-3)


def batches_of_one(r):
    r.data(50, 5)
    r.distributions(4)
    r.dense("dense1", 5, 10)
    r.dense("dense2", 10, 10)
    r.dense("dense3", 10, 4)

    def forward(p, x):
        x = linear(p, "dense2", F.mish(linear(p, "dense1", x)))
        return linear(p, "dense3", torch.clamp(x / 6 + 0.5, 0, 1))  # the derivative of F.hardsigmoid is 1/6 in float32
    r.forward, r.shown = forward, softmax
    r.loss = lambda z, t: F.cross_entropy(z, t, label_smoothing=to_f32(0.05))
    r.batches([1])
    r.optimize(torch.optim.SGD, 0.05, momentum=0.8)


def clipped_norm(r):
    r.data(60, 8)
    r.numbers(2)
    r.targets = f32((r.targets * 2000).round() / 1000)
    r.dense("dense1", 8, 16)
    r.dense("dense2", 16, 2)
    r.forward = lambda p, x: linear(p, "dense2", torch.tanh(linear(p, "dense1", x)))
    r.loss = F.mse_loss
    r.clip_norm = to_f32(0.8)
    r.l2 = {"dense1": to_f32(0.01), "dense2": to_f32(0.01)}
    r.batches([12])
    r.optimize(torch.optim.SGD, 0.1, momentum=0.5, weight_decay=0.01)
    r.rates = rates(to_f32(0.1), lambda o: torch.optim.lr_scheduler.StepLR(o, 15, to_f32(0.5)), STEPS)


def frozen_one_cycle(r):
    """Inputs scaled by given numbers, a layer that is not trained, the rate of one cycle."""
    r.data(60, 6)
    r.classes(3)
    r.x = f32((r.x * torch.tensor([1, 10, 0.1, 2, 5, 100.0]) + torch.tensor([0, 5, 1, -3, 0, 50.0])).mul(1000).round() / 1000)
    r.parameters["scale.offset"] = f32([0, 5, 1, -3, 0, 50])
    r.parameters["scale.factor"] = f32([1, 0.1, 10, 0.5, 0.2, 0.01])
    r.parameters["scale.fitted"] = f32([1])
    r.dense("dense1", 6, 12, gain=1.4)
    r.dense("dense2", 12, 12, gain=1.4)
    r.dense("dense3", 12, 3)
    r.frozen = {"scale.offset", "scale.factor", "scale.fitted", "dense2.weight", "dense2.bias"}

    def forward(p, x):
        x = (x - p["scale.offset"]) * p["scale.factor"]
        return linear(p, "dense3", F.elu(linear(p, "dense2", torch.tanh(linear(p, "dense1", x)))))
    r.forward, r.shown, r.loss = forward, softmax, index_loss()
    r.batches([20])
    r.optimize(torch.optim.AdamW, 0.01, weight_decay=0.05, spare_biases=True)
    peak = to_f32(0.02)
    r.rates = rates(to_f32(0.01), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, peak, STEPS, cycle_momentum=False), STEPS, 49)


def sequence(r):
    """Samples of shape (4, 5): a dense layer over the last axis, flattened, reshaped."""
    r.data(48, 20, shape=(4, 5))
    r.classes(3)
    r.dense("dense1", 5, 6, gain=1.4)
    r.dense("dense2", 8, 6, gain=1.4)
    r.dense("dense3", 18, 3)

    def forward(p, x):
        x = F.relu(linear(p, "dense1", x.reshape(-1, 4, 5)))
        x = torch.tanh(linear(p, "dense2", x.reshape(-1, 3, 8)))
        return linear(p, "dense3", x.flatten(1))
    r.forward, r.shown, r.loss = forward, softmax, index_loss()
    r.batches([16])
    r.optimize(torch.optim.Adagrad, 0.05)


def batch_norm_sigmoid(r):
    """Batch normalization before sigmoids, with batches of several sizes."""
    r.data(70, 8)
    r.classes(4)
    r.dense("dense1", 8, 16, bias=False)
    r.norm("batch_norm1", 16, True)
    r.dense("dense2", 16, 12, bias=False)
    r.norm("batch_norm2", 12, True)
    r.dense("dense3", 12, 4)

    def forward(p, x):
        x = torch.sigmoid(batch_norm(r, p, "batch_norm1", linear(p, "dense1", x)))
        x = torch.sigmoid(batch_norm(r, p, "batch_norm2", linear(p, "dense2", x)))
        return linear(p, "dense3", x)
    r.forward, r.shown, r.loss = forward, softmax, index_loss()
    r.batches([16, 20, 9, 16, 5])
    r.optimize(torch.optim.SGD, 0.1, momentum=0.5)


def batch_norm_images(r):
    """Samples (3, 2, 4): a batch norm of three channels, then one of 10 features; no bias before them."""
    r.data(60, 24, shape=(3, 2, 4))
    r.classes(3)
    r.x = f32(((r.x.reshape(60, 3, 8) + torch.tensor([0.0, 2.0, -1.0])[:, None]) * 100).round() / 100).reshape(60, 24)
    r.norm("batch_norm1", 3, True, bias=False)
    r.dense("dense1", 24, 10, bias=False)
    r.norm("batch_norm2", 10, True)
    r.dense("dense2", 10, 3)

    def forward(p, x):
        x = batch_norm(r, p, "batch_norm1", x.reshape(-1, 3, 2, 4)).flatten(1)
        return linear(p, "dense2", F.relu(batch_norm(r, p, "batch_norm2", linear(p, "dense1", x))))
    r.forward, r.loss = forward, index_loss()
    r.batches([20, 12])
    r.optimize(torch.optim.Adam, 0.005)


def groups_max_norm(r):
    """Layers with a rate, a weight decay and a norm of their own, under a schedule."""
    r.data(60, 40)
    r.numbers(2)
    r.dense("dense1", 40, 16, gain=2)
    r.dense("dense2", 16, 12, gain=1.4)
    r.dense("dense3", 12, 2, gain=1.4)
    r.forward = lambda p, x: linear(p, "dense3", torch.tanh(linear(p, "dense2", torch.tanh(linear(p, "dense1", x)))))
    r.loss = F.mse_loss
    r.rate, r.decay = {"dense1": 0.5, "dense3": 2.0}, {"dense2": to_f32(0.05)}
    r.max_norm = {"dense1": 1.5, "dense2": to_f32(1.2), "dense3": 1.5}
    r.batches([15])
    r.optimize(torch.optim.SGD, 0.05, momentum=0.9, weight_decay=0.01, spare_biases=True)
    r.rates = rates(to_f32(0.05), lambda o: torch.optim.lr_scheduler.StepLR(o, 15, to_f32(0.5)), STEPS)


def layer_norm_adamw(r):
    """Layer normalization of features, with a skip around it."""
    r.data(60, 9)
    r.numbers(2)
    r.dense("dense1", 9, 16, gain=1.4)
    r.norm("layer_norm1", 16, False)
    r.dense("dense2", 16, 16, gain=1.4)
    r.norm("layer_norm2", 16, False)
    r.dense("dense3", 16, 2)

    def forward(p, x):
        x = layer_norm(p, "layer_norm1", F.gelu(linear(p, "dense1", x)))
        x = layer_norm(p, "layer_norm2", x + F.gelu(linear(p, "dense2", x)))
        return linear(p, "dense3", x)
    r.forward, r.loss = forward, F.mse_loss
    r.batches([15, 15, 20, 7])
    r.optimize(torch.optim.AdamW, 0.002, weight_decay=0.05)


def wide(r):
    """Large enough for the products of the BLAS."""
    r.data(192, 40)
    r.classes(10)
    r.dense("dense1", 40, 80, gain=1.4)
    r.dense("dense2", 80, 48, gain=1.4)
    r.dense("dense3", 48, 10)
    r.forward = lambda p, x: linear(p, "dense3", F.relu(linear(p, "dense2", F.relu(linear(p, "dense1", x)))))
    r.shown, r.loss = softmax, index_loss()
    r.batches([64])
    r.optimize(torch.optim.Adam, 0.002)


CASES = [relu_adam, tanh_softmax_momentum, sigmoid_binary_rmsprop, gelu_huber_adamw, deep_nesterov, slopes_adagrad,
         graph_amsgrad, weighted_classes, penalties_hinge, partial_batches, batches_of_one, clipped_norm, frozen_one_cycle,
         sequence, batch_norm_sigmoid, batch_norm_images, layer_norm_adamw,
         groups_max_norm, wide]


# ---- running them ------------------------------------------------------------------------------------------------------


def train(r, dtype):
    """The losses of the steps, the final parameters and the prediction for the pool's first rows."""
    p = {name: value.to(dtype, copy=True).requires_grad_(name not in r.frozen) for name, value in r.parameters.items()}
    x, targets = r.x.to(dtype), r.targets.to(dtype)
    trained = [(name, value) for name, value in p.items() if name not in r.frozen]
    optimizer = r.make_optimizer(trained)
    losses = []
    r.training = True
    for k in range(STEPS):
        rows = slice(r.first[k], r.first[k] + r.rows[k])
        optimizer.zero_grad()
        loss = r.loss(r.forward(p, x[rows]), targets[rows])
        losses.append(loss.item())
        for name, value in r.l1.items():
            loss = loss + value * p[name + ".weight"].abs().sum()
        for name, value in r.l2.items():
            loss = loss + value * p[name + ".weight"].square().sum()
        loss.backward()
        if r.clip_norm:
            torch.nn.utils.clip_grad_norm_([v for _, v in trained], r.clip_norm)
        if r.clip_value:
            torch.nn.utils.clip_grad_value_([v for _, v in trained], r.clip_value)
        if r.rates:
            for group in optimizer.param_groups:
                group["lr"] = r.rates[k] * group["factor"]
        optimizer.step()
        for name, limit in r.max_norm.items():
            w = p[name + ".weight"].detach()
            w *= (limit / w.norm(dim=1, keepdim=True)).clamp(max=1)
    r.training = False
    with torch.no_grad():
        prediction = r.shown(r.forward(p, x[:r.rows[0]]))
    return losses, p, prediction


def write(out, make):
    r = Run(make.__name__)
    make(r)
    losses, final, prediction = train(r, torch.float64)
    single, rough, _ = train(r, torch.float32)
    worst = max(abs(a - b) / a for a, b in zip(losses, single))
    weights = max(((final[n] - rough[n]).abs().max() / final[n].abs().max()).item() for n in final)
    print(f"{make.__name__:24} loss {losses[0]:.4f} -> {losses[-1]:.4f}, float32 off by {worst:.1e}, weights by {weights:.1e}")
    if not worst < TOLERANCE / 5:
        raise SystemExit("float32 cannot follow this run")
    out.case(make.__name__)
    if make.__doc__:
        out.comment(" ".join(make.__doc__.split()))
    out.f32("x", r.x)
    out.f32("targets", r.targets)
    out.f32("first", [float(v) for v in r.first])
    out.f32("rows", [float(v) for v in r.rows])
    for name, value in r.parameters.items():
        out.f32(name, value)
    out.f64("losses", losses, digits=14)
    out.f64("prediction", prediction, digits=12)
    for name, value in final.items():
        out.f64("final." + name, value, digits=12)


def main():
    with Writer("training", "Training runs: rows first[k] .. first[k] + rows[k] - 1 of x and targets make step k.") as out:
        for make in CASES:
            write(out, make)


if __name__ == "__main__":
    main()
