"""Small systems in the user's units, as the records that the g-formula reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from causalcluster.analysis.records import Contrast, Question
from causalcluster.design import Design, Equation, Term
from causalcluster.effects.gformula import SimulatedEffects, simulate_effects
from causalcluster.effects.levels import CoefficientDraws, select_row
from causalcluster.effects.networks import ContextRows, Network, SystemDraws
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.world_effects import list_world_effects
from causalcluster.families import default_link
from causalcluster.model.standard import Scale

FIXED = Accuracy(target=np.inf, draws=1, replicates=2)
"""As many points as are asked for, whatever the noise."""


def make_design(equations: Mapping[str, tuple[str, str | None, Sequence[str]]], *, treatment="a", centred=False) -> Design:
    """Write equations from (family, link, products such as 'a', 'a*m'); every one has an intercept."""
    made = []
    for node, (family, link, products) in equations.items():
        factors = [(), *(tuple(product.split("*")) for product in products)]
        kinds = {0: "intercept", 1: "slope"}
        terms = tuple(
            Term(
                name=f"{' * '.join(item)} -> {node}" if item else f"intercept of {node}",
                target=node,
                factors=item,
                kind=kinds.get(len(item), "interaction"),
                varies=True,
                on_path=True,
            )
            for item in factors
        )
        made.append(Equation(node=node, terms=terms, family=family, link=link or default_link(family)))
    return Design(
        equations=tuple(made),
        treatment=treatment,
        centred=centred,
        intercepts="joint",
        residual_sd_varies=True,
        pooling="partial",
        notes=(),
    )


def unit_scale(nodes: Sequence[str]) -> Scale:
    return Scale(shift=dict.fromkeys(nodes, 0.0), scale=dict.fromkeys(nodes, 1.0))


def one_cluster(design: Design, context: Mapping[str, np.ndarray] | None = None, scale: Scale | None = None, **kept):
    """Return a network of one cluster; context in the user's units."""
    context = context or {}
    nodes = [design.treatment, *design.nodes, *context]
    scale = scale or unit_scale(nodes)
    size = len(next(iter(context.values()))) if context else 1
    values = np.array([(column - scale.shift[name]) / scale.scale[name] for name, column in context.items()])
    sizes = kept.pop("sizes", {})
    rows = ContextRows(
        columns=tuple(context),
        cluster=np.zeros(size, np.int64),
        values=values.T.reshape(size, len(context)),
        weights=np.ones(size),
        sizes=sizes,
    )
    return Network(design=design, scale=scale, column_mean={}, context=rows, **kept)


def fixed_draws(theta: Sequence[float], n_equations: int, **parameters) -> SystemDraws:
    """Return one draw of one cluster; ``sd`` (K,), other parameters (K,), thresholds by node."""
    theta = np.asarray(theta, dtype=float)[None, None, None]
    coefficients = CoefficientDraws(
        clusters=("",),
        rows=np.array([10]),
        theta=theta,
        mean=theta[:, :, 0],
        root=np.zeros((1, 1, theta.shape[-1], 0)),
        has_population=False,
    )
    sd = np.asarray(parameters.pop("sd", np.ones(n_equations)), dtype=float)[None, None, None]
    thresholds = {name: np.asarray(v, dtype=float)[None, None] for name, v in parameters.pop("thresholds", {}).items()}
    rest = {name: np.asarray(value, dtype=float)[None, None] for name, value in parameters.items()}
    return SystemDraws(coefficients=coefficients, sd=sd, thresholds=thresholds, **rest)


def ask(mediators: Sequence[str], *, fix=(), outcomes=("y",), treatment="a") -> Question:
    return Question(
        treatment=treatment,
        contrast=Contrast(kind="values", low=0.0, high=1.0),
        outcomes=tuple(outcomes),
        mediators=tuple(mediators),
        fix=tuple(fix),
    )


def all_keys(question: Question, *, four_way: str = "") -> list[tuple[str, str, str]]:
    """Return every key that a question can have, of `list_world_effects`."""
    vias = ("all", *question.mediators)
    keys = []
    for y in question.outcomes:
        keys += [(y, effect, "") for effect in ("total", "nde", "tnde", "ide", "overall")]
        keys += [(y, effect, via) for effect in ("nie", "iie", "prop_mediated") for via in vias]
        keys += [(y, "iie", "dependence"), (y, "pnie", "all")]
        keys += [(y, "cde", f"{node}={value:g}") for node, value in question.fix]
        keys += [(y, "int_ref", four_way), (y, "int_med", "all")] if four_way else []
    return keys


def evaluate(
    network: Network, draws: SystemDraws, question: Question, contrast=(0.0, 1.0), *, points=4096, seed=1, keys=None, **kept
) -> SimulatedEffects:
    """Return effects with a given number of points."""
    listing = {name: kept.pop(name) for name in ("at", "scales") if name in kept}
    found = list_world_effects(question, network, contrast, identified=keys or all_keys(question), **listing)
    accuracy = replace(FIXED, cluster_points=points, population_points=points)
    return simulate_effects(found, network, draws, random_seed=seed, accuracy=kept.pop("accuracy", accuracy), **kept)


def value(result: SimulatedEffects, effect: str, via: str = "", *, level="sample", **key):
    """Return the draws (chain, draw) of one row."""
    key = {"scale": "difference", "at": "", **key}
    return select_row(result.effects, effect=effect, via=via, level=level, **key).values
