"""Results of benchmarks, one JSON file each, beside the scripts."""

import json
import os
import platform
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def store(name: str, results: dict[str, Any], **settings: Any) -> None:
    """Print results and put them into the file of this benchmark, whose other entries stay."""
    path = FOLDER / f"{name}.json"
    earlier = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else {}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    report = {"machine": machine, "settings": settings, "results": {**earlier, **results}}
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2), flush=True)


def load(name: str) -> dict[str, Any]:
    """Return the stored results of a benchmark."""
    stored: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["results"]
    return stored
