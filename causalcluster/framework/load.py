"""The framework's tables, read from the data set `framework`."""

import csv
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import cast, get_args

from causalcluster.errors import InputError
from causalcluster.framework.records import (
    Framework,
    FrameworkCase,
    FrameworkEdge,
    FrameworkHypothesis,
    FrameworkJudgement,
    FrameworkModerator,
    FrameworkNode,
    NodeLayer,
    Sign,
    Status,
)
from causalcluster.resources import dataset_path

_Row = dict[str, str]
_REVERSED = " (reversed)"
_RANGE = re.compile(r"^([A-Z]+)(\d+)-([A-Z]+)(\d+)$")
CODE_PREFIXES = ("env_", "gov_", "out_", "ctx_")
CODED_ACTS = ("employers_act", "workers_act", "community_act", "buyers_act", "joint_action")


@cache
def load_framework() -> Framework:
    """Return the ontology of Pyke and Lund-Thomsen (2015) as the package carries it.

    Raises
    ------
    InputError
        A table of the installation is missing or holds an unknown code.

    Examples
    --------
    >>> len(load_framework().nodes)
    241
    """
    return read_framework(dataset_path("framework"))


def read_framework(folder: Path) -> Framework:
    """Return the ontology from a folder with its tables (see `load_framework`)."""
    return Framework(
        nodes=tuple(_node(row) for row in _rows(folder / "nodes.csv")),
        edges=tuple(_edge(row) for row in _rows(folder / "edges.csv")),
        moderators=tuple(_moderator(row) for row in _rows(folder / "moderators.csv")),
        hypotheses=tuple(_hypothesis(row) for row in _rows(folder / "hypotheses.csv")),
        cases=tuple(_case(row) for row in _rows(folder / "cases.csv")),
        judgements=tuple(_judgement(row) for row in _rows(folder / "cases_long.csv")),
    )


def expand_ids(text: str) -> tuple[str, ...]:
    """Return the ids in a list such as 'E001,E008-E010'.

    Examples
    --------
    >>> expand_ids("E001,E008-E010")
    ('E001', 'E008', 'E009', 'E010')
    """
    ids: list[str] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        bounds = _RANGE.match(item)
        if bounds is None:
            ids.append(item)
            continue
        letter, first, last = bounds[1], bounds[2], bounds[4]
        ids += [f"{letter}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    return tuple(ids)


def _rows(path: Path) -> list[_Row]:
    if not path.is_file():
        raise InputError(
            f"{path.name} is missing",
            where=str(path.parent),
            why="The framework is read from it",
            fix="Install the package again",
        )
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _option[Option: str](value: str, options: Collection[Option], row_id: str) -> Option:
    if value not in options:
        raise InputError(
            f"{value!r} is not one of {', '.join(options)}",
            where=f"framework, row {row_id}",
            why="The tables of the framework use closed lists of codes",
            fix="Install the package again",
        )
    return cast(Option, value)


def _node(row: _Row) -> FrameworkNode:
    layers: tuple[NodeLayer, ...] = get_args(NodeLayer)
    return FrameworkNode(
        id=row["id"],
        layer=_option(row["layer"], layers, row["id"]),
        group=row["group"],
        high_means=row["high_means"],
        component_of=row["component_of"].removesuffix(_REVERSED),
        reversed_in_composite=row["component_of"].endswith(_REVERSED),
        owner=row["owner"],
        valence=row["valence"],
        section=row["section"],
    )


def _edge(row: _Row) -> FrameworkEdge:
    signs: tuple[Sign, ...] = get_args(Sign)
    return FrameworkEdge(
        id=row["id"],
        source=row["source"],
        target=row["target"],
        sign=_option(row["sign"], signs, row["id"]),
        moderator=row["moderator"],
        mechanism=row["mechanism"],
        cluster_evidence=row["cluster_evidence"],
        citation=row["citation"],
        section=row["section"],
        kind=row["kind"],
        status=_status(row["status"], row["id"]),
        lag=int(_option(row["lag"], ("0", "1"), row["id"])),
    )


def _status(value: str, row_id: str) -> Status:
    statuses: tuple[Status, ...] = get_args(Status)
    return _option(value, statuses, row_id)


def _moderator(row: _Row) -> FrameworkModerator:
    return FrameworkModerator(
        id=row["id"],
        moderator=row["moderator"],
        focal_edges=expand_ids(row["focal_edges"]),
        effect=row["effect"],
        section=row["section"],
        citation=row["citation"],
        status=_status(row["status"], row["id"]),
    )


def _hypothesis(row: _Row) -> FrameworkHypothesis:
    return FrameworkHypothesis(
        id=row["id"],
        label=row["label"],
        treatment=row["treatment"],
        mediator=row["mediator"],
        outcome=row["outcome"],
        moderator=row["moderator"],
        contrast=row["contrast"],
        prediction=row["prediction"],
        edges=expand_ids(row["edges"]),
        section=row["section"],
        strength=_status(row["strength"], row["id"]),
    )


def _case(row: _Row) -> FrameworkCase:
    coded = [name for name in row if name.startswith(CODE_PREFIXES) or name in CODED_ACTS]
    return FrameworkCase(
        case_id=row["case_id"],
        cluster=row["cluster"],
        episode=row["episode"],
        case_type=row["case_type"],
        country=row["country"],
        country_in_paper=row["country_in_paper"] == "yes",
        region=row["region"],
        world_region=row["world_region"],
        sector=row["sector"],
        sector_group=row["sector_group"],
        period=row["period"],
        employment_start=_figure(row, "emp_start"),
        employment_end=_figure(row, "emp_end"),
        other_figures=row["other_figures"],
        sections=row["sections"],
        codes=tuple((name, int(row[name])) for name in coded if row[name]),
        mixed=_names(row["mixed_vars"]),
        prospective=_names(row["prospective_vars"]),
        soft=_names(row["soft_vars"]),
    )


def _figure(row: _Row, prefix: str) -> str:
    """Return employment as printed: number or words, with year and qualifier where the paper gives them."""
    number, year, qualifier = (row[f"{prefix}_{part}"] for part in ("n", "year", "qual"))
    notes = ", ".join(filter(None, (year, qualifier if number else "")))
    figure = number or qualifier
    return f"{figure} ({notes})" if figure and notes else figure


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("|")))


def _judgement(row: _Row) -> FrameworkJudgement:
    return FrameworkJudgement(
        case_id=row["case_id"],
        cluster=row["cluster"],
        episode=row["episode"],
        variable=row["variable"],
        code=int(row["code"]),
        justification=row["justification"],
        citation=row["citation"],
        section=row["section"],
        basis=row["basis"],
        status=row["status"],
        mode=row["mode"],
    )
