"""A proposal as a commented analysis file that `check` accepts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from causalcluster.analysis import parse_analysis
from causalcluster.errors import CausalClusterError, InputError
from causalcluster.planning import draw_up
from causalcluster.starter.columns import read_first_rows
from causalcluster.starter.proposal import Proposal, ProposedNode, propose


def write_starter(table: Path, out: Path) -> Proposal:
    """Write a starter analysis for a table.

    Parameters
    ----------
    table
        CSV, Parquet, Feather, Arrow, Stata or Excel.
    out
        The analysis file; its folder has to exist, and no file of this name.

    Raises
    ------
    InputError
        The table cannot be read or holds too few numbers, the file exists already, or no analysis of the table passes the
        checks; nothing is written then.
    """
    if out.exists():
        raise InputError(
            "there is a file of this name already", where=str(out), fix="name another one with -o, or move it away"
        )
    if not out.absolute().parent.is_dir():
        raise InputError("there is no such folder", where=str(out.parent), fix="make it first, or name another one with -o")
    found = propose(read_first_rows(table), where=str(table))
    accepted, text = _first_accepted(found, table, out)
    out.write_text(text, encoding="utf-8", newline="\n")
    return accepted


def _first_accepted(found: Proposal, table: Path, out: Path) -> tuple[Proposal, str]:
    """Return the fullest proposal that passes all checks of the data."""
    first: CausalClusterError | None = None
    for proposal in _simpler(found):
        text = render_proposal(proposal, _relative(table, out))
        try:
            draw_up(parse_analysis(text, path=out), doubts=False)
        except CausalClusterError as error:
            first = first or error
            continue
        return proposal, text
    raise InputError(
        f"no analysis of this table passes the checks ({first.what if first else 'unknown'})",
        where=str(table),
        why=first.why if first else "",
        fix="write the analysis file by hand; docs/analysis-file.md says how",
    )


def _simpler(found: Proposal) -> Iterator[Proposal]:
    """Yield the proposal, then with fewer groupings, then with all nodes gaussian."""
    for gaussian in (False, True):
        own = _gaussian(found) if gaussian else found
        yield own
        yield replace(own, unit="")
        yield replace(own, unit="", time="")
        yield replace(own, unit="", time="", cluster="")


def _gaussian(found: Proposal) -> Proposal:
    return replace(
        found,
        outcome=replace(found.outcome, family="gaussian"),
        mediators=tuple(replace(node, family="gaussian") for node in found.mediators),
    )


def _relative(table: Path, out: Path) -> str:
    try:
        return str(table.absolute().relative_to(out.absolute().parent))
    except ValueError:
        return str(table.absolute())


def render_proposal(found: Proposal, file: str) -> str:
    """Return the text of the analysis file."""
    treatment, outcome = found.treatment.name, found.outcome.name
    mediators = [node.name for node in found.mediators]
    context = [node.name for node in found.context]
    inside = [treatment, *mediators, outcome]
    low, high = _contrast(found.treatment)
    lines = [
        "# A first proposal, guessed from the names and values of the columns. Read every line: which column is the",
        "# treatment, which actors carry it, and which arrows are missing are questions that no table answers.",
        "schema: causalcluster/1",
        f"title: {_text(f'Does {treatment} reach {outcome} through {mediators[0]}?')}",
        "data:",
        f"  file: {_text(file)}",
        *_groupings(found),
        "  missing: model                # rows with missing values are averaged over; or: drop, error",
        "nodes:                          # layers: influencer, environment, actor, outcome, context",
        *(_node_line(node) for node in found.nodes),
        *(_left_line(name, reason) for name, reason in found.left),
        "edges:                          # an arrow that is not drawn is a claim that there is none",
        *([f"  - {', '.join(context)} -> {', '.join(inside)}"] if context else []),
        *(f"  - {', '.join([treatment, *mediators[:k]])} -> {name}" for k, name in enumerate(mediators)),
        f"  - {', '.join([treatment, *mediators])} -> {outcome}",
        "# unobserved:",
        f"#   - {mediators[0]} <-> {outcome}        # an unmeasured cause of both, if you know of one",
        "question:",
        f"  treatment: {treatment}",
        f"  contrast: {{from: {low}, to: {high}}}       # or {{sd: 1}}, or {{quantiles: [0.1, 0.9]}}",
        f"  outcomes: [{outcome}]",
        f"  mediators: [{', '.join(mediators)}]       # in causal order",
        "hypotheses:",
        f'  - {{id: H1, claim: "nie({outcome}, via={mediators[0]}) > 0"}}',
        "",
    ]
    return "\n".join(lines)


def _groupings(found: Proposal) -> Iterator[str]:
    if found.cluster:
        yield f"  cluster: {_text(found.cluster)}        # effects may differ between its values"
    else:
        yield "  # cluster: ...                # no column seems to group the rows; effects are the same everywhere"
    if found.unit:
        yield f"  unit: {_text(found.unit)}        # seen again and again: what is stable in one is no cause inside it"
    if found.time:
        yield f"  time: {_text(found.time)}"


def _node_line(node: ProposedNode) -> str:
    parts = [f"layer: {node.layer}"]
    if node.actor:
        parts.append(f"actor: {node.actor}")
    if node.name != node.column.name:
        parts.append(f"column: {_text(node.column.name)}")
    if node.family != "gaussian":
        parts.append(f"family: {node.family}")
    return f"  {node.name}: {{{', '.join(parts)}}}{_remark(node)}"


def _remark(node: ProposedNode) -> str:
    column = node.column
    values = f"{column.distinct} values from {column.low:g} to {column.high:g}"
    gaps = f", {column.missing:.0%} missing" if column.missing else ""
    return f"  # {values}{gaps}"


def _left_line(name: str, reason: str) -> str:
    return f"  # left out: {_text(name)}: {reason}"


def _contrast(node: ProposedNode) -> tuple[str, str]:
    """Return 0 and 1 for a treatment that is one or the other, else its extremes' thirds in round numbers."""
    column = node.column
    if column.kind == "binary":
        return "0", "1"
    third = (column.high - column.low) / 3.0
    return f"{column.low + third:.3g}", f"{column.high - third:.3g}"


def _text(value: str) -> str:
    """Return text as a YAML scalar on one line: a JSON string is one."""
    return json.dumps(value, ensure_ascii=False)
