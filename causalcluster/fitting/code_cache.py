"""Compiled densities kept on disk, so that a later process compiles nothing.

One file per model structure in the user's cache folder (the environment variable CAUSALCLUSTER_CACHE names another):
a hash of all that follows, a line of JSON, then the machine code. A file that is damaged, or that another version or
processor wrote, counts as absent.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from causalcluster.fitting.density import DensityCode, Input, Parameter
from causalcluster.model.structure import Structure

FORMAT = 2
_COMPILED_BY = ("numba", "llvmlite", "pytensor", "pymc", "numpy")
_SOURCES = ("model", "fitting/density_compiler.py", "fitting/special_functions.py")


def cached_density(structure: Structure, compile_code: Callable[[], DensityCode]) -> tuple[DensityCode, bool]:
    """Return the code for ``structure`` from the cache, or compile and keep it.

    Parameters
    ----------
    structure
        All that decides the model's graph.
    compile_code
        Called where the cache has nothing.

    Returns
    -------
    DensityCode and whether it came from the cache.
    """
    path = cache_folder() / f"density-{_key(structure)}.bin"
    code = _read(path)
    if code is not None:
        return code, True
    code = compile_code()
    _write(path, code)
    return code, False


def cache_folder() -> Path:
    """Return the folder of compiled densities; it need not exist."""
    named = os.environ.get("CAUSALCLUSTER_CACHE")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("causalcluster", appauthor=False)


def _key(structure: Structure) -> str:
    """Name a structure, the sources that write its model, the compilers and the processor."""
    from numba.core.registry import cpu_target

    parts = {
        "format": FORMAT,
        "structure": asdict(structure),
        "sources": _hash_sources(),
        "python": sys.version,
        "versions": {name: version(name) for name in _COMPILED_BY},
        "processor": [str(part) for part in cpu_target.target_context.codegen().magic_tuple()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _hash_sources() -> str:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in _SOURCES:
        place = package / name
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _write(path: Path, code: DensityCode) -> None:
    """Write under another name first; a cache that cannot be written is done without."""
    name, kind, parts = code.library
    header = {
        "parameters": [asdict(item) for item in code.parameters],
        "inputs": [asdict(item) for item in code.inputs],
        "library": [name, kind, [len(part) for part in parts]],
        "symbol": code.symbol,
    }
    contents = json.dumps(header).encode() + b"\n" + b"".join(parts)
    digest = hashlib.sha256(contents).hexdigest().encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".density-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(digest + b"\n" + contents)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return


def _read(path: Path) -> DensityCode | None:
    try:
        digest, _, contents = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(contents).hexdigest().encode() != digest:
        return None
    line, _, code = contents.partition(b"\n")
    header = json.loads(line)
    name, kind, (first, _) = header["library"]
    return DensityCode(
        parameters=tuple(Parameter(**{**item, "dims": tuple(item["dims"])}) for item in header["parameters"]),
        inputs=tuple(Input(**item) for item in header["inputs"]),
        library=(name, kind, (code[:first], code[first:])),
        symbol=header["symbol"],
    )
