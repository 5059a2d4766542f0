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
from pyarrow import csv

from tests.benchmarks.store import store

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
CLUSTERS = (10, 50, 200, 1000, 2000)
MEDIATORS = (1, 2, 4, 8)
PART = 1_000_000
STAGES = ("read", "reduce", "build", "compile", "sample", "effects", "report")


def write_table(folder: Path, *, rows: int, clusters: int, mediators: int, seed: int = 1, series: bool = True) -> None:
    """Write Parquet parts of a system with slopes that differ by cluster, and its analysis file.

    Mediators are in series, every arrow drawn, or side by side.
    """
    rng = np.random.default_rng(seed)
    names = ["x", *(f"m{k + 1}" for k in range(mediators)), "y"]
    arrows = [pair for pair in combinations(names, 2) if series or "x" in pair or "y" in pair]
    slopes = 0.3 + 0.25 * rng.standard_normal((len(names), len(names), clusters)) / np.sqrt(mediators)
    for part, start in enumerate(range(0, rows, PART)):
        count = min(PART, rows - start)
        group = (np.arange(start, start + count) * clusters) // rows
        values: dict[str, np.ndarray] = {}
        for k, node in enumerate(names):
            values[node] = rng.standard_normal(count) + group / clusters
            for j, parent in enumerate(names[:k]):
                if (parent, node) in arrows:
                    values[node] += slopes[j, k, group] * values[parent]
        labels = pa.DictionaryArray.from_arrays(pa.array(group, pa.int32()), [f"c{g:04d}" for g in range(clusters)])
        pq.write_table(pa.table({"cluster": labels, **values}), folder / f"part-{part:03d}.parquet")
    edges = "\n".join(f"  - {left} -> {right}" for left, right in arrows)
    nodes = "\n".join(f"  {name}: {{layer: {_layer(name)}}}" for name in names)
    (folder / "analysis.yaml").write_text(
        f"schema: causalcluster/1\ndata: {{file: 'part-*.parquet', cluster: cluster}}\nnodes:\n{nodes}\nedges:\n{edges}\n"
        f"question: {{treatment: x, contrast: {{from: 0, to: 1}}, outcomes: [y], mediators: [{', '.join(names[1:-1])}]}}\n",
        encoding="utf-8",
    )


def _layer(name: str) -> str:
    return {"x": "environment", "y": "outcome"}.get(name, "actor")


def run_command(**size: Any) -> dict[str, Any]:
    """Run the command on a table of this size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_table(folder, **size)
        command = [sys.executable, "-m", "causalcluster", "run", "analysis.yaml", "--out", "out"]
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until = _seconds_until(process, "sampling", start)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        diagnostics = json.loads((folder / "out" / "diagnostics.json").read_text(encoding="utf-8"))
        return {
            **{stage: diagnostics["timings"][stage] for stage in STAGES},
            "until_sampling": round(until, 2),
            "wall": round(seconds, 2),
            "peak_gb": round(usage.ru_maxrss / 1024**2, 2),
            "exit_code": os.waitstatus_to_exitcode(status),
            "status": diagnostics["status"],
        }


def _seconds_until(process: subprocess.Popen[str], stage: str, start: float) -> float:
    """Read what the command says of its stages; return when it came to ``stage``."""
    at = float("nan")
    for line in process.stderr or ():
        if line.strip() == f"causalcluster: {stage}" and at != at:
            at = time.perf_counter() - start
    return at


def reduce_rows(kind: str, *, rows: int) -> dict[str, Any]:
    """Reduce a table of ten columns to a moments file."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_table(folder, rows=rows, clusters=200, mediators=8)
        if kind == "csv":
            analysis = folder / "analysis.yaml"
            analysis.write_text(analysis.read_text(encoding="utf-8").replace(".parquet", ".csv"), encoding="utf-8")
            for part in folder.glob("part-*.parquet"):
                csv.write_csv(pq.read_table(part).cast(_plain(pq.read_schema(part))), part.with_suffix(".csv"))
                part.unlink()
        command = [sys.executable, "-m", "causalcluster", "reduce", "analysis.yaml", "-o", "moments.parquet", "--quiet"]
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        return {
            "wall": round(time.perf_counter() - start, 2),
            "peak_gb": round(usage.ru_maxrss / 1024**2, 2),
            "exit_code": os.waitstatus_to_exitcode(status),
        }


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return the schema with texts instead of categories, which CSV has not."""
    return pa.schema([(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in schema])


def main() -> None:
    """Time every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", nargs="*", default=["rows", "reduce", "clusters", "mediators"])
    asked = parser.parse_args()
    run_command(rows=10_000, clusters=50, mediators=4)
    sizes: dict[str, dict[str, Any]] = {}
    if "rows" in asked.what:
        sizes |= {f"{rows} rows": {"rows": rows, "clusters": 50, "mediators": 4} for rows in ROWS}
    if "clusters" in asked.what:
        sizes |= {f"{n} clusters": {"rows": 200 * n, "clusters": n, "mediators": 2} for n in CLUSTERS}
    if "mediators" in asked.what:
        sizes |= {f"{n} mediators": {"rows": 6000, "clusters": 30, "mediators": n, "series": False} for n in MEDIATORS}
    if "reduce" in asked.what:
        for kind in ("parquet", "csv"):
            store("sizes", {f"reduce {ROWS[-1]} rows, {kind}": reduce_rows(kind, rows=ROWS[-1])})
    for name, size in sizes.items():
        store("sizes", {name: run_command(**size)}, draws=1000, tune=1000, chains=4)


if __name__ == "__main__":
    main()
