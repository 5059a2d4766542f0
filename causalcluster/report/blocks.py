"""A report's contents as a list of plain blocks: what the printed version is laid out from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from causalcluster.report.records import Figure, Table

MOST_ROWS = 150
"""Rows of a table that are printed; all are in the tables beside the report."""

MOST_NAMED = 3
Block = dict[str, Any]


def blocks_of(content: Mapping[str, Any]) -> Iterator[Block]:
    """Yield headings, paragraphs, lists, tables and figures in the order of the page.

    Parameters
    ----------
    content
        What the page's template is filled with (`causalcluster.report.html`).

    Yields
    ------
    dict
        ``kind`` is banner, heading, paragraph, note, list, code, terms, table or figure; texts are plain.
    """
    for make in (
        _answer, _question, _identification, _data, _model, _effects, _hypotheses, _doubt, _diagnostics, _reproduction,
        _terms,
    ):  # fmt: skip
        yield from make(content)


def _heading(text: str, level: int = 1) -> Block:
    return {"kind": "heading", "text": text, "level": level}


def _paragraphs(texts: Iterable[str], kind: str = "paragraph") -> Iterator[Block]:
    for text in texts:
        if text:
            yield {"kind": kind, "text": str(text)}


def _list(items: Iterable[str]) -> Iterator[Block]:
    found = [str(item) for item in items]
    if found:
        yield {"kind": "list", "items": found}


def _tables(tables: Iterable[Table | None]) -> Iterator[Block]:
    for table in tables:
        if table is not None and table.rows:
            shown = table.rows[:MOST_ROWS]
            note = table.note
            if len(shown) < len(table.rows):
                more = f"The first {len(shown):,} of {len(table.rows):,} rows; all are in the tables beside this report."
                note = f"{note} {more}".strip()
            yield {
                "kind": "table",
                "caption": table.caption,
                "header": list(table.header),
                "numeric": [cell.numeric for cell in table.rows[0]],
                "rows": [[cell.text for cell in row] for row in shown],
                "marks": [[cell.mark for cell in row] for row in shown],
                "widths": _widths(table.header, [[cell.text for cell in row] for row in shown]),
                "note": note,
            }


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Return shares of the page's width by what the columns hold: words do not break, long texts wrap."""
    found = []
    for k, name in enumerate(header):
        cells = [row[k] for row in rows]
        longest_word = max((len(word) for text in (name, *cells) for word in text.split()), default=1)
        mean = sum(map(len, cells)) / max(len(cells), 1)
        found.append(max(longest_word + 1.0, min(mean, 60.0), 3.0))
    return found


def _figures(figures: Iterable[Figure | None]) -> Iterator[Block]:
    for figure in figures:
        if figure is not None:
            yield {"kind": "figure", "source": figure.source, "alt": figure.alt, "caption": figure.caption}


def _answer(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("The answer in short")
    several = len(content["answers"]) > 1
    for answer, overview in content["answers"]:
        if several:
            yield _heading(answer.outcome, 2)
        yield {"kind": "lead", "text": answer.lead}
        if answer.numbers:
            yield {"kind": "terms", "items": [[item.label, f"{item.value} {item.detail}"] for item in answer.numbers]}
        yield from _list(answer.parts)
        yield from _paragraphs(answer.further)
        yield from _figures([overview])
    if any(answer.numbers for answer, _ in content["answers"]):
        yield from _paragraphs(["These numbers are causal only if the assumptions of section 3 hold."])
    if content["warnings"]:
        yield _heading("Please note", 2)
        yield from _list(content["warnings"])


def _question(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Question and diagram")
    yield from _paragraphs(content["question"])
    yield from _figures([content["diagram"], content["unrolled"]])
    yield from _paragraphs(content["edge_notes"], "note")


def _identification(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("What can be learnt, and under which assumptions")
    yield from _paragraphs(
        [
            "The diagram is an assumption: each missing arrow says that there is no such influence. Given the diagram, "
            "these effects can or cannot be told from data of this kind."
        ]
    )
    yield from _tables([content["verdicts"]])
    if content["assumptions"]:
        yield _heading("What has to be true", 2)
        yield from _list(f"{text} Needed for: {_named(effects)}." for text, effects in content["assumptions"])


def _named(effects: Sequence[str]) -> str:
    """Return a few of the effects that rest on an assumption; the page lists all."""
    shown = "; ".join(effects[:MOST_NAMED])
    return shown if len(effects) <= MOST_NAMED else f"{shown}; and {len(effects) - MOST_NAMED} more"


def _data(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Data")
    yield from _paragraphs(content["data_sentences"])
    yield from _tables(content["data_tables"])


def _model(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Model and priors")
    yield from _paragraphs(["One equation for each variable that the treatment moves; all are estimated together."])
    for line in content["equations"]:
        terms = [
            f"{symbol}{f'[{sub}]' if sub else ''}{f' × {factors}' if factors else ''}" for symbol, sub, factors in line.terms
        ]
        yield {"kind": "equation", "text": f"{line.left} = {' + '.join([*terms, 'ε'])}"}
    yield from _paragraphs([content["varying"]])
    yield from _list(content["run"].design.notes)
    yield from _tables([content["coefficients"], content["priors"], *content["implied"]])
    yield from _paragraphs([content["prior_note"]], "note")


def _term(parts: tuple[str, str, str]) -> str:
    symbol, subscript, factors = parts
    return symbol + (f"[{subscript}]" if subscript else "") + (f" × {factors}" if factors else "")


def _effects(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Effects")
    yield from _paragraphs([content["few_draws"]])
    several = len(content["effects"]) > 1
    for item in content["effects"]:
        if several:
            yield _heading(f"Effects on {item['outcome']}", 2)
        if not item["tables"]:
            yield from _paragraphs([f"No effect on {item['outcome']} is identified, so there is no number to show."])
        yield from _figures([item["paths"]])
        yield from _tables(item["tables"])
        yield from _figures([item["curves"]])
        yield from _tables([*item["responses"], *item["groups"], item["orders"], item["between"], item["shifts"]])
        yield from _figures(item["figures"])
        yield from _tables([item["clusters"]])
        for part in item["ratios"]:
            yield from _tables(part["tables"])
            yield from _figures(part["figures"])
            yield from _tables([part["clusters"]])


def _hypotheses(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Hypotheses")
    if not content["hypotheses"].rows:
        yield from _paragraphs(["The analysis states no hypothesis."])
    yield from _tables([content["hypotheses"], *content["scores"]])


def _doubt(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("How could this be wrong?")
    yield from _paragraphs(content["doubt"]["sentences"])
    yield from _figures(content["doubt"]["figures"])
    yield from _tables(content["doubt"]["tables"])


def _diagnostics(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Diagnostics")
    yield from _paragraphs([content["diagnosis"]])
    yield from _tables([content["checks"]])
    yield from _figures(content["chain_figures"])
    if content["predictive"]:
        yield _heading("Predictive checks", 2)
        yield from _paragraphs(content["predictive"])
        yield from _figures([content["replicates"]])
        yield from _tables([content["predictive_table"]])
    yield from _tables([content["timings"]])


def _reproduction(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("How to reproduce")
    yield from _paragraphs(["The same analysis, data, seed and versions give the same numbers on the same machine."])
    run = content["run"]
    if content["command"]:
        yield {"kind": "code", "text": content["command"]}
    facts = [f"Data: {run.data.file}"] if run.data.file else []
    yield from _list([*facts, f"Fingerprint of the data: {run.data.fingerprint}", f"Seed: {run.seed}"])
    if run.analysis.text:
        yield {"kind": "code", "text": run.analysis.text}
    yield from _tables([content["versions"]])


def _terms(content: Mapping[str, Any]) -> Iterator[Block]:
    yield _heading("Terms and sources")
    yield {"kind": "terms", "items": [[str(term), str(meaning)] for term, meaning in content["terms"]]}
    yield _heading("Sources", 2)
    yield from _list(content["works"])
