"""Weights under which points of quasi-Monte Carlo have exactly the moments that they should have.

Linear calibration (Deville and Särndal 1992, JASA 87), which is the same as control variates with coefficients fitted by
least squares: whatever the features explain of an integrand carries no Monte Carlo error. The weights do not depend on
the integrand, so one set serves all draws and all worlds.
"""

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_POINTS_PER_FEATURE = 4
_COMPONENTS = 3


def describe_context(table: Floats, weights: Floats) -> Floats:
    """Return the columns of ``table`` (R, C) as uncorrelated components of unit variance (R, components), largest first."""
    centred = table - np.average(table, axis=0, weights=weights)
    root = np.sqrt(weights / weights.sum())[:, None]
    _, size, directions = np.linalg.svd(centred * root, full_matrices=False)
    kept = size > 1e-9 * max(float(size.max(initial=0.0)), 1e-300)
    return np.asarray(centred @ directions[kept].T / size[kept])


def calibrate(weights: Floats, scores: Floats, context: Floats, chosen: Ints, context_weights: Floats) -> Floats:
    """Return weights by which even functions of the scores, the context and their products have exact means.

    Parameters
    ----------
    weights
        (N,) of the points to begin with.
    scores
        (N, D) standard normal. Each point stands for its mirror image too, so odd functions have mean zero already.
    context
        (R, components) from `describe_context`.
    chosen
        (N,) each point's row of context.
    context_weights
        (R,)

    Returns
    -------
    numpy.ndarray
        (N,), adding up to one. As many features are used as there are four points for.
    """
    most = len(weights) // _POINTS_PER_FEATURE
    features, targets = [np.ones(len(weights))], [1.0]
    for feature, target in _features(scores, context, chosen, context_weights / context_weights.sum()):
        if len(features) >= most:
            break
        features.append(feature)
        targets.append(target)
    matrix = np.stack(features, axis=1)
    start = weights / weights.sum()
    missing = np.array(targets) - matrix.T @ start
    gram = (matrix * start[:, None]).T @ matrix
    multiplier = np.linalg.lstsq(gram, missing, rcond=1e-10)[0]
    return np.asarray(start * (1.0 + matrix @ multiplier))


def _features(scores: Floats, context: Floats, chosen: Ints, weights: Floats) -> Iterator[tuple[Floats, float]]:
    """Yield features and their means, the more important ones first."""
    n_scores, n_context = scores.shape[1], min(context.shape[1], _COMPONENTS)
    yield from ((context[chosen, c], 0.0) for c in range(context.shape[1]))
    pairs = list(combinations_with_replacement(range(n_scores), 2))
    products = {pair: scores[:, pair[0]] * scores[:, pair[1]] for pair in pairs}
    pairs.sort(key=lambda pair: pair[0] != pair[1])
    powers = [(c, d) for c, d in combinations_with_replacement(range(n_context), 2)]
    squares = [context[:, c] * context[:, d] for c, d in powers]
    yield from ((square[chosen], float(weights @ square)) for square in squares)
    yield from ((products[pair], float(pair[0] == pair[1])) for pair in pairs)
    for c in range(n_context):
        yield from ((context[chosen, c] * products[pair], 0.0) for pair in pairs)
    for i, j in pairs:
        yield products[i, i] * products[j, j], 3.0 if i == j else 1.0
    for square in squares:
        mean = float(weights @ square)
        yield from ((square[chosen] * products[pair], mean * float(pair[0] == pair[1])) for pair in pairs)
    for c in range(n_context):
        for power in (3, 4):
            yield context[chosen, c] ** power, float(weights @ context[:, c] ** power)
