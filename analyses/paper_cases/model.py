"""What the paper's forty-four episodes say together: a factor model of graded, mostly missing codes.

Run with ``python analyses/paper_cases/model.py``; writes associations.csv and levels.csv beside this file.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from causalcluster.framework import load_framework

FOLDER = Path(__file__).parent
ANCHOR = "out_growth"
"""Its loading is positive: that names the factor's direction."""
ERROR_PRIOR = {"reported": (1.0, 19.0), "inferred": (2.0, 8.0), "hedged": (2.0, 8.0), "prospective": (3.0, 7.0)}
"""Beta priors of the probability that a code is drawn at random, by its status: 5%, 20%, 20%, 30% on average."""
LEAST_TOGETHER = 3
"""Pairs coded together in fewer episodes are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codes:
    """One row for each coded judgement; a variable that is not discussed has none, and is not zero.

    Attributes
    ----------
    episode, variable, status
        (judgement,) positions in the lists below.
    code
        (judgement,) -1, 0 or 1.
    cluster_of, country_of
        (episode,) positions of their clusters and countries.
    episodes, variables, statuses, clusters, countries
        Names.
    """

    episode: np.ndarray
    variable: np.ndarray
    status: np.ndarray
    code: np.ndarray
    cluster_of: np.ndarray
    country_of: np.ndarray
    episodes: tuple[str, ...]
    variables: tuple[str, ...]
    statuses: tuple[str, ...]
    clusters: tuple[str, ...]
    countries: tuple[str, ...]


def read_codes() -> Codes:
    """Return the judgements of the data set `framework`."""
    framework = load_framework()
    cases = framework.cases
    episodes = tuple(f"{case.case_id} {case.episode}" for case in cases)
    clusters = tuple(dict.fromkeys(case.cluster for case in cases))
    countries = tuple(dict.fromkeys(case.country for case in cases))
    variables = tuple(sorted({item.variable for item in framework.judgements}))
    statuses = tuple(ERROR_PRIOR)
    return Codes(
        episode=np.array([episodes.index(f"{item.case_id} {item.episode}") for item in framework.judgements]),
        variable=np.array([variables.index(item.variable) for item in framework.judgements]),
        status=np.array([statuses.index(item.status) for item in framework.judgements]),
        code=np.array([item.code for item in framework.judgements]),
        cluster_of=np.array([clusters.index(case.cluster) for case in cases]),
        country_of=np.array([countries.index(case.country) for case in cases]),
        episodes=episodes,
        variables=variables,
        statuses=statuses,
        clusters=clusters,
        countries=countries,
    )


def build_model(codes: Codes) -> pm.Model:
    """Write the model.

    An episode has one factor, made of its country's, its cluster's and its own share, of variance 1 in all. The code of a
    variable is graded by an ordered logit of its level plus its loading times the factor; with a probability that depends on
    the judgement's status it is one of the three at random instead.
    """
    coords = {
        "variable": list(codes.variables),
        "episode": list(codes.episodes),
        "cluster": list(codes.clusters),
        "country": list(codes.countries),
        "status": list(codes.statuses),
        "part": ["country", "cluster", "episode"],
    }
    anchor = codes.variables.index(ANCHOR)
    alpha, beta = (np.array([ERROR_PRIOR[name][k] for name in codes.statuses]) for k in (0, 1))
    with pm.Model(coords=coords) as model:
        share = pm.Dirichlet("share", np.ones(3), dims="part")
        country = pm.Normal("country_score", dims="country")
        cluster = pm.Normal("cluster_score", dims="cluster")
        own = pm.Normal("episode_score", dims="episode")
        factor = pm.Deterministic(
            "factor",
            pt.sqrt(share[0]) * country[codes.country_of]
            + pt.sqrt(share[1]) * cluster[codes.cluster_of]
            + pt.sqrt(share[2]) * own,
            dims="episode",
        )
        level = pm.Normal("level", 0.0, 1.5, dims="variable")
        raw = pm.Normal("raw_loading", 0.0, 1.0, dims="variable")
        turned = pt.set_subtensor(raw[anchor], pt.abs(raw[anchor]))
        loading = pm.Deterministic("loading", turned, dims="variable")
        width = pm.HalfNormal("width", 0.5)
        error = pm.Beta("error", alpha, beta, dims="status")
        eta = level[codes.variable] + loading[codes.variable] * factor[codes.episode]
        above, below = pm.math.sigmoid(eta - width), pm.math.sigmoid(-eta - width)
        graded = pt.stack([below, 1.0 - above - below, above])[codes.code + 1, np.arange(len(codes.code))]
        wrong = error[codes.status]
        pm.Potential("codes", pt.log((1.0 - wrong) * graded + wrong / 3.0).sum())
    return model


def summarise(codes: Codes, posterior: xr.Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return associations of pairs of variables, and levels of variables."""
    coded = np.zeros((len(codes.episodes), len(codes.variables)), dtype=bool)
    coded[codes.episode, codes.variable] = True
    loading = posterior["loading"].stack(sample=("chain", "draw")).transpose("variable", "sample").values
    rows = []
    for first, second in combinations(range(len(codes.variables)), 2):
        together = int((coded[:, first] & coded[:, second]).sum())
        if together >= LEAST_TOGETHER:
            product = loading[first] * loading[second]
            rows.append(
                {
                    "first": codes.variables[first],
                    "second": codes.variables[second],
                    "episodes": together,
                    "prob_same_direction": round(float((product > 0.0).mean()), 3),
                }
            )
    table = pd.DataFrame(rows)
    table = table.assign(away=(table["prob_same_direction"] - 0.5).abs()).sort_values(
        ["away", "episodes", "first", "second"], ascending=[False, False, True, True], ignore_index=True
    )
    level = posterior["level"].stack(sample=("chain", "draw")).transpose("variable", "sample").values
    levels = pd.DataFrame(
        {
            "variable": codes.variables,
            "judgements": np.bincount(codes.variable, minlength=len(codes.variables)),
            "prob_mostly_positive": np.round((level > 0.0).mean(axis=1), 3),
        }
    )
    return table.drop(columns="away"), levels.sort_values("prob_mostly_positive", ascending=False, ignore_index=True)


def main() -> None:
    """Fit and store."""
    codes = read_codes()
    with build_model(codes):
        tree = pm.sample(
            1000, tune=1000, chains=4, random_seed=1, nuts_sampler="nutpie", progressbar=False, target_accept=0.95
        )
    posterior = tree["posterior"].to_dataset()
    associations, levels = summarise(codes, posterior)
    associations.to_csv(FOLDER / "associations.csv", index=False)
    levels.to_csv(FOLDER / "levels.csv", index=False)
    from arviz_stats import rhat

    worst = max(float(rhat(posterior[[name]])[name].max()) for name in ("loading", "level", "error", "share", "width"))
    shares = posterior["share"].mean(("chain", "draw")).values.round(2)
    print(f"R-hat {worst:.3f}, divergences {int(tree['sample_stats']['diverging'].sum())}, shares {shares}")
    print(associations.head(12).to_string(), levels.to_string(), sep="\n")


if __name__ == "__main__":
    main()
