"""The words of a claim, and errors that point at them with a caret line."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from causalcluster.analysis.claim_records import is_word_character
from causalcluster.errors import ClaimError, did_you_mean

Kind = Literal["number", "name", "string", "operator", "end"]

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TWO = (">=", "<=", "==", "!=")
_ONE = frozenset("+-*/()[]{},:=<>")
# What word processors put in place of the ASCII signs.
_SIGNS = {"−": "-", "≥": ">=", "≤": "<=", "×": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One word: its kind, its text (strings without quotes and escapes) and where it stands, [start, end)."""

    kind: Kind
    text: str
    start: int
    end: int


def _width(text: str) -> int:
    # Terminals draw East Asian wide characters over two cells and combining marks over none.
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    marks = sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)
    return len(text) + wide - marks


def claim_error(text: str, what: str, start: int, end: int, *, hint: str = "") -> ClaimError:
    """Return an error that shows the claim with carets under characters ``start`` to ``end``.

    Parameters
    ----------
    text
        The claim.
    what
        What is wrong, without a full stop.
    start, end
        Positions in ``text``; ``end`` is exclusive.
    hint
        What to do about it, a sentence.
    """
    shown = "".join(character if character.isprintable() else " " for character in text)
    carets = " " * _width(shown[:start]) + "^" * max(1, _width(shown[start:end]))
    sentence = what + "." + (f" {hint.strip()}" if hint else "")
    return ClaimError(f"{sentence}\n  {shown.rstrip()}\n  {carets}")


def _string(text: str, start: int) -> Token:
    quote, position, characters = text[start], start + 1, list[str]()
    while position < len(text) and text[position] != quote:
        if text[position] == "\\" and position + 1 < len(text):
            position += 1
        characters.append(text[position])
        position += 1
    if position >= len(text):
        raise claim_error(text, "the quotation is not closed", start, start + 1, hint=f"Add {quote} after the name.")
    return Token(kind="string", text="".join(characters), start=start, end=position + 1)


def _number_or_name(text: str, start: int) -> Token | None:
    number = _NUMBER.match(text, start)
    if number and not (number.end() < len(text) and is_word_character(text[number.end()])):
        return Token(kind="number", text=number.group(), start=start, end=number.end())
    end = start
    while end < len(text) and is_word_character(text[end]):
        end += 1
    return Token(kind="name", text=text[start:end], start=start, end=end) if end > start else None


def _operator(text: str, start: int) -> Token | None:
    if text[start : start + 2] in _TWO:
        return Token(kind="operator", text=text[start : start + 2], start=start, end=start + 2)
    sign = _SIGNS.get(text[start], text[start])
    known = text[start] in _ONE or text[start] in _SIGNS
    return Token(kind="operator", text=sign, start=start, end=start + 1) if known else None


def tokenize(text: str) -> tuple[Token, ...]:
    """Split a claim into words; the last is of kind ``end``.

    Raises
    ------
    ClaimError
        A quotation is not closed, or a character cannot stand in a claim.
    """
    tokens, position = list[Token](), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if text[position] in "\"'":
            token: Token | None = _string(text, position)
        else:
            token = _number_or_name(text, position) or _operator(text, position)
        if token is None:
            hint = "Names with other characters than letters, digits and '_' stand in quotation marks."
            what = f"{text[position]!r} cannot stand here"
            raise claim_error(text, what, position, position + 1, hint=hint)
        tokens.append(token)
        position = token.end
    tokens.append(Token(kind="end", text="", start=len(text.rstrip()), end=len(text.rstrip()) + 1))
    return tuple(tokens)


class Cursor:
    """A place in the words of one claim.

    Parameters
    ----------
    text
        The claim.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        self._position = 0

    @property
    def token(self) -> Token:
        """The word at the cursor."""
        return self._tokens[self._position]

    @property
    def following(self) -> Token:
        """The word after the cursor's."""
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Step over the word at the cursor and return it."""
        token = self.token
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def at_operator(self, *operators: str) -> bool:
        """Whether one of ``operators`` stands at the cursor."""
        return self.token.kind == "operator" and self.token.text in operators

    def accept(self, *operators: str) -> Token | None:
        """Step over one of ``operators`` and return it, or return None and stay."""
        return self.advance() if self.at_operator(*operators) else None

    def expect(self, operator: str, *, hint: str = "") -> Token:
        """Step over ``operator``; ClaimError where something else stands there."""
        if not self.at_operator(operator):
            raise self.error(f"'{operator}' is missing before {self.described()}", self.token, hint=hint)
        return self.advance()

    def described(self) -> str:
        """Return the word at the cursor as an error message names it."""
        token = self.token
        return "the end of the claim" if token.kind == "end" else repr(self.text[token.start : token.end])

    def error(self, what: str, token: Token, *, hint: str = "", through: Token | None = None) -> ClaimError:
        """Return an error that points at ``token``, or at all words from it to ``through``."""
        return claim_error(self.text, what, token.start, (through or token).end, hint=hint)

    def resolve(self, token: Token, candidates: Iterable[str], kind: str) -> str:
        """Return the candidate that ``token`` names; ClaimError with the nearest one where there is none."""
        known = list(candidates)
        form = unicodedata.normalize("NFC", token.text)
        for candidate in known:
            if unicodedata.normalize("NFC", candidate) == form:
                return candidate
        listed = ", ".join(known) or "none"
        hint = did_you_mean(token.text, known) or f"There is: {listed}."
        raise self.error(f"'{token.text}' is not {kind}", token, hint=hint)
