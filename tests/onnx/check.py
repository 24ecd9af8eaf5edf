"""Asks ONNX's own checker about every .onnx file of a folder. Exit status 77: there is no checker here."""
import pathlib
import sys

try:
    import onnx
except ImportError:
    sys.exit(77)

files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
bad = 0
for path in files:
    try:
        onnx.checker.check_model(onnx.load(str(path)), full_check=True)  # shapes are inferred and compared too
    except Exception as reason:
        print(f"{path.name}: {reason}")
        bad += 1
print(f"{len(files)} files, {bad} refused")
sys.exit(1 if bad or not files else 0)
