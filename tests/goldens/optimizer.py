#!/usr/bin/python3
"""Goldens of optimizers, gradient clipping and learning rate schedules: optimizer.txt.

torch.optim, torch.nn.utils and torch.optim.lr_scheduler in float64. Hyperparameters are rounded to float32, as the library
holds them. Written out here: a schedule after its last step, which keeps its last rate (PyTorch's cosine goes up again, its
one-cycle raises), and the warm-up, which multiplies the rate of the schedule under it by (k + 1) / steps.
"""

import torch

from golden import Writer, f32, normal, stream, to_f32

STEPS = 10
SIZE = 37  # whole vectors of every width, and a remainder

# name: the library's kind, PyTorch's class, options that the library and PyTorch call by the same name
OPTIMIZERS = {
    "sgd": ("sgd", "SGD", {}),
    "sgd_weight_decay": ("sgd", "SGD", {"weight_decay": 0.05}),
    "momentum": ("momentum", "SGD", {"momentum": 0.9}),
    "momentum_dampening": ("momentum", "SGD", {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
    "nesterov": ("nesterov", "SGD", {"momentum": 0.9, "nesterov": True}),
    "nesterov_weight_decay": ("nesterov", "SGD", {"momentum": 0.95, "nesterov": True, "weight_decay": 0.1}),
    "adagrad": ("adagrad", "Adagrad", {"eps": 1e-10}),
    "adagrad_decay": ("adagrad", "Adagrad", {"lr_decay": 0.2, "weight_decay": 0.05, "eps": 1e-10}),
    "adagrad_accumulator": ("adagrad", "Adagrad", {"initial_accumulator_value": 0.1, "eps": 1e-4}),
    "rmsprop": ("rmsprop", "RMSprop", {"alpha": 0.99, "eps": 1e-8}),
    "rmsprop_momentum": ("rmsprop", "RMSprop", {"alpha": 0.9, "eps": 1e-8, "momentum": 0.9, "weight_decay": 0.02}),
    "rmsprop_centered": ("rmsprop", "RMSprop", {"alpha": 0.9, "eps": 1e-3, "centered": True}),
    "rmsprop_all": ("rmsprop", "RMSprop", {"alpha": 0.95, "eps": 1e-2, "momentum": 0.5, "centered": True,
                                           "weight_decay": 0.1}),
    "adam": ("adam", "Adam", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "adam_betas": ("adam", "Adam", {"beta1": 0.5, "beta2": 0.9, "eps": 1e-4, "weight_decay": 0.1}),
    "adam_no_beta1": ("adam", "Adam", {"beta1": 0, "beta2": 0.99, "eps": 1e-8}),
    "adam_amsgrad": ("adam", "Adam", {"beta1": 0.9, "beta2": 0.5, "eps": 1e-8, "amsgrad": True}),
    "adam_amsgrad_decay": ("adam", "Adam", {"beta1": 0.9, "beta2": 0.9, "eps": 1e-6, "amsgrad": True,
                                            "weight_decay": 0.05}),
    "adamw": ("adamw", "AdamW", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}),
    "adamw_decay": ("adamw", "AdamW", {"beta1": 0.8, "beta2": 0.95, "eps": 1e-5, "weight_decay": 2}),
    "adadelta": ("adadelta", "Adadelta", {"rho": 0.9, "eps": 1e-6}),
    "adadelta_decay": ("adadelta", "Adadelta", {"rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    "adamax": ("adamax", "Adamax", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "adamax_decay": ("adamax", "Adamax", {"beta1": 0.6, "beta2": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    "nadam": ("nadam", "NAdam", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum_decay": 4e-3}),
    "nadam_decay": ("nadam", "NAdam", {"beta1": 0.6, "beta2": 0.8, "eps": 1e-4, "momentum_decay": 2, "weight_decay": 0.1}),
    "radam": ("radam", "RAdam", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "radam_decay": ("radam", "RAdam", {"beta1": 0.6, "beta2": 0.9, "eps": 1e-4, "weight_decay": 0.1}),
    "lion": ("lion", "Lion", {"beta1": 0.9, "beta2": 0.99}),
    "lion_decay": ("lion", "Lion", {"beta1": 0.6, "beta2": 0.8, "weight_decay": 0.5}),
    "rprop": ("rprop", "Rprop", {"eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50}),
    "rprop_bounds": ("rprop", "Rprop", {"eta_minus": 0.3, "eta_plus": 1.5, "step_min": 0.05, "step_max": 0.3}),
    "adamw_amsgrad": ("adamw", "AdamW", {"beta1": 0.9, "beta2": 0.5, "eps": 1e-8, "weight_decay": 0.5, "amsgrad": True}),
}
RATES = {"SGD": 0.1, "Adagrad": 0.1, "RMSprop": 0.02, "Adam": 0.05, "AdamW": 0.05, "Adadelta": 1, "Adamax": 0.05,
         "NAdam": 0.05, "RAdam": 0.05, "Lion": 0.01, "Rprop": 0.1}
OUR_NAME = {"eps": "epsilon", "rho": "alpha", "lr_decay": "learning_rate_decay", "initial_accumulator_value": "initial_accumulator"}


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2; PyTorch has none."""

    def __init__(self, params, lr, betas, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                beta1, beta2 = group["betas"]
                direction = (beta1 * m + (1 - beta1) * p.grad).sign()
                p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


class NAdam(torch.optim.Optimizer):
    """PyTorch 2's. The one of 1.x multiplies the next product by mu twice; `twice` does so too, to be compared with it."""

    def __init__(self, params, lr, betas, eps, momentum_decay, weight_decay=0.0, twice=False):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, decay=momentum_decay, weight_decay=weight_decay))
        self.twice = twice

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state[p]
                if not s:
                    s.update(t=0, product=1.0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                (beta1, beta2), s["t"] = group["betas"], s["t"] + 1
                mu, after = (beta1 * (1 - 0.5 * 0.96 ** (t * group["decay"])) for t in (s["t"], s["t"] + 1))
                s["product"] *= mu
                g = p.grad + group["weight_decay"] * p
                s["m"].mul_(beta1).add_(g, alpha=1 - beta1)
                s["v"].mul_(beta2).add_(g * g, alpha=1 - beta2)
                size = (s["v"] / (1 - beta2 ** s["t"])).sqrt() + group["eps"]
                p.sub_(group["lr"] * (1 - mu) / (1 - s["product"]) * g / size)
                p.sub_(group["lr"] * after / (1 - s["product"] * after * (mu if self.twice else 1)) * s["m"] / size)


OWN = {"Lion": Lion, "NAdam": NAdam}


def path_of(make, start, g):
    w = start.clone().requires_grad_()
    optimizer = make([w])
    path = []
    for k in range(STEPS):
        w.grad = g[k].clone()
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


def check_nadam(start, g):
    options = dict(lr=0.05, betas=(0.9, 0.99), eps=1e-8, momentum_decay=0.1, weight_decay=0.1)
    theirs = path_of(lambda p: torch.optim.NAdam(p, **options), start, g)
    ours = [path_of(lambda p: NAdam(p, twice=twice, **options), start, g) for twice in (False, True)]
    if min((theirs - path).abs().max() for path in ours) > 1e-12:
        raise SystemExit("NAdam is not PyTorch's")


def gradients(generator):
    """Usual numbers, and columns of zeros, of large and tiny ones, of a sign that alternates and of a burst."""
    g = normal(generator, STEPS, SIZE)
    g[:, 3] = 0
    g[:, 5] *= 1e4
    g[:, 7] *= 1e-6
    g[:, 9] *= 1e-12
    g[:, 11] = f32([0.5 * (-1) ** k for k in range(STEPS)])
    g[:, 13] = f32([1000.0 if k == 2 else 0.01 for k in range(STEPS)])
    g[:, 15] = f32([1.0] + [0.0] * (STEPS - 1))
    return f32(g)


def write_optimizer(out, name, start, g):
    kind, torch_name, given = OPTIMIZERS[name]
    options = {key: to_f32(value) if not isinstance(value, bool) else value for key, value in given.items()}
    rate = to_f32(RATES[torch_name])
    arguments = dict(options)
    if "beta1" in arguments:
        arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
    if "eta_minus" in arguments:
        arguments["etas"] = (arguments.pop("eta_minus"), arguments.pop("eta_plus"))
        arguments["step_sizes"] = (arguments.pop("step_min"), arguments.pop("step_max"))
    kind_of = OWN.get(torch_name) or getattr(torch.optim, torch_name)
    path = path_of(lambda p: kind_of(p, lr=rate, **arguments), start, g)
    out.case(name)
    out.text("kind", kind)
    out.f32("learning_rate", rate)
    for key, value in options.items():
        out.f32(OUR_NAME.get(key, key), float(value))
    out.f64("path", path, digits=13)


def write_clipping(out, start, g):
    """Ten SGD steps with gradients clipped by norm, by value and both, with and without penalties."""
    for name, norm, value, l1, l2, decay in (
            ("clip_norm", 2, 0, 0, 0, 0), ("clip_norm_idle", 1e9, 0, 0, 0, 0), ("clip_value", 0, 0.5, 0, 0, 0),
            ("clip_both", 3, 0.25, 0, 0, 0), ("penalties", 0, 0, 0.1, 0.2, 0), ("clip_all", 2.5, 0.4, 0.1, 0.2, 0.3)):
        norm, value, l1, l2, decay = (to_f32(v) for v in (norm, value, l1, l2, decay))
        rate = to_f32(0.1)
        w = start.clone().requires_grad_()
        optimizer = torch.optim.SGD([w], lr=rate, weight_decay=decay)
        path, norms = [], []
        for k in range(STEPS):
            optimizer.zero_grad()
            ((w * g[k]).sum() + l1 * w.abs().sum() + l2 * w.square().sum()).backward()
            norms.append(w.grad.norm().item())
            if norm:
                torch.nn.utils.clip_grad_norm_([w], norm)
            if value:
                torch.nn.utils.clip_grad_value_([w], value)
            optimizer.step()
            path.append(w.detach().clone())
        out.case(name)
        out.text("kind", "clipping")
        for key, number in (("clip_norm", norm), ("clip_value", value), ("l1", l1), ("l2", l2), ("weight_decay", decay),
                            ("learning_rate", rate)):
            out.f32(key, number)
        out.f64("norms", norms)
        out.f64("path", torch.stack(path), digits=13)


def rates(base, make, count, last=None):
    """The rates of updates 0 .. count - 1; after update `last` the rate stays."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = make(optimizer)
    found = []
    for k in range(count):
        if last is not None and k > last:
            found.append(found[-1])
            continue
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if last is None or k < last:
            schedule.step()
    return found


def write_schedules(out):
    S = torch.optim.lr_scheduler
    base, count = to_f32(0.05), 60
    factor, slow, final, peak = to_f32(0.3), to_f32(0.93), to_f32(0.002), to_f32(0.4)
    plain = {
        "step_decay": ("step_decay", 7, factor, rates(base, lambda o: S.StepLR(o, 7, factor), count)),
        "exponential_decay": ("exponential_decay", 0, slow, rates(base, lambda o: S.ExponentialLR(o, slow), count)),
        "cosine_decay": ("cosine_decay", 40, final,
                         rates(base, lambda o: S.CosineAnnealingLR(o, 40, eta_min=final), count, 40)),
        "cosine_decay_to_0": ("cosine_decay", 60, 0, rates(base, lambda o: S.CosineAnnealingLR(o, 60), count, 60)),
        "one_cycle": ("one_cycle", 50, peak,
                      rates(base, lambda o: S.OneCycleLR(o, peak, total_steps=50, cycle_momentum=False), count, 49)),
        "one_cycle_short": ("one_cycle", 13, peak,
                            rates(base, lambda o: S.OneCycleLR(o, peak, total_steps=13, cycle_momentum=False), 20, 12)),
        "polynomial_decay": ("polynomial_decay", 40, to_f32(1.7),
                             rates(base, lambda o: S.PolynomialLR(o, 40, to_f32(1.7)), count)),
        "polynomial_decay_linear": ("polynomial_decay", 60, 1, rates(base, lambda o: S.PolynomialLR(o, 60, 1), count)),
        "cosine_restarts": ("cosine_restarts", 13, final,
                            rates(base, lambda o: S.CosineAnnealingWarmRestarts(o, 13, 1, final), count)),
        "cosine_restarts_longer": ("cosine_restarts", 7, 0,
                                   rates(base, lambda o: S.CosineAnnealingWarmRestarts(o, 7, 2), count)),
        "constant_rate": ("constant_rate", 0, 0, [base] * count),
    }
    for name, (kind, steps, number, found) in plain.items():
        for warmup in (0, 9):
            if warmup:
                ramp = rates(1.0, lambda o: S.LambdaLR(o, lambda k: min(1.0, (k + 1) / warmup)), len(found))
                found = [r * f for r, f in zip(found, ramp)]
            out.case(name + ("_warmup" if warmup else ""))
            out.text("kind", kind)
            for key, value in (("base", base), ("steps", steps), ("factor", number), ("warmup", warmup)):
                out.f32(key, float(value))
            if kind == "cosine_restarts":
                out.f32("multiple", 2.0 if name.endswith("longer") else 1.0)
            out.f64("rates", found, digits=15)


def write_plateau(out):
    generator = stream("plateau")
    falling = [1 / (1 + 0.1 * k) for k in range(15)]
    metrics = falling + [falling[-1] * (1 - 5e-5 * (k % 3)) for k in range(15)]  # below the threshold of 1e-4
    metrics += [falling[-1] * (0.99 - 0.01 * k) for k in range(8)] + [round(generator.uniform(0.3, 0.5), 3) for _ in range(22)]
    for patience, factor in ((3, 0.5), (0, 0.9), (10, 0.1)):
        base, number = to_f32(0.05), to_f32(factor)
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=number, patience=patience, eps=0)
        found = []
        for metric in metrics:
            schedule.step(metric)
            found.append(optimizer.param_groups[0]["lr"])
        out.case(f"plateau_{patience}")
        out.text("kind", "reduce_on_plateau")
        for key, value in (("base", base), ("steps", patience), ("factor", number)):
            out.f32(key, float(value))
        out.f64("metrics", metrics)
        out.f64("rates", found, digits=15)


def main():
    with Writer("optimizer", "Optimizers, clipping, schedules.") as out:
        generator = stream("optimizer")
        start, g = normal(generator, SIZE), gradients(generator)
        start[1:12:5] = 0
        out.case("given")
        out.comment("weights before the first step, and the gradient of each step, of every optimizer and clipping")
        out.f32("start", start)
        out.f32("gradients", g)
        check_nadam(start, g)
        for name in OPTIMIZERS:
            write_optimizer(out, name, start, g)
        calm = g.clone()
        calm[:, 5], calm[:, 13] = f32(g[:, 5] / 1e4), f32(g[:, 13] / 100)
        out.case("given_clipping")
        out.f32("gradients", calm)
        write_clipping(out, start, calm)
        write_schedules(out)
        write_plateau(out)


if __name__ == "__main__":
    main()
