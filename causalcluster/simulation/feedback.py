"""The scenario `feedback`: policy -> actor -> wage -> next period's policy, a loop of its own in every cluster."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.simulation.truth import TRUTH_COLUMNS

Floats = NDArray[np.float64]
NODES = ("policy", "actor", "wage")
SLOPES = ("policy -> actor", "policy -> wage", "actor -> wage", "wage @ lag 1 -> policy", "wage @ lag 1 -> wage")
HORIZONS, REGIMES = (0, 1, 2, 5), ("sustained", "pulse")
_BURN_IN = 60
_POPULATION_DRAWS = 100_000
_Row = tuple[str, str, str, str, str, str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedbackParameters:
    """The population of clusters.

    Attributes
    ----------
    mean, sd
        Of the slopes, in the order of `SLOPES`; independent and normal.
    level_sd, level_correlation
        Standard deviation of the clusters' levels, and the correlation of the levels of any two nodes.
    residual_sd
        Of policy, actor and wage.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    level_sd: float = 1.0
    level_correlation: float = 0.5
    residual_sd: tuple[float, ...] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedbackDraw:
    """A panel: slopes (cluster, slope), levels (cluster, node) and values (cluster, period, node)."""

    slopes: Floats
    level: Floats
    values: Floats


def feedback_parameters(own_lag: float = 0.0) -> FeedbackParameters:
    """Return the scenario's parameters; ``own_lag`` is what wages carry over to the next period in the average cluster."""
    return FeedbackParameters(mean=(0.6, 0.2, 0.5, 0.3, own_lag), sd=(0.15, 0.1, 0.15, 0.1, 0.1 if own_lag else 0.0))


def draw_feedback(parameters: FeedbackParameters, clusters: int, periods: int, rng: np.random.Generator) -> FeedbackDraw:
    """Draw a panel of clusters whose loops have run for a long time before its first period."""
    slopes = draw_feedback_slopes(parameters, clusters, rng)
    correlation = np.full((3, 3), parameters.level_correlation) + (1.0 - parameters.level_correlation) * np.eye(3)
    level = parameters.level_sd * rng.multivariate_normal(np.zeros(3), correlation, clusters)
    values, wage = np.empty((clusters, _BURN_IN + periods, 3)), np.zeros(clusters)
    for t in range(_BURN_IN + periods):
        policy, actor, error = np.array(parameters.residual_sd)[:, None] * rng.standard_normal((3, clusters))
        policy += level[:, 0] + slopes[:, 3] * wage
        actor += level[:, 1] + slopes[:, 0] * policy
        wage = level[:, 2] + slopes[:, 1] * policy + slopes[:, 2] * actor + slopes[:, 4] * wage + error
        values[:, t] = np.column_stack([policy, actor, wage])
    return FeedbackDraw(slopes=slopes, level=level, values=values[:, _BURN_IN:])


def draw_feedback_slopes(parameters: FeedbackParameters, clusters: int, rng: np.random.Generator) -> Floats:
    """Draw slopes (cluster, slope) from the population."""
    noise = rng.standard_normal((clusters, len(SLOPES)))
    slopes: Floats = np.array(parameters.mean) + np.array(parameters.sd) * noise
    return slopes


def feedback_effects(slopes: Floats) -> dict[tuple[str, str, int, str], Floats]:
    """Return effects (cluster,) of a policy higher by one, by effect, via, horizon and regime.

    The loop is run twice, once as it is and once with actors that do not respond: what is left then is the direct effect.
    """
    found: dict[tuple[str, str, int, str], Floats] = {}
    for regime in REGIMES:
        whole, direct = (_respond(slopes, regime, responds=responds) for responds in (True, False))
        for h in HORIZONS:
            found["total", "", h, regime], found["nde", "", h, regime] = whole[h], direct[h]
            found["nie", "all", h, regime] = found["nie", "actor", h, regime] = whole[h] - direct[h]
    return found


def _respond(slopes: Floats, regime: str, *, responds: bool) -> list[Floats]:
    a, c, b, f, r = slopes.T
    wage, path = np.zeros(len(slopes)), []
    for t in range(max(HORIZONS) + 1):
        policy = np.ones(len(slopes)) if t == 0 or regime == "sustained" else f * wage
        actor = a * policy if responds else np.zeros(len(slopes))
        wage = c * policy + b * actor + r * wage
        path.append(wage)
    return path


def feedback_truth(parameters: FeedbackParameters, slopes: Floats, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return the true effects at every level; `population` and `between_sd` by drawing clusters, with their error."""
    half = draw_feedback_slopes(parameters, _POPULATION_DRAWS // 2, np.random.default_rng(1))
    many = feedback_effects(np.concatenate([half, 2.0 * np.array(parameters.mean) - half]))
    rows: list[_Row] = []
    for (effect, via, horizon, regime), value in feedback_effects(slopes).items():
        drawn = many[effect, via, horizon, regime].reshape(2, -1)
        key = (effect, via, str(horizon), regime)
        error = float(drawn.mean(axis=0).std(ddof=1) / np.sqrt(drawn.shape[1]))
        rows.append((*key, "population", "", float(drawn.mean()), error))
        rows += [(*key, level, "", float(value.mean()), 0.0) for level in ("sample", "sample_rows")]
        rows += [(*key, "cluster", label, float(own), 0.0) for label, own in zip(labels, value, strict=True)]
        spread = float(drawn.std(ddof=1))
        rows.append((*key, "between_sd", "", spread, spread / np.sqrt(2.0 * drawn.size)))
    frame = pd.DataFrame(rows, columns=["effect", "via", "horizon", "regime", "level", "cluster", "value", "mc_error"])
    return frame.assign(outcome="wage", at="", scale="difference")[list(TRUTH_COLUMNS)]
