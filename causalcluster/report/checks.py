"""Tables of the sampler's checks, of timings and of versions."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from causalcluster.report.answer import main_level
from causalcluster.report.cells import number_cell, text_cell, verdict_cell
from causalcluster.report.records import Cell, EffectRow, FinishedRun, Table


def checks_table(run: FinishedRun) -> Table:
    """Return what the sampler had to show, and what it showed."""
    level = main_level(run)
    main = [row for row in run.effects if row.key.level == level]
    others = [row for row in run.effects if row.key.level != level]
    found = run.diagnostics
    rows = [*_convergence("main effects", main, 1.01, 400), *_convergence("other effects", others, 1.03, 200)]
    draws = run.chains * run.draws_per_chain
    if found.divergences is not None:
        share = found.divergences / draws if draws else 0.0
        rows.append(
            _check(
                "Divergences",
                "at most 0.1% of draws",
                f"{found.divergences} of {draws:,}",
                met=share <= 0.001,
            )
        )
    if found.e_bfmi is not None:
        least = min(found.e_bfmi) if isinstance(found.e_bfmi, tuple) else found.e_bfmi
        rows.append(_check("E-BFMI, lowest of the chains", "0.3 or more", f"{least:.2f}", met=least >= 0.3))
    return Table(
        caption="Can the sampler be trusted?",
        header=("Check", "Needed", "Found", "Met"),
        rows=tuple(rows),
    )


def _convergence(whose: str, rows: Sequence[EffectRow], bound: float, size: int) -> Iterable[tuple[Cell, ...]]:
    for name, get in _MEASURES:
        values = [value for value in map(get, rows) if value is not None]
        if not values:
            continue
        if name == "R-hat":
            worst = max(values)
            yield _check(f"{name}, {whose}", f"at most {bound}", f"{worst:.3f}", met=worst <= bound)
        else:
            worst = min(values)
            yield _check(f"{name}, {whose}", f"{size} or more", f"{worst:,.0f}", met=worst >= size)


def _r_hat(row: EffectRow) -> float | None:
    return row.r_hat


def _bulk(row: EffectRow) -> float | None:
    return row.ess_bulk


def _tail(row: EffectRow) -> float | None:
    return row.ess_tail


_MEASURES: Final[tuple[tuple[str, Callable[[EffectRow], float | None]], ...]] = (
    ("R-hat", _r_hat),
    ("Bulk ESS", _bulk),
    ("Tail ESS", _tail),
)


def _check(name: str, needed: str, found: str, *, met: bool) -> tuple[Cell, ...]:
    verdict = verdict_cell("yes", "good") if met else verdict_cell("no", "bad")
    return (text_cell(name), text_cell(needed), text_cell(found), verdict)


# How long the page takes is known once it is written; left out, so that rendering it again gives the same page.
_KNOWN_AFTERWARDS = ("report", "total")


def timings_table(run: FinishedRun) -> Table:
    """Return the time that each stage took."""
    return Table(
        caption="Time taken",
        header=("Stage", "Seconds"),
        rows=tuple(
            (text_cell(stage), number_cell(seconds, 1))
            for stage, seconds in run.diagnostics.timings.items()
            if stage not in _KNOWN_AFTERWARDS
        ),
    )


def versions_table(run: FinishedRun) -> Table:
    """Return the versions of the software."""
    return Table(
        caption="Versions",
        header=("Package", "Version"),
        rows=tuple((text_cell(name), text_cell(version)) for name, version in sorted(run.run.versions.items())),
    )
