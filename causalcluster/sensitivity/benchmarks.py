"""What leaving out a cause that is measured would make: a yardstick for causes that are not.

Cinelli and Hazlett (2020, JRSS B 82) compare an unmeasured confounder with measured covariates. Without a covariate C the
errors of a mediator and of the outcome would both hold its part, and be correlated by

    rho = l_M l_Y v / sqrt((l_M^2 v + s_M^2) (l_Y^2 v + s_Y^2)),

where l_M and l_Y are C's slopes in the two equations, v its variance given their other causes that are not the mediator,
and s_M and s_Y residual standard deviations: all inside clusters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.moments import Moments, analysed_table

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What a measured cause explains of the errors that a mediator and an outcome would have without it.

    Attributes
    ----------
    mediator, outcome
        Shares of the two errors' variances.
    correlation
        That of the two errors.
    """

    mediator: float
    outcome: float
    correlation: float


def benchmark_causes(
    design: Design, moments: Moments, mediators: Sequence[str], outcomes: Sequence[str]
) -> Mapping[tuple[str, str], Mapping[str, Benchmark]]:
    """Return what leaving out each measured cause would make, by mediator and outcome.

    By pooled least squares inside clusters. Causes are those of both nodes, but for the treatment, other mediators and nodes
    that the treatment moves.
    """
    table = analysed_table(moments)
    own = {node: _causes(design, node) for node in design.nodes}
    moved = {design.treatment, *design.nodes}
    found: dict[tuple[str, str], dict[str, Benchmark]] = {}
    for mediator in mediators:
        for outcome in outcomes:
            if mediator in own and outcome in own and mediator in own[outcome]:
                shared = [name for name in own[mediator] if name in own[outcome] and name not in moved]
                names = dict.fromkeys((*own[mediator], *own[outcome], mediator, outcome))
                used = [name for name in names if name in table["column"].values]
                cross = table["cross"].sel(column=used, column_2=used).values.sum(axis=0)
                pooled = _Pooled(used, cross)
                found[mediator, outcome] = {
                    cause: pooled.without(cause, mediator, own[mediator], outcome, own[outcome])
                    for cause in shared
                    if cause in used
                }
    return found


def _causes(design: Design, node: str) -> list[str]:
    kinds = ("slope", "period")
    return [term.factors[0] for term in design.terms if term.target == node and term.kind in kinds]


class _Pooled:
    """Sums of products of columns around clusters' means, pooled."""

    def __init__(self, names: Sequence[str], cross: Floats) -> None:
        self.place = {name: i for i, name in enumerate(names)}
        self.cross = cross

    def slopes(self, node: str, causes: Sequence[str]) -> tuple[dict[str, float], float]:
        """Return slopes by cause, and the sum of squares that they leave."""
        x = [self.place[name] for name in causes]
        y = self.place[node]
        block = self.cross[np.ix_(x, x)]
        found = np.linalg.pinv(block, hermitian=True) @ self.cross[x, y]
        return dict(zip(causes, map(float, found), strict=True)), float(self.cross[y, y] - found @ self.cross[x, y])

    def without(
        self, cause: str, mediator: str, of_mediator: Sequence[str], outcome: str, of_outcome: Sequence[str]
    ) -> Benchmark:
        """Return what ``cause`` would be to the two errors if it were left out; nothing where they have none."""
        first, rest_m = self.slopes(mediator, of_mediator)
        second, rest_y = self.slopes(outcome, of_outcome)
        others = [name for name in of_mediator if name != cause]
        left = self.slopes(cause, others)[1] if others else float(self.cross[self.place[cause], self.place[cause]])
        a, b = first[cause], second[cause]
        own_m, own_y = a * a * left, b * b * left
        size = (own_m + rest_m) * (own_y + rest_y)
        if not size > 0.0:
            return Benchmark(mediator=0.0, outcome=0.0, correlation=0.0)
        return Benchmark(
            mediator=float(own_m / (own_m + rest_m)),
            outcome=float(own_y / (own_y + rest_y)),
            correlation=float(a * b * left / np.sqrt(size)),
        )
