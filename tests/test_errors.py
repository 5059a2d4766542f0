import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster import errors
from causalcluster.errors import AnalysisFileError, CausalClusterError, InputError, did_you_mean, nearest


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"what": "no column 'x'"}, "no column 'x'."),
        ({"what": "no column 'x'", "where": "a.csv"}, "a.csv: no column 'x'."),
        (
            {"what": "w", "where": "f, line 2", "why": "Because", "fix": "Did you mean 'y'?"},
            "f, line 2: w. Because. Did you mean 'y'?",
        ),
        ({"what": "bad claim.\n  a > \n     ^"}, "bad claim.\n  a > \n     ^"),
    ],
)
def test_the_message_says_where_what_why_and_what_to_do(parts, message):
    assert str(InputError(**parts)) == message


def test_every_error_of_the_user_is_an_input_error():
    for name in ("AnalysisFileError", "GraphError", "DataError", "ClaimError", "UnsupportedError"):
        assert issubclass(getattr(errors, name), InputError)
    assert issubclass(InputError, CausalClusterError)


def test_the_line_of_an_analysis_file_is_kept():
    assert AnalysisFileError("x", line=7).line == 7
    assert AnalysisFileError("x").line is None


@pytest.mark.parametrize(
    ("name", "close"),
    [("unoins", "unions"), ("LAW", "law"), ("log wage", "log_wage"), ("zzz", None), ("", None)],
)
def test_the_nearest_name_ignores_case_and_small_slips(name, close):
    assert nearest(name, ["law", "unions", "log_wage"]) == close
    assert did_you_mean(name, ["law", "unions", "log_wage"]) == (f" Did you mean '{close}'?" if close else "")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6))
def test_a_candidate_is_nearest_to_itself_up_to_case(names):
    for name in names:
        found = nearest(name, names)
        assert found is not None
        assert found.casefold() == name.casefold()
