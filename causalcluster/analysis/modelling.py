"""Reading `model`: which coefficients vary, and priors of the analyst's own."""

from collections.abc import Iterator, Sequence
from typing import Literal

from causalcluster.analysis.edges import Arrow, Reader, coefficient_name
from causalcluster.analysis.records import Edge, Interaction, ModelSpec, PriorOverride
from causalcluster.analysis.schema import ModelSection, PriorSection
from causalcluster.analysis.yaml_lines import Place
from causalcluster.errors import UnsupportedError, did_you_mean

INTERCEPTS = "intercepts"
_WORDS = ("all", "none", INTERCEPTS)


def read_model(
    section: ModelSection, edges: Sequence[Edge], interactions: Sequence[Interaction], reader: Reader
) -> ModelSpec:
    """Check the coefficients that the section names and return it.

    Raises
    ------
    AnalysisFileError
        ``varying`` or ``priors`` name something that is no edge or interaction, or name it twice.
    UnsupportedError
        A prior for an interaction.
    """
    known = tuple(coefficient_name(Arrow(source=e.source, target=e.target)) for e in edges if e.lag == 0)
    products = {(frozenset(product.factors), product.target): coefficient_name(product) for product in interactions}
    coefficients = _Coefficients(reader, known, products)
    return ModelSpec(
        varying=_read_varying(section.varying, coefficients, reader),
        pooling=section.pooling,
        centre=section.centre,
        time_effects=section.time_effects,
        priors=section.priors.base,
        prior_overrides=tuple(_read_overrides(section, coefficients, reader)),
    )


class _Coefficients:
    """The coefficients that a file may name."""

    def __init__(self, reader: Reader, edges: Sequence[str], products: dict[tuple[frozenset[str], str], str]) -> None:
        self.reader, self.edges, self.products = reader, edges, products

    def find(self, text: str, place: Place) -> Iterator[tuple[str, Arrow | Interaction]]:
        """Yield the name of each coefficient that ``text`` names, with what was written."""
        for item in self.reader.coefficient(text, place):
            name = coefficient_name(item)
            if isinstance(item, Interaction):
                found = self.products.get((frozenset(item.factors), item.target))
                section, known = "interactions", tuple(self.products.values())
            else:
                found = name if name in self.edges else None
                section, known = "edges", tuple(self.edges)
            if found is None:
                what = f"'{name}' is not one of the {section}.{did_you_mean(name, known)}"
                fix = f"Add it under {section}, or leave it out here"
                raise self.reader.document.error(place, what, fix=fix)
            yield found, item


def _read_varying(
    items: Sequence[str], coefficients: _Coefficients, reader: Reader
) -> Literal["all", "none"] | tuple[str, ...]:
    words = [item.strip() for item in items]
    if words in (["all"], ["none"], []):
        return "all" if words == ["all"] else "none"
    found: list[str] = []
    for position, word in enumerate(words):
        place: Place = ("model", "varying", position)
        if "->" in word or word == INTERCEPTS:
            names = [name for name, _ in coefficients.find(word, place)] if "->" in word else [word]
        elif word in _WORDS:
            what = f"'{word}' stands among other items of model.varying"
            raise reader.document.error(place, what, fix=f"Write 'varying: {word}', or leave it out")
        else:
            what = f"model.varying cannot be '{word}'.{did_you_mean(word, _WORDS)}"
            fix = "Write all, none, or a list such as [intercepts, a -> b]"
            raise reader.document.error(place, what, fix=fix)
        for name in names:
            if name in found:
                what = f"model.varying names '{name}' twice"
                raise reader.document.error(place, what, fix="Keep one of them")
            found.append(name)
    return tuple(found)


def _read_overrides(section: ModelSection, coefficients: _Coefficients, reader: Reader) -> Iterator[PriorOverride]:
    given: set[str] = set()
    for text, prior in (section.priors.__pydantic_extra__ or {}).items():
        place: Place = ("model", "priors", text)
        _check_prior(text, prior, place, reader)
        for name, item in coefficients.find(text, place):
            if isinstance(item, Interaction):
                raise UnsupportedError(
                    f"a prior for the interaction '{name}' is not available in this version",
                    where=reader.document.where(place),
                    fix="Leave it out; its default prior is kept",
                )
            if name in given:
                what = f"model.priors gives '{name}' twice"
                raise reader.document.error(place, what, fix="Keep one of them")
            given.add(name)
            edge = (item.source, item.target)
            yield PriorOverride(edge=edge, mean=prior.mean, sd=prior.sd, between_sd=prior.between_sd)


def _check_prior(text: str, prior: PriorSection, place: Place, reader: Reader) -> None:
    if prior.mean is None and prior.sd is None and prior.between_sd is None:
        what = f"the prior of '{text}' says nothing"
        raise reader.document.error(place, what, fix="Give it mean, sd or between_sd")
