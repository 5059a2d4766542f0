"""DoWhy's verdict on the whole diagram, against diagrams of the same shape with its nodes exchanged.

Eulig, Mastakouri, Bloebaum, Hardt and Janzing (2023, arXiv:2305.09565). The independence tests are those of
`causalcluster.checks.independences`, which flip whole clusters, so rows of a cluster may depend on each other.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causalcluster.analysis.records import Analysis, latent_nodes, node_by_name
from causalcluster.checks.independences import Independence, IndependenceTest
from causalcluster.data import RowTable
from causalcluster.graph import CausalGraph, to_admg_networkx
from causalcluster.identification.conditions import confounding_levels
from causalcluster.moments import Moments

PERMUTATIONS = 200
LEVEL = 0.05
COLUMNS = (
    "tests", "violations", "permutations", "p_violations", "p_equivalent", "verdict", "reason",
)  # fmt: skip


def falsify_diagram(
    analysis: Analysis, graph: CausalGraph, moments: Moments, rows: RowTable | None, *, random_seed: int
) -> pd.DataFrame | None:
    """Hold the diagram against diagrams of the same shape with nodes exchanged, by DoWhy's `falsify_graph`.

    Returns
    -------
    pandas.DataFrame or None
        One row: ``tests`` that the diagram makes and its ``violations`` (of level 0.05, not adjusted); the share of
        ``permutations`` that violate no more (``p_violations``), and that imply the same (``p_equivalent``). The verdict is
        ``falsified`` where the diagram does no better than exchanged ones that could do otherwise, ``not falsified``, or
        ``cannot be evaluated``. None over time.
    """
    if graph.lagged or moments.table.sizes["cluster"] == 0:
        return None
    from dowhy.gcm.falsify import FalsifyConst, falsify_graph

    hidden = set(latent_nodes(analysis))
    names = [name for name in graph.nodes if name not in hidden]
    # The tests work on moments: of each column they need to know no more than which it is.
    codes = pd.DataFrame({name: [float(k)] * 2 for k, name in enumerate(names)})
    asker = _Asker(names, IndependenceTest.prepare(analysis, moments, rows))
    state = np.random.get_state()
    try:
        np.random.seed(random_seed % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = falsify_graph(
                to_admg_networkx(graph, confounding_levels(analysis)),
                codes,
                independence_test=asker.p_value,
                conditional_independence_test=asker.p_value,
                significance_level=LEVEL,
                significance_ci=LEVEL,
                n_permutations=PERMUTATIONS,
                n_jobs=1,
                show_progress_bar=False,
            )
    finally:
        np.random.set_state(state)
    own, equivalent = found.summary[FalsifyConst.VALIDATE_LMC], found.summary[FalsifyConst.VALIDATE_TPA]
    row: dict[str, Any] = {
        "tests": own[FalsifyConst.N_TESTS],
        "violations": own[FalsifyConst.GIVEN_VIOLATIONS],
        "permutations": len(own[FalsifyConst.PERM_VIOLATIONS]),
        "p_violations": own[FalsifyConst.P_VALUE],
        "p_equivalent": equivalent[FalsifyConst.P_VALUE],
        "verdict": "falsified" if found.falsified else "not falsified",
        "reason": "",
    }
    if not row["tests"]:
        row |= {"verdict": "cannot be evaluated", "reason": "the diagram implies no independence that can be tested"}
    elif not found.falsifiable:
        row |= {"verdict": "cannot be evaluated", "reason": "too many diagrams with its nodes exchanged imply the same"}
    return pd.DataFrame([row]).reindex(columns=list(COLUMNS))


class _Asker:
    """Answers DoWhy's questions about columns of codes from moments."""

    def __init__(self, names: list[str], tester: IndependenceTest) -> None:
        self.names, self.tester = names, tester
        self.family = {name: node_by_name(tester.analysis, name).family for name in names}

    def p_value(self, left: NDArray[Any], right: NDArray[Any], given: NDArray[Any] | None = None) -> float:
        """Return the p value; 1 where nothing can be tested, so that it speaks against no diagram."""
        first, second = (self.names[int(np.ravel(item)[0])] for item in (left, right))
        held = () if given is None else tuple(self.names[int(code)] for code in np.atleast_2d(given)[0])
        later = second if self.family[second] == "gaussian" or self.family[first] != "gaussian" else first
        earlier = first if later == second else second
        found = self.tester.test(Independence(left=earlier, right=later, given=held))
        return float(found.get("p_value", 1.0))


def falsification_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence where the diagram does no better than exchanged ones."""
    if table is None or table["verdict"].iloc[0] != "falsified":
        return ()
    row = table.to_dict("records")[0]
    return (
        f"The diagram is no better than chance: of {row['tests']} independences that it implies "
        f"{row['violations']} are violated, "
        f"and {row['p_violations']:.0%} of diagrams with its nodes exchanged violate no more (falsification.csv)",
    )
