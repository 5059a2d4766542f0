"""Independent oracle: in random linear systems with correlated errors, an identified effect is recovered.

The truth comes from the structural coefficients; the estimate from the population regressions of each node on
its parents, whose covariances follow from the structural coefficients. No d-separation is involved.
"""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from causalcluster.graph import build_graph
from causalcluster.identification import identify


def regressions(structural: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Population coefficients [parent, node] of each node on its parents."""
    inverse = np.linalg.inv(np.eye(len(structural)) - structural)
    covariance = inverse.T @ errors @ inverse
    fitted = np.zeros_like(structural)
    for node in range(len(structural)):
        own = np.flatnonzero(structural[:, node])
        fitted[own, node] = np.linalg.solve(covariance[np.ix_(own, own)], covariance[own, node])
    return fitted


def effect(coefficients: np.ndarray, names: list[str], mediators: list[str], key: tuple[str, str]) -> float:
    """An effect of A on Y for a unit contrast; coefficients [parent, node]."""
    kind, via = key
    position = {name: index for index, name in enumerate(names)}
    a, y = position["A"], position["Y"]
    if kind == "path":
        stops = [a, *(position[name] for name in via.split(">") if via != "direct"), y]
        return float(np.prod([coefficients[i, j] for i, j in pairwise(stops)]))
    used = coefficients.copy()
    if kind == "cde":
        for held in via.split(";"):
            used[:, position[held.partition("=")[0]]] = 0.0
    onwards = np.linalg.inv(np.eye(len(names)) - used)
    through = {name: used[a, position[name]] * onwards[position[name], y] for name in mediators}
    total = float(onwards[a, y])
    part = through[via] if via in through else sum(through.values())
    held = coefficients.copy()
    held[:, [position[name] for name in mediators]] = 0.0
    around = np.linalg.inv(np.eye(len(names)) - held)
    drawn = {name: onwards[a, position[name]] * around[position[name], y] for name in mediators}
    match kind:
        case "ide":
            return float(around[a, y])
        case "iie":
            return 0.0 if via == "dependence" else float(drawn[via] if via in drawn else sum(drawn.values()))
        case "overall":
            return float(around[a, y] + sum(drawn.values()))
        case "total" | "cde":
            return total
        case "nde" | "tnde":
            return total - sum(through.values())
        case "prop_mediated":
            return float(part / total) if total else np.nan
        case _:
            return float(part)


def random_case(generator: np.random.Generator):
    """A random diagram as text with its names, mediators and pairs that share an unmeasured cause."""
    size = int(generator.integers(3, 8))
    names = [f"V{i}" for i in range(size)]
    first, last = sorted(generator.choice(size, 2, replace=False))
    names[first], names[last] = "A", "Y"
    edges = [(i, j) for j in range(size) for i in range(j) if generator.random() < 0.55]
    pairs = [(i, j) for j in range(size) for i in range(j) if generator.random() < 0.12]
    return names, edges, pairs


def reach(size: int, edges: list[tuple[int, int]]) -> np.ndarray:
    adjacency = np.zeros((size, size))
    for i, j in edges:
        adjacency[i, j] = 1.0
    return np.linalg.inv(np.eye(size) - adjacency) > 0.5


@pytest.fixture(scope="module", name="cases")
def _cases(diagram):
    """Verdicts of random diagrams beside the true and the estimated effects: (key, identified, true, estimated)."""
    generator = np.random.default_rng(20150101)
    rows = []
    while len(rows) < 12_000:
        names, edges, pairs = random_case(generator)
        reached = reach(len(names), edges)
        a, y = names.index("A"), names.index("Y")
        if not reached[a, y]:
            continue
        between = [i for i in range(len(names)) if i not in (a, y) and reached[a, i] and reached[i, y]]
        mediators = [names[i] for i in between if generator.random() < 0.6]
        text = "; ".join(
            [
                *names,
                *(f"{names[i]} -> {names[j]}" for i, j in edges),
                *(f"{names[i]} <-> {names[j]}" for i, j in pairs),
            ]
        )
        fix = tuple((names[i], 0.0) for i in range(len(names)) if i not in (a, y))
        analysis = diagram(text, mediators=" ".join(mediators), fix=fix)
        structural = np.zeros((len(names), len(names)))
        for i, j in edges:
            structural[i, j] = generator.uniform(0.5, 1.5) * generator.choice([-1, 1])
        errors = np.diag(generator.uniform(0.5, 1.5, len(names)))
        for i, j in pairs:
            loadings = np.zeros(len(names))
            loadings[[i, j]] = generator.uniform(0.5, 1.5, 2)
            errors += np.outer(loadings, loadings)
        fitted = regressions(structural, errors)
        for verdict in identify(analysis, build_graph(analysis)):
            key = (verdict.effect, verdict.via)
            truth, estimate = (effect(b, names, mediators, key) for b in (structural, fitted))
            rows.append((text, mediators, verdict, truth, estimate))
    return rows


def test_every_identified_effect_is_recovered_by_the_regressions(cases):
    wrong = [
        (text, mediators, verdict, truth, estimate)
        for text, mediators, verdict, truth, estimate in cases
        if verdict.identified and not np.isclose(truth, estimate, rtol=1e-6, atol=1e-8)
    ]
    assert wrong == []


def test_a_total_effect_that_is_refused_is_one_that_the_regressions_miss(cases):
    """Refusals are not just cautious: at most one in fifty refused totals would have been right."""
    right = [
        bool(np.isclose(truth, estimate, rtol=1e-6, atol=1e-8))
        for _, _, verdict, truth, estimate in cases
        if verdict.effect == "total" and not verdict.identified
    ]
    assert len(right) > 200
    assert np.mean(right) < 0.02


def test_every_kind_of_effect_is_identified_in_some_cases_and_refused_in_others(cases):
    counts = Counter((verdict.effect, verdict.identified) for _, _, verdict, _, _ in cases)
    assert min(counts.values()) > 10
    assert len(counts) == 22
