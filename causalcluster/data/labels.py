"""Order of cluster labels."""

import re
from collections.abc import Sequence
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Sort labels by value where all are numbers, else by code point.

    Examples
    --------
    >>> sort_labels(["10", "9"]), sort_labels(["10", "9", "a"])
    (['9', '10'], ['10', '9', 'a'])
    """
    if all(_NUMBER.fullmatch(label) for label in labels):
        return sorted(labels, key=lambda label: (Decimal(label), label))
    return sorted(labels)
