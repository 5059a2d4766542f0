"""What if: the page's own small calculation from stored draws, for the script that it carries.

With the parts of a total effect in every cluster, draw by draw, a reader can pick clusters, hold an actor fixed (its part is
left out) and, where every equation is linear without products, move the contrast: parts then grow in proportion.
"""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.report.answer import labels_of
from causalcluster.report.records import EffectKey, FinishedRun

Floats = NDArray[np.float64]
MOST_CLUSTERS = 200
MOST_NUMBERS = 400_000
"""Draws are thinned so that a panel holds no more numbers: 2 MB of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One outcome's panel.

    Attributes
    ----------
    outcome, treatment
        Labels.
    low, high
        The contrast.
    linear
        Whether it may be moved.
    parts
        (label, whether it may be held) of the direct effect and of that through each mediator.
    clusters
        Labels; one empty where there are no clusters.
    draws
        Of each part, cluster and draw in this order, as base64 of 32-bit floats, little end first.
    n_draws
        How many draws there are.
    """

    outcome: str
    treatment: str
    low: float
    high: float
    linear: bool
    parts: tuple[tuple[str, bool], ...]
    clusters: tuple[str, ...]
    draws: str
    n_draws: int


def what_if_panels(run: FinishedRun) -> tuple[Panel, ...]:
    """Return a panel for every outcome of which all parts were computed; none for runs that are not to be trusted."""
    if run.diagnostics.status != "ok":
        return ()
    found = (_panel(run, outcome) for outcome in run.run.analysis.question.outcomes)
    return tuple(panel for panel in found if panel is not None)


def _panel(run: FinishedRun, outcome: str) -> Panel | None:
    question, labels = run.run.analysis.question, labels_of(run)
    keys = [("nde", ""), *(("nie", name) for name in question.mediators)]
    clusters = tuple(cluster.label for cluster in run.run.data.clusters) or ("",)
    own = tuple(label for label in clusters if _key(outcome, *keys[0], label) in run.part_draws)
    if not own or len(own) > MOST_CLUSTERS or not question.mediators:
        return None
    wanted = [[_key(outcome, effect, via, label) for label in own] for effect, via in keys]
    if any(key not in run.part_draws for part in wanted for key in part):
        return None
    values = np.array([[run.part_draws[key].ravel() for key in part] for part in wanted])
    if not np.isfinite(values).all():
        return None
    thinned = _thin(values)
    linear = not run.run.analysis.interactions and all(
        (node.family or "gaussian") == "gaussian" for node in run.run.analysis.nodes
    )
    parts = [("Direct effect", False), *((f"Through {labels.get(name, name)}", True) for name in question.mediators)]
    return Panel(
        outcome=labels[outcome],
        treatment=labels.get(question.treatment, question.treatment),
        low=float(run.run.contrast.low),
        high=float(run.run.contrast.high),
        linear=linear,
        parts=tuple(parts),
        clusters=own,
        draws=base64.b64encode(thinned.astype("<f4").tobytes()).decode("ascii"),
        n_draws=thinned.shape[2],
    )


def _key(outcome: str, effect: str, via: str, cluster: str) -> EffectKey:
    return EffectKey(outcome=outcome, effect=effect, via=via, level="cluster" if cluster else "sample", cluster=cluster)


def _thin(values: Floats) -> Floats:
    """Return some of the draws, shifted so that every mean is that of all."""
    most = max(MOST_NUMBERS // (values.shape[0] * values.shape[1]), 50)
    chosen = np.unique(np.linspace(0, values.shape[2] - 1, min(most, values.shape[2])).astype(int))
    some: Floats = values[..., chosen]
    return some + (values.mean(axis=2) - some.mean(axis=2))[..., None]
