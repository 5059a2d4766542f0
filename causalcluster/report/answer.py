"""The answer in short: sentences and key numbers from the effects of a finished run."""

from collections.abc import Iterable

from causalcluster.report import words
from causalcluster.report.records import Answer, EffectRow, FinishedRun, KeyNumber


def labels_of(run: FinishedRun) -> dict[str, str]:
    """Return the reader's label of every node, by node name."""
    return {node.name: node.label or node.name for node in run.run.analysis.nodes}


def main_level(run: FinishedRun) -> str:
    """Return the level that answers the question: the population, or the sample without clusters."""
    return "population" if any(row.key.level == "population" for row in run.effects) else "sample"


def level_title(run: FinishedRun, level: str) -> str:
    """Return the reader's name of a level in this run: without clusters there is one, all rows."""
    return words.level_name(level) if run.run.data.cluster_column else "All rows"


def find_row(run: FinishedRun, outcome: str, effect: str, via: str = "", level: str = "", at: str = "") -> EffectRow | None:
    """Return the first row of that effect (at the main level and for the context as observed unless said), None without."""
    wanted = (outcome, effect, via, level or main_level(run), "", at)
    for row in run.effects:
        if (row.key.outcome, row.key.effect, row.key.via, row.key.level, row.key.cluster, row.key.at) == wanted:
            return row
    return None


def outcome_decimals(run: FinishedRun, outcome: str) -> int:
    """Return the decimals in which the effects on one outcome are shown."""
    level = main_level(run)
    return words.decimals_for(
        row.sd
        for row in run.effects
        if row.key.outcome == outcome and row.key.level == level and row.key.effect in ("total", "nde", "nie")
    )


def contrast_words(run: FinishedRun) -> str:
    """Return ``from 0 to 1``."""
    contrast = run.run.contrast
    return f"from {words.plain(contrast.low)} to {words.plain(contrast.high)}"


def write_answer(run: FinishedRun, outcome: str) -> Answer:
    """Return the answer in short for one outcome."""
    labels = labels_of(run)
    decimals = outcome_decimals(run, outcome)
    total = find_row(run, outcome, "total")
    return Answer(
        outcome=labels[outcome],
        lead=_lead(run, outcome, total, labels, decimals),
        numbers=tuple(_key_numbers(run, outcome, labels, decimals)),
        parts=tuple(_parts(run, outcome, labels, decimals)),
        further=tuple(
            words.sentence(text)
            for text in (
                *_share(run, outcome, labels),
                *_conditions(run, outcome, labels, decimals),
                *_clusters(run, outcome, labels, decimals),
                *_levels(run, outcome, decimals),
            )
        ),
    )


def _lead(run: FinishedRun, outcome: str, total: EffectRow | None, labels: dict[str, str], decimals: int) -> str:
    treatment, label = labels[run.run.analysis.question.treatment], labels[outcome]
    if not any(row.key.outcome == outcome for row in run.effects):
        return (
            f"No effect of {treatment} on {label} is identified in the diagram as drawn, so no number is given. "
            "The table of verdicts below says what stands in the way."
        )
    if total is None or not total.has_interval:
        return (
            f"The total effect of {treatment} on {label} is not identified in the diagram as drawn. "
            "What is identified stands below."
        )
    whom = "on average across clusters like these" if main_level(run) == "population" else "on average"
    return (
        f"Setting {treatment} {contrast_words(run)} changes {label} by {words.estimate(total, decimals)} {whom}. "
        f"The effect is {words.direction(total.prob_positive)}."
    )


def _key_numbers(run: FinishedRun, outcome: str, labels: dict[str, str], decimals: int) -> Iterable[KeyNumber]:
    mediators = run.run.analysis.question.mediators
    through = mediators[0] if len(mediators) == 1 else "all"
    for effect, via in (("total", ""), ("nie", through), ("nde", "")):
        row = find_row(run, outcome, effect, via)
        if row is None or not row.has_interval:
            continue
        yield KeyNumber(
            label=words.effect_name(row.key, labels),
            value=words.number(row.mean, decimals),
            detail=f"{words.level_percent(row.ci_prob)} interval {words.interval(row, decimals)}",
        )


def _parts(run: FinishedRun, outcome: str, labels: dict[str, str], decimals: int) -> Iterable[str]:
    mediators = run.run.analysis.question.mediators
    rows = [find_row(run, outcome, "nie", name) for name in mediators]
    if not any(rows):
        rows = [find_row(run, outcome, "nie", "all")]
    for row in rows:
        if row is not None and row.has_interval:
            follows = _beyond(row, mediators)
            yield (
                f"{words.effect_name(row.key, labels)}{follows}: {words.estimate(row, decimals)}; "
                f"{words.direction(row.prob_positive)}."
            )
    direct = find_row(run, outcome, "nde")
    if direct is not None and direct.has_interval:
        yield (
            f"Directly, through none of these: {words.estimate(direct, decimals)}; {words.direction(direct.prob_positive)}."
        )


def _beyond(row: EffectRow, mediators: tuple[str, ...]) -> str:
    if len(mediators) < 2 or row.key.via == "all":
        return ""
    if row.key.via == mediators[0]:
        return ", with all that follows from it"
    return ", beyond what the mediators before it bring about"


def _share(run: FinishedRun, outcome: str, labels: dict[str, str]) -> Iterable[str]:
    mediators = run.run.analysis.question.mediators
    vias = ("all", *mediators) if len(mediators) > 1 else ("all",)
    given = []
    for via in vias:
        row = find_row(run, outcome, "prop_mediated", via)
        if row is None:
            continue
        if not row.has_interval:
            reason = row.reason or "the interval of the total effect holds zero"
            yield f"No share of the total is given: {reason}"
            return
        whom = "all mediators together" if via == "all" and len(vias) > 1 else labels.get(via, "")
        if via == "all" and len(vias) == 1:
            whom = labels[mediators[0]] if mediators else "the mediators"
        given.append((f"through {whom}: {_share_words(row)}", row))
    if given:
        head = words.level_percent(given[0][1].ci_prob)
        said = f"Share of the total that runs {', '.join(text for text, _ in given)} (medians and {head} intervals)"
        offset = any((row.lower or 0.0) < 0 or (row.upper or 0.0) > 1 for _, row in given)
        yield said + ("; outside 0 to 100% parts of opposite sign offset each other" if offset else "")


def _conditions(run: FinishedRun, outcome: str, labels: dict[str, str], decimals: int) -> Iterable[str]:
    """Yield the total effect and that through all mediators at each value of the moderators."""
    conditions = dict.fromkeys(row.key.at for row in run.effects if row.key.at and row.key.outcome == outcome)
    for effect, via, name in (("total", "", "total effect"), ("nie", "all", "effect through all mediators")):
        found = [(at, find_row(run, outcome, effect, via, at=at)) for at in conditions]
        said = [
            f"{words.estimate(row, decimals)} at {words.condition_name(at, labels)}"
            for at, row in found
            if row is not None and row.has_interval
        ]
        if said:
            yield f"The {name} is {words.joined(said)}, the rest of the context as observed"


def _share_words(row: EffectRow) -> str:
    median, lower, upper = (words.number(100 * (value or 0.0), 0) for value in (row.median, row.lower, row.upper))
    return f"{median}% ({lower} to {upper}%)"


def _clusters(run: FinishedRun, outcome: str, labels: dict[str, str], decimals: int) -> Iterable[str]:
    question = run.run.analysis.question
    for via in question.mediators:
        whole = find_row(run, outcome, "nie", via)
        rows = [
            row
            for row in run.effects
            if (row.key.outcome, row.key.effect, row.key.via, row.key.level, row.key.at)
            == (outcome, "nie", via, "cluster", "")
            and row.prob_positive is not None
        ]
        if whole is None or whole.prob_positive is None or not rows:
            continue
        positive = whole.prob_positive >= 0.5
        sure = [row.prob_positive if positive else 1 - row.prob_positive for row in rows if row.prob_positive is not None]
        signs = ("positive", "negative") if positive else ("negative", "positive")
        ordered = sorted(rows, key=lambda row: row.mean or 0.0)
        yield (
            f"The effect through {labels[via]} is more likely {signs[0]} than {signs[1]} in "
            f"{sum(value > 0.5 for value in sure)} of {words.counted(len(rows), 'cluster')}, and {signs[0]} with "
            f"probability 95% or more in {sum(value >= 0.95 for value in sure)}; it runs from "
            f"{words.number(ordered[0].mean, decimals)} ({ordered[0].key.cluster}) to "
            f"{words.number(ordered[-1].mean, decimals)} ({ordered[-1].key.cluster})"
        )
    outside = sum(not cluster.spans_contrast for cluster in run.run.data.clusters)
    if outside and any(row.key.level == "cluster" and row.key.outcome == outcome for row in run.effects):
        yield (
            f"In {words.counted(outside, 'cluster')} the data do not span the contrast: there the effect is "
            "carried over from the other clusters by the model, and it is marked"
        )


def _levels(run: FinishedRun, outcome: str, decimals: int) -> Iterable[str]:
    effect, via = ("total", "") if find_row(run, outcome, "total") else ("nie", "all")
    whole = find_row(run, outcome, effect, via, "population")
    sample = find_row(run, outcome, effect, via, "sample")
    if whole is None or sample is None or not (whole.has_interval and sample.has_interval):
        return
    if not run.run.data.clusters:
        # All clusters have the same effects.
        return
    name = "total effect" if effect == "total" else "effect through all mediators"
    observed = words.counted(len(run.run.data.clusters), "cluster")
    yield (
        f"The numbers above are about the population from which the clusters come. Averaged over the {observed} "
        f"observed, equally weighted, the {name} is {words.estimate(sample, decimals)}; "
        f"{_width_words(whole, sample)}"
    )
    new = find_row(run, outcome, effect, via, "new")
    between = find_row(run, outcome, effect, via, "between_sd")
    if new is not None and new.has_interval:
        spread = ""
        if between is not None and between.has_interval:
            spread = f" (clusters differ with a standard deviation of {words.estimate(between, decimals)})"
        yield (
            f"In one cluster not yet seen the {name} would lie between {words.number(new.lower, decimals)} and "
            f"{words.number(new.upper, decimals)} with {words.level_percent(new.ci_prob)} probability{spread}"
        )


def _width_words(whole: EffectRow, sample: EffectRow) -> str:
    if None in (whole.lower, whole.upper, sample.lower, sample.upper):
        return ""
    wide = (whole.upper or 0.0) - (whole.lower or 0.0)
    narrow = (sample.upper or 0.0) - (sample.lower or 0.0)
    if narrow <= 0 or wide <= 0:
        return "the two answer different questions"
    ratio = wide / narrow
    if ratio >= 1.05:
        return (
            f"the population interval is {ratio:.1f} times as wide, because it also counts that other clusters "
            "could have been observed"
        )
    return "the two intervals are about equally wide" if ratio > 0.95 else "the two answer different questions"
