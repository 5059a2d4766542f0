"""A policy that starts at different times: effects in the clusters of each start beside those in all of them."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causalcluster.analysis.claim_records import name_effect
from causalcluster.moments.adoption import Adoption

Floats = NDArray[np.float64]
_EFFECTS = ("total", "nde", "nie")


def compare_cohorts(
    adoption: Adoption | None, effects: xr.Dataset, *, ci_prob: float, outcomes: Collection[str]
) -> pd.DataFrame | None:
    """Average the clusters' effects over each start of the policy.

    Parameters
    ----------
    adoption
        When clusters took up the policy; None where it is no such policy.
    effects
        Draws of effects, those of clusters among them.
    ci_prob
        Probability of the intervals.
    outcomes
        The question's.

    Returns
    -------
    pandas.DataFrame or None
        The columns of cohorts.csv: by outcome, effect, via and ``cohort``, the period of the start, how many ``clusters``
        these are, ``mean``, ``sd``, ``median``, ``lower``, ``upper``, and ``prob_above_others``, the probability that the
        effect is above the average of the other starts' clusters. None without starts or without effects of clusters.
    """
    if adoption is None:
        return None
    frame = pd.DataFrame(
        {name: effects[name].values for name in ("outcome", "estimand", "via", "level", "cluster", "at", "scale")}
    )
    own = frame[(frame["level"] == "cluster") & (frame["at"] == "") & (frame["scale"] == "difference")]
    own = own[own["estimand"].isin(_EFFECTS) & own["outcome"].isin(list(outcomes))]
    values = effects["effect"].values
    tail, rows = (1.0 - ci_prob) / 2.0, []
    for (outcome, effect, via), part in own.groupby(["outcome", "estimand", "via"], sort=False):
        place = dict(zip(part["cluster"], part.index, strict=True))
        draws = {
            label: values[..., [place[name] for name in clusters if name in place]].mean(axis=-1).ravel()
            for label, clusters in adoption.cohorts.items()
            if any(name in place for name in clusters)
        }
        sizes = {label: sum(name in place for name in adoption.cohorts[label]) for label in draws}
        for label, draw in draws.items():
            others = [sizes[name] * draws[name] for name in draws if name != label]
            rest = sum(others) / max(sum(sizes[name] for name in draws if name != label), 1)
            lower, median, upper = np.quantile(draw, [tail, 0.5, 1.0 - tail])
            rows.append(
                {"outcome": outcome, "effect": effect, "via": via, "cohort": label, "clusters": sizes[label]}
                | {"mean": float(draw.mean()), "sd": float(draw.std(ddof=1)), "median": float(median)}
                | {"lower": float(lower), "upper": float(upper), "ci_prob": ci_prob}
                | {"prob_above_others": float((draw > rest).mean()), "reason": ""}
            )
    return pd.DataFrame(rows) if rows else None


def cohort_warnings(table: pd.DataFrame | None, adoption: Adoption | None, *, time_effects: str) -> tuple[str, ...]:
    """Return a sentence for every effect that differs between starts of the policy by more than chance.

    The level is divided by the number of starts.
    """
    if table is None or adoption is None:
        return ()
    said = []
    for (outcome, effect, via), part in table.groupby(["outcome", "effect", "via"], sort=False):
        tail = (1.0 - float(part["ci_prob"].iloc[0])) / 2.0 / len(part)
        apart = part[(part["prob_above_others"] < tail) | (part["prob_above_others"] > 1.0 - tail)]
        if apart.empty or (effect, via) == ("nie", "all"):
            continue
        name = name_effect(str(effect), str(outcome), str(via))
        shown = ", ".join(f"{row['mean']:.3g} where it began in {row['cohort']}" for row in part.to_dict("records"))
        said.append(f"{name} differs by when the policy began: {shown} (cohorts.csv){_weights(adoption, time_effects)}")
    return tuple(said)


def _weights(adoption: Adoption, time_effects: str) -> str:
    if time_effects == "none" or not adoption.negative:
        return ""
    return (
        f"; a regression with effects of clusters and periods weights {adoption.negative} of the {adoption.treated} cells "
        "with the policy negatively, so that an average may have another sign than every effect in it"
    )
