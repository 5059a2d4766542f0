"""Means of outcomes by world for a block of draws: records to the arrays of the compiled code and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from causalcluster.effects.centres import Centres, describe_donors, lay_out_centres
from causalcluster.effects.gformula_kernel import (
    Parameters,
    Points,
    Population,
    Workspace,
    add_observed,
    add_population,
    make_workspace,
)
from causalcluster.effects.networks import Network, Regressors, SystemDraws, WorldEffect
from causalcluster.effects.points import NewClusterPoints, nested_points, observed_points, population_points, sort_context
from causalcluster.effects.programs import CompiledWorlds, compile_worlds
from causalcluster.effects.quantiles import gamma_table, student_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation:
    """What the compiled code reads, clusters without rows left out; S draws of all chains.

    Attributes
    ----------
    network, compiled
        Equations, sorted context, and the worlds' program.
    starts
        (G + 1,) where each cluster's rows of context start.
    column_mean, context, size
        (G, products), (R, C) and (R, K).
    rows
        (G,) rows behind each cluster.
    theta, sd
        (S, G, P) and (S, G, K).
    centres
        How the cluster means of new clusters follow from their coefficients.
    mean, root
        (S, P), (S, P, Q).
    nu, shape, precision, threshold
        (S, K), the last (S, all thresholds).
    late
        (K, Q) scores of the coefficients that are independent of all that the mean of an equation's node needs but its
        own coefficients.
    loading
        (S, K) what one unit of a shared error's score adds to an equation's linear predictor, in residual standard
        deviations where it has them.
    """

    network: Network
    compiled: CompiledWorlds
    starts: Ints
    column_mean: Floats
    context: Floats
    size: Floats
    rows: Ints
    centres: Centres
    theta: Floats
    sd: Floats
    mean: Floats
    root: Floats
    nu: Floats
    shape: Floats
    precision: Floats
    threshold: Floats
    late: NDArray[np.bool_]
    loading: Floats


def set_up(effects: Sequence[WorldEffect], network: Network, draws: SystemDraws, *, sharing: str = "") -> Simulation:
    """Compile the worlds of ``effects``, where outcomes share the error of ``sharing``, if named; lay out the draws."""
    present = np.flatnonzero(draws.coefficients.rows > 0)
    network = _only_present(network, present, len(draws.coefficients.rows))
    rows, starts = sort_context(network.context, len(present))
    network = replace(network, context=rows)
    asked = [(item.outcome, world) for item in effects for _, world in (*item.terms, *item.whole)]
    compiled = compile_worlds(network, asked, sharing=sharing)
    nodes = network.design.nodes
    means = [network.column_mean[factors] for factors in compiled.centres]
    ones = np.ones(len(rows.cluster))
    theta, root = _flat(draws.coefficients.theta)[:, present], _flat(draws.coefficients.root)
    n_draws, n_equations = len(theta), len(nodes)
    thresholds = [_flat(draws.thresholds[e.node]) for e in network.design.equations if e.family == "ordinal"]
    return Simulation(
        network=network,
        compiled=compiled,
        starts=starts,
        column_mean=np.ascontiguousarray(np.stack(means, axis=1)) if means else np.zeros((len(present), 1)),
        context=np.ascontiguousarray(rows.values.reshape(len(ones), -1)),
        size=np.ascontiguousarray(np.stack([rows.sizes.get(node, ones) for node in nodes], axis=1)),
        rows=draws.coefficients.rows[present],
        centres=lay_out_centres(
            network,
            compiled.centres,
            compiled.codes,
            compiled.program.grade,
            len(present),
            has_population=draws.coefficients.has_population,
        ),
        theta=theta,
        sd=_flat(draws.sd)[:, present],
        mean=_flat(draws.coefficients.mean),
        root=root,
        nu=_by_equation(draws.nu, n_draws, n_equations, 1.0),
        shape=_by_equation(draws.shape, n_draws, n_equations, 1.0),
        precision=_by_equation(draws.precision, n_draws, n_equations, 1.0),
        threshold=np.ascontiguousarray(np.concatenate(thresholds, axis=1)) if thresholds else np.zeros((n_draws, 1)),
        late=_late_scores(network, compiled, (root != 0.0).any(axis=0)),
        loading=np.zeros((n_draws, n_equations)),
    )


def _late_scores(network: Network, compiled: CompiledWorlds, loads: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the scores that load (P, Q) on no coefficient of the equations behind a node; none where it has no mean."""
    equations = network.design.equations
    starts = np.concatenate([[0], np.cumsum([len(equation.terms) for equation in equations])])
    late = np.zeros((len(equations), loads.shape[1]), dtype=bool)
    for k, behind in compiled.behind.items():
        used = np.zeros(loads.shape[1], dtype=bool)
        for j in behind:
            used |= loads[starts[j] : starts[j + 1]].any(axis=0)
        late[k] = ~used
    return late


def _only_present(network: Network, present: Ints, n_clusters: int) -> Network:
    if len(present) == n_clusters:
        return network
    place = np.full(n_clusters, -1)
    place[present] = np.arange(len(present))
    context = network.context
    kept = place[context.cluster] >= 0
    return replace(
        network,
        column_mean={factors: mean[present] for factors, mean in network.column_mean.items()},
        regressors={
            node: Regressors(**{item.name: getattr(own, item.name)[present] for item in fields(own)})
            for node, own in network.regressors.items()
        },
        context=replace(
            context,
            cluster=place[context.cluster[kept]],
            values=context.values[kept],
            weights=context.weights[kept],
            sizes={name: size[kept] for name, size in context.sizes.items()},
        ),
    )


def _flat(values: Floats) -> Floats:
    """Return (chain, draw, ...) as (chain draw, ...)."""
    return np.ascontiguousarray(values.reshape(values.shape[0] * values.shape[1], *values.shape[2:]), dtype=float)


def _by_equation(values: Floats | None, n_draws: int, n_equations: int, default: float) -> Floats:
    return np.full((n_draws, n_equations), default) if values is None else _flat(values)


def points_of_observed(simulation: Simulation, n_points: int, *, random_seed: list[int]) -> Points:
    """Return points of the observed clusters."""
    n_noise = simulation.compiled.n_noise
    return observed_points(simulation.network.context, simulation.starts, n_noise, n_points, random_seed=random_seed)


def points_of_population(simulation: Simulation, n_points: int, *, random_seed: list[int]) -> NewClusterPoints:
    """Return new clusters of one point each."""
    needed = np.flatnonzero(~simulation.late[list(simulation.compiled.behind)].all(axis=0))
    made = population_points(
        simulation.network.context,
        describe_donors(simulation.centres, simulation.column_mean),
        simulation.compiled.n_noise,
        len(needed),
        n_points,
        random_seed=random_seed,
    )
    score = np.zeros((n_points, simulation.root.shape[2]))
    score[:, needed] = made.coefficient_score
    return replace(made, coefficient_score=score)


def points_of_nested(
    simulation: Simulation, *, n_outer: int, n_inner: int, random_seed: list[int]
) -> tuple[NewClusterPoints, Floats]:
    """Return new clusters with two sets of points each, and the clusters' weights."""
    return nested_points(
        simulation.network.context,
        simulation.starts,
        describe_donors(simulation.centres, simulation.column_mean),
        simulation.compiled.n_noise,
        simulation.root.shape[2],
        n_outer=n_outer,
        n_inner=n_inner,
        random_seed=random_seed,
    )


def means_in_clusters(
    simulation: Simulation, chosen: Ints, points: Points, *, theta: Floats, sd: Floats, group: Ints, is_new: bool = False
) -> Floats:
    """Return means (draw, G, T) for the draws ``chosen``, at theta and sd with those draws, over the points of ``group``.

    Where ``is_new``, they are clusters whose own nodes have means of their own, not those of the clusters of ``group``.
    """
    out = np.zeros((*theta.shape[:2], len(simulation.compiled.program.target)))
    add_observed(
        simulation.compiled.program,
        _parameters(simulation, chosen),
        np.ascontiguousarray(theta),
        np.ascontiguousarray(sd),
        np.ascontiguousarray(group),
        points,
        (simulation.column_mean, simulation.context, simulation.size),
        simulation.centres,
        is_new,
        _workspace(simulation),
        out,
    )
    return out


def means_in_population(
    simulation: Simulation, chosen: Ints, made: NewClusterPoints, n_slots: int, *, integrate: bool
) -> Floats:
    """Return means (draw, slot, T) over new clusters for the draws ``chosen``.

    With ``integrate`` the late scores are integrated out: for expectations over clusters, not for what differs between them.
    """
    out = np.zeros((len(chosen), n_slots, len(simulation.compiled.program.target)))
    population = Population(
        mean=simulation.mean[chosen],
        root=simulation.root[chosen],
        sd=simulation.sd[chosen],
        late=simulation.late if integrate else np.zeros_like(simulation.late),
        coefficient_score=made.coefficient_score,
    )
    add_population(
        simulation.compiled.program,
        _parameters(simulation, chosen),
        population,
        made.points,
        (simulation.column_mean, simulation.context, simulation.size),
        simulation.centres,
        _workspace(simulation),
        out,
    )
    return out


def _workspace(simulation: Simulation) -> Workspace:
    n_columns, n_coefficients = simulation.context.shape[1], simulation.theta.shape[2]
    return make_workspace(simulation.compiled.program, simulation.centres, n_columns, n_coefficients)


def _parameters(simulation: Simulation, chosen: Ints) -> Parameters:
    equations = simulation.network.design.equations
    counts = np.array([k for k, e in enumerate(equations) if e.family == "negative_binomial"], dtype=np.int64)
    students = np.array([k for k, e in enumerate(equations) if e.family == "student"], dtype=np.int64)
    return Parameters(
        precision=simulation.precision[chosen],
        shape=simulation.shape[chosen],
        threshold=simulation.threshold[chosen],
        gamma=_tabulate(gamma_table, simulation.shape[chosen], counts),
        student=_tabulate(student_table, simulation.nu[chosen], students),
        loading=simulation.loading[chosen],
    )


def _tabulate(table: Callable[[Floats], Floats], values: Floats, equations: Ints) -> Floats:
    """Return (draw, K, nodes), zero but for ``equations``."""
    width = table(values[:1, :1]).shape[-1]
    out = np.zeros((*values.shape, width))
    for k in equations:
        out[:, k] = table(values[:, k])
    return out
