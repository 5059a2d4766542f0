"""Log densities of one row under every family but the gaussian, with their derivatives, compiled by numba.

Each function takes the value y, the linear predictor, one more number of the row (trials, log exposure; 0 where there
is none) and the equation's parameters on the log scale, and returns the log density but for what depends on data
alone, its derivative with respect to the linear predictor, and those with respect to the parameters.
"""

import math

from numba import njit

from causalcluster.families import Family, Link
from causalcluster.model.special import digamma

LOGIT, PROBIT, CLOGLOG = 0, 1, 2
LINK_CODES: dict[Link, int] = {"logit": LOGIT, "probit": PROBIT, "cloglog": CLOGLOG, "log": LOGIT, "identity": LOGIT}
"""Families with one link only do not read the code."""
BINOMIAL, POISSON, NEGATIVE_BINOMIAL, STUDENT, LOGNORMAL, BETA, ORDINAL = 0, 1, 2, 3, 4, 5, 6
FAMILY_CODES: dict[Family, int] = {
    "bernoulli": BINOMIAL,
    "binomial": BINOMIAL,
    "poisson": POISSON,
    "negative_binomial": NEGATIVE_BINOMIAL,
    "student": STUDENT,
    "lognormal": LOGNORMAL,
    "beta": BETA,
    "ordinal": ORDINAL,
}
_LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_MOST = 700.0
_LEAST_SHARE = 1e-12


@njit(cache=True)
def log_normal_cdf(x):  # type: ignore[no-untyped-def]
    """Log of the standard normal distribution function, also far out in the tail."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    inverse = 1.0 / (x * x)
    return (
        -0.5 * x * x - math.log(-x) - _LOG_ROOT_TWO_PI + math.log1p(-inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse)))
    )


@njit(cache=True)
def share(eta, link):  # type: ignore[no-untyped-def]
    """Probability at a linear predictor, and its derivative."""
    if link == LOGIT:
        p = 1.0 / (1.0 + math.exp(-eta)) if eta > -_MOST else 0.0
        return p, p * (1.0 - p)
    if link == PROBIT:
        return 0.5 * math.erfc(-eta / math.sqrt(2.0)), math.exp(-0.5 * eta * eta - _LOG_ROOT_TWO_PI)
    t = math.exp(min(eta, _MOST))
    return -math.expm1(-t), t * math.exp(-t)


@njit(cache=True)
def binomial(y, eta, trials, link):  # type: ignore[no-untyped-def]
    """Successes ``y`` of ``trials``; a bernoulli node has one trial."""
    if link == LOGIT:
        if eta > 0.0:
            e = math.exp(-eta)
            return y * eta - trials * (eta + math.log1p(e)), y - trials / (1.0 + e)
        e = math.exp(eta) if eta > -_MOST else 0.0
        return y * eta - trials * math.log1p(e), y - trials * e / (1.0 + e)
    if link == PROBIT:
        up, down = log_normal_cdf(eta), log_normal_cdf(-eta)
        density = -0.5 * eta * eta - _LOG_ROOT_TWO_PI
        slope = y * math.exp(density - up) - (trials - y) * math.exp(density - down)
        return y * up + (trials - y) * down, slope
    t = math.exp(min(eta, _MOST))
    if t < 1e-300:
        return y * eta, y - (trials - y) * t
    positive = y * math.log(-math.expm1(-t)) if y > 0.0 else 0.0
    ratio = t / math.expm1(t) if t < _MOST else 0.0
    return positive - (trials - y) * t, y * ratio - (trials - y) * t


@njit(cache=True)
def poisson(y, eta, log_exposure):  # type: ignore[no-untyped-def]
    mean = math.exp(min(eta + log_exposure, _MOST))
    return y * eta - mean, y - mean


@njit(cache=True)
def negative_binomial(y, eta, log_exposure, log_shape):  # type: ignore[no-untyped-def]
    """Variance mean + mean^2 / shape."""
    r, mean = math.exp(log_shape), math.exp(min(eta + log_exposure, _MOST))
    log_sum = math.log(r + mean)
    value = math.lgamma(y + r) - math.lgamma(r) + r * (log_shape - log_sum) + y * (eta + log_exposure - log_sum)
    slope = y - (y + r) * mean / (r + mean)
    by_shape = digamma(y + r) - digamma(r) + log_shape + 1.0 - log_sum - (y + r) / (r + mean)
    return value, slope, r * by_shape


@njit(cache=True)
def lognormal(log_y, eta, log_sd):  # type: ignore[no-untyped-def]
    """``log_y`` is the logarithm of the value."""
    t = (log_y - eta) * math.exp(-log_sd)
    return -0.5 * t * t - log_sd, t * math.exp(-log_sd), t * t - 1.0


@njit(cache=True)
def student(y, eta, log_sd, log_nu):  # type: ignore[no-untyped-def]
    nu, t = math.exp(log_nu), (y - eta) * math.exp(-log_sd)
    square = t * t
    tail = math.log1p(square / nu)
    value = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * log_nu - log_sd - 0.5 * (nu + 1.0) * tail
    slope = (nu + 1.0) * t / (nu + square) * math.exp(-log_sd)
    by_sd = (nu + 1.0) * square / (nu + square) - 1.0
    by_nu = 0.5 * (digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu - tail)
    by_nu += 0.5 * (nu + 1.0) * square / (nu * (nu + square))
    return value, slope, by_sd, nu * by_nu


@njit(cache=True)
def beta(y, eta, log_precision, link):  # type: ignore[no-untyped-def]
    """Mean and precision: variance mean (1 - mean) / (1 + precision) (Ferrari and Cribari-Neto 2004)."""
    p, slope = share(eta, link)
    p = min(max(p, _LEAST_SHARE), 1.0 - _LEAST_SHARE)
    phi = math.exp(log_precision)
    a, b = p * phi, (1.0 - p) * phi
    log_y, log_rest = math.log(y), math.log1p(-y)
    value = math.lgamma(phi) - math.lgamma(a) - math.lgamma(b) + a * log_y + b * log_rest
    psi_a, psi_b = digamma(a), digamma(b)
    by_share = phi * (psi_b - psi_a + log_y - log_rest)
    by_precision = digamma(phi) - p * psi_a - (1.0 - p) * psi_b + p * log_y + (1.0 - p) * log_rest
    return value, by_share * slope, phi * by_precision


@njit(cache=True)
def between(lower, upper, link):  # type: ignore[no-untyped-def]
    """Probability between two thresholds, computed in the nearer tail; either may be infinite."""
    if link != CLOGLOG and lower > 0.0:
        lower, upper = -upper, -lower
    if link == CLOGLOG:
        below, above = math.exp(min(lower, _MOST)), math.exp(min(upper, _MOST))
        return -math.exp(-below) * math.expm1(below - above)
    return share(upper, link)[0] - (share(lower, link)[0] if lower > -1e300 else 0.0)


@njit(cache=True)
def ordinal(grade, eta, thresholds, link):  # type: ignore[no-untyped-def]
    """``grade`` 0 to J - 1 between ``thresholds`` (J - 1,), which rise.

    The last two results are the derivatives with respect to the threshold below and the one above.
    """
    j, last = int(grade), thresholds.shape[0]
    lower = thresholds[j - 1] - eta if j > 0 else -math.inf
    upper = thresholds[j] - eta if j < last else math.inf
    p = max(between(lower, upper, link), 1e-300)
    f_lower = share(lower, link)[1] if j > 0 else 0.0
    f_upper = share(upper, link)[1] if j < last else 0.0
    return math.log(p), (f_lower - f_upper) / p, -f_lower / p, f_upper / p


@njit(cache=True)
def log_density(y, eta, other, parameters, thresholds, family, link):  # type: ignore[no-untyped-def]
    """Dispatch on the family's code; returns value, slope, and four derivatives: two parameters, two thresholds."""
    if family == BINOMIAL:
        value, slope = binomial(y, eta, other, link)
        return value, slope, 0.0, 0.0, 0.0, 0.0
    if family == POISSON:
        value, slope = poisson(y, eta, other)
        return value, slope, 0.0, 0.0, 0.0, 0.0
    if family == NEGATIVE_BINOMIAL:
        value, slope, first = negative_binomial(y, eta, other, parameters[0])
        return value, slope, first, 0.0, 0.0, 0.0
    if family == STUDENT:
        value, slope, first, second = student(y, eta, parameters[0], parameters[1])
        return value, slope, first, second, 0.0, 0.0
    if family == LOGNORMAL:
        value, slope, first = lognormal(y, eta, parameters[0])
        return value, slope, first, 0.0, 0.0, 0.0
    if family == BETA:
        value, slope, first = beta(y, eta, parameters[0], link)
        return value, slope, first, 0.0, 0.0, 0.0
    value, slope, lower, upper = ordinal(y, eta, thresholds, link)
    return value, slope, 0.0, 0.0, lower, upper
