"""What is stored of a system: tests/calibration/sbc/<system>.json."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.calibration import fingerprints
from tests.calibration.linear import source_hash
from tests.calibration.sbc.bands import deviations
from tests.calibration.sbc.systems import CLUSTERS, GRADES, KEPT, ROWS, SYSTEMS, TRIALS, System

FOLDER = Path(__file__).parent
SOURCES = (
    "causalcluster/model",
    "causalcluster/effects",
    *(f"causalcluster/fitting/{name}.py" for name in ("coefficients", "prior_draws", "system")),
    "causalcluster/design.py",
    "causalcluster/equations.py",
    "tests/calibration/sbc/generate.py",
    "tests/calibration/sbc/harness.py",
)


def settings(system: System) -> dict[str, Any]:
    """Return what makes a system, as it is stored; sources are hashed apart."""
    return {
        "analysis": system.text,
        "clusters": CLUSTERS,
        "rows_in_each": ROWS,
        "trials": TRIALS,
        "grades": GRADES,
        "spread": system.spread,
        "parameter_spread": system.parameter_spread,
        "holes": system.holes.__name__ if system.holes is not None else "",
        **({"series": system.series} if system.series else {}),
    }


@dataclass(slots=True, kw_only=True)
class Results:
    """Ranks by replicate: a replicate's number is the seed of its data and, plus one, of its fit."""

    system: System
    path: Path
    replicates: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    ranks: dict[str, list[int]] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)
    source_hash: str = field(default_factory=lambda: source_hash(SOURCES))

    @property
    def count(self) -> int:
        """Replicates with ranks."""
        return len(self.replicates)

    @property
    def tried(self) -> set[int]:
        """Replicates with ranks and those whose table was refused."""
        return {*self.replicates, *self.refused}

    def add(self, found: list[dict[str, Any]]) -> None:
        """Add replicates as `Runner.rank` returns them."""
        for item in found:
            if "refused" in item:
                self.refused[item["replicate"]] = item["refused"]
                continue
            self.replicates.append(item["replicate"])
            for name, rank in item["ranks"].items():
                self.ranks.setdefault(name, []).append(rank)
            for name, value in item["seen"].items():
                self.seen.setdefault(name, []).append(value)

    def save(self) -> None:
        """Write the file in one step, replicates in rising order."""
        order = sorted(range(self.count), key=self.replicates.__getitem__)
        ranks = {name: [values[i] for i in order] for name, values in self.ranks.items()}
        stored = {
            "source_hash": self.source_hash,
            "settings": settings(self.system),
            "draws": KEPT,
            "count": self.count,
            "refused": dict(Counter(self.refused.values()).most_common()),
            "fits": self._fits(),
            "deviation": deviations({"draws": KEPT, "ranks": ranks}),
            "replicates": [self.replicates[i] for i in order],
            "refused_replicates": {str(i): self.refused[i] for i in sorted(self.refused)},
            "seen": {name: [values[i] for i in order] for name, values in self.seen.items()},
            "ranks": ranks,
        }
        partial = self.path.with_suffix(".part")
        partial.write_text(_write(stored), encoding="utf-8")
        partial.replace(self.path)

    def _fits(self) -> dict[str, float]:
        seen = self.seen
        return {
            "with_divergences": sum(value > 0 for value in seen.get("divergences", [])),
            "divergences": sum(seen.get("divergences", [])),
            "repeated_with_care": sum(seen.get("careful", [])),
            "greatest_r_hat": max(seen.get("r_hat", [0.0])),
            "least_ess": min(seen.get("ess", [0.0])),
        }

    def summary(self) -> str:
        """Return the quantities outside the band, and the worst inside."""
        found = deviations({"draws": KEPT, "ranks": self.ranks})
        worst = sorted(found.items(), key=lambda item: -item[1])[:6]
        outside = sum(value > 1.0 for value in found.values())
        lines = [
            f"{self.system.name}: {self.count} replicates, {outside} of {len(found)} quantities outside; {self._fits()}"
        ]
        lines += [f"  {value:.2f} {name}" for name, value in worst]
        lines += [f"  refused {n}: {why[:100]}" for why, n in Counter(self.refused.values()).most_common(4)]
        return "\n".join(lines)


def _write(stored: dict[str, Any]) -> str:
    """Return JSON with one line for each list."""
    parts = []
    for key, value in stored.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(item)}" for name, item in value.items())
            parts.append(f"  {json.dumps(key)}: {{\n{rows}\n  }}" if rows else f"  {json.dumps(key)}: {{}}")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def load(name: str, folder: Path = FOLDER) -> Results:
    """Return what is stored of a system; nothing where the sources or the settings have changed since."""
    system, path = SYSTEMS[name], folder / f"{name}.json"
    results = Results(system=system, path=path)
    if not path.exists():
        return results
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["settings"] != settings(system) or stored["draws"] != KEPT:
        return results
    if not fingerprints.stands(f"sbc {name}", stored["source_hash"], SOURCES):
        return results
    results.source_hash = stored["source_hash"]
    results.replicates, results.ranks, results.seen = stored["replicates"], stored["ranks"], stored["seen"]
    results.refused = {int(i): why for i, why in stored["refused_replicates"].items()}
    return results
