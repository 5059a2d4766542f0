"""A run seen on one scale of effects: differences, ratios or odds ratios, each with tables and figures of its own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import find_row, labels_of
from causalcluster.report.records import FinishedRun

DIFFERENCE: Final = "difference"
_PLURALS: Final = {"ratio": "ratios", "odds_ratio": "odds ratios"}


def on_scale(run: FinishedRun, scale: str) -> FinishedRun:
    """Return the run with the effects of one scale alone."""
    return replace(
        run,
        effects=tuple(row for row in run.effects if row.key.scale == scale),
        draws={key: values for key, values in run.draws.items() if key.scale == scale},
        prior_draws={key: values for key, values in run.prior_draws.items() if key.scale == scale},
    )


def ratio_scales(run: FinishedRun, outcome: str) -> tuple[str, ...]:
    """Return the scales beside differences on which effects on the outcome are reported."""
    found = (row.key.scale for row in run.effects if row.key.outcome == outcome and row.key.scale != DIFFERENCE)
    return tuple(dict.fromkeys(found))


def no_effect(scale: str) -> float:
    """Return the value that says that nothing changes: 0 for a difference, 1 for a ratio."""
    return 0.0 if scale == DIFFERENCE else 1.0


def as_kind(scale: str) -> str:
    """Return nothing for differences, else ``, as ratios``, for captions."""
    return f", as {_PLURALS[scale]}" if scale in _PLURALS else ""


def ratio_sentences(run: FinishedRun, outcome: str) -> Iterator[str]:
    """Yield for each ratio scale how the total effect, the direct one and the one through all mediators read on it."""
    labels = labels_of(run)
    for scale in ratio_scales(run, outcome):
        seen = on_scale(run, scale)
        rows = [find_row(seen, outcome, effect, via) for effect, via in (("total", ""), ("nde", ""), ("nie", "all"))]
        shown = [row for row in rows if row is not None and row.has_interval]
        if shown:
            decimals = words.decimals_for(row.sd for row in shown)
            parts = (
                f"{words.effect_name(replace(row.key, scale=DIFFERENCE), labels)} {words.estimate(row, decimals)}"
                for row in shown
            )
            name = _PLURALS[scale].removesuffix("s")
            yield f"As {'an' if name[0] == 'o' else 'a'} {name} (1 says no effect): {'; '.join(parts)}."
