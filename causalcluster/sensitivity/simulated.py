"""Effects where something unmeasured moves a mediator and the outcome, in systems whose effects are simulated.

The correlation is that of the standard normal score V of the mediator's error and the latent error of the outcome: of a
gaussian outcome its own, of a probit the normal behind it. V then has the loading rho / sqrt(1 - rho^2) in latent standard
deviations of the outcome given V (`causalcluster.effects.shared_errors`). Those of other families are of the distribution on
the scale of the link (Nakagawa, Johnson and Schielzeth 2017, J. R. Soc. Interface 14): pi / sqrt(3) for logit, pi / sqrt(6)
for cloglog, sqrt(log(1 + 1 / mean)) for poisson with 1 / shape more for negative binomial, and for a beta what the delta
method gives; means are pooled over the data.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Question
from causalcluster.effects.networks import Network, SystemDraws
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.shared_worlds import simulate_shared_errors
from causalcluster.effects.world_effects import list_world_effects
from causalcluster.families import Link
from causalcluster.sensitivity.curves import Key, Traced

Floats = NDArray[np.float64]
GRID = (-0.9, -0.7, -0.5, -0.3, -0.15, 0.0, 0.15, 0.3, 0.5, 0.7, 0.9)
"""Correlations at which effects are simulated, with those that the analysis names."""
MOST_DRAWS = 500
POINTS = {"cluster_points": 128, "population_points": 2048}
"""At these the change of an effect with the correlation is simulated: both of its sides at the same points."""
_LEVELS = ("population", "sample", "cluster")
_LATENT: Mapping[Link, float] = {"logit": math.pi / math.sqrt(3.0), "probit": 1.0, "cloglog": math.pi / math.sqrt(6.0)}


def trace_effects(
    question: Question,
    network: Network,
    contrast: tuple[float, float],
    draws: SystemDraws,
    effects: xr.Dataset,
    *,
    wanted: Collection[tuple[str, str, str]],
    pairs: Collection[tuple[str, str]],
    rho: Sequence[float],
    random_seed: int,
) -> tuple[Traced, ...]:
    """Simulate natural effects at correlations of errors, for a part of the draws.

    Parameters
    ----------
    question, network, contrast, draws
        What is simulated.
    effects
        Draws of the main estimates: at rho = 0 these are repeated.
    wanted
        The (outcome, effect, via); others than nde and nie do not count.
    pairs
        Mediators and outcomes whose errors are correlated, one pair at a time.
    rho
        Correlations; 0 is among them whether named or not.
    random_seed
        For the points.
    """
    grid = np.array(sorted({0.0, *rho}))
    n_draws = draws.coefficients.theta.shape[0] * draws.coefficients.theta.shape[1]
    chosen = np.unique(np.linspace(0, n_draws - 1, min(MOST_DRAWS, n_draws)).astype(np.int64))
    main = _main_draws(effects)
    latent = latent_sd(network, draws)
    found: list[Traced] = []
    for mediator in dict.fromkeys(mediator for mediator, _ in pairs):
        outcomes = {y for m, y in pairs if m == mediator}
        natural = {key for key in wanted if key[0] in outcomes and key[1] in ("nde", "nie")}
        asked = list_world_effects(question, network, contrast, identified=natural)
        if not asked:
            continue
        simulated = simulate_shared_errors(
            asked,
            network,
            draws,
            mediator,
            [latent * (r / np.sqrt(1.0 - r * r)) for r in grid],
            chosen=chosen,
            random_seed=random_seed,
            levels=_LEVELS,
            accuracy=Accuracy(**POINTS),
        )
        none = int(np.flatnonzero(grid == 0.0)[0])
        for i, (outcome, effect, via, level, cluster, *_) in enumerate(simulated.keys):
            change = simulated.values[:, i] - simulated.values[none, i]
            if np.abs(change).max() <= 1e-10 * np.abs(simulated.values[:, i]).max():
                continue
            value = main.get((outcome, effect, via, level, cluster))
            if value is None:
                value, base = simulated.values[none, i], simulated.values[none, i]
            else:
                base = value[chosen]
            key = Key(outcome=outcome, effect=effect, via=via, level=level, cluster=cluster, mediator=mediator)
            found.append(Traced(key=key, value=value, rho=grid, values=base + change))
    return tuple(found)


def _main_draws(effects: xr.Dataset) -> dict[tuple[str, ...], Floats]:
    """Return draws (chain * draw,) of differences that are at no moderator's value, by key."""
    names = ("outcome", "estimand", "via", "level", "cluster")
    plain = (effects["at"].values == "") & (effects["scale"].values == "difference")
    keys = list(zip(*(map(str, effects[name].values) for name in names), strict=True))
    values = effects["effect"].values.reshape(-1, len(keys))
    return {key: values[:, i] for i, key in enumerate(keys) if plain[i]}


def latent_sd(network: Network, draws: SystemDraws) -> Floats:
    """Return latent standard deviations (draw, equation) of errors; 1 where an equation has a residual one of its own."""
    equations = network.design.equations
    n_draws = draws.coefficients.theta.shape[0] * draws.coefficients.theta.shape[1]
    out = np.ones((n_draws, len(equations)))
    for k, equation in enumerate(equations):
        mean = network.scale.shift[equation.node]
        if equation.family in ("poisson", "negative_binomial"):
            mixed = equation.family == "negative_binomial" and draws.shape is not None
            excess = 1.0 / draws.shape[..., k].ravel() if mixed and draws.shape is not None else np.zeros(n_draws)
            out[:, k] = np.sqrt(np.log1p(1.0 / max(mean, 1e-6) + excess))
        elif equation.family == "beta" and draws.precision is not None:
            out[:, k] = _beta_sd(mean, draws.precision[..., k].ravel(), equation.link)
        elif equation.link in _LATENT:
            out[:, k] = _LATENT[equation.link]
    return out


def _beta_sd(mean: float, precision: Floats, link: Link) -> Floats:
    """Return the standard deviation of a beta over the slope of its inverse link at the mean."""
    slope = {
        "logit": mean * (1.0 - mean),
        "probit": _probit_slope(mean),
        "cloglog": -(1.0 - mean) * math.log1p(-mean),
    }[link]
    return np.asarray(np.sqrt(mean * (1.0 - mean) / (1.0 + precision)) / slope)


def _probit_slope(mean: float) -> float:
    from scipy.stats import norm

    return float(norm.pdf(norm.ppf(mean)))
