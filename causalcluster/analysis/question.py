"""Reading `question`: treatment, contrast, outcomes, mediators, fixed values and decompositions."""

from collections.abc import Sequence
from math import prod

from causalcluster.analysis.edges import Reader, find_name
from causalcluster.analysis.moderators import condition_text, make_condition
from causalcluster.analysis.records import Condition, Contrast, Edge, Question
from causalcluster.analysis.schema import ContrastSection, QuestionSection
from causalcluster.analysis.yaml_lines import Document
from causalcluster.errors import did_you_mean

MOST_CONTROLLED = 100
"""Controlled direct effects on one outcome, those with several mediators held included."""


def read_question(section: QuestionSection, edges: Sequence[Edge], reader: Reader) -> Question:
    """Check the question against the nodes and return it.

    Raises
    ------
    AnalysisFileError
        An unknown node, a node in two roles, a contrast with equal ends, a fixed node that is no mediator, a value
        that is fixed twice, more fixed values than `MOST_CONTROLLED` effects, a decomposition without what it needs, a
        condition given twice, horizons without lagged edges or regimes without horizons.
    """
    treatment = reader.name(section.treatment, ("question", "treatment"), role="the treatment")
    outcomes = _listed(section.outcomes, "outcomes", "the outcome", reader)
    mediators = _listed(section.mediators, "mediators", "the mediator", reader)
    _check_roles(treatment, outcomes, mediators, reader.document)
    if section.horizons and not any(edge.lag for edge in edges):
        what = "horizons need at least one edge with a lag, and there is none"
        fix = "Leave horizons out, or add an edge such as 'a -> b @ lag 1'"
        raise reader.document.error(("question", "horizons"), what, fix=fix)
    if section.regimes and not section.horizons:
        what = "regimes are given without horizons"
        raise reader.document.error(("question", "regimes"), what, fix="Add horizons, or leave regimes out")
    fixed = _read_fix(section, mediators, reader.document)
    _check_decompositions(section, mediators, [name for name, _ in fixed], reader.document)
    return Question(
        treatment=treatment,
        contrast=_read_contrast(section.contrast, reader.document),
        outcomes=outcomes,
        mediators=mediators,
        fix=fixed,
        decompositions=tuple(section.decompositions),
        at=_read_conditions(section, reader),
        horizons=tuple(sorted(set(section.horizons))) or _default_horizons(edges),
        regimes=_read_regimes(section, edges),
    )


def _default_horizons(edges: Sequence[Edge]) -> tuple[int, ...]:
    """Return from the period of the intervention to the one that the longest lag reaches; nothing without lagged edges."""
    longest = max((edge.lag for edge in edges), default=0)
    return tuple(range(longest + 1)) if longest else ()


def _read_regimes(section: QuestionSection, edges: Sequence[Edge]) -> tuple[str, ...]:
    if not any(edge.lag for edge in edges):
        return ()
    return tuple(dict.fromkeys(section.regimes)) or ("sustained", "pulse")


def _listed(names: Sequence[str], key: str, role: str, reader: Reader) -> tuple[str, ...]:
    found: list[str] = []
    for position, text in enumerate(names):
        name = reader.name(text, ("question", key, position), role=role)
        if name in found:
            place = ("question", key, position)
            raise reader.document.error(place, f"{role} '{name}' is listed twice", fix="Keep one of them")
        found.append(name)
    return tuple(found)


def _check_roles(treatment: str, outcomes: Sequence[str], mediators: Sequence[str], document: Document) -> None:
    for key, names in (("outcomes", outcomes), ("mediators", mediators)):
        if treatment in names:
            raise document.error(
                ("question", key, names.index(treatment)),
                f"'{treatment}' is the treatment and also one of the {key}",
                why="An effect runs from the treatment to another node",
                fix=f"Take it out of {key}, or ask about another treatment",
            )
    for position, name in enumerate(mediators):
        if name in outcomes:
            what = f"'{name}' is both a mediator and an outcome"
            raise document.error(("question", "mediators", position), what, fix="Keep it in one of the lists")


def _read_contrast(section: ContrastSection, document: Document) -> Contrast:
    values = section.low is not None or section.high is not None
    place = ("question", "contrast")
    if values + (section.sd is not None) + (section.quantiles is not None) != 1:
        what = "the contrast must be given in exactly one way"
        fix = "Write {from: 0, to: 1}, {sd: 1} or {quantiles: [0.1, 0.9]}"
        raise document.error(place, what, fix=fix)
    if section.sd is not None:
        contrast = Contrast(kind="sd", low=0.0, high=section.sd)
    elif section.quantiles is not None:
        contrast = Contrast(kind="quantiles", low=section.quantiles[0], high=section.quantiles[1])
    elif section.low is None or section.high is None:
        absent = "from" if section.low is None else "to"
        raise document.error(place, f"the contrast has no '{absent}'", fix="Write {from: 0, to: 1}")
    else:
        contrast = Contrast(kind="values", low=section.low, high=section.high)
    _check_contrast(contrast, document)
    return contrast


def _check_contrast(contrast: Contrast, document: Document) -> None:
    place = ("question", "contrast")
    if contrast.low == contrast.high:
        step = contrast.kind == "sd"
        ends = "a step of 0 standard deviations" if step else f"equal ends, {contrast.low:g}"
        fix = "Give another number than 0" if step else "Give two different values"
        why = "Every effect of such a contrast is zero"
        raise document.error(place, f"the contrast has {ends}", why=why, fix=fix)
    if contrast.kind == "quantiles" and not all(0 <= end <= 1 for end in (contrast.low, contrast.high)):
        what = f"the contrast's quantiles {contrast.low:g} and {contrast.high:g} must lie between 0 and 1"
        raise document.error((*place, "quantiles"), what, fix="Write {quantiles: [0.1, 0.9]}")


def _read_fix(section: QuestionSection, mediators: Sequence[str], document: Document) -> tuple[tuple[str, float], ...]:
    fixed: dict[str, list[float]] = {}
    for text, values in section.fix.items():
        name = find_name(text, mediators)
        if name is None:
            hint = did_you_mean(text, mediators)
            advice = "" if hint else f"The mediators are: {', '.join(mediators) or 'none'}"
            what = f"'{text}' under question.fix is not a mediator.{hint}"
            raise document.error(("question", "fix", text), what, fix=advice)
        for position, value in enumerate(values):
            if value in values[:position]:
                what = f"'{name}' is held at {value:g} twice"
                raise document.error(("question", "fix", text, position), what, fix="Keep one of them")
        fixed[name] = list(values)
    _check_number(fixed, document)
    return tuple((name, value) for name, values in fixed.items() for value in values)


def _check_number(fixed: dict[str, list[float]], document: Document) -> None:
    sizes = [len(values) for values in fixed.values()]
    together = prod(sizes) if len(sizes) > 1 else 0
    if sum(sizes) + together > MOST_CONTROLLED:
        grid = " and ".join([f"{sum(sizes)} with one mediator held", *([f"{together} with all held"] * bool(together))])
        raise document.error(
            ("question", "fix"),
            f"the values under fix ask for {sum(sizes) + together} controlled direct effects: {grid}",
            why=f"At most {MOST_CONTROLLED} are reported",
            fix="Give fewer values, or fix fewer mediators",
        )


def _check_decompositions(
    section: QuestionSection, mediators: Sequence[str], fixed: Sequence[str], document: Document
) -> None:
    place = ("question", "decompositions")
    for position, name in enumerate(section.decompositions):
        if name in section.decompositions[:position]:
            raise document.error((*place, position), f"'{name}' is listed twice", fix="Keep one of them")
        if not mediators:
            what = f"the decomposition '{name}' needs mediators, and there is none"
            raise document.error((*place, position), what, fix="Name them under 'mediators', or leave 'decompositions' out")
        missing = [mediator for mediator in mediators if mediator not in fixed]
        if name == "four_way" and missing:
            raise document.error(
                (*place, position),
                f"the decomposition 'four_way' needs a value of every mediator under 'fix', and {missing[0]!r} has none",
                why="Its controlled direct effect and its reference interaction hold all mediators at stated values",
                fix=f"Write 'fix: {{{', '.join(f'{mediator}: 0' for mediator in mediators)}}}', with values that make sense",
            )


def _read_conditions(section: QuestionSection, reader: Reader) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for position, values in enumerate(section.at):
        place = ("question", "at", position)
        pairs = {reader.name(text, (*place, text), role="the moderator"): value for text, value in values.items()}
        condition = make_condition(list(pairs.items()))
        if condition in found:
            what = f"the condition {condition_text(condition)} is given twice"
            raise reader.document.error(place, what, fix="Keep one of them")
        found.append(condition)
    return tuple(found)
