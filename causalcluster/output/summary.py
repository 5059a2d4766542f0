"""What run.json says: versions, seed, data, the resolved analysis, equations, priors and coefficients."""

import datetime
from collections.abc import Sequence
from importlib.metadata import version
from itertools import combinations
from typing import Any

import numpy as np

from causalcluster.analysis.records import analysis_to_json
from causalcluster.design import Equation, correlated_terms, share_a_path
from causalcluster.families import FAMILIES, needs_rows
from causalcluster.model.gap_arrays import gaussian_nodes
from causalcluster.model.priors import FIXED_PERIOD_SD, FLAT_SD, PERIOD_SD_MEAN
from causalcluster.pipeline import Result
from causalcluster.planning import Plan

PACKAGES = ("causalcluster", "pymc", "pytensor", "nutpie", "arviz", "dowhy", "numpy", "numba", "pandas", "xarray", "duckdb")


def summarise_run(result: Result, command: Sequence[str]) -> dict[str, Any]:
    """Return the contents of run.json: enough to run the analysis again to the same draws."""
    plan = result.plan
    return {
        "schema": "causalcluster-run/1",
        "command": list(command),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in PACKAGES},
        "seed": plan.analysis.sampling.seed,
        "data": _data(plan),
        "analysis": analysis_to_json(plan.analysis),
        "contrast": {
            "from": plan.panel.contrast[0],
            "to": plan.panel.contrast[1],
            "description": plan.panel.contrast_description,
        },
        "design": _design(plan),
        "dowhy": [
            {
                "outcome": answer.outcome,
                "adjustment": None if answer.theirs is None else list(answer.theirs),
                "agrees": answer.agrees,
                "front_door": list(answer.front_door),
                "instruments": list(answer.instruments),
            }
            for answer in plan.dowhy
        ],
        "priors": _priors(result),
        "coefficients": _coefficients(result),
        "correlations": _correlations(result),
        "warnings": list(plan.warnings),
    }


def _data(plan: Plan) -> dict[str, Any]:
    panel = plan.panel
    clusters = panel.clusters if panel.cluster_column is not None else ()
    return {
        "file": panel.file or None,
        "fingerprint": panel.fingerprint,
        "rows": panel.rows,
        "rows_used": panel.rows_used,
        "cluster_column": panel.cluster_column,
        "clusters": [
            {"label": label, "rows": rows, "spans_contrast": spans}
            for (label, rows), spans in zip(clusters, panel.spans_contrast, strict=False)
        ],
        "columns": [
            {
                "node": item.node,
                "column": item.column,
                "label": item.label,
                "mean": item.mean,
                "sd_within": item.sd_within,
                "sd_between": item.sd_between,
                "minimum": item.minimum,
                "maximum": item.maximum,
            }
            for item in panel.statistics
        ],
        "missing": [
            {
                "node": item.node,
                "rows": item.missing,
                "clusters": len(item.clusters),
                "empty": list(item.empty),
                "averaged": any(item.node in gap.averaged for gap in plan.design.gaps),
            }
            for item in panel.missing
        ],
    }


def _design(plan: Plan) -> dict[str, Any]:
    design = plan.design
    return {
        "equations": [
            {
                "node": equation.node,
                "terms": [
                    {"name": term.name, "kind": term.kind, "varies": term.varies}
                    for term in equation.terms
                    if term.kind != "period"
                ],
                "groups": _groups(plan, equation),
            }
            for equation in design.equations
            if equation.level != "first"
        ],
        "notes": list(design.notes),
    }


def _groups(plan: Plan, equation: Equation) -> list[str]:
    """Return the columns of units and periods whose effects an equation has beside its terms."""
    data = plan.analysis.data
    own = [data.unit] if data.unit is not None and plan.design.intercepts == "absorbed" else []
    timed = data.time is not None and any(term.kind == "period" for term in equation.terms)
    return [*own, *([data.time] if timed and data.time is not None else [])]


def _priors(result: Result) -> list[dict[str, str]]:
    priors, design = result.priors, result.plan.design
    if design.pooling == "none":
        widths = " or ".join(f"{sd:.3g}" for sd in np.unique(priors.independent_sd))
        return [
            {
                "parameter": "every cluster's coefficients",
                "distribution": f"Normal(0, {widths}), independent",
                "meaning": "clusters share nothing (pooling: none)",
            }
        ]
    rows = [
        {
            "parameter": f"mean of {term.name}",
            "distribution": f"Normal({priors.mean[i]:.4g}, {priors.sd[i]:.4g})",
            "meaning": "average over the population of clusters, in standard deviations inside clusters"
            + _sign_words(float(priors.positive[i])),
        }
        for i, term in enumerate(design.terms)
        if term.kind != "period"
    ]
    rows += _period_priors(result)
    if len(priors.tau_rate):
        means = sorted({round(float(priors.tau_shape / rate), 4) for rate in priors.tau_rate})
        rows.append(
            {
                "parameter": "between-cluster standard deviations",
                "distribution": f"Gamma(shape {priors.tau_shape:g}), mean {', '.join(f'{m:g}' for m in means)}",
                "meaning": "zero is possible but never preferred (Chung et al. 2013)",
            }
        )
    if len(priors.partial_alpha):
        wide = sorted({round(float(alpha), 2) for alpha in priors.partial_alpha})
        rows.append(
            {
                "parameter": "correlations between coefficients",
                "distribution": f"(1 + partial correlation) / 2 ~ Beta(a, a), a in {', '.join(f'{a:g}' for a in wide)}",
                "meaning": "a = 1 (uniform) for coefficients that share a path, whose covariance is part of the effect",
            }
        )
    rows += _family_priors(result)
    if not gaussian_nodes(design):
        return rows
    rows.append(
        {
            "parameter": "log residual standard deviations",
            "distribution": f"Normal({priors.log_sigma_mean:g}, {priors.log_sigma_sd:g})",
            "meaning": "typical cluster; the clusters' variances are inverse-gamma around it, their log standard deviations "
            f"with a spread of Gamma(shape {priors.spread_shape:g}), mean {priors.spread_shape / priors.spread_rate:g}"
            if design.residual_sd_varies
            else "one for all rows",
        }
    )
    return rows


def _sign_words(positive: float) -> str:
    """Say what the paper's signs make of a prior."""
    if positive == 0.5:
        return ""
    return f"; positive with probability {positive:.2f} by the paper's sign, its size as it would be without"


def _period_priors(result: Result) -> list[dict[str, str]]:
    if not any(term.kind == "period" for term in result.plan.design.terms):
        return []
    if result.priors.random_periods:
        distribution = f"Normal(0, s), s ~ Gamma(shape 2), mean {PERIOD_SD_MEAN:g}, one s for each equation"
    else:
        flat = result.plan.analysis.model.priors == "flat"
        distribution = f"Normal(0, {FLAT_SD if flat else FIXED_PERIOD_SD:g})"
    return [
        {
            "parameter": "effects of periods",
            "distribution": distribution,
            "meaning": "shared by all clusters, in standard deviations of the node inside clusters",
        }
    ]


def _family_priors(result: Result) -> list[dict[str, str]]:
    priors, design = result.priors, result.plan.design
    named = [
        (equation.node, name)
        for equation in design.equations
        if needs_rows(equation.family)
        for name in FAMILIES[equation.family].parameters
    ]
    rows = [
        {
            "parameter": f"log {name} of {node}",
            "distribution": f"Normal({mean:.3g}, {sd:.3g})",
            "meaning": "one for all clusters",
        }
        for (node, name), mean, sd in zip(named, priors.parameter_mean, priors.parameter_sd, strict=True)
    ]
    rows += [
        {
            "parameter": f"thresholds of {equation.node}",
            "distribution": "shares of the grades uniform",
            "meaning": "Dirichlet(1, ..., 1) at a linear predictor of zero",
        }
        for equation in design.equations
        if equation.family == "ordinal"
    ]
    return rows


def _coefficients(result: Result) -> list[dict[str, Any]]:
    posterior = result.tree["posterior"].to_dataset()
    pooled = "coefficient_mean" in posterior
    name = "coefficient_mean" if pooled else "cluster_coefficient"
    tail = (1.0 - result.plan.analysis.sampling.ci_prob) / 2.0
    rows = []
    for term in result.plan.design.terms:
        if term.kind in ("intercept", "period"):
            continue
        draws = posterior[name].sel(coefficient=term.name)
        values = (draws if pooled else draws.mean("cluster")).values.ravel()
        lower, upper = np.quantile(values, [tail, 1.0 - tail])
        spread = float(posterior["coefficient_sd"].sel(coefficient=term.name).mean()) if pooled else 0.0
        rows.append(
            {
                "source": " * ".join(factor.replace("@", " @ lag ") for factor in term.factors),
                "target": term.target,
                "name": term.name,
                "mean": float(values.mean()),
                "sd": float(values.std(ddof=1)),
                "lower": float(lower),
                "upper": float(upper),
                "prob_positive": float((values > 0.0).mean()),
                "tau_mean": spread if term.varies and pooled else None,
            }
        )
    return rows


def _correlations(result: Result) -> list[dict[str, Any]]:
    """Summarise the correlations over clusters of coefficients that an effect multiplies, before and after the data."""
    design, graph = result.plan.design, result.plan.graph
    if "correlation" not in result.tree["posterior"]:
        return []
    tail = (1.0 - result.plan.analysis.sampling.ci_prob) / 2.0
    terms = [design.terms[i] for i in correlated_terms(design)]
    if design.lagged:
        # Levels and first values go together too; no effect multiplies them.
        terms = [term for term in terms if term.kind == "slope"]
    rows = []
    for first, second in combinations(terms, 2):
        if not share_a_path(design, graph, first, second):
            continue
        row: dict[str, Any] = {"first": first.name, "second": second.name}
        for group in ("prior", "posterior"):
            drawn = (
                result.tree[group]
                .to_dataset()["correlation"]
                .sel(path_coefficient=first.name, path_coefficient_2=second.name)
            )
            lower, median, upper = np.quantile(drawn.values, [tail, 0.5, 1.0 - tail])
            row[group] = {"median": float(median), "lower": float(lower), "upper": float(upper)}
        rows.append(row)
    return rows
