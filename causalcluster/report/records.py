"""Frozen records of the report: what is read from a run folder and what is shown on the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from causalcluster.analysis.records import Edge, Interaction, Node, Unobserved
from causalcluster.report.doubt_records import (
    BetweenRow,
    CohortRow,
    ContourRow,
    CurveRow,
    IndependenceRow,
    LeadRow,
    MeasurementRow,
    MissingSummary,
    ModelRow,
    MultiverseRow,
    OrderRow,
    PositivitySummary,
    PowerRow,
    PredictiveRow,
    RefutationRow,
    ScoreRow,
    ShiftRow,
    TippingRow,
)

type Draws = NDArray[np.float64]
"""Draws of one effect, dims (chain, draw), in the outcome's units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKey:
    """The nine columns that identify a row of ``effects.csv``; all are strings, empty where they do not apply."""

    outcome: str
    effect: str
    via: str = ""
    level: str = "population"
    cluster: str = ""
    horizon: str = ""
    regime: str = ""
    at: str = ""
    scale: str = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One row of ``effects.csv``. Numbers are None where the file leaves them empty (``reason`` says why)."""

    key: EffectKey
    mean: float | None
    sd: float | None
    median: float | None
    lower: float | None
    upper: float | None
    ci_prob: float | None
    prob_positive: float | None
    ess_bulk: float | None
    ess_tail: float | None
    r_hat: float | None
    reason: str

    @property
    def has_interval(self) -> bool:
        """Whether the row carries a median and an interval."""
        return self.median is not None and self.lower is not None and self.upper is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisRow:
    """One row of ``hypotheses.csv``."""

    id: str
    claim: str
    probability: float | None
    prior_probability: float | None
    bayes_factor: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationRow:
    """One object of ``identification.json``."""

    outcome: str
    effect: str
    via: str = ""
    identified: bool
    by: str = ""
    adjustment: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    reason: str = ""
    instead: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """``diagnostics.json``: whether the sampler can be trusted, and why."""

    status: Literal["ok", "unreliable"]
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    max_r_hat: float | None = None
    min_ess_bulk: float | None = None
    min_ess_tail: float | None = None
    divergences: int | None = None
    e_bfmi: float | tuple[float, ...] | None = None
    positivity: PositivitySummary | None = None
    timings: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSummary:
    """One cluster of the data."""

    label: str
    rows: int
    spans_contrast: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """One column of the data, in its own units."""

    node: str
    column: str
    label: str = ""
    mean: float | None = None
    sd_within: float | None = None
    sd_between: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """What was read."""

    file: str | None = None
    fingerprint: str = ""
    rows: int
    rows_used: int
    cluster_column: str | None = None
    clusters: tuple[ClusterSummary, ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    missing: tuple[MissingSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastSummary:
    """The two values of the treatment that are compared, in the treatment's units."""

    low: float
    high: float
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSummary:
    """One term of an equation."""

    name: str
    kind: str = "slope"
    varies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EquationSummary:
    """One equation of the model; ``groups`` are columns of units or periods whose effects it has beside its terms."""

    node: str
    terms: tuple[TermSummary, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSummary:
    """The equations and what was decided about them."""

    equations: tuple[EquationSummary, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSummary:
    """One prior, in words and symbols."""

    parameter: str
    distribution: str
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientSummary:
    """Posterior of one coefficient of the diagram: the average over the population of clusters."""

    source: str
    target: str
    name: str = ""
    mean: float | None = None
    sd: float | None = None
    lower: float | None = None
    upper: float | None = None
    prob_positive: float | None = None
    tau_mean: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Median and interval of one quantity."""

    median: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationSummary:
    """Correlation over clusters of two coefficients that one path takes, before and after the data."""

    first: str
    second: str
    prior: Interval
    posterior: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSummary:
    """Treatment, outcomes and mediators, by node name."""

    treatment: str
    outcomes: tuple[str, ...]
    mediators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSummary:
    """The part of the resolved analysis that the report shows."""

    title: str = ""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    question: QuestionSummary
    text: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """``run.json``."""

    schema: str
    command: tuple[str, ...] = ()
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    data: DataSummary
    analysis: AnalysisSummary
    contrast: ContrastSummary
    design: DesignSummary = field(default_factory=DesignSummary)
    priors: tuple[PriorSummary, ...] = ()
    coefficients: tuple[CoefficientSummary, ...] = ()
    correlations: tuple[CorrelationSummary, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedRun:
    """A finished run folder, read.

    Attributes
    ----------
    draws, prior_draws : mapping of EffectKey to array, dims (chain, draw)
        Only the rows that are not about one observed cluster; the prior may be missing.
    orders, between, measurement, curves, tipping, leads, cohorts, refutations,
    independences, scores, contours, power, multiverse, models, predictive, shifts
        Empty where the run had nothing to write there.
    part_draws : mapping of EffectKey to array, dims (chain, draw)
        Natural direct and indirect effects in every observed cluster, or of the sample where there are none.
    energy : array, dims (chain, draw), or None
        The sampler's energy, where it was stored.
    chains, draws_per_chain : int
        The size of the posterior; 0 where the folder has no draws.
    """

    run: RunSummary
    resolved: Mapping[str, Any]
    effects: tuple[EffectRow, ...]
    hypotheses: tuple[HypothesisRow, ...]
    identification: tuple[IdentificationRow, ...]
    orders: tuple[OrderRow, ...] = ()
    between: tuple[BetweenRow, ...] = ()
    measurement: tuple[MeasurementRow, ...] = ()
    curves: tuple[CurveRow, ...] = ()
    tipping: tuple[TippingRow, ...] = ()
    leads: tuple[LeadRow, ...] = ()
    cohorts: tuple[CohortRow, ...] = ()
    refutations: tuple[RefutationRow, ...] = ()
    independences: tuple[IndependenceRow, ...] = ()
    scores: tuple[ScoreRow, ...] = ()
    contours: tuple[ContourRow, ...] = ()
    power: tuple[PowerRow, ...] = ()
    multiverse: tuple[MultiverseRow, ...] = ()
    models: tuple[ModelRow, ...] = ()
    predictive: tuple[PredictiveRow, ...] = ()
    shifts: tuple[ShiftRow, ...] = ()
    diagnostics: Diagnostics
    draws: Mapping[EffectKey, Draws]
    prior_draws: Mapping[EffectKey, Draws]
    energy: Draws | None
    chains: int
    draws_per_chain: int
    part_draws: Mapping[EffectKey, Draws] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: its text, whether it belongs to a column of numbers, and the number itself at full precision."""

    text: str
    number: float | None = None
    numeric: bool = False
    mark: Literal["", "good", "bad", "open", "muted"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the page; ``folded`` holds the summary line of a collapsed table, empty for an open one."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture as a ``data:`` address, with the text for those who cannot see it."""

    source: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EquationLine:
    """One equation in readable maths: a left side and terms (coefficient, subscript, factors)."""

    left: str
    terms: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNumber:
    """One of the large numbers on top of the page."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer in short for one outcome."""

    outcome: str
    lead: str
    numbers: tuple[KeyNumber, ...]
    parts: tuple[str, ...]
    further: tuple[str, ...]
