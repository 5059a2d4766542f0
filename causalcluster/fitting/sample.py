"""Compile a model once, sample it with nutpie, and sample it again on other moments without compiling."""

import time
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.records import Sampling
from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from causalcluster.errors import InputError
from causalcluster.fitting.code_cache import cached_density
from causalcluster.fitting.coefficients import draw_coefficients, draw_log_sigma
from causalcluster.fitting.density import Density, DensityCode, load_density, to_position
from causalcluster.fitting.nuts import Start, adapted_start, fresh_start, name_draws, sample_density
from causalcluster.fitting.system import join_system, name_parameters, name_thresholds, residual_population
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.priors import Priors
from causalcluster.model.row_arrays import row_labels
from causalcluster.model.standard import MomentArrays
from causalcluster.model.structure import dim_lengths, model_data, model_start, structure_of

Floats = NDArray[np.float64]
TARGET_ACCEPT = 0.8
CAREFUL_TARGET_ACCEPT = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """A compiled model and what it was compiled for.

    Attributes
    ----------
    design, priors
        The equations, and the priors that fits use; both are data to the compiled density.
    density
        The log density, which serves any number of clusters.
    seconds, build_seconds
        What it took in all, and what building the PyMC model took of that.
    cached
        Whether it came from the cache on disk.
    """

    design: Design
    priors: Priors
    density: Density
    seconds: float
    build_seconds: float
    cached: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Posterior draws of one fit.

    Attributes
    ----------
    posterior
        ``posterior``, the model's free variables, and ``sample_stats``, the sampler's statistics.
    system
        Coefficients of the observed clusters and of their population, residual standard deviations, parameters and
        thresholds: what effects are computed from.
    residual_sd
        (chain, draw, G, K) on the standardised scale, of the equations with moments alone.
    parameters
        (chain, draw) by (node, name): what families have beyond the linear predictor, a student's 'sd' on the standardised
        scale.
    start
        Where another fit of nearly the same data may start.
    seconds
        What sampling took.
    """

    posterior: xr.DataTree
    system: SystemDraws
    residual_sd: Floats
    parameters: dict[tuple[str, str], Floats]
    start: Start
    seconds: float

    @property
    def coefficients(self) -> CoefficientDraws:
        """Coefficients of the observed clusters and of their population."""
        return self.system.coefficients


def compile_model(design: Design, arrays: MomentArrays, priors: Priors) -> Compiled:
    """Compile the model for these equations, or take it from the cache on disk.

    Parameters
    ----------
    design
        The equations.
    arrays
        Standardised moments; their values and the number of clusters may change from fit to fit.
    priors
        Hyperparameters.

    Returns
    -------
    Compiled
    """
    start = time.perf_counter()
    built = [0.0]

    def compile_code() -> DensityCode:
        from causalcluster.fitting.density_compiler import compile_density
        from causalcluster.model.build import build_model

        begin = time.perf_counter()
        model = build_model(design, arrays, priors)
        built[0] = time.perf_counter() - begin
        return compile_density(model)

    import nutpie  # noqa: F401 - seconds that belong to getting ready, not to sampling

    code, cached = cached_density(structure_of(design, arrays, priors), compile_code)
    return Compiled(
        design=design,
        priors=priors,
        density=load_density(code),
        seconds=time.perf_counter() - start,
        build_seconds=built[0],
        cached=cached,
    )


def refit(
    compiled: Compiled,
    arrays: MomentArrays,
    sampling: Sampling,
    *,
    careful: bool = False,
    progress: bool = False,
    start: Start | None = None,
    cores: int | None = None,
) -> Draws:
    """Sample a compiled model on ``arrays`` without compiling.

    Parameters
    ----------
    compiled
        From `compile_model`, for the same equations.
    arrays
        Standardised moments; of other clusters or rows than those it was compiled with, if need be.
    sampling
        Draws, tuning steps, chains and seed.
    careful
        Double the tuning and raise the target acceptance.
    progress
        Show a progress bar.
    start
        ``start`` of an earlier fit of nearly the same data: then a tenth of the usual tuning is enough.
    cores
        Chains sampled at a time; all processors without it.

    Returns
    -------
    Draws

    Raises
    ------
    InputError
        Moments of other equations, or a start of a fit with another number of clusters.
    """
    began = time.perf_counter()
    density, lengths = compiled.density, dim_lengths(arrays, compiled.priors)
    _check_equations(compiled, arrays)
    first = to_position(density.parameters, model_start(arrays, compiled.priors))
    if start is not None and len(start.shift) != len(first):
        raise InputError(
            f"the start has {len(start.shift)} parameters, this fit has {len(first)}",
            where="refit",
            fix="start from a fit with the same clusters; one that is left out keeps its place with no rows",
        )
    positions, statistics = sample_density(
        density,
        model_data(arrays, compiled.priors),
        lengths,
        start or fresh_start(first),
        random_seed=sampling.seed,
        progress=progress,
        cores=cores,
        draws=sampling.draws,
        tune=sampling.tune * (2 if careful else 1),
        chains=sampling.chains,
        target_accept=CAREFUL_TARGET_ACCEPT if careful else TARGET_ACCEPT,
    )
    seconds = time.perf_counter() - began
    start = adapted_start(positions.reshape(-1, positions.shape[-1]), float(statistics["step_size"].mean()))
    posterior = name_draws(density, positions, lengths, _labels(compiled.design, arrays))
    tree = xr.DataTree.from_dict({"/posterior": posterior, "/sample_stats": statistics})
    return _to_draws(compiled, arrays, tree, start, seconds, random_seed=sampling.seed)


def _to_draws(
    compiled: Compiled, arrays: MomentArrays, tree: xr.DataTree, start: Start, seconds: float, *, random_seed: int
) -> Draws:
    """Draw what the model integrates out, and bring all that effects are computed from together."""
    design, posterior = compiled.design, tree["posterior"].to_dataset()
    log_sigma = draw_log_sigma(design, posterior, arrays)
    residual_sd, parameters = np.exp(log_sigma), name_parameters(posterior, arrays.row_equations)
    system = join_system(
        design,
        draw_coefficients(design, posterior, arrays, compiled.priors, log_sigma, random_seed=random_seed),
        residual_sd,
        *residual_population(design, posterior, log_sigma.shape[:2]),
        parameters,
        name_thresholds(posterior, arrays.row_equations),
    )
    return Draws(posterior=tree, system=system, residual_sd=residual_sd, parameters=parameters, start=start, seconds=seconds)


def _check_equations(compiled: Compiled, arrays: MomentArrays) -> None:
    """The density reads its arrays without looking at their bounds: they must be those of its equations."""
    priors, terms = compiled.priors, len(compiled.design.terms)
    ordinary = sum(equation.level != "first" for equation in compiled.design.equations)
    expected = (terms, ordinary, len(priors.tau_rate), len(priors.partial_alpha))
    pairs = arrays.n_correlated * (arrays.n_correlated - 1) // 2
    rows = arrays.row_equations
    sampled = (0, 0) if rows is None else (len(rows.terms), len(rows.equations))
    given = (arrays.sxx.shape[1] + sampled[0], arrays.n_gaussian + sampled[1], len(arrays.varying), pairs)
    if given != expected:
        raise InputError(
            "the moments belong to other equations than the compiled model",
            where="refit",
            why=f"coefficients, equations, varying coefficients and pairs of them are {given} here and {expected} there",
            fix="standardise them with the design that was compiled",
        )


def _labels(design: Design, arrays: MomentArrays) -> dict[str, list[str]]:
    names = [term.name for term in design.terms]
    return {
        "coefficient": names,
        "varying": [names[i] for i in arrays.varying],
        "equation": gaussian_nodes(design),
        "node": list(design.nodes),
        "shocked": [design.equations[k].node for k in design.shocked],
        "outer": list(arrays.outer.columns) if arrays.outer is not None else [],
        "cluster": list(arrays.clusters),
        **row_labels(arrays.row_equations),
    }
