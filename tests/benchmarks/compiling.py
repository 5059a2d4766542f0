"""Getting ready to sample: compiling from nothing and from the cache, and the command's way to its first draw.

Every figure is taken in a process of its own. `cold` has an empty cache folder, for PyTensor's and numba's functions
too. The command runs twice on different tables of one design; the second finds the cache warm.

Run with `python -m tests.benchmarks.compiling`; writes tests/benchmarks/compiling.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.sizes import run_command
from tests.benchmarks.store import store

_PROGRAM = """
import json, sys, time
from causalcluster.analysis.records import Sampling
from tests.benchmarks.systems import draw_table, series_analysis
from tests.oracles.systems import prepare_system
import nutpie
from causalcluster.fitting.sample import compile_model
from causalcluster.model.build import build_model
analysis = series_analysis(4, Sampling())
prepared = prepare_system(analysis, draw_table(analysis, sizes=[50] * 30, seed=1))
start = time.perf_counter()
if sys.argv[1] == "nutpie":
    nutpie.compile_pymc_model(build_model(prepared.design, prepared.arrays, prepared.priors))
else:
    compile_model(prepared.design, prepared.arrays, prepared.priors)
print(json.dumps(round(time.perf_counter() - start, 2)))
"""


def compile_twice(how: str) -> dict[str, float]:
    """Compile with empty caches and again with full ones, each in a new process; seconds."""
    with tempfile.TemporaryDirectory() as place:
        folders = {"CAUSALCLUSTER_CACHE": "density", "NUMBA_CACHE_DIR": "numba"}
        environment = {**os.environ, **{name: f"{place}/{folder}" for name, folder in folders.items()}}
        environment["PYTENSOR_FLAGS"] = f"base_compiledir={place}/pytensor"
        command = [sys.executable, "-c", _PROGRAM, how]
        root = Path(__file__).parents[2]
        seconds = [
            json.loads(subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True, text=True).stdout)
            for _ in range(2)
        ]
    return {"cold": seconds[0], "warm": seconds[1]}


def way_to_the_first_draw() -> dict[str, Any]:
    """Run the command on new data of a known design; seconds by stage, and from the command to the first draw."""
    run_command(rows=10_000, clusters=50, mediators=4, seed=1)
    stages = run_command(rows=10_000, clusters=50, mediators=4, seed=2)
    before = {name: stages[name] for name in ("read", "reduce", "build", "compile")}
    others = round(stages["until_sampling"] - sum(before.values()), 2)
    return {**before, "start, imports, DoWhy": others, "until sampling": stages["until_sampling"], "wall": stages["wall"]}


def main() -> None:
    """Take all figures."""
    store("compiling", {"first draw": way_to_the_first_draw()})
    for how in ("nutpie", "package"):
        store("compiling", {how: compile_twice(how)})


if __name__ == "__main__":
    main()
