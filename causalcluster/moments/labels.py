"""Order of cluster labels, as in `causalcluster.data.labels`."""

from causalcluster.data.labels import sort_labels

__all__ = ["sort_labels"]
