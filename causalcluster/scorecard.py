"""What the paper predicts against what the data say: every edge and hypothesis of it that an analysis covers.

Both priors are answered from one fit. The prior of signs multiplies the posterior by a bounded factor of the signs' own
coefficients (`causalcluster.model.priors.sign_density`), so draws under one prior, weighted by it or by its inverse, are
draws under the other: exact, and nothing is fitted again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtr

from causalcluster.analysis.records import Analysis
from causalcluster.analysis.signs import PaperSign, paper_signs
from causalcluster.data.lags import lagged_name
from causalcluster.design import Design
from causalcluster.effects.levels import CoefficientDraws
from causalcluster.errors import InputError
from causalcluster.framework import load_framework
from causalcluster.hypotheses import CONTRADICTED, SUPPORTED, claim_holds
from causalcluster.model.priors import Priors, response_unit, sign_density
from causalcluster.model.standard import Scale

Floats = NDArray[np.float64]
COLUMNS = (
    "kind", "id", "statement", "prediction", "status", "probability", "probability_neutral", "probability_framework",
    "prior_framework", "bayes_factor", "share_of_clusters", "tau", "verdict", "verdict_neutral", "verdict_framework",
    "flipped", "reason",
)  # fmt: skip
_NOT_APPLICABLE = {"verdict": "not applicable"}
LEAST_WEIGHTED = 100.0
"""With fewer draws' worth after weighting, the other prior's answer is not given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weights:
    """Weights (draw,) of the neutral prior and of that of the paper's signs; None where too few draws would count."""

    neutral: Floats | None
    framework: Floats | None


def score(
    analysis: Analysis,
    design: Design,
    priors: Priors,
    scale: Scale,
    coefficients: CoefficientDraws,
    effects: xr.Dataset,
    hypotheses: pd.DataFrame,
) -> pd.DataFrame | None:
    """Hold every edge and hypothesis of the paper that the analysis covers against its posterior.

    Parameters
    ----------
    analysis, design, priors, scale
        What was fitted.
    coefficients
        Draws of the coefficients.
    effects
        Draws of the effects.
    hypotheses
        The table of hypotheses.csv.

    Returns
    -------
    pandas.DataFrame or None
        The table of scorecard.csv; None where the analysis covers nothing of the paper.
    """
    signs = list(paper_signs(analysis))
    if not signs and not analysis.unclaimed:
        return None
    mean = _typical(coefficients)
    place = {(term.factors[0], term.target): i for i, term in enumerate(design.terms) if term.kind == "slope"}
    weights = _weigh(analysis, signs, place, mean, priors)
    rows = [_edge_row(item, place, mean, coefficients, design, scale, weights) for item in signs]
    rows += _hypothesis_rows(analysis, coefficients, effects, hypotheses, weights)
    rows += [
        {
            "kind": "hypothesis",
            "id": item.id,
            "statement": _label(item.id),
            "reason": item.reason,
            "verdict": "not applicable",
        }
        for item in analysis.unclaimed
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _typical(coefficients: CoefficientDraws) -> Floats:
    """Return mean coefficients (draw, P): of the population, or averages over clusters where there is none."""
    values = coefficients.mean if coefficients.has_population else coefficients.theta.mean(axis=2)
    return np.asarray(values.reshape(-1, values.shape[-1]))


def _key(item: PaperSign) -> tuple[str, str]:
    return (lagged_name(item.source, item.lag) if item.lag else item.source), item.target


def _weigh(
    analysis: Analysis, signs: Sequence[PaperSign], place: dict[tuple[str, str], int], mean: Floats, priors: Priors
) -> _Weights:
    """Return the weights that turn the posterior into that of either prior."""
    total = np.zeros(len(mean))
    for item in signs:
        i = place.get(_key(item))
        if i is not None and item.sign in ("+", "-") and priors.mean[i] == 0.0:
            total += np.log(sign_density(mean[:, i], priors.sd[i], item.probability, cdf=ndtr))
    asked = analysis.model.priors == "framework"
    even = np.full(len(mean), 1.0 / len(mean))
    other = _normalised(-total if asked else total)
    return _Weights(neutral=other, framework=even) if asked else _Weights(neutral=even, framework=other)


def _normalised(log_weight: Floats) -> Floats | None:
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    return weight if 1.0 / float((weight**2).sum()) >= min(LEAST_WEIGHTED, 0.5 * len(weight)) else None


def _edge_row(
    item: PaperSign,
    place: dict[tuple[str, str], int],
    mean: Floats,
    coefficients: CoefficientDraws,
    design: Design,
    scale: Scale,
    weights: _Weights,
) -> dict[str, Any]:
    framework = {edge.id: edge.status for edge in load_framework().edges}
    row: dict[str, Any] = {
        "kind": "edge",
        "id": ";".join(item.framework_ids),
        "statement": f"{item.source} -> {item.target}" + (f" @ lag {item.lag}" if item.lag else ""),
        "prediction": item.sign if item.sign in ("+", "-") else "no sign",
        "status": ";".join(dict.fromkeys(framework[name] for name in item.framework_ids)),
        "prior_framework": _towards(item.sign, item.probability),
    }
    i = place.get(_key(item))
    if i is None:
        return row | {"verdict": "not applicable", "reason": "no equation of the analysis has this edge as one slope"}
    holds = mean[:, i] < 0.0 if item.sign == "-" else mean[:, i] > 0.0
    theta = coefficients.theta[..., i].reshape(len(mean), -1)[:, coefficients.rows > 0]
    inside = (theta < 0.0 if item.sign == "-" else theta > 0.0).mean(axis=0)
    unit = response_unit(design, item.target, scale) / scale.scale[_key(item)[0]]
    root = coefficients.root[..., i, :].reshape(len(mean), -1)
    row |= _answers(holds, weights, prior_odds=1.0, predicts=item.sign in ("+", "-"))
    if theta.shape[1] > 1:
        row |= {"share_of_clusters": float((inside > 0.5).mean())}
        row |= {"tau": float(np.sqrt((root**2).sum(axis=-1)).mean() * unit)}
    return row


def _towards(sign: str, probability: float) -> float:
    return probability if sign != "-" else 1.0 - probability


def _answers(holds: NDArray[np.bool_], weights: _Weights, *, prior_odds: float, predicts: bool) -> dict[str, Any]:
    """Return probabilities of what is predicted, and verdicts, under both priors."""
    neutral, framework = (None if w is None else float(w[holds].sum()) for w in (weights.neutral, weights.framework))
    own = float(holds.mean())
    found: dict[str, Any] = {
        "probability": own,
        "probability_neutral": neutral,
        "probability_framework": framework,
    }
    if not predicts:
        return found | {"verdict": "no prediction", "reason": "the paper gives no direction: the probability is of +"}
    verdicts = [None if value is None else _verdict(value) for value in (neutral, framework)]
    found |= {"verdict": _verdict(own), "verdict_neutral": verdicts[0], "verdict_framework": verdicts[1]}
    if None not in verdicts:
        found["flipped"] = "yes" if verdicts[0] != verdicts[1] else "no"
    else:
        found["reason"] = "the other prior's answer would rest on too few draws"
    if neutral is not None and np.isfinite(prior_odds):
        within = np.clip(neutral, 0.5 / len(holds), 1.0 - 0.5 / len(holds))
        found["bayes_factor"] = float(within / (1.0 - within) / prior_odds)
    return found


def _verdict(probability: float) -> str:
    if probability >= SUPPORTED:
        return "supported"
    return "contradicted" if probability <= CONTRADICTED else "undecided"


def _hypothesis_rows(
    analysis: Analysis,
    coefficients: CoefficientDraws,
    effects: xr.Dataset,
    hypotheses: pd.DataFrame,
    weights: _Weights,
) -> Iterator[dict[str, Any]]:
    level: Any = "population" if analysis.data.cluster is not None else "sample"
    table = {row["id"]: row for row in hypotheses.to_dict("records")}
    for item in analysis.hypotheses:
        row: dict[str, Any] = {"kind": "hypothesis", "id": item.id, "statement": item.text, "prediction": "holds"}
        own = table[item.id]
        holds = None if own["verdict"] == "not_testable" else claim_holds(item, effects, default_level=level)
        if holds is None or len(holds) != len(weights.neutral if weights.neutral is not None else holds):
            yield row | {"verdict": "not testable", "reason": own["reason"]}
            continue
        prior = float(own["prior_probability"])
        odds = prior / (1.0 - prior) if 0.01 <= prior <= 0.99 else np.nan
        row |= _answers(holds, weights, prior_odds=odds, predicts=True)
        inside = [
            claim_holds(item, effects, default_level=level, cluster=label)
            for label, n in zip(coefficients.clusters, coefficients.rows, strict=True)
            if label and n > 0
        ]
        known = [share.mean() for share in inside if share is not None]
        yield row | ({"share_of_clusters": float(np.mean(np.array(known) > 0.5))} if known else {})


def _label(part: str) -> str:
    hypothesis = part.rstrip("abcdef")
    return next((item.label for item in load_framework().hypotheses if item.id == hypothesis), part)


def score_warnings(table: pd.DataFrame | None) -> tuple[str, ...]:
    """Return a sentence for the user where the two priors give different verdicts."""
    if table is None:
        return ()
    rows = table[table["flipped"] == "yes"].to_dict("records")
    if not rows:
        return ()
    said = "; ".join(
        f"{row['statement']} ({row['verdict_neutral']} under the neutral prior, {row['verdict_framework']} under the "
        "paper's signs)"
        for row in rows
    )
    return (f"These verdicts hang on the prior of signs (scorecard.csv): {said}",)


def collect(folders: Sequence[Path]) -> pd.DataFrame:
    """Return the scorecards of several runs in one table, whose first column ``run`` is the folder.

    Raises
    ------
    InputError
        A folder has no scorecard.
    """
    tables = []
    for folder in folders:
        file = folder / "scorecard.csv"
        if not file.is_file():
            raise InputError(
                "there is no scorecard here",
                where=str(folder),
                why="a run writes scorecard.csv where nodes name concepts of the paper that it links",
                fix="name folders of such runs",
            )
        tables.append(pd.read_csv(file, keep_default_na=False, dtype=str).assign(run=str(folder)))
    joined = pd.concat(tables, ignore_index=True)
    return joined.reindex(columns=["run", *COLUMNS])
