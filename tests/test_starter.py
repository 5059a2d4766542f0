"""Starter analyses of tables of all kinds: what is guessed, and that the checks accept what is written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causalcluster import read_analysis, simulate
from causalcluster.cli.main import main
from causalcluster.errors import InputError
from causalcluster.planning import draw_up
from causalcluster.starter import propose, write_starter
from causalcluster.starter.columns import describe_columns

RNG = np.random.default_rng(2)
N = 240


def factories(**more):
    """A panel of factories in districts."""
    table = {
        "District": np.repeat(["Sialkot", "Tiruppur", "Franca", "Agra"], N // 4),
        "firm_id": np.tile(np.repeat(np.arange(40), 6)[: N // 4], 4) + np.repeat([0, 100, 200, 300], N // 4),
        "year": np.tile(np.arange(2001, 2007), N // 6),
        "minimum wage law": RNG.standard_normal(N),
        "inspections": RNG.poisson(2.0, N),
        "union member": RNG.integers(0, 2, N),
        "log_wage": RNG.standard_normal(N),
        "size": RNG.standard_normal(N),
        "remarks": ["x", "y"] * (N // 2),
        "empty": np.nan,
        "always": 3,
    }
    return pd.DataFrame({**table, **more})


def test_columns_are_told_apart():
    kinds = {column.name: column.kind for column in describe_columns(factories(share=RNG.beta(2.0, 2.0, N)))}
    assert kinds == {
        "District": "text", "firm_id": "count", "year": "count", "minimum wage law": "number", "inspections": "count",
        "union member": "binary", "log_wage": "number", "size": "number", "remarks": "text", "empty": "empty",
        "always": "constant", "share": "share",
    }  # fmt: skip


def test_groups_layers_and_families_are_proposed():
    found = propose(factories())
    assert (found.cluster, found.unit, found.time) == ("District", "firm_id", "year")
    assert (found.treatment.name, found.outcome.name) == ("minimum_wage_law", "log_wage")
    assert [(node.name, node.actor, node.family) for node in found.mediators] == [
        ("inspections", "government", "negative_binomial"), ("union_member", "workers_organisations", "bernoulli"),
    ]  # fmt: skip
    assert [node.name for node in found.context] == ["size"]
    assert dict(found.left) == {
        "remarks": "it holds text",
        "empty": "it has no values",
        "always": "it is the same in every row",
    }


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".feather", ".xlsx"])
def test_what_is_written_passes_the_checks(tmp_path, ending):
    path, out = tmp_path / f"panel{ending}", tmp_path / "analysis.yaml"
    table = factories()
    {
        ".csv": lambda: table.to_csv(path, index=False),
        ".parquet": lambda: table.to_parquet(path),
        ".feather": lambda: table.to_feather(path),
        ".xlsx": lambda: table.to_excel(path, index=False),
    }[ending]()
    write_starter(path, out)
    analysis = read_analysis(out)
    assert draw_up(analysis, doubts=False).panel.rows_used == N
    assert analysis.data.cluster == "District"
    text = out.read_text(encoding="utf-8")
    assert '# left out: "remarks": it holds text' in text
    with pytest.raises(InputError, match="there is a file of this name already"):
        write_starter(path, out)


def test_repeated_periods_leave_the_time_out(tmp_path):
    table = factories().drop(columns="firm_id")
    table.to_csv(tmp_path / "t.csv", index=False)
    assert write_starter(tmp_path / "t.csv", tmp_path / "a.yaml").time == ""


def test_hostile_names_are_quoted(tmp_path):
    names = {"log_wage": 'wage: "}, #', "size": "size\nof firm", "District": "cluster - [a]"}
    factories().rename(columns=names).to_parquet(tmp_path / "t.parquet")
    found = write_starter(tmp_path / "t.parquet", tmp_path / "a.yaml")
    assert {node.column.name for node in found.nodes} >= {'wage: "}, #', "size\nof firm"}
    assert found.cluster == "cluster - [a]"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=4, max_size=7, unique_by=str.casefold),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_table_with_numbers_gives_an_analysis_or_a_clear_error(tmp_path_factory, names, seed):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("any")
    table = pd.DataFrame({name: rng.standard_normal(60) for name in names})
    table.insert(0, "region", np.repeat(["a", "b", "c", "d"], 15))
    try:
        table.to_parquet(folder / "t.parquet")
    except (UnicodeEncodeError, ValueError):
        return
    try:
        write_starter(folder / "t.parquet", folder / "a.yaml")
    except InputError as error:
        assert error.fix
        assert not (folder / "a.yaml").exists()
        return
    draw_up(read_analysis(folder / "a.yaml"), doubts=False)


def test_too_few_numbers_are_refused(tmp_path):
    factories()[["District", "log_wage", "size"]].to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="the table has 2 columns of numbers that vary"):
        write_starter(tmp_path / "t.csv", tmp_path / "a.yaml")


def test_from_a_table_to_results_by_three_commands(tmp_path, capsys):
    """`init`, `check`, `run`: with nothing edited in between."""
    simulate("linear", clusters=6, rows=20, seed=3).table.to_csv(tmp_path / "own.csv", index=False)
    file, out = tmp_path / "own.yaml", tmp_path / "results"
    few = ["--draws", "40", "--tune", "60", "--chains", "2", "--quiet"]
    for arguments, codes in (
        (["init", tmp_path / "own.csv", "-o", file], (0, None)),
        (["check", file], (0, None)),
        (["run", file, "--out", out, *few], (0, None, 3)),
    ):
        with pytest.raises(SystemExit) as stop:
            main([str(item) for item in arguments])
        assert stop.value.code in codes
    assert "Guessed: cluster 'cluster'; law -> enforcement, unions -> wage." in capsys.readouterr().out
    assert (out / "report.html").is_file()
