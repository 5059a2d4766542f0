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
    front_door
        Where there is no adjustment set: nodes by which the front-door criterion identifies the total effect (Pearl 1995).
    instruments
        Where there is none: the instruments that DoWhy finds for it.
    """

    outcome: str
    ours: tuple[str, ...] | None
    theirs: tuple[str, ...] | None
    agrees: bool
    front_door: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()


def describe_routes(answer: DowhyAnswer) -> str:
    """Return in words by which other routes the total effect is identified, empty where there is none."""
    found = []
    if answer.front_door:
        found.append(f"through the front door ({', '.join(answer.front_door)})")
    if answer.instruments:
        found.append(f"with {' or '.join(answer.instruments)} as an instrument, if effects are the same in all rows")
    if not found:
        return ""
    return (
        f"No adjustment set identifies the total effect on {answer.outcome}, but DoWhy can identify it "
        f"{', or '.join(found)}; estimate it there, this package does not"
    )
