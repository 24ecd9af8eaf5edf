"""Metrics against scikit-learn, in float64, with weights of rows and ties; calibration error by its definition."""

import warnings

import numpy
import torch
from sklearn import metrics

from golden import Writer, f32, normal, stream

warnings.filterwarnings("ignore")


def calibration_error(confidence, right, weights, bins):
    """Guo et al. 2017: bins (k / bins, (k + 1) / bins], the weighted mean of |accuracy - confidence|."""
    place = numpy.clip(numpy.ceil(confidence * bins) - 1, 0, bins - 1)
    total = 0.0
    for b in range(bins):
        inside = place == b
        if weights[inside].sum() > 0:
            w = weights[inside]
            total += w.sum() * abs(numpy.average(right[inside], weights=w) - numpy.average(confidence[inside], weights=w))
    return total / weights.sum()


def rounded(values, step):
    """Multiples of a power of two, so that there are ties."""
    return torch.round(values / step) * step


def write(out, name, y, t, w, values, several=False):
    out.case(name)
    out.f32("y", y)
    out.f32("targets", t)
    out.f32("weights", w)
    out.f64("several", float(several))
    for metric, value in values.items():
        out.f64(metric, float(value))


def weights_of(g, rows, kind):
    return torch.ones(rows) if kind == "plain" else f32([g.choice([0.0, 0.5, 1.0, 2.25]) for _ in range(rows)])


def binary(out, g, kind, step):
    rows = 60
    t = f32([float(g.random() < 0.4) for _ in range(rows)])
    p = torch.sigmoid(normal(g, rows) + 1.2 * (t - 0.5)).clamp(0.01, 0.99)
    p = f32(rounded(p, step) if step else p).clamp(2.0**-10, 1 - 2.0**-10)
    w = weights_of(g, rows, kind)
    P, T, W = p.numpy(), t.numpy(), w.numpy()
    yes = (P > 0.5).astype(float)
    confidence = numpy.maximum(P, 1 - P)
    write(out, f"binary_{kind}_{'ties' if step else 'fine'}", p.reshape(-1, 1), t.reshape(-1, 1), w, {
        "accuracy": metrics.accuracy_score(T, yes, sample_weight=W),
        "balanced_accuracy": metrics.balanced_accuracy_score(T, yes, sample_weight=W),
        "precision": metrics.precision_score(T, yes, sample_weight=W),
        "recall": metrics.recall_score(T, yes, sample_weight=W),
        "f1": metrics.f1_score(T, yes, sample_weight=W),
        "log_loss": metrics.log_loss(T, P, sample_weight=W),
        "roc_auc": metrics.roc_auc_score(T, P, sample_weight=W),
        "average_precision": metrics.average_precision_score(T, P, sample_weight=W),
        "calibration_error": calibration_error(confidence, yes == T, W, 15),
    })


def classes(out, g, kind, step):
    rows, n = 80, 5
    t = torch.tensor([float(g.randrange(n)) for _ in range(rows)])
    logits = normal(g, rows, n)
    logits[torch.arange(rows), t.long()] += 1
    p = torch.softmax(logits, 1)
    p = f32(rounded(p, step) if step else p)
    w = weights_of(g, rows, kind)
    P, T, W = p.numpy(), t.numpy().astype(int), w.numpy()
    best, labels = P.argmax(1), list(range(n))
    clipped = numpy.clip(P, 2.0**-23, 1 - 2.0**-23)
    hot = numpy.eye(n)[T]
    kept = W > 0
    macro = {"average": "macro", "labels": labels, "zero_division": 0, "sample_weight": W}
    auc = [metrics.roc_auc_score(hot[kept, c], P[kept, c], sample_weight=W[kept]) for c in labels]
    ap = [metrics.average_precision_score(hot[kept, c], P[kept, c], sample_weight=W[kept]) for c in labels]
    values = {
        "accuracy": metrics.accuracy_score(T, best, sample_weight=W),
        "balanced_accuracy": metrics.balanced_accuracy_score(T, best, sample_weight=W),
        "precision": metrics.precision_score(T, best, **macro),
        "recall": metrics.recall_score(T, best, **macro),
        "f1": metrics.f1_score(T, best, **macro),
        "log_loss": metrics.log_loss(T, clipped, labels=labels, sample_weight=W),
        "roc_auc": numpy.mean(auc),
        "average_precision": numpy.mean(ap),
        "calibration_error": calibration_error(P.max(1), best == T, W, 15),
    }
    for k in (1, 2, 4):
        values[f"top_{k}_accuracy"] = metrics.top_k_accuracy_score(T, P, k=k, labels=labels, sample_weight=W)
    if kind == "plain" and not step:  # what the mean is called there; it wants rows that add up to 1
        exact = P / P.sum(1, keepdims=True)
        assert abs(metrics.roc_auc_score(T, exact, multi_class="ovr", average="macro") - numpy.mean(auc)) < 1e-3
        assert abs(metrics.average_precision_score(hot, P, average="macro") - numpy.mean(ap)) < 1e-15
    write(out, f"classes_{kind}_{'ties' if step else 'fine'}", p, t.reshape(-1, 1), w, values)


def several(out, g, kind):
    rows, n = 50, 3
    t = torch.tensor([[float(g.random() < 0.4) for _ in range(n)] for _ in range(rows)])
    p = f32(rounded(torch.sigmoid(normal(g, rows, n) + t - 0.5), 2.0**-5).clamp(2.0**-10, 1 - 2.0**-10))
    w = weights_of(g, rows, kind)
    P, T, W = p.numpy(), t.numpy().astype(int), w.numpy()
    yes = (P > 0.5).astype(int)
    macro = {"average": "macro", "zero_division": 0, "sample_weight": W}
    each = numpy.repeat(W, n)
    write(out, f"several_{kind}", p, t, w, {
        "accuracy": metrics.accuracy_score(T.ravel(), yes.ravel(), sample_weight=each),
        "precision": metrics.precision_score(T, yes, **macro),
        "recall": metrics.recall_score(T, yes, **macro),
        "f1": metrics.f1_score(T, yes, **macro),
        "log_loss": metrics.log_loss(T.ravel(), P.ravel(), sample_weight=each),
        "roc_auc": metrics.roc_auc_score(T, P, average="macro", sample_weight=W),
        "average_precision": metrics.average_precision_score(T, P, average="macro", sample_weight=W),
        "calibration_error": calibration_error(
            numpy.maximum(P, 1 - P).ravel(), yes.ravel() == T.ravel(), each, 15),
    }, several=True)


def numbers(out, g, kind, columns):
    rows = 40
    t = normal(g, rows, columns, scale=3) + 2
    t = f32(t)
    y = f32(t + normal(g, rows, columns, scale=0.7))
    w = weights_of(g, rows, kind)
    Y, T, W = y.numpy(), t.numpy(), w.numpy()
    mse = metrics.mean_squared_error(T, Y, sample_weight=W)
    write(out, f"numbers_{kind}_{columns}", y, t, w, {
        "r2": metrics.r2_score(T, Y, sample_weight=W),
        "mae": metrics.mean_absolute_error(T, Y, sample_weight=W),
        "mape": metrics.mean_absolute_percentage_error(T, Y, sample_weight=W),
        "mse": mse,
        "rmse": mse**0.5,
    })


with Writer("metric", "Metrics of outputs y beside targets, with weights of rows.") as out:
    g = stream("metric")
    for kind in ("plain", "weighted"):
        for step in (0, 2.0**-4):
            binary(out, g, kind, step)
            classes(out, g, kind, step)
        several(out, g, kind)
        numbers(out, g, kind, 1)
        numbers(out, g, kind, 3)
