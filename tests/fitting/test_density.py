"""Compiled densities against PyMC's own, and the cache that keeps them."""

import ctypes
import math

import numpy as np
import pytest
from scipy import special

from causalcluster.errors import UnsupportedError
from causalcluster.fitting import code_cache
from causalcluster.fitting.density import from_position, gather_inputs, load_density, pack_words, to_position
from causalcluster.fitting.density_compiler import compile_density
from causalcluster.fitting.sample import compile_model
from causalcluster.model.build import build_model
from causalcluster.model.special import digamma
from causalcluster.model.structure import dim_lengths, model_data, model_start, structure_of
from tests.oracles.systems import draw_rows, make_analysis, prepare_system

_C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *([ctypes.c_void_p] * 4))
SERIES = make_analysis("x>a x>b a>b x>y a>y b>y c>y c>x", treatment="x", mediators=("a", "b"), outcomes=("y",))
SINGLE = make_analysis("x>a x>y a>y", treatment="x", mediators=("a",), outcomes=("y",))


def evaluate(density, prepared, coordinates, shift=0.0, scale=1.0):
    """Return the code's answer, value and gradient at ``coordinates``."""
    n = len(coordinates)
    lengths = dim_lengths(prepared.arrays, prepared.priors)
    inputs = gather_inputs(density, model_data(prepared.arrays, prepared.priors), lengths)
    arrays = [np.full(n, shift), np.full(n, scale), *inputs]
    words, gradient, value = pack_words(arrays), np.empty(n), np.empty(1)
    pointers = (array.ctypes.data for array in (coordinates, gradient, value, words))
    answer = _C_FUNCTION(density.address)(n, *pointers)
    return answer, float(value[0]), gradient


def pymc_density(prepared, density, position):
    """Return PyMC's log density and gradient at an unconstrained position."""
    model = build_model(prepared.design, prepared.arrays, prepared.priors)
    point, start = {}, 0
    initial = model.initial_point()
    for item in density.parameters:
        name = model.rvs_to_values[model[item.name]].name
        size = initial[name].size
        point[name] = position[start : start + size].reshape(initial[name].shape)
        start += size
    return float(model.compile_logp(mode="FAST_COMPILE")(point)), model.compile_dlogp(mode="FAST_COMPILE")(point)


@pytest.fixture(scope="module")
def prepared():
    return prepare_system(SERIES, draw_rows(SERIES, sizes=[9, 5, 7, 11], seed=4))


@pytest.fixture(scope="module")
def compiled(prepared):
    return compile_model(prepared.design, prepared.arrays, prepared.priors)


def test_code_agrees_with_pymc_up_to_a_constant_at_every_size(prepared, compiled):
    # The second system has other equations and another number of clusters: the same code serves both.
    other = prepare_system(SINGLE, draw_rows(SINGLE, sizes=[6, 8, 4, 5, 9, 7], seed=5))
    for system in (prepared, other):
        n = len(to_position(compiled.density.parameters, model_start(system.arrays, system.priors)))
        differences = []
        for seed in range(3):
            position = 0.4 * np.random.default_rng(seed).standard_normal(n)
            answer, value, gradient = evaluate(compiled.density, system, position)
            expected, expected_gradient = pymc_density(system, compiled.density, position)
            assert answer == 0
            np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-9)
            differences.append(value - expected)
        assert np.ptp(differences) < 1e-9


def test_shift_and_scale_are_a_change_of_units(prepared, compiled):
    n = len(to_position(compiled.density.parameters, model_start(prepared.arrays, prepared.priors)))
    coordinates = np.random.default_rng(1).standard_normal(n)
    _, value, gradient = evaluate(compiled.density, prepared, coordinates, shift=0.1, scale=0.3)
    _, expected, expected_gradient = evaluate(compiled.density, prepared, 0.1 + 0.3 * coordinates)
    assert value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(gradient, 0.3 * expected_gradient, rtol=1e-12)


def test_a_point_outside_the_numbers_is_a_divergence_not_a_crash(prepared, compiled):
    n = len(to_position(compiled.density.parameters, model_start(prepared.arrays, prepared.priors)))
    answer, _, _ = evaluate(compiled.density, prepared, np.full(n, 1e4))
    assert answer > 0


def test_positions_go_there_and_back(prepared, compiled):
    lengths = dim_lengths(prepared.arrays, prepared.priors)
    start = model_start(prepared.arrays, prepared.priors)
    position = to_position(compiled.density.parameters, start)
    values = from_position(compiled.density.parameters, np.stack([position, position]), lengths)
    for item in compiled.density.parameters:
        np.testing.assert_allclose(values[item.name][1], start[item.name], rtol=1e-12)


def test_digamma_equals_scipys():
    for x in np.geomspace(1e-4, 1e6, 60):
        assert digamma(x) == pytest.approx(special.psi(x), rel=1e-13, abs=1e-14)


def test_stored_code_is_read_back_and_damage_counts_as_absent(tmp_path, monkeypatch, prepared, compiled):
    structure = structure_of(prepared.design, prepared.arrays, prepared.priors)
    code, cached = code_cache.cached_density(structure, lambda: pytest.fail("was compiled before"))
    assert cached
    monkeypatch.setenv("CAUSALCLUSTER_CACHE", str(tmp_path))
    again, cached = code_cache.cached_density(structure, lambda: code)
    assert not cached
    assert again is code
    again, cached = code_cache.cached_density(structure, lambda: pytest.fail("is in the cache"))
    assert cached
    assert again == code
    density = load_density(again)
    n = len(to_position(density.parameters, model_start(prepared.arrays, prepared.priors)))
    position = np.random.default_rng(2).standard_normal(n) * 0.2
    assert evaluate(density, prepared, position)[1] == evaluate(compiled.density, prepared, position)[1]
    (path,) = tmp_path.iterdir()
    contents = path.read_bytes()
    other_symbol = contents.replace(code.symbol.encode(), code.symbol.encode()[::-1], 1)
    for damaged in (contents[:-7], contents[:100], b"", contents[:-1] + bytes([contents[-1] ^ 1]), other_symbol):
        path.write_bytes(damaged)
        assert code_cache._read(path) is None


def test_an_unwritable_cache_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CAUSALCLUSTER_CACHE", str(tmp_path / "file" / "below"))
    assert code_cache._read(code_cache.cache_folder() / "absent") is None
    code_cache._write(code_cache.cache_folder() / "x", _tiny_code())


def _tiny_code():
    from causalcluster.fitting.density import DensityCode

    return DensityCode(parameters=(), inputs=(), library=("a", "object", (b"1", b"2")), symbol="s")


def test_a_transform_that_is_not_known_is_refused():
    import pymc as pm

    with pm.Model(coords={"k": range(3)}) as model:
        pm.Dirichlet("share", np.ones(3), dims="k")
    with pytest.raises(UnsupportedError, match="share has a"):
        compile_density(model)


def test_log_gamma_of_parameters_stays_in_the_density():
    import pytensor.tensor as pt

    from causalcluster.fitting.special_functions import without_scipy

    x = pt.dscalar("x")
    value = without_scipy(pt.gammaln(x) + pt.gammaln(pt.as_tensor(2.5)), [x])
    assert value.eval({x: 3.3}) == pytest.approx(math.lgamma(3.3), rel=1e-12)
