"""Rows to moments by cluster."""

from causalcluster.moments.pooled import pooled_mean, pooled_within_sd
from causalcluster.moments.records import Column, Moments, Pattern
from causalcluster.moments.reduction import reduce_frame, reduce_rows

__all__ = ["Column", "Moments", "Pattern", "pooled_mean", "pooled_within_sd", "reduce_frame", "reduce_rows"]
