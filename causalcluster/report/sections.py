"""The page's content: pure functions from a finished run to what each section shows."""

import json
import shlex
from datetime import datetime
from typing import Final

from causalcluster.report import words
from causalcluster.report.answer import contrast_words, labels_of
from causalcluster.report.records import EquationLine, FinishedRun, TermSummary

_ALPHA: Final = "\N{GREEK SMALL LETTER ALPHA}"
_BETA: Final = "\N{GREEK SMALL LETTER BETA}"
_TIMES: Final = " \N{MULTIPLICATION SIGN} "


def page_title(run: FinishedRun) -> str:
    """Return the analysis's title, or one made from its question."""
    labels, question = labels_of(run), run.run.analysis.question
    made = f"From {labels[question.treatment]} to {words.joined(labels[name] for name in question.outcomes)}"
    return run.run.analysis.title.strip() or made


def created_words(run: FinishedRun) -> str:
    """Return when the run was made, ``2026-02-03 04:05 UTC`` where the file gives a readable time."""
    try:
        moment = datetime.fromisoformat(run.run.created)
    except ValueError:
        return run.run.created or "unknown date"
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".strip()


def question_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return the question in words: contrast, outcomes, mediators and clusters."""
    labels, analysis = labels_of(run), run.run.analysis
    question, contrast = analysis.question, run.run.contrast
    outcomes = words.joined(labels[name] for name in question.outcomes)
    asked = f"What would change in {outcomes} if {labels[question.treatment]} were set {contrast_words(run)}"
    through = words.joined(labels[name] for name in question.mediators)
    asked += f", and how much of it would run through {through}?" if through else "?"
    sentences = [asked]
    if contrast.description and contrast_words(run) not in contrast.description:
        sentences.append(words.sentence(f"The contrast: {contrast.description}"))
    if run.run.data.cluster_column:
        sentences.append(
            "Effects may differ between clusters, so each has its own, and the clusters together say how they vary."
        )
    if len(question.mediators) > 1:
        sentences.append(
            "The mediators are taken in the order given: what runs through the first counts all that follows "
            "from it, what runs through the next only what enters there."
        )
    return tuple(sentences)


def edge_notes(run: FinishedRun) -> tuple[str, ...]:
    """Return what the diagram takes from the framework, and what is declared to be unmeasured."""
    labels, analysis = labels_of(run), run.run.analysis
    notes = []
    paper = sum(1 for edge in analysis.edges if edge.framework_ids)
    if paper:
        notes.append(
            f"{paper} of {words.counted(len(analysis.edges), 'arrow')} stand in Pyke and Lund-Thomsen (2015); the "
            "others are the analyst's."
        )
    notes += [
        f"Declared: an unmeasured common cause of {labels.get(cause.left, cause.left)} and "
        f"{labels.get(cause.right, cause.right)}{_level_words(cause.level)}."
        for cause in analysis.unobserved
    ]
    return tuple(notes)


def _level_words(level: str) -> str:
    named = {"cluster": "clusters", "cluster_time": "cluster and period", "row": "rows"}
    return f", at the level of {named[level]}" if level in named else ""


def data_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return what was read and what was used."""
    data = run.run.data
    dropped = data.rows - data.rows_used
    used = f"{words.counted(data.rows, 'row')} were read and all were used" if not dropped else (
        f"{words.counted(data.rows, 'row')} were read and {data.rows_used:,} used; "
        f"{words.counted(dropped, 'row')} with missing values left out"
    )  # fmt: skip
    sentences = [words.sentence(used)]
    if data.cluster_column and data.clusters:
        sizes = sorted(cluster.rows for cluster in data.clusters)
        named = f"{words.counted(len(sizes), 'cluster')} (column {data.cluster_column})"
        if sizes[0] == sizes[-1]:
            sentences.append(f"They fall into {named} of {words.counted(sizes[0], 'row')} each.")
        else:
            middle = sizes[len(sizes) // 2]
            sentences.append(f"They fall into {named} of {sizes[0]:,} to {sizes[-1]:,} rows, {middle:,} in the middle one.")
        outside = sum(not cluster.spans_contrast for cluster in data.clusters)
        if outside:
            sentences.append(
                f"In {words.counted(outside, 'cluster')} the data do not span the contrast; the effects there "
                "are extrapolated and marked."
            )
    else:
        sentences.append("There is no cluster column: one effect for all rows.")
    return tuple(sentences)


def equations(run: FinishedRun) -> tuple[EquationLine, ...]:
    """Return each equation in readable maths."""
    labels = labels_of(run)
    return tuple(
        EquationLine(
            left=labels.get(equation.node, equation.node),
            terms=tuple(_term(term, labels) for term in equation.terms)
            + tuple((_ALPHA, group, "") for group in equation.groups),
        )
        for equation in run.run.design.equations
    )


def _term(term: TermSummary, labels: dict[str, str]) -> tuple[str, str, str]:
    subscript = "cluster" if term.varies else ""
    if term.kind == "intercept":
        return _ALPHA, subscript, ""
    cause, _, lag = term.name.split(" -> ")[0].partition(" @ lag ")
    named = _TIMES.join(labels.get(name.strip(), name.strip()) for name in cause.split(" * "))
    return _BETA, subscript, f"{named} ({words.counted(int(lag), 'period')} before)" if lag else named


def varying_sentence(run: FinishedRun) -> str:
    """Return which coefficients vary between clusters."""
    terms = [term for equation in run.run.design.equations for term in equation.terms]
    slopes = [term for term in terms if term.kind != "intercept"]
    varying = sum(term.varies for term in slopes)
    if not run.run.data.cluster_column or not slopes:
        return ""
    if varying == 0:
        return "No slope varies between clusters."
    if varying == len(slopes):
        return (
            "Every slope has a value of its own in each cluster; all of them are drawn together from one joint "
            "distribution, correlations included."
        )
    return (
        f"{varying} of {len(slopes)} slopes have a value of their own in each cluster (subscript 'cluster'), drawn "
        "together from one joint distribution, correlations included; the others are the same in all."
    )


def prior_note(run: FinishedRun) -> str:
    """Return where to look for prior against posterior, or why it is not shown."""
    if run.prior_draws:
        return ""
    return "The run folder holds no prior draws of the effects, so prior and posterior are not compared here."


def diagnosis_sentence(run: FinishedRun) -> str:
    """Return the verdict on the sampler in one sentence."""
    draws = f"{words.counted(run.chains, 'chain')} of {words.counted(run.draws_per_chain, 'draw')}"
    if run.diagnostics.status == "ok":
        return f"The sampler met every requirement ({draws}): its draws can be used."
    return f"The sampler did not meet the requirements ({draws}): the numbers in this report must not be used."


def few_draws_note(run: FinishedRun) -> str:
    """Return a warning where the draws are too few for densities."""
    draws = run.chains * run.draws_per_chain
    if draws >= 100 or not run.effects:
        return ""
    return f"With {words.counted(draws, 'draw')} in all, densities and rank plots would only show noise; none is drawn."


def command_line(run: FinishedRun) -> str:
    """Return the command that repeats the run, quoted for a shell."""
    return shlex.join(run.run.command)


def resolved_analysis(run: FinishedRun) -> str:
    """Return the resolved analysis as indented JSON, without the file's text."""
    plain = {name: value for name, value in run.resolved.items() if name != "text"}
    return json.dumps(plain, indent=2, ensure_ascii=False)


def warnings_of(run: FinishedRun) -> tuple[str, ...]:
    """Return the warnings of the analysis, the run and the sampler, each once."""
    said = (*run.run.analysis.warnings, *run.run.warnings, *run.diagnostics.warnings)
    return tuple(dict.fromkeys(words.sentence(text) for text in said if text.strip()))
