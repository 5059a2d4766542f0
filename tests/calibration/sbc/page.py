"""The tables and the figures of docs/validation.md, from what is stored: ``python -m tests.calibration.sbc.page`` writes both.

The text between the marks in the page is replaced; the figures are docs/figures/sbc_<part>.png.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from arviz_stats.ecdf_utils import compute_ecdf

from tests.calibration.sbc.bands import band, deviations, uniforms
from tests.calibration.sbc.results import FOLDER
from tests.calibration.sbc.systems import SYSTEMS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "validation.md"
FIGURES = ROOT / "docs" / "figures"
BEGIN, END = "<!-- sbc: begin -->", "<!-- sbc: end -->"
POPULATION = "effect population: "
GROUPS = {
    "mean": "means",
    "tau": "sds between clusters",
    "correlation": "correlations",
    "covariance": "covariances",
    "residual": "residual sds",
    "parameter": "parameters",
    "threshold": "thresholds",
    "cluster": "cluster coefficients",
    "effect sample": "effects in the sample",
    "log-likelihood": "log-likelihood",
}
CAPTIONS = {
    "sbc_effects": "Distribution of ranks less the uniform one, effects in the population, with 99% bands",
    "sbc_covariances": "The same for standard deviations of coefficients between clusters and covariances",
}


def stored() -> dict[str, Any]:
    """Return what is stored by system, in the systems' order."""
    paths = {name: FOLDER / f"{name}.json" for name in SYSTEMS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def text(results: Mapping[str, Any]) -> str:
    """Return what stands between the marks: tables, and links to the figures."""
    links = [f"\n![{CAPTIONS[name]}](figures/{name}.png)" for name in figures(results)]
    return "\n".join([*_effects(results), "", *_groups(results), *links])


def _effects(results: Mapping[str, Any]) -> Iterator[str]:
    yield "| system | replicates | largest deviation of population effects, 1 = edge of the band | fits with a divergence |"
    yield "|---|---|---|---|"
    for name, item in results.items():
        found = {key.removeprefix(POPULATION): value for key, value in deviations(item).items() if POPULATION in key}
        cells = ", ".join(f"`{key}` {value:.2f}" for key, value in found.items())
        yield f"| {name.replace('_', ' ')} | {item['count']} | {cells} | {item['fits']['with_divergences']} |"


def _groups(results: Mapping[str, Any]) -> Iterator[str]:
    yield "| quantities of all systems | ranked | outside the band | largest deviation |"
    yield "|---|---|---|---|"
    found = [(key, value) for item in results.values() for key, value in deviations(item).items()]
    for start, label in {"effect population": "effects in the population", **GROUPS}.items():
        values = [value for key, value in found if key.startswith(start)]
        if values:
            yield f"| {label} | {len(values)} | {sum(value > 1.0 for value in values)} | {max(values):.2f} |"


def draw_figure(results: Mapping[str, Any], chosen: Mapping[str, Sequence[str]], path: Path) -> None:
    """Draw the ranks' distribution less the uniform one inside its band, a panel for each system and quantity.

    `arviz_plots.plot_ecdf_pit` of 1.3.2 fails with ``method="envelope"``; the band is ArviZ's all the same.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(system, name) for system, names in chosen.items() for name in names]
    width = max(len(names) for names in chosen.values())
    figure, axes = plt.subplots(
        len(chosen), width, figsize=(2.6 * width, 2.0 * len(chosen)), sharex=True, squeeze=False, layout="constrained"
    )
    for ax in axes.ravel():
        ax.set_visible(False)
    for system, name in panels:
        row, column = list(chosen).index(system), list(chosen[system]).index(name)
        _draw_panel(axes[row, column], results[system], name)
        axes[row, column].set_title(f"{system.replace('_', ' ')}\n{name.removeprefix(POPULATION)}", fontsize=7)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _draw_panel(ax: Any, item: Mapping[str, Any], name: str) -> None:
    ranks = item["ranks"][name]
    points, lower, upper = band(len(ranks))
    ax.set_visible(True)
    ax.fill_between(points, lower - points, upper - points, color="0.85", step="mid", linewidth=0)
    ax.plot(points, compute_ecdf(uniforms(ranks, item["draws"], name), points) - points, drawstyle="steps-mid", linewidth=1)
    ax.axhline(0.0, color="0.5", linewidth=0.5)
    ax.tick_params(labelsize=6)


def figures(results: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return which quantities each figure shows."""
    required = [name for name in results if SYSTEMS[name].required]
    ranked = {name: list(results[name]["ranks"]) for name in results}
    return {
        "sbc_effects": {name: [key for key in ranked[name] if POPULATION in key] for name in required},
        "sbc_covariances": {
            name: [key for key in ranked[name] if key.startswith(("covariance", "tau"))][:4] for name in required
        },
    }


def write(results: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put the tables into the page and draw the figures."""
    content = page.read_text(encoding="utf-8")
    before, rest = content.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{text(results)}\n{END}{after}", encoding="utf-8")
    for name, chosen in figures(results).items():
        draw_figure(results, chosen, FIGURES / f"{name}.png")


if __name__ == "__main__":
    write(stored())
