"""From file to records."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalcluster
from causalcluster.analysis import parse_analysis, read_analysis
from causalcluster.analysis.records import Hypothesis, Node, analysis_to_json
from causalcluster.errors import AnalysisFileError, ClaimError, InputError
from causalcluster.graph import build_graph
from tests.analysis.files import BASE, SUPPORTED, changed, parse

STUDIES = sorted((Path(causalcluster.__file__).parents[1] / "analyses").glob("*/analysis.yaml"))


def test_nodes_have_their_defaults():
    nodes = {node.name: node for node in parse().nodes}
    assert nodes["law"] == Node(name="law", layer="environment", column="law", label="law")
    assert nodes["wage"].column == "lwage"
    assert nodes["unions"].label == "Trade unions"
    assert nodes["enforcement"].actor == "government"


def test_the_whole_is_plain_json():
    text = json.dumps(analysis_to_json(parse(f"{BASE}hypotheses: [{{id: H1, claim: total(wage) > 0}}]\n")))
    assert json.loads(text)["path"] == "analysis.yaml"


def test_the_text_and_title_are_kept():
    assert parse().text == BASE
    assert parse().title == "Law and wages"
    assert parse(changed("title: Law and wages\n", "")).title == "analysis"


def test_the_graph_is_built_from_it():
    assert build_graph(parse()).nodes == ("size", "law", "enforcement", "unions", "wage", "injury")


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.parent.name)
def test_the_studies_of_the_package_are_read(study):
    analysis = read_analysis(study)
    assert analysis.warnings == ()
    assert build_graph(analysis).nodes


def test_the_data_file_is_relative_to_the_analysis_file(tmp_path, monkeypatch):
    folder = tmp_path / "study [1]"
    folder.mkdir()
    (folder / "analysis.yaml").write_text(changed("panel.csv", "../data/panel.csv"), encoding="utf-8")
    assert read_analysis(folder / "analysis.yaml").data.file == str(tmp_path / "data" / "panel.csv")
    monkeypatch.chdir(folder)
    assert read_analysis("analysis.yaml").data.file == str(tmp_path / "data" / "panel.csv")
    assert read_analysis("analysis.yaml").path == Path("analysis.yaml")


def test_a_glob_matches_parts_beside_the_analysis_file_only(tmp_path):
    folder = tmp_path / "study [1]"
    folder.mkdir()
    pattern = parse_analysis(changed("panel.csv", "parts-*.csv.gz"), path=folder / "a.yaml").data.file
    assert pattern == f"{tmp_path}/study [[]1]/parts-*.csv.gz"


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    (tmp_path / "panel [2].csv").write_text("law\n1\n", encoding="utf-8")
    found = parse_analysis(changed("panel.csv", "panel [2].csv"), path=tmp_path / "a.yaml").data.file
    assert found == str(tmp_path / "panel [2].csv")


def test_absolute_files_and_globs_stay(tmp_path):
    for name in (tmp_path / "panel.parquet", tmp_path / "*.parquet"):
        assert parse(changed("panel.csv", str(name))).data.file == str(name)


def test_a_linked_table_keeps_its_name(tmp_path):
    (tmp_path / "blob").write_text("law\n1\n", encoding="utf-8")
    (tmp_path / "panel.csv").symlink_to(tmp_path / "blob")
    assert parse_analysis(BASE, path=tmp_path / "a.yaml").data.file == str(tmp_path / "panel.csv")


def test_data_keys_are_read():
    data = parse(changed("  cluster: district", "  cluster: 2020\n  time: year\n  missing: drop")).data
    assert (data.cluster, data.time, data.missing) == ("2020", "year", "drop")
    assert parse().data.missing == "model"


@pytest.mark.parametrize("name", ["größe", "मजदूरी", "工资", "_x1", "2020", "e3", "framework", "in"])
def test_names_hold_letters_of_any_script(name):
    analysis = parse(BASE.replace("size", name))
    assert analysis.nodes[-1].name == name
    assert analysis.edges[-1].source == name


def test_a_quoted_no_is_a_name():
    text = changed("  size: {", '  "no": {').replace("size -> law", "no -> law").replace(", size ->", ", no ->")
    assert parse(text).nodes[-1].name == "no"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  size: {",
            "  no: {",
            "12: YAML reads the key 'no' as the truth value false, not as text. Write \"no\" in quotes.",
        ),
        (
            "  size: {",
            "  all: {",
            "12: 'all' cannot name a node: the word has a meaning of its own in the tables of "
            "effects. Choose another name; 'column' and 'label' may stay.",
        ),
        (
            "  size: {",
            "  direct: {",
            "12: 'direct' cannot name a node: the word has a meaning of its own in the tables "
            "of effects. Choose another name; 'column' and 'label' may stay.",
        ),
        (
            "  size: {",
            "  dependence: {",
            "12: 'dependence' cannot name a node: the word has a meaning of its own in the "
            "tables of effects. Choose another name; 'column' and 'label' may stay.",
        ),
        (
            "  size: {",
            "  firm size: {",
            "12: 'firm size' cannot name a node: names hold letters, digits and '_' only. "
            "Shorten the name and put free text into 'label'.",
        ),
        (
            "  size: {",
            "  '': {",
            "12: '' cannot name a node: names hold letters, digits and '_' only. "
            "Shorten the name and put free text into 'label'.",
        ),
        (
            "  size: {",
            "  a>b: {",
            "12: 'a>b' cannot name a node: names hold letters, digits and '_' only. "
            "Shorten the name and put free text into 'label'.",
        ),
        (
            "{layer: context}",
            "{layer: context, link: logit}",
            "12: node 'size' has a link, but its family 'gaussian' takes none. Leave 'link' out.",
        ),
        (
            "{layer: context}",
            "{layer: context, trials: n}",
            "12: node 'size' has trials, but its family is 'gaussian'. Leave 'trials' out, or write 'family: binomial'.",
        ),
        (
            "{layer: context}",
            "{layer: context, family: binomial}",
            "12: the binomial node 'size' has no 'trials'. Name the column with the number of trials.",
        ),
        ("  file: panel.csv\n", "", "3: the key 'file' is missing under data. Name the table, relative to this file."),
        ("  file: panel.csv\n", "  file: a.csv\n  moments: b\n", "5: data has both 'file' and 'moments'. Keep one of them."),
        (
            "  cluster: district\n",
            "  nested_in: [x]\n",
            "5: 'nested_in' is given without 'cluster'. Name the column of the clusters under 'cluster'.",
        ),
        (
            "title: Law and wages\n",
            "model: {time_effects: random}\n",
            "2: time effects need a time, and the data have none. Name the column of the period under 'data: time'.",
        ),
    ],
)
def test_contradictions_are_told_with_their_line(old, new, message):
    with pytest.raises(AnalysisFileError) as caught:
        parse(changed(old, new))
    assert str(caught.value) == f"analysis.yaml:{message}"


def test_hypotheses_are_read():
    claim = "nie(wage, via=unions) > 0"
    (hypothesis,) = parse(f"{BASE}hypotheses:\n  - {{id: 1, claim: '{claim}'}}\n").hypotheses
    assert isinstance(hypothesis, Hypothesis)
    assert (hypothesis.id, hypothesis.text) == ("1", claim)
    ((factor, term),) = hypothesis.claim.terms
    assert (factor, term.effect, term.outcome, term.via, term.level) == (1.0, "nie", "wage", "unions", "population")


def test_ids_of_hypotheses_are_unique():
    more = "hypotheses:\n  - {id: H1, claim: total(wage) > 0}\n  - {id: H1, claim: total(wage) > 1}\n"
    with pytest.raises(AnalysisFileError) as caught:
        parse(BASE + more)
    assert str(caught.value) == "analysis.yaml:26: the hypothesis id 'H1' is given twice. Give each its own id."


def test_a_wrong_claim_is_shown_with_its_place():
    with pytest.raises(ClaimError) as caught:
        parse(f"{BASE}hypotheses:\n  - {{id: H1, claim: 'nie(wag) > 0'}}\n")
    assert str(caught.value).splitlines() == [
        "analysis.yaml:25: hypothesis 'H1': 'wag' is not an outcome of this analysis. Did you mean 'wage'?",
        "  nie(wag) > 0",
        "      ^^^",
    ]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AnalysisFileError) as caught:
        read_analysis(tmp_path / "a.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/a.yaml: the analysis file cannot be read (No such file or directory). Check the file's name and folder."
    )


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(AnalysisFileError, match=r"cannot be read \(Is a directory\)"):
        read_analysis(tmp_path)


def test_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"title: L\xf6hne\n")
    with pytest.raises(AnalysisFileError) as caught:
        read_analysis(tmp_path / "a.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/a.yaml: the file is not UTF-8 text. The byte at position 8 does not belong to UTF-8."
    )


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    assert [node.name for node in read_analysis(tmp_path / "a.yaml").nodes][:2] == ["law", "enforcement"]


def test_reading_stays_light():
    heavy = "pymc, arviz, dowhy, matplotlib, nutpie, pandas, networkx"
    code = f"import causalcluster.analysis, sys; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


VALUES = ("", "no", "3", "1e3", "[]", "{}", "[1, x]", "{a: b}", "law", "'->'", "&a [*a]", "!!set {x}", "framework", "{", "~")


@settings(max_examples=150, deadline=None)
@given(line=st.integers(0, 60), value=st.sampled_from(VALUES), whole=st.booleans())
def test_any_broken_file_is_told_as_the_users(line, value, whole):
    lines = SUPPORTED.splitlines()
    place = line % len(lines)
    key, colon, _ = lines[place].partition(":")
    lines[place] = value if whole or not colon else f"{key}: {value}"
    try:
        analysis = parse("\n".join(lines))
    except InputError as error:
        assert str(error).startswith("analysis.yaml")
    else:
        json.dumps(analysis_to_json(analysis), allow_nan=False)
