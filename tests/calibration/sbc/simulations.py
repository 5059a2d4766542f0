"""simuk's simulation-based calibration with parameters, tables and fits of a `Harness`."""

from functools import lru_cache
from typing import Any

import numpy as np
import simuk
import xarray as xr

from causalcluster.model.build import build_model
from tests.calibration.sbc.generate import RefusedError
from tests.calibration.sbc.harness import Data, Harness, fit, quantities, set_up, simulate, truth
from tests.calibration.sbc.systems import SYSTEMS

GROUP = "prior_sbc"


class RefitSBC(simuk.SBC):
    """simuk's loop and ranks, with the compiled refit in place of `pymc.sample`.

    The population's parameters have a prior that PyMC cannot draw from as the model is written for the sampler (flat
    coordinates and potentials), so reference parameters come from the package's own prior draws.

    Parameters
    ----------
    harness
        The system.
    model
        Its PyMC model, from which simuk takes the engine alone.
    data
        Tables by replicate.
    """

    def __init__(self, harness: Harness, model: Any, data: dict[int, Data]) -> None:
        self.harness, self.data = harness, data
        self.seen: dict[int, dict[str, float]] = {}
        super().__init__(
            model,
            num_simulations=len(data),
            seed=0,
            simulator=lambda **_: {},
            keep_fits=False,
            progress_bar=False,
        )

    def _get_prior_predictive_samples(self) -> tuple[xr.Dataset, xr.Dataset]:
        replicates = list(self.data)
        rows = [quantities(self.harness, self.data[i], truth(self.harness, i)) for i in replicates]
        reference = xr.concat([_as_dataset(row) for row in rows], dim="sample")
        return reference, xr.Dataset({"replicate": ("sample", np.array(replicates))})

    def _get_posterior_samples(self, replicated_data: dict[str, np.ndarray]) -> xr.Dataset:
        replicate = int(replicated_data["replicate"])
        draws, self.seen[replicate] = fit(self.harness, self.data[replicate], replicate)
        return _as_dataset(quantities(self.harness, self.data[replicate], draws))


def _as_dataset(values: dict[str, np.ndarray]) -> xr.Dataset:
    """Return quantities (S,) as one variable (sample, quantity)."""
    return xr.Dataset(
        {"value": (("sample", "quantity"), np.stack(list(values.values()), axis=1))}, coords={"quantity": list(values)}
    )


class Runner:
    """A compiled system that ranks replicates."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.model = build_model(harness.design, harness.arrays, harness.priors)

    def rank(self, replicates: list[int]) -> list[dict[str, Any]]:
        """Return, for every replicate, its ranks by quantity and what was seen of its fit, or why it was refused."""
        data, refused = {}, []
        for i in replicates:
            try:
                data[i] = simulate(self.harness, i)
            except RefusedError as error:
                refused.append({"replicate": i, "refused": str(error)})
        if not data:
            return refused
        sbc = RefitSBC(self.harness, self.model, data)
        sbc.run_simulations()
        if sbc._simulations_complete != len(data):  # simuk logs what went wrong, and returns
            raise RuntimeError(f"{self.harness.system.name}: a replicate of {list(data)} failed")
        ranks = sbc.simulations[GROUP]["value"].values[0]
        names = list(sbc.ref_params["quantity"].values)
        # simuk goes through the samples in an order of its own.
        order = np.random.default_rng(sbc.seed).choice(len(data), size=len(data), replace=False)
        done = [
            {"replicate": i, "ranks": dict(zip(names, map(int, row), strict=True)), "seen": sbc.seen[i]}
            for i, row in zip(np.array(list(data))[order].tolist(), ranks, strict=True)
        ]
        return sorted(refused + done, key=lambda item: item["replicate"])


@lru_cache(maxsize=1)
def _runner(name: str) -> Runner:
    return Runner(set_up(SYSTEMS[name]))


def rank(name: str, replicates: list[int]) -> list[dict[str, Any]]:
    """Rank some replicates of a system, which a process compiles once."""
    return _runner(name).rank(replicates)
