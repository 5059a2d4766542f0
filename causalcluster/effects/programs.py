"""Worlds to one flat program: every distinct answer of a node once, whatever the worlds that need it.

A variable is a node's answer to a treatment value, to its parents' answers and to one stream of noise. Worlds share
variables, so what two worlds have in common is simulated once and cancels exactly in their contrast. The answers of
bernoulli and ordinal nodes are not drawn: every value is followed with its probability, as long as a mean needs no more
than `MOST_BRANCHES` combinations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalcluster.design import Equation, Term
from causalcluster.effects.networks import Network, World
from causalcluster.families import Family, Link

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONSTANT = -1
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
MOST_BRANCHES = 64
_TREATMENT = -1


class Program(NamedTuple):
    """What the compiled code reads; V variables, T means, K equations.

    A factor is -1 for the treatment, v for variable v, V + c for context column c.
    """

    family: Ints  # (V,) code, CONSTANT for a held number
    equation: Ints  # (V,)
    link: Ints  # (V,)
    constant: Floats  # (V,)
    treatment: Floats  # (V,)
    noise: Ints  # (V,) column of the noise, -1 for none
    radix: Ints  # (V,) number of values that are followed, 0 where the answer is drawn
    term_start: Ints  # (V + 1,)
    coefficient: Ints  # (terms,)
    centre: Ints  # (terms,) column of the cluster means, -1 for none
    factor_start: Ints  # (terms + 1,)
    factor: Ints  # (factors,)
    drawn: Ints  # variables that depend on no followed one, in order
    branch_start: Ints  # (T + 1,)
    branch: Ints  # the other variables that a mean needs, in order
    target: Ints  # (T,) variable whose mean is asked for
    shift: Floats  # (K,)
    scale: Floats  # (K,)
    first_threshold: Ints  # (K,)
    first_grade: Ints  # (K,)
    n_grades: Ints  # (K,)
    grade: Floats  # all ordinal nodes' values; 0 and 1 first


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
    """

    program: Program
    position: Mapping[tuple[str, int], int]
    n_noise: int
    centres: tuple[tuple[str, ...], ...]


def compile_worlds(network: Network, asked: Sequence[tuple[str, World]]) -> CompiledWorlds:
    """Write the program that gives the mean of each (outcome, world)."""
    builder = _Builder(network)
    position: dict[tuple[str, int], int] = {}
    for outcome, world in asked:
        variable = builder.mean_of(outcome, world)
        if variable not in builder.targets:
            builder.targets.append(variable)
        position[outcome, id(world)] = builder.targets.index(variable)
    return CompiledWorlds(
        program=builder.program(), position=position, n_noise=max(builder.n_noise, 1), centres=tuple(builder.centres)
    )


@dataclass(slots=True, kw_only=True)
class _Variable:
    """A node's answer; ``parents`` are variables, ``terms`` (coefficient, centre, factors)."""

    equation: int
    treatment: float = 0.0
    constant: float | None = None
    terms: list[tuple[int, int, list[int]]] = field(default_factory=list)
    parents: frozenset[int] = frozenset()
    noise: str | None = None
    radix: int = 0
    column: int = -1


class _Builder:
    """Collects distinct variables; context columns are coded as -2 - c until the number of variables is known."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.equations = {equation.node: k for k, equation in enumerate(network.design.equations)}
        sizes = [len(equation.terms) for equation in network.design.equations]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.variables: list[_Variable] = []
        self.known: dict[object, int] = {}
        self.targets: list[int] = []
        self.centres: dict[tuple[str, ...], int] = {}
        self.n_noise = 0

    def mean_of(self, node: str, world: World) -> int:
        return self._answer(node, world, None)

    def _value_of(self, node: str, world: World) -> int:
        """Return the code of a node's value as a factor."""
        if node in world.held:
            held = world.held[node]
            return self._value_of(node, held) if isinstance(held, World) else self._add(("held", node, held), held, node)
        if node == self.network.design.treatment:
            return _TREATMENT
        if node in self.equations:
            return self._answer(node, world, world.streams.get(node, ""))
        return -2 - self.network.context.columns.index(node)

    def _answer(self, node: str, world: World, stream: str | None) -> int:
        k = self.equations[node]
        equation = self.network.design.equations[k]
        factors = [[self._value_of(factor, world) for factor in term.factors] for term in equation.terms]
        used = any(_TREATMENT in codes for codes in factors)
        treatment = world.treatment[node] if used else 0.0
        key = (node, treatment, tuple(map(tuple, factors)), stream)
        if key not in self.known:
            terms = [
                (int(self.starts[k]) + i, self._centre(term), codes)
                for i, (term, codes) in enumerate(zip(equation.terms, factors, strict=True))
            ]
            parents = frozenset(code for codes in factors for code in codes if code >= 0)
            radix = 0 if stream is None else self._radix(equation)
            self.known[key] = len(self.variables)
            self.variables.append(
                _Variable(equation=k, treatment=treatment, terms=terms, parents=parents, noise=stream, radix=radix)
            )
        return self.known[key]

    def _add(self, key: object, value: float, node: str) -> int:
        if key not in self.known:
            self.known[key] = len(self.variables)
            self.variables.append(_Variable(equation=self.equations.get(node, 0), constant=value))
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
        return 2 if equation.family == "bernoulli" or single else 0

    def program(self) -> Program:
        chains = [self._ancestors(target) for target in self.targets]
        self._limit_branches(chains)
        self._assign_noise()
        followed = self._depends_on_followed()
        branches = [[v for v in chain if followed[v]] for chain in chains]
        needed = sorted({v for chain in chains for v in chain if not followed[v]})
        return Program(
            **self._variable_arrays(),
            **self._term_arrays(),
            drawn=_ints(needed),
            branch_start=_offsets(branches),
            branch=_ints([v for chain in branches for v in chain]),
            target=_ints(self.targets),
            **self._equation_arrays(),
        )

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

    def _limit_branches(self, chains: Sequence[Sequence[int]]) -> None:
        """Draw the answers furthest from the outcome where following all of them would take too many branches."""
        for chain in chains:
            while np.prod([max(self.variables[v].radix, 1) for v in chain]) > MOST_BRANCHES:
                first = next(v for v in chain if self.variables[v].radix)
                self.variables[first].radix = 0

    def _assign_noise(self) -> None:
        """Give each drawn (node, stream) its column; a negative binomial has a second one after it."""
        columns: dict[tuple[int, str], int] = {}
        for variable in self.variables:
            if variable.noise is None or variable.radix:
                continue
            key = (variable.equation, variable.noise)
            if key not in columns:
                columns[key] = self.n_noise
                family = self.network.design.equations[variable.equation].family
                self.n_noise += 2 if family == "negative_binomial" else 1
            variable.column = columns[key]

    def _depends_on_followed(self) -> list[bool]:
        followed: list[bool] = []
        for variable in self.variables:
            followed.append(variable.radix > 0 or any(followed[v] for v in variable.parents))
        return followed

    def _variable_arrays(self) -> dict[str, NDArray[np.generic]]:
        equations = self.network.design.equations
        families, links = [], []
        for variable in self.variables:
            equation = equations[variable.equation]
            single = equation.family == "binomial" and variable.radix == 2
            family = FAMILY_CODES["bernoulli" if single else equation.family]
            families.append(family if variable.constant is None else CONSTANT)
            links.append(LINK_CODES[equation.link])
        return {
            "family": _ints(families),
            "equation": _ints([variable.equation for variable in self.variables]),
            "link": _ints(links),
            "constant": np.array([variable.constant or 0.0 for variable in self.variables]),
            "treatment": np.array([variable.treatment for variable in self.variables]),
            "noise": _ints([variable.column for variable in self.variables]),
            "radix": _ints([variable.radix for variable in self.variables]),
        }

    def _term_arrays(self) -> dict[str, Ints]:
        terms = [term for variable in self.variables for term in variable.terms]
        codes = [[len(self.variables) - 2 - c if c < _TREATMENT else c for c in factors] for _, _, factors in terms]
        return {
            "term_start": _offsets([variable.terms for variable in self.variables]),
            "coefficient": _ints([coefficient for coefficient, _, _ in terms]),
            "centre": _ints([centre for _, centre, _ in terms]),
            "factor_start": _offsets(codes),
            "factor": _ints([code for factors in codes for code in factors]),
        }

    def _equation_arrays(self) -> dict[str, NDArray[np.generic]]:
        grade, first_grade, first_threshold, n_grades = [0.0, 1.0], [], [], []
        thresholds = 0
        for equation in self.network.design.equations:
            values = self.network.grades[equation.node] if equation.family == "ordinal" else np.zeros(0)
            first_grade.append(len(grade) if len(values) else 0)
            first_threshold.append(thresholds)
            n_grades.append(len(values))
            grade += [float(value) for value in values]
            thresholds += max(len(values) - 1, 0)
        nodes = self.network.design.nodes
        return {
            "shift": np.array([self.network.scale.shift[node] for node in nodes]),
            "scale": np.array([self.network.scale.scale[node] for node in nodes]),
            "first_threshold": _ints(first_threshold),
            "first_grade": _ints(first_grade),
            "n_grades": _ints(n_grades),
            "grade": np.array(grade),
        }


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _offsets(items: Sequence[Sequence[object]]) -> Ints:
    return np.concatenate([[0], np.cumsum([len(item) for item in items])]).astype(np.int64)
