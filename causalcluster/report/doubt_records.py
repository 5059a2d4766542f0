"""Records of what a run is doubted with: positivity, orders of mediators, predictive checks and missing values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSummary:
    """How many clusters, and rows in them, have data that span the contrast (``value`` None) or a value of ``fix``."""

    node: str
    value: float | None = None
    clusters: int
    rows: int
    clusters_spanning: int | None = None
    rows_spanning: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositivitySummary:
    """The object ``positivity`` of ``diagnostics.json``."""

    contrast: CoverageSummary
    fixed: tuple[CoverageSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One row of ``orders.csv``."""

    outcome: str
    order: str
    declared: str
    via: str
    level: str
    mean: float | None
    lower: float | None
    upper: float | None
    ci_prob: float | None
    shift: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenRow:
    """One row of ``between.csv``."""

    outcome: str
    effect: str
    via: str
    grouping: str
    groups: int
    mean: float
    lower: float
    upper: float
    ci_prob: float
    within_mean: float
    within_lower: float
    within_upper: float
    prob_above_within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """One row of ``measurement.csv``; ``indicator`` is empty for the sum of a node's gaussian indicators."""

    node: str
    indicator: str
    family: str
    loading_mean: float | None
    loading_lower: float | None
    loading_upper: float | None
    reliability_mean: float | None
    reliability_lower: float | None
    reliability_upper: float | None
    ci_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """One row of ``sensitivity.csv``; ``rho`` is None where the correlation is averaged over its prior."""

    outcome: str
    effect: str
    via: str
    level: str
    mediator: str
    rho: float | None
    mean: float | None
    lower: float | None
    upper: float | None
    ci_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingRow:
    """One row of ``tipping.csv``; numbers are None where nothing was examined, ``reason`` says why."""

    outcome: str
    effect: str
    via: str
    level: str
    cluster: str
    mediator: str
    rho_zero: float | None
    rho_interval: float | None
    benchmark: str
    rho_benchmark: float | None
    times_benchmark: float | None
    e_value: float | None
    e_value_interval: float | None
    identified: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """One row of ``leads.csv``."""

    node: str
    coefficient: float | None
    se: float | None
    p_value: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRow:
    """One row of ``cohorts.csv``."""

    outcome: str
    effect: str
    via: str
    cohort: str
    clusters: float
    mean: float | None
    lower: float | None
    upper: float | None
    ci_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefutationRow:
    """One row of ``refutation.csv``."""

    kind: str
    outcome: str
    effect: str
    via: str
    level: str
    estimate: float | None
    expected: float | None
    replicates: float | None
    mean: float | None
    mc_error: float | None
    p_value: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceRow:
    """One row of ``independences.csv``; ``given`` are nodes with spaces between them."""

    left: str
    right: str
    given: str
    partial_correlation: float | None
    p_adjusted: float | None
    power: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One row of ``scorecard.csv``."""

    kind: str
    id: str
    statement: str
    prediction: str
    status: str
    probability: float | None
    probability_neutral: float | None
    probability_framework: float | None
    prior_framework: float | None
    bayes_factor: float | None
    share_of_clusters: float | None
    tau: float | None
    verdict: str
    verdict_neutral: str
    verdict_framework: str
    flipped: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContourRow:
    """One row of ``contours.csv``; ``benchmark`` names a measured cause, and is empty on the grid."""

    outcome: str
    effect: str
    via: str
    level: str
    share_mediator: float | None
    share_outcome: float | None
    benchmark: str
    rho: float | None
    mean: float | None
    lower: float | None
    upper: float | None
    ci_prob: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """One row of ``power.csv``."""

    outcome: str
    effect: str
    via: str
    level: str
    prior: float | None
    likelihood: float | None
    diagnosis: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseRow:
    """One row of ``multiverse.csv``; ``changed`` are keys with semicolons between them."""

    alternative: str
    changed: str
    outcome: str
    effect: str
    via: str
    level: str
    mean: float | None
    lower: float | None
    upper: float | None
    ci_prob: float | None
    prob_positive: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One row of ``alternatives.csv``."""

    alternative: str
    changed: str
    elpd: float | None
    elpd_difference: float | None
    se_difference: float | None
    weight: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveRow:
    """One row of ``predictive.csv``; ``cluster`` is empty for all rows together."""

    node: str
    statistic: str
    cluster: str
    observed: float | None
    median: float | None
    lower: float | None
    upper: float | None
    ci_prob: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSummary:
    """How much of a node is missing: rows, clusters with gaps, clusters without any value, and what was done about it."""

    node: str
    rows: int
    clusters: int
    empty: tuple[str, ...] = ()
    averaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """One row of ``missing_shift.csv``."""

    node: str
    shift: float | None
    outcome: str
    effect: str
    via: str
    level: str
    mean: float | None
    lower: float | None
    upper: float | None
    change: float | None
    reason: str
