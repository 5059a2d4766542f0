"""Where the data sets and the studies that come with the package are on disk."""

from pathlib import Path

from causalcluster.errors import InputError, did_you_mean

_PACKAGE = Path(__file__).resolve().parent
# An installed package is tried before a checkout. Both hold the two folders side by side, as the studies' paths expect.
_ROOTS = (_PACKAGE / "_carried", _PACKAGE.parent)


def dataset_path(name: str) -> Path:
    """Return the folder of a data set that the package carries.

    Raises
    ------
    InputError
        There is no data set of that name.

    Examples
    --------
    >>> (dataset_path("framework") / "card.json").is_file()
    True
    """
    return _find(name, kind="data set", folder="datasets")


def study_path(name: str) -> Path:
    """Return the folder of a study (an analysis file and its page) that the package carries.

    Raises
    ------
    InputError
        There is no study of that name.
    """
    return _find(name, kind="study", folder="analyses")


def _find(name: str, *, kind: str, folder: str) -> Path:
    """Return the first folder called `name`."""
    folders = [root / folder for root in _ROOTS]
    for place in folders:
        # Membership, not a path join: a name such as '..' is then unknown like any other.
        if name in _subfolders(place):
            return place / name
    known = sorted({found for place in folders for found in _subfolders(place)})
    raise InputError(
        f"there is no {kind} {name!r}",
        where="package data",
        why=f"The package carries: {', '.join(known) or 'none'}",
        fix=f"Use one of those.{did_you_mean(name, known)}" if known else "Install the package again",
    )


def _subfolders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
