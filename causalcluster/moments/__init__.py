"""Rows to moments by cluster; moments to files and back; moments of several tables to those of all."""

from causalcluster.moments.available import MissingColumn, absorbs_units, analysed_table, available_table, missing_columns
from causalcluster.moments.grouped import reduce_frame
from causalcluster.moments.matching import match_moments
from causalcluster.moments.pooled import pooled_mean, pooled_within_sd
from causalcluster.moments.pooling import pool_moments
from causalcluster.moments.records import Column, Moments, Pattern
from causalcluster.moments.reduction import reduce_rows
from causalcluster.moments.source import read_source, reduce_table
from causalcluster.moments.storage import read_moments, write_moments

__all__ = [
    "Column",
    "MissingColumn",
    "Moments",
    "Pattern",
    "absorbs_units",
    "analysed_table",
    "available_table",
    "match_moments",
    "missing_columns",
    "pool_moments",
    "pooled_mean",
    "pooled_within_sd",
    "read_moments",
    "read_source",
    "reduce_frame",
    "reduce_rows",
    "reduce_table",
    "write_moments",
]
