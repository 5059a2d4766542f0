"""Placebo treatments on `simulate linear`, where the law does something, and on `simulate null`, where it does nothing.

Run with `python -m tests.calibration.placebo`; writes tests/calibration/placebo.json.
"""

import argparse
import json
from pathlib import Path

from causalcluster import parse_analysis, simulate
from causalcluster.pipeline import analyse
from tests.calibration.linear import SOURCES, source_hash

RESULT = Path(__file__).with_suffix(".json")
PLACEBO_SOURCES = (*SOURCES, "causalcluster/refutation.py", "causalcluster/fitting/many.py")
SCENARIOS, REPLICATES = ("linear", "null"), 100


def main() -> None:
    """Refute both and store the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    tables = {}
    for scenario in SCENARIOS:
        made = simulate(scenario, clusters=20, rows=60, seed=1)
        analysis = parse_analysis(made.analysis_text, path="placebo.yaml")
        result = analyse(analysis, made.table, refutations=asked.replicates, engine="threads")
        table = result.refutation
        assert table is not None
        table = table[(table["level"] == "population") & (table["via"] != "all")]
        tables[scenario] = json.loads(table.round(4).to_json(orient="records"))
        print(scenario, result.timings["refutation"], flush=True)
    contents = {"source_hash": source_hash(PLACEBO_SOURCES), "replicates": asked.replicates, "tables": tables}
    asked.out.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
