"""A placebo: next year's policy has no effect this year. The table of leads.csv.

Where a node goes with the treatment's next value though its causes are held, it moved before the policy did: what is called
an effect may be anticipated, or the policy may follow what it is said to cause. That is the test of strict exogeneity of
Wooldridge (2010, Econometric Analysis of Cross Section and Panel Data, 2nd ed., section 10.7.1).
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from causalcluster.analysis.records import Analysis, node_by_name
from causalcluster.checks.inside import inside_slopes
from causalcluster.design import Design
from causalcluster.graph import CausalGraph, parents
from causalcluster.moments import Moments, analysed_table
from causalcluster.moments.leads import lead_name
from causalcluster.moments.pooled import within_squares

LEAST_CLUSTERS = 8
"""Errors robust to clusters need so many (Cameron, Gelbach and Miller 2008 show how badly fewer do)."""
LEVEL = 0.05
_TINY = 1e-9
COLUMNS = ("node", "lead", "coefficient", "se", "statistic", "p_value", "p_adjusted", "clusters", "rows", "reason")


def placebo_leads(analysis: Analysis, graph: CausalGraph, design: Design, leads: Moments | None) -> pd.DataFrame | None:
    """Regress every gaussian node on its causes and on the treatment's next value, and test the latter.

    Pooled least squares inside clusters, or inside units where these are absorbed, with the periods' effects where the
    analysis has them; errors robust to clusters, Student's t with one degree less than clusters, p values adjusted by Holm.

    Returns
    -------
    pandas.DataFrame or None
        The columns of leads.csv, a row per node; None where no row has a next period.
    """
    if leads is None:
        return None
    table = analysed_table(leads)
    leads = replace(leads, table=table)
    lead, squares = lead_name(analysis), within_squares(table)
    still = {name for name in map(str, table["column"].values) if bool((squares.sel(column=name) == 0.0).all())}
    rows = []
    for node in design.nodes:
        causes = [*parents(graph, node), *leads.periods]
        moving = [name for name in causes if name not in still]
        reason = _why_not(analysis, node, leads, {node, lead} & still)
        row: dict[str, Any] = {"node": node, "lead": lead, "clusters": table.sizes["cluster"], "rows": int(table["n"].sum())}
        rows.append(row | {"reason": reason} | ({} if reason else _test(leads, node, [*moving, lead])))
    return _adjust(pd.DataFrame(rows).reindex(columns=list(COLUMNS)))


def _why_not(analysis: Analysis, node: str, leads: Moments, still: Collection[str]) -> str:
    if node_by_name(analysis, node).family != "gaussian":
        return f"the node is {node_by_name(analysis, node).family}"
    if leads.table.sizes["cluster"] < LEAST_CLUSTERS:
        return f"fewer than {LEAST_CLUSTERS} clusters"
    if still:
        return "nothing varies inside clusters"
    return ""


def _test(leads: Moments, node: str, causes: list[str]) -> dict[str, Any]:
    """Return what is found of the last of ``causes``."""
    cross = leads.table["cross"].sel(column=causes, column_2=causes).values.sum(axis=0)
    rest = cross[-1, -1] - cross[-1, :-1] @ np.linalg.pinv(cross[:-1, :-1], hermitian=True) @ cross[:-1, -1]
    if rest < _TINY * cross[-1, -1]:
        return {"reason": "the next value follows from the causes"}
    slopes, covariance = inside_slopes(leads, node, causes)
    se = float(np.sqrt(covariance[-1, -1]))
    if se == 0.0:
        return {"reason": "no error is left"}
    statistic = float(slopes[-1]) / se
    p_value = 2.0 * float(stats.t.sf(abs(statistic), leads.table.sizes["cluster"] - 1))
    return {"coefficient": float(slopes[-1]), "se": se, "statistic": statistic, "p_value": p_value}


def _adjust(table: pd.DataFrame) -> pd.DataFrame:
    """Fill the p values that Holm's (1979) step-down makes of those found."""
    found = table["p_value"].dropna().sort_values()
    if found.empty:
        return table
    steps = found.to_numpy() * np.arange(len(found), 0, -1)
    adjusted = pd.Series(np.minimum(np.maximum.accumulate(steps), 1.0), index=found.index)
    return table.assign(p_adjusted=adjusted)


def lead_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for every node that goes with the treatment's next value."""
    rows = [] if table is None else table[table["p_adjusted"] < LEVEL].to_dict("records")
    return tuple(
        f"{row['node']} goes with the next period's {row['lead'].partition('@')[0]} though its causes are held (coefficient "
        f"{row['coefficient']:.3g}, standard error {row['se']:.2g}, p = {row['p_adjusted']:.2g}): it moved before the "
        "policy did, so that the policy was anticipated, or follows what it is said to cause (leads.csv)"
        for row in rows
    )
