"""The analysis file: read, validated and frozen."""

from causalcluster.analysis.read import parse_analysis, read_analysis
from causalcluster.analysis.records import Analysis

__all__ = ["Analysis", "parse_analysis", "read_analysis"]
