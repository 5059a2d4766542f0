"""Run with ``python -m tests.calibration.sbc [SYSTEM ...]``; writes tests/calibration/sbc/<system>.json.

Replicates that are stored already are kept where the sources and the settings are the same, so a run that was
interrupted goes on where it was.
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from tests.calibration.sbc.results import FOLDER, Results, load
from tests.calibration.sbc.simulations import rank
from tests.calibration.sbc.systems import SYSTEMS

CHUNK = 5
PROCESSES = 2


def run(name: str, wanted: int, pool: ProcessPoolExecutor, folder: Path) -> Results:
    """Add replicates until ``wanted`` have ranks."""
    results, began = load(name, folder), time.perf_counter()
    if results.count >= wanted:
        return results
    waiting: set[Future[list[dict[str, Any]]]] = set()
    ahead, processes = _untried(results), 1  # what the first process compiles the second finds on disk
    while results.count < wanted:
        while len(waiting) < processes:
            waiting.add(pool.submit(rank, name, next(ahead)))
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        processes = PROCESSES
        for future in done:
            results.add(future.result())
        results.save()
        print(f"{name}: {results.count} of {wanted}, {time.perf_counter() - began:.0f} s", flush=True)
    for future in wait(waiting).done:
        results.add(future.result())
    results.save()
    return results


def _untried(results: Results) -> Iterator[list[int]]:
    tried, first = results.tried, 0
    while True:
        found: list[int] = []
        while len(found) < CHUNK:
            if first not in tried:
                found.append(first)
            first += 1
        yield found


def main() -> None:
    """Run the systems asked for, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", help=f"all without it: {', '.join(SYSTEMS)}")
    parser.add_argument("--replicates", type=int, help="for every system; each system's own number without it")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    unknown = set(asked.systems) - set(SYSTEMS)
    if unknown:
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    context = multiprocessing.get_context("spawn")
    for name in asked.systems or SYSTEMS:
        with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
            results = run(name, asked.replicates or SYSTEMS[name].replicates, pool, asked.folder)
        print(results.summary(), flush=True)


if __name__ == "__main__":
    main()
