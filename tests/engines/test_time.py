"""The next period's treatment and the starts of a policy are the same bits from every engine."""

import pytest

from causalcluster import parse_analysis
from causalcluster.planning import draw_up
from tests.checks import test_cohorts as cohorts
from tests.checks import test_leads as leads

# Dask and PySpark announce changes of their own and do not close every socket.
pytestmark = pytest.mark.filterwarnings("ignore")

UNITS = leads.TEXT.replace("time: year", "unit: firm, time: year") + "model: {time_effects: fixed}\n"


@pytest.mark.parametrize("engine", ["dask", "spark"])
def test_leads_and_starts(engine, request, tmp_path):
    make = request.getfixturevalue(f"{engine}_frame")
    for text, table in ((UNITS, leads.draw_table(2, units=2)), (cohorts.TEXT, cohorts.draw_table())):
        analysis = parse_analysis(text, path="x.yaml")
        here, there = draw_up(analysis, table), draw_up(analysis, make(table, tmp_path))
        assert there.leads.table.identical(here.leads.table)
        assert there.adoption == here.adoption
