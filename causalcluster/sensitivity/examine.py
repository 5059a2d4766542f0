"""All of the sensitivity analysis of a finished fit, in one call."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas as pd

from causalcluster.analysis.records import Analysis
from causalcluster.design import Design
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.networks import SystemDraws
from causalcluster.fitting.system import build_closed_system
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.identification import identify
from causalcluster.model.standard import MomentArrays, Scale
from causalcluster.moments import Moments
from causalcluster.sensitivity.benchmarks import benchmark_correlations
from causalcluster.sensitivity.confounding import bend_effects, confounded_effects, why_not
from causalcluster.sensitivity.tables import GRID, curve_table, tipping_table, unexamined_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """What unmeasured causes of mediators and outcomes would do.

    Attributes
    ----------
    curve, tipping
        The tables of sensitivity.csv and tipping.csv; None where there is nothing to say.
    """

    curve: pd.DataFrame | None
    tipping: pd.DataFrame | None


def examine(
    analysis: Analysis,
    graph: CausalGraph,
    design: Design,
    scale: Scale,
    arrays: MomentArrays,
    moments: Moments,
    contrast: tuple[float, float],
    draws: SystemDraws,
    *,
    identified: Collection[tuple[str, str, str]],
    simulated: bool,
) -> Sensitivity:
    """Bend the natural effects by correlations of errors.

    Effects that a declared unmeasured cause of a mediator and an outcome bars, and nothing else, are bent too: at a
    correlation that the analyst believes in they are what the data say.

    Parameters
    ----------
    analysis, graph, design, scale, arrays, moments
        What was fitted, and to which data.
    contrast
        Treatment values from and to.
    draws
        Of the posterior.
    identified
        The (outcome, effect, via) that are identified.
    simulated
        Whether effects are simulated: then nothing is bent.
    """
    question = analysis.question
    pairs = [(k, y) for k in question.mediators for y in question.outcomes if k in design.nodes and y in design.nodes]
    reasons = {pair: "effects are simulated" if simulated else why_not(design, *pair) for pair in pairs}
    unexamined = unexamined_rows(reasons)
    if all(reasons.values()):
        return Sensitivity(curve=None, tipping=unexamined if reasons else None)
    wanted = {*identified, *_given_correlations(analysis, graph)}
    system = build_closed_system(design, arrays)
    estimands = list_estimands(question, graph, system, scale, contrast, identified=wanted)
    confounded = tuple(confounded_effects(estimands, design, question.mediators))
    bent = bend_effects(confounded, design, draws, random_seed=analysis.sampling.seed)
    if not bent:
        return Sensitivity(curve=None, tipping=None if unexamined.empty else unexamined)
    ci_prob = analysis.sampling.ci_prob
    curve = curve_table(
        bent,
        analysis.sensitivity.rho or GRID,
        ci_prob=ci_prob,
        identified=identified,
        prior_sd=analysis.sensitivity.rho_sd,
        random_seed=analysis.sampling.seed,
    )
    tipping = tipping_table(
        bent,
        ci_prob=ci_prob,
        benchmarks=benchmark_correlations(design, moments, question.mediators, question.outcomes),
        spread={outcome: scale.scale[outcome] for outcome in question.outcomes},
        identified=identified,
    )
    return Sensitivity(
        curve=curve, tipping=tipping if unexamined.empty else pd.concat([tipping, unexamined], ignore_index=True)
    )


def _given_correlations(analysis: Analysis, graph: CausalGraph) -> set[tuple[str, str, str]]:
    """Return the effects that are identified once the correlations of mediators' and outcomes' errors are known."""
    question = analysis.question
    ends = [{k, y} for k in question.mediators for y in question.outcomes]
    kept = tuple(cause for cause in analysis.unobserved if {cause.left, cause.right} not in ends)
    if len(kept) == len(analysis.unobserved) or graph.lagged:
        return set()
    without = replace(analysis, unobserved=kept)
    return {(v.outcome, v.effect, v.via) for v in identify(without, build_graph(without)) if v.identified}
