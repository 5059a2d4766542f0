"""What a claim says, as records, and its canonical text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

BARE_WORDS_RESERVED = frozenset({"in"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTerm:
    """One effect in a claim; the fields are key columns of effects.csv.

    Attributes
    ----------
    effect, outcome, via
        The estimand, the outcome, and the mediator, path or fixed values; ``via`` is empty where there is none.
    level, cluster
        The level, and the label of the cluster where the level is ``cluster`` (else empty).
    horizon
        Periods after the intervention; None means the first horizon of the analysis.
    regime, at
        The regime and the conditioning values ('size=0'); empty where not given.
    scale
        'difference', 'ratio' or 'odds_ratio'.
    """

    effect: str
    outcome: str
    via: str = ""
    level: str = "population"
    cluster: str = ""
    horizon: int | None = None
    regime: str = ""
    at: str = ""
    scale: str = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A linear combination of effects and the open interval in which it is claimed to lie.

    The claim holds where ``low < constant + sum(coefficient * effect) < high``. A comparison has the smaller
    side moved over, so ``a > b`` and ``b < a`` are the same claim with ``low`` 0 and ``high`` infinite.
    """

    text: str
    terms: tuple[tuple[float, EffectTerm], ...]
    constant: float
    low: float
    high: float


def number_text(value: float) -> str:
    """Return ``value`` as it stands in key columns: integers without decimals, else the shortest exact text."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))


def is_word_character(character: str) -> bool:
    """Whether ``character`` may stand in an unquoted name: Unicode letters, marks, digits and '_'."""
    return ("_" + character).isidentifier()


def in_quotes(name: str) -> str:
    """Return ``name`` in double quotes, with backslashes and quotes escaped."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quoted(name: str) -> str:
    """Return ``name`` as it can be written in a claim: bare where that reads back, else in double quotes."""
    bare = name and all(map(is_word_character, name)) and name not in BARE_WORDS_RESERVED
    return name if bare else in_quotes(name)


def _via_argument(term: EffectTerm) -> str:
    if term.effect == "path":
        return "via=" + " > ".join(quoted(part) for part in term.via.split(">"))
    return f"via={quoted(term.via)}"


def _pair_arguments(text: str) -> str:
    pairs = [pair.rpartition("=") for pair in text.split(";")]
    return "{" + ", ".join(f"{quoted(name)}: {quoted_value(value)}" for name, _, value in pairs) + "}"


def quoted_value(value: str) -> str:
    """Return a conditioning value as it can be written in a claim: a number as it is, else in quotes."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    # Other spellings of a number, such as '007', are labels and must not be read back as numbers.
    return value if math.isfinite(number) and number_text(number) == value else in_quotes(value)


def name_effect(effect: str, outcome: str, via: str = "") -> str:
    """Return what messages call an effect, ``nie(log_wage, via=unions)``; names stand as they are, unquoted."""
    return f"{effect}({outcome}{f', via={via}' if via else ''})"


def render_term(term: EffectTerm) -> str:
    """Return the text of one effect, such as ``nie(log_wage, via=unions, cluster="cl 1")``."""
    parts = [quoted(term.outcome)]
    if term.via:
        parts.append(_via_argument(term))
    if term.cluster:
        parts.append(f"cluster={quoted(term.cluster)}")
    elif term.level != "population":
        parts.append(f"level={term.level}")
    if term.horizon is not None:
        parts.append(f"horizon={term.horizon}")
    if term.regime:
        parts.append(f"regime={term.regime}")
    if term.at:
        parts.append(f"at={_pair_arguments(term.at)}")
    if term.scale != "difference":
        parts.append(f"scale={term.scale}")
    return f"{term.effect}({', '.join(parts)})"


def _joined(pieces: Sequence[tuple[float, str]]) -> str:
    text = ""
    for value, piece in pieces:
        sign = "-" if value < 0 else "+"
        text += f" {sign} {piece}" if text else ("-" if value < 0 else "") + piece
    return text


def render_claim(claim: Claim) -> str:
    """Return the claim's canonical text, which parses back to the same claim (but for ``text``)."""
    pieces = [
        (factor, render_term(term) if abs(factor) == 1 else f"{abs(factor)!r}*{render_term(term)}")
        for factor, term in claim.terms
    ]
    if claim.constant:
        pieces.append((claim.constant, repr(abs(claim.constant))))
    left = _joined(pieces)
    if math.isinf(claim.high):
        return f"{left} > {number_text(claim.low)}"
    if math.isinf(claim.low):
        return f"{left} < {number_text(claim.high)}"
    return f"{left} in [{number_text(claim.low)}, {number_text(claim.high)}]"


def same_claim(left: Claim, right: Claim) -> bool:
    """Whether two claims say the same, whatever their text."""
    return replace(left, text="") == replace(right, text="")
