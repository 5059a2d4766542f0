"""What the calibrated systems do, in a few numbers: ``python -m tests.calibration.fingerprints`` writes fingerprints.json.

A calibration is stored with a hash of the sources behind it. Sources change also where nothing that was calibrated does: a module is
split, another kind of equation is added. So that hours of fits need not be repeated then, every calibrated system has a
fingerprint: at a few fixed positions of the sampler, the log density (but for a constant), its gradient, the clusters'
coefficients drawn there with a fixed seed, and the effects. Anything that alters one of these alters the numbers.
"""

import ctypes
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from causalcluster.analysis import parse_analysis
from causalcluster.effects.runs import Accuracy
from causalcluster.fitting.density import Density, gather_inputs, pack_words, to_position
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.nuts import fresh_start, name_draws
from causalcluster.fitting.sample import Compiled, Draws, _labels, _to_draws, compile_model
from causalcluster.model.standard import MomentArrays
from causalcluster.model.structure import dim_lengths, model_data, model_start
from causalcluster.planning import draw_up, prepare
from causalcluster.simulation import simulate as simulate_scenario
from tests.calibration import affected_cause, binary, missing
from tests.calibration.linear import source_hash
from tests.calibration.panel_sources import PANEL_SOURCES
from tests.calibration.panels import TABLES
from tests.calibration.sbc import harness
from tests.calibration.sbc.systems import SYSTEMS

_C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *([ctypes.c_void_p] * 4))
RESULT = Path(__file__).with_suffix(".json")
POSITIONS, JITTER = 6, 0.2
ACCURACY = Accuracy(target=float("inf"), cluster_points=16, population_points=64, replicates=2, draws=4)
TOLERANCE = 1e-6
"""Relative: sums of another order and other processors differ by less, the least change of a prior by more."""
Numbers = dict[str, float]


def _summarise(posterior: xr.Dataset, effects: xr.Dataset) -> Numbers:
    """Return means and root mean squares of parameters and effects over the draws and all else."""
    arrays = {str(name): value.values for name, value in posterior.data_vars.items()}
    for i in range(effects.sizes["row"]):
        names = ("estimand", "via", "level", "cluster", "scale", "horizon", "regime")
        key = [str(effects[name].values[i]) for name in names]
        arrays[f"effect {' '.join(part for part in key if part)}"] = effects["effect"].values[..., i]
    found = {}
    for name, values in arrays.items():
        if values.size and np.issubdtype(values.dtype, np.number):
            found[f"{name}: mean"] = float(values.mean())
            found[f"{name}: root mean square"] = float(np.sqrt((values.astype(float) ** 2).mean()))
    return found


def _draws(compiled: Compiled, arrays: MomentArrays) -> tuple[Draws, Numbers]:
    """Return the draws that fixed positions stand for, and log density and gradient there."""
    density, lengths = compiled.density, dim_lengths(arrays, compiled.priors)
    first = to_position(density.parameters, model_start(arrays, compiled.priors))
    positions = first + JITTER * np.random.default_rng(1).standard_normal((1, POSITIONS, len(first)))
    found = [evaluate(density, compiled, arrays, position) for position in positions[0]]
    values, gradients = np.array([item[0] for item in found]), np.array([item[1] for item in found])
    numbers = {f"density {i}": float(value) for i, value in enumerate(values - values[0]) if i}
    numbers |= {f"gradient {i}": float(np.linalg.norm(gradient)) for i, gradient in enumerate(gradients)}
    tree = xr.DataTree.from_dict(
        {
            "/posterior": name_draws(density, positions, lengths, _labels(compiled.design, arrays)),
            "/sample_stats": xr.Dataset(),
        }
    )
    return _to_draws(compiled, arrays, tree, fresh_start(first), 0.0, random_seed=1), numbers


def evaluate(density: Density, compiled: Compiled, arrays: MomentArrays, position: np.ndarray) -> tuple[float, np.ndarray]:
    """Call a compiled density: its value and its gradient."""
    lengths = dim_lengths(arrays, compiled.priors)
    inputs = gather_inputs(density, model_data(arrays, compiled.priors), lengths)
    held = [np.zeros_like(position), np.ones_like(position), *inputs]
    words, gradient, value = pack_words(held), np.empty_like(position), np.empty(1)
    place = np.ascontiguousarray(position)
    pointers = (item.ctypes.data for item in (place, gradient, value, words))
    _C_FUNCTION(density.address)(len(position), *pointers)
    return float(value[0]), gradient


def _fit(text: str, table: pd.DataFrame) -> Numbers:
    prepared_from = draw_up(parse_analysis(text, path="fingerprint.yaml"), table)
    prepared = prepare(prepared_from)
    compiled = compile_model(prepared_from.design, prepared.arrays, prepared.priors)
    draws, numbers = _draws(compiled, prepared.arrays)
    effects, _ = evaluate_targets(prepared.targets, draws.system, random_seed=1, accuracy=ACCURACY)
    return numbers | _summarise(draws.posterior["posterior"].to_dataset(), effects)


def _linear() -> Numbers:
    made = simulate_scenario("linear", clusters=6, rows=40, seed=1)
    return _fit(made.analysis_text, made.table)


def _missing() -> Numbers:
    table = missing.make_gaps(missing.draw_panel(np.random.default_rng(1)), np.random.default_rng(2))
    return _fit(missing.TEXT.replace("POLICY", "model"), table)


def _sbc(name: str) -> Numbers:
    made = harness.set_up(SYSTEMS[name])
    data = harness.simulate(made, 0)
    draws, numbers = _draws(made.compiled, data.arrays)
    effects, _ = evaluate_targets(data.targets, draws.system, random_seed=1, levels=harness.LEVELS, accuracy=ACCURACY)
    prior = harness.truth(made, 0).system
    of_prior = {"prior theta": float(prior.coefficients.theta.sum()), "prior sd": float(prior.sd.sum())}
    return numbers | _summarise(draws.posterior["posterior"].to_dataset(), effects) | of_prior


SYSTEMS_BY_NAME: Mapping[str, Callable[[], Numbers]] = {
    "linear": _linear,
    "binary": lambda: _fit(binary.TEXT, binary.draw_panel(np.random.default_rng(1))[0]),
    "affected_cause": lambda: _fit(affected_cause.TEXT, affected_cause.draw_panel(np.random.default_rng(1))),
    "missing": _missing,
    **{name: lambda text=text, table=table: _fit(text, table()) for name, (text, table) in TABLES.items()},
    **{f"sbc {name}": lambda name=name: _sbc(name) for name in SYSTEMS},
}


def stands(name: str, stored_hash: str, sources: Sequence[str]) -> bool:
    """Whether a calibration made at ``stored_hash`` is one of today's sources: they are the same, or do the same."""
    if stored_hash == source_hash(sources):
        return True
    stored = json.loads(RESULT.read_text(encoding="utf-8")).get(name, {})
    return stored.get("source_hash") == stored_hash and differences(stored["numbers"], SYSTEMS_BY_NAME[name]()) == []


def differences(stored: Mapping[str, float], found: Mapping[str, float]) -> list[str]:
    """Return the names of numbers that are not the same."""
    same = {
        name
        for name in stored
        if name in found and np.isclose(found[name], stored[name], rtol=TOLERANCE, atol=1e-9, equal_nan=True)
    }
    return sorted({*stored, *found} - same)


def write(sources: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, Any]:
    """Return the fingerprints of some systems with those that are stored of the others."""
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    for name in names:
        numbers = {key: float(f"{value:.9g}") for key, value in SYSTEMS_BY_NAME[name]().items()}
        kept[name] = {"source_hash": source_hash(sources[name]), "numbers": numbers}
        print(name, len(numbers), flush=True)
    return {name: kept[name] for name in SYSTEMS_BY_NAME if name in kept}


def renew(sources: Mapping[str, Sequence[str]]) -> None:
    """Give calibrations that still stand today's hash, so that tests need not fit to see it; ``made_with`` keeps the first.

    One that does not stand stays as it is.
    """
    kept = json.loads(RESULT.read_text(encoding="utf-8"))
    found = {name: SYSTEMS_BY_NAME[name]() for name in dict.fromkeys(name for name, _ in calibrations())}
    texts = {}
    for name, path in calibrations():
        text, today = path.read_text(encoding="utf-8"), source_hash(sources[name])
        stored, fingerprint = json.loads(text), kept.get(name, {})
        same = "numbers" in fingerprint and differences(fingerprint["numbers"], found[name]) == []
        if stored["source_hash"] == today:
            print(name, "is today's", flush=True)
        elif not same or fingerprint["source_hash"] != stored["source_hash"]:
            print(name, "DOES NOT STAND: run its calibration", flush=True)
        else:
            old = f'"source_hash": "{stored["source_hash"]}"'
            made = "" if "made_with" in stored else f', "made_with": "{stored["source_hash"]}"'
            texts[name, path] = text.replace(old, f'"source_hash": "{today}"{made}')
            print(name, "stands", flush=True)
    # The hashes of calibrations and of their fingerprints go together, so nothing is written until all are known.
    for (name, path), text in texts.items():
        path.write_text(text, encoding="utf-8")
        kept[name]["source_hash"] = source_hash(sources[name])
    RESULT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def calibrations() -> list[tuple[str, Path]]:
    """Return the system behind each stored calibration, and its file."""
    folder = RESULT.parent
    own = [(name, folder / f"{name}.json") for name in ("linear", "binary", "affected_cause", "missing", *TABLES)]
    mirrored = [("sbc bernoulli_outcome", folder / "sbc" / "mirror.json"), ("linear", folder / "published.json")]
    every = [*own, *mirrored, *((f"sbc {name}", folder / "sbc" / f"{name}.json") for name in SYSTEMS)]
    return [(name, path) for name, path in every if path.exists()]


def main() -> None:
    """Store the fingerprints of systems, each with the hash of the sources that its calibration has."""
    import argparse

    from tests.calibration.linear import SOURCES as LINEAR
    from tests.calibration.sbc.results import SOURCES as SBC

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", help="all without it")
    parser.add_argument("--renew", action="store_true", help="give calibrations that still stand today's hash")
    asked = parser.parse_args()
    own = {"binary": binary.SOURCES, "affected_cause": affected_cause.SOURCES, "missing": missing.SOURCES, "linear": LINEAR}
    own |= dict.fromkeys(TABLES, PANEL_SOURCES)
    sources = {name: own.get(name, SBC) for name in SYSTEMS_BY_NAME}
    if asked.renew:
        renew(sources)
        return
    found = write(sources, asked.systems or list(SYSTEMS_BY_NAME))
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
