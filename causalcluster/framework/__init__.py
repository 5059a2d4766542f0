"""The framework of Pyke and Lund-Thomsen (2015) as data."""

from causalcluster.framework.concepts import (
    composite_overlaps,
    framework_confounders,
    framework_edges,
    indirect_pairs,
    unlinked_pairs,
)
from causalcluster.framework.load import load_framework
from causalcluster.framework.records import (
    Framework,
    FrameworkCase,
    FrameworkConfounder,
    FrameworkEdge,
    FrameworkHypothesis,
    FrameworkJudgement,
    FrameworkLink,
    FrameworkModerator,
    FrameworkNode,
)
from causalcluster.framework.render import TOPICS, Topic, framework_summary, render_framework

__all__ = [
    "TOPICS",
    "Framework",
    "FrameworkCase",
    "FrameworkConfounder",
    "FrameworkEdge",
    "FrameworkHypothesis",
    "FrameworkJudgement",
    "FrameworkLink",
    "FrameworkModerator",
    "FrameworkNode",
    "Topic",
    "composite_overlaps",
    "framework_confounders",
    "framework_edges",
    "framework_summary",
    "indirect_pairs",
    "load_framework",
    "render_framework",
    "unlinked_pairs",
]
