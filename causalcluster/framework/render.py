"""The framework as text or JSON."""

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Literal, get_args

from causalcluster.framework.records import (
    SIGN_MEANING,
    STATUS_MEANING,
    Framework,
    FrameworkCase,
    FrameworkHypothesis,
    FrameworkNode,
)

Topic = Literal["summary", "nodes", "edges", "hypotheses", "cases"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
SOURCE = (
    "F. Pyke and P. Lund-Thomsen (2015), Industrial Clusters and Social Upgrading in Developing Countries: "
    "Towards An Analytical Framework, CBS working paper 1-2015"
)
_WIDTH = 110


def render_framework(framework: Framework, topic: Topic = "summary", *, as_json: bool = False) -> str:
    """Return one part of the framework for people, or as JSON for programs.

    Parameters
    ----------
    framework
        The ontology.
    topic
        `summary` for counts; `nodes`, `edges`, `hypotheses` and `cases` for lists.
    as_json
        JSON instead of text: an object for `summary`, else a list with one object per record.

    Returns
    -------
    str
        Without a newline at the end.
    """
    if as_json:
        return json.dumps(_plain(framework, topic), ensure_ascii=False, indent=2)
    texts: dict[Topic, Callable[[Framework], str]] = {
        "summary": _summary_text,
        "nodes": _nodes_text,
        "edges": _edges_text,
        "hypotheses": _hypotheses_text,
        "cases": _cases_text,
    }
    return texts[topic](framework)


def framework_summary(framework: Framework) -> dict[str, object]:
    """Return the source and the counts of the framework, as plain JSON values."""
    return {
        "source": SOURCE,
        "nodes": len(framework.nodes),
        "nodes_by_layer": dict(Counter(node.layer for node in framework.nodes)),
        "edges": len(framework.edges),
        "feedback_edges": sum(edge.lag == 1 for edge in framework.edges),
        "edges_by_sign": dict(Counter(edge.sign for edge in framework.edges)),
        "edges_by_status": dict(Counter(edge.status for edge in framework.edges)),
        "moderators": len(framework.moderators),
        "hypotheses": len(framework.hypotheses),
        "cases": len(framework.cases),
        "case_clusters": len({case.cluster for case in framework.cases}),
        "judgements": len(framework.judgements),
    }


def _plain(framework: Framework, topic: Topic) -> object:
    if topic == "summary":
        return framework_summary(framework)
    if topic == "nodes":
        return [asdict(node) for node in framework.nodes]
    if topic == "edges":
        return [asdict(edge) for edge in framework.edges]
    if topic == "hypotheses":
        return [asdict(hypothesis) for hypothesis in framework.hypotheses]
    return [asdict(case) | {"codes": dict(case.codes)} for case in framework.cases]


def _summary_text(framework: Framework) -> str:
    feedback = sum(edge.lag == 1 for edge in framework.edges)
    clusters = len({case.cluster for case in framework.cases})
    layers = Counter(node.layer for node in framework.nodes)
    counts = (
        f"{len(framework.nodes)} nodes, {len(framework.edges)} edges ({feedback} feedback), "
        f"{len(framework.moderators)} moderators, {len(framework.hypotheses)} hypotheses, "
        f"{len(framework.cases)} case episodes of {clusters} clusters or comparators, "
        f"{len(framework.judgements)} coded judgements"
    )
    lines = [
        *textwrap.wrap(SOURCE, _WIDTH),
        "",
        *textwrap.wrap(counts, _WIDTH),
        "",
        "Nodes by layer:",
        *_aligned([("  " + layer, str(count)) for layer, count in layers.items()]),
        "",
        *_legend(framework),
        "",
        "Lists: causalcluster framework nodes | edges | hypotheses | cases (add --json for programs)",
    ]
    return "\n".join(lines)


def _legend(framework: Framework) -> list[str]:
    signs = Counter(edge.sign for edge in framework.edges)
    statuses = Counter(edge.status for edge in framework.edges)
    return [
        "Edges by sign:",
        *_aligned([("  " + sign, str(signs[sign]), meaning) for sign, meaning in SIGN_MEANING.items()]),
        "",
        "Edges by status:",
        *_aligned([("  " + key, str(statuses[key]), meaning) for key, meaning in STATUS_MEANING.items()]),
    ]


def _nodes_text(framework: Framework) -> str:
    lines: list[str] = []
    heading = ""
    width = max(len(node.id) for node in framework.nodes)
    for node in framework.nodes:
        here = f"{node.layer} / {node.group}"
        if here != heading:
            lines += ["", here] if lines else [here]
            heading = here
        lines.append(f"  {node.id:<{width}}  {_meaning(node)}")
    return "\n".join(lines)


def _meaning(node: FrameworkNode) -> str:
    notes = [f"of {node.owner}"] if node.owner else []
    if node.component_of:
        direction = ", reversed" if node.reversed_in_composite else ""
        notes.append(f"part of {node.component_of}{direction}")
    return f"{node.high_means} [{'; '.join(notes)}]" if notes else node.high_means


def _edges_text(framework: Framework) -> str:
    header = ("id", "edge", "sign", "lag", "status", "section", "mechanism")
    rows = [
        (
            edge.id,
            f"{edge.source} -> {edge.target}",
            edge.sign,
            str(edge.lag),
            edge.status,
            edge.section,
            f"{edge.mechanism} ({edge.citation})" if edge.citation else edge.mechanism,
        )
        for edge in framework.edges
    ]
    signs = "; ".join(f"{sign} {meaning}" for sign, meaning in SIGN_MEANING.items())
    statuses = "; ".join(f"{status} {meaning}" for status, meaning in STATUS_MEANING.items())
    return "\n".join([f"Signs: {signs}", f"Status: {statuses}", "", *_aligned([header, *rows])])


def _hypotheses_text(framework: Framework) -> str:
    return "\n\n".join(_hypothesis_text(hypothesis) for hypothesis in framework.hypotheses)


def _hypothesis_text(hypothesis: FrameworkHypothesis) -> str:
    strength = STATUS_MEANING[hypothesis.strength]
    lines = [f"{hypothesis.id}  {hypothesis.label} (section {hypothesis.section}; {strength})"]
    parts = (
        ("treatment", hypothesis.treatment),
        ("mediator", hypothesis.mediator),
        ("outcome", hypothesis.outcome),
        ("moderator", hypothesis.moderator),
        ("contrast", hypothesis.contrast),
        ("prediction", hypothesis.prediction),
        ("edges", ", ".join(hypothesis.edges)),
    )
    return "\n".join(lines + _labelled(parts))


def _cases_text(framework: Framework) -> str:
    comment = "Codes are states, acts or results (+1, 0, -1), not effects. Not for effect estimation."
    return "\n\n".join([comment, *(_case_text(case) for case in framework.cases)])


def _case_text(case: FrameworkCase) -> str:
    place = ", ".join(dict.fromkeys(filter(None, (case.region, case.country, case.world_region))))
    country = "" if case.country_in_paper else " (country not named in the paper)"
    employment = " to ".join(filter(None, (case.employment_start, case.employment_end)))
    parts = (
        ("where", place + country),
        ("what", f"{case.sector} [{case.case_type}]"),
        ("when", case.period),
        ("jobs", employment),
        ("figures", case.other_figures),
        ("codes", ", ".join(f"{name} {code:+d}" if code else f"{name} 0" for name, code in case.codes)),
        ("mixed", ", ".join(case.mixed)),
        ("expected", ", ".join(case.prospective)),
        ("soft", ", ".join(case.soft)),
    )
    episode = "" if case.episode == "main" else f", {case.episode}"
    return "\n".join([f"{case.cluster}{episode}  ({case.case_id}; section {case.sections})", *_labelled(parts)])


def _labelled(parts: Iterable[tuple[str, str]]) -> list[str]:
    """Return 'label: text' lines, wrapped under the text; empty texts are left out."""
    lines: list[str] = []
    for label, text in parts:
        if text:
            head = f"  {label + ':':<12}"
            lines += textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows with columns padded to one width; the last column is left ragged."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows]
