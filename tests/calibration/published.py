"""Population effects beside published Stan posteriors of two multilevel cases (1-1-1, random a, b and c').

``python -m tests.calibration.published FOLDER`` reads ``bmlm_MEC2010.csv`` (Metcalfe et al. 2010, as shipped with the R package
bmlm) and ``mclark_mlmed.csv`` (50 groups of 20, after Yuan and MacKinnon 2009) from FOLDER. The tables belong to packages under
the GPL and are not part of this project. Writes tests/calibration/published.json and prints docs/validation.md's rows.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from causalcluster.analysis import parse_analysis
from causalcluster.pipeline import analyse
from tests.calibration.linear import source_hash

RESULT = Path(__file__).with_suffix(".json")
ANALYSIS = """
schema: causalcluster/1
title: {title}
data: {{file: {file}, cluster: {cluster}}}
nodes:
  x: {{layer: environment, column: {x}}}
  m: {{layer: actor, column: {m}}}
  y: {{layer: outcome, column: {y}}}
edges: [x -> m, "x, m -> y"]
question: {{treatment: x, contrast: {{from: 0, to: 1}}, outcomes: [y], mediators: [m]}}
sampling: {{draws: 4000, tune: 1000, chains: 4, seed: 1}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One table, its columns, and the posterior (mean, sd) of the Stan program of bmlm on it."""

    title: str
    file: str
    cluster: str
    x: str
    m: str
    y: str
    stan: Mapping[str, tuple[float, float]]


CASES = (
    Case(
        title="Metcalfe et al. 2010",
        file="bmlm_MEC2010.csv",
        cluster="subj",
        x="lag",
        m="hr_cw",
        y="jop",
        stan={"nie": (-33.652, 2.898), "nde": (-0.531, 2.864), "total": (-34.183, 2.333)},
    ),
    Case(
        title="Yuan and MacKinnon 2009, sign flip",
        file="mclark_mlmed.csv",
        cluster="group",
        x="X",
        m="Med",
        y="y",
        stan={"nie": (-0.1320, 0.0788), "nde": (0.2951, 0.1071), "total": (0.1631, 0.1301)},
    ),
)


def compare(case: Case, folder: Path) -> pd.DataFrame:
    """Fit one case and lay its population effects beside the Stan posterior."""
    text = ANALYSIS.format(title=case.title, file=case.file, cluster=case.cluster, x=case.x, m=case.m, y=case.y)
    result = analyse(parse_analysis(text, path=folder / "analysis.yaml"), pd.read_csv(folder / case.file))
    rows = result.effects.query("level == 'population' and via in ('', 'all')").set_index("effect")
    parts = []
    for effect, (mean, sd) in case.stan.items():
        ours = rows.loc[effect]
        parts.append(
            {
                "case": case.title,
                "effect": effect,
                "mean": round(float(ours["mean"]), 4),
                "sd": round(float(ours["sd"]), 4),
                "stan_mean": mean,
                "stan_sd": sd,
                "mean_apart_in_sd": round((float(ours["mean"]) - mean) / sd, 3),
                "sd_ratio": round(float(ours["sd"]) / sd, 3),
                "status": result.diagnostics.status,
            }
        )
    return pd.DataFrame(parts)


def main() -> None:
    """Fit both cases and store the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    table = pd.concat([compare(case, asked.folder) for case in CASES])
    stored = {"source_hash": source_hash(), "rows": table.to_dict(orient="records")}
    asked.out.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
