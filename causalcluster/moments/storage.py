"""Moments to a file and back: docs/moments-file.md describes the format."""

import math
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from causalcluster.errors import DataError, InputError
from causalcluster.moments.header import (
    KEY,
    Header,
    header_columns,
    header_contrast,
    header_counts,
    read_header,
    verify,
    write_header,
)
from causalcluster.moments.labels import sort_labels
from causalcluster.moments.records import Moments, Pattern, product_name

_LEVEL, _GROUP_SIZE = "row", 1
_SCHEMA = pa.schema(
    [
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
        pa.field("group_size", pa.int64(), nullable=False),
        pa.field("missing", pa.list_(pa.string()), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("mean", pa.list_(pa.float64()), nullable=False),
        pa.field("mean_rest", pa.list_(pa.float64()), nullable=False),
        pa.field("reference", pa.list_(pa.float64()), nullable=False),
        pa.field("cross", pa.list_(pa.float64()), nullable=False),
        pa.field("reaches_low", pa.bool_()),
        pa.field("reaches_high", pa.bool_()),
    ]
)


def write_moments(moments: Moments, path: Path | str) -> Path:
    """Write moments to a file, which appears under its name only when it is whole.

    Parameters
    ----------
    moments
        From `reduce_table`, `read_moments` or `pool_moments`.
    path
        The file; an earlier one is replaced, and its permissions are kept.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The file cannot be written; an earlier one is as it was.
    """
    path = Path(path)
    table = pa.Table.from_pylist(list(_records(moments)), schema=_SCHEMA)
    table = table.replace_schema_metadata({KEY: write_header(moments, _contents(table))})
    check_target(path)
    staged = path.absolute().with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        # The user's umask holds, and an earlier file's permissions.
        staged.touch(exist_ok=False)
        if path.exists():
            staged.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWUSR)
        pq.write_table(table, staged, compression="zstd", write_statistics=False, write_page_checksum=True)
        staged.replace(path)
    except OSError as error:
        raise InputError(
            f"the moments file cannot be written ({error.strerror or error})",
            where=str(path),
            why="Nothing was left under this name that was not there before",
            fix="Free some space or choose another folder",
        ) from error
    finally:
        staged.unlink(missing_ok=True)
    return path


def check_target(path: Path) -> None:
    """Raise InputError where a moments file cannot be put at ``path``."""
    if path.is_dir():
        raise InputError("this is a folder", where=str(path), fix="Name a file, such as moments.parquet")
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        what = "cannot be written" if folder.is_dir() else "does not exist"
        raise InputError(f"the folder of the moments file {what}", where=str(folder), fix="Name another place with -o")


def read_moments(path: Path | str) -> Moments:
    """Read a moments file.

    Parameters
    ----------
    path
        A file written by `write_moments`.

    Returns
    -------
    Moments
        Without extremes: a moments file holds none.

    Raises
    ------
    DataError
        There is no such file, it is cut off or changed, of another format version, or no moments file.
    """
    path = Path(path)
    where = str(path)
    if not path.is_file():
        raise DataError("there is no such moments file", where=where, fix="Check 'moments' under 'data'")
    try:
        table = pq.read_table(pa.memory_map(where), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the moments file cannot be read ({(str(error).splitlines() or ['damaged'])[0]})",
            where=where,
            why="It may be cut off, changed or no Parquet file",
            fix="Copy it again, or make it again with 'causalcluster reduce'",
        ) from error
    metadata = table.schema.metadata
    header = read_header(metadata, where)
    if not table.schema.equals(_SCHEMA, check_metadata=False):
        raise DataError("the columns of the moments file are not those of its format", where=where)
    verify(header, metadata[KEY], _contents(table), where)
    _refuse_other_records(table, where)
    return _to_moments(header, table.to_pylist(), path)


def _refuse_other_records(table: pa.Table, where: str) -> None:
    """Raise DataError where a record is not of rows: later versions may hold other levels and groups."""
    for name, known in (("level", _LEVEL), ("group_size", _GROUP_SIZE)):
        others = sorted({value for value in table[name].to_pylist() if value != known})
        if others:
            raise DataError(
                f"the moments file has records whose {name!r} is {others[0]!r}, and this package reads {known!r} alone",
                where=where,
                why="It was written by a later version of the package, and its records would be taken for something else",
                fix="Install that version, or make the file again with 'causalcluster reduce' of this one",
            )


def _records(moments: Moments) -> Iterator[dict[str, Any]]:
    terms = _terms([item.node for item in moments.columns], moments.products)
    for missing, table in ((), moments.table), *((p.missing, p.table) for p in moments.incomplete):
        whole = table.reindex(column=terms, column_2=terms)
        mean, rest, reference, cross = (whole[name].values for name in ("mean", "mean_rest", "reference", "cross"))
        upper = np.triu_indices(len(terms))
        for g, label in enumerate(table["cluster"].values):
            yield {
                "cluster": str(label),
                "level": _LEVEL,
                "group_size": _GROUP_SIZE,
                "missing": list(missing),
                "n": int(table["n"].values[g]),
                "mean": _plain(mean[g]),
                "mean_rest": _plain(rest[g]),
                "reference": _plain(reference[g][: len(moments.columns)]),
                "cross": _plain(cross[g][upper]),
                **{name: bool(table[name].values[g]) if name in table else None for name in ("reaches_low", "reaches_high")},
            }


def _terms(nodes: Sequence[str], products: Sequence[tuple[str, ...]]) -> list[str]:
    return [*nodes, *(product_name(product) for product in products)]


def _plain(values: Any) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]


def _contents(table: pa.Table) -> Iterator[bytes]:
    """Yield the values of every column in a form that does not depend on how they are stored."""
    for name in table.column_names:
        values = table[name].combine_chunks()
        if pa.types.is_list(values.type):
            yield np.asarray(values.value_lengths(), dtype="<i8").tobytes()
            values = values.flatten()
        if pa.types.is_string(values.type):
            yield "\0".join(values.to_pylist()).encode()
        else:
            yield np.asarray(values.is_null(), dtype="u1").tobytes()
            yield np.asarray(values.to_numpy(zero_copy_only=False), dtype="<f8").tobytes()


def _to_moments(header: Header, records: Sequence[dict[str, Any]], path: Path) -> Moments:
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(tuple(record["missing"]), {})[record["cluster"]] = record
    terms = _terms([item.node for item in header.nodes], header.products)
    tables = {missing: _to_table(terms, list(missing), header, found) for missing, found in groups.items()}
    return Moments(
        table=tables.pop(()),
        incomplete=tuple(Pattern(missing=missing, table=table) for missing, table in tables.items()),
        columns=header_columns(header),
        products=header.products,
        counts=header_counts(header),
        asked=header_contrast(header),
        contrast=header.contrast.resolved,
        treatment=header.treatment,
        cluster_column=header.cluster,
        time_column=header.time,
        missing=header.missing,
        name=str(path),
        file=str(path.absolute()),
        fingerprint=header.fingerprint,
        min_cell=header.min_cell,
        n_dropped=header.dropped,
        n_thinned=header.thinned,
    )


def _to_table(terms: list[str], missing: list[str], header: Header, found: dict[str, dict[str, Any]]) -> xr.Dataset:
    labels = sort_labels(list(found))
    records = [found[label] for label in labels]
    absent = {product_name(product) for product in header.products if set(product) & set(missing)} | set(missing)
    kept = [term for term in terms if term not in absent]
    cross = np.empty((len(records), len(terms), len(terms)))
    rows, columns = np.triu_indices(len(terms))
    cross[:, rows, columns] = _doubles(records, "cross")
    cross[:, columns, rows] = cross[:, rows, columns]
    reference = np.zeros((len(records), len(terms)))
    reference[:, : len(header.nodes)] = _doubles(records, "reference")
    table = xr.Dataset(
        {
            "n": ("cluster", np.array([record["n"] for record in records], dtype=np.int64)),
            "mean": (("cluster", "column"), _doubles(records, "mean")),
            "mean_rest": (("cluster", "column"), _doubles(records, "mean_rest")),
            "reference": (("cluster", "column"), reference),
            "cross": (("cluster", "column", "column_2"), cross),
        },
        coords={"cluster": labels, "column": terms, "column_2": terms},
    ).sel(column=kept, column_2=kept)
    if header.treatment in missing:
        return table
    flags = {name: ("cluster", [bool(record[name]) for record in records]) for name in ("reaches_low", "reaches_high")}
    return table.assign(flags)


def _doubles(records: Sequence[dict[str, Any]], name: str) -> Any:
    return np.array([record[name] for record in records], dtype=np.float64)
