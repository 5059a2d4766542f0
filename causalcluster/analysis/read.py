"""From the text of an analysis file to its records."""

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from causalcluster.analysis.alternatives import read_alternatives
from causalcluster.analysis.claim_records import is_word_character
from causalcluster.analysis.edges import Reader, lag_of
from causalcluster.analysis.framework_claims import read_framework_claims
from causalcluster.analysis.indicators import check_indicators, measurement_edges, read_indicators
from causalcluster.analysis.links import check_concepts, join_edges, read_interactions, read_unobserved
from causalcluster.analysis.modelling import read_model
from causalcluster.analysis.moderators import check_moderators
from causalcluster.analysis.question import read_question
from causalcluster.analysis.records import (
    Analysis,
    DataSpec,
    Hypothesis,
    ModelSpec,
    Node,
    Question,
    Sampling,
    SensitivitySpec,
    Unclaimed,
)
from causalcluster.analysis.scales import choose_scales
from causalcluster.analysis.schema import FRAMEWORK, AnalysisSection, DataSection, HypothesisSection, NodeSection
from causalcluster.analysis.shape import validate_shape
from causalcluster.analysis.support import refuse_unsupported
from causalcluster.analysis.yaml_lines import Document, load_yaml
from causalcluster.errors import AnalysisFileError, ClaimError, did_you_mean

RESERVED = ("all", "direct", "dependence")
"""Names that `via` gives a meaning of its own."""

LEVELS = ("population", "sample", "sample_rows", "cluster", "new", "between_sd")
"""Names that `level` gives a meaning of its own."""

_LINKED = ("bernoulli", "binomial", "ordinal", "beta")
_COUNTS = ("poisson", "negative_binomial")


def read_analysis(path: Path | str) -> Analysis:
    """Read and validate an analysis file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Analysis

    Raises
    ------
    AnalysisFileError
        There is no such file, it is not UTF-8 text, or its content is wrong; the message says at which line.
    ClaimError
        A claim does not parse.
    UnsupportedError
        The file asks for something that this version does not do.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"The byte at position {error.start} does not belong to UTF-8"
        raise AnalysisFileError("the file is not UTF-8 text", where=str(path), why=why) from error
    except OSError as error:
        what = f"the analysis file cannot be read ({error.strerror or error})"
        raise AnalysisFileError(what, where=str(path), fix="Check the file's name and folder") from error
    return parse_analysis(text, path=path)


def parse_analysis(text: str, *, path: Path | str) -> Analysis:
    """Validate the text of an analysis file.

    Parameters
    ----------
    text
        YAML, by the schema ``causalcluster/1``.
    path
        Where the text stands: the data file is relative to its folder, and errors name it. It need not exist.

    Returns
    -------
    Analysis

    Raises
    ------
    AnalysisFileError
        The content is wrong; the message says at which line.
    ClaimError
        A claim does not parse.
    UnsupportedError
        The text asks for something that this version does not do.

    Examples
    --------
    >>> from causalcluster import parse_analysis, simulate
    >>> text = simulate("linear", clusters=3, rows=20, seed=1).analysis_text
    >>> parse_analysis(text, path="analysis.yaml").question.mediators
    ('enforcement', 'unions')
    """
    path = Path(path)
    document = load_yaml(text, name=str(path))

    def parse(document: Document) -> Analysis:
        return _read_document(document, text, path)[0]

    analysis, section, reader = _read_document(document, text, path)
    return replace(analysis, alternatives=tuple(read_alternatives(section.alternatives, analysis, reader, parse)))


def _read_document(document: Document, text: str, path: Path) -> tuple[Analysis, AnalysisSection, Reader]:
    """Validate all but alternatives."""
    section = validate_shape(document)
    nodes = tuple(_read_nodes(section.nodes, document))
    check_indicators(section.nodes, document)
    check_concepts(document, nodes)
    _check_denominators(nodes, document)
    reader = Reader(document=document, names=tuple(node.name for node in nodes))
    edges, warnings = join_edges(section.edges, nodes, reader)
    interactions = read_interactions(section.interactions, edges, reader)
    question = read_question(section.question, edges, reader)
    model, more = _single_level(section, read_model(section.model, edges, interactions, reader))
    listed: Sequence[HypothesisSection] = section.hypotheses
    unclaimed: tuple[Unclaimed, ...] = ()
    if document.content.get("hypotheses") == FRAMEWORK:
        listed, unclaimed = read_framework_claims(nodes, question)
    hypotheses = tuple(_read_hypotheses(listed, question, reader))
    indicators = tuple(node for name, item in section.nodes.items() for node in read_indicators(name, item))
    question, unscaled = choose_scales(section.question, question, nodes, hypotheses, document)
    analysis = Analysis(
        path=path,
        title=section.title.strip() or path.stem,
        data=_read_data(section.data, path, document),
        nodes=(*nodes, *indicators),
        edges=(*edges, *measurement_edges(indicators)),
        interactions=interactions,
        unobserved=read_unobserved(section.unobserved, reader),
        question=question,
        model=model,
        sampling=Sampling(**section.sampling.model_dump()),
        sensitivity=SensitivitySpec(rho=tuple(section.sensitivity.rho), rho_sd=section.sensitivity.rho_sd),
        hypotheses=hypotheses,
        unclaimed=unclaimed,
        text=text,
        warnings=(*warnings, *more, *unscaled),
    )
    check_moderators(question, analysis.hypotheses, edges, document)
    _check_time(analysis, section, document)
    refuse_unsupported(analysis, section, document)
    return analysis, section, reader


def _read_nodes(sections: Mapping[str, NodeSection], document: Document) -> Iterator[Node]:
    for name, section in sections.items():
        _check_node_name(name, document)
        _check_family(name, section, document)
        yield Node(
            name=name,
            layer=section.layer,
            actor=section.actor,
            column=section.indicators[0].column if section.indicators else section.column or name,
            concept=section.concept,
            label=(section.label or "").strip() or name,
            family=section.family,
            link=section.link,
            trials=section.trials,
            exposure=section.exposure,
            indicators=tuple(item.column for item in section.indicators),
            se=section.se,
            per=section.per,
            reversed=section.reversed,
        )


def _check_denominators(nodes: Sequence[Node], document: Document) -> None:
    for node in nodes:
        if node.reversed and node.concept is None:
            what = f"node '{node.name}' is 'reversed', but names no concept that it could measure the other way round"
            raise document.error(("nodes", node.name, "reversed"), what, fix="Name its concept, or leave it out")
    names = [node.name for node in nodes]
    for node in nodes:
        if node.per is not None and (node.per not in names or node.per == node.name):
            hint = did_you_mean(node.per, [name for name in names if name != node.name])
            what = f"node '{node.name}' is a ratio to '{node.per}', which is not another node.{hint}"
            raise document.error(("nodes", node.name, "per"), what, fix="Name the node that is its denominator")


def _check_node_name(name: str, document: Document) -> None:
    place = ("nodes", name)
    if not name or not all(map(is_word_character, name)):
        what = f"'{name}' cannot name a node: names hold letters, digits and '_' only"
        raise document.error(place, what, fix="Shorten the name and put free text into 'label'")
    if name in RESERVED:
        what = f"'{name}' cannot name a node: the word has a meaning of its own in the tables of effects"
        raise document.error(place, what, fix="Choose another name; 'column' and 'label' may stay")


def _check_family(name: str, section: NodeSection, document: Document) -> None:
    place = ("nodes", name)
    if section.link is not None and section.family not in _LINKED:
        what = f"node '{name}' has a link, but its family '{section.family}' takes none"
        raise document.error((*place, "link"), what, fix="Leave 'link' out")
    if section.trials is not None and section.family != "binomial":
        what = f"node '{name}' has trials, but its family is '{section.family}'"
        raise document.error((*place, "trials"), what, fix="Leave 'trials' out, or write 'family: binomial'")
    if section.exposure is not None and section.family not in _COUNTS:
        what = f"node '{name}' has an exposure, but its family is '{section.family}'"
        raise document.error((*place, "exposure"), what, fix="Leave 'exposure' out, or write 'family: poisson'")
    if section.se is not None and section.family != "gaussian":
        what = f"node '{name}' has standard errors, but its family is '{section.family}'"
        raise document.error((*place, "se"), what, fix="Leave 'se' out, or 'family' (the node is then gaussian)")
    if section.family == "binomial" and section.trials is None:
        what = f"the binomial node '{name}' has no 'trials'"
        raise document.error(place, what, fix="Name the column with the number of trials")


def _read_data(section: DataSection, path: Path, document: Document) -> DataSpec:
    if (section.file is None) == (not section.moments):
        if section.file is None:
            fix = "Name the table, relative to this file"
            raise document.error(("data",), "the key 'file' is missing under data", fix=fix)
        what = "data has both 'file' and 'moments'"
        raise document.error(("data", "moments"), what, fix="Keep one of them")
    if "overlapping" in section.model_fields_set and not section.moments:
        what = "'overlapping' is given without 'moments'"
        raise document.error(("data", "overlapping"), what, fix="Leave it out: it is about several moments files")
    for key in ("nested_in", "crossed_with"):
        if getattr(section, key) and section.cluster is None:
            fix = "Name the column of the clusters under 'cluster'"
            raise document.error(("data", key), f"'{key}' is given without 'cluster'", fix=fix)
    for key in ("nested_in", "crossed_with"):
        taken = next((name for name in getattr(section, key) if name in LEVELS), None)
        if taken is not None:
            what = f"the column '{taken}' under '{key}' has the name of a level of effects"
            raise document.error(("data", key), what, fix="Rename the column in the table")
    twice = _repeated([section.cluster, section.unit, section.time, *section.nested_in, *section.crossed_with])
    if twice is not None:
        what = f"the column '{twice}' is named twice under data"
        raise document.error(("data",), what, fix="A column is one of: cluster, outer level, unit, time")
    return DataSpec(
        file=None if section.file is None else _absolute(section.file, path),
        moments=tuple(_absolute(name, path) for name in section.moments),
        overlapping=section.overlapping,
        cluster=section.cluster,
        nested_in=tuple(section.nested_in),
        crossed_with=tuple(section.crossed_with),
        unit=section.unit,
        time=section.time,
        missing=section.missing,
    )


def _repeated(names: Sequence[str | None]) -> str | None:
    given = [name for name in names if name is not None]
    return next((name for k, name in enumerate(given) if name in given[:k]), None)


def _absolute(name: str, path: Path) -> str:
    """Return a file or glob of the analysis as an absolute one, relative to the analysis file's folder."""
    folder = path.absolute().parent
    file = folder / name
    # Links are followed in folders alone: a linked table keeps the ending that tells its format.
    if glob.has_magic(name) and not file.is_file():
        return name if Path(name).is_absolute() else str(Path(glob.escape(str(folder.resolve())), name))
    return str(file.parent.resolve() / file.name)


def _single_level(section: AnalysisSection, model: ModelSpec) -> tuple[ModelSpec, tuple[str, ...]]:
    """Let nothing vary where there are no clusters, and say so where something was asked to vary."""
    if section.data.cluster is not None:
        return model, ()
    asked = "varying" in section.model.model_fields_set and model.varying != "none"
    sentence = "The analysis names no cluster column, so nothing varies and 'varying' under model is ignored."
    return replace(model, varying="none"), (sentence,) if asked else ()


def _read_hypotheses(sections: Sequence[HypothesisSection], question: Question, reader: Reader) -> Iterator[Hypothesis]:
    # Claims have a grammar of their own, which files without hypotheses do not need.
    from causalcluster.analysis.claim_times import place_in_time
    from causalcluster.analysis.claims import parse_claim

    seen: set[str] = set()
    for position, section in enumerate(sections):
        if section.id in seen:
            what = f"the hypothesis id '{section.id}' is given twice"
            raise reader.document.error(("hypotheses", position, "id"), what, fix="Give each its own id")
        seen.add(section.id)
        try:
            claim = parse_claim(section.claim, outcomes=question.outcomes, mediators=question.mediators, nodes=reader.names)
            claim = place_in_time(claim, question)
        except ClaimError as error:
            where = f"{reader.document.where(('hypotheses', position, 'claim'))}: hypothesis '{section.id}'"
            raise ClaimError(error.what, where=where, why=error.why, fix=error.fix) from error
        yield Hypothesis(id=section.id, claim=claim, text=section.claim)


def _check_time(analysis: Analysis, section: AnalysisSection, document: Document) -> None:
    if analysis.data.time is not None:
        return
    fix = "Name the column of the period under 'data: time'"
    if any(edge.lag for edge in analysis.edges):
        position = next(i for i, item in enumerate(section.edges) if lag_of(item))
        what = f"the edge '{section.edges[position]}' has a lag, but the data have no time"
        raise document.error(("edges", position), what, fix=fix)
    if analysis.model.time_effects != "none":
        what = "time effects need a time, and the data have none"
        raise document.error(("model", "time_effects"), what, fix=fix)
