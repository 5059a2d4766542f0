"""Tables in which the answer is known, or must not move: placebo treatments, dummy outcomes, random causes, subsets.

Each replicate is the analysis again, from the table on, with the same compiled model (after the refuters of DoWhy, Sharma
and Kiciman 2020). Treatments are permuted at the level at which they were assigned: among rows of a cluster, among periods
of a cluster where rows share them, among clusters where these do.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.claim_records import name_effect
from causalcluster.analysis.records import Analysis, Contrast, Edge, Node, node_by_name
from causalcluster.data import CLUSTER, PERIOD, UNIT, open_rows, position_column
from causalcluster.data.collection import collect, plain_values
from causalcluster.data.columns import numeric_columns
from causalcluster.effects.summary import summarise_effects
from causalcluster.errors import InputError, UnsupportedError
from causalcluster.fitting.many import REFIT_CHAINS, REFIT_DRAWS, REFIT_TUNE, FitTask, evaluate_again, run_fits, thin_start
from causalcluster.fitting.sample import Draws
from causalcluster.moments import Moments
from causalcluster.planning import Plan, Prepared, draw_up, prepare

Floats = NDArray[np.float64]
KINDS: Final = ("placebo_treatment", "dummy_outcome", "random_cause", "data_subset")
EXPECTED_ZERO: Final = ("placebo_treatment", "dummy_outcome")
EFFECTS: Final = ("total", "nde", "nie")
SHARE: Final = 0.8
"""Of every cluster's rows that a subset keeps."""
LEAST: Final = 10
"""Fewer replicates say nothing."""
MOST_ROWS: Final = 200_000
RANDOM: Final = "random_cause"
_LEVEL: Final = 0.05
_AWAY: Final = 3.0
"""Monte Carlo errors by which replicates may lie off what is expected."""
COLUMNS = (
    "kind", "outcome", "effect", "via", "level", "estimate", "expected", "replicates", "mean", "sd", "mc_error", "p_value",
    "verdict", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The complete rows under the analysis' own names, and the places of each row's cluster."""

    table: pd.DataFrame
    cluster: NDArray[np.int64]


def refute(
    analysis: Analysis,
    plan: Plan,
    prepared: Prepared,
    draws: Draws,
    source: Any = None,
    *,
    replicates: int,
    executor: Executor,
    kinds: Sequence[str] = KINDS,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Run the analysis again on tables whose answer is known.

    Parameters
    ----------
    analysis
        As it was read.
    plan, prepared, draws
        The main fit.
    source
        The table, where it is not the analysis' file.
    replicates
        Of each kind.
    executor
        From `causalcluster.fitting.engines.open_engine`.
    kinds
        Some of `KINDS`.
    progress
        Called with one sentence as each kind ends.

    Returns
    -------
    pandas.DataFrame
        The columns of refutation.csv: by kind, effect and level the main ``estimate``, what replicates are ``expected`` to
        be (0, or the estimate), their ``mean``, ``sd`` and ``mc_error``, ``p_value``, the share of replicates that lie at
        least as far from their mean as the estimate lies from 0 or from that mean, and a verdict.

    Raises
    ------
    InputError
        Too few replicates, or no effect is identified.
    UnsupportedError
        There are no rows, too many, lagged edges or groups of clusters.
    """
    refuse_refutation(analysis, replicates, source)
    if not any(verdict.identified and verdict.effect in EFFECTS for verdict in plan.verdicts):
        raise InputError(
            "no total, direct or mediated effect of this analysis is identified, so that there is none to refute",
            where=str(analysis.path),
            fix="run without --refute; identification.json says what is missing",
        )
    rows = _take(analysis, source)
    main = summarise_effects(evaluate_again(prepared.targets.plain(), draws, analysis.sampling.seed), ci_prob=0.95)
    found = []
    for kind in kinds:
        tables = [table for _, table in run_fits(_tasks(analysis, plan, kind, rows, draws, replicates), executor)]
        found.append(_summarise(kind, main, pd.concat(tables)))
        if progress is not None:
            progress(f"refutation: {kind.replace('_', ' ')}, {replicates} fits")
    return pd.concat(found, ignore_index=True)


def refuse_refutation(analysis: Analysis, replicates: int, source: Any = None) -> None:
    """Refuse before anything is sampled what cannot be refuted in this version."""
    if replicates < LEAST:
        raise InputError(
            f"{replicates} replicates are too few to refute anything with", fix=f"give {LEAST} or more (100 tell more)"
        )
    data = analysis.data
    reasons = {
        "the analysis reads moments, and rows are needed": bool(data.moments) or isinstance(source, Moments),
        "edges have lags": any(edge.lag for edge in analysis.edges),
        "clusters lie in groups": bool(data.nested_in or data.crossed_with),
    }
    for reason, holds in reasons.items():
        if holds:
            raise UnsupportedError(
                f"refutation by refitting is not available where {reason}",
                where=str(analysis.path),
                fix="run without --refute",
            )


def _take(analysis: Analysis, source: Any) -> _Rows:
    """Bring the complete rows here."""
    with open_rows(analysis, source) as rows:
        if rows.counts.complete > MOST_ROWS:
            raise UnsupportedError(
                f"refutation by refitting reads the table once per replicate, and this one has {rows.counts.complete} rows",
                where=rows.name,
                fix=f"run without --refute, or on a sample of at most {MOST_ROWS} rows",
            )
        found = collect(rows.complete)
        labels = [str(label) for label in plain_values(found[CLUSTER])]
        names = {column: position_column(i) for i, column in enumerate(numeric_columns(analysis))}
        table = pd.DataFrame({column: np.asarray(found[own].to_numpy(), dtype=float) for column, own in names.items()})
        if analysis.data.cluster is not None:
            table[analysis.data.cluster] = labels
        if analysis.data.unit is not None:
            table[analysis.data.unit] = [str(label) for label in plain_values(found[UNIT])]
        if analysis.data.time is not None and rows.periods:
            places = np.array([rows.places[int(rank)] for rank in plain_values(found[PERIOD])])
            table[analysis.data.time] = places
    # Engines give rows in any order; replicates must not depend on it.
    table = table.sort_values(list(table.columns), kind="stable").reset_index(drop=True)
    cluster = table[analysis.data.cluster] if analysis.data.cluster is not None else pd.Series("", index=table.index)
    return _Rows(table=table, cluster=pd.factorize(cluster)[0])


def _tasks(analysis: Analysis, plan: Plan, kind: str, rows: _Rows, draws: Draws, replicates: int) -> Iterator[FitTask]:
    low, high = plan.panel.contrast
    asked = replace(
        analysis,
        hypotheses=(),
        data=replace(analysis.data, missing="drop"),
        question=replace(analysis.question, contrast=Contrast(kind="values", low=low, high=high)),
    )
    if analysis.data.time is not None and analysis.data.time not in rows.table:
        asked = replace(asked, data=replace(asked.data, time=None))
    if kind == "random_cause":
        asked = _with_random_cause(asked)
    tune = 4 * REFIT_TUNE if kind == "random_cause" else 2 * REFIT_TUNE
    sampling = replace(analysis.sampling, chains=REFIT_CHAINS, tune=tune, draws=REFIT_DRAWS, ci_prob=0.95)
    start = thin_start(draws.start)
    for k in range(replicates):
        rng = np.random.default_rng([analysis.sampling.seed, 29, KINDS.index(kind), k])
        own = draw_up(asked, change_table(kind, rows.table, rows.cluster, asked, rng), doubts=False)
        made = prepare(own)
        yield FitTask(
            name=f"{kind} {k}",
            design=own.design,
            priors=made.priors,
            arrays=made.arrays,
            targets=made.targets.plain(),
            sampling=replace(sampling, seed=analysis.sampling.seed + 1 + k),
            # With one cause more there are other coordinates to begin in.
            start=None if kind == "random_cause" else start,
            effects_seed=analysis.sampling.seed,
        )


def _with_random_cause(analysis: Analysis) -> Analysis:
    """Draw one cause more of the mediators and the outcomes."""
    question = analysis.question
    node = Node(name=RANDOM, layer="context", column=RANDOM, label=RANDOM)
    edges = tuple(Edge(source=RANDOM, target=end) for end in (*question.mediators, *question.outcomes))
    return replace(analysis, nodes=(*analysis.nodes, node), edges=(*analysis.edges, *edges))


def change_table(
    kind: str, table: pd.DataFrame, cluster: NDArray[np.int64], analysis: Analysis, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the table of one replicate."""
    if kind == "placebo_treatment":
        column = node_by_name(analysis, analysis.question.treatment).column
        return table.assign(**{column: _permuted(table, column, cluster, analysis, rng)})
    if kind == "dummy_outcome":
        columns = [node_by_name(analysis, name).column for name in analysis.question.outcomes]
        order = _shuffled_inside(cluster, rng)
        return table.assign(**{column: table[column].to_numpy()[order] for column in columns})
    if kind == "random_cause":
        return table.assign(**{RANDOM: rng.standard_normal(len(table))})
    place = rng.uniform(size=len(table))
    rank = pd.Series(place).groupby(cluster).rank()
    size = pd.Series(place).groupby(cluster).transform("size")
    # Two rows at least of each cluster, so that none is lost.
    kept = (rank <= np.maximum(np.ceil(SHARE * size), 2.0)).to_numpy()
    subset: pd.DataFrame = table.loc[kept].reset_index(drop=True)
    return subset


def _permuted(
    table: pd.DataFrame, column: str, cluster: NDArray[np.int64], analysis: Analysis, rng: np.random.Generator
) -> Floats:
    values = table[column].to_numpy()
    by_cluster = pd.Series(values).groupby(cluster)
    if analysis.data.cluster is not None and bool((by_cluster.nunique() <= 1).all()):
        own = by_cluster.first().to_numpy()
        return np.asarray(rng.permutation(own)[cluster])
    time = analysis.data.time
    if time is not None and time in table:
        cells = table.groupby([cluster, table[time]])[column]
        if bool((cells.nunique() <= 1).all()) and bool((cells.size() > 1).any()):
            return _among_periods(values, cluster, table[time].to_numpy(), rng)
    return np.asarray(values[_shuffled_inside(cluster, rng)])


def _among_periods(
    values: Floats, cluster: NDArray[np.int64], period: NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    """Permute what rows of a cluster and period share among the cluster's periods."""
    out = values.copy()
    for g in range(int(cluster.max()) + 1):
        here = cluster == g
        _, first, of_row = np.unique(period[here], return_index=True, return_inverse=True)
        out[here] = rng.permutation(values[here][first])[of_row.ravel()]
    return out


def _shuffled_inside(cluster: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of rows in which those of each cluster are permuted among its places."""
    order = np.empty(len(cluster), dtype=np.int64)
    by_cluster = np.argsort(cluster, kind="stable")
    mixed = np.lexsort((rng.uniform(size=len(cluster)), cluster))
    order[by_cluster] = mixed
    return order


def _summarise(kind: str, main: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    key = ["outcome", "effect", "via", "level"]
    rows = []
    for row in main[main["effect"].isin(EFFECTS)].to_dict("records"):
        own = fits[np.all([fits[name] == row[name] for name in key], axis=0)]["mean"].dropna().to_numpy()
        if len(own) == 0:
            continue
        estimate, zero = float(row["mean"]), kind in EXPECTED_ZERO
        expected, mean, sd = 0.0 if zero else estimate, float(own.mean()), float(own.std(ddof=1))
        error = sd / np.sqrt(len(own))
        beyond = np.abs(own - mean) >= np.abs(estimate - (0.0 if zero else mean))
        p_value = float((1 + beyond.sum()) / (1 + len(own)))
        rows.append(
            {name: row[name] for name in key}
            | {"kind": kind, "estimate": estimate, "expected": expected, "replicates": len(own)}
            | {"mean": mean, "sd": sd, "mc_error": error, "p_value": p_value}
            | {"verdict": _verdict(kind, mean - expected, error, p_value), "reason": ""}
        )
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _verdict(kind: str, away: float, error: float, p_value: float) -> str:
    """Return the verdict; only placebo treatments are what an effect of no treatment looks like in all of its parts."""
    if kind not in EXPECTED_ZERO:
        return "refuted" if p_value < _LEVEL else "not refuted"
    if abs(away) > _AWAY * error:
        return "refuted"
    if kind == "dummy_outcome":
        return "not refuted"
    return "stands out" if p_value < _LEVEL else "does not stand out"


def refutation_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every effect that a refuter refutes, at the level of the population or else of the sample."""
    if table is None:
        return ()
    level = "population" if "population" in set(table["level"]) else "sample"
    said = []
    for row in table[(table["level"] == level) & (table["verdict"] == "refuted")].to_dict("records"):
        name = name_effect(row["effect"], row["outcome"], row["via"])
        said.append(
            f"{name} is {row['mean']:.3g} (Monte Carlo error {row['mc_error']:.2g}) on average over {row['replicates']} "
            f"tables of the kind '{row['kind'].replace('_', ' ')}', where {row['expected']:.3g} is expected (refutation.csv)"
        )
    return tuple(said)
