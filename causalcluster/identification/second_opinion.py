"""DoWhy asked aside: importing it takes seconds, so another process does it while this one reads the data."""

import importlib.util
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from causalcluster.analysis.records import Analysis
from causalcluster.identification.dowhy_answer import DowhyAnswer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondOpinion:
    """An answer of DoWhy's that may still be on its way.

    Attributes
    ----------
    analysis
        The question, with its diagram.
    process
        The process that works on it; None where DoWhy is at hand in this one.
    """

    analysis: Analysis
    process: subprocess.Popen[bytes] | None


@contextmanager
def second_opinion(analysis: Analysis, opinion: SecondOpinion | None = None) -> Iterator[SecondOpinion]:
    """Yield DoWhy's opinion while it is on its way; it is dropped where something goes wrong meanwhile.

    Parameters
    ----------
    analysis
        The question.
    opinion
        One that was asked for before; it is asked for now without it.
    """
    asked = opinion or start_second_opinion(analysis)
    try:
        yield asked
    except BaseException:
        drop_second_opinion(asked)
        raise


def start_second_opinion(analysis: Analysis) -> SecondOpinion:
    """Ask DoWhy about the total effect on every outcome, without waiting for it."""
    process = None if _at_hand() or _over_time(analysis) else _start()
    if process is not None and process.stdin is not None:
        try:
            process.stdin.write(pickle.dumps(analysis))
            process.stdin.close()
        except OSError:
            # It died at once; the question is put here instead.
            drop_second_opinion(SecondOpinion(analysis=analysis, process=process))
            process = None
    return SecondOpinion(analysis=analysis, process=process)


def await_second_opinion(opinion: SecondOpinion) -> tuple[DowhyAnswer, ...]:
    """Return the answers, in the order of the question's outcomes; asks here where the other process failed."""
    if opinion.process is not None:
        with opinion.process as process:
            contents = process.stdout.read() if process.stdout is not None else b""
        if process.returncode == 0:
            answers: tuple[DowhyAnswer, ...] = pickle.loads(contents)
            return answers
    return _ask(opinion.analysis)


def drop_second_opinion(opinion: SecondOpinion) -> None:
    """Stop waiting for an answer that nobody needs."""
    if opinion.process is not None:
        with opinion.process as process:
            process.kill()


def _over_time(analysis: Analysis) -> bool:
    """Whether edges have lags: DoWhy's criteria are for diagrams of one period."""
    return any(edge.lag for edge in analysis.edges)


def _at_hand() -> bool:
    return "dowhy" in sys.modules


def _start() -> subprocess.Popen[bytes] | None:
    command = [sys.executable, "-m", "causalcluster.identification.second_opinion"]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def _ask(analysis: Analysis) -> tuple[DowhyAnswer, ...]:
    if _over_time(analysis):
        return ()
    from causalcluster.graph import build_graph
    from causalcluster.identification.dowhy_adapter import ask_dowhy

    return ask_dowhy(analysis, build_graph(analysis))


def _answer() -> None:
    """Answer the question on standard input; DoWhy is imported without its estimators and refuters where that works."""
    specification = importlib.util.find_spec("dowhy")
    if specification is not None:
        # The package's own start imports all of it; the parts that are asked need a package that is merely there.
        sys.modules["dowhy"] = importlib.util.module_from_spec(specification)
    analysis: Analysis = pickle.loads(sys.stdin.buffer.read())
    try:
        answers = _ask(analysis)
    except ImportError:
        for name in [name for name in sys.modules if name.split(".")[0] == "dowhy"]:
            del sys.modules[name]
        answers = _ask(analysis)
    sys.stdout.buffer.write(pickle.dumps(answers))


if __name__ == "__main__":
    _answer()
