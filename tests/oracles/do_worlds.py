"""Worlds of a linear system by intervention: `pm.do` on a row-level generative PyMC model, nothing fitted."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor

from tests.oracles.systems import Prepared


class Worlds:
    """A generative model of one system's rows whose cluster coefficients are data.

    Every node is its regression on its parents in the user's units, plus the residual that each observed row has
    under the coefficients, centred inside clusters; the model is linear, so any residuals of mean zero would do.
    """

    def __init__(self, prepared: Prepared, table: pd.DataFrame) -> None:
        self.prepared, self.table = prepared, table
        self.index = np.searchsorted(np.array(prepared.arrays.clusters), table["cluster"].to_numpy().astype(str))
        design = prepared.design
        with pm.Model() as self.model:
            self.theta = pm.Data("theta", np.zeros((len(prepared.arrays.clusters), len(design.terms))))
            rng = np.random.default_rng(0)
            nodes = {
                name: pm.Deterministic(name, pm.math.constant(table[name].to_numpy()))
                for name in prepared.graph.nodes
                if name not in design.nodes
            }
            position = 0
            for equation in design.equations:
                noise = rng.standard_normal(len(table))
                noise -= pd.Series(noise).groupby(self.index).transform("mean").to_numpy()
                scale = prepared.scale
                total = 0.0
                for term in equation.terms:
                    value = 1.0
                    for factor in term.factors:
                        value = value * (nodes[factor] - scale.shift[factor]) / scale.scale[factor]
                    if design.centred and term.kind != "intercept":
                        value = value - prepared.arrays.column_mean[term.factors][self.index]
                    total = total + self.theta[self.index, position] * value
                    position += 1
                own = scale.shift[equation.node] + scale.scale[equation.node] * (total + noise)
                nodes[equation.node] = pm.Deterministic(equation.node, own)
        self._functions: dict[tuple[str, tuple[str, ...]], object] = {}

    def mean_by_cluster(self, node: str, theta: np.ndarray, do: dict[str, object]) -> np.ndarray:
        """Return the mean of ``node`` in every cluster under the interventions ``do``."""
        return pd.Series(self.rows(node, theta, do)).groupby(self.index).mean().to_numpy()

    def rows(self, node: str, theta: np.ndarray, do: dict[str, object]) -> np.ndarray:
        """Return ``node`` in every row under the interventions ``do``: numbers, or one value per row."""
        values = {
            name: np.broadcast_to(np.asarray(value, dtype=float), len(self.table)).copy() for name, value in do.items()
        }
        changed = pm.do(self.model, values)
        changed.set_data("theta", theta)
        function = pytensor.function([], changed[node], mode="FAST_COMPILE")
        return np.asarray(function())
