"""scikit-learn's MLP on the five small sets, in the folds of small.c. Usage:

benchmark_results small_folds data-folder | small.py data-folder [set ...]

Standardized inputs, the estimators' defaults but for 1000 iterations. Prints the mean and standard deviation over the
repeats of the five folds.
"""

import csv
import sys
import warnings

import numpy
import sklearn
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
folds = {}  # of a set and a repeat: row -> fold
for name, repeat, fold, row in csv.reader(sys.stdin):
    folds.setdefault(name, {}).setdefault(int(repeat), {})[int(row)] = int(fold)

print("scikit-learn", sklearn.__version__)
for name in sys.argv[2:] or folds:
    with open(f"{sys.argv[1]}/{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = numpy.array([row[:-1] for row in rows], dtype=float)
    regression = name == "diabetes"
    y = numpy.array([row[-1] for row in rows], dtype=float if regression else str)
    kind, score = (MLPRegressor, r2_score) if regression else (MLPClassifier, accuracy_score)
    figures = []
    for repeat, of_row in sorted(folds[name].items()):
        fold = numpy.array([of_row[i] for i in range(len(y))])
        parts = []
        for k in range(5):
            model = make_pipeline(StandardScaler(), kind(max_iter=1000, random_state=repeat))
            model.fit(x[fold != k], y[fold != k])
            parts.append(score(y[fold == k], model.predict(x[fold == k])))
        figures.append(numpy.mean(parts))
    print(f"{name:14} {numpy.mean(figures):.4f} +- {numpy.std(figures, ddof=1):.4f}", flush=True)
