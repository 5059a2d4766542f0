"""Means that need not exist: what a user should know before an effect on them is trusted."""

from causalcluster.design import Design
from causalcluster.families import Family

_HEAVY: tuple[Family, ...] = ("lognormal", "student", "negative_binomial")


def warn_about_means(design: Design) -> tuple[str, ...]:
    """Return a sentence for every node of a heavy-tailed family that enters an equation with a log link.

    The exponential of a lognormal or student variable has no finite mean, that of a negative binomial one only for small
    coefficients; what is reported is then the mean over the points of the simulation.
    """
    families = {equation.node: equation.family for equation in design.equations}
    found = []
    for equation in design.equations:
        if equation.link != "log":
            continue
        factors = dict.fromkeys(factor for term in equation.terms for factor in term.factors)
        for factor in factors:
            family = families.get(factor)
            if family in _HEAVY:
                found.append(
                    f"{factor} ({family}) enters the equation of {equation.node}, whose link is a logarithm: "
                    f"the mean of {equation.node} may not be finite. Its logarithm, or another family, avoids it."
                )
    return tuple(found)
