"""The small languages of `edges`, `interactions` and `unobserved`."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from causalcluster.analysis.records import Interaction, Level, Unobserved
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import did_you_mean

FRAMEWORK = "framework"
"""The item of `edges` that stands for the paper's edges."""

_LAG = re.compile(r"lag\s+([0-9]{1,4})")
_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}
_EDGE_FORM = "a, b -> c, d"
_INTERACTION_FORM = "a * b -> c, d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One source, one target and a lag in periods, as written."""

    source: str
    target: str
    lag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the items of one analysis file, which may name its nodes only.

    Attributes
    ----------
    document
        The file, for the line of an error.
    names
        The nodes of the diagram.
    """

    document: Document
    names: tuple[str, ...]

    def edges(self, text: str, place: Place) -> tuple[Arrow, ...]:
        """Read 'law, enforcement -> unions, wage @ lag 1' as one arrow for each pair.

        Raises
        ------
        AnalysisFileError
            The text is not of this form or names an unknown node.
        """
        body, at, suffix = text.partition("@")
        match = _LAG.fullmatch(suffix.strip())
        if at and match is None:
            raise self._form_error(text, f"{_EDGE_FORM} @ lag 1", place)
        for sign, section in (("*", "interactions"), ("<->", "unobserved")):
            if sign in body:
                what = f"'{text}' under {place[0]} holds '{sign}'"
                raise self.document.error(place, what, fix=f"Move it to '{section}:'")
        left, right = self._sides(body, text, _EDGE_FORM, place)
        lag = int(match.group(1)) if match else 0
        sources = self._names(left.split(","), text, _EDGE_FORM, place)
        targets = self._names(right.split(","), text, _EDGE_FORM, place)
        return tuple(Arrow(source=source, target=target, lag=lag) for source in sources for target in targets)

    def interactions(self, text: str, place: Place) -> tuple[Interaction, ...]:
        """Read 'law * enforcement -> wage, injury' as one product for each target.

        Raises
        ------
        AnalysisFileError
            The text is not of this form or names an unknown node.
        """
        left, right = self._sides(text, text, _INTERACTION_FORM, place)
        if "*" not in left:
            raise self._form_error(text, _INTERACTION_FORM, place)
        factors = self._names(left.split("*"), text, _INTERACTION_FORM, place)
        targets = self._names(right.split(","), text, _INTERACTION_FORM, place)
        return tuple(Interaction(factors=factors, target=target) for target in targets)

    def unobserved(self, text: str, place: Place) -> Unobserved:
        """Read 'enforcement <-> wage @ cluster'.

        Raises
        ------
        AnalysisFileError
            The text is not of this form, names an unknown node or an unknown level.
        """
        body, at, suffix = text.partition("@")
        form = "a <-> b @ cluster"
        ends = body.split("<->")
        if len(ends) != 2:
            raise self._form_error(text, form, place)
        left, right = self._names(ends, text, form, place)
        word = suffix.strip() if at else "all"
        if word not in _LEVELS:
            hint = did_you_mean(word, _LEVELS)
            fix = "" if hint else f"The levels are: {', '.join(_LEVELS)}"
            raise self.document.error(place, f"'{word}' in '{text}' is not a level.{hint}", fix=fix)
        return Unobserved(left=left, right=right, level=_LEVELS[word])

    def coefficient(self, text: str, place: Place) -> tuple[Arrow, ...] | tuple[Interaction, ...]:
        """Read 'law -> wage' or 'law * enforcement -> wage', as `varying` and `priors` name coefficients."""
        if "*" in text:
            return self.interactions(text, place)
        arrows = self.edges(text, place)
        if "@" in text:
            raise self._form_error(text, _EDGE_FORM, place)
        return arrows

    def name(self, text: str, place: Place, *, role: str) -> str:
        """Return the node that ``text`` names.

        Raises
        ------
        AnalysisFileError
            There is no such node; the message names the nearest.
        """
        found = find_name(text, self.names)
        if found is None:
            hint = did_you_mean(text, self.names)
            fix = "" if hint else f"The nodes are: {', '.join(self.names)}"
            raise self.document.error(place, f"{role} '{text}' is not a node.{hint}", fix=fix)
        return found

    def _sides(self, body: str, text: str, form: str, place: Place) -> tuple[str, str]:
        if body.count("->") != 1 or "<-" in body:
            raise self._form_error(text, form, place)
        left, _, right = body.partition("->")
        return left, right

    def _names(self, parts: Sequence[str], text: str, form: str, place: Place) -> tuple[str, ...]:
        if not all(part.strip() for part in parts):
            raise self._form_error(text, form, place)
        return tuple(self._resolve(part.strip(), text, place) for part in parts)

    def _resolve(self, name: str, text: str, place: Place) -> str:
        found = find_name(name, self.names)
        if found is None:
            hint = did_you_mean(name, self.names)
            fix = "" if hint else f"The nodes are: {', '.join(self.names)}"
            raise self.document.error(place, f"'{name}' in '{text}' is not a node.{hint}", fix=fix)
        return found

    def _form_error(self, text: str, form: str, place: Place) -> Exception:
        if "->" not in text and place[0] != "unobserved":
            why = "Inside [ ] a comma separates items unless the item is in quotes"
        else:
            why = "Each item holds one arrow" if text.count("->") > 1 else ""
        return self.document.error(place, f"'{text}' under {place[0]} cannot be read", why=why, fix=f"Write it as '{form}'")


def lag_of(text: str) -> int:
    """Return the lag of a well-formed item of `edges`, 0 where it has none."""
    match = _LAG.fullmatch(text.partition("@")[2].strip())
    return int(match.group(1)) if match else 0


def find_name(text: str, names: Sequence[str]) -> str | None:
    """Return the name that ``text`` means: itself, or one that differs in Unicode form alone."""
    if text in names:
        return text
    form = unicodedata.normalize("NFC", text)
    return next((name for name in names if unicodedata.normalize("NFC", name) == form), None)


def coefficient_name(item: Arrow | Interaction) -> str:
    """Return the name of a coefficient, 'law -> wage' or 'law * enforcement -> wage'."""
    left = item.source if isinstance(item, Arrow) else item.name
    return f"{left} -> {item.target}"
