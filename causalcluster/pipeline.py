"""The whole analysis, composed: every stage is called once, in the order of the package."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.checks.doubts import Doubts, raise_doubts
from causalcluster.checks.measurement import measurement_warnings, summarise_measurement
from causalcluster.design import question_design
from causalcluster.effects.existence import warn_about_tails
from causalcluster.effects.summary import summarise_effects
from causalcluster.errors import InputError
from causalcluster.fitting.engines import check_engine, open_engine
from causalcluster.fitting.evaluation import PRIOR_ACCURACY, evaluate_targets
from causalcluster.fitting.gate import Diagnostics, judge, mark_unreliable
from causalcluster.fitting.prior_draws import draw_prior_system, prior_levels
from causalcluster.fitting.sample import Compiled, Draws, compile_model, refit
from causalcluster.fitting.storage import fit_tree
from causalcluster.further_fits import FurtherFits, Progress, Wanted, fit_further
from causalcluster.hypotheses import evaluate_hypotheses
from causalcluster.identification.dowhy_answer import describe_routes
from causalcluster.identification.second_opinion import SecondOpinion, await_second_opinion, second_opinion
from causalcluster.model.priors import Priors
from causalcluster.model.standard import Scale
from causalcluster.multiverse import Multiverse, plan_alternatives
from causalcluster.planning import Clock, Plan, Prepared, draw_up, prepare
from causalcluster.refutation import refuse_refutation
from causalcluster.scorecard import score, score_warnings
from causalcluster.sensitivity.examine import Fitted, Sensitivity, examine
from causalcluster.sensitivity.power import power_scale, power_warnings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """A finished analysis.

    Attributes
    ----------
    plan, priors, scale
        What was fitted.
    effects
        The table of effects.csv.
    hypotheses
        The table of hypotheses.csv.
    diagnostics
        The gate's answer.
    tree
        Posterior, effects, sampler statistics and prior draws.
    orders, predictive
        The tables of orders.csv and predictive.csv, None where there is one order of the mediators or nothing to check.
    between
        The table of between.csv, None where associations between groups are not shown.
    leads
        The table of leads.csv, None where no row has a next period.
    cohorts
        The table of cohorts.csv, None where the treatment is no policy that clusters take up at different times.
    independences, values
        The tables of independences.csv and values.csv, None where the diagram implies none, or no value is flagged.
    measurement
        The table of measurement.csv, None without indicators.
    scorecard
        The table of scorecard.csv, None where the analysis covers nothing of the paper.
    sensitivity
        What unmeasured causes of mediators and outcomes would do.
    leave_one_out
        Effects without each cluster in turn (`causalcluster.fitting.many.leave_one_out`), or None where not asked for.
    shifted
        Effects with missing values shifted (`causalcluster.fitting.shifted.shift_missing`), or None where none is averaged
        over.
    refutation, falsification
        The tables of refutation.csv and falsification.csv, None where not asked for.
    multiverse
        Effects of the alternatives of the analysis, None where it names none.
    timings
        Seconds by stage.
    """

    plan: Plan
    priors: Priors
    scale: Scale
    effects: pd.DataFrame
    hypotheses: pd.DataFrame
    diagnostics: Diagnostics
    tree: xr.DataTree
    orders: pd.DataFrame | None
    predictive: pd.DataFrame | None
    between: pd.DataFrame | None
    leads: pd.DataFrame | None
    cohorts: pd.DataFrame | None
    independences: pd.DataFrame | None
    values: pd.DataFrame | None
    measurement: pd.DataFrame | None
    scorecard: pd.DataFrame | None
    sensitivity: Sensitivity
    leave_one_out: pd.DataFrame | None
    shifted: pd.DataFrame | None
    refutation: pd.DataFrame | None
    falsification: pd.DataFrame | None
    multiverse: Multiverse | None
    timings: Mapping[str, float]


def analyse(
    analysis: Analysis,
    source: Any = None,
    *,
    progress: Progress | None = None,
    bar: bool = False,
    leave_one_out: bool = False,
    refutations: int = 0,
    engine: str | None = None,
    opinion: SecondOpinion | None = None,
) -> Result:
    """Run the whole analysis.

    Parameters
    ----------
    analysis
        From `read_analysis`.
    source
        A pandas, Polars, DuckDB, PyArrow, PySpark or Dask table, or `Moments`, to use instead of the analysis' file.
    progress
        Called with one sentence as each stage begins.
    bar
        Show the sampler's progress bar.
    leave_one_out
        Fit again without each cluster in turn.
    refutations
        Refit so many tables of each kind whose answer is known (`causalcluster.refutation.refute`).
    engine
        Where these fits run; see `causalcluster.fitting.engines.open_engine`.
    opinion
        DoWhy's, where it was asked for before.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where the analysis, its data or the engine are wrong; nothing has been sampled then.
    """
    check_engine(engine)
    if leave_one_out and analysis.data.cluster is None:
        raise InputError(
            "leave-one-out leaves out clusters, and the analysis has none",
            where=str(analysis.path),
            fix="name the column of the clusters under 'data: cluster', or run without --leave-one-out",
        )
    if refutations:
        refuse_refutation(analysis, refutations, source)
    say, clock = progress or (lambda _: None), Clock()
    with clock.time("total"), second_opinion(analysis, opinion) as asked:
        plan = draw_up(analysis, source, clock)
        if leave_one_out and plan.means is not None:
            raise InputError(
                f"leave-one-out compares effects of clusters, and {plan.design.treatment!r} is one number in each of them",
                where=str(analysis.path),
                fix="run without --leave-one-out",
            )
        clock.seconds["read"] -= clock.seconds.get("reduce", 0.0)
        with clock.time("build"):
            universes = plan_alternatives(analysis, source)
            prepared = prepare(plan)
        with clock.time("compile"):
            say("compiling the model")
            compiled = compile_model(plan.design, prepared.arrays, prepared.priors)
        clock.seconds["build"] += compiled.build_seconds
        clock.seconds["compile"] -= compiled.build_seconds
        wanted = Wanted(leave_one_out=leave_one_out, refutations=refutations, universes=universes, source=source)
        with open_engine(engine) if wanted.any(plan) else nullcontext() as executor:
            draws, effects, table, diagnostics = _sample(plan, prepared, compiled, clock, say, bar=bar)
            with clock.time("effects"):
                hypotheses, tree = _weigh(plan, prepared, draws, effects)
                measurement = _measure(plan, prepared, tree)
                doubts = _doubt(plan, prepared, draws, diagnostics, effects)
                bent = _bend(plan, prepared, draws, effects)
                scorecard = score(
                    analysis, plan.design, prepared.priors, prepared.scale, draws.coefficients, effects, hypotheses
                )
            further = FurtherFits()
            if executor is not None:
                further = fit_further(wanted, analysis, plan, prepared, compiled, draws, executor, clock, say)
        warnings = (
            *plan.warnings,
            *warn_about_tails(effects),
            *doubts.warnings,
            *power_warnings(bent.power, "population" if draws.coefficients.has_population else "sample"),
            *measurement_warnings(measurement),
            *score_warnings(scorecard),
            *further.warnings,
        )
        opinions = await_second_opinion(asked)
        routes = tuple(filter(None, map(describe_routes, opinions)))
        plan = replace(plan, warnings=(*warnings, *routes), dowhy=opinions)

    def marked(table: pd.DataFrame | None) -> pd.DataFrame | None:
        return None if table is None else mark_unreliable(table, diagnostics)

    return Result(
        plan=plan,
        priors=prepared.priors,
        scale=prepared.scale,
        effects=mark_unreliable(table, diagnostics),
        hypotheses=mark_unreliable(hypotheses, diagnostics),
        diagnostics=diagnostics,
        tree=tree,
        orders=marked(doubts.orders),
        predictive=marked(doubts.predictive),
        between=marked(doubts.between),
        # The placebo does not rest on the draws.
        leads=doubts.leads,
        cohorts=marked(doubts.cohorts),
        independences=doubts.independences,
        values=doubts.values,
        measurement=marked(measurement),
        scorecard=marked(scorecard),
        sensitivity=replace(
            bent,
            curve=marked(bent.curve),
            tipping=marked(bent.tipping),
            contours=marked(bent.contours),
            power=marked(bent.power),
        ),
        leave_one_out=marked(further.leave_one_out),
        shifted=marked(further.shifted),
        refutation=marked(further.refutation),
        falsification=further.falsification,
        multiverse=further.multiverse,
        timings=clock.seconds,
    )


def _weigh(plan: Plan, prepared: Prepared, draws: Draws, effects: xr.Dataset) -> tuple[pd.DataFrame, xr.DataTree]:
    """Hold the effects against their prior: the table of hypotheses, and everything that posterior.nc stores."""
    analysis = plan.analysis
    seed = analysis.sampling.seed
    levels = prior_levels(analysis.hypotheses, has_population=draws.coefficients.has_population)
    prior = draw_prior_system(plan.design, prepared.priors, prepared.arrays, random_seed=seed, levels=levels)
    prior_effects, _ = evaluate_targets(prepared.targets, prior, random_seed=seed, levels=levels, accuracy=PRIOR_ACCURACY)
    hypotheses = evaluate_hypotheses(
        analysis.hypotheses,
        effects,
        prior_effects,
        {(v.outcome, v.effect, v.via): v.reason for v in plan.verdicts if not v.identified},
        default_level="population" if analysis.data.cluster is not None else "sample",
        ci_prob=analysis.sampling.ci_prob,
    )
    return hypotheses, fit_tree(plan.design, prepared.scale, draws, effects, prior.coefficients, prior_effects)


def _measure(plan: Plan, prepared: Prepared, tree: xr.DataTree) -> pd.DataFrame | None:
    return summarise_measurement(
        plan.analysis,
        plan.design,
        prepared.scale,
        prepared.arrays,
        tree["posterior"].to_dataset(),
        ci_prob=plan.analysis.sampling.ci_prob,
    )


def _doubt(plan: Plan, prepared: Prepared, draws: Draws, diagnostics: Diagnostics, effects: xr.Dataset) -> Doubts:
    simulated = diagnostics.simulation
    return raise_doubts(
        plan.analysis,
        plan.graph,
        question_design(plan.design),
        prepared.scale,
        prepared.arrays,
        draws.system,
        plan.panel.contrast,
        network=prepared.targets.network,
        loop=prepared.targets.loop,
        points=None if simulated is None else (simulated["cluster_points"], simulated["population_points"]),
        rows=plan.checked_rows,
        moments=plan.moments,
        means=plan.means,
        leads=plan.leads,
        adoption=plan.adoption,
        effects=effects,
        identified=[(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified],
    )


def _bend(plan: Plan, prepared: Prepared, draws: Draws, effects: xr.Dataset) -> Sensitivity:
    fitted = Fitted(
        analysis=plan.analysis,
        graph=plan.graph,
        design=question_design(plan.design),
        scale=prepared.scale,
        arrays=prepared.arrays,
        moments=plan.moments,
        contrast=plan.panel.contrast,
        draws=draws.system,
        effects=effects,
        network=prepared.targets.network,
    )
    found = examine(fitted, identified=[(v.outcome, v.effect, v.via) for v in plan.verdicts if v.identified])
    posterior = draws.posterior["posterior"].to_dataset()
    power = power_scale(plan.design, prepared.priors, prepared.arrays, posterior, draws.residual_sd, effects)
    return replace(found, power=power)


def _sample(
    plan: Plan, prepared: Prepared, compiled: Compiled, clock: Clock, say: Progress, *, bar: bool
) -> tuple[Draws, xr.Dataset, pd.DataFrame, Diagnostics]:
    """Sample, evaluate effects and judge them; once more, carefully, where the gate fails."""
    sampling = plan.analysis.sampling
    flagged = [
        label
        for (label, _), spans in zip(plan.panel.clusters, plan.panel.spans_contrast, strict=True)
        if not spans and label
    ]
    for careful in (False, True):
        say("sampling again with more tuning" if careful else "sampling")
        with clock.time("sample"):
            draws = refit(compiled, prepared.arrays, sampling, careful=careful, progress=bar)
        with clock.time("effects"):
            effects, noise = evaluate_targets(prepared.targets, draws.system, random_seed=sampling.seed)
            table = summarise_effects(effects, ci_prob=sampling.ci_prob, extrapolated=flagged)
        diagnostics = judge(table, draws.posterior["sample_stats"].to_dataset(), retried=careful, noise=noise)
        if diagnostics.status == "ok":
            break
    return draws, effects, table, diagnostics
