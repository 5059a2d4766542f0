"""The whole command at growing sizes: rows, clusters, mediators.

Each entry is one `causalcluster run` in a process of its own, with the seconds by stage from diagnostics.json, the wall
time of the process and its peak memory. The cache of compiled densities is warm.

Run with `python -m tests.benchmarks.sizes`; writes tests/benchmarks/sizes.json. Tables go to a temporary folder, which
needs 1 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.store import store

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
CLUSTERS = (10, 50, 200, 1000, 2000)
MEDIATORS = (1, 2, 4, 8)
PART = 1_000_000
STAGES = ("read", "reduce", "build", "compile", "sample", "effects", "report")


def write_table(folder: Path, *, rows: int, clusters: int, mediators: int, seed: int = 1) -> None:
    """Write Parquet parts of a system in series with slopes that differ by cluster, and its analysis file."""
    rng = np.random.default_rng(seed)
    names = ["x", *(f"m{k + 1}" for k in range(mediators)), "y"]
    slopes = 0.3 + 0.25 * rng.standard_normal((len(names), len(names), clusters)) / np.sqrt(mediators)
    for part, start in enumerate(range(0, rows, PART)):
        count = min(PART, rows - start)
        group = (np.arange(start, start + count) * clusters) // rows
        values: dict[str, np.ndarray] = {}
        for k, node in enumerate(names):
            values[node] = rng.standard_normal(count) + group / clusters
            for j, parent in enumerate(names[:k]):
                values[node] += slopes[j, k, group] * values[parent]
        labels = pa.DictionaryArray.from_arrays(pa.array(group, pa.int32()), [f"c{g:04d}" for g in range(clusters)])
        pq.write_table(pa.table({"cluster": labels, **values}), folder / f"part-{part:03d}.parquet")
    edges = "\n".join(f"  - {left} -> {right}" for left, right in combinations(names, 2))
    nodes = "\n".join(f"  {name}: {{layer: {_layer(name)}}}" for name in names)
    (folder / "analysis.yaml").write_text(
        f"schema: causalcluster/1\ndata: {{file: 'part-*.parquet', cluster: cluster}}\nnodes:\n{nodes}\nedges:\n{edges}\n"
        f"question: {{treatment: x, contrast: {{from: 0, to: 1}}, outcomes: [y], mediators: [{', '.join(names[1:-1])}]}}\n",
        encoding="utf-8",
    )


def _layer(name: str) -> str:
    return {"x": "environment", "y": "outcome"}.get(name, "actor")


def run_command(**size: int) -> dict[str, Any]:
    """Run the command on a table of this size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_table(folder, **size)
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
            "status": diagnostics["status"],
        }


def main() -> None:
    """Time every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", nargs="*", default=["rows", "clusters", "mediators"])
    asked = parser.parse_args()
    run_command(rows=10_000, clusters=50, mediators=4)
    sizes: dict[str, dict[str, int]] = {}
    if "rows" in asked.what:
        sizes |= {f"{rows} rows": {"rows": rows, "clusters": 50, "mediators": 4} for rows in ROWS}
    if "clusters" in asked.what:
        sizes |= {f"{n} clusters": {"rows": 200 * n, "clusters": n, "mediators": 2} for n in CLUSTERS}
    if "mediators" in asked.what:
        sizes |= {f"{n} mediators": {"rows": 6000, "clusters": 30, "mediators": n} for n in MEDIATORS}
    for name, size in sizes.items():
        store("sizes", {name: run_command(**size)}, draws=1000, tune=1000, chains=4)


if __name__ == "__main__":
    main()
