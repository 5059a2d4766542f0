"""The decomposition of `nie` under every order of mediators that the diagram admits, side by side, from the same draws."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from causalcluster.analysis.records import Question
from causalcluster.effects.networks import Network, SystemDraws
from causalcluster.effects.orders import Order, Orders, list_order_estimands, list_order_worlds, list_parts, part_of
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.summary import summarise_effects
from causalcluster.effects.worlds import System
from causalcluster.fitting.evaluation import Targets, evaluate_targets
from causalcluster.model.standard import Scale

LEVELS = ("population", "sample")
COLUMNS = (
    "outcome",
    "order",
    "declared",
    "via",
    "level",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "ci_prob",
    "prob_positive",
    "shift",
    "reason",
)


def compare_orders(
    orders: Orders,
    question: Question,
    system: System,
    scale: Scale,
    contrast: tuple[float, float],
    draws: SystemDraws,
    *,
    network: Network | None,
    points: tuple[int, int] | None,
    identified: Collection[tuple[str, str, str]],
    random_seed: int,
    ci_prob: float,
) -> pd.DataFrame | None:
    """Evaluate what enters at each mediator under every chosen order.

    Parameters
    ----------
    orders
        From `causalcluster.effects.orders.admissible_orders`.
    question, system, scale, contrast
        As in `causalcluster.effects.estimands.list_estimands`.
    draws
        Of the posterior.
    network
        The system for simulation, where effects are simulated; else None.
    points
        Points in each cluster and of the population that the effects were simulated with; None where they were not.
    identified
        The (outcome, effect, via) that are identified. It does not depend on the order.
    random_seed, ci_prob
        Of the analysis.

    Returns
    -------
    pandas.DataFrame or None
        The columns of orders.csv, by outcome and order. None where there is one order only, or nothing to compare.
    """
    parts = list_parts(question, orders.chosen, identified=identified)
    if len(orders.chosen) < 2 or not parts:
        return None
    if network is None:
        targets = Targets(estimands=list_order_estimands(parts, question, system, scale, contrast))
    else:
        worlds = list_order_worlds(parts, question, network, contrast)
        targets = Targets(estimands=(), worlds=worlds, network=network)
    effects, _ = evaluate_targets(
        targets, draws, random_seed=random_seed, levels=LEVELS, accuracy=None if points is None else _with_points(*points)
    )
    table = summarise_effects(effects, ci_prob=ci_prob)
    rows = {(row["outcome"], row["via"], row["level"]): row for row in table.to_dict("records")}
    levels = [level for level in LEVELS if (table["level"] == level).any()]
    found: list[dict[Hashable, Any]] = []
    for outcome in question.outcomes:
        for order in orders.chosen:
            found += _rows_of(rows, question, outcome, order, levels)
    return pd.DataFrame(found, columns=list(COLUMNS))


def _with_points(cluster: int, population: int) -> Accuracy:
    """Return an accuracy of so many points, whose noise was measured already."""
    return Accuracy(target=float("inf"), cluster_points=cluster, population_points=population, replicates=2, draws=1)


def _rows_of(
    rows: Mapping[tuple[str, str, str], dict[Hashable, Any]],
    question: Question,
    outcome: str,
    order: Order,
    levels: Sequence[str],
) -> Iterator[dict[Hashable, Any]]:
    for position, name in enumerate(order):
        part = part_of(question, outcome, order, position)
        declared = part_of(question, outcome, question.mediators, question.mediators.index(name))
        for level in levels:
            own, other = rows.get((outcome, part.key, level)), rows.get((outcome, declared.key, level))
            if own is None or other is None:
                continue
            away, spread = own["mean"] - other["mean"], other["sd"]
            yield {
                **{column: own[column] for column in COLUMNS if column in own},
                "order": ">".join(order),
                "declared": "yes" if order == question.mediators else "no",
                "via": name,
                "shift": away / spread if spread > 0.0 else 0.0,
            }


def order_warnings(orders: Orders) -> tuple[str, ...]:
    """Return a sentence where there are more orders than are shown."""
    if len(orders.chosen) < 2 or not orders.cut:
        return ()
    many = "more ways than can be counted" if orders.number is None else f"{orders.number:,} ways"
    return (
        f"the diagram admits the mediators in {many}; the decomposition is shown for {len(orders.chosen)} of them, in which "
        "each mediator comes as early and as late as it can",
    )
