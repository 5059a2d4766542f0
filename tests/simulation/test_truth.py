"""The true effects of the scenario `linear`."""

import numpy as np
import pytest

from causalcluster.simulation.linear import SLOPE_NAMES, VARIABLES, draw_slopes, linear_parameters
from causalcluster.simulation.truth import KEY_COLUMNS, TRUTH_COLUMNS, linear_truth

CLUSTERS = 400_000


def wage_in_world(slopes, *, on_enforcement, on_unions, on_wage, fix=None):
    """Return E[wage] with the law set edge by edge, by running the equations forward: the contract's worlds."""
    b = {name: slopes[:, position] for position, name in enumerate(SLOPE_NAMES)}
    fix = fix or {}
    enforcement = fix.get("enforcement", b["law -> enforcement"] * on_enforcement)
    unions = fix.get("unions", b["law -> unions"] * on_unions + b["enforcement -> unions"] * enforcement)
    return b["law -> wage"] * on_wage + b["enforcement -> wage"] * enforcement + b["unions -> wage"] * unions


def worlds(slopes):
    """Return every effect by cluster as a difference of two worlds."""

    def wage(on_enforcement, on_unions, on_wage, **fix):
        return wage_in_world(slopes, on_enforcement=on_enforcement, on_unions=on_unions, on_wage=on_wage, fix=fix)

    untreated, treated = wage(0, 0, 0), wage(1, 1, 1)
    return {
        ("total", ""): treated - untreated,
        ("nde", ""): wage(0, 0, 1) - untreated,
        ("nie", "all"): treated - wage(0, 0, 1),
        ("nie", "enforcement"): wage(1, 0, 1) - wage(0, 0, 1),
        ("nie", "unions"): wage(1, 1, 1) - wage(1, 0, 1),
        ("tnde", ""): treated - wage(1, 1, 0),
        ("pnie", "all"): wage(1, 1, 0) - untreated,
        ("cde", "enforcement=0"): wage(1, 1, 1, enforcement=0.0) - wage(0, 0, 0, enforcement=0.0),
        ("cde", "unions=0"): wage(1, 1, 1, unions=0.0) - wage(0, 0, 0, unions=0.0),
    }


def truth_for(slopes, sizes=None, labels=None):
    clusters = len(slopes)
    sizes = np.full(clusters, 10) if sizes is None else sizes
    labels = labels or tuple(f"g{number}" for number in range(clusters))
    return linear_truth(linear_parameters(), slopes=slopes, sizes=sizes, labels=labels)


def value_of(truth, effect, via, level, cluster=""):
    keys = ["effect", "via", "level", "cluster"]
    return truth.set_index(keys)["value"].loc[(effect, via, level, cluster)]


@pytest.fixture(scope="module")
def monte_carlo():
    return worlds(draw_slopes(linear_parameters(), CLUSTERS, np.random.default_rng(20)))


@pytest.mark.parametrize("key", list(worlds(np.ones((1, len(SLOPE_NAMES))))))
def test_population_and_spread_equal_monte_carlo(key, monte_carlo):
    truth = truth_for(draw_slopes(linear_parameters(), 3, np.random.default_rng(0)))
    drawn = monte_carlo[key]
    error = drawn.std() / np.sqrt(CLUSTERS)
    assert abs(value_of(truth, *key, "population") - drawn.mean()) < 4.5 * error
    assert value_of(truth, *key, "between_sd") == pytest.approx(drawn.std(), rel=0.02)


def test_observed_clusters_equal_their_worlds():
    slopes = draw_slopes(linear_parameters(), 4, np.random.default_rng(1))
    sizes = np.array([2, 30, 5, 100])
    truth = truth_for(slopes, sizes)
    for key, values in worlds(slopes).items():
        assert value_of(truth, *key, "sample") == pytest.approx(values.mean())
        assert value_of(truth, *key, "sample_rows") == pytest.approx(values @ sizes / sizes.sum())
        for number, value in enumerate(values):
            assert value_of(truth, *key, "cluster", f"g{number}") == pytest.approx(value, abs=1e-9)


def test_population_by_hand():
    truth = truth_for(draw_slopes(linear_parameters(), 3, np.random.default_rng(0)))
    through_enforcement = 0.6 * 400 + 0.7 * 0.6 * 400
    through_unions = 0.5 * 300 + 0.4 * 0.4 * 250
    # E[xyz] = means' product + each mean times the covariance of the other two
    means, covariances = (0.6, 0.4, 300), (0.35 * 0.25 * 250, 0.0, 0.2 * 0.6 * 0.25)
    in_series = np.prod(means) + sum(m * c for m, c in zip(means, covariances, strict=True))
    assert value_of(truth, "path", "enforcement", "population") == pytest.approx(through_enforcement)
    assert value_of(truth, "path", "unions", "population") == pytest.approx(through_unions)
    assert value_of(truth, "path", "enforcement>unions", "population") == pytest.approx(in_series)
    assert value_of(truth, "path", "direct", "population") == pytest.approx(300)


@pytest.mark.parametrize("level", ["population", "sample", "sample_rows"])
def test_effects_decompose(level):
    truth = truth_for(draw_slopes(linear_parameters(), 5, np.random.default_rng(4)), np.arange(2, 7))

    def value(effect, via=""):
        return value_of(truth, effect, via, level)

    assert value("total") == pytest.approx(value("nde") + value("nie", "all"))
    assert value("nie", "all") == pytest.approx(value("nie", "enforcement") + value("nie", "unions"))
    assert value("nie", "enforcement") == pytest.approx(value("path", "enforcement") + value("path", "enforcement>unions"))
    assert value("prop_mediated", "all") == pytest.approx(value("nie", "all") / value("total"))
    assert value("prop_mediated", "unions") == pytest.approx(value("nie", "unions") / value("total"))


def test_product_of_mean_slopes_misses_the_population_effect():
    parameters = linear_parameters()
    mean = dict(zip(SLOPE_NAMES, parameters.slope_mean, strict=True))
    naive = mean["law -> enforcement"] * mean["enforcement -> wage"]
    truth = truth_for(draw_slopes(parameters, 3, np.random.default_rng(0)))
    assert value_of(truth, "path", "enforcement", "population") > 1.5 * naive


def test_table_shape():
    truth = truth_for(draw_slopes(linear_parameters(), 3, np.random.default_rng(0)), labels=("x", "y", "z"))
    assert tuple(truth.columns) == TRUTH_COLUMNS
    assert not truth.duplicated(list(KEY_COLUMNS)).any()
    assert not truth.isna().any().any()
    assert set(truth["outcome"]) == {VARIABLES[-1]}
    assert set(truth["cluster"]) == {"", "x", "y", "z"}
    assert ((truth["cluster"] != "") == (truth["level"] == "cluster")).all()
    assert (truth["mc_error"] == 0).all()
