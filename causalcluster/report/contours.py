"""Contours of an indirect effect by how much an unmeasured cause explains of mediator and outcome."""

import numpy as np

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.canvas import BLUE, GREY, ORANGE, canvas_settings, embed_svg, short_name, to_svg
from causalcluster.report.records import Figure, FinishedRun


def draw_contours(run: FinishedRun, outcome: str) -> Figure | None:
    """Draw the mean of each indirect effect over the shares of two errors that a cause explains; None without any."""
    level = main_level(run)
    rows = [row for row in run.contours if (row.outcome, row.level) == (outcome, level)]
    vias = list(dict.fromkeys(row.via for row in rows))
    if not vias:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    said = []
    with canvas_settings():
        import matplotlib.pyplot as plt

        canvas, axes = plt.subplots(1, len(vias), figsize=(1.0 + 3.2 * len(vias), 3.2), squeeze=False)
        for axis, via in zip(axes[0], vias, strict=True):
            own = [row for row in rows if row.via == via]
            grid = [row for row in own if not row.benchmark]
            shares = sorted({row.share_mediator or 0.0 for row in grid})
            place = {share: k for k, share in enumerate(shares)}
            height = np.zeros((len(shares), len(shares)))
            for row in grid:
                height[place[row.share_outcome or 0.0], place[row.share_mediator or 0.0]] = row.mean or 0.0
            if np.ptp(height) > 0.0:
                lines = axis.contour(shares, shares, height, levels=7, colors=BLUE, linewidths=0.8)
                axis.clabel(lines, fmt=lambda value: words.number(float(value), decimals), fontsize=6)
                axis.contour(shares, shares, height, levels=[0.0], colors=GREY, linewidths=1.6)
            for row in own:
                if row.benchmark:
                    place_of = (row.share_mediator or 0.0, row.share_outcome or 0.0)
                    axis.plot(*place_of, "o", color=ORANGE, markersize=4.0)
                    name = short_name(labels.get(row.benchmark, row.benchmark))
                    axis.annotate(
                        name, place_of, xytext=(4, 4),
                        textcoords="offset points", fontsize=6,
                    )  # fmt: skip
                    said.append(f"{name}, through {labels.get(via, via)}: {words.number(row.mean, decimals)}")
            axis.set_title(short_name(f"Through {labels.get(via, via)}"))
            axis.set_xlabel(short_name(f"Share of {labels.get(via, via)} explained", 34))
        axes[0][0].set_ylabel(short_name(f"Share of {labels[outcome]} explained", 34))
        canvas.tight_layout(w_pad=0.8)
        svg = to_svg(canvas)
    causes = f" As much as measured causes explain: {'; '.join(said)}." if said else ""
    return Figure(
        source=embed_svg(svg),
        alt=f"Effects on {labels[outcome]} by what an unmeasured cause would explain of mediator and outcome.{causes}",
        caption=f"Effects on {labels[outcome]} if an unmeasured cause explained these shares of what is left of both, "
        "working against the effect. Thick: no effect; points: as much as a measured cause explains.",
    )
