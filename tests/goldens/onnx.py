"""Feedforward networks as PyTorch writes them to ONNX: tests/onnx/*.onnx, and inputs and outputs of each in onnx.txt."""
import pathlib
import warnings

import torch
from torch import nn

import golden

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.float32)
FOLDER = pathlib.Path(__file__).parent.parent / "onnx"


class Residual(nn.Module):
    """A skip connection, a branch that is concatenated, and one layer used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(12, 3)

    def forward(self, x):
        h = torch.relu(self.first(x))
        a = self.again(h) + h
        return self.last(torch.cat([a, torch.tanh(self.again(a))], dim=1))


class Tokens(nn.Module):
    """Sequences: Linear becomes MatMul and Add there."""

    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(4), nn.Linear(4, 7), nn.Linear(7, 4, bias=False)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Scaled(nn.Module):
    """Standardized inputs, as an export of a whole pipeline has them."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, -2.0, 0.5]))
        self.register_buffer("deviation", torch.tensor([2.0, 0.5, 4.0]))
        self.out = nn.Linear(3, 2)

    def forward(self, x):
        return torch.sigmoid(self.out((x - self.mean) / self.deviation))


def chain(*between):
    return nn.Sequential(nn.Linear(4, 6), *between, nn.Linear(6, 3))


MODELS = {
    "relu": (lambda: chain(nn.ReLU()), (4,)),
    "classes": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Softmax(dim=-1)), (2, 3)),
    "gelu": (lambda: chain(nn.GELU()), (4,)),
    "gelu_tanh": (lambda: chain(nn.GELU(approximate="tanh")), (4,)),
    "silu": (lambda: chain(nn.SiLU()), (4,)),
    "mish": (lambda: chain(nn.Mish()), (4,)),
    "norms": (lambda: chain(nn.LayerNorm(6), nn.ELU(0.7), nn.BatchNorm1d(6), nn.LeakyReLU(0.2)), (4,)),
    "others": (lambda: chain(nn.PReLU(), nn.Softplus(), nn.Softsign(), nn.SELU(), nn.Hardsigmoid(), nn.Hardswish(), nn.LogSoftmax(dim=-1)), (4,)),
    "per_unit": (lambda: chain(nn.PReLU(6)), (4,)),
    "residual": (Residual, (5,)),
    "tokens": (Tokens, (3, 4)),
    "scaled": (Scaled, (3,)),
}


def make_model(name, make):
    torch.manual_seed(len(name))
    model = make()
    for value in model.state_dict().values():
        if value.dtype.is_floating_point and name != "scaled":
            value += 0.1 * torch.rand_like(value)
    return model.eval()


def main():
    with golden.Writer("onnx", "Outputs y for inputs x of the networks in tests/onnx.") as writer:
        for name, (make, shape) in MODELS.items():
            model, x = make_model(name, make), golden.normal(golden.stream(name), 5, *shape)
            for opset in (13, 15, 16, 17) if name in ("relu", "norms", "tokens") else (13, 17):
                torch.onnx.export(model, x.float(), str(FOLDER / f"{name}_{opset}.onnx"), opset_version=opset,
                                  input_names=["x"], output_names=["y"],
                                  dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})
            writer.case(name)
            writer.f32("x", x.reshape(5, -1))
            writer.f64("y", model.double()(x).detach().reshape(5, -1))


if __name__ == "__main__":
    main()
