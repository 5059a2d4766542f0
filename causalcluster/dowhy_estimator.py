"""The hierarchical posterior as an estimator of DoWhy, so that its refuters run on it.

    model = dowhy.CausalModel(data, treatment="law", outcome="wage", graph=graph)
    estimand = model.identify_effect()
    estimate = model.estimate_effect(
        estimand,
        method_name="backdoor.causalcluster.dowhy_estimator.HierarchicalEstimator",
        method_params={"analysis": read_analysis("analysis.yaml")},
        control_value=0, treatment_value=1,
    )
    model.refute_estimate(estimand, estimate, method_name="placebo_treatment_refuter", placebo_type="permute")

DoWhy permutes rows whatever the design; `causalcluster run --refute` permutes at the level at which the treatment was
assigned.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from dowhy.causal_estimator import CausalEstimate, CausalEstimator
from numpy.typing import NDArray

from causalcluster.analysis.claim_records import name_effect
from causalcluster.analysis.records import Analysis, Contrast, Edge, Node, node_by_name
from causalcluster.errors import InputError
from causalcluster.fitting.evaluation import evaluate_targets
from causalcluster.fitting.many import compiled_here
from causalcluster.fitting.sample import Draws, refit
from causalcluster.planning import Plan, draw_up, prepare

Floats = NDArray[np.float64]


class HierarchicalEstimator(CausalEstimator):  # type: ignore[misc]
    """Total, direct or mediated effect of an analysis as a DoWhy estimate: the posterior mean.

    Parameters
    ----------
    identified_estimand
        DoWhy's; its treatment and outcome are columns of nodes of the analysis. A further adjustment variable that is no
        node becomes a cause of the mediators and of the outcome.
    analysis
        From `causalcluster.read_analysis`: diagram, clusters, mediators and settings of the sampler.
    effect, via
        Which of its effects: 'total' (default), 'nde', or 'nie' with `via` a mediator or 'all'.
    level
        'population' (default) or 'sample'; without clusters 'sample' whatever is asked.
    options
        DoWhy's own.
    """

    def __init__(
        self,
        identified_estimand: Any,
        *,
        analysis: Analysis,
        effect: str = "total",
        via: str = "",
        level: str = "population",
        **options: Any,
    ) -> None:
        super().__init__(identified_estimand, **options)
        self._analysis, self._key = analysis, (effect, via, level)
        self._fitted: tuple[Plan, Draws] | None = None
        self._options = options
        self._effect_modifier_names: list[str] = []

    def get_new_estimator_object(
        self,
        identified_estimand: Any,
        test_significance: Any = False,
        evaluate_effect_strength: bool = False,
        confidence_intervals: Any = None,
    ) -> "HierarchicalEstimator":
        """Return an estimator of the same effect for another estimand, not yet fitted; refuters ask for it."""
        del test_significance, evaluate_effect_strength, confidence_intervals
        effect, via, level = self._key
        return HierarchicalEstimator(
            identified_estimand, analysis=self._analysis, effect=effect, via=via, level=level, **self._options
        )

    def fit(
        self, data: pd.DataFrame, effect_modifier_names: Sequence[str] | None = None, **_: Any
    ) -> "HierarchicalEstimator":
        """Fit the analysis' model to a table; a model of the same structure is not compiled again.

        Raises
        ------
        InputError
            Effects by values of modifiers are asked for, or the table does not hold what the analysis needs.
        """
        names = [
            name for name in effect_modifier_names or () if name in data.columns and name != self._analysis.data.cluster
        ]
        known = {node.column for node in self._analysis.nodes}
        if set(names) - known:
            raise InputError(
                f"{sorted(set(names) - known)[0]!r} modifies the effect and is no node of the analysis",
                fix="draw it into the analysis, with an interaction, or leave it out of DoWhy's graph",
            )
        plan = draw_up(self._asked(), data, doubts=False)
        made = prepare(plan)
        compiled = compiled_here(plan.design, made.arrays, made.priors)
        self._fitted = plan, refit(compiled, made.arrays, self._analysis.sampling)
        return self

    def estimate_effect(
        self,
        data: pd.DataFrame,
        treatment_value: Any = 1,
        control_value: Any = 0,
        target_units: Any = "ate",
        **_: Any,
    ) -> CausalEstimate:
        """Return the effect of setting the treatment from `control_value` to `treatment_value`."""
        if target_units not in (None, "ate"):
            raise InputError(f"the target units {target_units!r} are not available", fix="Ask for 'ate'")
        if treatment_value == control_value:
            raise InputError(f"the treatment is {treatment_value!r} in both worlds", fix="Give two different values")
        self._target_units = target_units
        self._treatment_value, self._control_value = treatment_value, control_value
        draws = self._draws(float(control_value), float(treatment_value))
        lower, upper = np.quantile(draws, [0.025, 0.975])
        estimate = CausalEstimate(
            data=data,
            treatment_name=self._target_estimand.treatment_variable,
            outcome_name=self._target_estimand.outcome_variable,
            estimate=float(draws.mean()),
            control_value=control_value,
            treatment_value=treatment_value,
            target_estimand=self._target_estimand,
            realized_estimand_expr=self.construct_symbolic_estimator(self._target_estimand),
            posterior_sd=float(draws.std(ddof=1)),
            posterior_interval=(float(lower), float(upper)),
        )
        estimate.add_estimator(self)
        return estimate

    def construct_symbolic_estimator(self, estimand: Any) -> str:
        """Return what is estimated, in words."""
        effect, via, level = self._key
        of = f"{effect} via {via}" if via else effect
        return f"{of} of {estimand.treatment_variable} on {estimand.outcome_variable}, {level}, hierarchical posterior mean"

    def _estimate_confidence_intervals(self, confidence_level: float | None = None, method: Any = None, **_: Any) -> Any:
        """Return the equal-tailed posterior interval."""
        del method
        tail = (1.0 - (confidence_level or self.confidence_level)) / 2.0
        draws = self._draws(float(self._control_value), float(self._treatment_value))
        return tuple(map(float, np.quantile(draws, [tail, 1.0 - tail])))

    def _estimate_std_error(self, method: Any = None, **_: Any) -> float:
        """Return the posterior standard deviation."""
        del method
        return float(self._draws(float(self._control_value), float(self._treatment_value)).std(ddof=1))

    def _draws(self, low: float, high: float) -> Floats:
        """Return draws (draw,) of the effect."""
        if self._fitted is None:
            raise InputError("the estimator is not fitted", fix="Call fit(data) first")
        plan, fitted = self._fitted
        targets = prepare(replace(plan, panel=replace(plan.panel, contrast=(low, high)))).targets
        effect, via, level = self._key
        found, _ = evaluate_targets(targets.plain(), fitted.system, random_seed=self._analysis.sampling.seed)
        level = level if level in set(found["level"].values) else "sample"
        key = {"estimand": effect, "via": via, "level": level, "outcome": self._outcome()}
        mask = np.all([found[name].values == value for name, value in key.items()], axis=0)
        if not mask.any():
            reason = next(
                (v.reason for v in plan.verdicts if (v.outcome, v.effect, v.via) == (key["outcome"], effect, via)), ""
            )
            raise InputError(f"{name_effect(effect, key['outcome'], via)} is not identified", why=reason)
        values: Floats = found["effect"].values[..., int(np.flatnonzero(mask)[0])].ravel()
        return values

    def _outcome(self) -> str:
        """Return the node of the estimand's outcome."""
        column = _only(self._target_estimand.outcome_variable)
        found = [node.name for node in self._analysis.nodes if node.column == column]
        return found[0] if found else self._analysis.question.outcomes[0]

    def _asked(self) -> Analysis:
        """Return the analysis of the estimand: treatment and outcome under its names, and causes that it adds."""
        analysis, estimand = self._analysis, self._target_estimand
        # The contrast is that of each estimate; any will do for the fit.
        contrast = Contrast(kind="values", low=0.0, high=1.0)
        question = replace(analysis.question, contrast=contrast, outcomes=(self._outcome(),))
        columns = {
            question.treatment: _only(estimand.treatment_variable),
            question.outcomes[0]: _only(estimand.outcome_variable),
        }
        nodes = [replace(node, column=columns.get(node.name, node.column)) for node in analysis.nodes]
        known = {node.column for node in analysis.nodes} | {analysis.data.cluster, analysis.data.unit, analysis.data.time}
        more = [name for name in estimand.get_adjustment_set() or () if name not in known]
        ends = [name for name in (*question.mediators, *question.outcomes) if node_by_name(analysis, name).measures is None]
        return replace(
            analysis,
            hypotheses=(),
            question=question,
            nodes=(*nodes, *(Node(name=name, layer="context", column=name, label=name) for name in more)),
            edges=(*analysis.edges, *(Edge(source=name, target=end) for name in more for end in ends)),
        )


def _only(names: Any) -> str:
    """Return the one name of a list of DoWhy's."""
    if isinstance(names, str):
        return names
    if len(names) != 1:
        raise InputError(f"one column is wanted, and DoWhy's estimand names {len(names)}: {', '.join(map(str, names))}")
    return str(names[0])
