"""A finished analysis to the files of its folder."""

from causalcluster.output.files import write_run

__all__ = ["write_run"]
