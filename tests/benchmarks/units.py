"""The whole command on ten million rows of a million units, with and without effects of years.

Each entry is one `causalcluster run` in a process of its own: seconds by stage, wall time and peak memory, the table in
Parquet parts.

Run with `python -m tests.benchmarks.units`; writes tests/benchmarks/units.json. Parts go to a temporary folder, which needs
1 GB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.sizes import STAGES
from tests.benchmarks.store import store

UNITS, YEARS, CLUSTERS, PARTS = 1_000_000, 10, 50, 10
TEXT = """
schema: causalcluster/1
data: {file: 'part-*.parquet', cluster: cluster, unit: firm, time: year}
nodes: {law: {layer: environment}, unions: {layer: actor}, wage: {layer: outcome}}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
model: {time_effects: %s}
"""


def write_panel(folder: Path, time_effects: str) -> None:
    """Write a panel of firms whose own levels move with the law, and its analysis file."""
    rng = np.random.default_rng(1)
    each = UNITS // PARTS
    for part in range(PARTS):
        firm = np.repeat(np.arange(part * each, (part + 1) * each), YEARS)
        year = np.tile(np.arange(2000, 2000 + YEARS), each)
        own = np.repeat(rng.standard_normal(each), YEARS)
        law = own + rng.standard_normal(len(firm)) + 0.1 * (year - 2000)
        unions = 0.5 * law - own + rng.standard_normal(len(firm))
        wage = 0.2 * law + 0.4 * unions + 2.0 * own + rng.standard_normal(len(firm))
        columns = {"cluster": firm % CLUSTERS, "firm": firm, "year": year, "law": law, "unions": unions, "wage": wage}
        pq.write_table(pa.table(columns), folder / f"part-{part:03d}.parquet")
    (folder / "analysis.yaml").write_text(TEXT % time_effects, encoding="utf-8")


def run_command(time_effects: str) -> dict[str, Any]:
    """Run the command on the panel."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_panel(folder, time_effects)
        command = [sys.executable, "-m", "causalcluster", "run", "analysis.yaml", "--out", "out", "--quiet"]
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        diagnostics = json.loads((folder / "out" / "diagnostics.json").read_text(encoding="utf-8"))
        return {
            **{stage: diagnostics["timings"][stage] for stage in STAGES},
            "wall": round(seconds, 2),
            "peak_gb": round(usage.ru_maxrss / 1024**2, 2),
            "exit_code": os.waitstatus_to_exitcode(status),
        }


def main() -> None:
    """Time both."""
    results = {f"time_effects: {kind}": run_command(kind) for kind in ("none", "fixed")}
    store("units", results, units=UNITS, years=YEARS, clusters=CLUSTERS)


if __name__ == "__main__":
    main()
