"""The command line: parsing and calling, nothing else."""

from causalcluster.cli.main import main

__all__ = ["main"]
