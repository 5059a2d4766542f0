"""Tables of what was assumed, read and estimated; each is a pure function of a finished run."""

import numpy as np

from causalcluster.report import words
from causalcluster.report.answer import labels_of, main_level, outcome_decimals
from causalcluster.report.cells import interval_cell, number_cell, percent_cell, plain_cell, text_cell
from causalcluster.report.records import (
    Cell,
    CoefficientSummary,
    EffectKey,
    FinishedRun,
    IdentificationRow,
    Table,
)


def identification_table(run: FinishedRun) -> Table:
    """Return the verdict on each effect."""
    labels = labels_of(run)

    def row(verdict: IdentificationRow) -> tuple[Cell, ...]:
        key = EffectKey(outcome=verdict.outcome, effect=verdict.effect, via=verdict.via)
        given = words.joined(labels.get(name, name) for name in verdict.adjustment) or "nothing"
        how = f"{verdict.by}; given {given}" if verdict.by else f"given {given}"
        why = " ".join(
            words.sentence(text)
            for text in (verdict.reason, verdict.instead and f"Instead: {verdict.instead}", verdict.remedy)
        )
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
            (text_cell(prior.parameter), text_cell(prior.distribution), text_cell(prior.meaning)) for prior in run.run.priors
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
                interval_cell(low, high, decimals),
                number_cell(effect.median, decimals),
                interval_cell(effect.lower, effect.upper, decimals),
                Cell(text=narrowed, numeric=True),
            )
        )
    return Table(
        caption=f"What was believed before the data and after, for effects on {labels[outcome]}",
        header=(
            "Effect",
            "Prior median",
            "Prior interval",
            "Posterior median",
            "Posterior interval",
            "Narrowed",
        ),
        rows=tuple(rows),
        note="The prior of an effect is what the priors of all parameters together imply for it.",
    )


def correlations_table(run: FinishedRun) -> Table:
    """Return the correlations over clusters of coefficients that one path multiplies, before and after the data."""
    labels = labels_of(run)
    names, count = {row.name: _coefficient_name(row, labels) for row in run.run.coefficients}, len(run.run.correlations)
    level = words.level_percent(next((row.ci_prob for row in run.effects if row.ci_prob), None))
    return Table(
        caption="Coefficients that one path multiplies: correlation over clusters",
        header=(
            "Coefficients",
            "Prior median",
            f"Prior {level} interval",
            "Posterior median",
            f"Posterior {level} interval",
        ),
        rows=tuple(
            (
                text_cell(f"{names.get(row.first, row.first)} and {names.get(row.second, row.second)}"),
                number_cell(row.prior.median, 2),
                interval_cell(row.prior.lower, row.prior.upper, 2),
                number_cell(row.posterior.median, 2),
                interval_cell(row.posterior.lower, row.posterior.upper, 2),
            )
            for row in run.run.correlations
        ),
        note="Where it is not zero, the average of the products differs from the product of the averages.",
        folded=f"Show all {words.counted(count, 'correlation')}" if count > 12 else "",
    )


def coefficients_table(run: FinishedRun) -> Table:
    """Return the coefficients on the edges, averaged over the population of clusters."""
    labels = labels_of(run)
    level = words.level_percent(next((row.ci_prob for row in run.effects if row.ci_prob), None))
    spread = ("SD between clusters",) if run.run.data.cluster_column else ()

    def between(coefficient: CoefficientSummary, decimals: int) -> Cell:
        if coefficient.tau_mean is None:
            return Cell(text="same in all", numeric=True, mark="muted")
        return number_cell(coefficient.tau_mean, decimals)

    def row(coefficient: CoefficientSummary) -> tuple[Cell, ...]:
        decimals = words.decimals_for((coefficient.sd,))
        return (
            text_cell(_coefficient_name(coefficient, labels)),
            number_cell(coefficient.mean, decimals),
            number_cell(coefficient.sd, decimals),
            interval_cell(coefficient.lower, coefficient.upper, decimals),
            percent_cell(coefficient.prob_positive),
            *(between(coefficient, decimals) for _ in spread),
        )

    return Table(
        caption="Coefficients: change of the target for one unit more of the source",
        header=("Edge", "Mean", "SD", f"{level} interval", "Probability above 0", *spread),
        rows=tuple(row(coefficient) for coefficient in run.run.coefficients),
        note="Coefficients describe the equations above. They are effects only as far as section 3 says so.",
    )


def _coefficient_name(coefficient: CoefficientSummary, labels: dict[str, str]) -> str:
    arrow = " \N{RIGHTWARDS ARROW} "
    source = " \N{MULTIPLICATION SIGN} ".join(
        labels.get(part.strip(), part.strip()) for part in coefficient.source.split(" * ")
    )
    return f"{source}{arrow}{labels.get(coefficient.target, coefficient.target)}"
