"""The report of a finished run: one self-contained HTML page, from the files of its folder alone."""

from causalcluster.report.html import render_report, write_report

__all__ = ["render_report", "write_report"]
