"""The log likelihood of one equation's rows and its gradients, one pass over rows that are sorted by cluster."""

import numba
import numpy as np

from causalcluster.model.row_densities import ORDINAL, log_density


@numba.njit(cache=True)
def row_log_likelihood(theta, parameters, thresholds, x, y, other, weight, cluster, family, link):  # type: ignore[no-untyped-def]
    """Log likelihood and gradients with respect to theta, parameters and thresholds.

    theta (G, p), parameters (2,) on the log scale, thresholds (J - 1,), x (R, p), y, other, weight and cluster (R,).
    """
    g_theta, g_parameters, g_thresholds = np.zeros_like(theta), np.zeros(2), np.zeros_like(thresholds)
    total, p = 0.0, x.shape[1]
    for i in range(x.shape[0]):
        w, g = weight[i], cluster[i]
        if w == 0.0:
            continue
        eta = 0.0
        for j in range(p):
            eta += x[i, j] * theta[g, j]
        value, slope, first, second, lower, upper = log_density(y[i], eta, other[i], parameters, thresholds, family, link)
        total += w * value
        for j in range(p):
            g_theta[g, j] += w * slope * x[i, j]
        g_parameters[0] += w * first
        g_parameters[1] += w * second
        if family == ORDINAL:
            grade = int(y[i])
            if grade > 0:
                g_thresholds[grade - 1] += w * lower
            if grade < thresholds.shape[0]:
                g_thresholds[grade] += w * upper
    return total, g_theta, g_parameters, g_thresholds


@numba.njit(cache=True)
def row_information(theta, parameters, thresholds, x, y, other, weight, cluster, family, link):  # type: ignore[no-untyped-def]
    """Score (G, p) and information (G, p, p) of each cluster at theta (G, p); curvatures below zero count as zero.

    The curvature of a row is a central difference of its exact slope.
    """
    n_clusters, p = theta.shape
    score, information = np.zeros((n_clusters, p)), np.zeros((n_clusters, p, p))
    step = 1e-4
    for i in range(x.shape[0]):
        w, g = weight[i], cluster[i]
        eta = 0.0
        for j in range(p):
            eta += x[i, j] * theta[g, j]
        slope = log_density(y[i], eta, other[i], parameters, thresholds, family, link)[1]
        above = log_density(y[i], eta + step, other[i], parameters, thresholds, family, link)[1]
        below = log_density(y[i], eta - step, other[i], parameters, thresholds, family, link)[1]
        curvature = w * max(0.5 * (below - above) / step, 0.0)
        for j in range(p):
            score[g, j] += w * slope * x[i, j]
            for k in range(j + 1):
                information[g, j, k] += curvature * x[i, j] * x[i, k]
    for g in range(n_clusters):
        for j in range(p):
            for k in range(j):
                information[g, k, j] = information[g, j, k]
    return score, information
