"""Groups of clusters: found in one scan, and refused where they hold parts of clusters."""

import numpy as np
import pandas as pd
import pytest

from causalcluster import parse_analysis, reduce_table
from causalcluster.analysis import read_analysis
from causalcluster.errors import AnalysisFileError, DataError, UnsupportedError
from causalcluster.planning import draw_up

TEXT = """
schema: causalcluster/1
data: {file: x.csv, cluster: town, KEYS}
nodes: {law: {layer: environment}, actor: {layer: actor}, wage: {layer: outcome}}
edges: [law -> actor, "law, actor -> wage"]
question: {treatment: law, contrast: {from: 0, to: 1}, outcomes: [wage], mediators: [actor]}
"""


def asked(keys, more=""):
    return parse_analysis(TEXT.replace("KEYS", keys) + more, path="x.yaml")


def table():
    rng = np.random.default_rng(1)
    town = np.repeat([f"t{k}" for k in range(8)], 20)
    place = np.repeat(np.arange(8), 20)
    values = pd.DataFrame(rng.standard_normal((160, 3)), columns=["law", "actor", "wage"])
    return values.assign(town=town, region=place // 2, country=np.where(place < 4, "A", "B"), sector=place % 3)


class TestGroups:
    def test_every_cluster_has_its_group(self):
        plan = draw_up(asked("nested_in: [region, country], crossed_with: [sector]"), table())
        assert [group.column for group in plan.moments.groups] == ["region", "country", "sector"]
        assert plan.moments.groups[1].of_cluster == {f"t{k}": "A" if k < 4 else "B" for k in range(8)}
        assert plan.moments.groups[2].of_cluster["t5"] == "2"
        assert plan.design.outer == ("region", "country", "sector")
        assert any("groups of them (region, country, sector)" in note for note in plan.design.notes)

    def test_a_cluster_that_changes_its_country(self):
        moved = table()
        moved.loc[3, "country"] = "B"
        with pytest.raises(DataError, match=r"cluster \('town'\) 't0' is in two groups of 'country': 'A' and 'B'"):
            draw_up(asked("nested_in: [country]"), moved)
        with pytest.raises(DataError, match="leave 'country' out of 'crossed_with'"):
            draw_up(asked("crossed_with: [country]"), moved)

    def test_levels_that_do_not_nest(self):
        with pytest.raises(DataError, match=r"'sector' '0' is in two groups of 'country'.*go under 'crossed_with'"):
            draw_up(asked("nested_in: [sector, country]"), table())

    def test_missing_labels(self):
        holes = table().assign(country=lambda rows: rows["country"].where(rows.index != 7))
        with pytest.raises(DataError, match="1 of 160 rows have no value in 'country'"):
            draw_up(asked("nested_in: [country]"), holes)

    def test_a_column_that_is_not_there(self):
        with pytest.raises(DataError, match=r"no column 'nation' \('nested_in' under 'data'\)"):
            draw_up(asked("nested_in: [nation]"), table())


class TestRefusals:
    @pytest.mark.parametrize(
        ("keys", "more", "reason"),
        [
            ("nested_in: [country]", "interactions: ['law * actor -> wage']\n", "there is an interaction, 'law \\* actor'"),
            ("nested_in: [country]", "model: {varying: none}\n", "no coefficient varies"),
            ("crossed_with: [sector]", "model: {pooling: none}\n", "clusters share nothing"),
        ],
    )
    def test_models_without_groups(self, keys, more, reason):
        with pytest.raises(UnsupportedError, match=f"not available where {reason}"):
            draw_up(asked(keys, more), table())

    def test_moments_files(self):
        with pytest.raises(UnsupportedError, match="moments files for an analysis with 'nested_in'"):
            reduce_table(asked("nested_in: [country]"), table())

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ("nested_in: [town]", "the column 'town' is named twice under data"),
            ("nested_in: [cluster]", "has the name of a level of effects"),
        ],
    )
    def test_analysis_file(self, keys, message, tmp_path):
        path = tmp_path / "a.yaml"
        path.write_text(TEXT.replace("KEYS", keys), encoding="utf-8")
        with pytest.raises(AnalysisFileError, match=message):
            read_analysis(path)
