"""What DoWhy says, as a record that needs none of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DowhyAnswer:
    """What DoWhy says on the total effect on one outcome.

    Parameters
    ----------
    outcome
        The outcome's name.
    ours, theirs
        A minimal adjustment set by this package and by DoWhy, in topological order; None where there is none.
    agrees
        Whether both find a set and each accepts the other's, or both find none.
    """

    outcome: str
    ours: tuple[str, ...] | None
    theirs: tuple[str, ...] | None
    agrees: bool
