"""A first analysis file for a user's table: what its columns seem to be, as a commented proposal."""

from causalcluster.starter.proposal import Proposal, propose
from causalcluster.starter.writing import render_proposal, write_starter

__all__ = ["Proposal", "propose", "render_proposal", "write_starter"]
