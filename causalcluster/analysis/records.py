"""The validated analysis as frozen records."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from causalcluster.analysis.claim_records import Claim
from causalcluster.families import EffectScale, Family, Link

Layer = Literal["influencer", "environment", "actor", "outcome", "context"]
Actor = Literal["government", "employers_organisations", "workers_organisations", "community_organisations", "other"]
Level = Literal["cluster", "cluster_time", "row", "all"]
Decomposition = Literal["four_way", "interventional"]
Condition = tuple[tuple[str, float], ...]
"""Values at which moderators are set: node and value, in its own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A variable of the diagram; ``link`` None is the family's default, ``trials`` and ``exposure`` are columns.

    A node with ``indicators``, names of nodes, is measured by these alone: its ``column`` is that of the first one, whose
    unit it has. ``measures`` is the node that an indicator measures. ``se`` is the column with the standard errors of a
    node that is measured with error. ``per`` is the node that is the denominator of a ratio.
    ``reversed`` says that high values of the column are low ones of the concept.
    """

    name: str
    layer: Layer
    actor: Actor | None = None
    column: str
    concept: str | None = None
    label: str
    family: Family = "gaussian"
    link: Link | None = None
    trials: str | None = None
    exposure: str | None = None
    indicators: tuple[str, ...] = ()
    measures: str | None = None
    se: str | None = None
    per: str | None = None
    reversed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow; ``framework_ids`` and ``sign`` are the paper's edges behind it, if any."""

    source: str
    target: str
    lag: int = 0
    origin: Literal["analyst", "framework", "measurement"] = "analyst"
    framework_ids: tuple[str, ...] = ()
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A product of nodes that enters one node's equation."""

    factors: tuple[str, ...]
    target: str

    @property
    def name(self) -> str:
        """The product's name, 'law * enforcement'."""
        return " * ".join(self.factors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unobserved:
    """A declared unmeasured common cause of two nodes and the level at which it acts."""

    left: str
    right: str
    level: Level = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """Where the rows or the moments are and which columns group them; files are absolute, possibly globs."""

    file: str | None
    moments: tuple[str, ...] = ()
    overlapping: Literal["error", "add"] = "error"
    cluster: str | None = None
    nested_in: tuple[str, ...] = ()
    crossed_with: tuple[str, ...] = ()
    unit: str | None = None
    time: str | None = None
    missing: Literal["model", "drop", "error"] = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """From ``low`` to ``high``: values, multiples of the standard deviation, or quantiles' probabilities."""

    kind: Literal["values", "sd", "quantiles"]
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Treatment, contrast, outcomes, mediators in causal order, and what is reported beside their effects.

    ``fix`` holds the values for controlled direct effects, a pair of mediator and value for each; ``at`` conditions at which
    effects are wanted too; ``scales`` those of the reported effects, claims included, differences first.
    """

    treatment: str
    contrast: Contrast
    outcomes: tuple[str, ...]
    mediators: tuple[str, ...]
    fix: tuple[tuple[str, float], ...] = ()
    scales: tuple[EffectScale, ...] = ("difference",)
    decompositions: tuple[Decomposition, ...] = ()
    at: tuple[Condition, ...] = ()
    horizons: tuple[int, ...] = ()
    regimes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorOverride:
    """A prior of the analyst's own for one edge, in the user's units."""

    edge: tuple[str, str]
    mean: float | None = None
    sd: float | None = None
    between_sd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """How coefficients vary, pool and are centred, and their priors."""

    varying: Literal["all", "none"] | tuple[str, ...] = "all"
    pooling: Literal["partial", "none"] = "partial"
    centre: Literal["within", "none"] = "within"
    time_effects: Literal["none", "fixed", "random"] = "none"
    priors: Literal["neutral", "framework", "flat"] = "neutral"
    prior_overrides: tuple[PriorOverride, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Settings of the sampler and the probability of the reported intervals."""

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    seed: int = 1
    ci_prob: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivitySpec:
    """Correlations of errors of mediators and outcomes to look at; ``rho_sd`` is the spread of a prior of them around 0."""

    rho: tuple[float, ...] = ()
    rho_sd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A claim about effects, with its text as written."""

    id: str
    claim: Claim
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """A part of one of the paper's hypotheses that is no claim on this analysis, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another analysis of the same data, and the keys in which it differs."""

    name: str
    analysis: "Analysis"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysis file, validated."""

    path: Path
    title: str
    data: DataSpec
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    interactions: tuple[Interaction, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    question: Question
    model: ModelSpec = field(default_factory=ModelSpec)
    sampling: Sampling = field(default_factory=Sampling)
    sensitivity: SensitivitySpec = field(default_factory=SensitivitySpec)
    hypotheses: tuple[Hypothesis, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    text: str = ""
    warnings: tuple[str, ...] = ()


def node_by_name(analysis: Analysis, name: str) -> Node:
    """Return the node called ``name`` (KeyError where there is none)."""
    for node in analysis.nodes:
        if node.name == name:
            return node
    raise KeyError(name)


def latent_nodes(analysis: Analysis) -> tuple[str, ...]:
    """Return the nodes whose own values are not seen: indicators measure them, or a column with a known error."""
    return tuple(node.name for node in analysis.nodes if node.indicators or node.se is not None)


def label_of(analysis: Analysis, name: str) -> str:
    """Return the label of the node called ``name``."""
    return node_by_name(analysis, name).label


def analysis_to_json(analysis: Analysis) -> dict[str, Any]:
    """Return the analysis as nested plain JSON values; the open end of a claim's interval is null."""
    plain: dict[str, Any] = _plain(dataclasses.asdict(analysis))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    # JSON has no infinities.
    return None if isinstance(value, float) and not math.isfinite(value) else value
