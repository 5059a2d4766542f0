"""When the effects of claims are looked at: the first horizon and regime of the question unless said."""

from dataclasses import replace

from causalcluster.analysis.claim_records import Claim, EffectTerm
from causalcluster.analysis.records import Question
from causalcluster.errors import ClaimError


def place_in_time(claim: Claim, question: Question) -> Claim:
    """Return the claim with the horizon and regime of every effect.

    Raises
    ------
    ClaimError
        An effect at a horizon or under a regime that the question does not ask for, or has no horizons at all.
    """
    return replace(claim, terms=tuple((factor, _place(term, question)) for factor, term in claim.terms))


def _place(term: EffectTerm, question: Question) -> EffectTerm:
    if not question.horizons:
        if term.horizon is None and not term.regime:
            return term
        key = "horizon" if term.horizon is not None else "regime"
        raise ClaimError(
            f"{key!r} is given, and the diagram has no lagged edges",
            why="Without them an effect is of one period",
            fix=f"Leave {key!r} out, or draw the edges that act later with '@ lag 1'",
        )
    horizon = question.horizons[0] if term.horizon is None else term.horizon
    regime = term.regime or question.regimes[0]
    if horizon not in question.horizons:
        listed = ", ".join(map(str, question.horizons))
        raise ClaimError(
            f"horizon {horizon} is not one of the question's: {listed}", fix="Add it under 'question: horizons'"
        )
    if regime not in question.regimes:
        raise ClaimError(
            f"the regime '{regime}' is not one of the question's: {', '.join(question.regimes)}",
            fix="Add it under 'question: regimes'",
        )
    return replace(term, horizon=horizon, regime=regime)
