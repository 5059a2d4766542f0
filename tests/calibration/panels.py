"""The tables that fingerprints of the calibrations of panels are taken of."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from tests.calibration import between, cells, cluster_treatment, feedback, indicators, nested


def _nested_table() -> pd.DataFrame:
    rng, n = np.random.default_rng(1), nested.COUNTRIES * nested.CLUSTERS
    theta, sd = 0.3 + 0.2 * rng.standard_normal((n, 3)), np.full((n, 2), 0.7)
    return nested.draw_table(theta, sd, rng.standard_normal((n, 2)), rng)


TABLES: Mapping[str, tuple[str, Callable[[], pd.DataFrame]]] = {
    "cells": (cells.TEXT, lambda: cells.draw_panel(np.random.default_rng(1))[0]),
    "between": (between.TEXT, lambda: between.draw_panel(0.0, np.random.default_rng(1))),
    "nested": (nested.TEXT, _nested_table),
    "indicators": (indicators.TEXT, lambda: indicators.draw_panel(np.random.default_rng(1))[0]),
    "cluster_treatment": (cluster_treatment.TEXT, lambda: cluster_treatment.draw_panel(np.random.default_rng(1))),
    "feedback": (feedback.text(0.5), lambda: feedback.draw_panel("8 periods, own lag", 1)[0]),
}
"""Analysis file and table by calibration."""
