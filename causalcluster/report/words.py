"""Plain-language wording of numbers: how a probability, an interval or an effect is said."""

import math
from collections.abc import Iterable
from typing import Final

from causalcluster.report.records import EffectKey, EffectRow, HypothesisRow

MINUS: Final = "\N{MINUS SIGN}"
EMPTY: Final = "\N{EM DASH}"

_LEVELS: Final = {
    "population": "Population of clusters",
    "sample": "These clusters, equally weighted",
    "sample_rows": "These clusters, weighted by rows",
    "new": "A cluster not yet seen",
    "between_sd": "Spread between clusters (standard deviation)",
    "cluster": "Each cluster",
}
_NAMES: Final = {
    "total": "Total effect",
    "nde": "Direct effect",
    "tnde": "Direct effect, mediators as under the new value (tnde)",
    "pnie": "Through all mediators, treatment held at the old value (pnie)",
    "int_med": "Interaction with the mediators' change (int_med)",
}


def decimals_for(spreads: Iterable[float | None]) -> int:
    """Return the decimals at which the typical spread shows two significant digits, between 0 and 8.

    Parameters
    ----------
    spreads
        Standard deviations or interval widths, in the unit that is to be shown.
    """
    sizes = sorted(value for value in spreads if value is not None and math.isfinite(value) and value > 0)
    if not sizes:
        return 3
    typical = sizes[len(sizes) // 2]
    # The smallest spread keeps at least one digit of its own, within one decimal more than the typical one.
    wanted = max(_digits(typical), min(_digits(sizes[0]) - 1, _digits(typical) + 1))
    return min(max(wanted, 0), 8)


def _digits(size: float) -> int:
    return 1 - math.floor(math.log10(size))


def number(value: float | None, decimals: int) -> str:
    """Return a number with fixed decimals, a true minus sign and no negative zero; a dash for None."""
    if value is None or not math.isfinite(value):
        return EMPTY
    if value != 0 and (abs(value) >= 1e9 or (abs(value) < 0.5 * 10.0**-decimals and decimals >= 8)):
        text = f"{value:.2e}"
    else:
        text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def plain(value: float | None) -> str:
    """Return a number as a person would write it (four significant digits, no trailing zeros)."""
    if value is None or not math.isfinite(value):
        return EMPTY
    if value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}".replace("-", MINUS)
    text = f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    return text.replace("-", MINUS)


def percent(share: float | None) -> str:
    """Return a probability in percent; the ends are said as bounds since draws are finite."""
    if share is None or not math.isfinite(share):
        return EMPTY
    if share > 0.999:
        return "over 99.9%"
    if share < 0.001:
        return "under 0.1%"
    return f"{100 * share:.1f}%" if share > 0.99 or share < 0.01 else f"{100 * share:.0f}%"


def level_percent(ci_prob: float | None) -> str:
    """Return the probability of an interval, ``95%``."""
    return f"{100 * (0.95 if ci_prob is None else ci_prob):g}%"


def interval(row: EffectRow, decimals: int) -> str:
    """Return ``lower to upper``."""
    return f"{number(row.lower, decimals)} to {number(row.upper, decimals)}"


def estimate(row: EffectRow, decimals: int) -> str:
    """Return the mean (the median where there is no mean) with its interval."""
    centre = row.median if row.mean is None else row.mean
    return f"{number(centre, decimals)} ({level_percent(row.ci_prob)} interval {interval(row, decimals)})"


def direction(prob_positive: float | None) -> str:
    """Return how sure the sign is, as the end of a sentence: ``almost certainly negative (99.8%)``."""
    if prob_positive is None:
        return "of unknown sign"
    sure = max(prob_positive, 1 - prob_positive)
    sign = "positive" if prob_positive >= 0.5 else "negative"
    for bound, word in ((0.99, "almost certainly"), (0.95, "very likely"), (0.8, "probably")):
        if sure >= bound:
            return f"{word} {sign} (probability {percent(sure)})"
    if sure >= 0.65:
        return f"more likely {sign} than not (probability {percent(sure)})"
    return f"of open sign (probability of a positive effect {percent(prob_positive)})"


def counted(count: int, noun: str) -> str:
    """Return ``1 cluster`` or ``24 clusters``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def joined(parts: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    items = list(parts)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def sentence(text: str) -> str:
    """Return the text with a capital letter and one full stop, empty where it is empty."""
    stripped = text.strip()
    if not stripped:
        return ""
    return stripped[0].upper() + stripped[1:] + ("" if stripped[-1] in ".!?" else ".")


def level_name(level: str) -> str:
    """Return the reader's name of a level."""
    return _LEVELS.get(level, f"Each {level}")


def condition_name(at: str, labels: dict[str, str]) -> str:
    """Return the reader's name of a condition, ``Firm size=0 and Age=40``."""
    pairs = (part.rpartition("=") for part in at.split(";"))
    return joined(f"{labels.get(name, name)}={value}" for name, _, value in pairs)


def effect_name(key: EffectKey, labels: dict[str, str]) -> str:
    """Return the reader's name of an effect, with what it runs through and under which conditions."""
    extras = [f"{name} {value}" for name, value in (("horizon", key.horizon), ("regime", key.regime)) if value]
    if key.at:
        extras.append(f"at {condition_name(key.at, labels)}")
    if key.scale not in ("", "difference"):
        extras.append(key.scale.replace("_", " "))
    return _base_name(key, labels) + (f" ({', '.join(extras)})" if extras else "")


def _base_name(key: EffectKey, labels: dict[str, str]) -> str:
    via = via_name(key, labels)
    if key.effect in _NAMES:
        return _NAMES[key.effect]
    match key.effect:
        case "nie":
            return "Through all mediators" if key.via in ("", "all") else f"Through {via}"
        case "path":
            return f"Path: {via}"
        case "cde":
            return f"Direct effect with {via} held fixed"
        case "int_ref":
            return f"Interaction against {via} (int_ref)"
        case "prop_mediated":
            return "Share through all mediators" if key.via in ("", "all") else f"Share through {via}"
        case _:
            return f"{key.effect} {via}".strip()


def via_name(key: EffectKey, labels: dict[str, str]) -> str:
    """Return the reader's name of the column ``via``."""
    if key.effect == "path":
        if key.via == "direct":
            return "straight to the outcome"
        return " \N{RIGHTWARDS ARROW} ".join(labels.get(name, name) for name in key.via.split(">"))
    if key.effect in ("cde", "int_ref") and "=" in key.via:
        return joined(f"{labels.get(name, name)} = {value}" for name, value in held_pairs(key.via))
    return labels.get(key.via, key.via)


def held_pairs(via: str) -> tuple[tuple[str, str], ...]:
    """Return nodes and the values at which they are held, of ``enforcement=0;unions=1``."""
    pairs = (part.partition("=") for part in via.split(";"))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def verdict_words(row: HypothesisRow) -> str:
    """Return a hypothesis's verdict as a sentence."""
    said = percent(row.probability)
    match row.verdict:
        case "supported":
            return f"Given the data and the assumptions it holds with probability {said}."
        case "contradicted":
            return f"Given the data and the assumptions it holds with probability {said} only."
        case "not_testable":
            return "An effect in it is not identified in the diagram."
        case _:
            return f"Its probability is {said}, neither 95% or more nor 5% or less."


def bayes_words(factor: float | None) -> str:
    """Return what a Bayes factor says, empty where there is none."""
    if factor is None or not math.isfinite(factor) or factor <= 0:
        return ""
    strength = abs(math.log10(factor))
    side = "for" if factor >= 1 else "against"
    if strength < 0.5:
        return "the data say little"
    grade = "substantial" if strength < 1 else "strong" if strength < 2 else "decisive"
    return f"{grade} evidence {side} it"
