"""Clusters' coefficients of equations with rows, and the conditional population of those with moments.

The coefficients of all equations share one covariance, theta_g = m + C z_g. Coordinates z_g that reach an equation with
rows are sampled (`causalcluster.model.placement`); given them, the other coefficients are normal with mean
m + C_sampled z_g and the root C_rest, and are integrated out.
"""

import numba
import numpy as np

from causalcluster.model.kernel import conditional_log_likelihood
from causalcluster.model.placement import place, place_pullback
from causalcluster.model.roots import factor_pullback, population_root, root_pullback

N_PARAMETERS = 4


@numba.njit(cache=True)
def block(c, rows, columns):  # type: ignore[no-untyped-def]
    """Return c[rows][:, columns]."""
    out = np.empty((rows.shape[0], columns.shape[0]))
    for i in range(rows.shape[0]):
        for j in range(columns.shape[0]):
            out[i, j] = c[rows[i], columns[j]]
    return out


@numba.njit(cache=True)
def shifted(m, c, z):  # type: ignore[no-untyped-def]
    """Return m + C z_g for every cluster: z (G, Q) gives (G, P)."""
    out = np.empty((z.shape[0], m.shape[0]))
    for g in range(z.shape[0]):
        for i in range(m.shape[0]):
            total = m[i]
            for r in range(z.shape[1]):
                total += c[i, r] * z[g, r]
            out[g, i] = total
    return out


@numba.njit(cache=True)
def place_population(  # type: ignore[no-untyped-def]
    mean, tau, partial, raw, varying, row_terms, row_columns, moment_terms, moment_columns, information, pull
):
    """Coefficients of equations with rows (G, P_rows), means (G, P_moments) and root of the others, and a log density.

    Parameters
    ----------
    mean (P,), tau (Q,), partial (R,)
        The population: means, standard deviations and partial correlations.
    raw (G, Q_rows)
        The sampler's coordinates.
    varying (Q,)
        Coefficient behind each standard deviation.
    row_terms, row_columns
        Coefficients of equations with rows, and the columns of the root that reach them.
    moment_terms, moment_columns
        All others.
    information (G, P_rows, P_rows), pull (G, P_rows)
        The guide.

    Returns
    -------
    The log density is that of z_g with the Jacobian of the coordinates, but for a constant.
    """
    _, c = population_root(mean.shape[0], tau, partial, varying)
    m_rows, m_moments = mean[row_terms], mean[moment_terms]
    sampled, across = block(c, row_terms, row_columns), block(c, moment_terms, row_columns)
    z, value = place(m_rows, sampled, raw, information, pull)
    for g in range(z.shape[0]):
        for r in range(z.shape[1]):
            value -= 0.5 * z[g, r] * z[g, r]
    return shifted(m_rows, sampled, z), shifted(m_moments, across, z), block(c, moment_terms, moment_columns), value


@numba.njit(cache=True)
def _scatter(block_gradient, rows, columns, g_c):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        for j in range(columns.shape[0]):
            g_c[rows[i], columns[j]] += block_gradient[i, j]


@numba.njit(cache=True)
def _shifted_pullback(g_out, c, z, g_m, g_c, g_z):  # type: ignore[no-untyped-def]
    for g in range(z.shape[0]):
        for i in range(c.shape[0]):
            g_m[i] += g_out[g, i]
            for r in range(z.shape[1]):
                g_c[i, r] += g_out[g, i] * z[g, r]
                g_z[g, r] += g_out[g, i] * c[i, r]


@numba.njit(cache=True)
def place_population_pullback(  # type: ignore[no-untyped-def]
    mean,
    tau,
    partial,
    raw,
    varying,
    row_terms,
    row_columns,
    moment_terms,
    moment_columns,
    information,
    pull,
    g_rows,
    g_means,
    g_root,
    g_value,
):
    """Gradients with respect to mean, tau, partial and raw from those of the four results of `place_population`."""
    factor, c = population_root(mean.shape[0], tau, partial, varying)
    m_rows = mean[row_terms]
    sampled, across = block(c, row_terms, row_columns), block(c, moment_terms, row_columns)
    z, _ = place(m_rows, sampled, raw, information, pull)
    g_sampled, g_across = np.zeros_like(sampled), np.zeros_like(across)
    g_m_rows, g_m_moments = np.zeros(row_terms.shape[0]), np.zeros(moment_terms.shape[0])
    g_z = -g_value * z
    _shifted_pullback(g_rows, sampled, z, g_m_rows, g_sampled, g_z)
    _shifted_pullback(g_means, across, z, g_m_moments, g_across, g_z)
    more_m, more_sampled, g_raw = place_pullback(m_rows, sampled, raw, information, pull, z, g_z, g_value)
    g_mean, g_c = np.zeros_like(mean), np.zeros_like(c)
    for i in range(row_terms.shape[0]):
        g_mean[row_terms[i]] += g_m_rows[i] + more_m[i]
    for i in range(moment_terms.shape[0]):
        g_mean[moment_terms[i]] += g_m_moments[i]
    _scatter(g_sampled + more_sampled, row_terms, row_columns, g_c)
    _scatter(g_across, moment_terms, row_columns, g_c)
    _scatter(g_root, moment_terms, moment_columns, g_c)
    g_tau, g_factor, g_partial = np.zeros_like(tau), np.zeros_like(factor), np.zeros_like(partial)
    root_pullback(tau, factor, varying, g_c, g_tau, g_factor)
    factor_pullback(partial, g_factor, g_partial)
    return g_mean, g_tau, g_partial, g_raw


@numba.njit(cache=True)
def place_draws(  # type: ignore[no-untyped-def]
    mean, tau, partial, raw, varying, row_terms, row_columns, moment_terms, moment_columns, information, pull
):
    """`place_population` for every draw: mean (S, P), tau (S, Q), partial (S, R) and raw (S, G, Q_rows).

    Returns coefficients (S, G, P_rows), means (S, G, P_moments) and roots (S, P_moments, Q_moments).
    """
    n_draws, n_clusters = raw.shape[0], raw.shape[1]
    sampled = np.empty((n_draws, n_clusters, row_terms.shape[0]))
    means = np.empty((n_draws, n_clusters, moment_terms.shape[0]))
    roots = np.empty((n_draws, moment_terms.shape[0], moment_columns.shape[0]))
    for s in range(n_draws):
        sampled[s], means[s], roots[s], _ = place_population(
            mean[s],
            tau[s],
            partial[s],
            raw[s],
            varying,
            row_terms,
            row_columns,
            moment_terms,
            moment_columns,
            information,
            pull,
        )
    return sampled, means, roots


@numba.njit(cache=True)
def chosen_moments(m, c, log_sigma, dof, sxx, sxy, syy, starts, chosen):  # type: ignore[no-untyped-def]
    """Conditional likelihood of some gaussian equations; the gradient is of all columns of log sigma."""
    own = np.empty((log_sigma.shape[0], chosen.shape[0]))
    for k in range(chosen.shape[0]):
        own[:, k] = log_sigma[:, chosen[k]]
    value, g_m, g_c, g_own = conditional_log_likelihood(m, c, own, dof, sxx, sxy, syy, starts)
    g_sigma = np.zeros_like(log_sigma)
    for k in range(chosen.shape[0]):
        g_sigma[:, chosen[k]] = g_own[:, k]
    return value, g_m, g_c, g_sigma
