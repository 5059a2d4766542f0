"""The words that the report uses, each explained once, and the works it relies on."""

from typing import Final

from causalcluster.report.records import FinishedRun

TERMS: Final[tuple[tuple[str, str], ...]] = (
    (
        "Total effect",
        (
            "How much the outcome would change on average if the treatment were set from its old to its new value, "
            "everything that follows from it included."
        ),
    ),
    (
        "Direct effect (nde)",
        (
            "The part of the total effect that remains when the mediators stay as they would be under the old value "
            "(natural direct effect; Pearl 2001). What runs through variables that are not declared mediators counts "
            "as direct."
        ),
    ),
    (
        "Through all mediators (nie)",
        (
            "The rest of the total effect: what comes from the mediators' change (natural indirect effect; Pearl 2001). "
            "Direct and indirect effect add up to the total in every draw."
        ),
    ),
    (
        "Through one mediator",
        (
            "What enters at this mediator, with all that follows from it, after the mediators before it have changed "
            "(Daniel et al. 2015; Steen et al. 2017). These parts add up to the effect through all mediators."
        ),
    ),
    (
        "Order of the mediators",
        (
            "Where no chain of arrows joins two mediators, either may be counted first. What enters at one of them "
            "may depend on it; the whole does not."
        ),
    ),
    (
        "Predictive check, p-value",
        (
            "Data are drawn from the fitted equations and a statistic of them is held against the observed one. The "
            "p-value is twice the share of replicates that lie farther out on its side; one in twenty is below 0.05 by "
            "chance (Gelman, Meng and Stern 1996; Marshall and Spiegelhalter 2007)."
        ),
    ),
    (
        "Positivity",
        "Whether the data of a cluster reach what is set. Where they do not, its effects are extrapolated.",
    ),
    (
        "tnde, pnie",
        (
            "The other way to split the total: the direct effect with mediators as under the new value, and the "
            "indirect effect with the treatment's direct influence held at the old value. They differ from nde and nie "
            "where treatment and mediator interact (VanderWeele 2015)."
        ),
    ),
    (
        "Path",
        (
            "The part that runs along one chain of arrows. It is reported only where all equations on it are linear "
            "without interactions."
        ),
    ),
    (
        "Controlled direct effect (cde)",
        "The effect of the treatment with a mediator set to a stated value for everyone (VanderWeele 2015).",
    ),
    (
        "Share through mediators (prop_mediated)",
        "Indirect divided by total effect. It has no meaning where the total may be zero, so it is then left out.",
    ),
    (
        "Population, sample, new cluster",
        (
            "Population: the average over clusters like these, observed or not. Sample: the average over the clusters "
            "observed. New: one cluster not yet seen. In the population the average of a product of two coefficients "
            "is the product of the averages plus their covariance between clusters (Kenny, Korchmaros and Bolger 2003)."
        ),
    ),
    (
        "Spread between clusters (between_sd)",
        "The standard deviation of the effect from one cluster to another.",
    ),
    (
        "Identified",
        (
            "An effect is identified when the data, had we endless rows of them, would give its true value if the "
            "diagram is right. The diagram itself comes from knowledge of the field; data cannot prove it."
        ),
    ),
    (
        "Interval, probability",
        (
            "Given the data, the model and its assumptions, the effect lies in the 95% interval with probability 95%; "
            "as much probability lies below it as above. Probability above 0 is the probability that the effect is "
            "positive."
        ),
    ),
    (
        "Prior, posterior",
        "What is believed about an effect before and after the data are seen.",
    ),
    (
        "Bayes factor",
        "The odds of a claim after the data divided by its odds before: how far the data alone shift the belief.",
    ),
    (
        "R-hat, ESS, divergences, E-BFMI",
        (
            "Checks on the sampler. R-hat near 1: the chains agree. ESS: how many independent draws the draws are "
            "worth, in the middle (bulk) and at the ends (tail) (Vehtari et al. 2021). Divergences and a low E-BFMI: "
            "places that the sampler could not explore (Betancourt 2016)."
        ),
    ),
)

WORKS: Final[tuple[str, ...]] = (
    ("Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo. arXiv:1604.00695."),
    (
        "Daniel, R. M., De Stavola, B. L., Cousens, S. N. and Vansteelandt, S. (2015). Causal mediation analysis with "
        "multiple mediators. Biometrics 71(1), 1-14."
    ),
    (
        "Gelman, A., Meng, X.-L. and Stern, H. (1996). Posterior predictive assessment of model fitness via realized "
        "discrepancies. Statistica Sinica 6, 733-807."
    ),
    (
        "Kenny, D. A., Korchmaros, J. D. and Bolger, N. (2003). Lower level mediation in multilevel models. "
        "Psychological Methods 8(2), 115-128."
    ),
    (
        "Marshall, E. C. and Spiegelhalter, D. J. (2007). Identifying outliers in Bayesian hierarchical models: a "
        "simulation-based approach. Bayesian Analysis 2(2), 409-444."
    ),
    (
        "Pearl, J. (2001). Direct and indirect effects. Proceedings of the 17th Conference on Uncertainty in Artificial "
        "Intelligence, 411-420."
    ),
    (
        "Pyke, F. and Lund-Thomsen, P. (2015). Industrial Clusters and Social Upgrading in Developing Countries: Towards "
        "An Analytical Framework. CBS working paper 1-2015."
    ),
    (
        "Steen, J., Loeys, T., Moerkerke, B. and Vansteelandt, S. (2017). Flexible mediation analysis with multiple "
        "mediators. American Journal of Epidemiology 186(2), 184-193."
    ),
    (
        "VanderWeele, T. J. (2015). Explanation in Causal Inference: Methods for Mediation and Interaction. Oxford "
        "University Press."
    ),
    (
        "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-normalization, folding, and "
        "localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16(2), 667-718."
    ),
)

_FOUR_WAY: Final = (
    "Interactions (int_ref, int_med)",
    (
        "The total effect in four parts (VanderWeele 2014, Epidemiology 25(5), 749-761): the direct effect with all "
        "mediators held at stated values, what interaction adds to it because mediators are not at these values (int_ref), "
        "what interaction adds because the treatment moves them (int_med), and what runs through them without interaction "
        "(pnie)."
    ),
)
_RATIO: Final = (
    "Ratio, odds ratio",
    (
        "The average outcome under the one treatment over that under the other, or the odds p / (1 - p) of these averages. "
        "1 says that nothing changes; direct and indirect effect multiply to the total in every draw."
    ),
)


def terms_of(run: FinishedRun) -> tuple[tuple[str, str], ...]:
    """Return the terms with those that only some runs need."""
    more = []
    if any(row.key.effect in ("int_ref", "int_med") for row in run.effects):
        more.append(_FOUR_WAY)
    if any(row.key.scale != "difference" for row in run.effects):
        more.append(_RATIO)
    return (*TERMS, *more)
