"""Reads the files of a finished run folder into one frozen record."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from causalcluster.errors import InputError
from causalcluster.report.doubt_records import (
    BetweenRow,
    CohortRow,
    ContourRow,
    CurveRow,
    IndependenceRow,
    LeadRow,
    MeasurementRow,
    ModelRow,
    MultiverseRow,
    OrderRow,
    PowerRow,
    PredictiveRow,
    RefutationRow,
    ScoreRow,
    ShiftRow,
    TippingRow,
)
from causalcluster.report.records import (
    Diagnostics,
    Draws,
    EffectKey,
    EffectRow,
    FinishedRun,
    HypothesisRow,
    IdentificationRow,
    RunSummary,
)

if TYPE_CHECKING:
    import xarray as xr

RUN_FILE: Final = "run.json"
EFFECTS_FILE: Final = "effects.csv"
HYPOTHESES_FILE: Final = "hypotheses.csv"
IDENTIFICATION_FILE: Final = "identification.json"
DIAGNOSTICS_FILE: Final = "diagnostics.json"
POSTERIOR_FILE: Final = "posterior.nc"
ORDERS_FILE: Final = "orders.csv"
BETWEEN_FILE: Final = "between.csv"
MEASUREMENT_FILE: Final = "measurement.csv"
CURVES_FILE: Final = "sensitivity.csv"
TIPPING_FILE: Final = "tipping.csv"
LEADS_FILE: Final = "leads.csv"
COHORTS_FILE: Final = "cohorts.csv"
REFUTATION_FILE: Final = "refutation.csv"
INDEPENDENCES_FILE: Final = "independences.csv"
MULTIVERSE_FILE: Final = "multiverse.csv"
MODELS_FILE: Final = "alternatives.csv"
SCORES_FILE: Final = "scorecard.csv"
CONTOURS_FILE: Final = "contours.csv"
POWER_FILE: Final = "power.csv"
SHIFTS_FILE: Final = "missing_shift.csv"
PREDICTIVE_FILE: Final = "predictive.csv"

type _Records = (
    BetweenRow
    | CohortRow
    | ContourRow
    | CurveRow
    | IndependenceRow
    | LeadRow
    | MeasurementRow
    | ModelRow
    | MultiverseRow
    | PowerRow
    | OrderRow
    | PredictiveRow
    | RefutationRow
    | ScoreRow
    | ShiftRow
    | TippingRow
)
_SCHEMA: Final = "causalcluster-run/1"
_REPEAT: Final = "run the analysis again with 'causalcluster run FILE --out DIR'"
_KEYS: Final = tuple(field.name for field in fields(EffectKey))
_NUMBERS: Final = tuple(f.name for f in fields(EffectRow) if f.name not in ("key", "reason"))


def load_run(directory: Path) -> FinishedRun:
    """Read a finished run.

    Parameters
    ----------
    directory
        A folder written by ``causalcluster run``.

    Returns
    -------
    FinishedRun

    Raises
    ------
    InputError
        The folder does not exist or is not a run folder, or one of its files is missing or damaged.
    """
    if not directory.is_dir():
        raise InputError("there is no such folder", where=str(directory), fix="name the folder given to --out")
    if not (directory / RUN_FILE).is_file():
        raise InputError(
            f"this is not the folder of a finished run: it has no {RUN_FILE}",
            where=str(directory),
            fix="name the folder given to 'causalcluster run --out'",
        )
    run, resolved = _read_run(directory / RUN_FILE)
    posterior = directory / POSTERIOR_FILE
    _require(posterior)
    chains, draws_per_chain = _read_size(posterior)
    return FinishedRun(
        run=run,
        resolved=resolved,
        effects=_read_effects(directory / EFFECTS_FILE),
        hypotheses=_read_hypotheses(directory / HYPOTHESES_FILE),
        identification=_validate(
            tuple[IdentificationRow, ...],
            _read_json(directory / IDENTIFICATION_FILE),
            directory / IDENTIFICATION_FILE,
        ),
        orders=_read_records(OrderRow, directory / ORDERS_FILE),
        between=_read_records(BetweenRow, directory / BETWEEN_FILE),
        measurement=_read_records(MeasurementRow, directory / MEASUREMENT_FILE),
        curves=_read_records(CurveRow, directory / CURVES_FILE),
        tipping=_read_records(TippingRow, directory / TIPPING_FILE),
        leads=_read_records(LeadRow, directory / LEADS_FILE),
        cohorts=_read_records(CohortRow, directory / COHORTS_FILE),
        refutations=_read_records(RefutationRow, directory / REFUTATION_FILE),
        independences=_read_records(IndependenceRow, directory / INDEPENDENCES_FILE),
        scores=_read_records(ScoreRow, directory / SCORES_FILE),
        contours=_read_records(ContourRow, directory / CONTOURS_FILE),
        power=_read_records(PowerRow, directory / POWER_FILE),
        multiverse=_read_records(MultiverseRow, directory / MULTIVERSE_FILE),
        models=_read_records(ModelRow, directory / MODELS_FILE),
        shifts=_read_records(ShiftRow, directory / SHIFTS_FILE),
        predictive=_read_records(PredictiveRow, directory / PREDICTIVE_FILE),
        diagnostics=_validate(Diagnostics, _read_json(directory / DIAGNOSTICS_FILE), directory / DIAGNOSTICS_FILE),
        draws=_read_draws(posterior, groups=("effects",)),
        prior_draws=_read_draws(posterior, groups=("prior_effects", "prior")),
        part_draws=_open_group(posterior, "effects", _keyed_parts, {}),
        energy=_read_energy(posterior),
        chains=chains,
        draws_per_chain=draws_per_chain,
    )


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"the run folder has no {path.name}", where=str(path.parent), fix=_REPEAT)


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path.name} cannot be read", where=str(path), why=why, fix=_REPEAT)


def _read_text(path: Path) -> str:
    _require(path)
    try:
        return path.read_text(encoding="utf-8", newline="")
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise _damaged(path, f"it is not valid JSON ({error})") from error


def _validate[T](shape: type[T], content: Any, path: Path) -> T:
    try:
        return TypeAdapter(shape).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _damaged(path, f"{place}: {first['msg']}") from error


def _read_run(path: Path) -> tuple[RunSummary, Mapping[str, Any]]:
    content = _read_json(path)
    found = content.get("schema") if isinstance(content, dict) else None
    if found != _SCHEMA:
        raise _damaged(path, f"its schema is {found!r}, not {_SCHEMA!r}")
    contrast = content.get("contrast")
    if isinstance(contrast, dict):
        # `from` is a Python keyword, so the record names the two ends as the analysis does.
        renamed = {"low": contrast.get("from"), "high": contrast.get("to")}
        content = {**content, "contrast": {**contrast, **renamed}}
    return _validate(RunSummary, content, path), content.get("analysis", {})


def _read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    text = _read_text(path)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise _damaged(path, str(error)) from error
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise _damaged(path, f"it lacks the column {missing[0]!r}")
    for position, row in enumerate(rows, start=1):
        if None in row or any(value is None for value in row.values()):
            raise _damaged(path, f"row {position} does not have one value for each column")
    return rows


def _number(text: str, path: Path) -> float | None:
    try:
        value = float(text) if text.strip() else None
    except ValueError as error:
        raise _damaged(path, f"{text!r} is not a number") from error
    return value if value is not None and math.isfinite(value) else None


def _read_effects(path: Path) -> tuple[EffectRow, ...]:
    rows = _read_rows(path, (*_KEYS, *_NUMBERS, "reason"))
    return tuple(
        EffectRow(
            key=EffectKey(**{name: row[name] for name in _KEYS}),
            reason=row["reason"],
            **{name: _number(row[name], path) for name in _NUMBERS},
        )
        for row in rows
    )


def _read_hypotheses(path: Path) -> tuple[HypothesisRow, ...]:
    names = tuple(field.name for field in fields(HypothesisRow))
    return tuple(
        HypothesisRow(
            id=row["id"],
            claim=row["claim"],
            probability=_number(row["probability"], path),
            prior_probability=_number(row["prior_probability"], path),
            bayes_factor=_number(row["bayes_factor"], path),
            verdict=row["verdict"],
            reason=row["reason"],
        )
        for row in _read_rows(path, names)
    )


def _read_records[T: _Records](shape: type[T], path: Path) -> tuple[T, ...]:
    """Read a file that a run writes where there is something to write, by the fields of a record."""
    if not path.is_file():
        return ()
    texts = {field.name: field.type is str for field in fields(shape)}
    found = []
    for row in _read_rows(path, tuple(texts)):
        values: dict[str, Any] = {name: row[name] if text else _number(row[name], path) for name, text in texts.items()}
        found.append(shape(**values))
    return tuple(found)


def _open_group[T](path: Path, group: str, use: Callable[["xr.Dataset"], T], default: T) -> T:
    """Open one group of the posterior file and use it; `default` where the group is not there."""
    import netCDF4
    import xarray as xr

    try:
        with netCDF4.Dataset(str(path)) as file:
            if group not in file.groups:
                return default
        with xr.open_dataset(path, group=group, engine="netcdf4", decode_times=False) as dataset:
            return use(dataset)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _damaged(path, str(error)) from error


def _read_size(path: Path) -> tuple[int, int]:
    def size(dataset: "xr.Dataset") -> tuple[int, int]:
        return int(dataset.sizes.get("chain", 0)), int(dataset.sizes.get("draw", 0))

    found = _open_group(path, "posterior", size, (0, 0))
    return found if all(found) else _open_group(path, "effects", size, (0, 0))


def _read_draws(path: Path, *, groups: Sequence[str]) -> dict[EffectKey, Draws]:
    empty: dict[EffectKey, Draws] = {}
    for group in groups:
        found = _open_group(path, group, _keyed_draws, empty)
        if found:
            return found
    return empty


def _keyed_parts(dataset: "xr.Dataset") -> dict[EffectKey, Draws]:
    """Return the draws of the parts of total effects in observed clusters, or of the sample where there are none."""

    def is_part(key: EffectKey) -> bool:
        plain = key.effect in ("nde", "nie") and key.via != "all" and not key.at and not key.horizon
        return plain and key.scale in ("", "difference") and key.level in ("cluster", "sample")

    return _keyed_draws(dataset, is_part)


def _is_of_no_cluster(key: EffectKey) -> bool:
    """Rows about one observed cluster may be very many."""
    return not key.cluster


def _keyed_draws(dataset: "xr.Dataset", wanted: Callable[[EffectKey], bool] = _is_of_no_cluster) -> dict[EffectKey, Draws]:
    """Return the draws of the rows that are wanted."""
    array = dataset.get("effect")
    if array is None or array.ndim != 3:
        return {}
    dim = next(str(name) for name in array.dims if name not in ("chain", "draw"))
    columns = {name: _coordinate(dataset, name, dim) for name in _KEYS}
    keys = [
        EffectKey(**{name: values[position] for name, values in columns.items() if values is not None})
        for position in range(array.sizes[dim])
    ]
    kept = [position for position, key in enumerate(keys) if wanted(key)]
    values = array.isel({dim: kept}).transpose("chain", "draw", dim).to_numpy()
    return {keys[position]: np.asarray(values[:, :, i], dtype=float) for i, position in enumerate(kept)}


def _coordinate(dataset: "xr.Dataset", name: str, dim: str) -> tuple[str, ...] | None:
    # A dataset cannot hold a variable and a coordinate of one name, so the key column `effect` is `estimand` here.
    coord = "estimand" if name == "effect" else name
    if coord in dataset.coords and dataset[coord].dims == (dim,):
        return tuple(str(text) for text in dataset[coord].values)
    if name in ("outcome", "effect"):
        raise ValueError(f"the rows of its effects have no coordinate {coord!r}")
    return None


def _read_energy(path: Path) -> Draws | None:
    def energy(dataset: "xr.Dataset") -> Draws | None:
        if "energy" not in dataset.data_vars:
            return None
        values: Draws = np.asarray(dataset["energy"].transpose("chain", "draw").to_numpy(), dtype=float)
        return values if bool(np.isfinite(values).all()) else None

    return _open_group(path, "sample_stats", energy, None)
