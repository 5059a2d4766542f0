"""Distribution functions and their inverses as compiled code, the latter functions of a standard normal score.

A draw is the quantile at Phi(z), so that one set of scores serves all coefficient draws and worlds and a draw moves
smoothly with the parameters. Those of student and gamma depend on a parameter that is fixed within a posterior draw: they
are tabulated and interpolated by cubics (Catmull and Rom 1974), to a relative error below 1e-5.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, gammaincinv, log_ndtr, ndtr, stdtrit

Floats = NDArray[np.float64]

HALF_WIDTH = 7.0
N_NODES = 113
_STEP = 2.0 * HALF_WIDTH / (N_NODES - 1)
_NODES = np.linspace(-HALF_WIDTH, HALF_WIDTH, N_NODES)
_WIDE = 1e4
_FROM_ZERO = 80.0


def gamma_table(shape: Floats) -> Floats:
    """Tabulate the logarithm of a gamma of mean one: shape (...,) gives (..., N_NODES); zeros where shape is infinite."""
    shape = np.asarray(shape, dtype=float)
    a = np.where(np.isfinite(shape), shape, 1.0)[..., None]
    lower, upper = gammaincinv(a, ndtr(_NODES)), gammainccinv(a, ndtr(-_NODES))
    value = np.where(_NODES < 0.0, lower, upper)
    # As x goes to zero, P(a, x) goes to x^a / Gamma(a + 1).
    tiny = (log_ndtr(_NODES) + _log_gamma(a + 1.0)) / a
    with np.errstate(divide="ignore"):
        logs = np.where(value > 1e-290, np.log(np.maximum(value, 1e-300)), tiny) - np.log(a)
    return np.where(np.isfinite(shape)[..., None], logs, 0.0)


def student_table(nu: Floats) -> Floats:
    """Tabulate log(t / z) of Student's t with nu (...,) degrees of freedom: (..., N_NODES), symmetric about zero."""
    nu = np.asarray(nu, dtype=float)[..., None]
    away = -np.abs(_NODES)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(stdtrit(nu, ndtr(away)) / away)
    # At zero the ratio is that of the densities.
    at_zero = _log_gamma(nu / 2.0) - _log_gamma((nu + 1.0) / 2.0) + 0.5 * np.log(nu / 2.0)
    return np.where(_NODES == 0.0, at_zero, ratio)


def _log_gamma(x: Floats) -> Floats:
    from scipy.special import gammaln

    return np.asarray(gammaln(x))


@numba.njit(cache=True, nogil=True, _nrt=False)
def interpolate(tables, k, z):  # type: ignore[no-untyped-def]
    """Return tabulated function k of ``tables`` (K, nodes) at z; beyond the table it goes on as a straight line."""
    at = (z + HALF_WIDTH) / _STEP
    i = min(max(math.floor(at), 0), N_NODES - 2)
    x = at - i
    left, right = tables[k, i], tables[k, i + 1]
    if x < 0.0 or x > 1.0:
        return left + x * (right - left)
    before = tables[k, i - 1] if i > 0 else 2.0 * left - right
    after = tables[k, i + 2] if i < N_NODES - 2 else 2.0 * right - left
    slope, next_slope = 0.5 * (right - before), 0.5 * (after - left)
    bend = 3.0 * (right - left) - 2.0 * slope - next_slope
    return left + x * (slope + x * (bend + x * (slope + next_slope - 2.0 * (right - left))))


@numba.njit(cache=True, nogil=True, _nrt=False)
def normal_cdf(z):  # type: ignore[no-untyped-def]
    """Return Phi(z)."""
    return 0.5 * math.erfc(-z * math.sqrt(0.5))


@numba.njit(cache=True, nogil=True, _nrt=False)
def normal_quantile(u):  # type: ignore[no-untyped-def]
    """Return the score z at which Phi(z) = u, by Halley steps from Abramowitz and Stegun (1964), 26.2.23."""
    if u <= 0.0:
        return -math.inf
    if u >= 1.0:
        return math.inf
    tail = min(u, 1.0 - u)
    root = math.sqrt(-2.0 * math.log(tail))
    top = 2.515517 + root * (0.802853 + 0.010328 * root)
    z = root - top / (1.0 + root * (1.432788 + root * (0.189269 + 0.001308 * root)))
    for _ in range(2):
        step = (tail - 0.5 * math.erfc(z * math.sqrt(0.5))) * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)
        z -= step / (1.0 + 0.5 * z * step)
    return -z if u < 0.5 else z


@numba.njit(cache=True, nogil=True, _nrt=False)
def poisson_cdf(count, mean):  # type: ignore[no-untyped-def]
    """Return P(N <= count); above a mean of 1,000 by the cube root of a gamma (Wilson and Hilferty 1931)."""
    if count < 0.0:
        return 0.0
    if mean <= 0.0:
        return 1.0
    if mean > 1000.0:
        a = count + 1.0
        return normal_cdf(-((mean / a) ** (1.0 / 3.0) - 1.0 + 1.0 / (9.0 * a)) * 3.0 * math.sqrt(a))
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1.0))
    if count > mean:
        above, term = 0.0, term * mean / (count + 1.0)
        while term > 1e-18 * above and term > 0.0:
            above += term
            count += 1.0
            term *= mean / (count + 1.0)
        return max(0.0, 1.0 - above)
    total = 0.0
    while count >= 0.0 and term > 1e-18 * total:
        total += term
        term *= count / mean
        count -= 1.0
    return min(1.0, total)


@numba.njit(cache=True, nogil=True, _nrt=False)
def binomial_cdf(count, trials, share):  # type: ignore[no-untyped-def]
    """Return P(N <= count), an incomplete beta."""
    if count < 0.0:
        return 0.0
    if count >= trials or share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 0.0
    return _incomplete_beta(1.0 - share, trials - count, count + 1.0)


@numba.njit(cache=True, nogil=True, _nrt=False)
def negative_binomial_cdf(count, mean, shape):  # type: ignore[no-untyped-def]
    """Return P(N <= count) of a count of this mean, and variance mean + mean^2 / shape; an incomplete beta."""
    if count < 0.0:
        return 0.0
    return _incomplete_beta(shape / (shape + mean), shape, count + 1.0) if mean > 0.0 else 1.0


@numba.njit(cache=True, nogil=True, _nrt=False)
def beta_cdf(x, mean, precision):  # type: ignore[no-untyped-def]
    """Return the distribution function of a beta with this mean and precision a + b."""
    if x <= 0.0 or mean >= 1.0:
        return 0.0
    if x >= 1.0 or mean <= 0.0:
        return 1.0
    return _incomplete_beta(x, mean * precision, (1.0 - mean) * precision)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _incomplete_beta(x, a, b):  # type: ignore[no-untyped-def]
    return min(1.0, max(0.0, _beta_cdf(x, a, b, math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))))


@numba.njit(cache=True, nogil=True, _nrt=False)
def poisson_quantile(z, u, mean):  # type: ignore[no-untyped-def]
    """Return the count whose distribution function first reaches u = Phi(z); Cornish-Fisher above a mean of 10,000."""
    if mean <= 0.0:
        return 0.0
    sd = math.sqrt(mean)
    if mean > _WIDE:
        return max(0.0, math.floor(mean + sd * z + (z * z - 1.0) / 6.0 + 0.5))
    count, mass = 0.0, math.exp(-mean)
    if mean > _FROM_ZERO:
        count = math.floor(mean - 9.0 * sd)
        mass = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1.0))
    reached, most = mass, mean + 40.0 * sd + 60.0
    while reached < u and count < most:
        count += 1.0
        mass *= mean / count
        reached += mass
    return count


@numba.njit(cache=True, nogil=True, _nrt=False)
def binomial_quantile(z, u, trials, share):  # type: ignore[no-untyped-def]
    """Return the successes whose distribution function first reaches u = Phi(z)."""
    if share <= 0.0 or trials <= 0.0:
        return 0.0
    if share >= 1.0:
        return trials
    mean = trials * share
    sd = math.sqrt(mean * (1.0 - share))
    if sd * sd > _WIDE:
        skewed = mean + sd * z + (z * z - 1.0) * (1.0 - 2.0 * share) / 6.0
        return min(max(0.0, math.floor(skewed + 0.5)), trials)
    odds, rest = share / (1.0 - share), math.log1p(-share)
    count, mass = 0.0, math.exp(trials * rest)
    if -trials * rest > _FROM_ZERO:
        count = max(0.0, math.floor(mean - 9.0 * sd))
        log_mass = math.lgamma(trials + 1.0) - math.lgamma(count + 1.0) - math.lgamma(trials - count + 1.0)
        mass = math.exp(log_mass + count * math.log(share) + (trials - count) * rest)
    reached = mass
    while reached < u and count < trials:
        mass *= odds * (trials - count) / (count + 1.0)
        count += 1.0
        reached += mass
    return count


@numba.njit(cache=True, nogil=True, _nrt=False)
def beta_quantile(u, mean, precision):  # type: ignore[no-untyped-def]
    """Return the quantile of a beta with this mean and precision a + b (Halley steps: Press et al. 2007, 6.14)."""
    a, b = mean * precision, (1.0 - mean) * precision
    if a <= 0.0:
        return 0.0
    if b <= 0.0:
        return 1.0
    norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    x = _beta_start(u, a, b)
    low, high = 0.0, 1.0
    for _ in range(60):
        if x <= 0.0 or x >= 1.0:
            return min(max(x, 0.0), 1.0)
        error = _beta_cdf(x, a, b, norm) - u
        if error > 0.0:
            high = x
        else:
            low = x
        density = math.exp(norm + (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x))
        step = error / density if density > 0.0 else 0.0
        step /= 1.0 - 0.5 * min(1.0, max(-1.0, step * ((a - 1.0) / x - (b - 1.0) / (1.0 - x))))
        after = x - step
        if not low < after < high or density <= 0.0:
            after = 0.5 * (low + high)
        if abs(after - x) <= 1e-8 * min(after, 1.0 - after):
            return after
        x = after
    return x


@numba.njit(cache=True, nogil=True, _nrt=False)
def _beta_start(u, a, b):  # type: ignore[no-untyped-def]
    if a >= 1.0 and b >= 1.0:
        tail = math.sqrt(-2.0 * math.log(u if u < 0.5 else 1.0 - u))
        x = (2.30753 + tail * 0.27061) / (1.0 + tail * (0.99229 + tail * 0.04481)) - tail
        x = -x if u < 0.5 else x
        al = (x * x - 3.0) / 6.0
        h = 2.0 / (1.0 / (2.0 * a - 1.0) + 1.0 / (2.0 * b - 1.0))
        w = x * math.sqrt(al + h) / h - (1.0 / (2.0 * b - 1.0) - 1.0 / (2.0 * a - 1.0)) * (al + 5.0 / 6.0 - 2.0 / (3.0 * h))
        return a / (a + b * math.exp(2.0 * w))
    left, right = math.exp(a * math.log(a / (a + b))) / a, math.exp(b * math.log(b / (a + b))) / b
    w = left + right
    if u < left / w:
        return math.exp(math.log(a * w * u) / a)
    return 1.0 - math.exp(math.log(b * w * (1.0 - u)) / b)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _beta_cdf(x, a, b, norm):  # type: ignore[no-untyped-def]
    front = math.exp(norm + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


@numba.njit(cache=True, nogil=True, _nrt=False)
def _beta_fraction(x, a, b):  # type: ignore[no-untyped-def]
    """Return the continued fraction of the incomplete beta function by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    total = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a - 1.0 + 2.0 * m) * (a + 2.0 * m))
        d = 1.0 + even * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + even / c
        c = c if abs(c) > tiny else tiny
        total *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 1.0 + 2.0 * m))
        d = 1.0 + odd * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + odd / c
        c = c if abs(c) > tiny else tiny
        total *= d * c
        if abs(d * c - 1.0) < 1e-12:
            break
    return total
