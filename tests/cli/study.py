"""A small study on disk, and the command line called in this process."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from causalcluster.cli import main

ANALYSIS = """\
schema: causalcluster/1
title: Law and wages
data:
  file: panel.csv
  cluster: district
nodes:
  law: {layer: environment}
  enforcement: {layer: actor, actor: government}
  wage: {layer: outcome}
  size: {layer: context}
edges:
  - size -> law, enforcement, wage
  - law -> enforcement
  - law, enforcement -> wage
question:
  treatment: law
  contrast: {from: 0, to: 1}
  outcomes: [wage]
  mediators: [enforcement]
hypotheses:
  - {id: H1, claim: "nie(wage, via=enforcement) > 0"}
"""


def call(*arguments):
    """Return the exit code of the command line."""
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return stopped.value.code or 0


def table(seed=0, rows=40):
    rng = np.random.default_rng(seed)
    law = rng.normal(size=rows)
    enforcement = 0.5 * law + rng.normal(size=rows)
    return pd.DataFrame(
        {
            "district": np.repeat(["Sialkot", "Tiruppur", "León", "Rafaela"], rows // 4),
            "law": law,
            "enforcement": enforcement,
            "wage": 100 + 20 * enforcement + 5 * law + 10 * rng.normal(size=rows),
            "size": rng.normal(size=rows),
        }
    )


def write_study(folder: Path, text: str = ANALYSIS, panel: pd.DataFrame | bytes | None = None) -> Path:
    """Write analysis.yaml and panel.csv; returns the path of the analysis."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(panel, bytes):
        (folder / "panel.csv").write_bytes(panel)
    else:
        (table() if panel is None else panel).to_csv(folder / "panel.csv", index=False)
    path = folder / "analysis.yaml"
    path.write_text(text, encoding="utf-8")
    return path
