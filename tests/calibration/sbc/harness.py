"""One system, compiled once: parameters from its prior, tables from the parameters, fits, and quantities to rank."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.analysis.records import Analysis, Sampling
from causalcluster.design import Design, columns, correlated_terms, share_a_path
from causalcluster.effects.convergence import measure_convergence
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.worlds import System as WorldSystem
from causalcluster.equations import build_design
from causalcluster.errors import InputError
from causalcluster.fitting.evaluation import Targets, evaluate_targets, list_targets
from causalcluster.fitting.prior_draws import draw_prior_system
from causalcluster.fitting.sample import Compiled, Draws, compile_model, refit
from causalcluster.fitting.system import build_network
from causalcluster.graph import CausalGraph, build_graph
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.preparation import prepare_arrays
from causalcluster.model.priors import Priors, set_priors
from causalcluster.model.standard import MomentArrays, Scale
from causalcluster.planning import Plan, draw_up
from tests.calibration.sbc.generate import (
    RefusedError,
    Values,
    draw_table,
    log_likelihood,
    marginal_log_likelihood,
    typical_values,
)
from tests.calibration.sbc.systems import KEPT, System

SAMPLING = Sampling(draws=250, tune=400, chains=4, seed=1)
ACCURACY = Accuracy(target=float("inf"), cluster_points=32, population_points=256, replicates=2, draws=4)
"""Effects of the truth and of the draws use the same points, so that ranks are exact whatever their number."""
EFFECTS = ("total", "nde", "nie")
LEVELS = ("population", "sample")
RANKED_CLUSTERS = (0, 5)
MOST_R_HAT, MOST_DIVERGENCES = 1.03, 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """One table on the model's scale, and the effects in it."""

    table: pd.DataFrame
    arrays: MomentArrays
    targets: Targets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameters:
    """S sets of parameters, (1, S, ...), with the intercepts' mean and spread (S, K) and values (S, G, K) where apart."""

    system: SystemDraws
    intercept_mean: np.ndarray | None = None
    intercept_sd: np.ndarray | None = None
    intercept: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Harness:
    """A system with everything that is the same in all replicates.

    Attributes
    ----------
    system, analysis, graph, design
        What is fitted.
    scale
        Shifts of 0 and scales of 1: the columns are simulated on the model's scale.
    priors
        Fixed hyperparameters.
    compiled
        The compiled density.
    prior
        Draws of all parameters, one for each replicate.
    """

    system: System
    analysis: Analysis
    graph: CausalGraph
    design: Design
    scale: Scale
    priors: Priors
    arrays: MomentArrays
    compiled: Compiled
    prior: Parameters


def set_up(system: System) -> Harness:
    """Compile the model and draw the parameters of all replicates."""
    analysis = parse_analysis(system.text, path=f"{system.name}.yaml")
    design = build_design(analysis, build_graph(analysis))
    table = draw_table(design, typical_values(design), np.random.default_rng(5))
    if system.holes is not None:
        table = system.holes(table, np.random.default_rng(6))
    plan = draw_up(analysis, table)  # without DoWhy's opinion on the same diagram every time
    names = columns(plan.design)
    scale = Scale(shift=dict.fromkeys(names, 0.0), scale=dict.fromkeys(names, 1.0))
    arrays = _standardised(plan, scale)
    priors = system.narrow(set_priors(analysis.model, plan.design, plan.graph, arrays, scale))
    return Harness(
        system=system,
        analysis=analysis,
        graph=plan.graph,
        design=plan.design,
        scale=scale,
        priors=priors,
        arrays=arrays,
        compiled=compile_model(plan.design, arrays, priors),
        prior=_draw_prior(system, plan.design, priors, arrays),
    )


def _standardised(plan: Plan, scale: Scale) -> MomentArrays:
    return prepare_arrays(plan.moments, plan.design, scale, plan.rows)


def _draw_prior(system: System, design: Design, priors: Priors, arrays: MomentArrays) -> Parameters:
    seed = system.seed
    drawn = draw_prior_system(design, priors, arrays, random_seed=seed, levels=("population", "cluster"))
    if design.intercepts != "separate":
        return Parameters(system=drawn)
    # The prior of intercepts that no effect depends on: normal mean, gamma spread (causalcluster.model.build).
    rng, scale = np.random.default_rng([seed, 9]), priors.intercept_scale
    size = (drawn.coefficients.theta.shape[1], len(scale))
    mean = 2.5 * np.maximum(scale, 1.0) * rng.standard_normal(size)
    spread = rng.gamma(2.0, scale / 2.0, size)
    own = mean[:, None] + spread[:, None] * rng.standard_normal((size[0], len(arrays.clusters), size[1]))
    return Parameters(system=drawn, intercept_mean=mean, intercept_sd=spread, intercept=own)


def truth(harness: Harness, replicate: int) -> Parameters:
    """Return the parameters of one replicate."""
    return choose(harness.prior, np.array([replicate]))


def choose(parameters: Parameters, index: np.ndarray) -> Parameters:
    """Return some of the sets of parameters."""

    def own(value: np.ndarray | None) -> np.ndarray | None:
        return None if value is None else value[index]

    return Parameters(
        system=_choose_system(parameters.system, index),
        intercept_mean=own(parameters.intercept_mean),
        intercept_sd=own(parameters.intercept_sd),
        intercept=own(parameters.intercept),
    )


def _choose_system(system: SystemDraws, index: np.ndarray) -> SystemDraws:
    """Return draws (chain, draw, ...) of all chains, of which ``index`` counts the chains' draws one after the other."""

    def own(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.ascontiguousarray(value.reshape(-1, *value.shape[2:])[index][None])
        if isinstance(value, CoefficientDraws):
            return replace(value, theta=own(value.theta), mean=own(value.mean), root=own(value.root))
        return {name: own(item) for name, item in value.items()} if isinstance(value, dict) else value

    return replace(system, **{item.name: own(getattr(system, item.name)) for item in fields(system)})


def simulate(harness: Harness, replicate: int) -> Data:
    """Draw the table of one replicate.

    Raises
    ------
    RefusedError
        The table is not one that is analysed: by the rules of `draw_table`, or by the package's own.
    """
    rng = np.random.default_rng([harness.system.seed, 1, replicate])
    table = draw_table(harness.design, _values(harness.design, truth(harness, replicate)), rng)
    if harness.system.holes is not None:
        table = harness.system.holes(table, rng)
    try:
        plan = draw_up(harness.analysis, table)
    except InputError as error:
        raise RefusedError(str(error).splitlines()[0]) from error
    arrays = _standardised(plan, harness.scale)
    alone = len(harness.analysis.question.mediators) == 1  # then nie by its name is nie by all
    wanted = [
        (v.outcome, v.effect, v.via)
        for v in plan.verdicts
        if v.identified and v.effect in EFFECTS and not (alone and v.via not in ("", "all"))
    ]
    targets = list_targets(
        harness.analysis.question,
        plan.graph,
        WorldSystem(design=plan.design, column_mean=arrays.column_mean),
        harness.scale,
        plan.panel.contrast,
        identified=wanted,
        network=None if plan.rows is None else build_network(plan.design, harness.scale, arrays, plan.rows),
    )
    return Data(table=table, arrays=arrays, targets=targets)


def fit(harness: Harness, data: Data, replicate: int) -> tuple[Parameters, dict[str, float]]:
    """Sample the posterior; once more, carefully, where chains disagree or diverge, as `run` does.

    Returns `KEPT` draws, far enough apart that few are correlated, and what was seen of the fit.
    """
    total = SAMPLING.draws * SAMPLING.chains
    for careful in (False, True):
        draws = refit(harness.compiled, data.arrays, replace(SAMPLING, seed=replicate + 1), careful=careful, cores=1)
        worst = _convergence(draws)
        divergences = int(draws.posterior["sample_stats"]["diverging"].sum())
        if worst["r_hat"] <= MOST_R_HAT and divergences <= MOST_DIVERGENCES * total:
            break
    kept = choose(_parameters(harness, draws, data), np.arange(0, total, total // KEPT))
    seen = {"divergences": divergences, "careful": int(careful), "seconds": round(draws.seconds, 2)}
    return kept, {**worst, **seen}


def _convergence(draws: Draws) -> dict[str, float]:
    posterior = draws.posterior["posterior"].to_dataset()
    names = [name for name in ("mean", "tau", "partial", "log_sigma", "sigma_spread", "log_parameter") if name in posterior]
    flat = [posterior[name].transpose("chain", "draw", ...).values for name in names]
    found = measure_convergence(np.concatenate([item.reshape(*item.shape[:2], -1) for item in flat], axis=2))
    return {"r_hat": round(float(np.nanmax(found["r_hat"])), 4), "ess": round(float(np.nanmin(found["ess_bulk"])), 0)}


def _parameters(harness: Harness, draws: Draws, data: Data) -> Parameters:
    posterior = draws.posterior["posterior"].to_dataset()
    if harness.design.intercepts != "separate":
        return Parameters(system=draws.system)
    names = ("intercept_mean", "intercept_sd")
    mean, spread = (
        posterior[name].transpose("chain", "draw", ...).values.reshape(-1, data.arrays.mean.shape[1]) for name in names
    )
    return Parameters(system=draws.system, intercept_mean=mean, intercept_sd=spread)


def quantities(harness: Harness, data: Data, parameters: Parameters) -> dict[str, np.ndarray]:
    """Return every quantity that is ranked (S,), by name."""
    found: dict[str, np.ndarray] = {}
    effects, _ = evaluate_targets(data.targets, parameters.system, random_seed=3, levels=LEVELS, accuracy=ACCURACY)
    for i in range(effects.sizes["row"]):
        key = {name: str(effects[name].values[i]) for name in ("estimand", "via", "level", "scale")}
        if key["scale"] == "difference":
            via = f"({key['via']})" if key["via"] else ""
            found[f"effect {key['level']}: {key['estimand']}{via}"] = effects["effect"].values[0, :, i]
    found |= _population(harness, parameters.system)
    found |= _residuals(harness.design, parameters)
    names = [term.name for term in harness.design.terms]
    for g in RANKED_CLUSTERS:
        for i, name in enumerate(names):
            found[f"cluster {g}: {name}"] = parameters.system.coefficients.theta[0, :, g, i]
    if harness.system.holes is None:
        found["log-likelihood"] = _log_likelihood(harness.design, data, parameters)
    return found


def _population(harness: Harness, system: SystemDraws) -> dict[str, np.ndarray]:
    """Means, standard deviations, correlations and covariances of coefficients over clusters."""
    design, terms = harness.design, harness.design.terms
    mean, root = system.coefficients.mean[0], system.coefficients.root[0]
    covariance = root @ root.transpose(0, 2, 1)
    sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    ordinal = {equation.node for equation in design.equations if equation.family == "ordinal"}
    found = {f"mean: {t.name}": mean[:, i] for i, t in enumerate(terms) if t.kind != "intercept" or t.target not in ordinal}
    found |= {f"tau: {term.name}": sd[:, i] for i, term in enumerate(terms) if term.varies}
    chosen = [i for i in correlated_terms(design) if terms[i].kind == "slope"]
    for n, i in enumerate(chosen):
        for j in chosen[:n]:
            if share_a_path(design, harness.graph, terms[i], terms[j]):
                pair = f"{terms[j].name}, {terms[i].name}"
                found[f"correlation: {pair}"] = covariance[:, i, j] / (sd[:, i] * sd[:, j])
                found[f"covariance: {pair}"] = covariance[:, i, j]
    return found


def _residuals(design: Design, parameters: Parameters) -> dict[str, np.ndarray]:
    """Residual standard deviations, what families have beyond linear predictors, and intercepts where they are apart."""
    system, found = parameters.system, {}
    own = gaussian_nodes(design)
    for k, equation in enumerate(design.equations):
        node = equation.node
        if node in own:
            found[f"residual: log typical sd of {node}"] = system.typical_log_sd[0, :, k]
            found[f"residual: spread of sd of {node}"] = system.sd_spread[0, :, k]
            found[f"residual: sd of {node} in cluster 0"] = system.sd[0, :, 0, k]
        if equation.family in ("student", "lognormal"):
            found[f"parameter: sd of {node}"] = system.sd[0, :, 0, k]
        for family, name in (("student", "nu"), ("negative_binomial", "shape"), ("beta", "precision")):
            if equation.family == family:
                found[f"parameter: {name} of {node}"] = getattr(system, name)[0, :, k]
        for j in range(system.thresholds[node].shape[2] if node in system.thresholds else 0):
            found[f"threshold: {j + 1} of {node}"] = system.thresholds[node][0, :, j]
        if parameters.intercept_mean is not None:
            found[f"mean: intercept of {node}"] = parameters.intercept_mean[:, k]
            found[f"tau: intercept of {node}"] = parameters.intercept_sd[:, k]
    return found


def _values(design: Design, parameters: Parameters) -> Values:
    system = parameters.system
    return Values(
        theta=system.coefficients.theta[0],
        sd=system.sd[0],
        nu=system.nu[0],
        shape=system.shape[0],
        precision=system.precision[0],
        thresholds={node: levels[0] for node, levels in system.thresholds.items()},
        intercept=parameters.intercept,
    )


def _log_likelihood(design: Design, data: Data, parameters: Parameters) -> np.ndarray:
    """Return the log-likelihood (S,): with intercepts integrated out where they are apart, as the model does it."""
    values = _values(design, parameters)
    if parameters.intercept_mean is None:
        return log_likelihood(design, values, data.table)
    return marginal_log_likelihood(design, values, data.table, parameters.intercept_mean, parameters.intercept_sd)
