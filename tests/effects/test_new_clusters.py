"""Clusters not yet seen are like those seen: their effects average to the observed ones where these are the population."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.levels import CoefficientDraws, evaluate_effects
from causalcluster.effects.networks import ContextRows, Network, Regressors, SystemDraws
from causalcluster.effects.runs import Accuracy
from causalcluster.effects.worlds import System
from causalcluster.model.standard import Scale
from tests.oracles.networks import ask, evaluate, make_design, unit_scale, value

CLUSTERS = 1024
GRADES, CUTS = np.array([0.0, 1.0, 3.0]), np.array([-0.4, 0.9])
SHIFT, SCALE = 0.4, 1.3
TRIALS = 3.0
KEYS = [("y", "total", ""), ("y", "nde", ""), ("y", "nie", "all"), ("y", "tnde", "")]


def answer(family, eta, sd):
    """Return the mediator's possible values (..., J) and their probabilities."""
    share = 1.0 / (1.0 + np.exp(-eta[..., None]))
    if family in ("gaussian", "lognormal"):
        nodes, weights = np.polynomial.hermite_e.hermegauss(31)
        values = eta[..., None] + sd[..., None] * nodes
        values = SHIFT + SCALE * values if family == "gaussian" else np.exp(values)
        return values, np.broadcast_to(weights / weights.sum(), values.shape)
    if family == "bernoulli":
        return np.array([0.0, 1.0]), np.concatenate([1.0 - share, share], axis=-1)
    if family == "binomial":
        count = np.arange(4.0)
        return count, np.array([1.0, 3.0, 3.0, 1.0]) * share**count * (1.0 - share) ** (TRIALS - count)
    if family == "ordinal":
        below = 1.0 / (1.0 + np.exp(eta[..., None] - CUTS))
        edges = np.concatenate([np.zeros_like(share), below, np.ones_like(share)], axis=-1)
        return GRADES, np.diff(edges, axis=-1)
    count = np.arange(150.0)
    logs = count * eta[..., None] - np.exp(eta[..., None]) - np.concatenate([[0.0], np.cumsum(np.log(count[1:]))])
    return count, np.exp(logs)


def population(family, products, *, clusters=CLUSTERS, spread=None):
    """Return clusters whose coefficients have exactly the moments of their population, and whose rows are without end.

    Treatment takes three values in each cluster, with a mean and a spread of its own. The cluster means of mediator and
    products are sums over them and over the mediator's answers.
    """
    rng = np.random.default_rng(1)
    design = make_design({"m": (family, None, ["a"]), "y": ("bernoulli", None, products)}, centred=True)
    n = len(design.terms)
    middle = np.array([0.2, 0.6, -0.3, 0.4, 0.9, 0.5, 0.3][:n])
    sds = np.array([1.2, 0.3, 0.5, 0.2, 0.4, 0.2, 0.1][:n] if spread is None else spread[:n])
    mixed = np.linalg.cholesky(0.6 * np.eye(n) + 0.4)
    drawn = stats.norm.ppf(stats.qmc.Sobol(n + 3, rng=rng).random(clusters))
    scores, own = drawn[:, :n], drawn[:, n:]
    scores -= scores.mean(axis=0)
    scores = scores @ np.linalg.inv(np.linalg.cholesky(scores.T @ scores / clusters)).T
    root = sds[:, None] * mixed
    theta = middle + scores @ root.T
    sd = np.exp(-0.3 + 0.2 * own[:, 0])
    a = 0.5 * own[:, 1:2] + np.exp(0.1 * own[:, 2:]) * np.sqrt(1.5) * [-1.0, 0.0, 1.0]
    away = a - a.mean(axis=1, keepdims=True)
    values, mass = answer(family, theta[:, :1] + theta[:, 1:2] * away, np.repeat(sd[:, None], 3, axis=1))
    m = (values - SHIFT) / SCALE
    means = {("a",): a.mean(axis=1)}
    for factors in {term.factors for term in design.terms if len(term.factors)} - {("a",)}:
        held = 1.0
        for name in factors:
            held = held * (a[..., None] if name == "a" else m)
        means[factors] = (held * mass).sum(axis=2).mean(axis=1)
    scale = Scale(shift={"a": 0.0, "m": SHIFT, "y": 0.0}, scale={"a": 1.0, "m": SCALE, "y": 1.0})
    sizes = {"m": np.full(clusters, TRIALS)} if family == "binomial" else {}
    network = Network(
        design=design,
        scale=scale,
        column_mean=means,
        context=ContextRows(
            columns=(),
            cluster=np.arange(clusters),
            values=np.zeros((clusters, 0)),
            weights=np.ones(clusters),
            sizes=sizes,
        ),
        grades={"m": GRADES},
        regressors={
            "m": Regressors(
                size=np.full(clusters, TRIALS if family == "binomial" else 1.0),
                share=np.full((clusters, 3), 1.0 / 3.0),
                mean=away[:, :, None],
                covariance=np.zeros((clusters, 1, 1)),
            )
        },
    )
    coefficients = CoefficientDraws(
        clusters=tuple(f"c{g:04d}" for g in range(clusters)),
        rows=np.full(clusters, 50),
        theta=theta[None, None],
        mean=middle[None, None],
        root=root[None, None],
        has_population=True,
    )
    thresholds = {"m": CUTS[None, None]} if family == "ordinal" else {}
    both = np.stack([sd, np.full(clusters, 0.6)], axis=1)
    return network, SystemDraws(coefficients=coefficients, sd=both[None, None], thresholds=thresholds)


def draws_of(got, effect, via, level):
    """Return the one draw (row,) of an effect at a level."""
    keys = {"estimand": effect, "via": via, "level": level}
    chosen = np.all([got.effects[name].values == key for name, key in keys.items()], axis=0)
    return got.effects["effect"].values[0, 0, chosen]


ACCURACY = Accuracy(
    target=np.inf, cluster_points=32, population_points=32_768, new_clusters=4096, inner_points=8, replicates=2, draws=1
)
SMALL = [0.4, 0.15, 0.5, 0.2, 0.2, 0.1]
CASES = {
    "gaussian": {},
    "bernoulli": {},
    "ordinal": {},
    "binomial": {},
    "poisson": {"spread": SMALL},
    "lognormal": {"spread": SMALL, "points": 256},
}


@pytest.mark.parametrize("products", [["a", "m"], ["a", "m", "a*m"]], ids=["plain", "interaction"])
@pytest.mark.parametrize("family", CASES)
def test_new_clusters_have_the_effects_of_observed_ones(family, products):
    case = {"spread": None, "points": 32, **CASES[family]}
    network, draws = population(family, products, spread=case["spread"])
    levels = ("population", "cluster", "between_sd")
    accuracy = replace(ACCURACY, cluster_points=case["points"])
    got = evaluate(network, draws, ask(["m"]), (-1.0, 1.0), keys=KEYS, accuracy=accuracy, levels=levels)
    size = draws_of(got, "total", "", "cluster").mean()
    for _, effect, via in KEYS:
        observed = draws_of(got, effect, via, "cluster")
        # Scores are Sobol' points with exact second moments: 1,024 clusters are far closer to their population than by chance.
        assert draws_of(got, effect, via, "population").item() == pytest.approx(observed.mean(), abs=0.004 * size)
        assert draws_of(got, effect, via, "between_sd").item() == pytest.approx(observed.std(), rel=0.03)


def test_the_next_cluster_is_one_of_them():
    network, draws = population("gaussian", ["a", "m"], clusters=16)
    c, n_draws = draws.coefficients, 6000

    def repeat(values):
        return np.broadcast_to(values, (1, n_draws, *values.shape[2:]))

    many = SystemDraws(
        coefficients=replace(c, theta=repeat(c.theta), mean=repeat(c.mean), root=repeat(c.root)), sd=repeat(draws.sd)
    )
    got = evaluate(network, many, ask(["m"]), (-1.0, 1.0), keys=KEYS[:1], points=32, levels=["new"])
    new = value(got, "total", level="new")[0]
    wanted = evaluate(network, draws, ask(["m"]), (-1.0, 1.0), keys=KEYS[:1], points=8192, levels=["population"])
    assert new.mean() == pytest.approx(value(wanted, "total", level="population").item(), abs=4 * new.std() / n_draws**0.5)


def test_a_mean_that_does_not_follow_from_what_is_known_is_an_error():
    network, draws = population("bernoulli", ["a", "m"], clusters=16)
    with pytest.raises(ValueError, match="regressors of 'm'"):
        evaluate(replace(network, regressors={}), draws, ask(["m"]), keys=KEYS[:1], points=8)


def linear_chain():
    """Return a gaussian system a -> m -> n -> y with products at two steps, as polynomials, and its population's clusters."""
    rng = np.random.default_rng(4)
    design = make_design(
        {
            "m": ("gaussian", None, ["a"]),
            "n": ("gaussian", None, ["a", "m", "a*m"]),
            "y": ("gaussian", None, ["a", "n", "a*n"]),
        },
        centred=True,
    )
    size = len(design.terms)
    middle = np.array([0.2, 0.6, 0.5, 0.3, 0.7, 0.4, -0.1, 0.2, 0.5, 0.6])
    sds = np.array([1.0, 0.3, 0.8, 0.3, 0.4, 0.3, 0.5, 0.2, 0.3, 0.4])
    root = sds[:, None] * np.linalg.cholesky(0.5 * np.eye(size) + 0.5)
    drawn = stats.norm.ppf(stats.qmc.Sobol(size + 1, rng=rng).random(2**14))
    scores = drawn[:, :size] - drawn[:, :size].mean(axis=0)
    scores = scores @ np.linalg.inv(np.linalg.cholesky(scores.T @ scores / len(scores))).T
    theta = middle + scores @ root.T
    t = theta.T[..., None]
    a = 0.5 * drawn[:, size:] + np.sqrt(1.5) * np.array([-1.0, 0.0, 1.0])
    away = a - a.mean(axis=1, keepdims=True)
    m = t[0] + t[1] * away
    product = a * m
    n = t[2] + t[3] * away + t[4] * (m - t[0]) + t[5] * (product - product.mean(axis=1, keepdims=True))
    means = {("a",): a, ("m",): m, ("a", "m"): product, ("n",): n, ("a", "n"): a * n}
    coefficients = CoefficientDraws(
        clusters=tuple(f"c{g:05d}" for g in range(len(theta))),
        rows=np.full(len(theta), 50),
        theta=theta[None, None],
        mean=middle[None, None],
        root=root[None, None],
        has_population=True,
    )
    covariance = {
        node: covariance_of([np.ones_like(a), *(means[term.factors] for term in equation.terms[1:])])
        for node, equation in zip(design.nodes, design.equations, strict=True)
    }
    column_mean = {key: item.mean(axis=1) for key, item in means.items()}
    return System(design=design, column_mean=column_mean, covariance=covariance), coefficients


def covariance_of(columns):
    """Return covariances (G, p, p) of columns (G, values); residuals are uncorrelated with causes and change none that is read."""
    away = np.stack(columns, axis=1) - np.stack(columns, axis=1).mean(axis=2, keepdims=True)
    return np.einsum("gia,gja->gij", away, away) / away.shape[2]


def test_new_clusters_of_a_linear_system_with_products_have_the_effects_of_observed_ones():
    system, coefficients = linear_chain()
    keys = [*KEYS, ("y", "nie", "n"), ("y", "nie", "m"), ("y", "prop_mediated", "all")]
    listed = list_estimands(ask(["m", "n"]), None, system, unit_scale("amny"), (-1.0, 1.0), identified=keys)
    levels = ("population", "cluster", "between_sd")
    got = SimpleNamespace(effects=evaluate_effects(listed, coefficients, random_seed=1, levels=levels))
    size = draws_of(got, "total", "", "cluster").mean()
    for _, effect, via in keys[:-1]:
        observed = draws_of(got, effect, via, "cluster")
        assert draws_of(got, effect, via, "population").item() == pytest.approx(observed.mean(), abs=0.004 * size)
        assert draws_of(got, effect, via, "between_sd").item() == pytest.approx(observed.std(), rel=0.02)
    total, nie = (draws_of(got, effect, via, "population") for effect, via in (("total", ""), ("nie", "all")))
    assert draws_of(got, "prop_mediated", "all", "population") == pytest.approx(nie / total)
