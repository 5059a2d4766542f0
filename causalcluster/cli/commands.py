"""What the longer commands do, between reading arguments and the package's own functions."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from causalcluster.analysis import Analysis, read_analysis
from causalcluster.analysis.claim_records import name_effect
from causalcluster.identification.dowhy_answer import describe_routes

if TYPE_CHECKING:
    from causalcluster.identification.second_opinion import SecondOpinion

UNRELIABLE = 3


def run_file(
    file: Path,
    out: Path,
    settings: Mapping[str, int],
    *,
    quiet: bool,
    as_json: bool,
    leave_one_out: bool = False,
    refutations: int = 0,
    engine: str | None = None,
    pdf: bool = False,
) -> int:
    """Run an analysis file into a folder; returns the exit code."""
    analysis = read_analysis(file)
    analysis = dataclasses.replace(analysis, sampling=dataclasses.replace(analysis.sampling, **settings))
    talk = not quiet and not as_json
    with _asked_aside(analysis) as opinion:
        from causalcluster.output.files import check_writable, write_run
        from causalcluster.pipeline import analyse

        check_writable(out)
        if engine and not leave_one_out and not refutations:
            typer.echo(
                "Warning: --engine is for runs of many fits (--leave-one-out, --refute); this run is one fit, here.",
                err=True,
            )
        result = analyse(
            analysis,
            progress=_say_stage if talk else None,
            bar=talk and sys.stderr.isatty(),
            leave_one_out=leave_one_out,
            refutations=refutations,
            engine=engine,
            opinion=opinion,
        )
    flags = ["--leave-one-out"] if leave_one_out else []
    flags += ["--refute", str(refutations)] if refutations else []
    flags += ["--engine", engine] if engine else []
    flags += ["--pdf"] if pdf else []
    write_run(result, out, command=_command(file, out, settings) + flags, pdf=pdf)
    if as_json:
        typer.echo(json.dumps(_run_json(result, out), ensure_ascii=False, indent=2))
    elif not quiet:
        _print_answer(result, out)
    return UNRELIABLE if result.diagnostics.status == "unreliable" else 0


def _asked_aside(analysis: Analysis) -> "AbstractContextManager[SecondOpinion]":
    """Ask DoWhy before anything else heavy is imported."""
    from causalcluster.identification.second_opinion import second_opinion

    return second_opinion(analysis)


def check_file(file: Path, *, quiet: bool, as_json: bool) -> None:
    """Validate an analysis and its data and say what is identified."""
    analysis = read_analysis(file)
    with _asked_aside(analysis) as opinion:
        from causalcluster.identification import verdict_to_json
        from causalcluster.multiverse import plan_alternatives
        from causalcluster.planning import plan_analysis

        plan = plan_analysis(analysis, opinion=opinion)
        others = plan_alternatives(analysis)
    if as_json:
        contents = {
            "title": analysis.title,
            "rows": plan.panel.rows,
            "rows_used": plan.panel.rows_used,
            "clusters": [{"label": label, "rows": rows} for label, rows in plan.panel.clusters],
            "contrast": list(plan.panel.contrast),
            "verdicts": [verdict_to_json(verdict) for verdict in plan.verdicts],
            "dowhy": [dataclasses.asdict(answer) for answer in plan.dowhy],
            "alternatives": [{"name": item.name, "changed": list(item.changed)} for item in others],
            "notes": list(plan.design.notes),
            "warnings": list(plan.warnings),
        }
        typer.echo(json.dumps(contents, ensure_ascii=False, indent=2))
    elif not quiet:
        _print_plan(plan)
        if others:
            typer.echo(f"Alternatives: {', '.join(item.name for item in others)}")


def reduce_file(file: Path, out: Path, min_cell: int | None, *, quiet: bool, as_json: bool) -> None:
    """Reduce the table of an analysis to a moments file."""
    analysis = read_analysis(file)
    from causalcluster.moments import reduce_table, write_moments
    from causalcluster.moments.source import refuse_input_as_target
    from causalcluster.moments.storage import check_target

    check_target(out)
    refuse_input_as_target(analysis, out)
    moments = reduce_table(analysis, min_cell=min_cell)
    _refuse_products(analysis, moments)
    write_moments(moments, out)
    contents = {
        "out": str(out),
        "clusters": moments.table.sizes["cluster"],
        "rows": moments.counts.rows,
        "patterns": 1 + len(moments.incomplete),
        "columns": [str(name) for name in moments.table["column"].values],
        "dropped": list(moments.dropped),
        "thinned": list(moments.thinned),
        "warnings": list(moments.warnings),
    }
    if as_json:
        typer.echo(json.dumps(contents, ensure_ascii=False, indent=2))
        return
    for what, labels in {
        f"Left out, with fewer than {min_cell} rows": moments.dropped,
        f"Left out in part, records (of one pattern of missing values) with fewer than {min_cell} rows": moments.thinned,
    }.items():
        if labels:
            typer.echo(f"{what}: {', '.join(map(repr, labels))}.", err=True)
    for warning in moments.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    if not quiet:
        typer.echo(f"Wrote {out}: {contents['rows']} rows in {contents['clusters']} clusters, as moments.")


def _refuse_products(analysis: Analysis, moments: Any) -> None:
    """Refuse to write moments with which the analysis could not be run."""
    if not analysis.interactions:
        return
    from causalcluster.graph import build_graph
    from causalcluster.needs import refuse_moments_alone
    from causalcluster.panel import constant_inside_clusters

    refuse_moments_alone(analysis, build_graph(analysis), constant_inside_clusters(analysis, moments.table))


def _print_plan(plan: Any) -> None:
    from causalcluster.diagram import to_text

    panel = plan.panel
    typer.echo(plan.analysis.title)
    typer.echo("")
    typer.echo(to_text(plan.graph, {node.name: node.label for node in plan.analysis.nodes}))
    typer.echo("")
    groups = f" in {len(panel.clusters)} clusters" if panel.cluster_column is not None else ""
    typer.echo(f"Data: {panel.rows_used} of {panel.rows} rows used{groups}. Contrast: {panel.contrast_description}.")
    for note in plan.design.notes:
        typer.echo(f"Note: {note}")
    for line in _unlinked(plan):
        typer.echo(line)
    typer.echo("")
    for verdict in plan.verdicts:
        mark = "identified    " if verdict.identified else "NOT identified"
        name = name_effect(verdict.effect, verdict.outcome, verdict.via)
        typer.echo(f"{mark}  {name}: {' '.join(filter(None, (verdict.reason, verdict.remedy)))}")
    for answer in plan.dowhy:
        agreement = "agrees" if answer.agrees else "DISAGREES"
        found = "no adjustment set" if answer.theirs is None else "{" + ", ".join(answer.theirs) + "}"
        typer.echo(f"DoWhy {agreement} on the total effect on {answer.outcome}: {found}.")
        if describe_routes(answer):
            typer.echo(f"{describe_routes(answer)}.")
    for warning in plan.warnings:
        typer.echo(f"Warning: {warning}")


def _unlinked(plan: Any) -> list[str]:
    """Say between which named concepts the paper has no edge."""
    from causalcluster.framework import indirect_pairs, unlinked_pairs

    concepts = {node.name: node.concept for node in plan.analysis.nodes if node.concept}
    if len(concepts) < 2:
        return []
    sentences = {
        "The paper links only through concepts that are not named here, or in the next period": indirect_pairs(concepts),
        "The paper draws no edge between": unlinked_pairs(concepts),
    }
    return [
        f"{sentence}: {'; '.join(f'{left} and {right}' for left, right in pairs)}."
        for sentence, pairs in sentences.items()
        if pairs
    ]


def _print_answer(result: Any, out: Path) -> None:
    table = result.effects
    level = "population" if (table["level"] == "population").any() else "sample"
    main = table[(table["level"] == level) & table["effect"].isin(["total", "nde", "nie", "prop_mediated"])]
    if result.diagnostics.status == "unreliable":
        typer.echo("UNRELIABLE: do not use these numbers. " + "; ".join(result.diagnostics.reasons), err=True)
    typer.echo(f"Effects ({level}):")
    for row in main.itertuples():
        when = f", horizon={row.horizon}, regime={row.regime}" if row.horizon else ""
        at = f", at {row.at}" if row.at else ""
        name = f"{row.effect}({row.outcome}{', via=' + row.via if row.via else ''}{when}{at})"
        if row.median == row.median:
            typer.echo(f"  {name}: {row.median:.4g} [{row.lower:.4g}, {row.upper:.4g}]")
        else:
            typer.echo(f"  {name}: not shown ({row.reason})")
    for row in result.hypotheses.itertuples():
        typer.echo(f"  {row.id}: {row.verdict} ({row.claim})")
    for warning in result.plan.warnings:
        typer.echo(f"Warning: {warning}")
    typer.echo(f"Report: {out / 'report.html'}")


def _run_json(result: Any, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "status": result.diagnostics.status,
        "reasons": list(result.diagnostics.reasons),
        "warnings": list(result.plan.warnings),
        "effects": _records(result.effects[result.effects["cluster"] == ""]),
        "hypotheses": _records(result.hypotheses),
    }


def _records(table: Any) -> list[dict[str, Any]]:
    """Return rows as plain values, all digits kept and what is blank as null."""
    return [{name: None if value != value else value for name, value in row.items()} for row in table.to_dict("records")]


def _say_stage(sentence: str) -> None:
    typer.echo(f"causalcluster: {sentence}", err=True)


def _command(file: Path, out: Path, settings: Mapping[str, int]) -> list[str]:
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return ["causalcluster", "run", str(file), "--out", str(out), *options]


def collect_scorecards(directories: Sequence[Path], out: Path | None, *, as_json: bool) -> None:
    """Write or print the scorecards of several runs as one table."""
    from causalcluster.output.files import write_csv
    from causalcluster.scorecard import collect

    table = collect(directories)
    if out is not None:
        check_writable_file(out)
        write_csv(table, out)
        typer.echo(f"Wrote {out}")
    elif as_json:
        typer.echo(json.dumps(table.to_dict("records"), ensure_ascii=False, indent=2))
    else:
        shown = table[table["verdict"] != "not applicable"]
        columns = ["run", "id", "statement", "prediction", "probability_neutral", "verdict_neutral", "verdict_framework"]
        typer.echo(shown[columns].to_string(index=False))


def check_writable_file(path: Path) -> None:
    """Raise InputError where a file cannot be written."""
    from causalcluster.errors import InputError

    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError("the file cannot be written here", where=str(path), fix="name a file in a folder that exists")


def init_file(table: Path, out: Path, *, quiet: bool) -> None:
    """Write a starter analysis and say what was guessed."""
    from causalcluster.starter import write_starter

    found = write_starter(table, out)
    if quiet:
        return
    groups = {"cluster": found.cluster, "unit": found.unit, "time": found.time}
    named = ", ".join(f"{key} {column!r}" for key, column in groups.items() if column) or "no groups"
    via = ", ".join(node.name for node in found.mediators)
    typer.echo(f"Guessed: {named}; {found.treatment.name} -> {via} -> {found.outcome.name}.")
    typer.echo(f"Wrote {out}. Read and correct it, then: causalcluster check {out}")
