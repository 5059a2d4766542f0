"""A cause of clusters: with a treatment that is one number in each of them, rho is that of clusters' errors."""

import numpy as np
import pandas as pd

from causalcluster import parse_analysis
from causalcluster.pipeline import analyse

TEXT = """\
schema: causalcluster/1
data: {file: none.csv, cluster: district}
nodes: {law: {layer: environment}, unions: {layer: actor}, wage: {layer: outcome}}
edges: [law -> unions, "law, unions -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [unions]}
sampling: {draws: 400, tune: 400, chains: 2}
sensitivity: {rho: [0.5]}
"""
CLUSTERS, ROWS, A, B, RHO = 120, 20, 0.6, 0.5, 0.5


def test_the_curve_at_the_true_correlation_of_clusters_errors_holds_the_effect():
    rng = np.random.default_rng(3)
    law = rng.standard_normal(CLUSTERS)
    error = rng.multivariate_normal([0.0, 0.0], [[0.25, RHO * 0.2], [RHO * 0.2, 0.16]], CLUSTERS)
    unions = A * law + error[:, 0]
    wage = 0.2 * law + B * unions + error[:, 1]
    district = np.repeat(np.arange(CLUSTERS), ROWS)
    own = rng.standard_normal((2, CLUSTERS * ROWS))
    table = pd.DataFrame(
        {
            "district": [f"d{g:03d}" for g in district],
            "law": law[district],
            "unions": unions[district] + own[0],
            # Rows' errors go together too, the other way round: that is another correlation.
            "wage": wage[district] - 0.8 * own[0] + own[1],
        }
    )
    run = analyse(parse_analysis(TEXT, path="x.yaml"), table)
    found = run.sensitivity.curve.query("effect == 'nie' and via == 'unions' and level == 'sample'").set_index("rho")
    assert found.loc[0.0, "lower"] > A * B
    assert found.loc[RHO, "lower"] < A * B < found.loc[RHO, "upper"]
