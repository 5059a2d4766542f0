"""Fits of mirrored tables: ``python -m tests.calibration.sbc.mirror`` writes tests/calibration/sbc/mirror.json.

With a binary outcome, 1 - result under the coefficients of its equation with the other sign is the same model, and with prior means of
0 the same prior. So an effect of a table has the rank that its negative has in the mirrored table, but for the sampler's noise, however
few tables there are: a fault that moves effects to one side shows here in a hundred pairs, where uniform ranks would need
thousands of tables.
"""

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from causalcluster.fitting.sample import compile_model
from tests.calibration.linear import source_hash
from tests.calibration.sbc.generate import RefusedError
from tests.calibration.sbc.harness import Data, Harness, Parameters, fit, quantities, set_up, simulate, truth
from tests.calibration.sbc.results import FOLDER, SOURCES
from tests.calibration.sbc.systems import KEPT, SYSTEMS

PATH = FOLDER / "mirror.json"
SYSTEM, MIRRORED = "bernoulli_outcome", "result"
FIRST, PAIRS, PROCESSES = 3000, 100, 2
"""The tables are others than those of the ranks."""


def signs(harness: Harness) -> np.ndarray:
    """Return -1 for the coefficients of the mirrored node's equation, 1 for others."""
    return np.array([-1.0 if term.target == MIRRORED else 1.0 for term in harness.design.terms])


def mirrored(parameters: Parameters, sign: np.ndarray) -> Parameters:
    """Return the parameters of the mirrored tables."""
    own = parameters.system.coefficients
    turned = replace(own, theta=own.theta * sign, mean=own.mean * sign, root=own.root * sign[:, None])
    return replace(parameters, system=replace(parameters.system, coefficients=turned))


@lru_cache(maxsize=1)
def _harnesses() -> tuple[Harness, Harness]:
    """Return the system with prior means of 0, and the same with parameters that make mirrored tables."""
    harness = set_up(SYSTEMS[SYSTEM])
    priors = replace(harness.priors, mean=np.zeros_like(harness.priors.mean))
    moved = harness.priors.mean[None]
    own = harness.prior.system.coefficients
    own = replace(own, theta=own.theta - moved, mean=own.mean - moved)
    prior = replace(harness.prior, system=replace(harness.prior.system, coefficients=own))
    compiled = compile_model(harness.design, harness.arrays, priors)
    harness = replace(harness, priors=priors, prior=prior, compiled=compiled)
    return harness, replace(harness, prior=mirrored(prior, signs(harness)))


def _ranks(harness: Harness, data: Data, replicate: int) -> dict[str, tuple[float, float]]:
    """Return the share of draws below the truth, and the truth."""
    kept, _ = fit(harness, data, replicate)
    true = quantities(harness, data, truth(harness, replicate))
    drawn = quantities(harness, data, kept)
    return {name: (float((drawn[name] < value[0]).sum()) / KEPT, float(value[0])) for name, value in true.items()}


def pair(index: int) -> dict[str, float] | None:
    """Return by how much each quantity's rank misses that of its mirror image; nothing where the table is refused."""
    plain, turned = _harnesses()
    replicate = FIRST + index
    try:
        first, second = simulate(plain, replicate), simulate(turned, replicate)
    except RefusedError:
        return None
    assert (
        second.table[MIRRORED] == 1 - first.table[MIRRORED]
    ).all()  # NumPy draws binomial(1, 1 - p) as 1 - binomial(1, p)
    a, b = _ranks(plain, first, replicate), _ranks(turned, second, replicate)
    missed = {}
    for name, (rank, value) in a.items():
        same = np.isclose(value, b[name][1], rtol=1e-6)
        assert same or np.isclose(value, -b[name][1], rtol=1e-6), name
        missed[name] = rank - b[name][0] if same else rank + b[name][0] - 1.0
    return missed


def run(pairs: int) -> dict[str, Any]:
    """Return means and standard errors by quantity."""
    found: list[dict[str, float]] = []
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        for item in pool.map(pair, range(2 * pairs)):
            found += [item] if item is not None and len(found) < pairs else []
            if len(found) == pairs:
                pool.shutdown(cancel_futures=True)
                break
    table = {name: np.array([item[name] for item in found]) for name in found[0]}
    return {
        "source_hash": source_hash(SOURCES),
        "system": SYSTEM,
        "pairs": len(found),
        "missed": {name: round(float(values.mean()), 5) for name, values in table.items()},
        "standard_error": {name: round(float(values.std(ddof=1) / len(found) ** 0.5), 5) for name, values in table.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    PATH.write_text(json.dumps(run(parser.parse_args().pairs), indent=1) + "\n", encoding="utf-8")
