"""Means and cross-products in rational arithmetic."""

from fractions import Fraction

import numpy as np

NODES = ["a", "m", "y", "c"]


def exact_moments(rows, products, reference):
    """Return means and cross-products of the nodes and of products of their deviations from ``reference``."""
    values = [[Fraction(float(v)) for v in rows[name]] for name in NODES]
    deviations = [[v - Fraction(float(point)) for v in column] for column, point in zip(values, reference, strict=False)]
    for product in products:
        factors = [deviations[NODES.index(name)] for name in product]
        values.append([np.prod(row) for row in zip(*factors, strict=True)])
    table = np.array(values, dtype=object)
    mean = table.sum(axis=1) / Fraction(len(rows))
    centred = table - mean[:, None]
    return mean.astype(float), (centred @ centred.T).astype(float)


def assert_exact(moments, frame, *, mean_tolerance=1e-14, cross_tolerance=1e-12, products):
    """Hold every cluster against exact arithmetic; tolerances are relative to values and spreads."""
    for label, rows in frame.groupby("g"):
        got = moments.sel(cluster=str(label))
        reference = got["reference"].values
        np.testing.assert_array_equal(reference[: len(NODES)], got["mean"].values[: len(NODES)])
        mean, cross = exact_moments(rows, products, reference)
        size = np.sqrt(np.diag(cross))
        assert np.all(np.abs(got["mean"].values - mean) <= mean_tolerance * (np.abs(mean) + size / np.sqrt(len(rows))))
        scale = np.outer(size, size)
        assert np.max(np.abs(got["cross"].values - cross) / np.where(scale > 0, scale, 1.0)) < cross_tolerance
