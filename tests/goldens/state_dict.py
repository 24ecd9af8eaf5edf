"""state_dict.safetensors: the state_dict of a PyTorch network as its users save it, in several types, and what it computes.
Written with the standard library, as the safetensors package is not everywhere: python3 state_dict.py"""
import json
import pathlib
import struct

import torch

torch.manual_seed(7)
network = torch.nn.Sequential()
network.add_module("fc1", torch.nn.Linear(4, 6))
network.add_module("norm", torch.nn.BatchNorm1d(6))
network.add_module("act", torch.nn.PReLU())
network.add_module("fc2", torch.nn.Linear(6, 3))
network.train()
for _ in range(5):  # running statistics that are not the first ones
    network(torch.randn(16, 4) * 2 + 1)
network.eval()

names = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
types = {"net.fc2.weight": torch.float64, "net.fc2.bias": torch.float16, "net.norm.weight": torch.bfloat16}
tensors = {}
for name, tensor in network.state_dict(prefix="net.").items():
    tensor.copy_(tensor.to(types.get(name, tensor.dtype)))  # the network computes with what the file will hold
    tensors[name] = tensor.to(types.get(name, tensor.dtype))

header, data = {"__metadata__": {"format": "pt"}}, b""
for name in sorted(tensors, reverse=True):
    tensor = tensors[name].contiguous()
    raw = bytes(tensor.view(torch.int16).numpy().tobytes() if tensor.dtype == torch.bfloat16 else tensor.numpy().tobytes())
    header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(dict(sorted(header.items())), indent=1).encode()  # spaces, and another order than that of the data
here = pathlib.Path(__file__).parent
(here / "state_dict.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)

x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
y = network.double()(x)
(here / "state_dict.txt").write_text("".join(f"{float(v)!r}\n" for v in y.flatten()))
