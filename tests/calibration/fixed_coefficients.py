"""Reference cases with coefficients fixed at their maximum-likelihood estimates, put through the package's g-formula.

``python -m tests.calibration.fixed_coefficients FOLDER`` reads tables of the R packages mediation, regmedint, CMAverse and
multimediate from FOLDER; they are under the GPL and not part of this project. The values to be hit were computed from the
same estimates by closed form or enumeration, independently of this package, but for those whose source says otherwise.
Writes tests/calibration/fixed_coefficients.json.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

from causalcluster.design import Design
from causalcluster.effects.estimands import list_estimands
from causalcluster.effects.networks import SystemDraws
from causalcluster.effects.worlds import System
from causalcluster.sensitivity.confounding import bend_effects, confounded_effects
from causalcluster.sensitivity.curves import effect_at
from tests.calibration.linear import source_hash
from tests.oracles.networks import ask, evaluate, fixed_draws, make_design, one_cluster, unit_scale, value

RESULT = Path(__file__).with_suffix(".json")
POINTS = 2**13
SOURCES = (
    "causalcluster/effects",
    "causalcluster/families.py",
    "causalcluster/sensitivity/confounding.py",
    "causalcluster/sensitivity/curves.py",
)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One table with its equations and the values to be hit, by (effect, via, scale)."""

    title: str
    file: str
    treatment: str
    mediators: dict[str, str]
    outcome: tuple[str, str]
    covariates: Sequence[str]
    exact: dict[Key, float]
    products: Sequence[str] = ()
    contrast: tuple[float, float] = (0.0, 1.0)
    fix: tuple[tuple[str, float], ...] = ()
    at: dict[str, float] = field(default_factory=dict)
    # The covariates of a mediator's equation where they are not all.
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The indirect effect by the correlation between the errors of mediator and outcome.
    curve: dict[float, float] = field(default_factory=dict)
    source: str = "exact"


JOBS = ("econ_hard", "depress1", "sex", "age", "occp", "marital", "nonwhite", "educ", "income")
LIVER = ("age", "male", "stage")
AT = {"age": 50.0, "male": 1.0, "stage": 2.0}


def plain(**values: float) -> dict[Key, float]:
    """Return values by key on the difference scale; nie and pnie are those of all mediators."""
    return {(name, "all" if name in ("nie", "pnie") else "", "difference"): value for name, value in values.items()}


CASES = (
    Case(
        title="C2 jobs, linear",
        file="mediation_jobs.csv",
        treatment="treat",
        mediators={"job_seek": "gaussian"},
        outcome=("depress2", "gaussian"),
        covariates=JOBS,
        exact=plain(nie=-0.01373345, nde=-0.0367886, total=-0.0505220),
        curve={-0.9: 0.1183, -0.5: 0.0232, -0.3: 0.0064, -0.2: -0.00068, 0.3: -0.0338, 0.5: -0.0507, 0.9: -0.1458},
    ),
    Case(
        title="C2 jobs, linear with interaction",
        file="mediation_jobs.csv",
        treatment="treat",
        mediators={"job_seek": "gaussian"},
        outcome=("depress2", "gaussian"),
        covariates=JOBS,
        products=("treat*job_seek",),
        exact=plain(pnie=-0.0182, nie=-0.0116, nde=-0.0401, tnde=-0.0334),
        source="mean of 1000 simulations by R's mediation",
    ),
    Case(
        title="C6 liver, linear and linear with interaction, conditional",
        file="pbc_cc.csv",
        treatment="trt",
        mediators={"bili": "gaussian"},
        outcome=("alk_phos", "gaussian"),
        covariates=LIVER,
        products=("trt*bili",),
        contrast=(1.1, 2.3),
        fix=(("bili", 1.4),),
        at=AT,
        exact={
            ("cde", "bili=1.4", "difference"): -215.777,
            **plain(nde=-224.521, tnde=-184.857, nie=68.996, pnie=29.332, total=-155.526),
        },
    ),
    Case(
        title="C6 liver, linear and linear with interaction, marginal",
        file="pbc_cc.csv",
        treatment="trt",
        mediators={"bili": "gaussian"},
        outcome=("alk_phos", "gaussian"),
        covariates=LIVER,
        products=("trt*bili",),
        contrast=(1.1, 2.3),
        exact=plain(nde=-123.981, total=-54.985),
    ),
    Case(
        title="C6 liver, logistic and linear with interaction, conditional",
        file="pbc_cc.csv",
        treatment="trt",
        mediators={"bili_bin": "bernoulli"},
        outcome=("alk_phos", "gaussian"),
        covariates=LIVER,
        products=("trt*bili_bin",),
        contrast=(1.1, 2.3),
        at=AT,
        exact=plain(nde=-32.935, pnie=-30.650, nie=-33.178, total=-66.113),
    ),
    Case(
        title="D1 binary and binary with interaction",
        file="cma_single.csv",
        treatment="A",
        mediators={"M": "bernoulli"},
        outcome=("Y", "bernoulli"),
        covariates=("C1", "C2"),
        products=("A*M",),
        exact={
            **plain(total=0.004237, nde=0.007420, nie=-0.003183, tnde=0.005646, pnie=-0.001409),
            ("total", "", "odds_ratio"): 1.24184,
            ("nde", "", "odds_ratio"): 1.42489,
            ("nie", "all", "odds_ratio"): 0.87154,
        },
    ),
    Case(
        title="D6 three correlated mediators, linear",
        file="multimediate_data1.csv",
        treatment="Treatment",
        mediators={"M1": "gaussian", "M2": "gaussian", "M3": "gaussian"},
        outcome=("Outcome", "gaussian"),
        covariates=("C1", "C2", "C3"),
        own={"M1": ("C1", "C2"), "M2": ("C1", "C3"), "M3": ("C1",)},
        exact={
            ("nde", "", "difference"): 10.49,
            ("nie", "M1", "difference"): 10.398,
            ("nie", "M2", "difference"): 17.533,
            ("nie", "M3", "difference"): 53.656,
        },
    ),
)


def _columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return covariates as numbers, text as indicators."""
    return pd.get_dummies(table[list(names)], drop_first=True, dtype=float).astype(float)


def _fit(y: pd.Series, x: pd.DataFrame, family: str) -> tuple[np.ndarray, float]:
    """Return maximum-likelihood coefficients and the residual standard deviation."""
    if family == "gaussian":
        fit = sm.OLS(y.astype(float), x).fit()
        return fit.params.to_numpy(), float(np.sqrt(fit.scale))
    return sm.GLM(y.astype(float), x, family=sm.families.Binomial()).fit(tol=1e-12).params.to_numpy(), 1.0


def compare(case: Case, folder: Path) -> Iterator[dict[str, object]]:
    """Yield one row per value to be hit."""
    table = pd.read_csv(folder / case.file)
    covariates = _columns(table, case.covariates)
    renamed = {name: f"c{i}" for i, name in enumerate(covariates.columns)}
    y, y_family = case.outcome
    equations = {
        name: (family, None, [case.treatment, *(renamed[c] for c in case.own.get(name, tuple(renamed)))])
        for name, family in case.mediators.items()
    } | {y: (y_family, None, [case.treatment, *case.mediators, *renamed.values(), *case.products])}
    data = table[[case.treatment, *case.mediators, y]].astype(float).join(covariates.rename(columns=renamed))
    theta, sd = [], []
    for node, (family, _, products) in equations.items():
        x = pd.DataFrame({product: data[product.split("*")].prod(axis=1) for product in products})
        coefficients, spread = _fit(data[node], sm.add_constant(x), family)
        theta += list(coefficients)
        sd.append(spread)
    context = {renamed[name]: np.array([case.at[name]]) if case.at else data[renamed[name]].to_numpy() for name in renamed}
    question = ask(list(case.mediators), fix=case.fix, outcomes=[y], treatment=case.treatment)
    design, draws = make_design(equations, treatment=case.treatment), fixed_draws(theta, len(equations), sd=sd)
    yield from _compare_curve(case, design, draws, y)
    got = evaluate(
        one_cluster(design, context),
        draws,
        question,
        case.contrast,
        keys=[(y, effect, via) for effect, via, _ in case.exact],
        points=POINTS,
        scales=("difference", "odds_ratio") if y_family == "bernoulli" else ("difference",),
    )
    for (effect, via, scale), exact in case.exact.items():
        found = value(got, effect, via, scale=scale).item()
        row = {
            "case": case.title,
            "effect": effect,
            "via": via,
            "scale": scale,
            "wanted": exact,
            "ours": found,
            "source": case.source,
        }
        yield {**row, "relative_difference": round(abs(found / exact - 1.0), 7)}


def _compare_curve(case: Case, design: Design, draws: SystemDraws, outcome: str) -> Iterator[dict[str, object]]:
    """Yield one row per correlation of the errors of mediator and outcome."""
    if not case.curve:
        return
    (mediator,) = case.mediators
    nodes = [case.treatment, *design.nodes]
    means = {(name,): np.zeros(1) for name in [*nodes, *(term.factors[0] for term in design.terms if term.factors)]}
    question = ask([mediator], outcomes=[outcome], treatment=case.treatment)
    key = (outcome, "nie", mediator)
    # No path is asked for, so that no diagram is read.
    system = System(design=design, column_mean=means)
    estimands = list_estimands(question, None, system, unit_scale(nodes), case.contrast, identified=[key])
    (bent,) = bend_effects(tuple(confounded_effects(estimands, design, [mediator])), design, draws, random_seed=1)
    for rho, wanted in case.curve.items():
        found = effect_at(bent, rho).item()
        row = {"case": case.title, "effect": f"nie at rho = {rho:g}", "via": "all", "scale": "difference"}
        row |= {"wanted": wanted, "ours": found, "source": "R's mediation, medsens"}
        yield row | {"relative_difference": round(abs(found / wanted - 1.0), 7)}


def table() -> Iterator[str]:
    """Yield the lines of the documentation's table from the stored result."""
    yield "| case | effect | scale | wanted | here | relative difference | wanted is |"
    yield "|---|---|---|---|---|---|---|"
    for row in json.loads(RESULT.read_text(encoding="utf-8"))["rows"]:
        effect = f"{row['effect']}({row['via']})" if row["via"] else row["effect"]
        numbers = f"{row['wanted']:.6g} | {row['ours']:.6g} | {row['relative_difference']:.1g}"
        yield f"| {row['case']} | `{effect}` | {row['scale']} | {numbers} | {row['source']} |"


def main() -> None:
    """Evaluate all cases and store the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    rows = [row for case in CASES for row in compare(case, asked.folder)]
    asked.out.write_text(
        json.dumps({"source_hash": source_hash(SOURCES), "points": POINTS, "rows": rows}, indent=2) + "\n", encoding="utf-8"
    )
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
