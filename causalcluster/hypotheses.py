"""Claims against draws: the probability of each hypothesis before and after the data, and a verdict."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from causalcluster.analysis.claims import Claim, EffectTerm, render_term
from causalcluster.analysis.moderators import claimed_condition, condition_text
from causalcluster.analysis.records import Hypothesis
from causalcluster.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]

Verdict = Literal["supported", "contradicted", "not_testable", "undecided"]
Key = tuple[str, str, str]

COLUMNS = ("id", "claim", "probability", "prior_probability", "bayes_factor", "verdict", "reason")
SUPPORTED, CONTRADICTED = 0.95, 0.05
LEAST_PRIOR, MOST_PRIOR = 0.01, 0.99
_POPULATION = ("population", "new", "between_sd")


def check_claims(
    hypotheses: Sequence[Hypothesis],
    clusters: Sequence[str],
    *,
    has_clusters: bool,
    has_population: bool,
    held: Sequence[str] = (),
    references: Sequence[str] = (),
) -> None:
    """Refuse claims about clusters and levels that the data do not have, before anything is sampled.

    Parameters
    ----------
    hypotheses
        The hypotheses.
    clusters
        Labels of the observed clusters.
    has_clusters
        Whether the analysis has a cluster column.
    has_population
        Whether the model has a population of clusters; it has none without pooling.
    held
        What controlled direct effects hold, as in ``via``: 'enforcement=0'.
    references
        Those of them that hold every mediator: reference values of the four-way decomposition.

    Raises
    ------
    InputError
        A claim names a cluster, a level or values held that do not exist.
    """
    for hypothesis in hypotheses:
        where = f"hypothesis {hypothesis.id}"
        for _, term in hypothesis.claim.terms:
            if term.effect == "cde" and term.via not in held:
                raise InputError(
                    f"{render_term(term)} holds values that the question does not: {_listed(held) or 'it has no fix'}",
                    where=where,
                    fix="Put these values under 'question: fix', in the same order",
                )
            if term.effect == "int_ref" and term.via not in references:
                raise InputError(
                    f"{render_term(term)} holds values at which the question does not hold all its mediators: "
                    f"{_listed(references) or 'it has no such values'}",
                    where=where,
                    why="A reference interaction is the direct effect less the one with every mediator held",
                    fix="Put a value of every mediator under 'question: fix', and name them in the same order",
                )
            if has_clusters:
                _check_level(term, clusters, where, has_population=has_population)
            elif term.level not in ("population", "sample"):
                raise InputError(
                    f"{render_term(term)} is about level '{term.level}', but the analysis has no clusters",
                    where=where,
                    fix="Name the column of the clusters under 'data: cluster', or claim without a level",
                )


def _check_level(term: EffectTerm, clusters: Sequence[str], where: str, *, has_population: bool) -> None:
    if term.level == "cluster" and _find_label(term.cluster, clusters) is None:
        fix = did_you_mean(term.cluster, clusters).strip() or f"The clusters are: {_listed(clusters)}"
        raise InputError(f"the data have no cluster {term.cluster!r}", where=where, fix=fix)
    if term.level in _POPULATION and not has_population:
        raise InputError(
            f"{render_term(term)} is about level '{term.level}', but the model has no pooling",
            where=where,
            why="Without pooling the clusters are not taken as drawn from a population",
            fix="Write level=sample in the claim, or 'pooling: partial' under 'model'",
        )


def _find_label(label: str, labels: Sequence[str]) -> str | None:
    """Return the label that ``label`` means: itself, or one that differs in Unicode form alone."""
    if label in labels:
        return label
    form = unicodedata.normalize("NFC", label)
    return next((known for known in labels if unicodedata.normalize("NFC", known) == form), None)


def _listed(labels: Sequence[str], most: int = 10) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Draws:
    """Draws of effects (chain and draw, row) and the row of each key."""

    values: "Floats"
    rows: Mapping[tuple[str, ...], int]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, effects: "xr.Dataset") -> "_Draws":
        names = ("outcome", "estimand", "via", "level", "cluster", "horizon", "regime", "at", "scale")
        columns = [[str(value) for value in effects[name].values] for name in names]
        values = effects["effect"].transpose("chain", "draw", "row").to_numpy()
        clusters = dict.fromkeys(label for label in columns[4] if label)
        return cls(
            values=values.reshape(values.shape[0] * values.shape[1], values.shape[2]),
            rows={key: index for index, key in enumerate(zip(*columns, strict=True))},
            labels=tuple(clusters),
        )

    def of_term(self, term: EffectTerm) -> "Floats | None":
        """Return the draws (sample,) of an effect, or None where it was not computed."""
        cluster = _find_label(term.cluster, self.labels) if term.cluster else ""
        horizon = "" if term.horizon is None else str(term.horizon)
        named = (term.outcome, term.effect, term.via, term.level, cluster or "")
        at = condition_text(claimed_condition(term))
        row = self.rows.get((*named, horizon, term.regime, at, term.scale))
        return None if row is None else self.values[:, row]

    def of_claim(self, claim: Claim) -> "Floats | None":
        """Return the draws (sample,) of a claim's linear combination, or None where an effect is missing."""
        parts = [(factor, self.of_term(term)) for factor, term in claim.terms]
        found = [factor * draws for factor, draws in parts if draws is not None]
        return sum(found[1:], found[0]) + claim.constant if len(found) == len(parts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """How many of ``total`` draws lie inside a claim's interval."""

    inside: int
    total: int

    @property
    def probability(self) -> float:
        return self.inside / self.total if self.total else math.nan

    @property
    def extreme(self) -> bool:
        return self.inside in (0, self.total)

    @property
    def odds(self) -> float:
        """Odds that stay finite: at 0 and 1, those of half a draw on the other side."""
        inside = self.inside + 0.5 if self.extreme else float(self.inside)
        total = self.total + 1.0 if self.extreme else float(self.total)
        return inside / (total - inside)


def evaluate_hypotheses(
    hypotheses: Sequence[Hypothesis],
    posterior: "xr.Dataset",
    prior: "xr.Dataset",
    unidentified: Mapping[Key, str],
    *,
    default_level: Literal["population", "sample"] = "population",
    ci_prob: float = 0.95,
) -> "pd.DataFrame":
    """Judge every hypothesis by the share of draws in which its claim holds.

    Parameters
    ----------
    hypotheses
        The hypotheses, in order.
    posterior, prior
        ``effect`` (chain, draw, row) given the data and before them; coords of ``row`` are the key columns of
        effects.csv, of which ``effect`` is called ``estimand``.
    unidentified
        Why an effect (outcome, effect, via) is not identified.
    default_level
        The level of claims that name none: 'sample' where there is no population of clusters.
    ci_prob
        Probability of the interval of a total effect that, where it holds zero, leaves no proportion of it.

    Returns
    -------
    pandas.DataFrame
        Columns id, claim, probability, prior_probability, bayes_factor, verdict, reason; NaN where there is
        no number.
    """
    import pandas as pd

    after, before = _Draws.of(posterior), _Draws.of(prior)
    rows = [_judge(hypothesis, after, before, unidentified, default_level, ci_prob) for hypothesis in hypotheses]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = ["probability", "prior_probability", "bayes_factor"]
    return table.astype(dict.fromkeys(numbers, "float64"))


def claim_holds(
    hypothesis: Hypothesis,
    effects: "xr.Dataset",
    *,
    default_level: Literal["population", "sample"] = "population",
    cluster: str = "",
) -> "np.ndarray | None":
    """Return in which draws (chain and draw) a claim holds, or None where an effect of it was not computed.

    With ``cluster`` every effect of the claim that is about no cluster of its own is taken in that one.
    """
    claim = _at_level(hypothesis.claim, default_level)
    if cluster:
        own = tuple(
            (factor, term if term.cluster else replace(term, level="cluster", cluster=cluster))
            for factor, term in claim.terms
        )
        claim = replace(claim, terms=own)
    values = _Draws.of(effects).of_claim(claim)
    if values is None or not _finite(values):
        return None
    holds: np.ndarray = (values > claim.low) & (values < claim.high)
    return holds


def _judge(
    hypothesis: Hypothesis,
    after: _Draws,
    before: _Draws,
    unidentified: Mapping[Key, str],
    default_level: str,
    ci_prob: float,
) -> tuple[str | float, ...]:
    claim = _at_level(hypothesis.claim, default_level)
    values = after.of_claim(claim)
    problems = _problems(claim, after, unidentified)
    if not problems and values is not None and (blank := _blank(claim, after, ci_prob)):
        problems = [blank]
    if problems or values is None:
        nothing = (math.nan, math.nan, math.nan)
        return (hypothesis.id, hypothesis.text, *nothing, "not_testable", "; ".join(problems))
    posterior = _share(values, claim)
    prior = _prior_share(before.of_claim(claim), claim)
    factor, reason = _bayes_factor(posterior, prior)
    prior_probability = math.nan if prior is None else prior.probability
    verdict = _verdict(posterior.probability)
    return (hypothesis.id, hypothesis.text, posterior.probability, prior_probability, factor, verdict, reason)


def _at_level(claim: Claim, default_level: str) -> Claim:
    terms = tuple(
        (factor, replace(term, level=default_level) if term.level == "population" else term) for factor, term in claim.terms
    )
    return replace(claim, terms=terms)


def _problems(claim: Claim, after: _Draws, unidentified: Mapping[Key, str]) -> list[str]:
    """Return why a claim cannot be judged, once for each effect of it."""
    found: dict[str, None] = {}
    for _, term in claim.terms:
        draws = after.of_term(term)
        reason = unidentified.get((term.outcome, term.effect, term.via))
        if reason is None and term.effect == "path":
            # One entry without `via` stands for all paths where there are too many to list.
            reason = unidentified.get((term.outcome, "path", ""))
        if reason is not None:
            found[f"{_named(term)} is not identified: {reason}"] = None
        elif draws is None:
            found[f"{render_term(term)} is not among the effects of this analysis"] = None
        elif not _finite(draws):
            found[f"{render_term(term)} is not a finite number in every draw"] = None
    return list(found)


def _blank(claim: Claim, after: _Draws, ci_prob: float) -> str:
    """Return why a proportion in a claim has no meaning: its total's interval holds zero."""
    for _, term in claim.terms:
        total = after.of_term(replace(term, effect="total", via=""))
        if term.effect == "prop_mediated" and total is not None and _straddles_zero(total, ci_prob):
            return f"{render_term(term)} has no meaning: the total effect may be zero"
    return ""


def _straddles_zero(values: "Floats", ci_prob: float) -> bool:
    import numpy as np

    lower, upper = np.quantile(values, [(1.0 - ci_prob) / 2.0, (1.0 + ci_prob) / 2.0])
    return bool(lower <= 0.0 <= upper)


def _named(term: EffectTerm) -> str:
    # Identification does not depend on the level or the cluster.
    return render_term(replace(term, level="population", cluster=""))


def _finite(values: "Floats") -> bool:
    import numpy as np

    return bool(values.size) and bool(np.isfinite(values).all())


def _share(values: "Floats", claim: Claim) -> _Share:
    return _Share(inside=int(((values > claim.low) & (values < claim.high)).sum()), total=values.size)


def _prior_share(values: "Floats | None", claim: Claim) -> _Share | None:
    return None if values is None or not _finite(values) else _share(values, claim)


def _bayes_factor(posterior: _Share, prior: _Share | None) -> tuple[float, str]:
    """Return posterior odds over prior odds, and what must be said about them."""
    if prior is None:
        return math.nan, "no Bayes factor: the prior gives no finite draws of this claim"
    if not LEAST_PRIOR <= prior.probability <= MOST_PRIOR:
        return math.nan, (
            f"no Bayes factor: the prior probability {prior.probability:.4g} lies outside "
            f"{LEAST_PRIOR} to {MOST_PRIOR}, where draws cannot tell the odds"
        )
    factor = posterior.odds / prior.odds
    if not posterior.extreme:
        return factor, ""
    side, which = ("at least", "every draw") if posterior.inside else ("at most", "no draw")
    return factor, (
        f"the claim holds in {which}, so the Bayes factor is a bound from the number of draws "
        f"({posterior.total}): {side} about {factor:.3g}"
    )


def _verdict(probability: float) -> Verdict:
    if probability >= SUPPORTED:
        return "supported"
    return "contradicted" if probability <= CONTRADICTED else "undecided"
