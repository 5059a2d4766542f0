"""DoWhy asked in another process answers as it does in this one."""

import subprocess
import sys

from causalcluster.graph import build_graph
from causalcluster.identification import second_opinion
from causalcluster.identification.dowhy_adapter import ask_dowhy
from causalcluster.identification.second_opinion import (
    SecondOpinion,
    await_second_opinion,
    drop_second_opinion,
    start_second_opinion,
)
from tests.oracles.systems import make_analysis

ANALYSIS = make_analysis("c>x c>y x>a a>y x>y", treatment="x", mediators=("a",), outcomes=("y",))
GRAPH = build_graph(ANALYSIS)


def test_both_processes_agree(monkeypatch):
    monkeypatch.setattr(second_opinion, "_at_hand", lambda: False)
    opinion = start_second_opinion(ANALYSIS)
    assert opinion.process is not None
    assert await_second_opinion(opinion) == ask_dowhy(ANALYSIS, GRAPH)
    assert opinion.process.returncode == 0


def test_a_process_that_fails_is_replaced_by_this_one():
    failing = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    opinion = SecondOpinion(analysis=ANALYSIS, process=failing)
    assert await_second_opinion(opinion) == ask_dowhy(ANALYSIS, GRAPH)


def test_an_answer_that_nobody_needs_leaves_no_process():
    sleeping = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    drop_second_opinion(SecondOpinion(analysis=ANALYSIS, process=sleeping))
    assert sleeping.poll() is not None
