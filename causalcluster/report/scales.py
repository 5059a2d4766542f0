"""A run seen on one scale of effects: differences, ratios or odds ratios, each with tables and figures of its own."""

from dataclasses import replace
from typing import Final

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
