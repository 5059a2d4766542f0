"""The report of a finished run, from the files of its folder alone: one self-contained HTML page, and the same in print."""

from causalcluster.report.html import render_report
from causalcluster.report.writing import write_report

__all__ = ["render_report", "write_report"]
