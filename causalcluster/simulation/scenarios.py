"""Scenarios: a panel with known true effects, and the analysis that asks for them."""

import json
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.errors import InputError, did_you_mean
from causalcluster.simulation.feedback import NODES, draw_feedback, feedback_parameters, feedback_truth
from causalcluster.simulation.linear import VARIABLES, draw_linear, linear_parameters, null_parameters
from causalcluster.simulation.truth import linear_truth

Scenario = Literal["linear", "feedback", "null", "framework"]
SCENARIOS: tuple[str, ...] = get_args(Scenario)
CLUSTER_COLUMN = "cluster"
SMALLEST_CLUSTER, LARGEST_CLUSTER = 10, 500

_LINEAR_ANALYSIS = """\
schema: causalcluster/1
title: "Simulated: does enforcement carry the labour law into wages?"
data:
  file: {file}
  cluster: {cluster}
nodes:
  law:         {{layer: environment, label: Labour law index}}
  enforcement: {{layer: actor, actor: government, label: Enforcement by government}}
  unions:      {{layer: actor, actor: workers_organisations, label: Trade union strength}}
  wage:        {{layer: outcome, label: Wage}}
  size:        {{layer: context, label: Firm size (standardised)}}
edges:
  - size -> law, enforcement, unions, wage
  - law -> enforcement
  - law, enforcement -> unions
  - law, enforcement, unions -> wage
question:
  treatment: law
  contrast: {{from: 0, to: 1}}
  outcomes: [wage]
  mediators: [enforcement, unions]
  fix: {{enforcement: 0, unions: 0}}
hypotheses:
  - {{id: H1, claim: "nie(wage, via=enforcement) > 0"}}
  - {{id: H2, claim: "nie(wage, via=enforcement) > nie(wage, via=unions)"}}
  - {{id: H3, claim: "nie(wage) > nde(wage)"}}
"""

_FEEDBACK_ANALYSIS = """\
schema: causalcluster/1
title: "Simulated: does a policy reach wages through an actor, and back?"
data:
  file: {file}
  cluster: {cluster}
  time: year
nodes:
  policy: {{layer: environment, label: Policy}}
  actor:  {{layer: actor, label: Actor}}
  wage:   {{layer: outcome, label: Wage}}
edges:
  - policy -> actor
  - policy, actor -> wage
  - wage -> policy @ lag 1
question:
  treatment: policy
  contrast: {{from: 0, to: 1}}
  outcomes: [wage]
  mediators: [actor]
  horizons: [0, 1, 2, 5]
  regimes: [sustained, pulse]
hypotheses:
  - {{id: H1, claim: "nie(wage, via=actor, horizon=1, regime=pulse) > 0"}}
  - {{id: H2, claim: "total(wage, horizon=5, regime=sustained) > 0.4"}}
"""
_NULL_ANALYSIS = _LINEAR_ANALYSIS.replace(
    "Simulated: does enforcement carry the labour law into wages?", "Simulated: a labour law that does nothing"
)
_CONCEPTS = {"law": "rights", "enforcement": "strength", "unions": "bargaining", "wage": "wage", "size": "size"}
"""Nodes of the scenario `framework`, which is `linear` under the names of concepts that the paper links by signs."""
_FRAMEWORK_ANALYSIS = """\
schema: causalcluster/1
title: "Simulated: do rights to organise reach pay through bargaining?"
data:
  file: {file}
  cluster: {cluster}
nodes:
  rights:     {{layer: environment, concept: union_organisation_rights, label: Rights to organise}}
  strength:   {{layer: actor, actor: workers_organisations, concept: union_strength, label: Strength of unions}}
  bargaining: {{layer: actor, actor: workers_organisations, concept: wrk_collective_bargaining, label: Bargaining}}
  wage:       {{layer: outcome, concept: fair_remuneration, label: Wage}}
  size:       {{layer: context, label: Firm size (standardised)}}
edges:
  - size -> rights, strength, bargaining, wage
  - rights -> strength
  - rights, strength -> bargaining
  - rights, strength, bargaining -> wage
question:
  treatment: rights
  contrast: {{from: 0, to: 1}}
  outcomes: [wage]
  mediators: [strength, bargaining]
hypotheses: framework
"""
_TEXTS = {
    "linear": _LINEAR_ANALYSIS,
    "feedback": _FEEDBACK_ANALYSIS,
    "null": _NULL_ANALYSIS,
    "framework": _FRAMEWORK_ANALYSIS,
}
_PERIODS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulated:
    """A simulated panel with its true effects.

    Attributes
    ----------
    scenario
        The scenario's name.
    table
        The cluster's label and the nodes of the diagram, one row per firm, or, of `feedback`, per year.
    truth
        The key columns of effects.csv with `value` and `mc_error`.
    analysis_text
        An analysis file for the table, in which the table's name is `table_name`.
    """

    scenario: str
    table: pd.DataFrame
    truth: pd.DataFrame
    analysis_text: str


def simulate(
    scenario: str,
    *,
    clusters: int = 24,
    rows: int | None = None,
    seed: int = 1,
    table_name: str = "panel.parquet",
) -> Simulated:
    """Draw a panel with known true effects.

    Parameters
    ----------
    scenario
        One of `SCENARIOS`.
    clusters
        Number of clusters, at least 2.
    rows
        Of `linear`, `null` and `framework`: mean rows per cluster, at least 2; None for clusters of 10 to 500 rows. The
        spread of sizes is the same. Of `feedback`: periods, 15 without it, of every cluster.
    seed
        The only source of randomness: the same arguments give the same panel.
    table_name
        The table's file name as the analysis file refers to it.

    Raises
    ------
    InputError
        The scenario is unknown, or a number is out of range.

    Examples
    --------
    >>> simulated = simulate("linear", clusters=3, rows=20, seed=1)
    >>> list(simulated.table.columns)
    ['cluster', 'size', 'law', 'enforcement', 'unions', 'wage']
    """
    _check_scenario(scenario)
    _check_at_least(clusters, 2, "clusters", "Effects are compared across clusters")
    if rows is not None:
        _check_at_least(rows, 2, "rows", "One row per cluster says nothing about slopes inside it")
    _check_at_least(seed, 0, "seed", "The random generator takes non-negative seeds only")
    rng, labels = np.random.default_rng(seed), cluster_labels(clusters)
    if scenario == "feedback":
        return _simulate_feedback(labels, rows or _PERIODS, rng, table_name)
    sizes = cluster_sizes(clusters, rows=rows, rng=rng)
    parameters = null_parameters() if scenario == "null" else linear_parameters()
    draw = draw_linear(parameters, sizes, rng)
    table = pd.DataFrame(draw.values, columns=list(VARIABLES))
    table.insert(0, CLUSTER_COLUMN, np.array(labels, dtype=object)[draw.cluster])
    truth = linear_truth(parameters, slopes=draw.slopes, sizes=sizes, labels=labels)
    if scenario == "framework":
        table, truth = table.rename(columns=_CONCEPTS), _renamed(truth)
    return Simulated(
        scenario=scenario,
        table=table,
        truth=truth,
        analysis_text=analysis_text(scenario, table_name=table_name),
    )


def _renamed(truth: pd.DataFrame) -> pd.DataFrame:
    """Return true effects under the names of concepts, without those at values that this scenario does not fix."""
    kept = truth[truth["effect"] != "cde"]
    via = kept["via"].map(lambda text: ">".join(_CONCEPTS.get(part, part) for part in str(text).split(">")))
    return kept.assign(via=via).reset_index(drop=True)


def _simulate_feedback(labels: tuple[str, ...], periods: int, rng: np.random.Generator, table_name: str) -> Simulated:
    parameters = feedback_parameters()
    draw = draw_feedback(parameters, len(labels), periods, rng)
    table = pd.DataFrame(draw.values.reshape(-1, len(NODES)), columns=list(NODES))
    table.insert(0, "year", np.tile(np.arange(2001, 2001 + periods), len(labels)))
    table.insert(0, CLUSTER_COLUMN, np.repeat(np.array(labels, dtype=object), periods))
    return Simulated(
        scenario="feedback",
        table=table,
        truth=feedback_truth(parameters, draw.slopes, labels),
        analysis_text=analysis_text("feedback", table_name=table_name),
    )


def analysis_text(scenario: str, *, table_name: str) -> str:
    """Return an analysis file for a scenario's table.

    Raises
    ------
    InputError
        The scenario is unknown.
    """
    _check_scenario(scenario)
    # A JSON string is a quoted YAML scalar, so any file name is safe.
    return _TEXTS[scenario].format(file=json.dumps(table_name, ensure_ascii=False), cluster=CLUSTER_COLUMN)


def cluster_sizes(clusters: int, *, rows: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return unbalanced cluster sizes (cluster,): even steps on a log scale from smallest to largest, shuffled."""
    sizes = np.geomspace(SMALLEST_CLUSTER, LARGEST_CLUSTER, clusters)
    if rows is not None:
        sizes = np.maximum(sizes * (rows / sizes.mean()), 2)
    return rng.permutation(np.rint(sizes).astype(np.int64))


def cluster_labels(clusters: int) -> tuple[str, ...]:
    """Return names of clusters, zero-padded so that they sort in numeric order.

    Examples
    --------
    >>> cluster_labels(2)
    ('cl01', 'cl02')
    """
    width = max(2, len(str(clusters)))
    return tuple(f"cl{number:0{width}d}" for number in range(1, clusters + 1))


def _check_scenario(scenario: str) -> None:
    if scenario not in SCENARIOS:
        raise InputError(
            f"there is no scenario {scenario!r}",
            where="simulate",
            fix=f"The scenarios are: {', '.join(SCENARIOS)}.{did_you_mean(scenario, SCENARIOS)}",
        )


def _check_at_least(value: int, least: int, name: str, why: str) -> None:
    if value < least:
        raise InputError(f"{name} is {value}", where="simulate", why=why, fix=f"Give {name} of at least {least}")
