"""All of the sensitivity analysis of a finished fit, in one call."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.design import Design
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.networks import Network, SystemDraws
from causalcluster.fitting.system import build_closed_system
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.identification import identify
from causalcluster.model.standard import MomentArrays, Scale
from causalcluster.moments import Moments
from causalcluster.sensitivity.benchmarks import benchmark_causes
from causalcluster.sensitivity.confounding import bend_effects, confounded_effects, why_not
from causalcluster.sensitivity.curves import Curve
from causalcluster.sensitivity.simulated import GRID as SIMULATED_GRID
from causalcluster.sensitivity.simulated import trace_effects
from causalcluster.sensitivity.tables import GRID, contour_table, curve_table, tipping_table, unexamined_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """What unmeasured causes of mediators and outcomes would do.

    Attributes
    ----------
    curve, tipping, contours, power
        The tables of sensitivity.csv, tipping.csv, contours.csv and power.csv; None where there is nothing to say.
    """

    curve: pd.DataFrame | None
    tipping: pd.DataFrame | None
    contours: pd.DataFrame | None = None
    power: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """What was fitted, and its effects.

    Attributes
    ----------
    analysis, graph, design, scale, arrays, moments
        The equations, and the data to which they were fitted.
    contrast
        Treatment values from and to.
    draws
        Of the posterior.
    effects
        Draws of the main estimates.
    network
        The system, where effects are simulated.
    """

    analysis: Analysis
    graph: CausalGraph
    design: Design
    scale: Scale
    arrays: MomentArrays
    moments: Moments
    contrast: tuple[float, float]
    draws: SystemDraws
    effects: xr.Dataset
    network: Network | None = None


def examine(fitted: Fitted, *, identified: Collection[tuple[str, str, str]]) -> Sensitivity:
    """Bend the natural effects by correlations of errors.

    Effects that a declared unmeasured cause of a mediator and an outcome bars, and nothing else, are bent too: at a
    correlation that the analyst believes in they are what the data say.

    Parameters
    ----------
    fitted
        The fit.
    identified
        The (outcome, effect, via) that are identified.
    """
    analysis, design = fitted.analysis, fitted.design
    question = analysis.question
    pairs = [(k, y) for k in question.mediators for y in question.outcomes if k in design.nodes and y in design.nodes]
    reasons = {pair: why_not(design, *pair) for pair in pairs}
    unexamined = unexamined_rows(reasons)
    wanted = {*identified, *_given_correlations(analysis, fitted.graph)}
    curves = _curves(fitted, wanted, [pair for pair in pairs if not reasons[pair]])
    if not curves:
        return Sensitivity(curve=None, tipping=None if unexamined.empty else unexamined)
    ci_prob, spec = analysis.sampling.ci_prob, analysis.sensitivity
    curve = curve_table(
        curves,
        spec.rho or (GRID if fitted.network is None else SIMULATED_GRID),
        ci_prob=ci_prob,
        identified=identified,
        prior_sd=spec.rho_sd,
        random_seed=analysis.sampling.seed,
    )
    gaussian = {equation.node for equation in design.equations if equation.family == "gaussian"}
    benchmarks = benchmark_causes(design, fitted.moments, question.mediators, question.outcomes)
    tipping = tipping_table(
        curves,
        ci_prob=ci_prob,
        benchmarks=benchmarks,
        spread={outcome: fitted.scale.scale[outcome] for outcome in question.outcomes if outcome in gaussian},
        identified=identified,
    )
    contours = contour_table(curves, benchmarks, ci_prob=ci_prob)
    return Sensitivity(
        curve=curve,
        tipping=tipping if unexamined.empty else pd.concat([tipping, unexamined], ignore_index=True),
        contours=None if contours.empty else contours,
    )


def _curves(
    fitted: Fitted, wanted: Collection[tuple[str, str, str]], pairs: Collection[tuple[str, str]]
) -> tuple[Curve, ...]:
    """Return how the wanted effects move with the correlation of each pair: in closed form, or simulated."""
    question, seed = fitted.analysis.question, fitted.analysis.sampling.seed
    if not pairs:
        return ()
    if fitted.network is not None:
        return trace_effects(
            question,
            fitted.network,
            fitted.contrast,
            fitted.draws,
            fitted.effects,
            wanted=wanted,
            pairs=pairs,
            rho=(*SIMULATED_GRID, *fitted.analysis.sensitivity.rho),
            random_seed=seed,
        )
    system = build_closed_system(fitted.design, fitted.arrays)
    estimands = list_estimands(question, fitted.graph, system, fitted.scale, fitted.contrast, identified=wanted)
    confounded = tuple(confounded_effects(estimands, fitted.design, question.mediators))
    return bend_effects(confounded, fitted.design, fitted.draws, random_seed=seed)


def _given_correlations(analysis: Analysis, graph: CausalGraph) -> set[tuple[str, str, str]]:
    """Return the effects that are identified once the correlations of mediators' and outcomes' errors are known."""
    question = analysis.question
    ends = [{k, y} for k in question.mediators for y in question.outcomes]
    kept = tuple(cause for cause in analysis.unobserved if {cause.left, cause.right} not in ends)
    if len(kept) == len(analysis.unobserved) or graph.lagged:
        return set()
    without = replace(analysis, unobserved=kept)
    return {(v.outcome, v.effect, v.via) for v in identify(without, build_graph(without)) if v.identified}
