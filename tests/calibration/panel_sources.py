"""What the calibrations of panels depend on."""

from tests.calibration.linear import SOURCES

PANEL_SOURCES = (
    *SOURCES,
    "causalcluster/lagged_design.py",
    "causalcluster/effects/horizons.py",
    *(f"causalcluster/moments/{name}.py" for name in ("cells", "lags", "latent", "panel", "periods", "units")),
    *(f"causalcluster/checks/{name}.py" for name in ("between", "inside", "latent_means")),
    "causalcluster/panel/means.py",
)
"""All panels' calibrations share one hash: their fingerprints tell which of them a change concerns."""
