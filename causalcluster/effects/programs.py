"""Worlds to one flat program: every distinct answer of a node once, whatever the worlds that need it.

A variable is a node's answer to a treatment value, to its parents' answers and to one stream of noise. Worlds share
variables, so what two worlds have in common is simulated once and cancels exactly in their contrast. Discrete answers are
not drawn: every value is followed with its probability, as long as a mean needs no more than `MOST_BRANCHES`
combinations (a count, of which the kernel follows as many values as have any probability, is taken for `COUNT_BRANCHES`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Equation, Term
from causalcluster.effects.networks import Network, World
from causalcluster.families import Family, Link

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FAMILY_CODES: Mapping[Family, int] = {
    "gaussian": 0,
    "lognormal": 1,
    "student": 2,
    "bernoulli": 3,
    "binomial": 4,
    "poisson": 5,
    "negative_binomial": 6,
    "ordinal": 7,
    "beta": 8,
}
LINK_CODES: Mapping[Link, int] = {"identity": 0, "log": 1, "logit": 2, "probit": 3, "cloglog": 4}
_SEEN = "seen"
"""Stands for the noise of variables of which only the predictor is read."""
MOST_BRANCHES = 64
COUNT_BRANCHES = 12


class Program(NamedTuple):
    """What the compiled code reads; V variables, T means.

    A factor is v for variable v, V + c for context column c of C, V + C + f for number f of ``fixed``.

    Attributes
    ----------
    variable
        (V, 10) family code, equation, link code, column of the noise (-1: none), first and last term, first threshold, first
        grade, number of grades, whether it is `ready`.
    number
        (V, 2) shift and scale of the node.
    fixed
        Values of the treatment and of nodes that are held.
    term
        (terms, 4) coefficient, column of the cluster means (-1: none), first and last factor.
    factor
        (factors,) what is multiplied.
    drawn
        Variables that are drawn for all means alike, in order.
    ready
        The other variables that depend on none but these.
    branch_start, branch
        (T + 1,) and the other variables that each mean needs, in order, each with 1 where its values are followed and 0
        where it is drawn.
    target
        (T,) the variable whose mean is asked for.
    sharing
        (T, 2) the mediator whose error the outcome's equation shares, and a variable with its predictor at the treatment
        that the outcome sees; -1 where there is none, or where it is the mediator's own.
    grade
        Values of all ordinal nodes; 0 and 1 come first.
    """

    variable: Ints
    number: Floats
    fixed: Floats
    term: Ints
    factor: Ints
    drawn: Ints
    ready: Ints
    branch_start: Ints
    branch: Ints
    target: Ints
    sharing: Ints
    grade: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledWorlds:
    """The program, which mean belongs to which world, and what its arrays' columns are.

    Attributes
    ----------
    program
        For the kernel.
    position
        Mean of (outcome, world), by the world's identity.
    n_noise
        Columns of noise that it reads.
    centres
        Products whose cluster means it reads, in order.
    behind
        The equations whose coefficients the means of an equation's node need beside its own, by equation.
    codes
        (K, 10) rows like those of `Program.variable`, one for each equation.
    """

    program: Program
    position: Mapping[tuple[str, int], int]
    n_noise: int
    centres: tuple[tuple[str, ...], ...]
    behind: Mapping[int, frozenset[int]]
    codes: Ints


def compile_worlds(network: Network, asked: Sequence[tuple[str, World]], *, sharing: str = "") -> CompiledWorlds:
    """Write the program that gives the mean of each (outcome, world).

    The outcome's equation shares the error of the mediator ``sharing``, where one is named
    (`causalcluster.effects.shared_errors`).
    """
    builder = _Builder(network)
    position: dict[tuple[str, int], int] = {}
    for outcome, world in asked:
        variable = builder.mean_of(outcome, world)
        if variable not in builder.targets:
            builder.targets.append(variable)
            builder.sharing.append(builder.share(sharing, outcome, world) if sharing else (-1, -1))
        position[outcome, id(world)] = builder.targets.index(variable)
    return CompiledWorlds(
        program=builder.program(),
        position=position,
        n_noise=max(builder.n_noise, 1),
        centres=tuple(builder.centres),
        behind=builder.behind(),
        codes=builder.equation_codes(),
    )


_Factor = tuple[Literal["variable", "context", "fixed"], int]
"""Where the value of a factor is found."""


@dataclass(slots=True, kw_only=True)
class _Variable:
    """A node's answer; ``parents`` are variables."""

    equation: int
    terms: list[tuple[int, int, tuple[_Factor, ...]]]
    parents: frozenset[int]
    noise: str | None
    radix: int = 0
    column: int = -1


class _Builder:
    """Collects distinct variables."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.equations = {equation.node: k for k, equation in enumerate(network.design.equations)}
        sizes = [len(equation.terms) for equation in network.design.equations]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.variables: list[_Variable] = []
        self.known: dict[object, int] = {}
        self.targets: list[int] = []
        self.sharing: list[tuple[int, int]] = []
        self.fixed: list[float] = []
        self.centres: dict[tuple[str, ...], int] = {}
        self.n_noise = 0

    def mean_of(self, node: str, world: World) -> int:
        return self._answer(node, world, None)

    def share(self, mediator: str, outcome: str, world: World) -> tuple[int, int]:
        """Return the mediator's answer in a world, and a variable of its predictor at the outcome's treatment value."""
        held = world.held.get(mediator)
        if isinstance(held, float):
            return -1, -1
        origin = world if held is None else held
        own = self._answer(mediator, origin, origin.streams.get(mediator, ""))
        at = {**world.treatment, mediator: world.treatment[outcome]}
        seen = self._answer(mediator, replace(world, treatment=at), _SEEN)
        same = self.variables[own].terms == self.variables[seen].terms
        return (-1, -1) if same else (own, seen)

    def _value_of(self, node: str, world: World, treatment: float) -> _Factor:
        if node in world.held:
            held = world.held[node]
            return self._fix(held) if not isinstance(held, World) else self._value_of(node, held, treatment)
        if node == self.network.design.treatment:
            return self._fix(treatment)
        if node in self.equations:
            return "variable", self._answer(node, world, world.streams.get(node, ""))
        return "context", self.network.context.columns.index(node)

    def _fix(self, value: float) -> _Factor:
        if value not in self.fixed:
            self.fixed.append(value)
        return "fixed", self.fixed.index(value)

    def _answer(self, node: str, world: World, stream: str | None) -> int:
        k = self.equations[node]
        equation, treatment = self.network.design.equations[k], world.treatment[node]
        factors = [tuple(self._value_of(factor, world, treatment) for factor in term.factors) for term in equation.terms]
        key = (node, tuple(factors), stream)
        if key not in self.known:
            terms = [
                (int(self.starts[k]) + i, self._centre(term), found)
                for i, (term, found) in enumerate(zip(equation.terms, factors, strict=True))
            ]
            parents = frozenset(place for found in factors for kind, place in found if kind == "variable")
            radix = 0 if stream in (None, _SEEN) else self._radix(equation)
            self.known[key] = len(self.variables)
            self.variables.append(_Variable(equation=k, terms=terms, parents=parents, noise=stream, radix=radix))
        return self.known[key]

    def _centre(self, term: Term) -> int:
        if not self.network.design.centred or term.kind == "intercept":
            return -1
        return self.centres.setdefault(term.factors, len(self.centres))

    def _radix(self, equation: Equation) -> int:
        if equation.family == "ordinal":
            return len(self.network.grades[equation.node])
        sizes = self.network.context.sizes.get(equation.node)
        single = equation.family == "binomial" and (sizes is None or bool((sizes == 1.0).all()))
        if equation.family == "bernoulli" or single:
            return 2
        return COUNT_BRANCHES if equation.family in ("binomial", "poisson", "negative_binomial") else 0

    def program(self) -> Program:
        chains = [self._ancestors(target) for target in self.targets]
        followed = [self._followed(target, chain) for target, chain in zip(self.targets, chains, strict=True)]
        self._assign_noise(chains, followed)
        alike = self._drawn_alike(frozenset().union(*followed))
        branches = [
            [(v, int(v in follow)) for v in chain if v not in alike] for chain, follow in zip(chains, followed, strict=True)
        ]
        needed = sorted({v for chain in chains for v in chain if v in alike})
        n_variables, n_columns = len(self.variables), len(self.network.context.columns)
        start = {"variable": 0, "context": n_variables, "fixed": n_variables + n_columns}
        codes = [
            [start[kind] + place for kind, place in factors]
            for variable in self.variables
            for _, _, factors in variable.terms
        ]
        others = sorted({v for chain in branches for v, _ in chain})
        ready = [v for v in others if self.variables[v].parents <= alike]
        return Program(
            variable=self._variables(frozenset(ready)),
            number=self._numbers(),
            fixed=np.array(self.fixed, dtype=float),
            term=self._terms(_offsets(codes)),
            factor=_ints([code for factors in codes for code in factors]),
            drawn=_ints(needed),
            ready=_ints(ready),
            branch_start=_offsets(branches),
            branch=np.array([item for chain in branches for item in chain], dtype=np.int64).reshape(-1, 2),
            target=_ints(self.targets),
            sharing=np.array(self.sharing, dtype=np.int64).reshape(-1, 2),
            grade=np.array([0.0, 1.0, *(value for values in self._grades() for value in values)]),
        )

    def behind(self) -> dict[int, frozenset[int]]:
        """Return the equations of the variables behind the means of each equation's node.

        Where predictors are centred, the mean of a predictor in a cluster is that of its own equation, even if it is held.
        """
        found: dict[int, frozenset[int]] = {}
        for target in self.targets:
            used = frozenset(self.variables[v].equation for v in self._ancestors(target))
            k = self.variables[target].equation
            found[k] = found.get(k, frozenset()) | used
        return {k: used | self._centred_at({k} | used) for k, used in found.items()}

    def _centred_at(self, equations: set[int]) -> frozenset[int]:
        if not self.network.design.centred:
            return frozenset()
        terms = (term for k in equations for term in self.network.design.equations[k].terms)
        return frozenset(self.equations[factor] for term in terms for factor in term.factors if factor in self.equations)

    def _ancestors(self, target: int) -> list[int]:
        """Return the variables behind a mean; a variable's number is above its parents'."""
        found: set[int] = set()
        waiting = list(self.variables[target].parents)
        while waiting:
            v = waiting.pop()
            if v not in found:
                found.add(v)
                waiting += self.variables[v].parents
        return sorted(found)

    def _followed(self, target: int, chain: Sequence[int]) -> frozenset[int]:
        """Return the discrete variables behind a mean whose values are followed.

        Where there are too many, those that the outcome does not see itself are drawn first, the earliest before the rest.
        """
        seen = self.variables[target].parents
        discrete = sorted((v for v in chain if self.variables[v].radix), key=lambda v: (v in seen, v))
        while np.prod([self.variables[v].radix for v in discrete]) > MOST_BRANCHES:
            discrete = discrete[1:]
        return frozenset(discrete)

    def _assign_noise(self, chains: Sequence[Sequence[int]], followed: Sequence[frozenset[int]]) -> None:
        """Give each drawn (node, stream) its column; a negative binomial has a second one after it."""
        columns: dict[tuple[int, str], int] = {}
        drawn = {v for chain, follow in zip(chains, followed, strict=True) for v in chain if v not in follow}
        for v, variable in enumerate(self.variables):
            if variable.noise in (None, _SEEN) or not (v in drawn or self._is_count(variable)):
                continue
            key = (variable.equation, variable.noise)
            if key not in columns:
                columns[key] = self.n_noise
                family = self.network.design.equations[variable.equation].family
                self.n_noise += 2 if family == "negative_binomial" else 1
            variable.column = columns[key]

    def _is_count(self, variable: _Variable) -> bool:
        family = self.network.design.equations[variable.equation].family
        return family in ("poisson", "negative_binomial") or (family == "binomial" and variable.radix != 2)

    def _drawn_alike(self, followed: frozenset[int]) -> frozenset[int]:
        """Return the variables that no mean follows, nor any variable behind them."""
        alike: set[int] = set()
        for v, variable in enumerate(self.variables):
            if v not in followed and variable.parents <= alike:
                alike.add(v)
        return frozenset(alike)

    def _grades(self) -> list[list[float]]:
        return [
            [float(value) for value in self.network.grades[equation.node]] if equation.family == "ordinal" else []
            for equation in self.network.design.equations
        ]

    def _variables(self, ready: frozenset[int]) -> Ints:
        first_term = _offsets([variable.terms for variable in self.variables])
        rows = self.equation_codes()[[variable.equation for variable in self.variables]]
        for v, variable in enumerate(self.variables):
            if variable.radix == 2 and self.network.design.equations[variable.equation].family == "binomial":
                rows[v, 0] = FAMILY_CODES["bernoulli"]
            rows[v, 3:6] = variable.column, first_term[v], first_term[v + 1]
            rows[v, 9] = int(v in ready)
        return rows

    def equation_codes(self) -> Ints:
        """Return rows like those of `Program.variable`, one for each equation, without noise and terms."""
        grades = self._grades()
        first_grade = _offsets(grades) + 2
        first_threshold = _offsets([values[1:] for values in grades])
        rows = [
            (
                FAMILY_CODES[equation.family],
                k,
                LINK_CODES[equation.link],
                -1,
                0,
                0,
                first_threshold[k],
                first_grade[k],
                len(own),
            )
            for k, (equation, own) in enumerate(zip(self.network.design.equations, grades, strict=True))
        ]
        codes = np.array([(*row, 0) for row in rows], dtype=np.int64).reshape(-1, 10)
        ungraded = codes[:, 8] == 0
        codes[ungraded, 7], codes[ungraded, 8] = 0, 2
        return codes

    def _numbers(self) -> Floats:
        nodes, scale = self.network.design.nodes, self.network.scale
        rows = [
            [scale.shift[nodes[variable.equation]], scale.scale[nodes[variable.equation]]] for variable in self.variables
        ]
        return np.array(rows, dtype=float)

    def _terms(self, first_factor: Ints) -> Ints:
        terms = [term for variable in self.variables for term in variable.terms]
        rows = [
            (coefficient, centre, first_factor[t], first_factor[t + 1]) for t, (coefficient, centre, _) in enumerate(terms)
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _offsets(items: Sequence[Sequence[object]]) -> Ints:
    return np.concatenate([[0], np.cumsum([len(item) for item in items])]).astype(np.int64)
