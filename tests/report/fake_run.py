"""Writes run folders as `causalcluster run` leaves them, with draws that are made up but hang together."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from causalcluster.report.records import EffectKey

KEYS = tuple(field.name for field in fields(EffectKey))
NUMBERS = (
    "mean", "sd", "median", "lower", "upper", "ci_prob", "prob_positive", "ess_bulk", "ess_tail", "r_hat",
)  # fmt: skip
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    'cl "1", x',
    "Sialkot & Söhne's",
    "$\\frac{1}{0}$",
    "تونس",
    "纺织 产业",
    "a\nb\x07",
    "--><svg onload=x>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fake:
    """What kind of run to write."""

    clusters: int = 24
    chains: int = 4
    draws: int = 250
    mediators: tuple[str, ...] = ("enforcement", "unions")
    outcomes: tuple[str, ...] = ("log_wage",)
    hostile: bool = False
    unreliable: bool = False
    hypotheses: bool = True
    identified: bool = True
    prior: bool = True
    energy: bool = True
    seed: int = 7


def write_fake_run(directory: Path, fake: Fake) -> Path:
    """Write every file of a run folder but the report."""
    directory.mkdir(parents=True, exist_ok=True)
    names = _cluster_names(fake)
    draws = dict(_effects(fake, names)) if fake.identified else {}
    _write_effects(directory / "effects.csv", draws, fake)
    _write_hypotheses(directory / "hypotheses.csv", fake)
    _write_json(directory / "identification.json", _identification(fake))
    _write_json(directory / "diagnostics.json", _diagnostics(fake))
    _write_json(directory / "run.json", _run(fake, names))
    _write_posterior(directory / "posterior.nc", draws, fake)
    return directory


def _cluster_names(fake: Fake) -> list[str]:
    plain = [f"Cluster {position + 1:02d}" for position in range(fake.clusters)]
    return [*HOSTILE, *plain][: fake.clusters] if fake.hostile else plain


def _labels(fake: Fake) -> dict[str, str]:
    labels = {"law": "Labour law", "enforcement": "Enforcement", "unions": "Trade unions", "log_wage": "Log wage",
              "injury": "Injuries", "size": "Firm size"}  # fmt: skip
    if fake.hostile:
        labels |= {"enforcement": f"Enforcement\x07 {SCRIPT}", "log_wage": 'Log "wage", $x$ & <b>bold</b>'}
    return labels


def _effects(fake: Fake, names: list[str]) -> Iterator[tuple[EffectKey, np.ndarray]]:
    rng = np.random.default_rng(fake.seed)
    for outcome in fake.outcomes:
        parts = [("nde", ""), *(("nie", name) for name in fake.mediators)]
        level_draws: dict[tuple[str, str], dict[str, np.ndarray]] = {}
        for position, part in enumerate(parts):
            centre = (0.05, -0.12, 0.20, 0.03)[position % 4]
            between = 0.08 + 0.02 * rng.standard_normal((fake.chains, fake.draws)) ** 2
            population = centre + 0.05 * rng.standard_normal((fake.chains, fake.draws))
            truths = centre + 0.08 * rng.standard_normal(len(names))
            clusters = truths + 0.06 * rng.standard_normal((fake.chains, fake.draws, len(names)))
            level_draws[part] = {
                "population": population,
                "sample": clusters.mean(axis=-1) if names else population,
                "new": population + between * rng.standard_normal(population.shape),
                "between_sd": between,
                **{f"cluster:{name}": clusters[..., i] for i, name in enumerate(names)},
            }
        levels = list(level_draws["nde", ""]) if fake.clusters else ["sample"]
        mediated = {level: sum(level_draws["nie", name][level] for name in fake.mediators) for level in levels}
        for level in levels:
            yield from _rows_of_level(outcome, level, level_draws, mediated[level], fake)


def _rows_of_level(
    outcome: str, level: str, parts: dict[tuple[str, str], dict[str, np.ndarray]], mediated: Any, fake: Fake
) -> Iterator[tuple[EffectKey, np.ndarray]]:
    kind, _, cluster = level.partition(":")
    where = {"outcome": outcome, "level": kind, "cluster": cluster}
    direct = parts["nde", ""][level]
    total = direct + mediated
    yield EffectKey(effect="total", **where), total
    yield EffectKey(effect="nde", **where), direct
    if fake.mediators:
        yield EffectKey(effect="nie", via="all", **where), mediated
        for name in fake.mediators:
            yield EffectKey(effect="nie", via=name, **where), parts["nie", name][level]
        if kind != "between_sd":
            yield EffectKey(effect="prop_mediated", via="all", **where), mediated / total


def _write_effects(path: Path, draws: dict[EffectKey, np.ndarray], fake: Fake) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*KEYS, *NUMBERS, "reason"])
        for key, values in draws.items():
            low, middle, high = np.quantile(values, (0.025, 0.5, 0.975))
            numbers: list[Any] = [values.mean(), values.std(), middle, low, high, 0.95, (values > 0).mean(),
                                  0.8 * values.size, 0.7 * values.size, 1.002]  # fmt: skip
            reason = ""
            if key.effect == "prop_mediated":
                numbers[0] = numbers[1] = ""
                if low < -5 or high > 5:
                    numbers, reason = [""] * len(NUMBERS), "the interval of the total effect holds 0"
            cells = [value if value == "" else repr(float(value)) for value in numbers]
            writer.writerow([*(getattr(key, name) for name in KEYS), *cells, reason])


def _write_hypotheses(path: Path, fake: Fake) -> None:
    odd = SCRIPT if fake.hostile else "H9"
    rows = [
        ("H1", "nie(log_wage, via=enforcement) > 0", "0.012", "0.5", "0.0121457489878542", "contradicted", ""),
        ("H2", "nie(log_wage, via=unions) > nde(log_wage)", "0.971", "0.48", "36.27", "supported", ""),
        ("H3", 'total(log_wage, cluster="cl 1, x") in [-0.01, 0.01]', "0.4", "0.002", "",
         "undecided", "the prior probability lies outside 0.01 to 0.99"),
        (odd, "cde(injury) > 0", "", "", "", "not_testable", "cde on injury is not identified"),
    ]  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "claim", "probability", "prior_probability", "bayes_factor", "verdict", "reason"])
        writer.writerows(rows if fake.hypotheses else [])


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _identification(fake: Fake) -> list[dict[str, Any]]:
    effects = [("total", ""), ("nde", ""), ("nie", "all"), *(("nie", name) for name in fake.mediators)]
    return [
        {
            "outcome": outcome, "effect": effect, "via": via, "identified": fake.identified,
            "by": "sequential ignorability" if fake.identified else "",
            "adjustment": ["size"],
            "assumptions": [
                "No unmeasured common cause of Labour law and the outcome, given Firm size",
                *(["No unmeasured common cause of the mediators and the outcome"] if effect != "total" else []),
            ],
            "reason": "" if fake.identified else "a declared unmeasured common cause links law and the outcome",
            "instead": "",
        }
        for outcome in fake.outcomes
        for effect, via in effects
    ]  # fmt: skip


def _diagnostics(fake: Fake) -> dict[str, Any]:
    return {
        "status": "unreliable" if fake.unreliable else "ok",
        "reasons": ["R-hat of total(log_wage) is 1.09, above 1.01"] if fake.unreliable else [],
        "warnings": ["3 clusters have one row only"],
        "max_r_hat": 1.002, "min_ess_bulk": 800.0, "min_ess_tail": 700.0, "divergences": 0,
        "e_bfmi": 0.91,
        "timings": {"read": 0.31, "reduce": 0.12, "build": 0.5, "compile": 9.8, "sample": 3.4, "effects": 0.7,
                    "report": 4.2, "total": 19.1},
    }  # fmt: skip


def _run(fake: Fake, names: list[str]) -> dict[str, Any]:
    labels = _labels(fake)
    nodes = ["law", *fake.mediators, *fake.outcomes, "size"]
    layers = {"law": "environment", "size": "context"} | dict.fromkeys(fake.mediators, "actor")
    layers |= dict.fromkeys(fake.outcomes, "outcome")
    causes = {
        target: ["law", *fake.mediators[: fake.mediators.index(target)], "size"]
        if target in fake.mediators
        else ["law", *fake.mediators, "size"]
        for target in (*fake.mediators, *fake.outcomes)
    }
    edges = [(source, target) for target, sources in causes.items() for source in sources]
    title = f"Does inspection carry the law into wages? {SCRIPT if fake.hostile else ''}".strip()
    return {
        "schema": "causalcluster-run/1",
        "command": ["causalcluster", "run", "study.yaml", "--out", SCRIPT if fake.hostile else "out dir"],
        "created": "2026-02-03T04:05:06+00:00",
        "versions": {"causalcluster": "0.1.0", "pymc": "6.0.0", "arviz": "1.3.0", "python": "3.13.2"},
        "seed": fake.seed,
        "data": _data(fake, names, nodes, labels),
        "analysis": _analysis(fake, title, nodes, layers, labels, edges),
        "contrast": {"from": 0.0, "to": 1.0, "description": "law from 0 to 1"},
        "design": {
            "equations": [
                {
                    "node": target,
                    "terms": [
                        {"name": f"intercept of {target}", "kind": "intercept", "varies": bool(names)},
                        *(
                            {"name": f"{source} -> {target}", "kind": "slope", "varies": bool(names) and source != "size"}
                            for source in sources
                        ),
                        {"name": f"law * size -> {target}", "kind": "interaction", "varies": False},
                    ],
                }
                for target, sources in causes.items()
            ],
            "notes": ["Predictors are centred within clusters."],
        },
        "priors": [
            {"parameter": "average slope", "distribution": "Normal(0, 1)", "meaning": "one SD more changes the target by up to 2 SD"},
            {"parameter": "SD between clusters", "distribution": "Gamma(2, 5)", "meaning": "mode at 0.2, away from 0"},
        ],
        "coefficients": [
            {"source": source, "target": target, "name": f"{source} -> {target}", "mean": 0.21 - 0.06 * i, "sd": 0.05,
             "lower": 0.11 - 0.06 * i, "upper": 0.31 - 0.06 * i, "prob_positive": 0.99 if i < 3 else 0.3,
             "tau_mean": 0.12 if names else None}
            for i, (source, target) in enumerate(edges)
        ],
        "correlations": [
            {"first": f"{edges[0][0]} -> {edges[0][1]}", "second": f"{edges[1][0]} -> {edges[1][1]}",
             "prior": {"median": 0.01, "lower": -0.95, "upper": 0.94}, "posterior": {"median": 0.62, "lower": 0.31, "upper": 0.83}}
        ] if names else [],
        "warnings": [f"{names[0]}: one row only"] if names else [],
    }  # fmt: skip


def _data(fake: Fake, names: list[str], nodes: list[str], labels: dict[str, str]) -> dict[str, Any]:
    rows = 40 * max(len(names), 1)
    return {
        "file": "/data/panel.csv", "fingerprint": "sha256:" + "0f" * 32, "rows": rows + 3, "rows_used": rows,
        "cluster_column": "cluster_id" if names else None,
        "clusters": [{"label": name, "rows": 40, "spans_contrast": i != 1} for i, name in enumerate(names)],
        "columns": [
            {"node": node, "column": node, "label": labels[node], "mean": 0.5, "sd_within": 0.21, "sd_between": 0.1,
             "minimum": -1.25, "maximum": 3.0}
            for node in nodes
        ],
    }  # fmt: skip


def _analysis(
    fake: Fake, title: str, nodes: list[str], layers: dict[str, str], labels: dict[str, str],
    edges: list[tuple[str, str]],
) -> dict[str, Any]:  # fmt: skip
    return {
        "path": "/data/study.yaml",
        "title": title,
        "data": {"file": "/data/panel.csv", "moments": None, "cluster": "cluster_id" if fake.clusters else None,
                 "nested_in": [], "crossed_with": [], "unit": None, "time": None, "missing": "model"},
        "nodes": [
            {"name": name, "layer": layers[name], "actor": "government" if layers[name] == "actor" else None,
             "column": name, "concept": None, "label": labels[name], "family": "gaussian", "link": None, "trials": None}
            for name in nodes
        ],
        "edges": [
            {"source": source, "target": target, "lag": 0, "origin": "analyst",
             "framework_ids": ["E012"] if source == "law" else [], "sign": "+" if source == "law" else ""}
            for source, target in edges
        ],
        "interactions": [{"factors": ["law", "size"], "target": fake.outcomes[0]}],
        "unobserved": [{"left": "size", "right": fake.outcomes[0], "level": "cluster"}],
        "question": {"treatment": "law", "contrast": {"kind": "values", "low": 0.0, "high": 1.0},
                     "outcomes": list(fake.outcomes), "mediators": list(fake.mediators), "fix": [], "horizons": [],
                     "regimes": []},
        "model": {"varying": "all", "pooling": "partial", "centre": "within", "time_effects": "none",
                  "priors": "neutral", "prior_overrides": []},
        "sampling": {"draws": fake.draws, "tune": 1000, "chains": fake.chains, "seed": fake.seed, "ci_prob": 0.95},
        "hypotheses": [],
        "text": f"schema: causalcluster/1\ntitle: {title}\n",
        "warnings": [],
    }  # fmt: skip


def _write_posterior(path: Path, draws: dict[EffectKey, np.ndarray], fake: Fake) -> None:
    rng = np.random.default_rng(fake.seed + 1)
    shape = (fake.chains, fake.draws)
    tree = {"/posterior": xr.Dataset({"mu": (("chain", "draw"), rng.standard_normal(shape))})}
    if draws:
        tree["/effects"] = _effects_dataset(draws)
    if draws and fake.prior:
        wide = {
            key: rng.standard_normal(shape) * rng.standard_normal(shape)
            for key in draws
            if key.level in ("population", "sample") and key.effect != "prop_mediated"
        }
        tree["/prior"] = _effects_dataset(wide)
    if fake.energy:
        tree["/sample_stats"] = xr.Dataset({"energy": (("chain", "draw"), 40 + 3 * rng.standard_normal(shape))})
    xr.DataTree.from_dict(tree).to_netcdf(path, engine="netcdf4")


def _effects_dataset(draws: dict[EffectKey, np.ndarray]) -> xr.Dataset:
    coords = {
        ("estimand" if name == "effect" else name): (
            "row",
            np.array([getattr(key, name) for key in draws], dtype=object),
        )
        for name in KEYS
    }
    return xr.Dataset({"effect": (("chain", "draw", "row"), np.stack(list(draws.values()), axis=-1))}, coords=coords)
