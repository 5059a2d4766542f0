"""Products of nodes in simulated systems: closed forms, brute force with a generator of its own, and identities."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from causalcluster.effects.levels import CoefficientDraws
from causalcluster.effects.networks import SystemDraws
from tests.oracles.networks import all_keys, ask, evaluate, fixed_draws, make_design, one_cluster, value
from tests.oracles.worlds_by_force import Node, one_mediator

CONTEXT = np.array([-1.0, 0.0, 0.5, 0.5, 2.0])


def test_context_moderates_both_arrows_of_a_gaussian_system():
    design = make_design(
        {"m": ("gaussian", None, ["a", "c", "a*c"]), "y": ("gaussian", None, ["a", "m", "c", "c*m", "a*c"])}
    )
    a1, c1, ac1, direct, by_m, by_cm, by_ac = 0.4, 0.7, 0.3, 0.2, 0.6, 0.25, -0.15
    theta = [0.1, a1, c1, ac1, 0.3, direct, by_m, -0.4, by_cm, by_ac]
    got = evaluate(
        one_cluster(design, {"c": CONTEXT}),
        fixed_draws(theta, 2, sd=[0.9, 1.1]),
        ask(["m"]),
        points=64,
        at=[(("c", -1.0),), (("c", 3.0),)],
    )
    first, second = CONTEXT.mean(), np.mean(CONTEXT**2)
    mediated = by_m * a1 + (by_m * ac1 + by_cm * a1) * first + by_cm * ac1 * second
    # Weights make second moments of the context exact, so these are exact too.
    assert value(got, "nie", "m").item() == pytest.approx(mediated, abs=1e-10)
    assert value(got, "nde").item() == pytest.approx(direct + by_ac * first, abs=1e-10)
    for c in (-1.0, 3.0):
        inside = {"nie": (by_m + by_cm * c) * (a1 + ac1 * c), "nde": direct + by_ac * c}
        assert value(got, "nie", "all", at=f"c={c:g}").item() == pytest.approx(inside["nie"], abs=1e-10)
        assert value(got, "nde", at=f"c={c:g}").item() == pytest.approx(inside["nde"], abs=1e-10)
        assert value(got, "total", at=f"c={c:g}").item() == pytest.approx(sum(inside.values()), abs=1e-10)


def test_a_binary_moderators_values_average_to_the_effect_without_it():
    design = make_design(
        {"m": ("gaussian", None, ["a", "c", "a*c"]), "y": ("bernoulli", None, ["a", "m", "c", "c*m", "a*c"])}
    )
    theta = [0.1, 0.5, 0.4, 0.6, -0.5, 0.3, 0.8, 0.5, -0.6, 0.4]
    share = 0.3
    got = evaluate(
        one_cluster(design, {"c": np.repeat([0.0, 1.0], [7, 3])}),
        fixed_draws(theta, 2),
        ask(["m"]),
        points=2**14,
        at=[(("c", 0.0),), (("c", 1.0),)],
    )
    for effect, via in (("total", ""), ("nde", ""), ("nie", "all"), ("ide", ""), ("iie", "m")):
        off, on = (value(got, effect, via, at=f"c={c}").item() for c in (0, 1))
        assert value(got, effect, via).item() == pytest.approx((1.0 - share) * off + share * on, abs=2e-5)
        assert abs(on - off) > 0.02


@pytest.mark.parametrize("c", [None, 0.0, 1.5])
def test_a_moderated_binary_outcome_against_brute_force(c):
    products = ["a", "m", "c", "a*m", "a*c", "c*m", "a*c*m"]
    design = make_design({"m": ("gaussian", None, ["a", "c", "a*c"]), "y": ("bernoulli", "probit", products)})
    of_m, of_y = [0.2, 0.6, -0.3, 0.4], [-0.6, 0.3, 0.5, 0.2, 0.25, -0.3, 0.4, 0.35]

    def mediator(a, x):
        return of_m[0] + of_m[1] * a + of_m[2] * x + of_m[3] * a * x

    def outcome(a, m, x):
        terms = [np.ones_like(a), a, m, x, a * m, a * x, x * m, a * x * m]
        return sum(b * term for b, term in zip(of_y, terms, strict=True))

    force = one_mediator(
        Node(family="gaussian", link="identity", sd=0.8),
        Node(family="bernoulli", link="probit"),
        mediator,
        outcome,
        CONTEXT if c is None else np.array([c]),
        contrast=(-0.5, 1.0),
        fixed=0.4,
        n=400_000,
        seed=4,
    )
    got = evaluate(
        one_cluster(design, {"c": CONTEXT}),
        fixed_draws([*of_m, *of_y], 2, sd=[0.8, 1.0]),
        ask(["m"], fix=[("m", 0.4)]),
        (-0.5, 1.0),
        points=2**13,
        at=[] if c is None else [(("c", c),)],
    )
    at = "" if c is None else f"c={c:g}"
    for effect, via in (("total", ""), ("nde", ""), ("nie", "m"), ("tnde", ""), ("pnie", "all"), ("cde", "m=0.4")):
        expected, error = force[effect]
        assert value(got, effect, via, at=at).item() == pytest.approx(expected, abs=4.0 * error + 1e-4), effect


def two_mediators(outcome, *, contrast, n, seed):
    """Return natural effects of two ordered mediators and their standard errors: one unit, all of its worlds."""
    rng = np.random.default_rng(seed)
    c, e1, e2 = rng.choice(CONTEXT, n), 0.7 * rng.standard_normal(n), 0.9 * rng.standard_normal(n)

    def answers(into_m, into_n):
        m = 0.1 + 0.5 * into_m + 0.3 * c + e1
        return m, -0.2 + 0.3 * into_n + 0.4 * m + 0.2 * into_n * m - 0.1 * c + e2

    def mean(into_m, into_n, into_y):
        return outcome(into_y, *answers(into_m, into_n), c)

    low, high = contrast
    steps = [mean(low, low, high), mean(high, low, high), mean(high, high, high)]
    base = mean(low, low, low)
    parts = {("total", ""): steps[2] - base, ("nde", ""): steps[0] - base, ("nie", "all"): steps[2] - steps[0]}
    parts |= {("nie", "m"): steps[1] - steps[0], ("nie", "n"): steps[2] - steps[1]}
    return {key: (unit.mean(), unit.std() / n**0.5) for key, unit in parts.items()}


def linear(a, m, n, c):
    own = 0.3 * a + 0.5 * m + 0.4 * n - 0.2 * c + 0.25 * m * n + 0.1 * a * m - 0.15 * a * n + 0.2 * a * m * n
    return own + 0.3 * c * m + 0.12 * m * m


TERMS = ["a", "m", "n", "c", "m*n", "a*m", "a*n", "a*m*n", "c*m", "m*m"]
SLOPES = [0.0, 0.3, 0.5, 0.4, -0.2, 0.25, 0.1, -0.15, 0.2, 0.3, 0.12]


@pytest.mark.parametrize(
    ("family", "link", "inverse"),
    [
        ("gaussian", None, lambda eta: eta),
        ("bernoulli", "probit", stats.norm.cdf),
        ("poisson", None, lambda eta: np.exp(eta)),
    ],
)
def test_products_of_mediators_of_three_and_squares_against_brute_force(family, link, inverse):
    size = 1.0 if family != "poisson" else 0.3
    design = make_design(
        {"m": ("gaussian", None, ["a", "c"]), "n": ("gaussian", None, ["a", "m", "a*m", "c"]), "y": (family, link, TERMS)}
    )
    theta = [0.1, 0.5, 0.3, -0.2, 0.3, 0.4, 0.2, -0.1, *(size * b for b in SLOPES)]
    question = ask(["m", "n"])
    got = evaluate(
        one_cluster(design, {"c": CONTEXT}),
        fixed_draws(theta, 3, sd=[0.7, 0.9, 1.0]),
        question,
        (-0.5, 1.0),
        points=2**13,
        keys=all_keys(question),
    )
    force = two_mediators(lambda a, m, n, c: inverse(size * linear(a, m, n, c)), contrast=(-0.5, 1.0), n=1_000_000, seed=2)
    for (effect, via), (expected, error) in force.items():
        assert value(got, effect, via).item() == pytest.approx(expected, abs=4.0 * error + 2e-4), (effect, via)
    assert abs(force["nie", "n"][0]) > 20 * force["nie", "n"][1]


def test_the_population_holds_the_covariance_of_moderated_arrows():
    rng = np.random.default_rng(8)
    design = make_design({"m": ("gaussian", None, ["a", "c", "a*c"]), "y": ("gaussian", None, ["a", "m", "c", "c*m"])})
    n = len(design.terms)
    mean, root = rng.normal(size=(1, 3, n)), 0.5 * rng.normal(size=(1, 3, n, n))
    coefficients = CoefficientDraws(
        clusters=("k", "l"),
        rows=np.array([5, 5]),
        theta=np.repeat(mean[:, :, None], 2, axis=2),
        mean=mean,
        root=root,
        has_population=True,
    )
    draws = SystemDraws(
        coefficients=coefficients,
        sd=np.ones((1, 3, 2, 2)),
        typical_log_sd=np.zeros((1, 3, 2)),
        sd_spread=np.zeros((1, 3, 2)),
    )
    network = one_cluster(design, {"c": np.concatenate([CONTEXT, CONTEXT + 1.0])})
    network = replace(network, context=replace(network.context, cluster=np.repeat([0, 1], 5)))
    got = evaluate(network, draws, ask(["m"]), points=2**12, at=[(("c", 2.0),)])
    into_m, into_y = [1, 3], [6, 8]

    def closed(c):
        v, covariance = np.array([1.0, c]), root[0] @ root[0].transpose(0, 2, 1)
        both = covariance[:, into_m][:, :, into_y]
        return (mean[0][:, into_m] @ v) * (mean[0][:, into_y] @ v) + np.einsum("i,sij,j->s", v, both, v)

    np.testing.assert_allclose(value(got, "nie", "m", level="population", at="c=2")[0], closed(2.0), rtol=1e-8)
    average = np.mean([closed(c) for c in (*CONTEXT, *(CONTEXT + 1.0))], axis=0)
    np.testing.assert_allclose(value(got, "nie", "m", level="population")[0], average, rtol=5e-3)
