"""The header of a moments file: what its records are of, as JSON in the Parquet schema's metadata."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from causalcluster.analysis.records import Contrast
from causalcluster.data import Counts
from causalcluster.errors import DataError
from causalcluster.moments.records import Column, Moments

FORMAT, VERSION = "causalcluster-moments", 1
KEY = b"causalcluster"
_AGAIN = "Make the file again with 'causalcluster reduce'"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnPart(_Part):
    """A node and its column."""

    node: str
    column: str


class ContrastPart(_Part):
    """The contrast as asked for, and its ends in the treatment's units."""

    kind: Literal["values", "sd", "quantiles"]
    low: float
    high: float
    resolved: tuple[float, float]


class CountsPart(_Part):
    """Rows and clusters, missing values by column, complete rows."""

    rows: int
    clusters: int
    missing: dict[str, int]
    complete: int


class Header(_Part):
    """Everything but the records."""

    format: str
    version: int
    package: str
    nodes: tuple[ColumnPart, ...]
    products: tuple[tuple[str, ...], ...]
    treatment: str
    contrast: ContrastPart
    cluster: str | None
    time: str | None
    missing: Literal["model", "drop", "error"]
    counts: CountsPart
    min_cell: int | None
    dropped: int
    thinned: int
    fingerprint: str
    checksum: str


def write_header(moments: Moments, contents: Iterable[bytes]) -> bytes:
    """Return the header of moments whose records have these contents."""
    asked = moments.asked
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "package": version("causalcluster"),
        "nodes": [{"node": item.node, "column": item.column} for item in moments.columns],
        "products": [list(product) for product in moments.products],
        "treatment": moments.treatment,
        "contrast": {"kind": asked.kind, "low": asked.low, "high": asked.high, "resolved": list(moments.contrast)},
        "cluster": moments.cluster_column,
        "time": moments.time_column,
        "missing": moments.missing,
        "counts": {
            "rows": moments.counts.rows,
            "clusters": moments.counts.clusters,
            "missing": dict(moments.counts.missing),
            "complete": moments.counts.complete,
        },
        "min_cell": moments.min_cell,
        "dropped": moments.n_dropped,
        "thinned": moments.n_thinned,
        "fingerprint": moments.fingerprint,
    }
    return json.dumps({**header, "checksum": _checksum(header, contents)}, ensure_ascii=False, sort_keys=True).encode()


def read_header(metadata: Mapping[bytes, bytes] | None, where: str) -> Header:
    """Read the header of a moments file.

    Raises
    ------
    DataError
        It is not there, of another version, or damaged.
    """
    text = (metadata or {}).get(KEY)
    if text is None:
        raise DataError(
            "this Parquet file is not a moments file",
            where=where,
            why="It has no header of the format",
            fix="Name a table under 'file' instead, or a file written by 'causalcluster reduce'",
        )
    try:
        found = json.loads(text)
        if found.get("format") == FORMAT and found.get("version") != VERSION:
            raise DataError(
                f"the moments file has format version {found.get('version')!r}, and this package reads version {VERSION}",
                where=where,
                fix=f"{_AGAIN} of this package's version",
            )
        return Header.model_validate(found)
    except (ValueError, AttributeError, ValidationError) as error:
        raise DataError(
            "the header of the moments file is damaged", where=where, why="The file was changed", fix=_AGAIN
        ) from error


def verify(header: Header, text: bytes, contents: Iterable[bytes], where: str) -> None:
    """Raise DataError where header or records are not what was written."""
    found = json.loads(text)
    checksum = found.pop("checksum")
    if checksum != _checksum(found, contents) or header.format != FORMAT:
        raise DataError(
            "the moments file was changed after it was written (its checksum does not match)",
            where=where,
            why="Its numbers may not be those of the rows",
            fix=_AGAIN,
        )


def header_counts(header: Header) -> Counts:
    """Return the counts."""
    return Counts(**header.counts.model_dump())


def header_contrast(header: Header) -> Contrast:
    """Return the contrast as asked for."""
    return Contrast(kind=header.contrast.kind, low=header.contrast.low, high=header.contrast.high)


def header_columns(header: Header) -> tuple[Column, ...]:
    """Return nodes and columns."""
    return tuple(Column(node=item.node, column=item.column) for item in header.nodes)


def _checksum(header: Mapping[str, Any], contents: Iterable[bytes]) -> str:
    digest = hashlib.sha256(json.dumps(header, ensure_ascii=False, sort_keys=True).encode())
    for content in contents:
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()
