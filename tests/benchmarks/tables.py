"""The tables of docs/benchmarks.md from the stored results; a test holds the page to them.

Run with `python -m tests.benchmarks.tables` to print them.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.store import load

NAMES = {
    "package": "this package",
    "rows non-centred": "rows, non-centred",
    "rows centred": "rows, centred",
    "integrated out": "integrated out (this package)",
    "bambi, two models": "bambi, two models",
}


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(*cells: str) -> Iterator[str]:
    yield _line(*cells)
    yield "|" + "---|" * len(cells)


def _fit(result: dict[str, Any], *leading: str) -> str:
    if "unfinished_after_seconds" in result:
        limit = f"not finished after {result['unfinished_after_seconds']:,.0f}"
        return _line(*leading, "", limit, "", "", result["compile_seconds"])
    return _line(
        *leading,
        f"{result['least_ess']:,.0f}",
        f"{result['sampling_seconds']:,.1f}",
        f"{result['ess_per_second']:,.1f}",
        f"{result['steps']:.0f}",
        result["compile_seconds"],
    )


def rows() -> Iterator[str]:
    """Against row-by-row models."""
    yield from _head(
        "clusters x rows", "model", "least bulk ESS", "sampling, s", "ESS a second", "steps a draw", "compiling, s"
    )
    for size, found in load("row_models").items():
        for name in ("package", "rows centred", "rows non-centred"):
            yield _fit(found["results"][name], size, NAMES[name])
    yield ""
    yield from _head("clusters x rows", "ratio to non-centred rows", "ratio to the better of the two")
    for size, found in load("row_models").items():
        ratios = found["ratios"].values()
        yield _line(size, *("not finished" if ratio is None else f"{ratio:,.0f}" for ratio in ratios))


def regimes() -> Iterator[str]:
    """Tiny, mixed and large clusters."""
    yield from _head("clusters", "coefficients", "least bulk ESS", "ESS a second", "steps a draw", "divergent")
    for regime, found in load("regimes").items():
        for name, result in found["results"].items():
            numbers = (f"{result['least_ess']:,.0f}", f"{result['ess_per_second']:,.1f}", f"{result['steps']:.0f}")
            yield _line(regime, NAMES.get(name, name), *numbers, f"{result['divergent_share']:.2%}")


def sizes(what: str) -> Iterator[str]:
    """The whole command at growing ``what``: rows, clusters or mediators."""
    stages = ("read", "reduce", "compile", "sample", "effects", "report", "wall")
    yield from _head(what, *(f"{stage}, s" for stage in stages), "peak, GB")
    for name, result in load("sizes").items():
        count, _, kind = name.partition(" ")
        if kind == what:
            yield _line(f"{int(count):,}", *(f"{result[stage]:.1f}" for stage in stages), f"{result['peak_gb']:.1f}")


def reductions() -> Iterator[str]:
    """`causalcluster reduce` on ten columns."""
    yield from _head("file", "seconds", "peak, GB")
    for name, result in load("sizes").items():
        if name.startswith("reduce "):
            yield _line(name.removeprefix("reduce ").replace("10000000", "10,000,000"), result["wall"], result["peak_gb"])


def compiling() -> Iterator[str]:
    """Getting ready to sample."""
    found = load("compiling")
    yield from _head("seconds", "nothing cached", "second process")
    for name, label in (("nutpie", "nutpie's own compiler"), ("package", "this package")):
        yield _line(label, found[name]["cold"], found[name]["warm"])
    yield ""
    yield from _head("second run of a design, on new data, in a new process", "seconds")
    for stage, seconds in found["first draw"].items():
        yield _line(stage, f"{seconds:.2f}")


def refits() -> Iterator[str]:
    """Leaving out each cluster."""
    found = load("refits")
    yield from _head("", "")
    for name in ("compile", "one sampling run", "all refits"):
        yield _line(f"{name}, seconds", found[name])
    yield _line("all refits over one run", found["refits over one run"])
    yield _line("least bulk ESS of a refit", found["least_ess"])


def correlations() -> Iterator[str]:
    """Correlations of errors without refitting."""
    found = load("correlations")
    yield from _head("", "")
    for name in ("one fit", "twenty correlations"):
        yield _line(f"{name}, seconds", found[name])
    yield _line("correlations over one fit", found["correlations over one fit"])


def peers() -> Iterator[str]:
    """Against bambi."""
    found = load("peers")
    yield from _head("", "least bulk ESS", "sampling, s", "ESS a second")
    for name in ("package", "bambi, two models"):
        result = found[name]
        numbers = (f"{result['least_ess']:,.0f}", f"{result['sampling_seconds']:,.1f}", f"{result['ess_per_second']:,.1f}")
        yield _line(NAMES[name], *numbers)
    yield _line("ratio", "", "", f"{found['ratio to bambi']:,.0f}")


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "rows": rows,
    "regimes": regimes,
    "sizes: rows": lambda: sizes("rows"),
    "sizes: clusters": lambda: sizes("clusters"),
    "sizes: mediators": lambda: sizes("mediators"),
    "reductions": reductions,
    "compiling": compiling,
    "refits": refits,
    "correlations": correlations,
    "peers": peers,
}


def main() -> None:
    """Print all tables."""
    for name, table in TABLES.items():
        print(f"## {name}\n", *table(), sep="\n")


if __name__ == "__main__":
    main()
