"""The stored ranks are of today's sources, uniform where they must be, and what the documentation shows."""

import numpy as np
import pytest

from tests.calibration.fingerprints import stands
from tests.calibration.sbc.bands import deviation, deviations
from tests.calibration.sbc.page import BEGIN, END, FIGURES, PAGE, POPULATION, figures, stored, text
from tests.calibration.sbc.results import SOURCES, settings
from tests.calibration.sbc.systems import KEPT, SYSTEMS

STORED = stored()
REQUIRED = [name for name, system in SYSTEMS.items() if system.required]


def test_every_system_is_stored():
    assert set(STORED) == set(SYSTEMS)


@pytest.mark.parametrize("name", STORED)
def test_it_is_not_stale(name):
    assert stands(f"sbc {name}", STORED[name]["source_hash"], SOURCES), (
        "the sources have changed since: run `make calibrate`"
    )
    assert STORED[name]["settings"] == settings(SYSTEMS[name]), "the system has changed since: run `make calibrate`"


@pytest.mark.parametrize("name", STORED)
def test_there_are_enough_replicates(name):
    item = STORED[name]
    assert item["count"] == len(set(item["replicates"])) >= (200 if SYSTEMS[name].required else 15)
    assert all(len(ranks) == item["count"] for ranks in item["ranks"].values())
    assert all(0 <= rank <= KEPT for ranks in item["ranks"].values() for rank in ranks)


@pytest.mark.parametrize("name", STORED)
def test_ranks_of_population_effects_are_uniform(name):
    found = {key: value for key, value in deviations(STORED[name]).items() if key.startswith(POPULATION)}
    assert {key.removeprefix(POPULATION).split("(")[0] for key in found} == {"total", "nde", "nie"}
    for key, value in found.items():
        assert value <= 1.0, key


def test_few_quantities_leave_the_band():
    # Each does with probability 0.01; those of one system depend on each other.
    found = [value for item in STORED.values() for value in deviations(item).values()]
    assert np.mean(np.array(found) > 1.0) <= 0.03
    assert max(found) <= 1.6


def test_deviations_that_are_stored_are_those_of_the_ranks():
    for item in STORED.values():
        assert item["deviation"] == deviations(item)


@pytest.mark.parametrize("count", [200, 320])
def test_uniform_ranks_stay_inside_and_others_do_not(count):
    rng = np.random.default_rng(1)
    inside = [deviation(rng.integers(0, KEPT + 1, count).tolist(), KEPT, str(i)) <= 1.0 for i in range(300)]
    assert 0.97 <= np.mean(inside) <= 1.0
    # Posteriors a third too narrow, too wide, and shifted by half a standard deviation.
    truth = rng.standard_normal((3, count))
    draws = (
        rng.standard_normal((3, KEPT, count)) * np.array([0.67, 1.5, 1.0])[:, None, None]
        + np.array([0, 0, 0.5])[:, None, None]
    )
    for ranks in (draws < truth[:, None]).sum(axis=1):
        assert deviation(ranks.tolist(), KEPT, "off") > 1.0


def test_the_documentation_shows_it():
    page = PAGE.read_text(encoding="utf-8")
    assert page.split(BEGIN)[1].split(END)[0].strip() == text(STORED).strip()
    assert all((FIGURES / f"{name}.png").exists() for name in figures(STORED))
