"""Bulk and tail effective sample size and R-hat of many quantities at once.

The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021, Bayesian Analysis 16) as
arviz-stats computes them, one quantity at a time; with thousands of effects that takes longer than sampling. Here all
steps run over many quantities together.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri
from scipy.stats import rankdata

Floats = NDArray[np.float64]
LEAST_DRAWS = 4
TAIL = 0.05
_NUMBERS_AT_ONCE = 1_000_000


def measure_convergence(values: Floats) -> dict[str, Floats]:
    """Return ``ess_bulk``, ``ess_tail`` and ``r_hat`` (row,) of draws (chain, draw, row).

    Not a number: all three where there are fewer than four draws, or a row is constant or holds no number; ``r_hat``
    with one chain.
    """
    n_chains, n_draws, n_rows = values.shape
    found = np.full((3, n_rows), np.nan)
    if n_draws >= LEAST_DRAWS and n_rows:
        size = max(1, _NUMBERS_AT_ONCE // (n_chains * n_draws))
        starts = range(0, n_rows, size)
        with ThreadPoolExecutor() as pool:
            parts = pool.map(lambda start: _measure(values[:, :, start : start + size]), starts)
            for start, part in zip(starts, parts, strict=True):
                found[:, start : start + size] = part
    if n_chains < 2:
        found[2] = np.nan
    return dict(zip(("ess_bulk", "ess_tail", "r_hat"), found, strict=True))


def _measure(values: Floats) -> Floats:
    rows = np.ascontiguousarray(values.transpose(2, 0, 1))
    usable = np.isfinite(rows).all(axis=(1, 2))
    usable &= np.ptp(rows, axis=(1, 2)) > 0.0
    out = np.full((3, len(rows)), np.nan)
    if not usable.any():
        return out
    rows = rows[usable]
    halves = _split(rows)
    bulk = _rank_normalised(halves)
    middle = np.median(halves, axis=(1, 2), keepdims=True)
    folded = _rank_normalised(np.abs(halves - middle))
    ends = np.quantile(rows, [TAIL, 1.0 - TAIL], axis=(1, 2))[..., None, None]
    tails = [effective_size(_split((rows <= end).astype(float))) for end in ends]
    out[:, usable] = [effective_size(bulk), np.minimum(*tails), np.maximum(_r_hat(bulk), _r_hat(folded))]
    return out


def _split(rows: Floats) -> Floats:
    """Return both halves of every chain as chains of their own (row, 2 chains, half)."""
    half = rows.shape[2] // 2
    return np.concatenate([rows[:, :, :half], rows[:, :, -half:]], axis=1)


def _rank_normalised(rows: Floats) -> Floats:
    flat = rows.reshape(len(rows), -1)
    ranks = rankdata(flat, axis=1)
    normal: Floats = ndtri((ranks - 0.375) / (flat.shape[1] + 0.25)).reshape(rows.shape)
    return normal


def _r_hat(rows: Floats) -> Floats:
    n_draws = rows.shape[2]
    between = n_draws * rows.mean(axis=2).var(axis=1, ddof=1)
    within = rows.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = np.sqrt((between / within + n_draws - 1) / n_draws)
    return ratio


def effective_size(rows: Floats) -> Floats:
    """Return the effective sample size (row,) of the mean of draws (row, chain, draw).

    Geyer's (1992) initial monotone sequence: autocorrelations are added in pairs while a pair is positive, none
    counting for more than the one before it.
    """
    n_chains, n_draws = rows.shape[1:]
    covariance = _mean_autocovariance(rows)
    variance = covariance[:, :1] * n_draws / (n_draws - 1.0)
    total = variance * (n_draws - 1.0) / n_draws
    if n_chains > 1:
        total = total + rows.mean(axis=2).var(axis=1, ddof=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = 1.0 - (variance - covariance) / total
    correlation[:, 0] = 1.0
    even, odd = correlation[:, 0::2], correlation[:, 1::2]
    pairs = even[:, : odd.shape[1]] + odd
    # The last pair looked at: the first that is not positive, or the last for which there are draws enough.
    most = max(0, -(-(n_draws - 4) // 2))
    ended = pairs[:, : most + 1] <= 0.0
    ended[:, -1] = True
    last = ended.argmax(axis=1)
    before = np.arange(pairs.shape[1]) < last[:, None]
    summed = np.where(before, np.minimum.accumulate(pairs, axis=1), 0.0).sum(axis=1)
    at = np.arange(len(rows)), last
    final = np.where(pairs[at] >= 0.0, even[at], np.maximum(even[at], 0.0))
    size = n_chains * n_draws
    effective: Floats = size / np.maximum(-1.0 + 2.0 * summed + final, 1.0 / np.log10(size))
    # Indicators of a tail may be constant in all halves; arviz-stats counts every draw then.
    return np.where(np.ptp(rows, axis=(1, 2)) > 0.0, effective, float(size))


def _mean_autocovariance(rows: Floats) -> Floats:
    """Return autocovariances at every lag, averaged over chains (row, lag)."""
    n_draws = rows.shape[2]
    length = next_fast_len(2 * n_draws, real=True)
    spectrum = rfft(rows - rows.mean(axis=2, keepdims=True), n=length, axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    covariance: Floats = irfft(power, n=length, axis=1)[:, :n_draws] / n_draws
    return covariance
