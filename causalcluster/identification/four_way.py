"""Decisions for the parts of the four-way decomposition that no other effect gives (VanderWeele 2014, Epidemiology 25(5)).

``total`` = ``cde`` + ``int_ref`` + ``int_med`` + ``pnie``: with the controlled direct effect at the reference values of
all mediators, the reference interaction is ``nde`` - ``cde`` and the mediated interaction ``nie`` - ``pnie``.
"""

from dataclasses import replace

from causalcluster.identification.decisions import NO_PATH, Finding

__all__ = ["mediated_interaction", "reference_interaction"]


def reference_interaction(direct: Finding, controlled: Finding) -> Finding:
    """Decide ``int_ref``: the natural direct effect and the controlled one must both be identified."""
    if not direct.identified or direct.by == NO_PATH:
        return direct
    if not controlled.identified:
        return replace(controlled, instead="The effects nde and nie.")
    return replace(
        direct,
        adjustment=tuple(dict.fromkeys((*direct.adjustment, *controlled.adjustment))),
        assumptions=tuple(dict.fromkeys((*direct.assumptions, *controlled.assumptions))),
        reason=f"The natural direct effect less the controlled one (nde - cde). {direct.reason}",
    )


def mediated_interaction(direct: Finding, mediated: Finding) -> Finding:
    """Decide ``int_med``: it asks for what the natural effects ask for, and is zero where one of them is."""
    if not mediated.identified or mediated.by == NO_PATH:
        return mediated
    if direct.by == NO_PATH:
        return direct
    return replace(mediated, reason=f"The indirect effect in its two splits (nie - pnie). {mediated.reason}")
