"""What the diagram says must not go together, held against the data: the table of independences.csv.

Two nodes without an arrow between them are independent given some set of nodes; which, is read off the diagram. In every
cluster the partial association of the two is computed with slopes of its own on that set; if the diagram is right its
expectation is zero. The test flips the signs of whole clusters' associations (the wild cluster bootstrap of Cameron, Gelbach
and Miller 2008 in its simplest form), so rows of a cluster may depend on each other in any way.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from causalcluster.analysis.records import Analysis, latent_nodes, node_by_name
from causalcluster.checks.row_independences import Scores, score_rows, why_no_scores
from causalcluster.data import RowTable
from causalcluster.graph import CausalGraph, parents, to_admg_networkx
from causalcluster.identification.conditions import confounding_levels
from causalcluster.identification.separation import open_path
from causalcluster.moments import Moments, analysed_table
from causalcluster.moments.pooled import within_squares

Floats = NDArray[np.float64]
LEVEL = 0.05
LEAST_CLUSTERS = 6
"""With fewer no flip of signs is rarer than one in twenty."""
FLIPS = 9999
MOST_FLIPPED = 200
SMALL = 0.1
"""The partial correlation that a test should be able to see."""
LEAST_POWER = 0.5
_ALMOST = 1e-9
COLUMNS = (
    "left", "right", "given", "partial_correlation", "p_value", "p_adjusted", "power", "clusters", "rows", "verdict",
    "hint", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """Two nodes, the earlier first, and a set given which the diagram makes them independent."""

    left: str
    right: str
    given: tuple[str, ...]


def implied_independences(analysis: Analysis, graph: CausalGraph) -> Iterator[Independence]:
    """Yield one independence for each pair of measured nodes without an arrow between them, where the diagram implies one.

    The set is the parents of the later node, or of both: the local Markov property (Pearl 2009, theorem 1.2.7). Unmeasured
    causes that clusters' own levels absorb do not count. How nodes without causes go together is left open, as no effect
    depends on it, but for the treatment: without causes it is as if assigned at random.
    """
    digraph = to_admg_networkx(graph, confounding_levels(analysis))
    hidden, treatment = set(latent_nodes(analysis)), analysis.question.treatment
    names = [name for name in graph.nodes if name not in hidden]
    for i, right in enumerate(names):
        for left in names[:i]:
            open_to_each_other = not parents(graph, left) and not parents(graph, right) and treatment not in (left, right)
            if open_to_each_other or digraph.has_edge(left, right) or digraph.has_edge(right, left):
                continue
            own, both = parents(graph, right), (*parents(graph, right), *parents(graph, left))
            for given in dict.fromkeys((tuple(dict.fromkeys(own)), tuple(dict.fromkeys(both)))):
                usable = left not in given and right not in given and hidden.isdisjoint(given)
                if usable and open_path(digraph, [left], {right}, given) is None:
                    yield Independence(left=left, right=right, given=given)
                    break


def check_implied(
    analysis: Analysis, graph: CausalGraph, moments: Moments, rows: RowTable | None = None
) -> pd.DataFrame | None:
    """Test every independence that the diagram implies, inside clusters (units, where these are absorbed).

    p values are adjusted for the rate of false discoveries (Benjamini and Hochberg 1995). Where the later node is not
    gaussian its ``rows`` are needed.

    Returns
    -------
    pandas.DataFrame or None
        The columns of independences.csv. The verdict is ``violated``, ``holds``, ``low power`` where nothing was found and a
        partial correlation of 0.1 would be found in fewer than half of such data, or ``cannot be tested``; ``hint`` is the
        arrow that would make room for what is violated. None where the
        diagram implies nothing, over time, and with complete rows alone missing.
    """
    if graph.lagged or moments.table.sizes["cluster"] == 0:
        return None
    found = list(implied_independences(analysis, graph))
    if not found:
        return None
    tester = IndependenceTest.prepare(analysis, moments, rows)
    tested = [{"left": item.left, "right": item.right, "given": " ".join(item.given)} | tester.test(item) for item in found]
    return _judge(pd.DataFrame(tested).reindex(columns=list(COLUMNS)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndependenceTest:
    """Tests independences on one set of data.

    Attributes
    ----------
    analysis, moments, rows
        The data.
    table
        The moments that are tested on.
    still
        Nodes that do not vary inside clusters.
    freedom
        (G,) rows less what was taken out of them.
    """

    analysis: Analysis
    moments: Moments
    rows: RowTable | None
    table: Any
    still: frozenset[str]
    freedom: Floats

    @classmethod
    def prepare(cls, analysis: Analysis, moments: Moments, rows: RowTable | None) -> "IndependenceTest":
        """Look at which nodes vary, and how much there is to test on."""
        table = analysed_table(moments) if not moments.incomplete else moments.table
        within = within_squares(table)
        still = {name for name in map(str, table["column"].values) if bool((within.sel(column=name) == 0.0).all())}
        return cls(
            analysis=analysis, moments=moments, rows=rows, table=table, still=frozenset(still), freedom=_freedom(table)
        )

    def test(self, item: Independence) -> dict[str, Any]:
        """Return the numbers of a test, or the verdict ``cannot be tested`` with the reason."""
        reason = _why_not(self.analysis, item, self.still, self.freedom)
        given = [*(name for name in item.given if name not in self.still), *self.moments.periods]
        node = node_by_name(self.analysis, item.right)
        if not reason and node.family != "gaussian":
            reason = why_no_scores(node, self.rows, [*given, item.left, item.right])
        if reason or node.family == "gaussian" or self.rows is None:
            return _untested(reason) if reason else _test(self.table, item, given, self.freedom)
        found = score_rows(node, item.left, given, self.rows)
        return _untested("its mean cannot be fitted") if found is None else _test_scores(found)


def _untested(reason: str) -> dict[str, Any]:
    return {"verdict": "cannot be tested", "reason": reason}


def _test_scores(found: Scores) -> dict[str, Any]:
    """Test sums of products of remainders, cluster by cluster; without clusters by their normal distribution."""
    use = (found.left > 0.0) & (found.right > 0.0)
    several = len(found.rows) > 1
    if use.sum() < (LEAST_CLUSTERS if several else 1):
        return _untested("too few clusters in which its values differ")
    correlation = float(found.both[use].sum() / np.sqrt(found.left[use].sum() * found.right[use].sum()))
    dof = float(found.rows[use].sum() - use.sum() - found.held)
    p_value = (
        flip_signs(found.both[use]) if several else 2.0 * float(stats.norm.sf(abs(correlation) * np.sqrt(max(dof, 1.0))))
    )
    return {
        "partial_correlation": correlation,
        "p_value": p_value,
        "power": _power(dof),
        "clusters": int(use.sum()),
        "rows": int(found.rows[use].sum()),
        "reason": "",
    }


def _power(dof: float) -> float:
    return float(stats.norm.sf(stats.norm.isf(LEVEL / 2.0) - SMALL * np.sqrt(max(dof, 0.0))))


def _freedom(table: Any) -> Floats:
    """Return rows by cluster less what was taken out of them."""
    n = table["n"].values.astype(float)
    units = table["units"].values.astype(float) if "units" in table and int(table["longest"]) > 1 else np.ones(len(n))
    found: Floats = n - units
    return found


def _why_not(analysis: Analysis, item: Independence, still: Collection[str], freedom: Floats) -> str:
    if item.left in still or item.right in still:
        return "one of the two does not vary inside clusters"
    clusters = int((freedom > 0).sum())
    if analysis.data.cluster is not None and clusters < LEAST_CLUSTERS:
        return f"fewer than {LEAST_CLUSTERS} clusters"
    return ""


def _test(table: Any, item: Independence, given: Sequence[str], freedom: Floats) -> dict[str, Any]:
    chosen = [*given, item.left, item.right]
    cross = table["cross"].sel(column=chosen, column_2=chosen).values
    # Columns may differ in their units by any factor.
    unit = np.sqrt(np.maximum(np.einsum("gii->i", cross), 1e-300))
    cross = cross / unit / unit[:, None]
    left, right, both, rank = _partial(cross)
    use = (freedom - rank > 1.0) & (left > 0.0) & (right > 0.0)
    # What is left of a column that follows from the others is rounding.
    use &= (left > _ALMOST * cross[:, -2, -2]) & (right > _ALMOST * cross[:, -1, -1])
    if use.sum() < (LEAST_CLUSTERS if len(cross) > 1 else 1):
        return _untested("too few rows inside clusters for the nodes that are held")
    # Weighted by the clusters' own residual variances, so that a noisy cluster does not speak loudest.
    score = both[use] / np.maximum(right[use] / (freedom - rank)[use], 1e-300)
    dof = float((freedom - rank)[use].sum())
    correlation = float(both[use].sum() / np.sqrt(left[use].sum() * right[use].sum()))
    if len(cross) == 1:
        size = correlation * np.sqrt((dof - 1.0) / max(1.0 - correlation**2, 1e-12))
        p_value = 2.0 * float(stats.t.sf(abs(size), dof - 1.0))
    else:
        p_value = flip_signs(score)
    return {
        "partial_correlation": correlation,
        "p_value": p_value,
        "power": _power(dof),
        "clusters": int(use.sum()),
        "rows": int(table["n"].values[use].sum()),
        "reason": "",
    }


def _partial(cross: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return by cluster the sums of squares and products of the last two columns given the others, and the rank of these."""
    z = cross[:, :-2, :-2]
    if not z.shape[1]:
        none = np.zeros(len(cross))
        return cross[:, -2, -2], cross[:, -1, -1], cross[:, -2, -1], none
    inverse = np.linalg.pinv(z, hermitian=True, rcond=1e-10)
    on = cross[:, -2:, :-2]
    rest = cross[:, -2:, -2:] - on @ inverse @ on.transpose(0, 2, 1)
    rank = np.linalg.matrix_rank(z, hermitian=True).astype(np.float64)
    return rest[:, 0, 0], rest[:, 1, 1], rest[:, 0, 1], rank


def flip_signs(score: Floats) -> float:
    """Return the share of flips of signs of clusters' scores whose sum is at least as far from 0 as that found.

    All flips of few clusters; `FLIPS` random ones, with the one found, of more; of more than `MOST_FLIPPED` the normal
    distribution that the sum then has under flips.
    """
    count, found = len(score), abs(float(score.sum()))
    if count > MOST_FLIPPED:
        return 2.0 * float(stats.norm.sf(found / np.sqrt(float(score @ score))))
    further = np.abs(_signs(count) @ score) >= found * (1.0 - 1e-12)
    every = 2 ** (count - 1) <= FLIPS
    return float(further.mean()) if every else float((1 + further.sum()) / (1 + FLIPS))


@cache
def _signs(count: int) -> Floats:
    """Return flips of the signs of so many clusters (flip, cluster)."""
    if 2 ** (count - 1) > FLIPS:
        return 1.0 - 2.0 * np.random.default_rng(31).integers(0, 2, (FLIPS, count)).astype(np.float64)
    places = np.arange(2 ** (count - 1))[:, None] >> np.arange(count)
    every: Floats = 1.0 - 2.0 * (places & 1).astype(np.float64)
    return every


def _judge(table: pd.DataFrame) -> pd.DataFrame:
    p = table["p_value"].dropna()
    if p.empty:
        return table
    adjusted = pd.Series(stats.false_discovery_control(p.to_numpy().astype(float)), index=p.index)
    table = table.assign(p_adjusted=adjusted)
    tested = table["p_value"].notna()
    low, seen = table["power"].astype(float) < LEAST_POWER, table["p_adjusted"].astype(float) < LEVEL
    verdict = np.where(seen, "violated", np.where(low, "low power", "holds"))
    arrows = table["left"] + " -> " + table["right"]
    return table.assign(verdict=np.where(tested, verdict, table["verdict"]), hint=np.where(tested & seen, arrows, ""))


def independence_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every independence that the data contradict."""
    rows = [] if table is None else table[table["verdict"] == "violated"].to_dict("records")
    return tuple(
        f"the diagram says that {row['left']} and {row['right']} have nothing to do with each other"
        f"{' given ' + row['given'].replace(' ', ', ') if row['given'] else ''}, and they do (partial correlation "
        f"{row['partial_correlation']:.2f}, p = {row['p_adjusted']:.2g}): an arrow between them or an unmeasured cause of "
        "both is missing, or an equation is not linear (independences.csv)"
        for row in rows
    )
