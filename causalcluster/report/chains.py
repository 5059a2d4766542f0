"""Figures of the sampler: whether the chains agree, and whether it explored the whole posterior."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level
from causalcluster.report.canvas import (
    BLUE,
    GREY,
    ORANGE,
    canvas_settings,
    drawable,
    embed_svg,
    short_name,
    to_svg,
)
from causalcluster.report.figures import headline_rows
from causalcluster.report.records import Draws, EffectRow, Figure, FinishedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID: Final = np.linspace(0.0, 1.0, 101)
_COLOURS: Final = (BLUE, ORANGE, "#1d6b3a", "#7b3f98", "#8a6d00", "#a3211b", "#00757a", "#444444")
_SIMULATIONS: Final = 400


def draw_ranks(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw each chain's ranks among all draws of the main effects; None with one chain or few draws.

    The lines are differences between the empirical distribution of a chain's ranks and the uniform one (Vehtari et
    al. 2021; Saeilynoja, Buerkner and Vehtari 2022).
    """
    rows = [row for row in headline_rows(run, outcome, main_level(run)) if drawable(run.draws.get(row.key))]
    if not rows or run.chains < 2:
        return None
    labels = labels_of(run)
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    with canvas_settings():
        import matplotlib.pyplot as plt

        canvas, axes = plt.subplots(lines, columns, figsize=(2.9 * columns, 1.75 * lines), sharey=True, squeeze=False)
        for axis in axes.ravel()[len(rows) :]:
            axis.set_visible(False)
        for axis, row in zip(axes.ravel(), rows, strict=False):
            _fill_ranks(axis, _thin(run.draws[row.key], row))
            axis.set_title(short_name(words.effect_name(row.key, labels), 34))
        canvas.tight_layout()
        svg = to_svg(canvas)
    return Figure(
        source=embed_svg(svg),
        alt=(
            f"Rank plot of {words.counted(run.chains, 'chain')} for "
            f"{words.joined(words.effect_name(row.key, labels) for row in rows)}, on {labels[outcome]}."
        ),
        caption=(
            f"Do the chains agree on {labels[outcome]}? Each line is one chain: its ranks among all draws, as the "
            "difference from what equal chains would show. Lines inside the band (95%, whole line) agree."
        ),
    )


def _thin(draws: Draws, row: EffectRow) -> Draws:
    """Keep about as many draws as they are worth: the band is that of independent draws."""
    worth = row.ess_bulk or float(draws.size)
    step = max(1, round(draws.size / max(worth, 1.0)))
    return draws[:, : max(draws.shape[1], 1) : min(step, max(draws.shape[1] // 25, 1))]


def rank_differences(draws: Draws) -> NDArray[np.float64]:
    """Return by chain the distribution of its ranks minus the uniform one, dims (chain, grid of 101 ranks)."""
    ranks = draws.ravel().argsort(kind="stable").argsort(kind="stable").reshape(draws.shape) + 0.5
    relative = np.sort(ranks / draws.size, axis=1)
    counts = np.stack([np.searchsorted(chain, _GRID, side="right") for chain in relative])
    differences: NDArray[np.float64] = counts / draws.shape[1] - _GRID
    return differences


def rank_band(chains: int, draws: int) -> NDArray[np.float64]:
    """Return half the width of the band that holds all lines of equal chains with probability 95%."""
    rng = np.random.default_rng(2015)
    simulated = np.stack([rank_differences(rng.random((chains, draws))) for _ in range(_SIMULATIONS)])
    spread = np.sqrt(_GRID * (1 - _GRID) * (1 - 1 / chains) / draws)
    inner = slice(1, -1)
    scaled = np.abs(simulated[..., inner]) / spread[inner]
    band: NDArray[np.float64] = float(np.quantile(scaled.max(axis=(1, 2)), 0.95)) * spread
    return band


def _fill_ranks(axis: "Axes", draws: Draws) -> None:
    band = rank_band(*draws.shape)
    axis.fill_between(_GRID, -band, band, color=GREY, alpha=0.22, linewidth=0)
    for position, line in enumerate(rank_differences(draws)):
        axis.plot(_GRID, line, color=_COLOURS[position % len(_COLOURS)], linewidth=1.0)
    axis.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    axis.locator_params(nbins=4)


def draw_energy(run: FinishedRun) -> Figure | None:
    """Draw arviz-plots' energy plot, None where the energy was not stored."""
    if run.energy is None or not drawable(run.energy):
        return None
    with canvas_settings():
        import arviz_plots as azp
        import xarray as xr

        tree = xr.DataTree.from_dict({"/sample_stats": xr.Dataset({"energy": (("chain", "draw"), run.energy)})})
        plots = azp.plot_energy(
            tree, backend="matplotlib",
            figure_kwargs={"figsize": (6.6, 2.4), "figsize_units": "inches"},
        )  # fmt: skip
        canvas = plots.viz["figure"].item()
        for axis in canvas.axes:
            if axis.get_ylabel():
                axis.set_yticks(range(run.energy.shape[0]), [str(i + 1) for i in range(run.energy.shape[0])])
        canvas.tight_layout()
        svg = to_svg(canvas)
    return Figure(
        source=embed_svg(svg),
        alt="Densities of the sampler's energy and of its changes from draw to draw, with E-BFMI by chain.",
        caption="Energy of the sampler: the two densities should be about equally wide (E-BFMI above 0.3).",
    )
