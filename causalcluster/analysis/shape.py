"""Holding a file against the schema; a fault becomes a message with key, line and nearest valid key."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from causalcluster.analysis.schema import AnalysisSection, known_keys, section_at, shown
from causalcluster.analysis.yaml_lines import Document, Place
from causalcluster.errors import AnalysisFileError, did_you_mean

SCHEMA = "causalcluster/1"

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_KINDS: Mapping[str, str] = {
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def validate_shape(document: Document) -> AnalysisSection:
    """Hold the file's content against the schema.

    Raises
    ------
    AnalysisFileError
        For one fault: its key, its line and, for an unknown key or word, the nearest valid one.
    """
    content = document.content
    if not isinstance(content, dict):
        raise document.error((), "the file is not a mapping of keys to values", fix=f"Start it with 'schema: {SCHEMA}'")
    _check_schema(document, content)
    _check_prior_keys(document, content)
    try:
        return AnalysisSection.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # An unknown key often explains a missing one, so it is told first.
        first = min(faults, key=lambda fault: (_rank(fault), document.line(_place(fault, document)) or 0))
        raise _explain(first, document) from error


def _check_schema(document: Document, content: Mapping[str, Any]) -> None:
    given = content.get("schema")
    if given == SCHEMA:
        return
    if given is not None:
        what = f"the schema is '{given}', but this version reads '{SCHEMA}'"
        raise document.error(("schema",), what, fix=f"Write 'schema: {SCHEMA}'")
    misspelt = next((key for key in content if key.casefold() in ("shema", "schemas", "scheme")), None)
    if misspelt is None:
        raise document.error((), "the key 'schema' is missing", fix=f"Start the file with 'schema: {SCHEMA}'")


def _check_prior_keys(document: Document, content: Mapping[str, Any]) -> None:
    model = content.get("model")
    priors = model.get("priors") if isinstance(model, dict) else None
    for key in priors if isinstance(priors, dict) else ():
        if key != "base" and "->" not in key:
            hint = did_you_mean(key, ("base",))
            fix = "" if hint else "The keys are 'base' and edges such as 'a -> b'"
            what = f"unknown key '{key}' under model.priors.{hint}"
            raise document.error(("model", "priors", key), what, fix=fix)


def _rank(fault: ErrorDetails) -> int:
    return {"extra_forbidden": 0, "missing": 2}.get(fault["type"], 1)


def _place(fault: ErrorDetails, document: Document) -> Place:
    """Return where in the file a fault is: pydantic's location up to what the file holds."""
    place: Place = ()
    for part in fault["loc"]:
        if (*place, part) not in document.lines:
            break
        place = (*place, part)
    return place


def _explain(fault: ErrorDetails, document: Document) -> AnalysisFileError:
    place, last = _place(fault, document), str(fault["loc"][-1])
    kind = fault["type"]
    if kind == "extra_forbidden":
        return _unknown_key(place, last, document)
    if kind == "missing":
        under = f" under {_key(place)}" if place else ""
        return document.error(place, f"the key '{last}' is missing{under}", fix="Add it")
    if kind == "literal_error":
        return _unknown_word(fault, place, document)
    return document.error(place, f"{_key(place) or 'the file'}{_complaint(fault)}")


def _unknown_key(place: Place, key: str, document: Document) -> AnalysisFileError:
    known = known_keys(section_at(place[:-1]))
    under = f" under {_key(place[:-1])}" if len(place) > 1 else ""
    hint = did_you_mean(key, known)
    fix = "" if hint else f"The keys are: {', '.join(known)}"
    return document.error(place, f"unknown key '{key}'{under}.{hint}", fix=fix)


def _unknown_word(fault: ErrorDetails, place: Place, document: Document) -> AnalysisFileError:
    # pydantic lists the words as "'a', 'b' or 'c'".
    known = [word for word in str(fault.get("ctx", {}).get("expected", "")).split("'")[1::2]]
    given = fault["input"]
    what = f"{_key(place)} cannot be {shown(given)}."
    hint = did_you_mean(given, known) if isinstance(given, str) else ""
    return document.error(place, what + hint, fix=f"It is one of: {', '.join(known)}")


def _complaint(fault: ErrorDetails) -> str:
    kind, given, context = fault["type"], shown(fault["input"]), fault.get("ctx", {})
    if kind in _KINDS:
        return f" must be {_KINDS[kind]}, not {given}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f" must be {words} {context[bound]}, not {given}"
    if kind == "too_short" and context.get("min_length") == 1:
        return " is empty"
    if kind in ("too_short", "too_long"):
        return f" must hold {context.get('min_length', context.get('max_length'))} values"
    return ": " + fault["msg"].removeprefix("Value error, ")


def _key(place: Place) -> str:
    """Return 'question.outcomes, item 2'."""
    text = ""
    for part in place:
        text += f", item {part + 1}" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text
