"""Everything that a finished fit is doubted with, in one call."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from causalcluster.analysis.records import Analysis
from causalcluster.checks.between import between_warnings, compare_between
from causalcluster.checks.cohorts import cohort_warnings, compare_cohorts
from causalcluster.checks.independences import check_implied, independence_warnings
from causalcluster.checks.inside import compare_inside, inside_warnings
from causalcluster.checks.leads import lead_warnings, placebo_leads
from causalcluster.checks.orders import compare_orders, order_warnings
from causalcluster.checks.predictive import check_predictions
from causalcluster.checks.summary import describe_failures, summarise_checks
from causalcluster.checks.values import flag_values, value_warnings
from causalcluster.data import RowTable
from causalcluster.design import Design
from causalcluster.effects.horizons import Loop, spectral_radius
from causalcluster.effects.networks import Network, SystemDraws
from causalcluster.effects.orders import admissible_orders
from causalcluster.fitting.system import build_closed_system
from causalcluster.graph import CausalGraph
from causalcluster.model.standard import MomentArrays, Scale
from causalcluster.moments import Moments
from causalcluster.moments.adoption import Adoption
from causalcluster.panel import Means

EXPLOSIVE_SHARE = 0.05
"""A warning is given where in more of the draws a disturbance of the system does not die out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubts:
    """What the checks found.

    Attributes
    ----------
    orders
        The table of orders.csv, or None where the diagram admits one order of the mediators.
    predictive
        The table of predictive.csv, or None where nothing can be checked: moments alone, without a population of clusters.
    between
        The table of between.csv, or None where associations between groups are not shown.
    leads
        The table of leads.csv, or None where no row has a next period.
    cohorts
        The table of cohorts.csv, or None where the treatment is no policy that clusters take up at different times.
    independences
        The table of independences.csv, or None where the diagram implies none.
    values
        The table of values.csv, or None where no value is flagged.
    warnings
        Sentences for the user.
    """

    orders: pd.DataFrame | None
    predictive: pd.DataFrame | None
    between: pd.DataFrame | None
    leads: pd.DataFrame | None
    cohorts: pd.DataFrame | None
    independences: pd.DataFrame | None
    values: pd.DataFrame | None
    warnings: tuple[str, ...]


def raise_doubts(
    analysis: Analysis,
    graph: CausalGraph,
    design: Design,
    scale: Scale,
    arrays: MomentArrays,
    draws: SystemDraws,
    contrast: tuple[float, float],
    *,
    network: Network | None,
    loop: Loop | None,
    points: tuple[int, int] | None,
    rows: RowTable | None,
    moments: Moments,
    means: Means | None,
    leads: Moments | None,
    adoption: Adoption | None,
    effects: xr.Dataset,
    identified: Collection[tuple[str, str, str]],
) -> Doubts:
    """Compare orders of mediators and replicate data, from the same draws; nothing is fitted again.

    Parameters
    ----------
    analysis, graph, design, scale, arrays
        What was fitted.
    draws
        Of the posterior.
    contrast
        Treatment values from and to, in the treatment's units.
    network
        The system for simulation, where effects are simulated; else None.
    loop
        The system over time, where edges have lags; else None.
    points
        Points in each cluster and of the population that the effects were simulated with; None where they were not.
    rows
        Complete rows for the checks of gaussian nodes, or None.
    moments
        Of the data.
    means
        Where clusters' means are what is analysed.
    leads
        With the treatment's next value, where rows have a next period.
    adoption
        When clusters took up the treatment, where it is a policy that they keep.
    effects
        Draws of the effects.
    identified
        The (outcome, effect, via) that are identified.

    Returns
    -------
    Doubts
    """
    if design.lagged:
        return _doubt_over_time(loop, draws)
    sampling = analysis.sampling
    orders = admissible_orders(graph, analysis.question.mediators)
    compared = compare_orders(
        orders,
        analysis.question,
        build_closed_system(design, arrays),
        scale,
        contrast,
        draws,
        network=network,
        points=points,
        identified=identified,
        random_seed=sampling.seed,
        ci_prob=sampling.ci_prob,
    )
    predictive = check_predictions(
        design, scale, arrays, draws, rows=rows, random_seed=sampling.seed, ci_prob=sampling.ci_prob
    )
    warnings = describe_failures(summarise_checks(predictive))
    if design.layered:
        warnings = ("predictive checks are not made where rows of one cluster and period share errors", *warnings)
    if means is None:
        between = compare_between(analysis, graph, design, moments, contrast, effects, identified=identified)
        warnings = (*warnings, *between_warnings(between))
    else:
        between = compare_inside(analysis, graph, design, scale, means, contrast, draws, identified=identified)
        warnings = (*warnings, *inside_warnings(between))
    placebo = placebo_leads(analysis, graph, design, leads)
    cohorts = compare_cohorts(adoption, effects, ci_prob=sampling.ci_prob, outcomes=analysis.question.outcomes)
    begun = cohort_warnings(cohorts, adoption, time_effects=analysis.model.time_effects)
    implied = check_implied(analysis, graph, moments, rows)
    values = flag_values(design, rows)
    warnings = (*warnings, *value_warnings(values), *lead_warnings(placebo), *begun, *independence_warnings(implied))
    return Doubts(
        orders=compared,
        predictive=None if predictive.empty else predictive,
        between=between,
        leads=placebo,
        cohorts=cohorts,
        independences=implied,
        values=values,
        warnings=warnings if compared is None else (*order_warnings(orders), *warnings),
    )


def _doubt_over_time(loop: Loop | None, draws: SystemDraws) -> Doubts:
    """Look at the stability of a system over time; orders, replicates and associations are for one period."""
    said = ["predictive checks, and comparisons of orders and between clusters, are not made where edges have lags"]
    if loop is not None:
        own = draws.coefficients
        shares = {"the average cluster": float((spectral_radius(loop, own.mean) >= 1.0).mean())}
        by_cluster = (spectral_radius(loop, own.theta) >= 1.0).mean(axis=(0, 1))
        shares |= {f"cluster {label}": float(share) for label, share in zip(own.clusters, by_cluster, strict=True) if label}
        loud = {name: share for name, share in shares.items() if share > EXPLOSIVE_SHARE}
        if loud:
            first = ", ".join(f"{name} ({share:.0%} of draws)" for name, share in list(loud.items())[:5])
            more = f" and {len(loud) - 5} more" if len(loud) > 5 else ""
            said.append(f"the loop may be explosive, so that effects grow without end with the horizon: {first}{more}")
    return Doubts(
        orders=None,
        predictive=None,
        between=None,
        leads=None,
        cohorts=None,
        independences=None,
        values=None,
        warnings=tuple(said),
    )
