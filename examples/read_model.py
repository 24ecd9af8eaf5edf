"""Reads a model file with numpy alone: python3 read_model.py FILE. See docs/formats.md."""
import json, sys
import numpy as np

raw = open(sys.argv[1], "rb").read()
length = int.from_bytes(raw[:8], "little")
header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
model = json.loads(header.pop("__metadata__")["ffn.model"])
types = {"F32": "<f4", "F64": "<f8"}
tensors = {name: np.frombuffer(data[slice(*t["data_offsets"])], types[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}

for layer in model["layers"]:
    print(layer["name"], layer["kind"], layer["config"])
for name, values in tensors.items():
    print(name, values.shape, float(values.mean(dtype="f8")))
