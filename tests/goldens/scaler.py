"""Scalers against scikit-learn: RobustScaler and QuantileTransformer with normal output."""

import warnings

import numpy
import torch
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from golden import Writer, normal, stream

warnings.filterwarnings("ignore")

with Writer("scaler", "Scalers fitted to x: what they make of x and of other rows.") as out:
    g = stream("scaler")
    x = normal(g, 60, 4, digits=2)
    x[:, 1] = torch.round(x[:, 1] * 2) / 2  # ties
    x[:, 2] = torch.exp(x[:, 2]).to(torch.float32).to(torch.float64)
    x[:, 3] = torch.where(x[:, 3] > 1, x[:, 3], torch.tensor(1.0))  # many of the lowest
    other = torch.cat([normal(g, 20, 4, scale=1.5, digits=2), x[:3]])
    for name, scaler in (
        ("robust", RobustScaler()),
        ("quantile_normal", QuantileTransformer(n_quantiles=11, output_distribution="normal", subsample=10**9)),
        ("quantile_normal_fine", QuantileTransformer(n_quantiles=24, output_distribution="normal", subsample=10**9)),
    ):
        scaler.fit(x.numpy())
        out.case(name)
        out.f32("x", x)
        out.f32("other", other)
        out.f64("x_scaled", torch.from_numpy(numpy.asarray(scaler.transform(x.numpy()))))
        out.f64("other_scaled", torch.from_numpy(numpy.asarray(scaler.transform(other.numpy()))))
