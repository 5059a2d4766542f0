"""The systems that are calibrated: analysis files, priors and what their data look like."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from causalcluster.model.priors import Priors

CLUSTERS, ROWS = 8, 30
TRIALS = 12
GRADES = 4
KEPT = 200
"""Draws that a truth is ranked among."""
Holes = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
_HEAD = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district, missing: MISSING}
nodes:
  law: {layer: environment}
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """One system.

    Attributes
    ----------
    name, text
        Its name, and its analysis file.
    spread
        Factor on the prior standard deviations of mean coefficients and of the clusters' deviations. 1 is the package's own
        prior; less where that makes data that no table holds.
    parameter_spread
        The same for the logarithms of parameters beyond linear predictors.
    holes
        Takes values out of the simulated table, at random given what stays.
    required
        Whether the population effects of the system must lie inside the bands (they are checked anyway).
    least
        How many replicates are asked for at least.
    series
        Names another independent series of parameters and tables.
    """

    name: str
    text: str
    spread: float = 1.0
    parameter_spread: float = 1.0
    holes: Holes | None = None
    required: bool = False
    least: int = 0
    series: str = ""

    @property
    def replicates(self) -> int:
        """How many replicates are asked for: fewer of systems that only differ in a family."""
        return max(self.least, 200 if self.required else 40)

    @property
    def seed(self) -> int:
        """Seed of all parameters and tables."""
        return zlib.crc32(f"{self.name}{self.series}".encode())

    def narrow(self, priors: Priors) -> Priors:
        """Return the package's priors with this system's factors."""
        return replace(
            priors,
            sd=priors.sd * self.spread,
            tau_rate=priors.tau_rate / self.spread,
            parameter_sd=priors.parameter_sd * self.parameter_spread,
        )


def one_mediator(*, mediator: str = "", outcome: str = "", missing: str = "drop") -> str:
    """Write the analysis of law -> enforcement -> result with further keys of the two nodes."""
    return (
        _HEAD.replace("MISSING", missing)
        + f"""\
  enforcement: {{layer: actor{mediator}}}
  result: {{layer: outcome{outcome}}}
edges: [law -> enforcement, "law, enforcement -> result"]
question: {{treatment: law, contrast: {{from: 0, to: 1}}, outcomes: [result], mediators: [enforcement]}}
"""
    )


def take_enforcement(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take away about 35% of enforcement, the more often the higher law and result are."""
    result = (table["result"] - table["result"].mean()) / table["result"].std()
    score = 1.5 * result + 0.5 * table["law"]
    level = brentq(lambda at: expit(score + at).mean() - 0.35, -40.0, 40.0)
    return table.assign(enforcement=table["enforcement"].where(rng.random(len(table)) > expit(score + level)))


SERIES = (
    _HEAD.replace("MISSING", "drop")
    + """\
  enforcement: {layer: actor}
  unions: {layer: actor}
  result: {layer: outcome}
edges: [law -> enforcement, "law, enforcement -> unions", "law, enforcement, unions -> result"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [result], mediators: [enforcement, unions]}
"""
)

ALL = (
    System(name="gaussian", text=SERIES, required=True),
    System(
        name="bernoulli_outcome",
        text=one_mediator(outcome=", family: bernoulli"),
        required=True,
        least=600,
        series=" 2",
    ),
    System(name="poisson_outcome", text=one_mediator(outcome=", family: poisson"), spread=0.3, required=True),
    System(name="ordinal_mediator", text=one_mediator(mediator=", family: ordinal"), required=True),
    System(name="missing_mediator", text=one_mediator(missing="model"), holes=take_enforcement, required=True),
    System(name="binomial_outcome", text=one_mediator(outcome=", family: binomial, trials: workers")),
    System(
        name="negative_binomial_outcome",
        text=one_mediator(outcome=", family: negative_binomial"),
        spread=0.3,
        parameter_spread=0.5,
    ),
    System(name="student_outcome", text=one_mediator(outcome=", family: student")),
    System(name="lognormal_outcome", text=one_mediator(outcome=", family: lognormal"), spread=0.5),
    System(name="beta_outcome", text=one_mediator(outcome=", family: beta"), spread=0.3, parameter_spread=0.5),
)
SYSTEMS = {system.name: system for system in ALL}
