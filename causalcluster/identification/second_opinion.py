"""DoWhy asked aside: importing it takes seconds, so another process does it while this one reads the data."""

import pickle
import subprocess
import sys
from dataclasses import dataclass

from causalcluster.analysis.records import Analysis
from causalcluster.graph import CausalGraph
from causalcluster.identification.dowhy_adapter import DowhyAnswer, ask_dowhy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondOpinion:
    """An answer of DoWhy's that may still be on its way.

    Attributes
    ----------
    analysis, graph
        The question.
    process
        The process that works on it; None where DoWhy is at hand in this one.
    """

    analysis: Analysis
    graph: CausalGraph
    process: subprocess.Popen[bytes] | None


def start_second_opinion(analysis: Analysis, graph: CausalGraph) -> SecondOpinion:
    """Ask DoWhy about the total effect on every outcome, without waiting for it."""
    process = None
    if not _at_hand():
        command = [sys.executable, "-m", "causalcluster.identification.second_opinion"]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError:
            process = None
    if process is not None and process.stdin is not None:
        try:
            process.stdin.write(pickle.dumps((analysis, graph)))
            process.stdin.close()
        except OSError:
            # It died at once; the question is put here instead.
            drop_second_opinion(SecondOpinion(analysis=analysis, graph=graph, process=process))
            process = None
    return SecondOpinion(analysis=analysis, graph=graph, process=process)


def _at_hand() -> bool:
    return "dowhy" in sys.modules


def await_second_opinion(opinion: SecondOpinion) -> tuple[DowhyAnswer, ...]:
    """Return the answers, in the order of the question's outcomes; asks here where the other process failed."""
    if opinion.process is not None and opinion.process.stdout is not None:
        with opinion.process as process:
            contents = process.stdout.read() if process.stdout is not None else b""
        if process.returncode == 0:
            answers: tuple[DowhyAnswer, ...] = pickle.loads(contents)
            return answers
    return ask_dowhy(opinion.analysis, opinion.graph)


def drop_second_opinion(opinion: SecondOpinion) -> None:
    """Stop waiting for an answer that nobody needs."""
    if opinion.process is not None:
        with opinion.process as process:
            process.kill()


def _answer() -> None:
    analysis, graph = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(ask_dowhy(analysis, graph)))


if __name__ == "__main__":
    _answer()
