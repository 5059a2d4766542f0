"""The shape of an analysis file: one pydantic model per section, unknown keys forbidden."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from causalcluster.analysis.records import Actor, Decomposition, Layer
from causalcluster.families import EffectScale, Family

FRAMEWORK = "framework"
"""What `hypotheses` may be instead of a list: those of the paper."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{shown(value)} is not a finite number")
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"{shown(value)} is not a whole number")
    return int(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | float):
        raise ValueError(f"{shown(value)} is not text; put it in quotes as it should read")
    if isinstance(value, int):
        return str(value)
    raise ValueError(f"{shown(value)} is not text")


def _name(value: Any) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("the text is empty")
    return text


def _texts(value: Any) -> Any:
    """Let one item stand for a list of one."""
    return value if isinstance(value, list | dict) else [value]


def _numbers(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _column(value: Any) -> Any:
    """Let a name stand for a mapping with nothing but the column."""
    return value if isinstance(value, dict) else {"column": value}


def _mappings(value: Any) -> Any:
    """Let one mapping stand for a list of one."""
    return [value] if isinstance(value, dict) else value


def _paper_or_list(value: Any) -> Any:
    return [] if value == FRAMEWORK else value


def _empty_to_mapping(value: Any) -> Any:
    return {} if value is None else value


def shown(value: Any) -> str:
    """Return a value as it stands in YAML rather than in Python."""
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, float):
        return f"{value:g}"
    return f"'{value}'" if isinstance(value, str) else str(value)


def known_keys(section: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys of a section as they stand in the file."""
    return tuple(field.alias or name for name, field in section.model_fields.items())


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Names = Annotated[list[Name], BeforeValidator(_texts)]
Numbers = Annotated[list[Number], BeforeValidator(_numbers), Field(min_length=1)]
Positive = Annotated[Number, Field(gt=0)]


class Section(BaseModel):
    """A mapping of known keys; a known key without a value counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        known = known_keys(cls)
        return {key: value for key, value in content.items() if value is not None or key not in known}


class DataSection(Section):
    """`data`."""

    file: Name | None = None
    moments: Names = []
    overlapping: Literal["error", "add"] = "error"
    cluster: Name | None = None
    nested_in: Names = []
    crossed_with: Names = []
    unit: Name | None = None
    time: Name | None = None
    missing: Literal["model", "drop", "error"] = "model"


class IndicatorSection(Section):
    """One entry of a node's `indicators`."""

    column: Name
    family: Literal["gaussian", "ordinal", "bernoulli"] = "gaussian"
    label: Text | None = None


class NodeSection(Section):
    """One entry of `nodes`."""

    layer: Layer
    actor: Actor | None = None
    column: Name | None = None
    concept: Name | None = None
    label: Text | None = None
    family: Family = "gaussian"
    link: Literal["logit", "probit", "cloglog"] | None = None
    trials: Name | None = None
    exposure: Name | None = None
    indicators: Annotated[list[Annotated[IndicatorSection, BeforeValidator(_column)]], BeforeValidator(_texts)] = []
    se: Name | None = None
    per: Name | None = None
    reversed: bool = False


class ContrastSection(Section):
    """`question.contrast`: `from` with `to`, or `sd`, or `quantiles`."""

    low: Number | None = Field(default=None, alias="from")
    high: Number | None = Field(default=None, alias="to")
    sd: Number | None = None
    quantiles: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None


class QuestionSection(Section):
    """`question`."""

    treatment: Name
    contrast: ContrastSection
    outcomes: Annotated[Names, Field(min_length=1)]
    mediators: Names
    fix: dict[str, Numbers] = {}
    scales: Annotated[list[EffectScale], BeforeValidator(_texts)] = []
    decompositions: Annotated[list[Decomposition], BeforeValidator(_texts)] = []
    at: Annotated[list[Annotated[dict[str, Number], Field(min_length=1)]], BeforeValidator(_mappings)] = []
    horizons: list[Annotated[Whole, Field(ge=0)]] = []
    regimes: list[Literal["sustained", "pulse"]] = []


class PriorSection(Section):
    """One coefficient under `model.priors`, in the user's units."""

    mean: Number | None = None
    sd: Positive | None = None
    between_sd: Positive | None = None


_Prior = Annotated[PriorSection, BeforeValidator(_empty_to_mapping)]


class PriorsSection(BaseModel):
    """`model.priors` as a mapping: the base and coefficients, whose names are any key but `base`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, _Prior] = Field(init=False)

    base: Literal["neutral", "framework", "flat"] = "neutral"


class ModelSection(Section):
    """`model`."""

    varying: Names = ["all"]
    pooling: Literal["partial", "none"] = "partial"
    centre: Literal["within", "none"] = "within"
    time_effects: Literal["none", "fixed", "random"] = "none"
    priors: Annotated[PriorsSection, BeforeValidator(lambda value: {"base": value} if isinstance(value, str) else value)] = (
        PriorsSection()
    )


class SamplingSection(Section):
    """`sampling`; the seed must fit the sampler's 64 bits."""

    draws: Annotated[Whole, Field(ge=4)] = 1000
    tune: Annotated[Whole, Field(ge=1)] = 1000
    chains: Annotated[Whole, Field(ge=1)] = 4
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 1
    ci_prob: Annotated[Number, Field(gt=0, lt=1)] = 0.95


class SensitivitySection(Section):
    """`sensitivity`."""

    rho: Annotated[list[Annotated[Number, Field(gt=-1, lt=1)]], Field(max_length=99)] = []
    rho_sd: Annotated[Number, Field(gt=0, lt=1)] | None = None


class HypothesisSection(Section):
    """One entry of `hypotheses`."""

    id: Name
    claim: Name


class AlternativeSection(Section):
    """One entry of `alternatives`: what it changes, shaped as in the file itself."""

    name: Name
    nodes: dict[str, Any] | None = None
    edges: Names | None = None
    add_edges: Names = []
    drop_edges: Names = []
    interactions: Names | None = None
    unobserved: Names | None = None
    question: dict[str, Any] | None = None
    model: dict[str, Any] | None = None


class AnalysisSection(Section):
    """The whole file."""

    schema_: Literal["causalcluster/1"] = Field(alias="schema")
    title: Text = ""
    data: DataSection
    nodes: Annotated[dict[str, Annotated[NodeSection, BeforeValidator(_empty_to_mapping)]], Field(min_length=1)]
    edges: Annotated[Names, Field(min_length=1)]
    interactions: Names = []
    unobserved: Names = []
    question: QuestionSection
    model: ModelSection = ModelSection()
    sampling: SamplingSection = SamplingSection()
    sensitivity: SensitivitySection = SensitivitySection()
    hypotheses: Annotated[list[HypothesisSection], BeforeValidator(_paper_or_list)] = []
    alternatives: list[AlternativeSection] = []


_SECTIONS: Mapping[str, type[Section]] = {
    "data": DataSection,
    "nodes": NodeSection,
    "question": QuestionSection,
    "question.contrast": ContrastSection,
    "model": ModelSection,
    "model.priors": PriorSection,
    "sampling": SamplingSection,
    "sensitivity": SensitivitySection,
    "hypotheses": HypothesisSection,
    "alternatives": AlternativeSection,
}


def section_at(place: tuple[str | int, ...]) -> type[Section]:
    """Return the model of the mapping at ``place``, such as ``("nodes", "law")``."""
    if not place:
        return AnalysisSection
    if place[0] == "nodes" and "indicators" in place[2:]:
        return IndicatorSection
    nested = ".".join(str(part) for part in place[:2])
    return _SECTIONS.get(nested, _SECTIONS[str(place[0])])
