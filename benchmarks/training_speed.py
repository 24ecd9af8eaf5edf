"""PyTorch's rows beside those of training_speed: the same cases, the same columns.

    training_speed --csv --threads 1 --pin > ours.csv
    python3 training_speed.py --threads 1 --bound ours.csv [--filter TEXT] [--min-time SECONDS]

Without --bound the ratio is nan. Run it when the machine is at rest; unlike the program's rows these are not measured by turns.
"""
import argparse
import csv
import time

import torch
from torch import nn

NETWORKS = {
    "T": ([4, 16, 3], nn.Tanh),
    "S": ([64, 128, 64, 10], nn.ReLU),
    "M": ([784, 512, 512, 10], nn.ReLU),
    "L": ([1024, 2048, 2048, 2048, 1000], nn.GELU),
    "D": ([784] + [128] * 8 + [10], nn.Tanh),
}
CASES = ["T_b1_sgd", "T_b32_sgd", "S_b32_adam", "S_b32_sgd", "M_b32_adam", "M_b32_sgd", "M_b128_adam", "M_b128_sgd",
         "M_b512_adam", "M_b512_sgd", "L_b256_adam", "D_b64_adam"]


def make_step(case):
    """A function that trains one prepared batch, and the batch's rows."""
    name, batch, optimizer = case.split("_")
    sizes, activation = NETWORKS[name]
    rows = int(batch[1:])
    layers = []
    for inputs, units in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, units), activation()]
    model = nn.Sequential(*layers[:-1])
    descent = (torch.optim.Adam(model.parameters(), 1e-3) if optimizer == "adam" else
               torch.optim.SGD(model.parameters(), 0.01))
    loss = nn.CrossEntropyLoss()
    x = torch.randn(rows, sizes[0])
    targets = torch.arange(rows) * 7 % sizes[-1]

    def step():
        descent.zero_grad()
        loss(model(x), targets).backward()
        descent.step()

    return step, rows


def measure(case, min_time):
    """Samples per second of chunks of some 20 ms: median, minimum, maximum, and by the 10 % quantile of the times."""
    step, rows = make_step(case)
    step()
    start = time.perf_counter()
    step()
    count = max(1, int(0.02 / (time.perf_counter() - start)))
    times = []
    end = time.perf_counter() + min_time
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        for _ in range(count):
            step()
        times.append((time.perf_counter() - start) / count)
    times.sort()
    return [rows / times[len(times) // 2], rows / times[-1], rows / times[0], rows / times[len(times) // 10]]


def read_bounds(path):
    if not path:
        return {}
    with open(path, newline="") as file:
        return {(row["case"], row["threads"]): float(row["undisturbed"])
                for row in csv.DictReader(file) if row["row"] == "bound"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--filter", default="")
    parser.add_argument("--min-time", type=float, default=0.5)
    parser.add_argument("--bound")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    bounds = read_bounds(options.bound)
    print("case,threads,kernels,row,median,minimum,maximum,undisturbed,ratio_to_bound")
    for case in CASES:
        if options.filter in case:
            speeds = measure(case, options.min_time)
            ratio = speeds[-1] / bounds.get((case, str(options.threads)), float("nan"))
            print(f"{case},{options.threads},torch,pytorch," + ",".join(f"{s:.6g}" for s in speeds) + f",{ratio:.4f}",
                  flush=True)


if __name__ == "__main__":
    main()
