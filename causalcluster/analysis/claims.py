"""Claims about effects: read by a small grammar, never evaluated as code.

The grammar, with white space free between words::

    claim      = sum (">" | "<" | ">=" | "<=") sum  |  sum "in" "[" sum "," sum "]"
    sum        = product {("+" | "-") product}
    product    = signed {("*" | "/") signed}
    signed     = {"-" | "+"} (number | effect | "(" sum ")")
    effect     = name "(" outcome {"," keyword "=" value} ")"

Sides must be linear in the effects, and the bounds after ``in`` must be numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from causalcluster.analysis.claim_records import Claim, EffectTerm, number_text, render_claim, render_term, same_claim
from causalcluster.analysis.claim_terms import EFFECTS, LEVELS, REGIMES, Names, parse_term
from causalcluster.analysis.claim_tokens import Cursor, Token

__all__ = [
    "EFFECTS",
    "LEVELS",
    "REGIMES",
    "Claim",
    "EffectTerm",
    "number_text",
    "parse_claim",
    "render_claim",
    "render_term",
    "same_claim",
]

MOST_NESTED = 50
"""Parentheses may be nested this deep; more would exhaust the interpreter's stack before it helps a reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linear:
    """constant + sum(coefficient * effect); terms in the order in which they first occur."""

    constant: float
    terms: tuple[tuple[EffectTerm, float], ...] = ()

    def scaled(self, factor: float) -> "_Linear":
        terms = tuple((term, factor * coefficient) for term, coefficient in self.terms)
        return _Linear(constant=factor * self.constant, terms=terms)

    def over(self, divisor: float) -> "_Linear":
        terms = tuple((term, coefficient / divisor) for term, coefficient in self.terms)
        return _Linear(constant=self.constant / divisor, terms=terms)

    def plus(self, other: "_Linear") -> "_Linear":
        summed = dict(self.terms)
        for term, coefficient in other.terms:
            summed[term] = summed.get(term, 0.0) + coefficient
        return _Linear(constant=self.constant + other.constant, terms=tuple(summed.items()))

    @property
    def finite(self) -> bool:
        return math.isfinite(self.constant) and all(math.isfinite(coefficient) for _, coefficient in self.terms)


class _Parser:
    """Recursive descent over the words of one claim."""

    def __init__(self, text: str, names: Names) -> None:
        self.cursor = Cursor(text)
        self.names = names
        self.depth = 0

    def claim(self) -> Claim:
        first = self.cursor.token
        left = self.sum()
        if self.cursor.token.kind == "name" and self.cursor.token.text == "in":
            self.cursor.advance()
            low, high = self.region()
            return self.finished(first, left, low, high)
        sign = self.cursor.accept(">", "<", ">=", "<=")
        if sign is None:
            raise self.not_compared()
        right = self.sum()
        larger, smaller = (left, right) if sign.text.startswith(">") else (right, left)
        return self.finished(first, larger.plus(smaller.scaled(-1.0)), 0.0, math.inf)

    def not_compared(self) -> Exception:
        token = self.cursor.token
        if self.cursor.at_operator("==", "!="):
            hint = "An effect equals a number with probability 0: claim a region with 'in [low, high]'."
            return self.cursor.error(f"'{token.text}' is not a comparison of claims", token, hint=hint)
        if token.kind == "end":
            hint = "End it with '> 0' or 'in [low, high]', for example."
            return self.cursor.error("the claim compares nothing", token, hint=hint)
        hint = "A comparison (> < >= <= or in [low, high]) or an operator (+ - * /) stands here."
        return self.cursor.error(f"{self.cursor.described()} cannot stand here", token, hint=hint)

    def finished(self, first: Token, value: _Linear, low: float, high: float) -> Claim:
        token = self.cursor.token
        if self.cursor.at_operator(">", "<", ">=", "<=", "==", "!=") or token.text == "in":
            hint = "Claim a region with 'in [low, high]'."
            raise self.cursor.error("a claim holds one comparison", token, hint=hint)
        if token.kind != "end":
            raise self.cursor.error(f"{self.cursor.described()} stands after the end of the claim", token)
        terms = tuple((coefficient, term) for term, coefficient in value.terms if coefficient)
        if not terms:
            what = "the effects cancel out" if value.terms else "the claim holds no effect"
            hint = "Name one, such as total(outcome)."
            raise self.cursor.error(what, first, through=token, hint=hint)
        return Claim(text=self.cursor.text, terms=terms, constant=value.constant, low=low, high=high)

    def region(self) -> tuple[float, float]:
        opening = self.cursor.expect("[", hint="Write in [low, high].")
        low = self.bound()
        self.cursor.expect(",", hint="Write in [low, high].")
        high = self.bound()
        closing = self.cursor.expect("]", hint="Write in [low, high].")
        if not low < high:
            what = f"the lower bound {number_text(low)} is not below the upper bound {number_text(high)}"
            raise self.cursor.error(what, opening, through=closing)
        return low, high

    def bound(self) -> float:
        first = self.cursor.token
        value = self.sum()
        if value.terms:
            hint = "Move the effect before 'in'."
            raise self.cursor.error("a bound must be a number", first, hint=hint)
        return value.constant

    def sum(self) -> _Linear:
        value = self.product()
        while sign := self.cursor.accept("+", "-"):
            other = self.product()
            value = self.checked(value.plus(other if sign.text == "+" else other.scaled(-1.0)), sign)
        return value

    def product(self) -> _Linear:
        value = self.signed()
        while sign := self.cursor.accept("*", "/"):
            other = self.signed()
            if sign.text == "/":
                value = self.checked(self.quotient(value, other, sign), sign)
            elif value.terms and other.terms:
                raise self.cursor.error("an effect is multiplied by an effect", sign, hint="Claims are linear in effects.")
            else:
                factor, scaled = (other.constant, value) if value.terms else (value.constant, other)
                value = self.checked(scaled.scaled(factor), sign)
        return value

    def quotient(self, value: _Linear, divisor: _Linear, sign: Token) -> _Linear:
        if divisor.terms:
            hint = "Claims are linear in effects; nie/total is prop_mediated(outcome)."
            raise self.cursor.error("a division by an effect", sign, hint=hint)
        if not divisor.constant:
            raise self.cursor.error("a division by zero", sign)
        return value.over(divisor.constant)

    def checked(self, value: _Linear, place: Token) -> _Linear:
        if not value.finite:
            raise self.cursor.error("the result is not a finite number", place)
        return value

    def signed(self) -> _Linear:
        factor = 1.0
        while sign := self.cursor.accept("+", "-"):
            factor = -factor if sign.text == "-" else factor
        value = self.primary()
        return value.scaled(factor) if factor < 0 else value

    def primary(self) -> _Linear:
        token = self.cursor.token
        if token.kind == "number":
            self.cursor.advance()
            return self.checked(_Linear(constant=float(token.text)), token)
        if self.cursor.at_operator("("):
            return self.parenthesis()
        if token.kind == "name" and token.text != "in":
            self.require_call(token)
            return _Linear(constant=0.0, terms=((parse_term(self.cursor, self.names), 1.0),))
        raise self.cursor.error(f"an effect or a number is missing before {self.cursor.described()}", token)

    def require_call(self, token: Token) -> None:
        called = self.cursor.following.kind == "operator" and self.cursor.following.text == "("
        if not called and token.text not in EFFECTS:
            outcome = token.text in self.names.outcomes
            hint = f"Write total({token.text}), for example." if outcome else "Effects are written total(outcome)."
            raise self.cursor.error(f"'{token.text}' is neither an effect nor a number", token, hint=hint)

    def parenthesis(self) -> _Linear:
        opening = self.cursor.advance()
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self.cursor.error(f"more than {MOST_NESTED} parentheses inside each other", opening)
        value = self.sum()
        self.cursor.expect(")")
        self.depth -= 1
        return value


def parse_claim(text: str, *, outcomes: Sequence[str], mediators: Sequence[str], nodes: Sequence[str] = ()) -> Claim:
    """Parse a claim such as ``nie(log_wage, via=unions) > 0.5 * total(log_wage)``.

    Parameters
    ----------
    text
        The claim.
    outcomes
        The outcomes of the analysis.
    mediators
        Its mediators, in causal order.
    nodes
        All nodes of the diagram; with them, paths may run through and controlled direct effects may hold nodes
        that are not declared mediators, and the names in ``at`` are checked.

    Returns
    -------
    Claim
        The linear combination of effects and the interval claimed for it.

    Raises
    ------
    ClaimError
        The claim does not parse, names something unknown, or is not linear in the effects; the message shows the
        claim with carets under the place.
    """
    return _Parser(text, Names(outcomes=outcomes, mediators=mediators, nodes=nodes)).claim()
