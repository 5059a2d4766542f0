"""The tables of the report, as plain content; each is a pure function of a finished run."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import numpy as np

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.records import (
    Cell,
    CoefficientSummary,
    EffectKey,
    EffectRow,
    FinishedRun,
    HypothesisRow,
    IdentificationRow,
    Table,
)

OPEN_CLUSTERS: Final = 40
"""Cluster tables longer than this are folded away."""

_MARKS: Final[dict[str, Literal["good", "bad", "open", "muted"]]] = {
    "supported": "good",
    "contradicted": "bad",
    "not_testable": "muted",
    "undecided": "open",
}


def text_cell(text: str) -> Cell:
    """Return a cell of words."""
    return Cell(text=text)


def number_cell(value: float | None, decimals: int) -> Cell:
    """Return a cell of a number, which keeps its full precision beside the rounded text."""
    return Cell(text=words.number(value, decimals), number=value, numeric=True)


def percent_cell(value: float | None) -> Cell:
    """Return a cell of a probability in percent."""
    return Cell(text=words.percent(value), number=value, numeric=True)


def plain_cell(value: float | None) -> Cell:
    """Return a cell of a number in four significant digits."""
    return Cell(text=words.plain(value), number=value, numeric=True)


def identification_table(run: FinishedRun) -> Table:
    """Return the verdict on each effect."""
    labels = labels_of(run)

    def row(verdict: IdentificationRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=verdict.outcome, effect=verdict.effect, via=verdict.via)
        given = words.joined(labels.get(name, name) for name in verdict.adjustment) or "nothing"
        how = f"{verdict.by}; given {given}" if verdict.by else f"given {given}"
        why = " ".join(words.sentence(text) for text in (verdict.reason, verdict.instead and f"Instead: {verdict.instead}"))
        return (
            text_cell(words.effect_name(key, labels)),
            text_cell(labels.get(verdict.outcome, verdict.outcome)),
            Cell(text="identified", mark="good") if verdict.identified else Cell(text="not identified", mark="bad"),
            text_cell(how if verdict.identified else why.strip() or words.EMPTY),
        )

    return Table(
        caption="What can be learnt from such data if the diagram is right",
        header=("Effect", "Outcome", "Verdict", "How, or why not"),
        rows=tuple(row(verdict) for verdict in run.identification),
    )


def assumptions(run: FinishedRun) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each distinct assumption in words, with the effects that rest on it."""
    labels = labels_of(run)
    several = len(run.run.analysis.question.outcomes) > 1
    resting: dict[str, list[str]] = {}
    for verdict in run.identification:
        if not verdict.identified:
            continue
        key = EffectKey(outcome=verdict.outcome, effect=verdict.effect, via=verdict.via)
        name = words.effect_name(key, labels)
        name = f"{name}, on {labels.get(verdict.outcome, verdict.outcome)}" if several else name
        for assumption in verdict.assumptions:
            effects = resting.setdefault(assumption, [])
            if name not in effects:
                effects.append(name)
    return tuple((words.sentence(text), tuple(effects)) for text, effects in resting.items())


def clusters_table(run: FinishedRun) -> Table:
    """Return rows and coverage of the contrast by cluster."""
    clusters = run.run.data.clusters
    rows = tuple(
        (
            text_cell(cluster.label),
            number_cell(cluster.rows, 0),
            Cell(text="yes") if cluster.spans_contrast else Cell(text="no: effects are extrapolated", mark="open"),
        )
        for cluster in clusters
    )
    return Table(
        caption=f"Clusters ({len(clusters)})",
        header=("Cluster", "Rows", "Data span the contrast"),
        rows=rows,
        folded=f"Show all {words.counted(len(clusters), 'cluster')}" if len(clusters) > 12 else "",
    )


def columns_table(run: FinishedRun) -> Table:
    """Return the summary of each column, in its own units."""
    labels = labels_of(run)
    clustered = bool(run.run.data.cluster_column)
    spreads = ("SD within clusters", "SD between clusters") if clustered else ("SD",)

    rows = []
    for column in run.run.data.columns:
        sds = (column.sd_within, column.sd_between) if clustered else (column.sd_within,)
        rows.append(
            (
                text_cell(column.label or labels.get(column.node, column.node)),
                text_cell(column.column),
                *(plain_cell(value) for value in (column.mean, *sds, column.minimum, column.maximum)),
            )
        )
    return Table(
        caption="Columns used, in their own units",
        header=("Variable", "Column", "Mean", *spreads, "Minimum", "Maximum"),
        rows=tuple(rows),
    )


def priors_table(run: FinishedRun) -> Table:
    """Return the priors of the model."""
    return Table(
        caption="Priors of the model",
        header=("Parameter", "Prior", "Meaning"),
        rows=tuple(
            (text_cell(prior.parameter), text_cell(prior.distribution), text_cell(prior.meaning))
            for prior in run.run.priors
        ),
    )


def implied_priors_table(run: FinishedRun, outcome: str) -> Table:
    """Return the prior that the model implies for the key effects, beside their posterior."""
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    level = main_level(run)
    rows = []
    for effect in run.effects:
        key = effect.key
        prior = run.prior_draws.get(key)
        if prior is None or (key.outcome, key.level) != (outcome, level) or key.effect not in ("total", "nde", "nie"):
            continue
        tail = (1 - (effect.ci_prob or 0.95)) / 2
        low, middle, high = (float(value) for value in np.quantile(prior, (tail, 0.5, 1 - tail)))
        before, after = high - low, (effect.upper or 0.0) - (effect.lower or 0.0)
        narrowed = f"{before / after:.1f} times" if effect.has_interval and after > 0 else words.EMPTY
        rows.append(
            (
                text_cell(words.effect_name(key, labels)),
                number_cell(middle, decimals),
                text_cell(f"{words.number(low, decimals)} to {words.number(high, decimals)}"),
                number_cell(effect.median, decimals),
                text_cell(words.interval(effect, decimals) if effect.has_interval else words.EMPTY),
                text_cell(narrowed),
            )
        )
    return Table(
        caption=f"What was believed before the data and after, for effects on {labels[outcome]}",
        header=("Effect", "Prior median", "Prior interval", "Posterior median", "Posterior interval", "Narrowed"),
        rows=tuple(rows),
        note="The prior of an effect is what the priors of all parameters together imply for it.",
    )


def coefficients_table(run: FinishedRun) -> Table:
    """Return the coefficients on the edges, averaged over the population of clusters."""
    labels = labels_of(run)
    level = words.level_percent(next((row.ci_prob for row in run.effects if row.ci_prob), None))

    def row(coefficient: CoefficientSummary) -> tuple[Cell, ...]:
        decimals = words.decimals_for((coefficient.sd,))
        return (
            text_cell(_coefficient_name(coefficient, labels)),
            number_cell(coefficient.mean, decimals),
            number_cell(coefficient.sd, decimals),
            text_cell(f"{words.number(coefficient.lower, decimals)} to {words.number(coefficient.upper, decimals)}"),
            percent_cell(coefficient.prob_positive),
            number_cell(coefficient.tau_mean, decimals)
            if coefficient.tau_mean is not None
            else Cell(text="same in all", numeric=True, mark="muted"),
        )

    return Table(
        caption="Coefficients: change of the target for one unit more of the source",
        header=("Edge", "Mean", "SD", f"{level} interval", "Probability above 0", "SD between clusters"),
        rows=tuple(row(coefficient) for coefficient in run.run.coefficients),
    )


def _coefficient_name(coefficient: CoefficientSummary, labels: dict[str, str]) -> str:
    arrow = " \N{RIGHTWARDS ARROW} "
    source = " \N{MULTIPLICATION SIGN} ".join(
        labels.get(part.strip(), part.strip()) for part in coefficient.source.split(" * ")
    )
    return f"{source}{arrow}{labels.get(coefficient.target, coefficient.target)}"


def effect_tables(run: FinishedRun, outcome: str) -> tuple[Table, ...]:
    """Return one table of effects for each level that is not a single cluster's."""
    levels = ("population", "sample", "sample_rows", "new", "between_sd")
    tables = (_effect_table(run, outcome, level) for level in levels)
    return tuple(table for table in tables if table is not None)


def _effect_table(run: FinishedRun, outcome: str, level: str) -> Table | None:
    rows = [row for row in run.effects if row.key.outcome == outcome and row.key.level == level]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    signed = level != "between_sd"
    head = words.level_percent(rows[0].ci_prob)
    sign = ("Probability above 0",) if signed else ()
    return Table(
        caption=f"{words.level_name(level)}: effects on {labels[outcome]}",
        header=("Effect", "Mean", "SD", "Median", f"{head} from", "to", *sign, "Bulk ESS", "Tail ESS", "R-hat"),
        rows=tuple(
            (text_cell(words.effect_name(row.key, labels)), *_numbers(row, decimals, signed=signed)) for row in rows
        ),
        note=_reasons(rows, labels),
        folded="" if level in ("population", "sample") else f"Show: {words.level_name(level).lower()}",
    )


def _numbers(row: EffectRow, decimals: int, *, signed: bool) -> tuple[Cell, ...]:
    places = 3 if row.key.effect == "prop_mediated" else decimals
    sign = (percent_cell(row.prob_positive),) if signed else ()
    return (
        *(number_cell(value, places) for value in (row.mean, row.sd, row.median, row.lower, row.upper)),
        *sign,
        number_cell(row.ess_bulk, 0),
        number_cell(row.ess_tail, 0),
        number_cell(row.r_hat, 3),
    )


def _reasons(rows: Iterable[EffectRow], labels: dict[str, str]) -> str:
    given: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            given.setdefault(row.reason, []).append(words.effect_name(row.key, labels))
    return " ".join(words.sentence(f"{words.joined(names)}: {reason}") for reason, names in given.items())


def cluster_effects_table(run: FinishedRun, outcome: str) -> Table | None:
    """Return the full table of effects by cluster, folded; None where there are no clusters."""
    rows = [row for row in run.effects if row.key.outcome == outcome and row.key.level == "cluster"]
    if not rows:
        return None
    labels, decimals = labels_of(run), outcome_decimals(run, outcome)
    outside = {cluster.label for cluster in run.run.data.clusters if not cluster.spans_contrast}
    head = words.level_percent(rows[0].ci_prob)
    return Table(
        caption=f"{words.level_name('cluster')}: effects on {labels[outcome]}",
        header=("Cluster", "Effect", "Mean", "SD", "Median", f"{head} from", "to", "Probability above 0", "Bulk ESS",
                "Tail ESS", "R-hat"),
        rows=tuple(
            (
                text_cell(row.key.cluster + (" *" if row.key.cluster in outside else "")),
                text_cell(words.effect_name(row.key, labels)),
                *_numbers(row, decimals, signed=True),
            )
            for row in rows
        ),
        note="* The data of this cluster do not span the contrast: its effects are extrapolated." if outside else "",
        folded=f"Show every effect in every cluster ({len(rows):,} rows)",
    )


def hypotheses_table(run: FinishedRun) -> Table:
    """Return the hypotheses with their verdicts in words."""
    return Table(
        caption="Hypotheses and what the data say about them",
        header=("Hypothesis", "Claim", "Probability", "Before the data", "Bayes factor", "Verdict", "In words"),
        rows=tuple(
            (
                text_cell(row.id),
                text_cell(row.claim),
                percent_cell(row.probability),
                percent_cell(row.prior_probability),
                plain_cell(row.bayes_factor),
                Cell(text=row.verdict.replace("_", " "), mark=_MARKS.get(row.verdict, "open")),
                text_cell(_verdict_words(row)),
            )
            for row in run.hypotheses
        ),
        note="The Bayes factor is the odds after the data over the odds before; above 1 the data speak for the claim.",
    )


def _verdict_words(row: HypothesisRow) -> str:
    grade = "" if row.verdict == "not_testable" else words.sentence(words.bayes_words(row.bayes_factor))
    return " ".join(part for part in (words.verdict_words(row), grade, words.sentence(row.reason)) if part)


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
            _check("Divergences", "at most 0.1% of draws", f"{found.divergences} of {draws:,}", met=share <= 0.001)
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
    verdict = Cell(text="yes", mark="good") if met else Cell(text="no", mark="bad")
    return (text_cell(name), text_cell(needed), text_cell(found), verdict)


def timings_table(run: FinishedRun) -> Table:
    """Return the time that each stage took."""
    return Table(
        caption="Time taken",
        header=("Stage", "Seconds"),
        rows=tuple(
            (text_cell(stage), number_cell(seconds, 1)) for stage, seconds in run.diagnostics.timings.items()
        ),
    )


def versions_table(run: FinishedRun) -> Table:
    """Return the versions of the software."""
    return Table(
        caption="Versions",
        header=("Package", "Version"),
        rows=tuple((text_cell(name), text_cell(version)) for name, version in sorted(run.run.versions.items())),
    )
