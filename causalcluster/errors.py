"""One tree of exceptions: every error says where, what, why and what to do."""

import difflib
from collections.abc import Iterable


class CausalClusterError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    what
        What is wrong, with the value.
    where
        File, line, column or key; empty where there is none.
    why
        Why it matters.
    fix
        What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        self.what, self.where, self.why, self.fix = what, where, why, fix
        super().__init__(self._message())

    def _message(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        sentences = [text.rstrip() for text in (head, self.why, self.fix) if text]
        return " ".join(text if text[-1:] in ".?!\n" or "\n" in text else text + "." for text in sentences)


class InputError(CausalClusterError):
    """The user's input is wrong; commands end with exit code 2."""


class AnalysisFileError(InputError):
    """The analysis file is wrong at ``line`` (1-based, None where unknown)."""

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "", line: int | None = None) -> None:
        self.line = line
        super().__init__(what, where=where, why=why, fix=fix)


class GraphError(InputError):
    """The diagram contradicts itself or the question."""


class DataError(InputError):
    """The table does not hold what the analysis needs."""


class ClaimError(InputError):
    """A claim does not parse or names something unknown."""


class UnsupportedError(InputError):
    """The input is valid, but this version does not do it yet."""


class EngineError(CausalClusterError):
    """An engine of many fits failed while it ran; what was done on this machine is not affected."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate closest to ``name``, whatever its case, or None where none is close."""
    # Of candidates that differ in case alone the first is kept: the hint is as good.
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate.casefold(), candidate)
    matches = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest candidate, or an empty string."""
    close = nearest(name, candidates)
    return f" Did you mean '{close}'?" if close is not None else ""
