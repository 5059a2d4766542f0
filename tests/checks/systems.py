"""Systems whose parameters are known: draws are exact or nearly so, and nothing is sampled."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from causalcluster.model.row_arrays import with_rows
from causalcluster.model.standard import Scale, standardise
from tests.oracles.mixed_systems import row_values
from tests.oracles.networks import make_design
from tests.oracles.systems import plain_moments

TAU = 0.3
SD, SPREAD = 0.8, 0.25
THRESHOLDS = np.array([-0.8, 0.4])
PARAMETERS = {"nu": 4.0, "shape": 2.0, "precision": 6.0}


def one_equation(family, link=None, *, n_clusters=40, size=60, seed=0, draw=None, between=TAU, n_draws=400):
    """Return everything that the checks read for x -> y, with the true parameters in every draw.

    ``draw`` (eta, sd, rng) replaces the family's own answers, ``between`` the spread of coefficients in the data alone.
    """
    rng = np.random.default_rng(seed)
    design = make_design({"y": (family, link, ["x"])}, treatment="x", centred=True)
    mean, root = np.array([0.3, 0.5]), TAU * np.eye(2)
    if family == "ordinal":
        mean[0] = 0.0
    theta = mean + between * rng.standard_normal((n_clusters, 2))
    shape = 0.25 * SPREAD**-2
    common = family in ("lognormal", "student")
    sd = np.full(n_clusters, SD) if common else SD / np.sqrt(rng.gamma(shape, 1.0 / shape, n_clusters))
    parts = []
    for g in range(n_clusters):
        x = rng.normal(size=size)
        eta = theta[g, 0] + theta[g, 1] * (x - x.mean())
        parts.append(pd.DataFrame({"x": x, "y": (draw or ANSWERS[family])(eta, sd[g], rng), "cluster": f"c{g:03d}"}))
    table = pd.concat(parts, ignore_index=True)
    scale = Scale(shift={"x": 0.0, "y": 0.0}, scale={"x": 1.0, "y": 1.0})
    nodes = [SimpleNamespace(name="x", family="gaussian"), SimpleNamespace(name="y", family=family)]
    rows = row_values(table, SimpleNamespace(nodes=nodes))
    arrays = standardise(plain_moments(table, ["x", "y"], []), design, scale)
    if family != "gaussian":
        arrays = with_rows(arrays, design, rows, scale)

    def all_draws(values):
        return np.broadcast_to(values, (2, n_draws // 2, *np.shape(values)))

    system = SystemDraws(
        coefficients=CoefficientDraws(
            clusters=tuple(f"c{g:03d}" for g in range(n_clusters)),
            rows=np.full(n_clusters, size),
            theta=all_draws(theta),
            mean=all_draws(mean),
            root=all_draws(root),
            has_population=True,
        ),
        sd=all_draws(sd[:, None]),
        typical_log_sd=all_draws(np.log([SD])),
        sd_spread=all_draws(np.array([0.0 if common else SPREAD])),
        thresholds={"y": all_draws(THRESHOLDS)} if family == "ordinal" else {},
        **{name: all_draws(np.array([value])) for name, value in PARAMETERS.items()},
    )
    return SimpleNamespace(design=design, scale=scale, arrays=arrays, system=system, rows=rows)


def _share(eta):
    return 1.0 / (1.0 + np.exp(-eta))


ANSWERS = {
    "gaussian": lambda eta, sd, rng: eta + sd * rng.standard_normal(eta.shape),
    "lognormal": lambda eta, sd, rng: np.exp(eta + sd * rng.standard_normal(eta.shape)),
    "student": lambda eta, sd, rng: eta + sd * rng.standard_t(PARAMETERS["nu"], eta.shape),
    "bernoulli": lambda eta, sd, rng: (rng.random(eta.shape) < _share(eta)).astype(float),
    "binomial": lambda eta, sd, rng: rng.binomial(6, _share(eta)).astype(float),
    "poisson": lambda eta, sd, rng: rng.poisson(np.exp(eta)).astype(float),
    "negative_binomial": lambda eta, sd, rng: rng.poisson(
        np.exp(eta) * rng.gamma(PARAMETERS["shape"], 1.0 / PARAMETERS["shape"], eta.shape)
    ).astype(float),
    "ordinal": lambda eta, sd, rng: 1.0 + (rng.random(eta.shape)[:, None] > _share(THRESHOLDS - eta[:, None])).sum(axis=1),
    "beta": lambda eta, sd, rng: np.clip(
        rng.beta(_share(eta) * PARAMETERS["precision"], (1.0 - _share(eta)) * PARAMETERS["precision"]), 1e-9, 1 - 1e-9
    ),
}
