"""Panel to moments per cluster."""

from causalcluster.moments.reduction import pooled_mean, pooled_within_sd, reduce_panel

__all__ = ["pooled_mean", "pooled_within_sd", "reduce_panel"]
