"""Curves, tipping points and what measured causes would do: the tables of sensitivity.csv and tipping.csv."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.sensitivity.curves import Curve, averaged, effect_at, rho_interval, rho_zero

Floats = NDArray[np.float64]
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
    benchmarks: Mapping[tuple[str, str], Mapping[str, float]],
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
        Correlations that leaving out a measured cause would make, by mediator and outcome, and by cause.
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
        found = benchmarks.get((item.key.mediator, item.key.outcome), {})
        name = max(found, key=lambda cause: abs(found[cause]), default="")
        mean, tail = float(item.value.mean()), (1.0 - ci_prob) / 2.0
        lower, upper = np.quantile(item.value, [tail, 1.0 - tail])
        row = _key(item, identified) | {"mean": mean, "rho_zero": rho, "rho_interval": rho_interval(item, ci_prob)}
        row |= {"benchmark": name, "rho_benchmark": found.get(name, np.nan)}
        row |= {"times_benchmark": abs(rho / found[name]) if name and found[name] != 0.0 else np.nan}
        row |= _e_values(mean, float(lower), float(upper), spread.get(item.key.outcome))
        rows.append(row | {"reason": ""})
    return pd.DataFrame(rows).reindex(columns=list(TIPPING))


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
