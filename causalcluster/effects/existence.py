"""Means that need not exist: what a user should know before an effect on them is trusted."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from causalcluster.design import Design
from causalcluster.families import Family

Floats = NDArray[np.float64]
_MOST_SPREADS = 10.0
_HEAVY: tuple[Family, ...] = ("lognormal", "student", "negative_binomial")


def warn_about_means(design: Design) -> tuple[str, ...]:
    """Return a sentence for every node of a heavy-tailed family that enters an equation with a log link.

    The exponential of a lognormal or student variable has no finite mean, that of a negative binomial one only for small
    coefficients; what is reported is then the mean over the points of the simulation.
    """
    families = {equation.node: equation.family for equation in design.equations}
    found = []
    for equation in design.equations:
        if equation.link != "log":
            continue
        factors = dict.fromkeys(factor for term in equation.terms for factor in term.factors)
        for factor in factors:
            family = families.get(factor)
            if family in _HEAVY:
                found.append(
                    f"{factor} ({family}) enters the equation of {equation.node}, whose link is a logarithm: "
                    f"the mean of {equation.node} may not be finite. Its logarithm, or another family, avoids it."
                )
    return tuple(found)


def robust_spread(values: Floats) -> Floats:
    """Return half the distance of the 16% and 84% quantiles over the last axis: a normal's standard deviation.

    Unlike the standard deviation itself it does not grow with a few draws far out.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.quantile(values, [0.16, 0.84], axis=-1)
        return np.asarray(0.5 * (high - low))


def warn_about_tails(effects: xr.Dataset) -> tuple[str, ...]:
    """Return a sentence where few draws dominate posterior means of effects in the population of clusters.

    Such are means outside the central 90% of the draws, and standard deviations beyond ten times `robust_spread`. Where
    coefficients enter through an exponential, the mean over clusters grows with the exponential of their variance.

    Parameters
    ----------
    effects
        ``effect`` (chain, draw, row) with the coords of `causalcluster.effects.levels.evaluate_effects`. Proportions,
        which have no mean, are passed over.
    """
    keys = {name: effects[name].values for name in ("outcome", "estimand", "via", "level", "at", "scale")}
    chosen = np.flatnonzero((keys["level"] == "population") & (keys["estimand"] != "prop_mediated"))
    values = effects["effect"].transpose("row", "chain", "draw").values[chosen]
    found = [
        _name_row({name: str(key[i]) for name, key in keys.items()})
        for i in chosen[_are_dominated(values.reshape(len(chosen), -1 if len(chosen) else 0))]
    ]
    if not found:
        return ()
    named = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return (
        f"A few draws dominate the posterior mean at level population of {named}: over clusters not yet seen these effects "
        "have tails so long that mean and sd say little. Read the level sample, the average over the observed clusters.",
    )


def _are_dominated(values: Floats) -> NDArray[np.bool_]:
    """Whether few of the draws (row, draw) make up mean or standard deviation."""
    if not values.size:
        return np.zeros(len(values), dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.quantile(values, [0.05, 0.95], axis=1)
        mean, sd = values.mean(axis=1), values.std(axis=1)
        usual = (mean >= low) & (mean <= high) & (sd <= _MOST_SPREADS * robust_spread(values))
        largest = np.abs(values).max(axis=1)
        # Effects that do not differ from draw to draw do so by rounding.
        differs = ~np.isfinite(largest) | (np.ptp(values, axis=1) > 1e-9 * largest)
    return np.asarray(differs & ~usual)


def _name_row(key: dict[str, str]) -> str:
    options = [f"via={key['via']}"] if key["via"] else []
    options += [f"at {key['at']}"] if key["at"] else []
    options += [key["scale"]] if key["scale"] != "difference" else []
    return f"{key['estimand']}({', '.join([key['outcome'], *options])})"
