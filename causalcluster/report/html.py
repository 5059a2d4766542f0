"""The report as one HTML file: content and figures put into the template."""

import base64
import hashlib
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from causalcluster.report import (
    chains,
    checks,
    doubts,
    effect_tables,
    figures,
    forests,
    grids,
    groups,
    horizons,
    measurement,
    missing,
    scorecard,
    sections,
    tables,
    whatif,
    words,
    wrong,
)
from causalcluster.report.answer import labels_of, write_answer
from causalcluster.report.diagrams import draw_diagram, draw_paths, unidentified_parts
from causalcluster.report.glossary import WORKS, terms_of
from causalcluster.report.load import load_run
from causalcluster.report.records import Answer, FinishedRun
from causalcluster.report.replicates import draw_replicates
from causalcluster.report.scales import DIFFERENCE, on_scale, ratio_scales, ratio_sentences

if TYPE_CHECKING:
    from jinja2 import Template

REPORT_FILE: Final = "report.html"


def render_report(directory: Path) -> str:
    """Return the report of a finished run as HTML.

    Parameters
    ----------
    directory
        A folder written by ``causalcluster run``; nothing else is read.

    Returns
    -------
    str
        One self-contained page: no script, no request, the same text for the same folder.

    Raises
    ------
    InputError
        The folder is not a run folder, or one of its files is missing or damaged.
    """
    return _template().render(**report_content(load_run(directory)))


@cache
def _script() -> str:
    """Return the page's one script, which the page's policy names by its hash."""
    return (files("causalcluster.report") / "templates" / "page.js").read_text(encoding="utf-8")


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("causalcluster.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def report_content(run: FinishedRun) -> dict[str, Any]:
    """Return all texts, tables and figures of the report, for the page and for print."""
    outcomes = run.run.analysis.question.outcomes
    plain = _plain(run)
    return {
        "title": sections.page_title(run),
        "created": sections.created_words(run),
        "run": run.run,
        "diagnostics": run.diagnostics,
        "unreliable": run.diagnostics.status != "ok",
        "answers": [(_answer(run, name), figures.draw_overview(plain, name)) for name in outcomes],
        "question": sections.question_sentences(run),
        "edge_notes": sections.edge_notes(run),
        "diagram": draw_diagram(run),
        "unrolled": horizons.draw_unrolled(run),
        "verdicts": tables.identification_table(run),
        "assumptions": tables.assumptions(run),
        "data_sentences": sections.data_sentences(run),
        "data_tables": (
            tables.columns_table(run),
            missing.missing_table(run),
            measurement.measurement_table(run),
            doubts.positivity_table(run),
            tables.clusters_table(run),
        ),
        "equations": sections.equations(run),
        "varying": sections.varying_sentence(run),
        "priors": tables.priors_table(run),
        "implied": [
            *(tables.implied_priors_table(plain, name) for name in outcomes),
            tables.correlations_table(run),
        ],
        "prior_note": sections.prior_note(run),
        "coefficients": tables.coefficients_table(run),
        "effects": [_effects(run, name) for name in outcomes],
        "few_draws": sections.few_draws_note(run),
        "hypotheses": effect_tables.hypotheses_table(run),
        "scores": scorecard.score_tables(run),
        "doubt": wrong.doubt_page(plain, outcomes),
        "panels": whatif.what_if_panels(run),
        "script": _script(),
        "script_hash": base64.b64encode(hashlib.sha256(_script().encode("utf-8")).digest()).decode("ascii"),
        "diagnosis": sections.diagnosis_sentence(run),
        "checks": checks.checks_table(run),
        "chain_figures": figures.present((*(chains.draw_ranks(plain, name) for name in outcomes), chains.draw_energy(run))),
        "predictive": doubts.predictive_sentences(run),
        "predictive_table": doubts.predictive_table(run),
        "replicates": draw_replicates(run),
        "timings": checks.timings_table(run),
        "versions": checks.versions_table(run),
        "command": sections.command_line(run),
        "resolved": sections.resolved_analysis(run),
        "warnings": sections.warnings_of(run),
        "terms": terms_of(run),
        "works": WORKS,
    }


def _plain(run: FinishedRun) -> FinishedRun:
    """Return the run with differences alone, at the first horizon where there are several."""
    return horizons.at_start(on_scale(run, DIFFERENCE))


def _answer(run: FinishedRun, outcome: str) -> Answer:
    answer = write_answer(_plain(run), outcome)
    return replace(answer, further=(*answer.further, *ratio_sentences(run, outcome)))


def _effects(run: FinishedRun, outcome: str) -> dict[str, Any]:
    plain = _plain(run)
    return {
        "outcome": labels_of(run)[outcome],
        "responses": horizons.horizon_tables(run, outcome),
        "curves": horizons.draw_responses(run, outcome),
        "paths": draw_paths(plain, outcome),
        "not_drawn": words.joined(unidentified_parts(plain, outcome)),
        "tables": effect_tables.effect_tables(plain, outcome),
        "groups": groups.group_tables(plain, outcome),
        "orders": doubts.orders_table(run, outcome),
        "between": groups.between_table(run, outcome),
        "shifts": missing.shift_table(run, outcome),
        "figures": figures.present(
            (
                figures.draw_densities(plain, outcome),
                *forests.draw_forests(plain, outcome),
                grids.draw_grid(plain, outcome),
            )
        ),
        "clusters": effect_tables.cluster_effects_table(plain, outcome),
        "ratios": [_ratios(on_scale(run, scale), outcome) for scale in ratio_scales(run, outcome)],
    }


def _ratios(run: FinishedRun, outcome: str) -> dict[str, Any]:
    return {
        "tables": effect_tables.effect_tables(run, outcome),
        "figures": figures.present(
            (figures.draw_overview(run, outcome), *forests.draw_forests(run, outcome), grids.draw_grid(run, outcome))
        ),
        "clusters": effect_tables.cluster_effects_table(run, outcome),
    }
