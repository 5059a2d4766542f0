"""Analysis files for the tests of this folder."""

from pathlib import Path

from causalcluster.analysis import Analysis, parse_analysis

PATH = Path("analysis.yaml")

BASE = """\
schema: causalcluster/1
title: Law and wages
data:
  file: panel.csv
  cluster: district
nodes:
  law: {layer: environment}
  enforcement: {layer: actor, actor: government}
  unions: {layer: actor, actor: workers_organisations, label: Trade unions}
  wage: {layer: outcome, column: lwage}
  injury: {layer: outcome}
  size: {layer: context}
edges:
  - law -> enforcement
  - law, enforcement -> unions
  - law, enforcement, unions, size -> wage, injury
  - size -> law
question:
  treatment: law
  contrast: {from: 0, to: 1}
  outcomes: [wage, injury]
  mediators: [enforcement, unions]
  fix: {enforcement: 0}
"""

CONTRACT = """\
schema: causalcluster/1
title: Does inspection carry the labour law into wages?
data:
  file: panel.parquet         # relative to this file
  cluster: cluster_id
  nested_in: [country]
  crossed_with: [sector]
  unit: firm_id
  time: year
  missing: model
nodes:                        # one entry per variable of the diagram
  law:         {layer: environment, column: law_index, concept: labour_law_robustness}
  enforcement: {layer: actor, actor: government, concept: gov_enforcement}
  unions:      {layer: actor, actor: workers_organisations, label: Trade unions}
  log_wage:    {layer: outcome}
  injury:      {layer: outcome, family: bernoulli}
  size:        {layer: context}
edges:
  - law -> enforcement
  - law, enforcement -> unions
  - law, enforcement, unions, size -> log_wage, injury
  - size -> law
  - unions -> law @ lag 1     # a feedback edge
interactions:
  - law * enforcement -> log_wage
unobserved:
  - enforcement <-> log_wage @ cluster
question:
  treatment: law
  contrast: {from: 0, to: 1}
  outcomes: [log_wage, injury]
  mediators: [enforcement, unions]   # in causal order
  fix: {enforcement: 0}
  horizons: [0, 1, 2, 5]
  regimes: [sustained, pulse]
model:
  varying: all
  pooling: partial
  centre: within
  time_effects: none
  priors: neutral
sampling: {draws: 1000, tune: 1000, chains: 4, seed: 1, ci_prob: 0.95}
hypotheses:
  - {id: H1, claim: "nie(log_wage, via=enforcement) > 0"}
  - {id: H2, claim: "nie(log_wage, via=unions) > nde(log_wage)"}
  - {id: H3, claim: "total(injury) in [-0.01, 0.01]"}
  - {id: H4, claim: "nie(log_wage, via=unions, cluster=sialkot) > nie(log_wage, via=unions, cluster=tiruppur)"}
"""

SUPPORTED = f"""\
{BASE}interactions:
  - law * enforcement -> wage
unobserved:
  - enforcement <-> wage @ cluster
model:
  varying: [intercepts, law -> wage]
  pooling: partial
  priors:
    base: neutral
    law -> wage: {{mean: 0.1, sd: 1}}
sampling:
  draws: 1000
  ci_prob: 0.9
hypotheses:
  - id: H1
    claim: nie(wage, via=enforcement) > 0
"""


def changed(old: str, new: str, text: str = BASE) -> str:
    """The file with one passage replaced, which must occur exactly once."""
    if text.count(old) != 1:
        raise ValueError(f"{old!r} occurs {text.count(old)} times")
    return text.replace(old, new)


def parse(text: str = BASE) -> Analysis:
    return parse_analysis(text, path=PATH)
