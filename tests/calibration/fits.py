"""What the calibration scripts share: a fit as a run makes it, and a command line."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from causalcluster.analysis.records import Sampling
from causalcluster.fitting.gate import DIVERGENT_SHARE
from causalcluster.fitting.sample import Compiled, Draws, refit
from causalcluster.model.standard import MomentArrays


def fit_as_a_run(
    compiled: Compiled, arrays: MomentArrays, sampling: Sampling, *, cores: int | None = None
) -> tuple[Draws, bool]:
    """Sample, and once more with more tuning where too many steps diverge; says whether it was needed."""
    draws = refit(compiled, arrays, sampling, cores=cores)
    if float(draws.posterior["sample_stats"]["diverging"].mean()) <= DIVERGENT_SHARE:
        return draws, False
    return refit(compiled, arrays, sampling, careful=True, cores=cores), True


def run_script(
    calibrate: Callable[[int, Sampling], dict[str, Any]], target: Path, *, about: str | None, seeds: int, sampling: Sampling
) -> None:
    """Calibrate with as many seeds as the command line says, and store the result."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--out", type=Path, default=target)
    asked = parser.parse_args()
    result = calibrate(asked.seeds, sampling)
    asked.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
