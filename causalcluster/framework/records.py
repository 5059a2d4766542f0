"""The records of the framework of Pyke and Lund-Thomsen (2015).

Every node has one polarity, told by `high_means`; signs are read against it.
"""

from dataclasses import dataclass
from typing import Literal

NodeLayer = Literal[
    "composite",
    "influencer",
    "environment",
    "attribute",
    "actor",
    "action",
    "intermediate",
    "outcome_growth",
    "outcome_social",
    "context",
]
Sign = Literal["+", "-", "?", "contingent", "0"]
"""`?`: an effect without a direction; `contingent`: the direction depends; `0`: little or no effect is reported."""
Status = Literal["R", "A", "H", "S", "P", "C", "X", "I"]
"""Reported with citation, argued, hedged, speculation, policy wish, counterfactual, expected, the coder's reading."""
STATUS_MEANING: dict[Status, str] = {
    "R": "reported with citation",
    "A": "argued by the authors",
    "H": "hedged",
    "S": "speculation so labelled",
    "P": "policy wish",
    "C": "counterfactual",
    "X": "expected in future",
    "I": "reading added by the coder",
}
SIGN_MEANING: dict[Sign, str] = {
    "+": "raises",
    "-": "lowers",
    "?": "an effect without a stated direction",
    "contingent": "the direction depends on something",
    "0": "little or no effect reported",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkNode:
    """A concept of the paper.

    Attributes
    ----------
    id, layer, group
        Name, layer and group inside the layer.
    high_means
        What a high value means.
    component_of, reversed_in_composite
        The composite it is a part of ('' for none), and whether a high value lowers that composite.
    owner, valence
        For actions: the actors who own it, and whether it facilitates or hinders.
    section
        Sections of the paper.
    """

    id: str
    layer: NodeLayer
    group: str
    high_means: str
    component_of: str
    reversed_in_composite: bool
    owner: str
    valence: str
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkEdge:
    """An effect that the paper asserts (lag in periods; lag 1 is feedback)."""

    id: str
    source: str
    target: str
    sign: Sign
    moderator: str
    mechanism: str
    cluster_evidence: str
    citation: str
    section: str
    kind: str
    status: Status
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkModerator:
    """A statement that something changes the effects `focal_edges` (ids of edges)."""

    id: str
    moderator: str
    focal_edges: tuple[str, ...]
    effect: str
    section: str
    citation: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkHypothesis:
    """A testable reading of the paper; `edges` holds ids of edges and moderators. Strength is R, A, H or C of `Status`."""

    id: str
    label: str
    treatment: str
    mediator: str
    outcome: str
    moderator: str
    contrast: str
    prediction: str
    edges: tuple[str, ...]
    section: str
    strength: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkCase:
    """One episode of one cluster or comparator.

    Attributes
    ----------
    case_id, cluster, episode, case_type, country, region, world_region, sector, sector_group, period, sections
        What, where, when; sections of the paper.
    country_in_paper
        Whether the paper itself names the country.
    employment_start, employment_end, other_figures
        Figures as printed in the paper, with year and qualifier where given; '' where none.
    codes
        (variable, -1 | 0 | 1) for every variable that the paper discusses: states, acts or results.
    mixed, prospective, soft
        Variables with conflicting codes, with expected results, and resting on hedged or inferred statements only.
    """

    case_id: str
    cluster: str
    episode: str
    case_type: str
    country: str
    country_in_paper: bool
    region: str
    world_region: str
    sector: str
    sector_group: str
    period: str
    employment_start: str
    employment_end: str
    other_figures: str
    sections: str
    codes: tuple[tuple[str, int], ...]
    mixed: tuple[str, ...]
    prospective: tuple[str, ...]
    soft: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkJudgement:
    """One coded statement about one case: what the codes of `FrameworkCase` are computed from."""

    case_id: str
    cluster: str
    episode: str
    variable: str
    code: int
    justification: str
    citation: str
    section: str
    basis: str
    status: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """The whole ontology, in the paper's order."""

    nodes: tuple[FrameworkNode, ...]
    edges: tuple[FrameworkEdge, ...]
    moderators: tuple[FrameworkModerator, ...]
    hypotheses: tuple[FrameworkHypothesis, ...]
    cases: tuple[FrameworkCase, ...]
    judgements: tuple[FrameworkJudgement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkLink:
    """An effect of the paper between two named nodes of an analysis, through concepts that are not named.

    Attributes
    ----------
    source, target
        Names of nodes of the analysis.
    sign
        The common sign of all paths; `contingent` where they differ.
    lag
        Periods from source to target, 0 or 1.
    edge_ids
        Every edge of the paper on those paths.
    direct
        Whether one of the paths is a single edge of the paper.
    statuses
        The statuses of those edges.
    """

    source: str
    target: str
    sign: Sign
    lag: int
    edge_ids: tuple[str, ...]
    direct: bool
    statuses: tuple[Status, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkConfounder:
    """Two named nodes of an analysis with common causes in the paper that are not named (concept ids)."""

    left: str
    right: str
    causes: tuple[str, ...]
