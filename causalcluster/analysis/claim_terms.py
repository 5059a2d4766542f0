"""Parsing one effect of a claim: its name, outcome and keyword arguments."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from causalcluster.analysis.claim_records import EffectTerm, number_text
from causalcluster.analysis.claim_tokens import Cursor, Token
from causalcluster.families import EffectScale

EffectName = Literal[
    "total",
    "nde",
    "nie",
    "tnde",
    "pnie",
    "path",
    "cde",
    "int_ref",
    "int_med",
    "ide",
    "iie",
    "overall",
    "prop_mediated",
]
LevelName = Literal["population", "sample", "sample_rows", "cluster", "new", "between_sd"]
RegimeName = Literal["sustained", "pulse"]

EFFECTS: tuple[str, ...] = get_args(EffectName)
LEVELS: tuple[str, ...] = get_args(LevelName)
REGIMES: tuple[str, ...] = get_args(RegimeName)
SCALES: tuple[str, ...] = get_args(EffectScale)
KEYWORDS = ("via", "level", "cluster", "horizon", "regime", "at", "scale")

# The effects that are split among mediators, with what `via` may name beside the mediators.
_SPLIT: dict[str, tuple[str, ...]] = {"nie": ("all",), "iie": ("all", "dependence"), "prop_mediated": ("all",)}
_WHOLE = frozenset({"pnie", "int_med"})
# The effects that hold mediators at values.
_HOLDING = frozenset({"cde", "int_ref"})
# The effects that are no contrast of two means, so that there is no ratio of them.
_DIFFERENCES = frozenset({"path", "int_ref", "int_med", "prop_mediated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that a claim may use: outcomes, mediators in causal order, and all nodes where known."""

    outcomes: Sequence[str]
    mediators: Sequence[str]
    nodes: Sequence[str] = ()

    @property
    def inner(self) -> tuple[str, ...]:
        """What may stand inside a path or be held fixed: the mediators, then the other nodes."""
        return tuple(dict.fromkeys((*self.mediators, *self.nodes)))


@dataclass(slots=True, kw_only=True)
class _Arguments:
    """The keyword arguments read so far, with the words at which they stand."""

    values: dict[str, str]
    places: dict[str, Token]
    fixed: dict[str, str]


def parse_term(cursor: Cursor, names: Names) -> EffectTerm:
    """Parse the effect at the cursor, ``effect(outcome, keyword=value, ...)``.

    Raises
    ------
    ClaimError
        Something is misspelt, unknown, missing or contradictory.
    """
    head = cursor.advance()
    effect = cursor.resolve(head, EFFECTS, "an effect")
    cursor.expect("(", hint=f"Write {effect}(outcome).")
    if cursor.token.kind not in ("name", "string", "number"):
        raise cursor.error(f"{effect} needs an outcome", cursor.token, hint=f"Write {effect}(outcome).")
    outcome = cursor.resolve(cursor.advance(), names.outcomes, "an outcome of this analysis")
    read = _Arguments(values={}, places={}, fixed={})
    while cursor.accept(","):
        _read_argument(cursor, effect, names, read)
    cursor.expect(")")
    via = _fixed_via(cursor, head, effect, read) if effect in _HOLDING else _default_via(cursor, head, effect, read)
    horizon, level = read.values.get("horizon"), _level(cursor, read)
    return EffectTerm(
        effect=effect,
        outcome=outcome,
        via=via,
        level=level,
        cluster=read.values.get("cluster", ""),
        horizon=None if horizon is None else int(horizon),
        regime=read.values.get("regime", ""),
        at=read.values.get("at", ""),
        scale=_scale(cursor, effect, via, level, read),
    )


def _read_argument(cursor: Cursor, effect: str, names: Names, read: _Arguments) -> None:
    key = cursor.token
    if key.kind not in ("name", "string", "number"):
        raise cursor.error(f"an argument is missing before {cursor.described()}", key)
    cursor.advance()
    if not cursor.accept("="):
        hint = f"Write via={cursor.text[key.start : key.end]}." if key.text in names.inner else ""
        raise cursor.error("only the outcome stands without a keyword", key, hint=hint)
    held = effect in _HOLDING and (key.kind != "name" or key.text not in KEYWORDS)
    if held:
        _hold(cursor, read, _held_name(cursor, key, names), key, _signed_number(cursor))
        return
    word = cursor.resolve(key, KEYWORDS, "a keyword of effects")
    if word in read.values:
        raise cursor.error(f"{word} is given twice", key)
    read.places[word] = cursor.token
    read.values[word] = _read_value(cursor, word, effect, names, read)


def _read_value(cursor: Cursor, word: str, effect: str, names: Names, read: _Arguments) -> str:
    if word == "via":
        return _via(cursor, effect, names, read)
    if word == "at":
        return _conditions(cursor, names)
    token = _word(cursor, word)
    if word == "level":
        return cursor.resolve(token, LEVELS, "a level")
    if word == "scale":
        return cursor.resolve(token, SCALES, "a scale")
    if word == "regime":
        return cursor.resolve(token, REGIMES, "a regime")
    if word == "horizon" and not (token.kind == "number" and token.text.isdigit()):
        raise cursor.error("horizon is not a whole number of periods", token)
    if not token.text:
        raise cursor.error(f"the name of the {word} is empty", token)
    return token.text


def _word(cursor: Cursor, keyword: str) -> Token:
    if cursor.token.kind not in ("name", "string", "number"):
        raise cursor.error(f"{keyword}= has no value before {cursor.described()}", cursor.token)
    token = cursor.advance()
    if token.kind != "string" and cursor.token.kind in ("name", "number", "string"):
        hint = f'Quote names with spaces or signs: {keyword}="{token.text} {cursor.token.text}".'
        raise cursor.error(f"two words after {keyword}=", token, through=cursor.token, hint=hint)
    return token


def _signed_number(cursor: Cursor) -> str:
    sign = -1.0 if cursor.accept("-") else 1.0
    token = cursor.token
    if token.kind != "number" or not math.isfinite(float(token.text)):
        raise cursor.error(f"{cursor.described()} is not a finite number", token)
    cursor.advance()
    return number_text(sign * float(token.text))


def _held_name(cursor: Cursor, key: Token, names: Names) -> str:
    if key.text not in names.inner and key.text not in KEYWORDS:
        return cursor.resolve(key, (*names.inner, *KEYWORDS), "a mediator or keyword")
    return cursor.resolve(key, names.inner, "a mediator of this analysis")


def _hold(cursor: Cursor, read: _Arguments, name: str, place: Token, value: str) -> None:
    if name in read.fixed:
        raise cursor.error(f"{name} is held at two values", place)
    read.fixed[name] = value


def _via(cursor: Cursor, effect: str, names: Names, read: _Arguments) -> str:
    token = _word(cursor, "via")
    if effect == "path":
        return _path(cursor, token, names)
    if cursor.at_operator(">"):
        hint = "Close the effect with ')' before the comparison; an effect along one path is path(outcome, via=M1>M2)."
        raise cursor.error(f"{effect} takes one node after via=", cursor.token, hint=hint)
    if effect in _HOLDING:
        _hold_quoted(cursor, effect, token, names, read)
        return token.text
    if effect in _WHOLE:
        return cursor.resolve(token, ("all",), f"what {effect} can go via")
    if effect not in _SPLIT:
        hint = f"Write nie(outcome, via={cursor.text[token.start : token.end]})." if effect == "total" else ""
        raise cursor.error(f"{effect} takes no via", token, hint=hint)
    return cursor.resolve(token, (*_SPLIT[effect], *names.mediators), "a mediator of this analysis")


def _path(cursor: Cursor, first: Token, names: Names) -> str:
    if first.kind == "string" and ">" in first.text:
        parts = [_slice(first, piece) for piece in first.text.split(">")]
    else:
        parts = [first]
    while cursor.accept(">"):
        parts.append(_word(cursor, "via"))
    if [part.text for part in parts] == ["direct"]:
        return "direct"
    found = [cursor.resolve(part, names.inner, "a mediator of this analysis") for part in parts]
    ranks = [names.mediators.index(name) for name in found if name in names.mediators]
    if len(set(found)) < len(found) or ranks != sorted(ranks):
        order = " > ".join(names.mediators)
        raise cursor.error("a path runs in causal order", first, through=parts[-1], hint=f"The order is {order}.")
    return ">".join(found)


def _slice(token: Token, piece: str) -> Token:
    # Escapes make positions inside a quotation inexact, so the error points at all of it.
    return Token(kind="string", text=piece.strip(), start=token.start, end=token.end)


def _hold_quoted(cursor: Cursor, effect: str, token: Token, names: Names, read: _Arguments) -> None:
    for pair in token.text.split(";"):
        name, sign, value = pair.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not sign or not math.isfinite(number):
            hint = f'Write {effect}(outcome, mediator=0) or via="mediator=0".'
            raise cursor.error(f"{pair.strip()!r} does not hold a mediator at a number", token, hint=hint)
        held = cursor.resolve(_slice(token, name), names.inner, "a mediator of this analysis")
        _hold(cursor, read, held, token, number_text(number))


def _conditions(cursor: Cursor, names: Names) -> str:
    cursor.expect("{", hint="Write at={name: value}.")
    pairs: dict[str, str] = {}
    while not pairs or cursor.accept(","):
        token = _word(cursor, "at")
        name = cursor.resolve(token, names.nodes, "a node of this analysis") if names.nodes else token.text
        cursor.expect(":")
        if not name or name in pairs:
            raise cursor.error(f"at= names {name!r} twice" if name else "at= has an empty name", token)
        numeric = cursor.at_operator("-") or cursor.token.kind == "number"
        pairs[name] = _signed_number(cursor) if numeric else _word(cursor, "at").text
    cursor.expect("}")
    return ";".join(f"{name}={value}" for name, value in pairs.items())


def _fixed_via(cursor: Cursor, head: Token, effect: str, read: _Arguments) -> str:
    if not read.fixed:
        hint = f"Write {effect}(outcome, mediator=0)."
        raise cursor.error(f"{effect} needs the values at which mediators are held", head, hint=hint)
    return ";".join(f"{name}={value}" for name, value in read.fixed.items())


def _default_via(cursor: Cursor, head: Token, effect: str, read: _Arguments) -> str:
    if effect == "path" and "via" not in read.values:
        hint = "Write path(outcome, via=M1>M2) or via=direct."
        raise cursor.error("path needs via", head, hint=hint)
    return read.values.get("via", "all" if effect in _SPLIT or effect in _WHOLE else "")


def _level(cursor: Cursor, read: _Arguments) -> str:
    level, cluster = read.values.get("level"), read.values.get("cluster")
    if cluster is not None and level not in (None, "cluster"):
        hint = "Leave out one of them."
        raise cursor.error(f"level={level} contradicts cluster=", read.places["level"], hint=hint)
    if level == "cluster" and cluster is None:
        raise cursor.error("level=cluster needs a cluster", read.places["level"], hint='Write cluster="its name".')
    return "cluster" if cluster is not None else level or "population"


def _scale(cursor: Cursor, effect: str, via: str, level: str, read: _Arguments) -> str:
    scale = read.values.get("scale", "difference")
    if scale == "difference":
        return scale
    place = read.places["scale"]
    if effect in _DIFFERENCES or via == "dependence":
        named = f"{effect} via {via}" if via == "dependence" else effect
        raise cursor.error(f"{named} has no scale but 'difference'", place, hint="It is not a contrast of two means.")
    if level == "between_sd":
        hint = "It is reported for differences."
        raise cursor.error(f"the spread between clusters has no scale '{scale}'", place, hint=hint)
    return scale
