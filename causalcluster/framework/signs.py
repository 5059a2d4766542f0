"""How sure the paper is of a sign: a prior probability that an effect is positive, from its words and its cases.

What counts is the sign alone; the paper has no effect sizes. The paper's own certainty comes first, by the weakest of the
edges that an effect joins. Cases in which cause and effect were both coded then count a quarter of an observation each,
beside four for the paper's words: forty-four episodes that were picked to illustrate are no data for estimating effects.
"""

from collections.abc import Collection, Mapping

from causalcluster.framework.load import load_framework
from causalcluster.framework.records import Framework, Sign, Status

CERTAINTY: Mapping[Status, float] = {
    "R": 0.85,
    "A": 0.8,
    "H": 0.65,
    "I": 0.6,
    "X": 0.6,
    "S": 0.6,
    "P": 0.6,
    "C": 0.6,
}
"""Probability of the paper's sign by status: reported with a citation, argued, hedged; others are weaker than a hedge."""
WORDS_COUNT, CASE_COUNTS = 4.0, 0.25
_VARIABLES: Mapping[str, str] = {
    "gov_enforcement": "gov_enforces",
    "enforcement_policy": "gov_enforces",
    "joint_action": "joint_action",
    "fair_remuneration": "out_wages",
    "economic_growth": "out_growth",
    "cluster_employment": "out_growth",
    "exports": "out_growth",
    "upgrading": "out_upgrading",
    "market_access": "out_market_access",
    "social_conditions": "out_social_overall",
    "social_upgrading": "out_social_overall",
    "safe_work_environment": "out_conditions",
    "absence_of_child_labour": "out_child_labour",
    "social_protection_coverage": "out_social_protection",
    "employment_security": "out_security",
    "collective_representation": "out_rights",
    "labour_rights_homeworkers": "out_rights",
    "labour_shortage": "ctx_labour_shortage",
    "price_inflation": "ctx_inflation",
}
_PREFIXES: Mapping[str, str] = {
    "gov_": "gov_facilitates",
    "emp_": "employers_act",
    "wrk_": "workers_act",
    "com_": "community_act",
}
_GROUPS: Mapping[str, str] = {
    "standards": "env_standards",
    "monetary": "env_monetary",
    "fiscal": "env_fiscal",
    "trade_regulation": "env_trade",
    "labour_regulation": "env_labour_regulation",
}


def probability_positive(
    sign: Sign | str, edge_ids: Collection[str], source: str | None = None, target: str | None = None
) -> float:
    """Return the probability, before any data, that an effect of the paper is positive; 0.5 where it names no sign.

    Parameters
    ----------
    sign
        Of the effect: '+', '-', or another that names none.
    edge_ids
        The edges of the paper behind it.
    source, target
        Concepts of cause and effect, for the cases.

    Examples
    --------
    >>> probability_positive("+", ["E161"]), probability_positive("?", ["E161"])
    (0.85, 0.5)
    """
    if sign not in ("+", "-"):
        return 0.5
    framework = load_framework()
    statuses = [edge.status for edge in framework.edges if edge.id in set(edge_ids)]
    certainty = min((CERTAINTY[status] for status in statuses), default=0.5)
    stated = certainty if sign == "+" else 1.0 - certainty
    alike, unlike = count_cases(framework, source, target)
    weight = WORDS_COUNT + CASE_COUNTS * (alike + unlike)
    return (WORDS_COUNT * stated + CASE_COUNTS * alike) / weight


def count_cases(framework: Framework, source: str | None, target: str | None) -> tuple[int, int]:
    """Return in how many episodes cause and effect were coded with the same sign, and with opposite ones."""
    first, second = (None if concept is None else case_variable(framework, concept) for concept in (source, target))
    if first is None or second is None or first == second:
        return 0, 0
    alike = unlike = 0
    for case in framework.cases:
        codes = dict(case.codes)
        product = codes.get(first, 0) * codes.get(second, 0)
        alike += product > 0
        unlike += product < 0
    return alike, unlike


def case_variable(framework: Framework, concept: str) -> str | None:
    """Return the variable under which episodes were coded that a concept belongs to, or None."""
    if concept in _VARIABLES:
        return _VARIABLES[concept]
    prefix = next((variable for start, variable in _PREFIXES.items() if concept.startswith(start)), None)
    if prefix is not None:
        return prefix
    group = next((node.group for node in framework.nodes if node.id == concept and node.layer == "environment"), "")
    return _GROUPS.get(group)
