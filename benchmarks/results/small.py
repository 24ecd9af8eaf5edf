"""scikit-learn's MLP on the five small sets, in the same five folds as small.c: usage: small.py data-folder

Row k of its class (of the data, for a regression), counted from 0, is tested in fold k % 5. Means over five seeds.
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
print("scikit-learn", sklearn.__version__)
for name in ("iris", "wine", "breast_cancer", "digits", "diabetes"):
    with open(f"{sys.argv[1]}/{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = numpy.array([row[:-1] for row in rows], dtype=float)
    y = [row[-1] for row in rows]
    regression = name == "diabetes"
    if regression:
        y = numpy.array(y, dtype=float)
    seen, fold = {}, []
    for label in y:
        key = 0 if regression else label
        fold.append(seen.get(key, 0) % 5)
        seen[key] = seen.get(key, 0) + 1
    y, fold = numpy.array(y), numpy.array(fold)
    kind, score = (MLPRegressor, r2_score) if regression else (MLPClassifier, accuracy_score)
    figures = []
    for seed in range(1, 6):
        parts = []
        for k in range(5):
            model = make_pipeline(StandardScaler(), kind(max_iter=1000, random_state=seed))
            model.fit(x[fold != k], y[fold != k])
            parts.append(score(y[fold == k], model.predict(x[fold == k])))
        figures.append(numpy.mean(parts))
    print(f"{name:14} {numpy.mean(figures):.4f} +- {numpy.std(figures, ddof=1):.4f}", flush=True)
