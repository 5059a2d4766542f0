"""The small languages of edges, interactions and unmeasured common causes."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.analysis.edges import Arrow, Reader, coefficient_name, lag_of
from causalcluster.analysis.records import Interaction, Unobserved
from causalcluster.analysis.yaml_lines import Document
from causalcluster.errors import AnalysisFileError

NAMES = ("law", "enforcement", "unions", "wage", "Löhne", "lag", "framework", "_1", "मजदूरी")
PLACE = ("edges", 0)


def reader(names=NAMES) -> Reader:
    return Reader(document=Document(name="a.yaml", content={}, lines={("edges",): 6, PLACE: 7}), names=names)


names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
blanks = st.sampled_from(["", " ", "  "])


@settings(max_examples=60, deadline=None)
@given(sources=names, targets=names, lag=st.integers(0, 9999), blank=blanks)
def test_edges_round_trip(sources, targets, lag, blank):
    text = f"{blank},{blank}".join(sources) + f"{blank}->{blank}" + f"{blank},{blank}".join(targets)
    written = f"{text}{blank}@{blank}lag {lag}" if lag else text
    arrows = reader().edges(written, PLACE)
    assert arrows == tuple(Arrow(source=a, target=b, lag=lag) for a, b in product(sources, targets))
    assert lag_of(written) == lag
    if not lag:
        again = [reader().edges(coefficient_name(arrow), PLACE) for arrow in arrows]
        assert again == [(arrow,) for arrow in arrows]


@settings(max_examples=60, deadline=None)
@given(factors=st.lists(st.sampled_from(NAMES), min_size=2, max_size=4), targets=names, blank=blanks)
def test_interactions_round_trip(factors, targets, blank):
    text = f"{blank}*{blank}".join(factors) + f"{blank}->{blank}" + f"{blank},{blank}".join(targets)
    found = reader().interactions(text, PLACE)
    assert found == tuple(Interaction(factors=tuple(factors), target=target) for target in targets)
    assert [reader().coefficient(coefficient_name(item), PLACE) for item in found] == [(item,) for item in found]


@pytest.mark.parametrize("level", ["cluster", "cluster_time", "row", "all"])
def test_unmeasured_common_causes_have_a_level(level):
    expected = Unobserved(left="law", right="wage", level=level)
    assert reader().unobserved(f"law<->wage @{level}", PLACE) == expected
    assert reader().unobserved("law <-> wage", PLACE).level == "all"


def test_names_that_differ_in_unicode_form_alone_are_the_same():
    decomposed = "Lo\u0308hne"
    assert decomposed != "Löhne"
    assert reader().edges(f"law -> {decomposed}", PLACE) == (Arrow(source="law", target="Löhne"),)


FLOW = "Inside [ ] a comma separates items unless the item is in quotes. "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("law", f"'law' under edges cannot be read. {FLOW}Write it as 'a, b -> c, d'."),
        (
            "law -> unions -> wage",
            "'law -> unions -> wage' under edges cannot be read. Each item holds one arrow. Write it as 'a, b -> c, d'.",
        ),
        ("law, -> wage", "'law, -> wage' under edges cannot be read. Write it as 'a, b -> c, d'."),
        ("-> wage", "'-> wage' under edges cannot be read. Write it as 'a, b -> c, d'."),
        ("law <-> wage", "'law <-> wage' under edges holds '<->'. Move it to 'unobserved:'."),
        ("law -> wage @ lag", "'law -> wage @ lag' under edges cannot be read. Write it as 'a, b -> c, d @ lag 1'."),
        ("law -> wage @ lag -1", "'law -> wage @ lag -1' under edges cannot be read. Write it as 'a, b -> c, d @ lag 1'."),
        ("lew -> wage", "'lew' in 'lew -> wage' is not a node. Did you mean 'law'?"),
        (
            "zzz -> wage",
            "'zzz' in 'zzz -> wage' is not a node. "
            "The nodes are: law, enforcement, unions, wage, Löhne, lag, framework, _1, मजदूरी.",
        ),
        ("law * unions -> wage", "'law * unions -> wage' under edges holds '*'. Move it to 'interactions:'."),
    ],
)
def test_edges_that_cannot_be_read(text, message):
    with pytest.raises(AnalysisFileError) as caught:
        reader().edges(text, PLACE)
    assert str(caught.value) == f"a.yaml:7: {message}"
    assert caught.value.line == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("law <-> wage @ clustr", "'clustr' in 'law <-> wage @ clustr' is not a level. Did you mean 'cluster'?"),
        ("law <-> wage @", "'' in 'law <-> wage @' is not a level. The levels are: cluster, cluster_time, row, all."),
        ("law -> wage", "'law -> wage' under unobserved cannot be read. Write it as 'a <-> b @ cluster'."),
        ("law <-> wag", "'wag' in 'law <-> wag' is not a node. Did you mean 'wage'?"),
    ],
)
def test_common_causes_that_cannot_be_read(text, message):
    with pytest.raises(AnalysisFileError) as caught:
        reader().unobserved(text, ("unobserved", 0))
    assert str(caught.value) == f"a.yaml: {message}"


@pytest.mark.parametrize("text", ["law -> wage", "law * -> wage", "law * unions"])
def test_interactions_that_cannot_be_read(text):
    with pytest.raises(AnalysisFileError, match=r"cannot be read.*Write it as 'a \* b -> c, d'"):
        reader().interactions(text, PLACE)


def test_a_coefficient_has_no_lag():
    with pytest.raises(AnalysisFileError, match="cannot be read"):
        reader().coefficient("law -> wage @ lag 0", PLACE)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="law wage,*-><@lag1", max_size=30))
def test_any_item_is_read_or_refused(text):
    for read in (reader().edges, reader().interactions, reader().unobserved):
        try:
            read(text, PLACE)
        except AnalysisFileError as error:
            assert str(error).startswith("a.yaml:7: ")
