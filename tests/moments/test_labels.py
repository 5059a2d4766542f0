"""Order of labels."""

from hypothesis import given
from hypothesis import strategies as st

from causalcluster.moments.labels import sort_labels


def test_numbers_by_value_and_text_by_code_point():
    assert sort_labels(["10", "9", "-1", "2.5", "1e2"]) == ["-1", "2.5", "9", "10", "1e2"]
    assert sort_labels(["10", "9", "b", "B", "é"]) == ["10", "9", "B", "b", "é"]
    assert sort_labels(["1.0", "1", "01"]) == ["01", "1", "1.0"]
    assert sort_labels(["nan", "inf", "1"]) == ["1", "inf", "nan"]


@given(st.lists(st.one_of(st.text(), st.integers().map(str)), unique=True))
def test_the_order_does_not_depend_on_where_it_started(labels):
    assert sort_labels(labels) == sort_labels(labels[::-1])
