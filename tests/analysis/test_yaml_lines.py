"""YAML as plain values with lines; nothing is constructed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalcluster.analysis.yaml_lines import Document, load_yaml
from causalcluster.errors import AnalysisFileError


def load(text: str) -> Document:
    return load_yaml(text, name="a.yaml")


def test_every_place_has_its_line():
    document = load("# first\na: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n")
    assert document.content == {"a": 1, "b": ["x", {"c": 2, "d": 3}]}
    assert dict(document.lines) == {
        (): 2,
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
        ("b", 1, "d"): 6,
    }


def test_a_place_that_is_not_there_has_the_line_of_what_would_hold_it():
    document = load("a: 1\nb:\n  c: 2\n")
    assert document.line(("b", "x", 3)) == 2
    assert document.where(("b", "c")) == "a.yaml:3"
    assert document.error(("b", "c"), "wrong").line == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        (".5", 0.5),
        ("+5", 5),
        ("0", 0),
        ("'1e3'", "1e3"),
        ('"5"', "5"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("010", 10.0),
        ("2024-01-01", "2024-01-01"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("yes", True),
        ("Off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("e3", "e3"),
    ],
)
def test_scalars_are_those_of_yaml_1_2_with_the_truth_values_of_1_1(text, value):
    found = load(f"a: {text}").content["a"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_float():
    assert math.isnan(load("a: .nan").content["a"])


def test_an_integer_of_thousands_of_digits_stays_text():
    digits = "9" * 5000
    assert load(f"a: {digits}").content["a"] == digits


def test_keys_that_look_like_numbers_or_quoted_words_are_text():
    assert load('2020: a\n010: b\n1e3: c\n"no": d\n').content == {"2020": "a", "010": "b", "1e3": "c", "no": "d"}


def test_merged_keys_yield_to_those_written_out():
    text = "base: &b {x: 1, y: 2}\nother: &o {y: 5, z: 6}\na: {<<: *b, x: 3}\nc: {<<: [*b, *o]}\n"
    content = load(text).content
    assert content["a"] == {"x": 3, "y": 2}
    assert content["c"] == {"x": 1, "y": 2, "z": 6}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.yaml:1: the file is empty. Start it with 'schema: causalcluster/1'."),
        ("# only a comment\n", "a.yaml:1: the file is empty. Start it with 'schema: causalcluster/1'."),
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: the key 'a' is given twice. Keep one of them."),
        (
            "a: 1\nno: 2\n",
            "a.yaml:2: YAML reads the key 'no' as the truth value false, not as text. Write \"no\" in quotes.",
        ),
        ("On: 2\n", "a.yaml:1: YAML reads the key 'On' as the truth value true, not as text. Write \"On\" in quotes."),
        ("null: 2\n", "a.yaml:1: YAML reads the key 'null' as nothing, not as text. Write \"null\" in quotes."),
        ("a: 1\n? [x]\n: 2\n", "a.yaml:2: a list or mapping is used as a key. Put text before the colon."),
        ("<<: 3\n", "a.yaml:1: '<<' merges something that is not a mapping."),
        (
            "a: 1\nb: [c\n",
            "a.yaml:3: this is not valid YAML: expected ',' or ']', but got '<stream end>'. "
            "Check indentation, colons and quotes.",
        ),
        (
            "a:\n\tb: 1\n",
            "a.yaml:2: this is not valid YAML: found character '\\t' that cannot start any token. "
            "Indent with spaces, not tabs.",
        ),
        ("a: 1\nb: \x07\n", "a.yaml:2: this is not valid YAML: the character U+0007 may not stand in YAML. Remove it."),
        (
            "a: *b\n",
            "a.yaml:1: this is not valid YAML: found undefined alias 'b'. Check indentation, colons and quotes.",
        ),
        ("a: &a [*a]\n", "a.yaml:1: lists and mappings are nested more than 50 deep."),
        (f"a: {'[' * 9000}", "a.yaml: the lists and mappings are nested too deeply."),
    ],
)
def test_errors_say_where_and_what(text, message):
    with pytest.raises(AnalysisFileError) as caught:
        load(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("!!python/object/apply:os.system [ls]", "!!python/object/apply:os.system"),
        ("!!python/name:os.system", "!!python/name:os.system"),
        ("!mine {x: 1}", "!mine"),
        ("!!set {x}", "!!set"),
        ("!!binary aGk=", "!!binary"),
    ],
)
def test_tags_are_refused(value, tag):
    with pytest.raises(AnalysisFileError) as caught:
        load(f"a: 1\nb: {value}\n")
    assert str(caught.value) == (
        f"a.yaml:2: the tag '{tag}' is refused. An analysis file holds text, numbers, lists and mappings and never "
        "makes objects. Remove the tag, or put the text in quotes."
    )
    assert caught.value.line == 2


def test_aliases_of_aliases_do_not_fill_the_memory():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(AnalysisFileError, match="more than 100000 values"):
        load("\n".join(rows))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_an_analysis_file_error(text):
    try:
        document = load(text)
    except AnalysisFileError as error:
        assert str(error).startswith("a.yaml")
    else:
        assert document.line(()) is not None
