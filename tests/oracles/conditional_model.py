"""The package's model with the cluster coefficients sampled instead of integrated out, centred or non-centred, on moments."""

import pymc as pm
import pytensor.tensor as pt

from causalcluster.model.build import _coefficient_priors, _intercept_likelihood, _residual_priors
from causalcluster.model.structure import model_data, structure_of
from tests.oracles.row_model import correlation_root
from tests.oracles.systems import Prepared


def conditional_model(prepared: Prepared, *, centred: bool) -> pm.Model:
    """Same priors and same moments as `causalcluster.model.build`; every coefficient varies by cluster."""
    arrays, priors = prepared.arrays, prepared.priors
    n_terms, n_clusters = len(prepared.design.terms), len(arrays.clusters)
    assert len(arrays.varying) == arrays.n_correlated == n_terms
    coords = {
        "coefficient": [term.name for term in prepared.design.terms],
        "varying": range(n_terms),
        "pair": range(len(priors.partial_alpha)),
        "equation": list(prepared.design.nodes),
        "cluster": list(arrays.clusters),
    }
    with pm.Model(coords=coords, check_bounds=False) as model:
        data = {name: pm.Data(name, value) for name, value in model_data(arrays, priors).items()}
        structure = structure_of(prepared.design, arrays, priors)
        mean, tau, partial = _coefficient_priors(structure, data)
        log_sigma = _residual_priors(structure, data)
        _intercept_likelihood(data, log_sigma)
        root = pt.zeros((n_terms, n_terms))
        root = pt.set_subtensor(root[arrays.varying], tau[:, None] * correlation_root(partial, n_terms))
        if centred:
            theta = pm.Flat("theta", shape=(n_clusters, n_terms))
            triangle = tau[:, None] * correlation_root(partial, n_terms)
            away = pt.linalg.solve_triangular(triangle, (theta - mean)[:, arrays.varying].T, lower=True)
            pm.Potential("theta_prior", -0.5 * (away**2).sum() - n_clusters * pt.log(pt.diag(triangle)).sum())
        else:
            raw = pm.Normal("raw", shape=(n_clusters, n_terms))
            theta = mean + raw @ root.T
        precision = pt.exp(-2.0 * log_sigma)
        value = -(data["dof"] * log_sigma).sum() - 0.5 * (precision * data["syy"]).sum()
        for k in range(len(prepared.design.nodes)):
            block = slice(int(arrays.starts[k]), int(arrays.starts[k + 1]))
            own = theta[:, block]
            fitted = (own * data["sxy"][:, block]).sum(1)
            squared = (own[:, :, None] * data["sxx"][:, block, block] * own[:, None, :]).sum((1, 2))
            value = value + (precision[:, k] * (fitted - 0.5 * squared)).sum()
        pm.Potential("moments", value)
        pm.Deterministic("covariance_matrix", root @ root.T)
    return model
