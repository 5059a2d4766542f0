"""Curves, tipping points and what measured causes would do: the tables of sensitivity.csv and tipping.csv."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.sensitivity.benchmarks import Benchmark
from causalcluster.sensitivity.curves import Curve, averaged, effect_at, effect_near, rho_interval, rho_zero

Floats = NDArray[np.float64]
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Of the errors' variances, in contours.csv."""
CONTOURS = (
    "outcome", "effect", "via", "level", "share_mediator", "share_outcome", "benchmark", "rho", "mean", "sd", "median",
    "lower", "upper", "ci_prob", "prob_positive", "reason",
)  # fmt: skip
GRID = tuple(round(-0.9 + 0.1 * step, 1) for step in range(19))
"""Correlations of sensitivity.csv where the analysis names none."""
_RR = 0.91
CURVE = (
    "outcome", "effect", "via", "level", "cluster", "mediator", "rho", "mean", "sd", "median", "lower", "upper", "ci_prob",
    "prob_positive", "identified", "reason",
)  # fmt: skip
TIPPING = (
    "outcome", "effect", "via", "level", "cluster", "mediator", "mean", "rho_zero", "rho_interval", "benchmark",
    "rho_benchmark", "times_benchmark", "e_value", "e_value_interval", "identified", "reason",
)  # fmt: skip


def curve_table(
    bent: Sequence[Curve],
    rho: Sequence[float],
    *,
    ci_prob: float,
    identified: Collection[tuple[str, str, str]],
    prior_sd: float | None,
    random_seed: int,
) -> pd.DataFrame:
    """Summarise every effect of the population and the sample at every correlation.

    With ``prior_sd`` there is one more row of each, with an empty ``rho``: the posterior where the correlation itself is
    Normal(0, prior_sd) between -1 and 1, which the data say nothing of.
    """
    rows: list[dict[str, Any]] = []
    for item in bent:
        if item.key.level == "cluster":
            continue
        key = _key(item, identified)
        rows += [key | {"rho": value} | _summary(effect_at(item, value), ci_prob) for value in sorted({0.0, *rho})]
        if prior_sd is not None:
            rows.append(key | {"rho": np.nan} | _summary(averaged(item, prior_sd, random_seed), ci_prob))
    return pd.DataFrame(rows).assign(reason="").reindex(columns=list(CURVE))


def tipping_table(
    bent: Sequence[Curve],
    *,
    ci_prob: float,
    benchmarks: Mapping[tuple[str, str], Mapping[str, Benchmark]],
    spread: Mapping[str, float],
    identified: Collection[tuple[str, str, str]],
) -> pd.DataFrame:
    """Return for every effect, by cluster too, the correlations that would undo it.

    Parameters
    ----------
    bent
        The effects.
    ci_prob
        Probability of the intervals.
    benchmarks
        What leaving out a measured cause would make, by mediator and outcome, and by cause.
    spread
        Standard deviations of gaussian outcomes inside clusters, in their own units.
    identified
        The (outcome, effect, via) that are identified.

    Returns
    -------
    pandas.DataFrame
        Per effect, level, cluster and ``mediator``: the effect's ``mean``, ``rho_zero`` at which the mean is 0 and
        ``rho_interval``, the one nearest to 0 at which the interval holds 0 (0 where it does already, empty where none up to
        0.99 does), ``benchmark``, the measured cause whose absence would make the greatest correlation, ``rho_benchmark``
        and ``times_benchmark``, how often as great rho_zero is; ``e_value`` and ``e_value_interval`` where the outcome is
        gaussian.
    """
    rows = []
    for item in bent:
        rho = rho_zero(item)
        causes = benchmarks.get((item.key.mediator, item.key.outcome), {})
        found = {name: cause.correlation for name, cause in causes.items()}
        name = max(found, key=lambda cause: abs(found[cause]), default="")
        mean, tail = float(item.value.mean()), (1.0 - ci_prob) / 2.0
        lower, upper = np.quantile(item.value, [tail, 1.0 - tail])
        row = _key(item, identified) | {"mean": mean, "rho_zero": rho, "rho_interval": rho_interval(item, ci_prob)}
        row |= {"benchmark": name, "rho_benchmark": found.get(name, np.nan)}
        row |= {"times_benchmark": abs(rho / found[name]) if name and found[name] != 0.0 else np.nan}
        row |= _e_values(mean, float(lower), float(upper), spread.get(item.key.outcome))
        rows.append(row | {"reason": ""})
    return pd.DataFrame(rows).reindex(columns=list(TIPPING))


def contour_table(
    curves: Sequence[Curve], benchmarks: Mapping[tuple[str, str], Mapping[str, Benchmark]], *, ci_prob: float
) -> pd.DataFrame:
    """Summarise indirect effects where an unmeasured cause explains shares of the errors of mediator and outcome.

    A cause that explains shares r and s of the two errors correlates them by sqrt(r s) (in the manner of the contours of
    Cinelli and Hazlett 2020, whose share of the outcome is given the mediator). The sign is the one that works against the
    effect; at levels without clusters.

    Returns
    -------
    pandas.DataFrame
        Per effect at the levels population and sample: ``share_mediator`` and ``share_outcome`` on a grid, the correlation
        ``rho``, and the effect; then a row for each measured cause of both, named in ``benchmark``.
    """
    rows: list[dict[str, Any]] = []
    for item in curves:
        key = item.key
        if key.level == "cluster" or key.effect != "nie" or key.via != key.mediator:
            continue
        against = -1.0 if np.sign(item.value.mean()) == np.sign(_rises(item)) else 1.0
        places = [(first, second, "") for first in SHARES for second in SHARES]
        causes = benchmarks.get((key.mediator, key.outcome), {})
        places += [(cause.mediator, cause.outcome, name) for name, cause in causes.items()]
        for first, second, name in places:
            rho = against * float(np.sqrt(first * second))
            found = _summary(effect_near(item, rho), ci_prob)
            base = {"outcome": key.outcome, "effect": key.effect, "via": key.via, "level": key.level}
            rows.append(base | {"share_mediator": first, "share_outcome": second, "benchmark": name, "rho": rho} | found)
    return pd.DataFrame(rows).assign(reason="").reindex(columns=list(CONTOURS))


def _rises(item: Curve) -> float:
    """Return by how much the effect is larger at a small positive correlation than at a negative one."""
    return float(effect_near(item, 0.05).mean() - effect_near(item, -0.05).mean())


def e_value(effect: float, spread: float) -> float:
    """Return the E-value of a difference: the risk ratio by which a confounder would have to go with both sides of it.

    A difference of d standard deviations of the outcome is taken as the risk ratio exp(0.91 d) (VanderWeele and Ding 2017,
    Annals of Internal Medicine 167; for mediation Smith and VanderWeele 2019, Epidemiology 30).
    """
    ratio = float(np.exp(_RR * abs(effect) / spread))
    return ratio + float(np.sqrt(ratio * (ratio - 1.0)))


def _e_values(mean: float, lower: float, upper: float, spread: float | None) -> dict[str, float]:
    if spread is None:
        return {"e_value": np.nan, "e_value_interval": np.nan}
    nearest = 0.0 if lower <= 0.0 <= upper else min(abs(lower), abs(upper))
    return {"e_value": e_value(mean, spread), "e_value_interval": e_value(nearest, spread)}


def unexamined_rows(reasons: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """Return a row of tipping.csv for every mediator and outcome of which nothing is said, with the reason."""
    rows = [
        {"outcome": outcome, "effect": "nie", "via": mediator, "mediator": mediator, "reason": reason}
        for (mediator, outcome), reason in reasons.items()
        if reason
    ]
    return pd.DataFrame(rows).reindex(columns=list(TIPPING))


def _key(item: Curve, identified: Collection[tuple[str, str, str]]) -> dict[str, Any]:
    names = ("outcome", "effect", "via", "level", "cluster", "mediator")
    known = (item.key.outcome, item.key.effect, item.key.via) in identified
    return {name: getattr(item.key, name) for name in names} | {"identified": "yes" if known else "no"}


def _summary(draw: Floats, ci_prob: float) -> dict[str, float]:
    tail = (1.0 - ci_prob) / 2.0
    lower, median, upper = np.quantile(draw, [tail, 0.5, 1.0 - tail])
    found = {"mean": draw.mean(), "sd": draw.std(ddof=1), "median": median, "lower": lower, "upper": upper}
    return {name: float(value) for name, value in found.items()} | {
        "ci_prob": ci_prob,
        "prob_positive": float((draw > 0.0).mean()),
    }
